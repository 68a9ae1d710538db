"""What an address asks that a page can't follow is said there, in a sentence."""

from datetime import date
from decimal import Decimal

import pytest

from engagements.choices import Role
from tests.api.callers import client_for
from tests.dashboards.spending import pay
from tests.factories import (
    begun,
    make_contract,
    make_cost_centre,
    make_department,
    make_user,
)
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import Budget
from tracker.spend.services import set_budget

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 5)


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


@pytest.fixture
def contract():
    centre = make_cost_centre(department=make_department())
    set_budget(
        budget=Budget(cost_centre=centre, year=2026),
        amounts=dict.fromkeys(fiscal_months(2026), Decimal(100)),
        actor=None,
    )
    found = begun(make_contract(cost_shares={centre: Decimal(100)}))
    pay(found, "70.10", OCTOBER)
    return found


def said(client, address):
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/spend/accruals/?cost_centre={centre}", "follow the filter “Cost centre”."),
        ("/cost-centres/?vendor={vendor}", "follow the filter “Vendor”."),
        (
            "/spend/commitments/?from=2026-01&basis=actual",
            "follow the filters “From month”, “Basis”.",
        ),
        (
            "/spend/cost-centres/?from=2026-01&to=2026-12&compare=budget&vendor={vendor}",
            "no budget is of one vendor",
        ),
        ("/?whose=all", "“Whose” is no filter of this page"),
        ("/my/?vendor={vendor}", "“Vendor” is no filter of this page"),
        ("/fit/?cost_centre={centre}", "“Cost centre” is no filter of this page"),
        ("/spend/?nonsense=1", "“nonsense” is no filter of this page"),
        ("/vendors/?direct=yes", "nothing until a department is chosen"),
    ],
)
def test_what_changes_nothing_is_said_on_the_page(
    client, finance, contract, address, sentence
):
    centre = Budget.objects.get().cost_centre
    address = address.format(centre=centre.code, vendor=contract.vendor.public_id)

    assert sentence in said(client, address)
    assert sentence not in said(client, address.partition("?")[0])


def test_names_of_filters_are_shown_as_text(client, finance):
    body = said(client, "/vendors/?<script>alert(1)</script>=1")

    assert "<script>alert(1)" not in body


def test_no_file_is_made_of_a_filter_that_its_page_does_not_have(client, finance):
    for address in (
        "/overview.pdf?whose=all",
        "/spend/vendors.csv?nonsense=1",
        "/vendors.pdf?fact=vendor",
        "/vendors/concentration.csv?fact=vendor",
    ):
        response = client.get(address)
        assert response.status_code == 400
        assert "is no filter of this page" in response.content.decode()


def test_budgets_are_not_offered_to_hold_one_vendors_spend_against(
    client, finance, contract
):
    whole = "/spend/cost-centres/?from=2026-01&to=2026-12"

    assert "With the budget" in said(client, whole)
    narrowed = said(client, f"{whole}&vendor={contract.vendor.public_id}")
    assert "With the budget" not in narrowed


def test_a_key_is_refused_what_a_report_does_not_follow(client, finance, contract):
    api = client_for(finance, "spend:read")
    names = {one["report"]: one for one in api.get("/api/v1/reports").json()["results"]}

    answer = api.get(f"/api/v1/reports/burn?vendor={contract.vendor.public_id}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "vendor"
    assert "vendor" not in names["burn"]["filters"]
    assert "vendor" in names["concentration"]["filters"]
