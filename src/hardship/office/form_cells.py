"""One value of a scoring table as the text of a cell, and back.

What a key may hold decides how it is written: a fixed word by its Chinese name, a list with semicolons, points of
several indices as `national = 19; extreme = 12`, bands as `< 18; < 60; 其余`. What would not come back
as it was is written as in the file (`["a;b"]`), and any such value may be typed that way.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin

from hardship.language.expression import Expression
from hardship.language.toml_write import canonical, inline
from hardship.messages import LANGUAGES
from hardship.office import form
from hardship.office.form_layout import rows_of

TRUTH = (True, False)
REST = "其余"
_REST = (REST, "otherwise", "*")
_BAND = re.compile(r"(<=|≤|<|＜)\s*(\S+)\Z")
_NUMBER = re.compile(r"[+-]?[0-9_]{1,40}(\.[0-9]{1,40})?\Z")
_FRACTION = re.compile(r"-?[0-9]{1,40}/[0-9]{1,40}\Z")
_SPLIT = re.compile(r"\s*[;；]\s*")


def written(value: Any, annotation: Any) -> str:
    """The cell of a value; never empty.

    Args:
        value: as a TOML file gives it.
        annotation: what the key may hold, as its model says.
    """
    simple = _simple(value, annotation)
    try:
        if simple and canonical(read(simple, annotation)) == canonical(value):
            return simple
    except ValueError:
        pass
    return inline(value)


def _simple(value: Any, annotation: Any) -> str:
    kind = kind_of(annotation)
    match value:
        case bool():
            return form.option("", "true" if value else "false", "zh")
        case str():
            return form.option_of(annotation, value, "zh") if kind == "option" else value
        case int() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case dt.date():
            return value.isoformat()
        case list() if kind == "bands":
            return "; ".join(map(_band, value))
        case list():
            return "; ".join(map(_scalar, value))
        case dict() if kind == "points":
            return "; ".join(f"{key} = {_scalar(one)}" for key, one in value.items())
        case _:
            return ""


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else _simple(value, Any)


def _band(band: dict[str, Any]) -> str:
    if "below" in band:
        return f"< {_scalar(band['below'])}"
    return f"≤ {_scalar(band['at_most'])}" if "at_most" in band else REST


def read(text: str, annotation: Any) -> Any:
    """The value of a cell as a TOML file would give it.

    Raises:
        ValueError: the text is none that the key may hold; the message is what it may hold, as a message id.
    """
    if text[:1] in ("[", "{", '"'):
        try:
            return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
        except (ValueError, RecursionError):
            pass  # a title may begin so too
    kind = kind_of(annotation)
    match kind:
        case "option":
            return form.option_word(annotation, text.strip())
        case "truth":
            return _truth(text.strip())
        case "number" | "whole":
            return _number(text.strip())
        case "date":
            return _date(text.strip())
        case "points":
            return _points(text.strip())
        case "bands":
            return [_banded(part) for part in _parts(text)]
        case "numbers":
            return [_number(part) for part in _parts(text)]
        case "texts":
            return _parts(text)
        case "any_list":
            return [_any(part) for part in _parts(text)]
        case "any":
            return _any(text.strip())
        case "expression":
            return " ".join(text.split("\n")).strip()
        case _:
            return text


@cache
def kind_of(annotation: Any) -> str:
    """How a key is written in a cell."""
    plain = [part for part in _leaves(annotation) if part is not NoneType]
    if form.options(annotation):
        return "option"
    if any(get_origin(part) is dict for part in plain):
        return "points"
    if rows_of(annotation) is not None:
        return "bands"
    lists = [part for part in plain if get_origin(part) is tuple]
    if lists:
        inner = get_args(lists[0])[0]
        if inner is Any:
            return "any_list"
        return "texts" if str in _leaves(inner) else "numbers"
    kinds = {bool: "truth", Fraction: "number", int: "whole", dt.date: "date", Expression: "expression", str: "text"}
    if Any in plain:
        return "any"
    return next((kinds[part] for part in plain if part in kinds), "truth")


def _leaves(annotation: Any) -> list[Any]:
    inner = form.parts(annotation)
    return [leaf for part in inner for leaf in _leaves(part)] if inner else [annotation]


def _parts(text: str) -> list[str]:
    return [part for part in _SPLIT.split(text.strip()) if part]


def _truth(text: str) -> bool:
    for value in TRUTH:
        word = "true" if value else "false"
        if text.lower() in (word, *(form.option("", word, lang) for lang in LANGUAGES)):
            return value
    raise ValueError("form.want_truth")


def _number(text: str) -> Any:
    """An int or decimal; a fraction stays a text, as in the file. A workbook's own number may have an exponent."""
    if _FRACTION.match(text):
        return text
    try:
        if _NUMBER.match(text):
            return Decimal(text) if "." in text else int(text)
        value = Decimal(text)
    except (InvalidOperation, ValueError):
        raise ValueError("form.want_number") from None
    if not value.is_finite() or abs(value.adjusted()) > 15:
        raise ValueError("form.want_number")
    whole = value == value.to_integral_value()
    return int(value) if whole else Decimal(f"{value:f}")


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError("form.want_date") from None


def _points(text: str) -> Any:
    if "=" not in text:
        return _number(text)
    pairs = [part.partition("=") for part in _parts(text)]
    return {key.strip(): _number(value.strip()) for key, _, value in pairs}


def _banded(text: str) -> dict[str, Any]:
    if text in _REST:
        return {"otherwise": True}
    found = _BAND.match(text)
    if found is None:
        raise ValueError("form.want_bands")
    return {"below" if found[1] in ("<", "＜") else "at_most": _number(found[2])}


def _any(text: str) -> Any:
    """A truth value, number or date where the text is one, else the text."""
    for reader in (_truth, _number, _date):
        try:
            return reader(text)
        except ValueError:
            continue
    return text
