"""What was committed and expected at month ends, each with its explanation."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from engagements.admin.columns import engagement_link, money, short_date
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import ReadOnlyAdmin
from engagements.admin.unfold_types import display
from tracker.admin.explanations import told
from tracker.spend.kept import explanations_of
from tracker.spend.models import MonthOutlook


@admin.register(MonthOutlook)
class MonthOutlookAdmin(ReadOnlyAdmin):
    list_display = (
        "engagement_name",
        "month_name",
        "committed_figure",
        "to_end_figure",
        "expected_figure",
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
    ordering = ("-month", "-reporting_expected", "-id")
    show_full_result_count = False
    change_form_template = "tracker/admin/outlook.html"
    fieldsets = ((None, {"fields": ("engagement", "month")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MonthOutlook]:
        """Leave the explanations, which are long, to the page of each."""
        rows: QuerySet[MonthOutlook] = super().get_queryset(request)
        return rows.defer("explanation", "months")

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: MonthOutlook) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{} · {}</span>',
            row.engagement.title,
            row.engagement.reference,
            row.engagement.vendor,
        )

    @display(description=gettext_lazy("month end"), ordering="month")
    def month_name(self, row: MonthOutlook) -> SafeString:
        note = ""
        if row.revision > 1:
            note = _("revision %(number)d") % {"number": row.revision}
        return format_html(
            '{}<span class="row-note">{}</span>', date_format(row.month, "M Y"), note
        )

    @display(description=gettext_lazy("committed"), ordering="reporting_committed")
    def committed_figure(self, row: MonthOutlook) -> SafeString | None:
        return money(row.committed, row.currency) if row.committed else None

    @display(
        description=gettext_lazy("to the contract's end"), ordering="reporting_to_end"
    )
    def to_end_figure(self, row: MonthOutlook) -> SafeString | None:
        return money(row.to_end, row.currency) if row.to_end else None

    @display(
        description=gettext_lazy("expected of the fiscal year"),
        ordering="reporting_expected",
    )
    def expected_figure(self, row: MonthOutlook) -> SafeString | None:
        return money(row.expected, row.currency) if row.expected else None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        outlook: MonthOutlook = context["original"]
        lines = [told(part, outlook.engagement) for part in explanations_of(outlook)]
        context |= {
            "outlook": outlook,
            "engagement": engagement_link(outlook.engagement),
            "month": date_format(outlook.month, "YEAR_MONTH_FORMAT"),
            "figures": list(_figures(outlook)),
            "rate": plain_number(outlook.fx_rate),
            "lines": [line for line in lines if line.parts],
        }
        response: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return response


def _figures(row: MonthOutlook) -> list[tuple[str, SafeString, str]]:
    """Return each figure with its name and what it reaches to."""
    found = []
    if row.committed is not None and row.committed_until is not None:
        until = _("to %(day)s, the earliest exit") % {
            "day": short_date(row.committed_until)
        }
        found.append((_("Committed"), money(row.committed, row.currency), until))
    if row.to_end is not None and row.agreed_until is not None:
        end = _("to %(day)s") % {"day": short_date(row.agreed_until)}
        amount = money(row.to_end, row.currency)
        found.append((_("To the contract's end"), amount, end))
    year = _("to %(day)s") % {"day": short_date(row.year_ends_on)}
    amount = money(row.expected, row.currency)
    found.append((_("Expected of the fiscal year"), amount, year))
    if row.expected_low < row.expected_high:
        found += [
            (_("Low"), money(row.expected_low, row.currency), ""),
            (_("High"), money(row.expected_high, row.currency), ""),
        ]
    return found
