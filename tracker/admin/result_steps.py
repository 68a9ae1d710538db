"""What a person can do about a window: excuse it, or let it count again."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import UnfoldModelAdmin, action
from tracker.admin.steps import Step, take_step
from tracker.performance.models import LevelResult
from tracker.performance.service_levels import Outcome
from tracker.performance.services import count_window_again, excuse_window

if TYPE_CHECKING:
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

CHANGE = "tracker.change_levelresult"


class ExcuseDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept with the window, with your name."),
    )


class CountAgainDialog(_Dialog):
    """Only asks for a yes."""


class ResultSteps(UnfoldModelAdmin):
    actions_detail = ("excuse", "count_again")

    @action(
        description=gettext_lazy("Excuse…"),
        url_path="excuse",
        icon="event_busy",
        permissions=["excuse"],
        dialog={
            "title": gettext_lazy("Excuse this window"),
            "description": gettext_lazy("It counts neither as met nor as missed."),
            "form_class": ExcuseDialog,
            "form_submit_text": gettext_lazy("Excuse"),
        },
    )
    def excuse(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._take(request, object_id, excuse_window, reason=reason)

    @action(
        description=gettext_lazy("Count again"),
        url_path="count-again",
        icon="undo",
        permissions=["count_again"],
        dialog={
            "title": gettext_lazy("Let this window count again"),
            "description": gettext_lazy("It is judged by its figures."),
            "form_class": CountAgainDialog,
            "form_submit_text": gettext_lazy("Count again"),
        },
    )
    def count_again(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._take(request, object_id, count_window_again)

    def has_excuse_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_excused(request, object_id) is False

    def has_count_again_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_excused(request, object_id) is True

    def _is_excused(self, request: HttpRequest, object_id: str | None) -> bool | None:
        """Return None where the user may do nothing about it."""
        if object_id is None or not request.user.has_perm(CHANGE):
            return None
        result: LevelResult | None = self.get_object(request, object_id)
        return None if result is None else result.outcome == Outcome.EXCUSED

    def _take(
        self, request: HttpRequest, object_id: str, step: Step, **told: Any
    ) -> HttpResponse:
        result = self.get_object(request, object_id)
        told |= {"result": result, "actor": actor_of(request)}
        done = _("The window is judged anew.")
        return take_step(request, result, CHANGE, lambda: step(**told), done)
