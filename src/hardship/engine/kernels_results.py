"""Kernels of what comes after the machine: words numbered, bits spelled out, rows as CSV, integers packed.

They work on plain arrays and know nothing of tables or results. Each is held to a plain version by a test.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import bytes_at, inlined, kernel, u32_at, u64_at

TEXT, OWN, SMALL, WIDE = range(4)
"""Kinds of CSV columns: one of few texts, a text of its own in each row, uint32, int64."""
KIND, VALUES, VALID, SCALE, STARTS, DATA = range(6)
"""What `csv_rows` is told of a column: its kind, addresses of its arrays (0: none), its decimals."""

LINES, CELL = 64, 32
"""Rows whose cells are made before they are put together, and room for a number."""
SHORT = 10**8

DIGITS = np.frombuffer("".join(f"{number:04}" for number in range(10_000)).encode(), dtype="<u4").copy()
"""Four ASCII digits of each number below 10,000, the first in the lowest byte."""


@kernel
def numbered(words: Any, place: Any, first: Any) -> int:
    """Number the distinct words in the order in which they appear.

    Args:
        words: (n,) uint64.
        place: (n,) uint32, filled with the number of each row's word.
        first: (n,) int64, filled with the row in which each number appears first.

    Returns:
        how many there are.
    """
    size = 1 << 12
    table = np.full(size, -1, np.int64)
    shift = np.uint64(52)
    count = 0
    for i in range(len(words)):
        word = words[i]
        if i > 0 and word == words[i - 1]:
            place[i] = place[i - 1]
            continue
        at = np.int64((word * np.uint64(0x9E3779B97F4A7C15)) >> shift)
        found = table[at]
        while found >= 0 and words[first[found]] != word:
            at = (at + 1) & (size - 1)
            found = table[at]
        if found < 0:
            found = count
            table[at] = found
            first[found] = i
            count += 1
            if count * 2 > size:
                size *= 4
                shift -= np.uint64(2)
                table = np.full(size, -1, np.int64)
                for k in range(count):
                    at = np.int64((words[first[k]] * np.uint64(0x9E3779B97F4A7C15)) >> shift)
                    while table[at] >= 0:
                        at = (at + 1) & (size - 1)
                    table[at] = k
        place[i] = np.uint32(found)
    return count


@kernel
def copied(out: Any, at: Any, source: Any, size: Any) -> Any:
    """Copy `size` bytes between two addresses, sixteen at a time and up to fifteen more; the place behind them."""
    for k in range(0, max(size, 1), 16):
        u64_at(out + np.uint64(at + k), 1)[0] = u64_at(source + np.uint64(k), 1)[0]
        u64_at(out + np.uint64(at + k + 8), 1)[0] = u64_at(source + np.uint64(k + 8), 1)[0]
    return at + size


@kernel
def spelled_sizes(planes: Any, rows: Any, lengths: Any, starts: Any) -> None:
    """Where the text of each row begins: the lengths of its bits' names, and a `;` between two.

    Args:
        planes: (p, n) uint8; bit b of plane k is label 8·k + b.
        rows: (m,) int64; the rows asked for.
        lengths: (labels,) int64; bytes of each label's name.
        starts: (m + 1,) int64, filled.
    """
    at = 0
    starts[0] = 0
    for i in range(len(rows)):
        begin = at
        for plane in range(len(planes)):
            byte, label = planes[plane, rows[i]], 8 * plane
            while byte != 0:
                if byte & np.uint8(1):
                    at += lengths[label] + 1
                byte >>= np.uint8(1)
                label += 1
        at -= at > begin
        starts[i + 1] = at


@kernel
def spelled(planes: Any, rows: Any, begins: Any, names: Any, starts: Any, out: Any) -> None:
    """Write those texts.

    Args:
        begins, names: where each label's name begins among the bytes of all names, and the address of these.
        out: address of room for the texts and 16 bytes.
    """
    for i in range(len(rows)):
        at = starts[i]
        for plane in range(len(planes)):
            byte, label = planes[plane, rows[i]], 8 * plane
            while byte != 0:
                if byte & np.uint8(1):
                    if at > starts[i]:
                        bytes_at(out + np.uint64(at), 1)[0] = 59
                        at += 1
                    at = copied(out, at, names + np.uint64(begins[label]), begins[label + 1] - begins[label])
                byte >>= np.uint8(1)
                label += 1


@kernel
def lacking(known: Any, at: Any, slot: Any, bit: Any, plane: Any) -> None:
    """Mark the households that have an empty cell.

    Args:
        known: (rows,) uint8; 0: the row's cell is empty.
        at, slot: (m,) int64; the rows that are looked at and the place of each one's household.
        bit: uint8; the mark.
        plane: (households,) uint8; gets the mark.
    """
    for k in range(len(at)):
        plane[slot[k]] |= bit * np.uint8(known[at[k]] == 0)


@kernel
def set_bits(bits: Any, start: int, rows: int, found: Any) -> None:
    """The places, from 0, of those of `rows` bits from `start` on that are 1; the lowest bit of a byte is the first."""
    count = 0
    for k in range(start >> 3, (start + rows + 7) >> 3):
        byte, place = bits[k], 8 * k - start
        while byte != 0:
            if byte & np.uint8(1) and 0 <= place < rows:
                found[count] = place
                count += 1
            byte >>= np.uint8(1)
            place += 1


@kernel
def behind(planes: Any, rows: Any, told: Any, marks: Any) -> None:
    """Keep of each row's marks those that stand behind one of its bits.

    Args:
        planes: (p, n) uint8; bits of all rows.
        rows: (m,) int64; the rows asked for.
        told: (p, 256, q) uint8; the marks behind each byte of a plane.
        marks: (q, m) uint8; changed.
    """
    for i in range(len(rows)):
        for q in range(len(marks)):
            kept = np.uint8(0)
            for plane in range(len(planes)):
                kept |= told[plane, planes[plane, rows[i]], q]
            marks[q, i] &= kept


@kernel
def four(out: Any, at: int, value: int, digits: Any) -> Any:
    """Write a number below 10,000 without leading zeros."""
    # Each truth as a number: without compilation two truths added are one truth.
    more = np.int64(value >= 10) + np.int64(value >= 100) + np.int64(value >= 1000)
    u32_at(out + np.uint64(at), 1)[0] = digits[value] >> np.uint32(8 * (3 - more))
    return at + 1 + more


@kernel
def number(out: Any, at: Any, value: Any, digits: Any) -> Any:
    """Write a number that is not negative."""
    if value < 10_000:
        return four(out, at, value, digits)
    high = value // 10_000
    if high < 10_000:
        at = four(out, at, high, digits)
    else:
        # From behind, four digits at a time; beyond 10^8 numbers are rare.
        upper = high // 10_000
        at = four(out, at, upper, digits) if upper < 10_000 else long(out, at, upper, digits)
        u32_at(out + np.uint64(at), 1)[0] = digits[high - upper * 10_000]
        at += 4
    u32_at(out + np.uint64(at), 1)[0] = digits[value - high * 10_000]
    return at + 4


@kernel
def long(out: Any, at: int, value: int, digits: Any) -> int:
    """Write a number of five to twelve digits."""
    high = value // 10_000
    upper = high // 10_000
    if upper > 0:
        at = four(out, at, upper, digits)
        u32_at(out + np.uint64(at), 1)[0] = digits[high - upper * 10_000]
        at += 4
    else:
        at = four(out, at, high, digits)
    u32_at(out + np.uint64(at), 1)[0] = digits[value - high * 10_000]
    return at + 4


@kernel
def fixed(out: Any, at: Any, value: Any, scale: Any, power: Any, digits: Any) -> Any:
    """Write `value / 10^scale` with all its decimals."""
    if value < 0:
        bytes_at(out + np.uint64(at), 1)[0] = 45
        at += 1
        value = -value
    if scale == 0:
        return number(out, at, value, digits)
    whole = value // 100 if scale == 2 else value // power
    at = number(out, at, whole, digits)
    rest = value - whole * power
    bytes_at(out + np.uint64(at), 1)[0] = 46
    at += 1
    if scale == 2:
        pair = digits[rest] >> np.uint32(16)
        bytes_at(out + np.uint64(at), 1)[0] = pair & np.uint32(255)
        bytes_at(out + np.uint64(at + 1), 1)[0] = pair >> np.uint32(8)
        return at + 2
    for k in range(scale):
        bytes_at(out + np.uint64(at + scale - 1 - k), 1)[0] = 48 + rest % 10
        rest //= 10
    return at + scale


@inlined
def eight(value: Any, digits: Any) -> Any:
    """The ASCII digits of a number (uint64) below 10^8, the first in the lowest byte, no leading zeros; how many."""
    high = value // np.uint64(10_000)
    every = np.uint64(digits[high]) | np.uint64(digits[value - high * np.uint64(10_000)]) << np.uint64(32)
    size = np.uint64(1) + np.uint64(value > np.uint64(9)) + np.uint64(value > np.uint64(99))
    size += (
        np.uint64(value > np.uint64(999)) + np.uint64(value > np.uint64(9_999)) + np.uint64(value > np.uint64(99_999))
    )
    size += np.uint64(value > np.uint64(999_999)) + np.uint64(value > np.uint64(9_999_999))
    return every >> (np.uint64(64) - size * np.uint64(8)), size


@inlined
def stored(small: Any, values: Any, valid: Any, row: Any) -> Any:
    """The number in a row of a column, 0 for a null, whatever stands there; 0 for a null, else 1."""
    known = np.int64(1)
    if valid != np.uint64(0):
        known = np.int64(bytes_at(valid + row, 1)[0])
    value = np.int64(0)
    if small:
        value = np.int64(u32_at(values + row * np.uint64(4), 1)[0])
    else:
        value = np.int64(u64_at(values + row * np.uint64(8), 1)[0])
    return value * known, np.uint64(known)


@kernel
def number_cells(column: Any, begin: int, rows: int, digits: Any, room: Any, told: Any) -> None:
    """Make some rows' cells of a column of numbers: short ones of no decimals or two without a branch.

    Args:
        column: see `csv_rows`.
        room: address of `CELL` bytes for each cell.
        told: (rows, 2) uint64, gets the address of each cell's text and its bytes.
    """
    small, values, valid = column[KIND] == np.uint64(SMALL), column[VALUES], column[VALID]
    scale, power = np.int64(column[SCALE]), np.int64(1)
    for _ in range(scale):
        power *= 10
    short = np.int64(SHORT) * power if scale == 0 or scale == 2 else 0
    rare = np.int64(0)
    for i in range(rows):
        value, known = stored(small, values, valid, np.uint64(begin + i))
        fits = np.int64(value >= 0) & np.int64(value < short)
        rare += 1 - fits
        value = np.uint64(value * fits)
        place = room + np.uint64(CELL * i)
        whole = value
        if scale == 2:
            whole = value // np.uint64(100)
        word, size = eight(whole, digits)
        u64_at(place, 1)[0] = word
        if scale == 2:
            pair = digits[value - whole * np.uint64(100)]  # of its four digits the last two, behind a point
            u32_at(place + size, 1)[0] = (pair >> np.uint32(8) & np.uint32(0xFFFFFF00)) | np.uint32(46)
            size += np.uint64(3)
        told[i, 0] = place
        told[i, 1] = size * known
    if rare > 0:
        for i in range(rows):
            value, known = stored(small, values, valid, np.uint64(begin + i))
            if not 0 <= value < short:
                place = room + np.uint64(CELL * i)
                told[i, 1] = np.uint64(fixed(place, 0, value, scale, power, digits)) * known


@kernel
def text_cells(column: Any, begin: int, rows: int, told: Any) -> None:
    """The same of a column of texts; they stay where they lie."""
    kind, values, valid, starts, data = column[KIND], column[VALUES], column[VALID], column[STARTS], column[DATA]
    for i in range(rows):
        row = np.uint64(begin + i)
        known = np.uint64(1)
        if valid != np.uint64(0):
            known = np.uint64(bytes_at(valid + row, 1)[0])
        entry = row
        if kind == np.uint64(TEXT):  # a null's place may be anything
            entry = np.uint64(u32_at(values + row * np.uint64(4), 1)[0]) * known
        bounds = u64_at(starts + entry * np.uint64(8), 2)
        told[i, 0] = data + bounds[0]
        told[i, 1] = (bounds[1] - bounds[0]) * known


@kernel
def csv_rows(columns: Any, begin: int, end: int, digits: Any, out: Any) -> int:
    """Rows as lines of CSV; nothing for a null.

    Some rows at a time, column by column: one cell after the other of the same kind can be made with hardly a branch.

    Args:
        columns: (c, 6) uint64, see `KIND` …; texts are quoted already, numbers above −2^63.
        digits: `DIGITS`.
        out: address of room for the lines and 32 bytes.

    Returns:
        how many bytes were written.
    """
    width = len(columns)
    told = np.empty((LINES, width, 2), np.uint64)
    room = np.empty(LINES * width * CELL, np.uint8)
    at = np.uint64(0)
    for first in range(begin, end, LINES):
        rows = min(LINES, end - first)
        for c in range(width):
            same = c > 0
            for k in range(6):
                same = same and columns[c, k] == columns[c - 1, k]
            if same:  # ranks that are the same everywhere are one array
                for i in range(rows):
                    told[i, c, 0], told[i, c, 1] = told[i, c - 1, 0], told[i, c - 1, 1]
            elif columns[c, KIND] <= np.uint64(OWN):
                text_cells(columns[c], first, rows, told[:, c])
            else:
                place = np.uint64(room.ctypes.data) + np.uint64(LINES * CELL * c)
                number_cells(columns[c], first, rows, digits, place, told[:, c])
        for i in range(rows):
            for c in range(width):
                source, size, to = told[i, c, 0], told[i, c, 1], out + at
                u64_at(to, 1)[0] = u64_at(source, 1)[0]
                u64_at(to + np.uint64(8), 1)[0] = u64_at(source + np.uint64(8), 1)[0]
                if size > np.uint64(16):
                    copied(to, 0, source, np.int64(size))
                at += size
                bytes_at(out + at, 1)[0] = 44
                at += np.uint64(1)
            bytes_at(out + at - np.uint64(1), 1)[0] = 10
    return int(at)
