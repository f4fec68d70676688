"""The machine's instructions on sets of values: which results are possible when the operands are not known exactly.

A *word* is a pair `(lo, hi)` of integer arrays: the value lies between them, both included; a set of bits is a pair
`(must, may)`: the bits that are there for certain, and those that may be. A *byte* (truth, validity, option, band) is
an array of masks: bit k says that the value may be k. A byte that can be above 62 is a pair like a word. All arrays
are [rows of the level, lanes], or [rows, 1] for what is the same in every lane.

Each rule gives at least every result that the machine's own instruction gives for values out of the operands' sets,
and exactly the one result where each operand has one value. So a lane of single values is the machine's lane, and
any other lane holds all the machine's lanes inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship.lowering import ops
from hardship.possible.plan import CODE_BITS, MARKED, Step

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]
Value = Array | Pair
Fetch = Callable[[int], Value]

MISSING, TRUE, FALSE = np.uint64(1), np.uint64(2), np.uint64(4)  # masks of a truth: 0, 1, 2
UNKNOWN, KNOWN = np.uint64(1), np.uint64(2)  # masks of a validity: 0, 1
ONE, TWO = np.uint64(1), np.uint64(2)
BELOW = np.array([(1 << k) - 1 for k in range(65)], np.uint64)  # masks of 0 … k − 1


def single(value: int) -> Any:
    """The mask of one value of a byte."""
    return ONE << np.uint64(CODE_BITS if value == MARKED else value)


def span(byte: Value) -> Pair:
    """The smallest and the largest value of a byte."""
    if isinstance(byte, tuple):
        return byte
    low = np.frexp((byte & (~byte + ONE)).astype(np.float64))[1] - 1
    # A mask above 53 bits may round up to the next power of two: then one too many, which holds all the same.
    return low.astype(np.int64), np.frexp(byte.astype(np.float64))[1].astype(np.int64) - 1


def between(low: Array, high: Array) -> Array:
    """Masks of all values from `low` to `high`."""
    return BELOW[high.astype(np.int64) + 1] ^ BELOW[low.astype(np.int64)]


def truth(may: Array, may_not: Array) -> Array:
    """Masks of truths that are never missing."""
    found: Array = np.where(may, TRUE, np.uint64(0)) | np.where(may_not, FALSE, np.uint64(0))
    return found


def either(left: Value, right: Value) -> Value:
    """All values of both."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        (a, b), (c, d) = span(left), span(right)
        return np.minimum(a, c), np.maximum(b, d)
    return left | right


def chosen(holds: Array, then: Pair, other: Pair, bits: bool) -> Pair:
    """`then` where a truth is 1, `other` where it is not, both where it may be either."""
    may, may_not = (holds & TRUE) != 0, (holds & ~TRUE) != 0
    if bits:
        both = then[0] & other[0], then[1] | other[1]
    else:
        both = np.minimum(then[0], other[0]), np.maximum(then[1], other[1])
    return (
        np.where(may_not, np.where(may, both[0], other[0]), then[0]),
        np.where(may_not, np.where(may, both[1], other[1]), then[1]),
    )


def corners(a: Pair, b: Pair, rule: Callable[[Array, Array], Array]) -> Pair:
    """A rule that is monotone in each operand over the other's range."""
    found = [rule(x, y) for x in a for y in b]
    return np.minimum.reduce(np.broadcast_arrays(*found)), np.maximum.reduce(np.broadcast_arrays(*found))


def scaled(a: Pair, factor: int) -> Pair:
    """A multiple."""
    return (a[0] * factor, a[1] * factor) if factor >= 0 else (a[1] * factor, a[0] * factor)


# --- words ---


def words(step: Step, a: Pair, b: Pair | None) -> Pair:
    """Arithmetic."""
    match step.op:
        case ops.ADD_C:
            return a[0] + step.imm, a[1] + step.imm
        case ops.MUL_C:
            return scaled(a, step.imm)
        case ops.MIN_C:
            return np.minimum(a[0], step.imm), np.minimum(a[1], step.imm)
        case ops.MAX_C:
            return np.maximum(a[0], step.imm), np.maximum(a[1], step.imm)
        case ops.SUB_FROM_C:
            return step.imm - a[1], step.imm - a[0]
    assert b is not None
    match step.op:
        case ops.ADD:
            return a[0] + b[0], a[1] + b[1]
        case ops.SUB:
            return a[0] - b[1], a[1] - b[0]
        case ops.MIN:
            return np.minimum(a[0], b[0]), np.minimum(a[1], b[1])
        case ops.MAX:
            return np.maximum(a[0], b[0]), np.maximum(a[1], b[1])
        case _:
            return corners(a, b, np.multiply)


def compare(op: int, a: Pair, b: Pair) -> Array:
    """A comparison of two words."""
    if op in (ops.LT, ops.LT_WIDE):
        return truth(a[0] < b[1], a[1] >= b[0])
    if op in (ops.LE, ops.LE_WIDE):
        return truth(a[0] <= b[1], a[1] > b[0])
    meet, alone = (a[0] <= b[1]) & (b[0] <= a[1]), (a[0] == a[1]) & (b[0] == b[1])
    same = truth(meet, ~(meet & alone))
    return negated(same) if op == ops.NE else same


def against(step: Step, a: Pair, bits: bool) -> Array:
    """A comparison of a word with a constant, and a bit of a word."""
    imm = step.imm
    match step.op:
        case ops.LT_C:
            return truth(a[0] < imm, a[1] >= imm)
        case ops.GE_C:
            return truth(a[1] >= imm, a[0] < imm)
        case ops.HAS_BIT if bits:
            return truth((a[1] >> imm) & 1 == 1, (a[0] >> imm) & 1 == 0)
        case ops.HAS_BIT:
            alone, there = a[0] == a[1], (a[0] >> imm) & 1 == 1
            return truth(~alone | there, ~alone | ~there)
    may = (a[0] & ~imm) | (imm & ~a[1]) == 0 if bits else (a[0] <= imm) & (imm <= a[1])
    same = truth(may, (a[0] != imm) | (a[1] != imm))
    return negated(same) if step.op == ops.NE_C else same


# --- bytes ---


def negated(a: Array) -> Array:
    """Kleene `not`."""
    found: Array = (a & MISSING) | (a & TRUE) << ONE | (a & FALSE) >> ONE
    return found


def small(step: Step, a: Value, b: Value | None, c: Value | None) -> Value:
    """Bytes from bytes."""
    op = step.op
    if op == ops.RANGE:
        return _within(a, step.imm, step.imm2)
    if op == ops.ADD_BYTE:
        assert b is not None
        (low, high), (more, most) = span(a), span(b)
        return _byte(low + more, high + most, step.size)
    if op == ops.PICK:
        assert isinstance(a, np.ndarray)
        assert b is not None
        assert c is not None
        return _picked(a, b, c, step.size)
    if op in (ops.MASK, ops.MARK):
        assert isinstance(b, np.ndarray)
        return _kept(a, b, 0 if op == ops.MASK else MARKED)
    assert isinstance(a, np.ndarray)
    return _logic(op, a, b)


def _logic(op: int, a: Array, b: Value | None) -> Array:
    """Kleene logic, and validities of truths."""
    found: Array
    match op:
        case ops.NOT:
            found = negated(a)
        case ops.KNOWN:
            found = np.where(a & (TRUE | FALSE), KNOWN, np.uint64(0)) | (a & UNKNOWN)
        case ops.TRUTH:
            found = (a & KNOWN) | (a & UNKNOWN) << TWO
        case ops.PASSED:
            found = (a & TRUE) | np.where(a & (MISSING | FALSE), ONE, np.uint64(0))
        case ops.AND:
            assert isinstance(b, np.ndarray)
            missing = (a & (b | b >> ONE)) | (b & (a | a >> ONE))
            found = (a & b & TRUE) | ((a | b) & FALSE) | (missing & MISSING)
        case _:
            assert isinstance(b, np.ndarray)
            missing = (a & (b | b >> TWO)) | (b & (a | a >> TWO))
            found = ((a | b) & TRUE) | (a & b & FALSE) | (missing & MISSING)
    return found


def _byte(low: Array, high: Array, size: int) -> Value:
    return between(low, high) if size < CODE_BITS else (low, high)


def _within(a: Value, first: int, last: int) -> Array:
    if isinstance(a, tuple):
        return truth((a[0] <= last) & (a[1] >= first), (a[0] < first) | (a[1] > last))
    inside = BELOW[last + 1] ^ BELOW[first] if last < CODE_BITS else ~BELOW[min(first, CODE_BITS)]
    return truth((a & inside) != 0, (a & ~inside) != 0)


def _picked(a: Array, b: Value, c: Value, size: int) -> Value:
    """`b` where a truth is 1, `c` where it is 2, 0 where it is missing."""
    cases = ((TRUE, b), (FALSE, c), (MISSING, None))
    if size < CODE_BITS:
        found = np.zeros(1, np.uint64)
        for bit, value in cases:
            part = single(0) if value is None else value
            found = found | np.where(a & bit, part, np.uint64(0))
        return found
    zero = np.zeros((1, 1), np.int64)
    low, high = np.full(a.shape, size, np.int64), np.zeros(a.shape, np.int64)
    for bit, value in cases:
        least, most = (zero, zero) if value is None else span(value)
        there = (a & bit) != 0
        low = np.where(there, np.minimum(low, least), low)
        high = np.where(there, np.maximum(high, most), high)
    return low, high


def _kept(a: Value, valid: Array, other: int) -> Value:
    """`a` where a validity is 1, else one value."""
    may, may_not = (valid & KNOWN) != 0, (valid & ~KNOWN) != 0
    if isinstance(a, tuple):
        low = np.where(may_not, np.where(may, np.minimum(a[0], other), other), a[0])
        return low, np.where(may_not, np.where(may, np.maximum(a[1], other), other), a[1])
    return np.where(may, a, np.uint64(0)) | np.where(may_not, single(other), np.uint64(0))


# --- tables, division ---


def reached(a: Array, edges: Array) -> Array:
    """How many of some ascending edges a word reaches."""
    found: Array
    if a.dtype == object:
        found = np.sum([a >= int(edge) for edge in edges], axis=0)
    else:
        found = np.searchsorted(edges, a, side="right")
    return found


def band(step: Step, pool: Array, a: Pair, b: Pair | None) -> Value:
    """The number of edges reached; of a ratio those n with `a >= n·b + strict`."""
    if step.op == ops.STEP:
        edges = pool[step.imm : step.imm + step.imm2]
        return _byte(reached(a[0], edges), reached(a[1], edges), step.size)
    assert b is not None
    divisor = np.maximum(b[0], 1).astype(object), np.maximum(b[1], 1).astype(object)
    top = a[0].astype(object), a[1].astype(object)
    low = high = np.zeros((1, 1), np.int64)
    for k in range(step.imm2):
        factor, strict = int(pool[step.imm + 2 * k]), int(pool[step.imm + 2 * k + 1])
        least, most = scaled(divisor, factor)
        low, high = low + (top[0] >= most + strict), high + (top[1] >= least + strict)
    return _byte(low, high, step.size)


def stepped(step: Step, pool: Array, a: Pair) -> Pair:
    """A start and a delta at each edge reached."""
    flat = pool[step.imm : step.imm + 1 + 2 * step.imm2]
    cells = np.concatenate(([flat[0]], flat[0] + np.cumsum(flat[2::2])))
    return cells_between(cells, reached(a[0], flat[1::2]), reached(a[1], flat[1::2]))


def cells_between(cells: Array, first: Array, last: Array) -> Pair:
    """The least and the greatest of some cells between two places."""
    first, last = first.astype(np.int64), last.astype(np.int64)
    if (first == last).all():
        return cells[first], cells[first]
    low, high = cells[first], cells[first]
    for k in range(1, int((last - first).max()) + 1):
        at = cells[np.minimum(first + k, last)]
        low, high = np.minimum(low, at), np.maximum(high, at)
    return low, high


def looked_up(step: Step, pool: Array, a: Value, b: Value | None) -> Pair:
    """A cell by one byte, by two, or by a word."""
    cells = pool[step.imm : step.imm + step.imm2]
    if step.op == ops.LOOK_WORD:
        first, last = (np.clip(end.astype(np.int64), 0, len(cells) - 1) for end in span(a))
        return cells_between(cells, first, last)
    if step.op == ops.LOOK_BYTE:
        return _picked_cells([(row, int(cell)) for row, cell in enumerate(cells)], [a])
    assert b is not None
    width = step.link
    return _picked_cells([(divmod(place, width), int(cell)) for place, cell in enumerate(cells)], [a, b])


def _picked_cells(cells: Sequence[tuple[Any, int]], places: Sequence[Value]) -> Pair:
    """The least and the greatest of the cells whose place is possible."""
    low = high = None
    for place, cell in cells:
        there: Any = True
        for value, at in zip(places, place if isinstance(place, tuple) else (place,), strict=True):
            if isinstance(value, tuple):
                there = there & (value[0] <= at) & (at <= value[1])
            else:
                there = there & ((value >> np.uint64(at) & ONE) != 0)
        if not np.any(there):
            continue
        if low is None or high is None:
            low = np.where(there, cell, np.iinfo(np.int64).max)
            high = np.where(there, cell, np.iinfo(np.int64).min)
        else:
            low = np.where(there, np.minimum(low, cell), low)
            high = np.where(there, np.maximum(high, cell), high)
    if low is None or high is None:  # no row at all
        empty = np.zeros(span(places[0])[0].shape, np.int64)
        return empty, empty
    return low, high


def divided(step: Step, a: Pair, b: Pair | None) -> Pair:
    """Rounded division, ages, months."""
    if step.op == ops.AGE:
        return a[0] // 10_000, a[1] // 10_000
    assert b is not None
    if step.op == ops.MONTHS:
        return months(a[1], b[0]), months(a[0], b[1])
    # A divisor is at least 1 wherever its result is used.
    mode = step.imm
    return corners(a, (np.maximum(b[0], 1), np.maximum(b[1], 1)), lambda n, m: quotient(mode, n, m))


def quotient(mode: int, n: Array, m: Array) -> Array:
    """n / m to a whole number."""
    q, r = n // m, n % m
    rest = m - r
    match mode:
        case ops.FLOOR:
            return q
        case ops.CEIL:
            up = r > 0
        case ops.HALF_UP:
            up = (r > rest) | ((r == rest) & (n >= 0))
        case _:
            up = (r > rest) | ((r == rest) & (q % 2 == 1))
    return q + up


def months(first: Array, last: Array) -> Array:
    """Whole months from one yyyymmdd to another."""
    begin, end = first // 100, last // 100
    begin, end = begin - begin // 100 * 88, end - end // 100 * 88
    found: Array = end - begin - (last % 100 < first % 100)
    return found
