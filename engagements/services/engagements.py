from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from engagements.choices import Kind, Standing
from engagements.models import (
    Assignment,
    CostCentre,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    ServiceLevel,
    User,
)
from engagements.services.records import change_record, create_record
from engagements.services.terms import set_cost_split

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

    Raises ValidationError by field.
    """
    assignment.kind = Kind.AUGMENTED
    _log(engagement=assignment, actor=actor)
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
    actor: User | None,
) -> ManagedContract | Assignment:
    """Store changed facts of an engagement; the term's dates follow.

    The model, the vendor and the currency stay as they were once spend is posted,
    which the ledger's snapshots rely on. Raises ValidationError and ConflictError.
    """
    stored = Engagement.objects.select_for_update().get(pk=engagement.pk)
    if engagement.kind != stored.kind:
        raise ValidationError({"kind": _("An engagement never changes its model.")})
    if engagement.vendor_id != stored.vendor_id:
        _check_vendor(engagement)
    if _dates(engagement) != _dates(stored):
        engagement.set_term()
    return change_record(
        record=engagement,
        event_type="engagement.changed",
        expected_version=expected_version,
        actor=actor,
    )


def _dates(engagement: Engagement) -> tuple[object, ...]:
    return (
        engagement.starts_on,
        engagement.ends_on,
        engagement.initial_term_months,
        engagement.notice_period,
        engagement.notice_unit,
    )


def _log(*, engagement: ManagedContract | Assignment, actor: User | None) -> None:
    _check_vendor(engagement)
    if engagement.starts_on:
        engagement.set_term()
    given = engagement.reference
    if not given:
        engagement.reference = f"new-{engagement.public_id}"
    create_record(record=engagement, event_type="engagement.logged", actor=actor)
    if not given:
        # The number is the row's own, so no two writers can draw the same one.
        prefix = REFERENCE_PREFIX[Kind(engagement.kind)]
        engagement.reference = f"{prefix}-{engagement.pk:05d}"
        Engagement.objects.filter(pk=engagement.pk).update(
            reference=engagement.reference
        )


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
