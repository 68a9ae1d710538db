from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils import timezone

from engagements.choices import Kind
from tracker.dashboards.as_of import as_of_choices
from tracker.dashboards.report import MONTHS, POSTED, Column, ColumnKind, Report, Row
from tracker.spend.outlook import CommittedRow, commitment_rows

SEE_ENGAGEMENTS = "engagements.view_engagement"


class Commitments(Report):
    """What can't be cancelled any more as of today, and what the contracts come to."""

    slug = "commitments"
    title = "Commitments as of today"
    noun = "engagements"
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Reference"),
        Column("Engagement", wraps=True),
        Column("Engagement id", on_page=False),
        Column("Vendor", rank=2, wraps=True),
        Column("Model", on_page=False),
        Column("Earliest exit", ColumnKind.DAY),
        Column("Contract ends", ColumnKind.DAY, rank=2),
        Column("Own commitment", ColumnKind.PRICE, rank=2),
        Column("Own amount to the end", ColumnKind.PRICE, on_page=False),
        Column("Currency", rank=2),
        Column("Committed", ColumnKind.MONEY, is_summed=True),
        Column("To the contract's end", ColumnKind.MONEY, is_summed=True, rank=2),
        Column("Reporting currency", on_page=False),
    )

    @cached_property
    def read(self) -> list[CommittedRow]:
        scope = self.scope
        return commitment_rows(scope.user, scope.where, today=timezone.localdate())

    def choices(self) -> list[tuple[str, str, bool]]:
        return as_of_choices(self.scope, self.slug, "kept-outlooks")

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def _row(self, one: CommittedRow) -> Row:
        engagement, commitment = one.engagement, one.commitment
        to_end = commitment.to_end
        return Row(
            (
                engagement.reference,
                engagement.title,
                str(engagement.public_id),
                engagement.vendor.legal_name,
                str(Kind(engagement.kind).label),
                commitment.until,
                commitment.agreed_until,
                commitment.amount,
                to_end.amount if to_end else None,
                engagement.currency,
                one.reporting_amount,
                one.reporting_to_end,
                self.scope.notation.currency,
            ),
            self._page_of(one),
        )

    def _page_of(self, one: CommittedRow) -> str:
        """Return where the figure is explained, for who may open it."""
        user = self.scope.user
        if not (user.is_staff and user.has_perm(SEE_ENGAGEMENTS)):
            return ""
        return reverse("admin:engagements_engagement_change", args=[one.engagement.pk])
