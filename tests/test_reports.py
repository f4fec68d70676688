"""The reports of a movement: every cell of the workbook, a page that needs nothing, charts with letters in them."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from decimal import Decimal

import fastexcel
import polars as pl
import pypdfium2
import pytest
from report_data import county, movement
from workbook_cells import differences, same, sheet

from hardship import messages, pages
from hardship.charts import to_png
from hardship.errors import UsageError
from hardship.movement.rerank import rerank
from hardship.reports import book, movement_book, pdf, pictures
from hardship.reports.content import content
from hardship.reports.settings import setting_rows
from hardship.reports.shown import percent
from hardship.reports.story import story_of
from hardship.reports.write import write_reports
from hardship.standards import standards


@pytest.fixture(scope="module")
def story():
    return story_of(movement())


@pytest.fixture(scope="module")
def told(story):
    return content(story, "en")


@pytest.fixture(scope="module")
def reports(tmp_path_factory, story):
    out = tmp_path_factory.mktemp("reports")
    write_reports(story, out, lang="en")
    return out


def full(code, **params):
    return messages.text(code, "en", **params)


def say(code, **params):
    return full(f"report.{code}", **params)


def test_every_list_holds_its_households_cell_by_cell(reports, story):
    found = list(differences(reports / "movement.xlsx", story, "en"))
    assert [one for one in found if not one[-1]] == []
    assert len(found) > 10_000
    assert {"household_id", "amount_before", "amount_after", "income_after", "change"} <= {one[2] for one in found}


def test_the_county_has_all_that_the_sheets_are_for(story):
    counts = story.counts()
    assert min(counts[kind] for kind in ("entered", "left", "raised", "arrived", "departed")) > 0
    assert story.exits.height > 0


def test_the_exits_are_those_of_the_movement(reports, story):
    head, rows = sheet(reports / "movement.xlsx", say("list_exit"))
    place = {column.title: column.name for column in movement_book._exit_columns(full, story)}
    assert len(rows) == story.exits.height > 0
    for row, value in zip(rows, story.exits.iter_rows(named=True), strict=True):
        for title, cell in zip(head, row, strict=True):
            if place[title] in ("household_id", "months", "amount", "amount_before", "first", "until", "total"):
                assert same(cell, value[place[title]])


def test_the_areas_are_the_totals(reports, story):
    head, rows = sheet(reports / "movement.xlsx", say("sheet_areas"))
    assert len(rows) == story.totals.height
    money = head.index(say("pair", what=say("total_month"), end=say("after")))
    assert [Decimal(row[money]) for row in rows] == story.totals["month_after"].to_list()
    entered = head.index(say("count_entered"))
    assert [int(row[entered]) for row in rows] == story.totals["entered"].to_list()


def test_the_matrix_is_the_matrix(reports, story):
    frame = fastexcel.read_excel(reports / "movement.xlsx").load_sheet(
        say("sheet_matrix"), header_row=None, dtypes="string"
    )
    rows = [list(row) for row in frame.to_polars().iter_rows()]
    first = next(place for place, row in enumerate(rows) if row[0] == say("before_down"))
    names = list(story.states)
    for place, one in enumerate(names):
        cells = [int(cell) for cell in rows[first + 1 + place][1 : len(names) + 1]]
        expected = story.matrix.filter(pl.col("state_before") == one)["households"].to_list()
        assert cells == expected
    assert int(rows[first + 1 + len(names)][len(names) + 1]) == story.frame.height


def test_money_of_any_size_stays_exact(tmp_path):
    amounts = [Decimal(k).scaleb(-2) for k in (1, 7, 29, 57, 113, 435, 100_000_007, 123_456_789_012_345)]
    made = book.Book("f", "p")
    made.sheet("m", "m").table([book.Column("a", "a", "money")], [[value] for value in amounts], height=len(amounts))
    made.save(tmp_path / "m.xlsx")
    read = fastexcel.read_excel(tmp_path / "m.xlsx").load_sheet("m", header_row=1)
    assert [Decimal(repr(value)) for value in read.to_polars()["a"].to_list()] == amounts


@pytest.mark.parametrize("text", ["=1+1", "+1", "-12.50", "@SUM(A1)", "\tx", "＝1", '=HYPERLINK("http://x")'])
def test_texts_that_a_spreadsheet_would_run_are_guarded(tmp_path, text):
    made = book.Book(text, "p")
    made.sheet("=m", text, [text]).table([book.Column("a", text)], [[text]], height=1)
    made.save(tmp_path / "m.xlsx")
    inside = zipfile.ZipFile(tmp_path / "m.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in inside
    assert "hyperlink" not in inside
    assert fastexcel.read_excel(tmp_path / "m.xlsx").load_sheet(0, header_row=None).to_polars().item(0, 0)[0] == "'"


def test_a_list_longer_than_a_sheet_goes_on_in_a_second_book(tmp_path, story, monkeypatch):
    monkeypatch.setattr(book, "MOST_ROWS", 300)
    paths = movement_book.write(story, tmp_path / "movement.xlsx", "zh")
    raised = story.frame.filter(pl.col("kind").is_in(["raised", "lowered", "moved"]))["household_id"].to_list()
    name = messages.text("report.list_changed", "zh")
    found = []
    for path in paths:
        if name in fastexcel.read_excel(path).sheet_names:
            found += [row[0] for row in sheet(path, name)[1]]
    assert len(paths) == -(-len(raised) // 300) > 1
    assert found == raised


def test_the_same_movement_gives_the_same_bytes(tmp_path, reports, story, told):
    movement_book.write(story, tmp_path / "movement.xlsx", "en")
    assert (tmp_path / "movement.xlsx").read_bytes() == (reports / "movement.xlsx").read_bytes()
    assert pages.render("movement", c=told) == (reports / "movement.html").read_text(encoding="utf-8")
    assert pdf.render("movement", told) == (reports / "movement.pdf").read_bytes()


def test_the_page_needs_nobody_and_runs_nothing(reports):
    text = (reports / "movement.html").read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert all(one.startswith("http://www.w3.org/") for one in addresses)  # names of SVG, not places
    assert not re.search(r"<script|<link|<iframe|<object|<embed|javascript:|@import|\bon\w+=|\burl\((?!#)", text)


def test_every_chart_has_letters_and_a_text_in_its_place(told):
    charts = [one for one in told["sections"] if one["chart"]]
    assert len(charts) >= 6
    for one in charts:
        letters = re.findall(r"<text[^>]*>([^<]+)</text>", one["chart"])
        assert len(letters) > 5
        assert re.search("[A-Za-z]{5}", "".join(letters))
        assert one["alt"]
        assert one["rows"]
    ids = re.findall(r'\bid="([^"]+)"', "".join(one["chart"] for one in charts))
    assert len(ids) == len(set(ids))


def test_a_chart_drawn_has_ink_where_its_letters_are():
    # Without its font the renderer leaves letters out: then this picture would be white.
    chart = (
        pictures._chart([{"t": "低保标准"}]).mark_text(fontSize=30).encode(text="t:N").properties(width=200, height=60)
    )
    assert len(to_png(chart)) > 2 * len(to_png(chart.mark_text(fontSize=30, opacity=0)))


def test_the_pdf_says_what_the_page_says(reports, told):
    sheets = pypdfium2.PdfDocument(reports / "movement.pdf")
    text = "".join(one.get_textpage().get_text_range() for one in sheets)
    flat = re.sub(r"\s+", "", text)
    for card in told["cards"]:
        assert card["after"] in flat
    for one in told["sections"]:
        assert re.sub(r"\s+", "", one["title"]) in flat
    html = (reports / "movement.html").read_text(encoding="utf-8")
    for one in told["sections"]:
        for row in one["rows"]:
            assert all(cell in html for cell in row if cell.isdigit())


def test_townships_add_up(story, tmp_path):
    codes = sorted({code[:9] for code in story.frame["area_code"]})
    parts = [story.of(code) for code in codes]
    assert sum(part.frame.height for part in parts) == story.frame.height
    for name in ("households", "persons", "amount_before", "amount_after"):
        assert sum(part.matrix[name].sum() for part in parts) == story.matrix[name].sum()
    for name in ("households_after", "month_before", "year_difference"):
        assert sum(part.whole()[name] for part in parts) == story.whole()[name]
    few = replace(story, frame=story.frame.filter(pl.col("area_code").str.slice(0, 9).is_in(codes[:2])))
    write_reports(few, tmp_path, formats=(), by="township")
    assert sorted(path.stem for path in (tmp_path / "townships").iterdir()) == codes[:2]
    rows = sheet(tmp_path / "townships" / f"{codes[0]}.xlsx", messages.text("report.list_entered", "zh"))[1]
    assert len(rows) == parts[0].counts()["entered"]


def test_percentages_are_rounded_half_away_from_zero():
    assert percent(Decimal("0.0005"), Decimal(1)) == "+0.1%"
    assert percent(Decimal("-25.25"), Decimal(1000)) == "-2.5%"
    assert percent(Decimal(-1), Decimal(100_000)) == "0.0%"
    assert percent(Decimal(1), Decimal(0)) == "—"


def test_shares_of_a_change_are_sixths_of_a_fen():
    frame = pl.DataFrame({"a": pl.Series([0, 1, 3, -3, 2, 602, -604], dtype=pl.Int64)})
    yuan = frame.select(movement_book._yuan("a"))["a"].to_list()
    assert [str(value) for value in yuan] == ["0.00", "0.00", "0.01", "-0.01", "0.00", "1.00", "-1.01"]


@pytest.mark.parametrize(
    ("package", "formats"), [("typst", ["pdf"]), ("altair", ["html"]), ("vl_convert", ["xlsx", "html"])]
)
def test_an_absent_library_is_named_before_any_work(tmp_path, story, monkeypatch, package, formats):
    monkeypatch.setattr("hardship.reports.extra.find_spec", lambda name: None if name == package else object())
    with pytest.raises(UsageError, match=package):
        write_reports(story, tmp_path, formats)
    assert list(tmp_path.iterdir()) == []
    assert write_reports(story, tmp_path, ["xlsx"])


def test_lines_before_and_after_stand_in_one_row():
    """Standards for everywhere before, for the county after: the same places, and no area where all have the same."""
    before = county()
    code = before.register.frames["household"]["area_code"][0][:6]
    rows = [
        replace(row, area_code=code, value=row.value * 11 / 10)
        for row in before.standards.rows
        if row.parameter == "dibao_standard" and row.area_code == ""
    ]
    wide = [row for row in before.standards.rows if row.area_code == ""]
    first, second = (replace(before, standards=standards(found)) for found in (wide, [*wide, *rows]))
    assert rows
    story = story_of(rerank(first, second, threads=1, quick=True))
    found = [row for row in setting_rows(story, "en", lambda code, **params: full(code, **params)) if "Line" in row[0]]
    assert len(found) == len(story.lines[0]) == len(story.lines[1])
    assert [row for row in found if "—" in row or code in row[0]] == []
    assert any(float(after.replace(",", "")) > float(old.replace(",", "")) for _, old, after in found)
