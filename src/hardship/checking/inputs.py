"""Rules about what a table brings with it: sources, attributes, missing values, numbers, look-ups, lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any

from hardship.attributes import MAX_ENUM, MAX_SET, scale, stored_bounds, value_names
from hardship.checking import bands as banding
from hardship.checking.checker import Checker
from hardship.language.fields import Assume, DeclaredAttribute
from hardship.language.infer_base import BAD, TYPES, listing, nearest, written
from hardship.language.kinds import Kind, Type
from hardship.language.positions import Path
from hardship.language.table import Axis, Lookup, ValueList
from hardship.limits import ASSESSMENT, INT64
from hardship.lots import LOTS

KIND_TYPES: dict[str, Type] = {
    "bool": "bool", "int": "number", "money": "number", "decimal": "number",
    "date": "date", "code": "code", "enum": "enum", "set": "set",
}  # fmt: skip


def sources(desk: Checker) -> None:
    """Every named source exists, and every published or legal number names one."""
    table = desk.table
    known = {source.id for source in table.source}
    numbers = ("constant", "lookup", "list", "item")
    sections = (
        *numbers,
        "parameter",
        "require",
        "derive",
        "veto",
        "person",
        "benefit",
        "output",
        "ladder",
        "group",
    )
    for section in sections:
        for i, entry in enumerate(vars(table)[section]):
            path: Path = (section, i)
            _sourced(desk, path, entry, known, section in numbers)
            for j, rung in enumerate(entry.rung if section == "ladder" else ()):
                _sourced(desk, (*path, "rung", j), rung, known, False)
            for j, value in enumerate(entry.values if section == "list" else ()):
                _sourced(desk, (*path, "values", j), value, known, False, entry.source)
    for section in ("review", "transition"):
        if vars(table)[section] is not None:
            _sourced(desk, (section,), vars(table)[section], known, False)


def _sourced(desk: Checker, path: Path, entry: Any, known: set[str], number: bool, inherited: str = "") -> None:
    if not hasattr(entry, "source"):
        return
    if entry.source and entry.source not in known:
        close = nearest(entry.source, sorted(known))
        desk.fault((*path, "source"), "table.source_unknown", found=entry.source, **close)
    status = entry.status or (desk.table.table.default_status if number else None)
    if status in ("published", "law") and not (entry.source or inherited):
        desk.fault(path, "table.source_needed", status=status)
    if isinstance(entry, Lookup) and entry.published and not entry.source:
        desk.fault(path, "table.source_needed", status="published")


def attributes(desk: Checker) -> None:
    """Check the table's own attributes, and enter the kind of every attribute."""
    for i, own in enumerate(desk.table.attribute):
        _own_attribute(desk, ("attribute", i), own)
    units = {name: desk.unit(_declared_at(desk, name), entry.unit) for name, entry in desk.names.attributes.items()}
    for name, entry in desk.names.attributes.items():
        try:
            low, high = stored_bounds(entry)
        except ValueError:
            desk.run.of_name[name] = BAD  # reported by _own_attribute
            continue
        desk.run.of_name[name] = Kind(
            KIND_TYPES[entry.type],
            unit=units[name],
            den=scale(entry),
            lo=low,
            hi=high,
            domain=value_names(entry) if entry.type in ("enum", "set") else (),
            missing=frozenset() if isinstance(desk.table.missing.get(name), Assume) else frozenset({name}),
        )
    first, last = ASSESSMENT
    desk.run.of_name["on"] = Kind("date", lo=first, hi=last)
    desk.run.of_name["lot"] = Kind("number", lo=0, hi=LOTS - 1)


def _declared_at(desk: Checker, name: str) -> Path:
    """Where a unit of an attribute is written; nowhere in this file for one of the dictionary."""
    own = [i for i, entry in enumerate(desk.table.attribute) if entry.name == name]
    return ("attribute", own[0], "unit") if own else ()


def _own_attribute(desk: Checker, path: Path, own: DeclaredAttribute) -> None:
    values = value_names(own)
    if own.typical is not None and (own.type != "money" or not 0 < own.typical[0] < own.typical[1]):
        desk.fault((*path, "typical"), "table.attribute_typical")
    if own.type in ("enum", "set"):
        most = MAX_ENUM if own.type == "enum" else MAX_SET
        if not 1 <= len(values) <= most:
            desk.fault(path, "table.attribute_values", most=most, found=len(values))
        for j, value in enumerate(values):
            if value in values[:j]:
                desk.fault((*path, "values", j), "table.value_twice", found=value)
        return
    if values:
        desk.fault((*path, "values"), "table.attribute_no_values", type=own.type)
    try:
        stored_bounds(own)
    except (ValueError, TypeError):
        desk.fault((*path, "bounds") if own.bounds else path, "table.attribute_bounds", type=own.type)


def missing(desk: Checker) -> None:
    """Policies name attributes, and assumed values are legal ones."""
    for name, policy in desk.table.missing.items():
        path: Path = ("missing", name)
        attribute = desk.names.attributes.get(name)
        if attribute is None:
            close = nearest(name, list(desk.names.attributes))
            desk.fault(path, "table.missing_attribute", found=name, **close)
        elif isinstance(policy, Assume):
            kind = desk.run.of_name[name]
            if kind is not BAD and not _legal(attribute, kind, policy.assume):
                legal = listing(kind.domain) if kind.domain else _span(kind)
                found = _written(policy.assume)
                desk.fault((*path, "assume"), "table.missing_value", name=name, legal=legal, found=found)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _span(kind: Kind) -> str:
    if kind.type == "number":
        return f"{written(Fraction(kind.lo, kind.den))} … {written(Fraction(kind.hi, kind.den))}"
    return {"bool": "true, false", "date": f"{kind.lo} … {kind.hi}"}.get(kind.type, "'…'")


def _legal(attribute: DeclaredAttribute, kind: Kind, value: Any) -> bool:
    """Whether an assumed value is one that the attribute could hold."""
    match kind.type:
        case "bool":
            return isinstance(value, bool)
        case "enum":
            return value in kind.domain
        case "set":
            return isinstance(value, (list, tuple)) and all(one in kind.domain for one in value)
        case "code":
            return isinstance(value, str) and value != ""
        case "date":
            try:
                day = value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
            except ValueError:
                return False
            return kind.lo <= day.year * 10_000 + day.month * 100 + day.day <= kind.hi
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    stored = Fraction(value) * scale(attribute)
    return stored.denominator == 1 and kind.lo <= stored <= kind.hi


def parameters(desk: Checker) -> None:
    """Bounds ascend and hold whole steps; a parameter may be missing with the kind of residence."""
    residence = desk.run.of_name.get("residence_type")
    absent = residence.missing if residence is not None else frozenset()
    for i, parameter in enumerate(desk.table.parameter):
        path: Path = ("parameter", i)
        den = 10**parameter.decimals
        low, high = (bound * den for bound in parameter.bounds)
        unit = desk.unit((*path, "unit"), parameter.unit)
        if low > high or low.denominator != 1 or high.denominator != 1 or max(abs(low), abs(high)) > INT64:
            desk.fault((*path, "bounds"), "table.parameter_bounds", decimals=parameter.decimals)
            desk.run.of_name[parameter.name] = BAD
            continue
        kind = Kind("number", unit=unit, den=den, lo=int(low), hi=int(high), missing=absent)
        desk.run.of_name[parameter.name] = kind


def constants(desk: Checker) -> None:
    """Enter the kinds of the constants: their reduced fractions."""
    for i, constant in enumerate(desk.table.constant):
        unit = desk.unit(("constant", i, "unit"), constant.unit)
        top = constant.value.numerator
        desk.run.of_name[constant.name] = Kind(
            "number", unit=unit, den=constant.value.denominator, lo=top, hi=top, constant=True
        )


def lookups(desk: Checker) -> None:
    """Axes are whole, cells fill them, and every cell lies between the declared values."""
    for i, lookup in enumerate(desk.table.lookup):
        path: Path = ("lookup", i)
        unit = desk.unit((*path, "unit"), lookup.unit)
        rows = _axis(desk, (*path, "rows"), lookup.rows)
        columns = 1 if lookup.columns is None else _axis(desk, (*path, "columns"), lookup.columns)
        cells = _cells(desk, path, lookup, rows, columns) if rows and columns else None
        if cells is None:
            desk.run.lookups[lookup.name] = BAD
            continue
        _published(desk, path, lookup, rows, columns)
        full = [cell for cell in cells if cell is not None]
        den = lcm(*(cell.denominator for cell in full))
        absent = frozenset({f"lookup:{lookup.name}"}) if len(full) < len(cells) else frozenset()
        low, high = int(min(full) * den), int(max(full) * den)
        if max(abs(low), abs(high), den) > INT64:
            desk.fault((*path, "cells"), "table.lookup_far", den=den)
            desk.run.lookups[lookup.name] = BAD
            continue
        desk.run.lookups[lookup.name] = Kind("number", unit=unit, den=den, lo=low, hi=high, missing=absent)


def _axis(desk: Checker, path: Path, axis: Axis) -> int:
    """The length of an axis; 0 after a fault."""
    forms = [axis.values is not None or axis.of is not None, axis.bands is not None]
    forms.append(axis.first is not None or axis.last is not None)
    if sum(forms) != 1:
        desk.fault(path, "table.axis_form")
        return 0
    so_far = len(desk.faults)
    desk.unit((*path, "unit"), axis.unit)
    if len(desk.faults) > so_far:
        return 0
    if axis.bands is not None:
        return len(axis.bands) if banding.shape(desk, (*path, "bands"), axis.bands) else 0
    if forms[2]:
        if axis.first is None or axis.last is None or axis.first > axis.last or axis.last - axis.first > 9_999:
            desk.fault(path, "table.axis_span")
            return 0
        return axis.last - axis.first + 1
    domain: tuple[str, ...] = ()
    if axis.of is not None:
        kind = desk.run.of_name.get(axis.of)
        if kind is None or axis.of not in desk.names.attributes or kind.type != "enum":
            desk.fault((*path, "of"), "table.axis_of", found=axis.of)
            return 0
        domain = kind.domain
    values = axis.values if axis.values is not None else domain
    for j, value in enumerate(values):
        if value in values[:j]:
            desk.fault((*path, "values", j), "table.value_twice", found=value)
            return 0
        if domain and value not in domain:
            legal = listing(domain)
            desk.fault((*path, "values", j), "table.value", found=value, legal=legal, **nearest(value, domain))
            return 0
    lacking = [value for value in domain if value not in values]
    if lacking or not values:
        desk.fault((*path, "values"), "table.axis_lacking", lacking=listing(lacking) or "–")
        return 0
    return len(values)


def _cells(desk: Checker, path: Path, lookup: Lookup, rows: int, columns: int) -> list[Fraction | None] | None:
    """All cells row by row, None for an empty one; None after a fault."""
    here: Path = (*path, "cells")
    try:
        grid = lookup.grid
    except ValueError as error:
        desk.fault(here, "table.cell", found=str(error))
        return None
    if len(grid) != rows or any(len(row) != columns for row in grid):
        shape = " / ".join(sorted({str(len(row)) for row in grid}))
        desk.fault(here, "table.cells_shape", rows=rows, columns=columns, found_rows=len(grid), found_columns=shape)
        return None
    flat = [cell for row in grid for cell in row]
    if all(cell is None for cell in flat):
        desk.fault(here, "table.cells_empty")
        return None
    least, most = lookup.min_value, lookup.max_value
    for cell in flat:
        if cell is not None and ((least is not None and cell < least) or (most is not None and cell > most)):
            low = "–" if least is None else least
            high = "–" if most is None else most
            desk.fault(here, "table.cell_bounds", found=cell, least=low, most=high)
            return None
    return flat


def _published(desk: Checker, path: Path, lookup: Lookup, rows: int, columns: int) -> None:
    """The cells named as published exist."""
    first = _labels(desk, lookup.rows, rows)
    second = ("*",) if lookup.columns is None else _labels(desk, lookup.columns, columns)
    for j, name in enumerate(lookup.published):
        row, comma, column = name.partition(",")
        if lookup.columns is None and not comma:
            column = "*"
        if row not in first or column not in second:
            desk.fault((*path, "published", j), "table.published_cell", found=name)


def _labels(desk: Checker, axis: Axis, size: int) -> tuple[str, ...]:
    """How `published` names an axis's places: by value, number, or the band's position from 1; `*`: all."""
    if axis.bands is not None:
        return ("*", *map(str, range(1, size + 1)))
    if axis.first is not None and axis.last is not None:
        return ("*", *map(str, range(axis.first, axis.last + 1)))
    if axis.values is not None:
        return ("*", *axis.values)
    return ("*", *desk.run.of_name[axis.of or ""].domain)


def lists(desk: Checker) -> None:
    """A list is of an enum or code attribute; its values are legal, distinct, as many as its source says."""
    for i, entry in enumerate(desk.table.list):
        path: Path = ("list", i)
        kind = desk.run.of_name.get(entry.of) if entry.of in desk.names.attributes else None
        if kind is None or (kind is not BAD and kind.type not in ("enum", "code")):
            desk.fault((*path, "of"), "table.list_attribute", found=entry.of)
        elif kind is not BAD:
            _listed(desk, path, entry, [value.value for value in entry.values], kind)


def _listed(desk: Checker, path: Path, entry: ValueList, values: Sequence[str], kind: Kind) -> None:
    for j, value in enumerate(values):
        here: Path = (*path, "values", j)
        if value in values[:j]:
            desk.fault(here, "table.value_twice", found=value)
        elif kind.type != "code" and value not in kind.domain:
            legal = listing(kind.domain)
            desk.fault(here, "table.value", found=value, legal=legal, **nearest(value, kind.domain))
    if entry.expected_count is not None and entry.expected_count != len(values):
        here = (*path, "expected_count")
        desk.fault(here, "table.list_count", expected=entry.expected_count, found=len(values))


def requires(desk: Checker, name: str, kind: Kind) -> Kind:
    """The kind of a name once every `[[require]]` on it has clamped it."""
    for i, require in enumerate(desk.table.require):
        if require.value != name or kind is BAD:
            continue
        path: Path = ("require", i)
        bounds = (require.at_least, require.at_most)
        if (require.one_of is None) == (bounds == (None, None)):
            desk.fault(path, "table.require_form")
            continue
        if require.one_of is not None:
            _one_of(desk, path, require.one_of, kind)
            continue
        if kind.type != "number" or kind.divisor is not None:
            found = TYPES["ratio" if kind.divisor else kind.type]
            desk.fault((*path, "value"), "table.require_number", found=found, text=name)
            continue
        least, most = (None if bound is None else bound * kind.den for bound in bounds)
        for key, edge in (("at_least", least), ("at_most", most)):
            if edge is not None and (edge.denominator != 1 or abs(edge) > INT64):
                step = Fraction(1, kind.den)
                desk.fault((*path, key), "table.require_step", found=edge / kind.den, step=step)
                kind = BAD
        if kind is BAD:
            return BAD
        if least is not None and most is not None and least > most:
            desk.fault(path, "table.require_order", least=bounds[0], most=bounds[1])
        elif require.unless is None:
            low, high = kind.lo, kind.hi
            if least is not None:
                low, high = max(low, int(least)), max(high, int(least))
            if most is not None:
                low, high = min(low, int(most)), min(high, int(most))
            kind = replace(kind, lo=low, hi=high)
    return kind


def _one_of(desk: Checker, path: Path, values: Sequence[str], kind: Kind) -> None:
    if kind.type not in ("enum", "code"):
        desk.fault((*path, "one_of"), "table.require_text", found=TYPES[kind.type])
        return
    for j, value in enumerate(values):
        if kind.type == "enum" and value not in kind.domain:
            legal, close = listing(kind.domain), nearest(value, kind.domain)
            desk.fault((*path, "one_of", j), "table.value", found=value, legal=legal, **close)
