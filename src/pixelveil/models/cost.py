"""What a patch embedding costs in each form, and what it shows: said before it is built and of what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from torch import Tensor

from pixelveil.errors import IntegrityError, UnsupportedModelError
from pixelveil.models.layout import Form, Layout

__all__ = ["LARGEST_KERNELS", "Cost", "check_cost", "cost_of"]

LARGEST_KERNELS: Final = 1 << 30
"""Kernels by position are refused above this size, in bytes."""

_INDEX_BYTES: Final = 8


@dataclass(frozen=True)
class Cost:
    """Memory of a patch embedding; its time follows from it.

    Args:
        form: "shared", "signed" or "dense", see `Embedding`.
        positions: Number of patches, N.
        width: Dimension of the embedding, D.
        lanes: Values of a patch, L.
        nbytes: All that the embedding holds, bias left out.
        plain_bytes: The plain model's kernel.
    """

    form: Form
    positions: int
    width: int
    lanes: int
    nbytes: int
    plain_bytes: int

    def __str__(self) -> str:
        """Say it in a line."""
        kernel, held, plain = f"{self.width}x{self.lanes}", self.nbytes / 1e6, self.plain_bytes / 1e6
        if self.form == "shared":
            return f"one kernel of {kernel}, {held:.1f} MB, as in the plain model"
        if self.form == "signed":
            return (
                f"one kernel of {kernel} and {self.positions} signed permutations, {held:.1f} MB instead of "
                f"{plain:.1f} MB; {self.positions * self.lanes:,} values are gathered for each image"
            )
        return (
            f"{self.positions} kernels of {kernel} instead of one, {held:.1f} MB instead of {plain:.1f} MB, "
            "all read for every batch"
        )


def cost_of(weight: Tensor, *, layout: Layout) -> Cost:
    """Return the cost of a patch embedding in the form of its layout.

    Args:
        weight: Its weight in any form; only shape and dtype count.
        layout: The model, in the form asked for.

    Raises:
        IntegrityError: It is no weight of a patch embedding.
    """
    if weight.ndim < 2:
        raise IntegrityError(f"{layout.embedding.weight} has the shape {tuple(weight.shape)}, which is no kernel's")
    width, size = weight.shape[1] if weight.ndim == 3 else weight.shape[0], weight.element_size()
    lanes, positions = layout.embedding.patch_size**2 * layout.embedding.channels, layout.patches
    plain = width * lanes * size
    held = {
        "shared": plain,
        "signed": plain + positions * lanes * (_INDEX_BYTES + 2 * size),
        "dense": positions * plain,
    }
    return Cost(
        form=layout.form,
        positions=positions,
        width=width,
        lanes=lanes,
        nbytes=held[layout.form],
        plain_bytes=plain,
    )


def check_cost(weight: Tensor, *, layout: Layout) -> None:
    """Check that a patch embedding in the form of its layout is not too large.

    Raises:
        UnsupportedModelError: Its kernels by position would take more than `LARGEST_KERNELS`.
    """
    cost = cost_of(weight, layout=layout)
    if cost.form == "dense" and cost.nbytes > LARGEST_KERNELS:
        raise UnsupportedModelError(
            f"every block has a matrix of its own, so the model would need {cost}; "
            f"more than {LARGEST_KERNELS / 1e6:.0f} MB is refused",
            hint="use one matrix for all blocks, or keys per block that permute and flip only, such as etc-color",
        )
