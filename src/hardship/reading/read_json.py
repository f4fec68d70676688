"""JSON households as raw tables: one document, a list of them, or one a line.

Numbers stay the texts they were written as, so that they meet the same grammar as every other cell.
Duplicate keys, `NaN` and `Infinity`, and nesting beyond ten levels are refused.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from hardship.errors import Fault, RegisterError
from hardship.reading.readers import BadLine, RawTable

MAX_DEPTH = 10
PARTS = {
    "households": "household",
    "members": "members",
    "supporters": "supporters",
    "transfers": "transfers",
}
WRONG_SHAPE = "\x00object"
SHOWN = 5  # bad lines that are told where no line is a household
_SURROGATE = re.compile("[\ud800-\udfff]")


class NumberText(str):
    """A JSON number as written."""

    __slots__ = ()


def loads(text: str) -> Any:
    """Decode one JSON document strictly.

    Raises:
        ValueError: no JSON, a duplicate key, a number that is none, or nested too deeply.
    """
    try:
        value = json.loads(
            text,
            parse_int=NumberText,
            parse_float=NumberText,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except RecursionError:
        raise ValueError("depth") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [below for above in level for below in _inner(above)]
    if level:
        raise ValueError("depth")
    return value


def _inner(value: Any) -> list[Any]:
    """The lists and objects directly inside a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in inside if isinstance(one, (dict, list))]


def _refuse(_: str) -> None:
    raise ValueError("constant")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def cell(value: Any) -> tuple[str, bool]:
    """A decoded value as a cell's text, and whether it was a text. Never raises."""
    match value:
        case None:
            return "", True
        case NumberText():
            return str(value), False
        case str():
            return _encodable(value), True
        case bool():
            return ("true" if value else "false"), False
        case int():
            return (str(value) if abs(value) < 10**30 else "9" * 30), False
        case Decimal():
            exponent = value.as_tuple().exponent
            small = isinstance(exponent, int) and -30 <= exponent <= 30 and abs(value.adjusted()) <= 30
            return (f"{value:f}" if small else "number"), False
        case float():
            return (repr(value).removesuffix(".0") if math.isfinite(value) else "number"), False
        case dt.date():
            return value.isoformat(), False
        case list() | tuple() if all(isinstance(one, str) for one in value):
            return _encodable(";".join(map(str, value))) or "none", False
        case _:
            return WRONG_SHAPE, False


def _encodable(text: str) -> str:
    """The text with lone surrogates (`"\\ud800"`) as U+FFFD, which the grammar of cells then rejects."""
    return _SURROGATE.sub("\ufffd", text)


def read_json(path: Path) -> list[RawTable]:
    """The tables of a JSON file; a line or list entry that is no household becomes a bad line.

    Raises:
        RegisterError: the file is not UTF-8, not JSON at all, or has no household.
    """
    try:
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        raise RegisterError(Fault("register.not_text", path.name)) from None
    documents: list[tuple[int, Any]] = []
    bad: list[BadLine] = []
    try:
        whole = loads(text)
        documents = [(1, one) for one in whole] if isinstance(whole, list) else [(1, whole)]
    except ValueError:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        for number, line in lines:
            try:
                documents.append((number, loads(line)))
            except ValueError:
                bad.append(BadLine(number, "bad_json", f"text({len(line)})"))
        if not documents:
            raise RegisterError(Fault("register.not_json", path.name)) from None
    found = tables(documents, path.name, bad)
    if found[0].lines.len() == 0:
        refused = [
            Fault("register.bad_json", path.name, line.line, params={"seen": line.value_class})
            for line in found[0].bad[:SHOWN]
        ]
        raise RegisterError(refused or Fault("register.no_table", path.name, params={"entity": "households"}))
    return found


def tables(documents: Sequence[tuple[int, Any]], file: str, bad: Sequence[BadLine] = ()) -> list[RawTable]:
    """Raw tables of decoded households.

    Args:
        documents: (line, household) pairs; a household is `{"household": {}, "members": [{}], …}`.
        file: the name that rejections show.
        bad: lines that could not be decoded.
    """
    rows: dict[str, list[dict[str, Any]]] = {entity: [] for entity in PARTS}
    lines: dict[str, list[int]] = {entity: [] for entity in PARTS}
    refused = list(bad)
    for order, (line, document) in enumerate(documents, 1):
        parts = _parts(document)
        if parts is None:
            refused.append(BadLine(line, "bad_json", "object"))
            continue
        fallback = "1" if len(documents) == 1 else f"#{order}"
        for entity, found in _with_ids(parts, fallback).items():
            rows[entity] += found
            lines[entity] += [line] * len(found)
    result = [_table(entity, file, rows[entity], lines[entity]) for entity in PARTS]
    result[0] = replace(result[0], bad=tuple(refused), area_optional=True)
    return result


def _parts(document: Any) -> dict[str, list[dict[str, Any]]] | None:
    """The rows of each entity, or None if the document has another shape."""
    if not isinstance(document, Mapping) or not set(document) <= set(PARTS.values()):
        return None
    parts: dict[str, list[dict[str, Any]]] = {}
    for entity, key in PARTS.items():
        part = document.get(key, {} if entity == "households" else [])
        part = [part] if entity == "households" else part
        if not isinstance(part, (list, tuple)) or not all(isinstance(row, Mapping) for row in part):
            return None
        parts[entity] = [{_encodable(str(name)): value for name, value in row.items()} for row in part]
    return parts


def _with_ids(parts: dict[str, list[dict[str, Any]]], fallback: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of one household with the ids that it may leave out: its own, its members' and supporters' places."""
    household = {"household_id": fallback, "area_code": "", **parts["households"][0]}
    key = household["household_id"]
    members = [{"member_id": str(place), **row} for place, row in enumerate(parts["members"], 1)]
    only = {"member_id": members[0]["member_id"]} if len(members) == 1 else {}
    return {
        "households": [household],
        "members": [{"household_id": key, **row} for row in members],
        "supporters": [
            {"household_id": key, **only, "supporter_id": str(place), **row}
            for place, row in enumerate(parts["supporters"], 1)
        ],
        "transfers": [{"household_id": key, **only, **row} for row in parts["transfers"]],
    }


def _table(entity: str, file: str, rows: list[dict[str, Any]], lines: list[int]) -> RawTable:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, pl.Series] = {}
    not_text: dict[str, pl.Series] = {}
    for name in names:
        cells = [cell(row.get(name)) for row in rows]
        columns[name] = pl.Series(name, [text for text, _ in cells], dtype=pl.String)
        if not all(is_text for _, is_text in cells):
            not_text[name] = pl.Series([not is_text for _, is_text in cells], dtype=pl.Boolean)
    return RawTable(entity, file, "", pl.DataFrame(columns), pl.Series(lines, dtype=pl.Int64), not_text)
