import pytest

from pixelveil.data.files import replacing, sweep


def test_the_old_content_stays_until_the_block_ends_well(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_nothing_behind(tmp_path):
    def fail():
        with replacing(tmp_path / "a") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    with replacing(tmp_path / ("ü" * 127 + "x")) as file:
        file.write(b"x")
    assert (tmp_path / ("ü" * 127 + "x")).read_bytes() == b"x"


def test_sweep_removes_what_a_killed_job_left(tmp_path):
    (tmp_path / "deep").mkdir()
    context = replacing(tmp_path / "deep" / "a")
    context.__enter__().write(b"half")  # and never ends, as if killed
    (tmp_path / "deep" / ".hidden").touch()
    sweep(tmp_path)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == [".hidden"]
