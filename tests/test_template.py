"""What is made from the data dictionary: the Excel template, the JSON Schema, the Markdown page."""

from __future__ import annotations

import datetime as dt
import errno
import json
import re
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import jsonschema
import polars as pl
import pytest

from hardship.attributes import LEVELS, dictionary
from hardship.reading import template
from hardship.reading.read_xlsx import read_sheets
from hardship.reading.readers import SHEETS
from hardship.reading.write_register import file_frames
from hardship.register import from_dicts, read_register
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
D = dictionary()
ROOT = Path(__file__).parents[1]


def sheet_parts(path: Path) -> dict[str, str]:
    """Sheet title → part of the archive."""
    with zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml").decode()
    titles = re.findall(r'<sheet name="([^"]+)"', book)
    return {title: f"xl/worksheets/sheet{number}.xml" for number, title in enumerate(titles, 1)}


def letters(column: int) -> str:
    found = ""
    while True:
        found = chr(65 + column % 26) + found
        column = column // 26 - 1
        if column < 0:
            return found


def fill(path: Path, rows: dict[str, list[list[str]]]) -> Path:
    """Type rows under the headers, as texts, the way a hand does."""
    parts = sheet_parts(path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for title, lines in rows.items():
        typed = ""
        for number, cells in enumerate(lines, 2):
            inner = "".join(
                f'<c r="{letters(place)}{number}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
                for place, cell in enumerate(cells)
                if cell
            )
            typed += f'<row r="{number}">{inner}</row>'
        contents[parts[title]] = contents[parts[title]].replace(b"</sheetData>", typed.encode() + b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def test_the_filled_template_reads_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    template.write_template(path)
    columns = {table.entity: table.frame.columns for table in read_sheets(path, SHEETS)}
    register = synthesize(20, 12)
    frames = file_frames(register.frames, D)
    titles = {level: {one.title.zh: name for name, one in D.items() if one.level == level} for level in LEVELS}
    entity = {"households": "household", "members": "member", "supporters": "supporter", "transfers": "transfer"}
    typed: dict[str, list[list[str]]] = {}
    for name, frame in frames.items():
        texts = frame.select([one.cast(str).fill_null("") for one in frame])
        texts = texts.with_columns(address=pl.lit(""), phone=pl.lit(""))
        ids = [one for one in frame.columns if one not in D]
        source = [*ids, *(titles[entity[name]][column] for column in columns[name][len(ids) :])]  # type: ignore[index]
        typed[SHEETS[name][1]] = [list(row) for row in texts.select(source).rows()]
    again = read_register(fill(path, typed), attributes=D, on=ON)
    assert again.rejects.height == 0
    assert again.notes == ()
    assert again.sha256 == register.sha256


def test_the_template_offers_the_values(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    template.write_template(path)
    parts = sheet_parts(path)
    assert list(parts) == ["说明", "选项", "家庭", "成员", "赡养人", "转移收入"]
    with zipfile.ZipFile(path) as archive:
        for level, title in zip(LEVELS, list(parts)[2:], strict=True):
            page = archive.read(parts[title]).decode()
            choices = sum(one.type in ("bool", "enum") for one in D.values() if one.level == level)
            assert page.count("<dataValidation ") == choices
        comments = "".join(archive.read(name).decode() for name in archive.namelist() if "comments" in name)
    assert "Financial assets (financial_assets)" in comments
    assert "ethnicity" not in comments
    other = tmp_path / "again.xlsx"
    template.write_template(other)
    assert other.read_bytes() == path.read_bytes()


def test_the_schema_is_one_and_fits() -> None:
    schema = json.loads(template.json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    good = {
        "household": {"household_id": "H1", "area_code": "370828", "needs": ["care"], "financial_assets": "12.50"},
        "members": [{"member_id": "1", "birth_date": "1970-01-01", "sex": "female", "wage_month": 5, "orphan": None}],
        "transfers": [{"member_id": "1", "kind": "pension", "month": "2018-05"}],
    }
    assert list(check.iter_errors(good)) == []
    assert from_dicts(good, D, ON).rejects.height == 0
    for wrong in (
        {"household": {}},
        {"household": {}, "members": []},
        {"household": {"wealth": 1}, "members": [{}]},
        {"household": {"financial_assets": "1e5"}, "members": [{}]},
        {"household": {"needs": ["food"]}, "members": [{}]},
        {"household": {"boats": -1}, "members": [{}]},
        {"household": {}, "members": [{"sex": "f"}]},
    ):
        assert list(check.iter_errors(wrong)), wrong


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert page == template.markdown(), "run: hardship attributes --markdown > docs/data-dictionary.md"
    for name, attribute in D.items():
        assert f"| `{name}` | {attribute.title.zh} |" in page


def test_a_full_disk_leaves_no_half_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: object) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        template.write_template(tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []
