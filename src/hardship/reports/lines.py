"""The lines of a table's circle where they stand for an income per head: their amount a month in each place.

Only tests that compare the income per head the table shows, with an edge that follows from standards and
constants alone. The plain evaluator works the edges out, once for each place that the standards tell apart.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.attributes import dictionary, value_names
from hardship.columns import Array
from hardship.language.spelling import spell
from hardship.language.units import parse
from hardship.reference.evaluate import Reference
from hardship.reference.stages import Stages
from hardship.reference.values import MONTHS_OF_YEAR, tree

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.language.nodes import Node
    from hardship.language.table import Test
    from hardship.register import Register
    from hardship.standards import Standards

YEARLY = parse("money/year")
NEAR = 20  # within a twentieth of a line, 5 %, is near it
CONVERSION = re.compile(r"per_(?:month|year)\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line in one place.

    Attributes:
        area: the beginning of the area codes it holds for.
        residence: `urban`, `rural`, or None where it is not known.
        rung: the circle's rung that it bounds from above.
        title: its name in Chinese and English.
        value: yuan a month, exact.
    """

    area: str
    residence: str | None
    rung: str
    title: tuple[str, str]
    value: Fraction


def places(register: Register, standards: Standards) -> pl.DataFrame:
    """The households' places as far as standards tell them apart: `area`, `residence` (text or null), one row each."""
    household = register.frames["household"]
    length = max((len(row.area_code) for row in standards.rows), default=0)
    area = pl.col("area_code").str.slice(0, length).fill_null("").alias("area")
    if "residence_type" not in household.columns:
        return household.select(area, pl.lit(None, pl.String).alias("residence"))
    names = value_names(dictionary()["residence_type"])
    named = pl.Series([*names], dtype=pl.String).gather(household["residence_type"].cast(pl.UInt32))
    return household.select(area).with_columns(residence=named)


def circle_lines(checked: Checked, standards: Standards, on: dt.date, distinct: pl.DataFrame) -> list[Line]:
    """All lines in all the given places (`area`, `residence`), ascending within a place.

    Raises:
        TableError: a standard that holds in a place does not fit the table's parameter.
    """
    tests = list(_income_tests(checked))
    if not tests:
        return []
    plain = Reference(checked.table, checked.names, standards, on)
    found = []
    for area, residence in distinct.unique().sort("area", "residence").iter_rows():
        parameters = plain.parameters.at(area, residence)
        if isinstance(parameters, str):
            continue  # no standard there: no household of it is scored
        root = tree({"household": {"household_id": "", "area_code": area}, "members": []})
        stages = Stages(plain.ground, root, parameters, frozenset())
        lines: dict[Fraction, Line] = {}
        for rung, test, edge in tests:
            value = stages.value(edge, root)
            if isinstance(value, Fraction) and value > 0:
                monthly = value / MONTHS_OF_YEAR if plain.ground.statics.unit(edge) == YEARLY else value
                title = test.line
                words = (title.zh, title.en) if title is not None else (rung, rung)
                lines.setdefault(monthly, Line(area, residence, rung, words, monthly))
        found += [lines[value] for value in sorted(lines)]
    return found


def _income_tests(checked: Checked) -> Iterator[tuple[str, Test, Node]]:
    """Tests of the circle, with rung and edge, whose value is the income per head that the table shows."""
    shown = checked.table.results.income_per_head
    if shown is None:
        return
    income = _plain(shown.node)
    for ladder in checked.table.ladder:
        for rung in ladder.rung if ladder.id == "circle" else ():
            for test in rung.tests:
                edge = test.below or test.at_most
                if (
                    edge is not None
                    and _plain(test.value.node) == income
                    and not checked.names.attributes_of(edge.node)
                ):
                    yield rung.id, test, edge.node


def _plain(node: Node) -> str:
    """An expression as text, a year and a month being the same."""
    return CONVERSION.sub(r"\1", spell(node, "household"))


def near_line(incomes: pl.DataFrame, lines: list[Line]) -> Array:
    """(n,) bool: whether an income per head lies within 5 % of a line of its place; False without an income.

    Args:
        incomes: `area`, `residence`, `income_per_head` (decimal, yuan a month, as shown).
    """
    fen = (incomes["income_per_head"] * 100).cast(pl.Int64)
    known, values = fen.is_not_null().to_numpy(), fen.fill_null(0).to_numpy()
    found = np.zeros(len(values), dtype=np.bool_)
    for (area, residence), own in groupby(lines, key=lambda line: (line.area, line.residence)):
        same = incomes["residence"].is_null() if residence is None else incomes["residence"] == residence
        here = (same & (incomes["area"] == area)).fill_null(False).to_numpy()
        found[here] = _near(values[here], list(own))
    near: Array = found & known
    return near


def _near(fen: Array, lines: list[Line]) -> Array:
    found = np.zeros(len(fen), dtype=np.bool_)
    for line in lines:
        top, bottom = (line.value * 100).as_integer_ratio()
        wide = max(top, bottom * int(fen.max(initial=0))) * NEAR >= 2**62
        exact = fen.astype(object) if wide else fen
        found |= np.asarray(np.abs(exact * bottom - top) * NEAR <= top, dtype=np.bool_)
    return found
