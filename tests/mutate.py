"""Damaged registers: whatever is done to a file, every row of it is scored or rejected, and named if rejected.

    python tests/mutate.py [--files N] [--seed S]

Each file is a small synthetic register, damaged by several operators, written in one of six forms, and scored. Its
rows are counted by a counter of its own that shares nothing with the readers. Prints
`files=… in=… scored=… rejected=… lost=0`; exit code 1 if a row is lost.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import io
import json
import random
import re
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from hardship.attributes import dictionary
from hardship.errors import RegisterError
from hardship.inputs import open_table
from hardship.reading.write_register import file_frames
from hardship.register import Register, read_register
from hardship.score import score
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
ENTITIES = ("households", "members", "supporters", "transfers")
FORMS = ("utf-8", "gb18030", "utf-16", "xlsx", "parquet", "jsonl")
CONTINUED = "⏎"  # begins every line that belongs to the quoted cell of the line before


@dataclass
class Book:
    """A register as texts: for each entity its header and its rows."""

    tables: dict[str, tuple[list[str], list[list[str]]]]

    def spot(self, choice: random.Random, column: str, entity: str = "") -> tuple[list[list[str]], int, int]:
        """Some row and the place of a column in it."""
        places = [one for one in ENTITIES if column in self.tables[one][0] and self.tables[one][1]]
        header, rows = self.tables[entity or choice.choice(places)]
        return rows, choice.randrange(len(rows)), header.index(column)


Damage = Callable[[Book, random.Random], None]
CELLS: dict[str, Damage] = {}
LineDamage = Callable[[list[str], random.Random], list[str]]
LINES: dict[str, LineDamage] = {}


def on_cells(damage: Damage) -> Damage:
    CELLS[damage.__name__] = damage
    return damage


def put(column: str, *texts: str) -> Damage:
    def damage(book: Book, choice: random.Random) -> None:
        rows, row, place = book.spot(choice, column)
        rows[row][place] = choice.choice(texts)

    return damage


CELLS |= {
    "word_for_number": put("wage_month", "无", "NA", "nan", "null", "None", "about 500"),
    "exponent": put("wage_month", "1e3", "1E400", "1e1000000"),
    "separators": put("financial_assets", "1,000", "1_000", "1 000", "1，000"),
    "wide_digits": put("financial_assets", "１２３", "１２．５"),
    "padded_number": put("wage_month", " 5", "5 ", "\u00a05", "5\u3000"),
    "below_bounds": put("wage_month", "-1", "-0.01"),
    "above_bounds": put("wage_month", "10000000.01", "9" * 18, "9" * 400),
    "too_precise": put("wage_month", "12.345", "0.001"),
    "wrong_label": put("residence_type", "city", "城", "urban;rural"),
    "other_label": put("residence_type", "城镇", "Rural", " rural "),
    "wrong_bool": put("orphan", "maybe", "2", "有"),
    "wrong_date": put("birth_date", "2018-02-30", "43282", "1.7.1980", "19800230"),
    "impossible_age": put("birth_date", "2018-07-02", "1887-07-01", "2199-01-01"),
    "wrong_set": put("needs", "food", "medical;", "medical,food"),
    "empty_id": put("household_id", ""),
    "empty_person": put("member_id", "", "   "),
    "strange_id": put("household_id", "H999", "Ｈ000000003", "x" * 65, "H000000001 ", "\ufffd"),
    "wrong_area": put("area_code", "", "37-08", "x" * 40),
    "control_character": put("member_name", "a\x00b", "a\x07", "\x1b[0m", "\ufeff"),
    "formula_text": put("head_name", "=1+1", "@SUM(A1)", "+1", "-1"),
    "words_read_as_missing": put("head_name", "NA", "null", "None", "nan", "N/A"),
}


@on_cells
def duplicate_row(book: Book, choice: random.Random) -> None:
    rows = choice.choice([rows for _, rows in book.tables.values() if rows])
    rows.insert(choice.randrange(len(rows) + 1), list(choice.choice(rows)))


@on_cells
def drop_row(book: Book, choice: random.Random) -> None:
    rows = choice.choice([rows for _, rows in book.tables.values() if rows])
    del rows[choice.randrange(len(rows))]


@on_cells
def drop_members_of_one(book: Book, choice: random.Random) -> None:
    header, rows = book.tables["members"]
    place = header.index("household_id")
    gone = choice.choice(rows)[place]
    rows[:] = [row for row in rows if row[place] != gone]


@on_cells
def move_to_another_household(book: Book, choice: random.Random) -> None:
    rows, row, place = book.spot(choice, "household_id", "members")
    rows[row][place] = choice.choice(rows)[place]


@on_cells
def crowd_a_member(book: Book, choice: random.Random) -> None:
    rows = book.tables["transfers"][1]
    if rows:
        rows += [list(choice.choice(rows)) for _ in range(30)]


@on_cells
def shuffle_rows(book: Book, choice: random.Random) -> None:
    for _, rows in book.tables.values():
        choice.shuffle(rows)


@on_cells
def shuffle_columns(book: Book, choice: random.Random) -> None:
    for entity, (header, rows) in book.tables.items():
        order = list(range(len(header)))
        choice.shuffle(order)
        book.tables[entity] = ([header[one] for one in order], [[row[one] for one in order] for row in rows])


@on_cells
def drop_column(book: Book, choice: random.Random) -> None:
    for entity, (header, rows) in book.tables.items():
        names = [name for name in header if not name.endswith(("_id", "area_code"))]
        if names:
            place = header.index(choice.choice(names))
            book.tables[entity] = (
                header[:place] + header[place + 1 :],
                [row[:place] + row[place + 1 :] for row in rows],
            )


@on_cells
def unknown_column(book: Book, choice: random.Random) -> None:
    for header, rows in book.tables.values():
        header.append("备注")
        for row in rows:
            row.append(choice.choice(["", "x", "1,5", 'say "x"']))


@on_cells
def chinese_titles(book: Book, choice: random.Random) -> None:
    known = dictionary()
    for header, _ in book.tables.values():
        header[:] = [known[name].title.zh if name in known else name for name in header]


@on_cells
def empty_entity(book: Book, choice: random.Random) -> None:
    book.tables[choice.choice(["supporters", "transfers"])][1].clear()


def on_lines(damage: LineDamage) -> LineDamage:
    LINES[damage.__name__] = damage
    return damage


def some(lines: list[str], choice: random.Random) -> int:
    return choice.randrange(1, len(lines))


@on_lines
def short_row(lines: list[str], choice: random.Random) -> list[str]:
    place = some(lines, choice)
    cells = lines[place].split(",")
    lines[place] = ",".join(cells[: choice.randrange(1, max(2, len(cells)))])
    return lines


@on_lines
def long_row(lines: list[str], choice: random.Random) -> list[str]:
    place = some(lines, choice)
    lines[place] += "," * choice.randrange(1, 5)
    return lines


@on_lines
def open_quote(lines: list[str], choice: random.Random) -> list[str]:
    place = some(lines, choice)
    cells = lines[place].split(",")
    at = choice.randrange(len(cells))
    cells[at] = '"' + cells[at]
    lines[place] = ",".join(cells)
    return lines


@on_lines
def two_open_quotes(lines: list[str], choice: random.Random) -> list[str]:
    return open_quote(open_quote(lines, choice), choice)


@on_lines
def quote_and_more(lines: list[str], choice: random.Random) -> list[str]:
    place = some(lines, choice)
    lines[place] = f'"{lines[place].split(",")[0]}"x,' + lines[place].partition(",")[2]
    return lines


@on_lines
def quote_inside(lines: list[str], choice: random.Random) -> list[str]:
    place = some(lines, choice)
    at = choice.randrange(len(lines[place]) + 1)
    lines[place] = lines[place][:at] + '"' + lines[place][at:]
    return lines


@on_lines
def blank_lines(lines: list[str], choice: random.Random) -> list[str]:
    for _ in range(3):
        lines.insert(some(lines, choice), "")
    return lines


@on_lines
def only_commas(lines: list[str], choice: random.Random) -> list[str]:
    return [*lines, "," * lines[0].count(",")]


@on_lines
def cut_off(lines: list[str], choice: random.Random) -> list[str]:
    lines[-1] = lines[-1][: max(1, len(lines[-1]) // 2)]
    return lines


@on_lines
def broken_line(lines: list[str], choice: random.Random) -> list[str]:
    """A line break in the middle: two lines, and so two rows."""
    place = some(lines, choice)
    half = len(lines[place]) // 2
    lines[place : place + 1] = [lines[place][:half], lines[place][half:]]
    return lines


@on_lines
def quoted_line_break(lines: list[str], choice: random.Random) -> list[str]:
    """A cell of two lines, properly quoted: one row. Not where the row is broken anyway: then each line is one."""
    place = some(lines, choice)
    if '"' not in lines[place] and lines[place].count(",") == lines[0].count(","):
        cells = lines[place].split(",")
        cells[-1] = f'"{cells[-1]}\n{CONTINUED}"'
        lines[place] = ",".join(cells)
    return lines


@on_lines
def carriage_returns(lines: list[str], choice: random.Random) -> list[str]:
    return [line + "\r" for line in lines]


@on_lines
def byte_order_mark(lines: list[str], choice: random.Random) -> list[str]:
    return ["\ufeff" + lines[0], *lines[1:]]


JSON_LINES: dict[str, Callable[[str], str]] = {
    "broken_json": lambda line: line[: len(line) // 2],
    "not_a_number": lambda line: line.replace('"members"', '"x": NaN, "members"'),
    "duplicate_key": lambda line: line.replace('"members"', '"household": {}, "members"'),
    "unknown_part": lambda line: line.replace('"members"', '"people"'),
    "a_list": lambda line: f"[{line}]",
    "deep": lambda line: "[" * 50 + "]" * 50,
}
SHEETS: dict[str, tuple[str, str]] = {
    "numeric_id": (r'(<c r="A3") t="s"><v>[0-9]+</v>', r"\1><v>17</v>"),
    "error_cell": (r'<c r="D4"[^>]*><v>[^<]*</v>', '<c r="D4" t="e"><v>#REF!</v>'),
    "formula_without_value": (r'(<c r="E3"[^>]*>)<v>[^<]*</v>', r"\1<f>1+1</f>"),
    "hidden_row": (r'(<row r="3")', r'\1 hidden="1"'),
    "rows_without_numbers": (r'<row r="[0-9]+"', "<row"),
}


def operators() -> list[str]:
    """Every operator's name."""
    return [*CELLS, *LINES, *JSON_LINES, *SHEETS]


@cache
def _base(seed: int) -> Any:
    known = dictionary()
    return file_frames(synthesize(25, seed).frames, known)


def base(seed: int) -> Book:
    """A fresh synthetic register as texts."""
    tables = {}
    for entity, frame in _base(seed).items():
        texts = frame.select([column.cast(pl.String).fill_null("") for column in frame])
        tables[entity] = (list(texts.columns), [list(row) for row in texts.rows()])
    return Book(tables)


def write(book: Book, form: str, folder: Path, damages: list[str], choice: random.Random) -> Path:
    """Write a register in one form, with the operators that belong to the form."""
    if form == "xlsx":
        return _write_workbook(book, folder, damages)
    if form == "jsonl":
        return _write_json(book, folder, damages, choice)
    for entity, (header, rows) in book.tables.items():
        if form == "parquet":
            columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
            pl.DataFrame(columns, schema=dict.fromkeys(header, pl.String)).write_parquet(folder / f"{entity}.parquet")
            continue
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
        lines = out.getvalue().split("\n")[:-1]
        for damage in sorted(damages, key=lambda one: one == "quoted_line_break"):
            if damage in LINES and len(lines) > 1:
                lines = LINES[damage](lines, choice)
        text = "\n".join(lines) + choice.choice(["", "\n"])
        encoding = form if form != "gb18030" or "\ufeff" not in text else "utf-8"
        (folder / f"{entity}.csv").write_bytes(text.encode(encoding))
    return folder


def _write_workbook(book: Book, folder: Path, damages: list[str]) -> Path:
    path = folder / "register.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        for entity, (header, rows) in book.tables.items():
            sheet = workbook.add_worksheet(entity)
            for number, row in enumerate([header, *rows]):
                for place, text in enumerate(row):
                    if text:
                        sheet.write_string(number, place, re.sub("[\x00-\x1f\ufffe\uffff]", "?", text))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for damage in damages:
        if damage in SHEETS:
            for number in (1, 2):
                name = f"xl/worksheets/sheet{number}.xml"
                old, new = SHEETS[damage]
                parts[name] = re.sub(old, new, parts[name].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def _write_json(book: Book, folder: Path, damages: list[str], choice: random.Random) -> Path:
    """One household a line, with the rows that name it; rows that name no household have lines of their own."""
    homes: dict[str, list[dict[str, Any]]] = {}
    titles = {one.title.zh: name for name, one in dictionary().items()}

    def rows(entity: str) -> list[dict[str, str]]:
        header = [titles.get(name, name) for name in book.tables[entity][0]]
        return [dict(zip(header, row, strict=True)) for row in book.tables[entity][1]]

    for row in rows("households"):
        homes.setdefault(row["household_id"], []).append(
            {"household": row, "members": [], "supporters": [], "transfers": []}
        )
    for entity in ENTITIES[1:]:
        for row in rows(entity):
            if row["household_id"] in homes:
                homes[row["household_id"]][0][entity].append(row)
    lines = [json.dumps(one, ensure_ascii=False) for several in homes.values() for one in several]
    for damage in damages:
        if damage in JSON_LINES and lines:
            place = choice.randrange(len(lines))
            lines[place] = JSON_LINES[damage](lines[place])
    path = folder / "register.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def count(path: Path) -> dict[str, int]:
    """Rows of each entity in a file, counted without the readers."""
    if path.suffix == ".jsonl":
        return _count_json(path)
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            pages = [archive.read(f"xl/worksheets/sheet{number}.xml").decode() for number in range(1, 5)]
        full = [len([row for row in re.findall(r"<row.*?(?:</row>|/>)", page) if "<c" in row]) for page in pages]
        return {entity: rows - 1 for entity, rows in zip(ENTITIES, full, strict=True)}
    found = {}
    for entity in ENTITIES:
        if (path / f"{entity}.parquet").exists():
            found[entity] = pl.scan_parquet(path / f"{entity}.parquet").select(pl.len()).collect().item()
        else:
            found[entity] = _count_csv((path / f"{entity}.csv").read_bytes())
    return found


def _count_csv(data: bytes) -> int:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("gb18030")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return sum(bool(line) and not line.startswith(CONTINUED) for line in lines) - 1


def _count_json(path: Path) -> dict[str, int]:
    found = dict.fromkeys(ENTITIES, 0)
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line:
            continue
        found["households"] += 1
        whole = line.startswith("{") and line.endswith("}") and all(f'"{part}": ' in line for part in ENTITIES[1:])
        if whole and '"x": NaN' not in line and '"household": {}' not in line:
            for part in ENTITIES[1:]:
                found[part] += len(json.loads(line)[part])
    return found


@dataclass
class Tally:
    """What became of all rows of all files."""

    files: int = 0
    rows: int = 0
    scored: int = 0
    rejected: int = 0
    lost: int = 0
    used: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        return f"files={self.files} in={self.rows} scored={self.scored} rejected={self.rejected} lost={self.lost}"


def judge(path: Path, tally: Tally, name: str) -> None:
    """Read and score one register; add its rows to the tally."""
    checked, _ = open_table("county_model", ON)
    counted = count(path)
    register = read_register(path, attributes=checked.names.attributes, on=ON)
    scored = _scored(register, checked)
    for entity in ENTITIES:
        told = register.counts[entity]
        kept = told["read"] if entity != "households" else scored
        lost = abs(counted[entity] - told["in"]) + abs(told["in"] - kept - told["rejected"])
        named = register.rejects.filter(pl.col("file").str.starts_with(entity) | (pl.col("sheet") == entity))
        if path.suffix != ".jsonl":
            lost += abs(named.select("sheet", "line").n_unique() - told["rejected"])
        tally.rows += counted[entity]
        tally.scored += kept
        tally.rejected += told["rejected"]
        tally.lost += lost
        if lost:
            tally.faults.append(f"{name} {entity}: counted {counted[entity]}, told {told}, kept {kept}")


@cache
def _standards() -> Any:
    return load_standards([])


def _scored(register: Register, checked: Any) -> int:
    try:
        return score(register, checked, _standards(), ON, threads=1, accepted="damaged on purpose").frame.height
    except RegisterError as error:
        if error.faults[0].code == "common.nothing_left":
            return 0
        raise


def run(files: int, seed: int, say: Callable[[str], None] = lambda _text: None) -> Tally:
    """Damage, write, count and score `files` registers."""
    tally = Tally()
    names = operators()
    for number in range(files):
        choice = random.Random(f"{seed}:{number}")
        wanted = [names[number % len(names)], *choice.sample(names, choice.randrange(4))]
        form = FORMS[number % len(FORMS)] if number % len(names) < len(CELLS) else _form_of(wanted[0], choice)
        book = base(seed * 100 + number % 7)
        # Titles and columns last: the other operators look columns up by their English names.
        order = sorted(
            (one for one in wanted if one in CELLS), key=lambda one: one in ("drop_column", "chinese_titles")
        )
        for damage in order:
            try:
                CELLS[damage](book, choice)
            except (ValueError, IndexError):  # the column went with an earlier operator
                continue
        with tempfile.TemporaryDirectory() as folder:
            path = write(book, form, Path(folder), wanted, choice)
            judge(path, tally, f"file {number} ({form}: {', '.join(wanted)})")
        tally.files += 1
        tally.used.update(wanted)
        if number % 50 == 49:
            say(tally.line())
    return tally


def _form_of(damage: str, choice: random.Random) -> str:
    if damage in JSON_LINES:
        return "jsonl"
    return "xlsx" if damage in SHEETS else choice.choice(FORMS[:3])


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    tally = run(given.files, given.seed, lambda text: print(text, file=sys.stderr))
    for fault in tally.faults:
        print(fault, file=sys.stderr)
    print(tally.line())
    return 1 if tally.lost else 0


if __name__ == "__main__":
    sys.exit(main())
