"""What was committed and expected at month ends that are past, beside what came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Max, Min, Sum

from engagements.choices import ChargeKind
from engagements.models import Engagement
from engagements.permissions import sees_money
from tracker.spend.explained import NOTHING, Part, from_json
from tracker.spend.foreseen import fiscal_year
from tracker.spend.models import MonthlySpend, MonthOutlook
from tracker.spend.queries import SpendWhere, engagements_where

if TYPE_CHECKING:
    from engagements.models import User


@dataclass(frozen=True)
class ExpectedMonth:
    """What was expected of one month, in the engagement's and the reporting currency.

    Low and high are the amount itself where no range was known.
    """

    month: date
    amount: Decimal
    low: Decimal
    high: Decimal
    reporting_amount: Decimal
    reporting_low: Decimal
    reporting_high: Decimal


@dataclass(frozen=True)
class KeptRow:
    """A month end's last outlook of an engagement, without its explanation.

    `spent` is what stands in the ledger of that fiscal year by now.
    """

    pk: int
    engagement: Engagement
    month: date
    committed: Decimal | None
    committed_until: date | None
    agreed_until: date | None
    expected: Decimal
    reporting_committed: Decimal | None
    reporting_to_end: Decimal | None
    reporting_expected: Decimal
    reporting_low: Decimal
    reporting_high: Decimal
    spent: Decimal


@dataclass(frozen=True)
class ThenAndNow:
    """A month: what was expected of it then, and what stands in the ledger by now."""

    month: date
    expected: Decimal
    low: Decimal
    high: Decimal
    spent: Decimal


@dataclass(frozen=True)
class OutlookThen:
    """Commitments and forecasts of the year, as reported then; but for what is 0."""

    committed: Sequence[Decimal]
    expected: Sequence[Decimal]


def as_kept(one: ExpectedMonth) -> dict[str, str]:
    """Return what JSON can hold; amounts are text, to the digit."""
    month, *amounts = astuple(one)
    named = zip(_AMOUNTS, amounts, strict=True)
    return {
        "month": month.isoformat(),
        **{name: f"{amount:f}" for name, amount in named},
    }


def from_kept(kept: Mapping[str, str]) -> ExpectedMonth:
    amounts = (Decimal(kept[name]) for name in _AMOUNTS)
    return ExpectedMonth(date.fromisoformat(kept["month"]), *amounts)


_AMOUNTS = (
    *("amount", "low", "high"),
    *("reporting_amount", "reporting_low", "reporting_high"),
)


def last_kept_month(user: User, *, by: date | None = None) -> date | None:
    """Return the last month end by then of which outlooks are kept."""
    rows = _visible(user)
    if by is not None:
        rows = rows.filter(month__lte=by)
    found: date | None = rows.aggregate(last=Max("month"))["last"]
    return found


def month_looked_from(user: User, first: date | None) -> date | None:
    """Return the last month end before a month, or else the first that is kept."""
    rows = _visible(user)
    if first is not None:
        before: date | None = rows.filter(month__lt=first).aggregate(last=Max("month"))[
            "last"
        ]
        if before is not None:
            return before
    found: date | None = rows.aggregate(first=Min("month"))["first"]
    return found


def kept_rows(user: User, where: SpendWhere, month: date) -> Iterator[KeptRow]:
    """Yield what a month's end said, what was committed most first; two queries.

    `where` narrows engagements alone: what is expected is of no cost centre.
    """
    engagements = _engagements(user, where)
    first, last = fiscal_year(month)
    spent = dict(
        _spent(engagements, first, last)
        .values_list("engagement_id")
        .annotate(total=Sum("reporting_amount"))
    )
    rows = (
        _kept(engagements, month)
        .select_related("engagement__vendor")
        .defer("explanation", "months")
        .order_by("-reporting_expected", "engagement_id")
    )
    found = [
        KeptRow(
            engagement=row.engagement,
            spent=spent.get(row.engagement_id, NOTHING),
            **{name: getattr(row, name) for name in _FIGURES},
        )
        for row in rows
    ]
    yield from sorted(found, key=lambda row: -(row.reporting_committed or NOTHING))


_FIGURES = (
    *("pk", "month", "committed", "committed_until", "agreed_until", "expected"),
    *("reporting_committed", "reporting_to_end", "reporting_expected"),
    *("reporting_low", "reporting_high"),
)


def last_outlook(user: User, where: SpendWhere, month: date) -> OutlookThen:
    """Return what a month's end said of each engagement; one query."""
    rows = _kept(_engagements(user, where), month).order_by("pk")
    figures = list(rows.values_list("reporting_committed", "reporting_expected"))
    return OutlookThen(
        [committed for committed, _expected in figures if committed],
        [expected for _committed, expected in figures if expected],
    )


def then_and_now(user: User, where: SpendWhere, month: date) -> list[ThenAndNow]:
    """Return the months that a month's end foretold, beside the ledger; two queries.

    Spent is as booked, without tax, of whatever cost centre.
    """
    engagements = _engagements(user, where)
    sums: dict[date, list[Decimal]] = defaultdict(lambda: [NOTHING] * 3)
    kept = _kept(engagements, month).order_by().values_list("months", flat=True)
    for months in kept.iterator(chunk_size=2000):
        for one in map(from_kept, months):
            amounts = (one.reporting_amount, one.reporting_low, one.reporting_high)
            for place, amount in enumerate(amounts):
                sums[one.month][place] += amount
    if not sums:
        return []
    spent = dict(
        _spent(engagements, min(sums), max(sums))
        .values_list("booked_month")
        .annotate(total=Sum("reporting_amount"))
    )
    return [
        ThenAndNow(each, expected, low, high, spent.get(each, NOTHING))
        for each, (expected, low, high) in sorted(sums.items())
    ]


def explanations_of(outlook: MonthOutlook) -> list[Part]:
    """Return the figures as they were kept, each down to its rows."""
    found = (outlook.explanation[name] for name in _EXPLAINED)
    return [from_json(kept) for kept in found if kept]


_EXPLAINED = ("committed", "to_end", "expected", "beyond")


def _visible(user: User) -> Any:
    if not sees_money(user):
        return MonthOutlook.objects.none()
    return MonthOutlook.objects.visible_to(user)


def _engagements(user: User, where: SpendWhere) -> Any:
    if not sees_money(user):
        return Engagement.objects.none()
    return engagements_where(user, where)


def _kept(engagements: Any, month: date) -> Any:
    rows = MonthOutlook.objects.filter(
        engagement__in=engagements.values("pk"), month=month
    )
    return rows.latest_revisions()


def _spent(engagements: Any, first: date, last: date) -> Any:
    return (
        MonthlySpend.objects.filter(
            engagement__in=engagements.values("pk"), booked_month__range=(first, last)
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
    )
