"""How many of a vendor's people left in the window, and how long all were there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from engagements.choices import EndReason, Kind, Status
from engagements.models import Engagement
from engagements.values.periods import ONE_DAY
from tracker.fit.queries import HAPPENED, Scope

DAYS_PER_YEAR = 365.2425
# Below so many years of people there one who leaves would tell a rate by chance.
LEAST_PERSON_YEARS = 2.0
# Ends that the work or our own money explain: nobody left us.
PLANNED_ENDS = (
    EndReason.COMPLETED,
    EndReason.NOT_RENEWED,
    EndReason.CONVERTED,
    EndReason.BUDGET,
)


@dataclass(frozen=True)
class Turnover:
    """People who left, and the person-years of all the people who were there."""

    left: int = 0
    years: float = 0.0
    people: int = 0

    def __add__(self, other: "Turnover") -> "Turnover":
        return Turnover(
            self.left + other.left,
            self.years + other.years,
            self.people + other.people,
        )

    @property
    def rate(self) -> float | None:
        """Leavers a year for each person; None below `LEAST_PERSON_YEARS`."""
        return self.left / self.years if self.years >= LEAST_PERSON_YEARS else None


@dataclass(frozen=True)
class _Stint:
    first: date
    last: date
    has_left: bool


def turnover_of(scope: Scope) -> Mapping[int, Turnover]:
    """By vendor of the scope's augmented engagements, in one query.

    Who goes on under another assignment of the vendor has not left.
    """
    vendors = scope.engagements.filter(kind=Kind.AUGMENTED).order_by()
    rows = (
        Engagement.objects.filter(
            kind=Kind.AUGMENTED,
            vendor__in=vendors.values("vendor_id"),
            status__in=HAPPENED,
            starts_on__lte=scope.as_of,
        )
        .exclude(ends_on__lt=scope.starts_on)
        .order_by()
        .values_list(
            "vendor_id",
            "pk",
            "assignment__contractor_id",
            "status",
            "starts_on",
            "ends_on",
            "end_reason",
        )
    )
    people: dict[tuple[int, str], list[_Stint]] = defaultdict(list)
    for vendor, pk, contractor, status, starts_on, ends_on, reason in rows:
        # On the day, an end that lies ahead of it was not known.
        is_over = status != Status.ACTIVE and ends_on and ends_on <= scope.as_of
        stint = _Stint(
            first=max(starts_on, scope.starts_on),
            last=ends_on if is_over and ends_on else scope.as_of,
            has_left=bool(is_over) and reason not in PLANNED_ENDS,
        )
        person = f"contractor {contractor}" if contractor else f"engagement {pk}"
        people[vendor, person].append(stint)
    found: dict[int, Turnover] = defaultdict(Turnover)
    for (vendor, _person), stints in people.items():
        found[vendor] += _of_person(stints)
    return found


def _of_person(stints: Iterable[_Stint]) -> Turnover:
    """Days under two assignments at once count once; the last end tells who left."""
    days, until = 0, date.min
    ordered = sorted(stints, key=lambda stint: (stint.first, stint.last))
    for stint in ordered:
        first = max(stint.first, until + ONE_DAY) if days else stint.first
        days += max((stint.last - first + ONE_DAY).days, 0)
        until = max(until, stint.last)
    latest = max(ordered, key=lambda stint: (stint.last, not stint.has_left))
    return Turnover(int(latest.has_left), days / DAYS_PER_YEAR, people=1)
