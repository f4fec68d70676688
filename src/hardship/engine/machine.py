"""The block machine: runs a program's arrays over bound columns, block by block, in registers that stay in cache.

A block ends before `block` households or before `CHILD_ROWS` rows of a level below, but holds at least one household.
Threads take ranges of whole chunks; nothing depends on how they are cut. The machine is compiled once for all
tables and kept on disk (`jit`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hardship.engine import room
from hardship.engine.block import FIRST, ROWS, addresses, run_block, scene_of
from hardship.engine.jit import bytes_at, kernel, u32_at
from hardship.errors import EngineError, Fault
from hardship.lowering import ops
from hardship.lowering.bind import Columns
from hardship.lowering.ops import CHILD, DST, ENTITY, INTO, OP, SIZE, A, Arrays, B, C, D, Program
from hardship.lowering.tune import arrays_for
from hardship.lowering.values import NONE

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
    """One thread's registers.

    Attributes:
        steps: uint64 [operation], the address of its step.
        places: uint64 [instruction, 5], the addresses of its result and of its operands a, b, c, d.
        direct: int64 [k, 6], the places that lie outside the registers and differ from block to block: instruction,
            which of its five, `ops.IN_COLUMN` or another, number of the column or output, level, bytes of an integer.
        tally: address of the room for running sums.
        ticks: address of the processor's ticks by instruction; 0: they are not counted.
    """

    steps: Array
    places: Array
    direct: Array
    tally: np.uint64
    ticks: np.uint64


@kernel
def next_block(links: Any, here: Any, begin: int, end: int, households: int, members: int) -> int:
    """Set a scene to the block from a household on, which ends at `end` or before, and tell where."""
    to_member = u32_at(links[0], households + 1)
    to_supporter, to_transfer = u32_at(links[1], members + 1), u32_at(links[2], members + 1)
    first, rows = here[FIRST : FIRST + 4], here[ROWS : ROWS + 4]
    stop = end
    m = np.int64(to_member[begin])
    s, t = np.int64(to_supporter[m]), np.int64(to_transfer[m])
    while stop > begin + 1:
        last = np.int64(to_member[stop])
        widest = max(last - m, np.int64(to_supporter[last]) - s, np.int64(to_transfer[last]) - t)
        if widest <= CHILD_ROWS:
            break
        # Shrink in proportion, so that a few steps are enough.
        fitting = int((stop - begin) * CHILD_ROWS // widest)
        stop = begin + max(1, min(stop - begin - 1, fitting))
    last = np.int64(to_member[stop])
    first[0], first[1], first[2], first[3] = begin, m, s, t
    rows[0], rows[1] = stop - begin, last - m
    rows[2], rows[3] = np.int64(to_supporter[last]) - s, np.int64(to_transfer[last]) - t
    return stop


@kernel
def run_range(
    code: Any, pool: Any, data: Any, files: Any, on: int, households: int, members: int, begin: int, end: int,
    block: int, affected: Any,
) -> None:  # fmt: skip
    """All blocks of the households from `begin` to before `end`.

    In the second pass `affected` is where a byte for each household says whether it is computed again; 0 in the first.
    """
    again = affected != 0
    here = scene_of(data, files, pool, on, again)
    h = begin
    while h < end:
        stop = next_block(data.links, here, h, min(h + block, end), households, members)
        wanted = True
        if again:
            wanted = False
            touched = bytes_at(affected, stop)
            for i in range(h, stop):
                if touched[i] != 0:
                    wanted = True
        if wanted:
            run_block(code, files, here)
        h = stop


def registers(
    program: Program, every: tuple[int, int, int, int], widest: Array, block: int, arrays: Arrays | None = None
) -> tuple[Files, tuple[Array, ...]]:
    """Register files for one thread, large enough for any block of these rows; and the memory to keep alive.

    Args:
        every, widest: rows of each level, in all and most of one household.
        arrays: those that will run, the program's own by default.
    """
    arrays = arrays or program.arrays
    most = np.maximum(np.array([block, CHILD_ROWS, CHILD_ROWS, CHILD_ROWS]), widest)
    rows = np.minimum(most, np.array(every))
    # A little more than a power of two: registers would otherwise share the same cache sets.
    strides = (rows[:, None] * np.array(ops.SIZES) + 63) // 64 * 64 + 192
    ends = (strides * arrays.registers).ravel().cumsum()
    slack = (int(rows.max()) * 8 + 1087) // 64 * 64
    memory = room.large(int(ends[-1]) + slack), np.empty(slack, np.uint8)
    begin = memory[0].ctypes.data
    starts = (begin + np.concatenate(([0], ends[:-1]))).reshape(strides.shape)
    code = arrays.code
    op, level = code[:, OP], code[:, ENTITY]
    below = np.where((op >= ops.EXPAND_WORD) & (op < ops.STORE_WORD), code[:, CHILD], level)
    places = np.zeros((len(code), 5), np.uint64)
    outside = [np.zeros((0, 6), np.int64)]
    for place, (column, bytes_of, at_level, size) in enumerate(
        (
            (DST, ops.BYTE_RESULTS, level, INTO), (A, ops.BYTE_A, below, SIZE), (B, ops.BYTE_B, below, SIZE),
            (C, ops.BYTE_C, level, SIZE), (D, ops.BYTE_C, level, SIZE),
        )
    ):  # fmt: skip
        kind = np.where(_among(bytes_of)[op], 1, _KINDS[code[:, size]])
        used = code[:, column] >= 0
        if column == C:
            used &= ~_among(ops.LINKED)[op]
        address = starts[at_level, kind] + code[:, column] * strides[at_level, kind]
        places[used, place] = address[used]
        rows_of = np.flatnonzero(code[:, column] < NONE)
        number, which = np.divmod(-2 - code[rows_of, column], ops.PLACED)
        sizes = np.array(ops.SIZES)[kind[rows_of]]
        outside.append(
            np.stack([rows_of, np.full_like(rows_of, place), which, number, at_level[rows_of], sizes], axis=1)
        )
    direct = np.ascontiguousarray(np.concatenate(outside))
    return Files(addresses(), places, direct, np.uint64(memory[1].ctypes.data), np.uint64(0)), memory


def split(files: Files, at: int) -> tuple[Files, Files]:
    """The same registers for the instructions before one, and for that one and those after it."""
    before = files.direct[:, 0] < at
    later = files.direct[~before] - np.array([at, 0, 0, 0, 0, 0])
    places = files.places
    return files._replace(places=places[:at], direct=files.direct[before]), files._replace(
        places=places[at:], direct=later
    )


_KINDS = np.array([ops.SIZES.index(size) if size in ops.SIZES else 0 for size in range(9)])


@cache
def _among(some: frozenset[int]) -> Array:
    """bool [256]: whether an instruction is one of some."""
    return np.isin(np.arange(256), list(some))


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


def compute(
    program: Program, columns: Columns, *, threads: int = 1, block: int = 2048, arrays: Arrays | None = None
) -> Raw:
    """`run` without its checks; `arrays`: what to run in the program's place, of `tune.tuned`."""
    arrays = arrays or arrays_for(program, columns, columns.rows[0])
    planes, outputs = outputs_for(program, columns)
    block = max(1, min(block, MOST_BLOCK))
    _pass(program, arrays, columns, outputs, None, threads, block)
    return finished(program, arrays, columns, planes, outputs, threads, block)


def finished(
    program: Program, arrays: Arrays, columns: Columns, planes: dict[str, Array], outputs: dict[int, Array],
    threads: int, block: int,
) -> Raw:  # fmt: skip
    """The results of a first pass, after the second one where members leave."""
    raw = _named(program, outputs) | {name: Stored(array, "byte", "household") for name, array in planes.items()}
    leaving = _leaving(program, raw)
    if leaving is not None and leaving.any():
        # Members assessed alone are taken out, and the households they leave are computed once more.
        affected = np.zeros(columns.rows[0], np.uint8)
        affected[columns.parents[0][leaving.astype(np.bool_)]] = 1
        _pass(program, arrays, columns.with_leaving(leaving), outputs, affected, threads, block)
    return raw


def _pass(
    program: Program, arrays: Arrays, columns: Columns, outputs: dict[int, Array], affected: Array | None,
    threads: int, block: int,
) -> None:  # fmt: skip
    """One pass over all households, or the second over the blocks with an affected one."""
    households, members = columns.rows[:2]
    data = inputs(columns, outputs)
    touched = np.uint64(0 if affected is None else affected.ctypes.data)
    code, pool, _ = arrays

    def work(chunks: Iterator[tuple[int, int]]) -> None:
        files, memory = registers(program, columns.rows, columns.widest, block, arrays)
        for begin, end in chunks:
            with np.errstate(over="ignore"):  # of use without compilation only: words wrap
                run_range(code, pool, data, files, columns.on, households, members, begin, end, block, touched)
        del memory  # until here the kernels wrote to its addresses

    spread(households, max(block, CHUNK), threads, work)


def spread(households: int, chunk: int, threads: int, work: Callable[[Iterator[tuple[int, int]]], None]) -> None:
    """Call `work` once in each of some threads, with where each chunk of households that it takes begins and ends."""
    starts = iter(range(0, households, chunk))
    lock = threading.Lock()

    def chunks() -> Iterator[tuple[int, int]]:
        while True:
            with lock:
                begin = next(starts, None)
            if begin is None:
                return
            yield begin, min(begin + chunk, households)

    workers = min(max(1, threads), -(-households // chunk))
    if workers <= 1:
        work(chunks())
        return
    with ThreadPoolExecutor(workers) as executor:
        for done in [executor.submit(work, chunks()) for _ in range(workers)]:
            done.result()


def inputs(columns: Columns, outputs: dict[int, Array]) -> Inputs:
    """What a run over bound columns reads and writes."""
    addresses = np.array([outputs[place].ctypes.data for place in range(len(outputs))], np.uint64)
    return Inputs(
        columns.addresses, columns.sizes, columns.known, columns.links, columns.values, columns.valid, addresses
    )


def outputs_for(program: Program, columns: Columns) -> tuple[dict[str, Array], dict[int, Array]]:
    """The bit planes of each name, and every output by its number."""
    planes = ("missing", "veto", "require")
    counts = {name: sum(store.part == "planes" and store.name == name for store in program.stores) for name in planes}
    plain = {store.output: store for store in program.stores if store.part != "planes"}
    shapes: list[tuple[tuple[int, ...], Any]] = [((counts[name], columns.rows[0]), np.uint8) for name in planes]
    for store in plain.values():
        shapes.append(((columns.rows[ops.LEVEL[store.level]],), np.int64 if store.word else np.uint8))
    found = room.empty(shapes)
    of_planes = dict(zip(planes, found, strict=False))
    outputs = dict(zip(plain, found[len(planes) :], strict=True))
    for store in program.stores:
        if store.part == "planes":
            outputs[store.output] = of_planes[store.name][store.plane]
    return of_planes, outputs


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
