"""Score every converted look-up at every score and every converted card at many answers; compare with the source.

    python examples/ppi/report.py DATA/ppi_tables OUT

`OUT` is the folder that `convert.py` wrote. What is expected comes from the source's own files, by table, line, score
and code, not from the converted tables. The figures go into docs/world.md between its two markers.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from convert import SCORES, STEP, Converted, Refused, read

from hardship.checking.check import Checked
from hardship.load import load_table
from hardship.reading.plain import register_of
from hardship.score import score
from hardship.standards import standards

PAGE = Path(__file__).parents[2] / "docs" / "world.md"
BEGIN, END = "<!-- figures: written by examples/ppi/report.py -->\n", "<!-- end of figures -->\n"
ON = dt.date(2026, 1, 1)
Likelihoods = Mapping[tuple[str, str, int], float | None]
"""(look-up, line, score) → percent, or None where the source's cell is empty."""


@dataclass
class Found:
    """What was compared.

    Attributes:
        lookups, cards: how many of each were scored.
        printed: likelihoods of look-ups compared, every score in every line.
        households, likelihoods: households of cards, compared in the points of every line; their likelihoods.
        unknown: households that have no likelihood in some line, so that they are incomplete.
        differences: everything that is not as the source says.
    """

    lookups: int = 0
    cards: int = 0
    printed: int = 0
    households: int = 0
    likelihoods: int = 0
    unknown: int = 0
    differences: int = 0


def likelihoods(frame: pl.DataFrame) -> Likelihoods:
    """The look-ups of the source by table, line and score."""
    rows = frame.drop_nulls("score").select("table", "poverty_line", "score", "likelihood").iter_rows()
    return {(table, line, points): likelihood for table, line, points, likelihood in rows}


def scored(checked: Checked, households: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The result rows of households with these facts, in their order."""
    plain: list[dict[str, Any]] = [
        {
            "household": {"household_id": f"H{number:05}", "area_code": "", **facts},
            "members": [{"member_id": "1", "supporters": [], "transfers": []}],
        }
        for number, facts in enumerate(households)
    ]
    register = register_of(plain, checked.names.attributes)
    return score(register, checked, standards([]), ON).frame.to_dicts()


def compare_lookup(one: Converted, path: Path, known: Likelihoods, found: Found) -> None:
    """Every score of one look-up, in every line of it."""
    rows = scored(load_table(path), [{"score": points} for points in SCORES])
    found.differences += len(rows) != len(SCORES)
    for points, row in zip(SCORES, rows, strict=False):
        expected = {line: known.get((one.source, line, points)) for line in one.lines}
        found.printed += compare_row(one, row, expected, found)


def compare_row(one: Converted, row: Mapping[str, Any], expected: Mapping[str, float | None], found: Found) -> int:
    """The likelihoods of one household by line; how many were compared."""
    if None in expected.values():
        found.unknown += 1
        found.differences += row["outcome"] != "incomplete"
        return 0
    for line, percent in expected.items():
        shown = row[f"likelihood_{one.lines[line]}"]
        found.differences += shown is None or abs(shown - Decimal(repr(percent))) > STEP / 2
    return len(expected)


def compare_card(one: Converted, path: Path, points: pl.DataFrame, known: Likelihoods, found: Found) -> None:
    """One card: each answer once with the first of all others, the best of all, and a walk over the answers."""
    worth: dict[str, dict[str, int]] = {}
    for code, line, value in points.select("code", "poverty_line", "points").iter_rows():
        worth.setdefault(code, {})[line] = int(value)
    answers: dict[int, list[str]] = {}
    for code in worth:
        answers.setdefault(int(code[:-1]), []).append(code)
    chosen = list(choices(answers, worth))
    lookup = one.source.replace("score", "ppi")
    served = {line for line in one.lines if (lookup, line, 0) in known}
    facts = [{f"answer_{question:02d}": code for question, code in choice.items()} for choice in chosen]
    rows = scored(load_table(path), facts)
    found.households += len(rows)
    found.differences += len(rows) != len(chosen)
    for choice, row in zip(chosen, rows, strict=False):
        totals = {line: sum(worth[code][line] for code in choice.values()) for line in one.lines}
        expected = {line: known.get((lookup, line, totals[line])) for line in served}
        found.likelihoods += compare_row(one, row, expected, found)
        if row["outcome"] != "incomplete":
            first, *further = one.lines
            found.differences += row["index"] != totals[first]
            found.differences += sum(row[f"index_{one.lines[line]}"] != totals[line] for line in further)


def choices(answers: Mapping[int, Sequence[str]], worth: Mapping[str, Mapping[str, int]]) -> Iterator[dict[int, str]]:
    """Answers to all questions, as question → code."""
    first = {question: codes[0] for question, codes in answers.items()}
    for question, codes in answers.items():
        yield from ({**first, question: code} for code in codes)
    for line in next(iter(worth.values())):
        yield {question: max(codes, key=lambda code: worth[code][line]) for question, codes in answers.items()}
    for step in range(100):
        yield {question: codes[step * (question + 1) % len(codes)] for question, codes in answers.items()}


def compare(data: Path, out: Path, converted: Sequence[Converted | Refused]) -> Found:
    """Everything that was converted, and written to `out`, against everything that the source says."""
    known = likelihoods(pl.read_parquet(data / "lookup_long.parquet"))
    points = pl.read_csv(data / "scorecards_long.csv", infer_schema_length=None)
    found = Found()
    for one in converted:
        if isinstance(one, Refused):
            continue
        path = out / one.id / f"{one.version}.toml"
        if one.source.startswith("ppi"):
            found.lookups += not one.id.endswith("_partial")
            compare_lookup(one, path, known, found)
        else:
            found.cards += 1
            compare_card(one, path, points.filter(pl.col("table") == one.source), known, found)
    return found


def rising(frame: pl.DataFrame) -> tuple[int, int]:
    """How many columns (look-up by line) rise anywhere with the score, and how many there are."""
    columns = frame.drop_nulls().sort("score").group_by("table", "poverty_line").agg(pl.col("likelihood"))
    rise = columns["likelihood"].list.eval(pl.element().diff().gt(0).any()).list.first()
    return int(rise.sum()), columns.height


def figures(data: Path, converted: Sequence[Converted | Refused], found: Found) -> str:
    """The figures as Markdown."""
    frame = pl.read_parquet(data / "lookup_long.parquet")
    rise, columns = rising(frame)
    refused = [one for one in converted if isinstance(one, Refused)]
    return "\n".join(
        [
            f"- look-ups: {frame['table'].n_unique()}, scored: {found.lookups}; likelihoods at every score and line: "
            f"{found.printed:,}",
            f"- cards: 12, scored: {found.cards}; households: {found.households:,}; their likelihoods: "
            f"{found.likelihoods:,}",
            f"- differences from the source: {found.differences}",
            f"- households without a likelihood in some line, which come out `incomplete`: {found.unknown}",
            f"- columns that rise somewhere with the score, kept as they are: {rise} of {columns:,}",
            "",
            "| refused | because |",
            "|---|---|",
            *(f"| `{one.source}` | {one.why} |" for one in refused),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, help="folder written by convert.py")
    given = parser.parse_args()
    converted = read(given.data)
    text = figures(given.data, converted, compare(given.data, given.out, converted))
    print(text)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + text + "\n\n" + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
