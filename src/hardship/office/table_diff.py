"""Two versions of a scoring table compared rule by rule, in the words of those who work with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hardship import messages
from hardship.checking.check import Checked
from hardship.errors import TableError
from hardship.explaining.wording import Wording
from hardship.language.expression import ExpressionError, parse
from hardship.language.toml_text import read_toml
from hardship.language.toml_write import canonical
from hardship.office import form
from hardship.office.form_cells import kind_of, read, written
from hardship.office.form_layout import GRID, Line, Sheet, sheets, singles
from hardship.office.form_rows import Row, axis_labels, cells

EDGES = ("below", "at_most", "at_least", "above")
Change = dict[str, Any]
Entry = Mapping[str, Any]


def compare(before: Checked, after: Checked, lang: str) -> dict[str, Any]:
    """What changed from one table file to another.

    Returns:
        `schema`, `lang`, `before` and `after` (`id`, `version`, `title`, `sha256`), `same`, and `changes`: each with
        `section`, `section_text`, `id`, `title`, `kind` (`added`, `removed`, `changed`, `moved`), `key` (dotted, ""
        for a whole line), `line` (what is meant inside the entry), `before`, `after` and `text`, the change in words.
    """
    changes = list(_Comparison(before, after, lang).changes())
    return {
        "schema": 1,
        "lang": lang,
        "before": _head(before, lang),
        "after": _head(after, lang),
        "same": before.sha256 == after.sha256,
        "changes": changes,
    }


def difference_json(found: Mapping[str, Any]) -> str:
    """A comparison as stable JSON text, ending with a line feed."""
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def render(found: Mapping[str, Any]) -> str:
    """A comparison as text, section by section, ending with a line feed."""
    lang = found["lang"]
    lines = []
    for side in ("before", "after"):
        label = messages.text("form.d_before" if side == "before" else "form.d_after", lang)
        lines.append(messages.text("form.d_head", lang, side=label, **found[side]))
    section = entry = None
    for change in found["changes"]:
        if change["section"] != section:
            section, entry = change["section"], None
            lines += ["", change["section_text"]]
        if (change["id"], change["title"]) != entry:
            entry = (change["id"], change["title"])
            lines += ["  " + " ".join(part for part in entry if part)] if any(entry) else []
        lines.append(f"    {change['text']}")
    last = "form.d_same" if found["same"] else "form.d_count"
    lines += ["", messages.text(last, lang, count=len(found["changes"]))]
    return "\n".join(lines) + "\n"


def _head(checked: Checked, lang: str) -> dict[str, str]:
    head = checked.table.table
    return {"id": head.id, "version": str(head.version), "title": head.title.text(lang), "sha256": checked.sha256}


class _Side:
    """One of the two tables: its values as in the file, and its words."""

    def __init__(self, checked: Checked, lang: str) -> None:
        path = Path(checked.path)
        self.values: dict[str, Any] = read_toml(path.read_bytes(), path.name)[0]
        self.words = Wording(checked.names, lang)


class _Comparison:
    def __init__(self, before: Checked, after: Checked, lang: str) -> None:
        self.lang = lang
        self.sides = (_Side(before, lang), _Side(after, lang))

    def say(self, code: str, **params: Any) -> str:
        return messages.text(code, self.lang, **params)

    def changes(self) -> Iterator[Change]:
        """Every change, section by section."""
        one, two = (side.values for side in self.sides)
        for single in singles():
            name = single.keys[0]
            for change in self._keys(single, one.get(name, {}), two.get(name, {})):
                yield self._entry(name, {}, change)
            if name == "missing":
                yield from self._missing(one.get(name, {}), two.get(name, {}))
        for sheet in sheets():
            entries: list[list[Entry]] = []
            for values in (one, two):
                for key in sheet.lines[0].keys[:-1]:
                    values = values.get(key, {})
                entries.append(values.get(sheet.lines[0].keys[-1], []))
            yield from self._section(sheet, entries[0], entries[1])

    def _section(self, sheet: Sheet, one: list[Entry], two: list[Entry]) -> Iterator[Change]:
        root = sheet.lines[0]
        keyed = ("id", "name", "attribute")
        place = next((key for key in keyed if one + two and key in (one + two)[0]), "")
        for pair in _paired(one, two, lambda entry: str(entry[place]) if place else canonical(entry)):
            entry = pair[1] if pair[1] is not None else pair[0]
            assert entry is not None
            for change in self._pair(sheet, root, pair):
                yield self._entry(sheet.name, entry, change)
        if place and _moved([entry[place] for entry in one], [entry[place] for entry in two]):
            yield self._entry(sheet.name, {}, self._change("moved", "", "", "", "", self.say("form.d_moved")))

    def _pair(self, sheet: Sheet, line: Line, pair: tuple[Entry | None, Entry | None]) -> Iterator[Change]:
        """The changes of one entry and the lines below it; an entry that is on one side only is one change."""
        one, two = pair
        if one is None or two is None:
            kind = "added" if one is None else "removed"
            text = self.say(f"form.d_{kind}", what=form.section(line.name, self.lang))
            yield self._change(kind, "", "", "", "", text)
            return
        yield from self._keys(line, one, two)
        for below in (child for child in sheet.lines if child.parent == line.name):
            key = below.keys[0]
            if below.name == GRID:
                yield from self._grid(one, two)
            else:
                yield from self._below(sheet, below, _dicts(one.get(key, [])), _dicts(two.get(key, [])))

    def _below(self, sheet: Sheet, line: Line, one: list[Entry], two: list[Entry]) -> Iterator[Change]:
        """Lines below an entry: the same line is found by what it is about; lines left over pair in their order."""
        for before, after in _paired(one, two, _about):
            name = " ".join((form.section(line.name, self.lang), self._called(before, after))).strip()
            if before is None or after is None:
                kind = "added" if before is None else "removed"
                line_values = self._summary(line, before, after)
                text = self.say(f"form.d_{kind}", what=name) + line_values
                yield self._change(kind, "", name, "", "", text)
                continue
            for change in self._pair(sheet, line, (before, after)):
                inner = " ".join(part for part in (name, change["line"]) if part)
                yield change | {"line": inner, "text": f"{name}{self.say('explain.colon')}{change['text']}"}
        if _moved([_about(entry) for entry in one], [_about(entry) for entry in two]):
            text = f"{form.section(line.name, self.lang)}{self.say('explain.colon')}{self.say('form.d_moved')}"
            yield self._change("moved", "", form.section(line.name, self.lang), "", "", text)

    def _summary(self, line: Line, before: Entry | None, after: Entry | None) -> str:
        """What a line that came or went says."""
        side = self.sides[0 if after is None else 1]
        entry = before if after is None else after
        assert entry is not None
        told = {
            column.key: self._said(side, entry[column.key], column.annotation)
            for column in line.columns
            if column.key in ("points", "veto") and column.key in entry
        }
        parts = [f"{form.label(key, self.lang)} {text}" for key, text in told.items()]
        return self.say("explain.w_inside", text=self.say("explain.w_semicolon").join(parts)) if parts else ""

    def _called(self, before: Entry | None, after: Entry | None) -> str:
        """How people name a line: its id or title, its edge or condition."""
        for side, entry in ((self.sides[0], before), (self.sides[1], after)):
            if entry is None:
                continue
            for key in ("id", "title", "line"):
                if key in entry:
                    title = entry[key]
                    return str(title if isinstance(title, str) else title[self.lang])
            for key, sign in (("below", "< "), ("at_most", "≤ "), ("when", ""), ("value", "")):
                if key in entry:
                    return sign + self._said(side, entry[key], None)
            return self.say("explain.otherwise") if "otherwise" in entry else ""
        return ""

    def _keys(self, line: Line, one: Entry, two: Entry) -> Iterator[Change]:
        """The keys of an entry itself."""
        columns = {column.key: column.annotation for column in line.columns}
        rows = (cells(line.columns, one), cells(line.columns, two))
        yield from self._edge(rows)
        for key in dict.fromkeys((*columns, *rows[0], *rows[1])):
            texts = [row.get(key) for row in rows]
            if texts[0] == texts[1]:
                continue
            before, after = (
                self._said(side, read(text, columns[key]), columns[key]) if text and key in columns else text or ""
                for side, text in zip(self.sides, texts, strict=True)
            )
            if before == after:  # the words are the same, the file's text is not
                before, after = (text or "" for text in texts)
            sentence = self._sentence(form.label(key, self.lang), before, after)
            yield self._change("changed", key, "", before, after, sentence)

    def _edge(self, rows: tuple[Row, Row]) -> Iterator[Change]:
        """An edge that is of another kind now, such as "below" for "at most"; it is taken out of the rows."""
        keys = [[key for key in EDGES if key in row] for row in rows]
        if not (len(keys[0]) == len(keys[1]) == 1 and keys[0] != keys[1]):
            return
        told = [
            f"{form.label(key, self.lang)} {self._said(side, row.pop(key), None)}"
            for side, row, (key,) in zip(self.sides, rows, keys, strict=True)
        ]
        yield self._change("changed", keys[1][0], "", told[0], told[1], f"{told[0]} → {told[1]}")

    def _sentence(self, label: str, before: str, after: str) -> str:
        if not before:
            return self.say("form.d_set", label=label, after=after)
        if not after:
            return self.say("form.d_unset", label=label, before=before)
        return self.say("form.d_changed", label=label, before=before, after=after)

    def _said(self, side: _Side, value: Any, annotation: Any) -> str:
        """A value in words: expressions as sentences, fixed words by their names."""
        kind = kind_of(annotation) if annotation is not None else "expression"
        if kind == "option" and isinstance(value, str):
            return form.option_of(annotation, value, self.lang)
        if isinstance(value, bool):
            return side.words.truth(value)
        if kind == "expression" and isinstance(value, str):
            try:
                return side.words.expression(parse(value).node)
            except (ExpressionError, TableError):
                return value
        return written(value, annotation if annotation is not None else Any)

    def _missing(self, one: Entry, two: Entry) -> Iterator[Change]:
        for name in dict.fromkeys((*one, *two)):
            if canonical(one.get(name, "incomplete")) == canonical(two.get(name, "incomplete")):
                continue
            told = []
            for side, values in zip(self.sides, (one, two), strict=True):
                policy = values.get(name, "incomplete")
                if isinstance(policy, str):
                    told.append(form.option("", policy, self.lang))
                else:
                    told.append(self.say("form.d_assume", value=self._said(side, policy["assume"], Any)))
            title = self.sides[1].words.name(name)
            sentence = self._sentence(form.label("missing", self.lang), told[0], told[1])
            change = self._change("changed", "", "", told[0], told[1], sentence)
            yield self._entry("missing", {"name": name, "title": {self.lang: title}}, change)

    def _grid(self, one: Entry, two: Entry) -> Iterator[Change]:
        """The numbers of a look-up, cell by cell where both have the same rows and columns."""
        grids = [[row if isinstance(row, list) else [row] for row in entry[GRID]] for entry in (one, two)]
        if [len(row) for row in grids[0]] != [len(row) for row in grids[1]]:
            text = self.say("form.d_shape")
            yield self._change("changed", GRID, "", "", "", text)
            return
        rows, columns = (self._axis(two.get(axis, {})) for axis in ("rows", "columns"))
        for r, (before, after) in enumerate(zip(*grids, strict=True)):
            for c, (old, new) in enumerate(zip(before, after, strict=True)):
                if canonical(old) != canonical(new):
                    at = [labels[n] if n < len(labels) else str(n + 1) for labels, n in ((rows, r), (columns, c))]
                    name = self.say("explain.w_comma").join(at if columns else at[:1])
                    was, now = (written(cell, Any) for cell in (old, new))
                    yield self._change("changed", GRID, name, was, now, self._sentence(name, was, now))

    def _axis(self, axis: Entry) -> list[str]:
        labels = axis_labels(axis)
        return [self.sides[1].words.option(axis["of"], label) for label in labels] if "of" in axis else labels

    def _change(self, kind: str, key: str, line: str, before: str, after: str, text: str) -> Change:
        return {"kind": kind, "key": key, "line": line, "before": before, "after": after, "text": text}

    def _entry(self, section: str, entry: Entry, change: Change) -> Change:
        title = entry.get("title", {})
        name = next((str(entry[key]) for key in ("id", "name", "attribute") if key in entry), "")
        return {
            "section": section,
            "section_text": form.section(section, self.lang),
            "id": name,
            "title": title.get(self.lang, "") if isinstance(title, Mapping) else "",
            **change,
        }


def _dicts(lines: Sequence[Any]) -> list[Entry]:
    return [{"value": line} if isinstance(line, str) else line for line in lines]


def _about(entry: Entry) -> str:
    """What tells a line from its neighbours: its id, edge, condition or value, not what it is worth."""
    for keys in (("id",), ("below",), ("at_most",), ("when",)):
        if all(key in entry for key in keys):
            return canonical([keys[0], *(entry[key] for key in keys)])
    if entry.get("otherwise") is not None:
        return "otherwise"
    return canonical({key: entry[key] for key in ("value",) if key in entry})


def _paired(
    one: Sequence[Entry], two: Sequence[Entry], key: Callable[[Entry], str]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Entries that are the same, then those left over: in pairs where as many came as went, in their order."""
    known: dict[str, list[Entry]] = {}
    for entry in one:
        known.setdefault(key(entry), []).append(entry)
    partner = {id(entry): known[key(entry)].pop(0) for entry in two if known.get(key(entry))}
    gone = [entry for entry in one if all(entry is not other for other in partner.values())]
    come = [entry for entry in two if id(entry) not in partner]
    lines = not any("id" in entry or "name" in entry for entry in (*one, *two))
    if lines and len(gone) == len(come):
        partner |= {id(new): old for old, new in zip(gone, come, strict=True)}
        gone = []
    yield from ((entry, None) for entry in gone)
    yield from ((partner.get(id(entry)), entry) for entry in two)


def _moved(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether what both have stands in another order."""
    both = set(one) & set(two)
    return [key for key in one if key in both] != [key for key in two if key in both]
