"""Notices to households: what the run found, in plain words, a page each."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pypdfium2
import pytest
from report_data import county, scored

from hardship.errors import EngineError
from hardship.reports.notices import MOST, SENTENCES, Sender, notices, only_households, write
from hardship.results import Results
from hardship.sheet import Sheet

SENDER = Sender("某镇人民政府", "0537-0000000", 60)


def chosen(count=24):
    rows = county().register.frames["household"].height
    return pl.Series([place % (rows // count) == 0 for place in range(rows)])


@pytest.fixture(scope="module")
def made():
    return list(notices(scored(), county(), chosen(), SENDER, "zh"))


def test_each_household_gets_what_the_run_found(made):
    results = {row["household_id"]: row for row in scored().frame.iter_rows(named=True)}
    assert len(made) == chosen().sum()
    assert {one["good"] for one in made} == {True, False}
    for one in made:
        row = results[one["id"]]
        assert one["good"] == (row["outcome"] == "meets")
        assert bool(one["amount"]) == bool(row["benefit_month"])
        if one["amount"]:
            assert f"{row['benefit_month']:,.2f}" in one["amount"]
        assert 1 <= len(one["why"]) <= SENTENCES
        assert one["until"]


def test_they_stand_in_the_order_of_places(made):
    assert [(one["area"], one["id"]) for one in made] == sorted((one["area"], one["id"]) for one in made)


def test_missing_papers_are_no_refusal(made):
    (one, *_) = [one for one in made if "还不全" in one["outcome"]]
    assert "不是不予救助" in one["outcome"]
    assert any(line.startswith("缺少") for line in one["why"])


def test_a_result_that_the_plain_evaluator_does_not_find_stops_all():
    frame = scored().frame
    other = frame.with_columns(benefit_month=pl.col("benefit_month") + pl.lit("0.01").cast(pl.Decimal(18, 2)))
    wrong = Results(Sheet.of(other), None, scored().rejects, scored().run, scored().sha256)
    with pytest.raises(EngineError):
        list(notices(wrong, county(), chosen(), SENDER, "zh"))


def test_a_page_for_each_in_pdf_and_html(tmp_path, made, monkeypatch):
    monkeypatch.setattr("hardship.reports.notices.MOST", 2)
    record = write(tmp_path / "cards", scored(), county(), chosen(), SENDER, "zh")
    assert record["counts"]["notices"] == len(made)
    folder = tmp_path / "cards" / "cards"
    pages, text, articles = 0, "", 0
    for path in folder.iterdir():
        if path.suffix == ".pdf":
            document = pypdfium2.PdfDocument(path)
            assert len(document) <= 2
            pages += len(document)
            text += "".join(page.get_textpage().get_text_range() for page in document)
        else:
            articles += path.read_text(encoding="utf-8").count("<article>")
    assert pages == articles == len(made)
    assert text.count("0537-0000000") == len(made)
    assert text.count("60 天内") == len(made)
    assert all(one["id"] in text for one in made)
    assert json.loads((tmp_path / "cards" / "run.json").read_text())["kind"] == "notices"
    assert MOST == 5_000


def test_a_part_of_a_register_is_that_register(tmp_path):
    inputs = county()
    part = only_households(inputs.register, chosen())
    ids = part.frames["household"]["household_id"]
    assert ids.to_list() == inputs.register.frames["household"]["household_id"].filter(chosen()).to_list()
    whole = inputs.register.frames["member"]
    expected = whole.filter(pl.Series(chosen().to_numpy()[whole["household"].to_numpy()]))["member_id"]
    assert part.frames["member"]["member_id"].to_list() == expected.to_list()
    for level in ("supporter", "transfer"):
        assert part.frames[level]["member"].max() is None or part.frames[level]["member"].max() < len(expected)


def test_english_and_no_contact():
    inputs = county()
    one = next(notices(scored(), inputs, chosen(1), Sender(), "en", names={}))
    assert one["to"].startswith("To household H")
    assert replace(Sender(), days=3).days == 3
