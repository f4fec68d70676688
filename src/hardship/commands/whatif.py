"""`hardship whatif`: a series of settings over one register in one pass."""

from __future__ import annotations

import datetime as dt
import json
import time
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
from hardship.errors import Fault, UsageError
from hardship.messages import text

LEVELS = ("province", "city", "county", "township", "village")
MODES = ("floor", "ceil", "half_up", "half_even")


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("whatif", help=say("sweep.help"), epilog=examples(say, "sweep.examples"))
    @register_options(say)
    @table_option(say)
    @on_option(say)
    @click.option("--set", "sets", multiple=True, metavar=say("sweep.set_metavar"), help=say("sweep.set"))
    @click.option("--series", "series", type=EXISTING, metavar="FILE", help=say("sweep.series"))
    @click.option("--out", "out", required=True, type=EXISTING, metavar="DIR", help=say("cli.out"))
    @click.option("--by", "level", type=OneOf(say, *LEVELS), help=say("sweep.by"))
    @click.option("--round", "rounding", metavar=say("sweep.round_metavar"), help=say("sweep.round"))
    @click.option(
        "--chart", "charts", type=OneOf(say, "svg", "png", "none", several=True), default="svg,png",
        help=say("sweep.chart"),
    )  # fmt: skip
    @standards_option(say)
    @mapping_option(say)
    @click.option("--threads", type=Whole(say, 1, 256), metavar="N", help=say("cli.threads"))
    @lang_option(say)
    @click.option("--json", "as_json", is_flag=True, help=say("cli.json"))
    @click.option(
        "--accept-implausible", "accepted", default="", metavar=say("cli.reason"), help=say("cli.accept_implausible")
    )
    def whatif(
        register: Path | None,
        url: str,
        table: str,
        on: dt.date,
        sets: tuple[str, ...],
        series: Path | None,
        out: Path,
        level: tuple[str, ...] | None,
        rounding: str | None,
        charts: tuple[str, ...],
        standards: tuple[Path, ...],
        mapping: Path | None,
        threads: int | None,
        lang: tuple[str, ...],
        as_json: bool,
        accepted: str,
        **queries: str,
    ) -> int:
        from hardship import export
        from hardship.inputs import open_inputs, open_table
        from hardship.sweep import run, screen, settings, write
        from hardship.sweep.apply import parse_rounding, split

        if bool(sets) == (series is not None):
            raise UsageError(Fault("sweep.set_or_series"))
        source = register_of(register, url, queries, {"--mapping": mapping is not None})
        export.prepare(out, write.KIND)
        wanted = settings.grid(sets) if series is None else settings.read_series(series)
        rounded = parse_rounding(rounding) if rounding else None
        checked, _ = open_table(table, on)
        for setting in wanted:  # before a long reading
            split(checked, setting)
        began = time.perf_counter()
        with Bars(say, wanted=not as_json) as bars:
            inputs = open_inputs(source, table, on, standards=standards, mapping=mapping, progress=bars)
            read = time.perf_counter()
            done = run.sweep(
                inputs.register,
                inputs.checked,
                inputs.standards,
                on,
                wanted,
                level=level[0] if level else None,
                rounding=rounded,
                threads=threads or 0,
                accepted=accepted,
                progress=bars,
            )
            timings = {"read": read - began, "sweep": time.perf_counter() - read}
            pictures = tuple(form for form in charts if form != "none")
            content = write.write(out, done, inputs, charts=pictures, lang=lang[0], timings=timings)
        for note in inputs.register.notes:
            click.echo(note.text(lang[0]), err=True)
        if as_json:
            click.echo(json.dumps(content, ensure_ascii=False, indent=2))
        else:
            click.echo(screen.render(done, inputs, lang[0]), nl=False)
            click.echo(text("sweep.written", lang[0], path=out, seconds=f"{sum(timings.values()):.1f}"))
        return 3 if inputs.register.rejects.height else 0

    return whatif
