import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.ciphertexts.leading_bit import FoldedReading, LeadingBit, fold, folded_readings
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.measures import edge_correlation, ssim
from pixelveil.errors import UsageError


def test_the_key_has_no_influence(photographs, held):
    plain = photographs(32, 4)
    scheme = create_scheme("skk", shuffle="none")
    first, second = (LeadingBit().run(held(scheme, plain)).images for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, fold(plain))


def test_folding_twice_is_folding_once():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(fold(fold(values)), fold(values))
    np.testing.assert_array_equal(fold(values), [min(v, 255 - v) for v in range(256)])


def test_dark_images_come_back(photographs, held):
    dark = photographs(32, 4) // 2
    found = LeadingBit().run(held(create_scheme("skk", shuffle="none"), dark))
    np.testing.assert_array_equal(found.images, dark)


def test_shuffled_pixels_keep_their_values(photographs, held):
    plain = photographs(32, 4)
    found = LeadingBit().run(held(create_scheme("smkk"), plain)).images
    np.testing.assert_array_equal(np.sort(found, axis=-1), np.sort(fold(plain), axis=-1))


@pytest.mark.parametrize(("shuffle", "least"), [("none", 0.75), ("per_pixel", 0.72)])
def test_photographs_are_read(photographs, held, shuffle, least):
    plain = photographs(128, 2)
    found = score(LeadingBit().run(held(create_scheme("skk", shuffle=shuffle), plain)), plain)
    assert found.mean("edges") > least
    assert found.mean("ssim") > 0.4


def test_sorting_hides_the_shuffle(photographs, held):
    plain = photographs(128, 2)
    found = LeadingBit().run(held(create_scheme("skk"), plain)).images
    straight, ordered = (edge_correlation(FoldedReading(channels=way)(found), plain) for way in ("apart", "sorted"))
    assert ordered.mean() > straight.mean() + 0.05
    best_possible = edge_correlation(fold(plain), plain)
    assert ordered.mean() > best_possible.mean() - 0.08


def test_noise_gives_nothing(photographs, held):
    plain = photographs(128, 2)
    noise = aes_noise(len(plain), plain.shape[1:])
    for name in ("skk", "xor-stream"):
        found = score(LeadingBit().run(held(create_scheme(name), noise)), plain)
        assert abs(found.mean("edges")) < 0.03, name
        assert found.mean("ssim") < 0.1, name


def test_instahide_has_signs_to_fold():
    values = np.array([[-100.0, 100.0, 3.0]])
    np.testing.assert_array_equal(fold(values), fold(-values))
    assert LeadingBit().obstacle(create_scheme("instahide")) == ""


def test_where_it_does_not_apply(photographs, held):
    for name in ("tanaka-le", "madono-ele", "etc-color", "vit-permutation", "vit-orthogonal", "svd-wang"):
        assert LeadingBit().obstacle(create_scheme(name)), name
    assert not LeadingBit().obstacle(create_scheme("vit-permutation", shuffle=False, scramble_blocks=False))
    with pytest.raises(UsageError, match="does not apply to tanaka-le"):
        LeadingBit().run(held(create_scheme("tanaka-le"), photographs(32, 4)))


def test_padded_gray_and_flat_images(held):
    ramp = np.arange(30 * 30, dtype=np.uint16).reshape(1, 30, 30, 1).astype(np.uint8)
    inversion = create_scheme("vit-permutation", shuffle=False, scramble_blocks=False)
    np.testing.assert_array_equal(LeadingBit().run(held(inversion, ramp)).images, fold(ramp))
    flat = np.full((2, 16, 16, 3), 200, np.uint8)
    np.testing.assert_array_equal(LeadingBit().run(held(create_scheme("skk"), flat)).images, 55)


def test_readings():
    folded = fold(np.random.default_rng(0).integers(256, size=(2, 9, 9, 3), dtype=np.uint8))
    readings = folded_readings(shuffled=True, smoothing=(1.0,))
    np.testing.assert_array_equal(readings[0](folded), folded)
    assert len(readings) == 8
    for plain, inverted in zip(readings[::2], readings[1::2], strict=True):
        np.testing.assert_array_equal(255 - plain(folded), inverted(folded))
    mean = FoldedReading(channels="mean")(folded)
    np.testing.assert_array_equal(mean[..., 1], folded.mean(axis=-1).astype(np.uint8))
    assert (ssim(mean, folded) < 1).all()
