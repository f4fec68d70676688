"""The rule that an attribute whose missing state is `unknown` must be absorbed before it reaches a sink."""

from __future__ import annotations

from hardship.checking.checker import Checker
from hardship.language.absorb import Absorption, Guards, certain
from hardship.language.nodes import Node
from hardship.language.positions import Path
from hardship.language.sites import Site
from hardship.language.table import Item, Test

PLAIN_SINKS = frozenset(("veto", "require", "ladder", "exit", "results", "rank"))
"""Stages whose expressions are sinks one by one; items, benefit steps and outputs are sinks as a whole."""


def unknown(desk: Checker) -> None:
    """Report every sink that an `unknown` attribute reaches."""
    found = Unknown(desk)
    if not found.attributes:
        return
    for i, require in enumerate(desk.table.require):
        found.report(("require", i, "value"), found.behind(require.value))
    for site in desk.names.sites:
        if site.stage in PLAIN_SINKS:
            found.report(site.path, found.absorption.reaching(site.node, site.level, found.guards(site)))
    for i, item in enumerate(desk.table.item):
        if item.missing is None:
            found.report(("item", i), found.item(item))
    for i, step in enumerate(desk.table.benefit):
        found.report(("benefit", i), found.reaching(step.node, "household"))
    for i, output in enumerate(desk.table.output):
        found.report(("output", i), found.reaching(output.node, "household"))


class Unknown:
    """Which `unknown` attributes stand unabsorbed behind each name of one table."""

    def __init__(self, desk: Checker) -> None:
        self.desk = desk
        self.names = desk.names
        self.attributes = frozenset(name for name, policy in desk.table.missing.items() if policy == "unknown")
        self.absorption = Absorption(self.behind, self.counted)
        self.known: dict[str, frozenset[str]] = {}

    def behind(self, name: str) -> frozenset[str]:
        """The unabsorbed attributes behind a name."""
        if name not in self.known:
            self.known[name] = frozenset()
            self.known[name] = self._behind(name)
        return self.known[name]

    def _behind(self, name: str) -> frozenset[str]:
        named = self.names.by_name[name]
        match named.role:
            case "attribute":
                return self.attributes & {name}
            case "parameter":
                return self.attributes & {"residence_type"}
            case "derive" | "step" | "output":
                return self.reaching(named.definition.node, named.level)
        # Items, groups, indices, vetoes and ladders are sinks of their own: reported there, not again here.
        return frozenset()

    def counted(self) -> frozenset[str]:
        """The unabsorbed attributes behind the filter of household aggregates."""
        rule = self.desk.table.household.counted
        return frozenset() if rule is None else self.reaching(rule.node, "member")

    def reaching(self, node: Node, level: str) -> frozenset[str]:
        """The unabsorbed attributes behind one expression."""
        return self.absorption.reaching(node, level)

    def report(self, path: Path, reached: frozenset[str]) -> None:
        """A fault at a sink that something reaches."""
        if reached:
            names = ", ".join(sorted(reached))
            self.desk.fault(path, "table.unknown_reaches", "table.hint_absorb", found=names)

    def guards(self, site: Site) -> Guards:
        """What is known wherever the expression at a site decides anything."""
        table, path = self.desk.table, site.path
        if site.stage == "exit" and table.exit is not None and path[-1] != "when":
            return certain(table.exit.when.node, True)
        if site.stage == "ladder" and path[-1] != "also":
            rung = table.ladder[site.position].rung[int(path[3])]
            test: Test = rung.tests[int(path[5])]
            known: Guards = frozenset() if rung.also is None else certain(rung.also.node, True)
            if test.unless is not None and path[-1] != "unless":
                known |= certain(test.unless.node, False)
            return known
        return frozenset()

    def item(self, item: Item) -> frozenset[str]:
        """What can make an item missing: its conditions in order, then its value."""
        level = item.per or ("member" if item.each is not None else "household")
        found = self.counted() if level != "household" and not item.everyone else frozenset()
        known: Guards = frozenset()
        for case in item.cases or ():
            if case.when is not None:
                found |= self.absorption.reaching(case.when.node, level, known)
                known |= certain(case.when.node, False)
        for expression in (item.each, item.when, item.value, item.expr):
            if expression is not None:
                found |= self.absorption.reaching(expression.node, level, known)
        return found
