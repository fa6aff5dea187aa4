import pytest

from pixelveil.attacks import create_attack
from pixelveil.attacks.games import create_game
from pixelveil.audit.control_store import Control
from pixelveil.audit.game_trial import GameTrial
from pixelveil.audit.lifetime import LifetimeTrial
from pixelveil.audit.model_trial import ModelTrial, create_model_attack
from pixelveil.audit.subject import OfSubject
from pixelveil.audit.trial import AttackTrial

GOOD = Control(passed=True, facts={})
TRIALS = {
    "attack": AttackTrial(attack=create_attack("leading-bit")),
    "game": GameTrial(game=create_game("matching")),
    "model": ModelTrial(attack=create_model_attack("plain-tokens")),
    "point": LifetimeTrial(attack=create_attack("statistics-skk"), ciphertexts=5, positive=GOOD, negative=GOOD),
}


@pytest.mark.parametrize("kind", TRIALS)
def test_a_trial_says_what_its_subject_declares(kind):
    trial = TRIALS[kind]
    for fact in ("name", "title", "citation", "access", "cost"):
        assert getattr(trial, fact) == getattr(trial.subject, fact)


def test_files_and_kinds():
    assert {kind: (trial.file, trial.kind) for kind, trial in TRIALS.items()} == {
        "attack": ("leading-bit", "attack"),
        "game": ("matching", "game"),
        "model": ("plain-tokens", "attack"),
        "point": ("statistics-skk@5", "lifetime"),
    }


def test_a_trial_without_subject_has_no_facts():
    with pytest.raises(NotImplementedError):
        _ = OfSubject().name
