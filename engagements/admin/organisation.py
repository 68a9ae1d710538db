from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.record_admin import RecordAdmin
from engagements.admin.unfold_types import display
from engagements.choices import Breadth, Estate
from engagements.models import CostCentre, Department, Service, Skill

CODES = (
    gettext_lazy("Numbers and codes"),
    {"classes": ("collapse",), "fields": ("external_id",)},
)


@admin.register(Department)
class DepartmentAdmin(RecordAdmin):
    list_display = ("name", "code", "parent", "head")
    list_select_related = ("parent", "head")
    search_fields = ("name", "code", "external_id")
    autocomplete_fields = ("parent", "head")
    fieldsets = ((None, {"fields": ("name", "code", "parent", "head")}), CODES)


@admin.register(CostCentre)
class CostCentreAdmin(RecordAdmin):
    list_display = ("code", "name", "department", "is_open")
    list_filter = (("department", ScopedDropdownFilter), "is_open")
    list_select_related = ("department",)
    search_fields = ("code", "name", "external_id")
    autocomplete_fields = ("department",)
    not_choosable = Q(is_open=False)
    fieldsets = ((None, {"fields": ("code", "name", "department", "is_open")}), CODES)


@admin.register(Service)
class ServiceAdmin(RecordAdmin):
    list_display = (
        "name",
        "estate_label",
        "department",
        "owner",
        "in_house_maturity",
        "maturity_declared_on",
    )
    list_filter = (
        ("department", ScopedDropdownFilter),
        ("estate", ChoicesDropdownFilter),
        ("in_house_maturity", ChoicesDropdownFilter),
    )
    list_select_related = ("department", "owner")
    search_fields = ("name", "external_id")
    autocomplete_fields = ("department", "owner")
    fieldsets = (
        (None, {"fields": ("name", "description", ("department", "owner"), "estate")}),
        (
            gettext_lazy("Our own team behind it"),
            {"fields": (("in_house_maturity", "maturity_declared_on"),)},
        ),
        CODES,
    )

    @display(
        description=gettext_lazy("estate"),
        ordering="estate",
        label={Estate.CORE.value: "primary", Estate.SATELLITE.value: "default"},
    )
    def estate_label(self, row: Service) -> tuple[str, str]:
        return row.estate, row.get_estate_display()


@admin.register(Skill)
class SkillAdmin(RecordAdmin):
    list_display = ("name", "breadth_label")
    list_filter = (("breadth", ChoicesDropdownFilter),)
    search_fields = ("name", "external_id")
    fieldsets = ((None, {"fields": ("name", "breadth")}), CODES)

    @display(
        description=gettext_lazy("breadth"),
        ordering="breadth",
        label={Breadth.SPECIALIST.value: "primary", Breadth.GENERAL.value: "default"},
    )
    def breadth_label(self, row: Skill) -> tuple[str, str]:
        return row.breadth, row.get_breadth_display()
