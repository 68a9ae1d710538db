from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.bulk import BulkActions
from engagements.admin.bulk_changes import VENDOR_CHANGES
from engagements.admin.columns import STANDING_COLOURS, figure
from engagements.admin.exports import ExportableList
from engagements.admin.record_admin import (
    LineInline,
    Lines,
    RecordAdmin,
    RecordForm,
    actor_of,
)
from engagements.admin.unfold_types import action, display
from engagements.choices import Status, Tier
from engagements.models import Engagement, User, Vendor, VendorContact
from engagements.services.vendors import change_vendor, register_vendor
from engagements.values.names import normalise_name

TIER_COLOURS = {
    Tier.STRATEGIC.value: "primary",
    Tier.PREFERRED.value: "info",
    Tier.APPROVED.value: "default",
}


class VendorContactInline(LineInline):
    model = VendorContact
    fields = ("name", "role", "email", "phone")
    verbose_name_plural = gettext_lazy("contacts: whom to speak to")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1


class VendorForm(RecordForm):
    def clean_legal_name(self) -> str:
        """Say beside the name what the database would refuse of its normalised form."""
        name: str = self.cleaned_data["legal_name"]
        same = Vendor.objects.filter(normalised_name=normalise_name(name))
        found = same.exclude(pk=self.instance.pk).first()
        if found is not None:
            raise ValidationError(
                _("%(vendor)s is recorded already.") % {"vendor": found}
            )
        return name


@admin.register(Vendor)
class VendorAdmin(BulkActions, ExportableList, RecordAdmin):
    bulk_changes = VENDOR_CHANGES
    form = VendorForm
    list_display = (
        "name",
        "standing_label",
        "tier_label",
        "allows_managed",
        "allows_augmented",
        "currency",
        "active_engagements",
    )
    list_filter = (
        ("standing", ChoicesDropdownFilter),
        ("tier", ChoicesDropdownFilter),
        "allows_managed",
        "allows_augmented",
    )
    search_fields = ("legal_name", "normalised_name", "tax_id", "external_id")
    search_help_text = gettext_lazy("Legal name, tax id or external id")
    ordering = ("legal_name",)
    inlines = (VendorContactInline,)
    actions_detail = ("engagements",)
    fieldsets = (
        (
            gettext_lazy("Who they are"),
            {"fields": ("legal_name", ("standing", "tier"))},
        ),
        (
            gettext_lazy("What they may do for us"),
            {"fields": (("allows_managed", "allows_augmented"),)},
        ),
        (
            gettext_lazy("How they bill"),
            {"fields": (("currency", "payment_terms_days"),)},
        ),
        (
            gettext_lazy("Numbers and codes"),
            {
                "classes": ("collapse",),
                "fields": ("tax_id", "country", "external_id"),
            },
        ),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "currency": settings.REPORTING_CURRENCY,
            **super().get_changeform_initial_data(request),
        }

    def get_queryset(self, request: HttpRequest) -> Any:
        active = Engagement.objects.visible_to(actor_of(request)).filter(
            vendor=OuterRef("pk"), status=Status.ACTIVE
        )
        count = active.order_by().values("vendor").annotate(n=Count("pk")).values("n")
        return (
            super()
            .get_queryset(request)
            .annotate(
                active_count=Coalesce(
                    Subquery(count, output_field=IntegerField()), Value(0)
                )
            )
        )

    @display(description=gettext_lazy("vendor"), ordering="legal_name")
    def name(self, row: Vendor) -> SafeString:
        return format_html('<span class="row-title">{}</span>', row.legal_name)

    @display(
        description=gettext_lazy("standing"),
        label=STANDING_COLOURS,
        ordering="standing",
    )
    def standing_label(self, row: Vendor) -> tuple[str, str]:
        return row.standing, row.get_standing_display()

    @display(description=gettext_lazy("tier"), label=TIER_COLOURS, ordering="tier")
    def tier_label(self, row: Vendor) -> tuple[str, str]:
        return row.tier, row.get_tier_display()

    @display(description=gettext_lazy("active engagements"), ordering="active_count")
    def active_engagements(self, row: Any) -> SafeString:
        return figure(str(row.active_count))

    @action(
        description=gettext_lazy("Engagements"),
        icon="handshake",
        url_path="engagements",
        permissions=["engagements"],
    )
    def engagements(self, request: HttpRequest, object_id: str) -> HttpResponse:
        page = reverse("admin:engagements_engagement_changelist")
        query = urlencode({"vendor__id__exact": object_id})
        return HttpResponseRedirect(f"{page}?{query}")

    def has_engagements_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("engagements.view_engagement")

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        register_vendor(
            vendor=form.instance,
            contacts=[line for lines in pages for line in lines.take_added()],
            actor=actor,
        )

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_vendor(vendor=record, expected_version=expected, actor=actor)
