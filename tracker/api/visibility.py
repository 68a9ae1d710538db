"""Where each resource begins: the rows that a user may see, and so may name."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, Q, QuerySet

from engagements.models import (
    Contractor,
    CostCentre,
    Department,
    Engagement,
    Service,
    User,
    Vendor,
)
from engagements.models.engagement import EngagementQuerySet
from engagements.permissions import (
    catalogue_scope,
    contractor_scope,
    departments_under,
    people_scope,
    sees_all,
    service_scope,
)
from tracker.api.errors import Unprocessable
from tracker.api.fields import Named


def engagements(user: User) -> EngagementQuerySet:
    return Engagement.objects.all().visible_to(user)


def vendors(user: User) -> QuerySet[Vendor]:
    """Vendors belong to nobody: who may see one may see all."""
    if not user.has_perm("engagements.view_vendor"):
        return Vendor.objects.none()
    return Vendor.objects.all()


def people(user: User) -> QuerySet[User]:
    active = User.objects.filter(is_active=True)
    if sees_all(user):
        return active
    return active.filter(Q(pk=user.pk) | Q(department__in=departments_under(user)))


def people_told(user: User) -> QuerySet[User]:
    """Return people who may be read of, those who left included."""
    return User.objects.filter(people_scope(user))


def contractors(user: User) -> QuerySet[Contractor]:
    return Contractor.objects.filter(contractor_scope(user))


def cost_centres_told(user: User) -> QuerySet[CostCentre]:
    """Return cost centres that may be read of, closed ones included."""
    return CostCentre.objects.filter(catalogue_scope(user))


def services_told(user: User) -> QuerySet[Service]:
    return Service.objects.filter(service_scope(user))


def departments(user: User) -> QuerySet[Department]:
    if sees_all(user):
        return Department.objects.all()
    return Department.objects.filter(pk__in=departments_under(user))


def services(user: User) -> QuerySet[Service]:
    if not user.has_perm("engagements.view_service"):
        return Service.objects.none()
    return Service.objects.all()


def cost_centres(user: User) -> QuerySet[CostCentre]:
    if not user.has_perm("engagements.view_costcentre"):
        return CostCentre.objects.none()
    return CostCentre.objects.filter(is_open=True)


LOOKUPS = {"id": "public_id", "external_id": "external_id", "code": "code"}


def find(rows: QuerySet[Any], named: Named, *, at: str) -> Model:
    """Return the record named; raises 422 where it isn't among the rows.

    `at` is the name of the field that asks, for the error's pointer.
    """
    found: Model | None = rows.filter(**{LOOKUPS[named.key]: named.value}).first()
    if found is None:
        raise Unprocessable(
            {at: [f"There is nothing with this {named.key} that you can name."]},
            "not_found",
        )
    return found
