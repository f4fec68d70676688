"""A new scoring table with remarks, to begin from: small, complete, and loadable as it is."""

from __future__ import annotations

import datetime as dt
import re
from importlib import resources

from hardship.errors import Fault, UsageError
from hardship.load import load_text

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


def begun(name: str, version: dt.date, lang: str) -> str:
    """The text of a table file with its remarks in `lang`; every number in it is illustrative and says so.

    Raises:
        UsageError: `name` cannot be the id of a table.
    """
    if not _ID.match(name):
        raise UsageError(Fault("cli.table_new_id", params={"found": name[:64]}))
    template = (resources.files("hardship") / "templates" / f"table.{lang}.toml").read_text(encoding="utf-8")
    text = template.replace("{id}", name).replace("{version}", version.isoformat())
    load_text(text, f"{name}.toml")
    return text
