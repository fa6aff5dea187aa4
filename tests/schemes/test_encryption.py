import dataclasses
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil import errors
from pixelveil.plans import threads
from pixelveil.schemes import create_scheme, encryption
from pixelveil.schemes.images import Batch

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

every_scheme = pytest.mark.parametrize("scheme", checks.all_schemes(), ids=checks.name_of)
NONCES = np.arange(16 * 9, dtype=np.uint8).reshape(9, 16)


def nonces_for(scheme, count):
    return NONCES[:count] if scheme.key_policy == "derived" else None


def of_policy(policy, name="skk", **parameters):
    return create_scheme(name, key_policy=policy, **parameters)


@pytest.mark.parametrize("name", ["vit-permutation", "vit-orthogonal"])
@pytest.mark.parametrize("shape", [(5, 7, 3), (8, 5, 1), (5, 8, 3), (1, 1, 3)])
def test_padding_repeats_the_last_row_and_column(name, shape):
    """An image and its padded self are encrypted alike."""
    scheme, key, plain = create_scheme(name, block_size=4), checks.key_of(), checks.noise(2, shape)
    height, width, _ = scheme.encrypted_shape(shape)
    rows, columns = np.minimum(np.arange(height), shape[0] - 1), np.minimum(np.arange(width), shape[1] - 1)
    padded = plain[:, rows][:, :, columns]
    np.testing.assert_array_equal(scheme.encrypt(plain, key=key).images, scheme.encrypt(padded, key=key).images)


@every_scheme
@pytest.mark.parametrize("chunk", [1, 500])
@pytest.mark.parametrize("workers", [1, 2])
def test_chunks_and_threads_change_nothing(scheme, chunk, workers, monkeypatch):
    if scheme.key_policy == "ephemeral":
        return
    plain, nonces = checks.noise(9, (8, 8, 3)), nonces_for(scheme, 9)
    expected = scheme.encrypt(plain, key=checks.key_of(), nonces=nonces)
    monkeypatch.setattr(encryption, "_CHUNK_BYTES", chunk)
    monkeypatch.setattr(threads, "_BYTES_PER_THREAD", 1)
    monkeypatch.setattr(threads, "processors", lambda: workers)
    result = scheme.encrypt(plain, key=checks.key_of(), nonces=nonces)
    np.testing.assert_allclose(result.images, expected.images, atol=1e-3)
    np.testing.assert_array_equal(scheme.decrypt(result, key=checks.key_of()), plain)


@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_thrown_away_keys_are_new_for_every_image(chunk, monkeypatch):
    monkeypatch.setattr(encryption, "_CHUNK_BYTES", chunk)
    images = np.repeat(checks.noise(1, (8, 8, 3)), 6, axis=0)
    hidden = of_policy("ephemeral").encrypt(images).images
    assert len(np.unique(hidden.reshape(6, -1), axis=0)) == 6


@pytest.mark.parametrize("policy", ["shared", "derived"])
def test_any_part_of_a_batch_can_be_decrypted_alone(policy):
    scheme, key, plain = of_policy(policy), checks.key_of(), checks.noise(5, (4, 4, 3))
    encrypted = scheme.encrypt(plain, key=key)
    nonces = None if encrypted.nonces is None else encrypted.nonces[[3, 1]]
    some = dataclasses.replace(encrypted, images=encrypted.images[[3, 1]], nonces=nonces)
    np.testing.assert_array_equal(scheme.decrypt(some, key=key), plain[[3, 1]])


WRONG = [
    (np.zeros((4, 4, 3), np.int16), "images must be uint8 or float in [0, 1], not int16"),
    (np.full((4, 4, 3), 2.0), "float images must lie in [0, 1]"),
    (np.full((4, 4, 3), -0.1, np.float32), "float images must lie in [0, 1]"),
    (np.full((4, 4, 3), np.nan, np.float32), "float images must lie in [0, 1]"),
    (np.full((4, 4, 3), np.inf), "float images must lie in [0, 1]"),
    (np.zeros((4, 4), np.uint8), "arrays must be (H, W, C) or (N, H, W, C)"),
]


@every_scheme
@pytest.mark.parametrize(("images", "message"), WRONG)
def test_images_that_are_refused_are_not_counted(scheme, images, message):
    key = checks.key_of()
    with pytest.raises(errors.UsageError) as caught:
        scheme.encrypt(images, key=key)
    assert message in str(caught.value)
    assert key.active.used == 0


def test_floats_a_rounding_error_out_of_range_are_fine():
    scheme, key = of_policy("shared"), checks.key_of()
    images = np.array([[[-1e-6, 0.5, 1 + 1e-6]]], np.float32)
    decrypted = scheme.decrypt(scheme.encrypt(images, key=key), key=key)
    np.testing.assert_allclose(decrypted, [[[0, 128 / 255, 1]]], atol=1e-6)


def test_floats_are_rounded_to_the_nearest_level():
    scheme, key = of_policy("shared"), checks.key_of()
    floats = np.random.default_rng(0).random((16, 16, 3))
    levels = np.rint(floats * 255).astype(np.uint8)
    expected = scheme.encrypt(levels, key=key).images
    np.testing.assert_array_equal(np.rint(scheme.encrypt(floats, key=key).images * 255), expected)


@pytest.mark.parametrize("policy", ["shared", "derived"])
def test_another_scheme_or_other_parameters_do_not_decrypt(policy):
    key, plain = checks.key_of(), checks.noise(1, (4, 4, 3))
    encrypted = of_policy(policy).encrypt(plain, key=key)
    for other in (of_policy(policy, shuffle="none"), of_policy("shared", "vit-permutation", block_size=4)):
        with pytest.raises(errors.IntegrityError, match="made by another scheme or other parameters"):
            other.decrypt(encrypted, key=key)


def test_images_of_another_size_than_declared_do_not_decrypt():
    scheme, key = of_policy("shared", "vit-permutation", block_size=4), checks.key_of()
    encrypted = scheme.encrypt(checks.noise(1, (5, 7, 3)), key=key)
    for images in (encrypted.images[:, :, :4], encrypted.images[:, :4], checks.noise(1, (8, 8, 1))):
        with pytest.raises(errors.IntegrityError, match=r"expected \(8, 8, 3\)"):
            scheme.decrypt(dataclasses.replace(encrypted, images=images), key=key)


@pytest.mark.parametrize("nonces", [None, NONCES[:1], NONCES[:3]])
def test_nonces_that_are_not_one_for_each_image_do_not_decrypt(nonces):
    """One nonce for two images would be taken for a shared plan."""
    scheme, key = of_policy("derived"), checks.key_of()
    encrypted = scheme.encrypt(checks.noise(2, (4, 4, 3)), key=key)
    with pytest.raises(errors.IntegrityError, match="2 encrypted images with"):
        scheme.decrypt(dataclasses.replace(encrypted, nonces=nonces), key=key)


def test_schemes_that_lose_information_do_not_decrypt(monkeypatch):
    scheme, key = of_policy("shared"), checks.key_of()
    encrypted = scheme.encrypt(checks.noise(1, (4, 4, 3)), key=key)
    monkeypatch.setattr(type(scheme), "reversible", False)
    with pytest.raises(errors.UsageError, match="loses information by design"):
        scheme.decrypt(encrypted, key=key)


def tensor_batch(torch):
    """Take CPU tensors for ones on an accelerator: they stay tensors."""

    def as_batch(images, *, in_grey_levels=False):
        floating = images.dtype.is_floating_point
        unit = 1 / 255 if floating and not in_grey_levels else None
        return Batch(
            images=images * 255 if unit else images,
            unit=unit,
            restore=lambda result: (result / 255).to(images.dtype) if unit else result,
        )

    return as_batch


@every_scheme
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3, 8, 12), (3, 3, 5, 7), (3, 1, 8, 7), (0, 3, 4, 4)])
def test_tensors_on_an_accelerator_are_encrypted_as_others_are(scheme, dtype, shape, monkeypatch):
    """Its code runs on any tensor, so it is tested on those of the processor."""
    torch = pytest.importorskip("torch")
    plain = torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    plain = plain if dtype == "uint8" else (plain / 255).to(getattr(torch, dtype))
    nonces, key = nonces_for(scheme, shape[0]), checks.key_of()
    expected = scheme.encrypt(plain, key=key, nonces=nonces)
    monkeypatch.setattr(encryption, "as_batch", tensor_batch(torch))
    result = scheme.encrypt(plain, key=key, nonces=nonces)
    assert (result.images.dtype, result.images.shape) == (expected.images.dtype, expected.images.shape)
    if scheme.key_policy == "ephemeral":
        return
    integers = scheme.output_dtype == "uint8"
    torch.testing.assert_close(result.images, expected.images, atol=1e-6 if integers else 1e-3, rtol=0)
    decrypted = scheme.decrypt(result, key=key)
    assert decrypted.dtype == plain.dtype
    torch.testing.assert_close(decrypted, plain, atol=0 if dtype == "uint8" else 1e-5, rtol=0)


def test_floats_out_of_range_are_refused_on_an_accelerator_too(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(encryption, "as_batch", tensor_batch(torch))
    for value in (1.1, -0.1, float("nan")):
        with pytest.raises(errors.UsageError, match="float images must lie in"):
            of_policy("shared").encrypt(torch.full((1, 3, 4, 4), value), key=checks.key_of())
