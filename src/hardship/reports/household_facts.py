"""What the group report asks of each household, as small numbers: its groups, its size, where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.attributes import value_names
from hardship.columns import Array
from hardship.rank import AREA_LEVELS
from hardship.reports.lines import circle_lines, near_line, places

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.inputs import Inputs

UNKNOWN = "unknown"
AGES = (0, 18, 45, 60, 70, 80)  # first year of each band
ADULT, OLD = 18, 60
MOST_AREAS = 200
SEXES = ("female", "male")
DISABILITIES = ("none", "mild", "severe")
TYPES = ("one_young", "one_old", "old", "lone_parent", "children", "adults", "minors")
RESIDENCES = ("urban", "rural")
SEVERE = 2  # grades 1 and 2
NOWHERE = -1
_NULL_DATE = 0


@dataclass(frozen=True)
class Facts:
    """All households of a register, in its order.

    Attributes:
        groups: dimension → names of its groups (`unknown` last) and the group of each household.
        persons: members of each.
        state: its place among the states of the report, −1 where it was not scored.
        near: whether it is near a line; None where the table has no line for incomes.
    """

    groups: dict[str, tuple[tuple[str, ...], Array]]
    persons: Array
    state: Array
    near: Array | None


def household_facts(results: pl.DataFrame, inputs: Inputs, states: pl.Series) -> Facts:
    """The facts of all households.

    Args:
        results: see `group_report`; in the order of ids, as all results are.
        states: the state of each of its rows, as a number.
    """
    household = inputs.register.frames["household"]
    place = places(inputs.register, inputs.standards)
    lines = circle_lines(inputs.checked, inputs.standards, inputs.on, place)
    there = np.arange(household.height)
    if results.height < household.height:
        there = np.flatnonzero(household["household_id"].is_in(results["household_id"].implode()).to_numpy())
    state = np.full(household.height, NOWHERE, dtype=np.int64)
    state[there] = states.to_numpy()  # both stand in the order of their ids
    near = None
    if lines:
        near = np.zeros(household.height, dtype=np.bool_)
        near[there] = near_line(place[there].with_columns(results["income_per_head"]), lines)
    residences = {name: number for number, name in enumerate(RESIDENCES)}
    residence = place["residence"].replace_strict(residences, default=len(RESIDENCES), return_dtype=pl.Int64)
    groups, persons = _members(inputs)
    groups["residence"] = ((*RESIDENCES, UNKNOWN), residence.to_numpy())
    groups["area"] = _areas(household["area_code"])
    return Facts(groups, persons, state, near)


def _areas(codes: pl.Series) -> tuple[tuple[str, ...], Array]:
    """The finest level above villages with at most `MOST_AREAS` areas."""
    distinct = codes.unique().fill_null("")
    lengths = sorted((length for level, length in AREA_LEVELS.items() if level != "village"), reverse=True)
    cut = next((n for n in lengths if distinct.str.slice(0, n).n_unique() <= MOST_AREAS), min(lengths))
    names = [name for name in distinct.str.slice(0, cut).unique().sort() if name]
    number = {code: names.index(code[:cut]) if code else len(names) for code in distinct}
    return (*names, UNKNOWN), codes.fill_null("").replace_strict(number, return_dtype=pl.Int64).to_numpy()


def _members(inputs: Inputs) -> tuple[dict[str, tuple[tuple[str, ...], Array]], Array]:
    """The groups that follow from members, and how many there are."""
    frame, rows = inputs.register.frames["member"], inputs.register.frames["household"].height
    home = frame["household"].to_numpy().astype(np.int64)

    def stored(name: str, missing: int) -> Array:
        """A column as integers, `missing` where null or absent."""
        if name not in frame.columns:
            return np.full(frame.height, missing, dtype=np.int64)
        found: Array = frame[name].cast(pl.Int64).fill_null(missing).to_numpy()
        return found

    def households(condition: Array) -> Array:
        """How many members of each household fulfil a condition."""
        return np.bincount(home[condition], minlength=rows)

    born = stored("birth_date", _NULL_DATE)
    today = inputs.on.year * 10_000 + inputs.on.month * 100 + inputs.on.day
    age = np.where(born == _NULL_DATE, NOWHERE, (today - born) // 10_000)
    grade, kind = stored("disability_grade", NOWHERE), stored("disability_kind", NOWHERE)
    none = _place(inputs.checked, "disability_kind", "none")
    heads = np.flatnonzero(stored("relation_to_head", NOWHERE) == _place(inputs.checked, "relation_to_head", "head"))
    head = np.full(rows, NOWHERE)
    head[home[heads[::-1]]] = heads[::-1]  # the first one where there are several
    size = np.bincount(home, minlength=rows)
    groups = {
        "sex": ((*SEXES, UNKNOWN), _sexes(inputs.checked, stored("sex", NOWHERE), head)),
        "age": ((*map(str, AGES), UNKNOWN), _bands(age, head)),
        "disability": (
            (*DISABILITIES, UNKNOWN),
            _disabilities(
                households((grade >= 1) & (grade <= SEVERE)),
                households((grade >= 1) | ((kind != none) & (kind != NOWHERE))),
                households((grade == 0) | (kind == none)) == size,
            ),
        ),
        "household_type": (
            (*TYPES, UNKNOWN),
            _types(size, households((age >= 0) & (age < ADULT)), households(age >= OLD), households(age < 0)),
        ),
    }
    return groups, size


def _sexes(checked: Checked, sex: Array, head: Array) -> Array:
    number = {_place(checked, "sex", name): place for place, name in enumerate(SEXES)}
    own = np.where(head == NOWHERE, NOWHERE, sex[head])
    return np.select([own == code for code in number], list(number.values()), len(SEXES))


def _bands(age: Array, head: Array) -> Array:
    own = np.where(head == NOWHERE, NOWHERE, age[head])
    return np.where(own < 0, len(AGES), np.searchsorted(AGES, own, side="right") - 1)


def _disabilities(severe: Array, disabled: Array, clear: Array) -> Array:
    places = [DISABILITIES.index(name) for name in ("severe", "mild", "none")]
    return np.select([severe > 0, disabled > 0, clear], places, len(DISABILITIES))


def _types(size: Array, young: Array, old: Array, ageless: Array) -> Array:
    adults = size - young
    kinds = {
        "minors": adults == 0,
        "one_old": (size == 1) & (old == 1),
        "one_young": size == 1,
        "old": old == size,
        "lone_parent": (young > 0) & (adults == 1),
        "children": young > 0,
        "adults": young == 0,
    }
    unknown = (ageless > 0) | (size == 0)
    places = [len(TYPES), *(TYPES.index(name) for name in kinds)]
    return np.select([unknown, *kinds.values()], places, len(TYPES))


def _place(checked: Checked, name: str, value: str) -> int:
    return value_names(checked.names.attributes[name]).index(value)
