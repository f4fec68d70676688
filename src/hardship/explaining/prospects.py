"""What the missing facts leave possible (`possible`), as lines of text: for a terminal, a letter and the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hardship import messages
from hardship.explaining.view import Entry

MOST_FACTS = 4  # facts of an example that are written out


def lines(possible: Entry, lang: str) -> Iterator[str]:
    """Sentences, the missing facts, each possible circle with an example, and what each answer to the next question
    leaves; two blanks before what belongs to the line above."""

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    def inside(text: str) -> str:
        return say("explain.w_inside", text=text) if text else ""

    listed = say("explain.w_or_list")
    yield from possible["text"]
    if not possible["exact"]:
        yield say("possible.not_exact")
    names = listed.join(fact["title"] + inside(fact["who"]) for fact in possible["facts"])
    yield say("possible.facts", count=len(possible["facts"]), names=names)
    for circle in possible["circles"]:
        if circle["example"] is None:
            yield "  " + say("possible.no_example", circle=circle["title"] or circle["outcome_text"])
            continue
        facts = [f"{one['title']}{inside(one['who'])} = {one['text']}" for one in circle["example"][:MOST_FACTS]]
        more = "…" if len(circle["example"]) > MOST_FACTS else ""
        params = {"circle": circle["title"] or circle["outcome_text"], "outcome": circle["outcome_text"]}
        yield "  " + say("possible.example", facts=listed.join(facts) + more, **params)
    asked = possible["ask_next"]
    if asked is not None and possible["may_change"]:
        yield say("possible.answers", title=asked["title"] + inside(asked["who"]))
        for answer in asked["answers"]:
            span = _span(answer["from"], answer["to"], asked.get("bounds"), asked["type"] == "date", lang)
            titles = dict.fromkeys(one["title"] or one["outcome_text"] for one in answer["circles"])
            left = listed.join(say("explain.w_quoted", text=title) for title in titles)
            yield "  " + say("possible.answer", answer=span, circles=left or say("possible.not_scored"))


def _span(first: Entry, last: Entry, bounds: list[Any] | None, dated: bool, lang: str) -> str:
    """A range of answers in words; a bound of what may be answered at all is not told."""
    low, high = bounds or (None, None)
    if first["value"] == last["value"]:
        return messages.text("possible.same", lang, least=first["text"])
    if last["value"] == high and first["value"] != low:
        code = "possible.since" if dated else "possible.at_least"
    elif first["value"] == low and last["value"] != high:
        code = "possible.until" if dated else "possible.at_most"
    else:
        code = "possible.between"
    return messages.text(code, lang, least=first["text"], most=last["text"])
