"""Prove every architecture of `support_cases` and write down what was found; read what was written.

A proof is: encrypt the model under a random affine plan (orthogonal matrix, offset, block order), compare its answers
in float64 and float32, then show that the comparison can fail: another key, another mean and deviation, and another
block order must change the answers. Then the same for a plan that differs from block to block, once by signed
permutations and once by orthogonal matrices and offsets: another key, and the right maps each one place further on,
must change the answers.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from pixelveil.atomic import write_atomic
from pixelveil.errors import IntegrityError, VerificationError
from pixelveil.machine import commit, machine, versions
from pixelveil.models.encrypt import encrypt_model_with_plan
from pixelveil.models.families import settle_and_describe
from pixelveil.models.outputs import answers_of, largest_difference
from pixelveil.models.planning import encrypted_by, size_of
from pixelveil.models.support_cases import CASES, Case, build
from pixelveil.models.verify import Verification, verify_model_with_plan
from pixelveil.plans import AffinePlan, LanePlan, Plan

__all__ = ["TABLE", "Row", "prove", "prove_all", "read_table", "write_table"]

TABLE: Final = Path(__file__).with_name("support.json")

# Statistics of ImageNet: unlike for each color, so that a forgotten correction shows.
MEAN: Final = (0.485, 0.456, 0.406)
STD: Final = (0.229, 0.224, 0.225)
OTHER_STATISTICS: Final = (0.5, 0.5, 0.5)
CONTROL_MINIMUM: Final = 1e-3
IMAGES: Final = 2
CONTROLS: Final = (
    "wrong_key",
    "wrong_normalization",
    "wrong_order",
    "signed_wrong_key",
    "signed_wrong_place",
    "dense_wrong_place",
)


@dataclass(frozen=True)
class Row:
    """What was proven of one architecture; differences are relative to ``max(1, |answer|)``.

    Args:
        name: What readers call it.
        library: Where it comes from.
        architecture: Class of the model.
        model: Name by which it was built.
        patch: Side of a patch in pixels.
        block_scrambling: Whether a block order is absorbed.
        reason: Why it is not, where it is not.
        difference_float64: Encrypted on encrypted against plain on plain.
        difference_float32: The same in float32.
        wrong_key: Encrypted model on images under another key.
        wrong_normalization: Model encrypted for another mean and deviation.
        wrong_order: Encrypted model on images whose blocks are in another order; None inside blocks only.
        signed_float64: With a signed permutation of each block: encrypted on encrypted against plain on plain.
        signed_wrong_key: Such a model on images under another key.
        signed_wrong_place: Such a model on images whose maps are those of the next blocks.
        dense_float64: With an orthogonal matrix and an offset of each block: encrypted on encrypted against plain.
        dense_wrong_place: Such a model on images whose maps are those of the next blocks.
    """

    name: str
    library: str
    architecture: str
    model: str
    patch: int
    block_scrambling: bool
    reason: str
    difference_float64: float
    difference_float32: float
    wrong_key: float
    wrong_normalization: float
    wrong_order: float | None
    signed_float64: float
    signed_wrong_key: float
    signed_wrong_place: float
    dense_float64: float
    dense_wrong_place: float


def prove(case: Case) -> Row:
    """Prove one architecture.

    Raises:
        VerificationError: It answers differently, or a control that must fail does not.
        UnsupportedModelError: No adapter takes it.
    """
    model, size = build(case), size_of(case.size)
    layout = settle_and_describe(copy.deepcopy(model), image_size=size)
    side, blocks = layout.embedding.patch_size, layout.patches
    plan = _random_plan(side, blocks if case.order else 0, seed=1)
    images = np.random.default_rng(2).integers(0, 256, (IMAGES, *size, 3), dtype=np.uint8)

    def encrypt(chosen: Plan, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> torch.nn.Module:
        return encrypt_model_with_plan(model, plan=chosen, image_size=size, mean=mean, std=std, check=False)

    def verify(answering: torch.nn.Module, chosen: Plan) -> Verification:
        return verify_model_with_plan(model, answering, plan=chosen, images=images, mean=MEAN, std=STD)

    def difference(answering: torch.nn.Module, other: Plan) -> float:
        found = answers_of(answering, encrypted_by(other, images), mean=MEAN, std=STD, layout=layout, order=order)
        return largest_difference(expected, found)

    encrypted = encrypt(plan)
    verified = verify(encrypted, plan)
    signs, matrices = _signed_plan(side, plan, blocks, seed=4), _dense_plan(side, plan, blocks, seed=6)
    signed, dense = encrypt(signs), encrypt(matrices)
    order = None if plan.block_order is None else torch.tensor(plan.block_order, dtype=torch.int64)
    expected = answers_of(model, images, mean=MEAN, std=STD)
    row = Row(
        name=case.name,
        library=case.library,
        architecture=type(model).__name__,
        model=case.model,
        patch=side,
        block_scrambling=case.order,
        reason=layout.fixed,
        difference_float64=verified.max_difference_float64,
        difference_float32=verified.max_difference_float32,
        wrong_key=difference(encrypted, _random_plan(side, blocks if case.order else 0, seed=3)),
        wrong_normalization=difference(encrypt(plan, OTHER_STATISTICS, OTHER_STATISTICS), plan),
        wrong_order=difference(encrypted, _reordered(plan)) if case.order else None,
        signed_float64=verify(signed, signs).max_difference_float64,
        signed_wrong_key=difference(signed, _signed_plan(side, plan, blocks, seed=5)),
        signed_wrong_place=difference(signed, _signed_plan(side, plan, blocks, seed=4, shift=1)),
        dense_float64=verify(dense, matrices).max_difference_float64,
        dense_wrong_place=difference(dense, _dense_plan(side, plan, blocks, seed=6, shift=1)),
    )
    _check_controls(row)
    return row


def prove_all(*, advance: Callable[[int, int], None] | None = None) -> list[Row]:
    """Prove every case, in the order of the table.

    Args:
        advance: Is told how many of how many are done.

    Raises:
        VerificationError: One of them fails.
    """
    rows: list[Row] = []
    for number, case in enumerate(CASES, start=1):
        rows.append(prove(case))
        if advance is not None:
            advance(number, len(CASES))
    return rows


def write_table(rows: Sequence[Row], *, path: Path = TABLE) -> dict[str, Any]:
    """Write what was proven, on which machine and with which versions; return what was written."""
    table = {
        "format": 2,
        "machine": dict(machine()),
        "versions": dict(versions()),
        "commit": commit(),
        "rows": [{name: _short(value) for name, value in asdict(row).items()} for row in rows],
    }
    write_atomic(path, (json.dumps(table, indent=1) + "\n").encode())
    return table


def read_table(path: Path = TABLE) -> Mapping[str, Any]:
    """Return what `write_table` wrote.

    Raises:
        IntegrityError: The table is missing or of another format.
    """
    try:
        table: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise IntegrityError(
            f"{path.name}: cannot be read", hint="write it: pixelveil model support --prove"
        ) from error
    if table.get("format") != 2:
        raise IntegrityError(f"{path.name}: has another format", hint="write it: pixelveil model support --prove")
    return table


@cache
def _orthogonal(lanes: int, seed: int) -> NDArray[np.float64]:
    """Return a random orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(lanes, lanes)))[0]


def _random_plan(side: int, blocks: int, *, seed: int) -> AffinePlan:
    """Return a random affine plan for blocks of a side; it moves blocks if their number is given."""
    rng, lanes = np.random.default_rng(seed), side * side * 3
    order = rng.permutation(blocks) if blocks else None
    return AffinePlan(matrix=_orthogonal(lanes, seed), offset=rng.uniform(0, 255, lanes), block_order=order)


def _signed_plan(side: int, like: AffinePlan, blocks: int, *, seed: int, shift: int = 0) -> LanePlan:
    """Return a random signed permutation of each block, in the block order of another plan; maps may be shifted."""
    rng, lanes = np.random.default_rng(seed), side * side * 3
    return LanePlan(
        source=rng.permuted(np.tile(np.arange(lanes), (blocks, 1)), axis=1),
        flip=rng.choice(np.array([0, 255], np.uint8), (blocks, lanes)),
        block_size=side,
        block_order=like.block_order,
        choice=np.roll(np.arange(blocks), shift),
    )


def _dense_plan(side: int, like: AffinePlan, blocks: int, *, seed: int, shift: int = 0) -> AffinePlan:
    """Return a random reflection and offset of each block, in the block order of another plan; maps may be shifted."""
    rng, lanes = np.random.default_rng(seed), side * side * 3
    normals = rng.normal(size=(blocks, lanes))
    normals *= np.sqrt(2) / np.linalg.norm(normals, axis=1, keepdims=True)
    matrix = np.eye(lanes) - normals[:, :, None] * normals[:, None, :]
    offset = rng.uniform(0, 255, (blocks, lanes))
    return AffinePlan(
        matrix=np.roll(matrix, shift, axis=0), offset=np.roll(offset, shift, axis=0), block_order=like.block_order
    )


def _reordered(plan: AffinePlan) -> AffinePlan:
    """Return the plan with every block at another place."""
    order = None if plan.block_order is None else np.roll(plan.block_order, 1)
    return AffinePlan(matrix=plan.matrix, offset=plan.offset, block_order=order)


def _check_controls(row: Row) -> None:
    """Raise if something that must change the answers does not."""
    for name in CONTROLS:
        change = getattr(row, name)
        if change is not None and not change > CONTROL_MINIMUM:
            raise VerificationError(
                f"{row.name}: a {name.replace('_', ' ')} changes the answers by {change:.1e} only",
                difference=change,
                hint="the proof cannot tell right from wrong; perturb the weights of this case more",
            )


def _short(value: Any) -> Any:
    """Round a figure to two digits; it is not the same on two machines beyond that."""
    if not isinstance(value, float) or value == 0.0 or not math.isfinite(value):
        return value
    return float(f"{value:.1e}")
