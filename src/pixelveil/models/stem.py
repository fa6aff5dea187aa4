"""The stem: all that changes with a key. A server keeps one trunk and many stems; a new key is a new stem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor, nn

from pixelveil.errors import IntegrityError, UnsupportedModelError
from pixelveil.keys import Epoch, Key
from pixelveil.models.absorb import Undo, absorb, restore
from pixelveil.models.encrypt import trunk_digest
from pixelveil.models.families import settle_and_describe
from pixelveil.models.info import ATTRIBUTE, StemInfo, info_of, made_by
from pixelveil.models.layout import Layout
from pixelveil.models.planning import epoch_of, shared_plan, size_of, undo_of
from pixelveil.models.prepare import prepare, read_tensors, write_tensors
from pixelveil.schemes import Scheme

__all__ = ["Stem", "extract_stem", "load_stem", "prepare_fresh", "rekey_stem"]


@dataclass(frozen=True)
class Stem:
    """The tensors of a model that differ from key to key, and the public facts about them.

    Whoever has a stem and knows the plain weights can compute the key: see `PROTECTION`.

    Args:
        info: The facts.
        tensors: Name to tensor: patch embedding, position tables, token-mixing weights, orders and indices.
    """

    info: StemInfo
    tensors: Mapping[str, Tensor] = field(repr=False)

    @property
    def nbytes(self) -> int:
        """Size of all tensors."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.tensors.values())


def extract_stem(model: nn.Module) -> Stem:
    """Return the stem of an encrypted model, as copies on the CPU.

    Raises:
        UsageError: The model is plain.
    """
    info = info_of(model)
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in read_tensors(model, layout=info.layout).items()}
    return Stem(info=info, tensors=tensors)


def load_stem(model: nn.Module, stem: Stem) -> None:
    """Put a stem on a trunk: copy its tensors into the model's own, which is a matter of milliseconds.

    Args:
        model: An encrypted model, or a plain one with the same trunk; changed in place. If the stem is refused, it
            answers as before.
        stem: The stem.

    Raises:
        IntegrityError: The stem belongs to another architecture, image size or trunk.
    """
    info, layout = getattr(model, ATTRIBUTE, None), stem.info.layout
    if not isinstance(info, StemInfo):
        shared = layout.in_form("shared")
        prepare_fresh(model, layout=shared)
        trunk = trunk_digest(model, layout=shared)
    else:
        trunk = info.trunk
        if info.layout.in_form(layout.form) != layout:
            raise IntegrityError(
                f"the stem is for a {stem.info.family} of another architecture or image size",
                hint="load a stem of this very model",
            )
        if info.layout != layout:
            raise IntegrityError(
                f"the stem has the form {layout.form!r}, the model {info.layout.form!r}",
                hint="load it into a fresh plain model of this architecture",
            )
    if trunk != stem.info.trunk:
        raise IntegrityError("the stem was made for other weights than this trunk's", hint="load the model it is for")
    prepare(model, layout=layout)
    write_tensors(model, stem.tensors, layout=stem.info.layout)
    setattr(model, ATTRIBUTE, stem.info)


def rekey_stem(
    stem: Stem,
    *,
    scheme: Scheme,
    old_key: Key | Epoch,
    new_key: Key | Epoch,
    image_size: int | Sequence[int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    client: str | None = None,
) -> Stem:
    """Return a stem under another key, without the plain model: undo the old plan, then absorb the new one.

    Args:
        stem: A stem under the old key.
        scheme: The scheme it was made with.
        old_key: The epoch it was made with (of a key, the active one).
        new_key: The epoch it shall be for (of a key, the active one).
        image_size: As it was encrypted for; None: what the stem says.
        mean: As it was encrypted with; None: what the stem says.
        std: As it was encrypted with; None: what the stem says.
        client: Name of the client it shall be for; None: the same as before.

    Returns:
        The new stem, on the same trunk.

    Raises:
        IntegrityError: The stem was made with another scheme, key, image size, mean or deviation.
    """
    old, new, info = epoch_of(old_key), epoch_of(new_key), stem.info
    made_by(info, scheme=scheme, epoch=old)
    given = (
        info.image_size if image_size is None else size_of(image_size),
        info.mean if mean is None else tuple(mean),
        info.std if std is None else tuple(std),
    )
    if given != (info.image_size, info.mean, info.std):
        raise IntegrityError(
            f"the stem is for images of {info.image_size} with mean {info.mean} and std {info.std}",
            hint="leave image_size, mean and std out",
        )
    layout, owner = info.layout, info.client if client is None else client
    size, channels = info.image_size, layout.embedding.channels

    def undo(epoch: Epoch, client: str) -> Undo:
        plan = shared_plan(scheme, key=epoch, size=size, channels=channels, client=client)
        return undo_of(plan, layout=layout)

    statistics = {"mean": info.mean, "std": info.std}
    try:
        plain, shared = restore(stem.tensors, layout=layout, undo=undo(old, info.client), **statistics)
        exact = absorb(plain, layout=shared, undo=undo(new, owner), **statistics)
    except (RuntimeError, IndexError) as error:  # what PyTorch raises where shapes do not fit
        raise IntegrityError("the stem's tensors do not fit its layout", hint="make it again from the model") from error
    return Stem(
        info=replace(info, fingerprint=new.fingerprint, epoch=new.number, client=owner),
        tensors={name: tensor.to(stem.tensors[name].dtype) for name, tensor in exact.items()},
    )


def prepare_fresh(model: nn.Module, *, layout: Layout) -> None:
    """Prepare a plain model for tensors of a layout, in its form.

    Raises:
        IntegrityError: The model is of another architecture or image size than the layout.
    """
    height, width = layout.image_size
    differs = IntegrityError(
        f"the file is for a {layout.family} at {height}x{width}; this {type(model).__name__} is not",
        hint="build the architecture that the file names: pixelveil inspect",
    )
    try:
        found = settle_and_describe(model, image_size=(height, width))
    except UnsupportedModelError as error:
        raise differs from error
    if found.in_form(layout.form) != layout:
        raise differs
    prepare(model, layout=layout)
