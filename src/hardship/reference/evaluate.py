"""The plain evaluator: one household at a time, from the syntax tree, in integers and fractions.

It exists to be right and readable. It follows `docs/semantics.md` sentence by sentence, asks nobody for a
type, a bound or a denominator, and shares no arithmetic with the machine. A household takes about a
millisecond.

`reference_expressions` says what a node means, `reference_stages` what a stage does; here a household goes
through all of them; `reference_results` makes result columns and ranks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hardship.days import after_months
from hardship.language.course import Review
from hardship.language.fields import DeclaredAttribute, Expr, Show
from hardship.language.names import Names
from hardship.language.nodes import Name, walk
from hardship.language.table import Table
from hardship.language.units import parse as parse_unit
from hardship.lots import LOT
from hardship.reference.expressions import Ground, Observe
from hardship.reference.stages import PersonResult, Stages
from hardship.reference.static import Closure
from hardship.reference.values import MONTHS_OF_YEAR, Kleene, Parameters, Value, rounded, tree

if TYPE_CHECKING:
    from hardship.register import Register
    from hardship.standards import Standards

CENT = Fraction(1, 100)
DEFAULT_SHOW = Show()
_MONTHLY, _YEARLY = parse_unit("money/month"), parse_unit("money/year")


@dataclass(slots=True)
class Outcome:
    """Everything the reference knows of one household.

    Attributes:
        rejected: "", `no_standard` or `out_of_range`; `rejected_by`: the parameter or require. Then no more.
        values: every named value at every row of its level, `(name, row key)` → exact value (None: missing).
        items, groups: points by `(id, index)`, exact (None: missing).
        vetoes, requires: the Kleene hit of each.
        income_per_head, gap, benefit, exit_amount: money a month in yuan; gap None: above all lines.
        keys: rank keys as they are compared; among: is the household ranked.
        missing, assumed: attribute names, sorted.
    """

    household_id: str
    area_code: str
    rejected: str = ""
    rejected_by: str = ""
    values: dict[tuple[str, tuple[int, ...]], Value] = field(default_factory=dict)
    items: dict[tuple[str, str], Fraction | None] = field(default_factory=dict)
    groups: dict[tuple[str, str], Fraction | None] = field(default_factory=dict)
    vetoes: dict[str, Kleene] = field(default_factory=dict)
    requires: dict[str, Kleene] = field(default_factory=dict)
    outcome: str = ""
    circle: str | None = None
    income_per_head: Fraction | None = None
    gap: Fraction | None = None
    benefit: Fraction | None = None
    exit_months: Fraction | None = None
    exit_amount: Fraction | None = None
    review_on: dt.date | None = None
    held: Kleene = None
    outputs: dict[str, Value] = field(default_factory=dict)
    keys: tuple[Value, ...] = ()
    among: Kleene = None
    missing: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    persons: list[PersonResult] = field(default_factory=list)

    @property
    def incomplete(self) -> bool:
        """Is a sink missing?"""
        return self.outcome == "incomplete"


class Reference:
    """One table with its standards on one day, ready to evaluate households.

    Args:
        observe: called as `observe(node, row key, value)` for every node that is evaluated.
    """

    def __init__(
        self, table: Table, names: Names, standards: Standards, on: dt.date, observe: Observe | None = None
    ) -> None:
        self.table = table
        self.ground = Ground(table, names, on, observe)
        self.parameters = Parameters(table.parameter, standards.rows, on)
        named = {require.value for require in table.require}
        for root in self.ground.statics.roots():
            named |= {part.name for part in walk(root) if isinstance(part, Name)}
        self.shown = [
            one
            for one in names.by_name.values()
            if one.role not in ("lookup", "list")
            and (one.name in named or (one.role != "attribute" and one.name != LOT))
        ]

    def evaluate(self, household: Mapping[str, Any]) -> Outcome:
        """One household as `rows` gives it; with a second pass where a person assessed alone leaves.

        Raises:
            TableError: a standard that holds for the household does not fit the table's parameter.
        """
        return self.run(household)[0]

    def run(self, household: Mapping[str, Any]) -> tuple[Outcome, Stages | None]:
        """The outcome, and the pass it comes from (None without a standard): everything in between."""
        root = tree(household)
        facts = household["household"]
        done = Outcome(facts["household_id"], facts.get("area_code") or "")
        residence = facts.get("residence_type") or self.ground.assumed.get("residence_type")
        assert residence is None or isinstance(residence, str)
        parameters = self.parameters.at(done.area_code, residence)
        if isinstance(parameters, str):
            done.rejected, done.rejected_by = "no_standard", parameters
            return done, None
        first = Stages(self.ground, root, parameters, frozenset())
        persons = list(first.persons())
        left = frozenset((person.member,) for person in persons if person.leaves)
        last = Stages(self.ground, root, parameters, left) if left else first
        done.requires = {require.id: last.require(require) for require in self.table.require}
        for require in self.table.require:
            if require.outside == "reject" and done.requires[require.id]:
                done.rejected, done.rejected_by = "out_of_range", require.id
                return done, last
        done.persons = persons
        self._values(last, done)
        self._summary(last, done)
        self._verdict(last, done)
        return done, last

    def _values(self, run: Stages, done: Outcome) -> None:
        for named in self.shown:
            for row in run.root.down(named.level):
                done.values[named.name, row.key] = run.name(named.name, row)
        for item in self.table.item:
            done.items |= {(item.id, index): points for index, points in run.points(item.id).items()}
        for group in self.table.group:
            done.groups |= {(group.id, index): points for index, points in run.points(group.id).items()}
        done.vetoes = {veto.id: run.veto(veto.id) for veto in self.table.veto}

    def _summary(self, run: Stages, done: Outcome) -> None:
        """The numbers that have no name of their own."""
        table, statics = self.table, self.ground.statics
        if any(ladder.id == "circle" for ladder in table.ladder):
            circle = done.values["circle", ()]
            assert circle is None or isinstance(circle, str)
            done.circle = circle
        if table.results.income_per_head is not None:
            income = run.number(table.results.income_per_head.node, run.root)
            if income is not None:
                if statics.unit(table.results.income_per_head.node) == _YEARLY:
                    income = income / MONTHS_OF_YEAR
                done.income_per_head = rounded(income, CENT, table.results.mode)
        if table.benefit:
            done.benefit = _number(done.values[table.benefit[-1].name, ()])
        if table.exit is not None and run.stopped() is False and run.truth(table.exit.when.node, run.root):
            done.exit_months = run.number(table.exit.months.node, run.root)
            done.exit_amount = run.number(table.exit.amount.node, run.root)
        if table.review is not None:
            self._review(run, table.review, done)
        done.gap = self._gap(run)
        done.outputs = {
            output.name: _shown(done.values[output.name, ()], output.show or DEFAULT_SHOW) for output in table.output
        }
        done.keys = tuple(self._key(run, key.value, key.show) for key in table.rank.keys)
        done.among = run.truth(table.rank.among.node if table.rank.among else None, run.root)

    def _review(self, run: Stages, rule: Review, done: Outcome) -> None:
        """When the household is looked at again, and whether its amount stands."""
        when = rule.when is None or run.truth(rule.when.node, run.root) is True
        if not when or run.stopped() is True:
            return
        months = run.number(rule.months.node, run.root)
        since = self.ground.on if rule.since is None else run.value(rule.since.node, run.root)
        if months is not None and isinstance(since, dt.date):
            done.review_on = after_months(since, int(months))
        if rule.holds is not None:
            done.held = run.truth(rule.holds.node, run.root)

    def _key(self, run: Stages, expression: Expr, show: Show | None) -> Value:
        value = run.value(expression.node, run.root)
        if show is None and self.ground.statics.ratio(expression.node):
            show = DEFAULT_SHOW
        return value if show is None else _shown(value, show)

    def _gap(self, run: Stages) -> Fraction | None:
        """The smallest distance to a line of the circle that still holds, in money a month."""
        gaps = []
        for ladder in self.table.ladder:
            tests = [test for rung in ladder.rung for test in rung.tests] if ladder.id == "circle" else []
            for test in tests:
                edge = test.below or test.at_most
                unit = self.ground.statics.unit(test.value.node)
                if edge is not None and unit in (_MONTHLY, _YEARLY) and run.test(test, run.root):
                    line, value = run.number(edge.node, run.root), run.number(test.value.node, run.root)
                    assert line is not None
                    assert value is not None
                    gaps.append((line - value) / (1 if unit == _MONTHLY else MONTHS_OF_YEAR))
        return rounded(min(gaps), CENT, "half_up") if gaps else None

    def _verdict(self, run: Stages, done: Outcome) -> None:
        """Outcome, and what is missing or assumed."""
        found: set[str] = set()
        incomplete = False
        for missing, closure in self._sinks(run, done):
            if missing:
                incomplete = True
                found |= self._absent(run, closure)
        done.missing = tuple(sorted(found))
        done.assumed = tuple(
            sorted(
                name
                for name in self.ground.assumed
                if any(row.facts.get(name) is None for row in run.root.down(self._attribute(name).level))
            )
        )
        if incomplete:
            done.outcome = "incomplete"
        elif done.values["refused", ()]:
            done.outcome = "does_not_meet"
        elif done.values["deferred", ()]:
            done.outcome = "needs_review"
        else:
            done.outcome = self._declared(done.circle)

    def _declared(self, circle: str | None) -> str:
        for ladder in self.table.ladder:
            if ladder.id == "circle":
                for rung in ladder.rung:
                    if rung.id == circle:
                        return rung.outcome or "meets"
                return ladder.otherwise.outcome or "does_not_meet"
        return "meets"

    def _sinks(self, run: Stages, done: Outcome) -> Iterator[tuple[bool, Closure]]:
        """Every sink: is it missing, and which attributes and parameters stand behind it."""
        table, statics, values = self.table, self.ground.statics, done.values

        def expression(one: Expr | None) -> tuple[bool, Closure]:
            if one is None:
                return False, frozenset()
            return run.value(one.node, run.root) is None, statics.named(one.node, "household")

        for item in table.item:
            yield values[item.id, ()] is None, statics.item(item)
        for veto in table.veto:
            yield done.vetoes[veto.id] is None, statics.veto(veto)
        for require in table.require:
            yield done.requires[require.id] is None, statics.require(require)
        stopped = run.stopped() is True
        for ladder in table.ladder:
            if not (ladder.id == "circle" and stopped):
                yield values[ladder.id, ()] is None, statics.behind(ladder.id)
        if not stopped:
            for step in table.benefit:
                yield values[step.name, ()] is None, statics.behind(step.name)
            if table.exit is not None:
                yield expression(table.exit.when)
                if run.truth(table.exit.when.node, run.root):
                    yield expression(table.exit.months)
                    yield expression(table.exit.amount)
        yield expression(table.results.income_per_head)
        for output in table.output:
            yield values[output.name, ()] is None, statics.behind(output.name)
        yield expression(table.rank.among)
        for key in table.rank.keys:
            yield expression(key.value)

    def _absent(self, run: Stages, closure: Closure) -> set[str]:
        """Of the attributes behind a missing sink, those missing in a row that is not excluded."""
        found: set[str] = set()
        for name in closure:
            if name in run.parameters:
                if run.parameters[name] is None:
                    found.add("residence_type")
                continue
            level = self._attribute(name).level
            all_rows = level == "household" or self.ground.statics.everyone
            for row in run.root.down(level):
                if run.fact(name, row) is None and (all_rows or run.counted(row) is not False):
                    found.add(name)
        return found

    def _attribute(self, name: str) -> DeclaredAttribute:
        return self.ground.names.attributes[name]


def evaluate(
    table: Table,
    names: Names,
    standards: Standards,
    on: dt.date,
    household: Mapping[str, Any],
    observe: Observe | None = None,
) -> Outcome:
    """One household (as `rows` gives it) under one table, on one day.

    Raises:
        TableError: a standard that holds for the household does not fit the table's parameter.
    """
    return Reference(table, names, standards, on, observe).evaluate(household)


def rows(register: Register, attributes: Mapping[str, DeclaredAttribute]) -> list[dict[str, Any]]:
    """The households of a register as plain Python values, in the register's order.

    Returns:
        `{"household": {…}, "members": [{…, "supporters": [{…}], "transfers": [{…}]}]}` for each household.
        Numbers are `Fraction`, dates `date`, enums and codes `str`, sets `frozenset`, None missing.
    """
    from hardship.reference.rows import read_rows

    return read_rows(register, attributes)


def _shown(value: Value, show: Show) -> Value:
    return rounded(value, show.to, show.mode) if isinstance(value, Fraction) else value


def _number(value: Value) -> Fraction | None:
    assert value is None or isinstance(value, Fraction)
    return value
