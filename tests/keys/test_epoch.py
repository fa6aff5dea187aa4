import copy
import dataclasses
import datetime
import pickle

import pytest

from pixelveil.errors import UsageError
from pixelveil.keys.derive import derive
from pixelveil.keys.epoch import MAX_BUDGET, Epoch, EpochRecord, fingerprint_of

ROOT = bytes(range(32))
RECORD = EpochRecord(
    number=1, state="active", fingerprint=fingerprint_of(ROOT), budget=10, used=3, created="2026-11-20"
)


def test_create_draws_a_root_of_its_own():
    first, second = Epoch.create(number=1), Epoch.create(number=1)
    assert first.fingerprint != second.fingerprint
    assert (first.state, first.used, first.budget, first.remaining) == ("active", 0, 10_000, 10_000)
    assert datetime.date.fromisoformat(first.created)


def test_fingerprint_is_half_of_a_subkey_that_serves_nothing_else():
    epoch = Epoch(RECORD, root=ROOT)
    assert epoch.fingerprint == derive(ROOT, purpose="fingerprint").hex()[:32]
    with pytest.raises(UsageError, match="public"):
        epoch.subkey(purpose="fingerprint")


def test_subkey_is_derived_from_the_root():
    labels = {"purpose": "a", "scheme": "b", "client": "c", "role": "d"}
    assert Epoch(RECORD, root=ROOT).subkey(**labels) == derive(ROOT, **labels)


def test_root_of_another_fingerprint_is_refused():
    with pytest.raises(UsageError, match="not the one"):
        Epoch(RECORD, root=bytes(32))


def test_nothing_shows_the_root():
    epoch = Epoch(RECORD, root=ROOT)
    epoch.plan_cache["secret"] = "plan"
    assert repr(epoch) == f"Epoch(number=1, state='active', fingerprint='{epoch.fingerprint}')"
    assert dataclasses.asdict(epoch) == dataclasses.asdict(RECORD)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UsageError, match="cannot be pickled"):
            leak(epoch)


def test_equality_is_of_the_public_part():
    epoch = Epoch(RECORD, root=ROOT)
    epoch.plan_cache[1] = 2
    assert epoch == Epoch(RECORD, root=ROOT)
    assert epoch != epoch.replace(used=4)


def test_epoch_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Epoch(RECORD, root=ROOT).used = 0


def test_replace_changes_state_and_count_and_shares_root_and_cache():
    epoch = Epoch(RECORD, root=ROOT)
    other = epoch.replace(state="retired", used=7)
    assert (other.state, other.used, other.remaining) == ("retired", 7, 3)
    assert epoch.replace() == epoch
    assert other.subkey(purpose="p") == epoch.subkey(purpose="p")
    assert other.plan_cache is epoch.plan_cache


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"state": "lost"},
        {"fingerprint": "AB" * 16},
        {"fingerprint": "ab" * 15},
        {"budget": 0},
        {"budget": MAX_BUDGET + 1},
        {"used": -1},
        {"used": 11},
        {"created": "2026-02-30"},
        {"created": "20261120"},
        {"created": "2026-W47-5"},
    ],
)
def test_record_refuses_what_a_key_file_cannot_hold(change):
    with pytest.raises(UsageError):
        dataclasses.replace(RECORD, **change)
