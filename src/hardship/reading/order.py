"""What the order of rows tells: files mostly come sorted, and neighbours are far cheaper to compare than to hash."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
LONGEST = 64  # rows of a run beyond which comparing all pairs of it costs more than hashing


def ascending(texts: pl.Series) -> bool:
    """Whether every text is greater (in bytes of UTF-8) than the one before: then none is null or occurs twice."""
    if texts.null_count():
        return False
    return bool((texts.slice(1) > texts.slice(0, max(texts.len() - 1, 0))).all())


def run_starts(keys: Sequence[pl.Series]) -> Bools:
    """(rows,) whether a row differs from the row before in some key; the first one does. Null equals null."""
    starts = np.ones(keys[0].len(), dtype=np.bool_)
    starts[1:] = False
    for key in keys:
        starts[1:] |= key.slice(1).ne_missing(key.slice(0, max(key.len() - 1, 0))).to_numpy()
    return starts


def alone_in_runs(starts: Bools, texts: pl.Series) -> bool:
    """Whether no text occurs twice in a run; False also where it cannot be said cheaply. Null equals null.

    Args:
        starts: where runs begin, the first row among them.
    """
    run = np.cumsum(starts)
    if run.size == 0:
        return True
    if int(np.bincount(run).max()) > LONGEST:
        return False
    later = np.arange(1, run.size)
    lag = 1
    while later.size:
        later = later[run[later] == run[later - lag]]
        if texts.gather(later).eq_missing(texts.gather(later - lag)).any():
            return False
        lag += 1
        later = later[later >= lag]
    return True


def places_in_runs(first: Rows, size: Rows, texts: pl.Series, wanted: pl.Series) -> Rows:
    """Where in a run of rows each wanted text stands.

    Args:
        first, size: (n,) the run in which to look: its first row, and how many rows it has (0: none).
        texts: the texts of all rows, each once in a run at most.
        wanted: (n,) the texts to find.

    Returns:
        (n,) the row, -1 where there is none.
    """
    found = np.full(first.size, -1, dtype=np.int64)
    left = np.arange(first.size)
    step = 0
    while (left := left[size[left] > step]).size:
        rows = first[left] + step
        hit = (texts.gather(rows) == wanted.gather(left)).fill_null(False).to_numpy()
        found[left[hit]] = rows[hit]
        left = left[~hit]
        step += 1
    return found


def in_order(frame: pl.DataFrame, names: Sequence[str]) -> bool:
    """Whether the rows are sorted by the columns `names`, nulls last."""
    later = np.arange(1, frame.height)  # rows that equal the row before in all columns so far
    for name in names:
        if later.size == 0:
            return True
        column = frame[name]
        whole = later.size == frame.height - 1
        here = column.slice(1) if whole else column.gather(later)
        before = column.slice(0, frame.height - 1) if whole else column.gather(later - 1)
        wrong = (here < before).fill_null(False) | (before.is_null() & here.is_not_null())
        if wrong.any():
            return False
        later = later[here.eq_missing(before).to_numpy()]
    return True
