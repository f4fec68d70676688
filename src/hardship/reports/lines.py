"""The lines of a table's circle where they stand for an income per head: their amount a month in each place.

Only tests that compare the income per head the table shows, with an edge that follows from standards and
constants alone. The plain evaluator works the edges out, once for each place that the standards tell apart.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.attributes import dictionary, value_names
from hardship.columns import Array
from hardship.engine.kernels_groups import between
from hardship.language.spelling import spell
from hardship.language.units import parse
from hardship.reference.evaluate import Reference
from hardship.reference.stages import Stages
from hardship.reference.values import MONTHS_OF_YEAR, tree

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.language.nodes import Node
    from hardship.language.table import Test
    from hardship.sheet import Column
    from hardship.standards import Standards

YEARLY = parse("money/year")
NEAR = 20  # within a twentieth of a line, 5 %, is near it
MOST = 2**63 - 1  # no income is as much: a result has 18 digits
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


@dataclass(frozen=True, slots=True)
class Places:
    """Where households live, as far as standards tell places apart.

    Attributes:
        names: `area` (the beginning of an area code) and `residence` (text or null) of each place, all lived in.
        number: (households,) int32, the place of each.
    """

    names: pl.DataFrame
    number: Array

    def taken(self, rows: Array) -> Places:
        """Of some households."""
        return Places(self.names, self.number[rows])


def places(areas: Column, household: pl.DataFrame, standards: Standards) -> Places:
    """The places of households.

    Args:
        areas: their area codes, "" where not known.
        household: their frame.
    """
    length = max((len(row.area_code) for row in standards.rows), default=0)
    codes, place, _ = areas.coded()
    cut = list(dict.fromkeys(code[:length] for code in codes))
    number = np.array([cut.index(code[:length]) for code in codes], dtype=np.int32)[place]
    residences: list[str | None] = [*value_names(dictionary()["residence_type"]), None]
    own = np.full(len(number), len(residences) - 1)
    if "residence_type" in household.columns:
        own = household["residence_type"].cast(pl.Int32).fill_null(len(residences) - 1).to_numpy()
    pairs = [(area, residence) for area in cut for residence in residences]
    names = pl.DataFrame(pairs, schema={"area": pl.String, "residence": pl.String}, orient="row")
    found = (number * len(residences) + own).astype(np.int32)
    lived = np.bincount(found, minlength=len(pairs)) > 0
    return Places(names.filter(lived), (np.cumsum(lived, dtype=np.int32) - np.int32(1))[found])


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


def near_line(fen: Array, places: Places, lines: Sequence[Line]) -> Array:
    """(n,) bool: whether an income per head lies within 5 % of a line of its place.

    Args:
        fen: (n,) int64, a month as shown; 0 without an income, which is near no line.
        places: of the same households.
    """
    spans: dict[tuple[str, str | None], list[tuple[int, int]]] = {}
    for line in lines:
        top, bottom = (line.value * 100).as_integer_ratio()
        low, high = -(-top * (NEAR - 1) // (bottom * NEAR)), top * (NEAR + 1) // (bottom * NEAR)
        spans.setdefault((line.area, line.residence), []).append((min(low, MOST), min(high, MOST)))
    own = [spans.get(name, []) for name in places.names.iter_rows()]
    bounds = np.array([span for several in own for span in several], dtype=np.int64).reshape(-1, 2).T.copy()
    found = np.empty(len(fen), dtype=np.bool_)
    between(fen, places.number, np.cumsum([0, *map(len, own)]), bounds[0], bounds[1], found)
    return found
