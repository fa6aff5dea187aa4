"""Make the asset of a learned scheme: classifier, judge, network, and what the result is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from pixelveil import __version__
from pixelveil.data.manifest import MANIFEST
from pixelveil.errors import UsageError
from pixelveil.models.backbones import BACKBONES
from pixelveil.schemes import create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.training.augment import Augmentation
from pixelveil.training.dataset import ArrayImages, ImageSource, ImageSubset
from pixelveil.training.evaluate import accuracy, predict_logits
from pixelveil.training.folders import TrainingImages, open_training
from pixelveil.training.learned_features import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Judge,
    classifier_features,
    frozen,
    random_vgg,
    vgg_from,
)
from pixelveil.training.learned_loop import train_network
from pixelveil.training.learned_recipe import Recipe, recipe_for
from pixelveil.training.loop import TrainSettings, train
from pixelveil.training.models import ModelSpec, find_checkpoint, load_checkpoint, save_checkpoint

__all__ = ["LearnedReport", "classifier_path", "fit_learned", "run_folder"]

# Below this side in pixels, ResNets keep their resolution in the last two stages: a 32-pixel image would end as one.
_SMALL = 64


@dataclass(frozen=True, kw_only=True)
class LearnedReport:
    """What training gave; accuracies in percent, on the held-out images.

    Args:
        asset: File of the scheme's weights.
        digest: Of the asset.
        classifier: Checkpoint of ``psi``, which the cloud gets; `pixelveil evaluate` reads it.
        training_images: Number of images learned from.
        validation_images: Number of images held out.
        epochs: Passes that were made.
        best_epoch: The one whose weights are kept, counted from 1.
        plain_accuracy: Of the classifier on plain images.
        transformed_accuracy: Of the same classifier on images as the scheme gives them.
        history: One entry an epoch.
        rejected: A line for each file that could not be read.
    """

    asset: Path
    digest: str
    classifier: Path
    training_images: int
    validation_images: int
    epochs: int
    best_epoch: int
    plain_accuracy: float
    transformed_accuracy: float
    history: tuple[dict[str, float], ...]
    rejected: tuple[str, ...] = ()


def fit_learned(
    name: str,
    *,
    data: Path,
    out: Path,
    epochs: int | None = None,
    batch_size: int | None = None,
    limit: int | None = None,
    size: int | None = None,
    seed: int = 0,
    resume: bool = True,
    parameters: Mapping[str, Any] | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> LearnedReport:
    """Train the network of a learned scheme and write its asset; after a kill it goes on with the last whole epoch.

    Beside ``out`` there are then the classifier (`classifier_path`) and the folder of the run (`run_folder`), which
    may be removed.

    Args:
        name: "image-to-perturbation" or "gan-transform".
        data: Class folders of plain images, as for `pixelveil train`.
        out: File of the asset.
        epochs: Passes over the images; None: as the recipe says.
        batch_size: Images a step; None: as the recipe says.
        limit: Most images to learn from, chosen by the seed; a ninth of it validates.
        size: Side of the images in pixels; None: that of a given classifier, else 224.
        seed: Decides everything that is random; it is recorded and no secret.
        resume: Go on with an unfinished run; False: begin anew.
        parameters: Parameters of the `Recipe` by name.
        advance: Called with the steps done and the steps in all, first for the classifier, then for the network.

    Raises:
        UsageError: Images are encrypted or too few, a parameter is wrong, or the run's folder holds another run.
        IntegrityError: A file is damaged.
        MissingExtraError: A package for training is not installed.
    """
    recipe = recipe_for(name, parameters, epochs=epochs, batch_size=batch_size)
    if (data / MANIFEST).exists():
        raise UsageError(f"{data}: is encrypted", hint="a learned transformation is trained on plain images")
    folder = run_folder(out)
    if not resume:
        _forget(folder)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    given = load_checkpoint(find_checkpoint(Path(recipe.classifier))) if recipe.classifier else None
    if given is not None and hasattr(given[0], "pixelveil"):
        raise UsageError(f"{recipe.classifier}: is an encrypted model", hint="give the plain classifier")
    images = _some(open_training(data, size=size or (given[1].image_size if given else None), seed=seed), limit, seed)
    classifier, spec = given or _trained_classifier(
        images, recipe, seed=seed, out=folder / "classifier", advance=advance
    )
    images = _in_order_of(images, spec, data=data)
    save_checkpoint(classifier_path(out), classifier, spec=spec)
    judge = Judge(
        classifier=frozen(classifier).to(device),
        features=_features(recipe, classifier, seed=seed, device=device),
        mean=spec.mean,
        std=spec.std,
    )
    facts = {
        "classifier": _weights_digest(classifier),
        "vgg": _file_digest(Path(recipe.vgg)) if recipe.features == "vgg16" else "",
        "training_images": len(images.training),
        "validation_images": len(images.validation),
        "image_size": images.image_size,
    }
    trained = train_network(
        judge=judge,
        train_set=images.training,
        validation_set=images.validation,
        recipe=recipe,
        run=facts,
        out=folder,
        seed=seed,
        device=device,
        advance=advance,
    )
    arrays = trained.painter.arrays()
    plain, transformed = _accuracies(name, arrays, images.validation, classifier=classifier, spec=spec)
    best = trained.history[trained.epoch - 1]
    asset = Asset(
        scheme=name,
        kind="weights",
        arrays=arrays,
        settings={
            **facts,
            "recipe": recipe.facts,
            "seed": seed,
            "best_epoch": trained.epoch,
            "plain_accuracy": plain,
            "transformed_accuracy": transformed,
            **{label: value for label, value in best.items() if label.startswith("validation_")},
            "versions": {"pixelveil": __version__, "torch": torch.__version__},
        },
    )
    asset.save(out)
    return LearnedReport(
        asset=out,
        digest=asset.digest,
        classifier=classifier_path(out),
        training_images=len(images.training),
        validation_images=len(images.validation),
        epochs=recipe.epochs,
        best_epoch=trained.epoch,
        plain_accuracy=plain,
        transformed_accuracy=transformed,
        history=trained.history,
        rejected=images.rejected,
    )


def classifier_path(out: Path) -> Path:
    """Return where the classifier of an asset is put.

    >>> classifier_path(Path("veil.safetensors")).name
    'veil-classifier.safetensors'
    """
    return out.with_name(f"{out.stem}-classifier.safetensors")


def run_folder(out: Path) -> Path:
    """Return the folder in which an asset is made.

    >>> run_folder(Path("veil.safetensors")).name
    'veil.run'
    """
    return out.with_name(f"{out.stem}.run")


def _forget(folder: Path) -> None:
    """Remove the states of a run, so that it begins anew."""
    for place in (folder, folder / "classifier"):
        (place / "state.safetensors").unlink(missing_ok=True)


def _some(images: TrainingImages, limit: int | None, seed: int) -> TrainingImages:
    """Return at most so many training images, and a ninth of it for validation."""
    if limit is None:
        return images
    draws = np.random.default_rng(seed)

    def some(source: ImageSource, most: int) -> ImageSource:
        return ImageSubset(source, indices=np.sort(draws.permutation(len(source))[: max(1, most)]))

    return TrainingImages(
        training=some(images.training, limit),
        validation=some(images.validation, limit // 9),
        classes=images.classes,
        image_size=images.image_size,
        rejected=images.rejected,
    )


def _trained_classifier(
    images: TrainingImages, recipe: Recipe, *, seed: int, out: Path, advance: Callable[[int, int], None] | None
) -> tuple[nn.Module, ModelSpec]:
    """Train the classifier on the plain images, or go on with it."""
    known = BACKBONES.get(recipe.model)
    large = recipe.model.startswith("resnet") and (known is None or known.kind == "timm")
    small = large and images.image_size <= _SMALL
    spec = ModelSpec(
        architecture=recipe.model,
        num_classes=len(images.classes),
        image_size=images.image_size,
        classes=images.classes,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        architecture_options={"output_stride": 8} if small else {},
    )
    settings = TrainSettings(
        epochs=recipe.classifier_epochs,
        batch_size=recipe.batch_size,
        seed=seed,
        augmentation=Augmentation(flip=recipe.flip, shift=recipe.border / images.image_size),
    )
    model = spec.build(seed=seed)
    train(
        model,
        spec=spec,
        train_set=images.training,
        validation_set=images.validation,
        settings=settings,
        out=out,
        advance=advance,
    )
    return model, spec


def _in_order_of(images: TrainingImages, spec: ModelSpec, *, data: Path) -> TrainingImages:
    """Return the images with labels in the order of the classifier's classes.

    Raises:
        UsageError: It does not know a class, or takes images of another size.
    """
    strangers = [name for name in images.classes if name not in spec.classes]
    if strangers:
        raise UsageError(
            f"{data}: class {strangers[0]!r} is none of the classifier's",
            hint=f"it knows: {', '.join(spec.classes) or 'no names'}",
        )
    if images.image_size != spec.image_size:
        raise UsageError(f"the classifier takes images of {spec.image_size} pixels, not {images.image_size}")
    order = np.array([spec.classes.index(name) for name in images.classes], np.int64)

    def ordered(source: ImageSource) -> ImageSource:
        return ImageSubset(source, indices=np.arange(len(source)), labels=order[source.labels])

    return TrainingImages(
        training=ordered(images.training),
        validation=ordered(images.validation),
        classes=spec.classes,
        image_size=images.image_size,
        rejected=images.rejected,
    )


def _features(recipe: Recipe, classifier: nn.Module, *, seed: int, device: torch.device) -> Callable[..., torch.Tensor]:
    """Return ``V``."""
    if recipe.features == "classifier":
        return classifier_features(classifier, layer=recipe.layer)
    layers = vgg_from(Path(recipe.vgg)) if recipe.features == "vgg16" else random_vgg(seed=seed)
    return layers.to(device)


def _accuracies(
    name: str, arrays: Mapping[str, Any], source: ImageSource, *, classifier: nn.Module, spec: ModelSpec
) -> tuple[float, float]:
    """Return the accuracy of the classifier on plain images and on those that the scheme gives, in percent."""
    scheme = create_scheme(name, asset=Asset(scheme=name, kind="weights", arrays=arrays))
    plain = source.read(range(len(source)))
    shown = (plain, scheme.encrypt(plain).images)
    logits = [predict_logits(classifier, ArrayImages(part), mean=spec.mean, std=spec.std) for part in shown]
    first, second = (accuracy(one, source.labels) for one in logits)
    return first, second


def _weights_digest(module: nn.Module) -> str:
    """Return the SHA-256 of names and bytes of a module's weights; a file of them has no fixed order."""
    total = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        total.update(name.encode() + b"\0" + tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def _file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
