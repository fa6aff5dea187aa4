"""Second-order statistics against one map of all blocks: an orthogonal matrix, or values shuffled and inverted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Access, Attack, Budget, Evidence, Images, Reconstruction
from pixelveil.attacks.public_images.columns import keyed_alike, public_images
from pixelveil.attacks.public_images.correlations import standardized
from pixelveil.attacks.public_images.layout import column_links, find_layout, matrix_links
from pixelveil.attacks.public_images.orthogonal import Components, Rotation, components, find_rotation
from pixelveil.attacks.public_images.readings import color_readings, image_turns, likeliest, products
from pixelveil.attacks.public_images.whitened import is_white, read_whitened_blocks
from pixelveil.plans.geometry import BlockGrid, join_blocks, split_blocks
from pixelveil.schemes import Scheme
from pixelveil.schemes.layout import lay_back
from pixelveil.steps.whitening import fit_whitening

__all__ = ["StatisticsVit", "read_blocks", "snap_to_values"]

_LEARNED = 2000
_VALUES = 40_000_000
_RANK = 192
_LINKED = 300
_LINKING_LANES = 96
_LINKING = (24, 0.3)
_MIDDLE = 127.5
_PASSES = 3


def snap_to_values(
    seen: NDArray[np.float32], estimate: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return for each place the column that it is most like, and the sign with which, (L,) each, every column once.

    Args:
        seen: Columns of ciphertexts, centered at mid-gray, (S, L).
        estimate: What they are thought to be in the order of places, (S, L).
    """
    from scipy.optimize import linear_sum_assignment

    size = np.sqrt((seen**2).mean(axis=0)) + 1e-6, np.sqrt((estimate**2).mean(axis=0)) + 1e-6
    likeness = (seen.T @ estimate) / np.outer(*size)
    place, column = linear_sum_assignment(-np.abs(likeness.T))
    signs = np.where(likeness[column, place] >= 0, 1, -1).astype(np.float32)
    return column.astype(np.int64), signs


def read_blocks(
    blocks: NDArray[np.float32],
    *,
    public: NDArray[np.float32],
    grid: tuple[int, int],
    scrambled: bool,
    shuffled: bool,
    victims: int,
    generator: np.random.Generator,
    budget: Budget | None = None,
) -> NDArray[np.float32]:
    """Return the blocks of the first images (victims, N, L) as they were before one map of all blocks, and in place.

    Right up to a turn of the image, an order of channels and a sign.

    Args:
        blocks: Of ciphertexts, (n, N, L); centered at mid-gray where values were shuffled.
        public: Of other images, (m, N, L), centered the same.
        grid: Rows and columns of blocks.
        scrambled: Whether blocks have changed places.
        shuffled: Whether the map only moves and inverts values: then they come back exactly.
        victims: How many images are read.
        generator: Draws random starts.
        budget: When it is spent, no further start, turn, round or pass is made.
    """
    number, lanes = blocks.shape[1:]
    learned = blocks[: min(_LEARNED, max(_VALUES // (number * lanes), 1))]
    plain = public[: max(_VALUES // (number * lanes), 1)]
    own, wanted = (components(each, rank=_RANK) for each in (learned, plain))
    places = np.arange(number)
    chosen = generator.permutation(lanes)[:_LINKING_LANES]
    if scrambled:
        links = [_links(each, chosen, by_values=shuffled, budget=budget) for each in (learned, plain)]
        places = find_layout(links[0], links[1], generator=generator, budget=budget)
    best = find_rotation(own, wanted, places=places, grid=grid, generator=generator, budget=budget)
    for _ in range(_PASSES if scrambled else 0):
        if budget is not None and budget.spent:
            break
        # What has been read shows more clearly which blocks are neighbors.
        read = _decoded(own.scores, best, wanted)
        links = [_links(each, chosen, by_values=True, budget=budget) for each in (read, plain)]
        if budget is not None and budget.spent:
            break
        places = best.slot[np.argsort(find_layout(links[0], links[1], generator=generator, budget=budget))]
        again = find_rotation(own, wanted, places=np.argsort(places), grid=grid, generator=generator, budget=budget)
        if again.total <= best.total * (1 + 1e-3):
            break
        best = again
    read = _decoded(own.scores, best, wanted)
    if shuffled:
        rows = slice(None, None, -(-read[..., 0].size // 40_000))
        seen = learned[:, best.slot].reshape(-1, lanes)[rows]
        column, signs = snap_to_values(seen, read.reshape(-1, lanes)[rows])
        return blocks[:victims][:, best.slot][..., column] * signs
    scores = (blocks[:victims] - own.mean.astype(np.float32)) @ (own.vectors / own.scale).astype(np.float32)
    read = _decoded(scores, best, wanted)
    mean = (own.mean @ own.vectors) @ best.matrix @ wanted.vectors.T
    sign = 1.0 if mean @ wanted.mean >= 0 else -1.0
    channels = 3 if lanes % 3 == 0 else 1
    level = np.tile(mean.reshape(-1, channels).mean(axis=0), lanes // channels)
    result: NDArray[np.float32] = (sign * (read + level)).astype(np.float32)
    return result


def _links(
    blocks: NDArray[np.float32], lanes: NDArray[np.int64], *, by_values: bool, budget: Budget | None
) -> NDArray[np.float64]:
    """Return how strongly blocks are linked: by some of their values, or by what no rotation changes."""
    if by_values:
        return column_links(standardized(blocks[..., lanes]), budget=budget)
    rank, flatten = _LINKING
    return matrix_links(components(blocks[:_LINKED], rank=rank, flatten=flatten).scores)


def _decoded(scores: NDArray[np.float32], rotation: Rotation, public: Components) -> NDArray[np.float32]:
    """Return centered plain blocks (n, N, L) from scores of ciphertexts."""
    back = (rotation.matrix * public.scale) @ public.vectors.T
    result: NDArray[np.float32] = scores[:, rotation.slot] @ back.astype(np.float32)
    return result


@dataclass(frozen=True, kw_only=True)
class StatisticsVit(Attack):
    """Read block-wise encryption for vision transformers under one key, without any pair.

    1. Links between blocks that no map inside blocks changes give the layout. 2. Principal components of ciphertexts
    are those of natural blocks; covariances between neighbors and third moments give their signs, iterated Procrustes
    the rest of the orthogonal matrix. 3. What is read shows the layout more clearly; again from 1. 4. Where values were
    only shuffled and inverted, a linear assignment snaps to them, and all is exact. Where blocks were whitened first,
    which shows, eigenvectors of neighbors' covariances take the place of principal components.

    Source: the design study of this project; after Liu, Giannella and Kargupta, PKDD (2006), on rotated data.
    """

    name: ClassVar[str] = "statistics-vit"
    title: ClassVar[str] = "Second-order statistics against one map of all blocks, blocks scrambled"
    citation: ClassVar[str] = "design study of this project; after Liu, Giannella and Kargupta, PKDD (2006)"
    access: ClassVar[Access] = "public images"
    cost: ClassVar[str] = "linear in images; cubic in the values of a block and in the number of blocks"
    grows: ClassVar[bool] = True
    minimum: ClassVar[int] = 3

    def obstacle(self, scheme: Scheme) -> str:
        """Return why a scheme has no one map of all blocks that images share; empty where it has."""
        if scheme.name not in ("vit-permutation", "vit-orthogonal", "vit-restricted", "vit-compressible"):
            return "it reads one map that is the same in all blocks"
        return "each block has a map of its own" if getattr(scheme, "per_block", False) else keyed_alike(scheme)

    def run(
        self, evidence: Evidence, *, budget: Budget | None = None, advance: Callable[[int, int], None] | None = None
    ) -> Reconstruction:
        """Read the victims; see `Attack.run`."""
        self.check(evidence)
        budget = budget or Budget()
        scheme, generator, public = evidence.scheme, evidence.generator, public_images(evidence)
        block, shape = (scheme.block, scheme.block), public.shape[1:]
        shuffled = scheme.output_dtype == "uint8"
        middle = np.float32(_MIDDLE if shuffled else 0)
        grid = BlockGrid(height=shape[0], width=shape[1], channels=shape[2], block=block)
        blocks = split_blocks(evidence.ciphertexts, block=block).astype(np.float32) - middle
        plain = split_blocks(public, block=block).astype(np.float32) - middle
        scrambled, victims = bool(getattr(scheme, "scramble_blocks", True)), evidence.victims
        sides, budget = (grid.rows, grid.columns), budget or Budget()
        white = not shuffled and plain[..., 0].size > grid.lanes and is_white(blocks)
        if white:
            fitted = fit_whitening(public, block_size=scheme.block)
            matrix, mean = fitted["matrix"].astype(np.float32), fitted["mean"].astype(np.float32)
            whitened = read_whitened_blocks(
                blocks,
                public=((plain - mean) @ matrix.T).astype(np.float32),
                grid=sides,
                scrambled=scrambled,
                victims=victims,
                generator=generator,
                budget=budget,
            )
            read = whitened @ np.linalg.inv(fitted["matrix"]).astype(np.float32).T + mean
        else:
            read = read_blocks(
                blocks,
                public=plain,
                grid=sides,
                scrambled=scrambled,
                shuffled=shuffled,
                victims=victims,
                generator=generator,
                budget=budget,
            )
        pictures: Images = np.rint(join_blocks(read + middle, shape=shape, block=block)).clip(0, 255).astype(np.uint8)
        versions = products(image_turns(square=shape[0] == shape[1]), color_readings(channels=shape[2], jointly=True))
        chosen = likeliest(pictures, versions, public=public, generator=generator, budget=budget)
        if advance:
            advance(1, 1)
        images = lay_back(chosen(pictures), shape=evidence.shape, planes=scheme.planes)
        return Reconstruction(images=images, versions=versions, facts={"whitened": int(white)})
