"""The totals of months, derived from the roll-up where postings have marked them."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max
from django.utils import timezone

from engagements import events
from engagements.choices import ChargeKind
from engagements.models import Event, User
from tracker.spend.groupings import COLUMNS, SOURCE_COLUMNS, grouped
from tracker.spend.models import (
    LedgerEntry,
    MonthlySpend,
    MonthTotal,
    StaleMonth,
    TotalsVersion,
    hold_months_still,
)
from tracker.spend.services.ledger import mark_stale

# Beyond what the database lets any transaction last.
LONGEST_TRANSACTION = timedelta(hours=2)

_DERIVE = """
WITH live AS (SELECT {source_columns} FROM {roll_up}
               WHERE booked_month = %s AND charge_kind <> %s)
INSERT INTO {totals} ({columns}) {grouped}
"""

_ROLL_UP = """
INSERT INTO {roll_up} (engagement_id, month, booked_month, cost_centre_id, charge_kind,
                       basis, vendor_id, kind, amount, reporting_amount)
SELECT engagement_id, month, booked_month, cost_centre_id, charge_kind, basis,
       MIN(vendor_id), MIN(kind), SUM(amount), SUM(reporting_amount)
  FROM {ledger}
 WHERE booked_month = %s
 GROUP BY engagement_id, month, booked_month, cost_centre_id, charge_kind, basis
"""


def refresh_totals() -> list[date]:
    """Derive the totals of every marked month anew; return the months.

    Each in a transaction of its own. Postings go on meanwhile: their marks stay, and
    so does what readers take from the roll-up.
    """
    months = StaleMonth.objects.order_by("booked_month")
    stale = list(months.values_list("booked_month", flat=True).distinct())
    for month in stale:
        _refresh(month)
    _count_events_from_later()
    return stale


def _count_events_from_later() -> None:
    """Keep the events that name a state of the records few: those of an hour or so."""
    known = TotalsVersion.objects.values_list("events_through", flat=True).first() or 0
    old = Event.objects.filter(
        pk__gt=known, occurred_at__lt=timezone.now() - LONGEST_TRANSACTION
    )
    through = old.aggregate(last=Max("pk"))["last"]
    if through is not None:
        TotalsVersion.objects.update_or_create(
            id=1, defaults={"events_through": through}
        )


@transaction.atomic
def rebuild_roll_ups(*, months: Iterable[date], actor: User | None) -> list[date]:
    """Make the roll-up of these booked months anew from the ledger, and its totals.

    The ledger itself is only read; nobody posts meanwhile.
    """
    hold_months_still()
    rebuilt = sorted(set(months))
    for month in rebuilt:
        MonthlySpend.objects.filter(booked_month=month).delete()
        _execute(
            _ROLL_UP.format(
                roll_up=MonthlySpend._meta.db_table, ledger=LedgerEntry._meta.db_table
            ),
            [_stored(month)],
        )
    mark_stale(rebuilt)
    for month in rebuilt:
        _refresh(month)
    if rebuilt:
        version, _created = TotalsVersion.objects.get_or_create(id=1)
        events.record(
            event_type="ledger.roll_ups_rebuilt",
            subject=version,
            changes={"months": [None, [f"{month:%Y-%m}" for month in rebuilt]]},
            actor=actor,
        )
    return rebuilt


@transaction.atomic
def _refresh(month: date) -> None:
    _take_turn()
    # Those seen here alone: what is marked from now on may not be in the sums.
    seen = list(
        StaleMonth.objects.filter(booked_month=month).values_list("pk", flat=True)
    )
    MonthTotal.objects.filter(booked_month=month).delete()
    _execute(
        _DERIVE.format(
            source_columns=", ".join(SOURCE_COLUMNS),
            roll_up=MonthlySpend._meta.db_table,
            totals=MonthTotal._meta.db_table,
            columns=COLUMNS,
            grouped=grouped("live"),
        ),
        [_stored(month), ChargeKind.TAX.value],
    )
    for start in range(0, len(seen), 500):
        StaleMonth.objects.filter(pk__in=seen[start : start + 500]).delete()


def _take_turn() -> None:
    """Raise the version, which also makes two refreshes take turns on its row."""
    if not TotalsVersion.objects.filter(id=1).update(refreshed=F("refreshed") + 1):
        TotalsVersion.objects.get_or_create(id=1, defaults={"refreshed": 1})


def _execute(sql: str, params: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _stored(month: date) -> Any:
    field = MonthlySpend._meta.get_field("booked_month")
    return field.get_db_prep_value(month, connection)
