"""`hardship cut`: draw the line at a quota or a budget, and say what becomes of ties at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, OneOf, examples, lang_option
from hardship.errors import Fault, UsageError
from hardship.messages import text

LEVELS = ("province", "city", "county", "township", "village")


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("cut", help=say("cut.help"), epilog=examples(say, "cut.examples"))
    @click.argument("results", type=EXISTING, metavar="DIR")
    @click.option("--quota", "quota", metavar="N", help=say("cut.quota"))
    @click.option("--budget", "budget", metavar=say("cut.money"), help=say("cut.budget"))
    @click.option("--within", "within", metavar=say("cut.within_metavar"), help=say("cut.within"))
    @click.option("--tie", "tie", required=True, type=OneOf(say, "in", "out", "panel"), help=say("cut.tie"))
    @click.option("--circle", "circles", multiple=True, metavar="ID", help=say("cut.circle"))
    @click.option("--out", "out", required=True, type=EXISTING, metavar="DIR", help=say("cli.out"))
    @lang_option(say)
    @click.option("--json", "as_json", is_flag=True, help=say("cli.json"))
    def cut(
        results: Path,
        quota: str | None,
        budget: str | None,
        within: str | None,
        tie: tuple[Any, ...],
        circles: tuple[str, ...],
        out: Path,
        lang: tuple[str, ...],
        as_json: bool,
    ) -> int:
        from hardship import cuts, export
        from hardship.verify import read_run, read_stored

        export.prepare(out, cuts.KIND)
        limits = wanted(quota, budget, within)
        run, stored = read_run(results), read_stored(results, "results")
        done = cuts.cut(stored, limits, tie[0], circles, cuts.rejected_ids(results))
        content = cuts.write(out, done, limits, tie[0], circles, results, run, stored)
        if as_json:
            click.echo(json.dumps(content, ensure_ascii=False, indent=2))
            return 0
        click.echo(cuts.render(done, limits, lang[0]), nl=False)
        click.echo(text("cut.written", lang[0], path=out))
        return 0

    return cut


def wanted(quota: str | None, budget: str | None, within: str | None) -> Any:
    """The limits that the options mean.

    Raises:
        UsageError: not exactly one of quota, budget and a file of limits.
    """
    from hardship.cuts import Limits, parse_limit, read_limits

    if within is not None and within not in LEVELS:
        if quota is not None or budget is not None:
            raise UsageError(Fault("cut.one_limit"))
        return read_limits(Path(within))
    if (quota is None) == (budget is None):
        raise UsageError(Fault("cut.one_limit"))
    if quota is not None:
        return Limits("quota", parse_limit("quota", quota), within)
    return Limits("budget", parse_limit("budget", budget or ""), within)
