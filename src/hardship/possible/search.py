"""What a household may come to over all answers to its open questions: found from both sides until the two meet.

From outside, boxes of answers are laid through the table at once (`scene`): nothing outside their bounds is possible.
From inside, single answers are tried: what they lead to is possible. A box that may hold something not yet found, or
go beyond the range found, is cut in two and looked at again. When no such box is left, inside and outside are the
same, and that is exact: no representative values have to be believed in. When the search ends before, the outer
bounds are told, and that they are no more than bounds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hardship.possible.interval import ONE, Array, Pair
from hardship.possible.scene import INCOMPLETE, Scene, Seen

BOXES = 400  # cut in all; fewer where more than `FEW` facts are open, where cutting settles less
FEW = 8
CUT = 40  # in one round
CELLS = 60_000  # lanes times rows looked at in one go
WORK = 200_000  # lanes times rows of all boxes
LANES = 14  # most that one cut box takes: two halves, and six points of each
GOALS = 4  # least and greatest index, least and greatest benefit

Point = tuple[int, ...]
"""One answer to each question."""


@dataclass
class Range:
    """What is known of a number: the range found, the answers that reach its ends, the range outside."""

    least: int = 2**62
    most: int = -(2**62)
    least_at: Point = ()
    most_at: Point = ()
    outer: tuple[int, int] = (0, 0)

    @property
    def exact(self) -> bool:
        """Whether the ends found are the ends there are."""
        return self.outer == (self.least, self.most)


@dataclass
class Found:
    """What a search found.

    Attributes:
        standings: standing → answers that lead to it.
        outer: a mask of the standings that cannot be excluded.
        rejected: whether some answers would have the household rejected.
        index, benefit: None where the table has no such thing.
        asked: for each fact its tried answers, and the standings that each leaves.
    """

    standings: dict[int, Point] = field(default_factory=dict)
    outer: int = 0
    rejected: bool = False
    index: Range | None = None
    benefit: Range | None = None
    asked: list[tuple[list[int], list[int]]] = field(default_factory=list)

    @property
    def mask(self) -> int:
        """The standings found."""
        return sum(1 << standing for standing in self.standings)

    @property
    def settled(self) -> bool:
        """Whether the standings found are all there are."""
        return self.outer & ~self.mask == 0


class Search:
    """The search over one scene whose facts have been asked."""

    def __init__(self, scene: Scene, on: dt.date) -> None:
        self.scene, self.facts = scene, scene.facts
        self.low = np.array([fact.low for fact in self.facts], np.int64)
        self.high = np.array([fact.high for fact in self.facts], np.int64)
        self.tried = [fact.tried(on) for fact in self.facts]
        self.rows = max(scene.rows)
        self.found = Found()
        self.found.index = Range() if scene.index >= 0 else None
        self.found.benefit = Range() if scene.benefit >= 0 else None
        self.weight = np.ones(len(self.facts))
        self.narrows = np.zeros(len(self.facts))

    def run(self) -> Found:
        """Everything, within the limits above."""
        whole = self.low[:, None], self.high[:, None]
        root = self._look(*whole)
        self._sample(self._one_by_one(root))
        self._cut(*whole, root)
        return self.found

    def left(self, k: int, first: Sequence[int], last: Sequence[int]) -> list[int]:
        """The standings left if the answer to one question lies between two, for each pair, all others open."""
        low = np.repeat(self.low[:, None], len(first), axis=1)
        high = np.repeat(self.high[:, None], len(first), axis=1)
        low[k], high[k] = first, last
        return [int(mask) & self.found.outer for mask in self._look(low, high).standings]

    # --- single answers ---

    def _one_by_one(self, root: Seen) -> list[Point]:
        """Look at each answer to each question alone, the others open; answers that point to the extremes."""
        room = max(2, CELLS // self.rows)
        tried = self.tried if sum(map(len, self.tried)) <= room else [[one[0], one[-1]] for one in self.tried]
        lanes = [(k, answer) for k, answers in enumerate(tried) for answer in answers][:room]
        low = np.repeat(self.low[:, None], len(lanes), axis=1)
        high = np.repeat(self.high[:, None], len(lanes), axis=1)
        for lane, (k, answer) in enumerate(lanes):
            low[k, lane] = high[k, lane] = answer
        seen = self._look(low, high)
        points = [[int(fact.low) for fact in self.facts] for _ in range(GOALS)]
        points += [[one[0] for one in self.tried], [one[-1] for one in self.tried]]
        start = 0
        for k, answers in enumerate(tried):
            end = min(start + len(answers), len(lanes))
            part = slice(start, end)
            if start < end:
                self.found.asked.append((answers[: end - start], [int(mask) for mask in seen.standings[part]]))
                self._aim(k, answers, root, seen, part, points)
            start = end
        return [tuple(point) for point in points]

    def _aim(self, k: int, answers: list[int], root: Seen, seen: Seen, part: slice, points: list[list[int]]) -> None:
        """How much one question decides, and which answer leads towards each extreme."""
        count = np.bitwise_count(root.standings[0])
        weight = float(np.mean(count - np.bitwise_count(seen.standings[part]).astype(np.int64)))
        for place, (bounds, whole) in enumerate(((seen.index, root.index), (seen.benefit, root.benefit))):
            if bounds is None or whole is None:
                continue
            least, most = bounds[0][part], bounds[1][part]
            points[2 * place][k] = answers[int(np.argmin(least))]
            points[2 * place + 1][k] = answers[int(np.argmax(most))]
            width = float(whole[1][0] - whole[0][0])
            if width > 0:
                self.narrows[k] += 1 - float(np.mean((most - least).astype(np.float64))) / width
        weight += float(self.narrows[k])
        self.weight[k] = max(weight, 0.0) + 0.02

    def _sample(self, bases: Sequence[Point]) -> None:
        """Households at some points, and with one answer at a time changed."""
        room = max(len(bases), CELLS // self.rows // 2)
        points = list(dict.fromkeys(bases))
        for base in dict.fromkeys(bases):
            for k, answers in enumerate(self.tried):
                if len(points) + len(answers) > room:
                    break
                points += [(*base[:k], answer, *base[k + 1 :]) for answer in answers]
        array = np.array(points, np.int64).T.reshape(len(self.facts), -1)
        self._note(array, self._look(array, array))

    def _note(self, points: Array, seen: Seen) -> None:
        """Keep what households of single answers show."""
        found = self.found
        for mask in np.unique(seen.standings).tolist():
            standing = int(mask).bit_length() - 1
            if standing >= 0 and standing not in found.standings:
                found.standings[standing] = self._at(points, int(np.argmax(seen.standings == mask)))
        complete = seen.standings > ONE << np.uint64(INCOMPLETE)
        found.rejected |= bool(seen.rejected.any())
        if not complete.any():
            return
        for bounds, kept in ((seen.index, found.index), (seen.benefit, found.benefit)):
            if bounds is None or kept is None:
                continue
            values = bounds[0]
            least = int(np.argmin(np.where(complete, values, 2**62)))
            most = int(np.argmax(np.where(complete, values, -(2**62))))
            if int(values[least]) < kept.least:
                kept.least, kept.least_at = int(values[least]), self._at(points, least)
            if int(values[most]) > kept.most:
                kept.most, kept.most_at = int(values[most]), self._at(points, most)

    @staticmethod
    def _at(points: Array, lane: int) -> Point:
        return tuple(int(answer) for answer in points[:, lane])

    # --- boxes ---

    def _cut(self, low: Array, high: Array, seen: Seen) -> None:
        """Cut the boxes that may hold more than was found, until none is left or `BOXES` are cut."""
        room = min(BOXES * FEW // max(FEW, len(self.facts)), WORK // (LANES * self.rows))
        while room > 0:
            gain = self._gain(seen)
            whole = (low == high).all(axis=0)
            gain[whole] = 0
            if not gain.any():
                break
            order = np.argsort(-gain, kind="stable")
            order = order[gain[order] > 0]
            most = max(1, min(CUT, CELLS // self.rows // LANES))
            taken, kept = order[:most], order[most:]
            room -= max(len(taken), CUT // 4)
            lows, highs = self._halves(low[:, taken], high[:, taken])
            points = self._inside(lows, highs)
            at = np.concatenate((lows, points), axis=1), np.concatenate((highs, points), axis=1)
            both = self._look(*at)
            self._note(points, _lanes(both, slice(lows.shape[1], None)))
            seen = _joined(_lanes(seen, kept), _lanes(both, slice(0, lows.shape[1])))
            low, high = np.concatenate((low[:, kept], lows), axis=1), np.concatenate((high[:, kept], highs), axis=1)
        left = self._gain(seen) > 0
        self._conclude(_lanes(seen, left))

    def _gain(self, seen: Seen) -> Array:
        """How much each box may hold beyond what was found; 0 for nothing."""
        new = seen.standings & ~np.uint64(self.found.mask)
        gain: Array = np.bitwise_count(new).astype(np.float64) * 10
        complete = seen.standings > ONE << np.uint64(INCOMPLETE)
        for bounds, kept in ((seen.index, self.found.index), (seen.benefit, self.found.benefit)):
            if bounds is None or kept is None:
                continue
            width = max(1.0, float(kept.most - kept.least))
            beyond = np.maximum(kept.least - bounds[0], 0) + np.maximum(bounds[1] - kept.most, 0)
            gain += np.where(complete & (beyond > 0), 1e-9 + np.minimum(beyond.astype(np.float64) / width, 5.0), 0.0)
        return gain

    def _halves(self, low: Array, high: Array) -> Pair:
        """Each box cut in two across the question that decides most and is open widest."""
        span = np.log2((high - low).astype(np.float64) + 1)
        for k, fact in enumerate(self.facts):
            if fact.bits:
                span[k] = np.bitwise_count((high[k] ^ low[k]).astype(np.uint64))
        full = np.maximum(span.max(axis=1, keepdims=True), 1.0)
        across = np.argmax(np.where(span > 0, self.weight[:, None] * (0.1 + span / full), -1.0), axis=0)
        upper_low, lower_high = low.copy(), high.copy()
        for lane, k in enumerate(across.tolist()):
            lower_high[k, lane], upper_low[k, lane] = self._middle(k, int(low[k, lane]), int(high[k, lane]))
        return np.concatenate((low, upper_low), axis=1), np.concatenate((lower_high, high), axis=1)

    def _middle(self, k: int, low: int, high: int) -> tuple[int, int]:
        """The end of the lower half and the begin of the upper half of a range of answers."""
        if self.facts[k].bits:
            bit = (high ^ low) & -(high ^ low)
            return high & ~bit, low | bit
        inside = [answer for answer in self.tried[k] if low < answer <= high]
        cut = inside[len(inside) // 2] if len(inside) > 1 and not self.facts[k].choice else (low + high + 1) // 2
        return cut - 1, cut

    def _inside(self, low: Array, high: Array) -> Array:
        """Points of each box: both ends, and the ends towards each extreme."""
        points = [low, high]
        found = self.found
        for kept in (found.index, found.benefit):
            if kept is not None:
                for goal in (kept.least_at, kept.most_at):
                    if goal:
                        aim = np.array(goal, np.int64)[:, None]
                        points.append(self._nearest(aim, low, high))
        return np.concatenate(points, axis=1)

    def _nearest(self, aim: Array, low: Array, high: Array) -> Array:
        """The point of each box nearest to another point."""
        near = np.clip(aim, low, high)
        for k, fact in enumerate(self.facts):
            if fact.bits:
                near[k] = (aim[k] | low[k]) & high[k]
        return near

    def _conclude(self, left: Seen) -> None:
        """The outer bounds: what was found, and what the boxes left open may hold."""
        found = self.found
        found.outer = found.mask | int(np.bitwise_or.reduce(left.standings)) if left.standings.size else found.mask
        found.rejected |= bool(left.rejected.any())
        for bounds, kept in ((left.index, found.index), (left.benefit, found.benefit)):
            if bounds is not None and kept is not None:
                low = min([kept.least, *bounds[0].tolist()])
                kept.outer = low, max([kept.most, *bounds[1].tolist()])

    def _look(self, low: Array, high: Array) -> Seen:
        """`Scene.look`, in as many parts as its memory asks for."""
        lanes = max(1, CELLS // self.rows)
        parts = [
            self.scene.look(low[:, start : start + lanes], high[:, start : start + lanes])
            for start in range(0, low.shape[1], lanes)
        ]
        whole = parts[0]
        for part in parts[1:]:
            whole = _joined(whole, part)
        return whole


def _lanes(seen: Seen, lanes: Array | slice) -> Seen:
    """Some lanes."""

    def some(bounds: Pair | None) -> Pair | None:
        return None if bounds is None else (bounds[0][lanes], bounds[1][lanes])

    return Seen(seen.standings[lanes], seen.rejected[lanes], some(seen.index), some(seen.benefit))


def _joined(one: Seen, other: Seen) -> Seen:
    """The lanes of both."""

    def both(a: Pair | None, b: Pair | None) -> Pair | None:
        return None if a is None or b is None else (np.concatenate((a[0], b[0])), np.concatenate((a[1], b[1])))

    return Seen(
        np.concatenate((one.standings, other.standings)),
        np.concatenate((one.rejected, other.rejected)),
        both(one.index, other.index),
        both(one.benefit, other.benefit),
    )
