"""Month ends as they were reckoned, each with its explanation; and running them."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from engagements.admin.columns import engagement_link, money
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from engagements.values.periods import add_months, month_of
from tracker.admin.accrual_runs import told_of_run
from tracker.admin.explanations import told
from tracker.admin.month_checklist import checklist_urls
from tracker.spend.models import Accrual
from tracker.spend.outlook import explanation_of
from tracker.spend.services import may_close_months, reckon_month

if TYPE_CHECKING:
    from django.forms import Select

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSelectWidget as Select

MONTHS_OFFERED = 12


def months_to_reckon() -> list[tuple[str, str]]:
    """Return the months that are over, the newest first."""
    this_month = month_of(timezone.localdate())
    months = [add_months(this_month, -n) for n in range(1, MONTHS_OFFERED + 1)]
    return [
        (month.isoformat(), date_format(month, "YEAR_MONTH_FORMAT")) for month in months
    ]


class ReckonDialog(_Dialog):
    month = forms.ChoiceField(
        label=gettext_lazy("Month"), choices=months_to_reckon, widget=Select
    )


@admin.register(Accrual)
class AccrualAdmin(ReadOnlyAdmin):
    list_display = (
        "engagement_name",
        "month_name",
        "accrual_figure",
        "estimated_figure",
        "prepayment_figure",
    )
    list_filter = (
        ("engagement", AutocompleteSelectFilter),
        ("engagement__vendor", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
    )
    list_select_related = ("engagement__vendor",)
    search_fields = ("engagement__reference", "engagement__title")
    search_help_text = gettext_lazy("Engagement")
    date_hierarchy = "month"
    ordering = ("-month", "-reporting_accrual", "-reporting_prepayment", "-id")
    show_full_result_count = False
    change_form_template = "tracker/admin/accrual.html"
    fieldsets = ((None, {"fields": ("engagement", "month")}),)
    actions_list = ("reckon",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Accrual]:
        """Leave the explanations, which are long, to the page of each."""
        rows: QuerySet[Accrual] = super().get_queryset(request)
        return rows.defer("explanation")

    def get_urls(self) -> list[URLPattern]:
        return [*checklist_urls(), *super().get_urls()]

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Accrual) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{} · {}</span>',
            row.engagement.title,
            row.engagement.reference,
            row.engagement.vendor,
        )

    @display(description=gettext_lazy("month end"), ordering="month")
    def month_name(self, row: Accrual) -> SafeString:
        note = ""
        if row.revision > 1:
            note = _("revision %(number)d") % {"number": row.revision}
        return format_html(
            '{}<span class="row-note">{}</span>', date_format(row.month, "M Y"), note
        )

    @display(description=gettext_lazy("accrual"), ordering="reporting_accrual")
    def accrual_figure(self, row: Accrual) -> SafeString | None:
        return money(row.accrual, row.currency) if row.accrual else None

    @display(description=gettext_lazy("of which estimated"))
    def estimated_figure(self, row: Accrual) -> SafeString | None:
        return money(row.estimated, row.currency) if row.estimated else None

    @display(description=gettext_lazy("prepayment"), ordering="reporting_prepayment")
    def prepayment_figure(self, row: Accrual) -> SafeString | None:
        return money(row.prepayment, row.currency) if row.prepayment else None

    def has_reckon_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_close_months(actor_of(request))

    @action(
        description=gettext_lazy("Reckon a month…"),
        url_path="reckon",
        icon="calculate",
        permissions=["reckon"],
        dialog={
            "title": gettext_lazy("Reckon the end of a month"),
            "description": gettext_lazy(
                "What every engagement owes or has paid ahead then is worked out from"
                " today's records, kept, and posted. Repeated, only what changed is."
            ),
            "form_class": ReckonDialog,
            "form_submit_text": gettext_lazy("Reckon"),
        },
    )
    def reckon(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        actor = actor_of(request)
        if not may_close_months(actor):
            raise PermissionDenied
        month = date.fromisoformat(form.cleaned_data["month"])
        try:
            run = reckon_month(month=month, today=timezone.localdate(), actor=actor)
        except TrackerError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, told_of_run(run))
        page = reverse("admin:tracker_accrual_changelist")
        return HttpResponse(headers={"HX-Redirect": page})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        statement: Accrual = context["original"]
        net, ahead = explanation_of(statement)
        lines = [told(part, statement.engagement) for part in (net, ahead)]
        context |= {
            "accrual": statement,
            "engagement": engagement_link(statement.engagement),
            "month": date_format(statement.month, "YEAR_MONTH_FORMAT"),
            "figures": _figures(statement),
            "rate": plain_number(statement.fx_rate),
            "lines": [line for line in lines if line.parts],
        }
        response: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return response


def _figures(row: Accrual) -> list[tuple[str, SafeString]]:
    names = (
        (_("Earned to date"), row.earned),
        (_("of which estimated"), row.estimated),
        (_("Invoiced for service to date"), row.invoiced),
        (_("Credits agreed, not applied"), row.credits),
        (_("Settled: no invoice will come"), row.settled),
        (_("Accrual"), row.accrual),
        (_("Prepayment"), row.prepayment),
    )
    return [(name, money(amount, row.currency)) for name, amount in names if amount]
