"""Encrypt and decrypt batches by a scheme's plan: padding, nonces, chunks, dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Epoch, Key, KeyMaterial, fresh_nonces
from pixelveil.keys.derive import label
from pixelveil.keys.stream import NONCE_BYTES
from pixelveil.plans import LanePlan, Plan
from pixelveil.plans.lane_apply import apply_lane_plan
from pixelveil.plans.threads import for_slices
from pixelveil.schemes.encrypted import Encrypted
from pixelveil.schemes.images import as_batch

if TYPE_CHECKING:
    from pixelveil.schemes.scheme import Scheme

__all__ = ["decrypt_images", "encrypt_images"]

# Per-image plans are made and applied in pieces of this size: large enough that Python's part does not count, small
# enough that a plan is still in the cache when it is applied.
_CHUNK_BYTES = 6 << 20

PlanOf = Callable[[slice], Plan]


def encrypt_images(
    scheme: Scheme, images: Any, *, key: Key | None, nonces: NDArray[np.uint8] | None, client: str
) -> Encrypted:
    """Encrypt images of any kind; see `Scheme.encrypt`."""
    # Everything that can be refused is refused before the images are counted; so is a client that is no label.
    label(purpose="image-plan", client=client)
    batch = as_batch(images)
    count, plain = batch.count, batch.shape
    shape = scheme.encrypted_shape(plain)
    if scheme.output_dtype != "uint8" and not batch.holds_floats:
        raise UsageError(
            f"{scheme.name} gives floats, which a PIL image cannot hold",
            hint="give a NumPy array: numpy.asarray(image)",
        )
    _check_nonces(nonces, count=count, scheme=scheme)
    _check_range(batch.images)
    values = _pad(_levels(batch.images) if scheme.output_dtype == "uint8" else batch.images, shape)
    epoch: Epoch | None = None
    if scheme.key_policy != "ephemeral":
        if key is None:
            raise UsageError(f"{scheme.name} needs a key", hint="Key.generate() makes one")
        epoch = key.reserve(count)
    if scheme.key_policy == "derived" and nonces is None:
        nonces = fresh_nonces(count)

    def plan_of(part: slice) -> Plan:
        if epoch is None:
            return scheme.plan_from(KeyMaterial.ephemeral(part.stop - part.start), shape=shape)
        chosen = None if nonces is None else nonces[part]
        return scheme.plan(key=epoch, shape=shape, nonces=chosen, client=client)

    result = _apply(values, plan_of, scheme=scheme)
    return Encrypted(
        images=batch.restore(result),
        nonces=nonces,
        scheme=scheme.name,
        digest=scheme.digest,
        key_policy=scheme.key_policy,
        fingerprint="" if epoch is None else epoch.fingerprint,
        epoch=0 if epoch is None else epoch.number,
        shape=plain,
        plain_dtype="uint8" if batch.unit is None else "float",
        client=client,
    )


def decrypt_images(scheme: Scheme, encrypted: Encrypted, *, key: Key | Epoch) -> Any:
    """Decrypt images of any kind; see `Scheme.decrypt`."""
    if encrypted.digest != scheme.digest:
        raise IntegrityError(
            f"made by another scheme or other parameters than {scheme.name} here", hint="create the scheme it names"
        )
    if encrypted.key_policy == "ephemeral":
        raise UsageError("its keys were thrown away; nobody can decrypt it")
    if not scheme.reversible:
        raise UsageError(f"{scheme.name} loses information by design; nobody can decrypt it")
    epoch = key.epoch(fingerprint=encrypted.fingerprint) if isinstance(key, Key) else key
    if epoch.fingerprint != encrypted.fingerprint:
        raise IntegrityError(f"made with key {encrypted.fingerprint}, not {epoch.fingerprint}")
    batch = as_batch(encrypted.images, in_grey_levels=encrypted.plain_dtype == "uint8")
    shape, nonces = scheme.encrypted_shape(encrypted.shape), encrypted.nonces
    if batch.shape != shape:
        raise IntegrityError(f"encrypted images are {batch.shape}, expected {shape}")
    if scheme.key_policy == "derived" and (nonces is None or len(nonces) != batch.count):
        raise IntegrityError(f"{batch.count} encrypted images with {0 if nonces is None else len(nonces)} nonces")
    values = batch.images
    if scheme.output_dtype == "uint8":
        _check_range(values)
        values = _levels(values)

    def plan_of(part: slice) -> Plan:
        chosen = None if nonces is None else nonces[part]
        return scheme.plan(key=epoch, shape=shape, nonces=chosen, client=encrypted.client).invert()

    result = _apply(values, plan_of, scheme=scheme)
    height, width, _ = encrypted.shape
    if batch.on_device:
        result = result[:, :, :height, :width]
        if encrypted.plain_dtype == "uint8" and result.dtype.is_floating_point:
            result = result.round().clamp(0, 255).byte()
    else:
        result = np.ascontiguousarray(result[:, :height, :width])
        if encrypted.plain_dtype == "uint8" and result.dtype != np.uint8:
            result = np.clip(np.rint(result), 0, 255).astype(np.uint8)
    return batch.restore(result)


def _check_nonces(nonces: NDArray[np.uint8] | None, *, count: int, scheme: Scheme) -> None:
    """Raise unless nonces that a caller chose are one row for each image, under the policy that has them."""
    if nonces is None:
        return
    if scheme.key_policy != "derived":
        raise UsageError(f"the key policy {scheme.key_policy!r} takes no nonces")
    if nonces.dtype != np.uint8 or nonces.shape != (count, NONCE_BYTES):
        raise UsageError(f"nonces must be uint8 ({count}, {NONCE_BYTES}), not {nonces.dtype} {nonces.shape}")


def _is_float(images: Any) -> bool:
    """Tell whether an array or a tensor holds floats."""
    return bool(images.dtype.kind == "f" if isinstance(images, np.ndarray) else images.dtype.is_floating_point)


def _check_range(images: Any) -> None:
    """Raise unless float grey levels lie in 0..255, give or take half a level; so written that NaN does not pass."""
    if _is_float(images) and len(images) and not (images.min() >= -0.5 and images.max() <= 255.5):
        raise UsageError("float images must lie in [0, 1]")


def _levels(images: Any) -> Any:
    """Return grey levels as bytes, of an array or a tensor; floats are rounded to the nearest level."""
    if not _is_float(images):
        return images
    if isinstance(images, np.ndarray):
        return np.clip(np.rint(images), 0, 255).astype(np.uint8)
    return images.round().clamp(0, 255).byte()


def _pad(images: Any, shape: tuple[int, int, int]) -> Any:
    """Repeat the last row and column until blocks fit."""
    if isinstance(images, np.ndarray):
        below, right = shape[0] - images.shape[1], shape[1] - images.shape[2]
        return np.pad(images, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge") if below or right else images
    below, right = shape[0] - images.shape[2], shape[1] - images.shape[3]
    if not below and not right:
        return images
    from torch.nn.functional import pad

    # PyTorch pads no bytes this way, but floats hold them exactly.
    values = images if _is_float(images) else images.float()
    return pad(values, (0, right, 0, below), mode="replicate").to(images.dtype)


def _apply(images: Any, plan_of: PlanOf, *, scheme: Scheme) -> Any:
    """Apply the plan of each part of the batch; per-image plans chunk by chunk, spread over threads."""
    count = len(images)
    if not isinstance(images, np.ndarray):
        from pixelveil.plans.torch_twin import apply_to_tensor

        return apply_to_tensor(plan_of(slice(0, count)), images)
    if scheme.key_policy == "shared":
        return plan_of(slice(0, count)).apply(images)
    floating = np.float64 if images.dtype == np.float64 else np.float32
    out: NDArray[Any] = np.empty(images.shape, np.uint8 if scheme.output_dtype == "uint8" else floating)
    per_chunk = max(1, _CHUNK_BYTES * count // max(1, images.nbytes))

    def work(part: slice) -> None:
        for start in range(part.start, part.stop, per_chunk):
            chunk = slice(start, min(start + per_chunk, part.stop))
            plan = plan_of(chunk)
            if isinstance(plan, LanePlan):
                apply_lane_plan(plan, images[chunk], threads=1, out=out[chunk])
            else:
                out[chunk] = plan.apply(images[chunk])

    for_slices(work, count=count, total_bytes=images.nbytes, threads=None)
    return out
