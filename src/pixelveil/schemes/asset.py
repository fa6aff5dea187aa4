"""`Asset`: what a scheme needs beside a key; arrays and settings in one file that holds no code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pixelveil.atomic import write_atomic
from pixelveil.errors import IntegrityError, UsageError

__all__ = ["Asset", "AssetKind"]

AssetKind = Literal["basis", "pool", "weights", "legacy"]

_FORMAT = "pixelveil-asset/v1"
_LARGEST_FILE = 1 << 32


@dataclass(frozen=True, eq=False, kw_only=True)
class Asset:
    """Named arrays that belong to one scheme: a fitted basis, donor images, trained weights, legacy key material.

    Whoever holds one can do what its owner can: a basis or legacy material is a key, a pool holds plain images.

    Args:
        scheme: Name of the scheme.
        kind: "basis" (fitted on private images), "pool" (plain images), "weights" (of a network) or "legacy" (what
            another program uses in place of a key).
        arrays: By name.
        settings: JSON values by name, such as how it was made.

    Raises:
        UsageError: An unknown kind, or no arrays.

    >>> asset = Asset(scheme="tanaka-le", kind="legacy", arrays={"permutation": np.arange(96)[::-1]})
    >>> asset.digest[:8]
    '414c9ff1'
    """

    scheme: str
    kind: AssetKind
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in get_args(AssetKind):
            raise UsageError(f"an asset is one of {', '.join(get_args(AssetKind))}, not {self.kind!r}")
        if not self.arrays:
            raise UsageError("an asset without arrays has no content")

    @cached_property
    def digest(self) -> str:
        """SHA-256 over format, scheme, kind, settings, and names, types, shapes and bytes of the arrays; hex."""
        total = hashlib.sha256(_canonical(self._facts()).encode())
        for name in sorted(self.arrays):
            array = _little_endian(self.arrays[name])
            total.update(_canonical([name, array.dtype.str, array.shape]).encode())
            total.update(array.data.cast("B") if array.size else b"")
        return total.hexdigest()

    def save(self, path: Path) -> None:
        """Write it as a safetensors file that only its owner may read; it appears when all is on the disk.

        Args:
            path: Where; its folder must exist.
        """
        from safetensors.numpy import save

        arrays = {name: _little_endian(array) for name, array in self.arrays.items()}
        metadata = {"pixelveil": _canonical({**self._facts(), "digest": self.digest})}
        write_atomic(path, save(arrays, metadata=metadata), mode=0o600)

    @classmethod
    def load(cls, path: Path) -> Asset:
        """Read what `save` wrote.

        Raises:
            UsageError: The file cannot be read.
            IntegrityError: It is no asset, or was altered.
        """
        from safetensors import SafetensorError, safe_open

        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: is not a file")
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise IntegrityError(f"{path}: is larger than any asset")
            with safe_open(path, framework="numpy") as file:
                facts = json.loads((file.metadata() or {}).get("pixelveil", "{}"))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
        except (SafetensorError, ValueError, RecursionError, TypeError, AttributeError) as error:
            # The last two: arrays of types that NumPy lacks.
            raise IntegrityError(f"{path}: is not an asset file") from error
        if type(facts) is not dict or facts.get("format") != _FORMAT or type(facts.get("settings")) is not dict:
            raise IntegrityError(f"{path}: is not an asset file of this version")
        try:
            asset = cls(scheme=facts["scheme"], kind=facts["kind"], arrays=arrays, settings=facts["settings"])
        except (KeyError, UsageError) as error:
            raise IntegrityError(f"{path}: is not an asset file of this version") from error
        if facts.get("digest") != asset.digest:
            raise IntegrityError(f"{path}: was altered", hint="make it again, or take it from its source again")
        return asset

    def _facts(self) -> dict[str, Any]:
        return {"format": _FORMAT, "scheme": self.scheme, "kind": self.kind, "settings": dict(self.settings)}


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as it lies in the file."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
