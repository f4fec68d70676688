"""The computation, step by step: derived values, items and groups, vetoes, circles, benefit, outputs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hardship.explaining import values as explain_values
from hardship.explaining.view import Entry, Told, View
from hardship.explaining.wording import number_text
from hardship.language.names import raised
from hardship.language.nodes import Node
from hardship.language.table import Computed, Group, Index, Item, Ladder, Require, Rung, Test, Veto
from hardship.language.units import NONE, Unit, parse
from hardship.reference.values import Kleene, Row, band_of

OUTCOMES = {
    "meets": "explain.meets",
    "does_not_meet": "explain.does_not_meet",
    "incomplete": "explain.incomplete",
    "needs_review": "explain.needs_review",
}
EFFECTS = {"refuse": "explain.refuse", "defer": "explain.defer"}
HITS: dict[Kleene, str] = {True: "explain.hit", False: "explain.no_hit", None: "explain.unknown_hit"}
HOLDS: dict[Kleene, str] = {True: "explain.holds", False: "explain.does_not_hold", None: "explain.unknown"}
EDGES = (("<", "below"), ("≤", "at_most"), ("≥", "at_least"), (">", "above"))
Cap = Fraction | dict[str, Fraction] | None


def derived(view: View) -> list[Entry]:
    """Every derived value at every row, in the table's order, which is the one that people read."""
    return [
        _computed(view, derive, derive.name, derive.level, row)
        for derive in view.table.derive
        for row in view.rows(derive.level)
    ]


def _computed(view: View, computed: Computed, name: str, level: str, row: Row) -> Entry:
    value = view.stages.name(name, row)
    return {
        "name": name,
        "title": view.words.name(name),
        "level": level,
        **view.place(row),
        "expr": view.words.expression(computed.node),
        "case": view.case_text(computed.node, row, computed.cases),
        "filled": view.filled(computed.node, row),
        **view.shown(value, view.unit_of(name), name),
        **view.provided(computed),
    }


def requires(view: View) -> list[Entry]:
    """The bounds that a value must keep, and whether it does."""
    return [require_entry(view, require, view.outcome.requires[require.id]) for require in view.table.require]


def require_entry(view: Told, require: Require, hit: Kleene) -> Entry:
    """One bound, broken or not."""
    unit = view.unit_of(require.value)
    bounds = [
        f"{sign} {view.text(edge, unit)}"
        for sign, edge in (("≥", require.at_least), ("≤", require.at_most))
        if edge is not None
    ]
    if require.one_of is not None:
        bounds = [view.words.option(require.value, value) for value in require.one_of]
    return {
        "id": require.id,
        "title": view.words.name(require.value),
        "bounds": view.say("explain.w_or_list" if require.one_of else "explain.w_and").join(bounds),
        "hit": hit,
        "hit_text": view.say(HITS[hit]),
        "outside": require.outside,
        "message": require.message.text(view.lang) if require.message is not None else "",
        **view.provided(require),
    }


# --- points ---


def index(view: View, declared: Index) -> Entry:
    """One index: its groups with their items, the sum, what floor or cap change, and the result.

    The points of `groups` add up to `sum`; `sum` and `adjustment` to `exact`. Items without a group stand in
    a last group with the id "".
    """
    groups = [_group(view, declared, group) for group in view.table.group if group.parent is None]
    loose = [_item(view, declared.id, item, None) for item in view.table.item if item.group is None]
    if loose:
        total = _sum([entry["points"] for entry in loose])
        groups.append(
            {"id": "", "title": view.say("explain.no_group"), "points": total, "sum": total, "cap": None}
            | {"floor": None, "adjustment": "0", "items": loose, "groups": []}
        )
    value = view.stages.index(declared.id)
    total = _sum([group["points"] for group in groups])
    return {
        "id": declared.id,
        "title": declared.title.text(view.lang),
        "value": None if value is None else explain_values.half_up(value, declared.decimals),
        "exact": view.points(value),
        "sum": total,
        "adjustment": _difference(view.points(value), total),
        "cap": view.points(declared.cap),
        "floor": view.points(declared.floor),
        "groups": groups,
    }


def _group(view: View, declared: Index, group: Group) -> Entry:
    points = view.points(view.stages.points(group.id)[declared.id])
    items = [item for item in view.table.item if item.group == group.id]
    below = [_group(view, declared, child) for child in view.table.group if child.parent == group.id]
    entries = [_item(view, declared.id, item, None) for item in items]
    total = _sum([entry["points"] for entry in (*entries, *below)])
    adjustment = _difference(points, total)
    if adjustment is not None and Fraction(adjustment) < 0:
        for entry in entries:
            entry["capped_by"] = entry["capped_by"] or f"group:{group.id}"
    return {
        "id": group.id,
        "title": group.title.text(view.lang),
        "points": points,
        "sum": total,
        "adjustment": adjustment,
        "cap": view.points(group.cap),
        "floor": view.points(group.floor),
        "items": entries,
        "groups": below,
    }


def _item(view: View, index_id: str, item: Item, capped_by: str | None) -> Entry:
    """One item: for each row its value, the band or case taken and the points; then floor and cap."""
    rows = [_form(view, index_id, item, row) for row in view.stages.item_rows(item)]
    taken = [entry for entry in rows if entry is not None]
    points = view.points(view.stages.points(item.id)[index_id])
    total = _sum([entry["points"] for entry in taken])
    absent = total is None and points is not None
    if not absent and total != points and points is not None:
        capped_by = "item" if Fraction(points) < Fraction(total or 0) else "floor"
    first = taken[0] if len(taken) == 1 and rows and item.per is None and item.each is None else None
    band = first["band"] if first is not None else _rows_band(view, taken)
    if absent and item.missing is not None:
        title = item.missing.title
        band = title.text(view.lang) if title is not None else view.say("explain.points_if_missing")
    return {
        "id": item.id,
        "title": item.title.text(view.lang),
        "expr": item_words(view, item),
        "value": first["value"] if first is not None else None,
        "exact": first["exact"] if first is not None else None,
        "text": first["text"] if first is not None else "",
        "filled": first["filled"] if first is not None else "",
        "band": band,
        "sum": total,
        "points": points,
        "cap": view.points(_for_index(item.cap, index_id)),
        "floor": view.points(_for_index(item.floor, index_id)),
        "capped_by": capped_by,
        "missing_taken": absent,
        "rows": taken if first is None else [],
        **view.provided(item),
    }


def _rows_band(view: View, taken: list[Entry]) -> str:
    """Whose rows score: `M2：4，M3：1`."""
    scoring = [entry for entry in taken if entry["points"] != "0"]
    parts = [view.say("explain.row_points", who=entry["who"], points=entry["points"] or "?") for entry in scoring]
    return view.say("explain.w_comma").join(parts) or view.say("explain.nobody")


def item_words(view: Told, item: Item) -> str:
    """What an item asks: its condition, its value, or its cases."""
    for expression in (item.each, item.when, item.expr, item.value):
        if expression is not None:
            return view.words.expression(expression.node)
    return view.say("explain.w_case_stop").join(
        view.words.expression(case.when.node) for case in item.cases or () if case.when is not None
    )


def _form(view: View, index_id: str, item: Item, row: Row) -> Entry | None:
    """One row of an item; None if the item does not take the row (its member does not count)."""
    takes = view.stages.takes(item, row)
    if takes is False:
        return None
    points, veto = view.stages.form(item, row) if takes else (None, None)
    condition = item.each or item.when
    shown: Entry = {"value": None, "exact": None, "unit": "", "text": "", "filled": ""}
    band = view.say("explain.unknown")
    if condition is not None:
        holds = view.stages.truth(condition.node, row)
        shown |= {"value": holds, "exact": holds, "text": view.text(holds)}
        band = view.say(HOLDS[holds])
    elif item.expr is not None:
        shown |= _valued(view, item.expr.node, row, parse(item.unit))
        band = ""
    else:
        taken = _case(view, item, row)
        if taken is not None:
            band = taken
        elif item.value is not None and item.bands is not None:
            node = item.value.node
            unit = view.unit_at(node)
            shown |= _valued(view, node, row, unit)
            value = view.stages.number(node, row)
            if value is not None:
                band = view.band_text(item.bands, band_of(item.bands, value), unit)
        elif points is not None:
            band = view.say("explain.otherwise")
    return {
        **view.place(row),
        **shown,
        "band": band,
        "points": view.points(points[index_id]) if points is not None else None,
        "veto": veto,
    }


def _valued(view: View, node: Node, row: Row, unit: Unit) -> Entry:
    return {**view.shown(view.stages.value(node, row), unit), "filled": view.filled(node, row)}


def _case(view: View, item: Item, row: Row) -> str | None:
    """The case of an item that is taken, in words; None if none is."""
    for case in item.cases or ():
        holds = True if case.when is None else view.stages.truth(case.when.node, row)
        if holds is None:
            return view.say("explain.unknown")
        if holds and case.title is not None:
            return case.title.text(view.lang)
        if holds:
            return view.say("explain.otherwise") if case.when is None else view.words.expression(case.when.node)
    return None


def _for_index(cap: Cap, index_id: str) -> Fraction | None:
    return cap[index_id] if isinstance(cap, dict) else cap


def _sum(points: Sequence[str | None]) -> str | None:
    if any(part is None for part in points):
        return None
    total = sum((Fraction(part) for part in points if part is not None), Fraction(0))
    return number_text(total)


def _difference(points: str | None, total: str | None) -> str | None:
    if points is None or total is None:
        return None
    return number_text(Fraction(points) - Fraction(total))


# --- vetoes, ladders ---


def vetoes(view: View) -> list[Entry]:
    """Every clause: is it hit (null: cannot be decided), what it does, looks at, and how to answer it."""
    return [veto_entry(view, veto, view.outcome.vetoes[veto.id]) for veto in view.table.veto]


def veto_entry(view: Told, veto: Veto, hit: Kleene) -> Entry:
    """One clause, hit or not."""
    return {
        "id": veto.id,
        "title": veto.title.text(view.lang),
        "hit": hit,
        "hit_text": view.say(HITS[hit]),
        "effect": veto.effect,
        "effect_text": view.say(EFFECTS[veto.effect]),
        "expr": view.words.expression(veto.when.node) if veto.when is not None else "",
        "items": [item.id for item in view.table.item if veto.id in raised(item)],
        "period": veto.period.text(view.lang) if veto.period is not None else "",
        "evidence": [view.words.name(name) for name in veto.evidence],
        "appeal": veto.appeal.text(view.lang) if veto.appeal is not None else "",
        **view.provided(veto),
    }


def ladder(view: View, declared: Ladder) -> Entry:
    """One ladder: where the household stands, and every line with its distance (`gap` = line − value)."""
    value = view.stages.name(declared.id, view.root)
    taken = value if isinstance(value, frozenset) else {value}
    rungs = [_rung(view, rung, rung.id in taken) for rung in declared.rung]
    return {
        "id": explain_values.exact(value),
        "name": declared.id,
        "ladder": declared.title.text(view.lang),
        "title": view.text(value, NONE, declared.id),
        "rungs": rungs,
        "otherwise": {
            "id": declared.otherwise.id,
            "title": declared.otherwise.title.text(view.lang),
            "taken": declared.otherwise.id in taken,
        },
        "lines": [test for rung in rungs for test in rung["tests"]],
    }


def _rung(view: View, rung: Rung, taken: bool) -> Entry:
    holds = view.stages.rung(rung)
    also = view.stages.truth(rung.also.node if rung.also is not None else None, view.root)
    return {
        "id": rung.id,
        "title": rung.title.text(view.lang),
        "taken": taken,
        "holds": holds,
        "holds_text": view.say(HOLDS[holds]),
        "also": view.words.expression(rung.also.node) if rung.also is not None else "",
        "also_holds": also,
        "also_text": view.say(HOLDS[also]),
        "tests": [_test(view, rung, test, view.root) for test in rung.tests],
        **view.provided(rung),
    }


def _test(view: View, rung: Rung, test: Test, row: Row) -> Entry:
    sign, edge = next((sign, edge) for sign, key in EDGES if (edge := getattr(test, key)) is not None)
    unit = view.unit_at(test.value.node)
    value, line = view.stages.number(test.value.node, row), view.stages.number(edge.node, row)
    holds = view.stages.passes(test, row)
    waived = test.unless is not None and view.stages.truth(test.unless.node, row) is True
    gap = None if value is None or line is None else line - value
    words = view.words.expression(edge.node)
    return {
        "name": test.line.text(view.lang) if test.line is not None else words,
        "rung": rung.id,
        "rung_title": rung.title.text(view.lang),
        "expr": f"{view.words.expression(test.value.node)} {sign} {words}",
        "value_words": view.words.expression(test.value.node),
        "filled": view.filled(test.value.node, row),
        "edge_filled": view.filled(edge.node, row),
        "sign": sign,
        "measured": view.shown(value, unit),
        **view.shown(line, unit),
        "gap": explain_values.decimal(gap, unit),
        "gap_exact": explain_values.exact(gap),
        "gap_text": view.text(gap, unit),
        "holds": holds,
        "holds_text": view.say(HOLDS[holds]),
        "waived": waived,
        "unless": view.words.expression(test.unless.node) if test.unless is not None else "",
    }


# --- benefit, outputs, persons, order ---


def benefit(view: View) -> Entry:
    """The benefit a month with every step, who leaves gradually, and when the household is looked at again."""
    steps = [_computed(view, step, step.name, "household", view.root) for step in view.table.benefit]
    stopped = view.stages.stopped()
    amount = view.outcome.benefit
    found: Entry = {
        "month": explain_values.decimal(amount, parse("money/month")) if view.table.benefit else None,
        "text": view.text(amount, parse("money/month")) if view.table.benefit else "",
        "stopped": stopped,
        "steps": steps,
    }
    if view.table.exit is not None and view.outcome.exit_months is not None:
        found["exit"] = {
            "when": view.words.expression(view.table.exit.when.node),
            "months": view.shown(view.outcome.exit_months),
            "amount": view.shown(view.outcome.exit_amount, parse("money/month")),
        }
    due, held = view.outcome.review_on, view.outcome.held
    if due is not None or held is not None:
        found["review"] = {"on": due.isoformat() if due is not None else None, "held": held}
    return found


def outputs(view: View) -> list[Entry]:
    """The table's further result columns."""
    return [_computed(view, output, output.name, "household", view.root) for output in view.table.output]


def persons(view: View) -> list[Entry]:
    """Members assessed alone, with their tests."""
    rules = {person.id: person for person in view.table.person}
    rows = {row.key[0]: row for row in view.rows("member")}
    return [
        {
            **view.place(rows[found.member]),
            "rule": found.rule,
            "title": rules[found.rule].title.text(view.lang),
            "when": view.words.expression(rules[found.rule].when.node),
            "outcome": found.outcome,
            "outcome_text": view.say(OUTCOMES[found.outcome]),
            "benefit": view.shown(found.benefit, parse("money/month")),
        }
        for found in view.outcome.persons
    ]


def order(view: View) -> Entry:
    """By what the household is ranked: the keys with its values, and whether it is ranked at all."""
    rank = view.table.rank
    keys = []
    for key, value in zip(rank.keys, view.outcome.keys or [None] * len(rank.keys), strict=True):
        node = key.value.node
        kind = view.checked.kind(node)
        name = getattr(node, "name", "")
        keys.append(
            {
                "expr": view.words.expression(node),
                "order": key.order,
                "order_text": view.say(ORDERS[key.order]),
                **view.shown(value, kind.unit, name),
            }
        )
    among = view.outcome.among
    return {
        "ranked": among is True,
        "among": view.words.expression(rank.among.node) if rank.among is not None else "",
        "keys": keys,
    }


ORDERS = {"ascending": "explain.ascending", "descending": "explain.descending"}
