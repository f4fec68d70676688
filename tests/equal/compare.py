"""Compare the machine with the reference: result columns, every named value, persons, rejects."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from equal.kept import Kept
from hardship.checking.check import Checked
from hardship.lowering import tune
from hardship.reference.evaluate import rows
from hardship.register import Register
from hardship.sides import Answer, Answers, by_machine, by_reference
from hardship.standards import Standards


@contextmanager
def tuned_at_once() -> Iterator[None]:
    """Programs are tuned for their columns however few households there are."""
    before, tune.FROM = tune.FROM, 0
    try:
        yield
    finally:
        tune.FROM = before


@dataclass
class Comparison:
    """What several comparisons found together; `shown` holds the first differences.

    With `kept` the reference is asked only where it was not asked before, or where a machine says something else.
    """

    kept: Kept | None = None
    households: int = 0
    differences: int = 0
    shown: list[str] = field(default_factory=list)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(
        self,
        checked: Checked,
        standards: Standards,
        on: dt.date,
        register: Register,
        *,
        threads: int = 1,
        block: int = 2048,
    ) -> Answers:
        """Run both on a register and note every difference; gives back the machine's answers."""
        fast = by_machine(checked, standards, on, register, threads=threads, block=block)
        with tuned_at_once():
            again = by_machine(checked, standards, on, register, threads=threads, block=block)
        self.households += len(fast)
        facts = {}
        if self.kept is not None:
            facts = {one["household"]["household_id"]: one for one in rows(register, checked.names.attributes)}
        if self.kept is None or not self.kept.same(facts, fast, again):
            plain = by_reference(checked, standards, on, register)
            if self.kept is not None:
                self.kept.keep(facts, plain)
            self._compare(checked.table.table.id, plain, fast, again)
        for household, answer in fast.items():
            self.digest.update(repr((household, answer.rejected, sorted(answer.columns.items()))).encode())
        return fast

    def _compare(self, table: str, plain: Answers, fast: Answers, again: Answers) -> None:
        if not plain.keys() == fast.keys() == again.keys():
            raise AssertionError(f"{table}: one of the evaluators lost a household")
        for household, answer in plain.items():
            found = [*differences(answer, fast[household])]
            found += [f"tuned: {line}" for line in differences(answer, again[household])]
            for line in found:
                self.differences += 1
                if len(self.shown) < 20:
                    self.shown.append(f"{table} {household} {line}")


def differences(plain: Answer, fast: Answer) -> Iterator[str]:
    """Every difference between the two answers about one household."""
    if plain.rejected != fast.rejected:
        yield f"rejected: reference {plain.rejected!r}, machine {fast.rejected!r}"
        return
    for column in sorted(plain.columns.keys() | fast.columns.keys()):
        one, other = plain.columns.get(column), fast.columns.get(column)
        if one != other and not (column == "flags" and _own(one) == _own(other)):
            yield f"column {column}: reference {one!r}, machine {other!r}"
    for key in plain.values.keys() | fast.values.keys():
        if key not in plain.values or key not in fast.values:
            yield f"value {key}: only in the {'reference' if key in plain.values else 'machine'}"
        elif plain.values[key] != fast.values[key]:
            yield f"value {key}: reference {plain.values[key]}, machine {fast.values[key]}"
    if list(plain.persons) != list(fast.persons):
        yield f"persons: reference {list(plain.persons)}, machine {list(fast.persons)}"


def _own(flags: str | None) -> list[str]:
    """The flags that the table raises; the register's own are put on by reading it."""
    return [flag for flag in (flags or "").split(";") if flag.startswith("require:")]
