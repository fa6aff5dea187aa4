"""Files of encrypted models and stems: safetensors, with the public facts in the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from pixelveil.atomic import write_atomic
from pixelveil.errors import IntegrityError, MissingExtraError, UsageError
from pixelveil.models.cost import cost_of
from pixelveil.models.encrypt import trunk_digest
from pixelveil.models.info import ATTRIBUTE, PREFIX, StemInfo, info_of
from pixelveil.models.stem import Stem, prepare_fresh

__all__ = [
    "FORMAT",
    "MODEL",
    "STEM",
    "describe_model",
    "load_model",
    "read_header",
    "read_stem",
    "read_weights",
    "replace_stem",
    "save_model",
    "save_stem",
]

FORMAT: Final = f"{PREFIX}format"
MODEL: Final = "model-1"
STEM: Final = "stem-1"


def save_model(model: nn.Module, path: Path | str, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write an encrypted model: trunk, stem and facts; never the key or the plan.

    Args:
        model: The encrypted model. Where training has changed its trunk, its facts name the new one from now on.
        path: The file; replaced atomically.
        metadata: More strings for the header, such as the architecture's name.

    Raises:
        UsageError: The model is plain.
    """
    info = info_of(model)
    info = replace(info, trunk=trunk_digest(model, layout=info.layout))
    setattr(model, ATTRIBUTE, info)
    _write(Path(path), model.state_dict(), {**(metadata or {}), **info.to_metadata(), FORMAT: MODEL})


def load_model(path: Path | str, *, model: nn.Module) -> nn.Module:
    """Read what `save_model` wrote into a fresh model of the same architecture.

    Args:
        path: The file.
        model: A plain model with any weights; changed in place.

    Returns:
        The same model, encrypted.

    Raises:
        IntegrityError: The file is no encrypted model, is damaged, or is for another architecture or image size.
    """
    header, tensors = _read(Path(path), kind=MODEL)
    info = StemInfo.from_metadata(header)
    prepare_fresh(model, layout=info.layout)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise IntegrityError(
            f"{path}: its tensors are not those of this {type(model).__name__}",
            hint="build the architecture that the file names: pixelveil inspect",
        ) from error
    setattr(model, ATTRIBUTE, info)
    return model


def save_stem(stem: Stem, path: Path | str, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a stem and its facts; never the key or the plan.

    Args:
        stem: The stem.
        path: The file; replaced atomically.
        metadata: More strings for the header.
    """
    _write(Path(path), stem.tensors, {**(metadata or {}), **stem.info.to_metadata(), FORMAT: STEM})


def read_stem(path: Path | str) -> Stem:
    """Read a stem, from its own file or from that of an encrypted model.

    Raises:
        IntegrityError: The file is neither, or is damaged.
    """
    header, tensors = _read(Path(path), kind=None)
    info = StemInfo.from_metadata(header)
    missing = [name for name in info.layout.names if name not in tensors]
    if missing:
        raise IntegrityError(f"{path}: tensor {missing[0]} is missing")
    return Stem(info=info, tensors={name: tensors[name] for name in info.layout.names})


def replace_stem(source: Path | str, target: Path | str, *, stem: Stem) -> None:
    """Write a copy of a model's or stem's file with another stem; no architecture has to be built for it.

    Args:
        source: File of an encrypted model or stem.
        target: The file to write; may be the same.
        stem: A stem of the same trunk.

    Raises:
        IntegrityError: The source is neither, is damaged, or the stem is for another trunk or architecture.
    """
    header, tensors = _read(Path(source), kind=None)
    info = StemInfo.from_metadata(header)
    if (info.trunk, info.layout) != (stem.info.trunk, stem.info.layout):
        raise IntegrityError(f"{source}: the stem was made for another model", hint="give the model it is for")
    _write(Path(target), tensors | dict(stem.tensors), header | stem.info.to_metadata())


def describe_model(path: Path | str) -> dict[str, Any]:
    """Return what the header of an encrypted model or stem says, without reading its weights.

    Returns:
        Facts by name: format, scheme, parameters, digest, fingerprint, epoch, client, family, image_size, mean, std,
        order_absorbed, form, cost, embedding_bytes, plain_embedding_bytes, exposes, trunk, and the rest of the header
        under "checkpoint".

    Raises:
        IntegrityError: The file is neither, or is damaged.
    """
    header = read_header(Path(path))
    info = StemInfo.from_metadata(_known(Path(path), header, kind=None))
    weight = _open(Path(path), names=(info.layout.embedding.weight,))[1]
    cost = cost_of(weight[info.layout.embedding.weight], layout=info.layout)
    return {
        "format": header[FORMAT],
        "scheme": info.scheme,
        "parameters": dict(info.parameters or {}),
        "digest": info.digest,
        "fingerprint": info.fingerprint,
        "epoch": info.epoch,
        "client": info.client,
        "family": info.family,
        "image_size": list(info.image_size),
        "mean": list(info.mean),
        "std": list(info.std),
        "order_absorbed": info.order_absorbed,
        "form": info.form,
        "cost": str(cost),
        "embedding_bytes": cost.nbytes,
        "plain_embedding_bytes": cost.plain_bytes,
        "exposes": info.exposes,
        "trunk": info.trunk,
        "checkpoint": {name: text for name, text in header.items() if not name.startswith(PREFIX)},
    }


def read_header(path: Path) -> dict[str, str]:
    """Return the strings in the header of a safetensors file.

    Raises:
        IntegrityError: The file cannot be read as one.
        UsageError: There is no such file.
    """
    return _open(path, names=())[0]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return all tensors of a safetensors file, be it of a plain model or an encrypted one.

    Raises:
        IntegrityError: The file cannot be read as one.
    """
    return _open(path)[1]


def _known(path: Path, header: dict[str, str], *, kind: str | None) -> dict[str, str]:
    """Return the header if it is that of a known format.

    Raises:
        IntegrityError: It is not.
    """
    found = header.get(FORMAT)
    if found not in ((MODEL, STEM) if kind is None else (kind,)):
        what = "is no encrypted model" if found is None else f"has format {found!r}"
        raise IntegrityError(f"{path}: {what}", hint="make one with: pixelveil model encrypt")
    return header


def _read(path: Path, *, kind: str | None) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return header and tensors of a file of a known format."""
    _known(path, read_header(path), kind=kind)
    return _open(path)


def _open(path: Path, *, names: Sequence[str] | None = None) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the header and the named tensors of a safetensors file, or all; values are read when they are used."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingExtraError("reading models", extra="models") from error
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            wanted = file.keys() if names is None else names
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise IntegrityError(f"{path}: cannot be read as a safetensors file ({error})") from error


def _write(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write tensors and a header atomically; tensors that share memory are written once each."""
    try:
        from safetensors.torch import save
    except ImportError as error:
        raise MissingExtraError("writing models", extra="models") from error
    seen: set[int] = set()
    content: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        content[name] = value.clone() if value.untyped_storage().data_ptr() in seen else value
        seen.add(value.untyped_storage().data_ptr())
    try:
        write_atomic(path, save(content, metadata=dict(header)))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}", hint="is there such a folder?") from error
