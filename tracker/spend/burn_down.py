"""How fast a purchase order is used up, and until when it lasts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal

from engagements.values.money import round_money
from engagements.values.periods import ONE_DAY

WEEKS = 8
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Validity:
    """An order's days of service, both included."""

    order: int
    starts_on: date
    ends_on: date | None

    def holds(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


@dataclass(frozen=True)
class Drawn:
    """An amount that was used in some days of service."""

    first: date
    last: date
    amount: Decimal

    def within(self, first: date, last: date) -> Decimal:
        """Return the part of those days, by days; not rounded."""
        days = (min(self.last, last) - max(self.first, first)).days + 1
        if days <= 0:
            return NOTHING
        return self.amount * days / ((self.last - self.first).days + 1)


@dataclass(frozen=True)
class BurnDown:
    """An order as of a day; amounts in its currency.

    `runs_out_on` is the first day on which nothing is left, None while nothing is
    drawn; `weekly` the mean of the last weeks.
    """

    ordered: Decimal
    invoiced: Decimal
    accrued: Decimal
    weekly: Decimal
    runs_out_on: date | None
    ends_on: date | None

    @property
    def used(self) -> Decimal:
        return self.invoiced + self.accrued

    @property
    def remaining(self) -> Decimal:
        return self.ordered - self.used

    @property
    def is_short(self) -> bool:
        """Whether it runs out before its end, or has already."""
        if self.remaining < 0:
            return True
        if self.runs_out_on is None or self.ends_on is None:
            return False
        return self.runs_out_on <= self.ends_on


def order_on(validities: Iterable[Validity], day: date) -> int | None:
    """Return the order that pays for the day: of several, the one begun last."""
    held = [one for one in validities if one.holds(day)]
    latest = max(held, key=lambda one: (one.starts_on, one.order), default=None)
    return None if latest is None else latest.order


def burn_down(
    *,
    ordered: Decimal,
    invoiced: Sequence[Drawn],
    accrued: Sequence[Drawn],
    validity: Validity,
    today: date,
    currency: str,
) -> BurnDown:
    """Return what is left of an order and when it runs out.

    Remaining is what was ordered, less invoiced, less accrued; the burn is the mean of
    the last eight weeks, of fewer where the order is younger.
    """
    billed = sum((one.amount for one in invoiced), NOTHING)
    waiting = sum((one.amount for one in accrued), NOTHING)
    first = max(today - timedelta(weeks=WEEKS) + ONE_DAY, validity.starts_on)
    weekly = _weekly([*invoiced, *accrued], first, today)
    return BurnDown(
        ordered=ordered,
        invoiced=billed,
        accrued=round_money(waiting, currency),
        weekly=round_money(weekly, currency),
        runs_out_on=_runs_out(ordered - billed - waiting, weekly, today),
        ends_on=validity.ends_on,
    )


def _weekly(drawn: Sequence[Drawn], first: date, last: date) -> Decimal:
    days = (last - first).days + 1
    if days <= 0:
        return NOTHING
    burnt = sum((one.within(first, last) for one in drawn), NOTHING)
    return burnt * 7 / days


def _runs_out(remaining: Decimal, weekly: Decimal, today: date) -> date | None:
    if remaining <= 0:
        return today
    if weekly <= 0:
        return None
    days = (remaining * 7 / weekly).to_integral_value(rounding=ROUND_FLOOR)
    # An order that lasts for longer than dates reach has no end in sight.
    return today + timedelta(days=int(days)) if days < 36_500 else None
