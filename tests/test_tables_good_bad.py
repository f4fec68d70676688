"""Whole tables: good ones that load in silence, bad ones with their exact messages, odd ones with warnings.

Beside every bad and odd table lies what is said of it, in Chinese and English. With `--write` this file
writes those texts anew; read the difference before it is committed.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hardship
from hardship.errors import TableError
from hardship.language import table as table_module
from hardship.language.expression import AGGREGATES, FUNCTIONS
from hardship.language.fields import Model, Provided
from hardship.language.nodes import Node, walk
from hardship.language.sites import sites
from hardship.language.table import Computed
from hardship.load import load_text

TABLES = Path(__file__).parent / "tables"
SOURCES = Path(hardship.__file__).parent


def tables(folder: str) -> list[Path]:
    """The tables of one folder."""
    return sorted((TABLES / folder).glob("*.toml"))


def said(path: Path) -> str:
    """What is said of a table: its faults, or else its warnings, in both languages."""
    try:
        faults = list(load_text(path.read_text(encoding="utf-8"), path.name).warnings)
    except TableError as error:
        faults = error.faults
    return "".join(f"{fault.text(lang)}\n" for lang in ("zh", "en") for fault in faults)


@pytest.mark.parametrize("path", tables("good"), ids=lambda path: path.stem)
def test_good_tables_load_in_silence(path: Path) -> None:
    assert said(path) == ""


@pytest.mark.parametrize("path", tables("bad"), ids=lambda path: path.stem)
def test_bad_tables_are_refused_with_these_words(path: Path) -> None:
    with pytest.raises(TableError):
        load_text(path.read_text(encoding="utf-8"), path.name)
    assert said(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", tables("odd"), ids=lambda path: path.stem)
def test_odd_tables_load_with_these_warnings(path: Path) -> None:
    load_text(path.read_text(encoding="utf-8"), path.name)
    assert said(path) == path.with_suffix(".txt").read_text(encoding="utf-8") != ""


def test_every_fault_has_its_place() -> None:
    for path in [*tables("bad"), *tables("odd")]:
        for line in path.with_suffix(".txt").read_text(encoding="utf-8").splitlines():
            assert re.match(r"\w+\.toml:[0-9]+:[0-9]+: ", line), (path.name, line)


def test_good_tables_use_every_construct() -> None:
    """Every section and key of the language, every kind of node, every function and operator."""
    used: set[str] = set()
    for path in tables("good"):
        table = load_text(path.read_text(encoding="utf-8")).table
        used |= set(keys(table))
        for site in sites(table, lambda _: "household"):
            for node in walk(site.node):
                used.add(type(node).__name__)
                used |= {str(vars_of(node).get(key)) for key in ("op", "function", "entity")}
    lacking = wanted() - used
    assert lacking == set()


def vars_of(node: Node) -> dict[str, Any]:
    """The fields of a node."""
    return {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}


def keys(model: Any) -> Iterator[str]:
    """The keys that a model and the models in it set, as `Model.key`."""
    if isinstance(model, Model):
        for key in model.model_fields_set:
            yield f"{type(model).__name__}.{key}"
            yield from keys(getattr(model, key))
    elif isinstance(model, (tuple, list)):
        for part in model:
            yield from keys(part)
    elif isinstance(model, dict):
        for part in model.values():
            yield from keys(part)


# Keys that carry no rule of the checker: where something comes from, and words for people.
WORDS = {"note", "verified_until", "address", "date", "message", "title", "appeal", "line", "sensitivity"}


def wanted() -> set[str]:
    """What the good tables together must show."""
    models = [
        value for value in vars(table_module).values()
        if isinstance(value, type) and issubclass(value, Model) and value not in (Model, Provided, Computed)
    ]  # fmt: skip
    found = {f"{model.__name__}.{key}" for model in models for key in model.model_fields if key not in WORDS}
    found -= {f"DeclaredAttribute.{key}" for key in ("protected", "expressions", "source")}
    found -= {key for key in found if key.endswith((".status", ".source"))}
    found |= {*FUNCTIONS, *AGGREGATES, "member", "supporter", "transfer"}
    found |= {"+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">="}
    found |= {
        "Number",
        "Text",
        "Truth",
        "Name",
        "Negate",
        "In",
        "And",
        "Or",
        "Not",
        "Cases",
        "Call",
        "Aggregate",
    }
    return found


def codes_in_sources() -> set[str]:
    """Every fault that names and the checker can report."""
    modules = ("names", "infer*", "check*", "points", "bands")
    files = [path for module in modules for path in SOURCES.glob(f"{module}.py")]
    found = {code for path in files for code in re.findall(r'"(table\.[a-z_]+)"', path.read_text(encoding="utf-8"))}
    found.discard("table.unproved")  # the checker's own failure, which no table should reach
    return {code for code in found if not code.startswith(("table.hint_", "table.type_", "table.no_unit"))}


def codes_in_tables() -> set[str]:
    """Every fault and warning that some table here provokes."""
    found: set[str] = set()
    for path in [*tables("bad"), *tables("odd")]:
        try:
            found |= {fault.code for fault in load_text(path.read_text(encoding="utf-8")).warnings}
        except TableError as error:
            found |= {fault.code for fault in error.faults}
    return found


def test_every_fault_code_has_a_table() -> None:
    assert codes_in_sources() - codes_in_tables() == set()


def test_there_are_many_different_bad_tables() -> None:
    texts = {path.read_text(encoding="utf-8") for path in tables("bad")}
    assert len(texts) == len(tables("bad")) >= 60


def write() -> None:
    """Write what is said of every bad and odd table."""
    for path in [*tables("bad"), *tables("odd")]:
        path.with_suffix(".txt").write_text(said(path), encoding="utf-8")


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    write()
