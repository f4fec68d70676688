"""A tree written out again as one text: the same text exactly where two trees mean the same value."""

from __future__ import annotations

from hardship.language import nodes
from hardship.language.nodes import Node


def spell(node: Node, level: str = "") -> str:
    """The tree as an expression, with brackets around every operation inside another.

    With a `level` each aggregate also says where it stands (`count@member(supporter)`): the same words
    count other
    rows at another level. Only then is the text a key for equal values.
    """

    def inner(part: Node) -> str:
        text = spell(part, level)
        plain = isinstance(part, (nodes.Name, nodes.Number, nodes.Text, nodes.Truth, nodes.Call, nodes.Aggregate))
        return text if plain else f"({text})"

    match node:
        case nodes.Number() | nodes.Text():
            return str(node.value) if isinstance(node, nodes.Number) else f"'{node.value}'"
        case nodes.Truth():
            return "true" if node.value else "false"
        case nodes.Name():
            return f"{node.entity}.{node.name}" if node.entity and not level else node.name
        case nodes.Negate():
            return f"-{inner(node.operand)}"
        case nodes.Not():
            return f"not {inner(node.operand)}"
        case nodes.Binary() | nodes.Compare():
            return f"{inner(node.left)} {node.op} {inner(node.right)}"
        case nodes.In():
            options = node.options
            listed = options.name if isinstance(options, nodes.Name) else f"[{', '.join(map(spell, options))}]"
            return f"{inner(node.operand)} {'not in' if node.negated else 'in'} {listed}"
        case nodes.And():
            return " and ".join(map(inner, node.operands))
        case nodes.Or():
            return " or ".join(map(inner, node.operands))
        case nodes.Cases():
            parts = [f"{inner(value)} if {inner(condition)} else " for condition, value in node.cases]
            return "".join(parts) + inner(node.otherwise)
        case nodes.Call():
            given = [spell(part, level) for part in node.arguments]
            given += [f"{key} = {spell(part, level)}" for key, part in node.options]
            return f"{node.function}({', '.join(given)})"
        case nodes.Aggregate():
            given = [node.entity] if node.value is None else [spell(node.value, node.entity if level else "")]
            if level and node.value is not None:
                given.append(f"of = {node.entity}")
            if node.where is not None:
                given.append(f"where = {spell(node.where, node.entity if level else '')}")
            if node.default is not None:
                given.append(f"default = {spell(node.default, level)}")
            if node.everyone:
                given.append("everyone = true")
            return f"{node.function}{'@' + level if level else ''}({', '.join(given)})"
    raise TypeError(type(node).__name__)
