"""The outermost layer of every request: its number, the gate, headers, counts, one line of log, a bare 500.

An exception's text may hold what a family told us, so only its type and the line of code are logged.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import ClientDisconnect
from starlette.responses import Response

import hardship
from hardship_api.bodies import Headers
from hardship_api.gate import Gate, Message, Receive, Visit
from hardship_api.metrics import Metrics
from hardship_api.problems import answer, problem, refusal, spoken
from hardship_api.scoring import PATH, Scoring
from hardship_api.settings import Settings
from hardship_api.strict_json import Refused

log = logging.getLogger("hardship_api")
access = logging.getLogger("hardship_api.access")

Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

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


def request_number() -> bytes:
    """A number for the logs and the client: 16 hex digits, of which no two in one process are equal."""
    return b"%016x" % ((_PROCESS + next(_numbers) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)


class Outgoing:
    """An answer on its way out: it gets our headers, and is measured.

    Attributes:
        status, size: of the answer; status 0 before it begins.
    """

    __slots__ = ("_number", "_send", "size", "status")

    def __init__(self, send: Send, number: bytes) -> None:
        self._send, self._number, self.status, self.size = send, number, 0, 0

    async def send(self, message: Message) -> None:
        """Send one message of the framework's."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = with_own(message.get("headers", ()), self._number)
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)

    async def json(self, body: bytes) -> None:
        """Send a whole good answer."""
        self.status, self.size = 200, len(body)
        await self._send({"type": "http.response.start", "status": 200, "headers": _good(body, self._number)})
        await self._send({"type": "http.response.body", "body": body})


class Shell:
    """Wraps the whole service; a single household is scored here, not behind the framework's routing."""

    def __init__(self, app: App, gate: Gate, metrics: Metrics, settings: Settings, scoring: Scoring) -> None:
        self.app, self._gate, self._metrics, self._settings = app, gate, metrics, settings
        self._scoring = scoring

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        path, headers, number = scope["path"], dict(scope["headers"]), request_number()
        scored = path == PATH and scope["method"] == "POST"
        outgoing = Outgoing(send, number)
        inside = False
        visit: Visit | None = None
        self._metrics.in_flight.inc()
        try:
            inside = self._gate.enter(path, headers, _address(scope))
            if inside and path not in STREAMED:
                visit = Visit(self._gate, receive)
                receive = visit.receive
            if scored:
                await outgoing.json(await self._scoring(scope, headers, receive))
            else:
                await self.app(scope, receive, outgoing.send)
        except ClientDisconnect:
            outgoing.status = GONE  # an answer begun is left unfinished: the connection is cut
        except BaseException as error:
            if not foreseen(error):
                raise
            if not outgoing.status:
                await _problem(error, headers)(scope, receive, outgoing.send)
            if not isinstance(error, Refused):
                _note(error)
        finally:
            if visit is not None:
                visit.end()
            elif inside:
                self._gate.leave()
            self._metrics.in_flight.dec()
            route = PATH if scored else getattr(scope.get("route"), "path", "other")
            self._count(number, route, outgoing.status, began, outgoing.size, _address(scope))

    def _count(self, number: bytes, route: str, status: int, began: float, size: int, address: str) -> None:
        seconds = time.perf_counter() - began
        self._metrics.request(route, status, seconds)
        if self._settings.access_log:
            who = f" {address}" if self._settings.log_addresses and address else ""
            access.info("%s %s %d %.1fms %d%s", number.decode(), route, status, seconds * 1000, size, who)


def _good(body: bytes, number: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", b"%d" % len(body)), *_OWN, _JSON, (b"x-request-id", number)]


def foreseen(error: BaseException) -> bool:
    """Whether an error is answered with 500: a panic of native code is no `Exception`, and may hold values."""
    return isinstance(error, Exception) or type(error).__name__ == PANIC


def with_own(headers: Iterable[tuple[bytes, bytes]], number: bytes) -> list[tuple[bytes, bytes]]:
    """Headers with ours, where they say nothing else, and the request's number."""
    given = list(headers)
    names = {name for name, _ in given}
    return [*given, *(header for header in _OWN if header[0] not in names), (b"x-request-id", number)]


def _address(scope: Message) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _problem(error: BaseException, headers: Headers) -> Response:
    """What a request gets that the service itself did not answer."""
    lang = spoken(headers.get(b"accept-language", b""))
    return refusal(error, lang) if isinstance(error, Refused) else answer(problem("api.internal", 500, lang))


def _note(error: BaseException) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"
    log.error("unforeseen %s at %s", type(error).__name__, place)
