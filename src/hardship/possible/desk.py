"""One table on one day, ready for questions about households: what does not depend on the household is done once."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardship.lowering.ops import Program
from hardship.lowering.program import lowered
from hardship.possible.plan import Plan, plan
from hardship.single.record import Records
from hardship.single.runner import Places, Runner

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.standards import Standards

MOST_KEPT = 32


@dataclass(frozen=True, slots=True)
class Desk:
    """A program with its plan, the local numbers, and the machine for one household at a time."""

    checked: Checked
    standards: Standards
    program: Program
    plan: Plan
    places: Places
    runner: Runner
    records: Records


def desk(checked: Checked, standards: Standards, on: dt.date) -> Desk:
    """A `Desk`, the same one for the same objects; the last `MOST_KEPT` are kept."""
    key = id(checked), id(standards), on  # a kept one holds both, so no other object can have their numbers
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    from hardship.engine.machine import warm

    warm()
    attributes = checked.names.attributes
    program = lowered(checked)
    sets = frozenset(name for name, attribute in attributes.items() if attribute.type == "set")
    runner = Runner(program, attributes, on)
    made = Desk(
        checked,
        standards,
        program,
        plan(program, sets),
        Places(program, standards, on),
        runner,
        Records(checked, program, runner.layout, on, forced=False),
    )
    with _lock:
        _kept[key] = made
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return made


_kept: OrderedDict[tuple[int, int, dt.date], Desk] = OrderedDict()
_lock = threading.Lock()
