"""`POST /v1/score`: one household."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from hardship_api import documents
from hardship_api.bodies import JSON, Headers, head, media_type, query, read_body
from hardship_api.engine import FORMS, INLINE_BYTES, Asked, Engine, Later
from hardship_api.gate import Message, Receive
from hardship_api.metrics import Metrics
from hardship_api.problems import spoken
from hardship_api.settings import Settings
from hardship_api.strict_json import Refused

router = APIRouter(prefix="/v1")
PATH = "/v1/score"
DETAILS = {b"": "", **{f"detail={form}".encode(): form for form in FORMS}}
"""Query strings that need no reading."""


@router.post("/score", openapi_extra=documents.SCORE, response_class=Response)
async def score_one(request: Request) -> Response:
    """Score one household and explain the result."""
    scoring: Scoring = request.app.state.scoring
    return Response(await scoring(request.scope, head(request), request.receive), media_type="application/json")


class Scoring:
    """Single households; called by `shell`, without the framework's routing, which takes as long as a score."""

    def __init__(self, engine: Engine, settings: Settings, metrics: Metrics) -> None:
        self._engine, self._settings, self._metrics = engine, settings, metrics

    async def __call__(self, scope: Message, headers: Headers, receive: Receive) -> bytes:
        """The body of the answer to a request.

        Raises:
            Refused: the request, its body or the household.
        """
        if headers.get(b"content-type") != b"application/json":
            media_type(headers, JSON)
        detail = DETAILS.get(scope["query_string"])
        if detail is None:
            detail = query(scope["query_string"], "detail").get("detail", "")
            if detail and detail not in FORMS:
                raise Refused("api.parameters")
        body = await read_body(headers, receive, self._settings.one_bytes, self._settings.one_seconds)
        lang = spoken(headers.get(b"accept-language", b""))
        found = self._at_once(body, detail, lang)
        if isinstance(found, bytes):
            return found
        try:
            answer = await run_in_threadpool(self._engine.one, found, _form(detail, found), lang)
        except Refused:
            self._metrics.single(False)
            raise
        self._metrics.single(True)
        return answer

    def _at_once(self, body: bytes, detail: str, lang: str) -> bytes | Asked:
        """The answer to a body; where it may take long, what was asked.

        Raises:
            Refused: the body or the household.
        """
        try:
            asked = self._engine.asked(body)
            form = _form(detail, asked)
            if len(body) > INLINE_BYTES or not self._engine.at_hand(asked):
                return asked
            answer = self._engine.one(asked, form, lang, quick=True)
        except Later:
            return asked
        except Refused:
            self._metrics.single(False)
            raise
        self._metrics.single(True)
        return answer


def _form(detail: str, asked: Asked) -> Any:
    """The form that a query names; without one the body says whether an explanation is wanted."""
    return detail or ("full" if asked.explained else "summary")
