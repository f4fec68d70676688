"""One registry of engines: the same entries are compared for equal results (tests) and for speed.

`prepare` does everything that is not timed and returns the call that is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.peers import county_numpy, county_polars
from benchmarks.peers.county import CIRCLES, OUTCOMES, RESULT_COLUMNS, VETOES, LocalNumbers
from benchmarks.population import ON, local_numbers
from hardship.checking.check import Checked
from hardship.engine import machine
from hardship.export import write_parquet
from hardship.lowering.bind import bind
from hardship.lowering.lower import lower
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


SCORE_ONLY: dict[str, Prepare] = {
    "hardship": _machine(THREADS),
    "hardship, 1 thread": _machine(1),
    "polars streaming": _polars("streaming"),
    "polars in-memory": _polars("in-memory"),
    "numpy": _numpy,
}

KEYS = [("index", True), ("income_per_head", False)]


def _ranked(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rank who is ranked: hardest first, then poorest; overall and within the county."""
    among = ~pl.col("circle_stopped")
    order = pl.struct(-pl.col("index"), pl.col("income_per_head"))
    rank = pl.when(among).then(order).rank("min")
    return frame.with_columns(rank=rank, rank_county=rank.over(pl.col("area_code").str.slice(0, 6)))


def _parquet_hardship(work: Work) -> Callable[[], Results]:
    def call() -> Results:
        register = read_register(work.folder / "register", attributes=dict(work.checked.names.attributes), on=ON)
        done = score(register, work.checked, work.standards, ON)
        write_parquet(done.frame, work.folder / "hardship.parquet")
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


PARQUET: dict[str, Prepare] = {
    "hardship": _parquet_hardship,
    "polars streaming": _parquet_polars("streaming"),
    "polars in-memory": _parquet_polars("in-memory"),
    "numpy": _parquet_numpy,
}

__all__ = ["CIRCLES", "OUTCOMES", "PARQUET", "SCORE_ONLY", "THREADS", "VETOES", "Work"]
