"""The stages of a table to values: requires, items, groups, indices, vetoes, ladders, persons, benefit.

Each follows the paragraph of its name in `docs/semantics.md` section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from hardship.language.fields import Level
from hardship.language.names import raised
from hardship.language.table import Item, ItemBand, ItemCase, Ladder, Person, Require, Rung, Test
from hardship.language.units import Unit, parse
from hardship.lowering import comparisons, ops
from hardship.lowering.expressions import MONTHS, Expressions
from hardship.lowering.values import NONE, Value, broken, number, truth

MONTHLY, YEARLY = parse("money/month"), parse("money/year")
FEN = Fraction(1, 100)
FAR = 2**62  # beyond every distance to a line
EDGES = {"below": "<", "at_most": "<=", "at_least": ">=", "above": ">"}
NOT_CONCERNED, MEETS, DOES_NOT_MEET, INCOMPLETE = range(4)
STATES = ("not_concerned", "meets", "does_not_meet", "incomplete")


@dataclass(frozen=True)
class Form:
    """One item: its points for each index, the vetoes it raises, and which case or band is taken.

    `place` counts cases, then bands, then one for none; None for an item whose points are an expression.
    """

    points: dict[str, Value]
    raised: dict[str, Value]
    place: Value | None
    level: Level


def choice(place: int, domain: Sequence[str]) -> Value:
    """A constant enum."""
    return Value("enum", "household", NONE, place, place, domain=tuple(domain))


class Stages(Expressions):
    """Lowers everything that is no plain expression."""

    @property
    def indices(self) -> tuple[str, ...]:
        """The ids of the indices, the main one first."""
        return tuple(index.id for index in self.table.index)

    # ── require ──

    def require(self, require: Require) -> Value:
        """The truth that a require is hit, at the household."""
        value = self.unclamped(require.value)
        level = self.names.by_name[require.value].level
        if require.one_of is not None:
            outside = self.build.negation(self._matches(value, require.one_of))
        else:
            edges = [("<", require.at_least), (">", require.at_most)]
            outside = self.build.either(
                [comparisons.compare(self.build, op, value, number(edge)) for op, edge in edges if edge is not None]
            )
        unless = truth(False) if require.unless is None else self.node(require.unless.node, level)
        hit = self.build.both([outside, self.build.negation(unless)])
        if level == "household":
            return hit
        return self.build.fold_any("household", level, self.build.both([self.counted, hit]))

    # ── items ──

    def item(self, item: Item, detailed: bool) -> Form:
        """An item's points, floored and capped; `detailed` also says which case or band is taken."""
        level: Level = "member" if item.each is not None else item.per or "household"
        taken = truth(True) if level == "household" else self.taken(level, "household", item.everyone)
        condition = item.each or item.when
        place = None
        if condition is not None:
            assert item.points is not None
            holds = self.node(condition.node, level)
            spread = self._spread(item.points)
            rows = {index: self.build.select(holds, number(points), number(0)) for index, points in spread.items()}
            if level != "household":
                counted = self.build.fold_count("household", level, self.build.both([taken, holds]))
                valid = self.build.fold_valid("household", level, taken, next(iter(rows.values())))
                rows = {
                    index: replace(self.build.product(counted, number(points)), valid=valid)
                    for index, points in spread.items()
                }
            place = self.build.select(holds, choice(0, "10"), choice(1, "10")) if detailed else None
        elif item.expr is not None:
            rows = dict.fromkeys(self.indices, self.node(item.expr.node, level))
        else:
            rows, place = self._banded(item, level, detailed)
        if level != "household" and condition is None:
            rows = {index: self.build.fold_sum("household", level, taken, value) for index, value in rows.items()}
        points = self._bounded(item, rows)
        hits = {veto: self._raised(item, level, taken, veto) for veto in sorted(raised(item))}
        return Form(points, hits, place, level)

    def _banded(self, item: Item, level: Level, detailed: bool) -> tuple[dict[str, Value], Value | None]:
        """Points of `cases` and `bands` at the item's level."""
        cases, bands = item.cases or (), item.bands or ()
        value = None if item.value is None else self.node(item.value.node, level)
        domain = tuple(str(place) for place in range(len(cases) + len(bands) + 1))
        rows: dict[str, Value] = {}
        many = len(domain) > comparisons.MOST_PLACES
        for index in self.indices:
            parts: list[ItemCase | ItemBand] = [*cases, *bands]
            worth = [self._spread(part.points)[index] for part in parts]
            cells = [*worth[len(cases) :], Fraction(0)]
            den = lcm(*(points.denominator for points in (*worth, Fraction(0))))
            found = number(0)
            if value is not None:
                edges = sum(comparisons.edge(band) is not None for band in bands)
                plain = value.divisor is None and value.reg != NONE and edges > 0 and value.hi < FAR
                if many:
                    found = comparisons.in_turn(self.build, value, bands, [number(cell) for cell in cells])
                elif plain and not detailed:
                    found = comparisons.stepped(self.build, value, bands, cells[: edges + 1], den)
                else:
                    place = comparisons.band(self.build, value, bands)
                    found = comparisons.points(self.build, place, cells[: edges + 1], den)
            for case, points in reversed(list(zip(cases, worth, strict=False))):
                holds = truth(True) if case.when is None else self.node(case.when.node, level)
                found = self.build.select(holds, number(points), found)
            rows[index] = found
        if not detailed or many:
            return rows, None
        which = choice(len(domain) - 1, domain)
        if value is not None:
            band = comparisons.band(self.build, value, bands)
            shift = self.build.emit(ops.CONST_BYTE, band.level, imm=len(cases))
            reg = self.build.emit(ops.ADD_BYTE, band.level, self.build.byte(band, band.level), shift)
            which = Value("enum", band.level, reg, 0, len(domain) - 1, valid=band.valid, domain=domain)
        for k, case in reversed(list(enumerate(cases))):
            holds = truth(True) if case.when is None else self.node(case.when.node, level)
            which = self.build.select(holds, choice(k, domain), which)
        return rows, which

    def _raised(self, item: Item, level: Level, taken: Value, veto: str) -> Value:
        """The truth that an item raises a veto in some row."""
        bands = item.bands or ()
        found = truth(False)
        if item.value is not None and len(bands) > comparisons.MOST_PLACES:
            raises = [truth(band.veto == veto) for band in bands]
            found = comparisons.in_turn(self.build, self.node(item.value.node, level), bands, [*raises, found])
        elif item.value is not None:
            place = comparisons.band(self.build, self.node(item.value.node, level), bands)
            found = self.build.one_of(place, [k for k, band in enumerate(bands) if band.veto == veto])
        for case in reversed(item.cases or ()):
            holds = truth(True) if case.when is None else self.node(case.when.node, level)
            found = self.build.select(holds, truth(case.veto == veto), found)
        if item.missing is not None:
            found = self.build.or_else(found, truth(False))
        if level == "household":
            return found
        return self.build.fold_any("household", level, self.build.both([taken, found]))

    def _bounded(self, item: Item, rows: dict[str, Value]) -> dict[str, Value]:
        """Floor, then cap, then what stands for a missing item."""
        for edge, largest in ((item.floor, True), (item.cap, False)):
            if edge is not None:
                line = self._spread(edge)
                rows = {index: self.build.extreme(value, number(line[index]), largest) for index, value in rows.items()}
        if item.missing is not None:
            absent = self._spread(item.missing.points)
            rows = {index: self.build.or_else(value, number(absent[index])) for index, value in rows.items()}
        return rows

    def _spread(self, points: Fraction | dict[str, Fraction]) -> dict[str, Fraction]:
        """Points for each index."""
        if isinstance(points, dict):
            return {index: points[index] for index in self.indices}
        return dict.fromkeys(self.indices, points)

    def sums(self, forms: dict[str, Form], index: str) -> dict[str, Value]:
        """Every group's sum for one index, and the index's own under the empty name."""
        found: dict[str, Value] = {}
        children: dict[str | None, list[str]] = {}
        for group in self.table.group:
            children.setdefault(group.parent, []).append(group.id)
        groups = {group.id: group for group in self.table.group}

        def total(group: str | None, floor: Fraction | None, cap: Fraction | None) -> Value:
            parts = [forms[item.id].points[index] for item in self.table.item if item.group == group]
            for child in children.get(group, ()):
                found[child] = total(child, groups[child].floor, groups[child].cap)
                parts.append(found[child])
            value = number(0)
            for part in parts:
                value = self.build.add(value, part)
            if floor is not None:
                value = self.build.extreme(value, number(floor), True)
            return value if cap is None else self.build.extreme(value, number(cap), False)

        declared = next(one for one in self.table.index if one.id == index)
        found[""] = total(None, declared.floor, declared.cap)
        return found

    # ── vetoes and ladders ──

    def veto_hits(self, forms: dict[str, Form]) -> dict[str, Value]:
        """The truth of every veto."""
        hits = {}
        for veto in self.table.veto:
            parts = [] if veto.when is None else [self.node(veto.when.node, "household")]
            parts += [form.raised[veto.id] for form in forms.values() if veto.id in form.raised]
            hits[veto.id] = self.build.either(parts)
        return hits

    def test(self, test: Test, level: Level) -> Value:
        """Whether a test holds by its value and edge, without regard to `unless`."""
        for key, op in EDGES.items():
            edge = getattr(test, key)
            if edge is not None:
                value, line = self.node(test.value.node, level), self.node(edge.node, level)
                return comparisons.compare(self.build, op, value, line)
        raise broken("a test without an edge")

    def passes(self, test: Test, level: Level) -> Value:
        """Whether a test holds or is waived."""
        unless = truth(False) if test.unless is None else self.node(test.unless.node, level)
        return self.build.either([self.test(test, level), unless])

    def rung(self, rung: Rung) -> Value:
        """Whether all tests and `also` of a rung hold."""
        parts = [self.passes(test, "household") for test in rung.tests]
        if rung.also is not None:
            parts.append(self.node(rung.also.node, "household"))
        return self.build.both(parts)

    def ladder(self, ladder: Ladder, stopped: Value) -> Value:
        """The place taken (an enum, `otherwise` last), or with `pick = "all"` the set of places."""
        domain = (*(rung.id for rung in ladder.rung), ladder.otherwise.id)
        holds = [self.rung(rung) for rung in ladder.rung]
        if ladder.pick == "all":
            return self._every(holds, domain)
        value = choice(len(holds), domain)
        for place, hold in reversed(list(enumerate(holds))):
            value = self.build.select(hold, choice(place, domain), value)
        if ladder.id == "circle":
            value = self.build.select(stopped, choice(len(holds), domain), value)
        return value

    def _every(self, holds: Sequence[Value], domain: tuple[str, ...]) -> Value:
        """The mask of all rungs that hold; of `otherwise` alone where none does."""
        build = self.build
        mask = build.emit(ops.CONST_WORD, "household", imm=0)
        for place, hold in enumerate(holds):
            mask = build.emit(ops.BIT_WORD, "household", mask, build.byte(hold, "household"), imm=place)
        none = build.emit(ops.EQ_C, "household", mask, imm=0)
        last = 1 << len(holds) if len(holds) < 63 else -(1 << 63)
        reg = build.emit(ops.SELECT_CX, "household", none, mask, imm=last)
        valid = build.valid_of(holds, "household")
        return Value("set", "household", reg, 0, (1 << len(domain)) - 1, valid=valid, domain=domain)

    # ── persons ──

    def certainly(self, value: Value) -> Value:
        """A truth that is false where the value is missing."""
        return self.build.or_else(value, truth(False))

    def person(self, person: Person) -> tuple[Value, Value]:
        """A rule's state for each member (one of `STATES`), and the benefit over 100."""
        build = self.build
        concerned = build.both([self.counted, self.node(person.when.node, "member")])
        tests = build.both([self.passes(test, "member") for test in person.tests])
        benefit = self.fen(self.node(person.benefit.node, "member"))
        failing = self.certainly(build.negation(tests))
        whole = self.certainly(build.both([concerned, tests, build.is_known(benefit)]))
        state = build.select(whole, choice(MEETS, STATES), choice(INCOMPLETE, STATES))
        state = build.select(failing, choice(DOES_NOT_MEET, STATES), state)
        outside = self.certainly(build.negation(concerned))
        return build.select(outside, choice(NOT_CONCERNED, STATES), state), build.select(failing, number(0), benefit)

    # ── money for the results ──

    def fen(self, value: Value) -> Value:
        """An amount over the denominator 100."""
        return self.build.scaled(value, 100 // value.den)

    def monthly(self, value: Value, unit: Unit) -> Value:
        """An amount a month or a year as an amount a month."""
        return replace(value, den=value.den * MONTHS) if unit == YEARLY else value

    def gap(self, ladder: Ladder) -> tuple[Value, Value] | None:
        """The smallest distance to a line that holds, in fen a month, and the truth that one holds."""
        tests = [
            (test, edge, self.checked.kind(test.value.node).unit)
            for rung in ladder.rung
            for test in rung.tests
            if (edge := test.below or test.at_most) is not None
        ]
        far = Value("number", "household", NONE, FAR, FAR, 100)
        distances, holding = far, []
        lines: dict[object, list[tuple[Value, Value, Value, Unit]]] = {}
        for number_of, (test, edge, unit) in enumerate(tests):
            if unit in (MONTHLY, YEARLY):
                value, line = self.node(test.value.node, "household"), self.node(edge.node, "household")
                holds = self.certainly(self.test(test, "household"))
                # Lines with few decimals over one value can be compared first and taken off once.
                key = (value, unit) if line.divisor is None and line.den <= 10**6 else number_of
                lines.setdefault(key, []).append((holds, replace(line, valid=NONE), value, unit))
                holding.append(holds)
        for found in lines.values():
            (_, _, value, unit), pairs = found[0], [(holds, line) for holds, line, _, _ in found]
            for part in [pairs] if self._together([line for _, line in pairs], value) else [[pair] for pair in pairs]:
                lowest = part[0][1] if len(part) == 1 else self._lowest(part)
                apart = replace(self.monthly(self.build.subtract(lowest, value), unit), valid=NONE)
                rounded = self.build.rounded(apart, FEN, "half_up")
                reached = self.build.select(self.build.either([holds for holds, _ in part]), rounded, far)
                distances = self.build.extreme(distances, reached, largest=False)
        return (distances, self.build.either(holding)) if holding else None

    @staticmethod
    def _together(lines: Sequence[Value], value: Value) -> bool:
        """Whether the lines over their common denominator leave room for the difference and its rounding."""
        over = value.divisor
        den = lcm(value.den, *(line.den for line in lines)) * MONTHS * (over.den if over else 1)
        reach = max(Fraction(max(abs(line.lo), abs(line.hi)), line.den) for line in lines)
        here = Fraction(max(abs(value.lo), abs(value.hi)), value.den) * (over.den if over else 1)
        return len(lines) > 1 and (reach * (over.hi if over else 1) + here) * den * 400 < 2**62

    def _lowest(self, found: Sequence[tuple[Value, Value]]) -> Value:
        """The lowest line that holds; any of them where none does."""
        highest = max(Fraction(line.hi, line.den) for _, line in found)
        lowest = number(highest)
        for holds, line in found:
            lowest = self.build.extreme(lowest, self.build.select(holds, line, number(highest)), largest=False)
        return lowest
