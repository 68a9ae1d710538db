"""What should stand in the ledger, kept the simplest way that could be right.

An independent model: it imports nothing of the product, and reckons in fractions.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

FIRST = date(2026, 1, 1)
CENT = Fraction(1, 100)
# What one euro is worth on every day, until somebody says otherwise.
EURO = Fraction(7, 8)
UNALLOCATED = "UNALLOCATED"

# Engagement, month of service, month it is booked in, cost centre, charge, basis.
Key = tuple[str, str, str, str, str, str]
Shares = dict[str, int]


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


@dataclass(eq=False)
class Accrued:
    """Hours that cost money and that nobody has billed."""

    day: date
    booked: str
    amount: Fraction
    split: Shares


@dataclass(eq=False)
class Log:
    """Hours told without a sheet."""

    day: date
    accrued: Accrued
    is_withdrawn: bool = False


@dataclass(eq=False)
class Bill:
    """A bill of time."""

    first: date
    last: date
    amount: Fraction
    is_approved: bool = False
    is_credited: bool = False

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last and not self.is_credited


@dataclass(eq=False)
class Sheet:
    """A week's hours by day: draft, submitted, approved, rejected or invoiced."""

    status: str = "draft"
    hours: dict[date, Fraction] = field(default_factory=dict)
    accrued: list[Accrued] = field(default_factory=list)


class Books:
    def __init__(self) -> None:
        self.rows: dict[Key, list[Fraction]] = defaultdict(
            lambda: [Fraction(0), Fraction(0)]
        )
        self.open_time: list[Accrued] = []
        self.logs: list[Log] = []
        self.bills: list[Bill] = []
        self.sheets: dict[date, Sheet] = defaultdict(Sheet)
        self.fees: dict[tuple[str, int], Fraction] = {}
        self.closed = 0
        self.splits: dict[str, dict[date, Shares]] = defaultdict(dict)
        self.rates: dict[date, Fraction] = {FIRST: Fraction(80)}
        self.euros: dict[date, Fraction] = {}

    def split(self, name: str, day: date) -> Shares:
        past = [start for start in self.splits[name] if start <= day]
        return self.splits[name][max(past)] if past else {UNALLOCATED: 100}

    def booked(self, month: str) -> str:
        """The month itself, or the first of the year that is open."""
        return max(month, f"2026-{self.closed + 1:02}")

    def spent_by(self, centre: str) -> Fraction:
        of_it = (row[1] for key, row in self.rows.items() if key[3] == centre)
        return sum(of_it, Fraction(0))

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
        rate = self.euros.get(day, EURO)
        worth = half_up(amount * rate) if name == "euro" else amount
        weights = [Fraction(percent) for percent in split.values()]
        both = zip(split, parts(amount, weights), parts(worth, weights), strict=True)
        for centre, part, reported in both:
            row = self.rows[name, month, booked, centre, charge, basis]
            row[0] += sign * part
            row[1] += sign * reported
        return booked

    # --- hours -----------------------------------------------------------------------

    def accrue(self, day: date, hours: Fraction) -> Accrued:
        rate = self.rates[max(start for start in self.rates if start <= day)]
        amount, split = half_up(hours * rate), self.split("time", day)
        booked = self.put("time", day, "time", "accrued", amount, split)
        line = Accrued(day, booked, amount, split)
        self.open_time.append(line)
        return line

    def take_back(self, lines: list[Accrued]) -> None:
        """Take back what still stands of the lines, as it was posted."""
        for one in lines:
            if one in self.open_time:
                posted = ("time", "accrued", one.amount, one.split, -1, one.booked)
                self.put("time", one.day, *posted)
                self.open_time.remove(one)

    def work(self, day: date, hours: Fraction) -> None:
        self.logs.append(Log(day, self.accrue(day, hours)))

    def may_withdraw(self, log: Log) -> bool:
        return not any(b.is_approved and b.covers(log.day) for b in self.bills)

    def withdraw(self, log: Log) -> None:
        log.is_withdrawn = True
        self.take_back([log.accrued])

    def submit(self, sheet: Sheet, hours: dict[date, Fraction]) -> None:
        sheet.status, sheet.hours = "submitted", hours
        sheet.accrued = [self.accrue(day, told) for day, told in hours.items() if told]

    def decide(self, sheet: Sheet, *, is_approved: bool) -> None:
        sheet.status = "approved" if is_approved else "rejected"
        if not is_approved:
            self.take_back(sheet.accrued)

    # --- bills -----------------------------------------------------------------------

    def bill(
        self, name: str, charge: str, first: date, last: date, amount: Fraction
    ) -> None:
        if charge == "time":
            self.take_back([one for one in self.open_time if first <= one.day <= last])
            self.bills.append(Bill(first, last, amount))
        self.charge(name, charge, first, last, amount)

    def charge(
        self, name: str, charge: str, first: date, last: date, amount: Fraction
    ) -> None:
        months = month_days(first, last)
        shares = parts(amount, [share for _start, share in months])
        for (start, _share), part in zip(months, shares, strict=True):
            self.put(name, start, charge, "actual", part, self.split(name, start))

    def approve(self, bill: Bill) -> None:
        bill.is_approved = True
        self.close_sheets()

    def credit(self, bill: Bill) -> None:
        """Take a bill back in full, agreed to: its sheets wait for another one."""
        self.charge("time", "time", bill.first, bill.last, -bill.amount)
        bill.is_credited = True
        done = [one for one in self.sheets.values() if one.status == "invoiced"]
        for sheet in done:
            meets = any(bill.first <= day <= bill.last for day in self.week_of(sheet))
            if meets and not self.is_billed(sheet):
                sheet.status = "approved"
                sheet.accrued = [
                    self.accrue(day, told)
                    for day, told in sheet.hours.items()
                    if told and not any(one.covers(day) for one in self.bills)
                ]
        self.close_sheets()

    def close_sheets(self) -> None:
        """A sheet is done with once approved bills cover every day of it."""
        for sheet in self.sheets.values():
            if sheet.status == "approved" and self.is_billed(sheet):
                sheet.status = "invoiced"
                self.take_back(sheet.accrued)

    def is_billed(self, sheet: Sheet) -> bool:
        released = [one for one in self.bills if one.is_approved]
        return all(any(one.covers(day) for one in released) for day in sheet.hours)

    def week_of(self, sheet: Sheet) -> list[date]:
        monday = min(sheet.hours) - timedelta(days=min(sheet.hours).weekday())
        return [monday + timedelta(days=n) for n in range(7)]
