"""What going over would cost and save, as a report and as files."""

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from engagements.choices import Role
from tests.dashboards.test_views import read_csv
from tests.factories import make_department, make_user
from tests.fit.records import TODAY, plant_spend, running_assignment
from tracker.fit.models import Assessment
from tracker.fit.services import assess

pytestmark = pytest.mark.django_db

PATH = "/spend/switches.csv"
UNTIL = date(2026, 10, 15)


def paid(**fields):
    boss = make_user(Role.MANAGER, loaded_hourly_cost=Decimal("77.77"))
    engagement = running_assignment(manager=boss, **fields)
    plant_spend(engagement, amount=Decimal("9000.37"), months=5, until=UNTIL)
    return engagement


def test_file_has_ranges_break_even_and_what_they_rest_on(client):
    client.force_login(make_user(Role.FINANCE))
    engagement = paid()
    assess(as_of=TODAY, actor=None)
    money = Assessment.objects.get(engagement=engagement, as_of=TODAY).money

    (row,) = read_csv(client, PATH)

    assert (row["Reference"], row["Currency"]) == (engagement.reference, "GBP")
    assert row["Spent in these months"] == "45001.85"
    for part in ("p10", "p50", "p90"):
        assert row[f"Saving a month, {part}"] == money["saving"][part].lstrip("'")
    told = [row[f"Break-even, {part}"] for part in ("p10", "p50", "p90")]
    expected = [
        "never" if months is None else f"{months:g}"
        for months in money["break_even_months"]
    ]
    assert told == expected
    assert "price: 9000.37" in row["Recorded"]
    # A person's pay is used and told to nobody.
    assert "77.77" not in str(row)
    assert "vendors' published claims" in row["Assumed"]
    sheet = load_workbook(BytesIO(client.get("/spend/switches.xlsx").content)).active
    assert sheet.max_row == 2


def test_amounts_are_for_those_who_see_them_alone(client):
    paid()
    assess(as_of=TODAY, actor=None)

    client.force_login(make_user(Role.MANAGER, department=make_department()))
    response = client.get(PATH)

    assert response.status_code in (403, 404) or read_csv(client, PATH) == []


@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_queries_does_not_grow(client, rows):
    client.force_login(make_user(Role.FINANCE))
    for _ in range(rows):
        paid()
    assess(as_of=TODAY, actor=None)
    client.get("/spend/switches/")

    with CaptureQueriesContext(connection) as captured:
        assert client.get("/spend/switches/").status_code == 200

    assert len(captured) == 8
