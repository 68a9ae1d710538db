from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from tracker.dashboards.report import POSTED, Column, ColumnKind, Report, Row
from tracker.spend.at_stake import SavingRow, saving_rows

SEE_SAVINGS = "tracker.view_saving"


class Savings(Report):
    """Money not spent or taken back: as claimed, beside what records show."""

    slug = "savings"
    title = "Savings"
    noun = "savings"
    unheeded: ClassVar[frozenset[str]] = POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Saving", wraps=True),
        Column("Kind", rank=2),
        Column("Vendor", rank=2, wraps=True),
        Column("Reference", rank=2),
        Column("Since", ColumnKind.DAY, rank=2),
        Column("State"),
        Column("Own claimed", ColumnKind.PRICE, on_page=False),
        Column("Own realised", ColumnKind.PRICE, on_page=False),
        Column("Currency", on_page=False),
        Column("Claimed", ColumnKind.MONEY, is_summed=True),
        Column("Realised", ColumnKind.MONEY, is_summed=True),
        Column("Reporting currency", on_page=False),
    )

    @cached_property
    def read(self) -> list[SavingRow]:
        scope = self.scope
        return saving_rows(scope.user, scope.where, today=timezone.localdate())

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def row_count(self) -> int:
        return len(self.read)

    def note(self) -> str:
        return _(
            "By the month since which they count; realised is what invoices and other"
            " records show by today. At today's rates."
        )

    def _row(self, one: SavingRow) -> Row:
        return Row(
            (
                one.title,
                one.kind,
                one.vendor,
                one.reference,
                one.since,
                one.status,
                one.claimed,
                one.realised,
                one.currency,
                one.reporting_claimed,
                one.reporting_realised,
                self.scope.notation.currency,
            ),
            self._page_of(one),
        )

    def _page_of(self, one: SavingRow) -> str:
        user = self.scope.user
        if not (user.is_staff and user.has_perm(SEE_SAVINGS)):
            return ""
        return reverse("admin:tracker_saving_change", args=[one.pk])
