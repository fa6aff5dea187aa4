"""What broke the schemes that the demo shows; none of it needs the key.

The figures of ``_STUDY`` come from the design study that the package was built from. The attacks themselves are not in
the package yet, so no command repeats these figures and no result file stands behind them; the report says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ATTACKS", "Attack"]


@dataclass(frozen=True)
class Attack:
    """One attack, in words for the report.

    Args:
        scheme: Which scheme fell.
        has: What the attacker has.
        gets: What the attacker gets out of it.
        source: Where the figure comes from.
    """

    scheme: str
    has: str
    gets: str
    source: str


_STUDY = "design study, not repeated yet"

ATTACKS: Final[tuple[Attack, ...]] = (
    Attack(
        scheme="vit-permutation",
        has="one image and its ciphertext",
        gets="all 768 pixel places and the block order, and so every other image under that key",
        source=f"{_STUDY}, one photograph at 224x224, block 16",
    ),
    Attack(
        scheme="vit-permutation",
        has="one ciphertext and nothing else",
        gets="the picture, in about 4 seconds on a processor: SSIM 0.95 on average, 1.00 in the median, for 20 "
        "CIFAR-10 images enlarged to 224x224; 0.39 for 20 photographs; with 14 photographs under one key, everything",
        source=f"{_STUDY} for the two permutations, a jigsaw solver after Chuman and Kiya, arXiv 2202.00806 and "
        "2211.02369; the inversions fall to correlations (3 of 3 images)",
    ),
    Attack(
        scheme="vit-orthogonal",
        has="about 50 ciphertexts under one key, and public images of the same kind",
        gets="readable pictures: SSIM 0.29 from 10 ciphertexts, 0.84 from 50, 0.91 from 200; with public images of "
        "another kind the attack is much weaker",
        source=f"{_STUDY}, second- and third-order statistics, CIFAR-10 at 224x224, block 16",
    ),
    Attack(
        scheme="vit-orthogonal",
        has="one image and its ciphertext",
        gets="other images under that key at SSIM 0.92; with four pairs exactly",
        source=f"{_STUDY}, block norms and least squares, photographs at 224x224",
    ),
    Attack(
        scheme="both",
        has="the encrypted model, and the plain patch embedding (a public checkpoint, say)",
        gets="everything: the model's own tokens are those of the plain model, and comparing the two embeddings gives "
        "the key; a new key changes nothing",
        source=f"{_STUDY}; it follows from the construction of Kiya et al., arXiv 2207.05366",
    ),
    Attack(
        scheme="skk",
        has="one ciphertext and nothing else",
        gets="the outlines: the distance of every value from mid-gray survives, whatever the key",
        source="Chang and Case 2020, arXiv 2004.13263; see the pictures below",
    ),
)
