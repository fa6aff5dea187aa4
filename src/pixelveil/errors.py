"""One small error tree, split by what the reader should do next.

Every error carries one line for the reader and, where there is one, a hint that names the remedy. The command line
prints both and ends with the class's exit code; no traceback reaches a user unless ``--debug`` is given.
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "ImageError",
    "IntegrityError",
    "KeyFileError",
    "MissingExtraError",
    "OutOfTimeError",
    "PixelveilError",
    "PixelveilWarning",
    "RequirementError",
    "UnsupportedModelError",
    "UsageError",
    "VerificationError",
]


class PixelveilError(Exception):
    """Base of all errors that pixelveil raises on purpose.

    Args:
        message: One line that says what is wrong, naming the file or value.
        hint: One line that says what to do about it.

    >>> str(UsageError("unknown scheme 'rot13'", hint="run: pixelveil schemes"))
    "unknown scheme 'rot13' (run: pixelveil schemes)"
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message with its hint."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(PixelveilError, ValueError):
    """The call is wrong: an unknown name, a bad parameter, a shape that does not fit. Correct the call."""

    exit_code = 2


class MissingExtraError(PixelveilError, ImportError):
    """An optional part is not installed. Install the extra that the hint names."""

    exit_code = 2

    def __init__(self, feature: str, *, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part", hint=f"pip install 'pixelveil[{extra}]'")
        self.feature = feature
        self.extra = extra


class UnsupportedModelError(PixelveilError):
    """This model cannot be encrypted exactly, and the message says why. Choose another model or scheme."""

    exit_code = 2


class ImageError(PixelveilError):
    """One image cannot be read or does not fit. Mend or remove the file; a folder job lists it and goes on."""

    exit_code = 3


class KeyFileError(PixelveilError):
    """A key file cannot be opened: wrong passphrase, altered, truncated, readable by others, unknown version."""

    exit_code = 4


class BudgetError(PixelveilError):
    """The key's active epoch may encrypt no more images. Rotate the key."""

    exit_code = 4


class IntegrityError(PixelveilError):
    """Data is not what its manifest or key says: altered, incomplete, or made with another key. Do not use it."""

    exit_code = 4


class VerificationError(PixelveilError):
    """An encrypted model does not answer as the plain one does. Do not deploy it.

    Args:
        message: One line that says what differed.
        difference: Largest absolute difference of logits that was seen.
        hint: One line that says what to do about it.
    """

    exit_code = 4

    def __init__(self, message: str, *, difference: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.difference = difference


class OutOfTimeError(PixelveilError):
    """Something did not end in the time that it was given. Give it more."""

    exit_code = 2


class RequirementError(PixelveilError):
    """An audit does not show what was required of a scheme. Do not deploy it."""

    exit_code = 5


class PixelveilWarning(UserWarning):
    """Something works but protects less than a reader might think."""
