"""What an adaptation network needs to know about the images that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pixelveil.errors import UsageError
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import Planes

__all__ = ["AdaptationSettings", "settings_for"]

_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class AdaptationSettings:
    """The images that an adaptation network reads.

    Args:
        image_size: Side of the square image in pixels, before planes are laid out.
        block_size: Side of the scheme's blocks in pixels.
        planes: "interleaved", or "side by side": the network is given one plane (n, 1, H, 3W) and puts it back.
        entries: What the scheme moves inside blocks: "byte" or "nibble".
        ordered: Whether the color components of a pixel keep their places.
        mean: Per channel of the network's input, that normalization subtracted from images in [0, 1].
        std: Per channel, that it divided by.

    Raises:
        UsageError: A value is out of its range.
    """

    image_size: int
    block_size: int = 4
    planes: Planes = "interleaved"
    entries: str = "byte"
    ordered: bool = False
    mean: tuple[float, ...] = _HALF
    std: tuple[float, ...] = _HALF

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.image_size < 1 or self.block_size < 1:
            raise UsageError("image and block size must be at least 1")
        if self.planes not in ("interleaved", "side by side") or self.entries not in ("byte", "nibble"):
            raise UsageError(f"planes {self.planes!r} with entries {self.entries!r} is no layout of images")

    @property
    def blocks(self) -> int:
        """Number of blocks along a side.

        Raises:
            UsageError: The image does not consist of whole blocks.
        """
        if self.image_size % self.block_size:
            raise UsageError(
                f"images of {self.image_size} pixels do not consist of blocks of {self.block_size}",
                hint="choose a size that is a multiple of the block",
            )
        return self.image_size // self.block_size

    def options(self) -> dict[str, Any]:
        """Return what differs from the defaults, without size and normalization: JSON values for a checkpoint.

        >>> AdaptationSettings(image_size=32, block_size=8).options()
        {'block_size': 8}
        """
        defaults = {one.name: one.default for one in fields(self)}
        known = {"image_size", "mean", "std"}
        return {name: value for name, value in asdict(self).items() if name not in known and value != defaults[name]}

    @classmethod
    def of(
        cls,
        options: Mapping[str, Any],
        *,
        image_size: int,
        mean: tuple[float, ...] = _HALF,
        std: tuple[float, ...] = _HALF,
    ) -> AdaptationSettings:
        """Return the settings that `options` gave.

        Raises:
            UsageError: There is no such option.
        """
        known = {one.name: one.default for one in fields(cls) if one.name not in ("image_size", "mean", "std")}
        for name, value in options.items():
            if name not in known or type(value) is not type(known[name]):
                hint = f"there are: {', '.join(known)}"
                raise UsageError(f"{name} = {value!r} is no option of an adaptation", hint=hint)
        return cls(image_size=image_size, mean=mean, std=std, **options)


def settings_for(
    scheme: Scheme, *, image_size: int, mean: tuple[float, ...] = _HALF, std: tuple[float, ...] = _HALF
) -> AdaptationSettings:
    """Return the settings for images of a scheme.

    Args:
        scheme: It encrypted them.
        image_size: Side of the encrypted image in pixels (of one plane where planes lie side by side).
        mean: Per channel of the network's input.
        std: Per channel.

    >>> from pixelveil.schemes import create_scheme
    >>> settings_for(create_scheme("etc-gray"), image_size=32).options()
    {'block_size': 8, 'planes': 'side by side'}
    """
    nibbles = scheme.name in ("tanaka-le", "madono-ele")
    return AdaptationSettings(
        image_size=image_size,
        block_size=scheme.block if scheme.block > 1 else AdaptationSettings.block_size,
        planes=scheme.planes,
        entries="nibble" if nibbles else "byte",
        ordered=scheme.parameters.get("shuffle") == "none",
        mean=mean,
        std=std,
    )
