"""Parquet and Arrow: one row a household, its attributes as columns, its members as a list of structs."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from typing import IO, Any

import numpy as np
import polars as pl

from hardship.language.fields import DeclaredAttribute
from hardship.limits import MEMBERS, SUPPORTERS, TRANSFERS
from hardship.reading.cells import normal
from hardship.reading.readers import RawTable, can_be_a_cell, typed_table
from hardship_api.lines import names_of
from hardship_api.parts import Part, error
from hardship_api.strict_json import Refused

MOST = 50_000
PATIENCE = 2.0
"""Seconds in all that an unpacker waits for the body of one request, so that slow senders do not hold them all."""
LONGEST: dict[str, int] = {"members": MEMBERS, "supporters": SUPPORTERS, "transfers": TRANSFERS}
BELOW = ("supporters", "transfers")
# Arrow's own allocators keep and map far more than they hand out.
QUIET = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"}


class Columnar:
    """A body of Parquet or of an Arrow stream; `unpack` reads it in a process of its own.

    Supporters and transfers stand inside their member, or as lists of the household with a `member_id`.

    Args:
        parquet: or else Arrow.
        most: most rows of the whole body.
        whole: all rows in one part.
        unpackers: so many processes may unpack at a time.
    """

    def __init__(
        self,
        parquet: bool,
        attributes: Mapping[str, DeclaredAttribute],
        lang: str,
        most: int,
        whole: bool,
        unpackers: asyncio.Semaphore,
    ) -> None:
        self._form = "parquet" if parquet else "arrow"
        self._names = names_of(attributes)
        self._lang = lang
        self._most, self._rows = most, most if whole else MOST
        self._count = 0
        self._unpackers = unpackers

    async def blocks(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Plain Arrow streams of one batch each.

        Raises:
            Refused: the body cannot be read (any further), says that it has too many rows, or as the pieces.
        """
        given = 0
        with tempfile.TemporaryFile() as spool:
            body = Body(pieces, spool)
            try:
                if self._form == "arrow" and not await body.more(None):
                    async with self._unpackers:
                        process = await self._start(asyncio.subprocess.PIPE)
                        feeding = asyncio.create_task(_fed(process, body))
                        try:
                            async for block in _unpacked(process):
                                given += 1
                                yield block
                            await feeding
                            return
                        except Refused:
                            # What stopped the pieces comes first; who sends slowly is unpacked once all is there.
                            if not feeding.done() or feeding.result():
                                raise
                        finally:
                            feeding.cancel()
                while not await body.more(None):
                    pass
            finally:
                body.close()
            spool.seek(0)
            async with self._unpackers:
                async for block in _unpacked(await self._start(spool.fileno())):
                    given -= 1
                    if given < 0:
                        yield block

    async def _start(self, body: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "hardship_api.unpack", self._form, str(self._rows), str(self._most)),
            stdin=body,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **QUIET},
        )

    def part(self, block: bytes) -> Part:
        """The households of one batch.

        Raises:
            Refused: a column that nobody knows, two that mean the same, one of an impossible type; no `household_id`.
        """
        import pyarrow as pa

        with pa.ipc.open_stream(block) as reader:
            batch = reader.read_next_batch()
        try:
            _check_types(batch.schema)
            frame = pl.DataFrame(pl.from_arrow(batch))
        except pl.exceptions.PolarsError:
            raise Refused("api.columns") from None
        frame = self._renamed(frame, "household", *LONGEST)
        if "household_id" not in frame.columns:
            raise Refused("api.columns")
        part = Part()
        first = self._count + 1
        self._count += frame.height
        long = _too_long(frame, part, first, self._lang)
        frame = frame.with_columns(pl.Series("row", np.arange(first, first + frame.height))).filter(~long)
        part.rows = frame["row"].to_list()
        _tables(part, frame.drop("row"), self._renamed)
        return part

    def _renamed(self, frame: pl.DataFrame, key: str, *lists: str) -> pl.DataFrame:
        """The frame with names in the place of titles.

        Raises:
            Refused: a column that nobody knows, or two that mean the same.
        """
        known = self._names[key].labels
        found = {
            one: one if one in lists else known.get(one) or known.get(normal(one).casefold(), "")
            for one in frame.columns
        }
        if "" in found.values() or len(set(found.values())) != len(found):
            raise Refused("api.columns")
        return frame.rename(found)


class Body:
    """A body on its way, kept in a file as it comes.

    Attributes:
        last: the piece that came last.
    """

    def __init__(self, pieces: AsyncIterator[bytes], spool: IO[bytes]) -> None:
        self._pieces, self._spool = pieces, spool
        self._coming: asyncio.Future[bytes | None] | None = None
        self.last = b""

    async def more(self, seconds: float | None) -> bool:
        """Wait for the next piece, at most for so many seconds; True at the end of the body.

        Raises:
            TimeoutError: nothing came; the next call goes on waiting.
            Refused: as the pieces.
        """
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._pieces, None))
        if not (await asyncio.wait({self._coming}, timeout=seconds))[0]:
            raise TimeoutError
        piece, self._coming = self._coming.result(), None
        if piece is None:
            return True
        self.last = piece
        await asyncio.to_thread(self._spool.write, piece)
        return False

    def close(self) -> None:
        """Wait no longer."""
        if self._coming is not None:
            self._coming.cancel()


async def _fed(process: asyncio.subprocess.Process, body: Body) -> bool:
    """Hand the body on as it comes, from its last piece on; the reader sees its end in any case.

    A sender who lets the reader wait longer than `PATIENCE` in all loses it: False then.
    """
    assert process.stdin is not None
    loop, left = asyncio.get_running_loop(), PATIENCE
    try:
        while True:
            process.stdin.write(body.last)
            await process.stdin.drain()
            began = loop.time()
            if await body.more(max(left, 0.0)):
                return True
            left -= loop.time() - began
    except (BrokenPipeError, ConnectionResetError):
        return True  # the reader gave up, and says so
    except TimeoutError:
        if process.returncode is None:
            process.kill()
        return False
    finally:
        process.stdin.close()


async def _unpacked(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    assert process.stdout is not None
    try:
        while size := int.from_bytes(await process.stdout.readexactly(8), "little", signed=True):
            if size < 0:
                raise Refused("api.too_many_rows", 413)
            yield await process.stdout.readexactly(size)
    except asyncio.IncompleteReadError:
        raise Refused("api.columns_broken", 422) from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _check_types(schema: Any) -> None:
    """Refuse what can be no cell, and no list of rows.

    Raises:
        Refused: such a column.
    """
    from pyarrow import types

    for one in schema:
        inner = one.type.value_type if types.is_list(one.type) or types.is_large_list(one.type) else None
        if one.name in LONGEST and inner is not None and types.is_struct(inner):
            _check_types(inner)
        elif one.name in LONGEST and types.is_null(one.type if inner is None else inner):
            continue
        elif not can_be_a_cell(one.type):
            raise Refused("api.columns")


def _too_long(frame: pl.DataFrame, part: Part, first: int, lang: str) -> pl.Series:
    """Households with longer lists than can be; they are never unfolded."""
    long = pl.repeat(False, frame.height, eager=True, dtype=pl.Boolean)
    for entity in ("members", *BELOW):
        most = LONGEST[entity] * (1 if entity == "members" else MEMBERS)
        if not isinstance(frame.schema.get(entity), pl.List):
            continue
        found = (frame[entity].list.len() > most).fill_null(False) & ~long
        if entity == "members":
            for inner in BELOW:
                found |= _inner_too_long(frame.filter(~(long | found)), inner, found | long)
        for place in found.arg_true():
            part.wrong[first + place] = [error(first + place, f"/{entity}", "api.members", lang)]
        long |= found
    return long


def _inner_too_long(frame: pl.DataFrame, inner: str, gone: pl.Series) -> pl.Series:
    """Households of which some member has too long a list."""
    found = np.zeros(gone.len(), dtype=np.bool_)
    kind = frame.schema["members"]
    row = kind.inner if isinstance(kind, pl.List) else None
    fields = {one.name: one.dtype for one in row.fields} if isinstance(row, pl.Struct) else {}
    if isinstance(fields.get(inner), pl.List):
        longest = frame["members"].list.eval(pl.element().struct.field(inner).list.len()).list.max()
        found[np.flatnonzero(~gone.to_numpy())] = (longest > LONGEST[inner]).fill_null(False).to_numpy()
    return pl.Series(found)


def _tables(part: Part, frame: pl.DataFrame, renamed: Any) -> None:
    """Unfold the lists of households into the rows of each entity."""
    homes = frame.drop([name for name in LONGEST if name in frame.columns])
    if "area_code" not in homes.columns:
        homes = homes.with_columns(area_code=pl.lit(""))
    owner = np.arange(frame.height)
    ids = frame.select("household_id")
    tables = [_table("households", homes)]
    part.owner["households"] = owner
    rows, owner = _unfolded(frame, "members", ids, owner)
    rows = renamed(rows, "members", *BELOW) if rows.width > 1 else rows
    part.owner["members"] = owner
    if "member_id" not in rows.columns:
        rows = rows.with_columns(pl.Series("member_id", _places(owner)))
    tables.append(_table("members", rows.drop([name for name in BELOW if name in rows.columns])))
    for entity in BELOW:
        if entity in rows.columns:
            if entity in frame.columns:
                raise Refused("api.columns")
            below, inside = _unfolded(rows, entity, rows.select("household_id", "member_id"), np.arange(rows.height))
            part.inside[entity], part.owner[entity] = inside, owner[inside]
        elif entity in frame.columns:
            below, part.owner[entity] = _unfolded(frame, entity, ids, np.arange(frame.height))
        else:
            continue
        below = renamed(below, entity)
        if "member_id" not in below.columns:
            below = below.with_columns(member_id=pl.lit(None, dtype=pl.String))
        if entity == "supporters" and "supporter_id" not in below.columns:
            below = below.with_columns(pl.Series("supporter_id", _places(part.owner[entity])))
        tables.append(_table(entity, below))
    part.tables = tables


def _unfolded(frame: pl.DataFrame, name: str, ids: pl.DataFrame, places: Any) -> tuple[pl.DataFrame, Any]:
    """The rows inside a list column with the ids of the row above each, and the place of that row."""
    kind = frame.schema.get(name)
    if not isinstance(kind, pl.List):
        return ids.clear(), places[:0]
    if not isinstance(kind.inner, pl.Struct):
        if (frame[name].list.len() > 0).any():
            raise Refused("api.columns")
        return ids.clear(), places[:0]
    lists = frame[name]
    some = (lists.list.len() > 0).fill_null(False)
    above = np.repeat(places[some.to_numpy()], lists.filter(some).list.len().to_numpy())
    rows = lists.filter(some).explode().struct.unnest()
    mine = ids.select(pl.all().gather(above))
    if set(mine.columns) & set(rows.columns):
        raise Refused("api.columns")
    return pl.concat([mine, rows], how="horizontal"), above


def _places(owner: Any) -> Any:
    """Numbers from 1 among the rows of each owner, as texts."""
    starts = np.searchsorted(owner, owner)
    return pl.Series(np.arange(len(owner)) - starts + 1).cast(pl.String)


def _table(entity: str, frame: pl.DataFrame) -> RawTable:
    import dataclasses

    return dataclasses.replace(typed_table(entity, entity, frame, first=0), area_optional=entity == "households")
