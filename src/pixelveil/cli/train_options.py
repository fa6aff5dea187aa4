"""How to train, as options of the command line, and what they come to for the images at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pixelveil.cli.common import scheme_from
from pixelveil.errors import UsageError

if TYPE_CHECKING:
    from pixelveil.schemes import Scheme
    from pixelveil.training.augment import Augmentation
    from pixelveil.training.models import ModelSpec

__all__ = [
    "DEFAULT_MODEL",
    "AdaptOption",
    "AugmentOption",
    "BatchOption",
    "ChannelsLastOption",
    "CutmixOption",
    "DecayOption",
    "EmaOption",
    "EpochsOption",
    "FromOption",
    "MixupOption",
    "ModelOption",
    "OptimizerOption",
    "OutOption",
    "PatienceOption",
    "PrecisionOption",
    "PretrainedOption",
    "RateOption",
    "ScheduleOption",
    "SeedOption",
    "SizeOption",
    "SmoothingOption",
    "WarmupOption",
    "WeightsOption",
    "augmentation_from",
    "check_mixing",
    "fresh_spec",
    "scheme_on_the_fly",
    "side_of",
]

DEFAULT_MODEL = "vit_tiny_patch16_224"

_MOVES = ("flip", "shift")

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.", show_default=False)]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        "--network",
        help="Model to train from scratch: resnet20, wide-resnet-40-10, vit-cifar, ... or a timm name.",
        show_default=DEFAULT_MODEL,
    ),
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", help="Go on from a checkpoint, plain or encrypted with the images' key."),
]
SizeOption = Annotated[
    int | None,
    typer.Option("--size", help="Side of the images, in pixels.", show_default="that of encrypted images; else 224"),
]
EpochsOption = Annotated[int, typer.Option("--epochs", help="Passes over the training images.", min=1)]
BatchOption = Annotated[int, typer.Option("--batch-size", help="Images a step.", min=1)]
RateOption = Annotated[float, typer.Option("--lr", help="Largest learning rate.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Decides first weights and order; no secret.")]
PrecisionOption = Annotated[str, typer.Option("--precision", help="no (float32) or bf16.")]
AdaptOption = Annotated[
    str,
    typer.Option(
        "--adapt",
        help="Adaptation network before the model: none, auto (what the scheme of the images needs), or a name: "
        "tanaka, le, ele, pixel, invariant, block-invariant.",
    ),
]
AugmentOption = Annotated[
    str,
    typer.Option(
        "--augment",
        help="Movements of training images: auto (encrypted: what the scheme permits; plain: none), none, or a list "
        "of flip, shift.",
    ),
]
OptimizerOption = Annotated[str, typer.Option("--optimizer", help="adamw or sgd (Nesterov momentum 0.9).")]
ScheduleOption = Annotated[
    str, typer.Option("--schedule", help="Learning rate: cosine, or step (a tenth after 1/2 and 3/4 of all steps).")
]
DecayOption = Annotated[float, typer.Option("--weight-decay", help="Decay of the weights.", min=0)]
WarmupOption = Annotated[float, typer.Option("--warmup", help="Share of all steps in which the rate rises.", min=0)]
MixupOption = Annotated[float, typer.Option("--mixup", help="Alpha of weighted sums of two images; 0: none.", min=0)]
CutmixOption = Annotated[float, typer.Option("--cutmix", help="Alpha of boxes of another image; 0: none.", min=0)]
SmoothingOption = Annotated[float, typer.Option("--label-smoothing", help="Share spread over all classes.", min=0)]
EmaOption = Annotated[float, typer.Option("--ema", help="Decay of the weights' moving average; 0: none.", min=0)]
PatienceOption = Annotated[
    int, typer.Option("--patience", help="End after so many epochs without a better validation; 0: never.", min=0)
]
ChannelsLastOption = Annotated[bool, typer.Option("--channels-last", help="Faster convolutions on many machines.")]
WeightsOption = Annotated[
    Path | None, typer.Option("--weights", help="safetensors file of the model's weights to begin with.")
]
PretrainedOption = Annotated[
    bool, typer.Option("--pretrained", help="Begin with weights of timm's hub; the only case of a download.")
]


def augmentation_from(words: str, *, scheme: Scheme | None, image_size: int) -> Augmentation:
    """Return how training images move.

    Args:
        words: What the user wrote.
        scheme: It encrypted the images; None for plain ones.
        image_size: Side in pixels.

    Raises:
        UsageError: There is no such movement, or the scheme does not permit it.
    """
    from pixelveil.training.augment import Augmentation, encrypted_augmentation, permitted

    if words == "auto" and scheme is not None:
        return encrypted_augmentation(scheme, image_size=image_size)
    if words in ("auto", "none"):
        return Augmentation()
    chosen = [word.strip() for word in words.split(",")]
    for word in chosen:
        if word not in _MOVES:
            raise UsageError(f"there is no movement {word!r}", hint="auto, none, or a list of flip, shift")
        if scheme is not None and word not in permitted(scheme):
            raise UsageError(
                f"images encrypted by {scheme.name} bear no {word}", hint="--augment auto takes what they bear"
            )
    return Augmentation(flip="flip" in chosen, pixels=image_size // 8 if "shift" in chosen else 0)


def scheme_on_the_fly(
    name: str | None, parameters: Sequence[str] | None, *, key_file: Path | None, of_folder: Scheme | None
) -> Scheme | None:
    """Return the scheme that plain images are encrypted with while training; None: they are read as they are.

    Args:
        name: What ``--scheme`` says.
        parameters: What ``--parameter`` says.
        key_file: What ``--key`` says.
        of_folder: What encrypted the folder; None for plain images.

    Raises:
        UsageError: Only one of scheme and key is there, or the images are encrypted already.
    """
    if name is None:
        if key_file is not None or parameters:
            raise UsageError("--key and --parameter need a scheme", hint="choose one with --scheme")
        return None
    if of_folder is not None:
        raise UsageError(f"the images are encrypted already, by {of_folder.name}", hint="train without --scheme")
    scheme = scheme_from(name, list(parameters) if parameters else None)
    if key_file is None and scheme.key_policy in ("shared", "derived"):
        raise UsageError(f"{name} needs a key", hint="give its file: --key FILE")
    return scheme


def side_of(scheme: Scheme | None, *, image_size: int) -> int:
    """Return the side of the images that a network reads: encryption pads to whole blocks.

    Args:
        scheme: Encrypts the images here; None: nothing does.
        image_size: Their side before it.

    Raises:
        UsageError: Encrypted images are neither squares nor three square planes side by side.
    """
    if scheme is None:
        return image_size
    height, width, channels = scheme.encrypted_shape((image_size, image_size, 3))
    if width * channels != 3 * height:
        raise UsageError(f"{scheme.name} makes images of {height}x{width}x{channels}, not of squares")
    return height


def check_mixing(*, mixup: float, cutmix: float, scheme: Scheme | None) -> None:
    """Refuse mixtures of images that are no image of their scheme any more.

    Args:
        mixup: Alpha; 0: none.
        cutmix: Alpha; 0: none.
        scheme: It encrypted the images; None for plain ones.

    Raises:
        UsageError: The scheme does not permit them.
    """
    from pixelveil.training.augment import permitted

    for what, alpha, needs in (("mixup", mixup, "mix"), ("cutmix", cutmix, "cut")):
        if alpha and scheme is not None and needs not in permitted(scheme):
            raise UsageError(
                f"{what} of images encrypted by {scheme.name} under {scheme.key_policy} keys means nothing",
                hint=f"train without --{what}",
            )


def fresh_spec(
    architecture: str,
    *,
    adaptation: str,
    scheme: Scheme | None,
    classes: tuple[str, ...],
    image_size: int,
    public_weights: bool,
) -> ModelSpec:
    """Return what to train from scratch: backbone, adaptation network and how images are normalized.

    Args:
        architecture: Name of a backbone.
        adaptation: "auto" or a name.
        scheme: It encrypted the images; None for plain ones.
        classes: Names in the order of the labels.
        image_size: Side in pixels.
        public_weights: Whether the backbone begins with weights that expect a normalization of their own.
    """
    from pixelveil.models.adaptation import auto_adaptation, settings_for
    from pixelveil.models.backbones import normalization_of, reads_patches
    from pixelveil.training.models import ModelSpec

    gray = scheme is not None and scheme.planes == "side by side"
    half = (0.5,) if gray else (0.5, 0.5, 0.5)  # one value for one plane, which networks get side by side
    public = normalization_of(architecture) if public_weights and not gray else None
    mean, std = public or (half, half)
    if adaptation == "auto":
        patches = reads_patches(architecture)
        adaptation = "none" if scheme is None else auto_adaptation(scheme, patches=patches, image_size=image_size)
    options = {} if scheme is None else settings_for(scheme, image_size=image_size).options()
    return ModelSpec(
        architecture=architecture,
        num_classes=len(classes),
        image_size=image_size,
        classes=classes,
        mean=mean,
        std=std,
        adaptation=adaptation,
        adaptation_options=options if adaptation != "none" or gray else {},
    )
