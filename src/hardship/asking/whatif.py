"""What if: one household with other facts, or under other lines; both results, and what is different."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hardship import messages
from hardship.asking.lines import changed, settings
from hardship.asking.patch import facts_only, patched
from hardship.asking.side import Side, side
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.wording import Wording
from hardship.possible.answer import possible
from hardship.register import from_dicts
from hardship.results_json import Record
from hardship.single.held import Held
from hardship.single.prepared import RejectedError

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.standards import Standards

Entry = dict[str, Any]
PLAIN = {
    "outcome": "asking.outcome",
    "income_per_head": "asking.income_per_head",
    "gap_to_next_line": "asking.gap_to_next_line",
    "benefit_month": "asking.benefit_month",
    "vetoes": "asking.vetoes",
    "flags": "asking.flags",
    "assumed": "asking.assumed",
    "missing": "asking.missing",
    "exit_months": "asking.exit_months",
    "exit_amount": "asking.exit_amount",
    "review_on": "report.c_review_on",
    "held": "report.c_held",
}
UNTOLD = ("household_id", "area_code", "index_exact", "position", "percentile")
"""Columns that say nothing of one household alone, or the same as another; the ranks neither."""


def what_if(
    document: Mapping[str, Any],
    facts: Any,
    lines: Any,
    checked: Checked,
    standards: Standards,
    on: dt.date,
    lang: str = "en",
    *,
    forced: bool = False,
    nearest: bool = True,
) -> Entry:
    """One household before and after changes.

    Args:
        document: the household, decoded JSON as for scoring.
        facts: changed facts, as `patch.patched` takes them.
        lines: changed lines, `{"dibao_standard": "+10%"}`.
        nearest: also look for the nearest single changes that would then move the circle.

    Returns:
        `before`, `after` (`status` `scored` with `result` and `persons`, or `rejected` with `errors`), `changes` (every
        column that differs: `name`, `title`, `from`, `to`), `text` in sentences, `missing` (see `possible`) where the
        household is then incomplete, `nearest_changes` as in an explanation, `run`.

    Raises:
        UsageError: a change or a line is wrong. RegisterError: the household or the changed one cannot be read.
        TableError: a standard does not fit the table.
    """
    setting = settings(lines)
    other = patched(document, facts)
    then_table, then_standards = checked, standards
    if setting.changes:
        then_table, then_standards = changed(checked, standards, on, _area(other), setting)
    first = side(checked, standards, on, forced=forced)
    second = side(then_table, then_standards, on, forced=forced)
    # Without other lines the household is read once, and only what is changed is written over.
    puts = facts_only(facts) if first is second else None
    held = first.held(document)
    before = _result(held, lang)
    if puts is None:
        held = second.held(other)
    for put in puts or ():
        held.put(*put)
    after = _result(held, lang)
    found: Entry = {"before": before, "after": after, "run": first.prepared.run, "nearest_changes": []}
    found["changes"] = list(differences(then_table, before, after, lang))
    found["text"] = list(_sentences(found["changes"], lang))
    if after["status"] == "scored":
        if after["result"]["outcome"] == "incomplete":
            register = from_dicts(other, then_table.names.attributes, on)
            found["missing"] = possible(register, then_table, then_standards, on, lang)
        elif nearest:
            found["nearest_changes"] = _nearest(second, other, lang)
    return found


def _area(document: Mapping[str, Any]) -> str:
    household = document.get("household")
    return str(household.get("area_code", "")) if isinstance(household, dict) else ""


def _result(held: Held, lang: str) -> Entry:
    """The result of one side, or why there is none."""
    try:
        result, persons = held.result()
    except RejectedError as error:
        errors = [
            {"code": f"register.{row['code']}", "field": row["field"], "detail": row[f"message_{lang}"]}
            for row in error.rows
        ]
        return {"status": "rejected", "errors": errors}
    return {"status": "scored", "result": result, "persons": persons}


def _nearest(of: Side, document: Mapping[str, Any], lang: str) -> list[Entry]:
    explained = json.loads(of.prepared.answer(document, lang, "full"))["explanation"]
    changes: list[Entry] = explained["nearest_changes"]
    return changes


def differences(checked: Checked, before: Entry, after: Entry, lang: str) -> Iterator[Entry]:
    """Every column whose value differs, in the order of the results; then person rows."""
    first: Record = before.get("result", {})
    second: Record = after.get("result", {})
    titles = _Titles(checked, lang)
    for name in dict.fromkeys([*first, *second]):
        old, new = first.get(name), second.get(name)
        if old != new and name not in UNTOLD and not name.startswith("rank"):
            yield {
                "name": name, "title": titles.column(name), "from": old, "to": new,
                "from_text": titles.value(name, old), "to_text": titles.value(name, new),
            }  # fmt: skip
    yield from _persons(before.get("persons", []), after.get("persons", []), titles)


def _persons(before: list[Record], after: list[Record], titles: _Titles) -> Iterator[Entry]:
    old = {(one["member_id"], one["rule"]): one for one in before}
    new = {(one["member_id"], one["rule"]): one for one in after}
    for key in dict.fromkeys([*old, *new]):
        member, rule = key
        for column in ("outcome", "benefit_month"):
            first, second = (rows.get(key, {}).get(column) for rows in (old, new))
            if first != second:
                yield {
                    "name": f"person_{rule}_{column}", "id": member, "title": titles.person(rule or "", column, member),
                    "from": first, "to": second,
                    "from_text": titles.value(column, first), "to_text": titles.value(column, second),
                }  # fmt: skip


class _Titles:
    """Columns and values in words."""

    def __init__(self, checked: Checked, lang: str) -> None:
        self.checked, self.lang = checked, lang
        self.words = Wording(checked.names, lang)
        table = checked.table
        self.own = {f"points_{group.id}": group.title for group in table.group}
        self.own |= {f"item_{item.id}": item.title for item in table.item}
        self.own |= {f"index_{index.id}" if place else "index": index.title for place, index in enumerate(table.index)}
        self.own |= {"circle" if one.id == "circle" else f"ladder_{one.id}": one.title for one in table.ladder}
        self.people = {person.id: person.title for person in table.person}

    def column(self, name: str) -> str:
        if name in PLAIN:
            return messages.text(PLAIN[name], self.lang)
        return self.own[name].text(self.lang) if name in self.own else self.words.name(name)

    def person(self, rule: str, column: str, member: str | None) -> str:
        who = messages.text("explain.who_member", self.lang, member=member)
        return f"{who} {self.people[rule].text(self.lang)} {self.column(column)}"

    def value(self, name: str, value: str | None) -> str:
        """A value for people; a dash for none."""
        if value is None or value == "":
            return "—"
        if name == "outcome":
            return messages.text(OUTCOMES[value], self.lang)
        joined = messages.text("explain.w_or_list", self.lang)
        if name == "circle" or name.startswith("ladder_"):
            ladder = name.removeprefix("ladder_")
            return joined.join(self.words.option(ladder, one) for one in value.split(";"))
        if name in ("missing", "assumed"):
            return joined.join(self.words.name(one) for one in value.split(";"))
        return value


def _sentences(changes: list[Entry], lang: str) -> Iterator[str]:
    """What changed, for people; one sentence if nothing did."""
    told = [one for one in changes if not one["name"].startswith(("item_", "points_", "person_"))]
    if not changes:
        yield messages.text("asking.nothing", lang)
    for one in told:
        yield messages.text("asking.changed", lang, title=one["title"], before=one["from_text"], after=one["to_text"])
