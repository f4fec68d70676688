"""Random expressions of every kind, unit and level, over the names that a random table has so far.

Everything is drawn through `Choice`, so that the same generator serves seeded runs and Hypothesis (which can then
shrink what it finds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")

M, Y, STOCK, PLAIN = "money/month", "money/year", "money", ""
LEVELS = ("household", "member", "supporter", "transfer")
ABOVE = {
    "household": ("household",),
    "member": ("member", "household"),
    "supporter": ("supporter", "member", "household"),
    "transfer": ("transfer", "member", "household"),
}
BELOW = {"household": ("member", "supporter", "transfer"), "member": ("supporter", "transfer")}
NUMBERS: dict[str, dict[str, tuple[str, ...]]] = {
    "household": {
        PLAIN: ("boats", "motor_vehicles", "business_share_percent"),
        STOCK: ("financial_assets", "vehicle_value"),
        Y: ("rigid_medical_year", "income_year_before"),
        M: ("previous_benefit_month",),
    },
    "member": {
        PLAIN: ("disability_grade", "refused_jobs"),
        M: ("wage_month",),
        Y: ("business_income_year", "property_income_year"),
    },
    "supporter": {PLAIN: ("supporter_children_count",), Y: ("supporter_income_year",), M: ("supporter_agreed_month",)},
    "transfer": {STOCK: ("amount",)},
}
BOOLS = {
    "household": ("registered_poor", "complex_case", "blacklisted"),
    "member": ("veteran", "bedridden"),
    "supporter": ("supporter_luxury_assets",),
    "transfer": (),
}
ENUMS = {
    "household": (("dwelling_tenure", ("owned", "rented", "none")), ("residence_type", ("urban", "rural"))),
    "member": (("health_class", ("h1", "h2", "h6")), ("sex", ("female", "male"))),
    "supporter": (("supporter_occupation", ("farming", "enterprise")),),
    "transfer": (("kind", ("gift", "pension", "charity")), ("period", ("month", "year", "once"))),
}
DATES = {"household": ("record_date",), "member": ("birth_date", "job_since"), "supporter": (), "transfer": ("month",)}
MODES = ("floor", "ceil", "half_up", "half_even")


class Choice(Protocol):
    """Where randomness comes from."""

    def pick(self, options: Sequence[T]) -> T:
        """One of several."""

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""


@dataclass
class Expressions:
    """The names a table has so far, by level, type and unit, and expressions over them."""

    choice: Choice
    constants: dict[str, list[str]] = field(default_factory=dict)
    parameters: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    truths: dict[str, list[str]] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    enums: dict[str, list[str]] = field(default_factory=dict)
    late: bool = False
    count: int = 0

    def chance(self, one_in: int) -> bool:
        """True about once in so many."""
        return self.choice.whole(1, one_in) == 1

    def fresh(self, stem: str) -> str:
        """A new name."""
        self.count += 1
        return f"{stem}{self.count}"

    # --- expressions ---

    def number(self, level: str, unit: str, depth: int) -> str:
        """An expression for a number of a unit at a level."""
        kinds = ["leaf"] * 3 if depth > 0 else ["leaf"]
        if depth > 0:
            kinds += ["sum", "difference", "scaled", "extreme", "choice", "rounded", "negated", "default", "divided"]
            if level in BELOW:
                kinds += ["aggregate"] * 3
            kinds += {PLAIN: ["age", "lookup", "whole"], M: ["per_month"], Y: ["per_year"]}.get(unit, [])
        down = depth - 1
        match self.choice.pick(kinds):
            case "sum":
                return f"({self.number(level, unit, down)} + {self.number(level, unit, down)})"
            case "difference":
                return f"({self.number(level, unit, down)} - {self.number(level, unit, down)})"
            case "scaled":
                return f"({self.number(level, unit, down)} * {self.constant(PLAIN)})"
            case "divided":
                return f"({self.number(level, unit, down)} / {self.constant(PLAIN)})"
            case "extreme":
                function = self.choice.pick(("min", "max"))
                other = self.choice.pick((self.number(level, unit, down), "0"))
                return f"{function}({self.number(level, unit, down)}, {other})"
            case "choice":
                then, other = self.number(level, unit, down), self.number(level, unit, down)
                return f"({then} if {self.truth(level, down)} else {other})"
            case "rounded":
                to = self.choice.pick(("fen", "jiao", "yuan") if "money" in unit else ("whole", "cent"))
                return f"round({self.number(level, unit, down)}, to = {to}, mode = '{self.choice.pick(MODES)}')"
            case "negated":
                return f"(-{self.number(level, unit, down)})"
            case "default":
                return f"or_else({self.number(level, unit, down)}, {self.number(level, unit, 0)})"
            case "aggregate":
                return self.aggregate(level, unit, down)
            case "per_month":
                return f"per_month({self.number(level, Y, down)})"
            case "per_year":
                return f"per_year({self.number(level, M, down)})"
            case "age":
                return self.dates(level)
            case "lookup":
                return self.lookup(level)
            case "whole":
                return f"{self.choice.pick(('floor', 'ceil'))}({self.number(level, PLAIN, down)})"
        return self.leaf(level, unit)

    def leaf(self, level: str, unit: str) -> str:
        """A name of the unit that is seen from the level, or 1."""
        names = [name for above in ABOVE[level] for name in NUMBERS[above].get(unit, ())]
        names += [name for above in ABOVE[level] for name in self.numbers.get((above, unit), ())] * 3
        names += self.constants.get(unit, []) + self.parameters.get(unit, [])
        if unit == PLAIN:
            names += ["1", "lot"] + (self.items if self.late and level == "household" else [])
        return self.choice.pick(names)

    def constant(self, unit: str) -> str:
        """A constant of the unit."""
        return self.choice.pick(self.constants[unit])

    def dates(self, level: str) -> str:
        """Whole years or months from dates."""
        names = [name for above in ABOVE[level] for name in DATES[above]]
        if self.chance(2):
            return f"age({self.choice.pick(names)})"
        return f"months_between({self.choice.pick(names)}, {self.choice.pick([*names, 'on'])})"

    def lookup(self, level: str) -> str:
        """A cell of one of the tables' look-ups."""
        if level == "household":
            return f"lookup(stock, {self.number(level, STOCK, 0)})"
        if self.chance(2):
            return "lookup(grades, disability_grade)"
        return f"lookup(health, health_class, '{self.choice.pick(('low', 'high'))}')"

    def dotted(self, entity: str, unit: str) -> str | None:
        """A value of an entity with its dot, or None if there is none of the unit."""
        names = [*NUMBERS[entity].get(unit, ()), *self.numbers.get((entity, unit), ())]
        return f"{entity}.{self.choice.pick(names)}" if names else None

    def aggregate(self, level: str, unit: str, depth: int) -> str:
        """An aggregate over rows below; plain leaves where nothing fits."""
        entity = self.choice.pick(BELOW[level])
        extra = f", where = {self.truth(entity, depth, inside=True)}" if self.chance(2) else ""
        if level == "household" and self.chance(5):
            extra += ", everyone = true"
        if unit == PLAIN and self.chance(2):
            return f"count({entity}{extra})"
        value = self.dotted(entity, unit)
        if value is None:
            return self.leaf(level, unit)
        if self.chance(3):
            value = f"({value} + {self.leaf(entity, unit)})"
        function = self.choice.pick(("sum", "sum", "largest", "smallest"))
        if function != "sum":
            extra += f", default = {self.choice.pick((self.leaf(level, unit), '0'))}"
        return f"{function}({value}{extra})"

    def truth(self, level: str, depth: int, inside: bool = False) -> str:
        """A condition at a level; inside an aggregate nothing folds again."""
        kinds = ["fact", "fact", "compare", "enum", "day"]
        if depth > 0:
            kinds += ["and", "or", "not", "known", "chain"]
            if level in BELOW and not inside:
                kinds += ["any", "all"]
        down = 0 if inside else depth - 1
        match self.choice.pick(kinds):
            case "compare":
                return self.comparison(level, down, inside)
            case "day":
                names = [name for above in ABOVE[level] for name in DATES[above]]
                op = self.choice.pick(("<", "<=", "==", "!=", ">"))
                return f"{self.choice.pick(names)} {op} {self.choice.pick([*names, 'on'])}"
            case "chain":
                unit = PLAIN
                low, value, high = (self.number(level, unit, 0) for _ in range(3))
                return f"{low} <= {value} < {high}"
            case "enum":
                name, values = self.choice.pick([one for above in ABOVE[level] for one in ENUMS[above]])
                value = self.choice.pick(values)
                forms = (f"== '{value}'", f"!= '{value}'", f"in ['{value}', '{values[0]}']", f"not in ['{value}']")
                return f"{name} {self.choice.pick(forms)}"
            case "and":
                return f"({self.truth(level, down, inside)} and {self.truth(level, down, inside)})"
            case "or":
                return f"({self.truth(level, down, inside)} or {self.truth(level, down, inside)})"
            case "not":
                return f"(not {self.truth(level, down, inside)})"
            case "known":
                return f"known({self.leaf(level, self.choice.pick((PLAIN, M, Y)))})"
            case "any" | "all" as function:
                entity = self.choice.pick(BELOW[level])
                names = [*BOOLS[entity], *self.truths.get(entity, ())]
                extra = f", where = {self.truth(entity, 0, inside=True)}" if self.chance(2) else ""
                if function == "any" and (not names or self.chance(3)):
                    return f"any({entity}{extra})"
                if names:
                    return f"{function}({entity}.{self.choice.pick(names)}{extra})"
        names = [name for above in ABOVE[level] for name in (*BOOLS[above], *self.truths.get(above, ()))]
        extra = ["'medical' in needs", "dwelling_tenure in homes"]
        if level != "household":
            extra += ["severe_illness_code in codes", "severe_illness_code != 'C34'"]
        if level == "household" and self.late:
            extra += self.verdicts
        extra += [f"{name} == 'rented'" for above in ABOVE[level] for name in self.enums.get(above, ())]
        return self.choice.pick([*names, *extra])

    def comparison(self, level: str, depth: int, inside: bool) -> str:
        """Two numbers of one unit, or a ratio and a number."""
        op = self.choice.pick(("<", "<=", ">", ">=", "==", "!="))
        unit = self.choice.pick((PLAIN, M, Y, STOCK) if level == "household" else (PLAIN, M, Y))
        left, right = self.number(level, unit, 0 if inside else depth), self.number(level, unit, 0)
        right = self.choice.pick((right, right, "0"))
        if self.chance(4):
            left = f"{left} / {self.divisor(level)}"
        return f"{left} {op} {right}"

    def divisor(self, level: str) -> str:
        """Something that is at least its smallest step."""
        return self.choice.pick(("persons", "supporter_household_size") if level == "supporter" else ("persons",))
