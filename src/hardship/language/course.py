"""What a table says of the time after a result: gradual exit, review, the change from an older version."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hardship.language.fields import Code, Expr, Model, Provided


class Exit(Model):
    """`[exit]`: who leaves gradually, for how many months, with what amount a month."""

    when: Expr
    months: Expr
    amount: Expr


class Review(Provided):
    """`[review]`: when a household is looked at again, and whether its amount stands until then.

    `since` is the date from which `months` count (the assessment date without it); `holds` says whether the table
    keeps an earlier amount, which the table itself does in its benefit.
    """

    when: Expr | None = None
    months: Expr
    since: Expr | None = None
    holds: Expr | None = None


Rule = Literal["recompute", "keep_until_review", "map"]


class Transition(Provided):
    """`[transition]`: what becomes of results by an older version of this table.

    `recompute`: everyone is judged anew. `keep_until_review`: circle and amount stand until the review date by this
    version. `map`: circle and amount stand. `unless` takes households out of both; `circles` names the circle of this
    version that stands for one of the older version.
    """

    rule: Rule
    unless: Expr | None = None
    circles: dict[Code, Code] = Field(default_factory=dict)
