"""A proposed standard against the tests of its place: passed, failed, or unknown because a number is missing.

There are a few places and a few tests, so the plain evaluator does all of it, exactly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from hardship.attributes import dictionary
from hardship.errors import Fault, UsageError
from hardship.language.fields import Expr, Provided, Title
from hardship.language.nodes import Name, Node, walk
from hardship.language.table import Test
from hardship.language.toml_text import shown
from hardship.language.units import Unit
from hardship.proposals.rules import Check, Input, Rules, load_rules
from hardship.reference.expressions import Ground
from hardship.reference.stages import Stages
from hardship.reference.values import Kleene, Parameters, Value, converted, tree
from hardship.standards import StandardRow, Standards, standards

Verdict = Literal["passed", "failed", "unknown"]
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Side:
    """One test with its two numbers, in `unit`; None where a number that they need is missing."""

    test: Test
    unit: Unit
    value: Fraction | None
    edge: Fraction | None
    holds: Kleene


@dataclass(frozen=True, slots=True)
class Put:
    """A number put into a test: an input with its row (None: there is none), or a constant or look-up.

    `value` is in the declared unit (the row's may be another); None for a missing input and for a look-up.
    """

    name: str
    title: Title
    unit: str
    value: Fraction | None
    definition: Provided
    row: StandardRow | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test says of one proposed row at one place.

    Attributes:
        area, residence: the place that was judged; residence "" where it makes no difference.
        row: the proposed row that holds there.
        sides: each test with both its numbers.
        put: every number behind them, in the order of the file.
        missing: names of the inputs that no row gives; then the verdict is `unknown`.
    """

    check: Check
    area: str
    residence: str
    verdict: Verdict
    row: StandardRow
    sides: tuple[Side, ...]
    put: tuple[Put, ...]
    missing: tuple[str, ...]


def check_proposal(
    before: Standards,
    after: Standards | Sequence[StandardRow],
    on: dt.date,
    area: str = "",
    rules: Rules | None = None,
) -> list[Finding]:
    """Judge proposed rows of the standards by the tests of their places.

    Args:
        before: the standards without the proposal.
        after: the standards with it (what differs is the proposal), or the proposed rows alone. Further inputs of
            the tests (last year's prices, incomes …) may stand in either.
        on: the day for which is asked; the proposed row in force on it is judged.
        area: the place to judge, an area code; "" takes each place that a proposed row and a test name.
        rules: the tests; those that come with the scoring tables without it.

    Returns:
        One finding for each test and place, in the order of the file; none where no test holds for the places.

    Raises:
        UsageError: no row of a judged parameter is proposed for the day and place; `area` is no code.
        TableError: a row does not fit its input's unit, decimals or bounds.
    """
    if area and not (area.isascii() and area.isalnum()):
        raise UsageError(Fault("proposal.area_code", params={"found": shown(area)}))
    rules = rules or load_rules()
    known = {row.key: row for row in before.rows}
    if isinstance(after, Standards):
        proposed = [row for row in after.rows if not _same(row, known.get(row.key))]
    else:
        proposed = list(after)
    whole = standards({**known, **{row.key: row for row in proposed}}.values())
    judged = [row for row in proposed if row.parameter in rules.judged]
    begun = [row for row in judged if row.effective_from <= on and area.startswith(row.area_code if area else "")]
    if not begun:
        dates = sorted({str(row.effective_from) for row in judged})
        params = {"on": on, "parameters": ", ".join(sorted(rules.judged)), "found": ", ".join(dates) or "-"}
        raise UsageError(Fault("proposal.nothing", params=params))
    desk = _Desk(rules, after if isinstance(after, Standards) else whole, whole, on, {row.key for row in begun})
    return [finding for check in rules.file.check for finding in desk.findings(check, begun, area)]


def _same(row: StandardRow, other: StandardRow | None) -> bool:
    """Whether two rows say the same number, wherever they were read."""
    return other is not None and (row.value, row.unit) == (other.value, other.unit)


class _Desk:
    """The standards with the proposal on one day, and the tests.

    `after` decides which row holds; `whole` has the rows of before as well, for what was and for other numbers.
    """

    def __init__(
        self,
        rules: Rules,
        after: Standards,
        whole: Standards,
        on: dt.date,
        proposed: set[tuple[str, str, str, dt.date]],
    ) -> None:
        self.rules = rules
        self.table, self.names = rules.checked.table, rules.checked.names
        self.after = after
        self.whole = whole
        self.on = on
        self.proposed = proposed
        self.ground = Ground(self.table, self.names, on)
        self.residences = tuple(entry.value for entry in dictionary()["residence_type"].values)

    def findings(self, check: Check, begun: Iterable[StandardRow], area: str) -> Iterator[Finding]:
        """One check at every place that it and a proposed row name."""
        wanted = (check.residence,) if check.residence else self.residences
        for place in sorted(set(_places(check, begun, area))):
            found = [one for residence in wanted if (one := self.finding(check, place, residence)) is not None]
            alike = len(found) == len(self.residences) and len({_numbers(one) for one in found}) == 1
            yield from [replace(found[0], residence="")] if alike else found

    def finding(self, check: Check, area: str, residence: str) -> Finding | None:
        """One check at one place; None where a row that is not proposed holds there."""
        judged = next(one for one in self.rules.file.input if one.rows == check.of and one.now)
        row = self.row(judged, area, residence, self.on)
        if row is None or row.key not in self.proposed:
            return None
        values: dict[str, Value] = {}
        rows: dict[str, StandardRow | None] = {}
        for one in self.rules.file.input:
            day = row.effective_from - DAY if one.before else self.on
            found = self.row(one, area, one.residence or residence, day)
            rows[one.name] = found
            values[one.name] = None if found is None else converted(found, one)
        place = {"household_id": "", "area_code": area, "residence_type": residence}
        stages = Stages(self.ground, tree({"household": place, "members": []}), values, frozenset())
        sides = tuple(self.side(stages, test) for test in check.tests)
        put = tuple(self.put(check, values, rows))
        missing = tuple(one.name for one in put if isinstance(one.definition, Input) and one.value is None)
        holds = all(side.holds for side in sides)
        verdict: Verdict = "unknown" if missing else "passed" if holds else "failed"
        return Finding(check, area, residence, verdict, row, sides, put, missing)

    def row(self, one: Input, area: str, residence: str, on: dt.date) -> StandardRow | None:
        """The row that an input reads at a place on a day."""
        declared = one.model_copy(update={"name": one.rows})
        after = one.rows in self.rules.judged and not one.before
        known = self.after if after else self.whole
        return Parameters([declared], known.rows, on).row(declared, area, residence)

    def side(self, stages: Stages, test: Test) -> Side:
        return Side(
            test,
            self.rules.checked.kind(test.value.node).unit,
            stages.number(test.value.node, stages.root),
            stages.number(edge_of(test).node, stages.root),
            stages.passes(test, stages.root),
        )

    def put(self, check: Check, values: dict[str, Value], rows: dict[str, StandardRow | None]) -> Iterator[Put]:
        """Every number behind a check."""
        behind = set[str]()
        for test in check.tests:
            for expression in (test.value, edge_of(test), test.unless):
                if expression is not None:
                    behind |= self.behind(expression.node)
        for one in self.rules.file.input:
            if one.name in behind:
                value = values[one.name]
                assert value is None or isinstance(value, Fraction)
                yield Put(one.name, one.title, one.unit, value, one, rows[one.name])
        for constant in self.rules.file.constant:
            if constant.name in behind:
                yield Put(constant.name, constant.title, constant.unit, constant.value, constant, None)
        for lookup in self.rules.file.lookup:
            if lookup.name in behind:
                yield Put(lookup.name, lookup.title, lookup.unit, None, lookup, None)

    def behind(self, node: Node) -> set[str]:
        """Every name that a node names, directly or through derived values."""
        found = set[str]()
        for part in walk(node):
            if isinstance(part, Name):
                found.add(part.name)
                named = self.names.by_name.get(part.name)
                if named is not None and named.role == "derive":
                    found |= self.behind(named.definition.node)
        return found


def edge_of(test: Test) -> Expr:
    """The one edge of a test."""
    edge = test.below or test.at_most or test.at_least or test.above
    assert edge is not None
    return edge


def _places(check: Check, begun: Iterable[StandardRow], area: str) -> Iterator[str]:
    """The area of each place at which a proposed row meets a check."""
    for row in begun:
        if row.parameter != check.of:
            continue
        if area:
            if area.startswith(check.area):
                yield area
        elif row.area_code.startswith(check.area) or check.area.startswith(row.area_code):
            yield max(row.area_code, check.area, key=len)


def _numbers(finding: Finding) -> tuple[object, ...]:
    """What a finding rests on, whatever the residence."""
    numbers = tuple((side.value, side.edge) for side in finding.sides)
    return finding.verdict, finding.row, numbers, tuple((one.value, one.row) for one in finding.put)
