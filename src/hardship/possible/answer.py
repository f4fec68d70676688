"""What an incomplete household may still come to, and what to ask first: the structure that every door gives out.

A missing fact never counts against a family: it leaves more than one thing possible, and this says which. Facts that
the table assumes, or takes as unknown, stay as they are; whole rows (a member nobody mentioned) are no facts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship import messages
from hardship.errors import EngineError, Fault
from hardship.explaining import values as words_of
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.wording import Wording
from hardship.language.fields import Level
from hardship.language.table import Ladder
from hardship.language.units import parse
from hardship.lowering import ops
from hardship.possible.desk import desk
from hardship.possible.facts import Fact, fact
from hardship.possible.next_question import best, parts
from hardship.possible.scene import DEFERRED, INCOMPLETE, REFUSED, RUNGS, Scene
from hardship.possible.search import Found, Point, Range, Search
from hardship.possible.witness import household_of, reached
from hardship.results import ladder_outcomes

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.register import Register
    from hardship.standards import Standards

Entry = dict[str, Any]
MOST_RUNGS = 56  # standings are bits of one word


def possible(register: Register, checked: Checked, standards: Standards, on: dt.date, lang: str = "en") -> Entry | None:
    """What the missing facts of one household leave possible.

    Args:
        register: this one household.

    Returns:
        None if nothing is missing. Else `facts`, `circles` (each with an `example` that reaches it), `may_change`,
        `index` and `benefit_month` (least and most), `rejected`, `ask_next`, `exact` (all of it: nothing else is
        possible, and each of these is), `text`. `docs/schemas/possible.json` is its schema.

    Raises:
        EngineError: the machine does not come to what the search found.
        TableError: a standard that holds for the household does not fit the table.
    """
    view = _Asked(register, checked, standards, on, lang)
    return view.entry() if view.facts else None


class _Asked:
    """One household's open questions under one table."""

    def __init__(self, register: Register, checked: Checked, standards: Standards, on: dt.date, lang: str) -> None:
        self.checked, self.on, self.lang = checked, on, lang
        self.desk = desk(checked, standards, on)
        self.household = household_of(register)
        self.table = checked.table
        self.words = Wording(checked.names, lang)
        self.program = self.desk.program
        circle = next((ladder for ladder in self.table.ladder if ladder.id == "circle"), None)
        single = circle is not None and circle.pick == "first" and len(circle.rung) <= MOST_RUNGS
        self.circle: Ladder | None = circle if single else None
        rejecting = {require.id for require in self.table.require if require.outside == "reject"}
        labels = tuple(k for k, name in enumerate(self.program.requires) if name in rejecting)
        places, single = self.desk.places, self.circle is not None
        self.scene = Scene(self.desk.plan, self.household, places, circle=single, rejecting=labels)
        self.facts: list[Fact] = []
        self._answers: dict[tuple[str, int], Entry] = {}
        self._ask(self.scene.missing(self.scene.now))

    def _ask(self, sinks: Sequence[int]) -> None:
        """Ask for the facts behind the missing sinks; and for those that only matter once these are known."""
        while sinks:
            found = list(self._open(sinks))
            if found == self.facts:
                return
            self.facts = found
            sinks = sorted({*sinks, *self.scene.ask(found)})

    def _open(self, sinks: Sequence[int]) -> Iterator[Fact]:
        """The empty cells behind some sinks, in the order of the dictionary and of the rows."""
        behind: set[str] = set()
        for number in sinks:
            sink = self.program.sinks[number]
            behind |= sink.attributes | ({"residence_type"} if sink.parameters else set())
        columns = {column.attribute: number for number, column in enumerate(self.program.columns)}
        for name, attribute in self.checked.names.attributes.items():
            if name not in behind or self.table.missing.get(name, "incomplete") != "incomplete":
                continue
            texts = self.program.columns[columns[name]].texts if name in columns else ()
            for row in range(self.scene.rows[ops.LEVEL[attribute.level]]):
                if self._empty(name, columns.get(name), row) and not self._left_out(attribute.level, row):
                    yield fact(attribute, row, self._place(attribute.level, row), self.on, texts)

    def _empty(self, name: str, column: int | None, row: int) -> bool:
        if column is not None:
            return not self.scene.columns.known[column][row]
        return name == "residence_type" and self.scene.residence == len(self.program.residences[0])

    def _left_out(self, level: Level, row: int) -> bool:
        """Whether a row belongs to a member who is not counted for certain."""
        if level == "household" or self.program.everyone or self.scene.counted < 0:
            return False
        member = row if level == "member" else int(self.scene.parents[ops.LEVEL[level] - 1][row])
        counted = self.scene.now[self.scene.counted]
        return int(counted[min(member, len(counted) - 1), 0]) == 1 << 2

    def _place(self, level: Level, row: int) -> tuple[str, str]:
        """A row's `id` and `who`, as in explanations."""
        if level == "household":
            return "", ""
        one = self.household
        children = one.supporters if level == "supporter" else one.transfers
        number = row if level == "member" else children[row]
        member = one.member_ids[number]
        if level == "member":
            return member, self._say("explain.who_member", member=member)
        place = children[: row + 1].count(number)
        if level == "transfer":
            return f"{member}#{place}", self._say("explain.who_transfer", member=member, own=place)
        own = one.supporter_ids[row]
        who = self._say("explain.who_supporter", member=member, own=own or place)
        return (f"{member}/{own}" if own else f"{member}#{place}"), who

    # --- the structure ---

    def entry(self) -> Entry:
        """Everything."""
        search = Search(self.scene, self.on)
        found = search.run()
        self._confirm(found)
        circles = self._circles(found.outer, found)
        index = self._range(found.index, self._den(self.scene.index_name), "")
        benefit = self._range(found.benefit, self._den("benefit"), "money/month")
        exact = found.settled and all(one is None or one["exact"] for one in (index, benefit))
        entry: Entry = {
            "exact": exact,
            "facts": [self._fact(one) for one in self.facts],
            "may_change": len(circles) > 1,
            "circles": circles,
            "circles_exact": found.settled,
            "index": index,
            "benefit_month": benefit,
            "rejected": found.rejected,
            "ask_next": self._next(search, found),
        }
        entry["text"] = self._sentences(entry)
        return entry

    def _say(self, code: str, **params: Any) -> str:
        return messages.text(code, self.lang, **params)

    def _den(self, store: str) -> int:
        return next((one.den for one in self.program.stores if one.name == store and one.part == "value"), 1)

    def _fact(self, one: Fact) -> Entry:
        attribute = one.attribute
        found: Entry = {
            "name": one.name, "title": attribute.title.text(self.lang), "level": one.level, "id": one.id,
            "who": one.who, "type": attribute.type, "unit": attribute.unit,
        }  # fmt: skip
        if attribute.values:
            found["values"] = [
                {"value": value.value, "title": self.words.option(one.name, value.value)} for value in attribute.values
            ]
        elif attribute.type not in ("bool", "code"):
            found["bounds"] = [words_of.exact(one.value(end)) for end in (one.low, one.high)]
        return found

    def _answer(self, one: Fact, answer: int) -> Entry:
        """One answer, for machines as JSON takes it, and for people."""
        known = self._answers.get((one.name, answer))
        if known is None:
            value = one.value(answer)
            shown = words_of.text(value, self.words, one.name, parse(one.attribute.unit))
            known = self._answers[one.name, answer] = {"value": words_of.exact(value), "text": shown}
        return known

    def _example(self, point: Point | None) -> list[Entry] | None:
        if point is None:
            return None
        return [
            {"name": one.name, "title": one.attribute.title.text(self.lang), "id": one.id, "who": one.who}
            | self._answer(one, answer)
            for one, answer in zip(self.facts, point, strict=True)
        ]

    def _circle(self, standing: int, found: Found) -> Entry:
        """A standing as circle and outcome, with an example if one was found."""
        circle: str | None = None
        outcome = {INCOMPLETE: "incomplete", REFUSED: "does_not_meet", DEFERRED: "needs_review"}.get(standing, "meets")
        if self.circle is not None and standing != INCOMPLETE:
            names = [*(rung.id for rung in self.circle.rung), self.circle.otherwise.id]
            circle = names[max(standing - RUNGS, -1)]
            if standing >= RUNGS:
                outcome = ladder_outcomes(self.circle)[standing - RUNGS]
        return {
            "circle": circle,
            "title": self.words.option("circle", circle) if circle is not None else "",
            "outcome": outcome,
            "outcome_text": self._say(OUTCOMES[outcome]),
            "example": self._example(found.standings.get(standing)),
        }

    def _circles(self, mask: int, found: Found) -> list[Entry]:
        """The standings of a mask, the rungs of the circle first and in their order.

        One entry for each circle and outcome: a household may come to both in several ways.
        """
        kept: dict[tuple[str | None, str], Entry] = {}
        for standing in (*range(RUNGS, 64), DEFERRED, REFUSED, INCOMPLETE):
            if mask >> standing & 1:
                one = self._circle(standing, found)
                key = one["circle"], one["outcome"]
                if key not in kept or kept[key]["example"] is None:
                    kept[key] = one
        return list(kept.values())

    def _range(self, one: Range | None, den: int, unit: str) -> Entry | None:
        if one is None or not one.least_at:
            return None
        kind = parse(unit)

        def shown(stored: int) -> Any:
            return words_of.decimal(Fraction(stored, den), kind) if unit else words_of.exact(Fraction(stored, den))

        return {
            "least": shown(one.outer[0]), "most": shown(one.outer[1]), "exact": one.exact,
            "found": {"least": shown(one.least), "most": shown(one.most)},
            "least_example": self._example(one.least_at), "most_example": self._example(one.most_at),
        }  # fmt: skip

    def _next(self, search: Search, found: Found) -> Entry:
        """The question whose answer settles most, and what each answer leaves."""
        number = best(search)
        one = self.facts[number]
        answers = []
        for first, last, mask in parts(search, number):
            entry: Entry = {"from": self._answer(one, first), "to": self._answer(one, last)}
            entry["circles"] = [
                {key: circle[key] for key in ("circle", "title", "outcome", "outcome_text")}
                for circle in self._circles(mask, found)
            ]
            answers.append(entry)
        return {**self._fact(one), "answers": answers}

    def _sentences(self, entry: Entry) -> list[str]:
        """The same for people, as an official would write it."""
        listed = self._say("explain.w_or_list")

        def named(circles: list[Entry]) -> str:
            titles = dict.fromkeys(one["title"] or one["outcome_text"] for one in circles)
            return listed.join(self._say("explain.w_quoted", text=title) for title in titles)

        after, codes = entry["circles"], []
        if entry["may_change"]:
            code = "possible.may_change" if entry["circles_exact"] else "possible.may_change_bound"
            codes.append(self._say(code, circles=named(after)))
        elif after:
            codes.append(self._say("possible.settled", circle=named(after)))
        for key, unit, code in (("index", "", "possible.index"), ("benefit_month", "money/month", "possible.benefit")):
            one = entry[key]
            if one is not None:
                least, most = (
                    words_of.text(Fraction(one[end]), self.words, unit=parse(unit)) for end in ("least", "most")
                )
                same = "possible.same" if least == most else "possible.between"
                codes.append(self._say(code, range=self._say(same, least=least, most=most)))
        if entry["rejected"]:
            codes.append(self._say("possible.rejected"))
        asked = entry["ask_next"]
        codes.append(self._say("possible.ask_next", title=asked["title"], who=self._inside(asked["who"])))
        return codes

    def _inside(self, who: str) -> str:
        return self._say("explain.w_inside", text=who) if who else ""

    # --- the proof ---

    def _confirm(self, found: Found) -> None:
        """Hold the machine to every example."""
        points = [*found.standings.values()]
        ranges = [one for one in (found.index, found.benefit) if one is not None and one.least_at]
        points += [at for one in ranges for at in (one.least_at, one.most_at)]
        distinct = list(dict.fromkeys(points))
        if not distinct:
            return
        got = reached(self.desk, self.household, self.facts, distinct, self.scene)
        array = np.array(distinct, np.int64).T
        seen = self.scene.look(array, array)
        told = [seen.standings, *(bounds[0] for bounds in (seen.index, seen.benefit) if bounds is not None)]
        complete = seen.standings > 1
        for mine, machine in zip(told, got, strict=True):
            if not np.array_equal(np.where(complete, mine, 0), np.where(complete, machine, 0)):
                raise EngineError(Fault("explain.differ", params={"name": "possible"}))
