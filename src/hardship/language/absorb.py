"""Which attributes with the policy `unknown` can make a value missing, once guards are taken into account.

Unlike `Kind.missing` this knows that `known(x) and x > 0` is never missing because of `x`, and that a
choice needs
only the value it takes. It serves one rule: an `unknown` attribute must not reach a sink.
"""

from __future__ import annotations

from collections.abc import Callable

from hardship.language.nodes import Aggregate, And, Call, Cases, Name, Node, Not, Or, Text, Truth, children

Guards = frozenset[str]
"""Names that are certainly not missing where a value is needed."""


class Absorption:
    """The unabsorbed attributes behind each name and node.

    `behind` gives what stands behind a name that is not written as one expression here (an attribute, an
    item, …);
    `counted` what can make the filter of household aggregates missing.
    """

    def __init__(self, behind: Callable[[str], frozenset[str]], counted: Callable[[], frozenset[str]]) -> None:
        self._behind = behind
        self._counted = counted

    def reaching(self, node: Node, level: str, guards: Guards = frozenset()) -> frozenset[str]:
        """The attributes because of which a node that stands at `level` can be missing."""
        match node:
            case Name():
                return frozenset() if node.name in guards else self._behind(node.name)
            case Text() | Truth() | Call(function="known"):
                return frozenset()
            case And() | Or():
                return self._logic(node, level, guards)
            case Cases():
                found: frozenset[str] = frozenset()
                for condition, value in node.cases:
                    found |= self.reaching(condition, level, guards)
                    found |= self.reaching(value, level, guards | certain(condition, True))
                    guards |= certain(condition, False)
                return found | self.reaching(node.otherwise, level, guards)
            case Call(function="or_else"):
                return self.reaching(node.arguments[1], level, guards)
            case Call(function="lookup"):
                return self._union(node.arguments[1:], level, guards)
            case Call():
                return self._union(node.arguments, level, guards)
            case Aggregate():
                return self._aggregate(node, level, guards)
        return self._union(children(node), level, guards)

    def _union(self, nodes: tuple[Node, ...], level: str, guards: Guards) -> frozenset[str]:
        return frozenset().union(*(self.reaching(node, level, guards) for node in nodes))

    def _logic(self, node: And | Or, level: str, guards: Guards) -> frozenset[str]:
        """An operand that is false (`and`) or true (`or`) decides alone; the others count only elsewhere."""
        found: frozenset[str] = frozenset()
        for operand in node.operands:
            others = [certain(other, isinstance(node, And)) for other in node.operands if other is not operand]
            found |= self.reaching(operand, level, guards.union(*others))
        return found

    def _aggregate(self, node: Aggregate, level: str, guards: Guards) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        if level == "household" and not node.everyone:
            found |= self._counted()
        inside = guards
        if node.where is not None:
            found |= self.reaching(node.where, node.entity, guards)
            inside = guards | certain(node.where, True)
        if node.value is not None:
            found |= self.reaching(node.value, node.entity, inside)
        return found if node.default is None else found | self.reaching(node.default, level, guards)


def certain(condition: Node, holds: bool) -> Guards:
    """The names that are known where a condition is true (`holds`), or where it is false."""
    match condition:
        case Call(function="known", arguments=(Name() as name,)):
            return frozenset({name.name}) if holds else frozenset()
        case Not():
            return certain(condition.operand, not holds)
        case And() if holds:
            return frozenset().union(*(certain(part, True) for part in condition.operands))
        case Or() if not holds:
            return frozenset().union(*(certain(part, False) for part in condition.operands))
    return frozenset()
