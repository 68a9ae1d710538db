"""Accruals, commitments and forecast as pages and files."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from engagements.choices import Role
from tests.dashboards.test_views import read_csv
from tests.factories import begun, make_contract, make_department, make_user
from tests.spend.billing import bill
from tracker.spend.services import reckon_month

pytestmark = pytest.mark.django_db

JULY = date(2026, 7, 1)
TODAY = date(2026, 8, 20)
QUERIES = {
    "/": 17,
    "/spend/accruals/": 9,
    "/spend/accruals.csv": 8,
    "/spend/accruals.xlsx": 8,
    "/spend/commitments/": 14,
    "/spend/commitments.csv": 12,
    "/spend/committed-currencies/": 13,
    "/spend/forecast/": 21,
    "/spend/kept-outlooks/": 10,
    "/spend/kept-outlooks.csv": 9,
    "/spend/forecast-then/": 11,
    "/spend/forecast-then.csv": 8,
}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(f"{TODAY}T09:00Z", tick=False):
        yield


@pytest.fixture
def finance(client: Client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def contract(**fields: object):
    values = {"fee": Decimal(3100), "starts_on": JULY, "ends_on": date(2026, 12, 31)}
    return begun(make_contract(**values | fields))  # type: ignore[arg-type]


def reckon() -> None:
    reckon_month(month=JULY, today=TODAY, actor=None)


def test_accruals_tell_the_month_end_in_both_currencies(client, finance):
    contract(reference="MSC-1", currency="EUR")
    reckon()

    (row,) = read_csv(client, "/spend/accruals.csv")

    assert (row["Month end"], row["Reference"]) == ("2026-07", "MSC-1")
    assert (row["Own accrual"], row["Currency"]) == ("3100.00", "EUR")
    assert 2000 < Decimal(row["Accrual"]) < 3100


def test_prepayment_of_a_month_to_come_is_told(client, finance):
    engagement = contract()
    bill(
        engagement,
        JULY,
        date(2026, 8, 31),
        amount=Decimal(6200),
        total=Decimal(6200),
    )
    reckon()

    (row,) = read_csv(client, "/spend/accruals.csv")

    assert (row["Accrual"], row["Prepayment"]) == ("0.00", "3100.00")


def test_commitments_sum_by_currency(client, finance):
    for currency in ("GBP", "GBP", "EUR"):
        contract(currency=currency)

    rows = read_csv(client, "/spend/committed-currencies.csv")

    # Without notice, to the end: 12 of August's days, and four months.
    due = Decimal(3100) * 4 + Decimal(1200)
    assert [
        (row["Currency"], row["Engagements"], Decimal(row["In that currency"]))
        for row in rows
    ] == [("EUR", "1", due), ("GBP", "2", due * 2)]


def test_forecast_adds_up_over_the_year(client, finance):
    contract()

    rows = {row["Month"]: row for row in read_csv(client, "/spend/forecast.csv")}

    assert rows["2026-07"]["Accrued"] == "3100.00"
    assert (rows["2026-08"]["Accrued"], rows["2026-08"]["Planned"]) == (
        "2000.00",
        "1100.00",
    )
    assert rows["2026-12"]["Expected"] == "3100.00"


def test_managers_see_their_own_department_alone(client):
    mine, others = make_department(), make_department()
    contract(department=mine, reference="MINE")
    contract(department=others, reference="OTHERS")
    reckon()
    client.force_login(make_user(Role.MANAGER, department=mine))

    for slug in ("accruals", "commitments", "kept-outlooks"):
        rows = read_csv(client, f"/spend/{slug}.csv")
        assert [row["Reference"] for row in rows] == ["MINE"]
    (august,) = read_csv(client, "/spend/forecast-then.csv?from=2026-08&to=2026-08")
    assert august["Forecast then"] == "3100.00"


def test_months_kept_sum_to_the_engagements_of_the_year(client, finance):
    for currency in ("GBP", "EUR", "USD"):
        contract(currency=currency, fee=Decimal("3333.33"))
    reckon()

    engagements = read_csv(client, "/spend/kept-outlooks.csv")
    year = "?from=2026-04&to=2027-03"
    months = read_csv(client, f"/spend/forecast-then.csv{year}")

    # Nothing is kept before the year began: so it is looked from the first that is.
    total = sum(Decimal(row["Forecast then, fiscal year"]) for row in engagements)
    assert sum(Decimal(row["Forecast then"]) for row in months) == total
    assert {row["Forecast at the end of"] for row in months} == {"2026-07"}
    page = client.get(f"/spend/forecast-then/{year}").content.decode()
    assert "As kept at the end of Jul 2026" in page


def test_what_is_at_stake_names_what_was_kept(client, finance):
    contract()
    reckon()

    rows = {row["What"]: row for row in read_csv(client, "/spend/at-stake.csv")}

    assert rows["Committed, end of Jul 2026"]["Amount"] == "15500.00"
    year = rows["Forecast of the fiscal year, end of Jul 2026"]
    assert year["Amount"] == "18600.00"


@pytest.mark.parametrize("rows", [1, 3, 300])
def test_query_counts_do_not_grow_with_rows(
    client, finance, rows, django_assert_num_queries
):
    for _number in range(rows):
        contract()
    reckon()

    for address, count in QUERIES.items():
        with django_assert_num_queries(count, info=address):
            b"".join(client.get(address))
