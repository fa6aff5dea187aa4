"""Which schemes are audited, and with which parameters on images of which size."""

from __future__ import annotations

from dataclasses import dataclass, field

from pixelveil.schemes import SCHEMES

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scheme with parameters.

    Args:
        scheme: Name.
        parameters: As the command line takes them, beside the defaults.
        blocks: Whether its blocks are set by the size of the images, see `options`.
        fit: What else `schemes fit` is given.
        note: What is special about it, in a few words.
    """

    scheme: str
    parameters: tuple[str, ...] = ()
    blocks: bool = False
    fit: tuple[str, ...] = field(default=())
    note: str = ""

    @property
    def key_policy(self) -> str:
        """The key policy that is audited."""
        given = dict(item.split("=") for item in self.parameters)
        return given.get("key-policy", SCHEMES[self.scheme]().key_policy)

    def options(self, *, block_size: int) -> list[str]:
        """Return the parameters as options of the command line.

        Args:
            block_size: For schemes whose blocks follow the images.
        """
        parameters = [*self.parameters, *([f"block-size={block_size}"] if self.blocks else [])]
        return [word for item in parameters for word in ("-p", item)]


# Small networks, trained briefly: enough to audit what such a transformation hides, not what it lets others learn.
_NETWORK = (
    *("--epochs", "3", "--batch-size", "64", "--limit", "1000"),
    *("-p", "width=16", "-p", "depth=3", "-p", "classifier-epochs=5"),
)

CASES: dict[str, Case] = {
    "etc-color": Case(scheme="etc-color", blocks=True),
    "etc-gray": Case(scheme="etc-gray", blocks=True),
    "gan-transform": Case(scheme="gan-transform", fit=_NETWORK, note="a small network, trained for three epochs"),
    "huang": Case(scheme="huang"),
    "huang-max": Case(scheme="huang", parameters=("statistic=max", "filter-size=2"), note="largest of 2x2"),
    "image-to-perturbation": Case(
        scheme="image-to-perturbation", fit=_NETWORK, note="a small network, trained for three epochs"
    ),
    "instahide": Case(scheme="instahide"),
    "madono-ele": Case(scheme="madono-ele"),
    "madono-ele-derived": Case(
        scheme="madono-ele", parameters=("key-policy=derived",), note="a key per image, beyond what was published"
    ),
    "masked-image": Case(scheme="masked-image"),
    "neuracrypt": Case(
        scheme="neuracrypt", parameters=("hidden=64",), blocks=True, note="64 values a patch; published: 2,048"
    ),
    "pixel-block-mixing": Case(scheme="pixel-block-mixing"),
    "skk": Case(scheme="skk"),
    "skk-g": Case(scheme="skk-g"),
    "skk-shared": Case(scheme="skk", parameters=("key-policy=shared",), note="one key for all images"),
    "smkk": Case(scheme="smkk"),
    "svd-popescu": Case(scheme="svd-popescu"),
    "svd-wang": Case(scheme="svd-wang"),
    "svd-wang-image": Case(scheme="svd-wang", parameters=("factor=image",), note="the whole image, not a factor"),
    "tanaka-le": Case(scheme="tanaka-le"),
    "vit-compressible": Case(
        scheme="vit-compressible", parameters=("block-size=8", "sub-block-size=4"), note="blocks of 8 in parts of 4"
    ),
    "vit-orthogonal": Case(scheme="vit-orthogonal", blocks=True),
    "vit-orthogonal-derived": Case(
        scheme="vit-orthogonal", parameters=("key-policy=derived",), blocks=True, note="a key per image"
    ),
    "vit-permutation": Case(scheme="vit-permutation", blocks=True),
    "vit-restricted": Case(scheme="vit-restricted", blocks=True),
    "xor-stream": Case(scheme="xor-stream", note="a real cipher, nothing can be learned: the reference"),
}
"""By the name of the folder of the report."""
