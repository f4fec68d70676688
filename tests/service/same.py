"""One result at every door: command line, single requests, batches in every form, ranking.

    python tests/service/same.py [--households N] [--table ID] [--singles N]

Prints `households=… doors=… differences=0 sha256=…`; exit code 1 if any door differs. Records are compared as bytes of
JSON with sorted keys; positions and ranks, which only a whole register has, at the ranking alone.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl

from hardship.client import Client, Form
from hardship.columns import csv_texts
from hardship.results import RANKS
from hardship.results_json import Record, result_record
from service.live import ARROW, CSV, ON, PARQUET, Live
from service.registers import Frames, arrow, documents, flat, folder, json_lines, nested, parquet, tables

RANKED = ("position", *RANKS, "percentile")
Records = dict[str, Record]
"""Results by household id."""


@dataclass(frozen=True)
class Register:
    """A synthetic register and what the command line makes of it."""

    frames: Frames
    results: Records
    persons: dict[str, list[Record]]


def by_command(frames: Frames, table: str, out: Path) -> Register:
    """`hardship score` in a process of its own."""
    register = folder(frames, out / "register")
    command = [sys.executable, "-m", "hardship", "score", str(register), "--table", table, "--on", ON]
    command += ["--out", str(out / "results"), "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = {str(one["household_id"]): one for one in read(out / "results" / "results.csv")}
    persons: dict[str, list[Record]] = {name: [] for name in results}
    file = out / "results" / "persons.csv"
    for person in read(file) if file.exists() else ():
        persons[str(person["household_id"])].append(person)
    return Register(frames, results, persons)


def read(path: Path) -> Iterator[Record]:
    """The rows of a results file as records."""
    with path.open(encoding="utf-8", newline="") as handle:
        yield from map(result_record, csv.DictReader(handle))


def doors(
    live: Live, register: Register, table: str, singles: int
) -> Iterator[tuple[str, Records, dict[str, list[Record]] | None]]:
    """Each door of the service with the results and persons it gives (None: this form has none to compare)."""
    households = documents(register.frames)
    columns = nested(register.frames)
    with Client(live.url, lang="en") as client:
        answers = [client.score(one, table, ON, "summary") for one in households[:singles]]
        yield "single", by_id(answers), persons_of(answers)
        bodies: dict[Form, bytes] = {
            "lines": json_lines(households),
            "arrow": arrow(columns),
            "parquet": parquet(columns),
        }
        for name, body in bodies.items():
            rows = list(client.score_batch(iter([body]), table, ON, form=name))
            yield f"{name} to lines", by_id(rows), persons_of(rows)
    url = f"/v1/score/batch?table={table}&on={ON}"
    for kind in (ARROW, PARQUET, CSV):
        status, _, body = live.send("POST", url, arrow(columns), {"content-type": ARROW, "accept": kind}, 600)
        assert status == 200, body[:500]
        yield f"arrow to {kind[-14:]}", from_columns(kind, body), None


def ranking(live: Live, register: Register, table: str) -> Records:
    """The whole register ranked by the service."""
    with Client(live.url, lang="en") as client:
        return by_id(client.rank(iter([arrow(nested(register.frames))]), table, ON, form="arrow"))


def by_csv(live: Live, register: Register, table: str) -> Records:
    """A register without supporters and transfers, one member a line."""
    with Client(live.url, lang="en") as client:
        return by_id(client.score_batch(iter([flat(register.frames)]), table, ON, form="csv"))


def by_id(rows: Iterable[Mapping[str, Any]]) -> Records:
    """Results by household; a refused one is named by its errors."""
    return {
        row["result"]["household_id"]: row["result"] if "result" in row else {"errors": json.dumps(row["errors"])}
        for row in rows
    }


def persons_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Record]]:
    """Persons by household."""
    return {row["result"]["household_id"]: row["persons"] for row in rows if "result" in row}


def from_columns(kind: str, body: bytes) -> Records:
    """Results of a columnar answer as records."""
    if kind == CSV:
        rows: Iterable[Mapping[str, str]] = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    else:
        frame = pl.read_ipc_stream(body) if kind == ARROW else pl.read_parquet(body)
        rows = csv_texts(frame.drop("persons", "errors", strict=False))
    found = {}
    for row in rows:
        kept = {name: text for name, text in row.items() if name not in ("row", "status", "persons", "errors")}
        found[kept["household_id"]] = result_record(kept)
    return found


def differences(name: str, expected: Mapping[str, Any], found: Mapping[str, Any], ranked: bool) -> list[str]:
    """Households whose bytes differ between the command line and a door."""
    return [
        f"{name} {key}: {encoded(expected.get(key), ranked).decode()} | {encoded(found.get(key), ranked).decode()}"
        for key in sorted(expected.keys() | found.keys())
        if encoded(expected.get(key), ranked) != encoded(found.get(key), ranked)
    ]


def encoded(record: Any, ranked: bool) -> bytes:
    """A record as bytes; without `ranked` the places in a whole register are left out."""
    if isinstance(record, dict) and not ranked:
        record = {name: value for name, value in record.items() if name not in RANKED}
    return json.dumps(record, ensure_ascii=False, sort_keys=True).encode()


def compare(live: Live, table: str, households: int, singles: int, work: Path) -> tuple[list[str], int, str]:
    """All doors against the command line: what differs, how many doors, the hash of all records."""
    frames = tables(households, 11, table, dt.date.fromisoformat(ON))
    register = by_command(frames, table, work / "whole")
    wrong, count = [], 0
    for name, results, persons in doors(live, register, table, singles):
        wanted = [*register.results][:singles] if name == "single" else [*register.results]
        wrong += differences(name, {key: register.results[key] for key in wanted}, results, ranked=False)
        if persons is not None:
            wrong += differences(f"{name} persons", {key: register.persons[key] for key in wanted}, persons, True)
        count += 1
    wrong += differences("rank", register.results, ranking(live, register, table), ranked=True)
    bare = {
        entity: frame.clear() if entity in ("supporters", "transfers") else frame for entity, frame in frames.items()
    }
    plain = by_command(bare, table, work / "plain")
    wrong += differences("csv", plain.results, by_csv(live, plain, table), ranked=False)
    digest = hashlib.sha256(b"\n".join(encoded(one, True) for one in register.results.values())).hexdigest()
    return wrong, count + 2, digest


def main(arguments: Sequence[str]) -> int:
    """Compare on a service of its own."""
    parser = argparse.ArgumentParser(prog="dev.py same", description=__doc__.splitlines()[0])
    parser.add_argument("--households", type=int, default=10_000)
    parser.add_argument("--singles", type=int, help="households asked for one by one (default: all)")
    parser.add_argument("--table", default="county_model")
    given = parser.parse_args(arguments)
    singles = given.households if given.singles is None else given.singles
    with Live() as live, tempfile.TemporaryDirectory() as work:
        wrong, count, digest = compare(live, given.table, given.households, singles, Path(work))
    for one in wrong[:20]:
        print(one[:1000])
    print(f"households={given.households} table={given.table} doors={count} differences={len(wrong)} sha256={digest}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
