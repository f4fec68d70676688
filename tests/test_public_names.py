"""The names that others may rely on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hardship

PUBLIC = [
    "EngineError",
    "Fault",
    "HardshipError",
    "Inputs",
    "Register",
    "RegisterError",
    "Results",
    "Standards",
    "TableError",
    "UsageError",
    "__version__",
    "dictionary",
    "from_dicts",
    "load_standards",
    "load_table",
    "open_inputs",
    "open_table",
    "read_register",
    "synthesize",
]


def test_the_list_is_this_one():
    assert sorted(hardship.__all__) == PUBLIC
    assert set(PUBLIC) <= set(dir(hardship))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there_and_says_what_it_is(name):
    found = getattr(hardship, name)
    assert name == "__version__" or (found.__doc__ or "").strip()


def test_no_other_name_is():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        hardship.nothing_of_the_kind  # noqa: B018


def test_types_are_told_the_same_names():
    tree = ast.parse(Path(hardship.__file__).read_text(encoding="utf-8"))
    told = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told - {None} == set(PUBLIC) - {"__version__"}
