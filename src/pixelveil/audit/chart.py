"""The curve of a key's lifetime as points of an SVG picture; the template draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pixelveil.audit.cell import Cell

__all__ = ["HEIGHT", "WIDTH", "Chart", "Dot", "chart"]

WIDTH, HEIGHT = 800, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 780, 14, 196


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One point of a curve.

    Args:
        x: Across, in the picture's units.
        y: Down; of the mean.
        low: Down, of the lower end of its interval.
        high: Down, of its upper end.
        control: Down, of the same attack on noise.
        images: Number of images under one key.
        verdict: Of the point.
    """

    x: float
    y: float
    low: float
    high: float
    control: float
    images: int
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A curve, ready to be drawn in a box of `WIDTH` by `HEIGHT`.

    Args:
        dots: By growing number of images.
        levels: Height and label of the lines across.
    """

    dots: Sequence[Dot] = field(repr=False)
    levels: Sequence[tuple[float, str]] = ()

    @property
    def line(self) -> str:
        """The curve of the attack, as points of a polyline."""
        return " ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in self.dots)

    @property
    def floor(self) -> str:
        """The curve of the control."""
        return " ".join(f"{dot.x:.1f},{dot.control:.1f}" for dot in self.dots)


def chart(points: Sequence[Cell]) -> Chart:
    """Return the curve of SSIM over the number of images, on a logarithmic scale.

    Args:
        points: Cells with figures, by growing number of images.
    """
    drawn = [cell for cell in points if cell.ssim is not None and cell.ssim_control is not None]
    most = math.log10(max((cell.images for cell in drawn), default=10))
    dots = []
    for cell in drawn:
        if cell.ssim is None or cell.ssim_control is None:
            continue
        dots.append(
            Dot(
                x=round(_LEFT + (_RIGHT - _LEFT) * math.log10(cell.images) / max(most, 1e-9), 1),
                y=_down(cell.ssim.value),
                low=_down(max(cell.ssim.low, 0.0)),
                high=_down(min(cell.ssim.high, 1.0)),
                control=_down(cell.ssim_control.value),
                images=cell.images,
                verdict=cell.verdict,
            )
        )
    return Chart(dots=dots, levels=[(_down(level), f"{level:.2g}") for level in (0.0, 0.25, 0.5, 0.75, 1.0)])


def _down(value: float) -> float:
    """Return the height of an SSIM from 0 to 1; what is below zero lies on the floor."""
    return round(_BOTTOM - (_BOTTOM - _TOP) * min(max(value, 0.0), 1.0), 1)
