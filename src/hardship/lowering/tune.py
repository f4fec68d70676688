"""A program made ready for many households: simplified for what their columns hold.

That takes some milliseconds, so it is done from `FROM` households on, once for a program and what is known of the
columns; a run over few uses the program as it was lowered. The results are the same, bit for bit.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from hardship.lowering import allocate
from hardship.lowering.narrow import Code, narrow
from hardship.lowering.nodes import Facts, Node, nodes, rounded
from hardship.lowering.ops import Arrays, Program
from hardship.lowering.placed import stored_in_place
from hardship.lowering.simplify import Simplifier

if TYPE_CHECKING:
    from hardship.lowering.bind import Columns

FROM = 200_000
"""Households that a program must have met before it is tuned."""
MOST_KEPT = 32

_lock = threading.Lock()
_met: OrderedDict[int, tuple[Program, int]] = OrderedDict()
_kept: OrderedDict[tuple[int, Facts], Arrays] = OrderedDict()


def arrays_for(program: Program, columns: Columns, households: int) -> Arrays:
    """The arrays to run: tuned ones if they are there or pay, else the program's own."""
    with _lock:
        met = _met.get(id(program), (program, 0))[1] + households
        _met[id(program)] = program, met
        _met.move_to_end(id(program))
        if len(_met) > MOST_KEPT:
            gone, _ = _met.popitem(last=False)
            for key in [key for key in _kept if key[0] == gone]:
                del _kept[key]
    if met < FROM:
        return program.arrays
    facts = facts_of(columns)
    key = id(program), facts
    with _lock:
        found = _kept.get(key)
    if found is None:
        found = tuned(program, facts)
        with _lock:
            _kept[key] = found
            if len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return found


def facts_of(columns: Columns) -> Facts:
    """What holds in every row of bound columns."""
    parameters = []
    for values, valid in zip(columns.values, columns.valid, strict=True):
        lo, hi = int(values.min()), int(values.max())
        parameters.append((not valid.all(), lo == hi, *rounded(lo, hi)))
    own = zip(columns.program.columns, columns.ranges, columns.addresses, columns.sizes, strict=False)
    # The column of members who leave is another one in the second pass.
    held = tuple((*reach, int(size) if address and column.attribute else 0) for column, reach, address, size in own)
    widest = tuple(rounded(1, int(most))[1] for most in columns.widest)
    return Facts(held, tuple(parameters), widest)


def tuned(program: Program, facts: Facts) -> Arrays:
    """The arrays of a program for columns of which `facts` hold; they make the same stores, bit for bit."""
    code, stores, pool = instructions(program, facts)
    return allocate.arrays(*stored_in_place(code, stores), pool, reuse=True)


def instructions(program: Program, facts: Facts) -> tuple[list[Code], list[Code], list[int]]:
    """The instructions of a tuned program, before they have registers; its stores, and its pool."""
    old, stores = nodes(program)
    new = Simplifier(program, facts)
    number: list[int] = []
    for node in old:
        number.append(new.rewritten(_with(node, number)))
    return *narrow(new, [_with(store, number) for store in stores]), new.pool


def _with(node: Node, number: list[int]) -> Node:
    """A node with its operands' new numbers."""
    a, b, c, d = (number[operand] if operand >= 0 else operand for operand in node[2:6])
    return node._replace(a=a, b=b, c=c, d=d)
