"""Plain bodies as typed columns: what is taken, and that it says what the bodies say."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest
from test_single_scan import any_body

from hardship.attributes import dictionary
from hardship.reading.read_json import tables as read_tables
from hardship.reading.readers import typed_table
from hardship.register import LEVELS, clean
from hardship.single import rows
from hardship.single.household import Reader
from hardship.single.rows import PlainRows
from hardship.single.scan import Scanner

ON = dt.date(2018, 7, 1)
ATTRIBUTES = dictionary()


def scanner() -> Scanner:
    return Scanner(ATTRIBUTES, Reader(ATTRIBUTES, ON))


def taken(bodies: list[bytes]) -> tuple[PlainRows, list[bool]]:
    plain, begin, found = PlainRows(scanner(), b"\n".join(bodies)), 0, []
    for body in bodies:
        found.append(plain.take(body, begin))
        begin += len(body) + 1
    return plain, found


def test_columns_have_the_types_of_their_facts() -> None:
    household = {"household_id": "H1", "area_code": "370828", "motor_vehicles": 1, "hidden_assets": True}
    member = {"birth_date": "1950-03-01", "wage_month": "12.5", "relation_to_head": "head", "chronic_illness": None}
    body = orjson.dumps({"household": household, "members": [member], "supporters": [{}]})
    found = {entity: frame.rows(named=True) for entity, (frame, _) in taken([body])[0].tables().items()}
    assert found["households"] == [household]
    [person] = found["members"]
    assert (person["household_id"], person["member_id"], person["relation_to_head"]) == ("H1", "1", "head")
    assert (person["birth_date"], str(person["wage_month"])) == (dt.date(1950, 3, 1), "12.50")
    assert person["chronic_illness"] is None
    assert found["supporters"] == [{"household_id": "H1", "member_id": "1", "supporter_id": "1"}]
    assert found["transfers"] == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"members":[{}]}', b'{"household":{"household_id":"1"},"members":[{}],"table":""}', b"", b"null",
        b'{"household":{"household_id":"1"},"members":[{}],"on":"2018-07-01"}', b'{"household":{},"members":[{}]}',
        b'{"household":{"household_id":"1"},"members":[{}],"explain":true}',
        b'{"household":{"household_id":"1"},"members":[{"wage_month":-1}]}',
    ],
)  # fmt: skip
def test_what_is_not_plain_or_has_no_number_is_not_taken(body: bytes) -> None:
    assert taken([body])[1] == [False]


def test_the_same_register_as_when_decoded() -> None:
    """Many households of all shapes, so that every array grows; each with a number of its own."""
    rng, bodies = random.Random(3), []
    for number in range(1_500):
        try:
            document: dict[str, Any] = orjson.loads(any_body(rng))
        except ValueError:
            continue
        for name in ("table", "on", "explain"):
            document.pop(name, None)
        document["household"] = {**document["household"], "household_id": f"H{number:04}"}
        for row in (*document["members"], *document.get("supporters", ()), *document.get("transfers", ())):
            if isinstance(row, dict):
                row.pop("household_id", None)
        bodies.append(orjson.dumps(document))
    plain, found = taken(bodies)
    assert sum(found) > 300
    raw = [
        replace(typed_table(entity, entity, frame, first=0), area_optional=True)
        for entity, (frame, _) in plain.tables().items()
    ]
    for (_, owner), table in zip(plain.tables().values(), raw, strict=True):
        homes = [row["household_id"] for row in plain.tables()["households"][0].rows(named=True)]
        assert table.frame["household_id"].to_list() == [homes[place] for place in owner.tolist()]
    documents = [(1, orjson.loads(body)) for body, was in zip(bodies, found, strict=True) if was]
    ours = clean(raw, ATTRIBUTES, ON, name="x")
    decoded = clean(read_tables(documents, "x"), ATTRIBUTES, ON, name="x")
    assert ours.rejects.height == decoded.rejects.height == 0
    assert ours.flags.equals(decoded.flags)
    for level in LEVELS.values():
        one, other = ours.frames[level], decoded.frames[level]
        names = sorted(set(one.columns) - {"file", "sheet", "line"})
        assert names == sorted(set(other.columns) - {"file", "sheet", "line"})
        assert one.select(names).equals(other.select(names)), level


def test_nothing_at_all() -> None:
    found = taken([])[0].tables()
    assert all(frame.height == 0 and owner.dtype == np.int64 for frame, owner in found.values())
    assert isinstance(found["households"][0], pl.DataFrame)


def test_the_self_test_holds() -> None:
    rows.check()
