"""Outlooks of month ends as they are stored."""

import json
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from engagements.choices import Role
from engagements.models import Event
from tests.factories import begun, make_contract, make_department, make_user
from tests.spend.billing import bill
from tracker.spend.kept import last_kept_month, last_outlook, month_looked_from
from tracker.spend.models import MonthOutlook
from tracker.spend.queries import SpendWhere
from tracker.spend.services import (
    MonthClosedError,
    MonthNotOverError,
    OutlookRun,
    close_month,
    keep_outlooks,
    reckon_month,
)

pytestmark = pytest.mark.django_db

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
TODAY = date(2026, 8, 20)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(f"{TODAY}T09:00Z", tick=False):
        yield


@pytest.fixture
def contract():
    return begun(make_contract(fee=Decimal(3100), starts_on=JULY))


def keep(month: date = JULY, *, is_trial: bool = False) -> OutlookRun:
    return keep_outlooks(month=month, today=TODAY, is_trial=is_trial, actor=None)


def test_outlook_is_kept_and_told(contract):
    run = keep()

    outlook = MonthOutlook.objects.get()
    assert (run.engagements, run.changed) == (1, 1)
    # Without a known end nothing is committed; nine months of the year remain.
    assert (outlook.committed, outlook.expected) == (None, 9 * 3100)
    event = Event.objects.get(event_type="engagement.outlook_kept")
    assert event.engagement_id == contract.pk
    assert event.changes["expected"] == [None, "27900"]


def test_repeating_keeps_nothing_and_a_trial_neither(contract):
    assert keep(is_trial=True).changed == 1
    assert not MonthOutlook.objects.exists()
    keep()

    assert (keep().changed, MonthOutlook.objects.count()) == (0, 1)


def test_another_figure_is_another_revision(contract):
    keep()
    bill(contract, JULY, amount=Decimal(3000), total=Decimal(3000))
    bill(contract, date(2026, 6, 1), amount=Decimal(50), total=Decimal(50))
    keep()

    assert [row.revision for row in MonthOutlook.objects.order_by("revision")] == [1, 2]
    assert MonthOutlook.objects.latest_revisions().get().revision == 2


def test_what_never_ran_keeps_nothing():
    make_contract(fee=Decimal(3100), starts_on=JULY)

    assert (keep().engagements, MonthOutlook.objects.count()) == (0, 0)


def test_what_is_agreed_and_begins_later_is_committed_already():
    begun(
        make_contract(
            fee=Decimal(100), starts_on=date(2026, 10, 1), ends_on=date(2026, 12, 31)
        )
    )
    keep()

    outlook = MonthOutlook.objects.get()
    assert (outlook.committed, outlook.expected) == (300, 300)


def test_months_that_are_not_over_or_closed_are_refused(contract):
    with pytest.raises(MonthNotOverError):
        keep(AUGUST)
    reckon_month(month=JULY, today=TODAY, actor=None)
    close_month(month=JULY, actor=make_user(Role.FINANCE))

    with pytest.raises(MonthClosedError):
        keep()


def test_engagement_without_a_rate_is_told_and_left_out(contract):
    other = begun(make_contract(currency="XAF", starts_on=JULY))

    run = keep()

    assert list(run.refused) == [other.reference]
    assert MonthOutlook.objects.get().engagement_id == contract.pk


def test_others_departments_are_not_seen():
    mine, others = make_department(), make_department()
    begun(make_contract(department=others, starts_on=JULY))
    keep()
    manager, where = make_user(Role.MANAGER, department=mine), SpendWhere()

    assert last_kept_month(manager) is None
    assert month_looked_from(manager, AUGUST) is None
    assert last_outlook(manager, where, JULY).expected == []
    finance = make_user(Role.FINANCE)
    assert len(last_outlook(finance, where, JULY).expected) == 1


@pytest.mark.parametrize("count", [1, 3, 30])
def test_keeping_takes_a_fixed_number_of_queries(count, django_assert_num_queries):
    for _ in range(count):
        begun(make_contract(starts_on=JULY))
    # PostgreSQL also takes the lock by which postings and closings wait.
    queries = 23 if connection.vendor == "sqlite" else 24

    with django_assert_num_queries(queries):
        keep()


def test_outlook_never_changes(contract):
    keep()
    outlook = MonthOutlook.objects.get()

    for change in (
        lambda: MonthOutlook.objects.filter(pk=outlook.pk).update(expected=1),
        lambda: MonthOutlook.objects.filter(pk=outlook.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"revision": 1}, "revision"),
        ({"month": date(2026, 7, 2)}, "outlook_month_is_first_day"),
        ({"currency": "GB"}, "outlook_currency_code"),
        ({"committed": Decimal(1)}, "outlook_committed_until_a_day"),
        ({"committed_until": TODAY}, "outlook_committed_until_a_day"),
        ({"agreed_until": TODAY}, "outlook_agreed_until_a_day"),
        ({"expected_low": Decimal(10**6)}, "outlook_expected_within_its_range"),
        ({"year_ends_on": JULY}, "outlook_year_not_over"),
        ({"fx_rate": Decimal(0)}, "outlook_rate_positive"),
    ],
)
def test_database_refuses_an_outlook_that_cannot_be(contract, fields, constraint):
    keep()
    row = MonthOutlook.objects.get()
    row.pk, row.revision = None, 2
    for name, value in fields.items():
        setattr(row, name, value)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MonthOutlook.objects.bulk_create([row])


def test_command_keeps_both_and_tells(capsys):
    begun(make_contract(fee=Decimal(3100), starts_on=JULY, ends_on=date(2026, 9, 30)))
    call_command("accrue", "--month", "2026-07", "--dry-run")
    told = capsys.readouterr().out
    assert "1 outlooks, 1 changed; 6200.00 GBP committed, 9300.00 expected" in told
    assert not MonthOutlook.objects.exists()

    call_command("accrue", "--month", "2026-07", "--json")

    assert json.loads(capsys.readouterr().out)["outlooks"]["committed"] == "6200.00"
    assert MonthOutlook.objects.get().expected == 9300
