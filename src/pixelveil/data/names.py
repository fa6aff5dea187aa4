"""Names that tell nothing: keyed pseudonyms for files, codes for classes, and the sealed way back.

File names of photographs and studies carry names, dates and numbers of patients. What leaves the house is an HMAC of
the path instead; only who holds the key can go back. The sub-keys are those of the epoch that encrypts.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from pixelveil.errors import IntegrityError
from pixelveil.keys import Epoch

__all__ = ["NAMES_FORMAT", "class_code", "open_names", "pseudonym", "pseudonym_key", "public_group", "seal_names"]

NAMES_FORMAT = "pixelveil-names/v1"

_SPLITS = frozenset(
    ("dev", "eval", "holdout", "test", "testing", "train", "training", "unlabeled", "val", "valid", "validation")
)


def pseudonym_key(epoch: Epoch, *, salt: bytes) -> bytes:
    """Return the key of one job's pseudonyms, ``HMAC-SHA256(subkey("data-names"), salt)``.

    With a salt per job, two data sets of one owner cannot be joined by their names.

    Args:
        epoch: The epoch that encrypts.
        salt: 16 bytes, public.

    Returns:
        32 secret bytes.
    """
    return hmac.digest(epoch.subkey(purpose="data-names"), salt, "sha256")


def pseudonym(path: str, *, key: bytes) -> str:
    """Return the name that stands for a relative path: 26 characters, 130 bits of ``HMAC-SHA256(key, path)``.

    Args:
        path: Relative to the source folder, with forward slashes.
        key: From ``pseudonym_key``.

    >>> pseudonym("cat/7.jpg", key=bytes(32))
    's4h3u6hl45unn2sqktln5uldag'
    """
    return _base32(hmac.digest(key, _bytes(path), "sha256"))[:26]


def class_code(name: str, *, epoch: Epoch) -> str:
    """Return the code of a class, 13 characters; the same in all data sets of one epoch, so that they fit together.

    Args:
        name: The class.
        epoch: The epoch that encrypts.
    """
    return _base32(hmac.digest(epoch.subkey(purpose="data-classes"), _bytes(name), "sha256"))[:13]


def public_group(group: str, *, epoch: Epoch) -> str:
    """Return a group with every folder name replaced by its code, except words like "train" and "test".

    Folders above the classes are often named after sites or patients; a split must stay readable.

    Args:
        group: Folders joined by slashes, or empty.
        epoch: The epoch that encrypts.
    """
    parts = group.split("/") if group else ()
    return "/".join(part if part.lower() in _SPLITS else class_code(part, epoch=epoch) for part in parts)


def seal_names(names: Mapping[str, Any], *, epoch: Epoch, salt: bytes) -> bytes:
    """Seal the way back with ChaCha20-Poly1305, so that only the holder of the key reads it.

    The nonce is an HMAC of salt and content: the same names of the same job give the same file, other names another
    nonce (the construction of a synthetic initialization vector; P. Rogaway, T. Shrimpton, "A Provable-Security
    Treatment of the Key-Wrap Problem", EUROCRYPT 2006).

    Args:
        names: Whatever JSON can hold.
        epoch: The epoch that encrypts.
        salt: 16 bytes, public; bound to the content.

    Returns:
        One line of JSON.
    """
    content = json.dumps(names, separators=(",", ":")).encode()
    nonce = hmac.digest(epoch.subkey(purpose="data-names-nonce"), salt + content, "sha256")[:12]
    sealed = ChaCha20Poly1305(epoch.subkey(purpose="data-names-seal")).encrypt(nonce, content, _bound(salt))
    line = {"format": NAMES_FORMAT, "nonce": nonce.hex(), "sealed": base64.b64encode(sealed).decode()}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def open_names(content: bytes, *, epoch: Epoch, salt: bytes) -> dict[str, Any]:
    """Open what ``seal_names`` sealed.

    Args:
        content: The whole file.
        epoch: The epoch that encrypted.
        salt: The salt of the job.

    Raises:
        IntegrityError: The content was altered, belongs to another job, or was sealed with another key.

    >>> from pixelveil.keys import Key
    >>> epoch = Key.generate().active
    >>> open_names(seal_names({"a": "cat/7.jpg"}, epoch=epoch, salt=bytes(16)), epoch=epoch, salt=bytes(16))
    {'a': 'cat/7.jpg'}
    """
    try:
        line = json.loads(content)
        if set(line) != {"format", "nonce", "sealed"} or line["format"] != NAMES_FORMAT:
            raise ValueError
        nonce, sealed = bytes.fromhex(line["nonce"]), base64.b64decode(line["sealed"], validate=True)
        opened = ChaCha20Poly1305(epoch.subkey(purpose="data-names-seal")).decrypt(nonce, sealed, _bound(salt))
    except (ValueError, TypeError, binascii.Error, InvalidTag) as error:
        raise IntegrityError("names.sealed: was altered, or belongs to another data set") from error
    names: dict[str, Any] = json.loads(opened)
    return names


def _bound(salt: bytes) -> bytes:
    return NAMES_FORMAT.encode() + salt


def _bytes(name: str) -> bytes:
    """Return the bytes of a name; file names that are not UTF-8 keep their raw bytes."""
    return name.encode("utf-8", "surrogateescape")


def _base32(digest: bytes) -> str:
    return base64.b32encode(digest).decode().lower().rstrip("=")
