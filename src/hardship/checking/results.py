"""Rules about what a table decides: vetoes, ladders, persons, benefit, exit, outputs, order."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hardship.checking.checker import MONTHLY, YEARLY, Checker, Edge
from hardship.language import scales
from hardship.language.expression import Expression
from hardship.language.fields import Show
from hardship.language.infer_base import BAD, BOOL, TYPES, as_ratio, missing
from hardship.language.kinds import Kind
from hardship.language.names import raised
from hardship.language.nodes import Name
from hardship.language.positions import Path
from hardship.language.table import Ladder, Rung
from hardship.limits import EXIT_MONTHS, SET_VALUES

FEN = Fraction(1, 100)


def vetoes(desk: Checker) -> None:
    """A veto has a condition or is raised by an item; `refused` and `deferred` follow from them."""
    table, kinds = desk.table, desk.run.of_name
    raising = {veto for item in table.item for veto in raised(item)}
    absent: dict[str, frozenset[str]] = {"refuse": frozenset(), "defer": frozenset()}
    for i, veto in enumerate(table.veto):
        kind = desk.condition(("veto", i, "when"), veto.when)
        absent[veto.effect] |= frozenset() if kind is None else kind.missing
        if veto.when is None and veto.id not in raising:
            desk.fault(("veto", i), "table.veto_never", found=veto.id)
        for item in table.item:
            if veto.id in raised(item):
                absent[veto.effect] |= kinds[item.id].missing | _rows(desk, item.id)
    for i, require in enumerate(table.require):
        unless = desk.condition(("require", i, "unless"), require.unless)
        if require.outside == "needs_review":
            absent["defer"] |= kinds.get(require.value, BAD).missing | (unless or BOOL).missing
            if desk.names.by_name[require.value].level != "household":
                absent["defer"] |= desk.run.counted.missing
    kinds["refused"] = replace(BOOL, missing=absent["refuse"])
    kinds["deferred"] = replace(BOOL, missing=absent["defer"])


def _rows(desk: Checker, name: str) -> frozenset[str]:
    """What can make a veto raised by an item missing, beyond the item's points: the filter over its rows."""
    item = next(item for item in desk.table.item if item.id == name)
    filters = (item.per is not None or item.each is not None) and not item.everyone
    return desk.run.counted.missing if filters else frozenset()


def ladders(desk: Checker) -> None:
    """Rungs have distinct ids, something to hold, comparable tests; outcomes stand only in the circle."""
    for i, ladder in enumerate(desk.table.ladder):
        path: Path = ("ladder", i)
        ids = [*(rung.id for rung in ladder.rung), ladder.otherwise.id]
        for j, rung in enumerate(ladder.rung):
            if rung.id in ids[:j]:
                desk.fault((*path, "rung", j, "id"), "table.rung_twice", found=rung.id)
        if ladder.otherwise.id in ids[:-1]:
            desk.fault((*path, "otherwise", "id"), "table.rung_twice", found=ladder.otherwise.id)
        if len(ids) > SET_VALUES:
            desk.fault(path, "table.rung_many", most=SET_VALUES - 1, found=len(ids) - 1)
        if ladder.id == "circle" and ladder.pick == "all":
            desk.fault((*path, "pick"), "table.circle_pick")
        if ladder.id != "circle":
            _outcomes(desk, path, ladder)
        absent = frozenset().union(
            *(_rung(desk, (*path, "rung", j), rung, ladder.id) for j, rung in enumerate(ladder.rung))
        )
        if ladder.id == "circle":
            absent |= missing((desk.run.of_name["refused"], desk.run.of_name["deferred"]))
        domain = tuple(ids)
        kind = Kind("set", domain=domain) if ladder.pick == "all" else Kind("enum", hi=len(ids) - 1, domain=domain)
        desk.run.of_name[ladder.id] = replace(kind, missing=absent)


def _outcomes(desk: Checker, path: Path, ladder: Ladder) -> None:
    places = [((*path, "rung", j, "outcome"), rung.outcome) for j, rung in enumerate(ladder.rung)]
    for place, outcome in (*places, ((*path, "otherwise", "outcome"), ladder.otherwise.outcome)):
        if outcome is not None:
            desk.fault(place, "table.rung_outcome", found=outcome)


def _rung(desk: Checker, path: Path, rung: Rung, ladder: str) -> frozenset[str]:
    """What can make a rung missing."""
    if not rung.tests and rung.also is None:
        desk.fault(path, "table.rung_empty", found=rung.id)
    also = desk.condition((*path, "also"), rung.also)
    absent = (also or BOOL).missing
    for j, test in enumerate(rung.tests):
        here: Path = (*path, "tests", j)
        edge = desk.test(here, test)
        if edge is not None:
            absent |= edge.value.missing | edge.line.missing
            if ladder == "circle" and (test.below is not None or test.at_most is not None):
                _distance(desk, test.value, edge)
        if test.unless is not None:
            absent |= desk.run.of_node[id(test.unless.node)].missing
    return absent


def _distance(desk: Checker, value: Expression, edge: Edge) -> None:
    """Prove that `line − value` can be shown as money a month in fen."""
    if edge.value.unit not in (MONTHLY, YEARLY) or edge.line.unit != edge.value.unit:
        return
    gap = distance(edge.value, edge.line)
    if gap is None:
        desk.at_node(value.node, "table.ratio_divisors", "table.hint_round", keys=_keys(edge))
    elif desk.run.fits(value.node, gap.lo, gap.hi, gap.den):
        desk.shown(value.node, gap, FEN, "half_up")


def _keys(edge: Edge) -> str:
    return " ; ".join(sorted({edge.value.divisor_key, edge.line.divisor_key}))


def distance(value: Kind, line: Kind) -> Kind | None:
    """The kind of `line − value` as money a month; None if both are ratios over different divisors.

    Both sides go over one divisor (if one is a ratio) and one denominator as in a subtraction; a yearly
    amount's
    denominator is multiplied by 12.
    """
    if value.divisor is not None and line.divisor is not None and value.divisor_key != line.divisor_key:
        return None
    ratio = value if value.divisor is not None else line
    if ratio.divisor is not None:
        value = value if value.divisor else as_ratio(value, ratio.divisor, ratio.divisor_key)
        line = line if line.divisor else as_ratio(line, ratio.divisor, ratio.divisor_key)
    den = scales.common((value, line))
    low, high = scales.scaled(value, den)
    below, above = scales.scaled(line, den)
    return replace(
        value, lo=below - high, hi=above - low, den=den * (12 if value.unit == YEARLY else 1), constant=False
    )


def persons(desk: Checker) -> None:
    """Person rules stand at member level and give money a month."""
    for i, person in enumerate(desk.table.person):
        path: Path = ("person", i)
        desk.condition((*path, "when"), person.when)
        for j, test in enumerate(person.tests):
            desk.test((*path, "tests", j), test)
        desk.amount(person.benefit.node, desk.infer((*path, "benefit"), person.benefit))


def benefit(desk: Checker) -> None:
    """Named steps; the last one is the amount: money a month in whole fen."""
    steps = desk.table.benefit
    verdicts = missing((desk.run.of_name["refused"], desk.run.of_name["deferred"]))
    for i, step in enumerate(steps):
        kind = desk.computed(("benefit", i), step, "household")
        if i == len(steps) - 1 and desk.amount(step.node, kind):
            if kind.lo < 0:
                low = Fraction(kind.lo, kind.den)
                desk.warn(("benefit", i), "table.benefit_negative", low=low)
            # Refused and deferred households have 0, also where a later expression names the step.
            kind = replace(
                kind, lo=min(kind.lo, 0), hi=max(kind.hi, 0), missing=kind.missing | verdicts, constant=False
            )
        desk.run.of_name[step.name] = kind


def leaving(desk: Checker) -> None:
    """`[exit]`: a condition, whole months in bounds, money a month."""
    rule = desk.table.exit
    if rule is None:
        return
    desk.condition(("exit", "when"), rule.when)
    months = desk.whole_months(rule.months.node)
    desk.months_within(rule.months.node, months, EXIT_MONTHS, "table.exit_bounds")
    desk.amount(rule.amount.node, desk.infer(("exit", "amount"), rule.amount))


def results(desk: Checker) -> None:
    """The income per head is money a month or a year."""
    expression = desk.table.results.income_per_head
    if expression is None:
        return
    node = expression.node
    kind = desk.run.number(node, "household")
    if kind is BAD:
        return
    if kind.unit not in (MONTHLY, YEARLY):
        desk.has_unit(node, kind, MONTHLY)
        return
    month = replace(kind, den=kind.den * (12 if kind.unit == YEARLY else 1))
    desk.shown(node, month, FEN, desk.table.results.mode)


def outputs(desk: Checker) -> None:
    """Further columns: numbers (rounded for display), conditions, dates, enums, sets."""
    for i, output in enumerate(desk.table.output):
        path: Path = ("output", i)
        kind = desk.computed(path, output, "household")
        desk.run.of_name[output.name] = kind
        if kind is BAD:
            continue
        if kind.type == "code" or (kind.type == "set" and not isinstance(output.node, Name)):
            desk.at_node(output.node, "table.output_type", found=TYPES[kind.type])
        if kind.type == "number":
            show = output.show or Show()
            desk.shown(output.node, kind, show.to, show.mode)


def rank(desk: Checker) -> None:
    """The order: its keys are each a number, a condition, a date or an enum."""
    rule = desk.table.rank
    desk.condition(("rank", "among"), rule.among)
    if not rule.keys:
        desk.warn(("rank",), "table.rank_keys")
    for i, key in enumerate(rule.keys):
        path: Path = ("rank", "keys", i)
        kind = desk.infer((*path, "value"), key.value)
        if kind is BAD:
            continue
        if kind.type in ("code", "set"):
            desk.at_node(key.value.node, "table.rank_type", found=TYPES[kind.type])
            continue
        good = desk.shows(path, key.show, kind)
        if good and kind.type == "number" and (key.show is not None or kind.divisor is not None):
            show = key.show or Show()
            desk.shown(key.value.node, kind, show.to, show.mode)
