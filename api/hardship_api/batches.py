"""`POST /v1/score/batch` and `POST /v1/rank`: many households, in four forms in and out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from hardship.single.prepared import prepare
from hardship_api import documents
from hardship_api.bodies import date, head, media_type, pieces, query
from hardship_api.columnar import Columnar
from hardship_api.engine import Engine
from hardship_api.forms import Form, form_of
from hardship_api.job import STAGES, Job, Progress, answer, said
from hardship_api.lines import Lines
from hardship_api.parts import Part, Source, error
from hardship_api.problems import Busy, language
from hardship_api.settings import Settings
from hardship_api.sheets import Sheet
from hardship_api.spool import Spool
from hardship_api.strict_json import Refused

router = APIRouter(prefix="/v1")

LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines", "application/ndjson")
FORMS: dict[str, str] = {
    **dict.fromkeys(LINES, "lines"),
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.stream": "arrow",
}
ANY = "application/octet-stream"
ACCEPTED_TEXT = 200
WAIT = 2


@router.post("/score/batch", openapi_extra=documents.BATCH, response_class=Response)
async def score_batch(request: Request) -> Response:
    """Score many households; the answer streams back in the order of the request while the body comes in."""
    return await _batch(request, ranks=False)


@router.post("/rank", openapi_extra=documents.RANK, response_class=Response)
async def rank(request: Request) -> Response:
    """Score and rank many households: the whole body is read, then every row gets its position and ranks."""
    return await _batch(request, ranks=True)


async def _batch(request: Request, ranks: bool) -> Response:
    settings: Settings = request.app.state.settings
    engine: Engine = request.app.state.engine
    coming = FORMS.get(media_type(head(request), (*FORMS, ANY)), "any")
    going = _wanted(request.headers.get("accept", ""))
    given = query(request.scope["query_string"], "table", "on", "accept", "detail")
    detail = given.get("detail", "summary")
    if detail not in ("summary", "items") or len(given.get("accept", "")) > ACCEPTED_TEXT:
        raise Refused("api.parameters")
    on = date(given.get("on"))
    checked, forced = await run_in_threadpool(engine.table, given.get("table"), on)
    job = Job(
        checked, engine.standards, on, forced, language(request), given.get("accept", ""), detail == "items", ranks,
        settings.rank_households if ranks else settings.batch_households,
    )  # fmt: skip
    unpackers: asyncio.Semaphore = request.app.state.unpackers
    run = Run(request, job, _source(coming, job, unpackers), form_of(going, job), settings)
    return await run.response()


def _wanted(accept: str) -> str:
    """The form that an `Accept` header asks for: the first that we make; JSON lines if it takes anything.

    Raises:
        Refused: it takes nothing that we make.
    """
    names = [one.partition(";")[0].strip().lower() for one in accept.split(",") if one.strip()]
    for name in names:
        if name in FORMS:
            return FORMS[name]
    if not names or {"*/*", "application/*", "application/json"} & set(names):
        return "lines"
    if "text/*" in names:
        return "csv"
    raise Refused("api.not_acceptable", 406)


def _source(form: str, job: Job, unpackers: asyncio.Semaphore) -> Source:
    attributes = job.checked.names.attributes
    match form:
        case "lines":
            scanner = prepare(job.checked, job.standards, job.on, forced=job.forced).scanner
            return Lines(attributes, job.lang, scanner, whole=job.ranks)
        case "csv":
            return Sheet(attributes, job.lang, whole=job.ranks)
        case "any":
            return Told(job, unpackers)
        case _:
            return Columnar(form == "parquet", attributes, job.lang, job.most, job.ranks, unpackers)


class Told:
    """A body of any form, told by its first bytes."""

    def __init__(self, job: Job, unpackers: asyncio.Semaphore) -> None:
        self._job, self._unpackers = job, unpackers
        self._source: Source | None = None

    async def blocks(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """The blocks of the form that it turns out to be."""
        head = b""
        async for piece in pieces:
            head += piece
            if len(head.lstrip()) >= 4:
                break
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        name = "parquet" if head[:4] == b"PAR1" else "arrow" if head[:4] == b"\xff" * 4 else "csv"
        name = "lines" if start[:1] == b"{" else name

        async def again() -> AsyncIterator[bytes]:
            yield head
            async for piece in pieces:
                yield piece

        self._source = _source(name, self._job, self._unpackers)
        async for block in self._source.blocks(again()):
            yield block

    def part(self, block: Any) -> Part:
        """As that form reads it."""
        assert self._source is not None
        return self._source.part(block)


class Run:
    """One batch on its way: parts are read and scored in a thread when there is a place for that, answers wait in a
    spool until they are taken.

    Attributes:
        receiving: the body has not ended.
    """

    def __init__(self, request: Request, job: Job, source: Source, form: Form, settings: Settings) -> None:
        self._request, self._job, self._source, self._form, self._settings = request, job, source, form, settings
        self._state = request.app.state
        self._progress = Progress()
        self._spool = Spool()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.receiving = True

    async def response(self) -> Response:
        """The answer, as soon as its first part is there.

        Raises:
            Refused: nothing could be read, or too many batches are open already.
        """
        if self._state.batches >= self._settings.open_batches:
            raise Busy(WAIT)
        self._state.batches += 1
        self._task = asyncio.create_task(self._work())
        try:
            await self._first
        except BaseException:
            await self._finish()
            raise
        timing = ", ".join(f"{stage};dur={self._progress.seconds[stage] * 1000:.1f}" for stage in STAGES)
        headers = {
            "hardship-run": said(self._job),
            "hardship-households-limit": str(self._job.most),
            "hardship-ranks": "whole" if self._job.ranks else "none",
            "server-timing": timing,
        }
        return Streamed(self, self._form.media, headers, self._settings.idle_seconds)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of the answer; afterwards the batch is over, whether all were taken or not."""
        try:
            yield self._spool.pieces()
        finally:
            await self._finish()

    async def _finish(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._spool.close()
        self._state.batches -= 1
        self._state.metrics.batch(self._progress)

    async def _work(self) -> None:
        try:
            await self._all_parts()
        except BaseException as fault:
            if not self._first.done():
                self._first.set_exception(fault)
                return
            self._spool.end(fault)
        else:
            if not self._first.done():
                self._first.set_result(None)
            self._spool.end()
        finally:
            self.receiving = False

    async def _all_parts(self) -> None:
        limit = self._settings.rank_bytes if self._job.ranks else self._settings.batch_bytes
        asked, settings = self._request, self._settings
        body = pieces(head(asked), asked.receive, limit, settings.batch_seconds, settings.idle_seconds)
        try:
            async for block in ahead(self._source.blocks(body)):
                async with self._state.places:  # only for the work: who sends slowly takes nobody's place
                    answered = await asyncio.to_thread(self._part, block)
                await self._spool.put(answered)
                if self._progress.households and not self._job.ranks and not self._first.done():
                    self._first.set_result(None)
            if not self._progress.parts:
                raise Refused("api.empty")
            await self._spool.put(self._form.end())
        except Refused as refused:
            if not self._first.done():
                raise
            row = self._progress.households + 1
            await self._spool.put(self._form.stopped(row, [error(row, "", refused.code, self._job.lang)]))
            await self._spool.put(self._form.end())

    def _part(self, block: Any) -> bytes:
        with self._progress.clock("read"):
            part: Part = self._source.part(block)
        if not part.households:
            return b""
        if self._job.ranks and self._progress.parts:
            raise Refused("api.too_many_rows", 413)
        answered = answer(self._job, self._progress, part)
        with self._progress.clock("write"):
            return self._form.part(answered)


class Streamed(Response):
    """An answer that is sent while the body is still read; once that has ended each piece must be taken within a time.

    A client that still sends need not read yet. (The framework's own streaming response listens for a disconnect, and
    would swallow the body.)
    """

    def __init__(self, run: Run, media: str, headers: Mapping[str, str], idle: float) -> None:
        super().__init__(None, media_type=media, headers=headers)
        del self.headers["content-length"]
        self._run, self._idle = run, idle

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the pieces as they come.

        Raises:
            ClientDisconnect: the client is gone, or takes nothing.
        """
        async with self._run.taken() as taken:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in taken:
                sending = asyncio.ensure_future(send({"type": "http.response.body", "body": piece, "more_body": True}))
                try:
                    while not (await asyncio.wait({sending}, timeout=self._idle))[0]:
                        if not self._run.receiving:
                            raise ClientDisconnect
                    sending.result()
                finally:
                    sending.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def ahead(blocks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The same blocks, the next one being read while the last one is worked on."""
    queue: asyncio.Queue[tuple[Any, Exception | None]] = asyncio.Queue(1)
    done = object()

    async def fill() -> None:
        try:
            async for block in blocks:
                await queue.put((block, None))
        except Exception as fault:
            await queue.put((done, fault))
        else:
            await queue.put((done, None))

    filling = asyncio.create_task(fill())
    try:
        while True:
            block, fault = await queue.get()
            if fault is not None:
                raise fault
            if block is done:
                return
            yield block
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
