from django.conf import settings
from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.columns import money
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.record_admin import RecordAdmin
from engagements.admin.unfold_types import display
from engagements.models import ApprovalRule, ChecklistTemplate, TenurePolicy


@admin.register(TenurePolicy)
class TenurePolicyAdmin(RecordAdmin):
    list_display = (
        "name",
        "country",
        "department",
        "maximum_months",
        "action",
        "source",
        "checked_on",
    )
    list_filter = (
        ("department", ScopedDropdownFilter),
        ("action", ChoicesDropdownFilter),
    )
    list_select_related = ("department",)
    search_fields = ("name", "country", "source")
    autocomplete_fields = ("department",)
    fieldsets = (
        (None, {"fields": ("name", ("country", "department"))}),
        (
            gettext_lazy("The limit"),
            {
                "fields": (
                    ("maximum_months", "window_months"),
                    "reset_gap_months",
                    ("basis", "action"),
                ),
                "description": gettext_lazy(
                    "A month has 30 days. A break longer than the gap starts the count"
                    " anew. Per post: the same role in the same service. Warn tells"
                    " whoever saves an engagement beyond the limit; block refuses it."
                ),
            },
        ),
        (
            gettext_lazy("Where it is from"),
            {
                "fields": ("source", "checked_on"),
                "description": gettext_lazy(
                    "Your own note of what was found and when. It is not legal advice:"
                    " ask a lawyer whether it applies to you."
                ),
            },
        ),
    )


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(RecordAdmin):
    list_display = (
        "name",
        "bought_as",
        "departments",
        "amount",
        "approver_group",
        "is_in_force",
    )
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("department", ScopedDropdownFilter),
        "is_in_force",
    )
    list_select_related = ("department", "approver_group")
    search_fields = ("name",)
    autocomplete_fields = ("department",)
    fieldsets = (
        (None, {"fields": ("name", "is_in_force")}),
        (
            gettext_lazy("Asked for when"),
            {
                "fields": (
                    ("kind", "department"),
                    ("from_amount", "covers_every_change"),
                ),
                "description": gettext_lazy(
                    "A department counts with all below it. The amount is the fees or"
                    " planned hours of the whole term, 12 months where the end is open."
                ),
            },
        ),
        (
            gettext_lazy("Given by"),
            {
                "fields": ("approver_group",),
                "description": gettext_lazy(
                    "Members who see the engagement, and never who asked."
                ),
            },
        ),
    )

    @display(description=gettext_lazy("from amount"), ordering="from_amount")
    def amount(self, row: ApprovalRule) -> SafeString:
        return money(row.from_amount, settings.REPORTING_CURRENCY)

    @display(description=gettext_lazy("model"), ordering="kind")
    def bought_as(self, row: ApprovalRule) -> str:
        return str(row.get_kind_display() or _("both"))

    @display(
        description=gettext_lazy("department"),
        ordering="department__name",
        empty_value=gettext_lazy("all"),
    )
    def departments(self, row: ApprovalRule) -> str | None:
        return str(row.department) if row.department else None


@admin.register(ChecklistTemplate)
class ChecklistTemplateAdmin(RecordAdmin):
    list_display = (
        "title",
        "stage",
        "kind",
        "owner_group",
        "due_days",
        "removes_access",
    )
    list_filter = (("stage", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_select_related = ("owner_group",)
    search_fields = ("title",)
    fieldsets = (
        (None, {"fields": ("title", ("stage", "kind"))}),
        (
            gettext_lazy("Who and when"),
            {"fields": (("owner_group", "due_days"), "removes_access")},
        ),
    )
