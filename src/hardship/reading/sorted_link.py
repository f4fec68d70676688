"""Rows that belong together, found by walking through sorted files side by side: nothing is hashed, no text is made.

Only for registers of which every id is right as it stands and every file is sorted; of any other `walked` says nothing,
and `structure` finds out what belongs where, and what does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hardship.errors import EngineError, Fault
from hardship.language.fields import Level
from hardship.reading.packed import Packed
from hardship.reading.rejects import Part, Rows

MANY = 50_000  # rows below which loading the kernels takes longer than they save
MISSING = 2**63 - 1  # comes after every stored value
BELOW: tuple[Level, ...] = ("supporter", "transfer")


@dataclass(frozen=True)
class Walked:
    """What sorted rows belong to.

    Attributes:
        households: of each level below, the household of each row.
        members: of supporters and transfers, the member of each row.
        ordered: the members of each household stand in the order of their ids.
        persons_once: no member id occurs twice in the whole register.
    """

    households: dict[Level, Rows]
    members: dict[Level, Rows]
    ordered: bool
    persons_once: bool


def walked(parts: Mapping[Level, Part]) -> Walked | None:
    """The links of a register whose ids stand in order, each household and each of its members once; else None."""
    if sum(part.height for part in parts.values()) < MANY:
        return None
    from hardship.engine import jit, packed, room

    if not jit.COMPILED:
        return None

    def texts(level: Level, name: str) -> Packed | None:
        ids = parts[level].ids
        return ids.packed[name] if name in ids.packed else Packed.of(ids[name])

    def rises(column: Packed, parents: Rows) -> bool:
        return bool(packed.rises(column.offsets, column.address, parents))

    home = texts("household", "household_id")
    if home is None or not rises(home, np.zeros(home.rows, dtype=np.int64)):
        return None
    households: dict[Level, Rows] = {}
    for level in ("member", *BELOW):
        (households[level],) = room.empty([((parts[level].height,), np.int64)])
        if parts[level].height == 0:
            continue
        named = texts(level, "household_id")
        if named is None or not packed.follow(
            named.offsets, named.address, home.offsets, home.address, households[level]
        ):
            return None
    people = texts("member", "member_id")
    if people is None:
        return None
    ordered = rises(people, households["member"])
    if not ordered and not packed.once(people.offsets, people.address, households["member"]):
        return None
    first = np.zeros(home.rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(households["member"], minlength=home.rows), out=first[1:])
    members: dict[Level, Rows] = {}
    for level in BELOW:
        (members[level],) = room.empty([((parts[level].height,), np.int64)])
        if parts[level].height == 0:
            continue
        named = texts(level, "member_id")
        if named is None or not packed.among(
            households[level], first, people.offsets, people.address, named.offsets, named.address, members[level]
        ):
            return None
    own, owner = texts("supporter", "supporter_id"), members["supporter"]
    if parts["supporter"].height and (
        own is None or (owner[1:] < owner[:-1]).any() or not packed.once(own.offsets, own.address, owner)
    ):
        return None
    persons_once = ordered and rises(people, np.zeros(people.rows, dtype=np.int64))
    return Walked(households, members, ordered, persons_once)


def ordered(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame | None:
    """Many rows sorted by columns, missing values last, if they stand in the order of the first one; else None.

    Few rows have the same parent, so they are put in order one by one, and nothing is sorted as a whole.
    """
    from hardship.engine import jit, packed

    parents = rows[names[0]]
    if not jit.COMPILED or not parents.is_sorted():
        return None
    kin = np.zeros(rows.height, dtype=np.bool_)  # rows beside another one of the same parent: no other can move
    kin[1:] = parents.to_numpy()[1:] == parents.to_numpy()[:-1]
    kin[:-1] |= kin[1:]
    among = np.flatnonzero(kin)
    some = rows.select(pl.col(names).gather(pl.Series(among)))
    keys: list[NDArray[np.int64]] = []
    for name in names[1:]:
        column = some[name]
        if column.dtype == pl.String:
            texts = Packed.of(column)
            if texts is None:
                return None
            for number in range(-(-int(np.diff(texts.offsets).max(initial=0)) // packed.WORD)):
                keys.append(np.empty(some.height, dtype=np.int64))
                packed.words(texts.offsets, texts.address, number, keys[-1])
        elif column.dtype == pl.UInt64:  # a set of so many things has no number that is larger
            return None
        else:
            keys.append(column.cast(pl.Int64).fill_null(MISSING).to_numpy())
    found = np.empty(some.height, dtype=np.int64)
    if not keys or not packed.ordered(some[names[0]].to_numpy(), np.stack(keys), found):
        return rows
    moved = np.flatnonzero(found != np.arange(some.height))
    here, there = among[moved], among[found[moved]]
    if moved.size > rows.height // 8:
        places = np.arange(rows.height)
        places[here] = there
        return rows.select(pl.all().gather(pl.Series(places)))
    to, values = pl.Series(here), pl.Series(there)
    return pl.DataFrame([column.clone().scatter(to, column.gather(values)) for column in rows])


def check() -> None:
    """Compile the kernels, or load them from disk, and hold them to known rows: a service does so before it is asked.

    Two households, the second with two members; a supporter of the first and two of the second's last member.

    Raises:
        EngineError: they find something else.
    """
    from hardship.engine import jit, packed

    if not jit.COMPILED:
        return
    texts = [Packed.of(pl.Series(ids)) for ids in (["A", "B"], ["A", "B", "B"], ["1", "1", "2"], ["1", "2", "2"])]
    homes, named, people, below = [text for text in texts if text is not None]
    found, owner = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    right = [
        bool(packed.rises(homes.offsets, homes.address, np.zeros(2, dtype=np.int64))),
        bool(packed.follow(named.offsets, named.address, homes.offsets, homes.address, found)),
        found.tolist() == [0, 1, 1],
        bool(packed.once(people.offsets, people.address, found)),
        bool(
            packed.among(
                found, np.array([0, 1, 3]), people.offsets, people.address, below.offsets, below.address, owner
            )
        ),
        owner.tolist() == [0, 2, 2],
    ]
    rows = pl.DataFrame({"member": owner.astype(np.uint32), "supporter_id": ["x", "b", "a"]})
    sorted_ = ordered(rows, ["member", "supporter_id"])
    if not all(right) or sorted_ is None or sorted_["supporter_id"].to_list() != ["x", "a", "b"]:
        raise EngineError(Fault("common.engine", params={"what": "the self-test of links"}))
