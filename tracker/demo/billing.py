"""Invoices of the demo company's vendors, and payments known from a file only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from engagements.choices import ChargeKind, Kind, Origin
from engagements.models import Assignment, Engagement, ManagedContract, User, Vendor
from engagements.services.engagements import log_managed_contract
from engagements.services.vendors import register_vendor
from engagements.values.money import round_money
from engagements.values.periods import last_day_of_month
from tracker.demo.company import HISTORY_MONTHS
from tracker.demo.founding import Cast, stable_id
from tracker.demo.organisation import SUPPLIERS, Supplier
from tracker.demo.stories import AssignmentStory, ContractStory, PaidStory
from tracker.demo.work import seeded
from tracker.spend.models import (
    Basis,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    MonthlySpend,
    Payment,
    WorkLog,
)
from tracker.spend.services import (
    approve_invoice,
    dispute_invoice,
    draft_invoice,
    mark_matched,
    post_invoice,
    post_payments,
    settle_invoice,
)

PAYMENTS_FILE = "payments-of-the-demo-company.csv"
MATCH_TAKES = timedelta(days=3)
APPROVAL_TAKES = timedelta(days=9)
WHY_DISPUTED = "Bills 12 hours more than were approved; the vendor was asked."


@dataclass(frozen=True)
class Told:
    """A story with its stored engagement."""

    story: ContractStory | AssignmentStory
    engagement: ManagedContract | Assignment

    def is_in_force(self, months_ago: int) -> bool:
        return self.story.starts >= months_ago > (self.story.ended or 0) - 1


def issued_on(supplier: Supplier, month: date) -> date:
    return last_day_of_month(month) + timedelta(days=supplier.invoices_after_days)


def bill_month(told: list[Told], *, issued_in: date, cast: Cast) -> int:
    """Post the invoices issued in a month, up to today; return how many."""
    due = sorted(
        (issued_on(supplier, cast.month(months_ago)), supplier.name, months_ago)
        for supplier in SUPPLIERS
        for months_ago in range(HISTORY_MONTHS + 1)
        if issued_on(supplier, cast.month(months_ago)).replace(day=1) == issued_in
    )
    return sum(
        _bill(told, vendor=name, months_ago=months_ago, day=day, cast=cast)
        for day, name, months_ago in due
        if day <= cast.today
    )


def _bill(
    told: list[Told], *, vendor: str, months_ago: int, day: date, cast: Cast
) -> bool:
    lines = [
        line
        for one in told
        if one.story.vendor == vendor and one.is_in_force(months_ago)
        for line in _lines(one, months_ago, cast)
    ]
    if not lines:
        return False
    invoice = post_invoice(
        invoice=Invoice(
            vendor=cast.vendors[vendor],
            number=f"{vendor[:3].upper()}-{cast.month(months_ago):%Y%m}",
            issued_on=day,
            currency=lines[0].engagement.currency,
            total=sum((line.amount for line in lines), Decimal(0)),
            received_on=day,
            due_on=day + timedelta(days=cast.vendors[vendor].payment_terms_days),
        ),
        lines=lines,
        actor=cast.people["admin"],
    )
    _bring_to_today(invoice, cast)
    return True


def _bring_to_today(invoice: Invoice, cast: Cast) -> None:
    """Match, approve and pay what has come so far; the newest waits."""
    finance = cast.people["finance"]
    if invoice.issued_on + MATCH_TAKES > cast.today:
        return
    mark_matched(invoice=invoice, actor=None)
    if invoice.issued_on + APPROVAL_TAKES > cast.today:
        return
    approve_invoice(
        invoice=invoice,
        approved_at=_noon(invoice.issued_on + APPROVAL_TAKES),
        actor=finance,
    )
    if invoice.due_on is not None and invoice.due_on <= cast.today:
        settle_invoice(invoice=invoice, paid_on=invoice.due_on, actor=finance)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=timezone.get_current_timezone())


def show_other_states(cast: Cast) -> None:
    """Leave a dispute, a credit note and a draft, as every desk has some."""
    finance, admin = cast.people["finance"], cast.people["admin"]
    newest = Invoice.objects.filter(kind=InvoiceKind.INVOICE).order_by("-issued_on")
    disputed = newest.filter(status=InvoiceStatus.MATCHED).first()
    if disputed is not None:
        dispute_invoice(invoice=disputed, reason=WHY_DISPUTED, actor=finance)
    paid = newest.filter(status=InvoiceStatus.PAID, total__gt=1000).first()
    if paid is not None:
        _credit(paid, cast, admin)
    approved = newest.filter(status=InvoiceStatus.APPROVED).first()
    if approved is not None:
        _draft_next(approved, cast, admin)


def _credit(paid: Invoice, cast: Cast, actor: User) -> None:
    billed = paid.lines.select_related("engagement").order_by("-amount")[0]
    line = InvoiceLine(
        engagement=billed.engagement,
        charge_kind=billed.charge_kind,
        description="Billed twice by mistake",
        period_from=billed.period_from,
        period_to=billed.period_to,
        amount=Decimal(-180),
    )
    note = Invoice(
        vendor=paid.vendor,
        number=f"{paid.number}-C1",
        kind=InvoiceKind.CREDIT_NOTE,
        credits=paid,
        issued_on=cast.today,
        currency=paid.currency,
        total=line.amount,
    )
    post_invoice(invoice=note, lines=[line], actor=actor)


def _draft_next(latest: Invoice, cast: Cast, actor: User) -> None:
    billed = latest.lines.select_related("engagement").order_by("number")[0]
    line = InvoiceLine(
        engagement=billed.engagement,
        charge_kind=ChargeKind.EXPENSE,
        description="Travel to the data centre",
        period_from=cast.today.replace(day=1),
        period_to=cast.today,
        amount=Decimal("214.60"),
    )
    draft = Invoice(
        vendor=latest.vendor,
        number=f"{latest.number}-X",
        issued_on=cast.today,
        currency=latest.currency,
        total=line.amount,
    )
    draft_invoice(invoice=draft, lines=[line], actor=actor)


def _lines(one: Told, months_ago: int, cast: Cast) -> Iterator[InvoiceLine]:
    month = cast.month(months_ago)
    if isinstance(one.story, ContractStory):
        charges = _contract_charges(one.story, months_ago)
    else:
        charges = _time_charge(one.engagement, month)
    for kind, description, amount, hours in charges:
        yield InvoiceLine(
            engagement=one.engagement,
            charge_kind=kind,
            description=description,
            period_from=month,
            period_to=last_day_of_month(month),
            hours=hours,
            amount=amount,
        )


Charge = tuple[ChargeKind, str, Decimal, Decimal | None]


def _contract_charges(story: ContractStory, months_ago: int) -> Iterator[Charge]:
    fee = [price for price in story.prices if price.months_ago >= months_ago][-1]
    yield ChargeKind.RECURRING, f"{story.title}: monthly fee", Decimal(fee.amount), None
    for change in story.changes:
        if change.months_ago == months_ago:
            yield ChargeKind.ONE_OFF, change.reason, Decimal(change.amount), None
    for credited, amount in story.credits:
        if credited == months_ago:
            yield ChargeKind.CREDIT, "Service credit", -Decimal(amount), None


def _time_charge(engagement: Engagement, month: date) -> Iterator[Charge]:
    """Bill what is accrued; a month without work gives no line."""
    accrued = MonthlySpend.objects.filter(
        engagement=engagement,
        month=month,
        charge_kind=ChargeKind.TIME,
        basis=Basis.ACCRUED,
    ).aggregate(total=Sum("amount"))["total"]
    if accrued:
        logged = WorkLog.objects.counted().filter(
            engagement=engagement, worked_on__range=(month, last_day_of_month(month))
        )
        hours = logged.aggregate(total=Sum("hours"))["total"]
        yield ChargeKind.TIME, "Hours as logged", accrued, hours


def post_known_payments(story: PaidStory, *, months: int, cast: Cast) -> None:
    """Store a draft engagement and its payments, as an import would leave them."""
    finance = cast.people["finance"]
    vendor = register_vendor(
        vendor=Vendor(
            public_id=stable_id("vendor", story.vendor), legal_name=story.vendor
        ),
        actor=finance,
    )
    contract = log_managed_contract(
        contract=ManagedContract(
            public_id=stable_id("engagement", story.title),
            title=story.title,
            kind=Kind.MANAGED,
            vendor=vendor,
            department=cast.units[story.unit],
            starts_on=cast.month(months),
            origin=Origin.IMPORTED,
        ),
        actor=finance,
    )
    payments = _payments(story, contract, months, cast)
    post_payments(payments=payments, actor=finance)


def _payments(
    story: PaidStory, contract: ManagedContract, months: int, cast: Cast
) -> list[Payment]:
    rng = seeded(story.title)
    run = stable_id("import", PAYMENTS_FILE)
    return [
        Payment(
            engagement=contract,
            vendor=contract.vendor,
            paid_on=cast.month(months_ago) + timedelta(days=rng.randint(3, 24)),
            amount=round_money(
                Decimal(story.monthly) * Decimal(rng.randint(70, 135)) / 100, "GBP"
            ),
            currency="GBP",
            description=story.category,
            unit=contract.department.name if contract.department else "",
            category=story.category,
            supplier_name=story.vendor.upper(),
            source_key=f"demo:{story.title}:{months_ago}",
            source_file=PAYMENTS_FILE,
            source_line=2 + months - months_ago,
            source_run=run,
        )
        for months_ago in range(months, 0, -1)
    ]
