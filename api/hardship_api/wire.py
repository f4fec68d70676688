"""The way of a household that came in one piece: answered where it is read, without scope, task and messages.

What uvicorn and ASGI take for a request is a quarter of what a score takes. Everything that is not quite usual goes
their way: the answer is the same.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from hardship_api.engine import INLINE_BYTES
from hardship_api.patience import Patient
from hardship_api.scoring import AT_ONCE
from hardship_api.shell import ENTERED, Shell

STATUS = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
JSON = b"application/json"


class Wire(Patient):
    """uvicorn's HTTP/1.1 with patience; plain scores of one household are answered as soon as they are read."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        shell = getattr(self.app, "middleware_stack", None)  # something else stands there with `--proxy`
        self._shell = shell if isinstance(shell, Shell) else None
        self._held: bytes | None = None

    def on_headers_complete(self) -> None:
        """Hold the head back, if the whole request may be here."""
        if self._shell is not None and self.url in AT_ONCE and self._usual():
            self._held = b""
            self._head_is_there()
        else:
            super().on_headers_complete()

    def _usual(self) -> bool:
        """Whether a request is a plain one on a connection that stays and has nothing else to do."""
        return (
            self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
        )

    def on_body(self, body: bytes) -> None:
        """Some of a body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held = self._held + body if self._held else body

    def on_message_complete(self) -> None:
        """The whole request is here: answer it."""
        body, self._held = self._held, None
        if body is None:
            super().on_message_complete()
            return
        headers = dict(self.headers)
        if len(body) > INLINE_BYTES or headers.get(b"content-type") != JSON or b"content-encoding" in headers:
            self._go_on(body)
            super().on_message_complete()
            return
        assert self._shell is not None
        address = self.client[0] if self.client else ""
        found = self._shell.at_once(AT_ONCE[self.url], headers, body, address)
        if isinstance(found, float):
            scope: Any = self.scope
            scope[ENTERED] = found
            self._go_on(body)
            super().on_message_complete()
            return
        status, fields, answer = found
        lines = [STATUS[status]]
        for name, value in (*self.server_state.default_headers, *fields):
            lines += (name, b": ", value, b"\r\n")
        lines += (b"\r\n", answer)
        self.transport.write(b"".join(lines))
        self.server_state.total_requests += 1
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _go_on(self, body: bytes) -> None:
        """Let a request that was held back go uvicorn's way."""
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def data_received(self, data: bytes) -> None:
        """Bytes came; a request that is not all here goes uvicorn's way."""
        super().data_received(data)
        if self._held is not None:
            body, self._held = self._held, None
            self._go_on(body)
