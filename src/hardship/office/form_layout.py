"""How a scoring table is laid out on the sheets of the office form; everything follows from the table's models.

Each list of sections is a sheet. An entry is one line; what stands below it in the file (cases, bands, rungs,
tests, values) are lines below it, told apart by the first column. `title = { zh, en }` is two columns. The single
sections (`[table]`, `[rank]`, …) share one sheet with a line for each key.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from hardship.language.fields import Provided
from hardship.language.table import Table
from hardship.office import form

SINGLES = "table"
"""The sheet of the single sections."""
LINES = {"values": "value", "cases": "case", "bands": "band", "tests": "test", "keys": "key"}
"""What one line of a list is called, where that is not the list's own name."""
GRID = "cells"
"""The list whose lines are rows of numbers."""
EDGES = ("below", "at_most", "otherwise")
LABEL, HEAD = "@label", "head"
"""A column and a line that are only there to be looked at."""


@dataclass(frozen=True)
class Column:
    """A key, dotted where it is inside another, and what it may hold."""

    key: str
    annotation: Any


@dataclass(frozen=True)
class Line:
    """A kind of line.

    Attributes:
        name: what it is called, as `form.section` names it.
        keys: where its entries stand: from the top of the file, or below the entry of `parent`.
        columns: its own keys.
    """

    name: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    parent: str = ""


@dataclass(frozen=True)
class Sheet:
    """A sheet: its lines (each after the one it stands below), and its columns, without those that all sheets have."""

    name: str
    lines: tuple[Line, ...]
    columns: tuple[Column, ...]

    def line(self, name: str) -> Line:
        """One of its lines."""
        return next(line for line in self.lines if line.name == name)


@cache
def sheets() -> tuple[Sheet, ...]:
    """The sheets of all lists, in the order of the language's sections."""
    found = []
    for name, field in Table.model_fields.items():
        model = rows_of(field.annotation)
        if model is not None:
            found.append(_sheet(name, (name,), model))
            continue
        single = form.inner_model(field.annotation)
        for key, inner in (single.model_fields if single is not None else {}).items():
            below = rows_of(inner.annotation)
            if below is not None:
                found.append(_sheet(LINES.get(key, key), (name, key), below))
    return tuple(found)


@cache
def singles() -> tuple[Line, ...]:
    """The single sections with their keys; `[missing]` without, as it has a sheet of its own."""
    found = []
    for name, field in Table.model_fields.items():
        if rows_of(field.annotation) is None:
            model = form.inner_model(field.annotation)
            columns = _columns(model) if model is not None and name != "missing" else ()
            found.append(Line(name, (name,), columns))
    return tuple(found)


def rows_of(annotation: Any) -> type[BaseModel] | None:
    """The model of which a key holds a list, if it does."""
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)
        if len(inner) == 2 and inner[1] is Ellipsis and isinstance(inner[0], type) and issubclass(inner[0], BaseModel):
            return inner[0]
        return None
    return next((found for part in form.parts(annotation) if (found := rows_of(part))), None)


def _sheet(name: str, keys: tuple[str, ...], model: type[BaseModel]) -> Sheet:
    lines = tuple(_lines(name, keys, model, ""))
    columns = {column.key: column for line in lines for column in line.columns}
    first = [columns[key] for key in ("id", "name", "title.zh", "title.en") if key in columns]
    last = [column for column in columns.values() if column.key.partition(".")[0] in Provided.model_fields]
    rest = [column for column in columns.values() if column not in (*first, *last)]
    if "points" in columns:  # a band's edge is read together with its points
        edges = [column for column in rest if column.key in EDGES]
        rest = [column for column in rest if column not in edges]
        place = rest.index(columns["points"])
        rest[place:place] = edges
    return Sheet(name, lines, (*first, *rest, *last))


def _lines(name: str, keys: tuple[str, ...], model: type[BaseModel], parent: str) -> list[Line]:
    found = [Line(name, keys, _columns(model), parent)]
    for key, field in model.model_fields.items():
        below = rows_of(field.annotation)
        if below is not None:
            found += _lines(LINES.get(key, key), (key,), below, name)
        elif key == GRID:
            found.append(Line(GRID, (key,), (), name))
    return found


def _columns(model: type[BaseModel], outer: str = "") -> tuple[Column, ...]:
    """The keys of a model, those of models inside it dotted; its lists of entries are lines of their own."""
    found: list[Column] = []
    for key, field in model.model_fields.items():
        # A plain type carries its limits in the field's metadata; they are checked when the table is.
        inner = form.inner_model(field.annotation)
        if inner is not None:
            found += _columns(inner, f"{outer}{key}.")
        elif outer or (rows_of(field.annotation) is None and key != GRID):
            found.append(Column(f"{outer}{key}", field.annotation))
    return tuple(found)
