"""Starting, cancelling and closing an engagement, from buttons on its page."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.approval_steps import ApprovalSteps
from engagements.admin.change_order_steps import ChangeOrderSteps
from engagements.admin.conversion_steps import ConversionSteps
from engagements.admin.lifecycle_page import LifecyclePage
from engagements.admin.money_warnings import warnings_of_money
from engagements.admin.obstacles import shown_obstacles
from engagements.admin.opened_dialog import OpenedDialog, is_pressed
from engagements.admin.record_admin import actor_of
from engagements.admin.renewal_steps import RenewalSteps
from engagements.admin.unfold_types import action
from engagements.choices import EndReason, Status
from engagements.errors import TrackerError
from engagements.models import Engagement
from engagements.services.lifecycle import (
    cancel_engagement,
    end_engagement,
    start_engagement,
    terminate_engagement,
)
from engagements.services.spending import Moment

if TYPE_CHECKING:
    from django.forms import DateInput, NullBooleanSelect, Select
else:
    from unfold.widgets import UnfoldAdminNullBooleanSelectWidget as NullBooleanSelect
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput

NOT_STARTED = (Status.DRAFT, Status.PENDING_APPROVAL)


class YesDialog(OpenedDialog):
    """Only asks for a yes."""


class StartDialog(OpenedDialog):
    """Tells which budgets the start would exceed."""

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        told = super().get_before_template_context(request, object_id)
        found = warnings_of_money(self.engagement, Moment.ORDER)
        return told | {"note": " ".join(filter(None, [self.note, *found]))}


class ClosingDialog(OpenedDialog):
    form_before_template = "engagements/admin/closing.html"

    ended_on = forms.DateField(
        label=gettext_lazy("Last day"),
        initial=timezone.localdate,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Included in the engagement."),
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"), choices=EndReason.choices, widget=Select()
    )
    is_eligible_again = forms.NullBooleanField(
        label=gettext_lazy("Would you take them again?"),
        required=False,
        widget=NullBooleanSelect(),
    )

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        user, today = actor_of(request), timezone.localdate()
        engagement = Engagement.objects.visible_to(user).get(pk=object_id)
        told = super().get_before_template_context(request, object_id)
        return told | {
            "obstacles": shown_obstacles(engagement, user, today),
            "is_dialog": True,
        }


class LifecycleSteps(
    ApprovalSteps, RenewalSteps, ChangeOrderSteps, ConversionSteps, LifecyclePage
):
    actions_detail = (
        "start",
        *ApprovalSteps.actions_detail,
        *RenewalSteps.actions_detail,
        *ChangeOrderSteps.actions_detail,
        "convert_to_managed",
        "convert_to_augmented",
        "end",
        "terminate",
        "cancel",
    )

    @action(
        description=gettext_lazy("Start"),
        url_path="start",
        icon="play_arrow",
        permissions=["start"],
        dialog={
            "title": gettext_lazy("Start this engagement?"),
            "description": gettext_lazy(
                "It becomes active: work and invoices count from its first day on."
            ),
            "form_class": StartDialog,
            "form_submit_text": gettext_lazy("Start"),
        },
    )
    def start(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        warnings = warnings_of_money(engagement, Moment.ORDER)
        try:
            start_engagement(engagement=engagement, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        self._warn_of_tenure(request, engagement)
        self._warn_of_money(request, warnings)
        return self._back(request, engagement, told=_("Started."))

    @action(
        description=gettext_lazy("End…"),
        url_path="end",
        icon="stop",
        permissions=["end"],
        dialog={
            "title": gettext_lazy("End this engagement"),
            "description": gettext_lazy("Nothing is deleted; it counts as ended."),
            "form_class": ClosingDialog,
            "form_submit_text": gettext_lazy("End"),
        },
    )
    def end(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._close(request, object_id, form, end_engagement, _("Ended."))

    @action(
        description=gettext_lazy("Terminate…"),
        url_path="terminate",
        icon="cancel",
        permissions=["end"],
        dialog={
            "title": gettext_lazy("Terminate this engagement"),
            "description": gettext_lazy(
                "It was broken off before its agreed last day."
            ),
            "form_class": ClosingDialog,
            "form_submit_text": gettext_lazy("Terminate"),
        },
    )
    def terminate(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        told = _("Terminated.")
        return self._close(request, object_id, form, terminate_engagement, told)

    @action(
        description=gettext_lazy("Cancel…"),
        url_path="cancel",
        icon="block",
        permissions=["cancel"],
        dialog={
            "title": gettext_lazy("Cancel this engagement?"),
            "description": gettext_lazy(
                "It never starts; it stays on record as cancelled."
            ),
            "form_class": YesDialog,
            "form_submit_text": gettext_lazy("Cancel the engagement"),
        },
    )
    def cancel(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        try:
            cancel_engagement(engagement=engagement, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        return self._back(request, engagement, told=_("Cancelled."))

    def _close(
        self,
        request: HttpRequest,
        object_id: str,
        form: forms.Form,
        service: Callable[..., Engagement],
        told: str,
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        answers: dict[str, Any] = form.cleaned_data
        try:
            service(
                engagement=engagement,
                ended_on=answers["ended_on"],
                reason=EndReason(answers["reason"]),
                is_eligible_again=answers["is_eligible_again"],
                actor=actor_of(request),
            )
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        return self._back(request, engagement, told=told)

    def has_start_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Where no rule asks for an approval first."""
        if not self._is_in(request, object_id, Status.DRAFT):
            return False
        found = self._changeable(request, object_id)
        return is_pressed(request) or not self._needs_approval(request, found)

    def has_cancel_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, *NOT_STARTED)

    def has_end_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, Status.ACTIVE)
