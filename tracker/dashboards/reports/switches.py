"""What going over would cost and save, engagement by engagement, as last assessed."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django.urls import reverse

from engagements.choices import Kind
from tracker.dashboards.report import (
    MONTHS,
    POSTED,
    Column,
    ColumnKind,
    Report,
    Row,
    Value,
)
from tracker.fit.portfolio import Switched, switches_of

SEE_VERDICTS = "tracker.view_assessment"
PARTS = ("p10", "p50", "p90")
RANGES = {
    "present": "This model a month",
    "other": "Other model a month",
    "saving": "Saving a month",
    "transition": "Transition",
    "value_in_two_years": "Worth in 24 months",
    "value_in_term": "Worth in the term",
}
# On the page only the middle of what a reader compares; a file has everything.
ON_PAGE = {("saving", "p50"), ("transition", "p50")}


def _amounts() -> Iterator[Column]:
    for code, title in RANGES.items():
        for part in PARTS:
            yield Column(
                f"{title}, {part}",
                ColumnKind.PRICE,
                on_page=(code, part) in ON_PAGE,
                rank=2,
            )


class Switches(Report):
    """Ranges are the 10th, 50th and 90th of a hundred; break-even is in months."""

    slug = "switches"
    title = "What going over would cost and save"
    noun = "engagements"
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Reference"),
        Column("Engagement", wraps=True),
        Column("Engagement id", on_page=False),
        Column("Vendor", rank=3, wraps=True),
        Column("Model", rank=3),
        Column("Assessed on", ColumnKind.DAY, on_page=False),
        Column("Verdict", rank=2),
        Column("For the other model", ColumnKind.CHANCE),
        Column("Ledger from", ColumnKind.MONTH, on_page=False),
        Column("Ledger to", ColumnKind.MONTH, on_page=False),
        Column("Spent in these months", ColumnKind.PRICE, on_page=False),
        *_amounts(),
        Column("Break-even, p10", on_page=False),
        Column("Break-even, p50"),
        Column("Break-even, p90", on_page=False),
        Column("Months still committed", ColumnKind.COUNT, on_page=False),
        Column("Pays within 24 months", ColumnKind.CHANCE),
        Column("Currency"),
        Column("Recorded", on_page=False),
        Column("From own records", on_page=False),
        Column("Assumed", on_page=False),
        Column("Policy version", ColumnKind.COUNT, on_page=False),
        Column("Engine", on_page=False),
    )

    @cached_property
    def read(self) -> list[Switched]:
        user = self.scope.user
        if not user.has_perm(SEE_VERDICTS):
            return []
        return switches_of(user, self.scope.where)

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.read)

    def note(self) -> str:
        return (
            "As last assessed, whatever the period. Fit and money are two axes and are"
            " never added up."
        )

    def _row(self, one: Switched) -> Row:
        money = one.money
        values: tuple[Value, ...] = (
            one.reference,
            one.title,
            str(one.public_id),
            one.vendor,
            str(Kind(one.kind).label),
            one.as_of,
            one.verdict,
            _share(one.opposition),
            date.fromisoformat(money["first_month"]),
            date.fromisoformat(money["last_month"]),
            Decimal(money["spent"]),
            *(_amount(money[code], part) for code in RANGES for part in PARTS),
            *(_months(months) for months in money["break_even_months"]),
            money["remaining_months"],
            _share(money["chance_to_save"]),
            money["currency"],
            "; ".join(_recorded(row) for row in money["recorded"]),
            "; ".join(_assumed(row) for row in money["assumed"] if row["is_own"]),
            "; ".join(_assumed(row) for row in money["assumed"] if not row["is_own"]),
            one.policy_version,
            one.engine_version,
        )
        return Row(values, self._page_of(one))

    def _page_of(self, one: Switched) -> str:
        if not self.scope.user.is_staff:
            return ""
        return reverse("admin:tracker_assessment_change", args=[one.assessment])


def _share(share: float) -> Decimal:
    return Decimal(repr(share))


def _amount(found: dict[str, str] | None, part: str) -> Decimal | None:
    return Decimal(found[part]) if found else None


def _months(months: float | None) -> str:
    return "never" if months is None else f"{months:g}"


def _recorded(row: dict[str, str]) -> str:
    """The figure, but for what an hour of a manager costs: that is told to nobody."""
    return f"{row['code']}: {row['figure'] or 'used, not shown'}"


def _assumed(row: dict[str, Any]) -> str:
    told = [row["source"], row["owner"], row["dated_on"]]
    return f"{row['meaning']}: {row['figure']} ({', '.join(filter(None, told))})"
