"""Items, groups and indices: their forms, and between which bounds their points can lie."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from hardship.checking import bands as banding
from hardship.checking.checker import Checker
from hardship.language import scales
from hardship.language.infer import facts
from hardship.language.infer_base import BAD, Proved, missing
from hardship.language.kinds import Kind
from hardship.language.nodes import Node
from hardship.language.positions import Path
from hardship.language.table import Item, Points
from hardship.language.units import NONE
from hardship.limits import INT64, ROWS

Range = tuple[Fraction, Fraction]


def items(desk: Checker) -> None:
    """Check every item and enter the kinds of its points."""
    for i, item in enumerate(desk.table.item):
        path: Path = ("item", i)
        if not desk.table.index:
            desk.fault(path, "table.item_index", found=item.id)
        groups = [group.id for group in desk.table.group]
        if item.group is not None and item.group not in groups:
            desk.fault((*path, "group"), "table.group_unknown", found=item.group)
        kinds = _item(desk, path, item) if _form(desk, path, item) else None
        for index in desk.indices():
            desk.points[f"item:{item.id}:{index}"] = BAD if kinds is None else kinds[index]
        main = desk.indices()[:1]
        desk.run.of_name[item.id] = desk.points[f"item:{item.id}:{main[0]}"] if main else BAD


def _form(desk: Checker, path: Path, item: Item) -> bool:
    """Whether an item has exactly one form, with all of it and nothing else."""
    given = {
        key for key in ("each", "when", "value", "bands", "cases", "expr", "points") if vars(item)[key] is not None
    }
    legal = (
        {"each", "points"},
        {"when", "points"},
        {"value", "bands"},
        {"value", "bands", "cases"},
        {"cases"},
        {"expr"},
    )
    if given not in legal:
        desk.fault(path, "table.item_form", found=", ".join(sorted(given)) or "–")
        return False
    if item.each is not None and item.per is not None:
        desk.fault((*path, "per"), "table.item_per")
        return False
    if item.everyone and item.each is None and item.per is None:
        desk.fault((*path, "everyone"), "table.item_everyone")
    return True


def _item(desk: Checker, path: Path, item: Item) -> dict[str, Kind] | None:
    """The kind of an item's points in each index; None after a fault."""
    rows, level = 1, item.per or ("member" if item.each is not None else "household")
    if level != "household":
        rows = ROWS["household", level]
    counted = [desk.run.counted] if level != "household" and not item.everyone else []
    scored = _scored(desk, path, item, level)
    if scored is None or BAD in counted:
        return None
    worth, dens, absent = scored
    if item.missing is not None:
        absent = frozenset()
    else:
        absent |= missing(counted)
    floors, caps = desk.spread((*path, "floor"), item.floor), desk.spread((*path, "cap"), item.cap)
    lost = desk.spread((*path, "missing", "points"), item.missing.points) if item.missing else {}
    found = {}
    for index in desk.indices():
        low, high = worth[index]
        if level != "household":
            low, high = min(Fraction(0), rows * low), max(Fraction(0), rows * high)
        absence = lost.get(index, Fraction(0))
        den = lcm(dens[index], *(edge.denominator for edge in (floors[index], caps[index], absence)))
        low, high = bounded(
            desk, path, (low, high), floors[index] if item.floor is not None else None,
            caps[index] if item.cap is not None else None, den, index == desk.indices()[0],
        )  # fmt: skip
        if item.missing is not None:
            low, high = min(low, absence), max(high, absence)
        found[index] = kind_of(desk, path, (low, high), den, absent)
    return found


def _scored(
    desk: Checker, path: Path, item: Item, level: str
) -> tuple[dict[str, Range], dict[str, int], frozenset[str]] | None:
    """What one row can be worth in each index, over which denominator, and what can make it missing."""
    if item.expr is not None:
        return _by_expression(desk, item, level)
    run = desk.run
    options: list[tuple[Path, Points | None, bool]] = []
    absent: frozenset[str] = frozenset()
    good, proved = True, Proved()
    for key, when in (("when", item.when), ("each", item.each)):
        if when is not None:
            kind = run.truth(when.node, level)
            good, absent = good and kind is not BAD, absent | kind.missing
            options += [((*path, "points"), item.points, True), ((*path, key), None, True)]
    ended = False
    for j, case in enumerate(item.cases or ()):
        here = (*path, "cases", j)
        last = case.otherwise is not None
        if last == (case.when is not None) or (last and (j != len(item.cases or ()) - 1 or item.value is not None)):
            desk.fault(here, "table.item_case")
            good = False
        if case.when is not None:
            kind = run.truth(case.when.node, level, proved)
            good, absent = good and kind is not BAD, absent | kind.missing
            proved |= facts(case.when.node, level, False)
        ended = ended or last
        options.append(((*here, "points"), case.points, True))
        _raises(desk, here, case.veto)
    if item.cases is not None and item.value is None and not ended:
        options.append((path, None, True))
    if item.value is not None:
        kind = run.number(item.value.node, level, proved)
        met = _banded(desk, path, item, kind)
        if met is None:
            return None
        absent |= kind.missing
        for j, (band, meets) in enumerate(zip(item.bands or (), met, strict=True)):
            options.append(((*path, "bands", j, "points"), band.points, meets))
            _raises(desk, (*path, "bands", j), band.veto)
    spread = [(desk.spread(where, points), meets) for where, points, meets in options]
    if not good:
        return None
    dens = {one: lcm(*(points[one].denominator for points, _ in spread)) for one in desk.indices()}
    worth = {}
    for one in desk.indices():
        values = [points[one] for points, meets in spread if meets]
        worth[one] = (min(values), max(values))
    return worth, dens, absent


def _banded(desk: Checker, path: Path, item: Item, kind: Kind) -> list[bool] | None:
    """Which bands of an item can be reached; None after a fault."""
    assert item.value is not None
    assert item.bands is not None
    shaped = banding.shape(desk, (*path, "bands"), item.bands)
    unit = desk.unit((*path, "unit"), item.unit)
    if not desk.has_unit(item.value.node, kind, unit) or not shaped:
        return None
    return banding.check(desk, (*path, "bands"), item.bands, kind)


def _by_expression(
    desk: Checker, item: Item, level: str
) -> tuple[dict[str, Range], dict[str, int], frozenset[str]] | None:
    assert item.expr is not None
    node: Node = item.expr.node
    kind = desk.run.plain(node, level)
    if not desk.has_unit(node, kind, NONE):
        return None
    ids = desk.indices()
    return dict.fromkeys(ids, scales.value_range(kind)), dict.fromkeys(ids, kind.den), kind.missing


def _raises(desk: Checker, path: Path, veto: str | None) -> None:
    if veto is not None and all(one.id != veto for one in desk.table.veto):
        desk.fault((*path, "veto"), "table.veto_unknown", found=veto)


def kind_of(desk: Checker, path: Path, points: Range, den: int, absent: frozenset[str]) -> Kind:
    """Points as a kind; `BAD` where the machine's integers would not hold them."""
    low, high = points
    if max(abs(low), abs(high)) * den > INT64 or den > INT64:
        desk.fault(path, "table.points_far", low=low, high=high, den=den)
        return BAD
    return Kind("number", den=den, lo=int(low * den), hi=int(high * den), missing=absent)


def bounded(
    desk: Checker,
    path: Path,
    points: Range,
    least: Fraction | None,
    most: Fraction | None,
    den: int,
    main: bool,
) -> Range:
    """Points after floor and cap; proves the sum before them, and warns of bounds that never bind."""
    low, high = points
    kind_of(desk, path, points, den, frozenset())
    if least is not None and most is not None and least > most:
        desk.fault((*path, "cap"), "table.cap_floor", floor=least, cap=most)
        return low, high
    if least is not None:
        if low >= least and main and low > least:
            desk.warn((*path, "floor"), "table.floor_never", floor=least, low=low)
        low, high = max(low, least), max(high, least)
    if most is not None:
        if high < most and main:
            desk.warn((*path, "cap"), "table.cap_never", cap=most, high=high)
        low, high = min(low, most), min(high, most)
    return low, high


def groups(desk: Checker) -> None:
    """Check that groups form a tree, and enter the kinds of their points and of the indices."""
    table = desk.table
    ids = [group.id for group in table.group]
    parents = {group.id: group.parent for group in table.group}
    used = {item.group for item in table.item} | set(parents.values())
    for i, group in enumerate(table.group):
        if not table.index:
            desk.fault(("group", i), "table.item_index", found=group.id)
        if group.parent is not None and group.parent not in ids:
            desk.fault(("group", i, "parent"), "table.group_unknown", found=group.parent)
        elif _circular(group.id, parents):
            desk.fault(("group", i, "parent"), "table.group_circle", found=group.id)
        if group.id not in used:
            desk.warn(("group", i), "table.group_empty", found=group.id)
    order = sorted(range(len(ids)), key=lambda i: -_depth(ids[i], parents))
    for index in desk.indices():
        for i in order:
            group = table.group[i]
            below = [f"item:{item.id}:{index}" for item in table.item if item.group == group.id]
            below += [f"group:{child}:{index}" for child, parent in parents.items() if parent == group.id]
            key = f"group:{group.id}:{index}"
            desk.points[key] = _total(desk, ("group", i), below, group.floor, group.cap, index == desk.indices()[0])
    for i, entry in enumerate(table.index):
        tops = [f"item:{item.id}:{entry.id}" for item in table.item if item.group not in parents]
        tops += [f"group:{group}:{entry.id}" for group, parent in parents.items() if parent not in parents]
        kind = _total(desk, ("index", i), tops, entry.floor, entry.cap, True)
        desk.points[f"index:{entry.id}"] = desk.run.of_name[entry.id] = kind
    for group_id in ids:
        main = desk.indices()[:1]
        desk.run.of_name[group_id] = desk.points[f"group:{group_id}:{main[0]}"] if main else BAD


def _circular(start: str, parents: dict[str, str | None]) -> bool:
    seen, here = {start}, parents[start]
    while here is not None and here in parents:
        if here in seen:
            return here == start
        seen.add(here)
        here = parents[here]
    return False


def _depth(group: str, parents: dict[str, str | None]) -> int:
    depth, here = 0, parents[group]
    while here is not None and here in parents and depth <= len(parents):
        depth, here = depth + 1, parents[here]
    return depth


def _total(
    desk: Checker, path: Path, parts: list[str], least: Fraction | None, most: Fraction | None, main: bool
) -> Kind:
    kinds = [desk.points.get(part, BAD) for part in parts]
    if BAD in kinds:
        return BAD
    den = lcm(scales.common(kinds), *(edge.denominator for edge in (least, most) if edge is not None))
    low = sum((Fraction(kind.lo, kind.den) for kind in kinds), Fraction(0))
    high = sum((Fraction(kind.hi, kind.den) for kind in kinds), Fraction(0))
    if any(kind_of(desk, path, scales.value_range(kind), den, frozenset()) is BAD for kind in kinds):
        return BAD
    low, high = bounded(desk, path, (low, high), least, most, den, main)
    return kind_of(desk, path, (low, high), den, missing(kinds))
