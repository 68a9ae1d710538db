"""What a person can do with an invoice, from buttons on its page and on the list."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.bulk import BulkChange
from engagements.admin.record_admin import actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import UnfoldModelAdmin, action
from engagements.errors import TrackerError
from engagements.models import User
from engagements.permissions import roles_of, sees_all
from tracker.admin.steps import Step, take_step
from tracker.spend.hours import has_logged_what_is_billed
from tracker.spend.models import Invoice, InvoiceLine, InvoiceStatus
from tracker.spend.services import (
    approve_invoice,
    discard_draft,
    dispute_invoice,
    match_invoices,
    receive_invoice,
    reopen_invoice,
    settle_invoice,
)
from tracker.spend.services.invoice_states import CHECKERS, can_become, is_maker
from tracker.spend.services.invoices import money_told_of
from tracker.spend.services.match import COMPARED

if TYPE_CHECKING:
    from django.forms import DateInput
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

# Who records invoices checks them too; approving and paying change one.
RECORD, RELEASE = "tracker.add_invoice", "tracker.change_invoice"


class YesDialog(_Dialog):
    """Only asks for a yes."""


class MoneyDialog(YesDialog):
    """Tells which budgets the invoice exceeds."""

    form_before_template = "engagements/admin/facts.html"

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        invoice = visible(Invoice, actor_of(request)).filter(pk=object_id).first()
        if invoice is None or not sees_whole(actor_of(request), invoice):
            return {}
        return {"note": " ".join(_told_of_money(invoice))}


def _told_as_stored(pk: int) -> list[str]:
    return _told_of_money(Invoice.objects.get(pk=pk))


def _told_of_money(invoice: Invoice) -> list[str]:
    """Return what the budgets say, or why the step would be refused."""
    try:
        return money_told_of(invoice=invoice)
    except ValidationError as refusal:
        return list(refusal.messages)
    except TrackerError as refusal:
        return [str(refusal)]


class DisputeDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("What is wrong and who was told. It is kept."),
    )


class PaidDialog(_Dialog):
    paid_on = forms.DateField(
        label=gettext_lazy("Paid on"),
        initial=timezone.localdate,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def sees_whole(user: User, invoice: Invoice) -> bool:
    """Whether the person sees every line, and so may answer for the invoice."""
    if sees_all(user):
        return True
    seen = visible(InvoiceLine, user).filter(invoice=invoice)
    return not invoice.lines.exclude(pk__in=seen.values("pk")).exists()


def _match_again(*, invoice: Invoice, actor: User) -> None:
    """Compare as the night does: what comes of it is nobody's own word."""
    del actor
    match_invoices(ids=[invoice.pk], actor=None)


class InvoiceSteps(UnfoldModelAdmin):
    actions_detail = (
        "receive",
        "match",
        "approve",
        "settle",
        "reopen",
        "dispute",
        "attach",
        "discard",
    )

    @action(
        description=gettext_lazy("Receive"),
        url_path="receive",
        icon="move_to_inbox",
        permissions=["receive"],
        dialog={
            "title": gettext_lazy("Receive this invoice"),
            "description": gettext_lazy(
                "It is posted as spend and stays as it is from then on: a credit note"
                " corrects it."
            ),
            "form_class": MoneyDialog,
            "form_submit_text": gettext_lazy("Receive"),
        },
    )
    def receive(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        done = _("The invoice is received and posted.")
        return self._take(request, object_id, RECORD, receive_invoice, done)

    @action(
        description=gettext_lazy("Match again"),
        url_path="match",
        icon="rule",
        permissions=["match"],
        dialog={
            "title": gettext_lazy("Compare this invoice anew"),
            "description": gettext_lazy(
                "With what was agreed, worked, ordered and credited, as it is now. It"
                " is matched, or disputed where something doesn't fit."
            ),
            "form_class": MoneyDialog,
            "form_submit_text": gettext_lazy("Match again"),
        },
    )
    def match(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        done = _("The invoice was compared anew.")
        return self._take(
            request, object_id, RECORD, _match_again, done, tells_of_money=True
        )

    @action(
        description=gettext_lazy("Approve"),
        url_path="approve",
        icon="verified",
        permissions=["approve"],
        dialog={
            "title": gettext_lazy("Release this invoice for payment"),
            "description": gettext_lazy("It is kept with your name."),
            "form_class": MoneyDialog,
            "form_submit_text": gettext_lazy("Approve"),
        },
    )
    def approve(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        done = _("The invoice is approved.")
        return self._take(
            request, object_id, RELEASE, approve_invoice, done, tells_of_money=True
        )

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
        step = partial(settle_invoice, paid_on=form.cleaned_data["paid_on"])
        done = _("The payment is recorded.")
        return self._take(request, object_id, RELEASE, step, done)

    @action(
        description=gettext_lazy("Open again"),
        url_path="reopen",
        icon="undo",
        permissions=["reopen"],
        dialog={
            "title": gettext_lazy("Take the dispute back"),
            "description": gettext_lazy("The invoice is to be compared anew."),
            "form_class": YesDialog,
            "form_submit_text": gettext_lazy("Open again"),
        },
    )
    def reopen(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        done = _("The dispute is taken back.")
        return self._take(request, object_id, RECORD, reopen_invoice, done)

    @action(
        description=gettext_lazy("Dispute…"),
        url_path="dispute",
        icon="report",
        permissions=["dispute"],
        dialog={
            "title": gettext_lazy("Hold this invoice back"),
            "description": gettext_lazy("It is not paid until this is resolved."),
            "form_class": DisputeDialog,
            "form_submit_text": gettext_lazy("Dispute"),
        },
    )
    def dispute(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        step = partial(dispute_invoice, reason=form.cleaned_data["reason"])
        done = _("The invoice is disputed.")
        return self._take(request, object_id, RECORD, step, done)

    @action(
        description=gettext_lazy("Attach a file"),
        url_path="attach",
        icon="attach_file",
        permissions=["attach"],
    )
    def attach(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if self.get_object(request, object_id) is None:
            raise Http404
        page = reverse("admin:tracker_invoiceattachment_add")
        return HttpResponseRedirect(f"{page}?invoice={object_id}")

    @action(
        description=gettext_lazy("Discard"),
        url_path="discard",
        icon="delete",
        permissions=["receive"],
        dialog={
            "title": gettext_lazy("Discard this draft"),
            "description": gettext_lazy("It is deleted with its lines and files."),
            "form_class": YesDialog,
            "form_submit_text": gettext_lazy("Discard"),
        },
    )
    def discard(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        answer = self._take(
            request, object_id, RECORD, discard_draft, _("The draft is discarded.")
        )
        if not Invoice.objects.filter(pk=object_id).exists():
            answer["HX-Redirect"] = reverse("admin:tracker_invoice_changelist")
        return answer

    def has_receive_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._may(request, object_id, InvoiceStatus.RECEIVED, draft=True)

    def has_match_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        user = actor_of(request)
        if not user.has_perm(RECORD) or not roles_of(user) & CHECKERS:
            return False
        invoice = self._invoice(request, object_id)
        if invoice is None or invoice.status not in COMPARED:
            return False
        return sees_whole(user, invoice)

    def has_dispute_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._may(request, object_id, InvoiceStatus.DISPUTED)

    def has_reopen_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._may(request, object_id, InvoiceStatus.RECEIVED, draft=False)

    def has_approve_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        invoice = self._in_step(request, object_id, RELEASE, InvoiceStatus.APPROVED)
        if invoice is None:
            return False
        user = actor_of(request)
        is_own = is_maker(invoice, user) or has_logged_what_is_billed(invoice.pk, user)
        return not is_own

    def has_settle_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._in_step(request, object_id, RELEASE, InvoiceStatus.PAID)
        return found is not None

    def has_attach_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if not request.user.has_perm("tracker.add_invoiceattachment"):
            return False
        invoice = self._invoice(request, object_id)
        return invoice is not None and sees_whole(actor_of(request), invoice)

    def _may(
        self,
        request: HttpRequest,
        object_id: str | None,
        wanted: InvoiceStatus,
        *,
        draft: bool | None = None,
    ) -> bool:
        """Whether the invoice can take the step, from a draft or not, and they it."""
        user = actor_of(request)
        invoice = self._in_step(request, object_id, RECORD, wanted)
        if invoice is None or not roles_of(user) & CHECKERS:
            return False
        is_draft = invoice.status == InvoiceStatus.DRAFT
        if draft is not None and draft != is_draft:
            return False
        return sees_whole(user, invoice)

    def _in_step(
        self,
        request: HttpRequest,
        object_id: str | None,
        permission: str,
        wanted: InvoiceStatus,
    ) -> Invoice | None:
        if not request.user.has_perm(permission):
            return None
        invoice = self._invoice(request, object_id)
        return invoice if invoice and can_become(invoice, wanted) else None

    def _invoice(self, request: HttpRequest, object_id: str | None) -> Invoice | None:
        """Return the invoice, read once for all of the page's buttons."""
        if object_id is None:
            return None
        known: tuple[str, Invoice | None] | None = getattr(request, "_invoice", None)
        if known is None or known[0] != object_id or request.method != "GET":
            known = (object_id, self.get_object(request, object_id))
            setattr(request, "_invoice", known)  # noqa: B010 - no field of requests
        return known[1]

    def _take(
        self,
        request: HttpRequest,
        object_id: str,
        permission: str,
        step: Step,
        done: str,
        *,
        tells_of_money: bool = False,
    ) -> HttpResponse:
        """Take the step; one that posts nothing tells of the budgets where asked."""
        invoice = self.get_object(request, object_id)
        actor = actor_of(request)
        if invoice is not None and not sees_whole(actor, invoice):
            raise PermissionDenied
        call = partial(step, invoice=invoice, actor=actor)
        if invoice is None or not tells_of_money:
            return take_step(request, invoice, permission, call, done)
        warnings = partial(_told_as_stored, invoice.pk)
        return take_step(request, invoice, permission, call, done, warnings)


class ApproveInvoices(BulkChange):
    """Release many invoices at once; each row tells its own outcome."""

    name = "approve"
    label = gettext_lazy("Approve")
    of_models = {Invoice: ("vendor",)}

    def before_and_after(self, record: Any, value: Any) -> tuple[str, str]:
        return record.get_status_display(), str(InvoiceStatus.APPROVED.label)

    def apply(self, record: Any, value: Any, actor: User) -> Sequence[str]:
        approve_invoice(invoice=record, actor=actor)
        return _told_as_stored(record.pk)
