"""Legacy material as an asset: from arrays, from files of arrays, from a seed; and why it is not a key."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.legacy import LEGACY_PLANS
from pixelveil.schemes.legacy.seeds import Generator, SeededScheme, draw
from pixelveil.schemes.scheme import Scheme
from pixelveil.steps import ImageShape

__all__ = ["FORMS", "legacy_bits", "legacy_from_arrays", "legacy_from_seed", "read_arrays", "why_not_a_key"]

_LARGEST_FILE = 1 << 30

FORMS: dict[str, tuple[str, ...]] = {
    "etc-color": ("rotate", "reverse", "negaposi", "channel", "shuffle"),
    "madono-ele": ("permutations", "block_order", "mask"),
    "skk": ("mask", "colors"),
    "smkk": ("mask", "colors"),
    "tanaka-le": ("permutation", "mask"),
    "vit-compressible": (
        "rotation",
        "flipping",
        "np_inversion",
        "channel_shuffle",
        "sb_scrambling_order",
        "mb_scrambling_order",
    ),
    "vit-permutation": ("key_1", "key_2", "mask"),
}
"""By scheme, the arrays it may have; a file with one unnamed array holds the first."""

# Names in files of public programs; those that begin with "inv" hold 1 where a value is kept.
_OTHER_NAMES = {"key": "permutation", "keys": "permutations", "order": "block_order", "inv": "mask", "invs": "mask"}

# Schemes whose published code duplicates color channels.
_WITH_CHANNEL_BUG = ("etc-color", "skk", "smkk")


def legacy_from_arrays(
    scheme: Scheme, *, arrays: Mapping[str, NDArray[Any]], shape: ImageShape, channel_bug: bool = False
) -> Asset:
    """Return the asset that holds another program's arrays.

    Args:
        scheme: The scheme that they are for, with its parameters.
        arrays: Integers by name, see `FORMS` and the plan functions; "" names the first.
        shape: (H, W, C) of the plain images, which the arrays are checked with.
        channel_bug: Whether color codes duplicate channels as the published code does; such images nobody can decrypt.

    Raises:
        UsageError: The scheme takes none, or they do not fit.

    >>> from pixelveil.schemes import create_scheme
    >>> asset = legacy_from_arrays(
    ...     create_scheme("tanaka-le"), arrays={"": (7 * np.arange(96) + 5) % 96}, shape=(4, 4, 3)
    ... )
    >>> asset.kind, list(asset.arrays)
    ('legacy', ['permutation'])
    """
    return _asset(scheme, arrays=arrays, shape=shape, channel_bug=channel_bug, settings={"origin": "arrays"})


def legacy_from_seed(
    scheme: Scheme,
    *,
    seed: int,
    rng: Generator,
    shape: ImageShape,
    arrays: Mapping[str, NDArray[Any]] | None = None,
    channel_bug: bool = False,
) -> Asset:
    """Return the asset that holds what a public program draws from a seed.

    Args:
        scheme: The scheme that it is for, with its parameters.
        seed: The seed.
        rng: "numpy" (`numpy.random.RandomState`), "numpy-generator" (`numpy.random.default_rng`) or "python"
            (`random.Random`).
        shape: (H, W, C) of the plain images.
        arrays: Given ones, in place of what the seed would give; so the 64 keys of ELE with the order of a seed.
        channel_bug: See `legacy_from_arrays`.

    Raises:
        UsageError: No public program draws the scheme so, or the arrays do not fit.
    """
    asked = SeededScheme(
        seed=seed,
        generator=rng,
        shape=scheme.laid_out_shape(shape),
        block=scheme.block,
        parameters=scheme.parameters,
    )
    drawn, bits = draw(scheme.name, asked=asked)
    settings = {"origin": "arrays and seed" if arrays else "seed", "generator": rng, "seed_bits": bits}
    merged = {**drawn, **_renamed(scheme.name, arrays or {})}
    return _asset(scheme, arrays=merged, shape=shape, channel_bug=channel_bug, settings=settings)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read arrays from a file that holds no code; pickled arrays are refused.

    Args:
        path: .npy (one array, named ""), .npz, or .json (lists of integers, or strings of digits, by name).

    Raises:
        UsageError: It cannot be read, or is of no such kind.
        IntegrityError: Its content is none.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise IntegrityError(f"{path}: is larger than any key material")
        if path.suffix == ".json":
            return _from_json(json.loads(path.read_text(encoding="utf-8")))
        if path.suffix == ".npy":
            return {"": np.load(path, allow_pickle=False)}
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or 'no such array file'}") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        hint = "load a pickle where it is trusted and save its arrays: numpy.savez"
        raise IntegrityError(f"{path}: holds no plain arrays of integers", hint=hint) from error
    raise UsageError(f"{path}: arrays come as .npy, .npz or .json", hint="numpy.savez writes .npz")


def legacy_bits(asset: Asset) -> float | None:
    """Return how many bits an attacker has to try, whatever the nominal key space; None where nobody knows.

    Args:
        asset: A legacy one.
    """
    bits = asset.settings.get("seed_bits")
    return float(bits) if asset.settings.get("origin") == "seed" and type(bits) is int else None


def why_not_a_key(asset: Asset) -> str:
    """Say in plain words why legacy material is not a key.

    Args:
        asset: A legacy one.

    Raises:
        UsageError: It is of another kind.

    >>> from pixelveil.schemes import create_scheme
    >>> asset = legacy_from_seed(create_scheme("tanaka-le"), seed=30, rng="numpy", shape=(32, 32, 3))
    >>> why_not_a_key(asset).partition(";")[0]
    'All of it follows from a numpy seed: 2^32 values to try, small ones first'
    """
    if asset.kind != "legacy":
        raise UsageError(f"a {asset.kind} asset is not legacy material")
    bits = legacy_bits(asset)
    if bits is not None:
        origin = (
            f"All of it follows from a {asset.settings['generator']} seed: 2^{bits:.0f} values to try, small ones first"
        )
    else:
        origin = "Another program drew it, with random numbers that are not made for secrets and can be predicted"
    return (
        f"{origin}; it lies in no sealed file, is the same for all images and clients, and is never retired; and the "
        "digest of it that every manifest names lets anybody test a guess. Use it to compare with published results, "
        "and a key file to protect images."
    )


def _asset(
    scheme: Scheme,
    *,
    arrays: Mapping[str, NDArray[Any]],
    shape: ImageShape,
    channel_bug: bool,
    settings: dict[str, Any],
) -> Asset:
    """Make the asset and try it: its plan for images of this shape must be possible."""
    if scheme.name not in LEGACY_PLANS:
        raise UsageError(f"{scheme.name} takes no legacy material", hint=f"these do: {', '.join(LEGACY_PLANS)}")
    if channel_bug and scheme.name not in _WITH_CHANNEL_BUG:
        raise UsageError(f"no published code of {scheme.name} duplicates channels")
    if scheme.name in _WITH_CHANNEL_BUG:
        settings = {**settings, "legacy_channel_bug": channel_bug}
    stored = {name: _integers(name, values) for name, values in _renamed(scheme.name, arrays).items()}
    asset = Asset(scheme=scheme.name, kind="legacy", arrays=stored, settings=settings)
    scheme.bind(asset).legacy_plan(shape=scheme.laid_out_shape(shape))
    return asset


def _renamed(scheme: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays under our names."""
    forms, result = FORMS.get(scheme, ()), {}
    for name, values in arrays.items():
        label = name or (forms[0] if forms else name)
        if label not in forms:
            label = _OTHER_NAMES.get(name, name)
        if label not in forms:
            raise UsageError(f"{scheme} has no array {name!r}", hint=f"it has: {', '.join(forms)}")
        if label in result:
            raise UsageError(f"array {label!r} is given twice, once as {name!r}")
        result[label] = 1 - _integers(name, values) if name in ("inv", "invs") else values
    return result


def _integers(name: str, values: NDArray[Any]) -> NDArray[np.int32]:
    """Return an array as it is stored, whatever integer type it came in."""
    array = np.asarray(values)
    if array.dtype.kind not in "uib":
        raise UsageError(f"array {name!r} must hold integers, not {array.dtype}")
    if int(array.max(initial=0)) >> 31 or int(array.min(initial=0)) < 0:
        raise UsageError(f"array {name!r} must hold numbers 0 to {(1 << 31) - 1}")
    return array.astype(np.int32)


def _from_json(content: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays of a JSON object; a list alone is one array."""
    named = content if isinstance(content, dict) else {"": content}
    return {name: np.array([int(digit) for digit in v] if isinstance(v, str) else v) for name, v in named.items()}
