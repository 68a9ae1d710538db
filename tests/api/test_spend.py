"""Spend by API: the page's own figures, for whoever may see them, and strict."""

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from engagements.choices import Role
from engagements.models import User
from tests.api.callers import client_for, codes
from tests.dashboards.spending import make_paid_contract
from tests.factories import make_department, make_user, make_vendor
from tracker.api.scopes import SCOPES
from tracker.api.spend import GROUPS

pytestmark = pytest.mark.django_db

PATH = "/api/v1/spend"
OCTOBER = date(2026, 10, 5)
ASKED = "from=2026-10&to=2026-10"


@pytest.mark.parametrize("group", GROUPS)
def test_spend_sums_to_the_page_and_the_file(api, client, group):
    make_paid_contract("10.10", OCTOBER, vendor=make_vendor(legal_name="=Calder"))
    make_paid_contract("20.20", OCTOBER)
    client.force_login(make_user(Role.FINANCE))

    answer = api.get(f"{PATH}?group_by={group}&{ASKED}").json()
    page = client.get(f"/spend/{GROUPS[group]}/?{ASKED}").context["page"]

    total = sum(Decimal(row["total"]) for row in answer["results"])
    assert f"£{total}" == f"£{answer['totals']['total']}" == "£30.30"
    assert "£30.30" in [cell.text for cell in page.table.totals]
    assert (answer["currency"], answer["next_cursor"]) == ("GBP", None)
    assert answer["period"] == {"first_month": "2026-10", "last_month": "2026-10"}


def test_spend_tells_names_as_they_are(api):
    vendor = make_vendor(legal_name="=Calder")
    make_paid_contract("10.10", OCTOBER, vendor=vendor)

    (row,) = api.get(f"{PATH}?group_by=vendor&{ASKED}").json()["results"]

    assert row == {
        "vendor": "=Calder",
        "vendor_id": str(vendor.public_id),
        "managed": "10.10",
        "augmented": "0.00",
        "total": "10.10",
        "not_yet_invoiced": "0.00",
        "share": "1.00",
        "currency": "GBP",
    }


def test_spend_is_of_what_the_key_s_owner_sees(api):
    own, other = make_department(), make_department()
    make_paid_contract("10", OCTOBER, department=own)
    foreign = make_paid_contract("7777", OCTOBER, department=other)
    manager = client_for(make_user(Role.MANAGER, department=own), "spend:read")

    answer = manager.get(f"{PATH}?group_by=vendor&{ASKED}").json()
    refused = manager.get(f"{PATH}?group_by=vendor&vendor={foreign.vendor.public_id}")

    assert answer["totals"]["total"] == "10.00"
    assert (refused.status_code, codes(refused)) == (422, [("vendor", "invalid")])


@pytest.mark.parametrize(
    ("query", "status", "wrong"),
    [
        ("", 400, [("group_by", "required")]),
        ("group_by=colour", 400, [("group_by", "choice")]),
        ("group_by=vendor&from=2026-13", 400, [("from", "pattern")]),
        ("group_by=vendor&colour=red", 400, [("colour", "unknown")]),
        ("group_by=vendor&sort=colour", 422, [("sort", "cursor")]),
        ("group_by=vendor&from=2026-05&to=2026-01", 422, [("to", "invalid")]),
        ("group_by=vendor&cursor=nowhere", 422, [("cursor", "cursor")]),
        ("group_by=vendor&cost_center=NONE", 422, [("cost_center", "invalid")]),
    ],
)
def test_spend_refuses_what_is_not_in_its_schema(api, query, status, wrong):
    response = api.get(f"{PATH}?{query}")

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert codes(response) == wrong


def test_reports_are_listed_and_answer_under_their_names(api):
    make_paid_contract("10", OCTOBER)

    listed = api.get("/api/v1/reports").json()["results"]

    for one in listed:
        answer = api.get(one["url"])
        assert (answer.status_code, answer.json()["report"]) == (200, one["report"])
    assert api.get("/api/v1/reports/none").status_code == 404
    open_period = api.get("/api/v1/reports/variances?period=all")
    assert codes(open_period) == [("period", "open_period")]


def test_scope_of_a_key_opens_spend_to_the_hr_integration_and_nothing_else_does():
    make_paid_contract("10", OCTOBER)
    hr = make_user(Role.HR_INTEGRATION)
    rich = client_for(hr, "spend:read")
    poor = client_for(hr, *(scope for scope in SCOPES if scope != "spend:read"))
    person = Client()
    person.force_login(hr)
    paths = (f"{PATH}?group_by=vendor&{ASKED}", "/api/v1/reports/vendors")

    statuses = [[c.get(path).status_code for path in paths] for c in (poor, person)]
    answer = rich.get(paths[0]).json()
    page = person.get("/spend/vendors/").status_code
    invoices = rich.get("/api/v1/invoices").status_code

    assert statuses == [[403, 403], [403, 403]]
    assert answer["totals"]["total"] == "10.00"
    assert (page, invoices) == (403, 403)


def test_key_of_a_manager_who_is_the_hr_integration_too_opens_all_spend():
    make_paid_contract("10", OCTOBER, department=make_department())
    both = make_user(Role.MANAGER, Role.HR_INTEGRATION)

    address = f"{PATH}?group_by=month&{ASKED}"
    person = Client()
    person.force_login(User.objects.get(pk=both.pk))

    answer = client_for(both, "spend:read").get(address)

    assert answer.json()["totals"]["total"] == "10.00"
    # What the key was told is not kept for the person.
    assert (person.get(address).json()["totals"] or {}).get("total") != "10.00"
