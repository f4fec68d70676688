"""Replay stored results with the plain evaluator, and check every hash on the way."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship import corrections, export, record
from hardship.columns import Array, csv_parts, csv_texts, sha256_of
from hardship.errors import Fault, UsageError
from hardship.inputs import Inputs, open_inputs
from hardship.reference import evaluate as reference
from hardship.reference.results import RANK_COLUMNS, person_rows, table_of

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.inputs import Progress
    from hardship.reading.database import Database
    from hardship.register import Register
    from hardship.standards import Standards


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is stored otherwise than replayed. `household` is empty for a hash or a count."""

    household: str
    column: str
    stored: str
    found: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a replay found.

    Attributes:
        households: how many were replayed.
        differences: every difference, in the order of households and columns.
        sha256: hash of the results as they are stored now.
    """

    households: int
    differences: list[Difference]
    sha256: str


def verify(
    folder: Path,
    *,
    register: Path | None = None,
    url: str = "",
    sample: int | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Replay the results in `folder`: every value, the hashes and counts of `run.json`, the rejects, the corrections.

    Args:
        register: where the register is now; None: where `run.json` says it was.
        url: where the database is that the register was read from.
        sample: replay only so many households, evenly spread, without their ranks; of `rejects.csv` then only what
            reading the register rejects, and no corrections.

    Raises:
        UsageError: the folder holds no results. TableError, RegisterError: an input cannot be used any more.
    """
    run = read_run(folder)
    stored = read_stored(folder, "results")
    inputs = reopen(folder, run, register, progress, url)
    differences = list(hashes(run, inputs.checked, inputs.standards, inputs.register.sha256, sha256_of(stored)))
    households = reference.rows(inputs.register, inputs.checked.names.attributes)
    known = set(stored["household_id"])
    if sample is not None and sample < len(known):
        step = len(known) / sample
        ids = stored["household_id"].to_list()
        known = {ids[int(place * step)] for place in range(sample)}
        households = [row for row in households if row["household"]["household_id"] in known]
    plain = reference.Reference(inputs.checked.table, inputs.checked.names, inputs.standards, inputs.on)
    outcomes = evaluated(plain, households, progress)
    scored = [pair for pair in zip(outcomes, households, strict=True) if not pair[0].rejected]
    replayed = table_of(inputs.checked.table, plain.ground.statics, outcomes, run.get("detail", "results"))
    skipped: Sequence[str] = () if sample is None else RANK_COLUMNS
    differences += compare(stored.filter(pl.col("household_id").is_in(known)), replayed, run, inputs, skipped)
    if inputs.checked.table.person:
        kept = read_stored(folder, "persons").filter(pl.col("household_id").is_in(known))
        persons = person_rows([outcome for outcome, _ in scored], [household for _, household in scored])
        differences += compare_persons(kept, persons)
    differences += compare_counts(run, stored, inputs.register)
    differences += compare_rejects(folder, inputs, None if sample is not None else outcomes)
    if sample is None and "overrides" in inputs.register.counts:
        differences += compare_corrections(folder, run, inputs, plain, replayed)
    return Verified(len(known), differences, sha256_of(stored))


def read_run(folder: Path) -> dict[str, Any]:
    """The content of a result folder's `run.json`.

    Raises:
        UsageError: there is none, or it is none of ours.
    """
    path = folder / export.RUN
    if not path.is_file():
        raise UsageError(Fault("common.not_results", params={"path": str(folder)}))
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        dt.date.fromisoformat(run["on"])
        texts = [
            run["results_sha256"],
            run["standards_sha256"],
            run["table"]["sha256"],
            run["register"]["sha256"],
            run["table"]["id"],
            run["table"]["version"],
            *run["sources"]["register"],
            *run["sources"]["table"],
            *run["sources"]["standards"],
            *run["sources"]["mapping"],
        ]
        from_files = len(run["sources"]["register"]) == 1 or "database" in run["register"]
        one_each = from_files and len(run["sources"]["table"]) == 1
        if run["schema"] == 1 and one_each and all(isinstance(text, str) for text in texts):
            return dict(run)
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageError(Fault("common.bad_run", params={"path": str(path)}))


def read_stored(folder: Path, name: str) -> pl.DataFrame:
    """One stored frame of a result folder.

    Raises:
        UsageError: it is not there, no Parquet, or without the ids of households.
    """
    folder_of_parts = folder / name
    if folder_of_parts.is_dir():  # of a register in parts
        frames = [read_frame(part) for part in sorted(folder_of_parts.glob("*.parquet"))]
        frames.sort(key=lambda one: str(one["household_id"].min() or ""))
        if frames:
            return pl.concat(frames)
    return read_frame(folder / f"{name}.parquet")


def read_frame(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """One stored file, or some columns of it; see `read_stored`."""
    try:
        frame = pl.read_parquet(path, columns=columns)
    except (OSError, ValueError, pl.exceptions.PolarsError):
        raise UsageError(Fault("common.bad_stored", params={"path": str(path)})) from None
    if frame.schema.get("household_id") != pl.String:
        raise UsageError(Fault("common.bad_stored", params={"path": str(path)}))
    return frame


def reopen(
    folder: Path,
    run: Mapping[str, Any],
    register: Path | None,
    progress: Progress | None,
    url: str = "",
    *,
    names: bool = False,
) -> Inputs:
    """The inputs of a stored run, from where they were or, of the register, where it is now.

    Args:
        names: see `open_inputs`.

    Raises:
        UsageError: the register was in a database, and nobody says where that is.
    """
    sources = {kind: [folder / path for path in paths] for kind, paths in run["sources"].items()}
    mapping = sources["mapping"][0] if sources["mapping"] else None
    return open_inputs(
        register or _database(run["register"], sources["register"], url) or sources["register"][0],
        table_of_run(folder, run),
        dt.date.fromisoformat(run["on"]),
        standards=sources["standards"],
        mapping=mapping,
        names=names,
        progress=progress,
    )


def table_of_run(folder: Path, run: Mapping[str, Any]) -> str:
    """What names the table of a stored run: its file, or its version where that is gone."""
    table = folder / run["sources"]["table"][0]
    return str(table) if table.is_file() else f"{run['table']['id']}@{run['table']['version']}"


def _database(about: Mapping[str, Any], files: Sequence[Path], url: str) -> Database | None:
    """The database of a stored run; None if its register was in files."""
    from hardship.reading.database import Database, sqlite_url

    if "database" not in about:
        return None
    try:
        queries = {str(entity): str(query) for entity, query in about["database"]["queries"].items()}
        shown = str(about["database"]["url"])
    except (AttributeError, KeyError, TypeError):
        raise UsageError(Fault("common.bad_run", params={"path": export.RUN})) from None
    if not url and not files:
        raise UsageError(Fault("database.needs_url", params={"url": shown}))
    return Database(url or sqlite_url(files[0]), queries)


def hashes(
    run: Mapping[str, Any], checked: Checked, standards: Standards, register: str, results: str
) -> Iterator[Difference]:
    """Every hash of `run.json` that is another now."""
    found = {
        "results_sha256": (run["results_sha256"], results),
        "table.sha256": (run["table"]["sha256"], checked.sha256),
        "standards_sha256": (run["standards_sha256"], standards.sha256),
        "register.sha256": (run["register"]["sha256"], register),
    }
    for name, (then, now) in found.items():
        if then != now:
            yield Difference("", name, then, now)


def evaluated(
    plain: reference.Reference, households: Sequence[Mapping[str, Any]], progress: Progress | None
) -> list[reference.Outcome]:
    """What the plain evaluator says of each household."""
    outcomes = []
    for done, household in enumerate(households):
        if progress is not None and done % 1000 == 0:
            progress("verify", done / len(households))
        outcomes.append(plain.evaluate(household))
    return outcomes


def compare(
    stored: pl.DataFrame,
    replayed: Sequence[Mapping[str, str]],
    run: Mapping[str, Any],
    inputs: Inputs,
    skipped: Sequence[str] = (),
) -> Iterator[Difference]:
    """Every difference between stored rows and replayed ones, household by household."""
    flags = register_flags(inputs)
    rows = {row["household_id"]: row for row in csv_texts(stored)}
    found = {row["household_id"]: row for row in replayed}
    for household in sorted(rows.keys() | found.keys(), key=str.encode):
        if household not in rows or household not in found:
            stands = [household if household in side else "" for side in (rows, found)]
            yield Difference(household, "household_id", *stands)
            continue
        own = {*found[household]["flags"].split(";"), *flags.get(household, ()), *run.get("flags", ())} - {""}
        now = {**found[household], "flags": ";".join(sorted(own))}
        for column, then in rows[household].items():
            if column not in skipped and then != now.get(column):
                yield Difference(household, column, then, now.get(column, ""))


def compare_persons(stored: pl.DataFrame, replayed: Sequence[Mapping[str, str]]) -> Iterator[Difference]:
    """Every difference between stored person rows and replayed ones."""
    key = ("household_id", "member_id", "rule")
    rows, found = ({tuple(row[name] for name in key): row for row in side} for side in (csv_texts(stored), replayed))
    for one in sorted(rows.keys() | found.keys()):
        for column in ("outcome", "benefit_month"):
            then, now = (side[one][column] if one in side else "" for side in (rows, found))
            if then != now:
                yield Difference(one[0], f"persons.{one[2]}.{column}", then, now)


def compare_counts(run: Mapping[str, Any], stored: pl.DataFrame, register: Register) -> Iterator[Difference]:
    """Every count of `run.json` that the register and the stored results do not bear out."""
    kept = register.frames["household"]["household_id"].is_in(stored["household_id"].implode()).to_numpy()
    found = record.counts(register, kept, int((stored["outcome"] == "incomplete").sum()))
    yield from differing("counts", run.get("counts"), found)


def differing(name: str, stored: Any, found: Any) -> Iterator[Difference]:
    """Every leaf of nested objects that differs."""
    then, now = flat(name, stored), flat(name, found)
    for leaf in sorted(then.keys() | now.keys()):
        if then.get(leaf) != now.get(leaf):
            yield Difference("", leaf, then.get(leaf, ""), now.get(leaf, ""))


def flat(name: str, value: Any) -> dict[str, str]:
    """The leaves of nested objects as texts, by their dotted names."""
    if not isinstance(value, Mapping):
        return {name: str(value)}
    return {key: text for part, below in value.items() for key, text in flat(f"{name}.{part}", below).items()}


def compare_rejects(folder: Path, inputs: Inputs, outcomes: Sequence[reference.Outcome] | None) -> Iterator[Difference]:
    """Every line of `rejects.csv` that reading and evaluating again does not give.

    Args:
        outcomes: of every household of the register; None: only what reading it rejects is compared.
    """
    expected = csv_lines(rejects_of(inputs, outcomes or ()))
    stored = stored_lines(folder / export.REJECTS)
    if outcomes is None:
        stored = stored[: len(expected)]
    yield from compare_lines(export.REJECTS, stored, expected)


def rejects_of(inputs: Inputs, outcomes: Sequence[reference.Outcome]) -> pl.DataFrame:
    """What reading rejects, then what the evaluator does of the outcomes of all households."""
    rejecting = {require.id for require in inputs.checked.table.require if require.outside == "reject"}
    unfit: list[tuple[Array, str, str]] = []
    for row, outcome in enumerate(outcomes):
        at = np.array([row])
        if outcome.rejected == "no_standard":
            unfit.append((at, outcome.rejected_by, "no_standard"))
        hit = [name for name, outside in outcome.requires.items() if outside and name in rejecting]
        unfit += [(at, name, "out_of_range") for name in hit]
    return record.all_rejects(inputs.register, inputs.checked, unfit)


def compare_corrections(
    folder: Path,
    run: Mapping[str, Any],
    inputs: Inputs,
    plain: reference.Reference,
    replayed: Sequence[Mapping[str, str]],
) -> Iterator[Difference]:
    """Every line of `overrides.csv`, and every count of it, that evaluating without each correction does not give."""
    alone, chosen = corrections.lanes(inputs.register)
    statics, table = plain.ground.statics, inputs.checked.table
    without: dict[int, Mapping[str, str]] = {}
    for number, household in zip(chosen, reference.rows(alone, inputs.checked.names.attributes), strict=True):
        without.update((number, row) for row in table_of(table, statics, [plain.evaluate(household)]))
    applied = {row["household_id"]: row for row in replayed}
    frame = corrections.effects(inputs.register.corrections, applied, without)
    counted = corrections.counted(frame, inputs.register.counts["overrides"])
    yield from differing("overrides", run.get("overrides"), counted)
    yield from compare_lines(export.OVERRIDES, stored_lines(folder / export.OVERRIDES), csv_lines(frame))


def csv_lines(frame: pl.DataFrame) -> list[list[str]]:
    """The rows of a frame as its CSV file holds them, the header first."""
    text = b"".join(csv_parts(export.guarded(frame))).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def stored_lines(path: Path) -> list[list[str]]:
    """The rows of a CSV file of a result folder.

    Raises:
        UsageError: it is not there, or no UTF-8.
    """
    try:
        return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    except (OSError, ValueError, csv.Error):
        raise UsageError(Fault("common.bad_stored", params={"path": str(path)})) from None


def compare_lines(file: str, stored: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> Iterator[Difference]:
    """Every cell that differs, but for sentences, which a release may word otherwise; a row that one side lacks."""
    header = found[0]
    for line, (then, now) in enumerate(zip_longest(stored, found), 1):
        place = f"{file}:{line}"
        if then is None or now is None or len(then) != len(now):
            yield Difference("", place, *(",".join(row or ()) for row in (then, now)))
            continue
        for name, old, new in zip(header, then, now, strict=True):
            if old != new and not name.startswith("message_"):
                yield Difference("", f"{place}: {name}", old, new)


def register_flags(inputs: Inputs) -> dict[str, set[str]]:
    """The flags that reading the register put on each household; the evaluator knows nothing of them."""
    found: dict[str, set[str]] = {}
    for household, flag in inputs.register.flags.select("household_id", "flag").iter_rows():
        found.setdefault(household, set()).add(flag)
    return found
