from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements import events
from engagements.choices import LIVE_STATUSES, EndReason, Kind, Origin, Status
from engagements.errors import WrongStateError
from engagements.models import Assignment, Contractor, Engagement, User
from engagements.services.access import check_nobody_has_access
from engagements.services.approval_requests import (
    approvals_needed,
    ask_approvals,
    check_start_needs_none,
    waiting_approvals,
    withdraw_approvals,
)
from engagements.services.boarding import start_onboarding
from engagements.services.closing import Closing, check_can_close
from engagements.services.commitment import set_commitment
from engagements.services.spending import Moment, check_may_spend
from engagements.services.tenure import check_tenure_of
from engagements.services.valuation import prices_of

# From each status, the statuses that a person can bring about. Nothing leaves the last
# three, and no passing of time writes any.
STEPS: dict[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.PENDING_APPROVAL, Status.ACTIVE, Status.CANCELLED}),
    Status.PENDING_APPROVAL: frozenset({Status.DRAFT, Status.ACTIVE, Status.CANCELLED}),
    Status.ACTIVE: frozenset({Status.ENDED, Status.TERMINATED}),
}


@transaction.atomic
def start_engagement(*, engagement: Engagement, actor: User | None) -> Engagement:
    """Make a drafted engagement active.

    Raises ApprovalNeededError where a rule asks for an approval, whoever starts it,
    OverBudgetError where a budget stops it, ValidationError where a tenure policy
    blocks it, and WrongStateError from elsewhere.
    """
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    if stored.status == Status.PENDING_APPROVAL:
        raise WrongStateError(
            _("%(reference)s waits for approval: it starts once that is given.")
            % {"reference": stored.reference}
        )
    if stored.status == Status.DRAFT:
        check_start_needs_none(stored)
        check_may_spend(stored, Moment.ORDER)
    return _start(engagement, "engagement.started", actor)


@transaction.atomic
def take_over_engagement(*, engagement: Engagement, actor: User | None) -> Engagement:
    """Make an imported draft active that ran already before it was recorded here.

    The one way past the approval rules, with an event of its own. Raises
    WrongStateError unless it was imported and has begun, and ValidationError where a
    tenure policy blocks it.
    """
    stored = Engagement.objects.get(pk=engagement.pk)
    if stored.origin != Origin.IMPORTED or stored.starts_on > timezone.localdate():
        raise WrongStateError(
            _(
                "Only what was imported and runs already is taken over: start"
                " %(reference)s, or send it for approval."
            )
            % {"reference": stored.reference}
        )
    if stored.status != Status.DRAFT:
        raise WrongStateError(
            _("%(reference)s is no draft.") % {"reference": stored.reference}
        )
    return _start(engagement, "engagement.taken_over", actor)


@transaction.atomic
def submit_engagement(*, engagement: Engagement, actor: User) -> Engagement:
    """Send a draft for every approval that the rules ask for.

    Raises ValidationError that tells by field all that is missing or what a tenure
    policy blocks, WrongStateError where no rule asks or it is no draft,
    OverBudgetError where a budget stops it, and ApprovalNeededError where nobody else
    could approve.
    """
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    _check_step(stored, Status.PENDING_APPROVAL)
    _check_complete(stored)
    check_tenure_of(engagement=stored)
    needed = approvals_needed(stored)
    if not needed.rules:
        raise WrongStateError(
            _("No rule asks for an approval of %(reference)s: start it.")
            % {"reference": stored.reference}
        )
    check_may_spend(stored, Moment.REQUEST)
    _step(
        engagement=engagement,
        status=Status.PENDING_APPROVAL,
        event_type="engagement.submitted",
        values={},
        actor=actor,
    )
    ask_approvals(engagement=stored, needed=needed, actor=actor)
    return engagement


@transaction.atomic
def withdraw_engagement(*, engagement: Engagement, actor: User | None) -> Engagement:
    """Take an engagement back from approval; it is a draft again.

    Raises WrongStateError unless it waits.
    """
    _step(
        engagement=engagement,
        status=Status.DRAFT,
        event_type="engagement.withdrawn",
        values={},
        actor=actor,
    )
    withdraw_approvals(engagement=engagement, actor=actor)
    return engagement


@transaction.atomic
def start_approved(*, engagement: Engagement, actor: User) -> Engagement:
    """Make an engagement active whose last approval has just been given.

    Raises ValidationError where a tenure policy blocks it by now, and OverBudgetError
    where a budget stops it.
    """
    if waiting_approvals(engagement).exists():
        raise WrongStateError(
            _("%(reference)s still waits for another approval.")
            % {"reference": engagement.reference}
        )
    check_may_spend(Engagement.objects.get(pk=engagement.pk), Moment.ORDER)
    return _start(engagement, "engagement.started", actor)


@transaction.atomic
def send_back(*, engagement: Engagement, actor: User) -> Engagement:
    """Make an engagement a draft again that was rejected; what waits is withdrawn."""
    withdraw_approvals(engagement=engagement, actor=actor)
    return _step(
        engagement=engagement,
        status=Status.DRAFT,
        event_type="engagement.sent_back",
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

    It stays on record, since others may have seen it, and nobody need approve it any
    more. Refused while people have access.
    """
    check_nobody_has_access(engagement=engagement, reader=actor)
    cancelled = _step(
        engagement=engagement,
        status=Status.CANCELLED,
        event_type="engagement.cancelled",
        values={},
        actor=actor,
    )
    withdraw_approvals(engagement=engagement, actor=actor)
    return cancelled


def _start(engagement: Engagement, event_type: str, actor: User | None) -> Engagement:
    check_tenure_of(engagement=engagement)
    return _step(
        engagement=engagement,
        status=Status.ACTIVE,
        event_type=event_type,
        values={},
        actor=actor,
    )


_MISSING_PRICE = {
    Kind.MANAGED.value: {"monthly_fee": gettext_lazy("Give the monthly fee.")},
    Kind.AUGMENTED.value: {"rate": gettext_lazy("Give the rate.")},
}


def _check_complete(engagement: Engagement) -> None:
    """Raise ValidationError that tells by field all that approvers must know."""
    missing: dict[str, Any] = {}
    if engagement.manager_id is None:
        missing["manager"] = _("Say who answers for it.")
    if engagement.department_id is None:
        missing["department"] = _("Say which department it is for.")
    if not prices_of(engagement):
        missing |= _MISSING_PRICE[engagement.kind]
    if engagement.kind == Kind.AUGMENTED:
        assignment = Assignment._default_manager.get(pk=engagement.pk)
        if assignment.contractor_id is None:
            missing["contractor"] = _("Say who the contractor is.")
    if missing:
        raise ValidationError(missing)


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
    closed = _step(
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
    _tell_contractor_ended(stored, actor)
    return closed


def _tell_contractor_ended(engagement: Engagement, actor: User | None) -> None:
    """Record that a contractor has no engagement left that runs or is to run."""
    if engagement.kind != Kind.AUGMENTED:
        return
    contractor = Contractor.objects.filter(assignments=engagement.pk).first()
    if contractor is None:
        return
    others = Engagement.objects.filter(
        assignment__contractor=contractor, status__in=LIVE_STATUSES
    ).exclude(pk=engagement.pk)
    if not others.exists():
        events.record(
            event_type="contractor.ended",
            subject=contractor,
            engagement=engagement,
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
