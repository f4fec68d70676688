"""A stop before wrong units reach anyone: incomes against the lines of the table.

Yuan taken for fen, a year for a month, a household for a head: the median income a head then lies far from
every line of the circle. Real registers of applicants and of whole districts lie well within the factor.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship.columns import round_half_up
from hardship.errors import Fault, RegisterError
from hardship.language import units
from hardship.language.nodes import Name, Node, walk
from hardship.language.table import Constant, Parameter

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.language.names import Names
    from hardship.standards import Standards

FACTOR = 20
ENOUGH = 200  # households with an income; fewer say nothing
MONTH, YEAR = units.parse("money/month"), units.parse("money/year")


def check_incomes(
    frame: pl.DataFrame, checked: Checked, standards: Standards, on: dt.date, accepted: str = ""
) -> dict[str, Any]:
    """Compare the median non-zero income a head with the circle's lines.

    Args:
        frame: results with `area_code` and `income_per_head` (money a month).
        accepted: why implausible incomes are right; "" stops on them.

    Returns:
        what is recorded in `run.json`: the median, the lowest and highest line, and the reason if it was
        needed; empty if there is nothing to compare.

    Raises:
        RegisterError: the median is more than `FACTOR` times off all lines, and nobody said why.
    """
    incomes = frame["income_per_head"].drop_nulls()
    incomes = incomes.filter(incomes > 0)
    lines = list(line_values(checked, standards, on, frame["area_code"].drop_nulls().unique().to_list()))
    if len(incomes) < ENOUGH or not lines:
        return {}
    median = Fraction(incomes.sort()[len(incomes) // 2])
    low, high = min(lines), max(lines)
    shown = {"median": median, "low": low, "high": high}
    found = {name: str(Decimal(round_half_up(value * 100)).scaleb(-2)) for name, value in shown.items()}
    if low <= median * FACTOR and median <= high * FACTOR:
        return found
    if not accepted:
        raise RegisterError(Fault("common.implausible", params=found, hint="common.hint_implausible"))
    return found | {"accepted": accepted}


def line_values(checked: Checked, standards: Standards, on: dt.date, areas: Iterable[str]) -> Iterable[Fraction]:
    """Every positive amount, a month, that an edge of the circle's tests is made of."""
    from hardship.standards import converted

    circle = next((ladder for ladder in checked.table.ladder if ladder.id == "circle"), None)
    if circle is None:
        return
    edges = [
        edge.node for rung in circle.rung for test in rung.tests if (edge := test.below or test.at_most) is not None
    ]
    prefixes = {area[:length] for area in areas for length in range(len(area) + 1)} | {""}
    for made_of in _amounts(edges, checked.names):
        months = 12 if units.parse(made_of.unit) == YEAR else 1
        if isinstance(made_of, Constant):
            values = [made_of.value]
        else:
            values = [
                converted(row, made_of)
                for row in standards.rows
                if row.parameter == made_of.name and row.effective_from <= on and row.area_code in prefixes
            ]
        yield from (value / months for value in values if value > 0)


def _amounts(nodes: Iterable[Node], names: Names) -> Iterable[Parameter | Constant]:
    """Parameters and constants in money a month or year that the expressions name, directly or not."""
    seen: set[str] = set()
    todo = list(nodes)
    while todo:
        for node in walk(todo.pop()):
            if not isinstance(node, Name) or node.name in seen or node.name not in names.by_name:
                continue
            seen.add(node.name)
            made_of = names.by_name[node.name].definition
            if isinstance(made_of, Parameter | Constant):
                if units.parse(made_of.unit) in (MONTH, YEAR):
                    yield made_of
            elif getattr(made_of, "node", None) is not None:
                todo.append(made_of.node)
