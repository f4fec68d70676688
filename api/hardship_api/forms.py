"""The answers of a batch as bytes: JSON lines, CSV, Parquet, an Arrow stream; part by part."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from hardship.columns import csv_parts
from hardship.export import guarded
from hardship.results import LISTS, PERSON_COLUMNS, column_types
from hardship_api.bodies import encoded
from hardship_api.job import Answered, Job
from hardship_api.parts import Entry

if TYPE_CHECKING:
    import pyarrow as pa

ERROR = pl.Struct({"elementPath": pl.String, "code": pl.String, "message": pl.String})
PERSON = pl.Struct({name: pl.Decimal(18, 2) if name == "benefit_month" else pl.String() for name in PERSON_COLUMNS})
STOPPED = "stopped"


class Form(Protocol):
    """What turns answers into bytes. Every method gives the bytes that follow."""

    media: str

    def part(self, answered: Answered) -> bytes:
        """One part."""

    def stopped(self, row: int, errors: list[Entry]) -> bytes:
        """The rest of the request cannot be read: the last entry."""

    def end(self) -> bytes:
        """Nothing follows."""


class LinesForm:
    """One JSON object a line."""

    media = "application/x-ndjson"

    def part(self, answered: Answered) -> bytes:
        """Scored rows as polars writes them, the others one by one; keys sorted, no blanks."""
        texts = _as_json(answered.scored, answered.persons)
        if answered.wrong:
            refused = pl.DataFrame(
                {
                    "row": list(answered.wrong),
                    "text": [
                        encoded({"row": row, "status": "rejected", "errors": errors}).decode()
                        for row, errors in answered.wrong.items()
                    ],
                },
                schema={"row": pl.Int64, "text": pl.String},
            )
            texts = pl.concat([texts, refused]).sort("row")
        return texts.select(pl.col("text") + "\n")["text"].str.join().item().encode() if texts.height else b""

    def stopped(self, row: int, errors: list[Entry]) -> bytes:
        """One more line."""
        return encoded({"row": row, "status": STOPPED, "errors": errors}) + b"\n"

    def end(self) -> bytes:
        """Nothing."""
        return b""


def _as_json(scored: pl.DataFrame, persons: pl.DataFrame | None) -> pl.DataFrame:
    """`row`, `text`: the records of `results_json`, encoded by columns."""
    if not scored.height:
        return pl.DataFrame(schema={"row": pl.Int64, "text": pl.String})
    names = [name for name in scored.columns if name != "row"]
    shown = scored.select("row", _record(sorted(names)).alias("result"))
    if persons is None:
        shown = shown.with_columns(persons=pl.lit([], dtype=pl.List(pl.Struct({"rule": pl.String}))))
    else:
        lists = persons.group_by("row", maintain_order=True).agg(persons=_record(sorted(PERSON_COLUMNS)))
        shown = shown.join(lists, on="row", how="left", maintain_order="left").with_columns(
            pl.col("persons").fill_null([])
        )
    whole = pl.struct("persons", "result", "row", pl.lit("scored").alias("status"))
    return shown.select("row", text=whole.struct.json_encode())


def _record(names: list[str]) -> pl.Expr:
    """The texts of the canonical CSV form, empty cells as null; the four lists stay texts."""
    columns = []
    for name in names:
        text = pl.col(name).cast(pl.String)
        columns.append(text.fill_null("") if name in LISTS else pl.when(text != "").then(text).alias(name))
    return pl.struct(columns)


class Columns:
    """One table: `row`, `status`, the result columns, `persons` where the table has person rules, `errors`."""

    def __init__(self, job: Job) -> None:
        table = job.checked.table
        kinds = {output.name: job.checked.kind_of_name[output.name] for output in table.output}
        types = column_types(table, "items" if job.items else "results", kinds)
        persons: dict[str, pl.DataType] = {"persons": pl.List(PERSON)} if table.person else {}
        first: dict[str, pl.DataType] = {"row": pl.Int64(), "status": pl.String()}
        self.schema = pl.Schema({**first, **types, **persons, "errors": pl.List(ERROR)})

    def frame(self, answered: Answered) -> pl.DataFrame:
        """One part in the order of the request."""
        scored = answered.scored.with_columns(status=pl.lit("scored"))
        if answered.persons is not None:
            lists = answered.persons.group_by("row", maintain_order=True).agg(persons=pl.struct(PERSON_COLUMNS))
            scored = scored.join(lists, on="row", how="left", maintain_order="left")
        refused = self.entries("rejected", answered.wrong)
        whole = pl.concat([scored, refused], how="diagonal") if scored.width > 2 else refused
        whole = whole.sort("row") if answered.wrong else whole
        return whole.select(
            (pl.col(name) if name in whole.columns else pl.lit(None, kind)).cast(kind).alias(name)
            for name, kind in self.schema.items()
        )

    def entries(self, status: str, wrong: dict[int, list[Entry]]) -> pl.DataFrame:
        """Rows that have nothing but errors."""
        names = [one.name for one in ERROR.fields]
        errors = [[{name: one[name] for name in names} for one in faults] for faults in wrong.values()]
        found = {"row": list(wrong), "status": [status] * len(wrong), "errors": errors}
        return pl.DataFrame(found, schema={"row": pl.Int64, "status": pl.String, "errors": pl.List(ERROR)})

    def last(self, row: int, errors: list[Entry]) -> pl.DataFrame:
        """The one row that says that the rest cannot be read."""
        stopped = self.entries(STOPPED, {row: errors})
        return pl.concat([pl.DataFrame(schema=self.schema), stopped], how="diagonal").select(self.schema.names())


class CsvForm:
    """The canonical CSV form with dangerous texts guarded, as the command line writes it; lists as JSON."""

    media = "text/csv"

    def __init__(self, job: Job) -> None:
        self._columns = Columns(job)
        self._begun = False

    def part(self, answered: Answered) -> bytes:
        """Lines, after the header in the first part."""
        return self._written(self._columns.frame(answered))

    def stopped(self, row: int, errors: list[Entry]) -> bytes:
        """One more line."""
        return self._written(self._columns.last(row, errors))

    def end(self) -> bytes:
        """Nothing; the header if there was no part."""
        return b"" if self._begun else self._written(pl.DataFrame(schema=self._columns.schema))

    def _written(self, frame: pl.DataFrame) -> bytes:
        lists = [name for name in ("persons", "errors") if name in frame.columns]
        wrapped = [
            pl.when(pl.col(name).list.len() > 0).then(pl.struct(pl.col(name)).struct.json_encode()).alias(name)
            for name in lists
        ]
        # `{"errors":[…]}` without its wrapping.
        plain = [pl.col(name).str.slice(len(name) + 4, pl.col(name).str.len_chars() - len(name) - 5) for name in lists]
        text = b"".join(csv_parts(guarded(frame.with_columns(wrapped).with_columns(plain))))
        if self._begun:
            return text[text.index(b"\n") + 1 :]
        self._begun = True
        return text


class _Sink(io.RawIOBase):
    """Collects what a writer writes until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def take(self) -> bytes:
        """Everything since the last time."""
        held, self._held = b"".join(self._held), []
        return held


class TableForm:
    """Parquet or an Arrow stream, written as it comes: the footer of Parquet is at its end."""

    def __init__(self, job: Job, form: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.media = MEDIA[form]
        self._columns = Columns(job)
        self._sink = _Sink()
        schema = self._arrow(pl.DataFrame(schema=self._columns.schema)).schema
        if form == "parquet":
            self._writer: Any = pq.ParquetWriter(pa.PythonFile(self._sink, "w"), schema, compression="zstd")
        else:
            self._writer = pa.ipc.new_stream(pa.PythonFile(self._sink, "w"), schema)

    def _arrow(self, frame: pl.DataFrame) -> pa.Table:
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()

    def part(self, answered: Answered) -> bytes:
        """One batch, or one row group."""
        self._writer.write_table(self._arrow(self._columns.frame(answered)))
        return self._sink.take()

    def stopped(self, row: int, errors: list[Entry]) -> bytes:
        """One more row."""
        self._writer.write_table(self._arrow(self._columns.last(row, errors)))
        return self._sink.take()

    def end(self) -> bytes:
        """The end mark, or the footer."""
        self._writer.close()
        return self._sink.take()


MEDIA = {
    "lines": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


def form_of(name: str, job: Job) -> Form:
    """The form of an answer by its short name."""
    match name:
        case "lines":
            return LinesForm()
        case "csv":
            return CsvForm(job)
        case _:
            return TableForm(job, name)
