"""Requests that work, for the OpenAPI document and the page: the worked cases that come with the package.

A case may bring standards of its own; the service scores with its own standards, so amounts may differ from the case's.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from hardship.cases import Case, read_case
from hardship.commands.test import case_roots

SHOWN = (  # tables whose facts all stand in the dictionary
    ("jinxiang", "01_mother_and_son"),
    ("county_model", "02_farm_family"),
    ("county_model", "11_incomplete"),
    ("national_2021", "01_dibao_line"),
    ("shanghai", "01_dibao_line"),
)


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Name → OpenAPI example, each a whole body of `POST /v1/score`."""
    found: dict[str, dict[str, Any]] = {}
    for table, name in SHOWN:
        path = _path(table, name)
        if path is not None:
            case = read_case(path)
            found[f"{table}_{name[3:]}"] = {"summary": case.title.partition("（")[0], "value": _body(table, case)}
    return found


def _path(table: str, name: str) -> Path | None:
    found = [path for root in case_roots()[:1] for path in sorted(root.glob(f"{table}/*/{name}.toml"))]
    return found[-1] if found else None


def _body(table: str, case: Case) -> dict[str, Any]:
    """The first household of a case, as JSON would hold it."""
    household: dict[str, Any] = _plain(case.households[0])
    return {"table": table, "on": case.on.isoformat(), **household}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case dt.date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else str(value)
        case _:
            return value
