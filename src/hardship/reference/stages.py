"""The stages of one household: names, requires, items, vetoes, ladders, persons, benefit.

Follows `docs/semantics.md` section 6. Names are computed when first asked for, and then known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hardship.language.names import Named
from hardship.language.table import Item, Ladder, Require, Rung, Step, Test
from hardship.lots import lot
from hardship.reference.expressions import ORDER, Expressions, Ground, broken
from hardship.reference.values import Kleene, Row, Value, band_of, both, either, negation

Points = dict[str, Fraction]


@dataclass(frozen=True, slots=True)
class PersonResult:
    """A member assessed alone: `member` is the place in the list, `benefit` None if incomplete."""

    member: int
    rule: str
    outcome: str
    benefit: Fraction | None
    leaves: bool


class Stages(Expressions):
    """One pass over one household."""

    def __init__(
        self, ground: Ground, root: Row, parameters: dict[str, Value], left: frozenset[tuple[int, ...]]
    ) -> None:
        super().__init__(ground, root, left)
        self.table = ground.table
        self.parameters = parameters
        self.known: dict[tuple[str, tuple[int, ...]], Value] = {}
        self.hits: dict[str, Kleene] = {}
        self.sums: dict[str, dict[str, Fraction | None]] = {}
        self.forms: dict[tuple[str, tuple[int, ...]], tuple[Points | None, str | None]] = {}
        self.places: dict[tuple[str, tuple[int, ...]], tuple[str, int]] = {}  # the case or band taken

    # --- names ---

    def name(self, name: str, row: Row) -> Value:
        """The value of a name, seen from a row at its level or below."""
        named = self.ground.names.by_name[name]
        row = row.up(named.level)
        key = (name, row.key)
        if key not in self.known:
            self.known[key] = self.clamped(name, self._named(named, row))
        return self.known[key]

    def unclamped(self, name: str, row: Row) -> Value:
        """The value of a name at a row of its level before the requires on it: what they test."""
        return self._named(self.ground.names.by_name[name], row)

    def _named(self, named: Named, row: Row) -> Value:
        name = named.name
        match named.role:
            case "attribute":
                return self.fact(name, row)
            case "parameter":
                return self.parameters[name]
            case "constant":
                return Fraction(named.definition.value)
            case "derive" | "output":
                return self.value(named.definition.node, row)
            case "step":
                return self.step(named.definition, row)
            case "item":
                return self.points(name)[self.ground.indices[0]]
            case "group":
                return self.points(name)[self.ground.indices[0]]
            case "index":
                return self.index(name)
            case "ladder":
                return self.ladder(named.definition)
        match name:
            case "on":
                return self.ground.on
            case "lot":
                return Fraction(lot(str(row.facts["household_id"])))
            case "refused":
                return self.refused()
            case "deferred":
                return self.deferred()
        raise broken(f"no value called {name}")

    def fact(self, name: str, row: Row) -> Value:
        """An attribute of a row, or what the table assumes where it is missing."""
        value = row.facts.get(name)
        return self.ground.assumed.get(name) if value is None else value

    def clamped(self, name: str, value: Value) -> Value:
        """The value inside the bounds of the requires on its name."""
        for require in self.ground.requires.get(name, ()):
            if require.unless is None and isinstance(value, Fraction):
                if require.at_least is not None:
                    value = max(value, require.at_least)
                if require.at_most is not None:
                    value = min(value, require.at_most)
        return value

    # --- require ---

    def require(self, require: Require) -> Kleene:
        """Is the household hit: outside the bounds, in a counted row, and not excused?"""
        named = self.ground.names.by_name[require.value]
        hits = []
        for row in self.root.down(named.level):
            excused = False if require.unless is None else self.truth(require.unless.node, row)
            parts = [self._outside(require, self._named(named, row)), negation(excused)]
            if named.level != "household":
                parts.append(self.counted(row))
            hits.append(both(parts))
        return either(hits)

    def _outside(self, require: Require, value: Any) -> Kleene:
        if value is None:
            return None
        if require.one_of is not None:
            return value not in require.one_of
        low = require.at_least is not None and value < require.at_least
        return low or (require.at_most is not None and value > require.at_most)

    # --- items, groups, indices ---

    def item(self, item: Item) -> dict[str, Fraction | None]:
        """Points for each index, floored and capped; all None if the item is missing."""
        sums: dict[str, Fraction] = dict.fromkeys(self.ground.indices, Fraction(0))
        for row in self.item_rows(item):
            takes = self.takes(item, row)
            if takes is False:
                continue
            points = self.form(item, row)[0] if takes else None
            if points is None:
                return self._absent(item)
            for index in sums:
                sums[index] += points[index]
        if item.floor is not None:
            floor = self._points(item.floor)
            sums = {index: max(points, floor[index]) for index, points in sums.items()}
        if item.cap is not None:
            cap = self._points(item.cap)
            sums = {index: min(points, cap[index]) for index, points in sums.items()}
        return dict(sums)

    def _absent(self, item: Item) -> dict[str, Fraction | None]:
        if item.missing is None:
            return dict.fromkeys(self.ground.indices)
        return dict(self._points(item.missing.points))

    def item_rows(self, item: Item) -> list[Row]:
        """The rows an item's form is evaluated for."""
        level = "member" if item.each is not None else item.per or "household"
        return list(self.root.down(level))

    def takes(self, item: Item, row: Row) -> Kleene:
        """Does the item take this row?"""
        return True if row.level == "household" or item.everyone else self.counted(row)

    def form(self, item: Item, row: Row) -> tuple[Points | None, str | None]:
        """Points of one row (None: missing) and the veto that its band or case raises."""
        key = (item.id, row.key)
        if key not in self.forms:
            self.forms[key] = self._form(item, row)
        return self.forms[key]

    def _form(self, item: Item, row: Row) -> tuple[Points | None, str | None]:
        zero = self._points(Fraction(0))
        condition = item.each or item.when
        if condition is not None:
            holds = self.truth(condition.node, row)
            if holds is None:
                return None, None
            assert item.points is not None
            return (self._points(item.points) if holds else zero), None
        if item.expr is not None:
            points = self.number(item.expr.node, row)
            return (None if points is None else self._points(points)), None
        for number, case in enumerate(item.cases or ()):
            holds = True if case.when is None else self.truth(case.when.node, row)
            if holds is None:
                return None, None
            if holds:
                self.places[item.id, row.key] = ("case", number)
                return self._points(case.points), case.veto
        if item.bands is None:
            return zero, None
        assert item.value is not None
        value = self.number(item.value.node, row)
        if value is None:
            return None, None
        number = band_of(item.bands, value)
        self.places[item.id, row.key] = ("band", number)
        return self._points(item.bands[number].points), item.bands[number].veto

    def _points(self, points: Fraction | dict[str, Fraction]) -> Points:
        if isinstance(points, dict):
            return {index: points[index] for index in self.ground.indices}
        return dict.fromkeys(self.ground.indices, points)

    def group(self, group_id: str) -> dict[str, Fraction | None]:
        """Points of a group for each index."""
        group = next(group for group in self.table.group if group.id == group_id)
        parts = [self.points(item.id) for item in self.table.item if item.group == group_id]
        parts += [self.points(child.id) for child in self.table.group if child.parent == group_id]
        return {index: _bounded(parts, index, group.floor, group.cap) for index in self.ground.indices}

    def points(self, name: str) -> dict[str, Fraction | None]:
        """Points of an item or a group for each index."""
        if name not in self.sums:
            named = self.ground.names.by_name[name]
            self.sums[name] = self.item(named.definition) if named.role == "item" else self.group(name)
        return self.sums[name]

    def index(self, index_id: str) -> Fraction | None:
        """An index: the sum of all top groups and of items without a group."""
        index = next(index for index in self.table.index if index.id == index_id)
        parts = [self.points(item.id) for item in self.table.item if item.group is None]
        parts += [self.points(group.id) for group in self.table.group if group.parent is None]
        return _bounded(parts, index_id, index.floor, index.cap)

    # --- vetoes and ladders ---

    def veto(self, veto_id: str) -> Kleene:
        """Is a veto hit, by its own condition or by a band or case of an item?"""
        if veto_id not in self.hits:
            self.hits[veto_id] = self._veto(veto_id)
        return self.hits[veto_id]

    def _veto(self, veto_id: str) -> Kleene:
        veto = next(veto for veto in self.table.veto if veto.id == veto_id)
        hits: list[Kleene] = [] if veto.when is None else [self.truth(veto.when.node, self.root)]
        for item in self.ground.statics.raising[veto_id]:
            rows = self.item_rows(item)
            hits += [both([self.takes(item, row), self._raised(item, row, veto_id)]) for row in rows]
        return either(hits)

    def _raised(self, item: Item, row: Row, veto_id: str) -> Kleene:
        points, veto = self.form(item, row)
        if points is None:
            return None if item.missing is None else False
        return veto == veto_id

    def refused(self) -> Kleene:
        """Some veto with effect `refuse` is hit."""
        return either([self.veto(veto.id) for veto in self.table.veto if veto.effect == "refuse"])

    def deferred(self) -> Kleene:
        """Some veto with effect `defer`, or a require with `needs_review`, is hit."""
        vetoes = [self.veto(veto.id) for veto in self.table.veto if veto.effect == "defer"]
        requires = [self.require(one) for one in self.table.require if one.outside == "needs_review"]
        return either(vetoes + requires)

    def stopped(self) -> Kleene:
        """Refused or deferred: no circle, no benefit."""
        refused, deferred = self.name("refused", self.root), self.name("deferred", self.root)
        assert refused is None or isinstance(refused, bool)
        assert deferred is None or isinstance(deferred, bool)
        return either([refused, deferred])

    def test(self, test: Test, row: Row) -> Kleene:
        """Does one test hold by its value and edge, without regard to `unless`?"""
        value = self.number(test.value.node, row)
        for op, edge in (("<", test.below), ("<=", test.at_most), (">=", test.at_least), (">", test.above)):
            if edge is not None:
                line = self.number(edge.node, row)
                return None if value is None or line is None else ORDER[op](value, line)
        raise broken("a test without an edge")

    def passes(self, test: Test, row: Row) -> Kleene:
        """Does one test hold, or is it waived?"""
        unless = False if test.unless is None else self.truth(test.unless.node, row)
        return either([self.test(test, row), unless])

    def rung(self, rung: Rung) -> Kleene:
        """Do all tests and `also` hold?"""
        also = True if rung.also is None else self.truth(rung.also.node, self.root)
        return both([*(self.passes(test, self.root) for test in rung.tests), also])

    def ladder(self, ladder: Ladder) -> Value:
        """The id of the rung taken, or with `pick = "all"` the set of ids; None: missing."""
        other: Value = frozenset((ladder.otherwise.id,)) if ladder.pick == "all" else ladder.otherwise.id
        if ladder.id == "circle":
            stopped = self.stopped()
            if stopped is not False:
                return None if stopped is None else other
        if ladder.pick == "all":
            holds = {rung.id: self.rung(rung) for rung in ladder.rung}
            if None in holds.values():
                return None
            return frozenset(rung for rung, hold in holds.items() if hold) or other
        for rung in ladder.rung:
            hold = self.rung(rung)
            if hold is None:
                return None
            if hold:
                return rung.id
        return other

    # --- persons, benefit ---

    def persons(self) -> Iterator[PersonResult]:
        """A result for each member whom a person rule may concern."""
        for row in self.root.down("member"):
            for person in self.table.person:
                concerned = both([self.counted(row), self.truth(person.when.node, row)])
                if concerned is False:
                    continue
                tests = both([self.passes(test, row) for test in person.tests])
                benefit = self.number(person.benefit.node, row)
                if tests is False:
                    yield PersonResult(row.key[0], person.id, "does_not_meet", Fraction(0), False)
                elif concerned is None or tests is None or benefit is None:
                    yield PersonResult(row.key[0], person.id, "incomplete", None, False)
                else:
                    yield PersonResult(row.key[0], person.id, "meets", benefit, person.remaining == "leaves")

    def step(self, step: Step, row: Row) -> Value:
        """A benefit step; the last one is the amount: 0 for a household that is refused or deferred."""
        if step is self.table.benefit[-1]:
            stopped = self.stopped()
            if stopped is not False:
                return None if stopped is None else Fraction(0)
        return self.value(step.node, row)


def _bounded(
    parts: Sequence[dict[str, Fraction | None]], index: str, floor: Fraction | None, cap: Fraction | None
) -> Fraction | None:
    total = Fraction(0)
    for part in parts:
        points = part[index]
        if points is None:
            return None
        total += points
    total = total if floor is None else max(total, floor)
    return total if cap is None else min(total, cap)
