"""What invoices, exceptions and credits tell of each vendor, as far as one sees."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Count, Q, QuerySet

from engagements.models import Engagement, User
from engagements.permissions import sees_money
from tracker.performance.models import Credit, CreditState
from tracker.spend.models import ExceptionState, InvoiceLine, InvoiceStatus
from tracker.spend.models import MatchException as InvoiceException

OWED = (CreditState.DUE, CreditState.CLAIMED, CreditState.AGREED)


@dataclass(frozen=True)
class VendorRecord:
    """Of one vendor: invoices of the months asked for, all else as it stands."""

    invoices: int = 0
    questioned: int = 0
    open_exceptions: int = 0
    credits_owed: int = 0
    credits_lost: int = 0


def vendor_records(
    user: User, engagements: QuerySet[Engagement], *, first: date | None, last: date
) -> Mapping[int, VendorRecord]:
    """Return the records by vendor id; three queries.

    `questioned` are invoices that something didn't fit on, whatever came of it.
    """
    found: dict[int, VendorRecord] = defaultdict(VendorRecord)
    if not sees_money(user):
        return found
    for vendor, count in _invoices(user, engagements, first, last):
        found[vendor] = VendorRecord(invoices=count)
    for vendor, questioned, is_open in _exceptions(user, engagements, first, last):
        found[vendor] = replace(
            found[vendor], questioned=questioned, open_exceptions=is_open
        )
    for vendor, owed, lost in _credits(user, engagements):
        found[vendor] = replace(found[vendor], credits_owed=owed, credits_lost=lost)
    return found


def _invoices(
    user: User, engagements: QuerySet[Engagement], first: date | None, last: date
) -> list[tuple[int, int]]:
    rows = InvoiceLine.objects.visible_to(user).filter(
        _issued(first, last), engagement__in=engagements.order_by().values("pk")
    )
    counted = (
        rows.exclude(invoice__status=InvoiceStatus.DRAFT)
        .order_by()
        .values_list("engagement__vendor_id")
        .annotate(invoices=Count("invoice_id", distinct=True))
    )
    return list(counted)


def _exceptions(
    user: User, engagements: QuerySet[Engagement], first: date | None, last: date
) -> list[tuple[int, int, int]]:
    rows = InvoiceException.objects.visible_to(user).filter(
        engagement__in=engagements.order_by().values("pk")
    )
    issued, is_open = _issued(first, last), Q(state=ExceptionState.OPEN)
    counted = (
        rows.filter(issued | is_open)
        .order_by()
        .values_list("engagement__vendor_id")
        .annotate(
            questioned=Count("invoice_id", distinct=True, filter=issued),
            open=Count("pk", filter=is_open),
        )
    )
    return list(counted)


def _credits(
    user: User, engagements: QuerySet[Engagement]
) -> list[tuple[int, int, int]]:
    rows = Credit.objects.visible_to(user).filter(
        engagement__in=engagements.order_by().values("pk")
    )
    counted = (
        rows.order_by()
        .values_list("engagement__vendor_id")
        .annotate(
            owed=Count("pk", filter=Q(state__in=OWED)),
            lost=Count("pk", filter=Q(state=CreditState.EXPIRED)),
        )
    )
    return list(counted)


def _issued(first: date | None, last: date) -> Q:
    found = Q(invoice__issued_on__lte=last)
    return found & Q(invoice__issued_on__gte=first) if first else found
