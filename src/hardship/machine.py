"""The block machine: runs a program's arrays over bound columns, block by block, in registers that stay in cache.

A block ends before `block` households or before `CHILD_ROWS` rows of a level below, but holds at least one household.
Threads take ranges of whole chunks; nothing depends on how they are cut. The machine is compiled once for all
tables and kept on disk (`_jit`).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship import kernels, kernels_rows, ops
from hardship._jit import bytes_at, i32_at, kernel, u32_at
from hardship.bind import Columns
from hardship.errors import EngineError, Fault
from hardship.ops import A, B, C, CHILD, D, DST, ENTITY, IMM, IMM2, OP, Program

Array = npt.NDArray[Any]

CHILD_ROWS = 8192
CHUNK = 16_384  # households that a thread takes at a time


@dataclass(frozen=True, slots=True)
class Stored:
    """One result by name.

    Attributes:
        values: int64 or uint8 [rows of the level]; of bit planes uint8 [planes, rows].
        valid: uint8 [rows], 1 known, 0 missing; None: never missing (a truth, type `bool`, carries its own state).
        divisor: int64 [rows] of a ratio: the value is (values / den) / (divisor / divisor_den).
    """

    values: Array
    type: str
    level: str
    valid: Array | None = None
    divisor: Array | None = None
    den: int = 1
    divisor_den: int = 1
    domain: tuple[str, ...] = ()


Raw = dict[str, Stored]
"""Store name → result; `docs/interfaces.md` lists the names."""


@kernel
def run_block(
    code: Any, pool: Any, columns: Any, sizes: Any, known: Any, links: Any, values: Any, valid: Any, outputs: Any, on: int,
    first: Any, rows: Any, layout: Any, again: bool, U: Any, W: Any, Y: Any, T: Any, E: Any, S: Any, Z: Any,
) -> None:  # fmt: skip
    """All instructions over one block. `first`, `rows`: its first row and its count of rows on each level."""
    for k in range(code.shape[0]):
        op, entity = code[k, OP], code[k, ENTITY]
        n, start = rows[entity], first[entity]
        words, stride, small, narrow = layout[entity, 0], layout[entity, 1], layout[entity, 2], layout[entity, 3]
        imm, imm2 = code[k, IMM], code[k, IMM2]
        d, a, b, c = code[k, DST], code[k, A], code[k, B], code[k, C]
        dw, db = words + d * stride, small + d * narrow
        aw, ab = words + a * stride, small + a * narrow
        bw, bb = words + b * stride, small + b * narrow
        cw, cb = words + c * stride, small + c * narrow
        if op < ops.PARAMETER:
            at = dw if op == ops.LOAD_WORD else db
            if op == ops.LOAD_VALID:
                kernels.load(op, n, at, known[imm], 1, start, 1, W, Y)
            else:
                kernels.load(op, n, at, columns[imm], sizes[imm], start, imm2, W, Y)
        elif op == ops.PARAMETER:
            places = i32_at(links[ops.PLACES] + np.uint64(start * 4), n)
            word = W[dw : dw + n]
            of_place = values[imm]
            for i in range(n):
                word[i] = of_place[np.uint32(places[i])]
        elif op == ops.PARAMETER_VALID:
            places = i32_at(links[ops.PLACES] + np.uint64(start * 4), n)
            byte = Y[db : db + n]
            known_at = valid[imm]
            for i in range(n):
                byte[i] = known_at[np.uint32(places[i])]
        elif op == ops.CONST_WORD:
            W[dw : dw + n] = imm
        elif op == ops.CONST_BYTE:
            Y[db : db + n] = imm
        elif op == ops.ON:
            W[dw : dw + n] = on
        elif op < ops.LT:
            kernels.words(op, n, dw, aw, bb if op == ops.ADD_IF else bw, imm, U, W, Y)
        elif op < ops.LT_WIDE:
            kernels.compare(op, n, db, aw, bw, imm, W, Y)
        elif op < ops.AND:
            kernels.compare_wide(op, n, db, aw, bw, cw, words + code[k, D] * stride, W, Y)
        elif op < ops.SELECT:
            kernels.small(op, n, db, ab, bb, cb, imm, imm2, Y)
        elif op == ops.BIT_WORD:
            kernels.set_bit(n, dw, aw, bb, imm, W, Y)
        elif op < ops.STEP:
            kernels.choose(op, n, dw, ab, bw, cw, imm, imm2, W, Y)
        elif op == ops.LOOK_TWO:
            kernels_rows.table(op, n, dw, ab, bb, c, imm, imm2, pool, U, W, Y)
        elif op < ops.ROUND:
            at = db if op == ops.STEP or op == ops.STEP_RATIO else dw
            kernels_rows.table(op, n, at, ab if op == ops.LOOK_BYTE else aw, bw, c, imm, imm2, pool, U, W, Y)
        elif op < ops.EXPAND_WORD:
            kernels_rows.divide(op, n, dw, aw, bw, imm, W)
        elif op < ops.STORE_WORD:
            other = code[k, CHILD]
            words2, stride2, small2, narrow2 = layout[other, 0], layout[other, 1], layout[other, 2], layout[other, 3]
            link = links[c]
            if op == ops.EXPAND_WORD:
                kernels_rows.expand(op, n, dw, words2 + a * stride2, link, start, first[other], W, Y)
            elif op == ops.EXPAND_BYTE:
                kernels_rows.expand(op, n, db, small2 + a * narrow2, link, start, first[other], W, Y)
            else:
                at = small2 + a * narrow2
                if c < 3 and (op == ops.FOLD_COUNT or op == ops.FOLD_ANY or op == ops.FOLD_VALID):
                    to = dw if op == ops.FOLD_COUNT else db
                    kernels_rows.fold_bytes(
                        op, n, rows[other], to, at, link, start, first[other], links[ops.LINK_UP + c], W, Y, E, S, Z
                    )
                    continue
                of_byte = op == ops.FOLD_COUNT or op == ops.FOLD_ANY or op == ops.FOLD_VALID
                to_byte = op == ops.FOLD_ANY or op == ops.FOLD_VALID
                kernels_rows.fold(
                    op, n, rows[other], db if to_byte else dw, small2 + a * narrow2 if of_byte else words2 + a * stride2,
                    small2 + b * narrow2 if b >= 0 else -1, imm, link, start, first[other], U, W, Y, T,
                )  # fmt: skip
        elif not (again and imm2 == 1):
            kernels_rows.store(op, n, aw if op == ops.STORE_WORD else ab, outputs[imm], start, W, Y)


@kernel
def run_range(
    code: Any, pool: Any, columns: Any, sizes: Any, known: Any, links: Any, values: Any, valid: Any, outputs: Any, on: int,
    households: int, members: int, begin: int, end: int, block: int, again: bool, affected: Any, layout: Any, W: Any, Y: Any, T: Any,
) -> None:  # fmt: skip
    """All blocks of the households from `begin` to before `end`; in the second pass only blocks with an affected one."""
    U, E, S = W.view(np.uint64), Y.view(np.uint64), T.view(np.uint8)
    to_member = u32_at(links[0], households + 1)
    to_supporter, to_transfer = u32_at(links[1], members + 1), u32_at(links[2], members + 1)
    first, rows = np.empty(4, np.int64), np.empty(4, np.int64)
    h = begin
    while h < end:
        stop = min(h + block, end)
        m, s, t = np.int64(to_member[h]), np.int64(0), np.int64(0)
        s, t = np.int64(to_supporter[m]), np.int64(to_transfer[m])
        while stop > h + 1:
            last = np.int64(to_member[stop])
            widest = max(last - m, np.int64(to_supporter[last]) - s, np.int64(to_transfer[last]) - t)
            if widest <= CHILD_ROWS:
                break
            # Shrink in proportion, so that a few steps are enough.
            stop = h + max(np.int64(1), min(stop - h - 1, (stop - h) * CHILD_ROWS // widest))
        last = np.int64(to_member[stop])
        first[0], first[1], first[2], first[3] = h, m, s, t
        rows[0], rows[1] = stop - h, last - m
        rows[2], rows[3] = np.int64(to_supporter[last]) - s, np.int64(to_transfer[last]) - t
        wanted = True
        if again:
            wanted = False
            touched = bytes_at(affected, stop)
            for i in range(h, stop):
                if touched[i] != 0:
                    wanted = True
        if wanted:
            run_block(
                code, pool, columns, sizes, known, links, values, valid, outputs, on, first, rows, layout, again, U, W, Y, T, E, S, T
            )
        h = stop


def scratch(program: Program, widest: Array, block: int) -> tuple[Array, Array, Array, Array]:
    """Register files for one thread: words, bytes, running sums, and where each level's registers begin."""
    rows = np.maximum(np.array([block, CHILD_ROWS, CHILD_ROWS, CHILD_ROWS]), widest)
    layout = np.zeros((4, 4), np.int64)
    words = small = 0
    for level in range(4):
        # A little more than a power of two: registers would otherwise share the same cache sets.
        stride, narrow = (int(rows[level]) + 7) // 8 * 8 + 24, (int(rows[level]) + 63) // 64 * 64 + 192
        layout[level] = words, stride, small, narrow
        words += stride * int(program.arrays.registers[level, 0])
        small += narrow * int(program.arrays.registers[level, 1])
    slack = int(rows.max()) + 64
    return np.empty(words + slack, np.int64), np.empty(small + (slack + 7) // 8 * 8, np.uint8), np.empty(slack, np.uint64), layout


def run(program: Program, columns: Columns, *, threads: int = 1, block: int = 2048) -> Raw:
    """Run a program over bound columns.

    Args:
        program: of `lower`.
        columns: of `bind`, for the same program.
        threads: how many threads work; the result does not depend on it.
        block: most households a block; the result does not depend on it.

    Returns:
        Every store of the program by name, one row for each row of its level in the columns' order.

    Raises:
        EngineError: the columns belong to another program.
    """
    if columns.program is not program:
        raise EngineError(Fault("common.engine", params={"what": "columns of another program"}))
    warm()
    return compute(program, columns, threads=threads, block=block)


def compute(program: Program, columns: Columns, *, threads: int = 1, block: int = 2048) -> Raw:
    """`run` without its checks."""
    planes = _planes(program, columns.rows[0])
    outputs = [
        planes[store.name][store.plane]
        if store.part == "planes"
        else np.empty(columns.rows[ops.LEVEL[store.level]], np.int64 if store.word else np.uint8)
        for store in program.stores
    ]
    machine = _Run(program, columns, outputs, threads, max(1, block))
    machine.go(None)
    raw = _named(program, outputs) | {name: Stored(array, "byte", "household") for name, array in planes.items()}
    leaving = _leaving(program, raw)
    if leaving is not None and leaving.any():
        # Members assessed alone are taken out, and the households they leave are computed once more.
        affected = np.zeros(columns.rows[0], np.uint8)
        affected[columns.parents[0][leaving.astype(np.bool_)]] = 1
        machine.columns = columns.with_leaving(leaving)
        machine.go(affected)
    return raw


class _Run:
    """One run's shared state: arrays handed to the kernels, and a counter of chunks."""

    def __init__(self, program: Program, columns: Columns, outputs: list[Array], threads: int, block: int) -> None:
        self.program, self.columns, self.threads, self.block = program, columns, max(1, threads), block
        self.outputs = np.array([array.ctypes.data for array in outputs], np.uint64)
        self.spare: list[tuple[Array, Array, Array, Array]] = []
        self.lock = threading.Lock()

    def go(self, affected: Array | None) -> None:
        """One pass over all households, or the second over those affected."""
        chunk = max(self.block, CHUNK)
        starts = iter(range(0, self.columns.rows[0], chunk))
        workers = min(self.threads, -(-self.columns.rows[0] // chunk))
        if workers <= 1:
            self.work(starts, chunk, affected)
            return
        with ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(self.work, starts, chunk, affected) for _ in range(workers)]:
                done.result()

    def work(self, starts: Iterator[int], chunk: int, affected: Array | None) -> None:
        """Take chunks until none is left."""
        columns, arrays = self.columns, self.program.arrays
        words, small, sums, layout = scratch(self.program, columns.widest, self.block)
        touched = np.uint64(0 if affected is None else affected.ctypes.data)
        while True:
            with self.lock:
                begin = next(starts, None)
            if begin is None:
                return
            with np.errstate(over="ignore"):  # only without compilation: words wrap
                run_range(
                    arrays.code, arrays.pool, columns.addresses, columns.sizes, columns.known, columns.links, columns.values,
                    columns.valid, self.outputs, columns.on, columns.rows[0], columns.rows[1], begin,
                    min(begin + chunk, columns.rows[0]), self.block, affected is not None, touched, layout, words, small, sums,
                )  # fmt: skip


def _planes(program: Program, households: int) -> dict[str, Array]:
    """Room for the bit planes of each name."""
    counts = {"missing": 0, "veto": 0, "require": 0}
    for store in program.stores:
        counts[store.name] = counts.get(store.name, 0) + (store.part == "planes")
    return {name: np.empty((counts[name], households), np.uint8) for name in ("missing", "veto", "require")}


def _named(program: Program, outputs: list[Array]) -> Raw:
    """The outputs of each store name put together."""
    parts: dict[str, dict[str, Array]] = {}
    for store, array in zip(program.stores, outputs, strict=True):
        parts.setdefault(store.name, {})[store.part] = array
    return {
        store.name: Stored(
            parts[store.name]["value"], store.type, store.level, parts[store.name].get("valid"),
            parts[store.name].get("divisor"), store.den, store.divisor_den, program.domains.get(store.name, ()),
        )
        for store in program.stores
        if store.part == "value"
    }  # fmt: skip


def _leaving(program: Program, raw: Raw) -> Array | None:
    """uint8 [members]: 1 for who is assessed alone and leaves the household; None where no rule makes anyone leave."""
    if not program.leaves:
        return None
    met = [raw[name].values == 1 for name in program.leaves]
    return np.logical_or.reduce(met).astype(np.uint8)


def warm() -> None:
    """Compile the machine or load it from disk, and hold it to a small program with known results.

    Raises:
        EngineError: the machine computes something else.
    """
    from hardship.selftest import check

    check()
