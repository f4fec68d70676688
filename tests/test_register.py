"""A register's structure: what is read, what is rejected and with what, and that no row is ever lost."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hardship import messages
from hardship.attributes import dictionary
from hardship.errors import RegisterError
from hardship.reading.rejects import COLUMNS
from hardship.reading.write_register import write_frames
from hardship.register import Register, from_dicts, read_register
from hardship.synthesis import synthesize, write

ON = dt.date(2018, 7, 1)
D = dictionary()

HOUSEHOLDS = "household_id,area_code,residence_type,financial_assets\n"
MEMBERS = "household_id,member_id,relation_to_head,birth_date,wage_month\n"
SUPPORTERS = "household_id,member_id,supporter_id,supporter_income_year\n"
TRANSFERS = "household_id,member_id,kind,amount\n"


def lay(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path) -> Register:
    return read_register(folder, attributes=D, on=ON)


def codes(register: Register) -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    for row in register.rejects.iter_rows(named=True):
        found.setdefault((row["file"].removesuffix(".csv"), row["line"]), []).append(row["code"])
    return found


def kept(register: Register) -> list[str]:
    return register.frames["household"]["household_id"].to_list()


def accounted(register: Register) -> None:
    """Every row in is read or rejected; every rejected one is named; frames hold exactly the rows read."""
    for entity, count in register.counts.items():
        assert count["in"] == count["read"] + count["rejected"]
        named = register.rejects.filter(pl.col("file").str.starts_with(entity))
        assert named.select("file", "sheet", "line").unique().height == count["rejected"], entity
    for level, entity in (
        ("household", "households"),
        ("member", "members"),
        ("supporter", "supporters"),
        ("transfer", "transfers"),
    ):
        assert register.frames[level].height == register.counts[entity]["read"]  # type: ignore[index]


def test_a_good_register(tmp_path: Path) -> None:
    register = read(
        lay(
            tmp_path,
            households=HOUSEHOLDS + "H2,370828102201,农村,\nH1,370828101201,urban,12.34\n",
            members=MEMBERS + "H1,2,child,2000-02-29,\nH2,9,head,1950-01-01,5\nH1,1,户主,1970-01-01,0\n",
            supporters=SUPPORTERS + "H2,9,S1,1000\n",
            transfers=TRANSFERS + "H2,9,pension,50\nH2,9,gift,1\nH1,1,pension,2\n",
        )
    )
    accounted(register)
    assert register.rejects.height == 0
    assert list(register.rejects.columns) == list(COLUMNS)
    household = register.frames["household"]
    assert household["household_id"].to_list() == ["H1", "H2"]
    assert household["line"].to_list() == [3, 2]
    assert household["financial_assets"].to_list() == [1234, None]
    assert household["residence_type"].to_list() == [0, 1]
    member = register.frames["member"]
    assert member["household"].to_list() == [0, 0, 1]
    assert member["member_id"].to_list() == ["1", "2", "9"]
    assert member["birth_date"].to_list() == [19700101, 20000229, 19500101]
    assert register.frames["supporter"]["member"].to_list() == [2]
    transfer = register.frames["transfer"]
    assert transfer["member"].to_list() == [0, 2, 2]
    assert transfer["amount"].to_list() == [200, 100, 5000]
    assert register.currency == "CNY"


def one(folder: Path, household: str = "H1,1,urban,5", member: str = "H1,1,head,1970-01-01,5") -> Path:
    return lay(
        folder,
        households=f"{HOUSEHOLDS}{household}\nH2,1,urban,5\n",
        members=f"{MEMBERS}{member}\nH2,1,head,1970-01-01,5\n",
    )


@pytest.mark.parametrize(
    ("household", "code"),
    [
        ("H1,1,urban,-1", "out_of_bounds"),
        ("H1,1,urban,1e3", "bad_number"),
        ("H1,1,suburb,5", "bad_label"),
        (",1,urban,5", "missing_id"),
        ("H1,,urban,5", "missing_id"),
        ("H1,3-7,urban,5", "bad_area"),
        ("H1,1,urban", "ragged_row"),
        ("H1,1,urban,5,6", "ragged_row"),
    ],
)
def test_a_wrong_household_goes_with_its_members(tmp_path: Path, household: str, code: str) -> None:
    register = read(one(tmp_path, household))
    accounted(register)
    assert kept(register) == ["H2"]
    assert codes(register)["households", 2] == [code]
    gone = codes(register)["members", 2]
    assert gone in (["household_rejected"], ["no_household"])


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("H1,1,head,1970-01-01,x", "bad_number"),
        ("H1,1,head,1887-06-30,5", "bad_age"),
        ("H1,1,head,2018-07-02,5", "bad_age"),
        ("H1,,head,1970-01-01,5", "missing_id"),
        ("H1,1,head,1970-01-01", "ragged_row"),
        ('H1,1,head,"1970-01-01,5', "bad_quotes"),
    ],
)
def test_a_wrong_member_takes_its_household(tmp_path: Path, member: str, code: str) -> None:
    register = read(one(tmp_path, member=member))
    accounted(register)
    assert kept(register) == ["H2"]
    assert codes(register)["members", 2] == [code]
    assert codes(register)["households", 2] == ["member_rejected"]


@pytest.mark.parametrize("born", ["1888-07-01", "1887-07-02", "2018-07-01", ""])
def test_the_ages_at_the_edge(tmp_path: Path, born: str) -> None:
    """0 years on the day of birth; 130 until the day before the 131st birthday."""
    assert kept(read(one(tmp_path, member=f"H1,1,head,{born},5"))) == ["H1", "H2"]


def test_duplicates_are_all_rejected(tmp_path: Path) -> None:
    register = read(
        lay(
            tmp_path,
            households=HOUSEHOLDS + "H1,1,,\nH1,1,,\nH2,1,,\nＨ2,1,,\nH3,1,,\nH4,1,,\n",
            members=MEMBERS + "H1,1,,,\nH2,1,,,\nH3,1,,,\nH3,1,,,\nH4,1,,,\n",
            supporters=SUPPORTERS + "H3,1,S1,\nH4,1,S1,\nH4,1,S1,\n",
        )
    )
    accounted(register)
    assert kept(register) == []
    found = codes(register)
    assert [found["households", line] for line in range(2, 8)] == [["duplicate_household"]] * 4 + [
        ["member_rejected"]
    ] * 2
    assert found["members", 4] == found["members", 5] == ["duplicate_member"]
    assert found["supporters", 2] == ["household_rejected"]
    assert found["supporters", 3] == found["supporters", 4] == ["duplicate_supporter"]


def test_orphans_and_empty_households(tmp_path: Path) -> None:
    register = read(
        lay(
            tmp_path,
            households=HOUSEHOLDS + "H1,1,,\nH2,1,,\nH3,1,,\n",
            members=MEMBERS + "H1,1,,,\nH9,1,,,\nH3,1,,,\n",
            transfers=TRANSFERS + "H1,1,gift,1\nH3,7,gift,1\nH8,1,gift,1\n",
        )
    )
    accounted(register)
    assert kept(register) == ["H1"]
    found = codes(register)
    assert found["households", 3] == ["no_members"]
    assert found["members", 3] == ["no_household"]
    assert found["transfers", 3] == ["no_member"]
    assert found["households", 4] == ["member_rejected"]
    assert found["transfers", 4] == ["no_household"]


@pytest.mark.parametrize(
    ("members", "supporters", "transfers", "code"),
    [
        (200, 40, 24, ""),
        (201, 0, 0, "too_many_members"),
        (1, 41, 0, "too_many_supporters"),
        (1, 0, 25, "too_many_transfers"),
    ],
)
def test_limits(tmp_path: Path, members: int, supporters: int, transfers: int, code: str) -> None:
    register = read(
        lay(
            tmp_path,
            households=HOUSEHOLDS + "H1,1,,\n",
            members=MEMBERS + "".join(f"H1,{n},,,\n" for n in range(members)),
            supporters=SUPPORTERS + "".join(f"H1,0,S{n},\n" for n in range(supporters)),
            transfers=TRANSFERS + "H1,0,gift,1\n" * transfers,
        )
    )
    accounted(register)
    assert kept(register) == ([] if code else ["H1"])
    assert not code or code in {one for found in codes(register).values() for one in found}


def flags(register: Register) -> set[tuple[str, str]]:
    return set(register.flags.rows())


def test_flags(tmp_path: Path) -> None:
    register = read(
        lay(
            tmp_path,
            households="household_id,area_code,household_size_counted,head_name\n"
            "H1,1,2,⼈\nH2,1,1,b\nＨ3,1,3,c\nH4,1,,d\n",
            members="household_id,member_id,relation_to_head,member_counted,wage_month\n"
            "H1,P1,head,counted,1\nH1,P2,head,prison,１\nH2,P1,head,counted,\nH3,P3,child,counted,\n"
            "H4,P4,head,,\nH4,P5,child,,\nH3,P6,child,,\nH3,P7,child,,\n",
        )
    )
    accounted(register)
    assert flags(register) == {
        ("H1", "two_heads"),
        ("H1", "size_differs"),
        ("H1", "person_in_two_households"),
        ("H2", "person_in_two_households"),
        ("H3", "no_head"),
        ("H3", "normalised:household_id"),
        ("H1", "normalised:head_name"),
        ("H1", "normalised:wage_month"),
    }
    assert register.flags.rows() == sorted(register.flags.rows())


def test_places_in_the_household_are_no_persons(tmp_path: Path) -> None:
    register = read(
        lay(
            tmp_path,
            households=HOUSEHOLDS + "H1,1,,\nH2,1,,\n",
            members=MEMBERS + "H1,1,head,,\nH1,2,,,\nH2,1,head,,\nH2,2,,,\n",
        )
    )
    assert flags(register) == set()


def test_overrides(tmp_path: Path) -> None:
    register = read(
        lay(
            tmp_path,
            households=HOUSEHOLDS
            + "".join(f"H{n},1,urban,wrong\n" if n == 1 else f"H{n},1,urban,5\n" for n in range(1, 8)),
            members=MEMBERS + "".join(f"H{n},P{n},head,,\n" for n in range(1, 8)),
            overrides="household_id,field,value,reason,by,on\n"
            "H1,financial_assets,7.5,error,Li,2018-06-30\n"
            "H2,城乡类别,农村,moved,Li,2018-06-30\n"
            "H3,financial_assets,x,error,Li,2018-06-30\n"
            "H4,financial_assets,1,,Li,2018-06-30\n"
            "H5,wage_month,1,error,Li,2018-06-30\n"
            "H6,boats,1,a,Li,2018-06-30\nH6,boats,2,b,Li,2018-06-30\n"
            "H9,boats,1,a,Li,2018-06-30\n"
            "H7,boats,3,new,Li,2018-06-30\n",
        )
    )
    accounted(register)
    assert kept(register) == ["H1", "H2", "H7"]
    household = register.frames["household"]
    assert household["financial_assets"].to_list() == [750, 500, 500]
    assert household["residence_type"].to_list() == [0, 1, 0]
    assert household["boats"].to_list() == [None, None, 3]
    assert flags(register) == {
        ("H1", "override:financial_assets"),
        ("H2", "override:residence_type"),
        ("H7", "override:boats"),
    }
    found = codes(register)
    assert [found["overrides", line][0] for line in range(4, 10)] == [
        "bad_override",
        "override_unsigned",
        "unknown_override",
        "duplicate_override",
        "duplicate_override",
        "no_household",
    ]
    assert [found["households", line] for line in (4, 5, 6, 7)] == [["override_rejected"]] * 4


def test_numbers_in_id_columns_are_rejected(tmp_path: Path) -> None:
    """Whatever their value: an id that went through a number may have lost its last digits."""
    homes = pl.DataFrame({"household_id": [1, 2], "area_code": ["1", "1"]})
    homes.write_parquet(tmp_path / "households.parquet")
    lay(tmp_path, members=MEMBERS + "1,1,,,\n")
    register = read(tmp_path)
    accounted(register)
    assert codes(register)["households.parquet", 2] == ["numeric_id"]
    assert kept(register) == []


@pytest.mark.parametrize(
    ("area", "good"),
    [(370828, True), (370828101, True), (370828101201, True), (37, False), (3708281, False), (-370828, False)],
)
def test_an_area_code_may_be_a_whole_number(tmp_path: Path, area: int, good: bool) -> None:
    homes = pl.DataFrame({"household_id": ["H1"], "area_code": [area]})
    homes.write_parquet(tmp_path / "households.parquet")
    lay(tmp_path, members=MEMBERS + "H1,1,,,\n")
    register = read(tmp_path)
    assert kept(register) == (["H1"] if good else [])
    if good:
        assert register.frames["household"]["area_code"].to_list() == [str(area)]


def test_columns_by_any_title(tmp_path: Path) -> None:
    register = read(
        lay(
            tmp_path,
            households="家庭编号,Area code, 金融资产 ,备注\nH1,1,5,x\n",
            members="Household number,成员编号,工资性收入\nH1,1,5\n",
        )
    )
    assert register.frames["household"]["financial_assets"].to_list() == [500]
    assert [(note.code, note.params["column"]) for note in register.notes] == [("register.unknown_column", "备注")]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("household_id,boats", "register.no_column"),
        ("household_id,area_code,boats,船舶", "register.two_columns"),
        ("household_id,area_code,家庭编号", "register.two_columns"),
    ],
)
def test_columns_that_make_no_register(tmp_path: Path, header: str, code: str) -> None:
    with pytest.raises(RegisterError) as caught:
        read(lay(tmp_path, households=header + "\n", members=MEMBERS))
    assert caught.value.faults[0].code == code


def test_no_value_reaches_the_rejects(tmp_path: Path) -> None:
    secret = "王小明370828199001011234"
    register = read(one(tmp_path, f"H1,1,{secret},{secret}", f"H1,1,{secret},{secret},{secret}"))
    shown = register.rejects.write_csv()
    assert secret not in shown
    assert "370828199001011234" not in shown
    assert set(register.rejects["value_class"].unique()) <= {"", "text(21)"}


def test_every_rejection_has_its_sentences() -> None:
    """Codes used in the sources exist in both catalogues, with the same placeholders."""
    import re

    zh, en = (messages.catalogue("register", lang) for lang in ("zh", "en"))
    assert set(zh) == set(en)
    for code in zh:
        assert set(re.findall(r"\{(\w+)\}", zh[code])) == set(re.findall(r"\{(\w+)\}", en[code])), code
    sources = "\n".join(path.read_text() for path in Path(messages.__file__).parent.glob("*.py"))
    used = set(re.findall(r'"register\.([a-z_]+)"', sources))
    assert used - {"type_", "unit_", "xlsx", "jsonl"} <= set(zh)


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    register = synthesize(300, 3)
    texts = {}
    for form in ("csv", "parquet", "xlsx"):
        write_frames([register.frames], tmp_path / form, D, form)
        path = tmp_path / form / "register.xlsx" if form == "xlsx" else tmp_path / form
        again = read(path)
        accounted(again)
        assert again.rejects.height == 0
        assert again.sha256 == register.sha256
        texts[form] = again
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for file in (tmp_path / "csv").iterdir():
        header, *lines = file.read_text(encoding="utf-8").splitlines()
        random.Random(1).shuffle(lines)
        (shuffled / file.name).write_bytes("\r\n".join([header, *lines]).encode("gb18030"))
    again = read(shuffled)
    assert again.sha256 == register.sha256
    for level, frame in again.frames.items():
        assert frame.drop("line", strict=False).equals(texts["csv"].frames[level].drop("line", strict=False))
    changed = (shuffled / "members.csv").read_bytes().decode("gb18030").replace(",female,", ",male,", 1)
    (shuffled / "members.csv").write_text(changed, encoding="utf-8")
    assert read(shuffled).sha256 != register.sha256


def household(**changes: Any) -> dict[str, Any]:
    return {
        "household": {
            "household_id": "H1",
            "area_code": "370828101201",
            "financial_assets": Decimal("12.5"),
            "needs": ["care"],
        },
        "members": [{"member_id": "a", "birth_date": dt.date(1970, 1, 1), "wage_month": 100}, {"member_id": "b"}],
        "supporters": [{"member_id": "b", "supporter_income_year": 5.5}],
        "transfers": [{"member_id": "a", "kind": "pension", "amount": "3.20", "period": "month"}],
        **changes,
    }


def test_one_household_from_dicts() -> None:
    register = from_dicts(household(), D, ON)
    assert kept(register) == ["H1"]
    assert register.frames["household"]["financial_assets"].to_list() == [1250]
    assert register.frames["household"]["needs"].to_list() == [1 << 5]
    assert register.frames["member"]["wage_month"].to_list() == [10_000, None]
    assert register.frames["supporter"]["supporter_income_year"].to_list() == [550]
    assert register.frames["transfer"].select("kind", "amount").row(0) == (0, 320)
    bare = from_dicts({"household": {}, "members": [{}]}, D, ON)
    assert bare.frames["household"].select("household_id", "area_code").row(0) == ("1", "")


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"household": {"area_code": "1", "wealth": 5}}, ["$.household.wealth"]),
        (
            {"members": [{"wage_month": -1}, {"wage_month": "1e5"}]},
            ["$.members[0].wage_month", "$.members[1].wage_month"],
        ),
        ({"members": [{"member_id": 5}]}, ["$.members[0].member_id"]),
        ({"members": []}, ["$.household[0]"]),
        ({"transfers": [{"member_id": "z"}]}, ["$.transfers[0].member_id"]),
        ({"household": {"financial_assets": float("nan"), "needs": ["food"]}}, None),
        ({"household": {"financial_assets": {"a": 1}}}, ["$.household.financial_assets"]),
        ({"members": "none"}, ["$"]),
        ({"extra": []}, ["$"]),
    ],
)
def test_faults_of_one_household_have_their_path(changes: dict[str, Any], places: list[str] | None) -> None:
    with pytest.raises(RegisterError) as caught:
        from_dicts({**household(supporters=[], transfers=[]), **changes}, D, ON)
    found = [fault.file for fault in caught.value.faults]
    if places is None:
        assert len(found) == 2
    else:
        assert found == [place.replace("$.household[0]", "$.household") for place in places]
    for lang in ("zh", "en"):
        assert caught.value.text(lang)


def test_a_register_of_json_lines_is_the_same(tmp_path: Path) -> None:
    home = '{"household_id":"H%d","area_code":"1"}'
    text = '{"household":' + home + ',"members":[{"member_id":"P%d","wage_month":%s}]}\n'
    path = tmp_path / "r.jsonl"
    path.write_text(text % (1, 1, "5") + "[]\n" + text % (2, 2, "5.001") + text % (3, 3, '"7"'))
    register = read(path)
    assert kept(register) == ["H1", "H3"]
    assert register.counts["households"] == {"in": 4, "read": 2, "rejected": 2}
    assert register.frames["member"]["wage_month"].to_list() == [500, 700]


def test_a_large_register_reads_back(tmp_path: Path) -> None:
    """Past the size where columns take the fast way."""
    write(3_000, 9, tmp_path, format="csv")
    register = read(tmp_path)
    assert register.sha256 == synthesize(3_000, 9).sha256
    assert register.rejects.height == 0
