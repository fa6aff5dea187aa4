import numpy as np
import pytest

from pixelveil.attacks.measures import class_agreement, ranks, thumbnail_features
from pixelveil.errors import UsageError


def faces(count=200, side=24):
    """Smooth random pictures, all different."""
    small = np.random.default_rng(0).random((count, 4, 4, 1))
    return (np.kron(small, np.ones((1, side // 4, side // 4, 3))) * 255).astype(np.uint8)


def test_originals_find_themselves():
    assert ranks(faces(), faces()).tolist() == [0] * 200


def test_noise_finds_at_chance():
    noise = np.random.default_rng(1).integers(0, 256, (200, 24, 24, 3), dtype=np.uint8)
    found = ranks(noise, faces())
    assert np.mean(found == 0) < 0.05
    assert found.mean() == pytest.approx(100, abs=20)


def test_a_blurred_picture_is_still_found():
    reduced = faces()[:, ::3, ::3].repeat(3, axis=1).repeat(3, axis=2)
    assert np.mean(ranks(reduced[:50], faces()) == 0) > 0.9


def test_ties_count_against_the_reconstruction():
    flat = np.full((3, 24, 24, 3), 100, np.uint8)
    assert (ranks(flat, faces()) == 199).all()


def test_other_features_may_be_used():
    found = ranks(faces()[:5], faces(), features=lambda images: images.reshape(len(images), -1))
    assert found.tolist() == [0] * 5


def test_odd_sizes_have_cells_too():
    assert thumbnail_features(faces(2)[:, :7, :23]).shape == (2, 2 * 7 * 16)


def test_the_gallery_holds_the_originals():
    with pytest.raises(UsageError, match="does not hold"):
        ranks(faces(3), faces(2))


def test_a_classifier_answers_the_same_on_equal_images_and_at_chance_on_noise():
    def classify(images):
        return (images.mean(axis=(1, 2, 3)) * 2 % 4).astype(int)

    assert class_agreement(faces(), faces(), classify=classify).tolist() == [1.0] * 200
    shuffled = np.random.default_rng(0).permutation(faces())
    answers, others = classify(faces()), classify(shuffled)
    found = class_agreement(shuffled, faces(), classify=classify)
    assert found.mean() == np.mean(answers == others)
    assert found.mean() == pytest.approx(0.25, abs=0.12)


def test_a_classifier_gives_one_answer_an_image():
    with pytest.raises(UsageError, match="one answer an image"):
        class_agreement(faces(3), faces(3), classify=lambda images: np.zeros((len(images), 2)))
    with pytest.raises(UsageError, match="cannot be compared"):
        class_agreement(faces(3), faces(2), classify=len)
