from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from engagements.admin.agreement import (
    AgreementAdmin,
    AgreementForm,
    first_price_field,
)
from engagements.admin.cost_split import shares_or_default
from engagements.admin.record_admin import LineInline, Lines, lines_of
from engagements.admin.term_lines import TermInline
from engagements.models import (
    CostSplitShare,
    FeeTerm,
    ManagedContract,
    NamedWorker,
    ServiceLevel,
    User,
)
from engagements.services.engagements import log_managed_contract
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
    )
    verbose_name_plural = gettext_lazy("service levels: what the provider promises")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 2


class NamedWorkerInline(LineInline):
    model = NamedWorker
    fields = ("full_name", "starts_on", "ends_on", "is_client_directed")
    verbose_name_plural = gettext_lazy("people the provider sends by name")
    tab = True


@admin.register(ManagedContract)
class ManagedContractAdmin(AgreementAdmin):
    form = ManagedContractForm
    inlines = (FeeTermInline, ServiceLevelInline, NamedWorkerInline)
    SERVICE = (
        gettext_lazy("The service"),
        {
            "classes": ("collapse", "late"),
            "fields": (
                "service_hours",
                ("credit_scheme", "at_risk_percent"),
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
        return inlines if obj else [i for i in inlines if i is not FeeTermInline]

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
