import dataclasses
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.plans import AffinePlan
from pixelveil.schemes import create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.fitting import fit_asset
from pixelveil.steps import BlockScramble, OrthogonalMixing

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))


def scheme_of(**parameters):
    return create_scheme("vit-orthogonal", block_size=4, **parameters)


def blocks_of(image, side=4):
    height, width, channels = image.shape
    return (
        image.reshape(height // side, side, width // side, side, channels)
        .swapaxes(1, 2)
        .reshape(-1, side**2 * channels)
    )


def test_steps_are_mixing_then_scrambling():
    assert scheme_of().steps() == (OrthogonalMixing(block_size=4), BlockScramble(block_size=4))
    assert scheme_of(scramble_blocks=False).steps() == (OrthogonalMixing(block_size=4),)


@pytest.mark.parametrize("scramble", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_are_multiplied_by_one_orthogonal_matrix_and_scrambled(scramble, channels):
    scheme, shape = scheme_of(scramble_blocks=scramble), (8, 12, channels)
    plan = scheme.plan(key=checks.key_of(), shape=shape)
    assert isinstance(plan, AffinePlan)
    assert plan.matrix.shape == (16 * channels, 16 * channels)
    np.testing.assert_allclose(plan.matrix @ plan.matrix.T, np.eye(16 * channels), atol=1e-12)
    assert not plan.offset.any()
    order = plan.block_order if scramble else np.arange(6)
    assert sorted(order) == list(range(6))
    image = checks.noise(1, shape)[0].astype(np.float64) / 255
    hidden = scheme.encrypt(image, key=checks.key_of()).images
    np.testing.assert_allclose(blocks_of(hidden), blocks_of(image)[order] @ plan.matrix.T, atol=1e-12)


def test_results_of_bytes_are_grey_levels_and_not_clipped():
    hidden = scheme_of().encrypt(checks.noise(1, (32, 32, 3)), key=checks.key_of()).images
    assert hidden.dtype == np.float32
    assert hidden.min() < -20
    assert np.abs(hidden).max() > 20


def test_lengths_of_blocks_stay():
    """The known weakness: lengths and angles are public."""
    image = checks.noise(1, (8, 8, 3))[0]
    hidden = scheme_of(scramble_blocks=False).encrypt(image, key=checks.key_of()).images
    before, after = blocks_of(image.astype(np.float64)), blocks_of(hidden)
    np.testing.assert_allclose(after @ after.T, before @ before.T, rtol=1e-4)


@pytest.mark.parametrize("stored", [np.float16, np.float32])
def test_bytes_come_back_exactly_from_stored_floats(stored):
    """Data sets of this scheme are kept as float16."""
    scheme, key, images = create_scheme("vit-orthogonal"), checks.key_of(), checks.noise(2, (32, 32, 3))
    encrypted = scheme.encrypt(images, key=key)
    kept = dataclasses.replace(encrypted, images=encrypted.images.astype(stored).astype(np.float32))
    np.testing.assert_array_equal(scheme.decrypt(kept, key=key), images)


def test_key_space_is_that_of_the_key_and_the_order():
    scheme = create_scheme("vit-orthogonal")
    assert scheme.key_bits((224, 224, 3)) == pytest.approx(256 + math.log2(math.factorial(196)))
    assert create_scheme("vit-orthogonal", scramble_blocks=False).key_bits((224, 224, 3)) == 256
    assert scheme.output_dtype == "float32"


def smooth(count, seed=3):
    values = np.random.default_rng(seed).normal(size=(count, 16, 16, 3)).cumsum(axis=1).cumsum(axis=2)
    return np.clip(128 + 10 * values, 0, 255).astype(np.uint8)


def test_an_asset_whitens_before_the_mixing_and_the_default_stays():
    asset = fit_asset(scheme_of(), images=smooth(40))
    whitened, images = scheme_of().bind(asset), smooth(20, seed=4)
    assert [step.name for step in whitened.steps()] == ["whitening", "orthogonal-mixing", "block-scramble"]
    assert whitened.digest != scheme_of().digest
    key = checks.key_of()
    hidden = whitened.encrypt(images, key=key)
    plain_spread, spread = (
        np.ptp(np.log(np.linalg.eigvalsh(np.cov(np.concatenate([blocks_of(one) for one in each]).T))))
        for each in (scheme_of().encrypt(images, key=key).images.astype(np.float64), hidden.images.astype(np.float64))
    )
    assert spread < plain_spread / 2
    np.testing.assert_array_equal(whitened.decrypt(hidden, key=key), images)
    stored = dataclasses.replace(hidden, images=hidden.images.astype(np.float16).astype(np.float32))
    assert np.abs(whitened.decrypt(stored, key=key).astype(int) - images).max() <= 1


def test_a_whitening_is_checked():
    asset = fit_asset(scheme_of(), images=smooth(40))
    with pytest.raises(UsageError, match="needs its asset"):
        create_scheme("vit-orthogonal", block_size=4, asset=asset.digest).encrypt(smooth(1), key=checks.key_of())
    with pytest.raises(UsageError, match="not for blocks of 8x8"):
        create_scheme("vit-orthogonal", block_size=8, asset=asset)
    other = Asset(scheme="vit-orthogonal", kind="basis", arrays={"basis": np.eye(48)})
    with pytest.raises(IntegrityError, match="no whitening"):
        scheme_of().bind(other)
