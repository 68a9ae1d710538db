"""What budgets and the day's cap would stop is told in the check, line by line."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.files.base import ContentFile

from engagements.choices import Role
from engagements.models import CostCentre
from tests.factories import (
    begun,
    make_contract,
    make_cost_centre,
    make_user,
    make_vendor,
)
from tracker.imports import services
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import Budget, BudgetPolicy, LedgerEntry, Payment
from tracker.spend.services import set_budget, set_budget_policy

pytestmark = pytest.mark.django_db

HEADER = (
    "Vendor,Invoice number,Invoice date,Engagement,Charge,Service from,Service to,"
    "Amount"
)
PAYMENTS = "Date,Amount,Supplier,Transaction Number\n"
STOP = {"actual_year": "stop"}
WARN = {"actual_year": "warn", "actual_month": "ignore"}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(datetime(2026, 6, 1, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def finance():
    return make_user(Role.FINANCE, username="fiona")


@pytest.fixture
def centre():
    return make_cost_centre(code="IT", name="Technology")


@pytest.fixture
def contract(centre):
    vendor = make_vendor(legal_name="Northwind IT Ltd")
    return begun(
        make_contract(
            vendor=vendor,
            cost_shares={centre: Decimal(100)},
            starts_on=date(2026, 4, 1),
        )
    )


def budget(centre, monthly, policy=STOP):
    set_budget(
        budget=Budget(cost_centre=centre, year=2026),
        amounts={month: Decimal(monthly) for month in fiscal_months(2026)},
        actor=None,
    )
    set_budget_policy(policy=BudgetPolicy(**policy), actor=None)


def uploaded(text, finance, kind="invoices"):
    run = services.accept_upload(
        upload=ContentFile(text.encode(), "file.csv"), kind_name=kind, actor=finance
    )
    services.request_check(run=run, corrections={}, options={}, actor=finance)
    return worked(run)


def worked(run):
    run.refresh_from_db()
    services.work_on(run_id=run.pk, step=run.step)
    run.refresh_from_db()
    return run


def applied(run, finance, *, is_per_line=False):
    services.request_apply(run=run, is_per_line=is_per_line, actor=finance)
    return worked(run)


def lines(contract, *bills):
    return "\n".join(
        [
            HEADER,
            *(
                f"Northwind IT Ltd,{number},2026-05-01,{contract.reference},one-off,"
                f"2026-05-01,2026-05-31,{amount}"
                for number, amount in bills
            ),
        ]
    )


def told(run):
    return [(one.line, one.field, one.reason) for one in run.problems.order_by("line")]


def test_a_budget_that_stops_is_told_at_its_line(contract, centre, finance):
    budget(centre, 100)
    text = lines(contract, ("A", 700), ("B", 400), ("B", 200), ("C", 500))

    run = uploaded(text, finance)

    (third, whole) = sorted(told(run), key=lambda one: one[1])
    assert third[:2] == (4, "amount")
    assert third[2] == (
        "IT · Technology has a budget of £1,200.00 for April 2026 to March 2027."
        " £700.00 of it is spent; this spends £600.00, which is £100.00 too much."
        " fiona can raise the budget."
    )
    assert whole == (3, "number", "belongs to an invoice with a refused line")
    # C fits: what is refused takes nothing of the budget.
    run = applied(run, finance, is_per_line=True)
    assert (run.state, run.added) == ("applied", 2)
    assert [entry.amount for entry in LedgerEntry.objects.order_by("pk")] == [700, 500]


def test_a_budget_that_is_cut_after_the_check_is_named(contract, centre, finance):
    run = uploaded(lines(contract, ("A", 700)), finance)
    budget(centre, 1)

    run = applied(run, finance)

    assert run.state == "refused"
    assert "has a budget of £12.00" in told(run)[0][2]


def test_what_a_service_refuses_is_told_as_it_says(
    contract, finance, settings, monkeypatch
):
    monkeypatch.setattr("tracker.imports.invoices.InvoiceBatch._check_limits", _none)
    run = uploaded(lines(contract, ("A", 700)), finance)
    settings.DAILY_POSTING_CAP = Decimal(500)

    run = applied(run, finance)

    assert run.state == "failed"
    assert run.error.startswith("At most £500.00 is billed or paid in a day, and today")
    assert not LedgerEntry.objects.exists()


def _none(batch) -> None:
    """Stands for what another did between the check and the posting."""


def test_the_day_s_cap_is_told_at_its_line(contract, finance, settings):
    settings.DAILY_POSTING_CAP = Decimal(1000)

    run = uploaded(lines(contract, ("A", 700), ("B", 400), ("C", 300)), finance)

    ((number, field, reason),) = told(run)
    assert (number, field) == (3, "amount")
    assert "today it is £700.00 already; this adds £400.00" in reason


def test_payments_beyond_the_day_s_cap_are_refused_in_the_check(finance, settings):
    settings.DAILY_POSTING_CAP = Decimal(1000)

    run = uploaded(
        PAYMENTS + "01/05/2026,700,Acme Ltd,1\n02/05/2026,301,Acme Ltd,2\n",
        finance,
        kind="payments",
    )

    assert run.state == "failed"
    assert "today it is £0.00 already; this adds £1,001.00" in run.error
    assert not Payment.objects.exists()


BEYOND = (
    "IT · Technology has a budget of £1,200.00 for April 2026 to March 2027. {} of it"
    " is spent; this spends {}, which is {} too much. It is the first line that goes"
    " beyond."
)


def test_what_a_budget_warns_of_is_told_in_the_check_at_its_first_line(
    contract, centre, finance
):
    budget(centre, 100, WARN)
    text = lines(contract, ("A", 700), ("B", 400), ("B", 200), ("C", 500))

    checked = uploaded(text, finance)
    stored = LedgerEntry.objects.count()
    done = applied(checked, finance)

    notes = [f"line 4: {BEYOND.format('£700.00', '£600.00', '£100.00')}"]
    assert (checked.report["notes"], stored) == (notes, 0)
    assert (done.state, done.report["notes"]) == ("applied", notes)


def test_a_dry_run_of_the_command_tells_what_a_budget_warns_of(
    contract, centre, tmp_path
):
    budget(centre, 100, WARN)
    path = tmp_path / "invoices.csv"
    path.write_text(lines(contract, ("A", 700), ("B", 600), ("C", 500)))
    run = services.new_run(
        kind_name="invoices",
        file_name=path.name,
        corrections={},
        options={},
        is_per_line=False,
    )

    report = services.check_file(run=run, path=path)

    told = BEYOND.format("£700.00", "£600.00", "£100.00")
    assert [str(note) for note in report.notes] == [f"line 3: {told}"]
    assert not LedgerEntry.objects.exists()


def test_payments_that_go_beyond_a_budget_are_named_and_not_refused(finance):
    unallocated = CostCentre.objects.create(code="UNALLOCATED", name="Technology")
    budget(unallocated, 100, WARN | STOP)
    text = (
        PAYMENTS + "01/05/2026,700,Acme Ltd,1\n02/05/2026,600,Acme Ltd,2\n"
        "03/05/2026,5,Acme Ltd,3\n"
    )

    run = uploaded(text, finance, kind="payments")

    told = BEYOND.format("£700.00", "£600.00", "£100.00")
    beyond = told.replace("IT", "UNALLOCATED", 1)
    assert [note for note in run.report["notes"] if "budget" in note] == [
        f"line 3: {beyond}"
    ]
    done = applied(run, finance)
    assert (done.state, done.added) == ("applied", 3)
    assert f"line 3: {beyond}" in done.report["notes"]


def test_the_first_payment_beyond_the_day_s_cap_is_named(finance, settings):
    settings.DAILY_POSTING_CAP = Decimal(1000)
    text = PAYMENTS + "01/05/2026,700,Acme Ltd,1\n02/05/2026,301,Acme Ltd,2\n"

    run = uploaded(text, finance, kind="payments")

    assert run.error.startswith(
        "Line 3 is the first that goes beyond the day's cap. Import the lines before it"
        " today. At most £1,000.00 is billed or paid in a day, and today it is £0.00"
    )
