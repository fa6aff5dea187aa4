"""How long a key lasts: the images under one key before the strongest measured attack without pairs finds something.

The figures are those of `benchmarks/results/attacks-lifetime.json`; ``python -m pages.lifetime`` puts them here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from pixelveil.schemes.scheme import Scheme

__all__ = ["Lifetime", "advice_on", "lifetime_of", "lifetimes", "recommended_budget"]

# Below so many images under one key, keys are better for each image or batch than for a data set.
_FEW = 100


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """One measured curve, in what follows from it.

    Args:
        scheme: Name of the scheme.
        block: Side of its blocks in pixels, 1 where it has none.
        attack: Name of the attack.
        quiet_until: Most images under one key of those tried up to which it found nothing; None: there is none.
        leaks_from: Fewest at which it found something; None: there is none.
    """

    scheme: str
    block: int
    attack: str
    quiet_until: int | None
    leaks_from: int | None

    @property
    def budget(self) -> int:
        """Images under one key up to which the attack found nothing; 1 where already the fewest tried show something.

        >>> Lifetime(scheme="skk", block=1, attack="statistics-skk", quiet_until=None, leaks_from=2).budget
        1
        """
        return self.quiet_until or 1

    @property
    def reason(self) -> str:
        """Why the budget is what it is, in a clause that claims no more than was measured."""
        if self.leaks_from is None:
            return f"{self.attack} found nothing up to {self.budget} images under one key, the most that were tried"
        at = f"from {self.leaks_from} image{'' if self.leaks_from == 1 else 's'} under one key on"
        return f"{self.attack} finds something in {self.scheme} {at}"


def lifetimes() -> tuple[Lifetime, ...]:
    """Return all measured curves; none where the package comes without measurements."""
    content = json.loads(files("pixelveil.schemes").joinpath("lifetime.json").read_text(encoding="utf-8"))
    return tuple(Lifetime(**curve) for curve in content["curves"])


def lifetime_of(scheme: Scheme, *, measured: tuple[Lifetime, ...] | None = None) -> Lifetime | None:
    """Return the shortest lifetime that was measured for a scheme, of any size of its blocks.

    The measurements are of small images. Larger ones hold more blocks, and show more each.

    Args:
        scheme: With its key policy.
        measured: What to choose from; what comes with the package if not given.

    Returns:
        None where images do not share a key, or nothing was measured.
    """
    if scheme.key_policy != "shared":
        return None
    found = [one for one in (lifetimes() if measured is None else measured) if one.scheme == scheme.name]
    return min(found, key=lambda one: (one.budget, one.leaks_from is None, one.leaks_from or 0), default=None)


def recommended_budget(scheme: Scheme) -> int | None:
    """Return how many images one key may encrypt before the strongest measured attack without pairs finds something.

    It is no promise: below it nothing is proven, and whoever has one image with its encryption needs no more.

    Args:
        scheme: With its key policy.

    Returns:
        At least 1; None where images do not share a key, or nothing was measured.

    >>> from pixelveil.schemes import create_scheme
    >>> recommended_budget(create_scheme("skk", key_policy="derived")) is None
    True
    """
    found = lifetime_of(scheme)
    return None if found is None else found.budget


def advice_on(scheme: Scheme, *, budget: int) -> str:
    """Return what to do about a budget that is too small for a data set; empty where it is not.

    Args:
        scheme: With its key policy.
        budget: Images under one key.
    """
    if budget >= _FEW or scheme.key_policy != "shared":
        return ""
    if "derived" in scheme.policies:
        alone = (
            "give each image its own key (--parameter key_policy=derived) where no encrypted model needs a shared one"
        )
    else:
        alone = "choose a scheme with a key for each image"
    return f"{alone}; else a new key for each such batch (pixelveil rotate)"
