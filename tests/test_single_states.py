"""Keys of parts differ exactly where what decides differs; texts of numbers; what is learned, and its bounds."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from single_documents import of_register, random_documents

from hardship.engine import kernels_page
from hardship.engine import kernels_texts as kernels
from hardship.explaining.values import half_up
from hardship.load import load_table, versions
from hardship.lowering.program import lowered
from hardship.single import numbers, sheet
from hardship.single.book import Book
from hardship.single.lanes import Lanes, Layout
from hardship.single.plan import Plan
from hardship.single.prepared import Form, Prepared
from hardship.single.record import Found
from hardship.single.scene import marks
from hardship.single.show import Ref
from hardship.single.states import Gathering
from hardship.single.texts import Numbers, Page, Text, Written, cut
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


def gathered(found: Found, index: list[int]) -> bytes:
    return bytes(found.memory[place] for place in index)


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
    index, cuts = gathering.cuts(plain)
    before = gathered(plain, index)
    for changed in range(lanes.found_words.nbytes + lanes.found_small.nbytes):
        after = gathered(run(rows, changed)[1], index)
        for part, refs in parts:
            ((begin, end),) = cuts[part.number]
            assert (before[begin:end] != after[begin:end]) == (changed in places(lanes, refs))
        for row, (begin, end) in enumerate(cuts[by_row.number]):
            assert (before[begin:end] != after[begin:end]) == (changed in places(lanes, [member], row))


def test_a_key_of_rows_tells_the_shape() -> None:
    gathering, member = Gathering(), ref(*MEMBER)
    of_rows, of_household = gathering.states([member]), gathering.states([ref(*HOUSE)])
    keys = []
    for rows in SHAPES:
        lanes, _ = run(rows)
        lanes.found_words[:], lanes.found_small[:] = 0, 0
        found = Found(lanes)
        index, cuts = gathering.cuts(found)
        whole = gathered(found, index)
        keys.append([whole[slice(*cuts[part.number][0])] for part in (of_rows, of_household)])
    assert len({of for of, _ in keys}) == len(SHAPES)
    assert len({of for _, of in keys}) == 1


def test_a_part_of_nothing_has_an_empty_key() -> None:
    gathering = Gathering()
    nothing = gathering.states([])
    _, found = run(SHAPES[0])
    index, cuts = gathering.cuts(found)
    assert (index, cuts[nothing.number]) == ([], [(0, 0)])


def plan_of(lang: str) -> Plan:
    ready = PREPARED._desk(lang)
    assert ready is not None
    assert ready[1] is not None
    return ready[1]


@given(st.lists(st.tuples(st.binary(max_size=6), st.integers(0, 3)), max_size=400))
def test_a_book_finds_what_was_learned_under_its_key_and_salt(asked: list[tuple[bytes, int]]) -> None:
    book, known = Book(), dict[tuple[bytes, int], list[tuple[bytes, int]]]()
    for number, (key, salt) in enumerate(asked):
        template = [(b"%d" % number, number)] * (number % 3)
        keys = np.frombuffer(b"-" + key + b"-", np.uint8)
        book.learn(keys, 1, 1 + len(key), salt, template)
        known.setdefault((key, salt), template)
    assert book.used >= sum(len(key) + sum(len(part) for part, _ in made) for (key, _), made in known.items())
    for (key, salt), made in known.items():
        keys = np.frombuffer(b"-" + key + b"-", np.uint8)
        place = kernels_page.learned(book.entries, book.heap, keys, 1, 1 + len(key), salt)
        begin, count = book.entries[place, kernels_page.PIECES], book.entries[place, kernels_page.COUNT] - 1
        pieces = book.pieces[begin : begin + count].tolist()
        assert [(book.heap[at : at + size].tobytes(), hole) for at, size, hole in pieces] == made
    unknown = np.frombuffer(b"not there", np.uint8)
    assert kernels_page.learned(book.entries, book.heap, unknown, 0, 9, 0) < 0


def test_names_are_put_where_marks_stood() -> None:
    of_marks = marks((1, 2, 0, 1))
    entry = b'{"id":%b,"who":[%b,%b]}' % (of_marks.ids[1][1], of_marks.who[3][0], of_marks.inner[1][0])
    flat = [b"%d" % place for place in range(len(of_marks.flat))]
    filled = b"".join(part + (flat[hole] if hole > kernels_page.NO_HOLE else b"") for part, hole in cut(entry))
    assert filled == b'{"id":2,"who":[7,9]}'
    assert cut(b'{"id":""}') == [(b'{"id":""}', kernels_page.NO_HOLE)]
    assert cut(b"") == []


def test_members_called_otherwise_share_what_is_remembered_but_not_their_names() -> None:
    (document, *_) = random_documents(CHECKED, 1, 3, holes=0.0, on=ON)
    for odd in ('"', "%b", "\\u0000", "m-1"):
        begin = f'"member_id": {json.dumps(odd)[:-1]}'
        own = json.loads(json.dumps(document, default=str).replace('"member_id": "', begin))
        for form in FORMS:
            assert PREPARED.answer(own, "zh", form) == PREPARED.slow_answer(own, "zh", form)


def test_what_a_plan_learned_stays_within_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MOST_BYTES", 100_000)
    monkeypatch.setattr(sheet, "MOST_SHAPE_BYTES", 400_000)
    monkeypatch.setattr(sheet, "START", 64)
    plan, books = Prepared(CHECKED, STANDARDS, ON), set()
    for document in of_register(synthesize(30, 3, area="370828", attributes=CHECKED.names.attributes), CHECKED):
        for form in FORMS:
            assert plan.answer(document, "en", form) == PREPARED.answer(document, "en", form)
        ready = plan._desk("en")
        assert ready is not None
        assert ready[1] is not None
        for one in ready[1].sheets:
            assert one.book.used <= 100_000
            assert sum(shape.nbytes for shape in one._shapes.values()) <= 400_000 or len(one._shapes) == 1
            books.add(id(one.book))
    assert len(books) > 2


def test_nothing_of_a_family_is_learned() -> None:
    one = Prepared(CHECKED, STANDARDS, ON)
    (document,) = of_register(synthesize(1, 12, area="370828", attributes=CHECKED.names.attributes), CHECKED)
    for number, member in enumerate(document["members"]):
        member |= {"wage_month": 7_654_321 + number, "birth_date": f"1957-03-{number + 10}"}
        member |= {"severe_illness_code": f"C{number + 71}", "member_id": f"canary-{number}"}
    for row in (*document.get("supporters", ()), *document.get("transfers", ())):
        row["member_id"] = "canary-0"
    for form in FORMS:
        answer = one.answer(document, "en", form)
        assert b"canary-0" in answer
        assert b"1957-03-10" in answer
        ready = one._desk("en")
        assert ready is not None
        assert ready[1] is not None
        for told in (b"canary", b"7654321", b"7,654,321", b"1957", b"C71"):
            assert told not in ready[1].sheets[form == "items"].book.heap.tobytes()


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
    index, cuts = gathering.cuts(found)
    assert len(shown.parts()) < len(plain.parts())
    before = gathered(found, index)
    after = gathered(run(SHAPES[1], min(places(lanes, [plain]) - places(lanes, [shown])))[1], index)
    for part, same in ((one, True), (other, False)):
        cells = slice(*cuts[part.number][0])
        assert (before[cells] == after[cells]) == same


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**6), st.integers(-(10**6), 10**6), st.integers(0, 2))
def test_texts_of_a_kernel_are_those_of_numbers(value: int, den: int, less: int, money: int) -> None:
    """Also of numbers that it leaves to `numbers.shown`."""
    starts = np.zeros(4, np.int64)
    memory = np.array([value, less], np.int64)
    pool, out = np.frombuffer(b"( CNY)", np.uint8), np.zeros(3 * kernels.OF_NUMBER, np.uint8)
    first, nothing = [0, 1, -1, -1, den, 1], [-1, 0, -1, -1, 1, 1]
    for other, of in ((nothing, 0), ([1, 1, -1, -1, 7, 1], less)):
        decimal, exact, text = numbers.shown(value * 7 - of * den, den * 7, money)
        brackets = f"({text})" if text.startswith("−") else text
        fraction = Fraction(value * 7 - of * den, den * 7)
        for form, before, wanted in (
            (kernels.AS_JSON, (1, 4), f'"{decimal}""{exact}""{text} CNY"'), (kernels.PLAIN, (0, 1), brackets),
            (kernels.WORDS, (1, 4), f"{text} CNY"), (kernels.EXACT, (0, 0), f'"{exact}"'),
            (kernels.DECIMAL, (0, 0), f'"{decimal}"'), (kernels.ROUNDED + 1, (0, 0), f'"{half_up(fraction, 1)}"'),
        ):  # fmt: skip
            specs = np.array([[*first, *other, money, form, *before, 5, 1]], np.int64)
            size, failed = kernels.write(memory, np.zeros(1, np.uint8), specs, pool, pool, out, 0, starts, 0)
            assert failed or out[:size].tobytes().decode() == wanted
            if abs(value) < 10**11:
                assert not failed


def test_numbers_too_large_for_the_kernel_are_shown_all_the_same() -> None:
    gathering, one = Gathering(), ref(*HOUSE)
    one.texts.append(Text(one, 1, (b" CNY", b""), form=kernels.AS_JSON, over=10**15))
    gathering.states([one])
    lanes = Lanes(LAYOUT, SHAPES[0])
    lanes.found_words[:], lanes.found_small[:] = 1, 1
    found, starts = Found(lanes), np.zeros(4, np.int64)
    exact = f'"1/{LAYOUT.slots[HOUSE[0]].den * 10**15}"' if LAYOUT.slots[HOUSE[0]].den % 3 == 0 else None
    numbers_of = Numbers(Page(gathering.texts), found)
    out, end = numbers_of.write(found, np.zeros(1, np.uint8), np.zeros(numbers_of.room, np.uint8), starts)
    texts = Written(out, starts)
    decimal, shown, text = texts[0], texts[1], texts[2]
    assert end == len(decimal + shown + text)
    assert decimal == b'"0.00"'
    assert exact is None or shown.decode() == exact
    assert text.decode() == '"≈0.00 CNY"'
