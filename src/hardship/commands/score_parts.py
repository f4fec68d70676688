"""`hardship score` of a register in parts."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hardship.cli import Say
from hardship.commands.common import Bars
from hardship.errors import Fault, UsageError

if TYPE_CHECKING:
    from hardship.parts.run import Engine


@dataclass(frozen=True)
class Wanted:
    """What was asked for; see `parts.run.run`. `memory`: MiB, None for the usual."""

    register: Path
    table: str
    on: dt.date
    out: Path
    standards: tuple[Path, ...]
    threads: int
    block: int
    detail: Literal["results", "items"]
    accepted: str
    memory: int | None
    engine: str
    master: str


def refuse(register: Path, mapping: Path | None, formats: tuple[str, ...], by: tuple[str, ...] | None) -> None:
    """Refuse what a register in parts has not.

    Raises:
        UsageError: a mapping, a format but Parquet, workbooks; or the register is not in parts.
    """
    from hardship.parts.find import in_parts

    odd = [form for form in formats if form != "parquet"]
    faults = [
        Fault(code, params=params)
        for code, params, asked in (
            ("parts.not_parts", {"path": str(register)}, not in_parts(register)),
            ("parts.no_mapping", {}, mapping is not None),
            ("parts.no_format", {"found": ", ".join(odd)}, bool(odd)),
            ("parts.no_by", {}, bool(by)),
        )
        if asked
    ]
    if faults:
        raise UsageError(faults)


def score(say: Say, wanted: Wanted, lang: str, as_json: bool) -> int:
    """Run, show, and give the exit code."""
    from hardship import summary
    from hardship.parts.run import MEMORY, run

    began = time.perf_counter()
    with Bars(say, wanted=not as_json) as bars:

        def told(what: str, done: int, whole: int) -> None:
            rate = done / max(time.perf_counter() - began, 1e-9)
            words = say(
                "parts.rate", what=say(f"parts.{what}"), done=f"{done:,}", all=f"{whole:,}", rate=f"{rate:,.0f}"
            )
            bars(what, done / max(whole, 1), words)

        done = run(
            wanted.register, wanted.table, wanted.on, wanted.out,
            standards=wanted.standards, threads=wanted.threads, block=wanted.block, detail=wanted.detail,
            accepted=wanted.accepted, memory=MEMORY if wanted.memory is None else wanted.memory * 2**20,
            engine=_engine(wanted), progress=told,
        )  # fmt: skip
    for note in done.notes:
        click.echo(note.text(lang), err=True)
    if as_json:
        click.echo(json.dumps(done.run, ensure_ascii=False, indent=2))
    else:
        click.echo(summary.render(done.seen, done.run, done.checked, wanted.out, lang), nl=False)
    return 3 if done.rejected else 0


def _engine(wanted: Wanted) -> Engine | None:
    if wanted.engine == "local":
        return None
    from hardship.spark import Spark

    return Spark(wanted.master)
