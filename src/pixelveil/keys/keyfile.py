"""The text of a key file, version 1: a public header, and the roots sealed under a passphrase.

Everything through the ``seal`` line is readable by anybody and authenticated as associated data; the body holds only
the roots. The format is in ``spec/keyfile-v1.md``. Every content has exactly one text, and the parser accepts no other.

Sources: C. Percival, S. Josefsson, "The scrypt Password-Based Key Derivation Function", RFC 7914, 2016; Y. Nir,
A. Langley, "ChaCha20 and Poly1305 for IETF Protocols", RFC 8439, 2018.
"""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Never, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pixelveil.errors import KeyFileError, UsageError
from pixelveil.keys.derive import SECRET_BYTES
from pixelveil.keys.epoch import Epoch, EpochRecord, State

__all__ = ["LOG2_N", "MAX_FILE_BYTES", "Header", "Wrapping", "parse", "seal", "unseal"]

LOG2_N = 17
"""Cost of new files: N = 2**17 takes 128 MiB and about 0.3 s for each guess of the passphrase."""

MAX_FILE_BYTES: Final = 1 << 20
"""Largest key file that is read or written: some 6000 epochs."""

_VERSION: Final = "pixelveil-key/v1"
_LOG2_N_RANGE: Final = range(10, 21)
_SCRYPT_R: Final = 8
_SCRYPT_P: Final = 1
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_LINE_LENGTH: Final = 64

_NUMBER: Final = "(0|[1-9][0-9]{0,15})"
_BASE64: Final = "([A-Za-z0-9+/]+={0,2})"
_SCRYPT_LINE: Final = re.compile(f"scrypt ([0-9]{{2}}) {_SCRYPT_R} {_SCRYPT_P} {_BASE64}")
_EPOCH_LINE: Final = re.compile(
    f"epoch {_NUMBER} (active|retired) ([0-9a-f]{{32}}) budget {_NUMBER} used {_NUMBER} created ([0-9-]{{10}})"
)
_SEAL_LINE: Final = re.compile(f"seal chacha20-poly1305 {_BASE64}")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The public part of a key file.

    Args:
        log2_n: Cost of the passphrase function, 10 .. 20.
        salt: 16 bytes of the passphrase function.
        epochs: Public records of all epochs, numbered from 1; the last one is active, the others are retired.
        nonce: 12 bytes of the seal, fresh for each writing.
    """

    log2_n: int
    salt: bytes
    epochs: tuple[EpochRecord, ...]
    nonce: bytes

    @property
    def active(self) -> EpochRecord:
        """The epoch that encrypts."""
        return self.epochs[-1]


class Wrapping:
    """The key that a passphrase gives, with the cost and salt it was made with. Kept so that scrypt runs only once.

    Args:
        passphrase: Any text that is not empty; its NFKC form in UTF-8 counts.
        salt: 16 bytes.
        log2_n: Cost, 10 .. 20: ``scrypt(passphrase, salt, N=2**log2_n, r=8, p=1)``.

    Raises:
        UsageError: The passphrase is empty or not valid text.
    """

    def __init__(self, passphrase: str, *, salt: bytes, log2_n: int) -> None:
        function = Scrypt(salt=salt, length=SECRET_BYTES, n=1 << log2_n, r=_SCRYPT_R, p=_SCRYPT_P)
        self.aead = ChaCha20Poly1305(function.derive(_passphrase_bytes(passphrase)))
        self.salt = salt
        self.log2_n = log2_n

    @classmethod
    def fresh(cls, passphrase: str) -> Wrapping:
        """Return the wrapping of a passphrase with a new salt, for a new file."""
        return cls(passphrase, salt=secrets.token_bytes(_SALT_BYTES), log2_n=LOG2_N)

    @classmethod
    def of(cls, header: Header, passphrase: str) -> Wrapping:
        """Return the wrapping of a passphrase with the salt and cost of an existing file."""
        return cls(passphrase, salt=header.salt, log2_n=header.log2_n)

    def fits(self, header: Header) -> bool:
        """Tell whether the file was written with this salt and cost."""
        return (self.salt, self.log2_n) == (header.salt, header.log2_n)

    def __reduce__(self) -> Never:
        """Refuse to be pickled: it opens the key file without the passphrase."""
        raise UsageError("an opened key file cannot be pickled or copied", hint="load it where you need it")


def seal(epochs: Sequence[Epoch], *, wrapping: Wrapping) -> bytes:
    """Write the text of a key file.

    A fresh random 96-bit nonce each time: after q writings under one salt, two nonces are equal with probability below
    ``q * q / 2**97``; saving with a new passphrase starts anew.

    Args:
        epochs: All epochs, numbered from 1; the last one is active, the others are retired.
        wrapping: What the passphrase gives.

    Returns:
        The whole file, ASCII.

    Raises:
        UsageError: The epochs are not in order, or too many for one file.
    """
    return _seal(epochs, wrapping=wrapping, nonce=secrets.token_bytes(_NONCE_BYTES))


def unseal(content: bytes, *, wrapping: Wrapping, name: str = "key file") -> tuple[Epoch, ...]:
    """Open the text of a key file.

    Args:
        content: The whole file.
        wrapping: What the passphrase gives with the salt and cost of this file.
        name: What messages call it.

    Returns:
        All epochs, oldest first, the last one active.

    Raises:
        KeyFileError: Not a key file, damaged, of an unknown version, altered, or another passphrase.
    """
    header, ciphertext = parse(content, name=name)
    if not wrapping.fits(header):
        raise KeyFileError(
            f"{name}: was replaced or got another passphrase since it was opened", hint="load the key again"
        )
    try:
        roots = wrapping.aead.decrypt(header.nonce, ciphertext, _header_text(header))
    except InvalidTag as error:
        raise KeyFileError(
            f"{name}: wrong passphrase, or the file was altered (the two look the same)",
            hint="try the passphrase again; if it is right, restore the file from a backup",
        ) from error
    parts = [roots[start : start + SECRET_BYTES] for start in range(0, len(roots), SECRET_BYTES)]
    try:
        return tuple(Epoch(record, root=root) for record, root in zip(header.epochs, parts, strict=True))
    except UsageError as error:
        raise KeyFileError(f"{name}: {error.message}", hint="restore the file from a backup") from error


def parse(content: bytes, *, name: str = "key file") -> tuple[Header, bytes]:
    """Read a key file as far as anybody can without the passphrase.

    Args:
        content: The whole file.
        name: What messages call it.

    Returns:
        The header, and the ciphertext of the roots with its tag.

    Raises:
        KeyFileError: Not a key file, damaged, or of an unknown version.
    """
    if not content.startswith(b"pixelveil-key/"):
        raise KeyFileError(f"{name}: is not a key file", hint="give the file that pixelveil keygen wrote")
    if len(content) > MAX_FILE_BYTES:
        raise KeyFileError(f"{name}: is larger than a key file can be", hint="restore the file from a backup")
    # Latin-1 maps every byte to one character, so a strange byte fails in its line like any other wrong character.
    lines = content.decode("latin-1").split("\n")
    if lines[0] != _VERSION and len(lines) > 1:
        if re.fullmatch("pixelveil-key/v[0-9]{1,9}", lines[0]):
            raise KeyFileError(f"{name}: unknown version {lines[0]}", hint="update pixelveil")
        raise _damaged(name, "line 1 is not in order")
    end = next((index for index, line in enumerate(lines) if line.startswith("seal ")), None)
    if end is None or lines[-1]:
        raise _truncated(name)
    try:
        header = _parse_header(lines[1:end], lines[end])
        ciphertext = base64.b64decode("".join(lines[end + 1 :]), validate=True)
    except ValueError as error:
        raise _damaged(name, str(error)) from error
    missing = SECRET_BYTES * len(header.epochs) + _TAG_BYTES - len(ciphertext)
    if missing > 0:
        raise _truncated(name)
    if missing < 0 or _text(header, ciphertext) != content:
        raise _damaged(name, "it is not written as this version writes it")
    return header, ciphertext


def _seal(epochs: Sequence[Epoch], *, wrapping: Wrapping, nonce: bytes) -> bytes:
    """Write the text of a key file with a given nonce: test vectors need one."""
    records = tuple(epochs)
    _check_order(records)
    header = Header(log2_n=wrapping.log2_n, salt=wrapping.salt, epochs=records, nonce=nonce)
    roots = b"".join(epoch._root for epoch in epochs)
    content = _text(header, wrapping.aead.encrypt(nonce, roots, _header_text(header)))
    if len(content) > MAX_FILE_BYTES:
        raise UsageError(f"{len(epochs)} epochs are too many for one key file", hint="start a new key")
    return content


def _parse_header(lines: Sequence[str], seal_line: str) -> Header:
    """Read the lines between the version and the body; a ValueError names the first that is not in order."""
    scrypt = _match(_SCRYPT_LINE, lines[0] if lines else "", 2)
    log2_n, salt = int(scrypt[0]), base64.b64decode(scrypt[1], validate=True)
    nonce = base64.b64decode(_match(_SEAL_LINE, seal_line, 2 + len(lines))[0], validate=True)
    if log2_n not in _LOG2_N_RANGE:
        raise ValueError(f"its scrypt cost {log2_n} is not between {_LOG2_N_RANGE[0]} and {_LOG2_N_RANGE[-1]}")
    if (len(salt), len(nonce)) != (_SALT_BYTES, _NONCE_BYTES):
        raise ValueError("its salt or nonce has a wrong length")
    records = tuple(_parse_epoch(line, number) for number, line in enumerate(lines[1:], start=3))
    _check_order(records)
    return Header(log2_n=log2_n, salt=salt, epochs=records, nonce=nonce)


def _parse_epoch(line: str, number: int) -> EpochRecord:
    """Read one epoch line."""
    epoch, state, fingerprint, budget, used, created = _match(_EPOCH_LINE, line, number)
    return EpochRecord(
        number=int(epoch),
        state=cast(State, state),
        fingerprint=fingerprint,
        budget=int(budget),
        used=int(used),
        created=created,
    )


def _match(pattern: re.Pattern[str], line: str, number: int) -> tuple[str, ...]:
    """Return the groups of a line that fits the pattern from end to end."""
    match = pattern.fullmatch(line)
    if match is None:
        raise ValueError(f"line {number} is not in order")
    return match.groups()


def _check_order(records: Sequence[EpochRecord]) -> None:
    """Refuse epochs that are not numbered from 1, differ in nothing, or of which not just the last one is active."""
    if [record.number for record in records] != list(range(1, len(records) + 1)):
        raise UsageError("its epochs are not numbered from 1")
    if [record.number for record in records if record.state == "active"] != [len(records)]:
        raise UsageError("not exactly its last epoch is active")
    if len({record.fingerprint for record in records}) != len(records):
        raise UsageError("two of its epochs have the same fingerprint")


def _header_text(header: Header) -> bytes:
    """Write the public header: the associated data of the seal."""
    lines = [_VERSION, f"scrypt {header.log2_n} {_SCRYPT_R} {_SCRYPT_P} {_encode(header.salt)}"]
    for record in header.epochs:
        lines.append(
            f"epoch {record.number} {record.state} {record.fingerprint}"
            f" budget {record.budget} used {record.used} created {record.created}"
        )
    lines.append(f"seal chacha20-poly1305 {_encode(header.nonce)}")
    return "".join(f"{line}\n" for line in lines).encode()


def _text(header: Header, ciphertext: bytes) -> bytes:
    """Write the whole file."""
    body = _encode(ciphertext)
    lines = [body[start : start + _LINE_LENGTH] for start in range(0, len(body), _LINE_LENGTH)]
    return _header_text(header) + "".join(f"{line}\n" for line in lines).encode()


def _encode(data: bytes) -> str:
    """Write bytes in base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode()


def _passphrase_bytes(passphrase: str) -> bytes:
    """Return the bytes that a passphrase stands for, however a keyboard composed its characters."""
    try:
        encoded = unicodedata.normalize("NFKC", passphrase).encode()
    except UnicodeEncodeError as error:
        raise UsageError("the passphrase is not valid text", hint="choose another passphrase") from error
    if not encoded:
        raise UsageError("the passphrase is empty", hint="a key file is always sealed; choose a passphrase")
    return encoded


def _truncated(name: str) -> KeyFileError:
    return KeyFileError(f"{name}: is truncated", hint="restore the file from a backup")


def _damaged(name: str, why: str) -> KeyFileError:
    return KeyFileError(f"{name}: is damaged: {why}", hint="restore the file from a backup")
