"""Commands for models on images, plain or encrypted: train, evaluate, predict."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixelveil.cli import train_options as options
from pixelveil.cli.common import (
    JsonOption,
    ParameterOption,
    PassphraseFileOption,
    emit,
    open_key,
    progress,
    scheme_from,
)
from pixelveil.errors import ImageError, IntegrityError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from pixelveil.keys import Key
    from pixelveil.schemes import Scheme
    from pixelveil.training.models import ModelSpec

__all__ = ["evaluate", "predict", "train"]

DataArgument = Annotated[
    Path, typer.Argument(help="Encrypted folder, or class folders of plain images.", show_default=False)
]
RunArgument = Annotated[
    Path, typer.Argument(help="Folder of a training run, or a checkpoint, plain or encrypted.", show_default=False)
]
ImagesArgument = Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)]
GroupOption = Annotated[
    str | None, typer.Option("--group", help="Folder above the class folders.", show_default="test, if there is one")
]
OptionalKeyOption = Annotated[
    Path | None, typer.Option("--key", "-k", help="Key file: encrypt the images first.", show_default=False)
]
OptionalSchemeOption = Annotated[
    str | None, typer.Option("--scheme", "-s", help="Scheme to encrypt with.", show_default="the encrypted model's")
]
TopOption = Annotated[int, typer.Option("--top", help="Classes to name.", min=1)]


def train(
    data: DataArgument,
    out: options.OutOption,
    model: options.ModelOption = None,
    start: options.FromOption = None,
    size: options.SizeOption = None,
    epochs: options.EpochsOption = 20,
    batch_size: options.BatchOption = 64,
    lr: options.RateOption = 5e-4,
    seed: options.SeedOption = 0,
    precision: options.PrecisionOption = "no",
    adapt: options.AdaptOption = "none",
    augment: options.AugmentOption = "auto",
    optimizer: options.OptimizerOption = "adamw",
    schedule: options.ScheduleOption = "cosine",
    weight_decay: options.DecayOption = 0.05,
    warmup: options.WarmupOption = 0.1,
    mixup: options.MixupOption = 0.0,
    cutmix: options.CutmixOption = 0.0,
    label_smoothing: options.SmoothingOption = 0.0,
    ema: options.EmaOption = 0.0,
    patience: options.PatienceOption = 0,
    channels_last: options.ChannelsLastOption = False,
    weights: options.WeightsOption = None,
    pretrained: options.PretrainedOption = False,
    key_file: OptionalKeyOption = None,
    scheme: OptionalSchemeOption = None,
    parameter: ParameterOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a classifier on plain or encrypted images; run it again after a kill and it goes on.

    Folders named train, val and test above the class folders are respected: test images are left alone. Without a val
    folder a tenth of the training images chooses the best epoch. Accuracies are in percent.

    With --from, training goes on from a checkpoint; for encrypted images take a pre-trained model adapted to their key
    by "pixelveil model encrypt", and what comes out is encrypted too. Other classes than its own get a new last layer.

    Encrypted images are mirrored and shifted as far as their scheme permits. With --adapt auto the network that their
    scheme needs stands before the model. With --scheme (and --key) plain images are encrypted here, batch by batch,
    after --augment moved them: for schemes that permit nothing afterwards. Every batch counts against the budget.

    Example: pixelveil train veiled/ --network resnet20 --adapt auto --epochs 20 --out run
    """
    from pixelveil.training.folders import open_training
    from pixelveil.training.loop import TrainSettings
    from pixelveil.training.loop import train as run
    from pixelveil.training.models import find_checkpoint
    from pixelveil.training.on_the_fly import Encrypting

    if start is not None and (model is not None or adapt != "none" or weights is not None or pretrained):
        what = "--model" if model is not None else "--adapt" if adapt != "none" else "--weights or --pretrained"
        raise UsageError(f"{what} and --from exclude each other", hint="a checkpoint says its architecture itself")
    settings = TrainSettings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=lr,
        weight_decay=weight_decay,
        warmup=warmup,
        seed=seed,
        precision=precision,
        label_smoothing=label_smoothing,
        channels_last=channels_last,
        optimizer=optimizer,
        schedule=schedule,
        mixup=mixup,
        cutmix=cutmix,
        ema=ema,
        patience=patience,
    )
    with progress("read images") as advance:
        begun = None if start is None else _begin(start, data)
        images = open_training(data, size=size or (None if begun is None else begun[1].image_size), seed=seed)
        advance(1, 1)
    _tell_rejected(images.rejected)
    own = options.scheme_on_the_fly(scheme, parameter, key_file=key_file, of_folder=images.scheme)
    side = options.side_of(own, image_size=images.image_size)
    options.check_mixing(mixup=mixup, cutmix=cutmix, scheme=own or images.scheme)
    moves = options.augmentation_from(augment, scheme=images.scheme, image_size=images.image_size)
    settings = replace(settings, augmentation=moves)
    if begun is None:
        spec = options.fresh_spec(
            model or options.DEFAULT_MODEL,
            adaptation=adapt,
            scheme=own or images.scheme,
            classes=images.classes,
            image_size=side,
            public_weights=weights is not None or pretrained,
        )
        network = spec.build(seed=seed, weights=weights, pretrained=pretrained)
    else:
        network, spec = _going_on(begun, classes=images.classes, side=side, seed=seed)
    opened = nullcontext() if key_file is None else open_key(key_file, passphrase_file=passphrase_file)
    with opened as key, progress(f"train {epochs} epochs") as advance:
        result = run(
            network,
            spec=spec,
            train_set=images.training,
            validation_set=images.validation,
            settings=settings,
            out=out,
            origin=_origin(weights if start is None else find_checkpoint(start), pretrained=pretrained),
            encrypting=None if own is None else Encrypting(own, key=key),
            advance=advance,
        )

    def text() -> None:
        typer.echo(f"Checkpoint  {result.checkpoint}")
        typer.echo(f"Best epoch  {result.best_epoch} of {len(result.history)}")
        typer.echo(f"Validation  {result.best_accuracy:.1f} % of {len(images.validation):,} images")
        typer.echo("The validation images chose the epoch; measure on others: pixelveil evaluate")

    emit(
        {
            "checkpoint": str(result.checkpoint),
            "model": spec.architecture,
            "adaptation": spec.adaptation,
            "augmentation": asdict(moves) if moves else {},
            "seed": seed,
            "start": None if start is None else str(start),
            "encrypted_model": hasattr(network, "pixelveil"),
            "encrypted_here": own is not None,
            "image_size": side,
            "classes": list(images.classes),
            "training_images": len(images.training),
            "validation_images": len(images.validation),
            "validation_accuracy": result.best_accuracy,
            "best_epoch": result.best_epoch,
            "epochs": epochs,
            "stopped_early": len(result.history) < epochs,
            "history": list(result.history),
            "rejected": list(images.rejected),
        },
        as_json=as_json,
        text=text,
    )
    _exit_if_rejected(images.rejected)


def evaluate(run: RunArgument, data: DataArgument, group: GroupOption = None, as_json: JsonOption = False) -> None:
    """Measure the accuracy of a checkpoint, plain or encrypted, on plain or encrypted images.

    Example: pixelveil evaluate veiled.safetensors veiled/ --json
    """
    from pixelveil.training.evaluate import accuracy, confusion_matrix, predict_logits, wilson_interval
    from pixelveil.training.folders import open_test
    from pixelveil.training.models import find_checkpoint, load_checkpoint

    checkpoint = find_checkpoint(run)
    rejected: list[str] = []
    with progress("evaluate") as advance:
        model, spec = load_checkpoint(checkpoint)
        images = open_test(data, spec=spec, group=group, rejected=rejected)
        logits = predict_logits(model, images, mean=spec.mean, std=spec.std)
        advance(1, 1)
    _tell_rejected(rejected)
    misfit = _misfit(model, data)
    if misfit:
        typer.echo(f"note: {misfit}; the accuracy says nothing about the model", err=True)
    score, matrix = accuracy(logits, images.labels), confusion_matrix(logits, images.labels)
    low, high = wilson_interval(int(matrix.trace()), len(images))

    def text() -> None:
        typer.echo(f"Accuracy  {score:.2f} % of {len(images):,} images (95 % interval {low:.1f} to {high:.1f})")
        for name, row in zip(spec.classes, matrix.tolist(), strict=True):
            typer.echo(f"  {name:24s} {row[spec.classes.index(name)]:,} of {sum(row):,} right")

    emit(
        {
            "checkpoint": str(checkpoint),
            "encrypted_model": hasattr(model, "pixelveil"),
            "misfit": misfit,
            "images": len(images),
            "accuracy": score,
            "interval_95": [low, high],
            "classes": list(spec.classes),
            "confusion": matrix.tolist(),
            "rejected": rejected,
        },
        as_json=as_json,
        text=text,
    )
    _exit_if_rejected(rejected)


def predict(
    checkpoint: RunArgument,
    images: ImagesArgument,
    key_file: OptionalKeyOption = None,
    scheme: OptionalSchemeOption = None,
    parameter: ParameterOption = None,
    passphrase_file: PassphraseFileOption = None,
    top: TopOption = 3,
    as_json: JsonOption = False,
) -> None:
    """Classify image files; with a key they are encrypted here first, as an encrypted model expects.

    Example: pixelveil predict veiled.safetensors scan.png --key clinic.pvkey
    """
    import numpy as np

    from pixelveil.data.decode import decode_image
    from pixelveil.training.evaluate import predict_logits
    from pixelveil.training.models import find_checkpoint, load_checkpoint

    model, spec = load_checkpoint(find_checkpoint(checkpoint))
    files: list[Path] = []
    read: list[Any] = []
    rejected: list[str] = []
    for path in images:
        try:
            read.append(decode_image(path, size=spec.image_size))
            files.append(path)
        except ImageError as error:
            rejected.append(error.message)
    _tell_rejected(rejected)
    if not files:
        raise typer.Exit(ImageError.exit_code)
    pixels: Any = np.stack(read)
    if key_file is not None:
        with open_key(key_file, passphrase_file=passphrase_file) as key:
            chosen = _scheme_of(model, key=key, name=scheme, parameters=parameter)
            pixels = chosen.encrypt(pixels, key=key, client=_client_of(model)).images
    elif hasattr(model, "pixelveil"):
        typer.echo("The model is encrypted: its answers mean nothing for plain images. Use --key.", err=True)
    logits = predict_logits(model, pixels, mean=spec.mean, std=spec.std).astype(np.float64)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = weights / weights.sum(axis=1, keepdims=True)
    names = spec.classes or tuple(str(number) for number in range(spec.num_classes))
    best = [[(names[place], float(row[place])) for place in (-row).argsort()[:top]] for row in shares]
    answers = [
        {"image": str(path), "top": [{"class": name, "probability": round(share, 6)} for name, share in entry]}
        for path, entry in zip(files, best, strict=True)
    ]

    def text() -> None:
        for path, entry in zip(files, best, strict=True):
            typer.echo(f"{path}: " + ", ".join(f"{name} {100 * share:.1f} %" for name, share in entry))

    emit({"encrypted_here": key_file is not None, "answers": answers, "rejected": rejected}, as_json=as_json, text=text)
    _exit_if_rejected(rejected)


def _begin(start: Path, data: Path) -> tuple[nn.Module, ModelSpec]:
    """Return the model of a checkpoint to go on from.

    Raises:
        IntegrityError: It is encrypted with another key than the images.
    """
    from pixelveil.training.models import find_checkpoint, load_checkpoint

    network, spec = load_checkpoint(find_checkpoint(start))
    misfit = _misfit(network, data)
    if misfit:
        raise IntegrityError(f"{start}: {misfit}", hint="encrypt the model for the key and scheme of these images")
    return network, spec


def _going_on(
    begun: tuple[nn.Module, ModelSpec], *, classes: tuple[str, ...], side: int, seed: int
) -> tuple[nn.Module, ModelSpec]:
    """Return the model that was begun, with the classes of the images."""
    from pixelveil.training.models import with_classes

    network, spec = begun
    if side != spec.image_size:
        raise UsageError(f"images of {side} pixels; the checkpoint takes {spec.image_size}")
    return with_classes(network, spec=spec, classes=classes, seed=seed)


def _origin(file: Path | None, *, pretrained: bool) -> str:
    """Name the weights that a run begins with, so that it is not continued from others; empty: fresh ones."""
    if file is None:
        return "hub" if pretrained else ""
    return sha256(file.read_bytes()).hexdigest()


def _client_of(model: nn.Module) -> str:
    """Return the client whose images an encrypted model answers; empty for none and for plain models."""
    from pixelveil.models import StemInfo

    info = getattr(model, "pixelveil", None)
    return info.client if isinstance(info, StemInfo) else ""


def _tell_rejected(rejected: Sequence[str]) -> None:
    """Print a line for each file that was left out."""
    for line in rejected:
        typer.echo(f"pixelveil: left out: {line}", err=True)


def _exit_if_rejected(rejected: Sequence[str]) -> None:
    """End with the exit code for bad input, after the rest was done."""
    if rejected:
        raise typer.Exit(ImageError.exit_code)


def _misfit(model: nn.Module, data: Path) -> str:
    """Return why a model and a folder do not belong together, empty if they do: other key, or one of them plain."""
    from pixelveil.cli.data import describe_folder
    from pixelveil.data.manifest import MANIFEST
    from pixelveil.models import StemInfo

    info = getattr(model, "pixelveil", None)
    facts = describe_folder(data) if (data / MANIFEST).exists() else None
    if not isinstance(info, StemInfo):
        return ""  # a plain model may have learned from these encrypted images
    if facts is None:
        return "the model is encrypted, the images are plain"
    if info.client:
        return f"the model is for client {info.client!r}, the images for none"
    if info.fingerprint and info.fingerprint != facts["key_fingerprint"]:
        return f"the model is encrypted with key {info.fingerprint}, the images with {facts['key_fingerprint']}"
    if info.digest and info.digest != facts["scheme_digest"]:
        return "model and images are encrypted by different schemes or parameters"
    return ""


def _scheme_of(model: nn.Module, *, key: Key, name: str | None, parameters: list[str] | None) -> Scheme:
    """Return the scheme to encrypt with: the one that is named, or that of the encrypted model, which must fit the key.

    Raises:
        UsageError: Neither is there.
        IntegrityError: The model was encrypted with another key, so that answers would mean nothing.
    """
    from pixelveil.models import StemInfo
    from pixelveil.schemes import create_scheme

    info = getattr(model, "pixelveil", None)
    if isinstance(info, StemInfo) and info.fingerprint and info.fingerprint != key.fingerprint:
        raise IntegrityError(
            f"the model was encrypted with key {info.fingerprint}, not {key.fingerprint}",
            hint="use that key, or give the model this one: pixelveil model rekey",
        )
    if name is not None:
        return scheme_from(name, parameters)
    if isinstance(info, StemInfo) and info.scheme:
        return create_scheme(info.scheme, **dict(info.parameters or {}))
    raise UsageError("the model is plain, so it names no scheme", hint="choose one with --scheme")
