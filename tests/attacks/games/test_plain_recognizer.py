import numpy as np
import pytest

from pixelveil.attacks.games.plain_recognizer import train_on_public
from pixelveil.attacks.measures import class_agreement
from pixelveil.errors import UsageError


def pictures(count, seed):
    """Horizontal and vertical waves of any color, and checkers; labels 3, 5, 9."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :16]
    waves = [np.sin(x * 0.8), np.sin(y * 0.8), np.sin(x * 1.6) * np.sin(y * 1.6)]
    kinds = generator.integers(3, size=count)
    bases = np.stack([waves[kind] for kind in kinds])[..., None] * generator.uniform(20, 60, (count, 1, 1, 3))
    images = 128 + bases + generator.normal(0, 10, (count, 16, 16, 3))
    return np.clip(images, 0, 255).astype(np.uint8), np.array([3, 5, 9])[kinds]


def test_classes_of_other_images_are_recognized_and_held_out_ones_tell_how_well():
    classify, share = train_on_public(*pictures(120, 0))
    images, labels = pictures(80, 1)
    found = classify(images)
    assert set(found) <= {3, 5, 9}
    assert np.mean(found == labels) > 0.9
    assert share > 0.9


def test_shuffled_labels_teach_nothing():
    images, labels = pictures(120, 0)
    classify, share = train_on_public(images, np.random.default_rng(1).permutation(labels))
    others, truth = pictures(80, 1)
    assert np.mean(classify(others) == truth) < 0.6
    assert share < 0.7


def test_it_agrees_with_itself_on_a_good_reconstruction_alone():
    classify, _ = train_on_public(*pictures(120, 0))
    images, _ = pictures(80, 1)
    noise = np.random.default_rng(2).integers(0, 256, images.shape, dtype=np.uint8)
    assert class_agreement(np.roll(images, 1, axis=1), images, classify=classify).mean() > 0.8
    assert class_agreement(noise, images, classify=classify).mean() < 0.6


@pytest.mark.parametrize(("count", "labels"), [(4, [0, 1, 0, 1]), (20, [1] * 20)])
def test_too_little_to_learn_from_is_told(count, labels):
    with pytest.raises(UsageError, match="train no classifier"):
        train_on_public(pictures(count, 0)[0], np.array(labels))
