"""Kernels that use the pool, divide, go between levels, and store.

Folds take differences of a running sum at the offsets, so that no branch depends on how many rows a household has;
the sum runs on unsigned words and may wrap. Row numbers are unsigned 32-bit, so that no index can count from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import bytes_at, i64_at, kernel, u32_at, u64_at
from hardship.engine.kernels import small_at, unsigned_at, words_at
from hardship.lowering import ops


@kernel
def passed(n: Any, d: Any, coefficient: Any, strict: Any) -> Any:
    """1 where n >= coefficient * d + strict, all words seen as unsigned."""
    return np.uint8(np.int64(n) >= np.int64(coefficient * d + strict))


@kernel
def table(
    op: int, n: int, d: int, a: int, b: int, c: int, at: int, size: int, pool: Any, sw: Any, by: Any
) -> None:  # fmt: skip
    """Bands and look-ups; edges are taken four at a time, padded with edges that are never reached."""
    if op == ops.STEP:
        band, x = small_at(by, d, n), words_at(sw, a, n)
        for k in range(0, size, 4):
            e0, e1, e2, e3 = pool[at + k], pool[at + k + 1], pool[at + k + 2], pool[at + k + 3]
            if k == 0:
                for i in range(n):
                    band[i] = np.uint8(x[i] >= e0) + np.uint8(x[i] >= e1) + np.uint8(x[i] >= e2) + np.uint8(x[i] >= e3)
            else:
                for i in range(n):
                    band[i] += np.uint8(x[i] >= e0) + np.uint8(x[i] >= e1) + np.uint8(x[i] >= e2) + np.uint8(x[i] >= e3)
        return
    if op == ops.STEP_RATIO:
        band, u, v = small_at(by, d, n), unsigned_at(sw, a, n), unsigned_at(sw, b, n)
        for k in range(0, size, 2):
            p = at + 2 * k
            c0, s0, c1, s1 = np.uint64(pool[p]), np.uint64(pool[p + 1]), np.uint64(pool[p + 2]), np.uint64(pool[p + 3])
            if k == 0:
                for i in range(n):
                    band[i] = passed(u[i], v[i], c0, s0) + passed(u[i], v[i], c1, s1)
            else:
                for i in range(n):
                    band[i] += passed(u[i], v[i], c0, s0) + passed(u[i], v[i], c1, s1)
        return
    out = words_at(sw, d, n)
    if op == ops.STEP_WORD:
        x = words_at(sw, a, n)
        start = pool[at]
        for k in range(0, size, 2):
            p = at + 1 + 2 * k
            e0, d0, e1, d1 = pool[p], pool[p + 1], pool[p + 2], pool[p + 3]
            if k == 0:
                for i in range(n):
                    out[i] = start + (d0 if x[i] >= e0 else 0) + (d1 if x[i] >= e1 else 0)
            else:
                for i in range(n):
                    out[i] += (d0 if x[i] >= e0 else 0) + (d1 if x[i] >= e1 else 0)
    elif op == ops.LOOK_BYTE:
        row = small_at(by, a, n)
        cells = pool[at : at + size]
        for i in range(n):
            out[i] = cells[row[i]]
    elif op == ops.LOOK_TWO:
        row, column = small_at(by, a, n), small_at(by, b, n)
        cells = pool[at : at + size]
        width = np.uint64(c)
        for i in range(n):
            out[i] = cells[np.uint64(row[i]) * width + np.uint64(column[i])]
    else:  # LOOK_WORD
        place = words_at(sw, a, n)
        cells = pool[at : at + size]
        for i in range(n):
            out[i] = cells[np.uint64(place[i])]


@kernel
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


@kernel
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


@kernel
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


@kernel
def divide(op: int, n: int, d: int, a: int, b: int, mode: int, sw: Any) -> None:
    """Rounded division, ages, months."""
    out, x = words_at(sw, d, n), words_at(sw, a, n)
    if op == ops.ROUND:
        # Both below 2**53: the float64 quotient of a non-integer cannot reach the next integer, so its floor is exact.
        y = words_at(sw, b, n)
        for i in range(n):
            q = np.int64(np.floor(np.float64(x[i]) / np.float64(y[i])))
            out[i] = q + above(mode, x[i], y[i], q, x[i] - q * y[i])
    elif op == ops.ROUND_WIDE:
        y = words_at(sw, b, n)
        for i in range(n):
            q, r = quotient(x[i], y[i])
            rest = y[i] - r  # twice r may leave a word: r is compared with what is left of the divisor
            out[i] = q + above_wide(mode, x[i], q, r, rest)
    elif op == ops.AGE:
        for i in range(n):
            out[i] = np.int64(np.floor(np.float64(x[i]) / 10000.0))
    else:  # MONTHS
        y = words_at(sw, b, n)
        for i in range(n):
            begin, end = np.uint32(x[i]), np.uint32(y[i])
            m, k = begin // np.uint32(100), end // np.uint32(100)
            # A year is a hundred in these numbers and has twelve months.
            m, b_day = m - (m // np.uint32(100)) * np.uint32(88), begin - m * np.uint32(100)
            k, e_day = k - (k // np.uint32(100)) * np.uint32(88), end - k * np.uint32(100)
            out[i] = np.int64(k) - np.int64(m) - (1 if e_day < b_day else 0)


@kernel
def expand(
    op: int, n: int, above: int, d: int, a: int, address: Any, first: int, parent: int, sw: Any, by: Any
) -> None:  # fmt: skip
    """The parent's value at each child row: `n` children from `first`, `above` parents from `parent`."""
    parents = u32_at(address + np.uint64(first * 4), n)
    start = np.uint32(parent)
    if op == ops.EXPAND_WORD:
        word, x = words_at(sw, d, n), words_at(sw, a, above)
        for i in range(n):
            word[i] = x[parents[i] - start]
    else:
        byte, t = small_at(by, d, n), small_at(by, a, above)
        for i in range(n):
            byte[i] = t[parents[i] - start]


@kernel
def fold(
    op: int, n: int, rows: int, d: int, a: int, b: int, imm: int, address: Any, parent: int, first: int,
    sw: Any, by: Any, tally: Any,
) -> None:  # fmt: skip
    """Over the child rows of each parent row: `n` parents from `parent`, `rows` children from `first`."""
    offsets = u32_at(address + np.uint64(parent * 4), n + 1)
    start = np.uint32(first)
    total = np.uint64(0)
    sums = u64_at(tally, rows + 1)
    sums[0] = 0
    if op == ops.FOLD_SUM:
        out, x = unsigned_at(sw, d, n), unsigned_at(sw, a, rows)
        if b < 0:
            for i in range(rows):
                total += x[i]
                sums[i + 1] = total
        else:
            t = small_at(by, b, rows)
            for i in range(rows):
                total += x[i] if t[i] == 1 else np.uint64(0)
                sums[i + 1] = total
        for i in range(n):
            out[i] = sums[offsets[i + 1] - start] - sums[offsets[i] - start]
    elif op == ops.FOLD_COUNT:
        out, t = unsigned_at(sw, d, n), small_at(by, a, rows)
        for i in range(rows):
            total += np.uint64(t[i] & 1)
            sums[i + 1] = total
        for i in range(n):
            out[i] = sums[offsets[i + 1] - start] - sums[offsets[i] - start]
    elif op == ops.FOLD_ANY:
        # Low half counts the true rows, high half the missing ones.
        truth, t = small_at(by, d, n), small_at(by, a, rows)
        for i in range(rows):
            total += np.uint64(t[i] & 1) | (np.uint64(1 << 32) if t[i] == 0 else np.uint64(0))
            sums[i + 1] = total
        for i in range(n):
            found = sums[offsets[i + 1] - start] - sums[offsets[i] - start]
            truth[i] = 1 if (found & np.uint64(0xFFFFFFFF)) != 0 else (0 if found != 0 else 2)
    elif op == ops.FOLD_VALID:
        valid, t = small_at(by, d, n), small_at(by, a, rows)
        for i in range(rows):
            total += np.uint64(1 - t[i])
            sums[i + 1] = total
        for i in range(n):
            valid[i] = 1 if sums[offsets[i + 1] - start] == sums[offsets[i] - start] else 0
    else:  # FOLD_MIN, FOLD_MAX
        best, y, t = words_at(sw, d, n), words_at(sw, a, rows), small_at(by, b, rows)
        least = op == ops.FOLD_MIN
        for i in range(n):
            found, value = False, np.int64(imm)
            for k in range(offsets[i] - start, offsets[i + 1] - start):
                if t[k] == 1 and (not found or (y[k] < value if least else y[k] > value)):
                    found, value = True, y[k]
            best[i] = value


@kernel
def fold_bytes(
    op: int, n: int, rows: int, d: int, a: int, offset: Any, parent: int, first: int, up: Any,
    sw: Any, by: Any, tally: Any,
) -> None:  # fmt: skip
    """Counts, `any` and validity over children that are fewer than 256 a parent; `up` is where their parents lie.

    Eight rows at a time; `tally` takes the running count of each row modulo 256. A row with a zero byte (missing) is
    rare and goes to its parent by itself.
    """
    ones, low7, top = np.uint64(0x0101010101010101), np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x8080808080808080)
    eights, start = (rows + 7) >> 3, np.uint32(parent)
    x = u64_at(by + np.uint64(a), eights)
    if op == ops.FOLD_VALID:
        valid = small_at(by, d, n)
        valid[:] = 1
    else:
        # count[1 + i] is the count of true rows up to and with row i.
        count = bytes_at(tally + np.uint64(7), rows + 1)
        count[0] = 0
        total = np.uint64(0)
        counts = u64_at(tally + np.uint64(8), eights)
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
            out = words_at(sw, d, n)
            for i in range(n):
                after = count[offsets[i + 1] - begin]
                out[i] = np.uint8(after - before)
                before = after
            return
        truth = small_at(by, d, n)
        for i in range(n):
            after = count[offsets[i + 1] - begin]
            truth[i] = 2 if after == before else 1
            before = after
    out8 = small_at(by, d, n)
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


@kernel
def store(op: int, n: int, a: int, address: Any, first: int, sw: Any, by: Any) -> None:
    """Copy a register to rows from `first` of an output."""
    if op == ops.STORE_WORD:
        words, x = i64_at(address + np.uint64(first * 8), n), words_at(sw, a, n)
        for i in range(n):
            words[i] = x[i]
    else:
        out, t = bytes_at(address + np.uint64(first), n), small_at(by, a, n)
        for i in range(n):
            out[i] = t[i]
