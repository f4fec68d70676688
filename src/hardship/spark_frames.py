"""Registers that live in Spark's tables: written as a register in parts by Spark tasks, and scored like any other.

Whoever replays the run reads the parts, and the results are those of the same register in files. The ids of households
cut the tables into parts; each part of each table is written by one task, with `mapInArrow`.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.errors import Fault, RegisterError, UsageError
from hardship.parts import run as in_parts
from hardship.reading.readers import ENTITIES
from hardship.register import LEVELS
from hardship.spark import Spark

if TYPE_CHECKING:
    import pyarrow as pa

PART = 250_000  # households of a part
DRAWN = 200  # ids that a part's bounds are chosen by
NUMBER = "hardship_part"
"""The column that says which part a row goes to; no table may have one of that name."""
ID = "household_id"


def score_frame(
    frames: Any, table: str, on: dt.date, out: Path, *, register: Path, part: int = PART, **options: Any
) -> in_parts.Done:
    """Score and rank a register that is in Spark's tables; `out` gets what a run over a register in parts writes.

    Args:
        frames: one DataFrame of nested rows (see `tables_of`), or DataFrames by name: `households`, `members` and,
            where there are any, `supporters` and `transfers`. Columns are those of a register's files.
        table, on, out: see `parts.run.run`; `options` are its other arguments.
        register: a folder, not there yet, for the parts; it is kept, for `hardship verify`. Like `out` it has the same
            path on every machine.
        part: households of a part.

    Raises:
        UsageError, RegisterError: see `write_parts` and `parts.run.run`.
    """
    several = frames if isinstance(frames, Mapping) else tables_of(frames)
    register, out = register.resolve(), out.resolve()  # a worker may stand elsewhere
    write_parts(several, register, part)
    session = several["households"].sparkSession
    return in_parts.run(register, table, on, out, engine=Spark(session=session), **options)


def tables_of(frame: Any) -> dict[str, Any]:
    """The tables of a DataFrame of nested rows.

    Args:
        frame: a row for each household: its columns, and `members`, maybe `supporters` and `transfers`: arrays of
            structs, as in a register's JSON form. Supporters and transfers name their `member_id`.
    """
    from pyspark.sql.functions import explode

    lists = [entity for entity in ENTITIES if entity in LEVELS and entity != "households" and entity in frame.columns]
    return {"households": frame.drop(*lists)} | {
        entity: frame.select(ID, explode(entity).alias("row")).select(ID, "row.*") for entity in lists
    }


def write_parts(frames: Mapping[str, Any], folder: Path, part: int = PART) -> None:
    """Write Spark's tables as a register in parts.

    Args:
        frames: see `score_frame`.
        folder: made if it is not there.
        part: households of a part.

    Raises:
        UsageError: `folder` holds something already.
        RegisterError: households or members are not among the tables.
    """
    import pyarrow.parquet as pq
    from pyspark.sql.types import IntegerType, StructField, StructType

    absent = [entity for entity in ("households", "members") if entity not in frames]
    if absent:
        raise RegisterError([Fault("register.no_table", "Spark", params={"entity": entity}) for entity in absent])
    if folder.is_dir() and any(folder.iterdir()):  # parts of another register would stay among these
        raise UsageError(Fault("parts.out_not_empty", str(folder)))
    cuts = _cuts(frames["households"], part)
    for entity, frame in frames.items():
        (folder / entity).mkdir(parents=True)
        plain = _plain(frame)
        schema = StructType([StructField(NUMBER, IntegerType()), *plain.schema.fields])
        numbered = plain.mapInArrow(_numbering(cuts), schema)
        parted = numbered.repartitionByRange(len(cuts) + 1, NUMBER).sortWithinPartitions(NUMBER, ID)
        parted.mapInArrow(_writing(folder / entity), "part int").count()
    written = {file.name for file in (folder / "households").iterdir()}
    nobody = frames["members"].limit(0).toArrow()
    for name in written - {file.name for file in (folder / "members").iterdir()}:  # a part has both files
        pq.write_table(nobody, folder / "members" / name)


def _plain(frame: Any) -> Any:
    """Sets that are arrays of texts, as a register's files have them: `a;b`, `none` for an empty one."""
    from pyspark.sql.functions import array_join, col, lit, size, when

    def text(name: str) -> Any:
        return when(size(name) == 0, lit("none")).when(col(name).isNotNull(), array_join(name, ";"))

    return frame.withColumns({name: text(name) for name, kind in frame.dtypes if kind == "array<string>"})


def _cuts(households: Any, part: int) -> list[str]:
    """The first household of each part but the first; drawn, which changes no result."""
    count = -(-households.count() // part)
    if count < 2:
        return []
    share = min(1.0, DRAWN / part)
    drawn = sorted({row[0] for row in households.select(ID).dropna().sample(share, seed=1).collect()})
    return sorted({drawn[len(drawn) * k // count] for k in range(1, count)} - {drawn[0]}) if drawn else []


Batches = Iterable["pa.RecordBatch"]


def _numbering(cuts: list[str]) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """Rows with the number of their part in front."""

    def number(batches: Batches) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        bounds = np.array(cuts, dtype=object)
        for batch in batches:
            ids = np.array([one or "" for one in batch.column(ID).to_pylist()], dtype=object)
            place = pa.array(np.searchsorted(bounds, ids, side="right"), pa.int32())
            yield pa.RecordBatch.from_arrays([place, *batch.columns], [NUMBER, *batch.schema.names])

    return number


def _writing(folder: Path) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """A file for each part; rows stand in the order of parts."""

    def write(batches: Batches) -> Iterator[pa.RecordBatch]:
        held: list[pa.RecordBatch] = []
        for batch in batches:
            places = batch.column(0).to_numpy()
            ends = [*(np.flatnonzero(np.diff(places)) + 1), len(places)]
            for begin, end in zip([0, *ends], ends, strict=False):
                if held and held[0].column(0)[0].as_py() != places[begin]:
                    yield _file(held, folder)
                    held = []
                held.append(batch.slice(begin, end - begin))
        if held:
            yield _file(held, folder)

    return write


def _file(held: list[pa.RecordBatch], folder: Path) -> pa.RecordBatch:
    """Write a part; a task that is done twice replaces its own file as a whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = held[0].column(0)[0].as_py()
    file = folder / f"part-{place + 1:05}.parquet"
    made = folder / f".{file.name}.{os.getpid()}"
    pq.write_table(pa.Table.from_batches(held).drop_columns([NUMBER]), made, compression="lz4")
    made.replace(file)
    return pa.RecordBatch.from_pydict({"part": pa.array([place], pa.int32())})
