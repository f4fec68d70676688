"""The tables of docs/api.md that follow from the sources: problem codes with their status, settings with their values.

    python -m hardship_api.reference_page zh|en FILE

writes them anew between the marks of a page; `dev.py docs` does so, and a test holds that the page is up to date.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from hardship import messages
from hardship_api.problems import STATUS_CODES
from hardship_api.settings import PREFIX, Settings

SECRET = ("secret", "secret_file")
"""Settings of which the page says nothing here: the part on keys does."""
ELSEWHERE = {"api.busy": (503,), "api.rate": (429,), "api.http": (400, 431)}
"""Codes that are not written beside their status."""
TITLES = {
    "codes": {"en": ("status", "code", "means"), "zh": ("状态", "代码", "含义")},
    "limits": {"en": ("setting", "usual value", "means"), "zh": ("设置", "默认值", "含义")},
}


def statuses() -> dict[str, tuple[int, ...]]:
    """Every problem code of the service with the statuses it is answered with."""
    found: dict[str, set[int]] = {code: set(given) for code, given in ELSEWHERE.items()}
    for status, code in STATUS_CODES.items():
        found.setdefault(code, set()).add(status)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for code, status in _written(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(code, set()).add(status)
    return {code: tuple(sorted(given)) for code, given in found.items()}


def _written(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """`Refused("api.…", 413)` (422 without a status) and `problem("api.…", 500, …)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Refused", "problem"):
            values = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
            if values and isinstance(values[0], str):
                yield values[0], values[1] if len(values) > 1 and isinstance(values[1], int) else 422


def codes(lang: str) -> str:
    """The table of problem codes."""
    rows = sorted((status, code) for code, given in statuses().items() for status in given)
    lines = [(str(status), f"`{code}`", messages.text(code, lang)) for status, code in rows if code != "api.http"]
    lines += [("400, 431", "`api.http`", messages.text("api.http", lang))]
    return _table("codes", lang, sorted(lines))


def limits(lang: str) -> str:
    """The table of settings."""
    lines = []
    for one in dataclasses.fields(Settings):
        if one.name not in SECRET:
            value = f"{one.default:,}" if isinstance(one.default, int) and one.default is not False else "–"
            meaning = messages.text(f"api.setting_{one.name}", lang)
            lines.append((f"`{PREFIX}{one.name.upper()}`", value, meaning))
    return _table("limits", lang, lines)


def _table(name: str, lang: str, lines: list[tuple[str, str, str]]) -> str:
    head = TITLES[name][lang]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in (head, ("---",) * 3, *lines))


def page(text: str, lang: str) -> str:
    """A page with its tables written anew."""
    for name, table in (("codes", codes(lang)), ("limits", limits(lang))):
        begin = re.search(rf"<!-- {name}:.*\n", text)
        end = text.find(f"<!-- end of {name}")
        if begin and end >= 0:
            text = text[: begin.end()] + table + text[end:]
    return text


if __name__ == "__main__":
    file = Path(sys.argv[2])
    file.write_text(page(file.read_text(encoding="utf-8"), sys.argv[1]), encoding="utf-8")
