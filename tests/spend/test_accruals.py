"""Month ends as they are stored and posted."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from engagements.choices import ChargeKind, Role, Status
from engagements.models import Charge, Engagement, Event
from engagements.services.commitment import position
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_user,
    settle,
    stored,
)
from tests.spend.billing import bill
from tracker.spend.accrual import AgreedCredit
from tracker.spend.credits_agreed import credits_agreed
from tracker.spend.models import (
    Accrual,
    Basis,
    LedgerEntry,
    MonthlySpend,
    SourceType,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.outlook import standing_of
from tracker.spend.services import (
    AccrualRun,
    MonthClosedError,
    MonthNotOverError,
    accrue,
    close_month,
    log_work,
    verify_ledger,
)

pytestmark = pytest.mark.django_db

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)
TODAY = date(2026, 8, 20)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(f"{TODAY}T09:00Z", tick=False):
        yield


@pytest.fixture
def contract():
    return begun(make_contract(fee=Decimal(3100), starts_on=JULY))


def reckon(month: date = JULY, *, is_trial: bool = False) -> AccrualRun:
    return accrue(month=month, today=TODAY, is_trial=is_trial, actor=None)


def accrued(engagement: Engagement, month: date = JULY) -> Decimal:
    rows = MonthlySpend.objects.filter(
        engagement_id=engagement.pk, month=month, basis=Basis.ACCRUED
    )
    return rows.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def test_accrual_is_kept_posted_and_told(contract):
    run = reckon()

    assert (run.changed, run.entries, run.accrued) == (1, 1, Decimal(3100))
    entry = LedgerEntry.objects.get()
    statement = Accrual.objects.get()
    assert (entry.source_type, entry.source_id) == ("accrual", statement.pk)
    assert (entry.month, entry.charge_kind) == (JULY, "recurring")
    event = Event.objects.get(event_type="engagement.accrued")
    assert event.engagement_id == contract.pk


def test_accrual_repeated_changes_nothing(contract):
    reckon()

    again = reckon()

    assert (again.changed, again.entries) == (0, 0)
    assert (Accrual.objects.count(), LedgerEntry.objects.count()) == (1, 1)


def test_trial_stores_nothing(contract):
    run = reckon(is_trial=True)

    assert run.accrued == Decimal(3100)
    assert not Accrual.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_month_that_is_not_over_is_refused(contract):
    with pytest.raises(MonthNotOverError):
        reckon(AUGUST)


def test_closed_month_stays_as_it_was(contract):
    reckon()
    close_month(month=JULY, actor=make_user(Role.FINANCE))

    with pytest.raises(MonthClosedError):
        reckon()


def test_invoice_for_a_closed_month_reverses_its_accrual_in_the_next(contract):
    reckon()
    close_month(month=JULY, actor=make_user(Role.FINANCE))

    bill(contract, JULY, amount=Decimal(3100), total=Decimal(3100))

    rows = LedgerEntry.objects.order_by("pk")
    told = [(row.basis, row.booked_month, row.month, row.amount) for row in rows]
    assert told == [
        ("accrued", JULY, JULY, Decimal(3100)),
        ("actual", AUGUST, JULY, Decimal(3100)),
        ("accrued", AUGUST, JULY, Decimal(-3100)),
    ]
    assert verify_ledger().is_exact


def test_invoice_of_half_the_month_leaves_the_other_half(contract):
    reckon()

    bill(
        contract,
        JULY,
        date(2026, 7, 10),
        amount=Decimal(1000),
        total=Decimal(1000),
    )

    assert accrued(contract) == Decimal(2100)
    assert Accrual.objects.get().accrual == Decimal(3100)


def test_draft_owes_nothing():
    make_contract(starts_on=JULY)

    assert reckon().rows == []


def test_what_was_recorded_late_was_billed_elsewhere_until_then():
    contract = begun(make_contract(fee=Decimal(3100), starts_on=date(2026, 1, 1)))
    Engagement.objects.filter(pk=contract.pk).update(created_at="2026-07-14T08:00Z")

    assert reckon().rows[0].accrual == Decimal(3100)


def test_settlement_takes_back_what_was_accrued(contract):
    reckon()
    settle(contract, make_user(Role.FINANCE))

    reckon()

    assert accrued(contract) == 0
    assert Accrual.objects.latest_revisions().get().settled == Decimal(3100)


def test_hours_in_the_ledger_are_not_accrued_twice():
    assignment = begun(make_assignment(rate=Decimal(600), starts_on=JULY))
    for day in (6, 13, 20, 27):
        log_work(
            line=WorkLog(
                engagement=assignment,
                contractor=assignment.contractor,
                worked_on=date(2026, 7, day),
                hours=Decimal("7.5"),
            ),
            actor=None,
        )

    run = reckon()

    # Four days of work, and 1 to 3 July without any word.
    assert run.rows[0].accrual == Decimal(2400 + 1800)
    assert accrued(assignment) == Decimal(4200)
    extra = LedgerEntry.objects.filter(source_type=SourceType.ACCRUAL)
    assert [row.amount for row in extra] == [Decimal(1800)]


@pytest.mark.parametrize(
    ("status", "accrual"),
    [
        (TimesheetStatus.DRAFT, 23 * 600),
        (TimesheetStatus.SUBMITTED, 0),
        (TimesheetStatus.APPROVED, 0),
    ],
)
def test_sheet_of_nothing_counts_once_it_is_sent_in(status, accrual):
    assignment = begun(make_assignment(rate=Decimal(600), starts_on=JULY))
    sheet = Timesheet.objects.create(
        engagement=assignment,
        contractor=assignment.contractor,
        starts_on=JULY,
        ends_on=date(2026, 7, 31),
    )
    WorkLog.objects.bulk_create(
        WorkLog(
            engagement=assignment,
            contractor=assignment.contractor,
            timesheet=sheet,
            worked_on=date(2026, 7, day),
            hours=Decimal(0),
        )
        for day in range(1, 32)
    )
    Timesheet.objects.update(status=status, submitted_at=timezone.now())

    assert sum(row.accrual for row in reckon().rows) == accrual


def test_milestone_is_accrued_once_accepted(contract):
    milestone = Charge.objects.create(
        engagement=contract,
        charge_kind=ChargeKind.MILESTONE,
        description="Go-live",
        amount=Decimal(500),
    )
    reckon()
    assert accrued(contract) == Decimal(3100)

    Charge.objects.filter(pk=milestone.pk).update(accepted_on=date(2026, 7, 15))
    reckon()

    assert accrued(contract) == Decimal(3600)


def test_agreed_credit_lowers_the_statement_alone(contract, monkeypatch):
    credit = {contract.pk: [AgreedCredit("2026-06", Decimal(100), 1)]}
    monkeypatch.setattr(
        "tracker.spend.credits_agreed._SOURCES", [lambda engagements: credit]
    )
    assert credits_agreed([contract.pk]) == credit

    reckon()

    # The ledger holds the credit by itself, since it was agreed.
    assert Accrual.objects.get().accrual == Decimal(3000)
    assert accrued(contract) == Decimal(3100)


def test_engagement_without_a_rate_is_told_and_left_out(contract):
    other = begun(make_contract(currency="XAF", starts_on=JULY))

    run = reckon()

    assert list(run.refused) == [other.reference]
    assert [row.reference for row in run.rows] == [contract.reference]


@pytest.mark.parametrize("count", [1, 3, 30])
def test_accruing_takes_a_fixed_number_of_queries(count, django_assert_num_queries):
    for _ in range(count):
        begun(make_contract(starts_on=JULY))
    # PostgreSQL also takes, twice, the lock by which postings and closings wait.
    queries = 37 if connection.vendor == "sqlite" else 39

    with django_assert_num_queries(queries):
        reckon()


def test_statement_never_changes(contract):
    reckon()
    statement = Accrual.objects.get()

    for change in (
        lambda: Accrual.objects.filter(pk=statement.pk).update(accrual=1),
        lambda: Accrual.objects.filter(pk=statement.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"revision": 1}, "revision"),
        ({"month": date(2026, 7, 2)}, "accrual_month_is_first_day"),
        ({"currency": "GB"}, "accrual_currency_code"),
        ({"prepayment": Decimal(-1)}, "accrual_not_negative"),
        ({"accrual": Decimal(1)}, "accrual_is_what_it_says"),
        ({"fx_rate": Decimal(0)}, "accrual_rate_positive"),
    ],
)
def test_database_refuses_a_statement_that_cannot_be(contract, fields, constraint):
    reckon()
    row = Accrual.objects.get()
    row.pk, row.revision = None, 2
    for name, value in fields.items():
        setattr(row, name, value)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Accrual.objects.bulk_create([row])


def test_command_tells_and_refuses(contract, capsys):
    call_command("accrue", "--month", "2026-07", "--dry-run")
    assert "accrual 3100.00 GBP" in capsys.readouterr().out
    assert not Accrual.objects.exists()

    call_command("accrue", "--json")
    assert '"month": "2026-07"' in capsys.readouterr().out
    assert Accrual.objects.count() == 1

    with pytest.raises(CommandError, match="isn't over yet"):
        call_command("accrue", "--month", "2026-08")


@pytest.mark.parametrize("make", [make_contract, make_assignment])
def test_commitment_is_the_one_number_told_elsewhere(make):
    engagement = begun(make(starts_on=JULY, ends_on=date(2027, 6, 30), notice_period=3))
    Engagement.objects.filter(pk=engagement.pk).update(
        status=Status.ACTIVE, notice_unit="months"
    )
    found = standing_of(stored(engagement), today=TODAY)

    assert found is not None
    assert found.commitment is not None
    known = position(engagement=stored(engagement), as_of=TODAY)
    assert found.commitment.amount == known.committed
    assert found.commitment.until == known.committed_until_on
