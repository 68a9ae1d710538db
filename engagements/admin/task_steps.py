"""What becomes of a task, from buttons on its page and beside it in lists."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import actor_of
from engagements.admin.scope import visible
from engagements.admin.step_back import step_back
from engagements.admin.unfold_types import UnfoldModelAdmin, action
from engagements.choices import OPEN_TASKS, TaskStatus
from engagements.errors import TrackerError
from engagements.models import ChecklistTask, User
from engagements.services.boarding import (
    begin_task,
    dismiss_task,
    finish_task,
    reassign_task,
    reopen_task,
    report_stuck,
)

if TYPE_CHECKING:
    from django.forms import Select
    from django.forms import Textarea as TextArea

    class _Dialog(forms.Form):
        request: HttpRequest
        object_id: str

else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea


class SureDialog(_Dialog):
    """Only asks for a yes."""


class StuckDialog(_Dialog):
    note = forms.CharField(
        label=gettext_lazy("What it waits for"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
    )


class DismissTaskDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept with the task."),
    )


class ReassignDialog(_Dialog):
    owner = forms.ModelChoiceField(
        label=gettext_lazy("New owner"), queryset=User.objects.none(), widget=Select
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = visible(User, actor_of(self.request)).filter(is_active=True)
        owner = self.fields["owner"]
        owner.queryset = people.order_by(  # type: ignore[attr-defined] # of a choice
            "first_name", "last_name", "username"
        )


class TaskSteps(UnfoldModelAdmin):
    actions_detail = ("finish", "begin", "stuck", "reassign", "dismiss", "reopen")
    actions_row = ("finish", "begin", "stuck", "reassign", "dismiss")

    @action(
        description=gettext_lazy("Done"),
        url_path="done",
        icon="check",
        permissions=["step"],
        dialog={
            "title": gettext_lazy("Mark this task as done?"),
            "description": gettext_lazy("It is kept with your name and the time."),
            "form_class": SureDialog,
            "form_submit_text": gettext_lazy("Done"),
        },
    )
    def finish(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._step(request, object_id, finish_task)

    @action(
        description=gettext_lazy("Begin"),
        url_path="begin",
        icon="play_arrow",
        permissions=["begin"],
        dialog={
            "title": gettext_lazy("Begin this task?"),
            "description": gettext_lazy("Others see that somebody is on it."),
            "form_class": SureDialog,
            "form_submit_text": gettext_lazy("Begin"),
        },
    )
    def begin(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._step(request, object_id, begin_task)

    @action(
        description=gettext_lazy("Stuck…"),
        url_path="stuck",
        icon="front_hand",
        permissions=["step"],
        dialog={
            "title": gettext_lazy("What is it stuck on?"),
            "description": "",
            "form_class": StuckDialog,
            "form_submit_text": gettext_lazy("Mark as stuck"),
        },
    )
    def stuck(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        note = form.cleaned_data["note"]
        return self._step(request, object_id, report_stuck, note=note)

    @action(
        description=gettext_lazy("Reassign…"),
        url_path="reassign",
        icon="person",
        permissions=["step"],
        dialog={
            "title": gettext_lazy("Give the task to somebody else"),
            "description": "",
            "form_class": ReassignDialog,
            "form_submit_text": gettext_lazy("Reassign"),
        },
    )
    def reassign(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        owner = form.cleaned_data["owner"]
        return self._step(request, object_id, reassign_task, owner=owner)

    @action(
        description=gettext_lazy("Not applicable…"),
        url_path="dismiss",
        icon="close",
        permissions=["step"],
        dialog={
            "title": gettext_lazy("It doesn't apply here"),
            "description": "",
            "form_class": DismissTaskDialog,
            "form_submit_text": gettext_lazy("Not applicable"),
        },
    )
    def dismiss(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._step(request, object_id, dismiss_task, reason=reason)

    @action(
        description=gettext_lazy("Reopen"),
        url_path="reopen",
        icon="undo",
        permissions=["reopen"],
        dialog={
            "title": gettext_lazy("Reopen this task?"),
            "description": gettext_lazy("It is to do again; the history keeps both."),
            "form_class": SureDialog,
            "form_submit_text": gettext_lazy("Reopen"),
        },
    )
    def reopen(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        return self._step(request, object_id, reopen_task)

    def has_step_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, *OPEN_TASKS)

    def has_begin_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, TaskStatus.TO_DO, TaskStatus.STUCK)

    def has_reopen_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, TaskStatus.DONE, TaskStatus.DISMISSED)

    def _is_in(
        self, request: HttpRequest, object_id: str | None, *statuses: TaskStatus
    ) -> bool:
        """Tell whether the person may take a step; of a list, on any of its rows."""
        if not request.user.has_perm("engagements.change_checklisttask"):
            return False
        if object_id is None:
            return True
        read: dict[str, ChecklistTask | None]
        read = request.__dict__.setdefault("tasks_read", {})
        if object_id not in read:
            read[object_id] = self.get_object(request, object_id)
        task = read[object_id]
        # Somebody else may have taken the step meanwhile: the service says so then.
        return task is not None and (
            request.method == "POST" or task.status in statuses
        )

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        service: Callable[..., ChecklistTask],
        **told: Any,
    ) -> HttpResponse:
        task = self.get_object(request, object_id)
        if task is None:
            raise Http404
        if not request.user.has_perm("engagements.change_checklisttask"):
            raise PermissionDenied
        page = reverse("admin:engagements_checklisttask_change", args=[task.pk])
        try:
            taken = service(task=task, actor=actor_of(request), **told)
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, page, refusal=refusal)
        words = {"task": taken, "status": taken.get_status_display().lower()}
        return step_back(request, page, told=_("“%(task)s” is %(status)s.") % words)
