"""InstaHide works as published; and it is broken as published."""

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.keys import KeyMaterial
from pixelveil.schemes import create_scheme
from pixelveil.schemes.decrepit import InstaHide, mix
from pixelveil.schemes.fitting import fit_asset
from pixelveil.steps.sign_mixing import draw_signs, draw_weights, sum_with_signs

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "properties.py")))

SHAPE = (16, 16, 3)


def scheme_for(pool, **parameters):
    scheme = create_scheme("instahide", **parameters)
    return scheme.bind(fit_asset(scheme, images=pool))


def test_absolute_values_remove_the_signs():
    """|y| is |mixture|, correlation 1: the mask, all 768 bits of it, hides one fold."""
    material = KeyMaterial.ephemeral(4)
    images, others = checks.noise(4, SHAPE), [checks.noise(4, SHAPE, seed=seed) for seed in (1, 2, 3)]
    weights = draw_weights(material, role="w", mixed=4, private=4)
    signs = draw_signs(material, role="s", shape=SHAPE)
    masked = sum_with_signs(images, partners=others, weights=weights, signs=signs)
    mixture = sum_with_signs(images, partners=others, weights=weights, signs=np.zeros_like(signs))
    assert checks.correlation(np.abs(masked), np.abs(mixture)) == pytest.approx(1, abs=1e-12)
    assert abs(checks.correlation(masked, mixture)) < 5 / math.sqrt(masked.size)


def test_encodings_of_one_image_are_linked_by_their_folds():
    """What the attack of Carlini et al. starts from, at its simplest.

    The mean over 600 pairs is about 0.053 for one image, with a deviation of 0.004; for two it is about 0.007, as
    partners are the same image by chance.
    """
    shape = (32, 32, 3)
    scheme = scheme_for(checks.noise(40, shape, seed=5))
    one, other = checks.noise(2, shape, seed=6)
    first, second, strange = (np.abs(scheme.encrypt(np.repeat(x[None], 600, 0)).images) for x in (one, one, other))
    same = np.mean([checks.correlation(a, b) for a, b in zip(first, second, strict=True)])
    different = np.mean([checks.correlation(a, b) for a, b in zip(first, strange, strict=True)])
    assert same > 0.03 > 0.02 > different


def test_results_are_floats_around_zero_of_the_same_size():
    scheme = scheme_for(checks.noise(3, SHAPE))
    plain = checks.noise(5, SHAPE, seed=4)
    first, second = scheme.encrypt(plain).images, scheme.encrypt(plain).images
    assert first.dtype == np.float32
    assert first.shape == plain.shape
    assert np.abs(first).max() <= 127.5
    assert (first != second).any(axis=(1, 2, 3)).all()
    assert scheme.randomized
    assert scheme.encrypted_shape(SHAPE) == SHAPE
    scaled = scheme.encrypt((plain / 255).astype(np.float32)).images
    assert np.abs(scaled).max() <= 0.5


def test_mixing_across_data_sets_needs_public_images():
    private, public = checks.noise(1, SHAPE), checks.noise(4, SHAPE, seed=9)
    scheme = create_scheme("instahide", mixed=6, public=4, asset=InstaHide.pool(private, public=public))
    assert scheme.encrypt(private).images.shape == private.shape
    with pytest.raises(UsageError, match="one folder does not tell"):
        scheme_for(checks.noise(9, SHAPE), mixed=6, public=4)
    for bad in (InstaHide.pool(private, public=public[:3]), fit_asset(InstaHide(), images=checks.noise(9, SHAPE))):
        with pytest.raises(UsageError, match="public ones"):
            create_scheme("instahide", mixed=6, public=4, asset=bad)


def test_labels_mix_with_the_weights_of_their_images():
    """One flat level a class, so that the fold of a flat mixture and its soft label tell the same weights."""
    levels = np.array([0, 60, 128, 255])
    labels = np.arange(40) % 4
    images = np.broadcast_to(levels[labels][:, None, None, None], (40, 6, 6, 3)).astype(np.uint8)
    made, soft = mix(images, labels=labels, classes=4)
    assert (made.dtype, soft.dtype, made.shape, soft.shape) == (np.float32, np.float32, (40, 6, 6, 3), (40, 4))
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-6)
    expected = np.abs(soft @ (levels - 127.5))
    np.testing.assert_allclose(np.abs(made), np.broadcast_to(expected[:, None, None, None], made.shape), atol=1e-3)
    assert (soft[np.arange(40), labels] > 0).all()


def test_partners_in_a_training_set_are_other_images():
    """Of two images mixed in pairs each has the other: their soft labels are never of one class."""
    soft = mix(np.zeros((2, 2, 2, 1), np.uint8), labels=np.array([0, 1]), classes=2, mixed=2)[1]
    assert soft.min() >= 0.35 - 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: create_scheme("instahide", mixed=1), "mixed must be 2 to 8, not 1"),
        (lambda: create_scheme("instahide", mixed=9), "mixed must be 2 to 8, not 9"),
        (lambda: create_scheme("instahide", public=4), "public must be below mixed 4, not 4"),
        (lambda: mix(np.zeros((3, 2, 2, 1), np.uint8), labels=np.zeros(3, int), classes=1), "takes at least 4, not 3"),
        (lambda: mix(np.zeros((4, 2, 2, 1), np.uint8), labels=np.full(4, 2), classes=2), "numbers from 0 to 1"),
        (lambda: mix(np.zeros((4, 2, 2, 1), np.uint8), labels=np.zeros(3, int), classes=2), "4 numbers from 0 to 1"),
        (lambda: scheme_for(checks.noise(2, SHAPE)), "at least 3 images, not 2"),
        (lambda: scheme_for(checks.noise(3, SHAPE)).encrypt(checks.noise(1, (8, 8, 3))), "those of the pool 16x16"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_it_says_that_it_is_broken():
    assert InstaHide.family == "decrepit"
    assert "broken" in InstaHide.title
    assert any("Carlini" in attack for attack in InstaHide.known_attacks)
    assert InstaHide().key_bits((32, 32, 3)) == 3072
