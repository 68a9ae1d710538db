"""The ledger verified: what agrees, and each way in which it may not."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from engagements.choices import CreditScheme
from engagements.models import CostSplitShare, Event
from engagements.models.guards import lifted
from engagements.services.terms import change_line, remove_line
from tests.conftest import check_roll_ups
from tests.factories import begun, make_assignment, make_contract, make_cost_centre
from tests.spend.test_ledger import bill, pay, work
from tests.unguarded import unguarded
from tracker.jobs.models import JobRun
from tracker.performance.models import Credit, CreditState
from tracker.spend.models import (
    InvoiceLine,
    LedgerEntry,
    MonthlySpend,
    MonthTotal,
    Payment,
    WorkLog,
)
from tracker.spend.services import (
    LedgerMismatchError,
    log_work_lines,
    refresh_totals,
    reverse,
    verify_ledger,
)
from tracker.spend.services.verification import (
    ReversalMismatch,
    RollUpMismatch,
    SourceMismatch,
    SplitMismatch,
    UnknownSource,
    UnpostedWork,
)
from tracker.tasks import verify_ledger as verify_ledger_task

pytestmark = pytest.mark.django_db

JANUARY = date(2026, 1, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def contract():
    """Billed 1,000 for January, in halves."""
    first, second = make_cost_centre(code="A"), make_cost_centre(code="B")
    split = {first: Decimal(50), second: Decimal(50)}
    contract = make_contract(cost_shares=split)
    bill(contract, "1000.00")
    return contract


def report() -> dict[str, Any]:
    """Return what the command prints as JSON, whether or not it then fails."""
    out = StringIO()
    with suppress(CommandError):
        call_command("verify_ledger", "--json", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_an_empty_ledger_is_exact():
    found = verify_ledger()

    assert (found.entries, found.roll_ups, found.total) == (0, 0, Decimal(0))
    assert found.is_exact


def test_work_billed_and_paid_is_exact(contract):
    assignment = make_assignment(rate=Decimal(600))
    log_work_lines(lines=[work(assignment, 5), work(assignment, 6, "4")], actor=None)
    bill(assignment, "920.00", number="T-1", charge_kind="time")
    pay(contract, "33.33")

    found = verify_ledger()

    # Two halves of the fee, two days and their reversals, the bill, the payment.
    assert (found.entries, found.documents) == (8 + 1, 3)
    assert found.total == Decimal("1953.33")
    assert found.is_exact


@pytest.mark.roll_ups_differ
def test_a_roll_up_that_differs_is_told_with_both_figures(contract):
    MonthlySpend.objects.filter(cost_centre__code="B").update(
        amount=F("amount") + F("amount")
    )

    assert verify_ledger().roll_up_mismatches == [
        RollUpMismatch(
            engagement=contract.reference,
            month=date(2026, 1, 1),
            booked_month=date(2026, 1, 1),
            cost_centre="B",
            charge_kind="recurring",
            basis="actual",
            ledger=Decimal(500),
            roll_up=Decimal(1000),
            ledger_reporting=Decimal(500),
            roll_up_reporting=Decimal(500),
        )
    ]


@pytest.mark.roll_ups_differ
def test_a_roll_up_too_many_and_one_too_few_are_told(contract):
    row = MonthlySpend.objects.get(cost_centre__code="A")
    MonthlySpend.objects.filter(pk=row.pk).update(month=date(2026, 2, 1))

    found = verify_ledger().roll_up_mismatches

    assert [(m.month.month, m.ledger, m.roll_up) for m in found] == [
        (1, Decimal(500), Decimal(0)),
        (2, Decimal(0), Decimal(500)),
    ]


@pytest.mark.roll_ups_differ
def test_a_document_that_the_ledger_holds_otherwise_is_told(contract):
    pay(contract, "10.00")
    line = InvoiceLine.objects.get()
    with lifted(connection):
        LedgerEntry.objects.filter(source_type="invoice_line").delete()
        LedgerEntry.objects.filter(source_type="payment").update(amount=Decimal(11))

    assert verify_ledger().source_mismatches == [
        SourceMismatch("invoice_line", line.pk, Decimal(1000), Decimal(0)),
        SourceMismatch("payment", Payment.objects.get().pk, Decimal(10), Decimal(22)),
    ]


@pytest.mark.roll_ups_differ
def test_a_reversal_that_is_no_opposite_is_told():
    assignment = make_assignment(rate=Decimal(600))
    log_work_lines(lines=[work(assignment, 5)], actor=None)
    bill(assignment, "600.00", charge_kind="time")
    reversal = LedgerEntry.objects.get(reversal_of__isnull=False)
    with lifted(connection):
        LedgerEntry.objects.filter(pk=reversal.pk).update(
            reporting_amount=Decimal(-599)
        )

    assert verify_ledger().reversal_mismatches == [
        ReversalMismatch(reversal.pk, reversal.reversal_of_id)
    ]


def test_an_entry_without_its_document_is_told():
    assignment = make_assignment(rate=Decimal(600))
    log_work_lines(lines=[work(assignment, 5), work(assignment, 6)], actor=None)
    gone, moved = WorkLog.objects.order_by("pk")
    with unguarded("tracker_worklog"):
        WorkLog.objects.filter(pk=gone.pk).delete()
        WorkLog.objects.filter(pk=moved.pk).update(worked_on=date(2026, 1, 7))

    found = verify_ledger()

    entries = dict(LedgerEntry.objects.values_list("source_id", "pk"))
    assert found.unknown_sources == [
        UnknownSource(entries[one.pk], "work_log", one.pk) for one in (gone, moved)
    ]
    assert [line.partition(",")[0] for line in told_by_command()] == [
        f"  entry {entries[one.pk]} is of work_log {one.pk}" for one in (gone, moved)
    ]


def test_hours_that_were_changed_behind_the_ledger_are_told(clock):
    assignment = make_assignment(rate=Decimal(600))
    clock.shift(60)
    more, withdrawn = log_work_lines(
        lines=[work(assignment, 5), work(assignment, 6)], actor=None
    )
    before = verify_ledger()
    with unguarded("tracker_worklog"):
        WorkLog.objects.filter(pk=more.pk).update(hours=Decimal("8.5"))
        WorkLog.objects.filter(pk=withdrawn.pk).update(
            withdrawn_at=NOON, withdrawn_reason="Nobody knows"
        )

    found = verify_ledger()

    assert before.is_exact
    assert found.source_mismatches == [
        SourceMismatch("work_log", more.pk, Decimal(680), Decimal(600))
    ]
    assert [one.source_id for one in found.unknown_sources] == [withdrawn.pk]


@pytest.mark.parametrize("is_removed", [False, True])
def test_hours_are_not_held_against_a_rate_that_was_changed_since(clock, is_removed):
    assignment = make_assignment(rate=Decimal(600))
    log_work_lines(lines=[work(assignment, 5)], actor=None)
    clock.shift(60)
    term = assignment.rate_terms.get()
    term.rate = Decimal(700)
    change_line(line=term, engagement=assignment, actor=None)
    clock.shift(60)
    if is_removed:
        remove_line(line=term, engagement=assignment, actor=None)

    assert verify_ledger().is_exact


def test_hours_whose_posting_went_without_a_bill_are_told():
    assignment = make_assignment(rate=Decimal(600))
    billed, lost = log_work_lines(
        lines=[work(assignment, 5), work(assignment, 6)], actor=None
    )
    bill(assignment, "600.00", charge_kind="time", period=(JANUARY, billed.worked_on))
    before = verify_ledger()
    reverse(LedgerEntry.objects.filter(source_type="work_log", source_id=lost.pk))

    assert before.is_exact
    assert [one.work_log for one in verify_ledger().unposted_work] == [lost.pk]


@pytest.mark.sqlite
def test_a_split_that_does_not_sum_to_100_is_told(contract):
    share = CostSplitShare.objects.first()
    CostSplitShare.objects.filter(pk=share.pk).update(percent=Decimal("49.99"))
    empty = make_contract().cost_splits.create(starts_on=date(2026, 3, 1))

    assert verify_ledger().split_mismatches == [
        SplitMismatch(contract.reference, share.split.starts_on, Decimal("99.99")),
        SplitMismatch(empty.engagement.reference, empty.starts_on, Decimal(0)),
    ]
    assert told_by_command()[0] == (
        f"  the cost split of {contract.reference} from {share.split.starts_on} sums to"
        " 99.9900 %; set it anew, what was posted under it stays"
    )


def test_a_credit_that_the_ledger_holds_otherwise_is_told():
    contract = begun(make_contract())
    credit = Credit.objects.create(
        engagement=contract,
        scheme=CreditScheme.POOL,
        window_from=date(2026, 1, 1),
        window_to=date(2026, 1, 31),
        amount=Decimal(50),
        agreed_amount=Decimal(50),
        state=CreditState.AGREED,
        state_since=date(2026, 2, 1),
        figures={},
    )

    assert verify_ledger().source_mismatches == [
        SourceMismatch("credit", credit.pk, Decimal(-50), Decimal(0))
    ]


def told_by_command() -> list[str]:
    out = StringIO()
    with suppress(CommandError):
        call_command("verify_ledger", stdout=out)
    return out.getvalue().splitlines()[1:]


def test_hours_that_count_and_were_never_posted_are_told():
    assignment = begun(make_assignment(rate=Decimal(600)))
    line = work(assignment, 5, "4")
    line.save()

    assert verify_ledger().unposted_work == [
        UnpostedWork(line.pk, assignment.reference, line.worked_on, Decimal(4))
    ]
    (told,) = told_by_command()
    assert told.startswith(f"  work_log {line.pk}: 4.00 h on {assignment.reference} on")


def test_the_command_says_that_everything_agrees(contract, capsys):
    call_command("verify_ledger")

    assert capsys.readouterr().out == (
        "2 entries, 2 months rolled up, 0 totals of months, 1 documents;"
        " 1000.0000 GBP in all.\n"
        "Everything agrees, to the cent.\n"
    )


@pytest.mark.roll_ups_differ
def test_the_command_fails_and_names_what_differs(contract):
    MonthlySpend.objects.filter(cost_centre__code="A").update(amount=Decimal(1))

    told = report()

    assert told["is_exact"] is False
    [month] = told["roll_up_mismatches"]
    assert (month["engagement"], month["ledger"], month["roll_up"]) == (
        contract.reference,
        "500.0000",
        "1.0000",
    )
    with pytest.raises(CommandError, match="The ledger is the truth"):
        call_command("verify_ledger")


@pytest.mark.roll_ups_differ
def test_the_command_says_what_to_do_about_each_difference(contract, capsys):
    refresh_totals()
    MonthlySpend.objects.filter(cost_centre__code="A").update(amount=Decimal(1))
    MonthTotal.objects.filter(dimension="all").update(reporting_amount=Decimal(9))

    with pytest.raises(CommandError):
        call_command("verify_ledger")

    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        f"  {contract.reference} 2026-01, booked in 2026-01, A recurring, actual: the"
        " ledger sums to 500.0000 (500.0000 GBP), the roll-up holds 1.0000"
        " (500.0000 GBP); run verify_ledger --repair",
        "  total of 2026-01 by all  managed, actual: the roll-up sums to 1000.0000"
        " GBP, the total holds 9.0000 GBP; run verify_ledger --repair",
    ]


def test_repair_makes_the_months_anew_and_touches_no_entry(contract, capsys):
    refresh_totals()
    before = list(LedgerEntry.objects.order_by("id").values())
    MonthlySpend.objects.filter(cost_centre__code="A").delete()
    MonthlySpend.objects.update(amount=Decimal(1))

    call_command("verify_ledger", "--repair")

    assert capsys.readouterr().out.startswith("Made anew from the ledger: 2026-01.\n2 ")
    assert list(LedgerEntry.objects.order_by("id").values()) == before
    assert verify_ledger().is_exact
    assert Event.objects.get(event_type="ledger.roll_ups_rebuilt").changes == {
        "months": [None, ["2026-01"]]
    }


def test_repair_leaves_what_only_people_can_mend(contract):
    pay(contract, "10.00")
    payment = Payment.objects.get()
    payment.pk, payment.source_key = None, "never posted"
    payment.public_id = uuid4()
    payment.save()

    with pytest.raises(CommandError, match="The ledger is the truth"):
        call_command("verify_ledger", "--repair")
    assert not Event.objects.filter(event_type="ledger.roll_ups_rebuilt").exists()


@pytest.mark.roll_ups_differ
def test_the_nightly_job_fails_where_something_differs(contract):
    MonthlySpend.objects.update(amount=Decimal(1))

    with pytest.raises(LedgerMismatchError, match="'roll_ups': 2"):
        verify_ledger_task()

    assert JobRun.objects.get(name="verify ledger").status == "failed"


def test_verifying_asks_as_often_for_more_rows(contract, django_assert_num_queries):
    for engagements in (1, 3):
        while LedgerEntry.objects.values("engagement").distinct().count() < engagements:
            bill(make_contract(), "10.00", number="X")
        with django_assert_num_queries(31):
            verify_ledger()


@pytest.mark.roll_ups_differ
def test_a_test_that_leaves_a_roll_up_wrong_fails(contract):
    check_roll_ups()
    MonthlySpend.objects.update(amount=Decimal(1))

    with pytest.raises(AssertionError, match="The ledger says otherwise"):
        check_roll_ups()
