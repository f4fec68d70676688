"""An explanation laid out once for a table, a day and a language, then filled in from the machine's stores.

The bytes are those of `explaining.explain.explain`, which works every value out by the reference; tests compare the
two. Here nothing is worked out: the machine stores every value that is shown.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING

from hardship import __version__
from hardship.checking.check import Checked
from hardship.engine.kernels_page import NO, YES
from hardship.explaining import compact
from hardship.explaining.explain import DIRECTIONS, NO_CIRCLE
from hardship.explaining.facts import constants, parameter_entries
from hardship.explaining.reasons import reasons
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.view import STATUSES, Entry, Told
from hardship.lowering.explained import lower_explained
from hardship.lowering.ops import Program
from hardship.reference.values import Parameters
from hardship.single import plan_facts, plan_steps
from hardship.single.household import Household
from hardship.single.lanes import Layout
from hardship.single.parts import Given, Piece, Shown, entries, in_list
from hardship.single.plan_facts import whole
from hardship.single.plan_inputs import InputsPlan
from hardship.single.plan_items import NULL
from hardship.single.plan_lines import LadderPlan
from hardship.single.plan_points import IndexPlan
from hardship.single.plan_steps import MONTHLY, ComputedPlan
from hardship.single.record import Found
from hardship.single.runner import Prefixes
from hardship.single.scan_told import Slots
from hardship.single.scene import Namer, Scene
from hardship.single.sheet import Sheet
from hardship.single.show import Template, Wants, dumps, holes, inside, listed

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
        self.inputs = InputsPlan(told)
        self.members = plan_facts.members(told, wants)
        self.absent = plan_facts.Absent(told)
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
        self.namer = Namer(told)
        self.income = self.gap = None
        if table.results.income_per_head is not None:
            self.income = wants.shower(told, wants.name("income_per_head", "household"), MONTHLY)
        if self.circle is not None:
            self.gap = wants.shower(told, wants.name("gap", "household"), MONTHLY)
        self._amounts = [
            wants.states([None if shower is None else shower.ref], short=False) for shower in (self.income, self.gap)
        ]
        self._outcomes = {name: (dumps(name), dumps(told.say(code))) for name, code in OUTCOMES.items()}
        self._named = sorted(OUTCOMES, key=lambda name: name != "incomplete")
        self._nothing = dumps(told.shown(None, MONTHLY))
        self._no_circle = dumps(NO_CIRCLE), dumps({key: NO_CIRCLE[key] for key in ("id", "title", "lines")})
        slots = Slots(told.names.attributes)
        full, short = self._full(standards), self._short()
        self.sheets = Sheet(wants.forms[False], full, slots), Sheet(wants.forms[True], short, slots)

    def _full(self, standards: Standards) -> list[Piece]:
        """The contract's explanation."""
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
        given = ("area_code", "facts_dated", "household_id")
        parts = self._common(short=False) | {name: list[Piece]([Given(name)]) for name in given}
        income, gap = (
            list[Piece]([Shown(states, partial(self._amount, place))]) for place, states in enumerate(self._amounts)
        )
        parts |= {
            "conversions": [Given("conversions")],
            "derived": entries([derive.entries for derive in self.derived]),
            "gap_to_next_line": gap,
            "income_per_head": income,
            "indices": in_list([index.pieces(short=False) for index in self.indices]),
            "lookups": [Given("lookups")],
            "members": [Given("members")],
            "nearest_changes": [Given("nearest_changes")],
            "order": [self.order.shown],
            "outputs": entries([output.entries for output in self.outputs]),
            "requires": [self.clauses.requires],
        }
        return Template(fixed | holes(*parts), tuple(parts)).around(parts)

    def _short(self) -> list[Piece]:
        """The short explanation (`explaining.compact`)."""
        parts = self._common(short=True) | {
            "derived": entries([derive.values for derive in self.derived]),
            "indices": in_list([index.pieces(short=True) for index in self.indices]),
        }
        return Template({"schema": 1, "lang": self.told.lang} | holes(*parts), tuple(parts)).around(parts)

    def _common(self, *, short: bool) -> dict[str, list[Piece]]:
        """What stands in both forms."""
        main, clauses = self.indices[0] if self.indices else None, self.clauses
        circle: Piece = self._no_circle[short] if self.circle is None else self.circle.shown[short]
        otherwise = clauses.all[short] if self.circle is None else self.circle.shown[short].states
        given = ("assumed", "flags", "missing", "outcome", "outcome_text", "parameters")
        return {name: list[Piece]([Given(name)]) for name in given} | {
            "benefit": [self.benefit.shown[short]],
            "circle": [circle],
            "deferred": [clauses.deferred[short]],
            "groups": [b"[]"] if main is None else main.groups(short=short),
            "index": [NULL] if main is None else main.value,
            "index_exact": [NULL] if main is None else main.exact,
            "inputs": self.inputs.pieces(short=short),
            "ladders": in_list([[ladder.shown[short]] for ladder in self.ladders.values()]),
            "persons": [self.persons.shown[short]],
            "reasons": [
                Given("reasons"), clauses.either[short],
                Shown(clauses.all[short], partial(self._reasons, by_clause=True), YES),
                Shown(otherwise, partial(self._reasons, by_clause=False), NO),
            ],
            "refused": [clauses.refused[short]],
            "vetoes": [clauses.vetoes[short]],
        }  # fmt: skip

    def program(self) -> Program:
        """Lower the table with everything that this plan shows."""
        return lower_explained(self.told.checked, self.wants.wanted, self.told.lang)

    def bind(self, layout: Layout) -> bool:
        """Find every store in the program; False if a code is shown as a value: the machine does not hold its text."""
        if "gap" not in layout.slots:  # no line of the circle is an amount of money
            self.wants.refs = [ref for ref in self.wants.refs if ref.name != "gap"]
            self.gap, self._amounts[1].refs = None, []
        for ref in self.wants.refs:
            ref.bind(layout)
        return self.inputs.able and all(ref.slot.type != "code" for ref in self.wants.refs)

    def scene(self, household: Household, found: Found, left: bytes, *, short: bool) -> Scene:
        """What `items` (`short`) or `full` is filled in from."""
        return self.sheets[short].scene(self.namer.names(household), household, found, left)

    def full(
        self, scene: Scene, outcome: str, missing: tuple[str, ...], assumed: list[str], flags: list[str], nearest: bytes
    ) -> bytes:
        """The contract's explanation as JSON."""
        household = scene.household
        given = self._given(scene, outcome, missing, assumed, flags, short=False) | {
            "area_code": dumps(household.area_code),
            "conversions": self.conversions(scene),
            "facts_dated": self.inputs.dated(scene),
            "household_id": dumps(household.household_id),
            "lookups": self.lookups(scene),
            "members": self.members(scene),
            "nearest_changes": nearest,
        }
        return self.sheets[False].filled(scene, given, self._named.index(outcome))

    def items(
        self, scene: Scene, outcome: str, missing: tuple[str, ...], assumed: list[str], flags: list[str]
    ) -> bytes:
        """The short explanation (`explaining.compact`) as JSON."""
        given = self._given(scene, outcome, missing, assumed, flags, short=True)
        return self.sheets[True].filled(scene, given, self._named.index(outcome))

    def _given(
        self, scene: Scene, outcome: str, missing: tuple[str, ...], assumed: list[str], flags: list[str], *, short: bool
    ) -> dict[str, bytes]:
        """What both forms are given."""
        outcome_json, outcome_text = self._outcomes[outcome]
        return {
            "assumed": self.absent.entries(scene, assumed, short=short, assumed=True),
            "flags": dumps(flags),
            "missing": self.absent.entries(scene, missing, short=short, assumed=False),
            "outcome": outcome_json,
            "outcome_text": outcome_text,
            "parameters": self._place(scene)[short],
            "reasons": self._told(outcome, [], [], NO_CIRCLE, missing) if outcome == "incomplete" else b"",
        }

    def _amount(self, place: int, scene: Scene) -> bytes:
        """Income a head, or what is missing to the next line."""
        shower = (self.income, self.gap)[place]
        return self._nothing if shower is None else whole(shower, scene)

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

    def _reasons(self, scene: Scene, *, by_clause: bool) -> bytes:
        """Why this outcome of a complete household."""
        told_of = NO_CIRCLE if by_clause or self.circle is None else self.circle.told_of(scene)
        return self._told(self._named[scene.outcome], self.clauses.hit(scene), self.clauses.broken(scene), told_of)

    def _told(
        self, outcome: str, hit: list[Entry], broken: list[Entry], circle: Entry, missing: tuple[str, ...] = ()
    ) -> bytes:
        told = self.told
        titles = [{"title": told.names.attributes[name].title.text(told.lang)} for name in missing]
        explanation = {"lang": told.lang, "outcome": outcome, "missing": titles, "vetoes": hit, "requires": broken}
        return listed([b'"%b"' % inside(sentence) for sentence in reasons(explanation | {"circle": circle})])
