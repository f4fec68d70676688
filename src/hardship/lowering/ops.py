"""The machine's instructions, and the program that holds them.

An instruction works on all rows of one level in a block. Registers are numbered apart for each level and width:
*words* (64-bit signed integers: numerators, dates, masks, codes) and *bytes*. A byte holds a truth (1 true, 2 false,
0 missing: and, or, not become branch-free Kleene), a validity (1 known, 0 missing), an enum's index, or a band.
No instruction can trap in any lane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hardship.language.fields import Level
from hardship.language.table import Parameter

Words = np.ndarray[Any, np.dtype[np.int64]]

LEVELS: tuple[Level, ...] = ("household", "member", "supporter", "transfer")
LEVEL = {level: number for number, level in enumerate(LEVELS)}

# Columns of `Program.code`: one row an instruction.
OP, ENTITY, DST, A, B, C, D, IMM, IMM2, CHILD, SIZE, INTO = range(12)
WIDTH = 12
# SIZE and INTO: bytes of the words that an instruction reads and makes, 8 as lowered.
SIZES = (8, 1, 4, 2)  # of registers, in the order in which `Arrays.registers` counts them

# loads: from the register's columns
LOAD_WORD = 0  # word: column IMM; IMM2 where there is no column
LOAD_BYTE = 1  # byte: column IMM; IMM2 where there is no column
LOAD_TRUTH = 2  # byte: 2 - column IMM, a stored 0 or 1; IMM2 (a truth) where there is no column
LOAD_VALID = 3  # byte: 1 where column IMM is known
PARAMETER = 4  # word: parameter IMM of the household's place
PARAMETER_VALID = 5  # byte: 1 where parameter IMM is known
CONST_WORD = 6  # word: IMM
CONST_BYTE = 7  # byte: IMM
ON = 8  # word: the assessment date, yyyymmdd

# words from words
ADD = 20
SUB = 21
MUL = 22
MIN = 23
MAX = 24
ADD_C = 25  # a + IMM
MUL_C = 26  # a * IMM
MIN_C = 27
MAX_C = 28
SUB_FROM_C = 29  # IMM - a

# truths from words
LT = 40
LE = 41
EQ = 42
NE = 43
LT_C = 44  # a < IMM
GE_C = 45  # a >= IMM
EQ_C = 46
NE_C = 47
HAS_BIT = 48  # bit IMM of a
LT_WIDE = 49  # a * b < c * d, in 128 bits
LE_WIDE = 50
EQ_WIDE = 51

# bytes from bytes
AND = 60  # Kleene; of validities: both
OR = 61  # Kleene; of validities: either
NOT = 62  # Kleene
PICK = 63  # b where truth a is 1, c where it is 2, 0 where it is missing
RANGE = 64  # truth: IMM <= a <= IMM2
MASK = 66  # a where validity b is 1, else 0
KNOWN = 67  # validity of truth a
TRUTH = 68  # truth of validity a: 1 or 2
ADD_BYTE = 69  # a + b
BIT = 70  # a, with bit IMM set where truth b is 1
BIT_MISSING = 71  # a, with bit IMM set where validity b is 0
MARK = 72  # a where validity b is 1, else 255
PASSED = 73  # 1 where truth a is 1, else 0

# words from truths
SELECT = 80  # b where truth a is 1, else c
SELECT_CX = 81  # IMM where truth a is 1, else b
SELECT_XC = 82  # b where truth a is 1, else IMM
SELECT_CC = 83  # IMM where truth a is 1, else IMM2
WIDEN = 84  # byte a as a word
BIT_WORD = 85  # a, with bit IMM set where truth b is 1

# tables in the pool; IMM is where one begins, IMM2 its length
STEP = 100  # byte: how many of the edges word a reaches (a >= edge)
STEP_RATIO = 105  # byte: for how many coefficients word a >= coefficient * word b + 0 or 1; pairs of both
STEP_WORD = 101  # word: pool[IMM] plus the deltas of the edges that word a reaches; pairs follow
LOOK_BYTE = 102  # word: pool[IMM + byte a]
LOOK_TWO = 103  # word: pool[IMM + byte a * C + byte b]
LOOK_WORD = 104  # word: pool[IMM + word a]

# division
ROUND = 120  # word a / word b (b >= 1) to a whole number by mode IMM, both below 2**53
ROUND_WIDE = 121  # the same for any 64-bit integers
AGE = 122  # word: floor(a / 10000)
MONTHS = 123  # word: whole months from date a to date b

# between levels
EXPAND_WORD = 140  # a of the parent row
EXPAND_BYTE = 141
FOLD_SUM = 142  # sum of word a over the child rows, only where truth b is 1 if there is a b
FOLD_COUNT = 143  # child rows where truth a is 1
FOLD_ANY = 144  # Kleene or of truth a over the child rows
FOLD_VALID = 145  # 1 where validity a is 1 in every child row
FOLD_MIN = 146  # smallest word a where truth b is 1; IMM over no row
FOLD_MAX = 147

# results
STORE_WORD = 160  # word a to output IMM; IMM2 = 1: only in the first pass
STORE_BYTE = 161

# only in tuned programs (`tune`); their truths are never missing
UNIFORM = 9  # word: parameter IMM, which all places have the same
BITS = 74  # a, with bits IMM, IMM + 1 and IMM + 2 set where truths b, c and d are 1; where not, of the bits in IMM2
LANE_ANY = 75  # truth: byte IMM of word a is above 0
LANE_NONE = 76  # validity: byte IMM of word a is 0
COPY = 86  # word a in another width
LANE = 87  # word: byte IMM of word a
FOLD_BITS = 148  # word of eight bytes: byte k counts the child rows in which bit k of byte a is set; below 256 each

FLOOR, CEIL, HALF_UP, HALF_EVEN = range(4)
MODES = {"floor": FLOOR, "ceil": CEIL, "half_up": HALF_UP, "half_even": HALF_EVEN}

BYTE_RESULTS = frozenset(
    (
        LOAD_BYTE,
        LOAD_TRUTH,
        LOAD_VALID,
        PARAMETER_VALID,
        CONST_BYTE,
        STEP,
        STEP_RATIO,
        EXPAND_BYTE,
        FOLD_ANY,
        FOLD_VALID,
    )
) | frozenset(range(LT, LANE_NONE + 1))
STORES = (STORE_WORD, STORE_BYTE)
# Which operands are bytes.
BYTE_A = frozenset(
    (
        *range(AND, BITS + 1), *range(SELECT, WIDEN + 1), LOOK_BYTE, LOOK_TWO, EXPAND_BYTE, FOLD_COUNT, FOLD_ANY,
        FOLD_VALID, FOLD_BITS, STORE_BYTE,
    )
)  # fmt: skip
BYTE_B = frozenset((*range(AND, BITS + 1), BIT_WORD, LOOK_TWO, FOLD_SUM, FOLD_MIN, FOLD_MAX))
BYTE_C = frozenset((PICK, BITS))
LINKED = frozenset((LOOK_TWO, *range(EXPAND_WORD, FOLD_BITS + 1)))  # C is a link or a width, no register

# What an operand or a result of a tuned program is that lies in no register: a column, its validity, an output.
IN_COLUMN, IN_VALIDITY, IN_OUTPUT = range(3)
PLACED = 3


def direct(kind: int, number: int) -> int:
    """How an operand or a result is written that lies where the register or the results lie."""
    return -2 - PLACED * number - kind


# How one level folds into another: the number of the offsets in the machine's links.
FOLDS: dict[tuple[Level, Level], int] = {
    ("household", "member"): 0,
    ("member", "supporter"): 1,
    ("member", "transfer"): 2,
    ("household", "supporter"): 3,
    ("household", "transfer"): 4,
}
PARENTS: dict[Level, int] = {"member": 5, "supporter": 6, "transfer": 7}
LINK_UP = 5  # the parents of the child of fold 0, 1, 2 lie at this number plus the fold's
PLACES = 8  # each household's row of parameter values
LINKS = 9


class Arrays(NamedTuple):
    """A program as the machine reads it.

    Attributes:
        code: int64 [instruction, `WIDTH`].
        pool: int64, edges, deltas, points and look-up cells.
        registers: int64 [level, 4], registers of each of `SIZES` that each level needs.
    """

    code: Words
    pool: Words
    registers: Words


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a program reads: an attribute, and what a missing cell holds.

    Attributes:
        attribute: its name; empty for the column of members who leave.
        fill: the stored integer for a missing cell: the assumed value, or the attribute's lower bound.
        byte: whether the program reads it as a byte.
        lo, hi: what the proofs rest on.
        may_be_missing: the table assumes nothing for it.
        texts: of a code, the texts that the table mentions: a cell holds 1 + the position, or 0 for any other text.
    """

    attribute: str
    level: Level
    fill: int
    byte: bool
    lo: int
    hi: int
    may_be_missing: bool
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """One named array of a result.

    Attributes:
        name: as `docs/interfaces.md` lists them.
        part: `value`, `valid`, `divisor`, or `planes` (bit planes: eight of `labels` a byte).
        level: one row for each row of this level.
        type: `number`, `bool` (Kleene byte), `enum`, `set`, `date`, `code`, `byte`.
        den: static denominator of a number.
        divisor_den: static denominator of a ratio's divisor.
        plane: which byte of a bit plane.
        output: number of the array in the code; what is the same is stored once.
    """

    name: str
    part: str
    level: Level
    type: str
    word: bool
    den: int = 1
    divisor_den: int = 1
    plane: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Sink:
    """Something whose being missing makes a household incomplete, and what stands behind it."""

    name: str
    attributes: frozenset[str]
    parameters: frozenset[str]


@dataclass(frozen=True)
class Program:
    """A lowered table.

    Attributes:
        arrays: what the machine runs.
        columns, parameters: what `bind` must bring, in the order of their numbers in the code; of a parameter its name
            and denominator.
        declared: every parameter of the table; a household needs a row for each.
        residences: the legal values of `residence_type`, and the index assumed for a missing one or -1.
        stores: the outputs, in the order of their numbers in the code.
        sinks, vetoes, requires: labels of the bit planes `missing`, `veto`, `require`, in order.
        domains: legal values of each stored enum or set, by store name.
        leaves: stores of person rules whose members leave before the second pass.
        everyone: whether the table looks past `counted` anywhere.
        detail: `totals`, `results`, `items` or `all`.
    """

    arrays: Arrays
    columns: tuple[Column, ...]
    parameters: tuple[tuple[str, int], ...]
    declared: tuple[Parameter, ...]
    residences: tuple[tuple[str, ...], int]
    stores: tuple[Store, ...]
    sinks: tuple[Sink, ...]
    vetoes: tuple[str, ...]
    requires: tuple[str, ...]
    domains: dict[str, tuple[str, ...]]
    leaves: tuple[str, ...]
    everyone: bool
    detail: str
