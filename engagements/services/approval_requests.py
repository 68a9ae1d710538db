"""Which approvals are needed, and asking for them and taking the question back.

Giving them stands in `approvals`: it lets happen what was asked for.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ApprovalOutcome, Status
from engagements.errors import ApprovalNeededError, WrongStateError
from engagements.models import Approval, ApprovalRule, ChangeOrder, Engagement, User
from engagements.permissions import departments_above
from engagements.queries import administrators, approvers
from engagements.services.reporting_currency import Worth, worth
from engagements.services.valuation import value_of
from engagements.values.approval import RuleTerms, Subject, asks, is_about


@dataclass(frozen=True)
class Needed:
    """The rules that ask for an approval, and the value that they compared."""

    rules: Sequence[ApprovalRule]
    worth: Worth | None

    @property
    def names(self) -> str:
        names = [_("“%(rule)s”") % {"rule": rule.name} for rule in self.rules]
        return get_text_list(names, _("and"))


def approvals_needed(engagement: Engagement) -> Needed:
    """Return which rules ask for an approval of the engagement as it now stands.

    An active one counts as changed. Where no price is recorded the value may be any,
    so that every rule of its kind and department asks. Raises TrackerError naming the
    currency where the value can't be told in the reporting currency.
    """
    is_change = engagement.status == Status.ACTIVE
    departments = frozenset(departments_above(engagement.department_id))
    unknown = Subject(engagement.kind, departments, None, is_change)
    rules = [
        (rule, terms)
        for rule in ApprovalRule.objects.filter(is_in_force=True).select_related(
            "approver_group"
        )
        if is_about(terms := _terms(rule), unknown)
    ]
    if not rules:
        return Needed([], None)
    value = value_of(engagement)
    compared = None
    if value is not None:
        today = timezone.localdate()
        compared = worth(amount=value, currency=engagement.currency, on=today)
    amount = compared.amount if compared else None
    subject = Subject(engagement.kind, departments, amount, is_change)
    return Needed([rule for rule, terms in rules if asks(terms, subject)], compared)


def _terms(rule: ApprovalRule) -> RuleTerms:
    return RuleTerms(
        rule.kind, rule.department_id, rule.from_amount, rule.covers_every_change
    )


def check_start_needs_none(engagement: Engagement) -> None:
    """Raise ApprovalNeededError where a rule asks for an approval of the start."""
    needed = approvals_needed(engagement)
    if needed.rules:
        raise ApprovalNeededError(
            _("%(reference)s needs approval by %(rules)s: send it for approval.")
            % {"reference": engagement.reference, "rules": needed.names}
        )


def check_change_is_agreed(
    engagement: Engagement, agreed_by: ChangeOrder | None
) -> None:
    """Raise ApprovalNeededError where a rule asks for an approval of a change made.

    Called after the change, within its transaction, so that its own value is compared.
    A change order that is in force agrees to what it carries.
    """
    if agreed_by is not None:
        _check_in_force(agreed_by, engagement)
        return
    if engagement.status != Status.ACTIVE:
        return
    needed = approvals_needed(engagement)
    if needed.rules:
        raise ApprovalNeededError(
            _(
                "This change of %(reference)s needs approval by %(rules)s: record a"
                " change order."
            )
            % {"reference": engagement.reference, "rules": needed.names}
        )


def rules_of_department(engagement: Engagement) -> frozenset[int]:
    """Return which rules ask for an approval of changes where it now belongs.

    Raises what `approvals_needed` raises.
    """
    return frozenset(rule.pk for rule in approvals_needed(engagement).rules)


def check_move_is_agreed(engagement: Engagement, asked_before: frozenset[int]) -> None:
    """Raise ApprovalNeededError where a rule asks now that didn't before the move.

    Called after it, within its transaction: its approvers have agreed to nothing yet.
    """
    needed = approvals_needed(engagement)
    new = [rule for rule in needed.rules if rule.pk not in asked_before]
    if new:
        raise ApprovalNeededError(
            _(
                "%(reference)s can't be moved to %(department)s while it runs: there"
                " it needs approval by %(rules)s. Log its successor in that department"
                " and send it for approval."
            )
            % {
                "reference": engagement.reference,
                "department": engagement.department or _("no department"),
                "rules": Needed(new, needed.worth).names,
            }
        )


def _check_in_force(change_order: ChangeOrder, engagement: Engagement) -> None:
    is_in_force = (
        ChangeOrder.objects.in_force()
        .filter(pk=change_order.pk, engagement=engagement.pk)
        .exists()
    )
    if not is_in_force:
        raise WrongStateError(
            _("Change order %(number)d is not in force.")
            % {"number": change_order.number}
        )


def check_not_waiting(engagement: Engagement) -> None:
    """Raise WrongStateError while the engagement waits for approval."""
    if engagement.status == Status.PENDING_APPROVAL:
        raise WrongStateError(
            _(
                "%(reference)s waits for approval, so that its terms stay as they were"
                " sent: withdraw it first."
            )
            % {"reference": engagement.reference}
        )


def ask_approvals(
    *,
    engagement: Engagement,
    needed: Needed,
    change_order: ChangeOrder | None = None,
    actor: User,
) -> list[Approval]:
    """Ask for one approval by each rule.

    Raises ApprovalNeededError that says whom to ask where nobody else could give one.
    """
    for rule in needed.rules:
        _check_somebody_can(rule, engagement, actor)
    return [
        _ask(engagement, rule, needed.worth, change_order, actor)
        for rule in needed.rules
    ]


def _check_somebody_can(
    rule: ApprovalRule, engagement: Engagement, asked_by: User
) -> None:
    people = approvers(rule=rule, engagement=engagement, asked_by=asked_by.pk)
    if people.exists():
        return
    names = [person.get_full_name() or person.username for person in administrators()]
    raise ApprovalNeededError(
        _(
            "Nobody else who sees %(reference)s may approve it by “%(rule)s”. Ask an"
            " administrator (%(names)s) to add somebody to the group %(group)s."
        )
        % {
            "reference": engagement.reference,
            "rule": rule.name,
            "names": ", ".join(names[:3]) or _("none is known"),
            "group": rule.approver_group.name,
        }
    )


def _ask(
    engagement: Engagement,
    rule: ApprovalRule,
    compared: Worth | None,
    change_order: ChangeOrder | None,
    actor: User,
) -> Approval:
    approval = Approval(
        engagement_id=engagement.pk,
        change_order=change_order,
        rule=rule,
        asked_by=actor,
    )
    if compared is not None:
        approval.amount = compared.amount
        approval.currency = compared.currency
        approval.fx_rate = compared.rate.factor
        approval.fx_on = compared.rate.rated_on
        approval.fx_source = compared.rate.source
    approval.full_clean()
    approval.save()
    events.record(
        event_type="approval.asked",
        subject=approval,
        changes=events.difference(None, approval),
        engagement=engagement,
        actor=actor,
    )
    return approval


def waiting_approvals(
    engagement: Engagement, change_order: ChangeOrder | None = None
) -> QuerySet[Approval]:
    """Return what is still to be decided of the start, or of a change order."""
    return Approval.objects.filter(
        engagement_id=engagement.pk,
        change_order=change_order,
        outcome=ApprovalOutcome.WAITING,
    )


def withdraw_approvals(
    *,
    engagement: Engagement,
    change_order: ChangeOrder | None = None,
    actor: User | None,
) -> None:
    """Take back every question not yet answered; the caller holds the lock."""
    for approval in waiting_approvals(engagement, change_order).select_for_update():
        store_outcome(
            approval=approval,
            outcome=ApprovalOutcome.WITHDRAWN,
            event_type="approval.withdrawn",
            actor=actor,
        )


def store_outcome(
    *,
    approval: Approval,
    outcome: ApprovalOutcome,
    event_type: str,
    reason: str = "",
    actor: User | None,
) -> None:
    """Store what became of a waiting approval; the caller holds its lock."""
    before = copy(approval)
    approval.outcome = outcome
    approval.decided_by = actor
    approval.decided_at = timezone.now()
    approval.reason = reason
    approval.full_clean()
    approval.save()
    events.record(
        event_type=event_type,
        subject=approval,
        changes=events.difference(before, approval),
        engagement=approval.engagement,
        actor=actor,
    )
