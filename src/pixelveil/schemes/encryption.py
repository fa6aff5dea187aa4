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
from pixelveil.plans import ForwardPlan, LanePlan, Plan
from pixelveil.plans.lane_apply import apply_lane_plan
from pixelveil.plans.threads import for_slices
from pixelveil.schemes.encrypted import Encrypted
from pixelveil.schemes.images import as_batch
from pixelveil.schemes.layout import lay_back, lay_out

if TYPE_CHECKING:
    from pixelveil.schemes.scheme import Scheme

__all__ = ["decrypt_images", "encrypt_images"]

# Per-image plans are made and applied in pieces of this size: large enough that Python's part does not count, small
# enough that a plan is still in the cache when it is applied.
_CHUNK_BYTES = 6 << 20

# Policies under which nobody keeps a key.
_KEYLESS = ("ephemeral", "none")

PlanOf = Callable[[slice], Plan]


def encrypt_images(
    scheme: Scheme, images: Any, *, key: Key | None, nonces: NDArray[np.uint8] | None, client: str
) -> Encrypted:
    """Encrypt images of any kind; see `Scheme.encrypt`."""
    # Everything that can be refused is refused before the images are counted; so is a client that is no label.
    label(purpose="image-plan", client=client)
    batch = as_batch(images)
    count, plain = batch.count, batch.shape
    shape = scheme.laid_out_shape(plain)
    result_shape = scheme.encrypted_shape(plain)
    if not batch.holds_floats and (scheme.output_dtype != "uint8" or result_shape[2] not in (1, 3)):
        raise UsageError(
            f"{scheme.name} gives {'floats' if scheme.output_dtype != 'uint8' else f'{result_shape[2]} channels'}, "
            "which a PIL image cannot hold",
            hint="give a NumPy array: numpy.asarray(image)",
        )
    _check_nonces(nonces, count=count, scheme=scheme)
    _check_range(batch.images)
    values = _levels(batch.images) if scheme.output_dtype == "uint8" else batch.images
    values = lay_out(values, block=scheme.block, planes=scheme.planes)
    if scheme.needs_asset:
        _ = scheme.arrays
    epoch: Epoch | None = None
    if scheme.key_policy not in _KEYLESS:
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

    result = _apply(values, plan_of, scheme=scheme, shape=result_shape)
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
    if not scheme.reversible:
        raise UsageError(f"{scheme.name} loses information by design; nobody can decrypt it")
    if scheme.bound is not None and scheme.bound.settings.get("legacy_channel_bug"):
        raise UsageError(
            "its color codes lose channels, as those of the published code do; nobody can decrypt it",
            hint="material that is imported without --channel-bug permutes them",
        )
    if encrypted.key_policy in _KEYLESS:
        raise UsageError("its keys were thrown away; nobody can decrypt it")
    epoch = key.epoch(fingerprint=encrypted.fingerprint) if isinstance(key, Key) else key
    if epoch.fingerprint != encrypted.fingerprint:
        raise IntegrityError(f"made with key {encrypted.fingerprint}, not {epoch.fingerprint}")
    batch = as_batch(encrypted.images, in_grey_levels=encrypted.plain_dtype == "uint8")
    shape, nonces = scheme.laid_out_shape(encrypted.shape), encrypted.nonces
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

    result = _apply(values, plan_of, scheme=scheme, shape=shape)
    result = lay_back(result, shape=encrypted.shape, planes=scheme.planes)
    if encrypted.plain_dtype == "uint8" and _is_float(result):
        result = _levels(result)
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


def _apply(images: Any, plan_of: PlanOf, *, scheme: Scheme, shape: tuple[int, int, int]) -> Any:
    """Apply the plan of each part of the batch, giving images of a shape.

    Per-image plans are made and applied chunk by chunk, spread over threads; so are forward plans, whose intermediate
    results may be larger than the images.
    """
    count = len(images)
    if not isinstance(images, np.ndarray):
        return _apply_on_device(plan_of(slice(0, count)), images)
    if scheme.key_policy == "shared":
        shared = plan_of(slice(0, count))
        if not isinstance(shared, ForwardPlan):
            return shared.apply(images)

        def plan_of(part: slice) -> Plan:
            return shared

    floating = np.float64 if images.dtype == np.float64 else np.float32
    out: NDArray[Any] = np.empty((count, *shape), np.uint8 if scheme.output_dtype == "uint8" else floating)
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


def _apply_on_device(plan: Plan, images: Any) -> Any:
    """Apply a plan to tensors of an accelerator; operations that cannot be undone run on the processor."""
    if not isinstance(plan, ForwardPlan):
        from pixelveil.plans.torch_twin import apply_to_tensor

        return apply_to_tensor(plan, images)
    import torch

    result = plan.apply(np.ascontiguousarray(images.permute(0, 2, 3, 1).cpu().numpy()))
    return torch.from_numpy(np.ascontiguousarray(result)).permute(0, 3, 1, 2).contiguous().to(images.device)
