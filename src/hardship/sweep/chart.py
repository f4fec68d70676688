"""The curve as a picture: households by circle above, the monthly budget below, against what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import charts, messages
from hardship.language.table import Constant, Parameter
from hardship.summary import circle_titles
from hardship.sweep.tally import WHOLE

if TYPE_CHECKING:
    from hardship.inputs import Inputs
    from hardship.sweep.run import Sweep
    from hardship.sweep.settings import Change

WIDTH, HEIGHT = 640, 240
MOST_PANELS, MOST_POINTS = 4, 40
INK = "#333333"


def chart(done: Sweep, inputs: Inputs, lang: str) -> Any:
    """The altair chart of a sweep in one language.

    The axis is the target that takes the most amounts; where others vary too, each of their combinations is a panel of
    its own for at most four of them, else the axis is the number of the setting.
    """
    import altair as alt

    from hardship.explaining.wording import unit_text

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    frame = done.frame.filter((pl.col("level") == WHOLE) & pl.col("rule").is_null() & (pl.col("setting") > 0))
    target = max(done.targets, key=lambda name: frame[name].n_unique(), default="")
    others = [name for name in done.targets if name != target and frame[name].n_unique() > 1]
    panels = None
    if others:
        words = [pl.lit(f"{axis_title(inputs, name, lang)} ") + pl.col(name).fill_null("") for name in others]
        panels = frame.select(pl.concat_str(words, separator=" ")).to_series()
    changes = {k: dict(one.changes).get(target) for k, one in enumerate(done.settings) if k}
    kinds = {(change.kind, change.per) if change else None for change in changes.values()}
    if len(kinds) != 1 or None in kinds or (panels is not None and panels.n_unique() > MOST_PANELS):
        amounts = {number: float(number) for number in changes}
        title, panels = say("sweep.axis_setting"), None
    else:  # only the picture is drawn with floats
        amounts = {number: float(change.amount) for number, change in changes.items() if change}
        title = axis_title(inputs, target, lang, next(change for change in changes.values() if change))
    table = inputs.checked.table.table
    titles = circle_titles(inputs.checked, lang)
    x = alt.X("x:Q", title=title, scale=alt.Scale(zero=False, nice=False))
    rows = frame.with_columns(
        x=pl.col("setting").replace_strict(amounts, return_dtype=pl.Float64),
        panel=panels if panels is not None else pl.lit(""),
    )
    sums = rows.group_by("x", "panel", "circle", maintain_order=True).agg(pl.col("households").sum())
    sums = sums.with_columns(line=pl.col("circle").replace(titles).fill_null(say("sweep.without_circle")))
    order = list(dict.fromkeys(sums["line"].to_list()))
    money = rows.group_by("x", "panel", maintain_order=True).agg(pl.col("budget_month").sum().cast(pl.Float64))

    per_month = say("sweep.budget_axis", currency=unit_text("money", lang, table.currency))

    def panel(name: str) -> Any:
        points = len(amounts) <= MOST_POINTS
        above = (
            alt.Chart(alt.InlineData(values=sums.filter(pl.col("panel") == name).drop("panel").to_dicts()))
            .mark_line(point=points, strokeWidth=2)
            .encode(
                x=x,
                y=alt.Y("households:Q", title=say("sweep.households"), axis=alt.Axis(format=",d", tickMinStep=1)),
                color=alt.Color("line:N", title=say("sweep.circle"), sort=order,
                                scale=alt.Scale(domain=order, range=list(charts.COLOURS))),
                strokeDash=alt.StrokeDash("line:N", title=say("sweep.circle"), sort=order,
                                          scale=alt.Scale(domain=order)),
            )
            .properties(width=WIDTH, height=HEIGHT, title=name)
        )  # fmt: skip
        if money["budget_month"].null_count() == money.height:
            return above
        values = money.filter(pl.col("panel") == name).drop("panel").to_dicts()
        amount = alt.Y("budget_month:Q", title=per_month, scale=alt.Scale(zero=False), axis=alt.Axis(format=",.0f"))
        below = (
            alt.Chart(alt.InlineData(values=values))
            .mark_line(point={"color": INK} if points else False, strokeWidth=2, color=INK)
            .encode(x=x, y=amount)
            .properties(width=WIDTH, height=HEIGHT * 2 // 3)
        )
        return alt.vconcat(above, below)

    head = alt.TitleParams(
        text=say("sweep.chart_title"),
        subtitle=say(
            "sweep.chart_subtitle",
            table=table.title.text(lang),
            version=table.version.isoformat(),
            on=inputs.on.isoformat(),
            households=f"{inputs.register.frames['household'].height:,}",
        ),
    )
    names = list(dict.fromkeys(rows["panel"].to_list()))
    return alt.hconcat(*(panel(name) for name in names)).properties(title=head)


def axis_title(inputs: Inputs, target: str, lang: str, change: Change | None = None) -> str:
    """The target in words; with the unit of a change's amount."""
    from hardship.explaining.wording import unit_text

    named = inputs.checked.names.by_name.get(target)
    made_of = named.definition if named is not None else None
    if not isinstance(made_of, Parameter | Constant):
        return target
    title = made_of.title.text(lang)
    if change is None:
        return title
    unit = made_of.unit if not change.per else f"money/{change.per}"
    words = "%" if change.kind == "percent" else unit_text(unit, lang, inputs.checked.table.table.currency)
    changed = "" if change.kind == "to" else messages.text("sweep.axis_change", lang)
    return title + changed + (f" ({words})" if words else "")
