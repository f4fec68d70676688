"""docs/api.md: every example runs and prints what the page says; the generated tables are up to date."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
from hardship_api.reference_page import page, statuses
from service.live import Live

from hardship.messages import catalogue

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {"en": DOCS / "api.md", "zh": DOCS / "api.zh.md"}
_FENCE = re.compile(
    r"^```(json [a-z.]+|sh|python|js)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
RUNS = {
    "sh": (["bash", "-eu", "-o", "pipefail"], "sh"),
    "python": ([sys.executable, "-W", "ignore::ResourceWarning"], "py"),
    "js": (["node"], "mjs"),
}


def blocks(path: Path) -> list[tuple[str, str, str]]:
    """Language, text and expected output (empty: any) of every example."""
    return [(kind, text, said or "") for kind, text, said in _FENCE.findall(path.read_text(encoding="utf-8"))]


def test_the_examples_run_and_print_what_the_page_says(live: Live, tmp_path: Path) -> None:
    """In their order, in one folder, as a reader would."""
    failed, left_out = [], []
    for number, (kind, text, expected) in enumerate(blocks(PAGES["en"])):
        text = text.replace("http://127.0.0.1:8000", live.url)
        if kind.startswith("json "):
            (tmp_path / kind.removeprefix("json ")).write_text(text, encoding="utf-8")
            continue
        program, suffix = RUNS[kind]
        if shutil.which(program[0]) is None or (kind == "sh" and shutil.which("curl") is None):
            left_out.append(kind)
            continue
        file = tmp_path / f"example{number}.{suffix}"
        file.write_text(text, encoding="utf-8")
        done = subprocess.run([*program, str(file)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        wrong = done.returncode or not done.stdout or "api.internal" in done.stdout
        if wrong or (expected and done.stdout != expected):
            failed.append(f"{text}\n-> {done.returncode} {done.stdout[:500]!r} {done.stderr[-800:]}")
    assert not failed, "\n\n".join(failed)
    if left_out:
        pytest.skip(f"not on this machine: {', '.join(sorted(set(left_out)))}")


def test_there_is_an_example_of_each_kind_for_the_routes() -> None:
    text = {kind: "".join(body for one, body, _ in blocks(PAGES["en"]) if one == kind) for kind in RUNS}
    for route in (
        "/v1/score",
        "/v1/score/batch",
        "/v1/rank",
        "/v1/whatif",
        "/v1/tables",
        "/v1/attributes",
        "/v1/standards",
    ):
        assert route in text["sh"], route
    for call in (
        "score(",
        "score_batch(",
        "score_file(",
        "rank(",
        "whatif(",
        "compare(",
        "tables(",
        "card(",
        "standards(",
    ):
        assert f"client.{call}" in text["python"], call
    assert "/v1/score/batch" in text["js"]


@pytest.mark.parametrize("lang", sorted(PAGES))
def test_the_generated_tables_are_up_to_date(lang: str) -> None:
    text = PAGES[lang].read_text(encoding="utf-8")
    assert page(text, lang) == text, "run `python3 dev.py docs`"
    assert text.count("| `api.") == sum(len(one) for code, one in statuses().items() if code != "api.http") + 1


def test_both_pages_show_the_same_examples() -> None:
    first, second = (blocks(path) for path in PAGES.values())
    assert [(kind, text) for kind, text, _ in first] == [(kind, text) for kind, text, _ in second]


def test_every_code_has_its_sentences() -> None:
    for lang in PAGES:
        assert {code.partition(".")[2] for code in statuses()} <= catalogue("api", lang).keys()
