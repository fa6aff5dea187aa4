import numpy as np
import pytest

from pixelveil.attacks import Reconstruction
from pixelveil.attacks.evaluate import best_reading, score
from pixelveil.errors import UsageError


def pictures(count=70, side=24):
    small = np.random.default_rng(0).random((count, 6, 6, 1))
    return (np.kron(small, np.ones((1, side // 6, side // 6, 3))) * 255).astype(np.uint8)


VERSIONS = (lambda images: images, lambda images: 255 - images, lambda images: images[:, :, ::-1])


def test_one_reading_for_all():
    plain = pictures()
    for hidden in (plain, 255 - plain, plain[:, :, ::-1]):
        np.testing.assert_array_equal(best_reading(Reconstruction(images=hidden, versions=VERSIONS), plain), plain)


def test_a_reading_for_each():
    plain = pictures()
    mixed = np.where(np.arange(70)[:, None, None, None] % 2 == 0, plain, 255 - plain)
    one = best_reading(Reconstruction(images=mixed, versions=VERSIONS), plain)
    each = best_reading(Reconstruction(images=mixed, versions=VERSIONS, per_image=True), plain)
    assert not np.array_equal(one, plain)
    np.testing.assert_array_equal(each, plain)


def test_scores_are_of_the_reading():
    plain = pictures()
    scores = score(Reconstruction(images=255 - plain, versions=VERSIONS), plain, gallery=plain)
    assert scores.mean("ssim") == pytest.approx(1)
    assert scores.mean("edges") == pytest.approx(1)
    assert (scores.measures["psnr"] == np.inf).all()
    assert (scores.ranks == 0).all()
    assert (scores.count, scores.gallery) == (70, 70)


def test_noise_scores_nothing():
    noise = np.random.default_rng(1).integers(0, 256, pictures().shape, dtype=np.uint8)
    scores = score(Reconstruction(images=noise, versions=VERSIONS), pictures(), gallery=pictures())
    for name in ("ssim", "edges", "information"):
        assert abs(scores.mean(name)) < 0.05, name
    assert np.mean(scores.ranks == 0) < 0.1


def test_shapes_must_agree():
    with pytest.raises(UsageError, match="are none of images"):
        score(Reconstruction(images=pictures(3)), pictures(4))
