"""The plan of points: items with the band or case taken, groups, indices."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, partial
from typing import Any, NamedTuple

from hardship.explaining.steps import HOLDS, item_words
from hardship.explaining.view import Told
from hardship.explaining.wording import number_text
from hardship.language.fields import Level
from hardship.language.nodes import Cases, Node
from hardship.language.table import Band, Item
from hardship.language.units import Unit, parse
from hardship.lowering.comparisons import MOST_PLACES
from hardship.lowering.ops import LEVEL
from hardship.single import numbers
from hardship.single.filled import Layouter, Pieces, atom, filled, taken
from hardship.single.parts import Shown
from hardship.single.record import Found
from hardship.single.scene import Scene
from hardship.single.show import CUT, TRUE, Ref, Template, Wants, dumps, holes, inside, listed

Points = str | None
NULL, EMPTY = b"null", b'""'


@lru_cache(maxsize=8192)
def sum_of(parts: tuple[Points, ...]) -> Points:
    """The sum of points, None where one is missing."""
    if None in parts:
        return None
    return number_text(sum((Fraction(part) for part in parts if part is not None), Fraction(0)))


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

    def __init__(
        self, told: Told, wants: Wants, node: Node, level: Level, unit: Unit, *, decides: bool = False
    ) -> None:
        self.shower = wants.shower(told, wants.node(node, level), unit, decides=decides)
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

    def filled(self, scene: Scene, row: int) -> bytes:
        """The calculation as JSON; empty where it says no more than the value, or that is missing."""
        known = self.shows and self.shower.ref.key(scene.found, row) is not None
        case = self.case(scene, row) if known else None
        pieces = None if case is None else self.parts[case]
        return EMPTY if pieces is None else b'"%b"' % inside(filled(pieces, scene, row))


class Form(NamedTuple):
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


class ItemPlan:
    """One item in one index."""

    def __init__(self, told: Told, wants: Wants, item: Item, index: str, capped: Ref | None) -> None:
        self.told, self.item, self.index, asked = told, item, index, len(wants.refs)
        self.capped = capped
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
            self.formula = Calculation(told, wants, item.expr.node, level, parse(item.unit), decides=True)
        self.cases = tuple(wants.node(case.when.node, level) for case in item.cases or () if case.when is not None)
        self.titles = [dumps(self._case_title(place)) for place in range(len(item.cases or ()))]
        self.value, self.band = None, None
        if item.value is not None and item.bands is not None and condition is None and item.expr is None:
            unit = told.unit_at(item.value.node)
            # A band is stored by its number; where there are too many, the value itself decides.
            many = len(item.cases or ()) + len(item.bands) >= MOST_PLACES
            self.value = Calculation(told, wants, item.value.node, level, unit, decides=many)
            self.band = None if many else wants.name(f"band:{item.id}", level)
            self.bands_json = [dumps(told.band_text(item.bands, place, unit)) for place in range(len(item.bands))]
            self.edges = [_edge(band) for band in item.bands]
        self.unknown = dumps(told.say("explain.unknown"))
        self.otherwise = dumps(told.say("explain.otherwise"))
        self.absent = told.say("explain.points_if_missing")
        if item.missing is not None and item.missing.title is not None:
            self.absent = item.missing.title.text(told.lang)
        self.scores = told.say("explain.row_points", who="\0", points="\1")
        self.comma, self.nobody = dumps(told.say("explain.w_comma"))[1:-1], dumps(told.say("explain.nobody"))
        self.calculation = self.formula or self.value
        self.shows = self.calculation is not None and self.calculation.shows
        decides = [self.ref, self.takes, self.condition, *self.cases, self.band]
        decides += [of.shower.ref for of in (self.formula, self.value) if of is not None]
        self.shown = [
            Shown(wants.states([*refs, capped], short=short), partial(self._taken, short=short))
            for short, refs in ((False, wants.refs[asked:]), (True, decides))
        ]
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
        """What decides how a row is shown: its condition, its formula's value, the case taken, or the band."""
        if self.condition is not None:
            return self.condition.key(found, row)
        if self.formula is not None:
            return self.formula.shower.ref.key(found, row)
        place = taken(self.cases, found, row)
        if self.value is None or place != len(self.cases):
            return place
        return self._band(found, row)

    def _band(self, found: Found, row: int) -> tuple[int]:
        """The band of a row's value, -1 where it is missing."""
        assert self.value is not None
        ref = self.value.shower.ref
        key = ref.key(found, row)
        return (-1 if key is None else _band_at(self.edges, *ref.fraction(key)),)

    def _form(self, scene: Scene, row: int) -> Form:
        """The form of a row."""
        state = self.state(scene.found, row)
        if isinstance(state, tuple) and self.formula is None:
            return self._in_band(scene, row, state[0])
        return self._formed(state)

    def _in_band(self, scene: Scene, row: int, place: int) -> Form:
        assert self.value is not None
        assert self.item.bands is not None
        value, exact_, text = self.value.shower.json(scene, row)
        unit = self.value.shower.unit_json
        if place < 0:
            return Form(value, exact_, text, unit, self.unknown, None)
        band = self.item.bands[place]
        return Form(value, exact_, text, unit, self.bands_json[place], self._worth(band.points), band.veto)

    def _formed(self, state: Any) -> Form:
        item = self.item
        if self.condition is not None:
            points = None if state is None else self._worth(item.points) if state == TRUE else "0"
            value, exact_, text, band = self.holds[state]
            return Form(value, exact_, text, EMPTY, band, points)
        if self.formula is not None:
            shower = self.formula.shower
            value, exact_, text = shower.of_key(state)
            return Form(value, exact_, text, shower.unit_json, EMPTY, exact(shower.ref, state))
        if state is None:
            return Form(NULL, NULL, EMPTY, EMPTY, self.unknown, None)
        cases = item.cases or ()
        if state == len(cases):
            return Form(NULL, NULL, EMPTY, EMPTY, self.otherwise, "0")
        case = cases[state]
        return Form(NULL, NULL, EMPTY, EMPTY, self.titles[state], self._worth(case.points), case.veto)

    def scoring(self, scene: Scene, lines: list[Line]) -> bytes:
        """Whose rows score, in words."""
        inner = scene.inner[self.level]
        parts = [_said(self.scores, inner[row], form.points or "?") for row, form in lines if form.points != "0"]
        return b'"%b"' % self.comma.join(parts) if parts else self.nobody

    def filled(self, scene: Scene, row: int) -> bytes:
        """The calculation of a row's value."""
        of, found = self.calculation, scene.found
        if of is None or not self.shows or (of is self.value and taken(self.cases, found, row) != len(self.cases)):
            return EMPTY
        return of.filled(scene, row)

    def _taken(self, scene: Scene, *, short: bool) -> bytes:
        found = scene.found
        lines: list[Line] = []
        for row in range(found.rows[self.level]):
            takes = 1 if self.takes is None else self.takes.key(found, row)
            if takes != 2:
                form = self._form(scene, row)
                lines.append((row, form if takes else form._replace(points=None, veto=None)))
        made = self._made(self.ref.key(found), lines)
        of_group = self.capped is not None and self.capped.key(found) == TRUE
        capped_by = dumps(made.capped_by or (f"group:{self.item.group}" if of_group else None))
        return made.json(scene, short=short).replace(CUT, capped_by)

    def _made(self, key: Any, lines: list[Line]) -> ItemFound:
        points = exact(self.ref, key)
        summed = lines[0][1].points if len(lines) == 1 else sum_of(tuple([form.points for _, form in lines]))
        absent = summed is None and points is not None
        return ItemFound(self, lines, points, summed, absent, None if absent else bounded_by(points, summed))


class ItemFound(NamedTuple):
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
            band = first.band if first is not None else plan.scoring(scene, lines)
        value, text = (first.value, first.text) if first is not None else (NULL, EMPTY)
        absent, points = b"true" if self.absent else b"false", dumps(self.points)
        if short:
            return plan.short.fill((band, CUT, absent, points, text, value))
        exact_, done = NULL, EMPTY
        if first is not None:
            exact_, done = first.exact, plan.filled(scene, 0)
        rows = b"[]" if first is not None else listed([self._row(scene, *line) for line in lines])
        return plan.template.fill((band, CUT, exact_, done, absent, points, rows, dumps(self.summed), text, value))

    def _row(self, scene: Scene, row: int, form: Form) -> bytes:
        level = self.plan.level
        return (
            b'{"band":%b,"exact":%b,"filled":%b,"id":%b,"points":%b,"text":%b,"unit":%b,"value":%b,"veto":%b,"who":%b}'
            % (
                form.band, form.exact, self.plan.filled(scene, row), scene.ids[level][row], dumps(form.points),
                form.text, form.unit, form.value, dumps(form.veto), scene.who[level][row],
            )
        )  # fmt: skip


def _edge(band: Band) -> tuple[int, int, bool]:
    """The edge of a band as dividend and divisor, and whether a value on it is still below; divisor 0: none."""
    edge = band.below if band.below is not None else band.at_most
    return (0, 0, False) if band.otherwise or edge is None else (*edge.as_integer_ratio(), band.below is None)


def _band_at(edges: list[tuple[int, int, bool]], up: int, down: int) -> int:
    """The band of a value (`reference.values.band_of`)."""
    if down < 0:
        up, down = -up, -down
    for place, (of, over, on_it) in enumerate(edges):
        if over == 0 or up * over < of * down or (on_it and up * over == of * down):
            return place
    raise AssertionError("bands without otherwise")


def _said(sentence: str, who: bytes, points: str) -> bytes:
    """A sentence with a name and points in it, as JSON without the quotes."""
    text = dumps(sentence.replace("\1", points))[1:-1]
    return text.replace(rb"\u0000", who)
