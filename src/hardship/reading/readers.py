"""From a path to raw tables: which file holds which entity, in which format; no cell is judged here.

A register is a folder (`households`, `members`, `supporters`, `transfers`, `overrides`, each `.csv` or
`.parquet`), a workbook `.xlsx` with those sheets, or JSON (`read_json`). CSV and workbooks have readers
of their own (`read_csv`, `read_xlsx`), because every row must be accounted for and the type of every cell
known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship.errors import Fault, RegisterError

if TYPE_CHECKING:
    from hardship.reading.late import LateColumns

ENTITIES = ("households", "members", "supporters", "transfers", "overrides")
SHEETS = {
    "households": ("households", "家庭"),
    "members": ("members", "成员"),
    "supporters": ("supporters", "赡养人"),
    "transfers": ("transfers", "转移收入"),
    "overrides": ("overrides", "更正"),
}
MAX_COLUMNS = 2_000
MAX_UNPACKED = 8 * 2**30
MAX_RATIO = 200
LATE_ROWS = 50_000  # below, loading the kernels takes longer than they save
_OLE = b"\xd0\xcf\x11\xe0"

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of it, 0 to 1."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A row that could not be split into cells; `household` and `member` are what its first cells claim."""

    line: int
    problem: str
    value_class: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class RawTable:
    """One file's or sheet's rows as they stand.

    Attributes:
        entity: one of `ENTITIES`.
        file, sheet: where it comes from (file name only; sheet "" outside workbooks).
        frame: one column for each column of the source, under the source's title; text, or the type of
            Parquet.
        lines: physical line or Excel row of each row of `frame`, the header being 1.
        not_text: for columns with cells that are no text (numbers, dates, …), the rows where that is so.
        bad: rows that could not be split; they are not in `frame`.
        notes: what a person should know (hidden rows, merged cells, the encoding).
        area_optional: an empty area code is no fault (one household, or a mapping without one).
        faults: rows already known to be wrong: row, field, code of the rejection.
        marks: flags already known, with the rows they are about.
        late: where the columns come from when they are asked for; `frame` then has their names and no rows.
    """

    entity: str
    file: str
    sheet: str
    frame: pl.DataFrame
    lines: pl.Series
    not_text: dict[str, pl.Series] = field(default_factory=dict)
    bad: tuple[BadLine, ...] = ()
    notes: tuple[Fault, ...] = ()
    area_optional: bool = False
    faults: tuple[tuple[int, str, str], ...] = ()
    marks: tuple[tuple[str, pl.Series], ...] = ()
    late: LateColumns | None = None

    def column(self, name: str) -> pl.Series:
        """The cells of a column."""
        return self.frame[name] if self.late is None else self.late.cells(name)


def raw_tables(path: Path, progress: Progress | None = None, *, late: bool = False) -> list[RawTable]:
    """All tables of a register in its own form (no mapping), in the order of `ENTITIES`.

    Args:
        late: columns of large Parquet files may be left to be decoded when they are asked for.

    Raises:
        RegisterError: there is no such register, a file cannot be read at all, or it is refused as unsafe.
    """
    say = progress or (lambda _what, _share: None)
    if path.is_dir():
        tables = []
        # Corrections are written into the cells of households, so those must be there.
        late = late and not any((path / f"overrides{ending}").exists() for ending in (".csv", ".parquet"))
        late_from = LATE_ROWS if late else None
        for entity in ENTITIES:
            found = [path / f"{entity}{ending}" for ending in (".csv", ".parquet")]
            present = [file for file in found if file.exists()]
            if len(present) == 2:
                raise RegisterError(Fault("register.two_files", str(path), params={"entity": entity}))
            if present and not present[0].is_file():  # a folder, or a pipe that nobody writes to
                raise RegisterError(Fault("register.unreadable", str(present[0])))
            if present:
                say(f"read {present[0].name}", 0.0)
                tables.append(read_file(present[0], entity, late_from=late_from))
                if tables[-1].late is not None:  # what belongs to a large file is read the same way
                    late_from = 1
        return require_tables(tables, str(path))
    if not path.is_file():
        raise RegisterError(Fault("register.not_found", str(path)))
    match path.suffix.lower():
        case ".xlsx" | ".xls" | ".xlsm":
            say(f"read {path.name}", 0.0)
            return require_tables(workbook(path), path.name)
        case ".json" | ".jsonl":
            from hardship.reading.read_json import read_json

            return read_json(path)
        case _:
            raise RegisterError(Fault("register.needs_mapping", path.name))


def require_tables(tables: list[RawTable], name: str) -> list[RawTable]:
    """The tables, if households and members are among them.

    Raises:
        RegisterError: one of the two is absent.
    """
    present = {table.entity for table in tables}
    absent = [entity for entity in ("households", "members") if entity not in present]
    if absent:
        raise RegisterError([Fault("register.no_table", name, params={"entity": entity}) for entity in absent])
    return tables


def read_file(file: Path, entity: str, sheet: str = "", *, late_from: int | None = None) -> RawTable:
    """One CSV or Parquet file, or one sheet of a workbook, as rows of `entity`.

    Args:
        late_from: rows of a Parquet file from which its columns are left to be decoded when they are asked for.

    Raises:
        RegisterError: the file is no such thing, or is refused as unsafe.
    """
    match file.suffix.lower():
        case ".csv":
            from hardship.reading.read_csv import read_csv

            return read_csv(file, entity)
        case ".parquet":
            return _parquet(file, entity, late_from)
        case ".xlsx" | ".xls" | ".xlsm":
            from hardship.reading.read_xlsx import read_sheets

            refuse_foreign_workbook(file)
            wanted = read_sheets(file, {entity: (sheet,) if sheet else ()})
            if not wanted:
                raise RegisterError(Fault("register.no_sheet", file.name, params={"sheet": sheet}))
            return wanted[0]
        case _:
            raise RegisterError(Fault("register.unknown_format", file.name))


def workbook(file: Path) -> list[RawTable]:
    """All sheets of a workbook that are tables of a register."""
    from hardship.reading.read_xlsx import read_sheets

    refuse_foreign_workbook(file)
    return read_sheets(file, SHEETS)


def refuse_foreign_workbook(file: Path) -> None:
    """Only plain `.xlsx` is read: old, macro-enabled and encrypted workbooks are refused.

    Raises:
        RegisterError: it is one of those.
    """
    with file.open("rb") as handle:
        start = handle.read(4)
    if start == _OLE or file.suffix.lower() in (".xls", ".xlsm"):
        raise RegisterError(Fault("register.old_workbook", file.name))
    if start[:2] != b"PK":
        raise RegisterError(Fault("register.not_workbook", file.name))


def refuse_bomb(name: str, packed: int, entries: Iterable[int]) -> None:
    """Refuse a file whose declared content is out of proportion, before anything is unpacked.

    Args:
        name: the file's name.
        packed: its size in bytes.
        entries: declared unpacked sizes of its parts in bytes.

    Raises:
        RegisterError: more than 8 GiB in all, or more than 200 times the packed size above 32 MiB.
    """
    total = sum(entries)
    if total > MAX_UNPACKED or (total > 2**25 and total > MAX_RATIO * max(packed, 1)):
        raise RegisterError(Fault("register.bomb", name, params={"packed": packed, "unpacked": total}))


def _parquet(file: Path, entity: str, late_from: int | None) -> RawTable:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        about = pq.read_metadata(file)
        sizes = [about.row_group(index).total_byte_size for index in range(about.num_row_groups)]
        if about.num_columns > MAX_COLUMNS:
            raise RegisterError(Fault("register.too_many_columns", file.name, params={"limit": MAX_COLUMNS}))
        # A dictionary lets a few bytes stand for many rows: rows are bounded by what they take once read.
        refuse_bomb(file.name, file.stat().st_size, [*sizes, about.num_rows * 4])
        late = late_from is not None and about.num_rows >= late_from
        if late and (found := _late(file, entity, about)):
            return found
        # Not polars' own reader: on a damaged file it panics, or lets broken UTF-8 pass.
        # Without `pre_buffer`, which is for far stores: the file would be held as a whole before it is decoded.
        with pq.ParquetFile(file, metadata=about, page_checksum_verification=True, pre_buffer=False) as parts:
            return arrow_table(entity, file.name, parts.read(), first=2)
    except (ArrowException, OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise RegisterError(Fault("register.unreadable", file.name)) from error


def arrow_table(entity: str, file: str, table: Any, first: int) -> RawTable:
    """An Arrow table as rows of `entity`, numbered from `first`.

    Raises:
        ArrowException, UnicodeDecodeError, PolarsError: it is damaged.
    """
    table.validate(full=True)
    odd = [one.name for one in table.schema if not can_be_a_cell(one.type)]
    frame = frame_of(table.drop_columns(odd))
    # Kept by name only: refused if it turns out to be a column of the register.
    frame = frame.with_columns(pl.lit(None, dtype=pl.Binary).alias(name) for name in odd)
    return typed_table(entity, file, frame, first)


def frame_of(table: Any) -> pl.DataFrame:
    """An Arrow table as a frame: its columns alone, not what polars wrote beside a column for itself.

    That is a second list of a column's labels, which polars would believe over the column's own, and panic over.

    Raises:
        PolarsError: it is damaged.
    """
    import pyarrow as pa

    bare = pa.schema([one.remove_metadata() for one in table.schema])
    try:
        return pl.DataFrame(pl.from_arrow(pa.Table.from_arrays(table.columns, schema=bare), rechunk=False))
    except pl.exceptions.PanicException as error:
        raise pl.exceptions.ComputeError(str(error)) from None


def _late(file: Path, entity: str, about: Any) -> RawTable | None:
    """The table with its columns still in the file; None if it is not flat, or the machine is not compiled."""
    from hardship.engine.jit import COMPILED
    from hardship.reading.late import late_columns

    columns = late_columns(file, about) if COMPILED else None
    if columns is None:
        return None
    every_row = pl.repeat(True, columns.rows, eager=True, dtype=pl.Boolean)
    return RawTable(
        entity, file.name, "", pl.DataFrame(schema=dict.fromkeys(columns.names, pl.Null)),
        pl.int_range(2, columns.rows + 2, dtype=pl.Int64, eager=True), dict.fromkeys(columns.typed, every_row),
        late=columns,
    )  # fmt: skip


def typed_table(entity: str, file: str, frame: pl.DataFrame, first: int) -> RawTable:
    """A frame of typed columns as rows of `entity`, numbered from `first`."""
    every_row = pl.repeat(True, frame.height, eager=True, dtype=pl.Boolean)
    not_text = {
        name: every_row
        for name, dtype in frame.schema.items()
        if dtype not in (pl.String, pl.Categorical, pl.Null) and not isinstance(dtype, pl.Enum)
    }
    lines = pl.int_range(first, frame.height + first, dtype=pl.Int64, eager=True)
    return RawTable(entity, file, "", frame, lines, not_text)


def can_be_a_cell(kind: Any) -> bool:
    """Whether an Arrow type holds single texts, numbers, dates, truth values, or lists of texts."""
    from pyarrow import types

    if types.is_dictionary(kind) or types.is_list(kind) or types.is_large_list(kind):
        return is_text(kind.value_type)
    checks = (types.is_integer, types.is_float32, types.is_float64, types.is_decimal128, types.is_boolean)
    return is_text(kind) or any(fits(kind) for fits in (*checks, types.is_date, types.is_timestamp, types.is_null))


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is text."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
