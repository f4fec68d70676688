"""The nearest single changes of one household, judged as lanes of one block (`explaining.nearest` is the long way)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hardship.attributes import stored_bounds
from hardship.explaining.nearest import GOOD
from hardship.explaining.search import CONFIRMED, NUMBERS, SEARCHED, Array, Fact, Move, moves
from hardship.explaining.steps import OUTCOMES
from hardship.explaining.view import Told
from hardship.lowering.ops import LEVEL, Program
from hardship.reference.static import Statics
from hardship.results import LADDER_MISSING, TRUE, ladder_outcomes
from hardship.single import plan_facts
from hardship.single.household import Household
from hardship.single.lanes import Lanes
from hardship.single.runner import Places, Runner
from hardship.single.scene import Scene
from hardship.single.show import Template, dumps, holes, listed

MOST_LANES, MOST_ROWS = 512, 8_192
MOST_SHAPES = 16
HOLES = (
    "better", "circle", "circle_title", "from", "id", "outcome", "outcome_text", "result_text", "to", "who",
)  # fmt: skip


class Nearest:
    """Finds the changes for households of one prepared table.

    Args:
        runner, places: of the program with detail `totals`.
    """

    def __init__(self, told: Told, program: Program, runner: Runner, places: Places) -> None:
        self.told, self.runner, self.places, self.program = told, runner, places, program
        table = told.table
        statics = Statics(table, told.names)
        used = statics.behind("refused") | statics.behind("deferred") | statics.behind("circle")
        kinds = (*NUMBERS, "bool", "enum")
        self.attributes = {
            name: one for name, one in told.names.attributes.items() if name in used and one.type in kinds
        }
        self.facts = {name: plan_facts.Fact(told, one) for name, one in self.attributes.items()}
        self.bounds = {name: stored_bounds(one) for name, one in self.attributes.items()}
        self.templates = {
            name: Template(
                {
                    "name": name,
                    "title": one.title.text(told.lang),
                    "type": one.type,
                    "level": one.level,
                    "unit": one.unit,
                }
                | holes(*HOLES),
                HOLES,
            )
            for name, one in self.attributes.items()
        }
        self.circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
        self.rungs: list[str] = []
        if self.circle is not None:
            self.rungs = [*(rung.id for rung in self.circle.rung), self.circle.otherwise.id]
        rejecting = [require.id for require in table.require if require.outside == "reject"]
        self.rejecting = [
            (plane, sum(1 << bit for bit, name in enumerate(program.requires[8 * plane : 8 * plane + 8])
             if name in rejecting))
            for plane in range(len(runner.layout.planes["require"]))
        ]  # fmt: skip
        layout = runner.layout
        truths = [layout.slots[name].value for name in ("refused", "deferred")]
        circle = [layout.slots["ladder:circle"].value] if self.circle is not None else []
        self.missing = len(layout.planes["missing"])
        # A place that `_read` writes to stands between the sinks and the rest.
        self._outputs = [*layout.planes["missing"], truths[0], *truths, *circle, *layout.planes["require"]]
        self._said: dict[tuple[str, str | None, str | None], tuple[bytes, ...]] = {}
        self._local = threading.local()

    def json(self, scene: Scene, outcome: str, circle: str | None) -> bytes:
        """The list of changes as JSON; empty for an incomplete household."""
        if outcome == "incomplete":
            return b"[]"
        household = scene.household
        members = len(household.member_ids)
        facts = self._facts(household)[: SEARCHED // members]
        judge = _Judge(self, household, facts)
        entries = []
        for move in moves(facts, judge)[: CONFIRMED // members]:
            after = self._after(move)
            if after is not None and after != (outcome, circle):
                entries.append(self._entry(scene, move, (outcome, circle), after))
        return listed(entries)

    def _facts(self, household: Household) -> list[Fact]:
        """Known facts that the circle and the clauses depend on: the household's, then member by member."""
        members = (range(1), range(len(household.member_ids)), household.supporters, household.transfers)
        found = []
        for name, attribute in self.attributes.items():
            level = LEVEL[attribute.level]
            owners = members[level]
            for row, given in enumerate(household.facts[level]):
                stored = given.get(name)
                if stored is not None:
                    found.append(
                        Fact(attribute, row, (owners[row],) if level else (), "", "", stored, self.bounds[name])
                    )
        return sorted(found, key=lambda fact: fact.key)

    def _after(self, move: Move) -> tuple[str, str | None] | None:
        """Outcome and circle after a change; None where the household is then set aside or incomplete."""
        set_aside, refused, deferred, *rest = move.standing
        planes = rest[1:] if self.circle is not None else rest
        if set_aside or any(planes[plane] & mask for plane, mask in self.rejecting):
            return None
        place = rest[0] if self.circle is not None else LADDER_MISSING
        circle = None if place == LADDER_MISSING else self.rungs[place]
        if refused == TRUE:
            return "does_not_meet", circle
        if deferred == TRUE:
            return "needs_review", circle
        return ("meets" if self.circle is None else ladder_outcomes(self.circle)[place]), circle

    def _entry(
        self, scene: Scene, move: Move, before: tuple[str, str | None], after: tuple[str, str | None]
    ) -> bytes:  # fmt: skip
        name, level = move.fact.attribute.name, LEVEL[move.fact.attribute.level]
        fact = self.facts[name]
        circle, title, outcome, outcome_text, result_text = self._words(after, before[1])
        better = b"true" if self._rank(*after) < self._rank(*before) else b"false"
        given = (
            better, circle, title, _whole(fact, move.fact.stored), scene.ids[level][move.fact.row], outcome,
            outcome_text, result_text, _whole(fact, move.stored), scene.who[level][move.fact.row],
        )  # fmt: skip
        return self.templates[name].fill(given)

    def _words(self, after: tuple[str, str | None], circle_before: str | None) -> tuple[bytes, ...]:
        outcome, circle = after
        key = outcome, circle, circle_before
        if key not in self._said:
            told = self.told
            title = told.text(circle, name="circle") if circle is not None else ""
            outcome_text = told.say(OUTCOMES[outcome])
            if circle is None or circle == circle_before:
                result = told.say("explain.nearest_outcome", outcome=outcome_text)
            else:
                result = told.say("explain.nearest_circle", circle=title, outcome=outcome_text)
            self._said[key] = tuple(dumps(one) for one in (circle, title, outcome, outcome_text, result))
        return self._said[key]

    def _rank(self, outcome: str, circle: str | None) -> tuple[int, int]:
        """Lower is nearer to help: by outcome, then by the ladder's order."""
        rungs = self.rungs[:-1]
        return GOOD.index(outcome), rungs.index(circle) if circle in rungs else len(rungs)

    def outputs(self, lanes: Lanes) -> Array:
        """Where the parts of a standing begin among a run's bytes."""
        return np.array([lanes.at[output] for output in self._outputs])

    def lanes(self, household: Household) -> Lanes:
        """Memory for variants of a household of this shape; the thread's next such household reuses it."""
        known: dict[tuple[int, ...], Lanes] | None = getattr(self._local, "lanes", None)
        if known is None:
            known = self._local.lanes = {}
        key = tuple(map(len, household.facts))
        if key not in known:
            if len(known) >= MOST_SHAPES:
                known.clear()
            count = max(16, min(MOST_LANES, MOST_ROWS // max(key)))
            known[key] = Lanes(self.runner.layout, (1, key[1], key[2], key[3]), count)
        return known[key]


def _whole(fact: plan_facts.Fact, stored: int) -> bytes:
    value, exact, text = fact.json(stored)
    return b'{"exact":%b,"text":%b,"unit":%b,"value":%b}' % (exact, text, fact.unit_json, value)


class _Judge:
    """Judges variants of one household, as many at a time as there are lanes."""

    def __init__(self, nearest: Nearest, household: Household, facts: Sequence[Fact]) -> None:
        self.nearest, self.household = nearest, household
        self.lanes = nearest.lanes(household)
        lanes, layout = self.lanes, nearest.runner.layout
        self.residence = household.facts[0][0].get("residence_type")
        self.by_residence = np.array([fact.attribute.name == "residence_type" for fact in facts], np.bool_)
        offsets, strides, kinds = [], [], []
        for fact in facts:
            level, name = LEVEL[fact.attribute.level], fact.attribute.name
            word = name in layout.words[level]
            part = layout.words[level] if word else layout.small[level]
            kinds.append(0 if name not in part else 1 if word else 2)
            begin = lanes.starts[level][0 if word else 1]
            offsets.append(begin + part.get(name, 0) * lanes.total[level] + fact.row)
            strides.append(lanes.rows[level])
        self.offsets, self.strides = np.array(offsets, np.int64), np.array(strides, np.int64)
        self.kinds = np.array(kinds, np.int8)
        if household.supporters or household.transfers:
            lanes.link(household.supporters, household.transfers)
        self.asks_residence = bool(self.by_residence.any())
        self._filled = 0

    def standings(self, places: Array, values: Array) -> Array:
        """See `search.Judge`."""
        most = self.lanes.count
        parts = [
            self._batch(places[start : start + most], values[start : start + most])
            for start in range(0, len(places), most)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _batch(self, places: Array, values: Array) -> Array:
        lanes, count = self.lanes, len(places)
        self._fill(count)
        targets = self.offsets[places] + lanes.numbers[:count] * self.strides[places]
        kinds = self.kinds[places]
        undo = []
        for kind, cells in ((1, lanes.words), (2, lanes.small)):
            chosen = kinds == kind
            if chosen.any():
                at = targets[chosen]
                undo.append((cells, at, cells[at]))
                cells[at] = values[chosen]
        held = self._places(places, values)
        lanes.run(held.values, held.valid, self.nearest.runner.on, count)
        for cells, at, old in undo:
            cells[at] = old
        return self._read(count, held.unserved)

    def _fill(self, count: int) -> None:
        """The household itself in the first lanes, as far as they do not hold it already."""
        if self._filled < count:
            lanes = self.lanes
            words, small = self.nearest.runner.cells(self.household)
            base = np.frombuffer(words, np.int64), np.frombuffer(small, np.uint8)
            lanes.spread(base[0], base[1], self._filled, count)
            self._filled = count

    def _places(self, places: Array, values: Array) -> _Held:
        """The local numbers, and each lane's place among them: another residence may stand under others."""
        at, area, lanes = self.nearest.places.at, self.household.area_code, self.lanes.places
        lanes[: len(places)] = 0
        found = [at(area, self.residence)]
        changed = np.flatnonzero(self.by_residence[places]).tolist() if self.asks_residence else ()
        for lane in changed:
            lanes[lane] = len(found)
            found.append(at(area, int(values[lane])))
        if len(found) == 1:
            return _Held(found[0].values, found[0].valid, None)
        unserved = np.array([not place.served for place in found])[lanes[: len(places)]]
        return _Held(
            np.hstack([place.values for place in found]), np.hstack([place.valid for place in found]), unserved
        )  # fmt: skip

    def _read(self, count: int, unserved: Array | None) -> Array:
        """uint8 [lanes, parts]: 1 incomplete, 2 without standard; refused; deferred; circle; bounds broken."""
        lanes = self.lanes
        found = lanes.found_small[self.nearest.outputs(lanes)[:, None] + lanes.numbers[:count]]
        missing = self.nearest.missing
        found[missing] = found[:missing].any(axis=0)
        if unserved is not None:
            found[missing] |= unserved.astype(np.uint8) << 1
        return found[missing:].T


class _Held(NamedTuple):
    """Local numbers of the places of some lanes; which lanes have no standard, None: all have."""

    values: Array
    valid: Array
    unserved: Array | None
