"""Key material of other people's programs, as plans: for comparison with published results, never for protection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pixelveil.errors import UsageError
from pixelveil.plans import LanePlan, Plan
from pixelveil.schemes.legacy.arrays import LegacyArrays
from pixelveil.schemes.legacy.blocks import etc_plan
from pixelveil.schemes.legacy.nibbles import ele_plan, le_plan
from pixelveil.schemes.legacy.pixels import pixel_plan
from pixelveil.schemes.legacy.vit import compressible_plan, permutation_plan
from pixelveil.steps import ImageShape

if TYPE_CHECKING:
    from pixelveil.schemes.scheme import Scheme

__all__ = ["LEGACY_PLANS", "legacy_plan"]

LEGACY_PLANS: dict[str, Callable[[LegacyArrays], LanePlan]] = {
    "etc-color": etc_plan,
    "madono-ele": ele_plan,
    "skk": pixel_plan,
    "smkk": pixel_plan,
    "tanaka-le": le_plan,
    "vit-compressible": compressible_plan,
    "vit-permutation": permutation_plan,
}
"""By scheme, what its legacy material stands for."""


def legacy_plan(scheme: Scheme, *, shape: ImageShape) -> Plan:
    """Return the plan that a scheme's legacy asset stands for; see `Scheme.legacy_plan`.

    Raises:
        UsageError: The scheme takes none, its key policy is not "shared", or the arrays do not fit the images.
    """
    if scheme.name not in LEGACY_PLANS:
        raise UsageError(f"{scheme.name} takes no legacy material", hint=f"these do: {', '.join(LEGACY_PLANS)}")
    if scheme.key_policy != "shared":
        raise UsageError(
            f"{scheme.name}: legacy material is one for all images, the key policy here is {scheme.key_policy!r}",
            hint="-p key-policy=shared",
        )
    arrays = scheme.arrays  # an asset that is only named raises here
    bound = scheme.bound
    material = LegacyArrays(
        arrays=arrays,
        parameters=scheme.parameters,
        channel_bug=bound is not None and bound.settings.get("legacy_channel_bug") is True,
        shape=shape,
        block=scheme.block,
    )
    return LEGACY_PLANS[scheme.name](material)
