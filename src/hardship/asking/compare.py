"""One household under several tables: circle and index side by side, and which facts each table misses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hardship.asking.side import side
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.wording import Wording
from hardship.messages import text
from hardship.single.prepared import RejectedError

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.standards import Standards

MOST = 20
Entry = dict[str, Any]


def compare(
    document: Mapping[str, Any],
    tables: Sequence[tuple[Checked, bool]],
    standards: Standards,
    on: dt.date,
    lang: str = "en",
) -> Entry:
    """The result of one household under each table.

    A fact that one table does not know (an attribute of another table's own) is left out for it.

    Args:
        tables: checked tables, each with whether its version was forced.

    Returns:
        `tables`, in the order given: for each `table` (id, version, title, sha256), `status`, `result` with items and
        `persons` or `errors`, `circle`, `circle_title`, `outcome`, `outcome_text`, `index` (main index or null),
        `benefit_month`, `missing` (attributes with titles).

    Raises:
        RegisterError: the household cannot be read. TableError: a standard does not fit a table.
    """
    own = {attribute.name for checked, _ in tables for attribute in checked.table.attribute}
    return {"tables": [_one(document, checked, forced, own, standards, on, lang) for checked, forced in tables]}


def _one(
    document: Mapping[str, Any], checked: Checked, forced: bool, own: set[str], standards: Standards, on: dt.date,
    lang: str,
) -> Entry:  # fmt: skip
    identity = checked.table.table
    found: Entry = {
        "table": {
            "id": identity.id,
            "version": identity.version.isoformat(),
            "title": identity.title.text(lang),
            "sha256": checked.sha256,
        },
        "status": "rejected",
        **dict.fromkeys(("circle", "outcome", "index", "benefit_month")),
        "circle_title": "",
        "outcome_text": "",
        "missing": [],
    }
    try:
        result, persons = side(checked, standards, on, forced=forced).result(_known(document, checked, own))
    except RejectedError as error:
        found["errors"] = [
            {"code": f"register.{row['code']}", "field": row["field"], "detail": row[f"message_{lang}"]}
            for row in error.rows
        ]
        return found
    words = Wording(checked.names, lang)
    found |= {key: result.get(key) for key in ("circle", "outcome", "index", "benefit_month")}
    outcome, circle = result["outcome"], result["circle"]
    assert outcome is not None
    found |= {
        "status": "scored",
        "result": result,
        "persons": persons,
        "outcome_text": text(OUTCOMES[outcome], lang),
        "circle_title": ", ".join(words.option("circle", one) for one in circle.split(";")) if circle else "",
        "missing": [{"name": name, "title": words.name(name)} for name in (result["missing"] or "").split(";") if name],
    }
    return found


def _known(document: Mapping[str, Any], checked: Checked, own: set[str]) -> dict[str, Any]:
    """The document without facts that only another of the tables knows."""
    foreign = own - checked.names.attributes.keys()

    def row(facts: Any) -> Any:
        if not isinstance(facts, dict):
            return facts
        return {name: value for name, value in facts.items() if name not in foreign}

    found = dict(document)
    for part, rows in document.items():
        found[part] = [row(one) for one in rows] if isinstance(rows, list) else row(rows)
    return found
