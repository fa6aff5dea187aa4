import copy
import pickle
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelveil.errors import BudgetError, IntegrityError, KeyFileError, UsageError
from pixelveil.keys import Key, key, keyfile, read_header, store

pytestmark = pytest.mark.usefixtures("cheap_scrypt")


def load(path):
    return Key.load(path, passphrase="p")


def used(path):
    return read_header(path).active.used


def spend(made):
    """Reserve one image after the other until the budget is spent; return how many."""
    granted = 0
    try:
        while True:
            made.reserve(1)
            granted += 1
    except BudgetError:
        return granted


# In memory


def test_generate_makes_one_active_epoch():
    made = Key.generate()
    assert [(epoch.number, epoch.state, epoch.budget, epoch.used) for epoch in made.epochs] == [
        (1, "active", 10_000, 0)
    ]
    assert made.active is made.epochs[0]
    assert made.fingerprint == made.active.fingerprint
    assert made.path is None


@given(st.integers(1, 50), st.lists(st.integers(0, 20)))
def test_reserve_counts_exactly_and_never_over_the_budget(budget, counts):
    made, granted = Key.generate(budget=budget), 0
    for count in counts:
        if granted + count > budget:
            with pytest.raises(BudgetError, match=f"may encrypt {budget - granted} more images, not {count}") as error:
                made.reserve(count)
            assert "pixelveil rotate" in error.value.hint
        else:
            granted += count
            assert made.reserve(count).used == granted
        assert made.remaining == budget - granted


@pytest.mark.parametrize("budget", [0, -1, 2**53])
def test_impossible_budgets_are_refused(budget):
    with pytest.raises(UsageError, match="budget"):
        Key.generate(budget=budget)
    with pytest.raises(UsageError, match="budget"):
        Key.generate().rotate(budget=budget)


def test_negative_count_is_refused():
    with pytest.raises(UsageError, match="-1"):
        Key.generate().reserve(-1)


def test_rotate_retires_and_opens():
    made = Key.generate(budget=7)
    made.reserve(7)
    old = made.fingerprint
    new = made.rotate()
    assert [(epoch.state, epoch.budget, epoch.used) for epoch in made.epochs] == [("retired", 7, 7), ("active", 7, 0)]
    assert made.active is new
    assert new.fingerprint != old
    assert made.rotate(budget=9).budget == 9
    assert made.epoch(fingerprint=old).number == 1


def test_foreign_fingerprint_is_named_with_ours():
    made, other = Key.generate(), Key.generate()
    with pytest.raises(IntegrityError) as error:
        made.epoch(fingerprint=other.fingerprint)
    assert made.fingerprint in str(error.value)
    assert other.fingerprint in str(error.value)


def test_plan_cache_survives_counting_and_rotation():
    made = Key.generate()
    made.active.plan_cache["a"] = 1
    made.reserve(3)
    made.rotate()
    assert [epoch.plan_cache for epoch in made.epochs] == [{"a": 1}, {}]


def test_nothing_gives_a_key_away():
    made = Key.generate()
    assert repr(made) == f"Key(fingerprint='{made.fingerprint}', epochs=1)"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UsageError, match="cannot be pickled"):
            leak(made)


# In a file


def test_load_gives_what_was_saved(tmp_path):
    made = Key.generate(budget=50)
    made.reserve(3)
    made.rotate(budget=60)
    made.reserve(4)
    made.save(tmp_path / "my.pvkey", passphrase="p")
    opened = load(str(tmp_path / "my.pvkey"))
    assert opened.epochs == made.epochs
    assert [e.subkey(purpose="p") for e in opened.epochs] == [e.subkey(purpose="p") for e in made.epochs]
    assert opened.path == made.path == (tmp_path / "my.pvkey").resolve()


def test_save_does_not_overwrite_unless_told_to(path):
    before = path.read_bytes()
    made = Key.generate()
    with pytest.raises(UsageError, match="exists already"):
        made.save(path, passphrase="p")
    assert path.read_bytes() == before
    assert made.path is None
    made.save(path, passphrase="p", overwrite=True)
    assert load(path).fingerprint == made.fingerprint


def test_a_key_is_kept_in_one_file(path, tmp_path):
    with pytest.raises(UsageError, match="count its budget twice"):
        load(path).save(tmp_path / "other.pvkey", passphrase="p")
    assert not (tmp_path / "other.pvkey").exists()


def test_saving_again_changes_the_passphrase_and_keeps_the_count_of_others(path):
    first, second = load(path), load(path)
    second.reserve(300)
    first.save(path, passphrase="new", overwrite=True)
    assert used(path) == 300
    assert Key.load(path, passphrase="new").fingerprint == first.fingerprint
    with pytest.raises(KeyFileError, match="another passphrase since it was opened"):
        second.reserve(300)


def test_a_deleted_file_can_be_written_again_from_memory(path):
    made = load(path)
    path.unlink()
    with pytest.raises(KeyFileError, match="no such key file"):
        made.reserve(1)
    made.save(path, passphrase="p")
    assert load(path).epochs == made.epochs


def test_a_link_is_followed_so_that_the_file_itself_is_counted(path, tmp_path):
    link = tmp_path / "link.pvkey"
    link.symlink_to(path)
    load(link).reserve(500)
    assert link.is_symlink()
    assert used(path) == 500


def test_counted_before_granted(path):
    made = load(path)
    assert made.reserve(300).fingerprint == made.fingerprint
    assert used(path) == 300
    made.reserve(1)
    assert used(path) == 300 + key.LEASE
    assert made.remaining == 699


def test_a_lease_is_spent_without_touching_the_file(path):
    made = load(path)
    made.reserve(1)
    path.unlink()
    for _ in range(key.LEASE - 1):
        made.reserve(1)
    with pytest.raises(KeyFileError, match="no such key file"):
        made.reserve(1)


def test_a_lease_is_topped_up_by_what_is_missing(path):
    made = load(path)
    made.reserve(1)
    made.reserve(255 + 700)
    assert used(path) == 956
    made.reserve(1)
    assert used(path) == 1000
    assert made.remaining == 43
    made.reserve(43)
    with pytest.raises(BudgetError, match="may encrypt 0 more images, not 1"):
        made.reserve(1)
    assert made.reserve(0).remaining == 0


def test_a_refused_reservation_costs_nothing(path):
    made = load(path)
    made.reserve(1)
    with pytest.raises(BudgetError, match="may encrypt 999 more images, not 1000"):
        made.reserve(1000)
    assert made.remaining == 999
    made.reserve(999)
    assert used(path) == 1000


def test_close_gives_back_what_was_not_spent(path):
    with load(path) as made:
        made.reserve(10)
        assert used(path) == 256
    assert used(path) == 10
    made.reserve(1)
    made.close()
    made.close()
    assert used(path) == 11


def test_rotate_gives_back_and_is_seen_by_others(path):
    first, second = load(path), load(path)
    first.reserve(10)
    second.reserve(20)
    new = first.rotate(budget=77)
    assert [(epoch.state, epoch.used) for epoch in read_header(path).epochs] == [("retired", 266), ("active", 0)]
    assert second.reserve(236).number == 1
    assert second.reserve(1).fingerprint == new.fingerprint
    assert second.remaining == 76
    assert used(path) == 77
    second.close()
    assert used(path) == 1


def test_a_void_lease_is_not_given_back_to_the_new_epoch(path):
    first, second = load(path), load(path)
    first.reserve(1)
    second.rotate()
    second.reserve(500)
    first.close()
    assert used(path) == 500
    assert first.remaining == 500


def test_plan_cache_survives_reading_the_file_again(path):
    made = load(path)
    made.active.plan_cache["a"] = 1
    made.reserve(300)
    assert made.active.plan_cache == {"a": 1}


def test_scrypt_runs_once(path, monkeypatch):
    made = load(path)
    monkeypatch.setattr(keyfile, "Scrypt", None)
    made.reserve(300)
    made.rotate()
    made.reserve(300)
    made.close()


def test_each_writing_has_a_fresh_nonce(path):
    made, nonces = load(path), set()
    for _ in range(3):
        made.reserve(256)
        nonces.add(read_header(path).nonce)
    assert len(nonces) == 3


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failing_write_grants_nothing_and_is_never_counted_twice(path, monkeypatch, when):
    made, write = load(path), store.write_epochs

    def fail(*arguments, **options):
        if when == "after":
            write(*arguments, **options)
        raise KeyFileError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_epochs", fail)
        with pytest.raises(KeyFileError, match="gone"):
            made.reserve(1)
    assert spend(made) == (1000 if when == "before" else 1000 - key.LEASE)


def test_a_failing_return_wastes_the_lease(path, monkeypatch):
    made = load(path)
    made.reserve(1)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_epochs", store.read_epochs)
        with pytest.raises(TypeError):
            made.close()
    assert made.remaining == 1000 - key.LEASE


OPERATIONS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["reserve", "reserve", "reserve", "close", "rotate", "crash"])),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(OPERATIONS, st.randoms(use_true_random=False))
def test_no_interleaving_overruns_a_budget(operations, numbers):
    """Three holders of one file reserve, close, rotate and crash; the images granted are counted per epoch."""
    granted = Counter()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "my.pvkey"
        Key.generate(budget=700).save(path, passphrase="p")
        holders = [load(path) for _ in range(3)]
        for index, operation in operations:
            holder = holders[index]
            if operation == "reserve":
                count = numbers.choice([0, 1, 5, 100, 300])
                try:
                    granted[holder.reserve(count).fingerprint] += count
                except BudgetError:
                    assert holder.remaining < count
            elif operation == "crash":
                holders[index] = load(path)
            else:
                getattr(holder, operation)()
            for epoch in read_header(path).epochs:
                assert granted[epoch.fingerprint] <= epoch.used <= epoch.budget
