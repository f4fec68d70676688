"""Keys of parts differ exactly where what decides differs; texts of numbers; memories stay within their bytes."""

from __future__ import annotations

import datetime as dt
import json
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from single_documents import of_register, random_documents

from hardship.engine import kernels_texts as kernels
from hardship.load import load_table, versions
from hardship.lowering.program import lowered
from hardship.single import numbers
from hardship.single.lanes import Lanes, Layout
from hardship.single.plan import Plan
from hardship.single.prepared import Form, Prepared
from hardship.single.record import Found
from hardship.single.scene import marks
from hardship.single.show import Ref
from hardship.single.states import Gathering, Memory, Room, cost
from hardship.single.texts import AS_JSON, Text, named, put
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
CHECKED = load_table(next(iter(versions()["jinxiang"].values())))
STANDARDS = load_standards([])
PREPARED = Prepared(CHECKED, STANDARDS, ON)
LAYOUT = Layout(lowered(CHECKED))
SHAPES = [(1, 1, 0, 0), (1, 3, 0, 1), (1, 3, 1, 0), (1, 7, 2, 4)]
FORMS: tuple[Form, ...] = ("items", "full")
HOUSE, MEMBER = ("index:" + CHECKED.table.index[0].id, "household"), ("counted", "member")


def ref(name: str, level: Any) -> Ref:
    found = Ref(name, level)
    found.bind(LAYOUT)
    return found


def run(rows: tuple[int, int, int, int], changed: int = -1) -> tuple[Lanes, Found]:
    """What a run found that never happened: cells of different bytes, one of them changed."""
    lanes = Lanes(LAYOUT, rows)
    size = lanes.found_words.nbytes + lanes.found_small.nbytes
    lanes.found[:size] = [place % 251 for place in range(size)]
    if changed >= 0:
        lanes.found[changed] ^= 255
    return lanes, Found(lanes)


def places(lanes: Lanes, refs: list[Ref], row: int | None = None) -> set[int]:
    """The bytes of some stores in a run's memory, worked out from the lanes' own arrays."""
    found = set()
    start = lanes.found_words.ctypes.data
    for one in refs:
        rows = range(lanes.rows[one.level]) if row is None else [row]
        for output, word in one.parts():
            for at in rows:
                begin = int(lanes.addresses[output]) - start + at * (8 if word else 1)
                found |= set(range(begin, begin + (8 if word else 1)))
    return found


@pytest.mark.parametrize("rows", SHAPES)
def test_a_key_differs_exactly_when_one_of_its_bytes_does(rows: tuple[int, int, int, int]) -> None:
    gathering, house, member = Gathering(), ref(*HOUSE), ref(*MEMBER)
    parts = [
        (gathering.states([house]), [house]),
        (gathering.states([member]), [member]),
        (gathering.states([house, None, member]), [house, member]),
    ]
    by_row = gathering.states([member], by_row=True)
    lanes, plain = run(rows)
    cuts = gathering.cuts(plain)
    before = cuts.gathered(plain)
    for changed in range(lanes.found_words.nbytes + lanes.found_small.nbytes):
        after = cuts.gathered(run(rows, changed)[1])
        for part, refs in parts:
            cut = cuts.parts[part.number]
            assert (before[cut] != after[cut]) == (changed in places(lanes, refs))
        for row, cut in enumerate(cuts.rows[by_row.number]):
            assert (before[cut] != after[cut]) == (changed in places(lanes, [member], row))


def test_a_key_of_rows_tells_the_shape() -> None:
    gathering, member = Gathering(), ref(*MEMBER)
    of_rows, of_household = gathering.states([member]), gathering.states([ref(*HOUSE)])
    keys = []
    for rows in SHAPES:
        lanes, _ = run(rows)
        lanes.found_words[:], lanes.found_small[:] = 0, 0
        found = Found(lanes)
        cuts = gathering.cuts(found)
        keys.append([cuts.gathered(found)[cuts.parts[part.number]] for part in (of_rows, of_household)])
    assert len({of for of, _ in keys}) == len(SHAPES)
    assert len({of for _, of in keys}) == 1


def test_a_part_of_nothing_has_an_empty_key() -> None:
    gathering = Gathering()
    nothing = gathering.states([])
    _, found = run(SHAPES[0])
    cuts = gathering.cuts(found)
    assert cuts.gathered(found)[cuts.parts[nothing.number]] == b""


def plan_of(lang: str) -> Plan:
    desk = PREPARED._desk(lang)
    assert desk is not None
    assert desk.plan is not None
    return desk.plan


def held(memories: list[Memory[Any]]) -> int:
    return sum(cost(key) + cost(made) for memory in memories for key, made in memory.known.items())


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 4_000)), max_size=60))
def test_what_is_remembered_stays_within_its_bytes(asked: list[tuple[int, int, int]]) -> None:
    room = Room(6_000)
    memories: list[Memory[Any]] = [Memory(room) for _ in range(3)]
    for which, key, size in asked:
        memory = memories[which]
        if memory.get(key) is None:
            made = b"x" * size
            assert memory.keep(key, made) is made
        assert held(memories) <= room.used <= room.most
        assert room.used == sum(memory.used for memory in memories)


def test_the_largest_memory_is_emptied_first_and_nothing_larger_than_the_room_is_kept() -> None:
    room = Room(5_000)
    small: Memory[bytes] = Memory(room)
    large: Memory[bytes] = Memory(room)
    small.keep(1, b"s")
    for key in range(50):
        large.keep(key, b"x" * 500)
    assert small.get(1) == b"s"
    assert large.get(49) is not None
    assert large.get(0) is None
    large.keep(50, b"x" * 10_000)
    assert large.get(50) is None


def test_threads_share_a_room() -> None:
    room = Room(100_000)
    memories: list[Memory[bytes]] = [Memory(room) for _ in range(4)]

    def fill(memory: Memory[bytes]) -> None:
        for key in range(3_000):
            memory.keep(key, b"x" * (key % 97))

    threads = [threading.Thread(target=fill, args=(memory,)) for memory in memories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert room.used == sum(memory.used for memory in memories) <= room.most


def test_names_are_put_where_marks_stood() -> None:
    of_marks = marks((1, 2, 0, 1))
    entry = b'{"id":%b,"who":[%b,%b]}' % (of_marks.ids[1][1], of_marks.who[3][0], of_marks.inner[1][0])
    flat = [b"%d" % place for place in range(len(of_marks.flat))]
    assert put(named(entry), flat) == b'{"id":2,"who":[7,9]}'
    assert named(b'{"id":""}') == b'{"id":""}'


def test_members_called_otherwise_share_what_is_remembered_but_not_their_names() -> None:
    (document, *_) = random_documents(CHECKED, 1, 3, holes=0.0, on=ON)
    for odd in ('"', "%b", "\\u0000", "m-1"):
        begin = f'"member_id": {json.dumps(odd)[:-1]}'
        own = json.loads(json.dumps(document, default=str).replace('"member_id": "', begin))
        for form in FORMS:
            assert PREPARED.answer(own, "zh", form) == PREPARED.slow_answer(own, "zh", form)


def test_a_plan_stays_within_its_room() -> None:
    room = plan_of("en").wants.room
    room.most = 300_000
    for document in of_register(synthesize(60, 3, area="370828", attributes=CHECKED.names.attributes), CHECKED):
        PREPARED.answer(document, "en", "items")
        PREPARED.answer(document, "en", "full")
        assert held(room.memories) <= room.used <= room.most


def test_bodies_that_are_not_decoded_are_shown_alike() -> None:
    documents = of_register(synthesize(3, 9, area="370828", attributes=CHECKED.names.attributes), CHECKED)
    for code in ("C34", "Z99"):  # of one length, so that only the texts differ
        for document in documents:
            for member in document["members"]:
                member["severe_illness_code"] = code
            body = json.dumps(document, ensure_ascii=False, default=float).encode()
            PREPARED.scanner.learn(body)
            household = PREPARED.scanner.read(body)
            assert household is not None
            for form in FORMS:
                assert PREPARED.answer_to(household, "zh", form) == PREPARED.slow_answer(document, "zh", form)


def test_a_number_that_is_only_shown_is_in_no_key() -> None:
    shown, plain = ref(*HOUSE), ref(*HOUSE)
    shown.texts.append(Text(shown, 0, (b"", b"")))
    shown.bind(LAYOUT)
    gathering = Gathering()
    one, other = gathering.states([shown]), gathering.states([plain])
    lanes, found = run(SHAPES[1])
    cuts = gathering.cuts(found)
    assert len(shown.parts()) < len(plain.parts())
    before = cuts.gathered(found)
    after = cuts.gathered(run(SHAPES[1], min(places(lanes, [plain]) - places(lanes, [shown])))[1])
    assert before[cuts.parts[one.number]] == after[cuts.parts[one.number]]
    assert before[cuts.parts[other.number]] != after[cuts.parts[other.number]]


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**6), st.integers(-(10**6), 10**6), st.integers(0, 2))
def test_texts_of_a_kernel_are_those_of_numbers(value: int, den: int, less: int, money: int) -> None:
    """Also of numbers that it leaves to `numbers.shown`."""
    memory = np.array([value, less], np.int64)
    pool, out = np.frombuffer(b"( CNY)", np.uint8), np.zeros(3 * kernels.OF_NUMBER, np.uint8)
    first, nothing = [0, 1, -1, -1, den, 1], [-1, 0, -1, -1, 1, 1]
    for other, of in ((nothing, 0), ([1, 1, -1, -1, 7, 1], less)):
        decimal, exact, text = numbers.shown(value * 7 - of * den, den * 7, money)
        brackets = f"({text})" if text.startswith("−") else text
        wanted = f'"{decimal}"\0"{exact}"\0"{text} CNY"\0', f"{brackets}\0", f"{text} CNY\0"
        for form, before in ((kernels.AS_JSON, (1, 4)), (kernels.PLAIN, (0, 1)), (kernels.WORDS, (1, 4))):
            specs = np.array([[*first, *other, money, form, *before, 5, 1]], np.int64)
            size, failed = kernels.write(memory, np.zeros(1, np.uint8), specs, pool, out)
            assert failed or out[:size].tobytes().decode() == wanted[form]
            if abs(value) < 10**11:
                assert not failed


def test_numbers_too_large_for_the_kernel_are_shown_all_the_same() -> None:
    gathering, one = Gathering(), ref(*HOUSE)
    one.texts.append(Text(one, 1, (b" CNY", b""), form=AS_JSON, over=10**15))
    gathering.states([one])
    lanes = Lanes(LAYOUT, SHAPES[0])
    lanes.found_words[:], lanes.found_small[:] = 1, 1
    found = Found(lanes)
    exact = f'"1/{LAYOUT.slots[HOUSE[0]].den * 10**15}"' if LAYOUT.slots[HOUSE[0]].den % 3 == 0 else None
    decimal, shown, text = gathering.cuts(found).numbers.written(found)
    assert decimal == b'"0.00"'
    assert exact is None or shown.decode() == exact
    assert text.decode() == '"≈0.00 CNY"'
