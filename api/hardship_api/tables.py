"""A scoring table in words, as `GET /v1/tables/{id}` answers it."""

from __future__ import annotations

from typing import Any

from hardship.checking.check import Checked
from hardship.explaining.wording import Wording, number_text
from hardship.language.fields import Provided, Title
from hardship.language.table import Band, Item, Ladder, Test

EDGES = (("<", "below"), ("≤", "at_most"), ("≥", "at_least"), (">", "above"))


def identity(checked: Checked, lang: str) -> dict[str, Any]:
    """Which table it is: version, title, place, currency, status and hash."""
    head = checked.table.table
    return {
        "version": head.version.isoformat(),
        "title": head.title.text(lang),
        "place": head.place.zh if lang == "zh" else head.place.en,
        "currency": head.currency,
        "direction": head.direction,
        "status": head.default_status,
        "note": _title(head.note, lang),
        "sha256": checked.sha256,
    }


def in_words(checked: Checked, lang: str) -> dict[str, Any]:
    """Everything a table holds, its rules in words."""
    model = checked.table
    words = Wording(checked.names, lang)

    def origin(provided: Provided) -> dict[str, str]:
        status = provided.status or model.table.default_status
        return {"source": provided.source, "status": status, "note": _title(provided.note, lang)}

    return {
        "id": model.table.id,
        **identity(checked, lang),
        "sources": [
            {"id": source.id, "title": source.title.text(lang), "date": str(source.date or "")}
            for source in model.source
        ],
        "protected": [
            {"attribute": reason.attribute, "reason": reason.reason.text(lang)} for reason in model.table.protected
        ],
        "counted": words.expression(model.household.counted.node) if model.household.counted else "",
        "parameters": [
            {"name": one.name, "title": one.title.text(lang), "unit": words.unit(one.unit), **origin(one)}
            for one in model.parameter
        ],
        "constants": [
            {
                "name": one.name,
                "title": one.title.text(lang),
                "value": number_text(one.value),
                "unit": words.unit(one.unit),
                **origin(one),
            }
            for one in model.constant
        ],
        "derived": [
            {
                "name": one.name,
                "title": words.name(one.name),
                "level": one.level,
                "unit": words.unit(one.unit),
                "rule": words.expression(one.node),
                **origin(one),
            }
            for one in model.derive
        ],
        "groups": [{"id": one.id, "title": one.title.text(lang), "cap": _number(one.cap)} for one in model.group],
        "items": [{**_item(one, words), **origin(one)} for one in model.item],
        "vetoes": [
            {
                "id": one.id,
                "title": one.title.text(lang),
                "effect": one.effect,
                "rule": words.expression(one.when.node) if one.when else "",
                "appeal": _title(one.appeal, lang),
                **origin(one),
            }
            for one in model.veto
        ],
        "ladders": [_ladder(one, words) for one in model.ladder],
        "benefit": [
            {"name": one.name, "title": words.name(one.name), "rule": words.expression(one.node)}
            for one in model.benefit
        ],
    }


def _item(item: Item, words: Wording) -> dict[str, Any]:
    found: dict[str, Any] = {"id": item.id, "title": item.title.text(words.lang), "group": item.group or ""}
    for name in ("each", "when", "value", "expr"):
        expression = getattr(item, name)
        if expression is not None:
            found[name] = words.expression(expression.node)
    if item.cases:
        found["cases"] = [
            {
                "when": words.expression(case.when.node) if case.when else "",
                "title": _title(case.title, words.lang),
                "points": _points(case.points),
                "veto": case.veto or "",
            }
            for case in item.cases
        ]
    if item.bands:
        found["bands"] = [
            {"edge": _edge(band), "points": _points(band.points), "veto": band.veto or ""} for band in item.bands
        ]
    for name in ("points", "cap"):
        value = getattr(item, name)
        if value is not None:
            found[name] = _points(value)
    return found


def _ladder(ladder: Ladder, words: Wording) -> dict[str, Any]:
    return {
        "id": ladder.id,
        "title": ladder.title.text(words.lang),
        "pick": ladder.pick,
        "rungs": [
            {
                "id": rung.id,
                "title": rung.title.text(words.lang),
                "outcome": rung.outcome or "meets",
                "tests": [_test(test, words) for test in rung.tests],
                "also": words.expression(rung.also.node) if rung.also else "",
            }
            for rung in ladder.rung
        ],
        "otherwise": {"id": ladder.otherwise.id, "title": ladder.otherwise.title.text(words.lang)},
    }


def _test(test: Test, words: Wording) -> str:
    sign, edge = next((sign, edge) for sign, key in EDGES if (edge := getattr(test, key)) is not None)
    return f"{words.expression(test.value.node)} {sign} {words.expression(edge.node)}"


def _edge(band: Band) -> str:
    if band.below is not None:
        return f"< {number_text(band.below)}"
    return f"≤ {number_text(band.at_most)}" if band.at_most is not None else ""


def _points(points: Any) -> Any:
    """Points exactly; by index where they differ."""
    return (
        {key: number_text(value) for key, value in points.items()} if isinstance(points, dict) else number_text(points)
    )


def _number(value: Any) -> str | None:
    return None if value is None else number_text(value)


def _title(title: Title | None, lang: str) -> str:
    return "" if title is None else title.text(lang)
