"""Replay stored results with the plain evaluator, and check every hash on the way."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import export
from hardship.columns import csv_texts, sha256_of
from hardship.errors import Fault, UsageError
from hardship.inputs import Inputs, open_inputs
from hardship.reference import evaluate as reference
from hardship.reference.results import RANK_COLUMNS, person_rows, table_of

if TYPE_CHECKING:
    from hardship.inputs import Progress


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
    folder: Path, *, register: Path | None = None, sample: int | None = None, progress: Progress | None = None
) -> Verified:
    """Replay the results in `folder`.

    Args:
        register: where the register is now; None: where `run.json` says it was.
        sample: replay only so many households, evenly spread, without their ranks.

    Raises:
        UsageError: the folder holds no results. TableError, RegisterError: an input cannot be used any more.
    """
    run = read_run(folder)
    stored = read_stored(folder, "results")
    inputs = reopen(folder, run, register, progress)
    differences = list(_hashes(run, inputs, sha256_of(stored)))
    households = reference.rows(inputs.register, inputs.checked.names.attributes)
    known = set(stored["household_id"])
    if sample is not None and sample < len(known):
        step = len(known) / sample
        ids = stored["household_id"].to_list()
        known = {ids[int(place * step)] for place in range(sample)}
        households = [row for row in households if row["household"]["household_id"] in known]
    replayed, persons = replay(inputs, households, run.get("detail", "results"), progress)
    skipped: Sequence[str] = () if sample is None else RANK_COLUMNS
    differences += compare(stored.filter(pl.col("household_id").is_in(known)), replayed, run, inputs, skipped)
    if inputs.checked.table.person:
        kept = read_stored(folder, "persons").filter(pl.col("household_id").is_in(known))
        differences += compare_persons(kept, persons)
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
        one_each = len(run["sources"]["register"]) == len(run["sources"]["table"]) == 1
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
    path = folder / f"{name}.parquet"
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        raise UsageError(Fault("common.bad_stored", params={"path": str(path)})) from None
    if frame.schema.get("household_id") != pl.String:
        raise UsageError(Fault("common.bad_stored", params={"path": str(path)}))
    return frame


def reopen(folder: Path, run: Mapping[str, Any], register: Path | None, progress: Progress | None) -> Inputs:
    """The inputs of a stored run, from where they were or, of the register, where it is now."""
    sources = {kind: [folder / path for path in paths] for kind, paths in run["sources"].items()}
    table = sources["table"][0]
    spec = str(table) if table.is_file() else f"{run['table']['id']}@{run['table']['version']}"
    mapping = sources["mapping"][0] if sources["mapping"] else None
    return open_inputs(
        register or sources["register"][0],
        spec,
        dt.date.fromisoformat(run["on"]),
        standards=sources["standards"],
        mapping=mapping,
        progress=progress,
    )


def _hashes(run: Mapping[str, Any], inputs: Inputs, results: str) -> Iterator[Difference]:
    found = {
        "results_sha256": (run["results_sha256"], results),
        "table.sha256": (run["table"]["sha256"], inputs.checked.sha256),
        "standards_sha256": (run["standards_sha256"], inputs.standards.sha256),
        "register.sha256": (run["register"]["sha256"], inputs.register.sha256),
    }
    for name, (then, now) in found.items():
        if then != now:
            yield Difference("", name, then, now)


def replay(
    inputs: Inputs, households: Sequence[Mapping[str, Any]], detail: str, progress: Progress | None
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Result columns and person rows of the households as CSV texts, by the plain evaluator."""
    table = inputs.checked.table
    plain = reference.Reference(table, inputs.checked.names, inputs.standards, inputs.on)
    outcomes = []
    for done, household in enumerate(households):
        if progress is not None and done % 1000 == 0:
            progress("verify", done / len(households))
        outcomes.append(plain.evaluate(household))
    scored = [pair for pair in zip(outcomes, households, strict=True) if not pair[0].rejected]
    persons = person_rows([outcome for outcome, _ in scored], [household for _, household in scored])
    return table_of(table, plain.ground.statics, outcomes, detail), persons


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


def register_flags(inputs: Inputs) -> dict[str, set[str]]:
    """The flags that reading the register put on each household; the evaluator knows nothing of them."""
    found: dict[str, set[str]] = {}
    for household, flag in inputs.register.flags.select("household_id", "flag").iter_rows():
        found.setdefault(household, set()).add(flag)
    return found
