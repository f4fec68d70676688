"""`hardship table`: a table as an Excel form and back, two versions compared, a new table, the schema."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, Day, Decorator, below, group_of, lang_option
from hardship.commands.tables import open_version
from hardship.errors import Fault, UsageError


def command(say: Say) -> click.Command:
    """The group with its commands and their texts."""
    made = (export(say), import_(say), diff(say), new(say), schema(say))
    return group_of(say, "table", "cli.table_help", "cli.table_examples", *made)


def export(say: Say) -> click.Command:
    """`table export`."""

    @below(say, "export", "cli.table_export_short", "cli.table_export_help", "cli.table_export_examples")
    @click.argument("table", metavar="T")
    @click.option("--xlsx", "workbook", type=EXISTING, required=True, metavar="F.xlsx", help=say("cli.table_xlsx"))
    @lang_option(say)
    def run(table: str, workbook: Path, lang: tuple[str, ...]) -> int:
        from hardship.office.table_sheet import export_table

        checked = export_table(Path(open_version(table).path), workbook)
        click.echo(
            say(
                "cli.table_exported",
                path=workbook,
                title=checked.table.table.title.text(lang[0]),
                sha256=checked.sha256,
            )
        )
        return 0

    return run


def import_(say: Say) -> click.Command:
    """`table import`."""

    @below(say, "import", "cli.table_import_short", "cli.table_import_help", "cli.table_import_examples")
    @click.argument("workbook", type=EXISTING, metavar="F.xlsx")
    @out_option(say)
    def run(workbook: Path, out: Path) -> int:
        from hardship.office.table_unsheet import read_form

        form = read_form(workbook)
        head = form.checked.table.table
        path = place(out, head.id, head.version, form.text)
        click.echo(say("cli.table_imported", path=path, sha256=form.checked.sha256))
        return 0

    return run


def diff(say: Say) -> click.Command:
    """`table diff`."""

    @below(say, "diff", "cli.table_diff_short", "cli.table_diff_help", "cli.table_diff_examples")
    @click.argument("before", metavar="A")
    @click.argument("after", metavar="B")
    @click.option("--json", "as_json", is_flag=True, help=say("cli.table_json"))
    @lang_option(say)
    def run(before: str, after: str, as_json: bool, lang: tuple[str, ...]) -> int:
        from hardship.office.table_diff import compare, difference_json, render

        found = compare(open_version(before), open_version(after), lang[0])
        click.echo(difference_json(found) if as_json else render(found), nl=False)
        return 0 if found["same"] else 1

    return run


def new(say: Say) -> click.Command:
    """`table new`."""

    @below(say, "new", "cli.table_new_short", "cli.table_new_help", "cli.table_new_examples")
    @click.argument("name", metavar="ID")
    @out_option(say)
    @click.option("--on", "on", type=Day(say), metavar=say("cli.day"), help=say("cli.table_new_on"))
    @lang_option(say)
    def run(name: str, out: Path, on: dt.date | None, lang: tuple[str, ...]) -> int:
        from hardship.office.table_new import begun

        day = on or dt.date.today()
        path = place(out, name, day, begun(name, day, lang[0]))
        click.echo(say("cli.table_new_done", path=path))
        return 0

    return run


def schema(say: Say) -> click.Command:
    """`table schema`."""

    @below(say, "schema", "cli.table_schema_short", "cli.table_schema_help", "cli.table_schema_examples")
    def run() -> int:
        from hardship.office.table_schema import schema_json

        click.echo(schema_json(), nl=False)
        return 0

    return run


def out_option(say: Say) -> Decorator[Any]:
    """`--out DIR`: where a table file is put."""
    return click.option("--out", "out", type=EXISTING, required=True, metavar="DIR", help=say("cli.table_out"))


def place(out: Path, name: str, version: dt.date, text: str) -> Path:
    """Write a table file where tables lie, `out/ID/DATE.toml`, unless one is there.

    Raises:
        UsageError: the file is there already.
    """
    path = out / name / f"{version}.toml"
    if path.exists():
        raise UsageError(Fault("cli.table_exists", params={"path": path}))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
