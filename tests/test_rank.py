"""The order against Python's own `sorted`."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardship import rank
from hardship.rank import Key

SMALL = st.integers(-3, 3)
WIDE = st.one_of(SMALL, st.integers(-(2**63), 2**63 - 1))


@st.composite
def problems(draw, values=SMALL):
    """Some rows, keys over them (None = null) with their directions, and who takes part."""
    rows = draw(st.integers(0, 30))
    cell = st.one_of(values, st.none()) if draw(st.booleans()) else values
    cells = st.lists(cell, min_size=rows, max_size=rows)
    keys = draw(st.lists(st.tuples(cells, st.booleans(), st.booleans()), max_size=4))
    chosen = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    groups = draw(st.lists(st.integers(-1, 3), min_size=rows, max_size=rows))
    return keys, chosen, groups


def as_keys(keys):
    return [
        Key(
            np.array([0 if v is None else v for v in values], dtype=np.int64),
            np.array([v is not None for v in values], dtype=np.bool_),
            descending,
            nulls_first,
        )
        for values, descending, nulls_first in keys
    ]


def word(keys, row):
    """What a row is sorted by, in plain Python."""
    parts = []
    for values, descending, nulls_first in keys:
        value = values[row]
        null = value is None
        parts.append((not null if nulls_first else null, 0 if null else -value if descending else value))
    return tuple(parts)


def oracle(keys, chosen):
    """Position and competition rank of every chosen row."""
    rows = sorted((r for r, c in enumerate(chosen) if c), key=lambda r: (word(keys, r), r))
    place, found = 1, {}
    for _, tied in groupby(rows, key=lambda r: word(keys, r)):
        tied = list(tied)
        found.update({r: (place + i, place) for i, r in enumerate(tied)})
        place += len(tied)
    return found


@pytest.mark.parametrize("values", [SMALL, WIDE], ids=["packed", "wide"])
def test_positions_ranks_and_groups_equal_sorted(values):
    @given(problems(values))
    def hold(problem):
        keys, chosen, groups = problem
        ordered = rank.order(as_keys(keys), np.array(chosen, dtype=np.bool_))
        position, ranks = rank.positions(ordered, len(chosen))
        expected = oracle(keys, chosen)
        assert position.tolist() == [expected.get(r, (0, 0))[0] for r in range(len(chosen))]
        assert ranks.tolist() == [expected.get(r, (0, 0))[1] for r in range(len(chosen))]
        inside = rank.within(ordered, np.array(groups, dtype=np.int64))
        for group in range(4):
            members = [c and g == group for c, g in zip(chosen, groups, strict=True)]
            for row, (_, place) in oracle(keys, members).items():
                assert inside[row] == place
        outside = [not c or g < 0 for c, g in zip(chosen, groups, strict=True)]
        assert not inside[np.array(outside, dtype=np.bool_)].any()

    hold()


def test_words_of_exactly_64_bits_are_packed_and_right():
    values = np.array([0, 2**61 - 1, 5, 5, 2**61 - 1, 0, 1], dtype=np.int64)  # 61 bits of key + 3 of row
    ordered = rank.order([Key(values, descending=True)], np.ones(7, dtype=np.bool_))
    assert ordered.rows.tolist() == [1, 4, 2, 3, 6, 0, 5]
    assert ordered.tie.tolist() == [0, 0, 2, 2, 4, 5, 5]
    one_more = rank.order([Key(values * 2, descending=True)], np.ones(7, dtype=np.bool_))
    assert one_more.rows.tolist() == ordered.rows.tolist()


def test_a_key_that_says_nothing_leaves_the_order_of_ids():
    ordered = rank.order([Key(np.zeros(4, np.int64), np.zeros(4, np.bool_))], np.ones(4, dtype=np.bool_))
    assert ordered.rows.tolist() == [0, 1, 2, 3]
    assert ordered.tie.tolist() == [0, 0, 0, 0]


def test_any_order_of_the_keys_values_gives_the_same_bytes_at_scale():
    rng = np.random.default_rng(7)
    points, money = rng.integers(0, 100, 50_000), rng.integers(0, 10**9, 50_000)
    keys = [Key(points.astype(np.int64), descending=True), Key(money.astype(np.int64))]
    chosen = rng.random(50_000) < 0.9
    ordered = rank.order(keys, chosen)
    expected = sorted(np.flatnonzero(chosen).tolist(), key=lambda r: (-points[r], money[r], r))
    assert ordered.rows.tolist() == expected


def test_percentile_floors_to_hundredths():
    ranks = np.array([1, 2, 3, 3, 0], dtype=np.int64)
    assert rank.percentile(ranks, 3).tolist() == [0, 3333, 6666, 6666, 0]
    assert rank.percentile(np.array([1], dtype=np.int64), 1).tolist() == [0]


def test_area_groups_are_prefixes_and_short_codes_have_none():
    codes = ["370828", "370828101", "370828101001", "370829"]
    rows = np.array([0, 1, 2, 3, -1])
    assert rank.area_groups(codes, rows, 6).tolist() == [0, 0, 0, 1, -1]
    assert rank.area_groups(codes, rows, 9).tolist() == [-1, 0, 0, -1, -1]
    assert rank.area_groups(codes, rows, 2).tolist() == [0, 0, 0, 0, -1]
    assert rank.area_groups(codes, rows, 12).tolist() == [-1, -1, 0, -1, -1]
