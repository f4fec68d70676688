"""From a file to a checked table: places, shapes, versions, hashes."""

from __future__ import annotations

import datetime as dt
import random
import re
import time
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from hardship.errors import HardshipError, TableError, UsageError
from hardship.language.shapes import validated
from hardship.language.toml_text import read_toml
from hardship.load import content_hash, find_table, load_table, load_text, versions
from hardship.roots import default_roots

TABLE = """[table]
id = "t"
version = 2020-01-01
title = { zh = "表", en = "Table" }
place = { zh = "甲", en = "A" }
currency = "CNY"

[[derive]]
name = "persons"
expr = "count(member)"

[[item]]
id = "i"
title = { zh = "人口", en = "Persons" }
value = "persons"
bands = [{ below = 3, points = 1 }, { otherwise = true, points = 2.5 }]

[[index]]
id = "total"
title = { zh = "总分", en = "Total" }
decimals = 1

[rank]
keys = [{ value = "persons", order = "descending" }]
"""


def faults(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(TableError) as caught:
        load_text(text)
    assert caught.value.text("zh") != caught.value.text("en")
    assert all(fault.file == "table.toml" for fault in caught.value.faults)
    return [(fault.code.removeprefix("table."), fault.line, fault.column) for fault in caught.value.faults]


def test_a_good_table_loads_with_its_hash_whatever_its_line_ends() -> None:
    unix = load_text(TABLE)
    assert unix.table.table.id == "t"
    assert unix.sha256 == content_hash(tomllib.loads(TABLE, parse_float=Decimal))
    assert unix.sha256 == load_text(TABLE.replace("\n", "\r\n")).sha256
    assert load_text("# A remark.\n" + TABLE.replace("2.5 }]", "2.50}]  # half")).sha256 == unix.sha256
    assert load_text(TABLE.replace("2.5", "2.75")).sha256 != unix.sha256
    assert load_text(TABLE.replace("Persons", "People")).sha256 != unix.sha256
    assert load_text("\ufeff" + TABLE).table.table.currency == "CNY"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # TOML
        ('id = "t"', 'id = "t', [("toml_syntax", 2, 8)]),
        ('id = "t"', 'id = "t"\nid = "u"', [("toml_duplicate", 3, 1)]),
        ("[rank]", "[table]\n[rank]", [("toml_duplicate", 23, 2)]),
        ("points = 2.5", "points = 2.5e0", [("toml_number", 16, 66)]),
        ("points = 2.5", "points = inf", [("toml_number", 16, 66)]),
        ("points = 2.5", "points = nan", [("toml_number", 16, 66)]),
        ("points = 2.5", "points = " + "9" * 5_000, [("toml_limit", 0, 0)]),
        ("points = 2.5", "points = " + "[" * 5_000, [("toml_limit", 0, 0)]),
        ("points = 2.5", "points = " + "[" * 3_000 + "]" * 3_000, [("toml_limit", 0, 0)]),
        ("points = 2.5", "points = \x00", [("toml_syntax", 16, 66)]),
        # keys
        ("decimals = 1", "decimal = 1", [("key_unknown", 21, 1)]),
        ("decimals = 1", '"a b" = 1', [("key_unknown", 21, 1)]),
        ("below = 3", "belwo = 3", [("key_unknown", 16, 12)]),
        ("[rank]", "[strange.one]\na = 1\n[rank]", [("key_unknown", 23, 1)]),
        ("[rank]", "[benefit.one]\na = 1\n[rank]", [("value_list", 23, 1)]),
        ("[rank]", "[ranks]", [("key_missing", 0, 0), ("key_unknown", 23, 1)]),
        ('currency = "CNY"\n', "", [("key_missing", 1, 1)]),
        ('title = { zh = "表", en = "Table" }', 'title = { zh = "表" }', [("key_missing", 4, 9)]),
        (', order = "descending"', "", [("key_missing", 24, 9)]),
        # values
        ('id = "t"', "id = 1", [("value_text", 2, 6)]),
        ('id = "t"', 'id = "T !"', [("value_pattern", 2, 6)]),
        ("2020-01-01", '"2020-01-01"', [("value_date", 3, 11)]),
        ("2020-01-01", "2020-01-01T00:00:00", [("value_date", 3, 11)]),
        ('{ zh = "表", en = "Table" }', '"表"', [("value_table", 4, 9)]),
        ('zh = "表"', 'zh = ""', [("value_empty", 4, 16)]),
        ("decimals = 1", 'decimals = "1"', [("value_whole", 21, 12)]),
        ("decimals = 1", "decimals = 1.0", [("value_whole", 21, 12)]),
        ("decimals = 1", "decimals = true", [("value_whole", 21, 12)]),
        ("decimals = 1", "decimals = -1", [("value_at_least", 21, 12)]),
        ("decimals = 1", "decimals = 7", [("value_at_most", 21, 12)]),
        ('"descending"', '"down"', [("value_choice", 24, 38)]),
        ("otherwise = true", "otherwise = false", [("value_choice", 16, 51)]),
        ("below = 3", 'below = "3"', [("value_exact", 16, 20)]),
        ("below = 3", 'below = "1/0"', [("value_exact", 16, 20)]),
        ("below = 3", "below = 0.1234567890", [("value_exact", 16, 20)]),
        ("below = 3", "below = 1000000000000000", [("value_exact", 16, 20)]),
        ("below = 3", "below = true", [("value_exact", 16, 20)]),
        ("points = 2.5", 'points = "x"', [("value_form", 16, 66)]),
        ("points = 2.5", 'points = { total = "x" }', [("value_exact", 16, 76)]),
        ("points = 2.5", "points = [1]", [("value_form", 16, 66)]),
        ('value = "persons"\nbands', "value = 1\nbands", [("value_expression", 15, 9)]),
        ("bands = [", "bands = 1 # [", [("value_list", 16, 9)]),
        ('expr = "count(member)"', "", [("form_computed", 8, 1)]),
        ('expr = "count(member)"', 'cases = [{ value = "1" }, { otherwise = "0" }]', [("form_case", 10, 10)]),
        ('expr = "count(member)"', 'cases = [{ when = "true", value = "1" }]', [("form_computed", 8, 1)]),
        ("[rank]", "[missing]\na = 1\nb = { assume = 1, x = 2 }\nc = {}\n[rank]",
         [("value_form", 24, 5), ("key_unknown", 25, 19), ("key_missing", 26, 5)]),
        # expressions
        ("count(member)", "count(memebr)", [("expression_count", 10, 15)]),
        ("count(member)", "count(member", [("expression_syntax", 10, 14)]),
        ('"count(member)"', "'count(member) + 2'", [("expression_number", 10, 25)]),
        ('"count(member)"', '"""count(member)"""', [("expression_raw", 10, 8)]),
        ('"count(member)"', '"count(\\u006dember)"', [("expression_raw", 10, 8)]),
        ("count(member)", "personen", [("name_unknown", 10, 9)]),
        ("count(member)", "'甲' == 乙", [("expression_character", 10, 16)]),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_its_place(old: str, new: str, expected: list[tuple[str, int, int]]) -> None:
    assert old in TABLE
    assert faults(TABLE.replace(old, new, 1)) == expected


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    text = (
        TABLE.replace("decimals", "decimal").replace("below", "belwo").replace("2020", '"2020').replace("CNY", "yuan")
    )
    text = text.replace("01-01\n", '01-01"\n').replace("count(member)", "count(2)")
    found = faults(text)
    assert [code for code, _, _ in found] == [
        "value_date", "value_pattern", "expression_number", "key_unknown", "key_unknown",
    ]  # fmt: skip
    assert found == sorted(found, key=lambda fault: fault[1:])


def test_a_misspelt_key_gets_the_nearest_legal_one() -> None:
    with pytest.raises(TableError) as caught:
        load_text(TABLE.replace("below", "belwo"))
    assert "`below`" in caught.value.text("en")
    assert "是否想写 `below`" in caught.value.text("zh")


def test_a_hidden_expression_and_a_fault_elsewhere_are_both_told() -> None:
    text = TABLE.replace('"count(member)"', '"\\u0061 +"').replace('"descending"', '"down"')
    assert [code for code, _, _ in faults(text)] == ["expression_raw", "expression_syntax", "value_choice"]


class Odd(BaseModel):
    """A shape that no table has."""

    even: Annotated[int, Field(multiple_of=2)]


def test_a_kind_of_error_without_a_sentence_of_its_own_is_still_told() -> None:
    values, where = read_toml(b"even = 3\n", "f")
    with pytest.raises(TableError) as caught:
        validated(Odd, values, where)
    assert "multiple of 2" in caught.value.text("zh")
    assert (caught.value.faults[0].line, caught.value.faults[0].column) == (1, 8)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(TableError) as caught:
        read_toml(b"a = 1\nb = '\xff'\n", "f")
    assert [(f.code, f.line) for f in caught.value.faults] == [("table.toml_encoding", 2)]
    with pytest.raises(TableError) as caught:
        read_toml(b" " * 2_000_001, "f")
    assert caught.value.faults[0].code == "table.toml_large"
    with pytest.raises(TableError):
        load_text("\ud800")


def test_places_of_keys_and_values_in_every_form() -> None:
    text = "\"中 x\".b = [1, # c\n {a = 2}]\n[[f]]\n[[f.h]]\nk = 1\n[[f.h]]\n[[f]]\n[f.x]\n\"k\" = '''\na'''\n"
    _, where = read_toml(text.encode(), "f")
    assert where.values == {
        ("中 x",): (1, 1), ("中 x", "b"): (1, 11), ("中 x", "b", 0): (1, 12), ("中 x", "b", 1): (2, 2),
        ("中 x", "b", 1, "a"): (2, 7), ("f",): (3, 1), ("f", 0): (3, 1), ("f", 0, "h"): (4, 1),
        ("f", 0, "h", 0): (4, 1), ("f", 0, "h", 0, "k"): (5, 5), ("f", 0, "h", 1): (6, 1),
        ("f", 1): (7, 1), ("f", 1, "x"): (8, 1), ("f", 1, "x", "k"): (9, 7),
    }  # fmt: skip
    assert where.keys[("f", 1, "x", "k")] == (9, 1)
    assert where.place(("f", 1, "x", "nothing", 3)) == (8, 1)
    assert where.place(("nothing",)) == (0, 0)
    assert where.key_fault(("f", 1, "x"), "table.value_text").line == 8


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_an_error_with_sentences(text: str) -> None:
    try:
        load_text(text)
    except HardshipError as error:
        error.text("zh")


@given(st.integers(0, len(TABLE) - 1), st.integers(1, 8), st.text("[]{}\"'=.,\n#0aé甲", max_size=4))
def test_any_edit_of_a_table_is_a_table_or_an_error_with_places(at: int, cut: int, put: str) -> None:
    try:
        load_text(TABLE[:at] + put + TABLE[at + cut :])
    except TableError as error:
        error.text("zh")


def test_a_large_table_loads_quickly() -> None:
    ones = " + ".join("1" * 9)
    items = "".join(
        f'[[item]]\nid = "i{n}"\ntitle = {{ zh = "项", en = "Item" }}\nvalue = "persons + {ones}"\n'
        "bands = [{ below = 3, points = 1 }, { below = 12, points = 2 }, { otherwise = true }]\n"
        for n in range(60)
    )
    load_text(TABLE)
    start = time.perf_counter()
    load_text(TABLE + items)
    assert time.perf_counter() - start < 0.3


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, date in (("t", "2020-01-01"), ("t", "2022-07-01"), ("other", "2021-01-01")):
        path = tmp_path / "scoring_tables" / name / f"{date}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TABLE.replace("2020-01-01", date).replace('id = "t"', f'id = "{name}"'), encoding="utf-8")
    (tmp_path / "scoring_tables" / "t" / "notes.toml").write_text("", encoding="utf-8")
    return tmp_path / "scoring_tables"


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("spec", "on", "version", "forced"),
    [
        ("t", "2020-01-01", "2020-01-01", False),
        ("t", "2022-06-30", "2020-01-01", False),
        ("t", "2022-07-01", "2022-07-01", False),
        ("t", "2999-01-01", "2022-07-01", False),
        ("t@2020-01-01", "2023-01-01", "2020-01-01", True),
        ("t@2022-07-01", "2019-01-01", "2022-07-01", True),
    ],
)
def test_the_version_in_force(root: Path, spec: str, on: str, version: str, forced: bool) -> None:
    path, was_forced = find_table(spec, day(on), [root])
    assert (path, was_forced) == (root / "t" / f"{version}.toml", forced)
    assert load_table(path).table.table.version == day(version)


def test_a_file_is_forced_before_it_begins(root: Path) -> None:
    path = root / "t" / "2022-07-01.toml"
    assert find_table(str(path), day("2022-07-01"), [root]) == (path, False)
    assert find_table(str(path), day("2022-06-30"), [root]) == (path, True)
    broken = root / "broken.toml"
    broken.write_text("[", encoding="utf-8")
    assert find_table(str(broken), day("2022-06-30"), [root]) == (broken, False)


@pytest.mark.parametrize(
    ("spec", "on", "code", "named"),
    [
        ("t", "2019-12-31", "find_before", "2020-01-01"),
        ("ot", "2020-01-01", "find_id", "other, t"),
        ("othr", "2020-01-01", "find_id", "`other`"),
        ("t@2021-01-01", "2020-01-01", "find_version", "2020-01-01, 2022-07-01"),
        ("t@2021-13-41", "2020-01-01", "find_version", "2021-13-41"),
        ("t@", "2020-01-01", "find_version", "t"),
        ("t@2020-1-1", "2020-01-01", "find_version", "2020-1-1"),
        ("u@2020-01-01", "2020-01-01", "find_id", "other, t"),
        ("../t", "2020-01-01", "file_missing", "../t"),
        ("..", "2020-01-01", "find_id", "other"),
        ("t@../../x", "2020-01-01", "file_missing", "x"),
        ("T", "2020-01-01", "find_id", "other"),
        ("", "2020-01-01", "find_id", "other"),
        ("t\n", "2020-01-01", "find_id", "other"),
        ("a" * 65, "2020-01-01", "find_id", "other"),
        ("no/such.toml", "2020-01-01", "file_missing", "such"),
        ("a\x00.toml", "2020-01-01", "file_missing", "toml"),
    ],
)
def test_what_cannot_be_found(root: Path, spec: str, on: str, code: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_table(spec, day(on), [root])
    assert caught.value.faults[0].code == f"table.{code}"
    assert named in caught.value.text("en")
    assert caught.value.text("zh")


def test_name_and_content_of_a_filed_table_agree(root: Path) -> None:
    path = root / "t" / "2022-07-01.toml"
    path.write_text(TABLE.replace('id = "t"', 'id = "u"'), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        load_table(path)
    assert [(f.code, f.line) for f in caught.value.faults] == [
        ("table.file_version", 3),
        ("table.file_id", 2),
    ]
    elsewhere = root.parent / "mine.toml"
    elsewhere.write_text(TABLE, encoding="utf-8")
    assert load_table(elsewhere).path == str(elsewhere)


def test_the_first_root_wins_and_roots_add_up(root: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    for name in ("t/2020-01-01.toml", "t/2024-01-01.toml", "Bad Id/2020-01-01.toml"):
        (second / name).parent.mkdir(parents=True, exist_ok=True)
        (second / name).write_text("", encoding="utf-8")
    found = versions([root, second])
    assert list(found) == ["other", "t"]
    assert list(found["t"]) == [day("2020-01-01"), day("2022-07-01"), day("2024-01-01")]
    assert found["t"][day("2020-01-01")].is_relative_to(root)


SHIPPED = [path for dates in versions(default_roots()).values() for path in dates.values()]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_table_loads_and_uses_every_name_it_defines(path: Path) -> None:
    checked = load_table(path)
    assert checked.sha256 == content_hash(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    assert checked.names.unused == ()


def damaged(text: str, rng: random.Random) -> str:
    """A table with a line lost, doubled, moved, cut, or a word or value exchanged."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        word = rng.choice(re.findall(r"[a-z_.]+|'[^']*'|[0-9.]+", text))
        value = rng.choice(("[", "{}", "[]", '""', "true", "-1", "999999999999999", word))
        match rng.randrange(5):
            case 0:
                lines[at] = ""
            case 1:
                lines[at] = lines[at] + "\n" + lines[other]
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
            case _:
                lines[at] = re.sub(r"(?<= )[^ ]+", lambda _, new=value: new, lines[at], count=rng.randint(1, 2))
    return "\n".join(lines)


@pytest.mark.skipif(not SHIPPED, reason="no scoring table beside the sources")
def test_a_damaged_table_is_a_table_or_an_error_with_sentences() -> None:
    rng = random.Random(11)
    texts = [path.read_text(encoding="utf-8") for path in SHIPPED]
    refused = 0
    for _ in range(100):
        try:
            load_text(damaged(rng.choice(texts), rng))
        except TableError as error:
            refused += bool(error.text("zh"))
    assert refused > 50
