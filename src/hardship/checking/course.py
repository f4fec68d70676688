"""Rules about the time after a result: reviews, and the change from an older version."""

from __future__ import annotations

from hardship.checking.checker import Checker
from hardship.days import as_date
from hardship.language.infer_base import BAD, TYPES
from hardship.language.spelling import spell
from hardship.limits import LAST_DAY, REVIEW_MONTHS


def review(desk: Checker) -> None:
    """`[review]`: conditions, whole months in bounds, a date."""
    rule = desk.table.review
    if rule is None:
        return
    desk.condition(("review", "when"), rule.when)
    desk.condition(("review", "holds"), rule.holds)
    months = desk.whole_months(rule.months.node)
    desk.months_within(rule.months.node, months, REVIEW_MONTHS, "table.review_months")
    if rule.since is not None:
        since = desk.infer(("review", "since"), rule.since)
        if since is not BAD and since.type != "date":
            params = {"expected": TYPES["date"], "found": TYPES[since.type], "text": spell(rule.since.node)}
            desk.at_node(rule.since.node, "table.type", **params)
        elif since is not BAD and months is not BAD and _month(since.hi) + months.hi > _month(LAST_DAY):
            desk.at_node(rule.since.node, "table.review_end", found=as_date(since.hi), months=months.hi)


def _month(day: int) -> int:
    """The months before that of a day, from the year 0 on."""
    return day // 10_000 * 12 + day // 100 % 100 - 1


def transition(desk: Checker) -> None:
    """`[transition]`: what is kept needs a review date or circles, and circles that this version has."""
    rule, table = desk.table.transition, desk.table
    if rule is None:
        return
    desk.condition(("transition", "unless"), rule.unless)
    if rule.rule == "recompute":
        for key, given in (("unless", rule.unless is not None), ("circles", bool(rule.circles))):
            if given:
                desk.fault(("transition", key), "table.transition_recompute", found=key)
    elif rule.rule == "keep_until_review" and (table.review is None or table.review.since is None):
        desk.fault(("transition", "rule"), "table.transition_review")
    elif rule.rule == "map" and not rule.circles:
        desk.fault(("transition", "rule"), "table.transition_map")
    circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
    known = [] if circle is None else [*(rung.id for rung in circle.rung), circle.otherwise.id]
    for old, new in rule.circles.items():
        if new not in known:
            params = {"expected": ", ".join(known) or "-", "found": new}
            desk.fault(("transition", "circles", old), "table.transition_circle", **params)
