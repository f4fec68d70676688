"""Both evaluators' answers about a register in one form.

So they can be compared with each other, and with what somebody worked out by hand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hardship.checking.check import Checked
from hardship.reference.evaluate import Reference, rows
from hardship.reference.results import person_rows, table_of
from hardship.reference.values import Value
from hardship.standards import Standards

if TYPE_CHECKING:
    from hardship.engine.machine import Raw, Stored
    from hardship.register import Register

Key = tuple[str, tuple[int, ...]]
"""A name and a row: `()` the household, `(m,)` its m-th member, `(m, k)` that member's k-th child row."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an evaluator says of one household.

    Attributes:
        rejected: `no_standard`, `out_of_range` or ""; a rejected household has nothing else.
        columns: the result columns with items, as CSV texts.
        values: the exact value of every name at every row; codes (texts of the register) are left out.
        persons: the rows of `persons`, as CSV texts.
    """

    rejected: str
    columns: Mapping[str, str]
    values: Mapping[Key, Value]
    persons: Sequence[Mapping[str, str]]


Answers = dict[str, Answer]
"""By household id."""


def by_reference(checked: Checked, standards: Standards, on: dt.date, register: Register) -> Answers:
    """What the reference says of every household."""
    households = rows(register, checked.names.attributes)
    reference = Reference(checked.table, checked.names, standards, on)
    outcomes = [reference.evaluate(household) for household in households]
    columns = {row["household_id"]: row for row in table_of(checked.table, reference.ground.statics, outcomes, "items")}
    persons = _by_household(person_rows(outcomes, households))
    codes = {name for name, attribute in checked.names.attributes.items() if attribute.type == "code"}
    return {
        done.household_id: Answer(
            done.rejected,
            columns.get(done.household_id, {}),
            {} if done.rejected else {key: value for key, value in done.values.items() if key[0] not in codes},
            persons.get(done.household_id, ()),
        )
        for done in outcomes
    }


def by_machine(
    checked: Checked,
    standards: Standards,
    on: dt.date,
    register: Register,
    *,
    threads: int = 1,
    block: int = 2048,
) -> Answers:
    """What the machine says of every household: results with items, and a trace of every name."""
    from hardship import results
    from hardship.columns import csv_texts
    from hardship.engine import machine
    from hardship.lowering.bind import bind
    from hardship.lowering.program import lowered
    from hardship.record import set_aside

    program = lowered(checked, "items")
    bound = bind(program, register, standards, on)
    raw = machine.run(program, bound, threads=threads, block=block)
    found = results.build(register, checked, bound, raw, ())
    ids = register.frames["household"]["household_id"].to_list()
    own = set(ids)
    rejects = set_aside(register, checked, bound, raw).select("household_id", "code").rows()
    rejected = {household: code for household, code in rejects if household in own}
    columns = {row["household_id"]: row for row in csv_texts(found.frame)}
    persons = _by_household([] if found.persons is None else csv_texts(found.persons))
    whole = lowered(checked, "all")
    traced = trace(machine.run(whole, bind(whole, register, standards, on), threads=threads, block=block), register)
    return {
        household: Answer(
            rejected.get(household, ""),
            columns.get(household, {}),
            {} if household in rejected else traced[number],
            persons.get(household, ()),
        )
        for number, household in enumerate(ids)
    }


def trace(raw: Raw, register: Register) -> list[dict[Key, Value]]:
    """The exact value of every name but codes at every row, by household, from a run with detail `all`."""
    places = _places(register)
    found: list[dict[Key, Value]] = [{} for _ in range(register.frames["household"].height)]
    for name, stored in raw.items():
        if name.startswith("name:") and stored.type != "code":  # a code is numbered anew in each run
            for (household, key), value in zip(places[stored.level], exact(stored), strict=True):
                found[household][name.removeprefix("name:"), key] = value
    return found


def exact(stored: Stored) -> list[Value]:
    """A store's values as plain ones: `Fraction`, bool, date, text, set; None where missing."""
    values: list[Any] = stored.values.tolist()
    if stored.type == "bool":
        return [{0: None, 1: True, 2: False}[value] for value in values]
    known = [True] * len(values) if stored.valid is None else (stored.valid == 1).tolist()
    read: list[Any]
    match stored.type:
        case "number" if stored.divisor is not None:
            pairs = zip(values, stored.divisor.tolist(), known, strict=True)
            scale = Fraction(stored.divisor_den, stored.den)
            return [Fraction(value, divisor) * scale if holds else None for value, divisor, holds in pairs]
        case "number":
            read = [Fraction(value, stored.den) for value in values]
        case "date":
            read = [dt.date(day // 10_000, day // 100 % 100, day % 100) if day else None for day in values]
        case "enum":
            read = [stored.domain[value] if value < len(stored.domain) else None for value in values]
        case "set":
            read = [frozenset(one for k, one in enumerate(stored.domain) if mask >> k & 1) for mask in values]
        case _:
            read = values
    return [value if holds else None for value, holds in zip(read, known, strict=True)]


def _places(register: Register) -> dict[str, list[tuple[int, tuple[int, ...]]]]:
    """For each row of each level: its household, and its key there."""
    homes: list[int] = register.frames["member"]["household"].to_list()
    first: dict[int, int] = {}
    members = [(home, (number - first.setdefault(home, number),)) for number, home in enumerate(homes)]
    places: dict[str, list[tuple[int, tuple[int, ...]]]] = {
        "household": [(number, ()) for number in range(register.frames["household"].height)],
        "member": [(home, key) for home, key in members],
    }
    for level in ("supporter", "transfer"):
        parents: list[int] = register.frames[level]["member"].to_list()
        begin: dict[int, int] = {}
        places[level] = [
            (members[parent][0], (*members[parent][1], number - begin.setdefault(parent, number)))
            for number, parent in enumerate(parents)
        ]
    return places


def _by_household(persons: Iterable[Mapping[str, str]]) -> dict[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in persons:
        found.setdefault(row["household_id"], []).append(row)
    return found
