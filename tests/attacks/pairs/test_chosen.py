from dataclasses import replace

import numpy as np
import pytest

from pixelveil import create_scheme
from pixelveil.attacks.attack import Evidence
from pixelveil.attacks.measures import ssim
from pixelveil.attacks.pairs.chosen import ChosenPlaintext, chosen_images
from pixelveil.errors import UsageError

# Scheme, parameters, images that are chosen for 32 x 32.
CASES = [
    ("smkk", {}, 1),
    ("skk", {"key_policy": "shared", "shuffle": "per_image"}, 1),
    ("tanaka-le", {}, 1),
    ("madono-ele", {}, 3),
    ("etc-color", {"block_size": 4}, 1),
    ("etc-gray", {}, 1),
    ("vit-permutation", {"block_size": 4}, 1),
    ("vit-permutation", {"block_size": 8, "per_block": True}, 2),
    ("vit-restricted", {"block_size": 8}, 1),
    ("vit-compressible", {}, 1),
    ("vit-orthogonal", {"block_size": 4}, 1),
    ("vit-orthogonal", {"block_size": 8}, 12),
]


@pytest.mark.parametrize(("name", "parameters", "images"), CASES)
@pytest.mark.parametrize("side", [32, 30])
def test_victims_come_back_exactly(small, held, name, parameters, images, side):
    plain = small[:5, :side, :side]
    found = ChosenPlaintext().run(held(create_scheme(name, **parameters), plain))
    np.testing.assert_array_equal(found.images, plain)
    assert found.facts["chosen"] == images


def test_a_whitening_takes_more_images(small, held):
    scheme = create_scheme("vit-orthogonal", block_size=4)
    whitened = scheme.bind(type(scheme).fit(small[:9], settings=scheme.parameters))
    found = ChosenPlaintext().run(replace(held(whitened, small), scheme=scheme, public=small[9:]))
    assert found.facts["chosen"] == 3
    assert ssim(found.images, small).mean() > 0.99


def test_projections_are_read_in_part(photographs, held):
    plain = photographs(64, 4)
    found = ChosenPlaintext().run(held(create_scheme("svd-wang", factor="image"), plain))
    assert ssim(found.images, plain).mean() > 0.6


def test_clouds_are_pictures():
    clouds = chosen_images(create_scheme("svd-wang"), shape=(32, 40, 3), generator=np.random.default_rng(0))
    assert clouds.shape == (32, 32, 40, 3)
    rough = np.abs(np.diff(clouds.astype(int), axis=1)).mean()
    assert rough < 0.5 * clouds.std()


def test_where_it_does_not_apply(small, held):
    for name in ("xor-stream", "skk", "skk-g", "neuracrypt"):
        assert ChosenPlaintext().obstacle(create_scheme(name)), name
    evidence = held(create_scheme("smkk"), small)
    alone = Evidence(scheme=evidence.scheme, ciphertexts=evidence.ciphertexts, shape=(32, 32, 3), victims=1)
    with pytest.raises(UsageError, match="needs oracle"):
        ChosenPlaintext().run(alone)
