"""Many people at once, through the services: none locks another out, all adds up.

LEDGER_WRITES says how many turns each writer takes; 50 is the full proof.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from engagements.choices import ChargeKind, Role
from engagements.errors import TrackerError
from engagements.models import CostCentre, Engagement
from engagements.services.terms import set_cost_split
from tests.factories import (
    begun,
    make_contract,
    make_cost_centre,
    make_user,
    make_vendor,
)
from tests.spend.bills import bill_lines, line, time
from tests.spend.sheets import make_running, make_team
from tests.spend.sheets import submitted as submitted_sheet
from tests.spend.test_concurrent_postings import WRITES, at_once
from tests.spend.test_ledger import pay
from tracker.spend.budget_standing import fiscal_months, fiscal_year_of
from tracker.spend.models import (
    Budget,
    BudgetPolicy,
    Invoice,
    InvoiceKind,
    MatchException,
    Timesheet,
    TimesheetStatus,
    WorkLog,
)
from tracker.spend.services import (
    approve_invoice,
    approve_timesheet,
    enter_hours,
    log_work,
    mark_matched,
    match_invoices,
    refresh_totals,
    reject_timesheet,
    resolve_exception,
    set_budget,
    set_budget_policy,
    start_timesheet,
    submit_timesheet,
    verify_ledger,
    withdraw_work,
)
from tracker.spend.services.ledger import hold

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 6
TODAY = datetime(2026, 12, 31, 12, tzinfo=UTC)
# Of weeks there are enough for each writer's turns, each its own.
FIRST_WEEK = date(2024, 1, 1)
JANUARY = date(2026, 1, 1)
YEAR = fiscal_year_of(date(2026, 6, 1))
MONTHS = fiscal_months(YEAR)
_PEOPLE = 2


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(TODAY):
        yield


class Office:
    """What all share: two people, two contracts, two budgets, of which one stops."""

    def __init__(self) -> None:
        vendor = make_vendor()
        self.people = [
            make_running(starts_on=FIRST_WEEK, vendor=vendor) for _ in range(_PEOPLE)
        ]
        self.contracts: list[Engagement] = [
            begun(make_contract(starts_on=JANUARY, vendor=vendor)) for _ in range(2)
        ]
        self.centres = [make_cost_centre(), make_cost_centre()]
        shares = dict(zip(self.centres, map(Decimal, ("33.33", "66.67")), strict=True))
        for engagement in (*self.people, *self.contracts):
            set_cost_split(
                engagement=engagement,
                starts_on=FIRST_WEEK,
                shares=shares,
                actor=None,
            )
        self.budgets = [self._budget(centre) for centre in self.centres]
        policy = BudgetPolicy(cost_centre=self.centres[0], actual_year="stop")
        set_budget_policy(policy=policy, actor=None)

    def _budget(self, centre: CostCentre) -> Budget:
        budget = Budget(cost_centre=centre, year=YEAR)
        amounts = {MONTHS[0]: Decimal(300)}
        return set_budget(budget=budget, amounts=amounts, actor=None)


class Writer:
    """One of finance, with an administrator and a colleague to agree to things."""

    def __init__(self, number: int, office: Office) -> None:
        self.office = office
        self.number = number
        self.random = random.Random(number)
        self.finance = make_user(Role.FINANCE)
        self.asks = make_user(Role.ADMINISTRATOR)
        self.decides = make_user(Role.ADMINISTRATOR)
        self.weeks = iter(range(number, 10_000, WRITERS))
        self.sheets: list[Timesheet] = []
        self.bills: list[Invoice] = []
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def write(self) -> None:
        steps = [
            self.fill_in_a_sheet,
            self.bill_time,
            self.bill_two_contracts,
            self.credit_in_full,
            self.pay,
            self.set_a_budget,
            self.look_at_exceptions,
            self.log_and_withdraw,
        ]
        # Each begins with another, so that they meet.
        shift = self.number % len(steps)
        steps = steps[shift:] + steps[:shift]
        for turn in range(max(WRITES, len(steps))):
            step = steps[turn % len(steps)]
            try:
                step()
            # What others did meanwhile may forbid a step: the database never does.
            except (TrackerError, ValidationError) as refusal:
                self.refused[f"{step.__name__}: {refusal}"] += 1
                continue
            self.done[step.__name__] += 1

    def fill_in_a_sheet(self) -> None:
        person = self.random.choice(self.office.people)
        monday = FIRST_WEEK + timedelta(weeks=next(self.weeks))
        sheet = start_timesheet(
            timesheet=Timesheet(
                engagement_id=person.pk,
                contractor=person.contractor,
                starts_on=monday,
                ends_on=monday + timedelta(days=6),
            ),
            actor=self.asks,
        )
        worked = [WorkLog(worked_on=monday, hours=Decimal(8))]
        enter_hours(timesheet=sheet, lines=worked, actor=self.asks)
        submit_timesheet(timesheet=sheet, actor=self.asks)
        if self.random.random() < 0.3:
            reject_timesheet(timesheet=sheet, reason="Half a day", actor=self.decides)
            submit_timesheet(timesheet=sheet, actor=self.asks)
        self.sheets.append(approve_timesheet(timesheet=sheet, actor=self.decides))

    def bill_time(self) -> None:
        """Bill the sheets of both people, in either order, and have them closed."""
        lines = [
            time(person, "1200", "16", sheet.starts_on, sheet.ends_on)
            for sheet in self._sheets_of_each()
            for person in [sheet.engagement]
        ]
        self.random.shuffle(lines)
        self.bills.append(self._released(bill_lines(*lines, number=self._number())))

    def _sheets_of_each(self) -> list[Timesheet]:
        while len({sheet.engagement_id for sheet in self.sheets}) < _PEOPLE:
            self.fill_in_a_sheet()
        found = {sheet.engagement_id: sheet for sheet in self.sheets}
        self.sheets = [one for one in self.sheets if one not in found.values()]
        return list(found.values())

    def credit_in_full(self) -> None:
        if not self.bills:
            self.bill_time()
        wrong = self.bills.pop()
        lines = [
            time(one.engagement, f"{-one.amount}", None, one.period_from, one.period_to)
            for one in wrong.lines.select_related("engagement")
        ]
        note = bill_lines(
            *lines,
            number=self._number(),
            kind=InvoiceKind.CREDIT_NOTE,
            credits=wrong,
        )
        self._released(note)

    def _released(self, invoice: Invoice) -> Invoice:
        mark_matched(invoice=invoice, actor=None)
        return approve_invoice(invoice=invoice, actor=self.finance)

    def _number(self) -> str:
        return f"W{self.number}-{self.random.randrange(10**9)}"

    def bill_two_contracts(self) -> None:
        month = self.random.choice(MONTHS)
        lines = [
            line(one, ChargeKind.ONE_OFF, f"{self.random.randrange(1, 99)}.99", month)
            for one in self.office.contracts
        ]
        self.random.shuffle(lines)
        bill_lines(*lines, number=self._number())

    def pay(self) -> None:
        with transaction.atomic():
            for one in self.random.sample(self.office.contracts, 2):
                pay(one, "12.34", key=self._number())

    def set_a_budget(self) -> None:
        amounts = {self.random.choice(MONTHS): Decimal(self.random.randrange(1, 300))}
        for budget in self.random.sample(self.office.budgets, 2):
            set_budget(budget=budget, amounts=amounts, actor=self.finance)

    def look_at_exceptions(self) -> None:
        ids = list(Invoice.objects.values_list("pk", flat=True))
        match_invoices(ids=ids, actor=None)
        waiting = MatchException.objects.filter(state="open").order_by("?")
        for one in waiting[:2]:
            resolve_exception(
                exception=one, resolution="accepted", reason="Fine", actor=self.finance
            )

    def log_and_withdraw(self) -> None:
        person = self.random.choice(self.office.people)
        monday = FIRST_WEEK + timedelta(weeks=next(self.weeks))
        worked = WorkLog(
            engagement_id=person.pk,
            contractor=person.contractor,
            worked_on=monday,
            hours=Decimal(8),
        )
        withdraw_work(
            line=log_work(line=worked, actor=self.asks),
            reason="Told twice",
            actor=self.decides,
        )


def test_six_writers_through_the_services_lose_nothing_and_never_deadlock() -> None:
    office = Office()
    writers = [Writer(number, office) for number in range(WRITERS)]

    at_once(*(writer.write for writer in writers))

    # Every kind of step was taken, so that each met the others.
    done = sum((writer.done for writer in writers), Counter())
    refused = sum((writer.refused for writer in writers), Counter())
    assert len(done) == 8, refused
    assert verify_ledger().is_exact
    refresh_totals()
    assert verify_ledger().is_exact
    assert set(Timesheet.objects.values_list("status", flat=True)) == {
        TimesheetStatus.APPROVED,
        TimesheetStatus.INVOICED,
    }


@pytest.mark.postgresql
def test_an_approval_that_waits_for_an_engagement_holds_none_of_its_sheets() -> None:
    assignment, manager, colleague = make_team()
    bill = mark_matched(invoice=bill_lines(time(assignment, "1200", "16")), actor=None)
    # Told after the bill, its hours still accrue: the approval takes that back.
    sheet = approve_timesheet(
        timesheet=submitted_sheet(assignment, manager), actor=colleague
    )
    other = submitted_sheet(assignment, manager, sheet.starts_on + timedelta(days=7))
    finance = make_user(Role.FINANCE)
    holding, waiting = threading.Event(), threading.Event()

    def decide() -> None:
        """Take a step of a sheet while the approval waits for the engagement."""
        with transaction.atomic():
            hold([assignment.pk])
            holding.set()
            wait_for_a_waiter()
            approve_timesheet(timesheet=other, actor=colleague)
            # Held by the approval, if it held sheets before their engagement.
            list(Timesheet.objects.select_for_update().order_by("pk"))
            waiting.set()

    def release() -> None:
        holding.wait(timeout=30)
        approve_invoice(invoice=bill, actor=finance)

    at_once(decide, release)

    assert waiting.is_set()
    assert (
        list(Timesheet.objects.order_by("pk").values_list("status", flat=True))
        == [TimesheetStatus.INVOICED] * 2
    )
    assert verify_ledger().is_exact


def wait_for_a_waiter() -> None:
    """Return once another connection waits for a lock of this one."""
    for _ in range(300):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.1)
    raise TimeoutError("nobody waits")
