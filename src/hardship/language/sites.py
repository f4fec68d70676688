"""Every expression of a table: where it is written, at which level it stands, in which stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from hardship.language.expression import Expression
from hardship.language.fields import Level
from hardship.language.nodes import Node
from hardship.language.positions import Path
from hardship.language.table import Computed, Table, Test

Stage = Literal[
    "read", "counted", "require", "derive", "item", "group", "index", "veto", "ladder",
    "person", "benefit", "exit", "review", "results", "output", "rank",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """One expression of a table: where it is written, at which level it stands, in which stage.

    `position` is the index of the section's entry that it belongs to.
    """

    path: Path
    expression: Expression
    level: Level
    stage: Stage
    position: int

    @property
    def node(self) -> Node:
        """The expression's tree."""
        return self.expression.node


def sites(table: Table, level_of: Callable[[str], Level]) -> Iterator[Site]:
    """Every expression of a table, in order; `level_of` gives the level of a required name."""
    if table.household.counted is not None:
        yield Site(("household", "counted"), table.household.counted, "member", "counted", 0)
    for i, require in enumerate(table.require):
        yield from _site(("require", i), require, ("unless",), level_of(require.value), "require")
    for i, derive in enumerate(table.derive):
        yield from _computed(("derive", i), derive, derive.level, "derive")
    for i, item in enumerate(table.item):
        level: Level = item.per or ("member" if item.each is not None else "household")
        yield from _site(("item", i), item, ("each", "when", "value", "expr"), level, "item")
        for j, case in enumerate(item.cases or ()):
            yield from _site(("item", i, "cases", j), case, ("when",), level, "item")
    for i, veto in enumerate(table.veto):
        yield from _site(("veto", i), veto, ("when",), "household", "veto")
    for i, ladder in enumerate(table.ladder):
        for j, rung in enumerate(ladder.rung):
            yield from _tests(("ladder", i, "rung", j), rung.tests, "household", "ladder")
            yield from _site(("ladder", i, "rung", j), rung, ("also",), "household", "ladder")
    for i, person in enumerate(table.person):
        yield from _site(("person", i), person, ("when",), "member", "person")
        yield from _tests(("person", i), person.tests, "member", "person")
        yield from _site(("person", i), person, ("benefit",), "member", "person")
    for i, step in enumerate(table.benefit):
        yield from _computed(("benefit", i), step, "household", "benefit")
    if table.exit is not None:
        yield from _site(("exit",), table.exit, ("when", "months", "amount"), "household", "exit")
    if table.review is not None:
        yield from _site(("review",), table.review, ("when", "months", "since", "holds"), "household", "review")
    if table.transition is not None:
        yield from _site(("transition",), table.transition, ("unless",), "household", "review")
    yield from _site(("results",), table.results, ("income_per_head",), "household", "results")
    for i, output in enumerate(table.output):
        yield from _computed(("output", i), output, "household", "output")
    yield from _site(("rank",), table.rank, ("among",), "household", "rank")
    for i, key in enumerate(table.rank.keys):
        yield from _site(("rank", "keys", i), key, ("value",), "household", "rank")


def _site(path: Path, model: Any, fields: tuple[str, ...], level: Level, stage: Stage) -> Iterator[Site]:
    position = next((part for part in path if isinstance(part, int)), 0)
    given = vars(model)
    for key in fields:
        if given[key] is not None:
            yield Site((*path, key), given[key], level, stage, position)


def _computed(path: Path, model: Computed, level: Level, stage: Stage) -> Iterator[Site]:
    yield from _site(path, model, ("expr",), level, stage)
    for j, case in enumerate(model.cases or ()):
        yield from _site((*path, "cases", j), case, ("when", "value", "otherwise"), level, stage)


def _tests(path: Path, tests: tuple[Test, ...], level: Level, stage: Stage) -> Iterator[Site]:
    fields = ("value", "below", "at_most", "at_least", "above", "unless")
    for j, test in enumerate(tests):
        yield from _site((*path, "tests", j), test, fields, level, stage)
