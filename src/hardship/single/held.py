"""One household that is held while its facts are changed one by one: a caseworker's what-if.

A change writes one cell and runs the machine again. Whatever is not plain goes the way of every document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hardship.attributes import LEVELS
from hardship.errors import Fault, HardshipError, UsageError
from hardship.results_json import Record
from hardship.single.desk import Desk
from hardship.single.household import ODD, Household, Reader
from hardship.single.runner import Cells, Place

Answer = tuple[Record, list[Record]]
"""Result and person rows."""
PARTS = ("household", "members", "supporters", "transfers")
NOTHING: Any = object()
"""What stands where a fact is not there at all."""


class Held:
    """A household with its cells; for one thread at a time.

    Args:
        document: the household, decoded JSON; it stays as it is.
        reader, desk: of the table.
        long: result and person rows of a document, or the error that tells why there are none.

    Attributes:
        document: the household as it is now.
    """

    def __init__(
        self, document: Mapping[str, Any], reader: Reader, desk: Desk, long: Callable[[Mapping[str, Any]], Answer]
    ) -> None:
        self.document = copied(document)
        self._reader, self._desk, self._long = reader, desk, long
        self._household: Household | None = None
        self._orders: tuple[list[int], ...] = ()
        self._cells: Cells | None = None
        self._place: Place | None = None

    def change(self, level: str, row: int, name: str, value: Any) -> Answer:
        """Put a value in the place of a fact and score the household again.

        Args:
            level: `household`, `member`, `supporter` or `transfer`.
            row: which one, from 0 in the order of the document; 0 for the household.
            name: of the attribute.
            value: as in a document; None: nobody knows it.

        Returns:
            Result and person rows, equal to those of the whole changed document.

        Raises:
            RegisterError: the changed document cannot be read or scored; the household is then as before.
            UsageError: there is no such row. TableError: a standard does not fit the table.
        """
        before = self.put(level, row, name, NOTHING if value is None else value)
        try:
            return self.result()
        except HardshipError:
            self.put(level, row, name, before)
            raise

    def put(self, level: str, row: int, name: str, value: Any) -> Any:
        """Only put a value in the place of a fact, to be judged with the next result; gives what stood there.

        `NOTHING` is a fact that is not there at all.
        """
        number = LEVELS.index(level) if level in LEVELS else -1
        facts = self._row(number, row)
        before = facts.get(name, NOTHING)
        if value is NOTHING:
            facts.pop(name, None)
        else:
            facts[name] = value
        if self._household is not None:
            self._write(self._household, number, row, name, facts.get(name))
        return before

    def result(self) -> Answer:
        """Result and person rows of the household as it is now; errors as `change`."""
        household = self._household or self._read()
        if household is None:
            return self._long(self.document)
        if self._place is None:
            self._place = self._desk.place(household)
        scored = self._desk.scored(household, self._place, self._cells)
        return self._long(self.document) if scored is None else (scored.result, scored.persons)

    def _row(self, level: int, row: int) -> dict[str, Any]:
        part = self.document.get(PARTS[level], []) if level else [self.document.setdefault("household", {})]
        if level < 0 or not isinstance(part, list) or not 0 <= row < len(part) or not isinstance(part[row], dict):
            raise UsageError(Fault("asking.pointer"))
        found: dict[str, Any] = part[row]
        return found

    def _read(self) -> Household | None:
        """The document from the beginning; None if it is not plain."""
        placed = self._reader.placed(self.document)
        if placed is None:
            return None
        self._household, self._orders = placed
        self._cells = self._desk.runner.kept(self._household)
        self._place = None
        return self._household

    def _write(self, household: Household, level: int, row: int, name: str, value: Any) -> None:
        """One fact of a household that was plain; it is read anew if the fact is not."""
        reader, cells = self._reader, self._cells
        stored = reader.meaning(level, name, value) if reader.knows(level, name) else ODD
        if stored is ODD or cells is None or (name == "birth_date" and not reader.aged(stored)):
            self._household = None
            return
        place = self._orders[level][row]
        facts: dict[str, Any] = household.facts[level][place]
        if stored is None:
            facts.pop(name, None)
        else:
            facts[name] = stored
        cells.put(level, place, name, stored)
        if name == "residence_type":
            self._place = None
        elif name in reader.flagging:
            household.flags = reader.flags(household.facts, self.document["members"])


def copied(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that can be changed row by row; parts of another shape stay, and are told by the reader."""
    found = dict(document)
    if isinstance(found.get("household", {}), dict):
        found["household"] = dict(found.get("household", {}))
    for part in PARTS[1:]:
        if isinstance(found.get(part), list):
            found[part] = [dict(row) if isinstance(row, dict) else row for row in found[part]]
    return found
