"""Runs of bytes from one array into another, as the machine copies them: no loop of indices."""

from __future__ import annotations

from typing import Any

from hardship.engine.jit import COMPILED, cgutils, intrinsic, types

if COMPILED:

    def _to_move(_context: Any, out: Any, at: Any, source: Any, start: Any, size: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            into, given = (
                context.make_array(signature.args[place])(context, builder, arguments[place]).data for place in (0, 2)
            )
            into, given = builder.gep(into, [arguments[1]]), builder.gep(given, [arguments[3]])
            cgutils.raw_memcpy(builder, into, given, arguments[4], 1)
            return context.get_dummy_value()

        return types.void(out, types.int64, source, types.int64, types.int64), generate

    move: Any = intrinsic(_to_move)
    """`move(out, at, source, start, size)`: bytes of another array, which must be there."""

else:

    def move(out: Any, at: int, source: Any, start: int, size: int) -> None:
        """Bytes of another array, which must be there."""
        out[at : at + size] = source[start : start + size]
