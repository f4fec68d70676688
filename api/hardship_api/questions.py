"""`POST /v1/whatif` and `POST /v1/compare`: one household with something changed, or under several tables."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

import hardship
from hardship import messages
from hardship.asking.compare import MOST as MOST_TABLES
from hardship.asking.compare import compare
from hardship.asking.whatif import what_if
from hardship.errors import RegisterError, TableError, UsageError
from hardship.single.prepared import encoded
from hardship_api.bodies import JSON, date, head, media_type, query, read_body
from hardship_api.documents import HOUSEHOLD, LANGUAGE, good, problems
from hardship_api.engine import Engine
from hardship_api.households import entry
from hardship_api.problems import language
from hardship_api.schemas import ref
from hardship_api.settings import Settings
from hardship_api.strict_json import Refused, decode

router = APIRouter(prefix="/v1")


def asked(shape: str, answer: str, description: str, example: dict[str, Any]) -> dict[str, Any]:
    """A route that takes one household: its request and its answers."""
    return {
        "parameters": [LANGUAGE],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(shape), "example": HOUSEHOLD | example}},
        },
        "responses": good(answer, description) | problems(400, 404, 408, 413, 415, 422),
    }


WHATIF = asked(
    "WhatIfRequest",
    "WhatIfAnswer",
    "Both results and what differs.",
    {
        "table": "jinxiang",
        "on": "2018-07-01",
        "facts": [{"pointer": "/members/0/wage_month", "value": 200}],
        "lines": {"dibao_standard": "+10%"},
    },
)
COMPARE = asked(
    "CompareRequest",
    "CompareAnswer",
    "The result under each table, in the order asked.",
    {"tables": ["jinxiang", "county_model"], "on": "2018-07-01"},
)


@router.post("/whatif", openapi_extra=WHATIF, response_class=Response)
async def ask_what_if(request: Request) -> Response:
    """One household with other facts or under other lines: both results, what differs, the nearest changes."""
    return await _answered(request, _what_if)


@router.post("/compare", openapi_extra=COMPARE, response_class=Response)
async def ask_compare(request: Request) -> Response:
    """One household under several tables."""
    return await _answered(request, _compare)


async def _answered(request: Request, work: Any) -> Response:
    headers = head(request)
    media_type(headers, JSON)
    query(request.scope["query_string"])
    settings: Settings = request.app.state.settings
    given = await read_body(headers, request.receive, settings.one_bytes, settings.one_seconds)
    found = await run_in_threadpool(work, request.app.state.engine, given, language(request))
    return Response(encoded(found), media_type="application/json")


def _document(given: bytes, own: tuple[str, ...], needed: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The household and the rest of a decoded body.

    Raises:
        Refused: another shape.
    """
    document = decode(given)
    if not isinstance(document, dict) or not needed <= set(document):
        raise Refused("api.shape")
    rest = {key: value for key, value in document.items() if key in own}
    return {key: value for key, value in document.items() if key not in own}, rest


def _what_if(engine: Engine, given: bytes, lang: str) -> dict[str, Any]:
    own = ("table", "on", "facts", "lines", "nearest")
    household, rest = _document(given, own, {"table", "on", "members"})
    on, nearest = date(rest["on"]), rest.get("nearest", True)
    if not isinstance(nearest, bool):
        raise Refused("api.shape")
    checked, forced = engine.table(rest["table"], on)
    facts, lines = rest.get("facts", []), rest.get("lines", {})
    try:
        return what_if(household, facts, lines, checked, engine.standards, on, lang, forced=forced, nearest=nearest)
    except RegisterError as error:
        faults = [entry(one, checked.names.attributes, lang) for one in error.faults]
        raise Refused("api.household", 422, faults) from None
    except UsageError as error:
        if not error.faults[0].code.startswith(("asking.", "sweep.")):
            raise Refused("api.date") from None
        raise Refused("api.change", 422, [_fault(one, lang) for one in error.faults]) from None
    except TableError:
        raise Refused("api.change", 422, [_fault(None, lang)]) from None


def _fault(fault: Any, lang: str) -> dict[str, Any]:
    """What is wrong with a change. Of a line no more than that: the library's own sentence would repeat the amount."""
    if fault is not None and fault.code.startswith("asking."):
        return {"code": fault.code, "pointer": fault.file, "detail": messages.text(fault.code, lang, **fault.params)}
    return {"code": "asking.line", "pointer": "/lines", "detail": messages.text("asking.line", lang)}


def _compare(engine: Engine, given: bytes, lang: str) -> dict[str, Any]:
    household, rest = _document(given, ("tables", "on"), {"tables", "on", "members"})
    on, specs = date(rest["on"]), rest["tables"]
    if not isinstance(specs, list) or not 1 <= len(specs) <= MOST_TABLES:
        raise Refused("api.shape")
    tables = [engine.table(spec, on) for spec in specs]
    try:
        found = compare(household, tables, engine.standards, on, lang)
    except RegisterError as error:
        known = {name: one for checked, _ in tables for name, one in checked.names.attributes.items()}
        raise Refused("api.household", 422, [entry(one, known, lang) for one in error.faults]) from None
    except UsageError:
        raise Refused("api.date") from None
    run = {"engine": hardship.__version__, "on": on.isoformat(), "standards_sha256": engine.standards.sha256}
    return found | {"run": run}
