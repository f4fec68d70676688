"""Imports point from the bottom of docs/architecture.md's table to its top; slow packages are loaded late."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "hardship"
EVALUATORS = {
    "reference.evaluate": ("checking", "lowering", "engine", "language.kinds", "language.infer", "results", "rank"),
    "engine.machine": ("reference",),
}


def modules() -> dict[str, Path]:
    """Module name without the package → file; `commands.score` for those in a folder."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__") or "__init__"] = path
    return found


def imported(path: Path, *, late: bool) -> set[str]:
    """The package's own modules that a file imports when it is run; `late`: also inside functions.

    Imports for types alone do not count.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        typing = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if typing or (not late and isinstance(node, ast.FunctionDef)):
            skipped |= {id(inner) for inner in ast.walk(node)}
    known, found = modules(), set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.startswith("hardship.") and name.removeprefix("hardship.") in known:
                found.add(name.removeprefix("hardship."))
    return found


def rows() -> dict[str, int]:
    """Module → row of the table in docs/architecture.md; `name*` stands for all other modules that begin so."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found: dict[str, int] = {}
    for number, row in enumerate(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)):
        for name in re.findall(r"`([a-z_.*]+)`", row):
            if name.endswith("*"):
                begun = [module for module in modules() if module.startswith(name[:-1])]
                found |= {module: number for module in begun if module not in found}
            else:
                found[name] = number
    return found


def test_every_module_stands_in_the_architecture():
    assert set(modules()) - set(rows()) - {"__init__", "__main__"} == set()
    assert set(rows()) - set(modules()) == set()


def test_imports_point_up_the_table():
    place = rows()
    wrong = [
        f"{name} imports {other}"
        for name, path in modules().items()
        if name in place
        for other in sorted(imported(path, late=True))
        if place.get(other, -1) > place[name]
    ]
    assert wrong == []


def test_there_is_no_circle():
    graph = {name: imported(path, late=False) - {name} for name, path in modules().items()}
    assert list(TopologicalSorter(graph).static_order())


def closure(name: str) -> set[str]:
    """Everything a module imports, directly or not."""
    known, found, todo = modules(), set(), [name]
    while todo:
        for other in imported(known[todo.pop()], late=True) - found:
            found.add(other)
            todo.append(other)
    return found


@pytest.mark.parametrize("evaluator", sorted(EVALUATORS))
def test_the_evaluators_know_nothing_of_each_other(evaluator):
    barred = EVALUATORS[evaluator]
    assert {name for name in closure(evaluator) for other in barred if f"{name}.".startswith(f"{other}.")} == set()


def test_only_what_compiles_imports_numba():
    pattern = re.compile(r"^\s*(import|from) numba", re.MULTILINE)
    users = {name for name, path in modules().items() if pattern.search(path.read_text("utf-8"))}
    assert users <= {"engine.jit", "engine.kept"}
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"fastmath\s*=\s*True|prange\(", text), name


def test_no_code_is_made_from_text():
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile", "__import__"}, name
            if isinstance(node, ast.Import | ast.ImportFrom):
                loaded = {alias.name for alias in node.names} | {getattr(node, "module", "")}
                assert not loaded & {"pickle", "marshal", "shelve"}, name


def loaded_by(statement: str) -> set[str]:
    """Top-level packages that a fresh process has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_is_cheap():
    assert loaded_by("import hardship") & {"numba", "fastapi", "polars", "numpy", "pydantic", "click", "rich"} == set()


def test_help_loads_no_engine():
    statement = "from hardship.cli import run\nrun(['--help'])\nrun(['score', '--help'])"
    assert loaded_by(statement) & {"numba", "fastapi", "polars", "numpy", "pydantic", "rich"} == set()


def test_listing_tables_loads_no_arrays():
    statement = "from hardship.cli import run\nimport contextlib, io\n"
    statement += "with contextlib.redirect_stdout(io.StringIO()):\n    run(['tables'])"
    assert loaded_by(statement) & {"numba", "fastapi", "polars", "numpy"} == set()


def test_the_plain_evaluator_loads_no_numba():
    assert "numba" not in loaded_by("import hardship.reference.evaluate, hardship.load, hardship.register")
