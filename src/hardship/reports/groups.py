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
from hardship.attributes import value_names
from hardship.rank import AREA_LEVELS
from hardship.reports.lines import circle_lines, near_line, places
from hardship.reports.suppress import SMALL, Counts, Marks, hidden, hidden_column
from hardship.reports.words import area_names, circle_titles

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.inputs import Inputs
    from hardship.language.table import Table
    from hardship.register import Register

MARK = "*"
ALL, UNKNOWN, OTHER, WITH_UNKNOWN = "all", "unknown", "other", "+unknown"
AGES = (18, 45, 60, 70, 80)  # first year of each band but the youngest
ADULT, OLD = 18, 60
MOST_AREAS = 200
DIMENSIONS = ("sex", "age", "disability", "household_type", "residence", "area")
TITLES = {
    "sex": "report.sex_",
    "disability": "report.disability_",
    "household_type": "report.household_type_",
    "residence": "report.residence_",
}
SEXES = ("female", "male")
SEVERE = 2  # grades 1 and 2


def group_report(results: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """The groups of a run, all cells as texts ready to be shown.

    Args:
        results: `household_id`, `outcome`, `circle`, `income_per_head` of every household of `inputs` that was scored.

    Returns:
        `dimension`, `group`, the titles of both in Chinese and English, `households` (scored), `persons`,
        `circle_<id>` (of those judged), `needs_review`, `incomplete`, `rejected`, `near_line` (income per head
        within 5 % of a line) and `near_line_percent` (of the households, one decimal; empty where the table has
        no line for incomes). A count that may not be shown is `*`. The first row holds all households.
    """
    found = _facts(results, inputs)
    parts = states(inputs.checked.table)
    whole = _counted(found.select(pl.lit(ALL).alias("group"), pl.exclude(DIMENSIONS)), parts, inputs)
    rows = _shown(whole, parts).with_columns(dimension=pl.lit(ALL))
    frames = [rows]
    for dimension in DIMENSIONS:
        groups = _counted(found.rename({dimension: "group"}), parts, inputs)
        merged = _merged(groups)
        if merged.height > 1:
            frames.append(_shown(merged, parts).with_columns(dimension=pl.lit(dimension)))
    made = pl.concat(frames)
    names = {code: (name, name) for code, name in area_names(inputs.register).items()}
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
        return messages.text("report.age_below", lang, last=AGES[0])
    if above is None:
        return messages.text("report.age_from", lang, first=first)
    return messages.text("report.age_band", lang, first=first, last=above - 1)


# --- facts of each household ---


def _facts(results: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """One row a household of the register: its groups, size and result; `state` null where it was rejected."""
    register = inputs.register
    household = register.frames["household"]
    place = places(register, inputs.standards)
    lines = circle_lines(inputs.checked, inputs.standards, inputs.on, place)
    scored = results.select("household_id", "outcome", "circle", "income_per_head")
    joined = household.select("household_id").join(scored, on="household_id", how="left", maintain_order="left")
    near = pl.repeat(None, joined.height, dtype=pl.Boolean, eager=True)
    if lines:
        near = near_line(place.with_columns(joined["income_per_head"]), lines).fill_null(False)
    state = pl.col("outcome")
    if has_circle(inputs.checked.table):
        named = pl.concat_str(pl.lit("circle_"), pl.col("circle"))
        state = (
            pl.when(pl.col("outcome").is_in(["needs_review", "incomplete"])).then(pl.col("outcome")).otherwise(named)
        )
    return joined.select(
        *_members(register, inputs).get_columns(),
        place["residence"].fill_null(UNKNOWN).alias("residence"),
        _areas(household["area_code"]),
        state.alias("state"),
        pl.col("outcome").is_not_null().alias("scored"),
        (near.fill_null(False) if lines else pl.repeat(None, joined.height, dtype=pl.Boolean, eager=True)).alias(
            "near"
        ),
    )


def _areas(codes: pl.Series) -> pl.Series:
    """The finest area level with at most `MOST_AREAS` areas."""
    lengths = sorted(AREA_LEVELS.values(), reverse=True)
    cut = next((n for n in lengths if codes.str.slice(0, n).n_unique() <= MOST_AREAS), min(lengths))
    if cut == AREA_LEVELS["village"]:
        cut = AREA_LEVELS["township"]
    return codes.str.slice(0, cut).fill_null(UNKNOWN).replace("", UNKNOWN).alias("area")


def _members(register: Register, inputs: Inputs) -> pl.DataFrame:
    """One row a household: `sex`, `age` of the head, `disability`, `household_type`, `persons`."""
    frame, rows = register.frames["member"], register.frames["household"].height
    today = inputs.on.year * 10_000 + inputs.on.month * 100 + inputs.on.day
    age = ((today - _column(frame, "birth_date", pl.Int32)) // 10_000).cast(pl.Int32)
    head = _column(frame, "relation_to_head", pl.UInt8) == _place(inputs.checked, "relation_to_head", "head")
    grade, kind = _column(frame, "disability_grade", pl.UInt8), _column(frame, "disability_kind", pl.UInt8)
    none = _place(inputs.checked, "disability_kind", "none")
    found = pl.DataFrame({"household": frame["household"], "age": age, "head": head})
    found = found.with_columns(
        sex=_column(frame, "sex", pl.UInt8),
        severe=(grade >= 1) & (grade <= SEVERE),
        disabled=(grade >= 1) | (kind != none),
        clear=(grade == 0) | (kind == none),
    )
    one = pl.col("age").filter(pl.col("head")).first()
    sums = found.group_by("household").agg(
        pl.len().cast(pl.Int64).alias("persons"),
        pl.col("sex").filter(pl.col("head")).first(),
        pl.when(one >= 0).then(one).alias("head_age"),
        pl.col("severe").any(),
        pl.col("disabled").any(),
        pl.col("clear").fill_null(False).all(),
        (pl.col("age") < ADULT).sum().alias("young"),
        (pl.col("age") >= OLD).sum().alias("old"),
        pl.col("age").null_count().alias("ageless"),
    )
    every = pl.DataFrame({"household": np.arange(rows, dtype=np.uint32)})
    joined = every.join(sums, on="household", how="left", maintain_order="left")
    sexes = [_place(inputs.checked, "sex", name) for name in SEXES]
    band = pl.lit(0, pl.Int32)
    for first in AGES:
        band = pl.when(pl.col("head_age") >= first).then(pl.lit(first, pl.Int32)).otherwise(band)
    size, young, old = pl.col("persons"), pl.col("young"), pl.col("old")
    adults = size - young
    kind_of = (
        pl.when((pl.col("ageless") > 0) | size.is_null())
        .then(pl.lit(UNKNOWN))
        .when(adults == 0)
        .then(pl.lit("minors"))
        .when((size == 1) & (old == 1))
        .then(pl.lit("one_old"))
        .when(size == 1)
        .then(pl.lit("one_young"))
        .when(old == size)
        .then(pl.lit("old"))
        .when((young > 0) & (adults == 1))
        .then(pl.lit("lone_parent"))
        .when(young > 0)
        .then(pl.lit("children"))
        .otherwise(pl.lit("adults"))
    )
    disability = (
        pl.when(pl.col("severe").fill_null(False))
        .then(pl.lit("severe"))
        .when(pl.col("disabled").fill_null(False))
        .then(pl.lit("mild"))
        .when(pl.col("clear").fill_null(False))
        .then(pl.lit("none"))
        .otherwise(pl.lit(UNKNOWN))
    )
    return joined.select(
        pl.col("sex").replace_strict(sexes, list(SEXES), default=UNKNOWN, return_dtype=pl.String),
        pl.when(pl.col("head_age").is_null()).then(pl.lit(UNKNOWN)).otherwise(band.cast(pl.String)).alias("age"),
        disability.alias("disability"),
        kind_of.alias("household_type"),
        size.fill_null(0),
    )


def _column(frame: pl.DataFrame, name: str, kind: type[pl.DataType]) -> pl.Series:
    """A column of the register, null where the register has none."""
    return frame[name] if name in frame.columns else pl.repeat(None, frame.height, dtype=kind, eager=True)


def _place(checked: Checked, name: str, value: str) -> int:
    return value_names(checked.names.attributes[name]).index(value)


# --- counts of each group ---


def _counted(found: pl.DataFrame, parts: Sequence[str], inputs: Inputs) -> pl.DataFrame:
    """Counts by `group`; households that could not even be read stand in `unknown` (or in `all`)."""
    scored = pl.col("scored")
    made = found.group_by("group").agg(
        scored.sum().cast(pl.Int64).alias("households"),
        pl.col("persons").filter(scored).sum(),
        *((pl.col("state") == part).sum().cast(pl.Int64).alias(part) for part in parts),
        (~scored).sum().cast(pl.Int64).alias("rejected"),
        pl.when(pl.col("near").null_count() == 0).then(pl.col("near").sum().cast(pl.Int64)).alias("near_line"),
    )
    unread = inputs.register.counts["households"]["in"] - found.height
    if unread:
        group = ALL if made["group"].to_list() == [ALL] else UNKNOWN
        lost = pl.DataFrame({"group": [group], "rejected": [unread]}, schema_overrides={"rejected": pl.Int64})
        near = 0 if made["near_line"].null_count() == 0 else None
        made = pl.concat([made, lost], how="diagonal").with_columns(pl.exclude("group", "near_line").fill_null(0))
        made = made.with_columns(pl.col("near_line").fill_null(near)) if near is not None else made
        made = made.group_by("group").agg(pl.exclude("near_line").sum(), _sum("near_line"))
    return made.sort("group")


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
    shown = pl.when(pl.Series(hide)).then(pl.lit(MARK)).otherwise(values.cast(pl.String))
    return pl.select(shown).to_series()


def _percent(part: int, whole: int) -> str:
    """A share in percent, one decimal, rounded half up."""
    tenths = (2000 * part + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}"
