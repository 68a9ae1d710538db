"""The queue of what doesn't fit on invoices: expected beside found, and what to do."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.bulk import BulkActions
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.next_steps import steps_in_order
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import display
from engagements.models import User
from engagements.values.money import format_money
from tracker.admin.exception_words import Names, sides
from tracker.admin.match_steps import RESOLVE_MANY, ExceptionSteps
from tracker.performance.models import Credit
from tracker.spend.matching import Code
from tracker.spend.models import (
    ExceptionState,
    Invoice,
    MatchException,
    PurchaseOrder,
    Saving,
)

STATE_COLOURS = {
    ExceptionState.OPEN.value: "warning",
    ExceptionState.RESOLVED.value: "success",
}
# What waits for longer is late.
LATE_DAYS = 14


class OpenFilter(admin.SimpleListFilter):
    """What is open, unless somebody asks for more."""

    title = gettext_lazy("which")
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", gettext_lazy("Open")), ("all", gettext_lazy("All"))]

    def value(self) -> str:
        return super().value() or "open"

    def choices(self, changelist: Any) -> Any:
        """Without Django's own “All”, which the choices have already."""
        return list(super().choices(changelist))[1:]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "all":
            return queryset
        return queryset.filter(state=ExceptionState.OPEN)


class AgeFilter(admin.SimpleListFilter):
    title = gettext_lazy("waiting for")
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("7", gettext_lazy("over a week")),
            ("14", gettext_lazy("over two weeks")),
            ("30", gettext_lazy("over 30 days")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        value = self.value()
        if value not in ("7", "14", "30"):
            return queryset
        before = timezone.now() - timedelta(days=int(value))
        return queryset.filter(found_at__lt=before)


@admin.register(MatchException)
class MatchExceptionAdmin(ExceptionSteps, BulkActions, ReadOnlyAdmin):
    bulk_changes = RESOLVE_MANY
    list_display = (
        "what",
        "invoice_name",
        "engagement_name",
        "expected_side",
        "found_side",
        "amount_figure",
        "age",
        "state_label",
    )
    list_filter = (
        OpenFilter,
        ("code", ChoicesDropdownFilter),
        ("engagement__vendor", AutocompleteSelectFilter),
        ("engagement", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
        ("invoice", AutocompleteSelectFilter),
        AgeFilter,
        ("resolution", ChoicesDropdownFilter),
    )
    list_select_related = ("invoice__vendor", "line", "engagement")
    search_fields = (
        "invoice__number",
        "engagement__reference",
        "engagement__title",
        "invoice__vendor__legal_name",
    )
    search_help_text = gettext_lazy("Invoice, engagement or vendor")
    ordering = ("-amount", "found_at", "id")
    change_form_template = "tracker/admin/exception.html"
    fieldsets = ((None, {"fields": ("invoice", "state")}),)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Look up the names that the rows of the page point to, all at once."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        names = Names.of(rows, actor_of(request))
        for row in rows:
            row.sides = sides(row, names)
        changelist.result_list = rows
        return changelist

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        exception: MatchException = context["original"]
        user = actor_of(request)
        names = Names.of([exception], user)
        context |= {
            "exception": exception,
            "sides": sides(exception, names),
            "state_colour": STATE_COLOURS[exception.state],
            "behind": behind(exception, names, user),
            "savings": visible(Saving, user).filter(
                source_key=f"exception:{exception.pk}"
            ),
            "steps": steps_in_order(
                context.get("actions_detail", []), ("resolve",), pressing=("resolve",)
            ),
            "history": self.history_link(request, exception),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("what is wrong"), ordering="code")
    def what(self, row: MatchException) -> SafeString:
        return format_html('<span class="row-title">{}</span>', row.get_code_display())

    @display(description=gettext_lazy("invoice"), ordering="invoice__number")
    def invoice_name(self, row: MatchException) -> SafeString:
        place = row.invoice.number
        if row.line is not None:
            place = f"{place} / {row.line.number}"
        return format_html(
            '<a class="text-link" href="{}">{}</a><span class="row-note">{}</span>',
            reverse("admin:tracker_invoice_change", args=[row.invoice_id]),
            place,
            row.invoice.vendor,
        )

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: MatchException) -> SafeString:
        return format_html(
            '{}<span class="row-note">{}</span>',
            row.engagement.title,
            row.engagement.reference,
        )

    @display(description=gettext_lazy("expected"))
    def expected_side(self, row: Any) -> SafeString:
        return format_html('<span class="figure">{}</span>', row.sides.expected)

    @display(description=gettext_lazy("found"))
    def found_side(self, row: Any) -> SafeString:
        return format_html('<span class="figure">{}</span>', row.sides.found)

    @display(description=gettext_lazy("at stake"), ordering="amount")
    def amount_figure(self, row: Any) -> SafeString:
        return format_html('<span class="figure">{}</span>', row.sides.stake)

    @display(description=gettext_lazy("waiting"), ordering="found_at")
    def age(self, row: MatchException) -> SafeString | str:
        if row.state != ExceptionState.OPEN:
            return ""
        days = (timezone.localdate() - timezone.localdate(row.found_at)).days
        if days == 0:
            return _("since today")
        words = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
        css = "deadline-close" if days > LATE_DAYS else "nowrap"
        return format_html('<span class="{}">{}</span>', css, words)

    @display(description=gettext_lazy("state"), label=STATE_COLOURS, ordering="state")
    def state_label(self, row: MatchException) -> tuple[str, str]:
        if row.state == ExceptionState.RESOLVED:
            return row.state, row.get_resolution_display()
        return row.state, row.get_state_display()


Link = tuple[str, str]


def behind(exception: MatchException, names: Names, user: User) -> list[Link]:
    """Return the pages of the rows that the exception rests on."""
    links = [
        (
            _("Invoice %(number)s") % {"number": exception.invoice.number},
            reverse("admin:tracker_invoice_change", args=[exception.invoice_id]),
        ),
        (
            _("Terms of %(reference)s") % {"reference": exception.engagement.reference},
            reverse(
                "admin:engagements_engagement_change", args=[exception.engagement_id]
            ),
        ),
    ]
    finder = _BEHIND.get(Code(exception.code))
    return links + (finder(exception, names, user) if finder else [])


def _hours(exception: MatchException, names: Names, user: User) -> list[Link]:
    line = exception.line
    if line is None or not user.has_perm("tracker.view_worklog"):
        return []
    asked: dict[str, str | int] = {
        "engagement__id__exact": exception.engagement_id,
        "worked_on__gte": line.period_from.isoformat(),
        "worked_on__lte": line.period_to.isoformat(),
    }
    address = reverse("admin:tracker_worklog_changelist")
    return [(_("Work logged in these days"), f"{address}?{urlencode(asked)}")]


def _other_invoice(exception: MatchException, names: Names, user: User) -> list[Link]:
    found = names.invoices.get(exception.found.partition(":")[0])
    if found is None:
        return []
    return [
        (
            _("Invoice %(number)s, which bills the same") % {"number": found[1]},
            reverse("admin:tracker_invoice_change", args=[found[0]]),
        )
    ]


def _orders(exception: MatchException, names: Names, user: User) -> list[Link]:
    if not user.has_perm("tracker.view_purchaseorder"):
        return []
    orders = visible(PurchaseOrder, user).filter(
        coverages__engagement=exception.engagement_id
    )
    return [
        (
            _("Order %(number)s") % {"number": order.number},
            reverse("admin:tracker_purchaseorder_change", args=[order.pk]),
        )
        for order in orders.order_by("starts_on")
    ]


def _credits(exception: MatchException, names: Names, user: User) -> list[Link]:
    if not user.has_perm("tracker.view_credit"):
        return []
    credits = visible(Credit, user).filter(
        engagement=exception.engagement_id, agreed_amount__isnull=False
    )
    return [
        (
            _("Credit of %(month)s: %(amount)s agreed")
            % {
                "month": f"{credit.window_from:%Y-%m}",
                "amount": format_money(
                    credit.agreed_amount, exception.engagement.currency
                ),
            },
            reverse("admin:tracker_credit_change", args=[credit.pk]),
        )
        for credit in credits.order_by("-window_from")[:12]
    ]


def _bills(exception: MatchException, names: Names, user: User) -> list[Link]:
    """Return the invoices that bill the same charge around the line's days."""
    line = exception.line
    if line is None:
        return []
    near = timedelta(days=62)
    found = visible(Invoice, user).filter(
        lines__engagement=exception.engagement_id,
        lines__charge_kind=line.charge_kind,
        lines__period_to__gte=line.period_from - near,
        lines__period_from__lte=line.period_to,
    )
    others = found.exclude(pk=exception.invoice_id).distinct().order_by("issued_on")
    return [
        (
            _("Invoice %(number)s") % {"number": other.number},
            reverse("admin:tracker_invoice_change", args=[other.pk]),
        )
        for other in others[:6]
    ]


_BEHIND = {
    Code.RATE_ABOVE_CARD: _hours,
    Code.HOURS_ABOVE_APPROVED: _hours,
    Code.UNAPPROVED_OVERTIME: _hours,
    Code.WRONG_WORKER: _hours,
    Code.DUPLICATE: _other_invoice,
    Code.PERIOD_GAP: _bills,
    Code.PERIOD_OVERLAP: _bills,
    Code.OVER_ORDER: _orders,
    Code.WRONG_CURRENCY: _orders,
    Code.CREDIT_NOT_APPLIED: _credits,
}
