"""Calculations with the numbers put in (`explaining.view.View.filled`), laid out once.

The words around the values are those of `Wording`; the places of the values are found by laying marks there once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from hardship.explaining.values import plain
from hardship.explaining.view import ATOMS, Told
from hardship.explaining.wording import ATOM, CHOICE, SUM, Wording
from hardship.language.fields import Level
from hardship.language.nodes import Aggregate, Call, Cases, In, Name, Node, Number
from hardship.language.units import NONE
from hardship.single.record import Found
from hardship.single.scene import Scene
from hardship.single.show import FALSE, Ref, Shower, Wants

_MARK = re.compile("\x00([0-9]+)\x01")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value; a number in brackets where it is negative and they are needed."""

    shower: Shower

    def text(self, scene: Scene, row: int) -> str:
        """The value's text."""
        return self.shower.plain(scene, row)


@dataclass(frozen=True, slots=True)
class Choice:
    """The value of the case taken; the whole choice where that cannot be told."""

    conditions: tuple[Ref, ...]
    parts: tuple[Pieces, ...]
    unknown: Pieces

    def text(self, scene: Scene, row: int) -> str:
        """The text of the case taken."""
        place = taken(self.conditions, scene.found, row)
        return filled(self.unknown if place is None else self.parts[place], scene, row)


Pieces = tuple[str | Leaf | Choice, ...]


def taken(conditions: tuple[Ref, ...], found: Found, row: int) -> int | None:
    """Which case is taken: from 0, their count for `otherwise`; None where a condition before it is missing."""
    for place, condition in enumerate(conditions):
        key = condition.key(found, row)
        if key != FALSE:
            return None if key is None else place
    return len(conditions)


def filled(pieces: Pieces, scene: Scene, row: int) -> str:
    """The calculation with one row's values."""
    return "".join([piece if isinstance(piece, str) else piece.text(scene, row) for piece in pieces])


def atom(node: Node) -> bool:
    """Whether a node's value says all, so that there is no calculation to show."""
    return isinstance(node, Name | Aggregate | Number) or (isinstance(node, Call) and node.function in ATOMS)


class Layouter(Wording):
    """Lays an expression out for the rows of one level."""

    def __init__(self, told: Told, wants: Wants, level: Level) -> None:
        super().__init__(told.names, told.lang)
        self.told, self.wants, self.level = told, wants, level
        self.found: list[str | Leaf | Choice] = []

    def pieces(self, node: Node, tightness: int = CHOICE) -> Pieces:
        """The texts and values of an expression in order."""
        return self._split(self._at(node, tightness))

    def _split(self, text: str) -> Pieces:
        cut = _MARK.split(text)
        parts = [part if place % 2 == 0 else self.found[int(part)] for place, part in enumerate(cut)]
        return tuple(part for part in parts if part != "")

    def _mark(self, piece: str | Leaf | Choice) -> str:
        self.found.append(piece)
        return f"\x00{len(self.found) - 1}\x01"

    def _brackets(self) -> tuple[str, str]:
        before, _, after = self._say("explain.w_brackets", text="\x00").partition("\x00")
        return before, after

    def _at(self, node: Node, tightness: int) -> str:
        if isinstance(node, Cases):
            return self._mark(self._choice_of(node, tightness))
        if isinstance(node, Name | Aggregate | In) or (isinstance(node, Call) and node.function in ATOMS):
            return self._mark(self._leaf(node, tightness))
        return super()._at(node, tightness)

    def _choice_of(self, node: Cases, tightness: int) -> Choice:
        conditions = tuple(self.wants.node(condition, self.level) for condition, _ in node.cases)
        values = (*(value for _, value in node.cases), node.otherwise)
        parts = tuple(self.pieces(value, ATOM) for value in values)
        whole = self._part(node)[0]
        if tightness > CHOICE:
            whole = self._say("explain.w_brackets", text=whole)
        return Choice(conditions, parts, self._split(whole))

    def _leaf(self, node: Node, tightness: int) -> str | Leaf:
        brackets = self._brackets() if tightness > SUM else ("", "")
        name = node.name if isinstance(node, Name) else ""
        named = self.names.by_name.get(name)
        if named is not None and named.role == "constant":
            text = plain(Fraction(named.definition.value), self, name, self.told.unit_of(name))
            return text.join(brackets) if text.startswith("−") else text
        kind = self.told.checked.kind_of_name[name] if name else self.told.checked.kind(node)
        unit = kind.unit if kind.type == "number" else NONE
        return Leaf(self.wants.leaf(self.told, self.wants.node(node, self.level), unit, name, brackets))
