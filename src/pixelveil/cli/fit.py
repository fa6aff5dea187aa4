"""The command that makes an asset for a scheme, from a folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixelveil.cli.common import JsonOption, ParameterOption, emit, parameters_from, printable, progress
from pixelveil.errors import ImageError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fit"]

NameArgument = Annotated[str, typer.Argument(help="Name of a scheme.", show_default=False)]
DataOption = Annotated[Path, typer.Option("--data", "-d", help="Folder of plain images.", show_default=False)]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Asset file to make.", show_default=False)]
SizeOption = Annotated[
    int | None,
    typer.Option("--size", help="Scale and crop to squares of this side, in pixels.", show_default="as they are"),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit", help="Most images to use, evenly spread.", min=1, show_default="1000; all where a network is trained"
    ),
]
EpochsOption = Annotated[
    int | None, typer.Option("--epochs", help="Networks: passes over the images.", min=1, show_default="the recipe's")
]
BatchOption = Annotated[
    int | None, typer.Option("--batch-size", help="Networks: images a step.", min=1, show_default="the recipe's")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Networks: decides all that is random; no secret.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume/--no-resume", help="Networks: go on where training was stopped, or begin anew.")
]

_MOST_IMAGES = 1000

# They are in the memory at once, twice for a moment, and a larger asset would not be read again.
_MOST_BYTES = 2 << 30


def fit(
    name: NameArgument,
    data: DataOption,
    out: OutOption,
    size: SizeOption = None,
    parameter: ParameterOption = None,
    limit: LimitOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchOption = None,
    seed: SeedOption = 0,
    resume: ResumeOption = True,
    as_json: JsonOption = False,
) -> None:
    """Make what a scheme needs beside a key: a pool of donor images, a basis, the weights of a network.

    A pool holds plain images, a basis is a key: the file is readable to its owner alone. The whitening of
    vit-orthogonal is no secret, and is best made of public images. For pixel block mixing give the folder of one class,
    so that labels stay right. Networks are trained on class folders; parameters are those of their recipe.

    Example: pixelveil schemes fit pixel-block-mixing --data faces/anna --out anna.safetensors --size 192
    """
    from pixelveil.schemes import SCHEMES, create_scheme

    parameters = parameters_from(parameter)
    if name in SCHEMES and "weights" in SCHEMES[name].asset_kinds:
        _train(
            name,
            data=data,
            out=out,
            size=size,
            parameters=parameters,
            limit=limit,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            resume=resume,
            as_json=as_json,
        )
        return
    from pixelveil.schemes.fitting import fit_asset

    scheme = create_scheme(name, **parameters)
    if not scheme.needs_asset and "basis" not in scheme.asset_kinds:
        raise UsageError(f"{name} needs no asset", hint="encrypt without one")
    if epochs is not None or batch_size is not None:
        raise UsageError(f"{name} has no network to train", hint="leave --epochs and --batch-size out")
    if out.exists():
        raise UsageError(f"{out}: exists, and may be the only one of its kind", hint="name a new file")
    with progress("Reading", quiet=as_json) as advance:
        images, rejected = _read(data, size=size, limit=limit or _MOST_IMAGES, advance=advance)
    asset = fit_asset(scheme, images=images)
    asset.save(out)
    for line in rejected:
        typer.echo(printable(f"pixelveil: left out: {line}"), err=True)
    emit(
        {
            "asset": str(out),
            "scheme": name,
            "kind": asset.kind,
            "digest": asset.digest,
            "images": len(images),
            "image_size": list(images.shape[1:3]),
            "rejected": rejected,
        },
        as_json=as_json,
        text=lambda: typer.echo(f"{out}: {asset.kind} of {len(images)} images for {name}; keep it as you keep them"),
    )
    if rejected:
        raise typer.Exit(ImageError.exit_code)


def _read(data: Path, *, size: int | None, limit: int, advance: Any) -> tuple[NDArray[Any], list[str]]:
    """Read images of one size, and a line for each that cannot be read."""
    import numpy as np

    from pixelveil.data.decode import decode_image
    from pixelveil.data.discover import list_images
    from pixelveil.data.manifest import MANIFEST
    from pixelveil.schemes.fitting import spread

    if (data / MANIFEST).exists():
        raise UsageError(f"{data}: is encrypted", hint="an asset is made from plain images")
    sources = list_images(data).sources
    chosen = spread(len(sources), limit=limit)
    images: list[NDArray[np.uint8]] = []
    rejected: list[str] = []
    for done, place in enumerate(chosen, start=1):
        path = data / sources[place].path
        try:
            image = decode_image(path, size=size)
            if images and image.shape != images[0].shape:
                raise UsageError(
                    f"{path}: is {image.shape[0]}x{image.shape[1]}, not {images[0].shape[0]}x{images[0].shape[1]} as "
                    "the others",
                    hint="bring all to one size: --size",
                )
            if image.nbytes * len(chosen) > _MOST_BYTES:
                height, width, _ = image.shape
                raise UsageError(
                    f"{data}: {len(chosen)} images of {height}x{width} are more than an asset can hold",
                    hint="make them smaller, --size, or fewer, --limit",
                )
            images.append(image)
        except ImageError as error:
            rejected.append(error.message)
        advance(done, len(chosen))
    if not images:
        raise UsageError(f"{data}: holds no images that can be read")
    return np.stack(images), rejected


def _train(
    name: str,
    *,
    data: Path,
    out: Path,
    size: int | None,
    parameters: dict[str, Any],
    limit: int | None,
    epochs: int | None,
    batch_size: int | None,
    seed: int,
    resume: bool,
    as_json: bool,
) -> None:
    """Train the network of a scheme and tell what came out."""
    from dataclasses import asdict

    from pixelveil.training.learned import fit_learned

    with progress("Training", quiet=as_json) as advance:
        report = fit_learned(
            name,
            data=data,
            out=out,
            size=size,
            parameters=parameters,
            limit=limit,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            resume=resume,
            advance=advance,
        )
    for line in report.rejected:
        typer.echo(printable(f"pixelveil: left out: {line}"), err=True)

    def text() -> None:
        typer.echo(f"{report.asset}: weights for {name}, epoch {report.best_epoch} of {report.epochs}")
        typer.echo(f"Classifier  {report.classifier}")
        typer.echo(f"Accuracy    {report.plain_accuracy:.1f} % plain, {report.transformed_accuracy:.1f} % transformed")
        typer.echo("Measured on the images that chose the epoch; measure on others: pixelveil evaluate")

    facts = asdict(report) | {"asset": str(report.asset), "classifier": str(report.classifier)}
    emit({"scheme": name, "kind": "weights", **facts}, as_json=as_json, text=text)
    if report.rejected:
        raise typer.Exit(ImageError.exit_code)
