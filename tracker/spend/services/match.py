"""Invoices held against what was agreed, and what becomes of what doesn't fit."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements import events
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Event, User
from engagements.services.bulk import Attempt, Mode, Outcome, change_each
from engagements.services.records import check_version
from engagements.values.money import format_money
from tracker.spend.hours import has_logged_what_is_billed
from tracker.spend.matching import Bill, Code, Finding, match
from tracker.spend.models import (
    BY_PEOPLE,
    LETS_GO,
    TAKES_BACK,
    ExceptionState,
    Invoice,
    InvoiceStatus,
    MatchException,
    Resolution,
)
from tracker.spend.services.gathering import gather
from tracker.spend.services.invoice_states import (
    dispute_invoice,
    is_maker,
    mark_matched,
)
from tracker.spend.services.savings import claim_recovery

# What is approved or paid is not compared any more.
COMPARED = (InvoiceStatus.RECEIVED, InvoiceStatus.MATCHED, InvoiceStatus.DISPUTED)
AT_ONCE = 200


@dataclass(frozen=True)
class Matched:
    """What a comparison brought: invoices by outcome, exceptions found and cleared."""

    matched: int = 0
    disputed: int = 0
    found: int = 0
    cleared: int = 0

    def __add__(self, other: "Matched") -> "Matched":
        return Matched(
            self.matched + other.matched,
            self.disputed + other.disputed,
            self.found + other.found,
            self.cleared + other.cleared,
        )


def match_received() -> Matched:
    """Compare the invoices that nobody has compared yet."""
    return _match_all((InvoiceStatus.RECEIVED,))


def match_open() -> Matched:
    """Compare anew what is not approved: terms, hours and orders may have changed."""
    return _match_all(COMPARED)


def _match_all(statuses: Collection[str]) -> Matched:
    ids = list(
        Invoice.objects.filter(status__in=statuses)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    starts = range(0, len(ids), AT_ONCE)
    return sum(
        (match_invoices(ids=ids[n : n + AT_ONCE], actor=None) for n in starts),
        Matched(),
    )


@transaction.atomic
def match_invoices(*, ids: Collection[int], actor: User | None) -> Matched:
    """Compare invoices, store what doesn't fit, and match or dispute each.

    Repeating has no effect. What a person resolved stays resolved unless more is at
    stake than they saw; what is no longer found is cleared. Approved and paid ones are
    left, and a person's own dispute is theirs to take back.
    """
    invoices = list(
        Invoice.objects.select_for_update()
        .filter(pk__in=ids, status__in=COMPARED)
        .order_by("pk")
    )
    known = _known(invoices)
    held_by_people = _disputed_by_people(invoices)
    total = Matched()
    for invoice, bill in zip(invoices, gather(invoices), strict=True):
        found, cleared = _keep(invoice, bill, known[invoice.pk])
        still_open = [one for one in known[invoice.pk] if one not in cleared]
        waiting = [one for one in [*still_open, *found] if _is_open(one)]
        total += Matched(found=len(found), cleared=len(cleared))
        if waiting:
            total += Matched(disputed=1)
            _dispute(invoice, waiting, has_news=bool(found or cleared), actor=actor)
        elif invoice.pk not in held_by_people:
            total += Matched(matched=1)
            if invoice.status != InvoiceStatus.MATCHED:
                mark_matched(invoice=invoice, actor=actor)
    return total


def _known(invoices: Sequence[Invoice]) -> dict[int, list[MatchException]]:
    found: dict[int, list[MatchException]] = defaultdict(list)
    rows = MatchException.objects.select_for_update(of=("self",)).filter(
        invoice__in=invoices
    )
    for row in rows.order_by("pk"):
        found[row.invoice_id].append(row)
    return found


def _disputed_by_people(invoices: Sequence[Invoice]) -> set[int]:
    """Return those whose last dispute has somebody's name; the match leaves none."""
    ids = [one.pk for one in invoices if one.status == InvoiceStatus.DISPUTED]
    if not ids:
        return set()
    disputes = Event.objects.filter(
        event_type="invoice.disputed", subject_type="invoice", subject_id__in=ids
    )
    latest = dict(disputes.order_by("pk").values_list("subject_id", "actor_id"))
    return {pk for pk, actor in latest.items() if actor is not None}


_Key = tuple[int | None, str]


def _is_open(exception: MatchException) -> bool:
    return exception.state == ExceptionState.OPEN


def _keep(
    invoice: Invoice, bill: Bill, known: Sequence[MatchException]
) -> tuple[list[MatchException], list[MatchException]]:
    """Store new exceptions and clear those that are gone; return both."""
    findings = {_key(finding): finding for finding in match(bill)}
    open_ones = {(one.line_id, one.code): one for one in known if _is_open(one)}
    cleared = [
        one
        for key, one in open_ones.items()
        if key not in findings or not _is_as_found(one, findings[key])
    ]
    for one in cleared:
        _close(one, Resolution.CLEARED, _("Compared anew, it is no longer so."), None)
    kept = {key for key, one in open_ones.items() if one not in cleared}
    settled = _settled(known)
    engagement_of = {line.key: line.engagement for line in bill.lines}
    found = [
        _new(invoice, bill, finding, engagement_of)
        for key, finding in findings.items()
        if key not in kept and not _is_settled(finding, settled.get(key))
    ]
    for one in found:
        one.save(force_insert=True)
    return found, cleared


def _key(finding: Finding) -> _Key:
    return finding.line, finding.code.value


def _is_as_found(exception: MatchException, finding: Finding) -> bool:
    return (exception.expected, exception.found, exception.amount) == (
        finding.expected,
        finding.found,
        finding.amount,
    )


def _settled(known: Iterable[MatchException]) -> dict[_Key, Decimal]:
    """Return the most that people saw at stake when they resolved it."""
    most: dict[_Key, Decimal] = {}
    for one in known:
        if not _is_open(one) and one.resolution != Resolution.CLEARED:
            key = (one.line_id, one.code)
            most[key] = max(one.amount, most.get(key, one.amount))
    return most


def _is_settled(finding: Finding, seen: Decimal | None) -> bool:
    return seen is not None and finding.amount <= seen


def _new(
    invoice: Invoice, bill: Bill, finding: Finding, engagement_of: Mapping[int, int]
) -> MatchException:
    # The invoice as a whole belongs where its first line does.
    line = finding.line if finding.line is not None else bill.lines[0].key
    return MatchException(
        invoice=invoice,
        line_id=finding.line,
        engagement_id=engagement_of[line],
        code=finding.code.value,
        expected=finding.expected,
        found=finding.found,
        amount=finding.amount,
        currency=invoice.currency,
        found_at=timezone.now(),
        recorded_by_id=invoice.received_by_id,
    )


def _close(
    exception: MatchException, resolution: str, reason: str, actor: User | None
) -> None:
    exception.state = ExceptionState.RESOLVED
    exception.resolution = resolution
    exception.reason = reason
    exception.resolved_at = timezone.now()
    exception.resolved_by = actor
    exception.version += 1
    exception.full_clean()
    exception.save()


def _dispute(
    invoice: Invoice,
    waiting: Sequence[MatchException],
    *,
    has_news: bool,
    actor: User | None,
) -> None:
    """Hold the invoice back, and tell of what was found where that is news."""
    if invoice.status != InvoiceStatus.DISPUTED:
        dispute_invoice(invoice=invoice, reason=_summary(waiting), actor=None)
    elif not has_news:
        return
    amount = sum((one.amount for one in waiting), Decimal(0))
    events.record(
        event_type="invoice.exceptions_found",
        subject=invoice,
        changes={
            "exceptions": [None, len(waiting)],
            "at_stake": [None, events.plain(amount)],
            "currency": [None, invoice.currency],
        },
        actor=actor,
    )


def _summary(waiting: Sequence[MatchException]) -> str:
    amount = sum((one.amount for one in waiting), Decimal(0))
    names = sorted({one.get_code_display() for one in waiting})
    if any(one.code == Code.OVER_ORDER for one in waiting):
        # What an order has left may be of departments that the reader doesn't see.
        return ngettext(
            "%(count)d exception: %(names)s.",
            "%(count)d exceptions: %(names)s.",
            len(waiting),
        ) % {"count": len(waiting), "names": ", ".join(names)}
    sentence = ngettext(
        "%(count)d exception, %(amount)s at stake: %(names)s.",
        "%(count)d exceptions, %(amount)s at stake: %(names)s.",
        len(waiting),
    )
    return sentence % {
        "count": len(waiting),
        "amount": format_money(amount, waiting[0].currency),
        "names": ", ".join(names),
    }


# --- what people do with an exception ----------------------------------------------


@transaction.atomic
def resolve_exception(
    *,
    exception: MatchException,
    resolution: str,
    reason: str,
    expected_version: int | None = None,
    actor: User,
) -> MatchException:
    """Store how an exception is resolved, and why; the last one matches its invoice.

    What is to come back becomes a saving that is claimed. Raises WrongStateError for
    what is resolved, NotAllowedError where the money would be let go by whoever
    recorded or changed the invoice, or logged hours without a timesheet that it
    bills, ConflictError where it changed since, and ValidationError.
    """
    invoice = Invoice.objects.select_for_update().get(pk=exception.invoice_id)
    stored: MatchException = MatchException.objects.select_for_update().get(
        pk=exception.pk
    )
    check_version(stored=stored, expected_version=expected_version)
    _check_resolution(stored, resolution, reason, actor)
    _close(stored, resolution, reason.strip(), actor)
    events.record(
        event_type="invoice.exception_resolved",
        subject=invoice,
        changes={
            "code": [None, stored.code],
            "resolution": [None, resolution],
            "reason": [None, stored.reason],
            "amount": [None, events.plain(stored.amount)],
            "currency": [None, stored.currency],
        },
        actor=actor,
    )
    if resolution in TAKES_BACK and stored.amount > 0:
        claim_recovery(exception=stored, actor=actor)
    _match_when_settled(invoice, actor)
    return stored


def resolve_exceptions(
    *,
    exceptions: Sequence[MatchException],
    resolution: str,
    reason: str,
    mode: Mode,
    actor: User,
) -> list[Outcome]:
    """Resolve many in one way; see `resolve_exception` and `change_each`.

    Locks are taken as the match takes them: invoices, then their exceptions, by id.
    """
    return change_each(
        attempts=[
            Attempt(
                one.pk,
                partial(_resolve_one, one, resolution, reason, actor),
                (one.invoice_id, one.pk),
            )
            for one in exceptions
        ],
        mode=mode,
    )


def _resolve_one(
    exception: MatchException, resolution: str, reason: str, actor: User
) -> Sequence[str]:
    resolve_exception(
        exception=exception, resolution=resolution, reason=reason, actor=actor
    )
    return ()


def _check_resolution(
    exception: MatchException, resolution: str, reason: str, actor: User
) -> None:
    if not _is_open(exception):
        raise WrongStateError(_("It is resolved already."))
    if resolution not in BY_PEOPLE:
        raise ValidationError({"resolution": _("Choose how it is resolved.")})
    if not reason.strip():
        raise ValidationError({"reason": _("Say why.")})
    if resolution not in LETS_GO or exception.amount <= 0:
        return
    if is_maker(exception.invoice, actor):
        raise NotAllowedError(
            _(
                "You recorded this invoice: let somebody else say that its money is"
                " right, or ask the vendor for it."
            )
        )
    if has_logged_what_is_billed(exception.invoice_id, actor):
        raise NotAllowedError(
            _(
                "It bills hours that you logged without a timesheet: let somebody else"
                " say that its money is right."
            )
        )


def _match_when_settled(invoice: Invoice, actor: User) -> None:
    waiting = MatchException.objects.filter(
        invoice=invoice, state=ExceptionState.OPEN
    ).exists()
    if waiting or invoice.status != InvoiceStatus.DISPUTED:
        return
    if invoice.pk not in _disputed_by_people([invoice]):
        mark_matched(invoice=invoice, actor=actor)
