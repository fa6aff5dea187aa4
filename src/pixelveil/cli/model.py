"""Commands for encrypted models: encrypt, verify, re-key, describe, take out the stem, list what is supported."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixelveil.cli.common import (
    AssetOption,
    JsonOption,
    KeyOption,
    ParameterOption,
    PassphraseFileOption,
    SchemeOption,
    emit,
    open_key,
    printable,
    progress,
    scheme_from,
)
from pixelveil.cli.model_files import encrypted_spec, plain_model, plain_spec, scheme_of, tensors_in
from pixelveil.errors import IntegrityError, PixelveilWarning, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pixelveil.models import Stem

__all__ = ["build_app", "describe_model", "encrypt", "info", "rekey", "stem", "support", "verify"]

PlainArgument = Annotated[Path, typer.Argument(help="Plain checkpoint (safetensors).", show_default=False)]
EncryptedArgument = Annotated[Path, typer.Argument(help="Encrypted model (safetensors).", show_default=False)]
SourceArgument = Annotated[Path, typer.Argument(help="Encrypted model or stem.", show_default=False)]
TargetArgument = Annotated[Path, typer.Argument(help="File to write.", show_default=False)]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="File to write.", show_default=False)]
ArchitectureOption = Annotated[str | None, typer.Option("--arch", help="timm name.", show_default="from MODEL")]
ClassesOption = Annotated[int | None, typer.Option("--num-classes", help="Logits.", show_default="from MODEL")]
SizeOption = Annotated[int | None, typer.Option("--image-size", help="Side in pixels.", show_default="from MODEL")]
MeanOption = Annotated[
    str | None, typer.Option("--mean", help="Mean of each color, such as 0.485,0.456,0.406.", show_default="from MODEL")
]
StdOption = Annotated[
    str | None, typer.Option("--std", help="Deviation of each color, on pixels in [0, 1].", show_default="from MODEL")
]
ReferenceOption = Annotated[
    list[Path] | None,
    typer.Option("--reference", help="Public checkpoint that training began with; warns if it gives the key away."),
]
ClientOption = Annotated[str, typer.Option("--client", help="Client whose images the model shall answer.")]
ImagesOption = Annotated[Path | None, typer.Option("--images", help="Folder of images.", show_default="random images")]
CountOption = Annotated[int, typer.Option("--count", help="Images to compare, at most.", min=1)]
OldKeyOption = Annotated[
    Path | None, typer.Option("--old-key", help="Key file it was encrypted with.", show_default="the same as --key")
]
ProveOption = Annotated[bool, typer.Option("--prove", help="Prove all of them again and replace the table (minutes).")]


def build_app() -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(help="Encrypt models that answer encrypted images exactly.", no_args_is_help=True)
    for command in (encrypt, verify, rekey, info, stem, support):
        app.command()(command)
    return app


def encrypt(
    model: PlainArgument,
    key_file: KeyOption,
    scheme: SchemeOption,
    out: OutOption,
    parameter: ParameterOption = None,
    asset: AssetOption = None,
    arch: ArchitectureOption = None,
    num_classes: ClassesOption = None,
    image_size: SizeOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    client: ClientOption = "",
    reference: ReferenceOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encrypt a plain-trained model, so that it answers images encrypted with the same key and scheme.

    The answers are exactly those of the plain model; that is checked before the file is written. What pixelveil train
    wrote says its architecture itself; of other checkpoints, name it. Schemes with a key for each block (etc-color,
    per_block=true) give the model a patch embedding by position, whose cost is told.

    Example: pixelveil model encrypt best.safetensors --key clinic.pvkey --scheme vit-permutation --out m.safetensors
    """
    from pixelveil.models import PROTECTION, encrypt_model, extract_stem, save_model

    chosen = scheme_from(scheme, parameter, asset=asset)
    spec = plain_spec(model, arch=arch, num_classes=num_classes, image_size=image_size, mean=mean, std=std)
    plain = plain_model(model, spec)
    with open_key(key_file, passphrase_file=passphrase_file) as key:
        encrypted = encrypt_model(
            plain,
            scheme=chosen,
            key=key,
            image_size=spec.image_size,
            mean=spec.mean,
            std=spec.std,
            client=client,
        )
    taken = extract_stem(encrypted)
    found = [_resemblance(taken, path) for path in reference or ()]
    save_model(encrypted, out, metadata=spec.to_metadata())
    facts = describe_model(out) | {"stem_bytes": taken.nbytes, "references": found}

    def text() -> None:
        typer.echo(f"Encrypted    {out}")
        typer.echo(f"Model        {spec.architecture} at {spec.image_size}x{spec.image_size} ({facts['family']})")
        typer.echo(f"Scheme       {chosen.name}; key {facts['fingerprint']}, epoch {facts['epoch']}")
        typer.echo(f"Embedding    {facts['cost']}")
        typer.echo(f"Stem         {taken.nbytes / 1e6:.1f} MB change with the key; the rest is the same for all keys")
        typer.echo(f"Shows        {facts['exposes']}")
        typer.echo(f"\n{PROTECTION}")

    emit(facts, as_json=as_json, text=text)


def verify(
    plain: PlainArgument,
    encrypted: EncryptedArgument,
    key_file: KeyOption,
    images: ImagesOption = None,
    count: CountOption = 8,
    asset: AssetOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare an encrypted model on encrypted images with the plain one on plain images; fail if they differ.

    Scheme and epoch are those that the encrypted model names. No image is counted against the key's budget.

    Example: pixelveil model verify best.safetensors model.safetensors --key clinic.pvkey --images scans
    """
    from pixelveil.models import load_model, verify_model

    facts = describe_model(encrypted)
    if facts["kind"] != "encrypted model":
        raise IntegrityError(f"{encrypted}: is a {facts['kind']}", hint="make one with: pixelveil model encrypt")
    spec = encrypted_spec(facts, path=encrypted)
    first, second = plain_model(plain, spec), load_model(encrypted, model=spec.build())
    size = (spec.image_size, spec.image_size)
    batch = _random_images(size, count=count) if images is None else _read_images(images, size=size, count=count)
    with open_key(key_file, passphrase_file=passphrase_file) as key:
        found = verify_model(
            first,
            second,
            scheme=scheme_of(facts, asset=asset),
            key=key.epoch(fingerprint=facts["fingerprint"]),
            images=batch,
            mean=facts["mean"],
            std=facts["std"],
            client=facts["client"],
        )

    def text() -> None:
        typer.echo(f"Images       {found.images}{'' if images else ' (random)'}")
        typer.echo(f"float64      answers differ by {found.max_difference_float64:.1e} at most")
        typer.echo(f"float32      answers differ by {found.max_difference_float32:.1e} at most")
        if found.top1_agreement is not None:
            typer.echo(f"Top-1        {found.top1_agreement:.0%} the same")

    emit(asdict(found), as_json=as_json, text=text)


def rekey(
    source: SourceArgument,
    target: TargetArgument,
    key_file: KeyOption,
    old_key: OldKeyOption = None,
    asset: AssetOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an encrypted model or stem the active epoch of a key, without the plain model.

    After pixelveil rotate, one key file holds both epochs: the old one is found by the fingerprint in the file.

    Example: pixelveil model rekey model.safetensors model-2.safetensors --key clinic.pvkey
    """
    from pixelveil.models import read_stem, rekey_stem, replace_stem

    facts, before = describe_model(source), read_stem(source)
    with open_key(key_file, passphrase_file=passphrase_file) as key:
        new = key.active
        if old_key is None:
            old = key.epoch(fingerprint=facts["fingerprint"])
        else:
            with open_key(old_key, passphrase_file=passphrase_file) as former:
                old = former.epoch(fingerprint=facts["fingerprint"])
    after = rekey_stem(before, scheme=scheme_of(facts, asset=asset), old_key=old, new_key=new)
    replace_stem(source, target, stem=after)

    def text() -> None:
        typer.echo(f"Re-keyed     {target}")
        typer.echo(f"Was          key {before.info.fingerprint}, epoch {before.info.epoch}")
        typer.echo(f"Is           key {new.fingerprint}, epoch {new.number}")

    emit(describe_model(target), as_json=as_json, text=text)


def info(source: SourceArgument, as_json: JsonOption = False) -> None:
    """Say what an encrypted model or stem is: scheme, key, form and cost of its embedding, and what it shows.

    Nothing said is authenticated: pixelveil model verify is.

    Example: pixelveil model info model.safetensors
    """
    facts = describe_model(source)
    if "form" not in facts:
        raise IntegrityError(f"{source}: is a {facts['kind']}", hint="make one with: pixelveil model encrypt")

    def text() -> None:
        height, width = facts["image_size"]
        typer.echo(printable(f"Kind         {facts['kind']}, {facts['family']} at {height}x{width}"))
        typer.echo(printable(f"Scheme       {facts['scheme'] or 'a plan'} {json.dumps(facts['parameters'])}"))
        typer.echo(printable(f"Key          {facts['fingerprint']}, epoch {facts['epoch']}"))
        if facts["client"]:
            typer.echo(printable(f"Client       {facts['client']}"))
        typer.echo(f"Blocks       {'moved, positions follow' if facts['order_absorbed'] else 'stay in place'}")
        typer.echo(f"Embedding    {facts['cost']}")
        typer.echo(f"Shows        {facts['exposes']}")

    emit(facts, as_json=as_json, text=text)


def stem(source: SourceArgument, target: TargetArgument, as_json: JsonOption = False) -> None:
    """Write the stem of an encrypted model: the few megabytes that change with the key.

    A server keeps one model and swaps stems. Guard a stem like the model.

    Example: pixelveil model stem model.safetensors stem.safetensors
    """
    from pixelveil.models import read_stem, save_stem

    facts, taken = describe_model(source), read_stem(source)
    save_stem(taken, target, metadata=facts["checkpoint"])

    def text() -> None:
        typer.echo(f"Stem         {target} ({taken.nbytes / 1e6:.1f} MB)")
        typer.echo(f"Key          {taken.info.fingerprint}, epoch {taken.info.epoch}")

    emit(describe_model(target) | {"stem_bytes": taken.nbytes}, as_json=as_json, text=text)


def support(prove: ProveOption = False, as_json: JsonOption = False) -> None:
    """List the architectures that were proven to answer exactly, with the proof's figures.

    Example: pixelveil model support
    """
    from pixelveil.models import PROTECTION
    from pixelveil.models.support_table import prove_all, read_table, write_table

    if prove:
        with progress("Proving", quiet=as_json) as advance:
            table: Mapping[str, Any] = write_table(prove_all(advance=advance))
    else:
        table = read_table()

    def text() -> None:
        typer.echo(f"{'architecture':44} {'library':12} patch order  float64 by block")
        for row in table["rows"]:
            order = "yes" if row["block_scrambling"] else "no"
            difference = f"{row['difference_float64']:.0e}"
            by_block = f"{max(row['signed_float64'], row['dense_float64']):.0e}"
            typer.echo(f"{row['name']:44} {row['library']:12} {row['patch']:5} {order:5} {difference:>8} {by_block:>8}")
        typer.echo("\norder: whether blocks may be scrambled; where not, use -p scramble_blocks=false")
        typer.echo("by block: the same with a key for each block, the larger figure of both forms of embedding")
        typer.echo(
            f"{len(table['rows'])} architectures; largest relative difference of answers in float64, random weights."
        )
        typer.echo(f"\n{PROTECTION}")

    emit(table, as_json=as_json, text=text)


def describe_model(path: Path) -> dict[str, Any]:
    """Return what the header of a model file tells: of an encrypted model, of a stem, or of a plain checkpoint.

    Args:
        path: A safetensors file.

    Returns:
        A JSON object; ``kind`` says which it is.

    Raises:
        IntegrityError: The file cannot be read, or its header is garbled.
    """
    from pixelveil.models import describe_model as describe_encrypted
    from pixelveil.models.storage import FORMAT, MODEL, read_header

    header = read_header(path)
    if FORMAT not in header:
        return {"kind": "plain checkpoint", "path": str(path), "checkpoint": header}
    kind = "encrypted model" if header[FORMAT] == MODEL else "stem of an encrypted model"
    return {"kind": kind, "path": str(path), **describe_encrypted(path)}


def _resemblance(taken: Stem, path: Path) -> dict[str, Any]:
    """Compare a stem with a public checkpoint; a warning is one line on standard error."""
    from pixelveil.models import warn_if_known

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PixelveilWarning)
        found = warn_if_known(taken, reference=tensors_in(path))
    for warning in caught:
        typer.echo(f"warning: {path}: {warning.message}", err=True)
    return {"path": str(path), "known": found.known, **asdict(found)}


def _random_images(size: tuple[int, int], *, count: int) -> NDArray[np.uint8]:
    """Return random images: answers to them differ as much as answers to real ones."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8)


def _read_images(folder: Path, *, size: tuple[int, int], count: int) -> NDArray[np.uint8]:
    """Return the first images of a folder, scaled and cropped to a size."""
    import numpy as np

    from pixelveil.data.decode import decode_image
    from pixelveil.data.discover import list_images

    listing = list_images(folder)
    paths: Sequence[Path] = [folder / source.path for source in listing.sources[:count]]
    if not paths:
        raise UsageError(f"{folder}: holds no images")
    return np.stack([decode_image(path, size=size[0]) for path in paths])
