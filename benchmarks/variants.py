"""Variants of a table: the same sweep of a standard in one pass of `hardship` and as a loop over a polars query.

Either gives every result column of every setting, or counts households by circle and adds up benefits; the polars loop
is run for some settings spread over all, and its time for all is that many times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import polars as pl

from benchmarks.engines import STORES, THREADS, Results, Work
from benchmarks.measure import Figures, figures, measure
from benchmarks.peers import county_polars
from benchmarks.peers.county import CIRCLES, LocalNumbers
from benchmarks.population import ON
from hardship.engine.variants import runs
from hardship.lowering.bind import bind
from hardship.lowering.lower import lower
from hardship.sweep.apply import changed_columns, split
from hardship.sweep.run import sweep
from hardship.sweep.settings import Setting, grid

STEP = Fraction(1, 400)  # a quarter of a percent: every changed standard is whole fen
ASKED = 10  # settings of the polars loop
Counts = dict[str, tuple[int, int]]


def _settings(settings: int) -> list[Setting]:
    last = STEP * (settings - 1) * 100
    return grid([f"dibao_standard=+0%..+{float(last):g}%:0.25%"])


def _local(work: Work, setting: int) -> LocalNumbers:
    urban, rural = (int(line * (1 + STEP * setting)) for line in work.local.dibao_year)
    return replace(work.local, dibao_year=(urban, rural))


def _rescored(work: Work, settings: int) -> Iterator[Results]:
    """Every result column of each setting: bound once, run for each."""
    program = lower(work.checked, "results")
    columns = bind(program, work.register, work.standards, ON)
    changed = [changed_columns(columns, split(work.checked, setting)[0], None) for setting in _settings(settings)]
    for raw in runs(program, changed, threads=THREADS):
        yield {name: raw[store].values for name, store in STORES.items()}


def _swept(work: Work, settings: int) -> list[Counts]:
    frame = sweep(work.register, work.checked, work.standards, ON, _settings(settings)).frame.filter(
        pl.col("level") == "all"
    )
    frame = frame.group_by("setting", "circle").agg(pl.col("households").sum(), pl.col("budget_month").sum() * 100)
    counts: list[Counts] = [{} for _ in range(settings + 1)]
    for setting, circle, households, fen in frame.iter_rows():
        if households:
            counts[setting][circle] = households, int(fen)
    return counts[1:]


def _looped(work: Work, settings: list[int], engine: county_polars.Way) -> list[Counts]:
    found = []
    for setting in settings:
        query = county_polars.query(work.named, _local(work, setting))
        frame = query.group_by("circle").agg(pl.len(), pl.col("benefit_month").sum()).collect(engine=engine)
        found.append({CIRCLES[circle]: (households, fen) for circle, households, fen in frame.iter_rows()})
    return found


def _spread(settings: int) -> list[int]:
    few = min(ASKED, settings)
    return [place * (settings - 1) // max(1, few - 1) for place in range(few)]


def equal(work: Work, settings: int) -> bool:
    """Whether both find the same households and money by circle, in the settings that the loop is run for."""
    swept, places = _swept(work, settings), _spread(settings)
    if [swept[place] for place in places] != _looped(work, places, "streaming"):
        return False
    for place, found in enumerate(_rescored(work, settings)):
        if place in places:
            wanted = county_polars.score(work.named, _local(work, place))
            if not all(np.array_equal(values, wanted[name].to_numpy()) for name, values in found.items()):
                return False
    return True


def variants(work: Work, settings: int, rounds: int) -> dict[str, Figures]:
    """Seconds of all settings, of either way."""
    places = _spread(settings)
    found = measure(
        {
            "hardship, counts": lambda: _swept(work, settings),
            "hardship, result columns": lambda: [len(one) for one in _rescored(work, settings)],
            "polars in-memory, result columns": lambda: [
                county_polars.score(work.named, _local(work, one), "in-memory") for one in places
            ],
            "polars streaming, result columns": lambda: [
                county_polars.score(work.named, _local(work, one)) for one in places
            ],
            "polars in-memory, counts": lambda: _looped(work, places, "in-memory"),
            "polars streaming, counts": lambda: _looped(work, places, "streaming"),
        },
        rounds,
    )
    whole = {
        name: times if name.startswith("hardship") else [one * settings / len(places) for one in times]
        for name, times in found.items()
    }
    rows = settings * work.register.frames["household"].height
    judged: dict[str, Figures] = {}
    for given in ("result columns", "counts"):
        group = {name: times for name, times in whole.items() if name.endswith(given)}
        judged |= figures(group, rows, f"hardship, {given}")
    return judged
