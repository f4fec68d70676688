"""The plan of points: items with the band or case taken, groups, indices."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hardship.explaining import values as explain_values
from hardship.explaining.steps import HOLDS, item_words
from hardship.explaining.view import Entry, Told
from hardship.explaining.wording import number_text
from hardship.language.fields import Level
from hardship.language.nodes import Cases, Node
from hardship.language.table import Group, Index, Item
from hardship.language.units import Unit, parse
from hardship.lowering.ops import LEVEL
from hardship.reference.values import band_of
from hardship.single import numbers
from hardship.single.filled import Layouter, Pieces, atom, filled, taken
from hardship.single.scene import Scene
from hardship.single.show import MOST_SHOWN, TRUE, Ref, Shower, Template, Wants, dumps, holes, listed, plain_value

Points = str | None
NULL, EMPTY = b"null", b'""'


@lru_cache(maxsize=8192)
def total(parts: tuple[Points, ...]) -> Points:
    """The sum of points, None where one is missing."""
    if None in parts:
        return None
    return number_text(sum((Fraction(part) for part in parts if part is not None), Fraction(0)))


@lru_cache(maxsize=8192)
def difference(points: Points, of: Points) -> Points:
    """What a cap or floor changes."""
    return None if points is None or of is None else number_text(Fraction(points) - Fraction(of))


@lru_cache(maxsize=8192)
def bounded_by(points: Points, of: Points) -> str | None:
    """`item` or `floor` where an item's own cap or floor changes its points."""
    if points is None or of == points:
        return None
    return "item" if Fraction(points) < Fraction(of or 0) else "floor"


def exact(ref: Ref, key: Any) -> Points:
    """Points as a text."""
    return None if key is None else numbers.exact(*ref.fraction(key))


class Calculation:
    """A value at a row with its calculation."""

    def __init__(self, told: Told, wants: Wants, node: Node, level: Level, unit: Unit) -> None:
        self.shower = Shower(told, wants.node(node, level), unit)
        kind = told.checked.kind(node)
        cases = node.cases if isinstance(node, Cases) else ()
        self.conditions = tuple(wants.node(condition, level) for condition, _ in cases)
        values = [*(value for _, value in cases), node.otherwise if isinstance(node, Cases) else node]
        self.parts: list[Pieces | None] = [
            None if atom(value) or kind.type != "number" else Layouter(told, wants, level).pieces(value)
            for value in values
        ]

    def case(self, scene: Scene, row: int) -> int | None:
        """Which case is taken, `taken`; 0 where there is no choice."""
        return taken(self.conditions, scene.found, row)

    def filled(self, scene: Scene, row: int, key: Any, case: int | None) -> bytes:
        """The calculation as JSON; empty where it says no more than the value."""
        pieces = None if key is None or case is None else self.parts[case]
        return EMPTY if pieces is None else dumps(filled(pieces, scene.found, row))


@dataclass(slots=True)
class Line:
    """One row of an item: its forms as JSON, its points, whom it is about."""

    row: int
    value: bytes
    exact: bytes
    text: bytes
    unit: bytes
    filled: bytes
    band: bytes
    points: Points
    veto: str | None


class ItemPlan:
    """One item in one index."""

    def __init__(self, told: Told, wants: Wants, item: Item, index: str) -> None:
        self.told, self.item, self.index = told, item, index
        level: Level = "member" if item.each is not None else item.per or "household"
        self.level = LEVEL[level]
        self.takes = None if level == "household" or item.everyone else wants.counted(level)
        self.single = item.per is None and item.each is None
        self.ref = wants.name(f"item:{item.id}:{index}", "household")
        condition = item.each or item.when
        self.condition = None if condition is None else wants.node(condition.node, level)
        self.holds = {
            key: (dumps(value), dumps(value), dumps(told.text(value)), dumps(told.say(HOLDS[value])))
            for key, value in ((1, True), (2, False), (None, None))
        }
        self.formula = None
        if item.expr is not None:
            self.formula = Calculation(told, wants, item.expr.node, level, parse(item.unit))
        self.cases = tuple(wants.node(case.when.node, level) for case in item.cases or () if case.when is not None)
        self.titles = [dumps(self._case_title(place)) for place in range(len(item.cases or ()))]
        self.value = None
        if item.value is not None and item.bands is not None and condition is None and item.expr is None:
            unit = told.unit_at(item.value.node)
            self.value = Calculation(told, wants, item.value.node, level, unit)
            self.bands = [dumps(told.band_text(item.bands, place, unit)) for place in range(len(item.bands))]
        self.unknown = dumps(told.say("explain.unknown"))
        self.otherwise = dumps(told.say("explain.otherwise"))
        self.absent = told.say("explain.points_if_missing")
        if item.missing is not None and item.missing.title is not None:
            self.absent = item.missing.title.text(told.lang)
        self._places: dict[Any, int] = {}
        order = (
            "band", "capped_by", "exact", "filled", "missing_taken", "points", "rows", "sum", "text", "value",
        )  # fmt: skip
        own = {"id": item.id, "title": item.title.text(told.lang)}
        cap = item.cap[index] if isinstance(item.cap, dict) else item.cap
        floor = item.floor[index] if isinstance(item.floor, dict) else item.floor
        self.template = Template(
            own
            | {"expr": item_words(told, item), "cap": told.points(cap), "floor": told.points(floor)}
            | told.provided(item)
            | holes(*order),
            order,
        )
        self.short_order = ("band", "capped_by", "missing_taken", "points", "text", "value")
        self.short = Template(own | holes(*self.short_order), self.short_order)

    def _case_title(self, place: int) -> str:
        case = (self.item.cases or ())[place]
        if case.title is not None:
            return case.title.text(self.told.lang)
        if case.when is None:
            return self.told.say("explain.otherwise")
        return self.told.words.expression(case.when.node)

    def _worth(self, points: Any) -> str:
        return number_text(points[self.index] if isinstance(points, dict) else points)

    def line(self, scene: Scene, row: int) -> Line | None:
        """One row; None if the item does not take it."""
        takes = 1 if self.takes is None else self.takes.key(scene.found, row)
        if takes == 2:
            return None
        line = self._line(scene, row)
        if takes is None:
            line.points, line.veto = None, None
        return line

    def _line(self, scene: Scene, row: int) -> Line:
        item, found = self.item, scene.found
        if self.condition is not None:
            key = self.condition.key(found, row)
            value, exact_, text, band = self.holds[key]
            points = None if key is None else self._worth(item.points) if key == TRUE else "0"
            return Line(row, value, exact_, text, EMPTY, EMPTY, band, points, None)
        if self.formula is not None:
            line = self._valued(scene, row, self.formula, EMPTY)
            line.points = exact(self.formula.shower.ref, self.formula.shower.ref.key(found, row))
            return line
        place = taken(self.cases, found, row)
        if place is None:
            return Line(row, NULL, NULL, EMPTY, EMPTY, EMPTY, self.unknown, None, None)
        cases = item.cases or ()
        if place < len(cases):
            case = cases[place]
            points = self._worth(case.points)
            return Line(row, NULL, NULL, EMPTY, EMPTY, EMPTY, self.titles[place], points, case.veto)
        if self.value is None:
            return Line(row, NULL, NULL, EMPTY, EMPTY, EMPTY, self.otherwise, "0", None)
        line = self._valued(scene, row, self.value, self.unknown)
        key = self.value.shower.ref.key(found, row)
        if key is not None:
            assert item.bands is not None
            place = self._place(key)
            line.band, line.veto = self.bands[place], item.bands[place].veto
            line.points = self._worth(item.bands[place].points)
        return line

    def _place(self, key: Any) -> int:
        """The band of a value."""
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= MOST_SHOWN:
                self._places.clear()
            assert self.value is not None
            assert self.item.bands is not None
            value = plain_value(self.value.shower.ref, key)
            assert isinstance(value, Fraction)
            place = self._places[key] = band_of(self.item.bands, value)
        return place

    @staticmethod
    def _valued(scene: Scene, row: int, of: Calculation, band: bytes) -> Line:
        shower = of.shower
        key = shower.ref.key(scene.found, row)
        value, exact_, text = shower.json(key)
        done = of.filled(scene, row, key, of.case(scene, row))
        return Line(row, value, exact_, text, dumps(str(shower.unit)), done, band, None, None)

    def take(self, scene: Scene) -> ItemFound:
        """The item with its rows, before its group is known."""
        lines = [line for row in range(len(scene.ids[self.level])) if (line := self.line(scene, row)) is not None]
        points = exact(self.ref, self.ref.key(scene.found))
        summed = lines[0].points if len(lines) == 1 else total(tuple(line.points for line in lines))
        absent = summed is None and points is not None
        capped = None if absent else bounded_by(points, summed)
        return ItemFound(self, lines, points, summed, absent, capped)


@dataclass(slots=True)
class ItemFound:
    """An item of one household."""

    plan: ItemPlan
    lines: list[Line]
    points: Points
    summed: Points
    absent: bool
    capped_by: str | None

    def json(self, scene: Scene, *, short: bool) -> bytes:
        """Its entry."""
        plan, lines = self.plan, self.lines
        first = lines[0] if len(lines) == 1 and plan.single else None
        if self.absent and plan.item.missing is not None:
            band = dumps(plan.absent)
        else:
            band = first.band if first is not None else dumps(self._who(scene))
        value, text = (first.value, first.text) if first is not None else (NULL, EMPTY)
        capped, absent, points = dumps(self.capped_by), b"true" if self.absent else b"false", dumps(self.points)
        if short:
            return plan.short.fill((band, capped, absent, points, text, value))
        exact_, done = (first.exact, first.filled) if first is not None else (NULL, EMPTY)
        rows = b"[]" if first is not None else listed([self._row(scene, line) for line in lines])
        return plan.template.fill(
            (band, capped, exact_, done, absent, points, rows, dumps(self.summed), text, value)
        )  # fmt: skip

    def _who(self, scene: Scene) -> str:
        """Whose rows score."""
        told, who = self.plan.told, scene.told[self.plan.level]
        parts = [
            told.say("explain.row_points", who=who[line.row], points=line.points or "?")
            for line in self.lines
            if line.points != "0"
        ]
        return told.say("explain.w_comma").join(parts) or told.say("explain.nobody")

    def _row(self, scene: Scene, line: Line) -> bytes:
        level = self.plan.level
        return (
            b'{"band":%b,"exact":%b,"filled":%b,"id":%b,"points":%b,"text":%b,"unit":%b,"value":%b,"veto":%b,"who":%b}'
            % (
                line.band, line.exact, line.filled, scene.ids[level][line.row], dumps(line.points), line.text,
                line.unit, line.value, dumps(line.veto), scene.who[level][line.row],
            )
        )  # fmt: skip


class GroupPlan:
    """One group in one index; `group` None: the items without a group."""

    def __init__(self, told: Told, wants: Wants, group: Group | None, index: Index) -> None:
        table = told.table
        own = None if group is None else group.id
        self.group = group
        self.items = [ItemPlan(told, wants, item, index.id) for item in table.item if item.group == own]
        self.below: list[GroupPlan] = []
        order: tuple[str, ...] = ("adjustment", "groups", "items", "points", "sum")
        if group is not None:
            self.below = [GroupPlan(told, wants, child, index) for child in table.group if child.parent == group.id]
            self.ref = wants.name(f"group:{group.id}:{index.id}", "household")
            entry: Entry = {"id": group.id, "title": group.title.text(told.lang)}
            entry |= {"cap": told.points(group.cap), "floor": told.points(group.floor)}
        else:
            entry = {"id": "", "title": told.say("explain.no_group"), "cap": None, "floor": None}
        self.template = Template(entry | holes(*order), order)

    def json(self, scene: Scene, *, short: bool) -> tuple[Points, bytes]:
        """Its points and its entry."""
        items = [plan.take(scene) for plan in self.items]
        below = [plan.json(scene, short=short) for plan in self.below]
        summed = total((*(item.points for item in items), *(points for points, _ in below)))
        if self.group is None:
            points, adjustment = summed, "0"
        else:
            points = exact(self.ref, self.ref.key(scene.found))
            adjustment = difference(points, summed) or ""
            if adjustment.startswith("-"):
                for item in items:
                    item.capped_by = item.capped_by or f"group:{self.group.id}"
        entries = listed([item.json(scene, short=short) for item in items])
        groups = listed([entry for _, entry in below])
        shown = dumps(adjustment or None)
        return points, self.template.fill((shown, groups, entries, dumps(points), dumps(summed)))


class IndexPlan:
    """One index with its groups."""

    def __init__(self, told: Told, wants: Wants, index: Index) -> None:
        table = told.table
        self.index = index
        self.ref = wants.name(f"index:{index.id}", "household")
        self.groups = [GroupPlan(told, wants, group, index) for group in table.group if group.parent is None]
        if any(item.group is None for item in table.item):
            self.groups.append(GroupPlan(told, wants, None, index))
        order = ("adjustment", "exact", "groups", "sum", "value")
        entry: Entry = {"id": index.id, "title": index.title.text(told.lang)}
        entry |= {"cap": told.points(index.cap), "floor": told.points(index.floor)}
        self.template = Template(entry | holes(*order), order)

    def json(self, scene: Scene, *, short: bool) -> IndexFound:
        """The index, its groups' entries and its own."""
        groups = [plan.json(scene, short=short) for plan in self.groups]
        summed = total(tuple(points for points, _ in groups))
        key = self.ref.key(scene.found)
        points = exact(self.ref, key)
        value = NULL if key is None else dumps(_rounded(self.ref, key, self.index.decimals))
        adjustment, entries = dumps(difference(points, summed)), listed([entry for _, entry in groups])
        given = (adjustment, dumps(points), entries, dumps(summed), value)
        if short:
            entry = b'{"adjustment":%b,"exact":%b,"id":%b,"sum":%b,"value":%b}' % (
                given[0], given[1], dumps(self.index.id), given[3], value,
            )  # fmt: skip
        else:
            entry = self.template.fill(given)
        return IndexFound(value, given[1], entries, entry)


@dataclass(frozen=True, slots=True)
class IndexFound:
    """An index of one household, all as JSON: its rounded value, its exact one, its groups, its whole entry."""

    value: bytes
    exact: bytes
    groups: bytes
    entry: bytes


def _rounded(ref: Ref, key: Any, decimals: int) -> str:
    return explain_values.half_up(Fraction(*ref.fraction(key)), decimals)
