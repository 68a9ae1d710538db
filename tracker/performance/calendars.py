"""The service clocks of a contract's levels, out of its terms and exclusions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet

from engagements.models import ManagedContract, ServiceLevel
from engagements.values.workdays import is_public_holiday
from tracker.performance.models import Exclusion
from tracker.performance.service_clock import (
    WEEKS,
    ServiceClock,
    Span,
    merged,
    moment_of,
    service_clock,
)
from tracker.performance.service_levels import Window


def managed_contracts() -> QuerySet[ManagedContract]:
    # The manager is the engagement's, and is typed as such.
    return cast("QuerySet[ManagedContract]", ManagedContract.objects.all())


def zone_of(contract: ManagedContract) -> ZoneInfo:
    return ZoneInfo(contract.time_zone or settings.TIME_ZONE)


def seconds_of(moment: datetime) -> int:
    return int(moment.timestamp())


def moment_at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class Calendar:
    """What a contract's time counts by, for the local days from `first` to `last`."""

    contract: ManagedContract
    zone: ZoneInfo
    first: date
    last: date
    excluded: Mapping[int | None, list[Span]]
    # Made once for each level; levels without exclusions of their own still differ
    # by their service hours.
    clocks: dict[int, ServiceClock] = field(default_factory=dict)

    def clock_of(self, level: ServiceLevel) -> ServiceClock:
        if level.pk not in self.clocks:
            self.clocks[level.pk] = self._clock(level)
        return self.clocks[level.pk]

    def _clock(self, level: ServiceLevel) -> ServiceClock:
        contract = self.contract
        week = WEEKS[level.service_hours or contract.service_hours]
        return service_clock(
            week=week.with_hours(contract.opens_at, contract.closes_at),
            zone=self.zone,
            first=self.first,
            last=self.last,
            is_public_holiday=partial(is_public_holiday, country=contract.country),
            excluded=self.spans_of(level.pk),
        )

    def spans_of(self, level: int) -> list[Span]:
        """Return what is excluded for the level, ascending and apart."""
        return merged([*self.excluded.get(None, []), *self.excluded.get(level, [])])

    def span_of(self, window: Window) -> Span:
        """Return the moments at which the window begins and the next one does."""
        return self.start_of(window.first), moment_of(
            date.fromordinal(window.last.toordinal() + 1), self.zone
        )

    def start_of(self, day: date) -> int:
        return moment_of(day, self.zone)


def calendar_of(
    contract: ManagedContract,
    *,
    first: date,
    last: date,
    exclusions: Sequence[Exclusion] | None = None,
) -> Calendar:
    rows = (
        Exclusion.objects.filter(engagement=contract.pk)
        if exclusions is None
        else exclusions
    )
    excluded: dict[int | None, list[Span]] = defaultdict(list)
    for row in rows:
        excluded[row.service_level_id].append(
            (seconds_of(row.starts_at), seconds_of(row.ends_at))
        )
    return Calendar(contract, zone_of(contract), first, last, dict(excluded))
