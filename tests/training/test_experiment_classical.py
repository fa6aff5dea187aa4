import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.training.experiment_classical import LEARNERS, answers_of

pytest.importorskip("sklearn")
RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3
IMAGES = (RANDOM.normal(0, 40, (60, 4, 4, 3)) + 60 * LABELS[:, None, None, None]).clip(0, 255).astype(np.uint8)


def answers(name, images, gamma=0.5, **recipe):
    parts = {"train": images[:40], "labels": LABELS[:40], "test": images[40:]}
    return answers_of(name, gamma=gamma, recipe=recipe, seed=0, **parts)


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_every_learner_learns(name):
    assert np.mean(answers(name, IMAGES) == LABELS[40:]) > 0.8


@pytest.mark.parametrize("name", ["kernel-svm", "logistic-regression"])
def test_rotations_and_inversions_change_no_answer(name):
    matrix = np.linalg.qr(RANDOM.normal(size=(48, 48)))[0]
    turned = (IMAGES.reshape(60, -1) @ matrix).reshape(IMAGES.shape)
    inverted = np.where(np.arange(48).reshape(4, 4, 3) % 2, 255 - IMAGES, IMAGES)
    before = answers(name, IMAGES)
    assert (answers(name, turned) == before).all()
    assert (answers(name, inverted) == before).all()


def test_an_argument_that_a_learner_has_not_is_refused():
    with pytest.raises(UsageError, match="settings"):
        answers("random-forest", IMAGES, kernel="rbf")
