"""Kernels that use the pool, divide, go between levels, and store.

Folds take differences of a running sum at the offsets, so that no branch depends on how many rows a household has;
the sum runs on unsigned words and may wrap. Row numbers are unsigned 32-bit, so that no index can count from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import I16, I64, U64, at, bytes_at, inlined, like, u32_at
from hardship.lowering import ops

SPREAD = np.array([sum((k >> bit & 1) << (8 * bit) for bit in range(8)) for k in range(256)], np.uint64)
"""Each bit of a byte in a byte of its own."""

PARENTS = 256
"""Parent rows whose children's running sum is taken at a time: it stays in the cache that is nearest."""


@inlined
def passed(n: Any, d: Any, coefficient: Any, strict: Any) -> Any:
    """1 where n >= coefficient * d + strict, all words seen as unsigned."""
    return np.uint8(np.int64(n) >= np.int64(coefficient * d + strict))


@inlined
def step(n: int, d: Any, a: Any, place: int, size: int, pool: Any, tag: Any) -> None:
    """How many edges a word reaches; they are taken four at a time, padded with edges that are never reached."""
    band, x = bytes_at(d, n), at(a, n, tag)
    for k in range(0, size, 4):
        p = place + k
        e0, e1, e2, e3 = like(pool[p], tag), like(pool[p + 1], tag), like(pool[p + 2], tag), like(pool[p + 3], tag)
        if k == 0:
            for i in range(n):
                band[i] = np.uint8(x[i] >= e0) + np.uint8(x[i] >= e1) + np.uint8(x[i] >= e2) + np.uint8(x[i] >= e3)
        else:
            for i in range(n):
                band[i] += np.uint8(x[i] >= e0) + np.uint8(x[i] >= e1) + np.uint8(x[i] >= e2) + np.uint8(x[i] >= e3)


@inlined
def step_ratio(n: int, d: Any, a: Any, b: Any, place: int, size: int, pool: Any) -> None:
    """For how many coefficients a word is at least coefficient times another plus 0 or 1; two at a time."""
    band, u, v = bytes_at(d, n), at(a, n, U64), at(b, n, U64)
    for k in range(0, size, 2):
        p = place + 2 * k
        c0, s0, c1, s1 = np.uint64(pool[p]), np.uint64(pool[p + 1]), np.uint64(pool[p + 2]), np.uint64(pool[p + 3])
        if k == 0:
            for i in range(n):
                band[i] = passed(u[i], v[i], c0, s0) + passed(u[i], v[i], c1, s1)
        else:
            for i in range(n):
                band[i] += passed(u[i], v[i], c0, s0) + passed(u[i], v[i], c1, s1)


@inlined
def step_word(n: int, d: Any, a: Any, place: int, size: int, pool: Any, into: Any, tag: Any) -> None:
    """A start and the deltas of the edges that a number reaches, two edges at a time."""
    out, x = at(d, n, into), at(a, n, tag)
    start = like(pool[place], into)
    for k in range(0, size, 2):
        p = place + 1 + 2 * k
        e0, e1 = like(pool[p], tag), like(pool[p + 2], tag)
        d0, d1 = like(pool[p + 1], into), like(pool[p + 3], into)
        if k == 0:
            for i in range(n):
                out[i] = start + (d0 if x[i] >= e0 else 0) + (d1 if x[i] >= e1 else 0)
        else:
            for i in range(n):
                out[i] += (d0 if x[i] >= e0 else 0) + (d1 if x[i] >= e1 else 0)


@inlined
def look(op: int, n: int, d: Any, a: Any, b: Any, c: int, place: int, size: int, pool: Any, tag: Any) -> None:
    """Cells of the pool by one byte, two bytes or a word."""
    out = at(d, n, tag)
    cells = pool[place : place + size]
    if op == ops.LOOK_BYTE and size <= 8 and cells.max() < cells.min() + 256:
        # As one word that is shifted: cells would be gathered one by one, half as fast.
        row, least, packed = bytes_at(a, n), cells.min(), np.uint64(0)
        for k in range(size):
            packed |= np.uint64(cells[k] - least) << np.uint64(8 * k)
        begin = like(least, tag)
        for i in range(n):
            out[i] = begin + like((packed >> (np.uint64(row[i]) << np.uint64(3))) & np.uint64(255), tag)
    elif op == ops.LOOK_BYTE:
        row = bytes_at(a, n)
        for i in range(n):
            out[i] = cells[row[i]]
    elif op == ops.LOOK_TWO:
        row, column = bytes_at(a, n), bytes_at(b, n)
        width = np.uint64(c)
        for i in range(n):
            out[i] = cells[np.uint64(row[i]) * width + np.uint64(column[i])]
    else:  # LOOK_WORD
        number = at(a, n, I64)
        for i in range(n):
            out[i] = cells[np.uint64(number[i])]


@inlined
def above(mode: Any, n: Any, m: Any, q: Any, r: Any) -> Any:
    """1 if the whole number is the one above the floor `q`; `r` is the rest of `n` over `m`."""
    twice = r + r
    if mode == ops.FLOOR:
        up = False
    elif mode == ops.CEIL:
        up = r > 0
    elif mode == ops.HALF_UP:  # ties away from zero
        up = (twice > m) | ((twice == m) & (n >= 0))
    else:
        up = (twice > m) | ((twice == m) & ((q & 1) == 1))
    return 1 if up else 0


@inlined
def above_wide(mode: Any, n: Any, q: Any, r: Any, rest: Any) -> Any:
    """As `above`, with the rest of the divisor in the place of the divisor."""
    if mode == ops.FLOOR:
        up = False
    elif mode == ops.CEIL:
        up = r > 0
    elif mode == ops.HALF_UP:
        up = (r > rest) | ((r == rest) & (n >= 0))
    else:
        up = (r > rest) | ((r == rest) & ((q & 1) == 1))
    return 1 if up else 0


@inlined
def quotient(n: Any, m: Any) -> Any:
    """Floor of n / m and the rest, for any words with m >= 1 and |n| + m below 2**63; four times as fast as a division.

    Floats only propose. The first proposal leaves a rest of at most 3 |n| / 2**53 + m, the second one within one m
    of the true rest; integers then decide: 0 <= rest < m.
    """
    size = np.float64(m)
    q = np.int64(np.floor(np.float64(n) / size))
    r = np.int64(np.uint64(n) - np.uint64(q) * np.uint64(m))
    more = np.int64(np.floor(np.float64(r) / size))
    q, r = q + more, np.int64(np.uint64(r) - np.uint64(more) * np.uint64(m))
    low, high = r < 0, r >= m
    q = q - (1 if low else 0) + (1 if high else 0)
    r = r + (m if low else 0) - (m if high else 0)
    return q, r


@inlined
def nearest(n: Any, m: Any) -> Any:
    """n / m to the nearest whole number, ties away from zero, both below 2**53; 1.4 times as fast as by the floor.

    The float64 quotient proposes one that is at most one off; the rest decides: twice of it lies from -m to below m,
    of a negative n from above -m to m.
    """
    q = np.int64(np.floor(np.float64(n) / np.float64(m) + 0.5))
    twice, edge = 2 * (n - q * m), m + (1 if n < 0 else 0)
    return q + (1 if twice >= edge else 0) - (1 if twice < edge - m - m else 0)


@inlined
def divide(op: int, n: int, d: Any, a: Any, b: Any, mode: int) -> None:
    """Rounded division, ages, months."""
    out, x = at(d, n, I64), at(a, n, I64)
    if op == ops.ROUND:
        y = at(b, n, I64)
        if mode == ops.HALF_UP:
            for i in range(n):
                out[i] = nearest(x[i], y[i])
        else:
            # Both below 2**53: the float64 quotient of a non-integer cannot reach the next integer: its floor is exact.
            for i in range(n):
                q = np.int64(np.floor(np.float64(x[i]) / np.float64(y[i])))
                out[i] = q + above(mode, x[i], y[i], q, x[i] - q * y[i])
    elif op == ops.ROUND_WIDE:
        y = at(b, n, I64)
        for i in range(n):
            q, r = quotient(x[i], y[i])
            rest = y[i] - r  # twice r may leave a word: r is compared with what is left of the divisor
            out[i] = q + above_wide(mode, x[i], q, r, rest)
    elif op == ops.AGE:
        for i in range(n):
            out[i] = np.int64(np.floor(np.float64(x[i]) / 10000.0))
    else:  # MONTHS
        y = at(b, n, I64)
        for i in range(n):
            begin, end = np.uint32(x[i]), np.uint32(y[i])
            m, k = begin // np.uint32(100), end // np.uint32(100)
            # A year is a hundred in these numbers and has twelve months.
            m, b_day = m - (m // np.uint32(100)) * np.uint32(88), begin - m * np.uint32(100)
            k, e_day = k - (k // np.uint32(100)) * np.uint32(88), end - k * np.uint32(100)
            out[i] = np.int64(k) - np.int64(m) - (1 if e_day < b_day else 0)


@inlined
def expand(n: int, above: int, d: Any, a: Any, address: Any, first: int, parent: int, tag: Any) -> None:
    """The parent's value at each child row: `n` children from `first`, `above` parents from `parent`."""
    parents = u32_at(address + np.uint64(first * 4), n)
    start = np.uint32(parent)
    out, x = at(d, n, tag), at(a, above, tag)
    for i in range(n):
        out[i] = x[parents[i] - start]


@inlined
def differences(n: int, d: Any, sums: Any, address: Any) -> None:
    """What a running sum, 0 before the children of the first of `n` parents, has gained over those of each one."""
    offsets, out, before = u32_at(address, n + 1), at(d, n, U64), np.uint64(0)
    start = offsets[0]
    for i in range(n):
        after = sums[offsets[i + 1] - start]
        out[i] = after - before
        before = after


@inlined
def held(word: Any, truth: Any) -> Any:
    """A word as an unsigned one where a truth is 1, else 0, without a branch."""
    return like(word, U64) & (np.uint64(0) - np.uint64(truth & np.uint8(1)))


@inlined
def fold_sum(
    n: int, rows: int, d: Any, a: Any, b: Any, address: Any, parent: int, first: int, tally: Any, tag: Any
) -> None:  # fmt: skip
    """Sums over the child rows of each parent row: `n` parents from `parent`, `rows` children from `first`."""
    offsets, start = u32_at(address + np.uint64(parent * 4), n + 1), np.uint32(first)
    sums, every = at(tally, rows + 1, U64), at(a, rows, tag)
    sums[0] = 0
    for begin in range(0, n, PARENTS):
        some = min(n - begin, PARENTS)
        low, high = offsets[begin] - start, offsets[begin + some] - start
        x, total = every[low:high], np.uint64(0)
        if b == 0:
            for i in range(len(x)):
                total += like(x[i], U64)
                sums[i + 1] = total
        else:
            t = bytes_at(b + np.uint64(low), len(x))
            for i in range(len(x)):
                total += held(x[i], t[i])
                sums[i + 1] = total
        differences(some, d + np.uint64(8 * begin), sums, address + np.uint64(4 * (parent + begin)))


@inlined
def fold_bits(n: int, rows: int, d: Any, a: Any, address: Any, parent: int, first: int, tally: Any) -> None:
    """For each parent row eight counts in the bytes of a word: of the child rows in which each bit of a byte is set."""
    offsets, start = u32_at(address + np.uint64(parent * 4), n + 1), np.uint32(first)
    sums, every = at(tally, rows + 1, U64), bytes_at(a, rows)
    sums[0] = 0
    for begin in range(0, n, PARENTS):
        some = min(n - begin, PARENTS)
        low, high = offsets[begin] - start, offsets[begin + some] - start
        x, total = every[low:high], np.uint64(0)
        for i in range(len(x)):
            # Lanes run over into one another; the difference of two sums is the sum between them all the same.
            total += SPREAD[x[i]]
            sums[i + 1] = total
        differences(some, d + np.uint64(8 * begin), sums, address + np.uint64(4 * (parent + begin)))


@inlined
def scatter_sum(n: int, rows: int, d: Any, a: Any, b: Any, up: Any, parent: int, first: int, tag: Any) -> None:
    """The same for children that are fewer than their parents, whose rows lie at `up`.

    The sum begins anew with each parent and is written after every child: nothing is read back, no branch is taken.
    """
    out, x = at(d, n, U64), at(a, rows, tag)
    parents, start = u32_at(up + np.uint64(first * 4), rows), np.uint32(parent)
    out[:] = 0
    total, here = np.uint64(0), np.uint32(n)
    if b == 0:
        for i in range(rows):
            place = parents[i] - start
            total = (total if place == here else np.uint64(0)) + like(x[i], U64)
            out[place] = total
            here = place
    else:
        t = bytes_at(b, rows)
        for i in range(rows):
            place = parents[i] - start
            total = (total if place == here else np.uint64(0)) + held(x[i], t[i])
            out[place] = total
            here = place


@inlined
def scatter_bytes(
    op: int, n: int, rows: int, d: Any, a: Any, up: Any, above: Any, parent: int, first: int
) -> None:  # fmt: skip
    """Counts, `any` and validity in the same way; `above`: where the parents of the parents lie, or 0."""
    t = bytes_at(a, rows)
    parents, start, here = u32_at(up + np.uint64(first * 4), rows), np.uint32(parent), np.uint32(n)
    if op == ops.FOLD_COUNT:
        count, total = at(d, n, U64), np.uint64(0)
        count[:] = 0
        for i in range(rows):
            place = (parents[i] if above == 0 else u32_at(above + np.uint64(parents[i]) * np.uint64(4), 1)[0]) - start
            total = (total if place == here else np.uint64(0)) + np.uint64(t[i] & 1)
            count[place] = total
            here = place
        return
    out = bytes_at(d, n)
    out[:] = 2 if op == ops.FOLD_ANY else 1
    some, every = np.uint8(0), np.uint8(3)
    for i in range(rows):
        place = (parents[i] if above == 0 else u32_at(above + np.uint64(parents[i]) * np.uint64(4), 1)[0]) - start
        some = (some if place == here else np.uint8(0)) | t[i]
        every = (every if place == here else np.uint8(3)) & t[i]
        # `any`: true where one is, false where all are; validity: where all are.
        out[place] = (some & 1) | (every & 2) if op == ops.FOLD_ANY else every
        here = place


@inlined
def fold_extreme(
    op: int, n: int, rows: int, d: Any, a: Any, b: Any, imm: int, address: Any, parent: int, first: int
) -> None:  # fmt: skip
    """Smallest and largest over the child rows of each parent row."""
    offsets = u32_at(address + np.uint64(parent * 4), n + 1)
    start = np.uint32(first)
    best, y, t = at(d, n, I64), at(a, rows, I64), bytes_at(b, rows)
    least = op == ops.FOLD_MIN
    for i in range(n):
        found, value = False, np.int64(imm)
        for k in range(offsets[i] - start, offsets[i + 1] - start):
            if t[k] == 1 and (not found or (y[k] < value if least else y[k] > value)):
                found, value = True, y[k]
        best[i] = value


@inlined
def fold_bytes(
    op: int, n: int, rows: int, d: Any, a: Any, offset: Any, parent: int, first: int, up: Any, tally: Any
) -> None:  # fmt: skip
    """Counts, `any` and validity over children that are fewer than 256 a parent; `up` is where their parents lie.

    Eight rows at a time; `tally` takes the running count of each row modulo 256. A row with a zero byte (missing) is
    rare and goes to its parent by itself.
    """
    ones, low7, top = np.uint64(0x0101010101010101), np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x8080808080808080)
    eights, start = (rows + 7) >> 3, np.uint32(parent)
    x = at(a, eights, U64)
    if op == ops.FOLD_VALID:
        valid = bytes_at(d, n)
        valid[:] = 1
    else:
        # count[1 + i] is the count of true rows up to and with row i.
        count = bytes_at(tally + np.uint64(7), rows + 1)
        count[0] = 0
        total = np.uint64(0)
        counts = at(tally + np.uint64(8), eights, U64)
        for k in range(eights):
            running = (x[k] & ones) * ones  # the sums within eight rows, none above 8
            so_far = (total & np.uint64(255)) * ones
            total += running >> np.uint64(56)
            # Byte by byte, without a carry into the next.
            counts[k] = ((running & low7) + (so_far & low7)) ^ ((running ^ so_far) & top)
        offsets = u32_at(offset + np.uint64(parent * 4), n + 1)
        begin = np.uint32(first)
        before = count[np.uint32(0)]
        if op == ops.FOLD_COUNT:
            out = at(d, n, I64)
            for i in range(n):
                after = count[offsets[i + 1] - begin]
                out[i] = np.uint8(after - before)
                before = after
            return
        truth = bytes_at(d, n)
        for i in range(n):
            after = count[offsets[i + 1] - begin]
            truth[i] = 2 if after == before else 1
            before = after
    out8 = bytes_at(d, n)
    parents = u32_at(up + np.uint64(first * 4), rows)
    for k in range(eights):
        zeros = ~(x[k] | (x[k] >> np.uint64(1))) & ones
        while zeros != 0:
            lowest = zeros & (~zeros + np.uint64(1))
            row = k * 8 + np.int64((((lowest - np.uint64(1)) & ones) * ones) >> np.uint64(56))
            zeros ^= lowest
            if row < rows:
                place = parents[row] - start
                out8[place] = 0 if op == ops.FOLD_VALID or out8[place] == 2 else out8[place]


@inlined
def lane(op: int, n: int, d: Any, a: Any, number: int) -> None:
    """One byte of a word: as a word of 16 bits, the truth that it is above 0, or the validity that it is 0."""
    x, shift = at(a, n, U64), np.uint64(8 * number)
    if op == ops.LANE:
        out = at(d, n, I16)
        for i in range(n):
            out[i] = (x[i] >> shift) & np.uint64(255)
    else:
        byte = bytes_at(d, n)
        some, none = (np.uint8(1), np.uint8(2)) if op == ops.LANE_ANY else (np.uint8(0), np.uint8(1))
        for i in range(n):
            byte[i] = some if ((x[i] >> shift) & np.uint64(255)) != 0 else none
