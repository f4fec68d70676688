"""What no part can see by itself: households and persons of one part that turn up in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.errors import Fault, RegisterError
from hardship.parts import spill
from hardship.parts.find import Part
from hardship.parts.joined import SHARED, SHORT
from hardship.parts.score_part import Job, Scored, read_part
from hardship.sheet import Column, Texts

SHOWN = 5  # faults of a kind that are told one by one
PERSON = 96  # bytes that looking for a member's id takes, by count of arrays


def in_order(scored: Sequence[Scored], parts: Mapping[str, Part], job: Job) -> list[Scored]:
    """The parts in the order of their households.

    Raises:
        RegisterError: households of one part stand among those of another, are in two, or have members in another.
    """
    held = sorted((one for one in scored if one.first is not None), key=lambda one: str(one.first))
    faults: list[Fault] = []
    for one, other in pairwise(held):
        if str(one.last) >= str(other.first):
            faults += _overlap(parts[one.name], parts[other.name], job)
    if not faults:
        faults = _strays(held, parts, job)
    if faults:
        raise RegisterError(faults)
    return held + [one for one in scored if one.first is None]


def _ids(part: Part, job: Job) -> pl.DataFrame:
    """`household_id` and `line` of a part's households, also of those that were rejected."""
    register = read_part(part, job)
    aside = register.rejects.filter(pl.col("file").str.starts_with("households/") & (pl.col("household_id") != ""))
    both = [frame.select("household_id", "line") for frame in (register.frames["household"], aside)]
    return pl.concat(both).unique("household_id", keep="first", maintain_order=True)


def _overlap(one: Part, other: Part, job: Job) -> list[Fault]:
    file, beside = (f"households/{part.files['households'].name}" for part in (other, one))
    mine, theirs = _ids(other, job), _ids(one, job)
    both = mine.join(theirs, on="household_id", suffix="_beside", maintain_order="left")
    if both.height:
        return [
            Fault("parts.twice", file, line, params={"household": household, "file": beside, "line": at})
            for household, line, at in both.head(SHOWN).iter_rows()
        ]
    last = str(theirs["household_id"].max())
    among = mine.filter(pl.col("household_id") < last)
    household, line = among.row(0)
    shown = {"household": household, "file": beside, "count": among.height}
    return [Fault("parts.overlap", file, line, params=shown, hint="parts.overlap_hint")]


def _strays(held: Sequence[Scored], parts: Mapping[str, Part], job: Job) -> list[Fault]:
    """Members, supporters and transfers of households that are in another part."""
    faults: list[Fault] = []
    known: dict[str, set[str]] = {}
    for one in held:
        lost = one.rejected.filter(pl.col("code") == "no_household")
        for file, line, household in lost.select("file", "line", "household_id").iter_rows():
            there = next((at for at in held if str(at.first) <= household <= str(at.last)), None)
            if there is None:
                continue
            if there.name not in known:
                known[there.name] = set(_ids(parts[there.name], job)["household_id"])
            if household in known[there.name]:
                beside = f"households/{parts[there.name].files['households'].name}"
                faults.append(Fault("parts.stray", file, line, params={"household": household, "file": beside}))
    return faults[:SHOWN]


class Peopled(Protocol):
    """A part of which the ids of members were set down; see `Scored`."""

    @property
    def name(self) -> str: ...
    @property
    def persons(self) -> tuple[str, str] | None: ...
    @property
    def entities(self) -> Mapping[str, Mapping[str, int]]: ...


def shared_persons(work: Path, scored: Sequence[Peopled], memory: int) -> dict[str, Array]:
    """Of each part, the households (places in its register) of which a member's id turns up in another household.

    Parts whose ids reach over no other part's are not looked at: those know by themselves.

    Args:
        memory: bytes that looking may take.
    """
    spans = sorted((one.persons, one.name) for one in scored if one.persons is not None)
    names: list[str] = []
    reach, before = "", ""
    for (first, last), name in spans:
        if before and first <= reach:
            names += [before, name]
        if last > reach:
            reach, before = last, name
    names = list(dict.fromkeys(names))
    members = sum(one.entities["members"]["read"] for one in scored if one.name in names)
    shares = max(1, -(-members * PERSON // memory))
    found: dict[str, list[Array]] = {}
    for share in range(shares if names else 0):
        mine = pl.col("member_id").hash() % shares == share
        several = [
            pl.read_ipc(work / f"{name}.people")
            .filter(mine & ~pl.col("member_id").str.contains(SHORT))
            .with_columns(part=pl.lit(place, pl.UInt32))
            for place, name in enumerate(names)
        ]
        every = pl.concat(several)
        twice = every.filter(every["member_id"].is_duplicated())
        for (place,), rows in twice.group_by("part"):
            found.setdefault(names[int(str(place))], []).append(rows["household"].unique().to_numpy())
    return {name: np.unique(np.concatenate(rows)) for name, rows in found.items()}


def flagged(flags: Column, households: Array, stem: Path) -> Column:
    """The column `flags` of a part's results with a flag more for these households (places in its register)."""
    kept = spill.load(stem, "kept", np.bool_)
    rows = (np.cumsum(kept) - 1)[households[kept[households]]]
    texts, places, _ = flags.coded()
    new = places.astype(np.uint32)
    for place in np.unique(places[rows]):
        marks = sorted({*texts[place].split(";"), SHARED} - {""})
        new[rows[places[rows] == place]] = len(texts)
        texts.append(";".join(marks))
    return Column(flags.kind, new, flags.valid, Texts.of(texts))
