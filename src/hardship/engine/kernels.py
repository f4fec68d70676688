"""Kernels that work row by row: loads, words, comparisons, bytes, choices.

Every kernel takes the instruction's number, the count of rows, and the addresses where its operands begin. Words are
of 16, 32 or 64 bits, as the tag says: narrow ones, which only a tuned program has, pass more rows at a time. Sums and
products of 64-bit words are made unsigned, where overflow is defined. A result never lies in an operand's register, so
that the loops become SIMD code. Addresses and no arrays, because the counting of references to an array costs more
than most instructions do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import I16, I32, I64, U64, at, bytes_at, inlined, like
from hardship.lowering import ops


@inlined
def load_word(n: int, d: Any, address: Any, size: int, fill: int, tag: Any) -> None:
    """Copy `n` integers of `size` bytes from an address into words; without a column `fill`."""
    word = at(d, n, tag)
    if address == 0:
        word[:] = like(fill, tag)
    elif size == 1:
        small = bytes_at(address, n)
        for i in range(n):
            word[i] = small[i]
    elif size == 2:
        short = at(address, n, I16)
        for i in range(n):
            word[i] = short[i]
    elif size == 4:
        middle = at(address, n, I32)
        for i in range(n):
            word[i] = middle[i]
    else:
        large = at(address, n, I64)
        for i in range(n):
            word[i] = large[i]


@inlined
def load_byte(op: int, n: int, d: Any, address: Any, fill: int) -> None:
    """Copy `n` bytes from an address; without a column `fill`."""
    byte = bytes_at(d, n)
    if address == 0:
        byte[:] = fill
        return
    source = bytes_at(address, n)
    if op == ops.LOAD_TRUTH:
        for i in range(n):
            byte[i] = 2 - source[i]
    else:
        for i in range(n):
            byte[i] = source[i]


@inlined
def fill(n: int, d: Any, value: int, tag: Any) -> None:
    """The same word in every row."""
    word = at(d, n, tag)
    word[:] = like(value, tag)


@inlined
def words(op: int, n: int, d: Any, a: Any, b: Any, imm: int, tag: Any, wrapping: Any) -> None:
    """Arithmetic on words; `wrapping` is the type in which they are added and multiplied."""
    out, x, y = at(d, n, wrapping), at(a, n, wrapping), at(b, n, wrapping)
    signed, sx, sy = at(d, n, tag), at(a, n, tag), at(b, n, tag)
    c, edge = like(imm, wrapping), like(imm, tag)
    if op == ops.ADD:
        for i in range(n):
            out[i] = x[i] + y[i]
    elif op == ops.SUB:
        for i in range(n):
            out[i] = x[i] - y[i]
    elif op == ops.MUL:
        for i in range(n):
            out[i] = x[i] * y[i]
    elif op == ops.MIN:
        for i in range(n):
            signed[i] = sx[i] if sx[i] < sy[i] else sy[i]
    elif op == ops.MAX:
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
            signed[i] = sx[i] if sx[i] < edge else edge
    elif op == ops.MAX_C:
        for i in range(n):
            signed[i] = sx[i] if sx[i] > edge else edge
    else:  # SUB_FROM_C
        for i in range(n):
            out[i] = c - x[i]


@inlined
def compare(op: int, n: int, d: Any, a: Any, b: Any, imm: int, tag: Any) -> None:
    """Truths from words."""
    out, x, y = bytes_at(d, n), at(a, n, tag), at(b, n, tag)
    edge = like(imm, tag)
    if op == ops.LT:
        for i in range(n):
            out[i] = 1 if x[i] < y[i] else 2
    elif op == ops.LE:
        for i in range(n):
            out[i] = 1 if x[i] <= y[i] else 2
    elif op == ops.EQ:
        for i in range(n):
            out[i] = 1 if x[i] == y[i] else 2
    elif op == ops.NE:
        for i in range(n):
            out[i] = 1 if x[i] != y[i] else 2
    elif op == ops.LT_C:
        for i in range(n):
            out[i] = 1 if x[i] < edge else 2
    elif op == ops.GE_C:
        for i in range(n):
            out[i] = 1 if x[i] >= edge else 2
    elif op == ops.EQ_C:
        for i in range(n):
            out[i] = 1 if x[i] == edge else 2
    else:  # NE_C
        for i in range(n):
            out[i] = 1 if x[i] != edge else 2


@inlined
def has_bit(n: int, d: Any, a: Any, imm: int) -> None:
    """The truth of a bit."""
    out, x = bytes_at(d, n), at(a, n, I64)
    for i in range(n):
        out[i] = 2 - ((x[i] >> imm) & 1)


@inlined
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


@inlined
def compare_wide(op: int, n: int, d: Any, a: Any, b: Any, c: Any, e: Any) -> None:
    """Truths from exact 128-bit products of words."""
    out = bytes_at(d, n)
    x, y, z, w = at(a, n, I64), at(b, n, I64), at(c, n, I64), at(e, n, I64)
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


@inlined
def small(op: int, n: int, d: Any, a: Any, b: Any, c: Any, e: Any, imm: int, imm2: int) -> None:
    """Bytes from bytes."""
    out, x, y = bytes_at(d, n), bytes_at(a, n), bytes_at(b, n)
    if op == ops.AND:
        for i in range(n):
            out[i] = (x[i] & y[i] & 1) | ((x[i] | y[i]) & 2)
    elif op == ops.OR:
        for i in range(n):
            out[i] = ((x[i] | y[i]) & 1) | (x[i] & y[i] & 2)
    elif op == ops.NOT:
        for i in range(n):
            out[i] = ((x[i] & 1) << 1) | (x[i] >> 1)
    elif op == ops.PICK:
        z = bytes_at(c, n)
        for i in range(n):
            out[i] = (y[i] & (0 - (x[i] & 1))) | (z[i] & (0 - (x[i] >> 1)))
    elif op == ops.RANGE:
        low, high = np.uint8(imm), np.uint8(imm2)
        for i in range(n):
            out[i] = 1 if (x[i] >= low) & (x[i] <= high) else 2
    elif op == ops.MASK:
        for i in range(n):
            out[i] = x[i] & (0 - (y[i] & 1))
    elif op == ops.KNOWN:
        for i in range(n):
            out[i] = (x[i] | (x[i] >> 1)) & 1
    elif op == ops.TRUTH:
        for i in range(n):
            out[i] = 2 - x[i]
    elif op == ops.ADD_BYTE:
        for i in range(n):
            out[i] = x[i] + y[i]
    elif op == ops.BIT or op == ops.BIT_MISSING:
        bit, wanted = np.uint8(1 << imm), np.uint8(1 if op == ops.BIT else 0)
        for i in range(n):
            out[i] = x[i] | (bit if y[i] == wanted else 0)
    elif op == ops.MARK:
        for i in range(n):
            out[i] = x[i] if y[i] == 1 else 255
    elif op == ops.PASSED:
        for i in range(n):
            out[i] = x[i] & 1
    else:  # BITS
        bits(n, d, a, b, c, e, imm, imm2)


@inlined
def bits(n: int, d: Any, a: Any, b: Any, c: Any, e: Any, imm: int, unset: int) -> None:
    """Bytes with three more bits where three truths hold (in `unset`: where not), eight rows at a time."""
    eights, ones, shift = n >> 3, np.uint64(0x0101010101010101), np.uint64(imm)
    turned = ones * np.uint64(unset)
    out, x, y, z, w = at(d, eights, U64), at(a, eights, U64), at(b, eights, U64), at(c, eights, U64), at(e, eights, U64)
    for i in range(eights):
        here = (y[i] & ones) | ((z[i] & ones) << np.uint64(1)) | ((w[i] & ones) << np.uint64(2))
        out[i] = x[i] | ((here << shift) ^ turned)
    byte, x1, y1, z1, w1 = bytes_at(d, n), bytes_at(a, n), bytes_at(b, n), bytes_at(c, n), bytes_at(e, n)
    for i in range(eights << 3, n):
        last = (y1[i] & 1) | ((z1[i] & 1) << 1) | ((w1[i] & 1) << 2)
        byte[i] = x1[i] | ((last << imm) ^ unset)


@inlined
def choose(op: int, n: int, d: Any, a: Any, b: Any, c: Any, imm: int, imm2: int, tag: Any) -> None:
    """Words chosen by bytes."""
    out, t = at(d, n, tag), bytes_at(a, n)
    x, y = at(b, n, tag), at(c, n, tag)
    here, there = like(imm, tag), like(imm2, tag)
    if op == ops.SELECT:
        for i in range(n):
            then, other = x[i], y[i]  # both are read whatever holds: a choice of addresses would be a branch
            out[i] = then if t[i] == 1 else other
    elif op == ops.SELECT_CX:
        for i in range(n):
            out[i] = here if t[i] == 1 else x[i]
    elif op == ops.SELECT_XC:
        for i in range(n):
            out[i] = x[i] if t[i] == 1 else here
    elif op == ops.SELECT_CC:
        for i in range(n):
            out[i] = here if t[i] == 1 else there
    else:  # WIDEN
        for i in range(n):
            out[i] = t[i]


@inlined
def set_bit(n: int, d: Any, a: Any, b: Any, imm: int) -> None:
    """A word with one more bit where a truth holds."""
    out, x, t = at(d, n, I64), at(a, n, I64), bytes_at(b, n)
    bit = np.int64(1) << imm
    for i in range(n):
        out[i] = x[i] | (bit if t[i] == 1 else 0)


@inlined
def copy(n: int, d: Any, a: Any, into: Any, tag: Any) -> None:
    """Words of the type of `tag` as words of the type of `into`, which holds them."""
    out, x = at(d, n, into), at(a, n, tag)
    for i in range(n):
        out[i] = x[i]
