from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum

from engagements.models import CostCentre, Engagement, RateTerm
from engagements.services.terms import set_cost_split
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_vendor,
)
from tracker.spend.fx import MissingRateError, rate_on
from tracker.spend.models import (
    Invoice,
    InvoiceLine,
    LedgerEntry,
    MonthlySpend,
    Payment,
    WorkLog,
)
from tracker.spend.services import log_work_lines, post_invoice, post_payments

pytestmark = pytest.mark.django_db

JANUARY = (date(2026, 1, 1), date(2026, 1, 31))


def work(
    engagement: Engagement, day: int, hours: str = "7.5", **fields: object
) -> WorkLog:
    """Return an hour line; a draft counts as started."""
    begun(engagement)
    return WorkLog(
        engagement=engagement,
        worked_on=date(2026, 1, day),
        hours=Decimal(hours),
        **fields,
    )


def bill(
    engagement: Engagement,
    amount: str,
    *,
    number: str = "INV-1",
    charge_kind: str = "recurring",
    period: tuple[date, date] = JANUARY,
) -> Invoice:
    begun(engagement)
    return post_invoice(
        invoice=Invoice(
            vendor=engagement.vendor,
            number=number,
            issued_on=period[1],
            currency=engagement.currency,
            total=Decimal(amount),
        ),
        lines=[
            InvoiceLine(
                engagement=engagement,
                charge_kind=charge_kind,
                period_from=period[0],
                period_to=period[1],
                amount=Decimal(amount),
            )
        ],
        actor=None,
    )


def pay(engagement: Engagement, amount: str, key: str = "k1") -> Payment:
    return post_payments(
        payments=[
            Payment(
                engagement=engagement,
                vendor=engagement.vendor,
                paid_on=date(2026, 1, 20),
                amount=Decimal(amount),
                currency=engagement.currency,
                supplier_name="As written",
                source_key=key,
                source_file="payments.csv",
                source_line=2,
                source_run="6f3a8d6e-0000-4000-8000-000000000000",
            )
        ],
        actor=None,
    )[0]


def months(engagement: Engagement) -> dict[str, Decimal]:
    rows = (
        MonthlySpend.objects.filter(engagement=engagement)
        .values_list("month")
        .annotate(total=Sum("reporting_amount"))
        .order_by("month")
    )
    return {f"{month:%Y-%m}": total for month, total in rows}


@pytest.fixture(autouse=True)
def roll_up_equals_ledger() -> object:
    """After every test of this file, recompute the roll-up from the ledger."""
    yield
    keys = (
        *("engagement", "month", "booked_month", "cost_centre"),
        *("charge_kind", "basis"),
    )
    sums = {"a": Sum("amount"), "r": Sum("reporting_amount")}
    recomputed = LedgerEntry.objects.order_by().values_list(*keys).annotate(**sums)
    kept = MonthlySpend.objects.order_by().values_list(*keys).annotate(**sums)
    assert sorted(kept) == sorted(recomputed)


def test_work_is_accrued_at_the_rate_in_force() -> None:
    assignment = make_assignment(rate=Decimal(600))
    log_work_lines(lines=[work(assignment, 5), work(assignment, 6, "4")], actor=None)
    entries = LedgerEntry.objects.filter(engagement=assignment)
    assert [(e.day.day, e.amount, e.basis) for e in entries] == [
        (5, Decimal("600.00"), "accrued"),
        (6, Decimal("320.00"), "accrued"),
    ]


def test_work_of_a_managed_contract_costs_nothing_beyond_its_fee() -> None:
    contract = make_contract()
    log_work_lines(lines=[work(contract, 5, "80")], actor=None)
    assert not LedgerEntry.objects.exists()


def test_work_before_the_first_rate_is_refused_whole() -> None:
    assignment = make_assignment(rate=None, starts_on=date(2026, 1, 1))
    RateTerm.objects.create(
        assignment=assignment, starts_on=date(2026, 1, 10), rate=Decimal(80)
    )
    with pytest.raises(ValidationError, match="no rate in force on 2026-01-09"):
        log_work_lines(lines=[work(assignment, 12), work(assignment, 9)], actor=None)
    assert not WorkLog.objects.exists()


def test_work_line_that_is_wrong_is_named() -> None:
    assignment = make_assignment()
    with pytest.raises(ValidationError, match=r"Line 2: .* a day has 24"):
        log_work_lines(
            lines=[
                work(assignment, 5, contractor=assignment.contractor),
                work(assignment, 6, "25", contractor=assignment.contractor),
            ],
            actor=None,
        )


def test_invoice_takes_the_place_of_accrued_time() -> None:
    assignment = make_assignment(rate=Decimal(600))
    log_work_lines(lines=[work(assignment, 5), work(assignment, 6)], actor=None)
    bill(assignment, "1180.00", charge_kind="time")
    assert months(assignment) == {"2026-01": Decimal("1180.00")}
    assert LedgerEntry.objects.filter(reversal_of__isnull=False).count() == 2


def test_late_work_is_accrued_beside_the_invoice() -> None:
    assignment = make_assignment(rate=Decimal(600))
    bill(assignment, "1180.00", charge_kind="time")
    log_work_lines(lines=[work(assignment, 7)], actor=None)
    assert months(assignment) == {"2026-01": Decimal("1780.00")}


def test_a_quarter_is_posted_month_by_month() -> None:
    contract = make_contract()
    bill(contract, "30000.00", period=(date(2026, 1, 1), date(2026, 3, 31)))
    assert months(contract) == {
        "2026-01": Decimal("10000.00"),
        "2026-02": Decimal("10000.00"),
        "2026-03": Decimal("10000.00"),
    }


def test_a_month_in_part_weighs_its_days() -> None:
    contract = make_contract()
    bill(contract, "15000.00", period=(date(2026, 1, 17), date(2026, 2, 28)))
    # 15 of January's 31 days beside the whole of February.
    assert months(contract) == {
        "2026-01": Decimal("4891.30"),
        "2026-02": Decimal("10108.70"),
    }


def test_a_split_of_thirds_sums_to_the_cent() -> None:
    centres = [make_cost_centre() for _ in range(3)]
    shares = [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    contract = make_contract(cost_shares=dict(zip(centres, shares, strict=True)))
    bill(contract, "100.01")
    amounts = LedgerEntry.objects.order_by("cost_centre").values_list(
        "amount", flat=True
    )
    assert list(amounts) == [Decimal("33.33"), Decimal("33.33"), Decimal("33.35")]


def test_the_split_in_force_on_the_day_is_used() -> None:
    before, after = make_cost_centre(), make_cost_centre()
    contract = make_contract(cost_shares={before: Decimal(100)})
    set_cost_split(
        engagement=contract,
        starts_on=date(2026, 2, 1),
        shares={after: Decimal(100)},
        actor=None,
    )
    bill(contract, "200.00", period=(date(2026, 1, 1), date(2026, 2, 28)))
    centres = LedgerEntry.objects.order_by("day").values_list("cost_centre", flat=True)
    assert list(centres) == [before.pk, after.pk]


def test_spend_without_a_split_is_booked_as_unallocated() -> None:
    bill(make_contract(), "50.00")
    assert LedgerEntry.objects.get().cost_centre.code == CostCentre.UNALLOCATED


def test_another_currency_is_told_in_the_reporting_currency_with_its_rate() -> None:
    contract = make_contract(currency="EUR", vendor=make_vendor(currency="EUR"))
    bill(contract, "1000.00")
    entry = LedgerEntry.objects.get()
    rate = rate_on("EUR", date(2026, 1, 1))
    assert (entry.fx_rate, entry.fx_on, entry.fx_source) == (
        rate.factor,
        date(2025, 12, 31),
        "European Central Bank",
    )
    assert entry.reporting_amount == (1000 * rate.factor).quantize(Decimal("0.01"))


def test_a_currency_without_rates_is_named() -> None:
    with pytest.raises(MissingRateError, match="BAM"):
        rate_on("BAM", date(2026, 1, 5))


def test_invoice_lines_must_sum_to_the_total() -> None:
    contract = make_contract()
    with pytest.raises(ValidationError, match=r"lines sum to 99.00, the total says"):
        post_invoice(
            invoice=Invoice(
                vendor=contract.vendor,
                number="INV-1",
                issued_on=date(2026, 1, 31),
                currency="GBP",
                total=Decimal("100.00"),
            ),
            lines=[
                InvoiceLine(
                    engagement=contract,
                    charge_kind="recurring",
                    period_from=JANUARY[0],
                    period_to=JANUARY[1],
                    amount=Decimal("99.00"),
                )
            ],
            actor=None,
        )
    assert not Invoice.objects.exists()


def test_invoice_number_counts_once_per_vendor_however_it_is_spelled() -> None:
    contract = make_contract()
    bill(contract, "10.00", number="INV-0017", charge_kind="one_off")
    with pytest.raises(ValidationError, match="recorded already"):
        bill(contract, "10.00", number="inv 0017", charge_kind="one_off")


def test_a_second_fee_for_the_same_period_is_refused() -> None:
    contract = make_contract()
    bill(contract, "10.00", number="1")
    with pytest.raises(ValidationError, match="billed already"):
        bill(contract, "10.00", number="2")
    assert LedgerEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("vendor_name", "currency", "message"),
    [
        ("Other Ltd", "GBP", "is with another vendor"),
        ("Same Ltd", "USD", "is in GBP, the invoice in USD"),
    ],
)
def test_invoice_for_another_vendor_or_currency_is_refused(
    vendor_name: str, currency: str, message: str
) -> None:
    vendors = {name: make_vendor(legal_name=name) for name in ("Other Ltd", "Same Ltd")}
    contract = make_contract(vendor=vendors["Same Ltd"])
    with pytest.raises(ValidationError, match=message):
        post_invoice(
            invoice=Invoice(
                vendor=vendors[vendor_name],
                number="1",
                issued_on=date(2026, 1, 31),
                currency=currency,
                total=Decimal(1),
            ),
            lines=[
                InvoiceLine(
                    engagement=contract,
                    charge_kind="one_off",
                    period_from=JANUARY[0],
                    period_to=JANUARY[1],
                    amount=Decimal(1),
                )
            ],
            actor=None,
        )


def test_payments_become_spend_of_the_month_they_were_paid_in() -> None:
    contract = make_contract()
    payment = pay(contract, "-12.34")
    entry = LedgerEntry.objects.get()
    assert (entry.source_type, entry.source_id) == ("payment", payment.pk)
    assert months(contract) == {"2026-01": Decimal("-12.34")}


def test_the_same_payment_is_refused_by_the_database() -> None:
    contract = make_contract()
    pay(contract, "5.00")
    with pytest.raises(IntegrityError), transaction.atomic():
        pay(contract, "5.00")
    assert months(contract) == {"2026-01": Decimal("5.00")}


@pytest.mark.parametrize(
    "statement",
    ["UPDATE tracker_ledgerentry SET amount = 0", "DELETE FROM tracker_ledgerentry"],
)
def test_ledger_refuses_raw_sql(statement: str) -> None:
    bill(make_contract(), "50.00")
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("field", "value", "is_refused"),
    [
        ("amount", Decimal(11), True),
        ("paid_on", date(2026, 1, 21), True),
        ("description", "Other words", True),
        ("description", "", False),
        ("supplier_name", "", False),
    ],
)
def test_a_payment_stays_as_it_was_but_for_a_persons_words(field, value, is_refused):
    payment = pay(make_contract(), "10.00")
    rows = Payment.objects.filter(pk=payment.pk)

    with suppress(IntegrityError), transaction.atomic():
        rows.update(**{field: value})

    assert (getattr(rows.get(), field) == value) != is_refused


def test_a_payment_is_never_deleted():
    pay(make_contract(), "10.00")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Payment.objects.all().delete()


def test_posting_many_payments_takes_a_fixed_number_of_queries(
    django_assert_num_queries: Any,
) -> None:
    contract = make_contract()

    def payments(count: int, start: int) -> list[Payment]:
        return [
            Payment(
                engagement=contract,
                vendor=contract.vendor,
                paid_on=date(2026, 1, 20),
                amount=Decimal("1.00"),
                currency="GBP",
                supplier_name="As written",
                source_key=f"key-{start + n}",
                source_file="payments.csv",
                source_line=n + 2,
                source_run="6f3a8d6e-0000-4000-8000-000000000000",
            )
            for n in range(count)
        ]

    pay(contract, "1.00", key="first")
    # PostgreSQL also takes the lock by which postings and closings wait.
    queries = 14 if connection.vendor == "sqlite" else 15
    for count in (1, 3, 40):
        with django_assert_num_queries(queries):
            post_payments(payments=payments(count, count * 1000), actor=None)


@pytest.mark.parametrize("status", ["draft", "pending_approval", "cancelled"])
def test_invoice_for_what_never_started_is_refused_and_posts_nothing(status: str):
    contract = make_contract(reference="C-1", status=status)
    line = InvoiceLine(
        engagement=contract,
        charge_kind="recurring",
        period_from=JANUARY[0],
        period_to=JANUARY[1],
        amount=Decimal(100),
    )
    invoice = Invoice(
        vendor=contract.vendor,
        number="INV-1",
        issued_on=JANUARY[1],
        currency=contract.currency,
        total=Decimal(100),
    )

    with pytest.raises(ValidationError) as refused:
        post_invoice(invoice=invoice, lines=[line], actor=None)

    (message,) = refused.value.message_dict["engagement"]
    assert message.startswith("Line 1: C-1 is ")
    assert (Invoice.objects.count(), LedgerEntry.objects.count()) == (0, 0)


def test_payment_is_posted_to_an_imported_draft_as_before():
    contract = make_contract(origin="imported")

    pay(contract, "10")

    assert LedgerEntry.objects.count() == 1
