"""The ledger against a model that knows nothing of it: whatever is done, in whatever
order, months, cost centres and currencies come out the same to the cent, and what comes
late for a closed month is booked in the first open one.

LEDGER_RUNS says how many runs of 50 steps are made; 500 is the full proof.
"""

import os
from collections import Counter, defaultdict
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
from engagements.models import CostCentre, Engagement, RateTerm
from engagements.services.terms import amend_rate, set_cost_split
from tests.factories import (
    begun,
    make_assignment,
    make_contract,
    make_cost_centre,
    make_user,
)
from tracker.spend.models import (
    ExchangeRate,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    MonthlySpend,
    Payment,
    WorkLog,
)
from tracker.spend.queries import SpendWhere, spend_overview
from tracker.spend.services import (
    close_month,
    log_work_lines,
    post_invoice,
    post_payments,
    record_rate,
    refresh_totals,
    reopen_month,
    verify_ledger,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_hinders")]


RUNS = int(os.environ.get("LEDGER_RUNS", "10"))
STEPS = 50
FIRST = date(2026, 1, 1)
LAST_MONTH = 3
CENT = Fraction(1, 100)
# What one euro is worth on every day of the game.
EURO = Fraction(7, 8)

# Engagement, month of service, month it is booked in, cost centre, charge, basis.
Key = tuple[str, str, str, str, str, str]
Shares = dict[str, int]
Step = tuple[str, dict[str, Any]]

# Mostly few days, the edges of months among them, so that things fall on one another.
NUMBERS = st.sampled_from([0, 14, 30, 31, 45, 58, 59]) | st.integers(0, 89)
days = NUMBERS.map(lambda n: FIRST + timedelta(days=n))
cents = st.integers(1, 5_000_000).map(lambda n: Fraction(n, 100))
quarters_of_hours = st.integers(1, 48).map(lambda n: Fraction(n, 4))
lengths = st.sampled_from([0, 14, 30]) | st.integers(0, 70)
rates = st.integers(1, 40_000).map(lambda n: Fraction(n, 100))
names = st.sampled_from(["time", "fee", "euro"])


def half_up(amount: Fraction) -> Fraction:
    """Round to the cent as people do on paper, away from nought at a half."""
    sign = -1 if amount < 0 else 1
    return sign * CENT * ((abs(amount) / CENT + Fraction(1, 2)).__floor__())


def parts(amount: Fraction, weights: list[Fraction]) -> list[Fraction]:
    """Share an amount out: the cents that are left go to the largest remainders."""
    exact = [amount * weight / sum(weights) for weight in weights]
    shares = [CENT * (share / CENT).__floor__() for share in exact]
    order = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in order[: int((amount - sum(shares)) / CENT)]:
        shares[i] += CENT
    return shares


def decimal(amount: Fraction) -> Decimal:
    return Decimal(amount.numerator) / Decimal(amount.denominator)


def month_days(first: date, last: date) -> list[tuple[date, Fraction]]:
    """Return each month's first day within the span, and the share of it that is."""
    counted = Counter(
        (day.year, day.month)
        for day in (first + timedelta(n) for n in range((last - first).days + 1))
    )
    found = []
    for (year, month), count in sorted(counted.items()):
        start = date(year, month, 1)
        length = ((start + timedelta(days=32)).replace(day=1) - start).days
        found.append((max(start, first), Fraction(count, length)))
    return found


class Books:
    """What should stand in the ledger, kept the simplest way that could be right."""

    def __init__(self) -> None:
        self.rows: dict[Key, list[Fraction]] = defaultdict(
            lambda: [Fraction(0), Fraction(0)]
        )
        self.open_time: list[tuple[date, str, Fraction, Shares]] = []
        self.closed = 0
        self.splits: dict[str, dict[date, Shares]] = defaultdict(dict)
        self.rates: dict[date, Fraction] = {FIRST: Fraction(80)}

    def split(self, name: str, day: date) -> Shares:
        past = [start for start in self.splits[name] if start <= day]
        return self.splits[name][max(past)] if past else {CostCentre.UNALLOCATED: 100}

    def booked(self, month: str) -> str:
        """The month itself, or the first of the year that is open."""
        return max(month, f"2026-{self.closed + 1:02}")

    def put(
        self,
        name: str,
        day: date,
        charge: str,
        basis: str,
        amount: Fraction,
        split: Shares,
        sign: int = 1,
        booked: str = "",
    ) -> str:
        month = f"{day:%Y-%m}"
        booked = self.booked(booked or month)
        worth = half_up(amount * EURO) if name == "euro" else amount
        weights = [Fraction(percent) for percent in split.values()]
        both = zip(split, parts(amount, weights), parts(worth, weights), strict=True)
        for centre, part, reported in both:
            row = self.rows[name, month, booked, centre, charge, basis]
            row[0] += sign * part
            row[1] += sign * reported
        return booked

    def work(self, day: date, hours: Fraction) -> None:
        rate = self.rates[max(start for start in self.rates if start <= day)]
        amount, split = half_up(hours * rate), self.split("time", day)
        booked = self.put("time", day, "time", "accrued", amount, split)
        self.open_time.append((day, booked, amount, split))

    def bill(
        self, name: str, charge: str, first: date, last: date, amount: Fraction
    ) -> None:
        if charge == "time":
            taken = [line for line in self.open_time if first <= line[0] <= last]
            for line in taken:
                day, booked, accrued, split = line
                reversal = ("time", "accrued", accrued, split, -1, booked)
                self.put(name, day, *reversal)
                self.open_time.remove(line)
        months = month_days(first, last)
        shares = parts(amount, [share for _start, share in months])
        for (start, _share), part in zip(months, shares, strict=True):
            self.put(name, start, charge, "actual", part, self.split(name, start))


class Game:
    """Does each step to the ledger and to the books."""

    def __init__(self) -> None:
        self.books = Books()
        self.numbers = iter(range(1, 10_000))
        self.finance = make_user(Role.FINANCE)
        self.centres = {code: make_cost_centre(code=code) for code in "ABC"}
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
        }
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

    def log_work(self, day: date, hours: Fraction) -> None:
        line = WorkLog(engagement=self.assignment, worked_on=day, hours=decimal(hours))
        log_work_lines(lines=[line], actor=None)
        self.books.work(day, hours)

    def bill(self, name: str, first: date, length: int, amount: Fraction) -> None:
        last = min(first + timedelta(days=length), FIRST + timedelta(days=89))
        charge = {"time": "time"}.get(name, "one_off")
        self._bill(name, charge, first, last, amount)
        self.books.bill(name, charge, first, last, amount)

    def bill_the_fee(self, name: str, month: int, amount: Fraction) -> None:
        """Bill a month's fee; a second time it is refused and nothing is posted."""
        first = date(2026, month, 1)
        last = date(2026, month + 1, 1) - timedelta(days=1)
        is_billed = InvoiceLine.objects.filter(
            engagement=self.engagements[name],
            charge_kind="recurring",
            period_from=first,
        ).exists()
        if is_billed:
            with pytest.raises(ValidationError), transaction.atomic():
                self._bill(name, "recurring", first, last, amount)
            return
        self._bill(name, "recurring", first, last, amount)
        self.books.bill(name, "recurring", first, last, amount)

    def credit(self, name: str, first: date, amount: Fraction) -> None:
        self._bill(name, "credit", first, first, -amount)
        self.books.bill(name, "credit", first, first, -amount)

    def credit_note(self, name: str, first: date, amount: Fraction) -> None:
        billed = self._bill(name, "one_off", first, first, amount)
        self.books.bill(name, "one_off", first, first, amount)
        self._bill(name, "one_off", first, first, -amount, credits=billed)
        self.books.bill(name, "one_off", first, first, -amount)

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
        low, high = min(cuts), max(cuts)
        percents = [low, high - low, 100 - high]
        shares = {c: p for c, p in zip(codes, percents, strict=True) if p}
        set_cost_split(
            engagement=self.engagements[name],
            starts_on=day,
            shares={self.centres[c]: Decimal(p) for c, p in shares.items()},
            actor=None,
        )
        self.books.splits[name][day] = shares

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


def step(kind: str, /, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(kind), st.fixed_dictionaries(values))


STEP_KINDS = [
    step("log_work", day=days, hours=quarters_of_hours),
    step("bill", name=names, first=days, length=lengths, amount=cents),
    step(
        "bill_the_fee",
        name=st.sampled_from(["fee", "euro"]),
        month=st.integers(1, 3),
        amount=cents,
    ),
    step("credit", name=names, first=days, amount=cents),
    step("credit_note", name=names, first=days, amount=cents),
    step("pay", name=names, day=days, amount=cents),
    step("close"),
    step("reopen"),
    step("refresh"),
    step("amend_rate", day=days, rate=rates),
    step(
        "split",
        name=names,
        day=days,
        codes=st.permutations(["A", "B", "C"]),
        cuts=st.tuples(st.integers(1, 99), st.integers(1, 99)),
    ),
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
        assert verify_ledger().is_exact
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("amount", "rounded"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("1.004", "1.00")]
)
def test_the_books_round_as_the_product_does(amount: str, rounded: str):
    exact = Decimal(amount).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)

    assert half_up(Fraction(amount)) == Fraction(exact) == Fraction(rounded)
