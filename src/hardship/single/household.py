"""One decoded household straight to stored integers, by the grammar of cells.

Only what is plain is read here. Anything odd (a fault, a text that had to be normalised, a title instead of a name)
gives None, and the household goes the long way through `register.from_dicts`, which says what is wrong.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from hardship.attributes import LEVELS, value_names
from hardship.engine.scan_layout import ABSENT, MOST_ROWS, ORDER
from hardship.language.fields import DeclaredAttribute
from hardship.limits import MEMBERS, SUPPORTERS, TRANSFERS
from hardship.reading.cells import MAX_ID, Cell, parser, read_area, read_id
from hardship.reading.read_json import PARTS, cell
from hardship.reading.structure import OLDEST

if TYPE_CHECKING:
    from hardship.single.scan_told import Slots

Array = npt.NDArray[Any]
Facts = dict[str, Any]
Levels = tuple[list[Facts], list[Facts], list[Facts], list[Facts]]
Rows = tuple[int, int, int, int]
Orders = tuple[list[int], list[int], list[int], list[int]]
Below = tuple[int, str, Facts, int]
"""A supporter or transfer: its member, own id (`""` for transfers), facts, place as it was given."""
Stored = int | str | None
Place = tuple[int, int, str]
"""A fact by level, row and name."""
MOST_KNOWN = 20_000  # texts of one attribute that are kept with what they mean
_PARTS = frozenset(PARTS.values())
_PLAIN_ID = re.compile(f"[!-~]{{1,{MAX_ID}}}\\Z")
ODD: Any = object()
"""What a value that is not plain is stored as."""


class Household:
    """One household in a register's order, every fact as it is stored.

    Attributes:
        rows: how many there are of each level (`attributes.LEVELS`).
        member_ids, supporter_ids: of each row.
        supporters, transfers: the member, from 0, that each row belongs to; ascending.
        flags: marks on the quality of the data, sorted.
    """

    __slots__ = (
        "_facts", "area_code", "flags", "household_id", "member_ids", "rows", "supporter_ids", "supporters",
        "transfers",
    )  # fmt: skip

    def __init__(
        self, household_id: str, area_code: str, facts: Levels | None, member_ids: list[str],
        supporters: list[int], supporter_ids: list[str], transfers: list[int], flags: list[str],
    ) -> None:  # fmt: skip
        self.household_id, self.area_code, self._facts = household_id, area_code, facts
        self.rows: Rows = (1, len(member_ids), len(supporters), len(transfers))
        self.member_ids, self.supporters, self.supporter_ids = member_ids, supporters, supporter_ids
        self.transfers, self.flags = transfers, flags

    @property
    def facts(self) -> Levels:
        """Of each level a dict for each row, without missing facts."""
        assert self._facts is not None  # a household that was not decoded has its own way to them
        return self._facts

    def with_facts(self, facts: Levels) -> Household:
        """The same rows with other facts."""
        return Household(
            self.household_id, self.area_code, facts, self.member_ids, self.supporters, self.supporter_ids,
            self.transfers, self.flags,
        )  # fmt: skip

    @property
    def residence(self) -> int | None:
        """The stored `residence_type`, None where it is missing."""
        found: int | None = self.facts[0][0].get("residence_type")
        return found

    def lacks(self, level: int, name: str) -> bool:
        """Whether some row of a level lacks a fact."""
        for row in self.facts[level]:  # noqa: SIM110 (half the time, and it is asked of many names)
            if name not in row:
                return True
        return False

    def fact(self, level: int, name: str, row: int = 0) -> Any:
        """A fact as it is stored, None where it is missing."""
        return self.facts[level][row].get(name)

    def cells(self, asked: Asked) -> tuple[Array, Array]:
        """Facts as int64, `ABSENT` where they are missing; of a code where its JSON stands in the second, as uint8."""
        cells, codes, facts = list[int](), bytearray(b" "), self.facts
        for level, row, name in asked.places:
            value = facts[level][row].get(name, ABSENT)
            if type(value) is str:
                text = orjson.dumps(value)[1:-1]
                cells.append(len(codes) << 16 | len(text))
                codes += text
            else:
                cells.append(value)
        return np.array(cells, np.int64), np.frombuffer(bytes(codes), np.uint8)


class Asked:
    """Facts of a household, in an order.

    Attributes:
        picks: int64 [facts, 3]: where they lie in what a scan finds (`kernels_page.cells_of`).
    """

    def __init__(self, places: list[Place], slots: Slots) -> None:
        self.places = places
        picks = [
            (slots.dense[level] + slots.place(level, name), ORDER + level * MOST_ROWS + row, len(slots.of[level]))
            for level, row, name in places
        ]
        self.picks = np.array(picks, np.int64).reshape(-1, 3)


class _Reading:
    """How the cells of one attribute are read; what a text, or a whole number, means is remembered.

    Codes are not: there are as many as people.
    """

    __slots__ = ("_code", "_parse", "known")

    def __init__(self, attribute: DeclaredAttribute) -> None:
        self.known: dict[str | int, Any] = {}
        self._parse, self._code = parser(attribute), attribute.type == "code"

    def stored(self, value: str | int) -> Any:
        """What a cell is stored as; `ODD` where it is not plain."""
        text = value if isinstance(value, str) else str(value) if -(10**18) < value < 10**18 else "9" * 30
        read = self._parse(text)
        if read.problem or read.flagged:
            return ODD
        if not self._code:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[value] = read.value
        return read.value


class Reader:
    """Reads households of one set of attributes on one day."""

    def __init__(self, attributes: Mapping[str, DeclaredAttribute], on: dt.date) -> None:
        self.today = on.year * 10_000 + on.month * 100 + on.day
        self._cells = [
            {name: _Reading(attribute) for name, attribute in attributes.items() if attribute.level == level}
            for level in LEVELS
        ]
        self.flagging = frozenset(("relation_to_head", "member_counted", "household_size_counted"))
        self.head = _place(attributes, "relation_to_head", "head")
        self.counts = _place(attributes, "member_counted", "counted")

    def read(self, document: Mapping[str, Any]) -> Household | None:
        """A household in contract form; None if it is not plain."""
        placed = self.placed(document)
        return None if placed is None else placed[0]

    def placed(self, document: Mapping[str, Any]) -> tuple[Household, Orders] | None:
        """The same, and of each level which row of the household each row of the document is."""
        if not document.keys() <= _PARTS:
            return None
        home, given = document.get("household", {}), document.get("members")
        if type(home) is not dict or type(given) is not list or not 1 <= len(given) <= MEMBERS:
            return None
        own = self._facts(0, home, ("household_id", "area_code"))
        if own is None:
            return None
        facts, (key, area) = own
        key = _id(key, "1")
        area = "" if area is ODD else area
        if key is None or type(area) is not str or (area and not _same(read_area(area), area)):
            return None
        members = self._members(given, key)
        if members is None:
            return None
        numbers = {ids: number for number, (ids, _, _) in enumerate(members)}
        if len(numbers) < len(members):
            return None
        below = [self._below(level, document.get(LEVELS[level] + "s", ()), key, numbers) for level in (2, 3)]
        supporters, transfers = below
        if supporters is None or transfers is None:
            return None
        levels = (
            [facts], [row for _, row, _ in members], [row for _, _, row, _ in supporters],
            [row for _, _, row, _ in transfers],
        )  # fmt: skip
        household = Household(
            key, area, levels, [ids for ids, _, _ in members],
            [member for member, _, _, _ in supporters], [ids for _, ids, _, _ in supporters],
            [member for member, _, _, _ in transfers], self.flags(levels, given),
        )  # fmt: skip
        return household, ([0], _order(members), _order(supporters), _order(transfers))

    def knows(self, level: int, name: str) -> bool:
        """Whether a level has an attribute of this name."""
        return name in self._cells[level]

    def meaning(self, level: int, name: str, value: Any) -> Any:
        """What one JSON value is stored as: an integer, a code's text, None if it is missing, or `ODD`."""
        if value is None:
            return None
        if type(value) is not int and type(value) is not str:
            value = cell(value)[0]
        reading = self._cells[level][name]
        stored = reading.known.get(value, ODD)
        return reading.stored(value) if stored is ODD else stored

    def aged(self, born: int | None) -> bool:
        """Whether a date of birth, if there is one, is that of a living person."""
        return born is None or 0 <= (self.today - born) // 10_000 <= OLDEST

    def _facts(self, level: int, row: Any, structural: Sequence[str]) -> tuple[Facts, list[Any]] | None:
        """The facts of one row, and its structural texts as they were given (`ODD`: not at all)."""
        if type(row) is not dict:
            return None
        cells = self._cells[level]
        found: Facts = {}
        fixed = [ODD] * len(structural)
        for name, value in row.items():
            reading = cells.get(name)
            if reading is None:
                if name not in structural:
                    return None
                fixed[structural.index(name)] = value
                continue
            kind = type(value)
            if value is None:
                continue
            if kind is bool:
                value = "true" if value else "false"
            elif kind is not str and kind is not int:
                value = cell(value)[0]
            stored = reading.known.get(value, ODD)
            if stored is ODD:
                stored = reading.stored(value)
                if stored is ODD:
                    return None
            if stored is not None:
                found[name] = stored
        return found, fixed

    def _members(self, given: list[Any], key: str) -> list[tuple[str, Facts, int]] | None:
        found: list[tuple[str, Facts, int]] = []
        for number, row in enumerate(given, 1):
            read = self._facts(1, row, ("household_id", "member_id"))
            if read is None:
                return None
            facts, (home, member) = read
            member = _id(member, str(number))
            if member is None or (home is not ODD and home != key):
                return None
            if not self.aged(facts.get("birth_date")):
                return None
            found.append((member, facts, number - 1))
        if len(found) > 1:
            found.sort(key=_first)
        return found

    def _below(self, level: int, given: Any, key: str, numbers: Mapping[str, int]) -> list[Below] | None:
        """Supporters or transfers, in a register's order."""
        if type(given) is not list and given != ():
            return None
        if not given:
            return []
        only = next(iter(numbers)) if len(numbers) == 1 else ODD
        found: list[Below] = []
        names = ("household_id", "member_id", "supporter_id") if level == 2 else ("household_id", "member_id")
        for number, row in enumerate(given, 1):
            read = self._facts(level, row, names)
            if read is None:
                return None
            facts, (home, member, *rest) = read
            own = _id(rest[0], str(number)) if rest else ""
            member = only if member is ODD else member
            if own is None or type(member) is not str or (home is not ODD and home != key):
                return None
            place = numbers.get(member)
            if place is None:
                return None
            found.append((place, own, facts, number - 1))
        most = SUPPORTERS if level == 2 else TRANSFERS
        members = [place for place, _, _, _ in found]
        if any(members.count(place) > most for place in set(members)):
            return None
        if level == 2 and len({(place, own) for place, own, _, _ in found}) < len(found):
            return None
        if len(found) > 1:
            _sort(found, level == 2)
        return found

    def flags(self, levels: Levels, given: Sequence[Mapping[str, Any]]) -> list[str]:
        """As `structure.flags` says, for one household; `given`: its members in the document. `flagging` change it."""
        (facts,), members = levels[:2]
        found = []
        if any("relation_to_head" in row for row in given):
            heads = sum(row.get("relation_to_head") == self.head for row in members)
            if heads != 1:
                found.append("two_heads" if heads else "no_head")
        declared = facts.get("household_size_counted")
        if declared is not None:
            counts = self.counts
            if declared != sum(row.get("member_counted", counts) == counts for row in members):
                found.append("size_differs")
        return found


def _place(attributes: Mapping[str, DeclaredAttribute], name: str, value: str) -> int:
    return value_names(attributes[name]).index(value) if name in attributes else -1


def _first(row: tuple[str, Facts, int]) -> str:
    return row[0]


def _order(rows: Sequence[tuple[Any, ...]]) -> list[int]:
    """Where each given row now stands; a row's last entry is its place as it was given."""
    found = [0] * len(rows)
    for place, row in enumerate(rows):
        found[row[-1]] = place
    return found


def _id(given: Any, fallback: str) -> str | None:
    """An id as it is, the fallback where none was given, None if it is not plain."""
    if given is ODD:
        return fallback
    if type(given) is not str:
        return None
    if _PLAIN_ID.match(given):
        return given
    return given if _same(read_id(given), given) else None


def _same(read: Cell, text: str) -> bool:
    return not read.problem and not read.flagged and read.value == text


def _sort(rows: list[Below], with_ids: bool) -> None:
    """By member, then by all columns in the order of their names, missing last (`register.sorted_rows`)."""
    names = sorted({name for _, _, facts, _ in rows for name in facts} | ({"supporter_id"} if with_ids else set()))

    def key(row: Below) -> tuple[Any, ...]:
        place, own, facts, _ = row
        values = [own if name == "supporter_id" else facts.get(name) for name in names]
        return place, *((value is None, value if value is not None else 0) for value in values)

    rows.sort(key=key)
