"""Whether everything that an engagement cost is billed and paid."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import zip_longest

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.choices import ChargeKind
from engagements.models import Engagement, FeeTerm, User
from engagements.services.closing import Closing, Obstacle, before_closing
from engagements.services.records import create_record
from engagements.values.periods import last_day_of_month, month_of, months_between
from tracker.spend.models import (
    Basis,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    LedgerEntry,
    Settlement,
    SourceType,
)

_ONE_DAY = timedelta(days=1)
Span = tuple[date, date]


@transaction.atomic
def settle_final_invoice(*, settlement: Settlement, actor: User) -> Settlement:
    """Record that no further invoice will come for what was done so far.

    Invoices that are there have to be paid all the same. Raises ValidationError
    without a reason.
    """
    engagement = Engagement.objects.select_for_update().get(pk=settlement.engagement_id)
    settlement.reason = settlement.reason.strip()
    settlement.settled_at = timezone.now()
    settlement.settled_by = actor
    return create_record(
        record=settlement,
        event_type="engagement.final_invoice_settled",
        engagement=engagement,
        actor=actor,
    )


@before_closing
def open_final_invoice(closing: Closing) -> list[Obstacle]:
    """Tell of invoices not paid, and of work and fees not billed by the last day."""
    settled_at = _settled_at(closing.engagement)
    return [
        *_unpaid(closing),
        *_unbilled_work(closing.engagement, settled_at),
        *_unbilled_fees(closing, settled_at),
    ]


def _settled_at(engagement: Engagement) -> datetime | None:
    latest = Settlement.objects.filter(engagement_id=engagement.pk).first()
    return latest.settled_at if latest else None


def _unpaid(closing: Closing) -> Iterator[Obstacle]:
    lines = InvoiceLine.objects.filter(engagement_id=closing.engagement.pk)
    invoices = (
        Invoice.objects.filter(pk__in=lines.values("invoice"))
        .exclude(status=InvoiceStatus.PAID)
        .order_by("issued_on", "pk")
    )
    named: set[int] = set()
    if closing.reader is not None and closing.reader.has_perm("tracker.view_invoice"):
        seen = lines.visible_to(closing.reader)
        named = set(seen.values_list("invoice", flat=True))
    hidden = 0
    for invoice in invoices:
        if invoice.pk not in named:
            hidden += 1
            continue
        yield Obstacle(
            _("Invoice %(number)s is %(status)s, not paid.")
            % {
                "number": invoice.number,
                "status": invoice.get_status_display().lower(),
            },
            record=invoice,
        )
    if hidden:
        sentence = ngettext(
            "%(count)d invoice is not paid.", "%(count)d invoices are not paid.", hidden
        )
        yield Obstacle(sentence % {"count": hidden})


def _unbilled_work(
    engagement: Engagement, settled_at: datetime | None
) -> Iterator[Obstacle]:
    accrued = LedgerEntry.objects.filter(
        engagement_id=engagement.pk,
        charge_kind=ChargeKind.TIME,
        basis=Basis.ACCRUED,
        source_type=SourceType.WORK_LOG,
        reversal_of__isnull=True,
        reversal__isnull=True,
    ).exclude(amount=0)
    if settled_at is not None:
        accrued = accrued.filter(posted_at__gt=settled_at)
    days = sorted(set(accrued.order_by().values_list("day", flat=True)))
    if days:
        sentence = ngettext(
            "Work of %(count)d day (%(span)s) is not invoiced: post the invoice, or"
            " confirm that none will come.",
            "Work of %(count)d days (%(span)s) is not invoiced: post the invoice, or"
            " confirm that none will come.",
            len(days),
        ) % {"count": len(days), "span": _span(days[0], days[-1])}
        yield Obstacle(sentence, remedy=Settlement)


def _unbilled_fees(closing: Closing, settled_at: datetime | None) -> Iterator[Obstacle]:
    months = _months_without_fee(closing.engagement, closing.last_day)
    if settled_at is not None:
        settled_in = month_of(timezone.localdate(settled_at))
        months = [month for month in months if month > settled_in]
    if months:
        sentence = ngettext(
            "The fee of %(count)d month (%(span)s) is not invoiced: post the invoice,"
            " or confirm that none will come.",
            "The fees of %(count)d months (%(span)s) are not invoiced: post the"
            " invoices, or confirm that none will come.",
            len(months),
        ) % {"count": len(months), "span": _month_span(months)}
        yield Obstacle(sentence, remedy=Settlement)


def _months_without_fee(engagement: Engagement, last_day: date) -> list[date]:
    """Return the months in force, by `last_day`, with a day that no fee line covers.

    Days on which no fee is agreed need none.
    """
    terms = list(FeeTerm.objects.filter(contract=engagement.pk).order_by("starts_on"))
    billed = list(_fee_periods(engagement))
    return [
        month
        for month in months_between(engagement.starts_on, last_day)
        if any(
            not _covers(billed, span)
            for span in _paid_spans(
                terms,
                max(month, engagement.starts_on),
                min(last_day_of_month(month), last_day),
            )
        )
    ]


def _paid_spans(terms: Sequence[FeeTerm], first: date, last: date) -> Iterator[Span]:
    """Yield the parts of a span on which a fee above 0 is agreed."""
    for term, following in zip_longest(terms, terms[1:]):
        begins = max(first, term.starts_on)
        ends = last if following is None else min(last, following.starts_on - _ONE_DAY)
        if begins <= ends and term.monthly_fee > 0:
            yield begins, ends


def _fee_periods(engagement: Engagement) -> QuerySet[InvoiceLine, Span]:
    lines = InvoiceLine.objects.filter(
        engagement_id=engagement.pk, charge_kind=ChargeKind.RECURRING
    ).exclude(invoice__status=InvoiceStatus.DRAFT)
    return lines.order_by("period_from").values_list("period_from", "period_to")


def _covers(periods: Sequence[Span], span: Span) -> bool:
    """Tell whether periods, in the order of their start, leave no day of the span."""
    missing, last = span
    for begins, ends in periods:
        if begins <= missing <= ends:
            missing = ends + _ONE_DAY
        if missing > last:
            return True
    return False


def _span(first: date, last: date) -> str:
    if first == last:
        return date_format(first, "DATE_FORMAT")
    return _("%(first)s to %(last)s") % {
        "first": date_format(first, "DATE_FORMAT"),
        "last": date_format(last, "DATE_FORMAT"),
    }


def _month_span(months: Sequence[date]) -> str:
    if len(months) == 1:
        return date_format(months[0], "M Y")
    return _("%(first)s to %(last)s") % {
        "first": date_format(months[0], "M Y"),
        "last": date_format(months[-1], "M Y"),
    }
