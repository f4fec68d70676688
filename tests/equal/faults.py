"""Faults planted in the machine's side, each of which the comparison must find.

Every fault replaces one function of the lowering, the binding or the results by one that is wrong in a way that a
person could write; none touches compiled code, so each takes effect at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hardship import results
from hardship.lowering import bind, comparisons, places
from hardship.lowering import expressions as lower_expression
from hardship.lowering import stages as lower_stages
from hardship.lowering.arithmetic import Builder

Plant = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Plant] = {}


def fault(plant: Plant) -> Plant:
    """Enter a fault under its name."""
    FAULTS[plant.__name__] = plant
    return plant


@fault
def less_for_at_most(patch: pytest.MonkeyPatch) -> None:
    """`<=` compares as `<`."""
    compare = comparisons.compare
    patch.setattr(comparisons, "compare", lambda build, op, *sides: compare(build, "<" if op == "<=" else op, *sides))


@fault
def wrong_side_of_a_band(patch: pytest.MonkeyPatch) -> None:
    """A value on an edge falls into the other band."""
    edge = comparisons.edge
    other = {">": ">=", ">=": ">"}
    patch.setattr(
        comparisons, "edge", lambda band: None if (found := edge(band)) is None else (other[found[0]], found[1])
    )


@fault
def child_capped_late(patch: pytest.MonkeyPatch) -> None:
    """A group is capped only for itself: its parent adds the uncapped sum."""

    def sums(self: Any, forms: Any, index: str) -> dict[str, Any]:
        def raw(group: str | None) -> Any:
            parts = [forms[item.id].points[index] for item in self.table.item if item.group == group]
            parts += [raw(one.id) for one in self.table.group if one.parent == group]
            value = lower_stages.number(0)
            for part in parts:
                value = self.build.add(value, part)
            return value

        def within(value: Any, floor: Fraction | None, cap: Fraction | None) -> Any:
            if floor is not None:
                value = self.build.extreme(value, lower_stages.number(floor), True)
            return value if cap is None else self.build.extreme(value, lower_stages.number(cap), False)

        found = {one.id: within(raw(one.id), one.floor, one.cap) for one in self.table.group}
        main = next(one for one in self.table.index if one.id == index)
        return found | {"": within(raw(None), main.floor, main.cap)}

    patch.setattr(lower_stages.Stages, "sums", sums)


@fault
def ties_to_even(patch: pytest.MonkeyPatch) -> None:
    """`half_up` rounds as `half_even`."""
    rounded = Builder.rounded

    def wrong(self: Any, value: Any, step: Any, mode: str, *more: Any) -> Any:
        return rounded(self, value, step, "half_even" if mode == "half_up" else mode, *more)

    patch.setattr(Builder, "rounded", wrong)


@fault
def last_member_not_read(patch: pytest.MonkeyPatch) -> None:
    """Of the last member of a household the facts of the one before are read."""
    whole = bind.bind

    def wrong(program: Any, register: Any, standards: Any, on: Any) -> Any:
        member = register.frames["member"].with_row_index("row")
        size, last = pl.len().over("household"), pl.col("row").max().over("household")
        read = member.select(pl.when((size > 1) & (pl.col("row") == last)).then(pl.col("row") - 1).otherwise("row"))
        frames = {**register.frames, "member": register.frames["member"][read.to_series()]}
        return whole(program, SimpleNamespace(frames=frames), standards, on)

    patch.setattr(bind, "bind", wrong)


@fault
def ten_months_a_year(patch: pytest.MonkeyPatch) -> None:
    """A year has the wrong number of months."""
    patch.setattr(lower_expression, "MONTHS", 10)


@fault
def everyone_counts(patch: pytest.MonkeyPatch) -> None:
    """`counted` filters nothing."""
    taken = lower_expression.Expressions.taken

    def wrong(self: Any, entity: Any, level: Any, _everyone: bool, where: Any = None) -> Any:
        return taken(self, entity, level, True, where)

    patch.setattr(lower_expression.Expressions, "taken", wrong)


@fault
def missing_is_the_smallest_value(patch: pytest.MonkeyPatch) -> None:
    """An empty cell is read as what stands in its place, zero for most."""
    column = bind._column

    def wrong(one: Any, *more: Any) -> Any:
        values, valid, reach = column(one, *more)
        return (values, valid, reach) if values is None else (values, None, (0, *reach[1:]))

    patch.setattr(bind, "_column", wrong)


@fault
def deferred_before_refused(patch: pytest.MonkeyPatch) -> None:
    """Where both are hit, the household is deferred instead of refused."""
    places = results.outcome_places
    swapped = {"does_not_meet": "needs_review", "needs_review": "does_not_meet"}

    def wrong(circle: Any, raw: Any, incomplete: Any) -> Any:
        texts, place = places(circle, {**raw, "refused": raw["deferred"], "deferred": raw["refused"]}, incomplete)
        return [swapped.get(text, text) for text in texts], place

    patch.setattr(results, "outcome_places", wrong)


@fault
def earliest_standard(patch: pytest.MonkeyPatch) -> None:
    """Of several dates of a standard the earliest holds."""
    best = places._best

    def wrong(rows: Any, areas: Any, residence: Any) -> Any:
        found = best(rows, areas, residence)
        same = [one for one in rows if found is not None and one.key[:3] == found.key[:3]]
        return min(same, key=lambda one: one.effective_from, default=None)

    patch.setattr(places, "_best", wrong)


@fault
def widest_area(patch: pytest.MonkeyPatch) -> None:
    """The shortest area code wins."""
    best = places._best

    def wrong(rows: Any, areas: Any, residence: Any) -> Any:
        fitting = [row for row in rows if row.area_code in areas]
        short = min((len(row.area_code) for row in fitting if row.residence in ("", residence)), default=0)
        return best([row for row in fitting if len(row.area_code) == short], areas, residence)

    patch.setattr(places, "_best", wrong)


@fault
def gap_the_wrong_way(patch: pytest.MonkeyPatch) -> None:
    """The distance to a line is value − line."""
    gap = lower_stages.Stages.gap

    def wrong(self: Any, ladder: Any) -> Any:
        subtract = self.build.subtract
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(self.build, "subtract", lambda left, right: subtract(right, left))
            return gap(self, ladder)

    patch.setattr(lower_stages.Stages, "gap", wrong)


@fault
def unless_turned_round(patch: pytest.MonkeyPatch) -> None:
    """A test is waived where `unless` does not hold."""

    def wrong(self: Any, test: Any, level: Any) -> Any:
        if test.unless is None:
            return self.test(test, level)
        waived = self.build.negation(self.node(test.unless.node, level))
        return self.build.either([self.test(test, level), waived])

    patch.setattr(lower_stages.Stages, "passes", wrong)


@fault
def clamp_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A value outside a require goes on as it is."""
    patch.setattr(lower_expression.Expressions, "name", lambda self, name: self.unclamped(name))


@fault
def largest_first(patch: pytest.MonkeyPatch) -> None:
    """The order of every rank key is turned round."""
    keys = results.rank_keys

    def wrong(*given: Any) -> Any:
        return [dataclasses.replace(key, descending=not key.descending) for key in keys(*given)]

    patch.setattr(results, "rank_keys", wrong)
