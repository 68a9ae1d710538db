"""Invoices of the demo company's vendors, and payments known from a file only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum

from engagements.choices import ChargeKind, Kind, Origin
from engagements.models import Assignment, Engagement, ManagedContract, Vendor
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
    InvoiceLine,
    InvoiceStatus,
    MonthlySpend,
    Payment,
    WorkLog,
)
from tracker.spend.services.invoices import post_invoice, settle_invoice
from tracker.spend.services.payments import post_payments

PAYMENTS_FILE = "payments-of-the-demo-company.csv"
APPROVAL_TAKES = timedelta(days=9)


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
            status=_status(day, cast.today),
        ),
        lines=lines,
        actor=cast.people["finance"],
    )
    paid_on = day + timedelta(days=cast.vendors[vendor].payment_terms_days)
    if paid_on <= cast.today:
        finance = cast.people["finance"]
        settle_invoice(invoice=invoice, paid_on=paid_on, actor=finance)
    return True


def _status(day: date, today: date) -> InvoiceStatus:
    if day + APPROVAL_TAKES <= today:
        return InvoiceStatus.APPROVED
    return InvoiceStatus.RECEIVED


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
