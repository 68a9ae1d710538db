import re
import unicodedata
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import date
from decimal import Decimal
from math import lcm

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ChargeKind, Role
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Engagement, User
from engagements.permissions import roles_of
from engagements.services.records import create_record
from engagements.values.money import allocate
from engagements.values.periods import last_day_of_month, months_between
from tracker.spend.models import (
    Basis,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    LedgerEntry,
    SourceType,
)
from tracker.spend.services.budgets import check_posted
from tracker.spend.services.ledger import Posting, post
from tracker.spend.services.started import check_started

# From each status, the statuses that a service brings about.
STEPS: dict[str, frozenset[str]] = {
    InvoiceStatus.RECEIVED: frozenset({InvoiceStatus.PAID}),
    InvoiceStatus.MATCHED: frozenset({InvoiceStatus.PAID}),
    InvoiceStatus.APPROVED: frozenset({InvoiceStatus.PAID}),
}
# Who may say that an invoice was paid.
PAYERS = frozenset({Role.FINANCE, Role.ADMINISTRATOR})


def normalise_number(number: str) -> str:
    """Return the invoice number without case, blanks, punctuation, leading zeros."""
    text = unicodedata.normalize("NFKC", number).casefold()
    return re.sub(r"[\W_]+", "", text).lstrip("0")


@transaction.atomic
def post_invoice(
    *, invoice: Invoice, lines: Sequence[InvoiceLine], actor: User | None
) -> Invoice:
    """Store an invoice with its lines and post them as actual spend.

    Each line is posted into the months of its service period; accrued time of
    an engagement in the period is reversed, since the invoice takes its place. Lines
    must sum to the total exactly and be for engagements of the vendor that have
    started, in the invoice's currency. Raises ValidationError by field, and
    OverBudgetError where a budget stops it; nothing is stored then.
    """
    invoice.normalised_number = normalise_number(invoice.number)
    _check(invoice, lines)
    check_started([line.engagement_id for line in lines])
    create_record(record=invoice, event_type="invoice.posted", actor=actor)
    for number, line in enumerate(lines, 1):
        line.invoice, line.number = invoice, number
        line.full_clean(exclude=["invoice"])
    # Row by row: SQLite and PostgreSQL both then give every line its id.
    for line in lines:
        line.save()
    # At once, whatever the lines: writers that lock in one order can't deadlock.
    replaced = {entry.pk: entry for line in lines for entry in _accruals(line)}
    posted = post(
        [posting for line in lines for posting in _postings(line)],
        reversing=replaced.values(),
    )
    check_posted(posted)
    _tell_engagements(invoice, lines, actor)
    return invoice


@transaction.atomic
def settle_invoice(*, invoice: Invoice, paid_on: date, actor: User) -> Invoice:
    """Record that an invoice was paid on a day.

    Raises NotAllowedError unless `actor` is of finance or an administrator,
    WrongStateError for one that is a draft, disputed or paid already, and
    ValidationError for a day before its issue or to come.
    """
    if not roles_of(actor) & PAYERS:
        raise NotAllowedError(_("Finance records what was paid."))
    stored = Invoice.objects.select_for_update().get(pk=invoice.pk)
    _check_step(stored, InvoiceStatus.PAID)
    _check_paid_on(stored, paid_on)
    before = copy(stored)
    stored.status = InvoiceStatus.PAID
    stored.paid_on = paid_on
    stored.paid_by = actor
    stored.version += 1
    stored.full_clean()
    stored.save()
    events.record(
        event_type="invoice.paid",
        subject=stored,
        changes=events.difference(before, stored),
        actor=actor,
    )
    _tell_of_payment(stored, actor)
    return stored


def _check_step(invoice: Invoice, status: InvoiceStatus) -> None:
    if status not in STEPS.get(invoice.status, frozenset()):
        raise WrongStateError(
            _("Invoice %(number)s is %(status)s and can't become %(wanted)s.")
            % {
                "number": invoice.number,
                "status": invoice.get_status_display().lower(),
                "wanted": status.label.lower(),
            }
        )


def _check_paid_on(invoice: Invoice, paid_on: date) -> None:
    if paid_on > timezone.localdate():
        raise ValidationError(
            {"paid_on": _("It is recorded once it was paid, not ahead of it.")}
        )
    if paid_on < invoice.issued_on:
        raise ValidationError({"paid_on": _("It was not issued before that day.")})


def _tell_of_payment(invoice: Invoice, actor: User) -> None:
    lines = invoice.lines.values("engagement")
    events.record_all(
        events.draft(
            event_type="engagement.invoice_paid",
            subject=engagement,
            changes={"invoice": [None, invoice.number]},
            actor=actor,
        )
        for engagement in Engagement.objects.filter(pk__in=lines).order_by("pk")
    )


def _check(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    if not lines:
        raise ValidationError({"lines": _("An invoice has at least one line.")})
    total = sum((line.amount for line in lines), Decimal(0))
    if total != invoice.total:
        raise ValidationError(
            {
                "total": _("The lines sum to %(lines)s, the total says %(total)s.")
                % {"lines": total, "total": invoice.total}
            }
        )
    for number, line in enumerate(lines, 1):
        engagement = line.engagement
        if engagement.vendor_id != invoice.vendor_id:
            raise ValidationError(
                {
                    "engagement": _(
                        "Line %(number)s: %(reference)s is with another vendor."
                    )
                    % {"number": number, "reference": engagement.reference}
                }
            )
        if engagement.currency != invoice.currency:
            raise ValidationError(
                {
                    "currency": _(
                        "Line %(number)s: %(reference)s is in %(currency)s, the invoice"
                        " in %(found)s."
                    )
                    % {
                        "number": number,
                        "reference": engagement.reference,
                        "currency": engagement.currency,
                        "found": invoice.currency,
                    }
                }
            )


def _accruals(line: InvoiceLine) -> list[LedgerEntry]:
    """Return the accrued time that the line takes the place of."""
    if line.charge_kind != ChargeKind.TIME:
        return []
    return list(
        LedgerEntry.objects.filter(
            engagement_id=line.engagement_id,
            charge_kind=ChargeKind.TIME,
            basis=Basis.ACCRUED,
            day__range=(line.period_from, line.period_to),
            reversal_of__isnull=True,
            reversal__isnull=True,
        )
    )


def _postings(line: InvoiceLine) -> Iterator[Posting]:
    months = list(months_between(line.period_from, line.period_to))
    starts = [max(month, line.period_from) for month in months]
    ends = [min(last_day_of_month(month), line.period_to) for month in months]
    # Whole months weigh the same; a month in part weighs its share of days.
    lengths = [last_day_of_month(start).day for start in starts]
    common = lcm(*lengths)
    weights = [
        Decimal(((end - start).days + 1) * common // length)
        for start, end, length in zip(starts, ends, lengths, strict=True)
    ]
    amounts = allocate(line.amount, weights, line.engagement.currency)
    for start, amount in zip(starts, amounts, strict=True):
        yield Posting(
            engagement=line.engagement,
            day=start,
            charge_kind=ChargeKind(line.charge_kind),
            basis=Basis.ACTUAL,
            amount=amount,
            source_type=SourceType.INVOICE_LINE,
            source_id=line.pk,
            part=f"{start:%Y-%m}",
        )


def _tell_engagements(
    invoice: Invoice, lines: Sequence[InvoiceLine], actor: User | None
) -> None:
    events.record_all(
        events.draft(
            event_type="engagement.invoiced",
            subject=line.engagement,
            changes={
                "invoice": [None, invoice.number],
                "line": [None, line.number],
                "amount": [None, events.plain(line.amount)],
                "currency": [None, invoice.currency],
            },
            engagement=line.engagement,
            actor=actor,
        )
        for line in lines
    )
