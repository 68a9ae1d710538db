"""Postings as lines of CSV that PostgreSQL writes itself, for files of millions.

Built from the same scoped rows as `queries.ledger_entries`, and in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction

from engagements.models import CostCentre, Engagement, Vendor
from engagements.models.fields import MoneyField
from engagements.permissions import engagement_scope
from tracker.spend.models import Invoice, InvoiceLine, Payment, SourceType
from tracker.spend.queries import SpendWhere, entries_where

if TYPE_CHECKING:
    from engagements.models import User

_COLUMNS = (
    "id",
    "engagement_id",
    "vendor_id",
    "cost_centre_id",
    "day",
    "month",
    "booked_month",
    "charge_kind",
    "basis",
    "amount",
    "currency",
    "reporting_amount",
    "source_type",
    "source_id",
    "reversal_of_id",
)
# Begins with a letter or digit of ASCII, or is empty: no spreadsheet computes that.
_PLAIN = """(ascii({0}) BETWEEN 48 AND 57 OR ascii({0}) BETWEEN 65 AND 90
             OR ascii({0}) BETWEEN 97 AND 122 OR {0} = '')"""
_TEXTS = (
    "engagement.reference",
    "engagement.title",
    "vendor.legal_name",
    "centre.code",
    "COALESCE(payment.transaction_number, invoice.number, '')",
    "COALESCE(payment.source_file, '')",
)
_UNIT = 10**MoneyField.places
_CENT = _UNIT // 100
# With two decimals, or more where there are more.
_AMOUNT = f"""CASE WHEN mod({{0}}, {_CENT}) = 0
     THEN round({{0}} * {1 / _UNIT:f}, 2) ELSE trim_scale({{0}} * {1 / _UNIT:f}) END"""

_STATEMENT = """
COPY (
SELECT CASE WHEN {plain} THEN 0 ELSE 1 END,
       entry.day, left(entry.month::text, 7), left(entry.booked_month::text, 7),
       {texts},
       CASE entry.charge_kind {charges} END,
       CASE entry.basis {bases} END
       || CASE WHEN entry.reversal_of_id IS NULL THEN '' ELSE ', ' || %s END,
       CASE entry.source_type {sources} END,
       {documents},
       COALESCE(payment.source_line, line.number),
       {amount}, entry.currency, {reporting_amount}, %s
  FROM ({entries}) AS entry
  JOIN {engagement} AS engagement ON engagement.id = entry.engagement_id
  JOIN {vendor} AS vendor ON vendor.id = entry.vendor_id
  JOIN {centre} AS centre ON centre.id = entry.cost_centre_id
  LEFT JOIN {payment} AS payment
    ON entry.source_type = %s AND payment.id = entry.source_id
  LEFT JOIN {line} AS line ON entry.source_type = %s AND line.id = entry.source_id
  LEFT JOIN {invoice} AS invoice ON invoice.id = line.invoice_id
 ORDER BY entry.booked_month DESC, entry.day DESC, entry.id DESC
) TO STDOUT (FORMAT csv)
"""
# The file is written as fast as it is read: by a slow line it may take a while.
_LONGEST = "30min"

Words = Mapping[str, str]


@dataclass(frozen=True)
class Wording:
    """What stored codes are called in the reader's language."""

    charges: Words
    bases: Words
    reversal: str
    sources: Words


def copies_entries() -> bool:
    """Tell whether the database can write them."""
    return connection.vendor == "postgresql"


def copied_entries(
    user: User, where: SpendWhere, *, wording: Wording, currency: str
) -> Iterator[bytes]:
    """Yield the postings' lines, the newest booked month first, all of one moment.

    Each begins with a cell of its own: 1 where a text begins with anything but a plain
    letter or digit, so that whoever writes the file looks at it. `currency` is the
    reporting one.
    """
    try:
        rows = entries_where(user, where).order_by().values(*_COLUMNS)
        entries, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return
    told, more = _statement(entries, wording)
    words = (
        *(*_flat(wording.charges), *_flat(wording.bases), wording.reversal),
        *_flat(wording.sources),
    )
    given = [*words, currency, *params, *more]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{_LONGEST}'")
        cursor.execute("SET LOCAL datestyle = 'ISO'")
        # Both begin later than the first line could come; and others read meanwhile.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        cursor.execute("SET LOCAL jit = off")
        if where.is_of_all and not engagement_scope(user, with_money=True):
            # In the order of the index: else all of them are sorted before the first.
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_incremental_sort = off")
        with cursor.copy(told, given) as copy:
            yield from map(bytes, copy)


def _statement(entries: str, wording: Wording) -> tuple[str, list[str]]:
    *first, document, file = _TEXTS
    told = _STATEMENT.format(
        plain=" AND ".join(_PLAIN.format(text) for text in _TEXTS),
        texts=", ".join(_blank(text) for text in first),
        documents=", ".join(_blank(text) for text in (document, file)),
        charges=_cases(wording.charges),
        bases=_cases(wording.bases),
        sources=_cases(wording.sources),
        amount=_AMOUNT.format("entry.amount"),
        reporting_amount=_AMOUNT.format("entry.reporting_amount"),
        entries=entries,
        engagement=Engagement._meta.db_table,
        vendor=Vendor._meta.db_table,
        centre=CostCentre._meta.db_table,
        payment=Payment._meta.db_table,
        line=InvoiceLine._meta.db_table,
        invoice=Invoice._meta.db_table,
    )
    return told, [SourceType.PAYMENT.value, SourceType.INVOICE_LINE.value]


def _cases(words: Words) -> str:
    return " ".join(["WHEN %s THEN %s"] * len(words))


def _blank(text: str) -> str:
    """Return the text so that an empty one is written without quotes."""
    return f"NULLIF({text}, '')"


def _flat(words: Words) -> list[str]:
    return [text for pair in words.items() for text in pair]
