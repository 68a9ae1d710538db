from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.permissions import sees_money
from engagements.values.periods import last_day_of_month
from tracker.dashboards.report import POSTED, Column, ColumnKind, Report, Row
from tracker.performance.queries import CreditRow, credit_rows
from tracker.spend.at_stake import Reported
from tracker.spend.queries import engagements_where

SEE_CREDITS = "tracker.view_credit"


class ServiceCredits(Report):
    """What providers owe for missed service levels, and what was lost of it."""

    slug = "credits"
    title = "Service credits due and lost"
    noun = "credits"
    unheeded: ClassVar[frozenset[str]] = POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Reference"),
        Column("Engagement", wraps=True),
        Column("Vendor", rank=2, wraps=True),
        Column("Service level", rank=2, wraps=True),
        Column("Window from", ColumnKind.DAY, rank=2),
        Column("Claim by", ColumnKind.DAY, rank=2),
        Column("State"),
        Column("Own amount", ColumnKind.PRICE, rank=2),
        Column("Currency", rank=2),
        Column("Due", ColumnKind.MONEY, is_summed=True),
        Column("Lost", ColumnKind.MONEY, is_summed=True),
        Column("Reporting currency", on_page=False),
    )

    @cached_property
    def read(self) -> list[CreditRow]:
        scope, period = self.scope, self.scope.period
        if not sees_money(scope.user):
            return []
        return credit_rows(
            scope.user,
            engagements_where(scope.user, scope.where),
            first=period.first,
            last=last_day_of_month(period.last) if period.last else None,
        )

    @cached_property
    def reported(self) -> Reported:
        return Reported(timezone.localdate())

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def row_count(self) -> int:
        return len(self.read)

    def note(self) -> str:
        return _(
            "Due, claimed or agreed and not yet given, whenever their window was; lost"
            " by the month in which nobody had claimed them in time. At today's rates."
        )

    def _row(self, one: CreditRow) -> Row:
        amount = self.reported.amount(one.amount, one.currency)
        return Row(
            (
                one.reference,
                one.title,
                one.vendor,
                one.level or _("By points"),
                one.window_from,
                one.claim_by_on,
                one.state,
                one.amount,
                one.currency,
                None if one.is_lost else amount,
                amount if one.is_lost else None,
                self.scope.notation.currency,
            ),
            self._page_of(one),
        )

    def _page_of(self, one: CreditRow) -> str:
        user = self.scope.user
        if not (user.is_staff and user.has_perm(SEE_CREDITS)):
            return ""
        return reverse("admin:tracker_credit_change", args=[one.pk])
