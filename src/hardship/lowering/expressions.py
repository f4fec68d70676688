"""Expressions and names to values: the part of lowering that walks the syntax tree.

Every node becomes a `Value` at the deepest level that it names; what a household has in common is computed once and
brought to its members only where it meets a member's value.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hardship.attributes import scale, stored_bounds, value_names
from hardship.checking.check import Checked
from hardship.language.fields import Assume, DeclaredAttribute, Level
from hardship.language.nodes import (
    Aggregate,
    And,
    Binary,
    Call,
    Cases,
    Compare,
    In,
    Name,
    Negate,
    Node,
    Not,
    Number,
    Or,
    Text,
    Truth,
    walk,
)  # fmt: skip
from hardship.language.table import Lookup, Require
from hardship.limits import ASSESSMENT
from hardship.lots import LOT, LOTS
from hardship.lowering import comparisons, ops
from hardship.lowering.arithmetic import Builder
from hardship.lowering.ops import Column
from hardship.lowering.values import DEPTH, NONE, Value, broken, number, truth

LEFT = ""  # the column of members who were assessed alone and leave
STEPS = {
    "fen": Fraction(1, 100),
    "cent": Fraction(1, 100),
    "jiao": Fraction(1, 10),
    "yuan": Fraction(1),
    "whole": Fraction(1),
}
MONTHS = 12


def stored(attribute: DeclaredAttribute, value: Any, texts: tuple[str, ...]) -> int:
    """The stored integer of a written value (an assumed one)."""
    match attribute.type:
        case "bool":
            return int(value)
        case "enum":
            return value_names(attribute).index(value)
        case "set":
            return sum(1 << value_names(attribute).index(entry) for entry in value)
        case "code":
            return texts.index(value) + 1
        case "date":
            day = value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
            return day.year * 10_000 + day.month * 100 + day.day
    return int(Fraction(value) * scale(attribute))


class Expressions:
    """Lowers nodes and names of one checked table.

    Attributes:
        build: where the instructions go.
        columns: the columns read so far, by attribute.
        parameters: the parameters read so far, by name: number and denominator.
        texts: every text that a code is compared with, in the table's order.
        counted: the truth at member level of who counts.
    """

    def __init__(self, checked: Checked) -> None:
        self.checked, self.table, self.names = checked, checked.table, checked.names
        self.build = Builder()
        self.columns: dict[str, Column] = {}
        self.parameters: dict[str, tuple[int, int]] = {}
        self.texts = self._texts()
        self.requires: dict[str, list[Require]] = {}
        for require in self.table.require:
            self.requires.setdefault(require.value, []).append(require)
        self.lists = {entries.name: tuple(entry.value for entry in entries.values) for entries in self.table.list}
        self._named: dict[str, Value] = {}
        self._raw: dict[str, Value] = {}
        self._nodes: dict[tuple[int, Level], Value] = {}
        self.counted = self._counts()

    def _texts(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for site in self.names.sites:
            for node in walk(site.node):
                if isinstance(node, Text):
                    found[node.value] = None
        for entries in self.table.list:
            found.update(dict.fromkeys(entry.value for entry in entries.values))
        for policy in self.table.missing.values():
            if isinstance(policy, Assume) and isinstance(policy.assume, str):
                found[policy.assume] = None
        return tuple(found)

    def _counts(self) -> Value:
        counted = self.table.household.counted
        value = truth(True) if counted is None else self.node(counted.node, "member")
        if any(person.remaining == "leaves" for person in self.table.person):
            column = self._column(LEFT, Column(LEFT, "member", 0, True, 0, 1, False))
            left = Value("bool", "member", self.build.emit(ops.LOAD_TRUTH, "member", imm=column, imm2=2), 1, 2)
            value = self.build.both([value, self.build.negation(left)])
        return value

    def _column(self, name: str, column: Column) -> int:
        self.columns.setdefault(name, column)
        return list(self.columns).index(name)

    # ── names ──

    def name(self, name: str) -> Value:
        """A name's value at its level, inside the bounds of its requires."""
        if name not in self._named:
            value = self.unclamped(name)
            for require in self.requires.get(name, ()):
                if require.unless is None and value.type == "number":
                    if require.at_least is not None:
                        value = self.build.extreme(value, number(require.at_least), largest=True)
                    if require.at_most is not None:
                        value = self.build.extreme(value, number(require.at_most), largest=False)
            self._named[name] = value
        return self._named[name]

    def unclamped(self, name: str) -> Value:
        """A name's value before any require."""
        if name not in self._raw:
            self._raw[name] = self._value_of(name)
        return self._raw[name]

    def enter(self, name: str, value: Value) -> None:
        """Give a name the value that a later stage made."""
        self._raw[name] = value

    def _value_of(self, name: str) -> Value:
        named = self.names.by_name[name]
        match named.role:
            case "attribute":
                return self._attribute(self.names.attributes[name])
            case "parameter":
                return self._parameter(name)
            case "constant":
                return number(named.definition.value)
            case "derive":
                return self.node(named.definition.node, named.level)
        if name == "on":
            return Value("date", "household", self.build.emit(ops.ON, "household"), *ASSESSMENT)
        if name == "lot":
            column = self._column(LOT, Column(LOT, "household", 0, False, 0, LOTS - 1, False))
            return Value("number", "household", self.build.emit(ops.LOAD_WORD, "household", imm=column), 0, LOTS - 1)
        raise broken(f"{name} is named before its stage")

    def _attribute(self, attribute: DeclaredAttribute) -> Value:
        build, level, name = self.build, attribute.level, attribute.name
        policy = self.table.missing.get(name)
        lo, hi = stored_bounds(attribute)
        assumed = isinstance(policy, Assume)
        fill = stored(attribute, policy.assume, self.texts) if isinstance(policy, Assume) else lo
        texts = self.texts if attribute.type == "code" else ()
        hi = len(texts) if attribute.type == "code" else hi
        byte = attribute.type in ("bool", "enum")
        column = self._column(name, Column(name, level, fill, byte, lo, hi, not assumed, texts))
        valid = NONE if assumed else build.emit(ops.LOAD_VALID, level, imm=column)
        match attribute.type:
            case "bool":
                reg = build.emit(ops.LOAD_TRUTH, level, imm=column, imm2=2 - fill)
                return build.judged(reg, level, valid)
            case "enum":
                reg = build.emit(ops.LOAD_BYTE, level, imm=column, imm2=fill)
                return Value("enum", level, reg, lo, hi, valid=valid, domain=value_names(attribute))
        reg = build.emit(ops.LOAD_WORD, level, imm=column, imm2=fill)
        kind = "number" if attribute.type in ("int", "money", "decimal") else attribute.type
        domain = value_names(attribute) if kind == "set" else ()
        return Value(kind, level, reg, lo, hi, scale(attribute), valid, domain=domain)

    def _parameter(self, name: str) -> Value:
        kind = self.checked.kind_of_name[name]
        place, _ = self.parameters.setdefault(name, (len(self.parameters), kind.den))
        reg = self.build.emit(ops.PARAMETER, "household", imm=place)
        valid = self.build.emit(ops.PARAMETER_VALID, "household", imm=place) if kind.missing else NONE
        return Value("number", "household", reg, kind.lo, kind.hi, kind.den, valid)

    # ── nodes ──

    def node(self, node: Node, level: Level) -> Value:
        """The value of a node that stands at `level`."""
        key = (id(node), level)
        if key not in self._nodes:
            value = self._node(node, level)
            kind = self.checked.kind_of_node.get(id(node))
            if kind is not None and value.type == "number" and value.divisor is None and kind.divisor is None:
                # Where the checker knows more (a count of members is at least 1), its interval holds in every lane too.
                factor = Fraction(value.den, kind.den)
                lo, hi = max(Fraction(value.lo), kind.lo * factor), min(Fraction(value.hi), kind.hi * factor)
                if lo <= hi and value.reg != NONE:
                    value = replace(value, lo=int(-(-lo // 1)), hi=int(hi // 1))
            self._nodes[key] = value
        return self._nodes[key]

    def _node(self, node: Node, level: Level) -> Value:
        build = self.build
        match node:
            case Name():
                return self.name(node.name)
            case Number():
                return number(node.value)
            case Truth():
                return truth(node.value)
            case Text():
                domain = self.checked.kind(node).domain
                place = domain.index(node.value)
                return Value("enum", "household", NONE, place, place, domain=domain)
            case Negate():
                return build.negative(self.node(node.operand, level))
            case Binary():
                left, right = self.node(node.left, level), self.node(node.right, level)
                make = {"+": build.add, "-": build.subtract, "*": build.product, "/": build.quotient}[node.op]
                return make(left, right)
            case Compare():
                return self._compare(node, level)
            case In():
                return self._in(node, level)
            case And():
                return build.both([self.node(part, level) for part in node.operands])
            case Or():
                return build.either([self.node(part, level) for part in node.operands])
            case Not():
                return build.negation(self.node(node.operand, level))
            case Cases():
                value = self.node(node.otherwise, level)
                for condition, then in reversed(node.cases):
                    value = build.select(self.node(condition, level), self.node(then, level), value)
                return value
            case Call():
                return self._call(node, level)
            case Aggregate():
                return self._aggregate(node, level)
        raise broken(f"a {type(node).__name__}")

    def _compare(self, node: Compare, level: Level) -> Value:
        for text, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(text, Text):
                found = self._matches(self.node(other, level), (text.value,))
                return found if node.op == "==" else self.build.negation(found)
        return comparisons.compare(self.build, node.op, self.node(node.left, level), self.node(node.right, level))

    def _in(self, node: In, level: Level) -> Value:
        if isinstance(node.options, tuple):
            found = self._matches(self.node(node.operand, level), tuple(text.value for text in node.options))
        elif node.options.name in self.lists:
            found = self._matches(self.node(node.operand, level), self.lists[node.options.name])
        else:
            container = self.node(node.options, level)
            assert isinstance(node.operand, Text)
            bit = container.domain.index(node.operand.value)
            reg = self.build.emit(ops.HAS_BIT, container.level, container.reg, imm=bit)
            found = self.build.judged(reg, container.level, container.valid)
        return self.build.negation(found) if node.negated else found

    def _matches(self, value: Value, texts: tuple[str, ...]) -> Value:
        """Whether an enum or a code is one of some texts."""
        build = self.build
        if value.type == "enum":
            return build.one_of(value, [value.domain.index(text) for text in texts])
        places = [self.texts.index(text) + 1 for text in texts]
        if len(places) == 1:
            reg = build.emit(ops.EQ_C, value.level, value.reg, imm=places[0])
        else:
            cells = [int(place in places) for place in range(len(self.texts) + 1)]
            found = build.emit(ops.LOOK_WORD, value.level, value.reg, imm=build.pooled(cells), imm2=len(cells))
            reg = build.emit(ops.EQ_C, value.level, found, imm=1)
        return build.judged(reg, value.level, value.valid)

    def _call(self, node: Call, level: Level) -> Value:
        build = self.build
        if node.function == "lookup":
            return self._lookup(node, level)
        values = [self.node(argument, level) for argument in node.arguments]
        match node.function:
            case "min" | "max":
                found = values[0]
                for value in values[1:]:
                    found = build.extreme(found, value, node.function == "max")
                return found
            case "clip":
                return build.extreme(build.extreme(values[0], values[1], True), values[2], False)
            case "round":
                to, mode = node.option("to"), node.option("mode")
                assert isinstance(to, Name)
                assert isinstance(mode, Text)
                return build.rounded(values[0], self._step(to.name), mode.value)
            case "floor" | "ceil":
                return build.rounded(values[0], Fraction(1), node.function)
            case "age":
                return self._age(values[0])
            case "months_between":
                return self._months(values[0], values[1])
            case "per_month":
                return replace(values[0], den=values[0].den * MONTHS)
            case "per_year":
                return build.times(values[0], MONTHS)
            case "known":
                return build.is_known(values[0])
            case "or_else":
                return build.or_else(values[0], values[1])
        raise broken(f"the function {node.function}")

    def _step(self, name: str) -> Fraction:
        if name in STEPS:
            return STEPS[name]
        value: Fraction = self.names.by_name[name].definition.value
        return value

    def _age(self, born: Value) -> Value:
        build, on = self.build, self.name("on")
        days = build.emit(ops.SUB, born.level, build.word(on, born.level), build.word(born, born.level))
        reg = build.emit(ops.AGE, born.level, days)
        build.ages[reg] = days
        lo, hi = (on.lo - born.hi) // 10_000, (on.hi - born.lo) // 10_000
        return Value("number", born.level, reg, lo, hi, valid=born.valid)

    def _months(self, first: Value, last: Value) -> Value:
        build = self.build
        level = max((first.level, last.level), key=DEPTH.__getitem__)
        reg = build.emit(ops.MONTHS, level, build.word(first, level), build.word(last, level))

        def months(day: int) -> int:
            return day // 10_000 * 12 + day // 100 % 100

        lo, hi = months(last.lo) - months(first.hi) - 1, months(last.hi) - months(first.lo)
        return Value("number", level, reg, lo, hi, valid=build.valid_of((first, last), level))

    def _lookup(self, node: Call, level: Level) -> Value:
        name, *given = node.arguments
        assert isinstance(name, Name)
        lookup: Lookup = self.names.by_name[name.name].definition
        axes = [lookup.rows] if lookup.columns is None else [lookup.rows, lookup.columns]
        places, orders = [], []
        for axis, argument in zip(axes, given, strict=True):
            value = self.node(argument, level)
            place, count = comparisons.place_on(self.build, axis, value, value.domain)
            places.append((place, count))
            order = list(range(count))
            if axis.bands is None and axis.first is None:
                written = axis.values or self.checked.kind_of_name[axis.of or ""].domain
                order = [written.index(entry) for entry in value.domain]
            orders.append(order)
        if places[1:] and places[1][0].constant:
            # One column of many, unless it is empty throughout, takes no room for the others.
            column = orders[1][places[1][0].lo]
            cells = [self._cell(lookup, row, column) for row in orders[0]]
            if any(cell is not None for cell in cells):
                return comparisons.look_up(self.build, places[:1], cells, self.checked.lookups[name.name].den)
        cells = [
            self._cell(lookup, row, column) for row in orders[0] for column in (orders[1] if orders[1:] else [None])
        ]
        return comparisons.look_up(self.build, places, cells, self.checked.lookups[name.name].den)

    @staticmethod
    def _cell(lookup: Lookup, row: int, column: int | None) -> Fraction | None:
        cell = lookup.cells[row] if column is None else lookup.cells[row][column]
        return None if cell == "" else Fraction(cell)

    # ── aggregates ──

    def taken(self, entity: Level, level: Level, everyone: bool, where: Value | None = None) -> Value:
        """Which rows of `entity` an aggregate at `level` takes: those counted for which `where` holds."""
        parts = [] if where is None else [where]
        if level == "household" and not everyone:
            parts.append(self.counted)
        found = self.build.both(parts)
        return found if found.constant else self.build.at(found, entity)

    def _aggregate(self, node: Aggregate, level: Level) -> Value:
        build, entity = self.build, node.entity
        where = None if node.where is None else self.node(node.where, entity)
        taken = self.taken(entity, level, node.everyone, where)
        if node.function == "count":
            return build.fold_count(level, entity, taken)
        value = truth(True) if node.value is None else self.node(node.value, entity)
        match node.function:
            case "any":
                return build.fold_any(level, entity, build.both([taken, value]))
            case "all":
                failing = build.both([taken, build.negation(value)])
                return build.negation(build.fold_any(level, entity, failing))
            case "sum":
                return build.fold_sum(level, entity, taken, value)
        assert node.default is not None
        default = self.node(node.default, level)
        return build.fold_extreme(level, entity, taken, value, default, node.function == "largest")
