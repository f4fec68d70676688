"""Why a household gets its result: the whole computation as one plain structure.

The structure is the contract's JSON (`docs/schemas/explanation.json`); `explain_text` and `explain_html`
only lay it out. Numbers are exact texts; sentences are in the language asked for. Every value is worked out
by both evaluators: if they differ anywhere, there is no explanation but an error.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hardship import __version__
from hardship.checking.check import Checked
from hardship.errors import EngineError, Fault, RegisterError, UsageError
from hardship.explaining import facts as explain_facts
from hardship.explaining import steps as explain_steps
from hardship.explaining.reasons import reasons
from hardship.explaining.view import STATUSES, Entry, View
from hardship.flags import run_flags
from hardship.language.fields import Level
from hardship.language.units import parse
from hardship.reading.rejects import main_reasons
from hardship.reference.evaluate import Reference
from hardship.reference.rows import read_rows

if TYPE_CHECKING:
    from hardship.register import Register
    from hardship.standards import Standards

MONTHLY = parse("money/month")
DIRECTIONS = {
    "higher_is_harder": "explain.higher_is_harder",
    "higher_is_better": "explain.higher_is_better",
}
NO_CIRCLE: Entry = {
    "id": None,
    "name": "circle",
    "ladder": "",
    "title": "",
    "rungs": [],
    "otherwise": {"id": None, "title": "", "taken": False},
    "lines": [],
}


def explain(
    register: Register,
    checked: Checked,
    standards: Standards,
    on: dt.date,
    household_id: str,
    lang: str = "en",
    *,
    forced: bool = False,
    nearest: bool = True,
) -> Entry:
    """The explanation of one household's result under one table on one day.

    Args:
        forced: the table's version was chosen by force; it is flagged.
        nearest: also look for the nearest single changes that would move the circle (up to a second).

    Raises:
        UsageError: the register has no such household.
        EngineError: the two evaluators differ.
        RegisterError: the household was rejected (no standard for its place, a value out of range, …).
        TableError: a standard that holds for the household does not fit the table.
    """
    register = only(register, household_id)
    (household,) = read_rows(register, checked.names.attributes)
    plain = Reference(checked.table, checked.names, standards, on)
    view = _view(plain, household, checked, lang)
    agree(view, register, standards)
    found = _explained(view, plain, standards)
    found["flags"] = flags(view, register, forced)
    _tell_sources(found["inputs"], register, found["flags"])
    if nearest:
        from hardship.explaining.nearest import nearest_changes

        found["nearest_changes"] = nearest_changes(view, plain, household, register, standards)
    return found


def flags(view: View, register: Register, forced: bool) -> list[str]:
    """The flags of the household's result: of the register, of bounds it breaks, of the run."""
    hit = [f"require:{name}" for name, broken in view.outcome.requires.items() if broken]
    return sorted({*register.flags["flag"], *hit, *run_flags(view.table, view.on, forced)})


def _tell_sources(inputs: list[Entry], register: Register, marks: list[str]) -> None:
    """Say of each fact of the household where it was read: `file:sheet:line`, or that it was corrected."""
    (row,) = register.frames["household"].select("file", "sheet", "line").rows()
    place = ":".join(str(part) for part in row if part)
    for entry in inputs:
        if entry["level"] == "household" and entry["state"] == "known":
            corrected = f"override:{entry['name']}" in marks
            entry["source"] = "overrides" if corrected else place


def agree(view: View, register: Register, standards: Standards) -> None:
    """Compare the machine's value of every name at every row with the reference's.

    Raises:
        EngineError: they differ; an explanation of one would not explain the other.
    """
    from hardship.engine.machine import run
    from hardship.lowering.bind import bind
    from hardship.lowering.program import lowered
    from hardship.sides import trace

    program = lowered(view.checked, "all")
    (traced,) = trace(run(program, bind(program, register, standards, view.on)), register)
    for key, value in traced.items():
        if key in view.outcome.values and view.outcome.values[key] != value:
            raise EngineError(Fault("explain.differ", params={"name": key[0]}))


def explanation_json(explanation: Entry) -> str:
    """Stable text: keys sorted, two spaces, one line feed at the end."""
    return json.dumps(explanation, ensure_ascii=False, sort_keys=True, indent=2) + "\n"


def only(register: Register, household_id: str) -> Register:
    """The register with this one household.

    Raises:
        UsageError: there is no such household. RegisterError: it was rejected; the reasons are said.
    """
    import polars as pl

    place = register.frames["household"]["household_id"].index_of(household_id)
    if place is None:
        own = register.rejects.filter(pl.col("household_id") == household_id)
        if own.height:
            raise RegisterError([Fault("explain.rejected", params={"register": register.name}), *main_reasons(own)])
        raise UsageError(Fault("explain.no_household", params={"register": register.name}))
    frames: dict[Level, pl.DataFrame] = {"household": register.frames["household"][place : place + 1]}
    members = register.frames["member"].with_row_index("old").filter(pl.col("household") == place)
    frames["member"] = members.drop("old").with_columns(pl.lit(0, pl.UInt32).alias("household"))
    new = {old: row for row, old in enumerate(members["old"])}
    below: tuple[Level, ...] = ("supporter", "transfer")
    for level in below:
        rows = register.frames[level].filter(pl.col("member").is_in(list(new)))
        frames[level] = rows.with_columns(rows["member"].replace_strict(new, return_dtype=pl.UInt32))
    flags = register.flags.filter(pl.col("household_id") == household_id)
    return replace(register, frames=frames, flags=flags)


def _view(plain: Reference, household: Mapping[str, Any], checked: Checked, lang: str) -> View:
    """The household as the reference evaluates it."""
    outcome, stages = plain.run(household)
    if outcome.rejected or stages is None:
        code = "explain.no_standard" if outcome.rejected == "no_standard" else "explain.out_of_range"
        raise RegisterError(Fault(code, params={"name": outcome.rejected_by}))
    return View(checked, plain.ground.on, lang, outcome, stages)


def _explained(view: View, reference: Reference, standards: Standards) -> Entry:
    outcome, table = view.outcome, view.table
    identity = table.table
    indices = [explain_steps.index(view, declared) for declared in table.index]
    ladders = [explain_steps.ladder(view, declared) for declared in table.ladder]
    circle = next((entry for entry in ladders if entry["name"] == "circle"), None)
    found: Entry = {
        "schema": 1,
        "engine": __version__,
        "lang": view.lang,
        "household_id": outcome.household_id,
        "area_code": outcome.area_code,
        "table": {
            "id": identity.id,
            "version": identity.version.isoformat(),
            "title": identity.title.text(view.lang),
            "place": identity.place.zh if view.lang == "zh" else identity.place.en,
            "note": identity.note.text(view.lang) if identity.note is not None else "",
            "direction": identity.direction,
            "direction_text": view.say(DIRECTIONS[identity.direction]),
            "status": identity.default_status,
            "status_text": view.say(STATUSES[identity.default_status]),
            "sha256": view.checked.sha256,
        },
        "standards_sha256": standards.sha256,
        "on": view.on.isoformat(),
        "outcome": outcome.outcome,
        "outcome_text": view.say(explain_steps.OUTCOMES[outcome.outcome]),
        "refused": view.stages.name("refused", view.root),
        "deferred": view.stages.name("deferred", view.root),
        "members": explain_facts.members(view),
        "inputs": explain_facts.inputs(view),
        "lookups": explain_facts.lookups(view),
        "conversions": explain_facts.conversions(view),
        "facts_dated": explain_facts.ages_of_facts(view),
        "parameters": explain_facts.parameters(view, reference.parameters),
        "constants": explain_facts.constants(view),
        "requires": explain_steps.requires(view),
        "derived": explain_steps.derived(view),
        "indices": indices,
        "groups": indices[0]["groups"] if indices else [],
        "index": indices[0]["value"] if indices else None,
        "index_exact": indices[0]["exact"] if indices else None,
        "vetoes": explain_steps.vetoes(view),
        "circle": circle if circle is not None else NO_CIRCLE,
        "ladders": [entry for entry in ladders if entry["name"] != "circle"],
        "income_per_head": view.shown(outcome.income_per_head, MONTHLY),
        "gap_to_next_line": view.shown(outcome.gap, MONTHLY),
        "benefit": explain_steps.benefit(view),
        "persons": explain_steps.persons(view),
        "outputs": explain_steps.outputs(view),
        "order": explain_steps.order(view),
        "nearest_changes": [],
        "missing": explain_facts.absent(view, outcome.missing),
        "assumed": explain_facts.absent(view, outcome.assumed),
    }
    found["reasons"] = reasons(found)
    return found
