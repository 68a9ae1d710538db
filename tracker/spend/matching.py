"""What an invoice bills, held against what was agreed, worked, ordered and credited.

Amounts are in the invoice's currency. What several findings of one line put at stake
adds up: more hours than approved, at the card's rate, and a rate above the card are
told apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from engagements.values.commitment import Price, committed_fees, spans_of
from engagements.values.money import round_money
from engagements.values.periods import ONE_DAY, last_day_of_month, months_between

NOTHING = Decimal(0)

# Charges, as `engagements.choices.ChargeKind` stores them.
RECURRING = "recurring"
TIME = "time"
MILESTONE = "milestone"
UNIT = "unit"
ONE_OFF = "one_off"
EXPENSE = "expense"
CREDIT = "credit"
PAYMENT = "payment"
TAX = "tax"

# Units, as `LineUnit` stores them.
HOUR = "hour"
DAY = "day"


class Code(StrEnum):
    RATE_ABOVE_CARD = "rate_above_card"
    HOURS_ABOVE_APPROVED = "hours_above_approved"
    WRONG_WORKER = "wrong_worker"
    OUTSIDE_TERM = "outside_term"
    AFTER_END = "after_end"
    UNAPPROVED_OVERTIME = "unapproved_overtime"
    FEE_MISMATCH = "fee_mismatch"
    DUPLICATE = "duplicate"
    PERIOD_GAP = "period_gap"
    PERIOD_OVERLAP = "period_overlap"
    OVER_ORDER = "over_order"
    CREDIT_NOT_APPLIED = "credit_not_applied"
    WRONG_CURRENCY = "wrong_currency"
    ARITHMETIC = "arithmetic"


class Measure(StrEnum):
    """What `expected` and `found` of a finding are."""

    MONEY = "money"
    HOURS = "hours"
    DAY = "day"
    PERSON = "person"
    CURRENCY = "currency"
    INVOICE = "invoice"


MEASURES: Mapping[Code, Measure] = {
    Code.RATE_ABOVE_CARD: Measure.MONEY,
    Code.HOURS_ABOVE_APPROVED: Measure.HOURS,
    Code.WRONG_WORKER: Measure.PERSON,
    Code.OUTSIDE_TERM: Measure.DAY,
    Code.AFTER_END: Measure.DAY,
    Code.UNAPPROVED_OVERTIME: Measure.HOURS,
    Code.FEE_MISMATCH: Measure.MONEY,
    Code.DUPLICATE: Measure.INVOICE,
    Code.PERIOD_GAP: Measure.DAY,
    Code.PERIOD_OVERLAP: Measure.DAY,
    Code.OVER_ORDER: Measure.MONEY,
    Code.CREDIT_NOT_APPLIED: Measure.MONEY,
    Code.WRONG_CURRENCY: Measure.CURRENCY,
    Code.ARITHMETIC: Measure.MONEY,
}


@dataclass(frozen=True)
class Rate:
    """The price of an hour or a day from a day on, until the next one starts."""

    starts_on: date
    amount: Decimal
    is_per_day: bool = False
    hours_per_day: Decimal = Decimal("7.5")
    overtime: Decimal = Decimal(1)

    def hourly(self, *, is_overtime: bool) -> Fraction:
        """Return the price of an hour exactly: a day's rarely is a whole of cents."""
        price = Fraction(self.amount)
        if self.is_per_day:
            price /= Fraction(self.hours_per_day)
        return price * Fraction(self.overtime) if is_overtime else price


@dataclass(frozen=True)
class Terms:
    """What was agreed for an engagement.

    `agreed_until` is the last day of the term, None where it renews by itself or has
    no end; `ended_on` the last day of what was closed. `one_offs` is all that was
    agreed beside fees and time: accepted milestones, one-off charges, change orders.
    `hour_price` is the highest unit price of an hour, where no rate was agreed.
    """

    currency: str
    starts_on: date
    agreed_until: date | None = None
    ended_on: date | None = None
    fees: tuple[Price, ...] = ()
    rates: tuple[Rate, ...] = ()
    person: int | None = None
    unit_prices: tuple[Decimal, ...] = ()
    one_offs: Decimal = NOTHING
    hour_price: Decimal | None = None

    @property
    def paid_once(self) -> frozenset[str]:
        """Return the charges that `one_offs` is for."""
        charges = {MILESTONE, ONE_OFF, EXPENSE}
        is_priced = bool(self.rates) or self.hour_price is not None
        return frozenset(charges if is_priced else charges | {TIME})


@dataclass(frozen=True)
class Worked:
    """Approved hours, as they were logged."""

    day: date
    hours: Decimal
    is_overtime: bool = False
    person: int | None = None


@dataclass(frozen=True)
class Order:
    """What a purchase order has left before this invoice."""

    key: int
    currency: str
    remaining: Decimal


@dataclass(frozen=True)
class BilledLine:
    """One line of an invoice.

    `place` tells which of two lines came in later: invoices as they were recorded,
    since what came first may be paid by now.
    """

    key: int
    invoice: int
    normalised_number: str
    place: tuple[int, int]
    engagement: int
    charge: str
    first: date
    last: date
    amount: Decimal
    person: int | None = None
    hours: Decimal | None = None
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    is_overtime: bool = False
    description: str = ""

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def overlaps(self, other: "BilledLine") -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Bill:
    """An invoice with all that it is held against.

    `others` are lines of the same engagements on other invoices of the vendor, without
    those that were credited in full; `credits` the credits agreed by its day, per
    engagement.
    """

    key: int
    vendor: int
    currency: str
    total: Decimal
    lines: tuple[BilledLine, ...]
    terms: Mapping[int, Terms]
    is_credit_note: bool = False
    others: tuple[BilledLine, ...] = ()
    worked: Mapping[int, tuple[Worked, ...]] = field(default_factory=dict)
    # By line, since an engagement may draw on one order after another.
    orders: Mapping[int, Order] = field(default_factory=dict)
    credits: Mapping[int, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that doesn't fit; `line` is None where it is the invoice as a whole.

    `amount` is what was billed too much by it, 0 where nothing was. `expected` and
    `found` are written plainly, by the code's `Measure`; empty where there is none.
    """

    code: Code
    line: int | None
    expected: str
    found: str
    amount: Decimal = NOTHING


def match(bill: Bill) -> list[Finding]:
    """Return all that is wrong with an invoice, in the order of its lines."""
    found = [*_sum(bill)]
    for line in bill.lines:
        found.extend(_match_line(bill, line))
    if not bill.is_credit_note:
        found.extend(_orders(bill))
        found.extend(_credits(bill))
    return found


def _match_line(bill: Bill, line: BilledLine) -> Iterator[Finding]:
    terms = bill.terms[line.engagement]
    yield from _arithmetic(bill, line)
    if bill.currency != terms.currency:
        # Held against terms in another currency no amount means anything.
        yield Finding(
            Code.WRONG_CURRENCY,
            line.key,
            terms.currency,
            bill.currency,
            max(line.amount, NOTHING),
        )
        return
    if bill.is_credit_note or line.amount <= 0 or line.charge == TAX:
        return
    duplicates = list(_duplicate(bill, line))
    if duplicates:
        # All of it is at stake already.
        yield from duplicates
        return
    yield from _worker(line, terms)
    yield from _term(bill, line, terms)
    yield from _CHECKS[line.charge](bill, line, terms)
    yield from _periods(bill, line, terms)


def _unagreed(bill: Bill, line: BilledLine, terms: Terms) -> Iterator[Finding]:
    """Tell of a credit that is charged, or of no charge at all: nobody agrees those."""
    yield Finding(Code.FEE_MISMATCH, line.key, "0", plain(line.amount), line.amount)


# --- sums --------------------------------------------------------------------------


def _sum(bill: Bill) -> Iterator[Finding]:
    total = sum((line.amount for line in bill.lines), NOTHING)
    if total != bill.total:
        over = max(bill.total - total, NOTHING)
        yield Finding(Code.ARITHMETIC, None, plain(total), plain(bill.total), over)


def _arithmetic(bill: Bill, line: BilledLine) -> Iterator[Finding]:
    computed = computed_amount(line, bill.currency)
    if computed is not None and computed != line.amount:
        over = max(line.amount - computed, NOTHING)
        yield Finding(
            Code.ARITHMETIC, line.key, plain(computed), plain(line.amount), over
        )


def computed_amount(line: BilledLine, currency: str) -> Decimal | None:
    """Return quantity times price, None where the line doesn't say both."""
    if line.unit_price is None:
        return None
    if line.quantity is not None:
        return round_money(line.quantity * line.unit_price, currency)
    if line.hours is not None and line.unit in ("", HOUR):
        return round_money(line.hours * line.unit_price, currency)
    return None


# --- the same again ----------------------------------------------------------------


def _duplicate(bill: Bill, line: BilledLine) -> Iterator[Finding]:
    for other in (*bill.others, *bill.lines):
        if other.place < line.place and _is_same(line, other):
            yield Finding(
                Code.DUPLICATE,
                line.key,
                "",
                f"{other.invoice}:{other.key}",
                line.amount,
            )
            return


def _is_same(line: BilledLine, other: BilledLine) -> bool:
    if other.invoice != line.invoice and (
        other.normalised_number == line.normalised_number
    ):
        return True
    is_same = (
        (other.engagement, other.charge, other.first, other.last, other.amount)
        == (line.engagement, line.charge, line.first, line.last, line.amount)
    ) and (other.person, other.is_overtime) == (line.person, line.is_overtime)
    # On one invoice, two charges of the same price are told apart by their words.
    return is_same and (
        other.invoice != line.invoice or other.description == line.description
    )


# --- who and when ------------------------------------------------------------------


def _worker(line: BilledLine, terms: Terms) -> Iterator[Finding]:
    agreed = terms.person
    if line.person is not None and agreed is not None and line.person != agreed:
        yield Finding(
            Code.WRONG_WORKER, line.key, str(agreed), str(line.person), line.amount
        )


def _term(bill: Bill, line: BilledLine, terms: Terms) -> Iterator[Finding]:
    if line.first < terms.starts_on:
        last = min(line.last, terms.starts_on - ONE_DAY)
        yield _out_of(
            bill, line, Code.OUTSIDE_TERM, terms.starts_on, line.first, line.first, last
        )
    code = Code.OUTSIDE_TERM if terms.ended_on is None else Code.AFTER_END
    until = terms.agreed_until if terms.ended_on is None else terms.ended_on
    if until is not None and line.last > until:
        first = max(line.first, until + ONE_DAY)
        # A line can lie before the start and beyond the end: it is told once.
        if code == Code.AFTER_END or line.first >= terms.starts_on:
            yield _out_of(bill, line, code, until, line.last, first, line.last)


def _out_of(
    bill: Bill,
    line: BilledLine,
    code: Code,
    expected: date,
    found: date,
    first: date,
    last: date,
) -> Finding:
    days = (last - first).days + 1
    amount = round_money(line.amount * days / line.days, bill.currency)
    return Finding(code, line.key, expected.isoformat(), found.isoformat(), amount)


# --- fees --------------------------------------------------------------------------


def _fee(bill: Bill, line: BilledLine, terms: Terms) -> Iterator[Finding]:
    due = fees_due(terms, line.first, line.last)
    if line.amount not in due:
        expected = due[0]
        over = max(line.amount - max(due), NOTHING)
        yield Finding(
            Code.FEE_MISMATCH, line.key, plain(expected), plain(line.amount), over
        )


def fees_due(terms: Terms, first: date, last: date) -> list[Decimal]:
    """Return what the days come to, rounded by month, by price, and once.

    A partial month counts by days. Whichever a vendor rounds is right.
    """
    fees = _from_the_first_day(terms, first)
    by_month = committed_fees(fees, first, last, terms.currency)
    parts = list(_fee_parts(fees, first, last))
    by_price = sum((round_money(part, terms.currency) for part in parts), NOTHING)
    once = round_money(sum(parts, NOTHING), terms.currency)
    return [by_month, by_price, once]


def _from_the_first_day(terms: Terms, first: date) -> tuple[Price, ...]:
    """Let the first fee hold before the start too: those days are told as such."""
    if not terms.fees or first >= terms.starts_on:
        return terms.fees
    earliest, *later = sorted(terms.fees, key=lambda fee: fee.starts_on)
    if earliest.starts_on > terms.starts_on:
        return terms.fees
    return (Price(first, earliest.amount), *later)


def _fee_parts(fees: Sequence[Price], first: date, last: date) -> Iterator[Decimal]:
    for month in months_between(first, last):
        end = last_day_of_month(month)
        for span in spans_of(fees, max(first, month), min(last, end)):
            yield span.amount * ((span.last - span.first).days + 1) / end.day


def _one_off(bill: Bill, line: BilledLine, terms: Terms) -> Iterator[Finding]:
    """Hold what is paid once against all of it that was agreed."""
    left = _left_to_pay_once(bill, line, terms)
    if line.amount > left:
        over = line.amount - left
        yield Finding(
            Code.FEE_MISMATCH, line.key, plain(left), plain(line.amount), over
        )


def _left_to_pay_once(bill: Bill, line: BilledLine, terms: Terms) -> Decimal:
    billed = sum(
        (
            other.amount
            for other in _earlier(bill, line)
            if other.charge in terms.paid_once
        ),
        NOTHING,
    )
    return max(terms.one_offs - billed, NOTHING)


def _units(bill: Bill, line: BilledLine, terms: Terms) -> Iterator[Finding]:
    """Hold units against the highest price agreed; without one, or a number, nothing.

    An amount that says not how many can be any number of units.
    """
    card = NOTHING
    if terms.unit_prices and line.quantity is not None:
        card = round_money(line.quantity * max(terms.unit_prices), bill.currency)
    if line.amount > card:
        yield Finding(
            Code.RATE_ABOVE_CARD,
            line.key,
            plain(card),
            plain(line.amount),
            line.amount - card,
        )


# --- time --------------------------------------------------------------------------


_Priced = tuple[Decimal, Fraction]


def _rounded(amount: Fraction, currency: str) -> Decimal:
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return round_money(exact, currency)


@dataclass(frozen=True)
class _Hours:
    """Approved hours that a line may bill, the dearest first: hours and their price.

    `dearest` is the highest price of an hour in the period; None without a rate.
    """

    priced: tuple["_Priced", ...]
    dearest: Fraction | None

    @property
    def total(self) -> Decimal:
        return sum((hours for hours, _price in self.priced), NOTHING)

    def value(self, hours: Decimal, currency: str) -> Decimal:
        """Return what so many of the hours come to, rounded in the vendor's favour."""
        parts = list(self._parts(hours))
        once = _rounded(sum(parts, Fraction(0)), currency)
        each = sum((_rounded(part, currency) for part in parts), NOTHING)
        return max(once, each)

    def _parts(self, hours: Decimal) -> Iterator[Fraction]:
        left = hours
        for available, price in self.priced:
            taken = min(left, available)
            if taken > 0:
                yield Fraction(taken) * price
            left -= taken


def _time(bill: Bill, line: BilledLine, terms: Terms) -> Iterator[Finding]:
    approved = _approved(bill, line, terms)
    hours = billed_hours(line, terms)
    if approved.dearest is None:
        yield from _time_without_rate(bill, line, terms, approved, hours)
        return
    if hours is None:
        yield from _time_without_hours(bill, line, approved)
        return
    within = min(hours, approved.total)
    over = hours - within
    agreed = approved.value(within, bill.currency)
    card = agreed + _rounded(Fraction(over) * approved.dearest, bill.currency)
    if line.amount > card:
        yield Finding(
            Code.RATE_ABOVE_CARD,
            line.key,
            plain(card),
            plain(line.amount),
            line.amount - card,
        )
    if over > 0:
        amount = max(min(line.amount, card) - agreed, NOTHING)
        yield _too_many(line, approved.total, hours, amount)


def _time_without_hours(
    bill: Bill, line: BilledLine, approved: _Hours
) -> Iterator[Finding]:
    """Without hours on the line, only what all approved ones come to can be told."""
    agreed = approved.value(approved.total, bill.currency)
    if line.amount > agreed and approved.dearest:
        amount = line.amount - agreed
        more = round(Fraction(amount) / approved.dearest, 2)
        hours = approved.total + Decimal(more.numerator) / more.denominator
        yield _too_many(line, approved.total, hours, amount)


def _time_without_rate(
    bill: Bill,
    line: BilledLine,
    terms: Terms,
    approved: _Hours,
    hours: Decimal | None,
) -> Iterator[Finding]:
    """Hold hours against the approved ones, and their price against what was agreed.

    As on a managed contract: by a unit price of an hour, or out of what is paid once.
    """
    over = max(hours - approved.total, NOTHING) if hours else NOTHING
    beyond = NOTHING
    if hours and over > 0:
        beyond = round_money(line.amount * over / hours, bill.currency)
        yield _too_many(line, approved.total, hours, beyond)
    elif hours is None and not approved.priced:
        yield _too_many(line, NOTHING, None, line.amount)
        return
    if terms.rates:
        # All of it is before the first one: told as out of the term.
        return
    if terms.hour_price is None:
        card = _left_to_pay_once(bill, line, terms)
    else:
        within = approved.total if hours is None else hours - over
        card = round_money(within * terms.hour_price, bill.currency)
    found = line.amount - beyond
    if found > card:
        yield Finding(
            Code.RATE_ABOVE_CARD, line.key, plain(card), plain(found), found - card
        )


def _too_many(
    line: BilledLine, approved: Decimal, billed: Decimal | None, amount: Decimal
) -> Finding:
    code = Code.UNAPPROVED_OVERTIME if line.is_overtime else Code.HOURS_ABOVE_APPROVED
    found = "" if billed is None else plain(billed)
    return Finding(code, line.key, plain(approved), found, amount)


def billed_hours(line: BilledLine, terms: Terms) -> Decimal | None:
    """Return the hours that a line bills; days count as the rate's day says."""
    if line.hours is not None:
        return line.hours
    if line.quantity is None or line.unit not in (HOUR, DAY):
        return None
    if line.unit == HOUR:
        return line.quantity
    rate = rate_on(terms.rates, line.first) or next(iter(terms.rates), None)
    return None if rate is None else line.quantity * rate.hours_per_day


def _approved(bill: Bill, line: BilledLine, terms: Terms) -> _Hours:
    """Return the approved hours of the period that no earlier line has billed.

    Overtime belongs to the lines that bill overtime; where none does, to the others.
    """
    same_days = [other for other in _beside(bill, line) if other.overlaps(line)]
    overtime_is_billed = any(other.is_overtime for other in same_days)
    worked = [
        one
        for one in bill.worked.get(line.engagement, ())
        if line.first <= one.day <= line.last
        and _is_for(one, line)
        and (
            one.is_overtime
            if line.is_overtime
            else not (one.is_overtime and overtime_is_billed)
        )
    ]
    priced = sorted(_priced(worked, terms.rates), key=lambda one: -one[1])
    billed = sum(
        (
            billed_hours(other, terms) or NOTHING
            for other in same_days
            if other.place < line.place
            and other.is_overtime == line.is_overtime
            and _may_be_same_person(other, line)
        ),
        NOTHING,
    )
    left = tuple(_without(priced, billed))
    return _Hours(left, _dearest(line, terms))


def _is_for(worked: Worked, line: BilledLine) -> bool:
    return line.person is None or worked.person in (None, line.person)


def _may_be_same_person(line: BilledLine, other: BilledLine) -> bool:
    return line.person is None or other.person in (None, line.person)


def _priced(worked: Iterable[Worked], rates: Sequence[Rate]) -> Iterator[_Priced]:
    for one in worked:
        rate = rate_on(rates, one.day)
        if rate is None:
            yield one.hours, Fraction(0)
        else:
            yield one.hours, rate.hourly(is_overtime=one.is_overtime)


def _without(priced: Sequence[_Priced], billed: Decimal) -> Iterator[_Priced]:
    """Take hours that are billed off the cheapest: what is left is told gently."""
    kept = []
    for hours, price in reversed(priced):
        taken = min(hours, billed)
        billed -= taken
        if hours > taken:
            kept.append((hours - taken, price))
    return reversed(kept)


def _dearest(line: BilledLine, terms: Terms) -> Fraction | None:
    known = sorted(terms.rates, key=lambda rate: rate.starts_on)
    in_force = [rate for rate in known if line.first < rate.starts_on <= line.last]
    at_first = rate_on(known, line.first)
    if at_first is not None:
        in_force.append(at_first)
    return max(
        (rate.hourly(is_overtime=line.is_overtime) for rate in in_force), default=None
    )


def rate_on(rates: Sequence[Rate], day: date) -> Rate | None:
    """Return the rate in force on the day; None before the first one."""
    started = [rate for rate in rates if rate.starts_on <= day]
    return max(started, key=lambda rate: rate.starts_on, default=None)


# --- one bill after another --------------------------------------------------------


def _periods(bill: Bill, line: BilledLine, terms: Terms) -> Iterator[Finding]:
    if line.charge not in (RECURRING, TIME):
        return
    earlier = [
        other
        for other in _beside(bill, line)
        if (other.person, other.is_overtime) == (line.person, line.is_overtime)
    ]
    yield from _overlap(bill, line, earlier)
    yield from _gap(bill, line, terms, earlier)


def _overlap(
    bill: Bill, line: BilledLine, others: Iterable[BilledLine]
) -> Iterator[Finding]:
    if line.charge == TIME and (line.hours is not None or line.quantity is not None):
        # Its hours are counted against those billed before.
        return
    before = [o for o in others if o.place < line.place and o.overlaps(line)]
    if before:
        other = max(before, key=lambda one: one.last)
        days = (min(line.last, other.last) - max(line.first, other.first)).days + 1
        yield Finding(
            Code.PERIOD_OVERLAP,
            line.key,
            (other.last + ONE_DAY).isoformat(),
            line.first.isoformat(),
            round_money(line.amount * days / line.days, bill.currency),
        )


def _gap(
    bill: Bill, line: BilledLine, terms: Terms, others: Iterable[BilledLine]
) -> Iterator[Finding]:
    """Tell of days between two bills that nobody billed, and that are to be paid.

    The first bill of all may come late: what was before it, other systems know.
    """
    others = list(others)
    before = [other.last for other in others if other.first < line.first]
    if not before:
        return
    next_day = max(before) + ONE_DAY
    if next_day < line.first and _is_due(
        bill, line, terms, next_day, line.first - ONE_DAY
    ):
        yield Finding(
            Code.PERIOD_GAP, line.key, next_day.isoformat(), line.first.isoformat()
        )


def _is_due(
    bill: Bill, line: BilledLine, terms: Terms, first: date, last: date
) -> bool:
    if line.charge == RECURRING:
        return max(fees_due(terms, first, last)) > 0
    return any(
        first <= one.day <= last
        and one.is_overtime == line.is_overtime
        and _is_for(one, line)
        for one in bill.worked.get(line.engagement, ())
    )


def _beside(bill: Bill, line: BilledLine) -> Iterator[BilledLine]:
    """Yield the other lines of the engagement and charge that bill anything."""
    for other in (*bill.others, *bill.lines):
        is_like = (other.engagement, other.charge) == (line.engagement, line.charge)
        if is_like and other.key != line.key and other.amount > 0:
            yield other


def _earlier(bill: Bill, line: BilledLine) -> Iterator[BilledLine]:
    for other in (*bill.others, *bill.lines):
        if other.engagement == line.engagement and other.place < line.place:
            yield other


# --- orders and credits ------------------------------------------------------------


def _orders(bill: Bill) -> Iterator[Finding]:
    left: dict[int, Decimal] = {}
    for line in bill.lines:
        order = bill.orders.get(line.key)
        if order is None or line.charge == TAX:
            continue
        if order.currency != bill.currency:
            yield Finding(
                Code.WRONG_CURRENCY,
                line.key,
                order.currency,
                bill.currency,
                max(line.amount, NOTHING),
            )
            continue
        remaining = left.get(order.key, order.remaining)
        left[order.key] = remaining - line.amount
        available = max(remaining, NOTHING)
        if line.amount > available:
            yield Finding(
                Code.OVER_ORDER,
                line.key,
                plain(available),
                plain(line.amount),
                line.amount - available,
            )


def _credits(bill: Bill) -> Iterator[Finding]:
    """Tell once per engagement of agreed credits that the invoice doesn't give."""
    told: set[int] = set()
    for line in bill.lines:
        agreed = bill.credits.get(line.engagement, NOTHING)
        if agreed <= 0 or line.engagement in told or line.charge in (CREDIT, TAX):
            continue
        told.add(line.engagement)
        given = -sum(
            (
                other.amount
                for other in bill.lines
                if other.engagement == line.engagement and other.charge == CREDIT
            ),
            NOTHING,
        )
        if given < agreed:
            yield Finding(
                Code.CREDIT_NOT_APPLIED,
                line.key,
                plain(agreed),
                plain(given),
                agreed - max(given, NOTHING),
            )


_CHECKS = {
    RECURRING: _fee,
    TIME: _time,
    UNIT: _units,
    MILESTONE: _one_off,
    ONE_OFF: _one_off,
    EXPENSE: _one_off,
    CREDIT: _unagreed,
    PAYMENT: _unagreed,
}


def plain(number: Decimal) -> str:
    """Return the number without trailing zeros or exponent."""
    return f"{number.normalize():f}"
