"""Controls: without both of them an attack proves nothing.

Negative: the victims' plain images are replaced by AES-CTR noise, which is encrypted in the same way under the same
key, so that the attack sees what the scheme makes of noise (filters, projections and all) and nothing of the victims.
Positive: a scheme that the attack is known to break, on the same images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pixelveil.attacks.attack import Evidence, Images
from pixelveil.keys import KeyMaterial

__all__ = ["aes_noise", "negative_control"]


def aes_noise(count: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return images of AES-256-CTR key stream, under a key that is thrown away.

    Args:
        count: How many.
        shape: (H, W, C).

    >>> aes_noise(2, (4, 4, 3)).shape
    (2, 4, 4, 3)
    """
    stream = KeyMaterial.ephemeral(count).stream("noise")
    return stream.bytes(int(np.prod(shape))).reshape(count, *shape)


def negative_control(evidence: Evidence, *, encrypt: Callable[[Images], Images]) -> Evidence:
    """Return the same evidence with ciphertexts of noise.

    Args:
        evidence: What the attacker holds in the real case; public images, pairs and the oracle stay.
        encrypt: Encrypts plain images under the victims' key, as the scheme does.
    """
    noise = aes_noise(len(evidence.ciphertexts), evidence.shape)
    return replace(evidence, ciphertexts=encrypt(noise))
