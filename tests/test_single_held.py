"""A household that is changed fact by fact: every result is that of the whole changed document."""

from __future__ import annotations

import copy
import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import pytest
from single_documents import random_documents

from hardship.attributes import LEVELS
from hardship.errors import HardshipError, RegisterError, UsageError
from hardship.load import find_table, load_table, versions
from hardship.single.held import PARTS
from hardship.single.prepared import Prepared, prepare
from hardship.standards import load_standards

ON = dt.date(2018, 7, 1)
FILES = [(name, path) for name, dated in versions().items() for path in dated.values()]
IDS = [f"{name}-{path.stem}" for name, path in FILES]
STANDARDS = load_standards([])
ODD: tuple[Any, ...] = (
    "x", -1, 10**12, 1.5, "１２", " 7 ", True, [], ["a"], {}, "", "未知", "2999-01-01", "1800-01-01", "1990-02-30",
    "13.505",
)  # fmt: skip


def prepared(path: Path) -> Prepared:
    return prepare(load_table(path), STANDARDS, ON)


def said(answer: Any, *arguments: Any) -> Any:
    """Result and persons, or what is wrong."""
    try:
        return answer(*arguments)
    except HardshipError as error:
        return type(error), error.text("zh")


def whole(one: Prepared, document: Any) -> Any:
    """The document scored from the beginning."""
    found = json.loads(one.answer(document, "zh", "summary"))
    return found["result"], found["persons"]


def rows(document: Any, level: str) -> list[Any]:
    part = document[PARTS[LEVELS.index(level)]]
    return [part] if level == "household" else part


def changed(document: Any, level: str, row: int, name: str, value: Any) -> Any:
    """A copy with one fact changed, without the library."""
    found = copy.deepcopy(document)
    facts = rows(found, level)[row]
    facts.pop(name, None)
    if value is not None:
        facts[name] = value
    return found


def any_change(rng: random.Random, one: Prepared, document: Any, others: list[Any]) -> tuple[str, int, str, Any]:
    """A change: another household's value, nothing, or something odd; now and then of an id or of nothing known."""
    level = rng.choice([level for level in LEVELS if rows(document, level)])
    row = rng.randrange(len(rows(document, level)))
    names = [name for name, attribute in one.checked.names.attributes.items() if attribute.level == level]
    known = [name for other in others for facts in rows(other, level) for name in facts if name in names]
    name = rng.choice(known or names)
    kind = rng.random()
    if kind < 0.1:
        return level, row, name, None
    if kind < 0.2:
        return level, row, rng.choice([*names, "relation_to_head", "no_such_fact", "household_id"]), rng.choice(ODD)
    values = [facts[name] for other in others for facts in rows(other, level) if name in facts]
    return level, row, name, rng.choice(values or [None])


@pytest.mark.parametrize(("name", "path"), FILES, ids=IDS)
def test_every_change_is_that_of_the_whole_document(name: str, path: Path) -> None:
    one, rng = prepared(path), random.Random(name)
    documents = [doc for holes in (0.0, 0.05) for doc in random_documents(one.checked, 6, 3, holes=holes, on=ON)]
    for document in documents[::3]:
        held, now, given = one.held(document), document, copy.deepcopy(document)
        assert said(held.result) == said(whole, one, now)
        for _ in range(8):
            change = any_change(rng, one, now, documents)
            then = changed(now, *change)
            expected = said(whole, one, then)
            assert said(held.change, *change) == expected
            if not isinstance(expected[0], type):  # after an error everything is as before
                now = then
        assert said(held.result) == said(whole, one, now)
        assert document == given


HOME: dict[str, Any] = {
    "household": {"household_id": "H1", "area_code": "370828", "residence_type": "rural"},
    "members": [
        {"member_id": "2", "birth_date": "1950-05-01", "relation_to_head": "head", "wage_month": 100},
        {"member_id": "1", "birth_date": "2000-05-01", "relation_to_head": "child", "wage_month": 900},
    ],
}


def county() -> Prepared:
    return prepared(find_table("county_model", ON)[0])


def test_rows_are_those_of_the_document() -> None:
    """The members of a register are sorted by id, those of the document are not."""
    one = county()
    held = one.held(HOME)
    for row in (0, 1):
        change = "member", row, "wage_month", 1234
        assert held.change(*change) == whole(one, changed(HOME, *change))
        held.change("member", row, "wage_month", HOME["members"][row]["wage_month"])
    assert held.document == HOME


def test_what_depends_on_a_fact_follows_it() -> None:
    """Local numbers follow the residence, flags the heads and the declared size, what is missing the facts."""
    one = county()
    held, now = one.held(HOME), HOME
    for change in (
        ("household", 0, "residence_type", "urban"), ("household", 0, "residence_type", None),
        ("household", 0, "residence_type", "rural"), ("member", 1, "relation_to_head", "head"),
        ("household", 0, "household_size_counted", 5), ("member", 1, "member_counted", "conscript"),
        ("member", 0, "wage_month", None), ("member", 0, "birth_date", "1949-12-31"),
    ):  # fmt: skip
        now = changed(now, *change)
        assert said(held.change, *change) == said(whole, one, now)
    flags = held.result()[0]["flags"] or ""
    assert "two_heads" in flags
    assert "size_differs" in flags


def test_after_an_error_it_is_as_before() -> None:
    held = county().held(HOME)
    before = held.result()
    for value in ("x", -5, "2999-01-01"):
        with pytest.raises(RegisterError):
            held.change("member", 0, "wage_month", value)
        assert held.result() == before
        assert held.document == HOME


def test_a_fact_that_is_written_as_null_stays_so() -> None:
    given = changed(HOME, "member", 0, "wage_month", None)
    given["members"][0]["wage_month"] = None
    held = county().held(given)
    with pytest.raises(RegisterError):
        held.change("member", 0, "wage_month", "x")
    assert held.document == given


@pytest.mark.parametrize(("level", "row"), [("member", 2), ("member", -1), ("supporter", 0), ("person", 0)])
def test_a_row_that_is_not_there_is_refused(level: str, row: int) -> None:
    with pytest.raises(UsageError):
        county().held(HOME).change(level, row, "wage_month", 1)


def test_two_held_households_of_one_shape_do_not_mix() -> None:
    one = county()
    other = changed(HOME, "member", 0, "wage_month", 3000)
    first, second = one.held(HOME), one.held(other)
    expected = whole(one, HOME), whole(one, other)
    for _ in range(2):
        assert (first.result(), second.result()) == expected
