"""What both sides of a movement were computed with, as rows to read and to check."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hardship.columns import round_half_up
from hardship.movement.screen import TRANSITIONS
from hardship.reports.story import Story

Say = Callable[..., str]
ENDS = ("before", "after")


def setting_rows(story: Story, lang: str, say: Say) -> list[list[str]]:
    """Label, before, after: day, table, lines, register, households."""
    sides = [story.run[end] for end in ENDS]
    place = 0 if lang == "zh" else 1
    rows = [
        [say("report.s_on"), *(side["on"] for side in sides)],
        [say("report.s_table"), *(title[place] for title in story.tables)],
        [say("report.s_version"), *(f"{side['table']['id']}@{side['table']['version']}" for side in sides)],
        [say("report.s_register"), *(side["register"]["name"] for side in sides)],
    ]
    for key in ("in", "scored", "rejected"):
        rows.append([say(f"report.s_{key}"), *(f"{side['counts']['households'][key]:,}" for side in sides)])
    rows.append([say("report.s_incomplete"), *(f"{side['counts']['incomplete']:,}" for side in sides)])
    found = [{_line_name(line, lang, say): amount(line.value) for line in lines} for lines in story.lines]
    for name in dict.fromkeys((*found[0], *found[1])):
        rows.append([say("report.s_line", name=name), *(one.get(name, "—") for one in found)])
    return rows


def _line_name(line: Any, lang: str, say: Say) -> str:
    parts = [line.title[0 if lang == "zh" else 1]]
    if line.residence:
        parts.append(say(f"report.residence_{line.residence}"))
    if line.area:
        parts.append(line.area)
    return say("report.listed").join(parts)


def amount(value: Any) -> str:
    """Yuan with two places, rounded half up where a line has more."""
    return f"{Decimal(round_half_up(value * 100)).scaleb(-2):,.2f}"


def hash_rows(story: Story, lang: str, say: Say) -> list[list[str]]:
    """Label, value: everything somebody needs to compute the movement again and compare."""
    run = story.run
    rows = [[say("report.s_engine"), run["engine"]], [say("report.s_movement_hash"), run["movement_sha256"]]]
    for end in ENDS:
        side, words = run[end], say(f"report.{end}")

        def told(key: str, value: str, words: str = words) -> list[str]:
            return [say("report.pair", what=say(f"report.{key}"), end=words), value]

        rows += [
            told("s_on", side["on"]),
            told("s_version", f"{side['table']['id']}@{side['table']['version']}"),
            told("s_table_hash", side["table"]["sha256"]),
            told("s_standards_hash", side["standards_sha256"]),
            told("s_register", side["register"]["name"]),
            told("s_register_hash", side["register"]["sha256"]),
        ]
    rows.append([say("report.s_factors"), say("report.listed").join(say(f"report.cause_{f}") for f in run["factors"])])
    if run.get("proposal"):
        rows.append([say("report.s_proposal"), _proposal(run["proposal"], say)])
    if run.get("transition"):
        rows.append([say("report.s_transition"), say(TRANSITIONS[run["transition"]["rule"]])])
    return rows


def _proposal(told: dict[str, Any], say: Say) -> str:
    """The verdicts on a proposed standard, the failed tests by name, and why it was accepted all the same."""
    counts = {verdict: len(told[verdict]) for verdict in ("passed", "failed", "unknown")}
    failed = say("report.listed").join(dict.fromkeys(one["test"] for one in told["failed"]))
    accepted = say("report.proposal_accepted", reason=told["accepted"]) if told["accepted"] else ""
    return f"{say('report.proposal_told', **counts)} {failed} {accepted}".strip()
