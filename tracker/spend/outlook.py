"""Reads of accrual, commitment and forecast for pages and files, explained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Max, Sum

from engagements.choices import Status
from engagements.models import Engagement
from engagements.permissions import sees_money
from engagements.values.money import round_money
from engagements.values.periods import add_months, month_of
from tracker.spend.accrual import Position, position_at
from tracker.spend.accrual_facts import facts_of, last_day, terms_of
from tracker.spend.commitment import Commitment
from tracker.spend.explained import NOTHING, Part, from_json
from tracker.spend.forecast import Forecast, forecast_of
from tracker.spend.foreseen import (
    actual_by_month,
    commitments_of,
    fiscal_year,
    outlook_of,
)
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.models import Accrual
from tracker.spend.queries import SpendWhere, engagements_where
from tracker.spend.uncounted import Uncounted, uncounted

if TYPE_CHECKING:
    from engagements.models import User


@dataclass(frozen=True)
class Standing:
    """Where one engagement stands on a day; amounts in its currency.

    `year_end` and `contract_end` are the last days that the forecast's sums reach.
    """

    position: Position
    commitment: Commitment | None
    forecast: Forecast
    first: date
    year_end: date
    contract_end: date | None


@dataclass(frozen=True)
class AccruedRow:
    """A month's last statement, without its explanation."""

    pk: int
    engagement: Engagement
    month: date
    revision: int
    earned: Decimal
    estimated: Decimal
    invoiced: Decimal
    credits: Decimal
    settled: Decimal
    accrual: Decimal
    prepayment: Decimal
    reporting_accrual: Decimal
    reporting_prepayment: Decimal


@dataclass(frozen=True)
class CommittedRow:
    """What an engagement binds; `reporting_amount` is None without a rate."""

    engagement: Engagement
    commitment: Commitment
    reporting_amount: Decimal | None
    reporting_to_end: Decimal | None


@dataclass(frozen=True)
class CommittedCurrency:
    """All commitments in one currency; `open_ended` are those without a known end."""

    currency: str
    engagements: int
    open_ended: int
    amount: Decimal
    reporting_amount: Decimal | None


@dataclass(frozen=True)
class ForecastMonth:
    """A month over all engagements, in the reporting currency."""

    month: date
    actual: Decimal
    accrued: Decimal
    planned: Decimal
    low: Decimal
    high: Decimal

    @property
    def expected(self) -> Decimal:
        return self.actual + self.accrued + self.planned


def standing_of(engagement: Engagement, *, today: date) -> Standing | None:
    """Return where an engagement stands; None for what never started."""
    facts = facts_of([engagement]).get(engagement.pk)
    if facts is None:
        return None
    first, year_end = fiscal_year(today)
    contract_end = last_day(engagement)
    last = max(year_end, contract_end or year_end)
    spent = actual_by_month([engagement.pk], add_months(month_of(today), -12))
    position = position_at(facts, today)
    # What binds does so from the first day, whenever it was recorded.
    terms = {engagement.pk: replace(facts.terms, first=engagement.starts_on)}
    return Standing(
        position=position,
        commitment=next(commitments_of([engagement], terms, known_on=today)),
        forecast=forecast_of(
            outlook_of(facts, spent[engagement.pk], today), first, last
        ),
        first=first,
        year_end=year_end,
        contract_end=contract_end,
    )


def last_accrued_month(user: User, *, by: date | None = None) -> date | None:
    rows = Accrual.objects.visible_to(user) if sees_money(user) else _NO_ACCRUALS
    if by is not None:
        rows = rows.filter(month__lte=by)
    found: date | None = rows.aggregate(last=Max("month"))["last"]
    return found


_NO_ACCRUALS = Accrual.objects.none()


def accrual_rows(user: User, where: SpendWhere, month: date) -> Iterator[AccruedRow]:
    """Yield what a month's last reckoning says, the largest accrual first.

    Engagements that owe nothing and are owed nothing are left out.
    """
    rows = (
        Accrual.objects.filter(
            engagement__in=_seen(user, where).values("pk"), month=month
        )
        .latest_revisions()
        .exclude(accrual=0, prepayment=0)
        .select_related("engagement__vendor")
        .defer("explanation")
        .order_by("-reporting_accrual", "-reporting_prepayment", "engagement_id")
    )
    for row in rows:
        yield AccruedRow(
            row.pk,
            row.engagement,
            row.month,
            row.revision,
            *(getattr(row, name) for name in _FIGURES),
        )


_FIGURES = (
    *("earned", "estimated", "invoiced", "credits", "settled", "accrual"),
    *("prepayment", "reporting_accrual", "reporting_prepayment"),
)


def explanation_of(accrual: Accrual) -> tuple[Part, Part]:
    """Return a statement's net figure and what was invoiced ahead, as kept."""
    return from_json(accrual.explanation["net"]), from_json(
        accrual.explanation["ahead"]
    )


def commitment_rows(
    user: User, where: SpendWhere, *, today: date
) -> list[CommittedRow]:
    """Return what active engagements bind, the largest first; fixed in queries."""
    active = _seen(user, where).filter(status=Status.ACTIVE).select_related("vendor")
    engagements = list(active.order_by("pk"))
    rates = Rates()
    rows = [
        CommittedRow(
            engagement,
            commitment,
            _reported(commitment.to_exit, engagement.currency, today, rates),
            _reported(commitment.to_end, engagement.currency, today, rates),
        )
        for engagement, commitment in zip(
            engagements,
            commitments_of(engagements, terms_of(engagements), known_on=today),
            strict=True,
        )
    ]
    return sorted(
        rows, key=lambda row: (-(row.reporting_amount or NOTHING), row.engagement.pk)
    )


def committed_by_currency(
    user: User, where: SpendWhere, *, today: date
) -> list[CommittedCurrency]:
    """Return the commitments summed, never across currencies but for the report's."""
    groups: dict[str, list[CommittedRow]] = defaultdict(list)
    for row in commitment_rows(user, where, today=today):
        groups[row.engagement.currency].append(row)
    return [_in_currency(code, groups[code]) for code in sorted(groups)]


def _in_currency(currency: str, rows: Sequence[CommittedRow]) -> CommittedCurrency:
    known = [row for row in rows if row.commitment.amount is not None]
    reported = [row.reporting_amount for row in known]
    return CommittedCurrency(
        currency=currency,
        engagements=len(rows),
        open_ended=len(rows) - len(known),
        amount=sum((row.commitment.amount or NOTHING for row in known), NOTHING),
        # Without a rate for one of them there is no sum.
        reporting_amount=None
        if None in reported
        else sum((amount or NOTHING for amount in reported), NOTHING),
    )


def accrued_total(user: User, where: SpendWhere, month: date) -> Decimal:
    """Return what was accrued at a month's end, in the reporting currency."""
    rows = Accrual.objects.filter(
        engagement__in=_seen(user, where).values("pk"), month=month
    ).latest_revisions()
    total: Decimal | None = rows.aggregate(total=Sum("reporting_accrual"))["total"]
    return total or NOTHING


@dataclass(frozen=True)
class YearForecast:
    """The fiscal year's months; `uncounted` engagements have no exchange rate."""

    months: Sequence[ForecastMonth] = ()
    uncounted: Sequence[Uncounted] = ()


def forecast_months(user: User, where: SpendWhere, *, today: date) -> YearForecast:
    """Return the fiscal year's months over all engagements; fixed in queries."""
    first, last = fiscal_year(today)
    engagements = list(_seen(user, where).order_by("pk"))
    facts = facts_of(engagements)
    spent = actual_by_month(list(facts), add_months(month_of(today), -12))
    rates = Rates()
    sums: dict[date, list[Decimal]] = defaultdict(lambda: [NOTHING] * 5)
    left_out: list[Uncounted] = []
    for engagement in engagements:
        if engagement.pk not in facts:
            continue
        if not rates.has(engagement.currency, today):
            left_out.append(uncounted(engagement))
            continue
        outlook = outlook_of(facts[engagement.pk], spent[engagement.pk], today)
        factor = rates.on(engagement.currency, today).factor
        for one in forecast_of(outlook, first, last).months:
            _add(sums[one.month], one, factor)
    months = [
        ForecastMonth(month, *(_rounded(amount) for amount in sums[month]))
        for month in sorted(sums)
    ]
    return YearForecast(months, left_out)


def _add(sums: list[Decimal], one: Any, factor: Decimal) -> None:
    actual, accrued, planned = (part.amount for part in one.part.parts)
    low = one.amount if one.low is None else one.low
    high = one.amount if one.high is None else one.high
    for index, amount in enumerate((actual, accrued, planned, low, high)):
        sums[index] += amount * factor


def _rounded(amount: Decimal) -> Decimal:
    return round_money(amount, settings.REPORTING_CURRENCY)


def _seen(user: User, where: SpendWhere) -> Any:
    if not sees_money(user):
        return Engagement.objects.none()
    return engagements_where(user, where)


def _reported(
    part: Part | None, currency: str, today: date, rates: Rates
) -> Decimal | None:
    if part is None:
        return None
    try:
        return _rounded(part.amount * rates.on(currency, today).factor)
    except MissingRateError:
        return None
