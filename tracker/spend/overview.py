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
from django.db.models import Model, QuerySet

from engagements.models import Event
from engagements.models.fields import MoneyField
from tracker.jobs.models import JobRun, JobStatus
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

_VERSION = """
SELECT refreshed, (SELECT COUNT(*) FROM {stale}), events_through,
       (SELECT COUNT(*) FROM {events} WHERE id > COALESCE(events_through, 0)),
       (SELECT public_id FROM {events} ORDER BY id DESC LIMIT 1), {jobs}
  FROM (SELECT (SELECT refreshed FROM {version}) AS refreshed,
               (SELECT events_through FROM {version}) AS events_through) AS known
"""

# How the last run of a job stands: the next one begins and ends with another text.
_JOB = """
(SELECT id || ' ' || attempts || ' ' || status FROM {runs} WHERE name = %s
  ORDER BY key DESC LIMIT 1)
"""
# What they change is told by no event: nobody changed a record.
SILENT_JOBS = ("roll terms", "refresh exchange rates")

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


@dataclass(frozen=True)
class DataVersion:
    """A name for what is posted and for all records: another one after every commit.

    Between two refreshes marks are only added, so that their number tells states of
    the ledger apart; ids wouldn't, being drawn in another order than transactions
    commit in. Records are told by the events of every change to them, counted from
    one on that no open transaction can still precede. The newest event tells this
    database from one that was restored and then went another way.
    """

    refreshed: int
    marks: int
    events_through: int
    events: int
    newest: str
    jobs: tuple[str, ...]

    @property
    def is_moving(self) -> bool:
        """Whether a job is changing what no event tells of, commit by commit."""
        return any(job.endswith(JobStatus.RUNNING) for job in self.jobs)


def data_version() -> DataVersion:
    """Return the version of the data, by one statement: so it is of one moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            _VERSION.format(
                version=_table(TotalsVersion),
                stale=_table(StaleMonth),
                events=_table(Event),
                jobs=", ".join(_JOB.format(runs=_table(JobRun)) for _ in SILENT_JOBS),
            ),
            list(SILENT_JOBS),
        )
        refreshed, marks, through, events, newest, *jobs = cursor.fetchone()
    return DataVersion(
        refreshed or 0,
        marks,
        through or 0,
        events,
        str(newest),
        tuple(job or "" for job in jobs),
    )


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


def _table(model: type[Model]) -> str:
    return model._meta.db_table


def _stored(day: date | None) -> Any:
    field = MonthTotal._meta.get_field("booked_month")
    return field.get_db_prep_value(day, connection)


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _money(amount: Any) -> Decimal:
    return Decimal(int(amount)).scaleb(-MoneyField.places)
