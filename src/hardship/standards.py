"""Dated local numbers: the standards files, as rows that both evaluators choose from.

A file is a CSV (UTF-8 or GB18030) or a workbook of one sheet with the columns `COLUMNS`, in any order. A
number is read exactly as written; nothing passes through a float.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import get_args

from hardship.attributes import dictionary
from hardship.errors import Fault, TableError, UsageError
from hardship.language import units
from hardship.language.fields import Status
from hardship.language.table import Parameter
from hardship.language.toml_text import shown
from hardship.roots import default_roots

COLUMNS = ("parameter", "area_code", "residence", "effective_from", "value", "unit", "status", "source")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_AREA = re.compile(r"(?:[0-9A-Za-z]{1,32})?\Z")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?: 00:00:00)?\Z")  # a workbook's date cell comes with a time
_VALUE = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?\Z")


@dataclass(frozen=True, slots=True)
class StandardRow:
    """One dated local number.

    Attributes:
        area_code: prefix of the area codes where it holds; "" everywhere.
        residence: `residence_type` for which it holds; "" for any.
        value: the number as written, in `unit`.
        unit: in the spelling of `units`.
        source: where the number comes from; `中文 | English` says it in both languages.
        file, line: where it was read; `line` is the physical line, or the row of the sheet.
    """

    parameter: str
    area_code: str
    residence: str
    effective_from: dt.date
    value: Fraction
    unit: str
    status: str
    source: str
    file: str
    line: int

    def source_text(self, lang: str) -> str:
        """The source in `lang` (`zh` or `en`); as it stands where it is said in one language only."""
        parts = self.source.split(" | ")
        return self.source if len(parts) != 2 else parts[0 if lang == "zh" else 1]

    @property
    def key(self) -> tuple[str, str, str, dt.date]:
        """What makes two rows the same number: of these the later file's stands."""
        return (self.parameter, self.area_code, self.residence, self.effective_from)


@dataclass(frozen=True)
class Standards:
    """All rows of a run, sorted by `key`; `sha256` does not depend on the files' order or format."""

    rows: tuple[StandardRow, ...]
    sha256: str


def load_standards(paths: Sequence[Path] = ()) -> Standards:
    """Read standards files; for the same key the later file wins.

    With no path: the files that come with the scoring tables. Files that are given stand alone, so that no
    illustrative number of the package enters an office's run unseen.

    Raises:
        UsageError: a file cannot be read. TableError: everything that is wrong in all files.
    """
    rows: dict[tuple[str, str, str, dt.date], StandardRow] = {}
    faults: list[Fault] = []
    for path in paths or packaged():
        try:
            rows.update((row.key, row) for row in _read(path))
        except TableError as error:
            faults += error.faults
    if faults:
        raise TableError(faults)
    return standards(rows.values())


def packaged() -> tuple[Path, ...]:
    """The standards files that come with the scoring tables, in the order of their names."""
    return tuple(path for root in default_roots()[:1] for path in sorted(root.glob("standards/*.csv")))


def standards(rows: Iterable[StandardRow]) -> Standards:
    """Rows with distinct keys as `Standards`, sorted and hashed."""
    ordered = tuple(sorted(rows, key=lambda row: row.key))
    digest = hashlib.sha256()
    for row in ordered:
        parts = (
            *(str(part) for part in row.key),
            f"{row.value.numerator}/{row.value.denominator}",
            row.unit,
            row.status,
            row.source,
        )
        digest.update(b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts))
    return Standards(ordered, digest.hexdigest())


def parsed(cells: Mapping[str, str], file: str, line: int) -> StandardRow:
    """One row of texts as a `StandardRow`; an absent column is empty.

    Raises:
        TableError: every cell that is wrong.
    """
    row = {column: cells.get(column, "") for column in COLUMNS}
    faults = [
        Fault(f"table.standard_{column}", file, line, 0, {"column": column, "found": shown(row[column]) or "-"})
        for column in _wrong(row)
    ]
    if faults:
        raise TableError(faults)
    found = _DATE.match(row["effective_from"])
    assert found is not None
    return StandardRow(
        row["parameter"],
        row["area_code"],
        row["residence"],
        dt.date.fromisoformat(found[1]),
        Fraction(row["value"]),
        str(units.parse(row["unit"])),
        row["status"],
        row["source"],
        file,
        line,
    )


def converted(row: StandardRow, parameter: Parameter) -> Fraction:
    """The row's number in the parameter's declared unit, exactly.

    Raises:
        TableError: another unit; more decimals than declared, perhaps by dividing a year; out of bounds.
    """
    value = row.value
    params: dict[str, object] = {"parameter": parameter.name, "found": row.unit or "1"}
    wanted = str(units.parse(parameter.unit))
    if (row.unit, wanted) == ("money/month", "money/year"):
        value *= 12
    elif (row.unit, wanted) == ("money/year", "money/month"):
        value /= 12
    elif row.unit != wanted:
        raise TableError(
            Fault("table.standard_other_unit", row.file, row.line, 0, {**params, "expected": wanted or "1"})
        )
    low, high = parameter.bounds
    params["found"] = str(value)
    if (value * 10**parameter.decimals).denominator != 1:
        params["expected"] = parameter.decimals
        raise TableError(Fault("table.standard_decimals", row.file, row.line, 0, params))
    if not low <= value <= high:
        params["expected"] = f"{low} … {high}"
        raise TableError(Fault("table.standard_bounds", row.file, row.line, 0, params))
    return value


def _wrong(row: Mapping[str, str]) -> Iterator[str]:
    """The columns of a row that do not hold what they should."""
    residences = ("", *(entry.value for entry in dictionary()["residence_type"].values))
    if not _PARAMETER.match(row["parameter"]):
        yield "parameter"
    if not _AREA.match(row["area_code"]):
        yield "area_code"
    if row["residence"] not in residences:
        yield "residence"
    if not _is_date(row["effective_from"]):
        yield "effective_from"
    if not _VALUE.match(row["value"]):
        yield "value"
    try:
        units.parse(row["unit"])
    except ValueError:
        yield "unit"
    if row["status"] not in get_args(Status):
        yield "status"
    if not row["source"].isprintable() or (row["status"] in ("published", "law") and not row["source"]):
        yield "source"


def _is_date(text: str) -> bool:
    found = _DATE.match(text)
    try:
        return found is not None and bool(dt.date.fromisoformat(found[1]))
    except ValueError:
        return False


def _read(path: Path) -> list[StandardRow]:
    """All rows of one file."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError):
        raise UsageError(Fault("table.file_missing", params={"found": str(path)})) from None
    file = path.name
    lines = _sheet(data, file) if data.startswith(b"PK\x03\x04") else _csv(data, file)
    header = next(lines, (1, []))[1]
    if sorted(header) != sorted(COLUMNS):
        params = {"expected": ", ".join(COLUMNS), "found": shown(", ".join(header)) or "-"}
        raise TableError(Fault("table.standard_columns", file, 1, 0, params))
    rows: dict[tuple[str, str, str, dt.date], StandardRow] = {}
    faults: list[Fault] = []
    for line, cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(header):
            params = {"expected": str(len(header)), "found": str(len(cells))}
            faults.append(Fault("table.standard_cells", file, line, 0, params))
            continue
        try:
            row = parsed(dict(zip(header, cells, strict=True)), file, line)
        except TableError as error:
            faults += error.faults
            continue
        if row.key in rows:
            params = {"found": ", ".join(map(str, row.key)), "expected": str(rows[row.key].line)}
            faults.append(Fault("table.standard_twice", file, line, 0, params))
        rows[row.key] = row
    if faults:
        raise TableError(faults)
    return list(rows.values())


def _csv(data: bytes, file: str) -> Iterator[tuple[int, list[str]]]:
    """Physical line and cells of each row of a CSV."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise TableError(Fault("table.standard_encoding", file, line)) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error:
        raise TableError(Fault("table.standard_csv", file, line)) from None


def _sheet(data: bytes, file: str) -> Iterator[tuple[int, list[str]]]:
    """Row number and cells of each row of a workbook's only sheet, every cell as text."""
    import fastexcel

    try:
        book = fastexcel.read_excel(data)
        sheets = book.sheet_names
        if len(sheets) != 1:
            raise TableError(Fault("table.standard_sheets", file, 0, 0, {"found": ", ".join(sheets)}))
        sheet = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
        columns = [column.to_pylist() for column in sheet.to_arrow().columns]
    except fastexcel.FastExcelError:
        raise TableError(Fault("table.standard_workbook", file)) from None
    for index, cells in enumerate(zip(*columns, strict=True)):
        yield index + 1, ["" if cell is None else str(cell).strip() for cell in cells]
