"""Kernels of the order: keys packed into words, words put into buckets and sorted there, ranks counted along them.

A word is all keys of a row side by side and, below them, its row number, so no two words are equal. In its bucket the
bits that name the bucket are left away and, where there is room, the row's groups stand below its number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import kernel, soon_read, soon_written

BUCKET_BITS = 11
WINDOW_BITS = 16  # rows whose ranks are laid down together: what fits a cache, and few enough to be written to at once
FEW = 24  # words that are sorted by being put in one by one
AHEAD_WRITTEN, AHEAD_READ = 2, 16  # records that are fetched before they are reached
SMALL = 2048  # words that are sorted by 8 bits at a time rather than 11


@kernel
def bounds(values: Any, valid: Any, chosen: Any, begin: int, end: int, found: Any) -> None:
    """The smallest and the largest known value of a key.

    Args:
        values: (n,) int64.
        valid: (n,) bool, False where null; empty: none is.
        chosen: (n,) bool, the rows that take part.
        begin, end: which rows are looked at.
        found: (3,) int64, filled: smallest, largest, how many are null.
    """
    low, high, nulls = np.int64(2**63 - 1), np.int64(-(2**63)), np.int64(0)
    if len(valid) == 0:
        for i in range(begin, end):
            value, known = values[i], chosen[i]
            low, high = min(low, value if known else low), max(high, value if known else high)
    else:
        for i in range(begin, end):
            value, known = values[i], chosen[i] and valid[i]
            nulls += np.int64(chosen[i]) - np.int64(known)
            low, high = min(low, value if known else low), max(high, value if known else high)
    found[0], found[1], found[2] = low, high, nulls


@kernel
def grouped(of_row: Any, begin: int, end: int, none: int, start: int, groups: Any) -> Any:
    """Put the groups of a grouping into those of each row, from bit `start` on, `none` for no group.

    Args:
        of_row: (n,) integers, negative for none.
        groups: (n,) unsigned, added to.

    Returns:
        how many rows stand in no group.
    """
    homeless = np.int64(0)
    for i in range(begin, end):
        group = np.int64(of_row[i])
        homeless += np.int64(group < 0)
        groups[i] |= np.uint64(none if group < 0 else group) << np.uint64(start)
    return homeless


@kernel
def pushed(
    words: Any, values: Any, valid: Any, begin: int, end: int, start: int, bits: int, descending: bool, nulls: int
) -> None:
    """Put a key below what the words of the rows from `begin` to before `end` hold already.

    Args:
        words: (end - begin or more,) uint64.
        start: the value that comes first: the smallest, or of a descending key the largest.
        bits: how many the key needs, below 64.
        nulls: 0: the key has none; 1: they come last; 2: first. Then a bit above the key's says so.
    """
    for i in range(begin, end):
        word = words[i - begin]
        key = np.uint64(start - values[i]) if descending else np.uint64(values[i] - start)
        if nulls != 0:
            known = valid[i]
            word = word << np.uint64(1) | np.uint64(known != (nulls == 1))
            key = key if known else np.uint64(0)
        words[i - begin] = word << np.uint64(bits) | key


@kernel
def laid(
    keys: Any, chosen: Any, begin: int, end: int, row_bits: int, shift: int, at: int, words: Any, counts: Any
) -> int:
    """Put the row number below the keys of the chosen rows; count the words of each bucket: their bits from `shift` on.

    Args:
        keys: (end - begin or more,) uint64.
        at: where the first word goes in `words` (m,) uint64.
        counts: (buckets,) int64, added to.

    Returns:
        where the next word goes.
    """
    for i in range(begin, end):
        if chosen[i]:
            word = keys[i - begin] << np.uint64(row_bits) | np.uint64(i)
            words[at] = word
            counts[word >> np.uint64(shift)] += 1
            at += 1
    return at


@kernel
def scattered(
    words: Any, begin: int, end: int, shift: int, row_bits: int, groups: Any, group_bits: int, places: Any, out: Any
) -> None:
    """Put words into their buckets without the bits that name these, and with their groups below them.

    Args:
        groups: (n,) unsigned, of each row.
        group_bits: 0: they are left away.
        places: (buckets,) int64; where the next word of each goes.
    """
    rows, rest = np.uint64((1 << row_bits) - 1), np.uint64((1 << shift) - 1)
    for i in range(begin, end):
        word = words[i]
        bucket = word >> np.uint64(shift)
        place = places[bucket]
        places[bucket] = place + 1
        below = np.uint64(groups[word & rows]) if group_bits > 0 else np.uint64(0)
        out[place] = (word & rest) << np.uint64(group_bits) | below


@kernel
def tallied(
    words: Any, row_bits: int, groups: Any, group_bits: int, starts: Any, masks: Any, counts: Any, of: Any
) -> None:
    """Count words by group, and by window of rows.

    Args:
        words: as `scattered` left them.
        starts, masks: (groupings,) int64; where the group of each grouping stands, and how wide.
        counts: (groupings, groups) uint32, added to.
        of: (windows,) uint32, added to.
    """
    rows = np.uint64((1 << row_bits) - 1)
    for i in range(len(words)):
        row = words[i] >> np.uint64(group_bits) & rows
        of[row >> np.uint64(WINDOW_BITS)] += np.uint32(1)
        for k in range(len(starts)):
            own = words[i] if group_bits > 0 else np.uint64(groups[row])
            counts[k, own >> np.uint64(starts[k]) & np.uint64(masks[k])] += np.uint32(1)


@kernel
def in_order(words: Any, begin: Any, end: Any, low: Any, high: Any, spare: Any, counts: Any) -> None:
    """Sort the words of a bucket by their bits from `low` to before `high`; those equal in them stay as they stand.

    Args:
        words: (m,) uint64; sorted from `begin` to before `end`.
        spare: (end - begin or more,) uint64. counts: (2048,) uint32. Both hold anything.
    """
    size = end - begin
    if size < 2 or high <= low:
        return
    if size <= FEW:
        for i in range(begin + 1, end):
            word, at = words[i], i
            while at > begin and words[at - 1] >> np.uint64(low) > word >> np.uint64(low):
                words[at] = words[at - 1]
                at -= 1
            words[at] = word
        return
    most = 8 if size < SMALL else 11
    rounds = (high - low + most - 1) // most
    done, away = low, False
    for left in range(rounds, 0, -1):
        bits = (high - done + left - 1) // left
        by, mask = np.uint64(done), np.uint64((1 << bits) - 1)
        done += bits
        source, target = words[begin:end], spare[:size]
        if away:
            source, target = target, source
        counts[: 1 << bits] = 0
        for i in range(size):
            counts[source[i] >> by & mask] += np.uint32(1)
        if counts[source[0] >> by & mask] == size:
            continue
        total = np.uint32(0)
        for digit in range(1 << bits):
            own = counts[digit]
            counts[digit] = total
            total += own
        for i in range(size):
            digit_of = source[i] >> by & mask
            place = counts[digit_of]
            counts[digit_of] = place + np.uint32(1)
            target[place] = source[i]
        away = not away
    if away:
        words[begin:end] = spare[:size]


@kernel
def ranked(
    words: Any, ends: Any, first: int, last: int, bits: Any, groups: Any, starts: Any, masks: Any, levels: Any,
    tables: Any, spare: Any, counts: Any, places: Any, records: Any,
) -> None:  # fmt: skip
    """Sort the buckets from `first` to before `last` and go along their words, counting all ranks at once.

    A row's ranks are written as a record behind those of its window, so that memory is written to in few places.

    Args:
        words: as `scattered` left them; sorted within the buckets.
        ends: (buckets,) int64; where each ends.
        bits: (3,) int64; of the row number, of the groups, of the words.
        groups: (n,) unsigned, of each row; used where none stand in the words.
        starts, masks: see `tallied`.
        levels: (groupings,) int64; how many levels are made of each.
        tables: (groupings, groups, most levels) uint32; the number, of all levels' groups, of the group of a level
            that a group of a grouping belongs to; 0 for none, whose rows have no rank.
        spare: as large as the largest of these buckets, uint64.
        counts: (all groups,) uint32; how many of each stand before these buckets.
        places: (windows,) int64; where the next record of each goes.
        records: (m, 3 + all levels) uint32, filled: position, rank among all, rank in the group of each level, and the
            place of the row in its window.
    """
    row_bits, group_bits, all_bits = bits[0], bits[1], bits[2]
    rows, inside, low = np.uint64((1 << row_bits) - 1), np.uint64((1 << WINDOW_BITS) - 1), row_bits + group_bits
    digits = np.empty(2048, np.uint32)
    end_column = records.shape[1] - 1
    begin = ends[first - 1] if first > 0 else np.int64(0)
    for bucket in range(first, last):
        end = ends[bucket]
        in_order(words, begin, end, low, all_bits, spare, digits)
        if group_bits == 0 and len(starts) > 0:
            # Rows lie anywhere. Fetched by themselves, many are on their way at a time.
            for i in range(begin, end):
                spare[i - begin] = groups[words[i] & rows]
        at = begin
        while at < end:
            key = words[at] >> np.uint64(low)
            stop = at + 1
            while stop < end and words[stop] >> np.uint64(low) == key:
                stop += 1
            alone = stop == at + 1
            for i in range(at, stop):
                row = words[i] >> np.uint64(group_bits) & rows
                own = words[i] if group_bits > 0 else spare[i - begin]
                window = row >> np.uint64(WINDOW_BITS)
                place = places[window]
                places[window] = place + 1
                soon_written(records, (place + AHEAD_WRITTEN) * np.int64(end_column + 1))
                records[place, 0], records[place, 1] = np.uint32(i + 1), np.uint32(at + 1)
                records[place, end_column] = np.uint32(row & inside)
                column = 2
                for k in range(len(levels)):
                    group = own >> np.uint64(starts[k]) & np.uint64(masks[k])
                    for j in range(levels[k]):
                        number = tables[k, group, j]
                        rank = counts[number] + np.uint32(1)
                        records[place, column] = rank if number != 0 else np.uint32(0)
                        if alone:
                            counts[number] = rank
                        column += 1
            # Whoever has the same key has the same rank: those count only for the ones behind them.
            if not alone:
                for i in range(at, stop):
                    own = words[i] if group_bits > 0 else spare[i - begin]
                    for k in range(len(levels)):
                        group = own >> np.uint64(starts[k]) & np.uint64(masks[k])
                        for j in range(levels[k]):
                            counts[tables[k, group, j]] += np.uint32(1)
            at = stop
        begin = end


@kernel
def put_back(records: Any, begin: int, end: int, window: int, out: Any) -> None:
    """The records of one window into columns (c, n), 0 for rows without one."""
    first = window << WINDOW_BITS
    rows, width = min(1 << WINDOW_BITS, out.shape[1] - first), out.shape[0]
    # Records are read anywhere, many on their way at a time, and columns written one row after another.
    own = records[begin:end]
    of_row = np.empty(rows, np.uint32)
    if end - begin < rows:
        of_row[:] = np.uint32(1 << WINDOW_BITS)
    for i in range(end - begin):
        of_row[own[i, width]] = np.uint32(i)
    for row in range(rows):
        ahead = of_row[min(row + AHEAD_READ, rows - 1)]
        soon_read(own, np.int64(ahead) * (width + 1))
        place = of_row[row]
        known = place < end - begin
        for k in range(width):
            out[k, first + row] = own[place, k] if known else np.uint32(0)


@kernel
def shares(rank: Any, ranked_rows: int, out: Any) -> None:
    """floor(10000 · (rank − 1) / ranked rows) into int64; 0 where rank is 0."""
    for i in range(len(rank)):
        behind = np.uint64(rank[i]) - np.uint64(rank[i] > 0)
        out[i] = np.int64(behind * np.uint64(10_000) // np.uint64(ranked_rows))
