"""One grammar for every cell: verdicts on texts, the same by column, by cell, and from typed columns."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardship.attributes import dictionary
from hardship.language.fields import DeclaredAttribute, Title
from hardship.reading import cells
from hardship.reading.convert import SMALL, as_text, convert

D = dictionary()
MONEY = D["wage_month"]  # 0 … 10,000,000 yuan
SIGNED = D["business_income_year"]
WHOLE = D["refused_jobs"]  # 0 … 100

# text → stored fen, or the problem; "~" before the value: read and flagged.
MONEY_TEXTS: dict[str, int | str] = {
    "": "missing", "0": 0, "1": 100, "12.3": 1230, "12.34": 1234, "007": 700, "-0": 0, "10000000": 10**9,
    "１２３": "~12300", "１２．３４": "~1234", "12．5": "~1250",
    "10000000.01": "out_of_bounds", "-0.01": "out_of_bounds", "-5": "out_of_bounds", "－5": "out_of_bounds",
    "12.345": "too_precise", "0.000": "too_precise", "1.999": "too_precise",
    "+5": "bad_number", "1_000": "bad_number", "1,000": "bad_number", "1，000": "bad_number",
    "١٢٣": "bad_number", "१२३": "bad_number", "NaN": "bad_number", "nan": "bad_number", "inf": "bad_number",
    "Infinity": "bad_number", "-inf": "bad_number", "1e5": "bad_number", "1E5": "bad_number",
    "1e1000000": "bad_number", "0x1F": "bad_number", "0b1": "bad_number", "True": "bad_number",
    "true": "bad_number", "None": "bad_number", "null": "bad_number", "NA": "bad_number", "N/A": "bad_number",
    "-": "bad_number", "--": "bad_number", ".": "bad_number", ".5": "bad_number", "5.": "bad_number",
    "1.2.3": "bad_number", "--5": "bad_number", "5-": "bad_number", " 5": "bad_number", "5 ": "bad_number",
    "\u00a05": "bad_number", "5\u3000": "bad_number", "\t5": "bad_number", "5\n": "bad_number",
    "5元": "bad_number", "￥5": "bad_number", "$5": "bad_number", "五": "bad_number", "½": "bad_number",
    "5²": "bad_number", "②": "bad_number", "5%": "bad_number", "=5": "bad_number", "'5": "bad_number",
    '"5"': "bad_number", "5;6": "bad_number", "1/2": "bad_number", "\ufeff5": "bad_number",
    "5\x00": "bad_number", "\u200b5": "bad_number", "𝟓": "bad_number", "2018-07-01": "bad_number",
    "9" * 19: "too_long", "9" * 5000: "too_long", "0." + "0" * 30: "too_long", "1e" + "9" * 40: "too_long",
    cells.ERROR_CELL: "error_cell", cells.FORMULA_CELL: "formula_without_value",
}  # fmt: skip


def verdict(cell: cells.Cell) -> int | str:
    if cell.problem:
        return cell.problem
    if cell.value is None:
        return "missing"
    return f"~{cell.value}" if cell.flagged else cell.value


def test_there_are_enough_texts() -> None:
    assert len(MONEY_TEXTS) >= 60


@pytest.mark.parametrize("text", MONEY_TEXTS, ids=lambda text: ascii(text)[:20])
def test_money(text: str) -> None:
    assert verdict(cells.parser(MONEY)(text)) == MONEY_TEXTS[text]


def by_column(texts: list[str], attribute: DeclaredAttribute) -> list[int | str]:
    read = convert(pl.Series("x", texts, dtype=pl.String), attribute)
    wrong = {one.row: one.problem for one in read.wrong}
    flagged = set(read.flagged)
    found: list[int | str] = []
    for row, value in enumerate(read.values.to_list()):
        if row in wrong:
            assert value is None
            found.append(wrong[row])
        elif value is None:
            found.append("missing")
        else:
            found.append(f"~{value}" if row in flagged else value)
    return found


@pytest.mark.parametrize("rows", [1, SMALL])
def test_a_column_says_what_its_cells_say(rows: int) -> None:
    texts = list(MONEY_TEXTS) * rows
    assert by_column(texts, MONEY) == list(MONEY_TEXTS.values()) * rows


def test_bombs_are_refused_at_once() -> None:
    read = cells.parser(MONEY)
    for text in ("1e1000000", "9" * 5_000, "-" + "9" * 100_000, "0" * 1_000_000, "1" + "." + "1" * 10_000):
        start = time.perf_counter()
        assert read(text).problem in ("bad_number", "too_long")
        assert time.perf_counter() - start < 0.005


@given(st.text(max_size=12) | st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,3})?", fullmatch=True))
def test_no_text_surprises(text: str) -> None:
    """Any text is a number by the grammar or refused, and the value is the one Decimal gives."""
    cell = cells.parser(SIGNED)(text)
    if cell.value is not None and not cell.flagged:
        assert Decimal(text) * 100 == cell.value
    if cell.problem:
        assert text not in cell.value_class or text == "" or text in "textnumberdigitsdecimals()<>lowhigh0123456789"


@given(st.integers(-(10**6), 10**12))
def test_written_money_reads_back(fen: int) -> None:
    text = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"
    assert verdict(cells.parser(SIGNED)(text)) == (fen if abs(fen) <= 12 * 10**9 else "out_of_bounds")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3", 3),
        ("3.0", "not_whole"),
        ("101", "out_of_bounds"),
        ("-1", "out_of_bounds"),
        ("３", "~3"),
        ("三", "bad_number"),
    ],
)
def test_whole_numbers(text: str, found: int | str) -> None:
    assert verdict(cells.parser(WHOLE)(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2018-07-01", 20180701),
        ("2018/7/1", 20180701),
        ("20180701", 20180701),
        ("2018.7.1", 20180701),
        ("2018年7月1日", 20180701),
        ("２０１８-07-01", "~20180701"),
        ("2016-02-29", 20160229),
        ("", "missing"),
        ("2018-02-29", "bad_date"),
        ("2018-13-01", "bad_date"),
        ("2018-7/1", "bad_date"),
        ("1.7.2018", "bad_date"),
        ("2018-07", "bad_date"),
        ("43282", "bad_date"),
        ("2018-07-01T00:00:00", "bad_date"),
        ("0000-01-01", "bad_date"),
        ("1879-12-31", "out_of_bounds"),
        ("2201-01-01", "out_of_bounds"),
        ("today", "bad_date"),
        ("9" * 40, "bad_date"),
    ],
)
def test_dates(text: str, found: int | str) -> None:
    assert verdict(cells.parser(D["birth_date"])(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2018-07", 20180701),
        ("2018年7月", 20180701),
        ("201807", 20180701),
        ("2018-07-15", 20180715),
        ("2018-00", "bad_date"),
    ],
)
def test_months(text: str, found: int | str) -> None:
    assert verdict(cells.parser(D["month"])(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("是", 1),
        ("否", 0),
        ("Yes", 1),
        ("TRUE", 1),
        ("0", 0),
        ("1", 1),
        ("2", "bad_bool"),
        ("有", "bad_bool"),
        ("", "missing"),
    ],
)
def test_bools(text: str, found: int | str) -> None:
    assert verdict(cells.parser(D["registered_poor"])(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("urban", 0),
        ("Urban", 0),
        ("城镇", 0),
        ("农村", 1),
        (" 农村　", "~1"),
        ("⼈", "bad_label"),
        ("city", "bad_label"),
    ],
)
def test_labels(text: str, found: int | str) -> None:
    assert verdict(cells.parser(D["residence_type"])(text)) == found


def test_a_label_as_the_dictionary_writes_it_is_never_flagged() -> None:
    for attribute in D.values():
        for entry in attribute.values if attribute.type == "enum" else ():
            for label in (entry.title.zh, entry.title.en) if entry.title else ():
                assert not cells.parser(attribute)(label).flagged, (attribute.name, label)
    assert cells.parser(D["student_level"])("高中(中职)").flagged is False
    assert cells.parser(D["student_level"])("　高中（中职）").flagged


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("living", 1),
        ("medical;living", 3),
        ("医疗；教育", 6),
        ("基本生活、Medical", 3),
        ("none", 0),
        ("无", 0),
        ("", "missing"),
        ("living;", "bad_label"),
        ("living;food", "bad_label"),
        ("living;living", 1),
    ],
)
def test_sets(text: str, found: int | str) -> None:
    cell = cells.parser(D["needs"])(text)
    assert (cell.problem or ("missing" if cell.value is None else cell.value)) == found


@pytest.mark.parametrize("name", ["NA", "null", "None", "nan", "N/A", "㐱𠮷", "欧阳·娜娜", "=1+1"])
def test_words_that_others_take_for_missing_are_names(name: str) -> None:
    assert cells.parser(D["member_name"])(name) == cells.Cell(name)


@pytest.mark.parametrize("text", ["a\x00b", "a\ufffdb", "a\nb", "\u2028", "\ud800", "x" * 1001, "   ", "\u3000"])
def test_names_that_cannot_be(text: str) -> None:
    assert cells.parser(D["member_name"])(text).problem


def test_lookalikes_are_one_key_and_flagged() -> None:
    """A code is compared by its normal form; a name keeps its own letters. Both are flagged."""
    assert cells.parser(D["severe_illness_code"])("Ｃ０１") == cells.Cell("C01", flagged=True)
    assert cells.parser(D["member_name"])("⼈") == cells.Cell("⼈", flagged=True)
    assert cells.read_id("Ｈ１") == cells.Cell("H1", flagged=True)
    assert cells.read_id("H1\u3000") == cells.Cell("H1", flagged=True)
    assert cells.read_id("H1") == cells.Cell("H1")
    assert cells.read_id("").problem == "missing_id"
    assert cells.read_id("x" * 65).problem == "bad_id"
    assert cells.read_area("370828101201").value == "370828101201"
    assert cells.read_area("37-08").problem == "bad_area"


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (pl.Series([12, -1, None]), [1200, "out_of_bounds", "missing"]),
        (
            pl.Series([12.5, 0.1 + 0.2, float("nan"), 1e16, 3.0]),
            [1250, "too_precise", "bad_number", "bad_number", 300],
        ),
        (pl.Series([Decimal("12.50"), Decimal("-0.01")], dtype=pl.Decimal(18, 2)), [1250, "out_of_bounds"]),
        (pl.Series([Decimal("12.500"), Decimal("0.001")], dtype=pl.Decimal(18, 3)), [1250, "too_precise"]),
        (pl.Series([10**18, 2**63], dtype=pl.UInt64), ["too_long", "too_long"]),
        (pl.Series([2**62]), ["out_of_bounds"]),
        (pl.Series([True]), ["bad_number"]),
        (pl.Series([dt.date(2018, 7, 1)]), ["bad_number"]),
        (pl.Series([None]), ["missing"]),
    ],
)
def test_typed_columns_follow_the_grammar(column: pl.Series, found: list[int | str]) -> None:
    read = convert(column, MONEY)
    wrong = {one.row: one.problem for one in read.wrong}
    values = ["missing" if value is None else value for value in read.values.to_list()]
    assert [wrong.get(row, value) for row, value in enumerate(values)] == found


def test_typed_dates_bools_and_lists() -> None:
    assert convert(pl.Series([dt.date(2018, 7, 1)]), D["birth_date"]).values.to_list() == [20180701]
    assert convert(pl.Series([dt.datetime(2018, 7, 1)]), D["birth_date"]).values.to_list() == [20180701]
    assert convert(pl.Series([dt.datetime(2018, 7, 1, 5)]), D["birth_date"]).wrong[0].problem == "bad_date"
    assert convert(pl.Series([True, False, None]), D["orphan"]).values.to_list() == [1, 0, None]
    assert convert(pl.Series([["living", "care"], []]), D["needs"]).values.to_list() == [33, 0]
    with pytest.raises(ValueError, match="Struct"):
        as_text(pl.Series([{"a": 1}]))


def test_value_classes_never_show_the_value() -> None:
    assert cells.value_class("李四光的地址") == "text(6)"
    assert cells.value_class("370828199001011234") == "digits(18)"
    assert cells.value_class("-12.5") == "number(5)"
    assert cells.value_class("") == "empty"


def test_bounds_of_decimals() -> None:
    rate = DeclaredAttribute(
        name="rate",
        title=Title(zh="率", en="Rate"),
        level="household",
        type="decimal",
        decimals=4,
        bounds=(0, 1),
    )
    assert by_column(["0.1234", "1", "1.0001", "0.12345"], rate) == [
        1234,
        10_000,
        "out_of_bounds",
        "too_precise",
    ]
