from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import EndReason, Status
from engagements.errors import WrongStateError
from engagements.models import Engagement, User

# From each status, the statuses that a person can bring about.
STEPS: dict[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.PENDING_APPROVAL, Status.ACTIVE, Status.CANCELLED}),
    Status.PENDING_APPROVAL: frozenset({Status.DRAFT, Status.ACTIVE, Status.CANCELLED}),
    Status.ACTIVE: frozenset({Status.ENDED, Status.TERMINATED}),
}


@transaction.atomic
def start_engagement(*, engagement: Engagement, actor: User | None) -> Engagement:
    """Make a drafted engagement active; raises WrongStateError from elsewhere."""
    return _step(
        engagement=engagement,
        status=Status.ACTIVE,
        event_type="engagement.started",
        values={},
        actor=actor,
    )


@transaction.atomic
def end_engagement(
    *,
    engagement: Engagement,
    ended_on: date,
    reason: EndReason,
    is_eligible_again: bool | None = None,
    actor: User | None,
) -> Engagement:
    """End an active engagement on a day; raises WrongStateError from elsewhere."""
    return _step(
        engagement=engagement,
        status=Status.ENDED,
        event_type="engagement.ended",
        values={
            "ends_on": ended_on,
            "term_ends_on": ended_on,
            "end_reason": reason,
            "is_eligible_again": is_eligible_again,
        },
        actor=actor,
    )


def _step(
    *,
    engagement: Engagement,
    status: Status,
    event_type: str,
    values: dict[str, object],
    actor: User | None,
) -> Engagement:
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    if status not in STEPS.get(stored.status, frozenset()):
        raise WrongStateError(
            _("%(reference)s is %(status)s and can't become %(wanted)s.")
            % {
                "reference": stored.reference,
                "status": stored.get_status_display().lower(),
                "wanted": status.label.lower(),
            }
        )
    before = Engagement.objects.get(pk=stored.pk)
    for name, value in {"status": status.value, **values}.items():
        setattr(stored, name, value)
        setattr(engagement, name, value)
    stored.version = engagement.version = before.version + 1
    stored.full_clean()
    stored.save()
    events.record(
        event_type=event_type,
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    return engagement
