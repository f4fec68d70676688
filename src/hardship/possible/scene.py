"""One household laid over a plan: what the table can make of it when some facts may be anything within bounds.

A *box* gives each asked fact a range of answers. `Scene.look` takes many boxes at once, a lane for each, and says for
each lane which standings are possible and between which bounds index and benefit lie. A box of single answers is one
household, and then exactly one thing is possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.lots import LOT, lot
from hardship.lowering import ops
from hardship.possible import interval
from hardship.possible.folds import folded
from hardship.possible.interval import FALSE, ONE, TRUE, UNKNOWN, Array, Pair, Value
from hardship.possible.plan import CODE_BITS, Plan, Step

if TYPE_CHECKING:
    from hardship.possible.facts import Fact
    from hardship.single.household import Household
    from hardship.single.runner import Places

INCOMPLETE, REFUSED, DEFERRED, RUNGS = range(4)
"""Bits of a standing; the circle's rungs follow, `otherwise` last."""
SAFE = 2**62  # words beyond it are worked out in Python's integers


@dataclass(frozen=True)
class Seen:
    """What is possible in each lane.

    Attributes:
        standings: uint64 masks of standings; 0 where every household of the lane is rejected.
        rejected: whether one of them may be rejected.
        index, benefit: least and greatest stored value; None where the table has no such thing.
    """

    standings: Array
    rejected: Array
    index: Pair | None
    benefit: Pair | None


@dataclass(frozen=True)
class Columns:
    """The columns that a program reads: stored integers and whether they are known, [rows] each."""

    values: tuple[Array, ...]
    known: tuple[Array, ...]


class Scene:
    """One household under one plan.

    Args:
        household: every fact as it is stored.
        places: the local numbers.
        circle: whether the table has a circle of which one rung is taken.
        rejecting: labels of the requires that reject.
    """

    def __init__(
        self,
        plan: Plan,
        household: Household,
        places: Places,
        *,
        circle: bool = True,
        rejecting: tuple[int, ...] = (),
    ) -> None:
        program = plan.program
        self.plan, self.program, self.pool, self.rejecting = plan, program, program.arrays.pool, rejecting
        self.on = places.on.year * 10_000 + places.on.month * 100 + places.on.day
        self.rows = [len(rows) for rows in household.facts]
        self.parents = [
            np.array(parents, np.int64) for parents in ([0] * self.rows[1], household.supporters, household.transfers)
        ]
        read = [_column(column, household) for column in program.columns]
        self.columns = Columns(tuple(values for values, _ in read), tuple(known for _, known in read))
        self.parameters, self.parameters_known, self.served, self.residence = _parameters(plan, household, places)
        self.facts: tuple[Fact, ...] = ()
        self.cells: dict[str, tuple[Fact, Array, Array]] = {}  # by attribute: one fact, the facts' places, their rows
        self.wide: frozenset[int] = frozenset()
        stores = plan.stores
        self.states = [stores[name, "value"] for name in program.leaves]
        self.refused, self.deferred = stores["refused", "value"], stores["deferred", "value"]
        self.ladder = stores.get(("ladder:circle", "value"), -1) if circle else -1
        self.index_name = next((name for name, part in stores if name.startswith("index:") and part == "value"), "")
        self.index, self.benefit = stores.get((self.index_name, "value"), -1), stores.get(("benefit", "value"), -1)
        self.counted = stores.get(("counted", "value"), -1)
        wanted = [self.refused, self.deferred, self.ladder, self.index, self.benefit, self.counted, *self.states]
        self.wanted = plan.behind([*wanted, *plan.planes["missing"], *plan.planes["require"]])
        self.first = plan.behind(self.states)
        self.left_loads = [
            number for number in self.wanted
            if plan.steps[number].op == ops.LOAD_TRUTH and not program.columns[plan.steps[number].imm].attribute
        ]  # fmt: skip
        self._settle()

    def _settle(self) -> None:
        """What the household is as it stands: every value, the missing facts missing."""
        size = len(self.plan.steps)
        self.nobody: Value = np.full((self.rows[1], 1), FALSE)
        self.before: list[Any] = [None] * size
        self.left: Value = self.nobody
        if self.states:
            self._run(self.first, self.before, None, None, exact=False)
            self.left = self._leaving(self.before)
        self.now: list[Any] = [None] * size
        self._run(self.wanted, self.now, None, None, exact=False)

    def missing(self, values: Sequence[Any]) -> list[int]:
        """The sinks that may be missing."""
        return [k for k, number in enumerate(self.plan.planes["missing"]) if np.any(values[number] & UNKNOWN)]

    def ask(self, facts: Sequence[Fact]) -> list[int]:
        """Let some missing facts be anything: from now on `look` takes their ranges, in this order.

        Returns:
            The sinks that may be missing all the same.
        """
        self.facts = tuple(facts)
        plan = self.plan
        named: dict[str, list[int]] = {}
        for place, fact in enumerate(facts):
            named.setdefault(fact.name, []).append(place)
        self.cells = {
            name: (facts[places[0]], np.array(places), np.array([facts[place].row for place in places]))
            for name, places in named.items()
        }
        loads = []
        for number in self.wanted:
            step = plan.steps[number]
            if step.op < ops.PARAMETER:
                name = self.program.columns[step.imm].attribute
            else:
                name = "residence_type" if step.op in (ops.PARAMETER, ops.PARAMETER_VALID) else ""
            if name in named:
                loads.append(number)
        self.touched_first = plan.after(loads, self.first)
        self.touched = plan.after([*loads, *(self.left_loads if self.touched_first else ())], self.wanted)
        lo = np.array([[fact.low] for fact in facts], np.int64)
        hi = np.array([[fact.high] for fact in facts], np.int64)
        self.wide = frozenset()
        values = self._values(lo, hi, exact=True)
        self.wide = frozenset(number for number in self.touched if _wide(values[number]))
        return self.missing(values)

    def look(self, lo: Array, hi: Array) -> Seen:
        """What is possible where each fact lies between two answers, [facts, lanes]."""
        return self._seen(self._values(lo, hi), lo, hi)

    # --- evaluation ---

    def _values(self, lo: Array, hi: Array, exact: bool = False) -> list[Any]:
        """Every wanted value; a household that may be neither refused nor deferred is taken to be neither."""
        self.left = self.nobody
        if self.states:
            before = list(self.before)
            self._run(self.touched_first, before, lo, hi, exact)
            self.left = self._leaving(before)
        values = list(self.now)
        self.stops: dict[int, Any] = {number: values[number] for number in (self.refused, self.deferred)}
        for number, was in self.stops.items():
            values[number] = _unstopped(was)
        self._run(self.touched, values, lo, hi, exact, forced=True)
        return values

    def _run(
        self, numbers: Sequence[int], values: list[Any], lo: Any, hi: Any, exact: bool, forced: bool = False
    ) -> None:
        """Work out some values in order.

        Args:
            exact: in Python's integers, whatever their size.
            forced: take `refused` and `deferred` as false wherever they may be; `stops` keeps what they were.
        """
        steps, wide = self.plan.steps, self.wide
        for number in numbers:
            step = steps[number]
            found = self._value(step, values, lo, hi, exact or number in wide)
            if forced and number in (self.refused, self.deferred):
                self.stops[number] = found
                found = _unstopped(found)
            values[number] = found

    def _leaving(self, values: Sequence[Any]) -> Array:
        """Who leaves because a person rule is met: truths of members."""
        leaves: Array = np.full((self.rows[1], 1), FALSE)
        for number in self.states:
            low, high = interval.span(values[number])
            found = interval.truth((low <= 1) & (high >= 1), (low != 1) | (high != 1))
            both = found & leaves & FALSE
            leaves = ((found | leaves) & TRUE) | both
        return leaves

    def _value(self, step: Step, values: Sequence[Any], lo: Any, hi: Any, exact: bool) -> Value:
        op = step.op
        if op < ops.ADD:
            return self._loaded(step, lo, hi, exact)
        a = values[step.a]
        b = values[step.b] if step.b >= 0 else None
        c = values[step.c] if step.c >= 0 else None
        if exact:
            a, b, c = _large(a), _large(b), _large(c)
        if op < ops.LT:
            return interval.words(step, a, b)
        if op < ops.LT_C:
            assert b is not None
            return interval.compare(op, a, b)
        if op < ops.LT_WIDE:
            return interval.against(step, a, self.plan.steps[step.a].bits)
        if op < ops.AND:
            left, right = ((_large(a), _large(b)), (_large(c), _large(values[step.d])))
            sides = [interval.corners(x, y, np.multiply) for x, y in (left, right)]
            return interval.compare(op if op != ops.EQ_WIDE else ops.EQ, *sides)
        if op < ops.SELECT:
            return interval.small(step, a, b, c)
        if op < ops.STEP:
            return self._chosen(step, a, b, c, exact)
        if op in (ops.STEP, ops.STEP_RATIO):
            return interval.band(step, self.pool, a, b)
        if op == ops.STEP_WORD:
            return interval.stepped(step, self.pool, a)
        if op < ops.ROUND:
            return interval.looked_up(step, self.pool, a, b)
        if op < ops.EXPAND_WORD:
            return interval.divided(step, a, b)
        if op < ops.FOLD_SUM:
            parents = self.parents[step.link - ops.LINK_UP]
            return (a[0][parents], a[1][parents]) if isinstance(a, tuple) else a[parents]
        return self._folded(step, a, b)

    def _chosen(self, step: Step, a: Any, b: Any, c: Any, exact: bool) -> Value:
        kind = object if exact else np.int64
        first, second = (np.full((1, 1), imm, kind) for imm in (step.imm, step.imm2))
        match step.op:
            case ops.SELECT:
                return interval.chosen(a, b, c, step.bits)
            case ops.SELECT_CX:
                return interval.chosen(a, (first, first), b, step.bits)
            case ops.SELECT_XC:
                return interval.chosen(a, b, (first, first), step.bits)
            case ops.SELECT_CC:
                return interval.chosen(a, (first, first), (second, second), step.bits)
            case ops.WIDEN:
                return interval.span(a)
        bit = 1 << step.imm if step.imm < 63 else -(1 << 63)  # BIT_WORD
        must, may = (b & ~TRUE) == 0, (b & TRUE) != 0
        return np.where(must, a[0] | bit, a[0]), np.where(may, a[1] | bit, a[1])

    # --- loads ---

    def _loaded(self, step: Step, lo: Any, hi: Any, exact: bool) -> Value:
        """What the register holds, and for the asked facts their ranges."""
        kind = object if exact else np.int64
        if step.op in (ops.PARAMETER, ops.PARAMETER_VALID):
            return self._parameter(step, lo, hi, kind)
        shape = self.rows[step.level], 1
        if step.op in (ops.CONST_WORD, ops.ON):
            one = np.full(shape, self.on if step.op == ops.ON else step.imm, kind)
            return one, one
        if step.op == ops.CONST_BYTE:
            mask, word = np.full(shape, interval.single(min(step.imm, 62))), np.full(shape, step.imm, np.int64)
            return mask if step.size < CODE_BITS else (word, word)
        column = self.program.columns[step.imm]
        if not column.attribute:
            return self.left
        values, known = self.columns.values[step.imm], self.columns.known[step.imm]
        low = high = values[:, None]
        sure = known[:, None]
        if lo is not None and column.attribute in self.cells:
            fact, places, rows = self.cells[column.attribute]
            lanes = lo.shape[1]
            low, high = np.repeat(low, lanes, axis=1), np.repeat(high, lanes, axis=1)
            low[rows], high[rows] = fact.stored(lo[places]), fact.stored(hi[places])
            sure = sure.copy()
            sure[rows] = True
        if step.op == ops.LOAD_VALID:
            return np.where(sure, interval.KNOWN, interval.UNKNOWN)
        if step.op == ops.LOAD_TRUTH:
            return interval.between(2 - high, 2 - low)
        if step.op == ops.LOAD_BYTE and step.size < CODE_BITS:
            return interval.between(low, high)
        return low.astype(kind), high.astype(kind)

    def _parameter(self, step: Step, lo: Any, hi: Any, kind: Any) -> Value:
        first = last = np.full((1, 1), self.residence, np.int64)
        if lo is not None and "residence_type" in self.cells:
            place = self.cells["residence_type"][1][0]
            first, last = lo[place][None, :], hi[place][None, :]
        if step.op == ops.PARAMETER:
            low, high = interval.cells_between(self.parameters[step.imm], first, last)
            return low.astype(kind), high.astype(kind)
        known = self.parameters_known[step.imm]
        low, high = interval.cells_between(known, first, last)
        return interval.between(low, high)

    # --- folds ---

    def _folded(self, step: Step, a: Any, b: Any) -> Value:
        """Over the children of each parent row."""
        groups = self._groups(step.link)
        parts: list[Any] = [folded(step, _rows(a, group), _rows(b, group)) for group in groups]
        if not parts:
            empty: Array = np.zeros((0, 1), np.uint64)
            return empty if step.op in (ops.FOLD_ANY, ops.FOLD_VALID) else (empty.astype(np.int64),) * 2
        if isinstance(parts[0], tuple):
            return _stacked([low for low, _ in parts]), _stacked([high for _, high in parts])
        return _stacked(parts)

    def _groups(self, link: int) -> list[Any]:
        """The child rows of each parent row of a fold."""
        if link == 0:
            return [slice(None)]
        if link in (1, 2):
            return [np.flatnonzero(self.parents[link] == member) for member in range(self.rows[1])]
        return [slice(None)]

    # --- answers ---

    def _seen(self, values: Sequence[Any], lo: Array, hi: Array) -> Seen:
        lanes = lo.shape[1]
        refused, deferred = (np.broadcast_to(self.stops[k][0], lanes) for k in (self.refused, self.deferred))
        lacking, never = np.zeros(lanes, np.bool_), np.zeros(lanes, np.bool_)
        for number in self.plan.planes["missing"]:
            lacking |= (values[number][0] & UNKNOWN) != 0
            never |= values[number][0] == UNKNOWN
        may_reject, gone = self._rejected(values, lo, hi)
        rungs: Any = ONE if self.ladder < 0 else values[self.ladder][0] & interval.BELOW[63]
        open_, free = (refused & FALSE) != 0, (deferred & FALSE) != 0
        found = np.where((refused & TRUE) != 0, ONE << np.uint64(REFUSED), np.uint64(0))
        found = found | np.where(open_ & ((deferred & TRUE) != 0), ONE << np.uint64(DEFERRED), np.uint64(0))
        found = found | np.where(open_ & free, rungs << np.uint64(RUNGS), np.uint64(0))
        found = np.where(never, np.uint64(0), found) | np.where(lacking, ONE << np.uint64(INCOMPLETE), np.uint64(0))
        found = np.where(gone, np.uint64(0), found)
        stopped = ((refused | deferred) & TRUE) != 0
        return Seen(found, may_reject, self._bounds(values, self.index, lanes),
                    self._bounds(values, self.benefit, lanes, stopped))  # fmt: skip

    def _rejected(self, values: Sequence[Any], lo: Array, hi: Array) -> tuple[Array, Array]:
        """Whether a household of a lane may be rejected, and whether all are."""
        lanes = lo.shape[1]
        may, must = np.zeros(lanes, np.bool_), np.zeros(lanes, np.bool_)
        for label in self.rejecting:
            truth = values[self.plan.planes["require"][label]][0]
            may |= (truth & TRUE) != 0
            must |= truth == TRUE
        first = last = np.full(lanes, self.residence)
        if "residence_type" in self.cells:
            place = self.cells["residence_type"][1][0]
            first, last = lo[place], hi[place]
        least, most = interval.cells_between(self.served, first, last)
        return may | (least == 0), must | (most == 0)

    def _bounds(self, values: Sequence[Any], number: int, lanes: int, stopped: Any = False) -> Pair | None:
        if number < 0:
            return None
        low, high = values[number]
        low, high = np.where(stopped, np.minimum(low[0], 0), low[0]), np.where(stopped, np.maximum(high[0], 0), high[0])
        # No value of a real household is beyond 64 bits; a bound may be.
        least, most = (np.broadcast_to(np.clip(end, -SAFE, SAFE).astype(np.int64), lanes) for end in (low, high))
        return least, most


# --- parts ---


def _unstopped(mask: Any) -> Array:
    """A truth taken as false wherever it may be."""
    found: Array = np.where(mask & FALSE, FALSE, mask)
    return found


def _large(value: Any) -> Any:
    """Words as Python's integers; bytes as they are."""
    return (value[0].astype(object), value[1].astype(object)) if isinstance(value, tuple) else value


def _wide(value: Any) -> bool:
    return isinstance(value, tuple) and any(
        end.size > 0 and not (end.min() > -SAFE and end.max() < SAFE) for end in value
    )


def _stacked(parts: Sequence[Array]) -> Array:
    """Rows put together; a row without children is the same in every lane."""
    return np.stack(np.broadcast_arrays(*parts))


def _rows(value: Any, rows: Any) -> Any:
    if value is None:
        return None
    return (value[0][rows], value[1][rows]) if isinstance(value, tuple) else value[rows]


def _column(column: ops.Column, household: Household) -> tuple[Array, Array]:
    """The stored integers of a column, the program's fill where they are missing, and whether they are known."""
    if column.attribute == LOT:
        return np.array([lot(household.household_id)], np.int64), np.ones(1, np.bool_)
    stored = [row.get(column.attribute) for row in household.facts[ops.LEVEL[column.level]]]
    if column.texts or any(isinstance(one, str) for one in stored):
        numbers = {text: place for place, text in enumerate(column.texts, 1)}
        stored = [None if text is None else numbers.get(text, 0) for text in stored]
    known = np.array([one is not None for one in stored], np.bool_)
    values = [column.fill if one is None else one if one < 1 << 63 else one - (1 << 64) for one in stored]
    return np.array(values, np.int64), known


def _parameters(plan: Plan, household: Household, places: Places) -> tuple[Array, Array, Array, int]:
    """Local numbers and whether they are known [parameter, residence], which residences are served, and the place of
    the household's own; the last place stands for an unknown residence."""
    options, assumed = plan.program.residences
    own = household.facts[0][0].get("residence_type")
    place = len(options) if own is None and assumed < 0 else int(assumed if own is None else own)
    found = [places.at(household.area_code, kind) for kind in (*range(len(options)), None)]
    values = np.concatenate([one.values for one in found], axis=1)
    known = np.concatenate([one.valid for one in found], axis=1).astype(np.int64)
    return values, known, np.array([one.served for one in found], np.int64), place
