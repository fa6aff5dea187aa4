"""Commands for folders of images: encrypt, decrypt, verify."""

from __future__ import annotations

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
from pixelveil.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from pixelveil.keys import Epoch
    from pixelveil.schemes import Scheme

__all__ = ["decrypt", "describe_folder", "encrypt", "verify"]

SourceArgument = Annotated[Path, typer.Argument(help="Folder of images.", show_default=False)]
OutArgument = Annotated[Path, typer.Argument(help="Encrypted folder to make, or to finish.", show_default=False)]
FolderArgument = Annotated[Path, typer.Argument(help="Encrypted folder.", show_default=False)]
DestinationArgument = Annotated[Path, typer.Argument(help="Folder for the decrypted images.", show_default=False)]
SizeOption = Annotated[
    int | None,
    typer.Option("--size", help="Scale and crop to squares of this side, in pixels.", show_default="as they are"),
]
FormatOption = Annotated[str, typer.Option("--format", "-f", help="png or jpeg (class folders), npy or wds (shards).")]
DtypeOption = Annotated[
    str | None,
    typer.Option("--dtype", help="How to store floats: float16 or scaled8.", show_default="float16 if not 8-bit"),
]
QualityOption = Annotated[int | None, typer.Option("--quality", help="JPEG quality, 1 to 100.", show_default="90")]
SubsamplingOption = Annotated[
    str | None, typer.Option("--subsampling", help="Color of JPEG: 4:4:4 or 4:2:0.", show_default="4:4:4")
]
ShardSizeOption = Annotated[int, typer.Option("--shard-size", help="Images in a shard; a stopped job loses no more.")]
HideClassesOption = Annotated[bool, typer.Option("--hide-classes", help="Replace class names by codes.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="Threads.", min=1, show_default="one per processor")
]
RejectedOption = Annotated[
    Path | None, typer.Option("--rejected", help="Where to list bad files.", show_default="OUT.rejected.jsonl")
]
PseudonymsOption = Annotated[bool, typer.Option("--pseudonyms", help="Do not restore the original names.")]
OptionalKeyOption = Annotated[Path | None, typer.Option("--key", "-k", help="Key file.", show_default=False)]
NoKeyOption = Annotated[bool, typer.Option("--no-key", help="Compare digests only: finds damage, not forgery.")]


def encrypt(
    source: SourceArgument,
    out: OutArgument,
    key_file: KeyOption,
    scheme: SchemeOption,
    parameter: ParameterOption = None,
    asset: AssetOption = None,
    size: SizeOption = None,
    storage: FormatOption = "png",
    dtype: DtypeOption = None,
    quality: QualityOption = None,
    subsampling: SubsamplingOption = None,
    shard_size: ShardSizeOption = 1000,
    hide_classes: HideClassesOption = False,
    workers: WorkersOption = None,
    rejected: RejectedOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encrypt a folder of images into a folder that can be handed over.

    Folders in the source become classes, and folders above them groups such as train and test. Metadata is dropped,
    names are replaced; the way back is sealed under the key. The same command again goes on where it was stopped.

    Example: pixelveil encrypt scans scans-encrypted --key clinic.pvkey --scheme vit-permutation --size 224
    """
    from pixelveil.data import encrypt_folder

    chosen = scheme_from(scheme, parameter, asset=asset)
    with (
        open_key(key_file, passphrase_file=passphrase_file) as key,
        progress("Encrypting", quiet=as_json) as advance,
    ):
        report = encrypt_folder(
            source,
            out,
            key=key,
            scheme=chosen,
            size=size,
            storage=storage,
            dtype=dtype,
            quality=quality,
            subsampling=subsampling,
            shard_size=shard_size,
            hide_classes=hide_classes,
            workers=workers,
            rejected=rejected,
            advance=advance,
        )
    _warn_of_readable(chosen, key.active)
    listed = None if report.rejected_file is None else str(report.rejected_file)

    def text() -> None:
        state = "already complete" if report.finished_before == report.images else "encrypted"
        typer.echo(f"{report.out}: {report.images} images {state}")
        if 0 < report.finished_before < report.images:
            typer.echo(f"{report.finished_before} of them in an earlier run")
        if report.ignored:
            typer.echo(f"{report.ignored} other files left out")

    emit(
        {
            "out": str(report.out),
            "images": report.images,
            "finished_before": report.finished_before,
            "rejected": report.rejected,
            "rejected_file": listed,
            "other_files": report.ignored,
            "scheme": chosen.name,
            "key_policy": chosen.key_policy,
            "fingerprint": key.fingerprint,
            "remaining": key.remaining,
        },
        as_json=as_json,
        text=text,
    )
    if report.rejected:
        typer.echo(f"pixelveil: {report.rejected} files could not be encrypted; they are listed in {listed}", err=True)
        raise typer.Exit(3)


def decrypt(
    folder: FolderArgument,
    destination: DestinationArgument,
    key_file: KeyOption,
    asset: AssetOption = None,
    pseudonyms: PseudonymsOption = False,
    workers: WorkersOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify an encrypted folder and decrypt it to PNG files under their original names.

    Nothing is written if anything was altered. The same command again goes on where it was stopped.

    Example: pixelveil decrypt scans-encrypted scans-again --key clinic.pvkey
    """
    from pixelveil.data import decrypt_folder, loss_of_folder

    with (
        open_key(key_file, passphrase_file=passphrase_file) as key,
        progress("Decrypting", quiet=as_json) as advance,
    ):
        images = decrypt_folder(
            folder,
            destination,
            key=key,
            asset=asset,
            original_names=not pseudonyms,
            workers=workers,
            advance=advance,
        )
    loss = loss_of_folder(folder)

    def text() -> None:
        typer.echo(f"{destination}: {images} images decrypted")
        if loss:
            typer.echo(f"The encrypted images {loss}; these are near the originals, not equal to them.")

    emit(
        {"folder": str(folder), "destination": str(destination), "images": images, "loss": loss},
        as_json=as_json,
        text=text,
    )


def verify(
    folder: FolderArgument,
    key_file: OptionalKeyOption = None,
    no_key: NoKeyOption = False,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every byte of an encrypted folder against its manifest, and the manifest against the key.

    Without the key (--no-key) only the digests are compared: that finds damage, but not a forger, who can write a
    manifest to match.

    Example: pixelveil verify scans-encrypted --key clinic.pvkey
    """
    from pixelveil.data import find_faults

    if (key_file is None) == (not no_key):
        raise UsageError("give either --key or --no-key", hint="without the key, forgery cannot be seen")
    if key_file is None:
        with progress("Verifying", quiet=as_json) as advance:
            faults = find_faults(folder, advance=advance)
    else:
        with (
            open_key(key_file, passphrase_file=passphrase_file) as key,
            progress("Verifying", quiet=as_json) as advance,
        ):
            faults = find_faults(folder, key=key, advance=advance)
    checked = "digests" if no_key else "digests and key"
    result = {"folder": str(folder), "checked": checked, "faults": list(faults)}
    emit(result, as_json=as_json, text=lambda: typer.echo(f"{folder}: {len(faults)} faults; {checked} were checked"))
    for fault in faults:
        typer.echo(printable(fault), err=True)
    if faults:
        raise IntegrityError(f"{folder}: is not what its manifest says", hint="do not use it")


def describe_folder(path: Path) -> dict[str, Any]:
    """Return what an encrypted folder tells without a key, for ``pixelveil inspect``.

    Args:
        path: The folder.
    """
    from pixelveil.data import describe_folder

    return describe_folder(path)


def _warn_of_readable(scheme: Scheme, epoch: Epoch) -> None:
    """Say so when known attacks read what was just encrypted, without the key."""
    if scheme.family == "decrepit":
        typer.echo(
            f"note: {scheme.name} was broken in public; it is here to compare with, never to protect images", err=True
        )
    known = scheme.readable_from
    if scheme.key_policy != "shared" and known == 1:
        typer.echo(f"note: known attacks read {scheme.name} from a single image, without any key", err=True)
    from pixelveil.schemes.lifetime import lifetime_of

    lifetime = lifetime_of(scheme)
    if lifetime is not None and epoch.used > lifetime.budget:
        typer.echo(
            f"note: {epoch.used} images are encrypted under one key, more than the {lifetime.budget} of its measured "
            f"lifetime: {lifetime.reason}; open a new epoch with pixelveil rotate",
            err=True,
        )
    elif scheme.key_policy == "shared" and known is not None and epoch.used >= known:
        typer.echo(
            f"note: {epoch.used} images are encrypted under one key; known attacks read {scheme.name} from about "
            f"{known} image{'s' if known > 1 else ''} on, without the key",
            err=True,
        )
