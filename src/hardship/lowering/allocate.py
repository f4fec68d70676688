"""Instructions in their final order, in as few registers as a walk along them needs.

The order is depth first from the stores, so that a value is made shortly before its first use; what no store needs
falls away. A result never takes the register of one of its own operands: the loops could not be SIMD then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from hardship.lowering import ops
from hardship.lowering.ops import DST, ENTITY, INTO, OP, A, B, C, D

Instruction = tuple[int, ...]


def size(code: Instruction) -> int:
    """Bytes of what an instruction makes."""
    return 1 if code[OP] in ops.BYTE_RESULTS else code[INTO] if len(code) > INTO else 8


def operands(code: Instruction) -> list[int]:
    """The instructions whose results one instruction reads."""
    columns = (A, B, D) if code[OP] in ops.LINKED else (A, B, C, D)
    return [code[column] for column in columns if code[column] >= 0]


def order(code: Sequence[Instruction], stores: Sequence[Instruction]) -> list[Instruction]:
    """The instructions that the stores need, each after its operands and followed by its own number; -1 for stores.

    A store without an operation only says which instruction writes its output.
    """
    done: set[int] = set()
    found: list[Instruction] = []
    for store in stores:
        stack = [(store[A], False)] if store[A] >= 0 else []
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
        if store[OP] >= 0:
            found.append((*store, -1))
    return found


def arrays(
    code: Sequence[Instruction], stores: Sequence[Instruction], pool: Sequence[int], *, reuse: bool
) -> ops.Arrays:
    """The arrays of a program; `reuse` lets a register be taken again after its last use."""
    return placed(code, order(code, stores), pool, reuse=reuse)


def placed(
    code: Sequence[Instruction], listed: Sequence[Instruction], pool: Sequence[int], *, reuse: bool,
    kept: Collection[int] = (),
) -> ops.Arrays:  # fmt: skip
    """The arrays of instructions in order, as `order` lists them; the registers of `kept` are never taken again."""
    last = {operand: at for at, one in enumerate(listed) for operand in operands(one)}
    place: dict[int, int] = {}
    free: dict[tuple[int, int], list[int]] = {}
    used = np.zeros((4, len(ops.SIZES)), np.int64)
    out = np.full((len(listed), ops.WIDTH), 8, np.int64)
    for at, one in enumerate(listed):
        number = one[-1]
        row = list(one[:-1])
        for column in (A, B, D) if one[OP] in ops.LINKED else (A, B, C, D):
            if row[column] >= 0:
                row[column] = place[row[column]]
        if number >= 0:
            wide = size(code[number])
            spare = free.setdefault((one[ENTITY], wide), [])
            if row[DST] < 0:
                place[number] = row[DST]
            elif spare:
                place[number] = spare.pop()
            else:
                kind = one[ENTITY], ops.SIZES.index(wide)
                place[number] = int(used[kind])
                used[kind] += 1
            row[DST] = place[number]
        if reuse:
            for operand in dict.fromkeys(operands(one)):
                if last[operand] == at and operand not in kept and place[operand] >= 0:
                    free.setdefault((code[operand][ENTITY], size(code[operand])), []).append(place[operand])
        out[at, : len(row)] = row
    cells = np.array(pool or [0], np.int64)
    return ops.Arrays(np.ascontiguousarray(out), cells, used)
