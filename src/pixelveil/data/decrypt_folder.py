"""Decrypt an encrypted folder to PNG files, for its owner."""

from __future__ import annotations

import fcntl
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pixelveil.atomic import write_atomic
from pixelveil.data.files import replacing, sweep
from pixelveil.data.manifest import NAMES, Manifest, Row
from pixelveil.data.names import open_names
from pixelveil.data.pipeline import ordered_map
from pixelveil.data.reader import read_stored
from pixelveil.data.verify_folder import epoch_of, mac_key, verify_folder
from pixelveil.data.worker import Shape
from pixelveil.errors import IntegrityError, UsageError
from pixelveil.keys import Epoch, Key
from pixelveil.plans.threads import processors
from pixelveil.schemes import Encrypted, Scheme, create_scheme
from pixelveil.schemes.asset import Asset

__all__ = ["decrypt_folder", "png_names"]

_BLOCK_IMAGES = 16
_STATE = ".pixelveil-decrypted.json"


def decrypt_folder(
    folder: Path,
    destination: Path,
    *,
    key: Key,
    asset: Path | None = None,
    original_names: bool = True,
    workers: int | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> int:
    """Verify an encrypted folder, then write its images as PNG files.

    The same call again takes up a run that was stopped: an image whose file is there is not written again.

    Args:
        folder: The encrypted folder.
        destination: New folder, or one that an earlier run was writing.
        key: The key that encrypted it, whatever epoch is active now.
        asset: File of the asset that the scheme worked with, where it had one.
        original_names: Give images their original folders and names (with the suffix ".png"); needs ``names.sealed``.
            False keeps pseudonyms and, if they were hidden, class codes.
        workers: Threads; as many as there are processors if not given.
        advance: Called with the number of images that are done and of all.

    Returns:
        Number of images.

    Raises:
        UsageError: The images cannot be decrypted by anybody, ``destination`` holds something else, or the asset is
            missing or another one.
        IntegrityError: The folder is not what its manifest says, or another key or scheme made it. Nothing is written.
    """
    manifest = Manifest.open(folder)
    epoch = epoch_of(manifest, key=key)
    manifest.check_mac(key=mac_key(epoch))  # before anything is done as the manifest says
    scheme = _scheme_of(manifest, asset=asset)
    total = verify_folder(folder, key=key)
    targets = _targets(folder, manifest, epoch=epoch, original_names=original_names)
    run = _Run(folder=folder, destination=destination, manifest=manifest, scheme=scheme, epoch=epoch, targets=targets)
    done = 0
    with (
        _begun(destination, manifest, original_names=original_names),
        ThreadPoolExecutor(workers or processors()) as pool,
    ):
        for count in ordered_map(run, _blocks(manifest.rows()), pool=pool, ahead=2 * (workers or processors())):
            done += count
            if advance is not None:
                advance(done, total)
        sweep(destination)
    return total


def _scheme_of(manifest: Manifest, *, asset: Path | None) -> Scheme:
    """Return the scheme that a manifest names, with its asset, if it can decrypt."""
    header, folder = manifest.header, manifest.path.parent
    scheme = create_scheme(header.scheme, **header.parameters)
    if scheme.digest != header.digest:
        raise IntegrityError(f"{manifest.path}: scheme {header.scheme!r} is not the one that it was written with")
    if not header.keeps_keys or not scheme.reversible:
        raise UsageError(f"{folder}: images under this scheme and key policy cannot be decrypted by anybody")
    named = header.parameters.get("asset", "")
    if not named:
        if asset is not None:
            raise UsageError(f"{folder}: was encrypted without an asset", hint="omit --asset")
        return scheme
    if asset is None:
        raise UsageError(f"{folder}: was encrypted with asset {named[:16]}, which is missing", hint="use --asset FILE")
    return scheme.bind(Asset.load(asset))


@dataclass(frozen=True, kw_only=True)
class _Run:
    """Decrypts blocks of rows; may be called from several threads."""

    folder: Path
    destination: Path
    manifest: Manifest
    scheme: Scheme
    epoch: Epoch
    targets: Mapping[str, str]

    def __call__(self, rows: Sequence[Row]) -> int:
        missing = [row for row in rows if not (self.destination / self.targets[row.name]).exists()]
        for _, batch in itertools.groupby(sorted(missing, key=_shapes), key=_shapes):
            self._decrypt(list(batch))
        return len(rows)

    def _decrypt(self, rows: list[Row]) -> None:
        header = self.manifest.header
        images = np.stack([read_stored(self.folder, row, header=header) for row in rows])
        nonces = [np.frombuffer(bytes.fromhex(row.nonce), np.uint8) for row in rows if row.nonce is not None]
        encrypted = Encrypted(
            images=images if images.dtype == np.uint8 else images.astype(np.float32),
            nonces=np.stack(nonces) if nonces else None,
            scheme=header.scheme,
            digest=header.digest,
            key_policy=header.key_policy,
            fingerprint=header.fingerprint,
            epoch=header.epoch,
            shape=rows[0].shape,
        )
        for row, image in zip(rows, self.scheme.decrypt(encrypted, key=self.epoch), strict=True):
            target = self.destination / self.targets[row.name]
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as file:
                Image.fromarray(image).save(file, "PNG", compress_level=1)


def _shapes(row: Row) -> tuple[Shape, Shape]:
    return row.shape, row.encrypted_shape


def _blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while block := list(itertools.islice(rows, _BLOCK_IMAGES)):
        yield block


@contextmanager
def _begun(destination: Path, manifest: Manifest, *, original_names: bool) -> Iterator[None]:
    """Mark a new destination as that of this data set, or see that it is so marked, and keep other processes out."""
    state = destination / _STATE
    wanted = {"format": "pixelveil-decrypted/v1", "manifest_mac": manifest.mac(), "original_names": original_names}
    content = json.dumps(wanted).encode()
    try:
        destination.mkdir(parents=True, exist_ok=True)
        if not any(destination.iterdir()):
            write_atomic(state, content)
        elif not state.exists() or state.read_bytes() != content:
            raise UsageError(f"{destination}: holds something else", hint="name a new folder")
        mark = state.open("rb")
    except OSError as error:
        raise UsageError(f"{destination}: cannot be written: {error.strerror}") from error
    with mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"{destination}: another process is working in it", hint="wait until it has ended"
            ) from error
        yield


def _targets(folder: Path, manifest: Manifest, *, epoch: Epoch, original_names: bool) -> dict[str, str]:
    """Return the path of each image below the destination, by its pseudonym."""
    if not original_names:
        classes = manifest.header.classes
        labels = {row.name: "" if row.label is None else classes[row.label] for row in manifest.rows()}
        groups = {row.name: row.group for row in manifest.rows()}
        return {name: "/".join(filter(None, (groups[name], labels[name], f"{name}.png"))) for name in labels}
    try:
        sealed = (folder / NAMES).read_bytes()
    except OSError as error:
        raise UsageError(f"{folder / NAMES}: cannot be read", hint="use --pseudonyms, or put the file back") from error
    paths = open_names(sealed, epoch=epoch, salt=bytes.fromhex(manifest.header.salt))
    originals = {row.name: str(paths[row.name]) for row in manifest.rows()}
    return dict(zip(originals, png_names(list(originals.values())), strict=True))


def png_names(paths: Sequence[str]) -> list[str]:
    """Return paths with the suffix ".png", all different.

    Args:
        paths: All different, with forward slashes.

    >>> png_names(["a/1.jpg", "a/2.jpg", "a/2.png"])
    ['a/1.png', 'a/2.jpg.png', 'a/2.png']
    """
    names: dict[str, str] = {}
    used: set[str] = set()
    for path in sorted(paths, key=lambda path: (not path.endswith(".png"), path)):
        name = f"{path.rpartition('.')[0]}.png"
        if name in used:
            name = f"{path}.png"
        while name in used:
            name += ".png"
        names[path] = name
        used.add(name)
    return [names[path] for path in paths]
