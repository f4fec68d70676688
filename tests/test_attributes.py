"""The data dictionary: complete for the rules it has to serve, unambiguous, sound."""

from __future__ import annotations

import polars as pl
import pytest

from hardship import attributes as a
from hardship.language.fields import DeclaredAttribute, Title

# Facts that are no attributes: structural columns, the run's date, results of the engine, other documents.
ELSEWHERE = {
    "household_id": "structural",
    "area_code": "structural",
    "member_id": "structural",
    "supporter_id": "structural",
    "assessment_date": "the date of the run, `on`",
    "veto_hits": "a result, column `vetoes`",
    "transfer_income_items": "the rows of the level transfer",
}

D1 = """
household_id area_code residence_type assessment_date application_date intake_source
household_size_counted registered_poor relative_of_staff current_status status_since
previous_benefit_month needs emergency_kind authorisation_given verification_state verification_date
objection_raised dwelling_units dwelling_tenure dwelling_safety_grade dwelling_area_m2
non_residential_property financial_assets motor_vehicles vehicle_value disability_vehicle
farm_machines_large boats business_registered_capital business_share_percent durable_goods_count
land_area_own land_area_sublet land_area_contracted livestock_value debt_medical_education
rigid_medical_year rigid_education_year rigid_disability_year rigid_pension_premium_year
rigid_disaster_year employment_cost_year high_consumption_flag veto_hits member_id relation_to_head
birth_date sex local_registration residence_permit member_counted marital_status student_level
disability_kind disability_grade severe_illness_code chronic_illness self_care_missed health_class
labour_ability labour_exempt_reason work_kind wage_month business_income_year property_income_year
transfer_income_items refused_jobs supporter_id supporter_income_year supporter_household_size
supporter_supported_count supporter_occupation supporter_luxury_assets supporter_exempt_reason
"""

INCOME = "wage_month business_income_year property_income_year other_income_year kind amount period month"
RIGID = "rigid_medical_year rigid_education_year rigid_disability_year rigid_pension_premium_year rigid_disaster_year"
SUPPORT = "supporter_income_year supporter_household_size supporter_supported_count supporter_children_count"
PROPERTY = "financial_assets dwelling_units dwelling_area_m2 motor_vehicles vehicle_value disability_vehicle"

# Every computable rule of the seed documents and of the general rules, with the facts it reads.
RULES: dict[str, str] = {
    # Huizhou
    "huizhou: quantified determination over income and property": f"{INCOME} {PROPERTY}",
    "huizhou: items that count, items that deduct": f"{INCOME} {RIGID} employment_cost_year",
    "huizhou: notional support of children": f"{SUPPORT} supporter_relation supporter_agreed_month",
    "huizhou: income of members working away": "working_away wage_month",
    "huizhou: single-person household": "severe_illness_code disability_kind disability_grade residence_type",
    "huizhou: gradual-exit ledger": "current_status gradual_exit_start gradual_exit_months previous_benefit_month",
    "huizhou: conference, urgent situation": "emergency_kind hardship_degree",
    "huizhou: conference, amount above the ceiling": "needed_amount",
    "huizhou: conference, two kinds at once": "assistance_kinds_count needs",
    "huizhou: conference, complex": "complex_case",
    "huizhou: black list, evaded support": "blacklisted supporter_evades",
    "huizhou: near relatives": "relative_of_staff",
    "huizhou: eight plus one kinds, need and supply": "needs",
    # Shanghai
    "shanghai: tiers": f"{INCOME} {RIGID}",
    "shanghai: nine aspects, minimum wage, support": f"work_kind wage_month {SUPPORT}",
    "shanghai: exempt kinds": "kind",
    "shanghai: property by class": f"{PROPERTY}",
    "shanghai: expenditure-type poverty": f"{RIGID}",
    "shanghai: members without local registration": "local_registration residence_permit relation_to_head",
    "shanghai: verification with deadline": "verification_state verification_date application_date",
    "shanghai: disregard for work": "work_kind current_status wage_month",
    "shanghai: gradual exit through employment": "left_through_work current_status previous_benefit_month",
    "shanghai: non-farm subsidy": "kind residence_type",
    "shanghai: refused introductions": "refused_jobs refuses_work",
    "shanghai: high-risk screening": "health_class mental_state social_problems",
    "shanghai: development account": "development_account",
    # Shanxi
    "shanxi: review class": "current_status income_stable labour_ability",
    "shanxi: amount frozen inside the period": "last_review_date circumstances_changed previous_benefit_month",
    "shanxi: appraisal when disputed": "objection_raised appraisal_result",
    "shanxi: verification conflicts by data kind": "verification_conflicts verification_state",
    "shanxi: intake": "intake_source",
    "shanxi: price linkage, target groups": "current_status orphan child_without_care",
    # Dangyang, Laibin, Chongqing, Shangluo
    "dangyang: subsidies that are not income": "kind disability_grade",
    "dangyang: medical assistance by group and illness": "current_status registered_poor rigid_medical_year",
    "dangyang: temporary assistance by cause, degree, kind": "emergency_kind hardship_degree needs needed_amount",
    "dangyang: person without registration": "without_registration emergency_kind",
    "laibin: overlap with the poverty register": "registered_poor current_status",
    "laibin: premium by tier": "medical_premium_year current_status",
    "laibin: approval by amount": "needed_amount",
    "shangluo: labour classes": "labour_ability registered_poor liftable_by_project",
    "shangluo: gradual exit 6 or 12 months": "gradual_exit_months",
    # ten cases
    "luocheng: completeness and verification": "documents_complete verification_state",
    "jinxiang: property stop": f"{PROPERTY} non_residential_property boats farm_machines_large",
    "bairin: health class by age": "health_class birth_date disability_grade severe_illness_code",
    "bairin: worker income": "work_kind health_class birth_date student_level",
    "bairin: land income": "work_kind contracted_land land_area_own land_area_contracted land_area_sublet",
    "bairin: support per parent": f"{SUPPORT} supporter_occupation supporter_luxury_assets supporter_exempt_reason",
    "bairin: deductions": f"{RIGID} student_level",
    "shenhe: four colours": "emergency_kind hardship_degree needs",
    "beilin: four circles": f"{INCOME} current_status",
    "beilin: combined assessment": "needs registered_poor",
    # general rules
    "tekun": "labour_ability birth_date supporter_exempt_reason self_care_missed",
    "household: not counted, apart since": "member_counted apart_since",
    "household: computed apart": "bedridden labour_ability birth_date",
    "income: land by use, subsidies": "land_area_own land_area_sublet land_area_contracted kind",
    "income: job taken while receiving": "job_since current_status status_since wage_month",
    "support: supporter unable": "supporter_exempt_reason",
    "property: business": "business_registered_capital business_share_percent business_turnover_year",
    "stop: community work, refusals": "refused_community_work refused_jobs",
    "top-ups by category": "severe_illness_code disability_grade birth_date veteran returned_overseas relation_to_head",
    "self-care, Barthel form": "barthel_index",
    "labour age and exemption": "birth_date sex labour_exempt_reason student_level",
    "fresh facts": "record_date verification_date",
}

ITEMS: dict[int, str] = {
    1: "birth_date",
    2: "birth_date",
    3: "birth_date",
    4: "relation_to_head marital_status birth_date",
    5: "orphan child_without_care relation_to_head needs",
    6: "disability_grade",
    7: "disability_grade",
    8: "disability_kind disability_grade",
    9: "disability_grade",
    10: "severe_illness_code",
    11: "chronic_illness",
    12: "self_care_missed",
    13: "labour_ability",
    14: "labour_ability",
    15: "student_level",
    16: INCOME,
    17: "work_kind",
    18: "kind amount period",
    19: "health_class birth_date student_level",
    20: "land_area_own land_area_sublet land_area_contracted",
    21: "kind birth_date",
    22: f"supporter_exempt_reason {SUPPORT}",
    23: "rigid_medical_year",
    24: "rigid_education_year",
    25: "income_year_before",
    26: "financial_assets",
    27: "dwelling_safety_grade",
    28: "dwelling_area_m2",
    29: "dwelling_units non_residential_property",
    30: "motor_vehicles disability_vehicle",
    31: "business_registered_capital business_share_percent",
    32: "farm_machines_large boats",
    33: "durable_goods_count",
    34: "debt_medical_education",
    35: "livestock_value",
}

CLAUSES: dict[str, str] = {
    "V01": "authorisation_given",
    "V02": "false_statement hidden_assets",
    "V03": "motor_vehicles disability_vehicle",
    "V04": "dwelling_units dwelling_area_m2",
    "V05": "non_residential_property non_residential_is_home",
    "V06": "business_registered_capital business_turnover_year",
    "V07": "financial_assets",
    "V08": "farm_machines_large boats works_machines",
    "V09": "new_house new_house_date new_house_reason",
    "V10": "study_abroad_self_paid",
    "V11": "refused_jobs refuses_work labour_ability",
    "V12": "unlawful_conduct",
    "V13": "gave_up_support moved_property_away",
    "V14": "high_consumption_flag cannot_be_found",
}


def test_every_listed_attribute_exists() -> None:
    missing = [name for name in D1.split() if name not in a.dictionary() and name not in ELSEWHERE]
    assert len(D1.split()) == 75  # 72 numbered lines, of which two hold five names
    assert missing == []


@pytest.mark.parametrize(
    ("rule", "facts"),
    [*RULES.items(), *((f"item {n}", f) for n, f in ITEMS.items()), *CLAUSES.items()],
    ids=lambda value: str(value)[:40],
)
def test_every_rule_finds_its_facts(rule: str, facts: str) -> None:
    usable = {name for name, attribute in a.dictionary().items() if attribute.expressions}
    assert [fact for fact in facts.split() if fact not in usable] == [], rule


def test_all_items_and_clauses_are_listed() -> None:
    assert sorted(ITEMS) == list(range(1, 36))
    assert sorted(CLAUSES) == [f"V{n:02}" for n in range(1, 15)]


def test_labels_are_unambiguous() -> None:
    """A column title or an enum label names one thing only, in whatever language."""
    for level in a.LEVELS:
        labels: dict[str, str] = {}
        own = {n: d.title for n, d in a.dictionary().items() if d.level == level}
        own |= {n: title for n, (where, title) in a.STRUCTURAL.items() if where == level}
        for name, title in own.items():
            for label in (name, title.zh, title.en):
                assert labels.setdefault(label.casefold(), name) == name, label
    for attribute in a.dictionary().values():
        seen: dict[str, str] = {}
        for entry in attribute.values:
            assert entry.title is not None
            for label in (entry.value, entry.title.zh, entry.title.en):
                assert seen.setdefault(label.casefold(), entry.value) == entry.value, (attribute.name, label)


def test_storage_follows_the_bounds() -> None:
    d = a.dictionary()
    assert a.storage(d["residence_type"]) == pl.UInt8
    assert a.storage(d["disability_grade"]) == pl.UInt8
    assert a.storage(d["wage_month"]) == pl.Int32  # 10^9 fen
    assert a.storage(d["business_income_year"]) == pl.Int64  # 1.2 * 10^10 fen
    assert a.storage(d["dwelling_area_m2"]) == pl.Int32
    assert a.storage(d["birth_date"]) == pl.Int32
    assert a.storage(d["needs"]) == pl.UInt64
    assert a.storage(d["severe_illness_code"]) == pl.String
    assert a.stored_bounds(d["wage_month"]) == (0, 10**9)
    assert a.stored_bounds(d["financial_assets"]) == (0, 10**11)
    assert a.stored_bounds(d["business_income_year"]) == (-12 * 10**9, 12 * 10**9)
    assert a.stored_bounds(d["birth_date"]) == (18800101, 22001231)


def test_every_attribute_is_sound() -> None:
    for attribute in a.dictionary().values():
        low, high = a.stored_bounds(attribute)
        assert low <= high
        assert len(attribute.values) <= (a.MAX_SET if attribute.type == "set" else a.MAX_ENUM)
        assert (attribute.type in ("enum", "set")) == bool(attribute.values)
        assert (attribute.type == "money") == attribute.unit.startswith("money")
        assert attribute.source
        if attribute.protected or attribute.name.startswith(("disability", "severe", "mental", "health")):
            assert attribute.sensitivity == "special" or attribute.name in ("disability_vehicle",)
    names = {n for n, d in a.dictionary().items() if not d.expressions}
    assert {"head_name", "member_name", "village_name", "address", "phone"} <= names
    assert {n for n, d in a.dictionary().items() if d.protected} == {"ethnicity", "religion", "nationality"}


def test_a_tables_own_definition_wins() -> None:
    own = DeclaredAttribute(
        name="rooms", title=Title(zh="房间", en="Rooms"), level="household", type="int", bounds=(0, 40)
    )
    assert a.combined([own])["rooms"] is own
    assert "rooms" not in a.dictionary()


@pytest.mark.parametrize("bounds", [None, (5, 1), ("0.005", 1)])
def test_bad_bounds_are_refused(bounds: object) -> None:
    attribute = DeclaredAttribute(
        name="x", title=Title(zh="甲", en="X"), level="household", type="money", unit="money", bounds=bounds
    )
    with pytest.raises(ValueError, match="x: "):
        a.stored_bounds(attribute)
