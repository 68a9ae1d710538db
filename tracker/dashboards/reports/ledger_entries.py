import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from engagements.choices import ChargeKind
from engagements.values.language import translated
from tracker.dashboards.report import (
    PAGE_ROWS,
    BadPageError,
    Column,
    ColumnKind,
    Page,
    Report,
    Row,
)
from tracker.spend.entry_copy import Wording, copied_entries, copies_entries
from tracker.spend.queries import (
    EntryPlace,
    EntryRow,
    ledger_entries,
    ledger_total,
    source_label,
    source_labels,
)

ACTUAL = "actual"
BASES = {ACTUAL: gettext_noop("actual"), "accrued": gettext_noop("accrued")}
NO_PAGE = gettext_noop("This is no page of the list; start from its first page")
PLACE = re.compile(r"([0-9-]{10})\.([0-9-]{10})\.([0-9]{1,18})")


class LedgerEntries(Report):
    """Every posting with the document, file and line that it came from."""

    slug = "ledger-entries"
    title = "Ledger entries"
    noun = "entries"
    has_xlsx = False
    columns: ClassVar[Sequence[Column]] = (
        Column("Day", ColumnKind.DAY),
        Column("Month of service", ColumnKind.MONTH, on_page=False),
        Column("Booked in", ColumnKind.MONTH, rank=2),
        Column("Reference"),
        Column("Engagement", on_page=False),
        Column("Vendor", rank=2),
        Column("Cost centre", rank=2),
        Column("Charge", rank=2, in_file=False),
        Column("Charge", on_page=False),
        Column("Basis", on_page=False),
        Column("Source", rank=2, in_file=False, wraps=True),
        Column("Source", on_page=False),
        Column("Document", on_page=False),
        Column("File", on_page=False),
        Column("Line", ColumnKind.COUNT, on_page=False),
        Column("Amount", ColumnKind.MONEY, on_page=False),
        Column("Currency", on_page=False),
        Column("Amount", ColumnKind.MONEY, is_summed=True, in_file=False),
        Column("Reporting amount", ColumnKind.MONEY, is_summed=True, on_page=False),
        Column("Reporting currency", on_page=False),
    )

    def rows(self) -> Iterator[Row]:
        found = ledger_entries(self.scope.user, self.scope.where)
        return (self._row(entry) for entry in found)

    def copied_lines(self) -> Iterator[bytes] | None:
        if self.scope.sort or not copies_entries():
            return None
        return copied_entries(
            self.scope.user,
            self.scope.where,
            wording=Wording(
                charges={kind.value: str(kind.label) for kind in ChargeKind},
                bases={basis: translated(text) for basis, text in BASES.items()},
                reversal=_("reversal"),
                sources=source_labels(),
            ),
            currency=self.scope.notation.currency,
        )

    def page(self, after: str = "") -> Page:
        """Return the page that follows the entry named; raises BadPageError."""
        found = list(
            ledger_entries(
                self.scope.user,
                self.scope.where,
                after=_place(after),
                limit=PAGE_ROWS + 1,
            )
        )
        entries = found[:PAGE_ROWS]
        rows = [self._row(entry) for entry in entries]
        has_more = len(found) > PAGE_ROWS
        return Page(
            rows,
            self.rest(rows) if after or has_more else None,
            _token(entries[-1].place) if has_more else "",
        )

    def row_count(self) -> int:
        return self._whole[0]

    def totals(self) -> list[Decimal | None]:
        return [self._whole[1] if each.is_summed else None for each in self.columns]

    @cached_property
    def _whole(self) -> tuple[int, Decimal]:
        return ledger_total(self.scope.user, self.scope.where)

    def _row(self, entry: EntryRow) -> Row:
        return Row(
            (
                entry.place.day,
                entry.month,
                entry.place.booked_month,
                entry.reference,
                entry.title,
                entry.vendor,
                entry.cost_centre,
                _charge(entry),
                str(ChargeKind(entry.charge_kind).label),
                ", ".join([_basis(entry), *_reversal(entry)]),
                _source(entry),
                source_label(entry.source_type),
                entry.document,
                entry.source_file,
                entry.source_line,
                entry.amount,
                entry.currency,
                entry.reporting_amount,
                entry.reporting_amount,
                self.scope.notation.currency,
            )
        )


def _charge(entry: EntryRow) -> str:
    marks = [_basis(entry)] if entry.basis != ACTUAL else []
    marks += _reversal(entry)
    charge = str(ChargeKind(entry.charge_kind).label)
    return f"{charge} ({', '.join(marks)})" if marks else charge


def _basis(entry: EntryRow) -> str:
    return translated(BASES[entry.basis])


def _reversal(entry: EntryRow) -> list[str]:
    return [_("reversal")] if entry.is_reversal else []


def _source(entry: EntryRow) -> str:
    """Return where the posting came from, down to the line of the file."""
    label = "" if entry.source_file else source_label(entry.source_type)
    parts = (label, entry.document, entry.source_file, _line(entry))
    return ", ".join(part for part in parts if part)


def _line(entry: EntryRow) -> str:
    if not entry.source_line:
        return ""
    if entry.source_file:
        words = pgettext("of a file", "line %(number)d")
    else:
        words = pgettext("of an invoice", "line %(number)d")
    return words % {"number": entry.source_line}


def _token(place: EntryPlace) -> str:
    return f"{place.booked_month}.{place.day}.{place.id}"


def _place(after: str) -> EntryPlace | None:
    if not after:
        return None
    match = PLACE.fullmatch(after)
    if match is None:
        raise BadPageError(translated(NO_PAGE))
    month, day, entry = match.groups()
    try:
        first_of_month, on_day = date.fromisoformat(month), date.fromisoformat(day)
    except ValueError as error:
        raise BadPageError(translated(NO_PAGE)) from error
    return EntryPlace(first_of_month, on_day, int(entry))
