"""An explanation as one A4 page to print and hand over: no scripts, no outside files, the system's fonts."""

from __future__ import annotations

from typing import Any

from hardship import messages, pages
from hardship.explaining import prospects
from hardship.explaining import text as explain_text
from hardship.explaining.view import Entry

PEOPLE_ACROSS = 6  # as many persons as fit side by side on A4


def render(explanation: Entry) -> str:
    """The page in the language the explanation was made in; every value is escaped."""
    lang = explanation["lang"]

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    return pages.render(
        "explanation",
        e=explanation,
        say=say,
        result=explain_text.result_rows(explanation),
        steps=[
            (entries[0], explain_text.told(entries, lang)) for entries in explain_text.by_name(explanation["derived"])
        ],
        outputs=[(step, explain_text.told([step], lang)) for step in explanation["outputs"]],
        benefit=[(step, explain_text.told([step], lang)) for step in explanation["benefit"]["steps"]],
        conversions=[change for change in explanation["conversions"] if change["from"]["exact"] != "0"],
        converted=[one for one in explanation["parameters"] if one["converted"]],
        bound=lambda group: explain_text.bound_words(group, lang),
        nearest=[explain_text.nearest_words(change, lang) for change in explain_text.told_changes(explanation)],
        possible=list(prospects.lines(explanation["possible"], lang)) if explanation.get("possible") else [],
        of_household=[entry for entry in explanation["inputs"] if entry["level"] == "household"],
        of_rows=list(_matrices(explanation["inputs"])),
        numbers=[
            {"row": "", "column": "", **one}
            for one in (*explanation["parameters"], *explanation["constants"], *explanation["lookups"])
        ],
    )


def _matrices(inputs: list[Entry]) -> list[Entry]:
    """Facts of members, supporters and transfers as tables: a line for each fact, a column for each row."""
    tables = []
    for level in ("member", "supporter", "transfer"):
        named = explain_text.by_name([entry for entry in inputs if entry["level"] == level])
        if not named:
            continue
        for start in range(0, len(named[0]), PEOPLE_ACROSS):
            part = slice(start, start + PEOPLE_ACROSS)
            tables.append(
                {
                    "level": level,
                    "rows": [entry["who"] for entry in named[0][part]],
                    "facts": [{"title": entries[0]["title"], "cells": entries[part]} for entries in named],
                }
            )
    return tables
