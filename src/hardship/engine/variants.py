"""Many settings in one pass: of each block, what no setting changes is computed once, then the rest for each of them.

Changing a standard touches a tenth of a table's instructions. They find what they need in registers that still lie in
a cache. The results are those of separate runs, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship.engine import machine, room
from hardship.engine.block import OUTPUTS, ROWS, VALUES, run_block, scene_of
from hardship.engine.jit import kernel
from hardship.engine.machine import Raw
from hardship.errors import EngineError, Fault
from hardship.lowering import ops
from hardship.lowering.bind import Columns
from hardship.lowering.ops import Program
from hardship.lowering.variants import Parted, parted

Array = npt.NDArray[Any]

CHUNK = 4096  # households that a thread takes at a time
MEMORY = 1 << 26  # bytes of results that are made at a time
MOST = 64  # settings that are made at a time


@kernel
def run_settings(
    first: Any, second: Any, pool: Any, data: Any, files: Any, own_files: Any, given: Any, on: int, households: int,
    members: int, begin: int, end: int, block: int,
) -> None:  # fmt: skip
    """All blocks of the households from `begin` to before `end`, under every setting.

    Args:
        first, second: the code that no setting changes, and the rest.
        data: `machine.Inputs` of the first setting.
        files, own_files: `machine.Files` of both parts; registers are shared.
        given: (settings, 2) int64; the addresses of each setting's local numbers and of its outputs' addresses.
    """
    here = scene_of(data, files, pool, on, False)
    scenes = np.empty((given.shape[0], here.shape[0]), np.int64)
    for k in range(given.shape[0]):
        scenes[k, :] = here
        scenes[k, VALUES], scenes[k, OUTPUTS] = given[k, 0], given[k, 1]
    h = begin
    while h < end:
        h = machine.next_block(data.links, here, h, min(h + block, end), households, members)
        run_block(first, files, here)
        for k in range(given.shape[0]):
            scenes[k, : ROWS + 4] = here[: ROWS + 4]
            run_block(second, own_files, scenes[k])


def runs(program: Program, settings: Sequence[Columns], *, threads: int = 1, block: int = 2048) -> Iterator[Raw]:
    """`machine.run` under each of many settings, a few of them at a time.

    Args:
        program: of `lower`.
        settings: columns bound for it that differ in their local numbers (`values`) only.
        threads, block: as of `machine.run`; no result depends on them.

    Yields:
        every store by name, of each setting in order. What no setting changes is the same array in several of them:
        nothing may be written to.

    Raises:
        EngineError: the columns belong to another program, or differ in something else.
    """
    if not settings:
        return
    base = settings[0]
    for columns in settings:
        if columns.program is not program:
            raise EngineError(Fault("common.engine", params={"what": "columns of another program"}))
        if columns.addresses is not base.addresses or columns.valid is not base.valid:
            raise EngineError(Fault("common.engine", params={"what": "settings of other columns"}))
    machine.warm()
    if len(settings) == 1:
        yield machine.compute(program, base, threads=threads, block=block)
        return
    parts = parted(program, settings)
    block = max(1, min(block, machine.MOST_BLOCK))
    bytes_each = sum(int(np.prod(shape)) * np.dtype(kind).itemsize for _, shape, kind in _own(program, parts, base))
    together = max(1, min(MOST, MEMORY // max(1, bytes_each)))
    shared = machine.outputs_for(program, base)
    for at in range(0, len(settings), together):
        yield from _together(program, parts, settings[at : at + together], shared, threads, block)


def _own(program: Program, parts: Parted, columns: Columns) -> list[tuple[str | int, tuple[int, ...], Any]]:
    """What a setting has for itself: name of bit planes or number of an output; shape and type."""
    planes: dict[str, int] = {}
    plain: dict[int, tuple[tuple[int, ...], Any]] = {}
    for store in program.stores:
        if store.output not in parts.own:
            continue
        if store.part == "planes":
            planes[store.name] = planes.get(store.name, 0) + 1
        else:
            rows = columns.rows[ops.LEVEL[store.level]]
            plain[store.output] = (rows,), np.int64 if store.word else np.uint8
    bits = [(name, (count, columns.rows[0]), np.uint8) for name, count in planes.items()]
    return [*bits, *((output, shape, kind) for output, (shape, kind) in plain.items())]


def _together(
    program: Program, parts: Parted, settings: Sequence[Columns], shared: tuple[dict[str, Array], dict[int, Array]],
    threads: int, block: int,
) -> Iterator[Raw]:  # fmt: skip
    made = []
    own = _own(program, parts, settings[0])
    for _ in settings:
        planes, outputs = dict(shared[0]), dict(shared[1])
        for (name, _, _), array in zip(own, room.empty([(shape, kind) for _, shape, kind in own]), strict=True):
            if isinstance(name, str):
                planes[name] = array
            else:
                outputs[name] = array
        for store in program.stores:
            if store.part == "planes":
                outputs[store.output] = planes[store.name][store.plane]
        made.append((planes, outputs))
    _pass(parts, settings, [outputs for _, outputs in made], threads, block)
    for columns in settings:
        planes, outputs = made.pop(0)
        yield machine.finished(program, parts.whole, columns, planes, outputs, threads, block)


def _pass(
    parts: Parted, settings: Sequence[Columns], outputs: Sequence[dict[int, Array]], threads: int, block: int
) -> None:
    """The first pass of all settings over all households."""
    base = settings[0]
    households, members = base.rows[:2]
    inputs = [machine.inputs(columns, one) for columns, one in zip(settings, outputs, strict=True)]
    given = np.array([[one.values.ctypes.data, one.outputs.ctypes.data] for one in inputs], np.int64)
    first, second = np.split(parts.arrays.code, [parts.shared])

    def work(chunks: Iterator[tuple[int, int]]) -> None:
        files, memory = machine.registers(base.program, base.rows, base.widest, block, parts.arrays)
        one, other = machine.split(files, parts.shared)
        for begin, end in chunks:
            with np.errstate(over="ignore"):  # of use without compilation only: words wrap
                run_settings(
                    first, second, parts.arrays.pool, inputs[0], one, other, given, base.on, households, members, begin,
                    end, block,
                )  # fmt: skip
        del memory  # until here the kernels wrote to its addresses

    machine.spread(households, max(block, CHUNK), threads, work)
