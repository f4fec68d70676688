"""Corrections an officer has made: `overrides` rows put a value in a household's column, and leave a flag.

A correction that cannot be applied is rejected together with its household, because the household without
it would be scored on a fact that is known to be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import normal, parser, read_date, read_id
from hardship.reading.convert import as_text, convert
from hardship.reading.readers import RawTable
from hardship.reading.rejects import Part

TITLES = {
    "household_id": ("家庭编号", "Household number"),
    "field": ("字段", "Field"),
    "value": ("更正值", "Value"),
    "reason": ("更正原因", "Reason"),
    "by": ("更正人", "By"),
    "on": ("更正日期", "On"),
}


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction that was applied, and what the register held without it.

    Attributes:
        field: the household's attribute.
        by, on, reason: who corrected it, when (ISO), why.
        before, after: stored values (the text of a code), None: missing.
        problem: why the register's own value cannot be read (`before` is then None), or "".
    """

    household_id: str
    field: str
    by: str
    on: str
    reason: str
    before: int | str | None
    after: int | str | None
    problem: str = ""


def apply_overrides(
    raw: RawTable, households: Part, attributes: Mapping[str, DeclaredAttribute]
) -> tuple[Part, list[tuple[pl.Series, str]], list[Correction]]:
    """Write legal corrections into the raw household columns.

    Args:
        raw: the rows `household_id, field, value, reason, by, on`.
        households: ids read, values not yet; its raw columns are replaced.
        attributes: the household's attributes are those that can be corrected.

    Returns:
        The corrections as a part of their own (with its rejects), the flags `override:<field>`, and what was applied,
        by household and field.

    Raises:
        RegisterError: one of the six columns is absent.
    """
    columns = _columns(raw)
    part = Part(raw, columns, dead=np.zeros(raw.lines.len(), dtype=np.bool_))
    texts = {name: as_text(raw.frame[column]).fill_null("").to_list() for name, column in columns.items()}
    ids = [read_id(text) for text in texts["household_id"]]
    part.ids["household_id"] = pl.Series([one.value for one in ids], dtype=pl.String)
    known = {key: row for row, key in enumerate(households.ids["household_id"].to_list()) if key is not None}
    fields = _fields(attributes)
    seen: dict[tuple[int, str], int] = {}
    hit: list[int] = []
    for row in range(part.height):
        place = known.get(str(ids[row].value), -1)
        name = fields.get(normal(texts["field"][row]).casefold(), "")
        fault, about = _fault(texts, row, place, name, attributes)
        if not fault and (place, name) in seen:
            part.reject([seen[place, name]], name, "duplicate_override")
            fault, about = "duplicate_override", name
        if fault:
            part.reject([row], about, fault)
            hit.append(place)
        else:
            seen[place, name] = row
    households.reject(sorted({place for place in hit if place >= 0}), "", "override_rejected")
    used = {key: row for key, row in seen.items() if not part.dead[row]}
    done = _corrections(used, texts, households, attributes)
    return part, _write(used, texts["value"], households), done


def _columns(raw: RawTable) -> dict[str, str]:
    labels = {label.casefold(): name for name, titles in TITLES.items() for label in (name, *titles)}
    found: dict[str, str] = {}
    for column in raw.frame.columns:
        name = labels.get(normal(column).casefold())
        if name is not None:
            found.setdefault(name, column)
    absent = [name for name in TITLES if name not in found]
    if absent:
        raise RegisterError([Fault("register.no_column", raw.file, 1, params={"column": n}) for n in absent])
    return found


def _fields(attributes: Mapping[str, DeclaredAttribute]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, one in attributes.items():
        if one.level == "household":
            for label in (name, one.title.zh, one.title.en):
                found.setdefault(normal(label).casefold(), name)
    return found


def _fault(
    texts: Mapping[str, list[str]],
    row: int,
    place: int,
    name: str,
    attributes: Mapping[str, DeclaredAttribute],
) -> tuple[str, str]:
    """What keeps a correction from being applied, and the field it is about; ("", "") if nothing does."""
    if place < 0:
        return "no_household", "household_id"
    if not name:
        return "unknown_override", "field"
    if parser(attributes[name])(texts["value"][row]).problem:
        return "bad_override", name
    for column in ("reason", "by"):
        if not texts[column][row].strip():
            return "override_unsigned", column
    return ("", "") if read_date(texts["on"][row]) else ("override_unsigned", "on")


def _corrections(
    used: Mapping[tuple[int, str], int],
    texts: Mapping[str, list[str]],
    households: Part,
    attributes: Mapping[str, DeclaredAttribute],
) -> list[Correction]:
    """What was applied, with the register's own values, read before they are overwritten."""
    found = []
    ids = households.ids["household_id"].to_list()
    for name in sorted({name for _, name in used}):
        places = [place for place, one in used if one == name]
        source = households.columns.get(name, "")
        before: list[int | str | None] = [None] * len(places)
        problems: dict[int, str] = {}
        if source in households.raw.frame.columns:
            read = convert(households.raw.frame[source].gather(places), attributes[name])
            before, problems = read.values.to_list(), {one.row: one.problem for one in read.wrong}
        for at, place in enumerate(places):
            row = used[place, name]
            day = read_date(texts["on"][row])
            after = parser(attributes[name])(texts["value"][row]).value
            found.append(
                Correction(
                    ids[place], name, texts["by"][row].strip(), day.isoformat() if day else "",
                    texts["reason"][row].strip(), before[at], after, problems.get(at, ""),
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (one.household_id.encode(), one.field))


def _write(used: Mapping[tuple[int, str], int], values: list[str], households: Part) -> list[tuple[pl.Series, str]]:
    flags: list[tuple[pl.Series, str]] = []
    for name in sorted({name for _, name in used}):
        rows = {place: values[row] for (place, one), row in used.items() if one == name}
        source = households.columns.setdefault(name, name)
        frame = households.raw.frame
        nothing = pl.Series([""]).new_from_index(0, frame.height)
        column = as_text(frame[source]).cast(pl.String) if source in frame.columns else nothing
        column = column.scatter(list(rows), list(rows.values())).alias(source)
        households.raw = replace(households.raw, frame=frame.with_columns(column))
        flags.append((pl.Series(list(rows)), f"override:{name}"))
    return flags
