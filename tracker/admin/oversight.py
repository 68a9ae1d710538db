"""A manager's month of supervision on one page: a line per engagement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import actor_of
from engagements.choices import Status
from engagements.models import Engagement
from engagements.values.periods import add_months, last_day_of_month, month_of
from tracker.admin.timesheet_grid import read_hours
from tracker.spend.models import OversightLog
from tracker.spend.services import log_oversight_month

EARLIEST = date(2000, 1, 1)
HAPPENED = (Status.ACTIVE, Status.ENDED, Status.TERMINATED)


@dataclass(frozen=True)
class Line:
    """One engagement, or all together where there is none."""

    name: str
    reference: str
    title: str
    note: str
    text: str
    error: str = ""


class OversightMonth:
    """The page for the month that the address names, or the last whole one."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = actor_of(request)
        self.today = timezone.localdate()
        self.month = _month(request.GET.get("month", ""), month_of(self.today))
        logs = OversightLog.objects.filter(manager=self.user, month=self.month)
        self.stored = {log.engagement_id: log.hours for log in logs}
        self.engagements = list(self._supervised())

    def answer(self, context: Mapping[str, Any]) -> HttpResponse:
        if self.request.method != "POST":
            return self._page(context, self._texts(), {})
        typed = {key: self.request.POST.get(self._name(key), "") for key in self._keys}
        hours, errors = _read(typed)
        if not errors:
            try:
                log_oversight_month(
                    manager=self.user, month=self.month, hours=hours, actor=self.user
                )
            except ValidationError as refusal:
                messages.error(self.request, " ".join(refusal.messages))
            else:
                messages.success(self.request, _("The month is saved."))
                return HttpResponseRedirect(self.address(self.month))
        return self._page(context, typed, errors)

    def address(self, month: date) -> str:
        page = reverse("admin:tracker_oversightlog_month")
        return f"{page}?month={month:%Y-%m}"

    def _supervised(self) -> Any:
        last = last_day_of_month(self.month)
        ran = Q(starts_on__lte=last, status__in=HAPPENED) & (
            Q(ends_on__isnull=True) | Q(ends_on__gte=self.month)
        )
        logged = Q(pk__in=[pk for pk in self.stored if pk is not None])
        return (
            Engagement.objects.visible_to(self.user)
            .filter((Q(manager=self.user) & ran) | logged)
            .order_by("title", "pk")
        )

    @property
    def _keys(self) -> list[int | None]:
        return [*(one.pk for one in self.engagements), None]

    def _name(self, key: int | None) -> str:
        return f"hours-{key or 'other'}"

    def _texts(self) -> dict[int | None, str]:
        return {
            key: plain_number(self.stored[key]) if key in self.stored else ""
            for key in self._keys
        }

    def _lines(
        self, texts: Mapping[int | None, str], errors: Mapping[int | None, str]
    ) -> list[Line]:
        known = {one.pk: one for one in self.engagements}
        lines = []
        for key in self._keys:
            one = known.get(key or 0)
            lines.append(
                Line(
                    name=self._name(key),
                    reference=one.reference if one else "",
                    title=one.title if one else _("Everything else"),
                    note=one.get_kind_display() if one else _("no one engagement"),
                    text=texts[key],
                    error=errors.get(key, ""),
                )
            )
        return lines

    def _page(
        self,
        context: Mapping[str, Any],
        texts: Mapping[int | None, str],
        errors: Mapping[int | None, str],
    ) -> HttpResponse:
        later = add_months(self.month, 1)
        return TemplateResponse(
            self.request,
            "tracker/admin/oversight_month.html",
            {
                **context,
                "title": _("Oversight in %(month)s")
                % {"month": date_format(self.month, "YEAR_MONTH_FORMAT")},
                "opts": OversightLog._meta,
                "lines": self._lines(texts, errors),
                "earlier": self.address(add_months(self.month, -1)),
                "later": self.address(later) if later <= self.today else "",
                "list_url": reverse("admin:tracker_oversightlog_changelist"),
            },
        )


def _month(text: str, this_month: date) -> date:
    """Return the month of the address, none to come; this one where it names none."""
    try:
        given = parse_date(f"{text[:7]}-01")
    except ValueError:
        given = None
    return this_month if given is None else max(EARLIEST, min(given, this_month))


def _read(
    typed: Mapping[int | None, str],
) -> tuple[dict[int | None, Decimal | None], dict[int | None, str]]:
    """Return the hours by engagement, and what is wrong with those that have none."""
    hours: dict[int | None, Decimal | None] = {}
    errors: dict[int | None, str] = {}
    for key, text in typed.items():
        try:
            hours[key] = read_hours(text)
        except ValueError:
            errors[key] = _("Give hours, such as 7.5 or 7:30.")
    return hours, errors
