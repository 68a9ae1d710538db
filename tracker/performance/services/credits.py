"""Service credits from the missed window to the ledger.

An agreed credit stands in the ledger as accrued, as work does that is not invoiced
yet. When it is applied the accrual is reversed: the vendor's invoice line takes its
place, or an entry of its own where the money came back without one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ChargeKind
from engagements.errors import WrongStateError
from engagements.models import ManagedContract, User
from tracker.performance.calendars import managed_contracts
from tracker.performance.contract_terms import ContractTerms, miss_of
from tracker.performance.credits import (
    CreditLine,
    Miss,
    credits_due,
    is_earned_back,
)
from tracker.performance.models import Credit, CreditState, LevelResult
from tracker.performance.service_levels import Outcome, Window
from tracker.spend.models import (
    Basis,
    InvoiceLine,
    InvoiceStatus,
    LedgerEntry,
    SourceType,
)
from tracker.spend.services import Posting, post, reverse

ONE_DAY = timedelta(days=1)
# How far back late figures still change what is due.
LOOKS_BACK = timedelta(days=400)
OPEN_STATES = (CreditState.DUE, CreditState.CLAIMED, CreditState.AGREED)
RETURNABLE = (*OPEN_STATES, CreditState.APPLIED)


@dataclass(frozen=True)
class Settled:
    """What a night brought: credits due, taken back, expired, earned back."""

    due: int = 0
    withdrawn: int = 0
    expired: int = 0
    earned_back: int = 0

    def __add__(self, other: "Settled") -> "Settled":
        return Settled(
            self.due + other.due,
            self.withdrawn + other.withdrawn,
            self.expired + other.expired,
            self.earned_back + other.earned_back,
        )


@transaction.atomic
def settle_credits(
    *, contract: ManagedContract, today: date, actor: User | None
) -> Settled:
    """Bring the contract's credits in line with its results as of the day.

    What is missed and not yet a credit becomes due; what is due follows late figures;
    what is past its deadline expires; what was made good is earned back. Repeating
    has no effect.
    """
    locked = managed_contracts().select_for_update().get(pk=contract.pk)
    results = _results(locked, since=today - LOOKS_BACK)
    known = _known(locked)
    settled = Settled()
    terms_of = ContractTerms(locked)
    for window, group in _by_window(results).items():
        lines = credits_due(
            locked.credit_scheme,
            [_miss(result) for result in group if result.outcome == Outcome.MISSED],
            terms_of.window(window),
        )
        settled += _bring_in_line(locked, window, lines, known, group, today, actor)
    for credit in known.values():
        settled += _after_time(credit, results, today, actor)
    return settled


def _results(contract: ManagedContract, since: date) -> list[LevelResult]:
    return list(
        LevelResult.objects.filter(engagement=contract.pk, window_from__gte=since)
        .select_related("service_level")
        .order_by("window_from", "service_level_id")
    )


Key = tuple[int | None, date, date]


def _known(contract: ManagedContract) -> dict[Key, Credit]:
    rows = Credit.objects.select_for_update().filter(engagement=contract)
    return {
        (row.service_level_id, row.window_from, row.window_to): row
        for row in rows.order_by("id")
    }


def _by_window(results: Iterable[LevelResult]) -> dict[Window, list[LevelResult]]:
    groups: dict[Window, list[LevelResult]] = defaultdict(list)
    for result in results:
        groups[Window(result.window_from, result.window_to)].append(result)
    return groups


def _miss(result: LevelResult) -> Miss:
    return miss_of(result.service_level, result.value, frozenset(result.incidents))


def _bring_in_line(
    contract: ManagedContract,
    window: Window,
    lines: Sequence[CreditLine],
    known: dict[Key, Credit],
    group: Sequence[LevelResult],
    today: date,
    actor: User | None,
) -> Settled:
    due = 0
    wanted = {(line.level, *window): line for line in lines}
    for key, line in wanted.items():
        figures = _figures(line, contract, group)
        credit = known.get(key)
        if credit is None:
            known[key] = _new_credit(contract, window, line, figures, today, actor)
            due += 1
        elif credit.state == CreditState.DUE and credit.amount != line.amount:
            _change(
                credit,
                "credit.recomputed",
                actor,
                amount=line.amount,
                figures=figures,
            )
    gone = [
        credit
        for key, credit in known.items()
        if key[1:] == tuple(window)
        and key not in wanted
        and credit.state == CreditState.DUE
    ]
    for credit in gone:
        _change(
            credit,
            "credit.waived",
            actor,
            state=CreditState.WAIVED,
            state_since=today,
            reason=_("The window no longer counts as missed."),
        )
    return Settled(due=due, withdrawn=len(gone))


def _new_credit(
    contract: ManagedContract,
    window: Window,
    line: CreditLine,
    figures: Mapping[str, Any],
    today: date,
    actor: User | None,
) -> Credit:
    within = contract.claim_within_days
    credit = Credit(
        engagement=contract,
        service_level_id=line.level,
        window_from=window.first,
        window_to=window.last,
        scheme=contract.credit_scheme,
        amount=line.amount,
        figures=dict(figures),
        claim_by_on=None if within is None else window.last + timedelta(days=within),
        state_since=today,
    )
    credit.full_clean()
    credit.save()
    events.record(
        event_type="credit.due",
        subject=credit,
        changes=events.difference(None, credit),
        engagement=contract,
        actor=actor,
    )
    return credit


def _figures(
    line: CreditLine, contract: ManagedContract, group: Sequence[LevelResult]
) -> dict[str, Any]:
    """Return what the amount rests on, as JSON can hold it."""
    behind = [
        result
        for result in group
        if result.outcome == Outcome.MISSED
        and line.level in (None, result.service_level_id)
    ]
    return {
        "percent": events.plain(line.percent),
        "points": line.points,
        "uncapped": events.plain(line.uncapped),
        "at_risk_percent": events.plain(contract.at_risk_percent),
        "missed": [_missed(result) for result in behind],
    }


def _missed(result: LevelResult) -> dict[str, Any]:
    level = result.service_level
    return {
        "level": level.name,
        "direction": level.direction,
        "bound": events.plain(level.target if level.minimum is None else level.minimum),
        "unit": level.unit,
        "value": events.plain(result.value),
        "good": result.good,
        "total": result.total,
        "down_seconds": result.down_seconds,
        "service_seconds": result.service_seconds,
        "incidents": result.incidents,
    }


def _after_time(
    credit: Credit, results: Sequence[LevelResult], today: date, actor: User | None
) -> Settled:
    if _is_made_good(credit, results):
        _return(credit, today, actor)
        return Settled(earned_back=1)
    if _is_expired(credit, today):
        _change(
            credit,
            "credit.expired",
            actor,
            state=CreditState.EXPIRED,
            state_since=today,
        )
        return Settled(expired=1)
    return Settled()


def _is_expired(credit: Credit, today: date) -> bool:
    return (
        credit.state == CreditState.DUE
        and credit.claim_by_on is not None
        and credit.claim_by_on < today
    )


def _is_made_good(credit: Credit, results: Sequence[LevelResult]) -> bool:
    windows = credit.engagement.earn_back_windows
    if not windows or credit.state not in RETURNABLE or credit.is_earned_back:
        return False
    following: dict[int, list[bool | None]] = defaultdict(list)
    for result in results:
        is_concerned = credit.service_level_id in (None, result.service_level_id)
        if is_concerned and result.window_from > credit.window_to:
            following[result.service_level_id].append(
                result.is_at_target if result.outcome == Outcome.MET else None
            )
    return bool(following) and all(
        is_earned_back(at_target, windows) for at_target in following.values()
    )


def _return(credit: Credit, today: date, actor: User | None) -> None:
    """Give back a credit that was earned back; an applied one is posted against."""
    if credit.state == CreditState.AGREED:
        reverse(_accruals(credit))
    if credit.state == CreditState.APPLIED and credit.agreed_amount is not None:
        _post(credit, credit.agreed_amount, Basis.ACTUAL, "returned", today)
    _change(
        credit,
        "credit.earned_back",
        actor,
        state=CreditState.WAIVED,
        state_since=today,
        is_earned_back=True,
        reason=_("Earned back: the target was reached again."),
    )


# --- what people do with a credit ----------------------------------------------------


@transaction.atomic
def claim_credit(*, credit: Credit, today: date, actor: User) -> Credit:
    """Claim what is due, by its deadline. Raises WrongStateError."""
    stored = _locked(credit, CreditState.DUE)
    if stored.claim_by_on is not None and stored.claim_by_on < today:
        raise WrongStateError(
            _("It had to be claimed by %(day)s.") % {"day": stored.claim_by_on}
        )
    return _change(
        stored,
        "credit.claimed",
        actor,
        state=CreditState.CLAIMED,
        state_since=today,
    )


@transaction.atomic
def agree_credit(
    *, credit: Credit, amount: Decimal | None = None, today: date, actor: User
) -> Credit:
    """Store what the vendor grants, by default all of it, and accrue it.

    Raises WrongStateError, and ValidationError for more than is due.
    """
    stored = _locked(credit, CreditState.CLAIMED)
    agreed = stored.amount if amount is None else amount
    changed = _change(
        stored,
        "credit.agreed",
        actor,
        state=CreditState.AGREED,
        state_since=today,
        agreed_amount=agreed,
    )
    _post(changed, -agreed, Basis.ACCRUED, "agreed", changed.window_to)
    return changed


@transaction.atomic
def apply_credit(
    *,
    credit: Credit,
    invoice_line: InvoiceLine | None = None,
    today: date,
    actor: User,
) -> Credit:
    """Store that the money came back: by a credit line of an invoice, or otherwise.

    Raises WrongStateError, and ValidationError for a line that doesn't hold it.
    """
    stored = _locked(credit, CreditState.AGREED)
    agreed = stored.agreed_amount or Decimal(0)
    if invoice_line is not None:
        _check_line(stored, invoice_line, agreed)
    reverse(_accruals(stored))
    if invoice_line is None:
        _post(stored, -agreed, Basis.ACTUAL, "applied", stored.window_to)
    return _change(
        stored,
        "credit.applied",
        actor,
        state=CreditState.APPLIED,
        state_since=today,
        invoice_line=invoice_line,
    )


@transaction.atomic
def waive_credit(*, credit: Credit, reason: str, today: date, actor: User) -> Credit:
    """Let a credit go. Raises WrongStateError, and ValidationError without a reason."""
    stored = _locked(credit, *OPEN_STATES)
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is waived.")})
    if stored.state == CreditState.AGREED:
        reverse(_accruals(stored))
    return _change(
        stored,
        "credit.waived",
        actor,
        state=CreditState.WAIVED,
        state_since=today,
        reason=reason.strip()[:300],
    )


def _check_line(credit: Credit, line: InvoiceLine, agreed: Decimal) -> None:
    # Two credits can't both be told of by one line: its row is what they wait for.
    line = InvoiceLine.objects.select_for_update().get(pk=line.pk)
    if (
        line.engagement_id != credit.engagement_id
        or line.charge_kind != ChargeKind.CREDIT
        or line.invoice.status == InvoiceStatus.DRAFT
    ):
        raise ValidationError(
            {"invoice_line": _("Choose a credit line for this engagement.")}
        )
    taken = line.credits.aggregate(sum=Sum("agreed_amount"))["sum"] or Decimal(0)
    if taken + agreed > -line.amount:
        raise ValidationError(
            {
                "invoice_line": _("The line holds %(left)s, the credit is %(agreed)s.")
                % {"left": -line.amount - taken, "agreed": agreed}
            }
        )


def _locked(credit: Credit, *states: CreditState) -> Credit:
    stored: Credit = (
        Credit.objects.select_for_update(of=("self",))
        .select_related("engagement")
        .get(pk=credit.pk)
    )
    if stored.state not in states:
        raise WrongStateError(
            _("The credit is %(state)s: that can't be done now.")
            % {"state": stored.get_state_display().lower()}
        )
    return stored


def _change(
    credit: Credit, event_type: str, actor: User | None, **fields: Any
) -> Credit:
    before = Credit.objects.get(pk=credit.pk)
    for name, value in fields.items():
        setattr(credit, name, value)
    credit.version = before.version + 1
    credit.full_clean()
    credit.save()
    events.record(
        event_type=event_type,
        subject=credit,
        changes=events.difference(before, credit),
        engagement=credit.engagement,
        actor=actor,
    )
    return credit


def _accruals(credit: Credit) -> list[LedgerEntry]:
    return list(
        LedgerEntry.objects.filter(
            source_type=SourceType.CREDIT,
            source_id=credit.pk,
            basis=Basis.ACCRUED,
            reversal_of__isnull=True,
            reversal__isnull=True,
        )
    )


def _post(credit: Credit, amount: Decimal, basis: Basis, part: str, day: date) -> None:
    post(
        [
            Posting(
                engagement=credit.engagement,
                day=day,
                charge_kind=ChargeKind.CREDIT,
                basis=basis,
                amount=amount,
                source_type=SourceType.CREDIT,
                source_id=credit.pk,
                part=part,
            )
        ]
    )
