"""Flags that every household of a run carries."""

from __future__ import annotations

import datetime as dt

from hardship.language.table import Table

TABLE_FORCED, PAST_VERIFICATION = "table_forced", "past_verification"


def run_flags(table: Table, on: dt.date, forced: bool) -> list[str]:
    """Flags that every household of a run carries: a forced version, a number past its verification."""
    numbers = (
        *table.parameter,
        *table.constant,
        *table.lookup,
        *table.list,
        *table.require,
        *table.derive,
        *table.item,
        *table.veto,
        *table.person,
        *table.benefit,
        *table.output,
        *(rung for ladder in table.ladder for rung in ladder.rung),
        *(one for one in (table.review, table.transition) if one is not None),
    )
    past = any(one.verified_until is not None and one.verified_until < on for one in numbers)
    return [flag for flag, holds in ((PAST_VERIFICATION, past), (TABLE_FORCED, forced)) if holds]
