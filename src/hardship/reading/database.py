"""A register in a database: tables or queries through ADBC as raw tables; nothing is ever written.

    sqlite:///register.db                      a file, as seen from here (with four strokes: from the root)
    postgresql://name@host:5432/database       the password from PGPASSWORD, ~/.pgpass, or the address itself

All tables are read in one transaction, so that they belong together. What is told of the address, in messages and in
`run.json`, holds no password and no options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import polars as pl

from hardship.errors import Fault, RegisterError, UsageError
from hardship.reading.readers import ENTITIES, SHEETS, Progress, RawTable, arrow_table, require_tables

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection, Cursor

EXACT = 2**53  # whole numbers up to here are exact as floats
ROWS = 2**30  # read at once, so that SQLite's driver sees every row before it settles on a type


@dataclass(frozen=True)
class Database:
    """Where a register is.

    Attributes:
        url: `sqlite:///…` or `postgresql://…`; may hold a password.
        queries: SQL by entity; without one its table is read, if there is one.
    """

    url: str = field(repr=False)
    queries: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path | None:
        """The file of SQLite."""
        parts = urlsplit(self.url)
        return Path(unquote(parts.path[1:])) if parts.scheme == "sqlite" else None

    @property
    def shown(self) -> str:
        """The address without password and options; of a file its name only."""
        if self.file is not None:
            return f"sqlite:///{self.file.name}"
        parts = urlsplit(self.url)
        user, at, host = parts.netloc.rpartition("@")
        return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"

    @property
    def told(self) -> dict[str, Any]:
        """What `run.json` says of it."""
        return {"url": self.shown, "queries": dict(self.queries)}


def sqlite_url(file: Path) -> str:
    """The address of a file of SQLite."""
    return f"sqlite:///{quote(str(file.absolute()))}"


def read_database(source: Database, progress: Progress | None = None) -> list[RawTable]:
    """All tables of a register in the order of `ENTITIES`. Rows are numbered from 1 as the database gives them.

    Raises:
        UsageError: the address is none that is known, or its driver is not installed.
        RegisterError: the database cannot be opened or read, or has no households or members.
    """
    say = progress or (lambda _what, _share: None)
    kind = _KINDS.get(urlsplit(source.url).scheme)
    if kind is None:
        raise UsageError(Fault("database.bad_url", params={"known": "sqlite:///…, postgresql://…"}))
    tables = []
    with _opened(source, kind) as connection:
        with _faults(source, "database.no_connection"):
            present = kind.present(connection, [name for names in SHEETS.values() for name in names])
        for entity in ENTITIES:
            names = [name for name in SHEETS[entity] if name in present]
            query = source.queries.get(entity) or (f'SELECT * FROM "{names[0]}"' if names else "")
            if not source.queries.get(entity) and len(names) > 1:
                raise RegisterError(Fault("register.two_files", source.shown, params={"entity": entity}))
            if query:
                say(f"read {entity}", 0.0)
                tables.append(_table(connection, source, kind, entity, query))
    return require_tables(tables, source.shown)


@contextmanager
def _opened(source: Database, kind: _Kind) -> Iterator[Connection]:
    """A connection on which one transaction that cannot write is open."""
    try:
        connect = kind.driver()
    except ImportError:
        raise UsageError(Fault("database.no_driver", params={"driver": kind.package})) from None
    with _faults(source, "database.no_connection"):
        connection = connect(source)
    with closing(connection):
        yield connection
        connection.rollback()


@contextmanager
def _faults(source: Database, code: str, entity: str = "") -> Iterator[None]:
    """What a database says is wrong, as a fault of the register; the address in it without secrets."""
    from adbc_driver_manager import Error

    try:
        yield
    except Error as error:
        why = _without_secrets(str(error).partition("\nquery:")[0].strip(), source.url)
        if _refuses_login(error):
            code = "database.bad_login"
        raise RegisterError(Fault(code, source.shown, params={"why": why, "entity": entity})) from None


def _refuses_login(error: Any) -> bool:
    return str(error.sqlstate or "").startswith("28") or "password authentication failed" in str(error)


def _without_secrets(why: str, url: str) -> str:
    parts = urlsplit(url)
    for secret in (url, parts.query, parts.password or "", unquote(parts.password or "")):
        if secret:
            why = why.replace(secret, "…")
    return " ".join(why.split())


def _table(connection: Connection, source: Database, kind: _Kind, entity: str, query: str) -> RawTable:
    from pyarrow import ArrowException

    with _faults(source, "database.bad_query", entity), closing(connection.cursor()) as cursor:
        kind.prepare(cursor)
        cursor.execute(query)
        try:
            rows, numbers = kind.plain(cursor.fetch_arrow_table())
            names = rows.column_names
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise RegisterError([Fault("register.two_columns", entity, params={"column": name}) for name in twice])
            table = arrow_table(entity, entity, rows, first=1)
            every_row = pl.repeat(True, rows.num_rows, eager=True, dtype=pl.Boolean)
            table = replace(table, not_text=table.not_text | dict.fromkeys(numbers, every_row))
        except (ArrowException, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
            raise RegisterError(Fault("register.unreadable", f"{source.shown}: {entity}")) from error
        kind.check(connection, source, entity, query, table.frame)
    return table


@dataclass(frozen=True)
class _Kind:
    """How one kind of database is opened and read.

    Attributes:
        package: what has to be installed.
        driver: gives what opens a connection; an ImportError if it is not installed.
        present: which of some names are tables or views that can be read by their plain name.
        prepare: sets a cursor up.
        plain: rows with types that `arrow_table` knows, and the columns of texts that are numbers.
        check: raises a RegisterError where a column of the frame is not what the database holds.
    """

    package: str
    driver: Callable[[], Callable[[Database], Connection]]
    present: Callable[[Connection, list[str]], set[str]]
    prepare: Callable[[Cursor], None]
    plain: Callable[[Any], tuple[Any, list[str]]]
    check: Callable[[Connection, Database, str, str, pl.DataFrame], None]


def _sqlite() -> Callable[[Database], Connection]:
    from adbc_driver_sqlite.dbapi import connect

    def opened(source: Database) -> Connection:
        file = source.file
        if file is None or not file.is_file():
            raise RegisterError(Fault("register.not_found", str(file)))
        return connect(f"file:{quote(str(file.absolute()))}?mode=ro")

    return opened


def _sqlite_present(connection: Connection, names: list[str]) -> set[str]:
    with closing(connection.cursor()) as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        return {name for (name,) in cursor.fetchall()} & set(names)


def _sqlite_prepare(cursor: Cursor) -> None:
    cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(ROWS)})


def _sqlite_check(connection: Connection, source: Database, entity: str, query: str, frame: pl.DataFrame) -> None:
    """SQLite may hold any type in any row; a column of several types would be rounded or lose its types."""
    odd = []
    for name, dtype in frame.schema.items():
        column = '"' + name.replace('"', '""') + '"'
        if dtype == pl.String:
            odd.append((name, f"max(typeof({column}) NOT IN ('text', 'null'))"))
        elif dtype == pl.Float64:
            big = f"({column} > {EXACT} OR {column} < -{EXACT})"
            odd.append((name, f"max(typeof({column}) = 'integer' AND {big})"))
    if not odd:
        return
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SELECT {', '.join(test for _, test in odd)} FROM ({query.strip().rstrip(';')})")
        found = cursor.fetchall()[0]
    mixed = [name for (name, _), is_mixed in zip(odd, found, strict=True) if is_mixed]
    if mixed:
        raise RegisterError([Fault("database.mixed", entity, params={"column": name}) for name in mixed])


def _postgresql() -> Callable[[Database], Connection]:
    from adbc_driver_postgresql.dbapi import connect

    def opened(source: Database) -> Connection:
        connection: Connection = connect(source.url, autocommit=True)
        with closing(connection.cursor()) as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.adbc_connection.set_autocommit(False)
        return connection

    return opened


def _postgresql_present(connection: Connection, names: list[str]) -> set[str]:
    found = set()
    with closing(connection.cursor()) as cursor:
        for name in names:
            cursor.execute(f"SELECT to_regclass('\"{name}\"') IS NOT NULL")
            if cursor.fetchall()[0][0]:
                found.add(name)
    return found


def _postgresql_plain(rows: Any) -> tuple[Any, list[str]]:
    """Types that Arrow does not know come in a wrapping: numeric as texts of its exact digits, enums as texts."""
    import pyarrow as pa

    columns, numbers = [], []
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if isinstance(column.type, pa.BaseExtensionType):
            if getattr(column.type, "type_name", "") == "numeric":
                numbers.append(name)
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)
        columns.append(column)
    return pa.table(columns, names=rows.column_names), numbers


_POSTGRESQL = _Kind(
    "adbc-driver-postgresql", _postgresql, _postgresql_present, lambda _: None, _postgresql_plain, lambda *_: None
)
_KINDS = {
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "sqlite": _Kind(
        "adbc-driver-sqlite", _sqlite, _sqlite_present, _sqlite_prepare, lambda rows: (rows, []), _sqlite_check
    ),
}
