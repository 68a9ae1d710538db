"""Who has access to what, and its removal."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engagements.admin.columns import engagement_link, short_date
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.step_back import step_back
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from engagements.models import AccessGrant
from engagements.services.access import remove_access
from engagements.services.boarding import finish_removal_tasks

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
    from django.forms import CheckboxInput, DateInput, TextInput

    _Dialog = forms.Form
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput
    from unfold.widgets import UnfoldBooleanSwitchWidget as CheckboxInput


class RemoveDialog(_Dialog):
    removed_on = forms.DateField(
        label=gettext_lazy("Removed on"),
        initial=timezone.localdate,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reported_by = forms.CharField(
        label=gettext_lazy("Reported by"),
        max_length=200,
        required=False,
        widget=TextInput(),
        help_text=gettext_lazy(
            "Who removed it, where that was somebody else than you."
        ),
    )
    finishes_task = forms.BooleanField(
        label=gettext_lazy("Finish the task that removes access"),
        required=False,
        initial=True,
        widget=CheckboxInput(),
        help_text=gettext_lazy("Once nobody of this engagement has access any more."),
    )


class AccessFilter(_Dropdown):
    """Shows what is open, unless all is asked for."""

    title = gettext_lazy("access")
    parameter_name = "access"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("removed", _("Removed")), ("all", _("All"))]

    def value(self) -> str:
        return super().value() or "open"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "all":
            return queryset
        return queryset.filter(removed_on__isnull=self.value() == "open")


@admin.register(AccessGrant)
class AccessGrantAdmin(ReadOnlyAdmin):
    list_display = ("name", "engagement_name", "granted", "removed")
    list_filter = (AccessFilter,)
    list_select_related = (
        "contractor",
        "named_worker",
        "engagement__vendor",
        "granted_by",
        "removed_by",
    )
    search_fields = (
        "system",
        "contractor__full_name",
        "named_worker__full_name",
        "engagement__reference",
        "engagement__title",
    )
    search_help_text = gettext_lazy("Person, system or engagement")
    ordering = ("-granted_on", "-id")
    actions_detail = ("remove",)
    actions_row = ("remove",)
    readonly_fields = ("name", "engagement_name", "granted", "removed")
    fieldsets = ((None, {"fields": ("name", "engagement_name", "granted", "removed")}),)

    @action(
        description=gettext_lazy("Remove access…"),
        url_path="remove",
        icon="key_off",
        permissions=["remove"],
        dialog={
            "title": gettext_lazy("Remove access"),
            "description": gettext_lazy(
                "Record it once it is removed in the system itself. It can't be undone."
            ),
            "form_class": RemoveDialog,
            "form_submit_text": gettext_lazy("Access is removed"),
        },
    )
    def remove(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        grant = self.get_object(request, object_id)
        if grant is None:
            raise Http404
        if not request.user.has_perm("engagements.change_accessgrant"):
            raise PermissionDenied
        page = reverse("admin:engagements_accessgrant_change", args=[grant.pk])
        try:
            told = self._remove(request, grant, form.cleaned_data)
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, page, refusal=refusal)
        return step_back(request, page, told=told)

    @transaction.atomic
    def _remove(
        self, request: HttpRequest, grant: AccessGrant, answers: dict[str, Any]
    ) -> str:
        actor = actor_of(request)
        remove_access(
            grant=grant,
            removed_on=answers["removed_on"],
            reported_by=answers["reported_by"],
            actor=actor,
        )
        told = _("Access to %(system)s is removed.") % {"system": grant}
        if not answers["finishes_task"]:
            return told
        tasks = finish_removal_tasks(engagement=grant.engagement, actor=actor)
        if tasks:
            more = ngettext("%(n)d task is done.", "%(n)d tasks are done.", len(tasks))
            told = f"{told} {more % {'n': len(tasks)}}"
        return told

    def has_remove_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if not request.user.has_perm("engagements.change_accessgrant"):
            return False
        if object_id is None:
            return True
        grant = self.get_object(request, object_id)
        # Somebody else may have removed it meanwhile: the service says so then.
        return grant is not None and (grant.is_open or request.method == "POST")

    @display(description=gettext_lazy("person"))
    def name(self, row: AccessGrant) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.person,
            row.system,
        )

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: AccessGrant) -> SafeString:
        return engagement_link(row.engagement)

    @display(description=gettext_lazy("granted on"), ordering="granted_on")
    def granted(self, row: AccessGrant) -> SafeString:
        by = row.granted_by or _("not recorded by whom")
        return _dated(short_date(row.granted_on), str(by))

    @display(
        description=gettext_lazy("removed on"),
        ordering="removed_on",
        empty_value=gettext_lazy("still open"),
    )
    def removed(self, row: AccessGrant) -> SafeString | None:
        if row.removed_on is None:
            return None
        by = str(row.removed_by)
        if row.removal_reported_by:
            by = _("%(other)s, says %(person)s") % {
                "other": row.removal_reported_by,
                "person": by,
            }
        return _dated(short_date(row.removed_on), by)


def _dated(day: str, by: str) -> SafeString:
    return format_html('{}<span class="row-note">{}</span>', day, by)
