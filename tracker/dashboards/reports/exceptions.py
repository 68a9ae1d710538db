from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tracker.dashboards.report import POSTED, Column, ColumnKind, Report, Row
from tracker.spend.at_stake import ExceptionRow, exception_rows

SEE_EXCEPTIONS = "tracker.view_matchexception"


class InvoiceExceptions(Report):
    """What doesn't fit on invoices, and what was billed too much by it."""

    slug = "exceptions"
    title = "Exceptions and overbilling"
    noun = "exceptions"
    unheeded: ClassVar[frozenset[str]] = POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("What is wrong", wraps=True),
        Column("State", rank=2),
        Column("Invoice", rank=2),
        Column("Vendor", rank=2, wraps=True),
        Column("Reference", rank=2),
        Column("Engagement", on_page=False),
        Column("Found on", ColumnKind.DAY, rank=2),
        Column("Own amount", ColumnKind.PRICE, rank=2),
        Column("Currency", rank=2),
        Column("At stake", ColumnKind.MONEY, is_summed=True),
        Column("Taken back", ColumnKind.MONEY, is_summed=True),
        Column("Reporting currency", on_page=False),
    )

    @cached_property
    def read(self) -> list[ExceptionRow]:
        scope = self.scope
        return exception_rows(scope.user, scope.where, today=timezone.localdate())

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def row_count(self) -> int:
        return len(self.read)

    def note(self) -> str:
        return _(
            "Open exceptions whenever they were found, with what was billed too much"
            " by them; those whose money is taken back by the month they were resolved."
            " At today's rates."
        )

    def _row(self, one: ExceptionRow) -> Row:
        return Row(
            (
                one.what,
                _("open") if one.is_open else one.resolution,
                one.invoice,
                one.vendor,
                one.reference,
                one.title,
                one.found_at.date(),
                one.amount,
                one.currency,
                one.reporting_amount if one.is_open else None,
                None if one.is_open else one.reporting_amount,
                self.scope.notation.currency,
            ),
            self._page_of(one),
        )

    def _page_of(self, one: ExceptionRow) -> str:
        user = self.scope.user
        if not (user.is_staff and user.has_perm(SEE_EXCEPTIONS)):
            return ""
        return reverse("admin:tracker_matchexception_change", args=[one.pk])
