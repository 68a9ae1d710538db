"""Days on which work may be recorded: those of the engagement, with 24 hours each."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.models import Contractor, Engagement
from tracker.spend.day_totals import DayTotals
from tracker.spend.models import WorkLog


def check_days_of_work(lines: Sequence[WorkLog], *, sheet: int | None = None) -> None:
    """Raise ValidationError on the first line for which its day has no room.

    The caller holds the engagements; the people are held from here on, so that nobody
    fills a day at the same time. The lines stand for all that the sheet holds.
    """
    _hold(line.contractor_id for line in lines)
    engagements = Engagement.objects.only("reference", "starts_on", "ends_on").in_bulk(
        {line.engagement_id for line in lines}
    )
    totals = DayTotals(
        {(one.contractor_id, one.worked_on) for one in lines if one.contractor_id},
        besides_sheet=sheet,
    )
    for number, line in enumerate(lines, 1):
        if line.hours:
            _check_in_force(number, line.worked_on, engagements[line.engagement_id])
        total = totals.add(line.contractor_id, line.worked_on, line.hours)
        if total is not None:
            raise ValidationError({"hours": _too_many(number, line, total)})


def _hold(people: Iterable[int | None]) -> None:
    ids = {person for person in people if person is not None}
    rows = Contractor.objects.filter(pk__in=ids).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def _check_in_force(number: int, day: date, engagement: Engagement) -> None:
    told = {"number": number, "day": _day(day), "reference": engagement.reference}
    if day < engagement.starts_on:
        told["start"] = _day(engagement.starts_on)
        raise ValidationError(
            {
                "worked_on": _(
                    "Line %(number)d: %(day)s is before %(reference)s starts, on"
                    " %(start)s."
                )
                % told
            }
        )
    if engagement.ends_on is not None and day > engagement.ends_on:
        told["end"] = _day(engagement.ends_on)
        raise ValidationError(
            {
                "worked_on": _(
                    "Line %(number)d: %(day)s is after the last day of %(reference)s,"
                    " %(end)s: extend it first if the work was agreed."
                )
                % told
            }
        )


def _too_many(number: int, line: WorkLog, total: Decimal) -> str:
    return _(
        "Line %(number)d: %(day)s would come to %(hours)s hours of this person, on all"
        " engagements; a day has 24."
    ) % {
        "number": number,
        "day": _day(line.worked_on),
        "hours": events.plain(total),
    }


def _day(day: date) -> str:
    return date_format(day, "D j M Y")
