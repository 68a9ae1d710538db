from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import Kind, Origin, Standing, Status
from engagements.errors import WrongStateError
from engagements.models import (
    Assignment,
    ChangeOrder,
    CostCentre,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    ServiceLevel,
    User,
)
from engagements.queries import lineage_ids
from engagements.services.approval_requests import (
    check_change_is_agreed,
    check_move_is_agreed,
    check_not_waiting,
    rules_of_department,
)
from engagements.services.boarding import move_due_days
from engagements.services.commitment import set_commitment
from engagements.services.documents import delete_files_of
from engagements.services.extending import check_answered
from engagements.services.records import (
    change_record,
    create_record,
    delete_record,
)
from engagements.services.tenure import check_tenure, is_extended
from engagements.services.terms import set_cost_split
from engagements.services.valuation import value_of

REFERENCE_PREFIX = {Kind.MANAGED: "MSC", Kind.AUGMENTED: "AUG"}

Shares = Mapping[CostCentre, Decimal]


@transaction.atomic
def log_managed_contract(
    *,
    contract: ManagedContract,
    fee_terms: Sequence[FeeTerm] = (),
    service_levels: Sequence[ServiceLevel] = (),
    cost_shares: Shares | None = None,
    actor: User | None,
) -> ManagedContract:
    """Store a new managed-service contract with its fee, levels and cost split.

    `cost_shares` are percentages from the contract's start on and sum to 100.
    Raises ValidationError by field.
    """
    contract.kind = Kind.MANAGED
    _log(engagement=contract, actor=actor)
    for term in fee_terms:
        term.contract = contract
        create_record(record=term, engagement=contract, actor=actor)
    for level in service_levels:
        level.contract = contract
        create_record(record=level, engagement=contract, actor=actor)
    _split(engagement=contract, shares=cost_shares, actor=actor)
    return contract


@transaction.atomic
def log_assignment(
    *,
    assignment: Assignment,
    rate_terms: Sequence[RateTerm] = (),
    cost_shares: Shares | None = None,
    actor: User | None,
) -> Assignment:
    """Store a new augmented contractor with the rate and cost split.

    Raises ValidationError by field, also where a tenure policy blocks it.
    """
    assignment.kind = Kind.AUGMENTED
    _log(engagement=assignment, actor=actor)
    check_tenure(assignment=assignment)
    for term in rate_terms:
        term.assignment = assignment
        create_record(record=term, engagement=assignment, actor=actor)
    _split(engagement=assignment, shares=cost_shares, actor=actor)
    return assignment


@transaction.atomic
def change_engagement(
    *,
    engagement: ManagedContract | Assignment,
    expected_version: int | None = None,
    agreed_by: ChangeOrder | None = None,
    is_reported: bool = False,
    actor: User | None,
) -> ManagedContract | Assignment:
    """Store changed facts of an engagement; the term's dates follow.

    The model never changes; vendor and currency only while it is a draft that nobody
    imported, since the ledger's entries carry them. What waits for approval stays as
    it was sent. Raises ValidationError by field, ConflictError, and
    ApprovalNeededError where a rule asks for an approval of an active engagement that
    would come to more, unless a change order in force agreed to it, or that would go
    to a department where other rules ask. Raises QuestionOpenError where something is
    asked before it runs for longer, unless it `is_reported`: a file tells what was
    agreed elsewhere.
    """
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    _check_waiting(engagement, stored)
    if engagement.kind != stored.kind:
        raise ValidationError({"kind": _("An engagement never changes its model.")})
    _check_fixed(engagement, stored)
    if engagement.vendor_id != stored.vendor_id:
        _check_vendor(engagement)
    if engagement.predecessor_id != stored.predecessor_id:
        _check_lineage(engagement)
    _move_term(engagement, stored)
    set_commitment(engagement, today=timezone.localdate())
    if _runs_longer(engagement, stored) and agreed_by is None and not is_reported:
        check_answered(engagement=stored, actor=actor)
    worth_before = value_of(stored) if _is_resized(engagement, stored) else None
    asked_before = rules_of_department(stored) if _moves(engagement, stored) else None
    extended = isinstance(engagement, Assignment) and is_extended(engagement)
    changed = change_record(
        record=engagement,
        event_type="engagement.changed",
        expected_version=expected_version,
        actor=actor,
    )
    if extended and isinstance(changed, Assignment):
        check_tenure(assignment=changed)
    if worth_before is not None and (value_of(changed) or 0) > worth_before:
        check_change_is_agreed(changed, agreed_by)
    if asked_before is not None:
        check_move_is_agreed(changed, asked_before)
    move_due_days(engagements=[changed], actor=actor)
    return changed


@transaction.atomic
def delete_draft(*, engagement: Engagement, actor: User | None) -> None:
    """Delete what was never more than a draft, with its documents and their files.

    Raises WrongStateError for anything else, ValidationError naming what points to it.
    """
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    if stored.status != Status.DRAFT:
        raise WrongStateError(
            _("%(reference)s is %(status)s: only a draft can be deleted.")
            % {
                "reference": stored.reference,
                "status": stored.get_status_display().lower(),
            }
        )
    delete_files_of(engagement=stored)
    delete_record(record=engagement, engagement=stored, actor=actor)


def _check_lineage(engagement: Engagement) -> None:
    """Refuse a predecessor that comes after the engagement, however far."""
    if engagement.predecessor_id is None or engagement.pk is None:
        return
    if engagement.predecessor_id in lineage_ids(engagement.pk)[1]:
        raise ValidationError(
            {
                "predecessor": _(
                    "It comes after this engagement, so it can't come before it."
                )
            }
        )


# What may still be put right while an engagement waits for approval.
_OPEN_WHILE_WAITING = frozenset(
    {"manager", "reference", "purchase_order_number", "external_id"}
)


def _check_waiting(
    engagement: ManagedContract | Assignment, stored: Engagement
) -> None:
    if stored.status != Status.PENDING_APPROVAL:
        return
    before = type(engagement)._default_manager.get(pk=stored.pk)
    if events.difference(before, engagement).keys() - _OPEN_WHILE_WAITING:
        check_not_waiting(stored)


def _moves(engagement: Engagement, stored: Engagement) -> bool:
    """Return whether a running engagement goes to another department."""
    is_running = stored.status == Status.ACTIVE
    return is_running and engagement.department_id != stored.department_id


def _runs_longer(engagement: Engagement, stored: Engagement) -> bool:
    """Return whether the term of a running engagement would end later than now."""
    before, after = stored.term_ends_on, engagement.term_ends_on
    if stored.status != Status.ACTIVE or before is None:
        return False
    return after is None or after > before


def _is_resized(engagement: ManagedContract | Assignment, stored: Engagement) -> bool:
    """Return whether the term or the hours of a running engagement change."""
    if stored.status != Status.ACTIVE:
        return False
    term = (engagement.term_starts_on, engagement.term_ends_on)
    if term != (stored.term_starts_on, stored.term_ends_on):
        return True
    if not isinstance(engagement, Assignment):
        return False
    before = Assignment.objects.get(pk=stored.pk).planned_weekly_hours
    return bool(engagement.planned_weekly_hours != before)


def _check_fixed(engagement: Engagement, stored: Engagement) -> None:
    if stored.status == Status.DRAFT and stored.origin != Origin.IMPORTED:
        return
    wrong = {
        name: _("It can't be changed once the engagement has started: end this one.")
        for name, column in (("vendor", "vendor_id"), ("currency", "currency"))
        if getattr(engagement, column) != getattr(stored, column)
    }
    if wrong:
        raise ValidationError(
            {n.removesuffix("_id"): text for n, text in wrong.items()}
        )


def _move_term(engagement: Engagement, stored: Engagement) -> None:
    """Let the term follow what was changed; a renewed one stays what it is."""
    begins = (engagement.starts_on, engagement.initial_term_months)
    is_first = stored.term_number == 1
    if begins != (stored.starts_on, stored.initial_term_months) or (
        is_first and engagement.ends_on != stored.ends_on
    ):
        engagement.set_term()
    elif engagement.ends_on != stored.ends_on:
        engagement.end_term()
    elif _notice(engagement) != _notice(stored):
        engagement.set_notice_deadline()


def _notice(engagement: Engagement) -> tuple[object, ...]:
    return (engagement.notice_period, engagement.notice_unit)


def _log(*, engagement: ManagedContract | Assignment, actor: User | None) -> None:
    _check_vendor(engagement)
    if engagement.starts_on:
        engagement.set_term()
    if not engagement.reference:
        _save_with_own_reference(engagement)
    else:
        engagement.full_clean()
        engagement.save()
    events.record(
        event_type="engagement.logged",
        subject=engagement,
        changes=events.difference(None, engagement),
        actor=actor,
    )


def _save_with_own_reference(engagement: ManagedContract | Assignment) -> None:
    """Store the engagement under a reference made of its row's own number."""
    engagement.reference = f"new-{engagement.public_id}"
    engagement.full_clean()
    engagement.save()
    number = f"{REFERENCE_PREFIX[Kind(engagement.kind)]}-{engagement.pk:05d}"
    taken = Engagement.objects.filter(reference__startswith=number)
    if taken.exists():
        # Somebody typed it before the row had its number.
        number = f"{number}-{taken.count() + 1}"
    engagement.reference = number
    Engagement.objects.filter(pk=engagement.pk).update(reference=number)


def _check_vendor(engagement: Engagement) -> None:
    vendor = engagement.vendor
    if vendor.standing != Standing.ACTIVE:
        raise ValidationError(
            {
                "vendor": _("%(vendor)s is %(standing)s: choose another vendor.")
                % {"vendor": vendor, "standing": vendor.get_standing_display().lower()}
            }
        )
    allowed = {
        Kind.MANAGED.value: vendor.allows_managed,
        Kind.AUGMENTED.value: vendor.allows_augmented,
    }
    if not allowed[engagement.kind]:
        raise ValidationError(
            {
                "vendor": _("%(vendor)s is not cleared for this model.")
                % {"vendor": vendor}
            }
        )


def _split(
    *, engagement: Engagement, shares: Shares | None, actor: User | None
) -> None:
    if shares:
        set_cost_split(
            engagement=engagement,
            starts_on=engagement.starts_on,
            shares=shares,
            actor=actor,
        )
