"""Plain pieces of the reference: rows, Kleene logic, rounding, dates, bands and parameters.

Numbers are `Fraction`, truths `bool`, dates `date`, enums and codes `str`, sets `frozenset`; None is missing.
Written to be read, from `docs/semantics.md` alone: nothing here is shared with the machine.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hardship.errors import Fault, TableError
from hardship.language.fields import DeclaredAttribute
from hardship.language.table import Band, Parameter
from hardship.language.units import parse as parse_unit

if TYPE_CHECKING:
    from hardship.standards import StandardRow

Value = Fraction | bool | str | dt.date | frozenset[str] | None
Kleene = bool | None
STEPS = {
    "fen": Fraction(1, 100),
    "cent": Fraction(1, 100),
    "jiao": Fraction(1, 10),
    "yuan": Fraction(1),
    "whole": Fraction(1),
}
MONTHS_OF_YEAR = 12


@dataclass(eq=False, slots=True)
class Row:
    """One household, member, supporter or transfer, tied to its parent and its children.

    `key` is `()` for the household, `(m,)` for its m-th member, `(m, k)` for that member's k-th supporter or
    transfer.
    """

    level: str
    key: tuple[int, ...]
    facts: Mapping[str, Value]
    parent: Row | None = None
    children: dict[str, list[Row]] = field(default_factory=dict)

    def up(self, level: str) -> Row:
        """The row itself or the ancestor of that level."""
        row: Row | None = self
        while row is not None and row.level != level:
            row = row.parent
        assert row is not None, level
        return row

    def down(self, entity: str) -> Iterator[Row]:
        """All rows of an entity that belong to this row, in order; the row itself for its own level."""
        if entity == self.level:
            yield self
        elif entity in self.children:
            yield from self.children[entity]
        else:
            for member in self.children.get("member", ()):
                yield from member.down(entity)


def tree(household: Mapping[str, Any]) -> Row:
    """The rows of one household as `reference.rows` gives it."""
    root = Row("household", (), household["household"])
    members = root.children["member"] = []
    for number, facts in enumerate(household["members"]):
        member = Row("member", (number,), facts, root)
        members.append(member)
        for entity in ("supporter", "transfer"):
            given = facts.get(entity + "s", ())
            member.children[entity] = [Row(entity, (number, k), child, member) for k, child in enumerate(given)]
    return root


def both(values: Iterable[Kleene]) -> Kleene:
    """Kleene and."""
    missing = False
    for value in values:
        if value is False:
            return False
        missing = missing or value is None
    return None if missing else True


def either(values: Iterable[Kleene]) -> Kleene:
    """Kleene or."""
    missing = False
    for value in values:
        if value is True:
            return True
        missing = missing or value is None
    return None if missing else False


def negation(value: Kleene) -> Kleene:
    """Kleene not."""
    return None if value is None else not value


def rounded(value: Fraction, step: Fraction, mode: str) -> Fraction:
    """The multiple of `step` that `mode` asks for (`floor`, `ceil`, `half_up`, `half_even`)."""
    quotient = value / step
    below = math.floor(quotient)
    rest = quotient - below
    half = Fraction(1, 2)
    match mode:
        case "floor":
            chosen = below
        case "ceil":
            chosen = math.ceil(quotient)
        case "half_up":  # ties away from zero
            chosen = below + 1 if rest > half or (rest == half and quotient > 0) else below
        case _:  # half_even: ties to the even multiple
            chosen = below + 1 if rest > half or (rest == half and below % 2 == 1) else below
    return chosen * step


def age(birth: dt.date, on: dt.date) -> int:
    """Whole calendar years from `birth` to `on`; born 29 February: older on 1 March of a common year."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def months_between(first: dt.date, last: dt.date) -> int:
    """Whole months from `first` to `last`, rounded down."""
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)


def band_of(bands: Sequence[Band], value: Fraction) -> int:
    """The first band whose edge is above (`below`) or not below (`at_most`) the value, or `otherwise`."""
    for number, band in enumerate(bands):
        if band.otherwise:
            return number
        if band.below is not None and value < band.below:
            return number
        if band.at_most is not None and value <= band.at_most:
            return number
    raise AssertionError("bands without otherwise")


def plain(attribute: DeclaredAttribute, given: Any) -> Value:
    """A value written in a table (`assume`) as a plain value of the attribute's type."""
    match attribute.type:
        case "int" | "money" | "decimal":
            return Fraction(given)
        case "date":
            return given if isinstance(given, dt.date) else dt.date.fromisoformat(given)
        case "set":
            return frozenset(given)
        case _:
            assert isinstance(given, bool | str)
            return given


class Parameters:
    """Picks a table's parameters for one household after another by plain search; remembers each place's."""

    def __init__(self, declared: Sequence[Parameter], rows: Sequence[StandardRow], on: dt.date) -> None:
        names = {parameter.name for parameter in declared}
        self.declared = declared
        self.rows = [row for row in rows if row.parameter in names]
        self.on = on
        self.known: dict[tuple[str, str | None], dict[str, Value] | str] = {}

    def at(self, area: str, residence: str | None) -> dict[str, Value] | str:
        """The values by name (None: the residence, missing, would decide), or a parameter without a row."""
        place = (area, residence)
        if place not in self.known:
            self.known[place] = self._choose(area, residence)
        return self.known[place]

    def row(self, parameter: Parameter, area: str, residence: str | None) -> StandardRow | None:
        """The row that holds for one place; `residence` None: the row that is best for any residence."""
        fits = [
            row
            for row in self.rows
            if row.parameter == parameter.name
            and area.startswith(row.area_code)
            and (row.residence == "" or residence is None or row.residence == residence)
            and self._in_time(parameter, row.effective_from)
        ]
        return max(
            fits,
            key=lambda row: (len(row.area_code), row.residence != "", row.effective_from),
            default=None,
        )

    def _choose(self, area: str, residence: str | None) -> dict[str, Value] | str:
        found: dict[str, Value] = {}
        for parameter in self.declared:
            best = self.row(parameter, area, residence)
            if best is None:
                return parameter.name
            decided = best.residence == "" or residence is not None
            found[parameter.name] = converted(best, parameter) if decided else None
        return found

    def _in_time(self, parameter: Parameter, effective: dt.date) -> bool:
        last_year = self.on.year - 1
        match parameter.as_of:
            case "assessment":
                return effective <= self.on
            case "previous_year_end":
                return effective <= dt.date(last_year, 12, 31)
            case _:
                return effective.year == last_year


def converted(row: StandardRow, parameter: Parameter) -> Fraction:
    """The row's value in the parameter's unit.

    Raises:
        TableError: the units do not fit, the value has too many decimals, or it is out of bounds.
    """
    wanted, given = parse_unit(parameter.unit), parse_unit(row.unit)
    value: Fraction = row.value
    year = parse_unit("month/year")
    if given * year == wanted:
        value = value * MONTHS_OF_YEAR
    elif given == wanted * year:
        value = value / MONTHS_OF_YEAR
    elif given != wanted:
        raise _standard_fault("table.standard_other_unit", row, row.unit or "1", parameter.unit or "1")
    if (value * 10**parameter.decimals).denominator != 1:
        raise _standard_fault("table.standard_decimals", row, str(value), parameter.decimals)
    if not parameter.bounds[0] <= value <= parameter.bounds[1]:
        raise _standard_fault("table.standard_bounds", row, str(value), " … ".join(map(str, parameter.bounds)))
    return value


def _standard_fault(code: str, row: StandardRow, found: str, expected: object) -> TableError:
    params = {"parameter": row.parameter, "found": found, "expected": expected}
    return TableError(Fault(code, row.file, row.line, 0, params))
