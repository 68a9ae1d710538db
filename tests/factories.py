"""Records for tests: every field that matters is given by the test itself."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth.models import Group

from engagements.choices import ChecklistStage, Role, Status
from engagements.models import (
    AccessGrant,
    ApprovalRule,
    Assignment,
    ChecklistTemplate,
    Contractor,
    CostCentre,
    Department,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
    Vendor,
)
from engagements.services.access import grant_access
from engagements.services.engagements import log_assignment, log_managed_contract
from engagements.services.vendors import register_vendor
from tracker.spend.models import Settlement
from tracker.spend.services import settle_final_invoice

_numbers = count(1)


def make_user(*roles: Role, **fields: Any) -> User:
    number = next(_numbers)
    user = User.objects.create_user(
        username=fields.pop("username", f"user{number}"),
        password=fields.pop("password", "a long enough password"),
        is_staff=True,
        **fields,
    )
    for role in roles:
        user.groups.add(Group.objects.get(name=role.value))
    return user


def make_department(**fields: Any) -> Department:
    number = next(_numbers)
    return Department.objects.create(
        **({"code": f"D{number}", "name": f"Department {number}"} | fields)
    )


def make_cost_centre(**fields: Any) -> CostCentre:
    number = next(_numbers)
    return CostCentre.objects.create(
        **({"code": f"C{number}", "name": f"Cost centre {number}"} | fields)
    )


def make_vendor(**fields: Any) -> Vendor:
    name = fields.pop("legal_name", f"Vendor {next(_numbers)} Ltd")
    return register_vendor(vendor=Vendor(legal_name=name, **fields), actor=None)


def make_contract(
    *,
    fee: Decimal | None = Decimal(10_000),
    cost_shares: Mapping[CostCentre, Decimal] | None = None,
    actor: User | None = None,
    **fields: Any,
) -> ManagedContract:
    values: dict[str, Any] = {
        "title": "Service desk",
        "starts_on": date(2026, 1, 1),
    } | fields
    values["vendor"] = values.get("vendor") or make_vendor()
    terms = (
        [] if fee is None else [FeeTerm(starts_on=values["starts_on"], monthly_fee=fee)]
    )
    return log_managed_contract(
        contract=ManagedContract(**values),
        fee_terms=terms,
        cost_shares=cost_shares,
        actor=actor,
    )


def make_assignment(
    *,
    rate: Decimal | None = Decimal(600),
    cost_shares: Mapping[CostCentre, Decimal] | None = None,
    actor: User | None = None,
    **fields: Any,
) -> Assignment:
    values: dict[str, Any] = {
        "title": "Data engineer",
        "starts_on": date(2026, 1, 1),
    } | fields
    values["vendor"] = values.get("vendor") or make_vendor()
    if "contractor" not in values:
        values["contractor"] = Contractor.objects.create(
            full_name=f"Contractor {next(_numbers)}", vendor=values["vendor"]
        )
    terms = [] if rate is None else [RateTerm(starts_on=values["starts_on"], rate=rate)]
    return log_assignment(
        assignment=Assignment(**values),
        rate_terms=terms,
        cost_shares=cost_shares,
        actor=actor,
    )


def make_template(**fields: Any) -> ChecklistTemplate:
    values: dict[str, Any] = {"stage": ChecklistStage.OFFBOARDING} | fields
    values["title"] = values.get("title") or f"Task {next(_numbers)}"
    return ChecklistTemplate.objects.create(**values)


def make_grant(
    engagement: Engagement, *, actor: User | None = None, **fields: Any
) -> AccessGrant:
    """Grant somebody of a running engagement access to a system."""
    values: dict[str, Any] = {
        "system": "Data warehouse",
        "granted_on": engagement.starts_on,
    } | fields
    if "named_worker" not in values and "contractor" not in values:
        assignment = Assignment._default_manager.get(pk=engagement.pk)
        values["contractor"] = assignment.contractor
    grant = AccessGrant(engagement_id=engagement.pk, **values)
    return grant_access(grant=grant, actor=actor)


def make_rule(*approvers: User, **fields: Any) -> ApprovalRule:
    """Store a rule, of any amount unless given, with a group of the approvers."""
    number = next(_numbers)
    group = Group.objects.create(name=f"Approvers {number}")
    group.user_set.add(*approvers)
    return ApprovalRule.objects.create(
        **({"name": f"Rule {number}", "approver_group": group} | fields)
    )


def begun(engagement: Any) -> Any:
    """Let a draft be running, as its start would, without tasks and events."""
    if engagement.status == Status.DRAFT:
        Engagement.objects.filter(pk=engagement.pk).update(status=Status.ACTIVE)
        engagement.status = Status.ACTIVE
    return engagement


def stored(engagement: Engagement) -> Engagement:
    """Return the engagement as the database has it."""
    return Engagement.objects.get(pk=engagement.pk)


def settle(engagement: Engagement, actor: User) -> None:
    """Confirm that no further invoice will come, so that it can be closed."""
    settle_final_invoice(
        settlement=Settlement(engagement_id=engagement.pk, reason="Billed elsewhere"),
        actor=actor,
    )
