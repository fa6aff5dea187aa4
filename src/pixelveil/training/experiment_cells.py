"""What a cell does, by its kind: each function returns the figures that are particular to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pixelveil.data.sets import SetImages
from pixelveil.errors import UsageError
from pixelveil.models import encrypt_model
from pixelveil.models.adaptation import auto_adaptation, settings_for
from pixelveil.models.backbones import normalization_of, reads_patches
from pixelveil.schemes import Scheme, create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.fitting import fit_asset, spread
from pixelveil.training.augment import Augmentation, encrypted_augmentation
from pixelveil.training.dataset import ArrayImages, ImageSubset
from pixelveil.training.evaluate import accuracy, confusion_matrix, predict_logits, wilson_interval
from pixelveil.training.experiment import Cell
from pixelveil.training.experiment_classical import answers_of, features_of
from pixelveil.training.experiment_keys import encrypt_images, experiment_key, reproducible
from pixelveil.training.holdout import hold_out
from pixelveil.training.learned import fit_learned
from pixelveil.training.loop import TrainResult, train
from pixelveil.training.models import ModelSpec
from pixelveil.training.on_the_fly import Encrypting

__all__ = ["RUNNERS", "Advance", "Place", "figures_of_answers", "squared"]

Advance = Callable[[int, int], None] | None
_MOST_FOR_A_BASIS = 1000


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a cell finds and leaves files.

    Args:
        folder: Of its runs; made if missing.
        weights: File of the weights that its network begins with, if it begins with any.
    """

    folder: Path
    weights: Path | None = None


def squared(images: NDArray[Any]) -> NDArray[Any]:
    """Return images with zeros to the right up to a square; three planes side by side and squares are left alone.

    >>> squared(np.ones((1, 4, 2, 3))).shape, squared(np.ones((1, 4, 12, 1))).shape
    ((1, 4, 4, 3), (1, 4, 12, 1))
    """
    _, height, width, channels = images.shape
    if width * channels == 3 * height:
        return images
    if width > height:
        raise UsageError(f"encrypted images of {height}x{width}x{channels} are no squares")
    return np.pad(images, ((0, 0), (0, 0), (0, height - width), (0, 0)))


def figures_of_answers(answers: NDArray[np.int64], labels: NDArray[np.int64], *, classes: int) -> dict[str, Any]:
    """Return accuracy in percent, its 95 % interval, and the confusion matrix (rows: true classes).

    >>> figures_of_answers(np.array([0, 1, 1]), np.array([0, 1, 0]), classes=2)["confusion"]
    [[1, 1], [0, 1]]
    """
    votes = np.eye(classes)[answers]
    matrix = confusion_matrix(votes, labels)
    low, high = wilson_interval(int(matrix.trace()), len(labels))
    return {
        "accuracy": round(accuracy(votes, labels), 4),
        "interval_95": [round(low, 2), round(high, 2)],
        "confusion": matrix.tolist(),
    }


def _run_network(cell: Cell, images: SetImages, place: Place, advance: Advance) -> dict[str, Any]:
    """Train a network on encrypted images; test it on others, under keys of their own where there are such."""
    scheme = _with_asset(cell.make_scheme(), images)
    key = experiment_key(cell.scheme, seed=cell.seed)
    every = scheme is not None and cell.encrypt == "every epoch"
    if scheme is None:
        train_images, test_images = images.train, images.test
    else:
        test_images = squared(encrypt_images(scheme, images.test, key=key, side="test", seed=cell.seed))
        given = images.train if every else encrypt_images(scheme, images.train, key=key, side="train", seed=cell.seed)
        train_images = given if every else squared(given)
    if every and test_images.shape[1:3] != train_images.shape[1:3]:
        raise UsageError(f"{cell.scheme} changes the size of images: encrypt them once")
    spec = _spec(cell, scheme, images=images, train=train_images, side=test_images.shape[1])
    moves = _moves(cell, None if every else scheme, side=images.train.shape[1])
    encrypting = Encrypting(reproducible(scheme), key=key) if every and scheme is not None else None
    model, result = _trained(
        cell, spec, train_images, images, moves=moves, place=place, encrypting=encrypting, advance=advance
    )
    logits = predict_logits(model, test_images, mean=spec.mean, std=spec.std)
    answers = logits.argmax(axis=1)
    return {
        **figures_of_answers(answers, images.test_labels, classes=len(images.classes)),
        "adaptation": spec.adaptation,
        "augmentation": asdict(moves) if moves else {},
        "input": {"side": spec.image_size, "mean": list(spec.mean), "std": list(spec.std)},
        **_learning(result),
    }


def _run_encrypted_model(cell: Cell, images: SetImages, place: Place, advance: Advance) -> dict[str, Any]:
    """Train on plain images, once for all cells that differ in the scheme only; encrypt the model and the images."""
    scheme = cell.make_scheme()
    if scheme is None:
        raise UsageError("an encrypted model needs a scheme")
    model, spec, moves, result = _plainly_trained(cell, images, place, advance)
    side = images.train.shape[1]
    key, other = (experiment_key(purpose, seed=cell.seed) for purpose in (cell.scheme, "wrong key"))
    encrypted = encrypt_model(model, scheme=scheme, key=key, image_size=side, mean=spec.mean, std=spec.std)
    right, wrong = (encrypt_images(scheme, images.test, key=one, side="test", seed=cell.seed) for one in (key, other))
    before = predict_logits(model, images.test, mean=spec.mean, std=spec.std)
    after, with_other, without = (
        predict_logits(encrypted, one, mean=spec.mean, std=spec.std) for one in (right, wrong, images.test)
    )
    labels = images.test_labels
    return {
        **figures_of_answers(after.argmax(axis=1), labels, classes=len(images.classes)),
        "adaptation": "none",
        "augmentation": asdict(moves) if moves else {},
        "plain_accuracy": round(accuracy(before, labels), 4),
        "answers_equal": int((before.argmax(axis=1) == after.argmax(axis=1)).sum()),
        "largest_difference": float(np.abs(before - after).max()),
        "wrong_key_accuracy": round(accuracy(with_other, labels), 4),
        "no_key_accuracy": round(accuracy(without, labels), 4),
        "chance": round(100 * float(np.bincount(labels).max()) / len(labels), 4),
        **_learning(result),
    }


def _run_classical(cell: Cell, images: SetImages, place: Place, advance: Advance) -> dict[str, Any]:
    """Fit a learner to plain and to encrypted images, and count where its answers agree."""
    scheme = _with_asset(cell.make_scheme(), images)
    plain = features_of(images.train)
    gamma = 1 / (plain.shape[1] * float(plain.var()))

    def answers(train_images: NDArray[Any], test_images: NDArray[Any]) -> NDArray[np.int64]:
        return answers_of(
            cell.network,
            train=train_images,
            labels=images.train_labels,
            test=test_images,
            gamma=gamma,
            recipe=cell.recipe,
            seed=cell.seed,
        )

    before = answers(images.train, images.test)
    after = before
    if scheme is not None:
        key = experiment_key(cell.scheme, seed=cell.seed)
        sides = (("train", images.train), ("test", images.test))
        after = answers(*(encrypt_images(scheme, one, key=key, side=side, seed=cell.seed) for side, one in sides))
    if advance is not None:
        advance(1, 1)
    return {
        **figures_of_answers(after, images.test_labels, classes=len(images.classes)),
        "adaptation": "none",
        "plain_accuracy": round(100 * float(np.mean(before == images.test_labels)), 4),
        "answers_equal": int((before == after).sum()),
        "curve": [],
    }


def _run_learned(cell: Cell, images: SetImages, place: Place, advance: Advance) -> dict[str, Any]:
    """Train a classifier on plain images and a transformation for it; classify transformed test images."""
    from PIL import Image

    classifier, spec, _, trained = _plainly_trained(cell, images, place, advance)
    plain = place.folder / "plain"
    for number, (image, label) in enumerate(zip(images.train, images.train_labels, strict=True)):
        path = plain / images.classes[label] / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            Image.fromarray(image).save(path)
    asset = place.folder / "asset.safetensors"
    report = fit_learned(
        cell.scheme,
        data=plain,
        out=asset,
        epochs=cell.epochs,
        seed=cell.seed,
        parameters={"classifier": str(trained.checkpoint), **cell.parameters},
        advance=advance,
    )
    scheme = create_scheme(cell.scheme, asset=Asset.load(asset))
    key = experiment_key(cell.scheme, seed=cell.seed)
    transformed = encrypt_images(scheme, images.test, key=key, side="test", seed=cell.seed)
    before, after = (
        predict_logits(classifier, one, mean=spec.mean, std=spec.std) for one in (images.test, transformed)
    )
    answers = after.argmax(axis=1)
    return {
        **figures_of_answers(answers, images.test_labels, classes=len(images.classes)),
        "adaptation": "none",
        "plain_accuracy": round(accuracy(before, images.test_labels), 4),
        "best_epoch": report.best_epoch,
        "curve": [{name: value for name, value in one.items() if "second" not in name} for one in report.history],
    }


RUNNERS: dict[str, Callable[[Cell, SetImages, Place, Advance], dict[str, Any]]] = {
    "classical": _run_classical,
    "encrypted model": _run_encrypted_model,
    "learned": _run_learned,
    "network": _run_network,
}


def _plainly_trained(
    cell: Cell, images: SetImages, place: Place, advance: Advance
) -> tuple[nn.Module, ModelSpec, Augmentation, TrainResult]:
    """Train a cell's network on plain images, once for all cells that differ in the scheme only."""
    plain = replace(
        cell, name="plain", kind="network", scheme="", key_policy="", parameters={}, adaptation="none", encrypt="once"
    )
    spec = _spec(plain, None, images=images, train=images.train, side=images.train.shape[1])
    moves = _moves(plain, None, side=images.train.shape[1])
    shared = replace(place, folder=place.folder.parent / f"plain-{plain.digest}")
    model, result = _trained(plain, spec, images.train, images, moves=moves, place=shared, advance=advance)
    return model, spec, moves, result


def _trained(
    cell: Cell,
    spec: ModelSpec,
    train_images: NDArray[Any],
    images: SetImages,
    *,
    moves: Augmentation,
    place: Place,
    encrypting: Encrypting | None = None,
    advance: Advance,
) -> tuple[nn.Module, TrainResult]:
    """Train, or go on; a share of the training images chooses the best epoch, never a test image."""
    everything = np.arange(len(train_images))
    labels, groups = images.train_labels, images.train_groups
    held = hold_out(everything, labels=labels, groups=groups, share=cell.validation, seed=cell.seed)
    if not len(held):
        raise UsageError(f"cell {cell.name!r}: a validation share of {cell.validation} is less than one picture")
    source = ArrayImages(train_images, labels=labels)
    model = spec.build(seed=cell.seed, weights=place.weights)
    result = train(
        model,
        spec=spec,
        train_set=ImageSubset(source, indices=np.setdiff1d(everything, held)),
        validation_set=ImageSubset(source, indices=held),
        settings=replace(cell.train_settings(), augmentation=moves),
        out=place.folder,
        origin=cell.weights,
        encrypting=encrypting,
        advance=advance,
    )
    return model, result


def _spec(cell: Cell, scheme: Scheme | None, *, images: SetImages, train: NDArray[Any], side: int) -> ModelSpec:
    """Return the network; real-valued images are normalized by their own mean and deviation, bytes by 1/2 and 1/2."""
    gray = scheme is not None and scheme.planes == "side by side"
    mean: tuple[float, ...] = (0.5,) if gray else (0.5, 0.5, 0.5)
    std = mean
    if cell.weights and not gray:
        mean, std = normalization_of(cell.network) or (mean, std)
    if train.dtype != np.uint8:
        mean = tuple(round(float(value) / 255, 6) for value in train.mean(axis=(0, 1, 2), dtype=np.float64))
        std = tuple(max(1e-6, round(float(v) / 255, 6)) for v in train.std(axis=(0, 1, 2), dtype=np.float64))
    adaptation = cell.adaptation
    if adaptation == "auto":
        patches = reads_patches(cell.network)
        adaptation = "none" if scheme is None else auto_adaptation(scheme, patches=patches, image_size=side)
    options = {} if scheme is None else settings_for(scheme, image_size=side).options()
    return ModelSpec(
        architecture=cell.network,
        num_classes=len(images.classes),
        image_size=side,
        classes=images.classes,
        mean=mean,
        std=std,
        architecture_options=cell.network_options,
        adaptation=adaptation,
        adaptation_options=options if adaptation != "none" or gray else {},
    )


def _moves(cell: Cell, scheme: Scheme | None, *, side: int) -> Augmentation:
    """Return how training images move: plain ones are mirrored and shifted, encrypted ones as their scheme permits."""
    if cell.augment == "none":
        return Augmentation()
    if scheme is None:
        return Augmentation(flip=True, pixels=side // 8)
    return encrypted_augmentation(scheme, image_size=side)


def _with_asset(scheme: Scheme | None, images: SetImages) -> Scheme | None:
    """Return the scheme with an asset fitted to training images, where it needs one."""
    if scheme is None or not scheme.needs_asset:
        return scheme
    chosen = spread(len(images.train), limit=_MOST_FOR_A_BASIS)
    return scheme.bind(fit_asset(scheme, images=images.train[chosen]))


def _learning(result: TrainResult) -> dict[str, Any]:
    """Return the learning curve, and what the epochs took."""
    curve = [{name: entry[name] for name in ("epoch", "train_loss", "validation_accuracy")} for entry in result.history]
    return {
        "best_epoch": result.best_epoch,
        "validation_accuracy": result.best_accuracy,
        "curve": curve,
        "training_seconds": sum(entry["seconds"] for entry in result.history),
    }
