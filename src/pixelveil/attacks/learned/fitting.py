"""The loop that trains all learned attacks: until its time is nearly spent, and then the best weights that it had."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["Fit", "Player", "Schedule", "fit", "held_out", "reproducible"]

# Of the attacker's own images, so many are kept to judge by: every fifth, and no more than fill one batch.
_EVERY = 5
_MOST_HELD = 64


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast to learn.

    Args:
        steps: At most.
        share: Of the time that is left, for training; the rest is for reading.
        judge_every: Steps between two looks at held-out images.
        warm: Steps over which the rate rises from 0.
        last: Rate at the end, relative to the highest; it falls along a half cosine.
    """

    steps: int = 20_000
    share: float = 0.85
    judge_every: int = 50
    warm: int = 10
    last: float = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Player:
    """A network with what it is to make small. An inverse network plays alone; a GAN has two players.

    Args:
        model: What is trained, in place.
        loss: Draws a batch with the given generator and returns its mean loss, a scalar with gradients.
        rate: Highest learning rate of Adam.
        betas: Of Adam.
        clip: Largest norm of all gradients together; 0: not clipped.
    """

    model: nn.Module
    loss: Callable[[torch.Generator], Tensor] = field(repr=False)
    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What became of it.

    Args:
        steps: That were made.
        first: What the judge said before the first step; nan without one.
        best: The smallest that it said; the weights are those of then.
        seconds: That it took.
    """

    steps: int
    first: float
    best: float
    seconds: float


@contextmanager
def reproducible(seed: int) -> Iterator[torch.Generator]:
    """Make networks in here: initial weights come from the seed, gradients are on, and all is as before afterwards.

    Args:
        seed: Of the attack's own randomness.

    Yields:
        A generator of its own for what is drawn explicitly.

    >>> import torch
    >>> before = torch.get_rng_state()
    >>> with reproducible(3): first = torch.rand(1).item()
    >>> with reproducible(3): first == torch.rand(1).item()
    True
    >>> torch.equal(before, torch.get_rng_state())
    True
    """
    import torch

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), torch.inference_mode(mode=False), torch.enable_grad():
        torch.manual_seed(seed)
        try:
            yield torch.Generator().manual_seed(seed)
        finally:
            torch.set_num_threads(threads)


def held_out(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of images to train on and of those to judge by; the same ones where there is one image only.

    Neighbors in a list are often of one source, so that whole ends are kept, not every fifth image.

    Args:
        count: Images, at least 1.

    >>> [places.tolist() for places in held_out(10)]
    [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9]]
    """
    places = np.arange(count)
    kept = min(count // _EVERY, _MOST_HELD) or min(1, count - 1)
    return (places[: count - kept], places[count - kept :]) if kept else (places, places)


def fit(
    players: Sequence[Player],
    *,
    schedule: Schedule,
    seed: int,
    budget: Budget,
    judge: Callable[[], float] | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Fit:
    """Train networks in turns by Adam, until time or steps are spent, and leave them in evaluation mode.

    The rate follows ``last + (1 - last) * (1 + cos(pi p)) / 2`` where p is the part of the steps or of the time that is
    spent, whichever is more. Where the steps are the limit, the same seed gives the same weights.

    Args:
        players: Each makes one step in turn, in this order.
        schedule: How long and how fast.
        seed: Of the batches; global generators are left as they are.
        budget: Whose time it takes a share of; it overruns by one step at most.
        judge: Loss on held-out images, without gradients and in evaluation mode; the weights (of all players) with the
            smallest are kept, those before the first step among them. None: the last weights are.
        advance: Called with steps done and all; where time is the limit, with as many of them as time has passed.
    """
    import torch

    started, allowed = time.monotonic(), max(budget.left, 0.0) * schedule.share
    models = [player.model for player in players]
    with reproducible(seed) as generator:
        adams = [torch.optim.Adam(one.model.parameters(), lr=one.rate, betas=one.betas) for one in players]
        first = best = _judged(judge, models)
        kept = _weights(models)
        step, progress = 0, 0.0
        while step < schedule.steps and time.monotonic() - started < allowed:
            factor = _rate(progress, schedule=schedule) * min(1.0, (step + 1) / max(schedule.warm, 1))
            if not all(_step(one, adam, factor, generator) for one, adam in zip(players, adams, strict=True)):
                break
            step += 1
            progress = max(step / schedule.steps, (time.monotonic() - started) / allowed)
            if advance:
                advance(min(round(progress * schedule.steps), schedule.steps), schedule.steps)
            if judge and (step % schedule.judge_every == 0 or progress >= 1):
                loss = _judged(judge, models)
                if loss < best:
                    best, kept = loss, _weights(models)
        if judge:
            for model, weights in zip(models, kept, strict=True):
                model.load_state_dict(weights)
    for model in models:
        model.eval()
    return Fit(steps=step, first=first, best=best, seconds=time.monotonic() - started)


def _rate(progress: float, *, schedule: Schedule) -> float:
    return schedule.last + (1 - schedule.last) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def _step(player: Player, adam: torch.optim.Optimizer, factor: float, generator: torch.Generator) -> bool:
    """Make one step; return whether the loss was a number, without which no further step makes sense."""
    import torch

    player.model.train()
    for group in adam.param_groups:
        group["lr"] = player.rate * factor
    loss = player.loss(generator)
    if not math.isfinite(loss.item()):
        return False
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if player.clip:
        torch.nn.utils.clip_grad_norm_(player.model.parameters(), player.clip)
    adam.step()
    return True


def _judged(judge: Callable[[], float] | None, models: Sequence[nn.Module]) -> float:
    import torch

    if judge is None:
        return math.nan
    for model in models:
        model.eval()
    with torch.no_grad():
        loss = judge()
    return loss if math.isfinite(loss) else math.inf


def _weights(models: Sequence[nn.Module]) -> list[dict[str, Tensor]]:
    return [{name: value.detach().clone() for name, value in model.state_dict().items()} for model in models]
