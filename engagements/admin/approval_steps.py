"""Sending an engagement for approval, taking it back, approving and rejecting it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.approval_lines import amount_of, person, subject
from engagements.admin.columns import money, short_date
from engagements.admin.inputs import plain_number
from engagements.admin.lifecycle_page import LifecyclePage
from engagements.admin.money_warnings import warnings_of_money
from engagements.admin.opened_dialog import is_pressed
from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import action
from engagements.choices import ApprovalOutcome, Status
from engagements.errors import TrackerError, WrongStateError
from engagements.models import Approval, ChangeOrder, Engagement
from engagements.queries import waiting_for, with_units
from engagements.services.approval_requests import approvals_needed
from engagements.services.approvals import approve, reject
from engagements.services.change_orders import withdraw_change_order
from engagements.services.lifecycle import submit_engagement, withdraw_engagement
from engagements.services.spending import Moment

if TYPE_CHECKING:
    from django.forms import Textarea as TextArea

    class _Dialog(forms.Form):
        request: HttpRequest
        object_id: str

else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea


# What may have approvals waiting: of its start, or of a change order.
UNDECIDED = (Status.PENDING_APPROVAL, Status.ACTIVE)


class SubmitDialog(_Dialog):
    """Names the rules and the value that they compare."""

    form_before_template = "engagements/admin/facts.html"

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        found = Engagement.objects.visible_to(request.user).filter(pk=object_id).first()
        if found is None:
            return {}
        try:
            needed = approvals_needed(found)
        except TrackerError as refusal:
            return {"note": str(refusal)}
        facts = [(rule.name, rule.approver_group.name) for rule in needed.rules]
        return {
            "caption": _("Asked for by rule, of group"),
            "facts": facts,
            "note": " ".join(warnings_of_money(found, Moment.REQUEST)),
        }


class DecisionDialog(_Dialog):
    """Shows what is to be decided before it is."""

    form_before_template = "engagements/admin/facts.html"

    def decided(self) -> QuerySet[Approval]:
        """Return what is decided on: what waits for the person on this page."""
        user = actor_of(self.request)
        return waiting_for(user).filter(engagement=int(self.object_id))

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        rows = with_units(self.decided()).select_related(
            "engagement__vendor", "change_order", "rule", "asked_by"
        )
        return {
            "caption": _("What is asked for"),
            "facts": [fact for row in rows for fact in facts_of(row)],
        }


class ApproveDialog(DecisionDialog):
    reason = forms.CharField(
        label=gettext_lazy("Note"), required=False, widget=TextArea(attrs={"rows": 2})
    )


class RejectDialog(DecisionDialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("Whoever asked reads it, and it stays on record."),
    )


APPROVE_DIALOG = {
    "title": gettext_lazy("Approve"),
    "description": gettext_lazy(
        "With the last approval it starts, or the change takes effect."
    ),
    "form_class": ApproveDialog,
    "form_submit_text": gettext_lazy("Approve"),
}
REJECT_DIALOG = {
    "title": gettext_lazy("Reject"),
    "description": gettext_lazy("It goes back to whoever asked."),
    "form_class": RejectDialog,
    "form_submit_text": gettext_lazy("Reject"),
}


def facts_of(approval: Approval) -> list[tuple[str, Any]]:
    """Return what somebody has to know who decides, with labels."""
    engagement = approval.engagement
    facts: list[tuple[str, Any]] = [
        (_("Engagement"), engagement.title),
        (_("Vendor"), engagement.vendor),
        (_("For"), subject(approval)),
        (_("Rule"), approval.rule.name),
        (_("Term"), _term(engagement)),
        (_("Value of the term"), amount_of(approval) or _("not known")),
        (_("Asked by"), person(approval.asked_by)),
    ]
    order = approval.change_order
    if order is not None:
        facts += _facts_of_order(order, engagement.currency)
    return facts


def _facts_of_order(order: ChangeOrder, currency: str) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        (_("Effective on"), short_date(order.effective_on)),
        (_("Change of value"), money(order.value_change, currency)),
    ]
    if order.new_price is not None:
        facts.append((_("New price"), money(order.new_price, currency)))
    if order.new_weekly_hours is not None:
        facts.append((_("New weekly hours"), plain_number(order.new_weekly_hours)))
    if order.new_ends_on:
        facts.append((_("New end"), short_date(order.new_ends_on)))
    return [*facts, (_("Reason"), order.reason)]


def _term(engagement: Engagement) -> str:
    end = engagement.term_ends_on
    return _("%(start)s to %(end)s") % {
        "start": short_date(engagement.term_starts_on),
        "end": short_date(end) if end else _("open end"),
    }


def decide(
    *, approvals: QuerySet[Approval], service: Callable[..., Approval], **told: Any
) -> None:
    """Decide on all; raises WrongStateError where nothing waits any more."""
    rows = list(approvals)
    if not rows:
        raise WrongStateError(_("Nothing waits for you here any more."))
    with transaction.atomic():
        for row in rows:
            service(approval=row, **told)


class ApprovalSteps(LifecyclePage):
    actions_detail: tuple[str, ...] = ("submit", "approve", "reject", "withdraw")

    @action(
        description=gettext_lazy("Send for approval…"),
        url_path="send-for-approval",
        icon="send",
        permissions=["submit"],
        dialog={
            "title": gettext_lazy("Send this engagement for approval?"),
            "description": gettext_lazy(
                "Price, dates and terms stay as they are while it waits."
            ),
            "form_class": SubmitDialog,
            "form_submit_text": gettext_lazy("Send"),
        },
    )
    def submit(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        warnings = warnings_of_money(engagement, Moment.REQUEST)
        try:
            submit_engagement(engagement=engagement, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        self._warn_of_money(request, warnings)
        return self._back(request, engagement, told=_("Sent for approval."))

    @action(
        description=gettext_lazy("Approve…"),
        url_path="approve",
        icon="check",
        permissions=["decide"],
        dialog=APPROVE_DIALOG,
    )
    def approve(
        self, request: HttpRequest, form: DecisionDialog, object_id: str
    ) -> HttpResponse:
        return self._decide(request, form, object_id, approve, _("Approved."))

    @action(
        description=gettext_lazy("Reject…"),
        url_path="reject",
        icon="close",
        permissions=["decide"],
        dialog=REJECT_DIALOG,
    )
    def reject(
        self, request: HttpRequest, form: DecisionDialog, object_id: str
    ) -> HttpResponse:
        return self._decide(request, form, object_id, _reject_first, _("Rejected."))

    @action(
        description=gettext_lazy("Withdraw…"),
        url_path="withdraw",
        icon="undo",
        permissions=["withdraw"],
        dialog={
            "title": gettext_lazy("Withdraw from approval?"),
            "description": gettext_lazy(
                "Nobody need decide any more; it can be changed and sent again."
            ),
            "form_class": _Dialog,
            "form_submit_text": gettext_lazy("Withdraw"),
        },
    )
    def withdraw(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        order = _waiting(engagement.pk).exclude(change_order=None).first()
        try:
            if order is not None and order.change_order is not None:
                withdraw_change_order(
                    change_order=order.change_order, actor=actor_of(request)
                )
            else:
                withdraw_engagement(engagement=engagement, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        return self._back(request, engagement, told=_("Withdrawn."))

    def _decide(
        self,
        request: HttpRequest,
        form: DecisionDialog,
        object_id: str,
        service: Callable[..., Approval],
        told: str,
    ) -> HttpResponse:
        engagement = self.get_object(request, object_id)
        if engagement is None:
            raise Http404
        is_start = engagement.status == Status.PENDING_APPROVAL and service is approve
        warnings = warnings_of_money(engagement, Moment.ORDER) if is_start else []
        try:
            decide(
                approvals=form.decided(),
                service=service,
                reason=form.cleaned_data["reason"],
                actor=actor_of(request),
            )
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        if service is approve:
            self._warn_of_tenure(request, engagement)
        self._warn_of_money(request, warnings)
        return self._back(request, engagement, told=told)

    def has_submit_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._changeable(request, object_id)
        is_draft = found is not None and found.status == Status.DRAFT
        return is_draft and self._needs_approval(request, found)

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """For those it waits for, though they may not change the engagement."""
        if object_id is None:
            return False
        found = self._seen(request, object_id)
        if found is None:
            return False
        if is_pressed(request):
            # After a second press the page says that nothing waits any more.
            return True
        if found.status not in UNDECIDED:
            return False
        read: dict[int, bool] = request.__dict__.setdefault("decides_on", {})
        if found.pk not in read:
            rows = waiting_for(actor_of(request)).filter(engagement=found.pk)
            read[found.pk] = rows.exists()
        return read[found.pk]

    def has_withdraw_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._changeable(request, object_id)
        if found is None:
            return False
        if found.status == Status.PENDING_APPROVAL:
            return True
        return found.status == Status.ACTIVE and _waiting(found.pk).exists()

    def _needs_approval(self, request: HttpRequest, engagement: Any) -> bool:
        """Return whether a rule asks; so it is too where that can't be told."""
        read: dict[int, bool] = request.__dict__.setdefault("needs_approval", {})
        if engagement.pk not in read:
            try:
                read[engagement.pk] = bool(approvals_needed(engagement).rules)
            except TrackerError:
                read[engagement.pk] = True
        return read[engagement.pk]


def _waiting(engagement_id: int) -> QuerySet[Approval]:
    return Approval.objects.filter(
        engagement=engagement_id, outcome=ApprovalOutcome.WAITING
    ).select_related("change_order")


def _reject_first(*, approval: Approval, **told: Any) -> Approval:
    """Reject once: with the first rejection the others are withdrawn."""
    stored = Approval.objects.get(pk=approval.pk)
    if stored.outcome == ApprovalOutcome.WITHDRAWN:
        return stored
    return reject(approval=approval, **told)
