"""Who may come in: room, keys, rates. Asked before a byte of the body is read."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from pathlib import Path

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from hardship.errors import Fault, UsageError
from hardship_api.keys import Keys, server_secret
from hardship_api.problems import Busy
from hardship_api.settings import Settings
from hardship_api.strict_json import Refused

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
        self._inside = 0
        self._keys: Keys | None = None
        if settings.keys:
            self._keys = Keys(Path(settings.keys), server_secret(settings.secret, settings.secret_file))
        self._key_rate = _rate(settings.rate_key)
        self._address_rate = _rate(settings.rate_address)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def enter(self, path: str, headers: Mapping[bytes, bytes], address: str) -> bool:
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
        await asyncio.sleep(0)  # whoever came in the same moment is counted before any work is done
        return True

    def leave(self) -> None:
        """A request that was inside is over."""
        self._inside -= 1

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
