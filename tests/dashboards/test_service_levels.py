"""The pages of service levels: what they say, to whom, and at what cost."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from engagements.choices import (
    CreditScheme,
    MeasuredBy,
    Metric,
    Role,
    ServiceHours,
    Status,
    Window,
)
from engagements.models import Engagement, Service
from tests.factories import make_user, make_vendor
from tests.performance.contracts import contract_with, measured
from tracker.performance.models import Credit, LevelProgress, LevelResult, Ticket
from tracker.performance.services import excuse_window, measure, store_tickets

pytestmark = pytest.mark.django_db

D = Decimal
PAGE = "/service-levels/"
REPORTS = [
    "levels",
    "windows",
    "at-risk",
    "vendor-scores",
    "vendors-by-service",
    "lost-credits",
]
CANARY = "Canary <script>alert('x')</script> Ltd"


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance(client):
    user = make_user(Role.FINANCE)
    client.force_login(user)
    return user


def running(*levels, **fields):
    contract, found = contract_with(*levels, **fields)
    Engagement.objects.filter(pk=contract.pk).update(status=Status.ACTIVE)
    contract.refresh_from_db()
    return contract, found


def tickets_of(contract, on_time, late, opened="2026-11-03T09:00Z"):
    """Store tickets solved within the hour, and others after a day."""
    moment = datetime.fromisoformat(opened)
    known = Ticket.objects.count()
    rows = [
        Ticket(
            engagement_id=contract.pk,
            source_id=f"T{known + n}",
            priority="P1",
            opened_at=moment + timedelta(minutes=n),
            resolved_at=moment + timedelta(minutes=n, hours=1 if n < on_time else 24),
        )
        for n in range(on_time + late)
    ]
    store_tickets(tickets=rows, actor=None)


TICKETS = {
    "name": "P1 solved in 4 hours",
    "metric": Metric.RESOLUTION,
    "measured_by": MeasuredBy.TICKETS,
    "within_minutes": 240,
    "target": D(90),
    "unit": "%",
    "service_hours": ServiceHours.ALWAYS,
    "credit_percent": D(50),
    "credit_severity_percent": D(40),
}


def desk(**fields):
    return running(
        TICKETS,
        **{
            "fee": D(100_000),
            "credit_scheme": CreditScheme.POOL,
            "at_risk_percent": D(10),
            "credit_pool_percent": D(100),
        }
        | fields,
    )


def cells_of(body):
    return re.findall(
        r'aria-label="([^"]*: (?:Met|Missed|No data|Excused)[^"]*)"', body
    )


def test_each_window_is_a_cell_that_says_what_it_is_and_opens(client, finance):
    _contract, [level] = running({"name": "Uptime", "unit": "%"})
    measured(level, "2026-09", "99.9")
    missed = measured(level, "2026-10", "98.1")

    body = client.get(PAGE).content.decode()

    wide = body.split('class="chart-narrow"')[0]
    assert cells_of(wide) == [
        "Uptime, September 2026: Met, 99.90 %",
        "Uptime, October 2026: Missed, 98.10 %",
    ]
    assert f'href="/service-levels/windows/{missed.public_id}/"' in wide
    assert "1 of 2 windows missed, and nothing is at risk now" in body


def test_a_quarter_is_three_months_wide(client, finance):
    _contract, [level] = running({"name": "Survey", "window": Window.QUARTER})
    measured(level, "2026-07", "99.9")

    body = client.get(PAGE).content.decode()

    assert cells_of(body)[0].startswith("Survey, Q3 2026: Met")
    assert 'width="94"' in body


def test_two_more_misses_and_a_credit_is_due(client, finance):
    contract, _levels = desk()
    tickets_of(contract, on_time=19, late=1)

    body = client.get(PAGE).content.decode()

    assert "2 more misses and a credit of £2,000.00 is due" in body
    assert "1 service level at risk now" in body


def test_what_is_on_course_stands_in_the_download_alone(client, finance):
    contract, _levels = desk()
    tickets_of(contract, on_time=200, late=0)

    assert "At risk in this window" not in client.get(PAGE).content.decode()
    assert rows_of(client, "at-risk")[0]["Standing"] == "On course"


def test_who_sees_the_engagement_without_its_money_reads_no_amount(client):
    contract, _levels = desk()
    tickets_of(contract, on_time=19, late=1)
    client.force_login(make_user(Role.MANAGER, Role.HR_INTEGRATION))

    body = client.get(PAGE).content.decode()

    assert "2 more misses and the window is missed" in body
    assert "£2,000.00" not in body


def test_last_months_standing_is_told_no_more(client, finance):
    contract, _levels = desk()
    tickets_of(contract, on_time=19, late=1)

    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC), tick=False):
        client.force_login(finance)
        assert "At risk in this window" not in client.get(PAGE).content.decode()


def test_window_opens_its_tickets_the_late_ones_first(client, finance):
    contract, _levels = desk()
    tickets_of(contract, on_time=2, late=1, opened="2026-10-05T09:00Z")
    measure(
        contract=contract,
        first=date(2026, 10, 1),
        last=date(2026, 10, 31),
        actor=None,
    )
    result = LevelResult.objects.get()

    body = client.get(f"/service-levels/windows/{result.public_id}/").content.decode()

    assert re.findall(r'<th scope="row">(T\d)</th>', body) == ["T2", "T0", "T1"]
    assert "1 too late of 3 that count" in body
    assert "2 of 3" in body


def test_window_without_records_says_so(client, finance):
    contract, [level] = running({"name": "Uptime"})
    result = measured(level, "2026-10", "98.1")
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        measure(
            contract=contract,
            first=date(2026, 9, 1),
            last=date(2026, 9, 30),
            actor=None,
        )
    silent = LevelResult.objects.exclude(pk=result.pk).get()

    body = client.get(f"/service-levels/windows/{silent.public_id}/").content.decode()

    assert "Nothing was recorded in this window" in body


def test_excused_window_tells_why_and_lowers_the_coverage(client, finance):
    _contract, [level] = running({"name": "Uptime"})
    measured(level, "2026-09", "99.9")
    excuse_window(
        result=measured(level, "2026-10", "90"), reason="Our own move", actor=finance
    )

    body = client.get(PAGE).content.decode()

    assert "The one window with data was met" in body
    assert "50%" in body
    assert rows_of(client, "windows")[0]["Why it is excused"] == "Our own move"


def test_lost_money_is_told_by_currency(client, finance):
    for currency, amount in (("GBP", "2000"), ("EUR", "300.5")):
        contract, [level] = running({"name": "Uptime"}, currency=currency)
        measured(level, "2026-10", "90")
        Credit.objects.create(
            engagement=contract,
            service_level=level,
            window_from=date(2026, 10, 1),
            window_to=date(2026, 10, 31),
            scheme=CreditScheme.FLAT,
            amount=D(amount),
            state="expired",
            state_since=date(2026, 11, 1),
        )

    body = client.get(PAGE).content.decode()

    assert "€300.50 + £2,000.00" in body


def league(client):
    return [
        (row["Vendor"], row["Score"], row["Band"], row["Coverage"])
        for row in rows_of(client, "vendor-scores")
    ]


def test_league_ranks_vendors_and_puts_those_without_data_last(client, finance):
    for name, value in (("Best Ltd", "99.9"), ("Worst Ltd", "90")):
        vendor = make_vendor(legal_name=name)
        _contract, [level] = running({"name": "Uptime"}, vendor=vendor)
        measured(level, "2026-10", value)
    contract, [_level] = running({"name": "x"}, vendor=make_vendor(legal_name="Mute"))
    measure(
        contract=contract, first=date(2026, 10, 1), last=date(2026, 10, 31), actor=None
    )

    assert league(client) == [
        ("Best Ltd", "100.00", "Excellent", "1.00"),
        ("Worst Ltd", "0.00", "Poor", "1.00"),
        ("Mute", "", "No data", "0.00"),
    ]


def test_vendors_of_one_service_stand_side_by_side(client, finance):
    service = Service.objects.create(name="Network")
    for name, value in (("A Ltd", "90"), ("B Ltd", "99.9")):
        _contract, [level] = running(
            {"name": "Uptime"}, vendor=make_vendor(legal_name=name), service=service
        )
        measured(level, "2026-10", value)

    rows = rows_of(client, "vendors-by-service")

    assert [(row["Service"], row["Vendor"], row["Score"]) for row in rows] == [
        ("Network", "B Ltd", "100.00"),
        ("Network", "A Ltd", "0.00"),
    ]
    chip = client.get(f"{PAGE}?service={service.public_id}").content.decode()
    assert "Service: Network" in chip


def rows_of(client, slug, query=""):
    response = client.get(f"{PAGE}{slug}.csv{query}")
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


@pytest.mark.parametrize("slug", REPORTS)
def test_workbook_holds_the_rows_of_the_csv(client, finance, slug):
    grow(2)

    rows = rows_of(client, slug)
    sheet = load_workbook(BytesIO(client.get(f"{PAGE}{slug}.xlsx").content)).active

    assert rows
    assert [cell.value for cell in sheet[1]] == list(rows[0])
    assert sheet.max_row == len(rows) + 1


def grow(count):
    """Add contracts with a result of each outcome, a lost credit and a risk."""
    for number in range(Engagement.objects.count(), count):
        contract, [level] = desk(
            vendor=make_vendor(legal_name=f"Vendor {number} Ltd"),
            service=Service.objects.create(name=f"Service {number}"),
        )
        for month, outcome, value in (
            (8, "met", D(95)),
            (9, "missed", D(80)),
            (10, "no_data", None),
        ):
            LevelResult.objects.create(
                engagement_id=contract.pk,
                service_level=level,
                window_from=date(2026, month, 1),
                window_to=date(2026, month, 30),
                outcome=outcome,
                value=value,
                measured_at=datetime(2026, 11, 1, tzinfo=UTC),
            )
        Credit.objects.create(
            engagement=contract,
            service_level=level,
            window_from=date(2026, 9, 1),
            window_to=date(2026, 9, 30),
            scheme=CreditScheme.POOL,
            amount=D(2000),
            state="expired",
            state_since=date(2026, 11, 1),
        )
        LevelProgress.objects.create(
            engagement_id=contract.pk,
            service_level=level,
            window_from=date(2026, 11, 1),
            window_to=date(2026, 11, 30),
            value=D(90),
            good=9,
            total=10,
            measured_at=datetime(2026, 11, 22, tzinfo=UTC),
        )


QUERIES = {
    PAGE: 20,
    f"{PAGE}levels/": 7,
    f"{PAGE}windows/": 8,
    f"{PAGE}at-risk/": 11,
    f"{PAGE}vendor-scores/": 9,
    f"{PAGE}vendors-by-service/": 9,
    f"{PAGE}lost-credits/": 8,
}
# Beyond one page, what the other pages hold is summed: all of it, and in two steps.
BEYOND_A_PAGE = {f"{PAGE}windows/": 10, f"{PAGE}lost-credits/": 10}


@pytest.mark.parametrize("address", QUERIES)
def test_pages_ask_as_often_for_1_row_for_3_and_for_300(client, finance, address):
    asked = []
    for count in (1, 3, 300):
        grow(count)
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        asked.append(len(queries))

    expected = QUERIES[address]
    assert asked == [expected, expected, BEYOND_A_PAGE.get(address, expected)]
