"""The engagements of vendors with what was spent on each in some months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from engagements.choices import LIVE_STATUSES
from engagements.models import Engagement
from engagements.permissions import engagement_scope, sees_money
from engagements.queries import with_price
from tracker.spend.queries import SpendWhere, engagements_where, spend_by_engagement

if TYPE_CHECKING:
    from engagements.models import User

NOTHING = Decimal(0)


@dataclass(frozen=True)
class EngagementLine:
    """`price` is per `unit` in `currency`, None where none is set."""

    pk: int
    public_id: UUID
    reference: str
    title: str
    vendor: str
    kind: str
    phase: str
    starts_on: date
    term_ends_on: date | None
    notice_deadline_on: date | None
    price: Decimal | None
    unit: str
    currency: str
    spent: Decimal


def engagement_lines(
    user: User, where: SpendWhere, *, today: date
) -> list[EngagementLine]:
    """Return what is live or was spent on, the largest spend first; two queries."""
    if not sees_money(user):
        return []
    spent: Mapping[UUID, Decimal] = {
        row.public_id: row.parts.total for row in spend_by_engagement(user, where)
    }
    seen = Engagement.objects.filter(engagement_scope(user, with_money=True))
    rows = (
        seen.filter(pk__in=engagements_where(user, where).order_by().values("pk"))
        .with_phase(today)
        .select_related("vendor")
    )
    found = [
        EngagementLine(
            pk=row.pk,
            public_id=row.public_id,
            reference=row.reference,
            title=row.title,
            vendor=row.vendor.legal_name,
            kind=row.kind,
            phase=row.phase,
            starts_on=row.starts_on,
            term_ends_on=row.term_ends_on,
            notice_deadline_on=row.notice_deadline_on,
            price=row.fee if row.fee is not None else row.rate,
            unit="month" if row.fee is not None else row.unit or "",
            currency=row.currency,
            spent=spent.get(row.public_id, NOTHING),
        )
        for row in with_price(rows, today)
        if row.public_id in spent or row.status in LIVE_STATUSES
    ]
    return sorted(found, key=lambda one: (-one.spent, one.reference))
