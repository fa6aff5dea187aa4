"""Small models, small pictures, and what an attacker holds of them."""

from importlib import resources

import numpy as np
import pytest
import torch
from PIL import Image
from timm.models import VisionTransformer

from pixelveil.attacks.stem.evidence import ModelEvidence
from pixelveil.keys import Key
from pixelveil.models import encrypt_model, extract_stem
from pixelveil.schemes import create_scheme

SIGHT = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def crops(files, *, count, side=32, scale=4, seed=0):
    """Square crops of photographs that installed packages ship, averaged over `scale` pixels a side."""
    generator, sources = np.random.default_rng(seed), []
    for package, name in files:
        with (resources.files(package) / name).open("rb") as file:
            sources.append(np.asarray(Image.open(file).convert("RGB")))
    pictures = []
    for number in range(count):
        source = sources[number % len(sources)]
        top, left = (int(generator.integers(size - side * scale + 1)) for size in source.shape[:2])
        crop = source[top : top + side * scale, left : left + side * scale]
        pictures.append(crop.reshape(side, scale, side, scale, 3).mean(axis=(1, 3)))
    return np.rint(pictures).astype(np.uint8)


@pytest.fixture(scope="session")
def victims():
    """uint8 (20, 32, 32, 3)."""
    return crops([("skimage.data", "astronaut.png"), ("skimage.data", "coffee.png")], count=20)


@pytest.fixture(scope="session")
def public():
    """uint8 (200, 32, 32, 3), from other photographs than `victims`."""
    return crops([("skimage.data", "chelsea.png"), ("skimage.data", "rocket.jpg")], count=200, seed=1)


@pytest.fixture(scope="session")
def noise():
    """uint8 (20, 32, 32, 3): what AES-CTR gives looks no different."""
    return np.random.default_rng(7).integers(256, size=(20, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def make_vit():
    """Build a small Vision Transformer for images of 32x32; blocks have 48 values."""

    def make(*, seed=0, width=64, **options):
        torch.manual_seed(seed)
        settings = {"img_size": 32, "patch_size": 4, "depth": 2, "num_heads": 4, "num_classes": 10, **options}
        model = VisionTransformer(embed_dim=width, **settings).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.02)
        return model

    return make


@pytest.fixture(scope="session")
def hold():
    """Encrypt a model and images under one key; return the evidence, the encrypted model and the key."""

    def make(model, images, *, scheme="vit-permutation", ciphertexts=None, parameters=None, key=None, **more):
        made = create_scheme(scheme, **{"block_size": 4, **(parameters or {})})
        key = key or Key.generate()
        encrypted = encrypt_model(model, scheme=made, key=key, image_size=32, **SIGHT)
        seen = made.encrypt(images, key=key).images if ciphertexts is None else ciphertexts
        stem = extract_stem(encrypted)
        evidence = ModelEvidence(scheme=made, stem=stem, ciphertexts=seen, victims=len(images), **more)
        return evidence, encrypted, key

    return make


@pytest.fixture(scope="session")
def sight():
    return SIGHT
