"""Month ends of engagements, told to the cent."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db.models import Sum

from engagements.choices import ChargeKind, Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Engagement, FeeTerm
from engagements.services.terms import amend_fee
from tests.factories import begun, make_contract, make_user
from tests.spend.billing import bill
from tests.spend.bills import bill_lines, time
from tests.spend.sheets import begin, line, make_team
from tracker.spend.models import (
    Accrual,
    Basis,
    MonthlySpend,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.services import (
    accrue,
    approve_invoice,
    approve_timesheet,
    enter_hours,
    match_received,
    reject_timesheet,
    submit_timesheet,
    verify_ledger,
)

pytestmark = pytest.mark.django_db

JUNE, JULY, AUGUST = (date(2026, month, 1) for month in (6, 7, 8))


def at(day: str) -> time_machine.travel:
    return time_machine.travel(f"{day}T09:00Z", tick=False)


def close_of(month: date, today: date) -> Accrual:
    accrue(month=month, today=today, actor=None)
    found: Accrual = Accrual.objects.filter(month=month).latest_revisions().get()
    return found


def spend_of(engagement: Engagement, month: date, *bases: Basis) -> Decimal:
    rows = MonthlySpend.objects.filter(
        engagement_id=engagement.pk, month=month, basis__in=bases or Basis.values
    )
    return rows.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def pay(
    engagement: Engagement, month: date, amount: str, kind: ChargeKind, **fields: Any
) -> None:
    """Post an invoice of one line over the amount, for the month unless told."""
    bill(engagement, month, kind=kind, amount=Decimal(amount), **fields)


def test_month_of_31_days_with_a_fee_that_changes_on_the_17th():
    # Ten years of agreements change fees in the middle of months.
    with at("2026-06-20"):
        contract = begun(make_contract(fee=Decimal("10000"), starts_on=JULY))
        amend_fee(
            term=FeeTerm(
                contract=contract, starts_on=date(2026, 7, 17), monthly_fee="12500"
            ),
            actor=None,
        )
    with at("2026-08-01"):
        july = close_of(JULY, date(2026, 8, 1))

    # 10,000 x 16/31 = 5,161.29 and 12,500 x 15/31 = 6,048.39; together 11,209.68.
    assert july.accrual == Decimal("11209.68")
    assert spend_of(contract, JULY) == Decimal("11209.68")
    fees = july.explanation["net"]["parts"][0]["parts"][0]["parts"]
    assert [(fee["amount"], fee["facts"]["days"]) for fee in fees] == [
        ("5161.29", "16"),
        ("6048.39", "15"),
    ]

    with at("2026-08-10"):
        pay(contract, JULY, "11209.68", ChargeKind.RECURRING)

    # The invoice takes the accrual's place at once, in the month of service.
    assert spend_of(contract, JULY, Basis.ACTUAL) == Decimal("11209.68")
    assert spend_of(contract, JULY, Basis.ACCRUED) == 0
    with at("2026-09-01"):
        august = close_of(AUGUST, date(2026, 9, 1))
    assert (august.accrual, august.prepayment) == (Decimal("12500"), 0)
    assert verify_ledger().is_exact


def worked(days: Iterable[int], hours: str = "8", **fields: Any) -> list[WorkLog]:
    """Return lines of the working days among these days of July."""
    found = (date(2026, 7, day) for day in days)
    return [line(day, hours, **fields) for day in found if day.weekday() < 5]


def test_contractor_with_a_rate_change_overtime_and_a_late_sheet():
    contractor, manager, colleague = make_team(
        starts_on=JULY, planned_weekly_hours=Decimal(40)
    )
    contractor.rate_terms.all().delete()
    for day, rate in ((JULY, "64.50"), (date(2026, 7, 16), "70.25")):
        contractor.rate_terms.create(
            starts_on=day,
            rate=Decimal(rate),
            unit="hour",
            overtime_multiplier=Decimal("1.5"),
        )

    def sheet_of(monday: date, lines: list[WorkLog]) -> Timesheet:
        sheet = begin(contractor, monday, actor=manager)
        enter_hours(timesheet=sheet, lines=lines, actor=manager)
        return submit_timesheet(timesheet=sheet, actor=manager)

    with at("2026-08-01"):
        # Weeks of July but the last, whose sheet is late; three hours of overtime.
        overtime = worked([20], "3", is_overtime=True)
        for monday, lines in (
            (date(2026, 6, 29), worked(range(1, 4))),
            (date(2026, 7, 6), worked(range(6, 11))),
            (date(2026, 7, 13), worked(range(13, 18))),
            (date(2026, 7, 20), [*worked(range(20, 25)), *overtime]),
        ):
            sheet = sheet_of(monday, lines)
            with pytest.raises(NotAllowedError):
                approve_timesheet(timesheet=sheet, actor=manager)
            approve_timesheet(timesheet=sheet, actor=colleague)
        july = close_of(JULY, date(2026, 8, 1))

    # 11 days x 8 h x 64.50 = 5,676.00; 7 days x 8 h x 70.25 = 3,934.00;
    # 3 h x 70.25 x 1.5 = 316.125, rounded up; the week of 27 July is estimated:
    # 5 days x 8 h x 70.25 = 2,810.00.
    agreed, estimated = Decimal("9926.13"), Decimal("2810.00")
    assert july.estimated == estimated
    assert july.accrual == agreed + estimated
    assert spend_of(contractor, JULY, Basis.ACCRUED) == july.accrual

    with at("2026-08-05"):
        # It comes with a day less than planned: 4 days x 8 h x 70.25.
        last = sheet_of(date(2026, 7, 27), [*worked(range(27, 31)), *worked([31], "0")])
    assert spend_of(contractor, JULY) == agreed + Decimal("2248.00")
    assert Accrual.objects.get().accrual == july.accrual

    with at("2026-08-06"):
        reason = "The morning of the 31st was worked."
        last = reject_timesheet(timesheet=last, reason=reason, actor=colleague)
    assert spend_of(contractor, JULY) == agreed

    with at("2026-08-07"):
        lines = [*worked(range(27, 31)), *worked([31], "4")]
        enter_hours(timesheet=last, lines=lines, actor=manager)
        submit_timesheet(timesheet=last, actor=manager)
        approve_timesheet(timesheet=last, actor=colleague)
    # 36 h x 70.25 = 2,529.00.
    assert spend_of(contractor, JULY) == Decimal("12455.13")

    with at("2026-08-20"):
        # 88 h and 92 h at the two rates, and 3 h of overtime.
        invoice = bill_lines(time(contractor, "12455.13", "183", JULY))
        match_received()
        approve_invoice(invoice=invoice, actor=make_user(Role.FINANCE))
    assert spend_of(contractor, JULY, Basis.ACTUAL) == Decimal("12455.13")
    assert spend_of(contractor, JULY, Basis.ACCRUED) == 0
    statuses = Timesheet.objects.values_list("status", flat=True)
    assert list(statuses) == [TimesheetStatus.INVOICED] * 5
    with pytest.raises(WrongStateError):
        enter_hours(timesheet=last, lines=[], actor=manager)

    with at("2026-08-21"):
        settled = close_of(JULY, date(2026, 8, 21))
    assert (settled.revision, settled.accrual, settled.prepayment) == (2, 0, 0)
    assert verify_ledger().is_exact


def test_fee_paid_a_quarter_ahead_is_a_prepayment():
    with at("2026-06-20"):
        contract = begun(make_contract(fee=Decimal("1000.01"), starts_on=JULY))
    with at("2026-07-03"):
        pay(
            contract,
            JULY,
            "3000.03",
            ChargeKind.RECURRING,
            last=date(2026, 9, 30),
        )
    with at("2026-08-01"):
        july = close_of(JULY, date(2026, 8, 1))

    assert (july.accrual, july.prepayment) == (0, Decimal("2000.02"))
    assert [part["facts"]["month"] for part in july.explanation["ahead"]["parts"]] == [
        "2026-08-01",
        "2026-09-01",
    ]
    # Each month bears its own fee, whenever it was paid.
    assert spend_of(contract, JULY) == Decimal("1000.01")

    with at("2026-10-01"):
        september = close_of(date(2026, 9, 1), date(2026, 10, 1))
    assert (september.accrual, september.prepayment) == (0, 0)
