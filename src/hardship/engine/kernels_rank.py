"""Kernels of the order: keys packed into words, words put into buckets, ranks counted along the sorted words.

A word is all keys of a row side by side and, below them, its row number, so no two words are equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import kernel

BUCKET_BITS = 11
AT_ONCE = 128  # rows that are fetched before any of them is worked on


@kernel
def bounds(values: Any, valid: Any, rows: Any, begin: int, end: int, found: Any) -> None:
    """The smallest and the largest known value of a key.

    Args:
        values: (n,) int64.
        valid: (n,) bool, False where null; empty: none is.
        rows: (m,) uint32; the rows that take part.
        begin, end: which of `rows` are looked at.
        found: (3,) int64, filled: smallest, largest, how many are null.
    """
    low, high, nulls = np.int64(2**63 - 1), np.int64(-(2**63)), 0
    for i in range(begin, end):
        row = rows[i]
        if len(valid) > 0 and not valid[row]:
            nulls += 1
        else:
            low, high = min(low, values[row]), max(high, values[row])
    found[0], found[1], found[2] = low, high, nulls


@kernel
def pushed(
    words: Any, values: Any, valid: Any, rows: Any, begin: int, end: int, start: int, bits: int, descending: bool,
    nulls: int,
) -> None:  # fmt: skip
    """Put a key below what the words hold already.

    Args:
        words: (m,) uint64.
        start: the value that comes first: the smallest, or of a descending key the largest.
        bits: how many the key needs.
        nulls: 0: the key has none; 1: they come last; 2: first. Then a bit above the key's says so.
    """
    for i in range(begin, end):
        row = rows[i]
        known = len(valid) == 0 or valid[row]
        word = words[i]
        if nulls != 0:
            word = word << np.uint64(1) | np.uint64(known != (nulls == 1))
        key = np.uint64(0)
        if known:
            key = np.uint64(start - values[row]) if descending else np.uint64(values[row] - start)
        words[i] = key if bits == 64 else word << np.uint64(bits) | key


@kernel
def pushed_rows(words: Any, rows: Any, begin: int, end: int, bits: int) -> None:
    """Put the row number below all keys."""
    for i in range(begin, end):
        words[i] = words[i] << np.uint64(bits) | np.uint64(rows[i])


@kernel
def counted(words: Any, begin: int, end: int, shift: int, counts: Any) -> None:
    """Count the words of each bucket: their bits from `shift` on. `counts`: (buckets,) int64, added to."""
    for i in range(begin, end):
        counts[words[i] >> np.uint64(shift)] += 1


@kernel
def scattered(words: Any, begin: int, end: int, shift: int, places: Any, out: Any) -> None:
    """Put words into their buckets. `places`: (buckets,) int64; where the next word of each goes."""
    for i in range(begin, end):
        bucket = words[i] >> np.uint64(shift)
        out[places[bucket]] = words[i]
        places[bucket] += 1


@kernel
def tallied(words: Any, bits: int, ranks: Any, first: int, counts: Any) -> None:
    """Count words by group.

    Args:
        bits: of the row number in a word.
        ranks: (n, c) uint32; the groups of a row stand in it from column `first` on.
        counts: (groupings, groups) uint32, added to.
    """
    mask = np.uint64((1 << bits) - 1)
    for i in range(len(words)):
        row = words[i] & mask
        for k in range(counts.shape[0]):
            counts[k, ranks[row, first + k]] += 1


@kernel
def ranked(words: Any, begin: int, bits: int, first: int, levels: Any, tables: Any, state: Any, ranks: Any) -> None:
    """Go along sorted words and write position and competition ranks into their rows.

    Args:
        words: (m,) uint64, sorted; words with equal keys all stand here.
        begin: how many words stand before these.
        bits: of the row number in a word.
        levels: (groupings,) int64; how many levels are made of each.
        tables: (groupings, groups, most levels) uint32; the number, of all levels' groups, of the group of a level
            that a group of a grouping belongs to.
        state: (all groups, 4) uint32, zeros but for the first column: how many of the group stand before `begin`.
            Then: where (from 1) the last key seen in the group begins among the words, and its rank there.
        ranks: (n, c) uint32. The groups of a row stand in it from column `first` on; filled with its position, its
            rank among all, its rank in its group of each level.
    """
    mask, behind = np.uint64((1 << bits) - 1), np.uint64(bits)
    mine = np.empty((AT_ONCE, len(levels)), np.uint32)
    tie = 0
    for start in range(0, len(words), AT_ONCE):
        size = min(AT_ONCE, len(words) - start)
        # Rows lie anywhere. Fetched by themselves, many are on their way at a time.
        for i in range(size):
            row = words[start + i] & mask
            for k in range(len(levels)):
                mine[i, k] = ranks[row, first + k]
        for i in range(size):
            at = start + i
            row = words[at] & mask
            if at > 0 and words[at] >> behind != words[at - 1] >> behind:
                tie = at
            here = np.uint32(tie + 1)
            ranks[row, 0] = np.uint32(begin + at + 1)
            ranks[row, 1] = np.uint32(begin) + here
            column = 2
            for k in range(len(levels)):
                for j in range(levels[k]):
                    group = tables[k, mine[i, k], j]
                    count, place = state[group, 0] + np.uint32(1), state[group, 2]
                    # Without a branch: whether a row ties with the one before it in its group cannot be foreseen.
                    place = place if state[group, 1] == here else count
                    state[group, 0], state[group, 1], state[group, 2] = count, here, place
                    ranks[row, column] = place
                    column += 1


@kernel
def split(ranks: Any, chosen: Any, begin: int, end: int, out: Any) -> None:
    """Columns (c, n) of rows (n, …), 0 where a row is not chosen."""
    for i in range(begin, end):
        taken = np.uint32(chosen[i])
        for k in range(out.shape[0]):
            out[k, i] = ranks[i, k] * taken
