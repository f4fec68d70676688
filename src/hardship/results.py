"""From the machine's stores to the result columns of the contract: names, order, types, scales.

`docs/interfaces.md` lists the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hardship import rank
from hardship.errors import EngineError, Fault
from hardship.table import Assume, Ladder, Outcome, Show, Table

if TYPE_CHECKING:
    from hardship.kinds import Kind

Array = npt.NDArray[Any]

TRUE = 1  # the machine's Kleene byte: 1 true, 2 false, 0 missing
LADDER_MISSING = 255
MONEY = pl.Decimal(18, 2)
RANKS = ("rank", *(f"rank_{level}" for level in rank.AREA_LEVELS), "rank_circle")
LISTS = ("vetoes", "flags", "assumed", "missing")
PERSON_COLUMNS = ("household_id", "member_id", "rule", "outcome", "benefit_month")
REJECT_COLUMNS = ("file", "sheet", "line", "household_id", "member_id", "field", "value_class", "code",
                  "message_zh", "message_en")


def column_types(table: Table, detail: str, output_kinds: dict[str, Kind]) -> dict[str, pl.DataType]:
    """Names, order and types of the result columns of one table.

    Args:
        table: the scoring table.
        detail: `results` or `items` (adds a column for each item).
        output_kinds: kind of each `[[output]]`.
    """
    points = pl.Decimal(18, table.index[0].decimals if table.index else 0)
    types: dict[str, pl.DataType] = {
        **{name: pl.String() for name in ("household_id", "area_code", "outcome", "circle")},
        "position": pl.UInt32(), **{name: pl.UInt32() for name in RANKS}, "percentile": pl.Decimal(5, 2),
        "index": points, **{f"points_{group.id}": points for group in table.group}, "index_exact": pl.String(),
        "income_per_head": MONEY, "gap_to_next_line": MONEY, "benefit_month": MONEY,
        **{name: pl.String() for name in LISTS},
        **{f"index_{index.id}": pl.Decimal(18, index.decimals) for index in table.index[1:]},
        **{f"ladder_{ladder.id}": pl.String() for ladder in table.ladder if ladder.id != "circle"},
    }
    if table.exit is not None:
        types |= {"exit_months": pl.Int64(), "exit_amount": MONEY}
    if detail == "items":
        types |= {f"item_{item.id}": points for item in table.item}
    return types | {o.name: output_type(output_kinds[o.name], o.show) for o in table.output}


def output_type(kind: Kind, show: Show | None) -> pl.DataType:
    """The column type of an `[[output]]`."""
    match kind.type:
        case "number":
            return pl.Decimal(18, decimals_of(show.to if show else Fraction(1, 100)))
        case "bool":
            return pl.Boolean()
        case "date":
            return pl.Date()
        case _:
            return pl.String()


def decimals_of(step: Fraction) -> int:
    """How many decimals the multiples of `step` need (at most 9)."""
    for decimals in range(10):
        if (step * 10**decimals).denominator == 1:
            return decimals
    raise EngineError(Fault("common.engine", params={"what": f"step {step}"}))


def ladder_texts(ladder: Ladder, stored: Array) -> pl.Series:
    """A ladder's stored rung index (or mask, for `pick = "all"`) as ids; null where it is missing."""
    rungs = [rung.id for rung in ladder.rung]
    if ladder.pick == "all":
        named = mask_texts(stored, rungs, keep_order=True)
        return named.replace({"": ladder.otherwise.id})
    codes: list[str | None] = [*rungs, ladder.otherwise.id, None]
    return chosen_texts(codes, np.where(stored == LADDER_MISSING, len(codes) - 1, stored))


def ladder_outcomes(ladder: Ladder) -> list[Outcome]:
    """The outcome that each place of the circle ladder stands for, `otherwise` last."""
    return [*(rung.outcome or "meets" for rung in ladder.rung), ladder.otherwise.outcome or "does_not_meet"]


def assumed_attributes(table: Table) -> tuple[str, ...]:
    """The attributes for which the table puts an assumed value, sorted."""
    return tuple(sorted(name for name, policy in table.missing.items() if isinstance(policy, Assume)))


def households_with_null(frames: dict[Any, pl.DataFrame], level: str, attribute: str) -> Array:
    """(households,) bool: whether the attribute is missing in some row of the household.

    A column that the register does not have is missing in every row.
    """
    frame, households = frames[level], frames["household"].height
    null = (frame[attribute].is_null().to_numpy() if attribute in frame.columns
            else np.ones(frame.height, dtype=np.bool_))
    if level == "household":
        return null
    rows = frame[_parent(level)].to_numpy()[null]
    if level != "member":
        rows = frames["member"]["household"].to_numpy()[rows]
    found = np.zeros(households, dtype=np.bool_)
    found[rows] = True
    return found


def _parent(level: str) -> str:
    return "household" if level == "member" else "member"


@dataclass(frozen=True, slots=True)
class Areas:
    """The area codes of the households: distinct codes, and each household's index into them."""

    codes: list[str]
    of_row: Array

    @classmethod
    def of(cls, area_code: pl.Series) -> Areas:
        """Number the distinct codes; a missing code is −1."""
        codes = area_code.drop_nulls().unique().sort()
        places = area_code.to_frame("c").join(
            pl.DataFrame({"c": codes, "i": np.arange(len(codes), dtype=np.int64)}), on="c", how="left",
            maintain_order="left")["i"].fill_null(-1)
        return cls(codes.to_list(), places.to_numpy())


def rank_columns(
    keys: Sequence[rank.Key], chosen: Array, areas: Areas, circle: Array
) -> dict[str, pl.Series]:
    """`position`, all ranks and `percentile`; null for households that are not ranked.

    Args:
        keys: the table's rank keys over all households, which stand in the order of their ids.
        chosen: (n,) bool; who is ranked.
        areas: their area codes.
        circle: (n,) integers; place on the circle ladder, negative for none.
    """
    rows = len(chosen)
    ordered = rank.order(keys, chosen)
    position, overall = rank.positions(ordered, rows)
    found = {"position": position, "rank": overall}
    for level, length in rank.AREA_LEVELS.items():
        found[f"rank_{level}"] = rank.within(ordered, rank.area_groups(areas.codes, areas.of_row, length))
    found["rank_circle"] = rank.within(ordered, circle)
    columns = {name: nulled(pl.Series(v.astype(np.uint32)), v > 0) for name, v in found.items()}
    share = fixed_point(rank.percentile(overall, len(ordered.rows)), 5, 2)
    return columns | {"percentile": nulled(share, overall > 0)}


