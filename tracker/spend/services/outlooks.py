"""What was committed and expected at a month's end, kept with its explanation.

See docs/adr/0091-outlooks-are-kept-at-month-end.md.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from engagements import events
from engagements.models import Engagement, Event, User
from engagements.services.reporting_currency import Rate
from engagements.values.money import round_money
from engagements.values.periods import last_day_of_month, month_of
from tracker.spend.accrual_facts import STARTED
from tracker.spend.explained import NOTHING, Part, as_json, whole
from tracker.spend.forecast import MonthForecast
from tracker.spend.foreseen import Foreseen, fiscal_year, foreseen_at
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.kept import ExpectedMonth, as_kept
from tracker.spend.models import MonthOutlook, hold_months_open
from tracker.spend.services.accruals import check_month_end
from tracker.spend.services.ledger import hold

# So many engagements are reckoned in one transaction.
_BATCH = 200


@dataclass
class OutlookRun:
    """What a run came to, summed in the reporting currency.

    `refused` tells why an engagement couldn't be reckoned.
    """

    month: date
    engagements: int = 0
    changed: int = 0
    committed: Decimal = NOTHING
    expected: Decimal = NOTHING
    refused: dict[str, str] = field(default_factory=dict)


def keep_outlooks(
    *,
    month: date,
    today: date,
    engagements: QuerySet[Engagement] | None = None,
    is_trial: bool = False,
    actor: User | None,
) -> OutlookRun:
    """Keep what each engagement commits to and is expected to cost at a month's end.

    Safe to repeat: without a change nothing is stored. A trial stores nothing. An
    engagement without an exchange rate is told of in the run and left as it is.
    Raises MonthNotOverError, MonthClosedError.
    """
    month = month_of(month)
    check_month_end(month, today)
    run = OutlookRun(month)
    chosen = Engagement.objects.all() if engagements is None else engagements
    started = chosen.filter(status__in=STARTED).order_by("pk")
    ids = list(started.values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        _keep_batch(run, ids[start : start + _BATCH], is_trial=is_trial, actor=actor)
    return run


@transaction.atomic
def _keep_batch(
    run: OutlookRun, ids: Sequence[int], *, is_trial: bool, actor: User | None
) -> None:
    if not is_trial:
        # In the order in which those who post take them.
        hold_months_open()
        hold(ids)
    engagements = Engagement.objects.in_bulk(ids)
    chosen = [engagements[pk] for pk in sorted(engagements)]
    found = foreseen_at(chosen, month=run.month)
    kept = _kept(ids, run.month)
    rates = Rates()
    fresh: list[MonthOutlook] = []
    for pk, foreseen in found.items():
        if pk not in kept and not _is_told(foreseen):
            continue
        engagement = engagements[pk]
        try:
            rate = rates.on(engagement.currency, last_day_of_month(run.month))
        except MissingRateError as refusal:
            run.refused[engagement.reference] = str(refusal)
            continue
        outlook = _outlook(engagement, run.month, foreseen, rate, actor)
        run.engagements += 1
        run.committed += outlook.reporting_committed or NOTHING
        run.expected += outlook.reporting_expected
        if not _is_same(kept.get(pk), outlook):
            outlook.revision = kept[pk].revision + 1 if pk in kept else 1
            fresh.append(outlook)
    run.changed += len(fresh)
    if not is_trial:
        MonthOutlook.objects.bulk_create(fresh)
        events.record_all(_told(fresh, engagements, actor))


def _is_told(foreseen: Foreseen) -> bool:
    """Tell whether a month's end has anything to say of an engagement."""
    if foreseen.commitment.amount or foreseen.commitment.to_end:
        return True
    return any(one.amount for one in foreseen.forecast.months)


def _kept(ids: Collection[int], month: date) -> dict[int, MonthOutlook]:
    rows = MonthOutlook.objects.filter(
        engagement__in=ids, month=month
    ).latest_revisions()
    return {row.engagement_id: row for row in rows}


def _outlook(
    engagement: Engagement,
    month: date,
    foreseen: Foreseen,
    rate: Rate,
    actor: User | None,
) -> MonthOutlook:
    def reported(amount: Decimal) -> Decimal:
        return round_money(amount * rate.factor, settings.REPORTING_CURRENCY)

    def reported_part(part: Part | None) -> Decimal | None:
        return None if part is None else reported(part.amount)

    commitment = foreseen.commitment
    to_exit, to_end = commitment.to_exit, commitment.to_end
    months = [_expected(one, rate) for one in foreseen.forecast.months]
    _first, year_ends_on = fiscal_year(month)
    year = [one for one in months if one.month <= year_ends_on]
    in_words = [one.part for one in foreseen.forecast.months if one.amount]
    return MonthOutlook(
        engagement=engagement,
        month=month,
        currency=engagement.currency,
        committed=None if to_exit is None else to_exit.amount,
        committed_until=commitment.until,
        to_end=None if to_end is None else to_end.amount,
        agreed_until=commitment.agreed_until,
        year_ends_on=year_ends_on,
        expected=_sum(one.amount for one in year),
        expected_low=_sum(one.low for one in year),
        expected_high=_sum(one.high for one in year),
        fx_rate=rate.factor,
        fx_on=rate.rated_on,
        fx_source=rate.source,
        reporting_committed=reported_part(to_exit),
        reporting_to_end=reported_part(to_end),
        # The sums of what the months say, so that both agree to the cent.
        reporting_expected=_sum(one.reporting_amount for one in year),
        reporting_low=_sum(one.reporting_low for one in year),
        reporting_high=_sum(one.reporting_high for one in year),
        months=[as_kept(one) for one in months],
        explanation={
            "committed": as_json(to_exit) if to_exit else None,
            "to_end": as_json(to_end) if to_end else None,
            "expected": as_json(
                whole("year", (p for p in in_words if _is_of(p, year_ends_on)))
            ),
            "beyond": as_json(
                whole("beyond", (p for p in in_words if not _is_of(p, year_ends_on)))
            ),
        },
        reckoned_at=timezone.now(),
        reckoned_by=actor,
    )


def _is_of(month: Part, year_ends_on: date) -> bool:
    return date.fromisoformat(month.facts["month"]) <= year_ends_on


def _expected(one: MonthForecast, rate: Rate) -> ExpectedMonth:
    low = one.amount if one.low is None else min(one.low, one.amount)
    high = one.amount if one.high is None else max(one.high, one.amount)
    amounts = (one.amount, low, high)
    currency = settings.REPORTING_CURRENCY
    return ExpectedMonth(
        one.month,
        *amounts,
        *(round_money(amount * rate.factor, currency) for amount in amounts),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, NOTHING)


def _is_same(kept: MonthOutlook | None, outlook: MonthOutlook) -> bool:
    return kept is not None and all(
        getattr(kept, name) == getattr(outlook, name) for name in _COMPARED
    )


_COMPARED = (
    *("committed", "committed_until", "to_end", "agreed_until", "year_ends_on"),
    *("expected", "expected_low", "expected_high", "fx_rate", "fx_on", "fx_source"),
    *("months", "explanation"),
)


def _told(
    outlooks: Iterable[MonthOutlook],
    engagements: Mapping[int, Engagement],
    actor: User | None,
) -> Iterator[Event]:
    for one in outlooks:
        committed = one.committed
        plain = None if committed is None else events.plain(committed)
        yield events.draft(
            event_type="engagement.outlook_kept",
            subject=one,
            changes={
                "month": [None, f"{one.month:%Y-%m}"],
                "committed": [None, plain],
                "expected": [None, events.plain(one.expected)],
                "currency": [None, one.currency],
            },
            engagement=engagements[one.engagement_id],
            actor=actor,
        )
