"""What the service is measured against: a FastAPI endpoint that validates the same body with pydantic and echoes it.

The model is kind to the endpoint: plain ints, texts, booleans and dates, no exact money, no dictionary of 140 facts, no
strict refusals, nothing computed.
"""

from __future__ import annotations

import argparse
import datetime as dt

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Facts(BaseModel):
    """The household's own facts of the worked case."""

    household_id: str
    area_code: str
    residence_type: str
    financial_assets: int
    dwelling_units: int
    dwelling_safety_grade: str
    dwelling_area_m2: int
    non_residential_property: bool
    motor_vehicles: int
    farm_machines_large: int
    boats: int
    business_registered_capital: int
    business_share_percent: int
    durable_goods_count: int
    land_area_own: int
    land_area_sublet: int
    land_area_contracted: int
    livestock_value: int
    debt_medical_education: int
    rigid_medical_year: int
    rigid_education_year: int
    income_year_before: int


class Member(BaseModel):
    """One person."""

    member_id: str
    relation_to_head: str
    birth_date: dt.date
    member_counted: str
    marital_status: str
    student_level: str
    disability_kind: str
    disability_grade: int
    severe_illness_code: str
    chronic_illness: bool
    self_care_missed: int
    health_class: str
    labour_ability: str
    work_kind: str
    wage_month: int
    business_income_year: int
    property_income_year: int
    orphan: bool
    child_without_care: bool


class Transfer(BaseModel):
    """Money that one person receives."""

    member_id: str
    kind: str
    amount: int
    period: str


class Household(BaseModel):
    """The body of `POST /v1/score`."""

    table: str
    on: dt.date
    household: Facts
    members: list[Member]
    supporters: list[dict[str, str]] = []
    transfers: list[Transfer] = []


app = FastAPI()


@app.post("/echo")
async def echo(household: Household) -> Household:
    """The body, validated."""
    return household


@app.get("/ready")
async def ready() -> dict[str, bool]:
    """It is up."""
    return {"ready": True}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(app, port=parser.parse_args().port, access_log=False, log_level="warning")
