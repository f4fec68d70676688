"""The nearest single changes that would move a household: which one fact, from what to what, into which circle.

Each number that the circle or a clause depends on is moved alone, down and up to its legal bounds. Where the far end
stands elsewhere, bisection finds the first step of the smallest unit (a fen, a person) from which the household
stands elsewhere. Truths and enums are flipped. Everything is evaluated exactly, by the reference.

Between the present value and the one found the standing may in principle change and change back (a table may reward
what it punishes further on); the change reported is still one that really moves the household.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hardship.attributes import scale
from hardship.explain_steps import OUTCOMES
from hardship.explain_view import Entry, Key, View
from hardship.reference import Reference
from hardship.reference_stages import Stages
from hardship.reference_values import Value, tree
from hardship.table import DeclaredAttribute
from hardship.units import parse

BUDGET = 2_000  # evaluations; about 0.3 ms each
NUMBERS = ("money", "int", "decimal")
GOOD = ("meets", "needs_review", "incomplete", "does_not_meet")

Household = Mapping[str, Any]
Standing = tuple[Value, Value, Value]


@dataclass(frozen=True, slots=True)
class Fact:
    """One known fact of one row."""

    attribute: DeclaredAttribute
    key: Key
    id: str
    value: Any


def nearest_changes(view: View, reference: Reference, household: Household) -> list[Entry]:
    """Changes of one fact that move the circle or the outcome, numbers first, then truths and enums.

    Empty for an incomplete household. Each entry has `name`, `title`, `level`, `id`, `from`, `to`, `unit`, the new
    `circle` and `outcome`, `better`, and `result_text`.
    """
    if view.outcome.incomplete:
        return []
    search = _Search(view, reference, household)
    found = [entry for fact in search.facts() for entry in search.changes(fact)]
    return sorted(found, key=lambda entry: entry.pop("order"))


class _Search:
    def __init__(self, view: View, reference: Reference, household: Household) -> None:
        self.view = view
        self.reference = reference
        self.household = household
        self.left = BUDGET
        self.now = self.standing(household)

    def facts(self) -> Iterator[Fact]:
        """Known facts that the circle and the clauses depend on: numbers before others, in dictionary order."""
        statics = self.reference.ground.statics
        used = statics.behind("refused") | statics.behind("deferred") | statics.behind("circle")
        for numbers in (True, False):
            for name, attribute in self.view.names.attributes.items():
                if name not in used or (attribute.type in NUMBERS) != numbers:
                    continue
                for row in self.view.rows(attribute.level):
                    value = row.facts.get(name)
                    if value is not None and row.key not in self.view.stages.left:
                        yield Fact(attribute, row.key, self.view.id_of(row), value)

    def changes(self, fact: Fact) -> Iterator[Entry]:
        """The nearest changes of one fact."""
        match fact.attribute.type:
            case "money" | "int" | "decimal":
                for direction in (-1, 1):
                    value = self.bisect(fact, direction)
                    if value is not None:
                        yield from self.entry(fact, value, 0)
            case "bool":
                if self.moves(fact, not fact.value):
                    yield from self.entry(fact, not fact.value, 1)
            case "enum":
                standings = {self.now}
                for option in fact.attribute.values:
                    if option.value == fact.value or self.left <= 0:
                        continue
                    standing = self.standing(changed(self.household, fact, option.value))
                    if standing not in standings:
                        standings.add(standing)
                        yield from self.entry(fact, option.value, 2)

    def bisect(self, fact: Fact, direction: int) -> Fraction | None:
        """The first value in one direction at which the household stands elsewhere."""
        step = Fraction(direction, scale(fact.attribute))
        low, high = fact.attribute.bounds or (fact.value, fact.value)
        far = (Fraction(high if direction > 0 else low) - fact.value) / step
        same, other = 0, far.numerator // far.denominator
        if other <= 0 or not self.moves(fact, fact.value + other * step):
            return None
        while other - same > 1:
            middle = (same + other) // 2
            if self.moves(fact, fact.value + middle * step):
                other = middle
            else:
                same = middle
        return Fraction(fact.value + other * step)

    def moves(self, fact: Fact, value: Value) -> bool:
        """Does the household stand elsewhere with this value? False once the budget is spent."""
        return self.left > 0 and self.standing(changed(self.household, fact, value)) != self.now

    def standing(self, household: Household) -> Standing:
        """Refused, deferred, circle: as cheap as the reference can."""
        self.left -= 1
        ground, root = self.reference.ground, tree(household)
        residence = root.facts.get("residence_type") or ground.assumed.get("residence_type")
        assert residence is None or isinstance(residence, str)
        parameters = self.reference.parameters.at(self.view.outcome.area_code, residence)
        if isinstance(parameters, str):
            return self.now
        stages = Stages(ground, root, parameters, frozenset())
        left = frozenset((person.member,) for person in stages.persons() if person.leaves)
        if left:
            stages = Stages(ground, root, parameters, left)
        circle = stages.name("circle", root) if "circle" in self.view.names.by_name else None
        return stages.name("refused", root), stages.name("deferred", root), circle

    def entry(self, fact: Fact, value: Value, kind: int) -> Iterator[Entry]:
        """One change, judged in full; nothing if the household could then not be scored at all."""
        view = self.view
        after = self.reference.evaluate(changed(self.household, fact, value))
        before = view.outcome
        if after.rejected or (after.outcome, after.circle) == (before.outcome, before.circle):
            return
        unit, name = parse(fact.attribute.unit), fact.attribute.name
        size = abs(value - fact.value) if isinstance(value, Fraction) else Fraction(0)
        title = view.text(after.circle, name="circle") if after.circle is not None else ""
        outcome_text = view.say(OUTCOMES[after.outcome])
        same_circle = after.circle == before.circle or after.circle is None
        yield {
            "order": (kind, size, name, fact.key),
            "name": name,
            "title": fact.attribute.title.text(view.lang),
            "level": fact.attribute.level,
            "id": fact.id,
            "unit": fact.attribute.unit,
            "from": view.shown(fact.value, unit, name),
            "to": view.shown(value, unit, name),
            "circle": after.circle,
            "circle_title": title,
            "outcome": after.outcome,
            "outcome_text": outcome_text,
            "better": self.rank(after.outcome, after.circle) < self.rank(before.outcome, before.circle),
            "result_text": view.say("explain.nearest_outcome", outcome=outcome_text)
            if same_circle
            else view.say("explain.nearest_circle", circle=title, outcome=outcome_text),
        }

    def rank(self, outcome: str, circle: str | None) -> tuple[int, int]:
        """Lower is nearer to help: by outcome, then by the ladder's order."""
        places = [rung.id for one in self.view.table.ladder if one.id == "circle" for rung in one.rung]
        return GOOD.index(outcome), places.index(circle) if circle in places else len(places)


def changed(household: Household, fact: Fact, value: Value) -> Household:
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
