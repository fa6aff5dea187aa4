"""What photographs look like to those with the key, without it, and with another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.demo.pictures import leading_bit_fold
from pixelveil.demo.report import Gallery, PictureRow
from pixelveil.demo.samples import Photograph
from pixelveil.keys import Key
from pixelveil.schemes import Encrypted, Scheme, create_scheme

__all__ = ["decrypt_with", "fold_gallery", "scheme_gallery"]


def decrypt_with(scheme: Scheme, encrypted: Encrypted, *, key: Key) -> NDArray[Any]:
    """Return what somebody gets who applies any key, right or wrong, without looking at fingerprints.

    Args:
        scheme: The scheme that encrypted.
        encrypted: NumPy images and their public facts.
        key: Whose plan is inverted.

    Returns:
        Grey levels of the plan's own number format, neither rounded nor clipped.
    """
    shape = scheme.encrypted_shape(encrypted.shape)
    return scheme.plan(key=key, shape=shape, nonces=encrypted.nonces).invert().apply(encrypted.images)


def scheme_gallery(scheme: Scheme, *, photographs: Sequence[Photograph]) -> Gallery:
    """Return plain, encrypted, rightly and wrongly decrypted views of photographs, under a key made for this.

    Args:
        scheme: A scheme that can be undone.
        photographs: All of one size.
    """
    images = np.stack([photograph.pixels for photograph in photographs])
    right, wrong = Key.generate(), Key.generate()
    encrypted = scheme.encrypt(images, key=right)
    decrypted = scheme.decrypt(encrypted, key=right)
    garbled = decrypt_with(scheme, encrypted, key=wrong)
    rescaled = encrypted.images.dtype != np.uint8
    suffix = " (rescaled)" if rescaled else ""
    note = f"Blocks of {scheme.block} x {scheme.block} pixels, one key for all images."
    if rescaled:
        note += (
            f" Encrypted values are floats from {encrypted.images.min():.0f} to {encrypted.images.max():.0f};"
            " they are rescaled to 0..255 for display only."
        )
    rows = [
        PictureRow(
            title=photograph.title,
            credit=photograph.credit,
            views=(
                ("plain", photograph.pixels),
                (f"encrypted{suffix}", encrypted.images[number]),
                ("decrypted, right key", decrypted[number]),
                (f"decrypted, wrong key{suffix}", garbled[number]),
            ),
        )
        for number, photograph in enumerate(photographs)
    ]
    return Gallery(scheme=scheme.name, note=note, rows=tuple(rows))


def fold_gallery(*, photographs: Sequence[Photograph]) -> Gallery:
    """Return skk encryptions of photographs, and what anybody makes of them without a key.

    Args:
        photographs: All of one size.
    """
    scheme = create_scheme("skk")
    images = np.stack([photograph.pixels for photograph in photographs])
    key = Key.generate()
    encrypted = scheme.encrypt(images, key=key)
    decrypted = scheme.decrypt(encrypted, key=key)
    note = (
        "skk draws a new key for every image, so no statistics pile up. But it only inverts values and shuffles the "
        "three colors of a pixel. The distance of each value from mid-gray, |v - 127.5|, survives: the last column was "
        "computed from the encrypted image alone, in one line, without any key, and is the same for every key."
    )
    rows = [
        PictureRow(
            title=photograph.title,
            credit="",
            views=(
                ("plain", photograph.pixels),
                ("encrypted", encrypted.images[number]),
                ("decrypted, right key", decrypted[number]),
                ("read without a key: 2 |v - 127.5|", leading_bit_fold(encrypted.images[number])),
            ),
        )
        for number, photograph in enumerate(photographs)
    ]
    return Gallery(scheme=scheme.name, note=note, rows=tuple(rows))
