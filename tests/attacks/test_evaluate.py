import numpy as np
import pytest

from pixelveil.attacks import Reconstruction
from pixelveil.attacks.evaluate import best_reading, score
from pixelveil.attacks.public_images.readings import color_readings, image_turns, products
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


@pytest.mark.parametrize("per_image", [False, True])
@pytest.mark.parametrize("side", [24, 96])
def test_of_many_readings_the_best_is_found(per_image, side):
    """Of 96, in full where they are few and small, and by a shortlist otherwise."""
    versions = products(image_turns(square=True), color_readings(channels=3, jointly=True))
    plain = pictures(count=20, side=side)
    plain = np.stack([np.roll(plain[..., channel], 5 * channel, axis=1) for channel in range(3)], axis=-1)
    hidden = versions[61](plain)
    if per_image:
        hidden = np.where(np.arange(20)[:, None, None, None] % 2 == 0, hidden, versions[14](plain))
    found = best_reading(Reconstruction(images=hidden, versions=versions, per_image=per_image), plain)
    np.testing.assert_array_equal(found, plain)


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
