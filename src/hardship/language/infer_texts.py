"""Kinds of quoted texts and of what they are compared with: enums, codes, sets, lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hardship.language.infer_base import BAD, BOOL, TYPES, Proved, listing, nearest
from hardship.language.kinds import Kind
from hardship.language.nodes import Call, Cases, In, Name, Node, Text
from hardship.language.spelling import spell

if TYPE_CHECKING:
    from hardship.language.infer import Inference


def match(run: Inference, operand: Node, kind: Kind, texts: Sequence[Text]) -> Kind:
    """An enum or code against quoted texts."""
    if kind.type not in ("enum", "code"):
        run.report(operand, "table.text_against", found=TYPES[kind.type], text=spell(operand))
        return BAD
    good = True
    for one in texts:
        found = text(run, one, kind.domain) if kind.type == "enum" else Kind("code")
        if run.of_node.get(id(one), found) != found:  # `x == 'a' == y` shares its text
            run.report(one, "table.choice_values", text=spell(one))
            found = BAD
        run.of_node[id(one)] = found
        good = good and found is not BAD
    return replace(BOOL, missing=kind.missing) if good else BAD


def text(run: Inference, node: Text, domain: tuple[str, ...] | None) -> Kind:
    """The kind of a quoted text, which must be one of `domain`."""
    if not domain:
        run.report(node, "table.text_alone", found=node.value)
        return BAD
    if node.value not in domain:
        legal = listing(domain)
        run.report(node, "table.value", found=node.value, legal=legal, **nearest(node.value, domain))
        return BAD
    index = domain.index(node.value)
    return Kind("enum", lo=index, hi=index, domain=domain)


def membership(run: Inference, node: In, level: str, proved: Proved) -> Kind:
    """The kind of `x in name`, `x in ['a', 'b']` and `'a' in set`."""
    if isinstance(node.options, tuple):
        kind = run.infer(node.operand, level, (), proved)
        return kind if kind is BAD else match(run, node.operand, kind, node.options)
    named = run.names.by_name.get(node.options.name)
    if named is not None and named.role == "list":
        return _in_list(run, node, named.definition.of, level, proved)
    container = run.infer(node.options, level, None, proved)
    if container is BAD:
        return BAD
    if container.type != "set" or not isinstance(node.operand, Text):
        run.report(node, "table.membership", text=spell(node), found=TYPES[container.type])
        return BAD
    kind = text(run, node.operand, container.domain)
    run.of_node[id(node.operand)] = kind
    return BAD if kind is BAD else replace(BOOL, missing=container.missing)


def _in_list(run: Inference, node: In, of: str, level: str, proved: Proved) -> Kind:
    kind = run.infer(node.operand, level, (), proved)
    declared = run.of_name.get(of, BAD)
    if kind is BAD or declared.type not in ("enum", "code"):
        return BAD
    operand = node.operand
    other = isinstance(operand, Name) and operand.name != of and operand.name in run.names.attributes
    if kind.type != declared.type or kind.domain != declared.domain or other:
        run.report(operand, "table.list_of", of=of, text=spell(operand))
        return BAD
    return replace(BOOL, missing=kind.missing)


def choice_domain(run: Inference, values: Sequence[Node]) -> tuple[str, ...] | None:
    """The legal values of texts in a choice: those of an enum beside them, else the texts themselves."""
    texts: dict[str, None] = {}
    for value in leaves(values):
        if isinstance(value, Text):
            texts[value.value] = None
        elif isinstance(value, Name):
            kind = run.of_name.get(value.name, BAD)
            if kind is not BAD and kind.type == "enum":
                return kind.domain
    return tuple(texts) or None


def leaves(values: Iterable[Node]) -> Iterator[Node]:
    """The values that choices within choices can give."""
    for value in values:
        if isinstance(value, Cases):
            yield from leaves([*(part for _, part in value.cases), value.otherwise])
        elif isinstance(value, Call) and value.function == "or_else":
            yield from leaves(value.arguments)
        else:
            yield value
