"""The referee: makes keys, encrypts, shuffles, asks and counts. No player ever sees what is decided here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Budget, Images
from pixelveil.attacks.controls import aes_noise
from pixelveil.attacks.games.game import Deck
from pixelveil.attacks.intervals import Interval, of_mean, of_share
from pixelveil.errors import UsageError
from pixelveil.keys import Key
from pixelveil.schemes import Scheme

__all__ = [
    "Encrypt",
    "Linked",
    "affordable",
    "link_scores",
    "match",
    "member_scores",
    "new_key",
    "public_part",
    "tell_apart",
]

Encrypt = Callable[[Images], Images]
Scores = NDArray[np.float64]

_UNCOUNTED = 1 << 40
_FEWEST = 64
# Of a game's time, what may go into encryption; the rest is for readings.
_OF_BUDGET = 0.2
_KEYLESS = ("ephemeral", "none")


def new_key(scheme: Scheme, *, noise: bool = False) -> Encrypt:
    """Return what encrypts under a key made now, in memory, that only this function holds.

    Args:
        scheme: Its key policy says whether all images share a plan or each has its own.
        noise: Whether AES-CTR noise is encrypted in place of what is asked.
    """
    key = None if scheme.key_policy in _KEYLESS else Key.generate(budget=_UNCOUNTED)

    def encrypt(images: Images) -> Images:
        plain = aes_noise(len(images), images.shape[1:]) if noise else images
        return np.asarray(scheme.encrypt(plain, key=key).images)

    return encrypt


def public_part(scheme: Scheme) -> Scheme:
    """Return what a player knows of a scheme: name and parameters, no asset."""
    return replace(scheme, asset="") if scheme.asset else scheme


def affordable(encrypt: Encrypt, images: Images, *, times: int, budget: Budget) -> int:
    """Return how many images can be encrypted in a part of the time, by the time that some take; 64 always can.

    Args:
        encrypt: What is timed.
        images: uint8 (n, H, W, C); no more than these are.
        times: How often each is encrypted.
        budget: Of the game.
    """
    few = images[:_FEWEST]
    encrypt(few)  # the first call compiles
    started = time.monotonic()
    encrypt(few)
    each = (time.monotonic() - started) / len(few) * times
    return max(len(few), min(len(images), int(_OF_BUDGET * budget.left / max(each, 1e-9))))


def match(scheme: Scheme, deck: Deck, *, player: Callable[[Images, Images], NDArray[np.intp]]) -> int:
    """Ask which encrypted image is which plain one; return how many answers are right.

    Args:
        scheme: The scheme.
        deck: Its images are the plain set; all of them are encrypted, in another order.
        player: Given the plain images and the encrypted ones, says for each encrypted one the place of its plain one.
    """
    order = deck.referee.permutation(len(deck.images))
    encrypted = new_key(scheme, noise=deck.noise)(deck.images[order])
    answers = player(deck.images, encrypted)
    if answers.shape != order.shape:
        raise UsageError(f"{len(order)} answers are expected, not {answers.shape}")
    return int(np.sum(answers == order))


@dataclass(frozen=True, kw_only=True)
class Linked:
    """What scores of pairs are worth.

    Args:
        auc: How often a true pair scores above a false one.
        tpr: Share of true pairs above all but a share ``fpr`` of false ones.
        fpr: That share.
        hits: True pairs that score above all false pairs of their first member.
        threshold_hits: True pairs above the threshold.
    """

    auc: Interval
    tpr: Interval
    fpr: float
    hits: int
    threshold_hits: int


def link_scores(truth: NDArray[np.intp], scores: Scores, *, fpr: float = 1e-3) -> Linked:
    """Judge scores of all pairs of two sets.

    Args:
        truth: For each column the row that it belongs to, (n,).
        scores: (n, n), larger is more alike.
        fpr: At which true pairs are counted.

    The interval of the area is a bootstrap over true pairs of the share of false pairs below each (DeLong's
    placements); equal scores count half. Source: DeLong et al., Biometrics 44 (1988).
    """
    count = len(truth)
    if scores.shape != (count, count):
        raise UsageError(f"scores must be {(count, count)}, not {scores.shape}")
    columns = np.arange(count)
    true = scores[truth, columns]
    apart = np.ones(scores.shape, bool)
    apart[truth, columns] = False
    false = np.sort(scores[apart])
    auc, tpr, above = _roc(true, false, fpr=fpr)
    best_false = np.where(apart, scores, -np.inf).max(axis=0)
    return Linked(auc=auc, tpr=tpr, fpr=fpr, hits=int(np.sum(true > best_false)), threshold_hits=above)


def member_scores(member: NDArray[np.bool_], scores: Scores, *, fpr: float) -> tuple[Interval, Interval]:
    """Return area under the curve and true positive rate of scores that shall tell members from others.

    Args:
        member: The truth, (n,).
        scores: (n,), larger is more like a member.
        fpr: At which members are counted.
    """
    auc, tpr, _ = _roc(scores[member], np.sort(scores[~member]), fpr=fpr)
    return auc, tpr


def tell_apart(
    pair: tuple[Images, Images],
    *,
    encrypt: Encrypt,
    trials: int,
    generator: np.random.Generator,
    player: Callable[[Images], NDArray[np.intp]],
    noise: bool = False,
) -> int:
    """Encrypt one of two images many times, by a coin; return how often the player says which.

    Args:
        pair: Two images (H, W, C), chosen by the player.
        encrypt: The referee's, which the player may use as well.
        trials: Coins.
        generator: Of the coins.
        player: Given ciphertexts (trials, H', W', C'), says 0 or 1 for each.
        noise: Negative control: noise is encrypted whatever the coin says.
    """
    coins = generator.integers(2, size=trials)
    plain = np.stack(pair)[coins]
    if noise:
        plain = aes_noise(trials, plain.shape[1:])
    return int(np.sum(player(encrypt(plain)) == coins))


def _roc(true: Scores, false: Scores, *, fpr: float) -> tuple[Interval, Interval, int]:
    """Return area, true positive rate and its count; ``false`` is sorted."""
    below = np.searchsorted(false, true, side="left")
    upto = np.searchsorted(false, true, side="right")
    placements = (below + upto) / (2 * len(false))
    allowed = int(np.floor(fpr * len(false)))
    threshold = false[len(false) - 1 - allowed]
    above = int(np.sum(true > threshold))
    return of_mean(placements), of_share(above, len(true)), above
