"""The lot of a household: the same number in every register and every run, for samples that anybody can draw again."""

from __future__ import annotations

import hashlib

LOT = "lot"  # its name in tables and in a program's columns
LOTS = 10_000
"""How many lots there are; they run from 0."""


def lot(household_id: str) -> int:
    """The lot of a household, in [0, LOTS): the first eight bytes of its id's SHA-256, modulo `LOTS`."""
    return int.from_bytes(hashlib.sha256(household_id.encode()).digest()[:8]) % LOTS
