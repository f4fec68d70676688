"""Foreign registers: columns, units, codes, ages and identity numbers by a mapping; nothing is lost on the way."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from hardship.attributes import dictionary
from hardship.errors import RegisterError
from hardship.reading import mapping_rules as rules
from hardship.reading.mapping import load_mapping
from hardship.register import Register, read_register

ON = dt.date(2018, 7, 1)
D = dictionary()
CASEN = Path(__file__).parents[2] / "shared" / "data" / "casen_1990" / "persons.parquet"

PERSONS = """
[mapping]
currency = "CLP"
missing = ["NA"]
[households]
household_id = "{r}-{f}"
area_code = "{r}"
rows = "persons"
[[households.column]]
to = "residence_type"
from = "zone"
values = { "1" = "urban", "2" = "rural" }
[[households.column]]
to = "income_year_before"
from = "income"
unit = "CLP"
period = "month"
take = "first"
[[households.column]]
to = "registered_poor"
from = "poor"
values = { "1" = "true" }
otherwise = "false"
empty = "false"
[members]
household_id = "{r}-{f}"
member_id = "{o}"
[[members.column]]
to = "birth_date"
from = "age"
rule = "age"
[[members.column]]
to = "wage_month"
from = "wage"
unit = "wan"
period = "month"
[[members.column]]
to = "work_kind"
value = "farming"
"""

ROWS = """r,f,o,zone,income,poor,age,wage
1,1,1,1,100,1,40,0.5
1,1,2,1,999,1,12,
1,2,1,2,50,,70,NA
"""


def read(folder: Path, mapping: str, rows: str, name: str = "persons.csv") -> Register:
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    (folder / name).write_text(rows, encoding="utf-8")
    return read_register(folder / name, attributes=D, on=ON, mapping=folder / "mapping.toml")


def test_one_person_file_gives_households_and_members(tmp_path: Path) -> None:
    register = read(tmp_path, PERSONS, ROWS)
    assert register.rejects.height == 0
    assert register.currency == "CLP"
    assert register.counts["households"] == {"in": 2, "read": 2, "rejected": 0}
    assert register.counts["members"] == {"in": 3, "read": 3, "rejected": 0}
    household = register.frames["household"]
    assert household["household_id"].to_list() == ["1-1", "1-2"]
    assert household["line"].to_list() == [2, 4]
    assert household["income_year_before"].to_list() == [120_000, 60_000]
    assert household["residence_type"].to_list() == [0, 1]
    assert household["registered_poor"].to_list() == [1, 0]
    member = register.frames["member"]
    assert member["birth_date"].to_list() == [19780701, 20060701, 19480701]
    assert member["wage_month"].to_list() == [500_000, None, None]
    assert member["work_kind"].unique().to_list() == [3]


@pytest.mark.parametrize(
    ("rows", "code", "left"),
    [
        (ROWS.replace("1,1,2,1,", "1,1,2,2,"), "household_disagrees", ["1-2"]),
        (ROWS.replace("1,2,1,2,", "1,2,1,3,"), "unmapped_value", ["1-1"]),
        (ROWS.replace(",0.5\n", ",0.00000001\n"), "too_precise", ["1-2"]),
        (ROWS.replace(",40,", ",forty,"), "bad_date", ["1-2"]),
        (ROWS.replace(",40,", ",131,"), "bad_age", ["1-2"]),
        (ROWS.replace("1,1,2,1,999,1,12,", "1,1,2,1,999"), "ragged_row", ["1-2"]),
        (ROWS.replace("1,1,2,", "1,1,,"), "missing_id", ["1-2"]),
        (ROWS.replace("1,1,2,", "1,1,1,"), "duplicate_member", ["1-2"]),
        (ROWS.replace("1,1,2,", "NA,1,2,"), "missing_id", ["1-1", "1-2"]),
    ],
)
def test_what_does_not_fit_is_rejected(tmp_path: Path, rows: str, code: str, left: list[str]) -> None:
    register = read(tmp_path, PERSONS, rows)
    assert code in register.rejects["code"].to_list()
    assert register.frames["household"]["household_id"].to_list() == left
    for count in register.counts.values():
        assert count["in"] == count["read"] + count["rejected"]
    assert register.counts["members"]["in"] == 3


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('unit = "CLP"\n', "", "mapping_needs_unit"),
        ('period = "month"\ntake', "take", "mapping_needs_unit"),
        ('unit = "CLP"', 'unit = "USD"', "mapping_unknown_unit"),
        ('unit = "wan"\nperiod = "month"', 'unit = "wan"\nperiod = "year"', "mapping_bad_period"),
        ('to = "wage_month"', 'to = "wages"', "mapping_unknown_attribute"),
        ('to = "wage_month"', 'to = "boats"', "mapping_unknown_attribute"),
        ('"2" = "rural"', '"2" = "country"', "mapping_bad_value"),
        ('value = "farming"', 'value = "fishing"', "mapping_bad_value"),
        ('value = "farming"', "", "mapping_shape"),
        ('rule = "age"', 'rule = "id_number_sex"', "mapping_bad_rule"),
        ('rule = "age"', 'rule = "guess"', "table.value_choice"),
        ("[members]", "[people]", "table.key_unknown"),
        ('member_id = "{o}"', "", "no_column"),
        ("[mapping]", "[mapping", "table.toml_syntax"),
        ('from = "wage"', 'from = "salary"', "mapping_no_column"),
    ],
)
def test_a_mapping_that_says_too_little_is_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    assert old in PERSONS
    with pytest.raises(RegisterError) as caught:
        read(tmp_path, PERSONS.replace(old, new), ROWS)
    assert (code if "." in code else f"register.{code}") in [fault.code for fault in caught.value.faults]
    assert caught.value.text("zh")


ID_NUMBERS = """
[households]
file = "homes.csv"
household_id = "hid"
[members]
file = "people.csv"
household_id = "hid"
member_id = "no"
[[members.column]]
to = "birth_date"
from = "sfz"
rule = "id_number_birth"
[[members.column]]
to = "sex"
from = "sfz"
rule = "id_number_sex"
"""


def valid(start: str) -> str:
    return next(start + last for last in "0123456789X" if rules.check_digit_holds(start + last))


def test_birth_and_sex_from_identity_numbers(tmp_path: Path) -> None:
    good, wrong = valid("37082819900101123"), valid("37082819850630124")
    wrong = wrong[:-1] + ("0" if wrong[-1] != "0" else "1")
    (tmp_path / "m.toml").write_text(ID_NUMBERS, encoding="utf-8")
    (tmp_path / "homes.csv").write_text("hid\nA\nB\nC\nD\n")
    (tmp_path / "people.csv").write_text(
        f"hid,no,sfz\nA,1,{good.lower()}\nA,2,370828640229124\nB,1,{wrong}\nC,1,3708281990\nD,1,37082819901301123X\n"
    )
    register = read_register(tmp_path, attributes=D, on=ON, mapping=tmp_path / "m.toml")
    assert register.frames["household"]["household_id"].to_list() == ["A", "B"]
    assert register.frames["household"]["area_code"].to_list() == ["", ""]
    assert register.frames["member"]["birth_date"].to_list() == [19900101, 19640229, 19850630]
    assert register.frames["member"]["sex"].to_list() == [1, 0, 0]
    assert register.flags.rows() == [("B", "id_check_digit")]
    assert register.rejects.filter(pl.col("household_id") == "C")["code"].to_list()[:1] == ["member_rejected"]
    assert "3708281990" not in register.rejects.write_csv()
    assert good not in str([frame.rows() for frame in register.frames.values()])


def test_a_numeric_identity_number_in_a_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        ID_NUMBERS.replace("homes.csv", "p.xlsx").replace("people.csv", "p.xlsx"), encoding="utf-8"
    )
    with xlsxwriter.Workbook(str(tmp_path / "p.xlsx")) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(
            [("hid", "no", "sfz"), ("A", "1", 370828199001011234), (7, "1", valid("37082819900101123"))]
        ):
            sheet.write_row(row, 0, cells)
    register = read_register(tmp_path / "p.xlsx", attributes=D, on=ON, mapping=tmp_path / "m.toml")
    assert register.counts["households"]["read"] == 0
    assert {"bad_id_number", "numeric_id"} <= set(register.rejects["code"])


@given(st.from_regex(r"[0-9]{17}", fullmatch=True), st.integers(0, 16), st.integers(1, 9))
def test_the_check_digit_finds_every_slip(start: str, place: int, step: int) -> None:
    number = valid(start)
    slipped = number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]
    assert not rules.check_digit_holds(slipped)
    if number[0] != number[1]:
        assert not rules.check_digit_holds(number[1] + number[0] + number[2:])


@given(st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)), st.integers(0, 120))
def test_an_age_becomes_a_birth_date_of_that_age(on: dt.date, age: int) -> None:
    born = dt.date.fromisoformat(rules.born_by_age(on)(str(age)))
    later = int(on.strftime("%Y%m%d")) - int(born.strftime("%Y%m%d"))
    assert later // 10_000 == age


@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**6))
def test_decimal_texts_are_exact(number: Fraction) -> None:
    text = rules.decimal_text(number)
    assert (text == rules.INEXACT) == ((number * 10**18).denominator != 1)
    assert text == rules.INEXACT or Fraction(text) == number


def test_casen_reads_whole(tmp_path: Path) -> None:
    if not CASEN.exists():
        pytest.skip("the CASEN 1990 data are not beside the project")
    (tmp_path / "m.toml").write_text(
        """
[mapping]
currency = "CLP"
[households]
household_id = "{r}-{p}-{c}-{z}-{f}"
rows = "persons"
[[households.column]]
to = "residence_type"
from = "z"
values = { "1" = "urban", "2" = "rural" }
[members]
household_id = "{r}-{p}-{c}-{z}-{f}"
member_id = "{o}"
[[members.column]]
to = "birth_date"
from = "edad"
rule = "age"
""",
        encoding="utf-8",
    )
    register = read_register(CASEN, attributes=D, on=dt.date(1990, 11, 30), mapping=tmp_path / "m.toml")
    assert register.counts["households"] == {"in": 25_793, "read": 25_793, "rejected": 0}
    assert register.counts["members"] == {"in": 105_189, "read": 105_189, "rejected": 0}
    born = register.frames["member"]["birth_date"]
    ages = sorted(((19901130 - born) // 10_000).to_list())
    assert ages == sorted(pl.read_parquet(CASEN, columns=["edad"])["edad"].to_list())


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RegisterError):
        load_mapping(tmp_path / "none.toml", D)
