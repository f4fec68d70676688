"""The record of a comparison: both settings, hashes, counts; and the stops before any of it is believed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import __version__
from hardship.columns import round_half_up
from hardship.errors import Fault, RegisterError
from hardship.movement.frame import KINDS
from hardship.movement.runs import BEFORE, FACTORS, Runs
from hardship.plausible import check_columns, check_incomes, line_values
from hardship.reading.rejects import main_reasons
from hardship.record import counts, set_aside

if TYPE_CHECKING:
    from hardship.engine.machine import Raw
    from hardship.inputs import Inputs
    from hardship.lowering.bind import Columns

KIND = "movement"


def stop_on_nothing(setting: Inputs, columns: Columns, raw: Raw, scored: int) -> None:
    """Refuse a setting of which no household is left.

    Raises:
        RegisterError: with the commonest reasons.
    """
    if scored == 0:
        params = {"rejected": setting.register.counts["households"]["in"]}
        reasons = main_reasons(set_aside(setting.register, setting.checked, columns, raw))
        raise RegisterError([Fault("common.nothing_left", params=params), *reasons])


def setting_record(runs: Runs, side: int, frame: pl.DataFrame, accepted: str) -> dict[str, Any]:
    """What `run.json` says of one setting.

    Args:
        side: 0 before, 1 after.
        frame: the movement.
        accepted: why implausible incomes are right; "" stops on them.

    Raises:
        RegisterError: incomes or a column that a wrong unit would explain, and nobody said why they are right.
    """
    setting, found = runs.settings[side], runs.answer(runs.after if side else BEFORE)
    assert found is not None
    table = setting.checked.table.table
    incomes = frame.select("area_code", income_per_head=pl.col(f"income_{('before', 'after')[side]}"))
    rules = setting.checked, setting.standards, setting.on, accepted
    checked = check_incomes(incomes, *rules)
    doubtful = check_columns(setting.register, runs.used(side), *rules)
    areas = frame["area_code"].unique().to_list()
    lines = sorted(set(line_values(setting.checked, setting.standards, setting.on, areas)))
    return {
        "on": setting.on.isoformat(),
        "table": {"id": table.id, "version": table.version.isoformat(), "sha256": setting.checked.sha256},
        "forced": setting.forced,
        "standards_sha256": setting.standards.sha256,
        "register": setting.register.told,
        "counts": counts(setting.register, found.kept, int((found.kept & ~found.complete).sum())),
        "incomes": checked,
        "columns": doubtful,
        "lines": [str(Decimal(round_half_up(line * 100)).scaleb(-2)) for line in lines],
    }


def movement_record(runs: Runs, frame: pl.DataFrame, scale: int, accepted: str) -> dict[str, Any]:
    """The content of `run.json` without sources, timings and hash."""
    kinds = dict(frame.group_by("kind").len().iter_rows())
    with ThreadPoolExecutor(2) as pool:
        before, after = pool.map(lambda side: setting_record(runs, side, frame, accepted), (0, 1))
    return {
        "schema": 1,
        "kind": KIND,
        "engine": __version__,
        "before": before,
        "after": after,
        "factors": [name for name, differs in zip(FACTORS, runs.differs, strict=True) if differs],
        "runs": runs.count,
        "index_unit": "1" if scale == 1 else f"1/{scale}",
        "counts": {
            "households": frame.height,
            "changed": int((frame["changed"] != "").sum()),
            **{name: kinds.get(name, 0) for name in KINDS},
        },
        "ranks": {
            "towards_hardest": int((frame["rank_change"] > 0).sum()),
            "away": int((frame["rank_change"] < 0).sum()),
            "same": int((frame["rank_change"] == 0).sum()),
        },
    }
