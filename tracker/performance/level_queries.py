"""Reads of service levels for their pages: by month, at risk, by vendor, one window."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone

from engagements.choices import MeasuredBy, Status
from engagements.models import Engagement, ManagedContract, ServiceLevel
from engagements.permissions import engagement_scope
from engagements.values.periods import last_day_of_month
from tracker.performance.at_risk import (
    CreditAhead,
    Risk,
    SoFar,
    credit_ahead,
    minutes_left,
    misses_left,
    risk_of,
)
from tracker.performance.calendars import (
    Calendar,
    calendar_of,
    managed_contracts,
    moment_at,
    seconds_of,
)
from tracker.performance.contract_terms import ONE_DAY, ContractTerms, miss_of
from tracker.performance.models import (
    Credit,
    Downtime,
    LevelProgress,
    LevelResult,
    Measurement,
    Ticket,
)
from tracker.performance.queries import VendorScore, scores_by_service, vendor_scores
from tracker.performance.reckoning import bounds_of, ticket_level, times_of
from tracker.performance.service_levels import Outcome, Window, was_in_time

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User

    Reader = User | AnonymousUser


@dataclass(frozen=True)
class LevelsWhere:
    """Which levels and windows are asked about; None narrows nothing."""

    first_month: date | None = None
    last_month: date | None = None
    department_ids: frozenset[int] | None = None
    vendor_id: int | None = None
    engagement_id: int | None = None
    service_id: int | None = None

    def engagements(self, prefix: str = "") -> Q:
        asked = {
            "department__in": self.department_ids,
            "vendor": self.vendor_id,
            "pk": self.engagement_id,
            "service": self.service_id,
        }
        return Q(
            **{f"{prefix}{k}": value for k, value in asked.items() if value is not None}
        )

    def windows(self) -> Q:
        """Keep windows that end in the months asked for."""
        found = Q()
        if self.first_month is not None:
            found &= Q(window_to__gte=self.first_month)
        if self.last_month is not None:
            found &= Q(window_to__lte=last_day_of_month(self.last_month))
        return found


def results_where(user: Reader, where: LevelsWhere) -> QuerySet[LevelResult]:
    """Return the results that the user may see of what is asked, the newest first."""
    rows: QuerySet[LevelResult] = LevelResult.objects.visible_to(user)
    return (
        rows.filter(where.engagements("engagement__"), where.windows())
        .select_related(
            "service_level", "engagement__vendor", "engagement__service", "excused_by"
        )
        .order_by("-window_from", "engagement__title", "service_level_id")
    )


@dataclass
class LevelRow:
    """A service level with its results of the months asked for, by their first day."""

    level: ServiceLevel
    engagement: Engagement
    results: dict[date, LevelResult] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[str]:
        return Counter(result.outcome for result in self.results.values())

    @property
    def coverage(self) -> Decimal | None:
        """The share of the windows that have data; None without windows."""
        counts = self.counts
        judged = counts[Outcome.MET.value] + counts[Outcome.MISSED.value]
        return Decimal(judged) / len(self.results) if self.results else None


def level_rows(user: Reader, where: LevelsWhere) -> list[LevelRow]:
    """Return each level that has results, those of an engagement together.

    The engagement with the most misses comes first. One query.
    """
    rows: dict[int, LevelRow] = {}
    for result in results_where(user, where):
        level = result.service_level
        row = rows.setdefault(level.pk, LevelRow(level, result.engagement))
        row.results[result.window_from] = result
    missed: Counter[int] = Counter()
    for row in rows.values():
        missed[row.engagement.pk] += row.counts[Outcome.MISSED.value]
    return sorted(
        rows.values(),
        key=lambda row: (
            -missed[row.engagement.pk],
            row.engagement.title,
            row.engagement.pk,
            row.level.pk,
        ),
    )


def months_of_results(user: Reader) -> tuple[date, date] | None:
    """Return the first and the last day of all results that the user may see."""
    found = LevelResult.objects.visible_to(user).aggregate(
        first=Min("window_from"), last=Max("window_to")
    )
    return (found["first"], found["last"]) if found["first"] else None


@dataclass(frozen=True)
class AtRisk:
    """A level whose running window is short, or near it, and what that would cost.

    `credit` is None where no scheme pays, or for whom amounts aren't.
    """

    level: ServiceLevel
    engagement: ManagedContract
    window: Window
    so_far: SoFar
    risk: Risk
    misses_left: int | None
    minutes_left: Decimal | None
    credit: CreditAhead | None
    credit_is_known: bool


RISK_ORDER = (Risk.SHORT, Risk.NEAR, Risk.SILENT, Risk.SAFE)


def levels_in_window(user: Reader, where: LevelsWhere, *, today: date) -> list[AtRisk]:
    """Return how the running windows of active contracts stand, the worst first.

    Four queries, however many there are; whatever months are asked for, only the
    windows of today are told.
    """
    progress = list(
        LevelProgress.objects.visible_to(user)
        .filter(
            where.engagements("engagement__"),
            engagement__status=Status.ACTIVE,
            window_from__lte=today,
            window_to__gte=today,
        )
        .select_related("service_level")
        .order_by("service_level_id")
    )
    contracts = _contracts({row.engagement_id for row in progress})
    with_money = _with_money(user, contracts)
    by_contract: dict[int, list[LevelProgress]] = defaultdict(list)
    for row in progress:
        by_contract[row.engagement_id].append(row)
    found = [
        one
        for pk, rows in by_contract.items()
        for one in _standing(contracts[pk], rows, has_money=pk in with_money)
    ]
    return sorted(found, key=_urgency)


def _urgency(one: AtRisk) -> tuple[int, int, str, int]:
    ahead = one.credit.misses if one.credit else 99
    return RISK_ORDER.index(one.risk), ahead, one.engagement.title, one.level.pk


def _contracts(ids: set[int]) -> dict[int, ManagedContract]:
    rows = (
        managed_contracts()
        .filter(pk__in=ids)
        .select_related("vendor")
        .prefetch_related("fee_terms", "credit_steps")
    )
    return {row.pk: row for row in rows}


def _with_money(user: Reader, ids: Iterable[int]) -> set[int]:
    scope = engagement_scope(user, with_money=True)
    rows = Engagement.objects.filter(scope, pk__in=list(ids))
    return set(rows.values_list("pk", flat=True))


def _standing(
    contract: ManagedContract, rows: list[LevelProgress], *, has_money: bool
) -> Iterator[AtRisk]:
    terms = ContractTerms(contract)
    so_far = {row.pk: _so_far(row) for row in rows}
    short = {
        row.pk: miss_of(row.service_level, row.value)
        for row in rows
        if risk_of(so_far[row.pk]) == Risk.SHORT and row.value is not None
    }
    for row in rows:
        level, own = row.service_level, so_far[row.pk]
        window = Window(row.window_from, row.window_to)
        others = [
            miss
            for other in rows
            for miss in [short.get(other.pk)]
            if other.pk != row.pk
            and miss is not None
            and (other.window_from, other.window_to) == tuple(window)
        ]
        credit = None
        if has_money:
            credit = credit_ahead(
                own,
                scheme=contract.credit_scheme,
                others=others,
                own=miss_of(level, own.bound),
                terms=terms.window(window),
            )
        yield AtRisk(
            level=level,
            engagement=contract,
            window=window,
            so_far=own,
            risk=risk_of(own),
            misses_left=misses_left(own),
            minutes_left=minutes_left(own),
            credit=credit,
            credit_is_known=has_money,
        )


def _so_far(row: LevelProgress) -> SoFar:
    return SoFar(
        level=row.service_level_id,
        bounds=bounds_of(row.service_level),
        value=row.value,
        good=row.good,
        total=row.total,
        down=row.down_seconds,
        service=row.service_seconds,
    )


@dataclass(frozen=True)
class LeagueRow:
    """A vendor, or a vendor for one service, with its score and what is behind it."""

    vendor_id: UUID
    vendor: str
    service: str
    score: VendorScore
    engagements: int
    met: int
    missed: int
    own: float | None


def vendor_league(user: Reader, where: LevelsWhere, *, as_of: date) -> list[LeagueRow]:
    """Return the vendors with service levels, the best score first; three queries.

    Scores are of the 36 months before the day, whatever months are asked for: newer
    windows count for more. Those without data come last.
    """
    engagements = _asked(user, where)
    vendors = {one.vendor_id for one in engagements}
    scores = vendor_scores(
        user, as_of=as_of, vendors=vendors, engagements=[one.pk for one in engagements]
    )
    names = {one.vendor_id: one.vendor for one in engagements}
    rows = [
        _league_row(names[pk].public_id, str(names[pk]), "", score)
        for pk, score in scores.items()
    ]
    return sorted(rows, key=_rank)


def vendors_by_service(
    user: Reader, where: LevelsWhere, *, as_of: date
) -> list[LeagueRow]:
    """Return the vendors of each service beside one another, the best score first.

    A vendor's score for a service is that of its engagements for it, by their spend.
    """
    engagements = [one for one in _asked(user, where) if one.service_id is not None]
    known = {(one.vendor_id, one.service_id): one for one in engagements}
    services = {one.pk: one.service_id for one in engagements if one.service_id}
    rows = []
    for key, score in scores_by_service(user, as_of=as_of, services=services).items():
        vendor, service = known[key].vendor, known[key].service
        name = service.name if service else ""
        rows.append(_league_row(vendor.public_id, str(vendor), name, score))
    return sorted(rows, key=lambda row: (row.service, *_rank(row)))


def _asked(user: Reader, where: LevelsWhere) -> list[Engagement]:
    with_levels = ServiceLevel.objects.values("contract")
    return list(
        Engagement.objects.all()
        .visible_to(user)
        .filter(where.engagements(), pk__in=with_levels)
        .select_related("vendor", "service")
        .order_by("pk")
    )


def _league_row(
    vendor_id: UUID, vendor: str, service: str, score: VendorScore
) -> LeagueRow:
    scores = score.engagements.values()
    met = sum(one.met for one in scores)
    missed = sum(one.missed for one in scores)
    return LeagueRow(
        vendor_id=vendor_id,
        vendor=vendor,
        service=service,
        score=score,
        engagements=len(score.engagements),
        met=met,
        missed=missed,
        own=100 * met / (met + missed) if met + missed else None,
    )


def _rank(row: LeagueRow) -> tuple[bool, float, str]:
    value = row.score.value
    return value is None, -(value or 0.0), row.vendor


def credits_where(
    user: Reader, where: LevelsWhere, states: Iterable[str]
) -> QuerySet[Credit]:
    """Return the credits in these states that the user may see, the latest first."""
    rows: QuerySet[Credit] = Credit.objects.visible_to(user)
    return (
        rows.filter(
            where.engagements("engagement__"), where.windows(), state__in=list(states)
        )
        .select_related("engagement__vendor", "service_level")
        .order_by("-window_from", "-id")
    )


def result_by_id(user: Reader, public_id: UUID) -> LevelResult | None:
    found: LevelResult | None = (
        results_where(user, LevelsWhere()).filter(public_id=public_id).first()
    )
    return found


@dataclass(frozen=True)
class TicketSeen:
    """A ticket of a window, and whether it was in time; None while nobody can say."""

    ticket: Ticket
    in_time: bool | None


@dataclass(frozen=True)
class Behind:
    """What a window's figure was counted from."""

    measurements: list[Measurement] = field(default_factory=list)
    downtimes: list[Downtime] = field(default_factory=list)
    tickets: list[TicketSeen] = field(default_factory=list)
    late: int = 0
    counted: int = 0


# So many records of a window stand on its page.
MOST_SHOWN = 200


def _tickets_behind(
    result: LevelResult, calendar: Calendar, start: int, end: int, now: int
) -> Behind:
    level = result.service_level
    counted_for = ticket_level(level, calendar, (start, end))
    within = None if level.within_minutes is None else level.within_minutes * 60
    late: list[TicketSeen] = []
    others: list[TicketSeen] = []
    too_late = counted = 0
    rows = Ticket.objects.filter(
        engagement=result.engagement_id,
        opened_at__gte=moment_at(start),
        opened_at__lt=moment_at(end),
    ).order_by("opened_at", "id")
    for ticket in rows.iterator(chunk_size=2000):
        opened = seconds_of(ticket.opened_at)
        if not counted_for.takes(ticket.priority, ticket.ticket_group, opened):
            continue
        times = times_of(
            level,
            opened,
            (
                ticket.responded_at and seconds_of(ticket.responded_at),
                ticket.resolved_at and seconds_of(ticket.resolved_at),
                ticket.response_met,
                ticket.resolution_met,
            ),
        )
        in_time = was_in_time(times, calendar.clock_of(level), within, now)
        counted += in_time is not None
        too_late += in_time is False
        shown = late if in_time is False else others
        if len(shown) < MOST_SHOWN:
            shown.append(TicketSeen(ticket, in_time))
    tickets = [*late, *others][:MOST_SHOWN]
    return Behind(tickets=tickets, late=too_late, counted=counted)


def records_behind(result: LevelResult) -> Behind:
    """Return the records of a window; of tickets those too late, then the others."""
    level = result.service_level
    contract = managed_contracts().get(pk=result.engagement_id)
    window = Window(result.window_from, result.window_to)
    now = timezone.now()
    calendar = calendar_of(
        # A ticket may be solved long after the window that it was opened in.
        contract,
        first=window.first,
        last=max(window.last, now.date()) + ONE_DAY,
    )
    start, end = calendar.span_of(window)
    if level.measured_by == MeasuredBy.TICKETS:
        return _tickets_behind(result, calendar, start, end, seconds_of(now))
    downtimes = Downtime.objects.filter(
        service_level=level,
        began_at__lt=moment_at(end),
        ended_at__gte=moment_at(start),
    ).order_by("began_at", "id")
    measurements = Measurement.objects.filter(
        service_level=level, period_from__range=(window.first, window.last)
    ).order_by("period_from", "id")
    return Behind(
        measurements=list(measurements[:MOST_SHOWN]),
        downtimes=list(downtimes[:MOST_SHOWN])
        if level.measured_by == MeasuredBy.DOWNTIME
        else [],
    )
