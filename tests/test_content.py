"""The hash of a column, against its bytes written down by hand; the same for any way the column may lie in memory."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import polars as pl
import pytest

from hardship.reading.content import hashed
from hardship.reading.packed import Packed

COLUMNS: dict[str, tuple[list[Any], Any, bytes]] = {
    "whole numbers": ([1, 2, 3], pl.Int64, b"3\n4\n" + b"\1\0\0\0\2\0\0\0\3\0\0\0"),
    "one that needs eight bytes": ([1, 2**31], pl.Int64, b"2\n8\n" + b"\1\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\0"),
    "below 0": ([-1, -(2**31)], pl.Int64, b"2\n4\n" + b"\xff\xff\xff\xff\0\0\0\x80"),
    "missing": ([1, None, 3], pl.Int64, b"3\nknown\n\xa0" + b"4\n" + b"\1\0\0\0\0\0\0\0\3\0\0\0"),
    "dates": ([20180701], pl.Int32, b"1\n4\n" + (20180701).to_bytes(4, "little")),
    "codes": ([2, 0], pl.UInt8, b"2\n1\n\2\0"),
    "truths": ([1, 0, 1], pl.UInt8, b"3\nbits\n\xa0"),
    "truths, one missing": ([1, None, 1], pl.UInt8, b"3\nknown\n\xa0bits\n\xa0"),
    "sets": ([5], pl.UInt64, b"1\n8\n\5\0\0\0\0\0\0\0"),
    "short texts": (["ab", "c", "def"], pl.String, b"3\ntexts\n\2\1\3ab\0c\0\0def"),
    "a missing text": (["ab", None], pl.String, b"2\nknown\n\x80texts\n\2\0ab\0\0"),
    "no letters": (["", ""], pl.String, b"2\ntexts\n\0\0"),
    "twelve bytes": (["abcdefghijkl", "m"], pl.String, b"2\ntexts\n\x0c\1abcdefghijklm" + bytes(11)),
    "thirteen bytes": (["abcdefghijklm", "n"], pl.String, b"2\ntexts\n\x0d\1abcdefghijklmn"),
    "Chinese": (["刘一", "黄"], pl.String, "2\ntexts\n\6\3刘一黄\0\0\0".encode()),
    "a very long one": (["a" * 300], pl.String, b"1\ntexts\n" + (300).to_bytes(4, "little") + b"a" * 300),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_hash_is_of_these_bytes(name: str) -> None:
    values, dtype, stored = COLUMNS[name]
    column = pl.Series("x", values, dtype=dtype)
    right = ("household", "x", hashlib.sha256(stored).hexdigest())
    assert hashed("household", "x", column) == right
    assert hashed("household", "x", pl.concat([column.slice(1), column]).slice(len(values) - 1)) == right
    assert hashed("household", "x", pl.concat([column[:1], column[1:]], rechunk=False)) == right
    spread = pl.concat([pl.Series("x", [None] * 9, dtype=dtype), column], rechunk=True).slice(9)
    assert hashed("household", "x", spread) == right
    if dtype == pl.String and (packed := Packed.of(column)) is not None:
        assert hashed("household", "x", packed) == right


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_a_column_without_any_value_has_no_hash(values: list[Any]) -> None:
    for dtype in (pl.Int64, pl.String, pl.UInt8):
        assert hashed("member", "x", pl.Series(values, dtype=dtype)) == ("member", "x", "")


def test_stored_zeros_say_that_nothing_is_missing() -> None:
    column = pl.Series([1, None, 3], dtype=pl.Int64)
    assert hashed("member", "x", column) != hashed("member", "x", column.fill_null(0))
    assert hashed("member", "x", pl.Series([1], dtype=pl.UInt8)) != hashed(
        "member", "x", pl.Series([0x80], dtype=pl.UInt8)
    )


def test_long_columns_are_taken_in_pieces() -> None:
    numbers = np.arange(200_000)
    stored = b"200000\n4\n" + numbers.astype("<i4").tobytes()
    assert hashed("member", "x", pl.Series(numbers))[2] == hashlib.sha256(stored).hexdigest()
    texts = [f"{number % 997:05}" for number in range(200_000)]
    stored = b"200000\ntexts\n" + b"\5" * 200_000 + "".join(texts).encode()
    column = pl.Series(texts)
    assert hashed("member", "x", column)[2] == hashlib.sha256(stored).hexdigest()
    assert hashed("member", "x", Packed.of(column) or column)[2] == hashlib.sha256(stored).hexdigest()
