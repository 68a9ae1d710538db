"""Spend of two periods beside each other, line by line, for the variance.

A line is an engagement's time, or other charges, on one cost centre. Its hours are
those of the work logs of the month, or else of its invoices; without either, and for
all other charges, its units are months of service, a month in part by its days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q, Sum
from django.db.models.functions import TruncMonth

from engagements.choices import ChargeKind, Kind
from engagements.permissions import sees_money
from engagements.values.money import minor_unit
from engagements.values.periods import (
    ONE_DAY,
    add_months,
    last_day_of_month,
    month_of,
    months_between,
)
from tracker.spend.models import InvoiceLine, MonthlySpend, WorkLog
from tracker.spend.queries import SpendWhere
from tracker.spend.variance import SCALE, Line, Measure, Parts, Unit, variances

if TYPE_CHECKING:
    from engagements.models import User


@dataclass(frozen=True)
class Months:
    """Two first days of months, both months included."""

    first: date
    last: date

    def holds(self, month: date) -> bool:
        return self.first <= month <= self.last

    @property
    def before(self) -> Months:
        """Return as many months that end where these begin."""
        count = len(list(months_between(self.first, self.last)))
        return Months(add_months(self.first, -count), add_months(self.first, -1))


@dataclass(frozen=True)
class Compared:
    """One line of both periods with its parts; amounts in the reporting currency."""

    engagement_id: int
    public_id: str
    reference: str
    title: str
    kind: str
    vendor_id: str
    vendor: str
    role: str
    cost_centre_code: str
    cost_centre: str
    before: Decimal
    after: Decimal
    parts: Parts


@dataclass(frozen=True)
class _Key:
    engagement_id: int
    cost_centre_id: int
    charge_kind: str


Row = dict[str, Any]
HoursByMonth = Mapping[tuple[int, date], Fraction]


def compare(
    user: User, where: SpendWhere, *, base: Months, new: Months
) -> list[Compared]:
    """Return the lines of either period in the reader's scope; three queries."""
    rows = _rows(user, where, base, new)
    if not rows:
        return []
    hours = _hours(user, rows)
    spent_in = {
        period: {row["engagement_id"] for row in rows if period.holds(row["month"])}
        for period in (base, new)
    }
    groups: dict[_Key, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_key(row)].append(row)
    shares = _shares(rows)
    lines = [
        _line(found, base, new, hours, shares, spent_in) for found in groups.values()
    ]
    unit = int(minor_unit(settings.REPORTING_CURRENCY) * SCALE)
    parts = variances(lines, unit)
    return [
        _compared(found[0], line, part)
        for found, line, part in zip(groups.values(), lines, parts, strict=True)
    ]


_COLUMNS = (
    "engagement_id",
    "cost_centre_id",
    "charge_kind",
    "month",
    "engagement__public_id",
    "engagement__reference",
    "engagement__title",
    "engagement__kind",
    "engagement__starts_on",
    "engagement__ends_on",
    "engagement__vendor__public_id",
    "engagement__vendor__legal_name",
    "engagement__assignment__role",
    "cost_centre__code",
    "cost_centre__name",
)


def _rows(user: User, where: SpendWhere, base: Months, new: Months) -> list[Row]:
    if not sees_money(user):
        return []
    either = Q(month__range=(base.first, base.last)) | Q(
        month__range=(new.first, new.last)
    )
    anytime = replace(where, first_month=None, last_month=None)
    return list(
        MonthlySpend.objects.visible_to(user)
        .filter(anytime.condition(), either)
        .values(*_COLUMNS)
        .annotate(own=Sum("amount"), reporting=Sum("reporting_amount"))
        .order_by("engagement__reference", "cost_centre__code", "charge_kind", "month")
    )


def _key(row: Row) -> _Key:
    return _Key(row["engagement_id"], row["cost_centre_id"], row["charge_kind"])


def _shares(rows: list[Row]) -> dict[tuple[int, date, int], Fraction]:
    """Return which part of an engagement's time of a month each cost centre pays."""
    wholes: dict[tuple[int, date], Decimal] = defaultdict(Decimal)
    times = [row for row in rows if row["charge_kind"] == ChargeKind.TIME]
    for row in times:
        wholes[row["engagement_id"], row["month"]] += row["own"]
    return {
        (row["engagement_id"], row["month"], row["cost_centre_id"]): Fraction(
            row["own"]
        )
        / Fraction(whole)
        for row in times
        if (whole := wholes[row["engagement_id"], row["month"]])
    }


def _line(
    rows: list[Row],
    base: Months,
    new: Months,
    hours: HoursByMonth,
    shares: Mapping[tuple[int, date, int], Fraction],
    spent_in: Mapping[Months, set[int]],
) -> Line:
    before = [row for row in rows if base.holds(row["month"])]
    after = [row for row in rows if new.holds(row["month"])]
    has_hours = rows[0]["charge_kind"] == ChargeKind.TIME and all(
        (row["engagement_id"], row["month"]) in hours for row in rows if row["own"]
    )
    unit = Unit.HOURS if has_hours else Unit.MONTHS

    def measure(found: list[Row]) -> Measure:
        if unit is Unit.MONTHS:
            units = sum((_months(row) for row in found), Fraction(0))
        else:
            units = sum((_own_hours(row, hours, shares) for row in found), Fraction(0))
        return Measure(
            units,
            sum(_scaled(row["own"]) for row in found),
            sum(_scaled(row["reporting"]) for row in found),
        )

    engagement = rows[0]["engagement_id"]
    return Line(
        unit,
        measure(before),
        measure(after),
        is_new=engagement not in spent_in[base],
        is_ended=engagement not in spent_in[new],
    )


def _scaled(amount: Decimal) -> int:
    return int(amount * SCALE)


def _months(row: Row) -> Fraction:
    """Return the part of the month in force; a whole one where nothing of it was."""
    if not row["own"]:
        return Fraction(0)
    month: date = row["month"]
    last = last_day_of_month(month)
    first = max(month, row["engagement__starts_on"])
    end = min(last, row["engagement__ends_on"] or last)
    days = (end - first + ONE_DAY).days
    return Fraction(days, last.day) if days > 0 else Fraction(1)


def _own_hours(
    row: Row, hours: HoursByMonth, shares: Mapping[tuple[int, date, int], Fraction]
) -> Fraction:
    key = row["engagement_id"], row["month"]
    share = shares.get((*key, row["cost_centre_id"]), Fraction(0))
    return hours.get(key, Fraction(0)) * share


def _hours(user: User, rows: list[Row]) -> HoursByMonth:
    """Return the hours by engagement and month: as logged, else as billed."""
    paid_by_time = {
        row["engagement_id"] for row in rows if row["charge_kind"] == ChargeKind.TIME
    }
    first = min(row["month"] for row in rows)
    last = last_day_of_month(max(row["month"] for row in rows))
    logged = (
        WorkLog.objects.visible_to(user)
        .counted()
        .filter(worked_on__range=(first, last), engagement__kind=Kind.AUGMENTED)
        .annotate(month=TruncMonth("worked_on"))
        .values_list("engagement_id", "month")
        .annotate(hours=Sum("hours"))
        .order_by()
    )
    found: dict[tuple[int, date], Fraction] = defaultdict(Fraction)
    for engagement, month, worked in _billed(user, first, last):
        found[engagement, month] += worked
    found.update(
        {(engagement, month): Fraction(worked) for engagement, month, worked in logged}
    )
    return {key: worked for key, worked in found.items() if key[0] in paid_by_time}


def _billed(
    user: User, first: date, last: date
) -> Iterator[tuple[int, date, Fraction]]:
    """Yield billed hours, spread over months as the amount of their line is."""
    lines = (
        InvoiceLine.objects.visible_to(user)
        .filter(
            charge_kind=ChargeKind.TIME,
            hours__isnull=False,
            period_from__lte=last,
            period_to__gte=first,
        )
        .values_list("engagement_id", "period_from", "period_to", "hours")
    )
    for engagement, begins, ends, worked in lines:
        months = list(months_between(begins, ends))
        parts = [_part_of(month, begins, ends) for month in months]
        for month, part in zip(months, parts, strict=True):
            yield engagement, month, Fraction(worked) * part / sum(parts)


def _part_of(month: date, begins: date, ends: date) -> Fraction:
    last = last_day_of_month(month)
    days = (min(last, ends) - max(month_of(month), begins) + ONE_DAY).days
    return Fraction(days, last.day)


def _compared(row: Row, line: Line, parts: Parts) -> Compared:
    return Compared(
        row["engagement_id"],
        str(row["engagement__public_id"]),
        row["engagement__reference"],
        row["engagement__title"],
        row["engagement__kind"],
        str(row["engagement__vendor__public_id"]),
        row["engagement__vendor__legal_name"],
        row["engagement__assignment__role"] or "",
        row["cost_centre__code"],
        f"{row['cost_centre__code']} · {row['cost_centre__name']}",
        in_currency(line.before.reporting),
        in_currency(line.after.reporting),
        parts,
    )


def in_currency(ten_thousandths: int) -> Decimal:
    """Return the amount that a whole number of ten-thousandths stands for."""
    return Decimal(ten_thousandths) / SCALE
