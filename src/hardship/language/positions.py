"""Where in a TOML file each key and each value stands, so that every fault can say `file:line:column`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hardship.errors import Fault

Path = tuple[str | int, ...]
"""Keys and zero-based indices from the top of a table: `("derive", 3, "cases", 0, "when")`."""


@dataclass(frozen=True)
class Positions:
    """Places of one file. Lines and columns are 1-based; columns count characters.

    Attributes:
        file: the name shown in faults.
        values: place of the value at a path; a `[[section]]` stands at its first bracket.
        keys: place of the key at a path.
        raw: for a string value its text as written, with its quotes.
    """

    file: str = ""
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> tuple[int, int]:
        """Place of the value at `path`, or of what is around it; `(0, 0)` if unknown."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.values:
                return self.values[path[:end]]
        return (0, 0)

    def fault(self, path: Path, code: str, offset: int | None = None, hint: str = "", **params: Any) -> Fault:
        """A fault at the value of `path`; `offset` is a zero-based column inside a quoted text."""
        line, column = self.place(path)
        if offset is not None and column and path in self.values:
            column += 1 + offset
        return Fault(code, self.file, line, column, params, hint)

    def key_fault(self, path: Path, code: str, hint: str = "", **params: Any) -> Fault:
        """A fault at the key of `path`, or at its value where it has no key."""
        line, column = self.keys.get(path) or self.place(path)
        return Fault(code, self.file, line, column, params, hint)
