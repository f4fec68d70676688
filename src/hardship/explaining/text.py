"""An explanation as plain text, for a terminal or a letter: the result first, then every step behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hardship import messages
from hardship.explaining import prospects
from hardship.explaining.view import Entry

MOST_CHANGES = 12
MARKS = {True: "✓", False: "✗", None: "?"}


def render(explanation: Entry) -> str:
    """The explanation as text in the language it was made in, ending with a line feed."""
    return "\n".join(_Page(explanation).lines()) + "\n"


class _Page:
    def __init__(self, explanation: Entry) -> None:
        self.all = explanation
        self.lang = explanation["lang"]

    def say(self, code: str, **params: Any) -> str:
        return messages.text(code, self.lang, **params)

    def pair(self, label: str, text: str) -> str:
        return f"{label}{self.say('explain.colon')}{text}"

    def inside(self, text: str) -> str:
        return self.say("explain.w_inside", text=text) if text else ""

    def row(self, entry: Entry) -> str:
        return f"[{entry['who']}] " if entry["who"] else ""

    def lines(self) -> Iterator[str]:
        yield from self.head()
        yield from self.result()
        for number, (title, part) in enumerate(self.sections(), 1):
            yield ""
            yield f"{number}. {title}"
            yield from part
        yield ""
        yield self.say("explain.not_a_decision")
        yield self.say("explain.how_to_object")
        yield self.say("explain.made_by", **self.marks())

    def marks(self) -> dict[str, str]:
        return {
            "engine": self.all["engine"],
            "table": self.all["table"]["sha256"][:12],
            "standards": self.all["standards_sha256"][:12],
        }

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """The sections that have something to say, in the order in which people ask."""
        parts = (
            ("explain.h_circle", self.circle()),
            ("explain.h_vetoes", self.vetoes()),
            ("explain.h_points", self.points()),
            ("explain.h_benefit", self.benefit()),
            ("explain.h_persons", self.persons()),
            ("explain.h_outputs", self.outputs()),
            ("explain.h_steps", self.steps()),
            ("explain.h_conversions", self.conversions()),
            ("explain.h_nearest", self.nearest()),
            ("explain.h_missing", self.missing()),
            ("possible.heading", self.possible()),
            ("explain.h_numbers", self.numbers()),
            ("explain.h_inputs", self.inputs()),
        )
        for code, part in parts:
            lines = list(part)
            if lines:
                yield self.say(code), lines

    def head(self) -> Iterator[str]:
        table = self.all["table"]
        yield self.say("explain.title")
        yield self.say(
            "explain.head_table", title=table["title"], version=table["version"], status=table["status_text"]
        )
        if table["note"]:
            yield table["note"]
        yield self.say("explain.head_household", id=self.all["household_id"], on=self.all["on"])

    def result(self) -> Iterator[str]:
        yield ""
        for label, text in result_rows(self.all):
            yield self.pair(label, text)
        for reason in self.all["reasons"]:
            yield f"  {reason}"

    def circle(self) -> Iterator[str]:
        for ladder in (self.all["circle"], *self.all["ladders"]):
            if ladder["id"] is None and not ladder["rungs"]:
                continue
            yield "  " + self.pair(ladder["ladder"], ladder["title"])
            for rung in ladder["rungs"]:
                yield f"    {'→' if rung['taken'] else ' '} {rung['title']}"
                for test in rung["tests"]:
                    yield "      " + self.say("explain.line", **line_words(test))
                    if test["waived"]:
                        yield "      " + self.say("explain.waived", condition=test["unless"])
                if rung["also"]:
                    yield f"      {MARKS[rung['also_holds']]} {rung['also']}"

    def vetoes(self) -> Iterator[str]:
        for veto in self.all["vetoes"]:
            if veto["hit"] is False:
                continue
            hit = veto["hit_text"] + self.inside(veto["effect_text"])
            yield f"  {veto['id']} " + self.pair(veto["title"], hit)
            if veto["expr"]:
                yield f"    {veto['expr']}"
            if veto["appeal"]:
                yield f"    {veto['appeal']}"
        clear = [veto["id"] for veto in self.all["vetoes"] if veto["hit"] is False]
        if clear:
            yield "  " + self.say("explain.vetoes_clear", ids=self.say("explain.w_or_list").join(clear))

    def points(self) -> Iterator[str]:
        if self.all["indices"]:
            yield f"  {self.all['table']['direction_text']}"
        for index in self.all["indices"]:
            yield "  " + self.pair(index["title"], index["value"] or "?")
            for group in index["groups"]:
                yield from self.group(group, "    ")
            if index["adjustment"] not in ("0", None):
                yield "    " + self.say("explain.index_bound", change=index["adjustment"])

    def group(self, group: Entry, indent: str) -> Iterator[str]:
        yield indent + self.pair(group["title"], group["points"] or "?")
        for item in group["items"]:
            title = f"{item['id']} {item['title']}{self.inside(self.band(item))}"
            yield f"{indent}  {item['points'] or '?'}  {title}"
            if item["capped_by"] == "item":
                yield f"{indent}      " + self.say("explain.item_cap", sum=item["sum"], cap=item["cap"])
        for child in group["groups"]:
            yield from self.group(child, indent + "  ")
        if group["adjustment"] not in ("0", None):
            yield f"{indent}  {group['adjustment']}  " + bound_words(group, self.lang)

    def band(self, scored: Entry) -> str:
        """The value and the band it falls into; for a condition only whether it holds."""
        parts = [scored["text"] if isinstance(scored["value"], str) else "", scored["band"]]
        return self.say("explain.w_semicolon").join(part for part in parts if part)

    def benefit(self) -> Iterator[str]:
        benefit = self.all["benefit"]
        for step in benefit["steps"]:
            yield from self.step([step])
        if benefit["stopped"]:
            yield "  " + self.say("explain.benefit_stopped")
        if "exit" in benefit:
            leaving = benefit["exit"]
            yield "  " + self.say("explain.exit", months=leaving["months"]["text"], amount=leaving["amount"]["text"])
        review = benefit.get("review", {})
        if review.get("on"):
            yield "  " + self.say("explain.review_on", day=review["on"])
        if review.get("held"):
            yield "  " + self.say("explain.review_held")

    def persons(self) -> Iterator[str]:
        for person in self.all["persons"]:
            amount = person["benefit"]["text"] if person["outcome"] == "meets" else ""
            yield f"  {self.row(person)}" + self.pair(person["title"], person["outcome_text"] + self.inside(amount))

    def step(self, steps: list[Entry]) -> Iterator[str]:
        """One named value: what it is, then the value of each row."""
        first = steps[0]
        alone = len(steps) == 1 and not first["who"]
        yield f"  {first['title']}" + (f" = {first['text']}" if alone else "")
        yield f"      {first['expr']}"
        for who, text, filled, case in told(steps, self.lang):
            sum_ = f"= {filled}" if filled else ""
            reason = self.inside(self.say("explain.case_taken", case=case)) if case else ""
            if not alone:
                yield f"      [{who}] {text} {sum_}".rstrip() + reason
            elif sum_ or reason:
                yield f"      {sum_}{reason}"

    def outputs(self) -> Iterator[str]:
        for steps in by_name(self.all["outputs"]):
            yield from self.step(steps)

    def steps(self) -> Iterator[str]:
        for steps in by_name(self.all["derived"]):
            yield from self.step(steps)
        for require in self.all["requires"]:
            if require["hit"] is not False:
                yield "  " + self.pair(f"{require['title']} {require['bounds']}", require["hit_text"])

    def conversions(self) -> Iterator[str]:
        for change in self.all["conversions"]:
            if change["from"]["exact"] == "0":
                continue
            change_words = f"{change['from']['text']} → {change['to']['text']}"
            yield f"  {self.row(change)}" + self.pair(change["where"], change_words)
        for parameter in self.all["parameters"]:
            if parameter["converted"]:
                change_words = f"{parameter['published_text']} → {parameter['text']}"
                yield "  " + self.pair(parameter["title"], change_words)

    def nearest(self) -> Iterator[str]:
        for change in told_changes(self.all):
            yield "  " + nearest_words(change, self.lang)

    def possible(self) -> Iterator[str]:
        for line in prospects.lines(self.all["possible"], self.lang) if self.all.get("possible") else ():
            yield "  " + line

    def missing(self) -> Iterator[str]:
        for entry in self.all["missing"]:
            yield "  " + self.say("explain.is_missing", title=entry["title"], ids=self.ids(entry))
        for entry in self.all["assumed"]:
            yield "  " + self.say(
                "explain.is_assumed",
                title=entry["title"],
                ids=self.ids(entry),
                value=entry["assumed"]["text"],
            )
        for dated in self.all["facts_dated"]:
            yield "  " + self.say("explain.fact_dated", **dated)
        if self.all["flags"]:
            yield "  " + self.say("explain.flagged", flags=self.say("explain.w_or_list").join(self.all["flags"]))

    def ids(self, entry: Entry) -> str:
        ids = [one for one in entry["who"] if one]
        return self.say("explain.of_rows", ids=self.say("explain.w_or_list").join(ids)) if ids else ""

    def numbers(self) -> Iterator[str]:
        for entry in (*self.all["parameters"], *self.all["constants"], *self.all["lookups"]):
            comma = self.say("explain.w_comma")
            place = comma.join(entry[key] for key in ("row", "column") if entry.get(key))
            origin = comma.join(entry[key] for key in ("source", "date", "status_text") if entry.get(key))
            yield f"  {entry['title']}{self.inside(place)} = {entry['text']}" + (f"  [{origin}]" if origin else "")

    def inputs(self) -> Iterator[str]:
        for entry in self.all["inputs"]:
            state = "" if entry["state"] != "assumed" else self.inside(entry["state_text"])
            yield f"  {self.row(entry)}{entry['title']} = {entry['text']}{state}"


def by_name(entries: list[Entry]) -> list[list[Entry]]:
    """Entries of the same name together, in the order of their first one."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry["name"], []).append(entry)
    return list(found.values())


def told(steps: list[Entry], lang: str) -> list[tuple[str, str, str, str]]:
    """Who, text, calculation and case of each row; rows of which only the text is worth telling go together."""
    if len(steps) < 2 or any(step["filled"] or step["case"] for step in steps):
        return [(step["who"], step["text"], step["filled"], step["case"]) for step in steps]
    found: dict[str, list[str]] = {}
    for step in steps:
        found.setdefault(step["text"], []).append(step["who"])
    comma = messages.text("explain.w_or_list", lang)
    return [(comma.join(who), text, "", "") for text, who in found.items()]


# --- words that the text and the page share ---


def result_rows(explanation: Entry) -> list[tuple[str, str]]:
    """The result itself: label and text of each line."""
    lang = explanation["lang"]
    rows = []
    complete = explanation["outcome"] != "incomplete"
    # A table without circles says nothing about who meets its conditions.
    if explanation["circle"]["rungs"] or explanation["outcome"] != "meets":
        rows.append((messages.text("explain.outcome", lang), explanation["outcome_text"]))
    if explanation["circle"]["id"] is not None and complete:
        rows.append((explanation["circle"]["ladder"], explanation["circle"]["title"]))
    if complete:
        rows += [(index["title"], _index_text(index)) for index in explanation["indices"]]
        for code, key in (
            ("explain.income_per_head", "income_per_head"),
            ("explain.gap", "gap_to_next_line"),
        ):
            if explanation[key]["exact"] is not None:
                rows.append((messages.text(code, lang), explanation[key]["text"]))
        if explanation["benefit"]["month"] is not None:
            rows.append((messages.text("explain.benefit_month", lang), explanation["benefit"]["text"]))
    return rows


def _index_text(index: Entry) -> str:
    value, exact = index["value"], index["exact"]
    return str(value) if exact is None or "/" not in exact else f"{value} ({exact})"


def line_words(test: Entry) -> dict[str, str]:
    """What the sentence about one line of a ladder needs."""
    return {
        "mark": MARKS[test["holds"]],
        "measured": test["measured"]["text"],
        "sign": test["sign"],
        "line": test["text"],
        "name": test["name"],
        "gap": test["gap_text"],
    }


def bound_words(group: Entry, lang: str) -> str:
    """Why a group's points are not the sum of its parts."""
    capped = group["adjustment"].startswith("-")
    code = "explain.group_cap" if capped else "explain.group_floor"
    return messages.text(code, lang, sum=group["sum"], bound=group["cap"] if capped else group["floor"])


def told_changes(explanation: Entry) -> list[Entry]:
    """The nearest changes worth a line on paper: sums of money, and whatever would make it meet the conditions."""
    changes = [
        one
        for one in explanation["nearest_changes"]
        if one["type"] == "money" or (one["better"] and one["outcome"] == "meets")
    ]
    return changes[:MOST_CHANGES]


def nearest_words(change: Entry, lang: str) -> str:
    """One nearest change as a sentence."""
    who = change["who"] + messages.text("explain.colon", lang) if change["who"] else ""
    return messages.text(
        "explain.nearest",
        lang,
        who=who,
        title=change["title"],
        before=change["from"]["text"],
        after=change["to"]["text"],
        result=change["result_text"],
    )
