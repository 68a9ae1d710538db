"""What was posted: payments and ledger entries, to be read only."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    RangeDateFilter,
)
from unfold.paginator import InfinitePaginator

from engagements.admin.columns import money, short_date
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import display
from engagements.models import Engagement
from tracker.spend.models import Basis, LedgerEntry, Payment

MOST_WORDS = 8


class Posted(ReadOnlyAdmin):
    """Tables that only grow: no page waits for counting them."""

    paginator = InfinitePaginator
    show_full_result_count = False

    @display(description=gettext_lazy("engagement"))
    def engagement_name(self, row: Payment | LedgerEntry) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.engagement.title,
            row.engagement.reference,
        )

    @display(description=gettext_lazy("amount"), ordering="amount")
    def amount_figure(self, row: Payment | LedgerEntry) -> SafeString:
        return money(row.amount, row.currency)


@admin.register(Payment)
class PaymentAdmin(Posted):
    list_display = (
        "day_name",
        "vendor",
        "engagement_name",
        "amount_figure",
        "unit",
        "category",
        "origin",
    )
    list_filter = (
        ("vendor", AutocompleteSelectFilter),
        ("engagement", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
    )
    list_select_related = ("vendor", "engagement")
    search_fields = ("supplier_name", "transaction_number", "description", "category")
    search_help_text = gettext_lazy("Supplier, transaction, description or category")
    date_hierarchy = "paid_on"
    ordering = ("-paid_on", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "paid_on",
                    "amount_figure",
                    "vendor",
                    "engagement",
                    "supplier_name",
                    "supplier_number",
                    "transaction_number",
                    "description",
                    "unit",
                    "category",
                )
            },
        ),
        (
            gettext_lazy("Where it was read"),
            {"fields": ("source_file", "source_line", "source_run")},
        ),
    )
    readonly_fields = ("amount_figure",)

    @display(description=gettext_lazy("paid on"), ordering="paid_on")
    def day_name(self, row: Payment) -> str:
        return short_date(row.paid_on)

    @display(description=gettext_lazy("file and line"))
    def origin(self, row: Payment) -> SafeString:
        return format_html(
            '<span class="row-note">{}</span>',
            _("%(file)s, line %(line)s")
            % {"file": row.source_file, "line": row.source_line},
        )


@admin.register(LedgerEntry)
class LedgerEntryAdmin(Posted):
    list_display = (
        "day_name",
        "booked_in",
        "engagement_name",
        "vendor",
        "cost_centre",
        "charge_kind",
        "posted_as",
        "amount_figure",
    )
    list_filter = (
        ("engagement", AutocompleteSelectFilter),
        ("vendor", AutocompleteSelectFilter),
        ("cost_centre", ScopedDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("charge_kind", ChoicesDropdownFilter),
        ("basis", ChoicesDropdownFilter),
        ("booked_month", RangeDateFilter),
    )
    list_select_related = ("engagement", "vendor", "cost_centre")
    search_fields = ("engagement__reference", "engagement__title")
    search_help_text = gettext_lazy("Engagement")
    # No hierarchy of dates: it would read all entries to offer its years.
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("day", "month", "booked_month"),
                    "engagement",
                    "vendor",
                    "cost_centre",
                    ("kind", "charge_kind", "basis"),
                    "amount_figure",
                )
            },
        ),
        (
            gettext_lazy("In the reporting currency"),
            {"fields": ("reporting_amount", "fx_rate", "fx_on", "fx_source")},
        ),
        (
            gettext_lazy("Where it is from"),
            {"fields": ("source_type", "source_id", "posted_at", "reversal_of")},
        ),
    )
    readonly_fields = ("amount_figure",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look for the words among engagements, which are few beside entries."""
        if not search_term.strip():
            return queryset, False
        seen = visible(Engagement, actor_of(request))
        words = [
            Q(reference__icontains=word) | Q(title__icontains=word)
            for word in search_term.split()[:MOST_WORDS]
        ]
        found = seen.filter(*words).order_by().values("pk")
        return queryset.filter(engagement_id__in=found), False

    @display(description=gettext_lazy("booked in"), ordering="booked_month")
    def booked_in(self, row: LedgerEntry) -> SafeString:
        """Say the month of service too where that was closed."""
        booked = _month(row.booked_month)
        if row.booked_month == row.month:
            return format_html("{}", booked)
        service = _("for %(month)s") % {"month": _month(row.month)}
        return format_html('{}<span class="row-note">{}</span>', booked, service)

    @display(description=gettext_lazy("basis"), ordering="basis")
    def posted_as(self, row: LedgerEntry) -> SafeString:
        note = _("reversal") if row.reversal_of_id else ""
        word = _("Accrued") if row.basis == Basis.ACCRUED else _("Actual")
        return format_html('{}<span class="row-note">{}</span>', word, note)

    @display(description=gettext_lazy("day"), ordering="day")
    def day_name(self, row: LedgerEntry) -> str:
        return short_date(row.day)


def _month(month: date) -> str:
    """Return a month that no narrow column breaks in two."""
    return date_format(month, "M\N{NO-BREAK SPACE}Y")
