"""Write the images of one chunk, and say where each of them lies."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from pixelveil.data.files import replacing
from pixelveil.data.job import Chunk
from pixelveil.data.manifest import Header, Row, Storage
from pixelveil.data.worker import Stored
from pixelveil.data.writers import Shard

__all__ = ["ChunkWriter"]


class ChunkWriter:
    """Takes the stored images of a chunk one by one; a shard appears when the block ends well, if it has any image.

    Args:
        out: The encrypted folder.
        chunk: Which chunk.
        header: Says how images are stored.
    """

    def __init__(self, out: Path, chunk: Chunk, *, header: Header) -> None:
        self._out, self._header = out, header
        self._storage = cast(Storage, header.storage)
        group = chunk.items[0].group
        name = f"shard-{chunk.shard:05}.{'tar' if self._storage == 'wds' else 'npy'}"
        self._path = f"{group}/{name}" if group else name
        self._shard: Shard | None = None
        self._open_file = ExitStack()

    def add(self, stored: Stored) -> Row:
        """Write one image, unless its worker has written it to a file of its own; return its row."""
        index = offset = 0
        if stored.content is not None:
            self._shard = self._shard or self._new_shard(stored)
            index, offset = self._shard.add(stored.content, name=stored.file, label=stored.item.label)
        return Row(
            name=stored.item.name,
            group=stored.item.group,
            label=stored.item.label,
            nonce=stored.nonce,
            shape=stored.shape,
            encrypted_shape=stored.encrypted_shape,
            file=stored.file if stored.content is None else self._path,
            index=index,
            offset=offset,
            size=stored.size,
            sha256=stored.sha256,
            unit=stored.unit,
            zero=stored.zero,
        )

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the shard, or remove what there is of it after an error."""
        if error is None and self._shard is not None:
            self._shard.finish()
        self._open_file.__exit__(kind, error, trace)

    def _new_shard(self, first: Stored) -> Shard:
        path = self._out / self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        file = self._open_file.enter_context(replacing(path))
        return Shard(file, storage=self._storage, shape=first.encrypted_shape, dtype=self._header.stored_dtype)
