"""A key: its epochs, and the budget that every encrypted image is counted against."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Never, Self

from pixelveil.errors import BudgetError, IntegrityError, UsageError
from pixelveil.keys import store
from pixelveil.keys.epoch import DEFAULT_BUDGET, Epoch
from pixelveil.keys.keyfile import Wrapping

__all__ = ["LEASE", "Key"]

LEASE: Final = 256
"""Images that a key bound to a file sets aside at least, each time that it has to write the file."""


class Key:
    """A list of epochs, of which the last one is active.

    A key that was loaded from a file or saved to one is *bound* to it: the file counts the budget, for all processes
    that use it. So that an image does not cost a write to the disk, a process sets aside a *lease* of several images
    and spends it from memory. What is set aside counts as used; `close` gives back what was not spent, and a process
    that is killed wastes it. The budget is never overrun. A process goes on with its lease when another one rotates
    the key; its next lease is of the new epoch.

    Keys may be shared by threads and inherited through a fork (a lease belongs to one process); but only a key that is
    bound to a file counts for all processes together, one in memory counts in each of them apart. Keys cannot be
    pickled: load the file in each process.

    >>> key = Key.generate(budget=3)
    >>> key.reserve(2).fingerprint == key.fingerprint
    True
    >>> key.remaining
    1
    >>> key.reserve(2)
    Traceback (most recent call last):
    pixelveil.errors.BudgetError: epoch 1 may encrypt 1 more images, not 2 (open a new epoch: pixelveil rotate KEY_FILE)
    """

    def __init__(
        self, *, epochs: tuple[Epoch, ...], path: Path | None = None, wrapping: Wrapping | None = None
    ) -> None:
        self._epochs = epochs
        self._path = path
        self._wrapping = wrapping
        self._lease = 0
        self._lease_owner = os.getpid()
        self._mutexes: dict[int, threading.Lock] = {}

    @classmethod
    def generate(cls, *, budget: int = DEFAULT_BUDGET) -> Self:
        """Make a new key in memory, with one epoch whose root comes from the operating system.

        Args:
            budget: Images that the epoch may encrypt, 1 .. 2**53 - 1.

        Returns:
            A key that is not bound to a file; `save` binds it.

        Raises:
            UsageError: The budget is out of range.
        """
        return cls(epochs=(Epoch.create(number=1, budget=budget),))

    @classmethod
    def load(cls, path: Path | str, *, passphrase: str) -> Self:
        """Open a key file.

        Args:
            path: The file; symbolic links are followed now and not again.
            passphrase: What it was sealed under.

        Returns:
            A key bound to the file.

        Raises:
            KeyFileError: The file cannot be read, others may read it, it is damaged, or the passphrase is another.
            UsageError: The passphrase is empty.
        """
        resolved = Path(path).resolve()
        epochs, wrapping = store.open_epochs(resolved, passphrase=passphrase)
        return cls(epochs=epochs, path=resolved, wrapping=wrapping)

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """All epochs, oldest first, as this process last saw them."""
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
    def path(self) -> Path | None:
        """The file that the key is bound to, if any."""
        return self._path

    @property
    def remaining(self) -> int:
        """Images that this process may still encrypt under the active epoch, as it last saw the file."""
        return self.active.remaining + self._unspent

    def epoch(self, *, fingerprint: str) -> Epoch:
        """Return the epoch that made something.

        Args:
            fingerprint: What the thing says it was made with.

        Returns:
            The epoch, active or retired.

        Raises:
            IntegrityError: No epoch of this key has this fingerprint.
        """
        for epoch in self._epochs:
            if epoch.fingerprint == fingerprint:
                return epoch
        raise IntegrityError(
            f"made with key {fingerprint}, but this key is {self.fingerprint}",
            hint="use the key that encrypted it; load this one again if it was rotated since",
        )

    def reserve(self, count: int) -> Epoch:
        """Count images against the budget, before they are encrypted.

        Args:
            count: How many, 0 or more.

        Returns:
            The epoch to encrypt them with.

        Raises:
            BudgetError: The active epoch has fewer left; none is counted.
            KeyFileError: The key is bound to a file that cannot be read or written any more.
            UsageError: The count is negative.
        """
        if count < 0:
            raise UsageError(f"cannot reserve {count} images")
        with self._mutex:
            if count > self._unspent:
                self._set_aside(count)
            self._lease = self._unspent - count
            return self.active

    def rotate(self, *, budget: int | None = None) -> Epoch:
        """Retire the active epoch and open a new one with a new root.

        Args:
            budget: Images that the new epoch may encrypt; as many as the old one if left out.

        Returns:
            The new epoch.

        Raises:
            KeyFileError: The key is bound to a file that cannot be read or written any more.
            UsageError: The budget is out of range.
        """
        with self._mutex, self._current():
            old = self.active
            new = Epoch.create(number=old.number + 1, budget=old.budget if budget is None else budget)
            *others, counted = self._with_lease_given_back()
            self._write((*others, counted.replace(state="retired"), new))
            return new

    def save(self, path: Path | str, *, passphrase: str, overwrite: bool = False) -> None:
        """Write the key to a file and bind it to it; or give the file that it is bound to another passphrase.

        Args:
            path: The file; its folder must exist.
            passphrase: What to seal it under; not empty.
            overwrite: Replace a file that is there, needed to change a passphrase. What it held is lost.

        Raises:
            KeyFileError: The file cannot be written.
            UsageError: There is such a file, the key is bound to another one, or the passphrase is empty.
        """
        resolved = Path(path).resolve()
        if self._path not in (None, resolved):
            raise UsageError(
                f"{path}: the key is kept in {self._path}, and two files would count its budget twice",
                hint="for a backup, copy the file",
            )
        wrapping = Wrapping.fresh(passphrase)
        with self._mutex, store.locked(resolved):
            if resolved.exists():
                if not overwrite:
                    raise UsageError(f"{path}: exists already", hint="choose another name; a lost key is lost for ever")
                self._refresh()
            store.write_epochs(resolved, self._epochs, wrapping=wrapping)
            self._path, self._wrapping = resolved, wrapping

    def close(self) -> None:
        """Give the unspent part of the lease back to the file. The key stays usable.

        Raises:
            KeyFileError: The file cannot be read or written any more; the lease counts as used then.
        """
        with self._mutex:
            if self._unspent:
                with self._current():
                    self._write(self._with_lease_given_back())

    def __enter__(self) -> Self:
        """Return the key; the block's end closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the key."""
        self.close()

    def __repr__(self) -> str:
        """Show what is public and useful."""
        return f"Key(fingerprint={self.fingerprint!r}, epochs={len(self._epochs)})"

    def __reduce__(self) -> Never:
        """Refuse to be pickled: roots must not leave the process unsealed."""
        raise UsageError("a key cannot be pickled or copied", hint="load the key file in each process: Key.load(...)")

    @property
    def _mutex(self) -> threading.Lock:
        """The mutex of this process: one that a thread held during a fork would never be free in the child."""
        return self._mutexes.setdefault(os.getpid(), threading.Lock())

    @property
    def _unspent(self) -> int:
        """What is left of this process's lease: after a fork the lease is the parent's."""
        return self._lease if self._lease_owner == os.getpid() else 0

    def _set_aside(self, count: int) -> None:
        """Count so many more images that the lease covers ``count``; the caller holds the mutex."""
        with self._current():
            unspent = self._unspent
            needed, left = count - unspent, self.active.remaining
            if needed > left:
                raise BudgetError(
                    f"epoch {self.active.number} may encrypt {left + unspent} more images, not {count}",
                    hint=f"open a new epoch: pixelveil rotate {self._path or 'KEY_FILE'}",
                )
            added = needed if self._path is None else max(needed, min(LEASE, left))
            self._write(self._counted(added))
            # Only after the writing: whatever stops it, or this process, wastes images and cannot grant them twice.
            self._lease, self._lease_owner = unspent + added, os.getpid()

    def _with_lease_given_back(self) -> tuple[Epoch, ...]:
        """End the lease; return the epochs without it. The lease ends first, so that a failing write wastes it."""
        unspent, self._lease = self._unspent, 0
        return self._counted(-unspent)

    def _counted(self, change: int) -> tuple[Epoch, ...]:
        """Return the epochs with so many more images counted (never below zero, should the file be a backup)."""
        return (*self._epochs[:-1], self.active.replace(used=max(0, self.active.used + change)))

    @contextmanager
    def _current(self) -> Iterator[None]:
        """Hold the file, if there is one, with the epochs as it has them now; the caller holds the mutex."""
        if self._path is None:
            yield
        else:
            with store.locked(self._path):
                self._refresh()
                yield

    def _refresh(self) -> None:
        """Take over what other processes wrote; a lease of an epoch that is no longer active is void."""
        if self._path is None or self._wrapping is None:
            return
        known = {epoch.fingerprint: epoch for epoch in self._epochs}
        before = self.fingerprint
        self._epochs = tuple(
            known[new.fingerprint].replace(state=new.state, used=new.used) if new.fingerprint in known else new
            for new in store.read_epochs(self._path, wrapping=self._wrapping)
        )
        if self.fingerprint != before:
            self._lease = 0

    def _write(self, epochs: tuple[Epoch, ...]) -> None:
        """Persist the epochs, then show them."""
        if self._path is not None and self._wrapping is not None:
            store.write_epochs(self._path, epochs, wrapping=self._wrapping)
        self._epochs = epochs
