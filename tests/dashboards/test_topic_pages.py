"""What the pages of vendors, cost centres and contractors say."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from engagements.choices import Role
from engagements.models import FeeTerm
from tests.dashboards.spending import bill, pay
from tests.dashboards.test_topics import body_of, rows_of, total
from tests.factories import (
    begun,
    make_contract,
    make_cost_centre,
    make_user,
    make_vendor,
)
from tests.performance.contracts import add_level, measured
from tests.spend.test_benchmarking import developer, published_set
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import BenchmarkRate, Budget, RoleBenchmark
from tracker.spend.services import choose_benchmark, set_budget

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 5)


@pytest.fixture(autouse=True)
def on_a_day_in_november():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture(autouse=True)
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def spend(name, amount):
    vendor = make_vendor(legal_name=name)
    contract = begun(make_contract(vendor=vendor, starts_on=date(2025, 1, 1)))
    pay(contract, amount, OCTOBER)
    return contract


def test_the_largest_vendors_are_named_with_their_share(client):
    for name, amount in (("A", "50"), ("B", "30"), ("C", "15"), ("D", "5")):
        spend(name, amount)

    body = body_of(client, "/vendors/")

    assert "A takes 50% of external spend, the three largest 95%" in body
    # 50² + 30² + 15² + 5²
    assert "3,650" in body
    assert "highly concentrated" in body


def test_one_vendor_is_told_of_by_its_share_and_way_back(client):
    contract = spend("Meridian", "75")
    spend("Other", "25")

    body = body_of(client, f"/vendors/?vendor={contract.vendor.public_id}")

    assert "Meridian took £75, 75% of external spend" in body
    assert "Other" not in body.split('id="main"')[1].replace("Others", "")
    assert '<a href="/vendors/">Vendors</a>' in body


def test_a_vendor_without_spend_opens_where_it_is_engaged(client):
    contract = begun(make_contract())

    body = body_of(client, f"/vendors/?vendor={contract.vendor.public_id}")

    assert "was paid nothing in these months" in body
    assert contract.title in body


def test_prices_by_year_vendor_and_engagement_sum_to_the_same(client):
    contract = begun(make_contract(fee=Decimal(1000), starts_on=date(2025, 1, 1)))
    FeeTerm.objects.create(
        contract=contract, starts_on=date(2026, 7, 1), monthly_fee=Decimal(1100)
    )
    bill(contract, date(2026, 8, 3), [("recurring", "1100")])
    year = "?from=2026-04&to=2027-03"

    [by_year] = rows_of(client, "vendors", "price-years", year)[:1]
    by_vendor = rows_of(client, "vendors", "price-vendors", year)
    lines = rows_of(client, "vendors", "prices", year)

    column = "Of it by the change"
    assert (by_year["Fiscal year"], by_year[column]) == ("2026/27", "100.00")
    assert total(by_vendor, column) == total(lines, column) == 100
    assert Decimal(by_vendor[0]["Change"]) == Decimal("0.1")
    assert "+10.0%" in body_of(client, "/vendors/")


def test_a_scorecard_holds_score_and_spend_of_a_vendor(client):
    contract = spend("Meridian", "75")
    measured(add_level(contract), "2026-10", "99.9")

    [row] = rows_of(client, "vendors", "scorecards")

    assert (row["Score"], row["Band"], row["Spend"]) == ("100.00", "Excellent", "75.00")


def test_a_budget_that_will_be_exceeded_is_named_and_its_months_cumulate(client):
    centre = make_cost_centre(name="Platform")
    amounts = {month: Decimal(100) for month in fiscal_months(2026)}
    set_budget(
        budget=Budget(cost_centre=centre, year=2026), amounts=amounts, actor=None
    )
    contract = begun(
        make_contract(
            fee=Decimal(200),
            cost_shares={centre: Decimal(100)},
            starts_on=date(2026, 10, 1),
            ends_on=date(2027, 3, 31),
        )
    )
    pay(contract, "900", OCTOBER)

    # 900 are paid; five months of 200 are still planned.
    body = body_of(client, "/cost-centres/")
    months = rows_of(client, "cost-centres", "burn-months")

    assert "1 of 1 cost centre budgets will be exceeded, by £700" in body
    assert months[-1]["Left so far"] == "-700.00"
    assert total(months, "Forecast") == 1900
    one = body_of(client, f"/cost-centres/?cost_centre={centre.code}")
    assert "will go over its budget by £700" in one
    assert "burn-mark is-forecast is-over" in one


def test_rates_above_what_is_published_are_told_with_the_year(client, finance):
    published_set()
    choose_benchmark(
        choice=RoleBenchmark(role="Developer", rate=BenchmarkRate.objects.get()),
        actor=finance,
    )
    # 80 and 60 an hour; 53.33 to 74.67 are published.
    developer(600)
    cheap = developer(450)

    body = body_of(client, "/contractors/")

    assert "1 of 2 contractors compared costs more than the published" in body
    assert "Published, prices of 2016 (A publisher; CC0)" in body
    assert body.count('class="range-dot is-above"') >= 1
    one = body_of(client, f"/contractors/?engagement={cheap.public_id}")
    assert "costs £60.00 an hour, within what is published" in one
