"""Standards that only the setting after has in force, judged by the tests of their places before anything is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hardship.standards import standards

if TYPE_CHECKING:
    from hardship.inputs import Inputs
    from hardship.proposals.judge import Finding

ADOPTED = ("published", "law")


def findings(before: Inputs, after: Inputs) -> list[Finding]:
    """What the tests say of the proposed rows, for the places in which the register after has households.

    Proposed is a row that is in force after and not, with the same number, before. Places without tests have no
    findings.

    Raises:
        TableError: a row does not fit an input of the tests.
    """
    from hardship.proposals.judge import check_proposal
    from hardship.proposals.rules import load_rules

    rules = load_rules()
    known = standards(row for row in before.standards.rows if row.effective_from <= before.on)
    numbers = {(row.key, row.value, row.unit) for row in known.rows}
    proposed = [
        row
        for row in after.standards.rows
        if row.parameter in rules.judged
        and row.effective_from <= after.on
        and (row.key, row.value, row.unit) not in numbers
    ]
    if not proposed:
        return []
    codes = [code or "" for code in after.register.frames["household"]["area_code"].unique()]
    found = check_proposal(known, after.standards, after.on, rules=rules)
    return [one for one in found if any(code.startswith(one.area) for code in codes)]


def stopping(found: Sequence[Finding]) -> list[Finding]:
    """The failed tests of standards that nobody has published yet; a published one is no proposal any more."""
    return [one for one in found if one.verdict == "failed" and one.row.status not in ADOPTED]


def record(found: Sequence[Finding], accepted: str) -> dict[str, Any] | None:
    """What `run.json` says of the tests: their verdicts, and why a failed one was accepted; None where none holds."""
    if not found:
        return None
    told: dict[str, Any] = {
        verdict: [
            {"test": one.check.id, "area": one.area, "residence": one.residence}
            for one in found
            if one.verdict == verdict
        ]
        for verdict in ("passed", "failed", "unknown")
    }
    return told | {"accepted": accepted if stopping(found) else ""}
