"""Which calls inside a table's expressions a household's computation goes through, told without a household.

A call stands below conditions: the cases of a choice, the rows that an aggregate or an item takes. `reached` lists the
calls of some functions with these conditions (*guards*); whoever has values, the reference or the machine, decides
for each row. `and`, `or` and `or_else` look at all their parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hardship.language.fields import Level
from hardship.language.names import Names
from hardship.language.nodes import Aggregate, Call, Cases, Node, children
from hardship.language.table import Item, Table


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of being reached, at a row of `level` (or the one above the call's row).

    Attributes:
        kind: `holds`, `fails`: the truth `node` is so for certain; `taken`: the aggregate takes the row; `nobody`: it
            takes no row below this one; `takes`: the item takes the row.
        above: where the aggregate stands.
    """

    kind: Literal["holds", "fails", "taken", "nobody", "takes"]
    level: Level
    node: Node | None = None
    above: Level = "household"
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """A call, the level of the rows it is evaluated at, and when."""

    call: Call
    level: Level
    guards: tuple[Guard, ...]


def reached(table: Table, names: Names, functions: tuple[str, ...]) -> list[Reached]:
    """Calls of some functions in what is shown of a household, in the table's order."""
    return [
        found
        for node, level, guards in _roots(table, names)
        for found in _calls(node, level, guards)
        if found.call.function in functions
    ]


def _roots(table: Table, names: Names) -> Iterator[tuple[Node, Level, tuple[Guard, ...]]]:
    """The expressions that an explanation shows: all but those of person rules, exit, results and order."""
    if table.household.counted is not None:
        yield table.household.counted.node, "member", ()
    for require in table.require:
        if require.unless is not None:
            yield require.unless.node, names.by_name[require.value].level, ()
    for derive in table.derive:
        yield derive.node, derive.level, ()
    for item in table.item:
        yield from _item(item)
    for veto in table.veto:
        if veto.when is not None:
            yield veto.when.node, "household", ()
    for ladder in table.ladder:
        for rung in ladder.rung:
            tests = [
                (test.value, test.below, test.at_most, test.at_least, test.above, test.unless) for test in rung.tests
            ]
            for expression in (*(one for parts in tests for one in parts), rung.also):
                if expression is not None:
                    yield expression.node, "household", ()
    for step in (*table.benefit, *table.output):
        yield step.node, "household", ()


def _item(item: Item) -> Iterator[tuple[Node, Level, tuple[Guard, ...]]]:
    level: Level = "member" if item.each is not None else item.per or "household"
    guards: tuple[Guard, ...] = () if level == "household" else (Guard("takes", level, item=item),)
    conditions = [case.when.node for case in item.cases or () if case.when is not None]
    failing = tuple(Guard("fails", level, node) for node in conditions)
    for expression in (item.each, item.when):
        if expression is not None:
            yield expression.node, level, guards
    if item.value is not None:
        yield item.value.node, level, guards + failing
    if item.expr is not None:
        yield item.expr.node, level, guards
    for place, node in enumerate(conditions):
        yield node, level, guards + failing[:place]


def _calls(node: Node, level: Level, guards: tuple[Guard, ...]) -> Iterator[Reached]:
    """Every call inside a node, itself first."""
    if isinstance(node, Call):
        yield Reached(node, level, guards)
    if isinstance(node, Cases):
        for condition, value in node.cases:
            yield from _calls(condition, level, guards)
            yield from _calls(value, level, (*guards, Guard("holds", level, condition)))
            guards = (*guards, Guard("fails", level, condition))
        yield from _calls(node.otherwise, level, guards)
    elif isinstance(node, Aggregate):
        for child in children(node):
            if child is node.default:
                yield from _calls(child, level, (*guards, Guard("nobody", level, node, level)))
            elif child is node.where:
                yield from _calls(child, node.entity, guards)
            else:
                yield from _calls(child, node.entity, (*guards, Guard("taken", node.entity, node, level)))
    else:
        for child in children(node):
            yield from _calls(child, level, guards)
