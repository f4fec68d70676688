"""Kernels that work row by row: loads, words, comparisons, bytes, choices.

Every kernel takes the instruction's number, the count of rows, and where its operands begin in the flat register
files: `sw` is the address of the words, `by` of the bytes. Sums and products are made of unsigned words, where
overflow is defined. A result never lies in an operand's register, so that the loops become SIMD code. Addresses
and no arrays, because the counting of references to an array costs more than most instructions do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import bytes_at, i32_at, i64_at, kernel, u64_at
from hardship.lowering import ops

U8, I32, I64 = 1, 4, 8


@kernel
def words_at(file: Any, place: int, n: int) -> Any:
    """`n` words of a register file."""
    return i64_at(file + np.uint64(place * 8), n)


@kernel
def unsigned_at(file: Any, place: int, n: int) -> Any:
    """`n` words of a register file, unsigned."""
    return u64_at(file + np.uint64(place * 8), n)


@kernel
def small_at(file: Any, place: int, n: int) -> Any:
    """`n` bytes of a register file."""
    return bytes_at(file + np.uint64(place), n)


@kernel
def load(op: int, n: int, d: int, address: Any, size: int, first: int, fill: int, sw: Any, by: Any) -> None:
    """Copy `n` rows from `first` of a column of `size`-byte integers; without a column `fill`."""
    if op == ops.LOAD_WORD:
        word = words_at(sw, d, n)
        if address == 0:
            word[:] = fill
        elif size == U8:
            small = bytes_at(address + np.uint64(first), n)
            for i in range(n):
                word[i] = small[i]
        elif size == I32:
            middle = i32_at(address + np.uint64(first * 4), n)
            for i in range(n):
                word[i] = middle[i]
        else:
            large = i64_at(address + np.uint64(first * 8), n)
            for i in range(n):
                word[i] = large[i]
        return
    byte = small_at(by, d, n)
    if address == 0:
        byte[:] = fill
        return
    source = bytes_at(address + np.uint64(first), n)
    if op == ops.LOAD_TRUTH:
        for i in range(n):
            byte[i] = 2 - source[i]
    else:
        for i in range(n):
            byte[i] = source[i]


@kernel
def words(op: int, n: int, d: int, a: int, b: int, imm: int, sw: Any) -> None:
    """Arithmetic on words."""
    out, x = unsigned_at(sw, d, n), unsigned_at(sw, a, n)
    signed, sx = words_at(sw, d, n), words_at(sw, a, n)
    c = np.uint64(imm)
    if op == ops.ADD:
        y = unsigned_at(sw, b, n)
        for i in range(n):
            out[i] = x[i] + y[i]
    elif op == ops.SUB:
        y = unsigned_at(sw, b, n)
        for i in range(n):
            out[i] = x[i] - y[i]
    elif op == ops.MUL:
        y = unsigned_at(sw, b, n)
        for i in range(n):
            out[i] = x[i] * y[i]
    elif op == ops.MIN:
        sy = words_at(sw, b, n)
        for i in range(n):
            signed[i] = sx[i] if sx[i] < sy[i] else sy[i]
    elif op == ops.MAX:
        sy = words_at(sw, b, n)
        for i in range(n):
            signed[i] = sx[i] if sx[i] > sy[i] else sy[i]
    elif op == ops.ADD_C:
        for i in range(n):
            out[i] = x[i] + c
    elif op == ops.MUL_C:
        for i in range(n):
            out[i] = x[i] * c
    elif op == ops.MIN_C:
        for i in range(n):
            signed[i] = sx[i] if sx[i] < imm else imm
    elif op == ops.MAX_C:
        for i in range(n):
            signed[i] = sx[i] if sx[i] > imm else imm
    else:  # SUB_FROM_C
        for i in range(n):
            out[i] = c - x[i]


@kernel
def compare(op: int, n: int, d: int, a: int, b: int, imm: int, sw: Any, by: Any) -> None:
    """Truths from words."""
    out, x = small_at(by, d, n), words_at(sw, a, n)
    if op == ops.LT:
        y = words_at(sw, b, n)
        for i in range(n):
            out[i] = 1 if x[i] < y[i] else 2
    elif op == ops.LE:
        y = words_at(sw, b, n)
        for i in range(n):
            out[i] = 1 if x[i] <= y[i] else 2
    elif op == ops.EQ:
        y = words_at(sw, b, n)
        for i in range(n):
            out[i] = 1 if x[i] == y[i] else 2
    elif op == ops.NE:
        y = words_at(sw, b, n)
        for i in range(n):
            out[i] = 1 if x[i] != y[i] else 2
    elif op == ops.LT_C:
        for i in range(n):
            out[i] = 1 if x[i] < imm else 2
    elif op == ops.GE_C:
        for i in range(n):
            out[i] = 1 if x[i] >= imm else 2
    elif op == ops.EQ_C:
        for i in range(n):
            out[i] = 1 if x[i] == imm else 2
    elif op == ops.NE_C:
        for i in range(n):
            out[i] = 1 if x[i] != imm else 2
    else:  # HAS_BIT
        for i in range(n):
            out[i] = 2 - ((x[i] >> imm) & 1)


@kernel
def product(a: Any, b: Any) -> Any:
    """The signed 128-bit product of two words: its high word (signed) and its low word (unsigned)."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    x, y = np.uint64(a), np.uint64(b)
    x0, x1, y0, y1 = x & mask, x >> half, y & mask, y >> half
    low = x0 * y0
    middle = x1 * y0 + (low >> half)
    other = x0 * y1 + (middle & mask)
    high = x1 * y1 + (middle >> half) + (other >> half)
    # Two's complement: a negative factor counts as itself plus 2**64.
    if a < 0:
        high = high - y
    if b < 0:
        high = high - x
    return np.int64(high), x * y


@kernel
def compare_wide(op: int, n: int, d: int, a: int, b: int, c: int, e: int, sw: Any, by: Any) -> None:
    """Truths from exact 128-bit products of words."""
    out = small_at(by, d, n)
    x, y, z, w = words_at(sw, a, n), words_at(sw, b, n), words_at(sw, c, n), words_at(sw, e, n)
    for i in range(n):
        left, left_low = product(x[i], y[i])
        right, right_low = product(z[i], w[i])
        if op == ops.LT_WIDE:
            holds = left < right or (left == right and left_low < right_low)
        elif op == ops.LE_WIDE:
            holds = left < right or (left == right and left_low <= right_low)
        else:
            holds = left == right and left_low == right_low
        out[i] = 1 if holds else 2


@kernel
def small(op: int, n: int, d: int, a: int, b: int, c: int, imm: int, imm2: int, by: Any) -> None:
    """Bytes from bytes."""
    out, x = small_at(by, d, n), small_at(by, a, n)
    if op == ops.AND:
        y = small_at(by, b, n)
        for i in range(n):
            out[i] = (x[i] & y[i] & 1) | ((x[i] | y[i]) & 2)
    elif op == ops.OR:
        y = small_at(by, b, n)
        for i in range(n):
            out[i] = ((x[i] | y[i]) & 1) | (x[i] & y[i] & 2)
    elif op == ops.NOT:
        for i in range(n):
            out[i] = ((x[i] & 1) << 1) | (x[i] >> 1)
    elif op == ops.PICK:
        y, z = small_at(by, b, n), small_at(by, c, n)
        for i in range(n):
            out[i] = (y[i] & (0 - (x[i] & 1))) | (z[i] & (0 - (x[i] >> 1)))
    elif op == ops.RANGE:
        low, high = np.uint8(imm), np.uint8(imm2)
        for i in range(n):
            out[i] = 1 if (x[i] >= low) & (x[i] <= high) else 2
    elif op == ops.MASK:
        y = small_at(by, b, n)
        for i in range(n):
            out[i] = x[i] & (0 - (y[i] & 1))
    elif op == ops.KNOWN:
        for i in range(n):
            out[i] = (x[i] | (x[i] >> 1)) & 1
    elif op == ops.TRUTH:
        for i in range(n):
            out[i] = 2 - x[i]
    elif op == ops.ADD_BYTE:
        y = small_at(by, b, n)
        for i in range(n):
            out[i] = x[i] + y[i]
    elif op == ops.BIT or op == ops.BIT_MISSING:
        y = small_at(by, b, n)
        bit, wanted = np.uint8(1 << imm), np.uint8(1 if op == ops.BIT else 0)
        for i in range(n):
            out[i] = x[i] | (bit if y[i] == wanted else 0)
    elif op == ops.MARK:
        y = small_at(by, b, n)
        for i in range(n):
            out[i] = x[i] if y[i] == 1 else 255
    else:  # PASSED
        for i in range(n):
            out[i] = x[i] & 1


@kernel
def choose(op: int, n: int, d: int, a: int, b: int, c: int, imm: int, imm2: int, sw: Any, by: Any) -> None:
    """Words chosen by bytes."""
    out, t = words_at(sw, d, n), small_at(by, a, n)
    if op == ops.SELECT:
        x, y = words_at(sw, b, n), words_at(sw, c, n)
        for i in range(n):
            out[i] = x[i] if t[i] == 1 else y[i]
    elif op == ops.SELECT_CX:
        x = words_at(sw, b, n)
        for i in range(n):
            out[i] = imm if t[i] == 1 else x[i]
    elif op == ops.SELECT_XC:
        x = words_at(sw, b, n)
        for i in range(n):
            out[i] = x[i] if t[i] == 1 else imm
    elif op == ops.SELECT_CC:
        for i in range(n):
            out[i] = imm if t[i] == 1 else imm2
    else:  # WIDEN
        for i in range(n):
            out[i] = t[i]


@kernel
def set_bit(n: int, d: int, a: int, b: int, imm: int, sw: Any, by: Any) -> None:
    """A word with one more bit where a truth holds."""
    out, x, t = words_at(sw, d, n), words_at(sw, a, n), small_at(by, b, n)
    bit = np.int64(1) << imm
    for i in range(n):
        out[i] = x[i] | (bit if t[i] == 1 else 0)
