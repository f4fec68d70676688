"""The nearest single changes of one household, judged as lanes of one block (`explaining.nearest` is the long way)."""

from __future__ import annotations

from hardship.explaining.nearest import GOOD
from hardship.explaining.search import CONFIRMED, NUMBERS, SEARCHED
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.view import Told
from hardship.lowering.ops import Program
from hardship.reference.static import Statics
from hardship.results import LADDER_MISSING, TRUE, ladder_outcomes
from hardship.single import plan_facts
from hardship.single.runner import Places, Runner
from hardship.single.scene import Scene
from hardship.single.show import Template, dumps, holes, listed
from hardship.single.variants import Change, Variants

Standing = tuple[str, str | None]
"""Outcome and circle."""
MOST_KEPT = 4_096
HOLES = (
    "better", "circle", "circle_title", "from", "id", "outcome", "outcome_text", "result_text", "to", "who",
)  # fmt: skip


class Nearest:
    """Finds the changes for households of one prepared table.

    Args:
        runner, places: of the program with detail `standing`.
    """

    def __init__(self, told: Told, program: Program, runner: Runner, places: Places) -> None:
        self.told, table = told, told.table
        statics = Statics(table, told.names)
        used = statics.behind("refused") | statics.behind("deferred") | statics.behind("circle")
        kinds = (*NUMBERS, "bool", "enum")
        self.attributes = {
            name: one for name, one in told.names.attributes.items() if name in used and one.type in kinds
        }
        self.facts = {name: plan_facts.Fact(told, one) for name, one in self.attributes.items()}
        self.templates = {
            name: Template(
                {
                    "name": name,
                    "title": one.title.text(told.lang),
                    "type": one.type,
                    "level": one.level,
                    "unit": one.unit,
                }
                | holes(*HOLES),
                HOLES,
            )
            for name, one in self.attributes.items()
        }
        self.circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
        self.rungs: list[str] = []
        if self.circle is not None:
            self.rungs = [*(rung.id for rung in self.circle.rung), self.circle.otherwise.id]
        rejecting = [require.id for require in table.require if require.outside == "reject"]
        self.rejecting = [
            (plane, sum(1 << bit for bit, name in enumerate(program.requires[8 * plane : 8 * plane + 8])
             if name in rejecting))
            for plane in range(len(runner.layout.planes["require"]))
        ]  # fmt: skip
        self.variants = Variants(self.attributes, runner, places)
        self._said: dict[tuple[Standing, Standing], tuple[bytes, ...]] = {}
        self._whole: dict[tuple[str, int], bytes] = {}
        self._afters: dict[bytes, Standing | None] = {}

    def json(self, scene: Scene, outcome: str, circle: str | None) -> bytes:
        """The list of changes as JSON; empty for an incomplete household."""
        if outcome == "incomplete":
            return b"[]"
        members = len(scene.household.member_ids)
        entries = []
        for change in self.variants.changes(scene.household, SEARCHED // members)[: CONFIRMED // members]:
            after = self._after(change.standing)
            if after is not None and after != (outcome, circle):
                entries.append(self._entry(scene, change, (outcome, circle), after))
        return listed(entries)

    def _after(self, standing: bytes) -> Standing | None:
        """Outcome and circle of a standing; None where the household is set aside or incomplete."""
        if standing not in self._afters:
            if len(self._afters) >= MOST_KEPT:
                self._afters.clear()
            self._afters[standing] = self._told_after(standing)
        return self._afters[standing]

    def _told_after(self, standing: bytes) -> Standing | None:
        set_aside, refused, deferred, *rest = standing
        planes = rest[1:] if self.circle is not None else rest
        if set_aside or any(planes[plane] & mask for plane, mask in self.rejecting):
            return None
        place = rest[0] if self.circle is not None else LADDER_MISSING
        circle = None if place == LADDER_MISSING else self.rungs[place]
        if refused == TRUE:
            return "does_not_meet", circle
        if deferred == TRUE:
            return "needs_review", circle
        return ("meets" if self.circle is None else ladder_outcomes(self.circle)[place]), circle

    def _entry(self, scene: Scene, change: Change, before: Standing, after: Standing) -> bytes:
        (name, level, row), stored, then, _ = change
        better, circle, title, outcome, outcome_text, result_text = self._words(before, after)
        given = (
            better, circle, title, self._value(name, stored), scene.ids[level][row], outcome, outcome_text, result_text,
            self._value(name, then), scene.who[level][row],
        )  # fmt: skip
        return self.templates[name].fill(given)

    def _value(self, name: str, stored: int) -> bytes:
        """A fact's value in all its forms."""
        key = name, stored
        found = self._whole.get(key)
        if found is None:
            if len(self._whole) >= MOST_KEPT:
                self._whole.clear()
            fact = self.facts[name]
            value, exact, text = fact.json(stored)
            parts = exact, text, fact.unit_json, value
            found = self._whole[key] = b'{"exact":%b,"text":%b,"unit":%b,"value":%b}' % parts
        return found

    def _words(self, before: Standing, after: Standing) -> tuple[bytes, ...]:
        """Whether it is better, the circle and its title, the outcome and its text, and both as one sentence."""
        key = before, after
        found = self._said.get(key)
        if found is None:
            told, (outcome, circle) = self.told, after
            better = self._rank(*after) < self._rank(*before)
            title = told.text(circle, name="circle") if circle is not None else ""
            outcome_text = told.say(OUTCOMES[outcome])
            if circle is None or circle == before[1]:
                result = told.say("explain.nearest_outcome", outcome=outcome_text)
            else:
                result = told.say("explain.nearest_circle", circle=title, outcome=outcome_text)
            found = tuple(dumps(one) for one in (better, circle, title, outcome, outcome_text, result))
            self._said[key] = found
        return found

    def _rank(self, outcome: str, circle: str | None) -> tuple[int, int]:
        """Lower is nearer to help: by outcome, then by the ladder's order."""
        rungs = self.rungs[:-1]
        return GOOD.index(outcome), rungs.index(circle) if circle in rungs else len(rungs)
