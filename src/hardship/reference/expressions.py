"""The meaning of a node at a row: the reference's walk over the syntax tree.

Follows `docs/semantics.md` sections 1 to 5 sentence by sentence, in fractions, without types or bounds.
"""

from __future__ import annotations

import datetime as dt
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hardship.errors import EngineError, Fault
from hardship.language import nodes
from hardship.language.names import Names
from hardship.language.nodes import Node
from hardship.language.table import Axis, Require, Table
from hardship.reference.static import Statics
from hardship.reference.values import (
    MONTHS_OF_YEAR,
    STEPS,
    Kleene,
    Row,
    Value,
    age,
    band_of,
    both,
    either,
    months_between,
    negation,
    plain,
    rounded,
)

Observe = Callable[[Node, tuple[int, ...], Value], None]
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Ground:
    """What holds for every household: the table, the names, the day.

    `observe(node, row key, value)` is called for every node that is evaluated.
    """

    def __init__(self, table: Table, names: Names, on: dt.date, observe: Observe | None = None) -> None:
        self.table = table
        self.names = names
        self.on = on
        self.observe = observe
        self.statics = Statics(table, names)
        self.assumed = {
            name: plain(names.attributes[name], policy.assume)
            for name, policy in table.missing.items()
            if not isinstance(policy, str)
        }
        self.requires: dict[str, list[Require]] = {}
        for require in table.require:
            self.requires.setdefault(require.value, []).append(require)
        self.lookups = {lookup.name: lookup for lookup in table.lookup}
        self.lists = {entries.name: {entry.value for entry in entries.values} for entries in table.list}
        self.indices = tuple(index.id for index in table.index) or ("",)


class Expressions(ABC):
    """Values of nodes at the rows of one household. `left`: keys of members who do not count in this pass."""

    def __init__(self, ground: Ground, root: Row, left: frozenset[tuple[int, ...]]) -> None:
        self.ground = ground
        self.root = root
        self.left = left
        self.counts: dict[tuple[int, ...], Kleene] = {}

    @abstractmethod
    def name(self, name: str, row: Row) -> Value:
        """The value of a name, seen from a row at its level or below."""

    def value(self, node: Node, row: Row) -> Value:
        """The value of a node at a row."""
        found = self._value(node, row)
        if self.ground.observe is not None:
            self.ground.observe(node, row.key, found)
        return found

    def truth(self, node: Node | None, row: Row) -> Kleene:
        """The value of a condition; no condition holds."""
        if node is None:
            return True
        found = self.value(node, row)
        assert found is None or isinstance(found, bool)
        return found

    def number(self, node: Node, row: Row) -> Fraction | None:
        """The value of a number."""
        found = self.value(node, row)
        assert found is None or isinstance(found, Fraction)
        return found

    def _value(self, node: Node, row: Row) -> Value:
        match node:
            case nodes.Name():
                return self.name(node.name, row)
            case nodes.Number():
                return Fraction(node.value)
            case nodes.Text() | nodes.Truth():
                return node.value
            case nodes.Negate():
                operand = self.number(node.operand, row)
                return None if operand is None else -operand
            case nodes.Binary():
                return self._binary(node, row)
            case nodes.Compare():
                left, right = self.value(node.left, row), self.value(node.right, row)
                return None if left is None or right is None else ORDER[node.op](left, right)
            case nodes.In():
                return self._in(node, row)
            case nodes.And():
                return both(self.truth(part, row) for part in node.operands)
            case nodes.Or():
                return either(self.truth(part, row) for part in node.operands)
            case nodes.Not():
                return negation(self.truth(node.operand, row))
            case nodes.Cases():
                return self._cases(node, row)
            case nodes.Call():
                return self._call(node, row)
            case nodes.Aggregate():
                return self._aggregate(node, row)
        raise broken(f"no meaning of {type(node).__name__}")

    def _binary(self, node: nodes.Binary, row: Row) -> Value:
        left, right = self.number(node.left, row), self.number(node.right, row)
        if left is None or right is None:
            return None
        match node.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
        if right == 0:
            raise broken("division by zero in a checked table")
        return left / right

    def _in(self, node: nodes.In, row: Row) -> Kleene:
        value = self.value(node.operand, row)
        options: Any
        if isinstance(node.options, tuple):
            options = {text.value for text in node.options}
        elif node.options.name in self.ground.lists:
            options = self.ground.lists[node.options.name]
        else:
            options = self.value(node.options, row)
        if value is None or options is None:
            return None
        return (value in options) != node.negated

    def _cases(self, node: nodes.Cases, row: Row) -> Value:
        for condition, value in node.cases:
            holds = self.truth(condition, row)
            if holds is None:
                return None
            if holds:
                return self.value(value, row)
        return self.value(node.otherwise, row)

    def _call(self, node: nodes.Call, row: Row) -> Value:
        if node.function == "lookup":
            return self._lookup(node, row)
        given = [self.value(argument, row) for argument in node.arguments]
        if node.function == "known":
            return given[0] is not None
        if node.function == "or_else":
            return given[1] if given[0] is None else given[0]
        if any(value is None for value in given):
            return None
        dates = [value for value in given if isinstance(value, dt.date)]
        if node.function == "age":
            return Fraction(age(dates[0], self.ground.on))
        if node.function == "months_between":
            return Fraction(months_between(dates[0], dates[1]))
        numbers = [value for value in given if isinstance(value, Fraction)]
        match node.function:
            case "min":
                return min(numbers)
            case "max":
                return max(numbers)
            case "clip":
                value, low, high = numbers
                return min(max(value, low), high)
            case "floor":
                return Fraction(math.floor(numbers[0]))
            case "ceil":
                return Fraction(math.ceil(numbers[0]))
            case "round":
                return self._round(node, numbers[0], row)
            case "per_month":
                return numbers[0] / MONTHS_OF_YEAR
            case "per_year":
                return numbers[0] * MONTHS_OF_YEAR
        raise broken(f"no function {node.function}")

    def _round(self, node: nodes.Call, value: Fraction, row: Row) -> Fraction:
        to, mode = node.option("to"), node.option("mode")
        assert isinstance(to, nodes.Name)
        assert isinstance(mode, nodes.Text)
        step = STEPS[to.name] if to.name in STEPS else self.name(to.name, row)
        assert isinstance(step, Fraction)
        return rounded(value, step, mode.value)

    def _lookup(self, node: nodes.Call, row: Row) -> Value:
        named = node.arguments[0]
        assert isinstance(named, nodes.Name)
        lookup = self.ground.lookups[named.name]
        places = [self.value(argument, row) for argument in node.arguments[1:]]
        if any(place is None for place in places):
            return None
        cell: Any = lookup.cells[_place(lookup.rows, places[0], self.ground.names)]
        if lookup.columns is not None:
            cell = cell[_place(lookup.columns, places[1], self.ground.names)]
        return None if cell == "" else Fraction(cell)

    # --- aggregates ---

    def counted(self, row: Row) -> Kleene:
        """Does the member of this row count?"""
        member = row.up("member")
        if member.key not in self.counts:
            counted = self.ground.table.household.counted
            holds = True if counted is None else self.truth(counted.node, member)
            self.counts[member.key] = False if member.key in self.left else holds
        return self.counts[member.key]

    def _aggregate(self, node: nodes.Aggregate, row: Row) -> Value:
        filtered = row.level == "household" and not node.everyone
        rows = list(row.down(node.entity))

        def taken(below: Row) -> Kleene:
            parts = [self.truth(node.where, below)]
            if filtered:
                parts.append(self.counted(below))
            return both(parts)

        def holds(below: Row) -> Kleene:
            return self.truth(node.value, below)

        if node.function == "any":
            return either([both([taken(below), holds(below)]) for below in rows])
        if node.function == "all":
            return both([either([negation(taken(below)), holds(below)]) for below in rows])
        values: list[Fraction] = []
        for below in rows:
            takes = taken(below)
            value = Fraction(1) if node.value is None or not takes else self.number(node.value, below)
            if takes is None or value is None:
                return None
            if takes:
                values.append(value)
        if node.function in ("sum", "count"):
            return sum(values, Fraction(0))
        if not values:
            assert node.default is not None
            return self.value(node.default, row)
        return max(values) if node.function == "largest" else min(values)


def _place(axis: Axis, value: Any, names: Names) -> int:
    """The row or column of a look-up that a value falls into."""
    if axis.bands is not None:
        return band_of(axis.bands, value)
    if axis.first is not None:
        return int(value) - axis.first
    if axis.values is not None:
        return axis.values.index(value)
    assert axis.of is not None
    return [entry.value for entry in names.attributes[axis.of].values].index(value)


def broken(what: str) -> EngineError:
    """An invariant that a checked table was to keep does not hold."""
    return EngineError(Fault("common.engine", params={"what": what}))
