"""The integers that pass between `single.scan` and the kernels which read one household's body.

Three arrays: `about` says what the attributes are, `work` takes what a pass finds, `plan` where columns of cells lie.
"""

PLAIN, ODD, UNKNOWN = 0, 1, 2
"""What `scan` answers: every fact is judged; take the long way; take it too, but the token could be learned."""

MOST_BYTES = 65_535
"""Longest body: places in it have 16 bits for a length."""
MOST_ROWS = 64
"""Most rows of a level; households with more go the long way."""
MOST_TOKEN = 255
"""Longest text or list of one fact, in bytes."""
MOST_ID, MOST_AREA = 64, 32
ABSENT, NULL = -(2**63) + 1, -(2**63) + 2
"""A fact that is not named in its row; one that is named and empty. No stored integer is as small."""

# Kinds of slots: numbers; dates; what only tokens tell; codes; and then no facts: a row's own number, an area, the
# household's number said again, the number of the member a row belongs to.
WHOLE, DAY, LABEL, CODE, OWN, AREA, SAME, OF_MEMBER = range(8)

# `about`: one set of attributes as integers. First by level: how many slots (attributes and ids), where its first row
# lies in `work`, its first slot among all, and the slots of its own number, the household's and the member's.
COUNT, DENSE, FIRST, ITSELF, HOME, MEMBER = 0, 4, 8, 12, 16, 20
LIMIT, ORDERED = 24, 28  # most rows of a member; where the slots stand in the order of their names, -1 after the last
NAMES, NAMES_MASK, TOKENS, TOKENS_MASK, SLOTS = 32, 33, 34, 35, 36
PLACED, RESIDENCE, SIZE, BORN, RELATION, HEAD, COUNTED, COUNTS, TODAY, OLDEST = range(37, 47)
ABOUT = 47
KIND, DECIMALS, LOW, HIGH, SLOT = 0, 1, 2, 3, 4  # of a slot
HASH, AT, LENGTH, MEANS, ENTRY = 0, 1, 2, 3, 4  # of an entry of a hash table; no length: the entry is free
TOP = 4  # the level of the names outside rows
TABLE, ON, EXPLAIN, HOUSEHOLD, MEMBERS, SUPPORTERS, TRANSFERS = range(7)
IN_QUOTES, AS_IS = 0, 1  # how a token stands in the body

# `work`: what a pass finds. Places in the body are `offset << 16 | length`; -n stands for the text of the number n.
ROWS, HOUSE, PLACE, OF_TABLE, OF_DAY, EXPLAINED, FLAGS, LIVES, OF_SLOT, FORM, TOKEN = (
    0,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
)
IDS = 16  # of members, in a register's order
ORDER = IDS + MOST_ROWS  # of each level the rows in a register's order
PARENT = ORDER + 4 * MOST_ROWS  # of supporters, then of transfers: the member's place
BELOW = PARENT + 2 * MOST_ROWS  # own numbers of supporters
LACKS = BELOW + MOST_ROWS  # of every slot: 1 where some row lacks the fact
NO_HEAD, TWO_HEADS, DIFFERS = 1, 2, 4

# `plan`: where the columns of one program lie in its lanes. By level: the first column, how many columns are words, how
# many cells are bytes.
OF_LEVEL, WORDS, SMALL, CODES, CODES_MASK, PLAN = 0, 5, 9, 13, 14, 15
OF, IS_WORD, NUMBER, KNOWN, EMPTY, CODED, COLUMN = 0, 1, 2, 3, 4, 5, 6  # of a column; `OF` -1: of no attribute
CODE_COLUMN, LOT_COLUMN = 1, 2  # `CODED`

QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, FIRST_OF_LIST, LAST_OF_LIST = 34, 92, 44, 58, 123, 125, 91, 93
MINUS, POINT, NOUGHT, NINE = 45, 46, 48, 57
LETTER_T, LETTER_F, LETTER_N, LETTER_E = 116, 102, 110, 101
LOW_32, SALT = 0xFFFFFFFF, 0x9E3779B1
