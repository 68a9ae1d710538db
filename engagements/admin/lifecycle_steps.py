"""Starting and ending an engagement, from buttons on its page."""

from typing import TYPE_CHECKING

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.lifecycle_page import LifecyclePage
from engagements.admin.record_admin import actor_of
from engagements.admin.renewal_steps import RenewalSteps
from engagements.admin.unfold_types import action
from engagements.choices import EndReason, Status
from engagements.errors import TrackerError
from engagements.services.lifecycle import end_engagement, start_engagement

if TYPE_CHECKING:
    from django.forms import DateInput, NullBooleanSelect, Select

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminNullBooleanSelectWidget as NullBooleanSelect
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput

CAN_START = (Status.DRAFT, Status.PENDING_APPROVAL)


class StartDialog(_Dialog):
    """Only asks for a yes."""


class EndDialog(_Dialog):
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


class LifecycleSteps(RenewalSteps, LifecyclePage):
    actions_detail = ("start", *RenewalSteps.actions_detail, "end")

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
        try:
            start_engagement(engagement=engagement, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        return self._back(request, engagement, told=_("Started."))

    @action(
        description=gettext_lazy("End…"),
        url_path="end",
        icon="stop",
        permissions=["end"],
        dialog={
            "title": gettext_lazy("End this engagement"),
            "description": gettext_lazy("Nothing is deleted; it counts as ended."),
            "form_class": EndDialog,
            "form_submit_text": gettext_lazy("End"),
        },
    )
    def end(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        try:
            end_engagement(
                engagement=engagement,
                ended_on=form.cleaned_data["ended_on"],
                reason=EndReason(form.cleaned_data["reason"]),
                is_eligible_again=form.cleaned_data["is_eligible_again"],
                actor=actor_of(request),
            )
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        return self._back(request, engagement, told=_("Ended."))

    def has_start_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, *CAN_START)

    def has_end_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, Status.ACTIVE)
