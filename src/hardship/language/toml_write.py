"""Plain values to TOML: as people write it, and as the one line that a table's content hash is taken of."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hardship.language.positions import Path

WIDTH, FILLED = 120, 124  # longest line of a list; of a list of short texts
NESTED = {"ladder": "rung"}
"""Lists that are written as sections of their own below their entry, because their lines are long."""
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def canonical(values: Any) -> str:
    """Everything a TOML file says, on one line: keys sorted, numbers in their shortest form, no remarks.

    Two files have the same line exactly if they differ in nothing but remarks, spacing, the order of keys and
    sections of different kinds, and the way a number is written (`0.50`, `20_000`).
    """
    match values:
        case bool():
            return "true" if values else "false"
        case int() | Decimal():
            return _shortest(values)
        case Mapping():
            return "{" + ",".join(f"{_text(key)}={canonical(values[key])}" for key in sorted(values)) + "}"
        case list() | tuple():
            return "[" + ",".join(map(canonical, values)) + "]"
        case _:
            return inline(values)


def _shortest(number: int | Decimal) -> str:
    text = f"{number:f}" if isinstance(number, Decimal) else str(number)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def inline(value: Any) -> str:
    """One value on one line, as people write it: thousands apart, keys in their order."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:_}"
        case Decimal():
            return f"{value:f}"
        case str():
            return _text(value)
        case dt.date():
            return value.isoformat()
        case Mapping():
            return "{ " + ", ".join(_pairs(value)) + " }" if value else "{}"
        case list() | tuple():
            return "[" + ", ".join(map(inline, value)) + "]"
        case _:
            raise TypeError(type(value).__name__)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if _BARE.match(key) else _text(key)


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    return (f"{_key(key)} = {inline(value)}" for key, value in values.items())


def document(values: Mapping[str, Any], order: Sequence[Path], remarks: Mapping[Path, str]) -> str:
    """A whole file.

    Args:
        values: its sections: tables, and lists of tables.
        order: the sections as they follow each other, `("table",)` or `("item", 3)`; each exactly once.
        remarks: what stands above a section, without `#`; an empty line stays one.
    """
    parts = []
    for path in order:
        parts += list(_section(values, path, remarks))
    return "\n".join(parts).removeprefix("\n") + "\n"


def _section(values: Mapping[str, Any], path: Path, remarks: Mapping[Path, str]) -> Iterator[str]:
    name = str(path[0])
    entry = values[name] if len(path) == 1 else values[name][path[1]]
    below = NESTED.get(name, "")
    yield from _above(remarks.get(path, ""))
    yield f"[{_key(name)}]" if len(path) == 1 else f"[[{_key(name)}]]"
    yield from _lines((key, value) for key, value in entry.items() if key != below)
    for number, child in enumerate(entry.get(below, ())):
        yield from _above(remarks.get((*path, below, number), ""))
        yield f"[[{name}.{below}]]"
        yield from _lines(child.items())


def _above(remark: str) -> Iterator[str]:
    yield ""
    if remark:
        yield from (line if line in ("", "#") else f"# {line}" for line in remark.split("\n"))


def _lines(pairs: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for key, value in pairs:
        line = f"{_key(key)} = {inline(value)}"
        if not isinstance(value, list | tuple) or len(value) < 2 or len(line) <= WIDTH:
            yield line
            continue
        yield f"{_key(key)} = ["
        yield from (
            _filled(value) if all(isinstance(one, str) for one in value) else (f"  {inline(one)}," for one in value)
        )
        yield "]"


def _filled(texts: Iterable[str]) -> Iterator[str]:
    """Short texts, as many on a line as fit."""
    line = " "
    for text in map(_text, texts):
        if len(line) + len(text) + 2 > FILLED:
            yield line
            line = " "
        line += f" {text},"
    yield line
