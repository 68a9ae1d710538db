from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.columns import money, short_date
from engagements.admin.constraint_errors import ConstraintErrorsBesideFields
from engagements.admin.record_admin import (
    LineInline,
    Lines,
    RecordAdmin,
    RecordForm,
    actor_of,
)
from engagements.admin.scope import visible
from engagements.admin.step_back import step_back
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from engagements.models import User
from engagements.permissions import sees_all
from tracker.admin.match_panel import MatchPanel
from tracker.spend.models import Invoice, InvoiceLine, InvoiceStatus
from tracker.spend.services import post_invoice, settle_invoice
from tracker.spend.services.invoices import STEPS

if TYPE_CHECKING:
    from django.forms import DateInput

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput

STATUS_COLOURS = {
    InvoiceStatus.DRAFT.value: "default",
    InvoiceStatus.RECEIVED.value: "info",
    InvoiceStatus.MATCHED.value: "primary",
    InvoiceStatus.DISPUTED.value: "danger",
    InvoiceStatus.APPROVED.value: "success",
    InvoiceStatus.PAID.value: "success",
}


class InvoiceForm(RecordForm):
    """Takes the currency and the total from the vendor and the lines, if left blank."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, help_text in (
            ("currency", _("Left blank, what the vendor bills in.")),
            ("total", _("Left blank, the sum of the lines.")),
        ):
            if name in self.fields:
                self.fields[name].required = False
                self.fields[name].help_text = help_text

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data.get("currency") or ""
        vendor = self.cleaned_data.get("vendor")
        return currency.upper() or (vendor.currency if vendor else "")


class LineForm(ConstraintErrorsBesideFields):
    class Meta:
        model = InvoiceLine
        fields = (
            "engagement",
            "charge_kind",
            "description",
            "period_from",
            "period_to",
            "amount",
        )


POSTED = (*LineForm.Meta.fields[:-1], "figure")


class InvoiceLineInline(LineInline):
    model = InvoiceLine
    form = LineForm
    fields = LineForm.Meta.fields
    autocomplete_fields = ("engagement",)
    verbose_name_plural = gettext_lazy("lines")
    min_num = 1

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = visible(InvoiceLine, actor_of(request))
        return rows.select_related("engagement", "invoice")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """A posted amount is read with its currency, not typed."""
        return LineForm.Meta.fields if obj is None else POSTED

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("figure",)

    @display(description=gettext_lazy("amount"))
    def figure(self, row: InvoiceLine) -> SafeString:
        return money(row.amount, row.invoice.currency)

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0


class PaidDialog(_Dialog):
    paid_on = forms.DateField(
        label=gettext_lazy("Paid on"),
        initial=timezone.localdate,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


@admin.register(Invoice)
class InvoiceAdmin(MatchPanel, RecordAdmin):
    """Entered once and posted; a wrong one is answered by a credit, never edited."""

    actions_detail = ("settle",)
    form = InvoiceForm
    inlines = (InvoiceLineInline,)
    list_display = ("number_name", "vendor", "day_name", "amount", "status_label")
    list_filter = (
        ("vendor", AutocompleteSelectFilter),
        ("status", ChoicesDropdownFilter),
    )
    list_select_related = ("vendor",)
    search_fields = ("number", "normalised_number", "vendor__legal_name")
    search_help_text = gettext_lazy("Invoice number or vendor")
    date_hierarchy = "issued_on"
    autocomplete_fields = ("vendor",)
    fieldsets = (
        (None, {"fields": ("vendor", ("number", "issued_on"), ("currency", "total"))}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        lines = visible(InvoiceLine, actor_of(request)).filter(invoice=OuterRef("pk"))
        sums = lines.order_by().values("invoice").annotate(n=Sum("amount")).values("n")
        return super().get_queryset(request).annotate(in_scope=Subquery(sums))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        # The total may hold lines of other departments.
        amount = "total_figure" if sees_all(request.user) else "amount"
        fields = (
            "vendor",
            ("number", "issued_on"),
            ("currency", amount),
            ("status", "paid_on", "paid_by"),
        )
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("amount", "total_figure", "status", "paid_by") if obj else ()

    @action(
        description=gettext_lazy("Paid…"),
        url_path="paid",
        icon="paid",
        permissions=["settle"],
        dialog={
            "title": gettext_lazy("This invoice was paid"),
            "description": gettext_lazy("It is kept with your name."),
            "form_class": PaidDialog,
            "form_submit_text": gettext_lazy("Record the payment"),
        },
    )
    def settle(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        invoice = self.get_object(request, object_id)
        if invoice is None:
            raise Http404
        if not request.user.has_perm("tracker.change_invoice"):
            raise PermissionDenied
        page = reverse("admin:tracker_invoice_change", args=[invoice.pk])
        paid_on = form.cleaned_data["paid_on"]
        try:
            settle_invoice(invoice=invoice, paid_on=paid_on, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, page, refusal=refusal)
        return step_back(request, page, told=_("The payment is recorded."))

    def has_settle_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm("tracker.change_invoice"):
            return False
        invoice = self.get_object(request, object_id)
        return invoice is not None and (
            InvoiceStatus.PAID in STEPS.get(invoice.status, frozenset())
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        lines = [line for page in pages for line in page.take_added()]
        invoice: Invoice = form.instance
        if invoice.total is None:
            invoice.total = sum((line.amount for line in lines), Decimal(0))
        post_invoice(invoice=invoice, lines=lines, actor=actor)

    @display(description=gettext_lazy("invoice"), ordering="number")
    def number_name(self, row: Invoice) -> SafeString:
        return format_html('<span class="row-title">{}</span>', row.number)

    @display(description=gettext_lazy("issued on"), ordering="issued_on")
    def day_name(self, row: Invoice) -> str:
        return short_date(row.issued_on)

    @display(description=gettext_lazy("total"))
    def total_figure(self, row: Invoice) -> SafeString:
        return money(row.total, row.currency)

    @display(description=gettext_lazy("amount"), ordering="in_scope")
    def amount(self, row: Any) -> SafeString | None:
        return None if row.in_scope is None else money(row.in_scope, row.currency)

    @display(
        description=gettext_lazy("status"), label=STATUS_COLOURS, ordering="status"
    )
    def status_label(self, row: Invoice) -> tuple[str, str]:
        return row.status, row.get_status_display()
