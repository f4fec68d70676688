"""The office form: every table goes out and comes back the same; faults name the sheet and the cell."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name

from hardship.errors import RegisterError, TableError
from hardship.language import table
from hardship.language.fields import Exact, Expr, Model
from hardship.language.toml_layout import layout
from hardship.language.toml_text import read_toml
from hardship.language.toml_write import canonical
from hardship.messages import LANGUAGES
from hardship.office import form
from hardship.office.form_cells import kind_of, read, written
from hardship.office.form_layout import sheets, singles
from hardship.office.table_sheet import export_table, title_of
from hardship.office.table_unsheet import form_of, read_form
from hardship.reading.read_xlsx import read_cells

ROOT = Path(__file__).resolve().parents[1]
GOOD = sorted((ROOT / "tests" / "tables" / "good").glob("*.toml"))
SHIPPED = sorted((ROOT / "scoring_tables").glob("*/*.toml"))
COUNTY = ROOT / "scoring_tables" / "county_model" / "2018-01-01.toml"


@pytest.mark.parametrize("path", [*SHIPPED, *GOOD], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_table_comes_back_the_same(path: Path, tmp_path: Path) -> None:
    """Content, order of sections and remarks; only the order of keys inside a section may differ."""
    checked = export_table(path, tmp_path / "form.xlsx")
    found = read_form(tmp_path / "form.xlsx")
    assert found.checked.sha256 == checked.sha256
    text = path.read_text(encoding="utf-8")
    before, after = (layout(one, *read_toml(one.encode(), "t")) for one in (text, found.text))
    assert after == before


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    export_table(GOOD[0], tmp_path / "a.xlsx")
    export_table(GOOD[0], tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_the_form_helps_who_fills_it(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    export_table(COUNTY, path)
    with zipfile.ZipFile(path) as archive:
        titles = re.findall(r'<sheet name="([^"]+)"', archive.read("xl/workbook.xml").decode())
        pages = {
            title: archive.read(f"xl/worksheets/sheet{number}.xml").decode() for number, title in enumerate(titles, 1)
        }
        comments = "".join(archive.read(name).decode() for name in archive.namelist() if "comments" in name)
    assert titles[:2] == ["填表说明", "评分表"]
    for title, page in pages.items():
        if title != "填表说明":
            assert "<pane " in page, title
            assert "<dataValidation " in page or title in ("指数", "受保护信息", "来源"), title
    assert "分组!$A$2:$A$400" in pages["评分项"]
    assert "文件公布,法规规定,未核实,示例数据" in pages["常数"]
    assert "Points (points)" in comments


def test_every_key_and_word_has_a_name_and_no_two_columns_the_same() -> None:
    models = [one for one in vars(table).values() if isinstance(one, type) and issubclass(one, Model)]
    for lang in LANGUAGES:
        for model in models:
            for field in model.model_fields.values():
                for word in form.options(field.annotation):
                    assert form.option_word(field.annotation, form.option_of(field.annotation, word, lang)) == word
    for sheet in sheets():
        for lang in LANGUAGES:
            assert form.section(sheet.name, lang)
            assert all(form.section(line.name, lang) for line in sheet.lines)
        names = [title_of(column.key) for column in sheet.columns] + ["行别", "备注", "文件中的次序"]
        assert len(set(names)) == len(names), sheet.name
    names = [form.section(sheet.name, "zh") for sheet in sheets()]
    assert len(set(names)) == len(names)
    assert {line.name for line in singles()} == {
        "table", "household", "missing", "exit", "review", "transition", "results", "rank",
    }  # fmt: skip


# --- faults ---


Pages = dict[str, list[tuple[int, list[str]]]]


def typed_over(pages: Pages, changes: dict[tuple[str, str], str]) -> Pages:
    """The cells of a form with some typed over: `("评分项", "F3")` → text."""
    found = {title: [(number, list(texts)) for number, texts in rows] for title, rows in pages.items()}
    for (sheet, at), text in changes.items():
        row, column = xl_cell_to_rowcol(at)
        line = next((texts for number, texts in found[sheet] if number == row + 1), None)
        if line is None:
            line = []
            found[sheet].append((row + 1, line))
        line.extend([""] * (column + 1 - len(line)))
        line[column] = text
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    path = tmp_path_factory.mktemp("form") / "form.xlsx"
    export_table(COUNTY, path)
    return read_cells(path)


def place(pages: Pages, sheet: str, column: str, first: str) -> str:
    """The cell of a titled column in the row that begins with, or names, `first`."""
    _, titles = pages[sheet][0]
    number = next(number for number, texts in pages[sheet][1:] if first in texts[:3])
    letters = xl_col_to_name(titles.index(column))
    return f"{letters}{number}"


WRONG = [
    ("评分项", "分值", "a01", "一分", "数字"),
    ("评分项", "分组", "a01", "nowhere", "nowhere"),
    ("评分项", "每名成员的条件", "a01", "years >= old_agee", "old_agee"),
    ("评分项", "行别", "a01", "评分", "评分项"),
    ("评分项", "低于", "a01", "3", "评分项"),
    ("常数", "值", "old_age", "1e400", "数字"),
    ("常数", "单位", "old_age", "miles", "miles"),
    ("常数", "性质", "old_age", "官方", "官方"),
    ("常数", "核实有效期至", "old_age", "明年", "2018-07-01"),
    ("否决条款", "后果", "V01", "警告", "警告"),
    ("缺失处理", "缺失时", "orphan", "也许", "按推定值"),
    ("圈层", "取法", "circle", "随便", "随便"),
]


@pytest.mark.parametrize(("sheet", "column", "first", "typed", "told"), WRONG)
def test_a_fault_names_its_cell(sheet: str, column: str, first: str, typed: str, told: str, pages: Pages) -> None:
    at = place(pages, sheet, column, first)
    with pytest.raises(TableError) as caught:
        form_of(typed_over(pages, {(sheet, at): typed}), "typed.xlsx")
    texts = [fault.text("zh") for fault in caught.value.faults]
    assert any(f"typed.xlsx:{sheet}!" in text and told in text for text in texts), texts
    if column != "行别":
        assert any(f"typed.xlsx:{sheet}!{at}" in text for text in texts), texts
    assert all(re.search("[A-Za-z]", fault.text("en")) for fault in caught.value.faults)


def test_an_unknown_column_and_a_line_without_its_entry(pages: Pages) -> None:
    changes = {("常数", "B1"): "名称中文", ("圈层", "A2"): "级"}
    with pytest.raises(TableError) as caught:
        form_of(typed_over(pages, changes), "typed.xlsx")
    texts = caught.value.text("zh")
    assert "常数!B1" in texts
    assert "圈层!A2" in texts


def test_what_is_typed_counts(tmp_path: Path, pages: Pages) -> None:
    """A changed number and a new constant without a place in the file; typed into a workbook that has neither formats
    nor comments, the number as a number."""
    rows = len(pages["常数"]) + 1
    changes = {
        ("常数", place(pages, "常数", "值", "medical_cap")): "25000.5",
        ("常数", f"A{rows}"): "spare",
        ("常数", f"B{rows}"): "备用",
        ("常数", f"C{rows}"): "Spare",
        ("常数", place(pages, "常数", "值", "old_age").rstrip("0123456789") + str(rows)): "1/18",
    }
    out = tmp_path / "typed.xlsx"
    with xlsxwriter.Workbook(out) as book:
        for title, lines in typed_over(pages, changes).items():
            page = book.add_worksheet(title)
            for number, texts in lines:
                for column, text in enumerate(texts):
                    if text == "25000.5":
                        page.write_number(number - 1, column, 25000.5)
                    elif text:
                        page.write_string(number - 1, column, text)
    found = read_form(out)
    constants = {one.name: one for one in found.checked.table.constant}
    assert constants["medical_cap"].value == Fraction(50001, 2)
    assert constants["spare"].value == Fraction(1, 18)
    assert found.text.index('name = "refusal_limit"') < found.text.index('name = "spare"')
    assert found.text.index('name = "spare"') < found.text.index("# Lists and look-ups")


def test_a_file_that_is_no_workbook(tmp_path: Path) -> None:
    (tmp_path / "no.xlsx").write_text("no", encoding="utf-8")
    with pytest.raises(RegisterError):
        read_form(tmp_path / "no.xlsx")


def test_an_empty_workbook_is_no_table(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "empty.xlsx") as book:
        book.add_worksheet("其他")
    with pytest.raises(TableError) as caught:
        read_form(tmp_path / "empty.xlsx")
    assert "empty.xlsx" in caught.value.text("zh")


# --- cells ---

KINDS: list[tuple[Any, str, list[Any]]] = [
    (str, "text", ["甲", " a ", "[a", "x;y", "true", "1", ""]),
    (Exact, "number", [3, Decimal("0.50"), "1/18", -2]),
    (Expr, "expression", ["a + b", "not a"]),
    (bool, "truth", [True, False]),
    (int | None, "whole", [0, 12]),
    (dt.date | None, "date", [dt.date(2018, 7, 1)]),
    (Literal["floor", "ceil"], "option", ["floor"]),
    (table.Points | None, "points", [3, {"a": 3, "b": Decimal("2.5")}, "1/2"]),
    (tuple[str, ...], "texts", [["a", "b"], ["a;b"], [""], []]),
    (tuple[Exact, Exact], "numbers", [[1, 1_200_000], ["1/2", 3]]),
    (Any, "any", [False, 0, "none", "0", "2018-01-01", dt.date(2018, 1, 1)]),
    (
        tuple[table.Band, ...] | None,
        "bands",
        [[{"below": 18}, {"at_most": 60}, {"otherwise": True}], [{"below": 1, "title": {"zh": "低", "en": "Low"}}]],
    ),
]


@pytest.mark.parametrize(("annotation", "kind", "values"), KINDS, ids=[kind for _, kind, _ in KINDS])
def test_a_value_comes_back_from_its_cell(annotation: Any, kind: str, values: list[Any]) -> None:
    assert kind_of(annotation) == kind
    for value in values:
        text = written(value, annotation)
        assert text
        assert canonical(read(text, annotation)) == canonical(value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(text: str) -> None:
    for annotation in (str, Any, tuple[str, ...]):
        value = [text] if annotation not in (str, Any) else text
        assert canonical(read(written(value, annotation), annotation)) == canonical(value)


def test_cells_as_people_type_them() -> None:
    assert read("是", bool) is True
    assert read("No", bool) is False
    assert read("文件公布", Literal["published", "law", "unverified", "illustrative"]) == "published"
    assert read("law", Literal["published", "law", "unverified", "illustrative"]) == "law"
    assert read(" a = 3； b=2 ", table.Points) == {"a": 3, "b": 2}
    assert read("<18；<=60; 其余", tuple[table.Band, ...]) == [{"below": 18}, {"at_most": 60}, {"otherwise": True}]
    assert read("1e-05", Exact) == Decimal("0.00001")
    assert read("a\n+ b", Expr) == "a + b"
    for wrong in ("", "abc", "12,5", "nan", "1e400"):
        with pytest.raises(ValueError, match=r"form\.want"):
            read(wrong, Exact)


# --- hostile forms ---

HOSTILE = [
    "", " ", "是", "0", "1/0", "9" * 5000, "1e400", "-0.0", "²", "[", "[" * 3000, '"', '{a = 1}', "{", "[[1]]", "true",
    "2018-02-30", "=1+1", "#REF!", "\x00", "'", "a\nb", "不", "01", "99999999", "else", "count(", "评分项",
    "级", "x" * 3000,
]  # fmt: skip


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_is_typed_is_a_table_or_faults_at_cells(pages: Pages, data: st.DataObject) -> None:
    """Never anything else: no crash, no fault without the workbook's name."""
    typed = {title: [(number, list(texts)) for number, texts in rows] for title, rows in pages.items()}
    for _ in range(data.draw(st.integers(1, 4))):
        title = data.draw(st.sampled_from(sorted(typed)))
        _, texts = data.draw(st.sampled_from(typed[title]))
        place = data.draw(st.integers(0, len(texts) + 2))
        texts.extend([""] * (place + 1 - len(texts)))
        texts[place] = data.draw(st.sampled_from(HOSTILE))
    faults = []
    try:
        form_of(typed, "f.xlsx")
    except TableError as error:
        faults = error.faults
    assert all(fault.text("zh").startswith("f.xlsx") and fault.text("en") for fault in faults)
