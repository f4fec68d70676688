"""A public card as plain text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hardship import messages
from hardship.cards.rules import Entry


def render(made: Entry) -> str:
    """The card as text in the language it was made in, ending with a line feed."""
    return "\n".join(_Page(made).lines()) + "\n"


class Words:
    """Sentences about the parts of a card that the text and the page share."""

    def __init__(self, made: Entry) -> None:
        self.made, self.lang = made, made["lang"]

    def say(self, code: str, **params: Any) -> str:
        """A sentence of the catalogue."""
        return messages.text(code, self.lang, **params)

    def joined(self, *parts: str) -> str:
        """The parts that say something, with semicolons."""
        return self.say("explain.w_semicolon").join(part for part in parts if part)

    def head(self) -> list[tuple[str, str]]:
        """What the table is: label and text."""
        made, place = self.made, self.made["place"]
        area = self.say("card.area", **place) if place["area"] else place["name"]
        rows = [
            ("card.place", area),
            ("card.versions", self.say("card.comma").join(made["versions"])),
            ("card.currency", made["currency"]),
            ("card.direction", made["direction"] if made["indices"] else ""),
            ("card.default_status", made["status_text"]),
            ("card.parts", self.say("card.counts", **made["counts"])),
            ("card.hash", made["sha256"]),
        ]
        return [(self.say(code), text) for code, text in rows if text]

    def by_status(self) -> list[tuple[str, list[str]]]:
        """Each status with its entries, grouped by what they are."""
        found = []
        for status, entries in self.made["by_status"].items():
            lines = []
            for part in dict.fromkeys(entry["part"] for entry in entries):
                own = [entry for entry in entries if entry["part"] == part]
                titles = [f"{entry['title']}{' = ' if entry['text'] else ''}{entry['text']}" for entry in own]
                label = self.say(f"card.p_{part}")
                lines.append(f"{label}{self.say('explain.colon')}{self.say('explain.w_semicolon').join(titles)}")
            count = self.say("card.count_of", status=self.say(f"form.o_{status}"), count=len(entries))
            found.append((count, lines))
        return found

    def bounds(self, entry: Entry) -> str:
        """Floor and cap of an item, a group or an index."""
        floor = self.say("card.floor", floor=entry["floor"]) if entry["floor"] else ""
        cap = self.say("card.cap", cap=entry["cap"]) if entry["cap"] else ""
        return self.joined(floor, cap)

    def reach(self, entry: Entry) -> str:
        """Which points can be reached."""
        return self.say("card.reach", min=entry["min"], max=entry["max"])

    def item_lines(self, item: Entry) -> list[tuple[str, str, str]]:
        """Condition, rule behind it and result of each line of an item."""
        found = []
        for line in item["lines"]:
            result = self.say("card.points", points=line["points"]) if line["points"] else ""
            raises = self.say("card.raises", veto=line["veto"]) if line["veto"] else ""
            found.append((line["when"], line["rule"], self.joined(result, raises)))
        if item["missing"]:
            inside = self.say("explain.w_inside", text=item["missing_text"]) if item["missing_text"] else ""
            points = self.say("card.points", points=item["missing"])
            found.append((self.say("card.if_missing") + inside, "", points))
        return found

    def measured(self, item: Entry) -> str:
        """What an item looks at, and for whom."""
        each = self.say("card.for_each", level=item["for_each"]) if item["for_each"] else ""
        return self.say("explain.colon").join(part for part in (each, item["measured"]) if part)

    def veto_when(self, veto: Entry) -> str:
        """What a clause is hit by."""
        items = self.say("card.comma").join(veto["raised_by"])
        raised = self.say("card.raised_by", items=items) if items else ""
        return self.joined(veto["when"], raised) or self.say("card.by_nobody")

    def veto_more(self, veto: Entry) -> list[str]:
        """Period, evidence and answer of a clause."""
        evidence = self.say("card.comma").join(veto["evidence"])
        parts = (("card.period", veto["period"]), ("card.evidence", evidence), ("card.appeal", veto["appeal"]))
        return [self.say(code, text=text) for code, text in parts if text]

    def test(self, test: Entry) -> str:
        """One test of a rung as a sentence."""
        sentence = f"{test['value']} {test['sign']} {test['line']}"
        if test["edge"] != test["line"]:
            sentence += self.say("explain.w_inside", text=test["edge"])
        unless = self.say("card.unless", condition=test["unless"]) if test["unless"] else ""
        return self.joined(sentence, unless)

    def rung_lines(self, rung: Entry) -> list[str]:
        """Everything that must hold for a rung."""
        lines = [self.test(test) for test in rung["tests"]]
        if rung["also"]:
            lines.append(self.say("card.also", condition=rung["also"]) if lines else rung["also"])
        return lines

    def computed(self, entry: Entry) -> list[str]:
        """How a value is computed: its expression, or one line for each case."""
        if entry["expr"]:
            return [entry["expr"]]
        colon = self.say("explain.colon")
        return [
            f"{case['when']}{colon}{case['value']}"
            + (self.say("explain.w_inside", text=case["title"]) if case["title"] else "")
            for case in entry["cases"]
        ]

    def rank_lines(self) -> list[str]:
        """Who is ranked, and by what."""
        rank = self.made["rank"]
        lines = [self.say("card.among", rule=rank["among"] or self.say("card.everyone"))]
        for key in rank["keys"]:
            words = {"value": key["value"], "order": key["order_text"], "nulls": key["nulls_text"]}
            lines.append(
                self.say("card.key_show", show=key["show"], **words) if key["show"] else self.say("card.key", **words)
            )
        return [*lines, self.say("card.last_key")]

    def parameter_lines(self, parameter: Entry) -> list[str]:
        """The dated numbers of a parameter."""
        lines = []
        for row in parameter["rows"]:
            where = self.joined(row["area"] or self.say("card.everywhere"), row["residence_text"])
            since = self.say("card.since", day=row["from"])
            lines.append(f"{self.joined(where, since)}{self.say('explain.colon')}{row['text']}  [{row['status_text']}]")
        if parameter["more_rows"]:
            lines.append(self.say("card.more_rows", count=parameter["more_rows"]))
        return lines

    def parameter_rule(self, parameter: Entry) -> str:
        """When and within which bounds a parameter is read."""
        low, high = parameter["bounds"]
        when = self.say("card.as_of", when=parameter["as_of_text"])
        return self.joined(when, self.say("card.within", low=low, high=high))

    def mark(self, entry: Entry) -> str:
        """Status and source of an entry."""
        return self.say("card.comma").join(part for part in (entry["status_text"], entry["source"]) if part)


class _Page(Words):
    def lines(self) -> Iterator[str]:
        made = self.made
        yield made["title"]
        yield self.say("card.head", id=made["id"], version=made["version"])
        if made["note"]:
            yield made["note"]
        yield ""
        for label, text in self.head():
            yield f"{label}{self.say('explain.colon')}{text}"
        for number, (title, part) in enumerate(self.sections(), 1):
            yield ""
            yield f"{number}. {title}"
            yield from (f"  {line}" for line in part)
        yield ""
        yield self.say("explain.not_a_decision")

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        made = self.made
        parts = (
            ("card.h_sources", self.sources()),
            ("card.h_status", self.status()),
            ("card.h_protected", self.protected()),
            ("card.h_ladders", self.ladders()),
            ("card.h_vetoes", self.vetoes()),
            ("card.h_points", self.points()),
            ("card.h_persons", self.persons()),
            ("card.h_benefit", self.all_computed(made["benefit"])),
            ("card.h_exit", self.leaving()),
            ("card.h_review", iter(made["review"])),
            ("card.h_transition", iter(made["transition"])),
            ("card.h_rank", self.rank_lines()),
            ("card.h_parameters", self.parameters()),
            ("card.h_constants", (self.named(one, one["text"]) for one in made["constants"])),
            ("card.h_lookups", self.lookups()),
            ("card.h_lists", self.lists()),
            ("card.h_requires", self.requires()),
            ("card.h_derived", self.derived()),
            ("card.h_outputs", self.all_computed(made["outputs"])),
            ("card.h_facts", self.facts()),
            ("card.h_verified", (self.say("card.until", title=one["title"], until=one["verified_until"])
                                 for one in made["verified_until"])),
            ("card.h_warnings", made["warnings"]),
        )  # fmt: skip
        for code, part in parts:
            lines = list(part)
            if lines:
                yield self.say(code), lines

    def named(self, entry: Entry, text: str) -> str:
        note = self.say("explain.w_inside", text=entry["note"]) if entry["note"] else ""
        return f"{entry['title']} = {text}  [{self.mark(entry)}]{note}"

    def sources(self) -> Iterator[str]:
        for one in self.made["sources"]:
            yield "  ".join(part for part in (one["title"], one["date"], one["address"]) if part)

    def protected(self) -> Iterator[str]:
        for one in self.made["protected"]:
            yield f"{one['title']}{self.say('explain.colon')}{one['reason']}"

    def status(self) -> Iterator[str]:
        for count, lines in self.by_status():
            yield count
            yield from (f"  {line}" for line in lines)

    def ladders(self) -> Iterator[str]:
        for ladder in self.made["ladders"]:
            yield f"{ladder['title']}{self.say('explain.w_inside', text=ladder['pick_text'])}"
            for rung in ladder["rungs"]:
                yield f"  {rung['id']}  {self.joined(rung['title'], rung['outcome_text'])}"
                yield from (f"      {line}" for line in self.rung_lines(rung))
                if rung["note"]:
                    yield f"      {rung['note']}"
            last = ladder["otherwise"]
            yield f"  {last['id']}  {self.joined(last['title'], last['outcome_text'])}"
            yield f"      {self.say('card.otherwise_rung')}"

    def vetoes(self) -> Iterator[str]:
        for veto in self.made["vetoes"]:
            yield f"{veto['id']}  {veto['title']}  [{veto['effect_text']}]"
            for line in (self.veto_when(veto), *self.veto_more(veto), veto["note"]):
                if line:
                    yield f"      {line}"

    def points(self) -> Iterator[str]:
        for index in self.made["indices"]:
            yield self.joined(index["title"], self.bounds(index), self.reach(index))
        for group in self.made["groups"]:
            yield from self.group(group, "")
        if self.made["items"]:
            yield self.say("card.other_group")
            yield from self.items(self.made["items"], "  ")

    def group(self, group: Entry, indent: str) -> Iterator[str]:
        yield indent + self.joined(group["title"], self.bounds(group), self.reach(group))
        yield from self.items(group["items"], indent + "  ")
        for child in group["groups"]:
            yield from self.group(child, indent + "  ")

    def items(self, items: list[Entry], indent: str) -> Iterator[str]:
        for item in items:
            yield indent + f"{item['id']}  " + self.joined(item["title"], self.bounds(item), self.reach(item))
            if self.measured(item):
                yield f"{indent}      {self.measured(item)}"
            for when, rule, result in self.item_lines(item):
                inside = self.say("explain.w_inside", text=rule) if rule else ""
                yield f"{indent}      {when}{inside}{self.say('explain.colon')}{result}"
            if item["note"]:
                yield f"{indent}      {item['note']}"

    def persons(self) -> Iterator[str]:
        for one in self.made["persons"]:
            yield one["title"]
            words = {"when": one["when"], "benefit": one["benefit"], "remaining": one["remaining_text"]}
            yield "    " + self.say("card.person_rule", **words)
            yield from (f"    {self.test(test)}" for test in one["tests"])

    def all_computed(self, entries: list[Entry]) -> Iterator[str]:
        for entry in entries:
            unit = self.say("explain.w_inside", text=entry["unit_text"]) if entry["unit_text"] else ""
            yield f"{entry['title']}{unit}"
            yield from (f"    {line}" for line in self.computed(entry))
            if entry["note"]:
                yield f"    {entry['note']}"

    def leaving(self) -> Iterator[str]:
        if self.made["exit"] is not None:
            yield self.say("card.exit_rule", **self.made["exit"])

    def parameters(self) -> Iterator[str]:
        for one in self.made["parameters"]:
            yield f"{one['title']}{self.say('explain.colon')}{self.parameter_rule(one)}"
            yield from (f"    {line}" for line in self.parameter_lines(one))
            if one["note"]:
                yield f"    {one['note']}"

    def lookups(self) -> Iterator[str]:
        for one in self.made["lookups"]:
            unit = self.say("explain.w_inside", text=one["unit_text"]) if one["unit_text"] else ""
            yield f"{one['title']}{unit}  [{self.mark(one)}]"
            if len(one["columns"]) > 1:
                yield f"    {one['row_title']} \\ {one['column_title']}: " + " | ".join(one["columns"])
            for label, cells, printed in zip(one["rows"], one["cells"], one["published"], strict=True):
                marked = (cell + ("*" if star else "") for cell, star in zip(cells, printed, strict=True))
                yield f"    {label}: " + " | ".join(marked)
            if any(map(any, one["published"])):
                yield f"    {self.say('card.cells')}"

    def lists(self) -> Iterator[str]:
        for one in self.made["lists"]:
            yield f"{one['title']}  [{self.mark(one)}]"
            yield "    " + self.say("explain.w_or_list").join(value["title"] for value in one["values"])

    def requires(self) -> Iterator[str]:
        for one in self.made["requires"]:
            unless = self.say("card.unless", condition=one["unless"]) if one["unless"] else ""
            yield self.joined(f"{one['title']} {one['bounds']}", unless, one["outside_text"], one["message"])

    def derived(self) -> Iterator[str]:
        if self.made["counted"]:
            yield self.say("card.counted", rule=self.made["counted"])
        yield from self.all_computed(self.made["derived"])
        if self.made["income_per_head"]:
            yield self.say("card.income_per_head", rule=self.made["income_per_head"])

    def facts(self) -> Iterator[str]:
        for one in self.made["facts"]:
            yield f"{self.joined(one['title'], one['level_text'])}{self.say('explain.colon')}{one['missing_text']}"
