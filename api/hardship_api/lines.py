"""JSON lines: one household a line, in contract form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from hardship.attributes import STRUCTURAL
from hardship.language.fields import DeclaredAttribute
from hardship.limits import MEMBERS
from hardship.reading.cells import normal
from hardship.reading.read_json import PARTS, cell, with_ids
from hardship.reading.readers import RawTable
from hardship.register import ID_COLUMNS, LEVELS
from hardship_api.parts import LINE_BYTES, Block, Part, Rows, after_last_line, error, line_blocks
from hardship_api.strict_json import Refused, decode

MOST = 10_000
TYPED: dict[type, type[pl.DataType]] = {str: pl.String, int: pl.Int64, bool: pl.Boolean}
"""Values that stand in a column as they are, where all of a column are of one type; all others pass as texts."""


class Lines:
    """A body of JSON lines. A line that cannot be decoded, or names unknown fields, is wrong by itself."""

    def __init__(self, attributes: Mapping[str, DeclaredAttribute], lang: str, whole: bool = False) -> None:
        self._names = names_of(attributes)
        self._lang = lang
        self._whole = whole
        self._count = 0

    def blocks(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Block]:
        """The body in blocks of lines; a line longer than `LINE_BYTES` is cut to that."""
        return line_blocks(shortened(pieces), MOST, after_last_line, self._whole)

    def part(self, block: Block) -> Part:
        """The households of a block."""
        part = Part()
        documents: list[dict[str, Any]] = []
        rows: list[int] = []
        for number, line in enumerate(block.data.split(b"\n"), block.first):
            if not line.strip():
                continue
            try:
                if len(line) > LINE_BYTES:
                    raise Refused("api.line_long")
                document = decode(line)
                check_shape(document, self._names)
            except Refused as refused:
                part.wrong[number] = [error(number, "", refused.code, self._lang)]
                continue
            self._count += 1
            home = document.setdefault("household", {})
            if not (block.first == 1 and block.last):  # one household alone is "1", as everywhere
                home.setdefault("household_id", f"#{self._count}")
            documents.append(document)
            rows.append(number)
        part.rows = rows
        part.tables, part.owner = _tables(documents)
        return part


def _tables(documents: Sequence[dict[str, Any]]) -> tuple[list[RawTable], dict[str, Rows]]:
    """Raw tables of decoded households as `read_json.tables` makes them, by columns; and the owner of each row."""
    found: dict[str, list[dict[str, Any]]] = {entity: [] for entity in PARTS}
    owner: dict[str, list[int]] = {entity: [] for entity in PARTS}
    for place, document in enumerate(documents):
        parts = {entity: document.get(key, []) for entity, key in PARTS.items()}
        parts["households"] = [document["household"]]
        for entity, rows in with_ids(parts, "1" if len(documents) == 1 else f"#{place + 1}").items():
            found[entity] += rows
            owner[entity] += [place] * len(rows)
    made = [_table(entity, rows) for entity, rows in found.items()]
    return made, {entity: np.asarray(places, dtype=np.int64) for entity, places in owner.items()}


def _table(entity: str, rows: Sequence[dict[str, Any]]) -> RawTable:
    columns: dict[str, pl.Series] = {}
    not_text: dict[str, pl.Series] = {}
    for name in dict.fromkeys(chain.from_iterable(rows)):
        values = [row.get(name) for row in rows]
        kinds = set(map(type, values)) - {NoneType}
        kind = TYPED.get(kinds.pop()) if len(kinds) == 1 else None if kinds else pl.String
        if kind is not None:
            columns[name] = pl.Series(name, values, dtype=kind)
            if kind != pl.String:
                not_text[name] = columns[name].is_not_null()
            continue
        cells = [cell(value) for value in values]
        columns[name] = pl.Series(name, [text for text, _ in cells], dtype=pl.String)
        not_text[name] = pl.Series([not is_text for _, is_text in cells], dtype=pl.Boolean)
    lines = pl.int_range(len(rows), eager=True, dtype=pl.Int64)
    return RawTable(entity, entity, "", pl.DataFrame(columns), lines, not_text, area_optional=entity == "households")


async def shortened(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, without what a line has beyond `LINE_BYTES` and one byte more, which tells that it was longer."""
    held = 0
    async for piece in pieces:
        end = piece.find(b"\n")
        if held + (len(piece) if end < 0 else end) > LINE_BYTES:
            kept = piece[: max(LINE_BYTES + 1 - held, 0)]
            piece = kept if end < 0 else kept + piece[end:]
            held += len(kept)
            end = piece.find(b"\n")
        if end < 0:
            held += len(piece) if held <= LINE_BYTES else 0
        else:
            held = len(piece) - piece.rfind(b"\n") - 1
        if piece:
            yield piece


class Names(NamedTuple):
    """What the fields of a row may be called: by their names, or by any label, as labels are compared."""

    plain: frozenset[str]
    labels: dict[str, str]


def names_of(attributes: Mapping[str, DeclaredAttribute]) -> dict[str, Names]:
    """The names of the fields of each part of a household."""
    found: dict[str, Names] = {}
    for entity, level in LEVELS.items():
        titles = {name: STRUCTURAL[name][1] for name in ID_COLUMNS[level]}
        titles |= {name: one.title for name, one in attributes.items() if one.level == level}
        known = {name: name for name in titles}
        for name, title in titles.items():
            for label in (title.zh, title.en):
                known.setdefault(normal(label).casefold(), name)
        found[PARTS[entity]] = Names(frozenset(titles), known)
    return found


def check_shape(document: Any, names: Mapping[str, Names]) -> None:
    """Refuse what is no household, or names a field that nobody knows; put names in the place of titles.

    Raises:
        Refused: `api.bad_shape`, `api.members`, `api.unknown_field`, `api.duplicate_key`.
    """
    if not isinstance(document, dict) or not set(document) <= set(PARTS.values()):
        raise Refused("api.bad_shape")
    members = document.get("members")
    if not isinstance(members, list) or not 1 <= len(members) <= MEMBERS:
        raise Refused("api.members")
    for key, known in names.items():
        if key not in document:
            continue
        rows = [document[key]] if key == "household" else document[key]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Refused("api.bad_shape")
        for row in rows:
            if not known.plain >= row.keys():
                _rename(row, known.labels)


def _rename(row: dict[str, Any], known: Mapping[str, str]) -> None:
    values = list(row.items())
    row.clear()
    for label, value in values:
        name = known.get(label) or known.get(normal(label).casefold())
        if name is None:
            raise Refused("api.unknown_field")
        if name in row:
            raise Refused("api.duplicate_key")
        row[name] = value
