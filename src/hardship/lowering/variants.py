"""A program parted for many settings: what no setting changes, and what depends on something that one does.

Settings are local numbers (`Columns.values`). The first part is run once for a block of households, the second once for
each setting; it finds what it needs of the first in registers that nothing else takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardship.lowering import allocate, ops, tune
from hardship.lowering.narrow import Code
from hardship.lowering.nodes import Facts, nodes, rounded
from hardship.lowering.ops import ENTITY, IMM, OP, A, Arrays, Program

if TYPE_CHECKING:
    from hardship.lowering.bind import Columns


@dataclass(frozen=True)
class Parted:
    """A program in two parts.

    Attributes:
        arrays: both, one after the other.
        shared: how many instructions the first part has.
        own: the outputs of the second part.
        whole: the same program in one piece.
    """

    arrays: Arrays
    shared: int
    own: frozenset[int]
    whole: Arrays


def parted(program: Program, settings: Sequence[Columns]) -> Parted:
    """Part a program for columns that differ in their local numbers only.

    Whatever members leave by belongs to the second part, so that the second pass of a setting changes nothing of
    another's.
    """
    if len(settings) * settings[0].rows[0] < tune.FROM:
        code, stores, pool = _as_lowered(program)
    else:
        code, stores, pool = tune.instructions(program, _facts(settings))
    values = np.array([columns.values for columns in settings])
    changed = set(np.flatnonzero((values != values[0]).any(axis=(0, 2))).tolist())
    leaving = {place for place, column in enumerate(program.columns) if not column.attribute}
    depends: set[int] = set()
    for one in allocate.order(code, stores):
        loads = one[OP] in (ops.PARAMETER, ops.UNIFORM) and one[IMM] in changed
        left = one[OP] in _LOADS and one[IMM] in leaving
        if one[-1] >= 0 and (loads or left or not depends.isdisjoint(allocate.operands(one))):
            depends.add(one[-1])
    own = _whole_planes(program, {store[IMM] for store in stores if store[A] in depends})
    second = [store for store in stores if store[IMM] in own]
    listed = [one for one in allocate.order(code, second) if one[-1] < 0 or one[-1] in depends]
    needed = {operand for one in listed for operand in allocate.operands(one)} - depends
    # What the second part needs of the first is listed as if it were stored.
    wanted = [_store_of(code, number) for number in sorted(needed)]
    first = allocate.order(code, [store for store in stores if store[IMM] not in own] + wanted)
    first = [one for one in first if one[OP] != _NOTHING]
    arrays = allocate.placed(code, [*first, *listed], pool, reuse=True, kept=needed)
    return Parted(arrays, len(first), frozenset(own), allocate.arrays(code, stores, pool, reuse=True))


_NOTHING = -1
_LOADS = (ops.LOAD_WORD, ops.LOAD_BYTE, ops.LOAD_TRUTH, ops.LOAD_VALID)


def _store_of(code: Sequence[Code], number: int) -> Code:
    return (_NOTHING, code[number][ENTITY], 0, number, *(-1,) * 3, 0, 0, 0, 8, 8)


def _whole_planes(program: Program, own: set[int]) -> set[int]:
    """The outputs, and with one plane of a name all planes of it: they lie in one array."""
    names = {store.name for store in program.stores if store.part == "planes" and store.output in own}
    return own | {store.output for store in program.stores if store.part == "planes" and store.name in names}


def _facts(settings: Sequence[Columns]) -> Facts:
    """What holds in every row of the columns of all settings."""
    facts = tune.facts_of(settings[0])
    values = np.array([columns.values for columns in settings])
    parameters = []
    for place, (lacks, _, _, _) in enumerate(facts.parameters):
        own = values[:, place]
        same = bool((own == own[:, :1]).all())
        parameters.append((lacks, same, *rounded(int(own.min()), int(own.max()))))
    return facts._replace(parameters=tuple(parameters))


def _as_lowered(program: Program) -> tuple[list[Code], list[Code], list[int]]:
    """The instructions of a program that was not tuned, and its stores, and its pool."""
    found: list[list[Code]] = []
    for some in nodes(program):
        found.append([
            (node.op, node.level, 0, node.a, node.b, node.link if node.op in ops.LINKED else node.c, node.d,
             node.imm, node.imm2, node.child, 8, 8)
            for node in some
        ])  # fmt: skip
    pool: list[int] = program.arrays.pool.tolist()
    return found[0], found[1], pool
