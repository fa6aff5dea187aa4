import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.steps.sign_mixing import SignMixing, draw_signs, draw_weights, sum_with_signs

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))
ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().parents[1] / "reference" / "mixing_reference.py")))


def test_sums_are_those_of_the_reference():
    shape = (4, 5, 3)
    images = [cases.images_of(2, shape, seed=seed) for seed in range(3)]
    weights = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
    signs = draw_signs(cases.material_for(2), role="r", shape=shape)
    made = sum_with_signs(images[0], partners=iter(images[1:]), weights=weights, signs=signs)
    assert made.dtype == np.float32
    for place in range(2):
        expected = ref.mix_with_signs(
            [batch[place].tolist() for batch in images],
            weights[place].tolist(),
            signs[place].ravel().astype(int).tolist(),
        )
        np.testing.assert_allclose(made[place], expected, atol=1e-4)


@pytest.mark.parametrize(("mixed", "private"), [(2, 2), (4, 4), (6, 2), (8, 1)])
def test_weights_keep_their_bounds(mixed, private):
    weights = draw_weights(KeyMaterial.ephemeral(2000), role="r", mixed=mixed, private=private)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert weights.min() >= 0
    assert weights.max() <= 0.65
    assert private == mixed or weights[:, :private].sum(axis=1).min() >= 0.3


def test_weights_are_those_of_rejection():
    """The mean of the largest weight, against plain rejection with another generator: five standard deviations."""
    normal = np.abs(np.random.default_rng(0).standard_normal((40_000, 4)))
    expected = normal / normal.sum(axis=1, keepdims=True)
    expected = expected[expected.max(axis=1) <= 0.65].max(axis=1)
    found = draw_weights(KeyMaterial.ephemeral(20_000), role="r", mixed=4, private=4).max(axis=1)
    spread = math.sqrt(expected.var() / len(expected) + found.var() / len(found))
    assert abs(expected.mean() - found.mean()) < 5 * spread


def test_weights_are_the_reference_s_and_do_not_depend_on_other_images():
    material = cases.material_for(3)
    weights = draw_weights(material, role="r", mixed=6, private=2)
    for place, nonce in enumerate(cases.nonces_of(3)):
        expected = ref.mixing_weights(
            lambda role, nonce=nonce: ref.streams.stream(cases.subkey(role), nonce.tobytes()), "r", 6, 2
        )
        np.testing.assert_allclose(weights[place], expected, rtol=1e-12)


def test_signs_are_fair():
    """60,000 signs: five standard deviations."""
    signs = draw_signs(KeyMaterial.ephemeral(2), role="r", shape=(100, 100, 3))
    assert signs.shape == (2, 100, 100, 3)
    assert abs(signs.mean() - 0.5) < 5 * 0.5 / math.sqrt(60_000)
    assert (signs[0] != signs[1]).mean() == pytest.approx(0.5, abs=0.05)


def test_private_and_public_partners_come_from_their_pools():
    """Private images are white, 127.5; public ones 127, -0.5: what comes out tells the share of private images."""
    shape = (2, 2, 1)
    white = np.full((200, *shape), 255, np.uint8)
    step = SignMixing(mixed=6, public=4, pool=white[:3], public_pool=np.full((5, *shape), 127, np.uint8))
    made = np.abs(step.plan(material=KeyMaterial.ephemeral(200), role="r", shape=shape).apply(white))
    np.testing.assert_allclose(made, made[:, :1, :1] * np.ones(shape), rtol=1e-6)
    shares = (made[:, 0, 0, 0] + 0.5) / 128
    assert shares.min() >= 0.3 - 1e-6
    assert shares.min() < 0.35
    assert shares.max() <= 1
    inside = SignMixing(mixed=2, pool=white[:3]).plan(material=KeyMaterial.ephemeral(200), role="r", shape=shape)
    np.testing.assert_allclose(np.abs(inside.apply(white)), 127.5, rtol=1e-6)


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="needs a pool"):
        SignMixing(mixed=4).plan(material=cases.material_for(1), role="r", shape=(4, 4, 3))
    step = SignMixing(mixed=2, pool=cases.images_of(2, (4, 4, 3)))
    with pytest.raises(UsageError, match="those of the pool"):
        step.plan(material=cases.material_for(1), role="r", shape=(4, 4, 1))
    assert step.key_bits(shape=(4, 4, 3)) == 48
