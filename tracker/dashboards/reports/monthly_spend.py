from collections.abc import Iterator, Sequence
from typing import ClassVar

from engagements.choices import ChargeKind, Kind
from tracker.dashboards.report import Column, ColumnKind, Report, Row
from tracker.spend.queries import SpendLine, spend_lines


class MonthlySpendRows(Report):
    """The rows under every figure: engagement, month, cost centre, charge, basis."""

    slug = "monthly-spend"
    title = "Monthly spend"
    noun = "rows"
    has_page = False
    has_xlsx = False
    columns: ClassVar[Sequence[Column]] = (
        Column("Month", ColumnKind.MONTH),
        Column("Month of service", ColumnKind.MONTH),
        Column("Reference"),
        Column("Engagement"),
        Column("Vendor"),
        Column("Model"),
        Column("Department"),
        Column("Cost centre"),
        Column("Charge"),
        Column("Basis"),
        Column("Amount", ColumnKind.MONEY),
        Column("Currency"),
        Column("Reporting amount", ColumnKind.MONEY, is_summed=True),
        Column("Reporting currency"),
    )

    def rows(self) -> Iterator[Row]:
        found = spend_lines(self.scope.user, self.scope.where)
        return (self._row(line) for line in found)

    def _row(self, line: SpendLine) -> Row:
        return Row(
            (
                line.booked_month,
                line.month,
                line.reference,
                line.title,
                line.vendor,
                str(Kind(line.kind).label),
                line.department,
                line.cost_centre,
                str(ChargeKind(line.charge_kind).label),
                line.basis,
                line.amount,
                line.currency,
                line.reporting_amount,
                self.scope.notation.currency,
            )
        )
