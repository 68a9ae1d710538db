"""Orders of the demo company, bills that don't fit, and what came back of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum

from engagements.choices import ChargeKind
from engagements.models import ChangeOrder, Engagement, RateTerm
from engagements.services.change_orders import record_change_order
from engagements.values.money import round_money
from engagements.values.periods import last_day_of_month
from tracker.demo.billing import Told
from tracker.demo.founding import Cast
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LineUnit,
    MatchException,
    OrderChange,
    PurchaseOrder,
    Resolution,
    Saving,
    SavingKind,
    WorkLog,
)
from tracker.spend.services import (
    bring_savings_up,
    change_order,
    claim_saving,
    match_received,
    post_invoice,
    record_order,
    resolve_exception,
    watch_orders,
)


@dataclass(frozen=True)
class OrderStory:
    """An order; months count back from today's, `ends` ahead where negative."""

    title: str
    starts: int
    ends: int
    amount: str
    change: tuple[int, str, str] | None = None


ORDERS = (
    # Ordered at the old fee: it won't last.
    OrderStory("Store till support", 6, -5, "219000"),
    OrderStory(
        "Network operations",
        8,
        -3,
        "330000",
        change=(2, "29000", "The fee rose with the third site"),
    ),
    OrderStory("Workplace support desk", 3, -8, "545000"),
    OrderStory("Finance ledger support", 12, -2, "182000"),
)


BILLED_TWICE = "Warehouse systems support"


def order_parts(told: Sequence[Told], cast: Cast) -> None:
    """Agree on the spare parts that are billed twice later."""
    engagement = next(one.engagement for one in told if one.story.title == BILLED_TWICE)
    record_change_order(
        change_order=ChangeOrder(
            engagement=engagement,
            effective_on=cast.month(1),
            value_change=Decimal(1_000),
            reason="Spare parts for the sorters, as they are used",
            approver=cast.people["manager"],
        ),
        actor=engagement.manager,
    )


def order_and_match(told: Sequence[Told], cast: Cast) -> None:
    """Record the orders, then the bills that don't fit, and what came of them."""
    known = {one.story.title: one.engagement for one in told}
    for story in ORDERS:
        _order(story, known[story.title], cast)
    _claim_lower_fee(known["Finance ledger support"], cast)
    _overbilled_and_recovered(known["Contact centre platform"], cast)
    _fee_too_early(known["Network operations"], cast)
    _too_many_hours(known["Project delivery · Samuel Osborne"], cast)
    _rate_too_high(known["Payments engineer · Lucía Ferrer"], cast)
    _billed_twice(known[BILLED_TWICE], cast)
    match_received()
    bring_savings_up()
    watch_orders(today=cast.today)


def _order(story: OrderStory, engagement: Engagement, cast: Cast) -> None:
    finance = cast.people["finance"]
    order = record_order(
        order=PurchaseOrder(
            vendor=engagement.vendor,
            number=engagement.purchase_order_number,
            description=story.title,
            currency=engagement.currency,
            amount=Decimal(story.amount),
            starts_on=cast.month(story.starts),
            ends_on=last_day_of_month(cast.month(story.ends)),
        ),
        engagements=[engagement],
        actor=finance,
    )
    if story.change:
        months_ago, amount, reason = story.change
        change_order(
            change=OrderChange(
                order=order,
                changed_on=cast.month(months_ago),
                amount=Decimal(amount),
                reason=reason,
            ),
            actor=finance,
        )


def _claim_lower_fee(engagement: Engagement, cast: Cast) -> None:
    since = cast.month(6)
    claim_saving(
        saving=Saving(
            kind=SavingKind.NEGOTIATED,
            title="Fee held at renewal, 12,200 had been asked",
            engagement=engagement,
            claimed_amount=Decimal(5_400),
            claimed_on=since,
            until=last_day_of_month(cast.month(-5)),
            price_before=Decimal(12_200),
            price_after=Decimal(11_750),
            owner=cast.people["finance"],
        ),
        actor=cast.people["finance"],
    )


def _overbilled_and_recovered(engagement: Engagement, cast: Cast) -> None:
    """A charge that nobody had agreed, found and credited a month later."""
    month = cast.month(3)
    invoice = _bill(
        engagement,
        [_line(engagement, ChargeKind.ONE_OFF, "1840.00", month, "Extra reporting")],
        day=last_day_of_month(month),
        cast=cast,
    )
    match_received()
    for exception in MatchException.objects.filter(invoice=invoice):
        resolve_exception(
            exception=exception,
            resolution=Resolution.CREDIT_NOTE_REQUESTED,
            reason="No change order covers it; the vendor agreed by mail",
            actor=cast.people["admin"],
        )
    back = _line(
        engagement, ChargeKind.CREDIT, "-1840.00", month, "Credit of the above"
    )
    _bill(
        engagement,
        [back],
        day=last_day_of_month(cast.month(2)),
        cast=cast,
        kind=InvoiceKind.CREDIT_NOTE,
        credits=invoice,
    )


def _fee_too_early(engagement: Engagement, cast: Cast) -> None:
    """This month's fee, in advance and already as it will be after a rise."""
    fee = _line(
        engagement, ChargeKind.RECURRING, "30430.32", cast.month(0), "Fee in advance"
    )
    _bill(engagement, [fee], day=cast.today, cast=cast)


def _too_many_hours(engagement: Engagement, cast: Cast) -> None:
    """Nine hours more than were logged so far."""
    hours, hourly = _worked(engagement, cast)
    billed = hours + 9
    _bill(
        engagement,
        [_time(engagement, billed, round_money(billed * hourly, "GBP"), cast)],
        day=cast.today,
        cast=cast,
    )


def _rate_too_high(engagement: Engagement, cast: Cast) -> None:
    """Six in a hundred above the card, for hours that were worked."""
    hours, hourly = _worked(engagement, cast)
    # On the first of a month nothing has been worked yet.
    hours = hours or Decimal("7.5")
    amount = round_money(hours * hourly * Decimal("1.06"), "GBP")
    _bill(
        engagement,
        [_time(engagement, hours, amount, cast)],
        day=cast.today,
        cast=cast,
    )


def _billed_twice(engagement: Engagement, cast: Cast) -> None:
    """Spare parts, as ordered, with a wrong sum, and the same ones once more."""
    for number in range(2):
        parts = _line(
            engagement, ChargeKind.EXPENSE, "486.20", cast.month(1), "Belt rollers"
        )
        parts.quantity, parts.unit = Decimal(12), LineUnit.PIECE
        parts.unit_price = Decimal("38.50")
        _bill(
            engagement,
            [parts],
            day=cast.today - timedelta(days=3 - number),
            cast=cast,
        )


def _worked(engagement: Engagement, cast: Cast) -> tuple[Decimal, Decimal]:
    """Return the hours logged this month, and the price of an hour."""
    logged: Decimal | None = (
        WorkLog.objects.counted()
        .filter(engagement=engagement, worked_on__range=(cast.month(0), cast.today))
        .aggregate(hours=Sum("hours"))["hours"]
    )
    rate = RateTerm.objects.filter(assignment_id=engagement.pk).latest("starts_on")
    return logged or Decimal(0), rate.hourly_rate


def _time(
    engagement: Engagement, hours: Decimal, amount: Decimal, cast: Cast
) -> InvoiceLine:
    line = _line(
        engagement, ChargeKind.TIME, str(amount), cast.month(0), "Hours to date"
    )
    line.period_to, line.hours = cast.today, hours
    return line


def _line(
    engagement: Engagement, kind: ChargeKind, amount: str, month: date, words: str
) -> InvoiceLine:
    return InvoiceLine(
        engagement=engagement,
        charge_kind=kind,
        description=words,
        period_from=month,
        period_to=last_day_of_month(month),
        amount=Decimal(amount),
    )


def _bill(
    engagement: Engagement,
    lines: list[InvoiceLine],
    *,
    day: date,
    cast: Cast,
    kind: InvoiceKind = InvoiceKind.INVOICE,
    credits: Invoice | None = None,
) -> Invoice:
    finance = cast.people["finance"]
    vendor = engagement.vendor
    taken = Invoice.objects.filter(vendor=vendor).count()
    return post_invoice(
        invoice=Invoice(
            vendor=vendor,
            number=f"{vendor.legal_name[:3].upper()}-X{taken + 1:03}",
            kind=kind,
            credits=credits,
            issued_on=day,
            currency=engagement.currency,
            total=sum((line.amount for line in lines), Decimal(0)),
            received_by=finance,
        ),
        lines=lines,
        actor=finance,
    )
