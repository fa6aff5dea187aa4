"""Jobs that are stopped, by an error or by the system, and taken up again."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pixelveil.data import encrypt_folder, verify_folder
from pixelveil.data.job import locked
from pixelveil.errors import BudgetError, IntegrityError, UsageError
from pixelveil.keys import Key, keyfile
from pixelveil.schemes import create_scheme

DERIVED = create_scheme("vit-permutation", block_size=4, key_policy="derived")
SHARED = create_scheme("vit-permutation", block_size=4)

CHILD = """
import sys, time
from pathlib import Path
from pixelveil.data import encrypt_folder
from pixelveil.keys import Key
from pixelveil.schemes import create_scheme

source, out, key, storage = sys.argv[1:]
scheme = create_scheme("vit-permutation", block_size=4, key_policy="derived")
with Key.load(key, passphrase="p") as opened:
    encrypt_folder(Path(source), Path(out), key=opened, scheme=scheme, storage=storage, shard_size=7, workers=2,
                   advance=lambda done, total: time.sleep(0.002))
"""


class StopError(Exception):
    pass


def stop_after(count):
    calls = 0

    def advance(done, total):
        nonlocal calls
        calls += 1
        if calls == count:
            raise StopError

    return advance


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finished_chunks(out):
    return len(list((out / ".job").glob("chunk-*.jsonl")))


@pytest.fixture
def many(folder):
    source = folder(*(f"train/{label}/p{number}.png" for label in ("cat", "dog") for number in range(60)))
    (source / "train" / "cat" / "p3.png").write_bytes(b"broken")
    return source


@pytest.mark.parametrize("storage", ["png", "npy", "wds"])
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(many, tmp_path, monkeypatch, storage):
    monkeypatch.setattr(keyfile, "LOG2_N", 10)
    key = Key.generate(budget=5000)
    key.save(tmp_path / "k.pvkey", passphrase="p")
    out, again = tmp_path / "out", tmp_path / "again"
    command = [sys.executable, "-c", CHILD, many, out, tmp_path / "k.pvkey", storage]
    choice = random.Random(storage)
    progress = []
    for target in (1, 5, 9, 14):
        child = subprocess.Popen(command)
        while child.poll() is None and finished_chunks(out) < target:
            time.sleep(0.001)
        time.sleep(choice.uniform(0, 0.02))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert not (out / "manifest.jsonl").exists()
        progress.append(finished_chunks(out))
        (again / ".job").mkdir(parents=True, exist_ok=True)
        shutil.copy(out / ".job" / "job.json", again / ".job" / "job.json")
    assert progress == sorted(progress)
    assert progress[-1] >= 14
    subprocess.run(command, check=True)

    report = encrypt_folder(many, again, key=key, scheme=DERIVED, storage=storage, shard_size=7)
    assert (report.images, report.rejected, report.finished_before) == (119, 1, 0)
    assert files(out) == files(again)
    assert (tmp_path / "out.rejected.jsonl").read_bytes() == (tmp_path / "again.rejected.jsonl").read_bytes()
    with Key.load(tmp_path / "k.pvkey", passphrase="p") as opened:
        assert verify_folder(out, key=opened) == 119
        # Each kill wastes at most the unfinished chunk and the lease.
        assert opened.active.used <= 5 * (256 + 119)


def test_what_was_finished_is_not_counted_again(pets, tmp_path, key):
    with pytest.raises(StopError):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, shard_size=2, workers=1, advance=stop_after(9))
    finished, used = finished_chunks(tmp_path / "out"), key.active.used
    assert finished == 4
    report = encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, shard_size=2, workers=1)
    assert report.finished_before == 2 * finished
    assert key.active.used - used == 22 - 2 * finished


def test_progress_counts_what_was_done_before(pets, tmp_path, key):
    with pytest.raises(StopError):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, shard_size=4, advance=stop_after(9))
    seen = []
    encrypt_folder(
        pets, tmp_path / "out", key=key, scheme=SHARED, shard_size=4, advance=lambda *counts: seen.append(counts)
    )
    assert seen == [(done, 22) for done in range(9, 23)]


def test_a_complete_job_is_left_alone(pets, tmp_path, key):
    out = tmp_path / "out"
    encrypt_folder(pets, out, key=key, scheme=SHARED)
    before, used = {path: path.stat().st_mtime_ns for path in out.rglob("*")}, key.active.used
    assert encrypt_folder(pets, out, key=key, scheme=SHARED).finished_before == 22
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path != out} == {
        path: time for path, time in before.items() if path != out
    }
    assert key.active.used == used
    next((out / "train" / "cat").iterdir()).unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        encrypt_folder(pets, out, key=key, scheme=SHARED)


@pytest.mark.parametrize("finished", [False, True])
def test_another_job_does_not_go_into_the_same_folder(pets, tmp_path, key, finished):
    out = tmp_path / "out"
    if finished:
        encrypt_folder(pets, out, key=key, scheme=SHARED)
    else:
        with pytest.raises(StopError):
            encrypt_folder(pets, out, key=key, scheme=SHARED, advance=stop_after(3))
    others = [
        ("scheme", {"scheme": create_scheme("vit-orthogonal", block_size=4), "storage": "npy"}),
        ("parameters", {"scheme": create_scheme("vit-permutation", block_size=8)}),
        ("parameters", {"scheme": DERIVED}),
        ("fingerprint", {"key": Key.generate()}),
        ("size", {"size": 16}),
        ("storage", {"storage": "wds"}),
        ("shard size", {"shard_size": 7}),
        ("classes", {"hide_classes": True}),
    ]
    for what, change in others:
        with pytest.raises(UsageError, match=f"holds a job with another {what}"):
            encrypt_folder(pets, out, **{"key": key, "scheme": SHARED, **change})
    (pets / "train" / "cat" / "patient-cat-00.png").unlink()
    with pytest.raises(UsageError, match="another source"):
        encrypt_folder(pets, out, key=key, scheme=SHARED)
    if finished:
        verify_folder(out, key=key)  # what was refused has left nothing behind


def test_a_job_that_could_not_begin_leaves_nothing_behind(pets, tmp_path, key):
    with pytest.raises(BudgetError):
        encrypt_folder(pets, tmp_path / "out", key=Key.generate(budget=3), scheme=SHARED)
    assert not any((tmp_path / "out").iterdir())
    assert encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED).images == 22


def test_a_rotated_key_does_not_go_on_with_an_old_job(pets, tmp_path, key):
    with pytest.raises(StopError):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, advance=stop_after(3))
    key.rotate()
    with pytest.raises(UsageError, match="another fingerprint"):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)


def test_two_processes_do_not_work_in_one_folder(pets, tmp_path, key):
    with locked(tmp_path / "out"), pytest.raises(UsageError, match="another process"):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    assert encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED).images == 22


def test_a_damaged_job_file_is_seen(pets, tmp_path, key):
    with pytest.raises(StopError):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, advance=stop_after(3))
    state = tmp_path / "out" / ".job" / "job.json"
    state.write_bytes(state.read_bytes()[:-20])
    with pytest.raises(IntegrityError, match=r"job\.json"):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)


def test_a_place_that_cannot_be_written_is_a_clear_line(pets, tmp_path, key):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", Path(tmp_path / "file" / "deep")):
        with pytest.raises(UsageError, match="cannot be written"):
            encrypt_folder(pets, out, key=key, scheme=SHARED)


def test_a_job_file_holds_the_first_line_of_the_manifest(pets, tmp_path, key):
    with pytest.raises(StopError):
        encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED, advance=stop_after(3))
    state = (tmp_path / "out" / ".job" / "job.json").read_bytes()
    encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    assert (tmp_path / "out" / "manifest.jsonl").read_bytes().startswith(state)
    assert len(bytes.fromhex(json.loads(state)["salt"])) == 16


@pytest.mark.parametrize("step", ["seal_names", "sweep", "write_manifest"])
def test_stopped_while_it_finishes_it_finishes_later(pets, tmp_path, key, monkeypatch, step):
    def stop(*arguments, **named):
        raise StopError

    (pets / "train" / "cat" / "bad.png").touch()
    with monkeypatch.context() as patch:
        patch.setitem(encrypt_folder.__globals__, step, stop)
        with pytest.raises(StopError):
            encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    used = key.active.used
    report = encrypt_folder(pets, tmp_path / "out", key=key, scheme=SHARED)
    assert (report.images, report.finished_before, report.rejected, key.active.used) == (22, 22, 1, used)
    assert verify_folder(tmp_path / "out", key=key) == 22
