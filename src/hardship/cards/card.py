"""The public card of a scoring table: everything it says, in words, and what each number rests on.

A card shows what the checked table holds and decides nothing. Its keys are stable; texts are in the
language it was made in. `card_text` and `card_html` lay it out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hardship.cards import rules as card_rules
from hardship.cards.rules import Entry, Pen
from hardship.checking.check import Checked
from hardship.explaining import values as explain_values
from hardship.language.fields import Status
from hardship.language.table import Axis, Lookup, Parameter
from hardship.language.units import parse
from hardship.standards import StandardRow, Standards

STATUSES: tuple[Status, ...] = ("published", "law", "unverified", "illustrative")
NUMBERS = ("parameters", "constants", "lists", "lookups", "items", "vetoes", "rungs", "persons")
"""The parts of a card whose entries carry a status of their own."""
MOST_ROWS = 12  # dated local numbers that a card shows of one parameter


def card(checked: Checked, lang: str, *, standards: Standards | None = None, versions: Sequence[dt.date] = ()) -> Entry:
    """Everything a table says, as plain data with stable keys.

    Args:
        lang: `zh` or `en`.
        standards: dated local numbers; those of the table's parameters and place are shown.
        versions: all versions of the table that are known.

    Returns:
        Strings, lists and dicts; numbers are exact texts (`5/18`), points one text for each index.
    """
    pen = Pen(checked, lang)
    table = checked.table
    head = table.table
    made: Entry = {
        "schema": 1,
        "lang": lang,
        "id": head.id,
        "version": head.version.isoformat(),
        "versions": [day.isoformat() for day in versions],
        "sha256": checked.sha256,
        "title": head.title.text(lang),
        "place": {"name": getattr(head.place, lang), "area": head.place.area},
        "currency": head.currency,
        "direction": pen.option(head.direction),
        "status": head.default_status,
        "status_text": pen.option(head.default_status),
        "note": pen.title(head.note),
        "counts": {
            "items": len(table.item), "groups": len(table.group), "vetoes": len(table.veto),
            "parameters": len(table.parameter), "constants": len(table.constant), "steps": len(table.benefit),
        },
        "sources": [
            {"id": one.id, "title": one.title.text(lang), "date": str(one.date or ""), "address": one.address}
            for one in table.source
        ],
        "protected": [
            {"attribute": one.attribute, "title": pen.words.name(one.attribute), "reason": one.reason.text(lang)}
            for one in head.protected
        ],
        "counted": pen.sentence(table.household.counted),
        "facts": list(_facts(pen)),
        "parameters": [_parameter(pen, one, standards) for one in table.parameter],
        "constants": [
            {"name": one.name, "title": one.title.text(lang), **pen.number(one.value, one.unit), **pen.origin(one)}
            for one in table.constant
        ],
        "lists": list(_lists(pen)),
        "lookups": [_lookup(pen, one) for one in table.lookup],
        **card_rules.rules(pen),
        "warnings": [fault.text(lang) for fault in checked.warnings],
    }  # fmt: skip
    made["by_status"] = {status: list(_of_status(made, status)) for status in STATUSES}
    made["verified_until"] = [one for one in _numbers(made) if one["verified_until"]]
    return made


def card_json(made: Entry) -> str:
    """A card as stable JSON text, ending with a line feed."""
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def _facts(pen: Pen) -> Iterator[Entry]:
    """The facts that the table asks for, and what it does where one is missing."""
    names, table = pen.checked.names, pen.checked.table
    used = set(names.attributes_of_counted())
    for site in names.sites:
        used |= names.attributes_of(site.node, site.level)
    for name, attribute in names.attributes.items():
        if name not in used:
            continue
        policy = table.missing.get(name, "incomplete")
        assumed = None if isinstance(policy, str) else policy.assume
        yield {
            "name": name,
            "title": attribute.title.text(pen.lang),
            "level": attribute.level,
            "level_text": pen.option(attribute.level),
            "missing": policy if isinstance(policy, str) else "assume",
            "missing_text": pen.option(policy) if isinstance(policy, str) else pen.assumed(name, assumed),
            "protected": attribute.protected,
        }


def _parameter(pen: Pen, parameter: Parameter, standards: Standards | None) -> Entry:
    low, high = (explain_values.text(edge, pen.words, unit=parse(parameter.unit)) for edge in parameter.bounds)
    rows = _rows_of(pen, parameter, standards.rows if standards is not None else ())
    return {
        "name": parameter.name,
        "title": parameter.title.text(pen.lang),
        "unit": parameter.unit,
        "unit_text": pen.words.unit(parameter.unit),
        "bounds": [low, high],
        "as_of": parameter.as_of,
        "as_of_text": pen.option(parameter.as_of),
        "rows": [_row(pen, row) for row in rows[:MOST_ROWS]],
        "more_rows": max(0, len(rows) - MOST_ROWS),
        **pen.origin(parameter),
    }


def _rows_of(pen: Pen, parameter: Parameter, rows: Sequence[StandardRow]) -> list[StandardRow]:
    """A parameter's rows for the table's place: those in force when the version begins, then all later ones."""
    area, begins = pen.checked.table.table.place.area, pen.checked.table.table.version
    own = [row for row in rows if row.parameter == parameter.name]
    own = [row for row in own if row.area_code.startswith(area) or area.startswith(row.area_code)]
    own.sort(key=lambda row: (row.effective_from, row.area_code, row.residence))
    current = {(row.area_code, row.residence): row for row in own if row.effective_from <= begins}
    return [*current.values(), *(row for row in own if row.effective_from > begins)]


def _row(pen: Pen, row: StandardRow) -> Entry:
    return {
        "area": row.area_code,
        "residence": row.residence,
        "residence_text": pen.words.option("residence_type", row.residence) if row.residence else "",
        "from": row.effective_from.isoformat(),
        **pen.number(row.value, row.unit),
        "status": row.status,
        "status_text": pen.option(row.status),
        "source": row.source_text(pen.lang),
    }


def _lists(pen: Pen) -> Iterator[Entry]:
    for one in pen.checked.table.list:
        yield {
            "name": one.name,
            "title": one.title.text(pen.lang),
            "of": one.of,
            "of_text": pen.words.name(one.of),
            "values": [
                {
                    "value": entry.value,
                    "title": entry.title.text(pen.lang) if entry.title else pen.words.option(one.of, entry.value),
                    "status": entry.status or one.status or pen.default,
                }
                for entry in one.values
            ],
            **pen.origin(one),
        }


def _lookup(pen: Pen, one: Lookup) -> Entry:
    rows = _labels(pen, one.rows)
    columns = _labels(pen, one.columns) if one.columns is not None else [one.title.text(pen.lang)]
    printed = set(one.published)
    across = _keys(pen, one.columns) if one.columns is not None else ["1"]
    return {
        "name": one.name,
        "title": one.title.text(pen.lang),
        "unit": one.unit,
        "unit_text": pen.words.unit(one.unit),
        "row_title": _axis_title(pen, one.rows),
        "column_title": _axis_title(pen, one.columns) if one.columns is not None else "",
        "rows": rows,
        "columns": columns,
        "cells": [[pen.exact(cell) for cell in row] for row in one.grid],
        "published": [
            [bool({f"{row},{column}", f"{row},*", f"*,{column}", "*,*"} & printed) for column in across]
            for row in _keys(pen, one.rows)
        ],
        **pen.origin(one),
    }


def _axis_title(pen: Pen, axis: Axis) -> str:
    return pen.title(axis.title) or (pen.words.name(axis.of) if axis.of else "")


def _labels(pen: Pen, axis: Axis) -> list[str]:
    if axis.bands is not None:
        unit = parse(axis.unit)
        return [explain_values.band_text(axis.bands, number, pen.words, unit) for number in range(len(axis.bands))]
    return [pen.words.option(axis.of, key) if axis.of else key for key in _keys(pen, axis)]


def _keys(pen: Pen, axis: Axis) -> list[str]:
    """The places of an axis as `published` names them."""
    if axis.values is not None:
        return list(axis.values)
    if axis.bands is not None:
        return [str(number + 1) for number in range(len(axis.bands))]
    if axis.of is not None:
        return [entry.value for entry in pen.checked.names.attributes[axis.of].values]
    return [str(number) for number in range(axis.first or 0, (axis.last or 0) + 1)]


def _numbers(made: Entry) -> Iterator[Entry]:
    """Every entry that has a status, in short."""
    for part in NUMBERS:
        entries: list[Any] = made.get(part, [])
        if part == "items":
            entries = list(card_rules.all_items(made))
        elif part == "rungs":
            entries = [rung for ladder in made["ladders"] for rung in ladder["rungs"]]
        for entry in entries:
            yield {
                "part": part,
                "id": entry.get("id") or entry.get("name"),
                "title": entry["title"],
                "text": entry.get("text", ""),
                "status": entry["status"],
                "source": entry["source"],
                "verified_until": entry["verified_until"],
            }


def _of_status(made: Entry, status: str) -> Iterator[Entry]:
    return (one for one in _numbers(made) if one["status"] == status)
