"""The charts of a movement, as SVG. Numbers become floats here, for the eye only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from hardship.charts import to_svg

BEFORE, AFTER = "#9AA5B1", "#0072B2"
GREY = "#C4CAD0"
OWN = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#F0E442", "#7A5195", "#8C564B")
ENTERED, LEFT = "#009E73", "#D55E00"
WIDTH = 640
STEPS = 20  # points along the side of a band
GAP = 0.012  # between two bands, as a share of the height
THIN = 0.022  # blocks lower than this share have no label of their own
_ID = re.compile(r'\bid="([^"]+)"')

Flow = tuple[str, str, int]


def _chart(rows: list[dict[str, Any]]) -> Any:
    """A chart of rows."""
    return alt.Chart({"values": rows})


def svg(chart: Any, name: str) -> str:
    """A chart as SVG text whose inner ids are `name-1`, `name-2`, …: the same each time, apart on one page."""
    text = to_svg(chart)
    for number, own in enumerate(dict.fromkeys(_ID.findall(text)), 1):
        text = re.sub(rf"(?<=[\"#]){re.escape(own)}(?=[\")])", f"{name}-{number}", text)
    return text


def flows(found: Sequence[Flow], titles: Mapping[str, str], ends: tuple[str, str], grey: Sequence[str]) -> Any:
    """Where households stood, to the left, and where they stand, to the right, as bands between both.

    Args:
        found: (before, after, households), more than none.
        titles: state → title, in the order from above.
        ends: what stands over both sides.
        grey: states without a colour of their own.
    """
    whole = sum(count for _, _, count in found)
    left = _blocks({name: sum(n for one, _, n in found if one == name) for name in titles}, whole)
    right = _blocks({name: sum(n for _, one, n in found if one == name) for name in titles}, whole)
    colours = _colours(titles, grey)
    start, end = {name: top for name, (top, _) in left.items()}, {name: top for name, (top, _) in right.items()}
    points: list[dict[str, Any]] = []
    order = {name: place for place, name in enumerate(titles)}
    for one, other, count in sorted(found, key=lambda flow: (order[flow[0]], order[flow[1]])):
        high = count / whole
        for step in range(STEPS + 1):
            x = step / STEPS
            bend = x * x * (3 - 2 * x)
            top = start[one] * (1 - bend) + end[other] * bend
            points.append({"x": x, "top": -top, "low": -(top + high), "band": f"{one}>{other}", "state": one})
        start[one] += high
        end[other] += high
    bands = (
        _chart(points)
        .mark_area(opacity=0.55)
        .encode(
            x=alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.42, 1.42])),
            y=alt.Y("top:Q", axis=None, scale=alt.Scale(zero=False)),
            y2="low:Q",
            detail="band:N",
            color=alt.Color(
                "state:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None
            ),
        )
    )
    blocks, labels = [], []
    for side, places in ((0, left), (1, right)):
        for name, (top, high) in places.items():
            if not high:
                continue
            edge = (-0.025, 0) if side == 0 else (1, 1.025)
            blocks.append({"x": edge[0], "x2": edge[1], "top": -top, "low": -(top + high), "state": name})
            count = round(high * whole)
            if high >= THIN:
                labels.append({"x": edge[0] - 0.015 if side == 0 else edge[1] + 0.015, "y": -(top + high / 2),
                               "text": f"{titles[name]} {count:,}", "side": side})  # fmt: skip
    solid = (
        _chart(blocks)
        .mark_rect()
        .encode(x="x:Q", x2="x2:Q", y="top:Q", y2="low:Q", color=alt.Color("state:N", legend=None))
    )
    texts = [
        _chart([one for one in labels if one["side"] == side])
        .mark_text(align=align, fontSize=12, limit=200)
        .encode(x="x:Q", y="y:Q", text="text:N")
        for side, align in ((0, "right"), (1, "left"))
    ]
    heads = [
        _chart([{"x": x, "y": 0.035, "text": words}])
        .mark_text(align=align, fontSize=13, fontWeight="bold")
        .encode(x="x:Q", y="y:Q", text="text:N")
        for x, align, words in ((0, "right", ends[0]), (1, "left", ends[1]))
    ]
    return alt.layer(bands, solid, *texts, *heads).properties(width=WIDTH, height=380)


def _blocks(counts: Mapping[str, int], whole: int) -> dict[str, tuple[float, float]]:
    """State → where its block begins from above and how high it is, as shares of all, with gaps between."""
    found, top = {}, 0.0
    for name, count in counts.items():
        found[name] = (top, count / whole)
        top += count / whole + (GAP if count else 0)
    return found


def _colours(names: Mapping[str, str], grey: Sequence[str]) -> dict[str, str]:
    own = [name for name in names if name not in grey]
    return {name: GREY if name in grey else OWN[own.index(name) % len(OWN)] for name in names}


def matrix(found: Sequence[Flow], titles: Mapping[str, str], ends: tuple[str, str], count: str) -> Any:
    """State before (rows) by state after (columns): the number, the darker the more; those who stayed in grey."""
    rows = [
        {"before": titles[one], "after": titles[other], "n": n, "text": f"{n:,}" if n else "", "stayed": one == other}
        for one, other, n in found
    ]
    order = list(titles.values())
    most = max((n for one, other, n in found if one != other), default=0) or 1
    base = _chart(rows).encode(
        x=alt.X("after:N", sort=order, title=ends[1], axis=alt.Axis(orient="top", labelAngle=-30, labelLimit=150)),
        y=alt.Y("before:N", sort=order, title=ends[0], axis=alt.Axis(labelLimit=190)),
    )
    darker = alt.Scale(range=["#F4F8FB", "#0072B2"], domain=[0, most], type="sqrt")
    moved = base.transform_filter("!datum.stayed").mark_rect(stroke="white")
    moved = moved.encode(color=alt.Color("n:Q", title=count, scale=darker))
    stayed = base.transform_filter("datum.stayed").mark_rect(fill="#E4E4E4", stroke="white")
    light = alt.condition(f"!datum.stayed && datum.n > {most * 0.45}", alt.value("white"), alt.value("#222222"))
    texts = base.mark_text(fontSize=12).encode(text="text:N", color=light)
    height = 44 * len(order)
    return alt.layer(moved, stayed, texts).properties(width=440, height=height)


def pairs(areas: Sequence[tuple[str, float, float]], ends: tuple[str, str], title: str) -> Any:
    """Two bars for each area: before and after."""
    order = [name for name, _, _ in areas]
    rows = [
        {"area": name, "end": end, "value": value}
        for name, *values in areas
        for end, value in zip(ends, values, strict=True)
    ]
    return (
        _chart(rows)
        .mark_bar()
        .encode(
            y=alt.Y("area:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)),
            yOffset=alt.YOffset("end:N", sort=list(ends)),
            x=alt.X("value:Q", title=title, axis=alt.Axis(format=",~r", tickCount=6)),
            color=alt.Color(
                "end:N", sort=list(ends), title=None, scale=alt.Scale(domain=list(ends), range=[BEFORE, AFTER])
            ),
        )
        .properties(width=460, height=max(60, 26 * len(order)))
    )


def comings(areas: Sequence[tuple[str, int, int]], words: tuple[str, str], title: str) -> Any:
    """Entered to the right, left to the left, for each area."""
    order = [name for name, _, _ in areas]
    rows = [
        {"area": name, "what": what, "value": sign * value, "text": f"{value:,}" if value else ""}
        for name, *values in areas
        for what, sign, value in zip(words, (1, -1), values, strict=True)
    ]
    base = _chart(rows).encode(
        y=alt.Y("area:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)),
        x=alt.X("value:Q", title=title, axis=alt.Axis(labelExpr="format(abs(datum.value), ',')", tickMinStep=1)),
    )
    colours = alt.Scale(domain=list(words), range=[ENTERED, LEFT])
    bars = base.mark_bar().encode(color=alt.Color("what:N", title=None, scale=colours))
    numbers = [
        base.transform_filter(condition).mark_text(align=align, dx=shift, fontSize=11).encode(text="text:N")
        for condition, align, shift in (("datum.value > 0", "left", 3), ("datum.value < 0", "right", -3))
    ]
    return alt.layer(bars, *numbers).properties(width=460, height=max(60, 20 * len(order)))


def incomes(
    counts: pl.DataFrame,
    step: float,
    rules: Sequence[tuple[float, str, str]],
    ends: tuple[str, str],
    titles: Sequence[str],
) -> Any:
    """How many households have which income a head, with the lines before and after.

    Args:
        counts: `low` (lower edge of a bin, yuan), `households`.
        step: width of a bin.
        rules: (yuan, name, one of `ends`).
        titles: of both axes: income, households.
    """
    rows = [{"low": low, "high": low + step, "n": n} for low, n in counts.iter_rows()]
    bars = (
        _chart(rows)
        .mark_bar(color="#D7DEE5", stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("low:Q", title=titles[0], bin="binned", axis=alt.Axis(format=",~r", tickCount=6)),
            x2="high:Q",
            y=alt.Y("n:Q", title=titles[1], axis=alt.Axis(format=",~r", tickCount=6)),
        )
    )
    last = {(value, name) for value, name, end in rules if end == ends[1]}
    lines = [
        {"value": value, "end": end, "name": "" if end == ends[0] and (value, name) in last else name}
        for value, name, end in rules
    ]
    drawn = _chart(lines).encode(x="value:Q")
    rule = drawn.mark_rule(strokeWidth=2).encode(
        color=alt.Color(
            "end:N", sort=list(ends), title=None, scale=alt.Scale(domain=list(ends), range=["#777777", AFTER])
        ),
        strokeDash=alt.StrokeDash("end:N", sort=list(ends), legend=None,
                                  scale=alt.Scale(domain=list(ends), range=[[5, 3], [1, 0]])),
    )  # fmt: skip
    names = drawn.mark_text(align="right", angle=270, dx=-4, dy=-4, fontSize=11, limit=200, baseline="bottom").encode(
        y=alt.value(0), text="name:N", color=alt.Color("end:N", legend=None)
    )
    return alt.layer(bars, rule, names).properties(width=WIDTH, height=240)


def shares(parts: Sequence[tuple[str, float]], title: str) -> Any:
    """What each factor does to the budget: one bar each, to the left or right of nothing."""
    rows = [{"name": name, "value": value, "text": f"{value:+,.2f}"} for name, value in parts]
    base = _chart(rows).encode(
        y=alt.Y("name:N", sort=[name for name, _ in parts], title=None),
        x=alt.X("value:Q", title=title, axis=alt.Axis(format=",~r", tickCount=6)),
    )
    bars = base.mark_bar().encode(
        color=alt.condition("datum.value >= 0", alt.value(ENTERED), alt.value(LEFT)),
    )
    texts = [
        base.transform_filter(condition).mark_text(align=align, dx=shift, fontSize=11).encode(text="text:N")
        for condition, align, shift in (("datum.value >= 0", "left", 4), ("datum.value < 0", "right", -4))
    ]
    return alt.layer(bars, *texts).properties(width=400, height=34 * len(parts))
