"""Why something changed: shares against all orders in fractions, smallest sets, and sums without one exception."""

from __future__ import annotations

import dataclasses
import datetime as dt
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import polars as pl
import pytest
from settings import ON, SHORTFALL, household, line, setting, table

from hardship.inputs import Inputs
from hardship.load import load_table, load_text
from hardship.movement.causes import shares
from hardship.movement.rerank import Movement, rerank
from hardship.register import Register
from hardship.roots import default_roots
from hardship.standards import load_standards, standards
from hardship.synthesis import synthesize

COUNTY = default_roots()[0] / "county_model" / "2018-01-01.toml"
HOUSEHOLDS = 20_000


@pytest.mark.parametrize("differs", [(True, True, True), (True, False, True), (False, True, False), (False,) * 3])
def test_shares_are_the_mean_over_all_orders(differs: tuple[bool, bool, bool]) -> None:
    random = np.random.default_rng(1)
    mixtures = list(product(*((0, 1)[: 1 + differ] for differ in differs)))
    values = {mixture: random.integers(-(10**9), 10**9, 50) for mixture in mixtures}
    found = shares(mixtures, lambda mixture: (values[mixture], np.ones(50, np.bool_)), 50)
    moving = [number for number in range(3) if differs[number]]
    for row in range(50):
        wanted = [Fraction(0)] * 3
        orders = list(permutations(moving))
        for order in orders:
            at = [0, 0, 0]
            for number in order:
                before = int(values[at[0], at[1], at[2]][row])
                at[number] = 1
                wanted[number] += Fraction(int(values[at[0], at[1], at[2]][row]) - before, len(orders))
        assert [Fraction(int(part[row]), 6) for part in found.parts] == wanted


def test_what_a_mixture_cannot_score_has_no_share() -> None:
    known = {(0, 0, 0): [1, 1], (1, 0, 0): [1, 0], (0, 1, 0): [1, 1], (1, 1, 0): [1, 1]}
    found = shares(list(known), lambda one: (np.array([5, 5]), np.array(known[one], np.bool_)), 2)
    assert found.known.tolist() == [True, False]


def test_three_factors_by_hand() -> None:
    # Two persons, wages 1,000 or 1,100 together; line 600 or 700; the table pays the shortfall, or a line more.
    plus = f"{SHORTFALL} + line"
    before = setting(table(), [line("600")], [household("H1", "1000", "0")])
    after = setting(table("2018-02-01", share=plus), [line("700")], [household("H1", "1100", "0")])
    # v(S,T,D): 000: 1200 − 1000 = 200; S: 1400 − 1000 = 400; T: 200 + 600 = 800; D: 1200 − 1100 = 100;
    # ST: 400 + 700 = 1100; SD: 1400 − 1100 = 300; TD: 100 + 600 = 700; STD: 300 + 700 = 1000.
    # Standard: (2·(400−200) + (1100−800) + (300−100) + 2·(1000−700)) / 6 = (400 + 300 + 200 + 600) / 6 = 250.
    # Table: (2·(800−200) + (1100−400) + (700−100) + 2·(1000−300)) / 6 = (1200 + 700 + 600 + 1400) / 6 = 650.
    # Data: (2·(100−200) + (300−400) + (700−800) + 2·(1000−1100)) / 6 = (−200 − 100 − 100 − 200) / 6 = −100. Sum 800.
    moved = rerank(before, after)
    found = moved.frame.row(0, named=True)
    assert moved.run["runs"] == 8
    assert [found[f"amount_by_{name}"] for name in ("standard", "table", "data")] == [150_000, 390_000, -60_000]
    assert int((found["amount_after"] - found["amount_before"]) * 100) * 6 == 150_000 + 390_000 - 60_000
    assert moved.causes["amount_month"].to_list()[:3] == [250, 650, -100]


@pytest.mark.parametrize(
    ("standard", "wage", "cause"),
    [
        # In at 600 with 550. Out by the line alone (500), by the wage alone (650), by each of the two.
        ("500", "550", "standard"),
        ("600", "650", "data"),
        ("500", "650", "joint"),
        ("590", "560", ""),
    ],
)
def test_the_cause_of_another_circle_is_the_smallest_set(standard: str, wage: str, cause: str) -> None:
    before = setting(table(), [line("600")], [household("H1", "550")])
    after = setting(table(), [line(standard)], [household("H1", wage)])
    assert rerank(before, after).frame["cause"].to_list() == [cause]


def test_two_factors_that_only_together_change_the_circle() -> None:
    # 570 < 600. Line 580: 570 still in. Wage 590: still in at 600. Both: 590 ≥ 580, out.
    before = setting(table(), [line("600")], [household("H1", "570")])
    after = setting(table(), [line("580")], [household("H1", "590")])
    assert rerank(before, after).frame["cause"].to_list() == ["standard+data"]


def test_a_new_parameter_that_the_old_standards_lack_leaves_it_unattributed() -> None:
    newer = load_text(_with_other().replace('"wages / persons", below = "line"', '"wages / persons", below = "other"'))
    before = setting(table(), [line("600")], [household("H1", "550")])
    after = setting(newer, [line("500"), line("500") | {"parameter": "other"}], [household("H1", "550")])
    moved = rerank(before, after)
    assert moved.frame["state_after"].to_list() == ["none"]
    assert moved.frame["cause"].to_list() == ["unattributed"]
    assert moved.frame["amount_by_standard"].to_list() == [None]
    assert moved.causes.row(-1, named=True) == {
        "factor": "unattributed", "differs": None, "households": 1, "amount_sixths": -30_000, "amount_month": -50,
    }  # fmt: skip


def _with_other() -> str:
    """The small table's text with a second parameter."""
    from settings import BODY, HEAD

    body = BODY.replace("SHARE", SHORTFALL).replace("IN", "dibao").replace("MORE", "")
    parameter = body[body.index("[[parameter]]") : body.index("[[derive]]")]
    return HEAD.replace("VERSION", "2018-02-01") + parameter.replace('"line"', '"other"') + body


@pytest.fixture(scope="module")
def three() -> Movement:
    """A county through another standard, another version of its table, and other data."""
    checked = load_table(COUNTY)
    text = COUNTY.read_text(encoding="utf-8").replace("version = 2018-01-01", "version = 2018-04-01")
    newer = load_text(text.replace("points = 3", "points = 4").replace("points = 8", "points = 7"))
    register = synthesize(HOUSEHOLDS, 7, attributes=checked.names.attributes)
    rows = load_standards().rows
    higher = standards(
        dataclasses.replace(row, value=row.value * Fraction(11, 10)) if row.parameter == "dibao_standard" else row
        for row in rows
    )
    before = Inputs(register, checked, load_standards(), ON, False, {})
    return rerank(before, Inputs(fewer_and_richer(register), newer, higher, dt.date(2018, 9, 1), False, {}))


def fewer_and_richer(register: Register) -> Register:
    """The register with other wages for every seventh member."""
    members = register.frames["member"]
    seventh = pl.int_range(pl.len()) % 7 == 0
    richer = members.with_columns(pl.when(seventh).then(pl.col("wage_month") + 10_000).otherwise(pl.col("wage_month")))
    cast = richer.with_columns(pl.col("wage_month").cast(members.schema["wage_month"]))
    return dataclasses.replace(register, frames={**register.frames, "member": cast}, sha256="other")


def test_causes_add_up_for_every_household(three: Movement) -> None:
    assert three.run["factors"] == ["standard", "table", "data"]
    assert three.run["runs"] == 8
    frame = three.frame
    known = frame.filter(pl.col("amount_by_standard").is_not_null())
    assert known.height > 0.8 * HOUSEHOLDS
    fen = ((pl.col("amount_after") - pl.col("amount_before")) * 600).cast(pl.Int64)
    assert known.filter(pl.sum_horizontal(pl.col("^amount_by_.*$")) != fen).height == 0
    scale = int(three.run["index_unit"].partition("/")[2] or 1)
    points = ((pl.col("index_after") - pl.col("index_before")) * 6 * scale).cast(pl.Int64)
    known = frame.filter(pl.col("index_by_standard").is_not_null())
    assert known.filter(pl.sum_horizontal(pl.col("^index_by_.*$")) != points).height == 0
    assert known.filter(pl.col("index_by_table") != 0).height > 1_000
    lacking = frame.filter(pl.col("amount_by_standard").is_null())
    assert set(lacking["state_before"]) | set(lacking["state_after"]) >= {"incomplete"}


def test_every_change_of_circle_has_a_cause_and_no_other_has_one(three: Movement) -> None:
    moved = three.frame.filter(pl.col("state_before") != pl.col("state_after"))
    assert moved.height > 300
    assert moved.filter(pl.col("cause") == "").height == 0
    assert three.frame.filter((pl.col("state_before") == pl.col("state_after")) & (pl.col("cause") != "")).height == 0


def test_the_shares_sum_to_the_change_of_the_budget(three: Movement) -> None:
    (month,) = three.totals.filter((pl.col("level") == "all") & (pl.col("residence") == ""))["month_difference"]
    assert three.causes["amount_sixths"].sum() == int(month * 600)
