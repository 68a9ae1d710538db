"""What a person can decide about a flag, from buttons on its page."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.conversion_steps import conversion_page
from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import UnfoldModelAdmin, action
from engagements.errors import TrackerError
from engagements.services.conversion import CONVERTIBLE
from tracker.fit.models import Flag, FlagState
from tracker.fit.services import (
    accept_flag,
    acknowledge_flag,
    dismiss_flag,
    snooze_flag,
)

if TYPE_CHECKING:
    from django.forms import DateInput
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

UNDECIDED = (FlagState.OPEN, FlagState.ACKNOWLEDGED, FlagState.SNOOZED)


class AcknowledgeDialog(_Dialog):
    """Only asks for a yes."""


class SnoozeDialog(_Dialog):
    until = forms.DateField(
        label=gettext_lazy("Ask again on"),
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        widget=TextArea(attrs={"rows": 3}),
    )


class AcceptDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Note"), required=False, widget=TextArea(attrs={"rows": 3})
    )


class DismissDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Kept with the flag. It comes back only if much more speaks for it."
        ),
    )


class FlagDecisions(UnfoldModelAdmin):
    actions_detail = ("acknowledge", "snooze", "accept", "convert", "dismiss")

    @action(
        description=gettext_lazy("Acknowledge"),
        url_path="acknowledge",
        icon="visibility",
        permissions=["acknowledge"],
        dialog={
            "title": gettext_lazy("Look into it"),
            "description": gettext_lazy("Others see that somebody is on it."),
            "form_class": AcknowledgeDialog,
            "form_submit_text": gettext_lazy("Acknowledge"),
        },
    )
    def acknowledge(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._decide(request, object_id, acknowledge_flag)

    @action(
        description=gettext_lazy("Snooze…"),
        url_path="snooze",
        icon="snooze",
        permissions=["decide"],
        dialog={
            "title": gettext_lazy("Ask again later"),
            "description": "",
            "form_class": SnoozeDialog,
            "form_submit_text": gettext_lazy("Snooze"),
        },
    )
    def snooze(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            snooze_flag,
            until=form.cleaned_data["until"],
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=gettext_lazy("Accept…"),
        url_path="accept",
        icon="check",
        permissions=["decide"],
        dialog={
            "title": gettext_lazy("Change to the other model"),
            "description": gettext_lazy("You decide that the other model is wanted."),
            "form_class": AcceptDialog,
            "form_submit_text": gettext_lazy("Accept"),
        },
    )
    def accept(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._decide(request, object_id, accept_flag, reason=reason)

    @action(
        description=gettext_lazy("Convert…"),
        url_path="convert",
        icon="swap_horiz",
        permissions=["convert"],
    )
    def convert(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the page on which the engagement is converted."""
        flag = self.get_object(request, object_id)
        if flag is None:
            raise Http404
        return HttpResponseRedirect(conversion_page(flag.engagement))

    @action(
        description=gettext_lazy("Dismiss…"),
        url_path="dismiss",
        icon="close",
        permissions=["dismiss"],
        dialog={
            "title": gettext_lazy("Keep the current model"),
            "description": "",
            "form_class": DismissDialog,
            "form_submit_text": gettext_lazy("Dismiss"),
        },
    )
    def dismiss(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._decide(request, object_id, dismiss_flag, reason=reason)

    def has_acknowledge_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, FlagState.OPEN, FlagState.SNOOZED)

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, *UNDECIDED)

    def has_dismiss_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, *UNDECIDED, FlagState.ACCEPTED)

    def has_convert_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if not self._is_in(request, object_id, FlagState.ACCEPTED):
            return False
        flag = self.get_object(request, str(object_id))
        return flag is not None and flag.engagement.status in CONVERTIBLE

    def _is_in(
        self, request: HttpRequest, object_id: str | None, *states: FlagState
    ) -> bool:
        if object_id is None or not request.user.has_perm("tracker.change_flag"):
            return False
        flag = self.get_object(request, object_id)
        return flag is not None and flag.state in states

    def _decide(
        self,
        request: HttpRequest,
        object_id: str,
        decide: Callable[..., Flag],
        **told: Any,
    ) -> HttpResponse:
        """Decide by the service and leave the dialog for the flag's page."""
        flag = self.get_object(request, object_id)
        if flag is None:
            raise Http404
        if not request.user.has_perm("tracker.change_flag"):
            raise PermissionDenied
        try:
            decide(flag=flag, actor=actor_of(request), **told)
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
        except TrackerError as refusal:
            messages.error(request, str(refusal))
        else:
            word = flag.get_state_display().lower()
            messages.success(request, _("The flag is %(state)s.") % {"state": word})
        page = reverse("admin:tracker_flag_change", args=[flag.pk])
        return HttpResponse(headers={"HX-Redirect": page})
