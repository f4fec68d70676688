"""Result files: written beside their place under another name, then put there in one step.

A run that is killed, or finds the disk full, leaves the whole old result or the whole new one. Parquet is
always written; CSV and XLSX on request. The same results give the same bytes.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import sheet_parquet
from hardship.columns import csv_parts
from hardship.errors import Fault, UsageError

if TYPE_CHECKING:
    from hardship.inputs import Progress
    from hardship.results import Results

FORMATS = ("parquet", "csv", "xlsx")
RUN, REJECTS, GROUPS, TOWNSHIPS = "run.json", "rejects.csv", "groups.csv", "townships"
OVERRIDES, OFFICE = "overrides.csv", "office.xlsx"
OURS = frozenset(
    {
        *(RUN, REJECTS, OVERRIDES, GROUPS, OFFICE, TOWNSHIPS),
        *(f"{name}.{form}" for name in ("results", "persons") for form in FORMATS),
        *("results", "persons"),  # folders, of a register in parts
    }
)
SHEET_ROWS = 1_000_000  # a sheet ends at 1,048,576
# What a spreadsheet would take for a formula, with its full-width forms (ASVS 1.2.10).
DANGEROUS = r"^[=+\-@\t\r\x00＝＋－＠]"
COMPUTED = frozenset({"index_exact", "index_with", "index_without"})  # texts of ours that may begin with a minus sign
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def prepare(out: Path, kind: str = "") -> None:
    """Refuse a folder that holds something else than results, before any work is done.

    Args:
        kind: of the results to come, as their `run.json` names it; those of a scoring have none.

    Raises:
        UsageError: `out` is a file, or a folder with files but without `run.json`, or with results of another kind.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(Fault("cli.out_is_file", params={"path": str(out)}))
    if out.is_dir() and not (out / RUN).exists() and any(out.iterdir()):
        raise UsageError(Fault("cli.out_is_foreign", params={"path": str(out)}))
    if kind_of(out) not in (kind, None):
        raise UsageError(Fault("cli.out_of_other_kind", params={"path": str(out), "found": kind_of(out) or "score"}))


def kind_of(folder: Path) -> str | None:
    """What kind of results a folder holds ("" for a scoring); None without a `run.json` that can be read."""
    try:
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(run.get("kind", "")) if isinstance(run, dict) else None


def write(
    out: Path,
    results: Results,
    *,
    formats: Sequence[str] = ("parquet",),
    files: Mapping[str, Sequence[Path]] | None = None,
    timings: Mapping[str, float] | None = None,
    tables: Mapping[str, Callable[[], pl.DataFrame]] | None = None,
    more: Callable[[Path], object] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write all result files into the folder `out`, replacing an older result as a whole.

    Args:
        formats: further formats beside Parquet.
        files: where the inputs came from; recorded relative to `out`, for `verify`.
        timings: seconds for each stage so far.
        tables: what makes further frames by file name (one of `OURS`), written as CSV; called while Parquet is written.
        more: writes further files of `OURS` into the folder it is given.

    Returns:
        the content of `run.json`.

    Raises:
        UsageError: see `prepare`. OSError: the disk is full or may not be written; `out` is then unchanged.
    """
    prepare(out)
    began = time.perf_counter()
    with staged(out, OURS) as staging, ThreadPoolExecutor(1) as beside:
        filed = beside.submit(sheet_parquet.write, results.sheet, staging / "results.parquet")
        if results.persons is not None:
            write_parquet(results.persons, staging / "persons.parquet")
        further = [form for form in dict.fromkeys(formats) if form != "parquet"]
        for done, form in enumerate(further, 1):
            if progress is not None:
                progress("write", done / (len(further) + 1))
            for name, frame in (("results", results.frame), ("persons", results.persons)):
                if frame is not None:
                    WRITERS[form](frame, staging / f"{name}.{form}")
        own = {REJECTS: results.rejects} | ({} if results.overrides is None else {OVERRIDES: results.overrides})
        for name, table in own.items():
            write_csv(table, staging / name)
        for name, make in (tables or {}).items():
            write_csv(make(), staging / name)
        if more is not None:
            more(staging)
        filed.result()
        seconds = {**(timings or {}), "write": time.perf_counter() - began}
        return write_run(staging, out, results.run, files or {}, seconds)


@contextmanager
def staged(out: Path, ours: Collection[str]) -> Iterator[Path]:
    """An empty folder that takes the place of `out` in one step when the block ends; an exception leaves `out` alone.

    Args:
        ours: names of files that an older result in `out` may have and a newer one does not inherit.
    """
    out = out.resolve()  # a link to a folder of results stays a link
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = out.parent / f".{out.name}.{os.getpid()}.part"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
        publish(staging, out, ours)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def write_run(
    staging: Path,
    out: Path,
    run: Mapping[str, Any],
    files: Mapping[str, Sequence[Path]],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Write `run.json` with where the inputs of `out` came from and how long each stage took; its content."""
    done = {
        **run,
        "sources": relative_sources(files, out.resolve()),
        "timings": {name: round(value, 3) for name, value in seconds.items()},
    }
    (staging / RUN).write_text(json.dumps(done, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return done


def relative_sources(files: Mapping[str, Sequence[Path]], out: Path) -> dict[str, list[str]]:
    """Where the inputs lie as seen from the results, so that both can be moved together; `out` without links."""
    return {
        kind: [Path(os.path.relpath(path.resolve(), out)).as_posix() for path in paths] for kind, paths in files.items()
    }


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Parquet whose bytes depend on the rows only (one chunk, fixed row groups)."""
    frame.rechunk().write_parquet(
        path, compression="zstd", compression_level=1, row_group_size=sheet_parquet.ROW_GROUP, statistics=True
    )


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """The canonical CSV form with dangerous texts guarded."""
    with path.open("wb") as handle:
        for part in csv_parts(guarded(frame)):
            handle.write(part)


def write_xlsx(frame: pl.DataFrame, path: Path) -> None:
    """One workbook, a further sheet for every million rows; texts stay texts, numbers numbers."""
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    made = io.BytesIO()  # a workbook that finds the disk full leaves an open file behind
    with xlsxwriter.Workbook(made, options) as book:
        book.set_properties({"created": dt.datetime(2000, 1, 1)})  # the same results, the same bytes
        safe = guarded(frame)
        for start in range(0, max(frame.height, 1), SHEET_ROWS):
            sheet = path.stem if start == 0 else f"{path.stem}_{start // SHEET_ROWS + 1}"
            safe.slice(start, SHEET_ROWS).write_excel(book, sheet, autofilter=True, freeze_panes=(1, 1))
    path.write_bytes(made.getbuffer())


WRITERS = {"csv": write_csv, "xlsx": write_xlsx}


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before every text that a spreadsheet would run as a formula."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String and name not in COMPUTED]
    return frame.with_columns(
        pl.when(pl.col(name).str.contains(DANGEROUS))
        .then(pl.concat_str(pl.lit("'"), pl.col(name)))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )


def publish(staging: Path, out: Path, ours: Collection[str] = OURS) -> None:
    """Put the finished folder in its place in one step; what others laid into the old one is kept."""
    if not out.exists() or not any(out.iterdir()):
        settle(staging)
        staging.replace(out)
        return
    for path in out.iterdir():
        if path.name not in ours:
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            copy(path, staging / path.name)
    settle(staging)
    if exchange(staging, out):
        shutil.rmtree(staging, ignore_errors=True)
        return
    # Systems that cannot exchange two folders: for a moment there is none; the old one then lies beside.
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.replace(old)
    staging.replace(out)
    shutil.rmtree(old, ignore_errors=True)


def settle(folder: Path) -> None:
    """Bring a folder's files to the disk itself, so that a power cut after the renaming loses nothing."""
    for path in [*(p for p in folder.rglob("*") if p.is_file()), folder]:
        if path.is_dir() and os.name == "nt":
            continue
        handle = os.open(path, os.O_RDWR if path.is_file() and os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one atomic step (Linux); False where the system or file system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)
