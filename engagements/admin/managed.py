from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.agreement import (
    AgreementAdmin,
    AgreementForm,
    first_price_field,
)
from engagements.admin.cost_split import shares_or_default
from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import LineInline, Lines, RecordAdmin, lines_of
from engagements.admin.term_lines import TermInline
from engagements.admin.unfold_types import display
from engagements.models import (
    CostSplitShare,
    CreditStep,
    FeeTerm,
    ManagedContract,
    NamedWorker,
    ServiceLevel,
    User,
)
from engagements.services.engagements import log_managed_contract
from engagements.services.records import change_record
from engagements.services.terms import amend_fee


class ManagedContractForm(AgreementForm):
    monthly_fee = first_price_field(
        gettext_lazy("Monthly fee"),
        gettext_lazy(
            "From the start on, in the vendor's currency unless you give another below."
            " Later changes are added as fees of their own."
        ),
    )


class FeeTermInline(TermInline):
    model = FeeTerm
    fields = ("starts_on", "monthly_fee")
    verbose_name_plural = gettext_lazy("monthly fee: each runs until the next one")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add(self, line: Any, parent: Any, actor: User) -> None:
        line.contract = parent
        amend_fee(term=line, actor=actor)


class ServiceLevelInline(TermInline):
    model = ServiceLevel
    fields = (
        "name",
        "metric",
        "direction",
        "target",
        "unit",
        "minimum",
        "window",
        "weight",
        "more",
    )
    readonly_fields = ("more",)
    verbose_name_plural = gettext_lazy("service levels: what the provider promises")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 2

    @display(description=gettext_lazy("measuring"))
    def more(self, level: ServiceLevel) -> SafeString | str:
        """Lead to the level's own page: how it is measured, what a miss costs."""
        if level.pk is None:
            return _("once saved")
        url = reverse("admin:engagements_servicelevel_change", args=[level.pk])
        return format_html(
            '<a class="text-link" href="{}">{}</a>',
            url,
            level.get_measured_by_display(),
        )


class CreditStepInline(LineInline):
    model = CreditStep
    fields = ("service_level", "bound", "percent")
    verbose_name_plural = gettext_lazy("credit steps")
    tab = True

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        levels = formset.form.base_fields.get("service_level")
        if levels is not None:
            levels.queryset = levels.queryset.filter(contract=obj)
            # Read once, not once for each line.
            named = [(level.pk, level.name) for level in levels.queryset]
            levels.choices = [("", _("All levels")), *named]
        return formset


class NamedWorkerInline(LineInline):
    model = NamedWorker
    fields = ("full_name", "starts_on", "ends_on", "is_client_directed")
    verbose_name_plural = gettext_lazy("people the provider sends by name")
    tab = True


@admin.register(ServiceLevel)
class ServiceLevelAdmin(RecordAdmin):
    """A level in full; it is added and removed on its contract's page."""

    list_display = ("name", "contract_name", "metric", "promise", "window")
    list_filter = (
        ("metric", ChoicesDropdownFilter),
        ("measured_by", ChoicesDropdownFilter),
        ("contract", AutocompleteSelectFilter),
    )
    list_select_related = ("contract",)
    search_fields = ("name", "contract__reference", "contract__title")
    search_help_text = gettext_lazy("Level or engagement")
    ordering = ("contract__reference", "id")
    readonly_fields = ("contract",)
    fieldsets = (
        (
            gettext_lazy("What is promised"),
            {
                "fields": (
                    ("contract", "name"),
                    ("metric", "direction"),
                    ("target", "minimum", "unit"),
                    ("window", "weight"),
                )
            },
        ),
        (
            gettext_lazy("How it is measured"),
            {
                "fields": (
                    ("measured_by", "service_hours"),
                    ("priority", "ticket_group", "within_minutes"),
                )
            },
        ),
        (
            gettext_lazy("What a miss costs"),
            {
                "fields": (
                    ("credit_percent", "credit_severity_percent", "credit_points"),
                )
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_record(record=record, engagement=record.contract, actor=actor)

    @display(description=gettext_lazy("engagement"), ordering="contract__title")
    def contract_name(self, row: ServiceLevel) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.contract.title,
            row.contract.reference,
        )

    @display(description=gettext_lazy("promise"), ordering="target")
    def promise(self, row: ServiceLevel) -> str:
        return f"{row.get_direction_display()} {plain_number(row.target)} {row.unit}"


@admin.register(ManagedContract)
class ManagedContractAdmin(AgreementAdmin):
    form = ManagedContractForm
    inlines = (FeeTermInline, ServiceLevelInline, CreditStepInline, NamedWorkerInline)
    SERVICE = (
        gettext_lazy("The service"),
        {
            "classes": ("collapse", "late"),
            "fields": (
                "service_hours",
                ("opens_at", "closes_at", "time_zone"),
                ("credit_scheme", "at_risk_percent"),
                ("credit_pool_percent", "claim_within_days", "earn_back_windows"),
                "exit_charge",
                "headcount_cap",
            ),
        },
    )
    fieldsets = (
        (
            AgreementAdmin.PARTIES[0],
            {"fields": ("title", "vendor", "service", "scope")},
        ),
        AgreementAdmin.OURS,
        AgreementAdmin.TERM,
        SERVICE,
        AgreementAdmin.DETAILS,
    )
    add_fieldsets: Sequence[Any] = (
        fieldsets[0],
        AgreementAdmin.OURS,
        (gettext_lazy("Price"), {"fields": ("monthly_fee",)}),
        AgreementAdmin.TERM,
        SERVICE,
        AgreementAdmin.DETAILS,
    )

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        inlines = super().get_inlines(request, obj)
        later = (FeeTermInline, CreditStepInline)
        return inlines if obj else [i for i in inlines if i not in later]

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        contract: ManagedContract = form.instance
        fee = form.cleaned_data.get("monthly_fee")
        levels = lines_of(pages, ServiceLevel)
        log_managed_contract(
            contract=contract,
            fee_terms=[]
            if fee is None
            else [FeeTerm(starts_on=contract.starts_on, monthly_fee=fee)],
            service_levels=levels.take_added() if levels else [],
            cost_shares=shares_or_default(
                lines_of(pages, CostSplitShare), contract.department
            ),
            actor=actor,
        )
