"""The wire: a head that comes too slowly or grows too long, and a body that nobody wants, end a connection."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hardship_api.problems import answer, problem
from hardship_api.settings import Settings, from_environment
from hardship_api.shell import HEADERS

HEAD_BYTES = 2**16
LINGER = 5
"""Seconds in which the rest of a refused body is taken and dropped, so that its sender can read why."""


@cache
def _settings() -> Settings:
    return from_environment()


class Patient(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with an end to its patience."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._head: int | None = 0

    def _wait(self, seconds: float) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self._cut)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def connection_made(self, transport: Any) -> None:
        """The first head is waited for."""
        super().connection_made(transport)
        self._wait(_settings().head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A further head begins."""
        super().on_message_begin()
        if self._head is None:
            self._head = 0

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._head = None
        self._stop()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head are counted, and the rest of it is waited for."""
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(431)
            elif self._timer is None:
                self._wait(_settings().head_seconds)

    def on_response_complete(self) -> None:
        """An answer that came before the end of its body gives the sender a little time."""
        super().on_response_complete()
        if self.cycle.more_body:
            self._wait(LINGER)

    def on_message_complete(self) -> None:
        """The body has ended, wanted or not."""
        super().on_message_complete()
        self._stop()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem like every other fault."""
        self._refuse(400)

    def _refuse(self, status: int) -> None:
        found = answer(problem("api.http", status, "en"))
        reason = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}[status]
        lines = [b"HTTP/1.1 %d %s" % (status, reason)]
        lines += [b": ".join(header) for header in (*found.raw_headers, *HEADERS.items(), (b"connection", b"close"))]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(found.body))
        self.transport.close()
