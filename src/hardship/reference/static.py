"""What the reference must know of an expression before any household: attributes named, unit, ratio, order.

Small and literal on purpose: the checker's knowledge is not used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hardship.language.names import Named, Names, raised
from hardship.language.nodes import Aggregate, Binary, Call, Cases, In, Name, Negate, Node, Number, walk
from hardship.language.table import Item, Rung, Table, Test, Veto
from hardship.language.units import NONE, Unit
from hardship.language.units import parse as parse_unit
from hardship.reference.values import STEPS

Closure = frozenset[str]
_NOTHING: Closure = frozenset()
_YEAR_OVER_MONTH = parse_unit("year/month")


class Statics:
    """Static questions about the nodes of one table."""

    def __init__(self, table: Table, names: Names) -> None:
        self.table = table
        self.names = names
        self.closures: dict[str, Closure] = {}
        self.of_node: dict[tuple[int, str], Closure] = {}
        self.units: dict[int, Unit | None] = {}
        self.raising = {veto.id: [item for item in table.item if veto.id in raised(item)] for veto in table.veto}
        self.everyone = any(item.everyone for item in table.item) or any(
            isinstance(node, Aggregate) and node.everyone for root in self.roots() for node in walk(root)
        )

    # --- which attributes and parameters a sink names, directly or through other names ---

    def named(self, node: Node | None, level: str) -> Closure:
        """Attributes and parameters behind an expression that stands at `level`."""
        if node is None:
            return _NOTHING
        if (id(node), level) not in self.of_node:
            self.of_node[id(node), level] = self._named(node, level)
        return self.of_node[id(node), level]

    def _named(self, node: Node, level: str) -> Closure:
        found: set[str] = set()
        for part in walk(node):
            if isinstance(part, Name):
                found |= self.behind(part.name)
            elif isinstance(part, Aggregate) and level == "household" and not part.everyone:
                found |= self.counted()
        return frozenset(found)

    def counted(self) -> Closure:
        """Behind the condition that makes a member count."""
        counted = self.table.household.counted
        return _NOTHING if counted is None else self.named(counted.node, "member")

    def behind(self, name: str) -> Closure:
        """Attributes and parameters behind a name; nothing behind a list, a look-up or a rounding step."""
        named = self.names.by_name.get(name)
        if named is None or (name in STEPS and named.definition is None):
            return _NOTHING
        if name not in self.closures:
            self.closures[name] = self._behind(named)
        return self.closures[name]

    def _behind(self, named: Named) -> Closure:
        match named.role:
            case "attribute" | "parameter":
                return frozenset((named.name,))
            case "derive" | "step" | "output":
                return self.named(named.definition.node, named.level)
            case "item":
                return self._item(named.definition)
            case "group":
                items = [item for item in self.table.item if item.group == named.name]
                children = [group.id for group in self.table.group if group.parent == named.name]
                return _union([*map(self.item, items), *map(self.behind, children)])
            case "index":
                return _union(self.item(item) for item in self.table.item)
            case "ladder":
                return _union(self.rung(rung) for rung in named.definition.rung)
        if named.name in ("refused", "deferred"):
            effect = "refuse" if named.name == "refused" else "defer"
            parts = [self.veto(veto) for veto in self.table.veto if veto.effect == effect]
            if effect == "defer":
                parts += [self.require(r) for r in self.table.require if r.outside == "needs_review"]
            return _union(parts)
        return _NOTHING

    def item(self, item: Item) -> Closure:
        """Behind an item's form, and `counted` where it filters the item's rows."""
        return self.behind(item.id)

    def _item(self, item: Item) -> Closure:
        level = "member" if item.each is not None else item.per or "household"
        whens = [case.when for case in item.cases or ()]
        parts = [
            self.named(expression.node, level)
            for expression in (item.each, item.when, item.value, item.expr, *whens)
            if expression is not None
        ]
        if level != "household" and not item.everyone:
            parts.append(self.counted())
        return _union(parts)

    def veto(self, veto: Veto) -> Closure:
        """Behind a veto's own condition and the items that raise it."""
        own = _NOTHING if veto.when is None else self.named(veto.when.node, "household")
        raising = [self.item(item) for item in self.raising[veto.id]]
        return _union([own, *raising])

    def require(self, require: Any) -> Closure:
        """Behind the value a require bounds, its excuse, and `counted` where it filters."""
        level = self.names.by_name[require.value].level
        unless = _NOTHING if require.unless is None else self.named(require.unless.node, level)
        counted = _NOTHING if level == "household" else self.counted()
        return _union([self.behind(require.value), unless, counted])

    def test(self, test: Test, level: str = "household") -> Closure:
        """Behind one test of a rung."""
        edges = (test.value, test.below, test.at_most, test.at_least, test.above, test.unless)
        return _union(self.named(edge.node, level) for edge in edges if edge is not None)

    def rung(self, rung: Rung) -> Closure:
        """Behind all tests of a rung and its `also`."""
        also = _NOTHING if rung.also is None else self.named(rung.also.node, "household")
        return _union([*map(self.test, rung.tests), also])

    # --- unit, ratio, order ---

    def unit(self, node: Node) -> Unit | None:
        """The unit of a number; None for 0, which fits every unit."""
        if id(node) not in self.units:
            self.units[id(node)] = self._unit(node)
        return self.units[id(node)]

    def _unit(self, node: Node) -> Unit | None:
        match node:
            case Name():
                return self._unit_of_name(node.name)
            case Number():
                return None if node.value == 0 else NONE
            case Negate():
                return self.unit(node.operand)
            case Binary(op="+" | "-"):
                return self._first_unit([node.left, node.right])
            case Binary():
                left, right = self.unit(node.left), self.unit(node.right)
                if left is None or right is None:
                    return None
                return left * right if node.op == "*" else left / right
            case Cases():
                return self._first_unit([*(value for _, value in node.cases), node.otherwise])
            case Aggregate():
                return NONE if node.value is None else self.unit(node.value)
            case Call():
                return self._unit_of_call(node)
        return NONE

    def _first_unit(self, nodes: Iterable[Node]) -> Unit | None:
        return next((unit for unit in map(self.unit, nodes) if unit is not None), None)

    def _unit_of_name(self, name: str) -> Unit | None:
        named = self.names.by_name[name]
        if named.role in ("attribute", "parameter", "constant"):
            return parse_unit(named.definition.unit)
        if named.role in ("derive", "step", "output"):
            return self.unit(named.definition.node)
        return NONE

    def _unit_of_call(self, node: Call) -> Unit | None:
        match node.function:
            case "min" | "max" | "clip" | "or_else":
                return self._first_unit(node.arguments)
            case "round" | "floor" | "ceil":
                return self.unit(node.arguments[0])
            case "per_month" | "per_year":
                unit = self.unit(node.arguments[0])
                if unit is None:
                    return None
                return unit * _YEAR_OVER_MONTH if node.function == "per_month" else unit / _YEAR_OVER_MONTH
            case "lookup":
                name = node.arguments[0]
                assert isinstance(name, Name)
                return next(parse_unit(one.unit) for one in self.table.lookup if one.name == name.name)
        return NONE

    def ratio(self, node: Node) -> bool:
        """Is the value a number divided by something other than a constant, and not rounded since?"""
        match node:
            case Name():
                named = self.names.by_name[node.name]
                computed = named.role in ("derive", "step", "output")
                return computed and self.ratio(named.definition.node)
            case Negate():
                return self.ratio(node.operand)
            case Binary():
                if node.op == "/" and not self.constant(node.right):
                    return True
                return self.ratio(node.left) or self.ratio(node.right)
            case Cases():
                return any(self.ratio(value) for _, value in node.cases) or self.ratio(node.otherwise)
            case Call(function="min" | "max" | "clip" | "or_else" | "per_month" | "per_year"):
                return any(self.ratio(argument) for argument in node.arguments)
        return False

    def constant(self, node: Node) -> bool:
        """Is the value the same in every household: constants and arithmetic on them?"""
        for part in walk(node):
            if isinstance(part, Aggregate | In):
                return False
            if isinstance(part, Name) and part.name not in STEPS:
                named = self.names.by_name[part.name]
                derived = named.role == "derive" and self.constant(named.definition.node)
                if named.role != "constant" and not derived:
                    return False
        return True

    def order(self, node: Node) -> tuple[str, ...]:
        """The declared order of an enum or of a ladder's rungs (otherwise last); empty for other values."""
        match node:
            case Name():
                named = self.names.by_name[node.name]
                if named.role == "attribute":
                    return tuple(entry.value for entry in named.definition.values)
                if named.role == "ladder":
                    ladder = named.definition
                    return (*(rung.id for rung in ladder.rung), ladder.otherwise.id)
                return self.order(named.definition.node) if named.role in ("derive", "output") else ()
            case Cases():
                orders = [*(self.order(value) for _, value in node.cases), self.order(node.otherwise)]
                return max(orders, key=len)
            case Call(function="or_else"):
                return self.order(node.arguments[0])
        return ()

    def roots(self) -> Iterable[Node]:
        """Every expression of the table."""
        table = self.table
        for computed in (*table.derive, *table.benefit, *table.output):
            yield computed.node
        expressions: list[Any] = [table.household.counted, table.results.income_per_head, table.rank.among]
        expressions += [require.unless for require in table.require]
        for item in table.item:
            expressions += [item.each, item.when, item.value, item.expr]
            expressions += [case.when for case in item.cases or ()]
        expressions += [veto.when for veto in table.veto]
        tests: list[Test] = []
        for ladder in table.ladder:
            tests += [test for rung in ladder.rung for test in rung.tests]
            expressions += [rung.also for rung in ladder.rung]
        for person in table.person:
            tests += person.tests
            expressions += [person.when, person.benefit]
        for test in tests:
            expressions += [test.value, test.below, test.at_most, test.at_least, test.above, test.unless]
        if table.exit is not None:
            expressions += [table.exit.when, table.exit.months, table.exit.amount]
        if table.review is not None:
            expressions += [table.review.when, table.review.months, table.review.since, table.review.holds]
        if table.transition is not None:
            expressions.append(table.transition.unless)
        expressions += [key.value for key in table.rank.keys]
        for expression in expressions:
            if expression is not None:
                yield expression.node


def _union(parts: Iterable[Closure]) -> Closure:
    return frozenset().union(*parts)
