"""The plan of what follows from the facts: derived values, bounds, clauses, lines, benefit, persons, order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardship.explaining.steps import EDGES, HOLDS, ORDERS, OUTCOMES, require_entry, veto_entry
from hardship.explaining.view import Entry, Told
from hardship.language.fields import Level
from hardship.language.nodes import Name
from hardship.language.table import Computed, Ladder, Rung, Test
from hardship.language.units import NONE, Unit, parse
from hardship.reference.values import Kleene, both
from hardship.single import numbers
from hardship.single.plan_facts import whole
from hardship.single.plan_items import EMPTY, NULL, Calculation
from hardship.single.scene import Scene
from hardship.single.show import KLEENE, TRUE, Ref, Shower, Template, Wants, dumps, holes, listed
from hardship.single.states import Remembered

MONTHLY = parse("money/month")
STATES = (None, "meets", "does_not_meet", "incomplete")  # of a person rule, as the machine numbers them


class ComputedPlan:
    """A derived value, a benefit step or an output.

    Attributes:
        values: the values alone.
        brief: a benefit step in the short form.
    """

    def __init__(self, told: Told, wants: Wants, computed: Computed, name: str, level: Level) -> None:
        node, kind, asked = computed.node, told.unit_of(name), len(wants.refs)
        self.level = 0 if level == "household" else wants.name(f"name:{name}", level).level
        self.shower = Shower(told, wants.name(f"name:{name}", level), kind, name)
        self.calculation = Calculation(told, wants, node, level, told.unit_at(node))
        choice = bool(self.calculation.conditions)
        self.cases = [dumps(text) for text in _cases(told, computed)] if choice else [EMPTY]
        order = ("case", "exact", "filled", "id", "text", "value", "who")
        entry = {
            "name": name,
            "title": told.words.name(name),
            "level": level,
            "expr": told.words.expression(node),
            "unit": str(kind),
            **told.provided(computed),
        }
        self.template = Template(entry | holes(*order), order)
        short = ("case", "exact", "filled", "text", "value")
        own = {key: entry[key] for key in ("name", "title", "source", "status")}
        self.step = Template(own | holes(*short), short)
        self._name = b',"name":"%b","value":' % name.encode()
        self.values = Remembered(wants.states([self.shower.ref]), self._values)
        self.brief = Remembered(wants.states(wants.refs[asked:]), lambda scene: self.step.fill(self._parts(scene, 0)))

    def rows(self, scene: Scene) -> list[bytes]:
        """An entry for each row."""
        return [self.entry(scene, row) for row in range(len(scene.ids[self.level]))]

    def entry(self, scene: Scene, row: int = 0) -> bytes:
        """The whole entry of one row."""
        case, exact, done, text, value = self._parts(scene, row)
        return self.template.fill(
            (case, exact, done, scene.ids[self.level][row], text, value, scene.who[self.level][row])
        )  # fmt: skip

    def _values(self, scene: Scene) -> list[bytes]:
        ref, json, found, name = self.shower.ref, self.shower.json, scene.found, self._name
        return [
            b'{"id":%b%b%b}' % (id_of_row, name, json(ref.key(found, row))[0])
            for row, id_of_row in enumerate(scene.ids[self.level])
        ]

    def _parts(self, scene: Scene, row: int) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        calculation = self.calculation
        case = calculation.case(scene, row)
        own = calculation.shower.ref.key(scene.found, row)
        done = calculation.filled(scene, row, own)
        value, exact, text = self.shower.json(self.shower.ref.key(scene.found, row))
        return EMPTY if case is None else self.cases[case], exact, done, text, value


def _cases(told: Told, computed: Computed) -> list[str]:
    """How each case of a choice is told: by its title, or its condition."""
    node, cases = computed.node, computed.cases
    found = []
    for place in range(len(node.cases) + 1):
        title = cases[place].title if cases is not None else None
        if title is not None:
            found.append(title.text(told.lang))
        elif place == len(node.cases):
            found.append(told.say("explain.otherwise"))
        else:
            found.append(told.words.expression(node.cases[place][0]))
    return found


class Marks:
    """Clauses or bounds: each is hit, not hit, or cannot be decided; each of the three is encoded once."""

    def __init__(self, refs: Mapping[str, Ref], entry: Callable[[str, Kleene], Entry], short: Sequence[str]) -> None:
        self.refs = refs
        self.entries = {name: {key: entry(name, truth) for key, truth in KLEENE.items()} for name in refs}
        self._json = {name: {key: dumps(one) for key, one in forms.items()} for name, forms in self.entries.items()}
        self._short = {
            name: {key: dumps({part: one[part] for part in short}) for key, one in forms.items()}
            for name, forms in self.entries.items()
        }

    def keys(self, scene: Scene) -> dict[str, Any]:
        """What each is: 1 hit, 2 not, None."""
        return {name: ref.key(scene.found) for name, ref in self.refs.items()}

    def json(self, keys: Mapping[str, Any]) -> bytes:
        """All of them."""
        return listed([self._json[name][key] for name, key in keys.items()])

    def short(self, keys: Mapping[str, Any]) -> bytes:
        """Those that are not certainly not hit."""
        return listed([self._short[name][key] for name, key in keys.items() if key != 2])

    def hit(self, keys: Mapping[str, Any]) -> list[Entry]:
        """The entries of those that are hit."""
        return [self.entries[name][TRUE] for name, key in keys.items() if key == TRUE]


def vetoes(told: Told, wants: Wants, short: Sequence[str]) -> Marks:
    """The clauses."""
    by_id = {veto.id: veto for veto in told.table.veto}
    refs = {name: wants.name(f"hit:{name}", "household") for name in by_id}
    return Marks(refs, lambda name, hit: veto_entry(told, by_id[name], hit), short)


def requires(told: Told, wants: Wants) -> Marks:
    """The bounds that values must keep."""
    by_id = {require.id: require for require in told.table.require}
    refs = {name: wants.name(f"broken:{name}", "household") for name in by_id}
    return Marks(refs, lambda name, hit: require_entry(told, by_id[name], hit), ())


# ── ladders ──


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
        asked = [self.value.shower.ref, self.edge.shower.ref, self.passes, self.unless]
        self.found = Remembered(wants.states(asked), self._taken)

    def _taken(self, scene: Scene) -> TestFound:
        found = scene.found
        value, line = self.value.shower, self.edge.shower
        at, edge = value.ref.key(found), line.ref.key(found)
        gap, gap_exact, gap_text = NULL, NULL, self.absent
        if at is not None and edge is not None:
            (up, over), (low, under) = line.ref.fraction(edge), value.ref.fraction(at)
            decimal, exact, text = numbers.shown(up * under - low * over, over * under, value.money)
            gap, gap_exact = b'"%b"' % decimal.encode(), b'"%b"' % exact.encode()
            gap_text = dumps(text + value.suffix)
        waived = self.unless is not None and self.unless.key(found) == TRUE
        passes = self.passes.key(found)
        shown, _, told = line.json(edge)
        given = gap, gap_text, self.holds[passes][0], value.json(at)[2], told, shown, _truth(waived)
        return TestFound(self, at, edge, passes, gap, gap_exact, gap_text, waived, self.short.fill(given))


@dataclass(frozen=True, slots=True)
class TestFound:
    """One line for one household; `short`: its short entry."""

    __test__ = False

    plan: TestPlan
    at: Any
    edge: Any
    passes: Any
    gap: bytes
    gap_exact: bytes
    gap_text: bytes
    waived: bool
    short: bytes

    def json(self, scene: Scene) -> bytes:
        """The whole entry."""
        plan = self.plan
        value, exact, text = plan.edge.shower.json(self.edge)
        holds, holds_text = plan.holds[self.passes]
        edge_filled = plan.edge.filled(scene, 0, self.edge)
        done = plan.value.filled(scene, 0, self.at)
        return plan.template.fill(
            (
                edge_filled, exact, done, self.gap, self.gap_exact, self.gap_text, holds, holds_text,
                whole(plan.value.shower, self.at), text, value, _truth(self.waived),
            )
        )  # fmt: skip

    def told(self) -> Entry:
        """What `reasons` says of it."""
        plan = self.plan
        text, measured = plan.edge.shower.text(self.edge), plan.value.shower.text(self.at)
        return plan.entry | {"holds": KLEENE[self.passes], "text": text, "measured": {"text": measured}}


class LadderPlan:
    """One ladder with all its lines."""

    def __init__(self, told: Told, wants: Wants, ladder: Ladder, short: Sequence[str]) -> None:
        self.told, self.ladder = told, ladder
        self.shower = Shower(told, wants.name(f"name:{ladder.id}", "household"), NONE, ladder.id)
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

    def taken(self, scene: Scene) -> Any:
        """The id of the rung taken, or the set of ids; None: missing."""
        return self.shower.value(self.shower.ref.key(scene.found))

    def take(self, scene: Scene) -> list[list[TestFound]]:
        """Every line."""
        return [[plan.found.of(scene) for plan in tests] for tests in self.tests]

    def json(self, scene: Scene, found: list[list[TestFound]]) -> bytes:
        """The whole entry."""
        value = self.taken(scene)
        taken = value if isinstance(value, frozenset) else {value}
        lines = [[test.json(scene) for test in tests] for tests in found]
        rungs = []
        for place, rung in enumerate(self.ladder.rung):
            ref = self.also[place]
            also = True if ref is None else ref.truth(scene.found)
            passes = both([*(KLEENE[test.passes] for test in found[place]), also])
            given = (*self.holds[also], *self.holds[passes], _truth(rung.id in taken), listed(lines[place]))
            rungs.append(self.rungs[place].fill(given))
        _, exact, text = self.shower.json(self.shower.ref.key(scene.found))
        every = listed([line for part in lines for line in part])
        other = dumps(self.other | {"taken": self.other["id"] in taken})
        return self.template.fill((exact, every, other, listed(rungs), text))

    def json_short(self, scene: Scene, found: list[list[TestFound]] | None) -> bytes:
        """The short entry; without lines if none are given."""
        _, exact, text = self.shower.json(self.shower.ref.key(scene.found))
        if found is None:
            return b'{"id":%b,"name":%b,"title":%b}' % (exact, dumps(self.ladder.id), text)
        lines = listed([test.short for tests in found for test in tests])
        return b'{"id":%b,"lines":%b,"title":%b}' % (exact, lines, text)

    def told_of(self, scene: Scene, found: list[list[TestFound]]) -> Entry:
        """What `reasons` says of it."""
        value = self.taken(scene)
        taken = value if isinstance(value, frozenset) else {value}
        rungs = [
            head | {"taken": head["id"] in taken, "tests": [test.told() for test in tests]}
            for head, tests in zip(self.heads, found, strict=True)
        ]
        return {"rungs": rungs, "otherwise": self.other | {"taken": self.other["id"] in taken}}


# ── benefit, persons, order ──


class BenefitPlan:
    """The benefit with its steps, and who leaves gradually."""

    def __init__(self, told: Told, wants: Wants) -> None:
        table = told.table
        self.steps = [ComputedPlan(told, wants, step, step.name, "household") for step in table.benefit]
        self.refused, self.deferred = (wants.name(name, "household") for name in ("refused", "deferred"))
        self.amount = None
        if table.benefit:
            self.amount = Shower(told, wants.name(f"name:{table.benefit[-1].name}", "household"), MONTHLY)
        self.exit: tuple[bytes, Shower, Shower] | None = None
        if table.exit is not None:
            months, amount = (wants.name(f"exit:{name}", "household") for name in ("months", "amount"))
            when = dumps(told.words.expression(table.exit.when.node))
            self.exit = when, Shower(told, months), Shower(told, amount, MONTHLY)

    def stopped(self, scene: Scene) -> bytes:
        """Refused or deferred."""
        keys = {self.refused.key(scene.found), self.deferred.key(scene.found)}
        return b"true" if TRUE in keys else b"null" if None in keys else b"false"

    def json(self, scene: Scene, *, short: bool) -> bytes:
        """The entry."""
        month, text = NULL, EMPTY
        if self.amount is not None:
            month, _, text = self.amount.json(self.amount.ref.key(scene.found))
        steps = listed([step.brief.of(scene) if short else step.entry(scene) for step in self.steps])
        left = b""
        if self.exit is not None and not short:
            when, months, amount = self.exit
            key = months.ref.key(scene.found)
            if key is not None:
                paid = whole(amount, amount.ref.key(scene.found))
                left = b'"exit":{"amount":%b,"months":%b,"when":%b},' % (paid, whole(months, key), when)
        return b'{%b"month":%b,"steps":%b,"stopped":%b,"text":%b}' % (left, month, steps, self.stopped(scene), text)


class PersonsPlan:
    """Members assessed alone."""

    def __init__(self, told: Told, wants: Wants) -> None:
        self.rules = []
        for person in told.table.person:
            state, benefit = (wants.name(f"person:{person.id}:{part}", "member") for part in ("state", "benefit"))
            shower = Shower(told, benefit, MONTHLY)
            order = ("benefit", "id", "who")
            short = ("benefit", "id")
            forms = {}
            for outcome, code in OUTCOMES.items():
                entry = {"rule": person.id, "title": person.title.text(told.lang)}
                entry |= {"outcome": outcome, "outcome_text": told.say(code)}
                long = entry | {"when": told.words.expression(person.when.node)}
                forms[outcome] = Template(long | holes(*order), order), Template(entry | holes(*short), short)
            self.rules.append((state, shower, forms))

    def json(self, scene: Scene, *, short: bool) -> bytes:
        """An entry for each member whom a rule may concern."""
        entries = []
        for row in range(len(scene.ids[1])):
            for state, shower, forms in self.rules:
                outcome = STATES[state.key(scene.found, row)]
                if outcome is None:
                    continue
                key = None if outcome == "incomplete" else shower.ref.key(scene.found, row)
                long, brief = forms[outcome]
                if short:
                    entries.append(brief.fill((shower.json(key)[0], scene.ids[1][row])))
                else:
                    entries.append(long.fill((whole(shower, key), scene.ids[1][row], scene.who[1][row])))
        return listed(entries)


class OrderPlan:
    """By what the household is ranked."""

    def __init__(self, told: Told, wants: Wants) -> None:
        rank = told.table.rank
        self.among = wants.name("among", "household")
        self.words = dumps(told.words.expression(rank.among.node) if rank.among is not None else "")
        self.keys = []
        order = ("exact", "text", "value")
        for place, key in enumerate(rank.keys):
            node = key.value.node
            unit: Unit = told.unit_at(node)
            name = node.name if isinstance(node, Name) else ""
            entry = {"expr": told.words.expression(node), "order": key.order, "unit": str(unit)}
            entry["order_text"] = told.say(ORDERS[key.order])
            shower = Shower(told, wants.name(f"rank:{place}", "household"), unit, name)
            self.keys.append((shower, Template(entry | holes(*order), order)))

    def json(self, scene: Scene) -> bytes:
        """The entry."""
        keys = []
        for shower, template in self.keys:
            value, exact, text = shower.json(shower.ref.key(scene.found))
            keys.append(template.fill((exact, text, value)))
        ranked = _truth(self.among.key(scene.found) == TRUE)
        return b'{"among":%b,"keys":%b,"ranked":%b}' % (self.words, listed(keys), ranked)


def _truth(value: bool) -> bytes:
    return b"true" if value else b"false"
