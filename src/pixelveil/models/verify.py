"""Prove that an encrypted model answers as the plain one does, or raise."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pixelveil.errors import UsageError, VerificationError
from pixelveil.keys import Epoch, Key
from pixelveil.models.families import settle_and_describe
from pixelveil.models.hold import hold
from pixelveil.models.info import StemInfo, info_of
from pixelveil.models.layout import Layout
from pixelveil.models.outputs import Answers, answers_of, largest_difference, primary
from pixelveil.models.planning import encrypted_by, epoch_of, shared_plan, undo_of
from pixelveil.models.prepare import read_tensors
from pixelveil.plans import Plan
from pixelveil.schemes import Scheme

__all__ = ["Verification", "self_check", "verify_model", "verify_model_with_plan"]

FLOAT64_TOLERANCE: Final = 1e-10
FLOAT32_TOLERANCE: Final = 1e-3


@dataclass(frozen=True)
class Verification:
    """What `verify_model` found; differences are relative to ``max(1, |answer|)``, the largest of all answers.

    Args:
        images: Number of images.
        max_difference_float32: Encrypted model on encrypted images against plain on plain, as they are, in float32.
        max_difference_float64: The same with the key absorbed and the answers computed in float64.
        top1_agreement: Share of answers with the same largest entry in float32; None where answers are no scores.
    """

    images: int
    max_difference_float32: float
    max_difference_float64: float
    top1_agreement: float | None


def verify_model(
    plain: nn.Module,
    encrypted: nn.Module,
    *,
    scheme: Scheme,
    key: Key | Epoch,
    images: NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
    client: str = "",
) -> Verification:
    """Compare an encrypted model on encrypted images with the plain one on plain images.

    The models are compared as they are in float32. For float64 the key is absorbed once more from the plain weights,
    for the weights of the encrypted model were rounded to their own dtype; a model that holds float64 is compared as
    it is. Dense answers (one per patch) are put in order first, as a client does. The images are not counted against
    the key's budget: nothing leaves the process.

    Args:
        plain: The plain model.
        encrypted: What `encrypt_model` made of it, freshly or loaded.
        scheme: The scheme.
        key: A key (its active epoch counts) or an epoch.
        images: uint8 (N, H, W, C), at least one.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        client: Name of the client, or empty.

    Returns:
        The differences found.

    Raises:
        VerificationError: An answer differs by more than 1e-10 in float64 or 1e-3 in float32, or a largest entry is
            another one.
        UsageError: The images do not fit.
    """
    info = info_of(encrypted)
    epoch = epoch_of(key)
    _, height, width, channels = _checked(images, info).shape
    plan = shared_plan(scheme, key=epoch, size=(height, width), channels=channels, client=client)
    foreign = info.digest != scheme.digest or info.fingerprint != epoch.fingerprint or info.client != client
    made = "it was made with another key, scheme or client" if info.scheme and foreign else ""
    return _verify(plain, encrypted, plan=plan, images=images, mean=mean, std=std, hint=made)


def verify_model_with_plan(
    plain: nn.Module,
    encrypted: nn.Module,
    *,
    plan: Plan,
    images: NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
) -> Verification:
    """Do what `verify_model` does, for a plan instead of a scheme and a key.

    Raises:
        VerificationError: The models answer differently.
        UsageError: The images do not fit.
    """
    _checked(images, info_of(encrypted))
    return _verify(plain, encrypted, plan=plan, images=images, mean=mean, std=std, hint="")


def self_check(model: nn.Module, *, plan: Plan, layout: Layout, mean: Sequence[float], std: Sequence[float]) -> None:
    """Absorb a plan into a float64 copy of a model and compare its answers on two random images.

    Raises:
        VerificationError: They differ: the adapter of this architecture is wrong, or the model does more with its
            pixels or tokens than its structure shows.
    """
    shape = (2, *layout.image_size, layout.embedding.channels)
    # The images only have to be unlike each other; nothing secret depends on them.
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    difference = _difference_float64(model, plan=plan, images=images, mean=mean, std=std)
    if not difference <= FLOAT64_TOLERANCE:
        raise VerificationError(
            f"the encrypted model would answer differently by {difference:.1e} (float64)",
            difference=difference,
            hint="this model uses its pixels or the places of its patches in a way that a key cannot follow; "
            "try a scheme without block scrambling: -p scramble_blocks=false",
        )


def _checked(images: NDArray[np.uint8], info: StemInfo) -> NDArray[np.uint8]:
    """Return the images if the encrypted model takes them."""
    shape = (*info.image_size, info.layout.embedding.channels)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != shape or not len(images):
        raise UsageError(
            "images must be uint8 (N, {}, {}, {}), not {} {}".format(*shape, images.dtype, images.shape),
            hint="resize the images to the model's size first",
        )
    return images


def _verify(
    plain: nn.Module,
    encrypted: nn.Module,
    *,
    plan: Plan,
    images: NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
    hint: str,
) -> Verification:
    """Compare in float32, then in float64; raise if they differ."""
    info = info_of(encrypted)
    order = undo_of(plan, layout=info.layout).order
    first, second = _in_dtype(plain, torch.float32), _in_dtype(encrypted, torch.float32)
    expected = answers_of(first, images, mean=mean, std=std)
    found = answers_of(second, encrypted_by(plan, images), mean=mean, std=std, layout=info.layout, order=order)
    single = largest_difference(expected, found)
    agreement = _top1_agreement(expected, found)
    weight = read_tensors(encrypted, layout=info.layout)[info.layout.embedding.weight]
    held = encrypted if weight.dtype == torch.float64 else None
    double = _difference_float64(plain, plan=plan, images=images, mean=mean, std=std, held=held)
    for difference, tolerance, name in ((single, FLOAT32_TOLERANCE, "float32"), (double, FLOAT64_TOLERANCE, "float64")):
        if not difference <= tolerance:
            raise VerificationError(
                f"the encrypted model answers differently by {difference:.1e} in {name}, at most {tolerance} is right",
                difference=difference,
                hint=hint or "do not deploy it; encrypt the plain model again with the same mean, std and image size",
            )
    if agreement is not None and agreement < 1.0:
        raise VerificationError(
            f"{1 - agreement:.1%} of the answers have another largest entry", difference=single, hint=hint
        )
    return Verification(
        images=len(images), max_difference_float32=single, max_difference_float64=double, top1_agreement=agreement
    )


def _difference_float64(
    model: nn.Module,
    *,
    plan: Plan,
    images: NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
    held: nn.Module | None = None,
) -> float:
    """Return the largest relative difference in float64, of ``held`` or of a fresh absorption of the plan."""
    plain = copy.deepcopy(model).double()
    expected = answers_of(plain, images, mean=mean, std=std)
    if held is not None:
        layout, exact = info_of(held).layout, held
        undo = undo_of(plan, layout=layout)
    else:
        layout, exact = settle_and_describe(plain, image_size=(images.shape[1], images.shape[2])), plain
        undo = undo_of(plan, layout=layout)
        layout = hold(exact, layout=layout, undo=undo, mean=mean, std=std)
    encrypted = encrypted_by(plan, images)
    return largest_difference(
        expected, answers_of(exact, encrypted, mean=mean, std=std, layout=layout, order=undo.order)
    )


def _in_dtype(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return the model in a floating dtype: itself where it has it, else a copy."""
    if all(tensor.dtype == dtype for tensor in model.parameters() if tensor.is_floating_point()):
        return model
    return copy.deepcopy(model).to(dtype)


def _top1_agreement(expected: Answers, found: Answers) -> float | None:
    """Return the share of equal largest entries of the answer that counts, if it has scores on its last axis."""
    scores, others = primary(expected), primary(found)
    if scores.ndim != 2 and "logits" not in expected:
        return None
    return float((scores.argmax(-1) == others.argmax(-1)).double().mean())
