"""What monitoring tools push, and what of performance can be read by key."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagements.choices import CreditScheme, MeasuredBy, Metric, Role
from tests.api.callers import client_for, codes
from tests.factories import make_user
from tests.performance.contracts import add_level, contract_with
from tracker.api.scopes import SCOPES
from tracker.performance.models import (
    Credit,
    Downtime,
    LevelResult,
    Measurement,
    Review,
    Ticket,
)
from tracker.performance.review import CRITERIA

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel("2026-11-22T12:00Z", tick=False):
        yield


@pytest.fixture
def contract():
    return contract_with({"name": "Uptime"}, title="Desk")[0]


@pytest.fixture
def monitor():
    return client_for(make_user(Role.ADMINISTRATOR), "measurements:write")


def path(contract, part):
    return f"/api/v1/engagements/{contract.public_id}/{part}"


def measurement(level, source_id="M-1", **facts):
    return {
        "source_id": source_id,
        "service_level": str(level.public_id),
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
    } | (facts or {"value": "99.9"})


def push(client, contract, part, *lines):
    return client.post(path(contract, part), {part: list(lines)})


def test_pushed_measurement_judges_its_window(monitor, contract):
    level = contract.service_levels.get()

    answer = push(monitor, contract, "measurements", measurement(level, value="98.5"))

    assert (answer.status_code, answer.json()) == (
        200,
        {"stored": 1, "windows_changed": 1},
    )
    result = LevelResult.objects.get()
    assert (result.outcome, result.value) == ("missed", Decimal("98.5"))


def test_sent_again_it_is_the_same_and_corrected_it_is_changed(monitor, contract):
    level = contract.service_levels.get()
    push(monitor, contract, "measurements", measurement(level, value="98.5"))

    again = push(monitor, contract, "measurements", measurement(level, value="98.5"))
    mended = push(monitor, contract, "measurements", measurement(level, value="99.9"))

    assert again.json() == {"stored": 1, "windows_changed": 0}
    assert mended.json() == {"stored": 1, "windows_changed": 1}
    assert Measurement.objects.get().value == Decimal("99.9")


def test_same_source_id_of_another_engagement_is_another_record(monitor, contract):
    other, [level] = contract_with({"name": "Uptime"})
    own = contract.service_levels.get()

    push(monitor, contract, "measurements", measurement(own))
    push(monitor, other, "measurements", measurement(level))

    assert Measurement.objects.count() == 2


def test_pushed_downtime_and_tickets_are_counted(monitor, contract):
    up = add_level(contract, name="Up", measured_by=MeasuredBy.DOWNTIME)
    add_level(
        contract,
        name="Solved",
        metric=Metric.RESOLUTION,
        measured_by=MeasuredBy.TICKETS,
        within_minutes=60,
        unit="%",
    )
    line = {
        "source_id": "D-1",
        "service_level": str(up.public_id),
        "began_at": "2026-10-05T09:00:00+01:00",
        "ended_at": "2026-10-05T10:30:00+01:00",
        "incident": "INC-1",
    }
    ticket = {
        "source_id": "T-1",
        "priority": "P1",
        "group": "Tills",
        "opened_at": "2026-10-05T09:00:00Z",
        "resolved_at": "2026-10-05T09:30:00Z",
    }

    for _time in range(2):
        assert push(monitor, contract, "downtime", line).status_code == 200
        assert push(monitor, contract, "tickets", ticket).status_code == 200

    assert Downtime.objects.get().incident == "INC-1"
    assert Ticket.objects.get().ticket_group == "Tills"
    assert LevelResult.objects.get(service_level__name="Solved").good == 1


def test_one_wrong_line_stores_nothing_and_is_named(monitor, contract):
    level = contract.service_levels.get()
    other = contract_with({"name": "x"})[1][0]

    answer = push(
        monitor,
        contract,
        "measurements",
        measurement(level, "A"),
        measurement(level, "B", value="1", good=1, total=2),
        measurement(other, "C"),
        measurement(level, "D", good=3, total=2),
        measurement(level, "E", downtime_minutes="5"),
        measurement(level, "F"),
        measurement(level, "F"),
    )

    assert answer.status_code == 422
    assert [pointer for pointer, _code in codes(answer)] == [
        "/measurements/1",
        "/measurements/2/service_level",
        "/measurements/3",
        "/measurements/4/service_level",
        "/measurements/5/source_id",
        "/measurements/6/source_id",
    ]
    assert not Measurement.objects.exists()


def test_ticket_answered_before_it_was_opened_is_named(monitor, contract):
    answer = push(
        monitor,
        contract,
        "tickets",
        {
            "source_id": "T-1",
            "opened_at": "2026-10-05T09:00:00Z",
            "responded_at": "2026-10-05T08:00:00Z",
        },
    )

    assert codes(answer) == [("/tickets/0/responded_at", "invalid")]


@pytest.mark.parametrize("part", ["measurements", "downtime", "tickets"])
def test_unknown_names_empty_and_huge_batches_break_the_schema(monitor, contract, part):
    url = path(contract, part)

    assert monitor.post(url, {part: []}).status_code == 400
    assert monitor.post(url, {part: [{"x": 1}]}).status_code == 400
    assert monitor.post(url, {part: [{}] * 1001}).status_code == 400
    assert monitor.post(url, {}).status_code == 400


def test_reading_scope_pushes_nothing(contract):
    client = client_for(make_user(Role.ADMINISTRATOR), "measurements:read")
    level = contract.service_levels.get()

    assert push(client, contract, "measurements", measurement(level)).status_code == 403


def reviewed(contract):
    return Review.objects.create(
        engagement_id=contract.pk,
        reviewer=make_user(Role.MANAGER),
        period_from=date(2026, 7, 1),
        period_to=date(2026, 9, 30),
        comment="Good.",
        **dict.fromkeys(CRITERIA, 4),
    )


def test_credits_and_levels_are_read_with_their_figures(contract):
    Credit.objects.create(
        engagement=contract,
        service_level=contract.service_levels.get(),
        window_from=date(2026, 9, 1),
        window_to=date(2026, 9, 30),
        scheme=CreditScheme.FLAT,
        amount=Decimal("2000.5"),
        state_since=date(2026, 10, 1),
    )
    client = client_for(make_user(Role.FINANCE), "credits:read", "measurements:read")

    [credit] = client.get(path(contract, "credits")).json()["results"]
    [level] = client.get(path(contract, "service-levels")).json()["results"]

    assert (credit["amount"], credit["currency"], credit["state"]) == (
        "2000.5",
        "GBP",
        "due",
    )
    assert (level["name"], level["target"], level["last_outcome"]) == (
        "Uptime",
        "99.5",
        None,
    )


def test_reviews_are_read_by_hr_with_the_scope_and_never_by_finance(contract):
    reviewed(contract)

    def status(role, *scopes):
        client = client_for(make_user(role), *scopes)
        return client.get(path(contract, "reviews")).status_code

    every_other = [scope for scope in SCOPES if scope != "reviews:read"]
    assert status(Role.HR_INTEGRATION, "reviews:read") == 200
    assert status(Role.HR_INTEGRATION, *every_other) == 403
    assert status(Role.FINANCE, *SCOPES) == 403
    assert status(Role.AUDITOR, "reviews:read") == 200
    client = client_for(make_user(Role.HR_INTEGRATION), "reviews:read")
    [review] = client.get(path(contract, "reviews")).json()["results"]
    assert (review["quality"], review["comment"]) == (4, "Good.")


def test_finance_that_also_manages_reads_no_reviews_of_others(contract):
    reviewed(contract)
    client = client_for(make_user(Role.FINANCE, Role.MANAGER), "reviews:read")

    assert client.get(path(contract, "reviews")).json()["results"] == []


QUERIES = {"credits": 4, "service-levels": 4, "measurements": 4, "reviews": 4}


@pytest.mark.parametrize("count", [1, 3, 300])
def test_lists_ask_as_often_however_many_rows(contract, count):
    level, author = contract.service_levels.get(), make_user(Role.MANAGER)
    for number in range(min(count, 20)):
        add_level(contract, name=f"L{number}")
    days = [date.fromordinal(date(2025, 1, 1).toordinal() + n) for n in range(count)]
    of = {"engagement_id": contract.pk}
    Measurement.objects.bulk_create(
        Measurement(
            **of, service_level=level, period_from=day, period_to=day, value=Decimal(1)
        )
        for day in days
    )
    Credit.objects.bulk_create(
        Credit(
            **of,
            service_level=level,
            window_from=day,
            window_to=day,
            scheme="flat",
            amount=Decimal(1),
            state_since=day,
        )
        for day in days
    )
    Review.objects.bulk_create(
        Review(
            **of,
            reviewer=author,
            period_from=day,
            period_to=day,
            **dict.fromkeys(CRITERIA, 4),
        )
        for day in days
    )
    client = client_for(make_user(Role.ADMINISTRATOR), *SCOPES)

    asked = {}
    for part in QUERIES:
        client.get(path(contract, part))
        with CaptureQueriesContext(connection) as found:
            assert client.get(path(contract, part)).status_code == 200
        asked[part] = len(found)

    assert asked == QUERIES
