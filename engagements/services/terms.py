from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.models import (
    ChangeOrder,
    CostCentre,
    CostSplit,
    CostSplitShare,
    Engagement,
    FeeTerm,
    RateTerm,
    User,
)
from engagements.services.approval_requests import (
    check_change_is_agreed,
    check_not_waiting,
)
from engagements.services.records import change_record, create_record, delete_record
from engagements.services.spending import holding_money
from engagements.services.valuation import value_of

HUNDRED = Decimal(100)

Line = TypeVar("Line", bound=models.Model)


@transaction.atomic
def amend_fee(
    *, term: FeeTerm, agreed_by: ChangeOrder | None = None, actor: User | None
) -> FeeTerm:
    """Store a fee that runs from its start until the next one; earlier ones stay.

    Raises ApprovalNeededError where a rule asks for an approval of the changed
    engagement, and OverBudgetError where a budget stops it, unless a change order in
    force agreed to it; and WrongStateError while the engagement waits for approval.
    """
    engagement = _lock(term.contract_id)
    with holding_money(engagement, agreed_by=agreed_by):
        stored = create_record(
            record=term,
            event_type="engagement.terms_amended",
            engagement=term.contract,
            actor=actor,
        )
        _mark_updated(engagement)
        check_change_is_agreed(engagement, agreed_by)
    return stored


@transaction.atomic
def amend_rate(
    *, term: RateTerm, agreed_by: ChangeOrder | None = None, actor: User | None
) -> RateTerm:
    """Store a rate that runs from its start until the next one; earlier ones stay.

    Raises what `amend_fee` raises.
    """
    engagement = _lock(term.assignment_id)
    with holding_money(engagement, agreed_by=agreed_by):
        stored = create_record(
            record=term,
            event_type="engagement.rate_changed",
            engagement=term.assignment,
            actor=actor,
        )
        _mark_updated(engagement)
        check_change_is_agreed(engagement, agreed_by)
    return stored


@transaction.atomic
def add_line(*, line: Line, engagement: Engagement, actor: User | None) -> Line:
    """Store a charge or a service level; raises what `amend_fee` raises."""
    stored = _lock(engagement.pk)
    before = value_of(stored)
    with holding_money(stored):
        create_record(record=line, engagement=engagement, actor=actor)
        _check_line(line, stored, before)
    return line


@transaction.atomic
def change_line(*, line: Line, engagement: Engagement, actor: User | None) -> Line:
    """Correct a fee, rate, charge or service level; raises what `amend_fee` raises."""
    stored = _lock(engagement.pk)
    before = value_of(stored)
    with holding_money(stored):
        change_record(record=line, engagement=engagement, actor=actor)
        _check_line(line, stored, before)
    return line


@transaction.atomic
def remove_line(*, line: Line, engagement: Engagement, actor: User | None) -> None:
    """Remove a charge or a service level; raises what `amend_fee` raises."""
    stored = _lock(engagement.pk)
    before = value_of(stored)
    with holding_money(stored):
        delete_record(record=line, engagement=engagement, actor=actor)
        _check_line(line, stored, before)


def _check_line(
    line: models.Model, engagement: Engagement, before: Decimal | None
) -> None:
    if isinstance(line, (FeeTerm, RateTerm)) or value_of(engagement) != before:
        check_change_is_agreed(engagement, None)


def _lock(engagement_id: int) -> Engagement:
    engagement = Engagement.objects.select_for_update().get(pk=engagement_id)
    check_not_waiting(engagement)
    return engagement


@transaction.atomic
def set_cost_split(
    *,
    engagement: Engagement,
    starts_on: date,
    shares: Mapping[CostCentre, Decimal],
    actor: User | None,
) -> CostSplit:
    """Store which cost centres pay from a day on.

    A split from the same day is replaced; what was posted under it stays as it was.
    `shares` are percentages; raises ValidationError unless they sum to exactly 100,
    and OverBudgetError where a budget stops what comes to it.
    """
    total = sum(shares.values(), Decimal(0))
    if total != HUNDRED:
        raise ValidationError(
            {
                "percent": _("The shares sum to %(total)s; they must sum to 100.")
                % {"total": f"{total.normalize():f}"}
            }
        )
    _mark_updated(engagement)
    split = engagement.cost_splits.filter(starts_on=starts_on).first()
    before = _shares_of(split) if split else None
    with holding_money(engagement):
        split = split or CostSplit(engagement=engagement, starts_on=starts_on)
        _store_shares(split, shares)
    events.record(
        event_type="engagement.cost_split_set",
        subject=split,
        changes={
            "starts_on": [
                starts_on.isoformat() if before else None,
                starts_on.isoformat(),
            ],
            "shares": [before, _shares_of(split)],
        },
        engagement=engagement,
        actor=actor,
    )
    return split


def _store_shares(split: CostSplit, shares: Mapping[CostCentre, Decimal]) -> None:
    if split.pk is None:
        split.full_clean()
        split.save()
    split.shares.all().delete()
    for cost_centre, percent in shares.items():
        share = CostSplitShare(split=split, cost_centre=cost_centre, percent=percent)
        share.full_clean()
        share.save()


def _mark_updated(engagement: Engagement) -> None:
    """Let those who read engagements by their last change see that terms moved."""
    Engagement.objects.filter(pk=engagement.pk).update(updated_at=timezone.now())


def _shares_of(split: CostSplit) -> dict[str, str]:
    return {
        share.cost_centre.code: events.plain(share.percent)
        for share in split.shares.select_related("cost_centre")
    }
