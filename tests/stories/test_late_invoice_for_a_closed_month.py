"""January is closed when the contractor's invoice for it comes.

| | booked in January | booked in February | of January's service |
| --- | ---: | ---: | ---: |
| fee, billed in time | 3,100.00 | | 3,100.00 |
| five days accrued at 600.00 | 3,000.00 | -3,000.00 | 0.00 |
| invoice for the five days | | 3,150.00 | 3,150.00 |
| together | 6,100.00 | 150.00 | 6,250.00 |

What January's report said stays as it was; February takes the difference; and whoever
asks what January's service cost learns all of it.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import Sum

from engagements.choices import Role
from engagements.models import Assignment, User
from tests.factories import make_assignment, make_contract, make_user
from tests.spend.test_ledger import bill, work
from tracker.spend.models import LedgerEntry, MonthlySpend
from tracker.spend.queries import SpendWhere, spend_overview
from tracker.spend.services import (
    close_month,
    log_work_lines,
    refresh_totals,
    reopen_month,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_hinders")]

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


@pytest.fixture
def finance() -> User:
    return make_user(Role.FINANCE)


@pytest.fixture
def contractor(finance: User) -> Assignment:
    """January, closed: a fee billed in time, and five days not billed."""
    bill(make_contract(), "3100.00", number="FEE-1")
    assignment = make_assignment(rate=Decimal(600))
    days = [work(assignment, day) for day in (5, 6, 7, 8, 9)]
    log_work_lines(lines=days, actor=None)
    close_month(month=JANUARY, actor=finance)
    return assignment


def by_booking(reader: User) -> dict[date, Decimal]:
    found = spend_overview(reader, SpendWhere())
    return {month.month: month.parts.total for month in found.months}


def by_service() -> dict[date, Decimal]:
    sums = MonthlySpend.objects.order_by().values_list("month")
    return dict(sums.annotate(sum=Sum("reporting_amount")))


@pytest.mark.parametrize("derive", [lambda: None, refresh_totals])
def test_what_january_said_stays_and_february_takes_the_difference(
    contractor: Assignment, finance: User, derive: Callable[[], object]
):
    derive()
    assert by_booking(finance) == {JANUARY: Decimal("6100.00")}

    bill(contractor, "3150.00", number="LATE-1", charge_kind="time")

    derive()
    assert by_booking(finance) == {
        JANUARY: Decimal("6100.00"),
        FEBRUARY: Decimal("150.00"),
    }
    assert by_service() == {JANUARY: Decimal("6250.00")}


def test_the_late_entries_keep_their_month_of_service(contractor: Assignment):
    bill(contractor, "3150.00", number="LATE-1", charge_kind="time")

    late = LedgerEntry.objects.filter(booked_month=FEBRUARY)
    assert set(late.values_list("month", flat=True)) == {JANUARY}
    assert late.aggregate(sum=Sum("amount"))["sum"] == Decimal("150.00")


def test_a_credit_note_for_the_late_invoice_is_booked_in_the_open_month_too(
    contractor: Assignment, finance: User
):
    bill(contractor, "3150.00", number="LATE-1", charge_kind="time")
    bill(contractor, "-150.00", number="CN-1", charge_kind="credit")

    assert by_booking(finance)[FEBRUARY] == Decimal("0.00")
    assert by_service() == {JANUARY: Decimal("6100.00")}


def test_once_january_is_opened_again_it_takes_its_invoice_itself(
    contractor: Assignment, finance: User
):
    reopen_month(month=JANUARY, reason="The auditors ask for it", actor=finance)

    bill(contractor, "3150.00", number="LATE-1", charge_kind="time")

    assert by_booking(finance) == {JANUARY: Decimal("6250.00")}


def test_the_books_are_exact_all_the_same(contractor: Assignment):
    bill(contractor, "3150.00", number="LATE-1", charge_kind="time")
    told = StringIO()

    call_command("verify_ledger", stdout=told)

    assert told.getvalue().endswith("Everything agrees, to the cent.\n")
