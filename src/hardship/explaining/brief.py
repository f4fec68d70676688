"""What decided about a household and what it gets, in a few entries: for a notice, not for an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hardship.explaining import facts as explain_facts
from hardship.explaining import steps as explain_steps
from hardship.explaining.reasons import reasons
from hardship.explaining.view import Entry, View

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.reference.evaluate import Reference

NO_CIRCLE: Entry = {"id": None, "title": "", "rungs": [], "otherwise": {"id": None, "title": "", "taken": False}}


def brief(plain: Reference, household: Mapping[str, Any], checked: Checked, lang: str) -> Entry | None:
    """The result of one household with its reasons, as the plain evaluator finds it; None if it is rejected.

    Args:
        household: as `reference.rows` gives it.

    Returns:
        `household_id`, `area_code`, `outcome`, `circle`, `benefit`, `persons`, `missing`, `vetoes`, `requires` in the
        shapes of an explanation, and `reasons`: the sentences that decided.
    """
    outcome, stages = plain.run(household)
    if outcome.rejected or stages is None:
        return None
    view = View(checked, plain.ground.on, lang, outcome, stages)
    circle = next((one for one in checked.table.ladder if one.id == "circle"), None)
    found: Entry = {
        "lang": lang,
        "household_id": outcome.household_id,
        "area_code": outcome.area_code,
        "outcome": outcome.outcome,
        "circle": NO_CIRCLE if circle is None else explain_steps.ladder(view, circle),
        "benefit": explain_steps.benefit(view),
        "persons": explain_steps.persons(view),
        "missing": explain_facts.absent(view, outcome.missing),
        "vetoes": explain_steps.vetoes(view),
        "requires": explain_steps.requires(view),
    }
    found["reasons"] = reasons(found)
    return found
