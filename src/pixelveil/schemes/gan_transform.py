"""GAN-based transformation: a generator, trained against a network that wants to undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset, AssetKind
from pixelveil.schemes.learned.generator import generator, generator_shapes
from pixelveil.schemes.learned.weights import as_tensors, check_weights
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import Step
from pixelveil.steps.network import Network

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GanTransform"]


@dataclass(frozen=True, kw_only=True)
class GanTransform(Scheme):
    """Let the generator of CycleGAN redraw the image, and round it to 8 bits; any size.

    Public are the idea (a generator on the client's side, images that go straight to the classifier, no key) and, from
    notes of readers, the kind of generator and its three losses: perceptual, classification, and per-pixel L2
    reconstruction. Inferred here, each a parameter of the training (`training/learned_recipe.py`):

    * 64 channels and 6 residual blocks, Adam with the settings of CycleGAN;
    * the classifier is trained on plain images first and does not change;
    * the perceptual loss pushes early features of VGG16 *away* from those of the plain image;
    * reconstruction is a game (``opponent``): a second generator learns to give back the plain image, the first learns
      that its per-pixel error stays large. Without it the per-pixel distance to the plain image itself is enlarged;
    * the weights of the losses.

    The weights are the asset; ``pixelveil schemes fit gan-transform`` trains them. Sides are padded to multiples of 4
    inside, and cropped. Grayscale becomes color. Another processor may add up in another order: a value may then
    differ by one.

    Source: Sirichotedumrong and Kiya, EUSIPCO 2020, 745-749; reported 82.55 % where plain images give 91.55 %
    (ResNet-20, CIFAR-10).
    """

    name: ClassVar[str] = "gan-transform"
    title: ClassVar[str] = "GAN-based transformation"
    citation: ClassVar[str] = "Sirichotedumrong and Kiya, EUSIPCO 2020, 745-749; arXiv 2006.01342"
    family: ClassVar[Family] = "learned"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("none",)
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = (
        "the classifier reads patterns that no photograph has, and nobody has shown that they survive JPEG"
    )
    protects: ClassVar[str] = "Images sent to a classifier, against whoever looks at them on the way or there."
    exposes: ClassVar[str] = (
        "The label to everyone with the classifier; equal images stay equal; whoever has the weights can learn to undo "
        "them from images of their own."
    )
    known_attacks: ClassVar[tuple[str, ...]] = (
        "With the weights, or pairs of plain and transformed images: a network trained to undo it.",
        "Without pairs: reported to withstand generative attacks (arXiv 2010.06198).",
    )
    asset_kinds: ClassVar[tuple[AssetKind, ...]] = ("weights",)
    needs_asset: ClassVar[bool] = True

    key_policy: KeyPolicy = "none"

    def bind(self, asset: Asset) -> Self:
        """Return the scheme with its weights; see `Scheme.bind`.

        Raises:
            IntegrityError: They are not those of a generator.
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
        return (Network(network=lambda images: generator(images, self._weights), name="generator"),)

    @cached_property
    def _weights(self) -> dict[str, Tensor]:
        return as_tensors(self.arrays)


def _shapes(arrays: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the generator whose width and blocks arrays tell."""
    first = arrays.get("first/kernel")
    if first is None or first.ndim == 0:
        raise IntegrityError("these are not the weights of a generator")
    blocks = sum(name.startswith("block") and name.endswith("/0/kernel") for name in arrays)
    return generator_shapes(width=len(first), blocks=blocks)
