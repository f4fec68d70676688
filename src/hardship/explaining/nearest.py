"""The nearest single changes that would move a household: which fact, from what, to what.

`search` finds them; here the machine judges the variants of a round in one batch of repeated frames, and each change
found is then confirmed by the reference.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.attributes import scale, stored_bounds
from hardship.explaining.search import CONFIRMED, NUMBERS, SEARCHED, Array, Fact, moves
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.view import Entry, View
from hardship.language.fields import Level
from hardship.language.units import parse
from hardship.reference.evaluate import Reference

if TYPE_CHECKING:
    import polars as pl

    from hardship.register import Register
    from hardship.standards import Standards

MOST_ROWS = 60_000  # members in one batch
PARENTS: dict[Level, Level] = {"member": "household", "supporter": "member", "transfer": "member"}
GOOD = ("meets", "needs_review", "incomplete", "does_not_meet")

Household = Mapping[str, Any]


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
    members = max(1, register.frames["member"].height)
    facts = _facts(view, reference, register)[: SEARCHED // members]
    found = []
    for move in moves(facts, _Judge(view, register, standards, facts))[: CONFIRMED // members]:
        value = stored_value(move.fact, move.stored)
        after = reference.evaluate(_changed(household, move.fact, value))
        before = view.outcome
        moved = (after.outcome, after.circle) != (before.outcome, before.circle)
        if moved and not after.rejected and not after.incomplete:
            found.append(_entry(view, move.fact, value, after.outcome, after.circle))
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
        bounds = stored_bounds(attribute)
        for place, row in enumerate(view.rows(attribute.level)):
            stored = frame[name][place]
            if stored is not None:
                found.append(Fact(attribute, place, row.key, view.id_of(row), view.who(row), int(stored), bounds))
    return sorted(found, key=lambda fact: fact.key[:1])


@dataclass(frozen=True)
class _Frames:
    """What the machine reads of a register."""

    frames: Mapping[Level, pl.DataFrame]


class _Judge:
    """Where variants of one household stand, by the machine."""

    def __init__(self, view: View, register: Register, standards: Standards, facts: Sequence[Fact]) -> None:
        from hardship.lowering.program import lowered

        self.program = lowered(view.checked)
        self.on: dt.date = view.on
        self.facts = facts
        self.standards = standards
        self.members = max(1, register.frames["member"].height)
        wanted = {column.attribute for column in self.program.columns} | {"household_id", "area_code"}
        wanted |= {"residence_type", "household", "member"}
        self.frames = {
            level: frame.select([name for name in frame.columns if name in wanted])
            for level, frame in register.frames.items()
        }

    def standings(self, places: Array, values: Array) -> Array:
        """See `search.Judge`: missing, without standard, refused, deferred, circle, bounds broken."""
        variants = [(self.facts[place], value) for place, value in zip(places.tolist(), values.tolist(), strict=True)]
        batch = max(1, MOST_ROWS // self.members)
        parts = [self._batch(variants[start : start + batch]) for start in range(0, len(variants), batch)]
        return np.concatenate(parts)

    def _batch(self, variants: Sequence[tuple[Fact, int]]) -> Array:
        from hardship.engine.machine import run
        from hardship.lowering.bind import bind
        from hardship.lowering.program import incomplete

        columns = bind(self.program, _Frames(self._repeated(variants)), self.standards, self.on)
        raw = run(self.program, columns)
        parts = [incomplete(raw), ~columns.served, raw["refused"].values, raw["deferred"].values]
        parts += [raw["ladder:circle"].values] if "ladder:circle" in raw else []
        parts += list(raw["require"].values)
        return np.stack(parts, axis=1).astype(np.int64)

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


def stored_value(fact: Fact, stored: int) -> Any:
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
        "from": view.shown(stored_value(fact, fact.stored), unit, name),
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
