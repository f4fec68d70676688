"""The block machine: runs a program's arrays over bound columns, block by block, in registers that stay in cache.

A block ends before `block` households or before `CHILD_ROWS` rows of a level below, but holds at least one household.
Threads take ranges of whole chunks; nothing depends on how they are cut. The machine is compiled once for all
tables and kept on disk (`jit`).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hardship.engine import kernels, kernels_rows
from hardship.engine.jit import bytes_at, i32_at, kernel, u32_at
from hardship.errors import EngineError, Fault
from hardship.lowering import ops
from hardship.lowering.bind import Columns
from hardship.lowering.ops import CHILD, DST, ENTITY, IMM, IMM2, OP, A, B, C, D, Program

Array = npt.NDArray[Any]

CHILD_ROWS = 8192
CHUNK = 16_384  # households that a thread takes at a time
MOST_BLOCK = 65_536


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


class Inputs(NamedTuple):
    """What one run reads and writes, as `Columns` describes it; `outputs` are the addresses of the stores."""

    columns: Array
    sizes: Array
    known: Array
    links: Array
    values: Array
    valid: Array
    outputs: Array


class Files(NamedTuple):
    """One thread's registers: addresses of words, bytes and running sums; where each level's registers begin."""

    sw: np.uint64
    by: np.uint64
    tally: np.uint64
    layout: Array


@kernel
def run_block(code: Any, pool: Any, data: Any, files: Any, on: int, first: Any, rows: Any, again: bool) -> None:
    """All instructions over one block. `first`, `rows`: its first row and its count of rows on each level."""
    sw, by, tally, layout = files
    columns, sizes, known, links, values, valid, outputs = data
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
                kernels.load(op, n, at, known[imm], 1, start, 1, sw, by)
            else:
                kernels.load(op, n, at, columns[imm], sizes[imm], start, imm2, sw, by)
        elif op == ops.PARAMETER:
            places = i32_at(links[ops.PLACES] + np.uint64(start * 4), n)
            word = kernels.words_at(sw, dw, n)
            of_place = values[imm]
            for i in range(n):
                word[i] = of_place[np.uint32(places[i])]
        elif op == ops.PARAMETER_VALID:
            places = i32_at(links[ops.PLACES] + np.uint64(start * 4), n)
            byte = kernels.small_at(by, db, n)
            known_at = valid[imm]
            for i in range(n):
                byte[i] = known_at[np.uint32(places[i])]
        elif op == ops.CONST_WORD:
            word = kernels.words_at(sw, dw, n)
            word[:] = imm
        elif op == ops.CONST_BYTE:
            byte = kernels.small_at(by, db, n)
            byte[:] = imm
        elif op == ops.ON:
            word = kernels.words_at(sw, dw, n)
            word[:] = on
        elif op < ops.LT:
            kernels.words(op, n, dw, aw, bw, imm, sw)
        elif op < ops.LT_WIDE:
            kernels.compare(op, n, db, aw, bw, imm, sw, by)
        elif op < ops.AND:
            kernels.compare_wide(op, n, db, aw, bw, cw, words + code[k, D] * stride, sw, by)
        elif op < ops.SELECT:
            kernels.small(op, n, db, ab, bb, cb, imm, imm2, by)
        elif op == ops.BIT_WORD:
            kernels.set_bit(n, dw, aw, bb, imm, sw, by)
        elif op < ops.STEP:
            kernels.choose(op, n, dw, ab, bw, cw, imm, imm2, sw, by)
        elif op == ops.LOOK_TWO:
            kernels_rows.table(op, n, dw, ab, bb, c, imm, imm2, pool, sw, by)
        elif op < ops.ROUND:
            at = db if op == ops.STEP or op == ops.STEP_RATIO else dw
            kernels_rows.table(op, n, at, ab if op == ops.LOOK_BYTE else aw, bw, c, imm, imm2, pool, sw, by)
        elif op < ops.EXPAND_WORD:
            kernels_rows.divide(op, n, dw, aw, bw, imm, sw)
        elif op < ops.STORE_WORD:
            other = code[k, CHILD]
            words2, stride2, small2, narrow2 = layout[other, 0], layout[other, 1], layout[other, 2], layout[other, 3]
            link = links[c]
            if op == ops.EXPAND_WORD:
                kernels_rows.expand(op, n, rows[other], dw, words2 + a * stride2, link, start, first[other], sw, by)
            elif op == ops.EXPAND_BYTE:
                kernels_rows.expand(op, n, rows[other], db, small2 + a * narrow2, link, start, first[other], sw, by)
            else:
                at = small2 + a * narrow2
                if c < 3 and (op == ops.FOLD_COUNT or op == ops.FOLD_ANY or op == ops.FOLD_VALID):
                    to, up = dw if op == ops.FOLD_COUNT else db, links[ops.LINK_UP + c]
                    kernels_rows.fold_bytes(
                        op, n, rows[other], to, at, link, start, first[other], up, sw, by, tally
                    )  # fmt: skip
                    continue
                of_byte = op == ops.FOLD_COUNT or op == ops.FOLD_ANY or op == ops.FOLD_VALID
                to = db if op == ops.FOLD_ANY or op == ops.FOLD_VALID else dw
                source = at if of_byte else words2 + a * stride2
                where = small2 + b * narrow2 if b >= 0 else -1
                kernels_rows.fold(
                    op, n, rows[other], to, source, where, imm, link, start, first[other], sw, by, tally
                )  # fmt: skip
        elif not (again and imm2 == 1):
            kernels_rows.store(op, n, aw if op == ops.STORE_WORD else ab, outputs[imm], start, sw, by)


@kernel
def run_range(
    code: Any, pool: Any, data: Any, files: Any, on: int, households: int, members: int, begin: int, end: int,
    block: int, affected: Any,
) -> None:  # fmt: skip
    """All blocks of the households from `begin` to before `end`.

    In the second pass `affected` is where a byte for each household says whether it is computed again; 0 in the first.
    """
    links, again = data.links, affected != 0
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
            fitting = int((stop - h) * CHILD_ROWS // widest)
            stop = h + max(1, min(stop - h - 1, fitting))
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
            run_block(code, pool, data, files, on, first, rows, again)
        h = stop


def registers(
    program: Program, every: tuple[int, int, int, int], widest: Array, block: int
) -> tuple[Files, tuple[Array, ...]]:
    """Register files for one thread, large enough for any block of these rows; and the memory to keep alive.

    Args:
        every, widest: rows of each level, in all and most of one household.
    """
    most = np.maximum(np.array([block, CHILD_ROWS, CHILD_ROWS, CHILD_ROWS]), widest)
    rows = np.minimum(most, np.array(every))
    layout = np.zeros((4, 4), np.int64)
    words = small = 0
    for level in range(4):
        # A little more than a power of two: registers would otherwise share the same cache sets.
        stride, narrow = (int(rows[level]) + 7) // 8 * 8 + 24, (int(rows[level]) + 63) // 64 * 64 + 192
        layout[level] = words, stride, small, narrow
        words += stride * int(program.arrays.registers[level, 0])
        small += narrow * int(program.arrays.registers[level, 1])
    slack = (int(rows.max()) + 135) // 64 * 64
    memory = np.empty(words + slack, np.int64), np.empty((small + slack) // 8, np.int64), np.empty(slack, np.int64)
    sw, by, tally = (np.uint64(array.ctypes.data) for array in memory)
    return Files(sw, by, tally, layout), memory


def run(program: Program, columns: Columns, *, threads: int = 1, block: int = 2048) -> Raw:
    """Run a program over bound columns.

    Args:
        program: of `lower`.
        columns: of `bind`, for the same program.
        threads: how many threads work; the result does not depend on it.
        block: most households a block (at most 65,536); the result does not depend on it.

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
    outputs: dict[int, Array] = {}
    for store in program.stores:
        if store.part == "planes":
            outputs[store.output] = planes[store.name][store.plane]
        elif store.output not in outputs:
            rows = columns.rows[ops.LEVEL[store.level]]
            outputs[store.output] = np.empty(rows, np.int64 if store.word else np.uint8)
    block = max(1, min(block, MOST_BLOCK))
    _pass(program, columns, outputs, None, threads, block)
    raw = _named(program, outputs) | {name: Stored(array, "byte", "household") for name, array in planes.items()}
    leaving = _leaving(program, raw)
    if leaving is not None and leaving.any():
        # Members assessed alone are taken out, and the households they leave are computed once more.
        affected = np.zeros(columns.rows[0], np.uint8)
        affected[columns.parents[0][leaving.astype(np.bool_)]] = 1
        _pass(program, columns.with_leaving(leaving), outputs, affected, threads, block)
    return raw


def _pass(
    program: Program, columns: Columns, outputs: dict[int, Array], affected: Array | None, threads: int, block: int
) -> None:
    """One pass over all households, or the second over the blocks with an affected one."""
    households, members = columns.rows[:2]
    chunk = max(block, CHUNK)
    starts = iter(range(0, households, chunk))
    lock = threading.Lock()
    addresses = np.array([outputs[place].ctypes.data for place in range(len(outputs))], np.uint64)
    data = Inputs(
        columns.addresses, columns.sizes, columns.known, columns.links, columns.values, columns.valid, addresses
    )
    touched = np.uint64(0 if affected is None else affected.ctypes.data)
    code, pool, _ = program.arrays

    def work() -> None:
        files, memory = registers(program, columns.rows, columns.widest, block)
        while True:
            with lock:
                begin = next(starts, None)
            if begin is None:
                break
            end = min(begin + chunk, households)
            with np.errstate(over="ignore"):  # of use without compilation only: words wrap
                run_range(code, pool, data, files, columns.on, households, members, begin, end, block, touched)
        del memory  # until here the kernels wrote to its addresses

    workers = min(max(1, threads), -(-households // chunk))
    if workers <= 1:
        work()
        return
    with ThreadPoolExecutor(workers) as executor:
        for done in [executor.submit(work) for _ in range(workers)]:
            done.result()


def _planes(program: Program, households: int) -> dict[str, Array]:
    """Room for the bit planes of each name."""
    counts = {"missing": 0, "veto": 0, "require": 0}
    for store in program.stores:
        counts[store.name] = counts.get(store.name, 0) + (store.part == "planes")
    return {name: np.empty((counts[name], households), np.uint8) for name in ("missing", "veto", "require")}


def _named(program: Program, outputs: dict[int, Array]) -> Raw:
    """The outputs of each store name put together."""
    parts: dict[str, dict[str, Array]] = {}
    for store in program.stores:
        parts.setdefault(store.name, {})[store.part] = outputs[store.output]
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
    met = np.array([raw[name].values == 1 for name in program.leaves])
    return np.asarray(met.any(axis=0), np.uint8)


def warm() -> None:
    """Compile the machine or load it from disk, and hold it to a small program with known results.

    Raises:
        EngineError: the machine computes something else.
    """
    from hardship.engine.selftest import check

    check()
