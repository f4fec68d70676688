"""Errors as problem details (RFC 9457): a code, a sentence and places, never an input value.

Answers are plain ASCII, so that no client's decoder can stumble over them.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from hardship import messages
from hardship_api.strict_json import Refused

log = logging.getLogger("hardship_api")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

STATUS_CODES = {404: "api.not_found", 405: "api.method", 413: "api.too_large", 415: "api.media_type"}


def language(request: Request) -> str:
    """`zh` if the client asks for Chinese first, else `en`."""
    return "zh" if request.headers.get("accept-language", "").strip().lower().startswith("zh") else "en"


def problem(code: str, status: int, lang: str, faults: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """One problem document. `faults` are `{"pointer", "code", "detail"}`, already free of input values."""
    found: dict[str, Any] = {
        "type": "urn:hardship:problem:" + code.partition(".")[2],
        "title": messages.text(code, lang),
        "status": status,
        "code": code,
    }
    if faults:
        found["errors"] = faults
    return found


def answer(content: dict[str, Any]) -> Response:
    """The HTTP answer of a problem document."""
    body = json.dumps(content, ensure_ascii=True, sort_keys=True).encode("ascii")
    return Response(body, content["status"], media_type="application/problem+json")


async def on_refused(request: Request, error: Exception) -> Response:
    """A refused body."""
    assert isinstance(error, Refused)
    return answer(problem(error.code, error.status, language(request), error.faults))


async def on_http(request: Request, error: Exception) -> Response:
    """What the framework refuses itself: unknown address, wrong method."""
    assert isinstance(error, HTTPException)
    code = STATUS_CODES.get(error.status_code, "api.refused")
    found = answer(problem(code, error.status_code, language(request)))
    for name, value in (error.headers or {}).items():
        found.headers[name] = value
    return found


async def on_invalid(request: Request, _: Exception) -> Response:
    """A query parameter that does not fit; the framework's own answer would repeat it."""
    return answer(problem("api.parameters", 422, language(request)))


class Shell:
    """Outermost middleware: headers on every answer, and a bare 500 for an unforeseen exception.

    An exception's text may hold what a family told us, so only its type and the line of code are logged.
    """

    HEADERS = (
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'"),
    )

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *self.HEADERS]
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"
            log.error("unforeseen %s at %s", type(error).__name__, place)
            if scope["type"] == "http" and not started:
                found = answer(problem("api.internal", 500, language(Request(scope))))
                await found(scope, receive, with_headers)
