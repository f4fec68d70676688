"""Errors as problem details (RFC 9457): a code, a sentence and places, never an input value.

Answers are plain ASCII, so that no client's decoder can stumble over them.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from hardship import messages
from hardship_api.strict_json import Refused


class Busy(Refused):
    """There is no room now; `retry_after` says in how many seconds to try again."""

    def __init__(self, retry_after: int, code: str = "api.busy", status: int = 503) -> None:
        super().__init__(code, status)
        self.retry_after = retry_after


SLOW, NO_KEY = 408, 401
STATUS_CODES = {404: "api.not_found", 405: "api.method", 413: "api.too_large", 415: "api.media_type"}


def spoken(wanted: bytes) -> str:
    """`zh` if an `Accept-Language` asks for Chinese first, else `en`."""
    return "zh" if wanted and wanted.strip().lower().startswith(b"zh") else "en"


def language(request: Request) -> str:
    """The language of the answer to a request."""
    return spoken(request.headers.get("accept-language", "").encode("latin-1"))


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


def refusal(error: Refused, lang: str) -> Response:
    """The answer to what was refused."""
    found = answer(problem(error.code, error.status, lang, error.faults))
    if error.status == SLOW:
        found.headers["connection"] = "close"  # the rest of the body is not waited for
    if error.status == NO_KEY:
        found.headers["www-authenticate"] = "Bearer"
    if isinstance(error, Busy):
        found.headers["retry-after"] = str(error.retry_after)
    return found


async def on_refused(request: Request, error: Exception) -> Response:
    """A refused body."""
    assert isinstance(error, Refused)
    return refusal(error, language(request))


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
