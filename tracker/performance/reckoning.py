"""The figures of a contract's service levels, window by window, from its records.

Records are read as they stream by: a hundred thousand tickets take no more memory
than a hundred.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Max, Q

from engagements.choices import Direction, MeasuredBy, Metric
from engagements.choices import Window as WindowKind
from engagements.models import ManagedContract, ServiceLevel
from tracker.performance.calendars import Calendar, calendar_of, moment_at, seconds_of
from tracker.performance.models import Downtime, Measurement, Ticket
from tracker.performance.service_clock import Span, is_within
from tracker.performance.service_levels import (
    NOTHING,
    Bounds,
    Figure,
    TicketCount,
    TicketTimes,
    Window,
    from_counts,
    from_downtime,
    from_values,
    windows_between,
)

READ_AT_A_TIME = 5000
MONTHS = {WindowKind.MONTH.value: 1, WindowKind.QUARTER.value: 3}
# A mean time is told in one of these; any other unit is a share of the tickets.
SECONDS_OF_UNIT = {"minutes": 60, "min": 60, "hours": 3600, "h": 3600, "days": 86400}
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Reckoned:
    """A level's window with its figure and the incidents behind it."""

    level: ServiceLevel
    window: Window
    figure: Figure
    incidents: tuple[str, ...] = ()


Key = tuple[int, date]


def bounds_of(level: ServiceLevel) -> Bounds:
    return Bounds(level.direction == Direction.AT_MOST, level.target, level.minimum)


def windows_of(level: ServiceLevel, first: date, last: date) -> list[Window]:
    return windows_between(first, last, MONTHS[level.window])


def reckon(
    contract: ManagedContract,
    levels: Sequence[ServiceLevel],
    *,
    windows: Mapping[int, Sequence[Window]],
    now: datetime,
) -> list[Reckoned]:
    """Return the figure of each level's windows as the records stand `now`.

    `windows` are by level id, in order. The number of queries doesn't grow with
    levels, windows or records.
    """
    wanted = [window for level in levels for window in windows.get(level.pk, ())]
    if not wanted:
        return []
    first = min(window.first for window in wanted)
    last = max(window.last for window in wanted)
    reader = _Reader(contract, levels, first, last, now)
    return [
        Reckoned(level, window, *reader.figure(level, window))
        for level in levels
        for window in windows.get(level.pk, ())
    ]


class _Reader:
    """Everything recorded of some levels between two days, read once."""

    def __init__(
        self,
        contract: ManagedContract,
        levels: Sequence[ServiceLevel],
        first: date,
        last: date,
        now: datetime,
    ) -> None:
        self.levels = levels
        self.now = seconds_of(now)
        latest = max(_latest_of_tickets(contract, levels), now)
        # A ticket, or an outage, may end long after the window that it began in.
        self.calendar = calendar_of(
            contract, first=first, last=max(last, latest.date() + ONE_DAY)
        )
        self.span = (
            self.calendar.start_of(first),
            self.calendar.start_of(last + ONE_DAY),
        )
        self.measurements = _measurements(levels, first, last)
        self.outages = _outages(levels, self.span)
        self.tickets = _count_tickets(contract, levels, self.calendar, self.span, now)

    def figure(
        self, level: ServiceLevel, window: Window
    ) -> tuple[Figure, tuple[str, ...]]:
        rows = [
            row
            for row in self.measurements.get(level.pk, ())
            if window.first <= row.period_from <= window.last
        ]
        incidents = {row.incident for row in rows} - {""}
        match level.measured_by:
            case MeasuredBy.TICKETS:
                return self._tickets_in(level, window), ()
            case MeasuredBy.COUNTS:
                figure = from_counts([(row.good or 0, row.total or 0) for row in rows])
            case MeasuredBy.DOWNTIME:
                start, end = self._in_force(window)
                outages = [
                    outage
                    for outage in self.outages.get(level.pk, ())
                    if outage.start < end
                    and (outage.end > start or outage.start >= start)
                ]
                incidents |= {outage.incident for outage in outages} - {""}
                figure = from_downtime(
                    self.calendar.clock_of(level),
                    start,
                    end,
                    outages=[(outage.start, outage.end) for outage in outages],
                    reported_seconds=[
                        int((row.downtime_minutes or 0) * 60) for row in rows
                    ],
                )
            case _:
                figure = from_values(
                    [
                        (row.value, (row.period_to - row.period_from).days + 1)
                        for row in rows
                        if row.value is not None
                    ]
                )
        return figure, tuple(sorted(incidents))

    def _in_force(self, window: Window) -> Span:
        """Return the window's moments, as far as the contract was in force."""
        ends_on = self.calendar.contract.ends_on or window.last
        return self.calendar.span_of(
            Window(
                max(window.first, self.calendar.contract.starts_on),
                min(window.last, ends_on),
            )
        )

    def _tickets_in(self, level: ServiceLevel, window: Window) -> Figure:
        found = self.tickets.get((level.pk, window.first))
        return found.figure() if found else NOTHING


class _Measured(NamedTuple):
    period_from: date
    period_to: date
    value: Decimal | None
    good: int | None
    total: int | None
    downtime_minutes: Decimal | None
    incident: str


class _Outage(NamedTuple):
    start: int
    end: int
    incident: str


def _by(levels: Sequence[ServiceLevel], *measured_by: MeasuredBy) -> list[int]:
    return [level.pk for level in levels if level.measured_by in measured_by]


def _measurements(
    levels: Sequence[ServiceLevel], first: date, last: date
) -> dict[int, list[_Measured]]:
    measured = _by(levels, MeasuredBy.VALUE, MeasuredBy.COUNTS, MeasuredBy.DOWNTIME)
    rows = (
        Measurement.objects.filter(
            service_level__in=measured, period_from__range=(first, last)
        )
        .order_by("period_from", "id")
        .values_list("service_level_id", *_Measured._fields)
    )
    found: dict[int, list[_Measured]] = defaultdict(list)
    for level, *row in rows.iterator(READ_AT_A_TIME):
        found[level].append(_Measured(*row))
    return found


def _outages(levels: Sequence[ServiceLevel], span: Span) -> dict[int, list[_Outage]]:
    rows = (
        Downtime.objects.filter(
            service_level__in=_by(levels, MeasuredBy.DOWNTIME),
            began_at__lt=moment_at(span[1]),
            ended_at__gte=moment_at(span[0]),
        )
        .order_by("began_at", "id")
        .values_list("service_level_id", "began_at", "ended_at", "incident")
    )
    found: dict[int, list[_Outage]] = defaultdict(list)
    for level, began_at, ended_at, incident in rows.iterator(READ_AT_A_TIME):
        found[level].append(
            _Outage(seconds_of(began_at), seconds_of(ended_at), incident)
        )
    return found


def _latest_of_tickets(
    contract: ManagedContract, levels: Sequence[ServiceLevel]
) -> datetime:
    never = moment_at(0)
    if not _by(levels, MeasuredBy.TICKETS):
        return never
    latest = Ticket.objects.filter(engagement=contract.pk).aggregate(
        responded=Max("responded_at"), resolved=Max("resolved_at")
    )
    return max(latest["responded"] or never, latest["resolved"] or never)


@dataclass(frozen=True)
class _TicketLevel:
    """What of a ticket counts for one level, worked out once."""

    level: ServiceLevel
    starts: list[int]
    windows: list[Window]
    excluded: list[Span]

    def window_at(self, opened: int) -> Window | None:
        index = bisect_right(self.starts, opened) - 1
        return self.windows[index] if index >= 0 else None

    def takes(self, priority: str, ticket_group: str, opened: int) -> bool:
        level = self.level
        if level.priority and level.priority.casefold() != priority.casefold():
            return False
        group = level.ticket_group.casefold()
        if group and group != ticket_group.casefold():
            return False
        return not is_within(opened, self.excluded)


def new_count(level: ServiceLevel) -> TicketCount:
    within = None if level.within_minutes is None else level.within_minutes * 60
    return TicketCount(within, SECONDS_OF_UNIT.get(level.unit.strip().casefold()))


def _count_tickets(
    contract: ManagedContract,
    levels: Sequence[ServiceLevel],
    calendar: Calendar,
    span: Span,
    now: datetime,
) -> Mapping[Key, TicketCount]:
    counted = [
        ticket_level(level, calendar, span)
        for level in levels
        if level.measured_by == MeasuredBy.TICKETS
    ]
    counts: dict[Key, TicketCount] = {}
    if not counted:
        return counts
    moment = seconds_of(now)
    for priority, group, opened, *rest in _tickets(contract, span):
        for one in counted:
            if not one.takes(priority, group, opened):
                continue
            window = one.window_at(opened)
            if window is None:
                continue
            key = (one.level.pk, window.first)
            if key not in counts:
                counts[key] = new_count(one.level)
            counts[key].add(
                times_of(one.level, opened, rest), calendar.clock_of(one.level), moment
            )
    return counts


def ticket_level(level: ServiceLevel, calendar: Calendar, span: Span) -> _TicketLevel:
    first = moment_at(span[0]).astimezone(calendar.zone).date()
    last = moment_at(span[1] - 1).astimezone(calendar.zone).date()
    windows = windows_of(level, first, last)
    starts = [calendar.start_of(window.first) for window in windows]
    return _TicketLevel(level, starts, windows, calendar.spans_of(level.pk))


def times_of(
    level: ServiceLevel, opened: int, rest: Sequence[int | bool | None]
) -> TicketTimes:
    """Return what of a ticket the level's metric looks at."""
    responded, resolved, response_met, resolution_met = rest
    if level.metric == Metric.RESPONSE:
        return TicketTimes(opened, responded, _flag(response_met))
    return TicketTimes(opened, resolved, _flag(resolution_met))


def _flag(value: int | bool | None) -> bool | None:
    return None if value is None else bool(value)


def _tickets(
    contract: ManagedContract, span: Span
) -> Iterable[tuple[str, str, int, int | None, int | None, bool | None, bool | None]]:
    rows = (
        Ticket.objects.filter(
            Q(opened_at__gte=moment_at(span[0])),
            Q(opened_at__lt=moment_at(span[1])),
            engagement=contract.pk,
        )
        .order_by()
        .values_list(
            "priority",
            "ticket_group",
            "opened_at",
            "responded_at",
            "resolved_at",
            "response_met",
            "resolution_met",
        )
    )
    for priority, group, opened, responded, resolved, *flags in rows.iterator(
        READ_AT_A_TIME
    ):
        yield (
            priority,
            group,
            seconds_of(opened),
            None if responded is None else seconds_of(responded),
            None if resolved is None else seconds_of(resolved),
            flags[0],
            flags[1],
        )
