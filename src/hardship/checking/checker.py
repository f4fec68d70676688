"""The desk that all checks of one table share: the inference, the places, the faults and warnings so far."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hardship.errors import Fault
from hardship.language import units
from hardship.language.expression import Expression
from hardship.language.fields import Show
from hardship.language.infer import Inference
from hardship.language.infer_base import BAD, TYPES, is_zero, unit_hint, unit_text, written
from hardship.language.infer_calls import round_kind
from hardship.language.kinds import Kind
from hardship.language.names import Names
from hardship.language.nodes import Node, walk
from hardship.language.positions import Path, Positions
from hardship.language.spelling import spell
from hardship.language.table import Computed, Points, Test
from hardship.language.units import Unit
from hardship.limits import INT64

MONTHLY, YEARLY, MONTH = units.parse("money/month"), units.parse("money/year"), units.parse("month")


@dataclass(frozen=True, slots=True)
class Edge:
    """Where two numbers of a test meet: for the distance to the next line."""

    value: Kind
    line: Kind


class Checker:
    """Gathers what is wrong with one table; every check continues after a fault.

    Attributes:
        run: the inference, with the kinds of all nodes and names so far.
        points: kinds of points, by `item:<id>:<index>`, `group:<id>:<index>`, `index:<index>`.
        faults, warnings: what was found.
    """

    def __init__(self, names: Names, where: Positions) -> None:
        self.names, self.table, self.where = names, names.table, where
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.points: dict[str, Kind] = {}
        self.run = Inference(names, self.at_node)
        self.levels = {site.path: str(site.level) for site in names.sites}
        self._origin: dict[int, Path] = {}
        for site in names.sites:
            self._origin.update((id(part), site.path) for part in walk(site.node))

    # ── faults ──

    def at_node(self, node: Node, code: str, hint: str = "", **params: Any) -> None:
        """A fault at a node of an expression."""
        path = self._origin.get(id(node), ())
        whole = path[-1:] == ("cases",)
        self._add(self.faults, self.where.fault(path, code, None if whole else node.at, hint, **told(params)))

    def fault(self, path: Path, code: str, hint: str = "", **params: Any) -> None:
        """A fault at a value of the file."""
        self._add(self.faults, self.where.fault(path, code, None, hint, **told(params)))

    def warn(self, path: Path, code: str, **params: Any) -> None:
        """Something that is allowed and probably not meant."""
        self._add(self.warnings, self.where.fault(path, code, None, **told(params)))

    def _add(self, found: list[Fault], fault: Fault) -> None:
        same = (fault.code, fault.line, fault.column)
        if not fault.line or all((one.code, one.line, one.column) != same for one in found):
            found.append(fault)

    # ── values ──

    def unit(self, path: Path, text: str) -> Unit:
        """A declared unit."""
        try:
            return units.parse(text)
        except ValueError:
            self.fault(path, "table.unit_text", found=text)
            return units.NONE

    def infer(self, path: Path, expression: Expression) -> Kind:
        """The kind of one expression."""
        return self.run.infer(expression.node, self.levels[path])

    def condition(self, path: Path, expression: Expression | None) -> Kind | None:
        """The kind of a condition; None where there is none or it is none."""
        if expression is None:
            return None
        kind = self.run.truth(expression.node, self.levels[path])
        return None if kind is BAD else kind

    def has_unit(self, node: Node, kind: Kind, unit: Unit) -> bool:
        """Whether a number has the unit that its place asks for."""
        if kind is BAD:
            return False
        if kind.type != "number":
            self.at_node(node, "table.type", expected=TYPES["number"], found=TYPES[kind.type], text=spell(node))
            return False
        if kind.unit != unit and not is_zero(node):
            expected, found = unit_text(unit), unit_text(kind.unit)
            hint = unit_hint(unit, kind.unit)
            self.at_node(node, "table.unit", hint, expected=expected, found=found, text=spell(node))
            return False
        return True

    def computed(self, path: Path, entry: Computed, level: str) -> Kind:
        """The kind of a derived value, benefit step or output, in its declared unit."""
        node: Node = entry.node
        if entry.cases is not None:
            self._origin[id(node)] = (*path, "cases")
        kind = self.run.infer(node, level)
        unit = self.unit((*path, "unit"), entry.unit)
        if kind is BAD or not self.shows(path, entry.show, kind):
            return BAD
        if kind.type == "number":
            return kind if is_zero(node) or self.has_unit(node, kind, unit) else BAD
        if entry.unit:
            self.fault((*path, "unit"), "table.unit_here", found=entry.unit, type=TYPES[kind.type])
        return kind

    def amount(self, node: Node, kind: Kind) -> bool:
        """Whether a value is money a month in whole fen."""
        if not self.has_unit(node, kind, MONTHLY):
            return False
        if kind.divisor is not None or 100 % kind.den:
            self.at_node(node, "table.amount_fen", "table.hint_round", text=spell(node))
            return False
        return True

    def whole_months(self, node: Node) -> Kind:
        """The kind of a number of months, which must be whole."""
        kind = self.run.number(node, "household")
        if kind is BAD:
            return BAD
        if kind.unit not in (units.NONE, MONTH):
            self.at_node(node, "table.unit", expected="month", found=unit_text(kind.unit), text=spell(node))
            return BAD
        if kind.divisor is not None or kind.den != 1:
            self.at_node(node, "table.exit_months", "table.hint_round", text=spell(node))
            return BAD
        return kind

    def months_within(self, node: Node, kind: Kind, most: int, code: str) -> None:
        """A fault where whole months are not proved to be 0 to `most`."""
        if kind is not BAD and not 0 <= kind.lo <= kind.hi <= most:
            self.at_node(node, code, "table.hint_clip", most=most, found=f"{kind.lo} … {kind.hi}")

    def shows(self, path: Path, show: Show | None, kind: Kind) -> bool:
        """Whether a display rounding, if any, has finitely many decimals and stands with a number."""
        if show is None:
            return True
        if kind.type != "number":
            self.fault((*path, "show"), "table.show_here", found=TYPES[kind.type])
            return False
        if not 0 < show.to <= INT64 or 10**6 % show.to.denominator:
            self.fault((*path, "show", "to"), "table.show_to", found=show.to)
            return False
        return True

    def shown(self, node: Node, kind: Kind, to: Fraction, mode: str) -> None:
        """Prove that a value can be rounded for display."""
        if kind is not BAD and kind.type == "number":
            shown = round_kind(self.run, node, kind, to, mode)
            self.run.fits(node, shown.lo, shown.hi, shown.den)

    def test(self, path: Path, test: Test) -> Edge | None:
        """The two sides of one test; None after a fault."""
        key = next(key for key in ("below", "at_most", "at_least", "above") if vars(test)[key] is not None)
        edge: Expression = vars(test)[key]
        value = self.run.number(test.value.node, self.levels[(*path, "value")])
        line = self.run.number(edge.node, self.levels[(*path, key)])
        self.condition((*path, "unless"), test.unless)
        if value is BAD or line is BAD:
            return None
        if self.run.units([(test.value.node, value), (edge.node, line)]) is None:
            return None
        return Edge(value, line) if self.run.comparable(test.value.node, value, line) else None

    def indices(self) -> tuple[str, ...]:
        """The ids of the indices, the main one first."""
        return tuple(index.id for index in self.table.index)

    def spread(self, path: Path, points: Points | None) -> dict[str, Fraction]:
        """Points for each index; a plain number stands for every one."""
        ids = self.indices()
        if isinstance(points, dict):
            if set(points) != set(ids):
                self.fault(path, "table.points_indices", expected=", ".join(ids), found=", ".join(points))
                return dict.fromkeys(ids, Fraction(0))
            return {one: points[one] for one in ids}
        return dict.fromkeys(ids, points or Fraction(0))


def told(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a message with exact numbers as texts."""
    return {key: written(value) if isinstance(value, Fraction) else value for key, value in params.items()}
