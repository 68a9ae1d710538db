"""Engagements as the API answers them: few queries, plain tuples, no instances."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

from engagements.choices import RateUnit
from engagements.models import CostSplitShare, FeeTerm, RateTerm
from engagements.models.among import Among
from engagements.models.engagement import EngagementQuerySet
from engagements.values.money import currency_exponent
from tracker.api import naming
from tracker.api.engagements.shapes import DAY, HOUR
from tracker.api.pagination import Position
from tracker.api.resource import Row

PERIODS = {RateUnit.HOUR.value: HOUR, RateUnit.DAY.value: DAY}

# The API's name of a plain fact, and where it is stored.
FACTS = {
    "id": "public_id",
    "external_id": "external_id",
    "reference": "reference",
    "title": "title",
    "kind": "kind",
    "currency": "currency",
    "country": "country",
    "start_date": "starts_on",
    "end_date": "ends_on",
    "term_end_date": "term_ends_on",
    "renewal": "renewal",
    "initial_term_months": "initial_term_months",
    "renewal_term_months": "renewal_term_months",
    "notice_period": "notice_period",
    "notice_unit": "notice_unit",
    "notice_deadline": "notice_deadline_on",
    "status": "status",
    "phase": "phase",
    "po_number": "purchase_order_number",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
# Likewise of another record, whose columns follow one another.
RECORDS = {
    "vendor": (
        "vendor__public_id",
        "vendor__external_id",
        "vendor__legal_name",
    ),
    "owner": (
        "manager__public_id",
        "manager__external_id",
        "manager__first_name",
        "manager__last_name",
        "manager__username",
    ),
    "department": (
        "department__public_id",
        "department__external_id",
        "department__name",
        "department__code",
    ),
    "service": (
        "service__public_id",
        "service__external_id",
        "service__name",
    ),
}


def _slices(start: int, parts: Iterable[Sequence[str]]) -> list[slice]:
    """Return where the columns of each part stand, the first from `start`."""
    ends = list(accumulate((len(part) for part in parts), initial=start))
    return [slice(begin, end) for begin, end in pairwise(ends)]


COLUMNS = ("pk", *FACTS.values(), *(name for part in RECORDS.values() for name in part))
_VENDOR, _OWNER, _DEPARTMENT, _SERVICE = _slices(1 + len(FACTS), RECORDS.values())


def engagement_rows(
    rows: EngagementQuerySet, *, today: date, with_money: bool
) -> list[tuple[Position, Row]]:
    """Return what the API answers of each engagement, in the order of the rows.

    The rows carry their phase (`with_phase`).
    """
    found = list(rows.values_list(*COLUMNS))
    ids = [values[0] for values in found]
    splits = cost_splits(ids, today)
    answers = [_row(values, splits) for values in found]
    if with_money:
        _add_money(ids, answers, today)
    return [
        (Position(answer["updated_at"], pk), answer)
        for pk, answer in zip(ids, answers, strict=True)
    ]


def _row(values: Sequence[Any], splits: dict[int, Row]) -> Row:
    row = dict(zip(FACTS, values[1:], strict=False))
    row["po_number"] = row["po_number"] or None
    row["vendor"] = naming.record(values[_VENDOR])
    row["owner"] = naming.person(values[_OWNER])
    row["department"] = naming.record(values[_DEPARTMENT])
    row["service"] = naming.record(values[_SERVICE])
    row["cost_split"] = splits.get(values[0])
    return row


def _add_money(ids: list[int], answers: list[Row], today: date) -> None:
    fees, rates = _fees(ids, today), rates_in_force(ids, today)
    for pk, answer in zip(ids, answers, strict=True):
        fee, rate = fees.get(pk), rates.get(pk)
        code = answer["currency"]
        answer["monthly_fee"] = fee_row(fee, code) if fee else None
        answer["rate"] = rate_row(rate, code) if rate else None


def fee_row(term: Sequence[Any], currency: str) -> Row:
    starts_on, monthly_fee = term
    return {
        "amount": money_text(monthly_fee, currency),
        "currency": currency,
        "effective_date": starts_on,
    }


def rate_row(term: Sequence[Any], currency: str) -> Row:
    starts_on, rate, unit, hours_per_day, overtime = term
    return {
        "pay_rate": money_text(rate, currency),
        "pay_period": PERIODS[unit],
        "pay_currency": currency,
        "effective_date": starts_on,
        "hours_per_day": plain_text(hours_per_day),
        "overtime_multiplier": plain_text(overtime),
    }


def _fees(ids: list[int], today: date) -> dict[int, Sequence[Any]]:
    terms = FeeTerm.objects.filter(Among("contract_id", ids)).order_by("starts_on")
    return _in_force(
        terms.values_list("contract_id", "starts_on", "monthly_fee"), today
    )


def rates_in_force(ids: Collection[int], today: date) -> dict[int, Sequence[Any]]:
    terms = RateTerm.objects.filter(Among("assignment_id", ids)).order_by("starts_on")
    columns = ("rate", "unit", "hours_per_day", "overtime_multiplier")
    return _in_force(terms.values_list("assignment_id", "starts_on", *columns), today)


def _in_force(terms: Iterable[Sequence[Any]], today: date) -> dict[int, Sequence[Any]]:
    """Return by engagement the last term begun by today, else the first to come.

    `terms` are (engagement, starts_on, …), in the order of starts_on.
    """
    found: dict[int, Sequence[Any]] = {}
    for engagement, starts_on, *rest in terms:
        if engagement not in found or starts_on <= today:
            found[engagement] = (starts_on, *rest)
    return found


def cost_splits(ids: Collection[int], today: date) -> dict[int, Row]:
    """Return by engagement the split in force, else the first to come."""
    shares = (
        CostSplitShare.objects.filter(Among("split__engagement_id", ids))
        .order_by("split__starts_on", "id")
        .values_list(
            "split__engagement_id",
            "split__starts_on",
            "cost_centre__public_id",
            "cost_centre__external_id",
            "cost_centre__name",
            "cost_centre__code",
            "percent",
        )
    )
    found: dict[int, Row] = {}
    for engagement, starts_on, *centre, percent in shares:
        split = found.get(engagement)
        if split is None or (starts_on <= today and starts_on != _start(split)):
            split = found[engagement] = {"effective_date": starts_on, "shares": []}
        if split["effective_date"] == starts_on:
            split["shares"].append(
                {
                    "cost_center": dict(
                        zip(("id", "external_id", "name", "code"), centre, strict=True)
                    ),
                    "percent": plain_text(percent),
                }
            )
    return found


def _start(split: Row) -> date:
    starts_on: date = split["effective_date"]
    return starts_on


def plain_text(number: Decimal) -> str:
    """Return the number without trailing zeros or an exponent."""
    return f"{number.normalize():f}"


def money_text(amount: Decimal, currency: str) -> str:
    """Return the amount with the currency's decimals, or more where it has more."""
    places = _places(currency)
    exact = -int(amount.normalize().as_tuple().exponent)
    return f"{amount:.{max(places, exact)}f}"


@lru_cache(maxsize=256)
def _places(currency: str) -> int:
    return currency_exponent(currency)
