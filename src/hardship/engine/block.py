"""One block: every instruction goes to the step that its operation belongs to, and that to a kernel of its width.

A step is compiled by itself and called at its address, so that the machine is compiled in pieces that do not wait for
one another, each once; linked into one function their kernels would be compiled twice, one after the other. All steps
take the same three addresses: of the instruction, of where its result and its operands lie, and of the scene, which is
what holds for the whole block.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship.engine import kernels, kernels_rows
from hardship.engine.jit import (
    I16,
    I32,
    I64,
    U8,
    U64,
    Step,
    at,
    bytes_at,
    clock,
    go_to,
    i64_at,
    inlined,
    kernel,
    u32_at,
    u64_at,
)
from hardship.lowering import ops
from hardship.lowering.ops import CHILD, ENTITY, IMM, IMM2, INTO, OP, SIZE, WIDTH, C

Array = npt.NDArray[Any]

# The scene: by level the first row and the count of rows; the assessment date, whether this is the second pass, how
# many places there are; and addresses.
FIRST, ROWS = 0, 4
ON, AGAIN, PLACES, POOL, POOL_SIZE, TALLY = 8, 9, 10, 11, 12, 13
COLUMNS, SIZES, KNOWN, LINKS, VALUES, VALID, OUTPUTS = 14, 15, 16, 17, 18, 19, 20
SCENE = 21
OPERANDS = 5  # addresses of the result and of the operands a, b, c, d


@kernel
def scene_of(data: Any, files: Any, pool: Any, on: int, again: bool) -> Any:
    """The scene of a run; rows are filled in for each block."""
    columns, sizes, known, links, values, valid, outputs = data
    here = np.empty(SCENE, np.int64)
    here[ON], here[AGAIN], here[PLACES] = on, again, values.shape[1]
    here[POOL], here[POOL_SIZE], here[TALLY] = np.int64(pool.ctypes.data), pool.size, np.int64(files.tally)
    here[COLUMNS], here[SIZES] = np.int64(columns.ctypes.data), np.int64(sizes.ctypes.data)
    here[KNOWN], here[LINKS] = np.int64(known.ctypes.data), np.int64(links.ctypes.data)
    here[VALUES], here[VALID] = np.int64(values.ctypes.data), np.int64(valid.ctypes.data)
    here[OUTPUTS] = np.int64(outputs.ctypes.data)
    return here


@kernel
def find_places(direct: Any, places: Any, here: Any) -> None:
    """The addresses of operands and results that lie in columns and outputs, for the rows that the scene names."""
    for k in range(direct.shape[0]):
        kind, number, first, size = direct[k, 2], direct[k, 3], here[FIRST + direct[k, 4]], direct[k, 5]
        if kind == ops.IN_COLUMN:
            base = nth(here[COLUMNS], number)
        elif kind == ops.IN_VALIDITY:
            base = nth(here[KNOWN], number)
        else:
            base = nth(here[OUTPUTS], number)
        places[direct[k, 0], direct[k, 1]] = base + np.uint64(first * size)


@kernel
def run_block(code: Any, files: Any, here: Any) -> None:
    """All instructions over the rows that the scene names."""
    steps, ticks = files.steps, files.ticks
    find_places(files.direct, files.places, here)
    scene, instruction = np.uint64(here.ctypes.data), np.uint64(code.ctypes.data)
    places = np.uint64(files.places.ctypes.data)
    spent = at(ticks, code.shape[0], I64)
    last = clock() if ticks != 0 else 0
    for k in range(code.shape[0]):
        if ticks != 0 and k > 0:
            now = clock()
            spent[k - 1] += now - last
            last = now
        go_to(steps[code[k, OP]], instruction, places, scene)
        instruction += np.uint64(8 * WIDTH)
        places += np.uint64(8 * OPERANDS)


@inlined
def nth(address: Any, place: int) -> Any:
    """One of the 64-bit addresses that lie at an address."""
    return u64_at(np.uint64(address), place + 1)[place]


@Step
def loads(instruction: Any, places: Any, scene: Any) -> None:
    """Columns of the register."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, level, imm = code[OP], code[ENTITY], code[IMM]
    n, first, d = here[ROWS + level], here[FIRST + level], to[0]
    if op == ops.LOAD_VALID:
        known = nth(here[KNOWN], imm)
        kernels.load_byte(op, n, d, known + np.uint64(first) if known != 0 else known, 1)
        return
    source, size = nth(here[COLUMNS], imm), i64_at(np.uint64(here[SIZES]), imm + 1)[imm]
    if source != 0:
        source += np.uint64(first * size)
    if op == ops.LOAD_BYTE or op == ops.LOAD_TRUTH:
        kernels.load_byte(op, n, d, source, code[IMM2])
    elif code[INTO] == 8:
        kernels.load_word(n, d, source, size, code[IMM2], I64)
    elif code[INTO] == 4:
        kernels.load_word(n, d, source, size, code[IMM2], I32)
    else:
        kernels.load_word(n, d, source, size, code[IMM2], I16)


@Step
def local(instruction: Any, places: Any, scene: Any) -> None:
    """Parameters of the household's place, and whether they are known."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    n, first, imm = here[ROWS + code[ENTITY]], here[FIRST + code[ENTITY]], code[IMM]
    of_row = u32_at(nth(here[LINKS], ops.PLACES) + np.uint64(first * 4), n)
    start = imm * here[PLACES]
    if code[OP] == ops.PARAMETER:
        word, values = at(to[0], n, I64), i64_at(np.uint64(here[VALUES] + 8 * start), here[PLACES])
        for i in range(n):
            word[i] = values[of_row[i]]
    else:
        byte, valid = bytes_at(to[0], n), bytes_at(np.uint64(here[VALID] + start), here[PLACES])
        for i in range(n):
            byte[i] = valid[of_row[i]]


@Step
def same(instruction: Any, places: Any, scene: Any) -> None:
    """What is the same in every row: constants, the day, a parameter that all places share."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n, value = code[OP], here[ROWS + code[ENTITY]], code[IMM]
    if op == ops.CONST_BYTE:
        byte = bytes_at(to[0], n)
        byte[:] = value
        return
    if op == ops.ON:
        value = here[ON]
    elif op == ops.UNIFORM:
        value = i64_at(np.uint64(here[VALUES] + 8 * value * here[PLACES]), 1)[0]
    if code[INTO] == 8:
        kernels.fill(n, to[0], value, I64)
    elif code[INTO] == 4:
        kernels.fill(n, to[0], value, I32)
    else:
        kernels.fill(n, to[0], value, I16)


@Step
def words(instruction: Any, places: Any, scene: Any) -> None:
    """Arithmetic."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n, imm = code[OP], here[ROWS + code[ENTITY]], code[IMM]
    if code[INTO] == 8:
        kernels.words(op, n, to[0], to[1], to[2], imm, I64, U64)
    elif code[INTO] == 4:
        kernels.words(op, n, to[0], to[1], to[2], imm, I32, I32)
    else:
        kernels.words(op, n, to[0], to[1], to[2], imm, I16, I16)


@Step
def truths(instruction: Any, places: Any, scene: Any) -> None:
    """Comparisons of words."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n, imm = code[OP], here[ROWS + code[ENTITY]], code[IMM]
    if code[SIZE] == 8:
        kernels.compare(op, n, to[0], to[1], to[2], imm, I64)
    elif code[SIZE] == 4:
        kernels.compare(op, n, to[0], to[1], to[2], imm, I32)
    else:
        kernels.compare(op, n, to[0], to[1], to[2], imm, I16)


@Step
def wide(instruction: Any, places: Any, scene: Any) -> None:
    """A bit of a word; comparisons of products."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    n = here[ROWS + code[ENTITY]]
    if code[OP] == ops.HAS_BIT:
        kernels.has_bit(n, to[0], to[1], code[IMM])
    else:
        kernels.compare_wide(code[OP], n, to[0], to[1], to[2], to[3], to[4])


@Step
def small(instruction: Any, places: Any, scene: Any) -> None:
    """Bytes from bytes, and lanes of a word."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n = code[OP], here[ROWS + code[ENTITY]]
    if op == ops.LANE or op >= ops.LANE_ANY:
        kernels_rows.lane(op, n, to[0], to[1], code[IMM])
    else:
        kernels.small(op, n, to[0], to[1], to[2], to[3], to[4], code[IMM], code[IMM2])


@Step
def choices(instruction: Any, places: Any, scene: Any) -> None:
    """Words chosen by truths."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n, imm, imm2 = code[OP], here[ROWS + code[ENTITY]], code[IMM], code[IMM2]
    if op == ops.BIT_WORD:
        kernels.set_bit(n, to[0], to[1], to[2], imm)
    elif code[INTO] == 8:
        kernels.choose(op, n, to[0], to[1], to[2], to[3], imm, imm2, I64)
    elif code[INTO] == 4:
        kernels.choose(op, n, to[0], to[1], to[2], to[3], imm, imm2, I32)
    else:
        kernels.choose(op, n, to[0], to[1], to[2], to[3], imm, imm2, I16)


@Step
def copies(instruction: Any, places: Any, scene: Any) -> None:
    """Words in another width; results."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n, d, into = code[OP], here[ROWS + code[ENTITY]], to[0], code[INTO]
    if op != ops.COPY:
        if here[AGAIN] != 0 and code[IMM2] == 1:
            return
        d, first, into = nth(here[OUTPUTS], code[IMM]), here[FIRST + code[ENTITY]], 8
        if op == ops.STORE_BYTE:
            kernels.load_byte(ops.LOAD_BYTE, n, d + np.uint64(first), to[1], 0)
            return
        d += np.uint64(8 * first)
    copy(n, d, to[1], code[SIZE], into)


@inlined
def copy(n: int, d: Any, a: Any, size: int, into: int) -> None:
    """Words of one width as words of another."""
    if into == 8:
        if size == 8:
            kernels.copy(n, d, a, I64, I64)
        elif size == 4:
            kernels.copy(n, d, a, I64, I32)
        else:
            kernels.copy(n, d, a, I64, I16)
    elif into == 4:
        if size == 8:
            kernels.copy(n, d, a, I32, I64)
        else:
            kernels.copy(n, d, a, I32, I16)
    elif size == 8:
        kernels.copy(n, d, a, I16, I64)
    else:
        kernels.copy(n, d, a, I16, I32)


@Step
def edges(instruction: Any, places: Any, scene: Any) -> None:
    """Bands: how many edges a word reaches."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    n, imm, imm2 = here[ROWS + code[ENTITY]], code[IMM], code[IMM2]
    pool = i64_at(np.uint64(here[POOL]), here[POOL_SIZE])
    if code[OP] == ops.STEP_RATIO:
        kernels_rows.step_ratio(n, to[0], to[1], to[2], imm, imm2, pool)
    elif code[SIZE] == 8:
        kernels_rows.step(n, to[0], to[1], imm, imm2, pool, I64)
    elif code[SIZE] == 4:
        kernels_rows.step(n, to[0], to[1], imm, imm2, pool, I32)
    else:
        kernels_rows.step(n, to[0], to[1], imm, imm2, pool, I16)


@Step
def sums_of_edges(instruction: Any, places: Any, scene: Any) -> None:
    """Words that change at edges."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    n, imm, imm2 = here[ROWS + code[ENTITY]], code[IMM], code[IMM2]
    pool = i64_at(np.uint64(here[POOL]), here[POOL_SIZE])
    if code[SIZE] == 8 and code[INTO] == 8:
        kernels_rows.step_word(n, to[0], to[1], imm, imm2, pool, I64, I64)
    elif code[SIZE] == 2 and code[INTO] == 2:
        kernels_rows.step_word(n, to[0], to[1], imm, imm2, pool, I16, I16)
    else:
        kernels_rows.step_word(n, to[0], to[1], imm, imm2, pool, I16, I64)


@Step
def cells(instruction: Any, places: Any, scene: Any) -> None:
    """Words looked up."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n, imm, imm2 = code[OP], here[ROWS + code[ENTITY]], code[IMM], code[IMM2]
    pool = i64_at(np.uint64(here[POOL]), here[POOL_SIZE])
    if code[INTO] == 8:
        kernels_rows.look(op, n, to[0], to[1], to[2], code[C], imm, imm2, pool, I64)
    elif code[INTO] == 4:
        kernels_rows.look(op, n, to[0], to[1], to[2], code[C], imm, imm2, pool, I32)
    else:
        kernels_rows.look(op, n, to[0], to[1], to[2], code[C], imm, imm2, pool, I16)


@Step
def divisions(instruction: Any, places: Any, scene: Any) -> None:
    """Rounded division, ages, months."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    kernels_rows.divide(code[OP], here[ROWS + code[ENTITY]], to[0], to[1], to[2], code[IMM])


@Step
def downwards(instruction: Any, places: Any, scene: Any) -> None:
    """The parent's value at each child."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    n, above, link = here[ROWS + code[ENTITY]], here[ROWS + code[CHILD]], nth(here[LINKS], code[C])
    first, parent = here[FIRST + code[ENTITY]], here[FIRST + code[CHILD]]
    if code[OP] == ops.EXPAND_BYTE:
        kernels_rows.expand(n, above, to[0], to[1], link, first, parent, U8)
    elif code[INTO] == 8:
        kernels_rows.expand(n, above, to[0], to[1], link, first, parent, I64)
    elif code[INTO] == 4:
        kernels_rows.expand(n, above, to[0], to[1], link, first, parent, I32)
    else:
        kernels_rows.expand(n, above, to[0], to[1], link, first, parent, I16)


@Step
def sums(instruction: Any, places: Any, scene: Any) -> None:
    """Sums over children, by the way that is shorter."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    n, rows, by = here[ROWS + code[ENTITY]], here[ROWS + code[CHILD]], code[C]
    parent, first = here[FIRST + code[ENTITY]], here[FIRST + code[CHILD]]
    if by < 3 and rows < n:
        up = nth(here[LINKS], ops.LINK_UP + by)
        if code[SIZE] == 8:
            kernels_rows.scatter_sum(n, rows, to[0], to[1], to[2], up, parent, first, I64)
        elif code[SIZE] == 4:
            kernels_rows.scatter_sum(n, rows, to[0], to[1], to[2], up, parent, first, I32)
        else:
            kernels_rows.scatter_sum(n, rows, to[0], to[1], to[2], up, parent, first, I16)
        return
    link, tally = nth(here[LINKS], by), np.uint64(here[TALLY])
    if code[SIZE] == 8:
        kernels_rows.fold_sum(n, rows, to[0], to[1], to[2], link, parent, first, tally, I64)
    elif code[SIZE] == 4:
        kernels_rows.fold_sum(n, rows, to[0], to[1], to[2], link, parent, first, tally, I32)
    else:
        kernels_rows.fold_sum(n, rows, to[0], to[1], to[2], link, parent, first, tally, I16)


@Step
def folds(instruction: Any, places: Any, scene: Any) -> None:
    """Counts, truths, validity and extremes over children."""
    code, to, here = i64_at(instruction, WIDTH), u64_at(places, OPERANDS), i64_at(scene, SCENE)
    op, n, rows, by = code[OP], here[ROWS + code[ENTITY]], here[ROWS + code[CHILD]], code[C]
    parent, first = here[FIRST + code[ENTITY]], here[FIRST + code[CHILD]]
    link, tally = nth(here[LINKS], by), np.uint64(here[TALLY])
    if op == ops.FOLD_BITS:
        kernels_rows.fold_bits(n, rows, to[0], to[1], link, parent, first, tally)
    elif op > ops.FOLD_VALID:
        kernels_rows.fold_extreme(op, n, rows, to[0], to[1], to[2], code[IMM], link, parent, first)
    elif by >= 3:
        up, above = nth(here[LINKS], ops.LINK_UP + by - 2), nth(here[LINKS], ops.LINK_UP)
        kernels_rows.scatter_bytes(op, n, rows, to[0], to[1], up, above, parent, first)
    elif rows < n:
        up = nth(here[LINKS], ops.LINK_UP + by)
        kernels_rows.scatter_bytes(op, n, rows, to[0], to[1], up, np.uint64(0), parent, first)
    else:
        up = nth(here[LINKS], ops.LINK_UP + by)
        kernels_rows.fold_bytes(op, n, rows, to[0], to[1], link, parent, first, up, tally)


STEPS = {
    loads: (ops.LOAD_WORD, ops.LOAD_BYTE, ops.LOAD_TRUTH, ops.LOAD_VALID),
    local: (ops.PARAMETER, ops.PARAMETER_VALID),
    same: (ops.CONST_WORD, ops.CONST_BYTE, ops.ON, ops.UNIFORM),
    words: tuple(range(ops.ADD, ops.SUB_FROM_C + 1)),
    truths: tuple(range(ops.LT, ops.NE_C + 1)),
    wide: (ops.HAS_BIT, ops.LT_WIDE, ops.LE_WIDE, ops.EQ_WIDE),
    small: (*range(ops.AND, ops.LANE_NONE + 1), ops.LANE),
    choices: tuple(range(ops.SELECT, ops.BIT_WORD + 1)),
    copies: (ops.COPY, ops.STORE_WORD, ops.STORE_BYTE),
    edges: (ops.STEP, ops.STEP_RATIO),
    sums_of_edges: (ops.STEP_WORD,),
    cells: (ops.LOOK_BYTE, ops.LOOK_TWO, ops.LOOK_WORD),
    divisions: (ops.ROUND, ops.ROUND_WIDE, ops.AGE, ops.MONTHS),
    downwards: (ops.EXPAND_WORD, ops.EXPAND_BYTE),
    sums: (ops.FOLD_SUM,),
    folds: (ops.FOLD_COUNT, ops.FOLD_ANY, ops.FOLD_VALID, ops.FOLD_MIN, ops.FOLD_MAX, ops.FOLD_BITS),
}
"""Step → its operations."""


@cache
def addresses() -> Array:
    """uint64 [256]: where the step of each operation lies; they are compiled or loaded from disk."""
    found = np.zeros(256, np.uint64)
    for one, its in STEPS.items():
        found[list(its)] = one.address()
    return found
