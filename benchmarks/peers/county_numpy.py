"""`county_model` in numpy: array arithmetic over all households or blocks of them, members folded by running sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from benchmarks.peers import county as rules
from benchmarks.peers.county import UNITS_A_FEN, LocalNumbers, table_file

Ints = NDArray[np.int64]
Level = Mapping[str, NDArray[np.generic]]
Columns = dict[str, dict[str, NDArray[np.generic]]]


def read(folder: Path) -> tuple[Columns, pl.DataFrame]:
    """A register's Parquet files as `columns`, and the households' ids: polars reads, links rows and gives codes."""
    raw = {x: pl.scan_parquet(table_file(folder, x)) for x in ("household", "member", "supporter", "transfer")}
    homes = raw["household"].select("household_id", "area_code").with_row_index("household")
    people = raw["member"].select("household_id", "member_id").with_row_index("member")
    linked = {
        "household": raw["household"],
        "member": raw["member"].join(homes, on="household_id", how="left", maintain_order="left"),
    }
    for level in ("supporter", "transfer"):
        below = raw[level].join(people, on=["household_id", "member_id"], how="left", maintain_order="left")
        linked[level] = below.sort("member", maintain_order=True)
    dates = cs.date().dt
    coded = [
        frame.with_columns(
            (cs.decimal() * 100).cast(pl.Int64),
            cs.enum().to_physical(),
            cs.boolean().cast(pl.UInt8),
            dates.year().cast(pl.Int32) * 10_000 + dates.month().cast(pl.Int32) * 100 + dates.day().cast(pl.Int32),
        ).select(~cs.string() | cs.by_name("severe_illness_code", require_all=False))
        for frame in linked.values()
    ]
    *frames, ids = pl.collect_all([*coded, raw["household"].select("household_id", "area_code")])
    return columns(dict(zip(linked, frames, strict=True))), ids


def columns(frames: Mapping[str, pl.DataFrame]) -> Columns:
    """The register's frames as numpy arrays, with child offsets; outside the timing."""
    out: Columns = {}
    for level, frame in frames.items():
        out[level] = {s.name: s.to_numpy() for s in frame if s.dtype != pl.String}
    out["member"]["ill"] = (frames["member"]["severe_illness_code"] != "none").to_numpy()
    for level, parent, size in (
        ("member", "household", frames["household"].height),
        ("supporter", "member", frames["member"].height),
        ("transfer", "member", frames["member"].height),
    ):
        counts = np.bincount(out[level][parent].astype(np.int64), minlength=size)
        out[level]["offsets"] = np.concatenate([[0], np.cumsum(counts)])
    return out


def _table(attribute: str, values: tuple[str, ...]) -> NDArray[np.bool_]:
    table = np.zeros(256, dtype=bool)
    table[rules.codes(attribute, values)] = True
    return table


EXEMPT_KIND, PENSION_KIND = _table("kind", rules.EXEMPT), _table("kind", rules.PENSIONS)
MENTAL_KIND, FURTHER_LEVEL = _table("disability_kind", rules.MENTAL), _table("student_level", rules.FURTHER)
UNSUPPORTING = _table("supporter_exempt_reason", rules.NO_SUPPORT)
NEEDED = _table("new_house_reason", rules.NEEDED_BUILDING)
RATES = np.zeros(256, dtype=np.int64)
for _value, _percent in rules.SUPPORT_PERCENT.items():
    RATES[rules.code("supporter_occupation", _value)] = _percent
CELLS = np.array(rules.LABOUR_TENTHS, dtype=np.int64).ravel()


def _fold(values: NDArray[np.generic], offsets: Ints) -> Ints:
    """Sums of consecutive runs of rows, by differences of one running sum."""
    running = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=running[1:])
    return running[offsets[1:]] - running[offsets[:-1]]


def _bands(value: Ints, edge: Ints, bands: Sequence[tuple[int, int, int]], last: int) -> Ints:
    """Points of the first band with value · q < edge · p, for (p, q, points) in `bands`."""
    points = np.full(len(value), last, dtype=np.int64)
    for p, q, here in reversed(bands):
        points[value * q < edge * p] = here
    return points


def transfers_of(t: Level, offsets: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Of each member, the transfers that count in a year, and whether there is a pension."""
    yearly = t["amount"].astype(np.int64) * np.where(t["period"] == rules.code("period", "month"), 12, 1) * UNITS_A_FEN
    return _fold(np.where(EXEMPT_KIND[t["kind"]], 0, yearly), offsets), _fold(PENSION_KIND[t["kind"]], offsets) > 0


def support_of(s: Level, offsets: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Of each member, the support of supporters, and whether there is an able one."""
    raised = rules.RAISE * (s["supporter_luxury_assets"] == 1)
    rate = np.clip(RATES[s["supporter_occupation"]] + raised, rules.LOWEST, rules.HIGHEST)
    given = s["supporter_income_year"].astype(np.int64) * rate
    support = _fold(np.where(UNSUPPORTING[s["supporter_exempt_reason"]], 0, given), offsets)
    willing = s["supporter_exempt_reason"] == rules.code("supporter_exempt_reason", "none")
    return support, _fold(willing & (s["supporter_income_year"] > 0), offsets) > 0


def score_block(data: Columns, local: LocalNumbers, first: int, last: int) -> dict[str, Ints]:
    """Results of the households `first` … `last - 1`."""
    h = {name: column[first:last] for name, column in data["household"].items()}
    m_offsets = data["member"]["offsets"][first : last + 1].astype(np.int64)
    m0, m1 = int(m_offsets[0]), int(m_offsets[-1])
    m = {name: column[m0:m1] for name, column in data["member"].items() if name != "offsets"}
    t_offsets, s_offsets = (data[x]["offsets"][m0 : m1 + 1].astype(np.int64) for x in ("transfer", "supporter"))
    t = {k: v[t_offsets[0] : t_offsets[-1]] for k, v in data["transfer"].items() if k != "offsets"}
    s = {k: v[s_offsets[0] : s_offsets[-1]] for k, v in data["supporter"].items() if k != "offsets"}

    t_offsets, s_offsets, m_offsets = t_offsets - t_offsets[0], s_offsets - s_offsets[0], m_offsets - m0
    transfers, pension = transfers_of(t, t_offsets)
    support, has_supporter = support_of(s, s_offsets)

    counted = m["member_counted"] == rules.code("member_counted", "counted")

    def turned(years: int) -> NDArray[np.bool_]:
        return m["birth_date"] <= rules.day_number(rules.born_by(local.on, years))

    minor, sixty, eighty = ~turned(16), turned(60), turned(80)
    grade, mental = m["disability_grade"], MENTAL_KIND[m["disability_kind"]]
    severe = ((grade >= 1) & (grade <= 2)) | ((grade == 3) & mental) | m["ill"]
    student = m["student_level"] != rules.code("student_level", "none")
    band = sum(turned(edge).astype(np.int64) for edge in rules.AGE_EDGES)
    labour = np.where(minor | student | severe, 0, CELLS[m["health_class"].astype(np.int64) * 5 + band])
    work = np.where(
        m["work_kind"] == rules.code("work_kind", "no_fixed_workplace"),
        labour * (local.minimum_wage_month * 8 * 10),
        m["wage_month"].astype(np.int64) * (12 * UNITS_A_FEN),
    )
    work = np.where(minor, 0, work)
    farming = (m["work_kind"] == rules.code("work_kind", "farming")) & (m["contracted_land"] == 1)
    land = np.where(farming, labour * (local.farm_income_year * 6), 0)
    own = (m["business_income_year"].astype(np.int64) + m["property_income_year"].astype(np.int64)) * UNITS_A_FEN
    able_member = m["labour_ability"] == rules.code("labour_ability", "able")

    def count(mask: NDArray[np.generic]) -> Ints:
        return _fold(mask & counted, m_offsets)

    def total(values: Ints) -> Ints:
        return _fold(np.where(counted, values, 0), m_offsets)

    heads = count(np.ones(m1 - m0, dtype=bool))
    nobody, p = heads < 1, np.maximum(heads, 1)
    all_transfers, all_labour = total(transfers), total(labour)
    gross = total(work + land + own + transfers + support)
    medical = h["rigid_medical_year"].astype(np.int64) * UNITS_A_FEN
    education = h["rigid_education_year"].astype(np.int64) * UNITS_A_FEN
    premium = h["rigid_pension_premium_year"].astype(np.int64) * UNITS_A_FEN
    income = (
        gross
        - np.minimum(medical // 5 * 4, 2_000_000 * UNITS_A_FEN)
        - np.minimum(education, count(student) * (500_000 * UNITS_A_FEN))
        - np.minimum(premium, p * (300_000 * UNITS_A_FEN))
    )
    income = np.maximum(income, 0)
    residence = h["residence_type"]
    wealth = p * (np.array(local.dibao_year, dtype=np.int64)[residence] * UNITS_A_FEN)
    line = p * (np.array(local.low_income_year, dtype=np.int64)[residence] * UNITS_A_FEN)

    able = count(able_member)
    relation = m["relation_to_head"]
    head = relation == rules.code("relation_to_head", "head")
    lone = count(head & (m["marital_status"] != rules.code("marital_status", "married")))
    child = count(minor & (relation == rules.code("relation_to_head", "child")))
    spouse = count(relation == rules.code("relation_to_head", "spouse"))
    third = (grade == 3) & mental
    disability = np.minimum(
        count(grade == 1) * 5 + count(grade == 2) * 4 + count(third) * 3 + np.minimum(count((grade >= 3) & ~third), 2),
        8,
    )
    burden = np.where(able == 0, 3, _bands(p - able, able, rules.BURDEN_BANDS, 3))
    status = (
        np.minimum(count(sixty & ~eighty), 2)
        + np.minimum(count(eighty) * 2, 4)
        + np.minimum(count(minor), 3)
        + ((child > 0) & (lone > 0) & (spouse == 0)) * 3
        + np.minimum(count(minor & ((m["orphan"] == 1) | (m["child_without_care"] == 1))) * 4, 4)
        + disability
        + np.minimum(count(m["ill"]) * 5, 8)
        + np.minimum(count(m["chronic_illness"] == 1), 2)
        + np.minimum(count(m["self_care_missed"] >= 4) * 4, 4)
        + (able == 0) * 4
        + burden
        + np.minimum(count(FURTHER_LEVEL[m["student_level"]]), 2)
    )
    status = np.minimum(status, 45)
    poor = income == 0
    land_area = sum(h[f"land_area_{kind}"].astype(np.int64) for kind in ("own", "sublet", "contracted"))
    before = h["income_year_before"].astype(np.int64) * UNITS_A_FEN
    medical_points = _bands(medical, income, rules.MEDICAL_BANDS, 6)
    education_points = np.where(poor, 3, _bands(education, income, rules.EDUCATION_BANDS, 3))
    earnings = (
        _bands(income, wealth, rules.INCOME_BANDS, 0)
        + (count(m["work_kind"] == rules.code("work_kind", "employed")) == 0) * 3
        + np.where(poor, 2, _bands(all_transfers, income, rules.TRANSFER_BANDS, 2))
        + np.where(all_labour <= 0, 4, _bands(all_labour, p, rules.LABOUR_BANDS, 0))
        + (land_area == 0)
        + (count(sixty & ~pension) > 0)
        + (count(has_supporter) == 0) * 2
        + np.where(poor, 6, medical_points)
        + np.where(education == 0, 0, education_points)
        + ((before > 0) & (income * 2 <= before)) * 2
    )
    earnings = np.minimum(earnings, 40)
    assets = h["financial_assets"].astype(np.int64) * (12 * UNITS_A_FEN)
    area = h["dwelling_area_m2"].astype(np.int64) * 100
    mean = p * (local.mean_floor_area_hundredths * rules.stored_scale("dwelling_area_m2"))
    safety, durables = h["dwelling_safety_grade"], h["durable_goods_count"]
    unsafe = np.isin(safety, rules.codes("dwelling_safety_grade", ("D", "none")))
    debt = h["debt_medical_education"].astype(np.int64) * UNITS_A_FEN
    debt_points = np.where(poor, 3, _bands(debt, income, rules.DEBT_BANDS, 3))
    property_ = (
        _bands(assets, wealth, rules.ASSET_BANDS, 0)
        + np.where(unsafe, 4, np.where(safety == rules.code("dwelling_safety_grade", "C"), 3, 0))
        + (area < mean)
        - (h["farm_machines_large"] > 0) * 2
        + np.where(durables <= 2, 2, np.where(durables <= 5, 1, 0))
        + np.where(debt == 0, 0, debt_points)
        - (h["livestock_value"] > 2_000_000)
    )
    property_ = np.minimum(property_, 15)
    built_lately = h["new_house_date"] > rules.day_number(rules.born_by(local.on, 2))
    business = (h["business_registered_capital"] >= 20_000_000) | (
        h["business_share_percent"] >= 20 * rules.stored_scale("business_share_percent")
    )
    clauses = [
        h["authorisation_given"] == 0,
        (h["false_statement"] == 1) | (h["hidden_assets"] == 1),
        h["motor_vehicles"] > 0,
        (h["dwelling_units"] > 1) & (area > mean),
        (h["non_residential_property"] == 1) & (h["non_residential_is_home"] == 0),
        business,
        assets >= wealth * 24,
        (h["farm_machines_large"] > 1) | (h["boats"] > 0) | (h["works_machines"] > 0),
        (h["new_house"] == 1) & ~NEEDED[h["new_house_reason"]] & built_lately,
        h["study_abroad_self_paid"] == 1,
        count((m["refuses_work"] == 1) & (m["refused_jobs"] >= 3) & able_member) > 0,
        h["unlawful_conduct"] == 1,
        (h["gave_up_support"] == 1) | (h["moved_property_away"] == 1),
        (h["high_consumption_flag"] == 1) | (h["cannot_be_found"] == 1),
    ]
    vetoes = sum(clause.astype(np.int64) << bit for bit, clause in enumerate(clauses))
    stopped = (vetoes > 0) | nobody
    circle = np.select(
        [stopped, income < wealth, income <= line, income * 2 < line * 3, income < line * 2], [4, 0, 1, 2, 3], 4
    )
    outcome = np.select([vetoes & rules.REFUSING != 0, stopped, circle <= 1], [1, 2, 0], 1)
    shortfall = np.maximum(wealth - income, 0)
    benefit = np.where(stopped, 0, (shortfall * 2 + 12 * UNITS_A_FEN) // (24 * UNITS_A_FEN))
    per_head = (income * 2 + p * (12 * UNITS_A_FEN)) // (p * (24 * UNITS_A_FEN))
    per_head_year = (income * 2 + p * UNITS_A_FEN) // (p * (2 * UNITS_A_FEN))
    index = np.maximum(status + earnings + property_, 0)
    results = (outcome, circle, index, status, earnings, property_, per_head, per_head_year, benefit, vetoes)
    return dict(zip(rules.RESULT_COLUMNS, results, strict=True))


def score(data: Columns, local: LocalNumbers, block: int | None = None) -> dict[str, Ints]:
    """All households: whole columns at once, or in blocks whose arrays stay in the cache."""
    size = len(data["household"]["residence_type"])
    if block is None:
        return score_block(data, local, 0, size)
    out = {name: np.empty(size, dtype=np.int64) for name in rules.RESULT_COLUMNS}
    for first in range(0, size, block):
        last = min(first + block, size)
        for name, values in score_block(data, local, first, last).items():
            out[name][first:last] = values
    return out
