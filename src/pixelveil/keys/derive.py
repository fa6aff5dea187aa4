"""Sub-keys: one secret, many keys, each with a written label.

Source: H. Krawczyk, P. Eronen, "HMAC-based Extract-and-Expand Key Derivation Function (HKDF)", RFC 5869, 2010.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pixelveil.errors import UsageError

__all__ = ["SECRET_BYTES", "derive", "label"]

SECRET_BYTES = 32
"""Length of every secret and every sub-key."""

VERSION = "pixelveil/v1"


def label(*, purpose: str, scheme: str = "", client: str = "", role: str = "") -> bytes:
    r"""Return the HKDF info string that names a sub-key.

    Five lines, each ended by a newline, always all of them and in this order; a value cannot contain a newline.
    Different arguments therefore never give the same bytes.

    Args:
        purpose: What the sub-key is for; not empty.
        scheme: Digest of the scheme and its parameters, or empty.
        client: Name of the client, or empty.
        role: Which stream of a plan, or empty.

    Returns:
        ASCII bytes.

    Raises:
        UsageError: A value has characters other than printable ASCII, or the purpose is empty.

    >>> label(purpose="shared-plan", role="shuffle")
    b'pixelveil/v1\npurpose=shared-plan\nscheme=\nclient=\nrole=shuffle\n'
    """
    if not purpose:
        raise UsageError("a sub-key needs a purpose", hint="never use one key for two purposes")
    values = {"purpose": purpose, "scheme": scheme, "client": client, "role": role}
    for name, value in values.items():
        if not (value.isascii() and value.isprintable()):
            raise UsageError(f"{name} {value!r} is not printable ASCII", hint="use letters, digits and punctuation")
    return "".join(f"{line}\n" for line in (VERSION, *(f"{name}={value}" for name, value in values.items()))).encode()


def derive(secret: bytes, *, purpose: str, scheme: str = "", client: str = "", role: str = "") -> bytes:
    """Derive a sub-key: HKDF-SHA256 with empty salt and ``info = label(...)``.

    Args:
        secret: 32 uniformly random bytes.
        purpose: What the sub-key is for; not empty. All four labels are printable ASCII.
        scheme: Digest of the scheme and its parameters, or empty.
        client: Name of the client, or empty.
        role: Which stream of a plan, or empty.

    Returns:
        32 bytes; sub-keys with different labels are independent for everybody who lacks the secret.

    Raises:
        UsageError: The secret has another length, or a label is not printable ASCII.

    >>> len(derive(bytes(32), purpose="shared-plan", scheme="a1b2"))
    32
    """
    if len(secret) != SECRET_BYTES:
        raise UsageError(f"a secret has {SECRET_BYTES} bytes, not {len(secret)}")
    info = label(purpose=purpose, scheme=scheme, client=client, role=role)
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(secret)
