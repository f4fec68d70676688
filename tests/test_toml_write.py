"""TOML written back: the same values, the same remarks, and of tables in the usual form the same bytes."""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardship.language.toml_layout import Layout, layout
from hardship.language.toml_text import read_toml
from hardship.language.toml_write import canonical, document, inline

ROOT = Path(__file__).resolve().parents[1]
TABLES = [ROOT / "scoring_tables" / name for name in ("county_model/2018-01-01.toml", "jinxiang/2018-03-24.toml")]
OTHERS = [
    *sorted(set((ROOT / "scoring_tables").glob("*/*.toml")) - set(TABLES)),
    ROOT / "examples" / "casen_1990" / "table.toml",
    *sorted((ROOT / "tests" / "tables" / "good").glob("*.toml")),
]

KEYS = st.text('ab é"', max_size=3)
VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(10**14), 10**14),
        st.decimals(-1000, 1000, places=3),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def again(text: str) -> tuple[dict[str, Any], str, Layout]:
    values, where = read_toml(text.encode(), "t.toml")
    found = layout(text, values, where)
    return values, document(values, found.order, found.remarks), found


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.parent.name)
def test_tables_in_the_usual_form_are_written_byte_for_byte(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert again(text)[1] == text


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_other_tables_keep_content_and_remarks(path: Path) -> None:
    values, written, found = again(path.read_text(encoding="utf-8"))
    once, twice, same = again(written)
    assert canonical(once) == canonical(values)
    assert twice == written
    assert same == found


@given(VALUES)
def test_any_value_comes_back(value: Any) -> None:
    read = tomllib.loads(f"a = {inline(value)}", parse_float=Decimal)
    assert canonical(read) == canonical({"a": value})


def test_content_is_told_apart_from_form() -> None:
    assert canonical({"b": 1, "a": [Decimal("0.50"), 20_000]}) == '{"a"=[0.5,20000],"b"=1}'
    assert canonical({"a": Decimal("-0.0")}) == canonical({"a": 0})
    different = [{"a": 1}, {"a": "1"}, {"a": True}, {"a": [1]}, {"a": dt.date(2018, 1, 1)}, {"a": "2018-01-01"}, {}]
    assert len({canonical(one) for one in different}) == len(different)


def test_remarks_inside_a_section_stand_above_it() -> None:
    text = """# Head.

[table]
id = "t"  # beside
# between
version = 2018-01-01

#
# Items
[[item]]
points = [
  1,  # first
]
# last of all
"""
    _, written, found = again(text)
    assert found.remarks == {("table",): "Head.\n\nbeside\nbetween", ("item", 0): "#\nItems\nfirst\nlast of all"}
    assert (
        written
        == """# Head.

# beside
# between
[table]
id = "t"
version = 2018-01-01

#
# Items
# first
# last of all
[[item]]
points = [1]
"""
    )
