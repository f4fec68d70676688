"""Instructions in their final order, in as few registers as a walk along them needs.

The order is depth first from the stores, so that a value is made shortly before its first use; what no store needs
falls away. A result never takes the register of one of its own operands: the loops could not be SIMD then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hardship.lowering import ops
from hardship.lowering.ops import DST, ENTITY, OP, A, B, C, D

Instruction = tuple[int, ...]
_NO_C = frozenset((ops.LOOK_TWO, *range(ops.EXPAND_WORD, ops.FOLD_MAX + 1)))


def operands(code: Instruction) -> list[int]:
    """The instructions whose results one instruction reads."""
    columns = (A, B, D) if code[OP] in _NO_C else (A, B, C, D)
    return [code[column] for column in columns if code[column] >= 0]


def order(code: Sequence[Instruction], stores: Sequence[Instruction]) -> list[Instruction]:
    """The instructions that the stores need, each after its operands and followed by its own number; -1 for stores."""
    done: set[int] = set()
    found: list[Instruction] = []
    for store in stores:
        stack = [(store[A], False)]
        while stack:
            number, ready = stack.pop()
            if number in done:
                continue
            if ready:
                done.add(number)
                found.append((*code[number], number))
                continue
            stack.append((number, True))
            stack.extend((operand, False) for operand in reversed(operands(code[number])) if operand not in done)
        found.append((*store, -1))
    return found


def arrays(
    code: Sequence[Instruction], stores: Sequence[Instruction], pool: Sequence[int], *, reuse: bool
) -> ops.Arrays:
    """The arrays of a program; `reuse` lets a register be taken again after its last use."""
    listed = order(code, stores)
    last = {operand: at for at, one in enumerate(listed) for operand in operands(one)}
    place: dict[int, int] = {}
    free: dict[tuple[int, bool], list[int]] = {}
    used = np.zeros((4, 2), np.int64)
    out = np.zeros((len(listed), ops.WIDTH), np.int64)
    for at, one in enumerate(listed):
        number = one[-1]
        row = list(one[: ops.WIDTH])
        for column in (A, B, D) if one[OP] in _NO_C else (A, B, C, D):
            if row[column] >= 0:
                row[column] = place[row[column]]
        if number >= 0:
            byte = one[OP] in ops.BYTE_RESULTS
            spare = free.setdefault((one[ENTITY], byte), [])
            if spare:
                place[number] = spare.pop()
            else:
                place[number] = int(used[one[ENTITY], int(byte)])
                used[one[ENTITY], int(byte)] += 1
            row[DST] = place[number]
        if reuse:
            for operand in dict.fromkeys(operands(one)):
                if last[operand] == at:
                    source = code[operand]
                    free.setdefault((source[ENTITY], source[OP] in ops.BYTE_RESULTS), []).append(place[operand])
        out[at] = row
    cells = np.array(pool or [0], np.int64)
    return ops.Arrays(np.ascontiguousarray(out), cells, used)
