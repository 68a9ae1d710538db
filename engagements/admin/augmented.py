from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.agreement import (
    AgreementAdmin,
    AgreementForm,
    first_price_field,
)
from engagements.admin.cost_split import shares_or_default
from engagements.admin.record_admin import Lines, lines_of
from engagements.admin.term_lines import TermInline
from engagements.choices import RateUnit
from engagements.models import (
    Assignment,
    Contractor,
    CostSplitShare,
    RateTerm,
    User,
)
from engagements.services.engagements import log_assignment
from engagements.services.records import create_record
from engagements.services.tenure import tenure_warnings
from engagements.services.terms import amend_rate

if TYPE_CHECKING:
    from django.forms import EmailInput, Select, TextInput
else:
    from unfold.widgets import UnfoldAdminEmailInputWidget as EmailInput
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput


class AssignmentForm(AgreementForm):
    """Takes an assignment together with a contractor nobody has recorded yet."""

    rate = first_price_field(
        gettext_lazy("Rate"),
        gettext_lazy(
            "From the start on, in the vendor's currency unless you give another below."
            " Later changes are added as rates of their own."
        ),
    )
    rate_unit = forms.ChoiceField(
        label=gettext_lazy("Paid"),
        choices=RateUnit.choices,
        initial=RateUnit.DAY,
        required=False,
        widget=Select(),
    )
    new_contractor_name = forms.CharField(
        label=gettext_lazy("Or a new contractor"),
        max_length=200,
        required=False,
        widget=TextInput(),
        help_text=gettext_lazy("Full name; recorded with the vendor chosen above."),
    )
    new_contractor_email = forms.EmailField(
        label=gettext_lazy("Work e-mail"), required=False, widget=EmailInput()
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        contractor = cleaned.get("contractor")
        if contractor and cleaned.get("new_contractor_name"):
            self.add_error(
                "new_contractor_name",
                _("Choose a contractor or type a new one, not both."),
            )
        if cleaned.get("new_contractor_email") and not (
            contractor or cleaned.get("new_contractor_name")
        ):
            self.add_error("new_contractor_name", _("Give the contractor's name too."))
        vendor = cleaned.get("vendor")
        if contractor and vendor and contractor.vendor_id != vendor.pk:
            self.add_error(
                "contractor",
                _("%(contractor)s comes from another vendor: choose that one above.")
                % {"contractor": contractor},
            )
        return cleaned


class RateTermInline(TermInline):
    model = RateTerm
    fields = ("starts_on", "rate", "unit", "hours_per_day", "overtime_multiplier")
    verbose_name_plural = gettext_lazy("rate: each runs until the next one")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add(self, line: Any, parent: Any, actor: User) -> None:
        line.assignment = parent
        amend_rate(term=line, actor=actor)


@admin.register(Assignment)
class AssignmentAdmin(AgreementAdmin):
    form = AssignmentForm
    autocomplete_fields = (*AgreementAdmin.autocomplete_fields, "contractor", "skill")
    search_fields = (*AgreementAdmin.search_fields, "contractor__full_name", "role")
    list_select_related = (*AgreementAdmin.list_select_related, "contractor")
    inlines = (RateTermInline,)
    WORK = (
        gettext_lazy("The work"),
        {"fields": ("role", ("skill", "level"), ("place", "planned_weekly_hours"))},
    )
    fieldsets = (
        (
            AgreementAdmin.PARTIES[0],
            {"fields": ("title", "vendor", "contractor", "service")},
        ),
        AgreementAdmin.OURS,
        WORK,
        AgreementAdmin.TERM,
        AgreementAdmin.DETAILS,
    )
    add_fieldsets: Sequence[Any] = (
        (
            AgreementAdmin.PARTIES[0],
            {
                "fields": (
                    "title",
                    "vendor",
                    "contractor",
                    ("new_contractor_name", "new_contractor_email"),
                    "service",
                )
            },
        ),
        AgreementAdmin.OURS,
        (gettext_lazy("Price"), {"fields": (("rate", "rate_unit"),)}),
        WORK,
        AgreementAdmin.TERM,
        AgreementAdmin.DETAILS,
    )
    list_display = (
        "name",
        "contractor",
        *AgreementAdmin.list_display[1:],
    )

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        inlines = super().get_inlines(request, obj)
        return inlines if obj else [i for i in inlines if i is not RateTermInline]

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        for warning in tenure_warnings(engagement=form.instance):
            messages.warning(request, warning)

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        assignment: Assignment = form.instance
        name = form.cleaned_data.get("new_contractor_name")
        if name:
            assignment.contractor = _new_contractor(form, name, actor)
        log_assignment(
            assignment=assignment,
            rate_terms=_first_rate(form),
            cost_shares=shares_or_default(
                lines_of(pages, CostSplitShare), assignment.department
            ),
            actor=actor,
        )


def _first_rate(form: Any) -> list[RateTerm]:
    rate = form.cleaned_data.get("rate")
    if rate is None:
        return []
    return [
        RateTerm(
            starts_on=form.instance.starts_on,
            rate=rate,
            unit=form.cleaned_data.get("rate_unit") or RateUnit.DAY,
        )
    ]


def _new_contractor(form: Any, name: str, actor: User) -> Contractor:
    contractor = Contractor(
        full_name=name,
        work_email=form.cleaned_data.get("new_contractor_email") or "",
        vendor=form.instance.vendor,
        jurisdiction=form.instance.country,
    )
    try:
        return create_record(record=contractor, actor=actor)
    except ValidationError as error:
        # Beside the field in which the new contractor was typed.
        raise ValidationError({"new_contractor_name": error.messages}) from error
