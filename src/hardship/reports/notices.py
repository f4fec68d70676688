"""明白卡: one page for each household, in plain words: what it gets, why, until when, how to object.

Amounts and circles are those of the run; the reasons come from the plain evaluator, and a household about which
the two differ gets no notice but stops all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship import __version__, export, messages, pages
from hardship.errors import EngineError, Fault
from hardship.explaining.brief import brief
from hardship.rank import AREA_LEVELS
from hardship.reference.evaluate import Reference, rows
from hardship.reports import pdf
from hardship.reports.extra import LETTERS, need
from hardship.reports.heads import heads
from hardship.reports.shown import Entry, Say, number
from hardship.reports.words import area_names

if TYPE_CHECKING:
    from hardship.inputs import Inputs, Progress
    from hardship.language.fields import Level
    from hardship.register import Register
    from hardship.results import Results

KIND, CARDS = "notices", "cards"
OURS = frozenset({export.RUN, CARDS})
MOST = 5_000  # pages of one PDF; typst's memory grows with them
SENTENCES = 3


@dataclass(frozen=True)
class Sender:
    """What every notice says beside the result.

    Attributes:
        office: who sends it; contact: where to ask and object; days: within how many days of receipt one may object,
            None if it is not said. "" and None give general words.
    """

    office: str = ""
    contact: str = ""
    days: int | None = None


def only_households(register: Register, chosen: pl.Series) -> Register:
    """The register with some of its households.

    Args:
        chosen: bool, a value for each household.
    """
    keep = chosen.to_numpy()
    frames = dict(register.frames)
    frames["household"] = register.frames["household"].filter(chosen)
    frames["member"], kept = _below(register.frames["member"], "household", keep)
    below: tuple[Level, ...] = ("supporter", "transfer")
    for level in below:
        frames[level], _ = _below(register.frames[level], "member", kept)
    return replace(register, frames=frames)


def _below(frame: pl.DataFrame, parent: str, keep: Any) -> tuple[pl.DataFrame, Any]:
    """The rows whose parent row is kept, numbered anew; and which they are."""
    places = np.cumsum(keep) - 1
    above = frame[parent].to_numpy()
    stays = keep[above]
    found = frame.filter(pl.Series(stays))
    return found.with_columns(pl.Series(parent, places[above[stays]].astype(np.uint32))), stays


def notices(
    results: Results, inputs: Inputs, chosen: pl.Series, sender: Sender, lang: str, names: dict[str, str] | None = None
) -> Iterator[Entry]:
    """The content of each notice, in the order of areas and ids.

    Args:
        chosen: bool, for each household of the register, whether it gets one.
        names: see `heads`.

    Raises:
        EngineError: the two evaluators differ about a household.
    """
    part = only_households(inputs.register, chosen)
    plain = Reference(inputs.checked.table, inputs.checked.names, inputs.standards, inputs.on)
    stored = {row["household_id"]: row for row in results.frame.iter_rows(named=True)}
    known = {row["household_id"]: row["name"] for row in heads(part, inputs.on, names).iter_rows(named=True)}
    areas = area_names(inputs.register)
    words = _Words(inputs, sender, lang, results.run)
    households = rows(part, inputs.checked.names.attributes)
    for household in sorted(households, key=_place):
        found = brief(plain, household, inputs.checked, lang)
        identity = household["household"]["household_id"]
        result = stored.get(identity)
        if found is None and result is None:
            continue  # rejected: the township gets its row back
        _agree(found, result)
        assert found is not None
        assert result is not None
        yield words.notice(found, result, known.get(identity), areas)


def _place(household: Entry) -> tuple[str, str]:
    own = household["household"]
    return own.get("area_code") or "", own["household_id"]


def _agree(found: Entry | None, result: Entry | None) -> None:
    """Both evaluators on what a notice says."""
    if found is None or result is None:
        raise EngineError(Fault("explain.differ", params={"name": "outcome"}))
    complete = found["outcome"] != "incomplete"
    pairs = {
        "outcome": (found["outcome"], result["outcome"]),
        "circle": (found["circle"]["id"] if complete else None, result["circle"]),
        "benefit_month": (
            found["benefit"]["month"] if complete else None,
            None if result["benefit_month"] is None else str(result["benefit_month"]),
        ),
    }
    for name, (one, other) in pairs.items():
        if one != other:
            raise EngineError(Fault("explain.differ", params={"name": name}))


class _Words:
    """One notice after the other, in one language."""

    def __init__(self, inputs: Inputs, sender: Sender, lang: str, run: Entry) -> None:
        self.lang, self.sender, self.on, self.run = lang, sender, inputs.on, run
        self.table = inputs.checked.table.table
        self.say: Say = lambda code, **params: messages.text(code, lang, **params)

    def notice(self, found: Entry, result: Entry, name: str | None, areas: dict[str, str]) -> Entry:
        """One page."""
        say, code = self.say, found["area_code"] or ""
        paid = result["benefit_month"] or 0
        alone = [one for one in found["persons"] if one["outcome"] == "meets"]
        return {
            "to": say("report.n_to", name=name) if name else say("report.n_to_household", id=found["household_id"]),
            "id": found["household_id"],
            "area": code,
            "place": " ".join(filter(None, (areas.get(code[:9]), areas.get(code) or code))),
            "outcome": say(f"report.n_{found['outcome']}"),
            "good": found["outcome"] == "meets",
            "facts": list(self.facts(found, result)),
            "amount": say("report.n_amount", amount=number(paid), currency=self.currency()) if paid else "",
            "persons": [
                say("report.n_person", who=one["who"], title=one["title"], amount=one["benefit"]["text"])
                for one in alone
            ]
            or ([say("report.n_no_amount")] if found["outcome"] == "meets" and not paid else []),
            "why": self.why(found),
            "until": list(self.until(found, result)),
        }

    def currency(self) -> str:
        """What money is called."""
        return self.say("report.yuan") if self.table.currency == "CNY" else self.table.currency

    def facts(self, found: Entry, result: Entry) -> Iterator[tuple[str, str]]:
        """Label and value of what was found."""
        if found["circle"]["id"] is not None and found["outcome"] != "incomplete":
            yield self.say("report.p_circle"), found["circle"]["title"]
        if result["income_per_head"] is not None:
            yield self.say("report.r_income_per_head"), f"{number(result['income_per_head'])} {self.currency()}"

    def why(self, found: Entry) -> list[str]:
        """At most three sentences."""
        sentences = list(found["reasons"])
        steps = found["benefit"]["steps"]
        if found["outcome"] == "meets" and steps and found["benefit"]["month"] not in (None, "0.00"):
            step = next((one for one in steps if one["filled"]), steps[-1])
            if step["filled"]:
                words = {"title": step["title"], "filled": step["filled"], "text": step["text"]}
                words["month"] = found["benefit"]["text"]
                sentences = [*sentences[: SENTENCES - 1], self.say("report.n_step", **words)]
        return sentences[:SENTENCES]

    def until(self, found: Entry, result: Entry) -> Iterator[str]:
        """How long it holds."""
        if result.get("exit_months"):
            yield self.say(
                "report.n_exit",
                months=result["exit_months"],
                amount=number(result["exit_amount"]),
                currency=self.currency(),
            )
        if result.get("review_on"):
            yield self.say("report.n_review", day=result["review_on"].isoformat())
        elif found["outcome"] == "meets":
            yield self.say("report.n_no_review")
        if found["outcome"] == "incomplete":
            yield self.say("report.n_complete")
        elif found["outcome"] != "meets":
            yield self.say("report.n_again")

    def letter(self) -> Entry:
        """What all notices of a run share."""
        say, sender = self.say, self.sender
        objection = say("report.n_object_days", days=sender.days) if sender.days else say("report.n_object")
        return {
            "lang": self.lang,
            "title": say("report.n_title"),
            "h_amount": say("report.n_h_amount"),
            "h_why": say("report.n_h_why"),
            "h_until": say("report.n_h_until"),
            "h_object": say("report.n_h_object"),
            "number": say("report.c_household_id"),
            "by": say("report.n_by", title=self.table.title.text(self.lang), on=self.on.isoformat()),
            "object": [objection, say("report.n_contact", contact=sender.contact)] if sender.contact else [objection],
            "change": say("report.n_change"),
            "office": sender.office or say("report.n_office"),
            "made_by": say("report.made_by", engine=__version__, sha256=self.run["results_sha256"][:16]),
        }


def write(
    out: Path,
    results: Results,
    inputs: Inputs,
    chosen: pl.Series,
    sender: Sender,
    lang: str,
    *,
    names: dict[str, str] | None = None,
    formats: Sequence[str] = ("pdf", "html"),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write the notices into `out/cards`: one PDF and one page for each township, in parts of `MOST` households.

    Args:
        chosen, names: see `notices`.
        sender: who sends them.

    Returns:
        the record: how many notices and files.

    Raises:
        EngineError: the two evaluators differ. OSError: `out` cannot be written.
        UsageError: `out` holds something else, or a library for PDF is absent.
    """
    need(formats, LETTERS)
    export.prepare(out, KIND)
    letter = _Words(inputs, sender, lang, results.run).letter()
    parts: dict[str, list[Entry]] = {}
    total = int(chosen.sum())
    for done, one in enumerate(notices(results, inputs, chosen, sender, lang, names)):
        if progress is not None and done % 50 == 0:
            progress("notices", done / total)
        code = one.pop("area")[: AREA_LEVELS["township"]]
        parts.setdefault(code if code.isalnum() else "other", []).append(one)
    files = 0
    with export.staged(out, OURS) as staging:
        folder = staging / CARDS
        folder.mkdir()
        for code, cards in parts.items():
            for start in range(0, len(cards), MOST):
                name = code if start == 0 else f"{code}_{start // MOST + 1}"
                told = {**letter, "cards": cards[start : start + MOST]}
                if "html" in formats:
                    (folder / f"{name}.html").write_text(pages.render("notice", c=told), encoding="utf-8")
                if "pdf" in formats:
                    (folder / f"{name}.pdf").write_bytes(pdf.render("notice", told))
                files += len(formats)
        record = {
            "schema": 1,
            "kind": KIND,
            "engine": __version__,
            "results_sha256": results.sha256,
            "counts": {"notices": sum(map(len, parts.values())), "files": files},
        }
        (staging / export.RUN).write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return record
