"""One list over both models of engagement; each row leads to its own page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.agreement import AgreementList
from engagements.admin.bulk import BulkActions
from engagements.admin.bulk_changes import ENGAGEMENT_CHANGES
from engagements.admin.pages import PAGES
from engagements.admin.record_admin import ReadOnlyAdmin
from engagements.admin.unfold_types import action, display
from engagements.choices import Kind
from engagements.models import Engagement

KIND_COLOURS = {Kind.MANAGED.value: "primary", Kind.AUGMENTED.value: "info"}
SHORT_KINDS = {
    Kind.MANAGED.value: gettext_lazy("Managed"),
    Kind.AUGMENTED.value: gettext_lazy("Augmented"),
}


@admin.register(Engagement)
class EngagementAdmin(BulkActions, AgreementList, ReadOnlyAdmin):
    bulk_changes = ENGAGEMENT_CHANGES
    actions_list = ("add_managed", "add_augmented")
    list_filter = (("kind", ChoicesDropdownFilter), *AgreementList.list_filter)
    list_display = (
        "name",
        "kind_label",
        *AgreementList.list_display[1:],
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "reference",
                    "title",
                    "kind",
                    "vendor",
                    "manager",
                    "service",
                    "department",
                    "starts_on",
                    "ends_on",
                    "status",
                    "external_id",
                )
            },
        ),
    )

    # In plain words: two labels a row would hide the one that asks for something.
    @display(description=gettext_lazy("model"), ordering="kind")
    def kind_label(self, row: Engagement) -> str:
        return str(SHORT_KINDS[row.kind])

    @action(
        description=gettext_lazy("Add managed-service contract"),
        icon="add",
        url_path="add-managed",
        permissions=["add_managed"],
    )
    def add_managed(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:engagements_managedcontract_add"))

    @action(
        description=gettext_lazy("Add augmented contractor"),
        icon="add",
        url_path="add-augmented",
        permissions=["add_augmented"],
    )
    def add_augmented(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:engagements_assignment_add"))

    def has_add_managed_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("engagements.add_managedcontract")

    def has_add_augmented_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("engagements.add_assignment")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Lead to the page of its model, or show the little that is seen without it."""
        found = self.get_object(request, object_id)
        page = PAGES.get(found.kind) if found else None
        if found and page and request.user.has_perm(f"engagements.view_{page}"):
            url = reverse(f"admin:engagements_{page}_change", args=[found.pk])
            return HttpResponseRedirect(url)
        return super().change_view(request, object_id, form_url, extra_context)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        changelist = super().get_changelist(request, **kwargs)
        may = {
            kind: request.user.has_perm(f"engagements.view_{page}")
            for kind, page in PAGES.items()
        }

        class RowsLeadToTheirPage(changelist):  # type: ignore[valid-type,misc]
            def url_for_result(self, result: Engagement) -> str:
                if not may[result.kind]:
                    url: str = super().url_for_result(result)
                    return url
                name = f"admin:engagements_{PAGES[result.kind]}_change"
                return reverse(name, args=[result.pk])

        return RowsLeadToTheirPage
