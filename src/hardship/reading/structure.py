"""Which rows belong together: ids, duplicates, orphans, ages, heads; what a rejected row takes with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from hardship.language.fields import DeclaredAttribute, Level
from hardship.limits import MEMBERS, SUPPORTERS, TRANSFERS
from hardship.reading.order import Bools, alone_in_runs, ascending, places_in_runs, run_starts
from hardship.reading.rejects import Part, Rows
from hardship.reading.sorted_link import Walked

OLDEST = 130
CHILDREN: tuple[Level, ...] = ("member", "supporter", "transfer")
LIMITS: dict[Level, int] = {"supporter": SUPPORTERS, "transfer": TRANSFERS}
Flags = list[tuple[pl.Series, str]]
"""Households by row of the household part, and the flag they get."""


def link(parts: Mapping[Level, Part], on: dt.date, straight: Walked | None) -> dict[Level, Rows]:
    """Judge the structure of a register; rejects rows in `parts`.

    Args:
        parts: the four levels, ids and values read.
        on: the assessment date, for ages.
        straight: the links, if the files are sorted.

    Returns:
        For `supporter` and `transfer`, the row of the member each row belongs to, -1 where there is none.
    """
    households, members = parts["household"], parts["member"]
    owner = _linked(parts) if straight is None else _taken(parts, straight)
    _ages(members, on)
    _crowds(members, owner)
    _sizes(households, members)
    _spread(parts)
    return owner


def _taken(parts: Mapping[Level, Part], straight: Walked) -> dict[Level, Rows]:
    """The links of a sorted register in its parts."""
    for level in CHILDREN:
        parts[level].household = straight.households[level]
    parts["household"].ordered, parts["member"].ordered = True, straight.ordered
    parts["member"].once = straight.persons_once
    return straight.members


def _linked(parts: Mapping[Level, Part]) -> dict[Level, Rows]:
    """The links of any register; rejects rows that belong nowhere or are there twice."""
    households, members = parts["household"], parts["member"]
    ids = households.ids["household_id"]
    twice = pl.repeat(False, ids.len(), eager=True) if ascending(ids) else ids.is_duplicated() & ids.is_not_null()
    households.reject(twice.arg_true(), "household_id", "duplicate_household")
    known = _row_by_key({"household_id": ids}, ~twice)
    rejected_ids = pl.concat([ids.filter(twice), pl.Series(households.claimed("household_id"), dtype=pl.String)])
    for level in CHILDREN:
        _find_household(parts[level], known, rejected_ids)
    families = _grouped(members.household, members.ids["member_id"])
    if families is None:
        _duplicates(members, "member_id", "duplicate_member")
    owner = _owners(parts, families)
    supporters = parts["supporter"]
    if supporters.height and _grouped(owner["supporter"], supporters.ids["supporter_id"]) is None:
        _duplicates(supporters, "supporter_id", "duplicate_supporter")
    return owner


def _crowds(members: Part, owner: Mapping[Level, Rows]) -> None:
    """Rejects members with more supporters or transfers than one can have."""
    for level, limit in LIMITS.items():
        count = counted(owner[level])
        if count.size and count.max() > limit:
            members.reject(np.flatnonzero(count > limit), "", f"too_many_{level}s", f"rows>{limit}")


def counted(rows: Rows, size: int = 0) -> Rows:
    """How often each row number from 0 occurs; -1 is none. At least `size` counts."""
    count: Rows = np.bincount(rows if rows.size == 0 or rows.min() >= 0 else rows[rows >= 0], minlength=size)
    return count


def _grouped(parent: Rows, texts: pl.Series) -> Bools | None:
    """Where the rows of a parent begin, if every row has one, its rows stand together, and no text is null or twice."""
    if parent.size == 0 or texts.null_count() or int(parent.min()) < 0:
        return None
    starts = np.append(True, parent[1:] != parent[:-1])
    apart = int(np.bincount(parent[starts]).max()) > 1
    return starts if not apart and alone_in_runs(starts, texts) else None


def _owners(parts: Mapping[Level, Part], families: Bools | None) -> dict[Level, Rows]:
    """The member row of each supporter and transfer, -1 where there is none; rejects those without.

    Args:
        families: where the members of each household begin, if `_grouped` could say so.
    """
    members = parts["member"]
    pairs = {name: members.ids[name] for name in ("household_id", "member_id")}
    alone = _together(pairs).is_unique() & pairs["member_id"].is_not_null() if families is None else None
    by_pair = _row_by_key(pairs, alone) if alone is not None else None
    owner: dict[Level, Rows] = {}
    for level in LIMITS:
        part = parts[level]
        owner[level] = np.zeros(0, dtype=np.int64)
        if part.height == 0:
            continue
        if by_pair is not None:
            owner[level] = _look_up(part, by_pair, list(pairs))
        elif families is not None:
            owner[level] = _in_families(part, members, families, parts["household"].height)
        lost = (owner[level] < 0) & (part.household >= 0) & part.ids["member_id"].is_not_null().to_numpy()
        if alone is not None and not alone.all():  # the member is there, but twice: that is said once, at the member
            all_pairs = _row_by_key(pairs, pl.repeat(True, alone.len(), eager=True), first=True)
            lost &= _look_up(part, all_pairs, list(pairs)) < 0
        part.reject(np.flatnonzero(lost), "member_id", "no_member")
    return owner


def _in_families(part: Part, members: Part, families: Bools, households: int) -> Rows:
    """The member row of each row of `part`, found among the members of its household."""
    starts = np.flatnonzero(families)
    home = members.household[starts]
    first, size = np.zeros(households, dtype=np.int64), np.zeros(households, dtype=np.int64)
    first[home], size[home] = starts, np.diff(np.append(starts, members.height))
    named = part.ids["member_id"]
    new = run_starts([named])
    new[1:] |= part.household[1:] != part.household[:-1]
    place = part.household[new]
    found = places_in_runs(
        first[place], np.where(place < 0, 0, size[place]), members.ids["member_id"], named.filter(pl.Series(new))
    )
    spread: Rows = found[np.cumsum(new) - 1]
    return spread


def _together(keys: dict[str, pl.Series]) -> pl.DataFrame:
    return pl.DataFrame({name: series.alias(name) for name, series in keys.items()})


def _row_by_key(keys: dict[str, pl.Series], usable: pl.Series, first: bool = False) -> pl.DataFrame:
    """A look-up frame: the keys and the `row` they stand in, unusable rows and empty keys left out."""
    frame = _together(keys).with_row_index("row").filter(usable).drop_nulls()
    return frame.unique(list(keys), keep="first", maintain_order=True) if first else frame


def _look_up(part: Part, rows: pl.DataFrame, keys: list[str]) -> Rows:
    """The `row` of each row's keys, -1 where there is none; rows that repeat the one before are not looked up."""
    frame = _together({name: part.ids[name] for name in keys})
    starts = run_starts(frame.get_columns())
    heads = frame.filter(pl.Series(starts))
    same = heads.equals(rows.select(keys))
    found = rows["row"] if same else heads.join(rows, on=keys, how="left", maintain_order="left")["row"]
    spread: Rows = found.cast(pl.Int64).fill_null(-1).to_numpy()[np.cumsum(starts) - 1]
    return spread


def _find_household(part: Part, known: pl.DataFrame, rejected_ids: pl.Series) -> None:
    if part.height == 0:
        return
    part.household = _look_up(part, known, ["household_id"])
    named = part.ids["household_id"]
    lost = (part.household < 0) & named.is_not_null().to_numpy()
    if not lost.any():
        return
    gone = named.is_in(rejected_ids.implode()).fill_null(False).to_numpy() & lost
    part.reject(np.flatnonzero(gone), "", "household_rejected")
    part.reject(np.flatnonzero(lost & ~gone), "household_id", "no_household")


def _duplicates(part: Part, key: str, code: str) -> None:
    if part.height < 2:
        return
    names = ["household_id", "member_id"] if key == "member_id" else ["household_id", "member_id", key]
    frame = _together({name: part.ids[name] for name in names})
    whole = frame.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    part.reject((frame.is_duplicated() & whole).arg_true(), key, code)


def _ages(members: Part, on: dt.date) -> None:
    born = members.values.get("birth_date")
    if born is None:
        return
    day = on.year * 10_000 + on.month * 100 + on.day
    youngest: Any = born.max()
    oldest: Any = born.min()
    if youngest is None or (day >= youngest and (day - oldest) // 10_000 <= OLDEST):
        return
    age = (day - born) // 10_000
    members.reject((age < 0).fill_null(False).arg_true(), "birth_date", "bad_age", "age<0")
    members.reject((age > OLDEST).fill_null(False).arg_true(), "birth_date", "bad_age", f"age>{OLDEST}")


def _sizes(households: Part, members: Part) -> None:
    """One to 200 members; a household of which only unreadable lines are left is judged by those."""
    size = counted(members.household, households.height)
    households.reject(np.flatnonzero(size > MEMBERS), "", "too_many_members", f"rows>{MEMBERS}")
    # A household given twice has its members counted for neither; it is rejected already.
    empty = (size == 0) & ~households.dead
    if claims := members.claimed("household_id"):
        claimed = households.ids["household_id"].is_in(pl.Series(claims, dtype=pl.String).implode())
        empty &= ~claimed.fill_null(False).to_numpy()
    households.reject(np.flatnonzero(empty), "", "no_members")


def _spread(parts: Mapping[Level, Part]) -> None:
    """A rejected row below rejects its household; a rejected household takes all its other rows with it."""
    households = parts["household"]
    hit = np.zeros(households.height, dtype=np.bool_)
    for level in CHILDREN:
        part = parts[level]
        if part.dead.any():
            hit[part.household[part.dead & (part.household >= 0)]] = True
        claims = pl.Series(part.claimed("household_id"), dtype=pl.String)
        if claims.len():
            hit |= households.ids["household_id"].is_in(claims.implode()).fill_null(False).to_numpy()
    households.reject(np.flatnonzero(hit & ~households.dead), "", "member_rejected")
    if not households.dead.any():
        return
    for level in CHILDREN:
        part = parts[level]
        home = part.household
        takes = ~part.dead & (home >= 0)
        takes[takes] = households.dead[home[takes]]
        part.reject(np.flatnonzero(takes), "", "household_rejected")


def flags(parts: Mapping[Level, Part], attributes: dict[str, DeclaredAttribute]) -> Flags:
    """Marks that change nothing: heads, declared size, one person in two households."""
    households, members = parts["household"], parts["member"]
    found: Flags = []
    alive = None if not members.dead.any() else ~members.dead
    everyone = counted(members.household, households.height)

    def mark(rows: Rows, name: str) -> None:
        found.append((pl.Series(rows), name))

    def per_household(chosen: pl.Series) -> Rows:
        """How many members of each household are chosen."""
        who = chosen.to_numpy() if alive is None else chosen.to_numpy() & alive
        if 2 * int(np.count_nonzero(who)) <= who.size:
            return counted(members.household[who], households.height)
        left: Rows = everyone - counted(members.household[~who], households.height)
        return left

    if "relation_to_head" in members.values:
        index = [entry.value for entry in attributes["relation_to_head"].values].index("head")
        heads = per_household((members.values["relation_to_head"] == index).fill_null(False))
        mark(np.flatnonzero(heads == 0), "no_head")
        mark(np.flatnonzero(heads > 1), "two_heads")
    if "household_size_counted" in households.values:
        count = pl.repeat(True, members.height, dtype=pl.Boolean, eager=True)
        if "member_counted" in members.values:
            index = [entry.value for entry in attributes["member_counted"].values].index("counted")
            count = (members.values["member_counted"] == index).fill_null(True)
        size = per_household(count)
        declared = households.values["household_size_counted"]
        differs = (declared.cast(pl.Int64) != pl.Series(size)).fill_null(False)
        mark(differs.arg_true().to_numpy().astype(np.int64), "size_differs")
    mark(_shared_persons(members), "person_in_two_households")
    return found


def _shared_persons(members: Part) -> Rows:
    """Households that share a member id with another one.

    An id of one to three digits is a place in the household (1, 2, 3) and names no person.
    """
    if members.once:
        return np.zeros(0, dtype=np.int64)
    ids = members.ids["member_id"]
    if ascending(ids) or ids.n_unique() == ids.len():
        return np.zeros(0, dtype=np.int64)
    frame = pl.DataFrame({"id": ids, "home": members.household}).filter(pl.Series(~members.dead))
    frame = frame.filter(~frame["id"].str.contains(r"^[0-9]{1,3}$"))
    shared = frame.filter(frame["id"].is_duplicated())
    return shared["home"].unique().sort().to_numpy()
