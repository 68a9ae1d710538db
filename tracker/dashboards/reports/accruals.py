from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar

from django.urls import reverse

from engagements.choices import Kind
from tracker.dashboards.report import POSTED, Column, ColumnKind, Report, Row
from tracker.spend.outlook import AccruedRow, accrual_rows, last_accrued_month

SEE_ACCRUALS = "tracker.view_accrual"


class Accruals(Report):
    """What engagements owed, or had paid ahead, at the period's last month end."""

    slug = "accruals"
    title = "Accruals and prepayments at the month's end"
    noun = "engagements"
    unheeded: ClassVar[frozenset[str]] = POSTED | {"from"}
    columns: ClassVar[Sequence[Column]] = (
        Column("Month end", ColumnKind.MONTH),
        Column("Reference"),
        Column("Engagement", wraps=True),
        Column("Engagement id", on_page=False),
        Column("Vendor", rank=2, wraps=True),
        Column("Model", on_page=False),
        Column("Earned to date", ColumnKind.PRICE, on_page=False),
        Column("Of which estimated", ColumnKind.PRICE, on_page=False),
        Column("Invoiced to date", ColumnKind.PRICE, on_page=False),
        Column("Credits agreed", ColumnKind.PRICE, on_page=False),
        Column("Settled", ColumnKind.PRICE, on_page=False),
        Column("Own accrual", ColumnKind.PRICE, rank=2),
        Column("Own prepayment", ColumnKind.PRICE, rank=2),
        Column("Currency", rank=2),
        Column("Accrual", ColumnKind.MONEY, is_summed=True),
        Column("Prepayment", ColumnKind.MONEY, is_summed=True),
        Column("Reporting currency", on_page=False),
    )

    @cached_property
    def month(self) -> date | None:
        return last_accrued_month(self.scope.user, by=self.scope.period.last)

    @cached_property
    def read(self) -> list[AccruedRow]:
        if self.month is None:
            return []
        return list(accrual_rows(self.scope.user, self.scope.where, self.month))

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def _row(self, one: AccruedRow) -> Row:
        engagement = one.engagement
        return Row(
            (
                one.month,
                engagement.reference,
                engagement.title,
                str(engagement.public_id),
                engagement.vendor.legal_name,
                str(Kind(engagement.kind).label),
                one.earned,
                one.estimated,
                one.invoiced,
                one.credits,
                one.settled,
                one.accrual,
                one.prepayment,
                engagement.currency,
                one.reporting_accrual,
                one.reporting_prepayment,
                self.scope.notation.currency,
            ),
            self._page_of(one),
        )

    def _page_of(self, one: AccruedRow) -> str:
        """Return where the figure is explained, for who may open it."""
        user = self.scope.user
        if not (user.is_staff and user.has_perm(SEE_ACCRUALS)):
            return ""
        return reverse("admin:tracker_accrual_change", args=[one.pk])
