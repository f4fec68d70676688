"""From the reference's outcomes to result columns as CSV texts: ranks by `sorted`, decimals from integers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cmp_to_key, partial
from typing import TYPE_CHECKING, Any, Protocol

from hardship.language.names import Names
from hardship.language.table import RankKey, Table
from hardship.reference.evaluate import Outcome, Reference
from hardship.reference.static import Statics
from hardship.reference.values import Value, rounded

if TYPE_CHECKING:
    from hardship.standards import Standards

AREAS = {"rank_province": 2, "rank_city": 4, "rank_county": 6, "rank_township": 9, "rank_village": 12}
RANK_COLUMNS = ("position", "rank", *AREAS, "rank_circle", "percentile")
Compare = Callable[[tuple[Value, ...], tuple[Value, ...]], int]


def decimal_text(value: Fraction | None, decimals: int) -> str:
    """A number rounded half up to so many decimals, all of them written; empty for None."""
    if value is None:
        return ""
    units = rounded(value, Fraction(1, 10**decimals), "half_up") * 10**decimals
    digits = str(abs(int(units))).rjust(decimals + 1, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def exact_text(value: Value) -> str:
    """Any value exactly: `61`, `5/9`, `true`, `2018-07-01`, a rung; ids of a set sorted; empty for None."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dt.date():
            return value.isoformat()
        case frozenset():
            return ";".join(sorted(value))
        case _:
            return str(value)


def columns(table: Table, outcome: Outcome, detail: str = "results") -> dict[str, str]:
    """All result columns of one household but its ranks; null is the empty text."""
    done = outcome
    full = not done.incomplete
    index = table.index[0] if table.index else None

    def points(value: Fraction | None) -> str:
        return decimal_text(value, index.decimals if index else 0) if full else ""

    def money(value: Fraction | None) -> str:
        return decimal_text(value, 2) if full else ""

    main = done.values[index.id, ()] if index else None
    flags = [f"require:{name}" for name, hit in done.requires.items() if hit]
    row = {
        "household_id": done.household_id,
        "area_code": done.area_code,
        "outcome": done.outcome,
        "circle": (done.circle or "") if full else "",
        "index": points(_number(main)),
        "index_exact": exact_text(main) if full else "",
        "income_per_head": money(done.income_per_head),
        "gap_to_next_line": money(done.gap),
        "benefit_month": money(done.benefit),
        "vetoes": ";".join(sorted(veto for veto, hit in done.vetoes.items() if hit)),
        "flags": ";".join(sorted(flags)),
        "assumed": ";".join(done.assumed),
        "missing": ";".join(done.missing),
    }
    main_id = index.id if index else ""
    for group in table.group:
        row[f"points_{group.id}"] = points(done.groups[group.id, main_id])
    for other in table.index[1:]:
        value = _number(done.values[other.id, ()])
        row[f"index_{other.id}"] = decimal_text(value, other.decimals) if full else ""
    for ladder in table.ladder:
        if ladder.id != "circle":
            order = [*(rung.id for rung in ladder.rung), ladder.otherwise.id]
            row[f"ladder_{ladder.id}"] = _rungs(done.values[ladder.id, ()], order) if full else ""
    if table.exit is not None:
        row["exit_months"] = decimal_text(done.exit_months, 0) if full else ""
        row["exit_amount"] = money(done.exit_amount)
    if table.review is not None:
        row["review_on"] = exact_text(done.review_on) if full else ""
        if table.review.holds is not None:
            row["held"] = exact_text(done.held) if full else ""
    if detail == "items":
        for item in table.item:
            row[f"item_{item.id}"] = points(done.items[item.id, main_id])
    for output in table.output:
        shown = done.outputs[output.name]
        decimals = _decimals(output.show.to) if output.show else 2
        text = decimal_text(shown, decimals) if isinstance(shown, Fraction) else exact_text(shown)
        row[output.name] = text if full else ""
    return row


def ranked(table: Table, statics: Statics, outcomes: Iterable[Outcome]) -> dict[str, dict[str, str]]:
    """Position, ranks and percentile by household id, for the households that the table ranks."""
    among = [done for done in outcomes if not done.rejected and not done.incomplete and done.among]
    compare = comparison(table, statics)
    by_id = sorted(among, key=lambda done: done.household_id.encode())
    order = sorted(by_id, key=cmp_to_key(partial(_compared, compare)))
    places = Places()
    found = {done.household_id: places.next(done) for done in order}
    for row in found.values():
        row["percentile"] = percentile(int(row["rank"]), len(order))
    return found


def percentile(rank: int, ranked: int) -> str:
    """How many of a hundred stand before a rank, of so many that are ranked."""
    return decimal_text(Fraction(10_000 * (rank - 1) // ranked, 100), 2)


def comparison(table: Table, statics: Statics) -> Compare:
    """Compares the rank keys of two households: negative if the first stands before the second."""
    return _comparison(table.rank.keys, [statics.order(key.value.node) for key in table.rank.keys])


class Standing(Protocol):
    """What the ranks of a household follow from."""

    @property
    def household_id(self) -> str: ...
    @property
    def area_code(self) -> str: ...
    @property
    def circle(self) -> str | None: ...
    @property
    def keys(self) -> tuple[Value, ...]: ...


class Places:
    """Position and competition ranks (1, 1, 3), all but the percentile, of households that come in their order."""

    def __init__(self) -> None:
        self._position = 0
        self._last: dict[tuple[str, str], tuple[int, int, tuple[Value, ...]]] = {}

    def next(self, done: Standing) -> dict[str, str]:
        """Of the next household; a rank is empty where it has no such group."""
        self._position += 1
        row = {"position": str(self._position), "rank": self._rank("rank", "", done)}
        for column, length in AREAS.items():
            within = len(done.area_code) >= length
            row[column] = self._rank(column, done.area_code[:length] if within else None, done)
        row["rank_circle"] = self._rank("rank_circle", done.circle, done)
        return row

    def _rank(self, column: str, group: str | None, done: Standing) -> str:
        if group is None:
            return ""
        count, place, keys = self._last.get((column, group), (0, 0, ()))
        place = place if count and keys == done.keys else count + 1
        self._last[column, group] = (count + 1, place, done.keys)
        return str(place)


def _compared(compare: Compare, a: Outcome, b: Outcome) -> int:
    return compare(a.keys, b.keys)


def results(
    table: Table,
    names: Names,
    standards: Standards,
    on: dt.date,
    households: Iterable[Mapping[str, Any]],
    detail: str = "results",
) -> list[dict[str, str]]:
    """The result columns of a register as CSV texts (null empty), by `household_id`; no rejected ones."""
    reference = Reference(table, names, standards, on)
    outcomes = [reference.evaluate(household) for household in households]
    return table_of(table, reference.ground.statics, outcomes, detail)


def table_of(
    table: Table, statics: Statics, outcomes: Sequence[Outcome], detail: str = "results"
) -> list[dict[str, str]]:
    """The result columns of outcomes already computed."""
    ranks = ranked(table, statics, outcomes)
    unranked = dict.fromkeys(RANK_COLUMNS, "")
    kept = [done for done in outcomes if not done.rejected]
    kept.sort(key=lambda done: done.household_id.encode())
    return [columns(table, done, detail) | ranks.get(done.household_id, unranked) for done in kept]


def person_rows(outcomes: Iterable[Outcome], households: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The rows of `persons` as CSV texts, sorted by household, member and rule."""
    found = [
        {
            "household_id": done.household_id,
            "member_id": household["members"][person.member]["member_id"],
            "rule": person.rule,
            "outcome": person.outcome,
            "benefit_month": decimal_text(person.benefit, 2),
        }
        for done, household in zip(outcomes, households, strict=True)
        for person in done.persons
    ]
    ids = ("household_id", "member_id", "rule")
    return sorted(found, key=lambda row: tuple(row[key].encode() for key in ids))


def _comparison(keys: Sequence[RankKey], orders: Sequence[tuple[str, ...]]) -> Compare:
    """Compares the rank keys of two households: negative if the first stands before the second."""

    def compare(a: tuple[Value, ...], b: tuple[Value, ...]) -> int:
        for key, order, left, right in zip(keys, orders, a, b, strict=True):
            if left == right:
                continue
            if left is None or right is None:
                return -1 if (left is None) == (key.nulls == "first") else 1
            low, high = _place(left, order), _place(right, order)
            return -1 if (low < high) == (key.order == "ascending") else 1
        return 0

    return compare


def _place(value: Value, order: tuple[str, ...]) -> Any:
    return order.index(value) if isinstance(value, str) else value


def _rungs(value: Value, order: Sequence[str]) -> str:
    if isinstance(value, frozenset):
        return ";".join(rung for rung in order if rung in value)
    return exact_text(value)


def _decimals(step: Fraction) -> int:
    """How many decimals a multiple of `step` needs (at most nine)."""
    return next((n for n in range(10) if (step * 10**n).denominator == 1), 9)


def _number(value: Value) -> Fraction | None:
    assert value is None or isinstance(value, Fraction)
    return value
