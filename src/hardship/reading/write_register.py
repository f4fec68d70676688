"""Register frames as files that read back to the same register: CSV, Parquet, Excel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hardship.attributes import scale, value_names
from hardship.errors import Fault, UsageError
from hardship.language.fields import DeclaredAttribute, Level

SHEET_ROWS = 1_048_575
ENTITY: dict[Level, str] = {
    "household": "households",
    "member": "members",
    "supporter": "supporters",
    "transfer": "transfers",
}
_WHEN = dt.datetime(2018, 7, 1)  # the time stamped into workbooks, so that the same content has the same bytes


def file_frames(
    frames: Mapping[Level, pl.DataFrame], attributes: Mapping[str, DeclaredAttribute]
) -> dict[str, pl.DataFrame]:
    """The four tables as they stand in files: ids, enum names, exact decimals, dates; by entity."""
    homes, people = frames["household"], frames["member"]
    ids = homes["household_id"]
    member_ids = pl.DataFrame({"household_id": ids.gather(people["household"]), "member_id": people["member_id"]})
    found = {"households": _spelled(homes.drop("file", "sheet", "line"), attributes)}
    found["members"] = member_ids.with_columns(_spelled(people.drop("household", "member_id"), attributes))
    below: tuple[Level, ...] = ("supporter", "transfer")
    for level in below:
        frame = frames[level]
        owner = member_ids.select(pl.all().gather(frame["member"]))
        found[ENTITY[level]] = owner.with_columns(_spelled(frame.drop("member"), attributes))
    return found


def _spelled(frame: pl.DataFrame, attributes: Mapping[str, DeclaredAttribute]) -> pl.DataFrame:
    return frame.with_columns([spelled(frame[name], attributes[name]) for name in frame.columns if name in attributes])


def spelled(stored: pl.Series, attribute: DeclaredAttribute) -> pl.Series:
    """A stored column as the values that a file holds."""
    match attribute.type:
        case "bool":
            return stored.cast(pl.Boolean)
        case "enum":
            names = pl.Series(value_names(attribute), dtype=pl.String)
            return names.gather(stored).alias(stored.name)
        case "set":
            names_of = value_names(attribute)
            masks = stored.drop_nulls().unique()
            texts = [_set_text(mask, names_of) for mask in masks.to_list()]
            return stored.replace_strict(masks, pl.Series(texts, dtype=pl.String), return_dtype=pl.String)
        case "money" | "decimal" if scale(attribute) > 1:
            places = len(str(scale(attribute))) - 1
            exact = stored.cast(pl.Int64).cast(pl.Decimal(38, places)) / scale(attribute)
            return exact.cast(pl.Decimal(18, places)).alias(stored.name)
        case "date":
            return stored.cast(pl.String).str.to_date("%Y%m%d")
        case _:
            return stored


def _set_text(mask: int, names: tuple[str, ...]) -> str:
    return ";".join(name for place, name in enumerate(names) if mask >> place & 1) or "none"


class Writer:
    """Writes tables part by part into a folder (CSV, Parquet) or a workbook; use as a context manager.

    `part`: the name of a part of a register in parts, whose files lie in a folder for each table; Parquet only.
    """

    def __init__(self, out: Path, form: str, attributes: Mapping[str, DeclaredAttribute], part: str = "") -> None:
        if form not in ("csv", "parquet", "xlsx"):
            raise UsageError(Fault("register.unknown_format", form))
        self.form = form
        self.labels = {name: value_names(one) for name, one in attributes.items() if one.type == "enum"}
        self.out, self.part = out, part
        self.open: dict[str, Any] = {}
        self.rows: dict[str, int] = {}
        self.book: Any = None

    def __enter__(self) -> Writer:
        self.out.mkdir(parents=True, exist_ok=True)
        if self.form == "xlsx":
            import xlsxwriter

            self.book = xlsxwriter.Workbook(str(self.out / "register.xlsx"), {"constant_memory": True})
            self.book.set_properties({"created": _WHEN})
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self.open.values():
            handle.close()
        if self.book is not None:
            self.book.close()

    def write(self, tables: Mapping[str, pl.DataFrame]) -> None:
        """Append one part of each table."""
        for entity, frame in tables.items():
            {"csv": self._csv, "parquet": self._parquet, "xlsx": self._sheet}[self.form](entity, frame)

    def _csv(self, entity: str, frame: pl.DataFrame) -> None:
        first = entity not in self.open
        if first:
            self.open[entity] = (self.out / f"{entity}.csv").open("wb")
        frame.write_csv(self.open[entity], include_header=first)

    def _parquet(self, entity: str, frame: pl.DataFrame) -> None:
        import pyarrow.parquet as pq

        coded = [one for one in frame.columns if one in self.labels]
        frame = frame.with_columns([frame[one].cast(pl.Enum(self.labels[one])) for one in coded])
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if entity not in self.open:
            path = self.out / (f"{entity}/{self.part}.parquet" if self.part else f"{entity}.parquet")
            path.parent.mkdir(exist_ok=True)
            # As whole numbers decimals are read three to four times as fast as in the form of bytes.
            self.open[entity] = pq.ParquetWriter(path, table.schema, compression="lz4", store_decimal_as_integer=True)
        self.open[entity].write_table(table)

    def _sheet(self, entity: str, frame: pl.DataFrame) -> None:
        """Rows of one sheet. Constant memory wants sheets one after the other, so a workbook is one part."""
        if frame.height > SHEET_ROWS:
            raise UsageError(Fault("register.sheet_full", entity, params={"limit": SHEET_ROWS}))
        sheet = self.book.add_worksheet(entity)
        sheet.write_row(0, 0, frame.columns)
        dates = self.book.add_format({"num_format": "yyyy-mm-dd"})
        write: list[Callable[..., Any]] = []
        for dtype in frame.dtypes:
            if dtype == pl.Boolean:
                write.append(sheet.write_boolean)
            elif dtype == pl.Date:
                write.append(sheet.write_datetime)
            else:
                write.append(sheet.write_string if dtype == pl.String else sheet.write_number)
        formats = [(dates,) if dtype == pl.Date else () for dtype in frame.dtypes]
        for row, cells in enumerate(frame.iter_rows(), 1):
            for column, value in enumerate(cells):
                if value is not None:
                    write[column](row, column, value, *formats[column])


def write_frames(
    frames: Iterable[Mapping[Level, pl.DataFrame]],
    out: Path,
    attributes: Mapping[str, DeclaredAttribute],
    form: str,
) -> None:
    """Write a register given in parts.

    Args:
        frames: parts of the register as `Register.frames`, parents numbered within the part.
        out: the folder; a workbook is `register.xlsx` in it.
        attributes: what the columns mean.
        form: `csv`, `parquet` or `xlsx` (one part only).

    Raises:
        UsageError: no such form, or more rows than a sheet can hold.
    """
    with Writer(out, form, attributes) as writer:
        for part in frames:
            writer.write(file_frames(part, attributes))
