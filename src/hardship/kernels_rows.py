"""Kernels that use the pool, divide, go between levels, and store.

Folds take differences of a running sum at the offsets, so that no branch depends on how many rows a household has;
the sum runs on unsigned words and may wrap. Row numbers are unsigned 32-bit, so that no index can count from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship import ops
from hardship._jit import bytes_at, i64_at, kernel, u32_at


@kernel
def table(
    op: int, n: int, d: int, a: int, b: int, c: int, at: int, size: int, pool: Any, W: Any, Y: Any
) -> None:
    """Bands and look-ups; edges are taken four at a time, padded with edges that are never reached."""
    if op == ops.STEP:
        band, x = Y[d : d + n], W[a : a + n]
        for k in range(0, size, 4):
            e0, e1, e2, e3 = pool[at + k], pool[at + k + 1], pool[at + k + 2], pool[at + k + 3]
            if k == 0:
                for i in range(n):
                    band[i] = (
                        np.uint8(x[i] >= e0) + np.uint8(x[i] >= e1) + np.uint8(x[i] >= e2) + np.uint8(x[i] >= e3)
                    )
            else:
                for i in range(n):
                    band[i] += (
                        np.uint8(x[i] >= e0) + np.uint8(x[i] >= e1) + np.uint8(x[i] >= e2) + np.uint8(x[i] >= e3)
                    )
        return
    out = W[d : d + n]
    if op == ops.STEP_WORD:
        x = W[a : a + n]
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
        row = Y[a : a + n]
        cells = pool[at : at + size]
        for i in range(n):
            out[i] = cells[row[i]]
    elif op == ops.LOOK_TWO:
        row, column = Y[a : a + n], Y[b : b + n]
        cells = pool[at : at + size]
        width = np.uint64(c)
        for i in range(n):
            out[i] = cells[np.uint64(row[i]) * width + np.uint64(column[i])]
    else:  # LOOK_WORD
        place = W[a : a + n]
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
def divide(op: int, n: int, d: int, a: int, b: int, mode: int, W: Any) -> None:
    """Rounded division, ages, months."""
    out, x = W[d : d + n], W[a : a + n]
    if op == ops.ROUND:
        # Both below 2**53: the float64 quotient of a non-integer cannot reach the next integer, so its floor is exact.
        y = W[b : b + n]
        for i in range(n):
            q = np.int64(np.floor(np.float64(x[i]) / np.float64(y[i])))
            out[i] = q + above(mode, x[i], y[i], q, x[i] - q * y[i])
    elif op == ops.ROUND_WIDE:
        y = W[b : b + n]
        for i in range(n):
            q = x[i] // y[i]
            r = x[i] - q * y[i]
            # 2r may leave a word where the divisor is above 2**62: compare r with what is left instead.
            rest = y[i] - r
            if mode == ops.FLOOR:
                up = False
            elif mode == ops.CEIL:
                up = r > 0
            elif mode == ops.HALF_UP:
                up = r > rest or (r == rest and x[i] >= 0)
            else:
                up = r > rest or (r == rest and (q & 1) == 1)
            out[i] = q + (1 if up else 0)
    elif op == ops.AGE:
        for i in range(n):
            out[i] = np.int64(np.floor(np.float64(x[i]) / 10000.0))
    else:  # MONTHS
        y = W[b : b + n]
        for i in range(n):
            first, last = x[i], y[i]
            months = (last // 10000 - first // 10000) * 12 + (last // 100 % 100 - first // 100 % 100)
            out[i] = months - (1 if last % 100 < first % 100 else 0)


@kernel
def expand(op: int, n: int, d: int, a: int, address: Any, first: int, parent: int, W: Any, Y: Any) -> None:
    """The parent's value at each child row; `first` and `parent` are the block's first child and parent row."""
    parents = u32_at(address + np.uint64(first * 4), n)
    start = np.uint32(parent)
    if op == ops.EXPAND_WORD:
        word, x = W[d : d + n], W[a:]
        for i in range(n):
            word[i] = x[parents[i] - start]
    else:
        byte, t = Y[d : d + n], Y[a:]
        for i in range(n):
            byte[i] = t[parents[i] - start]


@kernel
def fold(
    op: int, n: int, rows: int, d: int, a: int, b: int, imm: int, address: Any, parent: int, first: int,
    U: Any, W: Any, Y: Any, T: Any,
) -> None:  # fmt: skip
    """Over the child rows of each parent row. `n` parents from `parent`, `rows` children from `first`; `T` is scratch."""
    offsets = u32_at(address + np.uint64(parent * 4), n + 1)
    start = np.uint32(first)
    total = np.uint64(0)
    T[0] = 0
    if op == ops.FOLD_SUM:
        out, x = U[d : d + n], U[a : a + rows]
        if b < 0:
            for i in range(rows):
                total += x[i]
                T[i + 1] = total
        else:
            t = Y[b : b + rows]
            for i in range(rows):
                total += x[i] if t[i] == 1 else np.uint64(0)
                T[i + 1] = total
        for i in range(n):
            out[i] = T[offsets[i + 1] - start] - T[offsets[i] - start]
    elif op == ops.FOLD_COUNT:
        out, t = U[d : d + n], Y[a : a + rows]
        for i in range(rows):
            total += np.uint64(t[i] & 1)
            T[i + 1] = total
        for i in range(n):
            out[i] = T[offsets[i + 1] - start] - T[offsets[i] - start]
    elif op == ops.FOLD_ANY:
        # Low half counts the true rows, high half the missing ones.
        truth, t = Y[d : d + n], Y[a : a + rows]
        for i in range(rows):
            total += np.uint64(t[i] & 1) | (np.uint64(1 << 32) if t[i] == 0 else np.uint64(0))
            T[i + 1] = total
        for i in range(n):
            found = T[offsets[i + 1] - start] - T[offsets[i] - start]
            truth[i] = 1 if (found & np.uint64(0xFFFFFFFF)) != 0 else (0 if found != 0 else 2)
    elif op == ops.FOLD_VALID:
        valid, t = Y[d : d + n], Y[a : a + rows]
        every = np.uint8(1)
        for i in range(rows):
            every &= t[i]
        if every == 1:  # nothing is missing in most blocks
            valid[:] = 1
            return
        for i in range(rows):
            total += np.uint64(1 - t[i])
            T[i + 1] = total
        for i in range(n):
            valid[i] = 1 if T[offsets[i + 1] - start] == T[offsets[i] - start] else 0
    else:  # FOLD_MIN, FOLD_MAX
        best, y, t = W[d : d + n], W[a : a + rows], Y[b : b + rows]
        least = op == ops.FOLD_MIN
        for i in range(n):
            found, value = False, np.int64(imm)
            for k in range(offsets[i] - start, offsets[i + 1] - start):
                if t[k] == 1 and (not found or (y[k] < value if least else y[k] > value)):
                    found, value = True, y[k]
            best[i] = value


@kernel
def store(op: int, n: int, a: int, address: Any, first: int, W: Any, Y: Any) -> None:
    """Copy a register to rows from `first` of an output."""
    if op == ops.STORE_WORD:
        words, x = i64_at(address + np.uint64(first * 8), n), W[a : a + n]
        for i in range(n):
            words[i] = x[i]
    else:
        out, t = bytes_at(address + np.uint64(first), n), Y[a : a + n]
        for i in range(n):
            out[i] = t[i]
