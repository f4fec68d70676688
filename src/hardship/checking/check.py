"""The static checker: every rule about a whole table, and what it proves.

No table that passes can overflow a 64-bit integer or divide by zero, in any household of any register
within the
dictionary's bounds (`infer` says how). All faults are found in one go, each with its place in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from hardship.checking import course, points
from hardship.checking import inputs as check_inputs
from hardship.checking import results as check_results
from hardship.checking import unknown as check_unknown
from hardship.checking.checker import Checker
from hardship.errors import EngineError, Fault, TableError
from hardship.language import scales
from hardship.language.infer_base import BAD, BOOL, TYPES
from hardship.language.kinds import Kind
from hardship.language.names import Names
from hardship.language.nodes import Node
from hardship.language.positions import Positions
from hardship.language.table import Table


@dataclass(frozen=True)
class Checked:
    """A table without faults, and everything the checker knows of it.

    Attributes:
        table, names: as resolved.
        kind_of_node: kind of every node, by `id(node)`; the table keeps the nodes alive.
        kind_of_name: kind of every value name: attributes (after `[missing]` and `[[require]]`),
        parameters, constants,
            derived values (after `[[require]]`), items, groups and indices (points of the main index),
            ladders, benefit
            steps (the last one as later stages see it: 0 for refused households), outputs, `on`, `refused`,
            `deferred`.
        lookups: kind of each look-up's cells, by name.
        points: kinds of points, by `item:<id>:<index>`, `group:<id>:<index>`, `index:<index>`.
        warnings: what is allowed and probably not meant.
        path, sha256: the file and the hash of its content; "" for a table that was not loaded.
    """

    table: Table
    names: Names
    kind_of_node: dict[int, Kind]
    kind_of_name: dict[str, Kind]
    lookups: dict[str, Kind]
    points: dict[str, Kind]
    warnings: tuple[Fault, ...] = ()
    path: str = ""
    sha256: str = ""
    _bounds: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict, compare=False, repr=False)

    def kind(self, node: Node) -> Kind:
        """The kind of one node of the table."""
        return self.kind_of_node[id(node)]

    @property
    def bounds(self) -> dict[str, tuple[Fraction, Fraction]]:
        """Smallest and largest points that can be reached, by the keys of `points`."""
        if not self._bounds:
            self._bounds.update((key, scales.value_range(kind)) for key, kind in self.points.items())
        return self._bounds


def check(table: Table, names: Names, where: Positions | None = None) -> Checked:
    """Check a resolved table.

    Raises:
        TableError: all faults, in the order of the file.
    """
    desk = Checker(names, where or Positions())
    _inputs(desk)
    _derives(desk)
    points.items(desk)
    points.groups(desk)
    _shown_points(desk)
    check_results.vetoes(desk)
    check_results.ladders(desk)
    check_results.persons(desk)
    check_results.benefit(desk)
    check_results.leaving(desk)
    course.review(desk)
    course.transition(desk)
    check_results.results(desk)
    check_results.outputs(desk)
    check_results.rank(desk)
    if not desk.faults:
        check_unknown.unknown(desk)
    for named in names.unused:
        desk.warn(named.path, "table.unused", found=named.name)
    if desk.faults:
        raise TableError(sorted(desk.faults, key=_place))
    if any(BAD is kind for kinds in (desk.run.of_node, desk.run.of_name, desk.points) for kind in kinds.values()):
        raise EngineError(Fault("table.unproved"))
    return Checked(
        table=table,
        names=names,
        kind_of_node=desk.run.of_node,
        kind_of_name=desk.run.of_name,
        lookups=desk.run.lookups,
        points=desk.points,
        warnings=tuple(sorted(desk.warnings, key=_place)),
    )


def _place(fault: Fault) -> tuple[int, int]:
    return fault.line, fault.column


def _inputs(desk: Checker) -> None:
    check_inputs.sources(desk)
    check_inputs.attributes(desk)
    check_inputs.missing(desk)
    check_inputs.parameters(desk)
    check_inputs.constants(desk)
    check_inputs.lookups(desk)
    check_inputs.lists(desk)
    for name in desk.names.attributes:
        desk.run.of_name[name] = check_inputs.requires(desk, name, desk.run.of_name[name])
    counted = desk.table.household.counted
    if counted is not None:
        desk.run.counted = desk.condition(("household", "counted"), counted) or BAD
    elif desk.run.leaving:
        desk.run.counted = BOOL


def _derives(desk: Checker) -> None:
    """Infer the derived values, each after those that it names."""
    place = {derive.name: i for i, derive in enumerate(desk.table.derive)}
    for name in desk.names.order:
        derive = desk.table.derive[place[name]]
        kind = desk.computed(("derive", place[name]), derive, derive.level)
        if kind is not BAD and kind.type in ("code", "set"):
            desk.at_node(derive.node, "table.derive_type", found=TYPES[kind.type])
            kind = BAD
        desk.run.of_name[name] = check_inputs.requires(desk, name, kind)


def _shown_points(desk: Checker) -> None:
    """Prove that the columns of an index and its groups can be rounded to its decimals."""
    for i, index in enumerate(desk.table.index):
        step = Fraction(1, 10**index.decimals)
        for key, kind in desk.points.items():
            if key.rpartition(":")[2] == index.id and kind is not BAD:
                a, b = scales.rounding(kind, step)
                if (2 * max(abs(kind.lo), abs(kind.hi)) * a + b).bit_length() > 63:
                    desk.fault(("index", i), "table.points_shown", found=key, decimals=index.decimals)
