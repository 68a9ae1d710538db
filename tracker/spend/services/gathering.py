"""All that invoices are held against, read at once however many there are."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from django.db.models import Q

from engagements.choices import ChargeKind, RateUnit, Renewal, Status
from engagements.models import (
    ChangeOrder,
    Charge,
    Engagement,
    FeeTerm,
    RateTerm,
)
from engagements.values.commitment import Price
from tracker.spend.accrual import AgreedCredit
from tracker.spend.credits_agreed import credits_agreed
from tracker.spend.matching import Bill, BilledLine, Order, Rate, Terms, Worked
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.orders import OrderTerms, Payers, orders_covering

# How far before a bill hours are looked for that nobody billed.
LOOKS_BACK = timedelta(days=92)
AGREED = (TimesheetStatus.APPROVED, TimesheetStatus.INVOICED)
ZERO = Decimal(0)
# How people name the unit of a charge that is an hour.
HOURS = frozenset(
    {
        *("h", "hr", "hrs", "hour", "hours"),
        *("std", "std.", "stunde", "stunden"),
        *("hora", "horas"),
    }
)


@dataclass(frozen=True)
class _Stored:
    """A line that is posted; `is_credited` where it and what took it back cancel."""

    line: BilledLine
    is_credited: bool
    credits: int | None = None


def gather(invoices: Sequence[Invoice]) -> list[Bill]:
    """Return what each invoice is held against; a fixed number of queries."""
    ids = {invoice.pk for invoice in invoices}
    engagements = set(
        InvoiceLine.objects.filter(invoice__in=ids).values_list(
            "engagement_id", flat=True
        )
    )
    orders = orders_covering(engagements)
    payers = Payers(orders)
    lines = _lines(engagements | payers.engagements)
    own: dict[int, list[BilledLine]] = defaultdict(list)
    by_engagement: dict[int, list[_Stored]] = defaultdict(list)
    for stored in lines:
        by_engagement[stored.line.engagement].append(stored)
        if stored.line.invoice in ids:
            own[stored.line.invoice].append(stored.line)
    terms = _terms(engagements)
    worked = _worked(engagements, [line for found in own.values() for line in found])
    credits = credits_agreed(engagements)
    drawn = _Drawn(orders, payers, lines)
    return [
        _bill(invoice, own[invoice.pk], by_engagement, terms, worked, drawn, credits)
        for invoice in invoices
    ]


def _bill(
    invoice: Invoice,
    lines: list[BilledLine],
    by_engagement: Mapping[int, list[_Stored]],
    terms: Mapping[int, Terms],
    worked: Mapping[int, tuple[Worked, ...]],
    drawn: "_Drawn",
    credits: Mapping[int, list[AgreedCredit]],
) -> Bill:
    engagements = {line.engagement for line in lines}
    others = tuple(
        one.line
        for engagement in sorted(engagements)
        for one in by_engagement[engagement]
        if one.line.invoice != invoice.pk and not one.is_credited
    )
    return Bill(
        key=invoice.pk,
        vendor=invoice.vendor_id,
        currency=invoice.currency,
        total=invoice.total,
        lines=tuple(sorted(lines, key=lambda line: line.place)),
        terms={each: terms[each] for each in engagements},
        is_credit_note=invoice.kind == InvoiceKind.CREDIT_NOTE,
        others=others,
        worked={each: worked.get(each, ()) for each in engagements},
        orders=drawn.before(lines),
        credits={
            each: sum(
                (
                    credit.amount
                    for credit in credits.get(each, ())
                    if credit.agreed_on <= invoice.issued_on
                ),
                ZERO,
            )
            for each in engagements
        },
    )


# --- lines -------------------------------------------------------------------------

_LINE = {
    "key": "id",
    "invoice": "invoice_id",
    "normalised_number": "invoice__normalised_number",
    "engagement": "engagement_id",
    "charge": "charge_kind",
    "first": "period_from",
    "last": "period_to",
    "amount": "amount",
    "person": "contractor_id",
    "hours": "hours",
    "quantity": "quantity",
    "unit": "unit",
    "unit_price": "unit_price",
    "is_overtime": "is_overtime",
    "description": "description",
}


def _lines(engagements: Collection[int]) -> list[_Stored]:
    rows = list(
        InvoiceLine.objects.filter(engagement_id__in=engagements)
        .exclude(invoice__status=InvoiceStatus.DRAFT)
        .order_by("id")
        .values(*_LINE.values(), "number", "is_credited", "invoice__credits_id")
    )
    stored = [
        _Stored(_line(row), row["is_credited"], row["invoice__credits_id"])
        for row in rows
    ]
    by_invoice: dict[int, list[_Stored]] = defaultdict(list)
    for one in stored:
        by_invoice[one.line.invoice].append(one)
    return [
        _with_its_invoice(one, by_invoice[one.credits]) if one.credits else one
        for one in stored
    ]


def _with_its_invoice(note: _Stored, credited: Sequence[_Stored]) -> _Stored:
    """Call what a note took back credited where nothing is left of it.

    Else it would be taken off what was billed anew.
    """
    beside = [
        one
        for one in credited
        if one.line.engagement == note.line.engagement
        and one.line.amount > 0
        and one.line.charge != ChargeKind.TAX
    ]
    is_whole = bool(beside) and all(one.is_credited for one in beside)
    is_credited = is_whole or any(
        one.is_credited
        and one.line.charge == note.line.charge
        and one.line.first <= note.line.first
        and note.line.last <= one.line.last
        for one in beside
    )
    return replace(note, is_credited=note.is_credited or is_credited)


def _line(row: Mapping[str, Any]) -> BilledLine:
    place = (row["invoice_id"], row["number"])
    values = {name: row[column] for name, column in _LINE.items()}
    return BilledLine(place=place, **values)


# --- terms -------------------------------------------------------------------------


def _terms(engagements: Collection[int]) -> dict[int, Terms]:
    fees: dict[int, list[Price]] = defaultdict(list)
    for contract, starts_on, fee in FeeTerm.objects.filter(
        contract_id__in=engagements
    ).values_list("contract_id", "starts_on", "monthly_fee"):
        fees[contract].append(Price(starts_on, fee))
    rates: dict[int, list[Rate]] = defaultdict(list)
    for term in RateTerm.objects.filter(assignment_id__in=engagements):
        rates[term.assignment_id].append(_rate(term))
    people = dict(
        Engagement.objects.filter(pk__in=engagements).values_list(
            "pk", "assignment__contractor_id"
        )
    )
    units, one_offs, hours = _charges(engagements)
    return {
        found.pk: replace(
            _dates(found),
            fees=tuple(fees[found.pk]),
            rates=tuple(rates[found.pk]),
            person=people.get(found.pk),
            unit_prices=tuple(units[found.pk]),
            one_offs=one_offs[found.pk],
            hour_price=hours.get(found.pk),
        )
        for found in Engagement.objects.filter(pk__in=engagements)
    }


def _dates(engagement: Engagement) -> Terms:
    is_closed = engagement.status in (Status.ENDED, Status.TERMINATED)
    renews = engagement.renewal == Renewal.AUTO and engagement.notice_given_on is None
    return Terms(
        currency=engagement.currency,
        starts_on=engagement.starts_on,
        agreed_until=engagement.ends_on if renews else engagement.term_ends_on,
        ended_on=engagement.ends_on if is_closed else None,
    )


def _rate(term: RateTerm) -> Rate:
    return Rate(
        starts_on=term.starts_on,
        amount=term.rate,
        is_per_day=term.unit == RateUnit.DAY,
        hours_per_day=term.hours_per_day,
        overtime=term.overtime_multiplier,
    )


def _charges(
    engagements: Collection[int],
) -> tuple[dict[int, list[Decimal]], dict[int, Decimal], dict[int, Decimal]]:
    """Return unit prices, all that was agreed to be paid once, and prices of an hour.

    Of several prices of an hour, the highest.
    """
    units: dict[int, list[Decimal]] = defaultdict(list)
    one_offs: dict[int, Decimal] = defaultdict(Decimal)
    hours: dict[int, Decimal] = {}
    agreed = ~Q(charge_kind=ChargeKind.MILESTONE) | Q(accepted_on__isnull=False)
    charges = Charge.objects.filter(agreed, engagement_id__in=engagements)
    for engagement, kind, unit_name, amount in charges.values_list(
        "engagement_id", "charge_kind", "unit_name", "amount"
    ):
        if kind != ChargeKind.UNIT:
            one_offs[engagement] += amount
            continue
        units[engagement].append(amount)
        if unit_name.strip().casefold() in HOURS:
            hours[engagement] = max(amount, hours.get(engagement, amount))
    orders = ChangeOrder.objects.filter(
        engagement_id__in=engagements, value_change__gt=0
    ).in_force()
    for engagement, amount in orders.values_list("engagement_id", "value_change"):
        one_offs[engagement] += amount
    return units, one_offs, hours


# --- work --------------------------------------------------------------------------


def _worked(
    engagements: Collection[int], lines: Sequence[BilledLine]
) -> dict[int, tuple[Worked, ...]]:
    """Return approved hours; what has no timesheet counts as approved.

    Log by log, since each may have been rounded by itself.
    """
    if not lines:
        return {}
    first = min(line.first for line in lines) - LOOKS_BACK
    last = max(line.last for line in lines)
    found: dict[int, list[Worked]] = defaultdict(list)
    for engagement, person, day, is_overtime, hours in _hours(engagements, first, last):
        found[engagement].append(Worked(day, hours, is_overtime, person))
    return {engagement: tuple(days) for engagement, days in found.items()}


def _hours(
    engagements: Collection[int], first: date, last: date
) -> Iterable[tuple[int, int | None, date, bool, Decimal]]:
    return (
        WorkLog.objects.told(AGREED)
        .filter(engagement_id__in=engagements, worked_on__range=(first, last))
        .order_by("worked_on", "id")
        .values_list(
            "engagement_id", "contractor_id", "worked_on", "is_overtime", "hours"
        )
    )


# --- orders and credits ------------------------------------------------------------


class _Drawn:
    """What the lines so far have drawn on each order, in the order of billing."""

    def __init__(
        self, orders: Sequence[OrderTerms], payers: Payers, lines: Sequence[_Stored]
    ) -> None:
        self._orders = {one.order.pk: one for one in orders}
        self._payers = payers
        by_order: dict[int, list[BilledLine]] = defaultdict(list)
        for stored in lines:
            order = self._order_of(stored.line)
            if order is not None and stored.line.charge != ChargeKind.TAX:
                by_order[order].append(stored.line)
        self._invoices: dict[int, list[int]] = {}
        self._sums: dict[int, list[Decimal]] = {}
        for order, found in by_order.items():
            found.sort(key=lambda line: line.place)
            self._invoices[order] = [line.invoice for line in found]
            amounts = (line.amount for line in found)
            self._sums[order] = list(accumulate(amounts, initial=ZERO))

    def _order_of(self, line: BilledLine) -> int | None:
        return self._payers.order_on(line.engagement, line.first)

    def before(self, lines: Iterable[BilledLine]) -> dict[int, Order]:
        """Return by line the order that pays for it, as it was before the invoice."""
        found = {}
        for line in lines:
            key = self._order_of(line)
            if key is not None:
                terms = self._orders[key]
                left = terms.ordered - self._drawn(key, line)
                found[line.key] = Order(key, terms.order.currency, left)
        return found

    def _drawn(self, order: int, line: BilledLine) -> Decimal:
        if order not in self._invoices:
            return ZERO
        return self._sums[order][bisect_left(self._invoices[order], line.invoice)]
