from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import IntegrityError
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.bulk import BulkActions
from engagements.admin.columns import money, short_date
from engagements.admin.constraint_errors import ConstraintErrorsBesideFields
from engagements.admin.record_admin import (
    LineInline,
    Lines,
    RecordAdmin,
    RecordForm,
    Refusal,
    actor_of,
)
from engagements.admin.scope import visible
from engagements.admin.unfold_types import display
from engagements.models import User
from engagements.permissions import sees_all
from tracker.admin.electronic import ElectronicInvoices
from tracker.admin.invoice_steps import (
    RECORD,
    ApproveInvoices,
    InvoiceSteps,
    sees_whole,
)
from tracker.admin.match_panel import MatchPanel
from tracker.spend.models import (
    BILLED_CHARGES,
    Invoice,
    InvoiceAttachment,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    LedgerEntry,
    Payment,
    SourceType,
)
from tracker.spend.services import (
    change_draft,
    draft_invoice,
    post_invoice,
    told_at_commit,
)

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown

STATUS_COLOURS = {
    InvoiceStatus.DRAFT.value: "default",
    InvoiceStatus.RECEIVED.value: "info",
    InvoiceStatus.MATCHED.value: "primary",
    InvoiceStatus.DISPUTED.value: "danger",
    InvoiceStatus.APPROVED.value: "success",
    InvoiceStatus.PAID.value: "success",
}
SOON_DAYS = 7
_BILLED = tuple(charge.value for charge in BILLED_CHARGES)


class InvoiceForm(RecordForm):
    """Takes the currency and the total from the vendor and the lines, if left blank."""

    is_draft = forms.BooleanField(
        label=gettext_lazy("Keep it as a draft"),
        required=False,
        help_text=gettext_lazy(
            "A draft can be changed and is no spend. Otherwise it is received at once"
            " and stays as it is."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields.pop("is_draft", None)
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

    def _get_validation_exclusions(self) -> set[str]:
        # Left blank, it is what the lines come to, which the service looks at.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # Django's own, left out of stubs
        blank = self.cleaned_data.get("total") is None
        return excluded | {"total"} if blank else excluded


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
            "hours",
            "quantity",
            "unit",
            "unit_price",
            "contractor",
            "is_overtime",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        charge: Any = self.fields.get("charge_kind")
        if charge is not None:
            charge.choices = [one for one in charge.choices if one[0] in ("", *_BILLED)]

    def _get_validation_exclusions(self) -> set[str]:
        # It decides which fee is billed already, and stands on no form.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # Django's own, left out of stubs
        return excluded - {"is_credited"}


class InvoiceLineInline(LineInline):
    model = InvoiceLine
    form = LineForm
    fields = LineForm.Meta.fields
    autocomplete_fields = ("engagement", "contractor")
    verbose_name_plural = gettext_lazy("lines")

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = visible(InvoiceLine, actor_of(request))
        return rows.select_related("engagement", "invoice", "contractor")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """A posted line is read: its figures with their currency and their postings."""
        if _is_open(obj):
            return LineForm.Meta.fields
        return ("engagement", "charge_kind", "what", "period", "price", "figure")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if _is_open(obj) else ("what", "period", "price", "figure")

    @display(description=gettext_lazy("description"))
    def what(self, row: InvoiceLine) -> SafeString:
        note = _("overtime") if row.is_overtime else ""
        person = f" · {row.contractor}" if row.contractor else ""
        return format_html(
            '{}{}<span class="row-note">{}</span>', row.description, person, note
        )

    @display(description=gettext_lazy("service"))
    def period(self, row: InvoiceLine) -> str:
        if row.period_from == row.period_to:
            return short_date(row.period_from)
        return f"{short_date(row.period_from)} – {short_date(row.period_to)}"  # noqa: RUF001 - a range, as it is printed

    @display(description=gettext_lazy("hours × price"))  # noqa: RUF001 - the sign
    def price(self, row: InvoiceLine) -> SafeString | None:
        amount = row.hours if row.hours is not None else row.quantity
        if amount is None or row.unit_price is None:
            return None if amount is None else format_html("{:f}", amount.normalize())
        price = money(row.unit_price, row.invoice.currency)
        return format_html("{:f} × {}", amount.normalize(), price)  # noqa: RUF001 - likewise

    @display(description=gettext_lazy("amount"))
    def figure(self, row: InvoiceLine) -> SafeString:
        return money(row.amount, row.invoice.currency)

    def get_min_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj is None else 0

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0

    # Lines follow their invoice: who may change the draft may change them.
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_change(request, obj) and request.user.has_perm(
            "tracker.add_invoiceline"
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and self.has_add_permission(request, obj)

    def store(self, lines: Lines, parent: Any, actor: User) -> None:
        """Nothing: the invoice's own services store its lines with it."""


def _is_open(invoice: Invoice | None) -> bool:
    return invoice is None or invoice.status == InvoiceStatus.DRAFT


def _may_change(request: HttpRequest, invoice: Invoice | None) -> bool:
    if not request.user.has_perm(RECORD):
        return False
    if invoice is None:
        return True
    return _is_open(invoice) and sees_whole(actor_of(request), invoice)


class DueFilter(_Dropdown):
    title = gettext_lazy("due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", gettext_lazy("Overdue")),
            ("soon", gettext_lazy("Within 7 days")),
            ("later", gettext_lazy("Later")),
            ("none", gettext_lazy("No day known")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        today = timezone.localdate()
        soon = today + timedelta(days=SOON_DAYS)
        conditions: dict[str | None, dict[str, Any]] = {
            "overdue": {"due_on__lt": today},
            "soon": {"due_on__range": (today, soon)},
            "later": {"due_on__gt": soon},
            "none": {"due_on": None},
        }
        asked = conditions.get(self.value())
        if asked is None:
            return queryset
        unpaid = queryset.exclude(status=InvoiceStatus.PAID)
        return unpaid.filter(kind=InvoiceKind.INVOICE, **asked)


@dataclass(frozen=True)
class PostedLine:
    """A line with what the ledger holds of it, and the address of those entries."""

    line: InvoiceLine
    entries: Sequence[LedgerEntry]
    link: str


@admin.register(Invoice)
class InvoiceAdmin(
    InvoiceSteps, ElectronicInvoices, BulkActions, MatchPanel, RecordAdmin
):
    """Drafted and changed, then posted; a posted one is answered by a credit note."""

    bulk_changes = (ApproveInvoices(),)
    form = InvoiceForm
    inlines = (InvoiceLineInline,)
    change_form_outer_after_template = "tracker/admin/invoice_after.html"
    list_display = (
        "number_name",
        "vendor",
        "day_name",
        "due_name",
        "amount",
        "status_label",
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("vendor", AutocompleteSelectFilter),
        DueFilter,
        ("kind", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
    )
    list_select_related = ("vendor", "credits")
    search_fields = ("number", "normalised_number", "vendor__legal_name")
    search_help_text = gettext_lazy("Invoice number or vendor")
    date_hierarchy = "issued_on"
    autocomplete_fields = ("vendor", "credits")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("vendor", "number"),
                    ("kind", "credits"),
                    ("issued_on", "due_on"),
                    ("currency", "total"),
                    "received_on",
                )
            },
        ),
    )

    def in_words(self, refusal: Refusal) -> Refusal:
        told = told_at_commit(refusal) if isinstance(refusal, IntegrityError) else None
        return told or refusal

    def get_queryset(self, request: HttpRequest) -> Any:
        lines = visible(InvoiceLine, actor_of(request)).filter(invoice=OuterRef("pk"))
        sums = lines.order_by().values("invoice").annotate(n=Sum("amount")).values("n")
        return super().get_queryset(request).annotate(in_scope=Subquery(sums))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fieldsets(request, obj)[0][1]["fields"]
        if obj is None:
            return [(None, {"fields": (*fields, "is_draft")})]
        if _may_change(request, obj):
            return [(None, {"fields": fields})]
        # The total may hold lines of other departments.
        amount = "total_figure" if sees_all(request.user) else "amount"
        return [
            (
                None,
                {
                    "fields": (
                        ("vendor", "number"),
                        ("kind_name", "status"),
                        ("issued_on", "due_on"),
                        ("received_on", amount),
                    )
                },
            ),
            (gettext_lazy("Who did what"), {"fields": (("received", "approved"),)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or _may_change(request, obj):
            return ()
        return ("amount", "total_figure", "status", "kind_name", "received", "approved")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[Any]:
        # Without the one that no model has: Django would look for it there.
        kwargs["fields"] = (
            "vendor",
            "number",
            "kind",
            "credits",
            "issued_on",
            "received_on",
            "due_on",
            "currency",
            "total",
        )
        return super().get_form(request, obj, change=change, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        invoice = context.get("original")
        if invoice is not None:
            context |= _around(invoice, actor_of(request))
        return super().render_change_form(request, context, *args, **kwargs)

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        lines = [line for page in pages for line in page.take_added()]
        invoice: Invoice = form.instance
        if invoice.total is None:
            invoice.total = sum((line.amount for line in lines), Decimal(0))
        store = draft_invoice if form.cleaned_data.get("is_draft") else post_invoice
        store(invoice=invoice, lines=lines, actor=actor)

    def change(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        invoice: Invoice = form.instance
        lines = [line for page in pages for line in (*page.changed, *page.added)]
        removed = [line for page in pages for line in page.removed]
        if invoice.total is None:
            touched = [line.pk for line in (*lines, *removed) if line.pk]
            rest = invoice.lines.exclude(pk__in=touched)
            kept: Decimal | None = rest.aggregate(sum=Sum("amount"))["sum"]
            invoice.total = sum((n.amount for n in lines), kept or Decimal(0))
        change_draft(
            invoice=invoice,
            lines=lines,
            removed=removed,
            expected_version=form.cleaned_data.get("expected_version"),
            actor=actor,
        )

    @display(description=gettext_lazy("invoice"), ordering="number")
    def number_name(self, row: Invoice) -> SafeString:
        note = ""
        if row.kind == InvoiceKind.CREDIT_NOTE:
            of = row.credits.number if row.credits else "…"
            note = _("Credit note to %(number)s") % {"number": of}
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.number,
            note,
        )

    @display(description=gettext_lazy("kind"))
    def kind_name(self, row: Invoice) -> SafeString:
        if row.credits is None:
            return format_html("{}", row.get_kind_display())
        page = reverse("admin:tracker_invoice_change", args=[row.credits.pk])
        words = _("Credit note to")
        return format_html(
            '{} <a class="text-link" href="{}">{}</a>', words, page, row.credits.number
        )

    @display(description=gettext_lazy("issued on"), ordering="issued_on")
    def day_name(self, row: Invoice) -> str:
        return short_date(row.issued_on)

    @display(description=gettext_lazy("due"), ordering="due_on")
    def due_name(self, row: Invoice) -> SafeString | str | None:
        if row.due_on is None:
            return None
        day = short_date(row.due_on)
        settled = row.status == InvoiceStatus.PAID
        if settled or row.due_on >= timezone.localdate():
            return day
        css = "deadline-close"
        return format_html('{} <span class="{}">{}</span>', day, css, _("overdue"))

    @display(description=gettext_lazy("total"))
    def total_figure(self, row: Invoice) -> SafeString:
        return money(row.total, row.currency)

    @display(description=gettext_lazy("amount"), ordering="in_scope")
    def amount(self, row: Any) -> SafeString | None:
        return None if row.in_scope is None else money(row.in_scope, row.currency)

    @display(description=gettext_lazy("recorded"))
    def received(self, row: Invoice) -> str:
        who = row.received_by or _("the product")
        return f"{row.get_source_display()} · {who}"

    @display(description=gettext_lazy("approved"))
    def approved(self, row: Invoice) -> str | None:
        if row.approved_by is None or row.approved_at is None:
            return None
        day = short_date(timezone.localdate(row.approved_at))
        return f"{day} · {row.approved_by}"

    @display(
        description=gettext_lazy("status"), label=STATUS_COLOURS, ordering="status"
    )
    def status_label(self, row: Invoice) -> tuple[str, str]:
        return row.status, row.get_status_display()


def _around(invoice: Invoice, user: User) -> dict[str, Any]:
    """Return what the page tells below the lines, each within the user's scope."""
    payments = Payment.objects.visible_to(user).filter(invoice=invoice)
    files = InvoiceAttachment.objects.visible_to(user).filter(invoice=invoice)
    return {
        "postings": [] if _is_open(invoice) else _postings(invoice, user),
        "credit_notes": visible(Invoice, user).filter(credits=invoice).order_by("id"),
        "payments": payments.order_by("paid_on"),
        "attachments": files.select_related("uploaded_by"),
        "may_detach": _may_change_draft(invoice, user),
    }


def _may_change_draft(invoice: Invoice, user: User) -> bool:
    return _is_open(invoice) and user.has_perm(RECORD) and sees_whole(user, invoice)


def _postings(invoice: Invoice, user: User) -> list[PostedLine]:
    lines = visible(InvoiceLine, user).filter(invoice=invoice).order_by("number")
    by_line: dict[int, list[LedgerEntry]] = {line.pk: [] for line in lines}
    entries = LedgerEntry.objects.visible_to(user).filter(
        source_type=SourceType.INVOICE_LINE, source_id__in=by_line
    )
    for entry in entries.select_related("cost_centre").order_by("month", "id"):
        by_line[entry.source_id].append(entry)
    ledger = reverse("admin:tracker_ledgerentry_changelist")
    query = f"?source_type__exact={SourceType.INVOICE_LINE.value}&source_id__exact="
    return [
        PostedLine(line, by_line[line.pk], f"{ledger}{query}{line.pk}")
        for line in lines
    ]
