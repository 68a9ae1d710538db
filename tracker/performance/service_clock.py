"""Time of service: seconds that count, in local hours, without what is excluded.

Times are whole seconds since 1970 in UTC. Hours are those that the clock on the wall
shows in the contract's zone: a day on which it is put forward has 23 hours, and a
service that opens at 09:00 does so in summer and in winter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[int, int]
MIDNIGHT = time(0)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ServiceWeek:
    """Which days and hours count; without hours the whole day does."""

    weekdays: frozenset[int]
    opens_at: time | None
    closes_at: time | None
    on_public_holidays: bool

    def with_hours(self, opens_at: time | None, closes_at: time | None) -> ServiceWeek:
        """Return the week with the contract's own hours, where it gives any."""
        if self.opens_at is None:
            return self
        return ServiceWeek(
            self.weekdays,
            opens_at or self.opens_at,
            closes_at or self.closes_at,
            self.on_public_holidays,
        )


WEEKS = {
    "business": ServiceWeek(frozenset(range(5)), time(9), time(17), False),
    "extended": ServiceWeek(frozenset(range(6)), time(7), time(21), False),
    "always": ServiceWeek(frozenset(range(7)), None, None, True),
}


class ServiceClock:
    """Spans that count, ascending and apart; answers in a few steps of bisection."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before: list[int] = []
        counted = 0
        for start, end in spans:
            self._starts.append(start)
            self._ends.append(end)
            self._before.append(counted)
            counted += end - start

    def seconds(self, start: int, end: int) -> int:
        """Return the seconds of service between two moments; 0 when out of order."""
        return max(0, self._until(end) - self._until(start))

    def _until(self, moment: int) -> int:
        index = bisect_right(self._starts, moment) - 1
        if index < 0:
            return 0
        return (
            self._before[index] + min(moment, self._ends[index]) - self._starts[index]
        )


def service_clock(
    *,
    week: ServiceWeek,
    zone: ZoneInfo,
    first: date,
    last: date,
    is_public_holiday: Callable[[date], bool],
    excluded: Iterable[Span] = (),
) -> ServiceClock:
    """Return the clock for the local days from `first` to `last`, both included."""
    days = _open_days(week, zone, first, last, is_public_holiday)
    return ServiceClock(without(days, merged(excluded)))


def _open_days(
    week: ServiceWeek,
    zone: ZoneInfo,
    first: date,
    last: date,
    is_public_holiday: Callable[[date], bool],
) -> Iterator[Span]:
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.weekday() not in week.weekdays:
            continue
        if not week.on_public_holidays and is_public_holiday(day):
            continue
        if week.opens_at is None or week.closes_at is None:
            yield moment_of(day, zone), moment_of(day + ONE_DAY, zone)
        else:
            yield (
                moment_of(day, zone, week.opens_at),
                moment_of(day, zone, week.closes_at),
            )


def moment_of(day: date, zone: ZoneInfo, at: time = MIDNIGHT) -> int:
    """Return the moment at which the zone's clocks show the time; the first of two."""
    return int(datetime.combine(day, at, tzinfo=zone).timestamp())


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that touch or overlap made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], excluded: Sequence[Span]) -> Iterator[Span]:
    """Yield what of the spans remains; both are ascending and apart."""
    index = 0
    for start, end in spans:
        while index < len(excluded) and excluded[index][1] <= start:
            index += 1
        at = index
        while at < len(excluded) and excluded[at][0] < end:
            if excluded[at][0] > start:
                yield start, excluded[at][0]
            start = excluded[at][1]
            at += 1
        if start < end:
            yield start, end


def is_within(moment: int, spans: Sequence[Span]) -> bool:
    """Whether the moment lies in one of the spans, ascending and apart."""
    index = bisect_right(spans, (moment, 1 << 62)) - 1
    return index >= 0 and moment < spans[index][1]
