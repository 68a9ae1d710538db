"""Reminders of claim deadlines: 30, 14, 7 days and a day before the money is lost."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core import mail

from engagements.choices import CreditScheme, Role, Status
from engagements.models import Engagement
from tests.factories import make_user
from tests.performance.contracts import contract_with
from tracker.notify.alert_text import alerts_of, in_words
from tracker.notify.dates import dates_seen_by
from tracker.notify.due import CLAIM_THRESHOLDS, DeadlineKind, due_threshold
from tracker.notify.models import NotificationPreference, Reminder
from tracker.notify.services import send_reminders
from tracker.performance.models import Credit
from tracker.performance.services import claim_credit

pytestmark = pytest.mark.django_db

CLAIM_BY = date(2026, 11, 29)


@pytest.fixture
def manager():
    return make_user(Role.MANAGER, email="maya@example.org")


@pytest.fixture
def credit(manager):
    contract, [level] = contract_with({"name": "Solved in time"}, manager=manager)
    Engagement.objects.filter(pk=contract.pk).update(status=Status.ACTIVE)
    return Credit.objects.create(
        engagement=contract,
        service_level=level,
        window_from=date(2026, 9, 1),
        window_to=date(2026, 9, 30),
        scheme=CreditScheme.POOL,
        amount=Decimal(2000),
        claim_by_on=CLAIM_BY,
        state_since=date(2026, 10, 1),
    )


def sent_on(days_before):
    day = CLAIM_BY - timedelta(days=days_before)
    with time_machine.travel(day, tick=False):
        send_reminders(today=day)
    return list(
        Reminder.objects.filter(kind=DeadlineKind.CLAIM)
        .order_by("id")
        .values_list("threshold_days", flat=True)
    )


def test_claim_is_told_of_four_times_and_no_more(credit):
    told = {days: sent_on(days) for days in (31, 30, 29, 14, 8, 7, 2, 1, 0)}

    assert told == {
        31: [],
        30: [30],
        29: [30],
        14: [30, 14],
        8: [30, 14],
        7: [30, 14, 7],
        2: [30, 14, 7],
        1: [30, 14, 7, 1],
        0: [30, 14, 7, 1],
    }
    assert len(mail.outbox) == 4


def test_mail_names_level_window_and_what_is_lost(credit):
    sent_on(14)

    [letter] = mail.outbox
    assert letter.subject == "1 claim of a credit within 14 days, on 29 Nov"
    assert "Solved in time, September 2026" in letter.body
    assert "What is not claimed by this day is lost." in letter.body


def test_alert_leads_to_the_credit(credit, manager):
    sent_on(1)

    [alert] = in_words(alerts_of(manager), manager)
    assert alert.status == "Last day to claim a credit on 29 Nov 2026"
    assert alert.path == f"/admin/tracker/credit/{credit.pk}/change/"


def test_what_is_claimed_is_told_of_no_more(credit, manager):
    claim_credit(credit=credit, today=date(2026, 11, 1), actor=manager)

    assert sent_on(7) == []


def test_who_left_claims_out_is_still_told_in_the_last_week(credit, manager):
    NotificationPreference.objects.create(user=manager, kinds_left_out=["claim"])

    assert (sent_on(14), sent_on(7), sent_on(1)) == ([], [7], [7, 1])


def test_calendar_shows_claims_to_those_who_see_the_money(credit, manager):
    def kinds(user):
        return {one.deadline.kind for one in dates_seen_by(user, date(2026, 11, 1))}

    assert DeadlineKind.CLAIM in kinds(manager)
    assert DeadlineKind.CLAIM in kinds(make_user(Role.FINANCE))
    assert DeadlineKind.CLAIM not in kinds(make_user(Role.HR_INTEGRATION))


def test_missed_days_are_made_up_by_the_nearest_alone():
    today = CLAIM_BY - timedelta(days=5)

    assert due_threshold(CLAIM_BY, today=today, sent=(), among=CLAIM_THRESHOLDS) == 7
