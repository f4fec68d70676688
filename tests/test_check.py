"""Rules about whole tables: kinds of names, reachable points, what absorbs an unknown fact, everything at once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from hardship import limits
from hardship.checking.check import Checked, check
from hardship.checking.results import distance
from hardship.errors import TableError
from hardship.language.infer_base import written
from hardship.language.kinds import Kind
from hardship.language.names import resolve
from hardship.language.units import parse
from hardship.load import load_table, load_text

TITLE = 'title = { zh = "例", en = "x" }'
HEAD = f'[table]\nid = "t"\nversion = 2018-01-01\n{TITLE}\nplace = {{ zh = "x", en = "x" }}\ncurrency = "CNY"\n'
RANK = '\n[rank]\nkeys = [{ value = "0", order = "ascending" }]\n'
INDEX = f'\n[[index]]\nid = "score"\n{TITLE}\n'
GOOD = Path(__file__).parent / "tables" / "good"


def checked(body: str) -> Checked:
    return load_text(HEAD + body + RANK)


def codes(body: str) -> list[str]:
    """The faults of a table, or its warnings."""
    try:
        return [fault.code for fault in checked(body).warnings]
    except TableError as error:
        return [fault.code for fault in error.faults]


def derive(name: str, expr: str, unit: str = "") -> str:
    return f'\n[[derive]]\nname = "{name}"\nunit = "{unit}"\nexpr = "{expr}"\n'


def item(id_: str, body: str) -> str:
    return f'\n[[item]]\nid = "{id_}"\n{TITLE}\n{body}\n'


def output(name: str, expr: str, unit: str = "") -> str:
    return f'\n[[output]]\nname = "{name}"\nunit = "{unit}"\nexpr = "{expr}"\n'


# ── names ──


def test_a_require_narrows_every_later_use() -> None:
    body = derive("size", "household_size_counted - 1") + output("a", "size + 1")
    body += '\n[[require]]\nid = "r"\nvalue = "size"\nat_least = 2\nat_most = 9\n'
    found = checked(body)
    assert (found.kind_of_name["size"].lo, found.kind_of_name["size"].hi) == (2, 9)
    # The derived value itself is computed from what stands before the clamp.
    raw = found.kind(found.table.derive[0].node)
    assert (raw.lo, raw.hi) == (0, 199)
    assert (found.kind_of_name["a"].lo, found.kind_of_name["a"].hi) == (3, 10)


def test_a_require_with_unless_does_not_narrow() -> None:
    body = '\n[[require]]\nid = "r"\nvalue = "boats"\nat_most = 9\nunless = "registered_poor"\n'
    assert checked(body).kind_of_name["boats"].hi == 100


@pytest.mark.parametrize(("bound", "kept"), [("at_least = 300", 300), ("at_most = -4", -4)])
def test_a_require_beyond_the_bounds_leaves_one_value(bound: str, kept: int) -> None:
    kind = checked(f'\n[[require]]\nid = "r"\nvalue = "boats"\n{bound}\n').kind_of_name["boats"]
    assert (kind.lo, kind.hi) == (kept, kept)


def test_two_requires_clamp_in_order() -> None:
    body = '\n[[require]]\nid = "r"\nvalue = "boats"\nat_least = 9\n'
    body += '\n[[require]]\nid = "s"\nvalue = "boats"\nat_most = 5\n'
    kind = checked(body).kind_of_name["boats"]
    assert (kind.lo, kind.hi) == (5, 5)


def test_an_assumed_attribute_is_never_missing() -> None:
    found = checked("\n[missing]\nboats = { assume = 0 }\n" + output("a", "boats + motor_vehicles"))
    assert found.kind_of_name["a"].missing == {"motor_vehicles"}


def test_a_parameter_is_missing_with_the_kind_of_residence() -> None:
    parameter = f'\n[[parameter]]\nname = "line"\n{TITLE}\nunit = "money/month"\nbounds = [1, 500]\n'
    body = parameter + output("a", "line > 0")
    assert checked(body).kind_of_name["a"].missing == {"residence_type"}
    assert checked('\n[missing]\nresidence_type = { assume = "rural" }\n' + body).kind_of_name["a"].missing == set()
    line = checked(body).kind_of_name["line"]
    assert (line.den, line.lo, line.hi, line.unit) == (100, 100, 50_000, parse("money/month"))


def test_an_empty_cell_makes_a_look_up_missing() -> None:
    lookup = f'\n[[lookup]]\nname = "rate"\n{TITLE}\nrows = {{ of = "residence_type" }}\ncells = ["", 0.5]\n'
    found = checked(lookup + output("a", "lookup(rate, residence_type)"))
    assert found.kind_of_name["a"].missing == {"residence_type", "lookup:rate"}
    assert found.lookups["rate"] == Kind("number", den=2, lo=1, hi=1, missing=frozenset({"lookup:rate"}))


def test_ladders_are_enums_or_sets_of_their_rungs() -> None:
    found = load_table(GOOD / "decision.toml").kind_of_name["circle"]
    assert (found.type, found.domain, found.lo, found.hi) == ("enum", ("dibao", "margin", "none"), 0, 2)
    found = load_table(GOOD / "scores.toml").kind_of_name["classes"]
    assert (found.type, found.domain) == ("set", ("high", "some", "none"))


def test_texts_alone_are_the_legal_values_of_their_choice() -> None:
    stage = load_table(GOOD / "decision.toml").kind_of_name["stage"]
    assert (stage.type, stage.domain) == ("enum", ("calm", "acute", "watch"))


def test_the_benefit_is_zero_for_refused_households() -> None:
    body = '\n[[veto]]\nid = "v"\n' + TITLE + '\neffect = "refuse"\nwhen = "blacklisted"\n'
    body += '\n[[benefit]]\nname = "paid"\nunit = "money/month"\nexpr = "previous_benefit_month + one_yuan"\n'
    body += f'\n[[constant]]\nname = "one_yuan"\n{TITLE}\nunit = "money/month"\nvalue = 1\n'
    found = checked(body + output("a", "paid", "money/month"))
    assert found.kind(found.table.benefit[0].node).lo == 100
    assert found.kind_of_name["paid"].lo == 0
    assert found.kind_of_name["a"].missing == {"previous_benefit_month", "blacklisted"}


def test_every_node_of_a_good_table_has_a_kind() -> None:
    from hardship.language.nodes import In, Name, walk

    for path in sorted(GOOD.glob("*.toml")):
        found = load_table(path)
        for site in found.names.sites:
            lists = {id(n.options) for n in walk(site.node) if isinstance(n, In) and isinstance(n.options, Name)}
            for node in walk(site.node):
                named = isinstance(node, Name) and (
                    id(node) in lists or found.names.by_name.get(node.name) is None
                    or found.names.by_name[node.name].role in ("lookup", "constant")
                )  # fmt: skip
                mode = type(node).__name__ == "Text"
                assert named or mode or id(node) in found.kind_of_node, (path.name, site.path, node)


# ── points ──


@pytest.mark.parametrize(
    ("body", "low", "high"),
    [
        ('when = "registered_poor"\npoints = 5', 0, 5),
        ('when = "registered_poor"\npoints = -2', -2, 0),
        ('each = "bedridden"\npoints = 2', 0, 400),
        ('each = "bedridden"\npoints = 2\ncap = 6', 0, 6),
        ('per = "supporter"\nwhen = "supporter_evades"\npoints = 1', 0, 8000),
        ('per = "transfer"\nexpr = "0 - 1"', -4800, 0),
        ('value = "boats"\nbands = [{ below = 3, points = 1 }, { otherwise = true, points = 7 }]', 1, 7),
        ('value = "boats"\nbands = [{ below = 0, points = 9 }, { otherwise = true, points = 7 }]', 7, 7),
        ('cases = [{ when = "registered_poor", points = 4 }]', 0, 4),
        ('cases = [{ when = "registered_poor", points = 4 }, { otherwise = true, points = 2 }]', 2, 4),
        ('expr = "boats"\nfloor = 5\ncap = 50', 5, 50),
        ('expr = "boats + household_size_counted"\nfloor = 500', 500, 500),
        ('expr = "household_size_counted"\ncap = -5', -5, -5),
        ('expr = "boats"\ncap = 50\nmissing = { points = 60 }', 0, 60),
        ('when = "registered_poor"\npoints = "1/18"', 0, Fraction(1, 18)),
    ],
)
def test_reachable_points(body: str, low: int, high: Fraction) -> None:
    found = checked(INDEX + item("a", body))
    assert found.bounds["item:a:score"] == found.bounds["index:score"] == (low, high)
    assert found.kind_of_name["a"] == found.points["item:a:score"]


def test_groups_cap_their_items_and_children() -> None:
    body = INDEX + f'\n[[group]]\nid = "g"\n{TITLE}\ncap = 10\n\n[[group]]\nid = "h"\n{TITLE}\nparent = "g"\ncap = 4\n'
    for name, group in (("a", "h"), ("b", "h"), ("c", "g"), ("d", "")):
        inside = f'group = "{group}"\n' if group else ""
        body += item(name, inside + 'when = "registered_poor"\npoints = 3')
    found = checked(body)
    assert found.bounds["group:h:score"] == (0, 4)
    assert found.bounds["group:g:score"] == (0, 7)
    assert found.bounds["index:score"] == (0, 10)
    assert [fault.code for fault in found.warnings] == ["table.cap_never"]


def test_each_index_has_its_own_points() -> None:
    found = load_table(GOOD / "scores.toml")
    assert found.bounds["item:disability:score"] == (1, 10)
    assert found.bounds["item:disability:extreme"] == (1, 6)
    assert found.kind_of_name["disability"] == found.points["item:disability:score"]


def test_points_in_thirds_and_sixths_share_a_denominator() -> None:
    body = (
        INDEX + item("a", 'when = "registered_poor"\npoints = "1/3"') + item("b", 'when = "boats > 0"\npoints = "1/6"')
    )
    found = checked(body)
    assert found.points["index:score"].den == 6
    assert found.bounds["index:score"] == (0, Fraction(1, 2))


# ── unknown facts ──

UNKNOWN = '\n[missing]\nboats = "unknown"\n'


@pytest.mark.parametrize(
    ("expr", "absorbed"),
    [
        ("boats > 0", False),
        ("known(boats)", True),
        ("known(boats) and boats > 0", True),
        ("boats > 0 and known(boats)", True),
        ("known(boats) or boats > 0", False),
        ("not known(boats) or boats > 0", True),
        ("not (known(boats) and boats > 0)", True),
        ("boats > 0 if known(boats) else false", True),
        ("false if not known(boats) else boats > 0", True),
        ("boats > 0 if registered_poor else known(boats)", False),
        ("or_else(boats, 0) > 0", True),
        ("or_else(0, boats) > 0", False),
        ("or_else(boats, motor_vehicles) > 0", True),
        ("fleet > 0", False),
        ("known(fleet) and fleet > 0", True),
        ("known(fleet) and boats > 0", False),
        ("any(member, where = boats > 0)", False),
        ("any(member.bedridden, where = known(boats) and boats > 0)", True),
        ("count(member, where = known(boats)) > boats", False),
        ("max(motor_vehicles, boats) > 0", False),
        ("round(or_else(boats, 1), to = whole, mode = 'floor') > 0", True),
    ],
)
def test_what_absorbs_an_unknown_fact(expr: str, absorbed: bool) -> None:
    veto = f'\n[[veto]]\nid = "v"\n{TITLE}\neffect = "refuse"\nwhen = "{expr}"\n'
    fleet = derive("fleet", "boats + motor_vehicles") if "fleet" in expr else ""
    assert codes(UNKNOWN + fleet + veto) == ([] if absorbed else ["table.unknown_reaches"])


@pytest.mark.parametrize(
    ("body", "absorbed"),
    [
        ('when = "boats > 0"\npoints = 1', False),
        ('when = "boats > 0"\npoints = 1\nmissing = { points = 0 }', True),
        ('cases = [{ when = "not known(boats)", points = 1 }, { when = "boats > 0", points = 2 }]', True),
        ('cases = [{ when = "boats > 0", points = 2 }, { when = "not known(boats)", points = 1 }]', False),
        (
            'cases = [{ when = "not known(boats)" }]\nvalue = "boats"\nbands = [{ below = 1 }, { otherwise = true }]',
            True,
        ),
        ('expr = "boats"', False),
    ],
)
def test_items_absorb_by_cases_and_by_missing(body: str, absorbed: bool) -> None:
    assert codes(UNKNOWN + INDEX + item("a", body)) == ([] if absorbed else ["table.unknown_reaches"])


def test_a_ladder_and_an_exit_absorb_by_their_own_conditions() -> None:
    ladder = f'\n[[ladder]]\nid = "classes"\n{TITLE}\notherwise = {{ id = "none", {TITLE} }}\n'
    ladder += (
        f'\n[[ladder.rung]]\nid = "x"\n{TITLE}\ntests = [{{ value = "boats", below = "1" }}]\nalso = "known(boats)"\n'
    )
    assert codes(UNKNOWN + ladder) == []
    leave = '\n[exit]\nwhen = "{}"\nmonths = "boats"\namount = "previous_benefit_month"\n'
    assert codes(UNKNOWN + leave.format("known(boats)")) == []
    assert codes(UNKNOWN + leave.format("registered_poor")) == ["table.unknown_reaches"]


# ── together ──


def test_all_faults_are_found_at_once_and_only_once() -> None:
    body = derive("a", "boats + registered_poor") + derive("b", "a * a") + derive("c", "financial_assets", "money/year")
    body += '\n[[veto]]\nid = "v"\n' + TITLE + '\neffect = "refuse"\nwhen = "residence_type == \'town\' and b > 0"\n'
    assert codes(body) == ["table.type", "table.unit", "table.value"]


def test_faults_come_in_the_order_of_the_file() -> None:
    body = output("z", "boats / 0") + derive("a", "boats + registered_poor")
    with pytest.raises(TableError) as caught:
        checked(body)
    lines = [fault.line for fault in caught.value.faults]
    assert len(lines) == 2
    assert lines == sorted(lines)


def test_a_table_can_be_checked_without_places() -> None:
    found = checked(output("a", "boats"))
    again = check(found.table, resolve(found.table, found.names.attributes))
    assert again.kind_of_name == found.kind_of_name
    broken = load_text(HEAD + output("a", "boats") + RANK).table
    wrong = broken.model_copy(update={"output": (broken.output[0].model_copy(update={"unit": "money"}),)})
    with pytest.raises(TableError):
        check(wrong, resolve(wrong, found.names.attributes))


def test_gaps_are_differences_over_one_denominator() -> None:
    yearly, monthly = parse("money/year"), parse("money/month")
    value = Kind("number", unit=yearly, den=100, lo=-500, hi=700, divisor=Kind("number", lo=1, hi=4), divisor_key="n")
    line = Kind("number", unit=yearly, den=200, lo=100, hi=900)
    gap = distance(value, line)
    assert gap is not None
    assert (gap.lo, gap.hi, gap.den) == (100 - 1400, 3600 + 1000, 2400)
    assert gap.divisor == value.divisor
    other = Kind("number", unit=monthly, divisor=Kind("number", lo=1, hi=4), divisor_key="m")
    assert distance(value, other) is None


def test_limits_bound_the_folds() -> None:
    found = checked(output("a", "sum(transfer.amount)", "money") + output("b", "count(supporter)"))
    top = found.kind_of_name["amount"].hi
    assert found.kind_of_name["a"].hi == limits.MEMBERS * limits.TRANSFERS * top
    assert found.kind_of_name["b"].hi == limits.MEMBERS * limits.SUPPORTERS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(3, 2), "1.5"), (Fraction(-1, 8), "-0.125"), (Fraction(1, 3), "1/3"), (Fraction(0), "0"),
        (Fraction(100), "100"), (Fraction(-7, 3), "-7/3"), (Fraction(1, 1000), "0.001"),
    ],
)  # fmt: skip
def test_numbers_in_messages_are_exact(value: Fraction, text: str) -> None:
    assert written(value) == text


# ── months ──


def constant(name: str, value: int) -> str:
    return f'\n[[constant]]\nname = "{name}"\n{TITLE}\nvalue = {value}\nunit = "month"\n'


@pytest.mark.parametrize(("months", "found"), [(0, []), (999, []), (1000, ["table.exit_bounds"])])
def test_months_of_an_exit_are_proved_to_be_at_most_999(months: int, found: list[str]) -> None:
    rule = '\n[exit]\nwhen = "left_through_work"\nmonths = "long"\namount = "previous_benefit_month"\n'
    assert codes(constant("long", months) + rule) == found


def test_months_of_an_exit_are_not_negative() -> None:
    rule = '\n[exit]\nwhen = "left_through_work"\nmonths = "0 - long"\namount = "previous_benefit_month"\n'
    assert codes(constant("long", 1) + rule) == ["table.exit_bounds"]


@pytest.mark.parametrize(
    ("last", "months", "found"),
    [("9999-12-31", 0, []), ("9999-11-30", 1, []), ("9999-11-30", 2, ["table.review_end"]),
     ("9949-12-31", 600, []), ("9949-12-31", 601, ["table.review_end", "table.review_months"]),
     ("9950-01-01", 600, ["table.review_end"])],
)  # fmt: skip
def test_a_review_is_proved_to_be_due_while_there_are_days(last: str, months: int, found: list[str]) -> None:
    known = f'\n[[attribute]]\nname = "known_until"\nlevel = "household"\n{TITLE}\ntype = "date"\n'
    known += f'bounds = ["2000-01-01", "{last}"]\n'
    rule = '\n[review]\nmonths = "long"\nsince = "known_until"\n'
    assert sorted(codes(known + constant("long", months) + rule)) == found
