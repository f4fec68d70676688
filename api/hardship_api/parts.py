"""A batch in parts: what one part of a body holds, and how a body of lines is cut into blocks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hardship import messages
from hardship.reading.readers import RawTable
from hardship_api.strict_json import Refused

Entry = dict[str, Any]
Rows = npt.NDArray[np.int64]

BLOCK_BYTES = 2**24
LINE_BYTES = 1_000_000


@dataclass
class Part:
    """Some consecutive households of a batch.

    Attributes:
        rows: for each household of `tables`, its row in the request.
        tables: their rows; `file` is the entity, `lines` count from 0 in each entity.
        owner: entity → for each of its rows the household's place in `rows`.
        wrong: what was wrong with rows that are in no table, by row in the request.
        inside: entity → for each of its rows the row of the member it stands in, where it does.
    """

    rows: Sequence[int] = ()
    tables: list[RawTable] = field(default_factory=list)
    owner: dict[str, Rows] = field(default_factory=dict)
    wrong: dict[int, list[Entry]] = field(default_factory=dict)
    inside: dict[str, Rows] = field(default_factory=dict)

    @property
    def households(self) -> int:
        """Rows of the request that stand for a household."""
        return len(self.rows) + len(self.wrong)

    def pointer(self, entity: str, row: int, name: str = "") -> str:
        """JSON pointer of a field, or of the row: `/members/0/wage_month`."""
        end = f"/{name}" if name else ""
        if entity == "households":
            return "/household" + end
        above = self.inside.get(entity, self.owner[entity])
        place = row - int(np.searchsorted(above, above[row]))
        start = self.pointer("members", int(above[row])) if entity in self.inside else ""
        return f"{start}/{entity}/{place}{end}"


def error(row: int, place: str, code: str, lang: str, sentence: str = "") -> Entry:
    """One entry of a row's `errors`, with the sentence of its code or another one."""
    return {"row": row, "elementPath": place, "code": code, "message": messages.text(sentence or code, lang)}


class Source(Protocol):
    """Where the parts of a body come from. `blocks` runs on the event loop, `part` in a thread."""

    def blocks(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """Raw pieces of the body, each bounded. Raises Refused."""

    def part(self, block: Any) -> Part:
        """One piece, read. Raises Refused."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole lines of a body; `first` is the number of the first one, from 1; `last`: nothing follows."""

    first: int
    data: bytes
    last: bool


async def line_blocks(
    pieces: AsyncIterator[bytes], most: int, cut: Callable[[bytes], int], whole: bool = False
) -> AsyncIterator[Block]:
    """Cut a body at line ends.

    Args:
        most: lines after which a block ends; a block also ends after `BLOCK_BYTES`.
        cut: where a buffer can be cut: after the last whole line in it; 0 for nowhere.
        whole: everything in one block.

    Raises:
        Refused: one line is longer than a block.
    """
    first, held, size, lines = 1, [], 0, 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        lines += piece.count(b"\n")
        if whole or (lines < most and size < BLOCK_BYTES):
            continue
        buffer = b"".join(held)
        held = [buffer]
        end = cut(buffer)
        if not end:
            if size < BLOCK_BYTES:
                continue
            raise Refused("api.line_long")
        yield Block(first, buffer[:end], False)
        first += buffer.count(b"\n", 0, end)
        held, size, lines = [buffer[end:]], len(buffer) - end, buffer.count(b"\n", end)
    yield Block(first, b"".join(held), True)


def after_last_line(buffer: bytes) -> int:
    """Where the last whole line ends."""
    return buffer.rfind(b"\n") + 1


def after_last_record(buffer: bytes) -> int:
    """Where the last line ends that is not inside quotes."""
    quotes = buffer.count(b'"')
    end = len(buffer)
    while (found := buffer.rfind(b"\n", 0, end)) >= 0:
        quotes -= buffer.count(b'"', found, end)
        if quotes % 2 == 0:
            return found + 1
        end = found
    return 0
