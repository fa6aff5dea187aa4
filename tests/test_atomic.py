import os
import stat

import pytest

from pixelveil import atomic
from pixelveil.atomic import write_atomic


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.txt"


def test_content_is_written_and_replaced(path):
    write_atomic(path, b"old")
    write_atomic(path, b"")
    assert path.read_bytes() == b""
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_file_has_its_mode_from_the_first_byte_on(path, mode, monkeypatch):
    path.touch(mode=0o666)
    seen = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda number: (seen.append(stat.S_IMODE(os.fstat(number).st_mode)), fsync(number))
    )
    write_atomic(path, b"secret", mode=mode)
    assert seen[0] == mode
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_content_is_on_the_disk_before_it_has_its_name_and_the_name_after(path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, type(path).replace
    monkeypatch.setattr(os, "fsync", lambda number: (steps.append(_kind(number)), fsync(number)))
    monkeypatch.setattr(type(path), "replace", lambda self, target: (steps.append("rename"), replace(self, target)))
    write_atomic(path, b"x")
    assert steps == ["file", "rename", "folder"]


def _kind(number):
    return "folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk is full"), KeyboardInterrupt()])
def test_whatever_stops_it_the_old_file_stands_and_nothing_is_left(path, step, error, monkeypatch):
    path.write_bytes(b"old")

    def fail(*_):
        raise error

    if step == "fsync":
        monkeypatch.setattr(atomic.os, "fsync", fail)
    else:
        monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(type(error)):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "missing" / "file", b"x")
    assert list(tmp_path.iterdir()) == []


def test_two_writers_do_not_share_a_temporary_name(path, monkeypatch):
    names = []
    opened = os.open
    monkeypatch.setattr(os, "open", lambda name, *rest: (names.append(str(name)), opened(name, *rest))[1])
    write_atomic(path, b"a")
    write_atomic(path, b"b")
    temporary = [name for name in names if name.endswith(".tmp")]
    assert len(set(temporary)) == 2
    assert all(os.path.basename(name).startswith(".file.txt.") for name in temporary)  # noqa: PTH119
