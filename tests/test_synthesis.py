"""Synthetic registers: the same for the same seed, whole, varied, and as people are."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hardship import synthesis
from hardship.attributes import dictionary, stored_bounds
from hardship.errors import UsageError
from hardship.language.fields import DeclaredAttribute, Title
from hardship.register import Register, read_register

ON = dt.date(2018, 7, 1)
D = dictionary()
EXPECTED = "5d0cccebc37626a11b55f6b0dbd3048719c280fc3b35f974f33c7c42b2c2d5c3"


@pytest.fixture(scope="module")
def register() -> Register:
    return synthesis.synthesize(20_000, 1)


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, form: str) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        synthesis.write(200, seed, tmp_path / name, format=form)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_this_seed_gives_this_register() -> None:
    """Held against other machines and library versions: integer arithmetic and the TOML decide every value."""
    assert synthesis.synthesize(50, 2018).sha256 == EXPECTED


def test_parts_and_numbers_change_nothing() -> None:
    whole = synthesis.synthesize(500, 4)
    several = pl.concat([part["household"] for part in synthesis.parts(500, 4, size=77)])
    assert several.equals(whole.frames["household"])
    first = synthesis.synthesize(100, 4)
    assert first.frames["household"].equals(whole.frames["household"].head(100))


def test_words_are_splitmix64() -> None:
    """The first three outputs of the published generator for the state 1234567."""
    stream = synthesis.Stream(0, "")
    stream.key = np.uint64(1234567)
    assert stream.words(np.array([1, 2, 3], dtype=np.uint64)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_it_is_a_clean_register(tmp_path: Path, register: Register) -> None:
    synthesis.write(2_000, 8, tmp_path, format="parquet")
    again = read_register(tmp_path, attributes=D, on=ON)
    assert again.rejects.height == 0
    assert again.notes == ()
    assert again.sha256 == synthesis.synthesize(2_000, 8).sha256
    assert register.frames["household"]["household_id"].is_sorted()


def test_sizes_are_as_people_live(register: Register) -> None:
    homes = register.frames["household"].height
    members = register.frames["member"].height
    assert 2.6 < members / homes < 2.9
    assert 0.3 < register.frames["supporter"].height / homes < 0.5
    assert register.frames["transfer"].group_by("member").len()["len"].max() == 2
    assert register.frames["member"].group_by("household").len()["len"].min() == 1
    heads = register.frames["member"].filter(pl.col("relation_to_head") == 0)
    assert heads.height == homes


def test_every_value_occurs_and_none_leaves_its_bounds(register: Register) -> None:
    rules = synthesis.spread()["attribute"]
    for name, attribute in D.items():
        frame = register.frames[attribute.level]
        if rules.get(name, {}).get("skip"):
            assert name not in frame.columns
            continue
        column = frame[name].drop_nulls()
        if attribute.type in ("enum", "bool"):
            size = 2 if attribute.type == "bool" else len(attribute.values)
            assert column.n_unique() == size, name
        elif attribute.type == "set":
            seen = int(np.bitwise_or.reduce(column.to_numpy()))
            assert seen == stored_bounds(attribute)[1], name
        elif attribute.type != "code":
            low, high = stored_bounds(attribute)
            assert low <= column.min(), name  # type: ignore[operator]
            assert column.max() <= high, name  # type: ignore[operator]
            assert column.n_unique() > 1, name


def test_a_few_cells_are_missing(register: Register) -> None:
    for level in ("household", "member"):
        frame = register.frames[level]  # type: ignore[index]
        for name in ("financial_assets", "rigid_medical_year", "wage_month", "disability_grade"):
            if name in frame.columns:
                assert 0.005 < frame[name].null_count() / frame.height < 0.03
    assert register.frames["household"]["residence_type"].null_count() == 0


def test_places_and_ages_fit(register: Register) -> None:
    areas = register.frames["household"]["area_code"]
    assert areas.str.len_chars().unique().to_list() == [12]
    assert areas.str.starts_with("370828").all()
    assert areas.str.slice(0, 9).n_unique() >= 10
    assert areas.n_unique() >= 100
    born = register.frames["member"]["birth_date"].drop_nulls()
    ages = (20180701 - born) // 10_000
    assert ages.min() == 0
    assert 95 <= ages.max() <= 105  # type: ignore[operator]
    for area in ("15", "150422", "150422101", "150422101203"):
        lived = synthesis.synthesize(3, 1, area=area).frames["household"]["area_code"]
        assert lived.str.starts_with(area).all()
        assert lived.str.len_chars().to_list() == [12, 12, 12]


def test_calendar_days() -> None:
    days = np.array(["1899-12-31", "1970-01-01", "2000-02-29", "2018-07-01"], dtype="M8[D]")
    assert synthesis.ymd(days).tolist() == [18991231, 19700101, 20000229, 20180701]


def test_incomes_reach_below_and_above_the_lines(register: Register) -> None:
    members = register.frames["member"]
    a_month = members.group_by("household").agg((pl.col("wage_month").sum() / pl.len() / 100).alias("head"))["head"]
    for line in (100, 300, 540, 810, 1200, 1600):
        assert 0.01 < (a_month < line).mean() < 0.99  # type: ignore[operator]


def test_a_tables_own_attribute_is_filled() -> None:
    rooms = DeclaredAttribute(
        name="rooms", title=Title(zh="房间", en="Rooms"), level="household", type="int", bounds=(1, 30)
    )
    register = synthesis.synthesize(300, 1, attributes={**D, "rooms": rooms})
    assert register.frames["household"]["rooms"].n_unique() > 3
    assert register.frames["household"]["rooms"].min() == 1


def test_progress_is_told_and_nothing_is_something(tmp_path: Path) -> None:
    told: list[float] = []
    synthesis.synthesize(10, 1, progress=lambda _what, share: told.append(share))
    synthesis.write(10, 1, tmp_path, progress=lambda _what, share: told.append(share))
    assert told == [1.0, 1.0]
    assert synthesis.synthesize(0, 1).frames["member"].height == 0
    with pytest.raises(UsageError):
        synthesis.write(1, 1, tmp_path, format="xls")


def test_no_second_format_beside_the_first(tmp_path):
    synthesis.write(5, 1, tmp_path)
    synthesis.write(5, 2, tmp_path)
    with pytest.raises(UsageError):
        synthesis.write(5, 1, tmp_path, format="parquet")
