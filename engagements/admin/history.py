"""The history of a record: who changed what, when, from what to what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import Http404
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from engagements.admin.inputs import plain_number
from engagements.admin.scope import is_narrowed, visible
from engagements.models import Engagement, Event, User, Vendor, VendorContact
from engagements.models.fields import ScaledField

PER_PAGE = 50

# The events that tell of a record, where they are more than those of its own row.
Telling = Callable[[Any], Q]


@dataclass(frozen=True)
class Change:
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One event, in words."""

    occurred_at: datetime
    actor: str
    what: str
    changes: list[Change]


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
    rows = Event.objects.filter(events_about(record)).select_related("actor")
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
            actor=str(event.actor.get_full_name() or event.actor)
            if event.actor
            else "",
            what=capfirst(event.event_type.replace(".", ": ").replace("_", " ")),
            changes=[
                names.change(event.subject_type, field, values)
                for field, values in event.changes.items()
            ],
        )
        for event in listed
    ]


def model_of(subject_type: str) -> type[models.Model] | None:
    """Return the model that an event's subject is of."""
    for config in apps.get_app_configs():
        model = config.models.get(subject_type)
        if model is not None:
            return model
    return None


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
    """The names of what changed fields point to, read at once for each model."""

    def __init__(self, events: Iterable[Event], user: User) -> None:
        wanted: dict[type[models.Model], set[Any]] = defaultdict(set)
        for event in events:
            for name, values in event.changes.items():
                field = _field(event.subject_type, name)
                target = field.related_model if field else None
                if isinstance(target, type) and is_narrowed(target):
                    for value in _pair(values):
                        wanted[target].update(_ids(value))
        self._names = {
            (model, row.pk): str(row)
            for model, ids in wanted.items()
            for row in visible(model, user).filter(pk__in=ids)
        }

    def change(self, subject_type: str, name: str, values: Any) -> Change:
        field = _field(subject_type, name)
        before, after = _pair(values)
        label = str(field.verbose_name) if field else name.replace("_", " ")
        return Change(
            field=str(capfirst(label)),
            before=self._text(field, before),
            after=self._text(field, after),
        )

    def _text(self, field: models.Field[Any, Any] | None, value: Any) -> str:
        if value in (None, ""):
            return ""
        target = field.related_model if field else None
        if isinstance(target, type):
            ids = _ids(value)
            return ", ".join(self._names.get((target, i), f"#{i}") for i in ids)
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, dict):
            return ", ".join(f"{key}: {part}" for key, part in value.items())
        return _told(field, value)


def _told(field: models.Field[Any, Any] | None, value: Any) -> str:
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, ScaledField):
        number = field.to_python(value)
        return "" if number is None else plain_number(number)
    return str(value)


def _ids(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
