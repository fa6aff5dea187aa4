"""What an encrypted model protects, and what it does not: said wherever model encryption is offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pixelveil.models.layout import Form

__all__ = ["EXPOSES", "PROTECTION"]

PROTECTION: Final = """\
An encrypted model answers encrypted images as the plain model answers plain ones.
It hides images from people who see stored or transmitted files, and binds the model to a key.
It does not hide images from the server that runs the model, if that server knows or can guess the plain patch
embedding: the server computes the plain model's own tokens. A public checkpoint gives the key away. So does one
image known both plain and encrypted, and so do some tens of encrypted images under one key (by their statistics).
Keys of different clients do not separate the clients from the server. Nor do keys of different blocks: the model
holds them all relative to the first block's, so to whoever holds the model they are worth one key for all blocks.
Therefore: train the patch embedding in private, give every client and session its own key, keep budgets small,
publish no pairs, use TLS beside it, and name the public checkpoint you started from, if any, with --reference.
"""

EXPOSES: Final[Mapping[Form, str]] = {
    "shared": "to whoever holds it: the patch embedding under the key, which the plain one gives away",
    "signed": (
        "to whoever holds it: the key of every block relative to the first block's, in the clear, and the patch "
        "embedding under the first block's key, which the plain one gives away"
    ),
    "dense": (
        "to whoever holds it: the patch embedding under the key of every block; two of them compared give the key of "
        "one block relative to the other's, and the plain one gives away all"
    ),
}
"""What a stem shows to its holder, by the form in which it holds the key."""
