"""Dates of engagements that have come near, recorded once each for whoever listens."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from engagements import events
from engagements.choices import Renewal, Status
from engagements.models import Engagement, Event

ENDING_SOON = "engagement.ending_soon"
ENDING_SOON_DAYS = 30
NOTICE_WINDOW_OPENED = "engagement.notice_window_opened"
NOTICE_WINDOW_DAYS = 60


@transaction.atomic
def tell_coming_dates(*, today: date) -> int:
    """Record an event for each running engagement whose date has come near.

    Once for each date: one that moves, and comes near again, is told of again. A night
    missed is made up. Of a term that renews by itself no end is told.
    """
    active = Engagement.objects.select_for_update().filter(status=Status.ACTIVE)
    goes_on = Q(renewal=Renewal.AUTO, notice_given_on=None)
    ending = active.filter(
        ~goes_on, term_ends_on__range=(today, today + timedelta(days=ENDING_SOON_DAYS))
    )
    to_decide = active.filter(
        notice_given_on=None,
        notice_deadline_on__range=(today, today + timedelta(days=NOTICE_WINDOW_DAYS)),
    )
    news = [
        *_news(ending, ENDING_SOON, "term_ends_on"),
        *_news(to_decide, NOTICE_WINDOW_OPENED, "notice_deadline_on"),
    ]
    events.record_all(news)
    return len(news)


def _news(
    rows: QuerySet[Engagement], event_type: str, field_name: str
) -> Iterable[Event]:
    engagements = list(rows.order_by("id"))
    told = _told(engagements, event_type, field_name)
    for engagement in engagements:
        day = events.plain(getattr(engagement, field_name))
        if (engagement.pk, day) not in told:
            yield events.draft(
                event_type=event_type,
                subject=engagement,
                changes={field_name: [None, day]},
                actor=None,
            )


def _told(
    engagements: list[Engagement], event_type: str, field_name: str
) -> set[tuple[int, str]]:
    rows = Event.objects.filter(
        event_type=event_type, subject_id__in=[each.pk for each in engagements]
    )
    return {
        (subject, changes[field_name][1])
        for subject, changes in rows.values_list("subject_id", "changes")
    }
