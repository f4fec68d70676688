"""Small cells of a table of counts, and the further cells that must go so that nobody works them out.

A cell from 1 to 9 is hidden; 0 is nobody, and shown. In every row and column whose sum is known at least two
cells are then hidden, which together hold at least `SMALL`; and each hidden small cell lies on a rectangle of
hidden cells around which one household can be moved without making any of them negative, so that no equation
over the sums fixes it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SMALL = 10
Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


def hidden(cells: Counts) -> Marks:
    """Which cells of a table of counts must not be shown, all sums of rows and columns being known.

    Args:
        cells: (rows, columns), not negative.

    Returns:
        (rows, columns), True where hidden.
    """
    marks = _small(cells)
    small = np.argwhere(marks)
    while True:
        before = int(marks.sum())
        for row in range(cells.shape[0]):
            _fill(cells[row], marks[row])
        for column in range(cells.shape[1]):
            _fill(cells[:, column], marks[:, column])
        for row, column in small:
            _protect(cells, marks, int(row), int(column))
        if int(marks.sum()) == before:
            return marks


def hidden_column(cells: Counts) -> Marks:
    """The same for one column of counts of which only the sum is known."""
    marks = _small(cells)
    _fill(cells, marks)
    return marks


def _small(cells: Counts) -> Marks:
    marks: Marks = (cells > 0) & (cells < SMALL)
    return marks


def _fill(cells: Counts, marks: Marks) -> None:
    """Hide the smallest shown cells of one line until two are hidden that hold `SMALL` together, or all are.

    A cell with nobody in it comes last: it hides nothing.
    """
    shown = np.flatnonzero(~marks)
    for place in shown[np.argsort(np.where(cells[shown], cells[shown], cells.sum()), kind="stable")]:
        if not marks.any() or (marks.sum() > 1 and cells[marks].sum() >= SMALL):
            return
        marks[place] = True


def _protect(cells: Counts, marks: Marks, row: int, column: int) -> None:
    """Close the cheapest rectangle around a hidden cell, if none of hidden cells moves it yet."""
    across, down, opposite = cells[row][None, :], cells[:, column][:, None], cells
    rises = (across > 0) & (down > 0)
    falls = (opposite > 0) & (cells[row, column] > 0)
    possible = rises | falls
    possible[row, :] = possible[:, column] = False
    if not possible.any():
        return  # one row or one column that has anything: its sum is all there is
    # What hiding the three other corners costs: first how many, then how large they are.
    dear = int(cells.sum()) + 1
    price = np.where(marks, 0, np.where(cells > 0, cells + dear, 3 * dear))
    cost = price[row][None, :] + price[:, column][:, None] + price
    cost[~possible] = 16 * dear
    best = np.unravel_index(int(cost.argmin()), cost.shape)
    marks[row, best[1]] = marks[best[0], column] = marks[best] = True
