"""The history of a record: who changed what, when, from what to what."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import Http404
from django.template.response import TemplateResponse
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from engagements.admin.columns import short_date
from engagements.admin.event_words import model_of, words_for
from engagements.admin.inputs import plain_number
from engagements.admin.scope import is_narrowed, visible
from engagements.events import HIDDEN
from engagements.models import (
    CostSplit,
    Engagement,
    Event,
    FeeTerm,
    RateTerm,
    User,
    Vendor,
    VendorContact,
)
from engagements.models.fields import MoneyField, PercentField, ScaledField
from engagements.permissions import engagement_scope, event_scope
from engagements.values.money import UnknownCurrencyError, format_money

PER_PAGE = 50
# A longer text is folded away.
LONG_TEXT = 160
# Told by the day they run from, since their own names hold amounts.
_BY_DAY = (FeeTerm, RateTerm, CostSplit)
# What not everybody who sees the record's history may read.
_GUARDED = {("user", "loaded_hourly_cost"): "engagements.change_user"}
# What events tell in sums, without a column that holds it.
_SUMS = frozenset({"amount", "total"})
# What events call the lines of an invoice.
LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True)
class Change:
    """One field; both texts are blank where nothing stood, or nothing is told."""

    field: str
    before: str
    after: str
    # What is said in place of the two, such as that a personal value changed.
    note: str = ""

    @property
    def is_long(self) -> bool:
        return max(len(self.before), len(self.after)) > LONG_TEXT

    def __str__(self) -> str:
        if self.note:
            return f"{self.field}: {self.note}"
        before, after = self.before or _("nothing"), self.after or _("nothing")
        return f"{self.field}: {before} → {after}"


@dataclass(frozen=True)
class Entry:
    """One event, in words."""

    occurred_at: datetime
    actor: str
    what: str
    changes: list[Change]
    # Which line of the record, where it is one and has a name.
    about: str = ""


def events_about(record: models.Model) -> Q:
    """Return which events tell of the record or of its lines."""
    if isinstance(record, Engagement):
        return Q(engagement_id=record.pk)
    about = Q(subject_type=record._meta.model_name, subject_id=record.pk)
    if isinstance(record, Vendor):
        contacts = VendorContact.objects.filter(vendor=record).values("pk")
        about |= Q(subject_type="vendorcontact", subject_id__in=contacts)
    return about


def history_page(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, object_id: str
) -> HttpResponse:
    record = model_admin.get_object(request, object_id)
    if record is None:
        raise Http404
    if not model_admin.has_view_or_change_permission(request, record):
        raise PermissionDenied
    user = request.user
    if not isinstance(user, User) or not user.has_perm("engagements.view_event"):
        raise PermissionDenied
    rows = Event.objects.filter(events_about(record), event_scope(user))
    rows = rows.select_related("actor")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("p"))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("History"),
        "subtitle": str(record),
        "opts": model_admin.opts,
        "original": record,
        "entries": in_words(page.object_list, user),
        "page": page,
    }
    return TemplateResponse(request, "engagements/admin/history.html", context)


def in_words(events: Iterable[Event], user: User) -> list[Entry]:
    """Return the events as a person reads them; names only of what the user may see."""
    listed = list(events)
    names = _Names(listed, user)
    return [
        Entry(
            occurred_at=event.occurred_at,
            actor=_person(event.actor),
            what=words_for(event.event_type, event.subject_type),
            changes=[
                names.change(event, field, values)
                for field, values in event.changes.items()
            ],
            about=names.line(event),
        )
        for event in listed
    ]


def _person(user: User | None) -> str:
    return str(user.get_full_name() or user.username) if user else ""


def _label(field: models.Field[Any, Any] | None, name: str) -> str:
    if field is not None:
        return str(field.verbose_name)
    line = LINE.fullmatch(name)
    if line is not None:
        return pgettext("of an invoice", "line %(number)d") % {"number": int(line[1])}
    return name.replace("_", " ")


def _field(subject_type: str, name: str) -> models.Field[Any, Any] | None:
    model = model_of(subject_type)
    if model is None:
        return None
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) else None


def _pair(values: Any) -> tuple[Any, Any]:
    if isinstance(values, list) and len(values) == 2:
        return values[0], values[1]
    return None, values


class _Names:
    """What the events name by id, read at once for each model, within the scope."""

    def __init__(self, events: Iterable[Event], user: User) -> None:
        self._user = user
        wanted: dict[type[models.Model], set[Any]] = defaultdict(set)
        priced: set[int] = set()
        for event in events:
            if _is_line(event):
                wanted[_model(event)].add(event.subject_id)
            for name, values in event.changes.items():
                field = _field(event.subject_type, name)
                target = field.related_model if field else None
                if isinstance(target, type) and is_narrowed(target):
                    for value in _pair(values):
                        wanted[target].update(_ids(value))
                if event.engagement_id and _is_money(field, name):
                    priced.add(event.engagement_id)
        self._rows = {
            (model, row.pk): row
            for model, ids in wanted.items()
            for row in visible(model, user).filter(pk__in=ids)
        }
        self._currencies = _currencies(priced, user)

    def line(self, event: Event) -> str:
        """Return which line of a record it was, where it still is there."""
        row = self._rows.get((_model(event), event.subject_id))
        if row is None or not _is_line(event):
            return ""
        if isinstance(row, _BY_DAY):
            return _("from %(day)s") % {"day": short_date(row.starts_on)}
        return str(row)

    def change(self, event: Event, name: str, values: Any) -> Change:
        field = _field(event.subject_type, name)
        label = str(capfirst(_label(field, name)))
        before, after = _pair(values)
        if HIDDEN in (before, after):
            return Change(label, "", "", note=_("changed"))
        if self._is_withheld(event, field, name):
            return Change(label, "", "", note=_("changed; the amount is not for you"))
        return Change(
            field=label,
            before=self._text(event, name, before),
            after=self._text(event, name, after),
        )

    def _is_withheld(
        self, event: Event, field: models.Field[Any, Any] | None, name: str
    ) -> bool:
        permission = _GUARDED.get((event.subject_type, name))
        if permission is not None:
            return not self._user.has_perm(permission)
        if event.engagement_id is None or not _is_money(field, name):
            return False
        return event.engagement_id not in self._currencies

    def _text(self, event: Event, name: str, value: Any) -> str:
        if value in (None, "", []):
            return ""
        field = _field(event.subject_type, name)
        target = field.related_model if field else None
        if isinstance(target, type):
            return ", ".join(self._name(target, i) for i in _ids(value))
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, dict):
            unit = " %" if issubclass(_model(event), CostSplit) else ""
            return ", ".join(f"{key}: {part}{unit}" for key, part in value.items())
        if _is_money(field, name):
            return _money(value, self._currencies.get(event.engagement_id or 0))
        return _told(field, value)

    def _name(self, model: type[models.Model], pk: Any) -> str:
        row = self._rows.get((model, pk))
        return f"#{pk}" if row is None else str(row)


def _model(event: Event) -> type[models.Model]:
    return model_of(event.subject_type) or Event


def _is_money(field: models.Field[Any, Any] | None, name: str) -> bool:
    return isinstance(field, MoneyField) or (field is None and name in _SUMS)


def _is_line(event: Event) -> bool:
    """Whether it tells of a line, not of the engagement or record as a whole."""
    model = _model(event)
    if event.engagement_id is None:
        return model is VendorContact
    return not issubclass(model, Engagement) and is_narrowed(model)


def _currencies(engagement_ids: set[int], user: User) -> dict[int, str]:
    """Return the currencies of those engagements whose money the user may see."""
    if not engagement_ids:
        return {}
    rows = Engagement.objects.filter(engagement_scope(user, with_money=True))
    return dict(rows.filter(pk__in=engagement_ids).values_list("pk", "currency"))


def _money(value: Any, currency: str | None) -> str:
    try:
        return format_money(
            Decimal(str(value)), currency or settings.REPORTING_CURRENCY
        )
    except (ArithmeticError, UnknownCurrencyError):
        return str(value)


def _told(field: models.Field[Any, Any] | None, value: Any) -> str:
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, ScaledField):
        return _number(field, value)
    if isinstance(field, models.DateField) or field is None:
        return _day(value)
    return str(value)


def _number(field: ScaledField, value: Any) -> str:
    try:
        number = plain_number(Decimal(str(value)))
    except ArithmeticError:
        return str(value)
    return f"{number} %" if isinstance(field, PercentField) else number


def _day(value: Any) -> str:
    """Return a day or a moment as people write it; any other value as it is."""
    text = str(value)
    try:
        moment = parse_datetime(text) if "T" in text else None
        day: date | None = moment or parse_date(text)
    except ValueError:
        return text
    if isinstance(day, datetime):
        local = timezone.localtime(day) if timezone.is_aware(day) else day
        return formats.date_format(local, "j M Y, H:i")
    return text if day is None else short_date(day)


def _ids(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
