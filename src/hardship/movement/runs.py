"""The runs of the machine between two settings: which factors differ, and what each mixture of them gives.

Three factors decide about a household: the *standards* (the rows, and the day they are asked for), the *table*, and
the *data* (the register, and the day to which ages and periods are counted). A mixture takes each of them from before
(0) or after (1). Columns are bound once for each table and register; standards and day are then exchanged.
"""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from hardship.engine import machine
from hardship.errors import Fault, TableError
from hardship.lowering import ops
from hardship.lowering.bind import bind
from hardship.lowering.places import area_codes, placed
from hardship.lowering.program import lowered
from hardship.movement.answer import Answer, answer
from hardship.movement.setting import differing_attributes
from hardship.movement.states import States

if TYPE_CHECKING:
    from hardship.engine.machine import Raw
    from hardship.inputs import Inputs
    from hardship.lowering.bind import Columns

FACTORS = ("standard", "table", "data")
Mixture = tuple[int, int, int]
"""For each of `FACTORS`, 0: from before, 1: from after."""
BEFORE: Mixture = (0, 0, 0)


class Runs:
    """Two settings, and the mixtures of them that have been run.

    Attributes:
        settings: before and after.
        states: what `Answer.state` counts in.
        differs: for each of `FACTORS`, whether it differs so that a household could notice.
        count: runs of the machine so far.
    """

    def __init__(self, before: Inputs, after: Inputs, *, threads: int = 0, block: int = 2048) -> None:
        self.settings = (before, after)
        self.states = States.of(before.checked.table, after.checked.table)
        self.count = 0
        self._threads, self._block = threads or os.cpu_count() or 1, block
        self._columns: dict[Mixture, Columns] = {}
        self._answers: dict[Mixture, Answer | None] = {}
        self._programs = [lowered(setting.checked) for setting in self.settings]
        self._lean = [lowered(setting.checked, "shares") for setting in self.settings]
        table = before.checked.sha256 != after.checked.sha256
        self._unlike = differing_attributes(before.checked, after.checked)
        data = before.register.sha256 != after.register.sha256 or self._ages() or bool(self._unlike)
        self.differs = (self._standards(table, data), table, data)

    @property
    def mixtures(self) -> list[Mixture]:
        """Every mixture of the factors that differ; the setting before first, the one after last."""
        standard, table, data = ((0, 1)[: 1 + differ] for differ in self.differs)
        return list(product(standard, table, data))

    @property
    def after(self) -> Mixture:
        """The mixture that takes every factor that differs from after."""
        return self.mixtures[-1]

    def raw(self, mixture: Mixture) -> tuple[Columns, Raw]:
        """Run a mixture; its answer is kept.

        Raises:
            TableError: a standard that is chosen does not fit the table.
        """
        columns = self.bound(mixture)
        self.count += 1
        raw = machine.run(columns.program, columns, threads=self._threads, block=self._block)
        table = self.settings[mixture[1]].checked.table
        self._answers[mixture] = answer(table, columns, raw, self.states)
        return columns, raw

    def answer(self, mixture: Mixture) -> Answer | None:
        """What a mixture gives; None where the standards or attributes of one side do not fit the other's table."""
        if mixture not in self._answers:
            try:
                self.raw(mixture)
            except TableError:
                self._answers[mixture] = None
        return self._answers[mixture]

    def used(self, side: int) -> list[str]:
        """The attributes that decide something under the table of a side."""
        return [column.attribute for column in self._programs[side].columns]

    def forget(self) -> None:
        """Forget all answers; what is bound stays."""
        self._answers.clear()

    def bound(self, mixture: Mixture) -> Columns:
        """The machine's inputs of a mixture, bound once; those between the ends store what causes are taken from.

        Raises:
            TableError: a standard that is chosen does not fit the table; an attribute that both tables declare for
                themselves, and not alike.
        """
        if mixture in self._columns:
            return self._columns[mixture]
        standard, table, data = mixture
        if self._unlike and table != data:
            raise TableError(Fault("rerank.attributes_differ", params={"found": ", ".join(self._unlike)}))
        asked, day = self.settings[standard], self.settings[data]
        program = (self._programs if mixture in (BEFORE, self.after) else self._lean)[table]
        known = [*self._columns.values()]
        near = next((one for one in known if one.program is program and one.frames is day.register.frames), None)
        if near is not None:
            columns = near.with_standards(asked.standards, asked.on).on_day(day.on)
        else:
            columns = bind(program, day.register, asked.standards, asked.on, known).on_day(day.on)
        self._columns[mixture] = columns
        return columns

    def _ages(self) -> bool:
        """Whether the day can matter by itself: it differs, and a table counts to it."""
        counts = any((program.arrays.code[:, ops.OP] == ops.ON).any() for program in self._programs)
        return bool(counts) and self.settings[0].on != self.settings[1].on

    def _standards(self, table: bool, data: bool) -> bool:
        """Whether some household is given other numbers."""
        before, after = self.settings
        if before.standards.sha256 == after.standards.sha256 and before.on == after.on:
            return False
        tables, registers = (0, 1)[: 1 + table], (0, 1)[: 1 + data]
        pairs = (pair for pair in product(tables, registers) if not self._unlike or pair[0] == pair[1])
        return any(self._other_numbers(t, d) for t, d in pairs)

    def _other_numbers(self, table: int, data: int) -> bool:
        households = self.settings[data].register.frames["household"]
        try:
            codes = area_codes(households)
            one, other = (placed(self._programs[table], households, x.standards, x.on, codes) for x in self.settings)
        except TableError:
            return True
        places, values, valid, unserved = zip(one, other, strict=True)
        width = int(places[1].max(initial=0)) + 1
        pairs = np.flatnonzero(np.bincount(places[0].astype(np.int64) * width + places[1]))
        left, right = pairs // width, pairs % width
        known = valid[0][:, left] == valid[1][:, right]
        same = (values[0][:, left] == values[1][:, right]) | (valid[0][:, left] == 0)
        return not (known.all() and same.all() and np.array_equal(*unserved))
