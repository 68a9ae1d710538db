"""Reads of money that can still be kept or got back: exceptions and savings.

Amounts are told in their own currency and, at today's rate, in the reporting one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from engagements.permissions import sees_money
from engagements.values.money import round_money
from engagements.values.periods import add_months
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.models import ExceptionState, MatchException, Saving, SavingStatus
from tracker.spend.models.match import TAKES_BACK
from tracker.spend.queries import SpendWhere, engagements_where

if TYPE_CHECKING:
    from engagements.models import User


@dataclass(frozen=True)
class ExceptionRow:
    """What doesn't fit on an invoice; `reporting_amount` is None without a rate.

    Open it is at stake, resolved it is being taken back.
    """

    pk: int
    is_open: bool
    what: str
    resolution: str
    invoice: str
    vendor: str
    reference: str
    title: str
    found_at: datetime
    currency: str
    amount: Decimal
    reporting_amount: Decimal | None


@dataclass(frozen=True)
class SavingRow:
    """A saving as claimed, and what records show of it."""

    pk: int
    kind: str
    title: str
    vendor: str
    reference: str
    since: date
    status: str
    currency: str
    claimed: Decimal
    realised: Decimal
    reporting_claimed: Decimal | None
    reporting_realised: Decimal | None


class Reported:
    """Amounts in the reporting currency at the rate of one day."""

    def __init__(self, day: date) -> None:
        self._day, self._rates = day, Rates()

    def amount(self, amount: Decimal, currency: str) -> Decimal | None:
        """Return the amount, None where no rate is known."""
        try:
            factor = self._rates.on(currency, self._day).factor
        except MissingRateError:
            return None
        return round_money(amount * factor, settings.REPORTING_CURRENCY)


def exception_rows(user: User, where: SpendWhere, *, today: date) -> list[ExceptionRow]:
    """Return what is open, then what is taken back, the most money first.

    What is open counts whenever it was found, the rest by when it was resolved.
    """
    if not sees_money(user):
        return []
    asked = Q(state=ExceptionState.OPEN) | (
        Q(state=ExceptionState.RESOLVED, resolution__in=[*TAKES_BACK])
        & _within(where, "resolved_at__date")
    )
    rows = (
        MatchException.objects.visible_to(user)
        .filter(asked, engagement__in=engagements_where(user, where).values("pk"))
        .select_related("invoice__vendor", "engagement")
        .order_by("state", "-amount", "id")
    )
    reported = Reported(today)
    return [
        ExceptionRow(
            pk=row.pk,
            is_open=row.state == ExceptionState.OPEN,
            what=str(row.get_code_display()),
            resolution=str(row.get_resolution_display()) if row.resolution else "",
            invoice=row.invoice.number,
            vendor=row.invoice.vendor.legal_name,
            reference=row.engagement.reference,
            title=row.engagement.title,
            found_at=timezone.localtime(row.found_at),
            currency=row.currency,
            amount=row.amount,
            reporting_amount=reported.amount(row.amount, row.currency),
        )
        for row in rows
    ]


def saving_rows(user: User, where: SpendWhere, *, today: date) -> list[SavingRow]:
    """Return the savings claimed in the months asked for, the latest first."""
    rows = (
        Saving.objects.all()
        .visible_to(user)
        .filter(_of(user, where), _within(where, "claimed_on"))
        .exclude(status=SavingStatus.WITHDRAWN)
        .with_realised()
        .select_related("vendor", "engagement")
        .order_by("-claimed_on", "-pk")
    )
    reported = Reported(today)
    return [
        SavingRow(
            pk=row.pk,
            kind=str(row.get_kind_display()),
            title=row.title,
            vendor=row.vendor.legal_name,
            reference=row.engagement.reference if row.engagement else "",
            since=row.claimed_on,
            status=str(row.get_status_display()),
            currency=row.currency,
            claimed=row.claimed_amount,
            realised=row.realised,
            reporting_claimed=reported.amount(row.claimed_amount, row.currency),
            reporting_realised=reported.amount(row.realised, row.currency),
        )
        for row in rows
    ]


def _of(user: User, where: SpendWhere) -> Q:
    """Keep savings of the engagements asked for, and those of a vendor as a whole.

    The latter only where nothing narrower than the vendor is asked for.
    """
    engagements = Q(engagement__in=engagements_where(user, where).values("pk"))
    narrower = (where.department_ids, where.engagement_id, where.service_id)
    if any(each is not None for each in narrower) or where.kind:
        return engagements
    of_vendor = Q(engagement__isnull=True)
    if where.vendor_id is not None:
        of_vendor &= Q(vendor=where.vendor_id)
    return engagements | of_vendor


def _within(where: SpendWhere, field: str) -> Q:
    return Q(**dict(_limits(where, field)))


def _limits(where: SpendWhere, field: str) -> Iterator[tuple[str, date]]:
    if where.first_month is not None:
        yield f"{field}__gte", where.first_month
    if where.last_month is not None:
        yield f"{field}__lt", add_months(where.last_month, 1)
