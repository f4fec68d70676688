"""JSON lines: one household a line, in contract form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from hardship.attributes import STRUCTURAL
from hardship.language.fields import DeclaredAttribute
from hardship.limits import MEMBERS
from hardship.reading.cells import normal
from hardship.reading.read_json import PARTS, tables
from hardship.register import ID_COLUMNS, LEVELS
from hardship_api.parts import LINE_BYTES, Block, Part, after_last_line, error, line_blocks, placed
from hardship_api.strict_json import Refused, decode

MOST = 10_000


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
        documents: list[tuple[int, Any]] = []
        rows: list[int] = []
        for number, line in enumerate(block.data.split(b"\n"), block.first):
            if not line.strip():
                continue
            self._count += 1
            try:
                if len(line) > LINE_BYTES:
                    raise Refused("api.line_long")
                document = decode(line)
                check_shape(document, self._names)
            except Refused as refused:
                part.wrong[number] = [error(number, "", refused.code, self._lang)]
                continue
            home = document.setdefault("household", {})
            if not (block.first == 1 and block.last):  # one household alone is "1", as everywhere
                home.setdefault("household_id", f"#{self._count}")
            documents.append((len(rows), document))
            rows.append(number)
        part.rows = rows
        part.tables, part.owner = placed(tables(documents, ""))
        return part


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


def names_of(attributes: Mapping[str, DeclaredAttribute]) -> dict[str, dict[str, str]]:
    """For each part of a household, what its fields may be called (as labels are compared) and the name that is."""
    found: dict[str, dict[str, str]] = {}
    for entity, level in LEVELS.items():
        titles = {name: STRUCTURAL[name][1] for name in ID_COLUMNS[level]}
        titles |= {name: one.title for name, one in attributes.items() if one.level == level}
        known = {name: name for name in titles}
        for name, title in titles.items():
            for label in (title.zh, title.en):
                known.setdefault(normal(label).casefold(), name)
        found[PARTS[entity]] = known
    return found


def check_shape(document: Any, names: Mapping[str, Mapping[str, str]]) -> None:
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
            if not known.keys() >= row.keys() or not all(map(_plain, row)):
                _rename(row, known)


def _plain(name: str) -> bool:
    return name.isascii() and name.islower()


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
