"""Foreign registers: `mapping.toml` says which of their columns is which attribute, in which unit and coding.

    [mapping]
    currency = "CLP"
    missing = ["NA"]                      # texts that mean missing in every column

    [households]                          # also [members], [supporters], [transfers]
    file = "households.csv"               # where REGISTER is a folder; `sheet` where it is a workbook
    household_id = "{r}-{p}-{c}"          # built from columns; "{r}" alone for one
    area_code = "{r}"                     # may be left out: no area
    rows = "persons"                      # household columns stand on each person's row

    [[households.column]]
    to = "residence_type"
    from = "z"                            # or value = "urban" for every row
    values = { "1" = "urban", "2" = "rural" }
    otherwise = "rural"                   # any other value; without it another value rejects the row
    empty = "rural"                       # an empty cell; without it missing stays missing
    missing = ["9"]

    [[households.column]]
    to = "financial_assets"
    from = "savings"
    unit = "CLP"                          # the currency, or yuan, fen, wan; `factor` for another unit
    period = "month"                      # month, year or none: money always needs both
    take = "first"                        # rows = "persons": the first row's value; otherwise all must agree

    [[members.column]]
    to = "birth_date"
    from = "age"
    rule = "age"                          # or id_number_birth; for `sex`: id_number_sex

Everything comes out as raw tables whose cells are texts, and is judged like any other register.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from hardship.errors import Fault, RegisterError, TableError
from hardship.language.fields import DeclaredAttribute, Exact, Level, Model
from hardship.language.shapes import validated
from hardship.language.toml_text import read_toml
from hardship.reading.cells import parser
from hardship.reading.convert import as_text
from hardship.reading.mapping_rules import (
    BAD_ID_NUMBER,
    Rule,
    amount_rule,
    born_by_age,
    born_by_id_number,
    check_digit_holds,
    coded,
    sex_by_id_number,
)
from hardship.reading.readers import ENTITIES, BadLine, RawTable, read_file

UNITS = {"yuan": Fraction(1), "fen": Fraction(1, 100), "wan": Fraction(10_000)}
MONTHS = {("month", "year"): 12}
_LEVEL: dict[str, Level] = {
    "households": "household",
    "members": "member",
    "supporters": "supporter",
    "transfers": "transfer",
}
_IDS: dict[str, tuple[str, ...]] = {
    "households": ("household_id",),
    "members": ("household_id", "member_id"),
    "supporters": ("household_id", "member_id", "supporter_id"),
    "transfers": ("household_id", "member_id"),
}
_FIELD = re.compile(r"\{([^{}]+)\}")
RuleName = Literal["age", "id_number_birth", "id_number_sex"]


class Column(Model):
    """`[[<entity>.column]]`: where one attribute comes from."""

    to: str
    source: str = Field(default="", alias="from")
    value: str = ""
    values: dict[str, str] | None = None
    otherwise: str | None = None
    empty: str | None = None
    missing: Annotated[tuple[str, ...], Field(strict=False)] = ()
    unit: str = ""
    period: Literal["", "month", "year", "none"] = ""
    factor: Exact = Fraction(1)
    rule: RuleName | None = None
    take: Literal["agree", "first"] = "agree"


class Entity(Model):
    """`[households]` and its like: which file, which ids, which columns."""

    file: str = ""
    sheet: str = ""
    household_id: str = ""
    area_code: str = ""
    member_id: str = ""
    supporter_id: str = ""
    rows: Literal["one", "persons"] = "one"
    column: Annotated[tuple[Column, ...], Field(strict=False)] = ()


class About(Model):
    """`[mapping]`."""

    title: str = ""
    currency: str = ""
    missing: Annotated[tuple[str, ...], Field(strict=False)] = ()


class MappingFile(Model):
    """A whole `mapping.toml`."""

    mapping: About = About()
    households: Entity
    members: Entity
    supporters: Entity | None = None
    transfers: Entity | None = None


@dataclass(frozen=True)
class RegisterMapping:
    """A checked mapping: what the file says, its name, and the attributes it may fill."""

    file: MappingFile
    name: str
    attributes: Mapping[str, DeclaredAttribute]

    @property
    def currency(self) -> str:
        """Of the foreign register, "" if the file does not say."""
        return self.file.mapping.currency

    def tables(self, path: Path, on: dt.date) -> list[RawTable]:
        """The raw tables of a foreign register.

        Args:
            path: its one file, or the folder of its files.
            on: the assessment date, from which an age becomes a birth date.

        Raises:
            RegisterError: a file or column is absent, or a file cannot be read.
        """
        if not path.exists():
            raise RegisterError(Fault("register.not_found", str(path)))
        read: dict[tuple[str, str], RawTable] = {}
        found = []
        for entity, about in self._entities():
            key = (about.file, about.sheet)
            if key not in read:
                source = path / about.file if about.file and path.is_dir() else path
                if not source.is_file():
                    raise RegisterError(Fault("register.not_found", about.file or path.name))
                read[key] = read_file(source, entity, about.sheet)
            found.append(_Translation(self, entity, about, read[key], on).table())
        return found

    def _entities(self) -> list[tuple[str, Entity]]:
        given = ((entity, getattr(self.file, entity, None)) for entity in ENTITIES)
        return [(entity, about) for entity, about in given if about is not None]


def load_mapping(path: Path, attributes: Mapping[str, DeclaredAttribute]) -> RegisterMapping:
    """Read and check a `mapping.toml`.

    Raises:
        RegisterError: it is unreadable, names unknown attributes or values, or leaves a unit or period
        open.
    """
    try:
        file = validated(MappingFile, *read_toml(path.read_bytes(), path.name))
    except TableError as error:  # a faulty TOML file of ours: every fault with its place
        raise RegisterError(error.faults) from None
    except (OSError, ValueError):
        raise RegisterError(Fault("register.mapping_unreadable", path.name)) from None
    mapping = RegisterMapping(file, path.name, attributes)
    faults = [fault for entity, about in mapping._entities() for fault in _faults(mapping, entity, about)]
    if faults:
        raise RegisterError(faults)
    return mapping


def _faults(mapping: RegisterMapping, entity: str, about: Entity) -> list[Fault]:
    faults = []

    def add(code: str, **params: object) -> None:
        faults.append(Fault(f"register.{code}", mapping.name, params=params))

    for name in _IDS[entity]:
        if not getattr(about, name):
            add("no_column", column=f"{entity}.{name}")
    for column in about.column:
        attribute = mapping.attributes.get(column.to)
        if attribute is None or attribute.level != _LEVEL[entity]:
            add("mapping_unknown_attribute", name=column.to)
            continue
        if bool(column.source) == bool(column.value):
            add("mapping_shape", message=f"{column.to}: from / value")
        if attribute.type == "money" and not column.value and not (column.unit and column.period):
            add("mapping_needs_unit", name=column.to)
        elif attribute.type == "money" and not column.value:
            if column.unit not in (*UNITS, mapping.currency):
                add("mapping_unknown_unit", unit=column.unit)
            if _period_factor(attribute, column) is None:
                add("mapping_bad_period", name=column.to, period=column.period, unit=attribute.unit)
        if column.rule is not None and (column.rule != "id_number_sex") != (attribute.type == "date"):
            add("mapping_bad_rule", name=column.to, rule=column.rule)
        for value in (
            *(column.values or {}).values(),
            column.otherwise or "",
            column.empty or "",
            column.value,
        ):
            if value and _illegal(value, attribute):
                add("mapping_bad_value", name=column.to, value=value)
    return faults


def _illegal(value: str, attribute: DeclaredAttribute) -> bool:
    return bool(parser(attribute)(value).problem)


def _period_factor(attribute: DeclaredAttribute, column: Column) -> int | None:
    """What the number is multiplied by because of its period; None if it cannot be exact."""
    wanted = attribute.unit.partition("/")[2] or "none"
    if attribute.level == "transfer":  # the row itself says its period
        return 1
    return 1 if column.period == wanted else MONTHS.get((column.period, wanted))


class _Translation:
    """One entity's source rows on their way to a raw table."""

    def __init__(self, mapping: RegisterMapping, entity: str, about: Entity, source: RawTable, on: dt.date) -> None:
        self.mapping, self.entity, self.about, self.source, self.on = mapping, entity, about, source, on
        self.nothing = pl.repeat("", source.lines.len(), dtype=pl.String, eager=True)

    def table(self) -> RawTable:
        about, source = self.about, self.source
        data = {name: self._built(getattr(about, name)) for name in _IDS[self.entity]}
        if self.entity == "households":
            data["area_code"] = self._built(about.area_code) if about.area_code else self.nothing
        takes: dict[str, str] = {}
        for column in about.column:
            data[column.to] = self._column(column)
            takes[column.to] = column.take
        frame = pl.DataFrame({name: series.alias(name) for name, series in data.items()})
        lines, faults = source.lines, tuple[tuple[int, str, str], ...]()
        if self.entity == "households" and about.rows == "persons":
            frame, lines, faults = _one_row_each(frame, lines, takes)
        bad = tuple(self._bad(line) for line in source.bad) if about.rows == "one" else ()
        return RawTable(
            self.entity,
            source.file,
            source.sheet,
            frame,
            lines,
            self._typed_ids(),
            bad,
            source.notes,
            area_optional=not about.area_code,
            faults=faults,
            marks=tuple(self._marks()),
        )

    def _bad(self, line: BadLine) -> BadLine:
        """A line that could not be split, with the household id that its cells claim."""
        given = dict(zip(self.source.frame.columns, line.cells, strict=False))
        pieces = _FIELD.split(self.about.household_id)
        names = pieces[1::2] or pieces
        known = all(given.get(name) for name in names)
        claim = _FIELD.sub(lambda found: given[found[1]], self.about.household_id) if known else ""
        if known and len(pieces) == 1:
            claim = given[pieces[0]]
        return BadLine(line.line, line.problem, line.value_class, (claim,))

    def _typed(self, column: str) -> pl.Series | None:
        """Where a workbook's column holds no text; only there does a number spoil an id."""
        return self.source.not_text.get(column) if self.source.sheet else None

    def _typed_ids(self) -> dict[str, pl.Series]:
        found = {}
        for name in _IDS[self.entity]:
            pieces = _FIELD.split(getattr(self.about, name))
            typed = [self._typed(piece) for piece in (pieces[1::2] or pieces)]
            marked = [one for one in typed if one is not None]
            if marked and self.about.rows == "one":
                found[name] = pl.select(pl.any_horizontal(marked)).to_series()
        return found

    def _marks(self) -> Iterator[tuple[str, pl.Series]]:
        for column in self.about.column:
            if column.rule is not None and column.rule.startswith("id_number"):
                text = self._text(column.source)
                odd = [one for one in text.unique().to_list() if not check_digit_holds(one)]
                yield "id_check_digit", text.is_in(pl.Series(odd, dtype=pl.String).implode()).arg_true()

    def _text(self, column: str) -> pl.Series:
        if column not in self.source.frame.columns:
            raise RegisterError(Fault("register.mapping_no_column", self.mapping.name, params={"column": column}))
        try:
            text = as_text(self.source.frame[column]).cast(pl.String).fill_null("")
        except ValueError as error:
            params = {"column": column, "type": str(error)}
            raise RegisterError(Fault("register.column_type", self.source.file, params=params)) from None
        absent = [one for one in self.mapping.file.mapping.missing if one]
        return text.replace(absent, [""] * len(absent)) if absent else text

    def _built(self, pattern: str) -> pl.Series:
        """Ids from a pattern of columns: empty if any of them is."""
        pieces = _FIELD.split(pattern)
        if len(pieces) == 1:
            return self._text(pattern)
        texts = [self._text(piece) if turn % 2 else pl.lit(piece) for turn, piece in enumerate(pieces)]
        known = [one == "" for one in texts if isinstance(one, pl.Series)]
        empty = pl.any_horizontal(known)
        return pl.select(pl.when(empty).then(pl.lit("")).otherwise(pl.concat_str(texts))).to_series()

    def _column(self, column: Column) -> pl.Series:
        if column.value:
            return pl.Series([column.value]).new_from_index(0, self.nothing.len())
        text = self._text(column.source)
        typed = self._typed(column.source)
        if typed is not None and column.rule is not None and column.rule.startswith("id_number"):
            text = pl.select(pl.when(typed).then(pl.lit(BAD_ID_NUMBER)).otherwise(text)).to_series()
        rule = self._rule(column)
        if rule is None and not column.missing:
            return text
        distinct = text.unique()
        read = [self._cell(one, column, rule) for one in distinct.to_list()]
        return text.replace_strict(distinct, pl.Series(read, dtype=pl.String), return_dtype=pl.String)

    def _cell(self, text: str, column: Column, rule: Rule | None) -> str:
        if text == "" or text in column.missing:
            return column.empty or ""
        return text if rule is None or text.startswith("\x00") else rule(text)

    def _rule(self, column: Column) -> Rule | None:
        attribute = self.mapping.attributes[column.to]
        rules: dict[str, Callable[[], Rule]] = {
            "age": lambda: born_by_age(self.on),
            "id_number_birth": lambda: born_by_id_number,
            "id_number_sex": lambda: sex_by_id_number,
        }
        if column.rule is not None:
            return rules[column.rule]()
        if column.values is not None or column.otherwise is not None:
            return coded(column.values or {}, column.otherwise)
        if attribute.type in ("int", "money", "decimal"):
            factor = column.factor * UNITS.get(column.unit, Fraction(1))
            if attribute.type == "money":
                factor *= _period_factor(attribute, column) or 1
            return amount_rule(factor) if factor != 1 else None
        return coded({}, None, keep=True) if column.empty is not None else None


def _one_row_each(
    frame: pl.DataFrame, lines: pl.Series, takes: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.Series, tuple[tuple[int, str, str], ...]]:
    """Household rows from person rows: one for each id, at its first line; faults where they disagree."""
    agree = [name for name in frame.columns if takes.get(name) != "first" and name != "household_id"]
    grouped = frame.with_columns(lines.alias("#line")).group_by("household_id", maintain_order=True)
    found = grouped.agg(pl.all().first(), *(pl.col(name).n_unique().alias(f"#{name}") for name in agree))
    faults = [
        (row, name, "household_disagrees") for name in agree for row in (found[f"#{name}"] > 1).arg_true().to_list()
    ]
    return found.select(frame.columns), found["#line"], tuple(faults)
