"""The guide to the table language: everything it shows is run, and says what the guide says."""

from __future__ import annotations

import re
import shlex
from fractions import Fraction
from pathlib import Path

import pytest

from hardship import cli
from hardship.cases import read_case, run_case
from hardship.errors import TableError
from hardship.load import load_text

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "table-language.md").read_text(encoding="utf-8")
(TABLE,) = re.findall(r"(?ms)^```toml\n(.*?)^```$", GUIDE)
(CASE,) = re.findall(r"(?ms)^~~~toml\n(.*?)^~~~$", GUIDE)


def rows(title: str) -> list[list[str]]:
    """The rows of the Markdown table below a title."""
    part = GUIDE.split(f"## {title}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("| `")]


def with_values(expressions: list[tuple[str, str]]) -> str:
    """The guide's table with further derived values `x0`, `x1`, …"""
    more = [
        f'[[derive]]\nname = "x{number}"\nunit = "{unit}"\nexpr = "{text}"\n'
        for number, (text, unit) in enumerate(expressions)
    ]
    return TABLE + "\n" + "\n".join(more)


def test_the_first_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"(?ms)^```console\n(.*?)^```$", GUIDE)
    for line in block.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "hardship"
        assert cli.run(arguments) == 0, line
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
def test_the_household_of_the_guide(evaluator: str, tmp_path: Path) -> None:
    shown = rows("What expressions say of that household")
    assert len(shown) >= 15
    texts = [row[2] if row[2] in ("true", "false") else str(Fraction(row[2])) for row in shown]
    expected = "".join(f'x{number} = "{text}"\n' for number, text in enumerate(texts))
    (tmp_path / "case.toml").write_text(CASE + expected, encoding="utf-8")
    checked = load_text(with_values([(row[0].strip("`"), row[1]) for row in shown]))
    case = read_case(tmp_path / "case.toml")
    assert run_case(case, checked, "reference" if evaluator == "reference" else "machine") == []


@pytest.mark.parametrize("row", rows("What the checker says when it is wrong"), ids=lambda row: row[0])
def test_what_the_checker_says(row: list[str]) -> None:
    said = []
    for unit in ("", "money/year", "money/month"):
        with pytest.raises(TableError) as caught:
            load_text(with_values([(row[0].strip("`"), unit)]))
        said.append(caught.value.text("en"))
        assert re.search("[\u4e00-\u9fff]", caught.value.text("zh"))
    assert any(row[1] in text for text in said), said
