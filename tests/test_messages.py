"""Sentences: every one that the sources use exists in both languages, says the same things, and is used."""

from __future__ import annotations

import ast
import json
import os
import re
import string
from functools import cache
from pathlib import Path

import pytest

from hardship import messages
from hardship.messages import LANGUAGES, Both, Term, catalogue, default_language, text

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "src" / "hardship" / "locale"
CATALOGUES = sorted({path.name.split(".")[0] for path in LOCALE.glob("*.po")})
_ID = re.compile(rf"({'|'.join(CATALOGUES)})\.[a-z][a-z0-9_]*\Z")
_PREFIX = re.compile(rf"({'|'.join(CATALOGUES)})\.[a-z0-9_]*\Z")
_QUOTED = re.compile(rf"""["']((?:{"|".join(CATALOGUES)})\.[a-z][a-z0-9_]*)["']""")
_FILES = {"toml", "xlsx", "csv", "json", "parquet", "sha256", "html"}
"""Ends of texts that look like ids and are none: files, and columns of a record."""


@cache
def _sources() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Ids written out; beginnings of ids that are finished at run time; keys of models, and words in texts."""
    ids: set[str] = set()
    prefixes: set[str] = set()
    words: set[str] = set()
    for folder in (ROOT / "src", ROOT / "api"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    first = node.values[0]
                    if isinstance(first, ast.Constant) and _PREFIX.match(str(first.value)):
                        prefixes.add(str(first.value))
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    words.add(node.target.id)  # a key of a model: its label is found by its name
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    words.update(re.findall(r"[a-z][a-z0-9_]*", node.value))
                    if _ID.match(node.value):
                        (prefixes if node.value.endswith("_") else ids).add(node.value)
        for path in (*folder.rglob("*.html"), *folder.rglob("*.j2"), *folder.rglob("*.txt")):
            quoted = _QUOTED.findall(path.read_text(encoding="utf-8"))
            prefixes.update(one for one in quoted if one.endswith("_"))
            ids.update(quoted)
    return frozenset(ids - prefixes), frozenset(prefixes), frozenset(words)


def placeholders(sentence: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field is not None}


@pytest.mark.parametrize("name", CATALOGUES)
def test_both_languages_have_the_same_sentences_with_the_same_placeholders(name: str) -> None:
    first, second = (catalogue(name, lang) for lang in LANGUAGES)
    assert first.keys() == second.keys()
    for short, sentence in first.items():
        assert placeholders(sentence) == placeholders(second[short]), short
        assert sentence.strip(), short
        assert second[short].strip(), short


@pytest.mark.parametrize("name", CATALOGUES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_file_names_each_sentence_once(name: str, lang: str) -> None:
    lines = (LOCALE / f"{name}.{lang}.po").read_text(encoding="utf-8").splitlines()
    ids = [line for line in lines if line.startswith("msgid ") and line != 'msgid ""']
    assert len(ids) == len(set(ids)) == len(catalogue(name, lang))
    assert not [line for line in lines if "fuzzy" in line]


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_sentence_that_the_sources_name_exists(name: str) -> None:
    ids, _, _ = _sources()
    named = {one.partition(".")[2] for one in ids if one.startswith(f"{name}.")}
    assert named - catalogue(name, "en").keys() - _FILES == set()


def _finished(end: str, words: frozenset[str]) -> bool:
    """Whether the sources can make the end of an id: a word of theirs, a begun word, or a unit."""
    begun = any(word.endswith("_") and end.startswith(word) for word in words)
    return begun or all(part in words for part in end.split("_per_"))


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_sentence_is_used(name: str) -> None:
    ids, prefixes, words = _sources()
    unused = []
    for short in catalogue(name, "en"):
        full = f"{name}.{short}"
        ends = [full.removeprefix(prefix) for prefix in prefixes if full.startswith(prefix)]
        if full not in ids and not any(_finished(end, words) for end in ends):
            unused.append(short)
    assert unused == []


def test_chinese_is_written_as_chinese() -> None:
    for name in CATALOGUES:
        for short, sentence in catalogue(name, "zh").items():
            prose = re.sub("`[^`]*`|'[^']*'|\"[^\"]*\"", "", sentence)
            assert not re.search("[\u4e00-\u9fff][,;:!?]", prose), (name, short)
    found = [s for n in CATALOGUES for s in catalogue(n, "en").values() if re.search("[\u4e00-\u9fff]", s)]
    assert found == []


def test_a_term_follows_the_language_of_its_sentence() -> None:
    term = Term("table.hint_quotes")
    zh, en = (text("table.expression_character", lang, found=term) for lang in LANGUAGES)
    assert text("table.hint_quotes", "zh") in zh
    assert text("table.hint_quotes", "en") in en


def test_a_parameter_with_both_languages_follows_the_sentence() -> None:
    zh, en = (text("common.reject_reason", lang, why=Both("重复", "twice"), count=2) for lang in LANGUAGES)
    assert "重复" in zh
    assert "twice" not in zh
    assert "twice" in en
    assert "重复" not in en


def test_an_unknown_sentence_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError):
        text("table.no_such_sentence", "en")


@pytest.mark.parametrize(
    ("variable", "value", "lang"),
    [
        ("HARDSHIP_LANG", "zh", "zh"),
        ("HARDSHIP_LANG", "en", "en"),
        ("LC_ALL", "zh_CN.UTF-8", "zh"),
        ("LC_MESSAGES", "zh_TW", "zh"),
        ("LANG", "de_DE.UTF-8", "en"),
        ("LANG", "", "en"),
    ],
)
def test_the_language_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, lang: str
) -> None:
    for name in ("HARDSHIP_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert default_language() == lang


@pytest.mark.parametrize("damage", [b"", b'{"half', None])
def test_a_catalogue_is_kept_and_what_is_damaged_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = os.umask(0o002)
    first = catalogue.__wrapped__("cli", "zh")
    os.umask(before)
    assert (tmp_path / "hardship").stat().st_mode & 0o022 == 0
    (kept,) = (tmp_path / "hardship" / "locale").iterdir()
    if damage is not None:
        kept.write_bytes(damage)
    else:
        monkeypatch.setattr(messages, "_read", None)  # nothing is read a second time
    assert catalogue.__wrapped__("cli", "zh") == first
    assert json.loads(kept.read_bytes()) == first


def test_without_a_place_to_keep_it_a_catalogue_is_read_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    assert catalogue.__wrapped__("cli", "en") == catalogue("cli", "en")
