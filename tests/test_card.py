"""Public cards: everything a table says is on its card, in both languages, and nothing is called more than it is."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hardship.cards import html as card_html
from hardship.cards import text as card_text
from hardship.cards.card import STATUSES, card, card_json
from hardship.cards.rules import all_items
from hardship.checking.check import Checked
from hardship.load import load_table, load_text
from hardship.standards import load_standards

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = sorted((ROOT / "scoring_tables").glob("*/*.toml"))
GOOD = sorted((ROOT / "tests" / "tables" / "good").glob("*.toml"))
STANDARDS = load_standards()
LOADED: dict[Path, Checked] = {}


def table(name: str) -> Checked:
    """The last version of a shipped table."""
    path = max((ROOT / "scoring_tables" / name).glob("*.toml"))
    return LOADED.setdefault(path, load_table(path))


@pytest.mark.parametrize("path", [*SHIPPED, *GOOD], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_table_has_a_card_in_both_languages(path: Path) -> None:
    checked = LOADED.setdefault(path, load_table(path))
    for lang in ("zh", "en"):
        made = card(checked, lang, standards=STANDARDS)
        assert json.loads(card_json(made)) == made
        text, page = card_text.render(made), card_html.render(made)
        for one in (*checked.table.item, *checked.table.veto, *checked.table.constant, *checked.table.source):
            assert one.title.text(lang) in text
        assert sorted(one["id"] for one in all_items(made)) == sorted(one.id for one in checked.table.item)
        if path in SHIPPED and lang == "en":
            assert not re.search("[\u4e00-\u9fff]", text)
        assert "<script" not in page
        assert not re.search(r'(src|href)="', page)
        Closed().check(page)


class Closed(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = ("meta", "br")

    def check(self, page: str) -> None:
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_what_can_be_reached_stands_on_the_card() -> None:
    """By hand: group C of Jinxiang adds up to 13 points below its cap of 15; 45 + 40 + 13 = 98."""
    made = card(table("jinxiang"), "zh")
    groups = {group["id"]: group for group in made["groups"]}
    assert (groups["property"]["cap"], groups["property"]["max"]) == ("15", "13")
    assert made["indices"][0]["max"] == "98"
    assert "可得" in card_html.render(made)


def test_an_item_in_words() -> None:
    made = card(table("county_model"), "zh")
    items = {item["id"]: item for item in all_items(made)}
    share = items["b16"]
    assert share["measured"] == "家庭核定年收入 ÷ （共同生活人数 × 低保标准）"
    assert [(line["when"], line["points"]) for line in share["lines"]] == [
        ("< 0.2", "25"),
        ("≥ 0.2 且 < 0.4", "20"),
        ("≥ 0.4 且 < 0.6", "15"),
        ("≥ 0.6 且 < 0.8", "10"),
        ("≥ 0.8 且 < 1", "5"),
        ("≥ 1", "0"),
    ]
    assert (share["min"], share["max"]) == ("0", "25")
    assert items["c26"]["lines"][-1]["veto"] == "V07"
    assert items["a01"]["for_each"] == "家庭成员"
    assert (items["b20"]["missing"], items["b20"]["missing_text"]) == ("0", "土地情况不明")
    vetoes = {veto["id"]: veto for veto in made["vetoes"]}
    assert vetoes["V07"]["raised_by"] == ["c26"]
    assert vetoes["V01"]["effect_text"] == "暂缓"
    assert vetoes["V09"]["period"] == "24个月"
    words = card_text.Words(made)
    assert words.rung_lines(made["ladders"][0]["rungs"][1]) == ["家庭核定年收入 ÷ 共同生活人数 ≤ 低收入家庭标准"]
    assert made["ladders"][0]["rungs"][2]["outcome_text"] == "不符合条件"
    assert made["rank"]["keys"][1]["show"] == "0.01"


def test_missing_facts_are_told() -> None:
    facts = {fact["name"]: fact for fact in card(table("county_model"), "zh")["facts"]}
    assert facts["orphan"]["missing_text"] == "按“否”推定，并在结果中注明"
    assert facts["birth_date"]["missing"] == "incomplete"
    assert "ethnicity" not in facts


def test_statuses_stand_apart() -> None:
    """What Beilin's case prints are two multiples; the rest of its numbers are illustrative."""
    text = """
[[constant]]
name = "seen"
title = { zh = "见到的", en = "Seen" }
value = 3
status = "unverified"
verified_until = 2020-12-31
"""
    path = ROOT / "tests" / "tables" / "good" / "minimal.toml"
    made = card(load_text(path.read_text(encoding="utf-8") + text), "en")
    assert [(one["id"], one["text"]) for one in made["by_status"]["unverified"]] == [("seen", "3")]
    assert [one["verified_until"] for one in made["verified_until"]] == ["2020-12-31"]
    bairin = card(table("bairin_left"), "en")
    published = {one["id"]: one["text"] for one in bairin["by_status"]["published"] if one["part"] == "constants"}
    assert published["work_months"] == "8 months a year"
    assert published["land_share"] == "0.6"
    assert "luxury_raise" not in published
    coefficient = bairin["lookups"][0]
    assert coefficient["published"][0] == [False, False, False, False, True]
    assert coefficient["published"][4] == [True] * 5
    assert "0.5 | 1 | 0.8 | 0.4 | 0*" in card_text.render(bairin)


@pytest.mark.parametrize("path", SHIPPED[:8], ids=lambda path: path.parent.name)
def test_every_number_has_one_status(path: Path) -> None:
    checked = LOADED.setdefault(path, load_table(path))
    made, own = card(checked, "en"), checked.table
    found = [(one["part"], one["id"]) for status in STATUSES for one in made["by_status"][status]]
    rungs = sum(len(ladder.rung) for ladder in own.ladder)
    parts = (own.parameter, own.constant, own.list, own.lookup, own.item, own.veto, own.person)
    assert len(found) == sum(map(len, parts)) + rungs


def test_local_numbers_are_those_of_the_place() -> None:
    made = card(table("jinxiang"), "en", standards=STANDARDS)
    rows = made["parameters"][0]["rows"]
    assert rows
    assert all("370828".startswith(row["area"]) or row["area"].startswith("370828") for row in rows)
    keys = [(row["area"], row["residence"]) for row in rows if row["from"] <= made["version"]]
    assert len(keys) == len(set(keys))


def test_a_protected_fact_is_shown_with_its_reason() -> None:
    checked = load_table(ROOT / "tests" / "tables" / "good" / "own_attributes.toml")
    made = card(checked, "zh")
    assert [(one["attribute"], one["reason"]) for one in made["protected"]] == [("ethnicity", "民族政策规定")]
    assert "民族政策规定" in card_html.render(made)


def test_texts_of_a_table_are_escaped() -> None:
    path = ROOT / "tests" / "tables" / "good" / "minimal.toml"
    text = re.sub(r'en = "[^"]*" \}', 'en = "<b>&</b>" }', path.read_text(encoding="utf-8"), count=1)
    page = card_html.render(card(load_text(text), "en"))
    assert "<b>&</b>" not in page
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
