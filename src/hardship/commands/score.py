"""`hardship score`: score and rank a register, write the results."""

from __future__ import annotations

import datetime as dt
import json
import time
from functools import cache
from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import (
    EXISTING,
    Bars,
    OneOf,
    Whole,
    examples,
    lang_option,
    mapping_option,
    on_option,
    register_of,
    register_options,
    standards_option,
    table_option,
)

REJECTED = 3


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("score", help=say("cli.score_help"), epilog=examples(say, "cli.score_examples"))
    @register_options(say)
    @table_option(say)
    @on_option(say)
    @click.option("--out", "out", required=True, type=EXISTING, metavar="DIR", help=say("cli.out"))
    @standards_option(say)
    @mapping_option(say)
    @click.option("--threads", type=Whole(say, 1, 256), metavar="N", help=say("cli.threads"))
    @click.option("--block", type=Whole(say, 1, 1 << 20), default=2048, metavar="N", help=say("cli.block"))
    @click.option(
        "--format",
        "formats",
        type=OneOf(say, "parquet", "csv", "xlsx", several=True),
        default="parquet",
        help=say("cli.formats"),
    )
    @click.option("--detail", type=OneOf(say, "results", "items"), default="results", help=say("cli.detail"))
    @click.option("--by", "by", type=OneOf(say, "township"), help=say("report.by_township_score"))
    @lang_option(say)
    @click.option("--json", "as_json", is_flag=True, help=say("cli.json"))
    @click.option(
        "--accept-implausible", "accepted", default="", metavar=say("cli.reason"), help=say("cli.accept_implausible")
    )
    @click.option("--memory", "memory", type=Whole(say, 1, 1 << 20), metavar="MIB", help=say("parts.opt_memory"))
    @click.option(
        "--engine", "engine", type=OneOf(say, "local", "spark"), default="local", help=say("parts.opt_engine")
    )
    @click.option("--master", "master", default="", metavar="URL", help=say("parts.opt_master"))
    def score(
        register: Path | None,
        url: str,
        table: str,
        on: dt.date,
        out: Path,
        standards: tuple[Path, ...],
        mapping: Path | None,
        threads: int | None,
        block: int,
        formats: tuple[str, ...],
        detail: tuple[str, ...],
        by: tuple[str, ...] | None,
        lang: tuple[str, ...],
        as_json: bool,
        accepted: str,
        memory: int | None,
        engine: tuple[str, ...],
        master: str,
        **queries: str,
    ) -> int:
        from hardship.parts.find import in_parts

        apart = {"--memory": memory is not None, "--engine": engine[0] != "local"}
        source = register_of(register, url, queries, {"--mapping": mapping is not None, **apart})
        if isinstance(source, Path) and (any(apart.values()) or in_parts(source)):
            from hardship.commands import score_parts

            wanted = score_parts.Wanted(
                source, table, on, out, standards, threads or 0, block,
                "items" if detail[0] == "items" else "results", accepted, memory, engine[0], master,
            )  # fmt: skip
            score_parts.refuse(source, mapping, formats, by)
            return score_parts.score(say, wanted, lang[0], as_json)
        from hardship import export, summary
        from hardship import score as scoring
        from hardship.inputs import open_inputs
        from hardship.reports.groups import NEEDED, group_report
        from hardship.warming import Ahead

        def more(place: Path) -> None:
            if by:
                from hardship.reports.run_book import write_books

                write_books(results, inputs, groups(), place, lang[0])

        export.prepare(out)
        began = time.perf_counter()
        with Bars(say, wanted=not as_json) as bars, Ahead("machine", "sheet") as ahead:
            inputs = open_inputs(source, table, on, standards=standards, mapping=mapping, names=bool(by), progress=bars)
            read = time.perf_counter()
            ahead.finish()
            ready = time.perf_counter()
            results = scoring.score(
                inputs.register,
                inputs.checked,
                inputs.standards,
                on,
                threads=threads or 0,
                block=block,
                forced=inputs.forced,
                detail="items" if detail[0] == "items" else "results",
                accepted=accepted,
                progress=bars,
            )
            scored = time.perf_counter()
            groups = cache(lambda: group_report(results.sheet.select(NEEDED), inputs))
            timings = {"read": read - began, "compile": ready - read, "score": scored - ready}
            run = export.write(
                out,
                results,
                formats=formats,
                files=inputs.files,
                timings=timings,
                tables={export.GROUPS: groups},
                more=more,
                progress=bars,
            )
        for note in inputs.register.notes:  # unknown columns, hidden rows, the encoding
            click.echo(note.text(lang[0]), err=True)
        if as_json:
            click.echo(json.dumps(run, ensure_ascii=False, indent=2))
        else:
            click.echo(
                summary.render(summary.seen(results, inputs.register), run, inputs.checked, out, lang[0]), nl=False
            )
        return REJECTED if results.rejects.height else 0

    return score
