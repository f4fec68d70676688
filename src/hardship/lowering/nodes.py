"""A program's instructions as values under numbers of their own, and what is known of the columns they will read.

The machine takes registers again after their last use; to see an instruction anew, every value needs its own place.
"""

from __future__ import annotations

from typing import NamedTuple

from hardship.lowering import ops
from hardship.lowering.ops import CHILD, DST, ENTITY, IMM, IMM2, OP, A, B, C, D, Program
from hardship.lowering.values import NONE


class Facts(NamedTuple):
    """What holds in every row of some columns.

    Attributes:
        columns: of each column of the program whether no cell is missing (0), some (1), all (2); least and largest
            stored integer; bytes of one, 0 where there is no column.
        parameters: of each parameter whether a place lacks it, whether all places have the same, least and largest.
        widest: most rows of each level in one household.
    """

    columns: tuple[tuple[int, int, int, int], ...]
    parameters: tuple[tuple[bool, bool, int, int], ...]
    widest: tuple[int, ...]


class Node(NamedTuple):
    """One instruction: operands by number of the node that makes them, links and look-up widths under `link`."""

    op: int
    level: int
    a: int = NONE
    b: int = NONE
    c: int = NONE
    d: int = NONE
    imm: int = 0
    imm2: int = 0
    child: int = 0
    link: int = 0


def nodes(program: Program) -> tuple[list[Node], list[Node]]:
    """A program's instructions with every value under its own number, and its stores."""
    latest: dict[tuple[int, bool, int], int] = {}
    found: list[Node] = []
    stores: list[Node] = []
    for row in program.arrays.code.tolist():
        op, level = row[OP], row[ENTITY]
        below = ops.EXPAND_WORD <= op <= ops.FOLD_MAX
        at = row[CHILD] if below else level
        a = latest[at, op in ops.BYTE_A, row[A]] if row[A] >= 0 else NONE
        b = latest[at, op in ops.BYTE_B, row[B]] if row[B] >= 0 else NONE
        linked = below or op == ops.LOOK_TWO
        c = latest[level, op in ops.BYTE_C, row[C]] if row[C] >= 0 and not linked else NONE
        d = latest[level, False, row[D]] if row[D] >= 0 else NONE
        node = Node(op, level, a, b, c, d, row[IMM], row[IMM2], row[CHILD], row[C] if linked else 0)
        if op in ops.STORES:
            stores.append(node)
            continue
        latest[level, op in ops.BYTE_RESULTS, row[DST]] = len(found)
        found.append(node)
    return found, stores


def rounded(lo: int, hi: int) -> tuple[int, int]:
    """A range around a range, between powers of two: the same for registers that differ little."""
    low = 1 << lo.bit_length() - 1 if lo > 0 else -(1 << (-lo).bit_length()) if lo < 0 else 0
    return low, (1 << hi.bit_length()) - 1 if hi > 0 else min(hi, 0)
