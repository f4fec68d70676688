"""A small county under two settings, for the tests of reports."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from pathlib import Path

import polars as pl

from hardship.inputs import Inputs, open_table
from hardship.movement.rerank import Movement, rerank
from hardship.reports.notices import only_households
from hardship.results import Results
from hardship.score import score
from hardship.standards import load_standards, standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
HOUSEHOLDS = 2_000


@cache
def county(table: str = "county_model", households: int = HOUSEHOLDS) -> Inputs:
    """A synthetic county and a table."""
    checked, forced = open_table(table, ON)
    register = synthesize(households, 7, attributes=checked.names.attributes)
    return Inputs(register, checked, load_standards([]), ON, forced, {})


@cache
def scored(table: str = "county_model") -> Results:
    """The county's results."""
    inputs = county(table)
    return score(inputs.register, inputs.checked, inputs.standards, ON, threads=1)


def moved(inputs: Inputs) -> Inputs:
    """The county with a dibao standard higher by a tenth in town and lower by a tenth in the country."""
    tenths = {"urban": 11, "rural": 9, "": 10}
    rows = [
        replace(row, value=row.value * tenths[row.residence] / 10) if row.parameter == "dibao_standard" else row
        for row in inputs.standards.rows
    ]
    return replace(inputs, standards=standards(rows))


def without(inputs: Inputs, start: int, step: int) -> Inputs:
    """The county without every `step`th household from `start` on."""
    household = inputs.register.frames["household"]
    kept = household.select(pl.int_range(pl.len()) % step != start).to_series()
    register = only_households(inputs.register, kept)
    counts = {level: dict(found) for level, found in register.counts.items()}
    names = {"households": "household", "members": "member", "supporters": "supporter", "transfers": "transfer"}
    for level, found in counts.items():
        found["in"] = found["read"] = register.frames[names[level]].height
    return replace(inputs, register=replace(register, counts=counts, sha256=f"{start}-{step}"))


@cache
def movement(table: str = "shanghai") -> Movement:
    """Other standards, with a few households in one register only."""
    before = county(table)
    return rerank(without(before, 3, 401), moved(without(before, 5, 397)), threads=1)


def cells(path: Path, sheet: str) -> list[list[object]]:
    """A sheet as rows of values, from its first row on."""
    import fastexcel

    loaded = fastexcel.read_excel(path).load_sheet(sheet, header_row=None, dtypes=None)
    return [list(row) for row in loaded.to_polars().iter_rows()]
