"""What a table needs is all that a run of it looks at: whatever else a register holds, nothing comes out otherwise."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hardship.checking.check import Checked
from hardship.explaining.explain import explain
from hardship.inputs import Inputs
from hardship.language.fields import Level
from hardship.load import load_table
from hardship.lowering.lower import Detail
from hardship.lowering.program import lowered
from hardship.needed import NAMES, needed
from hardship.reading.write_register import file_frames
from hardship.register import Register, read_register
from hardship.reports.groups import NEEDED, group_report
from hardship.reports.words import area_names
from hardship.score import score
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
TABLES = sorted((Path(__file__).parents[1] / "scoring_tables").glob("*/*.toml"))
DETAILS: tuple[Detail, ...] = ("standing", "totals", "shares", "results", "items", "all")
COUNTY = next(path for path in TABLES if path.parent.name == "county_model")


def written(tables: Mapping[str, pl.DataFrame], folder: Path, form: str = "csv") -> Path:
    folder.mkdir()
    for name, frame in tables.items():
        (frame.write_csv if form == "csv" else frame.write_parquet)(folder / f"{name}.{form}")
    return folder


def dirty(tables: Mapping[str, pl.DataFrame], rng: random.Random) -> dict[str, pl.DataFrame]:
    """All cells as texts; in each table some are nonsense, empty, out of every bound, or in full-width characters."""
    found = {}
    for name, frame in tables.items():
        texts = {column: frame[column].cast(pl.String).to_list() for column in frame.columns}
        for column in frame.columns:
            if not column.endswith("_id") and frame.height:
                row = rng.randrange(frame.height)
                wide = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in texts[column][row] or "")
                texts[column][row] = rng.choice(["?", "", "-9999999999", "1e99", wide, wide, wide])
        found[name] = pl.DataFrame(texts, schema=dict.fromkeys(frame.columns, pl.String))
    return found


def all_of(register: Register, checked: Checked) -> dict[str, Any]:
    """Everything that is made of a register, but for its hash."""
    standards = load_standards()
    results = score(register, checked, standards, ON, detail="items", accepted="made up", forced=True)
    inputs = Inputs(register, checked, standards, ON, True, {})
    run = dict(results.run)
    assert run.pop("register")["sha256"] == register.sha256
    ids = results.frame["household_id"]
    return {
        "results": results.frame.rows(),
        "persons": None if results.persons is None else results.persons.rows(),
        "rejects": results.rejects.rows(),
        "groups": group_report(results.sheet.select(NEEDED), inputs).rows(),
        "townships": area_names(register, ("township",)),  # of which the group report here shows none: they are few
        "run": run,
        "register": (register.flags.rows(), register.counts, register.notes, register.rejected_areas),
        "explanation": explain(register, checked, standards, ON, ids[len(ids) // 2], nearest=False),
    }


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nothing_depends_on_what_is_not_needed(path: Path, tmp_path: Path) -> None:
    checked = load_table(path)
    attributes, area = checked.names.attributes, checked.table.table.place.area or "370828"
    register = synthesize(60, 3, area=area, attributes=attributes)
    tables = dirty(file_frames(register.frames, attributes), random.Random(path.parent.name))
    folder = written(tables, tmp_path / "register")
    used = needed(checked)
    whole, part = (read_register(folder, attributes=attributes, on=ON, used=one) for one in (None, used))
    assert whole.rejects.height
    assert whole.flags["flag"].str.starts_with("normalised:").any()
    assert all_of(whole, checked) == all_of(part, checked)
    levels: list[Level] = [*part.frames]
    kept = {name for level in levels for name in part.frames[level].columns if name in attributes}
    assert kept <= used < attributes.keys()
    assert whole.sha256 != part.sha256


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_program_finds_its_columns(path: Path) -> None:
    checked = load_table(path)
    for detail in DETAILS:
        assert {
            column.attribute
            for column in lowered(checked, detail).columns
            if column.attribute in checked.names.attributes
        } <= needed(checked)


def test_two_tables_need_what_either_needs() -> None:
    both = [load_table(path) for path in TABLES[:2]]
    assert needed(*both) == needed(both[0]) | needed(both[1])


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    checked = load_table(COUNTY)
    return file_frames(synthesize(700, 5).frames, checked.names.attributes)


def test_the_hash_is_of_what_is_used(
    tables: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for any order, format and number of threads; other columns may come, go and change."""
    checked = load_table(COUNTY)
    attributes, used = checked.names.attributes, needed(checked)

    def sha256(frames: Mapping[str, pl.DataFrame], name: str, form: str = "csv", also: tuple[str, ...] = ()) -> str:
        folder = written(frames, tmp_path / name, form)
        return read_register(folder, attributes=attributes, on=ON, used=used, also=also).sha256

    expected = sha256(tables, "plain")
    assert sha256(tables, "parquet", "parquet") == expected
    assert sha256(tables, "named", also=NAMES) == expected
    turned = {name: frame.select(frame.columns[::-1]).reverse() for name, frame in tables.items()}
    assert sha256(turned, "turned") == expected
    fewer = {
        name: frame.select(one for one in frame.columns if one in used or one not in attributes)
        for name, frame in tables.items()
    }
    assert fewer["members"].width < tables["members"].width
    assert sha256(fewer, "fewer") == expected
    changed = tables | {"members": tables["members"].with_columns(job_since=None, barthel_index=pl.lit(5))}
    assert sha256(changed, "unused changed", "parquet") == expected
    with monkeypatch.context() as patched:
        patched.setattr("os.cpu_count", lambda: 1)
        assert sha256(tables, "one thread") == expected
    for name, column in (("members", "wage_month"), ("households", "dwelling_units"), ("transfers", "amount")):
        other = tables[name].with_columns(
            pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise(pl.col(column)).alias(column)
        )
        assert sha256(tables | {name: other}, f"{column} changed") != expected


def test_a_corrected_fact_is_kept_even_if_nobody_uses_it(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    checked = load_table(COUNTY)
    attributes, used = checked.names.attributes, needed(checked)
    assert "vehicle_value" not in used
    one = tables["households"]["household_id"][7]
    row = {
        "household_id": one,
        "field": "vehicle_value",
        "value": "12.50",
        "reason": "seen",
        "by": "n",
        "on": "2018-06-01",
    }
    overrides = pl.DataFrame([row])
    folder = written({**tables, "overrides": overrides}, tmp_path / "corrected")
    register = read_register(folder, attributes=attributes, on=ON, used=used)
    assert register.frames["household"].filter(pl.col("household_id") == one)["vehicle_value"].to_list() == [1250]
    plain = read_register(written(tables, tmp_path / "plain"), attributes=attributes, on=ON, used=used)
    assert plain.sha256 == register.sha256
    results = score(register, checked, load_standards(), ON)
    assert results.overrides is not None
    assert results.overrides["differs"].to_list() == ["false"]
