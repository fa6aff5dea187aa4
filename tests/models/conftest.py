import numpy as np
import pytest

from pixelveil.keys import Key
from pixelveil.models.support_cases import Case, build
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
