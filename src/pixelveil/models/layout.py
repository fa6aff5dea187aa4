"""Where a model keeps what a block-wise key changes: plain data, no tensors.

A *layout* names the patch embedding and every tensor that depends on the position of a patch. `absorb` reads it to
encrypt a model, a stem without its model, or an encrypted model once more.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, Self, TypeAlias, get_args

from pixelveil.errors import IntegrityError

__all__ = ["MAPS", "Embedding", "Form", "Gather", "Layout", "Wrapped"]

Form: TypeAlias = Literal["shared", "signed", "dense"]

# Tensors that the form "signed" adds beside the weight, see `SignedEmbedding`.
MAPS: Final = ("index", "scale", "shift")


@dataclass(frozen=True)
class Embedding:
    """The patch embedding ``e = W x + b``, the first operation on the pixels.

    Args:
        weight: Name of W, (D, C, p, p) of a convolution or (D, L) of a linear layer.
        bias: Name of b, (D,). Empty: the layer has none, and the correction is added to the rows of `Layout.shifted`.
        patch_size: Side p of a patch, in pixels.
        channels: Color components C.
        flatten: How W numbers the values of a patch: "chw" (convolution) or "hwc" (linear, channels last).
        form: What holds the key: "shared", W alone; "signed", W and a signed permutation for each position
            (`SignedEmbedding`); "dense", a kernel and a bias for each position (`DenseEmbedding`).
    """

    weight: str
    bias: str
    patch_size: int
    channels: int
    flatten: Literal["chw", "hwc"] = "chw"
    form: Form = "shared"

    @property
    def module(self) -> str:
        """Path of the module that holds W."""
        return self.weight.rpartition(".")[0]

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the tensors that turn each position's key into the one that W holds; empty in other forms."""
        prefix = f"{self.module}." if self.module else ""
        return tuple(f"{prefix}{name}" for name in MAPS) if self.form == "signed" else ()


@dataclass(frozen=True)
class Gather:
    """A tensor whose entries follow the patches: entry ``start + j`` becomes entry ``start + order[j]``.

    Args:
        name: Name of the parameter or buffer.
        axes: Axes that number tokens; two for pairs of tokens (relative positions, token mixing).
        start: Entries before the first patch (class, register, distillation tokens); they stay. What follows the last
            patch (detection tokens) stays too.
        square: The tensor is a flattened table of pairs of tokens; the axes are those of the table.
    """

    name: str
    axes: tuple[int, ...]
    start: int = 0
    square: bool = False


@dataclass(frozen=True)
class Wrapped:
    """A module that computes position information when it is called; a `Reordered` module takes its place.

    Args:
        module: Path of the module.
        axes: Axes of its output (negative numbers) that number tokens.
        start: Tokens before the first patch.
    """

    module: str
    axes: tuple[int, ...]
    start: int = 0


@dataclass(frozen=True)
class Layout:
    """All that a key changes in one model.

    Args:
        embedding: The patch embedding.
        image_size: Height and width of its images, in pixels.
        family: Which adapter described the model, such as "timm VisionTransformer".
        gathers: Tensors that follow the block order; those of wrapped modules included.
        wrapped: Modules that compute position information.
        shifted: The position table that takes the bias correction where the embedding has no bias.
        prefix: Tokens before the patches in the model's token sequence.
        suffix: Tokens after the patches.
        fixed: Why no block order can be absorbed; empty where one can.
    """

    embedding: Embedding
    image_size: tuple[int, int]
    family: str = ""
    gathers: tuple[Gather, ...] = ()
    wrapped: tuple[Wrapped, ...] = ()
    shifted: Gather | None = None
    prefix: int = 0
    suffix: int = 0
    fixed: str = ""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        height, width = self.image_size
        return height // self.embedding.patch_size, width // self.embedding.patch_size

    @property
    def patches(self) -> int:
        """Number of patches."""
        rows, columns = self.grid
        return rows * columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors of the stem: all that may differ from key to key."""
        embedding = self.embedding
        names = [embedding.weight, embedding.bias, *embedding.maps, *(gather.name for gather in self.gathers)]
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def form(self) -> Form:
        """What holds the key inside patches, see `Embedding`."""
        return self.embedding.form

    def in_form(self, form: Form) -> Self:
        """Return the layout of the same model with its key held in another form."""
        return replace(self, embedding=replace(self.embedding, form=form))

    def under(self, path: str) -> Self:
        """Return the layout with names as they read from a module that holds this one at ``path``."""
        if not path:
            return self

        def at(name: str) -> str:
            return f"{path}.{name}" if name else ""

        return replace(
            self,
            embedding=replace(self.embedding, weight=at(self.embedding.weight), bias=at(self.embedding.bias)),
            gathers=tuple(replace(gather, name=at(gather.name)) for gather in self.gathers),
            wrapped=tuple(replace(wrapped, module=at(wrapped.module)) for wrapped in self.wrapped),
            shifted=None if self.shifted is None else replace(self.shifted, name=at(self.shifted.name)),
        )

    def to_json(self) -> str:
        """Return the layout as one line of JSON; the form is left out where it is "shared"."""
        values = asdict(self)
        if self.form == "shared":
            del values["embedding"]["form"]  # files of one kernel stay readable where forms are unknown
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            IntegrityError: The text is no layout.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            values["embedding"] = _read(Embedding, {"form": "shared", **values["embedding"]})
            values["gathers"] = [_read(Gather, entry) for entry in values["gathers"]]
            values["wrapped"] = [_read(Wrapped, entry) for entry in values["wrapped"]]
            values["shifted"] = None if values["shifted"] is None else _read(Gather, values["shifted"])
            layout: Self = _read(cls, values)
            _check_ranges(layout)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise IntegrityError("the layout of an encrypted model cannot be read") from error
        return layout


# What JSON gives for a field of each type that the classes above declare.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "Literal['chw', 'hwc']": (str,),
    "Form": (str,),
    "tuple[int, ...]": (list,),
    "tuple[int, int]": (list,),
    "Embedding": (Embedding,),
    "tuple[Gather, ...]": (list,),
    "tuple[Wrapped, ...]": (list,),
    "Gather | None": (Gather, type(None)),
}

_LARGEST_SIDE = 1 << 14  # of an image, in pixels


def _read(kind: Any, values: dict[str, Any]) -> Any:
    """Make an object of a dataclass from exactly its fields, each of exactly its type; lists become tuples."""
    types = {field.name: _TYPES[str(field.type).replace('"', "'")] for field in fields(kind)}
    if set(values) != set(types) or any(type(values[name]) not in allowed for name, allowed in types.items()):
        raise ValueError
    return kind(**{name: tuple(value) if type(value) is list else value for name, value in values.items()})


def _check_ranges(layout: Layout) -> None:
    """Raise ValueError where a number is none that a model has; the tensors themselves are checked by use."""
    embedding, sides = layout.embedding, layout.image_size
    gathers = (*layout.gathers, *(() if layout.shifted is None else (layout.shifted,)))
    axes = [axis for entry in (*gathers, *layout.wrapped) for axis in entry.axes]
    places = [layout.prefix, layout.suffix, *(entry.start for entry in gathers)]
    if not (
        all(type(number) is int for number in (*sides, *axes))
        and len(sides) == 2
        and embedding.channels in (1, 3)
        and embedding.flatten in ("chw", "hwc")
        and embedding.form in get_args(Form)
        and 1 <= embedding.patch_size <= min(sides)
        and max(sides) <= _LARGEST_SIDE
        and all(abs(axis) <= 8 for axis in axes)  # far more axes than any tensor of a model has
        and all(0 <= place <= _LARGEST_SIDE for place in places)
    ):
        raise ValueError
