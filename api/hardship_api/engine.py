"""The library behind the service: tables and standards loaded once, the machine warmed, households scored."""

from __future__ import annotations

import datetime as dt
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardship.errors import HardshipError, RegisterError, UsageError
from hardship.explaining.explain import explain
from hardship.load import find_table, load_table
from hardship.results_json import Record, result_records
from hardship.roots import default_roots
from hardship.standards import load_standards
from hardship_api.strict_json import Refused

if TYPE_CHECKING:
    import polars as pl

    from hardship.checking.check import Checked
    from hardship.register import Register
    from hardship.results import Results

log = logging.getLogger("hardship_api")
TABLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(@[0-9]{4}-[0-9]{2}-[0-9]{2})?\Z")
NOTHING_LEFT = "common.nothing_left"


class Engine:
    """Scoring with the tables and standards of this service.

    Raises:
        TableError: a standards file is wrong.
    """

    def __init__(self, roots: Sequence[Path] | None, standards: Sequence[Path]) -> None:
        self.roots = tuple(roots) if roots is not None else default_roots()
        self.standards = load_standards(standards)
        self.ready = threading.Event()
        self._tables: dict[Path, Checked] = {}
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Compile the machine, or load it compiled; `ready` is set afterwards."""
        from hardship.engine.machine import warm

        try:
            warm()
        except HardshipError:
            log.error("the machine does not pass its own test; /ready stays 503")
        else:
            self.ready.set()

    def table(self, spec: Any, on: dt.date) -> tuple[Checked, bool]:
        """The checked table that `ID` or `ID@DATE` means on a day, and whether it was forced.

        Raises:
            Refused: `api.table_name`, `api.no_table`. Never a path: the form is checked first.
        """
        if not isinstance(spec, str) or not TABLE.match(spec):
            raise Refused("api.table_name")
        try:
            path, forced = find_table(spec, on, self.roots)
        except UsageError:
            raise Refused("api.no_table", 404) from None
        with self._lock:
            if path not in self._tables:
                self._tables[path] = load_table(path)
            return self._tables[path], forced

    def one(
        self, register: Register, checked: Checked, on: dt.date, forced: bool, lang: str, explained: bool
    ) -> dict[str, Any]:
        """Result, persons and explanation of a register with one household.

        Raises:
            Refused: the household cannot be scored: no standard for its place, or out of range.
        """
        results, rejects = self.many(register, checked, on, forced, "")
        if results is None:
            faults = [fault(row, "", lang) for row in rejects.iter_rows(named=True)]
            raise Refused("api.rejected", 422, faults)
        found: dict[str, Any] = {
            "result": next(result_records(results.frame)),
            "persons": list(result_records(results.persons)) if results.persons is not None else [],
            "run": {key: results.run[key] for key in ("engine", "on", "table", "standards_sha256")},
        }
        if explained:
            household = str(results.frame["household_id"][0])
            found["explanation"] = explain(register, checked, self.standards, on, household, lang, forced=forced)
        return found

    def many(
        self, register: Register, checked: Checked, on: dt.date, forced: bool, accepted: str
    ) -> tuple[Results | None, pl.DataFrame]:
        """The results (None if no household is left) and all rejects of a register.

        Raises:
            Refused: incomes that a wrong unit would explain; a date outside the years that can be scored.
        """
        from hardship.score import score

        if register.frames["household"].height == 0:
            return None, register.rejects
        try:
            results = score(register, checked, self.standards, on, forced=forced, accepted=accepted)
        except UsageError:
            raise Refused("api.date") from None
        except RegisterError as error:
            if any(one.code == NOTHING_LEFT for one in error.faults):
                return None, self._rejects(register, checked, on)
            raise Refused("api.implausible") from None
        return results, results.rejects

    def _rejects(self, register: Register, checked: Checked, on: dt.date) -> pl.DataFrame:
        from hardship.engine import machine
        from hardship.lowering.bind import bind
        from hardship.lowering.lower import lower
        from hardship.record import set_aside

        columns = bind(lower(checked), register, self.standards, on)
        return set_aside(register, checked, columns, machine.run(columns.program, columns))


def fault(row: Mapping[str, Any], pointer: str, lang: str) -> dict[str, Any]:
    """One reject as an entry of `errors`: code, field and sentence; a sentence names classes, never values."""
    return {
        "code": "register." + row["code"],
        "pointer": pointer or (f"/{row['field']}" if row["field"] else ""),
        "detail": row["message_zh" if lang == "zh" else "message_en"],
    }


__all__ = ["Engine", "Record", "fault"]
