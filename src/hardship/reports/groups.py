"""The group report of a run: how it treats men and women, old and young, town and country, place and place.

Counts only, without a verdict. Groups of fewer than ten households are put together; cells below ten are hidden
(0 is not), and as many others that none can be worked out (`suppress`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship import messages
from hardship.columns import Array
from hardship.engine.kernels_groups import tally
from hardship.reports.household_facts import AGES, NOWHERE, UNKNOWN, Facts, household_facts
from hardship.reports.suppress import SMALL, Counts, Marks, hidden, hidden_column
from hardship.reports.words import area_names, circle_titles
from hardship.sheet import Sheet, of_series

if TYPE_CHECKING:
    from hardship.inputs import Inputs
    from hardship.language.table import Table

MARK = "*"
NEEDED = ("household_id", "outcome", "circle", "income_per_head")
"""Result columns that the report is made of."""
ALL, OTHER, WITH_UNKNOWN = "all", "other", "+unknown"
TITLES = {
    "sex": "report.sex_",
    "disability": "report.disability_",
    "household_type": "report.household_type_",
    "residence": "report.residence_",
}


def group_report(results: pl.DataFrame | Sheet, inputs: Inputs) -> pl.DataFrame:
    """The groups of a run, all cells as texts ready to be shown.

    Args:
        results: `NEEDED` of every household of `inputs` that was scored.

    Returns:
        `dimension`, `group`, the titles of both in Chinese and English, `households` (scored), `persons`,
        `circle_<id>` (of those judged), `needs_review`, `incomplete`, `rejected`, `near_line` (income per head
        within 5 % of a line) and `near_line_percent` (of the households, one decimal; empty where the table has
        no line for incomes). A count that may not be shown is `*`. The first row holds all households.
    """
    names = area_names(inputs.register, ("township",))
    if isinstance(results, pl.DataFrame):
        few = {name: of_series(results[name]) for name in ("outcome", "circle")}
        results = Sheet(Sheet.of(results.select("household_id", "income_per_head")).columns | few, results.height)
    return shown_groups(group_counts(results, inputs), inputs.checked.table, names)


def group_counts(results: Sheet, inputs: Inputs, *, cut: int = 0) -> dict[str, pl.DataFrame]:
    """The counts that the report is made of: for each dimension a row for each group, also those without anybody.

    Args:
        results, inputs: see `group_report`; of a part of a register too.
        cut: digits of area codes; 0: as many as the report shows.
    """
    parts = states(inputs.checked.table)
    facts = household_facts(results, inputs, _stands(results, parts), cut)
    unread = inputs.register.counts["households"]["in"] - len(facts.state)
    everybody = np.zeros(len(facts.state), dtype=np.int32)
    return {ALL: _counted([ALL], everybody, facts, parts, unread)} | {
        dimension: _counted(groups, group, facts, parts, unread) for dimension, (groups, group) in facts.groups.items()
    }


def added_counts(several: Sequence[Mapping[str, pl.DataFrame]], cut: int) -> dict[str, pl.DataFrame]:
    """The counts of all parts of a register together.

    Args:
        several: `group_counts` of each part, all of area codes cut to `cut` digits or more.
    """
    found = {}
    for dimension in several[0]:
        counts = pl.concat([one[dimension] for one in several])
        if dimension == "area":
            known = pl.col("group") != UNKNOWN
            counts = counts.with_columns(pl.when(known).then(pl.col("group").str.slice(0, cut)).otherwise("group"))
            counts = counts.sort(~known, "group")
        sums = pl.exclude("group", "near_line").sum()
        found[dimension] = counts.group_by("group", maintain_order=True).agg(sums, _sum("near_line"))
    return found


def shown_groups(counts: Mapping[str, pl.DataFrame], table: Table, townships: Mapping[str, str]) -> pl.DataFrame:
    """The report that the counts make; `townships`: names of some areas by code."""
    parts = states(table)
    frames = []
    for dimension, everyone in counts.items():
        present = everyone.filter((pl.col("households") > 0) | (pl.col("rejected") > 0))
        if dimension == ALL:
            frames.append(_shown(everyone, parts).with_columns(dimension=pl.lit(ALL)))
        elif (merged := _merged(present)).height > 1:
            frames.append(_shown(merged, parts).with_columns(dimension=pl.lit(dimension)))
    made = pl.concat(frames)
    names = {code: (name, name) for code, name in townships.items()}
    return made.select(
        "dimension",
        "group",
        *(
            pl.Series([messages.text(f"report.by_{d}", lang) for d in made["dimension"]], dtype=pl.String).alias(
                f"dimension_{lang}"
            )
            for lang in messages.LANGUAGES
        ),
        *(
            pl.Series(
                [_title(d, g, lang, names) for d, g in made.select("dimension", "group").iter_rows()], dtype=pl.String
            ).alias(f"group_{lang}")
            for lang in messages.LANGUAGES
        ),
        pl.exclude("dimension", "group"),
    )


def has_circle(table: Table) -> bool:
    """Whether a table puts each household it judges into one circle."""
    return any(ladder.id == "circle" and ladder.pick == "first" for ladder in table.ladder)


def states(table: Table) -> list[str]:
    """The columns of the report that every scored household stands in one of."""
    if has_circle(table):
        return [*(f"circle_{name}" for name in circle_titles(table)), "needs_review", "incomplete"]
    return ["meets", "needs_review", "does_not_meet", "incomplete"]


def _stands(results: Sheet, parts: Sequence[str]) -> Array:
    """The number of each row's state among `parts` (int8); an outcome of its own goes before the circle."""
    found = np.full(results.height, NOWHERE, dtype=np.int8)
    for column, prefix in (("circle", "circle_"), ("outcome", "")):
        texts, places, known = results.columns[column].coded()
        number = [parts.index(prefix + text) if prefix + text in parts else NOWHERE for text in texts]
        own = np.array([*number, NOWHERE], dtype=np.int8)[
            places if known is None else np.where(known, places, len(texts))
        ]
        found = np.where(own == NOWHERE, found, own)
    return found


def _title(dimension: str, group: str, lang: str, areas: Mapping[str, tuple[str, str]]) -> str:
    if group.endswith(WITH_UNKNOWN):
        title = _title(dimension, group.removesuffix(WITH_UNKNOWN), lang, areas)
        return messages.text("report.group_with_unknown", lang, title=title)
    if group in (ALL, UNKNOWN, OTHER):
        return messages.text(f"report.group_{group}", lang)
    if dimension == "area":
        return " ".join([group, *areas.get(group, ())[:1]])
    if dimension == "age":
        return _age_title(int(group), lang)
    return messages.text(TITLES[dimension] + group, lang)


def _age_title(first: int, lang: str) -> str:
    above = next((age for age in AGES if age > first), None)
    if first == 0:
        return messages.text("report.age_below", lang, last=above)
    if above is None:
        return messages.text("report.age_from", lang, first=first)
    return messages.text("report.age_band", lang, first=first, last=above - 1)


# --- counts of each group ---


def _counted(names: Sequence[str], group: Array, facts: Facts, parts: Sequence[str], unread: int) -> pl.DataFrame:
    """Counts by `group`.

    Args:
        names: of the groups, `unknown` last.
        group: the group of each household.
        unread: households that could not even be read: rejected, of an unknown group.
    """
    size = len(names)
    cells, persons, close = (
        np.zeros((size, len(parts) + 1), np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
    )
    near = np.zeros(len(group), dtype=np.bool_) if facts.near is None else facts.near
    tally(group, facts.state, facts.persons, near, cells, persons, close)
    rejected, cells = cells[:, -1].copy(), cells[:, :-1]
    rejected[-1] += unread
    return pl.DataFrame(
        {
            "group": pl.Series(list(names), dtype=pl.String),
            "households": cells.sum(axis=1),
            "persons": persons,
            **{part: cells[:, place] for place, part in enumerate(parts)},
            "rejected": rejected,
            "near_line": pl.repeat(None, size, dtype=pl.Int64, eager=True) if facts.near is None else close,
        }
    )


def _sum(name: str) -> pl.Expr:
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)


def _merged(groups: pl.DataFrame) -> pl.DataFrame:
    """Groups of fewer than `SMALL` households put together, with the next smallest until they are enough.

    If only those are too few of whom nothing is known, they go with the largest group, where they weigh least.
    """
    ordered = groups.sort("households", "group")
    sizes = ordered["households"].to_list()
    taken = sum(size < SMALL for size in sizes)
    if taken == 0:
        return groups
    if taken == 1 and ordered["group"][0] == UNKNOWN and groups.height > 1:
        largest = ordered["group"][-1]
        both = pl.col("group").replace({UNKNOWN: largest + WITH_UNKNOWN, largest: largest + WITH_UNKNOWN})
        return (
            groups.with_columns(both)
            .group_by("group")
            .agg(pl.exclude("near_line").sum(), _sum("near_line"))
            .sort("group")
        )
    while taken < len(sizes) and (taken < 2 or sum(sizes[:taken]) < SMALL):
        taken += 1
    rest = ordered.head(taken).select(
        pl.lit(OTHER).alias("group"), pl.exclude("group", "near_line").sum(), _sum("near_line")
    )
    return pl.concat([ordered.slice(taken).sort("group"), rest.select(groups.columns)])


def _shown(groups: pl.DataFrame, parts: Sequence[str]) -> pl.DataFrame:
    """The counts as texts, hidden where they must be."""
    cells = _array(groups, parts)
    marks = hidden(cells) if cells.sum() >= SMALL else np.ones(cells.shape, dtype=np.bool_)
    few: Marks = np.less(groups["households"].to_numpy(), SMALL)
    columns = {"group": groups["group"]}
    for name in ("households", "persons"):
        columns[name] = _texts(groups[name], few)
    for place, part in enumerate(parts):
        columns[part] = _texts(groups[part], marks[:, place])
    columns["rejected"] = _texts(groups["rejected"], hidden_column(groups["rejected"].to_numpy()))
    near = groups["near_line"]
    if near.null_count():
        empty = pl.Series([""] * groups.height, dtype=pl.String)
        return pl.DataFrame(columns | {"near_line": empty, "near_line_percent": empty})
    pair = np.stack([near.to_numpy(), (groups["households"] - near).to_numpy()], axis=1)
    away = hidden(pair)[:, 0]  # both cells of a row are hidden, or none
    share = [_percent(part, whole) for part, whole in zip(near, groups["households"], strict=True)]
    columns["near_line"] = _texts(near, away)
    columns["near_line_percent"] = _texts(pl.Series(share, dtype=pl.String), away)
    return pl.DataFrame(columns)


def _array(groups: pl.DataFrame, parts: Sequence[str]) -> Counts:
    return groups.select(parts).to_numpy().astype(np.int64)


def _texts(values: pl.Series, hide: Marks) -> pl.Series:
    shown = [MARK if away else str(value) for value, away in zip(values, hide.tolist(), strict=True)]
    return pl.Series(shown, dtype=pl.String)


def _percent(part: int, whole: int) -> str:
    """A share in percent, one decimal, rounded half up."""
    tenths = (2000 * part + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}"
