"""A stop before wrong units reach anyone: incomes, and each column of money, against the lines of the table.

Yuan taken for fen, a year for a month, a household for a head: the median income a head then lies far from
every line of the circle. Real registers of applicants and of whole districts lie well within the factor. One column
among many may be wrong without moving that median: the dictionary says between which multiples of a month's line the
median of each is expected (`typical`). Outside, the run says so; far outside, it stops. Where the digits of a column
bear the trace of a wrong unit (`traces`) that would explain its median, it stops sooner.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship.attributes import dictionary, value_names
from hardship.columns import Array, round_half_up
from hardship.errors import Fault, RegisterError
from hardship.language import units
from hardship.language.nodes import Name, Node, walk
from hardship.language.table import Constant, Parameter
from hardship.messages import Both, Term
from hardship.sheet import Sheet
from hardship.traces import TRACES

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.language.fields import DeclaredAttribute
    from hardship.language.names import Names
    from hardship.lowering.bind import Frames
    from hardship.standards import Standards

FACTOR = 20
BEYOND = 5  # times outside the expected range: no other way to count explains it
IMPLAUSIBLE = ("common.implausible", "common.implausible_column", "common.traced_column")
"""Codes of the faults that are raised here; all of them go with `accepted`."""
TRACED = {"100": 1, "12": BEYOND, "1/12": 2, "1/100": BEYOND}  # the same where the digits bear the trace of a factor
PERIOD, MONTHLY = "period", "month"  # the attribute of rows that say what time they are of, and its value for a month
UNITS = {"100": Fraction(100), "12": Fraction(12), "1/12": Fraction(1, 12), "1/100": Fraction(1, 100)}
SAMPLE = 50_000  # rows, evenly spread in the order of ids, that a column's median is taken of
ENOUGH = 200  # households with an income; fewer say nothing
MONTH, YEAR = units.parse("money/month"), units.parse("money/year")


def check_incomes(
    found: Sheet | pl.DataFrame, checked: Checked, standards: Standards, on: dt.date, accepted: str = ""
) -> dict[str, Any]:
    """Compare the median non-zero income a head with the circle's lines.

    Args:
        found: results with `area_code` and `income_per_head` (money a month).
        accepted: why implausible incomes are right; "" stops on them.

    Returns:
        what is recorded in `run.json`: the median, the lowest and highest line, and the reason if it was
        needed; empty if there is nothing to compare.

    Raises:
        RegisterError: the median is more than `FACTOR` times off all lines, and nobody said why.
    """
    sheet = found if isinstance(found, Sheet) else Sheet.of(found.select("income_per_head"))
    fen = sheet.columns["income_per_head"].filled()
    fen = fen[fen > 0]
    if len(fen) < ENOUGH:
        return {}
    if isinstance(found, Sheet):
        codes, places, known = found.columns["area_code"].coded()
        areas = [codes[place] for place in np.flatnonzero(np.bincount(places if known is None else places[known]))]
    else:
        areas = found["area_code"].drop_nulls().unique().to_list()
    return check_median(Fraction(_middle(fen), 100), areas, checked, standards, on, accepted)


def check_median(
    median: Fraction, areas: Iterable[str], checked: Checked, standards: Standards, on: dt.date, accepted: str = ""
) -> dict[str, Any]:
    """The same for a median that is known already, of households in `areas`."""
    lines = line_values(checked, standards, on, areas)
    if not lines:
        return {}
    low, high = min(lines), max(lines)
    shown = {"median": median, "low": low, "high": high}
    found = {name: money_text(value) for name, value in shown.items()}
    if low <= median * FACTOR and median <= high * FACTOR:
        return found
    if not accepted:
        raise RegisterError(Fault("common.implausible", params=found, hint="common.hint_implausible"))
    return found | {"accepted": accepted}


def check_columns(
    register: Frames,
    used: Collection[str],
    checked: Checked,
    standards: Standards,
    on: dt.date,
    accepted: str = "",
    areas: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """Compare the median of each column of money with the range that is expected of it, and look at its digits.

    A month's line is any of the circle's, or of a table without lines any of its amounts a month or year.

    Args:
        used: the attributes that decide something; others are not looked at.
        accepted: why implausible amounts are right; "" stops where no unit but a wrong one explains them.
        areas: all area codes, where they are known or the register is a sample of a larger one.

    Returns:
        what is recorded in `run.json` for each doubtful column, by name: its median, the range, what it may have been
        multiplied by (`UNITS`) if dividing by that would bring it back, of which of these its digits bear the
        `traces`; the reason if it was needed.

    Raises:
        RegisterError: a median is more than `BEYOND` times outside its range (`TRACED` with a trace), or amounts of a
            month are all multiples of 12, or others mostly twelfths; and nobody said why.
    """
    codes = areas or register.frames["household"]["area_code"].drop_nulls().unique().to_list()
    lines = list(
        line_values(checked, standards, on, codes) or amounts_of(checked.table.parameter, standards, on, codes)
    )
    found: list[dict[str, Any]] = []
    faults = []
    for name in sorted(used) if lines else ():
        attribute = checked.names.attributes.get(name)
        if attribute is None or attribute.typical is None or name not in register.frames[attribute.level].columns:
            continue
        fen = sample(register.frames[attribute.level][name])
        if len(fen) < ENOUGH:
            continue
        median = Fraction(_middle(fen), 100)
        low, high = attribute.typical[0] * min(lines), attribute.typical[1] * max(lines)
        outside = not low <= median <= high
        fits = [text for text, factor in UNITS.items() if low <= median / factor <= high]
        telling = _telling(register.frames[attribute.level], attribute, fen)
        traces = [
            text
            for text in fits
            if (text in telling and TRACES[text](telling[text])) or (outside and text in TRACES and TRACES[text](fen))
        ]
        if not outside and not telling.keys() & {*traces}:
            continue
        shown = {key: money_text(value) for key, value in (("median", median), ("low", low), ("high", high))}
        row = {"attribute": name, **shown, "fits": fits if outside else traces, "traces": traces}
        beyond = min([BEYOND, *(TRACED[text] for text in traces)])
        if telling.keys() & {*traces} or median * beyond < low or median > high * beyond:
            if not accepted:
                faults.append(_fault(row, attribute))
            row["accepted"] = accepted
        found.append(row)
    if faults:
        raise RegisterError(faults)
    return found


def _telling(frame: pl.DataFrame, attribute: DeclaredAttribute, sampled: Array) -> dict[str, Array]:
    """The amounts in which a trace has no honest cause, by factor; `sampled`: of the whole column.

    Amounts of a year are often twelve times a month's, and a month's a twelfth of a year's; not the other way round.
    What a household has or owes is neither. Rows that say their own `period` go by that.
    """
    if PERIOD in frame.columns:
        fen = frame[attribute.name]
        month = value_names(dictionary()[PERIOD]).index(MONTHLY)
        monthly = (frame[PERIOD] == month).fill_null(False)
        return {"12": sample(fen.filter(monthly)), "1/12": sample(fen.filter(~monthly & frame[PERIOD].is_not_null()))}
    unit = units.parse(attribute.unit)
    found = {"12": unit != YEAR, "1/12": unit != MONTH}
    return {text: sampled for text, tells in found.items() if tells}


def _fault(row: dict[str, Any], attribute: DeclaredAttribute) -> Fault:
    title = Both(attribute.title.zh, attribute.title.en)
    params = {key: row[key] for key in ("median", "low", "high")} | {"name": row["attribute"], "title": title}
    if row["traces"]:
        trace = Term(f"common.trace_{row['traces'][0].replace('/', '_')}")
        return Fault("common.traced_column", params=params | {"trace": trace}, hint="common.hint_implausible")
    fits = ", ".join(row["fits"]) or "-"
    return Fault("common.implausible_column", params=params | {"fits": fits}, hint="common.hint_implausible")


def sample(stored: pl.Series) -> Array:
    """A money column's amounts above 0, fen.

    Of a long column an even choice of rows is taken, in the order of the households' ids: the same for any order
    of the input.
    """
    some = stored.gather_every(max(1, len(stored) // SAMPLE)).drop_nulls()
    found: Array = some.filter(some > 0).cast(pl.Int64).to_numpy()
    return found


def _middle(fen: Array) -> int:
    """The median; of an even number of amounts the higher of the two."""
    return int(np.partition(fen, len(fen) // 2)[len(fen) // 2])


def money_text(value: Fraction) -> str:
    """Yuan with two decimals."""
    return str(Decimal(round_half_up(value * 100)).scaleb(-2))


def line_values(checked: Checked, standards: Standards, on: dt.date, areas: Iterable[str]) -> list[Fraction]:
    """Every positive amount, a month, that an edge of the circle's tests is made of."""
    circle = next((ladder for ladder in checked.table.ladder if ladder.id == "circle"), None)
    if circle is None:
        return []
    edges = [
        edge.node for rung in circle.rung for test in rung.tests if (edge := test.below or test.at_most) is not None
    ]
    return amounts_of(_amounts(edges, checked.names), standards, on, areas)


def amounts_of(
    named: Iterable[Parameter | Constant], standards: Standards, on: dt.date, areas: Iterable[str]
) -> list[Fraction]:
    """The positive values, a month, of those parameters and constants that are money a month or year."""
    from hardship.standards import converted

    prefixes = {area[:length] for area in areas for length in range(len(area) + 1)} | {""}
    found: list[Fraction] = []
    for made_of in named:
        unit = units.parse(made_of.unit)
        if unit not in (MONTH, YEAR):
            continue
        if isinstance(made_of, Constant):
            values = [made_of.value]
        else:
            values = [
                converted(row, made_of)
                for row in standards.rows
                if row.parameter == made_of.name and row.effective_from <= on and row.area_code in prefixes
            ]
        found += [value / (12 if unit == YEAR else 1) for value in values if value > 0]
    return found


def _amounts(nodes: Iterable[Node], names: Names) -> Iterable[Parameter | Constant]:
    """Parameters and constants that the expressions name, directly or not."""
    seen: set[str] = set()
    todo = list(nodes)
    while todo:
        for node in walk(todo.pop()):
            if not isinstance(node, Name) or node.name in seen or node.name not in names.by_name:
                continue
            seen.add(node.name)
            made_of = names.by_name[node.name].definition
            if isinstance(made_of, Parameter | Constant):
                yield made_of
            elif getattr(made_of, "node", None) is not None:
                todo.append(made_of.node)
