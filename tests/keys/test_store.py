import fcntl
import multiprocessing
import os
import shutil
import time
from pathlib import Path

import pytest

from pixelveil.errors import KeyFileError, UsageError
from pixelveil.keys import read_header, store

RELEASED = Path(__file__).with_name("released") / "key-v1.txt"
RELEASED_SUBKEYS = ["efc5fe6a5d48beaf", "58b5f065143b2035"]


def test_file_is_readable_by_its_owner_only(path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_name("my.pvkey.lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644])
def test_file_that_others_may_touch_is_refused(path, mode):
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"other users may read or write it .mode {mode:o}.") as error:
        store.open_epochs(path, passphrase="p")
    assert error.value.hint == f"chmod 600 {path}"


def test_header_of_a_file_that_others_may_read_can_be_inspected(path):
    path.chmod(0o644)
    assert read_header(path) == read_header(path.read_bytes())
    assert read_header(path).active.budget == 1000


def test_missing_file_is_named(tmp_path):
    for function in (read_header, lambda path: store.open_epochs(path, passphrase="p")):
        with pytest.raises(KeyFileError, match=r"no\.pvkey: no such key file") as error:
            function(tmp_path / "no.pvkey")
        assert error.value.hint == "make one: pixelveil keygen FILE"


def test_folder_and_pipe_are_not_files(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(KeyFileError):
            store.open_epochs(path, passphrase="p")


def test_unreadable_path_is_named(path):
    with pytest.raises(KeyFileError, match="cannot be read: Not a directory"):
        read_header(path / "below")


def test_other_files_and_wrong_passphrases_are_named(path, tmp_path):
    other = tmp_path / "photo.png"
    other.write_bytes(b"\x89PNG\r\n\x1a\n")
    other.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"photo\.png: is not a key file"):
        store.open_epochs(other, passphrase="p")
    with pytest.raises(KeyFileError, match=r"my\.pvkey: wrong passphrase, or the file was altered"):
        store.open_epochs(path, passphrase="q")
    with pytest.raises(UsageError, match="empty"):
        store.open_epochs(path, passphrase="")


def test_huge_file_is_refused_without_reading_it_whole(path):
    os.truncate(path, 1 << 40)
    with pytest.raises(KeyFileError, match="larger than a key file"):
        read_header(path)


def test_writing_into_a_missing_folder_is_named(tmp_path, path):
    epochs, wrapping = store.open_epochs(path, passphrase="p")
    with pytest.raises(KeyFileError, match="cannot be written: No such file or directory"):
        store.write_epochs(tmp_path / "no" / "my.pvkey", epochs, wrapping=wrapping)
    with (
        pytest.raises(KeyFileError, match=r"my\.pvkey: cannot be written"),
        store.locked(tmp_path / "no/my.pvkey"),
    ):
        pass


def test_lock_is_exclusive_even_in_one_process_and_is_given_back_after_an_error(path):
    def is_free():
        with path.with_name("my.pvkey.lock").open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    with store.locked(path):
        assert not is_free()
    assert is_free()
    with pytest.raises(RuntimeError), store.locked(path):
        raise RuntimeError
    assert is_free()


def test_lock_of_a_killed_process_is_free(path):
    def hold(ready):
        with store.locked(path):
            ready.set()
            time.sleep(60)

    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hold, args=(ready,))
    process.start()
    assert ready.wait(30)
    process.kill()
    with store.locked(path):
        process.join()


def test_a_process_forked_meanwhile_does_not_keep_the_lock(path):
    context = multiprocessing.get_context("fork")
    with store.locked(path):
        process = context.Process(target=time.sleep, args=(60,))
        process.start()
    try:
        with path.with_name("my.pvkey.lock").open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        process.kill()
        process.join()


def test_a_file_of_the_first_release_still_opens(tmp_path):
    """The file was written by version 0.1.0 and is never written again: released formats stay readable for ever."""
    path = tmp_path / "v1.pvkey"
    shutil.copy(RELEASED, path)
    path.chmod(0o600)
    epochs, _ = store.open_epochs(path, passphrase="only for tests")
    assert [(epoch.state, epoch.budget, epoch.used) for epoch in epochs] == [
        ("retired", 10_000, 300),
        ("active", 500, 7),
    ]
    assert [epoch.subkey(purpose="shared-plan", role="test").hex()[:16] for epoch in epochs] == RELEASED_SUBKEYS
