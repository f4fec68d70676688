"""Publicity lists, read as a stranger would: what each place may say, and nothing that it may not."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from dataclasses import replace

import polars as pl
import pytest
from report_data import ON, county, scored

from hardship.errors import UsageError
from hardship.reports.heads import heads, read_names
from hardship.reports.publicity import HEALTH, Notice, masked, publicity, write

NOTICE = Notice(dt.date(2018, 7, 8), dt.date(2018, 7, 2), "县民政局")
ID_NUMBER = "370828195001014321"


def with_column(inputs, level, name, values):
    frames = {**inputs.register.frames, level: inputs.register.frames[level].with_columns(values.alias(name))}
    return replace(inputs, register=replace(inputs.register, frames=frames))


@pytest.fixture(scope="module")
def inputs():
    """Every household with a name of its own, some of them hostile."""
    found = county()
    rows = found.register.frames["household"].height
    names = pl.Series([f"王{chr(0x4E00 + k)}" for k in range(rows)])
    for place, name in enumerate(["=cmd|'/C calc'!A0", f"李四{ID_NUMBER}", "赵１２３４", "<script>alert(1)</script>"]):
        names[place * 9] = name
    return with_column(found, "household", "head_name", names)


@pytest.fixture(scope="module", params=["web", "board"])
def lists(request, inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param) / "lists"
    chosen = publicity(scored().frame, inputs)
    record = write(out, chosen, inputs, request.param, NOTICE, scored().run, "zh")
    return request.param, out, record, chosen


def everything(out):
    """All text of all files, also inside the workbooks."""
    for path in sorted((out / "lists").iterdir()):
        if path.suffix == ".html":
            text = path.read_text(encoding="utf-8")
            yield path, text, re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.S)
        else:
            book = zipfile.ZipFile(path)
            inside = " ".join(
                book.read(name).decode() for name in book.namelist() if "sheet" in name or "shared" in name
            )
            told = " ".join(re.findall(r"<t[^>]*>([^<]*)</t>", inside))
            yield path, inside, told


def test_only_those_who_meet_are_listed(lists):
    _, out, record, chosen = lists
    meets = scored().frame.filter(pl.col("outcome") == "meets")
    assert record["counts"]["households"] == chosen.height == meets.height
    rows = sum(
        text.count("<tr>") - text.count("<thead>") for path, text, _ in everything(out) if path.suffix == ".html"
    )
    assert rows == meets.height


def test_no_number_of_a_person_and_no_identity_is_in_any_file(lists):
    scope, out, _, _ = lists
    ids = set(scored().frame["household_id"])
    for path, text, told in everything(out):
        assert ID_NUMBER not in text
        assert "１２３４" not in text
        assert not ids & set(re.findall(r"H\d{9}", text))
        if scope == "web" and path.suffix == ".html":
            # Nothing is left of digits but dates, sizes and numbers of rows: at least 10,000 ID numbers fit each row.
            assert not re.search(r"\d{5}", told), path.name


def test_the_scopes_differ(lists):
    scope, out, _, chosen = lists
    told = " ".join(part for path, _, part in everything(out) if path.suffix == ".html")
    names = chosen["name"].drop_nulls().to_list()
    villages = set(chosen["village"])
    if scope == "board":
        assert all(name in told for name in names if re.fullmatch(r"王.", name))
        assert all(village in told for village in villages)
        assert "月保障金额" in told
    else:
        assert not [name for name in names if name in told]
        assert masked("王一") in told
        assert not [village for village in villages if village in told]
        assert "金额" not in told


def test_nothing_is_said_of_health_or_rank(lists):
    _, out, _, _ = lists
    for path, _, told in everything(out):
        assert not HEALTH.search(told), path.name
        assert "位次" not in told
        assert "指数" not in told


def test_every_list_says_when_it_comes_down(lists):
    _, out, _, _ = lists
    for path, _, told in everything(out):
        assert "2018-07-09" in told, path.name
        assert "2018-07-02 至 2018-07-08" in told
        assert "县民政局" in told


def test_hostile_names_do_nothing(lists):
    _, out, _, _ = lists
    for path, text, _ in everything(out):
        assert "<script" not in text, path.name
        assert "<f>" not in text


def test_minors_and_unknown_ages_have_no_name(inputs):
    household = inputs.register.frames["household"]
    young = with_column(
        inputs,
        "member",
        "birth_date",
        pl.Series([20100101] * inputs.register.frames["member"].height, dtype=pl.Int32),
    )
    assert not heads(young.register, ON)["shown"].any()
    unknown = with_column(inputs, "member", "birth_date", pl.lit(None, pl.Int32).alias("x").to_physical())
    assert not heads(unknown.register, ON)["shown"].any()
    assert heads(inputs.register, ON).height == household.height


def test_the_name_of_a_minor_of_the_household_is_not_shown(inputs):
    members = inputs.register.frames["member"]
    age = (20180701 - members["birth_date"]) // 10_000
    place = members.with_row_index("row").filter(age < 18).head(1)
    home = place["household"][0]
    names = inputs.register.frames["household"]["head_name"].clone()
    own = members["member_name"].clone()
    own[int(place["row"][0])] = "同名人"
    names[int(home)] = "同名人"
    both = with_column(with_column(inputs, "household", "head_name", names), "member", "member_name", own)
    row = heads(both.register, ON).row(int(home), named=True)
    assert row["name"] == "同名人"
    assert not row["shown"]


def test_names_from_a_file(tmp_path, inputs):
    ids = inputs.register.frames["household"]["household_id"]
    path = tmp_path / "names.csv"
    path.write_text(
        "家庭编号,姓名\n" + "".join(f"{one},名{k % 7}甲\n" for k, one in enumerate(ids)), encoding="gb18030"
    )
    given = read_names(path)
    assert given[ids[0]] == "名0甲"
    # A digit in a name: not shown.
    assert not heads(inputs.register, ON, given)["shown"].any()
    path.write_text(f"household_id,name\n{ids[1]},张三\n{ids[1]},李四\n", encoding="utf-8")
    with pytest.raises(UsageError, match="two names"):
        read_names(path)
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="household_id"):
        read_names(path)


def test_the_order_says_nothing_of_the_ranking(inputs):
    chosen = publicity(scored().frame, inputs)
    assert "position" not in chosen.columns
    for _, rows in chosen.group_by("village", "circle", maintain_order=True):
        assert rows["name"].to_list() == rows["name"].sort(nulls_last=True).to_list()


def test_one_circle_alone(inputs):
    assert set(publicity(scored().frame, inputs, circles=["dibao"])["circle"]) == {"dibao"}
