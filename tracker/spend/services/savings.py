"""Savings: claimed by people or by records, realised by records alone."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ChargeKind, RateUnit
from engagements.errors import WrongStateError
from engagements.models import Engagement, RateTerm, User
from engagements.services.records import create_record
from engagements.values.commitment import Price, committed_fees
from engagements.values.money import round_money
from tracker.spend.matching import Rate, rate_on
from tracker.spend.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    MatchException,
    Resolution,
    Saving,
    SavingKind,
    SavingQuerySet,
    SavingRealisation,
    SavingStatus,
)
from tracker.spend.saved import FoundSaving, Realised, found_savings

ZERO = Decimal(0)


@dataclass(frozen=True)
class BroughtUp:
    """What a night brought: savings claimed, realisations found."""

    claimed: int = 0
    realised: int = 0


@transaction.atomic
def claim_saving(*, saving: Saving, actor: User | None) -> Saving:
    """Store a saving that is claimed.

    A vendor and a currency left blank are the engagement's. Raises ValidationError by
    field.
    """
    if saving.engagement is not None:
        saving.vendor = saving.engagement.vendor
        saving.currency = saving.currency or saving.engagement.currency
        if saving.currency != saving.engagement.currency:
            raise ValidationError(
                {
                    "currency": _("The engagement's own: %(currency)s.")
                    % {"currency": saving.engagement.currency}
                }
            )
    _check_names(saving)
    _check_price(saving)
    _check_conversion(saving)
    return create_record(
        record=saving,
        event_type="saving.claimed",
        engagement=saving.engagement,
        actor=actor,
    )


@transaction.atomic
def withdraw_saving(*, saving: Saving, reason: str, actor: User | None) -> Saving:
    """Store that a saving won't come about; what was realised stays.

    Raises WrongStateError unless it is claimed, ValidationError without a reason.
    """
    if not reason.strip():
        raise ValidationError({"note": _("Say why it is withdrawn.")})
    stored = Saving.objects.select_for_update().get(pk=saving.pk)
    if stored.status != SavingStatus.CLAIMED:
        raise WrongStateError(
            _("It is %(status)s.") % {"status": stored.get_status_display().lower()}
        )
    return _move(stored, SavingStatus.WITHDRAWN, "saving.withdrawn", actor, reason)


def claim_recovery(*, exception: MatchException, actor: User) -> Saving:
    """Claim what a vendor billed too much; realised when the credit note arrives.

    What was recovered already is realised by the word of who says so.
    """
    invoice = exception.invoice
    saving = claim_saving(
        saving=Saving(
            kind=SavingKind.RECOVERED,
            title=_("%(code)s on invoice %(number)s")
            % {"code": exception.get_code_display(), "number": invoice.number},
            engagement=exception.engagement,
            currency=exception.currency,
            claimed_amount=exception.amount,
            claimed_on=timezone.localdate(),
            owner=actor,
            note=exception.reason,
            source_key=_exception_key(exception.pk),
        ),
        actor=actor,
    )
    if exception.resolution == Resolution.RECOVERED:
        part = Realised(exception.amount, timezone.localdate(), note=exception.reason)
        _realise(saving, [part], actor)
    return saving


def _exception_key(pk: int) -> str:
    return f"exception:{pk}"


def _check_names(saving: Saving) -> None:
    lacking = {}
    if saving.vendor_id is None:
        lacking["vendor"] = _("Name the vendor, or an engagement.")
    if not saving.currency:
        lacking["currency"] = _("Say in which currency it is.")
    if lacking:
        raise ValidationError(lacking)


def _check_conversion(saving: Saving) -> None:
    """Refuse what is claimed of a conversion a second time."""
    if saving.kind != SavingKind.CONVERSION or saving.engagement is None:
        return
    if _conversions_of(saving.engagement.pk).exists():
        raise ValidationError(
            {"engagement": _("The saving of its conversion is claimed already.")}
        )


def _check_price(saving: Saving) -> None:
    if (saving.price_before is None) != (saving.price_after is None):
        raise ValidationError({"price_after": _("Give both prices, or neither.")})
    if saving.price_before is not None and saving.engagement is None:
        raise ValidationError(
            {"engagement": _("Prices are those of an engagement: name it.")}
        )


# --- what records show -------------------------------------------------------------


@transaction.atomic
def bring_savings_up(*, actor: User | None = None) -> BroughtUp:
    """Claim what records tell of, and realise what they show; repeating does nothing.

    Credit notes realise what was recovered, bills at the lower price what was
    negotiated, and registered sources tell of their own, such as service credits.
    """
    claimed = realised = 0
    for found in found_savings():
        is_new, parts = _bring_up(found, actor)
        claimed += is_new
        realised += parts
    realised += _realise_recovered(actor)
    realised += _realise_negotiated(actor)
    realised += _undo_credited(actor)
    return BroughtUp(claimed, realised)


def _bring_up(found: FoundSaving, actor: User | None) -> tuple[bool, int]:
    saving = Saving.objects.select_for_update().filter(source_key=found.key).first()
    if saving is None and (found.is_withdrawn or _is_claimed_by_hand(found)):
        return False, 0
    is_new = saving is None
    if saving is None:
        saving = claim_saving(
            saving=Saving(
                kind=found.kind,
                title=found.title,
                engagement=Engagement.objects.get(pk=found.engagement),
                claimed_amount=found.amount,
                claimed_on=found.since,
                until=found.until,
                owner_id=found.owner,
                note=found.note,
                source_key=found.key,
            ),
            actor=actor,
        )
    if saving.status == SavingStatus.WITHDRAWN:
        return is_new, 0
    if found.is_withdrawn:
        return is_new, _take_back(saving, found.since, actor)
    if found.follows:
        return is_new, _follow(saving, found, actor)
    return is_new, _realise(saving, found.realised, actor)


def _is_claimed_by_hand(found: FoundSaving) -> bool:
    """Tell whether a person claimed what records tell of now."""
    if found.kind != SavingKind.CONVERSION:
        return False
    return _conversions_of(found.engagement).exists()


def _conversions_of(engagement: int) -> SavingQuerySet:
    rows: SavingQuerySet = Saving.objects.filter(
        kind=SavingKind.CONVERSION, engagement=engagement
    ).exclude(status=SavingStatus.WITHDRAWN)
    return rows


def _take_back(saving: Saving, on: date, actor: User | None) -> int:
    """Withdraw a saving, with all that records showed of it."""
    reason = _("What it rested on holds no longer.")
    left = _realised(saving)
    parts = [Realised(-left, on, note=reason)] if left else []
    _add(saving, parts, actor)
    _move(saving, SavingStatus.WITHDRAWN, "saving.withdrawn", actor, reason)
    return len(parts)


def _follow(saving: Saving, found: FoundSaving, actor: User | None) -> int:
    """Bring what is claimed and realised in line with what records show by now."""
    _reclaim(saving, found, actor)
    rows = saving.realisations.order_by().values_list("realised_on")
    stored = dict(rows.annotate(total=Sum("amount")))
    shown = {part.on: part for part in found.realised}
    gone = _("What it rested on holds no longer.")
    parts = []
    for day in sorted({*stored, *shown}):
        part = shown.get(day, Realised(ZERO, day, note=gone))
        difference = part.amount - stored.get(day, ZERO)
        if difference:
            parts.append(replace(part, amount=difference))
    _add(saving, parts, actor)
    return len(parts)


def _reclaim(saving: Saving, found: FoundSaving, actor: User | None) -> None:
    before = copy(saving)
    saving.claimed_amount, saving.claimed_on = found.amount, found.since
    saving.until, saving.title = found.until, found.title
    changes = events.difference(before, saving)
    if not changes:
        return
    saving.version += 1
    saving.full_clean()
    saving.save()
    events.record(
        event_type="saving.claim_changed",
        subject=saving,
        changes=changes,
        engagement=saving.engagement,
        actor=actor,
    )
    _settle(saving, actor)


def _realise(saving: Saving, parts: Sequence[Realised], actor: User | None) -> int:
    """Store parts that are not known yet; return how many."""
    known = {
        (line, "" if line else note)
        for line, note in saving.realisations.values_list("invoice_line_id", "note")
    }
    new = [
        part
        for part in parts
        if part.amount != 0
        and (part.invoice_line, "" if part.invoice_line else part.note) not in known
    ]
    _add(saving, new, actor)
    return len(new)


def _add(saving: Saving, parts: Sequence[Realised], actor: User | None) -> None:
    if not parts:
        return
    for part in parts:
        row = SavingRealisation(
            saving=saving,
            amount=part.amount,
            realised_on=part.on,
            invoice_line_id=part.invoice_line,
            note=part.note,
        )
        row.full_clean()
        row.save()
    total = sum((part.amount for part in parts), ZERO)
    events.record(
        event_type="saving.realised",
        subject=saving,
        changes={
            "amount": [None, events.plain(total)],
            "currency": [None, saving.currency],
        },
        engagement=saving.engagement,
        actor=actor,
    )
    _settle(saving, actor)


def _settle(saving: Saving, actor: User | None) -> None:
    """Call a saving realised as long as records show all that was claimed."""
    is_whole = _realised(saving) >= saving.claimed_amount
    if saving.status == SavingStatus.CLAIMED and is_whole:
        _move(saving, SavingStatus.REALISED, "saving.completed", actor)
    elif saving.status == SavingStatus.REALISED and not is_whole:
        _move(saving, SavingStatus.CLAIMED, "saving.reopened", actor)


def _realised(saving: Saving) -> Decimal:
    total: Decimal | None = saving.realisations.aggregate(n=Sum("amount"))["n"]
    return total or ZERO


def _move(
    saving: Saving,
    status: SavingStatus,
    event_type: str,
    actor: User | None,
    note: str = "",
) -> Saving:
    before = copy(saving)
    saving.status = status
    saving.note = note.strip() or saving.note
    saving.version += 1
    saving.full_clean()
    saving.save()
    events.record(
        event_type=event_type,
        subject=saving,
        changes=events.difference(before, saving),
        engagement=saving.engagement,
        actor=actor,
    )
    return saving


# --- recovered ---------------------------------------------------------------------


def _realise_recovered(actor: User | None) -> int:
    """Let credit notes realise what was claimed of the invoices that they correct.

    A note's line serves the claims of its engagement in the order they were made, each
    up to what was claimed.
    """
    waiting = list(
        Saving.objects.select_for_update()
        .filter(
            kind=SavingKind.RECOVERED,
            status=SavingStatus.CLAIMED,
            source_key__startswith=_exception_key(0)[:-1],
        )
        .order_by("pk")
    )
    invoice_of = dict(
        MatchException.objects.filter(
            pk__in=[_exception_of(one) for one in waiting]
        ).values_list("pk", "invoice_id")
    )
    lines = _credit_lines(set(invoice_of.values()))
    count = 0
    for saving in waiting:
        invoice = invoice_of.get(_exception_of(saving))
        key = (invoice or 0, saving.engagement_id or 0)
        count += _realise(saving, list(_taken(saving, lines[key])), actor)
    return count


def _exception_of(saving: Saving) -> int:
    return int((saving.source_key or "").partition(":")[2])


@dataclass
class _CreditLine:
    """A line of a credit note, with what of it no claim has taken yet."""

    line: int
    on: date
    left: Decimal


def _credit_lines(
    invoices: set[int],
) -> dict[tuple[int, int], list[_CreditLine]]:
    rows = (
        InvoiceLine.objects.filter(invoice__credits__in=invoices)
        .exclude(invoice__status=InvoiceStatus.DRAFT)
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by("invoice__issued_on", "id")
        .annotate(taken=Sum("realised_savings__amount"))
        .values_list(
            "invoice__credits_id",
            "engagement_id",
            "id",
            "invoice__issued_on",
            "amount",
            "taken",
        )
    )
    found: dict[tuple[int, int], list[_CreditLine]] = defaultdict(list)
    for invoice, engagement, line, issued_on, amount, taken in rows:
        left = abs(amount) - (taken or ZERO)
        found[invoice, engagement].append(_CreditLine(line, issued_on, left))
    return found


def _taken(saving: Saving, lines: Sequence[_CreditLine]) -> Iterator[Realised]:
    claimed: Decimal = saving.claimed_amount
    wanted = claimed - _realised(saving)
    for line in lines:
        amount = min(wanted, line.left)
        if amount > 0:
            line.left -= amount
            wanted -= amount
            yield Realised(amount, line.on, invoice_line=line.line)


# --- negotiated --------------------------------------------------------------------


def _realise_negotiated(actor: User | None) -> int:
    """Let bills at the lower price realise what was negotiated."""
    savings = list(
        Saving.objects.select_for_update()
        .filter(price_before__isnull=False, engagement__isnull=False)
        .exclude(status=SavingStatus.WITHDRAWN)
        .order_by("pk")
    )
    lines = _billed([saving.engagement_id or 0 for saving in savings])
    rates = _rates(list(lines))
    count = 0
    for saving in savings:
        engagement = saving.engagement_id or 0
        parts = [
            Realised(amount, line.period_to, invoice_line=line.pk)
            for line in lines[engagement]
            if (amount := _saved(saving, line, rates[engagement])) > 0
        ]
        count += _realise(saving, parts, actor)
    return count


def _undo_credited(actor: User | None) -> int:
    """Take back what bills realised that were credited in full since, of any kind.

    What is billed in their place realises anew.
    """
    # A line that gives money back is credited with all that it was billed beside.
    beside = (
        InvoiceLine.objects.filter(
            invoice=OuterRef("invoice_line__invoice"),
            engagement=OuterRef("invoice_line__engagement"),
            amount__gt=0,
        )
        .exclude(charge_kind=ChargeKind.TAX)
        .order_by()
    )
    gave_back = Q(
        Exists(beside.filter(is_credited=True)),
        ~Exists(beside.filter(is_credited=False)),
        invoice_line__amount__lt=0,
        invoice_line__invoice__kind=InvoiceKind.INVOICE,
    )
    rows = SavingRealisation.objects.filter(
        Q(invoice_line__is_credited=True) | gave_back, amount__gt=0
    ).exclude(saving__status=SavingStatus.WITHDRAWN)
    found: dict[int, list[Realised]] = defaultdict(list)
    for row in rows.select_related("invoice_line__invoice").order_by("pk"):
        line = row.invoice_line
        if line is not None:
            note = (
                f"Invoice {line.invoice.number}, line {line.number}: credited in full"
            )
            found[row.saving_id].append(
                Realised(-row.amount, row.realised_on, note=note)
            )
    savings = Saving.objects.select_for_update().filter(pk__in=found).order_by("pk")
    return sum(_realise(saving, found[saving.pk], actor) for saving in savings)


def _billed(engagements: Sequence[int]) -> dict[int, list[InvoiceLine]]:
    found: dict[int, list[InvoiceLine]] = defaultdict(list)
    rows = (
        InvoiceLine.objects.filter(
            engagement_id__in=engagements,
            charge_kind__in=(ChargeKind.RECURRING, ChargeKind.TIME),
            amount__gt=0,
            invoice__kind=InvoiceKind.INVOICE,
        )
        .exclude(invoice__status=InvoiceStatus.DRAFT)
        .exclude(invoice__in=_credited_invoices())
    )
    for row in rows.order_by("period_from", "id"):
        found[row.engagement_id].append(row)
    return found


def _credited_invoices() -> list[int]:
    """Return invoices that a credit note corrects: what they cost is not settled."""
    notes = Invoice.objects.filter(credits__isnull=False).exclude(
        status=InvoiceStatus.DRAFT
    )
    return [pk for pk in notes.values_list("credits_id", flat=True) if pk is not None]


def _rates(engagements: Sequence[int]) -> dict[int, list[Rate]]:
    found: dict[int, list[Rate]] = defaultdict(list)
    for term in RateTerm.objects.filter(assignment_id__in=engagements):
        found[term.assignment_id].append(
            Rate(
                term.starts_on, term.rate, term.unit == RateUnit.DAY, term.hours_per_day
            )
        )
    return found


def _saved(saving: Saving, line: InvoiceLine, rates: Sequence[Rate]) -> Decimal:
    """Return what the line would have cost more, by the days that count."""
    first = max(line.period_from, saving.claimed_on)
    last = min(line.period_to, saving.until or line.period_to)
    days = (last - first).days + 1
    if days <= 0:
        return ZERO
    share = Decimal(days) / ((line.period_to - line.period_from).days + 1)
    billed = line.amount * share
    if line.charge_kind == ChargeKind.RECURRING:
        before = committed_fees(
            [Price(first, saving.price_before)], first, last, saving.currency
        )
    else:
        before = _time_before(saving, line, rates) * share
    return round_money(max(before - billed, ZERO), saving.currency)


def _time_before(saving: Saving, line: InvoiceLine, rates: Sequence[Rate]) -> Decimal:
    rate = rate_on(rates, line.period_from)
    if line.hours is None or rate is None:
        return ZERO
    hours: Decimal = line.hours * saving.price_before
    return hours / rate.hours_per_day if rate.is_per_day else hours
