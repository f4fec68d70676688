"""`county_model` as a mini country package of OpenFisca: a variable for each count, income, item, clause and result.

OpenFisca knows persons in households, nothing below persons: transfers and support are given as a person's yearly sums,
made beforehand. Its integers have 32 bits, in which yearly amounts in hundredths of a fen overflow without a word
(and its floats lose fen); the variables of this package are therefore given 64 bits by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from benchmarks.peers import county as rules
from benchmarks.peers import county_numpy as arrays
from benchmarks.peers.county import UNITS_A_FEN as U
from benchmarks.peers.county import LocalNumbers

PERIOD = "2018"
Values = NDArray[Any]
Formula = Callable[..., Values]

Household = build_entity("household", "households", "Household", roles=[{"key": "member", "plural": "members"}])
Person = build_entity("person", "persons", "Person", is_person=True)


def _variable(named: str, of: Any, how: Formula | None = None, kind: type = int) -> type[Variable]:
    """A yearly variable: an input, or worked out by a formula over its entity."""
    body: dict[str, Any] = {
        "value_type": kind, "entity": of, "definition_period": DateUnit.YEAR, "label": named,
        "is_period_size_independent": True,
    }  # fmt: skip
    if how is not None:

        def formula(entity: Any, period: Any, _parameters: Any) -> Values:
            return how(lambda name: entity(name, period), entity, period)

        body["formula"] = formula
    return type(named, (Variable,), body)


def _bands(value: Values, edge: Values, bands: Sequence[tuple[int, int, int]], last: int) -> Values:
    return np.select([value * q < edge * p for p, q, _ in bands], [points for *_, points in bands], last)


def persons(local: LocalNumbers) -> dict[str, Formula]:
    """Formulas of a person; `v` gives another variable of the same person."""
    code, turned = rules.code, {y: rules.day_number(rules.born_by(local.on, y)) for y in (16, 60, 80, *rules.AGE_EDGES)}

    def age_band(v: Any) -> Values:
        return sum((v("birth_date") <= turned[edge]).astype(np.int64) for edge in rules.AGE_EDGES)

    def severe(v: Any) -> Values:
        grade = v("disability_grade")
        return ((grade >= 1) & (grade <= 2)) | v("third_mental") | v("has_illness")

    def own_work(v: Any) -> Values:
        placed = v("work_kind") == code("work_kind", "no_fixed_workplace")
        paid = np.where(placed, v("ability") * (local.minimum_wage_month * 80), v("wage_month") * (12 * U))
        farms = (v("work_kind") == code("work_kind", "farming")) & (v("contracted_land") == 1)
        return np.where(v("minor"), 0, paid) + np.where(farms, v("ability") * (local.farm_income_year * 6), 0)

    return {
        "counted_here": lambda v, *_: v("member_counted") == code("member_counted", "counted"),
        "minor": lambda v, *_: v("birth_date") > turned[16],
        "sixty": lambda v, *_: v("birth_date") <= turned[60],
        "eighty": lambda v, *_: v("birth_date") <= turned[80],
        "mental_kind": lambda v, *_: arrays.MENTAL_KIND[v("disability_kind")],
        "third_mental": lambda v, *_: (v("disability_grade") == 3) & v("mental_kind"),
        "studying": lambda v, *_: v("student_level") != code("student_level", "none"),
        "able_person": lambda v, *_: v("labour_ability") == code("labour_ability", "able"),
        "ability": lambda v, *_: np.where(
            v("minor") | v("studying") | severe(v), 0, arrays.CELLS[v("health_class") * 5 + age_band(v)]
        ),
        "income_person": lambda v, *_: (
            own_work(v)
            + (v("business_income_year") + v("property_income_year")) * U
            + v("transfers_person")
            + v("support_person")
        ),
    }


TRUTHS = {
    "counted_here", "minor", "sixty", "eighty", "mental_kind", "third_mental", "studying", "able_person", "has_illness",
    "has_pension", "has_supporter",
}  # fmt: skip


def counts() -> dict[str, Callable[[Any], Values]]:
    """What is counted or summed over the counted persons of a household; `v` gives a person's variable."""
    code = rules.code

    def relation(v: Any, name: str) -> Values:
        return v("relation_to_head") == code("relation_to_head", name)

    return {
        "persons_counted": lambda v: v("counted_here"), "gross": lambda v: v("income_person"),
        "transfers_all": lambda v: v("transfers_person"), "labour": lambda v: v("ability"),
        "students": lambda v: v("studying"), "able": lambda v: v("able_person"),
        "old": lambda v: v("sixty") & ~v("eighty"), "high": lambda v: v("eighty"), "minors": lambda v: v("minor"),
        "orphans": lambda v: v("minor") & ((v("orphan") == 1) | (v("child_without_care") == 1)),
        "grade_1": lambda v: v("disability_grade") == 1, "grade_2": lambda v: v("disability_grade") == 2,
        "grade_3": lambda v: v("third_mental"),
        "other": lambda v: (v("disability_grade") >= 3) & ~v("third_mental"),
        "ill": lambda v: v("has_illness"), "chronic": lambda v: v("chronic_illness") == 1,
        "no_care": lambda v: v("self_care_missed") >= 4,
        "further": lambda v: arrays.FURTHER_LEVEL[v("student_level")],
        "child": lambda v: v("minor") & relation(v, "child"),
        "lone": lambda v: relation(v, "head") & (v("marital_status") != code("marital_status", "married")),
        "spouse": lambda v: relation(v, "spouse"),
        "employed": lambda v: v("work_kind") == code("work_kind", "employed"),
        "without_pension": lambda v: v("sixty") & ~v("has_pension"), "supported": lambda v: v("has_supporter"),
        "refusing": lambda v: (v("refuses_work") == 1) & (v("refused_jobs") >= 3) & v("able_person"),
    }  # fmt: skip


def homes(local: LocalNumbers) -> dict[str, Formula]:
    """Formulas of a household; `v` gives another variable of the same household."""
    code = rules.code

    def known(value: str, edge: str, bands: Sequence[tuple[int, int, int]], last: int, zero: int) -> Formula:
        return lambda v, *_: np.where(v(edge) == 0, zero, _bands(v(value), v(edge), bands, last))

    def income(v: Any, *_: Any) -> Values:
        medical = np.minimum(v("medical") // 5 * 4, 2_000_000 * U)
        education = np.minimum(v("education"), v("students") * (500_000 * U))
        premium = np.minimum(v("rigid_pension_premium_year") * U, v("p") * (300_000 * U))
        return np.maximum(v("gross") - medical - education - premium, 0)

    def circle(v: Any, *_: Any) -> Values:
        total, line = v("income"), v("line")
        steps = [v("stopped"), total < v("wealth"), total <= line, total * 2 < line * 3, total < line * 2]
        return np.select(steps, [4, 0, 1, 2, 3], 4)

    def summed(group: str, number: int, cap: int) -> Formula:
        return lambda v, *_: np.minimum(sum(v(f"{group}_{n}") for n in range(1, number + 1)), cap)

    items = {
        "status": (
            lambda v, *_: np.minimum(v("old"), 2), lambda v, *_: np.minimum(v("high") * 2, 4),
            lambda v, *_: np.minimum(v("minors"), 3),
            lambda v, *_: ((v("child") > 0) & (v("lone") > 0) & (v("spouse") == 0)) * 3,
            lambda v, *_: np.minimum(v("orphans") * 4, 4),
            lambda v, *_: np.minimum(
                v("grade_1") * 5 + v("grade_2") * 4 + v("grade_3") * 3 + np.minimum(v("other"), 2), 8
            ),
            lambda v, *_: np.minimum(v("ill") * 5, 8), lambda v, *_: np.minimum(v("chronic"), 2),
            lambda v, *_: np.minimum(v("no_care") * 4, 4), lambda v, *_: (v("able") == 0) * 4,
            lambda v, *_: np.where(v("able") == 0, 3, _bands(v("p") - v("able"), v("able"), rules.BURDEN_BANDS, 3)),
            lambda v, *_: np.minimum(v("further"), 2),
        ),
        "earnings": (
            lambda v, *_: _bands(v("income"), v("wealth"), rules.INCOME_BANDS, 0),
            lambda v, *_: (v("employed") == 0) * 3,
            known("transfers_all", "income", rules.TRANSFER_BANDS, 2, 2),
            lambda v, *_: np.where(v("labour") <= 0, 4, _bands(v("labour"), v("p"), rules.LABOUR_BANDS, 0)),
            lambda v, *_: v("land_area_own") + v("land_area_sublet") + v("land_area_contracted") == 0,
            lambda v, *_: v("without_pension") > 0, lambda v, *_: (v("supported") == 0) * 2,
            known("medical", "income", rules.MEDICAL_BANDS, 6, 6),
            lambda v, *_: (
                (v("education") > 0) * known("education", "income", rules.EDUCATION_BANDS, 3, 3)(v)
            ),
            lambda v, *_: ((v("before") > 0) & (v("income") * 2 <= v("before"))) * 2,
        ),
        "property": (
            lambda v, *_: _bands(v("assets"), v("wealth"), rules.ASSET_BANDS, 0),
            lambda v, *_: np.select(
                [v("dwelling_safety_grade") == code("dwelling_safety_grade", g) for g in ("D", "none", "C")], [4, 4, 3]
            ),
            lambda v, *_: v("area") < v("mean_area"), lambda v, *_: (v("farm_machines_large") > 0) * -2,
            lambda v, *_: np.select([v("durable_goods_count") <= 2, v("durable_goods_count") <= 5], [2, 1]),
            lambda v, *_: (v("debt") > 0) * known("debt", "income", rules.DEBT_BANDS, 3, 3)(v),
            lambda v, *_: -(v("livestock_value") > 2_000_000).astype(np.int64),
        ),
    }  # fmt: skip
    clauses: tuple[Formula, ...] = (
        lambda v, *_: v("authorisation_given") == 0,
        lambda v, *_: (v("false_statement") == 1) | (v("hidden_assets") == 1),
        lambda v, *_: v("motor_vehicles") > 0,
        lambda v, *_: (v("dwelling_units") > 1) & (v("area") > v("mean_area")),
        lambda v, *_: (v("non_residential_property") == 1) & (v("non_residential_is_home") == 0),
        lambda v, *_: (
            (v("business_registered_capital") >= 20_000_000)
            | (v("business_share_percent") >= 20 * rules.stored_scale("business_share_percent"))
        ),
        lambda v, *_: v("assets") >= v("wealth") * 24,
        lambda v, *_: (v("farm_machines_large") > 1) | (v("boats") > 0) | (v("works_machines") > 0),
        lambda v, *_: (
            (v("new_house") == 1)
            & ~arrays.NEEDED[v("new_house_reason")]
            & (v("new_house_date") > rules.day_number(rules.born_by(local.on, 2)))
        ),
        lambda v, *_: v("study_abroad_self_paid") == 1,
        lambda v, *_: v("refusing") > 0,
        lambda v, *_: v("unlawful_conduct") == 1,
        lambda v, *_: (v("gave_up_support") == 1) | (v("moved_property_away") == 1),
        lambda v, *_: (v("high_consumption_flag") == 1) | (v("cannot_be_found") == 1),
    )
    found: dict[str, Formula] = {
        "p": lambda v, *_: np.maximum(v("persons_counted"), 1),
        "wealth": lambda v, *_: v("p") * (np.array(local.dibao_year)[v("residence_type")] * U),
        "line": lambda v, *_: v("p") * (np.array(local.low_income_year)[v("residence_type")] * U),
        "medical": lambda v, *_: v("rigid_medical_year") * U,
        "education": lambda v, *_: v("rigid_education_year") * U,
        "before": lambda v, *_: v("income_year_before") * U,
        "assets": lambda v, *_: v("financial_assets") * (12 * U),
        "area": lambda v, *_: v("dwelling_area_m2") * 100,
        "mean_area": lambda v, *_: v("p") * (local.mean_floor_area_hundredths * rules.stored_scale("dwelling_area_m2")),
        "debt": lambda v, *_: v("debt_medical_education") * U,
        "income": income,
        "vetoes": lambda v, *_: sum(v(f"V{n:02}").astype(np.int64) << (n - 1) for n in range(1, 15)),
        "stopped": lambda v, *_: (v("vetoes") > 0) | (v("persons_counted") < 1),
        "circle": circle,
        "outcome": lambda v, *_: np.select(
            [v("vetoes") & rules.REFUSING != 0, v("stopped"), v("circle") <= 1], [1, 2, 0], 1
        ),
        "income_per_head": lambda v, *_: (v("income") * 2 + v("p") * (12 * U)) // (v("p") * (24 * U)),
        "income_per_head_year": lambda v, *_: (v("income") * 2 + v("p") * U) // (v("p") * (2 * U)),
        "benefit_month": lambda v, *_: np.where(
            v("stopped"), 0, (np.maximum(v("wealth") - v("income"), 0) * 2 + 12 * U) // (24 * U)
        ),
        "index": lambda v, *_: np.maximum(v("points_status") + v("points_earnings") + v("points_property"), 0),
    }
    for (group, formulas), cap in zip(items.items(), (45, 40, 15), strict=True):
        found |= {f"{group}_{n}": formula for n, formula in enumerate(formulas, 1)}
        found[f"points_{group}"] = summed(group, len(formulas), cap)
    return found | {f"V{n:02}": clause for n, clause in enumerate(clauses, 1)}


def _over_persons(of_person: Callable[[Any], Values]) -> Formula:
    """The sum over the counted persons of a household."""

    def formula(_v: Any, household: Any, period: Any) -> Values:
        def v(name: str) -> Values:
            return household.members(name, period)

        return household.sum(np.where(v("counted_here"), of_person(v), 0))

    return formula


def system(local: LocalNumbers, given: Mapping[str, Mapping[str, Values]]) -> TaxBenefitSystem:
    """The country package: inputs as `given` (by entity), and all formulas."""
    country = TaxBenefitSystem([Household, Person])
    made = [
        _variable(name, entity, None, bool if name in TRUTHS else int)
        for key, entity in (("household", Household), ("person", Person))
        for name in given[key]
    ]
    made += [_variable(name, Person, how, bool if name in TRUTHS else int) for name, how in persons(local).items()]
    made += [_variable(name, Household, _over_persons(how)) for name, how in counts().items()]
    made += [_variable(name, Household, how, bool if name == "stopped" else int) for name, how in homes(local).items()]
    for one in made:
        country.add_variable(one)
    for one in country.variables.values():
        if one.value_type is int:
            one.dtype = np.int64
    return country


def inputs(columns: arrays.Columns) -> dict[str, dict[str, Values]]:
    """What a simulation is given: the facts that the rules name, transfers and support summed for each person."""
    transfers, pension = arrays.transfers_of(columns["transfer"], columns["transfer"]["offsets"].astype(np.int64))
    support, able = arrays.support_of(columns["supporter"], columns["supporter"]["offsets"].astype(np.int64))
    person = {name: columns["member"][name] for name in PERSON_FACTS}
    person |= {"has_illness": columns["member"]["ill"], "has_pension": pension, "has_supporter": able}
    person |= {"transfers_person": transfers, "support_person": support}
    return {"household": {name: columns["household"][name] for name in HOUSEHOLD_FACTS}, "person": person}


PERSON_FACTS = (
    "birth_date", "member_counted", "disability_kind", "disability_grade", "student_level", "labour_ability",
    "health_class", "work_kind", "wage_month", "contracted_land", "business_income_year", "property_income_year",
    "relation_to_head", "marital_status", "orphan", "child_without_care", "chronic_illness", "self_care_missed",
    "refuses_work", "refused_jobs",
)  # fmt: skip
HOUSEHOLD_FACTS = (
    "residence_type", "rigid_medical_year", "rigid_education_year", "rigid_pension_premium_year", "income_year_before",
    "financial_assets", "dwelling_area_m2", "debt_medical_education", "land_area_own", "land_area_sublet",
    "land_area_contracted", "dwelling_safety_grade", "farm_machines_large", "durable_goods_count", "livestock_value",
    "authorisation_given", "false_statement", "hidden_assets", "motor_vehicles", "dwelling_units",
    "non_residential_property", "non_residential_is_home", "business_registered_capital", "business_share_percent",
    "boats", "works_machines", "new_house", "new_house_reason", "new_house_date", "study_abroad_self_paid",
    "unlawful_conduct", "gave_up_support", "moved_property_away", "high_consumption_flag", "cannot_be_found",
)  # fmt: skip


def scorer(columns: arrays.Columns, local: LocalNumbers) -> Callable[[], dict[str, Values]]:
    """Scores all households in one simulation, which is built and given its inputs beforehand."""
    given = inputs(columns)
    country = system(local, given)
    owner = columns["member"]["household"].astype(np.int64)
    builder = SimulationBuilder()
    builder.create_entities(country)
    builder.declare_person_entity("person", np.arange(len(owner)))
    house = builder.declare_entity("household", np.arange(len(columns["household"]["residence_type"])))
    builder.join_with_persons(house, owner, np.full(len(owner), "member"))
    simulation = builder.build(country)
    for values in given.values():
        for name, one in values.items():
            simulation.set_input(name, PERIOD, one if name in TRUTHS else one.astype(np.int64))
    computed = [name for name, one in country.variables.items() if one.formulas]

    def score() -> dict[str, Values]:
        for name in computed:
            simulation.get_holder(name).delete_arrays()
        return {name: simulation.calculate(name, PERIOD) for name in rules.RESULT_COLUMNS}

    return score
