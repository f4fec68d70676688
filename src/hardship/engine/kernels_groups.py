"""Kernels of the group report: what follows from a household's members, who is near a line, counts of each group.

They work on plain arrays; numbers of groups are places among names that the caller has, the last being the unknown.
"""

from __future__ import annotations

from typing import Any

from hardship.engine.jit import kernel

SEX, AGE, DISABILITY, TYPE = range(4)
"""Rows of what `members` fills."""
NONE, MILD, SEVERE, UNCLEAR = range(4)
"""Places in the row `DISABILITY`."""
ONE_YOUNG, ONE_OLD, OLD_ONLY, LONE_PARENT, CHILDREN, ADULTS, MINORS, UNTOLD = range(8)
"""Places in the row `TYPE`."""
ADULT, OLD = 18, 60
HEAVY = 2  # grades 1 and 2 are severe
NO_DATE = 0
NULL = 255  # of enums and grades, which are small


@kernel
def members(
    home: Any,
    born: Any,
    relation: Any,
    sex: Any,
    grade: Any,
    kind: Any,
    codes: Any,
    today: int,
    ages: Any,
    groups: Any,
    size: Any,
) -> None:
    """The groups of each household that follow from its members.

    Args:
        home: (members,) uint32, ascending; the household of each.
        born: (members,) int32, `yyyymmdd`, `NO_DATE` where not known.
        relation, sex, grade, kind: (members,) int32 as stored, `NULL` where not known: relation to the head, sex,
            grade and kind of disability.
        codes: the stored numbers of `head`, `female`, `male` and of no disability.
        today: `yyyymmdd`.
        ages: first year of each band, from 0.
        groups: int32 (4, households), filled; sex and age are those of the first head.
        size: int32 (households,), filled: how many members.
    """
    row, rows = 0, len(home)
    for i in range(len(size)):
        many = young = old = ageless = heavy = disabled = clear = 0
        head_sex, head_age, headed = NULL, -1, False
        while row < rows and home[row] == i:
            age = -1 if born[row] == NO_DATE else (today - born[row]) // 10_000
            if relation[row] == codes[0] and not headed:
                head_sex, head_age, headed = sex[row], age, True
            many += 1
            ageless += age < 0
            young += 0 <= age < ADULT
            old += age >= OLD
            graded = 1 <= grade[row] != NULL
            heavy += graded and grade[row] <= HEAVY
            disabled += graded or (kind[row] != codes[3] and kind[row] != NULL)
            clear += grade[row] == 0 or kind[row] == codes[3]
            row += 1
        size[i] = many
        groups[SEX, i] = 0 if head_sex == codes[1] else 1 if head_sex == codes[2] else 2
        band = len(ages)
        if head_age >= 0:
            band -= 1
            while head_age < ages[band]:
                band -= 1
        groups[AGE, i] = band
        groups[DISABILITY, i] = SEVERE if heavy else MILD if disabled else NONE if clear == many else UNCLEAR
        if ageless or not many:
            groups[TYPE, i] = UNTOLD
        elif young == many:
            groups[TYPE, i] = MINORS
        elif many == 1:
            groups[TYPE, i] = ONE_OLD if old else ONE_YOUNG
        elif old == many:
            groups[TYPE, i] = OLD_ONLY
        elif young:
            groups[TYPE, i] = LONE_PARENT if many - young == 1 else CHILDREN
        else:
            groups[TYPE, i] = ADULTS


@kernel
def between(value: Any, place: Any, starts: Any, low: Any, high: Any, found: Any) -> None:
    """Whether each value lies in one of the spans of its place.

    Args:
        value: (n,) int64; place: (n,) int32.
        starts: (places + 1,) where the spans of each place begin.
        low, high: of each span, both in it.
        found: (n,) bool, filled.
    """
    for i in range(len(value)):
        inside = False
        for k in range(starts[place[i]], starts[place[i] + 1]):
            inside = inside or low[k] <= value[i] <= high[k]
        found[i] = inside


@kernel
def tally(group: Any, state: Any, persons: Any, near: Any, cells: Any, people: Any, close: Any) -> None:
    """Count households by group and state, and of those with a state their persons and who of them is near.

    Args:
        group: (n,) int32; state: (n,) int8, −1 for none; persons: (n,) int32; near: (n,) bool.
        cells: int64 (groups, states + 1), added to; the last column counts those without a state.
        people, close: int64 (groups,), added to.
    """
    last = cells.shape[1] - 1
    for i in range(len(group)):
        own = group[i]
        if state[i] < 0:
            cells[own, last] += 1
        else:
            cells[own, state[i]] += 1
            people[own] += persons[i]
            close[own] += near[i]
