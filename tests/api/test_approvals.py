"""What the approval rules make of engagements that another system puts as active."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Role, Status
from engagements.models import Approval, Engagement
from engagements.services.approvals import approve
from tests.api.callers import client_for, codes, put
from tests.factories import make_department, make_rule, make_user, make_vendor

pytestmark = pytest.mark.django_db

DESK = {
    "title": "Service desk",
    "kind": "managed",
    "status": "active",
    "vendor": {"external_id": "V-1"},
    "department": {"code": "IT"},
    "start_date": "2026-01-01",
    "end_date": "2026-12-31",
    "monthly_fee": {"amount": "10000.00", "effective_date": "2026-01-01"},
}


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(date(2026, 6, 15), tick=False):
        yield


@pytest.fixture
def feed():
    make_vendor(external_id="V-1")
    make_department(code="IT")
    return client_for(
        make_user(Role.ADMINISTRATOR, username="feed"),
        "engagements:write",
        "rates:write",
    )


@pytest.fixture
def checker():
    return make_user(Role.FINANCE)


def test_active_under_a_rule_becomes_pending_and_the_answer_says_so(feed, checker):
    make_rule(checker, from_amount=Decimal(120_000))

    first = put(feed, "engagements", "E-1", DESK)
    again = put(feed, "engagements", "E-1", DESK)

    assert (first.status_code, first.json()["status"]) == (201, "pending_approval")
    assert (again.status_code, again.json()["status"]) == (200, "pending_approval")
    approval = Approval.objects.get()
    assert (approval.asked_by.username, approval.amount) == ("feed", Decimal(120_000))

    approve(approval=approval, actor=checker)
    after = put(feed, "engagements", "E-1", DESK)
    assert (after.status_code, after.json()["status"]) == (200, "active")


def test_active_below_every_rule_starts(feed, checker):
    make_rule(checker, from_amount=Decimal(120_001))

    assert put(feed, "engagements", "E-1", DESK).json()["status"] == "active"


def test_what_waits_refuses_another_end_or_fee(feed, checker):
    make_rule(checker)
    put(feed, "engagements", "E-1", DESK)

    for body in (
        DESK | {"end_date": "2027-12-31"},
        DESK | {"monthly_fee": {"amount": "1.00", "effective_date": "2026-07-01"}},
    ):
        response = put(feed, "engagements", "E-1", body)
        assert response.status_code == 409
        assert "withdraw it first" in response.json()["detail"]
    assert Engagement.objects.get().ends_on == date(2026, 12, 31)


def test_price_of_an_active_engagement_is_refused_under_a_rule(feed, checker):
    put(feed, "engagements", "E-1", DESK)
    make_rule(checker, name="Contracts")

    response = put(
        feed,
        "engagements",
        "E-1",
        DESK | {"monthly_fee": {"amount": "11000.00", "effective_date": "2026-07-01"}},
    )

    problem = response.json()
    assert (response.status_code, problem["code"]) == (409, "approval_needed")
    assert "“Contracts”: record a change order" in problem["detail"]


def test_move_to_a_department_where_another_rule_asks_is_refused(feed, checker):
    put(feed, "engagements", "E-1", DESK)
    sales = make_department(code="SALES")
    make_rule(checker, name="Sales board", department=sales)

    response = put(feed, "engagements", "E-1", DESK | {"department": {"code": "SALES"}})

    problem = response.json()
    assert (response.status_code, problem["code"]) == (409, "approval_needed")
    assert "needs approval by “Sales board”" in problem["detail"]
    assert Engagement.objects.get().department.code == "IT"


def test_incomplete_draft_is_told_all_that_is_missing_and_nothing_is_stored(
    feed, checker
):
    make_rule(checker)
    bare = {
        name: value
        for name, value in DESK.items()
        if name not in ("department", "monthly_fee")
    }

    response = put(feed, "engagements", "E-1", bare | {"owner": None})

    assert response.status_code == 422
    pointers = {pointer for pointer, _code in codes(response)}
    assert pointers == {"/owner", "/department", "/monthly_fee"}
    assert Engagement.objects.count() == 0


def test_rule_that_nobody_else_can_fulfil_is_a_conflict(feed):
    make_rule(make_user(Role.AUDITOR), name="Board")

    response = put(feed, "engagements", "E-1", DESK)

    assert response.status_code == 409
    assert "may approve it by “Board”" in response.json()["detail"]
    assert Engagement.objects.count() == 0


def test_draft_stays_a_draft(feed, checker):
    make_rule(checker)

    response = put(feed, "engagements", "E-1", DESK | {"status": "draft"})

    assert response.json()["status"] == Status.DRAFT
