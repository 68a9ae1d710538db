"""Reads of the records that several surfaces need alike."""

from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from engagements.choices import Role
from engagements.models import ChecklistTask, FeeTerm, RateTerm, User


def administrators() -> QuerySet[User]:
    """Return the active administrators, the longest known first."""
    is_administrator = Q(is_superuser=True) | Q(groups__name=Role.ADMINISTRATOR)
    return (
        User.objects.filter(is_administrator, is_active=True).distinct().order_by("id")
    )


def open_task_count(user: User | AnonymousUser) -> int:
    """Return how many tasks the user has to do."""
    if user.is_anonymous:
        return 0
    return (
        ChecklistTask.objects.visible_to(user).still_open().filter(owner=user).count()
    )


def with_price(rows: QuerySet[Any], today: date) -> QuerySet[Any]:
    """Annotate what is paid today, or first will be: `fee`, or `rate` and `unit`."""
    fees = FeeTerm.objects.filter(contract=OuterRef("pk"))
    rates = RateTerm.objects.filter(assignment=OuterRef("pk"))
    priced: QuerySet[Any] = rows.annotate(
        fee=Coalesce(
            _latest(fees, today, "monthly_fee"), _first(fees, today, "monthly_fee")
        ),
        rate=Coalesce(_latest(rates, today, "rate"), _first(rates, today, "rate")),
        unit=Coalesce(_latest(rates, today, "unit"), _first(rates, today, "unit")),
    )
    return priced


def _latest(terms: QuerySet[Any], today: date, name: str) -> Subquery:
    in_force = terms.filter(starts_on__lte=today).order_by("-starts_on")
    return Subquery(in_force.values(name)[:1])


def _first(terms: QuerySet[Any], today: date, name: str) -> Subquery:
    to_come = terms.filter(starts_on__gt=today).order_by("starts_on")
    return Subquery(to_come.values(name)[:1])
