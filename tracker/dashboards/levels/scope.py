"""Which service levels a page is asked for, and how its links ask for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from engagements.models import Engagement, User
from tracker.dashboards.filters import (
    Asking,
    FilterForm,
    PublicIdField,
    department_among,
    period_asked,
)
from tracker.dashboards.notation import FALLBACK_LOCALE, Notation
from tracker.dashboards.scope import DepartmentChoice, Drill, Scope
from tracker.dashboards.topics.scope import TopicScope
from tracker.performance.level_queries import LevelsWhere
from tracker.spend.queries import SpendWhere

NAME = "service-levels"
PARAMETERS = (
    "period",
    "from",
    "to",
    "department",
    "vendor",
    "engagement",
    "service",
    "sort",
)


@dataclass(frozen=True)
class LevelScope(TopicScope):
    levels: LevelsWhere = field(default_factory=LevelsWhere)


class LevelFilterForm(FilterForm):
    service = PublicIdField(required=False)


def _scope(
    user: User,
    asked: Mapping[str, Any],
    parameters: Mapping[str, str],
    departments: tuple[DepartmentChoice, ...],
) -> LevelScope:
    period = period_asked(asked)
    department = department_among(asked["department"], departments)
    seen = Engagement.objects.all().visible_to(user).select_related("vendor", "service")
    drills: list[Drill] = []

    def drilled(name: str, noun: str, path: str, label: str) -> Engagement | None:
        """Return an engagement that shows what was asked for to be in sight."""
        if asked[name] is None:
            return None
        found = seen.filter(**{path: asked[name]}).order_by("pk").first()
        if found is None:
            raise ValidationError(
                {name: _("%(noun)s: none of those you may see.") % {"noun": noun}}
            )
        drills.append(Drill(name, noun, str(getattr(found, label, None) or found)))
        return found

    of_vendor = drilled("vendor", _("Vendor"), "vendor__public_id", "vendor")
    engagement = drilled("engagement", _("Engagement"), "public_id", "")
    of_service = drilled("service", _("Service"), "service__public_id", "service")
    scope = Scope(
        user=user,
        where=SpendWhere(),
        period=period,
        notation=Notation(
            settings.REPORTING_CURRENCY, to_locale(get_language() or FALLBACK_LOCALE)
        ),
        parameters=parameters,
        department=department.name if department else "",
        drills=tuple(drills),
        sort=asked["sort"],
    )
    where = LevelsWhere(
        first_month=period.first,
        last_month=period.last,
        department_ids=department.subtree if department else None,
        vendor_id=of_vendor.vendor_id if of_vendor else None,
        engagement_id=engagement.pk if engagement else None,
        service_id=of_service.service_id if of_service else None,
    )
    return LevelScope.of(scope, topic=NAME, levels=where)


def level_asking(slugs: frozenset[str]) -> Asking:
    """Return what addresses of service levels may ask for; `slugs` are its reports."""

    def scope(
        user: User,
        asked: Mapping[str, Any],
        parameters: Mapping[str, str],
        departments: tuple[DepartmentChoice, ...],
    ) -> LevelScope:
        return replace(_scope(user, asked, parameters, departments), slugs=slugs)

    return Asking(PARAMETERS, LevelFilterForm, scope)
