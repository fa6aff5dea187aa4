import numpy as np
import pytest

from pixelveil.keys import Key
from pixelveil.models.support_cases import Case, build
from pixelveil.plans import AffinePlan
from pixelveil.schemes import create_scheme

SMALL = {"depth": 2, "embed_dim": 48, "num_heads": 3, "img_size": 32, "patch_size": 8}


@pytest.fixture(scope="session")
def make_plain():
    """Build a small timm model with random weights."""

    def make(name="vit_tiny_patch16_224", *, seed=0, **options):
        return build(Case(name=name, library="timm", model=name, options={**SMALL, **options}), seed=seed)

    return make


@pytest.fixture(scope="session")
def plain(make_plain):
    return make_plain()


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(5).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def key():
    return Key.generate(budget=1000)


@pytest.fixture(scope="session", params=["vit-permutation", "vit-orthogonal"])
def scheme(request):
    return create_scheme(request.param, block_size=8)


@pytest.fixture(scope="session")
def sight():
    """Mean and deviation, unlike for each color."""
    return {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


# Schemes whose map differs from block to block; pixel-wise ones too, for a patch then holds other maps at each place.
BY_BLOCK = {
    "etc-color": {"block_size": 8},
    "vit-permutation": {"block_size": 8, "per_block": True},
    "vit-compressible": {"block_size": 8, "sub_block_size": 4, "per_block": True},
    "smkk": {},
}


@pytest.fixture(scope="session", params=BY_BLOCK)
def block_scheme(request):
    return create_scheme(request.param, **BY_BLOCK[request.param])


@pytest.fixture(scope="session")
def reflections():
    """A plan of any orthogonal matrix and offset for each of 16 blocks of 8x8x3, scrambled."""
    rng = np.random.default_rng(8)
    normals = rng.normal(size=(16, 192))
    normals *= np.sqrt(2) / np.linalg.norm(normals, axis=1, keepdims=True)
    return AffinePlan(
        matrix=np.eye(192) - normals[:, :, None] * normals[:, None, :],
        offset=rng.uniform(0, 255, (16, 192)),
        block_order=rng.permutation(16),
    )
