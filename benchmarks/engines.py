"""One registry of engines: the same entries are compared for equal results (tests) and for speed.

`prepare` does everything that is not timed and returns the call that is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.peers import county_duckdb, county_numpy, county_polars
from benchmarks.peers.county import CIRCLES, OUTCOMES, RESULT_COLUMNS, VETOES, LocalNumbers
from benchmarks.population import ON, local_numbers
from hardship.checking.check import Checked
from hardship.engine import machine
from hardship.export import write_parquet
from hardship.lowering.bind import bind
from hardship.lowering.lower import lower
from hardship.rank import AREA_LEVELS, Grouping, Key, area_levels, ranks
from hardship.register import Register, read_register
from hardship.score import score
from hardship.standards import Standards

THREADS = os.cpu_count() or 1
Results = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Work:
    """What all engines are given."""

    checked: Checked
    standards: Standards
    register: Register
    folder: Path = field(default=Path())

    @cached_property
    def local(self) -> LocalNumbers:
        """The local numbers the peers take as plain values."""
        return local_numbers(self.checked, self.standards)


Prepare = Callable[[Work], Callable[[], Results]]


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
    "benefit_month": "benefit",
}


def _polars(engine: str) -> Prepare:
    def prepare(work: Work) -> Callable[[], Results]:
        frames, local = work.register.frames, work.local

        def call() -> Results:
            frame = county_polars.score(frames, local, engine)
            return {name: frame[name].to_numpy() for name in RESULT_COLUMNS}

        return call

    return prepare


def _numpy(work: Work) -> Callable[[], Results]:
    columns, local = county_numpy.columns(work.register.frames), work.local
    return lambda: county_numpy.score(columns, local)


def _duckdb(work: Work) -> Callable[[], Results]:
    connection = duckdb.connect()
    for level, frame in work.register.frames.items():
        connection.register("given", frame.to_arrow())
        connection.execute(f"create table {level} as select *, row_number() over () - 1 as row from given")
    sql = county_duckdb.query({level: level for level in work.register.frames}, work.local)
    wanted = f"select {county_duckdb.columns()} from ({sql}) order by row"

    def call() -> Results:
        found: Results = connection.execute(wanted).fetchnumpy()
        return found

    return call


SCORE_ONLY: dict[str, Prepare] = {
    "hardship": _machine(THREADS),
    "hardship, 1 thread": _machine(1),
    "polars streaming": _polars("streaming"),
    "polars in-memory": _polars("in-memory"),
    "DuckDB": _duckdb,
    "numpy": _numpy,
}


def _ranked(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rank who is ranked: hardest first, then poorest; overall and within the county."""
    among = ~pl.col("circle_stopped")
    order = pl.col("income_per_head") - pl.col("index") * (1 << 44)  # one integer ranks sooner than two columns
    rank = pl.when(among).then(order).rank("min")
    return frame.with_columns(rank=rank, rank_county=rank.over(pl.col("area_code").str.slice(0, 6)))


def _parquet_hardship(work: Work) -> Callable[[], Results]:
    def call() -> Results:
        register = read_register(work.folder / "register", attributes=dict(work.checked.names.attributes), on=ON)
        done = score(register, work.checked, work.standards, ON)
        write_parquet(done.sheet.frame, work.folder / "hardship.parquet")
        return {}

    return call


def _parquet_polars(engine: str) -> Prepare:
    def prepare(work: Work) -> Callable[[], Results]:
        local = work.local

        def call() -> Results:
            frames = {
                level: pl.read_parquet(work.folder / "stored" / f"{level}.parquet")
                for level in ("household", "member", "supporter", "transfer")
            }
            results = county_polars.query(frames, local)
            ids = frames["household"].lazy().select("household_id", "area_code")
            frame = pl.concat([ids, results], how="horizontal")
            frame = frame.with_columns(circle_stopped=pl.col("vetoes") > 0)
            _ranked(frame).collect(engine=engine).write_parquet(work.folder / "polars.parquet")
            return {}

        return call

    return prepare


def _parquet_numpy(work: Work) -> Callable[[], Results]:
    local = work.local

    def call() -> Results:
        frames = {
            level: pl.read_parquet(work.folder / "stored" / f"{level}.parquet")
            for level in ("household", "member", "supporter", "transfer")
        }
        results = pl.DataFrame(county_numpy.score(county_numpy.columns(frames), local))
        ids = frames["household"].select("household_id", "area_code")
        frame = pl.concat([ids, results], how="horizontal").lazy()
        frame = frame.with_columns(circle_stopped=pl.col("vetoes") > 0)
        _ranked(frame).collect().write_parquet(work.folder / "numpy.parquet")
        return {}

    return call


def _parquet_duckdb(work: Work) -> Callable[[], Results]:
    stored = work.folder / "stored"
    tables = {
        level: "(select *, file_row_number as row "
        f"from read_parquet('{stored / level}.parquet', file_row_number = true))"
        for level in ("household", "member", "supporter", "transfer")
    }
    order = 'order by "index" desc, income_per_head'
    sql = f"""copy (
        select * exclude (row),
            case when vetoes = 0 then rank() over (partition by vetoes = 0 {order}) end as rank,
            case when vetoes = 0 then rank() over (partition by vetoes = 0, area_code[:6] {order}) end as rank_county
        from ({county_duckdb.query(tables, work.local)}) order by row
    ) to '{work.folder / "duckdb.parquet"}' (format parquet, compression zstd)"""

    def call() -> Results:
        duckdb.connect().execute(sql)
        return {}

    return call


PARQUET: dict[str, Prepare] = {
    "hardship": _parquet_hardship,
    "polars streaming": _parquet_polars("streaming"),
    "polars in-memory": _parquet_polars("in-memory"),
    "DuckDB": _parquet_duckdb,
    "numpy": _parquet_numpy,
}


@dataclass(frozen=True)
class Ranked:
    """Rows to be ranked: a province of 20 counties. All arrays have a value for each row."""

    index: np.ndarray
    income: np.ndarray
    circle: np.ndarray
    area: np.ndarray
    codes: tuple[str, ...]

    @classmethod
    def made(cls, rows: int) -> Ranked:
        """Rows from a fixed seed; nearly a third without any income, as among those who apply."""
        rng = np.random.default_rng(5)
        villages = range(1, 13)
        codes = [
            f"37{c // 10 + 1:02}{c % 10 + 1:02}1{t:02}2{v:02}" for c in range(20) for t in range(14) for v in villages
        ]
        income = rng.integers(0, 300_000, rows) * (rng.random(rows) < 0.7)
        area = np.sort(rng.integers(0, len(codes), rows))
        return cls(rng.integers(0, 101, rows), income, rng.integers(0, 5, rows), area, tuple(codes))

    def frame(self) -> pl.DataFrame:
        """The rows as a user of polars has them."""
        area = pl.Series(self.codes).gather(pl.Series(self.area.astype(np.uint32)))
        row = np.arange(len(self.index), dtype=np.uint32)
        return pl.DataFrame(
            {"index": self.index, "income": self.income, "circle": self.circle, "area": area, "row": row}
        )


def _rank_hardship(rows: Ranked) -> Callable[[], Results]:
    everybody = np.ones(len(rows.index), dtype=np.bool_)
    keys = [Key(rows.index, descending=True), Key(rows.income)]

    def call() -> Results:
        groupings = [Grouping(rows.area, area_levels(rows.codes)), Grouping(rows.circle, [np.arange(5)])]
        return dict(zip(RANKS, ranks(keys, everybody, groupings), strict=True))

    return call


RANKS = ("position", "rank", *AREA_LEVELS, "circle")


def _rank_polars_sort(rows: Ranked) -> Callable[[], Results]:
    frame = rows.frame()

    def call() -> Results:
        ordered = frame.select("index", "income", "row").sort(
            "index", "income", "row", descending=[True, False, False]
        )  # fmt: skip
        return {"row": ordered["row"].to_numpy()}

    return call


def _rank_polars(rows: Ranked) -> Callable[[], Results]:
    frame = rows.frame().lazy()

    def call() -> Results:
        key = (pl.col("income") - pl.col("index") * (1 << 40)).alias("key")
        packed = frame.with_columns(key, pl.col("area").cast(pl.Categorical))
        prefixes = {name: pl.col("area").cast(pl.String).str.slice(0, n).cast(pl.Categorical).alias(f"_{name}")
                    for name, n in AREA_LEVELS.items()}  # fmt: skip
        wanted = packed.with_columns(*prefixes.values()).select(
            position=pl.col("key").rank("ordinal"),
            rank=pl.col("key").rank("min"),
            **{name: pl.col("key").rank("min").over(f"_{name}") for name in AREA_LEVELS},
            circle=pl.col("key").rank("min").over("circle"),
        )
        done = wanted.collect()
        return {name: done[name].to_numpy() for name in RANKS}

    return call


def _rank_numpy(rows: Ranked) -> Callable[[], Results]:
    return lambda: {"row": np.lexsort((rows.income, -rows.index))}


RANK_ONLY: dict[str, Callable[[Ranked], Callable[[], Results]]] = {
    "hardship, all ranks": _rank_hardship,
    "polars, sort alone": _rank_polars_sort,
    "polars, all ranks": _rank_polars,
    "numpy lexsort alone": _rank_numpy,
}

__all__ = [
    "CIRCLES", "OUTCOMES", "PARQUET", "RANK_ONLY", "SCORE_ONLY", "THREADS", "VETOES", "Ranked", "Work",
]  # fmt: skip
