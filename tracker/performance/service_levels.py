"""What a service level's window comes to: a figure, and whether it was reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

from engagements.values.periods import (
    add_months,
    last_day_of_month,
    month_of,
    months_between,
)
from tracker.performance.service_clock import ServiceClock, Span, merged

HUNDRED = Decimal(100)
SECONDS = Decimal(60)
# Decimals with which figures are stored and compared.
STEP = Decimal("0.00000001")
HUNDREDTH = Decimal("0.01")


class Outcome(StrEnum):
    MET = "met"
    MISSED = "missed"
    NO_DATA = "no_data"
    EXCUSED = "excused"


class Window(NamedTuple):
    """A calendar month or quarter; both days are included."""

    first: date
    last: date


def window_of(day: date, months: int) -> Window:
    """Return the window of 1 or 3 months that the day lies in."""
    month = month_of(day)
    first = add_months(month, -((month.month - 1) % months))
    return Window(first, last_day_of_month(add_months(first, months - 1)))


def windows_between(first: date, last: date, months: int) -> list[Window]:
    """Return every window that the days touch, in order."""
    starts = {window_of(month, months): None for month in months_between(first, last)}
    return list(starts)


@dataclass(frozen=True)
class Bounds:
    """What was promised. `minimum` is what must be reached where it is easier."""

    is_ceiling: bool
    target: Decimal
    minimum: Decimal | None = None

    def is_reached(self, value: Decimal) -> bool:
        return self._is_as_good(
            value, self.target if self.minimum is None else self.minimum
        )

    def is_at_target(self, value: Decimal) -> bool:
        return self._is_as_good(value, self.target)

    def _is_as_good(self, value: Decimal, bound: Decimal) -> bool:
        return value <= bound if self.is_ceiling else value >= bound


@dataclass(frozen=True)
class Figure:
    """What a window's records come to; `value` is None where they say nothing.

    `good` of `total` are the counts behind it, `down` and `service` are seconds.
    """

    value: Decimal | None = None
    good: int | None = None
    total: int | None = None
    down: int | None = None
    service: int | None = None
    records: int = 0


NOTHING = Figure()


def outcome_of(figure: Figure, bounds: Bounds) -> Outcome:
    """Return met or missed; a window without data is neither."""
    if figure.value is None:
        return Outcome.NO_DATA
    return Outcome.MET if bounds.is_reached(figure.value) else Outcome.MISSED


def from_values(values: Sequence[tuple[Decimal, int]]) -> Figure:
    """Return the mean of figures, each weighed by the days that it stands for."""
    if not values:
        return NOTHING
    days = sum(weight for _value, weight in values)
    total = sum((value * weight for value, weight in values), Decimal(0))
    return Figure(value=_stored(total / days), records=len(values))


def from_counts(counts: Sequence[tuple[int, int]]) -> Figure:
    """Return what share was good, in percent; of nothing there is no share."""
    good = sum(part for part, _whole in counts)
    total = sum(whole for _part, whole in counts)
    return of_counts(good, total, records=len(counts))


def of_counts(good: int, total: int, *, records: int) -> Figure:
    if not total:
        return Figure(good=good, total=total, records=records)
    share = _stored(HUNDRED * good / total)
    return Figure(value=share, good=good, total=total, records=records)


def from_downtime(
    clock: ServiceClock,
    start: int,
    end: int,
    *,
    outages: Sequence[Span],
    reported_seconds: Sequence[int] = (),
) -> Figure:
    """Return availability from `start` to `end`, in percent of the time of service.

    Outages that overlap count once, and only in time of service. Reported seconds
    are taken as they are. Without an outage or a report nobody watched: no data.
    """
    records = len(outages) + len(reported_seconds)
    service = clock.seconds(start, end)
    if not records or not service:
        return Figure(service=service, records=records)
    inside = [(max(a, start), min(b, end)) for a, b in outages]
    counted = sum(clock.seconds(a, b) for a, b in merged(inside))
    down = min(service, counted + sum(reported_seconds))
    share = _stored(HUNDRED * (service - down) / service)
    return Figure(value=share, down=down, service=service, records=records)


class TicketTimes(NamedTuple):
    """A ticket as a level sees it; `done` is when it was answered or solved.

    `flag` is what the source says of it: True for met, None where it says nothing.
    """

    opened: int
    done: int | None
    flag: bool | None


def was_in_time(
    ticket: TicketTimes, clock: ServiceClock, within: int | None, now: int
) -> bool | None:
    """Return whether the ticket was in time; None while, or where, nobody can say.

    The source's own flag is believed. Otherwise `within` seconds of service count
    from the opening; a ticket that waits is late once they have run out.
    """
    if ticket.flag is not None or within is None:
        return ticket.flag
    taken = clock.seconds(ticket.opened, now if ticket.done is None else ticket.done)
    if taken > within:
        return False
    return None if ticket.done is None else True


class TicketCount:
    """The tickets of one level and window, counted as they stream by."""

    def __init__(
        self, within_seconds: int | None, seconds_per_unit: int | None
    ) -> None:
        """`seconds_per_unit` is given where the level is a mean time, else None."""
        self.within = within_seconds
        self.unit = seconds_per_unit
        self.good = self.total = self.taken = 0

    def add(self, ticket: TicketTimes, clock: ServiceClock, now: int) -> None:
        if self.unit is not None:
            if ticket.done is not None:
                self.total += 1
                self.taken += clock.seconds(ticket.opened, ticket.done)
            return
        in_time = was_in_time(ticket, clock, self.within, now)
        if in_time is not None:
            self.total += 1
            self.good += in_time

    def figure(self) -> Figure:
        if self.unit is None:
            return of_counts(self.good, self.total, records=self.total)
        if not self.total:
            return NOTHING
        mean = Decimal(self.taken) / self.total / self.unit
        return Figure(value=_stored(mean), total=self.total, records=self.total)


def summed(figures: Iterable[Figure]) -> Figure:
    """Return the availability, or share, of several windows taken as one."""
    found = [figure for figure in figures if figure.value is not None]
    if not found:
        return NOTHING
    records = sum(figure.records for figure in found)
    if all(figure.service is not None for figure in found):
        service = sum(figure.service or 0 for figure in found)
        down = sum(figure.down or 0 for figure in found)
        share = _stored(HUNDRED * (service - down) / service)
        return Figure(value=share, down=down, service=service, records=records)
    if all(figure.good is not None for figure in found):
        return of_counts(
            sum(figure.good or 0 for figure in found),
            sum(figure.total or 0 for figure in found),
            records=records,
        )
    values = [figure.value for figure in found if figure.value is not None]
    mean = _stored(sum(values, Decimal(0)) / len(values))
    return Figure(value=mean, records=records)


def shown(value: Decimal) -> Decimal:
    """Return the figure to two decimals, halves away from zero."""
    return value.quantize(HUNDREDTH, rounding=ROUND_HALF_UP)


def minutes_of(seconds: int) -> Decimal:
    """Return minutes to two decimals."""
    return (seconds / SECONDS).quantize(HUNDREDTH, rounding=ROUND_HALF_UP)


def _stored(value: Decimal) -> Decimal:
    return value.quantize(STEP, rounding=ROUND_HALF_UP)
