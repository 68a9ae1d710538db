"""Reads of performance: results, availability over any time, tickets by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Sum
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
from tracker.performance.models import Credit, CreditState, LevelResult, Review
from tracker.performance.reckoning import Reckoned, reckon, windows_of
from tracker.performance.review import CRITERIA, Marks, due_on
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


Windows = Mapping[int, Mapping[int, Sequence[WindowResult]]]


def vendor_scores(
    user: User | AnonymousUser,
    *,
    as_of: date,
    vendors: Iterable[int] | None = None,
    engagements: Iterable[int] | None = None,
) -> dict[int, VendorScore]:
    """Return the scores of vendors and their engagements, as far as the user sees them.

    By vendor id; two queries, however many there are. The vendor's mean is that of the
    engagements that the user sees.
    """
    found = _windows(user, as_of, vendors, engagements)
    scored = _engagement_scores(found, as_of)
    spend = _spend(found, as_of)
    scores = {}
    for vendor, by_engagement in scored.items():
        value, coverage = vendor_score(by_engagement, spend)
        scores[vendor] = VendorScore(vendor, value, coverage, by_engagement)
    return scores


def scores_by_service(
    user: User | AnonymousUser, *, as_of: date, services: Mapping[int, int]
) -> dict[tuple[int, int], VendorScore]:
    """Return what each vendor scores for each service, by both ids; two queries.

    `services` are the services' ids by engagement. Each engagement's score is drawn to
    the mean of all that the vendor does here.
    """
    found = _windows(user, as_of, None, services)
    spend = _spend(found, as_of)
    scores = {}
    for vendor, by_engagement in _engagement_scores(found, as_of).items():
        for service in sorted({services[engagement] for engagement in by_engagement}):
            own = {k: s for k, s in by_engagement.items() if services[k] == service}
            value, coverage = vendor_score(own, spend)
            scores[vendor, service] = VendorScore(vendor, value, coverage, own)
    return scores


def _engagement_scores(found: Windows, as_of: date) -> dict[int, dict[int, Score]]:
    scores = {}
    for vendor, by_engagement in found.items():
        mean = vendor_mean(tally(rows, as_of) for rows in by_engagement.values())
        scores[vendor] = {
            engagement: score_of(rows, as_of, mean)
            for engagement, rows in by_engagement.items()
        }
    return scores


def _windows(
    user: User | AnonymousUser,
    as_of: date,
    vendors: Iterable[int] | None,
    engagements: Iterable[int] | None,
) -> dict[int, dict[int, list[WindowResult]]]:
    rows = LevelResult.objects.visible_to(user).filter(
        window_to__range=(add_months(as_of, -SCORED_MONTHS), as_of)
    )
    if vendors is not None:
        rows = rows.filter(engagement__vendor__in=list(vendors))
    if engagements is not None:
        rows = rows.filter(engagement__in=list(engagements))
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


@dataclass(frozen=True)
class CreditRow:
    """A credit: still owed, or lost since nobody claimed it in time."""

    pk: int
    is_lost: bool
    state: str
    reference: str
    title: str
    vendor: str
    level: str
    window_from: date
    claim_by_on: date | None
    currency: str
    amount: Decimal


OWED = (CreditState.DUE, CreditState.CLAIMED, CreditState.AGREED)


def credit_rows(
    user: User | AnonymousUser,
    engagements: QuerySet[Engagement],
    *,
    first: date | None = None,
    last: date | None = None,
) -> list[CreditRow]:
    """Return what is owed, by the day it must be claimed, then what was lost.

    What is owed counts whenever its window was; what was lost, by when it was lost,
    between the two days where they are given.
    """
    lost = Q(state=CreditState.EXPIRED)
    if first is not None:
        lost &= Q(state_since__gte=first)
    if last is not None:
        lost &= Q(state_since__lte=last)
    rows = (
        Credit.objects.visible_to(user)
        .filter(
            Q(state__in=OWED) | lost, engagement__in=engagements.order_by().values("pk")
        )
        .select_related("engagement__vendor", "service_level")
        .order_by(F("claim_by_on").asc(nulls_last=True), "id")
    )
    found = [_credit_row(row) for row in rows]
    return sorted(found, key=lambda row: row.is_lost)


def _credit_row(row: Credit) -> CreditRow:
    return CreditRow(
        pk=row.pk,
        is_lost=row.state == CreditState.EXPIRED,
        state=str(row.get_state_display()),
        reference=row.engagement.reference,
        title=row.engagement.title,
        vendor=row.engagement.vendor.legal_name,
        level=row.service_level.name if row.service_level else "",
        window_from=row.window_from,
        claim_by_on=row.claim_by_on,
        currency=row.engagement.currency,
        amount=row.agreed_amount or row.amount,
    )


def credits_to_claim(
    engagements: QuerySet[Engagement], *, today: date, along: Sequence[str] = ()
) -> QuerySet[Credit]:
    """Return what is due and can still be claimed, what is lost first first.

    `along` are paths from the engagement that are read with it.
    """
    rows: QuerySet[Credit] = Credit.objects.filter(
        Q(claim_by_on__isnull=True) | Q(claim_by_on__gte=today),
        engagement__in=engagements.order_by().values("pk"),
        state=CreditState.DUE,
    )
    return rows.select_related(
        "service_level", "engagement", *(f"engagement__{path}" for path in along)
    ).order_by(F("claim_by_on").asc(nulls_last=True), "id")


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


@dataclass(frozen=True)
class ReviewDue:
    """A running engagement whose review is asked for since a day.

    `reviewed_until` is its first day where there is no review yet.
    """

    engagement: Engagement
    reviewed_until: date
    has_reviews: bool
    due_on: date


def reviews_due(engagements: QuerySet[Engagement], *, today: date) -> list[ReviewDue]:
    """Return what of the engagements has waited longest for a review, that first.

    One query, however many there are; nothing where no schedule is set.
    """
    every = settings.REVIEW_EVERY_MONTHS
    if not every:
        return []
    reviewed = Max("reviews__period_to", filter=Q(reviews__is_corrected=False))
    rows = (
        engagements.filter(
            status=Status.ACTIVE, starts_on__lte=add_months(today, -every)
        )
        .select_related("vendor", "manager")
        .annotate(reviewed_to=reviewed)
        .order_by("pk")
    )
    found = [_review_due(row, every) for row in rows]
    due = [one for one in found if one.due_on <= today]
    return sorted(due, key=lambda one: (one.due_on, one.engagement.pk))


def _review_due(row: Any, every: int) -> ReviewDue:
    until = row.reviewed_to or row.starts_on
    return ReviewDue(
        engagement=row,
        reviewed_until=until,
        has_reviews=row.reviewed_to is not None,
        due_on=due_on(until, every),
    )


def reviews_of(user: User | AnonymousUser, engagement: int) -> QuerySet[Review]:
    """Return what the user may read of an engagement's standing reviews, in order."""
    rows: QuerySet[Review] = Review.objects.visible_to(user)
    return (
        rows.filter(engagement=engagement, is_corrected=False)
        .select_related("reviewer")
        .order_by("period_to", "id")
    )


def review_deficits(
    engagements: QuerySet[Engagement, int], first: date, last: date
) -> dict[int, list[float]]:
    """Return how far each standing review of the span falls short, from 0 to 1.

    By engagement id; one query, however many there are.
    """
    rows = (
        Review.objects.standing()
        .filter(engagement__in=engagements, period_to__range=(first, last))
        .order_by("period_to", "id")
        .values_list("engagement_id", *CRITERIA)
    )
    found: dict[int, list[float]] = defaultdict(list)
    for engagement, *marks in rows:
        found[engagement].append(Marks(*marks).deficit)
    return found
