"""Rows set aside: the rows of an entity on their way to a clean register, and what was wrong with them.

A rejection names file, sheet, line, ids and field, and the class of the value, never the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hardship import messages
from hardship.attributes import STRUCTURAL, scale, stored_bounds
from hardship.errors import Fault
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import normal
from hardship.reading.packed import Packed
from hardship.reading.readers import BadLine, RawTable

COLUMNS = {
    "file": pl.String,
    "sheet": pl.String,
    "line": pl.Int64,
    "household_id": pl.String,
    "member_id": pl.String,
    "field": pl.String,
    "value_class": pl.String,
    "code": pl.String,
    "message_zh": pl.String,
    "message_en": pl.String,
}
_FAULT = {"row": pl.Int64, "field": pl.String, "code": pl.String, "value_class": pl.String}
_PLAIN_ID = re.compile(r"[0-9A-Za-z._#-]{1,64}\Z")
_TAKEN_ALONG = ("household_rejected", "member_rejected", "override_rejected")
REASONS = 5
Rows = NDArray[np.int64]


class Ids(dict[str, pl.Series]):
    """The id columns of an entity by name; texts are made of the packed ones when they are first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.packed: dict[str, Packed] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.packed or super().__contains__(name)

    def __missing__(self, name: str) -> pl.Series:
        self[name] = self.packed[name].series.alias(name)
        return self[name]


@dataclass
class Part:
    """The rows of one entity while they are judged.

    Attributes:
        raw: where they come from.
        columns: name of an attribute or id → column of `raw.frame`.
        ids: the id columns as normalised texts, null where wrong.
        values: the attribute columns as stored values.
        dead: rows rejected so far.
        ordered: the rows are known to stand in the order of a register.
        once: the ids of this entity are known to occur once each.
        household: for children, the row of the household they name, -1 where there is none.
    """

    raw: RawTable
    columns: dict[str, str]
    ids: Ids = field(default_factory=Ids)
    values: dict[str, pl.Series] = field(default_factory=dict)
    dead: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    household: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    ordered: bool = False
    once: bool = False
    faults: list[pl.DataFrame] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Rows that could be split into cells."""
        return self.raw.lines.len()

    def reject(self, rows: Sequence[int] | Rows | pl.Series, name: str, code: str, seen: str = "") -> None:
        """Reject rows for one reason; `name` is the field, "" for the row as a whole."""
        places = np.asarray(rows, dtype=np.int64)
        if places.size:
            self.faults.append(_faults(places, [name], [code], [seen]))
            self.dead[places] = True

    def reject_each(self, rows: Sequence[int], name: str, codes: Sequence[str], seen: Sequence[str]) -> None:
        """Reject rows with a reason for each."""
        if rows:
            self.faults.append(_faults(np.asarray(rows, dtype=np.int64), [name], codes, seen))
            self.dead[list(rows)] = True

    def forget(self, column: str) -> None:
        """Let go of the cells of a column of `raw.frame` that has been read: they take more memory than its values."""
        if self.raw.late is not None:
            return
        frame = self.raw.frame
        frame.replace_column(frame.get_column_index(column), pl.Series(column, [None]).new_from_index(0, frame.height))

    def claimed(self, name: str) -> list[str]:
        """What the id column `name` says in the lines that could not be split."""
        return [claim for line in self.raw.bad if (claim := self.claim(line, name))]

    def claim(self, line: BadLine, name: str) -> str:
        """What one such line says in the id column `name`, "" if it does not reach that far."""
        place = self.raw.frame.columns.index(self.columns[name]) if name in self.columns else 0
        return normal(line.cells[place]) if place < len(line.cells) else ""

    def counts(self) -> dict[str, int]:
        """Rows in, read and rejected; the first is the sum of the others."""
        total = self.height + len(self.raw.bad)
        rejected = int(self.dead.sum()) + len(self.raw.bad)
        return {"in": total, "read": total - rejected, "rejected": rejected}


def _faults(rows: Rows, name: Sequence[str], code: Sequence[str], seen: Sequence[str]) -> pl.DataFrame:
    def spread(values: Sequence[str]) -> pl.Series:
        texts = pl.Series(list(values), dtype=pl.String)
        return texts.new_from_index(0, rows.size) if len(values) == 1 else texts

    return pl.DataFrame(
        {"row": rows, "field": spread(name), "code": spread(code), "value_class": spread(seen)}, schema=_FAULT
    )


def rejects_frame(parts: Sequence[Part], attributes: Mapping[str, DeclaredAttribute]) -> pl.DataFrame:
    """All rejections of all parts, in the order of the parts, lines and fields, with their messages."""
    frames = [pl.DataFrame(schema={name: COLUMNS[name] for name in list(COLUMNS)[:8]})]
    for part in parts:
        if part.faults:
            frames.append(_listed(part))
        if part.raw.bad:
            frames.append(_bad_lines(part))
    return with_messages(pl.concat(frames), attributes)


def _listed(part: Part) -> pl.DataFrame:
    found = pl.concat([pl.DataFrame(schema=_FAULT), *part.faults]).sort("row", "field", "code", maintain_order=True)
    rows = found["row"]
    nobody = pl.repeat("", rows.len(), dtype=pl.String, eager=True)

    def one(name: str) -> pl.Series:
        return part.ids[name].gather(rows).fill_null("") if name in part.ids else nobody

    return pl.DataFrame(
        {
            "file": pl.repeat(part.raw.file, rows.len(), dtype=pl.String, eager=True),
            "sheet": pl.repeat(part.raw.sheet, rows.len(), dtype=pl.String, eager=True),
            "line": part.raw.lines.gather(rows),
            "household_id": one("household_id"),
            "member_id": one("member_id"),
            "field": found["field"],
            "value_class": found["value_class"],
            "code": found["code"],
        }
    )


def _bad_lines(part: Part) -> pl.DataFrame:
    def row(line: BadLine) -> tuple[str | int, ...]:
        claim = part.claim(line, "household_id")
        shown = claim if _PLAIN_ID.match(claim) else ""
        return part.raw.file, part.raw.sheet, line.line, shown, "", "", line.value_class, line.problem

    schema = {name: COLUMNS[name] for name in list(COLUMNS)[:8]}
    return pl.DataFrame([row(line) for line in part.raw.bad], schema=schema, orient="row")


def with_messages(found: pl.DataFrame, attributes: Mapping[str, DeclaredAttribute]) -> pl.DataFrame:
    """Add `message_zh` and `message_en` to rejections that have all other columns of `COLUMNS`."""
    if found.height == 0:
        return pl.DataFrame(schema=COLUMNS)
    keys = ["field", "code", "value_class"]
    kinds = found.select(keys).unique()
    rows = kinds.rows()
    texts = {
        f"message_{lang}": [sentence(name, code, seen, lang, attributes) for name, code, seen in rows]
        for lang in messages.LANGUAGES
    }
    spoken = kinds.with_columns(**{name: pl.Series(said, dtype=pl.String) for name, said in texts.items()})
    return found.join(spoken, on=keys, how="left", maintain_order="left").select(list(COLUMNS))


def main_reasons(rejects: pl.DataFrame) -> list[Fault]:
    """The commonest reasons in a frame of rejects, each at its first place, with the number of its rows.

    Rows that were only taken along by another one are no reason.
    """
    own = rejects.filter(~pl.col("code").is_in(list(_TAKEN_ALONG)))
    found = own.group_by("message_zh", "message_en", maintain_order=True).agg(
        pl.col("file", "sheet", "line").first(), pl.len().alias("count")
    )
    return [
        Fault(
            "common.reject_reason",
            f"{file}:{sheet}" if sheet else file,
            line or 0,
            params={"why": messages.Both(zh, en), "count": count},
        )
        for zh, en, file, sheet, line, count in found.sort("count", descending=True, maintain_order=True)
        .head(REASONS)
        .iter_rows()
    ]


def sentence(name: str, code: str, seen: str, lang: str, attributes: Mapping[str, DeclaredAttribute]) -> str:
    """What is wrong with one value, in one language."""
    return messages.text(f"register.{code}", lang, **sentence_params(name, seen, lang, attributes))


def sentence_params(name: str, seen: str, lang: str, attributes: Mapping[str, DeclaredAttribute]) -> dict[str, object]:
    """The placeholders of a rejection's sentence: the field's title, what was seen, and the field's bounds."""
    attribute = attributes.get(name)
    title = attribute.title if attribute else STRUCTURAL[name][1] if name in STRUCTURAL else None
    params: dict[str, object] = {
        "field": title.text(lang) if title else name,
        "seen": seen,
        "low": "",
        "high": "",
    }
    if attribute is not None and attribute.type in ("int", "money", "decimal", "date"):
        low, high = stored_bounds(attribute)
        params |= {"low": _shown(low, attribute), "high": _shown(high, attribute)}
    return params


def _shown(stored: int, attribute: DeclaredAttribute) -> str:
    if attribute.type == "date":
        return f"{stored // 10_000:04}-{stored // 100 % 100:02}-{stored % 100:02}"
    whole = stored // scale(attribute) if stored % scale(attribute) == 0 else None
    return str(whole) if whole is not None else str(stored / scale(attribute))
