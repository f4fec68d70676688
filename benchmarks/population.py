"""The benchmark's population: synthetic households without a missing cell, and the local numbers of one day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction

import polars as pl

from benchmarks.peers.county import LocalNumbers, code
from hardship import synthesis
from hardship.attributes import combined, dictionary, stored_bounds, value_names
from hardship.checking.check import Checked
from hardship.load import find_table, load_table
from hardship.register import Level, Register
from hardship.roots import default_roots
from hardship.standards import Standards, converted, load_standards
from hardship.synthesis import synthesize

ON = date(2018, 7, 1)


Frames = Mapping[Level, pl.DataFrame]


def complete(given: Frames) -> dict[Level, pl.DataFrame]:
    """A register's frames with every missing cell filled: the peers state the rules for known facts only."""
    frames = {}
    for level, frame in given.items():
        fills = []
        for name, dtype in frame.schema.items():
            attribute = dictionary().get(name)
            if attribute is None or not frame[name].null_count():
                continue
            if attribute.type == "date":
                fill: object = 20100101
            elif attribute.type == "code":
                fill = "none"
            else:
                fill = max(stored_bounds(attribute)[0], 0)
            fills.append(pl.col(name).fill_null(pl.lit(fill, dtype=dtype)))
        frames[level] = frame.with_columns(fills)
    return frames


def named(register: Register) -> dict[str, pl.DataFrame]:
    """The frames as a user of frames or SQL has them: enums with their names, truths, dates, amounts in whole fen or
    hundredths; households and members are numbered (`household`, `member`)."""
    frames = {}
    for level, frame in register.frames.items():
        spelt = []
        for name in frame.columns:
            attribute = dictionary().get(name)
            if attribute is None:
                continue
            if attribute.type == "bool":
                spelt.append(pl.col(name).cast(pl.Boolean))
            elif attribute.type == "enum":
                spelt.append(pl.col(name).cat.to(pl.Enum(value_names(attribute))))
            elif attribute.type == "date":
                spelt.append(pl.col(name).cast(pl.String).str.to_date("%Y%m%d"))
        frames[level] = frame.with_columns(spelt)
    for level in ("household", "member"):
        numbers = pl.int_range(pl.len(), dtype=pl.UInt32).alias(level)
        frames[level] = frames[level].with_columns(numbers)
    return frames


def local_numbers(checked: Checked, standards: Standards) -> LocalNumbers:
    """The illustrative standards in force everywhere on `ON`, in fen."""

    def number(name: str, day: date, residence: str = "") -> int:
        parameter = next(p for p in checked.table.parameter if p.name == name)
        rows = [
            r
            for r in standards.rows
            if r.parameter == name and not r.area_code and r.effective_from <= day and r.residence in ("", residence)
        ]
        value = converted(max(rows, key=lambda r: (r.residence != "", r.effective_from)), parameter) * 100
        assert value == Fraction(int(value))
        return int(value)

    def by_residence(name: str) -> tuple[int, int]:
        values = {code("residence_type", kind): number(name, ON, kind) for kind in ("urban", "rural")}
        return values[0], values[1]

    before = date(ON.year - 1, 12, 31)
    return LocalNumbers(
        on=ON,
        dibao_year=by_residence("dibao_standard"),
        low_income_year=by_residence("low_income_line"),
        minimum_wage_month=number("minimum_wage", before),
        farm_income_year=number("farm_income", before),
        mean_floor_area_hundredths=number("mean_floor_area", ON),
    )


def county(households: int, seed: int = 7) -> tuple[Checked, Standards, Register]:
    """`county_model`, its standards, and a complete synthetic register."""
    checked, numbers = table()
    register = synthesize(households, seed, attributes=combined(checked.table.attribute))
    return checked, numbers, replace(register, frames=complete(register.frames))


def table() -> tuple[Checked, Standards]:
    """`county_model` and its standards."""
    return load_table(find_table("county_model", ON, default_roots())[0]), load_standards([])


def parts(households: int, seed: int = 7, *, size: int = synthesis.PART) -> Iterator[dict[Level, pl.DataFrame]]:
    """The frames of `county`'s register one part after the other, however many households they are."""
    attributes = combined(table()[0].table.attribute)
    return map(complete, synthesis.parts(households, seed, attributes=attributes, size=size))
