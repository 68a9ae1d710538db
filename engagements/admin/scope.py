"""Whose rows of each model a person may see.

Lists, pages, dropdowns, autocomplete and filters all begin at `visible`; a model that
nobody has narrowed is refused, so that none is forgotten.
"""

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, Q, QuerySet

from engagements.models import (
    AccessGrant,
    Approval,
    ApprovalRule,
    Assignment,
    ChangeOrder,
    Charge,
    ChecklistTask,
    ChecklistTemplate,
    Contractor,
    CostCentre,
    CostSplit,
    CostSplitShare,
    CreditStep,
    Department,
    Departure,
    Document,
    Engagement,
    Event,
    FeeTerm,
    ManagedContract,
    NamedWorker,
    RateTerm,
    Service,
    ServiceLevel,
    Skill,
    TenurePolicy,
    User,
    Vendor,
    VendorContact,
)
from engagements.models.departure import departure_scope
from engagements.permissions import (
    catalogue_scope,
    contractor_scope,
    departments_under,
    document_scope,
    engagement_scope,
    event_scope,
    people_scope,
    sees_all,
    service_scope,
)

M = TypeVar("M", bound=Model)
Narrowing = Callable[[User], Q]

_NARROWINGS: dict[type[Model], Narrowing] = {}


def narrowed_by(narrowing: Narrowing, *models: type[Model]) -> None:
    """Say what a person sees of the models; each is said once."""
    for model in models:
        if model in _NARROWINGS:
            raise ImproperlyConfigured(f"{model.__name__} is narrowed already.")
        _NARROWINGS[model] = narrowing


def visible(model: type[M], user: User) -> QuerySet[M]:
    """Return the rows of the model that the user may see."""
    return model._default_manager.filter(condition(model, user))


def condition(model: type[Model], user: User) -> Q:
    """Return what keeps the rows that the user may see."""
    if model not in _NARROWINGS:
        raise ImproperlyConfigured(f"Say in narrowed_by() who sees {model.__name__}.")
    return _NARROWINGS[model](user)


def is_narrowed(model: type[Model]) -> bool:
    return model in _NARROWINGS


def through(path: str) -> Narrowing:
    """Return the narrowing of what belongs to an engagement at the end of `path`."""
    return lambda user: engagement_scope(user, prefix=f"{path}__")


def for_everyone(user: User) -> Q:
    return Q()


def _departments(user: User) -> Q:
    return Q() if sees_all(user) else Q(pk__in=departments_under(user))


# Records without a department, whose events tell nothing of another one's work.
_SHARED_SUBJECTS = ("vendor", "vendorcontact", "skill")


def _events(user: User) -> Q:
    if sees_all(user):
        return event_scope(user)
    seen = Engagement.objects.visible_to(user).values("pk")
    shared = Q(engagement_id=None, subject_type__in=_SHARED_SUBJECTS)
    return (Q(engagement_id__in=seen) | shared | Q(actor=user)) & event_scope(user)


narrowed_by(
    for_everyone,
    Vendor,
    VendorContact,
    Skill,
    ChecklistTemplate,
    Group,
    Permission,
    ContentType,
)
narrowed_by(engagement_scope, Engagement, ManagedContract, Assignment)
narrowed_by(through("contract"), FeeTerm, ServiceLevel, CreditStep, NamedWorker)
narrowed_by(through("assignment"), RateTerm)
narrowed_by(
    through("engagement"),
    AccessGrant,
    Approval,
    Charge,
    ChangeOrder,
    ChecklistTask,
    CostSplit,
)
narrowed_by(through("split__engagement"), CostSplitShare)
narrowed_by(document_scope, Document)
narrowed_by(departure_scope, Departure)
narrowed_by(_departments, Department)
narrowed_by(catalogue_scope, CostCentre, TenurePolicy, ApprovalRule)
narrowed_by(service_scope, Service)
narrowed_by(people_scope, User)
narrowed_by(contractor_scope, Contractor)
narrowed_by(_events, Event)
