"""The order: from sort keys to positions, competition ranks and percentiles, the same for any thread count.

Rows are given in the order of their ids, so the row number is the last key and no two rows are ever equal.
All keys and the row number are packed into one 64-bit word where they fit. Words are put into buckets by their highest
bits; threads take buckets, sort each, and go along the sorted words counting all ranks at once. Where the keys do not
fit, rows are sorted column by column and the words made of their places.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

AREA_LEVELS = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12}
"""Name of each level of an area code and the length of its prefix."""
FEW = 50_000  # rows that one thread sorts sooner than two share

_NONE = np.empty(0, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key over n rows.

    Attributes:
        values: (n,) int64; numbers over one common denominator, or codes in their order.
        valid: (n,) bool, False where the key is null; None if it never is. Values of null rows do not matter.
        descending: largest first.
        nulls_first: null rows before all others instead of after them.
    """

    values: Int64
    valid: Bools | None = None
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Grouping:
    """A grouping of the rows, and the levels that are made of its groups.

    Attributes:
        of_row: (n,) integers; the group of every row, negative for none.
        levels: for each level (groups,) integers: which group of the level a group belongs to, negative for none.
    """

    of_row: npt.NDArray[Any]
    levels: Sequence[npt.NDArray[Any]]


def ranks(keys: Sequence[Key], chosen: Bools, groupings: Sequence[Grouping] = (), threads: int = 0) -> list[UInt32]:
    """Sort the chosen rows by `keys`, the row number last, and count ranks.

    Args:
        keys: the keys over all n rows, most important first.
        chosen: (n,) bool; the rows that take part.
        groupings: within whose levels ranks are counted too.
        threads: 0 uses all cores; the result does not depend on it.

    Returns:
        arrays of shape (n,), 0 for rows that are not ranked: position 1…m, competition rank (1, 1, 3), and the
        competition rank inside its group for each level of each grouping (0 also in no group).
    """
    from hardship.engine import kernels_rank as kernels

    rows = np.flatnonzero(chosen).astype(np.uint32)
    threads = 1 if len(rows) < FEW else threads or os.cpu_count() or 1
    plan = _plan(groupings)
    # A row's groups, and then its ranks, stand side by side: going along the order meets each row once.
    width = 2 + int(plan.levels.sum())
    side = np.zeros((len(chosen), max(width, len(groupings))), dtype=np.uint32)
    first = side.shape[1] - len(groupings)
    for number, one in enumerate(groupings):
        # The last group is that of rows without one.
        side[:, first + number] = np.where(one.of_row < 0, plan.tables.shape[1] - 1, one.of_row)
    with ThreadPoolExecutor(threads) as pool:
        words, bits, all_bits = _words(keys, rows, pool, threads)
        shares = _sorted(words, all_bits, pool, threads)
        states = [np.zeros((plan.groups, 4), dtype=np.uint32) for _ in shares]

        def tally(number: int) -> None:
            before = np.zeros(plan.tables.shape[:2], dtype=np.uint32)
            for earlier in shares[:number]:
                kernels.tallied(earlier, bits, side, first, before)
            for own, table, count in zip(before, plan.tables, plan.levels, strict=True):
                np.add.at(states[number][:, 0], table[:, :count], own[:, None])

        def count(number: int) -> None:
            begin = sum(map(len, shares[:number]))
            kernels.ranked(shares[number], begin, bits, first, plan.levels, plan.tables, states[number], side)

        _each(pool, tally, range(1, len(shares)))
        _each(pool, count, range(len(shares)))
        found = np.empty((width, len(chosen)), dtype=np.uint32)
        _each(pool, lambda begin, end: kernels.split(side, chosen, begin, end, found), *_ranges(len(chosen), threads))
    for column, level in plan.partial:
        found[column][level] = 0
    return [found[column] for column in plan.columns]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which levels are counted, and how.

    Attributes:
        levels: (groupings,) int64; how many are counted of each: not one that all rows stand in one group of, nor
            one that parts them like another.
        tables: see `kernels_rank.ranked`.
        groups: of all levels.
        columns: of every level asked for, the column that holds its ranks; before them position and rank.
        partial: columns with rows that stand in no group: the column and a mask of those rows.
    """

    levels: Int64
    tables: npt.NDArray[Any]
    groups: int
    columns: list[int]
    partial: list[tuple[int, Bools]]


def _plan(groupings: Sequence[Grouping]) -> _Plan:
    most = max((len(level) for one in groupings for level in one.levels), default=0) + 1
    kept: list[list[npt.NDArray[Any]]] = []
    columns, partial, groups = [0, 1], [], 0
    for one in groupings:
        apart: dict[bytes, int] = {}
        mine: list[npt.NDArray[Any]] = []
        homeless = bool((one.of_row < 0).any())
        for level in one.levels:
            # Groups in the order in which they appear: equal for levels that part the rows alike.
            _, first, place = np.unique(level, return_index=True, return_inverse=True)
            alike = np.argsort(np.argsort(first))[place]
            if len(first) == 1 and (level >= 0).all() and not homeless:
                columns.append(1)
                continue
            key = alike.tobytes() + (level < 0).tobytes()
            if key not in apart:
                apart[key] = 2 + sum(map(len, kept)) + len(mine)
                table = np.full(most, groups + len(first), dtype=np.uint32)
                table[: len(level)] = groups + alike
                groups += len(first) + 1
                mine.append(table)
                if homeless or (level < 0).any():
                    nowhere = np.append(level < 0, np.ones(most - len(level), dtype=np.bool_))
                    partial.append((apart[key], nowhere[one.of_row]))  # -1 is the last
            columns.append(apart[key])
        kept.append(mine)
    tables = np.zeros((len(kept), most, max(map(len, kept), default=0)), dtype=np.uint32)
    for number, mine in enumerate(kept):
        for column, table in enumerate(mine):
            tables[number, :, column] = table
    return _Plan(np.array([len(mine) for mine in kept], dtype=np.int64), tables, groups, columns, partial)


def _each(pool: ThreadPoolExecutor, work: Callable[..., None], *arguments: Iterable[Any]) -> None:
    for _ in pool.map(work, *arguments):
        pass


def _ranges(rows: int, threads: int) -> tuple[list[int], list[int]]:
    """Where each thread's rows begin and end."""
    cuts = [rows * part // threads for part in range(threads + 1)]
    return cuts[:-1], cuts[1:]


def _words(keys: Sequence[Key], rows: UInt32, pool: ThreadPoolExecutor, threads: int) -> tuple[UInt64, int, int]:
    """The word of each row; bits of the row number in it; bits of all of it."""
    from hardship.engine import kernels_rank as kernels

    cuts = _ranges(len(rows), threads)
    row_bits = int(rows.max(initial=0)).bit_length()
    width, pushes = row_bits, []
    for key in keys:
        valid = _NONE if key.valid is None else key.valid
        found = np.empty((threads, 3), dtype=np.int64)
        _each(pool, lambda *at, held=(key.values, valid, rows): kernels.bounds(*held, *at), *cuts, found)
        low, high, nulls = int(found[:, 0].min()), int(found[:, 1].max()), int(found[:, 2].sum())
        if low > high:  # none is known: the key says nothing
            continue
        bits, where = (high - low).bit_length(), 0 if not nulls else 2 if key.nulls_first else 1
        width += bits + (where > 0)
        pushes.append((key.values, valid, high if key.descending else low, bits, key.descending, where))
    if width > 64:
        return _by_columns(keys, rows, row_bits)
    words = np.zeros(len(rows), dtype=np.uint64)

    def push(begin: int, end: int) -> None:
        for values, valid, start, bits, descending, where in pushes:
            kernels.pushed(words, values, valid, rows, begin, end, start, bits, descending, where)
        kernels.pushed_rows(words, rows, begin, end, row_bits)

    _each(pool, push, *cuts)
    return words, row_bits, width


def _by_columns(keys: Sequence[Key], rows: UInt32, row_bits: int) -> tuple[UInt64, int, int]:
    """Words made of the places of equal keys in an order by columns."""
    columns: list[npt.NDArray[Any]] = []
    for key in keys:
        values = key.values[rows]
        if key.valid is not None:
            known = key.valid[rows]
            columns.append(known if key.nulls_first else ~known)
            values = np.where(known, values, 0)
        columns.append(~values if key.descending else values)  # the complement reverses the order, and never overflows
    order = np.lexsort(columns[::-1])
    differs = np.zeros(max(len(rows) - 1, 0), dtype=np.bool_)
    for column in columns:
        differs |= column[order[1:]] != column[order[:-1]]
    words = np.zeros(len(rows), dtype=np.uint64)
    words[1:] = np.cumsum(differs)
    width = int(words.max(initial=0)).bit_length() + row_bits
    return words << np.uint64(row_bits) | rows[order], row_bits, width


def _sorted(words: UInt64, width: int, pool: ThreadPoolExecutor, threads: int) -> list[UInt64]:
    """The words in order, in consecutive shares, one for each thread; equal keys stand in one share."""
    from hardship.engine import kernels_rank as kernels

    if len(words) < FEW:
        words.sort()
        return [words]
    shift = max(width - kernels.BUCKET_BITS, 0)
    cuts = _ranges(len(words), threads)
    counts = np.zeros((threads, 1 << kernels.BUCKET_BITS), dtype=np.int64)
    _each(pool, lambda begin, end, own: kernels.counted(words, begin, end, shift, own), *cuts, counts)
    # The words of a bucket stand together, in it those of the first thread first.
    places = np.cumsum(counts.T.ravel()).reshape(counts.T.shape) - counts.T
    parted = np.empty_like(words)
    own_places = np.ascontiguousarray(places.T)
    _each(pool, lambda begin, end, own: kernels.scattered(words, begin, end, shift, own, parted), *cuts, own_places)
    ends = np.cumsum(counts.sum(axis=0))
    wanted = [np.searchsorted(ends, len(words) * part // threads) for part in range(1, threads)]
    limits = [0, *(int(bucket) + 1 for bucket in wanted), len(ends)]

    def sort(first: int, last: int) -> None:
        begin = int(ends[first - 1]) if first else 0
        for end in ends[first:last].tolist():
            if end - begin > 1:
                parted[begin:end].sort()
            begin = end

    _each(pool, sort, limits[:-1], limits[1:])
    cut = [0, *(int(ends[limit - 1]) for limit in limits[1:])]
    return [parted[begin:end] for begin, end in pairwise(cut) if begin < end]


def percentile(rank: UInt32, ranked: int) -> Int64:
    """floor(10000 · (rank − 1) / ranked) in hundredths; 0 where rank is 0 (to be shown as null)."""
    return 10_000 * np.maximum(rank.astype(np.int64) - 1, 0) // max(ranked, 1)


def area_levels(codes: Sequence[str]) -> list[Int64]:
    """For each of `AREA_LEVELS` the group of each code by its beginning of that length; −1 where it is shorter."""
    found = []
    for length in AREA_LEVELS.values():
        prefixes = sorted({code[:length] for code in codes if len(code) >= length})
        number = {prefix: place for place, prefix in enumerate(prefixes)}
        # A code shorter than the prefix is no key of `number`.
        found.append(np.array([number.get(code[:length], -1) for code in codes], dtype=np.int64))
    return found
