"""A program as a list of values: each instruction under a number of its own, operands by number.

The machine takes registers again after their last use; here every value keeps its own place, so that what does not
depend on a missing fact is worked out once, and only the rest for each set of answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from hardship.lowering import ops
from hardship.lowering.ops import CHILD, DST, ENTITY, IMM, IMM2, OP, A, B, C, D, Program

CODE_BITS = 63
"""Values of a byte that a mask tells apart: 0 to 62; the last bit stands for 255, the machine's mark for missing."""
MARKED = 255

_BYTE_A = frozenset((ops.AND, ops.OR, ops.NOT, ops.PICK, ops.RANGE, ops.MASK, ops.KNOWN, ops.TRUTH, ops.ADD_BYTE,
                     ops.BIT, ops.BIT_MISSING, ops.MARK, ops.PASSED, ops.SELECT, ops.SELECT_CX, ops.SELECT_XC,
                     ops.SELECT_CC, ops.WIDEN, ops.LOOK_BYTE, ops.LOOK_TWO, ops.EXPAND_BYTE, ops.FOLD_COUNT,
                     ops.FOLD_ANY, ops.FOLD_VALID, ops.STORE_BYTE))  # fmt: skip
_BYTE_B = frozenset((ops.AND, ops.OR, ops.PICK, ops.MASK, ops.ADD_BYTE, ops.BIT, ops.BIT_MISSING, ops.MARK,
                     ops.BIT_WORD, ops.LOOK_TWO, ops.FOLD_SUM, ops.FOLD_MIN, ops.FOLD_MAX))  # fmt: skip
_BYTE_C = frozenset((ops.PICK,))
_BELOW = frozenset(range(ops.EXPAND_WORD, ops.FOLD_MAX + 1))
_NO_C = frozenset((ops.LOOK_TWO, *_BELOW))
_TRUTHS = frozenset((*range(ops.LT, ops.EQ_WIDE + 1), ops.AND, ops.OR, ops.NOT, ops.RANGE, ops.KNOWN, ops.TRUTH,
                     ops.PASSED, ops.LOAD_TRUTH, ops.LOAD_VALID, ops.PARAMETER_VALID, ops.FOLD_ANY,
                     ops.FOLD_VALID))  # fmt: skip


class Step(NamedTuple):
    """One instruction.

    Attributes:
        level: the level of its rows; below: the other level of a fold (its rows) or an expansion (the parents).
        a, b, c, d: the numbers of its operands, -1 for none; of a fold or expansion `link` says which.
        size: of a byte, the largest value it can hold.
        bits: a word that is a set of bits.
    """

    op: int
    level: int
    below: int
    a: int
    b: int
    c: int
    d: int
    link: int
    imm: int
    imm2: int
    size: int
    bits: bool


@dataclass(frozen=True)
class Plan:
    """A program's values.

    Attributes:
        program: what it was made of.
        steps: every value, after its operands.
        stores: number of the value behind each store `(name, part)`.
        planes: for `missing` the validity of each sink, for `veto` and `require` the truth of each label.
        sets: the attributes whose column is a set of bits.
    """

    program: Program
    steps: tuple[Step, ...]
    stores: dict[tuple[str, str], int]
    planes: dict[str, tuple[int, ...]]

    def behind(self, wanted: Iterable[int]) -> list[int]:
        """The values that some values need, themselves among them, in order."""
        needed, stack = set(), [number for number in wanted if number >= 0]
        while stack:
            number = stack.pop()
            if number not in needed:
                needed.add(number)
                step = self.steps[number]
                stack += [operand for operand in step[3:7] if operand >= 0]
        return sorted(needed)

    def after(self, changed: Iterable[int], among: Iterable[int]) -> list[int]:
        """Of some values those that depend on others, in order."""
        touched = set(changed)
        found = []
        for number in among:
            step = self.steps[number]
            if number in touched or step.a in touched or step.b in touched or step.c in touched or step.d in touched:
                touched.add(number)
                found.append(number)
        return found


def plan(program: Program, sets: frozenset[str]) -> Plan:
    """The plan of a program.

    Args:
        sets: the attributes that are sets.
    """
    latest: dict[tuple[int, bool, int], int] = {}
    steps: list[Step] = []
    sources: dict[int, int] = {}
    for row in program.arrays.code.tolist():
        op, level, below = row[OP], row[ENTITY], row[CHILD]
        at = below if op in _BELOW else level
        a = latest[at, op in _BYTE_A, row[A]] if row[A] >= 0 else -1
        b = latest[at, op in _BYTE_B, row[B]] if row[B] >= 0 else -1
        if op in ops.STORES:
            sources[row[IMM]] = a
            continue
        c = latest[level, op in _BYTE_C, row[C]] if row[C] >= 0 and op not in _NO_C else -1
        d = latest[level, False, row[D]] if row[D] >= 0 else -1
        link = row[C] if op in _NO_C else -1
        step = Step(op, level, below, a, b, c, d, link, row[IMM], row[IMM2], 0, False)
        steps.append(step._replace(size=_size(step, steps, program), bits=_bits(step, steps, program, sets)))
        latest[level, op in ops.BYTE_RESULTS, row[DST]] = len(steps) - 1
    planes: dict[str, list[int]] = {"missing": [], "veto": [], "require": []}
    stores: dict[tuple[str, str], int] = {}
    for store in program.stores:
        number = sources[store.output]
        if store.part == "planes":
            planes[store.name] += _labels(steps, number)
        else:
            stores[store.name, store.part] = number
    return Plan(program, tuple(steps), stores, {name: tuple(labels) for name, labels in planes.items()})


def _labels(steps: list[Step], number: int) -> list[int]:
    """The truths or validities that one byte of a bit plane was put together from."""
    found = []
    while steps[number].op in (ops.BIT, ops.BIT_MISSING):
        found.append(steps[number].b)
        number = steps[number].a
    return found[::-1]


def _size(step: Step, steps: list[Step], program: Program) -> int:
    if step.op not in ops.BYTE_RESULTS:
        return 0
    if step.op in _TRUTHS:
        return 2
    match step.op:
        case ops.LOAD_BYTE:
            return program.columns[step.imm].hi
        case ops.CONST_BYTE:
            return step.imm
        case ops.STEP | ops.STEP_RATIO:
            return step.imm2
        case ops.PICK:
            return max(steps[step.b].size, steps[step.c].size)
        case ops.ADD_BYTE:
            return steps[step.a].size + steps[step.b].size
        case ops.BIT | ops.BIT_MISSING:
            return 255
        case _:
            return steps[step.a].size


def _bits(step: Step, steps: list[Step], program: Program, sets: frozenset[str]) -> bool:
    match step.op:
        case ops.LOAD_WORD:
            return program.columns[step.imm].attribute in sets
        case ops.BIT_WORD:
            return True
        case ops.EXPAND_WORD:
            return steps[step.a].bits
        case ops.SELECT_CX | ops.SELECT_XC:
            return steps[step.b].bits
        case ops.SELECT:
            return steps[step.b].bits and steps[step.c].bits
        case _:
            return False
