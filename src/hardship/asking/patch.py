"""Changes of one household's facts: a list in the manner of JSON patch, put into a copy of the document.

`{"pointer": "/members/0/wage_month", "value": 700}` puts a value in the place of a fact (null: nobody knows it);
`{"op": "add", "pointer": "/members/-", "value": {…}}` adds a row; `{"op": "remove", "pointer": "/members/2"}` takes
one out, of a member with his supporters and transfers. They hold one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hardship.errors import Fault, UsageError
from hardship.single.held import NOTHING, copied

MOST = 100
_FACT = re.compile(r"/(?:household|(members|supporters|transfers)/(0|[1-9][0-9]{0,4}))/([A-Za-z0-9_]{1,64})\Z")
_ROW = re.compile(r"/(members|supporters|transfers)/(0|[1-9][0-9]{0,4}|-)\Z")

Document = Mapping[str, Any]
Put = tuple[str, int, str, Any]
"""Level, row, attribute and value of one changed fact, as `Held.put` takes them."""


def patched(document: Document, changes: Sequence[Any]) -> dict[str, Any]:
    """The document with its facts changed; the given one stays as it is.

    Raises:
        UsageError: changes of another shape, or that lead to no fact or row; `Fault.file` says which one
            (`/facts/0`). What is wrong with a value is said where the document is read.
    """
    if not isinstance(changes, list) or len(changes) > MOST:
        raise UsageError(Fault("asking.changes", "/facts", params={"most": MOST}))
    found = copied(document)
    for number, change in enumerate(changes):
        place = f"/facts/{number}"
        if not isinstance(change, dict) or not set(change) <= {"op", "pointer", "value"}:
            raise UsageError(Fault("asking.change_shape", place))
        pointer, op = change.get("pointer"), change.get("op", "replace")
        if not isinstance(pointer, str) or op not in ("replace", "add", "remove"):
            raise UsageError(Fault("asking.change_shape", place))
        fact, row = _FACT.match(pointer), _ROW.match(pointer)
        if op == "replace" and fact is not None and "value" in change:
            _put(found, fact, change["value"], place)
        elif op == "add" and row is not None and row[2] == "-" and isinstance(change.get("value"), dict):
            found.setdefault(row[1], []).append(dict(change["value"]))
        elif op == "remove" and row is not None and row[2] != "-" and "value" not in change:
            _take_out(found, row[1], int(row[2]), place)
        else:
            raise UsageError(Fault("asking.pointer", place))
    return found


def facts_only(changes: Sequence[Any]) -> list[Put] | None:
    """Changes that `patched` takes, if no row comes or goes; else None."""
    found: list[Put] = []
    for change in changes:
        fact = _FACT.match(change["pointer"])
        if fact is None:
            return None
        part, number, name = fact.groups()
        level = part.removesuffix("s") if part else "household"
        found.append((level, int(number or 0), name, NOTHING if change["value"] is None else change["value"]))
    return found


def _put(document: dict[str, Any], fact: re.Match[str], value: Any, place: str) -> None:
    part, number, name = fact.groups()
    rows = [document.get("household")] if part is None else document.get(part, [])
    at = 0 if part is None else int(number)
    if not isinstance(rows, list) or at >= len(rows) or not isinstance(rows[at], dict):
        raise UsageError(Fault("asking.pointer", place))
    if value is None:
        rows[at].pop(name, None)
    else:
        rows[at][name] = value


def _take_out(document: dict[str, Any], part: str, number: int, place: str) -> None:
    rows = document.get(part)
    if not isinstance(rows, list) or number >= len(rows):
        raise UsageError(Fault("asking.pointer", place))
    if part != "members":
        del rows[number]
        return
    # A member without an id is known by his place, which must not change for those after him.
    members = [{"member_id": str(at), **row} if isinstance(row, dict) else row for at, row in enumerate(rows, 1)]
    gone = members.pop(number)
    document["members"] = members
    if isinstance(gone, dict):
        for below in ("supporters", "transfers"):
            if isinstance(document.get(below), list):
                document[below] = [
                    row
                    for row in document[below]
                    if not isinstance(row, dict) or str(row.get("member_id")) != str(gone["member_id"])
                ]
