"""Expressions in words: as officials read them, with brackets only where reading needs them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardship.explaining.values import half_up
from hardship.explaining.wording import Wording, number_text, unit_text
from hardship.language.expression import parse
from hardship.language.nodes import Text, walk
from hardship.language.units import NONE
from hardship.language.units import parse as unit
from hardship.load import load_table

ROOT = Path(__file__).parents[1]
NAMES = load_table(ROOT / "scoring_tables" / "county_model" / "2018-01-01.toml").names
ZH, EN = Wording(NAMES, "zh"), Wording(NAMES, "en")

SENTENCES = [
    (
        "income / persons < dibao_standard and not refused",
        "家庭核定年收入 ÷ 共同生活人数 < 低保标准 且 未被否决",
        "Counted income of the household ÷ Persons living together < Dibao standard and not refused",
    ),
    ("not deferred", "未被暂缓", "not deferred"),
    ("refused or deferred", "被否决 或 被暂缓", "refused or deferred"),
    ("not (refused or deferred)", "并非（被否决 或 被暂缓）", "not (refused or deferred)"),
    ("work_kind == 'farming'", "就业状况 为 务农", "Employment is Farming"),
    ("work_kind != 'farming'", "就业状况 不为 务农", "Employment is not Farming"),
    (
        "work_kind in ['employed', 'farming']",
        "就业状况 为 正规就业、务农 之一",
        "Employment is one of Employed, Farming",
    ),
    (
        "work_kind not in ['employed', 'farming']",
        "就业状况 不为 正规就业、务农 中任何一项",
        "Employment is none of Employed, Farming",
    ),
    ("work_kind not in ['farming']", "就业状况 不为 务农", "Employment is not Farming"),
    ("not authorisation_given", "核对授权 为 否", None),
    ("kind not in exempt_income", "转移收入种类 不属于“不计入收入的项目”", None),
    ("circle == 'dibao'", "圈层 为 第一圈：低保", "Circle is Circle one: dibao"),
    ("persons == 1", "共同生活人数 = 1", "Persons living together = 1"),
    ("1 <= disability_grade <= severe_grade", "1 ≤ 残疾等级 ≤ 重度残疾等级（一级至该级）", None),
    ("0 < persons and persons < half", "0 < 共同生活人数 且 共同生活人数 < 一半", None),
    ("count(member)", "家庭人口数", "number of household members"),
    ("count(member, where = old)", "家庭人口数（条件：老年人）", "number of household members (where Old)"),
    ("sum(member.wage_month)", "各家庭成员合计（工资性收入）", "sum over household members (Wages)"),
    ("any(member.old)", "任一家庭成员（老年人）", "any of the household members (Old)"),
    ("all(member.old)", "全部家庭成员（老年人）", "all of the household members (Old)"),
    (
        "largest(member.wage_month, default = 0, everyone = true)",
        "各家庭成员最大值（工资性收入；没有时取 0；含不计入家庭的人员）",
        None,
    ),
    ("per_month(income)", "折合每月（家庭核定年收入 ÷ 12）", None),
    ("per_month(income - transfers)", "折合每月（（家庭核定年收入 − 计入的转移收入合计） ÷ 12）", None),
    ("per_year(wage_month)", "折合每年（工资性收入 × 12）", "per year (Wages × 12)"),
    ("max(0, income - transfers)", "较大值（0，家庭核定年收入 − 计入的转移收入合计）", None),
    ("min(income, medical_cap)", "较小值（家庭核定年收入，医疗支出扣减上限（每户每年））", None),
    ("clip(income, 0, medical_cap)", "限定（家庭核定年收入，不低于 0，不高于 医疗支出扣减上限（每户每年））", None),
    ("round(income, to = fen, mode = 'half_up')", "四舍五入（家庭核定年收入，到分）", None),
    ("round(income, to = yuan, mode = 'floor')", "向下取整（家庭核定年收入，到元）", None),
    ("round(income, to = jiao, mode = 'ceil')", "向上取整（家庭核定年收入，到角）", None),
    ("round(persons, to = whole, mode = 'half_even')", "四舍六入五成双（共同生活人数，到整数）", None),
    ("age(birth_date)", "周岁年龄", "age in years"),
    ("age(new_house_date)", "周岁（新建或购置住房日期）", None),
    ("months_between(new_house_date, on)", "整月数（新建或购置住房日期 至 评定日期）", None),
    ("known(income)", "已知（家庭核定年收入）", None),
    ("or_else(wage_month, 0)", "工资性收入（缺失时取 0）", None),
    ("lookup(labour_coefficient, health_class, years)", "查表“劳动力系数”（身体状况类别，年龄）", None),
    (
        "income if persons == 1 else transfers",
        "若 共同生活人数 = 1，则 家庭核定年收入；否则 计入的转移收入合计",
        None,
    ),
    (
        "(income if persons == 1 else transfers) + 1",
        "（若 共同生活人数 = 1，则 家庭核定年收入；否则 计入的转移收入合计） + 1",
        None,
    ),
    ("floor(persons) + ceil(persons)", "向下取整（共同生活人数） + 向上取整（共同生活人数）", None),
    ("true", "是", "yes"),
]


@pytest.mark.parametrize(("text", "zh", "en"), SENTENCES, ids=[text for text, _, _ in SENTENCES])
def test_sentences(text: str, zh: str, en: str | None) -> None:
    node = parse(text).node
    assert ZH.expression(node) == zh
    if en is not None:
        assert EN.expression(node) == en
    assert EN.expression(node)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a + b + c", "a + b + c"),
        ("a + (b - c)", "a + b − c"),
        ("a - (b + c)", "a − （b + c）"),
        ("a - (b - c)", "a − （b − c）"),
        ("(a + b) * c", "（a + b） × c"),
        ("a * b + c", "a × b + c"),
        ("a / b * c", "a ÷ b × c"),
        ("a / (b * c)", "a ÷ （b × c）"),
        ("a * (b / c)", "a × （b ÷ c）"),
        ("a * (b * c)", "a × b × c"),
        ("-a * b", "−a × b"),
        ("-(a + b)", "−（a + b）"),
        ("a < b or c < d and e < f", "a < b 或 c < d 且 e < f"),
        ("(a < b or c < d) and e < f", "（a < b 或 c < d） 且 e < f"),
        ("not (a < b)", "并非（a < b）"),
    ],
)
def test_brackets_only_where_needed(text: str, shape: str) -> None:
    """Names without a title stand for themselves."""
    assert ZH.expression(parse(text).node) == shape


def test_every_expression_of_the_shipped_tables_has_words() -> None:
    """No name, value or function of a shipped table stays in the language of programmers."""
    for path in sorted((ROOT / "scoring_tables").glob("*/*.toml")):
        names = load_table(path).names
        zh, en = Wording(names, "zh"), Wording(names, "en")
        for site in names.sites:
            said = zh.expression(site.node)
            for node in walk(site.node):  # rows and columns of a look-up may be named by texts without titles
                if isinstance(node, Text):
                    said = said.replace(node.value, "")
            assert "_" not in said, said
            assert not any("\u4e00" <= letter <= "\u9fff" for letter in en.expression(site.node))


def test_units() -> None:
    assert unit_text("money/month", "zh") == "元/月"
    assert unit_text("money/year", "en") == "yuan a year"
    assert unit_text("money/month", "en", "USD") == "dollars a month"
    assert unit_text("money", "zh", "XTS") == "XTS"
    assert unit_text("m2", "zh") == "平方米"
    assert unit_text("month/year", "zh") == "个月/年"
    assert unit_text("1/year", "zh") == "次/年"
    assert unit_text(NONE, "zh") == ""
    assert unit_text(unit("money/mu"), "zh") == "元/亩"


@given(st.fractions(min_value=-(10**12), max_value=10**12))
def test_numbers_are_exact(value: Fraction) -> None:
    assert Fraction(number_text(value)) == value


@given(st.fractions(min_value=-(10**9), max_value=10**9), st.integers(0, 6))
def test_rounding_for_show(value: Fraction, places: int) -> None:
    """Never further than half a step, ties away from zero, all decimals written."""
    text = half_up(value, places)
    step = Fraction(1, 10**places)
    assert abs(Fraction(text) - value) <= step / 2
    if abs(Fraction(text) - value) == step / 2:
        assert abs(Fraction(text)) > abs(value)
    assert len(text.partition(".")[2]) == places
    assert text != "-0"


def test_rounding_by_hand() -> None:
    assert half_up(Fraction(16214, 12), 2) == "1351.17"
    assert half_up(Fraction(-1, 200), 2) == "-0.01"
    assert half_up(Fraction(-1, 300), 2) == "0.00"
    assert half_up(Fraction(5, 2), 0) == "3"


def test_values_of_a_set_stand_in_the_order_in_which_they_are_declared() -> None:
    assert ZH.options("needs", {"education", "medical", "living"}) == ["基本生活", "医疗", "教育"]
    assert ZH.options("needs", {"unheard", "housing"}) == ["住房", "unheard"]
    assert ZH.options("nothing", ["b", "a"]) == ["a", "b"]


def test_a_household_s_lot_has_words() -> None:
    assert ZH.expression(parse("lot < 1").node) == "本户抽查号 < 1"
    assert EN.expression(parse("lot < 1").node) == "the lot of the household < 1"
