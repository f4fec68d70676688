"""How schemathesis sends the forms of a batch: texts and bytes as they are."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer(
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
    "application/octet-stream",
)
def as_it_is(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """A text in UTF-8, half characters too; whatever else a negative case puts here as its text."""
    if isinstance(value, bytes):
        return value
    if hasattr(value, "data"):  # schemathesis' own wrapper of binary values
        return bytes(value.data)
    return str(value).encode("utf-8", "surrogatepass")
