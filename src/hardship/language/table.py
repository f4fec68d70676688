"""What a scoring table is: one strict model for each section of the TOML file.

The models hold shapes only: which keys there are and what each may hold. What a whole table may not do (units,
bounds, names, order of stages) is said in `check`; how a file becomes a table is said in `load`; what a table means
is said in `docs/semantics.md`.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hardship.language.course import Exit, Review, Transition
from hardship.language.fields import (
    Assume,
    Code,
    DeclaredAttribute,
    Entry,
    Exact,
    Expr,
    Ident,
    Level,
    Mode,
    Model,
    Place,
    Provided,
    Show,
    Status,
    Title,
    cell_value,
)
from hardship.language.nodes import Cases


class ProtectedReason(Model):
    """Why a table uses an attribute that the law protects; shown on its public card."""

    attribute: Ident
    reason: Title


class Identity(Model):
    """`[table]`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    version: dt.date
    title: Title
    place: Place
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    direction: Literal["higher_is_harder", "higher_is_better"] = "higher_is_harder"
    default_status: Status = "illustrative"
    note: Title | None = None
    protected: tuple[ProtectedReason, ...] = Field(default=(), strict=False)


class Source(Model):
    """`[[source]]`."""

    id: Ident
    title: Title
    date: dt.date | None = None
    address: str = ""


class Household(Model):
    """`[household]`: which members count."""

    counted: Expr | None = None


class Parameter(Provided):
    """`[[parameter]]`: a dated local number from the standards files.

    `decimals` is the number of decimals a value may have (2 for money).
    """

    name: Ident
    title: Title
    unit: str = ""
    bounds: Annotated[tuple[Exact, Exact], Field(strict=False)]
    decimals: Annotated[int, Field(ge=0, le=6)] = 2
    as_of: Literal["assessment", "previous_year_end", "calendar_year_before"] = "assessment"


class Constant(Provided):
    """`[[constant]]`: a named number of this table."""

    name: Ident
    title: Title
    unit: str = ""
    value: Exact


class Band(Model):
    """One band: everything from the band before up to its edge. `title` is shown in explanations."""

    below: Exact | None = None
    at_most: Exact | None = None
    otherwise: Literal[True] | None = None
    title: Title | None = None


class Axis(Model):
    """One side of a look-up: enum `values`, or `bands` of a number, or the whole numbers `first` … `last`."""

    title: Title | None = None
    of: Ident | None = None
    values: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    unit: str = ""
    bands: Annotated[tuple[Band, ...], Field(strict=False)] | None = None
    first: int | None = None
    last: int | None = None


class Lookup(Provided):
    """`[[lookup]]`: a one- or two-way table of numbers. An empty text is an empty cell (missing).

    `published` lists the cells ("row,column", `*` for all) whose numbers a document prints, where the rest is not.
    """

    name: Ident
    title: Title
    unit: str = ""
    rows: Axis
    columns: Axis | None = None
    cells: Annotated[tuple[Any, ...], Field(strict=False)]
    published: Annotated[tuple[str, ...], Field(strict=False)] = ()
    min_value: Exact | None = None
    max_value: Exact | None = None

    @property
    def grid(self) -> tuple[tuple[Fraction | None, ...], ...]:
        """The cells row by row (rows of one cell where there are no `columns`); None for an empty one.

        Raises:
            ValueError: a cell is neither an exact number nor an empty text; the message is the cell.
        """
        rows = [row if isinstance(row, (list, tuple)) else (row,) for row in self.cells]
        return tuple(tuple(cell_value(cell) for cell in row) for row in rows)


class ValueList(Provided):
    """`[[list]]`: a named set of values of an enum or code attribute, with the number of entries a source states."""

    name: Ident
    title: Title
    of: Ident
    values: Annotated[tuple[Entry, ...], Field(strict=False)]
    expected_count: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_values(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("values"), (list, tuple)):
            values = [{"value": item} if isinstance(item, str) else item for item in data["values"]]
            return {**data, "values": values}
        return data


class Require(Provided):
    """`[[require]]`: bounds a name; outside them the household is deferred or rejected, and the value is clamped."""

    id: Code
    value: Ident
    at_least: Exact | None = None
    at_most: Exact | None = None
    one_of: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    unless: Expr | None = None
    outside: Literal["needs_review", "reject"] = "needs_review"
    message: Title | None = None


class Case(Model):
    """One line of a choice."""

    when: Expr | None = None
    value: Expr | None = None
    otherwise: Expr | None = None
    title: Title | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Case:
        if (self.otherwise is None) == (self.when is None or self.value is None):
            raise PydanticCustomError("case", "either `when` and `value`, or `otherwise`")
        if self.otherwise is not None and (self.when is not None or self.value is not None):
            raise PydanticCustomError("case", "either `when` and `value`, or `otherwise`")
        return self


class Computed(Provided):
    """Anything that is computed: one `expr`, or a list of `cases` whose last is `otherwise`."""

    title: Title | None = None
    unit: str = ""
    expr: Expr | None = None
    cases: Annotated[tuple[Case, ...], Field(strict=False)] | None = None
    show: Show | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Computed:
        if (self.expr is None) == (self.cases is None):
            raise PydanticCustomError("computed", "either `expr` or `cases`")
        if self.cases is not None:
            ends = [case.otherwise is not None for case in self.cases]
            if not ends or ends.index(True) != len(ends) - 1 if any(ends) else True:
                raise PydanticCustomError("computed", "`cases` whose last, and only the last, is `otherwise`")
            object.__setattr__(self, "_node", _choice(self.cases))
        return self

    _node: Any = None

    @property
    def node(self) -> Any:
        """The tree to evaluate: of `expr`, or a `Cases` node made of `cases`."""
        return self.expr.node if self.expr is not None else self._node


def _choice(cases: tuple[Case, ...]) -> Cases:
    pairs = tuple((c.when.node, c.value.node) for c in cases if c.when is not None and c.value is not None)
    last = cases[-1].otherwise
    assert last is not None
    return Cases(0, pairs, last.node)


class Derive(Computed):
    """`[[derive]]`: a named value at one level."""

    name: Ident
    level: Level = "household"


class Index(Model):
    """`[[index]]`: a sum of points. The first one is the table's main index."""

    id: Ident
    title: Title
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    cap: Exact | None = None
    floor: Exact | None = None


class Group(Model):
    """`[[group]]`: items whose points are added, then floored and capped; groups may sit in a `parent` group."""

    id: Ident
    title: Title
    parent: Ident | None = None
    cap: Exact | None = None
    floor: Exact | None = None
    source: str = ""
    status: Status | None = None


Points = Exact | dict[str, Exact]


class ItemBand(Band):
    """A band of an item: its points, and perhaps the veto it raises."""

    points: Points = Fraction(0)
    veto: Code | None = None


class ItemCase(Model):
    """A case of an item."""

    when: Expr | None = None
    otherwise: Literal[True] | None = None
    points: Points = Fraction(0)
    veto: Code | None = None
    title: Title | None = None


class Absent(Model):
    """What an item is worth when it cannot be decided because a fact is missing."""

    points: Points
    title: Title | None = None


class Item(Provided):
    """`[[item]]`: one line of the scoring table.

    One of four forms: `when` + `points`; `value` + `bands`; `cases` (alone, or before `bands`); `expr` (the points
    themselves). With `per`, the form is evaluated for each row of that level, and the points are added. `each` is
    short for `per = "member"` and `when`. `cap` and `floor` bound the item's sum.
    """

    id: Ident
    title: Title
    group: Ident | None = None
    per: Literal["member", "supporter", "transfer"] | None = None
    everyone: bool = False
    each: Expr | None = None
    when: Expr | None = None
    value: Expr | None = None
    unit: str = ""
    bands: Annotated[tuple[ItemBand, ...], Field(strict=False)] | None = None
    cases: Annotated[tuple[ItemCase, ...], Field(strict=False)] | None = None
    expr: Expr | None = None
    points: Points | None = None
    missing: Absent | None = None
    cap: Points | None = None
    floor: Points | None = None


class Veto(Provided):
    """`[[veto]]`: a clause of which one hit decides. Without `when` it is raised by bands and cases of items."""

    id: Code
    title: Title
    effect: Literal["refuse", "defer"]
    when: Expr | None = None
    period: Title | None = None
    evidence: Annotated[tuple[str, ...], Field(strict=False)] = ()
    appeal: Title | None = None


class Test(Model):
    """One test of a rung: `value` against one edge, unless `unless` holds. `line` names the edge for people."""

    value: Expr
    below: Expr | None = None
    at_most: Expr | None = None
    at_least: Expr | None = None
    above: Expr | None = None
    line: Title | None = None
    unless: Expr | None = None

    @model_validator(mode="after")
    def _one_edge(self) -> Test:
        if sum(edge is not None for edge in (self.below, self.at_most, self.at_least, self.above)) != 1:
            raise PydanticCustomError("test", "exactly one of `below`, `at_most`, `at_least`, `above`")
        return self


Outcome = Literal["meets", "does_not_meet", "needs_review"]


class Rung(Provided):
    """One rung of a ladder: all `tests` and the condition `also` hold."""

    id: Code
    title: Title
    outcome: Outcome | None = None
    tests: Annotated[tuple[Test, ...], Field(strict=False)] = ()
    also: Expr | None = None


class Otherwise(Model):
    """Where a household stands that no rung takes."""

    id: Code
    title: Title
    outcome: Outcome | None = None


class Ladder(Model):
    """`[[ladder]]`: the first rung that holds, or all of them. The ladder with id `circle` is the main one."""

    id: Ident
    title: Title
    pick: Literal["first", "all"] = "first"
    otherwise: Otherwise
    rung: Annotated[tuple[Rung, ...], Field(strict=False)]


class Person(Provided):
    """`[[person]]`: a member assessed alone."""

    id: Ident
    title: Title
    when: Expr
    tests: Annotated[tuple[Test, ...], Field(strict=False)] = ()
    benefit: Expr
    remaining: Literal["counts", "leaves"]


class Step(Computed):
    """`[[benefit]]`: one named step; the last one is the amount, in money a month."""

    name: Ident


class Output(Computed):
    """`[[output]]`: a further result column."""

    name: Ident


class Summary(Model):
    """`[results]`: which value is the income per head of the results (money a month or a year)."""

    income_per_head: Expr | None = None
    mode: Mode = "half_up"


class RankKey(Model):
    """One key of the order."""

    value: Expr
    order: Literal["ascending", "descending"]
    nulls: Literal["first", "last"] = "last"
    show: Show | None = None


class Rank(Model):
    """`[rank]`: who is ranked and by what; `household_id` is always the last key."""

    among: Expr | None = None
    keys: Annotated[tuple[RankKey, ...], Field(strict=False)]


class Table(Model):
    """A scoring table: one TOML file."""

    table: Identity
    source: Annotated[tuple[Source, ...], Field(strict=False)] = ()
    household: Household = Household()
    attribute: Annotated[tuple[DeclaredAttribute, ...], Field(strict=False)] = ()
    missing: dict[str, Literal["incomplete", "unknown"] | Assume] = Field(default_factory=dict)
    parameter: Annotated[tuple[Parameter, ...], Field(strict=False)] = ()
    constant: Annotated[tuple[Constant, ...], Field(strict=False)] = ()
    lookup: Annotated[tuple[Lookup, ...], Field(strict=False)] = ()
    list: Annotated[tuple[ValueList, ...], Field(strict=False)] = ()
    require: Annotated[tuple[Require, ...], Field(strict=False)] = ()
    derive: Annotated[tuple[Derive, ...], Field(strict=False)] = ()
    index: Annotated[tuple[Index, ...], Field(strict=False)] = ()
    group: Annotated[tuple[Group, ...], Field(strict=False)] = ()
    item: Annotated[tuple[Item, ...], Field(strict=False)] = ()
    veto: Annotated[tuple[Veto, ...], Field(strict=False)] = ()
    ladder: Annotated[tuple[Ladder, ...], Field(strict=False)] = ()
    person: Annotated[tuple[Person, ...], Field(strict=False)] = ()
    benefit: Annotated[tuple[Step, ...], Field(strict=False)] = ()
    exit: Exit | None = None
    review: Review | None = None
    transition: Transition | None = None
    results: Summary = Summary()
    output: Annotated[tuple[Output, ...], Field(strict=False)] = ()
    rank: Rank
