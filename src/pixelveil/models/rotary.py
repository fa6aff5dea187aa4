"""A module that computes position information at run time, made to follow the block order.

Rotary tables and some relative position biases are generated from the grid in every forward pass, so there is no
tensor to permute. The module that generates them is wrapped: what it returns is gathered by the order, which is a
buffer, so it is saved, loaded, moved and copied with the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Reordered"]


class Reordered(nn.Module):
    """Gather what another module returns: entry j of the output becomes entry ``order[j]``, on one or two axes.

    Args:
        inner: The module that computes position information; it becomes part of this one.
        axes: Axes of each returned tensor that number tokens, as negative numbers.
        tokens: Number of tokens on these axes, prefix tokens included.

    >>> table = Reordered(nn.Identity(), axes=(-2,), tokens=3)
    >>> _ = table.order.copy_(torch.tensor([2, 0, 1]))
    >>> table(torch.tensor([[10.0], [20.0], [30.0]])).flatten().tolist()
    [30.0, 10.0, 20.0]
    """

    order: Tensor

    def __init__(self, inner: nn.Module, *, axes: tuple[int, ...], tokens: int) -> None:
        super().__init__()
        self.inner = inner
        self.axes = axes
        self.register_buffer("order", torch.arange(tokens))

    # The arguments are the wrapped module's own, whatever they are.
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the wrapped module and gather what it returns: a tensor, or a tuple or list of tensors."""
        return self._reorder(self.inner(*args, **kwargs))

    def get_embed(self, *args: Any, **kwargs: Any) -> Any:
        """Do the same for the method by which timm asks for a rotary table."""
        generate: Callable[..., Any] = getattr(self.inner, "get_embed")  # noqa: B009
        return self._reorder(generate(*args, **kwargs))

    @property
    def feat_shape(self) -> Any:
        """The grid of a timm rotary module; timm asks whether there is one."""
        return self.inner.feat_shape

    def _reorder(self, output: Any) -> Any:
        if isinstance(output, tuple | list):
            return type(output)(self._reorder(part) for part in output)
        for axis in self.axes:
            output = output.index_select(axis, self.order)
        return output
