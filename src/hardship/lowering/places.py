"""Which rows of the standards hold for each household: its *place*, which it shares with all that have the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hardship.language.table import Parameter
from hardship.lowering.ops import Program
from hardship.standards import StandardRow, Standards, converted

if TYPE_CHECKING:
    import polars as pl

Array = npt.NDArray[Any]
Codes = tuple[list[str], Array]
"""Distinct area codes in order, and which of them each household has."""


def placed(
    program: Program, households: pl.DataFrame, standards: Standards, on: dt.date, codes: Codes | None = None
) -> tuple[Array, Array, Array, Array]:
    """int32 place of each household; values and validity [parameter, place]; the parameter that has no row, or -1."""
    import polars as pl

    declared = {parameter.name for parameter in program.declared}
    rows = [row for row in standards.rows if row.parameter in declared]
    areas, area_of = _areas(codes or area_codes(households), rows)
    residences, assumed = program.residences
    width = len(residences) + 1
    residence = np.full(households.height, len(residences), np.int64)
    if "residence_type" in households.columns:
        column = households["residence_type"].cast(pl.Int64)
        residence = (column.fill_null(len(residences)) if column.null_count() else column).to_numpy().copy()
    if assumed >= 0:
        residence[residence == len(residences)] = assumed
    pairs = area_of * width + residence
    found = np.flatnonzero(np.bincount(pairs, minlength=1))
    place_of = np.zeros(int(found[-1]) + 1 if found.size else 1, np.int32)
    place_of[found] = np.arange(found.size)
    values = np.zeros((max(len(program.parameters), 1), max(found.size, 1)), np.int64)
    valid = np.zeros(values.shape, np.uint8)
    unserved = np.full(max(found.size, 1), -1, np.int16)
    numbers = {name: (place, den) for place, (name, den) in enumerate(program.parameters)}
    for parameter_number, parameter in enumerate(program.declared):
        known = [row for row in rows if row.parameter == parameter.name and _in_time(parameter, row, on)]
        at, den = numbers.get(parameter.name, (-1, 1))
        lowest = int(parameter.bounds[0] * den) if at >= 0 else 0
        for place, pair in enumerate(found):
            chosen = (*residences, None)[pair % width]
            best = _best(known, areas[pair // width], chosen)
            if best is None and unserved[place] < 0:
                unserved[place] = parameter_number
            if at < 0:
                continue
            values[at, place] = lowest
            if best is not None and (best.residence == "" or chosen is not None):
                values[at, place] = int(converted(best, parameter) * den)
                valid[at, place] = 1
    places = np.ascontiguousarray(place_of[pairs] if pairs.size else np.zeros(0), np.int32)
    return places, values, valid, unserved[places] if places.size else np.zeros(0, np.int16)


def area_codes(households: pl.DataFrame) -> Codes:
    """The area codes of households; an empty one where there is none."""
    import polars as pl

    codes = households["area_code"].fill_null("")
    distinct = codes.unique().sort()
    # As fast as Arrow's dictionaries, whose numbers take pandas along (0.2 s) where that is installed.
    return distinct.to_list(), codes.cast(pl.Enum(distinct)).to_physical().cast(pl.UInt32).to_numpy()


def _areas(codes: Codes, rows: Sequence[StandardRow]) -> tuple[list[frozenset[str]], Array]:
    """The distinct sets of area prefixes that the standards know, and which of them each household has."""
    prefixes = {row.area_code for row in rows}
    lengths = sorted({len(prefix) for prefix in prefixes})
    distinct, numbered = codes
    sets: dict[frozenset[str], int] = {}
    group = np.empty(len(distinct), np.int64)
    for place, code in enumerate(distinct):
        mine = frozenset(code[:length] for length in lengths if len(code) >= length and code[:length] in prefixes)
        group[place] = sets.setdefault(mine, len(sets))
    return list(sets), group[numbered] if len(distinct) else np.zeros(0, np.int64)


def _best(rows: Sequence[StandardRow], areas: frozenset[str], residence: str | None) -> StandardRow | None:
    """The row that holds: longest area, then one with a residence, then the latest; None stands for any residence."""
    fitting = (
        row for row in rows if row.area_code in areas and (residence is None or row.residence in ("", residence))
    )
    return max(fitting, key=lambda row: (len(row.area_code), row.residence != "", row.effective_from), default=None)


def _in_time(parameter: Parameter, row: StandardRow, on: dt.date) -> bool:
    """Whether a row may be chosen on a day."""
    if parameter.as_of == "assessment":
        return row.effective_from <= on
    if parameter.as_of == "previous_year_end":
        return row.effective_from.year < on.year
    return row.effective_from.year == on.year - 1
