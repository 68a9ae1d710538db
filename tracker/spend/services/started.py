"""Spend is recorded on what has started: not on drafts, nor on what never began."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from engagements.choices import Status
from engagements.models import Engagement

NEVER_STARTED = (Status.DRAFT, Status.PENDING_APPROVAL, Status.CANCELLED)


def check_started(engagement_ids: Sequence[int]) -> None:
    """Raise ValidationError on the first line whose engagement never started.

    The ids are those of the lines, in order; one query however many.
    """
    found = Engagement.objects.filter(
        pk__in=set(engagement_ids), status__in=NEVER_STARTED
    ).in_bulk()
    for number, pk in enumerate(engagement_ids, 1):
        if pk in found:
            raise ValidationError({"engagement": _refusal(number, found[pk])})


def _refusal(number: int, engagement: Engagement) -> str:
    return _(
        "Line %(number)d: %(reference)s is %(status)s; work and invoices are recorded"
        " on what has started."
    ) % {
        "number": number,
        "reference": engagement.reference,
        "status": engagement.get_status_display().lower(),
    }
