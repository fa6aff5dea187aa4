"""The order of values in each block: columns per block over many images, fitted to public ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget
from pixelveil.attacks.public_images.assignment import improve_by_swaps
from pixelveil.attacks.public_images.correlations import correlation, leading_signs, standardized

__all__ = ["Choose", "any_order", "fit_orders", "one_of", "whole_signs"]

Columns = NDArray[np.float32]
Choose = Callable[[NDArray[np.float64]], NDArray[np.int64]]
"""Takes how well column i fits place k, (L, L), and returns for each place its column, (L,)."""

_PARTNERS = 10


def any_order(fit: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the best column for each place, each column once.

    >>> any_order(np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [1, 0]
    """
    from scipy.optimize import linear_sum_assignment

    place, column = linear_sum_assignment(-fit.T)
    best: NDArray[np.int64] = column[np.argsort(place)].astype(np.int64)
    return best


def one_of(orders: NDArray[np.int64]) -> Choose:
    """Return a choice that only knows some orders, (O, L)."""
    places = np.arange(orders.shape[1])

    def choose(fit: NDArray[np.float64]) -> NDArray[np.int64]:
        best: NDArray[np.int64] = orders[int(fit[orders, places].sum(axis=1).argmax())]
        return best

    return choose


def fit_orders(
    columns: Columns,
    public: Columns,
    *,
    choose: Choose = any_order,
    sweeps: int = 12,
    budget: Budget | None = None,
) -> NDArray[np.int64]:
    """Return for each block the columns in the order of places, (N, L): ``columns[:, b, order[b]]`` are in place.

    Blocks are ordered one after the other, next to those already done, so that all agree in turns and colors; then
    each again, by its correlations with its nearest blocks, until nothing changes.

    Args:
        columns: Standardized columns of ciphertexts, blocks in their places, (n, N, L).
        public: The same of public images, (m, N, L).
        choose: Which orders are possible.
        sweeps: How often at most.
        budget: When it is spent no further block is settled; those that are left keep their order.
    """
    count, blocks, lanes = columns.shape
    nearness = np.abs(correlation(public.mean(axis=2)))
    np.fill_diagonal(nearness, 0)
    partners = np.argsort(-nearness, axis=1)[:, : min(_PARTNERS, blocks - 1)]
    order = np.tile(np.arange(lanes), (blocks, 1))
    placed = columns.copy()
    means, public_means = standardized(columns.mean(axis=2)), standardized(public.mean(axis=2))

    def against(block: int, others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how well each column fits each place by its correlations with placed blocks."""
        near, plain = placed[:, others].reshape(count, -1), public[:, others].reshape(len(public), -1)
        seen = columns[:, block].T @ near / count
        wanted = public[:, block].T @ plain / len(public)
        fit: NDArray[np.float64] = (seen @ wanted.T).astype(np.float64)
        return fit

    def profile(block: int) -> NDArray[np.float64]:
        """Return how well each column fits each place by its correlations with the means of all blocks."""
        seen, wanted = columns[:, block].T @ means / count, public[:, block].T @ public_means / len(public)
        fit: NDArray[np.float64] = ((seen - seen.mean(axis=0)) @ (wanted - wanted.mean(axis=0)).T).astype(np.float64)
        return fit

    def settle(block: int, fit: NDArray[np.float64]) -> bool:
        found = choose(fit)
        changed = bool((found != order[block]).any())
        order[block], placed[:, block] = found, columns[:, block][:, found]
        return changed

    done: list[int] = []
    for _ in range(blocks):
        if done and budget is not None and budget.spent:
            break
        if not done:
            block = int(nearness.sum(axis=1).argmax())
            settle(block, profile(block))
            if choose is any_order:
                # The first block must be in order by itself: all others follow it.
                seen, wanted = correlation(columns[:, block]), correlation(public[:, block])
                places = improve_by_swaps([seen], [wanted], places=np.argsort(order[block]), budget=budget)
                order[block] = np.argsort(places)
                placed[:, block] = columns[:, block][:, order[block]]
        else:
            reach = nearness[:, done].sum(axis=1)
            reach[done] = -1
            block = int(reach.argmax())
            near = np.array(sorted(done, key=lambda other: -nearness[block, other])[:_PARTNERS])
            settle(block, against(block, near))
        done.append(block)
    for _ in range(sweeps):
        if budget is not None and budget.spent:
            break
        if not sum(settle(block, against(block, np.append(partners[block], block))) for block in done):
            break
    return order


def whole_signs(columns: Columns) -> NDArray[np.float64]:
    """Return the signs (N,) that make means of blocks agree, columns (n, N, L): one that is inverted goes against all.

    Right up to one sign for all.
    """
    return leading_signs(correlation(columns.mean(axis=2)))
