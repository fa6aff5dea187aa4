"""The bench: a scheme with a key made for one run, and the evidence that an attacker with some access holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Evidence, Images, Pairs
from pixelveil.audit.control_store import ControlStore
from pixelveil.audit.extra import ExtraMeasure
from pixelveil.audit.images import AuditImages
from pixelveil.keys import Key
from pixelveil.schemes import Scheme

__all__ = ["WITH_PAIRS", "WITH_PUBLIC", "Bench"]

WITH_PUBLIC: tuple[Access, ...] = ("public images", "pairs", "oracle", "model", "client")
"""Who is given public images."""

WITH_PAIRS: tuple[Access, ...] = ("pairs", "oracle")
"""Who is given known pairs too."""

# The key is thrown away with the bench; nothing counts against anybody's budget.
_UNCOUNTED = 1 << 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """A scheme, the images, and a key in memory that nobody else has.

    Args:
        scheme: What is audited.
        images: In their roles.
        seed: Of the attacks' own randomness.
        controls: Where positive controls are kept.
        extra: Measures of reconstructions that need a file of the user's.
        key: Made afresh; never the user's.
    """

    scheme: Scheme
    images: AuditImages
    seed: int = 0
    controls: ControlStore = field(default_factory=ControlStore)
    extra: tuple[ExtraMeasure, ...] = ()
    key: Key = field(default_factory=lambda: Key.generate(budget=_UNCOUNTED), repr=False)

    def renewed(self, *, scheme: Scheme | None = None) -> Self:
        """Return the same bench with another key, perhaps for another scheme.

        Args:
            scheme: In place of the one that is audited.
        """
        return replace(self, scheme=scheme or self.scheme, key=Key.generate(budget=_UNCOUNTED))

    def encrypt(self, images: Images) -> Images:
        """Encrypt plain images under the bench's key, as the scheme does.

        Args:
            images: uint8 (n, H, W, C).
        """
        return np.asarray(self.scheme.encrypt(images, key=self.key).images)

    def evidence(
        self,
        access: Access,
        *,
        places: NDArray[np.intp] | None = None,
        victims: int | None = None,
        pairs: int | None = None,
    ) -> Evidence:
        """Return what an attacker with this access holds, and no more: parameters of the scheme, but not its asset.

        Args:
            access: What there is beside ciphertexts.
            places: Which of victims and helpers are encrypted; all if not given.
            victims: How many of them, counted from the first, are to be read; the victims if not given.
            pairs: How many known pairs at most; all if not given.
        """
        encrypted = self.images.encrypted if places is None else self.images.encrypted[places]
        known = self.images.pairs[:pairs]
        return Evidence(
            scheme=replace(self.scheme, asset=""),
            ciphertexts=self.encrypt(encrypted),
            shape=self.images.shape,
            victims=len(self.images.victims) if victims is None else victims,
            public=self.images.public if access in WITH_PUBLIC else None,
            pairs=Pairs(plain=known, encrypted=self.encrypt(known)) if access in WITH_PAIRS and len(known) else None,
            oracle=self.encrypt if access == "oracle" else None,
            seed=self.seed,
        )
