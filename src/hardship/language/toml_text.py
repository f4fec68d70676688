"""TOML text to plain data with exact numbers, and the place of every key and value."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import cache
from typing import Any

from tree_sitter import Language, Node, Parser

from hardship.errors import Fault, TableError
from hardship.language.positions import Path, Positions

MAX_BYTES = 2_000_000


def read_toml(data: bytes, file: str) -> tuple[dict[str, Any], Positions]:
    """Read TOML with decimals as `Decimal`, and find where everything stands.

    Raises:
        TableError: not UTF-8, not TOML, a key twice, `inf`, `nan` or an exponent; each at its place.
    """
    if len(data) > MAX_BYTES:
        raise TableError(Fault("table.toml_large", file, 0, 0, {"limit": MAX_BYTES, "found": len(data)}))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(Fault("table.toml_encoding", file, line, 0)) from None
    failure: Fault | None = None
    values: dict[str, Any] = {}
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        failure = _syntax(text, file, str(error))
    except (ValueError, RecursionError, ArithmeticError):
        # An integer of thousands of digits, or brackets in brackets without end: Python's own limits.
        failure = Fault("table.toml_limit", file)
    walker = _Walker(text, file)
    try:
        walker.document(parser().parse(text.encode()).root_node)
    except RecursionError:
        failure = failure or Fault("table.toml_limit", file)
    if walker.faults or failure is not None:
        doubled = failure is not None and failure.code == "table.toml_duplicate" and walker.faults
        last = [failure] if failure is not None and not doubled else []
        raise TableError([*walker.faults, *last])
    return values, walker.positions


@cache
def parser() -> Parser:
    """The syntax of TOML, with the places of everything."""
    import tree_sitter_toml

    return Parser(Language(tree_sitter_toml.language()))


def _syntax(text: str, file: str, message: str) -> Fault:
    """A decoder's message as a fault; the place is in the message's tail."""
    code = "table.toml_syntax"
    if message.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate")):
        code = "table.toml_duplicate"
    lines = text.split("\n")
    place = re.search(r"at line (\d+), column (\d+)\)\Z", message)
    line, column = (int(place[1]), int(place[2])) if place else (len(lines), len(lines[-1]) + 1)
    found = lines[line - 1][max(column - 1, 0) :].strip() if line <= len(lines) else ""
    found = found or lines[min(line, len(lines)) - 1].strip()
    return Fault(code, file, line, column, {"found": shown(found)})


def shown(text: str) -> str:
    """A text short enough for a message, control characters made visible."""
    plain = "".join(c if c.isprintable() else "·" for c in text)
    return plain if len(plain) <= 60 else plain[:57] + "…"


_KEYS = ("bare_key", "quoted_key")


class _Walker:
    """Gathers the places of all keys and values; byte columns become columns of characters."""

    def __init__(self, text: str, file: str) -> None:
        self.lines = text.encode().split(b"\n")
        self.positions = Positions(file)
        self.faults: list[Fault] = []
        self.lengths: dict[Path, int] = {}
        self.headers: set[Path] = set()

    def place(self, node: Node) -> tuple[int, int]:
        row, column = node.start_point
        return row + 1, len(self.lines[row][:column].decode(errors="replace")) + 1

    def document(self, root: Node) -> None:
        for child in root.named_children:
            match child.type:
                case "pair":
                    self.pair(child, ())
                case "table":
                    path = self.entered(self.key(child.named_children[0]))
                    if path in self.headers:
                        self.twice(child.named_children[0], path)
                    self.headers.add(path)
                    self.section(child, path)
                case "table_array_element":
                    whole = self.key(child.named_children[0])
                    if not whole:
                        continue  # no header: the decoder's message names the place
                    path = (*self.entered(whole[:-1]), whole[-1])
                    index = self.lengths.get(path, 0)
                    self.lengths[path] = index + 1
                    self.section(child, (*path, index))

    def section(self, node: Node, path: Path) -> None:
        self.noted(path, node)
        for child in node.named_children[1:]:
            if child.type == "pair":
                self.pair(child, path)

    def noted(self, path: Path, node: Node) -> None:
        """A header or a dotted key is also the place of all tables around it that have none of their own."""
        place = self.place(node)
        for end in range(len(path), 0, -1):
            self.positions.values.setdefault(path[:end], place)

    def entered(self, keys: Path) -> Path:
        """A header's keys as a path: where they lead through `[[sections]]`, into the last one."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
        return path

    def key(self, node: Node) -> Path:
        if node.type in _KEYS:
            text = _text(node)
            return (next(iter(tomllib.loads(f"{text} = 0"))),) if node.type == "quoted_key" else (text,)
        return tuple(part for child in node.named_children for part in self.key(child))

    def pair(self, node: Node, base: Path) -> None:
        named = [child for child in node.named_children if child.type != "comment"]
        if len(named) != 2 or named[0].type == "ERROR" or named[1].type == "ERROR":
            return  # no pair: the decoder's message names the place
        path = (*base, *self.key(named[0]))
        if path in self.positions.keys:
            self.twice(named[0], path)
        self.positions.keys[path] = self.place(named[0])
        self.noted(path[:-1], named[0])
        self.value(named[1], path)

    def value(self, node: Node, path: Path) -> None:
        self.positions.values[path] = self.place(node)
        match node.type:
            case "string":
                self.positions.raw[path] = _text(node)
            case "float" if not re.fullmatch(r"[+-]?[0-9_]+\.[0-9_]+", _text(node)):
                line, column = self.place(node)
                params = {"found": shown(_text(node))}
                self.faults.append(Fault("table.toml_number", self.positions.file, line, column, params))
            case "array":
                parts = [child for child in node.named_children if child.type != "comment"]
                for index, child in enumerate(parts):
                    self.value(child, (*path, index))
            case "inline_table":
                for child in node.named_children:
                    if child.type == "pair":
                        self.pair(child, path)

    def twice(self, node: Node, path: Path) -> None:
        line, column = self.place(node)
        found = str(path[-1] if isinstance(path[-1], str) else path[-2])
        self.faults.append(Fault("table.toml_duplicate", self.positions.file, line, column, {"found": shown(found)}))


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")
