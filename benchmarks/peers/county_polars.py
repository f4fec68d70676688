"""`county_model` in polars expressions: one lazy query over the four frames of a register."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from .county import (
    AGE_EDGES,
    EXEMPT,
    FURTHER,
    HIGHEST,
    LABOUR_TENTHS,
    LOWEST,
    MENTAL,
    NEEDED_BUILDING,
    NO_SUPPORT,
    PENSIONS,
    RAISE,
    REFUSING,
    SUPPORT_PERCENT,
    UNITS_A_FEN,
    LocalNumbers,
    code,
    codes,
    day_number,
    stored_scale,
)

I64 = pl.Int64
c = pl.col


def _int(name: str) -> pl.Expr:
    return c(name).cast(I64)


def _is(attribute: str, value: str) -> pl.Expr:
    return c(attribute) == code(attribute, value)


def _bands(value: pl.Expr, edge: pl.Expr, bands: list[tuple[int, int, int]], last: int) -> pl.Expr:
    """Points of the first band with value · q < edge · p, for (p, q, points) in `bands`."""
    chain = None
    for p, q, points in bands:
        hit = value * q < edge * p
        chain = pl.when(hit).then(points) if chain is None else chain.when(hit).then(points)
    assert chain is not None
    return chain.otherwise(last)


def _capped(name: str, points: int, cap: int) -> pl.Expr:
    return (c(name).cast(I64) * points).clip(upper_bound=cap)


def query(frames: Mapping[str, pl.DataFrame], local: LocalNumbers) -> pl.LazyFrame:
    """The query; `collect()` gives one row a household in register order with `RESULT_COLUMNS`."""
    today = day_number(local.on)
    transfers = (
        frames["transfer"]
        .lazy()
        .with_columns(
            units=_int("amount") * pl.when(_is("period", "month")).then(12).otherwise(1) * UNITS_A_FEN,
        )
        .group_by("member")
        .agg(
            transfers=c("units").filter(~c("kind").is_in(codes("kind", EXEMPT))).sum(),
            pension=c("kind").is_in(codes("kind", PENSIONS)).any(),
        )
    )
    rate = c("supporter_occupation").replace_strict(
        {code("supporter_occupation", k): v for k, v in SUPPORT_PERCENT.items()}, return_dtype=I64
    )
    rate = rate + pl.when(c("supporter_luxury_assets") == 1).then(RAISE).otherwise(0)
    exempt = c("supporter_exempt_reason").is_in(codes("supporter_exempt_reason", NO_SUPPORT))
    supporters = (
        frames["supporter"]
        .lazy()
        .group_by("member")
        .agg(
            support=pl.when(exempt).then(0).otherwise(_int("supporter_income_year") * rate.clip(LOWEST, HIGHEST)).sum(),
            able_supporter=(_is("supporter_exempt_reason", "none") & (c("supporter_income_year") > 0)).any(),
        )
    )
    years = (today - _int("birth_date")) // 10_000
    band = sum(((c("years") >= edge).cast(I64) for edge in AGE_EDGES), pl.lit(0, I64))
    cells = {h * 5 + b: tenths for h, row in enumerate(LABOUR_TENTHS) for b, tenths in enumerate(row)}
    grade = c("disability_grade")
    mental = c("disability_kind").is_in(codes("disability_kind", MENTAL))
    severe = grade.is_between(1, 2) | ((grade == 3) & mental) | (c("severe_illness_code") != "none")
    student = ~_is("student_level", "none")
    labour = (
        pl.when((c("years") < 16) | student | severe)
        .then(0)
        .otherwise((c("health_class").cast(I64) * 5 + band).replace_strict(cells, return_dtype=I64))
    )
    work = (
        pl.when(c("years") < 16)
        .then(0)
        .when(_is("work_kind", "no_fixed_workplace"))
        .then(c("labour") * (local.minimum_wage_month * 8 * 10))
        .otherwise(_int("wage_month") * (12 * UNITS_A_FEN))
    )
    land = (
        pl.when(_is("work_kind", "farming") & (c("contracted_land") == 1))
        .then(c("labour") * (local.farm_income_year * 6))
        .otherwise(0)
    )
    minor = c("years") < 16
    members = (
        frames["member"]
        .lazy()
        .with_row_index("member")
        .filter(_is("member_counted", "counted"))
        .join(transfers, on="member", how="left")
        .join(supporters, on="member", how="left")
        .with_columns(
            years=years,
            transfers=c("transfers").fill_null(0),
            support=c("support").fill_null(0),
            pension=c("pension").fill_null(False),
            able_supporter=c("able_supporter").fill_null(False),
        )
        .with_columns(labour=labour)
        .group_by("household")
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
            old=c("years").is_between(60, 79).sum(),
            high=(c("years") >= 80).sum(),
            minors=minor.sum(),
            orphans=(minor & ((c("orphan") == 1) | (c("child_without_care") == 1))).sum(),
            grade_1=(grade == 1).sum(),
            grade_2=(grade == 2).sum(),
            grade_3=((grade == 3) & mental).sum(),
            other=((grade >= 3) & ~((grade == 3) & mental)).sum(),
            ill=(c("severe_illness_code") != "none").sum(),
            chronic=(c("chronic_illness") == 1).sum(),
            no_care=(c("self_care_missed") >= 4).sum(),
            further=c("student_level").is_in(codes("student_level", FURTHER)).sum(),
            child=(minor & _is("relation_to_head", "child")).any(),
            lone=(_is("relation_to_head", "head") & ~_is("marital_status", "married")).any(),
            spouse=_is("relation_to_head", "spouse").any(),
            employed=_is("work_kind", "employed").any(),
            no_pension=((c("years") >= 60) & ~c("pension")).any(),
            able_supporter=c("able_supporter").any(),
            refusing=((c("refuses_work") == 1) & (c("refused_jobs") >= 3) & _is("labour_ability", "able")).any(),
        )
    )
    counts = [
        "persons", "gross", "transfers", "labour", "students", "able", "old", "high", "minors", "orphans", "grade_1",
        "grade_2", "grade_3", "other", "ill", "chronic", "no_care", "further",
    ]  # fmt: skip
    flags = ["child", "lone", "spouse", "employed", "no_pension", "able_supporter", "refusing"]
    urban = _is("residence_type", "urban")
    u = code("residence_type", "urban")
    households = (
        frames["household"]
        .lazy()
        .with_row_index("household")
        .join(members, on="household", how="left", maintain_order="left")
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
    area, area_scale = _int("dwelling_area_m2"), stored_scale("dwelling_area_m2")
    mean = p * (local.mean_floor_area_hundredths * area_scale)
    disability = (c("grade_1") * 5 + c("grade_2") * 4 + c("grade_3") * 3 + _capped("other", 1, 2)).clip(upper_bound=8)
    burden = pl.when(able == 0).then(3).otherwise(_bands(p - able, able, [(1, 1, 0), (2, 1, 1), (3, 1, 2)], 3))
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
    labour_bands = _bands(c("labour"), p, [(10, 4, 3), (10, 2, 2), (10, 1, 1)], 0)
    medical_bands = _bands(c("medical"), income, [(1, 5, 0), (2, 5, 1), (3, 5, 3), (1, 1, 4)], 6)
    education_bands = _bands(c("education"), income, [(1, 5, 0), (2, 5, 1)], 3)
    before = _int("income_year_before") * UNITS_A_FEN
    earnings = (
        _bands(income, p * c("standard"), [(1, 5, 25), (2, 5, 20), (3, 5, 15), (4, 5, 10), (1, 1, 5)], 0)
        + (~c("employed")).cast(I64) * 3
        + pl.when(poor).then(2).otherwise(_bands(c("transfers"), income, [(1, 2, 0), (4, 5, 1)], 2))
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
        _bands(assets, wealth, [(1, 1, 3), (6, 1, 2), (12, 1, 1)], 0)
        + pl.when(c("dwelling_safety_grade").is_in(codes("dwelling_safety_grade", ("D", "none"))))
        .then(4)
        .when(_is("dwelling_safety_grade", "C"))
        .then(3)
        .otherwise(0)
        + (area * 100 < mean).cast(I64)
        - (c("farm_machines_large") > 0).cast(I64) * 2
        + pl.when(durables <= 2).then(2).when(durables <= 5).then(1).otherwise(0)
        + pl.when(debt == 0).then(0).when(poor).then(3).otherwise(_bands(debt, income, [(1, 2, 0), (1, 1, 1)], 3))
        - (c("livestock_value") > 2_000_000).cast(I64)
    ).clip(upper_bound=15)
    built = _int("new_house_date")
    months = (
        (today // 10_000 - built // 10_000) * 12
        + (today // 100 % 100 - built // 100 % 100)
        - (built % 100 > today % 100).cast(I64)
    )
    share = 20 * stored_scale("business_share_percent")
    needed = c("new_house_reason").is_in(codes("new_house_reason", NEEDED_BUILDING))
    clauses = [
        c("authorisation_given") == 0,
        (c("false_statement") == 1) | (c("hidden_assets") == 1),
        c("motor_vehicles") > 0,
        (c("dwelling_units") > 1) & (area * 100 > mean),
        (c("non_residential_property") == 1) & (c("non_residential_is_home") == 0),
        (c("business_registered_capital") >= 20_000_000) | (c("business_share_percent") >= share),
        assets >= wealth * 24,
        (c("farm_machines_large") > 1) | (c("boats") > 0) | (c("works_machines") > 0),
        (c("new_house") == 1) & ~needed & (months < 24),
        c("study_abroad_self_paid") == 1,
        c("refusing"),
        c("unlawful_conduct") == 1,
        (c("gave_up_support") == 1) | (c("moved_property_away") == 1),
        (c("high_consumption_flag") == 1) | (c("cannot_be_found") == 1),
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
            outcome=pl.when(c("vetoes") & REFUSING != 0)
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
            benefit_month=pl.when(stopped).then(0).otherwise((shortfall * 2 + 12 * UNITS_A_FEN) // (24 * UNITS_A_FEN)),
            vetoes="vetoes",
        )
    )


def score(frames: Mapping[str, pl.DataFrame], local: LocalNumbers, engine: str = "streaming") -> pl.DataFrame:
    """Run the query on the `streaming` or `in-memory` engine."""
    return query(frames, local).collect(engine=engine)  # type: ignore[call-overload,no-any-return]
