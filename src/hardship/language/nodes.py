"""The frozen syntax tree of one expression: what both evaluators walk.

Nothing here knows a type, a unit or a number's size. `expression` makes these nodes, `check` annotates them
beside the tree (by identity), and neither ever rewrites them. A node's `at` is its zero-based column in the
expression's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Entity = Literal["household", "member", "supporter", "transfer"]

PARENT: dict[str, str | None] = {"household": None, "member": "household", "supporter": "member", "transfer": "member"}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Base of all nodes; compared by identity, so that annotations can be kept in a dict beside the tree."""

    at: int


@dataclass(frozen=True, slots=True, eq=False)
class Number(Node):
    """The literals 0 and 1, the only numbers an expression may hold."""

    value: int


@dataclass(frozen=True, slots=True, eq=False)
class Text(Node):
    """A quoted enum value, set element or code."""

    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Truth(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A name. `entity` is set when it was written dotted (`member.wage_month`)."""

    name: str
    entity: Entity | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Negate(Node):
    """`-x`."""

    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """`left op right` with one of `+ - * /`."""

    op: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Node):
    """One comparison. A chain `a < b <= c` is parsed into `And` of two of them (b shared)."""

    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class In(Node):
    """`operand in options`: `options` is the name of a list, or the quoted values written out.

    `'medical' in needs` has a `Text` operand and the name of a set attribute as `options`.
    """

    operand: Node
    options: Name | tuple[Text, ...]
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class And(Node):
    """`a and b and …`, Kleene."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Or(Node):
    """`a or b or …`, Kleene."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Not(Node):
    """`not a`."""

    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Cases(Node):
    """A choice: the value of the first true condition, else `otherwise`.

    Both `a if c else b` and a TOML list of cases become this node. Only the conditions up to the one taken and the
    value taken are needed.
    """

    cases: tuple[tuple[Node, Node], ...]
    otherwise: Node


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A call of a function: min max clip round floor ceil age months_between per_month per_year known or_else lookup.

    `options` holds the keyword arguments (`round(x, to = fen, mode = 'half_up')`).
    """

    function: str
    arguments: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...] = field(default=())

    def option(self, name: str) -> Node | None:
        """The keyword argument `name`, or None."""
        return next((node for key, node in self.options if key == name), None)


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate(Node):
    """sum count any all largest smallest over the rows of `entity` that belong to the row it stands at.

    `value` is None for `count(member)` and `any(member, where = …)`. `everyone` switches the table's `counted`
    filter off.
    """

    function: Literal["sum", "count", "any", "all", "largest", "smallest"]
    entity: Entity
    value: Node | None
    where: Node | None
    default: Node | None
    everyone: bool


def children(node: Node) -> tuple[Node, ...]:
    """The direct operands of a node, in reading order."""
    match node:
        case Negate() | Not():
            return (node.operand,)
        case Binary() | Compare():
            return (node.left, node.right)
        case In():
            options = node.options if isinstance(node.options, tuple) else (node.options,)
            return (node.operand, *options)
        case And() | Or():
            return node.operands
        case Cases():
            return (*(part for case in node.cases for part in case), node.otherwise)
        case Call():
            return (*node.arguments, *(value for _, value in node.options))
        case Aggregate():
            return tuple(part for part in (node.value, node.where, node.default) if part is not None)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, depth first, in reading order."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))
