"""`hardship publish`: publicity lists of a run, for the web or the village board."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, Bars, Day, OneOf, examples, lang_option, moved_database_option
from hardship.errors import Fault, UsageError
from hardship.messages import text


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("publish", help=say("report.publish_help"), epilog=examples(say, "report.publish_examples"))
    @click.argument("results", type=EXISTING, metavar="DIR")
    @click.argument("register", type=EXISTING, metavar="[REGISTER]", required=False)
    @moved_database_option(say)
    @click.option("--scope", type=OneOf(say, "web", "board"), required=True, help=say("report.scope"))
    @click.option("--until", type=Day(say), required=True, metavar=say("cli.day"), help=say("report.until"))
    @click.option("--from", "first", type=Day(say), metavar=say("cli.day"), help=say("report.first"))
    @click.option("--names", type=EXISTING, metavar="FILE", help=say("report.names"))
    @click.option("--circle", "circles", multiple=True, metavar="ID", help=say("report.circles"))
    @click.option("--contact", default="", metavar=say("report.text"), help=say("report.contact"))
    @click.option("--out", required=True, type=EXISTING, metavar="DIR", help=say("cli.out"))
    @lang_option(say)
    def publish(
        results: Path,
        register: Path | None,
        url: str,
        scope: tuple[str, ...],
        until: dt.date,
        first: dt.date | None,
        names: Path | None,
        circles: tuple[str, ...],
        contact: str,
        out: Path,
        lang: tuple[str, ...],
    ) -> int:
        from hardship import export
        from hardship.reports import publicity
        from hardship.reports.heads import read_names
        from hardship.reports.stored import stored_run
        from hardship.reports.words import circle_titles

        export.prepare(out, publicity.KIND)
        if first is not None and first > until:
            raise UsageError(Fault("report.first_after_last", params={"first": first, "last": until}))
        with Bars(say) as bars:
            run, frame, inputs = stored_run(results, register, bars, url=url)
            known = circle_titles(inputs.checked.table)
            for circle in circles:
                if circle not in known:
                    raise UsageError(Fault("report.no_circle", params={"found": circle, "legal": ", ".join(known)}))
            given = read_names(names) if names is not None else None
            chosen = publicity.publicity(frame, inputs, names=given, circles=circles)
            notice = publicity.Notice(until, first, contact)
            wide: publicity.Scope = "web" if scope[0] == "web" else "board"
            record = publicity.write(out, chosen, inputs, wide, notice, run, lang[0])
        click.echo(text("report.published", lang[0], out=out, **record["counts"]))
        return 0

    return publish
