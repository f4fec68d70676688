"""Folders of runs and movements opened again, with their inputs, for what is made from them later."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from hardship import __version__, export
from hardship.errors import Fault, UsageError
from hardship.inputs import open_table
from hardship.movement import totals as sums
from hardship.movement.runs import FACTORS
from hardship.movement.states import States
from hardship.reports.groups import group_report
from hardship.reports.run_book import write_books
from hardship.reports.story import Story, Sums, told
from hardship.reports.write import FILES, write_reports
from hardship.results import MONEY, Results
from hardship.sheet import Sheet
from hardship.standards import load_standards
from hardship.verify import read_run, read_stored, reopen

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.inputs import Inputs, Progress
    from hardship.standards import Standards

KIND, AREAS = "report", "areas.csv"
_AREA = ("area_code", "name")
GUARDED = export.DANGEROUS.replace("^[", "^'([").replace("]", "])")
ENDS = ("before", "after")


def stored_run(
    folder: Path, register: Path | None = None, progress: Progress | None = None, *, url: str = ""
) -> tuple[dict[str, Any], pl.DataFrame, Inputs]:
    """The `run.json`, the results and the inputs of a result folder.

    Args:
        register: where the register is now; None: where `run.json` says it was.
        url: where the database is that the register was read from.

    Raises:
        UsageError: no results, or the register is another one than they were made from.
        TableError, RegisterError: an input cannot be used any more.
    """
    run = read_run(folder)
    frame = read_stored(folder, "results")
    inputs = reopen(folder, run, register, progress, url, names=True)
    _same_register(inputs, run, folder)
    return run, frame, inputs


def _same_register(inputs: Inputs, run: Mapping[str, Any], folder: Path) -> None:
    if inputs.register.sha256 != run["register"]["sha256"]:
        params = {"register": inputs.register.name, "path": str(folder)}
        raise UsageError(Fault("report.other_register", params=params))


def report_run(
    folder: Path,
    out: Path,
    lang: str,
    by: Sequence[str] | None = None,
    register: Path | None = None,
    progress: Progress | None = None,
    *,
    url: str = "",
) -> list[Path]:
    """Workbooks of a stored run: the county's and, `by` township, one for each.

    Raises:
        UsageError, TableError, RegisterError: see `stored_run`. OSError: `out` cannot be written.
    """
    run, frame, inputs = stored_run(folder, register, progress, url=url)
    rejects = _texts(folder / export.REJECTS)
    rejects = rejects.with_columns(pl.col("line").cast(pl.Int64, strict=False))
    results = Results(Sheet.of(frame), None, rejects, run, run["results_sha256"])
    groups = group_report(frame, inputs)
    return _staged(
        out, run["results_sha256"], lambda place: write_books(results, inputs, groups, place, lang, townships=bool(by))
    )


def report_movement(
    folder: Path,
    out: Path,
    formats: Sequence[str],
    lang: str,
    by: Sequence[str] | None = None,
) -> list[Path]:
    """The reports of a stored movement.

    Raises:
        UsageError: see `stored_story`. TableError: a table or a standards file cannot be used any more.
        OSError: `out` cannot be written.
    """
    story = stored_story(folder)
    return _staged(
        out,
        story.run["movement_sha256"],
        lambda place: write_reports(story, place, formats, lang, "township" if by else None),
    )


def _staged(out: Path, sha256: str, write: Callable[[Path], list[Path]]) -> list[Path]:
    """Let files be written into `out` as a whole, with a record of what they were made from."""
    with export.staged(out, FILES) as staging:
        paths = [out / path.relative_to(staging) for path in write(staging)]
        record = {"schema": 1, "kind": KIND, "engine": __version__, "made_from": sha256}
        (staging / export.RUN).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return paths


def keep(story: Story, folder: Path) -> None:
    """Write beside a movement what its reports need of the registers, so that `stored_story` reads none."""
    export.write_csv(story.groups, folder / export.GROUPS)
    areas = pl.DataFrame(
        {"area_code": [*story.areas], "name": [*story.areas.values()]}, schema=dict.fromkeys(_AREA, pl.String)
    )
    export.write_csv(areas.sort("area_code"), folder / AREAS)


def stored_story(folder: Path) -> Story:
    """What a report tells of a stored movement; of its inputs only tables and standards are opened again.

    Raises:
        UsageError: the movement is not whole, or a table or the standards have changed since.
        TableError: a table or a standards file cannot be used any more.
    """
    try:
        run = json.loads((folder / export.RUN).read_text(encoding="utf-8"))
        frame = pl.read_parquet(folder / "movement.parquet")
        totals, groups, areas = (_texts(folder / name) for name in ("totals.csv", export.GROUPS, AREAS))
        before, after = (_rules(folder, run, end) for end in ENDS)
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError) as error:
        raise UsageError(Fault("report.bad_movement", params={"path": str(folder)})) from error
    typed = totals.select(_typed(name) for name in totals.columns)
    differs = [factor in run["factors"] for factor in FACTORS]
    states = States.of(before.checked.table, after.checked.table)
    found = Sums(sums.matrix(frame, states), typed, sums.exits(frame, after.on), sums.causes(frame, differs), run)
    return told(frame, found, (before, after), dict(areas.select(_AREA).iter_rows()), groups)


def _texts(path: Path) -> pl.DataFrame:
    """One of our CSV files as texts, without the guards against spreadsheets."""
    frame = pl.read_csv(path, infer_schema_length=0)
    return frame.with_columns(pl.all().fill_null("").str.replace(GUARDED, "$1"))


def _typed(name: str) -> pl.Expr:
    """A column of `totals.csv` with its type."""
    if name in ("level", "area_code", "residence"):
        return pl.col(name)
    money = name.startswith(("month_", "year_")) or name == "exit_month"
    return pl.col(name).cast(MONEY if money else pl.Int64)


class _Side(NamedTuple):
    checked: Checked
    standards: Standards
    on: dt.date


def _rules(folder: Path, run: Mapping[str, Any], end: str) -> _Side:
    """The table and the standards of a side, as they were."""
    table, standards = ([folder / path for path in run["sources"][f"{end}_{kind}"]] for kind in ("table", "standards"))
    side = run[end]
    spec = str(table[0]) if table[0].is_file() else f"{side['table']['id']}@{side['table']['version']}"
    on = dt.date.fromisoformat(side["on"])
    found = _Side(open_table(spec, on)[0], load_standards(standards), on)
    if found.checked.sha256 != side["table"]["sha256"]:
        raise UsageError(Fault("report.other_table", params={"table": spec, "path": str(folder)}))
    if found.standards.sha256 != side["standards_sha256"]:
        raise UsageError(Fault("report.other_standards", params={"path": str(folder)}))
    return found
