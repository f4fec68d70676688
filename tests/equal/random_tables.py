"""Small random tables that use every construct of the language, as TOML.

Most tables made here pass the checker; the others are refused by it and left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .random_expressions import MODES, PLAIN, STOCK, Expressions, M, Y

HEALTH = ("h1", "h2", "h3", "h4", "h5", "h6")
TITLE = 'title = { zh = "随机", en = "random" }'


@dataclass
class Generator(Expressions):
    """One table while it is made."""

    lines: list[str] = field(default_factory=list)

    def section(self, head: str, *rows: str) -> None:
        """One section of the file."""
        self.lines += [f"[[{head}]]", *(row for row in rows if row)]

    def table(self) -> str:
        """The whole table."""
        self.lines += [
            "[table]",
            'id = "random"',
            "version = 2018-01-01",
            TITLE,
            'place = { zh = "某地", en = "Somewhere" }',
            'currency = "CNY"',
            "[household]",
            self.choice.pick(("counted = \"member_counted == 'counted'\"", "", 'counted = "not bedridden"')),
            "[missing]",
            *(
                line
                for line in (
                    "wage_month = { assume = 12.5 }",
                    "veteran = { assume = true }",
                    'dwelling_tenure = { assume = "rented" }',
                    "boats = { assume = 3 }",
                )
                if self.chance(4)
            ),
        ]
        self.inputs()
        self.requires()
        for _ in range(self.choice.whole(1, 6)):
            self.derive()
        self.scores()
        self.late = True
        self.vetoes()
        self.verdicts = ["refused", "deferred", "(not refused)"]
        self.ladders()
        self.benefit()
        for _ in range(self.choice.whole(0, 2)):
            self.output()
        self.rank()
        return "\n".join(line for line in self.lines if line) + "\n"

    def inputs(self) -> None:
        """Constants, parameters, look-ups, lists."""
        for unit in (PLAIN, M, Y, STOCK):
            for _ in range(2):
                name = self.fresh("c")
                pool = (
                    ("2", "0.5", '"1/3"', "1.25", "7") if unit == PLAIN else ("100", "0.01", "333.33", "5000", '"7/3"')
                )
                self.section(
                    "constant", f'name = "{name}"', TITLE, f'unit = "{unit}"', f"value = {self.choice.pick(pool)}"
                )
                self.constants.setdefault(unit, []).append(name)
        for unit, as_of in ((M, "assessment"), (Y, "previous_year_end"), (M, "calendar_year_before")):
            if self.chance(2):
                name = "p_" + as_of
                bounds = "bounds = [1, 100_000]"
                self.section("parameter", f'name = "{name}"', TITLE, f'unit = "{unit}"', bounds, f'as_of = "{as_of}"')
                self.parameters.setdefault(unit, []).append(name)
        cells = [[self.choice.pick(("0", "1.5", '"1/3"', '""')) for _ in range(2)] for _ in HEALTH]
        shown = ", ".join(f"[{', '.join(row)}]" for row in cells)
        names = ", ".join(f'"{value}"' for value in HEALTH)
        self.section(
            "lookup", 'name = "health"', TITLE, f'rows = {{ of = "health_class", values = [{names}] }}',
            'columns = { values = ["low", "high"] }', f"cells = [{shown}]",
        )  # fmt: skip
        edge = self.choice.pick(("below", "at_most"))
        self.section(
            "lookup", 'name = "stock"', TITLE,
            f'rows = {{ unit = "money", bands = [{{ {edge} = 100 }}, {{ below = 2000.5 }}, {{ otherwise = true }}] }}',
            "cells = [1, 0.25, -3]",
        )  # fmt: skip
        self.section("lookup", 'name = "grades"', TITLE, "rows = { first = 0, last = 4 }", "cells = [0, 1, 2.5, -1, 7]")
        self.section("list", 'name = "codes"', TITLE, 'of = "severe_illness_code"', 'values = ["I10", "F20"]')
        self.section("list", 'name = "homes"', TITLE, 'of = "dwelling_tenure"', 'values = ["owned", "borrowed"]')

    def requires(self) -> None:
        """The household's size, by which ratios divide, and perhaps bounds on facts."""
        counted = self.choice.pick(("count(member)", "count(member, everyone = true)"))
        self.section("derive", 'name = "persons"', f'expr = "{counted}"')
        self.section("require", 'id = "persons"', 'value = "persons"', "at_least = 1", self.outside())
        self.numbers.setdefault(("household", PLAIN), []).append("persons")
        for name, low, high in (("wage_month", 0, 9_000), ("boats", 1, 4), ("supporter_income_year", 5, 50_000)):
            if self.chance(3):
                unless = f'unless = "{self.choice.pick(("complex_case", "registered_poor"))}"' if self.chance(3) else ""
                bounds = self.choice.pick(
                    (f"at_least = {low}", f"at_most = {high}", f"at_least = {low}\nat_most = {high}")
                )
                self.section("require", f'id = "r_{name}"', f'value = "{name}"', bounds, unless, self.outside())
        if self.chance(4):
            self.section(
                "require", 'id = "tenure"', 'value = "dwelling_tenure"', 'one_of = ["owned", "rented"]', self.outside()
            )

    def outside(self) -> str:
        """What happens outside the bounds."""
        return self.choice.pick(("", "", 'outside = "needs_review"', 'outside = "reject"'))

    def derive(self) -> None:
        """A value of any level and type."""
        level = self.choice.pick(("household", "household", "member", "member", "supporter", "transfer"))
        name = self.fresh("d")
        if self.chance(3):
            self.section("derive", f'name = "{name}"', f'level = "{level}"', f'expr = "{self.truth(level, 2)}"')
            self.truths.setdefault(level, []).append(name)
            return
        if self.chance(6):
            cases = (
                f"""{{ when = "{self.truth(level, 1)}", value = "dwelling_tenure" }}, {{ otherwise = "'rented'" }}"""
            )
            self.section("derive", f'name = "{name}"', f'level = "{level}"', f"cases = [{cases}]")
            self.enums.setdefault(level, []).append(name)
            return
        unit = self.choice.pick((PLAIN, M, Y, STOCK) if level in ("household", "transfer") else (PLAIN, M, Y))
        if self.chance(3):
            cases = f'{{ when = "{self.truth(level, 1)}", value = "{self.number(level, unit, 1)}" }}'
            body = f'cases = [{cases}, {{ otherwise = "{self.number(level, unit, 1)}" }}]'
        else:
            body = f'expr = "{self.number(level, unit, 2)}"'
        self.section("derive", f'name = "{name}"', f'level = "{level}"', f'unit = "{unit}"', body)
        if self.chance(4):
            low = self.choice.pick((-5, 0, 1, 100))
            bounds = self.choice.pick(
                (f"at_least = {low}", f"at_most = {low}", f"at_least = {low}\nat_most = {low + 90}")
            )
            self.section("require", f'id = "r_{name}"', f'value = "{name}"', bounds, self.outside())
        self.numbers.setdefault((level, unit), []).append(name)

    def scores(self) -> None:
        """Indices, groups, items, and the vetoes that items raise."""
        several = self.chance(3)
        self.section("index", 'id = "main"', TITLE, f"decimals = {self.choice.whole(0, 3)}", self.limit(20))
        if several:
            self.section("index", 'id = "other"', TITLE, "decimals = 2", self.limit(15))
        self.section("group", 'id = "top"', TITLE, self.limit(12))
        self.section("group", 'id = "under"', TITLE, 'parent = "top"', self.limit(6))
        self.section("veto", 'id = "raised"', TITLE, f'effect = "{self.choice.pick(("refuse", "defer"))}"')
        for number in range(self.choice.whole(1, 5)):
            self.item(several, number == 0)

    def limit(self, high: int) -> str:
        """A cap, a floor, both or none."""
        cap = f"cap = {self.choice.whole(1, high)}" if self.chance(2) else ""
        floor = f"floor = {self.choice.whole(-3, 0)}" if self.chance(3) else ""
        return "\n".join(row for row in (floor, cap) if row)

    def points(self, several: bool) -> str:
        """Points, perhaps for each index."""
        pool = ("0", "1", "2", "5", "-2", "2.5", '"1/3"')
        if several and self.chance(2):
            return f"{{ main = {self.choice.pick(pool)}, other = {self.choice.pick(pool)} }}"
        return self.choice.pick(pool)

    def item(self, several: bool, raises: bool) -> None:
        """An item of any form."""
        name = self.fresh("i")
        group = self.choice.pick(('group = "top"', 'group = "under"', ""))
        per = self.choice.pick(("", "", "member", "supporter", "transfer"))
        level = per or "household"
        veto = ', veto = "raised"' if raises else ""
        rows = [f'id = "{name}"', TITLE, group, f'per = "{per}"' if per else ""]
        if per and self.chance(5):
            rows.append("everyone = true")
        form = "bands" if raises else self.choice.pick(("when", "bands", "cases", "both", "expr"))
        if form == "when":
            rows += [f'when = "{self.truth(level, 1)}"', f"points = {self.points(several)}"]
        if form == "expr":
            rows.append(f'expr = "{self.number(level, PLAIN, 1)}"')
        if form in ("cases", "both"):
            rows.append(f'cases = [{{ when = "{self.truth(level, 1)}", points = {self.points(several)} }}]')
        if form in ("bands", "both"):
            unit = self.choice.pick((PLAIN, M, Y)) if level != "transfer" else STOCK
            value = self.number(level, unit, 1)
            if level == "household" and self.chance(3):
                value = f"{value} / persons"
            low = self.choice.whole(-2, 3) if unit == PLAIN else self.choice.pick((0, 100, 333))
            edges = [
                (self.choice.pick(("below", "at_most")), low + step) for step in (0, 1, self.choice.whole(2, 5_000))
            ]
            bands = [f"{{ {edge} = {at}, points = {self.points(several)} }}" for edge, at in edges]
            bands.append(f"{{ otherwise = true, points = {self.points(several)}{veto} }}")
            rows += [f'value = "{value}"', f'unit = "{unit}"', f"bands = [{', '.join(bands)}]"]
        if self.chance(3):
            rows.append(f"missing = {{ points = {self.points(several)} }}")
        if self.chance(3):
            rows.append(f"cap = {self.choice.whole(0, 6)}")
        if self.chance(4):
            rows.append(f"floor = {self.choice.whole(-4, 0)}")
        self.section("item", *rows)
        self.items.append(name)

    def vetoes(self) -> None:
        """Vetoes with a condition of their own; what they come to has names."""
        for effect in ("refuse", "defer"):
            if self.chance(2):
                name = self.fresh("V")
                self.section(
                    "veto", f'id = "{name}"', TITLE, f'effect = "{effect}"', f'when = "{self.truth("household", 2)}"'
                )

    def test(self, level: str = "household") -> str:
        """One test of a rung."""
        unit = self.choice.pick((PLAIN, M, Y))
        value = self.number(level, unit, 1)
        if self.chance(3):
            value = f"{value} / persons"
        edge = self.choice.pick(("below", "at_most", "at_least", "above"))
        unless = f', unless = "{self.truth(level, 0)}"' if self.chance(3) else ""
        return f'{{ value = "{value}", {edge} = "{self.number(level, unit, 0)}"{unless} }}'

    def ladders(self) -> None:
        """Another ladder, the circle, persons."""
        for ladder in ("classes", "circle"):
            if not self.chance(4):
                pick = self.choice.pick(("first", "all")) if ladder == "classes" else "first"
                rungs = []
                for rung in ("one", "two")[: self.choice.whole(1, 2)]:
                    tests = ", ".join(self.test() for _ in range(self.choice.whole(0, 2)))
                    also = f', also = "{self.truth("household", 1)}"' if self.chance(2) or not tests else ""
                    outcome = self.choice.pick(("", ', outcome = "needs_review"'))
                    rungs.append(
                        f'{{ id = "{rung}", {TITLE}, tests = [{tests}]{also}{outcome if ladder == "circle" else ""} }}'
                    )
                otherwise = f'otherwise = {{ id = "zero", {TITLE} }}'
                self.section(
                    "ladder", f'id = "{ladder}"', TITLE, f'pick = "{pick}"', otherwise, f"rung = [{', '.join(rungs)}]"
                )
                self.verdicts.append("'one' in classes" if pick == "all" else f"{ladder} == 'one'")
        if self.chance(2):
            also = f" or {self.choice.pick(self.verdicts)}" if self.chance(2) else ""
            benefit = f"round(max(0, {self.number('member', M, 1)}), to = fen, mode = 'half_up')"
            remaining = self.choice.pick(("counts", "leaves"))
            self.section(
                "person", 'id = "alone"', TITLE, f'when = "{self.truth("member", 1)}{also}"',
                f"tests = [{self.test('member')}]",
                f'benefit = "{benefit}"', f'remaining = "{remaining}"',
            )  # fmt: skip

    def benefit(self) -> None:
        """Benefit steps, the exit, the review, income per head."""
        pay: list[str] = []
        if not self.chance(4):
            self.section("benefit", 'name = "gross"', f'unit = "{M}"', f'expr = "{self.number("household", M, 1)}"')
            amount = (
                f"round(max(0, gross - {self.number('household', M, 0)}), to = fen, mode = '{self.choice.pick(MODES)}')"
            )
            self.section("benefit", 'name = "pay"', f'unit = "{M}"', f'expr = "{amount}"')
            pay = ["pay"]
        if self.chance(3):
            self.lines += [
                "[exit]",
                f'when = "{self.truth("household", 1)}"',
                'months = "boats"',
                'amount = "previous_benefit_month"',
            ]
        if self.chance(3):
            self.lines += [
                "[review]",
                f'when = "{self.truth("household", 1)}"' if self.chance(2) else "",
                'months = "boats"',
                'since = "record_date"' if self.chance(2) else "",
                f'holds = "{self.truth("household", 1)}"' if self.chance(2) else "",
            ]
        if not self.chance(3):
            unit = self.choice.pick((M, Y))
            self.late = False  # income per head is known before the items
            self.lines += [
                "[results]",
                f'income_per_head = "{self.number("household", unit, 1)} / persons"',
                f'mode = "{self.choice.pick(MODES)}"',
            ]
        self.late = True
        self.numbers.setdefault(("household", M), []).extend(pay)

    def output(self) -> None:
        """A further column."""
        name = self.fresh("o")
        show = (
            f'show = {{ to = {self.choice.pick(("1", "0.1", "0.05"))}, mode = "{self.choice.pick(MODES)}" }}'
            if self.chance(2)
            else ""
        )
        if self.chance(3):
            expr = self.choice.pick((self.truth("household", 1), "dwelling_tenure", "record_date"))
            self.section("output", f'name = "{name}"', f'expr = "{expr}"')
        else:
            unit = self.choice.pick((PLAIN, M, STOCK))
            value = self.number("household", unit, 1) + self.choice.pick(("", " / persons"))
            self.section("output", f'name = "{name}"', f'unit = "{unit}"', f'expr = "{value}"', show)

    def rank(self) -> None:
        """Who is ranked and by what."""
        among = f'among = "{self.truth("household", 1)}"' if self.chance(3) else ""
        self.lines += ["[rank]", among]
        ladders = [name.split(" ")[0] for name in self.verdicts if name.endswith("== 'one'")]
        values = [
            *ladders,
            *self.enums.get("household", ()),
            "main",
            "dwelling_tenure",
            "registered_poor",
            "record_date",
            f"{self.number('household', M, 0)} / persons",
        ]
        for value in [self.choice.pick(values) for _ in range(self.choice.whole(1, 3))]:
            order, nulls = self.choice.pick(("ascending", "descending")), self.choice.pick(("first", "last"))
            show = "show = { to = 0.1 }" if "/" in value and self.chance(2) else ""
            self.section("rank.keys", f'value = "{value}"', f'order = "{order}"', f'nulls = "{nulls}"', show)
