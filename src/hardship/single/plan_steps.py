"""The plan of what follows from the facts: derived values, bounds, clauses, lines, benefit, persons, order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from hardship.days import after_months, as_date
from hardship.explaining.steps import ORDERS, OUTCOMES, require_entry, veto_entry
from hardship.explaining.view import Entry, Told
from hardship.language.fields import Level
from hardship.language.nodes import Name
from hardship.language.table import Computed
from hardship.language.units import Unit, parse
from hardship.lowering.ops import LEVEL
from hardship.reference.values import Kleene
from hardship.single.parts import Either, RowsShown, Shown
from hardship.single.plan_facts import of_unit, whole
from hardship.single.plan_items import EMPTY, NULL, Calculation
from hardship.single.scene import Scene
from hardship.single.show import FALSE, KLEENE, TRUE, Ref, Shower, Template, Wants, dumps, holes, listed, truth

MONTHLY = parse("money/month")
STATES = (None, "meets", "does_not_meet", "incomplete")  # of a person rule, as the machine numbers them


class ComputedPlan:
    """A derived value, a benefit step or an output.

    Attributes:
        values: the values alone, an entry for each row. `entries`: the whole ones.
    """

    def __init__(self, told: Told, wants: Wants, computed: Computed, name: str, level: Level) -> None:
        node, kind, asked = computed.node, told.unit_of(name), len(wants.refs)
        self.level = LEVEL[level]
        self.shower = wants.shower(told, wants.name(f"name:{name}", level), kind, name)
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
        refs = wants.refs[asked:]
        shown = wants.states([self.shower.ref], short=True, by_row=True)
        self.values = RowsShown(shown, self._value, self.level)
        self.entries = RowsShown(wants.states(refs, short=False, by_row=True), self.entry, self.level)

    def _value(self, scene: Scene, row: int) -> bytes:
        value, _, _ = self.shower.json(scene, row)
        return b'{"id":%b%b%b}' % (scene.ids[self.level][row], self._name, value)

    def brief(self, scene: Scene) -> bytes:
        """A benefit step in the short form."""
        return self.step.fill(self._parts(scene, 0))

    def entry(self, scene: Scene, row: int) -> bytes:
        """The whole entry of a row."""
        case, exact, done, text, value = self._parts(scene, row)
        ids, who = scene.ids[self.level][row], scene.who[self.level][row]
        return self.template.fill((case, exact, done, ids, text, value, who))

    def _parts(self, scene: Scene, row: int) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        calculation = self.calculation
        case = calculation.case(scene, row)
        done = calculation.filled(scene, row)
        value, exact, text = self.shower.json(scene, row)
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

    def json(self, scene: Scene) -> bytes:
        """All of them."""
        return listed([self._json[name][ref.key(scene.found)] for name, ref in self.refs.items()])

    def short(self, scene: Scene) -> bytes:
        """Those that are not certainly not hit."""
        keys = [(name, ref.key(scene.found)) for name, ref in self.refs.items()]
        return listed([self._short[name][key] for name, key in keys if key != FALSE])

    def hit(self, scene: Scene) -> list[Entry]:
        """The entries of those that are hit."""
        return [self.entries[name][TRUE] for name, ref in self.refs.items() if ref.key(scene.found) == TRUE]


class ClausesPlan:
    """Clauses, bounds that values must keep, and what they decide together.

    Attributes:
        vetoes, requires: of each form; the short one shows no requires.
        refused, deferred: of each form.
        either: of each form, whether a clause is hit or a bound broken; `all`: everything that decides.
    """

    def __init__(self, told: Told, wants: Wants, short: Sequence[str]) -> None:
        vetoes = {veto.id: veto for veto in told.table.veto}
        requires = {require.id: require for require in told.table.require}
        hits = {name: wants.name(f"hit:{name}", "household") for name in vetoes}
        broken = {name: wants.name(f"broken:{name}", "household") for name in requires}
        self._vetoes = Marks(hits, lambda name, hit: veto_entry(told, vetoes[name], hit), short)
        self._requires = Marks(broken, lambda name, hit: require_entry(told, requires[name], hit), ())
        truths = [wants.name(name, "household") for name in ("refused", "deferred")]
        forms = (False, True)
        self.vetoes = [
            Shown(wants.states([*hits.values()], short=short), self._vetoes.short if short else self._vetoes.json)
            for short in forms
        ]
        self.requires = Shown(wants.states([*broken.values()], short=False), self._requires.json)
        self.refused, self.deferred = (
            [Shown(wants.states([ref], short=short), partial(_kleene, ref)) for short in forms] for ref in truths
        )
        judged = [*hits.values(), *broken.values()]
        self.either = [Either(wants.states(judged, short=short)) for short in forms]
        self.all = [wants.states([*judged, *truths], short=short) for short in forms]

    def hit(self, scene: Scene) -> list[Entry]:
        """The clauses that are hit."""
        return self._vetoes.hit(scene)

    def broken(self, scene: Scene) -> list[Entry]:
        """The bounds that are broken."""
        return self._requires.hit(scene)


def _kleene(ref: Ref, scene: Scene) -> bytes:
    return dumps(ref.truth(scene.found))


# ── benefit, persons, order ──


class BenefitPlan:
    """The benefit with its steps, who leaves gradually, and when the household is looked at again."""

    def __init__(self, told: Told, wants: Wants) -> None:
        table, asked = told.table, len(wants.refs)
        self.steps = [ComputedPlan(told, wants, step, step.name, "household") for step in table.benefit]
        self.refused, self.deferred = (wants.name(name, "household") for name in ("refused", "deferred"))
        self.amount = None
        if table.benefit:
            self.amount = wants.shower(told, wants.name(f"name:{table.benefit[-1].name}", "household"), MONTHLY)
        self.exit: tuple[bytes, Shower, Shower] | None = None
        if table.exit is not None:
            months, amount = (wants.name(f"exit:{name}", "household") for name in ("months", "amount"))
            when = dumps(told.words.expression(table.exit.when.node))
            self.exit = when, wants.shower(told, months), wants.shower(told, amount, MONTHLY)
        self.review, self.on = table.review, told.on
        if table.review is not None:
            asked_for = {
                "months": True,
                "since": table.review.since,
                "due": table.review.holds,
                "holds": table.review.holds,
            }
            self.reviews = {
                part: wants.name(f"review:{part}", "household")
                for part, there in asked_for.items()
                if there is not None
            }
        self.shown = [
            Shown(wants.states(wants.refs[asked:], short=short), partial(self._json, short=short))
            for short in (False, True)
        ]

    def stopped(self, scene: Scene) -> bytes:
        """Refused or deferred."""
        keys = {self.refused.key(scene.found), self.deferred.key(scene.found)}
        return b"true" if TRUE in keys else b"null" if None in keys else b"false"

    def _json(self, scene: Scene, *, short: bool) -> bytes:
        month, text = NULL, EMPTY
        if self.amount is not None:
            month, _, text = self.amount.json(scene)
        steps = listed([step.brief(scene) if short else step.entry(scene, 0) for step in self.steps])
        left = b""
        if self.exit is not None and not short:
            when, months, amount = self.exit
            if months.ref.key(scene.found) is not None:
                form = b'"exit":{"amount":%b,"months":%b,"when":%b},'
                left = form % (whole(amount, scene), whole(months, scene), when)
        seen = b"" if short else self._review(scene)
        form = b'{%b"month":%b,%b"steps":%b,"stopped":%b,"text":%b}'
        return form % (left, month, seen, steps, self.stopped(scene), text)

    def _review(self, scene: Scene) -> bytes:
        """The day, and whether the amount stands; empty where neither is known."""
        if self.review is None:
            return b""
        key = {part: ref.key(scene.found) for part, ref in self.reviews.items()}
        day, held = None, None
        if key["months"] is not None:
            since = as_date(key["since"]) if "since" in key else self.on
            day = after_months(since, key["months"]).isoformat()
        if key.get("due") == TRUE:
            held = KLEENE[key["holds"]]
        return b"" if day is None and held is None else b'"review":%b,' % dumps({"held": held, "on": day})


class PersonsPlan:
    """Members assessed alone."""

    def __init__(self, told: Told, wants: Wants) -> None:
        self.rules, asked = [], len(wants.refs)
        for person in told.table.person:
            state, benefit = (wants.name(f"person:{person.id}:{part}", "member") for part in ("state", "benefit"))
            shower = wants.shower(told, benefit, MONTHLY)
            order = ("benefit", "id", "who")
            short = ("benefit", "id")
            forms = {}
            for outcome, code in OUTCOMES.items():
                entry = {"rule": person.id, "title": person.title.text(told.lang)}
                entry |= {"outcome": outcome, "outcome_text": told.say(code)}
                long = entry | {"when": told.words.expression(person.when.node)}
                forms[outcome] = Template(long | holes(*order), order), Template(entry | holes(*short), short)
            self.rules.append((state, shower, forms))
        self.shown = [
            Shown(wants.states(wants.refs[asked:], short=short), partial(self._made, short=short))
            for short in (False, True)
        ]

    def _made(self, scene: Scene, *, short: bool) -> bytes:
        """An entry for each member whom a rule may concern."""
        entries = []
        for row in range(len(scene.ids[1])):
            for state, shower, forms in self.rules:
                outcome = STATES[state.key(scene.found, row)]
                if outcome is None:
                    continue
                long, brief = forms[outcome]
                value, exact, told = shower.of_key(None) if outcome == "incomplete" else shower.json(scene, row)
                if short:
                    entries.append(brief.fill((value, scene.ids[1][row])))
                else:
                    paid = of_unit(value, exact, told, shower.unit_json)
                    entries.append(long.fill((paid, scene.ids[1][row], scene.who[1][row])))
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
            shower = wants.shower(told, wants.name(f"rank:{place}", "household"), unit, name)
            self.keys.append((shower, Template(entry | holes(*order), order)))
        states = wants.states([self.among, *(shower.ref for shower, _ in self.keys)], short=False)
        self.shown = Shown(states, self._json)

    def _json(self, scene: Scene) -> bytes:
        keys = []
        for shower, template in self.keys:
            value, exact, text = shower.json(scene)
            keys.append(template.fill((exact, text, value)))
        ranked = truth(self.among.key(scene.found) == TRUE)
        return b'{"among":%b,"keys":%b,"ranked":%b}' % (self.words, listed(keys), ranked)
