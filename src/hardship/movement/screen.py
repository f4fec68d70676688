"""A movement on one screen: the settings, who moved where, the budget, the causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import messages
from hardship.movement.states import ABSENT, INCOMPLETE, REJECTED
from hardship.summary import circle_titles, doubtful, grid, short_titles

if TYPE_CHECKING:
    from hardship.movement.rerank import Movement

KINDS = {
    "entered": "rerank.kind_entered",
    "left": "rerank.kind_left",
    "moved": "rerank.kind_moved",
    "raised": "rerank.kind_raised",
    "lowered": "rerank.kind_lowered",
    "same": "rerank.kind_same",
    "unscored": "rerank.kind_unscored",
    "arrived": "rerank.kind_arrived",
    "departed": "rerank.kind_departed",
}
STATES = {
    INCOMPLETE: "rerank.state_incomplete",
    REJECTED: "rerank.state_rejected",
    ABSENT: "rerank.state_absent",
}
FACTORS = {
    "standard": "rerank.factor_standard",
    "table": "rerank.factor_table",
    "data": "rerank.factor_data",
    "joint": "rerank.factor_joint",
    "unattributed": "rerank.factor_unattributed",
}
TRANSITIONS = {
    "recompute": "rerank.screen_transition_recompute",
    "keep_until_review": "rerank.screen_transition_keep_until_review",
    "map": "rerank.screen_transition_map",
    "absent": "rerank.screen_transition_absent",
}


def render(movement: Movement, run: Mapping[str, Any], out: Path, lang: str) -> str:
    """The summary as text in one language.

    Args:
        run: the content of `run.json`.
        out: where the files lie.
    """

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    return "\n".join(_lines(movement, run, out, lang, say)) + "\n"


def titles(movement: Movement, lang: str) -> dict[str, str]:
    """State → title, of the table after where both have it."""
    circles = circle_titles(movement.before.checked, lang) | circle_titles(movement.after.checked, lang)
    return short_titles(circles) | {state: messages.text(code, lang) for state, code in STATES.items()}


def pays(movement: Movement) -> bool:
    """Whether one of the tables has benefits; others have no budget to show."""
    tables = (movement.before.checked.table, movement.after.checked.table)
    return any(table.benefit or table.person for table in tables)


def factors(cause: str, lang: str) -> str:
    """A cause in words."""
    return " + ".join(messages.text(FACTORS[part], lang) for part in cause.split("+"))


def _lines(movement: Movement, run: Mapping[str, Any], out: Path, lang: str, say: Any) -> Iterator[str]:
    yield say("rerank.screen_head", title=movement.after.checked.table.table.title.text(lang))
    for name, code in (("before", "rerank.screen_before"), ("after", "rerank.screen_after")):
        one = run[name]
        said = say(
            code,
            table=one["table"]["id"],
            version=one["table"]["version"],
            on=one["on"],
            standards=one["standards_sha256"][:8],
            register=one["register"]["name"],
        )
        yield said + (say("rerank.screen_forced") if one["forced"] else "")
    sides = ((movement.before, run["before"]), (movement.after, run["after"]))
    yield from dict.fromkeys(line for setting, one in sides for line in doubtful(one["columns"], setting.checked, lang))
    if run["transition"] is not None:
        yield say(TRANSITIONS[run["transition"]["rule"]])
    if not run["factors"]:
        yield say("rerank.screen_no_difference")
    counts = run["counts"]
    yield say("rerank.screen_counts", households=f"{counts['households']:,}", changed=f"{counts['changed']:,}")
    for kind, code in KINDS.items():
        if counts[kind]:
            yield say("rerank.screen_kind", kind=say(code), count=f"{counts[kind]:,}")
    moved = movement.matrix.filter((pl.col("households") > 0) & (pl.col("state_before") != pl.col("state_after")))
    if moved.height:
        words = titles(movement, lang)
        yield ""
        yield say("rerank.screen_matrix")
        yield from grid(
            [
                [f"{words.get(one, one)} → {words.get(other, other)}", f"{households:,}", f"{persons:,}"]
                for one, other, households, persons in moved.select(
                    "state_before", "state_after", "households", "persons"
                ).iter_rows()
            ]
        )
    yield ""
    yield from _sums(movement, say)
    yield from _causes(movement, lang, say)
    if movement.exits.height:
        month, until = movement.exits["amount"].sum(), movement.exits["until"].max()
        yield say("rerank.screen_exits", households=f"{movement.exits.height:,}", month=f"{month:,.2f}", until=until)
    held = dict(movement.frame.filter(pl.col("held") != "").group_by("held").len().iter_rows())
    if held:
        review, transition = held.get("review", 0), held.get("transition", 0)
        shown = {"households": review + transition, "review": review, "transition": transition}
        yield say("rerank.screen_held", **{name: f"{count:,}" for name, count in shown.items()})
    yield say("rerank.screen_out", out=out, sha=movement.sha256[:16])


def _sums(movement: Movement, say: Any) -> Iterator[str]:
    """Households, persons and budget of the whole register."""
    whole = movement.totals.filter((pl.col("level") == "all") & (pl.col("residence") == "")).row(0, named=True)
    counts = {name: f"{whole[name]:,}" for name in whole if name.startswith(("households_", "persons_"))}
    yield say("rerank.screen_persons", **counts)
    if not pays(movement):
        return
    currency = movement.after.checked.table.table.currency
    for name, code in (("month", "rerank.screen_budget"), ("year", "rerank.screen_year")):
        sums = {one: f"{whole[f'{name}_{one}']:,.2f}" for one in ("before", "after")}
        yield say(code, difference=f"{whole[f'{name}_difference']:+,.2f}", currency=currency, **sums)


def _causes(movement: Movement, lang: str, say: Any) -> Iterator[str]:
    shown = movement.causes.filter(pl.col("differs").fill_null(True))
    if shown.height:
        yield say("rerank.screen_causes")
    for factor, households, money in shown.select("factor", "households", "amount_month").iter_rows():
        words = {"factor": factors(factor, lang), "households": f"{households:,}"}
        if money is None or not pays(movement):
            yield say("rerank.screen_cause_only", **words)
        else:
            yield say("rerank.screen_cause", money=f"{money:+,.2f}", **words)
