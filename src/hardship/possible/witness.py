"""What the machine itself makes of a household with its open questions answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.attributes import storage
from hardship.engine import machine
from hardship.language.fields import Level
from hardship.lowering.bind import PARENT_COLUMN, bind
from hardship.lowering.program import incomplete
from hardship.possible.facts import Fact
from hardship.possible.scene import DEFERRED, INCOMPLETE, REFUSED, RUNGS, Lone, Scene

if TYPE_CHECKING:
    import polars as pl

    from hardship.lowering.ops import Program
    from hardship.possible.interval import Array
    from hardship.register import Register
    from hardship.standards import Standards

ABOVE: dict[Level, Level] = {"member": "household", "supporter": "member", "transfer": "member"}


def filled(register: Register, facts: Sequence[Fact], points: Sequence[Sequence[int]]) -> dict[Level, pl.DataFrame]:
    """The frames of one household, once for each point, with the points' answers in the empty cells."""
    import polars as pl

    count = len(points)
    heights = {level: frame.height for level, frame in register.frames.items()}
    frames: dict[Level, pl.DataFrame] = {}
    for level, frame in register.frames.items():
        repeated = frame[np.tile(np.arange(frame.height), count)]
        if level in ABOVE:
            parent = PARENT_COLUMN[level]
            shift = np.repeat(np.arange(count, dtype=np.uint32) * heights[ABOVE[level]], frame.height)
            repeated = repeated.with_columns(pl.Series(parent, repeated[parent].to_numpy() + shift))
        frames[level] = repeated
    answers: dict[tuple[Level, str], tuple[list[int], list[Any]]] = {}
    for place, fact in enumerate(facts):
        rows, cells = answers.setdefault((fact.level, fact.name), ([], []))
        rows += [number * heights[fact.level] + fact.row for number in range(count)]
        cells += [fact.cell(point[place]) for point in points]
    for fact in facts:
        rows, cells = answers.pop((fact.level, fact.name), ([], []))
        if not rows:
            continue
        frame = frames[fact.level]
        kind = storage(fact.attribute)
        old = (
            frame[fact.name] if fact.name in frame.columns else pl.Series(fact.name, [None] * frame.height, dtype=kind)
        )
        if fact.bits:
            cells = [cell % (1 << 64) for cell in cells]
        frames[fact.level] = frame.with_columns(old.scatter(rows, pl.Series(cells, dtype=kind)).alias(fact.name))
    return frames


def reached(
    program: Program, register: Register, facts: Sequence[Fact], points: Sequence[Sequence[int]],
    standards: Standards, on: dt.date, scene: Scene,
) -> list[Array]:  # fmt: skip
    """Masks of the standings that the points lead to, then the stored index and benefit where the table has them."""
    columns = bind(program, Lone(filled(register, facts, points)), standards, on)
    raw = machine.run(program, columns)
    place = np.full(len(points), RUNGS, np.uint64)
    if scene.ladder >= 0:
        place = raw["ladder:circle"].values.astype(np.uint64) + np.uint64(RUNGS)
    place = np.where(raw["deferred"].values == 1, np.uint64(DEFERRED), place)
    place = np.where(raw["refused"].values == 1, np.uint64(REFUSED), place)
    place = np.where(incomplete(raw), np.uint64(INCOMPLETE), place)
    mask = np.uint64(1) << np.minimum(place, np.uint64(63))
    gone = ~columns.served
    for label in scene.rejecting:
        gone |= (raw["require"].values[label // 8] >> (label % 8) & 1).astype(np.bool_)
    found = [np.where(gone, np.uint64(0), mask)]
    if scene.index >= 0:
        found.append(raw[scene.index_name].values)
    if scene.benefit >= 0:
        found.append(raw["benefit"].values)
    return found
