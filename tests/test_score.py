"""The whole path: what is set aside, what is flagged, what stops a run, and one result for any way of running."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
import json
import os
import subprocess
import sys
import weakref
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from hardship.columns import csv_texts, sha256_of
from hardship.errors import RegisterError
from hardship.inputs import open_table
from hardship.load import load_text
from hardship.reference.evaluate import rows
from hardship.reference.results import results as reference_results
from hardship.score import score
from hardship.standards import StandardRow, load_standards, standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
HEAD = """[table]
id = "t"
version = 2018-01-01
title = { zh = "表", en = "Table" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
"""
LINE = """
[[parameter]]
name = "line"
title = { zh = "线", en = "line" }
unit = "money/month"
bounds = [1, 100000]
MORE
[[derive]]
name = "persons"
expr = "count(member)"
[[require]]
id = "size"
value = "persons"
at_least = 1
at_most = MOST
outside = "reject"
[[derive]]
name = "wages"
unit = "money/month"
expr = "sum(or_else(member.wage_month, 0))"
[[ladder]]
id = "circle"
title = { zh = "档", en = "circle" }
otherwise = { id = "out", title = { zh = "外", en = "out" } }
rung = [{ id = "in", title = { zh = "内", en = "in" }, tests = [{ value = "wages / persons", below = "line" }] }]
[results]
income_per_head = "wages / persons"
[rank]
keys = [{ value = "wages / persons", order = "ascending" }]
"""


def table(most=200, more=""):
    return load_text(HEAD + LINE.replace("MOST", str(most)).replace("MORE", more))


def line(area, value=600):
    begins = dt.date(2018, 1, 1)
    return StandardRow("line", area, "", begins, Fraction(value), "money/month", "illustrative", "", "x", 1)


@pytest.fixture(scope="module")
def register():
    return synthesize(400, 3)


@pytest.fixture(scope="module")
def county():
    return open_table("county_model", ON)[0]


@pytest.mark.parametrize("name", ["jinxiang", "bairin_left", "beilin", "county_model"])
def test_the_machine_gives_what_the_plain_evaluator_gives(name, register):
    checked, _ = open_table(name, ON)
    small = synthesize(150, 11)
    known = load_standards()
    found = list(csv_texts(score(small, checked, known, ON, detail="items").frame))
    plain = reference_results(checked.table, checked.names, known, ON, rows(small, checked.names.attributes), "items")
    assert len(found) == len(plain) == 150
    for one, other in zip(found, plain, strict=True):
        assert one.keys() == other.keys()
        assert one == other


def test_any_order_block_and_threads_give_one_result(register, county):
    known = load_standards()
    hashes = {
        score(register, county, known, ON, threads=threads, block=block).sha256
        for threads, block in ((1, 2048), (2, 7), (4, 100), (1, 1))
    }
    assert len(hashes) == 1


SCRIPT = """
import datetime as dt
from hardship.inputs import open_table
from hardship.score import score
from hardship.standards import load_standards
from hardship.synthesis import synthesize
on = dt.date(2018, 7, 1)
print(score(synthesize(60, 3), open_table("county_model", on)[0], load_standards(), on).sha256)
"""


def test_hash_seed_and_time_zone_change_nothing():
    found = set()
    for seed, zone in (("0", "UTC"), ("12345", "Asia/Shanghai")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    assert len(found) == 1


def test_every_household_is_scored_or_rejected(register):
    area = register.frames["household"]["area_code"]
    town = area[0][:9]
    found = score(register, table(most=3), standards([line(town)]), ON)
    inside = area.str.starts_with(town)
    codes = dict(found.rejects.group_by("code").len().iter_rows())
    assert codes["no_standard"] == (~inside).sum()
    assert found.frame.height + codes["no_standard"] + codes.get("out_of_range", 0) == 400
    assert found.frame["area_code"].str.starts_with(town).all()
    record = found.run["counts"]
    for entity in ("households", "members", "supporters", "transfers"):
        assert record[entity]["in"] == record[entity]["scored"] + record[entity]["rejected"]
    assert record["households"]["scored"] == found.frame.height
    sizes = register.frames["member"].group_by("household").len()
    ids = register.frames["household"]["household_id"]
    kept = sizes.filter(ids.gather(sizes["household"]).is_in(found.frame["household_id"].to_list()))
    assert record["members"]["scored"] == kept["len"].sum()
    assert kept["len"].max() == 3
    no_standard = found.rejects.filter(pl.col("code") == "no_standard")
    assert set(no_standard["field"]) == {"line"}
    assert no_standard["message_zh"].str.len_chars().min() > 3
    assert found.frame["position"].drop_nulls().sort().to_list() == list(range(1, found.frame.height + 1))


def test_a_rejected_household_does_not_move_the_ranks_of_others(register):
    known = standards([line("")])
    whole = score(register, table(), known, ON).frame
    part = score(register, table(most=3), known, ON).frame
    left = whole.filter(pl.col("household_id").is_in(part["household_id"].to_list())).sort("position")
    assert left["household_id"].to_list() == part.sort("position")["household_id"].to_list()
    assert part["rank"].min() == 1


def test_nothing_left_is_an_error(register):
    with pytest.raises(RegisterError) as stopped:
        score(register, table(), standards([line("99")]), ON)
    assert stopped.value.faults[0].code == "common.nothing_left"
    assert stopped.value.faults[0].params["rejected"] == 400
    (why,) = stopped.value.faults[1:]
    assert why.params["count"] == 400
    assert "no standard" in why.text("en").lower()


def test_forced_tables_and_numbers_past_verification_are_flagged(register):
    known = standards([line("")])
    dated = table(more="verified_until = 2018-06-30\n")
    found = score(register, dated, known, ON, forced=True)
    assert (found.frame["flags"].str.contains("past_verification;table_forced")).all()
    still = score(register, dated, known, dt.date(2018, 6, 30))
    assert not still.frame["flags"].str.contains("past_verification").any()


def scaled(register, factor):
    """The register with every amount of money of its members and transfers multiplied."""
    frames = dict(register.frames)
    for level in ("household", "member", "supporter", "transfer"):
        wide = [name for name in frames[level].columns if name.endswith(("_month", "_year", "amount"))]
        frames[level] = frames[level].with_columns(
            (pl.col(name).cast(pl.Int64) * factor.numerator // factor.denominator).clip(0, 10**9).cast(pl.Int32)
            for name in wide
            if frames[level][name].dtype in (pl.Int32, pl.Int64)
        )
    return dataclasses.replace(register, frames=frames)


def test_incomes_far_from_every_line_stop_the_run(register, county):
    known = load_standards()
    right = score(register, county, known, ON)
    assert Fraction(right.run["incomes"]["median"]) > 0
    assert "accepted" not in right.run["incomes"]
    with pytest.raises(RegisterError) as stopped:
        score(scaled(register, Fraction(100)), county, known, ON)
    assert stopped.value.faults[0].code == "common.implausible"
    wages = standards([line("")])
    score(register, table(), wages, ON)
    with pytest.raises(RegisterError):
        score(scaled(register, Fraction(1, 100)), table(), wages, ON)
    went_on = score(scaled(register, Fraction(100)), county, known, ON, accepted="amounts are in jiao")
    assert went_on.run["incomes"]["accepted"] == "amounts are in jiao"


def test_a_few_households_are_not_enough_to_stop(county):
    assert score(scaled(synthesize(60, 3), Fraction(100)), county, load_standards(), ON).run["incomes"] == {}


def test_the_hash_is_of_the_rows_and_the_record_is_json(register, county):
    found = score(register, county, load_standards(), ON)
    assert found.run["results_sha256"] == found.sha256 == sha256_of(found.frame)
    assert sha256_of(pl.concat([found.frame[:100], found.frame[100:]], rechunk=False)) == found.sha256
    assert sha256_of(found.frame.reverse()) != found.sha256
    assert json.loads(json.dumps(found.run)) == found.run


def test_incomplete_households_have_no_numbers(register, county):
    frame = score(register, county, load_standards(), ON, detail="items").frame
    incomplete = frame.filter(pl.col("outcome") == "incomplete")
    assert 0 < incomplete.height < frame.height
    said = {"household_id", "area_code", "outcome", "vetoes", "flags", "assumed", "missing"}
    for name in set(frame.columns) - said:
        assert incomplete[name].null_count() == incomplete.height, name
    assert (incomplete["missing"] != "").all()
    assert (frame.filter(pl.col("outcome") != "incomplete")["missing"] == "").all()


def test_ranks_of_areas_are_ranks_among_their_households(register, county):
    frame = score(register, county, load_standards(), ON).frame.filter(pl.col("rank").is_not_null())
    for column, length in (("rank_county", 6), ("rank_township", 9), ("rank_village", 12)):
        expected = frame.select(pl.col("rank").rank("min").over(pl.col("area_code").str.slice(0, length)))
        assert frame[column].to_list() == expected["rank"].to_list()
    expected = frame.select(pl.col("rank").rank("min").over("circle"))
    assert frame["rank_circle"].to_list() == expected["rank"].to_list()
    share = (10_000 * (frame["rank"].cast(pl.Int64) - 1) // frame.height).to_numpy()
    assert (np.array([int(100 * value) for value in frame["percentile"]]) == share).all()


def test_a_register_is_let_go_without_a_look_for_rubbish(county):
    """A circle of references would hold the parts of a large register until Python happens to look for one."""
    numbers = load_standards([])
    register = synthesize(300, 3, area="370828", attributes=county.names.attributes)
    assert score(register, county, numbers, ON).run["counts"]["incomplete"]  # the first makes what is kept
    held = [weakref.ref(frame) for frame in register.frames.values()]
    gc.collect()
    gc.disable()
    try:
        again = score(dataclasses.replace(register), county, numbers, ON)
        assert again.sha256
        del register, again
        assert [one() for one in held] == [None] * len(held)
    finally:
        gc.enable()
