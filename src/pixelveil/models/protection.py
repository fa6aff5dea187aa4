"""What an encrypted model protects, and what it does not: said wherever model encryption is offered."""

from __future__ import annotations

from typing import Final

__all__ = ["PROTECTION"]

PROTECTION: Final = """\
An encrypted model answers encrypted images as the plain model answers plain ones.
It hides images from people who see stored or transmitted files, and binds the model to a key.
It does not hide images from the server that runs the model, if that server knows or can guess the plain patch
embedding: the server computes the plain model's own tokens. A public checkpoint gives the key away. So does one
image known both plain and encrypted, and so do some tens of encrypted images under one key (by their statistics).
Keys of different clients do not separate the clients from the server.
Therefore: train the patch embedding in private, give every client and session its own key, keep budgets small,
publish no pairs, use TLS beside it, and name the public checkpoint you started from, if any, with --reference.
"""
