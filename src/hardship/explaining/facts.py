"""What goes into a computation: facts, local numbers, the table's own numbers, conversions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from fractions import Fraction

from hardship.explaining.reached import Guard, reached
from hardship.explaining.view import STATUSES, Entry, Told, View
from hardship.language.fields import DeclaredAttribute
from hardship.language.nodes import Aggregate, Call, Name, walk
from hardship.language.table import Axis, Lookup
from hardship.language.units import parse
from hardship.reference.values import MONTHS_OF_YEAR, Parameters, Row, Value, band_of, months_between

DATES_OF_FACTS = ("record_date", "verification_date")


def used_attributes(view: Told) -> dict[str, DeclaredAttribute]:
    """Every attribute that the table uses, in the dictionary's order."""
    used = {node.name for site in view.names.sites for node in walk(site.node) if isinstance(node, Name)}
    used |= {require.value for require in view.table.require}
    if view.table.parameter:
        used.add("residence_type")
    return {name: attribute for name, attribute in view.names.attributes.items() if name in used}


def inputs(view: View) -> list[Entry]:
    """Every attribute that the table uses, at every row: value, unit, state, where it is defined."""
    entries = []
    for name, attribute in used_attributes(view).items():
        unit = parse(attribute.unit)
        for row in view.rows(attribute.level):
            given = row.facts.get(name)
            state = "known" if given is not None else "assumed" if name in view.table.missing else "missing"
            value = view.stages.fact(name, row)
            if state == "assumed" and value is None:
                state = "missing"
            entries.append(
                {
                    "name": name,
                    "title": attribute.title.text(view.lang),
                    "level": attribute.level,
                    **view.place(row),
                    **view.shown(value, unit, name),
                    "state": state,
                    "state_text": view.say(STATES[state]),
                    "source": "",
                }
            )
    return entries


STATES = {
    "known": "explain.state_known",
    "assumed": "explain.state_assumed",
    "missing": "explain.state_missing",
}


def members(view: View) -> list[Entry]:
    """Who is in the household and whether each person counts; `leaves` for a person assessed alone."""
    return [
        {
            **view.place(row),
            "counted": (counted := view.stages.counted(row)),
            "counted_text": view.text(counted),
            "leaves": row.key in view.stages.left,
        }
        for row in view.rows("member")
    ]


def parameters(view: View, chosen: Parameters) -> list[Entry]:
    """The local numbers that hold for this household, with the row of the standards files each comes from."""
    residence = view.stages.fact("residence_type", view.root)
    return parameter_entries(view, chosen, view.outcome.area_code, residence if isinstance(residence, str) else None)


def parameter_entries(view: Told, chosen: Parameters, area: str, residence: str | None) -> list[Entry]:
    """The local numbers of one place; `residence` None: it is missing."""
    values = chosen.at(area, residence)
    assert isinstance(values, dict)
    entries = []
    for parameter in view.table.parameter:
        unit = parse(parameter.unit)
        value = values[parameter.name]
        row = chosen.row(parameter, area, residence)
        entry = {
            "name": parameter.name,
            "title": parameter.title.text(view.lang),
            **view.shown(value, unit),
            **view.provided(parameter),
            "converted": False,
        }
        if row is not None and value is not None:
            given = parse(row.unit)
            entry |= {
                "source": row.source_text(view.lang),
                "date": row.effective_from.isoformat(),
                "status": row.status,
                "status_text": view.say(STATUSES[row.status]),
                "area_code": row.area_code,
                "residence": row.residence,
                "published": {"value": view.shown(row.value, given)["value"], "unit": row.unit},
                "published_text": view.text(row.value, given),
                "converted": given != unit,
            }
        entries.append(entry)
    return entries


def constants(view: Told) -> list[Entry]:
    """The table's named numbers that some expression uses."""
    unused = {named.name for named in view.names.unused}
    return [
        {
            "name": constant.name,
            "title": constant.title.text(view.lang),
            **view.shown(constant.value, parse(constant.unit)),
            **view.provided(constant),
        }
        for constant in view.table.constant
        if constant.name not in unused
    ]


def lookups(view: View) -> list[Entry]:
    """Every look-up cell that this household's computation read, once."""
    entries: dict[tuple[str, str, str], Entry] = {}
    for node, row in _calls(view, ("lookup",)):
        places = [view.stages.value(argument, row) for argument in node.arguments[1:]]
        if all(place is not None for place in places):
            key, entry = lookup_entry(view, node, places, view.stages.value(node, row))
            entries[key] = entry
    return [entries[key] for key in sorted(entries)]


def lookup_entry(view: Told, node: Call, places: Sequence[Value], value: Value) -> tuple[tuple[str, str, str], Entry]:
    """One cell that is read, and the key by which cells are told apart and sorted."""
    title = node.arguments[0]
    assert isinstance(title, Name)
    lookup = next(one for one in view.table.lookup if one.name == title.name)
    row_text, row_key = _place(view, lookup.rows, places[0])
    column_text, column_key = ("", "") if lookup.columns is None else _place(view, lookup.columns, places[1])
    found = view.provided(lookup)
    if _published(lookup, row_key, column_key):
        found |= {"status": "published", "status_text": view.say("explain.s_published")}
    return (lookup.name, row_text, column_text), {
        "name": lookup.name,
        "title": lookup.title.text(view.lang),
        "row": row_text,
        "column": column_text,
        **view.shown(value, parse(lookup.unit)),
        **found,
    }


def _published(lookup: Lookup, row: str, column: str) -> bool:
    """Does a document print this cell, though not the rest?"""
    for cell in lookup.published:
        wanted_row, _, wanted_column = cell.partition(",")
        if wanted_row.strip() in ("*", row) and wanted_column.strip() in ("*", "", column):
            return True
    return False


def _place(view: Told, axis: Axis, value: object) -> tuple[str, str]:
    """A place on an axis in words, and as `published` names it."""
    if axis.values is not None and isinstance(value, str):
        return (view.words.option(axis.of, value) if axis.of else value), value
    assert isinstance(value, Fraction)
    if axis.bands is not None:
        number = band_of(axis.bands, value)
        return view.band_text(axis.bands, number, parse(axis.unit)), str(number + 1)
    return view.text(value, parse(axis.unit)), str(value)


def conversions(view: View) -> list[Entry]:
    """Every change of period in the computation as a line of its own, with both figures."""
    entries: list[Entry] = []
    for node, row in _calls(view, ("per_month", "per_year")):
        value = node.arguments[0]
        before, after = view.stages.value(value, row), view.stages.value(node, row)
        if before is not None and after is not None:
            entry = {
                "where": view.words.expression(value),
                **view.place(row),
                "expr": view.words.expression(node),
                "from": view.shown(before, view.unit_at(value)),
                "to": view.shown(after, view.unit_at(node)),
            }
            if entry not in entries:
                entries.append(entry)
    results = view.table.results
    if results.income_per_head is not None:
        node_of_income = results.income_per_head.node
        yearly = view.stages.value(node_of_income, view.root)
        unit = view.unit_at(node_of_income)
        if isinstance(yearly, Fraction) and unit.power("year") == -1:
            monthly = yearly / MONTHS_OF_YEAR
            entries.append(
                {
                    "where": view.say("explain.income_per_head"),
                    "id": "",
                    "who": "",
                    "expr": view.say("explain.w_per_month", first=view.words.expression(node_of_income)),
                    "from": view.shown(yearly, unit),
                    "to": view.shown(monthly, parse("money/month")),
                }
            )
    return entries


def _calls(view: View, functions: tuple[str, ...]) -> Iterator[tuple[Call, Row]]:
    """Calls of some functions that the computation goes through, with each row it does so at."""
    for one in reached(view.table, view.names, functions):
        for row in view.rows(one.level):
            if all(_open(view, guard, row) for guard in one.guards):
                yield one.call, row


def _open(view: View, guard: Guard, row: Row) -> bool:
    """Whether a guard lets a row pass."""
    row, stages = row.up(guard.level), view.stages
    if guard.kind == "takes":
        assert guard.item is not None
        return stages.takes(guard.item, row) is True
    assert guard.node is not None
    if guard.kind in ("holds", "fails"):
        return stages.truth(guard.node, row) is (guard.kind == "holds")
    aggregate = guard.node
    assert isinstance(aggregate, Aggregate)
    filtered = guard.above == "household" and not aggregate.everyone
    rows = [row] if guard.kind == "taken" else list(row.down(aggregate.entity))
    taken = [
        stages.truth(aggregate.where, one) is True and (not filtered or stages.counted(one) is True) for one in rows
    ]
    return taken == [True] if guard.kind == "taken" else not any(taken)


def ages_of_facts(view: View) -> list[Entry]:
    """When the facts were recorded and verified, in whole months before the assessment date, where known."""
    entries = []
    for name in DATES_OF_FACTS:
        value = view.root.facts.get(name)
        if isinstance(value, dt.date):
            entries.append(
                {
                    "name": name,
                    "title": view.names.attributes[name].title.text(view.lang),
                    "date": value.isoformat(),
                    "months": months_between(value, view.on),
                }
            )
    return entries


def absent(view: View, names: tuple[str, ...]) -> list[Entry]:
    """Attributes that are missing or assumed, with the rows where they are."""
    entries = []
    for name in names:
        attribute = view.names.attributes[name]
        rows = [row for row in view.rows(attribute.level) if row.facts.get(name) is None]
        value = view.stages.ground.assumed.get(name)
        entry: Entry = {
            "name": name,
            "title": attribute.title.text(view.lang),
            "level": attribute.level,
            "ids": [view.id_of(row) for row in rows],
            "who": [view.who(row) for row in rows],
        }
        if value is not None:
            entry["assumed"] = view.shown(value, parse(attribute.unit), name)
        entries.append(entry)
    return entries
