"""Cut-offs: nobody is parted from an equal by an id or a row's place; ties are told; nobody unjudged is out."""

from __future__ import annotations

import json
import random
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardship import cli
from hardship.cuts import TIES, Limits, cut, parse_limit, read_limits
from hardship.errors import UsageError

AREA = "370828101201"


def rows(*households, area=AREA):
    """Result rows from (id, rank, benefit); positions follow rank and id."""
    ordered = sorted(households, key=lambda one: (one[1], one[0]))
    return pl.DataFrame(
        [
            {"household_id": name, "area_code": area, "outcome": "meets", "circle": "a", "position": place,
             "rank": rank, "benefit_month": Decimal(money)}
            for place, (name, rank, money) in enumerate(ordered, 1)
        ],
        schema_overrides={"benefit_month": pl.Decimal(18, 2), "position": pl.UInt32, "rank": pl.UInt32},
    )  # fmt: skip


FIVE = rows(("e", 1, "300"), ("b", 2, "200"), ("d", 2, "200"), ("a", 2, "250"), ("c", 5, "100"))


def decided(done):
    return dict(done.frame.select("household_id", "decision").iter_rows())


@pytest.mark.parametrize(
    ("quota", "tie", "into"),
    [
        (0, "in", ""), (1, "panel", "e"), (2, "out", "e"), (2, "in", "eabd"), (2, "panel", "e"), (3, "out", "e"),
        (4, "out", "eabd"), (5, "out", "eabdc"), (9, "out", "eabdc"),
    ],
)  # fmt: skip
def test_a_quota_by_hand(quota, tie, into):
    done = cut(FIVE, Limits("quota", quota), tie)
    assert {name for name, what in decided(done).items() if what == "in"} == set(into)
    parted = quota in (2, 3)
    assert set(done.marginal["household_id"]) == (set("abd") if parted else set())
    if parted:
        assert set(done.marginal["decision"]) == {tie}
        assert done.areas["marginal_rank"].to_list() == [2]
    row = done.areas.row(0, named=True)
    assert row["in"] + row["out"] + row["panel"] == row["candidates"] == 5
    assert row["left"] == quota - len(into)


@pytest.mark.parametrize(
    ("budget", "tie", "into", "parted", "left"),
    [
        ("299.99", "in", "", False, "299.99"),  # the first does not fit, and nobody behind it goes before it
        ("499.99", "in", "e", False, "199.99"),  # not even the cheapest of the tie fits
        ("500.00", "in", "eabd", True, "-450.00"),
        ("500.00", "out", "e", True, "200.00"),
        ("949.99", "panel", "e", True, "649.99"),
        ("950.00", "out", "eabd", False, "0.00"),
        ("1050.00", "out", "eabdc", False, "0.00"),
    ],
)
def test_a_budget_by_hand(budget, tie, into, parted, left):
    done = cut(FIVE, Limits("budget", parse_limit("budget", budget)), tie)
    assert {name for name, what in decided(done).items() if what == "in"} == set(into)
    assert bool(done.marginal.height) == parted
    assert done.areas["left"].to_list() == [Decimal(left)]


def brute(households, limit, tie, costs):
    """The same rule, household by household, in plain words."""
    decision, used = {}, 0
    ranks = sorted({rank for _, rank, _ in households})
    for place, rank in enumerate(ranks):
        tied = [one for one in households if one[1] == rank]
        need = sum(costs(one) for one in tied)
        if used + need <= limit:
            decision |= {one[0]: "in" for one in tied}
            used += need
            continue
        parts = len(tied) > 1 and used + min(costs(one) for one in tied) <= limit
        decision |= {one[0]: tie if parts else "out" for one in tied}
        behind = [one for one in households if one[1] in ranks[place + 1 :]]
        return decision | {one[0]: "out" for one in behind}
    return decision


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 500)), max_size=25),
    st.integers(0, 3000),
    st.sampled_from(TIES),
    st.sampled_from(["quota", "budget"]),
)
def test_the_rule_is_the_plain_one(found, limit, tie, kind):
    households = [(f"h{k:02}", rank, str(money)) for k, (rank, money) in enumerate(found)]
    if not households:
        return
    if kind == "quota":
        limit %= 30
    done = cut(rows(*households), Limits(kind, limit * (100 if kind == "budget" else 1)), tie)
    costs = (lambda one: 1) if kind == "quota" else (lambda one: int(one[2]))
    assert decided(done) == brute(households, limit, tie, costs)


def test_a_thousand_shuffles_give_the_same_sets():
    """Neither the order of rows nor the ids of the tied decide: both are dealt anew each time."""
    rng = random.Random(29)
    people = [(f"p{k:02}", rank) for k, rank in enumerate([1, 1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 9])]
    expected = None
    for _ in range(1000):
        ids = [f"h{k:03}" for k in rng.sample(range(1000), len(people))]
        who = dict(zip(ids, (name for name, _ in people), strict=True))
        frame = rows(*((one, rank, "100") for one, (_, rank) in zip(ids, people, strict=True)))
        done = cut(frame.sample(fraction=1, shuffle=True, seed=rng.randrange(10**6)), Limits("quota", 5), "panel")
        found = {what: {who[one] for one, said in decided(done).items() if said == what} for what in TIES}
        expected = expected or found
        assert found == expected
        assert {who[one] for one in done.marginal["household_id"]} == {"p03", "p04", "p05", "p06"}
    assert expected == {
        "in": {"p00", "p01", "p02"}, "panel": {"p03", "p04", "p05", "p06"},
        "out": {"p07", "p08", "p09", "p10", "p11"},
    }  # fmt: skip


def test_who_cannot_be_compared_is_listed_apart_and_never_out():
    frame = rows(*((f"h{k}", k, "10") for k in range(1, 9)))
    changes = {
        "h1": ("incomplete", None, None),
        "h2": ("needs_review", "x", 2),
        "h3": ("does_not_meet", "x", 3),
        "h4": ("meets", "a", None),
    }
    for name, (outcome, circle, position) in changes.items():
        here = pl.col("household_id") == name
        frame = frame.with_columns(
            outcome=pl.when(here).then(pl.lit(outcome)).otherwise("outcome"),
            circle=pl.when(here).then(pl.lit(circle)).otherwise("circle"),
            position=pl.when(here).then(pl.lit(position, dtype=pl.UInt32)).otherwise("position"),
        )
    frame = frame.with_columns(
        area_code=pl.when(pl.col("household_id") == "h5").then(pl.lit("3708")).otherwise("area_code")
    )
    done = cut(frame, Limits("quota", 1, "township"), "out", rejected=["h9", "h8"])
    assert decided(done) == {
        "h1": "incomplete", "h2": "needs_review", "h3": "no_candidate", "h4": "not_ranked", "h5": "no_limit",
        "h6": "in", "h7": "out", "h8": "out", "h9": "rejected",
    }  # fmt: skip
    row = done.areas.row(0, named=True)
    assert (row["incomplete"], row["needs_review"], row["not_ranked"], row["candidates"]) == (1, 1, 1, 3)
    of_circle = cut(frame, Limits("quota", 1), "out", circles=["x"])
    assert [one for one, what in decided(of_circle).items() if what == "in"] == ["h3"]
    with pytest.raises(UsageError, match="circle"):
        cut(frame, Limits("quota", 1), "out", circles=["b"])


def test_areas_are_cut_apart_and_the_longest_code_holds(tmp_path):
    one, other = rows(("a", 1, "10"), ("b", 2, "10")), rows(("c", 1, "10"), ("d", 2, "10"), area="370828102201")
    frame = pl.concat([one, other])
    assert list(decided(cut(frame, Limits("quota", 1, "township"), "out")).values()).count("in") == 2
    path = tmp_path / "quotas.csv"
    path.write_bytes("行政区划代码,名额\n370828,1\n370828102,2\n99,5\n".encode("gb18030"))
    limits = read_limits(path)
    done = cut(frame, limits, "out")
    assert decided(done) == {"a": "in", "b": "out", "c": "in", "d": "in"}
    assert done.areas.select("area", "candidates", "in", "left").rows() == [
        ("370828", 2, 1, 0), ("370828102", 2, 2, 0), ("99", 0, 0, 5)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "bad_columns"), ("area_code\n1\n", "bad_columns"), ("area_code,quota,budget\n", "bad_columns"),
        ("area_code,quota\n1,2\n1,3\n", "bad_area"), ("area_code,quota\n,3\n", "bad_area"),
        ("area_code,quota\n1,2.5\n", "bad_quota"), ("area_code,budget\n1,2.555\n", "bad_budget"),
        ("area_code,budget\n1\n", "bad_budget"),
    ],
)  # fmt: skip
def test_faults_of_a_file_of_limits(content, code, tmp_path):
    path = tmp_path / "limits.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_limits(path)
    assert caught.value.faults[0].code == f"cut.{code}"
    assert caught.value.text("zh")


def test_a_table_without_a_benefit_has_no_budget():
    none = FIVE.with_columns(benefit_month=pl.lit(None, dtype=pl.Decimal(18, 2)))
    with pytest.raises(UsageError, match="--quota"):
        cut(none, Limits("budget", 100), "in")
    assert cut(none, Limits("quota", 1), "in").frame.height == 5


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HARDSHIP_LANG", "en")
    register, scored, out = (str(tmp_path / name) for name in ("register", "scored", "cut"))
    assert cli.run(["synth", "--households", "400", "--seed", "2", "--out", register]) == 0
    assert cli.run(["score", register, "--table", "county_model", "--on", "2018-07-01", "--out", scored]) == 0
    call = ["cut", scored, "--tie", "panel", "--out", out]
    assert cli.run([*call, "--quota", "60"]) == 0
    shown = capsys.readouterr().out
    frame, run = pl.read_parquet(f"{out}/cut.parquet"), json.loads((tmp_path / "cut" / "run.json").read_text("utf-8"))
    assert frame.height == 400
    assert run["counts"] == dict(sorted(frame.group_by("decision").len().iter_rows()))
    marginal = frame.filter(pl.col("marginal"))
    assert run["marginal"] == marginal.height
    assert marginal.height == 0 or f"rank {marginal['rank'][0]}" in shown
    assert frame.filter(pl.col("decision") == "in").height <= 60
    assert "Listed apart: incomplete" in shown
    assert cli.run([*call, "--budget", "20000.00", "--within", "village"]) == 0
    for wrong in ([], ["--quota", "5", "--budget", "5"], ["--quota", "x"], ["--within", "nowhere.csv"],
                  ["--quota", "5", "--within", "limits.csv"]):  # fmt: skip
        assert cli.run([*call, *wrong]) == 2
    assert cli.run(["cut", scored, "--tie", "in", "--quota", "5", "--out", scored]) == 2
    results = pl.read_parquet(f"{scored}/results.parquet")
    results.with_columns(rank=pl.lit(1, dtype=pl.UInt32)).write_parquet(f"{scored}/results.parquet")
    assert cli.run([*call, "--quota", "60"]) == 2
    assert "Score again" in capsys.readouterr().err
