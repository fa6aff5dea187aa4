"""What every scheme of the catalogue must do; each check raises AssertionError with the scheme at fault."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixelveil import errors
from pixelveil.keys import Epoch, EpochRecord, Key, KeyMaterial, fresh_nonces
from pixelveil.keys.derive import derive
from pixelveil.schemes import SCHEMES, create_scheme

try:
    import torch
except ImportError:
    torch = None

BLOCK = 4
ROOT = bytes(range(32))


def all_schemes():
    """Every scheme that can be undone, under every key policy, with small blocks where it has blocks."""
    found = []
    for name, kind in SCHEMES.items():
        if not kind.reversible:
            continue
        sides = {"block_size": BLOCK, "sub_block_size": BLOCK // 2}
        blocks = {field: side for field, side in sides.items() if field in kind.__dataclass_fields__}
        found += [create_scheme(name, **blocks, key_policy=policy) for policy in kind.policies]
    return found


def name_of(scheme):
    return f"{scheme.name}-{scheme.key_policy}"


def key_of(root=ROOT, *, budget=10_000):
    """A key with a root that tests know."""
    fingerprint = derive(root, purpose="fingerprint")[:16].hex()
    record = EpochRecord(number=1, state="active", fingerprint=fingerprint, budget=budget, used=0, created="2026-11-20")
    return Key(epochs=(Epoch(record, root=root),))


def flipped(root, bit=77):
    """The same root but for one bit."""
    return (int.from_bytes(root, "big") ^ (1 << bit)).to_bytes(32, "big")


def noise(count, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def scene(side, channels=3):
    """A picture with smooth areas and edges, as photographs have them."""
    y, x = np.mgrid[:side, :side] / side
    values = 110 + 60 * np.sin(3 * x + 1) + 50 * np.cos(4 * y) - 70 * ((x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.06)
    picture = np.stack([np.roll(values, 5 * c, axis=c % 2) * (1 - 0.2 * c) for c in range(channels)], axis=-1)
    return np.clip(picture, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Kind:
    """A form in which callers hold images."""

    name: str
    make: Callable[[np.ndarray], Any]
    array: Callable[[Any], np.ndarray]
    dtype: str
    single: bool = False
    holds_floats: bool = True


def _scaled(images, dtype):
    return images.copy() if dtype == "uint8" else (images / 255).astype(dtype)


def _array_kind(dtype, single):
    return Kind(
        name=f"numpy {dtype} {'HWC' if single else 'NHWC'}",
        make=lambda images: _scaled(images, dtype)[0] if single else _scaled(images, dtype),
        array=lambda made: made[None] if single else made,
        dtype=dtype,
        single=single,
    )


def _tensor_kind(dtype, single):
    def make(images):
        tensor = torch.from_numpy(_scaled(images, dtype)).permute(0, 3, 1, 2).contiguous()
        return tensor[0] if single else tensor

    return Kind(
        name=f"torch {dtype} {'CHW' if single else 'NCHW'}",
        make=make,
        array=lambda made: (made[None] if single else made).permute(0, 2, 3, 1).numpy(),
        dtype=dtype,
        single=single,
    )


def _from_pil(image):
    array = np.asarray(image)
    return (array if array.ndim == 3 else array[..., None])[None]


PIL = Kind(
    name="PIL",
    make=lambda images: Image.fromarray(images[0] if images.shape[-1] == 3 else images[0, ..., 0]),
    array=_from_pil,
    dtype="uint8",
    single=True,
    holds_floats=False,
)

KINDS = [
    PIL,
    *(_array_kind(dtype, single) for dtype in ("uint8", "float32", "float64") for single in (True, False)),
    *(
        _tensor_kind(dtype, single)
        for dtype in ("uint8", "float32", "float64")
        for single in (True, False)
        if torch is not None
    ),
]


def check_round_trip(scheme, kind, *, shape, count=3):
    """The same kind comes back; encrypted images have the declared type and size; decrypted ones are the plain ones."""
    plain = noise(1 if kind.single else count, shape)
    given, before = kind.make(plain), kind.make(plain)
    key = key_of()
    if scheme.output_dtype != "uint8" and not kind.holds_floats:
        with pytest.raises(errors.UsageError, match="which a PIL image cannot hold"):
            scheme.encrypt(given, key=key)
        assert key.active.used == 0
        return
    encrypted = scheme.encrypt(given, key=key)
    np.testing.assert_array_equal(kind.array(given), kind.array(before), err_msg="the caller's images were modified")
    hidden = kind.array(encrypted.images)
    assert type(encrypted.images) is type(given)
    assert hidden.shape == (len(plain), *scheme.encrypted_shape(shape))
    assert str(hidden.dtype) == (scheme.output_dtype if kind.dtype == "uint8" else kind.dtype)
    assert encrypted.shape == shape
    assert encrypted.plain_dtype == ("uint8" if kind.dtype == "uint8" else "float")
    assert (encrypted.scheme, encrypted.digest) == (scheme.name, scheme.digest)
    if scheme.key_policy == "ephemeral":
        assert (encrypted.fingerprint, encrypted.epoch, encrypted.nonces) == ("", 0, None)
        with pytest.raises(errors.UsageError, match="keys were thrown away"):
            scheme.decrypt(encrypted, key=key)
        return
    assert (encrypted.fingerprint, encrypted.epoch) == (key.fingerprint, 1)
    decrypted = scheme.decrypt(encrypted, key=key)
    assert type(decrypted) is type(given)
    result = kind.array(decrypted)
    assert str(result.dtype) == kind.dtype
    if kind.dtype == "uint8":
        np.testing.assert_array_equal(result, plain)
    else:
        np.testing.assert_allclose(result, kind.array(given), atol=1e-5 if kind.dtype == "float32" else 1e-7)


def check_kinds_agree(scheme, *, shape):
    """All kinds of the same images are encrypted to the same values, in the unit of the kind."""
    if scheme.key_policy == "ephemeral":
        return
    plain = noise(2, shape)
    nonces = np.arange(32, dtype=np.uint8).reshape(2, 16) if scheme.key_policy == "derived" else None
    expected = scheme.encrypt(plain, key=key_of(), nonces=nonces).images.astype(np.float64)
    for kind in KINDS:
        if scheme.output_dtype != "uint8" and not kind.holds_floats:
            continue
        some = nonces[:1] if nonces is not None and kind.single else nonces
        hidden = kind.array(scheme.encrypt(kind.make(plain), key=key_of(), nonces=some).images).astype(np.float64)
        unit = 1 if kind.dtype == "uint8" else 255
        np.testing.assert_allclose(hidden * unit, expected[: len(hidden)], atol=2e-3, err_msg=kind.name)


def check_key_policy(scheme):
    """Two encryptions of one image are equal if and only if the declared policy is "shared"; so are two in a batch."""
    images = np.repeat(noise(1, (8, 8, 3)), 2, axis=0)
    key = key_of()
    first, second = (scheme.encrypt(images, key=key) for _ in range(2))
    shared = scheme.key_policy == "shared"
    assert np.array_equal(first.images, second.images) is shared
    assert np.array_equal(first.images[0], first.images[1]) is shared
    assert (first.nonces is not None) is (scheme.key_policy == "derived")
    assert first.key_policy == scheme.key_policy
    if first.nonces is not None:
        assert first.nonces.shape == (2, 16)
        assert len({row.tobytes() for row in (*first.nonces, *second.nonces)}) == 4


def ssim(first, second, *, window=8):
    """Mean structural similarity over windows that do not overlap (Wang et al., IEEE TIP 13(4), 2004)."""

    def windows(image):
        side = len(image) // window
        cut = image[: side * window, : side * window].astype(np.float64)
        return cut.reshape(side, window, side, window, -1).transpose(0, 2, 4, 1, 3).reshape(-1, window * window)

    a, b = windows(first), windows(second)
    mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
    covariance = ((a - mean_a[:, None]) * (b - mean_b[:, None])).mean(axis=1)
    c1, c2 = 2.55**2, 7.65**2
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((similar / ((mean_a**2 + mean_b**2 + c1) * (a.var(axis=1) + b.var(axis=1) + c2))).mean())


def correlation(first, second):
    return float(np.corrcoef(first.reshape(-1), second.reshape(-1))[0, 1])


READABLE_WITH_ANY_KEY = {
    "vit-restricted": "blocks and values that stay fixed show through; its authors want it so, for accuracy"
}


def check_wrong_key(scheme):
    """Another key is refused; its plan, applied all the same, gives no more of the image than noise does.

    A scheme that shows something whatever the key must be declared above, and then must show it.
    """
    if scheme.key_policy == "ephemeral":
        return
    plain, key, other = scene(128), key_of(), key_of(flipped(ROOT))
    # Known nonces, so that the bounds below hold in every run or in none.
    nonces = np.arange(16, dtype=np.uint8)[None] if scheme.key_policy == "derived" else None
    encrypted = scheme.encrypt(plain, key=key, nonces=nonces)
    for wrong in (other, other.active):
        with pytest.raises(errors.IntegrityError, match=key.fingerprint):
            scheme.decrypt(encrypted, key=wrong)

    np.testing.assert_array_equal(scheme.decrypt(encrypted, key=key), plain)
    garbage = scheme.decrypt(replace(encrypted, fingerprint=other.fingerprint), key=other)
    similar = ssim(plain, garbage) - ssim(plain, noise(1, plain.shape)[0])
    if scheme.name in READABLE_WITH_ANY_KEY:
        assert similar > 0.03
        assert correlation(plain, garbage) > 0.3
        return
    assert abs(similar) < 0.06
    assert abs(correlation(plain, garbage)) < 0.15


def check_avalanche(scheme, *, channels):
    """One bit of the root changes as much as another root does: of plain inversion half the values, else about all."""
    if scheme.key_policy == "ephemeral":
        return
    images = noise(4, (32, 32, channels))
    nonces = np.arange(64, dtype=np.uint8).reshape(4, 16) if scheme.key_policy == "derived" else None
    first, near, far = (
        scheme.encrypt(images, key=key_of(root), nonces=nonces).images for root in (ROOT, flipped(ROOT), bytes(32))
    )
    changed, expected = np.mean(first != near), np.mean(first != far)
    assert changed > 0.45, f"{changed:.2f} of the values changed"
    assert abs(changed - expected) < 0.08


def check_clients(scheme):
    """Clients, and no client, have plans of their own; decryption knows which."""
    if scheme.key_policy == "ephemeral":
        return
    images, key = noise(1, (8, 8, 3)), key_of()
    nonces = np.zeros((1, 16), np.uint8) if scheme.key_policy == "derived" else None
    results = [scheme.encrypt(images, key=key, nonces=nonces, client=client) for client in ("", "a", "b", "b")]
    assert len({result.images.tobytes() for result in results}) == 3
    for result, client in zip(results, ("", "a", "b", "b"), strict=True):
        assert result.client == client
        np.testing.assert_array_equal(scheme.decrypt(result, key=key), images)
    with pytest.raises(errors.UsageError, match="client"):
        scheme.encrypt(images, key=key, client="line\nbreak")
    assert key.active.used == 4


def check_nonces(scheme):
    """Nonces are honored and make encryption repeatable under "derived"; no other policy takes them."""
    images, key, nonces = noise(3, (8, 8, 3)), key_of(), fresh_nonces(3)
    if scheme.key_policy != "derived":
        with pytest.raises(errors.UsageError, match="takes no nonces"):
            scheme.encrypt(images, key=key, nonces=nonces)
        assert key.active.used == 0
        return
    first, second = (scheme.encrypt(images, key=key, nonces=nonces) for _ in range(2))
    np.testing.assert_array_equal(first.nonces, nonces)
    np.testing.assert_array_equal(first.images, second.images)
    alone = scheme.encrypt(images[1], key=key, nonces=nonces[1:2])
    np.testing.assert_allclose(alone.images, first.images[1], atol=1e-3)
    counted = key.active.used
    for wrong in (nonces[:2], nonces[:, :15], nonces.astype(np.int64), nonces[0]):
        with pytest.raises(errors.UsageError, match=r"nonces must be uint8 \(3, 16\)"):
            scheme.encrypt(images, key=key, nonces=wrong)
    assert key.active.used == counted


def check_budget(scheme):
    """Images are counted before they are encrypted, and none more than the budget; thrown-away keys have none."""
    key = key_of(budget=3)
    if scheme.key_policy == "ephemeral":
        scheme.encrypt(noise(4, (4, 4, 3)), key=key)
        scheme.encrypt(noise(4, (4, 4, 3)))
        assert key.active.used == 0
        return
    scheme.encrypt(noise(2, (4, 4, 3)), key=key)
    with pytest.raises(errors.BudgetError, match="may encrypt 1 more images, not 2"):
        scheme.encrypt(noise(2, (4, 4, 3)), key=key)
    assert key.active.used == 2
    scheme.encrypt(noise(1, (4, 4, 3))[0], key=key)
    with pytest.raises(errors.BudgetError):
        scheme.encrypt(noise(1, (4, 4, 3)), key=key)
    assert scheme.encrypt(noise(0, (4, 4, 3)), key=key).images.shape == (0, *scheme.encrypted_shape((4, 4, 3)))
    with pytest.raises(errors.UsageError, match="needs a key"):
        scheme.encrypt(noise(1, (4, 4, 3)))


def check_nothing_secret_is_shown(scheme):
    """Neither root nor sub-keys nor the content of plans are in any text that a reader may see."""
    key = key_of()
    things = [key, key.active, scheme, *scheme.steps()]
    if scheme.key_policy != "ephemeral":
        nonces = np.zeros((1, 16), np.uint8) if scheme.key_policy == "derived" else None
        plan = scheme.plan(key=key, shape=(8, 8, 3), nonces=nonces)
        things += [plan, plan.invert()]
        assert len(repr(plan)) < 120
    # The ciphertext itself is left out: bytes of it may equal bytes of the root by chance.
    things.append(scheme.encrypt(noise(0, (8, 8, 3)), key=key))
    purposes = {"shared": "shared-plan", "derived": "image-plan", "ephemeral": "ephemeral-plan"}
    roles = [f"{number}/{step.name}/8x8x3" for number, step in enumerate(scheme.steps())]
    secrets = [
        ROOT,
        *(key.active.subkey(purpose=purposes[scheme.key_policy], scheme=scheme.digest, role=r) for r in roles),
    ]
    for thing in things:
        for text in (repr(thing), str(thing), f"{thing}"):
            for secret in secrets:
                for form in (
                    secret.hex(),
                    repr(secret)[2:-1],
                    base64.b64encode(secret).decode(),
                    str(list(secret))[1:-1],
                ):
                    assert form not in text
                    assert form[: len(form) // 2] not in text


def check_steps_give_the_plan(scheme):
    """Composed or one after the other, on plain images: the same."""
    if scheme.key_policy == "ephemeral":
        return
    images = noise(2, (12, 8, 3))
    count = 1 if scheme.key_policy == "shared" else 2
    nonces = np.arange(16 * count, dtype=np.uint8).reshape(count, 16)

    def material():
        return KeyMaterial(subkey=lambda role: derive(ROOT, purpose="test", role=role), nonces=nonces)

    expected, shared = images, material()
    for number, step in enumerate(scheme.steps()):
        plan = step.plan(material=shared, role=f"{number}/{step.name}/12x8x3", shape=(12, 8, 3))
        expected = (plan if expected.dtype == np.uint8 else plan.to_affine()).apply(expected)
    result = scheme.plan_from(material(), shape=(12, 8, 3)).apply(images)
    np.testing.assert_allclose(result, expected, atol=1e-3)
    assert str(result.dtype) == scheme.output_dtype
