import numpy as np
import pytest
from scipy import ndimage

from pixelveil import create_scheme
from pixelveil.attacks import Budget
from pixelveil.attacks.ciphertexts.deconvolution import (
    Deconvolution,
    FollowedReading,
    public_filter,
    restored_share,
    wiener,
)
from pixelveil.attacks.ciphertexts.leading_bit import LeadingBit
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import score


@pytest.mark.parametrize("shape", [(1, 7, 7, 1), (2, 12, 9, 3)])
@pytest.mark.parametrize("weights", [[0.1, 0.8, 0.1], [0.05, 0.1, 0.7, 0.1, 0.05]])
def test_a_filter_is_undone_exactly(shape, weights):
    plain = np.random.default_rng(0).uniform(0, 255, shape)
    seen = plain
    for axis in (1, 2):
        seen = ndimage.correlate1d(seen, weights, axis=axis, mode="mirror")
    np.testing.assert_allclose(wiener(seen, weights=np.array(weights), noise=0), plain, atol=1e-8)


def test_noise_is_not_amplified_without_end():
    weights = np.array([0.25, 0.5, 0.25])
    noise = np.random.default_rng(0).normal(127.5, 5, (1, 64, 64, 1))
    assert np.abs(wiener(noise, weights=weights, noise=25.0) - 127.5).max() < 200


def test_the_restored_share_is_what_comes_back():
    weights, generator = np.array([0.25, 0.5, 0.25]), np.random.default_rng(0)
    plain = generator.normal(127.5, 50, (1, 128, 128, 1))
    seen = plain
    for axis in (1, 2):
        seen = ndimage.correlate1d(seen, weights, axis=axis, mode="mirror")
    seen = seen + generator.normal(0, 5, seen.shape)
    left = ((wiener(seen, weights=weights, noise=25, signal=2500) - plain) ** 2).mean() / 2500
    share = restored_share(weights, shape=(128, 128), noise=25, signal=2500)
    assert 1 - left == pytest.approx(share, abs=0.03)
    assert 0.2 < share < 0.9


def test_the_public_filter():
    np.testing.assert_allclose(public_filter(create_scheme("huang", statistic="mean", mode="sliding", kernel=5)), 0.2)
    assert len(public_filter(create_scheme("skk-g", kernel=5))) == 5
    assert public_filter(create_scheme("huang")) is None
    assert public_filter(create_scheme("skk-g", order="pre")) is None
    assert public_filter(create_scheme("skk")) is None


@pytest.mark.parametrize(
    ("name", "parameters", "least"),
    [
        ("skk-g", {"kernel": 5, "sigma": 0.5}, 0.68),
        ("skk-g", {"kernel": 7, "sigma": 0.8}, 0.61),
        ("skk-g", {}, 0.55),
        ("huang", {"statistic": "mean", "mode": "sliding"}, 0.5),
    ],
)
def test_filtered_photographs_are_read(photographs, held, name, parameters, least):
    plain, scheme = photographs(128, 2), create_scheme(name, **parameters)
    evidence = held(scheme, plain)
    control = negative_control(evidence, encrypt=lambda images: scheme.encrypt(images).images)
    found, floor = (score(Deconvolution().run(one), plain) for one in (evidence, control))
    assert found.mean("edges") > least
    assert abs(floor.mean("edges")) < 0.04
    assert found.mean("edges") > score(LeadingBit().run(evidence), plain).mean("edges") + 0.1


def test_strong_blur_and_noise_leave_less(photographs, held):
    plain = photographs(128, 2)
    found = [
        score(Deconvolution().run(held(create_scheme("skk-g", **parameters), plain)), plain).mean("edges")
        for parameters in ({}, {"kernel": 5, "sigma": 1.1}, {"kernel": 13, "sigma": 1.5})
    ]
    assert found == sorted(found, reverse=True)
    assert found[1] > 0.25


def test_padded_gray_and_flat_images(held):
    ramp = np.arange(15 * 13, dtype=np.uint8).reshape(1, 15, 13, 1)
    assert Deconvolution().run(held(create_scheme("skk-g", key_block=4), ramp)).images.shape == ramp.shape
    flat = np.full((2, 16, 16, 3), 200, np.uint8)
    found = Deconvolution().run(held(create_scheme("skk-g"), flat), budget=Budget(seconds=9)).images
    assert abs(float(found.mean()) - 55) < 5


def test_no_time_at_all(photographs, held):
    plain = photographs(32, 4)
    assert (
        Deconvolution().run(held(create_scheme("skk-g"), plain), budget=Budget(seconds=0)).images.shape == plain.shape
    )


def test_following_is_a_reading(photographs):
    folded = photographs(32, 4) // 2
    below, above = (FollowedReading(inverted=(bit,) * 3)(folded) for bit in (False, True))
    np.testing.assert_array_equal(below, 255 - above)
    np.testing.assert_array_equal(np.sort(below, axis=-1), np.sort(folded, axis=-1))


def test_where_it_does_not_apply():
    assert "energy" in Deconvolution().obstacle(create_scheme("huang"))
    for name in ("skk", "tanaka-le", "vit-orthogonal"):
        assert "no filter" in Deconvolution().obstacle(create_scheme(name)), name
