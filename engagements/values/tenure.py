"""How long one person has worked for us, and when a limit is reached.

Days are inclusive. Months are of 30 days each, as in 30/360 and in section 191 of the
German civil code for time that isn't of one piece: eighteen months from the 15th end
on the 14th whatever the months are called, and pieces add up to the same however they
are cut. Reckoning each piece by the calendar would not: two pieces could count for
more than the same two with the day between them worked as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from engagements.values.periods import ONE_DAY, add_months

DAYS_A_MONTH = 30
# The last of February closes a month of 30 days, so no day counts for more.
MOST_IN_A_DAY = 3
NEVER = date.max


@dataclass(frozen=True)
class Span:
    """Days of work, both ends included; open-ended where `ends_on` is None."""

    starts_on: date
    ends_on: date | None


@dataclass(frozen=True)
class Limit:
    """At most so many months, within a window that moves along where there is one.

    A break longer than `reset_gap_months` starts the count anew; None: none does.
    Raises ValueError where the window is too short for the limit to be reached.
    """

    months: int
    window_months: int | None = None
    reset_gap_months: int | None = None

    def __post_init__(self) -> None:
        if self.window_months is not None and self.window_months < self.months:
            raise ValueError("The window is shorter than the limit.")

    @property
    def moving_window(self) -> int | None:
        """The window; one no longer than the limit would never be too full."""
        return None if self.window_months == self.months else self.window_months


@dataclass(frozen=True)
class Served:
    """Whole months, and days of a month of 30."""

    months: int
    days: int


@dataclass(frozen=True)
class Clock:
    """What stands against further work.

    `limit_on` is the last day within the limit where work goes on without a break
    after what is agreed; `exceeded_on` the first agreed day beyond it, if any.
    """

    served: Served
    is_reached: bool
    limit_on: date
    exceeded_on: date | None


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same days as spans that neither overlap nor touch, in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.starts_on):
        if span.ends_on is not None and span.ends_on < span.starts_on:
            continue
        if found and _touches(found[-1], span):
            found[-1] = Span(found[-1].starts_on, _later(found[-1], span))
        else:
            found.append(span)
    return found


def served(spans: Iterable[Span], limit: Limit, as_of: date) -> Served:
    """Return what has been served up to and with `as_of`, and counts the day after."""
    counted = _counted_before(merged(spans), limit, as_of + ONE_DAY)
    return Served(*divmod(counted, DAYS_A_MONTH))


def clock(spans: Iterable[Span], limit: Limit, as_of: date) -> Clock:
    """Return how the person stands at the end of `as_of`."""
    work = merged(spans)
    tomorrow = as_of + ONE_DAY
    is_reached = _left(work, limit, tomorrow) <= 0
    if is_reached:
        limit_on = _last_day_within(work, limit, as_of)
    else:
        limit_on = _first_over(_going_on(work, as_of), limit, tomorrow) - ONE_DAY
    return Clock(
        served=served(work, limit, as_of),
        is_reached=is_reached,
        limit_on=limit_on,
        exceeded_on=first_day_over(work, limit, limit_on + ONE_DAY),
    )


def first_day_over(spans: Iterable[Span], limit: Limit, since: date) -> date | None:
    """Return the first day of work from `since` on that is beyond the limit."""
    over = _first_over(merged(spans), limit, since)
    return None if over == NEVER else over


def _first_over(work: Sequence[Span], limit: Limit, since: date) -> date:
    """Return the same, or NEVER; open-ended work always gets there."""
    for span in work:
        day = max(span.starts_on, since)
        while span.ends_on is None or day <= span.ends_on:
            left = _left(work, limit, day)
            if left <= 0:
                return day
            # No day counts for more, so none that is passed over can be the one.
            day += ONE_DAY * max(1, left // MOST_IN_A_DAY)
    return NEVER


def _last_day_within(work: Sequence[Span], limit: Limit, day: date) -> date:
    left = _left(work, limit, day)
    while left <= 0:
        # Nor can one be passed over on the way back.
        day -= ONE_DAY * max(1, -left // MOST_IN_A_DAY)
        left = _left(work, limit, day)
    return day


def _left(work: Sequence[Span], limit: Limit, day: date) -> int:
    """Return what may still be worked, `day` included; 0 or less means not `day`."""
    left = limit.months * DAYS_A_MONTH - _counted_before(work, limit, day)
    if left == 0 and limit.moving_window is not None:
        # The 30th of a month of 31 days counts for nothing. Somebody who works as
        # much as drops out of the window isn't sent home for that one day.
        return 1 - (_position(day + ONE_DAY) - _position(day))
    return left


def _touches(one: Span, later: Span) -> bool:
    return one.ends_on is None or later.starts_on <= one.ends_on + ONE_DAY


def _later(one: Span, other: Span) -> date | None:
    if one.ends_on is None or other.ends_on is None:
        return None
    return max(one.ends_on, other.ends_on)


def _going_on(work: Sequence[Span], as_of: date) -> list[Span]:
    """Return the work, and that it goes on from its end or from tomorrow on."""
    last = as_of
    if work:
        ends_on = work[-1].ends_on
        if ends_on is None:
            return list(work)
        last = max(last, ends_on)
    return merged([*work, Span(last + ONE_DAY, None)])


def _counted_before(work: Sequence[Span], limit: Limit, day: date) -> int:
    """Return the days, of months of 30, that stand against working on `day`."""
    first = _position(_count_begins_on(work, limit, day))
    if limit.moving_window is not None:
        # `day` is the last of the window.
        window = limit.moving_window * DAYS_A_MONTH
        first = max(first, _position(day + ONE_DAY) - window)
    pieces = (
        _position(_after(span, day)) - max(_position(span.starts_on), first)
        for span in work
        if span.starts_on < day
    )
    return sum(piece for piece in pieces if piece > 0)


def _count_begins_on(work: Sequence[Span], limit: Limit, day: date) -> date:
    """Return the start of the work since the last break that starts it anew."""
    begins_on = day
    for span in reversed(work):
        if span.starts_on >= day:
            continue
        if _is_long_break(_after(span, day), begins_on, limit):
            break
        begins_on = span.starts_on
    return begins_on


def _is_long_break(first_free: date, back_on: date, limit: Limit) -> bool:
    if limit.reset_gap_months is None:
        return False
    return back_on > add_months(first_free, limit.reset_gap_months)


def _after(span: Span, day: date) -> date:
    """Return the first free day after the span, at the latest `day`."""
    return day if span.ends_on is None else min(span.ends_on + ONE_DAY, day)


def _position(day: date) -> int:
    """Return the day's place on a calendar whose months all have 30 days."""
    return (day.year * 12 + day.month) * DAYS_A_MONTH + min(day.day, DAYS_A_MONTH)
