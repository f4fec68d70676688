"""A sweep on one screen: what each setting costs and whom it reaches."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import messages
from hardship.summary import circle_titles, doubtful, grid, short_titles
from hardship.sweep.tally import WHOLE

if TYPE_CHECKING:
    from hardship.inputs import Inputs
    from hardship.sweep.run import Sweep

SHOWN = 24
CIRCLES = 4


def render(done: Sweep, inputs: Inputs, lang: str) -> str:
    """The table as text; of many settings an even choice with the first and the last."""

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    whole = done.frame.filter(pl.col("level") == WHOLE)
    titles = circle_titles(inputs.checked, lang)
    circles = [name for name in titles if name in set(whole["circle"].drop_nulls())][:CIRCLES]
    short = short_titles(titles)
    count = len(done.settings)
    step = max(1, -(-(count - 1) // (SHOWN - 1)))
    shown = sorted({0, *range(1, count, step), count - 1})
    head = [say("sweep.setting"), *(short[name] for name in circles), say("sweep.meeting"), say("sweep.persons"),
            say("sweep.budget"), say("sweep.difference")]  # fmt: skip
    rows = [head]
    base: Decimal | None = None
    for number in shown:
        part = whole.filter(pl.col("setting") == number)
        meets = part.filter(pl.col("outcome") == "meets")
        households = meets.filter(pl.col("rule").is_null())["households"].sum()
        paid = part["budget_month"].drop_nulls()
        month = sum(paid.to_list(), Decimal(0)) if len(paid) else None
        base = month if number == 0 else base
        of_circle = {
            name: part.filter((pl.col("circle") == name) & pl.col("rule").is_null())["households"].sum()
            for name in circles
        }
        rows.append(
            [
                done.settings[number].text or say("sweep.as_it_is"),
                *(f"{of_circle[name]:,}" for name in circles),
                f"{households:,}",
                f"{meets['persons'].sum():,}",
                "-" if month is None else f"{month:,.2f}",
                "-" if month is None or base is None else f"{month - base:+,.2f}",
            ]
        )
    lines = [
        say("sweep.head", title=inputs.checked.table.table.title.text(lang), on=inputs.on.isoformat(),
            households=f"{inputs.register.frames['household'].height:,}", settings=f"{count - 1:,}"),
        *doubtful(done.run["columns"], inputs.checked, lang),
        "",
        *grid(rows),
    ]  # fmt: skip
    if len(shown) < count:
        lines += ["", say("sweep.not_all", shown=len(shown), count=count)]
    return "\n".join(lines) + "\n"
