"""`POST /v1/score` and `POST /v1/score/batch`."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from hardship import messages
from hardship.results_json import result_records
from hardship_api import documents
from hardship_api.engine import Engine, fault
from hardship_api.households import Batch, csv_rows, json_lines, register_of, single
from hardship_api.problems import language
from hardship_api.strict_json import Refused, decode

router = APIRouter(prefix="/v1")

ONE_BYTES = 1_000_000
BATCH_BYTES = 50_000_000
JSON = ("application/json",)
LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")
CSV = ("text/csv",)
FOLLOWING = ("member_rejected", "household_rejected")
OWN_KEYS = ("table", "on", "explain")
_DATE = re.compile(r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}\Z")


@router.post("/score", openapi_extra=documents.SCORE)
async def score_one(request: Request) -> Response:
    """Score one household and explain the result."""
    media_type(request, JSON)
    body = await read_body(request, ONE_BYTES)
    found = await run_in_threadpool(_score_one, request.app.state.engine, body, language(request))
    return Response(encoded(found), media_type="application/json")


def _score_one(engine: Engine, body: bytes, lang: str) -> dict[str, Any]:
    document = decode(body)
    if not isinstance(document, dict) or not {"table", "on", "members"} <= set(document):
        raise Refused("api.shape")
    on = date(document["on"])
    explained = document.get("explain", True)
    if not isinstance(explained, bool):
        raise Refused("api.shape")
    checked, forced = engine.table(document["table"], on)
    household = {key: value for key, value in document.items() if key not in OWN_KEYS}
    register = single(household, checked.names.attributes, on, lang)
    return engine.one(register, checked, on, forced, lang, explained)


@router.post("/score/batch", openapi_extra=documents.BATCH)
async def score_batch(request: Request) -> Response:
    """Score many households: JSON lines or CSV in, one JSON line for each household out, in their order."""
    kind = media_type(request, (*LINES, *CSV))
    query = request.query_params
    if set(query) - {"table", "on", "accept"} or len(query.multi_items()) != len(query):
        raise Refused("api.parameters")
    on, accepted = date(query.get("on")), query.get("accept", "")
    checked, forced = await run_in_threadpool(request.app.state.engine.table, query.get("table"), on)
    body = await read_body(request, BATCH_BYTES)
    lang = language(request)

    def work() -> bytes:
        read = csv_rows if kind in CSV else json_lines
        batch = read(body, checked.names.attributes, lang)
        register = register_of(batch, checked.names.attributes, on) if batch.documents else None
        results, rejects = (
            request.app.state.engine.many(register, checked, on, forced, accepted[:200])
            if register is not None
            else (None, None)
        )
        return answered(batch, register, results, rejects, lang)

    return Response(await run_in_threadpool(work), media_type="application/x-ndjson")


def answered(batch: Batch, register: Any, results: Any, rejects: Any, lang: str) -> bytes:
    """One line for each household, in the order of the request."""
    wrong = {line: list(faults) for line, faults in batch.wrong.items()}
    if rejects is not None:
        for row in rejects.iter_rows(named=True):
            # That a row's own household falls with it needs no saying where the row's fault is said.
            if row["code"] not in FOLLOWING:
                wrong.setdefault(row["line"], []).append(fault(row, "", lang))
    scored: dict[int, dict[str, Any]] = {}
    if results is not None:
        lines = dict(register.frames["household"].select("household_id", "line").iter_rows())
        persons: dict[str | None, list[Any]] = {}
        for person in result_records(results.persons) if results.persons is not None else ():
            persons.setdefault(person["household_id"], []).append(person)
        for record in result_records(results.frame):
            line = lines[record["household_id"]]
            scored[line] = {
                "line": line,
                "status": "scored",
                "result": record,
                "persons": persons.get(record["household_id"], []),
            }
    found = []
    for line in batch.lines():
        if line in scored and line not in wrong:
            found.append(scored[line])
        else:
            faults = wrong.get(line) or [
                {"code": "api.rejected", "pointer": "", "detail": messages.text("api.rejected", lang)}
            ]
            found.append({"line": line, "status": "rejected", "errors": faults})
    return b"".join(encoded(one) + b"\n" for one in found)


def encoded(value: Any) -> bytes:
    """JSON with sorted keys, so that equal answers have equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def media_type(request: Request, accepted: tuple[str, ...]) -> str:
    """The request's media type without its parameters.

    Raises:
        Refused: it is none of the accepted ones.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in accepted:
        raise Refused("api.media_type", 415)
    return given


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, never more than the limit: a chunked one is counted as it comes.

    Raises:
        Refused: it is larger.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise Refused("api.too_large", 413)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Refused("api.too_large", 413)
        parts.append(part)
    return b"".join(parts)


def date(text: Any) -> dt.date:
    """An assessment date.

    Raises:
        Refused: it is none, or outside 1900 to 2199.
    """
    if not isinstance(text, str) or not _DATE.match(text):
        raise Refused("api.date")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Refused("api.date") from None
