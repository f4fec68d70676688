"""CSV as rows of texts, every physical line accounted for.

Encodings: UTF-16 by its mark, else UTF-8 (with or without mark), else GB18030, all strict. Lines without
quotes and with the right number of commas, nearly all, are split by polars; every other line is split
here, one by one. A line
that cannot be split is rejected alone: an open quote may run on over later lines only if that makes a
whole row.
"""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import numpy as np
import polars as pl

from hardship.errors import Fault, RegisterError
from hardship.reading.readers import MAX_COLUMNS, BadLine, RawTable

CHUNK = 64 * 2**20
MAX_SPAN = 20  # most physical lines of one row
MAX_SPAN_BYTES = 64 * 1024


def read_csv(file: Path, entity: str) -> RawTable:
    """Read one CSV file.

    Raises:
        RegisterError: neither UTF-8, GB18030 nor marked UTF-16; no header; two columns with the same title.
    """
    data, encoding = decode(file.read_bytes(), file.name)
    names, body = _header(data, file.name)
    frames: list[pl.DataFrame] = []
    lines: list[np.ndarray] = []
    bad: list[BadLine] = []
    start, line = body, 2
    while start < len(data):
        end = data.find(b"\n", min(start + CHUNK, len(data)))
        end = len(data) if end < 0 else end + 1
        chunk = _Chunk(data, start, end, line, names)
        frames += chunk.frames
        lines += chunk.lines
        bad += chunk.bad
        start, line = chunk.next_start, chunk.next_line
    empty = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    numbers = np.concatenate([*lines, np.empty(0, dtype=np.int64)])
    notes = () if encoding == "utf-8" else (Fault("register.encoding", file.name, params={"name": encoding}),)
    frame = pl.concat([empty, *frames], rechunk=True)
    return RawTable(entity, file.name, "", frame, pl.Series(numbers), {}, tuple(bad), notes)


def decode(data: bytes, name: str) -> tuple[bytes, str]:
    """The text as UTF-8 with LF ends and without mark, and the name of the encoding it had.

    Raises:
        RegisterError: the bytes are no legal text in any accepted encoding.
    """
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data, encoding = data.decode("utf-16").encode(), "utf-16"
        else:
            data = data.removeprefix(codecs.BOM_UTF8)
            try:
                _require_utf8(data)
                encoding = "utf-8"
            except UnicodeDecodeError:
                data, encoding = data.decode("gb18030").encode(), "gb18030"
    except UnicodeError:
        raise RegisterError(Fault("register.not_text", name)) from None
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    return data, encoding


def _require_utf8(data: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    for start in range(0, len(data), CHUNK):
        decoder.decode(data[start : start + CHUNK], final=start + CHUNK >= len(data))


def _header(data: bytes, name: str) -> tuple[list[str], int]:
    """The column titles and the offset behind the first line."""
    end = data.find(b"\n")
    end = len(data) if end < 0 else end
    try:
        row = next(csv.reader([data[:end].decode()], strict=True), [])
    except csv.Error:
        raise RegisterError(Fault("register.bad_header", name, 1)) from None
    if not any(row):
        raise RegisterError(Fault("register.no_header", name, 1))
    return column_names(row, name), end + 1


def column_names(row: list[str], name: str) -> list[str]:
    """The titles of a header, unnamed columns numbered.

    Raises:
        RegisterError: two columns have the same title, or there are too many.
    """
    if len(row) > MAX_COLUMNS:
        raise RegisterError(Fault("register.too_many_columns", name, 1, params={"limit": MAX_COLUMNS}))
    titles = [title if title.strip() else f"#{place}" for place, title in enumerate(row, 1)]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise RegisterError([Fault("register.two_columns", name, 1, params={"column": one}) for one in twice])
    return titles


class _Chunk:
    """A run of whole lines, split: `frames` and `lines` go together, `bad` are the lines that are no rows."""

    def __init__(self, data: bytes, start: int, end: int, line: int, names: list[str]) -> None:
        self.data, self.names = data, names
        self.frames: list[pl.DataFrame] = []
        self.lines: list[np.ndarray] = []
        self.bad: list[BadLine] = []
        raw = np.frombuffer(data, dtype=np.uint8, count=end - start, offset=start)
        ends = np.flatnonzero(raw == 0x0A)
        if raw[-1] != 0x0A:
            ends = np.append(ends, raw.size)
        starts = np.concatenate([[0], ends[:-1] + 1])
        commas = np.diff(np.searchsorted(np.flatnonzero(raw == 0x2C), np.append(starts[:1], ends)))
        odd = np.flatnonzero((raw == 0x22) | (raw == 0x0D) | (raw == 0))
        blank = starts == ends
        slow = (commas != len(names) - 1) & ~blank
        slow[np.searchsorted(ends, odd)] = True
        gone = self._slow_rows(np.flatnonzero(slow), starts + start, line)
        keep = ~slow & ~blank
        keep[gone[gone < keep.size]] = False
        self._fast_rows(raw, starts, ends, keep, line)
        self.next_line = line + max(int(ends.size), int(gone.max(initial=-1)) + 1)
        self.next_start = self._after(start, end, int(self.next_line - line - ends.size))

    def _after(self, start: int, end: int, further: int) -> int:
        """The offset behind `further` more lines than the chunk has: a row that began here and ran on."""
        for _ in range(further):
            found = self.data.find(b"\n", end)
            end = len(self.data) if found < 0 else found + 1
        return end

    def _fast_rows(self, raw: np.ndarray, starts: np.ndarray, ends: np.ndarray, keep: np.ndarray, line: int) -> None:
        rows = np.flatnonzero(keep)
        if rows.size == 0:
            return
        if rows.size == keep.size:
            text = raw
        else:
            lengths = np.append(starts[1:], raw.size) - starts
            text = raw[np.repeat(keep, lengths)]
        frame = pl.read_csv(
            io.BytesIO(text.tobytes()),
            has_header=False,
            new_columns=self.names,
            infer_schema=False,
            quote_char=None,
            truncate_ragged_lines=False,
        )
        if frame.height != rows.size:
            raise AssertionError("rows lost while splitting lines")
        self.frames.append(frame)
        self.lines.append(rows.astype(np.int64) + line)

    def _slow_rows(self, rows: np.ndarray, starts: np.ndarray, line: int) -> np.ndarray:
        """Split odd lines one by one; gives back the numbers of all lines they used up."""
        used: list[int] = []
        kept: list[list[str]] = []
        numbers: list[int] = []
        done = -1
        for row in rows.tolist():
            if row <= done:
                continue
            cells, span, problem = self._row(int(starts[row]))
            used += range(row, row + span)
            done = row + span - 1
            if problem:
                seen = f"cells({len(cells)})" if problem == "ragged_row" else "quote"
                self.bad.append(BadLine(line + row, problem, seen, tuple(cells)))
            else:
                kept.append(cells)
                numbers.append(line + row)
        if kept:
            columns = zip(*kept, strict=True)
            data = {
                name: pl.Series(name, list(c), dtype=pl.String) for name, c in zip(self.names, columns, strict=True)
            }
            self.frames.append(pl.DataFrame(data))
            self.lines.append(np.array(numbers, dtype=np.int64))
        return np.array(used, dtype=np.int64)

    def _row(self, start: int) -> tuple[list[str], int, str]:
        """The cells of the row that begins at an offset, how many lines it takes, and what is wrong."""
        parts: list[str] = []
        end = start
        first: list[str] = []
        while len(parts) < MAX_SPAN and end < len(self.data) and end - start <= MAX_SPAN_BYTES:
            found = self.data.find(b"\n", end)
            stop = len(self.data) if found < 0 else found
            parts.append(self.data[end:stop].decode() + "\n")
            end = stop + 1
            try:
                cells = next(csv.reader(parts, strict=True))
            except csv.Error as error:
                if len(parts) == 1:
                    first = parts[0][:-1].split(",")
                if "unexpected end" not in str(error):
                    break
                continue
            if len(cells) == len(self.names):
                return cells, len(parts), ""
            if len(parts) == 1:
                return cells, 1, "ragged_row"
            break
        return first, 1, "bad_quotes"
