"""The order: from sort keys to positions, competition ranks and percentiles, the same for any thread count.

Rows are given in the order of their ids, so the row number is the last key and no two rows are ever equal.
All keys and the row number are packed into one 64-bit word where they fit, and a row's groups below them. Words are put
into buckets by their highest bits; threads take buckets, sort each while it lies in a cache, and go along its words
counting all ranks at once. What they find is written in the order of the keys, but apart for each window of rows, and
then laid back window by window. Where the keys do not fit, rows are sorted column by column and the words made of
their places.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship.engine import room

Array = npt.NDArray[Any]
Int64 = npt.NDArray[np.int64]
UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

AREA_LEVELS = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12}
"""Name of each level of an area code and the length of its prefix."""
FEW = 50_000  # rows that one thread ranks sooner than two share
TURN = 8  # windows of rows that a thread lays back at a time
BLOCK = 1 << 15  # rows whose words are made at a time, so that they stay in a cache

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
        groupings: within whose levels ranks are counted too; the numbers of their groups have 64 bits together.
        threads: 0 uses all cores; the result does not depend on it.

    Returns:
        arrays of shape (n,), 0 for rows that are not ranked: position 1…m, competition rank (1, 1, 3), and the
        competition rank inside its group for each level of each grouping (0 also in no group). Levels that part the
        rows alike have one array.
    """
    threads = 1 if len(chosen) < FEW else threads or os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool, np.errstate(over="ignore"):  # of use without compilation: words wrap
        each = _together(pool) if threads > 1 else _in_turn
        groups, homeless = _groups(groupings, len(chosen), each, threads)
        plan = _plan(groupings, homeless)
        # The words lie where the ranks will: they are gone before any is laid there.
        rows, columns = len(chosen), len(plan.slots)
        (memory,) = room.empty([((max(columns, 4) * rows,), np.uint32)])
        made = _words(keys, chosen, each, threads, memory[: 2 * rows].view(np.uint64))
        parted = _parted(made, groups, plan, each, threads, memory[2 * rows : 4 * rows].view(np.uint64))
        found = memory[: columns * rows].reshape(columns, rows)
        _counted(parted, chosen, groups, plan, each, threads, found)
    arrays = list(found)  # one object for each, so that others see which levels are alike
    return [arrays[column] for column in plan.columns]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which levels are counted, and how.

    Attributes:
        starts, masks: (groupings + 1,) int64; at which bit of a row's groups that of each grouping begins, and its
            bits; last those of no grouping.
        bits: of all of them.
        tables: see `kernels_rank.ranked`.
        grouping: (pairs,) int64; whose levels they are: not one that all rows stand in one group of, nor one that
            parts them like another.
        slots: (columns,) int64; which 32-bit number of a record goes into each column.
        groups: of all levels.
        columns: of every level asked for, the column that holds its ranks; before them position and rank.
    """

    starts: Int64
    masks: Int64
    bits: int
    tables: UInt64
    grouping: Int64
    slots: Int64
    groups: int
    columns: list[int]


def _sizes(groupings: Sequence[Grouping]) -> list[int]:
    """The bits of a row's group in each grouping; the number after the last group is that of rows without one."""
    return [max((len(level) for level in one.levels), default=0).bit_length() for one in groupings]


def _groups(groupings: Sequence[Grouping], rows: int, each: _Each, threads: int) -> tuple[Array, list[bool]]:
    """(rows,) unsigned: each row's groups side by side; and of each grouping whether a row is in none."""
    from hardship.engine import kernels_rank as kernels

    sizes = _sizes(groupings)
    (groups,) = room.empty([((rows if sizes else 0,), np.uint32 if sum(sizes) <= 32 else np.uint64)])
    nones = [max((len(level) for level in one.levels), default=0) for one in groupings]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    given = [
        one.of_row if one.of_row.dtype in (np.int64, np.uint32) else one.of_row.astype(np.int64) for one in groupings
    ]

    def give(begin: int, end: int) -> list[int]:
        without = [0] * len(given)
        for first in range(begin, end, BLOCK):
            last = min(first + BLOCK, end)
            groups[first:last] = 0
            for place, of_row in enumerate(given):
                without[place] += kernels.grouped(of_row, first, last, nones[place], starts[place], groups)
        return without

    return groups, [any(counts) for counts in zip(*each(give, *_ranges(rows, threads)), strict=True)]


def _plan(groupings: Sequence[Grouping], homeless: Sequence[bool]) -> _Plan:
    most = max((len(level) for one in groupings for level in one.levels), default=0) + 1
    columns, slots, groups = [0, 1], [0, 1], 1  # group 0 is none
    halves: list[Array] = []  # of pairs
    grouping: list[int] = []
    for number, (one, some_without) in enumerate(zip(groupings, homeless, strict=True)):
        apart: dict[bytes, int] = {}
        for level in one.levels:
            # Groups in the order in which they appear: equal for levels that part the rows alike.
            _, first, place = np.unique(level, return_index=True, return_inverse=True)
            alike = np.argsort(np.argsort(first))[place]
            if len(first) == 1 and (level >= 0).all() and not some_without:
                columns.append(1)
                continue
            key = alike.tobytes() + (level < 0).tobytes()
            if key not in apart:
                apart[key] = len(slots)
                table = np.zeros(most, dtype=np.uint64)
                table[: len(level)] = np.where(level < 0, 0, groups + alike)
                slots.append(2 + len(halves))
                halves.append(table)
                grouping.append(number)
                groups += len(first)
            columns.append(apart[key])
        halves += [np.zeros(most, dtype=np.uint64)] * (len(halves) % 2)
        grouping += [number] * (len(halves) - len(grouping))
    if slots[-1] == 1 + len(halves):  # the last number of a record is a level's (or there is none at all)
        halves += [np.zeros(most, dtype=np.uint64)] * 2
        grouping += [len(groupings)] * 2
    sizes = [*_sizes(groupings), 0]
    return _Plan(
        np.array([sum(sizes[:place]) for place in range(len(sizes))], dtype=np.int64),
        np.array([(1 << size) - 1 for size in sizes], dtype=np.int64),
        sum(sizes),
        np.array(halves[::2]) | np.array(halves[1::2]) << np.uint64(32),
        np.array(grouping[::2], dtype=np.int64),
        np.array(slots, dtype=np.int64),
        groups,
        columns,
    )


_Each = Callable[..., list[Any]]


def _in_turn(work: Callable[..., Any], *arguments: Iterable[Any]) -> list[Any]:
    return list(map(work, *arguments))


def _together(pool: ThreadPoolExecutor) -> _Each:
    return lambda work, *arguments: list(pool.map(work, *arguments))


def _ranges(rows: int, threads: int) -> tuple[list[int], list[int]]:
    """Where each thread's rows begin and end."""
    cuts = [rows * part // threads for part in range(threads + 1)]
    return cuts[:-1], cuts[1:]


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the chosen rows.

    Attributes:
        words: (m,) uint64, by row or in order.
        row_bits, width: bits of the row number, and of all of a word.
        counts: (threads, buckets) int64; of the words of each thread how many belong to each bucket.
        cuts: (threads + 1,) where each thread's words begin.
    """

    words: UInt64
    row_bits: int
    width: int
    counts: Int64
    cuts: list[int]

    @property
    def shift(self) -> int:
        """From which bit on a word names its bucket."""
        return _shift(self.width, self.row_bits)


def _shift(width: int, row_bits: int) -> int:
    """From which bit on a word names its bucket; rows with the same keys stand in the same one."""
    from hardship.engine.kernels_rank import BUCKET_BITS

    return max(width - BUCKET_BITS, row_bits)


def _words(keys: Sequence[Key], chosen: Bools, each: _Each, threads: int, words: UInt64) -> _Words:
    from hardship.engine import kernels_rank as kernels

    rows = len(chosen)
    begins, ends = _ranges(rows, threads)
    row_bits = max(rows - 1, 1).bit_length()
    width, pushes = row_bits, []
    for key in keys:
        valid = _NONE if key.valid is None else key.valid
        found = np.empty((threads, 3), dtype=np.int64)
        each(partial(kernels.bounds, key.values, valid, chosen), begins, ends, found)
        low, high, nulls = int(found[:, 0].min()), int(found[:, 1].max()), int(found[:, 2].sum())
        if low > high:  # none is known: the key says nothing
            continue
        bits, where = (high - low).bit_length(), 0 if not nulls else 2 if key.nulls_first else 1
        width += bits + (where > 0)
        pushes.append((key.values, valid, high if key.descending else low, bits, key.descending, where))
    if width > 64:
        return _by_columns(keys, chosen, row_bits)
    cuts = np.cumsum([0, *(np.count_nonzero(chosen[begin:end]) for begin, end in zip(begins, ends, strict=True))])
    shift = _shift(width, row_bits)
    counts = np.zeros((threads, 1 << (width - shift)), dtype=np.int64)

    def push(begin: int, end: int, at: int, own: Int64) -> None:
        block = np.empty(BLOCK, dtype=np.uint64)
        for first in range(begin, end, BLOCK):
            last = min(first + BLOCK, end)
            block[:] = 0
            for values, valid, start, bits, descending, where in pushes:
                kernels.pushed(block, values, valid, first, last, start, bits, descending, where)
            at = kernels.laid(block, chosen, first, last, row_bits, shift, at, words, own)

    each(push, begins, ends, cuts[:-1].tolist(), counts)
    return _Words(words[: cuts[-1]], row_bits, width, counts, cuts.tolist())


def _by_columns(keys: Sequence[Key], chosen: Bools, row_bits: int) -> _Words:
    """Words made of the places of equal keys in an order by columns."""
    rows = np.flatnonzero(chosen)
    columns: list[Array] = []
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
    words = words << np.uint64(row_bits) | rows[order].astype(np.uint64)
    shift = _shift(width, row_bits)
    counts = np.bincount((words >> np.uint64(shift)).astype(np.int64), minlength=1 << (width - shift))
    return _Words(words, row_bits, width, counts[None], [0, len(words)])


@dataclass(frozen=True, slots=True)
class _Parted:
    """Words in their buckets, these in order.

    Attributes:
        words: (m,) uint64, as `kernels_rank.scattered` leaves them.
        bits: (3,) int64; of the row number, of the groups in a word (0: they are not in it), of a word.
        ends: (buckets,) int64; where each bucket ends.
    """

    words: UInt64
    bits: Int64
    ends: Int64


def _parted(made: _Words, groups: Array, plan: _Plan, each: _Each, threads: int, parted: UInt64) -> _Parted:
    from hardship.engine import kernels_rank as kernels

    group_bits = plan.bits if made.shift + plan.bits <= 64 else 0
    # The words of a bucket stand together, in it those of the first thread first.
    places = np.cumsum(made.counts.T.ravel()).reshape(made.counts.T.shape) - made.counts.T

    def scatter(begin: int, end: int, own: Int64) -> None:
        kernels.scattered(made.words, begin, end, made.shift, made.row_bits, groups, group_bits, own, parted)

    each(scatter, made.cuts[:-1], made.cuts[1:], np.ascontiguousarray(places.T.astype(np.uint64)))
    bits = np.array([made.row_bits, group_bits, made.shift + group_bits], dtype=np.int64)
    return _Parted(parted[: len(made.words)], bits, np.cumsum(made.counts.sum(axis=0)))


def _counted(
    parted: _Parted, chosen: Bools, groups: Array, plan: _Plan, each: _Each, threads: int, found: UInt32
) -> None:
    """Fill (columns, n) with all ranks."""
    from hardship.engine import kernels_rank as kernels

    words, ends, rows = parted.words, parted.ends, len(chosen)
    # Consecutive shares of the buckets, one for each thread.
    wanted = [np.searchsorted(ends, len(words) * part // threads) for part in range(1, threads)]
    limits = [0, *(int(bucket) + 1 for bucket in wanted), len(ends)]
    cut = [0, *(int(ends[limit - 1]) for limit in limits[1:])]
    window = 1 << kernels.WINDOW_BITS
    counted = (np.count_nonzero(chosen[begin : begin + window]) for begin in range(0, rows, window))
    of_window = np.fromiter(counted, dtype=np.int64)
    window_ends = np.cumsum(of_window)
    # Of each thread, for each share, what stands in the shares before it.
    before = np.zeros((threads, threads + 1, len(plan.starts), plan.tables.shape[1]), dtype=np.uint32)
    of = np.zeros((threads, threads + 1, len(of_window)), dtype=np.uint32)

    def tally(thread: int) -> None:
        row_bits, group_bits, _ = parted.bits.tolist()
        for share in range(threads - 1):
            starts, stops = _ranges(cut[share + 1] - cut[share], threads)
            own = words[cut[share] + starts[thread] : cut[share] + stops[thread]]
            kernels.tallied(
                own, row_bits, groups, group_bits, plan.starts[:-1], plan.masks[:-1],
                before[thread, share + 1], of[thread, share + 1],
            )  # fmt: skip

    each(tally, range(threads))
    earlier = before.sum(axis=0, dtype=np.uint32).cumsum(axis=0, dtype=np.uint32)
    placed = (of.sum(axis=0, dtype=np.int64).cumsum(axis=0) + window_ends - of_window).astype(np.uint64)
    pairs = len(plan.tables)
    width = (1 + pairs + 1) // 2 * 2  # half a line of the cache for up to five levels
    size = 8 * width * len(words)
    records = room.large(size)[:size].view(np.uint64).reshape(len(words), width)
    starts, masks = (part[plan.grouping].astype(np.uint64) for part in (plan.starts, plan.masks))

    def count(share: int) -> None:
        first, last = limits[share], limits[share + 1]
        counts = np.zeros(plan.groups, dtype=np.uint32)
        for number, table in zip(plan.grouping, plan.tables, strict=True):
            np.add.at(counts, table & np.uint64(0xFFFFFFFF), earlier[share, number])
            np.add.at(counts, table >> np.uint64(32), earlier[share, number])
        counts[0] = kernels.NONE
        sizes = np.diff(ends[first:last], prepend=cut[share])
        kernels.ranked(
            words, ends, first, last, parted.bits, groups, starts, masks, plan.tables,
            np.empty(sizes.max(initial=0), dtype=np.uint64), counts, placed[share], records,
        )  # fmt: skip

    each(count, range(threads))

    def lay_back(begin: int) -> None:
        kernels.put_back(records, window_ends, begin, min(begin + TURN, len(of_window)), pairs, plan.slots, found)

    each(lay_back, range(0, len(of_window), TURN))


def percentile(rank: UInt32, ranked: int) -> Int64:
    """floor(10000 · (rank − 1) / ranked) in hundredths; 0 where rank is 0 (to be shown as null)."""
    from hardship.engine import kernels_rank as kernels

    found, rows = np.empty(len(rank), dtype=np.int64), max(ranked, 1)
    # The factor is too large by less than 1, a product therefore by less than rows / 2 ** shift < 1 / rows, and no
    # multiple of 1 / rows lies between it and the true quotient: exact, as long as it has no more than 64 bits.
    bits = rows.bit_length()
    shift, fits = 2 * bits, 2 * bits + 15 <= 64
    kernels.shares(rank, rows, -(-(10_000 << shift) // rows) if fits else 0, shift, found)
    return found


def area_levels(codes: Sequence[str]) -> list[Int64]:
    """For each of `AREA_LEVELS` the group of each code by its beginning of that length; −1 where it is shorter."""
    longest = max(AREA_LEVELS.values())
    order = sorted(range(len(codes)), key=codes.__getitem__)
    sizes = np.array([len(codes[place]) for place in order], dtype=np.int64)
    letters = np.array([codes[place] for place in order], dtype=f"U{longest}").view(np.uint32).reshape(-1, longest)
    # In order, the codes with the same beginning stand together: of how many letters is it the one before?
    alike = np.zeros(len(codes), dtype=np.int64)
    same = letters[1:] == letters[:-1]
    alike[1:] = np.where(same.all(axis=1), longest, same.argmin(axis=1))
    found = []
    for length in AREA_LEVELS.values():
        long = sizes >= length
        first = long & (alike < length)
        level = np.empty(len(codes), dtype=np.int64)
        level[order] = np.where(long, np.cumsum(first) - 1, -1)
        found.append(level)
    return found
