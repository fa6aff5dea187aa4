"""Run any vision model on pixels, and compare what comes out, whatever its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pixelveil.errors import UnsupportedModelError, UsageError
from pixelveil.models.layout import Layout

__all__ = [
    "Answers",
    "answers_of",
    "evaluating",
    "largest_difference",
    "normalize",
    "primary",
    "restore_tokens",
    "run_model",
    "tensors_of",
]

Answers: TypeAlias = dict[str, Tensor]
CHUNK: Final = 16

# Models with more than a vision part answer images by one of these methods.
IMAGE_METHODS: Final = ("get_image_features", "get_image_embeddings")


def run_model(model: nn.Module, pixels: Tensor) -> Answers:
    """Return every floating tensor that a model answers, by name.

    Args:
        model: A model; one with text as well is asked for its image features.
        pixels: (N, C, H, W), normalized.

    Returns:
        Name to tensor, in the order of the output; a lone tensor is named "output".

    Raises:
        UnsupportedModelError: The model does not take these pixels alone.
    """
    method = next((getattr(model, name) for name in IMAGE_METHODS if hasattr(model, name)), model)
    try:
        with torch.no_grad():
            return tensors_of(method(pixels))
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        shape = "x".join(str(side) for side in pixels.shape[1:])
        raise UnsupportedModelError(
            f"this {type(model).__name__} cannot be run on images of {shape} alone: {error}",
            hint="check the image size; encrypt the part of the model that reads the images",
        ) from error


def answers_of(
    model: nn.Module,
    images: NDArray[Any],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    layout: Layout | None = None,
    order: Tensor | None = None,
) -> Answers:
    """Return what a model answers images in evaluation mode.

    Args:
        model: A plain model, or an encrypted one.
        images: (N, H, W, C), grey levels 0..255; encrypted ones for an encrypted model.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        layout: Of an encrypted model; answers per patch are then put in the plain image's order.
        order: int64 (patches,), the block order of the images; None: patches stayed.

    Returns:
        Name to tensor, on all images.
    """
    like = next(parameter for parameter in model.parameters() if parameter.is_floating_point())
    parts: list[Answers] = []
    with evaluating(model):
        for start in range(0, len(images), CHUNK):
            pixels = normalize(images[start : start + CHUNK], mean=mean, std=std, like=like)
            parts.append(run_model(model, pixels))
    whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    if layout is None:
        return whole
    return {name: restore_tokens(answer, layout=layout, order=order) for name, answer in whole.items()}


def largest_difference(expected: Answers, found: Answers) -> float:
    """Return the largest of ``|found - expected| / max(1, |expected|)``; NaN is passed on.

    >>> largest_difference({"logits": torch.tensor([10.0, 0.5])}, {"logits": torch.tensor([11.0, 0.5])})
    0.10000000149011612
    """
    primary(expected)
    largest = [
        ((found[name] - answer).abs() / answer.abs().clamp(min=1)).max().item() for name, answer in expected.items()
    ]
    return float(np.max(largest))


def tensors_of(output: Any, *, name: str = "output") -> Answers:
    """Return the floating tensors of an output: a tensor, a mapping (Hugging Face), a tuple or list, nested.

    >>> list(tensors_of({"logits": torch.zeros(1), "loss": None, "hidden": (torch.ones(1), torch.ones(2))}))
    ['logits', 'hidden.0', 'hidden.1']
    """
    if isinstance(output, Tensor):
        return {name: output} if output.is_floating_point() else {}
    prefix = "" if name == "output" else f"{name}."
    entries: Any = ()
    if isinstance(output, Mapping):
        entries = output.items()
    elif isinstance(output, Sequence) and not isinstance(output, str):
        entries = enumerate(output)
    found: Answers = {}
    for label, part in entries:
        found |= tensors_of(part, name=f"{prefix}{label}")
    return found


def primary(outputs: Answers) -> Tensor:
    """Return the answer that counts: the logits, else the pooled output, else the first.

    Raises:
        UsageError: The model answered no floating tensor.
    """
    for name in ("logits", "pooler_output", *outputs):
        if name in outputs:
            return outputs[name]
    raise UsageError("the model answers no floating tensor, so nothing can be compared")


def normalize(images: NDArray[Any], *, mean: Sequence[float], std: Sequence[float], like: Tensor) -> Tensor:
    """Return images as a model's pre-processing does: grey level / 255, minus mean, by deviation.

    Args:
        images: (N, H, W, C), grey levels 0..255, integer or float.
        mean: Mean of each color component, on pixels in [0, 1].
        std: Deviation of each color component.
        like: Tensor that has the dtype and device of the result.

    Returns:
        (N, C, H, W), computed in float64 before it is cast.
    """
    scaled = (images.astype(np.float64) / 255.0 - np.asarray(mean)) / np.asarray(std)
    return torch.from_numpy(scaled).permute(0, 3, 1, 2).to(device=like.device, dtype=like.dtype).contiguous()


def restore_tokens(output: Tensor, *, layout: Layout, order: Tensor | None) -> Tensor:
    """Return an answer with one entry per patch in the order of the plain image: what a client does with dense answers.

    Args:
        output: Any answer. Token sequences (N, prefix + patches + suffix, D) and maps over the grid
            (N, D, rows, columns) are put in order; all others are returned as they are.
        layout: The model's layout.
        order: int64 (patches,), the block order; None: patches stayed.
    """
    if order is None:
        return output
    back = torch.argsort(order).to(output.device)
    if output.ndim == 3 and output.shape[1] == layout.prefix + layout.patches + layout.suffix:
        index = torch.arange(output.shape[1], device=output.device)
        index[layout.prefix : layout.prefix + layout.patches] = back + layout.prefix
        return output.index_select(1, index)
    if output.ndim == 4 and tuple(output.shape[2:]) == layout.grid:
        return output.flatten(2).index_select(2, back).reshape(output.shape)
    return output


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode inside the block; afterwards every module is as it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
