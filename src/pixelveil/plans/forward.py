"""`ForwardPlan`: what cannot be undone (filters, noise, factorizations, networks), alone or between other plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Never

from numpy.typing import NDArray

from pixelveil.errors import UsageError
from pixelveil.plans.affine import AffinePlan
from pixelveil.plans.geometry import batch_length
from pixelveil.plans.lane import LanePlan

__all__ = ["ForwardPlan", "Operation", "chain"]


@dataclass(frozen=True, eq=False, repr=False)
class Operation:
    """One forward-only operation with everything it needs: images in, images out.

    Args:
        name: What it is, for texts.
        function: Takes a batch (n, H, W, C), uint8 or float in grey levels, and returns one (n, H', W', C'). What it
            makes of an image must not depend on the other images of the batch.
        count: Images that it is for; 1 where it fits any number.
    """

    name: str
    function: Callable[[NDArray[Any]], NDArray[Any]]
    count: int = 1

    def __repr__(self) -> str:
        """Name it; its arrays may be the key."""
        return f"Operation({self.name}, count={self.count})"

    def apply(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run it on a batch (n, H, W, C)."""
        if self.count not in (1, len(images)):
            raise UsageError(f"{self.name} is for {self.count} images, not {len(images)}")
        return self.function(images)


@dataclass(frozen=True, eq=False, repr=False)
class ForwardPlan:
    """Plans and operations done one after the other, of which at least one loses information.

    Args:
        parts: In the order in which they are applied. A `LanePlan` needs bytes: put a rounding before it.

    >>> darker = Operation("halving", lambda images: images // 2)
    >>> plan = ForwardPlan(parts=(darker, LanePlan(flip=[255, 255, 255])))
    >>> import numpy as np
    >>> plan.apply(np.full((1, 1, 3), 20, np.uint8)).tolist()
    [[[245, 245, 245]]]
    """

    parts: tuple[LanePlan | AffinePlan | Operation, ...]

    def __repr__(self) -> str:
        """Name the parts; their content may be the key."""
        return f"ForwardPlan({', '.join(_name(part) for part in self.parts)})"

    @property
    def count(self) -> int:
        """Number of images that the plan is for; 1 where all share it."""
        return batch_length(*(part.count for part in self.parts))

    def apply(self, images: NDArray[Any]) -> NDArray[Any]:
        """Apply all parts to images (n, H, W, C) or (H, W, C), grey levels 0..255.

        Raises:
            UsageError: A part does not fit the images.
        """
        if images.ndim not in (3, 4):
            raise UsageError(f"images must be (n, H, W, C) or (H, W, C), not {images.shape}")
        values = images if images.ndim == 4 else images[None]
        for part in self.parts:
            values = part.apply(values)
        return values if images.ndim == 4 else values[0]

    def invert(self) -> Never:
        """Raise: nobody can undo it.

        Raises:
            UsageError: Always, naming what is lost.
        """
        raise UsageError(f"{self._lossy} loses information by design; nobody can undo it")

    def to_affine(self) -> Never:
        """Raise: it is no affine map of blocks.

        Raises:
            UsageError: Always, naming the part that is not.
        """
        raise UsageError(f"{self._lossy} is not an invertible affine map of blocks")

    def compose(self, other: LanePlan | AffinePlan | ForwardPlan) -> ForwardPlan:
        """Return the plan "first this, then ``other``"."""
        return chain([self, other])  # type: ignore[return-value] # one of the two is a forward plan, so the result is

    @property
    def _lossy(self) -> str:
        return next(part.name for part in self.parts if isinstance(part, Operation))


def chain(plans: Sequence[LanePlan | AffinePlan | ForwardPlan]) -> LanePlan | AffinePlan | ForwardPlan:
    """Return plans as one, in order; neighbors that can be composed are, so that one pass does their work.

    Args:
        plans: At least one.

    >>> flip = LanePlan(flip=[255, 0, 0])
    >>> chain([flip, ForwardPlan(parts=(Operation("nothing", lambda images: images),)), flip, flip])
    ForwardPlan(LanePlan, nothing, LanePlan)
    """
    parts: list[LanePlan | AffinePlan | Operation] = []
    for plan in plans:
        for part in plan.parts if isinstance(plan, ForwardPlan) else (plan,):
            if parts and not isinstance(part, Operation) and not isinstance(parts[-1], Operation):
                parts[-1] = parts[-1].compose(part)
            else:
                parts.append(part)
    if len(parts) == 1 and not isinstance(parts[0], Operation):
        return parts[0]
    return ForwardPlan(parts=tuple(parts))


def _name(part: LanePlan | AffinePlan | Operation) -> str:
    return part.name if isinstance(part, Operation) else type(part).__name__
