"""`python -m hardship_api.unpack arrow|parquet ROWS MOST`: a stranger's columns, unpacked in a process of its own.

A few bytes of Parquet or Arrow can unpack to gigabytes, and the decoders are large native code: here they run with
little memory to take, and can only take this process down. Standard input is the body; standard output gets, for each
part of at most ROWS rows, eight bytes of length and one plain Arrow stream of a single batch. A length of 0 ends the
output, -1 ends it where the body says itself that it has more than MOST rows; a body that cannot be read ends it with
nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

MEMORY = 3 * 2**29
SECONDS = 900
COLUMNS = 2_000
PART_BYTES = 2**26
WIDE_ROW = 2**12
"""Rows of more bytes come in smaller parts: they are no usual households."""
CELL_BYTES = 2**16
"""No text of a household is longer; up to here the reader says what is wrong with which row."""


def main(form: str, rows: int, most: int) -> int:
    """Unpack standard input; 0 if it could be read to its end."""
    _fence()
    import pyarrow as pa

    out = os.fdopen(os.dup(1), "wb")
    try:
        for batch in _batches(form, os.fdopen(0, "rb"), rows, most):
            if batch.num_columns > COLUMNS:
                return 1
            batch.validate(full=True)
            _named(batch.schema)
            if any(_longest(column) > CELL_BYTES for column in batch.columns):
                return 1
            for piece in _halved(batch):
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(piece)
                data = sink.getvalue()
                out.write(len(data).to_bytes(8, "little"))
                out.write(data)
                out.flush()
        out.write(bytes(8))
        out.flush()
    except TooMany:
        out.write((-1).to_bytes(8, "little", signed=True))
        out.flush()
    except (pa.ArrowException, MemoryError, OSError, ValueError, OverflowError):
        return 1
    return 0


class TooMany(Exception):  # noqa: N818  (told, not failed)
    """The body says that it has more rows than may be."""


def _fence() -> None:
    """Little memory, little time, no core file."""
    try:
        import resource
    except ImportError:  # not on this system: the declared sizes have to do
        return
    for what, most in (("RLIMIT_AS", MEMORY), ("RLIMIT_CPU", SECONDS), ("RLIMIT_CORE", 0)):
        resource.setrlimit(getattr(resource, what), (most, most))


def _named(fields: Any) -> None:
    """Nothing, if all names are texts, at any depth.

    Raises:
        ValueError: one is not.
    """
    from pyarrow import types

    for one in fields:
        str(one.name)
        kind = one.type
        if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            _named([kind.value_field])
        elif types.is_struct(kind):
            _named(kind)


def _longest(array: Any) -> int:
    """Bytes of the longest text in an array, at any depth."""
    import pyarrow.compute as pc
    from pyarrow import types

    kind = array.type
    if types.is_struct(kind):
        return max(map(_longest, array.flatten()), default=0)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _longest(array.flatten())
    if types.is_dictionary(kind):
        return _longest(array.dictionary)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return pc.max(pc.binary_length(array)).as_py() or 0
    return 0


def _halved(batch: Any) -> Iterator[Any]:
    """The batch in pieces of bounded size.

    Raises:
        ValueError: one row alone is larger.
    """
    size, rows = batch.nbytes, batch.num_rows
    if size <= (PART_BYTES if size <= rows * WIDE_ROW else PART_BYTES // 8):
        yield batch
        return
    if rows < 2:
        raise ValueError
    yield from _halved(batch.slice(0, rows // 2))
    yield from _halved(batch.slice(rows // 2))


def _batches(form: str, body: BinaryIO, most: int, limit: int) -> Iterator[Any]:
    """The rows in batches of at most `most`.

    Raises:
        TooMany: Parquet that has more than `limit` rows: nothing of it is unpacked.
    """
    import pyarrow as pa

    if form == "parquet":
        import pyarrow.parquet as pq

        file = pq.ParquetFile(body, page_checksum_verification=True, pre_buffer=False, buffer_size=2**16)
        if file.metadata.num_columns > COLUMNS:
            raise ValueError
        if file.metadata.num_rows > limit:
            raise TooMany
        found: Iterator[Any] = file.iter_batches(batch_size=min(most, 65_536), use_threads=False)
    else:
        found = iter(pa.ipc.open_stream(body))
    held: list[Any] = []
    rows = 0
    for batch in found:
        # Small batches are put together, large ones cut: parts have one size whatever the writer liked.
        for start in range(0, batch.num_rows, most):
            piece = batch.slice(start, most)
            if held and rows + piece.num_rows > most:
                yield _one(held)
                held, rows = [], 0
            held.append(piece)
            rows += piece.num_rows
    if held:
        yield _one(held)


def _one(batches: list[Any]) -> Any:
    import pyarrow as pa

    table = pa.Table.from_batches(batches).combine_chunks()
    return table.to_batches()[0] if table.num_rows else batches[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
