"""`hardship report`: workbooks, page and PDF from the folder of a run or of a movement."""

from __future__ import annotations

from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, Bars, OneOf, examples, lang_option, moved_database_option
from hardship.errors import Fault, UsageError
from hardship.messages import text


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("report", help=say("report.report_help"), epilog=examples(say, "report.report_examples"))
    @click.argument("results", type=EXISTING, metavar="DIR")
    @click.option(
        "--format", "formats", type=OneOf(say, "xlsx", "html", "pdf", several=True), help=say("report.report_formats")
    )
    @click.option("--by", "by", type=OneOf(say, "township"), help=say("report.by_township"))
    @click.option("--register", "register", type=EXISTING, metavar="PATH", help=say("cli.verify_register"))
    @moved_database_option(say)
    @click.option("--out", required=True, type=EXISTING, metavar="DIR", help=say("cli.out"))
    @lang_option(say)
    def report(
        results: Path,
        formats: tuple[str, ...] | None,
        by: tuple[str, ...] | None,
        register: Path | None,
        url: str,
        out: Path,
        lang: tuple[str, ...],
    ) -> int:
        from hardship import export
        from hardship.movement.record import KIND as MOVEMENT
        from hardship.reports import stored
        from hardship.reports.extra import NEEDED, need
        from hardship.reports.write import FORMATS

        kind = export.kind_of(results)
        if kind not in ("", MOVEMENT):
            raise UsageError(Fault("report.not_reportable", params={"path": str(results)}))
        if kind == "" and formats not in (None, ("xlsx",)):
            raise UsageError(Fault("report.run_is_workbook"))
        wanted = formats or (FORMATS if kind == MOVEMENT else ())
        need(wanted, NEEDED)
        export.prepare(out, stored.KIND)
        with Bars(say) as bars:
            if kind == MOVEMENT:
                paths = stored.report_movement(results, out, wanted, lang[0], by)
            else:
                paths = stored.report_run(results, out, lang[0], by, register, bars, url=url)
        click.echo(text("report.written", lang[0], count=len(paths), out=out))
        return 0

    return report
