from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils.translation import gettext as _

from engagements.choices import Kind
from tracker.dashboards.report import POSTED, Column, ColumnKind, Report, Row
from tracker.spend.kept import KeptRow, kept_rows, last_kept_month

SEE_OUTLOOKS = "tracker.view_monthoutlook"
MONEY = ColumnKind.MONEY


class KeptOutlooks(Report):
    """What was committed and expected at the period's last month end, and spent by now.

    As it was kept then; what has come since is told beside it alone.
    """

    slug = "kept-outlooks"
    title = "Committed and expected at the month's end"
    noun = "engagements"
    unheeded: ClassVar[frozenset[str]] = POSTED | {"from"}
    columns: ClassVar[Sequence[Column]] = (
        Column("Month end", ColumnKind.MONTH),
        Column("Reference"),
        Column("Engagement", wraps=True),
        Column("Engagement id", on_page=False),
        Column("Vendor", rank=2, wraps=True),
        Column("Model", on_page=False),
        Column("Earliest exit then", ColumnKind.DAY, rank=2),
        Column("Contract ended then", ColumnKind.DAY, on_page=False),
        Column("Own commitment then", ColumnKind.PRICE, on_page=False),
        Column("Own forecast then", ColumnKind.PRICE, on_page=False),
        Column("Currency", on_page=False),
        Column("Committed then", MONEY, is_summed=True),
        Column("To the contract's end then", MONEY, is_summed=True, rank=2),
        Column("Forecast then, fiscal year", MONEY, is_summed=True),
        Column("Low then", MONEY, is_summed=True, on_page=False),
        Column("High then", MONEY, is_summed=True, on_page=False),
        Column("Spent by now, fiscal year", MONEY, is_summed=True, rank=2),
        Column("Reporting currency", on_page=False),
    )

    @cached_property
    def month(self) -> date | None:
        return last_kept_month(self.scope.user, by=self.scope.period.last)

    @cached_property
    def read(self) -> list[KeptRow]:
        if self.month is None:
            return []
        return list(kept_rows(self.scope.user, self.scope.where, self.month))

    def note(self) -> str:
        if self.month is None:
            return _("Nothing is kept yet: it is at each month's end.")
        return _(
            "As kept at the end of %(month)s, at that day's rates, for the fiscal year"
            " that it lies in; each row opens its calculation."
        ) % {"month": self.scope.notation.month(self.month)}

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def _row(self, one: KeptRow) -> Row:
        engagement = one.engagement
        return Row(
            (
                one.month,
                engagement.reference,
                engagement.title,
                str(engagement.public_id),
                engagement.vendor.legal_name,
                str(Kind(engagement.kind).label),
                one.committed_until,
                one.agreed_until,
                one.committed,
                one.expected,
                engagement.currency,
                one.reporting_committed,
                one.reporting_to_end,
                one.reporting_expected,
                one.reporting_low,
                one.reporting_high,
                one.spent,
                self.scope.notation.currency,
            ),
            self._page_of(one),
        )

    def _page_of(self, one: KeptRow) -> str:
        """Return where the figures are explained, for who may open it."""
        user = self.scope.user
        if not (user.is_staff and user.has_perm(SEE_OUTLOOKS)):
            return ""
        return reverse("admin:tracker_monthoutlook_change", args=[one.pk])
