"""Kernels of the order: keys packed into words, words put into buckets and sorted there, ranks counted along them.

A word is all keys of a row side by side and, below them, its row number, so no two words are equal. In its bucket the
bits that name the bucket are left away and, where there is room, the row's groups stand below its number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import inlined, kernel, soon_written

NONE = np.uint32(0xFFFFFFFF)
"""The count of no group: one more is 0, no rank."""
LOW_HALF = np.uint64(0xFFFFFFFF)
"""The lower 32 bits."""

BUCKET_BITS = 11
WINDOW_BITS = 15  # rows whose ranks are laid down together: what fits a cache, and few enough to be written to at once
FEW = 24  # words that are sorted by being put in one by one
AHEAD = np.uint64(4)  # records that are fetched before they are written
PAIRS = 3  # pairs of levels that are counted without a loop: five levels of area and the circle
TILE = 256  # records that are laid into columns at a time
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
    # Slices: counted from 0, so that several are done at once.
    values, chosen = values[begin:end], chosen[begin:end]
    if len(valid) == 0:
        for i in range(len(values)):
            value, known = values[i], chosen[i]
            low, high = min(low, value if known else low), max(high, value if known else high)
    else:
        valid = valid[begin:end]
        for i in range(len(values)):
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
    of_row, groups = of_row[begin:end], groups[begin:end]
    for i in range(len(of_row)):
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
    values = values[begin:end]
    if nulls == 0 and descending:
        for i in range(len(values)):
            words[i] = words[i] << np.uint64(bits) | np.uint64(start - values[i])
    elif nulls == 0:
        for i in range(len(values)):
            words[i] = words[i] << np.uint64(bits) | np.uint64(values[i] - start)
    else:
        valid = valid[begin:end]
        for i in range(len(values)):
            known = valid[i]
            word = words[i] << np.uint64(1) | np.uint64(known != (nulls == 1))
            key = np.uint64(start - values[i] if descending else values[i] - start)
            words[i] = word << np.uint64(bits) | (key if known else np.uint64(0))


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
    chosen = chosen[begin:end]
    for i in range(len(chosen)):
        if chosen[i]:
            word = keys[i] << np.uint64(row_bits) | np.uint64(begin + i)
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
        places: (buckets,) uint64; where the next word of each goes.
    """
    rows, rest = np.uint64((1 << row_bits) - 1), np.uint64((1 << shift) - 1)
    words = words[begin:end]
    for i in range(len(words)):
        word = words[i]
        bucket = word >> np.uint64(shift)
        place = places[bucket]
        places[bucket] = place + np.uint64(1)
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
        for i in range(size):  # a slice's assignment would be compiled with all the words of its possible fault
            words[begin + i] = spare[i]


@inlined
def two_ranks(own: Any, k: int, starts: Any, masks: Any, tables: Any, counts: Any, more: Any) -> Any:
    """The ranks of a row in its groups of two levels, the second above the first, whose counts become `more`."""
    both = tables[k, own >> starts[k] & masks[k]]
    one, other = both & LOW_HALF, both >> np.uint64(32)
    before, other_before = np.uint64(counts[one]), np.uint64(counts[other])
    counts[one], counts[other] = before + more, other_before + more
    counts[0] = NONE
    return before + np.uint64(1) & LOW_HALF | other_before + np.uint64(1) << np.uint64(32)


@kernel
def ranked(
    words: Any, ends: Any, first: int, last: int, bits: Any, groups: Any, starts: Any, masks: Any, tables: Any,
    spare: Any, counts: Any, places: Any, records: Any,
) -> None:  # fmt: skip
    """Sort the buckets from `first` to before `last` and go along their words, counting all ranks at once.

    A row's ranks are written as a record behind those of its window, so that memory is written to in few places.
    Levels are counted two at a time; the second of the last pair is none, and the place of the row in its window
    stands there.

    Args:
        words: as `scattered` left them; sorted within the buckets.
        ends: (buckets,) int64; where each ends.
        bits: (3,) int64; of the row number, of the groups, of the words.
        groups: (n,) unsigned, of each row; used where none stand in the words.
        starts, masks: (pairs,) uint64; where the group of each pair's grouping stands, and how wide.
        tables: (pairs, groups) uint64; the numbers, of all levels' groups, of the groups of two levels that a group of
            a grouping belongs to, the second above the first; 0 for none, whose rows have no rank.
        spare: as large as the largest of these buckets, uint64.
        counts: (all groups,) uint32; how many of each stand before these buckets; of none `NONE`.
        places: (windows,) uint64; where the next record of each goes.
        records: (m, 1 + pairs or more) uint64, filled: position and above it the rank among all; ranks of two levels.
    """
    row_bits, group_bits, all_bits = bits[0], bits[1], bits[2]
    rows, inside = np.uint64((1 << row_bits) - 1), np.uint64((1 << WINDOW_BITS) - 1)
    low, half = np.uint64(row_bits + group_bits), np.uint64(32)
    digits = np.empty(2048, np.uint32)
    pairs, width = len(starts), np.uint64(records.shape[1])
    flat = records.reshape(-1)
    begin = ends[first - 1] if first > 0 else np.int64(0)
    for bucket in range(first, last):
        end = ends[bucket]
        in_order(words, begin, end, row_bits + group_bits, all_bits, spare, digits)
        if group_bits == 0 and len(groups) > 0:
            # Rows lie anywhere. Fetched by themselves, many are on their way at a time.
            for i in range(begin, end):
                spare[i - begin] = groups[words[i] & rows]
        at = begin
        while at < end:
            key = words[at] >> low
            stop = at + 1
            while stop < end and words[stop] >> low == key:
                stop += 1
            # Whoever has the same key has the same rank: those count only for the ones behind them.
            alone = np.uint64(stop == at + 1)
            rank = np.uint64(at + 1) << half
            for i in range(at, stop):
                row = words[i] >> np.uint64(group_bits) & rows
                own = words[i] if group_bits > 0 else spare[i - begin]
                window = row >> np.uint64(WINDOW_BITS)
                place = places[window]
                places[window] = place + np.uint64(1)
                record = place * width
                soon_written(flat, np.int64(record + AHEAD * width))
                flat[record] = np.uint64(i + 1) | rank
                found = np.uint64(0)
                if pairs == PAIRS:
                    for k in range(PAIRS):
                        found = two_ranks(own, k, starts, masks, tables, counts, alone)
                        flat[record + np.uint64(k + 1)] = found
                else:
                    for k in range(pairs):
                        found = two_ranks(own, k, starts, masks, tables, counts, alone)
                        flat[record + np.uint64(k + 1)] = found
                flat[record + np.uint64(pairs)] = found | (row & inside) << half
            if not alone:
                counts[0] = np.uint32(0)
                for i in range(at, stop):
                    own = words[i] if group_bits > 0 else spare[i - begin]
                    for k in range(pairs):
                        both = tables[k, own >> starts[k] & masks[k]]
                        counts[both & LOW_HALF] += np.uint32(1)
                        counts[both >> half] += np.uint32(1)
                counts[0] = NONE
            at = stop
        begin = end


@kernel
def put_back(records: Any, ends: Any, first: int, last: int, pairs: int, slots: Any, out: Any) -> None:
    """The records of the windows from `first` to before `last` into columns (c, n), 0 for rows without one.

    Args:
        records: as `ranked` filled them.
        ends: (windows,) int64; where the records of each end.
        slots: (c,) int64; which 32-bit number of a record goes into each column.
    """
    size, width, total = np.int64(1 << WINDOW_BITS), records.shape[1], out.shape[1]
    laid = np.empty((size, width), np.uint64)
    numbers = laid.view(np.uint32)
    for window in range(first, last):
        begin, start = ends[window - 1] if window > 0 else np.int64(0), window * size
        own, rows = records[begin : ends[window]], min(size, total - start)
        # Row by row while they lie in a cache, and from there into columns.
        if len(own) < rows:
            laid[:rows] = np.uint64(0)
        for i in range(len(own)):
            row = own[i, pairs] >> np.uint64(32)
            for k in range(width):
                laid[row, k] = own[i, k]
        for at in range(0, rows, TILE):
            stop = min(at + TILE, rows)
            few = numbers[at:stop]
            for k in range(len(slots)):
                slot, column = slots[k], out[k, start + at : start + stop]
                for i in range(len(column)):
                    column[i] = few[i, slot]


@kernel
def shares(rank: Any, ranked_rows: int, factor: int, shift: int, out: Any) -> None:
    """floor(10000 · (rank − 1) / ranked rows) into int64; 0 where rank is 0.

    Args:
        factor, shift: what stands for the division, see `rank.percentile`; where `factor` is 0 it is done.
    """
    if factor > 0:
        for i in range(len(rank)):
            out[i] = np.int64((np.uint64(rank[i]) - np.uint64(rank[i] > 0)) * np.uint64(factor) >> np.uint64(shift))
    else:
        for i in range(len(rank)):
            behind = np.uint64(rank[i]) - np.uint64(rank[i] > 0)
            out[i] = np.int64(behind * np.uint64(10_000) // np.uint64(ranked_rows))
