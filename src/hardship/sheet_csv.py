"""The canonical CSV form of a sheet, written by a kernel in threads; and its hash, taken while it is written.

The same bytes as `columns.csv_parts` of the sheet's frame: a test holds the two together.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.engine import kernels_results as kernels
from hardship.sheet import Column, Sheet, Texts, numbered, text_column

ROWS = 16_384  # of a part
ROOM = 64_000_000  # bytes that a part may take at most, unless a single row does
NUMBER = 22  # bytes of the longest number: 19 digits, a sign, a point
_EPOCH = dt.date(1970, 1, 1)


def parts(sheet: Sheet, threads: int = 0) -> Iterator[memoryview]:
    """The CSV form in order, the header first. A part is good until the next one is asked for."""
    yield memoryview((",".join(sheet.columns) + "\n").encode())
    ready = [_written(column) for column in sheet.columns.values()]
    row = sum(width for _, _, width in ready) + len(ready)
    rows = max(1, min(ROWS, ROOM // row))
    told = np.array([described for described, _, _ in ready], dtype=np.uint64)
    threads = threads or os.cpu_count() or 1
    starts = iter(range(0, sheet.height, rows))
    room = [np.empty(min(rows, sheet.height) * row + 32, dtype=np.uint8) for _ in range(threads + 1)]

    def write(begin: int, buffer: Array) -> memoryview:
        size = kernels.csv_rows(
            told, begin, min(begin + rows, sheet.height), kernels.DIGITS, np.uint64(buffer.ctypes.data)
        )
        return buffer.data[:size]

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Array, Future[memoryview]]] = deque()
        for buffer in room:
            waiting.extend(
                (buffer, pool.submit(write, begin, buffer)) for begin in [next(starts, None)] if begin is not None
            )
        while waiting:
            buffer, part = waiting.popleft()
            yield part.result()
            begin = next(starts, None)
            if begin is not None:
                waiting.append((buffer, pool.submit(write, begin, buffer)))


def sha256(sheet: Sheet, threads: int = 0) -> str:
    """`results_sha256`: SHA-256 of the canonical CSV form."""
    digest = hashlib.sha256()
    for part in parts(sheet, threads):
        digest.update(part)
    return digest.hexdigest()


def _written(column: Column) -> tuple[list[int], list[Array], int]:
    """What `csv_rows` is told of a column; the arrays that must live as long; most bytes of a row."""
    if column.wide is not None:
        column = Column(pl.String(), None, column.valid, Texts.of_series(column.wide.cast(pl.String)))
    elif column.kind == pl.Boolean:
        column = text_column(["false", "true"], _values(column).astype(np.uint8), column.valid)
    elif column.kind == pl.Date:
        place, first = numbered(_values(column).astype(np.int64).view(np.uint64))
        days = [(_EPOCH + dt.timedelta(days=int(day))).isoformat() for day in _values(column)[first]]
        column = text_column(days, place, column.valid)
    valid = None if column.valid is None else np.ascontiguousarray(column.valid)
    if column.texts is not None:
        texts = column.texts.quoted() if len(column.texts) else Texts.of([""])
        values = None if column.values is None else np.ascontiguousarray(column.values, dtype=np.uint32)
        width = int(np.diff(texts.starts).max(initial=0))
        kind, held = kernels.OWN if values is None else kernels.TEXT, [valid, values, texts.starts, texts.data]
        scale = 0
    else:
        scale = column.kind.scale if isinstance(column.kind, pl.Decimal) else 0
        small = _values(column).dtype == np.uint32 and not scale
        values = np.ascontiguousarray(_values(column), dtype=np.uint32 if small else np.int64)
        kind, held, width = kernels.SMALL if small else kernels.WIDE, [valid, values, None, None], NUMBER
    where = [0 if array is None else array.ctypes.data for array in held]
    return [kind, where[1], where[0], scale, *where[2:]], [array for array in held if array is not None], width


def _values(column: Column) -> Array:
    assert column.values is not None
    return column.values
