"""`hardship standards`: tests of a proposed standard."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, below, group_of, lang_option, on_option

PASSED, FAILED, UNDECIDED = 0, 1, 3


def command(say: Say) -> click.Command:
    """The group with its commands and their texts."""
    return group_of(say, "standards", "proposal.command_help", "proposal.command_examples", check(say))


def check(say: Say) -> click.Command:
    """`standards check`."""

    @below(say, "check", "proposal.check_short", "proposal.check_help", "proposal.check_examples")
    @click.argument("file", type=EXISTING, metavar="FILE")
    @on_option(say)
    @click.option("--area", "area", default="", metavar="CODE", help=say("proposal.area"))
    @click.option(
        "--standards", "standards", multiple=True, type=EXISTING, metavar="FILE", help=say("proposal.standards")
    )
    @click.option("--rules", "rules", type=EXISTING, metavar="FILE", help=say("proposal.rules"))
    @click.option("--json", "as_json", is_flag=True, help=say("proposal.json"))
    @lang_option(say)
    def run(
        file: Path,
        on: dt.date,
        area: str,
        standards: tuple[Path, ...],
        rules: Path | None,
        as_json: bool,
        lang: tuple[str, ...],
    ) -> int:
        from hardship.proposals.judge import check_proposal
        from hardship.proposals.rules import load_rules
        from hardship.proposals.words import proposal_record, record_json, render
        from hardship.standards import load_standards

        tests = load_rules(rules)
        findings = check_proposal(load_standards(standards), load_standards([file]).rows, on, area, tests)
        record = proposal_record(findings, tests, on, lang[0])
        click.echo(record_json(record) if as_json else render(record), nl=False)
        verdicts = {one.verdict for one in findings}
        return FAILED if "failed" in verdicts else UNDECIDED if "unknown" in verdicts else PASSED

    return run
