from datetime import date, timedelta

from django.db import transaction

from engagements import events
from engagements.choices import Status
from engagements.models import Assignment, Engagement, Event
from tracker.spend.hours import MissingSheet, missing_sheets

EVENT_TYPE = "timesheet.missing"
# Whoever is a day or two late is not reminded.
GRACE = timedelta(days=3)


@transaction.atomic
def tell_missing_sheets(*, today: date) -> int:
    """Record an event for each sheet that nobody began in time, once for its days."""
    running = Assignment._default_manager.filter(status=Status.ACTIVE)
    # In one order, so that two runs tell of each once.
    list(Engagement.objects.select_for_update().filter(pk__in=running).order_by("pk"))
    late = [
        sheet
        for sheet in missing_sheets(running, today)
        if sheet.period.last + GRACE < today
    ]
    told = _told(late)
    news = [sheet for sheet in late if _key(sheet) not in told]
    events.record_all(
        events.draft(
            event_type=EVENT_TYPE,
            subject=sheet.assignment,
            changes={
                "from": [None, sheet.period.first.isoformat()],
                "to": [None, sheet.period.last.isoformat()],
            },
            engagement=sheet.assignment,
            actor=None,
        )
        for sheet in news
    )
    return len(news)


def _key(sheet: MissingSheet) -> tuple[int, str]:
    return sheet.assignment.pk, sheet.period.last.isoformat()


def _told(late: list[MissingSheet]) -> set[tuple[int, str]]:
    rows = Event.objects.filter(
        event_type=EVENT_TYPE, engagement_id__in={sheet.assignment.pk for sheet in late}
    )
    return {
        (engagement or 0, changes["to"][1])
        for engagement, changes in rows.values_list("engagement_id", "changes")
    }
