"""What the machine itself makes of a household with its open questions answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hardship.attributes import LEVELS
from hardship.possible.desk import Desk
from hardship.possible.facts import Fact
from hardship.possible.interval import Array
from hardship.possible.scene import DEFERRED, INCOMPLETE, REFUSED, RUNGS, Scene
from hardship.register import Register
from hardship.single.household import Facts, Household


def household_of(register: Register) -> Household:
    """The one household of a register, every fact as it is stored."""
    rows: list[list[Facts]] = []
    for level in LEVELS:
        frame = register.frames[level]
        own = [name for name in frame.columns if name not in _STRUCTURE]
        columns = [frame[name].to_list() for name in own]
        values = zip(*columns, strict=True) if columns else [()] * frame.height
        rows.append([{name: one for name, one in zip(own, row, strict=True) if one is not None} for row in values])
    frames = register.frames
    supporter = frames["supporter"]
    ids = supporter["supporter_id"].to_list() if "supporter_id" in supporter.columns else [None] * supporter.height
    return Household(
        str(frames["household"]["household_id"][0]),
        str(frames["household"]["area_code"][0] or ""),
        (rows[0], rows[1], rows[2], rows[3]),
        frames["member"]["member_id"].to_list(),
        supporter["member"].to_list(),
        [one or "" for one in ids],
        frames["transfer"]["member"].to_list(),
        [],
    )


_STRUCTURE = {
    "household", "member", "household_id", "member_id", "supporter_id", "area_code", "file", "sheet", "line",
}  # fmt: skip


def reached(
    desk: Desk, household: Household, facts: Sequence[Fact], points: Sequence[Sequence[int]], scene: Scene
) -> list[Array]:
    """Masks of the standings that the points lead to, then the stored index and benefit where the table has them."""
    slots, records = desk.runner.layout.slots, desk.records
    masks, index, benefit = [], [], []
    for point in points:
        one = _filled(household, facts, point)
        place = desk.places.at(one.area_code, one.residence)
        found, _ = desk.runner.computed(one, place)
        if records.bits(found, "missing", records.program.sinks):
            standing = INCOMPLETE
        elif found.value(slots["refused"]) == 1:
            standing = REFUSED
        elif found.value(slots["deferred"]) == 1:
            standing = DEFERRED
        else:
            standing = RUNGS + (found.value(slots["ladder:circle"]) if scene.ladder >= 0 else 0)
        masks.append(0 if records.rejected(found) or not place.served else 1 << standing)
        index.append(found.value(slots[scene.index_name]) if scene.index >= 0 else 0)
        benefit.append(found.value(slots["benefit"]) if scene.benefit >= 0 else 0)
    told = [np.array(masks, np.uint64)]
    told += [np.array(index)] if scene.index >= 0 else []
    return told + ([np.array(benefit)] if scene.benefit >= 0 else [])


def _filled(household: Household, facts: Sequence[Fact], point: Sequence[int]) -> Household:
    """The household with an answer in each empty cell; rows without one are shared."""
    rows = [list(level) for level in household.facts]
    for fact, answer in zip(facts, point, strict=True):
        level = LEVELS.index(fact.level)
        cell = fact.cell(answer)
        if fact.bits:
            cell %= 1 << 64
        rows[level][fact.row] = {**rows[level][fact.row], fact.name: cell}
    return household.with_facts((rows[0], rows[1], rows[2], rows[3]))
