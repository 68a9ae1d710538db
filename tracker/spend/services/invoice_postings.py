"""What the lines of invoices come to in the ledger."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import lcm

from engagements.choices import ChargeKind
from engagements.services.spending import warn_of_money
from engagements.values.money import allocate
from engagements.values.periods import last_day_of_month, months_between
from tracker.spend.models import (
    Basis,
    InvoiceKind,
    InvoiceLine,
    LedgerEntry,
    SourceType,
)
from tracker.spend.services.budgets import check_posted
from tracker.spend.services.ledger import Posting, post

_ENGAGEMENTS_AT_ONCE = 500


def post_lines(lines: Sequence[InvoiceLine]) -> None:
    """Post stored lines as actual spend of the months of their service periods.

    Accrued time of an engagement in the period of a time line is reversed: the
    invoice takes its place. A credit note takes no place, it only takes back. Raises
    OverBudgetError where a budget stops it; what one warns of is told to whoever
    listens.
    """
    # At once, whatever the lines: writers that lock in one order can't deadlock.
    posted = post(
        [posting for line in lines for posting in postings_of(line)],
        reversing=replaced_by(lines),
    )
    warn_of_money(check_posted(posted))


def replaced_by(lines: Sequence[InvoiceLine]) -> list[LedgerEntry]:
    """Return the accrued time that the lines take the place of, each entry once."""
    by_engagement: dict[int, list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        is_credit = line.invoice.kind == InvoiceKind.CREDIT_NOTE
        if line.charge_kind == ChargeKind.TIME and not is_credit:
            by_engagement[line.engagement_id].append(line)
    return [
        entry
        for ids in _parts(sorted(by_engagement))
        for entry in LedgerEntry.objects.filter(
            engagement_id__in=ids,
            charge_kind=ChargeKind.TIME,
            basis=Basis.ACCRUED,
            reversal_of__isnull=True,
            reversal__isnull=True,
            day__gte=min(n.period_from for pk in ids for n in by_engagement[pk]),
            day__lte=max(n.period_to for pk in ids for n in by_engagement[pk]),
        )
        if any(
            line.period_from <= entry.day <= line.period_to
            for line in by_engagement[entry.engagement_id]
        )
    ]


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _ENGAGEMENTS_AT_ONCE):
        yield ids[start : start + _ENGAGEMENTS_AT_ONCE]


def postings_of(line: InvoiceLine) -> Iterator[Posting]:
    """Yield what the line comes to, month by month of its service period."""
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
