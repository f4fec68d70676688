"""The plan of what goes into a computation: facts, members, local numbers, look-up cells, conversions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hardship.attributes import scale
from hardship.engine.kernels_page import MISSING, OWN_ID, OWN_WHO, UNTITLED
from hardship.engine.kernels_texts import AS_JSON, CODE, DAY, DECIMAL
from hardship.explaining import facts as explain_facts
from hardship.explaining import values as explain_values
from hardship.explaining.facts import STATES
from hardship.explaining.reached import Guard, Reached, reached
from hardship.explaining.view import Entry, Told
from hardship.language.fields import Assume, DeclaredAttribute
from hardship.language.nodes import Aggregate
from hardship.language.units import parse
from hardship.lowering.ops import LEVEL
from hardship.reference.rows import reader
from hardship.reference.values import MONTHS_OF_YEAR, Value, plain
from hardship.single import numbers
from hardship.single.scene import Scene
from hardship.single.show import (
    FALSE,
    TRUE,
    Ref,
    Shower,
    Template,
    Wants,
    dumps,
    holes,
    inside,
    listed,
    plain_value,
)
from hardship.single.texts import Text, mark

Part = Callable[[Scene], bytes]
MOST_CELLS = 4_096  # of look-ups, that are kept as JSON


class Fact:
    """One attribute's values, stored integers or the texts of codes, as JSON."""

    def __init__(self, told: Told, attribute: DeclaredAttribute) -> None:
        self.told, self.attribute = told, attribute
        self.level = LEVEL[attribute.level]
        self.unit = parse(attribute.unit)
        self.money, self.scale = self.unit.power("money"), scale(attribute)
        words = told.words.unit(self.unit)
        self.suffix = f" {words}" if words else ""
        self.suffix_json, self.unit_json = inside(self.suffix), dumps(str(self.unit))
        self.number = attribute.type in ("int", "money", "decimal")
        self.read = reader(attribute)
        policy = told.table.missing.get(attribute.name)
        self.assumed: Value = plain(attribute, policy.assume) if isinstance(policy, Assume) else None
        order = ("exact", "id", "text", "value", "who")
        entry = {
            "name": attribute.name,
            "title": attribute.title.text(told.lang),
            "level": attribute.level,
            "unit": str(self.unit),
            **holes(*order),
        }
        self._template = {
            state: Template(entry | {"state": state, "state_text": told.say(code)} | _source(state, self.level), order)
            for state, code in STATES.items()
        }

    def spec(self, *, short: bool) -> list[int] | None:
        """How a kernel writes its values (`kernels_texts`), but for where they lie; None for labels."""
        form = {"date": DAY, "code": CODE}.get(self.attribute.type, DECIMAL if short else AS_JSON)
        if not self.number and form not in (DAY, CODE):
            return None
        return [1, -1, -1, self.scale, 1, -1, 0, -1, -1, 1, 1, self.money, form]

    def codes(self, *, short: bool) -> list[str]:
        """The codes that are shown in words (`Wording.option`)."""
        own = {one.value: None for one in self.attribute.values} | {"none": None}
        return list(own) if self.attribute.type == "code" and not short else []

    def entry(self, state: int, *, short: bool) -> bytes:
        """The entry of a state (`kernels_page.gathered`), with marks for numbers, days, codes and the row's names.

        The short one is empty where the fact is missing.
        """
        ids, who = (mark(OWN_ID), mark(OWN_WHO)) if self.level else (b'""', b'""')
        value, exact, text = mark(0), mark(1), mark(2)
        if state == MISSING:
            value, exact, text = self.json(None)
        elif self.spec(short=short) is None:
            value, exact, text = self.json((state - 2) // 2)
        elif state != UNTITLED:
            value, exact, text = self.json(self.codes(short=short)[state - 2])
        elif not self.number:
            exact = text = value
        if short:
            own = b'"id":%b,' % ids if self.level else b""
            made = b'{%b"name":"%b","value":%b}' % (own, self.attribute.name.encode(), value)
            return b"" if state == MISSING else made
        known = "known" if state != MISSING else "missing" if self.assumed is None else "assumed"
        return self._template[known].fill((exact, ids, text, value, who))

    def json(self, stored: Any) -> tuple[bytes, bytes, bytes]:
        """`value`, `exact` and `text` of a stored value; None: what is assumed, or missing."""
        if stored is not None and self.number:
            decimal, exact, text = numbers.shown(stored, self.scale, self.money)
            return b'"%b"' % decimal.encode(), b'"%b"' % exact.encode(), dumps(text + self.suffix)
        value = self.assumed if stored is None else self.read(stored)
        text = explain_values.text(value, self.told.words, self.attribute.name, self.unit)
        return dumps(explain_values.decimal(value, self.unit)), dumps(explain_values.exact(value)), dumps(text)


def _source(state: str, level: int) -> Entry:
    """Where a fact was read: a household's in the object of that name."""
    return {"source": "$.household" if state == "known" and level == 0 else ""}


def members(told: Told, wants: Wants) -> Part:
    """Who is in the household, counts, leaves."""
    counted = wants.counted("member")
    order = ("id", "leaves", "who")
    templates = {
        key: Template({"counted": value, "counted_text": told.text(value), **holes(*order)}, order)
        for key, value in ((TRUE, True), (FALSE, False), (None, None))
    }

    def part(scene: Scene) -> bytes:
        ids, who = scene.ids[1], scene.who[1]
        return listed(
            [
                templates[counted.key(scene.found, row)].fill(
                    (ids[row], b"true" if scene.left[row] else b"false", who[row])
                )
                for row in range(len(ids))
            ]
        )

    return part


class Absent:
    """Attributes that are missing or assumed, with their rows."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self._facts: dict[str, tuple[Fact, Entry, bytes]] = {}

    def entries(self, scene: Scene, names: Iterable[str], *, short: bool, assumed: bool) -> bytes:
        """One entry for each attribute; `assumed`: of the short form, with the value put in their place."""
        return listed([self._entry(scene, name, short=short, assumed=assumed) for name in names])

    def _entry(self, scene: Scene, name: str, *, short: bool, assumed: bool) -> bytes:
        if name not in self._facts:
            attribute = self.told.names.attributes[name]
            fact = Fact(self.told, attribute)
            entry: Entry = {"name": name, "title": attribute.title.text(self.told.lang)}
            value: Entry = {}
            if fact.assumed is not None:
                value = self.told.shown(fact.assumed, fact.unit, name)
                entry["assumed"] = value
            self._facts[name] = fact, entry, dumps(value.get("value"))
        fact, entry, value_json = self._facts[name]
        level = fact.level
        fact_at = scene.household.fact
        rows = [row for row in range(scene.found.rows[level]) if fact_at(level, name, row) is None]
        ids = listed([scene.ids[level][row] for row in rows])
        head = b'"name":"%b","title":%b' % (name.encode(), dumps(entry["title"]))
        if short:
            return b'{"ids":%b,%b%b}' % (ids, head, b',"value":' + value_json if assumed else b"")
        start = b'"assumed":%b,' % dumps(entry["assumed"]) if "assumed" in entry else b""
        who = listed([scene.who[level][row] for row in rows])
        place = b'"ids":%b,"level":"%b",' % (ids, fact.attribute.level.encode())
        return b"{%b%b%b," % (start, place, head) + b'"who":%b}' % who


# ── what is read on the way ──


class Gate:
    """Whether a call is reached at a row."""

    def __init__(self, guards: Sequence[Guard], level: int, wants: Wants, told: Told) -> None:
        self.level = level
        self.tests: list[tuple[Ref, int]] = []
        self.nobody: list[Ref] = []
        for guard in guards:
            if guard.kind == "takes":
                assert guard.item is not None
                if not guard.item.everyone:
                    self.tests.append((wants.counted(guard.level), TRUE))
                continue
            assert guard.node is not None
            if guard.kind in ("holds", "fails"):
                self.tests.append((wants.node(guard.node, guard.level), TRUE if guard.kind == "holds" else FALSE))
                continue
            aggregate = guard.node
            assert isinstance(aggregate, Aggregate)
            ref = wants.taken(aggregate, aggregate.entity, guard.above)
            if guard.kind == "taken":
                self.tests.append((ref, TRUE))
            else:
                self.nobody.append(ref)

    def passes(self, scene: Scene, row: int) -> bool:
        """Whether every guard lets a row of the call's level pass."""
        for ref, wanted in self.tests:
            at = row if ref.level == self.level else 0 if ref.level == 0 else scene.member_of[self.level][row]
            if ref.key(scene.found, at) != wanted:
                return False
        return not any(self._anybody(scene, ref, row) for ref in self.nobody)

    def _anybody(self, scene: Scene, ref: Ref, row: int) -> bool:
        owners = scene.member_of[ref.level]
        rows = (at for at, owner in enumerate(owners) if self.level == 0 or owner == row)
        return any(ref.key(scene.found, at) == TRUE for at in rows)


def _gated(one: Reached, told: Told, wants: Wants) -> tuple[int, Gate]:
    level = LEVEL[one.level]
    return level, Gate(one.guards, level, wants, told)


def lookups(told: Told, wants: Wants) -> Part:
    """Every look-up cell that the computation reads, once."""
    calls = []
    for one in reached(told.table, told.names, ("lookup",)):
        level, gate = _gated(one, told, wants)
        places = [wants.node(argument, one.level) for argument in one.call.arguments[1:]]
        calls.append((one.call, level, gate, places, wants.node(one.call, one.level)))
    known: dict[Any, tuple[tuple[str, str, str], bytes]] = {}

    def part(scene: Scene) -> bytes:
        entries: dict[tuple[str, str, str], bytes] = {}
        found = scene.found
        for call, level, gate, places, ref in calls:
            for row in range(len(scene.ids[level])):
                keys = [place.key(found, row) for place in places]
                if None in keys or not gate.passes(scene, row):
                    continue
                key = (id(call), *keys, ref.key(found, row))
                made = known.get(key)
                if made is None:
                    values = [plain_value(place, one) for place, one in zip(places, keys, strict=True)]
                    name, entry = explain_facts.lookup_entry(told, call, values, plain_value(ref, key[-1]))
                    if len(known) >= MOST_CELLS:
                        known.clear()
                    made = known[key] = name, dumps(entry)
                entries[made[0]] = made[1]
        return listed([entries[name] for name in sorted(entries)])

    return part


def conversions(told: Told, wants: Wants) -> Part:
    """Every change of period as a line with both figures."""
    calls = []
    order = ("from", "id", "to", "who")
    for one in reached(told.table, told.names, ("per_month", "per_year")):
        level, gate = _gated(one, told, wants)
        inner = one.call.arguments[0]
        before = wants.seen(told, wants.node(inner, one.level), told.unit_at(inner))
        after = wants.seen(told, wants.node(one.call, one.level), told.unit_at(one.call))
        words = {"where": told.words.expression(inner), "expr": told.words.expression(one.call)}
        calls.append((level, gate, before, after, Template(words | holes(*order), order)))
    last = _of_income(told, wants)

    def part(scene: Scene) -> bytes:
        entries = []
        for level, gate, before, after, template in calls:
            for row in range(scene.found.rows[level]):
                first, second = before.ref.key(scene.found, row), after.ref.key(scene.found, row)
                if first is not None and second is not None and gate.passes(scene, row):
                    ids, who = scene.ids[level][row], scene.who[level][row]
                    entries.append(template.fill((whole(before, scene, row), ids, whole(after, scene, row), who)))
        return listed(list(dict.fromkeys([*entries, *last(scene)])))

    return part


def _of_income(told: Told, wants: Wants) -> Callable[[Scene], list[bytes]]:
    """The line of a yearly income a head, which the results show by the month."""
    expression = told.table.results.income_per_head
    if expression is None or told.unit_at(expression.node).power("year") != -1:
        return lambda scene: []
    words = told.words.expression(expression.node)
    yearly = wants.seen(told, wants.node(expression.node, "household"), told.unit_at(expression.node))
    entry = {
        "where": told.say("explain.income_per_head"),
        "id": "",
        "who": "",
        "expr": told.say("explain.w_per_month", first=words),
    }
    month = parse("money/month")
    words_of_month = told.words.unit(month)
    suffix = f" {words_of_month}" if words_of_month else ""
    monthly = Text(yearly.ref, month.power("money"), (inside(suffix), b""), over=MONTHS_OF_YEAR)
    wants.forms[False].number(monthly)
    unit = dumps(str(month))
    template = Template(entry | holes("from", "to"), ("from", "to"))

    def part(scene: Scene) -> list[bytes]:
        if yearly.ref.key(scene.found) is None:
            return []
        return [template.fill((whole(yearly, scene), of_unit(*scene.three(monthly), unit)))]

    return part


def whole(shower: Shower, scene: Scene, row: int = 0) -> bytes:
    """A value with its unit, in all its forms (`View.shown`)."""
    return of_unit(*shower.json(scene, row), shower.unit_json)


def of_unit(value: bytes, exact: bytes, text: bytes, unit: bytes) -> bytes:
    """The same of a value in its three forms."""
    return b'{"exact":%b,"text":%b,"unit":%b,"value":%b}' % (exact, text, unit, value)
