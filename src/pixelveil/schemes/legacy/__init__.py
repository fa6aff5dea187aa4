"""Key material of other people's programs, as plans: for comparison with published results, never for protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pixelveil.errors import UsageError
from pixelveil.plans import Plan
from pixelveil.steps import ImageShape

if TYPE_CHECKING:
    from pixelveil.schemes.scheme import Scheme

__all__ = ["legacy_plan"]


def legacy_plan(scheme: Scheme, *, shape: ImageShape) -> Plan:
    """Return the plan that a scheme's legacy asset stands for; see `Scheme.legacy_plan`."""
    raise UsageError(f"{scheme.name} takes no legacy material for images of {shape}")
