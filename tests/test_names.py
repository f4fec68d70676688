"""Names: what each means, and every way in which one may not stand where it stands."""

from __future__ import annotations

import datetime as dt

import pytest

from hardship.attributes import dictionary
from hardship.errors import TableError
from hardship.language.fields import DeclaredAttribute, Title
from hardship.language.names import Names, ancestors, raised, resolve
from hardship.language.shapes import validated
from hardship.language.table import Table
from hardship.language.toml_text import read_toml
from hardship.results import column_types

HEAD = """
[table]
id = "t"
version = 2020-01-01
title = { zh = "表", en = "Table" }
place = { zh = "甲", en = "A" }
currency = "CNY"
"""
RANK = """
[rank]
keys = [{ value = "persons", order = "ascending" }]
[[derive]]
name = "persons"
expr = "count(member)"
"""


def attribute(name: str, level: str, type_: str = "money", **more: object) -> DeclaredAttribute:
    values = ({"value": "a"}, {"value": "b"}) if type_ in ("enum", "set") else ()
    both = Title(zh=name, en=name)
    data = {"name": name, "title": both, "level": level, "type": type_, "values": values, **more}
    return DeclaredAttribute.model_validate(data)


ATTRIBUTES = {
    one.name: one
    for one in (
        attribute("residence_type", "household", "enum"),
        attribute("savings", "household"),
        attribute("needs", "household", "set"),
        attribute("address", "household", "code", expressions=False),
        attribute("counted_as", "member", "enum"),
        attribute("wage", "member"),
        attribute("faith", "member", "enum", protected=True),
        attribute("support", "supporter"),
        attribute("amount", "transfer"),
    )
}


def names(body: str, rank: str = RANK) -> Names:
    values, where = read_toml((HEAD + body + rank).encode(), "t.toml")
    return resolve(validated(Table, values, where), ATTRIBUTES, where)


def derive(expr: str, level: str = "household", name: str = "d") -> str:
    return f'[[derive]]\nname = "{name}"\nlevel = "{level}"\nexpr = "{expr}"\n'


def codes(body: str, rank: str = RANK) -> list[str]:
    with pytest.raises(TableError) as caught:
        names(body, rank)
    assert caught.value.text("zh")
    return [fault.code.removeprefix("table.") for fault in caught.value.faults]


REST = """
[[parameter]]
name = "line"
title = { zh = "标准", en = "Line" }
bounds = [1, 1000]
[[constant]]
name = "half"
title = { zh = "半", en = "Half" }
value = 0.5
[[lookup]]
name = "rates"
title = { zh = "率", en = "Rates" }
rows = { values = ["a", "b"] }
cells = [1, 2]
[[list]]
name = "some"
title = { zh = "名单", en = "Some" }
of = "counted_as"
values = ["a"]
[[index]]
id = "total"
title = { zh = "总", en = "Total" }
[[group]]
id = "g"
title = { zh = "组", en = "Group" }
[[item]]
id = "i1"
group = "g"
title = { zh = "一", en = "One" }
when = "savings > 0"
points = 1
[[item]]
id = "i2"
title = { zh = "二", en = "Two" }
each = "counted_as in some"
points = 1
[[veto]]
id = "V1"
title = { zh = "否", en = "No" }
effect = "refuse"
when = "line > 1"
[[ladder]]
id = "circle"
title = { zh = "圈", en = "Circle" }
otherwise = { id = "out", title = { zh = "外", en = "Out" } }
[[ladder.rung]]
id = "in"
title = { zh = "内", en = "In" }
also = "savings < line"
[[benefit]]
name = "amount_paid"
expr = "line"
"""
ITEM = '[[item]]\nid = "i3"\ntitle = { zh = "三", en = "3" }\n'


def test_what_every_name_is() -> None:
    found = names(REST + derive("lookup(rates, residence_type) * half"))
    assert {name: named.role for name, named in found.by_name.items() if named.path} == {
        "line": "parameter", "half": "constant", "rates": "lookup", "some": "list", "total": "index",
        "g": "group", "i1": "item", "i2": "item", "circle": "ladder", "amount_paid": "step", "d": "derive",
        "persons": "derive",
    }  # fmt: skip
    assert found.by_name["i2"].position == 1
    assert found.by_name["i2"].path == ("item", 1)
    assert found.by_name["on"].definition is None
    assert found.by_name["wage"].level == "member"
    assert [named.name for named in found.unused] == ["d"]
    assert ancestors("transfer") == ("transfer", "member", "household")


def test_derived_values_come_in_an_order_that_works() -> None:
    found = names(derive("b + c", name="a") + derive("c", name="b") + derive("savings", name="c"))
    assert found.order.index("c") < found.order.index("b") < found.order.index("a")
    assert set(found.order) == {"a", "b", "c", "persons"}


def test_sites_name_every_expression_with_level_and_stage() -> None:
    found = names("[household]\ncounted = \"counted_as == 'a'\"\n" + REST)
    assert [(s.path, s.level, s.stage) for s in found.sites] == [
        (("household", "counted"), "member", "counted"),
        (("derive", 0, "expr"), "household", "derive"),
        (("item", 0, "when"), "household", "item"),
        (("item", 1, "each"), "member", "item"),
        (("veto", 0, "when"), "household", "veto"),
        (("ladder", 0, "rung", 0, "also"), "household", "ladder"),
        (("benefit", 0, "expr"), "household", "benefit"),
        (("rank", "keys", 0, "value"), "household", "rank"),
    ]


def test_attributes_behind_a_name() -> None:
    body = "[household]\ncounted = \"counted_as == 'a'\"\n" + REST
    body += derive("wage + sum(supporter.support)", "member", "income") + derive(
        "sum(member.income)", name="all_income"
    )
    body += derive("count(member, everyone = true)", name="heads")
    found = names(body)
    assert found.attributes_of_name("income") == {"wage", "support"}
    assert found.attributes_of_name("all_income") == {"wage", "support", "counted_as"}
    assert found.attributes_of_name("heads") == set()
    assert found.attributes_of_name("persons") == {"counted_as"}
    assert found.attributes_of_name("i2") == {"counted_as"}
    assert found.attributes_of_name("g") == {"savings"}
    assert found.attributes_of_name("total") == {"savings", "counted_as"}
    assert found.attributes_of_name("circle") == {"savings"}
    assert found.parameters_of_name("circle") == {"line"}
    assert found.attributes_of_name("refused") == set()
    assert found.parameters_of_name("refused") == {"line"}
    assert found.attributes_of_name("half") == found.attributes_of_name("fen") == set()
    assert found.attributes_of_counted() == {"counted_as"}


def test_attributes_behind_the_verdicts_come_from_items_and_requires_too() -> None:
    body = REST.replace('when = "line > 1"\n', "").replace(
        'when = "savings > 0"\npoints = 1',
        'value = "savings"\nbands = [{ below = 1 }, { otherwise = true, veto = "V1" }]',
    )
    body += '[[require]]\nid = "r"\nvalue = "wage"\nat_most = 10\nunless = "counted_as == \'b\'"\n'
    found = names(body)
    assert raised(found.table.item[0]) == {"V1"}
    assert found.attributes_of_name("refused") == {"savings"}
    assert found.attributes_of_name("deferred") == {"wage", "counted_as"}


def test_what_stands_behind_one_expression() -> None:
    body = "[household]\ncounted = \"counted_as == 'a'\"\n" + REST + derive("line + savings")
    found = names(body)
    (site,) = [site for site in found.sites if site.path == ("derive", 0, "expr")]
    assert found.attributes_of(site.node) == {"savings"}
    assert found.parameters_of(site.node) == {"line"}
    assert names(RANK, "").sites[0].stage == "derive"


OWN = """
[[attribute]]
name = "owns_fan"
title = { zh = "有电扇", en = "Owns a fan" }
level = "household"
type = "bool"
"""
PERSON = """
[[person]]
id = "alone"
title = { zh = "单人", en = "Alone" }
when = "circle == 'out'"
tests = [{ value = "wage", below = "line", unless = "owns_fan" }]
benefit = "line"
remaining = "counts"
"""


def test_own_attributes_and_persons() -> None:
    found = names(OWN + REST + PERSON)
    assert found.attributes["owns_fan"].type == "bool"
    assert found.by_name["owns_fan"].path == ("attribute", 0)
    assert [site.path[2:] for site in found.sites if site.stage == "person"] == [
        ("when",),
        ("tests", 0, "value"),
        ("tests", 0, "below"),
        ("tests", 0, "unless"),
        ("benefit",),
    ]
    assert {site.level for site in found.sites if site.stage == "person"} == {"member"}
    assert codes(OWN + OWN.replace("owns_fan", "savings") + REST) == ["name_taken"]
    assert names(OWN).unused[0].name == "owns_fan"


def test_requires_and_lists_count_as_use() -> None:
    body = '[[require]]\nid = "r"\nvalue = "d"\nat_most = 10\n' + derive("savings")
    assert names(body).unused == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (derive("savngs"), ["name_unknown"]),
        (derive("savings + other + third"), ["name_unknown", "name_unknown"]),
        (derive("wage"), ["name_level"]),
        (derive("sum(member.wage)", "member"), ["name_entity"]),
        (derive("sum(transfer.amount)", "supporter"), ["name_entity"]),
        (derive("sum(member.wage * support)"), ["name_level_inside"]),
        (derive("sum(transfer.wage)"), ["name_dotted"]),
        (derive("largest(member.wage, default = wage)"), ["name_level"]),
        (derive("address == 'x'"), ["name_private"]),
        (derive("any(member.faith == 'a')"), ["name_protected"]),
        (derive("some"), ["name_no_value"]),
        (derive("rates + 1"), ["name_no_value"]),
        (derive("lookup(half, 1)"), ["name_lookup"]),
        (derive("lookup(none_such, 1)"), ["name_unknown"]),
        (derive("round(savings, to = line, mode = 'ceil')"), ["name_constant"]),
        (derive("round(savings, to = pound, mode = 'ceil')"), ["name_unknown"]),
        (derive("'a' in other"), ["name_unknown"]),
        (derive("residence_type in rates"), ["name_no_value"]),
        (derive("i1"), ["name_stage"]),
        (derive("refused"), ["name_stage"]),
        (derive("circle == 'in'"), ["name_stage"]),
        (derive("amount_paid"), ["name_stage"]),
        (derive("d"), ["name_circle"]),
        (derive("b", name="a") + derive("c", name="b") + derive("a", name="c"), ["name_circle"]),
        (derive("b", name="a") + derive("a", name="b") + derive("y", name="x") + derive("x", name="y"),
         ["name_circle", "name_circle"]),
        (derive("0", name="savings"), ["name_taken"]),
        (derive("0", name="on"), ["name_taken"]),
        (derive("0", name="line"), ["name_twice"]),
        (derive("0", name="i1"), ["name_twice"]),
        (derive("0", name="lambda"), ["name_reserved"]),
        (derive("0", name="fen"), ["name_reserved"]),
        (derive("0", name="member"), ["name_reserved"]),
        ('[[output]]\nname = "rank"\nexpr = "0"\n', ["name_column"]),
        ('[[output]]\nname = "o"\nexpr = "o"\n', ["name_stage"]),
        ('[[require]]\nid = "r"\nvalue = "line"\nat_most = 1\n', ["name_require"]),
        ('[[require]]\nid = "r"\nvalue = "lnie"\nat_most = 1\n', ["name_unknown"]),
        ('[[require]]\nid = "r"\nvalue = "address"\none_of = ["x"]\n', ["name_private"]),
        ('[[require]]\nid = "r"\nvalue = "faith"\none_of = ["a"]\n', ["name_protected"]),
        ('[[require]]\nid = "r"\nvalue = "savings"\nat_most = 1\n' * 2, ["name_twice"]),
        ('[[source]]\nid = "s"\ntitle = { zh = "源", en = "S" }\n' * 2, ["name_twice"]),
        ('[household]\ncounted = "persons > 0"\n', ["name_stage"]),
        ('[results]\nincome_per_head = "i1"\n', ["name_stage"]),
        ('[exit]\nwhen = "amount_paid > 0"\nmonths = "1"\namount = "0"\n', ["name_stage"]),
        ('[[benefit]]\nname = "later"\nexpr = "later"\n', ["name_stage"]),
        (ITEM + 'expr = "i3 + g + total"\n', ["name_stage"] * 3),
        (ITEM + 'per = "supporter"\nexpr = "amount"\n', ["name_level"]),
    ],
)  # fmt: skip
def test_faults(body: str, expected: list[str]) -> None:
    assert codes(REST + body) == expected


def test_no_output_takes_the_name_of_a_result_column() -> None:
    columns = column_types(names(REST).table, "items", {})
    assert {"points_g", "item_i1", "ladder_x", "index_second", "exit_months"} - columns.keys() == {
        "ladder_x", "index_second", "exit_months",
    }  # fmt: skip
    for column in columns:
        taken = ["name_column", "name_twice"] if column == "circle" else ["name_column"]
        assert sorted(codes(REST + f'[[output]]\nname = "{column}"\nexpr = "0"\n')) == taken, column


def test_later_stages_see_earlier_ones() -> None:
    body = '[[output]]\nname = "o1"\nexpr = "i1 + g + total + amount_paid"\n'
    body += '[[output]]\nname = "o2"\nexpr = "o1 if refused or deferred or circle == \'in\' else 0"\n'
    body += ITEM + 'expr = "i1 + i2"\n'
    body += '[exit]\nwhen = "circle == \'out\' and i1 > 0"\nmonths = "1"\namount = "line"\n'
    rank = RANK.replace('"persons", ', '"o2", ').replace("[rank]", '[rank]\namong = "o1 > 0 and not refused"')
    assert names(REST + body, rank).by_name["o2"].position == 1


def test_a_fault_says_where_and_what_is_nearest() -> None:
    with pytest.raises(TableError) as caught:
        names(derive("0 + savngs"))
    (fault,) = caught.value.faults
    assert (fault.file, fault.line, fault.column) == ("t.toml", 11, 13)
    assert "`savings`" in fault.text("en")


def test_a_protected_attribute_needs_a_reason_and_a_reason_needs_one() -> None:
    body = 'protected = [{ attribute = "%s", reason = { zh = "因", en = "Because" } }]\n'
    assert names(body % "faith" + derive("any(member.faith == 'a')")).by_name["d"]
    assert codes(body % "savings" + derive("savings")) == ["name_reason"]


def test_the_shipped_dictionary_is_what_tables_name() -> None:
    assert dictionary()["residence_type"].level == "household"
    values, where = read_toml((HEAD + RANK).encode(), "t.toml")
    found = resolve(validated(Table, values, where), dictionary(), where)
    assert found.attributes.keys() == dictionary().keys()
    assert found.table.table.version == dt.date(2020, 1, 1)
