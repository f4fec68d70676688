"""Why this outcome, in a sentence or two: the clause, the line or the missing fact that decided."""

from __future__ import annotations

from hardship import messages
from hardship.explaining.view import Entry

MOST_NAMED = 8


def reasons(explanation: Entry) -> list[str]:
    """The sentences that decide: what is missing; else clauses and bounds; else the circle."""
    lang = explanation["lang"]
    if explanation["outcome"] == "incomplete":
        titles = [entry["title"] for entry in explanation["missing"]]
        more = "…" if len(titles) > MOST_NAMED else ""
        listed = messages.text("explain.w_or_list", lang).join(titles[:MOST_NAMED]) + more
        return [messages.text("explain.because_missing", lang, titles=listed)]
    found = [
        messages.text("explain.because_veto", lang, id=veto["id"], title=veto["title"], effect=veto["effect_text"])
        for veto in explanation["vetoes"]
        if veto["hit"]
    ]
    found += [
        messages.text("explain.because_require", lang, title=require["title"], bounds=require["bounds"])
        for require in explanation["requires"]
        if require["hit"]
    ]
    return found or _circle(explanation["circle"], lang)


def _circle(circle: Entry, lang: str) -> list[str]:
    if circle["otherwise"]["taken"]:
        found = [messages.text("explain.because_none", lang, rung=circle["otherwise"]["title"])]
        last = circle["rungs"][-1] if circle["rungs"] else {"tests": []}
        return found + [_line("explain.because_not", test, lang) for test in last["tests"] if not test["holds"]]
    found = []
    for rung in circle["rungs"]:
        if not rung["taken"]:
            continue
        found += [_line("explain.because_test", test, lang) for test in rung["tests"]]
        if rung["also"]:
            found.append(messages.text("explain.because_also", lang, also=rung["also"], rung=rung["title"]))
    return found


def _line(code: str, test: Entry, lang: str) -> str:
    return messages.text(
        code,
        lang,
        name=test["value_words"],
        measured=test["measured"]["text"],
        sign=test["sign"],
        line=f"{test['name']} {test['text']}",
        rung=test["rung_title"],
    )
