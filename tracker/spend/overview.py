"""Spend by month, by vendor and by cost centre, exact at every commit.

Months without a mark are read from their derived totals, marked ones from the roll-up
that postings write; a reader whose rows are narrowed reads the roll-up alone. It is one
statement, so both are of one moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from engagements.models import Event
from engagements.models.fields import MoneyField
from tracker.spend.groupings import COLUMNS, SOURCE_COLUMNS, grouped
from tracker.spend.models import (
    Dimension,
    MonthlySpend,
    MonthTotal,
    StaleMonth,
    TotalsVersion,
)

if TYPE_CHECKING:
    pass

_CLEAN = """
UNION ALL
SELECT {columns} FROM {totals} AS clean
 WHERE {limits} NOT EXISTS
       (SELECT 1 FROM {stale} AS mark WHERE mark.booked_month = clean.booked_month)
"""

_STATEMENT = """
WITH live AS ({live}), parts AS ({grouped} {clean})
SELECT dimension, CASE WHEN dimension = 'all' THEN booked_month END AS month,
       member_id, kind, basis, SUM(reporting_amount)
  FROM parts
 WHERE {inside}
 GROUP BY 1, 2, 3, 4, 5
"""

_RECORDS = """
SELECT events_through,
       (SELECT COUNT(*) FROM {events} WHERE id > COALESCE(events_through, 0))
  FROM (SELECT (SELECT events_through FROM {version}) AS events_through) AS known
"""
_VERSION = "SELECT (SELECT refreshed FROM {version}), (SELECT COUNT(*) FROM {stale})"

Part = tuple[str, str]
Amounts = Mapping[Part, Decimal]


@dataclass
class Sums:
    """Amounts in the reporting currency by model and basis, of every member."""

    months: dict[date, dict[Part, Decimal]] = field(default_factory=dict)
    vendors: dict[int, dict[Part, Decimal]] = field(default_factory=dict)
    cost_centres: dict[int, dict[Part, Decimal]] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """`since` is the first month of months, `first` that of the other dimensions."""

    since: date | None
    first: date | None
    last: date | None
    kind: str


def spend_sums(
    rows: QuerySet[MonthlySpend], asked: Asked, *, with_totals: bool
) -> Sums:
    """Sum the rows; `with_totals` where they are all there are of the months asked.

    `rows` are the roll-up's that may be seen, of the months and the model asked.
    """
    sums = Sums()
    try:
        sql, params = _statement(rows, asked, with_totals=with_totals)
    except EmptyResultSet:
        # Django finds conditions that nothing can meet, such as no department at all.
        return sums
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for dimension, month, member, kind, basis, amount in cursor.fetchall():
            _group(sums, dimension, month, member)[kind, basis] = _money(amount)
    return sums


def ledger_version() -> str:
    """Return a name for what is posted: another one after every commit that posts.

    Between two refreshes marks are only added, so that their number tells states
    apart; ids wouldn't, being drawn in another order than transactions commit in.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _VERSION.format(version=_table(TotalsVersion), stale=_table(StaleMonth))
        )
        refreshed, marks = cursor.fetchone()
    return f"{refreshed or 0}.{marks}"


def records_version() -> str:
    """Return a name for all records, by the events that tell of every change to them.

    Another one after every commit that records an event, for the same reason: events
    are counted from one on that no open transaction can still precede.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORDS.format(version=_table(TotalsVersion), events=_table(Event))
        )
        through, events = cursor.fetchone()
    return f"{through or 0}.{events}"


def _group(sums: Sums, dimension: str, month: Any, member: int) -> dict[Part, Decimal]:
    if dimension == Dimension.ALL:
        return sums.months.setdefault(_day(month), {})
    members = sums.vendors if dimension == Dimension.VENDOR else sums.cost_centres
    return members.setdefault(member, {})


def _statement(
    rows: QuerySet[MonthlySpend], asked: Asked, *, with_totals: bool
) -> tuple[str, list[Any]]:
    if with_totals:
        rows = rows.filter(booked_month__in=StaleMonth.objects.values("booked_month"))
    live, params = rows.order_by().values(*SOURCE_COLUMNS).query.sql_with_params()
    clean, more = _clean(asked) if with_totals else ("", [])
    inside, last = "1 = 1", []
    if asked.first is not None and asked.first != asked.since:
        inside, last = "dimension = 'all' OR booked_month >= %s", [_stored(asked.first)]
    sql = _STATEMENT.format(
        live=live, grouped=grouped("live"), clean=clean, inside=inside
    )
    return sql, [*params, *more, *last]


def _clean(asked: Asked) -> tuple[str, list[Any]]:
    limits = {
        "booked_month >= %s AND": _stored(asked.since),
        "booked_month <= %s AND": _stored(asked.last),
        "kind = %s AND": asked.kind or None,
    }
    given = {limit: value for limit, value in limits.items() if value is not None}
    sql = _CLEAN.format(
        columns=COLUMNS,
        totals=_table(MonthTotal),
        stale=_table(StaleMonth),
        limits=" ".join(given),
    )
    return sql, list(given.values())


def _table(model: type[Event | MonthTotal | StaleMonth | TotalsVersion]) -> str:
    return model._meta.db_table


def _stored(day: date | None) -> Any:
    field = MonthTotal._meta.get_field("booked_month")
    return field.get_db_prep_value(day, connection)


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _money(amount: Any) -> Decimal:
    return Decimal(int(amount)).scaleb(-MoneyField.places)
