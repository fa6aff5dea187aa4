"""Does an encrypted stem come from weights that others know? Then those weights give its key away.

Whoever knows the plain patch embedding W solves ``W' = W M`` for the key, and finds the block order by the nearest
rows of the position table. What a key cannot change tells whether a reference is the one: the angles between the
rows of W (exactly, under permutations, flips and orthogonal maps), the space that its columns span (under any map),
and the set of rows of a position table.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from pixelveil.errors import PixelveilWarning
from pixelveil.models.info import StemInfo
from pixelveil.models.layout import Gather
from pixelveil.models.stem import Stem, extract_stem

__all__ = ["Resemblance", "first_kernel", "resemblance", "warn_if_known"]

# Unrelated weights score about 1/D or less; weights that drifted by as much as their own size still score 0.5.
KERNEL_THRESHOLD: Final = 0.3
SPAN_THRESHOLD: Final = 0.5
POSITIONS_THRESHOLD: Final = 0.5
ROW_MATCH: Final = 0.7


@dataclass(frozen=True)
class Resemblance:
    """How much of a stem a reference explains, from 0 (nothing) to 1; None where the two cannot be compared.

    Args:
        kernel: Correlation of the angles between the rows of the two patch embeddings.
        span: Overlap of the spaces that their columns span, above chance; only where D > L.
        positions: Share of position rows that have a partner of their own in the reference.
    """

    kernel: float | None
    span: float | None
    positions: float | None

    @property
    def known(self) -> bool:
        """Whether the reference lets one recover the key or a part of it."""
        scores = (
            (self.kernel, KERNEL_THRESHOLD),
            (self.span, SPAN_THRESHOLD),
            (self.positions, POSITIONS_THRESHOLD),
        )
        return any(score is not None and score >= threshold for score, threshold in scores)


def warn_if_known(encrypted: nn.Module | Stem, *, reference: Mapping[str, Tensor]) -> Resemblance:
    """Warn when reference weights let one recover the key of a stem.

    Args:
        encrypted: An encrypted model or its stem.
        reference: State dict of a model that others may know, such as the public checkpoint training began with.

    Returns:
        What was found, for a report.

    Warns:
        PixelveilWarning: The reference's patch embedding or position table is that of the stem, or nearly so.
    """
    stem = encrypted if isinstance(encrypted, Stem) else extract_stem(encrypted)
    found = resemblance(stem, reference=reference)
    if found.known:
        parts = [
            text
            for text, score, threshold in (
                (f"patch embedding {found.kernel or 0:.0%} alike", found.kernel, KERNEL_THRESHOLD),
                (f"its span {found.span or 0:.0%} alike", found.span, SPAN_THRESHOLD),
                (f"{found.positions or 0:.0%} of the position rows found", found.positions, POSITIONS_THRESHOLD),
            )
            if score is not None and score >= threshold
        ]
        warnings.warn(
            f"the stem comes from the reference weights ({', '.join(parts)}): whoever knows them can compute the key. "
            "Train the patch embedding in private, from a secret random start",
            PixelveilWarning,
            stacklevel=2,
        )
    return found


def resemblance(stem: Stem, *, reference: Mapping[str, Tensor]) -> Resemblance:
    """Return how much of a stem a reference explains.

    Args:
        stem: The stem of an encrypted model.
        reference: State dict of a plain model; its names may have other prefixes.
    """
    layout, info = stem.info.layout, stem.info
    weight = first_kernel(stem)
    other = _counterpart(layout.embedding.weight, weight, reference)
    kernel = span = positions = None
    if other is not None:
        ours, theirs = _raw_rows(weight, info), _raw_rows(other, info)
        kernel, span = _angle_correlation(ours, theirs), _span_overlap(ours, theirs)
    for entry in layout.gathers:
        table = stem.tensors[entry.name]
        partner = _counterpart(entry.name, table, reference)
        if partner is not None and table.is_floating_point() and table.ndim > 1 and len(entry.axes) == 1:
            count = layout.patches
            positions = _matched_rows(_rows(table, entry, count=count), _rows(partner, entry, count=count))
            break
    return Resemblance(kernel=kernel, span=span, positions=positions)


def first_kernel(stem: Stem) -> Tensor:
    """Return the patch embedding of a stem in the plain one's shape: of the first position, where each has its own.

    One kernel by position is as telling as a kernel for all: it is the plain one under one key.
    """
    embedding = stem.info.layout.embedding
    weight = stem.tensors[embedding.weight]
    if stem.info.form != "dense":
        return weight
    side = embedding.patch_size
    return weight[0].reshape(-1, embedding.channels, side, side) if embedding.flatten == "chw" else weight[0]


def _counterpart(name: str, tensor: Tensor, reference: Mapping[str, Tensor]) -> Tensor | None:
    """Return the reference's tensor of that name, else of that end of a name, else the only one of that shape."""
    leaf = ".".join(name.split(".")[-2:])
    same_shape = {label: value for label, value in reference.items() if value.shape == tensor.shape}
    for candidates in (
        [value for label, value in same_shape.items() if label == name],
        [value for label, value in same_shape.items() if label.endswith(leaf)],
        list(same_shape.values()),
    ):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _raw_rows(weight: Tensor, info: StemInfo) -> Tensor:
    """Return the patch embedding on raw pixels, ``W D^-1``, as float64 (D, L): there a key acts by its own matrix."""
    embedding = info.layout.embedding
    std = torch.tensor(info.std, dtype=torch.float64)
    values = weight.detach().double().cpu().flatten(1)
    area = embedding.patch_size**2
    deviation = std.repeat_interleave(area) if embedding.flatten == "chw" else std.repeat(area)
    return values / deviation


def _angle_correlation(ours: Tensor, theirs: Tensor) -> float:
    """Return the correlation of the cosines between all pairs of rows: 1 for ``W' = W Q`` with any orthogonal Q.

    >>> rows = torch.randn(40, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> turn = torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
    >>> round(_angle_correlation(rows @ turn, rows), 6)
    1.0
    """
    above = torch.triu_indices(len(ours), len(ours), offset=1)
    pairs = []
    for rows in (ours, theirs):
        unit = nn.functional.normalize(rows, dim=1)
        pairs.append((unit @ unit.T)[above[0], above[1]])
    return max(0.0, float(torch.corrcoef(torch.stack(pairs))[0, 1].nan_to_num()))


def _span_overlap(ours: Tensor, theirs: Tensor) -> float | None:
    """Return how far the column spaces agree above chance; None where the columns span everything anyway."""
    outputs, inputs = ours.shape
    if outputs <= inputs:
        return None
    bases = [torch.linalg.qr(rows)[0] for rows in (ours, theirs)]
    overlap = float((bases[0].T @ bases[1]).square().sum()) / inputs
    chance = inputs / outputs
    return max(0.0, (overlap - chance) / (1 - chance))


def _rows(table: Tensor, entry: Gather, *, count: int) -> Tensor:
    """Return what a table holds for each patch, float64 (patches, features)."""
    patches = table.detach().double().cpu().narrow(entry.axes[0], entry.start, count)
    return patches.movedim(entry.axes[0], 0).flatten(1)


def _matched_rows(ours: Tensor, theirs: Tensor) -> float:
    """Return the share of rows whose best partner is close and taken by no other row, after taking out the mean row.

    A correction of the bias is added to all rows alike, so the mean must not count.
    """
    units = [nn.functional.normalize(rows - rows.mean(0), dim=1) for rows in (ours, theirs)]
    score, partner = (units[0] @ units[1].T).max(dim=1)
    return len(set(partner[score > ROW_MATCH].tolist())) / len(ours)
