"""Kinds of function calls and aggregates: the second half of `infer`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from hardship.language import scales
from hardship.language.infer_base import BAD, BOOL, TYPES, Proved, listing, missing, unit_text
from hardship.language.infer_texts import choice_domain
from hardship.language.kinds import Kind
from hardship.language.nodes import Aggregate, Call, Name, Node, Text
from hardship.language.spelling import spell
from hardship.language.table import Axis
from hardship.language.units import parse
from hardship.limits import ROWS

if TYPE_CHECKING:
    from hardship.language.infer import Inference

STEPS = {
    "fen": (Fraction(1, 100), True),
    "cent": (Fraction(1, 100), False),
    "jiao": (Fraction(1, 10), True),
    "yuan": (Fraction(1), True),
    "whole": (Fraction(1), False),
}
"""The words after `to =`: the multiple, and whether only money is rounded to it."""


def call(run: Inference, node: Call, level: str, domain: tuple[str, ...] | None, proved: Proved) -> Kind:
    """The kind of one function call; `BAD` after a fault."""
    arguments = node.arguments
    match node.function:
        case "min" | "max" | "clip":
            return _extreme(run, node, level, proved)
        case "round":
            kind = run.number(arguments[0], level, proved)
            step = _step(run, node, kind)
            mode = node.option("mode")
            assert isinstance(mode, Text)
            return BAD if kind is BAD or step is None else round_kind(run, node, kind, step, mode.value)
        case "floor" | "ceil":
            kind = run.number(arguments[0], level, proved)
            return kind if kind is BAD else round_kind(run, node, kind, Fraction(1), node.function)
        case "age":
            born, on = run.expect(arguments[0], "date", level, proved), run.of_name["on"]
            if born is BAD:
                return BAD
            low, high = (on.lo - born.hi) // 10_000, (on.hi - born.lo) // 10_000
            return Kind("number", lo=low, hi=high, missing=born.missing)
        case "months_between":
            start, end = (run.expect(argument, "date", level, proved) for argument in arguments)
            if start is BAD or end is BAD:
                return BAD
            low, high = _months(end.lo) - _months(start.hi) - 1, _months(end.hi) - _months(start.lo)
            return Kind("number", lo=low, hi=high, missing=start.missing | end.missing)
        case "per_month" | "per_year":
            return _period(run, node, run.number(arguments[0], level, proved))
        case "known":
            return BAD if run.infer(arguments[0], level, None, proved) is BAD else BOOL
        case "or_else":
            given = domain or choice_domain(run, arguments)
            parts = [(argument, run.infer(argument, level, given, proved)) for argument in arguments]
            joined = run.join(parts)
            last = parts[1][1].missing
            return joined if joined is BAD else replace(joined, missing=joined.missing if last else last)
        case "lookup":
            return _lookup(run, node, level, proved)
    raise ValueError(node.function)


def _months(day: int) -> int:
    return day // 10_000 * 12 + day // 100 % 100


def _extreme(run: Inference, node: Call, level: str, proved: Proved) -> Kind:
    parts = [(argument, run.number(argument, level, proved)) for argument in node.arguments]
    joined = run.join(parts)
    over = None if joined is BAD else run.aligned(parts)
    if over is None:
        return BAD
    lows, highs = [kind.lo for kind in over], [kind.hi for kind in over]
    if node.function == "clip":
        low, high = min(max(lows[0], lows[1]), lows[2]), min(max(highs[0], highs[1]), highs[2])
    else:
        pick: Callable[[list[int]], int] = min if node.function == "min" else max
        low, high = pick(lows), pick(highs)
    return replace(joined, lo=low, hi=high, constant=all(kind.constant for _, kind in parts))


def _step(run: Inference, node: Call, kind: Kind) -> Fraction | None:
    """The multiple that a `round` rounds to, or None after a fault."""
    to = node.option("to")
    assert isinstance(to, Name)
    if to.name in STEPS:
        step, money = STEPS[to.name]
        if money and kind is not BAD and kind.unit.power("money") != 1:
            run.report(to, "table.round_money", to=to.name, found=unit_text(kind.unit))
            return None
        return step
    named = run.names.by_name.get(to.name)
    constant = run.of_name.get(to.name, BAD)
    if constant is BAD or named is None or named.role != "constant" or constant.lo <= 0:
        run.report(to, "table.round_to", text=to.name)
        return None
    if kind is not BAD and constant.unit != kind.unit:
        run.report(to, "table.unit", expected=unit_text(kind.unit), found=unit_text(constant.unit), text=to.name)
        return None
    return Fraction(constant.lo, constant.den)


def round_kind(run: Inference, node: Node, kind: Kind, to: Fraction, mode: str) -> Kind:
    """The kind of a number rounded to a multiple of `to`; `BAD` if the integers needed are too large."""
    a, b = scales.rounding(kind, to)
    divisor = kind.divisor.hi if kind.divisor else 1
    # Half up compares 2 · n · a + d · b with whole steps of 2 · d · b.
    if not run.fits(node, 2 * max(abs(kind.lo), abs(kind.hi)) * a + divisor * b, 2 * divisor * b):
        return BAD
    low, high = (scales.rounded(bound / to, mode) for bound in scales.value_range(kind))
    return replace(
        kind,
        den=to.denominator,
        lo=low * to.numerator,
        hi=high * to.numerator,
        divisor=None,
        divisor_key="",
    )


def _period(run: Inference, node: Call, kind: Kind) -> Kind:
    if kind is BAD:
        return BAD
    old, new = ("year", "month") if node.function == "per_month" else ("month", "year")
    if kind.unit.power(old) >= 0:
        run.report(
            node.arguments[0], "table.period", function=node.function, expected=f"…/{old}",
            found=unit_text(kind.unit), text=spell(node.arguments[0]),
        )  # fmt: skip
        return BAD
    unit = kind.unit * parse(old) / parse(new)
    if node.function == "per_month":
        return replace(kind, unit=unit, den=kind.den * 12)
    return replace(kind, unit=unit, lo=kind.lo * 12, hi=kind.hi * 12)


def _lookup(run: Inference, node: Call, level: str, proved: Proved) -> Kind:
    first, *given = node.arguments
    assert isinstance(first, Name)
    cells = run.lookups.get(first.name, BAD)
    named = run.names.by_name.get(first.name)
    table = named.definition if named is not None and named.role == "lookup" else None
    axes = [] if table is None else [table.rows] if table.columns is None else [table.rows, table.columns]
    written = [axis_values(run, axis) or None for axis in axes]  # a text names a row or column: 'high'
    written += [None] * (len(given) - len(written))
    kinds = [run.infer(argument, level, values, proved) for argument, values in zip(given, written, strict=False)]
    if cells is BAD or BAD in kinds:
        return BAD
    if len(axes) != len(given):
        run.report(node, "table.lookup_arguments", name=first.name, expected=len(axes), found=len(given))
        return BAD
    placed = zip(axes, given, kinds, strict=True)
    fitting = [_on_axis(run, first.name, axis, argument, kind) for axis, argument, kind in placed]
    return replace(cells, missing=cells.missing | missing(kinds)) if all(fitting) else BAD


def _on_axis(run: Inference, name: str, axis: Axis, node: Node, kind: Kind) -> bool:
    """Whether an argument can only take places that the axis has."""
    text = spell(node)
    if axis.bands is None and axis.first is None:
        if kind.type != "enum":
            run.report(node, "table.type", expected=TYPES["enum"], found=TYPES[kind.type], text=text)
            return False
        legal = axis_values(run, axis)
        if set(legal) != set(kind.domain):
            lacking = [value for value in kind.domain if value not in legal]
            beyond = [value for value in legal if value not in kind.domain]
            run.report(
                node, "table.lookup_axis", name=name, text=text, lacking=listing(lacking) or "–",
                beyond=listing(beyond) or "–",
            )  # fmt: skip
            return False
        return True
    if kind.type != "number" or kind.divisor is not None:
        if kind.type == "number":
            run.report(node, "table.ratio_here", "table.hint_round", text=text)
        else:
            run.report(node, "table.type", expected=TYPES["number"], found=TYPES[kind.type], text=text)
        return False
    if kind.unit != parse(axis.unit):
        expected = unit_text(parse(axis.unit))
        run.report(node, "table.unit", expected=expected, found=unit_text(kind.unit), text=text)
        return False
    if axis.first is not None and axis.last is not None:
        whole = kind.den == 1 and axis.first <= kind.lo and kind.hi <= axis.last
        if not whole:
            low, high = scales.value_range(kind)
            run.report(
                node, "table.lookup_range", "table.hint_clip", name=name, text=text, first=axis.first,
                last=axis.last, low=low, high=high, step=Fraction(1, kind.den),
            )  # fmt: skip
        return whole
    return True


def axis_values(run: Inference, axis: Axis) -> tuple[str, ...]:
    """The values of an axis in the order of its cells: those written, else all of its attribute's."""
    if axis.values is not None:
        return axis.values
    return run.of_name[axis.of].domain if axis.of in run.of_name else ()


def aggregate(run: Inference, node: Aggregate, level: str, proved: Proved) -> Kind:
    """The kind of an aggregate that stands at `level`; `BAD` after a fault."""
    entity = node.entity
    filters = level == "household" and not node.everyone
    kinds = [run.counted] if filters else []
    if node.where is not None:
        kinds.append(run.truth(node.where, entity, proved))
    rows = ROWS[level, entity]
    if node.function in ("any", "all"):
        if node.value is not None:
            kinds.append(run.truth(node.value, entity, proved))
        return BAD if BAD in kinds else replace(BOOL, missing=missing(kinds))
    if node.function == "count":
        always = entity == "member" and node.where is None and not (filters and run.filtered)
        return BAD if BAD in kinds else Kind("number", lo=int(always), hi=rows, missing=missing(kinds))
    assert node.value is not None
    if node.function == "sum":
        value = run.plain(node.value, entity, proved)
        if value is BAD or BAD in kinds:
            return BAD
        low, high = min(0, rows * value.lo), max(0, rows * value.hi)
        return replace(value, lo=low, hi=high, missing=value.missing | missing(kinds), constant=False)
    assert node.default is not None
    value, default = run.plain(node.value, entity, proved), run.plain(node.default, level, proved)
    joined = run.join([(node.value, value), (node.default, default)])
    return BAD if joined is BAD or BAD in kinds else replace(joined, missing=joined.missing | missing(kinds))
