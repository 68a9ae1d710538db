from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.unfold_types import action, display
from tracker.api.models import ApiKey
from tracker.api.services import revoke_api_key

if TYPE_CHECKING:
    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog


class RevokeDialog(_Dialog):
    """Only asks for a yes."""


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys are made by `manage.py create_api_key`, which shows the text once."""

    list_display = ("key_name", "state", "owner", "told_scopes", "last_used_at")
    list_select_related = ("owner",)
    search_fields = ("name", "prefix", "owner__username")
    actions_detail = ("revoke",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "prefix",
                    "client_id",
                    "owner",
                    "told_scopes",
                    "created_at",
                    "expires_at",
                    "last_used_at",
                    "revoked_at",
                )
            },
        ),
    )
    readonly_fields = ("told_scopes", "client_id")

    @display(description=gettext_lazy("key"), ordering="name")
    def key_name(self, row: ApiKey) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}…</span>',
            row.name,
            row.prefix,
        )

    @display(
        description=gettext_lazy("state"),
        label={"usable": "success", "revoked": "danger"},
    )
    def state(self, row: ApiKey) -> tuple[str, str]:
        if row.revoked_at is not None:
            return "revoked", _("Revoked")
        return "usable", _("In use")

    @display(description=gettext_lazy("scopes"))
    def told_scopes(self, row: ApiKey) -> str:
        return ", ".join(row.scopes)

    @action(
        description=gettext_lazy("Revoke…"),
        url_path="revoke",
        icon="key_off",
        permissions=["revoke"],
        dialog={
            "title": gettext_lazy("Revoke this key?"),
            "description": gettext_lazy(
                "The system that uses it is refused from its next request on."
            ),
            "form_class": RevokeDialog,
            "form_submit_text": gettext_lazy("Revoke"),
        },
    )
    def revoke(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        api_key = self.get_object(request, object_id)
        if api_key is None:
            raise Http404
        if not self.has_revoke_permission(request, object_id):
            raise PermissionDenied
        revoke_api_key(api_key=api_key, actor=actor_of(request))
        messages.success(request, _("Revoked."))
        page = reverse("admin:tracker_apikey_change", args=[api_key.pk])
        return HttpResponse(headers={"HX-Redirect": page})

    def has_revoke_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm("tracker.change_apikey"):
            return False
        found: Any = self.get_object(request, object_id)
        return found is not None and found.revoked_at is None
