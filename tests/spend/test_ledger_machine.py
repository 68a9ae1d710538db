"""The ledger against a model that knows nothing of it: whatever is done, in whatever
order, months, cost centres and currencies come out the same to the cent, and what comes
late for a closed month is booked in the first open one.

LEDGER_RUNS says how many runs of 50 steps are made; 500 is the full proof.
"""

import os
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagements.choices import Role
from engagements.errors import OverBudgetError, WrongStateError
from engagements.models import Engagement, RateTerm
from engagements.services.terms import amend_rate, set_cost_split
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_user,
)
from tests.spend.ledger_books import EURO, FIRST, Books, Shares, half_up
from tracker.spend.budget_standing import fiscal_year_of
from tracker.spend.models import (
    Budget,
    BudgetPolicy,
    ExchangeRate,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    MonthlySpend,
    Payment,
    Timesheet,
    WorkLog,
)
from tracker.spend.queries import SpendWhere, spend_overview
from tracker.spend.services import (
    approve_invoice,
    approve_timesheet,
    change_rate,
    close_month,
    enter_hours,
    log_work_lines,
    mark_matched,
    post_invoice,
    post_payments,
    record_rate,
    refresh_totals,
    reject_timesheet,
    reopen_month,
    set_budget,
    set_budget_policy,
    start_timesheet,
    submit_timesheet,
    verify_ledger,
    withdraw_work,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_hinders")]


RUNS = int(os.environ.get("LEDGER_RUNS", "10"))
STEPS = 50
LAST_MONTH = 3
FIRST_MONDAY = date(2026, 1, 5)

Step = tuple[str, dict[str, Any]]

# Mostly few days, the edges of months among them, so that things fall on one another.
NUMBERS = st.sampled_from([0, 14, 30, 31, 45, 58, 59]) | st.integers(0, 89)
days = NUMBERS.map(lambda n: FIRST + timedelta(days=n))
cents = st.integers(1, 5_000_000).map(lambda n: Fraction(n, 100))
quarters_of_hours = st.integers(1, 48).map(lambda n: Fraction(n, 4))
lengths = st.sampled_from([0, 14, 30]) | st.integers(0, 70)
rates = st.integers(1, 40_000).map(lambda n: Fraction(n, 100))
names = st.sampled_from(["time", "fee", "euro"])
fees = st.sampled_from(["fee", "euro"])
# Few weeks, so that one is filled in, rejected, billed and credited in turn.
weeks = st.integers(0, 5)
# Which of those that there are, counted round.
which = st.integers(0, 9)
eighths = st.integers(4, 12).map(lambda n: Fraction(n, 8))


def decimal(amount: Fraction) -> Decimal:
    return Decimal(amount.numerator) / Decimal(amount.denominator)


class Game:
    """Does each step to the ledger and to the books."""

    def __init__(self) -> None:
        self.books = Books()
        self.numbers = iter(range(1, 10_000))
        self.finance = make_user(Role.FINANCE)
        self.clerk, self.boss = (make_user(Role.ADMINISTRATOR) for _ in range(2))
        self.centres = {code: make_cost_centre(code=code) for code in "ABCD"}
        time = begun(make_assignment(rate=None, starts_on=FIRST))
        amend_rate(
            term=RateTerm(
                assignment=time, starts_on=FIRST, rate=Decimal(80), unit="hour"
            ),
            actor=None,
        )
        self.assignment = time
        self.engagements: dict[str, Engagement] = {
            "time": time,
            "fee": begun(make_contract(starts_on=FIRST)),
            "euro": begun(make_contract(starts_on=FIRST, currency="EUR")),
            "capped": begun(make_contract(starts_on=FIRST)),
        }
        self.logs: list[WorkLog] = []
        self.invoices: list[Invoice] = []
        self.fees: dict[tuple[str, int], Invoice] = {}
        self.sheets: dict[date, Timesheet] = {}
        self.budget: Budget | None = None
        self.limit = Fraction(0)
        self._pay_from("capped", FIRST, {"D": 100})
        for month in (1, 2, 3):
            self._rate_by_hand(date(2026, month, 1))

    def _rate_by_hand(self, first: date) -> None:
        for back in range(31):
            day = first + timedelta(days=back)
            if day.month == first.month:
                rate = ExchangeRate(
                    currency="EUR",
                    quoted_in="GBP",
                    day=day,
                    factor=decimal(EURO),
                    source="agreed",
                )
                record_rate(rate=rate, actor=None)

    def override_rate(self, day: date, factor: Fraction) -> None:
        """Correct what a euro is worth on a day, for what is posted from now on."""
        rate = ExchangeRate.objects.get(currency="EUR", day=day, origin="manual")
        rate.factor = decimal(factor)
        change_rate(rate=rate, actor=None)
        self.books.euros[day] = factor

    def log_work(self, day: date, hours: Fraction) -> None:
        line = WorkLog(engagement=self.assignment, worked_on=day, hours=decimal(hours))
        log_work_lines(lines=[line], actor=None)
        self.logs.append(line)
        self.books.work(day, hours)

    def withdraw_work(self, number: int) -> None:
        """Take hours back, unless a bill of their day is agreed to."""
        left = [n for n, log in enumerate(self.books.logs) if not log.is_withdrawn]
        if not left:
            return
        place = left[number % len(left)]
        line, log = self.logs[place], self.books.logs[place]
        if not self.books.may_withdraw(log):
            with pytest.raises(WrongStateError), transaction.atomic():
                withdraw_work(line=line, reason="Wrong", actor=self.boss)
            return
        withdraw_work(line=line, reason="Wrong", actor=self.boss)
        self.books.withdraw(log)

    def fill_in_a_sheet(self, week: int, hours: dict[int, Fraction]) -> None:
        """Enter a week's hours and send them in; a rejected sheet is filled in anew."""
        monday = FIRST_MONDAY + timedelta(weeks=week)
        kept = self.books.sheets[monday]
        if kept.status not in ("draft", "rejected"):
            return
        told = {monday + timedelta(days=n): amount for n, amount in hours.items()}
        if monday not in self.sheets:
            self.sheets[monday] = start_timesheet(
                timesheet=Timesheet(
                    engagement_id=self.assignment.pk,
                    contractor=self.assignment.contractor,
                    starts_on=monday,
                    ends_on=monday + timedelta(days=6),
                ),
                actor=self.clerk,
            )
        sheet = self.sheets[monday]
        lines = [WorkLog(worked_on=day, hours=decimal(n)) for day, n in told.items()]
        enter_hours(timesheet=sheet, lines=lines, actor=self.clerk)
        submit_timesheet(timesheet=sheet, actor=self.clerk)
        self.books.submit(kept, told)

    def decide(self, week: int, is_approved: bool) -> None:
        monday = FIRST_MONDAY + timedelta(weeks=week)
        kept = self.books.sheets[monday]
        if kept.status != "submitted":
            return
        sheet = self.sheets[monday]
        if is_approved:
            approve_timesheet(timesheet=sheet, actor=self.boss)
        else:
            reject_timesheet(timesheet=sheet, reason="Half a day", actor=self.boss)
        self.books.decide(kept, is_approved=is_approved)

    def bill(self, name: str, first: date, length: int, amount: Fraction) -> None:
        last = min(first + timedelta(days=length), FIRST + timedelta(days=89))
        charge = {"time": "time"}.get(name, "one_off")
        invoice = self._bill(name, charge, first, last, amount)
        if charge == "time":
            self.invoices.append(invoice)
        self.books.bill(name, charge, first, last, amount)

    def approve_a_bill(self, number: int) -> None:
        waiting = [n for n, one in enumerate(self.books.bills) if not one.is_approved]
        if waiting:
            place = waiting[number % len(waiting)]
            self._approve(self.invoices[place])
            self.books.approve(self.books.bills[place])

    def credit_a_bill(self, number: int) -> None:
        """Take a bill of time back in full, by a note that is agreed to."""
        bills = self.books.bills
        standing = [n for n, one in enumerate(bills) if not one.is_credited]
        if standing:
            place = standing[number % len(standing)]
            bill = bills[place]
            note = self._bill(
                "time",
                "time",
                bill.first,
                bill.last,
                -bill.amount,
                credits=self.invoices[place],
            )
            self._approve(note)
            self.books.credit(bill)

    def _approve(self, invoice: Invoice) -> None:
        mark_matched(invoice=invoice, actor=None)
        approve_invoice(invoice=invoice, actor=self.finance)

    def bill_the_fee(self, name: str, month: int, amount: Fraction) -> None:
        """Bill a month's fee; a second time it is refused and nothing is posted."""
        first, last = _whole(month)
        if (name, month) in self.books.fees:
            with pytest.raises(ValidationError), transaction.atomic():
                self._bill(name, "recurring", first, last, amount)
            return
        invoice = self._bill(name, "recurring", first, last, amount)
        self.fees[name, month] = invoice
        self.books.fees[name, month] = amount
        self.books.bill(name, "recurring", first, last, amount)

    def credit_the_fee(self, name: str, month: int) -> None:
        """Take a month's fee back: from now on it can be billed anew."""
        amount = self.books.fees.pop((name, month), None)
        if amount is not None:
            wrong = self.fees.pop((name, month))
            first, last = _whole(month)
            self._bill(name, "recurring", first, last, -amount, credits=wrong)
            self.books.charge(name, "recurring", first, last, -amount)

    def set_the_budget(self, amount: Fraction) -> None:
        """Limit what one cost centre may spend in the fiscal year of all that is here;
        beyond it bills are stopped."""
        if self.budget is None:
            policy = BudgetPolicy(cost_centre=self.centres["D"], actual_year="stop")
            set_budget_policy(policy=policy, actor=None)
            self.budget = Budget(
                cost_centre=self.centres["D"], year=fiscal_year_of(FIRST)
            )
        amounts = {FIRST: decimal(amount)}
        set_budget(budget=self.budget, amounts=amounts, actor=None)
        self.limit = amount

    def bill_the_budget(self, day: date, amount: Fraction) -> None:
        spent = self.books.spent_by("D")
        if self.budget is not None and spent + amount > self.limit:
            with pytest.raises(OverBudgetError), transaction.atomic():
                self._bill("capped", "one_off", day, day, amount)
            return
        self._bill("capped", "one_off", day, day, amount)
        self.books.bill("capped", "one_off", day, day, amount)

    def credit(self, name: str, first: date, amount: Fraction) -> None:
        self._bill(name, "credit", first, first, -amount)
        self.books.bill(name, "credit", first, first, -amount)

    def credit_note(self, name: str, first: date, amount: Fraction) -> None:
        billed = self._bill(name, "one_off", first, first, amount)
        self.books.bill(name, "one_off", first, first, amount)
        self._bill(name, "one_off", first, first, -amount, credits=billed)
        self.books.charge(name, "one_off", first, first, -amount)

    def close(self) -> None:
        """Close the next month; the game's last one stays the last to be closed."""
        if self.books.closed < LAST_MONTH:
            self.books.closed += 1
            month = date(2026, self.books.closed, 1)
            close_month(month=month, actor=self.finance)

    def reopen(self) -> None:
        if self.books.closed:
            month = date(2026, self.books.closed, 1)
            reopen_month(month=month, reason="A forgotten invoice", actor=self.finance)
            self.books.closed -= 1

    def refresh(self) -> None:
        refresh_totals()

    def pay(self, name: str, day: date, amount: Fraction) -> None:
        engagement, number = self.engagements[name], next(self.numbers)
        payment = Payment(
            engagement=engagement,
            vendor=engagement.vendor,
            paid_on=day,
            amount=decimal(amount),
            currency=engagement.currency,
            supplier_name="As written",
            source_key=f"k{number}",
            source_file="payments.csv",
            source_line=number,
            source_run="6f3a8d6e-0000-4000-8000-000000000000",
        )
        post_payments(payments=[payment], actor=None)
        split = self.books.split(name, day)
        self.books.put(name, day, "payment", "actual", amount, split)

    def amend_rate(self, day: date, rate: Fraction) -> None:
        if day in self.books.rates:
            return
        amend_rate(
            term=RateTerm(
                assignment=self.assignment,
                starts_on=day,
                rate=decimal(rate),
                unit="hour",
            ),
            actor=None,
        )
        self.books.rates[day] = rate

    def split(
        self, name: str, day: date, codes: list[str], cuts: tuple[int, int]
    ) -> None:
        self._pay_from(name, day, _percents(codes, cuts))

    def edit_a_split(
        self, name: str, number: int, codes: list[str], cuts: tuple[int, int]
    ) -> None:
        """Say anew who pays from a day on; what was posted stays where it is."""
        known = sorted(self.books.splits[name])
        if known:
            day = known[number % len(known)]
            self._pay_from(name, day, _percents(codes, cuts))

    def _pay_from(self, name: str, day: date, shares: Shares) -> None:
        set_cost_split(
            engagement=self.engagements[name],
            starts_on=day,
            shares={self.centres[c]: Decimal(p) for c, p in shares.items()},
            actor=None,
        )
        self.books.splits[name][day] = shares

    def sheets_agree(self) -> None:
        kept = {
            sheet.starts_on: sheet.status
            for sheet in Timesheet.objects.filter(engagement=self.assignment.pk)
        }
        told = self.books.sheets.items()
        assert kept == {day: one.status for day, one in told if one.status != "draft"}

    def months_agree(self) -> None:
        names = {e.pk: name for name, e in self.engagements.items()}
        kept = {
            (
                names[row.engagement_id],
                f"{row.month:%Y-%m}",
                f"{row.booked_month:%Y-%m}",
                row.cost_centre.code,
                row.charge_kind,
                row.basis,
            ): [Fraction(row.amount), Fraction(row.reporting_amount)]
            for row in MonthlySpend.objects.select_related("cost_centre")
        }
        assert kept == dict(self.books.rows)

    def overview_agrees(self) -> None:
        """What finance pages show, of derived totals and of marked months alike."""
        months: dict[str, Fraction] = defaultdict(Fraction)
        centres: dict[str, Fraction] = defaultdict(Fraction)
        for (_name, _month, booked, centre, *_), row in self.books.rows.items():
            months[booked] += row[1]
            centres[centre] += row[1]
        shown = spend_overview(self.finance, SpendWhere())
        assert {f"{m.month:%Y-%m}": m.parts.total for m in shown.months} == months
        assert {c.code: c.parts.total for c in shown.cost_centres} == centres

    def _bill(
        self,
        name: str,
        charge: str,
        first: date,
        last: date,
        amount: Fraction,
        credits: Invoice | None = None,
    ) -> Invoice:
        engagement = self.engagements[name]
        return post_invoice(
            invoice=Invoice(
                vendor=engagement.vendor,
                kind=InvoiceKind.CREDIT_NOTE if credits else InvoiceKind.INVOICE,
                credits=credits,
                number=f"INV-{next(self.numbers)}",
                issued_on=last,
                currency=engagement.currency,
                total=decimal(amount),
            ),
            lines=[
                InvoiceLine(
                    engagement=engagement,
                    charge_kind=charge,
                    period_from=first,
                    period_to=last,
                    amount=decimal(amount),
                )
            ],
            actor=None,
        )


def _whole(month: int) -> tuple[date, date]:
    return date(2026, month, 1), date(2026, month + 1, 1) - timedelta(days=1)


def _percents(codes: list[str], cuts: tuple[int, int]) -> Shares:
    low, high = min(cuts), max(cuts)
    percents = [low, high - low, 100 - high]
    return {c: p for c, p in zip(codes, percents, strict=True) if p}


def step(kind: str, /, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(kind), st.fixed_dictionaries(values))


cuts = st.tuples(st.integers(1, 99), st.integers(1, 99))
codes = st.permutations(["A", "B", "C"])
months = st.integers(1, 3)
STEP_KINDS = [
    step("log_work", day=days, hours=quarters_of_hours),
    step("withdraw_work", number=which),
    step(
        "fill_in_a_sheet",
        week=weeks,
        hours=st.dictionaries(
            st.integers(0, 6),
            st.integers(0, 40).map(lambda n: Fraction(n, 4)),
            min_size=1,
        ),
    ),
    step("decide", week=weeks, is_approved=st.booleans()),
    step("bill", name=names, first=days, length=lengths, amount=cents),
    step("approve_a_bill", number=which),
    step("credit_a_bill", number=which),
    step("bill_the_fee", name=fees, month=months, amount=cents),
    step("credit_the_fee", name=fees, month=months),
    step("credit", name=names, first=days, amount=cents),
    step("credit_note", name=names, first=days, amount=cents),
    step("pay", name=names, day=days, amount=cents),
    step("set_the_budget", amount=cents),
    step("bill_the_budget", day=days, amount=cents),
    step("close"),
    step("reopen"),
    step("refresh"),
    step("amend_rate", day=days, rate=rates),
    step("override_rate", day=days, factor=eighths),
    step("split", name=names, day=days, codes=codes, cuts=cuts),
    step("edit_a_split", name=names, number=which, codes=codes, cuts=cuts),
]


@given(st.lists(st.one_of(STEP_KINDS), min_size=STEPS, max_size=STEPS))
@settings(
    max_examples=RUNS,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_the_ledger_agrees_with_the_books_whatever_is_done(steps: list[Step]):
    with transaction.atomic():
        game = Game()
        for name, values in steps:
            getattr(game, name)(**values)
            game.months_agree()
            game.overview_agrees()
            game.sheets_agree()
        assert verify_ledger().is_exact
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("amount", "rounded"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("1.004", "1.00")]
)
def test_the_books_round_as_the_product_does(amount: str, rounded: str):
    exact = Decimal(amount).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)

    assert half_up(Fraction(amount)) == Fraction(exact) == Fraction(rounded)
