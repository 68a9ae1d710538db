from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import EndReason, Status
from engagements.errors import WrongStateError
from engagements.models import Engagement, User
from engagements.services.access import check_nobody_has_access
from engagements.services.boarding import start_onboarding
from engagements.services.closing import Closing, check_can_close
from engagements.services.commitment import set_commitment

# From each status, the statuses that a person can bring about. Nothing leaves the last
# three, and no passing of time writes any.
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
    """Close an active engagement that has run its course.

    Raises WrongStateError from elsewhere and while anything keeps it open, and
    ValidationError on a last day still to come or before the start.
    """
    return _close(
        engagement=engagement,
        status=Status.ENDED,
        ended_on=ended_on,
        reason=reason,
        is_eligible_again=is_eligible_again,
        actor=actor,
    )


@transaction.atomic
def terminate_engagement(
    *,
    engagement: Engagement,
    ended_on: date,
    reason: EndReason,
    is_eligible_again: bool | None = None,
    actor: User | None,
) -> Engagement:
    """Close an active engagement that was broken off before its agreed last day.

    Raises what `end_engagement` raises, and ValidationError where the agreed last day
    had come: then it has ended.
    """
    agreed = Engagement.objects.get(pk=engagement.pk).term_ends_on
    if agreed is not None and ended_on >= agreed:
        raise ValidationError(
            {
                "ended_on": _("It ran until its agreed last day, %(day)s: end it.")
                % {"day": date_format(agreed, "j F Y")}
            }
        )
    return _close(
        engagement=engagement,
        status=Status.TERMINATED,
        ended_on=ended_on,
        reason=reason,
        is_eligible_again=is_eligible_again,
        actor=actor,
    )


@transaction.atomic
def cancel_engagement(*, engagement: Engagement, actor: User | None) -> Engagement:
    """Give up an engagement that never started; raises WrongStateError from elsewhere.

    It stays on record, since others may have seen it. Refused while people have access.
    """
    check_nobody_has_access(engagement=engagement, reader=actor)
    return _step(
        engagement=engagement,
        status=Status.CANCELLED,
        event_type="engagement.cancelled",
        values={},
        actor=actor,
    )


def _close(
    *,
    engagement: Engagement,
    status: Status,
    ended_on: date,
    reason: EndReason,
    is_eligible_again: bool | None,
    actor: User | None,
) -> Engagement:
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    _check_step(stored, status)
    _check_last_day(stored, ended_on)
    check_can_close(Closing(stored, last_day=ended_on, reader=actor))
    return _step(
        engagement=engagement,
        status=status,
        event_type=f"engagement.{status.value}",
        values={
            "ends_on": ended_on,
            "term_ends_on": ended_on,
            "end_reason": reason,
            "is_eligible_again": is_eligible_again,
        },
        actor=actor,
    )


def _check_last_day(engagement: Engagement, ended_on: date) -> None:
    if ended_on > timezone.localdate():
        raise ValidationError(
            {
                "ended_on": _(
                    "It is closed once its last day has come: until then give notice, "
                    "or change the end."
                )
            }
        )
    if ended_on < engagement.starts_on:
        raise ValidationError(
            {
                "ended_on": _("The engagement starts on %(start)s only.")
                % {"start": date_format(engagement.starts_on, "j F Y")}
            }
        )


def _check_step(engagement: Engagement, status: Status) -> None:
    if status not in STEPS.get(engagement.status, frozenset()):
        raise WrongStateError(
            _("%(reference)s is %(status)s and can't become %(wanted)s.")
            % {
                "reference": engagement.reference,
                "status": engagement.get_status_display().lower(),
                "wanted": status.label.lower(),
            }
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
    _check_step(stored, status)
    before = Engagement.objects.get(pk=stored.pk)
    for name, value in {"status": status.value, **values}.items():
        setattr(stored, name, value)
        setattr(engagement, name, value)
    set_commitment(stored, today=timezone.localdate())
    engagement.committed_until_on = stored.committed_until_on
    stored.version = engagement.version = before.version + 1
    stored.full_clean()
    stored.save()
    events.record(
        event_type=event_type,
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    if status == Status.ACTIVE:
        start_onboarding(engagement=stored, actor=actor)
    return engagement
