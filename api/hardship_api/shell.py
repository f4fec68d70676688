"""The outermost layer of every request: its number, the gate, headers, counts, one line of log, a bare 500.

An exception's text may hold what a family told us, so only its type and the line of code are logged.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

import hardship
from hardship_api.gate import Gate, Message, Receive, Visit
from hardship_api.metrics import Metrics
from hardship_api.problems import answer, language, on_refused, problem
from hardship_api.settings import Settings
from hardship_api.strict_json import Refused

log = logging.getLogger("hardship_api")
access = logging.getLogger("hardship_api.access")

Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Direct = Callable[[Request], Awaitable[bytes]]

GONE = 499
PANIC = "PanicException"
STREAMED = ("/v1/score/batch", "/v1/rank")
"""Routes that work while their body comes: they stay inside, and have a number of their own."""
HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"hardship-engine": hardship.__version__.encode(),
}
_OWN = tuple(HEADERS.items())
_JSON = (b"content-type", b"application/json")
_PROCESS = secrets.randbits(64)
_numbers = itertools.count()


def request_number() -> str:
    """A number for the logs and the client: 16 hex digits, of which no two in one process are equal."""
    return f"{(_PROCESS + next(_numbers) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF:016x}"


class Shell:
    """Wraps the whole service.

    Args:
        direct: path → what answers its POST requests here with JSON: the framework's routing would take as long as a
            score.
    """

    def __init__(
        self, app: App, gate: Gate, metrics: Metrics, settings: Settings, direct: Mapping[str, Direct]
    ) -> None:
        self.app, self._gate, self._metrics, self._settings = app, gate, metrics, settings
        self._direct = direct

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status, size, inside, route = 0, 0, False, ""
        visit: Visit | None = None
        number = request_number()

        async def with_headers(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message.get("headers", ())
                names = {name for name, _ in given}
                own = [header for header in _OWN if header[0] not in names]
                message["headers"] = [*given, *own, (b"x-request-id", number.encode())]
            else:
                size += len(message.get("body", b""))
            await send(message)

        self._metrics.in_flight.inc()
        try:
            address = scope["client"][0] if scope.get("client") else ""
            inside = await self._gate.enter(scope["path"], dict(scope["headers"]), address)
            direct = self._direct.get(scope["path"]) if scope["method"] == "POST" else None
            if inside and scope["path"] not in STREAMED:
                visit = Visit(self._gate, receive)
                receive = visit.receive
            if direct is None:
                await self.app(scope, receive, with_headers)
            else:
                route = scope["path"]
                body = await direct(Request(scope, receive))
                status, size = 200, len(body)
                length = b"content-length", str(size).encode()
                headers = [length, _JSON, *_OWN, (b"x-request-id", number.encode())]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
        except ClientDisconnect:
            status = GONE  # an answer begun is left unfinished: the connection is cut
        except BaseException as error:
            # A panic of native code is no `Exception`, and what would be logged of it elsewhere may hold values.
            if not isinstance(error, Exception) and type(error).__name__ != PANIC:
                raise
            if not status:
                found = await _problem(Request(scope), error)
                await found(scope, receive, with_headers)
            if not isinstance(error, Refused):
                _note(error)
        finally:
            if visit is not None:
                visit.end()
            elif inside:
                self._gate.leave()
            self._metrics.in_flight.dec()
            seconds = time.perf_counter() - began
            route = route or getattr(scope.get("route"), "path", "other")
            self._metrics.request(route, status, seconds)
            if self._settings.access_log:
                who = f" {scope['client'][0]}" if self._settings.log_addresses and scope.get("client") else ""
                access.info("%s %s %d %.1fms %d%s", number, route, status, seconds * 1000, size, who)


async def _problem(request: Request, error: BaseException) -> Response:
    """What a request gets that the service itself did not answer."""
    if not isinstance(error, Refused):
        return answer(problem("api.internal", 500, language(request)))
    found = await on_refused(request, error)
    if error.status == 401:
        found.headers["www-authenticate"] = "Bearer"
    return found


def _note(error: BaseException) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"
    log.error("unforeseen %s at %s", type(error).__name__, place)
