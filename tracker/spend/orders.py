"""Which order pays for what, and what is left of each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Max, Sum

from engagements.choices import ChargeKind
from engagements.models import Engagement, FeeTerm
from engagements.values.commitment import Price, spans_of
from engagements.values.periods import ONE_DAY, last_day_of_month, months_between
from tracker.spend.burn_down import BurnDown, Drawn, Validity, burn_down, order_on
from tracker.spend.models import (
    Basis,
    InvoiceLine,
    InvoiceStatus,
    LedgerEntry,
    OrderChange,
    OrderCoverage,
    OrderStatus,
    PurchaseOrder,
)

# Accrued in the ledger until an invoice takes its place; fees are reckoned here.
ACCRUED_CHARGES = (ChargeKind.TIME, ChargeKind.CREDIT)


@dataclass(frozen=True)
class OrderTerms:
    """An order with its changes: amount and last day as they stand."""

    order: PurchaseOrder
    ordered: Decimal
    ends_on: date | None
    engagements: frozenset[int]

    @property
    def validity(self) -> Validity:
        return Validity(self.order.pk, self.order.starts_on, self.ends_on)


def orders_covering(engagement_ids: Collection[int]) -> list[OrderTerms]:
    """Return the orders, cancelled ones aside, that some engagement draws on."""
    covering = OrderCoverage.objects.filter(engagement_id__in=engagement_ids)
    return terms_of(
        PurchaseOrder.objects.filter(pk__in=covering.values("order")).exclude(
            status=OrderStatus.CANCELLED
        )
    )


def terms_of(orders: Iterable[PurchaseOrder]) -> list[OrderTerms]:
    """Return the orders with their changes and engagements; three queries."""
    orders = list(orders)
    ids = [order.pk for order in orders]
    amounts: dict[int, Decimal] = {}
    ends: dict[int, date] = {}
    for order, amount, ends_on in OrderChange.objects.filter(
        order_id__in=ids
    ).values_list("order_id", "amount", "ends_on"):
        amounts[order] = amounts.get(order, Decimal(0)) + amount
        if ends_on is not None:
            ends[order] = ends_on
    covered: dict[int, set[int]] = defaultdict(set)
    for order, engagement in OrderCoverage.objects.filter(order_id__in=ids).values_list(
        "order_id", "engagement_id"
    ):
        covered[order].add(engagement)
    return [
        OrderTerms(
            order,
            order.amount + amounts.get(order.pk, Decimal(0)),
            ends.get(order.pk, order.ends_on),
            frozenset(covered[order.pk]),
        )
        for order in orders
    ]


class Payers:
    """Which order pays for a day of an engagement."""

    def __init__(self, terms: Iterable[OrderTerms]) -> None:
        self._by_engagement: dict[int, list[Validity]] = defaultdict(list)
        for one in terms:
            for engagement in one.engagements:
                self._by_engagement[engagement].append(one.validity)

    @property
    def engagements(self) -> set[int]:
        return set(self._by_engagement)

    def first_day(self, engagement: int) -> date:
        return min(one.starts_on for one in self._by_engagement[engagement])

    def order_on(self, engagement: int, day: date) -> int | None:
        return order_on(self._by_engagement.get(engagement, ()), day)


def burn_downs(orders: Iterable[PurchaseOrder], *, today: date) -> dict[int, BurnDown]:
    """Return what is left of each order; a fixed number of queries."""
    orders = list(orders)
    asked = {order.pk for order in orders}
    # An engagement's other orders pay for days of their own.
    covered = OrderCoverage.objects.filter(order_id__in=asked).values_list(
        "engagement_id", flat=True
    )
    terms = orders_covering(set(covered))
    known = {one.order.pk for one in terms}
    terms += terms_of(order for order in orders if order.pk not in known)
    payers = Payers(terms)
    invoiced = _by_order(_invoiced(payers), payers)
    accrued = _by_order([*_accrued(payers), *_unbilled_fees(payers, today)], payers)
    return {
        one.order.pk: burn_down(
            ordered=one.ordered,
            invoiced=invoiced[one.order.pk],
            accrued=accrued[one.order.pk],
            validity=one.validity,
            today=today,
            currency=one.order.currency,
        )
        for one in terms
        if one.order.pk in asked
    }


_Used = tuple[int, Drawn]


def _by_order(used: Iterable[_Used], payers: Payers) -> dict[int, list[Drawn]]:
    found: dict[int, list[Drawn]] = defaultdict(list)
    for engagement, drawn in used:
        order = payers.order_on(engagement, drawn.first)
        if order is not None:
            found[order].append(drawn)
    return found


def _invoiced(payers: Payers) -> Iterator[_Used]:
    lines = (
        InvoiceLine.objects.filter(engagement_id__in=payers.engagements)
        .exclude(invoice__status=InvoiceStatus.DRAFT)
        .exclude(charge_kind=ChargeKind.TAX)
    )
    for engagement, first, last, amount in lines.values_list(
        "engagement_id", "period_from", "period_to", "amount"
    ):
        yield engagement, Drawn(first, last, amount)


def _accrued(payers: Payers) -> Iterator[_Used]:
    entries = (
        LedgerEntry.objects.filter(
            engagement_id__in=payers.engagements,
            basis=Basis.ACCRUED,
            charge_kind__in=ACCRUED_CHARGES,
            reversal_of__isnull=True,
            reversal__isnull=True,
        )
        .order_by()
        .values_list("engagement_id", "day")
        .annotate(amount=Sum("amount"))
    )
    for engagement, day, amount in entries:
        yield engagement, Drawn(day, day, amount)


def _unbilled_fees(payers: Payers, today: date) -> Iterator[_Used]:
    """Yield the fees earned by days since the last day that was billed."""
    billed = dict(
        InvoiceLine.objects.filter(
            engagement_id__in=payers.engagements, charge_kind=ChargeKind.RECURRING
        )
        .exclude(invoice__status=InvoiceStatus.DRAFT)
        .order_by()
        .values_list("engagement_id")
        .annotate(last=Max("period_to"))
    )
    fees: dict[int, list[Price]] = defaultdict(list)
    for contract, starts_on, fee in FeeTerm.objects.filter(
        contract_id__in=payers.engagements
    ).values_list("contract_id", "starts_on", "monthly_fee"):
        fees[contract].append(Price(starts_on, fee))
    spans = Engagement.objects.filter(pk__in=fees).values_list(
        "pk", "starts_on", "ends_on"
    )
    for engagement, starts_on, ends_on in spans:
        first = max(starts_on, payers.first_day(engagement))
        if engagement in billed:
            first = max(first, billed[engagement] + ONE_DAY)
        last = today if ends_on is None else min(today, ends_on)
        for drawn in _earned(fees[engagement], first, last):
            yield engagement, drawn


def _earned(fees: Sequence[Price], first: date, last: date) -> Iterator[Drawn]:
    """Yield fees day by day, since each day may have another order to pay for it."""
    for month in months_between(first, last):
        end = last_day_of_month(month)
        for span in spans_of(fees, max(first, month), min(last, end)):
            day = span.first
            while day <= span.last:
                yield Drawn(day, day, span.amount / end.day)
                day += ONE_DAY
