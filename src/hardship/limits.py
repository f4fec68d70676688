"""The sizes that every proof rests on: how many rows fold into one, how far an integer reaches.

The readers refuse a register beyond the first three; the checker multiplies by them; the machine needs no
test of
its own because of both.
"""

from __future__ import annotations

MEMBERS = 200
"""Most members a household; it has at least one."""
SUPPORTERS = 40
"""Most supporters a member."""
TRANSFERS = 24
"""Most transfers a member."""

ROWS: dict[tuple[str, str], int] = {
    ("household", "member"): MEMBERS,
    ("household", "supporter"): MEMBERS * SUPPORTERS,
    ("household", "transfer"): MEMBERS * TRANSFERS,
    ("member", "supporter"): SUPPORTERS,
    ("member", "transfer"): TRANSFERS,
}
"""Most rows of the second level that belong to one row of the first."""

INT64 = 2**63 - 1
"""Largest integer of a machine register; the smallest one used is its negative."""

SET_VALUES = 64
"""Most values of a set: one bit each."""

ASSESSMENT = (1900_01_01, 2299_12_31)
"""First and last assessment date (`on`), as yyyymmdd."""

REVIEW_MONTHS = 600
"""Most months between two reviews."""

EXIT_MONTHS = 999
"""Most months of a gradual exit; so every one ends before `LAST_DAY`."""

LAST_DAY = 9999_12_31
"""The last day there is, as yyyymmdd."""
