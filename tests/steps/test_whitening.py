import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.plans import AffinePlan
from pixelveil.steps import Whitening
from pixelveil.steps.whitening import fit_whitening

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))


def natural(count, shape=(16, 16, 3), seed=1):
    """Noise that was smoothed: neighbors are alike, as in photographs."""
    values = np.random.default_rng(seed).normal(size=(count, *shape)).cumsum(axis=1).cumsum(axis=2)
    values = values - values.mean(axis=(1, 2, 3), keepdims=True)
    return np.clip(128 + 12 * values, 0, 255).astype(np.uint8)


def blocks_of(images, side=4):
    return np.concatenate([cases.blocks_of(image, side).reshape(-1, side * side * images.shape[3]) for image in images])


@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_like_those_it_was_fitted_on_have_one_variance_in_all_directions(channels):
    images = natural(300, (16, 16, channels))
    step = Whitening(block_size=4, **fit_whitening(images, block_size=4))
    plan = step.plan(material=cases.material_for(1), role="r", shape=images.shape[1:])
    assert isinstance(plan, AffinePlan)
    before, after = (np.cov(blocks_of(each.astype(np.float64)).T) for each in (images, plan.apply(images * 1.0)))
    spread = [np.ptp(np.log(np.linalg.eigvalsh(each))) for each in (before, after)]
    assert spread[1] < spread[0] / 4
    assert np.abs(blocks_of(plan.apply(images * 1.0)).mean(axis=0)).max() < 1e-6
    np.testing.assert_allclose(np.linalg.eigvalsh(after)[-1], np.trace(before) / len(before), rtol=1e-2)


def test_it_is_undone_exactly():
    images = natural(40)
    step = Whitening(block_size=4, **fit_whitening(images, block_size=4))
    plan = step.plan(material=cases.material_for(1), role="r", shape=(16, 16, 3))
    np.testing.assert_allclose(plan.invert().apply(plan.apply(images * 1.0)), images, atol=1e-6)
    assert step.key_bits(shape=(16, 16, 3)) == 0


def test_what_does_not_fit_is_refused():
    arrays = fit_whitening(natural(40), block_size=4)
    with pytest.raises(UsageError, match="not for blocks of 8x8"):
        Whitening(block_size=8, **arrays)
    with pytest.raises(UsageError, match="comes with its mean"):
        Whitening(block_size=4, matrix=arrays["matrix"])
    with pytest.raises(UsageError, match="48 values, not 16"):
        Whitening(block_size=4, **arrays).plan(material=cases.material_for(1), role="r", shape=(8, 8, 1))
    with pytest.raises(UsageError, match="not at hand"):
        Whitening(block_size=4).plan(material=cases.material_for(1), role="r", shape=(8, 8, 3))


@pytest.mark.parametrize(
    ("images", "message"), [(natural(2), "too few"), (np.full((9, 16, 16, 3), 7, np.uint8), "all alike")]
)
def test_what_tells_no_covariance_is_refused(images, message):
    with pytest.raises(UsageError, match=message):
        fit_whitening(images, block_size=4)
