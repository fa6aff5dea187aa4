"""Encrypt a vision model: exact answers on encrypted images, for any plan that is affine inside patches."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn

from pixelveil.errors import UsageError
from pixelveil.keys import Epoch, Key
from pixelveil.models.cost import check_cost
from pixelveil.models.families import settle_and_describe
from pixelveil.models.hold import hold
from pixelveil.models.info import ATTRIBUTE, StemInfo
from pixelveil.models.layout import Layout
from pixelveil.models.planning import check_statistics, epoch_of, shared_plan, size_of, undo_of
from pixelveil.models.verify import self_check
from pixelveil.plans import Plan
from pixelveil.schemes import Scheme

__all__ = ["encrypt_model", "encrypt_model_with_plan", "trunk_digest"]


def encrypt_model(
    model: nn.Module,
    *,
    scheme: Scheme,
    key: Key | Epoch,
    image_size: int | Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    client: str = "",
    check: bool = True,
) -> nn.Module:
    """Return a copy of a model that answers images encrypted by a scheme as the model answers plain ones.

    Encrypted pixels are fed as plain ones are: divided by 255, minus ``mean``, by ``std``. No image is counted against
    the key's budget.

    Where the scheme has a map for each block (EtC, per-block shuffling), the patch embedding becomes one for a key of
    each position, see `pixelveil.models.per_position` for its cost and for what it shows.

    What comes back can be trained on encrypted images like any model (fine-tuning of a pre-trained model adapted to
    the key, Nagamori, Shiota and Kiya, APSIPA Trans. 13(1), e8, 2024). Steps of SGD are those of the plain model on
    plain images, up to the change of basis, where the whole key is orthogonal on normalized pixels (permutations and
    flips: mean and deviation 1/2; orthogonal matrices: mean 0 and one deviation for all colors); steps of Adam and
    AdamW for permutations and flips only.

    Encrypt a model in float32 and convert it afterwards, all but its patch embedding: half precision rounds the
    mixed weights once more, and answers then differ by some hundredths.

    Args:
        model: A plain-trained vision model; left as it is.
        scheme: A scheme with a shared key, affine inside blocks, such as "vit-permutation".
        key: A key (its active epoch counts) or an epoch.
        image_size: Side, or height and width, of the images in pixels.
        mean: Mean of each color component in the model's pre-processing, on pixels in [0, 1].
        std: Deviation of each color component.
        client: Name of the client whose images it shall answer, or empty.
        check: Whether to compare the two models in float64 on two random images. Takes twice the model's memory in
            float64; leave it on unless you verify the model otherwise.

    Returns:
        The encrypted model, of the same class, dtype and device. Its attribute ``pixelveil`` is a `StemInfo`.

    Raises:
        UnsupportedModelError: The architecture, image size or scheme does not allow it; the message says why.
        VerificationError: The check found different answers; the model must not be used.
        UsageError: The model is encrypted already, or mean and std do not fit.
    """
    size, epoch = size_of(image_size), epoch_of(key)

    def plan_of(layout: Layout) -> Plan:
        return shared_plan(scheme, key=epoch, size=size, channels=layout.embedding.channels, client=client)

    encrypted = _encrypt(model, plan_of, size=size, mean=mean, std=std, check=check)
    info: StemInfo = getattr(encrypted, ATTRIBUTE)
    info = replace(info, scheme=scheme.name, parameters=scheme.parameters, digest=scheme.digest, client=client)
    _attach(encrypted, replace(info, fingerprint=epoch.fingerprint, epoch=epoch.number))
    return encrypted


def encrypt_model_with_plan(
    model: nn.Module,
    *,
    plan: Plan,
    image_size: int | Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    check: bool = True,
) -> nn.Module:
    """Do what `encrypt_model` does, for a plan instead of a scheme and a key.

    Args:
        model: A plain-trained vision model; left as it is.
        plan: One plan for all images, affine inside square blocks.
        image_size: Side, or height and width, of the images in pixels.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        check: Whether to compare the two models in float64 on two random images.

    Returns:
        The encrypted model.

    Raises:
        UnsupportedModelError: The architecture, image size or plan does not allow it.
        VerificationError: The check found different answers.
        UsageError: The model is encrypted already, or mean and std do not fit.
    """
    return _encrypt(model, lambda _: plan, size=size_of(image_size), mean=mean, std=std, check=check)


def trunk_digest(model: nn.Module, *, layout: Layout) -> str:
    """Return the SHA-256 of all saved tensors that no key changes: names, dtypes, shapes and values.

    Args:
        model: A prepared model.
        layout: What a key changes in it.
    """
    digest = hashlib.sha256()
    stem = set(layout.names)
    for name, tensor in sorted(model.state_dict().items()):
        if name not in stem:
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _encrypt(
    model: nn.Module,
    plan_of: Callable[[Layout], Plan],
    *,
    size: tuple[int, int],
    mean: Sequence[float],
    std: Sequence[float],
    check: bool,
) -> nn.Module:
    """Copy, describe, prepare, absorb, check."""
    if hasattr(model, ATTRIBUTE):
        raise UsageError("the model is encrypted already", hint="change its key with rekey_stem")
    encrypted = copy.deepcopy(model)
    layout = settle_and_describe(encrypted, image_size=size)
    check_statistics(mean, std, channels=layout.embedding.channels)
    plan = plan_of(layout)
    undo = undo_of(plan, layout=layout)
    check_cost(encrypted.get_parameter(layout.embedding.weight), layout=layout.in_form(undo.form))
    if check:
        self_check(model, plan=plan, layout=layout, mean=mean, std=std)
    layout = hold(encrypted, layout=layout, undo=undo, mean=mean, std=std)
    info = StemInfo(
        layout=layout,
        mean=tuple(float(value) for value in mean),
        std=tuple(float(value) for value in std),
        order_absorbed=undo.order is not None,
        trunk=trunk_digest(encrypted, layout=layout),
    )
    _attach(encrypted, info)
    return encrypted


def _attach(model: nn.Module, info: StemInfo) -> None:
    """Set the facts of an encrypted model as a plain attribute."""
    setattr(model, ATTRIBUTE, info)
