"""The plan of ladders: their lines, with what is missing to each, and the rung taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hardship.explaining.steps import EDGES, HOLDS
from hardship.explaining.view import Entry, Told
from hardship.language.table import Ladder, Rung, Test
from hardship.language.units import NONE
from hardship.reference.values import both
from hardship.single.parts import Shown
from hardship.single.plan_facts import whole
from hardship.single.plan_items import NULL, Calculation
from hardship.single.scene import Scene
from hardship.single.show import KLEENE, TRUE, Template, Wants, dumps, holes, inside, listed, truth
from hardship.single.texts import Text


class TestPlan:
    """One line of a ladder; `found`: the line for one household."""

    __test__ = False  # no test of pytest's

    def __init__(self, told: Told, wants: Wants, rung: Rung, test: Test, short: Sequence[str]) -> None:
        sign, edge = next((sign, edge) for sign, key in EDGES if (edge := getattr(test, key)) is not None)
        node, line = test.value.node, edge.node
        self.told, self.sign, self.unit = told, sign, told.unit_at(node)
        self.value = Calculation(told, wants, node, "household", self.unit)
        self.edge = Calculation(told, wants, line, "household", self.unit)
        self.passes = wants.test(test)
        self.unless = wants.node(test.unless.node, "household") if test.unless is not None else None
        words, value_words = told.words.expression(line), told.words.expression(node)
        self.entry: Entry = {
            "name": test.line.text(told.lang) if test.line is not None else words,
            "rung": rung.id,
            "rung_title": rung.title.text(told.lang),
            "expr": f"{value_words} {sign} {words}",
            "value_words": value_words,
            "sign": sign,
            "unit": str(self.unit),
            "unless": told.words.expression(test.unless.node) if test.unless is not None else "",
        }
        self.holds = {key: (dumps(truth), dumps(told.say(HOLDS[truth]))) for key, truth in KLEENE.items()}
        self.absent = dumps(told.text(None))
        order = (
            "edge_filled", "exact", "filled", "gap", "gap_exact", "gap_text", "holds", "holds_text", "measured", "text",
            "value", "waived",
        )  # fmt: skip
        self.template = Template(self.entry | holes(*order), order)
        self.short_order = ("gap", "gap_text", "holds", "measured", "text", "value", "waived")
        own = {key: self.entry[key] for key in short if key in self.entry}
        self.short = Template(own | holes(*self.short_order), self.short_order)
        self.asked = [self.value.shower.ref, self.edge.shower.ref, self.passes, self.unless]
        shower = self.value.shower
        self.gap = Text(self.edge.shower.ref, shower.money, (inside(shower.suffix), b""), less=shower.ref)
        self.edge.shower.ref.texts.append(self.gap)
        for one in (shower, self.edge.shower):
            one.worded()

    def taken(self, scene: Scene) -> LineFound:
        """The line for one household."""
        found = scene.found
        gap, gap_exact, gap_text = NULL, NULL, self.absent
        if self.value.shower.ref.key(found) is not None and self.edge.shower.ref.key(found) is not None:
            gap, gap_exact, gap_text = scene.three(self.gap)
        waived = self.unless is not None and self.unless.key(found) == TRUE
        return LineFound(self, scene, self.passes.key(found), gap, gap_exact, gap_text, waived)


class LineFound(NamedTuple):
    """One line for one household."""

    plan: TestPlan
    scene: Scene
    passes: Any
    gap: bytes
    gap_exact: bytes
    gap_text: bytes
    waived: bool

    def short(self) -> bytes:
        """The short entry."""
        plan = self.plan
        shown, _, told = plan.edge.shower.json(self.scene)
        measured = plan.value.shower.json(self.scene)[2]
        given = self.gap, self.gap_text, plan.holds[self.passes][0], measured, told, shown, truth(self.waived)
        return plan.short.fill(given)

    def json(self) -> bytes:
        """The whole entry."""
        plan, scene = self.plan, self.scene
        value, exact, text = plan.edge.shower.json(scene)
        holds, holds_text = plan.holds[self.passes]
        edge_filled, done = plan.edge.filled(scene, 0), plan.value.filled(scene, 0)
        return plan.template.fill(
            (
                edge_filled, exact, done, self.gap, self.gap_exact, self.gap_text, holds, holds_text,
                whole(plan.value.shower, scene), text, value, truth(self.waived),
            )
        )  # fmt: skip

    def told(self) -> Entry:
        """What `reasons` says of it."""
        plan = self.plan
        text, measured = plan.edge.shower.words(self.scene), plan.value.shower.words(self.scene)
        return plan.entry | {"holds": KLEENE[self.passes], "text": text, "measured": {"text": measured}}


class LadderPlan:
    """One ladder with all its lines."""

    def __init__(self, told: Told, wants: Wants, ladder: Ladder, short: Sequence[str]) -> None:
        self.told, self.ladder, asked = told, ladder, len(wants.refs)
        self.shower = wants.shower(told, wants.name(f"name:{ladder.id}", "household"), NONE, ladder.id)
        self.tests = [[TestPlan(told, wants, rung, test, short) for test in rung.tests] for rung in ladder.rung]
        self.also = [wants.node(rung.also.node, "household") if rung.also is not None else None for rung in ladder.rung]
        order = ("also_holds", "also_text", "holds", "holds_text", "taken", "tests")
        self.heads: list[Entry] = [
            {
                "id": rung.id,
                "title": rung.title.text(told.lang),
                "also": told.words.expression(rung.also.node) if rung.also is not None else "",
            }
            for rung in ladder.rung
        ]
        self.rungs = [
            Template(head | told.provided(rung) | holes(*order), order)
            for head, rung in zip(self.heads, ladder.rung, strict=True)
        ]
        self.holds = {truth: (dumps(truth), dumps(told.say(HOLDS[truth]))) for truth in (True, False, None)}
        self.other: Entry = {"id": ladder.otherwise.id, "title": ladder.otherwise.title.text(told.lang)}
        entry = {"name": ladder.id, "ladder": ladder.title.text(told.lang)}
        whole_order = ("id", "lines", "otherwise", "rungs", "title")
        self.template = Template(entry | holes(*whole_order), whole_order)

        lines = [ref for tests in self.tests for test in tests for ref in test.asked]
        shown = [self.shower.ref, *lines] if ladder.id == "circle" else [self.shower.ref]
        self.shown = [
            Shown(wants.states(wants.refs[asked:], short=False), self._json),
            Shown(wants.states(shown, short=True), self._json_short),
        ]

    def taken(self, scene: Scene) -> Any:
        """The id of the rung taken, or the set of ids; None: missing."""
        return self.shower.value(self.shower.ref.key(scene.found))

    def _json(self, scene: Scene) -> bytes:
        """The whole entry."""
        value = self.taken(scene)
        taken = value if isinstance(value, frozenset) else {value}
        found = [[plan.taken(scene) for plan in tests] for tests in self.tests]
        lines = [[test.json() for test in tests] for tests in found]
        rungs = []
        for place, rung in enumerate(self.ladder.rung):
            ref = self.also[place]
            also = True if ref is None else ref.truth(scene.found)
            passes = both([*(KLEENE[test.passes] for test in found[place]), also])
            given = (*self.holds[also], *self.holds[passes], truth(rung.id in taken), listed(lines[place]))
            rungs.append(self.rungs[place].fill(given))
        _, exact, text = self.shower.json(scene)
        every = listed([line for part in lines for line in part])
        other = dumps(self.other | {"taken": self.other["id"] in taken})
        return self.template.fill((exact, every, other, listed(rungs), text))

    def _json_short(self, scene: Scene) -> bytes:
        """The short entry; of ladders but the circle without lines."""
        _, exact, text = self.shower.json(scene)
        if self.ladder.id != "circle":
            return b'{"id":%b,"name":%b,"title":%b}' % (exact, dumps(self.ladder.id), text)
        lines = listed([plan.taken(scene).short() for tests in self.tests for plan in tests])
        return b'{"id":%b,"lines":%b,"title":%b}' % (exact, lines, text)

    def told_of(self, scene: Scene) -> Entry:
        """What `reasons` says of it: the tests of rungs that are taken, and of the last."""
        value = self.taken(scene)
        taken = value if isinstance(value, frozenset) else {value}
        rungs = []
        for head, tests in zip(self.heads, self.tests, strict=True):
            told = [test.taken(scene).told() for test in tests] if head["id"] in taken or head is self.heads[-1] else []
            rungs.append(head | {"taken": head["id"] in taken, "tests": told})
        return {"rungs": rungs, "otherwise": self.other | {"taken": self.other["id"] in taken}}
