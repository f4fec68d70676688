"""One registry of engines: the same entries are compared for equal results and measured for speed.

`prepare` does everything that is not timed and returns the call that is. `SCORE_ONLY` is here, Parquet to ranked
Parquet in `files`, ranking alone in `ranking`, variants of a table in `variants`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.peers import county_numpy, county_plain, county_polars, county_sql
from benchmarks.peers.county import RESULT_COLUMNS, LocalNumbers
from benchmarks.population import ON, county, local_numbers, named, parts
from hardship.attributes import dictionary
from hardship.checking.check import Checked
from hardship.engine import machine
from hardship.lowering.bind import bind
from hardship.lowering.lower import lower
from hardship.reading.write_register import Writer, file_frames, write_frames
from hardship.register import Register
from hardship.standards import Standards

PART = 250_000  # households of a part
THREADS = os.cpu_count() or 1
BLOCK = 16_384
"""Households of a block of numpy: its arrays stay in the cache; 4,096 and whole columns were slower here."""
Results = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Work:
    """What all engines are given: the table, its standards, a register in memory and, in `folder`, as files."""

    checked: Checked
    standards: Standards
    register: Register
    folder: Path = field(default=Path())

    @classmethod
    def made(cls, households: int, folder: Path) -> Work:
        """A complete register of so many households, in memory and written into `folder`."""
        work = cls(*county(households), folder)
        work._write(households)
        return work

    @classmethod
    def written(cls, households: int, folder: Path) -> Work:
        """The same in files alone; the register in memory is another one, of one household."""
        work = cls(*county(1), folder)
        work._write(households)
        return work

    @classmethod
    def in_parts(cls, households: int, folder: Path) -> Work:
        """The same in files alone, as a register in parts."""
        work = cls(*county(1), folder)
        for place, frames in enumerate(parts(households, size=PART)):
            with Writer(work.files, "parquet", dictionary(), f"part-{place + 1:05}") as writer:
                writer.write(file_frames(frames, dictionary()))
        return work

    def _write(self, households: int) -> None:
        """The files as `hardship synth` writes them, a row group for each part."""
        write_frames(parts(households), self.files, dictionary(), "parquet")

    @property
    def files(self) -> Path:
        """The register's folder: households, members, supporters and transfers as Parquet."""
        return self.folder / "register"

    @cached_property
    def local(self) -> LocalNumbers:
        """The local numbers the peers take as plain values."""
        return local_numbers(self.checked, self.standards)

    @cached_property
    def named(self) -> dict[str, pl.DataFrame]:
        """The register's frames with names, truths and dates instead of codes."""
        return named(self.register)


Prepare = Callable[[Work], Callable[[], Results]]


@dataclass(frozen=True)
class Engine:
    """One way to do the work.

    Attributes:
        prepare: everything that is not timed; returns the call that is.
        needs: a module, and after a space a program, without which the engine is skipped.
        most: so many households are asked of it at most, unless growth is measured.
        least: growth is measured from so many households on; below, it only begins.
    """

    prepare: Prepare
    needs: str = ""
    most: int = 1 << 40
    least: int = 0

    def absent(self) -> str:
        """What the engine needs and does not find here; empty if nothing."""
        module, _, program = self.needs.partition(" ")
        if module and importlib.util.find_spec(module) is None:
            return module
        return program if program and shutil.which(program) is None else ""


def _machine(threads: int) -> Prepare:
    def prepare(work: Work) -> Callable[[], Results]:
        program = lower(work.checked, "results")
        columns = bind(program, work.register, work.standards, ON)

        def call() -> Results:
            raw = machine.run(program, columns, threads=threads)
            return {name: raw[store].values for name, store in STORES.items()}

        return call

    return prepare


STORES = {
    "circle": "ladder:circle",
    "index": "index:hardship",
    "points_status": "group:status:hardship",
    "points_earnings": "group:earnings:hardship",
    "points_property": "group:property:hardship",
    "income_per_head": "income_per_head",
    "income_per_head_year": "rank:1",
    "benefit_month": "benefit",
}


def _polars(engine: county_polars.Way) -> Prepare:
    def prepare(work: Work) -> Callable[[], Results]:
        frames, local = work.named, work.local

        def call() -> Results:
            frame = county_polars.score(frames, local, engine)
            return {name: frame[name].to_numpy() for name in RESULT_COLUMNS}

        return call

    return prepare


def _numpy(block: int | None) -> Prepare:
    def prepare(work: Work) -> Callable[[], Results]:
        columns, local = county_numpy.columns(work.register.frames), work.local
        return lambda: county_numpy.score(columns, local, block)

    return prepare


def _duckdb(work: Work) -> Callable[[], Results]:
    connection = duckdb.connect()
    for level, frame in work.named.items():
        connection.register("given", frame.with_columns(pl.col(pl.Enum).cast(pl.String)).to_arrow())
        enums = {name: dtype for name, dtype in frame.schema.items() if isinstance(dtype, pl.Enum)}
        for name, dtype in enums.items():
            connection.execute(f"create type {name}_values as enum {tuple(dtype.categories)}")
        replaced = ", ".join(f"{name}::{name}_values as {name}" for name in enums)
        connection.execute(f"create table {level} as select * replace ({replaced}) from given")
    sql = county_sql.query({level: level for level in work.named}, work.local)
    wanted = f"select {', '.join(map(county_sql.quoted, RESULT_COLUMNS))} from ({sql}) order by household"

    def call() -> Results:
        found: Results = connection.execute(wanted).fetchnumpy()
        return found

    return call


def _plain(work: Work) -> Callable[[], Results]:
    homes, local = county_plain.households(work.named), work.local

    def call() -> Results:
        values = np.array(county_plain.score(homes, local), dtype=np.int64)
        return dict(zip(RESULT_COLUMNS, values.T, strict=True))

    return call


def _openfisca(work: Work) -> Callable[[], Results]:
    from benchmarks.peers import county_openfisca

    return county_openfisca.scorer(county_numpy.columns(work.register.frames), work.local)


def _zen(work: Work) -> Callable[[], Results]:
    from benchmarks.peers import county_zen

    facts = county_plain.deriver(work.local)
    rows = county_zen.contexts([facts(home) for home in county_plain.households(work.named)])
    score = county_zen.scorer()

    def call() -> Results:
        found = score(rows)
        names = ("index", "points_status", "points_earnings", "points_property")
        return {name: np.array([one[name] for one in found], dtype=np.int64) for name in names}

    return call


def _spark(work: Work) -> Callable[[], Results]:
    from benchmarks.peers import county_spark

    frame = county_spark.scored(county_spark.tables(work.files, kept=True), work.local)

    def call() -> Results:
        # The order of its rows is that of the shuffle: sorted as a user would who wants the register's order.
        found = pl.DataFrame(frame.toArrow()).sort("household_id")
        return {name: found[name].to_numpy() for name in RESULT_COLUMNS}

    return call


SCORE_ONLY: dict[str, Engine] = {
    "hardship": Engine(_machine(THREADS)),
    "hardship, 1 thread": Engine(_machine(1)),
    "numpy in blocks": Engine(_numpy(BLOCK)),
    "numpy": Engine(_numpy(None)),
    "polars streaming": Engine(_polars("streaming")),
    "polars in-memory": Engine(_polars("in-memory")),
    "DuckDB": Engine(_duckdb),
    "OpenFisca": Engine(_openfisca, "openfisca_core", 100_000),
    "Spark SQL": Engine(_spark, "pyspark java"),
    "plain Python": Engine(_plain, most=100_000),
    "zen-engine, items only": Engine(_zen, "zen", 10_000),
}


def unequal(work: Work, engines: Mapping[str, Engine] = SCORE_ONLY) -> list[str]:
    """The engines that are there and do not find what `hardship` finds, in every column both have."""
    expected = dict(SCORE_ONLY["hardship"].prepare(work)())
    expected |= {name: values for name, values in SCORE_ONLY["numpy"].prepare(work)().items() if name not in expected}
    wrong = []
    for name, engine in engines.items():
        found = {} if engine.absent() else engine.prepare(work)()
        if any(not np.array_equal(values, expected[column]) for column, values in found.items()):
            wrong.append(name)
    return wrong
