"""What schemes of whole bytes must do beside properties.py; each check takes a scheme and raises AssertionError."""

import io
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pixelveil import errors
from pixelveil.schemes import SCHEMES, create_scheme

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

NOT_AFFINE = {
    "tanaka-le": "half bytes",
    "madono-ele": "half bytes",
    "xor-stream": "XOR with any byte is no sign and no offset",
}
"""Schemes whose plans no patch embedding absorbs, and why; all others must give an affine plan."""


def integer_schemes():
    """Every reversible scheme of whole bytes, with the small blocks of properties.py, and with published parameters."""
    names = [name for name, kind in SCHEMES.items() if kind.reversible and kind.output_dtype == "uint8"]
    small = [scheme for scheme in checks.all_schemes() if scheme.name in names and not scheme.needs_asset]
    return small + [create_scheme(name) for name in names if not SCHEMES[name].needs_asset]


def name_of(scheme):
    return f"{scheme.name}-{scheme.block}-{scheme.key_policy}"


def plan_of(scheme, shape):
    """The plan for images of a shape (before padding), under a known key; one image where plans are per image."""
    nonces = np.arange(16, dtype=np.uint8).reshape(1, 16) if scheme.key_policy == "derived" else None
    return scheme.plan(key=checks.key_of(), shape=scheme.laid_out_shape(shape), nonces=nonces)


def folded(images):
    """``|v - 127.5|``: what inversion does not change."""
    return np.abs(images.astype(np.float64) - 127.5)


def check_fold(scheme):
    """Folded values stay: in each pixel for schemes of pixels, in the image for all that move and invert whole bytes.

    The weakness behind the leading-bit attack; asserted, so that nobody believes it mended. Half bytes and XOR do
    change the folded values, and are asserted to.
    """
    images = checks.noise(2, (32, 48, 3))
    hidden = scheme.encrypt(images, key=checks.key_of()).images
    if scheme.family == "pixel":
        np.testing.assert_array_equal(np.sort(folded(hidden), axis=-1), np.sort(folded(images), axis=-1))
    before, after = (np.sort(folded(batch).reshape(2, -1), axis=-1) for batch in (images, hidden))
    assert np.array_equal(before, after) is (scheme.name not in NOT_AFFINE)


def check_affine(scheme):
    """The plan is an affine map of blocks that gives the same images, or raises and is declared not to be one."""
    if scheme.key_policy == "ephemeral":
        return
    shape = (2 * scheme.block, 3 * scheme.block, 3)
    plan = plan_of(scheme, shape)
    if scheme.name in NOT_AFFINE:
        with pytest.raises(errors.UsageError):
            plan.to_affine()
        return
    images = checks.noise(1, scheme.laid_out_shape(shape))
    affine = plan.to_affine()
    np.testing.assert_allclose(affine.apply(images), plan.apply(images), atol=1e-9)
    signs = affine.matrix
    assert set(np.unique(signs)) <= {-1.0, 0.0, 1.0}
    assert (np.abs(signs).sum(axis=-1) == 1).all()


def through_jpeg(images, *, quality):
    """Images after JPEG without chroma subsampling."""
    result = []
    for image in images:
        gray = image.shape[-1] == 1
        file = io.BytesIO()
        Image.fromarray(image[..., 0] if gray else image).save(file, "JPEG", quality=quality, subsampling=0)
        decoded = np.asarray(Image.open(io.BytesIO(file.getvalue())))
        result.append(decoded[..., None] if gray else decoded)
    return np.stack(result)


def psnr(first, second):
    return 10 * np.log10(255**2 / np.mean((first.astype(np.float64) - second) ** 2))


def check_jpeg(scheme):
    """Where no obstacle is declared, JPEG costs little more than it costs the plain image; where one is, much more."""
    if scheme.key_policy == "ephemeral" or (scheme.block % 8 and not scheme.jpeg_obstacle):
        return
    plain = np.stack([checks.scene(96), checks.scene(96)[::-1]])
    encrypted = scheme.encrypt(plain, key=checks.key_of())
    stored = replace(encrypted, images=through_jpeg(encrypted.images, quality=90))
    loss = psnr(plain, through_jpeg(plain, quality=90)) - psnr(plain, scheme.decrypt(stored, key=checks.key_of()))
    assert loss > 6 if scheme.jpeg_obstacle else loss < 3, (
        f"JPEG costs {loss:.1f} dB more than it costs the plain image"
    )


def check_padding(scheme):
    """Odd sizes are encrypted as if the last column and row had been repeated before."""
    if scheme.key_policy == "ephemeral":
        return
    plain = checks.noise(2, (21, 18, 3))
    below, right = -21 % scheme.block, -18 % scheme.block
    padded = np.pad(plain, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")
    nonces = np.arange(32, dtype=np.uint8).reshape(2, 16) if scheme.key_policy == "derived" else None
    odd, whole = (scheme.encrypt(images, key=checks.key_of(), nonces=nonces) for images in (plain, padded))
    np.testing.assert_array_equal(odd.images, whole.images)
    np.testing.assert_array_equal(scheme.decrypt(odd, key=checks.key_of()), plain)
    assert scheme.sizes.startswith("any size")
