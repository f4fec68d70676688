"""What a keeper of the service may set, in the environment or as options: sizes, times, room, keys, rates."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardship.errors import Fault, UsageError

PREFIX = "HARDSHIP_API_"


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and options; `HARDSHIP_API_<NAME>` sets each.

    Attributes:
        one_bytes: most bytes of a body with one household, unpacked.
        batch_bytes, rank_bytes: most bytes of a batch, of a ranking, unpacked.
        batch_households, rank_households: most households of a batch, of a ranking.
        one_seconds: a body with one household must be there after so many seconds.
        batch_seconds: a batch must be there after so many seconds.
        idle_seconds: longest wait for any further byte of a body, and for a client to take a part of its answer.
        head_seconds: the head of a request must be there after so many seconds.
        in_flight: most requests at a time in one worker; beyond it 503.
        waiting: most requests with one household at a time in one worker whose body is still on its way; beyond it 503.
        batches: most batches and rankings that are worked on at a time in one worker; others wait their turn.
        open_batches: most batches and rankings at a time in one worker whose body is on its way or whose answer is
            being taken; beyond it 503.
        keys: file of the API keys; "" asks for none.
        secret: server secret of the keys (hex or any text of at least 32 characters).
        secret_file: file with the secret, instead of `secret`.
        rate_key, rate_address: `100/minute`, `10/second`: most requests of one key, of one address, counted in each
            worker; "" counts none.
        access_log: one line for each request, without query, body and address.
        log_addresses: puts the address into that line.
    """

    one_bytes: int = 1_000_000
    batch_bytes: int = 2**31
    rank_bytes: int = 500_000_000
    batch_households: int = 1_000_000
    rank_households: int = 200_000
    one_seconds: int = 10
    batch_seconds: int = 1_800
    idle_seconds: int = 30
    head_seconds: int = 10
    in_flight: int = 64
    waiting: int = 1024
    batches: int = 2
    open_batches: int = 16
    keys: str = ""
    secret: str = dataclasses.field(default="", repr=False)
    secret_file: str = ""
    rate_key: str = ""
    rate_address: str = ""
    access_log: bool = False
    log_addresses: bool = False

    def environment(self) -> dict[str, str]:
        """The variables that give these settings to worker processes; what is as usual is left out."""
        return {
            PREFIX + one.name.upper(): str(int(value) if isinstance(value, bool) else value)
            for one in dataclasses.fields(self)
            if (value := getattr(self, one.name)) != one.default
        }


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that the environment gives.

    Raises:
        UsageError: a number that is none, or not positive.
    """
    known = os.environ if environment is None else environment
    found: dict[str, Any] = {}
    for one in dataclasses.fields(Settings):
        text = known.get(PREFIX + one.name.upper(), "").strip()
        if not text:
            continue
        if isinstance(one.default, bool):
            found[one.name] = text.lower() in ("1", "true", "yes")
        elif isinstance(one.default, int):
            if not (text.isascii() and text.isdigit() and 0 < int(text[:18]) < 10**12):
                raise UsageError(Fault("api.setting", params={"name": PREFIX + one.name.upper()}))
            found[one.name] = int(text)
        else:
            found[one.name] = text
    return dataclasses.replace(Settings(), **found)
