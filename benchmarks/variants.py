"""Variants of a table: the same sweep of a standard in one pass of `hardship` and as a loop over a polars query.

Both count households by circle and add up benefits for every setting; the polars loop is run for some settings spread
over all, and its time for all is that many times as long.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import polars as pl

from benchmarks.engines import Work
from benchmarks.measure import Figures, figures, measure
from benchmarks.peers import county_polars
from benchmarks.peers.county import CIRCLES
from benchmarks.population import ON
from hardship.sweep.run import sweep
from hardship.sweep.settings import grid

STEP = Fraction(1, 400)  # a quarter of a percent: every changed standard is whole fen
ASKED = 10  # settings of the polars loop
Counts = dict[str, tuple[int, int]]


def _swept(work: Work, settings: int) -> list[Counts]:
    last = STEP * (settings - 1) * 100
    chosen = grid([f"dibao_standard=+0%..+{float(last):g}%:0.25%"])
    frame = sweep(work.register, work.checked, work.standards, ON, chosen).frame.filter(pl.col("level") == "all")
    frame = frame.group_by("setting", "circle").agg(pl.col("households").sum(), pl.col("budget_month").sum() * 100)
    counts: list[Counts] = [{} for _ in range(settings + 1)]
    for setting, circle, households, fen in frame.iter_rows():
        if households:
            counts[setting][circle] = households, int(fen)
    return counts[1:]


def _looped(work: Work, settings: list[int], engine: county_polars.Way) -> list[Counts]:
    found = []
    for setting in settings:
        raised = [line * (1 + STEP * setting) for line in work.local.dibao_year]
        urban, rural = (int(line) for line in raised)
        query = county_polars.query(work.named, replace(work.local, dibao_year=(urban, rural)))
        frame = query.group_by("circle").agg(pl.len(), pl.col("benefit_month").sum()).collect(engine=engine)
        found.append({CIRCLES[circle]: (households, fen) for circle, households, fen in frame.iter_rows()})
    return found


def _spread(settings: int) -> list[int]:
    few = min(ASKED, settings)
    return [place * (settings - 1) // max(1, few - 1) for place in range(few)]


def equal(work: Work, settings: int) -> bool:
    """Whether both find the same households and money by circle, in the settings that the loop is run for."""
    swept, places = _swept(work, settings), _spread(settings)
    return [swept[place] for place in places] == _looped(work, places, "streaming")


def variants(work: Work, settings: int, rounds: int) -> dict[str, Figures]:
    """Seconds of all settings, of either way."""
    places = _spread(settings)
    found = measure(
        {
            "hardship": lambda: _swept(work, settings),
            "polars streaming": lambda: _looped(work, places, "streaming"),
            "polars in-memory": lambda: _looped(work, places, "in-memory"),
        },
        rounds,
    )
    whole = {
        name: times if name == "hardship" else [one * settings / len(places) for one in times]
        for name, times in found.items()
    }
    return figures(whole, settings * work.register.frames["household"].height)
