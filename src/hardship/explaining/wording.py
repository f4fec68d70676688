"""Expressions as sentences, with the titles that officials know: `人均年收入 < 低保标准 且 未被否决`.

Used by error messages, public cards and explanations. Brackets stand only where the order of reading needs
them; functions are written with brackets of their own (`较小值（…，…）`), so that no sentence can be
read in two ways.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hardship import messages
from hardship.language import nodes, units
from hardship.language.fields import DeclaredAttribute, Title
from hardship.language.nodes import Node
from hardship.language.table import Ladder, Otherwise, Rung

if TYPE_CHECKING:
    from hardship.language.names import Named, Names

# How tightly each construct binds; a part in a tighter place than its own gets brackets.
CHOICE, OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, ATOM = range(9)

COMPARISONS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥"}
SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}
FUNCTIONS = {
    "min": "explain.w_min",
    "max": "explain.w_max",
    "clip": "explain.w_clip",
    "floor": "explain.w_floor",
    "ceil": "explain.w_ceil",
    "months_between": "explain.w_months_between",
    "per_month": "explain.w_per_month",
    "per_year": "explain.w_per_year",
    "known": "explain.w_known",
    "or_else": "explain.w_or_else",
}
CONVERSIONS = ("per_month", "per_year")
ROUNDINGS = {
    "half_up": "explain.w_round_half_up",
    "half_even": "explain.w_round_half_even",
    "floor": "explain.w_round_floor",
    "ceil": "explain.w_round_ceil",
}
ROUND_TO = {
    "fen": "explain.w_fen",
    "cent": "explain.w_fen",
    "jiao": "explain.w_jiao",
    "yuan": "explain.w_yuan",
    "whole": "explain.w_whole",
}
ENTITIES = {
    "member": "explain.w_member",
    "supporter": "explain.w_supporter",
    "transfer": "explain.w_transfer",
}
COUNTS = {
    "member": "explain.w_count_member",
    "supporter": "explain.w_count_supporter",
    "transfer": "explain.w_count_transfer",
}
AGGREGATES = {
    "sum": "explain.w_sum",
    "any": "explain.w_any",
    "all": "explain.w_all",
    "largest": "explain.w_largest",
    "smallest": "explain.w_smallest",
}
BASES = {
    "month": "explain.u_month",
    "months": "explain.u_months",
    "year": "explain.u_year",
    "m2": "explain.u_m2",
    "mu": "explain.u_mu",
}
CURRENCIES = {"CNY": "explain.u_cny", "USD": "explain.u_usd", "CLP": "explain.u_clp"}
BUILTINS = {
    "on": "explain.w_on",
    "lot": "explain.w_lot",
    "refused": "explain.w_refused",
    "deferred": "explain.w_deferred",
}
NEGATED = {"refused": "explain.w_not_refused", "deferred": "explain.w_not_deferred"}


def unit_text(unit: units.Unit | str, lang: str, currency: str = "CNY") -> str:
    """A unit in words: `元/月`, `yuan a month`; empty for counts and rates."""
    if isinstance(unit, str):
        unit = units.parse(unit)

    def base(name: str, power: int) -> str:
        if name != "money":
            word = messages.text(BASES[name], lang)
        else:
            word = messages.text(CURRENCIES[currency], lang) if currency in CURRENCIES else currency
        return word if power == 1 else f"{word}{power}"

    powers = list(zip(units.BASES, unit.powers, strict=True))
    above = [base("months" if name == "month" else name, power) for name, power in powers if power > 0]
    below = [base(name, -power) for name, power in powers if power < 0]
    if not above and not below:
        return ""
    text = "·".join(above or [messages.text("explain.u_times", lang)])
    for word in below:
        text = messages.text("explain.u_per", lang, above=text, below=word)
    return text


def number_text(value: Fraction) -> str:
    """A number exactly: a finite decimal (`0.65`), or a fraction (`5/18`)."""
    rest = value.denominator
    twos = fives = 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


class Wording:
    """Puts expressions, names and values of one table into words.

    Args:
        names: the table's resolved names.
        lang: `zh` or `en`.
    """

    def __init__(self, names: Names, lang: str) -> None:
        self.names = names
        self.lang = lang
        self.currency = names.table.table.currency

    def expression(self, node: Node) -> str:
        """The whole expression as one sentence part, without a final stop."""
        return self._at(node, CHOICE)

    def name(self, name: str) -> str:
        """The title of a name, or the name itself where nobody gave it one."""
        if name in BUILTINS:
            return self._say(BUILTINS[name])
        named = self.names.by_name.get(name)
        title = getattr(named.definition, "title", None) if named is not None else None
        return title.text(self.lang) if isinstance(title, Title) else name

    def unit(self, unit: units.Unit | str) -> str:
        """A unit in words, money in the table's currency."""
        return unit_text(unit, self.lang, self.currency)

    def option(self, name: str, value: str) -> str:
        """The title of one legal value of an enum, set, ladder or list; the value itself if it has none."""
        named = self.names.by_name.get(name)
        return self._titled(value, self._titles(named, 0) if named is not None else {})

    def options(self, name: str, values: Iterable[str]) -> list[str]:
        """The titles of several legal values, in the order in which they are declared."""
        named = self.names.by_name.get(name)
        titles = self._titles(named, 0) if named is not None else {}
        places = {value: place for place, value in enumerate(titles)}
        return [
            self._titled(value, titles)
            for value in sorted(values, key=lambda value: (places.get(value, len(places)), value))
        ]

    def truth(self, value: bool) -> str:
        """`是` / `否`."""
        return self._say("explain.w_yes" if value else "explain.w_no")

    # -- parts -----------------------------------------------------------------------------------------------

    def _say(self, code: str, **params: Any) -> str:
        return messages.text(code, self.lang, **params)

    def _at(self, node: Node, tightness: int) -> str:
        """The node's text, in brackets if it binds less tightly than its place."""
        text, own = self._part(node)
        return self._say("explain.w_brackets", text=text) if own < tightness else text

    def _list(self, parts: tuple[Node, ...]) -> str:
        return self._say("explain.w_comma").join(self._at(node, CHOICE) for node in parts)

    def _part(self, node: Node) -> tuple[str, int]:
        match node:
            case nodes.Number():
                return str(node.value), ATOM
            case nodes.Text():
                return self._say("explain.w_quoted", text=node.value), ATOM
            case nodes.Truth():
                return self.truth(node.value), ATOM
            case nodes.Name():
                return self._name(node), ATOM
            case nodes.Negate():
                return "−" + self._at(node.operand, SIGN), SIGN
            case nodes.Binary():
                return self._binary(node)
            case nodes.Compare():
                return self._compare(node), COMPARE
            case nodes.In():
                return self._in(node), COMPARE
            case nodes.And():
                return self._and(node)
            case nodes.Or():
                return self._say("explain.w_or").join(self._at(part, AND) for part in node.operands), OR
            case nodes.Not():
                return self._not(node)
            case nodes.Cases():
                return self._cases(node), CHOICE
            case nodes.Call():
                return self._call(node), ATOM
            case nodes.Aggregate():
                return self._aggregate(node), ATOM
            case _:
                raise TypeError(type(node).__name__)

    def _name(self, node: nodes.Name) -> str:
        title = self.name(node.name)
        # An English title such as "lost or stolen land" would run into the words around it.
        if self.lang == "en" and {"and", "or", "not", "is", "in", "if", "where"} & set(title.lower().split()):
            return self._say("explain.w_quoted", text=title)
        return title

    def _binary(self, node: nodes.Binary) -> tuple[str, int]:
        own = SUM if node.op in "+-" else PRODUCT
        # a − (b + c) and a ÷ (b × c) need their brackets; a + (b − c) and a × (b × c) do not.
        right = own + 1 if node.op in "-/" or (node.op == "*" and _divides(node.right)) else own
        return f"{self._at(node.left, own)} {SIGNS[node.op]} {self._at(node.right, right)}", own

    def _compare(self, node: nodes.Compare) -> str:
        if node.op in COMPARISONS:
            left, right = self._at(node.left, SUM), self._at(node.right, SUM)
            return f"{left} {COMPARISONS[node.op]} {right}"
        titles = self._domain(node.left) or self._domain(node.right)
        left, right = self._choice(node.left, titles), self._choice(node.right, titles)
        code = "explain.w_equal" if node.op == "==" else "explain.w_unequal"
        if (
            not titles
            and not isinstance(node.left, nodes.Text)
            and not isinstance(node.right, nodes.Text | nodes.Truth)
        ):
            return f"{left} {'=' if node.op == '==' else '≠'} {right}"
        return self._say(code, left=left, right=right)

    def _in(self, node: nodes.In) -> str:
        if isinstance(node.options, nodes.Name):
            titles = self._domain(node.options)
            named = self.names.by_name.get(node.options.name)
            if named is not None and named.role == "list":
                code = "explain.w_not_in_list" if node.negated else "explain.w_in_list"
                return self._say(code, left=self._at(node.operand, SUM), right=self.name(node.options.name))
            code = "explain.w_not_contains" if node.negated else "explain.w_contains"
            return self._say(code, left=self._name(node.options), right=self._choice(node.operand, titles))
        titles = self._domain(node.operand)
        options = self._say("explain.w_or_list").join(self._choice(option, titles) for option in node.options)
        several = len(node.options) > 1
        if node.negated:
            code = "explain.w_unequal_any" if several else "explain.w_unequal"
        else:
            code = "explain.w_equal_any" if several else "explain.w_equal"
        return self._say(code, left=self._at(node.operand, SUM), right=options)

    def _and(self, node: nodes.And) -> tuple[str, int]:
        parts: list[str] = []
        last: Node | None = None
        for part in node.operands:
            chained = isinstance(part, nodes.Compare) and part.op in COMPARISONS and part.left is last
            if chained and isinstance(part, nodes.Compare):
                parts[-1] += f" {COMPARISONS[part.op]} {self._at(part.right, SUM)}"
            else:
                parts.append(self._at(part, NOT))
            last = part.right if isinstance(part, nodes.Compare) and part.op in COMPARISONS else None
        return self._say("explain.w_and").join(parts), AND if len(parts) > 1 else COMPARE

    def _not(self, node: nodes.Not) -> tuple[str, int]:
        inner = node.operand
        if isinstance(inner, nodes.Name) and inner.name in NEGATED:
            return self._say(NEGATED[inner.name]), ATOM
        if isinstance(inner, nodes.Name):
            return self._say("explain.w_equal", left=self._name(inner), right=self.truth(False)), COMPARE
        return self._say("explain.w_not", text=self.expression(inner)), ATOM

    def _cases(self, node: nodes.Cases) -> str:
        parts = [
            self._say("explain.w_case", when=self._at(when, OR), value=self._at(value, OR))
            for when, value in node.cases
        ]
        parts.append(self._say("explain.w_otherwise", value=self._at(node.otherwise, OR)))
        return self._say("explain.w_case_stop").join(parts)

    def _call(self, node: nodes.Call) -> str:
        arguments = node.arguments
        if node.function == "age":
            if isinstance(arguments[0], nodes.Name) and arguments[0].name == "birth_date":
                return self._say("explain.w_age")
            return self._say("explain.w_age_of", value=self.expression(arguments[0]))
        if node.function == "round":
            to, mode = node.option("to"), node.option("mode")
            step = self._step(to)
            code = ROUNDINGS[mode.value if isinstance(mode, nodes.Text) else "half_up"]
            return self._say(code, value=self.expression(arguments[0]), to=step)
        if node.function == "lookup":
            title = self._at(arguments[0], CHOICE)
            domain = self._domain(arguments[0])
            where = self._say("explain.w_comma").join(self._choice(part, domain) for part in arguments[1:])
            return self._say("explain.w_lookup", title=title, where=where)
        texts = [self._at(part, PRODUCT if node.function in CONVERSIONS else CHOICE) for part in arguments]
        first, second, third = (*texts, "", "", "")[:3]
        return self._say(FUNCTIONS[node.function], all=self._list(arguments), first=first, second=second, third=third)

    def _step(self, to: Node | None) -> str:
        if isinstance(to, nodes.Name) and to.name in ROUND_TO:
            if to.name != "whole" and self.currency != "CNY":
                return self._say("explain.w_cent" if to.name in ("fen", "cent") else "explain.w_whole")
            return self._say(ROUND_TO[to.name])
        return self._say("explain.w_multiple", value=self.expression(to)) if to is not None else ""

    def _aggregate(self, node: nodes.Aggregate) -> str:
        entity = self._say(ENTITIES[node.entity])
        inside = "" if node.value is None else self.expression(node.value)
        if node.where is not None:
            where = self._say("explain.w_where", condition=self.expression(node.where))
            inside = f"{inside}{self._say('explain.w_semicolon')}{where}" if inside else where
        if node.default is not None:
            default = self._say("explain.w_default", value=self.expression(node.default))
            inside = f"{inside}{self._say('explain.w_semicolon')}{default}"
        if node.everyone:
            everyone = self._say("explain.w_everyone")
            inside = f"{inside}{self._say('explain.w_semicolon')}{everyone}" if inside else everyone
        inside = self._say("explain.w_inside", text=inside) if inside else ""
        if node.function == "count":
            return self._say(COUNTS[node.entity]) + inside
        return self._say(AGGREGATES[node.function], entity=entity) + inside

    def _titled(self, value: str, titles: dict[str, str]) -> str:
        """A value's title; `none` has words of its own even where nobody titled it (codes have no titles)."""
        return titles.get(value) or (self._say("explain.w_none") if value == "none" else value)

    # -- legal values ---------------------------------------------------------------------------------------

    def _choice(self, node: Node, titles: dict[str, str]) -> str:
        if isinstance(node, nodes.Text):
            return self._titled(node.value, titles)
        return self._at(node, SUM)

    def _domain(self, node: Node, depth: int = 0) -> dict[str, str]:
        """Titles of the legal values that a node can have; empty if it is no enum or they have no titles."""
        if depth > 8:
            return {}
        match node:
            case nodes.Name():
                named = self.names.by_name.get(node.name)
                return self._titles(named, depth) if named is not None else {}
            case nodes.Cases():
                for part in (*(value for _, value in node.cases), node.otherwise):
                    if found := self._domain(part, depth + 1):
                        return found
            case nodes.Call(function="or_else"):
                return self._domain(node.arguments[0], depth + 1)
            case nodes.Call(function="known" | "age" | "months_between"):
                return {}
        return {}

    def _titles(self, named: Named, depth: int) -> dict[str, str]:
        definition = named.definition
        if isinstance(definition, DeclaredAttribute):
            return {v.value: v.title.text(self.lang) for v in definition.values if v.title is not None}
        if isinstance(definition, Ladder):
            places: list[Rung | Otherwise] = [*definition.rung, definition.otherwise]
            return {place.id: place.title.text(self.lang) for place in places}
        if named.role == "list":
            attribute = self.names.by_name.get(definition.of)
            return self._titles(attribute, depth + 1) if attribute is not None else {}
        if named.role == "derive":
            return self._domain(definition.node, depth + 1)
        return {}


def _divides(node: Node) -> bool:
    """True if a product ends in a division on its right side: a × (b ÷ c) keeps its brackets."""
    return isinstance(node, nodes.Binary) and node.op == "/"
