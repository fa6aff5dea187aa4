"""The manifest: what an encrypted folder holds, line by line, under a keyed MAC. Format: ``spec/dataset-v1.md``."""

from __future__ import annotations

import hmac
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar, get_args

from pixelveil.data.files import replacing
from pixelveil.errors import IntegrityError, UsageError

__all__ = [
    "FORMAT",
    "MANIFEST",
    "NAMES",
    "Dtype",
    "Footer",
    "Header",
    "Manifest",
    "Row",
    "Storage",
    "Subsampling",
    "parse_header",
    "to_line",
    "write_manifest",
]

FORMAT = "pixelveil-dataset/v1"
MANIFEST = "manifest.jsonl"
NAMES = "names.sealed"

Storage = Literal["png", "jpeg", "npy", "wds"]
Dtype = Literal["uint8", "float16", "scaled8"]
Subsampling = Literal["4:4:4", "4:2:0"]


@dataclass(frozen=True, kw_only=True)
class Header:
    """First line: how the images were encrypted and stored.

    Args:
        format: Always ``FORMAT``.
        tool: Name and version of the program that wrote it.
        scheme: Name of the scheme.
        parameters: Its parameters.
        digest: Digest of scheme and parameters.
        key_policy: "shared", "derived", "ephemeral" or "none".
        fingerprint: Of the epoch that encrypted; names and MAC are under its key whatever the policy.
        epoch: Number of that epoch.
        size: Side of the square that all images were brought to, in pixels; None if each kept its shape.
        storage: "png" or "jpeg" (class folders), "npy" (shards of one array) or "wds" (WebDataset shards).
        dtype: "uint8"; for encrypted images that are not 8-bit "float16", or "scaled8" (bytes with a unit and a zero
            of their own in each row).
        quality: Of JPEG, 1 to 100; None for other storage.
        subsampling: Of the color of JPEG, "4:4:4" or "4:2:0"; None for grayscale and for other storage.
        shard_size: Most images in a shard.
        classes: Names or codes of the classes; a row's label is an index into it.
        classes_hidden: Whether these are codes.
        salt: 16 random bytes of this job, hexadecimal.
        source: Keyed digest of the list of source files, hexadecimal; tells the owner that a job is the same one.
    """

    format: str
    tool: str
    scheme: str
    parameters: dict[str, Any]
    digest: str
    key_policy: str
    fingerprint: str
    epoch: int
    size: int | None
    storage: str
    dtype: str
    quality: int | None
    subsampling: str | None
    shard_size: int
    classes: tuple[str, ...]
    classes_hidden: bool
    salt: str
    source: str

    def __post_init__(self) -> None:
        """Refuse values that no writer of this version writes."""
        _require(self.format == FORMAT, f"format {self.format!r} is not {FORMAT!r}")
        _require(self.key_policy in _KEY_POLICIES, f"key policy {self.key_policy!r} is unknown")
        _require(self.storage in get_args(Storage), f"storage {self.storage!r} is unknown")
        _require(self.dtype in get_args(Dtype), f"dtype {self.dtype!r} is unknown")
        _require(self.size is None or self.size > 0, f"size {self.size} is not positive")
        _require(self.shard_size > 0, f"shard size {self.shard_size} is not positive")
        _require((self.storage, self.dtype) != ("png", "float16"), "PNG does not hold float16")
        _require(self.storage != "jpeg" or self.dtype == "uint8", "JPEG holds only images that are 8-bit")
        _require((self.storage == "jpeg") == (self.quality is not None), "a quality stands there for JPEG only")
        _require(self.quality is None or 1 <= self.quality <= 100, f"quality {self.quality} is not from 1 to 100")
        _require(self.storage == "jpeg" or self.subsampling is None, "a subsampling stands there for JPEG only")
        _require(self.subsampling in (None, *get_args(Subsampling)), f"subsampling {self.subsampling!r} is unknown")
        _require(all(isinstance(name, str) and _is_name(name) for name in self.classes), "a class is not a folder name")
        _require(len(set(self.classes)) == len(self.classes), "two classes have one name")
        _require(_is_hex(self.salt, 32) and _is_hex(self.source, 64), "salt or source is not hexadecimal")

    @property
    def keeps_keys(self) -> bool:
        """Whether the owner's key gives the plan of each image: it then has a budget, and can perhaps decrypt."""
        return self.key_policy in ("shared", "derived")

    @property
    def stored_dtype(self) -> str:
        """Type of the stored values: "uint8" or "float16"."""
        return "float16" if self.dtype == "float16" else "uint8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One image: ``size`` bytes of ``file`` from ``offset`` on.

    Args:
        name: Pseudonym.
        group: Folders above the class, such as "train"; empty if none.
        label: Index of the class, None if it has none.
        nonce: 16 bytes, hexadecimal, for a derived key; else None.
        shape: (H, W, C) before encryption.
        encrypted_shape: (H', W', C') after it.
        file: Path below the folder, with forward slashes.
        index: Place of the image within its file.
        offset: First byte.
        size: Number of bytes.
        sha256: Digest of these bytes, hexadecimal.
        unit: Grey levels per step of a stored byte, for "scaled8"; else None.
        zero: Grey level of the byte 0, for "scaled8"; else None.
    """

    name: str
    group: str
    label: int | None
    nonce: str | None
    shape: tuple[int, int, int]
    encrypted_shape: tuple[int, int, int]
    file: str
    index: int
    offset: int
    size: int
    sha256: str
    unit: float | None = None
    zero: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that no writer of this version writes; a path must not lead out of the folder."""
        _require(re.fullmatch("[a-z2-7]{26}", self.name) is not None, f"name {self.name!r} is not a pseudonym")
        _require(self.nonce is None or _is_hex(self.nonce, 32), "the nonce is not 16 bytes")
        _require(_is_hex(self.sha256, 64), "the digest is not 32 bytes")
        for shape in (self.shape, self.encrypted_shape):
            _require(len(shape) == 3 and all(type(side) is int and side > 0 for side in shape), "a shape is wrong")
        for folder in (self.file, self.group):
            _require(folder == "" or all(map(_is_name, folder.split("/"))), f"path {folder!r} is not allowed")
        _require(self.file != "", "the file has no name")
        _require(0 <= self.index <= _LARGEST and 0 <= self.offset <= _LARGEST, "a place is out of range")
        _require(0 < self.size <= _LARGEST, "the number of bytes is out of range")
        _require((self.unit is None) == (self.zero is None), "unit and zero do not stand together")
        if self.unit is not None and self.zero is not None:
            ends = (self.zero, self.zero + 255 * self.unit)  # so written that NaN does not pass
            _require(self.unit > 0 and all(abs(end) <= _LARGEST_FLOAT for end in ends), "a scale is out of range")


@dataclass(frozen=True, kw_only=True)
class Footer:
    """Last line but one: how many images there are.

    Args:
        images: Number of rows.
        rejected: Number of source files that could not be encrypted.
        names_sha256: Digest of ``names.sealed``, hexadecimal.
    """

    images: int
    rejected: int
    names_sha256: str


def to_line(value: Header | Row | Footer) -> bytes:
    r"""Return one line of compact ASCII JSON with the fields in the order of the class.

    >>> to_line(Footer(images=1, rejected=0, names_sha256="00"))
    b'{"images":1,"rejected":0,"names_sha256":"00"}\n'
    """
    return _encode({field.name: getattr(value, field.name) for field in fields(value)})


def parse_header(line: bytes, *, where: str) -> Header:
    """Read a header line.

    Args:
        line: One line of JSON.
        where: How errors name it.

    Raises:
        IntegrityError: It is not a header of this version.
    """
    return _parse(Header, line, where=where)


def write_manifest(path: Path, lines: Iterable[bytes], *, key: bytes) -> None:
    """Write lines and, after them, ``{"mac": HMAC-SHA256(key, all lines)}``; the file appears when all is on the disk.

    Args:
        path: Where; its folder must exist.
        lines: Header, rows and footer, each from ``to_line``. They are not held in memory.
        key: 32 secret bytes.
    """
    mac = hmac.new(key, digestmod="sha256")
    with replacing(path) as file:
        for line in lines:
            mac.update(line)
            file.write(line)
        file.write(_mac_line(mac.hexdigest()))


@dataclass(frozen=True)
class Manifest:
    """The manifest of an encrypted folder, read line by line.

    Args:
        path: The file.
        header: Its first line.
    """

    path: Path
    header: Header

    @classmethod
    def open(cls, folder: Path) -> Manifest:
        """Read the header of an encrypted folder.

        Raises:
            UsageError: The folder has no manifest.
            IntegrityError: Its first line is not a header of this version.
        """
        path = folder / MANIFEST
        try:
            with path.open("rb") as file:
                first = next(_lines(file, path=path), b"")
        except OSError as error:
            hint = "run the same encrypt command again" if (folder / ".job").is_dir() else ""
            raise UsageError(f"{folder}: has no {MANIFEST}", hint=hint or "is it an encrypted folder?") from error
        return cls(path=path, header=_parse(Header, first, where=f"{path} line 1"))

    def rows(self) -> Iterator[Row]:
        """Yield all rows.

        Raises:
            IntegrityError: A line is not a row, or rows are missing. Rows that came before it were yielded.
        """
        body = self._body()
        for rows, line in enumerate(body):
            where = f"{self.path} line {rows + 2}"
            if line.startswith(b'{"images"'):
                footer = _parse(Footer, line, where=where)
                _require(footer.images == rows, f"{self.path}: has {rows} rows, not {footer.images}")
                end = [next(body, b""), next(body, b"")]
                _require(
                    _MAC_LINE.fullmatch(end[0]) is not None and not end[1], f"{self.path}: does not end with a MAC"
                )
                return
            row = _parse(Row, line, where=where)
            _require(row.label is None or 0 <= row.label < len(self.header.classes), f"{where}: label is not a class")
            _require((row.nonce is not None) == (self.header.key_policy == "derived"), f"{where}: nonce does not fit")
            _require((row.unit is not None) == (self.header.dtype == "scaled8"), f"{where}: scale does not fit")
            yield row
        raise IntegrityError(f"{self.path}: ends before its footer")

    def footer(self) -> Footer:
        """Return the counts.

        Raises:
            IntegrityError: The last lines are not footer and MAC.
        """
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _LONGEST_END))
            lines = file.read().splitlines()
        _require(len(lines) > 2, f"{self.path}: ends before its footer")
        return _parse(Footer, lines[-2], where=f"{self.path} last line but one")

    def mac(self) -> str:
        """Return the MAC as it stands in the last line; ``check_mac`` tells whether it is right."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _LONGEST_END))
            last = file.read().splitlines(keepends=True)[-1]
        _require(_MAC_LINE.fullmatch(last) is not None, f"{self.path}: does not end with a MAC")
        return last[8:72].decode()

    def check_mac(self, *, key: bytes) -> None:
        """Compare the last line with ``HMAC-SHA256(key, all lines before it)``.

        Raises:
            IntegrityError: They differ.
        """
        mac, last = hmac.new(key, digestmod="sha256"), b""
        with self.path.open("rb") as file:
            for line in _lines(file, path=self.path):
                mac.update(last)
                last = line
        if not hmac.compare_digest(last, _mac_line(mac.hexdigest())):
            raise IntegrityError(f"{self.path}: was altered, or made with another key")

    def _body(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            yield from itertools.islice(_lines(file, path=self.path), 1, None)


def _lines(file: BinaryIO, *, path: Path) -> Iterator[bytes]:
    """Yield lines; a hostile file without line ends must not fill the memory."""
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise IntegrityError(f"{path}: has a line of more than {_LONGEST_LINE} bytes")
        yield line


_JSON = json.JSONEncoder(separators=(",", ":"))

_LONGEST_LINE = 1 << 24  # a header that names a hundred thousand classes is shorter
_LONGEST_END = 4096  # footer and MAC together are far shorter
_LONGEST_NAME = 255  # of a file, in bytes, on the usual file systems
_KEY_POLICIES = ("shared", "derived", "ephemeral", "none")
_LARGEST_FLOAT = 3.5e38  # of single precision, and a little
_LARGEST = 2**53 - 1  # what every language counts exactly, and every file system can seek to

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float | None": (float, type(None)),
    "int | None": (int, type(None)),
    "str | None": (str, type(None)),
    "dict[str, Any]": (dict,),
    "tuple[str, ...]": (list,),
    "tuple[int, int, int]": (list,),
}

_Line = TypeVar("_Line", Header, Row, Footer)


def _parse(kind: type[_Line], line: bytes, *, where: str) -> _Line:
    """Read one line: exactly the fields of its class, each of exactly its type."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{where}: is not JSON") from error
    types = {field.name: _TYPES[str(field.type)] for field in fields(kind)}
    if type(values) is not dict or set(values) != set(types):
        raise IntegrityError(f"{where}: does not have the fields of a {kind.__name__.lower()}")
    for name, allowed in types.items():
        _require(type(values[name]) in allowed, f"{where}: {name} has a wrong type")
    tuples: dict[str, Any] = {name: tuple(value) if type(value) is list else value for name, value in values.items()}
    try:
        return kind(**tuples)
    except IntegrityError as error:
        raise IntegrityError(f"{where}: {error.message}") from error


_MAC_LINE = re.compile(rb'\{"mac":"[0-9a-f]{64}"\}\n')


def _mac_line(digest: str) -> bytes:
    return _encode({"mac": digest})


def _encode(values: dict[str, Any]) -> bytes:
    return _JSON.encode(values).encode() + b"\n"


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise IntegrityError(message)


def _is_name(text: str) -> bool:
    """Tell whether a file or folder can have this name; it leads nowhere else."""
    try:
        length = len(os.fsencode(text))
    except UnicodeEncodeError:
        return False
    return 0 < length <= _LONGEST_NAME and text not in (".", "..") and not {"/", "\0"} & set(text)


def _is_hex(text: str, digits: int) -> bool:
    return re.fullmatch(f"[0-9a-f]{{{digits}}}", text) is not None
