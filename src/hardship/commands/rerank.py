"""`hardship rerank`: one register under two settings, who moved and why."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
    register_of,
    register_options,
)
from hardship.messages import text

if TYPE_CHECKING:
    from hardship.proposals.judge import Finding

FAILED, REJECTED = 1, 3


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("rerank", help=say("rerank.help"), epilog=examples(say, "rerank.examples"))
    @register_options(say)
    @click.option("--before", required=True, metavar=say("rerank.setting"), help=say("rerank.before"))
    @click.option("--after", required=True, metavar=say("rerank.setting"), help=say("rerank.after"))
    @click.option("--out", "out", required=True, type=EXISTING, metavar="DIR", help=say("cli.out"))
    @mapping_option(say)
    @click.option("--threads", type=Whole(say, 1, 256), metavar="N", help=say("cli.threads"))
    @click.option("--quick", is_flag=True, help=say("rerank.quick"))
    @click.option("--by", "by", type=OneOf(say, "township"), help=say("report.by_township"))
    @lang_option(say)
    @click.option("--json", "as_json", is_flag=True, help=say("cli.json"))
    @click.option(
        "--accept-implausible", "accepted", default="", metavar=say("cli.reason"), help=say("cli.accept_implausible")
    )
    @click.option("--accept-proposal", default="", metavar=say("cli.reason"), help=say("rerank.accept_proposal"))
    @click.option(
        "--report",
        "reports",
        type=OneOf(say, "xlsx", "html", "pdf", several=True),
        default=(),
        help=say("rerank.report"),
    )
    def rerank(
        register: Path | None,
        url: str,
        before: str,
        after: str,
        out: Path,
        mapping: Path | None,
        threads: int | None,
        quick: bool,
        lang: tuple[str, ...],
        as_json: bool,
        accepted: str,
        accept_proposal: str,
        reports: tuple[str, ...],
        by: tuple[str, ...] | None,
        **queries: str,
    ) -> int:
        from hardship.engine import machine
        from hardship.movement import proposal, screen, write
        from hardship.movement.rerank import rerank as compare
        from hardship.movement.setting import open_settings, wanted
        from hardship.reports.extra import NEEDED, need
        from hardship.reports.stored import keep
        from hardship.reports.story import story_of
        from hardship.reports.write import write_reports

        source = register_of(register, url, queries, {"--mapping": mapping is not None})
        write.prepare(out)
        need(reports, NEEDED)
        first = wanted(before, "--before")
        second = wanted(after, "--after", first)
        began = time.perf_counter()
        with Bars(say, wanted=not as_json) as bars:
            old, new = open_settings(source, first, second, mapping=mapping, progress=bars)
            tests = proposal.findings(old, new)
            if proposal.stopping(tests):
                tell(tests, new.on, lang[0], err=as_json)
                if not accept_proposal:
                    click.echo(text("rerank.proposal_failed", lang[0]), err=True)
                    return FAILED
            read = time.perf_counter()
            machine.warm()
            ready = time.perf_counter()
            movement = compare(
                old,
                new,
                threads=threads or 0,
                quick=quick,
                accepted=accepted,
                proposal=proposal.record(tests, accept_proposal),
                progress=bars,
            )
            timings = {"read": read - began, "compile": ready - read, "score": time.perf_counter() - ready}

            def more(folder: Path) -> None:
                story = story_of(movement)
                keep(story, folder)
                if reports or by:
                    write_reports(story, folder, reports, lang[0], "township" if by else None)

            run = write.write(out, movement, timings=timings, more=more, progress=bars)
        for note in dict.fromkeys(note.text(lang[0]) for one in (old, new) for note in one.register.notes):
            click.echo(note, err=True)
        if as_json:
            click.echo(json.dumps(run, ensure_ascii=False, indent=2))
        else:
            click.echo(screen.render(movement, run, out, lang[0]), nl=False)
        counts = (run["before"]["counts"], run["after"]["counts"])
        return REJECTED if any(one["households"]["rejected"] for one in counts) else 0

    return rerank


def tell(tests: Sequence[Finding], on: dt.date, lang: str, *, err: bool) -> None:
    """Show what the tests say of new standards."""
    from hardship.proposals.rules import load_rules
    from hardship.proposals.words import proposal_record, render

    click.echo(render(proposal_record(tests, load_rules(), on, lang)), err=err)
