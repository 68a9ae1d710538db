from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.permissions import sees_money
from engagements.values.periods import last_day_of_month
from tracker.dashboards.report import POSTED, Column, ColumnKind, Report, Row
from tracker.performance.queries import credit_rows
from tracker.spend.at_stake import Reported, exception_rows, saving_rows
from tracker.spend.kept import last_kept_month, last_outlook
from tracker.spend.outlook import accrual_rows, commitment_rows, last_accrued_month
from tracker.spend.queries import engagements_where


@dataclass(frozen=True)
class _Stake:
    """One line; `report` is where it opens."""

    name: str
    report: str
    amounts: Sequence[Decimal | None]

    @property
    def amount(self) -> Decimal:
        return sum((amount or Decimal(0) for amount in self.amounts), Decimal(0))

    @property
    def unknown(self) -> int:
        return sum(amount is None for amount in self.amounts)


class AtStake(Report):
    """What binds, what is owed, and what can still be kept or got back."""

    slug = "at-stake"
    title = "Bound, owed and at stake"
    noun = "lines"
    unheeded: ClassVar[frozenset[str]] = POSTED
    is_wide = True
    columns: ClassVar[Sequence[Column]] = (
        Column("What"),
        Column("Records", ColumnKind.COUNT, rank=2),
        Column("Amount", ColumnKind.MONEY),
        Column("Without a known amount", ColumnKind.COUNT, rank=3),
        Column("Currency", on_page=False),
    )

    def rows(self) -> Iterator[Row]:
        return (self._row(stake) for stake in self._stakes())

    def note(self) -> str:
        return _(
            "As of today, at today's rates, of whatever cost centre; lost credits,"
            " what is taken back and savings are those of the months chosen above, and"
            " a month's end is as it was kept."
        )

    def _row(self, stake: _Stake) -> Row:
        return Row(
            (
                stake.name,
                len(stake.amounts),
                stake.amount,
                stake.unknown,
                self.scope.notation.currency,
            ),
            self.scope.report_url(stake.report, cost_centre="", basis=""),
        )

    def _stakes(self) -> Iterator[_Stake]:
        user, where = self.scope.user, self.scope.where
        today = timezone.localdate()
        bound = commitment_rows(user, where, today=today)
        yield _Stake(
            _("Commitment that can't be cancelled any more"),
            "commitments",
            [row.reporting_amount for row in bound if row.commitment.amount != 0],
        )
        yield from self._kept()
        yield from self._accrued()
        exceptions = exception_rows(user, where, today=today)
        yield _Stake(
            _("Overbilling at stake in open exceptions"),
            "exceptions",
            [row.reporting_amount for row in exceptions if row.is_open],
        )
        yield _Stake(
            _("Overbilling taken back"),
            "exceptions",
            [row.reporting_amount for row in exceptions if not row.is_open],
        )
        yield from self._credits(Reported(today))
        savings = saving_rows(user, where, today=today)
        yield _Stake(
            _("Savings claimed"), "savings", [row.reporting_claimed for row in savings]
        )
        realised = (row.reporting_realised for row in savings)
        yield _Stake(_("Savings realised"), "savings", _but_nothing(realised))

    def _kept(self) -> Iterator[_Stake]:
        user, where = self.scope.user, self.scope.where
        month = last_kept_month(user, by=self.scope.period.last)
        if month is None:
            return
        named = {"month": self.scope.notation.month(month)}
        then = last_outlook(user, where, month)
        yield _Stake(
            _("Committed, end of %(month)s") % named, "kept-outlooks", then.committed
        )
        yield _Stake(
            _("Forecast of the fiscal year, end of %(month)s") % named,
            "kept-outlooks",
            then.expected,
        )

    def _accrued(self) -> Iterator[_Stake]:
        user = self.scope.user
        month = last_accrued_month(user, by=self.scope.period.last)
        if month is None:
            return
        rows = list(accrual_rows(user, self.scope.where, month))
        named = {"month": self.scope.notation.month(month)}
        yield _Stake(
            _("Accrued, end of %(month)s") % named,
            "accruals",
            _but_nothing(row.reporting_accrual for row in rows),
        )
        yield _Stake(
            _("Paid ahead, end of %(month)s") % named,
            "accruals",
            _but_nothing(row.reporting_prepayment for row in rows),
        )

    def _credits(self, reported: Reported) -> Iterator[_Stake]:
        user, period = self.scope.user, self.scope.period
        if not sees_money(user):
            return
        rows = credit_rows(
            user,
            engagements_where(user, self.scope.where),
            first=period.first,
            last=last_day_of_month(period.last) if period.last else None,
        )
        for name, is_lost in (
            (_("Service credits due"), False),
            (_("Service credits lost to missed claim deadlines"), True),
        ):
            chosen = (row for row in rows if row.is_lost == is_lost)
            amounts = [reported.amount(row.amount, row.currency) for row in chosen]
            yield _Stake(name, "credits", amounts)


def _but_nothing(amounts: Iterable[Decimal | None]) -> list[Decimal | None]:
    return [amount for amount in amounts if amount != 0]
