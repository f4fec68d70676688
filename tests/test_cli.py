"""The program: exit codes, both languages, no traceback, and each command on a small register."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from hardship import cli
from hardship.commands import reference_page

ROOT = Path(__file__).resolve().parents[1]
ON = ["--on", "2018-07-01"]


@pytest.fixture(scope="module")
def register(tmp_path_factory):
    """A made-up register of 300 households as CSV."""
    folder = tmp_path_factory.mktemp("cli") / "register"
    assert cli.run(["synth", "--households", "300", "--seed", "5", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def scored(register):
    """Its results under county_model."""
    out = register.parent / "scored"
    assert cli.run(["score", str(register), "--table", "county_model", *ON, "--out", str(out)]) in (0, 3)
    return out


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    monkeypatch.setenv("HARDSHIP_LANG", "en")
    monkeypatch.delenv("HARDSHIP_DEBUG", raising=False)


@pytest.mark.parametrize("ends", [lambda: 3, lambda: sys.exit(3)])
def test_a_program_of_its_own_seldom_looks_for_rubbish_and_never_when_it_leaves(monkeypatch, ends):
    done = []
    monkeypatch.setattr(cli.gc, "set_threshold", lambda *numbers: done.append(numbers))
    monkeypatch.setattr(cli.gc, "freeze", lambda: done.append("freeze"))
    monkeypatch.setattr(cli, "run", lambda: done.append("run") or ends())
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert (left.value.code, done) == (3, [cli.COLLECTIONS, "run", "freeze"])


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    capsys.readouterr()
    code = cli.run([str(part) for part in arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_every_command_has_help_with_examples_in_both_languages(command, lang, capsys, monkeypatch):
    monkeypatch.setenv("HARDSHIP_LANG", lang)
    code, out, err = run(capsys, *([command] if command else []), "--help")
    assert (code, err) == (0, "")
    assert f"hardship {command}".strip() in out
    assert {"en": "Example", "zh": "例："}[lang] in out
    if lang == "zh":
        for english in ("Usage", "Options", "Commands", "[required]", "default", "Show this"):
            assert english not in out


def test_the_pages_of_all_commands_are_up_to_date():
    for lang, name in (("en", "cli.md"), ("zh", "cli.zh.md")):
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == reference_page.page(lang), "python3 dev.py docs"


def test_help_is_quick():
    spent = []
    for _ in range(3):
        # Processor time: the wall clock would measure what else the machine is doing.
        before = os.times()
        subprocess.run([sys.executable, "-m", "hardship", "score", "--help"], check=True, capture_output=True)
        after = os.times()
        spent.append(after.children_user - before.children_user + after.children_system - before.children_system)
    assert min(spent) < 0.3


WRONG = {
    "no command": ([], "Usage"),
    "unknown command": (["rank"], "no such command"),
    "unknown option": (["score", "--tabel", "x"], "--table"),
    "missing argument": (["publish", "--scope", "web"], "DIR is missing"),
    "no register": (["explain", "--table", "t", "--on", "2018-07-01"], "--register-url"),
    "missing option": (["score", "r"], "--table is missing"),
    "bad date": (["score", "r", "--table", "t", "--on", "2018-7-1", "--out", "o"], "2018-7-1"),
    "29 February": (["score", "r", "--table", "t", "--on", "2018-02-29", "--out", "o"], "2018-02-29"),
    "bad number": (["synth", "--households", "1e3", "--seed", "1", "--out", "o"], "1e3"),
    "long number": (["synth", "--households", "9" * 5000, "--seed", "1", "--out", "o"], "999"),
    "bad format": (["score", "r", "--table", "t", *ON, "--out", "o", "--format", "csv,pdf"], "csv,pdf"),
    "unknown table": (["score", "r", "--table", "nowhere", *ON, "--out", "o"], "nowhere"),
    "table outside": (["score", "r", "--table", "../../etc/passwd", *ON, "--out", "o"], "passwd"),
    "no such register": (["score", "nothing", "--table", "county_model", *ON, "--out", "o"], "nothing"),
    "before the first version": (
        ["score", "r", "--table", "county_model", "--on", "1999-01-01", "--out", "o"],
        "2018-01-01",
    ),
    "no results": (["verify", "."], "run.json"),
    "no table file": (["check", "nothing.toml"], "nothing.toml"),
    "unknown card": (["tables", "nowhere"], "county_model"),
    "unknown cases": (["test", "nowhere"], "county_model"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_is_one_line_and_exits_with_2(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, told = WRONG[name]
    code, out, err = run(capsys, *arguments)
    if name == "no table file":
        assert code in (1, 2)
    else:
        assert code == 2
    assert told in out + err
    assert len(err.splitlines()) <= 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(set(WRONG) - {"no command"}))
def test_faults_are_told_in_chinese(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARDSHIP_LANG", "zh")
    _, out, err = run(capsys, *WRONG[name][0])
    assert any("一" <= character <= "鿿" for character in out + err)


def test_score_writes_what_it_says(register, tmp_path, capsys):
    out = tmp_path / "out"
    code, told, err = run(
        capsys,
        "score",
        register,
        "--table",
        "county_model",
        *ON,
        "--out",
        out,
        "--format",
        "csv,xlsx",
        "--detail",
        "items",
    )
    assert err == ""
    assert {p.name for p in out.iterdir()} == {
        "results.parquet",
        "results.csv",
        "results.xlsx",
        "rejects.csv",
        "groups.csv",
        "run.json",
    }
    frame = pl.read_parquet(out / "results.parquet")
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    with (out / "rejects.csv").open(encoding="utf-8", newline="") as handle:
        rejects = list(csv.DictReader(handle))
    assert code == (3 if rejects else 0)
    assert record["counts"]["households"] == {"in": 300, "scored": frame.height, "rejected": 300 - frame.height}
    assert record["counts"]["incomplete"] == frame.filter(pl.col("outcome") == "incomplete").height
    assert "item_a01" in frame.columns or any(name.startswith("item_") for name in frame.columns)
    assert "the ten hardest" in told
    assert frame.filter(pl.col("position") == 1)["household_id"][0] in told


def test_json_is_the_run_and_nothing_else(register, tmp_path, capsys):
    out = tmp_path / "out"
    _, told, _ = run(capsys, "score", register, "--table", "jinxiang", *ON, "--out", out, "--json")
    assert json.loads(told) == json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert list(json.loads(told))[:8] == [
        "schema",
        "engine",
        "on",
        "table",
        "standards_sha256",
        "register",
        "counts",
        "results_sha256",
    ]


def test_a_forced_version_is_flagged_on_every_row(register, tmp_path, capsys):
    out = tmp_path / "out"
    run(capsys, "score", register, "--table", "county_model@2018-01-01", *ON, "--out", out)
    frame = pl.read_parquet(out / "results.parquet")
    assert frame["flags"].str.contains("table_forced").all()
    code, told, _ = run(capsys, "verify", out, "--sample", "20")
    assert (code, "differences=0" in told) == (0, True)


def test_rejected_rows_exit_with_3_and_are_named(register, tmp_path, capsys):
    damaged = tmp_path / "damaged"
    shutil.copytree(register, damaged)
    path = damaged / "households.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    field = lines[0].split(",").index("residence_type")
    cells = lines[3].split(",")
    lines[3] = ",".join([*cells[:field], "moon", *cells[field + 1 :]])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, told, err = run(capsys, "score", damaged, "--table", "county_model", *ON, "--out", tmp_path / "out")
    assert (code, err) == (3, "")
    with (tmp_path / "out" / "rejects.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["field"] == "residence_type"]
    assert [(row["file"], row["line"]) for row in rows] == [("households.csv", "4")]
    assert rows[0]["message_zh"]
    assert rows[0]["message_en"]
    assert "rejected" in told


def test_other_folders_are_not_overwritten(register, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    code, _, err = run(capsys, "score", register, "--table", "county_model", *ON, "--out", tmp_path)
    assert code == 2
    assert "another folder" in err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_verify_finds_what_was_changed(scored, tmp_path, capsys):
    code, told, _ = run(capsys, "verify", scored)
    assert code == 0
    assert told.startswith("households=")
    assert " differences=0 sha256=" in told
    forged = tmp_path / "forged"
    shutil.copytree(scored, forged)
    frame = pl.read_parquet(forged / "results.parquet")
    first = frame.filter(pl.col("benefit_month").is_not_null())["household_id"][0]
    paid = pl.col("benefit_month")
    more = (paid + pl.lit("0.01").cast(pl.Decimal(18, 2))).cast(pl.Decimal(18, 2))
    changed = pl.when(pl.col("household_id") == first).then(more).otherwise(paid).alias("benefit_month")
    frame.with_columns(changed).write_parquet(forged / "results.parquet")
    register = scored.parent / "register"
    code, told, err = run(capsys, "verify", forged, "--register", register)
    assert code == 1
    assert " differences=2 " in told
    assert f"{first}: benefit_month: " in err
    assert "results_sha256" in err


@pytest.mark.parametrize("damage", ["no run", "no json", "no date", "no sources", "list", "no parquet", "other bytes"])
def test_damaged_results_are_refused_in_one_line(damage, scored, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(scored, out)
    run_file, frame = out / "run.json", out / "results.parquet"
    record = json.loads(run_file.read_text(encoding="utf-8"))
    match damage:
        case "no run":
            run_file.unlink()
        case "no json":
            run_file.write_text("{", encoding="utf-8")
        case "no date":
            run_file.write_text(json.dumps(record | {"on": 20180701}), encoding="utf-8")
        case "no sources":
            run_file.write_text(json.dumps(record | {"sources": {}}), encoding="utf-8")
        case "list":
            run_file.write_text("[1]", encoding="utf-8")
        case "no parquet":
            frame.unlink()
        case _:
            frame.write_bytes(b"PAR1 but not really PAR1")
    code, told, err = run(capsys, "verify", out)
    assert (code, told) == (2, "")
    assert len(err.splitlines()) == 1
    assert str(out) in err


def test_results_move_together_with_their_register(scored, tmp_path, capsys):
    shutil.copytree(scored.parent, tmp_path / "moved")
    code, told, _ = run(capsys, "verify", tmp_path / "moved" / "scored", "--sample", "10")
    assert (code, "differences=0" in told) == (0, True)


def test_explain_says_why(scored, register, capsys):
    frame = pl.read_parquet(scored / "results.parquet")
    household = frame.filter(pl.col("position") == 1)["household_id"][0]
    base = ["explain", register, "--household", household, "--table", "county_model", *ON]
    code, told, _ = run(capsys, *base)
    assert code == 0
    assert household in told
    code, told, _ = run(capsys, *base, "--format", "json")
    assert code == 0
    assert json.loads(told)["household_id"] == household
    code, told, _ = run(capsys, *base, "--format", "html", "--lang", "zh")
    assert code == 0
    assert "<html" in told
    code, _, err = run(capsys, "explain", register, "--table", "county_model", *ON)
    assert code == 2
    assert "300 households" in err


def test_check_tells_faults_and_exits_with_1(tmp_path, capsys):
    good = sorted((ROOT / "scoring_tables").glob("*/*.toml"))
    code, told, _ = run(capsys, "check", *good)
    assert code == 0
    assert told.count(": good.") == len(good)
    bad = tmp_path / "bad.toml"
    bad.write_text('[table]\nid = "bad"\n', encoding="utf-8")
    code, told, _ = run(capsys, "check", bad, good[0])
    assert code == 1
    assert "bad.toml:" in told
    assert ": good." in told


def test_worked_cases_hold_on_both_evaluators(capsys):
    code, told, err = run(capsys, "test", "county_model")
    assert (code, err) == (0, "")
    assert "failed=0" in told


def test_tables_and_cards(capsys):
    code, told, _ = run(capsys, "tables")
    assert code == 0
    listed = {line.split()[0] for line in told.splitlines()}
    assert {"jinxiang", "bairin_left", "beilin", "county_model"} <= listed
    code, told, _ = run(capsys, "tables", "jinxiang")
    assert code == 0
    assert "S26" in told


def test_attributes_in_every_form(tmp_path, capsys):
    assert "residence_type" in run(capsys, "attributes")[1]
    schema = json.loads(run(capsys, "attributes", "--schema")[1])
    assert schema["type"] == "object"
    assert "residence_type" in run(capsys, "attributes", "--markdown")[1]
    code, _, _ = run(capsys, "attributes", "--template", tmp_path / "t.xlsx")
    assert code == 0
    assert (tmp_path / "t.xlsx").stat().st_size > 1000


def test_an_internal_fault_is_one_line(capsys, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("Wang Xiaoming, 370828199001011234")

    monkeypatch.setattr("hardship.load.versions", broken)
    code, out, err = run(capsys, "tables")
    assert (code, out) == (1, "")
    assert "RuntimeError" in err
    assert "Wang" not in err
    assert "370828" not in err


def test_a_full_disk_is_said_in_one_line(capsys, monkeypatch, register, tmp_path):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "results.parquet")

    monkeypatch.setattr("hardship.export.settle", full)
    code, _, err = run(capsys, "score", register, "--table", "county_model", *ON, "--out", tmp_path / "out")
    assert code == 2
    assert "No space left" in err
    assert list(tmp_path.iterdir()) == []


def test_no_traceback_when_the_reader_of_the_output_goes_away():
    command = f"{sys.executable} -m hardship attributes | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""


PERSONS = """[table]
id = "persons"
version = 2018-01-01
title = { zh = "单人", en = "Persons" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
[[constant]]
name = "line"
title = { zh = "线", en = "line" }
unit = "money/month"
value = 900
[[derive]]
name = "wages"
unit = "money/month"
expr = "sum(or_else(member.wage_month, 0))"
[[person]]
id = "alone"
title = { zh = "单独", en = "alone" }
when = "known(wage_month)"
tests = [{ value = "wage_month", below = "line" }]
benefit = "line - wage_month"
remaining = "leaves"
[rank]
keys = [{ value = "wages", order = "ascending" }]
"""


def test_persons_are_written_and_replayed(register, tmp_path, capsys):
    table, out = tmp_path / "persons.toml", tmp_path / "out"
    table.write_text(PERSONS, encoding="utf-8")
    code, _, err = run(capsys, "score", register, "--table", table, *ON, "--out", out, "--format", "csv")
    assert (code, err) == (0, "")
    persons = pl.read_parquet(out / "persons.parquet")
    assert persons.columns == ["household_id", "member_id", "rule", "outcome", "benefit_month"]
    assert set(persons["outcome"]) == {"meets", "does_not_meet"}
    assert persons.sort("household_id", "member_id", "rule").equals(persons)
    with (out / "persons.csv").open(encoding="utf-8", newline="") as handle:
        assert len(list(csv.reader(handle))) == persons.height + 1
    assert run(capsys, "verify", out)[0] == 0
    forged = persons.with_columns(pl.lit("meets").alias("outcome"))
    forged.write_parquet(out / "persons.parquet")
    code, told, _ = run(capsys, "verify", out)
    assert code == 1
    assert f"differences={persons.filter(pl.col('outcome') != 'meets').height} " in told


def test_a_register_of_which_nothing_is_left_says_why(tmp_path, capsys):
    one = {"household": {"household_id": "H1", "boats": "many"}, "members": [{"sex": "female"}]}
    (tmp_path / "one.json").write_text(json.dumps(one))
    arguments = [tmp_path / "one.json", "--table", "county_model", *ON]
    for command in (["score", *arguments, "--out", tmp_path / "out"], ["explain", *arguments]):
        code, _, err = run(capsys, *command)
        assert code == 2
        for said in ("all 1", "one.json:1: ", "Boats"):
            assert said in err
    assert not (tmp_path / "out").exists()
    code, _, err = run(capsys, "explain", *arguments, "--household", "H1")
    assert code == 2
    assert "was rejected" in err
    assert "Boats" in err


def test_a_folder_that_is_not_there_is_the_systems_refusal(tmp_path, capsys):
    code, _, err = run(capsys, "attributes", "--template", tmp_path / "no" / "such" / "t.xlsx")
    assert code == 2
    assert "internal" not in err


def test_a_reader_that_leaves_early_is_no_fault():
    line = [sys.executable, "-m", "hardship", "attributes"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as one:
        one.stdout.close()
        told = one.stderr.read()
    assert (one.returncode, told) == (0, b"")


def test_results_under_a_link_stay_there_and_are_verified(register, tmp_path, capsys):
    real = tmp_path / "far" / "away" / "results"
    real.mkdir(parents=True)
    (tmp_path / "link").symlink_to(real)
    assert run(capsys, "score", register, "--table", "county_model", *ON, "--out", tmp_path / "link")[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert (real / "run.json").is_file()
    code, told, _ = run(capsys, "verify", tmp_path / "link", "--sample", "5")
    assert (code, "differences=0" in told) == (0, True)


def test_stored_results_without_ids_are_refused(scored, tmp_path, capsys):
    shutil.copytree(scored, tmp_path / "odd")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "odd" / "results.parquet")
    code, _, err = run(capsys, "verify", tmp_path / "odd", "--register", scored.parent / "register")
    assert (code, "results.parquet" in err) == (2, True)
