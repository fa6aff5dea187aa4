"""pixelveil: encrypt images so that people cannot see them and neural networks still can; say what it hides.

The map, from the ground up::

    keys/       root secrets, key files, epochs and budgets, the AES-CTR stream
    plans/      what a key does to an image, as plain data; the kernels
    steps/      the operations of the literature, each yields a plan
    schemes/    one published scheme per file: a list of steps, a key policy, a citation
    models/     encrypt a Vision Transformer so that it answers encrypted images exactly as the plain one does
    data/       folders and shards, manifests, resume
    training/   train and evaluate on plain or encrypted data
    demo/       the main job once, with a report
    cli/        the command line

What it does not do: it is no encryption in the cryptographic sense. Read SECURITY.md before you rely on it.

>>> import numpy as np
>>> key = Key.generate()
>>> scheme = create_scheme("vit-permutation", block_size=16)
>>> image = np.zeros((224, 224, 3), np.uint8)
>>> encrypted = scheme.encrypt(image, key=key)
>>> bool((scheme.decrypt(encrypted, key=key) == image).all())
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pixelveil import errors
from pixelveil.errors import PixelveilError
from pixelveil.keys import Key
from pixelveil.plans import AffinePlan, LanePlan
from pixelveil.schemes import Encrypted, create_scheme, list_schemes

if TYPE_CHECKING:
    from pixelveil import transforms
    from pixelveil.models import encrypt_model, verify_model

__version__ = "0.1.0"

__all__ = [
    "AffinePlan",
    "Encrypted",
    "Key",
    "LanePlan",
    "PixelveilError",
    "__version__",
    "create_scheme",
    "encrypt_model",
    "errors",
    "list_schemes",
    "transforms",
    "verify_model",
]

# These need PyTorch, so they are imported when they are first asked for; the names are always there.
_LATER = {"encrypt_model": "pixelveil.models", "verify_model": "pixelveil.models"}


def __getattr__(name: str) -> Any:
    """Import the parts that need PyTorch on first use."""
    if name == "transforms":
        return import_module("pixelveil.transforms")
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'pixelveil' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, also those that are imported later."""
    return sorted(__all__)
