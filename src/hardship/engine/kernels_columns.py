"""Kernels on pieces of decoded columns: each writes stored values where they are to lie, and judges them on the way.

`known` has a byte for each row: 1, or 0 where a value is missing; there 0 is written, whatever the piece holds.
Rows are counted without a sign: a count that could be below 0 is tested for it, and then the loops are not vectorised.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import kernel

FIRST, LAST = np.uint8(0x21), np.uint8(0x7E)
"""The printable characters of ASCII without the blank."""
ONE, TWO = np.uint64(1), np.uint64(2)


@kernel
def numbers(values: Any, known: Any, low: int, high: int, factor: int, found: Any) -> bool:
    """Write whole numbers (int64) times a factor; False: one is out of bounds, which are those before the factor."""
    wrong = np.int64(0)
    for row in range(np.uint64(known.size)):
        there = np.int64(known[row])
        value = values[row] * there
        wrong |= np.int64(value < low * there) | np.int64(value > high * there)
        found[row] = value * factor
    return bool(wrong == 0)


@kernel
def decimals(words: Any, known: Any, low: int, high: int, factor: int, found: Any) -> bool:
    """The same of numbers of 128 bits, each two of `words` (int64), the lower one first."""
    wrong = np.int64(0)
    for row in range(np.uint64(known.size)):
        there = np.int64(known[row])
        value = words[TWO * row] * there
        wrong |= np.int64(value < low * there) | np.int64(value > high * there)
        wrong |= (words[TWO * row + ONE] * there) ^ (value >> 63)
        found[row] = value * factor
    return bool(wrong == 0)


@kernel
def taken(places: Any, first: int, known: Any, table: Any, found: Any) -> bool:
    """Write what a table says of each place (int32), counted from `first`; False: it says nothing of one."""
    wrong = np.int64(0)
    last = np.uint32(table.size - 1)
    for row in range(np.uint64(known.size)):
        place = np.uint32(places[row] - first) * np.uint32(known[row])
        wrong |= np.int64(place > last)
        found[row] = table[min(place, last)] * known[row]
    return bool(wrong == 0)


@kernel
def packed(starts: Any, letters: Any, longest: int, offsets: Any, data: Any) -> bool:
    """Append ids to others; False: one is empty, too long, or has another character than the printable ones.

    Args:
        starts: int64 [rows + 1]: where each begins; of which `letters` are those from the first to the last.
        offsets: int64 [rows + 1]: where each begins among all; the first is known, the others are filled in.
        data: room for their letters.
    """
    wrong = np.int64(0)
    move = offsets[0] - starts[0]
    for row in range(np.uint64(starts.size - 1)):
        length = starts[row + ONE] - starts[row]
        wrong |= np.int64(length < 1) | np.int64(length > longest)
        offsets[row + ONE] = starts[row + ONE] + move
    odd = np.uint8(0)
    for place in range(np.uint64(letters.size)):
        letter = letters[place]
        odd |= np.uint8(np.uint8(letter - FIRST) > np.uint8(LAST - FIRST))
        data[place] = letter
    return bool(wrong == 0 and odd == 0)
