"""The data dictionary for people and programs: Excel template, JSON Schema of a household, Markdown page."""

from __future__ import annotations

import datetime as dt
import errno
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hardship import messages
from hardship.attributes import LEVELS, STRUCTURAL, dictionary, scale, stored_bounds, value_names
from hardship.language.fields import DeclaredAttribute, Level, Title
from hardship.reading.readers import SHEETS
from hardship.reading.values import ID_COLUMNS
from hardship.reading.write_register import ENTITY

ROWS = 5_000  # rows of a sheet that are formatted and have drop-downs
_WHEN = dt.datetime(2018, 7, 1)


def _columns(level: Level, attributes: Mapping[str, DeclaredAttribute]) -> list[DeclaredAttribute]:
    """The attributes a form asks for: all of a level but those the law protects."""
    return [one for one in attributes.values() if one.level == level and not one.protected]


def write_template(path: Path | str, attributes: Mapping[str, DeclaredAttribute] | None = None) -> None:
    """Write the workbook that offices fill: Chinese titles, drop-downs, a comment on every column.

    Args:
        path: the `.xlsx` to write; the same content has the same bytes.
        attributes: what it asks for (default: the data dictionary).

    Raises:
        OSError: the file cannot be written; half a file is not left.
    """
    import xlsxwriter

    known = dictionary() if attributes is None else attributes
    made = io.BytesIO()  # a full disk must leave neither half a file nor an open one
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.set_properties({"created": _WHEN})
        _guide(book)
        choices = book.add_worksheet("选项")
        formats = {
            "text": book.add_format({"num_format": "@"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "money": book.add_format({"num_format": "0.00"}),
            "plain": book.add_format(),
            "required": book.add_format({"bold": True, "bg_color": "#F8E5B8", "border": 1}),
            "title": book.add_format({"bold": True, "bg_color": "#E8EDF3", "border": 1}),
        }
        used = 0
        for level in LEVELS:
            used = _sheet(book, choices, used, level, known, formats)
        choices.hide()
    whole = Path(path)
    try:
        whole.write_bytes(made.getbuffer())
    except OSError as error:
        if error.errno == errno.ENOSPC:
            whole.unlink(missing_ok=True)
        raise


def _guide(book: Any) -> None:
    sheet = book.add_worksheet("说明")
    sheet.set_column(0, 0, 100)
    lines = (messages.text("register.guide", "zh") + "\n\n" + messages.text("register.guide", "en")).split("\n")
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, line)


def _sheet(
    book: Any,
    choices: Any,
    used: int,
    level: Level,
    attributes: Mapping[str, DeclaredAttribute],
    formats: Mapping[str, Any],
) -> int:
    """One sheet of the form; gives back how many columns of the hidden choices are used."""
    sheet = book.add_worksheet(SHEETS[ENTITY[level]][1])
    sheet.freeze_panes(1, len(ID_COLUMNS[level]))
    column = 0
    for name in ID_COLUMNS[level]:
        title = STRUCTURAL[name][1]
        sheet.write_string(0, column, title.zh, formats["required"])
        sheet.write_comment(0, column, f"{title.en} ({name})\n" + messages.text("register.id_comment", "zh"))
        sheet.set_column(column, column, 16, formats["text"])
        column += 1
    for attribute in _columns(level, attributes):
        sheet.write_string(0, column, attribute.title.zh, formats["title"])
        sheet.write_comment(0, column, comment(attribute), {"x_scale": 2, "y_scale": 1.6})
        sheet.set_column(column, column, 14, formats[_look(attribute)])
        source = _choices(choices, used, attribute, book)
        if source is not None:
            sheet.data_validation(1, column, ROWS, column, {"validate": "list", "source": source})
            used += isinstance(source, str)
        column += 1
    return used


def _look(attribute: DeclaredAttribute) -> str:
    if attribute.type in ("code", "set"):
        return "text"
    return attribute.type if attribute.type in ("date", "money") else "plain"


def _choices(choices: Any, used: int, attribute: DeclaredAttribute, book: Any) -> list[str] | str | None:
    """The values a drop-down offers: a short list, or a range on the hidden sheet."""
    from xlsxwriter.utility import xl_col_to_name

    if attribute.type == "bool":
        return ["是", "否"]
    if attribute.type != "enum":
        return None
    titles = [one.title.zh if one.title else one.value for one in attribute.values]
    for row, title in enumerate([attribute.name, *titles]):
        choices.write_string(row, used, title)
    name = xl_col_to_name(used)
    return f"=选项!${name}$2:${name}${len(titles) + 1}"


def comment(attribute: DeclaredAttribute) -> str:
    """What a column means, in both languages: title, unit, bounds, values, note."""
    lines = [f"{attribute.title.en} ({attribute.name})"]
    lines.append(shape(attribute, "zh"))
    lines.append(shape(attribute, "en"))
    if attribute.type == "set":
        lines.append("；".join(one.title.zh if one.title else one.value for one in attribute.values))
    if attribute.note is not None:
        lines += [attribute.note.zh, attribute.note.en]
    return "\n".join(lines)


def shape(attribute: DeclaredAttribute, lang: str) -> str:
    """Type, unit and bounds of an attribute in words."""
    said = messages.text(f"register.type_{attribute.type}", lang)
    if attribute.unit:
        said += f", {messages.text('register.unit_' + attribute.unit.replace('/', '_per_'), lang)}"
    if attribute.type in ("int", "money", "decimal", "date"):
        low, high = (_bound(attribute, one) for one in stored_bounds(attribute))
        said += f", {low}–{high}"
    return said.replace(", ", "，") if lang == "zh" else said


def _bound(attribute: DeclaredAttribute, stored: int) -> str:
    if attribute.type == "date":
        return f"{stored // 10_000:04}-{stored // 100 % 100:02}-{stored % 100:02}"
    return f"{stored // scale(attribute):,}"


def json_schema(attributes: Mapping[str, DeclaredAttribute] | None = None) -> str:
    """JSON Schema (2020-12) of one household as `hardship` accepts it; ends with a newline."""
    known = dictionary() if attributes is None else attributes
    rows = {level: _row_schema(level, known) for level in LEVELS}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Household",
        "type": "object",
        "additionalProperties": False,
        "required": ["household", "members"],
        "properties": {
            "household": rows["household"],
            "members": {"type": "array", "minItems": 1, "maxItems": 200, "items": rows["member"]},
            "supporters": {"type": "array", "items": rows["supporter"]},
            "transfers": {"type": "array", "items": rows["transfer"]},
        },
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _row_schema(level: Level, attributes: Mapping[str, DeclaredAttribute]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        name: {"type": "string", "minLength": 1, "maxLength": 64, **_titles(STRUCTURAL[name][1])}
        for name in ID_COLUMNS[level]
    }
    if level == "household":  # one household may live nowhere in particular
        properties["area_code"] = {"type": "string", "pattern": "^[0-9A-Za-z]{0,32}$"} | _titles(
            STRUCTURAL["area_code"][1]
        )
    for one in attributes.values():
        if one.level == level:
            properties[one.name] = {**_value_schema(one), **_titles(one.title)}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _titles(title: Title) -> dict[str, str]:
    return {"title": title.en, "description": title.zh}


def _value_schema(attribute: DeclaredAttribute) -> dict[str, Any]:
    match attribute.type:
        case "bool":
            return {"type": ["boolean", "null"]}
        case "enum":
            return {"enum": [*value_names(attribute), None]}
        case "set":
            items = {"enum": list(value_names(attribute))}
            return {"type": ["array", "null"], "uniqueItems": True, "items": items}
        case "code":
            return {"type": ["string", "null"], "maxLength": 1000}
        case "date":
            return {"type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"}
        case _:
            low, high = (one / scale(attribute) for one in stored_bounds(attribute))
            decimals = len(str(scale(attribute))) - 1
            point = rf"(\.[0-9]{{1,{decimals}}})?" if decimals else ""
            number = {"type": "number", "minimum": int(low), "maximum": int(high)}
            return {"anyOf": [number, {"type": "string", "pattern": f"^-?[0-9]+{point}$"}, {"type": "null"}]}


def markdown(attributes: Mapping[str, DeclaredAttribute] | None = None) -> str:
    """The data dictionary as a Markdown page in both languages; ends with a newline."""
    known = dictionary() if attributes is None else attributes
    lines = ["# 数据字典 Data dictionary", "", messages.text("register.page", "zh"), ""]
    lines += [messages.text("register.page", "en"), ""]
    for level in LEVELS:
        sheet = SHEETS[ENTITY[level]]
        lines += [f"## {sheet[1]} `{sheet[0]}`", "", "| name | 名称 | title | 填法 | form | source |"]
        lines.append("|---|---|---|---|---|---|")
        for name in ID_COLUMNS[level]:
            title = STRUCTURAL[name][1]
            lines.append(f"| `{name}` | {title.zh} | {title.en} | 文本，必填 | text, required | |")
        lines += [_line(one) for one in known.values() if one.level == level]
        lines.append("")
    return "\n".join(lines)


def _line(attribute: DeclaredAttribute) -> str:
    zh, en = shape(attribute, "zh"), shape(attribute, "en")
    if attribute.values:
        zh += "：" + "、".join(one.title.zh if one.title else one.value for one in attribute.values)
        en += ": " + ", ".join(f"`{one.value}`" for one in attribute.values)
    if attribute.note is not None:
        zh += "。" + attribute.note.zh
        en += ". " + attribute.note.en
    marks = "".join(
        f" ({messages.text('register.' + mark, 'en')})"
        for mark, holds in (("protected", attribute.protected), ("no_expressions", not attribute.expressions))
        if holds
    )
    cells = (f"`{attribute.name}`", attribute.title.zh, attribute.title.en, zh, en + marks, attribute.source)
    return f"| {' | '.join(cells)} |"
