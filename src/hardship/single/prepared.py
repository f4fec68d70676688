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
from hardship.explaining.view import Told
from hardship.lowering.program import lowered
from hardship.register import Register, from_dicts
from hardship.results_json import Record, result_records
from hardship.single.desk import Desk
from hardship.single.held import Answer, Held
from hardship.single.household import Household, Reader
from hardship.single.nearest import Nearest
from hardship.single.plan import Plan
from hardship.single.runner import Places, Runner
from hardship.single.scan import Scanner

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.results import Results
    from hardship.standards import Standards

Form = Literal["none", "summary", "items", "full"]
FORMS: tuple[Form, ...] = ("summary", "items", "full")
Further = Callable[[Mapping[str, Any]], Mapping[str, Any]]
MOST_KEPT = 16  # some megabytes each


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
        self._scanner: Scanner | None = None
        self._desks: dict[str, tuple[Desk, Plan | None] | None] = {}
        self._found: dict[str, Nearest] = {}
        self._circle = any(ladder.id == "circle" for ladder in checked.table.ladder)
        self._lock = threading.Lock()
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
        quick = None if further is None else lambda: further(document)
        found = None if household is None else self.answer_to(household, lang, form, quick)
        return self.slow_answer(document, lang, form, further) if found is None else found

    @property
    def scanner(self) -> Scanner:
        """What reads bodies without decoding them."""
        if self._scanner is None:
            with self._lock:
                if self._scanner is None:
                    self._scanner = Scanner(self.checked.names.attributes, self.reader)
        return self._scanner

    def answer_to(
        self, household: Household, lang: str, form: Form, further: Callable[[], Mapping[str, Any]] | None = None
    ) -> bytes | None:
        """The same for a household that was read already; None where only its document can be answered."""
        made = self._quick(household, lang, form)
        if made is None:
            return None
        record, persons, explanation = made
        parts = {"persons": encoded(persons), "result": encoded(record)}
        if explanation is not None:
            parts["explanation"] = explanation
        if further is not None and record["outcome"] == "incomplete":
            parts |= {name: encoded(value) for name, value in further().items()}
        body = b",".join(b'"%b":%b' % (name.encode(), parts[name]) for name in sorted(parts))
        return b"{" + body + self._tail

    def _quick(self, household: Household, lang: str, form: Form) -> tuple[Record, list[Record], bytes | None] | None:
        """Result, persons and explanation; None where the household is set aside, and the long way says why."""
        ready = self._desk(lang if form in ("items", "full") else "")
        if ready is None:
            return None
        desk, plan = ready
        scored = desk.scored(household, desk.place(household))
        if scored is None:
            return None
        found, left, missing, record, persons = scored
        explanation = None
        if plan is not None:
            scene = plan.scene(household, found, left, short=form == "items")
            outcome, absent = str(record["outcome"]), missing or ()
            assumed, flags = ((record[name] or "").split(";") if record[name] else [] for name in ("assumed", "flags"))
            if form == "items":
                explanation = plan.items(scene, outcome, absent, assumed, flags)
            else:
                nearest = self._nearest(lang).json(scene, outcome, record["circle"] if self._circle else None)
                explanation = plan.full(scene, outcome, absent, assumed, flags, nearest)
        return record, persons, explanation

    def _desk(self, lang: str) -> tuple[Desk, Plan | None] | None:
        """What a program needs to run; `lang` "": without explanation. None for a table that cannot be laid out."""
        if lang not in self._desks:
            with self._lock:
                if lang not in self._desks:
                    self._desks[lang] = self._made(lang)
        return self._desks[lang]

    def _nearest(self, lang: str) -> Nearest:
        """What looks for the nearest changes in one language."""
        if lang not in self._found:
            with self._lock:
                if lang not in self._found:
                    program = lowered(self.checked, "standing")
                    runner = Runner(program, self.checked.names.attributes, self.on)
                    places = Places(program, self.standards, self.on)
                    told = Told(self.checked, self.on, lang)
                    self._found[lang] = Nearest(told, program, runner, places)
        return self._found[lang]

    def _made(self, lang: str) -> tuple[Desk, Plan | None] | None:
        checked, standards, on = self.checked, self.standards, self.on
        plan = Plan(checked, standards, on, lang) if lang else None
        program = lowered(checked) if plan is None else plan.program()
        runner = Runner(program, checked.names.attributes, on)
        if plan is not None and not plan.bind(runner.layout):
            return None
        return Desk(checked, program, standards, runner, forced=self.forced), plan

    def held(self, document: Mapping[str, Any]) -> Held:
        """One household to change and score again and again; what is wrong with it is told with the first result."""
        ready = self._desk("")
        assert ready is not None  # only explanations cannot be laid out
        return Held(document, self.reader, ready[0], self._long)

    def _long(self, document: Mapping[str, Any]) -> Answer:
        found = orjson.loads(self.slow_answer(document, form="none"))
        return found["result"], found["persons"]

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
            columns = bind(lowered(self.checked), register, self.standards, self.on)
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
