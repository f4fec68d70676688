"""Who may come in: room, keys, rates. Asked before a byte of the body is read."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from hardship.errors import Fault, UsageError
from hardship_api.keys import Keys, server_secret
from hardship_api.problems import Busy
from hardship_api.settings import Settings
from hardship_api.strict_json import Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

OPEN = ("/health", "/ready", "/docs", "/docs.js", "/docs.css")
"""Answered without a key: they say nothing that the public source does not."""
UNCOUNTED = ("/health", "/ready", "/metrics")
"""Answered however full it is."""
WRONG_KEYS = parse("30/minute")
RETRY = 1


class Gate:
    """The rules of one worker.

    Raises:
        UsageError: keys without a secret, a file that cannot be read, a rate that is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._most = settings.in_flight
        self._most_waiting = settings.waiting
        self._most_held = settings.in_flight * settings.one_bytes
        self._inside = self._leaving = self._waiting = self._held = 0
        self._keys: Keys | None = None
        if settings.keys:
            self._keys = Keys(Path(settings.keys), server_secret(settings.secret, settings.secret_file))
        self._key_rate = _rate(settings.rate_key)
        self._address_rate = _rate(settings.rate_address)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def enter(self, path: str, headers: Mapping[bytes, bytes], address: str) -> bool:
        """Let a request in; whether it counts as inside, and must `leave`.

        Raises:
            Busy: there is no room (503), or too many requests came from this key or address (429).
            Refused: no good key (401).
        """
        if path in UNCOUNTED:
            self._check(path, headers, address)
            return False
        if self._inside >= self._most:
            raise Busy(RETRY)
        self._check(path, headers, address)
        self._inside += 1
        return True

    def leave(self) -> None:
        """A request that was inside is over.

        Its place is free when the event loop has looked at all who came in the same moment: one whose work is done
        without waiting would never be seen by another, and however many came, all would be let in.
        """
        if not self._leaving:
            asyncio.get_running_loop().call_soon(self._free)
        self._leaving += 1

    def _free(self) -> None:
        self._inside -= self._leaving
        self._leaving = 0

    def step_back(self) -> None:
        """A request that was inside waits outside for its body, so that slow senders take nobody's place.

        Raises:
            Busy: too many wait; the request stays inside, and must `leave`.
        """
        if self._waiting >= self._most_waiting:
            raise Busy(RETRY)
        self._inside -= 1
        self._waiting += 1

    def hold(self, size: int) -> None:
        """Bytes of a waiting body came (below 0: its wait is over).

        Raises:
            Busy: the waiting bodies together are too large; the bytes count all the same until they are given back.
        """
        self._held += size
        if size > 0 and self._held > self._most_held:
            raise Busy(RETRY)

    def come_back(self) -> None:
        """The body is there: the request is inside again.

        Raises:
            Busy: there is no room any more; the request still waits, and must `give_up`.
        """
        if self._inside >= self._most:
            raise Busy(RETRY)
        self._waiting -= 1
        self._inside += 1

    def give_up(self) -> None:
        """A waiting request is over."""
        self._waiting -= 1

    def _check(self, path: str, headers: Mapping[bytes, bytes], address: str) -> None:
        if self._address_rate is not None:
            self._hit(self._address_rate, "address", address)
        if self._keys is None or path in OPEN:
            return
        if not self._limiter.test(WRONG_KEYS, "wrong", address):
            self._refuse(WRONG_KEYS, "wrong", address)
        key = headers.get(b"authorization", b"").decode("latin-1")
        key = key[7:].strip() if key[:7].lower() == "bearer " else ""
        holder = self._keys.holder(key)
        if holder is None:
            self._limiter.hit(WRONG_KEYS, "wrong", address)
            raise Refused("api.key", 401)
        if self._key_rate is not None:
            self._hit(self._key_rate, "key", holder)

    def _hit(self, rate: RateLimitItem, kind: str, who: str) -> None:
        if not self._limiter.hit(rate, kind, who):
            self._refuse(rate, kind, who)

    def _refuse(self, rate: RateLimitItem, kind: str, who: str) -> None:
        until = self._limiter.get_window_stats(rate, kind, who).reset_time
        raise Busy(max(math.ceil(until - time.time()), 1), "api.rate", 429)


class Visit:
    """The way of one request with one household through the gate: inside, outside while its body comes, inside.

    Args:
        receive: the request's messages.
    """

    def __init__(self, gate: Gate, receive: Receive) -> None:
        self._gate, self._receive = gate, receive
        self._inside, self._begun, self._size = True, False, 0

    async def receive(self) -> Message:
        """The next message; with the last one of the body the request is inside again.

        Raises:
            Busy: there is no room.
        """
        if not self._begun:
            self._gate.step_back()
            self._begun, self._inside = True, False
        message = await self._receive()
        if not self._inside:
            size = len(message.get("body", b""))
            self._size += size
            self._gate.hold(size)
            if not message.get("more_body", False):
                self._gate.come_back()
                self._inside = True
        return message

    def end(self) -> None:
        """The request is over."""
        self._gate.hold(-self._size)
        if self._inside:
            self._gate.leave()
        else:
            self._gate.give_up()


def _rate(text: str) -> RateLimitItem | None:
    """`100/minute` as a limit; None for none.

    Raises:
        UsageError: it is no rate.
    """
    if not text:
        return None
    try:
        return parse(text)
    except ValueError:
        raise UsageError(Fault("api.rate_form")) from None
