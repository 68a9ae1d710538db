"""Spend divided by one dimension, the largest part first."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from engagements.choices import Kind
from engagements.values.language import translated
from tracker.dashboards.charts.ranking import NARROW, WIDE, Bar, ranked_bars
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.comparing import (
    COMPARISON_TITLES,
    compared_amounts,
    compared_note,
)
from tracker.dashboards.report import (
    Column,
    ColumnKind,
    Report,
    Row,
    Value,
    share,
    sums,
)
from tracker.dashboards.scope import LAST_YEAR, PLAN, PREVIOUS, Scope
from tracker.dashboards.spend_series import (
    Drawing,
    key,
    segments,
    stack_text,
)
from tracker.spend.planned import BudgetPart, PlannedPart
from tracker.spend.queries import NOTHING, SpendParts

COMPARED_COLUMNS = (
    Column("Compared with", ColumnKind.MONEY, is_summed=True),
    Column("Difference", ColumnKind.MONEY, is_summed=True),
    Column("Difference in %", ColumnKind.SHARE, rank=2),
)
LEDGER = "ledger-entries"
SPEND_COLUMNS = (
    Column("Managed", ColumnKind.MONEY, is_summed=True, rank=2),
    Column("Augmented", ColumnKind.MONEY, is_summed=True, rank=2),
    Column("Total", ColumnKind.MONEY, is_summed=True),
    Column("Not yet invoiced", ColumnKind.MONEY, is_summed=True, rank=3),
    Column("Share", ColumnKind.SHARE, is_summed=True, rank=3),
    Column("Currency", on_page=False),
)


SPEND_COUNT = len(SPEND_COLUMNS)


@dataclass(frozen=True)
class Entry:
    """One part: a value per label column, where it opens, its figures.

    `narrows` are the filters that leave the part alone; its figures open by them.
    """

    labels: tuple[Value, ...]
    name: str
    href: str
    parts: SpendParts
    is_remainder: bool = False
    narrows: Mapping[str, str] = field(default_factory=dict)
    # Of the same part in what it is compared with; None where nothing is asked.
    compared: Decimal | None = None

    @property
    def key(self) -> str:
        """What tells the part from others of its kind, in every period."""
        return next(iter(self.narrows.values()), "")


class Breakdown(Report):
    """Subclasses say what the entries are; columns are their labels and the spend."""

    chart_id: ClassVar[str]

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._tops: dict[int, list[Entry]] = {}
        if self.is_compared:
            self.columns = (*type(self).columns, *COMPARED_COLUMNS)  # type: ignore[misc] # this one's alone

    @abstractmethod
    def read(self) -> list[Entry]:
        """Return all entries, the largest spend first."""

    def key_planned(self, part: PlannedPart) -> str | None:
        """Return the key of the entry that a plan belongs to."""
        return None

    def key_budgeted(self, part: BudgetPart) -> str | None:
        """Return the key of the entry that a budget belongs to; None where of none."""
        return None

    @property
    def offered(self) -> Sequence[str]:
        """What the entries can be compared with."""
        return (PREVIOUS, LAST_YEAR, PLAN)

    @property
    def is_compared(self) -> bool:
        scope = self.scope
        return scope.compare in self.offered and scope.period.is_closed

    @cached_property
    def entries(self) -> list[Entry]:
        found = self.read()
        return self._held_against(found) if self.is_compared else found

    def _held_against(self, entries: list[Entry]) -> list[Entry]:
        known = compared_amounts(self)
        held = [
            replace(entry, compared=known.pop(entry.key, NOTHING)) for entry in entries
        ]
        left = sum(known.values(), NOTHING)
        if not left:
            return held
        # What has nothing to show now still belongs to the sum.
        name = _("Without spend in these months")
        blanks: tuple[Value, ...] = (None,) * (len(type(self).columns) - SPEND_COUNT)
        rest = Entry(
            (name, *blanks[1:]),
            name,
            "",
            SpendParts(),
            is_remainder=True,
            compared=left,
        )
        return [*held, rest]

    def choices(self) -> list[tuple[str, str, bool]]:
        if not self.scope.period.is_closed:
            return []
        asked = self.scope.compare if self.is_compared else ""
        return [
            (str(title), self.scope.report_url(self.slug, compare=one), one == asked)
            for one, title in COMPARISON_TITLES.items()
            if not one or one in self.offered
        ]

    def note(self) -> str:
        return compared_note(self.scope) if self.is_compared else self.uncompared()

    @cached_property
    def total(self) -> SpendParts:
        return sum((entry.parts for entry in self.entries), SpendParts())

    def rows(self) -> Iterator[Row]:
        return (self._row(entry) for entry in self.entries)

    def row_count(self) -> int:
        return len(self.entries)

    def totals(self) -> list[Decimal | None]:
        rows = (Row(self._values(entry)) for entry in self.entries)
        return sums(self.columns, rows)

    def window(self, start: int, limit: int) -> list[Row]:
        return [self._row(entry) for entry in self.entries[start : start + limit]]

    def top_rows(self, count: int) -> list[Row]:
        """Return the largest and, in one row that opens, all others."""
        return [self._row(entry) for entry in self._top(count)]

    def card_rows(self, count: int) -> list[Row]:
        return self.top_rows(count)

    def card_picture(self, count: int) -> Drawing | None:
        return self.drawing(count) if self.entries else None

    def drawing(self, count: int) -> Drawing:
        top = self._top(count)
        bars = [self._bar(entry) for entry in top]
        return Drawing(
            key([entry.parts for entry in top], self.chart_id),
            self._drawn(bars, f"{self.chart_id}-wide", WIDE),
            self._drawn(bars, f"{self.chart_id}-narrow", NARROW),
        )

    def _top(self, count: int) -> list[Entry]:
        """Return the largest and one of all others; the table and both charts ask."""
        known = self._tops.get(count)
        if known is None:
            known = self._tops[count] = self._largest(count)
        return known

    def _largest(self, count: int) -> list[Entry]:
        # One more is shown rather than a line of “others” that hides just one.
        if len(self.entries) <= count + 1:
            return self.entries
        others = self.entries[count:]
        name = _("%(n)s other %(things)s") % {
            "n": self.scope.notation.count(len(others)),
            "things": translated(self.noun),
        }
        parts = sum((entry.parts for entry in others), SpendParts())
        compared = sum((entry.compared or NOTHING for entry in others), NOTHING)
        blanks: tuple[Value, ...] = (None,) * (len(self.entries[0].labels) - 1)
        href = self.scope.report_url(self.slug)
        return [
            *self.entries[:count],
            Entry(
                (name, *blanks),
                name,
                href,
                parts,
                is_remainder=True,
                compared=compared,
            ),
        ]

    def _row(self, entry: Entry) -> Row:
        return Row(
            self._values(entry),
            entry.href,
            entry.is_remainder,
            self._calculations(entry),
        )

    def _values(self, entry: Entry) -> tuple[Value, ...]:
        parts = entry.parts
        figures: tuple[Value, ...] = (
            parts.managed,
            parts.augmented,
            parts.total,
            parts.accrued,
            share(parts.total, self.total.total),
            self.scope.notation.currency,
        )
        if self.is_compared:
            before = entry.compared or NOTHING
            change = parts.total - before
            figures = (*figures, before, change, share(change, before))
        return (*entry.labels, *figures)

    def _calculations(self, entry: Entry) -> dict[int, str]:
        """Return where each figure opens: the ledger's rows that it is the sum of."""
        if not entry.narrows:
            return {}
        narrowed: tuple[dict[str, str], ...] = (
            {"model": Kind.MANAGED.value},
            {"model": Kind.AUGMENTED.value},
            {},
            {"basis": "accrued"},
        )
        return {
            place: self.scope.report_url(LEDGER, **{**entry.narrows, **more})
            for place, more in enumerate(narrowed, start=len(entry.labels))
        }

    def _drawn(self, bars: Sequence[Bar], chart_id: str, width: int) -> Svg:
        return ranked_bars(
            bars,
            chart_id=chart_id,
            summary=_("%(title)s; the table below has the same figures")
            % {"title": self.heading},
            width=width,
        )

    def _bar(self, entry: Entry) -> Bar:
        notation = self.scope.notation
        return Bar(
            name=entry.name,
            text=stack_text(entry.parts, entry.name, notation),
            value_text=notation.short(entry.parts.total),
            # Many together against each alone would only dwarf them.
            segments=(
                []
                if entry.is_remainder
                else segments(entry.parts, entry.name, notation)
            ),
            href=entry.href,
            is_remainder=entry.is_remainder,
        )
