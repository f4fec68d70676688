"""Households at, just below and just above every threshold of a table.

A *gauge* is a difference that decides something: a value and a band's edge, the two sides of a comparison or of
`min` and `max`, a test and its line, a sum and its cap. For each gauge, one fact of a household is moved until the
gauge changes its sign (by bisection, in the reference), and the households around that place are kept. A *side* is
something that must be reached from both sides: a band taken or not, a veto hit or not, a rung, a cap.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hardship.checking.check import Checked
from hardship.errors import EngineError
from hardship.language.nodes import Aggregate, Call, Compare, Name, Node, children
from hardship.language.table import Axis, Band, Item
from hardship.reference.evaluate import Reference
from hardship.reference.stages import Stages
from hardship.reference.static import Closure
from hardship.reference.values import Row, tree
from hardship.standards import Standards

from .households import (
    Household,
    bounds,
    facts_at,
    from_stored,
    places,
    random_value,
    renamed,
    reshaped,
    to_stored,
    used,
    with_fact,
)

WANTED = 20
"""How often each side must be reached."""


@dataclass(frozen=True)
class Gauge:
    """A difference at the rows of a level (None where it cannot be told), and the attributes behind it."""

    label: str
    level: str
    measure: Callable[[Stages, Row], Fraction | None]
    behind: Closure


@dataclass(frozen=True)
class Side:
    """Something that holds or not for a household (None: missing), and the attributes behind it.

    `gauge` says how far it is from changing, where that can be said.
    """

    label: str
    holds: Callable[[Stages], bool | None]
    behind: Closure
    gauge: Callable[[Stages], Fraction | None] | None = None


class Edges:
    """The gauges and sides of one table, and the search for households around them."""

    def __init__(self, checked: Checked, standards: Standards, on: dt.date, seed: int = 1) -> None:
        self.checked = checked
        self.table = checked.table
        self.reference = Reference(checked.table, checked.names, standards, on)
        self.statics = self.reference.ground.statics
        self.rng = random.Random(seed)
        self.on = on
        self.attributes = used(checked)
        self.gauges = list(self._gauges())
        self.sides = list(self._sides())

    # --- what there is ---

    def _gauges(self) -> Iterator[Gauge]:
        for site in self.checked.names.sites:
            yield from self._in_node(site.node, site.level, ".".join(map(str, site.path)))
        for item in self.table.item:
            level = "member" if item.each is not None else item.per or "household"
            if item.bands is not None and item.value is not None:
                yield from self._bands(f"item {item.id}", item.bands, item.value.node, level)
        for require in self.table.require:
            level = self.checked.names.by_name[require.value].level
            for edge in (require.at_least, require.at_most):
                if edge is not None:
                    measure = _require_measure(require.value, edge)
                    yield Gauge(f"require {require.id} {edge}", level, measure, self.statics.require(require))
        tests = [test for ladder in self.table.ladder for rung in ladder.rung for test in rung.tests]
        for test, level in [(t, "household") for t in tests] + [
            (t, "member") for person in self.table.person for t in person.tests
        ]:
            edge = test.below or test.at_most or test.at_least or test.above
            assert edge is not None
            measure = _difference(test.value.node, edge.node)
            yield Gauge(f"test {test.value.text} {edge.text}", level, measure, self.statics.test(test, level))
        for side in self._caps():
            gauge = side.gauge
            assert gauge is not None
            yield Gauge(side.label, "household", _of_household(gauge), side.behind)

    def _in_node(self, node: Node, level: str, label: str) -> Iterator[Gauge]:
        """The gauges inside an expression."""
        for part in children(node):
            inner = level
            if isinstance(node, Aggregate) and part is not node.default:
                inner = node.entity
            yield from self._in_node(part, inner, label)
        pairs: list[tuple[Node, Node]] = []
        if isinstance(node, Compare):
            pairs = [(node.left, node.right)]
        elif isinstance(node, Call) and node.function in ("min", "max", "clip"):
            pairs = list(zip(node.arguments, node.arguments[1:], strict=False))
        elif isinstance(node, Call) and node.function == "lookup":
            yield from self._lookup(node, level, label)
        for left, right in pairs:
            behind = self.statics.named(left, level) | self.statics.named(right, level)
            yield Gauge(f"{label} column {node.at}", level, _difference(left, right), behind)

    def _lookup(self, node: Call, level: str, label: str) -> Iterator[Gauge]:
        name = node.arguments[0]
        assert isinstance(name, Name)
        lookup = self.reference.ground.lookups[name.name]
        axes: list[Axis] = [axis for axis in (lookup.rows, lookup.columns) if axis is not None]
        for axis, argument in zip(axes, node.arguments[1:], strict=True):
            if axis.bands is not None:
                yield from self._bands(f"{label} {name.name}", axis.bands, argument, level)

    def _bands(self, label: str, given: Sequence[Band], value: Node, level: str) -> Iterator[Gauge]:
        for band in given:
            edge = band.below if band.below is not None else band.at_most
            if edge is not None:
                yield Gauge(f"{label} edge {edge}", level, _to_edge(value, edge), self.statics.named(value, level))

    def _sides(self) -> Iterator[Side]:
        for veto in self.table.veto:
            yield Side(f"veto {veto.id}", _call(Stages.veto, veto.id), self.statics.veto(veto))
        for require in self.table.require:
            yield Side(f"require {require.id}", _call(Stages.require, require), self.statics.require(require))
        for ladder in self.table.ladder:
            stops = self.statics.behind("refused") | self.statics.behind("deferred")
            behind = self.statics.behind(ladder.id) | (stops if ladder.id == "circle" else frozenset())
            for rung in (*(rung.id for rung in ladder.rung), ladder.otherwise.id):
                yield Side(f"rung {ladder.id} {rung}", _stands_on(ladder.id, rung), behind)
        for item in self.table.item:
            for kind, parts in (("case", item.cases or ()), ("band", item.bands or ())):
                for number in range(len(parts)):
                    holds = _takes_place(item, (kind, number))
                    yield Side(f"item {item.id} {kind} {number}", holds, self.statics.item(item))
            if item.points is not None:
                yield Side(f"item {item.id} points", _scores(item), self.statics.item(item))
        yield from self._caps()

    def _caps(self) -> Iterator[Side]:
        """Caps that the bounds do not make unreachable."""
        index = self.reference.ground.indices[0]
        parts: list[tuple[str, str, Fraction | None, Callable[[Stages], Fraction | None], Closure]] = []
        for item in self.table.item:
            cap = item.cap[index] if isinstance(item.cap, dict) else item.cap
            parts.append(("item", item.id, cap, _item_sum(item, index), self.statics.item(item)))
        for group in self.table.group:
            members = [item.id for item in self.table.item if item.group == group.id]
            members += [child.id for child in self.table.group if child.parent == group.id]
            total = _sum_of(members, index, group.floor)
            parts.append(("group", group.id, group.cap, total, self.statics.behind(group.id)))
        for main in self.table.index[:1]:
            tops = [item.id for item in self.table.item if item.group is None]
            tops += [group.id for group in self.table.group if group.parent is None]
            total = _sum_of(tops, index, main.floor)
            parts.append(("index", main.id, main.cap, total, self.statics.behind(main.id)))
        for kind, name, cap, total, behind in parts:
            reachable = self.checked.bounds[f"{kind}:{name}" if kind == "index" else f"{kind}:{name}:{index}"][1]
            if cap is not None and cap <= reachable:
                yield Side(f"cap {kind} {name}", _reaches(total, cap), behind, _over(total, cap))

    # --- the search ---

    def stages(self, household: Household) -> Stages | None:
        """A first pass over the household in which nothing has been asked for yet."""
        facts = household["household"]
        residence = facts.get("residence_type") or self.reference.ground.assumed.get("residence_type")
        assert residence is None or isinstance(residence, str)
        parameters = self.reference.parameters.at(facts["area_code"], residence)
        if isinstance(parameters, str):
            return None
        return Stages(self.reference.ground, tree(household), parameters, frozenset())

    def around(self, gauge: Gauge, base: Household) -> Iterator[Household]:
        """Households around the places where one fact of `base` changes the sign of the gauge."""
        names = [name for name in sorted(gauge.behind) if self._moves(name)]
        self.rng.shuffle(names)
        base = self.filled(base, gauge.behind)
        rows = list(places(base, gauge.level))
        if not rows:
            return
        row = self.rng.randrange(len(rows))
        for name in names[:6]:
            spots = list(places(base, self.attributes[name].level))
            if not spots:
                continue
            near = [spot for spot in spots if spot[1] == rows[row][1]]
            spot = self.rng.choice(near or spots)
            turn = self._turn(gauge, base, row, spot, name)
            if turn is not None:
                attribute = self.attributes[name]
                low, high = bounds(attribute)
                for stored in range(max(turn - 1, low), min(turn + 2, high) + 1):
                    yield with_fact(base, spot, name, from_stored(attribute, stored))
                return

    def _moves(self, name: str) -> bool:
        return name in self.attributes and self.attributes[name].type in ("int", "money", "decimal", "date")

    def _turn(self, gauge: Gauge, base: Household, row: int, spot: Any, name: str) -> int | None:
        """The last stored value before the gauge's sign changes, or None if moving the fact changes nothing."""
        attribute = self.attributes[name]

        def sign(stored: int) -> int | None:
            return self.sign(gauge, with_fact(base, spot, name, from_stored(attribute, stored)), row)

        low, high = bounds(attribute)
        now = facts_at(base, spot)[name]
        middle = to_stored(attribute, now) if now is not None else (low + high) // 2
        for first, last in ((middle, high), (low, middle), (low, high)):
            if first < last:
                begin, end = sign(first), sign(last)
                if begin is not None and end is not None and begin != end:
                    while last - first > 1:
                        half = (first + last) // 2
                        here = sign(half)
                        if here is None:
                            return None
                        first, last = (half, last) if here == begin else (first, half)
                    return first
        return None

    def sign(self, gauge: Gauge, household: Household, row: int) -> int | None:
        """The sign of a gauge at one row of its level."""
        stages = self.stages(household)
        if stages is None:
            return None
        try:
            value = gauge.measure(stages, list(stages.root.down(gauge.level))[row])
        except EngineError:  # a division that a case before it keeps from being asked for
            return None
        return None if value is None else (value > 0) - (value < 0)

    def filled(self, household: Household, behind: Closure) -> Household:
        """The household with the facts behind a gauge filled in where they are missing."""
        for name in sorted(behind & self.attributes.keys()):
            for spot in places(household, self.attributes[name].level):
                if facts_at(household, spot).get(name) is None:
                    value = random_value(self.attributes[name], self.rng, self.on)
                    household = with_fact(household, spot, name, value)
        return household

    def edges(self, bases: Sequence[Household], most: int) -> list[Household]:
        """`most` households around the gauges in turn, under ids of their own; fewer if a whole turn gives none."""
        found: list[Household] = []
        for turn in itertools.count():
            before = len(found)
            for gauge in self.gauges:
                if len(found) >= most:
                    return found
                base = bases[(turn * 7919 + len(found)) % len(bases)]
                found += [renamed(one, f"E{len(found) + k:07}") for k, one in enumerate(self.around(gauge, base))]
            if turn >= WANTED and len(found) == before:
                return found
        return found

    def count(self, households: Sequence[Household]) -> Counter[tuple[str, bool]]:
        """How many households stand on each side."""
        found: Counter[tuple[str, bool]] = Counter()
        for household in households:
            outcome, stages = self.reference.run(household)
            if stages is not None and not outcome.rejected:
                found.update(
                    (side.label, bool(holds)) for side in self.sides if (holds := side.holds(stages)) is not None
                )
        return found

    def reach(self, counts: Counter[tuple[str, bool]], bases: Sequence[Household], tries: int = 600) -> list[Household]:
        """Households that stand on sides so far reached fewer than `WANTED` times, by a random search."""
        found: list[Household] = []
        for side in self.sides:
            for wanted in (True, False):
                lacking = WANTED - counts[side.label, wanted]
                for _ in range(tries if lacking > 0 else 0):
                    if lacking <= 0:
                        break
                    reached = self._climb(side, wanted, self.rng.choice(bases))
                    if reached is not None:
                        found.append(renamed(reached, f"R{len(found):07}"))
                        lacking -= 1
                    elif lacking == WANTED and _ > 40:
                        break
        return found

    def _climb(self, side: Side, wanted: bool, household: Household, steps: int = 60) -> Household | None:
        """Change facts behind the side at random, keeping what brings it nearer, until it is reached."""
        household = self.filled(household, side.behind)
        best = self._score(side, wanted, household)
        steps = steps if side.gauge is None else 12 * steps
        names = sorted(side.behind & self.attributes.keys())
        for _ in range(steps):
            if best is None or best[0]:
                return household if best is not None else None
            changed = household
            for _ in range(self.rng.choice([1, 1, 2])):
                if not names or self.rng.random() < 0.15:
                    changed = reshaped(changed, self.rng)
                    continue
                name = self.rng.choice(names)
                spots = list(places(changed, self.attributes[name].level))
                if spots:
                    value = random_value(self.attributes[name], self.rng, self.on)
                    changed = with_fact(changed, self.rng.choice(spots), name, value)
            score = self._score(side, wanted, changed)
            if score is not None and score >= best:
                household, best = changed, score
        return household if best is not None and best[0] else None

    def _score(self, side: Side, wanted: bool, household: Household) -> tuple[bool, Fraction] | None:
        stages = self.stages(household)
        if stages is None:
            return None
        holds = side.holds(stages)
        distance = side.gauge(stages) if side.gauge is not None else None
        nearness = Fraction(0) if distance is None else (distance if wanted else -distance)
        outcome, _ = self.reference.run(household) if holds is wanted else (None, None)
        return holds is wanted and outcome is not None and not outcome.rejected, nearness

    def unreached(self, counts: Counter[tuple[str, bool]]) -> list[str]:
        """The sides reached too rarely, with how often."""
        return [
            f"{side.label} {'yes' if wanted else 'no'}: {counts[side.label, wanted]}"
            for side in self.sides
            for wanted in (True, False)
            if counts[side.label, wanted] < WANTED
        ]


def _minus(left: Any, right: Any) -> Fraction | None:
    if isinstance(left, dt.date) and isinstance(right, dt.date):
        return Fraction(left.toordinal() - right.toordinal())
    both = isinstance(left, Fraction) and isinstance(right, Fraction)
    return left - right if both else None


def _difference(left: Node, right: Node) -> Callable[[Stages, Row], Fraction | None]:
    return lambda stages, row: _minus(stages.value(left, row), stages.value(right, row))


def _to_edge(value: Node, edge: Fraction) -> Callable[[Stages, Row], Fraction | None]:
    return lambda stages, row: _minus(stages.value(value, row), edge)


def _require_measure(name: str, edge: Fraction) -> Callable[[Stages, Row], Fraction | None]:
    return lambda stages, row: _minus(stages.unclamped(name, row), edge)


def _of_household(gauge: Callable[[Stages], Fraction | None]) -> Callable[[Stages, Row], Fraction | None]:
    return lambda stages, _row: gauge(stages)


def _call(method: Callable[[Stages, Any], bool | None], argument: Any) -> Callable[[Stages], bool | None]:
    return lambda stages: method(stages, argument)


def _stands_on(ladder: str, rung: str) -> Callable[[Stages], bool | None]:
    def holds(stages: Stages) -> bool | None:
        value = stages.name(ladder, stages.root)
        if isinstance(value, frozenset):
            return rung in value
        return None if value is None else value == rung

    return holds


def _takes_place(item: Item, place: tuple[str, int]) -> Callable[[Stages], bool | None]:
    def holds(stages: Stages) -> bool | None:
        stages.points(item.id)
        rows = [row for row in stages.item_rows(item) if stages.takes(item, row)]
        taken = [stages.places.get((item.id, row.key)) for row in rows if stages.form(item, row)[0] is not None]
        return place in taken if taken else None

    return holds


def _scores(item: Item) -> Callable[[Stages], bool | None]:
    def holds(stages: Stages) -> bool | None:
        points = stages.points(item.id)[stages.ground.indices[0]]
        return None if points is None else points != 0

    return holds


def _item_sum(item: Item, index: str) -> Callable[[Stages], Fraction | None]:
    def total(stages: Stages) -> Fraction | None:
        found = Fraction(0)
        for row in stages.item_rows(item):
            if stages.takes(item, row):
                points = stages.form(item, row)[0]
                if points is None:
                    return None
                found += points[index]
        return found

    return total


def _sum_of(parts: Sequence[str], index: str, floor: Fraction | None) -> Callable[[Stages], Fraction | None]:
    def total(stages: Stages) -> Fraction | None:
        points = [stages.points(part)[index] for part in parts]
        if any(one is None for one in points):
            return None
        found = sum((one for one in points if one is not None), Fraction(0))
        return found if floor is None else max(found, floor)

    return total


def _reaches(total: Callable[[Stages], Fraction | None], cap: Fraction) -> Callable[[Stages], bool | None]:
    def holds(stages: Stages) -> bool | None:
        found = total(stages)
        return None if found is None else found >= cap

    return holds


def _over(total: Callable[[Stages], Fraction | None], cap: Fraction) -> Callable[[Stages], Fraction | None]:
    def gauge(stages: Stages) -> Fraction | None:
        found = total(stages)
        return None if found is None else found - cap

    return gauge
