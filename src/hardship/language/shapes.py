"""Plain data to a strict model; what does not fit becomes faults in both languages, each at its place.

`pydantic` finds what is wrong; its sentences are not shown. A fault says what the model expected and what the
file holds, in the file's own notation.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hardship.errors import Fault, TableError
from hardship.language.expression import Expression, ExpressionError
from hardship.language.positions import Path, Positions
from hardship.language.toml_text import shown

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], data: Mapping[str, Any], where: Positions) -> M:
    """`data` as a `model`.

    Raises:
        TableError: unknown keys (with the nearest legal one), missing keys, values of the wrong kind,
            expressions that cannot be read, and expressions whose quotes would make columns inexact.
    """
    faults = list(_quotes(model, where))
    found: M | None = None
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        faults += _faults(model, data, error.errors(), where)
    if faults or found is None:
        raise TableError(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    return found


def _faults(
    model: type[BaseModel], data: Mapping[str, Any], details: Sequence[ErrorDetails], where: Positions
) -> Iterator[Fault]:
    """One fault for each thing that is wrong; of the branches of a choice only the deepest speaks."""
    choices: dict[Path, list[tuple[Path, ErrorDetails]]] = {}
    for detail in details:
        path, choice = _path(detail["loc"], data)
        if choice is None:
            yield _fault(model, path, detail, where)
        else:
            choices.setdefault(choice, []).append((path, detail))
    for choice, found in choices.items():
        deepest = max(len(path) for path, _ in found)
        if deepest == len(choice):
            yield where.fault(choice, "table.value_form", found=_written(_at(data, choice)))
        else:
            yield from (_fault(model, path, detail, where) for path, detail in found if len(path) == deepest)


def _fault(model: type[BaseModel], path: Path, detail: ErrorDetails, where: Positions) -> Fault:
    kind = detail["type"]
    context = detail.get("ctx", {})
    params: dict[str, Any] = {"found": _written(detail["input"])}
    error = context.get("error")
    if isinstance(error, ExpressionError):
        return where.fault(path, error.code, error.column, error.hint, **error.params)
    if kind == "missing" and isinstance(path[-1], str):
        return where.fault(path[:-1], "table.key_missing", expected=path[-1])
    if kind == "extra_forbidden":
        key = str(path[-1])
        known = sorted({name for inner in _models(model, path[:-1]) for name in inner.model_fields})
        near = difflib.get_close_matches(key, known, 1, 0.6)
        params = {"found": shown(key), "expected": ", ".join(known), "nearest": near[0] if near else ""}
        return where.key_fault(path, "table.key_unknown", "table.hint_nearest" if near else "", **params)
    if kind in _CODES:
        return where.fault(path, _CODES[kind], **params)
    code, expected = _expected(kind, context, detail["msg"])
    return where.fault(path, code, expected=expected, **params)


_CODES = {
    "string_type": "table.value_text",
    "string_too_short": "table.value_empty",
    "int_type": "table.value_whole",
    "bool_type": "table.value_truth",
    "date_type": "table.value_date",
    "tuple_type": "table.value_list",
    "dict_type": "table.value_table",
    "model_type": "table.value_table",
    "missing": "table.value_length",
    "too_short": "table.value_length",
    "too_long": "table.value_length",
    "exact": "table.value_exact",
    "expression": "table.value_expression",
    "case": "table.form_case",
    "computed": "table.form_computed",
    "test": "table.form_test",
}
"""What a kind of error of the models means in a file, where the value alone says enough."""


def _expected(kind: str, context: Mapping[str, Any], sentence: str) -> tuple[str, Any]:
    """Code and `expected` for the kinds that need more than the value."""
    match kind:
        case "literal_error":
            return "table.value_choice", str(context["expected"]).replace(" or ", ", ")
        case "string_pattern_mismatch":
            return "table.value_pattern", str(context["pattern"]).strip("^$")
        case "greater_than_equal":
            return "table.value_at_least", context["ge"]
        case "less_than_equal":
            return "table.value_at_most", context["le"]
        case _:
            return "table.value_other", sentence


def _path(loc: Sequence[str | int], data: Any) -> tuple[Path, Path | None]:
    """The part of a location that is in the file (or a missing key), and where a choice of forms began."""
    path: list[str | int] = []
    here: Any = data
    choice: Path | None = None
    for part in loc:
        inside = isinstance(here, Mapping) and part in here
        if inside or (isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)):
            here = here[part]
            path.append(part)
        elif part is loc[-1] and (isinstance(here, Mapping | list | tuple)) and _is_key(part, here):
            path.append(part)
        elif choice is None:
            choice = tuple(path)
    return tuple(path), choice


def _is_key(part: str | int, here: Any) -> bool:
    """Whether the last part of a location is an absent key or index, and not the name of a form."""
    if isinstance(here, Mapping):
        return isinstance(part, str) and part.replace("_", "").isalnum() and part.islower()
    return isinstance(part, int)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _models(model: type[BaseModel], path: Path) -> tuple[type[BaseModel], ...]:
    """The models that may stand at a path of `model`."""
    found: tuple[type[BaseModel], ...] = (model,)
    for part in path:
        if isinstance(part, str):
            fields = [one.model_fields[part].annotation for one in found if part in one.model_fields]
            # Without such a field the part is the key of a free table: what may stand there is known already.
            found = tuple(inner for field in fields for inner in _inside(field, BaseModel)) if fields else found
    return found


def _inside(annotation: Any, base: type) -> Iterator[Any]:
    """The subclasses of `base` that a field's annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, base):
        yield annotation
    for part in get_args(annotation):
        yield from _inside(part, base)


def _quotes(model: type[BaseModel], where: Positions) -> Iterator[Fault]:
    """Expressions in three quotes or with a backslash: their columns would not be those of the file."""
    for path, raw in where.raw.items():
        if not ("\\" in raw or raw.startswith(('"""', "'''"))) or not isinstance(path[-1], str):
            continue
        fields = [inner.model_fields.get(path[-1]) for inner in _models(model, path[:-1])]
        if any(field is not None and any(_inside(field.annotation, Expression)) for field in fields):
            yield where.fault(path, "table.expression_raw", found=shown(raw))


def _written(value: Any) -> str:
    """A value as a file would write it, short."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return shown(f'"{value}"')
        case int() | Decimal() | dt.date() | dt.time():
            return shown(str(value))
        case Mapping():
            return shown("{" + ", ".join(str(key) for key in value) + "}")
        case _:
            return shown("[" + ", ".join(map(_written, value)) + "]") if isinstance(value, list | tuple) else "?"
