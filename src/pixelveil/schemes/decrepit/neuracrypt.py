"""NeuraCrypt, which was broken: patches go through a random network, and come out in random order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pixelveil.errors import UsageError
from pixelveil.schemes.scheme import Family, KeyPolicy, Scheme
from pixelveil.steps import Step
from pixelveil.steps.patch_encoder import PatchEncoder
from pixelveil.steps.set_shuffle import SetShuffle

__all__ = ["NeuraCrypt"]

_LARGEST_HIDDEN = 4096
_LARGEST_DEPTH = 16
_LARGEST_BLOCK = 64


@dataclass(frozen=True, kw_only=True)
class NeuraCrypt(Scheme):
    """Encode each patch by a random network that is the key, then shuffle the patches of each image.

    1. Cut the image into patches of 16 x 16 pixels; the last row and column are repeated where that is needed.
    2. Map each patch to 2048 values: affine, ReLU; four times affine, normalization, ReLU; add a random vector of its
       position; ReLU, affine. Nobody trains this network: its weights are the key.
    3. Permute the patches of each image at random; the permutation is thrown away.

    Broken: Carlini et al. match images to their encodings without an error. Use it to compare, never to protect. The
    result is ``(H/16, W/16, 2048)`` floats, a set of vectors for a transformer without positions; they are no grey
    levels (where images are given in [0, 1], they are divided by 255 like all float results). Images of another size
    have another key.

    Differs from the published code: units are normalized over the patches of one image, there over all images of a
    batch, for an encoding must not depend on the images beside it. Weights and biases are uniform in
    +-1/sqrt(inputs), as that code leaves them; values enter as -1 to 1. Sums in float32 differ between processors
    in the last digits; on one machine an image has one set of vectors, whatever it is encrypted with.

    Source: Yala et al., arXiv 2106.02484 (2021), and its public code.

    Args:
        block_size: Side of a patch in pixels, at most 64.
        depth: Hidden layers, at most 16.
        hidden: Values of a vector, at most 4096.

    Raises:
        UsageError: Numbers beyond these bounds.
    """

    name: ClassVar[str] = "neuracrypt"
    title: ClassVar[str] = "NeuraCrypt (broken): a random network encodes patches, in random order"
    citation: ClassVar[str] = "Yala et al., arXiv 2106.02484 (2021)"
    family: ClassVar[Family] = "decrepit"
    policies: ClassVar[tuple[KeyPolicy, ...]] = ("shared",)
    output_dtype: ClassVar[Literal["uint8", "float32"]] = "float32"
    reversible: ClassVar[bool] = False
    jpeg_obstacle: ClassVar[str] = "encodings are vectors of real numbers, not pictures"
    protects: ClassVar[str] = "Nothing that matters: it was broken in public."
    exposes: ClassVar[str] = (
        "Which encoding belongs to which image of a known set; and how bright and how varied each patch is."
    )
    known_attacks: ClassVar[tuple[str, ...]] = (
        "Carlini et al., arXiv 2108.07256 (2021): from encodings and images of the same kind, moments of patches, "
        "matching and a trained copy of the encoder match all images of the public challenge, depths 3 and 7 alike.",
        "The order of patches hides nothing: linear assignment to another image's encoding gives it back.",
    )

    block_size: int = 16
    depth: int = 4
    hidden: int = 2048

    def __post_init__(self) -> None:
        super().__post_init__()
        limits = {"block_size": _LARGEST_BLOCK, "depth": _LARGEST_DEPTH, "hidden": _LARGEST_HIDDEN}
        for label, most in limits.items():
            if not 1 <= (value := getattr(self, label)) <= most:
                raise UsageError(f"{self.name}: {label} must be 1 to {most}, not {value}")

    @property
    def sizes(self) -> str:
        """What is done to images of any size."""
        return (
            f"any size of more than one patch; the last row and column are repeated up to multiples of {self.block}; "
            "each size has a key of its own"
        )

    @property
    def randomized(self) -> bool:
        """True: every encryption orders the patches anew."""
        return True

    def steps(self) -> tuple[Step, ...]:
        """Return the encoder and the shuffle."""
        encoder = PatchEncoder(block_size=self.block_size, depth=self.depth, width=self.hidden)
        return (encoder, SetShuffle())
