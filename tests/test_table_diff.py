"""Two versions compared: each kind of change is said in words, and nothing else is."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from hardship import cli
from hardship.load import load_table
from hardship.office.table_diff import compare, difference_json, render

ROOT = Path(__file__).resolve().parents[1]
COUNTY = ROOT / "scoring_tables" / "county_model" / "2018-01-01.toml"
TEXT = COUNTY.read_text(encoding="utf-8")
BEFORE = load_table(COUNTY)

CHANGES = [
    # what is changed, section and id, the sentence in Chinese, in English
    (("{ below = 0.2, points = 25 }", "{ below = 0.2, points = 24 }"), ("item", "b16"), "分档 < 0.2：分值：25 → 24",
     "Band < 0.2: Points: 25 → 24"),
    (("{ below = 0.6, points = 15 }", "{ below = 0.65, points = 15 }"), ("item", "b16"), "分档 < 0.6：低于：0.6 → 0.65",
     "Band < 0.6: Below: 0.6 → 0.65"),
    (("  { below = 0.8, points = 10 },\n", ""), ("item", "b16"), "删去：分档 < 0.8（分值 10）",
     "removed: Band < 0.8 (Points 10)"),
    (("{ below = 24, points = 0 }", '{ below = 24, points = 0, veto = "V05" }'), ("item", "c26"),
     "分档 < 24：触发条款：新填 V05", "Band < 24: Clause raised: now V05"),
    (('each = "old_age <= years < high_age"', 'each = "old_age <= years <= high_age"'), ("item", "a01"),
     "每名成员的条件：老年人年龄 ≤ 年龄 < 高龄老人年龄 → 老年人年龄 ≤ 年龄 ≤ 高龄老人年龄",
     "For each member: Old age ≤ Age < High age → Old age ≤ Age ≤ High age"),
    (('at_most = "low_income_line"', 'below = "low_income_line"'), ("ladder", "circle"),
     "级 low_income：标准线 低收入家庭标准：不高于 低收入家庭标准 → 低于 低收入家庭标准",
     "Rung low_income: Test Low-income line: At most Low-income line → Below Low-income line"),
    (('id = "V01"\ntitle = { zh = "拒绝授权核对", en = "Refuses authorisation or verification" }\neffect = "defer"',
      'id = "V01"\ntitle = { zh = "拒绝授权核对", en = "Refuses authorisation or verification" }\neffect = "refuse"'),
     ("veto", "V01"), "后果：暂缓 → 否决", "Effect: defers → refuses"),
    (("value = 60\n", "value = 65\n"), ("constant", "old_age"), "值：60 → 65", "Value: 60 → 65"),
    (('title = { zh = "低保标准", en = "Dibao standard" }\nunit = "money/year"\nbounds = [1, 1_200_000]',
      'title = { zh = "低保标准", en = "Dibao standard" }\nunit = "money/year"\nbounds = [1, 900_000]'),
     ("parameter", "dibao_standard"), "上下限：1; 1200000 → 1; 900000", "Bounds: 1; 1200000 → 1; 900000"),
    (("  [0.5, 1, 0.8, 0.4, 0],", "  [0.6, 1, 0.8, 0.4, 0],"), ("lookup", "labour_coefficient"),
     "一类，< 18：0.5 → 0.6", None),
    (("orphan = { assume = false }\n", ""), ("missing", "orphan"), "缺失时：按推定值 否 → 资料不全，不作判断",
     "Where missing: assume no → incomplete: not judged"),
    (('"charity",', '"charity", "pension",'), ("list", "exempt_income"), "新增：取值 pension", "added: Value pension"),
    (('mode = \'half_up\')"', 'mode = \'floor\')"'), ("benefit", "benefit_amount"),
     "算式：四舍五入（折合每月（全年差额 ÷ 12），到分） → 向下取整（折合每月（全年差额 ÷ 12），到分）", None),
    (('order = "ascending", show', 'order = "descending", show'), ("key", ""), None, None),
    (("cap = 45", "cap = 40"), ("group", "status"), "封顶：45 → 40", "Cap: 45 → 40"),
    (("floor = 0", "floor = 0\ncap = 90"), ("index", "hardship"), "封顶：新填 90", "Cap: now 90"),
    (('zh = "全部数字均为示例，不代表任何地方的规定；仅用于演示和测速。"', 'zh = "全部数字均为示例。"'), ("table", ""),
     "说明（中文）：全部数字均为示例，不代表任何地方的规定；仅用于演示和测速。 → 全部数字均为示例。", None),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "where", "zh", "en"), CHANGES)
def test_a_change_in_words(
    edit: tuple[str, str], where: tuple[str, str], zh: str | None, en: str | None, tmp_path: Path
) -> None:
    assert edit[0] in TEXT
    (tmp_path / "new.toml").write_text(TEXT.replace(edit[0], edit[1], 1), encoding="utf-8")
    after = load_table(tmp_path / "new.toml")
    for lang, sentence in (("zh", zh), ("en", en)):
        found = compare(BEFORE, after, lang)
        assert not found["same"]
        assert {(one["section"], one["id"]) for one in found["changes"]} == {where}
        if sentence is not None:
            assert [one["text"] for one in found["changes"]] == [sentence]
            assert f"    {sentence}\n" in render(found)
        assert json.loads(difference_json(found)) == found
        if lang == "en" and where[0] != "table":
            assert not re.search("[\u4e00-\u9fff]", render(found))
    back = compare(after, BEFORE, "zh")
    assert len(back["changes"]) == len(compare(BEFORE, after, "zh")["changes"])


def test_entries_that_come_go_and_move(tmp_path: Path) -> None:
    first = TEXT.index('[[ladder.rung]]\nid = "circle_3"')
    second = TEXT.index('[[ladder.rung]]\nid = "circle_4"')
    third = TEXT.index("[[benefit]]")
    moved = TEXT[:first] + TEXT[second:third] + TEXT[first:second] + TEXT[third:]
    begins = moved.index('[[item]]\nid = "c35"')
    ends = moved.index("# Fourteen clauses")
    moved = moved[:begins] + moved[begins:ends].replace('id = "c35"', 'id = "c36"') + moved[ends:]
    (tmp_path / "new.toml").write_text(moved, encoding="utf-8")
    found = compare(BEFORE, load_table(tmp_path / "new.toml"), "zh")
    assert [(one["section"], one["id"], one["kind"], one["text"]) for one in found["changes"]] == [
        ("item", "c35", "removed", "删去：评分项"),
        ("item", "c36", "added", "新增：评分项"),
        ("ladder", "circle", "moved", "级：次序改变"),
    ]


def test_remarks_and_spacing_are_no_change(tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_text("# Seen.\n" + TEXT.replace("20_000", "20000"), encoding="utf-8")
    found = compare(BEFORE, load_table(tmp_path / "new.toml"), "en")
    assert (found["same"], found["changes"]) == (True, [])
    assert "The two tables say the same." in render(found)


def test_whatever_differs_is_told() -> None:
    """Of any two shipped tables: the hash differs, so something must be said, in both languages."""
    tables = [load_table(path) for path in sorted((ROOT / "scoring_tables").glob("*/*.toml"))[:6]]
    for one, two in pairwise(tables):
        for lang in ("zh", "en"):
            assert compare(one, two, lang)["changes"]


def test_the_exit_code_says_whether_they_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "new.toml"
    other.write_text(TEXT.replace("cap = 45", "cap = 40"), encoding="utf-8")
    assert cli.run(["table", "diff", "county_model", "county_model", "--lang", "en"]) == 0
    assert cli.run(["table", "diff", "county_model", str(other), "--json"]) == 1
    assert json.loads(capsys.readouterr().out.partition("say the same.\n")[2])["same"] is False
    assert cli.run(["table", "diff", "county_model", "nowhere"]) == 2
