"""Positive controls are run once for the same images, settings and time, and then kept."""

import json

import pytest

from pixelveil.audit.bench import Bench
from pixelveil.audit.control_store import Control, ControlStore, Question, time_of
from pixelveil.audit.trial import AttackTrial
from pixelveil.schemes import create_scheme

QUESTION = Question(name="some", settings={"attack": {}, "positive": {"least": 0.5}}, data="d", seed=0)


class Counted:
    def __init__(self, control):
        self.control, self.times = control, []

    def __call__(self, seconds):
        self.times.append(seconds)
        return self.control


@pytest.fixture
def store(tmp_path):
    return ControlStore(folder=tmp_path / "controls")


def test_it_is_run_once_and_then_kept(store):
    run = Counted(Control(passed=True, facts={"reached": 0.7}))
    first, left = store.answer(QUESTION, seconds=30, run=run)
    second, more = store.answer(QUESTION, seconds=33, run=run)
    assert run.times == [8.0]
    assert first == second == Control(passed=True, facts={"reached": 0.7, "seconds": 8.0})
    assert left <= 15
    assert more <= 16.5


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"settings": {"attack": {}, "positive": {"least": 0.6}}},
        {"settings": {"attack": {"bits": 8}, "positive": {"least": 0.5}}},
        {"data": "e"},
        {"seed": 1},
    ],
)
def test_what_decides_its_outcome_is_in_the_digest(store, change):
    run = Counted(Control(passed=True))
    store.answer(QUESTION, seconds=30, run=run)
    store.answer(Question(**{**vars(QUESTION), **change}), seconds=30, run=run)
    assert len(run.times) == 2


def test_more_time_is_another_question(store):
    run = Counted(Control(passed=False))
    store.answer(QUESTION, seconds=30, run=run)
    store.answer(QUESTION, seconds=60, run=run)
    assert run.times == [8.0, 16.0]


def test_a_control_has_no_more_time_than_its_attack():
    assert all(time_of(seconds) <= seconds for seconds in (0.0, 1e-3, 0.7, 1.0, 5.9, 600.0))


def test_a_damaged_file_is_made_anew(store):
    run = Counted(Control(passed=True, facts={"reached": float("nan")}))
    store.answer(QUESTION, seconds=30, run=run)
    (path,) = store.folder.iterdir()
    assert json.loads(path.read_text())["facts"]["reached"] is None
    for text in ("", "[]", '{"digest": "x", "passed": true, "facts": {}}'):
        path.write_text(text)
        store.answer(QUESTION, seconds=30, run=run)
    assert len(run.times) == 4


def test_without_a_folder_nothing_is_kept():
    run = Counted(Control(passed=True))
    for _ in range(2):
        ControlStore().answer(QUESTION, seconds=3, run=run)
    assert len(run.times) == 2


def test_audits_of_two_schemes_share_it_and_it_holds_no_picture(store, scheme, images, fakes):
    for each in (scheme, create_scheme("skk")):
        bench = Bench(scheme=each, images=images, controls=store)
        found = AttackTrial(attack=fakes.Folding(), positives=fakes.positives).run(bench, seconds=9)
        assert found.positive.passed
    (path,) = store.folder.iterdir()
    assert len(path.read_bytes()) < 1000
