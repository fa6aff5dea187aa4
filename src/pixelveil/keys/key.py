"""A key: its epochs, and the budget that every encrypted image is counted against."""

from __future__ import annotations

import threading
from typing import Never

from pixelveil.errors import BudgetError, IntegrityError, UsageError
from pixelveil.keys.epoch import DEFAULT_BUDGET, Epoch

__all__ = ["Key"]


class Key:
    """A list of epochs, of which the last one is active.

    >>> key = Key.generate(budget=3)
    >>> key.reserve(2).fingerprint == key.fingerprint
    True
    >>> key.remaining
    1
    """

    def __init__(self, *, epochs: tuple[Epoch, ...]) -> None:
        self._epochs = epochs
        self._lock = threading.Lock()

    @classmethod
    def generate(cls, *, budget: int = DEFAULT_BUDGET) -> Key:
        """Make a new key, in memory, with one epoch whose root comes from the operating system."""
        return cls(epochs=(Epoch.create(number=1, budget=budget),))

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """All epochs, oldest first."""
        return self._epochs

    @property
    def active(self) -> Epoch:
        """The epoch that encrypts."""
        return self._epochs[-1]

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the active epoch."""
        return self.active.fingerprint

    @property
    def remaining(self) -> int:
        """Images that may still be encrypted under the active epoch."""
        return self.active.remaining

    def epoch(self, *, fingerprint: str) -> Epoch:
        """Return the epoch that made something."""
        for epoch in self._epochs:
            if epoch.fingerprint == fingerprint:
                return epoch
        raise IntegrityError(
            f"made with key {fingerprint}, but this key is {self.fingerprint}", hint="use the key that encrypted it"
        )

    def rotate(self, *, budget: int | None = None) -> Epoch:
        """Retire the active epoch and open a new one."""
        with self._lock:
            old = self.active
            new = Epoch.create(number=old.number + 1, budget=old.budget if budget is None else budget)
            self._epochs = (*self._epochs[:-1], old.replace(state="retired"), new)
            return new

    def reserve(self, count: int) -> Epoch:
        """Count images against the budget, before they are encrypted."""
        if count < 0:
            raise UsageError(f"cannot reserve {count} images")
        with self._lock:
            active = self.active
            if count > active.remaining:
                raise BudgetError(
                    f"epoch {active.number} may encrypt {active.remaining} more images, not {count}",
                    hint="open a new epoch: pixelveil rotate",
                )
            self._epochs = (*self._epochs[:-1], active.replace(used=active.used + count))
            return self.active

    def __repr__(self) -> str:
        """Show what is public and useful."""
        return f"Key(fingerprint={self.fingerprint!r}, epochs={len(self._epochs)})"

    def __reduce__(self) -> Never:
        """Refuse to be pickled."""
        raise UsageError("a key cannot be pickled or copied", hint="load the key file where you need it")
