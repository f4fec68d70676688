"""What a what-if changes: `dibao_standard=+10%`, a list or a range of amounts, grids of them, or a file of settings.

A target is a local number or a constant by its name, or `points:ITEM`, `points:ITEM:K` (the K-th case or band),
`cap:ID`, `floor:ID` of an item, group or index. An amount with a sign changes what holds now, with `%` by a share of
it; one without a sign takes its place. Amounts are in the number's own unit unless they end in `/month` or `/year`. All
are exact.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from hardship.errors import Fault, UsageError

MOST = 10_000  # settings of one sweep
MONTHS = 12
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?(?:/[1-9][0-9]{0,14})?"
_AMOUNT = re.compile(rf"([+-]?)({_NUMBER})(%|/month|/year|)\Z")
_RANGE = re.compile(rf"([^.]\S*?)\.\.(\S+):({_NUMBER})(?:%|/month|/year|)\Z")
_TARGET = re.compile(r"(?:(?:constant|cap|floor):)?[A-Za-z0-9][A-Za-z0-9_-]*\Z|points:[A-Za-z0-9_-]+(?::[0-9]{1,3})?\Z")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one number.

    Attributes:
        kind: `to` the amount, `by` the amount, or by `percent` of what holds now.
        amount: in the number's own unit; of `percent` the percentage.
        per: `month` or `year` where the amount is so written; "" for the number's own unit.
    """

    kind: Literal["to", "by", "percent"]
    amount: Fraction
    per: Literal["", "month", "year"] = ""

    def applied(self, value: Fraction, unit: str = "") -> Fraction:
        """The new number, exactly; `unit`: the number's own.

        Raises:
            ValueError: the amount is a month's or a year's and the number is neither.
        """
        if self.kind == "percent":
            return value * (100 + self.amount) / 100
        amount = self.amount * self._months(unit)
        return value + amount if self.kind == "by" else amount

    def _months(self, unit: str) -> Fraction:
        """What turns the amount into the number's own unit."""
        own = unit.rpartition("/")[2]
        if self.per and own not in ("month", "year"):
            raise ValueError(unit)
        factors = {("month", "year"): Fraction(MONTHS), ("year", "month"): Fraction(1, MONTHS)}
        return factors.get((self.per, own), Fraction(1))

    @property
    def text(self) -> str:
        """As people write it: `700`, `+50`, `-2.5%`."""
        number = decimal_text(abs(self.amount)) + (f"/{self.per}" if self.per else "")
        if self.kind == "to":
            return number
        return ("-" if self.amount < 0 else "+") + number + ("%" if self.kind == "percent" else "")


@dataclass(frozen=True, slots=True)
class Setting:
    """Changes that hold together, by target; none of them: as it is now."""

    changes: tuple[tuple[str, Change], ...] = ()

    @property
    def text(self) -> str:
        """`dibao_standard=+10% near_line=2`."""
        return " ".join(f"{target}={change.text}" for target, change in self.changes)


AS_IT_IS = Setting()


def decimal_text(value: Fraction) -> str:
    """`700`, `2.5`; `1/3` where decimals do not end."""
    for decimals in range(10):
        scaled = value * 10**decimals
        if scaled.denominator == 1:
            digits = f"{scaled.numerator:0{decimals + 1}d}"
            return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return str(value)


def parse_change(text: str, target: str) -> Change:
    """One amount.

    Raises:
        UsageError: it is none.
    """
    found = _AMOUNT.match(text)
    if found is None or (found[3] == "%" and not found[1]):
        raise UsageError(Fault("sweep.bad_amount", params={"target": target, "found": text[:40] or "-"}))
    amount = _exact(found[2])
    if found[1] == "-":
        amount = -amount
    if found[3] == "%":
        return Change("percent", amount)
    per: Literal["", "month", "year"] = "month" if found[3] == "/month" else "year" if found[3] else ""
    return Change("by" if found[1] else "to", amount, per)


def parse_set(text: str) -> tuple[str, list[Change]]:
    """One `TARGET=VALUES`: amounts with commas between them, or `FROM..TO:STEP`.

    Raises:
        UsageError: the text, an amount or a range is wrong.
    """
    target, equals, values = text.partition("=")
    target = target.strip()
    if not equals or not _TARGET.match(target):
        raise UsageError(Fault("sweep.bad_set", params={"found": text[:60] or "-"}))
    found: list[Change] = []
    for part in values.split(","):
        found += _range(part.strip(), target) if ".." in part else [parse_change(part.strip(), target)]
    return target.removeprefix("constant:"), list(dict.fromkeys(found))


def _range(text: str, target: str) -> list[Change]:
    """All amounts of `FROM..TO:STEP`, both ends in."""
    found = _RANGE.match(text)
    if found is None:
        raise UsageError(Fault("sweep.bad_range", params={"target": target, "found": text[:60]}))
    first, last = (parse_change(found[k], target) for k in (1, 2))
    step = _exact(found[3])
    if (first.kind, first.per) != (last.kind, last.per) or not step or last.amount < first.amount:
        raise UsageError(Fault("sweep.bad_range", params={"target": target, "found": text[:60]}))
    count = int((last.amount - first.amount) / step) + 1
    if count > MOST:
        raise UsageError(Fault("sweep.too_many", params={"found": count, "most": MOST}))
    return [replace(first, amount=first.amount + k * step) for k in range(count)]


def _exact(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or 1)


def grid(sets: Sequence[str]) -> list[Setting]:
    """Every combination of several `TARGET=VALUES`; the last one varies fastest.

    Raises:
        UsageError: a text is wrong, a target stands twice, or there are more than `MOST`.
    """
    parsed = [parse_set(text) for text in sets]
    targets = [target for target, _ in parsed]
    _once(targets)
    count = 1
    for _, changes in parsed:
        count *= len(changes)
    if count > MOST:
        raise UsageError(Fault("sweep.too_many", params={"found": count, "most": MOST}))
    combined = itertools.product(*(changes for _, changes in parsed))
    return [Setting(tuple(zip(targets, changes, strict=True))) for changes in combined]


def read_series(path: Path) -> list[Setting]:
    """A CSV file (UTF-8 or GB18030): a column for each target, a row for each setting; an empty cell changes nothing.

    Raises:
        UsageError: the file cannot be read, or a column title, a row or an amount is wrong.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise UsageError(Fault("sweep.no_file", params={"found": str(path)})) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    try:
        lines = [
            (number, [cell.strip() for cell in row])
            for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error:
        lines = []
    if len(lines) < 2:
        raise UsageError(Fault("sweep.empty_series", path.name))
    if len(lines) - 1 > MOST:
        raise UsageError(Fault("sweep.too_many", path.name, params={"found": len(lines) - 1, "most": MOST}))
    header = lines[0][1]
    for title in header:
        if not _TARGET.match(title):
            raise UsageError(Fault("sweep.bad_set", path.name, 1, params={"found": title[:60] or "-"}))
    targets = [title.removeprefix("constant:") for title in header]
    _once(targets)
    found = []
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            params = {"expected": len(header), "found": len(cells)}
            raise UsageError(Fault("sweep.bad_row", path.name, number, params=params))
        try:
            changes = [(name, parse_change(cell, name)) for name, cell in zip(targets, cells, strict=True) if cell]
        except UsageError as error:
            fault = error.faults[0]
            raise UsageError(Fault(fault.code, path.name, number, params=fault.params)) from None
        found.append(Setting(tuple(changes)))
    return found


def _once(targets: Sequence[str]) -> None:
    for target in targets:
        if targets.count(target) > 1:
            raise UsageError(Fault("sweep.twice", params={"target": target}))
