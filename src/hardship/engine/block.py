"""One block: every instruction goes to its kernel, compiled for the width of its words."""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine import kernels, kernels_rows
from hardship.engine.jit import I16, I32, I64, U8, U32, U64, at, bytes_at, clock, inlined
from hardship.lowering import ops
from hardship.lowering.ops import CHILD, ENTITY, IMM, IMM2, INTO, OP, SIZE, C


@inlined
def run_words(
    code: Any, k: int, op: int, n: int, d: Any, a: Any, b: Any, c: Any, pool: Any, source: Any, bytes_each: int,
    tag: Any, wrapping: Any,
) -> None:  # fmt: skip
    """An instruction that makes words of the type of `tag` and reads none of another."""
    imm, imm2 = code[k, IMM], code[k, IMM2]
    if op == ops.LOAD_WORD:
        kernels.load_word(n, d, source, bytes_each, imm2, tag)
    elif op < ops.LT:
        kernels.words(op, n, d, a, b, imm, tag, wrapping)
    elif op < ops.STEP:
        kernels.choose(op, n, d, a, b, c, imm, imm2, tag)
    else:
        kernels_rows.look(op, n, d, a, b, code[k, C], imm, imm2, pool, tag)


@inlined
def run_truths(code: Any, k: int, op: int, n: int, d: Any, a: Any, b: Any, pool: Any, tag: Any) -> None:
    """An instruction that makes truths or bands of words of the type of `tag`."""
    if op == ops.STEP:
        kernels_rows.step(n, d, a, code[k, IMM], code[k, IMM2], pool, tag)
    else:
        kernels.compare(op, n, d, a, b, code[k, IMM], tag)


@inlined
def run_sum(
    n: int, rows: int, d: Any, a: Any, b: Any, link: Any, up: Any, parent: int, first: int, tally: Any, tag: Any
) -> None:  # fmt: skip
    """Sums over children, by the way that is shorter; `up` is 0 where only the first is open."""
    if up != 0:
        kernels_rows.scatter_sum(n, rows, d, a, b, up, parent, first, tag)
    else:
        kernels_rows.fold_sum(n, rows, d, a, b, link, parent, first, tally, tag)


@inlined
def run_block(code: Any, pool: Any, data: Any, files: Any, on: int, first: Any, rows: Any, again: bool) -> None:
    """All instructions over one block. `first`, `rows`: its first row and its count of rows on each level."""
    columns, sizes, known, links, values, valid, outputs = data
    places, tally, ticks = files
    spent = at(ticks, code.shape[0], I64)
    last = clock() if ticks != 0 else 0
    for k in range(code.shape[0]):
        if ticks != 0 and k > 0:
            now = clock()
            spent[k - 1] += now - last
            last = now
        op, entity = code[k, OP], code[k, ENTITY]
        n, start = rows[entity], first[entity]
        d, a, b, c, e = places[k, 0], places[k, 1], places[k, 2], places[k, 3], places[k, 4]
        imm, imm2, into = code[k, IMM], code[k, IMM2], code[k, INTO]
        if op == ops.LOAD_VALID:
            address = known[imm]
            kernels.load_byte(op, n, d, address + np.uint64(start) if address != 0 else address, 1)
        elif (
            op < ops.LOAD_VALID
            or (ops.UNIFORM < op < ops.LT)
            or ops.SELECT <= op <= ops.WIDEN
            or (ops.LOOK_BYTE <= op <= ops.LOOK_WORD)
        ):
            source = np.uint64(0)
            each = 0
            if op < ops.LOAD_VALID:
                source, each = columns[imm], sizes[imm]
                if source != 0:
                    source += np.uint64(start * each)
            if op == ops.LOAD_BYTE or op == ops.LOAD_TRUTH:
                kernels.load_byte(op, n, d, source, imm2)
            elif into == 8:
                run_words(code, k, op, n, d, a, b, c, pool, source, each, I64, U64)
            elif into == 4:
                run_words(code, k, op, n, d, a, b, c, pool, source, each, I32, I32)
            else:
                run_words(code, k, op, n, d, a, b, c, pool, source, each, I16, I16)
        elif op == ops.PARAMETER:
            of_row = at(links[ops.PLACES] + np.uint64(start * 4), n, U32)
            word = at(d, n, I64)
            of_place = values[imm]
            for i in range(n):
                word[i] = of_place[of_row[i]]
        elif op == ops.PARAMETER_VALID:
            of_row = at(links[ops.PLACES] + np.uint64(start * 4), n, U32)
            byte = bytes_at(d, n)
            known_at = valid[imm]
            for i in range(n):
                byte[i] = known_at[of_row[i]]
        elif op == ops.CONST_BYTE:
            byte = bytes_at(d, n)
            byte[:] = imm
        elif op <= ops.UNIFORM:
            value = imm if op == ops.CONST_WORD else on if op == ops.ON else values[imm, 0]
            if into == 8:
                kernels.fill(n, d, value, I64)
            elif into == 4:
                kernels.fill(n, d, value, I32)
            else:
                kernels.fill(n, d, value, I16)
        elif op < ops.HAS_BIT or op == ops.STEP:
            if code[k, SIZE] == 8:
                run_truths(code, k, op, n, d, a, b, pool, I64)
            elif code[k, SIZE] == 4:
                run_truths(code, k, op, n, d, a, b, pool, I32)
            else:
                run_truths(code, k, op, n, d, a, b, pool, I16)
        elif op == ops.HAS_BIT:
            kernels.has_bit(n, d, a, imm)
        elif op < ops.AND:
            kernels.compare_wide(op, n, d, a, b, c, e)
        elif op < ops.LANE_ANY:
            kernels.small(op, n, d, a, b, c, e, imm, imm2)
        elif op == ops.LANE_ANY or op == ops.LANE:
            kernels_rows.lane(op, n, d, a, imm)
        elif op == ops.BIT_WORD:
            kernels.set_bit(n, d, a, b, imm)
        elif op == ops.COPY:
            copy(n, d, a, code[k, SIZE], into)
        elif op == ops.STEP_RATIO:
            kernels_rows.step_ratio(n, d, a, b, imm, imm2, pool)
        elif op == ops.STEP_WORD:
            if code[k, SIZE] == 8 and into == 8:
                kernels_rows.step_word(n, d, a, imm, imm2, pool, I64, I64)
            elif into == 2 and code[k, SIZE] == 2:
                kernels_rows.step_word(n, d, a, imm, imm2, pool, I16, I16)
            else:
                kernels_rows.step_word(n, d, a, imm, imm2, pool, I16, I64)
        elif op < ops.EXPAND_WORD:
            kernels_rows.divide(op, n, d, a, b, imm)
        elif op < ops.STORE_WORD:
            other = code[k, CHILD]
            below, begin = rows[other], first[other]
            link = links[code[k, C]]
            if op == ops.EXPAND_BYTE:
                kernels_rows.expand(n, below, d, a, link, start, begin, U8)
            elif op == ops.EXPAND_WORD:
                if into == 8:
                    kernels_rows.expand(n, below, d, a, link, start, begin, I64)
                elif into == 4:
                    kernels_rows.expand(n, below, d, a, link, start, begin, I32)
                else:
                    kernels_rows.expand(n, below, d, a, link, start, begin, I16)
            elif op == ops.FOLD_BITS:
                kernels_rows.fold_bits(n, below, d, a, link, start, begin, tally)
            elif op == ops.FOLD_SUM:
                up = links[ops.LINK_UP + code[k, C]] if code[k, C] < 3 and below < n else np.uint64(0)
                if code[k, SIZE] == 8:
                    run_sum(n, below, d, a, b, link, up, start, begin, tally, I64)
                elif code[k, SIZE] == 4:
                    run_sum(n, below, d, a, b, link, up, start, begin, tally, I32)
                else:
                    run_sum(n, below, d, a, b, link, up, start, begin, tally, I16)
            elif op > ops.FOLD_VALID:
                kernels_rows.fold_extreme(op, n, below, d, a, b, imm, link, start, begin)
            elif code[k, C] >= 3:
                up, above = links[ops.LINK_UP + code[k, C] - 2], links[ops.LINK_UP]
                kernels_rows.scatter_bytes(op, n, below, d, a, up, above, start, begin)
            else:
                up = links[ops.LINK_UP + code[k, C]]
                if below < n:
                    kernels_rows.scatter_bytes(op, n, below, d, a, up, np.uint64(0), start, begin)
                else:
                    kernels_rows.fold_bytes(op, n, below, d, a, link, start, begin, up, tally)
        elif not (again and imm2 == 1):
            if op == ops.STORE_BYTE:
                kernels.load_byte(ops.LOAD_BYTE, n, outputs[imm] + np.uint64(start), a, 0)
            else:
                copy(n, outputs[imm] + np.uint64(start * 8), a, code[k, SIZE], 8)


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
