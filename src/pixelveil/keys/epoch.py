"""An epoch: one root secret, the images it has encrypted, and how many it may encrypt at all."""

from __future__ import annotations

import datetime
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final, Literal, Never

from pixelveil.errors import UsageError
from pixelveil.keys.derive import SECRET_BYTES, derive

__all__ = ["DEFAULT_BUDGET", "MAX_BUDGET", "Epoch", "EpochRecord", "State", "fingerprint_of"]

State = Literal["active", "retired"]

DEFAULT_BUDGET: Final = 10_000
"""Images that an epoch may encrypt unless its owner says otherwise."""

MAX_BUDGET: Final = 2**53 - 1
"""Largest budget: the largest number that every language, JavaScript included, counts exactly."""

_FINGERPRINT = "fingerprint"


def fingerprint_of(root: bytes) -> str:
    """Return the public name of a root: the first 16 bytes of its sub-key "fingerprint", in hexadecimal.

    >>> fingerprint_of(bytes(32))
    'a748ff992a9fb6168fe9912acd14192c'
    """
    return derive(root, purpose=_FINGERPRINT)[:16].hex()


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """What everybody may know of an epoch.

    Args:
        number: 1 for the first epoch of a key, then counting up.
        state: "active" encrypts and decrypts, "retired" only decrypts.
        fingerprint: 32 lowercase hexadecimal digits; names the root without telling it.
        budget: Images that the epoch may encrypt, 1 .. 2**53 - 1.
        used: Images that were encrypted or set aside for it, 0 .. budget.
        created: Day of creation (UTC), as YYYY-MM-DD.

    Raises:
        UsageError: A value is outside its range.
    """

    number: int
    state: State
    fingerprint: str
    budget: int
    used: int
    created: str

    def __post_init__(self) -> None:
        """Refuse values that a key file could not hold."""
        if not 1 <= self.number <= MAX_BUDGET:
            raise UsageError(f"epoch number {self.number} is not positive")
        if self.state not in ("active", "retired"):
            raise UsageError(f"epoch state {self.state!r} is neither 'active' nor 'retired'")
        if not re.fullmatch("[0-9a-f]{32}", self.fingerprint):
            raise UsageError(f"fingerprint {self.fingerprint!r} is not 32 lowercase hexadecimal digits")
        if not 1 <= self.budget <= MAX_BUDGET:
            raise UsageError(f"budget {self.budget} is not between 1 and 2**53 - 1")
        if not 0 <= self.used <= self.budget:
            raise UsageError(f"used {self.used} is not between 0 and the budget {self.budget}")
        if not _is_iso_day(self.created):
            raise UsageError(f"creation day {self.created!r} is not a date like 2026-11-20")


class Epoch(EpochRecord):
    """An epoch with its root secret: what derives sub-keys. It never changes; `Key` replaces it when it counts.

    Args:
        record: The public part.
        root: 32 secret bytes whose fingerprint is the record's.
        plan_cache: Memory that successive states of one epoch share, for plans that schemes want to keep.

    Raises:
        UsageError: The root does not belong to the record's fingerprint.

    >>> epoch = Epoch.create(number=1, budget=100)
    >>> len(epoch.subkey(purpose="shared-plan", scheme="a1b2", role="shuffle"))
    32
    """

    plan_cache: dict[Any, Any]
    _root: bytes

    def __init__(self, record: EpochRecord, *, root: bytes, plan_cache: dict[Any, Any] | None = None) -> None:
        super().__init__(
            number=record.number,
            state=record.state,
            fingerprint=record.fingerprint,
            budget=record.budget,
            used=record.used,
            created=record.created,
        )
        if fingerprint_of(root) != record.fingerprint:
            raise UsageError(f"the root is not the one that fingerprint {record.fingerprint} names")
        self._root = root
        self.plan_cache = {} if plan_cache is None else plan_cache

    @classmethod
    def create(cls, *, number: int, budget: int = DEFAULT_BUDGET) -> Epoch:
        """Draw a new root from the operating system and open an active epoch with it.

        Args:
            number: Its number within the key.
            budget: Images that it may encrypt.

        Returns:
            A new epoch with nothing used.
        """
        root = secrets.token_bytes(SECRET_BYTES)
        record = EpochRecord(
            number=number,
            state="active",
            fingerprint=fingerprint_of(root),
            budget=budget,
            used=0,
            created=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        )
        return cls(record, root=root)

    @property
    def remaining(self) -> int:
        """Images that the epoch may still encrypt."""
        return self.budget - self.used

    def subkey(self, *, purpose: str, scheme: str = "", client: str = "", role: str = "") -> bytes:
        """Derive the sub-key with these labels from the root (see `derive`).

        Args:
            purpose: What it is for; any but "fingerprint", whose value is public.
            scheme: Digest of the scheme and its parameters, or empty.
            client: Name of the client, or empty.
            role: Which stream of a plan, or empty.

        Returns:
            32 secret bytes.

        Raises:
            UsageError: A label is not printable ASCII, or the purpose is empty or "fingerprint".
        """
        if purpose == _FINGERPRINT:
            raise UsageError("the sub-key 'fingerprint' is public", hint="choose another purpose")
        return derive(self._root, purpose=purpose, scheme=scheme, client=client, role=role)

    def replace(self, *, state: State | None = None, used: int | None = None) -> Epoch:
        """Return the epoch with another state or count; root and plan cache are shared.

        Args:
            state: The new state; the old one if left out.
            used: The new count; the old one if left out.

        Returns:
            A new epoch.
        """
        record = EpochRecord(
            number=self.number,
            state=self.state if state is None else state,
            fingerprint=self.fingerprint,
            budget=self.budget,
            used=self.used if used is None else used,
            created=self.created,
        )
        return Epoch(record, root=self._root, plan_cache=self.plan_cache)

    def __repr__(self) -> str:
        """Show what is public and useful."""
        return f"Epoch(number={self.number}, state={self.state!r}, fingerprint={self.fingerprint!r})"

    def __reduce__(self) -> Never:
        """Refuse to be pickled: a root must not leave the process unsealed."""
        raise UsageError("an epoch cannot be pickled or copied", hint="load the key file where you need it")


def _is_iso_day(text: str) -> bool:
    """Tell whether the text is a real day written as YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
