"""The spend behind a switch, by what it came from, to the cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from engagements.models import Engagement
from engagements.values.periods import add_months
from tracker.performance.models import Credit, CreditState
from tracker.spend.models import InvoiceLine, LedgerEntry, SourceType

NOTHING = Decimal(0)
RECEIVED = (CreditState.APPLIED,)
GIVEN_UP = (CreditState.WAIVED, CreditState.EXPIRED)


@dataclass(frozen=True)
class Source:
    name: str
    amount: Decimal


@dataclass(frozen=True)
class Reconciled:
    """The ledger's months by source; `stored` is what the assessment was made of.

    `billed` are the invoice lines whose service lies wholly within the months, and
    `posted` what the ledger has of just these; `due` and `received` are credits.
    """

    sources: Sequence[Source]
    total: Decimal
    stored: Decimal
    billed: Decimal
    posted: Decimal
    credits_due: Decimal
    credits_received: Decimal

    @property
    def changed_since(self) -> Decimal:
        """What was posted into these months after the assessment; 0 to the cent."""
        return self.total - self.stored

    @property
    def unposted(self) -> Decimal:
        return self.billed - self.posted


SOURCES = {
    SourceType.INVOICE_LINE.value: _("Invoiced"),
    SourceType.PAYMENT.value: _("Imported payments"),
    SourceType.WORK_LOG.value: _("Worked, not yet invoiced"),
    SourceType.CREDIT.value: _("Service credits"),
}


def reconciled(engagement: Engagement, money: Mapping[str, Any]) -> Reconciled:
    """Compare the months of a stored switch with ledger and invoices; four queries."""
    first = date.fromisoformat(money["first_month"])
    last = date.fromisoformat(money["last_month"])
    entries = LedgerEntry.objects.filter(
        engagement=engagement.pk, month__range=(first, last)
    ).exclude(charge_kind="tax")
    by_source = dict(
        entries.order_by().values_list("source_type").annotate(amount=Sum("amount"))
    )
    lines = InvoiceLine.objects.filter(
        engagement=engagement.pk,
        period_from__gte=first,
        period_to__lt=add_months(last, 1),
    ).exclude(charge_kind="tax")
    posted = LedgerEntry.objects.filter(
        source_type=SourceType.INVOICE_LINE, source_id__in=lines.values("pk")
    )
    due, received = _credits(engagement, first, last)
    return Reconciled(
        sources=[
            Source(str(name), by_source[source])
            for source, name in SOURCES.items()
            if source in by_source
        ],
        total=sum(by_source.values(), NOTHING),
        stored=Decimal(money["spent"]),
        billed=lines.aggregate(whole=Sum("amount"))["whole"] or NOTHING,
        posted=posted.aggregate(whole=Sum("amount"))["whole"] or NOTHING,
        credits_due=due,
        credits_received=received,
    )


def _credits(
    engagement: Engagement, first: date, last: date
) -> tuple[Decimal, Decimal]:
    rows = (
        Credit.objects.filter(
            engagement=engagement.pk,
            window_from__gte=first,
            window_from__lt=add_months(last, 1),
        )
        .exclude(state__in=GIVEN_UP)
        .order_by()
        .values_list("state")
        .annotate(due=Sum("amount"), agreed=Sum("agreed_amount"))
    )
    due = received = NOTHING
    for state, amount, agreed in rows:
        due += amount
        received += (agreed or NOTHING) if state in RECEIVED else NOTHING
    return due, received
