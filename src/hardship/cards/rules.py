"""The rules of a table in words: values, points with what they can reach, clauses, circles, benefit, order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from hardship import messages
from hardship.checking.check import Checked
from hardship.explaining import values as explain_values
from hardship.explaining.wording import Wording
from hardship.language.expression import Expression
from hardship.language.fields import Provided, Title
from hardship.language.table import Computed, Group, Item, Ladder, Person, Points, RankKey, Require, Test, Veto
from hardship.language.units import parse
from hardship.office import form

Entry = dict[str, Any]
TRANSITIONS = {
    "recompute": "card.transition_recompute",
    "keep_until_review": "card.transition_keep",
    "map": "card.transition_map",
}
EDGES = {"below": "<", "at_most": "≤", "at_least": "≥", "above": ">"}


class Pen:
    """Writes the parts of one table in one language."""

    def __init__(self, checked: Checked, lang: str) -> None:
        self.checked, self.lang = checked, lang
        self.words = Wording(checked.names, lang)
        self.default = checked.table.table.default_status
        self.indices = [index.id for index in checked.table.index]

    def say(self, code: str, **params: Any) -> str:
        """A sentence of the catalogue."""
        return messages.text(code, self.lang, **params)

    def title(self, title: Title | None) -> str:
        """A text in the card's language, "" for none."""
        return title.text(self.lang) if title is not None else ""

    def option(self, value: str, field: str = "") -> str:
        """One of the fixed words of the language: `已公布`, `否决`."""
        return form.option(field, value, self.lang)

    def sentence(self, expression: Expression | None) -> str:
        """An expression in words, "" for none."""
        return self.words.expression(expression.node) if expression is not None else ""

    def exact(self, value: Fraction | None) -> str:
        """A number exactly, "" for none."""
        return str(explain_values.exact(value)) if value is not None else ""

    def number(self, value: Fraction, unit: str) -> Entry:
        """`exact`, `unit`, and `text` for people."""
        text = explain_values.text(value, self.words, unit=parse(unit))
        return {"exact": self.exact(value), "unit": unit, "text": text.removeprefix("≈") if "/" not in text else text}

    def assumed(self, name: str, value: object) -> str:
        """What is put in the place of a missing fact, in words."""
        if isinstance(value, bool):
            text = self.words.truth(value)
        elif isinstance(value, str):
            text = self.words.option(name, value)
        else:
            text = value.isoformat() if isinstance(value, date) else f"{value}"
        return self.say("card.assumed", value=text)

    def origin(self, provided: Provided) -> Entry:
        """`source`, `status`, `note`, `verified_until` of a number or rule; by default the table's own status."""
        titles = {source.id: source.title.text(self.lang) for source in self.checked.table.source}
        status = provided.status or self.default
        return {
            "source": titles.get(provided.source, ""),
            "status": status,
            "status_text": self.option(status),
            "note": self.title(provided.note),
            "verified_until": provided.verified_until.isoformat() if provided.verified_until is not None else "",
        }

    def points(self, points: Points | None) -> str:
        """Points, those of several indices apart: `19 / 12`."""
        if isinstance(points, dict):
            return " / ".join(self.exact(points[one]) for one in self.indices)
        return self.exact(points)

    def reach(self, key: str) -> Entry:
        """Smallest and largest points that can be reached: `min`, `max`, for several indices apart."""
        found = [self.checked.bounds[f"{key}:{one}"] for one in self.indices]
        return {"min": self._together([low for low, _ in found]), "max": self._together([high for _, high in found])}

    def _together(self, values: Sequence[Fraction]) -> str:
        texts = [self.exact(value) for value in values]
        return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def rules(pen: Pen) -> Entry:
    """Every rule of a table, in the order of its stages."""
    table = pen.checked.table
    indices = [
        {
            "id": index.id, "title": index.title.text(pen.lang), "floor": pen.exact(index.floor),
            "cap": pen.exact(index.cap), "decimals": index.decimals,
            **dict(zip(("min", "max"), map(pen.exact, pen.checked.bounds[f"index:{index.id}"]), strict=True)),
        }
        for index in table.index
    ]  # fmt: skip
    leaving = table.exit
    return {
        "requires": [_require(pen, one) for one in table.require],
        "derived": [_computed(pen, one, level=one.level) for one in table.derive],
        "indices": indices,
        "groups": [_group(pen, one) for one in table.group if one.parent is None],
        "items": [_item(pen, one) for one in table.item if one.group is None],
        "vetoes": [_veto(pen, one) for one in table.veto],
        "ladders": [_ladder(pen, one) for one in table.ladder],
        "persons": [_person(pen, one) for one in table.person],
        "benefit": [_computed(pen, one) for one in table.benefit],
        "exit": None if leaving is None else {
            "when": pen.sentence(leaving.when), "months": pen.sentence(leaving.months),
            "amount": pen.sentence(leaving.amount),
        },
        "review": list(_review(pen)),
        "transition": list(_transition(pen)),
        "income_per_head": pen.sentence(table.results.income_per_head),
        "outputs": [_computed(pen, one) for one in table.output],
        "rank": {"among": pen.sentence(table.rank.among), "keys": [_key(pen, one) for one in table.rank.keys]},
    }  # fmt: skip


def _review(pen: Pen) -> Iterator[str]:
    """When a household is looked at again."""
    rule = pen.checked.table.review
    if rule is None:
        return
    if rule.when is not None:
        yield pen.say("card.review_when", when=pen.sentence(rule.when))
    since = pen.sentence(rule.since) if rule.since is not None else pen.say("card.review_on")
    yield pen.say("card.review_rule", months=pen.sentence(rule.months), since=since)
    if rule.holds is not None:
        yield pen.say("card.review_holds", holds=pen.sentence(rule.holds))
    if rule.note is not None:
        yield pen.title(rule.note)


def _transition(pen: Pen) -> Iterator[str]:
    """What becomes of results by older versions."""
    rule = pen.checked.table.transition
    if rule is None:
        return
    yield pen.say(TRANSITIONS[rule.rule])
    if rule.circles:
        pairs = (f"{old} → {pen.words.option('circle', new)}" for old, new in rule.circles.items())
        yield pen.say("card.transition_circles", pairs="; ".join(pairs))
    if rule.unless is not None:
        yield pen.say("card.transition_unless", unless=pen.sentence(rule.unless))
    if rule.note is not None:
        yield pen.title(rule.note)


def all_items(made: Entry) -> Iterator[Entry]:
    """Every item of a card, in the order of its groups; items without a group last."""

    def inside(group: Entry) -> Iterator[Entry]:
        yield from group["items"]
        for child in group["groups"]:
            yield from inside(child)

    for group in made["groups"]:
        yield from inside(group)
    yield from made["items"]


def _require(pen: Pen, require: Require) -> Entry:
    kind = pen.checked.kind_of_name[require.value]
    parts = [
        f"{sign} {explain_values.text(edge, pen.words, unit=kind.unit)}"
        for sign, edge in (("≥", require.at_least), ("≤", require.at_most))
        if edge is not None
    ]
    if require.one_of is not None:
        titles = [pen.words.option(require.value, value) for value in require.one_of]
        parts.append(pen.say("explain.w_or_list").join(titles))
    return {
        "id": require.id,
        "title": pen.words.name(require.value),
        "bounds": pen.say("explain.w_and").join(parts),
        "unless": pen.sentence(require.unless),
        "outside": require.outside,
        "outside_text": pen.option(require.outside),
        "message": pen.title(require.message),
        **pen.origin(require),
    }


def _computed(pen: Pen, one: Any, level: str = "household") -> Entry:
    assert isinstance(one, Computed)
    cases = [
        {
            "when": pen.sentence(case.when) or pen.say("explain.otherwise"),
            "value": pen.sentence(case.value or case.otherwise),
            "title": pen.title(case.title),
        }
        for case in one.cases or ()
    ]
    name: str = vars(one)["name"]
    return {
        "name": name,
        "title": pen.title(one.title) or name,
        "level": level,
        "level_text": pen.option(level),
        "unit": one.unit,
        "unit_text": pen.words.unit(one.unit),
        "expr": pen.sentence(one.expr),
        "cases": cases,
        **pen.origin(one),
    }


def _group(pen: Pen, group: Group) -> Entry:
    table = pen.checked.table
    titles = {source.id: source.title.text(pen.lang) for source in table.source}
    return {
        "id": group.id,
        "title": group.title.text(pen.lang),
        "floor": pen.exact(group.floor),
        "cap": pen.exact(group.cap),
        **pen.reach(f"group:{group.id}"),
        "source": titles.get(group.source, ""),
        "items": [_item(pen, one) for one in table.item if one.group == group.id],
        "groups": [_group(pen, one) for one in table.group if one.parent == group.id],
    }


def _item(pen: Pen, item: Item) -> Entry:
    level = item.per or ("member" if item.each is not None else "")
    absent = item.missing
    return {
        "id": item.id,
        "title": item.title.text(pen.lang),
        "for_each": pen.option(level) if level else "",
        "measured": pen.sentence(item.value or item.expr),
        "unit_text": pen.words.unit(item.unit),
        "lines": list(_lines(pen, item)),
        "floor": pen.points(item.floor),
        "cap": pen.points(item.cap),
        "missing": "" if absent is None else pen.points(absent.points),
        "missing_text": "" if absent is None else pen.title(absent.title),
        **pen.reach(f"item:{item.id}"),
        **pen.origin(item),
    }


def _lines(pen: Pen, item: Item) -> Iterator[Entry]:
    """Conditions and bands of an item, as they are tried, each with its points."""
    condition = item.when or item.each
    if condition is not None:
        yield {"when": pen.sentence(condition), "rule": "", "points": pen.points(item.points), "veto": ""}
    for case in item.cases or ():
        said = pen.sentence(case.when) or pen.say("explain.otherwise")
        title = pen.title(case.title)
        yield {
            "when": title or said,
            "rule": said if title and case.when is not None else "",
            "points": pen.points(case.points),
            "veto": case.veto or "",
        }
    for number, band in enumerate(item.bands or ()):
        text = explain_values.band_text(item.bands or (), number, pen.words, parse(item.unit))
        yield {"when": text, "rule": "", "points": pen.points(band.points), "veto": band.veto or ""}


def _veto(pen: Pen, veto: Veto) -> Entry:
    raising = [
        item.id
        for item in pen.checked.table.item
        if any(case.veto == veto.id for case in item.cases or ())
        or any(band.veto == veto.id for band in item.bands or ())
    ]
    return {
        "id": veto.id,
        "title": veto.title.text(pen.lang),
        "effect": veto.effect,
        "effect_text": pen.option(veto.effect),
        "when": pen.sentence(veto.when),
        "raised_by": raising,
        "period": pen.title(veto.period),
        "evidence": [pen.words.name(name) for name in veto.evidence],
        "appeal": pen.title(veto.appeal),
        **pen.origin(veto),
    }


def _tests(pen: Pen, tests: Sequence[Test]) -> list[Entry]:
    found = []
    for test in tests:
        key = next(key for key in EDGES if vars(test)[key] is not None)
        edge = pen.sentence(vars(test)[key])
        found.append(
            {
                "value": pen.sentence(test.value),
                "sign": EDGES[key],
                "edge": edge,
                "line": pen.title(test.line) or edge,
                "unless": pen.sentence(test.unless),
            }
        )
    return found


def _ladder(pen: Pen, ladder: Ladder) -> Entry:
    main = ladder.id == "circle"
    last = ladder.otherwise
    return {
        "id": ladder.id,
        "title": ladder.title.text(pen.lang),
        "pick": ladder.pick,
        "pick_text": pen.option(ladder.pick, "pick"),
        "rungs": [
            {
                "id": rung.id,
                "title": rung.title.text(pen.lang),
                "outcome_text": pen.option(rung.outcome or "meets") if main else "",
                "tests": _tests(pen, rung.tests),
                "also": pen.sentence(rung.also),
                **pen.origin(rung),
            }
            for rung in ladder.rung
        ],
        "otherwise": {
            "id": last.id,
            "title": last.title.text(pen.lang),
            "outcome_text": pen.option(last.outcome or "does_not_meet") if main else "",
        },
    }


def _person(pen: Pen, person: Person) -> Entry:
    return {
        "id": person.id,
        "title": person.title.text(pen.lang),
        "when": pen.sentence(person.when),
        "tests": _tests(pen, person.tests),
        "benefit": pen.sentence(person.benefit),
        "remaining": person.remaining,
        "remaining_text": pen.option(person.remaining),
        **pen.origin(person),
    }


def _key(pen: Pen, key: RankKey) -> Entry:
    return {
        "value": pen.sentence(key.value),
        "order": key.order,
        "order_text": pen.option(key.order),
        "nulls": key.nulls,
        "nulls_text": pen.option(key.nulls),
        "show": pen.exact(key.show.to) if key.show is not None else "",
    }
