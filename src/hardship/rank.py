"""The order: from sort keys to positions, competition ranks and percentiles, the same for any thread count.

Rows are given in the order of their ids, so the row number is the last key and no two rows are ever equal.
All keys and the row number are packed into one 64-bit word where they fit (one plain sort of integers instead
of one for each column); else rows are sorted column by column. Both give the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

AREA_LEVELS = {"province": 2, "city": 4, "county": 6, "township": 9, "village": 12}
"""Name of each level of an area code and the length of its prefix."""


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
class Order:
    """The sorted rows.

    Attributes:
        rows: (m,) int64; the ranked rows, hardest first.
        tie: (m,) int64; in the same order, the place in `rows` of the first row with equal keys.
    """

    rows: Int64
    tie: Int64


def order(keys: Sequence[Key], chosen: Bools) -> Order:
    """Sort the chosen rows by `keys`, the row number last.

    Args:
        keys: the keys over all n rows, most important first.
        chosen: (n,) bool; the rows that take part.
    """
    picked = np.flatnonzero(chosen)
    columns: list[tuple[UInt64, int]] = []
    for key in keys:
        columns += _columns(key, picked)
    row_bits = len(picked).bit_length()
    key_bits = sum(bits for _, bits in columns)
    if key_bits + row_bits <= 64:
        words = np.arange(len(picked), dtype=np.uint64)
        words |= _pack(columns, row_bits, len(picked))
        words.sort()
        places = (words & np.uint64((1 << row_bits) - 1)).astype(np.int64)
        packed = words >> np.uint64(row_bits) if row_bits < 64 else words
        differs = packed[1:] != packed[:-1]
    else:
        places = np.lexsort([column for column, _ in reversed(columns)]).astype(np.int64)
        differs = np.zeros(max(len(places) - 1, 0), dtype=np.bool_)
        for column, _ in columns:
            in_order = column[places]
            differs |= in_order[1:] != in_order[:-1]
    first = np.ones(len(places), dtype=np.bool_)
    first[1:] = differs
    return Order(picked[places], _carry(first))


def _columns(key: Key, picked: Int64) -> list[tuple[UInt64, int]]:
    """A key as unsigned columns, smallest first, each with the bits it needs (none for a constant)."""
    values = key.values[picked].astype(np.int64, copy=False)
    valid = None if key.valid is None else key.valid[picked]
    columns: list[tuple[UInt64, int]] = []
    if valid is not None and not valid.all():
        last = valid if key.nulls_first else ~valid
        columns.append((last.astype(np.uint64), 1))
        if not valid.any():
            return columns
        values = np.where(valid, values, values[np.argmax(valid)])
    if not len(values):
        return columns
    low, high = int(values.min()), int(values.max())
    # Differences of int64 values fit uint64, and unsigned subtraction wraps to them exactly.
    raw = values.view(np.uint64)
    start = np.array(high if key.descending else low, dtype=np.int64).view(np.uint64)
    columns.append((start - raw if key.descending else raw - start, (high - low).bit_length()))
    return columns


def _pack(columns: Sequence[tuple[UInt64, int]], row_bits: int, rows: int) -> UInt64:
    """The columns side by side above `row_bits` low bits, the first column highest."""
    packed = np.zeros(rows, dtype=np.uint64)
    shift = row_bits + sum(bits for _, bits in columns)
    for column, bits in columns:
        shift -= bits
        if bits:
            packed |= column << np.uint64(shift)
    return packed


def _carry(first: Bools) -> Int64:
    """For each place the last place at or before it where `first` is True (it is True at place 0)."""
    places = np.where(first, np.arange(len(first), dtype=np.int64), 0)
    return np.maximum.accumulate(places)


def positions(ordered: Order, rows: int) -> tuple[Int64, Int64]:
    """Position 1…m and competition rank (1, 1, 3) of every row; 0 for rows that are not ranked.

    Returns:
        two arrays of shape (rows,).
    """
    position = np.zeros(rows, dtype=np.int64)
    rank = np.zeros(rows, dtype=np.int64)
    position[ordered.rows] = np.arange(1, len(ordered.rows) + 1)
    rank[ordered.rows] = ordered.tie + 1
    return position, rank


def within(ordered: Order, groups: npt.NDArray[Any]) -> Int64:
    """Competition rank inside each group; 0 for rows that are not ranked or stand in no group.

    Args:
        groups: (n,) integers; the group of every row, negative for none.
    """
    rank = np.zeros(len(groups), dtype=np.int64)
    group = groups[ordered.rows]
    kept = group >= 0
    rows, tie, group = ordered.rows[kept], ordered.tie[kept], group[kept]
    if not len(rows):
        return rank
    # Sixteen bits are sorted by radix, ten times faster than wider integers.
    narrow = group.astype(np.uint16) if int(group.max()) < 1 << 16 else group
    by_group = np.argsort(narrow, kind="stable")
    rows, tie, group = rows[by_group], tie[by_group], group[by_group]
    opens = np.ones(len(rows), dtype=np.bool_)
    opens[1:] = group[1:] != group[:-1]
    first = opens.copy()
    first[1:] |= tie[1:] != tie[:-1]
    rank[rows] = _carry(first) - _carry(opens) + 1
    return rank


def percentile(rank: Int64, ranked: int) -> Int64:
    """floor(10000 · (rank − 1) / ranked) in hundredths; 0 where rank is 0 (to be shown as null)."""
    return 10_000 * np.maximum(rank - 1, 0) // max(ranked, 1)


def area_groups(codes: Sequence[str], of_row: npt.NDArray[Any], length: int) -> Int64:
    """The group of each row by the first `length` characters of its area code; −1 where the code is shorter.

    Args:
        codes: the distinct area codes.
        of_row: (n,) integers; index into `codes` of every row, negative for none.
        length: length of the prefix.
    """
    prefixes = sorted({code[:length] for code in codes if len(code) >= length})
    number = {prefix: place for place, prefix in enumerate(prefixes)}
    # A code shorter than the prefix is no key of `number`; the last entry serves rows without a code.
    table: Int64 = np.array([*(number.get(code[:length], -1) for code in codes), -1], dtype=np.int64)
    groups: Int64 = table[of_row]
    return groups
