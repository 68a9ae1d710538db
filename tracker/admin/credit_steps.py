"""What a person can do with a credit, from buttons on its page."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import UnfoldModelAdmin, action
from engagements.choices import ChargeKind
from engagements.models import User
from tracker.admin.steps import Step, take_step
from tracker.performance.letters import CONTENT_TYPE, claim_letter
from tracker.performance.models import Credit, CreditState
from tracker.performance.services import (
    agree_credit,
    apply_credit,
    claim_credit,
    waive_credit,
)
from tracker.spend.invoice_number import normalise_number
from tracker.spend.models import InvoiceLine

if TYPE_CHECKING:
    from django.forms import Textarea as TextArea
    from django.forms import TextInput

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

CHANGE = "tracker.change_credit"
# Digits that the number of a line can have.
LONGEST_NUMBER = 5
OPEN = (CreditState.DUE, CreditState.CLAIMED, CreditState.AGREED)


class ClaimDialog(_Dialog):
    """Only asks for a yes."""


class AgreeDialog(_Dialog):
    amount = forms.DecimalField(
        label=gettext_lazy("Agreed amount"),
        required=False,
        min_value=0,
        max_digits=18,
        decimal_places=4,
        widget=TextInput(attrs={"inputmode": "decimal"}),
        help_text=gettext_lazy("Blank: all that was claimed."),
    )


class ApplyDialog(_Dialog):
    line = forms.CharField(
        label=gettext_lazy("Invoice and line"),
        required=False,
        widget=TextInput(attrs={"placeholder": "INV-1042 / 3"}),
        help_text=gettext_lazy(
            "The vendor's invoice number and the number of its credit line. Blank where"
            " the money came back without an invoice."
        ),
    )


class WaiveDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
    )


def _apply(*, credit: Credit, line: str, today: date, actor: User) -> Credit:
    found = _line_of(credit, line) if line.strip() else None
    return apply_credit(credit=credit, invoice_line=found, today=today, actor=actor)


def _line_of(credit: Credit, text: str) -> InvoiceLine:
    """Return the credit line that is named by its invoice and, if need be, number."""
    number, slash, place = text.rpartition("/")
    lines = InvoiceLine.objects.filter(
        engagement=credit.engagement_id,
        charge_kind=ChargeKind.CREDIT,
        invoice__normalised_number=normalise_number(number if slash else text),
    )
    if slash:
        if not place.strip().isdecimal() or len(place) > LONGEST_NUMBER:
            raise ValidationError(_("Write it as the invoice's number / the line's."))
        lines = lines.filter(number=int(place))
    found = list(lines[:2])
    if len(found) != 1:
        raise ValidationError(
            _("There is no such credit line for this engagement: name both numbers.")
        )
    line: InvoiceLine = found[0]
    return line


class CreditSteps(UnfoldModelAdmin):
    actions_detail = ("letter", "claim", "agree", "apply", "waive")

    @action(
        description=gettext_lazy("Claim letter"),
        url_path="letter",
        icon="description",
        permissions=["letter"],
    )
    def letter(self, request: HttpRequest, object_id: str) -> HttpResponse:
        credit: Credit | None = self.get_object(request, object_id)
        if credit is None:
            raise Http404
        if not request.user.has_perm("tracker.view_credit"):
            raise PermissionDenied
        name = f"claim-{credit.engagement.reference}-{credit.window_from:%Y-%m}.docx"
        return HttpResponse(
            claim_letter(credit, today=timezone.localdate()),
            content_type=CONTENT_TYPE,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @action(
        description=gettext_lazy("Claimed"),
        url_path="claim",
        icon="send",
        permissions=["claim"],
        dialog={
            "title": gettext_lazy("The credit was claimed"),
            "description": gettext_lazy("The letter has gone to the vendor."),
            "form_class": ClaimDialog,
            "form_submit_text": gettext_lazy("Claimed"),
        },
    )
    def claim(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._take(request, object_id, claim_credit, _("The credit is claimed."))

    @action(
        description=gettext_lazy("Agreed…"),
        url_path="agree",
        icon="handshake",
        permissions=["agree"],
        dialog={
            "title": gettext_lazy("The vendor grants the credit"),
            "description": gettext_lazy("It counts as spend taken back from now on."),
            "form_class": AgreeDialog,
            "form_submit_text": gettext_lazy("Agreed"),
        },
    )
    def agree(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        amount = form.cleaned_data["amount"]
        return self._take(
            request, object_id, agree_credit, _("The credit is agreed."), amount=amount
        )

    @action(
        description=gettext_lazy("Applied…"),
        url_path="apply",
        icon="task_alt",
        permissions=["apply"],
        dialog={
            "title": gettext_lazy("The money came back"),
            "description": "",
            "form_class": ApplyDialog,
            "form_submit_text": gettext_lazy("Applied"),
        },
    )
    def apply(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._take(
            request,
            object_id,
            _apply,
            _("The credit is applied."),
            line=form.cleaned_data["line"],
        )

    @action(
        description=gettext_lazy("Waive…"),
        url_path="waive",
        icon="close",
        permissions=["waive"],
        dialog={
            "title": gettext_lazy("Let the credit go"),
            "description": "",
            "form_class": WaiveDialog,
            "form_submit_text": gettext_lazy("Waive"),
        },
    )
    def waive(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._take(
            request, object_id, waive_credit, _("The credit is waived."), reason=reason
        )

    def has_letter_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return object_id is not None and request.user.has_perm("tracker.view_credit")

    def has_claim_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, CreditState.DUE)

    def has_agree_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, CreditState.CLAIMED)

    def has_apply_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, CreditState.AGREED)

    def has_waive_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, *OPEN)

    def _is_in(
        self, request: HttpRequest, object_id: str | None, *states: CreditState
    ) -> bool:
        if object_id is None or not request.user.has_perm(CHANGE):
            return False
        credit = self.get_object(request, object_id)
        return credit is not None and credit.state in states

    def _take(
        self,
        request: HttpRequest,
        object_id: str,
        step: Step,
        done: str,
        **told: Any,
    ) -> HttpResponse:
        credit = self.get_object(request, object_id)
        told |= {
            "credit": credit,
            "today": timezone.localdate(),
            "actor": actor_of(request),
        }
        return take_step(request, credit, CHANGE, lambda: step(**told), done)
