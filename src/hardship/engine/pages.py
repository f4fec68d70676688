"""Kernels that decode the pages of Parquet: headers, levels, indices, and values spread over rows.

What a page says about itself is believed nowhere: every read is within the bytes given, and every kernel answers with
less than 0 where they do not hold what they should; the caller then leaves the column to a general reader. Addresses
and no arrays for what lies in a file, because arrays that may not be written are another type to numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import bytes_at, kernel

DATA, DICTIONARY, DATA_V2 = 0, 2, 3
KIND, VALUES, ENCODING, BODY, PACKED, UNPACKED, LEVEL_CODE, LEVELS, REPEATS, COMPRESSED, CHECKED, CHECKSUM = range(12)
ABOUT = 12
"""The columns of a page's row: page type; values, missing ones too; encoding; offset and size of its body; its size
once unpacked; encoding of its levels (first version), bytes of levels and of repetitions, whether the rest is
compressed (second version); whether there is a checksum, and it."""
FIELDS = np.array(
    [
        [-1, VALUES, ENCODING, LEVEL_CODE, -1, -1, -1, -1],
        [-1, VALUES, ENCODING, -1, -1, -1, -1, -1],
        [-1, VALUES, -1, -1, ENCODING, LEVELS, REPEATS, COMPRESSED],
    ]
)
"""Where the numbers in the headers of a data page, a dictionary and a data page of the second version go, by field."""
WIDEST = 25  # bits of an index that four bytes hold wherever it begins
_BOOLEAN, _BINARY, _STRUCT = 2, 8, 12


@kernel
def varint(data: Any, at: int) -> Any:
    """An unsigned number of seven bits a byte: the number, and where the next one begins (-1: there is none)."""
    value, shift = 0, 0
    while at < data.size and shift < 63:
        byte = np.int64(data[at])
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return 0, -1


@kernel
def skipped(data: Any, at: int, kind: int) -> int:
    """Where a single value of a type ends; -1 if it has no end or is a list or structure."""
    if kind <= _BOOLEAN:
        return at
    if kind == 3:
        return at + 1
    if kind == 7:
        return at + 8
    value, at = varint(data, at)
    if kind < 7 or at < 0:
        return at
    return at + value if kind == _BINARY and value <= data.size - at else -1


@kernel
def flat_struct(data: Any, at: int, row: Any, wanted: Any) -> int:
    """Read a structure of single values and structures of single values (which are skipped); where it ends, or -1.

    `row[wanted[field]]` becomes the value of a number or truth that is wanted; -1 in `wanted` is not.
    """
    field, outer, inside = 0, 0, False
    while 0 <= at < data.size:
        head = np.int64(data[at])
        at += 1
        if head == 0:
            if not inside:
                return at
            inside, field = False, outer
            continue
        kind = head & 15
        if head >> 4:
            field += head >> 4
        else:
            number, at = varint(data, at)
            field = (number >> 1) ^ -(number & 1)
        if at < 0 or at > data.size:
            return -1
        if kind == _STRUCT:
            if inside:
                return -1
            inside, outer, field = True, field, 0
            continue
        place = wanted[field] if not inside and 0 <= field < wanted.size else -1
        if place >= 0 and kind <= _BOOLEAN:
            row[place] = 1 if kind == 1 else 0
        elif place >= 0 and 3 < kind < 7:
            number, at = varint(data, at)
            row[place] = (number >> 1) ^ -(number & 1)
        else:
            at = skipped(data, at, kind)
    return -1


@kernel
def headers(address: np.uint64, size: int, rows: Any, fields: Any) -> int:
    """The pages of a column chunk, one in each row of `rows` (int64 [pages, ABOUT]): how many, or -1.

    Args:
        address, size: of the chunk.
        fields: `FIELDS`.
    """
    data = bytes_at(address, size)
    at, count = 0, 0
    while at < size:
        if count == rows.shape[0]:
            return -1
        row = rows[count]
        row[:] = 0
        row[KIND] = -1
        row[COMPRESSED] = 1
        field = 0
        while True:
            if at < 0 or at >= size:
                return -1
            head = np.int64(data[at])
            at += 1
            if head == 0:
                break
            if head >> 4 == 0:
                return -1
            field += head >> 4
            kind = head & 15
            if kind == _STRUCT:
                if field == 5:
                    at = flat_struct(data, at, row, fields[0])
                elif field == 7:
                    at = flat_struct(data, at, row, fields[1])
                elif field == 8:
                    at = flat_struct(data, at, row, fields[2])
                else:
                    return -1
            elif 3 < kind < 7:
                number, at = varint(data, at)
                value = (number >> 1) ^ -(number & 1)
                if field == 1:
                    row[KIND] = value
                elif field == 2:
                    row[UNPACKED] = value
                elif field == 3:
                    row[PACKED] = value
                elif field == 4:
                    row[CHECKED] = 1
                    row[CHECKSUM] = value & 0xFFFFFFFF
            else:
                at = skipped(data, at, kind)
        row[BODY] = at
        if row[PACKED] < 0 or row[PACKED] > size - at or row[UNPACKED] < 0 or row[VALUES] < 0 or row[LEVELS] < 0:
            return -1
        at += row[PACKED]
        count += 1
    return count


@kernel
def known_bits(address: np.uint64, size: int, n: int, bits: Any, first: int) -> int:
    """Spread levels of one bit, in runs, over the bits from `first` of a bitmap that is 0 there.

    Returns:
        How many are 1, or -1.
    """
    data = bytes_at(address, size)
    at, row, ones = 0, 0, 0
    while row < n:
        head, at = varint(data, at)
        if at < 0:
            return -1
        if head & 1:
            groups = min(head >> 1, (n - row + 7) >> 3)
            if (head >> 1) > size - at:
                return -1
            for group in range(groups):
                byte = np.int64(data[at + group])
                left = n - row
                if left < 8:
                    byte &= (1 << left) - 1
                place = first + row
                wide = byte << (place & 7)
                bits[place >> 3] |= np.uint8(wide & 0xFF)
                bits[(place >> 3) + 1] |= np.uint8(wide >> 8)
                byte -= (byte >> 1) & 0x55
                byte = (byte & 0x33) + ((byte >> 2) & 0x33)
                ones += (byte + (byte >> 4)) & 0x0F
                row += min(8, left)
            at += head >> 1
        else:
            run = min(head >> 1, n - row)
            if at >= size:
                return -1
            if data[at] & 1:
                set_bits(bits, first + row, run)
                ones += run
            at += 1
            row += run
    return ones


@kernel
def set_bits(bits: Any, first: int, count: int) -> None:
    """Make `count` bits of a bitmap 1, from `first`."""
    end = first + count
    while first < end and first & 7:
        bits[first >> 3] |= np.uint8(1 << (first & 7))
        first += 1
    whole = (end - first) >> 3
    start = first >> 3
    for place in range(start, start + max(whole, 0)):
        bits[place] = np.uint8(0xFF)
    first += max(whole, 0) << 3
    while first < end:
        bits[first >> 3] |= np.uint8(1 << (first & 7))
        first += 1


@kernel
def indices(address: np.uint64, size: int, n: int, width: int, found: Any) -> int:
    """Unpack `n` numbers of `width` bits, in runs, into `found` (uint32, one more than `n` at least).

    Returns:
        The largest of them, or -1.
    """
    if width < 0 or width > WIDEST:
        return -1
    data = bytes_at(address, size)
    at, row, largest = 0, 0, np.uint32(0)
    found[n] = 0
    while row < n:
        head, at = varint(data, at)
        if at < 0:
            return -1
        if head & 1:
            take = min((head >> 1) * 8, n - row)
            if (take * width + 7) >> 3 > size - at:
                return -1
            most = unpack(data, at, take, width, found, row)
            largest = max(largest, most)
            at += (head >> 1) * width
        else:
            take = min(head >> 1, n - row)
            value = np.uint32(0)
            if size - at < (width + 7) >> 3:
                return -1
            for byte in range((width + 7) >> 3):
                value |= np.uint32(data[at + byte]) << np.uint32(8 * byte)
            found[row : row + take] = value
            largest = max(largest, value)
            at += (width + 7) >> 3
        row += take
    return np.int64(largest)


@kernel
def unpack(data: Any, at: int, n: int, width: int, found: Any, row: int) -> Any:
    """Unpack `n` numbers of `width` bits that begin at a byte; the largest of them."""
    largest = np.uint32(0)
    mask = np.uint32((1 << width) - 1)
    safe = 0 if width == 0 else min(n, max(0, ((data.size - at - 4) * 8) // width))
    if width == 8:
        safe = n
        for i in range(n):
            value = np.uint32(data[np.uint64(at + i)])
            found[np.uint64(row + i)] = value
            largest = max(largest, value)
    else:
        for i in range(safe):
            bit = np.uint64(i * width)
            byte = np.uint64(at) + (bit >> np.uint64(3))
            word = (
                np.uint32(data[byte])
                | np.uint32(data[byte + np.uint64(1)]) << np.uint32(8)
                | np.uint32(data[byte + np.uint64(2)]) << np.uint32(16)
                | np.uint32(data[byte + np.uint64(3)]) << np.uint32(24)
            )
            value = np.uint32(word >> np.uint32(bit & np.uint64(7))) & mask
            found[np.uint64(row + i)] = value
            largest = max(largest, value)
    for i in range(safe, n):
        value = np.uint32(0)
        for bit in range(width):
            place = i * width + bit
            value |= np.uint32((data[at + (place >> 3)] >> (place & 7)) & 1) << np.uint32(bit)
        found[row + i] = value
        largest = max(largest, value)
    return largest


@kernel
def spread(index: Any, table: Any, bits: Any, first: int, n: int, found: Any) -> None:
    """`found[row] = table[index[next]]` for `n` rows from `first` whose bit is 1, 0 for the others.

    `index` holds a legal number more than there are bits.
    """
    following = np.uint64(0)
    nothing = table[0] - table[0]
    for i in range(n):
        row = np.uint64(first + i)
        known = np.uint64(bits[row >> np.uint64(3)] >> np.uint8(row & np.uint64(7))) & np.uint64(1)
        value = table[index[following]]
        found[row] = value if known else nothing
        following += known


@kernel
def spread_all(index: Any, table: Any, first: int, n: int, found: Any) -> None:
    """`found[first + i] = table[index[i]]` for `n` rows of which none is missing."""
    for i in range(n):
        found[np.uint64(first + i)] = table[index[np.uint64(i)]]


@kernel
def place_numbers(values: Any, factor: int, bits: Any, first: int, n: int, found: Any) -> None:
    """`found[row] = values[next] * factor` for `n` rows from `first` whose bit is 1, 0 for the others.

    `values` is one longer than there are bits.
    """
    following = np.uint64(0)
    for i in range(n):
        row = np.uint64(first + i)
        known = np.uint64(bits[row >> np.uint64(3)] >> np.uint8(row & np.uint64(7))) & np.uint64(1)
        found[row] = values[following] * factor if known else 0
        following += known


@kernel
def bits_of(address: np.uint64, n: int, found: Any) -> None:
    """The first `n` bits at an address as numbers (uint32, one more than `n`)."""
    data = bytes_at(address, (n + 7) >> 3)
    for i in range(n):
        place = np.uint64(i)
        found[place] = (data[place >> np.uint64(3)] >> np.uint8(place & np.uint64(7))) & np.uint8(1)
    found[n] = 0
