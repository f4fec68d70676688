"""One household under one table with the points of every item: what two sides of a question are compared by."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hardship.lowering.program import lowered
from hardship.register import from_dicts
from hardship.results_json import result_records
from hardship.single.desk import Desk
from hardship.single.held import Answer, Held
from hardship.single.prepared import Prepared, prepare
from hardship.single.runner import Runner

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.standards import Standards

MOST_KEPT = 32


class Side:
    """One table with standards on one day; the same results as `hardship score --detail items`."""

    def __init__(self, prepared: Prepared) -> None:
        checked, on = prepared.checked, prepared.on
        self.prepared = prepared
        program = lowered(checked, "items")
        runner = Runner(program, checked.names.attributes, on)
        self._desk = Desk(checked, program, prepared.standards, runner, forced=prepared.forced, items=True)

    def result(self, document: Mapping[str, Any]) -> Answer:
        """The result of one household with `item_<id>`, and its person rows.

        Raises:
            RegisterError: everything that is wrong with the document, each with its path.
            RejectedError: the table cannot score the household.
        """
        return self.held(document).result()

    def held(self, document: Mapping[str, Any]) -> Held:
        """One household to change and score again and again."""
        return Held(document, self.prepared.reader, self._desk, self._slow)

    def _slow(self, document: Mapping[str, Any]) -> Answer:
        from hardship.score import score

        prepared = self.prepared
        prepared.slow_answer(document, form="none")  # its faults are told as everywhere
        register = from_dicts(document, prepared.checked.names.attributes, prepared.on)
        results = score(
            register, prepared.checked, prepared.standards, prepared.on, detail="items", forced=prepared.forced
        )
        persons = list(result_records(results.persons)) if results.persons is not None else []
        return next(result_records(results.frame)), persons


_kept: OrderedDict[int, Side] = OrderedDict()
_lock = threading.Lock()


def side(checked: Checked, standards: Standards, on: dt.date, *, forced: bool = False) -> Side:
    """A `Side`, the same one for the same objects; the last `MOST_KEPT` are kept."""
    prepared = prepare(checked, standards, on, forced=forced)
    with _lock:
        known = _kept.get(id(prepared))
        if known is None or known.prepared is not prepared:
            known = _kept[id(prepared)] = Side(prepared)
            if len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(id(prepared))
        return known
