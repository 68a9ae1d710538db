"""Reads of performance: results, availability over any time, tickets by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from engagements.choices import ChargeKind, Status
from engagements.models import Engagement, ManagedContract, ServiceLevel
from engagements.values.periods import (
    add_months,
    count_months,
    month_of,
    months_between,
)
from tracker.performance.calendars import zone_of
from tracker.performance.models import Credit, CreditState, LevelResult
from tracker.performance.reckoning import Reckoned, reckon, windows_of
from tracker.performance.scorecard import (
    Band,
    Score,
    WindowResult,
    band_of,
    score_of,
    tally,
    vendor_mean,
    vendor_score,
)
from tracker.performance.service_levels import Figure, Outcome, summed
from tracker.spend.models import InvoiceLine, InvoiceStatus, MonthlySpend

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User


@dataclass(frozen=True)
class Availability:
    """A level's figure by month, by year and over all that was asked."""

    by_month: dict[date, Figure]
    by_year: dict[int, Figure]
    all_time: Figure


def availability(level: ServiceLevel, *, first: date, last: date) -> Availability:
    """Return a level's figures from the records, as they stand now.

    Windows that have no data count in none of the sums.
    """
    contract = level.contract
    now = timezone.now()
    today = now.astimezone(zone_of(contract)).date()
    windows = [w for w in windows_of(level, first, last) if w.last < today]
    reckoned = reckon(contract, [level], windows={level.pk: windows}, now=now)
    by_year: dict[int, list[Figure]] = defaultdict(list)
    for one in reckoned:
        by_year[one.window.first.year].append(one.figure)
    return Availability(
        by_month={one.window.first: one.figure for one in reckoned},
        by_year={year: summed(figures) for year, figures in by_year.items()},
        all_time=summed(one.figure for one in reckoned),
    )


def figures_of(
    contract: ManagedContract, levels: Sequence[ServiceLevel], first: date, last: date
) -> list[Reckoned]:
    """Return the figures of levels that need not be stored, such as one by priority."""
    windows = {level.pk: windows_of(level, first, last) for level in levels}
    return reckon(contract, levels, windows=windows, now=timezone.now())


# Older windows weigh next to nothing in a score.
SCORED_MONTHS = 36
SPEND_MONTHS = 12


@dataclass(frozen=True)
class VendorScore:
    """A vendor's score, its engagements weighed by their spend of the last year."""

    vendor_id: int
    value: float | None
    coverage: float
    engagements: dict[int, Score]

    @property
    def band(self) -> Band | None:
        return None if self.value is None else band_of(self.value)


def vendor_scores(
    user: User | AnonymousUser, *, as_of: date, vendors: Iterable[int] | None = None
) -> dict[int, VendorScore]:
    """Return the scores of vendors and their engagements, as far as the user sees them.

    By vendor id; two queries, however many there are. The vendor's mean is that of the
    engagements that the user sees.
    """
    found = _windows(user, as_of, vendors)
    spend = _spend(found, as_of)
    scores = {}
    for vendor, by_engagement in found.items():
        mean = vendor_mean(tally(rows, as_of) for rows in by_engagement.values())
        engagements = {
            engagement: score_of(rows, as_of, mean)
            for engagement, rows in by_engagement.items()
        }
        value, coverage = vendor_score(engagements, spend)
        scores[vendor] = VendorScore(vendor, value, coverage, engagements)
    return scores


def _windows(
    user: User | AnonymousUser, as_of: date, vendors: Iterable[int] | None
) -> dict[int, dict[int, list[WindowResult]]]:
    rows = LevelResult.objects.visible_to(user).filter(
        window_to__range=(add_months(as_of, -SCORED_MONTHS), as_of)
    )
    if vendors is not None:
        rows = rows.filter(engagement__vendor__in=list(vendors))
    columns = rows.order_by().values_list(
        "engagement__vendor_id",
        "engagement_id",
        "service_level_id",
        "service_level__weight",
        "window_from",
        "window_to",
        "outcome",
    )
    found: dict[int, dict[int, list[WindowResult]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for vendor, engagement, level, weight, first, last, outcome in columns.iterator():
        found[vendor][engagement].append(
            WindowResult(
                level=level,
                last=last,
                months=count_months(first, last),
                weight=float(weight),
                outcome=Outcome(outcome),
            )
        )
    return found


def _spend(found: Mapping[int, Mapping[int, object]], as_of: date) -> dict[int, float]:
    rows = (
        MonthlySpend.objects.filter(
            vendor__in=list(found),
            month__range=(add_months(month_of(as_of), -SPEND_MONTHS), month_of(as_of)),
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
        .values_list("engagement_id")
        .annotate(spent=Sum("reporting_amount"))
    )
    return {engagement: float(spent) for engagement, spent in rows}


@dataclass(frozen=True)
class LostCredits:
    """Credits that nobody claimed in time: how many, and their sum by currency."""

    count: int
    sums: dict[str, Decimal]


def lost_credits(
    user: User | AnonymousUser, engagements: Iterable[int] | None = None
) -> LostCredits:
    """Return the money lost to missed claim deadlines."""
    rows = Credit.objects.visible_to(user).filter(state=CreditState.EXPIRED)
    if engagements is not None:
        rows = rows.filter(engagement__in=list(engagements))
    sums = (
        rows.order_by()
        .values_list("engagement__currency")
        .annotate(sum=Sum("amount"), count=Count("id"))
        .order_by("engagement__currency")
    )
    found = list(sums)
    return LostCredits(
        count=sum(count for _currency, _sum, count in found),
        sums={currency: total for currency, total, _count in found},
    )


def credits_missing_on_invoices(user: User | AnonymousUser) -> QuerySet[Credit]:
    """Return agreed credits whose engagement was invoiced since without them."""
    later = InvoiceLine.objects.filter(
        engagement=OuterRef("engagement_id"),
        invoice__issued_on__gt=OuterRef("state_since"),
    ).exclude(invoice__status=InvoiceStatus.DRAFT)
    rows: QuerySet[Credit] = Credit.objects.visible_to(user).filter(
        Exists(later), state=CreditState.AGREED
    )
    return rows


def judged_windows(
    engagements: QuerySet[Engagement, int], first: date, last: date
) -> dict[int, tuple[int, int]]:
    """Return how many windows that ended in the span were missed, of how many judged.

    By engagement id; one query, however many there are.
    """
    rows = (
        _with_data(engagements)
        .filter(window_to__range=(first, last))
        .values_list("engagement_id")
        .annotate(
            missed=Count("id", filter=Q(outcome=Outcome.MISSED)), judged=Count("id")
        )
    )
    return {engagement: (missed, judged) for engagement, missed, judged in rows}


def measured_months(
    engagements: QuerySet[Engagement, int], first: date, last: date
) -> dict[int, set[date]]:
    """Return the months of the span in which a service level was measured.

    By engagement id; one query, however many there are.
    """
    rows = (
        _with_data(engagements)
        .filter(window_from__lte=last, window_to__gte=first)
        .values_list("engagement_id", "window_from", "window_to")
        .distinct()
    )
    found: dict[int, set[date]] = defaultdict(set)
    for engagement, begins, ends in rows:
        months = months_between(max(begins, month_of(first)), min(ends, last))
        found[engagement].update(months)
    return found


def _with_data(engagements: QuerySet[Engagement, int]) -> QuerySet[LevelResult]:
    rows: QuerySet[LevelResult] = LevelResult.objects.filter(
        engagement__in=engagements, outcome__in=(Outcome.MET, Outcome.MISSED)
    ).order_by()
    return rows


def results_of(
    user: User | AnonymousUser, engagements: Iterable[int] | None = None
) -> QuerySet[LevelResult]:
    rows: QuerySet[LevelResult] = LevelResult.objects.visible_to(user).select_related(
        "service_level"
    )
    return rows if engagements is None else rows.filter(engagement__in=engagements)


def levels_at_risk(user: User | AnonymousUser) -> QuerySet[LevelResult]:
    """Return each running engagement's levels whose last judged window fell short.

    Those missed outright come first; the rest kept the minimum but not the target.
    """
    last = (
        LevelResult.objects.filter(
            service_level=OuterRef("service_level"),
            outcome__in=(Outcome.MET, Outcome.MISSED),
        )
        .order_by("-window_from")
        .values("window_from")[:1]
    )
    rows: QuerySet[LevelResult] = (
        results_of(user)
        .filter(
            Q(outcome=Outcome.MISSED) | Q(outcome=Outcome.MET, is_at_target=False),
            engagement__status=Status.ACTIVE,
            window_from=Subquery(last),
        )
        .select_related("service_level", "engagement__vendor")
        .order_by("-outcome", "-window_from", "id")
    )
    return rows
