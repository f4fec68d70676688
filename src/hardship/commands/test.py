"""`hardship test`: run the worked cases of the tables on both evaluators."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

import hardship
from hardship.cli import Say
from hardship.commands.common import Bars, examples
from hardship.errors import Fault, UsageError


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("test", help=say("cli.test_help"), epilog=examples(say, "cli.test_examples"))
    @click.argument("table", metavar="[T]", required=False)
    def test(table: str | None) -> int:
        from hardship import cases
        from hardship.load import versions

        known = versions()
        if table is not None and table not in known:
            raise UsageError(Fault("cli.no_such_table", params={"names": ", ".join(known)}))
        found = [case for root in case_roots()[:1] for case in cases.find_cases(root, table or "")]
        failed = 0
        with Bars(say) as bars:
            for done, (path, name, date) in enumerate(found):
                bars(say("cli.test_short"), done / len(found))
                file = known[name][dt.date.fromisoformat(date)]
                evaluators: tuple[cases.Evaluator, ...] = ("reference", "machine")
                for evaluator in evaluators:
                    differences = cases.run_file(path, file, evaluator)
                    failed += bool(differences)
                    for one in differences:
                        click.echo(say("cli.test_failed", evaluator=evaluator, path=path, **fields(one)))
        click.echo(f"cases={len(found)} failed={failed}" if found else say("cli.test_none"))
        return 1 if failed else 0

    return test


def fields(one: object) -> dict[str, str]:
    """What a difference says, for its sentence."""
    from hardship.cases import Difference

    assert isinstance(one, Difference)
    return {"household": one.household_id, "what": one.what, "expected": one.expected, "found": one.found}


def case_roots() -> list[Path]:
    """Folders of worked cases: the installed package's, else a checkout's."""
    package = Path(hardship.__file__).resolve().parent
    roots = (package / "cases", package.parents[1] / "tests" / "cases")
    return [root for root in roots if root.is_dir()]
