"""What all peers of `county_model` share: the rules' numbers, local numbers, and the columns they must produce.

The peers are written for complete registers (no missing cell) and know nothing of `hardship` but the dictionary's
names and codes. Money inside is in hundredths of a fen ("units"), which holds every exact amount of this table.
Two spellings of the facts are in use: codes (what arrays hold: enums and dates as integers) and names (what frames,
databases and files hold: enums as texts, truths, dates). Amounts in memory are whole fen, or hundredths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hardship.attributes import dictionary, scale, value_names

UNITS_A_FEN = 100
RESULT_COLUMNS = (
    "outcome", "circle", "index", "points_status", "points_earnings", "points_property",
    "income_per_head", "income_per_head_year", "benefit_month", "vetoes",
)  # fmt: skip
OUTCOMES = ("meets", "does_not_meet", "needs_review")
CIRCLES = ("dibao", "low_income", "circle_3", "circle_4", "outside")
REFUSING = sum(1 << (n - 1) for n in range(1, 15) if n not in (1, 11, 14))

EXEMPT = (
    "preferential_allowance", "commendation", "family_planning_reward", "bravery_award", "scholarship", "student_aid",
    "disability_living_subsidy", "disability_care_subsidy", "elderly_care_subsidy", "old_age_allowance",
    "orphan_allowance", "dibao_benefit", "tekun_benefit", "temporary_assistance", "medical_assistance",
    "medical_reimbursement", "education_assistance", "housing_subsidy", "price_subsidy", "assistance_in_kind",
    "charity",
)  # fmt: skip
PENSIONS = ("pension", "residents_pension", "survivors_pension")
MENTAL = ("intellectual", "mental")
FURTHER = ("senior", "university", "postgraduate")
NO_SUPPORT = (
    "dibao", "margin", "major_illness", "severe_disability", "prison", "student", "conscript", "no_ability",
)  # fmt: skip
NEEDED_BUILDING = ("danger", "relocation", "disaster")

AGE_EDGES = (18, 45, 60, 70)
LABOUR_TENTHS = (
    (5, 10, 8, 4, 0), (4, 8, 6, 3, 0), (3, 6, 4, 2, 0), (2, 3, 2, 1, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0),
)  # fmt: skip
SUPPORT_PERCENT = {
    "farming": 5, "casual_work": 5, "enterprise": 6, "public_sector": 8, "business": 8, "none": 5,
}  # fmt: skip
RAISE, LOWEST, HIGHEST = 3, 5, 10

# Bands (p, q, points): the points of the first band with value · q < edge · p.
INCOME_BANDS = ((1, 5, 25), (2, 5, 20), (3, 5, 15), (4, 5, 10), (1, 1, 5))
LABOUR_BANDS = ((10, 4, 3), (10, 2, 2), (10, 1, 1))
MEDICAL_BANDS = ((1, 5, 0), (2, 5, 1), (3, 5, 3), (1, 1, 4))
EDUCATION_BANDS = ((1, 5, 0), (2, 5, 1))
TRANSFER_BANDS = ((1, 2, 0), (4, 5, 1))
BURDEN_BANDS = ((1, 1, 0), (2, 1, 1), (3, 1, 2))
ASSET_BANDS = ((1, 1, 3), (6, 1, 2), (12, 1, 1))
DEBT_BANDS = ((1, 2, 0), (1, 1, 1))


@dataclass(frozen=True)
class LocalNumbers:
    """The table's parameters on one day, money in fen; the standards by stored `residence_type`."""

    on: date
    dibao_year: tuple[int, int]
    low_income_year: tuple[int, int]
    minimum_wage_month: int
    farm_income_year: int
    mean_floor_area_hundredths: int


def code(attribute: str, value: str) -> int:
    """The stored integer of one enum value."""
    return value_names(dictionary()[attribute]).index(value)


def codes(attribute: str, values: Sequence[str]) -> list[int]:
    """The stored integers of several enum values."""
    return [code(attribute, value) for value in values]


def stored_scale(attribute: str) -> int:
    """Stored units in one written unit."""
    return scale(dictionary()[attribute])


def born_by(on: date, years: int) -> date:
    """The last day of birth of those who have turned so many years on the day."""
    return on.replace(year=on.year - years)


def day_number(day: date) -> int:
    """A date as yyyymmdd."""
    return day.year * 10_000 + day.month * 100 + day.day


def table_file(folder: Path, level: str) -> str:
    """The Parquet file of a register's table, or a pattern of the files of a register in parts."""
    parts = folder / f"{level}s"
    return str(parts / "*.parquet" if parts.is_dir() else folder / f"{level}s.parquet")
