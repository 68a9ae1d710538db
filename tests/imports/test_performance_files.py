"""Files of tickets, measurements and downtime on their way to results."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from engagements.choices import MeasuredBy, Metric
from engagements.models import Event
from tests.performance.contracts import add_level, contract_with
from tracker.imports.models import ImportRun
from tracker.performance.models import Downtime, LevelResult, Measurement, Ticket
from tracker.performance.service_levels import Outcome

D = Decimal
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def bring_in(tmp_path, capsys):
    def run(kind, *lines, options=()):
        path = tmp_path / f"{kind}.csv"
        path.write_text("\n".join(lines))
        # It ends the process with 1 where lines are refused; the report says which.
        with suppress(SystemExit):
            call_command("import_file", kind, str(path), "--json", *options)
        return json.loads(capsys.readouterr().out)

    return run


def problems(report):
    return [(p["line"], p["field"], p["reason"]) for p in report["problems"]]


TICKETS = "Engagement,Number,Priority,Assignment group,Opened,First response,Resolved"
RESOLUTION = {
    "measured_by": MeasuredBy.TICKETS,
    "metric": Metric.RESOLUTION,
    "target": D(90),
    "within_minutes": 480,
}


def test_tickets_are_stored_and_the_levels_judged(bring_in):
    contract, [level] = contract_with(RESOLUTION)

    report = bring_in(
        "tickets",
        TICKETS,
        f"{contract.reference},INC1,P2,Network,2026-05-05 09:00,2026-05-05 09:10,"
        "2026-05-05 16:00",
        f"{contract.reference.lower()},INC2,P2,Network,05/05/2026 09:00,,"
        "06/05/2026 16:00",
    )

    assert problems(report) == []
    figures = ("read", "new", "changed", "already_recorded", "added", "missed")
    assert [report[name] for name in figures] == [2, 2, 0, 0, 2, 1]
    first = Ticket.objects.get(source_id="INC1")
    assert (first.priority, first.ticket_group) == ("P2", "Network")
    assert first.responded_at == datetime(2026, 5, 5, 8, 10, tzinfo=UTC)
    run = ImportRun.objects.get()
    assert (first.source_run, first.source_line) == (run.public_id, 2)
    result = LevelResult.objects.get(service_level=level, window_from="2026-05-01")
    assert (result.good, result.total, result.outcome) == (1, 2, Outcome.MISSED)
    assert Event.objects.filter(event_type="engagement.tickets_recorded").count() == 1


def test_same_file_again_changes_nothing_and_news_of_a_ticket_does(bring_in):
    contract, [level] = contract_with(RESOLUTION)
    options = ["--engagement", contract.reference]
    header = "Number,Opened,Resolved"
    open_ticket = "INC1,2026-05-05 09:00,"
    bring_in("tickets", header, open_ticket, options=options)

    again = bring_in("tickets", header, open_ticket, options=options)
    news = bring_in(
        "tickets", header, open_ticket + "2026-05-05 10:00", options=options
    )

    figures = ("new", "changed", "already_recorded")
    assert [again[name] for name in figures] == [0, 0, 1]
    assert [news[name] for name in figures] == [0, 1, 0]
    assert Ticket.objects.count() == 1
    result = LevelResult.objects.get(service_level=level, window_from="2026-05-01")
    assert result.outcome == Outcome.MET


def test_every_fault_of_a_line_is_told_and_nothing_is_applied(bring_in):
    contract, _levels = contract_with(RESOLUTION)
    reference = contract.reference

    report = bring_in(
        "tickets",
        f"{TICKETS},SLA met",
        f"{reference},INC1,P2,Network,2026-05-05 09:00,,,",
        "MSC-99999,INC2,P2,Network,2026-05-05 09:00,,,",
        ",,P2,Network,,,2026-05-05 09:00,perhaps",
        f"{reference},INC3,P2,Network,2026-05-05 09:00,2026-05-05 08:59,,",
        f"{reference},INC4,P2,Network,2026-03-29 01:30,,,",
        f"{reference},INC5,P2,Network,2027-05-05 09:00,,,",
        f"{reference},INC1,P1,Network,2026-05-05 09:00,,,",
    )

    assert problems(report) == [
        (3, "engagement", "is no managed-service contract"),
        (4, "engagement", "names no engagement"),
        (5, "responded", "is before the ticket was opened"),
        (6, "opened", "is a time that clocks in Europe/London skipped"),
        (7, "opened", "is 2027-05-05, which can't be right"),
        (8, "number", "stands in line 2 already"),
    ]
    assert (report["read"], report["refused"]) == (7, 6)
    assert not Ticket.objects.exists()


def test_dry_run_stores_nothing(bring_in):
    contract, _levels = contract_with(RESOLUTION)

    report = bring_in(
        "tickets",
        "Number,Opened",
        "INC1,2026-05-05 09:00",
        options=["--engagement", contract.reference, "--dry-run"],
    )

    assert (report["new"], report["added"]) == (1, 0)
    assert not Ticket.objects.exists()


def test_file_that_says_nowhere_which_engagement_it_is_about_is_refused(bring_in):
    with pytest.raises(CommandError, match="--engagement MSC-00012"):
        bring_in("tickets", "Number,Opened", "INC1,2026-05-05 09:00")
    with pytest.raises(CommandError, match="is no managed-service contract"):
        bring_in(
            "tickets",
            "Number,Opened",
            "INC1,2026-05-05 09:00",
            options=["--engagement", "MSC-99999"],
        )


MEASUREMENTS = "Engagement,Service level,Month,To,Value,Good,Total,Downtime minutes"


def test_measurements_come_as_figures_counts_or_minutes(bring_in):
    contract, _levels = contract_with(
        {"name": "Satisfaction", "target": D("4.2")},
        {"name": "On time", "measured_by": MeasuredBy.COUNTS, "target": D(90)},
        {
            "name": "Availability",
            "measured_by": MeasuredBy.DOWNTIME,
            "service_hours": "always",
        },
    )
    reference = contract.reference

    report = bring_in(
        "measurements",
        MEASUREMENTS,
        f"{reference},satisfaction,2026-05,,4.25,,,",
        f"{reference},On  time,2026-05,,,17,20,",
        f"{reference},Availability,01/05/2026,31/05/2026,,,,446.4",
    )

    assert problems(report) == []
    results = {
        result.service_level.name: (result.outcome, result.value)
        for result in LevelResult.objects.filter(window_from=date(2026, 5, 1))
    }
    # 446.4 of 44,640 minutes
    assert results == {
        "Satisfaction": (Outcome.MET, D("4.25")),
        "On time": (Outcome.MISSED, D(85)),
        "Availability": (Outcome.MISSED, D(99)),
    }


def test_measurement_is_known_again_by_its_level_and_period(bring_in):
    contract, _levels = contract_with({"name": "Satisfaction", "target": D("4.2")})
    line = f"{contract.reference},Satisfaction,2026-05,,"

    bring_in("measurements", MEASUREMENTS, line + "4.25,,,")
    again = bring_in("measurements", MEASUREMENTS, line + "4.25,,,")
    news = bring_in("measurements", MEASUREMENTS, line + "4.1,,,")

    assert (again["already_recorded"], news["changed"]) == (1, 1)
    assert Measurement.objects.get().value == D("4.1")
    assert LevelResult.objects.get().outcome == Outcome.MISSED


def test_measurement_says_what_its_level_asks_for(bring_in):
    contract, _levels = contract_with(
        {"name": "On time", "measured_by": MeasuredBy.COUNTS, "target": D(90)}
    )
    add_level(contract, name="Solved", **RESOLUTION)
    reference = contract.reference

    report = bring_in(
        "measurements",
        MEASUREMENTS,
        f"{reference},On time,2026-05,,95,,,",
        f"{reference},On time,2026-05,,,21,20,",
        f"{reference},On time,2026-05-20,2026-06-10,,1,2,",
        f"{reference},On time,2026-05-20,,,1,2,",
        f"{reference},Solved,2026-05,,95,,,",
        f"{reference},Quality,2026-05,,95,,,",
    )

    assert problems(report) == [
        (2, "good", "is blank"),
        (2, "total", "is blank"),
        (3, "good", "is more than there are"),
        (4, "period_to", "makes the period lie in two windows"),
        (5, "period_to", "is blank"),
        (6, "service_level", "is measured by tickets"),
        (7, "service_level", f"is no service level of {reference}"),
    ]
    assert not Measurement.objects.exists()


def test_downtime_comes_with_an_end_or_with_minutes(bring_in):
    contract, _levels = contract_with(
        {
            "name": "Availability",
            "measured_by": MeasuredBy.DOWNTIME,
            "service_hours": "always",
        }
    )
    header = "Service level,Began,Ended,Minutes,Incident"
    options = ["--engagement", contract.reference]
    lines = (
        "Availability,2026-03-29 00:30,2026-03-29 02:30,,P1-7",
        "Availability,2026-03-30 10:00,,30,",
        "Availability,2026-04-01 00:00,,0,",
    )

    bring_in("downtime", header, *lines, options=options)
    again = bring_in("downtime", header, *lines, options=options)

    assert (again["already_recorded"], Downtime.objects.count()) == (3, 3)
    march, april = LevelResult.objects.order_by("window_from")
    assert (march.down_seconds, march.incidents) == (60 * 60 + 30 * 60, ["P1-7"])
    assert (april.down_seconds, april.outcome) == (0, Outcome.MET)


def test_downtime_that_cannot_be_is_refused(bring_in):
    contract, _levels = contract_with({"name": "Quality"})
    add_level(contract, name="Availability", measured_by=MeasuredBy.DOWNTIME)

    report = bring_in(
        "downtime",
        "Service level,Began,Ended,Minutes",
        "Availability,2026-03-30 10:00,2026-03-30 09:00,",
        "Availability,2026-03-30 10:00,,",
        "Availability,2026-03-30 10:00,,-5",
        "Quality,2026-03-30 10:00,,5",
        options=["--engagement", contract.reference],
    )

    assert problems(report) == [
        (2, "ended", "is before it began"),
        (3, "ended", "is blank"),
        (4, "minutes", "can't be right"),
        (5, "service_level", "is measured by value"),
    ]


# --- a hundred thousand tickets ------------------------------------------------------

PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
GROUPS = ("Network", "Workplace", "Applications")
TICKETS_IN_ALL = 100_000
# London's summer time in 2026, in UTC.
SUMMER = "'2026-03-29 01:00:00' AND '2026-10-25 00:59:59'"
IN_SQL = {
    "sqlite": f"""
        SELECT strftime('%Y-%m', opened_at, CASE WHEN opened_at BETWEEN {SUMMER}
                                            THEN '+1 hour' ELSE '+0 hours' END),
               priority, ticket_group, COUNT(*),
               SUM(strftime('%s', resolved_at) - strftime('%s', opened_at) <= 14400)
        FROM tracker_ticket GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    "postgresql": """
        SELECT to_char(opened_at AT TIME ZONE 'Europe/London', 'YYYY-MM'),
               priority, ticket_group, COUNT(*),
               SUM((resolved_at - opened_at <= interval '14400 seconds')::int)
        FROM tracker_ticket GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
}


def many_tickets():
    """Yield lines with a ticket every five minutes or so, through ten months."""
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    yield "Number,Priority,Group,Opened,Resolved"
    for number in range(TICKETS_IN_ALL):
        opened = start + number * 262 + number % 7
        # From 0 to 8 hours, in steps that meet no other cycle.
        resolved = opened + (number * 7919) % 28_801
        times = [
            datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for t in (opened, resolved)
        ]
        priority = PRIORITIES[number % 5]
        group = GROUPS[number // 5 % 3]
        yield f"INC{number},{priority},{group},{times[0]},{times[1]}"


def test_hundred_thousand_tickets_count_as_sql_counts_them(bring_in):
    contract, _levels = contract_with(service_hours="always")
    for priority in PRIORITIES:
        for group in GROUPS:
            add_level(
                contract,
                **RESOLUTION
                | {
                    "name": f"{priority} {group}",
                    "within_minutes": 240,
                    "priority": priority,
                    "ticket_group": group,
                },
            )

    report = bring_in(
        "tickets", *many_tickets(), options=["--engagement", contract.reference]
    )

    assert (report["read"], report["added"]) == (TICKETS_IN_ALL, TICKETS_IN_ALL)
    results = LevelResult.objects.filter(total__gt=0).select_related("service_level")
    ours = sorted(
        (
            f"{result.window_from:%Y-%m}",
            result.service_level.priority,
            result.service_level.ticket_group,
            result.total,
            result.good,
        )
        for result in results
    )
    with connection.cursor() as cursor:
        cursor.execute(IN_SQL[connection.vendor])
        in_sql = [tuple(row) for row in cursor.fetchall()]
    assert ours == in_sql
    assert len(ours) == 10 * 5 * 3
    assert sum(row[3] for row in ours) == TICKETS_IN_ALL
