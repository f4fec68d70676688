"""What the group report asks of each household, as small numbers: its groups, its size, where it stands."""

from __future__ import annotations

from collections.abc import Sequence
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
_NULL = 255  # of enums and grades, which are small


@dataclass(frozen=True)
class Facts:
    """All households of a register, in its order.

    Attributes:
        groups: dimension → names of its groups (`unknown` last) and the group of each household.
        persons: members of each.
        state: its place among the states of the report, −1 where it was not scored (int8).
        near: whether it is near a line; None where the table has no line for incomes.
    """

    groups: dict[str, tuple[tuple[str, ...], Array]]
    persons: Array
    state: Array
    near: Array | None

    @property
    def whole(self) -> bool:
        """Whether every household was scored."""
        return bool((self.state >= 0).all())


def household_facts(results: pl.DataFrame, inputs: Inputs, states: Array, cut: int = 0) -> Facts:
    """The facts of all households.

    Args:
        results: see `group_report`; in the order of ids, as all results are.
        states: the state of each of its rows, as a number (int8).
        cut: digits of the codes of the areas; 0: as many as leave no more than `MOST_AREAS`.
    """
    household = inputs.register.frames["household"]
    place = places(inputs.register, inputs.standards)
    lines = circle_lines(inputs.checked, inputs.standards, inputs.on, place)
    state, near, there = states, None, None
    if results.height < household.height:
        there = np.flatnonzero(household["household_id"].is_in(results["household_id"].implode()).to_numpy())
        state = np.full(household.height, NOWHERE, dtype=np.int8)
        state[there] = states  # both stand in the order of their ids
        place = place[there]
    if lines:
        near = near_line(place.with_columns(results["income_per_head"]), lines)
        if there is not None:
            near, some = np.zeros(household.height, dtype=np.bool_), near
            near[there] = some
    groups, persons = _members(inputs)
    groups["residence"] = ((*RESIDENCES, UNKNOWN), _residences(inputs))
    groups["area"] = _areas(household["area_code"], cut)
    return Facts(groups, persons, state, near)


def _residences(inputs: Inputs) -> Array:
    stored = _stored(inputs.register.frames["household"], "residence_type")
    number = [_place(inputs.checked, "residence_type", name) for name in RESIDENCES]
    return _chosen([stored == one for one in number], range(len(RESIDENCES)), len(RESIDENCES))


def area_cut(codes: pl.Series) -> int:
    """Digits of the finest level above villages of which the codes name at most `MOST_AREAS` areas."""
    lengths = sorted((length for level, length in AREA_LEVELS.items() if level != "village"), reverse=True)
    return next((n for n in lengths if codes.str.slice(0, n).n_unique() <= MOST_AREAS), min(lengths))


def _areas(codes: pl.Series, cut: int) -> tuple[tuple[str, ...], Array]:
    """The areas, and which one each household lives in; `cut` as for `household_facts`."""
    codes = codes.fill_null("")
    distinct = codes.unique()
    cut = cut or area_cut(distinct)
    names = [name for name in distinct.str.slice(0, cut).unique().sort() if name]
    number = {name: place for place, name in enumerate(names)} | {"": len(names)}
    place = np.array([number[code[:cut]] for code in distinct], dtype=np.int64)
    return (*names, UNKNOWN), place[codes.cast(pl.Enum(distinct)).to_physical().to_numpy()]


def _stored(frame: pl.DataFrame, name: str, missing: int = _NULL) -> Array:
    """A column as stored, `missing` where null or absent."""
    if name not in frame.columns:
        return np.full(frame.height, missing, dtype=np.int64)
    found: Array = frame[name].fill_null(missing).to_numpy()
    return found


def _chosen(conditions: Sequence[Array], places: Sequence[int], default: int) -> Array:
    """For each row the place of the first condition that holds."""
    found = np.full(len(conditions[0]), default, dtype=np.int8)
    for condition, place in zip(reversed(conditions), reversed(places), strict=True):
        found[condition] = place
    return found


def _members(inputs: Inputs) -> tuple[dict[str, tuple[tuple[str, ...], Array]], Array]:
    """The groups that follow from members, and how many there are."""
    frame, rows = inputs.register.frames["member"], inputs.register.frames["household"].height
    home = frame["household"].to_numpy()

    def households(condition: Array) -> Array:
        """How many members of each household fulfil a condition."""
        return np.bincount(home[condition], minlength=rows)

    born = _stored(frame, "birth_date", _NULL_DATE)
    today = inputs.on.year * 10_000 + inputs.on.month * 100 + inputs.on.day
    age = np.where(born == _NULL_DATE, NOWHERE, (today - born) // 10_000)
    grade, kind = _stored(frame, "disability_grade"), _stored(frame, "disability_kind")
    disabled = (grade >= 1) & (grade != _NULL)
    none = _place(inputs.checked, "disability_kind", "none")
    heads = np.flatnonzero(_stored(frame, "relation_to_head") == _place(inputs.checked, "relation_to_head", "head"))
    head = np.full(rows, NOWHERE)
    head[home[heads[::-1]]] = heads[::-1]  # the first one where there are several
    size = np.bincount(home, minlength=rows)
    groups = {
        "sex": ((*SEXES, UNKNOWN), _sexes(inputs.checked, _stored(frame, "sex"), head)),
        "age": ((*map(str, AGES), UNKNOWN), _bands(age, head)),
        "disability": (
            (*DISABILITIES, UNKNOWN),
            _disabilities(
                households(disabled & (grade <= SEVERE)),
                households(disabled | ((kind != none) & (kind != _NULL))),
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
    own = np.where(head == NOWHERE, _NULL, sex[head])
    number = [_place(checked, "sex", name) for name in SEXES]
    return _chosen([own == code for code in number], range(len(SEXES)), len(SEXES))


def _bands(age: Array, head: Array) -> Array:
    own = np.where(head == NOWHERE, NOWHERE, age[head])
    return np.where(own < 0, len(AGES), np.searchsorted(AGES, own, side="right") - 1)


def _disabilities(severe: Array, disabled: Array, clear: Array) -> Array:
    places = [DISABILITIES.index(name) for name in ("severe", "mild", "none")]
    return _chosen([severe > 0, disabled > 0, clear], places, len(DISABILITIES))


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
    return _chosen([unknown, *kinds.values()], places, len(TYPES))


def _place(checked: Checked, name: str, value: str) -> int:
    return value_names(checked.names.attributes[name]).index(value)
