"""Giving and refusing approvals: never by whoever asked, administrators included."""

from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from engagements.choices import ApprovalOutcome
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Approval, Engagement, User
from engagements.queries import waiting_for
from engagements.services.approval_requests import store_outcome, waiting_approvals
from engagements.services.change_orders import reject_change_order, take_effect
from engagements.services.lifecycle import send_back, start_approved


@transaction.atomic
def approve(*, approval: Approval, reason: str = "", actor: User) -> Approval:
    """Give an approval; the last one lets happen what was asked for.

    Raises WrongStateError where it is decided or withdrawn already, and
    NotAllowedError unless it waits for the actor.
    """
    engagement, stored = _locked(approval, actor)
    store_outcome(
        approval=stored,
        outcome=ApprovalOutcome.APPROVED,
        event_type="approval.given",
        reason=reason,
        actor=actor,
    )
    if not waiting_approvals(engagement, stored.change_order).exists():
        if stored.change_order is None:
            start_approved(engagement=engagement, actor=actor)
        else:
            take_effect(change_order=stored.change_order, actor=actor)
    return stored


@transaction.atomic
def reject(*, approval: Approval, reason: str, actor: User) -> Approval:
    """Refuse an approval, saying why; what was asked for does not happen.

    An engagement is a draft again; a change order stays on record as rejected. Raises
    what `approve` raises, and ValidationError without a reason.
    """
    engagement, stored = _locked(approval, actor)
    store_outcome(
        approval=stored,
        outcome=ApprovalOutcome.REJECTED,
        event_type="approval.rejected",
        reason=reason.strip(),
        actor=actor,
    )
    if stored.change_order is None:
        send_back(engagement=engagement, actor=actor)
    else:
        reject_change_order(change_order=stored.change_order, actor=actor)
    return stored


def _locked(approval: Approval, actor: User) -> tuple[Engagement, Approval]:
    """Return both as stored; the engagement's lock is taken first by whoever writes."""
    engagement = Engagement.objects.select_for_update().get(pk=approval.engagement_id)
    stored = Approval.objects.select_for_update().get(pk=approval.pk)
    _check_waiting(stored)
    _check_may_decide(stored, actor)
    return engagement, stored


def _check_waiting(approval: Approval) -> None:
    if approval.outcome == ApprovalOutcome.WAITING:
        return
    day = localtime(approval.decided_at)
    raise WrongStateError(
        _("It was %(outcome)s already, on %(day)s by %(person)s.")
        % {
            "outcome": approval.get_outcome_display().lower(),
            "day": date_format(day, "j F Y"),
            "person": approval.decided_by or _("nobody"),
        }
    )


def _check_may_decide(approval: Approval, actor: User) -> None:
    if approval.asked_by_id == actor.pk:
        raise NotAllowedError(_("Nobody approves what they asked for."))
    if not waiting_for(actor).filter(pk=approval.pk).exists():
        raise NotAllowedError(
            _("Only members of %(group)s who see the engagement decide this.")
            % {"group": approval.rule.approver_group.name}
        )
