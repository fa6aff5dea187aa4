import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.ciphertexts.energy import Energy, Response, energy, response
from pixelveil.attacks.controls import negative_control
from pixelveil.attacks.evaluate import score
from pixelveil.attacks.measures import edge_correlation


def test_response_of_a_linear_filter_is_its_energy():
    scheme = create_scheme("skk-g", kernel=3, sigma=0.8)
    weights = np.array([0.239, 0.522, 0.239])
    found = response(scheme, shape=(32, 32, 3))
    assert found.gain == pytest.approx(float((weights**2).sum() ** 2), rel=0.2)
    assert found.floor < 1
    noisy = response(create_scheme("skk-g", noise_std=10.0), shape=(32, 32, 3))
    assert noisy.floor == pytest.approx(100, rel=0.2)
    assert response(create_scheme("huang", statistic="max"), shape=(32, 32, 3)).gain == pytest.approx(1, rel=0.1)


def test_energy_of_flat_images_is_their_distance():
    for level in (20, 100, 235):
        images = np.full((2, 8, 8, 3), level, np.uint8)
        found = energy(images, response=Response(floor=0.0, gain=1.0))
        assert np.abs(found.astype(int) - min(level, 255 - level)).max() <= 1


VARIANTS = [
    ("skk-g", {}, 0.2),
    ("skk-g", {"kernel": 5, "sigma": 1.1}, 0.1),
    ("skk-g", {"noise_std": 20.0}, 0.12),
    ("huang", {}, 0.2),
    ("huang", {"statistic": "max"}, 0.27),
    ("huang", {"statistic": "min", "mode": "sliding"}, 0.4),
    ("huang", {"statistic": "median", "mode": "sliding"}, 0.4),
    ("huang", {"negative_positive": "global", "shuffle": "per_image"}, 0.4),
]


@pytest.mark.parametrize(("name", "parameters", "least"), VARIANTS)
def test_filtered_photographs_leak(photographs, held, name, parameters, least):
    plain, scheme = photographs(128, 2), create_scheme(name, **parameters)
    evidence = held(scheme, plain)
    control = negative_control(evidence, encrypt=lambda images: scheme.encrypt(images).images)
    found, floor = (score(Energy().run(one), plain) for one in (evidence, control))
    assert found.mean("edges") > least
    assert abs(floor.mean("edges")) < 0.06
    assert found.mean("ssim") > floor.mean("ssim") + 0.02


def test_more_encryptions_of_one_image_sharpen_it(photographs):
    plain, scheme = photographs(64, 4), create_scheme("skk-g")
    calibrated = response(scheme, shape=plain.shape[1:])
    many = np.stack([scheme.encrypt(plain).images for _ in range(30)])
    one, thirty = (
        edge_correlation(energy(stack, response=calibrated, smoothing=0.0), plain).mean() for stack in (many[0], many)
    )
    assert thirty > one + 0.2


def test_padded_and_gray_images(held):
    ramp = np.arange(15 * 13, dtype=np.uint8).reshape(1, 15, 13, 1)
    for scheme in (create_scheme("skk-g", key_block=4), create_scheme("huang")):
        assert Energy().run(held(scheme, ramp)).images.shape == ramp.shape


def test_where_it_does_not_apply():
    for name in ("skk", "tanaka-le", "vit-orthogonal", "xor-stream"):
        assert Energy().obstacle(create_scheme(name)), name
    assert Energy().obstacle(create_scheme("huang", order="pre"))
