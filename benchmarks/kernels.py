"""Integer schemes against memory copy and against the NumPy code that people publish, per core and on all cores.

"kernel" writes into memory that is there, as memory copy does; "scheme" is ``scheme.encrypt``, which returns new
memory, counts the budget and, with a key per image, derives the keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import on_cores, rates, time_in_turn
from pixelveil import Key, create_scheme
from pixelveil.keys import fresh_nonces
from pixelveil.plans import LanePlan
from pixelveil.plans.lane_apply import apply_lane_plan

__all__ = ["run"]

BATCH_BYTES = 60_000_000
CHUNK_BYTES = 6_000_000


def run() -> dict[str, Any]:
    """Return gigabytes of plain image per second for each contestant, size and number of cores."""
    results: dict[str, Any] = {}
    for size in (32, 224):
        generator = np.random.default_rng(0)
        count = BATCH_BYTES // (size * size * 3)
        images = generator.integers(0, 256, (count, size, size, 3), np.uint8)
        for cores in (1, 2):
            with on_cores(cores) as used:
                if used == cores:
                    results[f"{size}x{size}, {cores} core{'s' if cores > 1 else ''}"] = _compare(images, size)
    return results


def _compare(images: NDArray[np.uint8], size: int) -> dict[str, Any]:
    key = Key.generate(budget=2**52)
    shape = (size, size, 3)
    target = np.empty_like(images)
    block = 16
    permutation = create_scheme("vit-permutation", block_size=block)
    plan = permutation.plan(key=key, shape=shape)
    skk_shared = create_scheme("skk", key_policy="shared")
    skk_plan = skk_shared.plan(key=key, shape=shape)
    generator = np.random.default_rng(1)
    nibbles = LanePlan(
        source=generator.permutation(96), flip=generator.integers(0, 2, 96) * 15, block_size=4, lane="nibble"
    )
    gather, mask = (
        generator.permutation(size * size * 3),
        (generator.integers(0, 2, size * size * 3) * 255).astype(np.uint8),
    )
    rows = images.reshape(len(images), -1)
    few = rows[: max(1, len(rows) // 8)]
    contestants = {
        "memory copy": lambda: np.copyto(target, images),
        "kernel: vit-permutation, shared key": lambda: apply_lane_plan(plan, images, out=target),
        "kernel: skk, shared key": lambda: apply_lane_plan(skk_plan, images, out=target),
        "kernel: nibble lanes (LE), shared key": lambda: apply_lane_plan(nibbles, images, out=target),
        "kernel: skk, key per image, derivation included": lambda: _derive_and_apply(images, target, key),
        "scheme: vit-permutation, shared key": lambda: permutation.encrypt(images, key=key),
        "scheme: skk, shared key": lambda: skk_shared.encrypt(images, key=key),
        "scheme: skk, key per image, derivation included": _encryptor("skk", key, images),
        "scheme: vit-permutation, key per image, derivation included": _encryptor(
            "vit-permutation", key, images, block_size=block, key_policy="derived"
        ),
    }
    found = rates(time_in_turn(contestants), work=images.nbytes / 1e9, unit="gigabytes_per_second")
    numpy_contestants = {"NumPy indexing and XOR, whole image (an eighth of the batch)": lambda: few[:, gather] ^ mask}
    found |= rates(time_in_turn(numpy_contestants, rounds=3), work=few.nbytes / 1e9, unit="gigabytes_per_second")
    copy = found["memory copy"]["median_gigabytes_per_second"]
    for facts in found.values():
        facts["share_of_memory_copy"] = round(facts["median_gigabytes_per_second"] / copy, 4)
    return found


def _derive_and_apply(images: NDArray[np.uint8], target: NDArray[np.uint8], key: Key) -> None:
    scheme = create_scheme("skk")
    shape = (int(images.shape[1]), int(images.shape[2]), int(images.shape[3]))
    nonces, step = fresh_nonces(len(images)), max(1, CHUNK_BYTES // images[0].nbytes)
    for first in range(0, len(images), step):
        part = slice(first, first + step)
        plan = scheme.plan(key=key, shape=shape, nonces=nonces[part])
        apply_lane_plan(plan, images[part], out=target[part])


def _encryptor(name: str, key: Key, images: NDArray[np.uint8], **parameters: Any) -> Any:
    scheme = create_scheme(name, **parameters)
    return lambda: scheme.encrypt(images, key=key)
