"""What every section of a scoring table is made of: exact numbers, expressions, texts, sources, attributes."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from hardship.language.expression import Expression, parse

Status = Literal["published", "law", "unverified", "illustrative"]
Level = Literal["household", "member", "supporter", "transfer"]
Mode = Literal["floor", "ceil", "half_up", "half_even"]
_FRACTION = re.compile(r"-?[0-9]{1,15}/[0-9]{1,15}\Z")


def exact(value: Any) -> Fraction:
    """An exact number: a TOML integer or decimal without exponent, or a text `"5/18"`."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool):
        raise PydanticCustomError("exact", "a number")
    if isinstance(value, int) and abs(value) < 10**15:
        return Fraction(value)
    if isinstance(value, Decimal) and value.is_finite():
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -9 <= exponent <= 0 and abs(value) < 10**15:
            return Fraction(value)
    if isinstance(value, str) and _FRACTION.match(value) and int(value.split("/")[1]) != 0:
        return Fraction(value)
    raise PydanticCustomError("exact", 'a number, or a fraction such as "1/18"')


def cell_value(value: Any) -> Fraction | None:
    """A look-up's cell: an exact number, or None for an empty text.

    Raises:
        ValueError: neither; the message is the cell.
    """
    if value == "":
        return None
    try:
        return exact(value)
    except PydanticCustomError:
        raise ValueError(str(value)) from None


def _expression(value: Any) -> Expression:
    """One expression text."""
    if isinstance(value, Expression):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("expression", "an expression in quotes")
    return parse(value)


Exact = Annotated[Fraction, BeforeValidator(exact)]
Expr = Annotated[Expression, BeforeValidator(_expression)]
Ident = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Model(BaseModel):
    """Base of all sections: strict, closed, frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Title(Model):
    """A text in both languages."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    def text(self, lang: str) -> str:
        """The text in `lang` (`zh` or `en`)."""
        return self.zh if lang == "zh" else self.en


class Show(Model):
    """Rounding for display and ranking: to a multiple of `to`, by `mode`. It decides nothing else."""

    to: Exact = Fraction(1, 100)
    mode: Mode = "half_up"


class Place(Model):
    """Where a table is used. `area` is a prefix of area codes, empty for everywhere."""

    zh: str
    en: str
    area: str = ""


class Assume(Model):
    """A value put in the place of a missing one, and marked on the result."""

    assume: Any


class Provided(Model):
    """Where a number or a rule comes from: `source` names a `[[source]]`; `status` defaults to the table's."""

    source: str = ""
    status: Status | None = None
    verified_until: dt.date | None = None
    note: Title | None = None


class Entry(Provided):
    """One value of a list, with its own title and status."""

    value: str
    title: Title | None = None


class DeclaredAttribute(Model):
    """An attribute: an entry of `attributes.toml`, or `[[attribute]]` of a table that needs a fact of its own.

    Attributes:
        bounds: smallest and largest legal value (`int`, `money`, `decimal`; dates as ISO text).
        decimals: decimals of a `decimal`.
        precision: of a date; a `month` may be written without its day and is stored as the first.
        values: legal values of an `enum` or `set`, with titles.
        typical: of money: between which multiples of a month's line the median of values above 0 is expected.
        expressions: False for names and addresses, which no table may use.
        protected: True for facts that the law protects (ethnicity, religion, nationality, …).
    """

    name: Ident
    title: Title
    level: Level
    type: Literal["bool", "int", "money", "decimal", "date", "code", "enum", "set"]
    unit: str = ""
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    precision: Literal["day", "month"] = "day"
    bounds: Annotated[tuple[Any, Any], Field(strict=False)] | None = None
    values: Annotated[tuple[Entry, ...], Field(strict=False)] = ()
    typical: Annotated[tuple[Exact, Exact], Field(strict=False)] | None = None
    sensitivity: Literal["plain", "personal", "special"] = "plain"
    expressions: bool = True
    protected: bool = False
    source: str = ""
    note: Title | None = None
