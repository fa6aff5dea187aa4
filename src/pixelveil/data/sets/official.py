"""Official data sets through torchvision, downloaded only when that is asked for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from pixelveil.atomic import write_atomic
from pixelveil.data.sets.catalogue import data_set
from pixelveil.errors import MissingExtraError, UsageError

__all__ = ["fetch_set"]


def fetch_set(name: str, *, folder: Path) -> Path:
    """Write a data set as an npz; torchvision downloads it to the folder and checks its files.

    Args:
        name: A set that torchvision has.
        folder: Where it shall lie; made if missing. What lies there already is checked and not loaded again.

    Returns:
        The npz, for ``--data``.

    Raises:
        UsageError: torchvision has no such set, or it could not be loaded.
        MissingExtraError: torchvision is not installed.
    """
    kind = data_set(name)
    if not kind.torchvision:
        raise UsageError(f"{name} is not downloaded from here", hint=kind.origin)
    try:
        import torchvision
    except ImportError as error:
        raise MissingExtraError("downloading a data set", extra="models") from error

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / kind.folder
    source = getattr(torchvision.datasets, kind.torchvision)
    try:
        train, test = (source(root=str(folder), train=side, download=True) for side in (True, False))
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{kind.title} could not be loaded: {error}", hint="or get it yourself: --data FILE"
        ) from error
    buffer = io.BytesIO()
    np.savez(
        buffer,
        x_train=np.asarray(train.data, np.uint8),
        y_train=np.asarray(train.targets, np.uint8),
        x_test=np.asarray(test.data, np.uint8),
        y_test=np.asarray(test.targets, np.uint8),
    )
    write_atomic(path, buffer.getvalue())
    return path
