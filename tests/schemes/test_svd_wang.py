import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.schemes import create_scheme
from pixelveil.steps import GaussianNoise, Quantization, RandomProjection, TruncatedSvd

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

OFF = {"levels": 0, "noise": 0.0, "projection": "none"}
"""Everything but the truncation."""


def encrypted(images, **parameters):
    return create_scheme("svd-wang", **parameters).encrypt(images, key=checks.key_of()).images


@pytest.mark.parametrize(
    ("parameters", "steps"),
    [
        (
            {},
            (
                TruncatedSvd(components=32),
                Quantization(levels=16),
                GaussianNoise(std=0.1, relative=True),
                RandomProjection(size=40),
            ),
        ),
        (OFF, (TruncatedSvd(components=32),)),
        ({**OFF, "components": 0}, (TruncatedSvd(components=0),)),
        ({**OFF, "factor": "image", "components": 8}, (TruncatedSvd(components=8, factor="image"),)),
        ({**OFF, "factor": "image", "components": 0, "levels": 4}, (Quantization(levels=4),)),
        ({**OFF, "factor": "image", "components": 0, "noise": 0.5}, (GaussianNoise(std=0.5, relative=True),)),
        (
            {**OFF, "factor": "image", "components": 0, "projection": "both", "size": 7},
            (RandomProjection(size=7, sides="both"),),
        ),
    ],
)
def test_each_stage_has_a_switch(parameters, steps):
    scheme = create_scheme("svd-wang", **parameters)
    assert scheme.steps_for((30, 40, 3)) == steps
    assert [step.name for step in scheme.steps()] == [step.name for step in steps]


@pytest.mark.parametrize("shape", [(32, 32, 3), (224, 224, 3), (33, 47, 3), (20, 30, 1), (9, 5, 1)])
@pytest.mark.parametrize("parameters", [{}, {"factor": "image"}, {"projection": "both"}, {"components": 8}])
def test_results_are_as_wide_as_images_whatever_is_kept(shape, parameters):
    images = checks.noise(2, shape)
    result = encrypted(images, **parameters)
    assert (result.shape, result.dtype) == (images.shape, np.float32)
    assert create_scheme("svd-wang", **parameters).encrypted_shape(shape) == shape
    assert encrypted(images, size=11, **parameters).shape == (2, shape[0], 11, shape[2])


@pytest.mark.parametrize(("shape", "kept"), [((20, 50, 3), 20), ((50, 9, 1), 9), ((40, 40, 3), 32)])
def test_an_image_with_fewer_components_keeps_them_all(shape, kept):
    assert encrypted(checks.noise(1, shape), **OFF).shape == (1, shape[0], kept, shape[2])
    assert create_scheme("svd-wang", **OFF).encrypted_shape(shape) == (shape[0], kept, shape[2])


@pytest.mark.parametrize("components", [8, 16, 32, 64])
def test_more_components_keep_more_of_the_image(components):
    image = checks.scene(96)[None]
    kept = encrypted(image, components=components, factor="image", **OFF)
    error = np.linalg.norm(kept - image) / np.linalg.norm(image.astype(np.float64))
    values = np.linalg.svd(image[0].transpose(2, 0, 1).astype(np.float64), compute_uv=False)
    expected = np.sqrt((values[:, components:] ** 2).sum() / (values**2).sum())
    assert error == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_results_are_grey_levels_and_neither_clipped_nor_rounded():
    result = encrypted(checks.noise(2, (64, 64, 3)))
    assert result.min() < -255
    assert result.max() > 255
    assert np.mean(result == np.rint(result)) < 0.01


def test_floats_give_what_bytes_give_in_their_unit():
    images = checks.noise(2, (32, 32, 3))
    np.testing.assert_allclose(
        encrypted(images / 255.0, noise=0.0) * 255, encrypted(images, noise=0.0), rtol=1e-4, atol=1e-3
    )


def test_noise_is_fresh_and_relative():
    images = checks.noise(2, (48, 48, 3))
    scheme = create_scheme("svd-wang", projection="none")
    assert scheme.randomized
    assert not create_scheme("svd-wang", noise=0.0).randomized
    first, second = (scheme.encrypt(images, key=checks.key_of()).images for _ in range(2))
    spread = encrypted(images, projection="none", noise=0.0).std(axis=(1, 2))
    np.testing.assert_allclose((first - second).std(axis=(1, 2)), 0.1 * np.sqrt(2) * spread, rtol=0.15)


def test_all_images_of_a_size_share_the_projection_and_other_sizes_do_not():
    scheme, key = create_scheme("svd-wang", noise=0.0), checks.key_of()
    images = checks.noise(4, (32, 32, 3))
    whole = scheme.encrypt(images, key=key).images
    np.testing.assert_array_equal(scheme.encrypt(images[2], key=key).images, whole[2])
    taller = scheme.encrypt(np.pad(images, ((0, 0), (0, 1), (0, 0), (0, 0))), key=key).images
    assert abs(checks.correlation(taller[:, :32], whole)) < 0.3


def test_known_images_give_the_projection():
    """The known weakness: least squares, noise and all."""
    scheme, key = create_scheme("svd-wang"), checks.key_of()
    known, victim = checks.noise(40, (64, 64, 1), seed=1), checks.scene(64, channels=1)[None]
    factors = create_scheme("svd-wang", projection="none", noise=0.0)
    rows = factors.encrypt(known, key=key).images.reshape(-1, 32)
    hidden = scheme.encrypt(known, key=key).images.reshape(-1, 64)
    projection = np.linalg.lstsq(rows, hidden, rcond=None)[0]
    found = scheme.encrypt(victim, key=key).images[0, ..., 0] @ np.linalg.pinv(projection)
    assert checks.correlation(found, factors.encrypt(victim, key=key).images[0, ..., 0]) > 0.95


def test_distances_are_about_kept():
    """The known weakness: results are linked by them (Johnson and Lindenstrauss)."""
    scheme, key = create_scheme("svd-wang"), checks.key_of()
    images = np.stack([checks.scene(64), np.roll(checks.scene(64), 9, axis=0), checks.noise(1, (64, 64, 3))[0]])
    first, second = (scheme.encrypt(images, key=key).images for _ in range(2))
    distances = np.linalg.norm((first[:, None] - second[None]).reshape(3, 3, -1), axis=-1)
    assert (distances.argmin(axis=1) == np.arange(3)).all()


def test_the_key_is_256_bits_wherever_a_projection_is():
    assert create_scheme("svd-wang").key_bits((224, 224, 3)) == 256
    assert create_scheme("svd-wang", projection="both").key_bits((32, 32, 1)) == 256
    assert create_scheme("svd-wang", **OFF).key_bits((32, 32, 3)) == 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"components": -1}, "components must be positive, not -1"),
        ({"factor": "right"}, "factor must be one of left, image, not 'right'"),
        ({"levels": 1}, "quantization needs 2 to 65,536 levels, not 1"),
        ({"noise": -0.1}, "must be 0 to 1,000,000.0, not -0.1"),
        ({"projection": "left"}, "projection must be one of right, both, none, not 'left'"),
        ({"projection": "none", "size": 9}, "without one the width is what the factor has"),
        ({**OFF, "components": 0, "factor": "image"}, "svd-wang with every stage switched off hides nothing"),
        ({"key_policy": "derived"}, "key_policy must be one of shared, not 'derived'"),
    ],
)
def test_what_is_wrong_is_named(parameters, message):
    with pytest.raises(UsageError) as caught:
        create_scheme("svd-wang", **parameters)
    assert message in str(caught.value)
