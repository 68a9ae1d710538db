"""What engagements commit to and are expected to cost, as known on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from engagements.choices import ChargeKind, Status
from engagements.models import Engagement
from engagements.services.commitment import committed_until
from engagements.values.periods import (
    ONE_DAY,
    add_months,
    last_day_of_month,
    month_of,
)
from tracker.spend.accrual import Facts, open_cells
from tracker.spend.accrual_facts import facts_of
from tracker.spend.commitment import Binding, Commitment, commitment_of
from tracker.spend.earnings import Cell, Terms, earned_by
from tracker.spend.explained import NOTHING
from tracker.spend.forecast import Forecast, Outlook, forecast_of
from tracker.spend.models import Basis, LedgerEntry, MonthlySpend

Months = dict[date, Decimal]


@dataclass(frozen=True)
class Foreseen:
    """One engagement at a month's end, in its currency.

    The forecast's months reach from the fiscal year's first to its last, and twelve
    months ahead at least.
    """

    commitment: Commitment
    forecast: Forecast


def foreseen_at(
    engagements: Sequence[Engagement], *, month: date
) -> dict[int, Foreseen]:
    """Return by id what a month's end tells of those that started or are agreed.

    Whatever day it is asked on: what was posted after the month's end for months to
    come is left out, so that nothing is foretold that was known already. Fixed in
    queries.
    """
    until = last_day_of_month(month)
    ids = [one.pk for one in engagements]
    spent = actual_by_month(ids, add_months(month, -12))
    later = _Later(ids, until)
    first, last = horizon(month)
    facts = facts_of(engagements)
    chosen = [one for one in engagements if one.pk in facts]
    # What binds does so from the first day, whenever it was recorded.
    terms = {
        one.pk: replace(facts[one.pk].terms, first=one.starts_on) for one in chosen
    }
    commitments = commitments_of(
        chosen, terms, known_on=until, due_from=until + ONE_DAY
    )
    found = {}
    for one, commitment in zip(chosen, commitments, strict=True):
        outlook = outlook_of(
            later.left_out_of(one.pk, facts[one.pk]),
            later.left_out_of_months(one.pk, spent[one.pk]),
            until,
        )
        found[one.pk] = Foreseen(commitment, forecast_of(outlook, first, last))
    return found


def horizon(month: date) -> tuple[date, date]:
    """Return the first and last month that a month's end foretells."""
    first, year_end = fiscal_year(month)
    return first, max(month_of(year_end), add_months(month, 12))


def fiscal_year(today: date) -> tuple[date, date]:
    """Return the first month and the last day of the fiscal year."""
    months = (today.month - settings.FISCAL_YEAR_START_MONTH) % 12
    first = add_months(month_of(today), -months)
    return first, last_day_of_month(add_months(first, 11))


def commitments_of(
    engagements: Sequence[Engagement],
    terms: Mapping[int, Terms],
    *,
    known_on: date,
    due_from: date | None = None,
) -> Iterator[Commitment]:
    """Yield one per engagement; what isn't active binds nobody.

    What was due before `due_from`, the day itself unless told, is left out.
    """
    ids = [one.pk for one in engagements]
    contracts = Engagement.objects.filter(pk__in=ids, managedcontract__isnull=False)
    leaving = dict(contracts.values_list("pk", "managedcontract__exit_charge"))
    for one in engagements:
        is_active = one.status == Status.ACTIVE
        yield commitment_of(
            Binding(
                terms=terms[one.pk],
                as_of=max(due_from or known_on, one.starts_on),
                until=committed_until(engagement=one, as_of=known_on)
                if is_active
                else None,
                agreed_until=one.agreed_until_on or one.ends_on if is_active else None,
                exit_charge=leaving.get(one.pk, NOTHING),
            )
        )


def actual_by_month(ids: Collection[int], since: date) -> dict[int, Months]:
    """Return what was invoiced and paid, by engagement and month of service."""
    rows = (
        MonthlySpend.objects.filter(
            engagement__in=ids, basis=Basis.ACTUAL, month__gte=since
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
        .values_list("engagement_id", "month")
        .annotate(total=Sum("amount"))
    )
    found: dict[int, Months] = defaultdict(dict)
    for engagement, month, total in rows:
        found[engagement][month] = total
    return found


def outlook_of(facts: Facts, spent: Months, today: date) -> Outlook:
    """Return what the forecast reckons with, as of the day."""
    earned = earned_by(facts.terms, today).amounts
    accrued: Months = defaultdict(lambda: NOTHING)
    for (month, _charge), amount in open_cells(facts, earned, today).items():
        accrued[month] += amount
    return Outlook(
        terms=facts.terms,
        today=today,
        actual=spent,
        accrued=dict(accrued),
        ahead=_ahead(facts, earned, today),
    )


def _ahead(facts: Facts, earned: Mapping[Cell, Decimal], today: date) -> Months:
    """Return what was invoiced of this month and later beyond what is earned."""
    by_month: Months = defaultdict(lambda: NOTHING)
    for (month, _charge), amount in earned.items():
        by_month[month] += amount
    billed: Months = defaultdict(lambda: NOTHING)
    for one in facts.billed:
        if one.month >= month_of(today):
            billed[one.month] += one.amount
    return {month: max(NOTHING, billed[month] - by_month[month]) for month in billed}


class _Later:
    """What was posted after a day for months of service after it."""

    def __init__(self, ids: Collection[int], until: date) -> None:
        begins = datetime.combine(until + ONE_DAY, time.min)
        rows = (
            LedgerEntry.objects.filter(
                engagement__in=ids,
                basis=Basis.ACTUAL,
                month__gt=until,
                posted_at__gte=timezone.make_aware(begins),
            )
            .exclude(charge_kind=ChargeKind.TAX)
            .order_by()
            .values_list("engagement_id", "month", "source_type", "source_id")
            .annotate(total=Sum("amount"))
        )
        self._by_month: dict[tuple[int, date], Decimal] = defaultdict(lambda: NOTHING)
        self._by_source: dict[tuple[int, date, str, int], Decimal] = {}
        for engagement, month, source, source_id, total in rows:
            self._by_month[engagement, month] += total
            named = source.removesuffix("_line")
            self._by_source[engagement, month, named, source_id] = total

    def left_out_of_months(self, engagement: int, spent: Months) -> Months:
        return {
            month: amount - self._by_month.get((engagement, month), NOTHING)
            for month, amount in spent.items()
        }

    def left_out_of(self, engagement: int, facts: Facts) -> Facts:
        return replace(
            facts,
            billed=[
                replace(
                    one,
                    amount=one.amount
                    - self._by_source.get(
                        (engagement, one.month, one.source, one.source_id), NOTHING
                    ),
                )
                for one in facts.billed
            ],
        )
