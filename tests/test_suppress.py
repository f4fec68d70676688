"""Hidden cells: none that is small is shown, and none can be worked out, tried by brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hardship.reports.suppress import SMALL, hidden, hidden_column


def attacker(cells, marks):
    """All tables that look the same: the shown cells and all sums as they are, the hidden ones anything."""
    free = [tuple(place) for place in np.argwhere(marks)]
    found = []
    tops = [min(int(cells[r][marks[r]].sum()), int(cells[:, c][marks[:, c]].sum())) for r, c in free]
    for values in product(*(range(top + 1) for top in tops)):
        tried = cells.copy()
        for place, value in zip(free, values, strict=True):
            tried[place] = value
        if (tried.sum(0) == cells.sum(0)).all() and (tried.sum(1) == cells.sum(1)).all():
            found.append(tried)
    return np.array(found)


def test_a_table_by_hand():
    # 3 is small. 20 beside it goes (23 in the row), 12 below it (15 in the column), and 11 closes the rectangle.
    cells = np.array([[3, 20, 50], [12, 11, 60], [90, 80, 70]])
    expected = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)
    assert (hidden(cells) == expected).all()


def test_nothing_small_nothing_hidden():
    assert not hidden(np.full((3, 4), SMALL)).any()


def test_nobody_is_shown():
    assert not hidden(np.array([[30, 0, 20], [40, 0, 25]])).any()
    assert not hidden(np.array([[30, 0], [0, 40]])).any()


@pytest.mark.parametrize("seed", range(40))
def test_no_small_cell_is_shown_or_can_be_worked_out(seed):
    draw = np.random.default_rng(seed)
    cells = draw.integers(4, 40, size=(3, 3))
    cells[:, 0] += SMALL
    marks = hidden(cells)
    assert (cells[~marks & (cells > 0)] >= SMALL).all()
    for line, mark in [*zip(cells, marks, strict=True), *zip(cells.T, marks.T, strict=True)]:
        assert not mark.any() or mark.all() or (mark.sum() > 1 and line[mark].sum() >= SMALL)
    if marks.sum() > 4 or cells[marks].sum() > 60:
        return  # more tables than a test can count
    found = attacker(cells, marks)
    for place in np.argwhere(marks & (cells > 0) & (cells < SMALL)):
        assert len(set(found[:, place[0], place[1]])) > 1, (cells, marks)


@pytest.mark.parametrize("seed", range(20))
def test_one_column(seed):
    draw = np.random.default_rng(seed)
    cells = draw.integers(0, 30, size=6)
    marks = hidden_column(cells)
    assert (cells[~marks & (cells > 0)] >= SMALL).all()
    assert not marks.any() or marks.all() or (marks.sum() > 1 and cells[marks].sum() >= SMALL)


def test_many_rows_are_quick():
    draw = np.random.default_rng(1)
    cells = draw.integers(0, 60, size=(200, 8))
    cells[:, 0] += SMALL
    marks = hidden(cells)
    assert (cells[~marks & (cells > 0)] >= SMALL).all()
