"""Change orders: signed changes of an active engagement's price, hours, end or value.

One that needs no approval takes effect at once; one that does changes nothing until
its last approval is given.
"""

from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Kind, Status
from engagements.errors import ApprovalNeededError, WrongStateError
from engagements.models import (
    Assignment,
    ChangeOrder,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
)
from engagements.services.approval_requests import (
    Needed,
    approvals_needed,
    ask_approvals,
    waiting_approvals,
    withdraw_approvals,
)
from engagements.services.closing import Closing, Obstacle, before_closing
from engagements.services.commitment import position
from engagements.services.engagements import change_engagement
from engagements.services.extending import check_answered
from engagements.services.records import check_version, create_record
from engagements.services.renewal import Effect, extend_engagement
from engagements.services.spending import (
    AT_ONCE,
    Moment,
    check_may_spend,
    cost_of,
    money_warnings,
)
from engagements.services.terms import amend_fee, amend_rate
from engagements.services.valuation import value_of


@dataclass(frozen=True)
class ChangeEffect:
    """Where the engagement stands before and after, and who must approve first.

    The values are of the whole term, None where no price is recorded. `money` is what
    the budgets say of it.
    """

    standing: Effect
    value_before: Decimal | None
    value_after: Decimal | None
    needed: Needed
    money: list[str]


def effect_of_change_order(*, change_order: ChangeOrder, as_of: date) -> ChangeEffect:
    """Return what the change order would change; nothing of it is kept.

    Raises what `record_change_order` would raise.
    """
    with transaction.atomic():
        engagement = _lock(change_order)
        effect = _rehearsed(copy(change_order), engagement, as_of)
        transaction.set_rollback(True)
    return effect


@transaction.atomic
def record_change_order(
    *,
    change_order: ChangeOrder,
    expected_version: int | None = None,
    ground: str = "",
    actor: User | None,
) -> ChangeOrder:
    """Store a change order under the engagement's next number; it is never edited.

    It takes effect at once, or waits where a rule asks for an approval of what the
    engagement comes to with it. Raises ValidationError by field, WrongStateError
    unless the engagement is active and no other order waits, ApprovalNeededError
    where nobody else could approve, and QuestionOpenError where something is asked
    before a later end and no `ground` is given to go on without.
    """
    engagement = _lock(change_order)
    check_version(stored=engagement, expected_version=expected_version)
    needed = _needed(change_order, engagement)
    if is_extending(change_order, engagement):
        check_answered(engagement=engagement, ground=ground, actor=actor)
    change_order.recorded_by = actor
    _store(change_order, engagement, actor)
    if not needed.rules:
        take_effect(change_order=change_order, actor=actor)
        return change_order
    if actor is None:
        raise ApprovalNeededError(
            _("A person must ask for the approval by %(rules)s.")
            % {"rules": needed.names}
        )
    ask_approvals(
        engagement=engagement, needed=needed, change_order=change_order, actor=actor
    )
    return change_order


def is_extending(change_order: ChangeOrder, engagement: Engagement) -> bool:
    """Return whether it lets the term end later than now."""
    ends_on, term_ends_on = change_order.new_ends_on, engagement.term_ends_on
    return bool(ends_on and term_ends_on and ends_on > term_ends_on)


@transaction.atomic
def withdraw_change_order(
    *, change_order: ChangeOrder, actor: User | None
) -> ChangeOrder:
    """Take a change order back that waits; it stays on record as withdrawn."""
    engagement = Engagement.objects.select_for_update().get(
        pk=change_order.engagement_id
    )
    if not waiting_approvals(engagement, change_order).exists():
        raise WrongStateError(
            _("Change order %(number)d waits for no approval.")
            % {"number": change_order.number}
        )
    withdraw_approvals(engagement=engagement, change_order=change_order, actor=actor)
    _tell("change_order.withdrawn", change_order, engagement, actor)
    return change_order


@transaction.atomic
def reject_change_order(*, change_order: ChangeOrder, actor: User) -> ChangeOrder:
    """Let a rejected change order rest; the approvals still waiting are withdrawn."""
    engagement = Engagement.objects.select_for_update().get(
        pk=change_order.engagement_id
    )
    withdraw_approvals(engagement=engagement, change_order=change_order, actor=actor)
    _tell("change_order.rejected", change_order, engagement, actor)
    return change_order


@transaction.atomic
def take_effect(*, change_order: ChangeOrder, actor: User | None) -> ChangeOrder:
    """Let a change order in force move price, hours and end by the term services.

    Raises WrongStateError where the engagement is no longer active or an approval is
    missing, OverBudgetError where a budget stops it, and ValidationError where
    something else stands in the way meanwhile.
    """
    engagement = Engagement.objects.select_for_update().get(
        pk=change_order.engagement_id
    )
    _check_active(engagement)
    _move(change_order, engagement, Moment.ORDER, actor)
    _tell("change_order.took_effect", change_order, engagement, actor)
    return change_order


@before_closing
def waiting_change_orders(closing: Closing) -> list[Obstacle]:
    return [
        Obstacle(_obstacle(order), record=order)
        for order in _waiting(closing.engagement)
    ]


def _waiting(engagement: Engagement) -> QuerySet[ChangeOrder]:
    return ChangeOrder.objects.waiting().filter(engagement=engagement.pk)


def _obstacle(order: ChangeOrder) -> str:
    return _(
        "Change order %(number)d waits for approval: have it decided, or withdraw it."
    ) % {"number": order.number}


def _lock(change_order: ChangeOrder) -> Engagement:
    engagement = Engagement.objects.select_for_update().get(
        pk=change_order.engagement_id
    )
    _check_active(engagement)
    _check_none_waits(engagement)
    _check_changes_something(change_order, engagement)
    return engagement


def _check_active(engagement: Engagement) -> None:
    if engagement.status != Status.ACTIVE:
        raise WrongStateError(
            _("%(reference)s is %(status)s; only an active one takes change orders.")
            % {
                "reference": engagement.reference,
                "status": engagement.get_status_display().lower(),
            }
        )


def _check_none_waits(engagement: Engagement) -> None:
    """Two waiting orders could be approved in either order, with different effects."""
    for order in _waiting(engagement):
        raise WrongStateError(_obstacle(order))


def _check_changes_something(change_order: ChangeOrder, engagement: Engagement) -> None:
    changes = (
        change_order.new_ends_on,
        change_order.new_price,
        change_order.new_weekly_hours,
    )
    if not change_order.value_change and all(change is None for change in changes):
        raise ValidationError(
            {"value_change": _("Say what it changes: value, price, hours or end.")}
        )
    if change_order.effective_on < engagement.starts_on:
        raise ValidationError(
            {
                "effective_on": _("The engagement starts on %(start)s only.")
                % {"start": date_format(engagement.starts_on, "j F Y")}
            }
        )
    hours = change_order.new_weekly_hours
    if hours is not None and engagement.kind != Kind.AUGMENTED:
        raise ValidationError(
            {"new_weekly_hours": _("A managed service has no weekly hours.")}
        )


def _store(
    change_order: ChangeOrder, engagement: Engagement, actor: User | None
) -> None:
    last = engagement.change_orders.aggregate(last=Max("number"))["last"] or 0
    change_order.number = last + 1
    create_record(
        record=change_order,
        event_type="change_order.recorded",
        engagement=engagement,
        actor=actor,
    )


def _needed(change_order: ChangeOrder, engagement: Engagement) -> Needed:
    """Return who must approve; raises where the order could not take effect."""
    with transaction.atomic():
        rehearsed = copy(change_order)
        _store(rehearsed, engagement, None)
        _move(rehearsed, engagement, Moment.REQUEST, None)
        needed = approvals_needed(Engagement.objects.get(pk=engagement.pk))
        transaction.set_rollback(True)
    return needed


def _rehearsed(
    change_order: ChangeOrder, engagement: Engagement, as_of: date
) -> ChangeEffect:
    before = position(engagement=engagement, as_of=as_of)
    value_before = value_of(engagement)
    cost_before = cost_of(engagement)
    _store(change_order, engagement, None)
    _move(change_order, engagement, None, None)
    changed = Engagement.objects.get(pk=engagement.pk)
    after = position(engagement=changed, as_of=as_of)
    if after.committed is not None:
        added = change_order.value_change
        after = replace(after, committed=after.committed + added)
    needed = approvals_needed(changed)
    moments = (Moment.REQUEST,) if needed.rules else AT_ONCE
    return ChangeEffect(
        standing=Effect(before, after),
        value_before=value_before,
        value_after=value_of(changed),
        needed=needed,
        money=money_warnings(changed, *moments, before=cost_before),
    )


def _move(
    change_order: ChangeOrder,
    engagement: Engagement,
    moment: Moment | None,
    actor: User | None,
) -> None:
    """Let the order move what it carries; without a moment the money isn't asked."""
    before = cost_of(engagement, without=change_order)
    _apply_price(change_order, engagement, actor)
    _apply_hours(change_order, engagement, actor)
    _apply_end(change_order, engagement, actor)
    if moment is not None:
        changed = Engagement.objects.get(pk=engagement.pk)
        check_may_spend(changed, moment, before)


def _apply_price(
    change_order: ChangeOrder, engagement: Engagement, actor: User | None
) -> None:
    if change_order.new_price is None:
        return
    if engagement.kind == Kind.MANAGED:
        fee = FeeTerm(
            contract=ManagedContract.objects.get(pk=engagement.pk),
            starts_on=change_order.effective_on,
            monthly_fee=change_order.new_price,
        )
        amend_fee(term=fee, agreed_by=change_order, actor=actor)
    else:
        rate = _rate_as_before(engagement, change_order)
        amend_rate(term=rate, agreed_by=change_order, actor=actor)


def _rate_as_before(engagement: Engagement, change_order: ChangeOrder) -> RateTerm:
    """Return the new rate, paid by the same unit as the one that it follows."""
    assignment = Assignment.objects.get(pk=engagement.pk)
    rate = RateTerm(
        assignment=assignment,
        starts_on=change_order.effective_on,
        rate=change_order.new_price,
    )
    earlier = assignment.rate_terms.filter(starts_on__lte=rate.starts_on).last()
    earlier = earlier or assignment.rate_terms.first()
    if earlier is not None:
        rate.unit = earlier.unit
        rate.hours_per_day = earlier.hours_per_day
        rate.overtime_multiplier = earlier.overtime_multiplier
    return rate


def _apply_hours(
    change_order: ChangeOrder, engagement: Engagement, actor: User | None
) -> None:
    if change_order.new_weekly_hours is None:
        return
    assignment = Assignment._default_manager.get(pk=engagement.pk)
    assignment.planned_weekly_hours = change_order.new_weekly_hours
    change_engagement(engagement=assignment, agreed_by=change_order, actor=actor)


def _apply_end(
    change_order: ChangeOrder, engagement: Engagement, actor: User | None
) -> None:
    """Extend, or else let it end earlier, or at all."""
    ends_on = change_order.new_ends_on
    if ends_on is None:
        return
    stored = Engagement.objects.get(pk=engagement.pk)
    if stored.term_ends_on is not None and ends_on > stored.term_ends_on:
        extend_engagement(
            engagement=stored, ends_on=ends_on, agreed_by=change_order, actor=actor
        )
        return
    model = ManagedContract if stored.kind == Kind.MANAGED else Assignment
    shortened = model._default_manager.get(pk=stored.pk)
    shortened.ends_on = ends_on
    change_engagement(engagement=shortened, agreed_by=change_order, actor=actor)


def _tell(
    event_type: str,
    change_order: ChangeOrder,
    engagement: Engagement,
    actor: User | None,
) -> None:
    events.record(
        event_type=event_type,
        subject=change_order,
        engagement=engagement,
        actor=actor,
    )
