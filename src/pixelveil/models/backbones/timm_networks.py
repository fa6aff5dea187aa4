"""Classifiers that timm builds."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from torch import nn

from pixelveil.errors import MissingExtraError, UsageError

__all__ = ["timm_network", "timm_normalization"]

# Arguments of timm.create_model that read files or the network, or that have arguments of their own here; a
# checkpoint's header must not reach them.
_LOADING = frozenset(
    {"cache_dir", "checkpoint_path", "features_only", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay"}
)


def timm_network(
    name: str,
    *,
    num_classes: int,
    image_size: int,
    in_channels: int = 3,
    options: Mapping[str, Any] | None = None,
    pretrained: bool = False,
) -> nn.Module:
    """Build a timm classifier from the global random state; nothing is downloaded unless that is asked for.

    Args:
        name: timm name, for instance ``vit_tiny_patch16_224``.
        num_classes: Number of logits.
        image_size: Side of the square input, in pixels.
        in_channels: Channels of the input.
        options: Further arguments of the timm constructor, for instance ``{"patch_size": 8}``.
        pretrained: Whether to begin with the weights that timm's hub has under this name.

    Raises:
        UsageError: timm knows no such name, the arguments do not fit the architecture, or the hub cannot be reached.
        MissingExtraError: timm is not installed.
    """
    try:
        import timm
    except ImportError as error:
        raise MissingExtraError("building models", extra="train") from error

    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "names are listed by timm.list_models()"
        raise UsageError(f"unknown model {name!r}", hint=hint)
    arguments = dict(options or {})
    foreign = sorted(_LOADING & arguments.keys())
    if foreign:
        raise UsageError(f"{foreign[0]} is no option of an architecture", hint="leave it out of architecture_options")
    # Transformers are built for one size; convolutional networks take any and have no such argument.
    if getattr(timm.get_pretrained_cfg(name, allow_unregistered=True), "fixed_input_size", False):
        arguments["img_size"] = image_size
    if in_channels != 3:
        arguments["in_chans"] = in_channels
    try:
        model: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=num_classes, **arguments)
    except (AssertionError, TypeError, ValueError, RuntimeError, OSError) as error:
        if pretrained:
            raise UsageError(
                f"no weights for {name} could be fetched ({type(error).__name__})",
                hint="check the connection, or give a local safetensors file of them",
            ) from error
        raise UsageError(f"{name} cannot be built with {arguments}: {error}") from error
    return model


def timm_normalization(name: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return mean and deviation that timm's own weights of this name expect; None where there are none.

    >>> timm_normalization("resnet18")
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    """
    import timm

    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return None if config is None else (tuple(config.mean), tuple(config.std))
