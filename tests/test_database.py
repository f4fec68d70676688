"""A register in a database: the same results as from files, every fault told, no secret told, nothing written."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from hardship import cli
from hardship.commands import common
from hardship.errors import RegisterError, UsageError
from hardship.reading import database, readers
from hardship.reading.database import Database, read_database
from hardship.verify import verify

CALL = ["--table", "county_model", "--on", "2018-07-01"]


def put(file: Path, tables: dict[str, pl.DataFrame]) -> Database:
    with sqlite3.connect(file) as connection:
        for name, frame in tables.items():
            columns = ", ".join(f'"{column}" TEXT' for column in frame.columns)
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            marks = ", ".join("?" * frame.width)
            connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', frame.iter_rows())
    connection.close()
    return Database(database.sqlite_url(file))


def ran(file: Path, *statements: str) -> Database:
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return Database(database.sqlite_url(file))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A register as CSV and in SQLite, and the results of the CSV."""
    folder = tmp_path_factory.mktemp("database")
    assert cli.run(["synth", "--households", "120", "--seed", "4", "--out", str(folder / "register")]) == 0
    tables = {file.stem: pl.read_csv(file, infer_schema=False) for file in (folder / "register").glob("*.csv")}
    put(folder / "register.db", tables)
    assert cli.run(["score", str(folder / "register"), *CALL, "--out", str(folder / "csv")]) == 0
    return folder


def url(home: Path) -> str:
    return database.sqlite_url(home / "register.db")


def run_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def test_the_same_results_as_from_files(home, tmp_path):
    before = (home / "register.db").read_bytes()
    assert cli.run(["score", "--register-url", url(home), *CALL, "--out", str(tmp_path / "out")]) == 0
    run, expected = run_of(tmp_path / "out"), run_of(home / "csv")
    assert run["results_sha256"] == expected["results_sha256"]
    assert run["register"]["sha256"] == expected["register"]["sha256"]
    assert run["counts"] == expected["counts"]
    assert run["register"]["database"] == {"url": "sqlite:///register.db", "queries": {}}
    assert (home / "register.db").read_bytes() == before
    assert verify(tmp_path / "out", sample=10).differences == []
    assert verify(tmp_path / "out", sample=10, url=url(home)).differences == []


def test_queries_choose_and_rename(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HARDSHIP_REGISTER_URL", url(home))
    first = "SELECT household_id AS 家庭编号, area_code AS 行政区划代码 FROM households ORDER BY 1 LIMIT 3;"
    some = "SELECT * FROM {} WHERE household_id IN (SELECT household_id FROM households ORDER BY 1 LIMIT 3)"
    queries = ["--households-query", first, "--members-query", some.format("members")]
    queries += ["--supporters-query", some.format("supporters"), "--transfers-query", some.format("transfers")]
    assert cli.run(["score", *queries, *CALL, "--out", str(tmp_path / "out"), "--json"]) == 0
    run = run_of(tmp_path / "out")
    assert run["counts"]["households"] == {"in": 3, "scored": 3, "rejected": 0}
    assert run["register"]["database"]["queries"]["households"] == first
    assert verify(tmp_path / "out").differences == []


ONE = ["--household", "H000000003", *CALL]
MOVED = ["--before", "table=county_model,on=2018-07-01", "--after", "on=2018-08-01"]
SETS = ["--set", "dibao_standard=+0%,+5%", *CALL, "--chart", "none"]


@pytest.mark.parametrize(
    ("command", "arguments", "written"),
    [
        ("explain", [*ONE, "--format", "json"], ()),
        ("ask", [*ONE, "--format", "json"], ()),
        ("whatif", SETS, ("curve.csv",)),
        ("rerank", MOVED, ("matrix.csv", "totals.csv", "causes.csv")),
        ("notices", [*ONE, "--format", "html"], ("370828110.html",)),
    ],
)
def test_every_command_that_takes_a_register_takes_a_database(home, tmp_path, capsys, command, arguments, written):
    told = {}
    for name, register in (("files", [str(home / "register")]), ("database", ["--register-url", url(home)])):
        out = ["--out", str(tmp_path / name)] if written else []
        assert cli.run([command, *register, *arguments, *out]) == 0
        said = capsys.readouterr().out
        told[name] = [path.read_text() for path in files_named(tmp_path / name, written)] if written else said
    if command == "explain":  # where the household's facts were read is told, and differs
        told = {name: [one for one in said.splitlines() if '"source"' not in one] for name, said in told.items()}
    assert told["files"] == told["database"]
    if command in ("whatif", "rerank"):
        run = run_of(tmp_path / "database")
        about = run["after"]["register"] if command == "rerank" else run["register"]
        assert about["database"] == {"url": "sqlite:///register.db", "queries": {}}


def files_named(folder: Path, names: tuple[str, ...]) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*")) if path.name.lower() in names]
    assert len(found) == len(names)
    return found


def test_reports_of_results_find_the_database_again(home, tmp_path):
    assert cli.run(["score", "--register-url", url(home), *CALL, "--out", str(tmp_path / "out")]) == 0
    lists = ["publish", str(tmp_path / "out"), "--scope", "board", "--until", "2018-07-08", "--out", f"{tmp_path}/b"]
    assert cli.run(lists) == 0
    run = run_of(tmp_path / "out")
    run["sources"]["register"] = []
    (tmp_path / "out" / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert cli.run(lists) == 2
    assert cli.run([*lists, "--register-url", url(home)]) == 0
    assert cli.run(["report", str(tmp_path / "out"), "--register-url", url(home), "--out", str(tmp_path / "r")]) == 0


def test_a_side_of_a_comparison_that_maps_columns_is_no_database(home, tmp_path, capsys):
    after = ["--after", f"on=2018-08-01,mapping={tmp_path / 'm.toml'}"]
    code = cli.run(["rerank", "--register-url", url(home), *MOVED[:2], *after, "--out", str(tmp_path / "out")])
    assert (code, "mapping=" in capsys.readouterr().err) == (2, True)


def test_a_database_that_has_moved_is_asked_for(home, tmp_path):
    assert cli.run(["score", "--register-url", url(home), *CALL, "--out", str(tmp_path / "out")]) == 0
    run = run_of(tmp_path / "out")
    run["sources"]["register"] = []
    run["register"]["database"]["url"] = "postgresql://clerk@host/register"
    (tmp_path / "out" / "run.json").write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(UsageError, match="postgresql://clerk@host/register"):
        verify(tmp_path / "out", sample=3)
    assert verify(tmp_path / "out", sample=3, url=url(home)).differences == []
    run["register"]["database"] = 3
    (tmp_path / "out" / "run.json").write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(UsageError, match=r"run\.json"):
        verify(tmp_path / "out", sample=3)


def test_rows_are_numbered_and_rejected_like_everywhere(home, tmp_path, capsys):
    tables = {name: pl.read_csv(home / "register" / f"{name}.csv", infer_schema=False) for name in ("members",)}
    households = pl.read_csv(home / "register" / "households.csv", infer_schema=False)
    wrong = pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("?")).otherwise("area_code").alias("area_code")
    source = put(tmp_path / "r.db", {"households": households.with_columns(wrong), **tables})
    assert cli.run(["score", "--register-url", source.url, *CALL, "--out", str(tmp_path / "out")]) == 3
    rejects = pl.read_csv(tmp_path / "out" / "rejects.csv", infer_schema=False)
    assert rejects.row(0, named=True)["file"] == "households"
    assert rejects.row(0, named=True)["line"] == "5"


HOUSEHOLDS = "CREATE TABLE households (household_id TEXT, area_code TEXT, financial_assets)"
MEMBERS = "CREATE TABLE members (household_id TEXT, member_id TEXT)"


def test_types_of_sqlite(tmp_path):
    """Whatever stands first in a column, nothing of what comes later is lost or changed."""
    many = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 3000) "
    source = ran(
        tmp_path / "r.db", HOUSEHOLDS, MEMBERS, "INSERT INTO members VALUES ('H1', 'M1')",
        f"INSERT INTO households {many} SELECT 'H' || k, '370828', CASE WHEN k = 3000 THEN 12.3 END FROM n",
    )  # fmt: skip
    households = read_database(source)[0]
    assert households.column("financial_assets").drop_nulls().to_list() == [12.3]
    assert households.lines.to_list() == list(range(1, 3001))
    assert set(households.not_text) == {"financial_assets"}


@pytest.mark.parametrize(
    "values", ["'H1', '370828', 'x'), ('H2', '370828', 1.5", "'H1', '370828', 9007199254740993), ('H2', '370828', 0.5"]
)
def test_columns_of_several_types_are_refused(tmp_path, values):
    source = ran(tmp_path / "r.db", HOUSEHOLDS, MEMBERS, f"INSERT INTO households VALUES ({values})")
    with pytest.raises(RegisterError) as caught:
        read_database(source)
    (fault,) = caught.value.faults
    assert (fault.code, fault.params) == ("database.mixed", {"column": "financial_assets"})


def broken(home: Path, tmp_path: Path, what: str) -> tuple[Database, str]:
    good = url(home)
    match what:
        case "no file":
            return Database("sqlite:///nowhere.db"), "register.not_found"
        case "no database":
            (tmp_path / "r.db").write_text("x" * 2000, encoding="utf-8")
            return Database(database.sqlite_url(tmp_path / "r.db")), "database.no_connection"
        case "no table":
            return ran(tmp_path / "r.db", HOUSEHOLDS), "register.no_table"
        case "two tables":
            return ran(tmp_path / "r.db", HOUSEHOLDS, MEMBERS, MEMBERS.replace("members", "成员")), "register.two_files"
        case "no such table":
            return Database(good, {"members": "SELECT * FROM persons"}), "database.bad_query"
        case "no such column":
            return Database(good, {"members": "SELECT nothing FROM members"}), "database.bad_query"
        case "writes":
            return Database(good, {"members": "DELETE FROM members"}), "database.bad_query"
        case "several":
            query = "SELECT * FROM members; DROP TABLE members"
            return Database(good, {"members": query}), "database.bad_query"
        case "two columns":
            query = "SELECT *, household_id FROM members"
            return Database(good, {"members": query}), "register.two_columns"
        case _:
            return Database("postgresql://clerk:hidden@127.0.0.1:1/r?sslkey=hidden"), "database.no_connection"


@pytest.mark.parametrize(
    "what",
    ["no file", "no database", "no table", "two tables", "no such table", "no such column", "writes", "several",
     "two columns", "nobody there"],
)  # fmt: skip
def test_faults_are_told(home, tmp_path, what):
    source, code = broken(home, tmp_path, what)
    with pytest.raises(RegisterError) as caught:
        read_database(source)
    assert caught.value.faults[0].code == code
    for lang in ("zh", "en"):
        assert "hidden" not in caught.value.text(lang)


def test_an_address_is_told_without_secrets():
    source = Database("postgresql://clerk:a%40b@host:5432/r?password=other", {"members": "SELECT 1"})
    assert source.shown == "postgresql://clerk@host:5432/r"
    assert source.told == {"url": source.shown, "queries": {"members": "SELECT 1"}}
    assert "a%40b" not in repr(source)
    assert database._without_secrets("a@b is wrong\n for password=other, a%40b", source.url) == "… is wrong for …, …"
    with pytest.raises(UsageError, match="postgresql://"):
        read_database(Database("mysql://clerk:hidden@host/r"))


def test_a_refused_login_and_a_driver_that_is_not_there(home, monkeypatch):
    from adbc_driver_manager import AdbcStatusCode, OperationalError

    refused = OperationalError("FATAL: no", status_code=AdbcStatusCode.UNAUTHENTICATED, sqlstate="28P01")
    with pytest.raises(RegisterError) as caught, database._faults(Database("postgresql://h/r"), "database.bad_query"):
        raise refused
    assert caught.value.faults[0].code == "database.bad_login"
    monkeypatch.setitem(sys.modules, "adbc_driver_sqlite.dbapi", None)
    with pytest.raises(UsageError, match="adbc-driver-sqlite"):
        read_database(Database(url(home)))


def test_types_of_postgresql():
    """Numeric comes as the text of its digits, and is no text; an enum is one."""
    numeric = pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "numeric", "PostgreSQL"), pa.array(["1.10", None]))
    enum = pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "kind", "PostgreSQL"), pa.array(["urban", "rural"]))
    plain, numbers = database._postgresql_plain(pa.table({"a": numeric, "b": enum, "c": pa.array([1, 2])}))
    assert numbers == ["a"]
    assert plain.to_pydict() == {"a": ["1.10", None], "b": ["urban", "rural"], "c": [1, 2]}
    table = readers.arrow_table("households", "households", plain, first=1)
    assert table.column("a").to_list() == ["1.10", None]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "no_register"),
        (["register", "--register-url", "sqlite:///r.db"], "two_registers"),
        (["register", "--members-query", "SELECT 1"], "query_without_url"),
        (["--register-url", "sqlite:///r.db", "--memory", "10"], "not_with"),
        (["--register-url", "sqlite:///r.db", "--engine", "spark"], "not_with"),
        (["--register-url", "sqlite:///r.db", "--mapping", "m.toml"], "not_with"),
    ],
)
def test_one_register_is_named(tmp_path, capsys, monkeypatch, arguments, code):
    from hardship import messages

    monkeypatch.delenv("HARDSHIP_REGISTER_URL", raising=False)
    assert cli.run(["score", *arguments, *CALL, "--out", str(tmp_path / "out")]) == 2
    option = arguments[-2] if code == "not_with" else ""
    told = capsys.readouterr().err.strip()
    assert told in {messages.text(f"database.{code}", lang, option=option) for lang in ("zh", "en")}
    assert not (tmp_path / "out").exists()


def test_the_options_are_those_of_the_tables():
    assert common.ENTITIES == readers.ENTITIES
