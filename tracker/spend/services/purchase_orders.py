"""Purchase orders: recorded, changed by amendments alone, held under a lock."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ChargeKind
from engagements.errors import WrongStateError
from engagements.models import Engagement, User
from engagements.services.records import create_record
from engagements.values.money import format_money
from tracker.spend.invoice_number import normalise_number
from tracker.spend.models import (
    ExceptionState,
    InvoiceLine,
    InvoiceStatus,
    MatchException,
    OrderChange,
    OrderCoverage,
    OrderStatus,
    PurchaseOrder,
    Resolution,
)
from tracker.spend.orders import (
    OrderTerms,
    Payers,
    burn_downs,
    orders_covering,
    terms_of,
)
from tracker.spend.services.budgets import check_ordered


@dataclass(frozen=True)
class Watched:
    """What a night brought: orders running out, orders that last again."""

    running_out: int = 0
    lasting_again: int = 0


@transaction.atomic
def record_order(
    *,
    order: PurchaseOrder,
    engagements: Collection[Engagement] = (),
    actor: User | None,
) -> PurchaseOrder:
    """Store an order with the engagements that it covers.

    Those of the vendor that name its number are covered without being named. Raises
    ValidationError by field, also for an engagement of another vendor or currency, and
    OverBudgetError where a budget stops what it is for.
    """
    order.normalised_number = normalise_number(order.number)
    create_record(record=order, event_type="purchase_order.recorded", actor=actor)
    named = _naming(order)
    wanted = {one.pk: one for one in [*engagements, *named]}
    cover_engagements(order=order, engagements=list(wanted.values()), actor=actor)
    return order


@transaction.atomic
def cover_engagements(
    *, order: PurchaseOrder, engagements: Sequence[Engagement], actor: User | None
) -> list[OrderCoverage]:
    """Let bills of the engagements draw on the order.

    Raises ValidationError, and OverBudgetError where a budget stops what it is for.
    """
    added = _cover(order, engagements, actor)
    check_ordered(coverage.engagement for coverage in added)
    return added


def _cover(
    order: PurchaseOrder, engagements: Sequence[Engagement], actor: User | None
) -> list[OrderCoverage]:
    stored = PurchaseOrder.objects.select_for_update().get(pk=order.pk)
    covered = set(stored.coverages.values_list("engagement_id", flat=True))
    added = []
    for engagement in engagements:
        if engagement.pk in covered:
            continue
        _check_fits(stored, engagement)
        coverage = OrderCoverage(order=stored, engagement=engagement)
        coverage.full_clean()
        coverage.save()
        added.append(coverage)
        events.record(
            event_type="engagement.order_covers",
            subject=engagement,
            changes={"purchase_order": [None, stored.number]},
            actor=actor,
        )
    return added


@transaction.atomic
def change_order(*, change: OrderChange, actor: User | None) -> OrderChange:
    """Store an amendment: money added or taken off, or another end.

    Raises WrongStateError unless the order is open, ValidationError where less
    would be left than is invoiced already, or the end lies before the start, and
    OverBudgetError where a budget stops what more is ordered for.
    """
    order = _locked(change.order_id)
    if order.status != OrderStatus.OPEN:
        raise WrongStateError(_("Only an open order is changed."))
    change.reason = change.reason.strip()
    change.recorded_by = actor
    if change.ends_on is not None and change.ends_on < order.starts_on:
        raise ValidationError({"ends_on": _("The end can't be before the start.")})
    [terms] = terms_of([order])
    invoiced = invoiced_on(terms)
    if change.amount < 0 and terms.ordered + change.amount < invoiced:
        raise ValidationError(
            {
                "amount": _("%(invoiced)s of it is invoiced already.")
                % {"invoiced": format_money(invoiced, order.currency)}
            }
        )
    create_record(record=change, event_type="purchase_order.amended", actor=actor)
    if change.amount > 0:
        check_ordered(engagements_of(order))
    return change


def engagements_of(order: PurchaseOrder) -> QuerySet[Engagement]:
    """Return the engagements that an order covers."""
    return Engagement.objects.filter(order_coverages__order=order).order_by("pk")


@transaction.atomic
def close_order(
    *, order: PurchaseOrder, status: OrderStatus, actor: User | None
) -> PurchaseOrder:
    """Close or cancel an open order.

    Raises WrongStateError where it isn't open, and for cancelling what is invoiced.
    """
    stored = _locked(order.pk)
    if stored.status != OrderStatus.OPEN or status == OrderStatus.OPEN:
        raise WrongStateError(
            _("Order %(number)s is %(status)s.")
            % {"number": stored.number, "status": stored.get_status_display().lower()}
        )
    [terms] = terms_of([stored])
    if status == OrderStatus.CANCELLED and invoiced_on(terms) != 0:
        raise WrongStateError(_("It was billed to: close it instead."))
    return _store(stored, _CLOSED_BY[status], actor, status=status)


_CLOSED_BY = {
    OrderStatus.CLOSED: "purchase_order.closed",
    OrderStatus.CANCELLED: "purchase_order.cancelled",
}


@transaction.atomic
def check_orders_hold(*, invoice_id: int) -> None:
    """Raise ValidationError where an invoice takes more than its orders have left.

    The orders' rows are locked, in one order, until the transaction ends: two invoices
    never both take the last of one, nor is it taken off meanwhile. What came in later
    doesn't count, and a line whose overdraft somebody accepted passes.
    """
    engagements = set(
        InvoiceLine.objects.filter(invoice=invoice_id).values_list(
            "engagement_id", flat=True
        )
    )
    covering = [one.order.pk for one in orders_covering(engagements)]
    list(
        PurchaseOrder.objects.select_for_update()
        .filter(pk__in=covering)
        .order_by("pk")
        .values_list("pk")
    )
    # Read again under the lock.
    for terms in orders_covering(engagements):
        left = terms.ordered - invoiced_on(terms, up_to=invoice_id)
        if left < 0 and not _is_accepted(invoice_id, terms):
            raise ValidationError(
                _(
                    "Order %(number)s is overdrawn by %(amount)s: amend it, or accept"
                    " the exception."
                )
                % {
                    "number": terms.order.number,
                    "amount": format_money(-left, terms.order.currency),
                }
            )


def _is_accepted(invoice_id: int, terms: OrderTerms) -> bool:
    return MatchException.objects.filter(
        invoice=invoice_id,
        code="over_order",
        engagement__in=terms.engagements,
        state=ExceptionState.RESOLVED,
        resolution=Resolution.ACCEPTED,
    ).exists()


def invoiced_on(terms: OrderTerms, *, up_to: int | None = None) -> Decimal:
    """Return what bills have drawn on the order, as they came in to one of them."""
    payers = Payers(orders_covering(terms.engagements))
    lines = InvoiceLine.objects.filter(engagement_id__in=terms.engagements)
    if up_to is not None:
        lines = lines.filter(invoice__lte=up_to)
    rows = (
        lines.exclude(invoice__status=InvoiceStatus.DRAFT)
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
        .values_list("engagement_id", "period_from")
        .annotate(total=Sum("amount"))
    )
    return sum(
        (
            total
            for engagement, day, total in rows
            if payers.order_on(engagement, day) == terms.order.pk
        ),
        Decimal(0),
    )


@transaction.atomic
def watch_orders(*, today: date) -> Watched:
    """Tell once of each order that runs out before its end, and let it be told anew.

    Engagements that name an order's number since are covered first.
    """
    cover_named_engagements(actor=None)
    orders = list(
        PurchaseOrder.objects.select_for_update()
        .filter(status=OrderStatus.OPEN)
        .order_by("pk")
    )
    downs = burn_downs(orders, today=today)
    short = again = 0
    for order in orders:
        is_short = downs[order.pk].is_short
        if is_short and order.short_since is None:
            _tell(order, downs[order.pk].runs_out_on, today)
            short += 1
        elif not is_short and order.short_since is not None:
            PurchaseOrder.objects.filter(pk=order.pk).update(short_since=None)
            again += 1
    return Watched(short, again)


@transaction.atomic
def cover_named_engagements(*, actor: User | None) -> int:
    """Cover engagements that name an order's number and aren't covered; return how
    many."""
    orders = {
        (order.vendor_id, order.normalised_number): order
        for order in PurchaseOrder.objects.filter(status=OrderStatus.OPEN)
    }
    known = set(OrderCoverage.objects.values_list("order_id", "engagement_id"))
    found: dict[int, list[Engagement]] = defaultdict(list)
    for engagement in Engagement.objects.exclude(purchase_order_number=""):
        number = normalise_number(engagement.purchase_order_number)
        order = orders.get((engagement.vendor_id, number))
        is_fit = order is not None and order.currency == engagement.currency
        if order is not None and is_fit and (order.pk, engagement.pk) not in known:
            found[order.pk].append(engagement)
    for order in orders.values():
        if order.pk in found:
            # Nobody is there to be refused.
            _cover(order, found[order.pk], actor)
    return sum(map(len, found.values()))


def _tell(order: PurchaseOrder, runs_out_on: date | None, today: date) -> None:
    PurchaseOrder.objects.filter(pk=order.pk).update(short_since=today)
    engagements = Engagement.objects.filter(order_coverages__order=order)
    events.record_all(
        events.draft(
            event_type="engagement.order_running_out",
            subject=engagement,
            changes={
                "purchase_order": [None, order.number],
                "runs_out_on": [None, events.plain(runs_out_on)],
            },
            actor=None,
        )
        for engagement in engagements.order_by("pk")
    )


def _naming(order: PurchaseOrder) -> list[Engagement]:
    like = Engagement.objects.filter(vendor=order.vendor, currency=order.currency)
    return [
        one
        for one in like.exclude(purchase_order_number="")
        if normalise_number(one.purchase_order_number) == order.normalised_number
    ]


def _check_fits(order: PurchaseOrder, engagement: Engagement) -> None:
    if engagement.vendor_id != order.vendor_id:
        raise ValidationError(
            {
                "engagement": _("%(reference)s is with another vendor.")
                % {"reference": engagement.reference}
            }
        )
    if engagement.currency != order.currency:
        raise ValidationError(
            {
                "currency": _("%(reference)s is in %(currency)s.")
                % {
                    "reference": engagement.reference,
                    "currency": engagement.currency,
                }
            }
        )


def _locked(order_id: int) -> PurchaseOrder:
    return PurchaseOrder.objects.select_for_update().get(pk=order_id)


def _store(
    stored: PurchaseOrder, event_type: str, actor: User | None, *, status: OrderStatus
) -> PurchaseOrder:
    before = copy(stored)
    stored.status = status
    stored.version += 1
    stored.full_clean()
    stored.save()
    events.record(
        event_type=event_type,
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    return stored
