"""Why something changed: exact shares of the three factors, and the smallest set of factors that gives a new state.

Shares are Shapley's: a factor's share is the mean, over all orders in which the factors could be exchanged one after
the other, of what its exchange adds. With at most three factors that is a whole number of sixths, so the shares add
up to the change exactly. A household that some mixture cannot score has no shares; none are guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial, lcm
from typing import TYPE_CHECKING

import numpy as np

from hardship.columns import Array
from hardship.movement.runs import BEFORE, FACTORS, Mixture, Runs

if TYPE_CHECKING:
    from hardship.movement.align import Aligned
    from hardship.movement.answer import Answer

SIXTHS = 6
JOINT, UNATTRIBUTED = "joint", "unattributed"
AT_A_TIME = 16_384  # households whose values stay in cache


@dataclass(frozen=True)
class Shares:
    """A change taken apart.

    Attributes:
        parts: for each of `FACTORS`, int64 [households] sixths of the unit.
        known: bool [households]; False where a mixture cannot be scored.
    """

    parts: tuple[Array, Array, Array]
    known: Array


def shares(mixtures: Sequence[Mixture], value: Callable[[Mixture], tuple[Array, Array]], rows: int) -> Shares:
    """Take a change apart.

    Args:
        mixtures: all of the factors that differ, the one after last.
        value: of a mixture, int64 [rows] and where it is known (bool [rows]).
        rows: how many households.
    """
    parts = np.zeros((len(FACTORS), rows), np.int64)
    known: Array = np.ones(rows, np.bool_)
    moving = [number for number, differs in enumerate(mixtures[-1]) if differs]
    weighed: list[tuple[Array, list[tuple[int, int]]]] = []
    for mixture in mixtures:
        values, certain = value(mixture)
        known &= certain
        chosen = sum(mixture)
        weights = []
        for number in moving:
            # What an exchange adds counts once for each order of the factors before it and of those after it.
            if mixture[number]:
                weight = factorial(chosen - 1) * factorial(len(moving) - chosen)
            else:
                weight = -factorial(chosen) * factorial(len(moving) - chosen - 1)
            weights.append((number, weight * SIXTHS // factorial(len(moving))))
        weighed.append((values, weights))
    for begin in range(0, rows, AT_A_TIME):
        some = slice(begin, begin + AT_A_TIME)
        for values, weights in weighed:
            for number, weight in weights:
                parts[number, some] += values[some] * weight
    if not known.all():
        parts[:, ~known] = 0
    return Shares((parts[0], parts[1], parts[2]), known)


def aligned(values: Array, rows: Array, absent: int | bool) -> Array:
    """Values of a register's rows in the order of all households; `absent` where the register lacks one."""
    if len(rows) == len(values) and (len(rows) == 0 or rows[-1] == len(rows) - 1) and rows.min(initial=0) >= 0:
        return values
    found: Array = np.where(rows >= 0, values[np.maximum(rows, 0)], absent)
    return found.astype(values.dtype, copy=False)


def amount_shares(runs: Runs, order: Aligned) -> Shares:
    """The change of what is paid a month, in sixths of a fen. Nothing is paid to a household that is not there."""

    def value(mixture: Mixture) -> tuple[Array, Array]:
        found, rows = runs.answer(mixture), order.rows[mixture[2]]
        if found is None or not found.pays:
            return np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        return aligned(found.amount, rows, 0), aligned(found.scored, rows, True) & ~named(order, mixture[2])

    return shares(runs.mixtures, value, len(order.ids))


def index_scale(runs: Runs) -> int:
    """How many units make a point, so that the main indices of both tables are whole numbers of them."""
    ends = [setting.checked for setting in runs.settings]
    return lcm(*(one.points[f"index:{one.table.index[0].id}"].den for one in ends if one.table.index))


def index_shares(runs: Runs, order: Aligned) -> Shares:
    """The change of the main index, in sixths of a unit."""
    scale = index_scale(runs)

    def value(mixture: Mixture) -> tuple[Array, Array]:
        found, rows = runs.answer(mixture), order.rows[mixture[2]]
        if found is None or found.index is None:
            return np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        return aligned(in_units(found, scale), rows, 0), aligned(found.scored, rows, False)

    return shares(runs.mixtures, value, len(order.ids))


def in_units(found: Answer, scale: int) -> Array:
    """int64: the main index of an answer in units of which `scale` make a point."""
    assert found.index is not None
    return found.index if scale == found.index_den else found.index * (scale // found.index_den)


def named(order: Aligned, side: int) -> Array:
    """bool [households]: rejected by the register itself."""
    gone: Array = order.rows[side] < 0
    return gone & (order.refused[side] != "").to_numpy() if gone.any() else gone


def states_of(runs: Runs, order: Aligned, mixture: Mixture) -> Array | None:
    """int16 [households]: the state of every household of either register; None: the mixture cannot be scored."""
    found, side = runs.answer(mixture), mixture[2]
    if found is None:
        return None
    state = aligned(found.state, order.rows[side], runs.states.absent)
    if state is found.state:
        return state
    return np.where(named(order, side), np.int16(runs.states.rejected), state)


def state_causes(runs: Runs, order: Aligned) -> tuple[Array, list[str]]:
    """The cause of each household's change of state.

    Of all sets of differing factors that alone (all others as before) give the new state, the smallest. Several of
    that size: `joint`. If the new state is a circle, and a set that is no larger leads to a mixture that cannot
    be scored, it is `unattributed`.

    Returns:
        int [households], the place in the list; 0 where the state is the same. The list begins with "".
    """
    before, after = states_of(runs, order, BEFORE), states_of(runs, order, runs.after)
    assert before is not None
    assert after is not None
    names = ["", JOINT, UNATTRIBUTED]
    found = np.zeros(len(before), np.int16)
    todo = np.flatnonzero(before != after)
    wanted = after[todo]
    for group in _sets(runs.differs):
        if not len(todo):
            break
        hits, unclear = np.zeros(len(todo), np.int16), np.zeros(len(todo), np.bool_)
        place = np.zeros(len(todo), np.int16)
        for members in group:
            states = states_of(runs, order, _mixture(members))
            if states is None:
                unclear[:] = True
                continue
            gives = states[todo] == wanted
            unclear |= ~gives & np.isin(states[todo], runs.states.unscored)
            hits += gives
            names.append("+".join(FACTORS[number] for number in members))
            place[gives] = len(names) - 1
        found[todo] = np.where(unclear, names.index(UNATTRIBUTED), np.where(hits > 1, names.index(JOINT), place))
        left = ~unclear & (hits == 0)
        todo, wanted = todo[left], wanted[left]
    return found, names


def _sets(differs: Sequence[bool]) -> Iterator[list[tuple[int, ...]]]:
    """Sets of the factors that differ, by size."""
    moving = [number for number, differ in enumerate(differs) if differ]
    for size in range(1, len(moving) + 1):
        yield list(combinations(moving, size))


def _mixture(members: Sequence[int]) -> Mixture:
    standard, table, data = (int(number in members) for number in range(len(FACTORS)))
    return standard, table, data
