from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engagements.choices import Role
from engagements.models import FeeTerm, RateTerm
from tests.api.callers import client_for
from tests.api.test_schema import check
from tests.factories import begun, make_assignment, make_contract, make_rule, make_user
from tracker.api.scopes import SCOPES

pytestmark = pytest.mark.django_db

RATE = {"pay_rate": "700.00", "pay_period": "DAY", "effective_date": "2026-07-01"}
FEE = {"amount": "12000.00", "effective_date": "2026-07-01"}


def terms_of(engagement, part):
    return f"/api/v1/engagements/{engagement.public_id}/{part}"


@pytest.fixture(params=["rate-terms", "fee-terms"])
def kind(request):
    """The path of an engagement's terms, a body, another one, and its component."""
    if request.param == "rate-terms":
        path = terms_of(make_assignment(rate=Decimal(600)), request.param)
        return path, RATE, RATE | {"pay_rate": "800.00"}, "RateTermRecord"
    path = terms_of(make_contract(fee=Decimal(10_000)), request.param)
    return path, FEE, FEE | {"amount": "13000.00"}, "FeeTermRecord"


def test_term_is_appended_and_never_overwritten(api, kind):
    path, body, other, component = kind

    created = api.post(path, body)
    again = api.post(path, body)
    refused = api.post(path, other)
    rows = api.get(path).json()["results"]

    assert [r.status_code for r in (created, again, refused)] == [201, 200, 409]
    assert again.json() == created.json() == rows[1]
    assert [row["effective_date"] for row in rows] == ["2026-01-01", "2026-07-01"]
    check(component, created.json())


def test_rate_term_tells_contractor_and_figures(api):
    assignment = make_assignment(rate=Decimal("612.5"))

    (row,) = api.get(terms_of(assignment, "rate-terms")).json()["results"]

    assert row["contractor"]["id"] == str(assignment.contractor.public_id)
    told = {name: row[name] for name in RATE} | {"currency": row["pay_currency"]}
    assert told == {
        "pay_rate": "612.50",
        "pay_period": "DAY",
        "effective_date": "2026-01-01",
        "currency": "GBP",
    }


def test_term_of_the_other_model_currency_or_person_is_refused(api):
    contract, assignment = make_contract(), make_assignment()
    rates = terms_of(assignment, "rate-terms")

    responses = [
        api.post(terms_of(contract, "rate-terms"), RATE),
        api.post(terms_of(assignment, "fee-terms"), FEE),
        api.post(rates, RATE | {"pay_currency": "EUR"}),
        api.post(rates, RATE | {"contractor": {"external_id": "nobody"}}),
        api.post(rates, RATE | {"pay_period": "MONTH"}),
    ]

    assert [r.status_code for r in responses] == [422, 422, 422, 422, 400]


def test_more_than_was_approved_wants_a_change_order(api):
    contract = begun(make_contract(fee=Decimal(10_000), ends_on=date(2026, 12, 31)))
    make_rule(make_user(Role.FINANCE), from_amount=Decimal(1))

    response = api.post(terms_of(contract, "fee-terms"), FEE)

    assert response.status_code == 409
    assert response.json()["code"] == "approval_needed"
    assert FeeTerm.objects.count() == 1


def test_terms_want_the_scope_and_sight_of_money():
    assignment = make_assignment()
    path = terms_of(assignment, "rate-terms")
    hr = make_user(Role.HR_INTEGRATION)
    session = Client()
    session.force_login(hr)
    callers = [
        client_for(hr, "engagements:read"),
        client_for(hr, "rates:read"),
        session,
        client_for(make_user(Role.MANAGER), *SCOPES),
        client_for(make_user(Role.MANAGER, Role.HR_INTEGRATION), *SCOPES),
    ]

    assert [c.get(path).status_code for c in callers] == [403, 200, 403, 404, 200]


@pytest.mark.parametrize("count", [1, 3, 300])
def test_list_takes_the_same_queries_for_any_number(api, count):
    assignment = make_assignment(rate=None)
    RateTerm.objects.bulk_create(
        RateTerm(
            assignment=assignment,
            starts_on=date(2026 + number // 28, 1, 1 + number % 28),
            rate=Decimal(600),
        )
        for number in range(count)
    )

    with CaptureQueriesContext(connection) as captured:
        page = api.get(f"{terms_of(assignment, 'rate-terms')}?page_size=200").json()

    assert len(page["results"]) == min(count, 200)
    # Three to know the caller; the engagement; its rates.
    assert len(captured) == 5
