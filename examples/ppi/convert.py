"""Poverty scorecards and look-ups of many countries as scoring tables, one TOML file each.

    python examples/ppi/convert.py DATA/ppi_tables OUT

`DATA/ppi_tables` holds `lookup_long.parquet` (table, score, poverty_line, likelihood) and `scorecards_long.csv` (table,
row, code, response, poverty_line, points). Every table goes to `OUT/<id>/<year>-01-01.toml`. Nothing is repaired: what
cannot be read for certain is refused, a likelihood that the source lacks is an empty cell (its households come out
`incomplete`), and both are said. Likelihoods stored with the noise of binary numbers are written with six decimals.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path as File
from typing import Any

import polars as pl

from hardship.language.positions import Path
from hardship.language.toml_write import document

SCORES = range(101)
QUESTIONS = 10
"""Every one of these cards has ten."""
STEP = Decimal("0.000001")
"""Finest step of a likelihood, in percent."""
SOURCE = {"id": "data", "title": {"zh": "ppitables 与 ppir 数据集", "en": "Data sets of ppitables and ppir"}}


@dataclass(frozen=True)
class Converted:
    """One scoring table made of one look-up (or some of its lines) or one scorecard.

    Attributes:
        source: the table's name in the data.
        lines: its poverty lines: name in the data → name in the table.
        text: the TOML file.
        notes: what the source lacks and what was rounded, as sentences.
    """

    source: str
    id: str
    version: str
    lines: dict[str, str]
    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A table of the source that cannot be read for certain."""

    source: str
    why: str


def snake(name: str) -> str:
    """A name of the data as a name of the language: `nlFood` → `nl_food`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def exact(likelihood: float) -> Decimal:
    """The decimal that was meant: the stored number to `STEP`, without zeros at its end (82.39999999999999 → 82.4)."""
    return Decimal(f"{Decimal(repr(likelihood)).quantize(STEP).normalize():f}")


def lookups(frame: pl.DataFrame) -> Iterator[Converted | Refused]:
    """Each look-up as one table, or as two where some lines lack a likelihood that others have."""
    for rows in frame.partition_by("table"):
        source = rows["table"][0]
        why = _unreadable(rows)
        if why:
            yield Refused(source, why)
            continue
        cells = _cells(rows)
        absent: dict[frozenset[int], list[str]] = {}
        for line, column in cells.items():
            absent.setdefault(frozenset(set(SCORES) - set(column)), []).append(line)
        for number, (lacking, lines) in enumerate(sorted(absent.items(), key=lambda one: len(one[0]))):
            yield _lookup(source, {line: cells[line] for line in lines}, lacking, "_partial" if number else "")


def _unreadable(rows: pl.DataFrame) -> str:
    """Why a look-up cannot be read for certain, or nothing."""
    if rows["score"].null_count():
        return "its rows have no scores"
    scores = rows["score"].unique().to_list()
    if not set(scores) <= set(SCORES):
        return f"its scores run from {min(scores)} to {max(scores)}, not within 0 to 100"
    if rows.select("score", "poverty_line").is_duplicated().any():
        return "a score stands twice for one line"
    if not rows["likelihood"].drop_nulls().is_between(0, 100).all():
        return "a likelihood is outside 0 to 100"
    return ""


def _cells(rows: pl.DataFrame) -> dict[str, dict[int, Decimal]]:
    """Line → score → likelihood, where there is one."""
    cells: dict[str, dict[int, Decimal]] = {line: {} for line in rows["poverty_line"].unique(maintain_order=True)}
    for score, line, likelihood in rows.select("score", "poverty_line", "likelihood").drop_nulls().iter_rows():
        cells[line][score] = exact(likelihood)
    return cells


def _lookup(source: str, cells: dict[str, dict[int, Decimal]], lacking: frozenset[int], ending: str) -> Converted:
    attribute = {
        "name": "score",
        "title": {"zh": "总分", "en": "Total"},
        "level": "household",
        "type": "int",
        "bounds": [SCORES[0], SCORES[-1]],
    }
    lines, decimals = _lines(cells), _decimals(cells)
    parts: dict[str, Any] = {
        "attribute": [attribute],
        "lookup": [_likelihoods({lines[line]: column for line, column in cells.items()}, SCORES[-1])],
        "output": [_output(line, "score", decimals) for line in lines.values()],
        "rank": {"keys": [{"value": "score", "order": "ascending"}]},
    }
    notes = [f"unknown: no likelihood at score {_listed(lacking)} for {', '.join(cells)}"] if lacking else []
    return _converted(source, f"look-up {source}", ending, lines, parts, notes + _rounded(decimals))


def _rounded(decimals: int) -> list[str]:
    return [f"likelihoods rounded to {STEP}"] if Decimal(1).scaleb(-decimals) == STEP else []


def cards(points: pl.DataFrame, likelihoods: pl.DataFrame) -> Iterator[Converted | Refused]:
    """Each scorecard as a table with one index a poverty line, and the likelihoods of the look-up of its name."""
    for rows in points.partition_by("table"):
        source = rows["table"][0]
        first = rows.filter(pl.col("poverty_line") == rows["poverty_line"][0])
        twice = first.filter(pl.col("code").is_duplicated())["code"].unique().to_list()
        questions = first["code"].str.extract(r"^([0-9]+)[A-Z]+$").unique()
        if twice:
            yield Refused(source, f"code {', '.join(twice)} stands for two answers")
        elif questions.null_count() or len(questions) != QUESTIONS:
            told = questions.drop_nulls().len()
            yield Refused(source, f"its codes tell {told} questions apart, not {QUESTIONS}")
        else:
            found = likelihoods.filter(pl.col("table") == source.replace("score", "ppi"))
            yield _card(source, rows, {} if _unreadable(found) else _cells(found))


def _card(source: str, rows: pl.DataFrame, cells: dict[str, dict[int, Decimal]]) -> Converted:
    lines = _lines(rows["poverty_line"].unique(maintain_order=True))
    answers: dict[int, dict[str, dict[str, int]]] = {}
    titles: dict[str, str] = {}
    for code, response, line, worth in rows.select("code", "response", "poverty_line", "points").iter_rows():
        question = int(re.sub("[A-Z]", "", code))
        answers.setdefault(question, {}).setdefault(code, {})[lines[line]] = _whole(worth)
        titles[code] = response or code
    highest = max(sum(max(one[line] for one in by.values()) for by in answers.values()) for line in lines.values())
    served = {line: cells[line] for line in lines if line in cells}
    decimals = _decimals(served)
    parts: dict[str, Any] = {
        "attribute": [_question(question, by, titles) for question, by in answers.items()],
        "lookup": [_likelihoods({lines[line]: column for line, column in served.items()}, highest)] if served else [],
        "index": [_index(line, name) for line, name in lines.items()],
        "item": [_item(question, by, titles) for question, by in answers.items()],
        "output": [_output(lines[line], lines[line], decimals) for line in served],
        "rank": {"keys": [{"value": next(iter(lines.values())), "order": "ascending"}]},
    }
    notes = [f"unknown: no likelihoods for line {line}" for line in lines if line not in cells]
    notes += [f"unknown: no points for line {line}, which has likelihoods" for line in cells if line not in lines]
    if highest > SCORES[-1]:
        notes.append(f"unknown: no likelihood above 100, and the best answers add up to {highest}")
    return _converted(source, f"card {source}", "", lines, parts, notes + _rounded(decimals))


def _index(line: str, name: str) -> dict[str, Any]:
    return {"id": name, "title": {"zh": f"总分（{line}）", "en": f"Total for {line}"}}


def _whole(points: float) -> int:
    if points != int(points):
        raise ValueError(points)
    return int(points)


def _question(question: int, by: dict[str, dict[str, int]], titles: dict[str, str]) -> dict[str, Any]:
    return {
        "name": f"answer_{question:02d}",
        "title": {"zh": f"第{question}题", "en": f"Question {question}"},
        "level": "household",
        "type": "enum",
        "values": [{"value": code, "title": {"zh": titles[code], "en": titles[code]}} for code in by],
    }


def _item(question: int, by: dict[str, dict[str, int]], titles: dict[str, str]) -> dict[str, Any]:
    return {
        "id": f"q{question:02d}",
        "title": {"zh": f"第{question}题", "en": f"Question {question}"},
        "source": "data",
        "cases": [
            {
                "when": f"answer_{question:02d} == '{code}'",
                "points": points,
                "title": {"zh": titles[code], "en": titles[code]},
            }
            for code, points in by.items()
        ],
    }


def _lines(names: Any) -> dict[str, str]:
    lines = {name: snake(name) for name in names}
    if len(set(lines.values())) != len(lines):
        raise ValueError(lines)
    return lines


def _decimals(cells: dict[str, dict[int, Decimal]]) -> int:
    """Decimals that show every likelihood in full."""
    exponents = [one.as_tuple().exponent for column in cells.values() for one in column.values()]
    return max([1, *(-exponent for exponent in exponents if isinstance(exponent, int))])


def _likelihoods(columns: dict[str, dict[int, Decimal]], last: int) -> dict[str, Any]:
    """The look-up: one row a score up to `last`, one column a line, an empty text where there is no likelihood."""
    return {
        "name": "likelihood",
        "title": {"zh": "低于各贫困线的可能性（%）", "en": "Likelihood of being below each line, percent"},
        "source": "data",
        "rows": {"first": SCORES[0], "last": last},
        "columns": {"values": list(columns)},
        "cells": [[column.get(score, "") for column in columns.values()] for score in range(last + 1)],
    }


def _output(line: str, total: str, decimals: int) -> dict[str, Any]:
    return {
        "name": f"likelihood_{line}",
        "title": {"zh": f"低于 {line} 的可能性（%）", "en": f"Likelihood of being below {line}, percent"},
        "expr": f"lookup(likelihood, {total}, '{line}')",
        "show": {"to": Decimal(1).scaleb(-decimals)},
    }


def _converted(
    source: str, title: str, ending: str, lines: dict[str, str], parts: dict[str, Any], notes: list[str]
) -> Converted:
    found = re.search("[0-9]{4}", source)
    if found is None:
        raise ValueError(source)
    version = f"{found[0]}-01-01"
    kind, country = ("card", source[5:]) if source.startswith("score") else ("ppi", source[3:])
    name = f"{kind}_{snake(country)}{ending}"
    identity = {
        "id": name,
        "version": dt.date.fromisoformat(version),
        "title": {"zh": title, "en": title},
        "place": {"zh": source, "en": source},
        "currency": "XXX",
        "direction": "higher_is_better",
        "default_status": "published",
    }
    values = {"table": identity, "source": [SOURCE], **parts}
    order: list[Path] = []
    for section, content in values.items():
        order += [(section, k) for k in range(len(content))] if isinstance(content, list) else [(section,)]
    remarks: dict[Path, str] = {("table",): "\n".join(notes)} if notes else {}
    return Converted(source, name, version, lines, document(values, order, remarks), tuple(notes))


def _listed(scores: frozenset[int]) -> str:
    first, last = min(scores), max(scores)
    whole = len(scores) == last - first + 1
    return str(first) if first == last else f"{first} to {last}" if whole else ", ".join(map(str, sorted(scores)))


def read(data: File) -> list[Converted | Refused]:
    """Everything in the folder `data`, converted or refused: look-ups, then cards."""
    likelihoods = pl.read_parquet(data / "lookup_long.parquet")
    points = pl.read_csv(data / "scorecards_long.csv", infer_schema_length=None)
    return [*lookups(likelihoods), *cards(points, likelihoods)]


def write(found: list[Converted | Refused], out: File) -> list[File]:
    """Write the converted tables below `out`; the files, in order."""
    files = []
    for one in found:
        if isinstance(one, Converted):
            path = out / one.id / f"{one.version}.toml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(one.text, encoding="utf-8")
            files.append(path)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=File)
    parser.add_argument("out", type=File)
    given = parser.parse_args()
    found = read(given.data)
    files = write(found, given.out)
    for one in found:
        if isinstance(one, Refused):
            print(f"{one.source}: refused, {one.why}")
        for note in one.notes if isinstance(one, Converted) else ():
            print(f"{one.source}: {note}")
    print(f"tables={len(files)} refused={sum(isinstance(one, Refused) for one in found)}")


if __name__ == "__main__":
    main()
