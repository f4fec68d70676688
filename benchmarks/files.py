"""Parquet to ranked Parquet: every engine reads the same four files and writes the same results and ranks.

`hardship` also checks every cell and link, hashes the register and writes lists, flags and reasons. The peers take
the columns as they are, exact decimals as whole hundredths, and write `RESULT_COLUMNS` and the ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb
import polars as pl

from benchmarks.engines import BLOCK, Engine, Prepare, Results, Work
from benchmarks.peers import county_numpy, county_polars, county_sql
from benchmarks.peers.county import OUTCOMES
from benchmarks.population import ON
from hardship import sheet_parquet
from hardship.needed import needed
from hardship.parts.run import run
from hardship.rank import AREA_LEVELS
from hardship.register import read_register
from hardship.score import score

IDS = ("household_id", "area_code")
LEVELS = {f"rank_{name}": length for name, length in AREA_LEVELS.items()}
ALL_RANKS = ("rank", *LEVELS, "rank_circle")
NUMBERS = ("index", "points_status", "points_earnings", "points_property", "income_per_head", "benefit_month")
FEW_RANKS = ("rank", "rank_county")
NOBODY = OUTCOMES.index("needs_review")  # of a household without a veto, only if nobody of it counts


def _hardship(work: Work) -> Callable[[], Results]:
    def call() -> Results:
        register = read_register(
            work.files, attributes=dict(work.checked.names.attributes), on=ON, used=needed(work.checked)
        )
        done = score(register, work.checked, work.standards, ON)
        sheet_parquet.write(done.sheet, work.folder / "hardship.parquet")
        assert done.sha256  # taken meanwhile
        return {}

    return call


def _in_parts(work: Work) -> Callable[[], Results]:
    def call() -> Results:
        run(work.files, "county_model", ON, work.folder / "hardship")
        return {}

    return call


def _ranked(frame: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    """Rank those without a veto and with somebody: hardest first, then poorest; overall, by area and by circle."""
    order = pl.col("income_per_head_year") - pl.col("index") * (1 << 44)  # one integer ranks sooner than two columns
    rank = pl.when((pl.col("vetoes") == 0) & (pl.col("outcome") != NOBODY)).then(order).rank("min")
    within = {
        name: pl.col("circle") if name == "rank_circle" else pl.col("area_code").str.slice(0, LEVELS[name])
        for name in names[1:]
    }
    ranks = {name: rank.over(group) for name, group in within.items()}
    return frame.with_columns(rank=rank, **ranks)


def _polars(engine: county_polars.Way, names: Sequence[str] = ALL_RANKS) -> Prepare:
    def prepare(work: Work) -> Callable[[], Results]:
        local, out = work.local, work.folder / "peer.parquet"

        def call() -> Results:
            scored = county_polars.query(
                county_polars.read(work.files),
                local,
                household="household_id",
                member=("household_id", "member_id"),
                keep=IDS,
            )
            ranked = _ranked(scored, names)
            if engine == "streaming":
                ranked.sink_parquet(out, engine=engine)  # a tenth less processor time than a frame that is then written
            else:
                ranked.collect(engine=engine).write_parquet(out)
            return {}

        return call

    return prepare


def _numpy(work: Work) -> Callable[[], Results]:
    local, out = work.local, work.folder / "peer.parquet"

    def call() -> Results:
        columns, ids = county_numpy.read(work.files)
        results = pl.DataFrame(county_numpy.score(columns, local, BLOCK))
        _ranked(pl.concat([ids, results], how="horizontal").lazy(), ALL_RANKS).collect().write_parquet(out)
        return {}

    return call


def _ranking(names: Sequence[str]) -> str:
    """Columns of the ranks in SQL."""
    groups = {"rank": "", "rank_circle": ", circle"} | {
        name: f", substr(area_code, 1, {length})" for name, length in LEVELS.items()
    }
    among = f"(vetoes = 0 and outcome <> {NOBODY})"
    return ", ".join(
        f"case when {among} then rank() over (partition by {among}{groups[name]} "
        f'order by "index" desc, income_per_head_year) end as {name}'
        for name in names
    )


def _duckdb(work: Work) -> Callable[[], Results]:
    query = county_sql.query(
        county_sql.duckdb_register(work.files),
        work.local,
        household="household_id",
        member=("household_id", "member_id"),
        keep=IDS,
    )
    out = work.folder / "peer.parquet"
    ranked = f"select *, {_ranking(ALL_RANKS)} from ({query})"
    sql = f"copy ({ranked}) to '{out}' (format parquet, compression zstd)"

    def call() -> Results:
        duckdb.connect().execute(sql)
        return {}

    return call


def _spark(work: Work) -> Callable[[], Results]:
    from benchmarks.peers import county_spark

    out = work.folder / "spark"  # Spark writes a folder
    views = county_spark.tables(work.files, kept=False)

    def call() -> Results:
        county_spark.scored(views, work.local, IDS).createOrReplaceTempView("scored")
        ranked = county_spark.session().sql(county_sql.spark(f"select *, {_ranking(ALL_RANKS)} from scored"))
        ranked.write.mode("overwrite").parquet(str(out))
        return {}

    return call


# Beyond `most` an engine needs more than 8 GB (1.7 GB a million) or 60 s.
PARQUET: dict[str, Engine] = {
    "hardship": Engine(_hardship),
    "polars streaming": Engine(_polars("streaming")),
    "polars in-memory": Engine(_polars("in-memory"), most=4_000_000),
    "polars streaming, two ranks": Engine(_polars("streaming", FEW_RANKS)),
    "DuckDB": Engine(_duckdb),
    "numpy in blocks": Engine(_numpy, most=4_000_000),
    "Spark SQL": Engine(_spark, "pyspark java", 1_000_000, 100_000),
}


PARTS = {**PARQUET, "hardship": Engine(_in_parts)}
"""The same over a register in parts, as `hardship score` does it: two or three parts in memory."""


def written(engine: str, work: Work) -> pl.DataFrame:
    """What the last call has written, in the order of the households: numbers in fen, ranks."""
    if engine != "hardship":
        place = "spark/*.parquet" if engine == "Spark SQL" else "peer.parquet"
        return pl.read_parquet(work.folder / place).sort("household_id")
    parts = work.folder / "hardship"
    place = parts / "results" / "*.parquet" if parts.is_dir() else work.folder / "hardship.parquet"
    frame = pl.read_parquet(place).sort("household_id")
    fen = [pl.col(name).mul(100).cast(pl.Int64) for name in ("income_per_head", "benefit_month")]
    return frame.with_columns(fen)


def unequal(work: Work, engines: Mapping[str, Engine] = PARQUET) -> list[str]:
    """The engines that are there and whose files do not hold what `hardship` writes."""
    wrong, parted = [], (work.files / "households").is_dir()
    expected = pl.DataFrame()
    for name, engine in {"hardship": (PARTS if parted else PARQUET)["hardship"], **engines}.items():
        if engine.absent():
            continue
        engine.prepare(work)()
        found = written(name, work)
        ranks = [one for one in ALL_RANKS if one in found.columns]
        found = found.select("household_id", pl.col(*NUMBERS, *ranks).cast(pl.Int64))
        expected = found if name == "hardship" else expected
        if not found.equals(expected.select(found.columns)):
            wrong.append(name)
    return wrong
