"""Wrong units in whole columns: how many are stopped, told, or missed, and how many clean registers are disturbed.

    python tests/wrong_units.py [--files N] [--households N] [--seed S]

Scores N clean synthetic registers, and N in which one column of money that the table reads is multiplied by 100, 12,
1/12 or 1/100. Prints `clean=… stopped=… told=…` and `spoilt=… stopped=… told=… missed=…`, then a line for each column
and factor. Synthetic registers are drawn by one generator: real ones differ more, and the ranges of the dictionary were
not fitted to it. Exit code 1 if a clean register was stopped.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import polars as pl

from hardship.errors import RegisterError
from hardship.inputs import open_table
from hardship.plausible import ENOUGH, UNITS, sample
from hardship.register import Register
from hardship.score import score
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
TABLES = ("county_model", "bairin_left", "jinxiang", "beilin", "dachuan", "shenhe")


def spoilt(register: Register, level: str, name: str, factor: Fraction) -> Register:
    """The register with one column multiplied, to the nearest fen; what its bounds do not hold is cut off."""
    frame = register.frames[level]
    low, high = -120_000_000_00, 120_000_000_00
    values = [None if value is None else max(low, min(high, round(value * factor))) for value in frame[name].to_list()]
    column = pl.Series(name, values, dtype=pl.Int64)
    return replace(register, frames={**register.frames, level: frame.with_columns(column)})


def judged(register: Register, table: str) -> tuple[str, list[str]]:
    """`stopped`, `told` or `nothing`, and the columns that were told."""
    checked, _ = open_table(table, ON)
    try:
        run = score(register, checked, load_standards(), ON).run
    except RegisterError as error:
        names = [str(fault.params.get("name", "incomes")) for fault in error.faults]
        return "stopped", names
    names = [column["attribute"] for column in run["columns"]]
    return ("told" if names else "nothing"), names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--households", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    clean: Counter[str] = Counter()
    found: Counter[str] = Counter()
    by_column: dict[str, Counter[str]] = {}
    for number in range(chosen.files):
        register = synthesize(chosen.households, chosen.seed * 10_000 + number)
        table = rng.choice(TABLES)
        what, names = judged(register, table)
        clean[what] += 1
        if what != "nothing":
            print(f"clean register {number} under {table}: {what} {', '.join(names)}")
        attributes = open_table(table, ON)[0].names.attributes
        read = {column for column in attributes if attributes[column].typical is not None}
        usable = sorted(
            name
            for name in read
            if name in register.frames[attributes[name].level].columns
            and len(sample(register.frames[attributes[name].level][name])) >= ENOUGH
            and name in used(table)
        )
        name, (text, factor) = rng.choice(usable), rng.choice(sorted(UNITS.items()))
        what, _ = judged(spoilt(register, attributes[name].level, name, factor), table)
        found[what] += 1
        by_column.setdefault(f"{name} × {text}", Counter())[what] += 1
    print(f"clean={chosen.files} stopped={clean['stopped']} told={clean['told']}")
    print(
        f"spoilt={chosen.files} stopped={found['stopped']} told={found['told']} missed={found['nothing']} "
        f"(columns with at least {ENOUGH} amounts above 0)"
    )
    for name, counts in sorted(by_column.items()):
        print(f"  {name:42} " + " ".join(f"{what}={n}" for what, n in sorted(counts.items())))
    return 1 if clean["stopped"] else 0


def used(table: str) -> frozenset[str]:
    """The attributes that decide something in a table."""
    from hardship.lowering.lower import lower

    return frozenset(column.attribute for column in lower(open_table(table, ON)[0]).columns)


if __name__ == "__main__":
    raise SystemExit(main())
