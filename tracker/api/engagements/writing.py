"""From a checked body to the services that decide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn, cast

from django.utils.translation import gettext as _

from engagements.choices import Kind, RateUnit, Status
from engagements.models import (
    Assignment,
    CostCentre,
    CostSplit,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
)
from engagements.services.approval_requests import approvals_needed
from engagements.services.engagements import (
    change_engagement,
    log_assignment,
    log_managed_contract,
)
from engagements.services.lifecycle import start_engagement, submit_engagement
from engagements.services.terms import amend_fee, amend_rate, set_cost_split
from tracker.api import visibility
from tracker.api.engagements.rows import PERIODS
from tracker.api.errors import Conflict, Unprocessable
from tracker.api.fields import Named

Facts = dict[str, Any]
MODELS: dict[str, type[ManagedContract | Assignment]] = {
    Kind.MANAGED: ManagedContract,
    Kind.AUGMENTED: Assignment,
}
UNITS = {period: unit for unit, period in PERIODS.items()}
# What is not a column of the engagement, and is handled by name.
APART = ("status", "cost_split", "monthly_fee", "rate", "kind")
# From the API's name of a related record to the stored one, and who may be named.
RELATED = {
    "vendor": ("vendor", visibility.vendors),
    "manager": ("owner", visibility.people),
    "department": ("department", visibility.departments),
    "service": ("service", visibility.services),
}


def log_engagement(
    *, facts: Facts, external_id: str | None = None, actor: User
) -> Engagement:
    """Store a new engagement of the body's kind, with its terms; start it if asked."""
    _check_model(facts["kind"], facts)
    engagement = MODELS[facts["kind"]](external_id=external_id)
    shares = _shares(facts, actor)
    _apply(engagement, facts, actor)
    if "manager" not in facts:
        engagement.manager = actor
    if "currency" not in facts:
        engagement.currency = engagement.vendor.currency
    if isinstance(engagement, ManagedContract):
        log_managed_contract(contract=engagement, actor=actor)
    else:
        log_assignment(assignment=engagement, actor=actor)
    _set_terms(engagement, facts, shares, actor)
    _start(engagement, facts, actor)
    return engagement


def change_logged_engagement(
    *, stored: Engagement, facts: Facts, actor: User
) -> Engagement:
    """Store the body's facts over those there; the row is locked by the caller."""
    if facts.get("kind", stored.kind) != stored.kind:
        raise Conflict(_("An engagement never changes its model."), "kind")
    _check_model(stored.kind, facts)
    engagement = MODELS[stored.kind].objects.get(pk=stored.pk)
    shares = _shares(facts, actor)
    _apply(engagement, facts, actor)
    change_engagement(engagement=engagement, actor=actor)
    _set_terms(engagement, facts, shares, actor)
    _start(engagement, facts, actor)
    return engagement


def _check_model(kind: str, facts: Facts) -> None:
    """Fees are of managed contracts, rates of augmented contractors."""
    foreign = "rate" if kind == Kind.MANAGED else "monthly_fee"
    if foreign in facts:
        raise Unprocessable(
            {foreign: [_("An engagement of this model has none.")]}, "model"
        )


def _apply(engagement: ManagedContract | Assignment, facts: Facts, actor: User) -> None:
    for name, value in facts.items():
        if name in APART:
            continue
        if isinstance(value, Named):
            at, visible_to = RELATED[name]
            value = visibility.find(visible_to(actor), value, at=at)
        is_blank = value is None and not engagement._meta.get_field(name).null
        setattr(engagement, name, "" if is_blank else value)


def _start(engagement: Engagement, facts: Facts, actor: User) -> None:
    """Start it, or send it for approval where a rule asks for that."""
    wanted = facts.get("status", engagement.status)
    if wanted == engagement.status:
        return
    if wanted == Status.ACTIVE and engagement.status == Status.PENDING_APPROVAL:
        return
    if wanted != Status.ACTIVE:
        raise Conflict(
            _("%(reference)s is %(status)s and can't become a draft.")
            % {"reference": engagement.reference, "status": engagement.status},
            "wrong_state",
        )
    if engagement.status == Status.DRAFT and approvals_needed(engagement).rules:
        submit_engagement(engagement=engagement, actor=actor)
        return
    start_engagement(engagement=engagement, actor=actor)


def _set_terms(
    engagement: ManagedContract | Assignment,
    facts: Facts,
    shares: Mapping[CostCentre, Decimal],
    actor: User,
) -> None:
    if fee := facts.get("monthly_fee"):
        append_fee(cast(ManagedContract, engagement), fee, actor)
    if rate := facts.get("rate"):
        append_rate(cast(Assignment, engagement), rate, actor)
    if shares:
        _set_split(engagement, facts["cost_split"], shares, actor)


def _from(engagement: Engagement, term: Facts) -> date:
    day: date = term.get("effective_date", engagement.starts_on)
    return day


def _check_currency(engagement: Engagement, given: str, at: str) -> None:
    if given != engagement.currency:
        detail = _("This engagement is in %(currency)s.")
        raise Unprocessable(
            {at: [detail % {"currency": engagement.currency}]}, "currency"
        )


def _refuse_overwriting(at: str) -> NoReturn:
    raise Conflict(
        {at: [_("Another stands from this day: give a later effective_date.")]},
        "term_set",
    )


def append_fee(
    contract: ManagedContract, fee: Facts, actor: User
) -> tuple[FeeTerm, bool]:
    """Return the fee of the day, stored unless it stood there; and whether it is new.

    Raises Conflict where another amount stands from that day.
    """
    _check_currency(contract, fee.get("currency", contract.currency), "monthly_fee")
    term = FeeTerm(
        contract=contract,
        starts_on=_from(contract, fee),
        monthly_fee=fee["amount"],
    )
    stored = contract.fee_terms.filter(starts_on=term.starts_on).first()
    if stored is None:
        return amend_fee(term=term, actor=actor), True
    if stored.monthly_fee != term.monthly_fee:
        _refuse_overwriting("monthly_fee")
    return stored, False


def append_rate(
    assignment: Assignment, rate: Facts, actor: User
) -> tuple[RateTerm, bool]:
    """Return the rate of the day likewise."""
    given = rate.get("pay_currency", assignment.currency)
    _check_currency(assignment, given, "rate")
    term = RateTerm(
        assignment=assignment,
        starts_on=_from(assignment, rate),
        rate=rate["pay_rate"],
        unit=RateUnit(UNITS[rate["pay_period"]]),
    )
    for name in ("hours_per_day", "overtime_multiplier"):
        if name in rate:
            setattr(term, name, rate[name])
    stored = assignment.rate_terms.filter(starts_on=term.starts_on).first()
    if stored is None:
        return amend_rate(term=term, actor=actor), True
    if _price(stored) != _price(term):
        _refuse_overwriting("rate")
    return stored, False


def _price(term: RateTerm) -> tuple[object, ...]:
    return (term.rate, term.unit, term.hours_per_day, term.overtime_multiplier)


def _shares(facts: Facts, actor: User) -> dict[CostCentre, Decimal]:
    """Return the body's cost split by cost centre; each stands in it once."""
    shares: dict[CostCentre, Decimal] = {}
    rows = visibility.cost_centres(actor)
    for share in facts.get("cost_split", {}).get("shares", []):
        centre = cast(
            CostCentre, visibility.find(rows, share["cost_center"], at="cost_split")
        )
        if centre in shares:
            raise Unprocessable(
                {"cost_split": [_("Each cost center stands once in a split.")]},
                "repeated",
            )
        shares[centre] = share["percent"]
    return shares


def _set_split(
    engagement: Engagement,
    split: Facts,
    shares: Mapping[CostCentre, Decimal],
    actor: User,
) -> None:
    starts_on = _from(engagement, split)
    stored = CostSplit.objects.filter(engagement=engagement, starts_on=starts_on)
    for found in stored:
        there = dict(found.shares.values_list("cost_centre_id", "percent"))
        if there != {centre.pk: percent for centre, percent in shares.items()}:
            _refuse_overwriting("cost_split")
        return
    set_cost_split(
        engagement=engagement, starts_on=starts_on, shares=shares, actor=actor
    )
