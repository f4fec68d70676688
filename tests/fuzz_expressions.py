"""Hostile and broken expressions by the thousand: each gives a tree or a typed error within 50 ms.

python tests/fuzz_expressions.py --expressions 100000 --seed 1
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable

from hardship.language.expression import AGGREGATES, FUNCTIONS, MODES, STEPS, ExpressionError, parse
from hardship.messages import text as sentence

LIMIT = 0.05
"""Seconds that one text may take; a slower one is tried again, so that a busy machine is no fault."""

_WORDS = (
    "if", "else", "and", "or", "not", "in", "is", "lambda", "for", "yield", "await", "None", "True", "true",
    "false", "member", "supporter", "transfer", "household", "on", "refused", "deferred", "where",
    "default", "everyone", "to", "mode", "self", "__class__", "__import__", "eval", "+", "-", "*", "/",
    "**", "//", "%", "@", "&", "|", "^", "~", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "=", ":=", "->",
    "(", ")", "[", "]", "{", "}", ",", ".", ":", ";", "'", "\"", "\\", "#", "!", "$", "`", "?", "\t", "\n",
    "\x00", "0", "1", "2", "9", "00", "1.5", "1e9", "0x1f", "1_0", "1j", "99999999999999999999", "'urban'",
    "'a", "b'", "'甲'", '"x"', "f''", "b''", "'''x'''", "甲", "ａ", "é", '\u202e', "😀",
)  # fmt: skip
_NAMES = ("a", "b", "wage_month", "x1", "needs", "list_of", "on")


def random_characters(rng: random.Random) -> str:
    """Bytes and code points without any sense."""
    if rng.random() < 0.5:
        return rng.randbytes(rng.randrange(60)).decode("latin-1")
    return "".join(chr(rng.randrange(rng.choice((128, 0x3000, 0x110000)))) for _ in range(rng.randrange(40)))


def word_soup(rng: random.Random) -> str:
    """Words of this language and of its neighbours in any order; sometimes one of them a thousand times."""
    words = (*_WORDS, *FUNCTIONS, *AGGREGATES, *STEPS, *_NAMES)
    if rng.random() < 0.1:
        return rng.choice(("", " ")).join([rng.choice(words)] * rng.randrange(1, 2_500))
    return rng.choice(("", " ")).join(rng.choice(words) for _ in range(rng.randrange(1, 40)))


def grammatical(rng: random.Random, depth: int = 0, inside: bool = False) -> str:
    """An expression that the grammar allows, of any type, so mostly without sense."""

    def one() -> str:
        return grammatical(rng, depth + 1, inside)

    leaf = depth > 4 or rng.random() < 0.25
    if leaf:
        dotted = [f"{entity}.{rng.choice(_NAMES)}" for entity in ("member", "supporter")] if inside else []
        return rng.choice((*_NAMES, "0", "1", "'urban'", "'甲'", "true", *dotted))
    form = rng.randrange(10 if inside else 11)
    match form:
        case 0:
            return f"{one()} {rng.choice('+-*/')} {one()}"
        case 1:
            return f"({one()} {rng.choice(('<', '<=', '==', '!='))} {one()})"
        case 2:
            return f"({one()} {rng.choice(('and', 'or'))} {one()})"
        case 3:
            return f"(not {one()})"
        case 4:
            return f"({one()} if {one()} else {one()})"
        case 5:
            return f"(-{one()})"
        case 6:
            options = rng.choice(("list_of", "['a', 'b']"))
            return f"({one()} {rng.choice(('in', 'not in'))} {options})"
        case 7:
            name = rng.choice([name for name in FUNCTIONS if name not in ("round", "lookup")])
            least, most = FUNCTIONS[name]
            return f"{name}({', '.join(one() for _ in range(rng.randint(least, min(most, 4))))})"
        case 8:
            return f"round({one()}, to = {rng.choice((*STEPS, 'dollar'))}, mode = '{rng.choice(MODES)}')"
        case 9:
            return f"lookup(rates, {one()})"
        case _:
            where = rng.choice(("", f", where = {grammatical(rng, depth + 2, True)}"))
            value = f"member.a * {grammatical(rng, depth + 2, True)}"
            return rng.choice(
                (
                    f"sum({value}{where})",
                    f"count(member{where})",
                    f"any(transfer{where})",
                    f"largest({value}, default = {one()}{where}, everyone = true)",
                )
            )


def mutated(rng: random.Random) -> str:
    """A good expression with a few characters taken out, doubled, swapped or put in."""
    text = list(grammatical(rng))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text[at : at + rng.randint(1, 3)] = []
            case 1:
                text[at:at] = rng.choice(_WORDS)
            case 2:
                text[at:at] = text[at : at + rng.randint(1, 20)]
            case _:
                text[at : at + 1] = chr(rng.randrange(32, 127))
    return "".join(text)


MAKERS: tuple[Callable[[random.Random], str], ...] = (random_characters, word_soup, grammatical, mutated)


def main(n: int, seed: int) -> Counter[str]:
    """Parse `n` texts, a quarter of each maker.

    Returns:
        counts by maker and result.

    Raises:
        AssertionError: a text took too long, or gave anything but a tree or a typed error with a sentence.
    """
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for number in range(n):
        maker = MAKERS[number % len(MAKERS)]
        text = maker(rng)
        result, seconds = _one(text)
        if seconds > LIMIT:
            seconds = min(_one(text)[1] for _ in range(3))
        assert seconds <= LIMIT, f"{seconds:.3f} s for {text!r}"
        counts[f"{maker.__name__} {result}"] += 1
    return counts


def _one(text: str) -> tuple[str, float]:
    start = time.perf_counter()
    try:
        parse(text)
        return "tree", time.perf_counter() - start
    except ExpressionError as error:
        seconds = time.perf_counter() - start
        if not 0 <= error.column <= len(text):
            raise AssertionError(f"column {error.column} in {text!r}") from error
        sentence(error.code, "zh", **error.params)
        return "error", seconds
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} for {text!r}") from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expressions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        found = main(options.expressions, options.seed)
    except AssertionError as failure:
        sys.exit(f"expressions={options.expressions} failed: {failure}")
    for name, count in sorted(found.items()):
        print(f"{name}={count}")
    print(f"expressions={options.expressions} failures=0")
