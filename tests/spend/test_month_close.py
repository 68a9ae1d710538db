"""Months closed to postings: who may, in which order, and what the database refuses."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from engagements.choices import Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Event
from tests.factories import make_assignment, make_contract, make_user
from tests.spend.test_ledger import bill, pay, work
from tracker.spend.models import ClosedMonth, LedgerEntry, MonthlySpend
from tracker.spend.services import (
    MonthClosing,
    MonthObstacle,
    close_month,
    log_work_lines,
    month_close,
    month_to_close,
    reopen_month,
    reverse,
    verify_ledger,
)

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


@pytest.fixture(autouse=True)
def checks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The registry, empty for the test."""
    found: list[object] = []
    monkeypatch.setattr(month_close, "_CHECKS", found)
    return found


def entry_like(entry: LedgerEntry, **changed: object) -> LedgerEntry:
    """Return an unsaved copy, as somebody would write who knows no services."""
    fields = {
        field.attname: getattr(entry, field.attname)
        for field in LedgerEntry._meta.concrete_fields
        if field.attname != "id"
    }
    return LedgerEntry(**{**fields, "posting_key": "copied", **changed})


def booked(**where: object) -> list[tuple[date, date, str, Decimal]]:
    rows = LedgerEntry.objects.filter(**where).order_by("id")
    columns = rows.values_list("month", "booked_month", "basis", "amount")
    return [tuple(row) for row in columns]


def test_a_closed_month_takes_no_postings_and_a_late_one_goes_to_the_next(finance):
    contract = make_contract()
    pay(contract, "100.00", key="in time")

    close_month(month=JANUARY, actor=finance)
    pay(contract, "20.00", key="late")

    assert booked() == [
        (JANUARY, JANUARY, "actual", Decimal("100.00")),
        (JANUARY, FEBRUARY, "actual", Decimal("20.00")),
    ]


def test_a_late_posting_goes_past_all_closed_months(finance):
    contract = make_contract()
    close_month(month=JANUARY, actor=finance)
    close_month(month=FEBRUARY, actor=finance)

    pay(contract, "20.00")

    assert booked() == [(JANUARY, MARCH, "actual", Decimal("20.00"))]


def test_a_month_that_is_open_is_booked_in_itself(finance):
    contract = make_contract()
    close_month(month=date(2025, 12, 1), actor=finance)

    pay(contract, "20.00")

    assert booked() == [(JANUARY, JANUARY, "actual", Decimal("20.00"))]


def test_a_late_invoice_reverses_closed_accruals_in_the_open_month(finance):
    assignment = make_assignment(rate=Decimal(600))
    log_work_lines(lines=[work(assignment, 5)], actor=None)
    close_month(month=JANUARY, actor=finance)

    bill(assignment, "620.00", charge_kind="time")

    assert booked() == [
        (JANUARY, JANUARY, "accrued", Decimal(600)),
        (JANUARY, FEBRUARY, "accrued", Decimal(-600)),
        (JANUARY, FEBRUARY, "actual", Decimal(620)),
    ]
    by_booking = MonthlySpend.objects.order_by("booked_month", "basis").values_list(
        "booked_month", "basis", "amount"
    )
    assert list(by_booking) == [
        (JANUARY, "accrued", Decimal(600)),
        (FEBRUARY, "accrued", Decimal(-600)),
        (FEBRUARY, "actual", Decimal(620)),
    ]
    assert verify_ledger().is_exact


def test_a_reversal_of_what_was_booked_late_stays_in_the_open_month(finance):
    contract = make_contract()
    close_month(month=JANUARY, actor=finance)
    pay(contract, "20.00")

    reverse(LedgerEntry.objects.all())

    assert booked(reversal_of__isnull=False) == [
        (JANUARY, FEBRUARY, "actual", Decimal(-20))
    ]


def test_a_reopened_month_takes_postings_again(finance):
    contract = make_contract()
    close_month(month=JANUARY, actor=finance)
    reopen_month(month=JANUARY, reason="An invoice was forgotten", actor=finance)

    pay(contract, "20.00")

    assert booked() == [(JANUARY, JANUARY, "actual", Decimal(20))]
    assert verify_ledger().is_exact


def test_closing_and_reopening_are_told_in_events(finance):
    closed = close_month(month=date(2026, 1, 17), actor=finance)
    reopen_month(month=JANUARY, reason="Forgotten", actor=finance)

    events = Event.objects.filter(subject_type="closedmonth").order_by("id")
    assert [(e.event_type, e.subject_id, e.actor) for e in events] == [
        ("month.closed", closed.pk, finance),
        ("month.reopened", closed.pk, finance),
    ]
    assert events[0].changes["month"] == [None, "2026-01-01"]
    assert events[1].changes["reason"] == [None, "Forgotten"]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AUDITOR, Role.HR_INTEGRATION])
def test_only_finance_and_administrators_close_and_reopen(role, finance):
    other = make_user(role)
    with pytest.raises(NotAllowedError, match="Finance closes"):
        close_month(month=JANUARY, actor=other)

    close_month(month=JANUARY, actor=finance)
    with pytest.raises(NotAllowedError, match="Finance closes"):
        reopen_month(month=JANUARY, reason="Why not", actor=other)
    assert ClosedMonth.objects.last_closed() == JANUARY


def test_months_close_in_order(finance):
    close_month(month=JANUARY, actor=finance)

    for month in (MARCH, JANUARY, date(2025, 12, 1)):
        with pytest.raises(ValidationError, match="next comes February 2026"):
            close_month(month=month, actor=finance)
    assert month_to_close(today=date(2026, 5, 5)) == FEBRUARY


def test_a_month_that_is_not_over_stays_open(finance):
    with pytest.raises(ValidationError, match="is not over yet"):
        close_month(month=timezone.localdate(), actor=finance)


def test_without_a_closed_month_the_last_one_over_comes_next():
    assert month_to_close(today=date(2026, 3, 5)) == FEBRUARY


def test_only_the_last_closed_month_opens_again_and_with_a_reason(finance):
    with pytest.raises(WrongStateError, match="none"):
        reopen_month(month=JANUARY, reason="Forgotten", actor=finance)
    close_month(month=JANUARY, actor=finance)
    close_month(month=FEBRUARY, actor=finance)

    with pytest.raises(WrongStateError, match="February 2026"):
        reopen_month(month=JANUARY, reason="Forgotten", actor=finance)
    with pytest.raises(ValidationError, match="Say why"):
        reopen_month(month=FEBRUARY, reason="  ", actor=finance)
    reopen_month(month=FEBRUARY, reason="Forgotten", actor=finance)
    assert ClosedMonth.objects.last_closed() == JANUARY


def test_a_month_closes_again_after_it_was_reopened(finance):
    close_month(month=JANUARY, actor=finance)
    reopen_month(month=JANUARY, reason="Forgotten", actor=finance)
    close_month(month=JANUARY, actor=finance)

    assert ClosedMonth.objects.count() == 2
    assert ClosedMonth.objects.last_closed() == JANUARY


def test_obstacles_keep_a_month_open_and_are_told_to_who_closes(finance, checks):
    asked: list[MonthClosing] = []

    def two_sheets(closing: MonthClosing) -> list[MonthObstacle]:
        asked.append(closing)
        return [MonthObstacle("2 timesheets are not approved.")]

    month_close.before_closing_month(two_sheets)
    with pytest.raises(
        WrongStateError,
        match=r"^January 2026 can't be closed yet\. 2 timesheets are not approved\.$",
    ):
        close_month(month=JANUARY, actor=finance)

    assert checks == [two_sheets]
    assert asked == [MonthClosing(JANUARY, reader=finance)]
    assert not ClosedMonth.objects.exists()


INSERT = """
INSERT INTO tracker_ledgerentry (
    engagement_id, vendor_id, kind, cost_centre_id, day, month, booked_month,
    charge_kind, basis, amount, currency, fx_rate, fx_on, fx_source, reporting_amount,
    source_type, source_id, posted_at, posting_key)
SELECT engagement_id, vendor_id, kind, cost_centre_id, day, month, booked_month,
    charge_kind, basis, amount, currency, fx_rate, fx_on, fx_source, reporting_amount,
    source_type, source_id, posted_at, 'raw'
  FROM tracker_ledgerentry
"""


def test_the_database_refuses_raw_sql_into_a_closed_month(finance):
    pay(make_contract(), "100.00")
    close_month(month=JANUARY, actor=finance)

    with (
        pytest.raises(IntegrityError, match="is closed: it takes no postings"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(INSERT)
    assert LedgerEntry.objects.count() == 1


def test_the_database_refuses_bulk_create_into_a_closed_month_or_one_before(finance):
    pay(make_contract(), "100.00")
    entry = LedgerEntry.objects.get()
    close_month(month=FEBRUARY, actor=finance)

    for month in (JANUARY, FEBRUARY):
        with (
            pytest.raises(IntegrityError, match="is closed: it takes no postings"),
            transaction.atomic(),
        ):
            LedgerEntry.objects.bulk_create([entry_like(entry, booked_month=month)])
    assert LedgerEntry.objects.count() == 1


def test_a_single_row_of_many_in_a_closed_month_refuses_them_all(finance):
    pay(make_contract(), "100.00")
    entry = LedgerEntry.objects.get()
    close_month(month=JANUARY, actor=finance)
    rows = [
        entry_like(entry, booked_month=FEBRUARY, posting_key="open"),
        entry_like(entry, booked_month=JANUARY, posting_key="closed"),
    ]

    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.bulk_create(rows)
    assert LedgerEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"booked_month": date(2026, 2, 2)}, "booked_month_is_first_day"),
        ({"booked_month": date(2025, 12, 1)}, "not_booked_before_service"),
    ],
)
def test_the_database_refuses_a_booked_month_that_cannot_be(changed, constraint):
    pay(make_contract(), "100.00")
    entry = LedgerEntry.objects.get()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        LedgerEntry.objects.bulk_create([entry_like(entry, **changed)])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tracker_closedmonth",
        "UPDATE tracker_closedmonth SET month = '2026-02-01'",
        "UPDATE tracker_closedmonth SET closed_at = '2026-02-01 00:00:00+00'",
    ],
)
def test_a_closing_is_kept_as_it_was(statement, finance):
    close_month(month=JANUARY, actor=finance)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert ClosedMonth.objects.get().month == JANUARY


def test_a_month_is_reopened_once(finance):
    close_month(month=JANUARY, actor=finance)
    reopen_month(month=JANUARY, reason="Forgotten", actor=finance)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ClosedMonth.objects.update(reason="Something else")


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"month": date(2026, 1, 2)}, "closed_month_is_first_day"),
        ({"reason": "Not reopened"}, "closed_month_reopened_with_reason"),
        ({"reopened_at": timezone.now()}, "closed_month_reopened_with_reason"),
    ],
)
def test_the_database_refuses_a_closing_that_cannot_be(fields, constraint, finance):
    row = ClosedMonth(
        **{
            "month": JANUARY,
            "closed_at": timezone.now(),
            "closed_by": finance,
            **fields,
        }
    )

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ClosedMonth.objects.bulk_create([row])


def test_the_database_refuses_to_close_a_month_twice(finance):
    close_month(month=JANUARY, actor=finance)
    again = ClosedMonth(month=JANUARY, closed_at=timezone.now(), closed_by=finance)

    with pytest.raises(IntegrityError), transaction.atomic():
        ClosedMonth.objects.bulk_create([again])


def test_an_entry_smuggled_into_a_closed_month_is_told(finance):
    pay(make_contract(), "100.00")
    ClosedMonth.objects.bulk_create(
        [
            ClosedMonth(
                month=JANUARY,
                closed_at=timezone.now() - timezone.timedelta(days=1),
                closed_by=finance,
            )
        ]
    )

    [wrong] = verify_ledger().booking_mismatches
    assert (wrong.entry, wrong.booked_month) == (LedgerEntry.objects.get().pk, JANUARY)
