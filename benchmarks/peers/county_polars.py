"""`county_model` in polars expressions: one lazy query over the four frames of a register, in memory or in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl
import polars.selectors as cs

from benchmarks.peers import county as rules
from benchmarks.peers.county import UNITS_A_FEN, LocalNumbers, table_file

Way = Literal["streaming", "in-memory"]
I64 = pl.Int64
c = pl.col


def _int(name: str) -> pl.Expr:
    return c(name).cast(I64)


def _is(attribute: str, value: str) -> pl.Expr:
    return c(attribute) == value


def _bands(value: pl.Expr, edge: pl.Expr, bands: Sequence[tuple[int, int, int]], last: int) -> pl.Expr:
    """Points of the first band with value · q < edge · p, for (p, q, points) in `bands`."""
    chain = None
    for p, q, points in bands:
        hit = value * q < edge * p
        chain = pl.when(hit).then(points) if chain is None else chain.when(hit).then(points)
    assert chain is not None
    return chain.otherwise(last)


def _capped(name: str, points: int, cap: int) -> pl.Expr:
    return (c(name).cast(I64) * points).clip(upper_bound=cap)


def read(folder: Path) -> dict[str, pl.LazyFrame]:
    """A register's Parquet files; exact decimals become whole hundredths, the rest is taken as it is."""
    frames = {}
    for level in ("household", "member", "supporter", "transfer"):
        frame = pl.scan_parquet(table_file(folder, level))
        frames[level] = frame.with_columns((cs.decimal() * 100).cast(I64))
    return frames


def query(
    frames: Mapping[str, pl.DataFrame | pl.LazyFrame],
    local: LocalNumbers,
    *,
    household: str = "household",
    member: Sequence[str] = ("member",),
    keep: Sequence[str] = (),
) -> pl.LazyFrame:
    """The query; `collect()` gives one row a household in register order.

    Args:
        frames: by level; enums as names, truths, dates, amounts in whole hundredths.
        household, member: the columns that tell households and members from each other.
        keep: columns of the household that go into the result, before `rules.RESULT_COLUMNS`.
    """
    transfers = (
        frames["transfer"]
        .lazy()
        .with_columns(
            units=_int("amount") * pl.when(_is("period", "month")).then(12).otherwise(1) * UNITS_A_FEN,
        )
        .group_by(member)
        .agg(
            transfers=c("units").filter(~c("kind").is_in(rules.EXEMPT)).sum(),
            pension=c("kind").is_in(rules.PENSIONS).any(),
        )
    )
    rate = c("supporter_occupation").replace_strict(rules.SUPPORT_PERCENT, return_dtype=I64)
    rate = rate + pl.when("supporter_luxury_assets").then(rules.RAISE).otherwise(0)
    exempt = c("supporter_exempt_reason").is_in(rules.NO_SUPPORT)
    supporters = (
        frames["supporter"]
        .lazy()
        .group_by(member)
        .agg(
            support=pl.when(exempt)
            .then(0)
            .otherwise(_int("supporter_income_year") * rate.clip(rules.LOWEST, rules.HIGHEST))
            .sum(),
            able_supporter=(_is("supporter_exempt_reason", "none") & (c("supporter_income_year") > 0)).any(),
        )
    )

    def turned(years: int) -> pl.Expr:
        return c("birth_date") <= rules.born_by(local.on, years)

    minor = ~turned(16)
    band = sum((turned(edge).cast(I64) for edge in rules.AGE_EDGES), pl.lit(0, I64))
    cells = {h * 5 + b: tenths for h, row in enumerate(rules.LABOUR_TENTHS) for b, tenths in enumerate(row)}
    grade = c("disability_grade")
    mental = c("disability_kind").is_in(rules.MENTAL)
    severe = grade.is_between(1, 2) | ((grade == 3) & mental) | (c("severe_illness_code") != "none")
    student = ~_is("student_level", "none")
    labour = (
        pl.when(minor | student | severe)
        .then(0)
        .otherwise((c("health_class").to_physical().cast(I64) * 5 + band).replace_strict(cells, return_dtype=I64))
    )
    work = (
        pl.when(minor)
        .then(0)
        .when(_is("work_kind", "no_fixed_workplace"))
        .then(c("labour") * (local.minimum_wage_month * 8 * 10))
        .otherwise(_int("wage_month") * (12 * UNITS_A_FEN))
    )
    land = (
        pl.when(_is("work_kind", "farming") & (c("contracted_land")))
        .then(c("labour") * (local.farm_income_year * 6))
        .otherwise(0)
    )
    members = (
        frames["member"]
        .lazy()
        .filter(_is("member_counted", "counted"))
        .join(transfers, on=member, how="left")
        .join(supporters, on=member, how="left")
        .with_columns(
            transfers=c("transfers").fill_null(0),
            support=c("support").fill_null(0),
            pension=c("pension").fill_null(False),
            able_supporter=c("able_supporter").fill_null(False),
        )
        .with_columns(labour=labour)
        .group_by(household)
        .agg(
            persons=pl.len().cast(I64),
            gross=(
                work
                + land
                + (_int("business_income_year") + _int("property_income_year")) * UNITS_A_FEN
                + c("transfers")
                + c("support")
            ).sum(),
            transfers=c("transfers").sum(),
            labour=c("labour").sum(),
            students=student.sum(),
            able=_is("labour_ability", "able").sum().cast(I64),
            old=(turned(60) & ~turned(80)).sum(),
            high=turned(80).sum(),
            minors=minor.sum(),
            orphans=(minor & (c("orphan") | c("child_without_care"))).sum(),
            grade_1=(grade == 1).sum(),
            grade_2=(grade == 2).sum(),
            grade_3=((grade == 3) & mental).sum(),
            other=((grade >= 3) & ~((grade == 3) & mental)).sum(),
            ill=(c("severe_illness_code") != "none").sum(),
            chronic=c("chronic_illness").sum(),
            no_care=(c("self_care_missed") >= 4).sum(),
            further=c("student_level").is_in(rules.FURTHER).sum(),
            child=(minor & _is("relation_to_head", "child")).any(),
            lone=(_is("relation_to_head", "head") & ~_is("marital_status", "married")).any(),
            spouse=_is("relation_to_head", "spouse").any(),
            employed=_is("work_kind", "employed").any(),
            no_pension=(turned(60) & ~c("pension")).any(),
            able_supporter=c("able_supporter").any(),
            refusing=(c("refuses_work") & (c("refused_jobs") >= 3) & _is("labour_ability", "able")).any(),
        )
    )
    counts = [
        "persons", "gross", "transfers", "labour", "students", "able", "old", "high", "minors", "orphans", "grade_1",
        "grade_2", "grade_3", "other", "ill", "chronic", "no_care", "further",
    ]  # fmt: skip
    flags = ["child", "lone", "spouse", "employed", "no_pension", "able_supporter", "refusing"]
    urban = _is("residence_type", "urban")
    u = rules.code("residence_type", "urban")
    households = (
        frames["household"]
        .lazy()
        .join(members, on=household, how="left", maintain_order="left")
        .with_columns(
            *(c(name).fill_null(0).cast(I64) for name in counts),
            *(c(name).fill_null(False) for name in flags),
        )
        .with_columns(
            nobody=c("persons") < 1,
            persons=c("persons").clip(lower_bound=1),
            standard=pl.when(urban).then(local.dibao_year[u]).otherwise(local.dibao_year[1 - u]) * UNITS_A_FEN,
            line=pl.when(urban).then(local.low_income_year[u]).otherwise(local.low_income_year[1 - u]) * UNITS_A_FEN,
            medical=_int("rigid_medical_year") * UNITS_A_FEN,
            education=_int("rigid_education_year") * UNITS_A_FEN,
        )
        .with_columns(
            income=(
                c("gross")
                - pl.min_horizontal(c("medical") // 5 * 4, pl.lit(2_000_000 * UNITS_A_FEN))
                - pl.min_horizontal("education", c("students") * (500_000 * UNITS_A_FEN))
                - pl.min_horizontal(
                    _int("rigid_pension_premium_year") * UNITS_A_FEN, c("persons") * (300_000 * UNITS_A_FEN)
                )
            ).clip(lower_bound=0)
        )
    )
    p, income, able = c("persons"), c("income"), c("able")
    area, area_scale = _int("dwelling_area_m2"), rules.stored_scale("dwelling_area_m2")
    mean = p * (local.mean_floor_area_hundredths * area_scale)
    disability = (c("grade_1") * 5 + c("grade_2") * 4 + c("grade_3") * 3 + _capped("other", 1, 2)).clip(upper_bound=8)
    burden = pl.when(able == 0).then(3).otherwise(_bands(p - able, able, rules.BURDEN_BANDS, 3))
    status = (
        _capped("old", 1, 2)
        + _capped("high", 2, 4)
        + _capped("minors", 1, 3)
        + (c("child") & c("lone") & ~c("spouse")).cast(I64) * 3
        + _capped("orphans", 4, 4)
        + disability
        + _capped("ill", 5, 8)
        + _capped("chronic", 1, 2)
        + _capped("no_care", 4, 4)
        + (able == 0).cast(I64) * 4
        + burden
        + _capped("further", 1, 2)
    ).clip(upper_bound=45)
    poor = income == 0
    land_area = _int("land_area_own") + _int("land_area_sublet") + _int("land_area_contracted")
    labour_bands = _bands(c("labour"), p, rules.LABOUR_BANDS, 0)
    medical_bands = _bands(c("medical"), income, rules.MEDICAL_BANDS, 6)
    education_bands = _bands(c("education"), income, rules.EDUCATION_BANDS, 3)
    before = _int("income_year_before") * UNITS_A_FEN
    earnings = (
        _bands(income, p * c("standard"), rules.INCOME_BANDS, 0)
        + (~c("employed")).cast(I64) * 3
        + pl.when(poor).then(2).otherwise(_bands(c("transfers"), income, rules.TRANSFER_BANDS, 2))
        + pl.when(c("labour") <= 0).then(4).otherwise(labour_bands)
        + (land_area == 0).cast(I64)
        + c("no_pension").cast(I64)
        + (~c("able_supporter")).cast(I64) * 2
        + pl.when(poor).then(6).otherwise(medical_bands)
        + pl.when(c("education") == 0).then(0).when(poor).then(3).otherwise(education_bands)
        + ((before > 0) & (income * 2 <= before)).cast(I64) * 2
    ).clip(upper_bound=40)
    assets, wealth = _int("financial_assets") * (12 * UNITS_A_FEN), p * c("standard")
    debt = _int("debt_medical_education") * UNITS_A_FEN
    durables = _int("durable_goods_count")
    property_ = (
        _bands(assets, wealth, rules.ASSET_BANDS, 0)
        + pl.when(c("dwelling_safety_grade").is_in(("D", "none")))
        .then(4)
        .when(_is("dwelling_safety_grade", "C"))
        .then(3)
        .otherwise(0)
        + (area * 100 < mean).cast(I64)
        - (c("farm_machines_large") > 0).cast(I64) * 2
        + pl.when(durables <= 2).then(2).when(durables <= 5).then(1).otherwise(0)
        + pl.when(debt == 0).then(0).when(poor).then(3).otherwise(_bands(debt, income, rules.DEBT_BANDS, 3))
        - (c("livestock_value") > 2_000_000).cast(I64)
    ).clip(upper_bound=15)
    built_lately = c("new_house_date") > rules.born_by(local.on, 2)
    share = 20 * rules.stored_scale("business_share_percent")
    needed = c("new_house_reason").is_in(rules.NEEDED_BUILDING)
    clauses = [
        ~c("authorisation_given"),
        c("false_statement") | c("hidden_assets"),
        c("motor_vehicles") > 0,
        (c("dwelling_units") > 1) & (area * 100 > mean),
        c("non_residential_property") & ~c("non_residential_is_home"),
        (c("business_registered_capital") >= 20_000_000) | (c("business_share_percent") >= share),
        assets >= wealth * 24,
        (c("farm_machines_large") > 1) | (c("boats") > 0) | (c("works_machines") > 0),
        c("new_house") & ~needed & built_lately,
        c("study_abroad_self_paid"),
        c("refusing"),
        c("unlawful_conduct"),
        c("gave_up_support") | c("moved_property_away"),
        c("high_consumption_flag") | c("cannot_be_found"),
    ]
    vetoes = sum((clause.cast(I64) * (1 << bit) for bit, clause in enumerate(clauses)), pl.lit(0, I64))
    stopped = (c("vetoes") > 0) | c("nobody")
    line, total = p * c("line"), income
    circle = (
        pl.when(stopped)
        .then(4)
        .when(total < wealth)
        .then(0)
        .when(total <= line)
        .then(1)
        .when(total * 2 < line * 3)
        .then(2)
        .when(total < line * 2)
        .then(3)
        .otherwise(4)
    )
    shortfall = (wealth - income).clip(lower_bound=0)
    return (
        households.with_columns(
            points_status=status, points_earnings=earnings, points_property=property_, vetoes=vetoes
        )
        .with_columns(circle=circle)
        .select(
            *keep,
            outcome=pl.when(c("vetoes") & rules.REFUSING != 0)
            .then(1)
            .when(stopped)
            .then(2)
            .when(c("circle") <= 1)
            .then(0)
            .otherwise(1)
            .cast(pl.UInt8),
            circle=c("circle").cast(pl.UInt8),
            index=(c("points_status") + c("points_earnings") + c("points_property")).clip(lower_bound=0),
            points_status="points_status",
            points_earnings="points_earnings",
            points_property="points_property",
            income_per_head=(income * 2 + p * (12 * UNITS_A_FEN)) // (p * (24 * UNITS_A_FEN)),
            income_per_head_year=(income * 2 + p * UNITS_A_FEN) // (p * (2 * UNITS_A_FEN)),
            benefit_month=pl.when(stopped).then(0).otherwise((shortfall * 2 + 12 * UNITS_A_FEN) // (24 * UNITS_A_FEN)),
            vetoes="vetoes",
        )
    )


def score(frames: Mapping[str, pl.DataFrame], local: LocalNumbers, engine: Way = "streaming") -> pl.DataFrame:
    """Run the query on the `streaming` or `in-memory` engine."""
    return query(frames, local).collect(engine=engine)
