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
    @given(problems(values), st.lists(st.integers(-1, 2), min_size=4, max_size=4))
    def hold(problem, level):
        keys, chosen, groups = problem
        grouping = rank.Grouping(np.array(groups, dtype=np.int64), [np.arange(4), np.array(level)])
        position, ranks, *inside = rank.ranks(as_keys(keys), np.array(chosen, dtype=np.bool_), [grouping])
        expected = oracle(keys, chosen)
        assert position.tolist() == [expected.get(r, (0, 0))[0] for r in range(len(chosen))]
        assert ranks.tolist() == [expected.get(r, (0, 0))[1] for r in range(len(chosen))]
        above = [-1 if g < 0 else level[g] for g in groups]
        for found, own in zip(inside, (groups, above), strict=True):
            wanted = [0] * len(chosen)
            for group in range(4):
                members = [c and g == group for c, g in zip(chosen, own, strict=True)]
                for row, (_, place) in oracle(keys, members).items():
                    wanted[row] = place
            assert found.tolist() == wanted

    hold()


def in_order(keys, chosen):
    """Rows by position, and each one's rank."""
    position, ranks = rank.ranks(keys, chosen)
    rows = np.argsort(position, kind="stable")[len(chosen) - int(chosen.sum()) :]
    return rows.tolist(), ranks[rows].tolist()


def test_words_of_exactly_64_bits_are_packed_and_right():
    values = np.array([0, 2**61 - 1, 5, 5, 2**61 - 1, 0, 1], dtype=np.int64)  # 61 bits of key + 3 of row
    everybody = np.ones(7, dtype=np.bool_)
    found = in_order([Key(values, descending=True)], everybody)
    assert found == ([1, 4, 2, 3, 6, 0, 5], [1, 1, 3, 3, 5, 6, 6])
    assert in_order([Key(values * 2, descending=True)], everybody) == found


def test_the_widest_key_alone():
    values = np.array([2**63 - 1, -(2**63), 0, 2**63 - 1], dtype=np.int64)
    assert in_order([Key(values)], np.ones(4, dtype=np.bool_)) == ([1, 2, 0, 3], [1, 2, 3, 3])


def test_a_key_that_says_nothing_leaves_the_order_of_ids():
    found = in_order([Key(np.zeros(4, np.int64), np.zeros(4, np.bool_))], np.ones(4, dtype=np.bool_))
    assert found == ([0, 1, 2, 3], [1, 1, 1, 1])


@pytest.mark.parametrize("few", [1, 50_000])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_buckets_give_the_same_ranks(monkeypatch, few, threads):
    monkeypatch.setattr(rank, "FEW", few)
    rng = np.random.default_rng(7)
    points, money = rng.integers(0, 40, 20_000), rng.integers(0, 300, 20_000)
    known = rng.random(20_000) < 0.8
    keys = [Key(points, descending=True), Key(money, known)]
    chosen = rng.random(20_000) < 0.9
    areas, circle = rng.integers(-1, 30, 20_000), rng.integers(-1, 3, 20_000)
    halves = np.arange(30) // 15
    groupings = [
        rank.Grouping(areas, [np.zeros(30, np.int64), halves, halves + 2, np.arange(30)]),
        rank.Grouping(circle, [np.arange(3)]),
    ]
    position, ranks, *inside = rank.ranks(keys, chosen, groupings, threads)
    order = sorted(
        np.flatnonzero(chosen).tolist(), key=lambda r: (-points[r], not known[r], money[r] if known[r] else 0, r)
    )
    assert position[order].tolist() == list(range(1, len(order) + 1))
    every = oracle_ranks(order, points, money, known, np.zeros(20_000, np.int64))
    assert ranks.tolist() == every
    assert inside[1] is inside[2]  # levels that part the rows alike: others write such ranks once
    assert len({id(found) for found in (position, ranks, *inside)}) == 6
    above = np.where(areas < 0, -1, areas // 15)
    for found, own in zip(inside, (np.minimum(areas, 0), above, above, areas, circle), strict=True):
        assert found.tolist() == oracle_ranks(order, points, money, known, own)


def oracle_ranks(order, points, money, known, groups):
    """Competition ranks inside groups, along an order."""
    found, seen = [0] * len(groups), {}
    for row in order:
        group = int(groups[row])
        if group < 0:
            continue
        count, last, place = seen.get(group, (0, None, 0))
        key = points[row], known[row], money[row] if known[row] else 0
        place = place if key == last else count + 1
        seen[group] = count + 1, key, place
        found[row] = place
    return found


def by_numpy(keys, chosen, groups=None):
    """Position, and competition rank among all or inside groups, by numpy alone; keys ascending, never null."""
    rows = np.flatnonzero(chosen if groups is None else chosen & (groups >= 0))
    order = rows[np.lexsort((*(key[rows] for key in reversed(keys)),))]
    if groups is not None:
        order = order[np.argsort(groups[order], kind="stable")]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = np.any([key[order[1:]] != key[order[:-1]] for key in keys], axis=0)
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = False if groups is None else groups[order[1:]] != groups[order[:-1]]
    at = np.arange(len(order))
    position, found = np.zeros((2, len(chosen)), dtype=np.int64)
    position[order] = at + 1
    start = np.maximum.accumulate(np.where(begins, at, 0))
    found[order] = np.maximum.accumulate(np.where(new | begins, at, 0)) - start + 1
    return position, found


SHAPES = {
    "many buckets": lambda rng, rows: [rng.integers(0, 101, rows), rng.integers(-9, 2**20, rows)],
    "mostly one bucket": lambda rng, rows: [np.where(np.arange(rows) == 7, 2**40, rng.integers(0, 5000, rows))],
    "few different": lambda rng, rows: [rng.integers(0, 3, rows)],
    "all alike": lambda rng, rows: [np.zeros(rows, np.int64)],
    "no room for groups": lambda rng, rows: [rng.integers(0, 2**44, rows) // 3],
    "wide": lambda rng, rows: [rng.integers(-(2**60), 2**60, rows) // 2**40 * 2**40],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_many_rows_over_several_windows_equal_numpy(shape, threads):
    rng, rows = np.random.default_rng(11), 280_000  # two whole windows and a part of one
    keys = SHAPES[shape](rng, rows)
    chosen = (rng.random(rows) < 0.95) & (np.arange(rows) // 131_072 != 1) | (keys[0] % 7 == 1)
    villages = np.sort(rng.integers(-3, 5000, rows))
    groupings = [rank.Grouping(villages.astype(np.int32), [np.arange(5000), np.arange(5000) // 900])]
    position, ranks, village, county = rank.ranks([Key(key) for key in keys], chosen, groupings, threads)
    assert (position == by_numpy(keys, chosen)[0]).all()
    assert (ranks == by_numpy(keys, chosen)[1]).all()
    villages = np.maximum(villages, -1)
    assert (village == by_numpy(keys, chosen, villages)[1]).all()
    assert (county == by_numpy(keys, chosen, np.where(villages < 0, -1, villages // 900))[1]).all()


def test_percentile_floors_to_hundredths():
    ranks = np.array([1, 2, 3, 3, 0], dtype=np.uint32)
    assert rank.percentile(ranks, 3).tolist() == [0, 3333, 6666, 6666, 0]
    assert rank.percentile(np.array([1], dtype=np.uint32), 1).tolist() == [0]


@pytest.mark.parametrize("ranked", [*range(1, 40), 9_999, 10_000, 999_983, 2**24 - 1, 2**24, 2**32 - 1])
def test_percentiles_without_division_are_those_of_whole_numbers(ranked):
    steps = [-(-place * ranked // 10_000) for place in range(0, 10_001, 3 if ranked < 100 else 41)]
    behind = {min(max(step + more, 0), ranked - 1) for step in steps for more in (-1, 0, 1)}
    ranks = np.array([0, *(place + 1 for place in sorted(behind))], dtype=np.uint32)
    assert rank.percentile(ranks, ranked).tolist() == [0, *(10_000 * place // ranked for place in sorted(behind))]


def test_area_groups_are_prefixes_and_short_codes_have_none():
    codes = ["370828", "370828101", "370828101001", "370829"]
    province, city, county, township, village = (level.tolist() for level in rank.area_levels(codes))
    assert province == city == [0, 0, 0, 0]
    assert county == [0, 0, 0, 1]
    assert township == [-1, 0, 0, -1]
    assert village == [-1, -1, 0, -1]
