"""One household under one table with the points of every item: what two sides of a question are compared by."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hardship.lowering.program import lowered
from hardship.register import from_dicts
from hardship.results_json import Record, result_records
from hardship.single.prepared import Prepared, prepare
from hardship.single.record import Records, scaled
from hardship.single.runner import Places, Runner

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.standards import Standards

MOST_KEPT = 32
Persons = list[Record]


class Side:
    """One table with standards on one day; the same results as `hardship score --detail items`."""

    def __init__(self, prepared: Prepared) -> None:
        checked, on = prepared.checked, prepared.on
        self.prepared = prepared
        program = lowered(checked, "items")
        self.places = Places(program, prepared.standards, on)
        self.runner = Runner(program, checked.names.attributes, on)
        self.records = Records(checked, program, self.runner.layout, on, forced=prepared.forced)

    def result(self, document: Mapping[str, Any]) -> tuple[Record, Persons]:
        """The result of one household with `item_<id>`, and its person rows.

        Raises:
            RegisterError: everything that is wrong with the document, each with its path.
            RejectedError: the table cannot score the household.
        """
        household = self.prepared.reader.read(document)
        if household is not None:
            place = self.places.at(household.area_code, household.facts[0][0].get("residence_type"))
            if place.served:
                found, _ = self.runner.computed(household, place)
                if not self.records.rejected(found):
                    missing = self.records.missing(found, household, place.unknown)
                    record = self.records.record(found, household, missing)
                    return record | self._items(found, missing is not None), self.records.persons(found, household)
        return self._slow(document)

    def _items(self, found: Any, incomplete: bool) -> Record:
        table = self.prepared.checked.table
        if not table.index:
            return {f"item_{item.id}": None for item in table.item}
        made: Record = {}
        for item in table.item:
            slot = self.runner.layout.slots[f"item:{item.id}:{table.index[0].id}"]
            points = scaled(found.value(slot), slot.den, table.index[0].decimals)
            made[f"item_{item.id}"] = None if incomplete else points
        return made

    def _slow(self, document: Mapping[str, Any]) -> tuple[Record, Persons]:
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
