"""What multiplying a whole column by 12 or 100, or dividing it by 12, leaves in the digits of its amounts.

A median says little where honest amounts vary much; digits say more. Every amount times 12 is a multiple of 12 fen,
which of honest amounts every third or fourth is. Whole yuan divided by 12 end in .00, .08, .17, .25, .33 and so on;
honest fen do not care. Whole yuan times 100 end in 00 yuan, with an evenly spread digit before: people who round to
hundreds round to thousands and five hundreds as well. Nothing here is proof: `plausible` says what is made of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hardship.columns import Array

# Fen of k/12 yuan, rounded or cut off, without the quarters that people write; and those that thirds and sixths lack.
TWELFTHS = np.array([8, 16, 17, 33, 41, 42, 58, 66, 67, 83, 91, 92])
ONLY_TWELFTHS = np.array([8, 41, 42, 58, 91, 92])
DIVERSE = 50  # different amounts; fewer may be scales of an office, all multiples of one number
FEN, HUNDRED, THOUSAND = 100, 10_000, 100_000


def times_twelve(fen: Array) -> bool:
    """Whether nearly every amount is a multiple of 12 fen.

    Args:
        fen: (n,) int64, above 0.
    """
    return _diverse(fen) and bool(np.mean(fen % 12 == 0) >= 0.95)


def over_twelve(fen: Array) -> bool:
    """Whether many amounts end as whole yuan divided by 12 do.

    Args:
        fen: (n,) int64, above 0.
    """
    ends = fen % FEN
    many = np.mean(np.isin(ends, TWELFTHS)) >= 0.3 and np.mean(np.isin(ends, ONLY_TWELFTHS)) >= 0.1
    return _diverse(fen) and bool(many)


def times_hundred(fen: Array) -> bool:
    """Whether no amount has fen and many are whole hundreds of yuan, few of them whole thousands.

    Args:
        fen: (n,) int64, above 0.
    """
    if not _diverse(fen) or (fen % FEN).any():
        return False
    hundreds = fen[fen % HUNDRED == 0]
    if len(hundreds) * 2 < len(fen):
        return False
    return bool(np.mean(hundreds % THOUSAND == 0) <= 0.2 and np.mean(hundreds % (THOUSAND // 2) == 0) <= 0.3)


def _diverse(fen: Array) -> bool:
    return any(len(np.unique(some)) >= DIVERSE for some in (fen[: 20 * DIVERSE], fen))  # the first mostly suffice


TRACES: dict[str, Callable[[Array], bool]] = {"100": times_hundred, "12": times_twelve, "1/12": over_twelve}
"""By what a column was multiplied → whether its amounts look so."""
