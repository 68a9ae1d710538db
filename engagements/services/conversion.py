"""Going over to the other model: a draft successor, while the first one runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Kind, Origin, Status
from engagements.errors import WrongStateError
from engagements.models import (
    Assignment,
    CostCentre,
    CostSplit,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
)
from engagements.services.commitment import Position, position
from engagements.services.engagements import log_assignment, log_managed_contract
from engagements.services.records import check_version
from engagements.values.commitment import monthly_price_of_time

CONVERTIBLE = (Status.ACTIVE, Status.ENDED, Status.TERMINATED)
OTHER_KIND = {Kind.MANAGED: Kind.AUGMENTED, Kind.AUGMENTED: Kind.MANAGED}

Successor = ManagedContract | Assignment
# Called with the engagement and its successor, in the transaction that logs it.
Follower = Callable[[Engagement, Successor, User | None], None]
_FOLLOWERS: list[Follower] = []


def on_conversion(follower: Follower) -> Follower:
    """Register what else changes with a conversion; registering twice has no effect."""
    if follower not in _FOLLOWERS:
        _FOLLOWERS.append(follower)
    return follower


@dataclass(frozen=True)
class Outlook:
    """Where an engagement stands before it is converted; None for what isn't known.

    `ends_on` is a last day that is certain: it has ended, or notice was given. The
    monthly price is the fee, or the planned hours' on average.
    """

    ends_on: date | None
    earliest_end_on: date | None
    position: Position
    monthly_price: Decimal | None

    @property
    def last_on(self) -> date | None:
        return self.ends_on or self.earliest_end_on


def outlook(*, engagement: Engagement, as_of: date) -> Outlook:
    """Return what there is to know before a conversion, writing nothing."""
    stands = position(engagement=engagement, as_of=as_of)
    is_certain = engagement.status != Status.ACTIVE or engagement.notice_given_on
    return Outlook(
        ends_on=engagement.term_ends_on if is_certain else None,
        earliest_end_on=None if is_certain else stands.committed_until_on,
        position=stands,
        monthly_price=_monthly_price(engagement, as_of),
    )


def monthly_price(price: FeeTerm | RateTerm, successor: Successor) -> Decimal:
    """Return what a new fee or rate comes to in a month, on average."""
    if isinstance(price, FeeTerm):
        fee: Decimal = price.monthly_fee
        return fee
    weekly = successor.planned_weekly_hours if isinstance(successor, Assignment) else 0
    return monthly_price_of_time(price.hourly_rate, Decimal(weekly), successor.currency)


def draft_successor(*, engagement: Engagement) -> Successor:
    """Return an unsaved successor of the other model, with all that is carried over.

    What isn't: purchase order, documents, dates, notice and renewal, and the price.
    """
    carried = {name: getattr(engagement, name) for name in _CARRIED}
    if engagement.kind == Kind.MANAGED:
        return Assignment(**carried)
    return ManagedContract(**carried)


_CARRIED = (
    "title",
    "vendor_id",
    "manager_id",
    "service_id",
    "department_id",
    "currency",
    "country",
)


@transaction.atomic
def convert_engagement(
    *,
    engagement: Engagement,
    successor: Successor,
    price: FeeTerm | RateTerm | None = None,
    expected_version: int | None = None,
    actor: User | None,
) -> Successor:
    """Log the successor of the other model as a draft, linked by `predecessor`.

    The cost split of its first day goes along. The engagement itself runs on until
    its own steps end it. Raises WrongStateError where it never started, or was
    converted already, and ValidationError by field: a vendor not cleared for the
    model, a contractor beyond a blocking tenure policy.
    """
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    check_convertible(engagement=stored)
    check_version(stored=stored, expected_version=expected_version)
    _check_start(stored, successor.starts_on)
    successor.predecessor = stored
    successor.origin = Origin.CONVERTED
    successor.status = Status.DRAFT
    successor.purchase_order_number = ""
    _log(stored, successor, price, actor)
    _tell(stored, successor, actor)
    for follower in _FOLLOWERS:
        follower(stored, successor, actor)
    return successor


def check_convertible(*, engagement: Engagement) -> None:
    """Raise WrongStateError where the engagement can't get a successor."""
    if engagement.status not in CONVERTIBLE:
        raise WrongStateError(
            _("%(reference)s is %(status)s: only what has started is converted.")
            % {
                "reference": engagement.reference,
                "status": engagement.get_status_display().lower(),
            }
        )
    if Engagement.objects.filter(predecessor=engagement.pk).exists():
        raise WrongStateError(
            _("%(reference)s has a successor already; there can be one only.")
            % {"reference": engagement.reference}
        )


def _check_start(engagement: Engagement, starts_on: date) -> None:
    if starts_on <= engagement.starts_on:
        raise ValidationError(
            {
                "starts_on": _("It can only start after %(reference)s did, on %(day)s.")
                % {
                    "reference": engagement.reference,
                    "day": date_format(engagement.starts_on, "j F Y"),
                }
            }
        )


def _log(
    engagement: Engagement,
    successor: Successor,
    price: FeeTerm | RateTerm | None,
    actor: User | None,
) -> None:
    shares = _shares_on(engagement, successor.starts_on)
    wanted = OTHER_KIND[Kind(engagement.kind)]
    if isinstance(successor, ManagedContract) and wanted == Kind.MANAGED:
        fees = [price] if isinstance(price, FeeTerm) else []
        log_managed_contract(
            contract=successor, fee_terms=fees, cost_shares=shares, actor=actor
        )
    elif isinstance(successor, Assignment) and wanted == Kind.AUGMENTED:
        rates = [price] if isinstance(price, RateTerm) else []
        log_assignment(
            assignment=successor, rate_terms=rates, cost_shares=shares, actor=actor
        )
    else:
        raise ValidationError({"kind": _("A conversion leads to the other model.")})


def _tell(engagement: Engagement, successor: Successor, actor: User | None) -> None:
    """Both sides' histories tell of it; each names the other by its id."""
    events.record(
        event_type="engagement.converted",
        subject=engagement,
        changes={"successor": [None, successor.pk]},
        actor=actor,
    )
    events.record(
        event_type="engagement.converted",
        subject=successor,
        changes={"predecessor": [None, engagement.pk]},
        actor=actor,
    )


def _shares_on(engagement: Engagement, day: date) -> dict[CostCentre, Decimal]:
    """Return the split in force on the day, or else the first one to come."""
    splits = CostSplit.objects.filter(engagement=engagement.pk)
    split = (
        splits.filter(starts_on__lte=day).order_by("-starts_on").first()
        or splits.order_by("starts_on").first()
    )
    if split is None:
        return {}
    shares = split.shares.select_related("cost_centre")
    return {share.cost_centre: share.percent for share in shares}


def _monthly_price(engagement: Engagement, day: date) -> Decimal | None:
    if engagement.kind == Kind.MANAGED:
        fees = FeeTerm.objects.filter(contract=engagement.pk).order_by("starts_on")
        fee = fees.filter(starts_on__lte=day).last() or fees.first()
        return fee.monthly_fee if fee else None
    rates = RateTerm.objects.filter(assignment=engagement.pk).order_by("starts_on")
    rates = rates.select_related("assignment")
    rate = rates.filter(starts_on__lte=day).last() or rates.first()
    return monthly_price(rate, rate.assignment) if rate else None
