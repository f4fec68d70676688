"""Text to nodes: one expression of a scoring table becomes a frozen tree, or one typed error with its column.

Three steps, each total. *Words*: the text is cut into the few words the language knows; anything else (a
power, a walrus, a look-alike letter, a number) ends here. *Structure*: Python's own parser says how the words
hang together; it never sees more than `MAX_CHARACTERS` ASCII characters and `MAX_NESTING` open brackets, and
nothing is ever evaluated. *Nodes*: an allow-list turns that structure into `nodes`; numbers and texts are
read again from the source.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal, cast

from hardship.language.nodes import (
    Aggregate,
    And,
    Binary,
    Call,
    Cases,
    Compare,
    Entity,
    In,
    Name,
    Negate,
    Node,
    Not,
    Number,
    Or,
    Text,
    Truth,
    walk,
)

MAX_CHARACTERS = 2_000
MAX_NODES = 400
MAX_NESTING = 20
"""Levels of brackets, calls and operators. `a + b + c` is one level."""
MAX_CHAIN = 60
"""Height of the tree, a chain such as `a + b + c` counted term by term: it is walked by recursion."""

ENTITIES: tuple[Entity, ...] = ("member", "supporter", "transfer")
STEPS = ("fen", "cent", "jiao", "yuan", "whole")
"""The names that may stand after `to =` (beside constants): 0.01, 0.01, 0.1, 1, 1."""
MODES = ("floor", "ceil", "half_up", "half_even")

_ALONE = Lock()
"""Python counts how deep a tree is for all threads together: two that build one at a time may end in a SystemError."""
FUNCTIONS: dict[str, tuple[int, int]] = {
    "min": (2, MAX_NODES),
    "max": (2, MAX_NODES),
    "clip": (3, 3),
    "round": (1, 1),
    "floor": (1, 1),
    "ceil": (1, 1),
    "age": (1, 1),
    "months_between": (2, 2),
    "per_month": (1, 1),
    "per_year": (1, 1),
    "known": (1, 1),
    "or_else": (2, 2),
    "lookup": (2, 3),
}
"""Each function with the fewest and the most arguments without a keyword."""
AGGREGATES = ("sum", "count", "any", "all", "largest", "smallest")
WORDS = ("if", "else", "and", "or", "not", "in", "true", "false")
RESERVED = frozenset((*WORDS, *FUNCTIONS, *AGGREGATES, *ENTITIES, *STEPS, "household", *keyword.kwlist))
"""Names that no table may give to a value of its own."""


class ExpressionError(ValueError):
    """An expression that is none.

    Attributes:
        column: zero-based character of the text where it goes wrong.
        code: message id. hint: id of a second sentence, or "".
        params: what the sentences need.
    """

    def __init__(self, column: int, code: str, params: dict[str, Any] | None = None, hint: str = "") -> None:
        self.column = column
        self.code = code
        self.params = params or {}
        self.hint = hint
        super().__init__(f"{code} at {column}: {self.params}")


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression: its text as written, and its tree."""

    text: str
    node: Node


def parse(text: str) -> Expression:
    """Read one expression.

    Raises:
        ExpressionError: the text is not in the language; any text gives a tree or this, within milliseconds.
    """
    _check_words(text)
    # Only texts hold other than ASCII letters. The parser counts bytes, so it gets a stand-in of equal
    # length, and the texts are read from the source.
    start = len(text) - len(text.lstrip(" "))
    plain = re.sub(r"[^ -~]", "_", text[start:])
    try:
        with _ALONE:
            tree = ast.parse(plain, mode="eval").body
        return Expression(text, _Builder(text, start).node(tree, 1, 1))
    except ExpressionError:
        raise
    except SyntaxError as error:
        column = min(max((error.offset or 1) - 1 + start, 0), len(text) - 1)
        raise ExpressionError(column, "table.expression_syntax", {"found": _near(text, column)}) from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError(0, "table.expression_depth", {"limit": MAX_NESTING}) from None


_WORD = re.compile(
    r"(?P<space> +)|(?P<name>[a-z][a-z0-9_]*)|(?P<number>[0-9](?:[0-9A-Za-z_]|\.(?=[0-9]))*)"
    r"|(?P<text>'[^'\\]*')|(?P<refused>\*\*|//|<<|>>|<>|->|:=|[+\-*/]=)|(?P<mark>[=!<>]=|[-+*/<>=.,()\[\]])"
)


def _check_words(text: str) -> None:
    """Refuse every text that holds anything but the language's own words.

    Raises:
        ExpressionError: too long, empty, a character, number or word not in the language, brackets too deep.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(MAX_CHARACTERS, "table.expression_long", {"limit": MAX_CHARACTERS, "found": len(text)})
    if not text.strip(" "):
        raise ExpressionError(0, "table.expression_empty")
    depth = 0
    for kind, word, at in _words(text):
        if kind == "number" and word not in ("0", "1"):
            params = {"found": _short(word)}
            raise ExpressionError(at, "table.expression_number", params, "table.hint_constant")
        if kind == "name" and word not in WORDS and keyword.iskeyword(word):
            raise ExpressionError(at, "table.expression_word", {"found": word})
        if kind == "name" and len(word) > 64:
            raise ExpressionError(at, "table.expression_word", {"found": _short(word)})
        if kind == "text" and not word.isprintable():
            bad = next(i for i, character in enumerate(word) if not character.isprintable())
            raise ExpressionError(at + bad, "table.expression_character", {"found": _name_of(word[bad])})
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if depth > MAX_NESTING:
            raise ExpressionError(at, "table.expression_depth", {"limit": MAX_NESTING})


def _words(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and column of each word; a character that begins no word is refused."""
    at = 0
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None and text[at] == "'":
            raise ExpressionError(at, "table.expression_quote")
        if found is None or found.lastgroup == "refused":
            what = found[0] if found else _name_of(text[at])
            hint = "table.hint_quotes" if text[at] == '"' else ""
            raise ExpressionError(at, "table.expression_character", {"found": what}, hint)
        yield str(found.lastgroup), found[0], at
        at = found.end()


def _name_of(character: str) -> str:
    """A character as it is shown in a message: itself, or its code point where it cannot be seen."""
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"


def _near(text: str, column: int) -> str:
    return _short(text[column:].strip() or text.strip())


_COMPARISONS: dict[type[ast.cmpop], Literal["==", "!=", "<", "<=", ">", ">="]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_OPERATORS: dict[type[ast.operator], Literal["+", "-", "*", "/"]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_SUMS = (ast.Add, ast.Sub)


class _Builder:
    """Python's structure into nodes, by an allow-list. `inside`: the part of an aggregate being read."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = start
        self.count = 0
        self.inside: Literal["", "rows", "default"] = ""

    def at(self, tree: ast.expr | ast.keyword) -> int:
        return tree.col_offset + self.start

    def source(self, tree: ast.expr) -> str:
        return self.text[self.at(tree) : (tree.end_col_offset or 0) + self.start]

    def node(self, tree: ast.expr, nesting: int, height: int) -> Node:
        """One node and all below it. `nesting` counts levels, `height` also the terms of a chain."""
        at = self.at(tree)
        self.count += 1
        if self.count > MAX_NODES:
            raise ExpressionError(at, "table.expression_nodes", {"limit": MAX_NODES})
        if nesting > MAX_NESTING or height > MAX_CHAIN:
            raise ExpressionError(at, "table.expression_depth", {"limit": MAX_NESTING})
        down = (nesting + 1, height + 1)
        match tree:
            case ast.Constant():
                return self.literal(tree)
            case ast.Name() | ast.Attribute():
                return self.name(tree)
            case ast.UnaryOp(op=ast.USub()):
                return Negate(at, self.node(tree.operand, *down))
            case ast.UnaryOp(op=ast.Not()):
                return Not(at, self.node(tree.operand, *down))
            case ast.BinOp() if type(tree.op) in _OPERATORS:
                # Without brackets the left operand of a chain begins where the chain begins.
                same = isinstance(tree.left, ast.BinOp) and (
                    isinstance(tree.left.op, _SUMS) == isinstance(tree.op, _SUMS)
                )
                chained = same and tree.left.col_offset == tree.col_offset
                left = self.node(tree.left, nesting if chained else nesting + 1, height + 1)
                return Binary(at, _OPERATORS[type(tree.op)], left, self.node(tree.right, *down))
            case ast.BoolOp():
                parts = tuple(self.node(value, *down) for value in tree.values)
                return And(at, parts) if isinstance(tree.op, ast.And) else Or(at, parts)
            case ast.Compare():
                return self.comparison(tree, *down)
            case ast.IfExp():
                condition = self.node(tree.test, *down)
                value = self.node(tree.body, *down)
                return Cases(at, ((condition, value),), self.node(tree.orelse, *down))
            case ast.Call():
                return self.call(tree, *down)
            case _:
                raise self.refuse(tree)

    def refuse(self, tree: ast.expr | ast.keyword) -> ExpressionError:
        text = self.text[self.at(tree) : (tree.end_col_offset or 0) + self.start]
        return ExpressionError(self.at(tree), "table.expression_form", {"found": _short(text)})

    def literal(self, tree: ast.Constant) -> Node:
        """A number or a text, read from the source: what Python made of it is not looked at."""
        source = self.source(tree)
        if source in ("0", "1"):
            return Number(self.at(tree), int(source))
        if len(source) > 2 and source[0] == source[-1] == "'" and "'" not in source[1:-1]:
            return Text(self.at(tree), source[1:-1])
        raise self.refuse(tree)

    def name(self, tree: ast.Name | ast.Attribute) -> Name | Truth:
        at = self.at(tree)
        if isinstance(tree, ast.Attribute):
            base = tree.value.id if isinstance(tree.value, ast.Name) else ""
            if base not in ENTITIES or tree.attr in RESERVED or " " in self.source(tree):
                raise self.refuse(tree)
            if self.inside != "rows":
                raise ExpressionError(at, "table.expression_dotted", {"found": f"{base}.{tree.attr}"})
            return Name(at, tree.attr, base)
        if tree.id in ("true", "false"):
            return Truth(at, tree.id == "true")
        if tree.id in STEPS:
            raise ExpressionError(at, "table.expression_step", {"found": tree.id})
        if tree.id in RESERVED:
            raise ExpressionError(at, "table.expression_bare", {"found": tree.id})
        return Name(at, tree.id)

    def comparison(self, tree: ast.Compare, nesting: int, height: int) -> Node:
        at = self.at(tree)
        first = tree.ops[0]
        if isinstance(first, ast.In | ast.NotIn) and len(tree.ops) == 1:
            operand = self.node(tree.left, nesting, height)
            options = self.options(tree.comparators[0], nesting, height)
            return In(at, operand, options, isinstance(first, ast.NotIn))
        operands = [self.node(part, nesting, height) for part in (tree.left, *tree.comparators)]
        pairs: list[Node] = []
        for op, left, right in zip(tree.ops, operands, operands[1:], strict=False):
            if type(op) not in _COMPARISONS:
                raise self.refuse(tree)
            pairs.append(Compare(left.at, _COMPARISONS[type(op)], left, right))
        return pairs[0] if len(pairs) == 1 else And(at, tuple(pairs))

    def options(self, tree: ast.expr, nesting: int, height: int) -> Name | tuple[Text, ...]:
        """What stands after `in`: a name, or texts in square brackets."""
        if isinstance(tree, ast.List) and tree.elts:
            texts = [self.node(part, nesting, height) for part in tree.elts if isinstance(part, ast.Constant)]
            if len(texts) == len(tree.elts) and all(isinstance(text, Text) for text in texts):
                return tuple(text for text in texts if isinstance(text, Text))
        if isinstance(tree, ast.Name | ast.Attribute):
            found = self.node(tree, nesting, height)
            if isinstance(found, Name):
                return found
        raise ExpressionError(self.at(tree), "table.expression_in", {"found": _short(self.source(tree))})

    def call(self, tree: ast.Call, nesting: int, height: int) -> Node:
        function = tree.func.id if isinstance(tree.func, ast.Name) else ""
        if not function or any(isinstance(part, ast.Starred) for part in tree.args):
            raise self.refuse(tree)
        if function not in FUNCTIONS and function not in AGGREGATES:
            near = difflib.get_close_matches(function, [*FUNCTIONS, *AGGREGATES], 1)
            hint = "table.hint_nearest" if near else ""
            params = {"found": _short(function), "nearest": near[0] if near else ""}
            raise ExpressionError(self.at(tree), "table.expression_function", params, hint)
        options: dict[str, ast.expr] = {}
        allowed = _options(function)
        for option in tree.keywords:
            if option.arg not in allowed or option.arg in options:
                found = option.arg or _short(self.source(tree))
                params = {"function": function, "expected": ", ".join(allowed) or "-", "found": found}
                raise ExpressionError(self.at(option), "table.expression_option", params)
            options[option.arg] = option.value
        if function in AGGREGATES:
            return self.aggregate(tree, function, options, nesting, height)
        self.arity(tree, function, *FUNCTIONS[function])
        if function == "round":
            return self.rounding(tree, options, nesting, height)
        arguments = tuple(self.node(part, nesting, height) for part in tree.args)
        if function == "lookup" and not (isinstance(arguments[0], Name) and arguments[0].entity is None):
            params = {"found": _short(self.source(tree.args[0]))}
            raise ExpressionError(self.at(tree.args[0]), "table.expression_lookup", params)
        return Call(self.at(tree), function, arguments)

    def arity(self, tree: ast.Call, function: str, least: int, most: int) -> None:
        if not least <= len(tree.args) <= most:
            if most == MAX_NODES:
                expected = f"{least}…"
            else:
                expected = str(least) if least == most else f"{least}–{most}"
            params = {"function": function, "expected": expected, "found": len(tree.args)}
            raise ExpressionError(self.at(tree), "table.expression_arguments", params)

    def rounding(self, tree: ast.Call, options: dict[str, ast.expr], nesting: int, height: int) -> Call:
        """`round(x, to = T, mode = 'M')`; both keywords are needed, so that no rounding goes unsaid."""
        for option in ("to", "mode"):
            if option not in options:
                params = {"function": "round", "option": option}
                raise ExpressionError(self.at(tree), "table.expression_needs", params)
        step = options["to"]
        mode = self.node(options["mode"], nesting, height)
        if not isinstance(step, ast.Name) or (step.id in RESERVED and step.id not in STEPS):
            raise ExpressionError(self.at(step), "table.expression_to", {"found": _short(self.source(step))})
        if not isinstance(mode, Text) or mode.value not in MODES:
            found = _short(self.source(options["mode"]))
            raise ExpressionError(self.at(options["mode"]), "table.expression_mode", {"found": found})
        self.count += 1
        value = self.node(tree.args[0], nesting, height)
        to = Name(self.at(step), step.id)
        return Call(self.at(tree), "round", (value,), (("to", to), ("mode", mode)))

    def aggregate(
        self, tree: ast.Call, function: str, options: dict[str, ast.expr], nesting: int, height: int
    ) -> Aggregate:
        at = self.at(tree)
        if self.inside:
            raise ExpressionError(at, "table.expression_aggregate", {"found": function})
        self.arity(tree, function, 1, 1)
        if function in ("largest", "smallest") and "default" not in options:
            params = {"function": function, "option": "default"}
            raise ExpressionError(at, "table.expression_needs", params)
        self.inside = "rows"
        (given,) = tree.args
        entity: Entity | None = None
        value: Node | None = None
        if isinstance(given, ast.Name) and given.id in ENTITIES and function in ("count", "any"):
            entity = given.id
            self.count += 1
        elif function == "count":
            found = _short(self.source(given))
            raise ExpressionError(self.at(given), "table.expression_count", {"found": found})
        else:
            value = self.node(given, nesting, height)
            entity = self.deepest(value, given)
        where = self.node(options["where"], nesting, height) if "where" in options else None
        self.inside = "default"  # it stands where the aggregate stands, not in its rows
        default = self.node(options["default"], nesting, height) if "default" in options else None
        self.inside = ""
        everyone = False
        if "everyone" in options:
            flag = self.node(options["everyone"], nesting, height)
            if not (isinstance(flag, Truth) and flag.value):
                found = _short(self.source(options["everyone"]))
                raise ExpressionError(flag.at, "table.expression_everyone", {"found": found})
            everyone = True
        return Aggregate(at, cast(Any, function), entity, value, where, default, everyone)

    def deepest(self, value: Node, tree: ast.expr) -> Entity:
        """The deepest entity that an aggregate's value names with a dot; supporter and transfer clash."""
        named = {node.entity for node in walk(value) if isinstance(node, Name) and node.entity}
        if {"supporter", "transfer"} <= named or not named:
            raise ExpressionError(self.at(tree), "table.expression_entity", {"found": _short(self.source(tree))})
        return next(entity for entity in ("supporter", "transfer", "member") if entity in named)


def _options(function: str) -> tuple[str, ...]:
    """The keywords that a function or aggregate knows."""
    if function == "round":
        return ("to", "mode")
    if function in ("largest", "smallest"):
        return ("where", "default", "everyone")
    return ("where", "everyone") if function in AGGREGATES else ()
