"""Which loads and stores of a tuned program are none: columns are read and results written where they lie.

A column is read in place where its integers have the width that its users work in. A stored truth is 0 or 1, one of the
machine 2 or 1; where all users look at its lowest bit alone, the stored one does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hardship.lowering import ops
from hardship.lowering.lanes import HOLDS, Lane
from hardship.lowering.nodes import Node
from hardship.lowering.ops import DST, IMM, IMM2, OP, SIZE, A
from hardship.lowering.simplify import Simplifier
from hardship.lowering.values import NONE

Code = tuple[int, ...]

_COMPARED = frozenset((*range(ops.LT_C, ops.NE_C + 1), ops.STEP))
_ANY_WIDTH = _COMPARED | {ops.FOLD_SUM, ops.EXPAND_WORD}
_WIDE = frozenset(
    (
        ops.HAS_BIT, ops.LT_WIDE, ops.LE_WIDE, ops.EQ_WIDE, ops.BIT_WORD, ops.STEP_RATIO, ops.LOOK_WORD,
        *range(ops.ROUND, ops.MONTHS + 1), ops.FOLD_MIN, ops.FOLD_MAX,
    )
)  # fmt: skip
"""They read words of 64 bits only."""
_LOWEST_OF_A = frozenset((*range(ops.SELECT, ops.SELECT_CC + 1), ops.PASSED, ops.FOLD_COUNT))
_LOWEST_OF_B = frozenset((ops.BIT, ops.BIT_WORD, ops.MASK, ops.FOLD_SUM, ops.FOLD_MIN, ops.FOLD_MAX))
_HANDED_ON = frozenset((ops.AND, ops.OR, ops.EXPAND_BYTE))


def stored_in_place(code: list[Code], stores: Sequence[Code]) -> tuple[list[Code], list[Code]]:
    """The same with results that their own instructions write where they lie; the stores that are left."""
    code, left = list(code), []
    for store in stores:
        a = store[A]
        whole = store[SIZE] == (8 if store[OP] == ops.STORE_WORD else 1)
        # What only the first pass writes is left to a store.
        if a < 0 or code[a][DST] < 0 or not whole or store[IMM2] == 1:
            left.append(store)
            continue
        code[a] = (*code[a][:DST], ops.direct(ops.IN_OUTPUT, store[IMM]), *code[a][DST + 1 :])
        left.append((NONE, *store[1:]))
    return code, left


class Placing:
    """Where the loads of a program read."""

    def __init__(
        self, made: Simplifier, users: Mapping[int, Sequence[Node]], needed: Collection[int], stores: Sequence[Node],
        folded: Mapping[int, Sequence[Lane]],
    ) -> None:  # fmt: skip
        self.made, self.users = made, users
        self._stored = {store.a for store in stores}
        self._whole = _whole(made, needed, self._stored, folded)

    def of(self, number: int, need: int) -> tuple[int, int] | None:
        """Where a load's integers are read, and how wide they are; None where it has to be an instruction.

        Args:
            need: bytes that its words need.
        """
        node = self.made.nodes[number]
        if node.op > ops.LOAD_VALID:
            return None
        missing, _, _, size = self.made.facts.columns[node.imm]
        if node.op == ops.LOAD_VALID:
            return (ops.direct(ops.IN_VALIDITY, node.imm), 1) if missing == 1 else None
        if size == 0 or (node.op == ops.LOAD_TRUTH and number in self._whole):
            return None
        if node.op == ops.LOAD_WORD and not self._fits(number, need, size):
            return None
        return ops.direct(ops.IN_COLUMN, node.imm), size

    def _fits(self, number: int, need: int, size: int) -> bool:
        """Whether the words of a column can be used as wide as they are stored."""
        if size < 2 or number in self._stored:
            return False
        ready = _ANY_WIDTH | _WIDE if size == 8 else _ANY_WIDTH
        return need == size or all(user.op in ready for user in self.users[number])


def _whole(
    made: Simplifier, needed: Collection[int], stored: Collection[int], folded: Mapping[int, Sequence[Lane]]
) -> set[int]:
    """The truths that someone looks at as a whole, not at the lowest bit alone."""
    found = set(stored)
    for number in sorted(needed, reverse=True):
        node = made.nodes[number]
        for place, operand in enumerate(node[2:6]):
            if operand < 0:
                continue
            if node.op in _HANDED_ON:
                lowest = number not in found
            elif number in folded:
                lowest = all(when == HOLDS for lane in folded[number] for truth, when in lane.bits if truth == operand)
            elif node.op == ops.NOT:
                lowest = made.nodes[operand].op == ops.LOAD_TRUTH
            else:
                lowest = node.op in (_LOWEST_OF_A, _LOWEST_OF_B, (), ())[place]
            if not lowest:
                found.add(operand)
    return found
