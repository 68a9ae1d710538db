"""Savings: claimed beside what records show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.columns import money, short_date
from engagements.admin.record_admin import (
    LineInline,
    Lines,
    RecordAdmin,
    RecordForm,
    actor_of,
)
from engagements.admin.scope import visible
from engagements.admin.unfold_types import action, display
from engagements.models import User
from tracker.admin.steps import take_step
from tracker.spend.models import (
    Saving,
    SavingKind,
    SavingRealisation,
    SavingStatus,
)
from tracker.spend.services import claim_saving, withdraw_saving

if TYPE_CHECKING:
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

CHANGE = "tracker.change_saving"
STATUS_COLOURS = {
    SavingStatus.CLAIMED.value: "warning",
    SavingStatus.REALISED.value: "success",
    SavingStatus.WITHDRAWN.value: "default",
}
# The others come from records: exceptions and service credits.
BY_PEOPLE = (SavingKind.NEGOTIATED, SavingKind.CONVERSION)


class SavingForm(RecordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            kinds = [(kind.value, kind.label) for kind in BY_PEOPLE]
            self.fields["kind"] = forms.ChoiceField(
                label=_("Kind"),
                choices=kinds,
                widget=self.fields["kind"].widget,
            )
            self.fields["kind"].widget.choices = kinds
        for name in ("vendor", "currency"):
            if name in self.fields:
                self.fields[name].required = False
                self.fields[name].help_text = _("Left blank, the engagement's.")


class RealisationInline(LineInline):
    model = SavingRealisation
    fields = ("realised_on", "figure", "behind")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("what records show")

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = visible(SavingRealisation, actor_of(request))
        return rows.select_related("saving", "invoice_line__invoice")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=gettext_lazy("amount"))
    def figure(self, row: SavingRealisation) -> SafeString:
        return money(row.amount, row.saving.currency)

    @display(description=gettext_lazy("record"))
    def behind(self, row: SavingRealisation) -> str:
        line = row.invoice_line
        if line is None:
            return row.note
        return _("Invoice %(number)s, line %(line)s") % {
            "number": line.invoice.number,
            "line": line.number,
        }


class WithdrawDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
    )


@admin.register(Saving)
class SavingAdmin(RecordAdmin):
    actions_detail = ("withdraw",)
    form = SavingForm
    list_display = (
        "title_name",
        "kind",
        "vendor",
        "claimed_figure",
        "realised_figure",
        "since",
        "owner",
        "status_label",
    )
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("vendor", AutocompleteSelectFilter),
        ("engagement", AutocompleteSelectFilter),
        ("owner", AutocompleteSelectFilter),
    )
    list_select_related = ("vendor", "engagement", "owner")
    search_fields = ("title", "engagement__reference", "vendor__legal_name")
    search_help_text = gettext_lazy("Saving, engagement or vendor")
    date_hierarchy = "claimed_on"
    autocomplete_fields = ("engagement", "vendor", "owner")
    ordering = ("-claimed_on", "-id")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).with_realised()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else (RealisationInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            asked = (
                ("kind", "title"),
                ("engagement", "vendor"),
                ("claimed_amount", "currency"),
                ("claimed_on", "until"),
                ("price_before", "price_after"),
                ("owner", "note"),
            )
            note = _(
                "With both prices, each bill at the lower one realises its part by"
                " itself."
            )
            return [(None, {"fields": asked, "description": note})]
        told: tuple[Any, ...] = (
            "title",
            ("kind", "status"),
            ("engagement", "vendor"),
            ("claimed_figure", "realised_figure"),
            ("claimed_on", "until") if obj.until else "claimed_on",
        )
        if obj.price_before is not None:
            told += (("price_before", "price_after"),)
        return [(None, {"fields": (*told, ("owner", "note"))})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return (
            *("kind", "status", "engagement", "vendor", "claimed_on", "until"),
            *("claimed_figure", "realised_figure", "price_before", "price_after"),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        claim_saving(saving=form.instance, actor=actor)

    @action(
        description=gettext_lazy("Withdraw…"),
        url_path="withdraw",
        icon="close",
        permissions=["withdraw"],
        dialog={
            "title": gettext_lazy("The saving won't come about"),
            "description": gettext_lazy("What records show of it stays."),
            "form_class": WithdrawDialog,
            "form_submit_text": gettext_lazy("Withdraw"),
        },
    )
    def withdraw(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        saving = self.get_object(request, object_id)
        reason = form.cleaned_data["reason"]

        def step() -> None:
            withdraw_saving(saving=saving, reason=reason, actor=actor_of(request))

        return take_step(request, saving, CHANGE, step, _("The saving is withdrawn."))

    def has_withdraw_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm(CHANGE):
            return False
        saving = self.get_object(request, object_id)
        return saving is not None and saving.status == SavingStatus.CLAIMED

    @display(description=gettext_lazy("saving"), ordering="title")
    def title_name(self, row: Saving) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.title,
            row.engagement.reference if row.engagement else "",
        )

    @display(description=gettext_lazy("claimed"), ordering="claimed_amount")
    def claimed_figure(self, row: Saving) -> SafeString:
        return money(row.claimed_amount, row.currency)

    @display(description=gettext_lazy("realised"), ordering="realised")
    def realised_figure(self, row: Saving) -> SafeString:
        return money(row.realised, row.currency)

    @display(description=gettext_lazy("since"), ordering="claimed_on")
    def since(self, row: Saving) -> str:
        return short_date(row.claimed_on)

    @display(
        description=gettext_lazy("status"), label=STATUS_COLOURS, ordering="status"
    )
    def status_label(self, row: Saving) -> tuple[str, str]:
        return row.status, row.get_status_display()
