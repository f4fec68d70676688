"""What a TOML file holds beside its values: the order of its sections, and its remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tree_sitter import Node

from hardship.language.positions import Path, Positions
from hardship.language.toml_text import parser
from hardship.language.toml_write import NESTED


@dataclass(frozen=True)
class Layout:
    """The order of sections and the remarks above them, as `toml_write.document` takes them."""

    order: tuple[Path, ...] = ()
    remarks: dict[Path, str] = field(default_factory=dict)


def layout(text: str, values: Mapping[str, Any], where: Positions) -> Layout:
    """The layout of a file that `toml_text.read_toml` has read.

    A remark inside a section (beside a key, or between two) is kept above the section, after what stands there.
    """
    heads = {path: where.place(path)[0] for path in _sections(values)}
    keys: dict[Path, int] = {}
    for path, (line, _) in where.keys.items():
        owner = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in heads), None)
        if owner is not None:
            keys[owner] = max(keys.get(owner, 0), line)
    starts = sorted(heads, key=lambda path: heads[path])
    above: dict[Path, list[tuple[int, str]]] = {path: [] for path in starts}
    inside: dict[Path, list[str]] = {path: [] for path in starts}
    for line, alone, remark in _comments(text):
        before = [path for path in starts if heads[path] <= line]
        after = next((path for path in starts if heads[path] > line), None)
        inner = bool(before) and (not alone or after is None or line < keys.get(before[-1], 0))
        if inner or after is None:
            inside[before[-1]].append(remark)
        else:
            above[after].append((line, remark))
    remarks = {path: _block(above[path], heads[path], inside[path]) for path in starts}
    order = tuple(path for path in starts if len(path) <= 2)
    return Layout(order, {path: remark for path, remark in remarks.items() if remark})


def _sections(values: Mapping[str, Any]) -> Iterator[Path]:
    for name, value in values.items():
        if not isinstance(value, list):
            yield (name,)
            continue
        for number, entry in enumerate(value):
            yield (name, number)
            below = NESTED.get(name, "")
            yield from ((name, number, below, child) for child in range(len(entry.get(below, ()))))


def _comments(text: str) -> Iterator[tuple[int, bool, str]]:
    """Line, whether nothing else stands on it, and the words of each comment."""
    lines = text.encode().split(b"\n")
    todo: list[Node] = [parser().parse(text.encode()).root_node]
    found = []
    while todo:
        node = todo.pop()
        if node.type == "comment":
            row, column = node.start_point
            words = (node.text or b"").decode(errors="replace").removeprefix("#").removeprefix(" ").rstrip()
            found.append((row + 1, not lines[row][:column].strip(), words))
        todo += node.children
    return iter(sorted(found))


def _block(above: list[tuple[int, str]], head: int, inside: list[str]) -> str:
    """Remarks as lines; an empty line where the file has one, also before the section itself."""
    lines: list[str] = []
    for number, (line, remark) in enumerate(above):
        lines.append(remark or "#")
        following = above[number + 1][0] if number + 1 < len(above) else head
        if following > line + 1:
            lines.append("")
    return "\n".join([*lines, *inside])
