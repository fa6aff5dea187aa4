"""Masked image: noise with a guarantee for neighboring grey levels, less of it on edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pixelveil.errors import UsageError
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import Step
from pixelveil.steps.edge_noise import EdgeNoise
from pixelveil.steps.rounding import Rounding

__all__ = ["MaskedImage"]

# The window that blurs has four times this radius.
_LARGEST_SMOOTHING = 100

# Nothing is left of an image long before; far below, floats overflow.
_LEAST_BUDGET = 1e-6


@dataclass(frozen=True, kw_only=True)
class MaskedImage(Scheme):
    """Find the pixels of edges, add Laplace noise to all values, less of it to those of edges, and round; any size.

    Public is the abstract only: edge detection finds feature pixels; noise is generated that satisfies distance-based
    indistinguishability and disturbs edge features least; the privacy budget is a parameter. All else is inferred
    here, as the least that does what the abstract says, each choice a parameter:

    * distance: the sum of differences of grey levels, for which the Laplace mechanism is the standard one;
    * feature pixels: the fifth of all pixels whose Sobel gradient is largest after a slight blur;
    * edges are looked for on a copy with noise of its own (``mask_epsilon``), for which pixels count as edges depends
      on the image too. With 0 they are looked for on the image itself, as the abstract may mean it;
    * the three budgets, per grey level.

    What holds for any two images x, x' of a size and any set S of results, with ``d`` the sum of ``|x - x'|``:

        P[y(x) in S] <= exp((mask_epsilon + feature_epsilon) d) P[y(x') in S]

    Between images that differ in one value, by 10 levels, this is a factor of at most ``exp(1.5)`` with the defaults.
    Pictures of different things differ by many thousands, and nothing useful is promised about telling them apart. With
    ``mask_epsilon`` 0 it holds only between images with the same feature pixels. Noise is drawn in 52-bit precision,
    which the inequality neglects.

    Source: Kou et al., Peer-to-Peer Networking and Applications 17, 2523-2537 (2024), abstract.

    Args:
        epsilon: Budget per grey level of values that are not on edges; noise has scale ``1 / epsilon`` levels.
        feature_epsilon: Budget of values on edges, at least ``epsilon``.
        mask_epsilon: Budget of finding the edges; 0 finds them on the image itself.
        feature_share: Share of the pixels that count as edges, above 0 and at most 1.
        smoothing: Standard deviation of the blur before edges are looked for, in pixels, at most 100.

    Raises:
        UsageError: A budget, share or blur beyond these bounds.
    """

    name: ClassVar[str] = "masked-image"
    title: ClassVar[str] = "Masked image: noise that spares edges, under distance-based indistinguishability"
    citation: ClassVar[str] = (
        "Kou et al., Peer-to-Peer Netw. Appl. 17, 2523-2537 (2024), doi 10.1007/s12083-024-01718-7"
    )
    family: ClassVar[Family] = "mixing"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("none",)
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = ""
    protects: ClassVar[str] = "The exact values of single pixels, from everybody, with the bound that the budgets give."
    exposes: ClassVar[str] = (
        "What the picture shows: contours by design, and areas to whoever averages neighbors or several encryptions."
    )
    readable_from: ClassVar[int | None] = 1
    known_attacks: ClassVar[tuple[str, ...]] = (
        "One image: noise is independent from pixel to pixel, so a blur of k pixels lowers it by about sqrt(k), and "
        "edges are there by design; any denoiser does better. None was published.",
        "n encryptions of one image: their mean lowers the noise by sqrt(n); budgets of encryptions add up.",
    )

    epsilon: float = 0.02
    feature_epsilon: float = 0.1
    mask_epsilon: float = 0.05
    feature_share: float = 0.2
    smoothing: float = 1.5
    key_policy: KeyPolicy = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.epsilon <= self.feature_epsilon:
            raise UsageError(
                f"{self.name}: epsilon must be above 0 and at most feature_epsilon {self.feature_epsilon}, not "
                f"{self.epsilon}"
            )
        if self.mask_epsilon < 0:
            raise UsageError(f"{self.name}: mask_epsilon must not be negative")
        if self.epsilon < _LEAST_BUDGET or 0 < self.mask_epsilon < _LEAST_BUDGET:
            raise UsageError(f"{self.name}: a budget per grey level is at least {_LEAST_BUDGET}")
        if not 0 <= self.smoothing <= _LARGEST_SMOOTHING:
            raise UsageError(f"{self.name}: smoothing must be 0 to {_LARGEST_SMOOTHING} pixels, not {self.smoothing}")
        if not 0 < self.feature_share <= 1:
            raise UsageError(f"{self.name}: feature_share must be above 0 and at most 1, not {self.feature_share}")

    @property
    def randomized(self) -> bool:
        """True: every encryption draws anew."""
        return True

    @property
    def total_epsilon(self) -> float:
        """The budget per grey level of one encryption, ``mask_epsilon + feature_epsilon``."""
        return self.mask_epsilon + self.feature_epsilon

    def steps(self) -> tuple[Step, ...]:
        """Return the noise and the rounding."""
        noise = EdgeNoise(
            epsilon=self.epsilon,
            feature_epsilon=self.feature_epsilon,
            mask_epsilon=self.mask_epsilon,
            feature_share=self.feature_share,
            smoothing=self.smoothing,
        )
        return (noise, Rounding())
