"""One table on one day, ready for households one at a time: what does not depend on the household is done once.

`Prepared.answer` is the body of `POST /v1/score`.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import orjson

from hardship import __version__
from hardship.errors import Fault, RegisterError
from hardship.explaining.compact import compact
from hardship.explaining.explain import explain
from hardship.lowering.program import lowered
from hardship.register import Register, from_dicts
from hardship.results_json import Record, result_records
from hardship.single.household import Household, Reader
from hardship.single.record import Records
from hardship.single.runner import Places, Runner

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.results import Results
    from hardship.standards import Standards

Form = Literal["none", "summary", "items", "full"]
FORMS: tuple[Form, ...] = ("summary", "items", "full")
Further = Callable[[Mapping[str, Any]], Mapping[str, Any]]
MOST_KEPT = 32


class RejectedError(RegisterError):
    """The household cannot be scored: no standard for its place, or a value outside a bound of the table.

    Attributes:
        rows: lines of `rejects.csv` by column.
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__([Fault(f"register.{row['code']}", params={"field": row["field"]}) for row in rows])
        self.rows = rows


class Prepared:
    """One checked table with standards on one day.

    Args:
        forced: the table's version was chosen by force; every result is flagged.
    """

    def __init__(self, checked: Checked, standards: Standards, on: dt.date, *, forced: bool = False) -> None:
        from hardship.engine.machine import warm

        warm()
        attributes = checked.names.attributes
        self.checked = checked
        self.standards = standards
        self.on = on
        self.forced = forced
        self.reader = Reader(attributes, on)
        program = lowered(checked)
        self.places = Places(program, standards, on)
        self.runner = Runner(program, attributes, on)
        self.records = Records(checked, program, self.runner.layout, on, forced=forced)
        table = checked.table.table
        self.run = {
            "engine": __version__,
            "on": on.isoformat(),
            "table": {"id": table.id, "version": table.version.isoformat(), "sha256": checked.sha256},
            "standards_sha256": standards.sha256,
        }
        self._tail = b',"run":' + encoded(self.run) + b"}"

    def answer(
        self, document: Mapping[str, Any], lang: str = "en", form: Form = "full", further: Further | None = None
    ) -> bytes:
        """Result, person rows, run record and explanation of one household as one JSON object.

        Args:
            document: `{"household": {}, "members": [{}], "supporters": [{}], "transfers": [{}]}`, decoded JSON.
            lang: of the explanation, `zh` or `en`.
            form: `summary`: no explanation; `items`: the short one; `full`: the contract's.
            further: called with the document if the household is incomplete; what it gives stands beside `result`.

        Returns:
            UTF-8, keys sorted, no blanks: the bytes depend on nothing but the arguments and the table.

        Raises:
            RegisterError: everything that is wrong with the document, each with its path.
            RejectedError: the table cannot score the household.
            UsageError: the date is outside the years that can be scored.
            TableError: a standard that holds for the household does not fit the table.
        """
        household = self.reader.read(document)
        made = None if household is None else self._quick(household, lang, form)
        if made is None:
            return self.slow_answer(document, lang, form, further)
        record, persons, explanation = made
        parts = {"persons": encoded(persons), "result": encoded(record)}
        if explanation is not None:
            parts["explanation"] = explanation
        if further is not None and record["outcome"] == "incomplete":
            parts |= {name: encoded(value) for name, value in further(document).items()}
        body = b",".join(b'"%b":%b' % (name.encode(), parts[name]) for name in sorted(parts))
        return b"{" + body + self._tail

    def _quick(self, household: Household, lang: str, form: Form) -> tuple[Record, list[Record], bytes | None] | None:
        """Result, persons and explanation; None where the household is set aside, and the long way says why."""
        place = self.places.at(household.area_code, household.facts[0][0].get("residence_type"))
        if not place.served or form in ("items", "full"):
            return None
        found = self.runner.found(household, place)
        if self.records.rejected(found):
            return None
        missing = self.records.missing(found, household, place.unknown)
        record = self.records.record(found, household, missing)
        return record, self.records.persons(found, household), None

    def slow_answer(
        self, document: Mapping[str, Any], lang: str = "en", form: Form = "full", further: Further | None = None
    ) -> bytes:
        """`answer` by the path of registers and the reference: the same bytes, a hundred times slower."""
        register = from_dicts(document, self.checked.names.attributes, self.on)
        results = self._scored(register)
        found: dict[str, Any] = {
            "result": next(result_records(results.frame)),
            "persons": list(result_records(results.persons)) if results.persons is not None else [],
            "run": self.run,
        }
        if form in ("items", "full"):
            full = explain(
                register, self.checked, self.standards, self.on, str(found["result"]["household_id"]), lang,
                forced=self.forced, nearest=form == "full",
            )  # fmt: skip
            found["explanation"] = full if form == "full" else compact(full)
        if further is not None and found["result"]["outcome"] == "incomplete":
            found |= further(document)
        return encoded(found)

    def _scored(self, register: Register) -> Results:
        from hardship.engine import machine
        from hardship.lowering.bind import bind
        from hardship.record import set_aside
        from hardship.score import score

        try:
            return score(register, self.checked, self.standards, self.on, forced=self.forced)
        except RegisterError as error:
            if all(fault.code != "common.nothing_left" for fault in error.faults):
                raise
            columns = bind(self.records.program, register, self.standards, self.on)
            rejects = set_aside(register, self.checked, columns, machine.run(columns.program, columns))
            raise RejectedError(rejects.rows(named=True)) from None


def encoded(value: Any) -> bytes:
    """JSON with sorted keys and no blanks, so that equal answers have equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


_kept: OrderedDict[tuple[int, int, dt.date, bool], Prepared] = OrderedDict()
_lock = threading.Lock()


def prepare(checked: Checked, standards: Standards, on: dt.date, *, forced: bool = False) -> Prepared:
    """A `Prepared`, the same one for the same objects; the last `MOST_KEPT` are kept."""
    key = id(checked), id(standards), on, forced  # a kept one holds both, so no other object can have their numbers
    with _lock:
        if key not in _kept:
            _kept[key] = Prepared(checked, standards, on, forced=forced)
            if len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


__all__ = ["FORMS", "Form", "Prepared", "Record", "RejectedError", "encoded", "prepare"]
