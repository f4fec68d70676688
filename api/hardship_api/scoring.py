"""`POST /v1/score`: one household."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from hardship_api import documents
from hardship_api.bodies import JSON, media_type, query, read_body
from hardship_api.engine import FORMS, INLINE_BYTES, INLINE_FORMS, Engine, Later
from hardship_api.problems import language
from hardship_api.settings import Settings
from hardship_api.strict_json import Refused

router = APIRouter(prefix="/v1")
DETAILS = {b"": "", **{f"detail={form}".encode(): form for form in FORMS}}
"""Query strings that need no reading."""


@router.post("/score", openapi_extra=documents.SCORE, response_class=Response)
async def score_one(request: Request) -> Response:
    """Score one household and explain the result."""
    return Response(await scored(request), media_type="application/json")


async def scored(request: Request) -> bytes:
    """The body of the answer for one household.

    Raises:
        Refused: the request, its body or the household.
    """
    media_type(request, JSON)
    detail = DETAILS.get(request.scope["query_string"])
    if detail is None:
        detail = query(request, "detail").get("detail", "")
        if detail and detail not in FORMS:
            raise Refused("api.parameters")
    settings: Settings = request.app.state.settings
    engine: Engine = request.app.state.engine
    body = await read_body(request, settings.one_bytes)
    try:
        asked = engine.asked(body)
        form = next((one for one in FORMS if one == detail), "full" if asked.explained else "summary")
        lang = language(request)
        try:
            if len(body) > INLINE_BYTES or form not in INLINE_FORMS or not engine.at_hand(asked):
                raise Later
            found = engine.one(asked, form, lang, quick=True)
        except Later:
            found = await run_in_threadpool(engine.one, asked, form, lang)
    except Refused:
        request.app.state.metrics.single(False)
        raise
    request.app.state.metrics.single(True)
    return found
