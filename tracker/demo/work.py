"""What people log day by day: pure, and the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random

from engagements.values.periods import last_day_of_month
from engagements.values.workdays import working_days
from tracker.demo.organisation import CRAFTS
from tracker.demo.stories import Shape, Work
from tracker.spend.models import Activity, AssignedBy

SEED = 2026
QUARTER_HOUR = Decimal("0.25")

NOTES = {craft.name: craft.notes for craft in CRAFTS}
UPKEEP = frozenset(
    {
        "Service desk",
        "System administration",
        "Networking",
        "Monitoring",
        "Database administration",
        "Cloud operations",
        "Security analysis",
    }
)
ADVICE_NOTES = ("Roadmap review", "Improvement proposals", "Quarterly posture report")
# How full each month is where work is bought as needed.
SWINGS = (1.0, 0.35, 0.9, 0.2, 0.65, 1.0, 0.25, 0.8, 0.15, 1.0, 0.5, 0.3)
WEEKEND_SHARE = 2 / 7
# Leave in blocks, as (month, first day, last day).
HOLIDAYS = ((4, 7, 11), (8, 8, 19), (12, 22, 31))


@dataclass(frozen=True)
class Stint:
    """One line of work; `person` is None where the provider names nobody."""

    day: date
    hours: Decimal
    skill: str | None
    activity: Activity
    assigned_by: str
    is_core: bool | None
    is_out_of_hours: bool | None
    person: str | None
    note: str


def seeded(*names: object) -> Random:
    """Return a generator of its own for each name, so that stories can't mix."""
    # A story, not a secret: it has to come out the same each time.
    return Random(":".join(map(str, (SEED, *names))))  # noqa: S311


def stints(
    work: Work, *, title: str, country: str, first: date, last: date
) -> Iterator[Stint]:
    """Yield the work from `first` to `last`, which lie in one month."""
    for index, person in enumerate(work.people or (None,)):
        rng = seeded(title, person, first)
        days = _days(work, rng, index, country, first, last)
        yield from _daily(work, rng, days, person)
        if index == 0 and days:
            yield from _advice(work, rng, days[-1], person)


def _daily(
    work: Work, rng: Random, days: list[date], person: str | None
) -> Iterator[Stint]:
    # A team's day is told as two lines, so that a week shows its mix of skills.
    parts = 2 if work.hours > 12 else 1
    for day in days:
        for _part in range(parts):
            yield _stint(work, rng, day, work.hours / parts, person)


def _stint(
    work: Work, rng: Random, day: date, hours: float, person: str | None
) -> Stint:
    skill = _skill(work, rng)
    activity, note = _activity(work, rng, skill)
    spread = 0.0 if work.shape is Shape.ROTA else 0.06
    return Stint(
        day=day,
        hours=_quarters(hours * rng.uniform(1 - spread, 1 + spread)),
        skill=skill,
        activity=activity,
        assigned_by=_assigned_by(work, rng),
        is_core=_chance(rng, work.core),
        is_out_of_hours=_is_out_of_hours(work, rng, day),
        person=person,
        note=note,
    )


def _advice(work: Work, rng: Random, day: date, person: str | None) -> Iterator[Stint]:
    """The month's part of the advice given in its quarter."""
    month_of_quarter = (day.month - 1) % 3
    for number in range(work.advice_per_quarter):
        if number % 3 == month_of_quarter:
            yield Stint(
                day=day,
                hours=Decimal(4),
                skill=_skill(work, rng),
                activity=Activity.ADVISORY,
                assigned_by=AssignedBy.VENDOR,
                is_core=False if work.core is not None else None,
                is_out_of_hours=False if work.out_of_hours is not None else None,
                person=person,
                note=f"{rng.choice(ADVICE_NOTES)}, {day:%B %Y}",
            )


def _quarters(hours: float) -> Decimal:
    return max(1, round(hours * 4)) * QUARTER_HOUR


def _skill(work: Work, rng: Random) -> str | None:
    if not work.skills:
        return None
    names, weights = zip(*work.skills, strict=True)
    return str(rng.choices(names, weights)[0])


def _activity(work: Work, rng: Random, skill: str | None) -> tuple[Activity, str]:
    if rng.random() < work.teaching:
        if rng.random() < 0.7:
            return Activity.PAIRING, "Side by side with our team"
        return Activity.TRAINING, "Workshop for our team"
    if skill is None:
        return Activity.DELIVERY, ""
    kind = Activity.SUPPORT if skill in UPKEEP else Activity.DELIVERY
    return kind, rng.choice(NOTES[skill])


def _assigned_by(work: Work, rng: Random) -> str:
    by_client = _chance(rng, work.client_directed)
    if by_client is None:
        return ""
    return AssignedBy.CLIENT if by_client else AssignedBy.VENDOR


def _chance(rng: Random, share: float | None) -> bool | None:
    return None if share is None else rng.random() < share


def _is_out_of_hours(work: Work, rng: Random, day: date) -> bool | None:
    if work.out_of_hours is None:
        return None
    if work.shape is not Shape.ROTA:
        return rng.random() < work.out_of_hours
    if day.weekday() >= 5:
        return True
    nights = (work.out_of_hours - WEEKEND_SHARE) / (1 - WEEKEND_SHARE)
    return rng.random() < nights


def _days(
    work: Work, rng: Random, index: int, country: str, first: date, last: date
) -> list[date]:
    every_day = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if work.shape is Shape.ROTA:
        return _on_rota(work, every_day, index)
    open_days = [day for day in every_day if _is_working(day, country)]
    if work.shape is Shape.SWINGS:
        return _as_needed(rng, open_days, first, index)
    if work.shape is Shape.OFFICE:
        open_days = [day for day in open_days if not _is_on_leave(day)]
    return _without_some(rng, open_days, last)


def _on_rota(work: Work, days: list[date], index: int) -> list[date]:
    """Five days of seven for one person; a team that names nobody is always there."""
    if work.hours > 12:
        return days
    return [day for day in days if (day.toordinal() + 2 * index) % 7 < 5]


def _as_needed(rng: Random, days: list[date], first: date, index: int) -> list[date]:
    fullness = SWINGS[(first.year * 12 + first.month + 5 * index) % len(SWINGS)]
    return sorted(rng.sample(days, round(len(days) * fullness)))


def _is_on_leave(day: date) -> bool:
    return any(
        day.month == month and first <= day.day <= last
        for month, first, last in HOLIDAYS
    )


def _without_some(rng: Random, days: list[date], last: date) -> list[date]:
    """One or two days off in a whole month."""
    if last < last_day_of_month(last) or len(days) < 4:
        return days
    return sorted(rng.sample(days, len(days) - rng.randint(1, 2)))


@lru_cache(maxsize=8192)
def _is_working(day: date, country: str) -> bool:
    return working_days(day, day, country) == 1
