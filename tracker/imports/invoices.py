"""The kind `invoices`: what vendors billed, one line of a file per line billed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from engagements.choices import ChargeKind, Status
from engagements.models import Contractor, Engagement, User, Vendor
from engagements.values.money import currency_exponent
from engagements.values.names import normalise_name
from engagements.values.periods import months_between
from tracker.imports.columns import Column
from tracker.imports.invoice_lines import (
    FIELDS,
    TEMPLATE,
    BilledInvoice,
    BilledLine,
    EngagementPlace,
    InvoiceFile,
    Key,
    KnownPlaces,
    VendorPlace,
    read_invoices,
)
from tracker.imports.kinds import Batch, Progress, Source, check_options, register
from tracker.imports.mapping import ColumnMapping, Field, check_required
from tracker.imports.performance_kinds import batches
from tracker.imports.problems import Note, first_beyond
from tracker.imports.report import Report
from tracker.spend.credited import Share, are_credited, left_of_engagements
from tracker.spend.fx import MissingRateError, Rates
from tracker.spend.invoice_number import normalise_number
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceSource,
    InvoiceStatus,
)
from tracker.spend.services import Bill, BillLook, post_invoices
from tracker.spend.services.credited_lines import billed_on, taken_back_of
from tracker.spend.services.started import NEVER_STARTED

# Fees are billed ahead, by a year at times.
_DAYS_AHEAD = 3 * 366
# Lines stored in one go: what is in memory at once stays small.
_LINES_AT_ONCE = 2000

# Of a fee: its engagement, first and last day.
Period = tuple[int, date, date]


@dataclass
class InvoiceReport(Report):
    """Lines are counted; `invoices` are those that the new lines make up."""

    invoices: int = 0

    def figures(self) -> dict[str, Any]:
        return super().figures() | {"invoices": self.invoices}

    def _sums(self) -> Iterator[str]:
        yield (
            f"Read {self.read:,} = accepted {self.accepted:,} + refused"
            f" {self.refused:,}."
        )
        sums = ", ".join(f"{total:,} {code}" for code, total in self.totals.items())
        yield (
            f"Accepted: {self.new:,} new, {self.already_recorded:,} recorded already;"
            f" they sum to {sums or '0'}."
        )
        if self.is_applied:
            yield f"Received {self.invoices:,} invoices of {self.added:,} lines."
        elif not self.may_be_applied:
            yield self.NOTHING_APPLIED
        else:
            yield "Dry run: nothing was applied."


class Invoices:
    """Reads, compares and receives files of invoices."""

    name = "invoices"
    label = "Invoices with their lines"
    fields: Sequence[Field] = FIELDS
    template: Sequence[Column] = TEMPLATE
    options = ("date_format", "decimal_comma")
    permissions: Sequence[str] = ("tracker.add_invoice",)
    wants_all_rows = True
    report_type: type[Report] = InvoiceReport

    def check_columns(self, mapping: ColumnMapping, options: Mapping[str, Any]) -> None:
        check_options(self, options)
        check_required(mapping, self.fields)

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        report: Report,
        on_progress: Progress,
    ) -> Batch:
        file = read_invoices(
            table=source.table,
            mapping=source.mapping,
            known=_known_places(),
            options=options,
            on_progress=on_progress,
        )
        return InvoiceBatch(file)


def _known_places() -> KnownPlaces:
    vendors = _vendors()
    engagements = _engagements()
    people = _people()
    return KnownPlaces(
        vendor=lambda text: _vendor_named(vendors, text),
        engagement=lambda text: engagements.get(text.strip().casefold()),
        person=lambda text: people.get(text.strip().casefold()),
        number=normalise_number,
        today=timezone.localdate(),
        last_day=timezone.localdate() + timedelta(days=_DAYS_AHEAD),
    )


def _vendors() -> dict[str, VendorPlace]:
    """Return the vendors by all that names one; what names two names none."""
    places: dict[str, VendorPlace] = {}
    doubtful: set[str] = set()
    rows = Vendor.objects.order_by("id").values_list(
        "pk", "legal_name", "currency", "normalised_name", "external_id", "tax_id"
    )
    for pk, name, currency, normalised, external_id, tax_id in rows:
        place = VendorPlace(pk, name, currency)
        for word in {f"n:{normalised}", _id_word(external_id), _id_word(tax_id)}:
            if word and places.setdefault(word, place) != place:
                doubtful.add(word)
    for word in doubtful:
        del places[word]
    return places


def _id_word(text: str | None) -> str:
    word = normalise_number(text or "")
    return f"i:{word}" if word else ""


def _vendor_named(places: dict[str, VendorPlace], text: str) -> VendorPlace | None:
    by_id = places.get(_id_word(text))
    return by_id or places.get(f"n:{normalise_name(text)}")


def _engagements() -> dict[str, EngagementPlace]:
    places: dict[str, EngagementPlace] = {}
    rows = Engagement.objects.order_by("id").values_list(
        "pk", "reference", "external_id", "vendor_id", "currency", "status"
    )
    for pk, reference, external_id, vendor_id, currency, status in rows.iterator():
        refusal = (
            f"is {Status(status).label.lower()}; invoices are for what has started"
            if status in NEVER_STARTED
            else ""
        )
        place = EngagementPlace(
            pk, reference, vendor_id, currency, currency_exponent(currency), refusal
        )
        # A reference wins over another record's external id.
        places[reference.casefold()] = place
        if external_id:
            places.setdefault(external_id.casefold(), place)
    return places


def _people() -> dict[str, int]:
    found: dict[str, int] = {}
    rows = Contractor.objects.order_by("id").values_list(
        "pk", "worker_number", "external_id"
    )
    for pk, worker_number, external_id in rows:
        for word in filter(None, (worker_number, external_id)):
            found.setdefault(word.casefold(), pk)
    return found


class Stored(NamedTuple):
    """An invoice that is recorded, as far as comparing needs it."""

    pk: int
    number: str
    kind: str
    status: str
    total: Decimal
    currency: str
    issued_on: date


@dataclass
class InvoiceBatch:
    """The accepted invoices of one file on their way into the ledger."""

    file: InvoiceFile
    new: dict[Key, BilledInvoice] = field(default_factory=dict)
    stored: dict[Key, Stored] = field(default_factory=dict)
    money_notes: list[Note] = field(default_factory=list)
    _problems_of_file: int = -1

    def plan(self, report: Report) -> None:
        self._forget_earlier_plan()
        accepted = self.file.accepted()
        self.stored = _stored(accepted)
        same = self._same(accepted)
        self.new = {
            key: one
            for key, one in accepted.items()
            if key not in same and not one.is_refused
        }
        self._check_rates()
        self._put_in_order()
        self._check_limits()
        self.new = {key: one for key, one in self.new.items() if not one.is_refused}
        self._tell(report, [accepted[key] for key in same])

    def _forget_earlier_plan(self) -> None:
        """Begin anew where another import interfered with the last attempt."""
        problems = self.file.account.problems
        if self._problems_of_file < 0:
            self._problems_of_file = len(problems)
            return
        del problems[self._problems_of_file :]
        refused = {problem.line for problem in problems}
        for invoice in self.file.invoices.values():
            invoice.is_refused = any(n.number in refused for n in invoice.lines)

    def _same(self, accepted: Mapping[Key, BilledInvoice]) -> set[Key]:
        """Return what is recorded as the file has it; what differs is refused."""
        lines = _facts_of_lines(stored.pk for stored in self.stored.values())
        same = set()
        for key, stored in self.stored.items():
            invoice = accepted[key]
            told = Counter(line.facts for line in invoice.lines)
            if told == lines[stored.pk] and stored.issued_on == (
                invoice.header.issued_on
            ):
                same.add(key)
                continue
            self.file.refuse(
                invoice,
                "number",
                f"is recorded already with {stored.total:,.2f} {stored.currency} and"
                " other lines or another day",
                "What is recorded stays: a credit note corrects it.",
            )
        return same

    def _check_rates(self) -> None:
        rates = Rates()
        for invoice in self.new.values():
            for line in invoice.lines:
                fault = _missing_rate(rates, invoice.header.currency, line)
                if fault and not invoice.is_refused:
                    self.file.refuse_line(invoice, line, "currency", fault)

    def _put_in_order(self) -> None:
        """Let each follow what it needs; refuse what a record or the file forbids.

        A credit note follows what it credits, and a fee for a period that is billed
        already follows the credit note that takes that one back.
        """
        waiting = {key: one for key, one in self.new.items() if not one.is_refused}
        fees = _fees_of({n.engagement_id for n in self._lines() if _is_fee(n)})
        credited = _credited(_credits(one) for one in waiting.values() if _is_note(one))
        self.new = {}
        while waiting:
            ready = self._free_of_billed_fees(waiting, fees)
            for key, invoice in ready.items():
                credited[key] = Credited(_shares(invoice), [])
            blocked = {k for k, n in waiting.items() if not _is_note(n)} - ready.keys()
            notes = {
                key: one
                for key, one in waiting.items()
                if _is_note(one) and _credits(one) not in blocked
            }
            for key, note in notes.items():
                if self._is_right_credit(note, credited.get(_credits(note))):
                    ready[key] = note
                    _free_fees(fees, _credits(note), credited[_credits(note)])
            self.new |= ready
            settled = ready.keys() | notes.keys()
            if not settled:
                break
            waiting = {k: one for k, one in waiting.items() if k not in settled}
        for invoice in waiting.values():
            self._refuse_waiting(invoice, fees)

    def _free_of_billed_fees(
        self, waiting: Mapping[Key, BilledInvoice], fees: dict[Period, Key]
    ) -> dict[Key, BilledInvoice]:
        """Return those that bill no fee of a billed period; theirs are billed now."""
        found = {}
        for key, invoice in waiting.items():
            periods = [_period(line) for line in invoice.lines if _is_fee(line)]
            is_free = len(set(periods)) == len(periods) and fees.keys().isdisjoint(
                periods
            )
            if not _is_note(invoice) and is_free:
                found[key] = invoice
                fees.update(dict.fromkeys(periods, key))
        return found

    def _refuse_waiting(
        self, invoice: BilledInvoice, fees: Mapping[Period, Key]
    ) -> None:
        if _is_note(invoice):
            reason = "credits an invoice that is refused"
            self.file.refuse(invoice, "credits", reason, "Correct that one first.")
            return
        billed = set(fees)
        for line in filter(_is_fee, invoice.lines):
            if _period(line) in billed:
                reason = "is a fee for a period that is billed already"
                self.file.refuse_line(invoice, line, "period_from", reason)
                return
            billed.add(_period(line))

    def _is_right_credit(self, note: BilledInvoice, found: Credited | None) -> bool:
        """Take it off what is left of its invoice; refuse it where it can't be."""
        if found is None:
            reason = "credits an invoice that is not recorded"
            advice = "Record that invoice first, or name another."
            self.file.refuse(note, "credits", reason, advice)
            return False
        billed = {share.engagement for share in found.billed}
        if any(line.engagement_id not in billed for line in note.lines):
            reason = "is for an engagement that the credited invoice didn't bill"
            advice = "Correct the engagement, or name another invoice."
            self.file.refuse(note, "engagement", reason, advice)
            return False
        if found.left + note.total < 0:
            reason = f"takes back more than the {found.left:,} that is left"
            advice = "Check the amounts, and earlier credit notes."
            self.file.refuse(note, "amount", reason, advice)
            return False
        shares = _shares(note)
        left = left_of_engagements(found.billed, found.taken)
        for engagement, amount in left_of_engagements((), shares).items():
            if left[engagement] + amount < 0:
                self._refuse_part(note, engagement, left[engagement])
                return False
        found.taken.extend(shares)
        return True

    def _refuse_part(
        self, note: BilledInvoice, engagement: int | None, left: Decimal
    ) -> None:
        what = "tax" if engagement is None else "of its engagement"
        line = next(
            line
            for line in note.lines
            if (line.charge == ChargeKind.TAX) == (engagement is None)
            and engagement in (None, line.engagement_id)
        )
        reason = f"takes back more {what} than the {max(left, Decimal(0)):,} left of it"
        self.file.refuse_line(note, line, "amount", reason)

    def _check_limits(self) -> None:
        """Refuse what budgets or the day's cap would stop, in the order of posting."""
        self.money_notes = []
        look = BillLook()
        if not look.is_needed:
            return
        passing = [item for item in self.new.items() if not item[1].is_refused]
        for part in _parts(passing):
            engagements = _engagements_by_id(part)
            bills = [_looked_at(invoice, engagements) for _key, invoice in part]
            for (_key, invoice), said in zip(part, look.looks(bills), strict=True):
                if said.stop is not None:
                    line = invoice.lines[said.stop.place]
                    self.file.refuse_line(invoice, line, "amount", said.stop.reason)
                self.money_notes += [
                    first_beyond(invoice.lines[one.place].number, one.sentence)
                    for one in said.warnings
                ]

    def _lines(self) -> Iterator[BilledLine]:
        for invoice in self.new.values():
            yield from invoice.lines

    def _tell(self, report: Report, same: Sequence[BilledInvoice]) -> None:
        account = self.file.account
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for invoice in (*self.new.values(), *same):
            totals[invoice.header.currency] += invoice.total
        report.problems = sorted(account.problems, key=lambda problem: problem.line)
        report.notes = account.all_notes()
        report.money_notes = sorted(self.money_notes, key=lambda note: note.line)
        report.read = account.read
        report.blank_lines = account.blank_lines
        report.refused = account.refused
        report.new = sum(len(invoice.lines) for invoice in self.new.values())
        report.already_recorded = sum(len(invoice.lines) for invoice in same)
        report.totals = dict(sorted(totals.items()))
        if isinstance(report, InvoiceReport):
            report.invoices = len(self.new)

    def apply(self, *, run_id: UUID, actor: User | None) -> None:
        for part in _parts(list(self.new.items())):
            engagements = _engagements_by_id(part)
            credited = _credited_ids(invoice for _key, invoice in part)
            bills = [
                _bill(invoice, engagements, credited, run_id) for _key, invoice in part
            ]
            post_invoices(bills=bills, actor=actor)


def _looked_at(
    billed: BilledInvoice, engagements: Mapping[int, Engagement]
) -> list[InvoiceLine]:
    """Return the lines as far as what they come to depends on them."""
    invoice = Invoice(kind=billed.header.kind)
    return [
        InvoiceLine(
            invoice=invoice,
            engagement=engagements[line.engagement_id],
            charge_kind=line.charge,
            period_from=line.period_from,
            period_to=line.period_to,
            amount=line.amount,
        )
        for line in billed.lines
    ]


def _is_fee(line: BilledLine) -> bool:
    return line.charge == ChargeKind.RECURRING and line.amount > 0


def _period(line: BilledLine) -> Period:
    return line.engagement_id, line.period_from, line.period_to


def _is_note(invoice: BilledInvoice) -> bool:
    return invoice.header.kind == InvoiceKind.CREDIT_NOTE


def _credits(note: BilledInvoice) -> Key:
    return note.header.vendor_id, note.header.credits


def _shares(invoice: BilledInvoice) -> list[Share]:
    return [Share(*line.facts) for line in invoice.lines]


def _free_fees(fees: dict[Period, Key], key: Key, credited: Credited) -> None:
    """Leave out the fees of an invoice of which its credit notes leave nothing."""
    found = are_credited(credited.billed, credited.taken)
    for share, is_credited in zip(credited.billed, found, strict=True):
        period = (share.engagement, share.first, share.last)
        is_fee = share.charge == ChargeKind.RECURRING
        if is_credited and is_fee and fees.get(period) == key:
            del fees[period]


def _missing_rate(rates: Rates, currency: str, line: BilledLine) -> str:
    for month in months_between(line.period_from, line.period_to):
        try:
            rates.on(currency, max(month, line.period_from))
        except MissingRateError as error:
            return str(error)[:300]
    return ""


def _stored(invoices: Mapping[Key, BilledInvoice]) -> dict[Key, Stored]:
    found: dict[Key, Stored] = {}
    for numbers in batches(sorted({number for _vendor, number in invoices})):
        rows = Invoice.objects.filter(normalised_number__in=numbers).values_list(
            "vendor_id",
            "normalised_number",
            "pk",
            "number",
            "kind",
            "status",
            "total",
            "currency",
            "issued_on",
        )
        for vendor_id, number, *values in rows:
            if (vendor_id, number) in invoices:
                found[vendor_id, number] = Stored(*values)
    return found


def _facts_of_lines(ids: Iterable[int]) -> dict[int, Counter[Any]]:
    found: dict[int, Counter[Any]] = defaultdict(Counter)
    for part in batches(ids):
        rows = InvoiceLine.objects.filter(invoice_id__in=part).values_list(
            "invoice_id",
            "engagement_id",
            "charge_kind",
            "period_from",
            "period_to",
            "amount",
        )
        for invoice_id, *facts in rows.iterator():
            found[invoice_id][tuple(facts)] += 1
    return found


def _fees_of(engagements: Iterable[int]) -> dict[Period, Key]:
    """Return the periods whose fee is billed and not credited, with the invoice."""
    return {
        (engagement, first, last): (vendor, number)
        for part in batches(engagements)
        for engagement, first, last, vendor, number in InvoiceLine.objects.filter(
            engagement_id__in=part,
            charge_kind=ChargeKind.RECURRING,
            amount__gt=0,
            is_credited=False,
        ).values_list(
            "engagement_id",
            "period_from",
            "period_to",
            "invoice__vendor_id",
            "invoice__normalised_number",
        )
    }


@dataclass(slots=True)
class Credited:
    """An invoice that is credited: what it billed, and what was taken back of that.

    An engagement has one currency, so that the invoices' currencies agree.
    """

    billed: list[Share]
    taken: list[Share]

    @property
    def left(self) -> Decimal:
        return sum((share.amount for share in (*self.billed, *self.taken)), Decimal(0))


def _credited(keys: Iterable[Key]) -> dict[Key, Credited]:
    found: dict[Key, Credited] = {}
    wanted = set(keys)
    for numbers in batches(sorted({number for _vendor, number in wanted})):
        rows = Invoice.objects.filter(
            normalised_number__in=numbers, kind=InvoiceKind.INVOICE
        ).exclude(status=InvoiceStatus.DRAFT)
        known = {
            pk: (vendor, number)
            for pk, vendor, number in rows.values_list(
                "pk", "vendor_id", "normalised_number"
            )
            if (vendor, number) in wanted
        }
        billed, taken = billed_on(known), taken_back_of(known)
        found |= {key: Credited(billed[pk], taken[pk]) for pk, key in known.items()}
    return found


def _credited_ids(invoices: Iterable[BilledInvoice]) -> dict[Key, int]:
    keys = {
        (one.header.vendor_id, one.header.credits)
        for one in invoices
        if one.header.credits
    }
    return {
        (vendor_id, number): pk
        for numbers in batches(sorted({number for _vendor, number in keys}))
        for pk, vendor_id, number in Invoice.objects.filter(
            normalised_number__in=numbers
        ).values_list("pk", "vendor_id", "normalised_number")
    }


def _engagements_by_id(
    part: Iterable[tuple[Key, BilledInvoice]],
) -> dict[int, Engagement]:
    ids = {line.engagement_id for _key, one in part for line in one.lines}
    return {
        engagement.pk: engagement
        for some in batches(sorted(ids))
        for engagement in Engagement.objects.filter(pk__in=some)
    }


def _parts(
    invoices: Sequence[tuple[Key, BilledInvoice]],
) -> Iterator[list[tuple[Key, BilledInvoice]]]:
    """Yield invoices in parts of few lines; a credit note never beside an invoice.

    It names one that is stored, and lets fees be billed anew once it is.
    """
    part: list[tuple[Key, BilledInvoice]] = []
    lines = 0
    for key, invoice in invoices:
        is_other_kind = bool(part) and _is_note(invoice) != _is_note(part[-1][1])
        if part and (is_other_kind or lines + len(invoice.lines) > _LINES_AT_ONCE):
            yield part
            part, lines = [], 0
        part.append((key, invoice))
        lines += len(invoice.lines)
    if part:
        yield part


def _bill(
    billed: BilledInvoice,
    engagements: Mapping[int, Engagement],
    credited: Mapping[Key, int],
    run_id: UUID,
) -> Bill:
    header = billed.header
    credits_id = credited[header.vendor_id, header.credits] if header.credits else None
    return Bill(
        Invoice(
            vendor_id=header.vendor_id,
            number=header.number,
            kind=header.kind,
            credits_id=credits_id,
            issued_on=header.issued_on,
            received_on=header.received_on,
            due_on=header.due_on,
            currency=header.currency,
            total=billed.total,
            source=InvoiceSource.FILE,
        ),
        [
            InvoiceLine(
                engagement=engagements[line.engagement_id],
                charge_kind=line.charge,
                description=line.description,
                period_from=line.period_from,
                period_to=line.period_to,
                contractor_id=line.person_id,
                hours=line.hours,
                quantity=line.quantity,
                unit=line.unit,
                unit_price=line.unit_price,
                is_overtime=line.is_overtime,
                amount=line.amount,
                source_key=f"{run_id}:{line.number}",
            )
            for line in billed.lines
        ],
    )


register(Invoices())
