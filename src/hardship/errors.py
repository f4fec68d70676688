"""Everything that can go wrong, and whose it is.

    HardshipError
    ├── TableError       a scoring table or a standards file is wrong      exit 2
    ├── RegisterError    a register cannot be read at all                  exit 2
    ├── UsageError       the caller asked for something that does not exist  exit 2
    └── EngineError      our own fault: an invariant does not hold         exit 1

Each carries its faults: all of them, in order, each with place, code and parameters. The sentences live in the
catalogue (`messages`), in Chinese and English.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hardship import messages


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, which code, and what the sentence needs.

    Attributes:
        code: message id, `<catalogue>.<name>`, for instance `table.unknown_name`.
        file, line, column: the place (1-based; 0 = not known). `column` counts characters.
        params: values for the message's placeholders.
        hint: id of a second sentence that says what to do, or "".
    """

    code: str
    file: str = ""
    line: int = 0
    column: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    hint: str = ""

    def text(self, lang: str = "en") -> str:
        """`file:line:column: expected …, found …` in one language, with the hint if there is one."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        sentence = messages.text(self.code, lang, **self.params)
        if self.hint:
            sentence += " " + messages.text(self.hint, lang, **self.params)
        return f"{place}: {sentence}" if place else sentence


class HardshipError(Exception):
    """Base of all errors; `faults` holds every one found, not only the first."""

    def __init__(self, faults: Sequence[Fault] | Fault) -> None:
        self.faults = [faults] if isinstance(faults, Fault) else list(faults)
        super().__init__("\n".join(fault.text() for fault in self.faults))

    def text(self, lang: str = "en") -> str:
        """All faults, one a line."""
        return "\n".join(fault.text(lang) for fault in self.faults)


class TableError(HardshipError):
    """A scoring table or a standards file is wrong."""


class RegisterError(HardshipError):
    """A register cannot be read at all (single bad rows are rejections, not errors)."""


class UsageError(HardshipError):
    """The caller asked for something that does not exist or does not fit."""


class EngineError(HardshipError):
    """An invariant of the engine does not hold: our fault, never the user's."""
