"""How many pairs it takes: similarity against the number of known images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pixelveil.attacks.attack import Attack, Budget, Evidence, Images, Pairs
from pixelveil.attacks.evaluate import score
from pixelveil.errors import UsageError

__all__ = ["PairCurve", "pair_curve"]


@dataclass(frozen=True, kw_only=True)
class PairCurve:
    """Similarity of the victims by number of pairs.

    Args:
        similarity: SSIM of every victim, by number of pairs.
    """

    similarity: Mapping[int, tuple[float, ...]]

    def mean(self, pairs: int) -> float:
        """Return the mean SSIM with so many pairs."""
        return float(np.mean(self.similarity[pairs]))

    def needed(self, *, share: float = 0.5, least: float = 0.9) -> int | None:
        """Return the fewest pairs with which a share of the victims is read; None where none of those tried is enough.

        Args:
            share: Of the victims: 0.5 and 0.95 are q50 and q95.
            least: SSIM from which a victim counts as read.

        >>> curve = PairCurve(similarity={1: (0.2, 0.95), 2: (0.97, 0.99)})
        >>> curve.needed(), curve.needed(share=0.95), curve.needed(least=0.999)
        (1, 2, None)
        """
        for pairs in sorted(self.similarity):
            read = [value >= least for value in self.similarity[pairs]]
            if np.mean(read) >= share:
                return pairs
        return None


def pair_curve(
    attack: Attack,
    evidence: Evidence,
    *,
    plain: Images,
    counts: Sequence[int] = (1, 2, 4, 8, 16),
    seconds: float = 60.0,
    advance: Callable[[int, int], None] | None = None,
) -> PairCurve:
    """Return how well the victims are read with the first 1, 2, 4, ... pairs.

    Args:
        attack: One that takes pairs.
        evidence: With as many pairs as the largest count.
        plain: uint8 (victims, H, W, C), the victims' originals.
        counts: Numbers of pairs.
        seconds: Budget of each run.
        advance: Called with how many counts are done and of all.

    Raises:
        UsageError: There are fewer pairs than that.
    """
    pairs = evidence.pairs
    if pairs is None or len(pairs.plain) < max(counts):
        raise UsageError(f"a curve up to {max(counts)} pairs needs so many")
    similarity = {}
    for done, count in enumerate(counts):
        few = Pairs(plain=pairs.plain[:count], encrypted=pairs.encrypted[:count])
        found = attack.run(replace(evidence, pairs=few), budget=Budget(seconds=seconds))
        similarity[count] = tuple(float(value) for value in score(found, plain).measures["ssim"])
        if advance:
            advance(done + 1, len(counts))
    return PairCurve(similarity=similarity)
