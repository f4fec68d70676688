"""Folds on sets of values: what a household can have of its members, a member of its supporters and transfers."""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.lowering import ops
from hardship.possible.interval import FALSE, KNOWN, MISSING, TRUE, UNKNOWN, Array, Pair, Value, truth
from hardship.possible.plan import Step

FARTHEST = 2**63 - 1


def folded(step: Step, a: Any, b: Any) -> Value:
    """One parent's fold over its children: `a`, `b` are [children, lanes], the result is [lanes]."""
    match step.op:
        case ops.FOLD_COUNT:
            return ((a & ~TRUE) == 0).sum(axis=0), ((a & TRUE) != 0).sum(axis=0)
        case ops.FOLD_ANY:
            true, missing = (a & TRUE) != 0, (a & MISSING) != 0
            sure, settled = ((a & ~TRUE) == 0).any(axis=0), ((a & FALSE) != 0).all(axis=0)
            # Missing if none is true and one is missing: then every row may be other than true.
            lacking = missing.any(axis=0) & ~sure
            found = truth(true.any(axis=0), settled)
            return found | np.where(lacking, MISSING, np.uint64(0))
        case ops.FOLD_VALID:
            may_not, may = ((a & UNKNOWN) != 0).any(axis=0), ((a & KNOWN) != 0).all(axis=0)
            return np.where(may, KNOWN, np.uint64(0)) | np.where(may_not, UNKNOWN, np.uint64(0))
        case ops.FOLD_SUM:
            if b is None:
                return a[0].sum(axis=0), a[1].sum(axis=0)
            may, may_not = (b & TRUE) != 0, (b & ~TRUE) != 0
            low = np.where(may, np.where(may_not, np.minimum(a[0], 0), a[0]), 0)
            return low.sum(axis=0), np.where(may, np.where(may_not, np.maximum(a[1], 0), a[1]), 0).sum(axis=0)
    return _extreme(step, a, b)


def _extreme(step: Step, a: Pair, b: Array) -> Pair:
    """The smallest or largest of the rows taken, or a value of its own over none."""
    may, sure = (b & TRUE) != 0, (b & ~TRUE) == 0
    none_taken = ~sure.any(axis=0)
    far, near = (np.minimum, np.maximum) if step.op == ops.FOLD_MIN else (np.maximum, np.minimum)
    # Of a smallest one: `first` is the smallest it can be, `last` the largest.
    first_of, last_of = (a[0], a[1]) if step.op == ops.FOLD_MIN else (a[1], a[0])
    never = FARTHEST if step.op == ops.FOLD_MIN else -FARTHEST
    first = far.reduce(np.where(may, first_of, never), axis=0) if len(b) else np.full(1, never)
    first = np.where(none_taken, far(np.where(may.any(axis=0), first, step.imm), step.imm), first)
    certain = far.reduce(np.where(sure, last_of, never), axis=0) if len(b) else np.full(1, never)
    loosest = near.reduce(np.where(may, last_of, step.imm), axis=0) if len(b) else np.full(1, step.imm)
    last = np.where(none_taken, near(loosest, step.imm), certain)
    return (first, last) if step.op == ops.FOLD_MIN else (last, first)
