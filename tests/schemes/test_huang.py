import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.schemes import create_scheme
from pixelveil.steps import BlockStatistic, ColorShuffle, NegativePositive, Rounding, SlidingFilter

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

STATISTICS = ("median", "mean", "max", "min")


def encrypted(images, **parameters):
    return create_scheme("huang", **parameters).encrypt(images).images


def skk_and_huang(images, **parameters):
    """What SKK and what this scheme make of images under the same bits and orders."""
    scheme = create_scheme("huang", **parameters)
    results = []
    for steps in (scheme.steps()[:2], scheme.steps()):
        material = KeyMaterial(
            subkey=lambda role: role.encode().ljust(32, b"-")[:32], nonces=np.zeros((1, 16), np.uint8)
        )
        hidden = images
        for number, step in enumerate(steps):
            hidden = step.plan(material=material, role=f"{number}", shape=images.shape[1:]).apply(hidden)
        results.append(hidden)
    return results


def test_steps_are_skk_then_the_filter_or_the_filter_first():
    skk = (NegativePositive(scope="value"), ColorShuffle(block_size=1))
    blocks, windows = BlockStatistic(statistic="median", block_size=4), SlidingFilter(statistic="max", kernel=5)
    assert create_scheme("huang").steps() == (*skk, blocks, Rounding())
    assert create_scheme("huang", order="pre").steps() == (blocks, Rounding(), *skk)
    sliding = create_scheme("huang", mode="sliding", statistic="max", kernel=5)
    assert sliding.steps() == (*skk, windows, Rounding())
    assert create_scheme("huang", shuffle="none").steps() == (skk[0], blocks, Rounding())
    weak = create_scheme("huang", negative_positive="global", shuffle="per_image")
    assert weak.steps()[:2] == (NegativePositive(scope="image"), ColorShuffle(block_size=None))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_blocks_are_flat_and_hold_the_statistic_of_encrypted_pixels(statistic):
    images = checks.noise(2, (16, 20, 3))
    before, after = skk_and_huang(images, statistic=statistic)
    assert after.dtype == np.uint8
    blocks = after.reshape(2, 4, 4, 5, 4, 3)
    assert (blocks == blocks[:, :, :1, :, :1]).all()
    function = {"median": np.median, "mean": np.mean, "max": np.max, "min": np.min}[statistic]
    expected = np.rint(function(before.reshape(2, 4, 4, 5, 4, 3), axis=(2, 4)))
    np.testing.assert_array_equal(blocks[:, :, 0, :, 0], expected)


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 7, 3), (9, 3, 1), (30, 31, 3)])
def test_any_size_stays_and_ragged_edges_are_filled_with_what_is_there(statistic, shape):
    """Acceptance test 5 of the design study."""
    images = checks.noise(2, shape)
    _, hidden = skk_and_huang(images, statistic=statistic)
    scheme = create_scheme("huang", statistic=statistic)
    assert (hidden.shape, hidden.dtype, scheme.encrypted_shape(shape)) == (images.shape, np.uint8, shape)
    corner = hidden[:, (shape[0] - 1) // 4 * 4 :, (shape[1] - 1) // 4 * 4 :]
    assert (corner == corner[:, :1, :1]).all()


@pytest.mark.parametrize("statistic", STATISTICS)
def test_sliding_windows_take_any_size_of_at_least_the_window(statistic):
    scheme = create_scheme("huang", mode="sliding", statistic=statistic)
    for shape in ((3, 3, 3), (3, 8, 1), (17, 4, 3)):
        assert scheme.encrypt(checks.noise(1, shape)).images.shape == (1, *shape)
    with pytest.raises(UsageError, match="images of 2x8 pixels are smaller than the window of 3x3"):
        scheme.encrypt(checks.noise(1, (2, 8, 3)))
    assert "at least 3 x 3" in scheme.sizes
    assert create_scheme("huang").sizes == "any size, which stays as it is"


def test_the_global_form_inverts_whole_images():
    images = np.repeat(checks.noise(1, (8, 8, 1)), 40, axis=0)
    hidden = encrypted(images, negative_positive="global", filter_size=1)
    kept = (hidden == images).all(axis=(1, 2, 3))
    inverted = (hidden == 255 - images).all(axis=(1, 2, 3))
    assert (kept ^ inverted).all()
    assert 0 < kept.sum() < 40


def test_key_space_is_that_of_skk():
    assert create_scheme("huang").key_bits((32, 32, 3)) == create_scheme("skk").key_bits((32, 32, 3))
    weak = create_scheme("huang", negative_positive="global", shuffle="per_image")
    assert weak.key_bits((256, 256, 3)) == pytest.approx(1 + np.log2(6))


def box(values, side=5):
    """The mean over a square around each pixel."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(values, size=(side, side), mode="mirror")


@pytest.mark.parametrize("mode", ["block", "sliding"])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_local_energy_shows_the_fold_of_the_image(mode, statistic):
    """The known weakness: no key is needed (design study: correlation 0.71 to 0.97)."""
    data = pytest.importorskip("skimage.data")
    plain = data.astronaut()[::4, ::4]
    hidden = encrypted(plain[None], mode=mode, statistic=statistic)[0]
    energy = np.sqrt(box(((hidden - 127.5) ** 2).mean(axis=-1)))
    assert checks.correlation(energy, box(np.abs(plain - 127.5).mean(axis=-1))) > 0.6


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"statistic": "mode"}, "statistic must be one of median, mean, max, min, not 'mode'"),
        ({"mode": "blocks"}, "mode must be one of block, sliding, not 'blocks'"),
        ({"order": "before"}, "order must be one of post, pre, not 'before'"),
        ({"negative_positive": "none"}, "negative_positive must be one of per_pixel, global, not 'none'"),
        ({"shuffle": "twice"}, "shuffle must be one of per_pixel, per_image, none, not 'twice'"),
        ({"kernel": 4}, "kernel must be odd"),
        ({"filter_size": 0}, "filter_size must be positive, not 0"),
        ({"key_policy": "none"}, "key_policy must be one of shared, derived, ephemeral, not 'none'"),
    ],
)
def test_what_is_wrong_is_named(parameters, message):
    with pytest.raises(UsageError) as caught:
        create_scheme("huang", **parameters)
    assert message in str(caught.value)
