"""The columns that say what is missing, assumed, flagged and vetoed, each as names joined by `;`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.engine import kernels_results as kernels
from hardship.language.fields import Assume
from hardship.language.table import Table
from hardship.lowering.program import incomplete as incomplete_rows
from hardship.lowering.program import missing_behind
from hardship.sheet import Column, bit_texts, marked, own_texts, patterns, spelled, text_column

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.engine.machine import Raw
    from hardship.lowering.bind import Columns
    from hardship.lowering.ops import Program
    from hardship.register import Register


def list_columns(
    register: Register, checked: Checked, columns: Columns, raw: Raw, run_flags: Sequence[str]
) -> dict[str, Column]:
    """`missing`, `assumed`, `flags`, and `household_id`; `vetoes` of a table with vetoes only."""
    program, rows = columns.program, columns.rows[0]
    found = {
        "household_id": own_texts(register.frames["household"]["household_id"]),
        "missing": missing_column(program, raw, columns),
        "assumed": marked(rows, assumed_rows(register, checked)),
        "flags": marked(rows, flag_rows(register, program, raw, run_flags)),
    }
    return found | ({"vetoes": bit_texts(raw["veto"].values, program.vetoes)} if "veto" in raw else {})


def missing_column(program: Program, raw: Raw, columns: Columns) -> Column:
    """The attributes missing behind the missing sinks of each incomplete household; place 0 for the complete ones."""
    place = np.zeros(columns.rows[0], dtype=np.uint32)
    if "missing" not in raw:
        return text_column([""], place)
    rows = np.flatnonzero(incomplete_rows(raw))
    names, planes = missing_behind(program, raw, columns)
    pattern, first = patterns(planes, np.arange(len(rows)))
    place[rows] = pattern + np.uint32(1)
    return Column(pl.String(), place, None, spelled(planes, first, names))


def assumed_rows(register: Register, checked: Checked) -> list[tuple[Array, str]]:
    """Which households lack which of the attributes that the table assumes."""
    levels = {name: checked.names.attributes[name].level for name in assumed_attributes(checked.table)}
    return [(households_with_null(register.frames, level, name), name) for name, level in levels.items()]


def assumed_attributes(table: Table) -> tuple[str, ...]:
    """The attributes for which the table puts an assumed value, sorted."""
    return tuple(sorted(name for name, policy in table.missing.items() if isinstance(policy, Assume)))


def households_with_null(frames: dict[Any, pl.DataFrame], level: str, attribute: str) -> Array:
    """The households, maybe more than once, in some row of which the attribute is missing.

    A column that the register does not have is missing in every row.
    """
    frame = frames[level]
    rows: Array = np.arange(frame.height)
    if attribute in frame.columns:
        rows = null_rows(frame[attribute])
    if level == "household":
        return rows
    rows = frame[_parent(level)].to_numpy()[rows]
    return rows if level == "member" else frames["member"]["household"].to_numpy()[rows]


def null_rows(series: pl.Series) -> Array:
    """(nulls,) int64: where a column is null."""
    found = np.empty(series.null_count(), dtype=np.int64)
    if len(found):
        bits = series.is_null().rechunk().to_arrow()
        kernels.set_bits(np.frombuffer(bits.buffers()[1], dtype=np.uint8), bits.offset, len(bits), found)
    return found


def _parent(level: str) -> str:
    return "household" if level == "member" else "member"


def flag_rows(register: Register, program: Program, raw: Raw, run_flags: Sequence[str]) -> list[tuple[Array, str]]:
    """Which rows carry which flag: the register's, the requires', the run's."""
    ids = register.frames["household"]["household_id"]
    found: list[tuple[Array, str]] = []
    for (flag,), part in register.flags.group_by("flag", maintain_order=True):
        found.append((ids.search_sorted(part["household_id"]).to_numpy(), str(flag)))
    for label, name in enumerate(program.requires):
        found.append((np.flatnonzero(plane_bit(raw["require"].values, label)), f"require:{name}"))
    return found + [(np.arange(len(ids)), flag) for flag in run_flags]


def plane_bit(planes: Array, label: int) -> Array:
    """(rows,) bool: one label of bit planes."""
    bit: Array = (planes[label // 8] >> (label % 8) & 1).astype(np.bool_)
    return bit
