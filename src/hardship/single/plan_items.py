"""The plan of points: items with the band or case taken, groups, indices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
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
from hardship.single.record import Found
from hardship.single.scene import Scene
from hardship.single.show import CUT, MOST_SHOWN, TRUE, Ref, Shower, Template, Wants, dumps, holes, listed, plain_value
from hardship.single.states import Remembered

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

        self.shows = any(part is not None for part in self.parts)

    def case(self, scene: Scene, row: int) -> int | None:
        """Which case is taken, `taken`; 0 where there is no choice."""
        return taken(self.conditions, scene.found, row)

    def filled(self, scene: Scene, row: int, key: Any) -> bytes:
        """The calculation as JSON; empty where it says no more than the value, or that is missing."""
        case = self.case(scene, row) if self.shows and key is not None else None
        pieces = None if case is None else self.parts[case]
        return EMPTY if pieces is None else dumps(filled(pieces, scene.found, row))


@dataclass(frozen=True, slots=True)
class Form:
    """What a row of an item shows, as JSON, and its points, wherever the row stands."""

    value: bytes
    exact: bytes
    text: bytes
    unit: bytes
    band: bytes
    points: Points
    veto: str | None = None


Line = tuple[int, Form]
"""A row of an item that the item takes."""
Taken = tuple[Points, bytes, bytes]
"""An item's points, its entry, and its entry where its group is capped."""


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
        self._forms: dict[Any, Form] = {}
        self._scoring: dict[tuple[tuple[str, Points], ...], bytes] = {}
        self.calculation = self.formula or self.value
        self.shows = self.calculation is not None and self.calculation.shows
        decides = [self.ref, self.takes, self.condition, *self.cases]
        decides += [of.shower.ref for of in (self.formula, self.value) if of is not None]
        states = wants.states(decides)
        self.found = {short: Remembered(states, partial(self._taken, short=short)) for short in (True, False)}
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

    def state(self, found: Found, row: int) -> Any:
        """What decides how a row is shown: its condition, its value, or the case taken and the value."""
        if self.condition is not None:
            return self.condition.key(found, row)
        if self.formula is not None:
            return self.formula.shower.ref.key(found, row)
        place = taken(self.cases, found, row)
        if self.value is None or place != len(self.cases):
            return place
        return place, self.value.shower.ref.key(found, row)

    def _form(self, state: Any) -> Form:
        """The form of a state."""
        form = self._forms.get(state)
        if form is None:
            if len(self._forms) >= MOST_SHOWN:
                self._forms.clear()
            form = self._forms[state] = self._formed(state)
        return form

    def _formed(self, state: Any) -> Form:
        item = self.item
        if self.condition is not None:
            points = None if state is None else self._worth(item.points) if state == TRUE else "0"
            value, exact_, text, band = self.holds[state]
            return Form(value, exact_, text, EMPTY, band, points)
        if self.formula is not None:
            shower = self.formula.shower
            value, exact_, text = shower.json(state)
            return Form(value, exact_, text, shower.unit_json, EMPTY, exact(shower.ref, state))
        if state is None:
            return Form(NULL, NULL, EMPTY, EMPTY, self.unknown, None)
        cases = item.cases or ()
        place, key = state if isinstance(state, tuple) else (state, None)
        if place < len(cases):
            case = cases[place]
            return Form(NULL, NULL, EMPTY, EMPTY, self.titles[place], self._worth(case.points), case.veto)
        if self.value is None or item.bands is None:
            return Form(NULL, NULL, EMPTY, EMPTY, self.otherwise, "0")
        shower = self.value.shower
        value, exact_, text = shower.json(key)
        if key is None:
            return Form(value, exact_, text, shower.unit_json, self.unknown, None)
        number = plain_value(shower.ref, key)
        assert isinstance(number, Fraction)
        place = band_of(item.bands, number)
        points = self._worth(item.bands[place].points)
        return Form(value, exact_, text, shower.unit_json, self.bands[place], points, item.bands[place].veto)

    def scoring(self, rows: tuple[tuple[str, Points], ...]) -> bytes:
        """Whose rows score, in words."""
        known = self._scoring.get(rows)
        if known is None:
            if len(self._scoring) >= MOST_SHOWN:
                self._scoring.clear()
            told = self.told
            parts = [told.say("explain.row_points", who=who, points=points or "?") for who, points in rows]
            text = told.say("explain.w_comma").join(parts) or told.say("explain.nobody")
            known = self._scoring[rows] = dumps(text)
        return known

    def filled(self, scene: Scene, row: int, state: Any) -> bytes:
        """The calculation of a row's value."""
        of = self.calculation
        if of is None or (of is self.value and not isinstance(state, tuple)):
            return EMPTY
        return of.filled(scene, row, state[1] if isinstance(state, tuple) and of is self.value else state)

    def take(self, scene: Scene, *, short: bool) -> Taken:
        """The item with its entries; a calculation holds further values, so that it is made anew."""
        return self._taken(scene, short=False) if self.shows and not short else self.found[short].of(scene)

    def _taken(self, scene: Scene, *, short: bool) -> Taken:
        found = scene.found
        key = self.ref.key(found)
        lines: list[Line] = []
        for row in range(len(scene.ids[self.level])):
            takes = 1 if self.takes is None else self.takes.key(found, row)
            if takes != 2:
                form = self._form(self.state(found, row))
                lines.append((row, form if takes else replace(form, points=None, veto=None)))
        made = self._made(key, lines)
        entry = made.json(scene, short=short)
        own, of_group = dumps(made.capped_by), dumps(made.capped_by or f"group:{self.item.group}")
        return made.points, entry.replace(CUT, own), entry.replace(CUT, of_group)

    def _made(self, key: Any, lines: list[Line]) -> ItemFound:
        points = exact(self.ref, key)
        summed = lines[0][1].points if len(lines) == 1 else total(tuple([form.points for _, form in lines]))
        absent = summed is None and points is not None
        return ItemFound(self, lines, points, summed, absent, None if absent else bounded_by(points, summed))


@dataclass(frozen=True, slots=True)
class ItemFound:
    """An item of one household; `capped_by` is its own cap or floor."""

    plan: ItemPlan
    lines: list[Line]
    points: Points
    summed: Points
    absent: bool
    capped_by: str | None

    def json(self, scene: Scene, *, short: bool) -> bytes:
        """Its entry, with `CUT` for what caps it."""
        plan, lines = self.plan, self.lines
        first = lines[0][1] if len(lines) == 1 and plan.single else None
        if self.absent and plan.item.missing is not None:
            band = dumps(plan.absent)
        else:
            band = first.band if first is not None else self._who(scene)
        value, text = (first.value, first.text) if first is not None else (NULL, EMPTY)
        absent, points = b"true" if self.absent else b"false", dumps(self.points)
        if short:
            return plan.short.fill((band, CUT, absent, points, text, value))
        exact_, done = NULL, EMPTY
        if first is not None:
            exact_, done = first.exact, self._filled(scene, 0)
        rows = b"[]" if first is not None else listed([self._row(scene, *line) for line in lines])
        return plan.template.fill((band, CUT, exact_, done, absent, points, rows, dumps(self.summed), text, value))

    def _filled(self, scene: Scene, row: int) -> bytes:
        plan = self.plan
        return plan.filled(scene, row, plan.state(scene.found, row)) if plan.shows else EMPTY

    def _who(self, scene: Scene) -> bytes:
        """Whose rows score."""
        plan = self.plan
        who = scene.told[plan.level]
        scoring = tuple([(who[row], form.points) for row, form in self.lines if form.points != "0"])
        return plan.scoring(scoring)

    def _row(self, scene: Scene, row: int, form: Form) -> bytes:
        level = self.plan.level
        return (
            b'{"band":%b,"exact":%b,"filled":%b,"id":%b,"points":%b,"text":%b,"unit":%b,"value":%b,"veto":%b,"who":%b}'
            % (
                form.band, form.exact, self._filled(scene, row), scene.ids[level][row], dumps(form.points), form.text,
                form.unit, form.value, dumps(form.veto), scene.who[level][row],
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
        taken_ = [plan.take(scene, short=short) for plan in self.items]
        below = [plan.json(scene, short=short) for plan in self.below]
        summed = total(tuple([points for points, _, _ in taken_] + [points for points, _ in below]))
        if self.group is None:
            points, adjustment = summed, "0"
        else:
            points = exact(self.ref, self.ref.key(scene.found))
            adjustment = difference(points, summed) or ""
        capped = self.group is not None and adjustment.startswith("-")
        entries = [of_group if capped else entry for _, entry, of_group in taken_]
        groups = listed([entry for _, entry in below])
        shown = dumps(adjustment or None)
        return points, self.template.fill((shown, groups, listed(entries), dumps(points), dumps(summed)))


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
