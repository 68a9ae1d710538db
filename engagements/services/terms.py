from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
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
from engagements.services.records import create_record

HUNDRED = Decimal(100)


@transaction.atomic
def amend_fee(*, term: FeeTerm, actor: User | None) -> FeeTerm:
    """Store a fee that runs from its start until the next one; earlier ones stay."""
    _mark_updated(term.contract)
    return create_record(
        record=term,
        event_type="engagement.terms_amended",
        engagement=term.contract,
        actor=actor,
    )


@transaction.atomic
def amend_rate(*, term: RateTerm, actor: User | None) -> RateTerm:
    """Store a rate that runs from its start until the next one; earlier ones stay."""
    _mark_updated(term.assignment)
    return create_record(
        record=term,
        event_type="engagement.rate_changed",
        engagement=term.assignment,
        actor=actor,
    )


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
    `shares` are percentages; raises ValidationError unless they sum to exactly 100.
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
    if split is None:
        split = CostSplit(engagement=engagement, starts_on=starts_on)
        split.full_clean()
        split.save()
    split.shares.all().delete()
    for cost_centre, percent in shares.items():
        share = CostSplitShare(split=split, cost_centre=cost_centre, percent=percent)
        share.full_clean()
        share.save()
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


def _mark_updated(engagement: Engagement) -> None:
    """Let those who read engagements by their last change see that terms moved."""
    Engagement.objects.filter(pk=engagement.pk).update(updated_at=timezone.now())


def _shares_of(split: CostSplit) -> dict[str, str]:
    return {
        share.cost_centre.code: events.plain(share.percent)
        for share in split.shares.select_related("cost_centre")
    }


@transaction.atomic
def record_change_order(
    *, change_order: ChangeOrder, actor: User | None
) -> ChangeOrder:
    """Store a signed change order under the engagement's next number."""
    engagement = Engagement.objects.select_for_update().get(
        pk=change_order.engagement_id
    )
    change_order.number = engagement.change_orders.count() + 1
    return create_record(
        record=change_order,
        event_type="engagement.change_ordered",
        engagement=engagement,
        actor=actor,
    )
