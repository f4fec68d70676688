"""Columns as numbers and few texts; their CSV and Parquet forms beside those of general writers."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from decimal import Decimal
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hardship import columns, sheet, sheet_check, sheet_csv, sheet_parquet
from hardship.errors import EngineError
from hardship.sheet import Sheet

TEXTS = st.one_of(
    st.none(), st.sampled_from(["", "a", "x,y", 'say "so"', "two\nlines", "\r", " sp ", "居委会", "abcdefghijkl"]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
)  # fmt: skip
WHOLE = st.one_of(st.none(), st.integers(-1200, 1200), st.integers(-(10**17), 10**17))


@st.composite
def frames(draw):
    """A frame with a column of every type that results have."""
    rows = draw(st.integers(0, 20))

    def cells(values):
        return draw(st.lists(values, min_size=rows, max_size=rows))

    def money(scale, digits):
        whole = cells(WHOLE.filter(lambda v: v is None or abs(v) < 10**digits))
        return pl.Series(
            [None if v is None else Decimal(v).scaleb(-scale) for v in whole], dtype=pl.Decimal(digits, scale)
        )

    return pl.DataFrame(
        {
            "household_id": pl.Series(cells(TEXTS), dtype=pl.String),
            "area": pl.Series(cells(TEXTS), dtype=pl.String),
            "place": pl.Series(cells(st.one_of(st.none(), st.integers(0, 2**32 - 1))), dtype=pl.UInt32),
            "share": money(2, 5),
            "points": money(0, 18),
            "income": money(2, 18),
            "tiny": money(9, 18),
            "wide": money(2, 38),
            "months": pl.Series(cells(WHOLE), dtype=pl.Int64),
            "held": pl.Series(cells(st.one_of(st.none(), st.booleans())), dtype=pl.Boolean),
            "review": pl.Series(
                cells(st.one_of(st.none(), st.dates(dt.date(1900, 1, 1), dt.date(2199, 1, 1)))), dtype=pl.Date
            ),
        }
    )


def coded(frame):
    """The sheet of a frame with texts once and decimals as whole numbers, as results have them."""
    made = {}
    for name, column in Sheet.of(frame).columns.items():
        if name == "area":
            made[name] = sheet.of_series(frame[name])
        elif column.wide is not None:
            whole = np.array(column.wide.to_physical().fill_null(0).to_list(), dtype=np.int64)
            made[name] = sheet.number_column(whole, column.valid, 1, 0, column.kind)
        else:
            made[name] = column
    return Sheet(made, frame.height)


@settings(max_examples=40, phases=[Phase.generate])
@given(frames(), st.booleans())
def test_frame_csv_and_hash_are_those_of_the_frame(frame, compact):
    made = coded(frame) if compact else Sheet.of(frame)
    assert made.frame.equals(frame)
    assert made.frame.schema == frame.schema
    for rows, few in ((sheet_parquet.ROW_GROUP, sheet_parquet.FEW), (7, 2)):  # texts of each row group by themselves
        filed = io.BytesIO()
        with patch.multiple(sheet_parquet, ROW_GROUP=rows, FEW=few):
            sheet_parquet.write(made, filed)
        assert pl.read_parquet(filed.getvalue()).equals(frame)
        assert pl.read_parquet(filed.getvalue()).schema == frame.schema
    # The parts share memory: each is good until the next is asked for.
    assert b"".join(bytes(part) for part in sheet_csv.parts(made, 2)) == b"".join(columns.csv_parts(frame))
    assert sheet_csv.sha256(made) == columns.sha256_of(frame)


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=50))
def test_words_are_numbered_as_they_appear(words):
    place, first = sheet.numbered(np.array(words, dtype=np.uint64))
    distinct = list(dict.fromkeys(words))
    assert [distinct[k] for k in place] == words
    assert [words[k] for k in first] == distinct


def test_many_words_are_numbered_too():
    words = np.random.default_rng(1).integers(0, 30_000, 60_000).astype(np.uint64)
    place, first = sheet.numbered(words)
    assert np.array_equal(words[first[place]], words)
    assert len(first) == len(np.unique(words))


@given(st.lists(st.integers(-1000, 1000), max_size=20), st.sampled_from([1, 9, 12]))
def test_exact_texts_are_lowest_terms(values, den):
    texts = sheet.fraction_column(np.array(values, dtype=np.int64), den, None).series()
    assert texts.to_list() == [str(Fraction(value, den)) for value in values]


@given(st.integers(1, 45).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, 2**n - 1), max_size=30))))
def test_bits_are_named_in_sorted_order(given_masks):
    labels, masks = given_masks
    names = [f"v{(7 * k) % labels if labels % 7 else k:02}" for k in range(labels)]
    planes = np.zeros(((labels + 7) // 8, len(masks)), dtype=np.uint8)
    for row, mask in enumerate(masks):
        for plane in range(len(planes)):
            planes[plane, row] = mask >> (8 * plane) & 255
    expected = [";".join(sorted(names[k] for k in range(labels) if mask >> k & 1)) for mask in masks]
    assert sheet.bit_texts(planes, names).series().to_list() == expected
    assert sheet.mask_column(np.array(masks, dtype=np.int64), names, None).series().to_list() == expected


def test_the_highest_bit_of_a_word_is_a_bit():
    names = [f"x{k}" for k in range(64)]
    masks = np.array([-(2**63), 1, 0], dtype=np.int64)
    assert sheet.mask_column(masks, names, None).series().to_list() == ["x63", "x0", ""]


def test_flags_are_unique_sorted_and_empty_where_there_are_none():
    pairs = [(np.array([2, 0]), "b"), (np.array([2]), "a"), (np.array([2]), "b"), (np.array([], dtype=int), "c")]
    assert sheet.marked(4, pairs).series().to_list() == ["b", "", "a;b", ""]
    assert sheet.marked(2, []).series().to_list() == ["", ""]
    assert sheet.marked(0, []).series().to_list() == []


@given(st.lists(TEXTS, max_size=40))
def test_texts_are_held_once(texts):
    column = sheet.of_series(pl.Series(texts, dtype=pl.String))
    assert column.series().to_list() == texts
    held, places, known = column.coded()
    assert len(set(held)) == len(held)
    assert len(places) == len(texts)
    assert known is None or known.tolist() == [text is not None for text in texts]


def test_rows_are_taken_from_every_kind_of_column():
    frame = pl.DataFrame({"household_id": ["a", "b", "c"], "n": [1, None, 3], "m": [Decimal("1.5"), None, Decimal(2)]})
    kept = np.array([False, True, True])
    assert Sheet.of(frame).taken(kept).frame.equals(frame[1:])


def test_the_hash_is_of_the_csv_form():
    made = Sheet.of(pl.DataFrame({"a": ["x", ""], "n": [1, None]}))
    assert sheet_csv.sha256(made) == hashlib.sha256(b"a,n\nx,1\n,\n").hexdigest()


@pytest.mark.parametrize("scale", [0, 1, 2, 5])
def test_numbers_of_every_length_are_written(scale):
    values = [sign * (10**digits + more) for digits in range(19) for more in (-1, 0, 1) for sign in (1, -1)]
    known = np.arange(len(values)) % 5 != 0
    held = np.where(known, values, -(2**63))  # what a null holds is not looked at
    kind = pl.Decimal(18 + (scale == 0), scale)
    made = sheet.Sheet(
        {
            name: sheet.Column(kind, own, mask)
            for name, own, mask in (("a", held, known), ("b", held, known), ("c", np.array(values), None))
        },
        len(values),
    )
    shown = [f"{Decimal(value).scaleb(-scale):f}" for value in values]
    lines = [",".join([text if there else ""] * 2 + [text]) for text, there in zip(shown, known, strict=True)]
    assert b"".join(bytes(part) for part in sheet_csv.parts(made)).decode().splitlines()[1:] == lines


def test_truths_without_a_null_are_words():
    made = Sheet.of(pl.DataFrame({"a": ["x", "y"], "held": [True, False]}))
    assert b"".join(bytes(part) for part in sheet_csv.parts(made)) == b"a,held\nx,true\ny,false\n"


def test_known_results_are_checked_and_a_wrong_kernel_is_found(monkeypatch):
    sheet_check.check.cache_clear()
    sheet_check.check()
    sheet_check.check.cache_clear()
    monkeypatch.setattr(sheet_check, "EXPECTED", b"")
    with pytest.raises(EngineError, match="csv"):
        sheet_check.check()
    sheet_check.check.cache_clear()
