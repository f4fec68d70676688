"""An explanation laid out once for a table, a day and a language, then filled in from the machine's stores.

The bytes are those of `explaining.explain.explain`, which works every value out by the reference; tests compare the
two. Here nothing is worked out: the machine stores every value that is shown.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hardship import __version__
from hardship.checking.check import Checked
from hardship.explaining import compact
from hardship.explaining.explain import DIRECTIONS, NO_CIRCLE
from hardship.explaining.facts import constants, parameter_entries
from hardship.explaining.reasons import reasons
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.view import STATUSES, Told
from hardship.lowering.explained import lower_explained
from hardship.lowering.ops import Program
from hardship.reference.values import Parameters
from hardship.single import plan_facts, plan_steps
from hardship.single.household import Household
from hardship.single.lanes import Layout
from hardship.single.plan_facts import whole
from hardship.single.plan_inputs import InputsPlan
from hardship.single.plan_items import NULL
from hardship.single.plan_lines import LadderPlan
from hardship.single.plan_points import IndexPlan
from hardship.single.plan_steps import MONTHLY, ComputedPlan
from hardship.single.record import Found
from hardship.single.runner import Prefixes
from hardship.single.scene import Namer, Scene
from hardship.single.show import CUT, Template, Wants, dumps, holes, inside, listed
from hardship.single.states import Memory, Shown
from hardship.single.texts import Named, named, put

if TYPE_CHECKING:
    from hardship.standards import Standards

MOST_PLACES = 1_024


class Plan:
    """One table in one language.

    Attributes:
        program: stores everything that is shown; the same for every language.
    """

    def __init__(self, checked: Checked, standards: Standards, on: dt.date, lang: str) -> None:
        self.told = told = Told(checked, on, lang)
        self.wants = wants = Wants()
        table = checked.table
        self.parameters = Parameters(table.parameter, standards.rows, on)
        self._prefixes = Prefixes(table.parameter, standards)
        self._parameters: dict[tuple[str, str | None], tuple[bytes, bytes]] = {}
        room = wants.room
        self.inputs = InputsPlan(told, room)
        self.members = plan_facts.members(told, wants)
        self.absent = plan_facts.Absent(told, room)
        self.lookups, self.conversions = plan_facts.lookups(told, wants), plan_facts.conversions(told, wants)
        self.derived = [ComputedPlan(told, wants, derive, derive.name, derive.level) for derive in table.derive]
        self.outputs = [ComputedPlan(told, wants, output, output.name, "household") for output in table.output]
        self.clauses = plan_steps.ClausesPlan(told, wants, compact.VETO)
        self.indices = [IndexPlan(told, wants, index) for index in table.index]
        self.ladders = {ladder.id: LadderPlan(told, wants, ladder, compact.LINE) for ladder in table.ladder}
        self.circle = self.ladders.pop("circle", None)
        self.benefit = plan_steps.BenefitPlan(told, wants)
        self.persons = plan_steps.PersonsPlan(told, wants)
        self.order = plan_steps.OrderPlan(told, wants)
        self.namer = Namer(told, room)
        self.income = self.gap = None
        if table.results.income_per_head is not None:
            self.income = wants.shower(told, wants.name("income_per_head", "household"), MONTHLY)
        if self.circle is not None:
            self.gap = wants.shower(told, wants.name("gap", "household"), MONTHLY)
        amounts = [shower.ref for shower in (self.income, self.gap) if shower is not None]
        self._amount_states = wants.states(amounts, short=False)
        self.amounts = Shown(room, self._amount_states, self._amounts)
        self._told: Memory[Named] = Memory(room)
        self._outcomes = {name: (dumps(name), dumps(told.say(code))) for name, code in OUTCOMES.items()}
        self._whole(standards)

    def _whole(self, standards: Standards) -> None:
        told, identity = self.told, self.told.table.table
        fixed = {
            "schema": 1,
            "engine": __version__,
            "lang": told.lang,
            "table": {
                "id": identity.id,
                "version": identity.version.isoformat(),
                "title": identity.title.text(told.lang),
                "place": identity.place.zh if told.lang == "zh" else identity.place.en,
                "note": identity.note.text(told.lang) if identity.note is not None else "",
                "direction": identity.direction,
                "direction_text": told.say(DIRECTIONS[identity.direction]),
                "status": identity.default_status,
                "status_text": told.say(STATUSES[identity.default_status]),
                "sha256": told.checked.sha256,
            },
            "standards_sha256": standards.sha256,
            "on": told.on.isoformat(),
            "constants": constants(told),
        }
        self.names = (
            "area_code", "assumed", "benefit", "circle", "conversions", "deferred", "derived", "facts_dated", "flags",
            "gap_to_next_line", "groups", "household_id", "income_per_head", "index", "index_exact", "indices",
            "inputs", "ladders", "lookups", "members", "missing", "nearest_changes", "order", "outcome",
            "outcome_text", "outputs", "parameters", "persons", "reasons", "refused", "requires", "vetoes",
        )  # fmt: skip
        self.template = Template(fixed | holes(*self.names), self.names)
        self.names_short = (
            "assumed", "benefit", "circle", "deferred", "derived", "flags", "groups", "index", "index_exact", "indices",
            "inputs", "ladders", "missing", "outcome", "outcome_text", "parameters", "persons", "reasons", "refused",
            "vetoes",
        )  # fmt: skip
        self.short = Template({"schema": 1, "lang": told.lang} | holes(*self.names_short), self.names_short)
        self._nothing = dumps(told.shown(None, MONTHLY))
        self._no_circle = dumps(NO_CIRCLE), dumps({key: NO_CIRCLE[key] for key in ("id", "title", "lines")})

    def program(self) -> Program:
        """Lower the table with everything that this plan shows."""
        return lower_explained(self.told.checked, self.wants.wanted, self.told.lang)

    def bind(self, layout: Layout) -> bool:
        """Find every store in the program; False if a code is shown as a value: the machine does not hold its text."""
        if "gap" not in layout.slots:  # no line of the circle is an amount of money
            self.wants.refs = [ref for ref in self.wants.refs if ref.name != "gap"]
            self.gap = None
            self._amount_states.refs = [ref for ref in self._amount_states.refs if ref.name != "gap"]
        for ref in self.wants.refs:
            ref.bind(layout)
        return all(ref.slot.type != "code" for ref in self.wants.refs)

    def scene(self, household: Household, found: Found, left: bytes, *, short: bool) -> Scene:
        """What `items` (`short`) or `full` is filled in from."""
        return self.namer.scene(household, found, left, self.wants.forms[short])

    def full(
        self, scene: Scene, outcome: str, missing: tuple[str, ...], assumed: list[str], flags: list[str], nearest: bytes
    ) -> bytes:
        """The contract's explanation as JSON."""
        indices = [index.json(scene, short=False) for index in self.indices]
        decided = self.clauses.found[False].of(scene)
        inputs, dated = self.inputs.full(scene)
        household = scene.household
        income, gap = self.amounts.json(scene).split(CUT)
        outcome_json, outcome_text = self._outcomes[outcome]
        parts: dict[str, bytes] = {
            "area_code": dumps(household.area_code),
            "assumed": self.absent.entries(scene, assumed, short=False, assumed=True),
            "benefit": self.benefit.found[False].json(scene),
            "circle": self._no_circle[0] if self.circle is None else self.circle.found[False].json(scene),
            "conversions": self.conversions(scene),
            "deferred": decided.deferred,
            "derived": listed([entry for derive in self.derived for entry in derive.rows(scene)]),
            "facts_dated": dated,
            "flags": dumps(flags),
            "gap_to_next_line": gap,
            "groups": indices[0].groups if indices else b"[]",
            "household_id": dumps(household.household_id),
            "income_per_head": income,
            "index": indices[0].value if indices else NULL,
            "index_exact": indices[0].exact if indices else NULL,
            "indices": listed([index.entry for index in indices]),
            "inputs": inputs,
            "ladders": listed([ladder.found[False].json(scene) for ladder in self.ladders.values()]),
            "lookups": self.lookups(scene),
            "members": self.members(scene),
            "missing": self.absent.entries(scene, missing, short=False, assumed=False),
            "nearest_changes": nearest,
            "order": self.order.found.json(scene),
            "outcome": outcome_json,
            "outcome_text": outcome_text,
            "outputs": listed([output.rows(scene)[0] for output in self.outputs]),
            "parameters": self._place(scene)[0],
            "persons": self.persons.json(scene, short=False),
            "reasons": self._reasons(scene, outcome, missing, decided, short=False),
            "refused": decided.refused,
            "requires": decided.requires,
            "vetoes": decided.vetoes,
        }
        return self.template.fill(tuple([parts[name] for name in self.names]))

    def items(
        self, scene: Scene, outcome: str, missing: tuple[str, ...], assumed: list[str], flags: list[str]
    ) -> bytes:
        """The short explanation (`explaining.compact`) as JSON."""
        indices = [index.json(scene, short=True) for index in self.indices]
        decided = self.clauses.found[True].of(scene)
        outcome_json, outcome_text = self._outcomes[outcome]
        parts: dict[str, bytes] = {
            "assumed": self.absent.entries(scene, assumed, short=True, assumed=True),
            "benefit": self.benefit.found[True].json(scene),
            "circle": self._no_circle[1] if self.circle is None else self.circle.found[True].json(scene),
            "deferred": decided.deferred,
            "derived": listed([entry for derive in self.derived for entry in derive.short(scene)]),
            "flags": dumps(flags),
            "groups": indices[0].groups if indices else b"[]",
            "index": indices[0].value if indices else NULL,
            "index_exact": indices[0].exact if indices else NULL,
            "indices": listed([index.entry for index in indices]),
            "inputs": self.inputs.short(scene),
            "ladders": listed([ladder.found[True].json(scene) for ladder in self.ladders.values()]),
            "missing": self.absent.entries(scene, missing, short=True, assumed=False),
            "outcome": outcome_json,
            "outcome_text": outcome_text,
            "parameters": self._place(scene)[1],
            "persons": self.persons.json(scene, short=True),
            "reasons": self._reasons(scene, outcome, missing, decided, short=True),
            "refused": decided.refused,
            "vetoes": decided.vetoes,
        }
        return self.short.fill(tuple([parts[name] for name in self.names_short]))

    def _amounts(self, scene: Scene) -> Named:
        """Income a head, and what is missing to the next line."""
        showers = self.income, self.gap
        return named(CUT.join([self._nothing if one is None else whole(one, scene) for one in showers]))

    def _place(self, scene: Scene) -> tuple[bytes, bytes]:
        """The local numbers that hold, whole and short."""
        stored = scene.household.residence
        attribute = self.told.names.attributes.get("residence_type")
        assumed = self.told.table.missing.get("residence_type")
        residence = None
        if attribute is not None and stored is not None:
            residence = attribute.values[stored].value
        elif assumed is not None and not isinstance(assumed, str):
            residence = str(assumed.assume)
        key = self._prefixes.of(scene.household.area_code), residence
        if key not in self._parameters:
            if len(self._parameters) >= MOST_PLACES:
                self._parameters.clear()
            entries = parameter_entries(self.told, self.parameters, *key)
            short = [{name: entry[name] for name in compact.PARAMETER} for entry in entries]
            self._parameters[key] = dumps(entries), dumps(short)
        return self._parameters[key]

    def _reasons(
        self, scene: Scene, outcome: str, missing: tuple[str, ...], decided: plan_steps.Decided, *, short: bool
    ) -> bytes:
        """Why this outcome; remembered by everything that it tells of."""
        circle = None
        key: Any = missing
        if outcome != "incomplete":
            by_clause = decided.hit or decided.broken
            circle = None if by_clause else self.circle
            found = (self.clauses.found if circle is None else circle.found)[short]
            key = short, found.number, scene.keys[scene.cuts.parts[found.number]]
        known = self._told.get((outcome, key))
        if known is None:
            made = self._told_anew(scene.marked(), outcome, missing, decided, circle)
            known = self._told.keep((outcome, key), made)
        return put(known, scene.flat)

    def _told_anew(
        self, scene: Scene, outcome: str, missing: tuple[str, ...], decided: plan_steps.Decided,
        circle: LadderPlan | None,
    ) -> Named:  # fmt: skip
        told = self.told
        titles = [{"title": told.names.attributes[name].title.text(told.lang)} for name in missing]
        told_of = NO_CIRCLE if circle is None else circle.told_of(scene)
        explanation = {"lang": told.lang, "outcome": outcome, "missing": titles, "vetoes": decided.hit}
        sentences = reasons(explanation | {"requires": decided.broken, "circle": told_of})
        return named(listed([b'"%b"' % inside(sentence) for sentence in sentences]))
