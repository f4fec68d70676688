"""Kernels on packed texts: ids one after the other in one array of bytes, and where each begins.

Row `i` of a column is the bytes `offsets[i]` to `offsets[i + 1]` behind the address `data`; eight more bytes may be
read there, so that texts are copied and compared by words. The order is that of their bytes, as in a register.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import kernel, u64_at

LONGEST = 64
"""Bytes of the longest id that is packed."""
LONGEST_RUN = 64
"""Rows of one parent beyond which comparing all pairs takes too long."""
WORD = 8


@kernel
def word_at(address: np.uint64) -> Any:
    """Eight bytes, wherever they begin."""
    return u64_at(address, 1)[0]


@kernel
def swapped(word: Any) -> Any:
    """A word with its first byte as the highest."""
    found = np.uint64(0)
    for byte in range(8):
        found |= ((word >> np.uint64(8 * byte)) & np.uint64(0xFF)) << np.uint64(56 - 8 * byte)
    return found


@kernel
def compared(a: np.uint64, a_size: int, b: np.uint64, b_size: int) -> int:
    """Less than 0, 0 or more than 0, as the first text comes before, is, or comes after the second.

    Both may be read eight bytes beyond their end.
    """
    size = min(a_size, b_size)
    for step in range(0, size, WORD):
        left, right = word_at(a + np.uint64(step)), word_at(b + np.uint64(step))
        if size - step < WORD:
            mask = (np.uint64(1) << np.uint64(8 * (size - step))) - np.uint64(1)
            left &= mask
            right &= mask
        if left != right:
            return -1 if swapped(left) < swapped(right) else 1
    return a_size - b_size


@kernel
def rows_compared(offsets: Any, data: np.uint64, row: int, to_offsets: Any, to_data: np.uint64, to: int) -> int:
    """`compared` of a row of one column with a row of another."""
    start, to_start = offsets[row], to_offsets[to]
    return compared(
        data + np.uint64(start), offsets[row + 1] - start, to_data + np.uint64(to_start), to_offsets[to + 1] - to_start
    )


@kernel
def rises(offsets: Any, data: np.uint64, parents: Any) -> bool:
    """Whether every text comes after the one before, among rows with the same parent."""
    for i in range(1, offsets.size - 1):
        if parents[i] == parents[i - 1] and rows_compared(offsets, data, i - 1, offsets, data, i) >= 0:
            return False
    return True


@kernel
def once(offsets: Any, data: np.uint64, parents: Any) -> bool:
    """Whether no text occurs twice among rows of one parent, which stand together; False also where that takes long."""
    first = 0
    for i in range(1, offsets.size - 1):
        if parents[i] != parents[i - 1]:
            first = i
        if i - first > LONGEST_RUN:
            return False
        for other in range(first, i):
            if rows_compared(offsets, data, other, offsets, data, i) == 0:
                return False
    return True


@kernel
def follow(offsets: Any, data: np.uint64, home_offsets: Any, home_data: np.uint64, found: Any) -> bool:
    """The row of the household that each row names, both sorted; False: they are not, or a row names another one."""
    rows, homes = offsets.size - 1, home_offsets.size - 1
    home = 0
    for i in range(rows):
        if home < homes and rows_compared(home_offsets, home_data, home, offsets, data, i) == 0:
            found[i] = home
            continue
        sign = -1
        while home < homes:
            sign = rows_compared(home_offsets, home_data, home, offsets, data, i)
            if sign >= 0:
                break
            home += 1
        if sign != 0:
            return False
        found[i] = home
    return True


@kernel
def among(
    home: Any, first: Any, offsets: Any, data: np.uint64, own_offsets: Any, own_data: np.uint64, found: Any
) -> bool:
    """The row of the member that each row names, looked for in its household; False: one is not there.

    Args:
        home: the household of each row.
        first: int64 [households + 1]: first member of each household.
        offsets, data: the members' ids.
        own_offsets, own_data: the ids that the rows name.
    """
    row = 0
    for i in range(home.size):
        start, end = first[home[i]], first[home[i] + 1]
        if row < start or row >= end:
            row = start
        # Rows of one member mostly stand together, and members in their order: the search begins where it ended.
        left = end - start
        while left > 0 and rows_compared(offsets, data, row, own_offsets, own_data, i) != 0:
            row = row + 1 if row + 1 < end else start
            left -= 1
        if left == 0:
            return False
        found[i] = row
    return True


@kernel
def words(offsets: Any, data: np.uint64, number: int, found: Any) -> None:
    """The `number`-th eight bytes of each text as a number (int64) that is in the order of the texts."""
    for i in range(offsets.size - 1):
        start, left = offsets[i] + WORD * number, offsets[i + 1] - offsets[i] - WORD * number
        if left <= 0:
            found[i] = 0
            continue
        word = swapped(word_at(data + np.uint64(start)))
        if left < WORD:
            word &= ~((np.uint64(1) << np.uint64(8 * (WORD - left))) - np.uint64(1))
        found[i] = np.int64(word)


@kernel
def before(keys: Any, one: int, other: int) -> bool:
    """Whether a row comes before another by its keys."""
    for key in range(keys.shape[0]):
        if keys[key, one] != keys[key, other]:
            return bool(keys[key, one] < keys[key, other])
    return False


@kernel
def ordered(parents: Any, keys: Any, found: Any) -> bool:
    """Order the rows of each parent, which stand together, by keys (int64 [keys, rows]); whether any of them moves.

    Args:
        found: int64 [rows]: which row stands where then.
    """
    moved = False
    first = 0
    for i in range(parents.size):
        if i > 0 and parents[i] != parents[i - 1]:
            first = i
        place = i
        while place > first and before(keys, i, found[place - 1]):
            found[place] = found[place - 1]
            place -= 1
        found[place] = i
        moved |= place != i
    return moved
