"""Image to perturbation: a trained U-Net makes images that a classifier reads and people do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset, AssetKind
from pixelveil.schemes.learned.unet import unet, unet_shapes
from pixelveil.schemes.learned.weights import as_tensors, check_weights
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import Step
from pixelveil.steps.network import Network

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ImageToPerturbation"]


@dataclass(frozen=True, kw_only=True)
class ImageToPerturbation(Scheme):
    """Let a U-Net redraw the image, ``x' = sigmoid(h(x))``, and round it to 8 bits; any size.

    A trusted party trains ``h`` for one classifier ``psi``, which never changes and still reads plain images:
    ``L = CE(psi(x'), y) - lambda MSE(V(x'), V(x))`` with ``V`` the early features of VGG16. Keep the label, move the
    looks away. There is no key: whoever has ``h`` can transform, and nobody can go back exactly. It protects the
    images that are classified, not those that ``psi`` and ``h`` were trained on.

    The weights are the asset; ``pixelveil schemes fit image-to-perturbation`` trains them. Sides that the U-Net's
    levels do not divide (16 with five levels) are padded inside by repeating the last row and column, and the result
    is cropped. Grayscale becomes color. Another processor may add up in another order: a value may then differ by one.

    Source: Ito, Kinoshita, Maung Maung and Kiya, IEEE Access 9, 64629-64638 (2021). The size of the U-Net is not in
    the paper; five levels of 64 to 1024 channels are those of its own source.
    """

    name: ClassVar[str] = "image-to-perturbation"
    title: ClassVar[str] = "Image-to-perturbation network (I2P)"
    citation: ClassVar[str] = (
        "Ito, Kinoshita, Maung Maung and Kiya, IEEE Access 9, 64629-64638 (2021); arXiv 2008.03143"
    )
    family: ClassVar[Family] = "learned"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("none",)
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = (
        "the classifier reads patterns that no photograph has, and nobody has shown that they survive JPEG"
    )
    protects: ClassVar[str] = "Images sent to one known classifier, against whoever looks at them on the way or there."
    exposes: ClassVar[str] = (
        "The label to everyone with the classifier; equal images stay equal; whoever has the weights can learn to undo "
        "them from images of their own."
    )
    known_attacks: ClassVar[tuple[str, ...]] = (
        "With the weights, or pairs of plain and transformed images: a second U-Net trained to undo the first "
        "(the authors' own test, which they report it to withstand).",
        "Relatives that hide images as adversarial examples are undone by generative networks (arXiv 2407.06570, "
        "2408.04261).",
    )
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("weights",)
    needs_asset: ClassVar[bool] = True

    key_policy: KeyPolicy = "none"

    def bind(self, asset: Asset) -> Self:
        """Return the scheme with its weights; see `Scheme.bind`.

        Raises:
            IntegrityError: They are not those of a U-Net.
        """
        bound = super().bind(asset)
        check_weights(asset.arrays, shapes=_shapes(asset.arrays))
        return bound

    @classmethod
    def fit(cls, images: NDArray[Any], *, settings: Mapping[str, Any]) -> Asset:
        """Refuse: the network is trained from a folder, for hours.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{cls.name}: its network is trained", hint=f"run: pixelveil schemes fit {cls.name} --data DIR --out FILE"
        )

    def steps(self) -> tuple[Step, ...]:
        """Return the network."""
        return (Network(network=lambda images: unet(images, self._weights), name="u-net"),)

    @cached_property
    def _weights(self) -> dict[str, Tensor]:
        return as_tensors(self.arrays)


def _shapes(arrays: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the U-Net whose width and levels arrays tell."""
    first = arrays.get("down0/0/kernel")
    if first is None or first.ndim == 0:
        raise IntegrityError("these are not the weights of a U-Net")
    levels = sum(name.startswith("down") and name.endswith("/0/kernel") for name in arrays)
    return unet_shapes(width=len(first), levels=levels)
