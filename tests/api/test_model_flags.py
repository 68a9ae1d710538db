"""Flags over HTTP: evidence, money by scope and role, the latest decision."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from tests.api.callers import client_for
from tests.api.test_schema import check
from tests.factories import make_department, make_user
from tests.fit.records import TODAY, body_shop_under_a_fee, plant_spend
from tracker.api.scopes import SCOPES
from tracker.fit.models import Flag
from tracker.fit.services import accept_flag, assess

pytestmark = pytest.mark.django_db

PATH = "/api/v1/model-flags"


@pytest.fixture
def flagged():
    contract = body_shop_under_a_fee(department=make_department())
    plant_spend(contract, amount=Decimal(20_000), months=4, until=date(2026, 10, 15))
    assess(as_of=TODAY, actor=None)
    return Flag.objects.get()


def test_flag_tells_verdict_evidence_money_and_decision(api, flagged, administrator):
    accept_flag(flag=flagged, reason="As discussed.", actor=administrator)

    page = api.get(PATH).json()

    check("ModelFlagPage", page)
    (row,) = page["results"]
    assert row == api.get(f"{PATH}/{flagged.public_id}").json()
    assert (row["state"], row["leaning"], row["current_model"]) == (
        "accepted",
        "augmented",
        "managed",
    )
    assert row["assessment"]["verdict"] == "other_model_fits"
    assert row["assessment"]["points"][0]["code"] == "direction"
    assert (row["money"]["currency"], row["money"]["spent"]) == ("GBP", "80000.0000")
    assert row["decision"]["reason"] == "As discussed."


def test_money_is_for_keys_with_the_scope_and_owners_who_see_it(flagged):
    finance = make_user(Role.FINANCE)

    without = client_for(finance, "model-flags:read").get(PATH).json()
    with_scope = client_for(finance, "model-flags:read", "rates:read").get(PATH).json()

    assert "money" not in without["results"][0]
    assert with_scope["results"][0]["money"]["spent"] == "80000.0000"


def test_flag_of_another_department_is_not_there(flagged):
    stranger = client_for(make_user(Role.MANAGER), *SCOPES)

    assert stranger.get(PATH).json()["results"] == []
    assert stranger.get(f"{PATH}/{flagged.public_id}").status_code == 404


def test_states_filter(api, flagged):
    assert len(api.get(f"{PATH}?state=open").json()["results"]) == 1
    assert api.get(f"{PATH}?state=cleared").json()["results"] == []
    assert api.get(f"{PATH}?state=gone").status_code == 400


@pytest.mark.parametrize("flags", [1, 3])
def test_number_of_queries_does_not_grow(api, flags):
    for _ in range(flags):
        body_shop_under_a_fee()
    assess(as_of=TODAY, actor=None)
    api.get(PATH)

    with CaptureQueriesContext(connection) as captured:
        assert len(api.get(PATH).json()["results"]) == flags

    assert len(captured) == 7


def test_hr_integration_reads_flags_by_key_and_their_money_by_its_scope(flagged):
    hr = make_user(Role.HR_INTEGRATION)
    flags = client_for(hr, "model-flags:read").get(PATH).json()["results"]
    with_money = client_for(hr, "model-flags:read", "rates:read").get(PATH).json()
    without = client_for(hr, *(s for s in SCOPES if s != "model-flags:read"))
    person = Client()
    person.force_login(hr)

    (row,) = with_money["results"]
    assert flags == [{name: row[name] for name in row if name != "money"}]
    assert row["money"]["currency"] == "GBP"
    assert [c.get(PATH).status_code for c in (without, person)] == [403, 403]
