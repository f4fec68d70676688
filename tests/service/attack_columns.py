"""Columnar bodies that are hostile: strange types, damaged bytes, huge declared sizes, bombs."""

from __future__ import annotations

import copy
import io
import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hostile import CANARY, NAME

from service.attacks import MANY, Attack, cut, request
from service.live import ARROW, HOUSEHOLD, PARQUET


def good_table() -> pa.Table:
    """Three households as columns."""
    rows = []
    for number in range(3):
        one = copy.deepcopy(HOUSEHOLD)
        rows.append({**one["household"], "household_id": f"H{number}", "members": one["members"]})
    return pa.Table.from_pylist(rows)


def as_arrow(table: pa.Table, compression: str | None = None) -> bytes:
    """An Arrow stream."""
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return out.getvalue()


def as_parquet(table: pa.Table, **options: Any) -> bytes:
    """A Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def strange_tables() -> Iterator[tuple[str, pa.Table]]:
    """Tables that can be read as columns and are no households."""
    good = good_table()
    yield "no rows", good.slice(0, 0)
    yield "no columns", pa.table({})
    yield "no id", good.drop_columns(["household_id"])
    yield "no members", good.drop_columns(["members"])
    yield "unknown", good.append_column(CANARY, pa.array([1, 2, 3]))
    yield "twice", good.append_column("household_id", pa.array(["a", "b", "c"]))
    yield "members flat", put(good, "members", pa.array([CANARY] * 3))
    yield "members null", put(good, "members", pa.nulls(3, good.schema.field("members").type))
    yield "members empty", put(good, "members", pa.array([[], [], []], good.schema.field("members").type))
    yield (
        "members 300",
        put(good, "members", pa.array([good["members"][0].as_py() * 150] * 3, good.schema.field("members").type)),
    )
    yield (
        "members of null",
        put(good, "members", pa.array([[None], [None, None], []], good.schema.field("members").type)),
    )
    yield "members strange", put(good, "members", pa.array([[{CANARY: 1}]] * 3))
    yield "members nested", put(good, "members", pa.array([[[{"member_id": "1"}]]] * 3))
    yield "same ids", put(good, "household_id", pa.array(["H"] * 3))
    yield "null ids", put(good, "household_id", pa.array([None] * 3, pa.string()))
    odd = {
        "float": pa.array([1.5, float("nan"), float("inf")]),
        "half": pa.array([1, 2, 3], pa.float32()),
        "text": pa.array([CANARY, "1e400", NAME]),
        "binary": pa.array([b"\xff\x00", CANARY.encode(), b""]),
        "huge": pa.array([10**37] * 3, pa.decimal128(38, 0)),
        "256": pa.array([10**70] * 3, pa.decimal256(76, 0)),
        "bool": pa.array([True] * 3),
        "dictionary": pa.array([CANARY] * 3).dictionary_encode(),
        "time": pa.array([1, 2, 3], pa.timestamp("ns")),
        "span": pa.array([1, 2, 3], pa.duration("s")),
        "struct": pa.array([{"a": CANARY}] * 3),
        "list": pa.array([[CANARY]] * 3),
        "null": pa.nulls(3),
        "map": pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int8())),
        "view": pa.array([CANARY] * 3, pa.string_view()),
        "fixed": pa.array([b"ab"] * 3, pa.binary(2)),
        "u64": pa.array([2**64 - 1] * 3, pa.uint64()),
        "i64": pa.array([-(2**63)] * 3),
        "payload": pa.array(["=1+1", "'; DROP TABLE x", "<script>"]),
        "runs": pa.RunEndEncodedArray.from_arrays([3], [CANARY]),
        "interval": pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()),
        "time of day": pa.array([1, 2, 3], pa.time64("ns")),
        "surrogate": pa.Array.from_buffers(
            pa.string(), 3, [None, pa.py_buffer(struct.pack("<4i", 0, 3, 6, 9)), pa.py_buffer(b"\xed\xa0\x80" * 3)]
        ),
        "date64": pa.array([2**60] * 3, pa.int64()).view(pa.date64()),
        "far day": pa.array([2**31 - 1, -(2**31), 0], pa.int32()).view(pa.date32()),
        "union": pa.UnionArray.from_sparse(pa.array([0, 0, 0], pa.int8()), [pa.array([CANARY] * 3)]),
    }
    for name, array in odd.items():
        for column in (
            "household_id",
            "area_code",
            "residence_type",
            "financial_assets",
            "motor_vehicles",
            "non_residential_property",
        ):
            yield f"{column} {name}", put(good, column, array)
        try:
            struct_ = pa.StructArray.from_arrays([array, array, array], ["member_id", "birth_date", "wage_month"])
            yield f"member {name}", put(good, "members", pa.ListArray.from_arrays([0, 1, 2, 3], struct_))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError):  # what Arrow itself cannot nest
            continue


def put(table: pa.Table, name: str, array: Any) -> pa.Table:
    """The table with one column exchanged."""
    return table.set_column(table.schema.get_field_index(name), name, array)


def columns() -> Iterator[Attack]:
    """Arrow and Parquet: strange types, damaged bytes, huge declared sizes, bombs."""
    for said, table in strange_tables():
        for kind, write in ((ARROW, as_arrow), (PARQUET, as_parquet)):
            try:
                body = write(table)
            except (pa.ArrowException, TypeError, ValueError):  # Parquet has no such type
                continue
            for name, path in MANY.items():
                yield Attack(f"{name} {kind[-14:]} {said}", request("POST", path, body, kind), True)
    for kind, bodies in ((ARROW, damaged_arrow()), (PARQUET, damaged_parquet())):
        for said, body in bodies:
            for name, path in MANY.items():
                yield Attack(f"{name} {kind[-14:]} {said}", request("POST", path, body, kind), True)
                if "cut" in said:
                    yield Attack(
                        f"{name} {kind[-14:]} {said} chunked", request("POST", path, cut(body, 700), kind), True
                    )


def flipped(body: bytes, count: int) -> Iterator[tuple[str, bytes]]:
    """One byte changed, at so many places spread over the body."""
    for number in range(count):
        place = number * len(body) // count
        yield f"byte {place}", body[:place] + bytes([body[place] ^ (0xFF if number % 2 else 0x80)]) + body[place + 1 :]


def damaged_arrow() -> Iterator[tuple[str, bytes]]:
    """Arrow streams that lie about themselves."""
    good = as_arrow(good_table())
    for part in range(12):
        yield f"cut {part}", good[: len(good) * part // 12]
    yield from flipped(good, 60)
    for size in (0x7FFFFFFF, -1, 1 << 20, 3):
        yield f"metadata size {size}", b"\xff\xff\xff\xff" + struct.pack("<i", size) + good[8:]
        yield f"bare size {size}", struct.pack("<i", size) + good[8:]
    yield "twice", good + good
    yield "tail", good + CANARY.encode() * 1000
    yield "text", CANARY.encode()
    yield "file form", b"ARROW1\0\0" + good
    yield "parquet inside", as_parquet(good_table())
    for compression in ("lz4", "zstd"):
        packed = as_arrow(good_table(), compression)
        yield f"{compression}", packed
        yield from ((f"{compression} {said}", body) for said, body in flipped(packed, 20))
        bomb = pa.table({"household_id": pa.array(["x" * 30_000_000]), "members": pa.array([[{"member_id": "1"}]])})
        yield f"{compression} bomb", as_arrow(bomb, compression)
    yield from ((f"length {value:x}", body) for value, body in longer(good))


def longer(good: bytes) -> Iterator[tuple[int, bytes]]:
    """The row count of the record batch raised: every 8-byte field of its message that holds 3, set to huge numbers."""
    three = struct.pack("<q", 3)
    place = -1
    while (place := good.find(three, place + 1)) >= 0:
        for value in (2**31, 2**62, 2**63 - 1):
            yield value, good[:place] + struct.pack("<q", value) + good[place + 8 :]


def damaged_parquet() -> Iterator[tuple[str, bytes]]:
    """Parquet files that lie about themselves."""
    good = as_parquet(good_table())
    for part in range(12):
        yield f"cut {part}", good[: len(good) * part // 12]
    yield from flipped(good, 60)
    yield from ((f"footer {said}", good[:-600] + body) for said, body in flipped(good[-600:], 40))
    for size in (0x7FFFFFFF, 0xFFFFFFFF, 0, 1, len(good)):
        yield f"footer size {size}", good[:-8] + struct.pack("<I", size) + b"PAR1"
    yield "magic only", b"PAR1" * 3
    yield "encrypted", good[:-4] + b"PARE"
    yield "text", CANARY.encode() * 10
    yield "tail", good + b"x"
    for compression in ("snappy", "gzip", "zstd", "brotli", "lz4"):
        packed = as_parquet(good_table(), compression=compression)
        yield f"{compression}", packed
        yield from ((f"{compression} {said}", body) for said, body in flipped(packed[: len(packed) // 2], 12))
    rows = 3_000_000
    same = pa.array(["x"]).take(pa.array([0] * rows, pa.int32()))
    yield "bomb of rows", as_parquet(pa.table({"household_id": same}), compression="zstd", row_group_size=rows)
    long = pa.array(["y" * 40_000_000])
    yield "bomb of a cell", as_parquet(pa.table({"household_id": long, "area_code": long}), compression="zstd")
    many = pa.ListArray.from_arrays([0, 100_000], pa.StructArray.from_arrays([same[:100_000]], ["member_id"]))
    yield "bomb of members", as_parquet(pa.table({"household_id": ["H"], "members": many}), compression="zstd")
