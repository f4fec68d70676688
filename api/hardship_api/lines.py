"""JSON lines: one household a line, in contract form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import NoneType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from hardship.attributes import STRUCTURAL
from hardship.language.fields import DeclaredAttribute
from hardship.limits import MEMBERS
from hardship.reading.cells import normal
from hardship.reading.convert import as_text
from hardship.reading.read_json import PARTS, cell
from hardship.reading.readers import RawTable, typed_table
from hardship.reading.values import ID_COLUMNS
from hardship.register import LEVELS
from hardship.single.rows import PlainRows
from hardship.single.scan import Scanner
from hardship_api.parts import LINE_BYTES, Block, Part, Rows, after_last_line, error, line_blocks
from hardship_api.strict_json import Refused, decode

MOST = 10_000
TYPED: dict[type, type[pl.DataType]] = {str: pl.String, int: pl.Int64, bool: pl.Boolean}
"""Values that stand in a column as they are, where all of a column are of one type; all others pass as texts."""


class Lines:
    """A body of JSON lines. A line that cannot be decoded, or names unknown fields, is wrong by itself.

    Plain lines are read as `single.rows` does; only the others are decoded.
    """

    def __init__(
        self, attributes: Mapping[str, DeclaredAttribute], lang: str, scanner: Scanner, whole: bool = False
    ) -> None:
        self._names = names_of(attributes)
        self._lang = lang
        self._scanner = scanner
        self._whole = whole
        self._count = 0

    def blocks(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Block]:
        """The body in blocks of lines; a line longer than `LINE_BYTES` is cut to that."""
        return line_blocks(shortened(pieces), MOST, after_last_line, self._whole)

    def part(self, block: Block) -> Part:
        """The households of a block."""
        part = Part()
        plain = PlainRows(self._scanner, block.data)
        documents: list[dict[str, Any]] = []
        plain_rows: list[int] = []
        rows: list[int] = []
        after = 0
        for number, line in enumerate(block.data.split(b"\n"), block.first):
            begin, after = after, after + len(line) + 1
            if plain.take(line, begin):
                self._count += 1
                plain_rows.append(number)
                continue
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
            self._scanner.learn(line)
        part.rows = plain_rows + rows
        decoded, owner = _tables(documents)
        taken = plain.tables()
        for table in decoded:
            found, homes = taken[table.entity]
            part.tables.append(_joined(table, found))
            part.owner[table.entity] = np.concatenate([homes, owner[table.entity] + len(plain_rows)])
        return part


def _joined(decoded: RawTable, plain: pl.DataFrame) -> RawTable:
    """Rows of plain lines, then the decoded ones; where there are both, in columns of texts."""
    if not decoded.frame.height:
        return replace(typed_table(decoded.entity, decoded.file, plain, first=0), area_optional=decoded.area_optional)
    if not plain.height:
        return decoded
    upper, lower = ({one.name: as_text(one) for one in frame} for frame in (plain, decoded.frame))
    both = [
        pl.concat(
            rows[name] if name in rows else pl.repeat(None, height, eager=True, dtype=pl.String)
            for rows, height in ((upper, plain.height), (lower, decoded.frame.height))
        ).alias(name)
        for name in {**upper, **lower}
    ]
    text = pl.repeat(False, plain.height, eager=True, dtype=pl.Boolean)
    not_text = {name: pl.concat([text, marks]) for name, marks in decoded.not_text.items()}
    lines = pl.int_range(plain.height + decoded.frame.height, eager=True, dtype=pl.Int64)
    return replace(decoded, frame=pl.DataFrame(both), lines=lines, not_text=not_text)


def _tables(documents: Sequence[dict[str, Any]]) -> tuple[list[RawTable], dict[str, Rows]]:
    """Raw tables of decoded households as `read_json.tables` makes them, by columns; and the owner of each row."""
    found: dict[str, list[dict[str, Any]]] = {entity: [] for entity in PARTS}
    owner: dict[str, list[int]] = {entity: [] for entity in PARTS}
    for place, document in enumerate(documents):
        _put_ids(document, "1" if len(documents) == 1 else f"#{place + 1}")
        for entity, key in PARTS.items():
            rows = [document[key]] if key == "household" else document.get(key)
            if rows:
                found[entity] += rows
                owner[entity] += [place] * len(rows)
    places = {entity: np.asarray(rows, dtype=np.int64) for entity, rows in owner.items()}
    ids = _column([home["household_id"] for home in found["households"]])
    return [_table(entity, rows, ids, places[entity]) for entity, rows in found.items()], places


def _put_ids(document: dict[str, Any], number: str) -> None:
    """Put in what one household may leave out, as `read_json` does: its number, its members' and supporters' places."""
    document["household"].setdefault("household_id", number)
    document["household"].setdefault("area_code", "")
    members = document["members"]
    for place, row in enumerate(members, 1):
        if "member_id" not in row:
            row["member_id"] = str(place)
    for place, row in enumerate(document.get("supporters", ()), 1):
        row.setdefault("supporter_id", str(place))
    if len(members) == 1:
        for row in chain(document.get("supporters", ()), document.get("transfers", ())):
            row.setdefault("member_id", members[0]["member_id"])


Column = tuple[pl.Series, pl.Series | None]
"""The cells of a column, and which of them are no texts; None where all are."""


def _column(values: Sequence[Any]) -> Column:
    kinds = set(map(type, values)) - {NoneType}
    kind = TYPED.get(kinds.pop()) if len(kinds) == 1 else None if kinds else pl.String
    if kind is not None:
        typed = pl.Series(values, dtype=kind)
        return typed, None if kind == pl.String else typed.is_not_null()
    cells = [cell(value) for value in values]
    texts = pl.Series([text for text, _ in cells], dtype=pl.String)
    return texts, pl.Series([not is_text for _, is_text in cells], dtype=pl.Boolean)


def _table(entity: str, rows: Sequence[dict[str, Any]], ids: Column, owner: Rows) -> RawTable:
    columns = {name: _column([row.get(name) for row in rows]) for name in sorted(set().union(*rows))}
    if entity != "households" and rows:
        above = columns.get("household_id")
        if above is None:
            columns["household_id"] = ids[0].gather(owner), None if ids[1] is None else ids[1].gather(owner)
        else:  # rows may say it themselves
            homes = ids[0].cast(pl.String).gather(owner).to_list()
            said = [row.get("household_id", home) for row, home in zip(rows, homes, strict=True)]
            columns["household_id"] = _column(said)
    frame = pl.DataFrame({name: values.alias(name) for name, (values, _) in columns.items()})
    not_text = {name: marks for name, (_, marks) in columns.items() if marks is not None}
    lines = pl.int_range(len(rows), eager=True, dtype=pl.Int64)
    return RawTable(entity, entity, "", frame, lines, not_text, area_optional=entity == "households")


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
