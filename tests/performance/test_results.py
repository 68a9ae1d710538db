"""Measurements, outages and exclusions on their way to a result."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from engagements.choices import Direction, MeasuredBy, Metric, Role, Window
from engagements.models import Event
from tests.factories import make_user
from tests.performance.contracts import contract_with, local, measured
from tracker.performance.models import (
    Downtime,
    Exclusion,
    LevelResult,
    Measurement,
    Ticket,
)
from tracker.performance.queries import availability
from tracker.performance.service_levels import Outcome, minutes_of, shown
from tracker.performance.services import (
    agree_exclusion,
    count_window_again,
    drop_exclusion,
    excuse_window,
    measure,
    record_downtime,
    record_measurement,
    store_tickets,
)

D = Decimal
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


def down(level, began, ended, **fields):
    return record_downtime(
        downtime=Downtime(
            service_level=level, began_at=local(began), ended_at=local(ended), **fields
        ),
        actor=None,
    )


def result(level, month="2026-03"):
    return LevelResult.objects.get(
        service_level=level, window_from=date.fromisoformat(f"{month}-01")
    )


def test_figure_is_judged_when_it_is_recorded_and_an_event_tells_of_a_miss():
    contract, [level] = contract_with({"target": D("99.5")})

    met = measured(level, "2026-02", "99.5")
    missed = measured(level, "2026-03", "99.49")

    assert (met.outcome, met.is_at_target) == (Outcome.MET, True)
    assert (missed.outcome, missed.is_at_target) == (Outcome.MISSED, False)
    told = Event.objects.filter(event_type__contains="service_level").order_by("id")
    assert list(told.values_list("event_type", "engagement_id")) == [
        ("engagement.service_levels_measured", contract.pk),
        ("service_level.missed", contract.pk),
        ("engagement.service_levels_measured", contract.pk),
    ]
    assert told.last().changes == {"Level 1, 2026-03": [None, "missed, 99.49"]}


def test_event_tells_what_a_window_was_before():
    _contract, [level] = contract_with({})
    measured(level, "2026-03", "90")
    measured(level, "2026-03", "100")

    told = Event.objects.filter(event_type="engagement.service_levels_measured")
    assert told.latest("id").changes == {
        "Level 1, 2026-03": ["missed, 90", "missed, 95"]
    }
    assert Event.objects.filter(event_type="service_level.missed").count() == 1


def test_window_that_is_not_over_has_no_result_yet():
    _contract, [level] = contract_with({})

    with pytest.raises(LevelResult.DoesNotExist):
        measured(level, "2026-11", "99.9")


def test_quarter_is_one_window_of_its_measurements():
    _contract, [level] = contract_with({"window": Window.QUARTER})
    for month, value in (("2026-04", "90"), ("2026-05", "99"), ("2026-06", "99")):
        record = Measurement(
            service_level=level,
            period_from=date.fromisoformat(f"{month}-01"),
            period_to=date.fromisoformat(f"{month}-28"),
            value=D(value),
        )
        record_measurement(measurement=record, actor=None)

    found = result(level, "2026-04")

    # 28 days each: (90 + 99 + 99) / 3
    assert (found.window_to, found.value, found.records) == (
        date(2026, 6, 30),
        D(96),
        3,
    )


@pytest.mark.parametrize(
    ("measured_by", "fields", "wrong"),
    [
        (MeasuredBy.VALUE, {"good": 1, "total": 2}, "service_level"),
        (MeasuredBy.COUNTS, {"value": D(5)}, "service_level"),
        (MeasuredBy.TICKETS, {"value": D(5)}, "service_level"),
        (MeasuredBy.VALUE, {"value": D(5), "good": 1, "total": 2}, "__all__"),
        (MeasuredBy.COUNTS, {"good": 3, "total": 2}, "__all__"),
        (MeasuredBy.DOWNTIME, {"downtime_minutes": D(-1)}, "__all__"),
    ],
)
def test_measurement_must_be_what_its_level_is_measured_by(measured_by, fields, wrong):
    _contract, [level] = contract_with({"measured_by": measured_by})

    with pytest.raises(ValidationError) as refused:
        measured(level, "2026-03", **fields)

    assert list(refused.value.message_dict) == [wrong]
    assert not Measurement.objects.exists()


def test_measurement_lies_in_one_window():
    _contract, [level] = contract_with({})
    across = Measurement(
        service_level=level,
        period_from=date(2026, 3, 31),
        period_to=date(2026, 4, 1),
        value=D(1),
    )
    with pytest.raises(ValidationError, match="two windows"):
        record_measurement(measurement=across, actor=None)


@pytest.mark.parametrize(
    "fields",
    [
        {"value": None},
        {"value": D(1), "good": 1, "total": 1},
        {"good": 2, "total": 1},
        {"downtime_minutes": D(-1)},
        {"value": D(1), "period_to": date(2026, 2, 1)},
    ],
)
def test_database_refuses_a_measurement_that_says_nothing_or_two_things(fields):
    contract, [level] = contract_with({})
    values = {
        "engagement_id": contract.pk,
        "service_level": level,
        "period_from": date(2026, 3, 1),
        "period_to": date(2026, 3, 31),
    }

    with pytest.raises(IntegrityError), transaction.atomic():
        Measurement.objects.bulk_create([Measurement(**(values | fields))])


AVAILABILITY = {"measured_by": MeasuredBy.DOWNTIME, "service_hours": "always"}


def test_downtime_gives_availability_by_month_by_year_and_over_all_time():
    _contract, [level] = contract_with(AVAILABILITY)
    for month in range(1, 13):
        down(level, f"2024-{month:02}-10 10:00", f"2024-{month:02}-10 10:00")
    # The longest February, the shortest March, the longest October.
    down(level, "2024-02-05 08:00", "2024-02-05 14:57:36")
    down(level, "2024-03-31 00:30", "2024-03-31 02:30")
    down(level, "2024-10-26 12:00", "2024-10-27 12:00")

    found = availability(level, first=date(2024, 1, 1), last=date(2024, 12, 31))

    months = {
        month.month: (minutes_of(figure.down), minutes_of(figure.service))
        for month, figure in found.by_month.items()
        if figure.down
    }
    assert months == {
        2: (D("417.60"), D(41_760)),  # 29 days
        3: (D(60), D(44_580)),  # from 00:30 to 02:30 is an hour that night
        10: (D(1500), D(44_700)),  # noon to noon is 25 hours
    }
    assert shown(found.by_month[date(2024, 2, 1)].value) == D("99.00")
    # 60 / 44,580 = 0.1346 %; 1,500 / 44,700 = 3.3557 %
    assert shown(found.by_month[date(2024, 3, 1)].value) == D("99.87")
    assert shown(found.by_month[date(2024, 10, 1)].value) == D("96.64")
    # 1,977.6 of 527,040 minutes of the leap year = 0.37523 %
    assert minutes_of(found.by_year[2024].service) == D(527_040)
    assert shown(found.by_year[2024].value) == D("99.62")
    assert found.all_time == found.by_year[2024]


def test_agreed_maintenance_counts_neither_as_service_nor_as_downtime():
    contract, [level] = contract_with(AVAILABILITY)
    boss = make_user(Role.MANAGER)
    down(level, "2026-03-10 01:00", "2026-03-10 05:00")
    assert minutes_of(result(level).down_seconds) == D(240)

    exclusion = agree_exclusion(
        exclusion=Exclusion(
            engagement=contract,
            starts_at=local("2026-03-10 00:00"),
            ends_at=local("2026-03-10 04:00"),
            reason="Patching, agreed in the monthly review",
        ),
        actor=boss,
    )

    found = result(level)
    assert minutes_of(found.down_seconds) == D(60)
    assert minutes_of(found.service_seconds) == D(44_580 - 240)
    told = Event.objects.get(event_type="exclusion.agreed")
    assert (told.actor, told.changes["reason"][1]) == (
        boss,
        "Patching, agreed in the monthly review",
    )

    drop_exclusion(exclusion=exclusion, actor=boss)

    assert minutes_of(result(level).down_seconds) == D(240)


def test_exclusion_of_one_level_leaves_the_others_alone():
    contract, [one, other] = contract_with(AVAILABILITY, AVAILABILITY)
    for level in (one, other):
        down(level, "2026-03-10 01:00", "2026-03-10 02:00")

    agree_exclusion(
        exclusion=Exclusion(
            engagement=contract,
            service_level=one,
            kind=Exclusion.Kind.EXCUSED,
            starts_at=local("2026-03-10 00:00"),
            ends_at=local("2026-03-11 00:00"),
            reason="Power cut",
        ),
        actor=None,
    )

    assert result(one).down_seconds == 0
    assert result(other).down_seconds == 3600


def test_downtime_belongs_to_a_level_that_is_measured_by_it():
    _contract, [level] = contract_with({})

    with pytest.raises(ValidationError, match="not measured by downtime"):
        down(level, "2026-03-10 01:00", "2026-03-10 02:00")


def test_contract_that_began_within_the_window_is_measured_from_then():
    _contract, [level] = contract_with(AVAILABILITY, starts_on=date(2026, 3, 16))
    down(level, "2026-03-20 01:00", "2026-03-20 02:00")

    # 16 days, one of them with 23 hours
    assert minutes_of(result(level).service_seconds) == D(16 * 1440 - 60)


def test_idle_window_has_no_data_and_is_not_met():
    contract, _levels = contract_with(AVAILABILITY)

    done = measure(
        contract=contract, first=date(2026, 2, 1), last=date(2026, 3, 31), actor=None
    )

    assert (done.windows, done.changed, done.missed) == (2, 2, 0)
    assert {r.outcome for r in LevelResult.objects.all()} == {Outcome.NO_DATA}
    assert {r.is_at_target for r in LevelResult.objects.all()} == {None}


def test_measuring_again_writes_nothing():
    contract, [level] = contract_with({})
    measured(level, "2026-03", "99")
    before = Event.objects.count()

    done = measure(
        contract=contract, first=date(2026, 3, 1), last=date(2026, 3, 31), actor=None
    )

    assert (done.windows, done.changed) == (1, 0)
    assert Event.objects.count() == before


def test_measuring_reads_with_one_number_of_queries():
    def queries(months):
        with CaptureQueriesContext(connection) as captured:
            measure(
                contract=contract,
                first=date(2026, 1, 1),
                last=date(2026, months, 28),
                actor=None,
            )
        return len(captured)

    contract, _levels = contract_with(AVAILABILITY, {}, {})
    measure(
        contract=contract, first=date(2026, 1, 1), last=date(2026, 9, 30), actor=None
    )

    assert [queries(1), queries(9)] == [8, 8]


def test_window_is_excused_with_a_reason_and_keeps_its_figures():
    _contract, [level] = contract_with({})
    boss = make_user(Role.MANAGER)
    missed = measured(level, "2026-03", "90")

    excused = excuse_window(result=missed, reason=" Our own network ", actor=boss)

    assert (excused.outcome, excused.value) == (Outcome.EXCUSED, D(90))
    assert (excused.excused_by, excused.excuse) == (boss, "Our own network")
    told = Event.objects.get(event_type="service_level.excused")
    assert told.actor == boss
    assert told.changes["outcome"] == ["missed", "excused"]
    # A late figure is taken in, and the excuse stays.
    assert measured(level, "2026-03", "80").outcome == Outcome.EXCUSED
    assert result(level).value == D(85)

    assert count_window_again(result=excused, actor=boss).outcome == Outcome.MISSED


def test_excuse_needs_a_reason():
    _contract, [level] = contract_with({})
    missed = measured(level, "2026-03", "90")

    with pytest.raises(ValidationError, match="Say why"):
        excuse_window(result=missed, reason="  ", actor=make_user(Role.MANAGER))
    with pytest.raises(IntegrityError), transaction.atomic():
        LevelResult.objects.update(outcome="excused")


def ticket(contract, number, opened, resolved=None, **fields):
    return Ticket(
        engagement_id=contract.pk,
        source_id=number,
        opened_at=local(opened),
        resolved_at=local(resolved) if resolved else None,
        **fields,
    )


TICKETS = {
    "measured_by": MeasuredBy.TICKETS,
    "metric": Metric.RESOLUTION,
    "target": D(90),
    "within_minutes": 480,
    "priority": "P2",
}


def test_tickets_count_in_the_month_they_were_opened_in_local_time():
    contract, [level] = contract_with(TICKETS)

    store_tickets(
        tickets=[
            # 23:30 UTC on 31 March is 1 April in London.
            ticket(
                contract, "1", "2026-04-01 00:30", "2026-04-01 09:30", priority="P2"
            ),
            ticket(
                contract, "2", "2026-04-02 09:00", "2026-04-02 17:00", priority="P2"
            ),
            # Over Easter: Good Friday is closed, Monday is not in all of the country.
            ticket(
                contract, "3", "2026-04-02 16:00", "2026-04-08 16:00", priority="P2"
            ),
            ticket(
                contract, "4", "2026-04-02 09:00", "2026-05-02 09:00", priority="P1"
            ),
        ],
        actor=None,
    )

    april = result(level, "2026-04")
    assert (april.good, april.total, april.outcome) == (2, 3, Outcome.MISSED)
    assert not LevelResult.objects.filter(
        service_level=level, window_from=date(2026, 3, 1), total__gt=0
    ).exists()


def test_ticket_is_the_same_by_its_number_and_is_brought_up_to_date():
    contract, [level] = contract_with(TICKETS)
    store_tickets(
        tickets=[ticket(contract, "1", "2026-04-01 09:00", priority="P2")], actor=None
    )
    assert result(level, "2026-04").outcome == Outcome.MISSED

    store_tickets(
        tickets=[
            ticket(contract, "1", "2026-04-01 09:00", "2026-04-01 10:00", priority="P2")
        ],
        actor=None,
    )

    assert Ticket.objects.count() == 1
    assert result(level, "2026-04").outcome == Outcome.MET


def test_mean_time_is_told_in_the_unit_of_the_level():
    level_fields = {
        "measured_by": MeasuredBy.TICKETS,
        "metric": Metric.RESPONSE,
        "direction": Direction.AT_MOST,
        "target": D(30),
        "unit": "minutes",
    }
    contract, [level] = contract_with(level_fields)

    store_tickets(
        tickets=[
            ticket(
                contract,
                "1",
                "2026-04-01 09:00",
                responded_at=local("2026-04-01 09:20"),
            ),
            ticket(
                contract,
                "2",
                "2026-04-01 16:50",
                responded_at=local("2026-04-02 09:35"),
            ),
        ],
        actor=None,
    )

    # 20 and 10 + 35
    assert result(level, "2026-04").value == D("32.5")
    assert result(level, "2026-04").outcome == Outcome.MISSED
