"""Findings about a proposed standard in words: as JSON, and as a text for the office."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from hardship import messages
from hardship.explaining import values
from hardship.explaining.wording import Wording, number_text
from hardship.language import units
from hardship.language.table import Lookup, Test
from hardship.proposals.judge import Finding, Put, Side, Verdict, edge_of
from hardship.proposals.rules import Input, Rules

VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "unknown")
SIGNS = {"below": "<", "at_most": "≤", "at_least": "≥", "above": ">"}


def proposal_record(findings: Sequence[Finding], rules: Rules, on: dt.date, lang: str) -> dict[str, Any]:
    """Findings for machines, sentences in `lang`.

    Returns:
        `{"schema": 1, "on", "lang", "title", "counts": {passed, failed, unknown}, "findings": [{test, title, area,
        residence, verdict, expression, sides: [{value, sign, edge, holds, text}], numbers: [{name, title, value,
        text, unit, status, source, effective_from, area}], missing, source, status, note}]}`; numbers are exact
        texts, those of rows as the rows have them; null where missing.
    """
    words = _Words(rules, lang)
    return {
        "schema": 1,
        "on": str(on),
        "lang": lang,
        "title": rules.file.checks.title.text(lang),
        "counts": {one: sum(finding.verdict == one for finding in findings) for one in VERDICTS},
        "findings": [words.finding(one) for one in findings],
    }


def record_json(record: dict[str, Any]) -> str:
    """Stable text of a record, ends with a line feed."""
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def render(record: dict[str, Any]) -> str:
    """A record as lines for a terminal, ends with a line feed."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: dict[str, Any]) -> Iterator[str]:
    lang = record["lang"]

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    yield say("proposal.head", title=record["title"], on=record["on"])
    place = None
    for one in record["findings"]:
        if (one["area"], one["residence_text"]) != place:
            place = (one["area"], one["residence_text"])
            area = one["area"] or say("proposal.everywhere")
            yield ""
            yield say("proposal.place", area=area, residence=one["residence_text"]).strip()
        yield say("proposal.line", verdict=one["verdict_text"], title=one["title"])
        yield from (f"    {side['text']}" for side in one["sides"])
        yield from (f"      {number['line']}" for number in one["numbers"])
        yield "    " + say("proposal.source", source=one["source"] or "–", status=one["status_text"])
        if one["note"]:
            yield "    " + say("proposal.note", note=one["note"])
    yield ""
    yield say("proposal.counts", **record["counts"]) if record["findings"] else say("proposal.none")


class _Words:
    """Numbers and sentences of one file of tests in one language."""

    def __init__(self, rules: Rules, lang: str) -> None:
        self.rules, self.lang = rules, lang
        self.wording = Wording(rules.checked.names, lang)
        self.sources = {source.id: source.title.text(lang) for source in rules.file.source}

    def say(self, code: str, **params: Any) -> str:
        return messages.text(code, self.lang, **params)

    def finding(self, one: Finding) -> dict[str, Any]:
        check = one.check
        status = check.status or self.rules.file.checks.default_status
        residence = self.wording.option("residence_type", one.residence) if one.residence else ""
        return {
            "test": check.id,
            "title": check.title.text(self.lang),
            "area": one.area,
            "residence": one.residence,
            "residence_text": residence,
            "verdict": one.verdict,
            "verdict_text": self.say(f"proposal.{one.verdict}"),
            "expression": self.say("explain.w_and").join(self.expression(side.test) for side in one.sides),
            "sides": [self.side(one, side) for side in one.sides],
            "numbers": [self.number(put, check.percent) for put in one.put],
            "missing": list(one.missing),
            "source": self.sources.get(check.source, ""),
            "status": status,
            "status_text": self.say(f"explain.s_{status}"),
            "note": check.note.text(self.lang) if check.note else "",
        }

    def expression(self, test: Test) -> str:
        value, edge = self.wording.expression(test.value.node), self.wording.expression(edge_of(test).node)
        return f"{value} {_sign(test)} {edge}"

    def side(self, finding: Finding, side: Side) -> dict[str, Any]:
        """One test with both numbers; `text` says the test in words, then the numbers and whether they hold."""
        expression, sign = self.expression(side.test), _sign(side.test)
        value, edge = self.pair(side, finding.check.percent)
        if side.holds is None:
            missing = self.say("proposal.comma").join(
                put.title.text(self.lang) for put in finding.put if put.name in finding.missing
            )
            text = self.say("proposal.side_unknown", expression=expression, missing=missing)
        else:
            code = "proposal.side_holds" if side.holds else "proposal.side_fails"
            text = self.say(code, expression=expression, value=value, sign=sign, edge=edge)
        return {
            "value": _exact(side.value),
            "sign": sign,
            "edge": _exact(side.edge),
            "holds": side.holds,
            "text": text,
        }

    def pair(self, side: Side, percent: bool) -> tuple[str, str]:
        """Both numbers for people; exactly, where rounding would make different numbers look alike."""
        value, edge = (self.text(number, side.unit, percent) for number in (side.value, side.edge))
        if side.value is None or side.edge is None or side.value == side.edge or value.lstrip("≈") != edge.lstrip("≈"):
            return value, edge
        return number_text(side.value), number_text(side.edge)

    def text(self, number: Fraction | None, unit: units.Unit, percent: bool) -> str:
        if percent and number is not None and unit == units.NONE:
            return self.say("proposal.percent", number=values.text(100 * number, self.wording))
        return values.text(number, self.wording, unit=unit)

    def number(self, put: Put, percent: bool) -> dict[str, Any]:
        """One number with where it comes from."""
        row, title = put.row, put.title.text(self.lang)
        status = row.status if row else (put.definition.status or self.rules.file.checks.default_status)
        source = row.source_text(self.lang) if row else self.sources.get(put.definition.source, "")
        value, unit = (row.value, row.unit) if row else (put.value, put.unit)
        shown = "" if isinstance(put.definition, Lookup) else self.text(value, units.parse(unit), percent)
        if row is None and isinstance(put.definition, Input):
            line = self.say("proposal.number_missing", title=title)
        else:
            line = self.say(
                "proposal.number",
                title=title,
                value=shown,
                since=self.say("proposal.since", date=row.effective_from) if row else "",
                status=self.say(f"explain.s_{status}"),
                source=source or "–",
            )
        return {
            "name": put.name,
            "title": title,
            "value": _exact(value),
            "text": shown,
            "unit": unit,
            "status": status,
            "source": source,
            "effective_from": str(row.effective_from) if row else None,
            "area": row.area_code if row else None,
            "line": line,
        }


def _sign(test: Test) -> str:
    return next(sign for key, sign in SIGNS.items() if vars(test)[key] is not None)


def _exact(number: Fraction | None) -> str | None:
    return None if number is None else number_text(number)
