"""`Encrypted`: what encryption returns, with what decryption needs beside the key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encrypted"]


@dataclass(frozen=True, eq=False)
class Encrypted:
    """Encrypted images and the public facts that go with them; nothing here is secret.

    Args:
        images: Of the same kind as the plain ones.
        nonces: uint8 (N, 16), one public nonce per image where each has its own plan; None with a shared plan, or
            where the keys were thrown away.
        scheme: Name of the scheme.
        digest: SHA-256 of the scheme's name and parameters, hex.
        key_policy: "shared", "derived" or "ephemeral".
        fingerprint: Fingerprint of the epoch that encrypted; empty where keys were thrown away.
        epoch: Number of that epoch; 0 where keys were thrown away.
        shape: (H, W, C) of the plain images; the encrypted ones may be padded.
        plain_dtype: "uint8", or "float" for plain images in [0, 1].
        client: Name of the client whose key it is, or empty.
    """

    images: Any
    nonces: NDArray[np.uint8] | None = field(repr=False)
    scheme: str
    digest: str = field(repr=False)
    key_policy: str
    fingerprint: str
    epoch: int
    shape: tuple[int, int, int]
    plain_dtype: str = "uint8"
    client: str = ""
