"""What begins a table, and the commands around the office form."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hardship import cli
from hardship.errors import UsageError
from hardship.load import load_table, load_text
from hardship.office.table_new import begun
from hardship.office.table_schema import schema_json

ROOT = Path(__file__).resolve().parents[1]
DAY = dt.date(2026, 1, 1)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_new_table_loads_and_claims_nothing(lang: str) -> None:
    text = begun("my_county", DAY, lang)
    checked = load_text(text)
    assert (checked.table.table.id, checked.table.table.version) == ("my_county", DAY)
    assert checked.table.table.default_status == "illustrative"
    claimed = {one.name: one.status for one in (*checked.table.constant, *checked.table.parameter) if one.status}
    assert claimed == {"refusal_limit": "law"}
    assert text.count("\n#") > 12


def test_both_languages_begin_with_the_same_table() -> None:
    assert load_text(begun("a", DAY, "zh")).sha256 == load_text(begun("a", DAY, "en")).sha256


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "x" * 65])
def test_a_name_that_cannot_be_an_id(name: str) -> None:
    with pytest.raises(UsageError):
        begun(name, DAY, "en")


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """New, out, back; a file that is there stays; faults name the cell."""
    monkeypatch.setenv("HARDSHIP_LANG", "en")
    new = ["table", "new", "mine", "--out", str(tmp_path), "--on", "2026-01-01"]
    assert cli.run(new) == 0
    path = tmp_path / "mine" / "2026-01-01.toml"
    assert cli.run(new) == 2
    form = tmp_path / "form.xlsx"
    assert cli.run(["table", "export", str(path), "--xlsx", str(form)]) == 0
    assert cli.run(["table", "import", str(form), "--out", str(tmp_path)]) == 2
    assert cli.run(["table", "import", str(form), "--out", str(tmp_path / "back")]) == 0
    again = tmp_path / "back" / "mine" / "2026-01-01.toml"
    assert load_table(again).sha256 == load_table(path).sha256
    assert cli.run(["table", "diff", str(path), str(again)]) == 0
    assert cli.run(["tables", str(again), "--format", "html", "--lang", "zh"]) == 0
    out, err = capsys.readouterr()
    assert "is there already" in err
    assert "content hash" in out
    assert "<title>新评分表 2026-01-01</title>" in out
    assert cli.run(["tables", "county_model@2018-01-01", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "county_model"
    assert cli.run(["table", "export", "nowhere", "--xlsx", str(form)]) == 2
    assert cli.run(["table", "import", str(path), "--out", str(tmp_path)]) == 2
    assert cli.run(["table", "draw"]) == 2
    assert "diff, export, import, new, schema" in capsys.readouterr().err


# --- the schema for editors ---


def plain(value: Any) -> Any:
    """TOML values as a JSON schema sees them."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def test_the_schema_is_current() -> None:
    assert (ROOT / "docs" / "table-schema.json").read_text(encoding="utf-8") == schema_json(), "python3 dev.py docs"


def test_the_schema_fits_every_table_and_refuses_what_is_none() -> None:
    schema = json.loads(schema_json())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    paths = [*(ROOT / "scoring_tables").glob("*/*.toml"), *(ROOT / "tests" / "tables" / "good").glob("*.toml")]
    for path in paths:
        values = plain(tomllib.loads(path.read_text(encoding="utf-8")))
        assert [one.message for one in check.iter_errors(values)] == [], path
    text = begun("a", DAY, "en")
    for old, wrong in (
        ('effect = "defer"', 'effect = "warn"'),
        ("points = 20", 'points = "many"'),
        ('each = "chronic_illness"', "each = 1"),
        ('currency = "CNY"', 'currency = "yuan"'),
        ("value = 60", "valeu = 60"),
        ('order = "descending"', 'order = "down"'),
    ):
        assert old in text
        assert list(check.iter_errors(plain(tomllib.loads(text.replace(old, wrong))))), wrong
    assert schema["$defs"]["Item"]["properties"]["points"]["title"] == "分值 / Points"
