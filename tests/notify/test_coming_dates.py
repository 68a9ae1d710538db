from datetime import date

import pytest

from engagements.choices import Renewal
from engagements.models import Engagement, Event
from tests.notify.agreements import make_running
from tracker.notify.services import tell_coming_dates

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 1)


def told():
    rows = Event.objects.filter(
        event_type__in=["engagement.ending_soon", "engagement.notice_window_opened"]
    )
    return list(rows.order_by("id").values_list("event_type", "changes"))


def test_dates_that_come_near_are_told_once():
    make_running(notice_by=date(2026, 4, 30), ends_on=date(2026, 7, 31))
    make_running(notice_by=None, ends_on=date(2026, 3, 31))
    make_running(notice_by=date(2026, 5, 1), ends_on=date(2026, 8, 1))

    first, again = tell_coming_dates(today=TODAY), tell_coming_dates(today=TODAY)

    assert (first, again) == (2, 0)
    assert told() == [
        ("engagement.ending_soon", {"term_ends_on": [None, "2026-03-31"]}),
        (
            "engagement.notice_window_opened",
            {"notice_deadline_on": [None, "2026-04-30"]},
        ),
    ]


def test_date_that_moves_is_told_of_again():
    running = make_running(notice_by=None, ends_on=date(2026, 3, 10))
    tell_coming_dates(today=TODAY)
    Engagement.objects.filter(pk=running.pk).update(term_ends_on=date(2026, 3, 20))

    assert tell_coming_dates(today=TODAY) == 1


def test_term_that_renews_by_itself_has_no_end_in_sight_until_notice_is_given():
    running = make_running(notice_by=None, ends_on=date(2026, 3, 31))
    rows = Engagement.objects.filter(pk=running.pk)
    rows.update(renewal=Renewal.AUTO, renewal_term_months=12)
    renewing = tell_coming_dates(today=TODAY)
    rows.update(notice_given_on=TODAY)

    assert (renewing, tell_coming_dates(today=TODAY)) == (0, 1)
