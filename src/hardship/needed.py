"""What of a register a table needs: the columns that are kept, and that the register's hash is of.

Every cell of a register is judged, whether a table needs it or not; the rest is then let go. What is needed does not
depend on how much of a result is asked for, so that whoever replays or explains a run reads the same as the run did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardship.checking.check import Checked

ALWAYS = frozenset({
    "birth_date",  # ages that nobody can have are rejected
    "relation_to_head", "household_size_counted", "member_counted",  # flags of the register; heads
    "residence_type",  # standards are chosen by it
    "sex", "disability_grade", "disability_kind", "township_name",  # the group report
    "record_date", "verification_date",  # how old the facts of an explanation are
    "period",  # of what time an amount is: the look at wrong units
})  # fmt: skip
"""What runs, their checks, reports and explanations look at under any table."""
VILLAGES = ("village_name",)
NAMES = (*VILLAGES, "head_name", "member_name")
"""What letters, lists and workbooks show beside results: nothing is decided by it, so no hash is of it."""


def needed(*tables: Checked) -> frozenset[str]:
    """The attributes that a run of any of the tables looks at, at any detail."""
    found: set[str] = set()
    for checked in tables:
        names, table = checked.names, checked.table
        found |= ALWAYS & names.attributes.keys()
        found |= names.attributes_of_counted()
        for site in names.sites:
            found |= names.attributes_of(site.node, site.level)
        for require in table.require:
            found |= names.attributes_of_name(require.value)
        found |= table.missing.keys() & names.attributes.keys()
    return frozenset(found)
