"""`county_model` in SQL, for DuckDB and Spark: one query over the four tables of a register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers import county as rules
from benchmarks.peers.county import UNITS_A_FEN, LocalNumbers, table_file

U = UNITS_A_FEN
AMOUNTS = {
    "household": (
        "dwelling_area_m2", "financial_assets", "business_registered_capital", "business_share_percent",
        "land_area_own", "land_area_sublet", "land_area_contracted", "livestock_value", "debt_medical_education",
        "rigid_medical_year", "rigid_education_year", "rigid_pension_premium_year", "income_year_before",
    ),
    "member": ("wage_month", "business_income_year", "property_income_year"),
    "supporter": ("supporter_income_year",),
    "transfer": ("amount",),
}  # fmt: skip
"""The columns of exact decimals, which files hold with two places and memory as whole hundredths."""


def _in(attribute: str, values: Sequence[str]) -> str:
    return f"{attribute} in ({', '.join(map(repr, values))})"


def _is(attribute: str, value: str) -> str:
    return f"{attribute} = '{value}'"


def _bands(value: str, edge: str, bands: Sequence[tuple[int, int, int]], last: int) -> str:
    """Points of the first band with value · q < edge · p, for (p, q, points) in `bands`."""
    cases = " ".join(f"when ({value}) * {q} < ({edge}) * {p} then {points}" for p, q, points in bands)
    return f"case {cases} else {last} end"


def _count(condition: str) -> str:
    return f"count(*) filter (where {condition})"


def query(
    tables: Mapping[str, str],
    local: LocalNumbers,
    *,
    household: str = "household",
    member: Sequence[str] = ("member",),
    keep: Sequence[str] = ("household",),
) -> str:
    """The query in DuckDB's dialect: a row for each household, `keep` and `rules.RESULT_COLUMNS`, in no order.

    Args:
        tables: level → what to select from; enums as names, truths, dates, amounts in whole hundredths.
        household, member: the columns that tell households and members from each other.
        keep: columns of the household that go into the result.
    """
    rates = " ".join(f"when '{name}' then {rate}" for name, rate in rules.SUPPORT_PERCENT.items())
    kept, members = ", ".join(keep), ", ".join(member)

    def turned(years: int) -> str:
        return f"(birth_date <= date '{rules.born_by(local.on, years)}')"

    band = " + ".join(f"{turned(edge)}::bigint" for edge in rules.AGE_EDGES)
    # Ability by health class: a case for each row of the matrix, its cells by how many of the ages are reached.
    cells = " ".join(
        f"when 'h{number}' then case {band} "
        + " ".join(f"when {k} then {tenths}" for k, tenths in enumerate(row))
        + " end"
        for number, row in enumerate(rules.LABOUR_TENTHS, 1)
    )
    mental = _in("disability_kind", rules.MENTAL)
    severe = (
        f"(disability_grade between 1 and 2 or (disability_grade = 3 and {mental}) or severe_illness_code <> 'none')"
    )
    student = f"not ({_is('student_level', 'none')})"
    working = _is("work_kind", "no_fixed_workplace")
    u = rules.code("residence_type", "urban")
    standard, line = (
        f"case when residence_type = 'urban' then {pair[u]} else {pair[1 - u]} end * {U}"
        for pair in (local.dibao_year, local.low_income_year)
    )
    area, mean = (
        "dwelling_area_m2::bigint * 100",
        f"(p * {local.mean_floor_area_hundredths * rules.stored_scale('dwelling_area_m2')})",
    )
    status = f"""least(45,
        least(old * 1, 2) + least(high * 2, 4) + least(minors * 1, 3)
        + (child and lone and not spouse)::bigint * 3 + least(orphans * 4, 4)
        + least(8, grade_1 * 5 + grade_2 * 4 + grade_3 * 3 + least(other * 1, 2))
        + least(ill * 5, 8) + least(chronic * 1, 2) + least(no_care * 4, 4) + (able = 0)::bigint * 4
        + case when able = 0 then 3 else {_bands("p - able", "able", rules.BURDEN_BANDS, 3)} end
        + least(further * 1, 2))"""
    land = "land_area_own::bigint + land_area_sublet + land_area_contracted"
    income_bands = _bands("income", "p * standard", rules.INCOME_BANDS, 0)
    earnings = f"""least(40,
        {income_bands}
        + (not employed)::bigint * 3
        + case when income = 0 then 2 else {_bands("transfers", "income", rules.TRANSFER_BANDS, 2)} end
        + case when labour <= 0 then 4 else {_bands("labour", "p", rules.LABOUR_BANDS, 0)} end
        + ({land} = 0)::bigint + no_pension::bigint + (not able_supporter)::bigint * 2
        + case when income = 0 then 6
            else {_bands("medical", "income", rules.MEDICAL_BANDS, 6)} end
        + case when education = 0 then 0 when income = 0 then 3
            else {_bands("education", "income", rules.EDUCATION_BANDS, 3)} end
        + (income_year_before > 0 and income * 2 <= income_year_before::bigint * {U})::bigint * 2)"""
    assets, wealth = f"(financial_assets::bigint * {12 * U})", "(p * standard)"
    debt = f"(debt_medical_education::bigint * {U})"
    property_ = f"""least(15,
        {_bands(assets, wealth, rules.ASSET_BANDS, 0)}
        + case when {_in("dwelling_safety_grade", ("D", "none"))} then 4
            when {_is("dwelling_safety_grade", "C")} then 3 else 0 end
        + ({area} < {mean})::bigint - (farm_machines_large > 0)::bigint * 2
        + case when durable_goods_count <= 2 then 2 when durable_goods_count <= 5 then 1 else 0 end
        + case when {debt} = 0 then 0 when income = 0 then 3
            else {_bands(debt, "income", rules.DEBT_BANDS, 3)} end
        - (livestock_value > 2000000)::bigint)"""
    built_lately = f"new_house_date > date '{rules.born_by(local.on, 2)}'"
    share = 20 * rules.stored_scale("business_share_percent")
    clauses = [
        "not authorisation_given",
        "false_statement or hidden_assets",
        "motor_vehicles > 0",
        f"dwelling_units > 1 and {area} > {mean}",
        "non_residential_property and not non_residential_is_home",
        f"business_registered_capital >= 20000000 or business_share_percent >= {share}",
        f"{assets} >= {wealth} * 24",
        "farm_machines_large > 1 or boats > 0 or works_machines > 0",
        f"new_house and not ({_in('new_house_reason', rules.NEEDED_BUILDING)}) and {built_lately}",
        "study_abroad_self_paid",
        "refusing",
        "unlawful_conduct",
        "gave_up_support or moved_property_away",
        "high_consumption_flag or cannot_be_found",
    ]
    vetoes = " + ".join(f"({clause})::bigint * {1 << bit}" for bit, clause in enumerate(clauses))
    return f"""
    with given as (
        select {members},
            coalesce(sum(amount::bigint * case when {_is("period", "month")} then {12 * U} else {U} end)
                filter (where not ({_in("kind", rules.EXEMPT)})), 0)::bigint as transfers,
            bool_or({_in("kind", rules.PENSIONS)}) as pension
        from {tables["transfer"]} group by {members}
    ), support as (
        select {members},
            sum(case when {_in("supporter_exempt_reason", rules.NO_SUPPORT)} then 0 else supporter_income_year::bigint
                * least({rules.HIGHEST}, greatest({rules.LOWEST}, case supporter_occupation {rates} end
                    + case when supporter_luxury_assets then {rules.RAISE} else 0 end)) end)::bigint as support,
            bool_or({_is("supporter_exempt_reason", "none")} and supporter_income_year > 0) as able_supporter
        from {tables["supporter"]} group by {members}
    ), person as (
        select *, not {turned(16)} as minor, {mental} as mental, {student} as student, {severe} as severe
        from {tables["member"]} where {_is("member_counted", "counted")}
    ), worker as (
        select *, case when minor or student or severe then 0 else case health_class {cells} end end as labour
        from person
    ), folded as (
        select {household}, count(*) as persons,
            sum(case when minor then 0
                    when {working} then labour * {local.minimum_wage_month * 8 * 10}
                    else wage_month::bigint * {12 * U} end
                + case when {_is("work_kind", "farming")} and contracted_land
                    then labour * {local.farm_income_year * 6} else 0 end
                + (business_income_year::bigint + property_income_year) * {U}
                + coalesce(given.transfers, 0) + coalesce(support.support, 0))::bigint as gross,
            sum(coalesce(given.transfers, 0))::bigint as transfers, sum(labour)::bigint as labour,
            {_count("student")} as students, {_count(_is("labour_ability", "able"))} as able,
            {_count(f"{turned(60)} and not {turned(80)}")} as old, {_count(turned(80))} as high,
            {_count("minor")} as minors,
            {_count("minor and (orphan or child_without_care)")} as orphans,
            {_count("disability_grade = 1")} as grade_1, {_count("disability_grade = 2")} as grade_2,
            {_count("disability_grade = 3 and mental")} as grade_3,
            {_count("disability_grade >= 3 and not (disability_grade = 3 and mental)")} as other,
            {_count("severe_illness_code <> 'none'")} as ill, {_count("chronic_illness")} as chronic,
            {_count("self_care_missed >= 4")} as no_care, {_count(_in("student_level", rules.FURTHER))} as further,
            bool_or(minor and {_is("relation_to_head", "child")}) as child,
            bool_or({_is("relation_to_head", "head")} and not ({_is("marital_status", "married")})) as lone,
            bool_or({_is("relation_to_head", "spouse")}) as spouse,
            bool_or({_is("work_kind", "employed")}) as employed,
            bool_or({turned(60)} and not coalesce(given.pension, false)) as no_pension,
            bool_or(coalesce(support.able_supporter, false)) as able_supporter,
            bool_or(refuses_work and refused_jobs >= 3 and {_is("labour_ability", "able")}) as refusing
        from worker left join given using ({members}) left join support using ({members})
        group by {household}
    ), whole as (
        select h.*, greatest(coalesce(persons, 0), 1) as p, coalesce(persons, 0) < 1 as nobody,
            coalesce(gross, 0) as gross, coalesce(transfers, 0) as transfers, coalesce(labour, 0) as labour,
            coalesce(students, 0) as students, coalesce(able, 0) as able, coalesce(old, 0) as old,
            coalesce(high, 0) as high, coalesce(minors, 0) as minors, coalesce(orphans, 0) as orphans,
            coalesce(grade_1, 0) as grade_1, coalesce(grade_2, 0) as grade_2, coalesce(grade_3, 0) as grade_3,
            coalesce(other, 0) as other, coalesce(ill, 0) as ill, coalesce(chronic, 0) as chronic,
            coalesce(no_care, 0) as no_care, coalesce(further, 0) as further,
            coalesce(child, false) as child, coalesce(lone, false) as lone, coalesce(spouse, false) as spouse,
            coalesce(employed, false) as employed, coalesce(no_pension, false) as no_pension,
            coalesce(able_supporter, false) as able_supporter, coalesce(refusing, false) as refusing,
            {standard} as standard, {line} as low_line,
            rigid_medical_year::bigint * {U} as medical, rigid_education_year::bigint * {U} as education
        from {tables["household"]} h left join folded using ({household})
    ), known as (
        select *, greatest(0, gross - least(medical // 5 * 4, {2_000_000 * U})
            - least(education, students * {500_000 * U})
            - least(rigid_pension_premium_year::bigint * {U}, p * {300_000 * U})) as income
        from whole
    ), pointed as (
        select *, {status} as points_status, {earnings} as points_earnings, {property_} as points_property,
            {vetoes} as vetoes, {wealth} as wealth
        from known
    ), placed as (
        select *, case when vetoes > 0 or nobody then 4 when income < wealth then 0 when income <= p * low_line then 1
            when income * 2 < p * low_line * 3 then 2 when income < p * low_line * 2 then 3 else 4 end as circle
        from pointed
    )
    select {kept},
        (case when vetoes & {rules.REFUSING} <> 0 then 1 when vetoes > 0 or nobody then 2 when circle <= 1 then 0
            else 1 end)::utinyint as outcome,
        circle::utinyint as circle,
        greatest(0, points_status + points_earnings + points_property) as "index",
        points_status, points_earnings, points_property,
        (income * 2 + p * {12 * U}) // (p * {24 * U}) as income_per_head,
        (income * 2 + p * {U}) // (p * {2 * U}) as income_per_head_year,
        case when vetoes > 0 or nobody then 0
            else (greatest(0, wealth - income) * 2 + {12 * U}) // {24 * U} end as benefit_month,
        vetoes
    from placed"""


def duckdb_register(folder: Path) -> dict[str, str]:
    """The register's Parquet files as DuckDB's tables; amounts become whole hundredths, the rest is taken as it is."""
    return {
        level: "(select * replace ("
        + ", ".join(f"({name} * 100)::bigint as {name}" for name in names)
        + f") from read_parquet('{table_file(folder, level)}'))"
        for level, names in AMOUNTS.items()
    }


def spark(sql: str) -> str:
    """The query in Spark's dialect."""
    return sql.replace(" // ", " div ").replace('"index"', "`index`").replace("utinyint", "tinyint")


def quoted(name: str) -> str:
    """A column's name: `index` is a word of SQL."""
    return f'"{name}"'
