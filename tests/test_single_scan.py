"""Bodies read without being decoded: the same household as the long way reads, or none."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import hostile
import pytest
from hardship_api.documents import EXAMPLE
from hardship_api.engine import Engine
from hardship_api.strict_json import Refused, decode
from hypothesis import given, settings
from hypothesis import strategies as st
from single_documents import random_documents
from test_single import FILES, IDS, ON, prepared

from hardship.attributes import LEVELS, dictionary, scale, stored_bounds, value_names
from hardship.client import encoded
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import read_id
from hardship.single.household import Household, Reader
from hardship.single.scan import Scanned, Scanner

ATTRIBUTES = dictionary()
READER = Reader(ATTRIBUTES, ON)
SCANNER = Scanner(ATTRIBUTES, READER)
PARTS = ("household_id", "area_code", "rows", "member_ids", "supporters", "supporter_ids", "transfers", "flags")
OWN = ("table", "on", "explain")


def long_way(body: bytes, reader: Reader) -> Household | None:
    """What decoding and the reader make of a body; None where either refuses it."""
    try:
        document = decode(body)
    except Refused:
        return None
    if not isinstance(document, dict):
        return None
    return reader.read({key: value for key, value in document.items() if key not in OWN})


def alike(body: bytes, scanner: Scanner = SCANNER, reader: Reader = READER) -> Scanned | None:
    """The scanned household, held to the long way's."""
    found = scanner.read(body)
    if found is None:
        return None
    expected = long_way(body, reader)
    assert expected is not None, body
    assert found.facts == expected.facts
    for part in PARTS:
        assert getattr(found, part) == getattr(expected, part), part
    assert found.residence == expected.residence
    for level, names in enumerate(scanner.slots.of):
        for name, slot in names.items():
            if scanner.slots.attributes[slot] is not None:
                assert found.lacks(level, name) == expected.lacks(level, name), name
    return found


def body_of(household: dict[str, Any] | None = None, *members: dict[str, Any], **more: Any) -> bytes:
    return encoded({"table": "t", "on": "2018-07-01", "household": household or {}, "members": members or [{}], **more})


@pytest.mark.parametrize(("name", "path"), FILES, ids=IDS)
def test_random_households_of_every_table(name: str, path: Path) -> None:
    one = prepared(path)
    for holes, count in ((0.0, 4), (0.3, 4)):
        for document in random_documents(one.checked, count, 11, holes=holes, on=ON):
            body = encoded({"table": name, "on": ON.isoformat(), **document})
            one.scanner.learn(body)
            found = alike(body, one.scanner, one.reader)
            plain = long_way(body, one.reader)
            assert (found is None) == (plain is None)
            if found is not None and plain is not None:
                for lang, form in (("zh", "summary"), ("en", "items")):
                    assert one.answer_to(found, lang, form) == one.answer_to(plain, lang, form)


LEVEL_NAMES = [[one for one in ATTRIBUTES.values() if one.level == level] for level in LEVELS]
ODD_TOKENS = (
    "null", "true", "false", "0", "-0", "7", "-7", "007", "1.50", "-0.0", "1.505", "1e3", "12345678901234567890",
    ".5", "5.", "-", "NaN", '""', '" "', '"7"', '"007"', '"-1"', '"1.5"', '"１２"', '"1e3"', '"none"', '"无"', '"是"',
    '"yes"', '"2018-02-29"', '"2016-02-29"', '"2018/7/1"', '"20180701"', '"2018年7月1日"', '"2018-07"', "20180701",
    '"0000-01-01"', '"1850-01-01"', '"2030-01-01"', "[]", '["none"]', '["a","b"]', '[["a"]]', "[1]", "{}", '"a b"',
    '" a"', '"李四"', '"é"', '"e\u0301"', '"\u200b"', '"\\u0041"', '"x' + "y" * 300 + '"', '"' + "9" * 19 + '"', "tru",
    '"unended', '"\ufa0e"',
)  # fmt: skip
IDS_GIVEN = (
    '"1"',
    '"2"',
    '"3"',
    '"10"',
    '"H"',
    '"张三"',
    '"a b"',
    '" a"',
    '"é"',
    '"' + "x" * 65 + '"',
    "1",
    "null",
    '""',
)


def written(attribute: DeclaredAttribute, rng: random.Random, odd: float) -> str:
    """A legal value as it may stand in a body."""
    if rng.random() < odd:
        return rng.choice(ODD_TOKENS)
    names = value_names(attribute)
    match attribute.type:
        case "bool":
            return rng.choice(["true", "false", '"true"', '"否"'])
        case "enum":
            one = rng.choice(attribute.values)
            return quoted(rng.choice([one.value, *([one.title.zh, one.title.en] if one.title else [])]))
        case "set":
            some = rng.sample(names, rng.randint(0, min(3, len(names))))
            return json.dumps(some) if rng.random() < 0.5 else quoted(";".join(some) or "none")
        case "date":
            return quoted(rng.choice(["1950-03-31", "2001-12-01", "2018-07-01", "1999/1/2", "2017-09-30"]))
        case "code":
            return quoted(rng.choice(["none", "A01", "白血病", "a b", "C"]))
        case _:
            low, high = stored_bounds(attribute)
            value = Decimal(rng.choice([low, high, 0, rng.randint(low, high)])) / scale(attribute)
            return f"{value:f}" if rng.random() < 0.7 else f'"{value:f}"'


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def row_of(level: int, rng: random.Random, odd: float, ids: dict[str, str]) -> str:
    """An object of one level as text."""
    cells = [
        (one.name, written(one, rng, odd))
        for one in rng.sample(LEVEL_NAMES[level], rng.randint(0, min(12, len(LEVEL_NAMES[level]))))
    ]
    cells += [(name, token) for name, token in ids.items() if token]
    rng.shuffle(cells)
    if rng.random() < odd / 4:
        cells += [rng.choice([*cells, ("unknown", "1")])]
    blank = rng.choice(["", "", " ", "\n\t"])
    return "{" + f",{blank}".join(f'"{name}"{blank}:{blank}{token}{blank}' for name, token in cells) + "}"


def any_body(rng: random.Random) -> bytes:
    """A household as text: mostly plain, sometimes with something odd in it."""

    odd = rng.choice([0.0, 0.0, 0.02, 0.1])

    def one_id() -> str:
        return rng.choice(IDS_GIVEN[:6] if rng.random() >= odd else IDS_GIVEN)

    members = rng.choice([1, 1, 2, 3, 5, 12])
    ids = rng.sample([f'"{n}"' for n in range(1, 30)], members)
    given = [one if rng.random() >= odd else rng.choice(["", one_id()]) for one in ids]
    home = rng.choice(["", "", '"H"'])
    rows = {
        "household": row_of(0, rng, odd, {"household_id": home, "area_code": rng.choice(["", '"370828"', '""'])}),
        "members": "[" + ",".join(row_of(1, rng, odd, {"member_id": one, "household_id": home}) for one in given) + "]",
    }
    for level, name in ((2, "supporters"), (3, "transfers")):
        owners = [rng.choice([one for one in given if one] or ['"1"']) for _ in range(rng.choice([0, 0, 1, 3, 8]))]
        if owners or rng.random() < 0.5:
            own = {"supporter_id"} if level == 2 else set()
            below = [
                row_of(
                    level,
                    rng,
                    odd,
                    {"member_id": one if rng.random() >= odd else ""} | dict.fromkeys(own, rng.choice(["", one_id()])),
                )
                for one in owners
            ]
            rows[name] = "[" + ",".join(below) + "]"
    head = {"table": '"t"', "on": '"2018-07-01"'} | ({"explain": "true"} if rng.random() < 0.2 else {})
    parts = list((head | rows).items())
    if rng.random() < 0.3:
        rng.shuffle(parts)
    return ("{" + ",".join(f'"{name}":{value}' for name, value in parts) + "}").encode()


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_any_body_is_read_as_the_long_way_reads_it_or_not_at_all(seed: int) -> None:
    rng = random.Random(seed)
    body = any_body(rng)
    if rng.random() < 0.5 and long_way(body, READER) is not None:
        SCANNER.learn(body)
    alike(body)
    spoilt = bytearray(body)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(spoilt))
        spoilt[at : at + rng.randint(0, 2)] = rng.choice(
            [b"", b'"', b"\\", b",", b"}", b"]", b"\xff", b"\xe4\xb8", b"0", b"{"]
        )
    alike(bytes(spoilt))
    alike(body[: rng.randrange(len(body))])


@pytest.mark.parametrize("value", [b"the-table", b"2018-07-01", b"the-household", b"370829"])
def test_a_text_that_is_not_utf8_is_not_plain(value: bytes) -> None:
    body = body_of({"household_id": "the-household", "area_code": "370829"}, table="the-table")
    assert SCANNER.read(body) is not None
    spoilt = body.replace(b'"%b' % value, b'"\xff')
    assert spoilt != body
    assert SCANNER.read(spoilt) is None


def test_most_plain_bodies_need_no_decoding() -> None:
    rng = random.Random(1)
    plain = scanned = 0
    for _ in range(300):
        body = any_body(rng)
        if long_way(body, READER) is not None:
            SCANNER.learn(body)
            plain += 1
            scanned += SCANNER.read(body) is not None
    assert plain > 100
    assert scanned > plain * 0.95


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"{}", b"[]", b"null", b'{"members":[]}', b'{"members":[{}]', b'{"members":[{}]} x',
        b'{"members":[{}],"members":[{}]}', b'{"members":[{},]}', b'{"members":[{}],}', b'{"members":null}',
        b'{"household":{},"members":[{"wage_month":1,"wage_month":2}]}', b'{"a":{},"members":[{}]}',
        b'{"household":' + b"[" * 10_000, b'{"household":' + b'{"a":' * 10_000, b'{"members":[' + b"{}," * 64 + b"{}]}",
        b'{"members":[{"member_id":"1"},{"member_id":"1"}]}', b'{"members":[{},{}],"transfers":[{}]}',
        b'{"members":[{}],"supporters":[{"supporter_id":"1"},{"supporter_id":"1"}]}', b'\xef\xbb\xbf{"members":[{}]}',
        b'{"members":[{"household_id":"2"}]}', b'{"members":[{}],"transfers":[{"member_id":"2"}]}',
        b'{"members":[{}],"transfers":[' + b"{}," * 24 + b"{}]}", b'{"members":[{"birth_date":"2018-07-02"}]}',
        b'{"members":[{"wage_month":"' + b"1" * (1 << 16) + b'"}]}', b'{"members":[{}]' + b" " * (64 << 20) + b"}",
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_long_way(body: bytes) -> None:
    assert SCANNER.read(body) is None


def test_ids_that_are_left_out_are_places() -> None:
    members = [{"household_id": "1"}, *[{} for _ in range(10)]]
    found = alike(body_of({}, *members, supporters=[{"member_id": "10"}, {"member_id": "2"}, {"member_id": "10"}]))
    assert found is not None
    assert found.household_id == "1"
    assert found.member_ids == ["1", "10", "11", *map(str, range(2, 10))]
    assert (found.supporters, found.supporter_ids) == ([1, 1, 3], ["1", "3", "2"])


def test_a_flag_for_heads_and_for_the_declared_size() -> None:
    child, head = {"relation_to_head": "child"}, {"relation_to_head": "head"}
    for members, size, flags in (
        ([child], None, ["no_head"]), ([head, head], None, ["two_heads"]), ([{}], None, []),
        ([head], 2, ["size_differs"]),
        ([child, child], 1, ["no_head", "size_differs"]), ([head, {"member_counted": None}], 2, []),
    ):  # fmt: skip
        found = alike(body_of({"household_size_counted": size}, *members))
        assert found is not None
        assert found.flags == flags


def test_transfers_of_one_member_stand_in_a_registers_order() -> None:
    rows = [{"kind": "other", "amount": 5}, {"amount": 5}, {"kind": "other", "amount": 4}, {"kind": "other"}]
    found = alike(body_of({}, {}, transfers=rows))
    assert found is not None
    assert [row.get("amount") for row in found.facts[3]] == [400, 500, 500, None]


def test_other_ways_of_writing_are_learned_and_bounded() -> None:
    scanner = Scanner(ATTRIBUTES, READER)
    for year in range(1900, 2018):
        for month in range(1, 13):
            scanner.learn(body_of({}, {"birth_date": f"{year}/{month}/1"}))
    assert scanner.read(body_of({}, {"birth_date": "2017/12/1"})) is not None
    assert scanner.read(body_of({}, {"birth_date": "1900/1/1"})) is None
    assert scanner.read(body_of({}, {"birth_date": "1900/13/1"})) is None
    alike(body_of({}, {"relation_to_head": "head", "birth_date": "2017/12/1"}), scanner)


def test_chinese_characters_have_one_form() -> None:
    for point in range(0x4E00, 0xA000):
        assert unicodedata.normalize("NFKC", chr(point)) == chr(point)
    assert read_id("张三").value == "张三"


def test_what_was_scanned_stays_what_it_was() -> None:
    first, second = body_of({}, {"wage_month": 1}), body_of({}, {"wage_month": 2})
    one, two = SCANNER.read(first), SCANNER.read(second)
    assert one is not None
    assert two is not None
    assert [one.facts[1][0]["wage_month"], two.facts[1][0]["wage_month"]] == [100, 200]


def test_threads_do_not_share_what_they_find() -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        body = body_of({}, {"wage_month": number}, {"birth_date": f"2001/{number % 12 + 1}/2"})
        for _ in range(50):
            SCANNER.learn(body)
            found = SCANNER.read(body)
            if found is None or found.facts[1][0] != {"wage_month": number * 100}:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_same_without_compiling() -> None:
    rng = random.Random(5)
    bodies = [any_body(rng) for _ in range(20)]
    scanned = [Scanner(ATTRIBUTES, READER).read(body) for body in bodies]
    expected = [[*one.facts, one.member_ids, one.flags, one.transfers] if one else None for one in scanned]
    assert any(expected)
    code = (
        "import datetime as dt, json, sys\n"
        "from hardship.attributes import dictionary\n"
        "from hardship.single.household import Reader\n"
        "from hardship.single.scan import Scanner\n"
        "attributes = dictionary()\n"
        f"scanner = Scanner(attributes, Reader(attributes, dt.date({ON.year}, {ON.month}, {ON.day})))\n"
        "found = [scanner.read(body.encode()) for body in json.load(sys.stdin)]\n"
        "print(json.dumps([one and [*one.facts, one.member_ids, one.flags, one.transfers] for one in found]))\n"
    )
    given = json.dumps([body.decode() for body in bodies])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, input=given,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))


def answers(engine: Engine, body: bytes, *, decoding: bool) -> list[Any]:
    """The answer to a body in two forms, or how it is refused."""
    found: list[Any] = []
    for form in ("summary", "items"):
        try:
            asked = engine._decoded(body) if decoding else engine.asked(body)
            found.append((asked.explained, engine.one(asked, form, "zh")))
        except Refused as error:
            found.append((error.code, error.status, error.faults))
    return found


def test_a_body_is_answered_as_if_it_had_been_decoded() -> None:
    engine = Engine(None, [])
    engine.table("jinxiang", ON)
    engine.table("county_model", ON)
    plain = json.dumps(EXAMPLE, ensure_ascii=False)
    bodies = [body for _, body in [*hostile.bodies(EXAMPLE), *hostile.payloads(EXAMPLE)][::4] if len(body) < 100_000]
    for old, new in (
        ('"table"', '"tab\\u006ce"'), ('"members"', '"on":"2018-07-01","members"'), ("2018-07-01", "2018-06-31"),
        ('"jinxiang"', '"county_model"'), ('"household_id"', '"table":"jinxiang","household_id"'), ("370828", "999999"),
        ('"rural"', '"农村"'), ('"rural"', "null"), ("{", '{"table":"county_model",'), ("{", '{"explain":false,'),
        ("{", '{"explain":null,'), ("{", '{"explain":true,'), ("{", '{"expl\\u0061in":false,'), ("{", "{"),
    ):  # fmt: skip
        assert old in plain
        bodies.append(plain.replace(old, new, 1).encode())
    for body in bodies:
        assert answers(engine, body, decoding=False) == answers(engine, body, decoding=True), body[:200]
