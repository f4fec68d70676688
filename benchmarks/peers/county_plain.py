"""`county_model` as a plain Python loop: households as nested dicts of ints, texts, truths and dates, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from benchmarks.peers import county as rules
from benchmarks.peers.county import UNITS_A_FEN as U
from benchmarks.peers.county import LocalNumbers

Row = dict[str, Any]
EXEMPT, PENSIONS, MENTAL, FURTHER = map(frozenset, (rules.EXEMPT, rules.PENSIONS, rules.MENTAL, rules.FURTHER))
NO_SUPPORT, NEEDED = frozenset(rules.NO_SUPPORT), frozenset(rules.NEEDED_BUILDING)
HEALTH = {f"h{number}": row for number, row in enumerate(rules.LABOUR_TENTHS, 1)}
AREA_SCALE, SHARE = rules.stored_scale("dwelling_area_m2"), 20 * rules.stored_scale("business_share_percent")


def households(frames: Mapping[str, pl.DataFrame]) -> list[Row]:
    """The register as nested dicts: `members` in households, `supporters` and `transfers` in members."""
    rows = {level: frame.to_dicts() for level, frame in frames.items()}
    for member in rows["member"]:
        member["supporters"], member["transfers"] = [], []
    for level in ("supporter", "transfer"):
        for row in rows[level]:
            rows["member"][row["member"]][f"{level}s"].append(row)
    for home in rows["household"]:
        home["members"] = []
    for member in rows["member"]:
        rows["household"][member["household"]]["members"].append(member)
    return rows["household"]


def deriver(local: LocalNumbers) -> Callable[[Row], Row]:
    """What derives a household's values (`facts`): incomes, counts, lines; the items are worked out from these."""
    born = {years: rules.born_by(local.on, years) for years in (16, 60, 80, *rules.AGE_EDGES)}
    edges = [born[edge] for edge in rules.AGE_EDGES]
    wage_cell, land_cell = local.minimum_wage_month * 8 * 10, local.farm_income_year * 6
    urban = rules.code("residence_type", "urban")
    lines = {
        name: (local.dibao_year[at] * U, local.low_income_year[at] * U)
        for name, at in (("urban", urban), ("rural", 1 - urban))
    }

    def facts(home: Row) -> Row:
        f = dict.fromkeys(COUNTS, 0)
        gross = 0
        for m in home["members"]:
            if m["member_counted"] != "counted":
                continue
            f["persons"] += 1
            birth, grade = m["birth_date"], m["disability_grade"]
            minor, sixty, ill = birth > born[16], birth <= born[60], m["severe_illness_code"] != "none"
            mental = m["disability_kind"] in MENTAL
            student, able = m["student_level"] != "none", m["labour_ability"] == "able"
            labour = 0
            if not (minor or student or ill or 1 <= grade <= 2 or (grade == 3 and mental)):
                labour = HEALTH[m["health_class"]][sum(birth <= edge for edge in edges)]
            if minor:
                work = 0
            elif m["work_kind"] == "no_fixed_workplace":
                work = labour * wage_cell
            else:
                work = m["wage_month"] * 12 * U
            if m["work_kind"] == "farming" and m["contracted_land"]:
                work += labour * land_cell
            transfers, pension = 0, False
            for t in m["transfers"]:
                pension |= t["kind"] in PENSIONS
                if t["kind"] not in EXEMPT:
                    transfers += t["amount"] * (12 * U if t["period"] == "month" else U)
            support = 0
            for s in m["supporters"]:
                if s["supporter_exempt_reason"] not in NO_SUPPORT:
                    raised = rules.RAISE if s["supporter_luxury_assets"] else 0
                    rate = rules.SUPPORT_PERCENT[s["supporter_occupation"]] + raised
                    support += s["supporter_income_year"] * min(max(rate, rules.LOWEST), rules.HIGHEST)
                if s["supporter_exempt_reason"] == "none" and s["supporter_income_year"] > 0:
                    f["able_supporter"] += 1
            gross += work + (m["business_income_year"] + m["property_income_year"]) * U + transfers + support
            f["transfers"] += transfers
            f["labour"] += labour
            f["students"] += student
            f["able"] += able
            f["old"] += sixty and birth > born[80]
            f["high"] += birth <= born[80]
            f["minors"] += minor
            f["orphans"] += minor and (m["orphan"] or m["child_without_care"])
            f["grade_1"] += grade == 1
            f["grade_2"] += grade == 2
            f["grade_3"] += grade == 3 and mental
            f["other"] += grade >= 3 and not (grade == 3 and mental)
            f["ill"] += ill
            f["chronic"] += m["chronic_illness"]
            f["no_care"] += m["self_care_missed"] >= 4
            f["further"] += m["student_level"] in FURTHER
            f["child"] += minor and m["relation_to_head"] == "child"
            f["lone"] += m["relation_to_head"] == "head" and m["marital_status"] != "married"
            f["spouse"] += m["relation_to_head"] == "spouse"
            f["employed"] += m["work_kind"] == "employed"
            f["no_pension"] += sixty and not pension
            f["refusing"] += m["refuses_work"] and m["refused_jobs"] >= 3 and able
        p = max(f["persons"], 1)
        medical, education = home["rigid_medical_year"] * U, home["rigid_education_year"] * U
        income = (
            gross
            - min(medical // 5 * 4, 2_000_000 * U)
            - min(education, f["students"] * 500_000 * U)
            - min(home["rigid_pension_premium_year"] * U, p * 300_000 * U)
        )
        standard, line = lines[home["residence_type"]]
        return f | {
            "p": p, "income": max(income, 0), "wealth": p * standard, "line": p * line,
            "medical": medical, "education": education, "before": home["income_year_before"] * U,
            "land": home["land_area_own"] + home["land_area_sublet"] + home["land_area_contracted"],
            "assets": home["financial_assets"] * 12 * U, "area": home["dwelling_area_m2"] * 100,
            "mean": p * local.mean_floor_area_hundredths * AREA_SCALE, "debt": home["debt_medical_education"] * U,
            "safety": home["dwelling_safety_grade"], "machines": home["farm_machines_large"],
            "durables": home["durable_goods_count"], "livestock": home["livestock_value"],
        }  # fmt: skip

    return facts


COUNTS = (
    "persons", "transfers", "labour", "students", "able", "old", "high", "minors", "orphans", "grade_1", "grade_2",
    "grade_3", "other", "ill", "chronic", "no_care", "further", "child", "lone", "spouse", "employed", "no_pension",
    "able_supporter", "refusing",
)  # fmt: skip


def _bands(value: int, edge: int, bands: Sequence[tuple[int, int, int]], last: int) -> int:
    """Points of the first band with value · q < edge · p, for (p, q, points) in `bands`."""
    for p, q, points in bands:
        if value * q < edge * p:
            return points
    return last


def score_one(home: Row, f: Row, local: LocalNumbers) -> tuple[int, ...]:
    """The values of `RESULT_COLUMNS` of one household from its derived values."""
    able, p, income = f["able"], f["p"], f["income"]
    wealth, assets, area, debt = f["wealth"], f["assets"], f["area"], f["debt"]
    status = min(
        45,
        min(f["old"], 2)
        + min(f["high"] * 2, 4)
        + min(f["minors"], 3)
        + (3 if f["child"] and f["lone"] and not f["spouse"] else 0)
        + min(f["orphans"] * 4, 4)
        + min(8, f["grade_1"] * 5 + f["grade_2"] * 4 + f["grade_3"] * 3 + min(f["other"], 2))
        + min(f["ill"] * 5, 8)
        + min(f["chronic"], 2)
        + min(f["no_care"] * 4, 4)
        + (4 if able == 0 else 0)
        + (3 if able == 0 else _bands(p - able, able, rules.BURDEN_BANDS, 3))
        + min(f["further"], 2),
    )
    earnings = min(
        40,
        _bands(income, wealth, rules.INCOME_BANDS, 0)
        + (0 if f["employed"] else 3)
        + (_bands(f["transfers"], income, rules.TRANSFER_BANDS, 2) if income else 2)
        + (_bands(f["labour"], p, rules.LABOUR_BANDS, 0) if f["labour"] > 0 else 4)
        + (f["land"] == 0)
        + (f["no_pension"] > 0)
        + (0 if f["able_supporter"] else 2)
        + (_bands(f["medical"], income, rules.MEDICAL_BANDS, 6) if income else 6)
        + ((_bands(f["education"], income, rules.EDUCATION_BANDS, 3) if income else 3) if f["education"] else 0)
        + (2 if f["before"] > 0 and income * 2 <= f["before"] else 0),
    )
    safety, durables = f["safety"], f["durables"]
    property_ = min(
        15,
        _bands(assets, wealth, rules.ASSET_BANDS, 0)
        + (4 if safety in ("D", "none") else 3 if safety == "C" else 0)
        + (area < f["mean"])
        - (2 if f["machines"] > 0 else 0)
        + (2 if durables <= 2 else 1 if durables <= 5 else 0)
        + ((_bands(debt, income, rules.DEBT_BANDS, 3) if income else 3) if debt else 0)
        - (f["livestock"] > 2_000_000),
    )
    clauses = (
        not home["authorisation_given"],
        home["false_statement"] or home["hidden_assets"],
        home["motor_vehicles"] > 0,
        home["dwelling_units"] > 1 and area > f["mean"],
        home["non_residential_property"] and not home["non_residential_is_home"],
        home["business_registered_capital"] >= 20_000_000 or home["business_share_percent"] >= SHARE,
        assets >= wealth * 24,
        home["farm_machines_large"] > 1 or home["boats"] > 0 or home["works_machines"] > 0,
        home["new_house"]
        and home["new_house_reason"] not in NEEDED
        and home["new_house_date"] > rules.born_by(local.on, 2),
        home["study_abroad_self_paid"],
        f["refusing"] > 0,
        home["unlawful_conduct"],
        home["gave_up_support"] or home["moved_property_away"],
        home["high_consumption_flag"] or home["cannot_be_found"],
    )
    vetoes = sum(1 << bit for bit, clause in enumerate(clauses) if clause)
    stopped, line = vetoes > 0 or f["persons"] < 1, f["line"]
    if stopped:
        circle = 4
    elif income < wealth:
        circle = 0
    elif income <= line:
        circle = 1
    else:
        circle = 2 if income * 2 < line * 3 else 3 if income < line * 2 else 4
    outcome = 1 if vetoes & rules.REFUSING else 2 if stopped else 0 if circle <= 1 else 1
    per_head = (income * 2 + p * 12 * U) // (p * 24 * U)
    per_head_year = (income * 2 + p * U) // (p * 2 * U)
    benefit = 0 if stopped else (max(wealth - income, 0) * 2 + 12 * U) // (24 * U)
    index = max(status + earnings + property_, 0)
    return outcome, circle, index, status, earnings, property_, per_head, per_head_year, benefit, vetoes


def score(homes: Iterable[Row], local: LocalNumbers) -> list[tuple[int, ...]]:
    """All households, one after the other."""
    facts = deriver(local)
    return [score_one(home, facts(home), local) for home in homes]
