"""The nearest single changes that would move a household: which fact, from what, to what.

Each number that the circle or a clause depends on is moved alone, down and up to its legal bounds.
Where the far end stands elsewhere, the gap is cut until the first step of the smallest unit (a fen,
a person) is found from which the household stands elsewhere. Truths and enums are flipped. The
machine judges all variants of a round in one batch; each change found is then confirmed by the
reference.

Between the present value and the one found the standing may in principle change and change back (a table may
reward what it punishes further on); the change reported is still one that really moves the household.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.attributes import scale, stored_bounds
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.view import Entry, Key, View
from hardship.language.fields import DeclaredAttribute, Level
from hardship.language.units import parse
from hardship.reference.evaluate import Reference

if TYPE_CHECKING:
    import polars as pl

    from hardship.register import Register
    from hardship.standards import Standards

NUMBERS = ("money", "int", "decimal")
MOST_ROWS = 60_000  # members in one batch
PROBES = 15  # values between the two ends that are tried in a round
# Members times facts looked at, members times changes confirmed: a household of 200 members has thousands of facts.
# Its own facts and those of its first members are looked at, and its smallest changes told.
SEARCHED, CONFIRMED = 8_000, 2_000
PARENTS: dict[Level, Level] = {"member": "household", "supporter": "member", "transfer": "member"}
GOOD = ("meets", "needs_review", "incomplete", "does_not_meet")

Household = Mapping[str, Any]
Standing = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One known fact: `row` in the frame of its level, `key`, `id`, `who` of that row, its stored integer."""

    attribute: DeclaredAttribute
    row: int
    key: Key
    id: str
    who: str
    stored: int


@dataclass(slots=True)
class Gap:
    """A number between a value that moves nothing and one that moves the household, in stored units."""

    fact: Fact
    same: int
    other: int


def nearest_changes(
    view: View, reference: Reference, household: Household, register: Register, standards: Standards
) -> list[Entry]:
    """Changes of one fact that move the circle or the outcome: numbers by size, then truths, then enums.

    Each entry has `name`, `title`, `type`, `level`, `id`, `unit`, `from`, `to`, the new `circle`
    and `outcome`, `better` and `result_text`. Empty for an incomplete household. `register` holds
    this household only.
    """
    if view.outcome.incomplete:
        return []
    judge = _Judge(view, register, standards)
    facts = _facts(view, reference, register)[: SEARCHED // judge.members]
    now = judge.standings([(facts[0], facts[0].stored)])[0] if facts else ()
    moves = [*_numbers(judge, facts, now), *_choices(judge, facts, now)]
    found = []
    moves.sort(key=lambda move: _order(*move))
    for fact, stored in moves[: CONFIRMED // judge.members]:
        value = _value(fact, stored)
        after = reference.evaluate(_changed(household, fact, value))
        before = view.outcome
        moved = (after.outcome, after.circle) != (before.outcome, before.circle)
        if moved and not after.rejected and not after.incomplete:
            found.append(_entry(view, fact, value, after.outcome, after.circle))
    return found


def _facts(view: View, reference: Reference, register: Register) -> list[Fact]:
    """Known facts that the circle and the clauses depend on: the household's, then member by member."""
    statics = reference.ground.statics
    used = statics.behind("refused") | statics.behind("deferred") | statics.behind("circle")
    found = []
    for name, attribute in view.names.attributes.items():
        frame = register.frames[attribute.level]
        if name not in used or name not in frame.columns or attribute.type not in (*NUMBERS, "bool", "enum"):
            continue
        for place, row in enumerate(view.rows(attribute.level)):
            stored = frame[name][place]
            if stored is not None:
                found.append(Fact(attribute, place, row.key, view.id_of(row), view.who(row), int(stored)))
    return sorted(found, key=lambda fact: fact.key[:1])


def _numbers(judge: _Judge, facts: Sequence[Fact], now: Standing) -> list[tuple[Fact, int]]:
    """For each number and direction the first value at which the household stands elsewhere."""
    ends = []
    for fact in facts:
        if fact.attribute.type in NUMBERS:
            ends += [Gap(fact, fact.stored, end) for end in stored_bounds(fact.attribute) if end != fact.stored]
    there = judge.standings([(gap.fact, gap.other) for gap in ends])
    gaps = [gap for gap, standing in zip(ends, there, strict=True) if standing != now]
    while active := [gap for gap in gaps if abs(gap.other - gap.same) > 1]:
        probes = max(1, min(PROBES, MOST_ROWS // (len(active) * judge.members)))
        tried = [(gap, value) for gap in active for value in _between(gap, probes)]
        standings = judge.standings([(gap.fact, value) for gap, value in tried])
        for (gap, value), standing in zip(tried, standings, strict=True):
            # Values come nearest first, so the first that moves the household closes the gap from afar.
            if abs(value - gap.fact.stored) < abs(gap.other - gap.fact.stored):
                if standing != now:
                    gap.other = value
                else:
                    gap.same = value
    return [(gap.fact, gap.other) for gap in gaps]


def _between(gap: Gap, probes: int) -> list[int]:
    """At most so many values strictly between the ends, from the present one outwards."""
    width = gap.other - gap.same
    count = min(probes, abs(width) - 1)
    return [gap.same + width * part // (count + 1) for part in range(1, count + 1)]


def _choices(judge: _Judge, facts: Sequence[Fact], now: Standing) -> list[tuple[Fact, int]]:
    """For each truth and enum the first value that leads to each other standing."""
    tried = []
    for fact in facts:
        if fact.attribute.type not in NUMBERS:
            _, last = stored_bounds(fact.attribute)
            tried += [(fact, value) for value in range(last + 1) if value != fact.stored]
    found: dict[tuple[str, int, Standing], tuple[Fact, int]] = {}
    for (fact, value), standing in zip(tried, judge.standings(tried), strict=True):
        if standing != now:
            found.setdefault((fact.attribute.name, fact.row, standing), (fact, value))
    return list(found.values())


@dataclass(frozen=True)
class _Frames:
    """What the machine reads of a register."""

    frames: Mapping[Level, pl.DataFrame]


class _Judge:
    """Where variants of one household stand, by the machine."""

    def __init__(self, view: View, register: Register, standards: Standards) -> None:
        from hardship.lowering.program import lowered

        self.program = lowered(view.checked)
        self.on: dt.date = view.on
        self.standards = standards
        self.members = max(1, register.frames["member"].height)
        wanted = {column.attribute for column in self.program.columns} | {"household_id", "area_code"}
        wanted |= {"residence_type", "household", "member"}
        self.frames = {
            level: frame.select([name for name in frame.columns if name in wanted])
            for level, frame in register.frames.items()
        }

    def standings(self, variants: Sequence[tuple[Fact, int]]) -> list[Standing]:
        """Missing, refused, deferred and circle of the household with each fact changed alone."""
        batch = max(1, MOST_ROWS // self.members)
        found: list[Standing] = []
        for start in range(0, len(variants), batch):
            found += self._batch(variants[start : start + batch])
        return found

    def _batch(self, variants: Sequence[tuple[Fact, int]]) -> list[Standing]:
        from hardship.engine.machine import run
        from hardship.lowering.bind import bind
        from hardship.lowering.program import incomplete

        columns = bind(self.program, _Frames(self._repeated(variants)), self.standards, self.on)
        raw = run(self.program, columns)
        parts = [incomplete(raw), ~columns.served, raw["refused"].values, raw["deferred"].values]
        parts += [raw[name].values for name in raw if name.startswith("ladder:circle")]
        parts += list(raw["require"].values)
        return [tuple(standing) for standing in np.stack(parts, axis=1).tolist()]

    def _repeated(self, variants: Sequence[tuple[Fact, int]]) -> dict[Level, pl.DataFrame]:
        """The household's frames once for each variant, each with its own cell changed."""
        import polars as pl

        count = len(variants)
        heights = {level: frame.height for level, frame in self.frames.items()}
        frames: dict[Level, pl.DataFrame] = {}
        for level, frame in self.frames.items():
            repeated = frame[np.tile(np.arange(frame.height), count)]
            parent = PARENTS.get(level)
            if parent is not None:
                shift = np.repeat(np.arange(count, dtype=np.uint32) * heights[parent], frame.height)
                repeated = repeated.with_columns(pl.Series(parent, repeated[parent].to_numpy() + shift))
            frames[level] = repeated
        changes: dict[tuple[Level, str], tuple[list[int], list[int]]] = {}
        for number, (fact, stored) in enumerate(variants):
            level = fact.attribute.level
            rows, values = changes.setdefault((level, fact.attribute.name), ([], []))
            rows.append(number * heights[level] + fact.row)
            values.append(stored)
        for (level, name), (rows, values) in changes.items():
            if name in frames[level].columns:
                column = frames[level][name].scatter(rows, pl.Series(values, dtype=frames[level][name].dtype))
                frames[level] = frames[level].with_columns(column.alias(name))
        return frames


def _order(fact: Fact, stored: int) -> tuple[bool, bool, int]:
    """Money first, then other numbers, each by the size of the change; then the rest as they come."""
    number = fact.attribute.type in NUMBERS
    return not number, fact.attribute.type != "money", abs(stored - fact.stored) if number else 0


def _value(fact: Fact, stored: int) -> Any:
    """A stored integer as the reference's value."""
    match fact.attribute.type:
        case "bool":
            return bool(stored)
        case "enum":
            return fact.attribute.values[stored].value
        case _:
            return Fraction(stored, scale(fact.attribute))


def _changed(household: Household, fact: Fact, value: Any) -> Household:
    """The household with one fact changed; everything else is shared."""
    new = {fact.attribute.name: value}
    if not fact.key:
        return {**household, "household": {**household["household"], **new}}
    members = list(household["members"])
    member = members[fact.key[0]]
    if len(fact.key) == 1:
        members[fact.key[0]] = {**member, **new}
    else:
        part = fact.attribute.level + "s"
        rows = list(member[part])
        rows[fact.key[1]] = {**rows[fact.key[1]], **new}
        members[fact.key[0]] = {**member, part: rows}
    return {**household, "members": members}


def _entry(view: View, fact: Fact, value: Any, outcome: str, circle: str | None) -> Entry:
    before, name, unit = view.outcome, fact.attribute.name, parse(fact.attribute.unit)
    title = view.text(circle, name="circle") if circle is not None else ""
    outcome_text = view.say(OUTCOMES[outcome])
    if circle is None or circle == before.circle:
        result_text = view.say("explain.nearest_outcome", outcome=outcome_text)
    else:
        result_text = view.say("explain.nearest_circle", circle=title, outcome=outcome_text)
    return {
        "name": name,
        "title": fact.attribute.title.text(view.lang),
        "type": fact.attribute.type,
        "level": fact.attribute.level,
        "id": fact.id,
        "who": fact.who,
        "unit": fact.attribute.unit,
        "from": view.shown(_value(fact, fact.stored), unit, name),
        "to": view.shown(value, unit, name),
        "circle": circle,
        "circle_title": title,
        "outcome": outcome,
        "outcome_text": outcome_text,
        "better": _rank(view, outcome, circle) < _rank(view, before.outcome, before.circle),
        "result_text": result_text,
    }


def _rank(view: View, outcome: str, circle: str | None) -> tuple[int, int]:
    """Lower is nearer to help: by outcome, then by the ladder's order."""
    places = [rung.id for ladder in view.table.ladder if ladder.id == "circle" for rung in ladder.rung]
    return GOOD.index(outcome), places.index(circle) if circle in places else len(places)
