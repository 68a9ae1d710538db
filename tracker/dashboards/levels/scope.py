"""Which service levels a page is asked for, and how its links ask for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
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
from tracker.performance.level_queries import LevelsWhere
from tracker.spend.queries import SpendWhere

PAGE = "tracker:service-levels"
REPORT_PAGE = "tracker:service-levels-report"
REPORT_FILE = "tracker:service-levels-file"
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
class LevelScope(Scope):
    levels: LevelsWhere = field(default_factory=LevelsWhere)

    def page_url(self, **changes: str) -> str:
        return reverse(PAGE) + self._query(changes)

    def report_url(self, slug: str, **changes: str) -> str:
        return reverse(REPORT_PAGE, args=[slug]) + self._query(changes)

    def file_url(self, slug: str, extension: str) -> str:
        return reverse(REPORT_FILE, args=[slug, extension]) + self._query(
            {"sort": self.sort}
        )


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
    return LevelScope(
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
        levels=LevelsWhere(
            first_month=period.first,
            last_month=period.last,
            department_ids=department.subtree if department else None,
            vendor_id=of_vendor.vendor_id if of_vendor else None,
            engagement_id=engagement.pk if engagement else None,
            service_id=of_service.service_id if of_service else None,
        ),
    )


LEVELS = Asking(PARAMETERS, LevelFilterForm, _scope)
