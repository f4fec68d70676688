"""What the group report asks of each household, as small numbers: its groups, its size, where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.attributes import value_names
from hardship.columns import Array
from hardship.engine import kernels_groups as kernels
from hardship.rank import AREA_LEVELS
from hardship.reports.lines import circle_lines, near_line, places
from hardship.sheet import Column, of_series

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.inputs import Inputs
    from hardship.sheet import Sheet

UNKNOWN = "unknown"
AGES = (0, 18, 45, 60, 70, 80)  # first year of each band
MOST_AREAS = 200
SEXES = ("female", "male")
DISABILITIES = ("none", "mild", "severe")
TYPES = ("one_young", "one_old", "old", "lone_parent", "children", "adults", "minors")
RESIDENCES = ("urban", "rural")
NOWHERE = -1


@dataclass(frozen=True)
class Facts:
    """All households of a register, in its order.

    Attributes:
        groups: dimension → names of its groups (`unknown` last) and the group of each household (int32).
        persons: members of each (int32).
        state: its place among the states of the report, −1 where it was not scored (int8).
        near: whether it is near a line; None where the table has no line for incomes.
    """

    groups: dict[str, tuple[tuple[str, ...], Array]]
    persons: Array
    state: Array
    near: Array | None


def household_facts(results: Sheet, inputs: Inputs, states: Array, cut: int = 0) -> Facts:
    """The facts of all households.

    Args:
        results: see `group_report`; in the order of ids, as all results are.
        states: the state of each of its rows, as a number (int8).
        cut: digits of the codes of the areas; 0: as many as leave no more than `MOST_AREAS`.
    """
    household = inputs.register.frames["household"]
    areas = of_series(household["area_code"].fill_null(""))
    spots = places(areas, household, inputs.standards)
    lines = circle_lines(inputs.checked, inputs.standards, inputs.on, spots.names)
    state, near, there = states, None, None
    if results.height < household.height:
        ids = results.columns["household_id"].series()
        there = np.flatnonzero(household["household_id"].is_in(ids.implode()).to_numpy())
        state = np.full(household.height, NOWHERE, dtype=np.int8)
        state[there] = states  # both stand in the order of their ids
    if lines:
        incomes = results.columns["income_per_head"].filled().astype(np.int64, copy=False)
        near = near_line(incomes, spots if there is None else spots.taken(there), lines)
        if there is not None:
            near, some = np.zeros(household.height, dtype=np.bool_), near
            near[there] = some
    groups, persons = _members(inputs)
    groups["residence"] = ((*RESIDENCES, UNKNOWN), _residences(inputs))
    groups["area"] = _areas(areas, cut)
    return Facts(groups, persons, state, near)


def _residences(inputs: Inputs) -> Array:
    number = np.full(kernels.NULL + 1, len(RESIDENCES), dtype=np.int32)
    for place, name in enumerate(RESIDENCES):
        number[_place(inputs.checked, "residence_type", name)] = place
    return np.asarray(number[_stored(inputs.register.frames["household"], "residence_type")])


def area_cut(codes: pl.Series) -> int:
    """Digits of the finest level above villages of which the codes name at most `MOST_AREAS` areas."""
    lengths = sorted((length for level, length in AREA_LEVELS.items() if level != "village"), reverse=True)
    return next((n for n in lengths if codes.str.slice(0, n).n_unique() <= MOST_AREAS), min(lengths))


def _areas(codes: Column, cut: int) -> tuple[tuple[str, ...], Array]:
    """The areas, and which one each household lives in; `cut` as for `household_facts`."""
    distinct, place, _ = codes.coded()
    cut = cut or area_cut(pl.Series(distinct, dtype=pl.String))
    names = sorted({code[:cut] for code in distinct} - {""})
    number = {name: place for place, name in enumerate(names)} | {"": len(names)}
    return (*names, UNKNOWN), np.array([number[code[:cut]] for code in distinct], dtype=np.int32)[place]


def _stored(frame: pl.DataFrame, name: str, missing: int = kernels.NULL) -> Array:
    """A column as stored (int32), `missing` where null or absent."""
    if name not in frame.columns:
        return np.full(frame.height, missing, dtype=np.int32)
    return np.asarray(frame[name].fill_null(missing).to_numpy().astype(np.int32, copy=False))


def _members(inputs: Inputs) -> tuple[dict[str, tuple[tuple[str, ...], Array]], Array]:
    """The groups that follow from members, and how many there are."""
    frame, rows = inputs.register.frames["member"], inputs.register.frames["household"].height
    codes = [("relation_to_head", "head"), *(("sex", name) for name in SEXES), ("disability_kind", "none")]
    found, size = np.empty((4, rows), dtype=np.int32), np.empty(rows, dtype=np.int32)
    kernels.members(
        frame["household"].to_numpy(),
        _stored(frame, "birth_date", kernels.NO_DATE),
        _stored(frame, "relation_to_head"),
        _stored(frame, "sex"),
        _stored(frame, "disability_grade"),
        _stored(frame, "disability_kind"),
        np.array([_place(inputs.checked, name, value) for name, value in codes], dtype=np.int32),
        inputs.on.year * 10_000 + inputs.on.month * 100 + inputs.on.day,
        np.array(AGES, dtype=np.int32),
        found,
        size,
    )
    names = {"sex": SEXES, "age": tuple(map(str, AGES)), "disability": DISABILITIES, "household_type": TYPES}
    return {name: ((*groups, UNKNOWN), own) for (name, groups), own in zip(names.items(), found, strict=True)}, size


def _place(checked: Checked, name: str, value: str) -> int:
    return value_names(checked.names.attributes[name]).index(value)
