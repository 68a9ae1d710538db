"""What can be changed of many rows at once."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.bulk import BulkChange
from engagements.admin.record_admin import actor_of
from engagements.admin.scope import visible
from engagements.choices import Standing, Status
from engagements.models import (
    Assignment,
    Contractor,
    Engagement,
    ManagedContract,
    User,
    Vendor,
)
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import start_engagement
from engagements.services.records import change_record
from engagements.services.tenure import tenure_warnings
from engagements.services.vendors import change_vendor

if TYPE_CHECKING:
    from django.forms import Select
else:
    from unfold.widgets import UnfoldAdminSelectWidget as Select

READ_WITH = ("vendor", "manager", "department", "service")
BOTH: Mapping[type[models.Model], Sequence[str]] = {
    ManagedContract: READ_WITH,
    Assignment: READ_WITH,
}


class Reassign(BulkChange):
    """Point the engagements to another manager, department or service."""

    def __init__(
        self, field_name: str, label: Any, choosable: models.Q | None = None
    ) -> None:
        self.name = f"change_{field_name}"
        self.label = label
        self.of_models = BOTH
        self._field: Any = Engagement._meta.get_field(field_name)
        self._choosable = choosable or models.Q()
        # Tenure policies may be one department's.
        self._moves_tenure = field_name == "department"

    def asked(self, request: HttpRequest, admin_site: Any) -> forms.Field:
        rows = visible(self._field.related_model, actor_of(request))
        return forms.ModelChoiceField(
            label=str(self._field.verbose_name).capitalize(),
            queryset=rows.filter(self._choosable),
            widget=AutocompleteSelect(self._field, admin_site),
            help_text=_("Every engagement chosen gets this one."),
        )

    def before_and_after(self, record: Any, value: Any) -> tuple[str, str]:
        before = getattr(record, self._field.name)
        return str(before or ""), str(value)

    def apply(self, record: Any, value: Any, actor: User) -> Sequence[str]:
        setattr(record, self._field.name, value)
        change_engagement(engagement=record, actor=actor)
        return tenure_warnings(engagement=record) if self._moves_tenure else ()


class Start(BulkChange):
    name = "start"
    label = gettext_lazy("Start")
    of_models = BOTH

    def before_and_after(self, record: Any, value: Any) -> tuple[str, str]:
        return record.get_status_display(), str(Status.ACTIVE.label)

    def apply(self, record: Any, value: Any, actor: User) -> Sequence[str]:
        start_engagement(engagement=record, actor=actor)
        return tenure_warnings(engagement=record)


class ChooseWord(BulkChange):
    """Set a field that holds one word of a closed list."""

    def __init__(self, name: str, label: Any, model: Any, field_name: str) -> None:
        self.name = name
        self.label = label
        self.of_models = {model: ()}
        self._field: Any = model._meta.get_field(field_name)

    def asked(self, request: HttpRequest, admin_site: Any) -> forms.Field:
        return forms.ChoiceField(
            label=str(self._field.verbose_name).capitalize(),
            choices=self._field.choices,
            widget=Select(),
        )

    def before_and_after(self, record: Any, value: Any) -> tuple[str, str]:
        words = dict(self._field.flatchoices)
        now = getattr(record, self._field.name)
        return str(words.get(now, now)), str(words.get(value, value))

    def apply(self, record: Any, value: Any, actor: User) -> Sequence[str]:
        setattr(record, self._field.name, value)
        change_record(record=record, actor=actor)
        return ()


class PutOnHold(BulkChange):
    """Vendors on hold get no new engagements; those they have go on."""

    name = "put_on_hold"
    label = gettext_lazy("Put on hold")
    of_models: Mapping[type[models.Model], Sequence[str]] = {Vendor: ()}

    def before_and_after(self, record: Any, value: Any) -> tuple[str, str]:
        return record.get_standing_display(), str(Standing.ON_HOLD.label)

    def apply(self, record: Any, value: Any, actor: User) -> Sequence[str]:
        record.standing = Standing.ON_HOLD
        change_vendor(vendor=record, actor=actor)
        return ()


ENGAGEMENT_CHANGES: Sequence[BulkChange] = (
    Reassign("manager", gettext_lazy("Change manager"), models.Q(is_active=True)),
    Reassign("department", gettext_lazy("Change department")),
    Reassign("service", gettext_lazy("Change service")),
    Start(),
)
VENDOR_CHANGES: Sequence[BulkChange] = (PutOnHold(),)
CONTRACTOR_CHANGES: Sequence[BulkChange] = (
    ChooseWord(
        "change_employment",
        gettext_lazy("Change type of employment"),
        Contractor,
        "employment_type",
    ),
)
