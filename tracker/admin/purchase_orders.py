"""Purchase orders: what is left of each, and until when it lasts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.columns import money, short_date
from engagements.admin.record_admin import LineInline, Lines, RecordAdmin, actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import action, display
from engagements.models import User
from tracker.admin.steps import take_step
from tracker.spend.burn_down import BurnDown
from tracker.spend.models import (
    OrderChange,
    OrderCoverage,
    OrderStatus,
    PurchaseOrder,
)
from tracker.spend.orders import burn_downs
from tracker.spend.services import (
    change_order,
    close_order,
    cover_engagements,
    record_order,
)

if TYPE_CHECKING:
    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog

CHANGE = "tracker.change_purchaseorder"
STATUS_COLOURS = {
    OrderStatus.OPEN.value: "success",
    OrderStatus.CLOSED.value: "default",
    OrderStatus.CANCELLED.value: "danger",
}
WHOLE = 100


class AddedOnly(LineInline):
    """Lines that are added and then stay."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or obj.status == OrderStatus.OPEN
        return is_open and bool(super().has_add_permission(request, obj))


class CoverageInline(AddedOnly):
    model = OrderCoverage
    verbose_name = gettext_lazy("engagement")
    fields = ("engagement",)
    autocomplete_fields = ("engagement",)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = visible(OrderCoverage, actor_of(request))
        return rows.select_related("engagement")

    def add(self, line: Any, parent: Any, actor: User) -> None:
        cover_engagements(order=parent, engagements=[line.engagement], actor=actor)


class ChangeInline(AddedOnly):
    model = OrderChange
    verbose_name = gettext_lazy("change")
    fields = ("changed_on", "amount", "ends_on", "reason")

    def get_queryset(self, request: HttpRequest) -> Any:
        return visible(OrderChange, actor_of(request))

    def add(self, line: Any, parent: Any, actor: User) -> None:
        line.order = parent
        change_order(change=line, actor=actor)


class CloseDialog(_Dialog):
    """Only asks for a yes."""


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(RecordAdmin):
    """Recorded once; its amount and end move by changes alone."""

    actions_detail = ("close", "cancel")
    list_display = (
        "number_name",
        "vendor",
        "ordered_figure",
        "used_bar",
        "remaining_figure",
        "weekly_figure",
        "runs_out",
        "ends",
        "status_label",
    )
    list_filter = (
        ("vendor", AutocompleteSelectFilter),
        ("status", ChoicesDropdownFilter),
    )
    list_select_related = ("vendor",)
    search_fields = ("number", "normalised_number", "vendor__legal_name", "description")
    search_help_text = gettext_lazy("Order number, vendor or description")
    autocomplete_fields = ("vendor",)
    ordering = ("-starts_on", "-id")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (CoverageInline,) if obj is None else (ChangeInline, CoverageInline)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = (
            "vendor",
            ("number", "currency", "amount"),
            ("starts_on", "ends_on"),
            "description",
        )
        if obj is None:
            return [(None, {"fields": asked})]
        left = (
            ("ordered_figure", "invoiced_figure", "accrued_figure"),
            ("remaining_figure", "weekly_figure"),
            ("runs_out", "ends"),
            "used_bar",
        )
        recorded = (
            "vendor",
            ("number", "currency", "amount_figure"),
            ("starts_on", "status"),
            "description",
        )
        return [
            (_("What is left, today"), {"fields": left}),
            (_("As it was recorded"), {"fields": recorded}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return (
            *("vendor", "number", "currency", "amount_figure", "starts_on", "status"),
            *("ordered_figure", "invoiced_figure", "accrued_figure", "used_bar"),
            *("remaining_figure", "weekly_figure", "runs_out", "ends"),
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            _with_burn_downs([found])
        return found

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.result_list = _with_burn_downs(list(changelist.result_list))
        return changelist

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        coverages = [line for page in pages for line in page.take_added()]
        engagements = [line.engagement for line in coverages]
        record_order(order=form.instance, engagements=engagements, actor=actor)

    @action(
        description=gettext_lazy("Close"),
        url_path="close",
        icon="task_alt",
        permissions=["close"],
        dialog={
            "title": gettext_lazy("Close the order"),
            "description": gettext_lazy("It is no longer watched, nor changed."),
            "form_class": CloseDialog,
            "form_submit_text": gettext_lazy("Close the order"),
        },
    )
    def close(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._close(request, object_id, OrderStatus.CLOSED)

    @action(
        description=gettext_lazy("Cancel"),
        url_path="cancel",
        icon="close",
        permissions=["close"],
        dialog={
            "title": gettext_lazy("Cancel the order"),
            "description": gettext_lazy("Only where nothing was billed to it."),
            "form_class": CloseDialog,
            "form_submit_text": gettext_lazy("Cancel the order"),
        },
    )
    def cancel(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._close(request, object_id, OrderStatus.CANCELLED)

    def _close(
        self, request: HttpRequest, object_id: str, status: OrderStatus
    ) -> HttpResponse:
        order = self.get_object(request, object_id)

        def step() -> None:
            close_order(order=order, status=status, actor=actor_of(request))

        return take_step(request, order, CHANGE, step, _("The order is closed."))

    def has_close_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm(CHANGE):
            return False
        order = super().get_object(request, object_id)
        return order is not None and order.status == OrderStatus.OPEN

    @display(description=gettext_lazy("order"), ordering="number")
    def number_name(self, row: PurchaseOrder) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.number,
            row.description,
        )

    @display(description=gettext_lazy("as first ordered"))
    def amount_figure(self, row: PurchaseOrder) -> SafeString:
        return money(row.amount, row.currency)

    @display(description=gettext_lazy("ordered"))
    def ordered_figure(self, row: Any) -> SafeString:
        return money(row.down.ordered, row.currency)

    @display(description=gettext_lazy("invoiced"))
    def invoiced_figure(self, row: Any) -> SafeString:
        return money(row.down.invoiced, row.currency)

    @display(description=gettext_lazy("earned, not invoiced"))
    def accrued_figure(self, row: Any) -> SafeString:
        return money(row.down.accrued, row.currency)

    @display(description=gettext_lazy("remaining"))
    def remaining_figure(self, row: Any) -> SafeString:
        return money(row.down.remaining, row.currency)

    @display(description=gettext_lazy("a week"))
    def weekly_figure(self, row: Any) -> SafeString:
        return money(row.down.weekly, row.currency)

    @display(description=gettext_lazy("used"))
    def used_bar(self, row: Any) -> SafeString:
        return bar(row.down)

    @display(description=gettext_lazy("runs out"))
    def runs_out(self, row: Any) -> SafeString | str:
        down: BurnDown = row.down
        if down.runs_out_on is None:
            return _("not at this pace")
        day = short_date(down.runs_out_on)
        if row.status == OrderStatus.OPEN and down.is_short:
            return format_html(
                '{} <span class="deadline-close">{}</span>', day, _("before its end")
            )
        return day

    @display(description=gettext_lazy("ends"))
    def ends(self, row: Any) -> str:
        ends_on = row.down.ends_on
        return short_date(ends_on) if ends_on else _("open")

    @display(
        description=gettext_lazy("status"), label=STATUS_COLOURS, ordering="status"
    )
    def status_label(self, row: PurchaseOrder) -> tuple[str, str]:
        return row.status, row.get_status_display()


def _with_burn_downs(orders: list[Any]) -> list[Any]:
    downs = burn_downs(orders, today=timezone.localdate())
    for order in orders:
        order.down = downs[order.pk]
    return orders


def bar(down: BurnDown) -> SafeString:
    """Draw what is invoiced, then what is accrued, of what was ordered."""
    invoiced = _percent(down.invoiced, down)
    accrued = min(_percent(down.accrued, down), WHOLE - invoiced)
    used = int(down.used * WHOLE / down.ordered) if down.ordered > 0 else WHOLE
    return format_html(
        '<span class="burn{}"><svg viewBox="0 0 100 6" preserveAspectRatio="none"'
        ' aria-hidden="true"><rect width="100" height="6" class="burn-whole"></rect>'
        '<rect width="{}" height="6" class="burn-invoiced"></rect>'
        '<rect x="{}" width="{}" height="6" class="burn-accrued"></rect></svg>'
        '<span class="figure">{} %</span></span>',
        " is-short" if down.remaining < 0 else "",
        invoiced,
        invoiced,
        accrued,
        used,
    )


def _percent(amount: Any, down: BurnDown) -> int:
    if down.ordered <= 0:
        return WHOLE
    return max(0, min(WHOLE, int(amount * WHOLE / down.ordered)))
