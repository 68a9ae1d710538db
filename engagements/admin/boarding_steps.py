"""Off-boarding, granting access and adding a task, from an engagement's page."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engagements.admin.lifecycle_page import LifecyclePage
from engagements.admin.record_admin import actor_of
from engagements.admin.scope import visible
from engagements.admin.step_back import step_back
from engagements.admin.unfold_types import action
from engagements.choices import ChecklistStage, Kind, Status
from engagements.errors import TrackerError
from engagements.models import (
    AccessGrant,
    ChecklistTask,
    Contractor,
    Engagement,
    NamedWorker,
    User,
)
from engagements.services.access import grant_access
from engagements.services.boarding import add_task, start_offboarding

if TYPE_CHECKING:
    from django.forms import DateInput, Select, TextInput

    class _Dialog(forms.Form):
        request: HttpRequest
        object_id: str

else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput


class StartDialog(_Dialog):
    """Only asks for a yes."""


class GrantDialog(_Dialog):
    form_before_template = "engagements/admin/dialog_note.html"
    form_after_template = "engagements/admin/known_systems.html"

    person = forms.ModelChoiceField(
        label=gettext_lazy("Person"), queryset=Contractor.objects.none(), widget=Select
    )
    system = forms.CharField(
        label=gettext_lazy("System"),
        max_length=120,
        widget=TextInput(attrs={"list": "known-systems", "autocomplete": "off"}),
        help_text=gettext_lazy("Account, building or device."),
    )
    granted_on = forms.DateField(
        label=gettext_lazy("Granted on"),
        initial=timezone.localdate,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        engagement = (
            Engagement.objects.visible_to(self.request.user)
            .filter(pk=self.object_id)
            .first()
        )
        people = people_of(engagement)
        self.fields["person"].queryset = people  # type: ignore[attr-defined] # above
        self.note = "" if people.exists() else _nobody(engagement)
        if not self.note and people.count() == 1:
            self.fields["person"].initial = people.get()

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        return {"note": self.note}

    def get_after_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        known = AccessGrant.objects.visible_to(self.request.user).order_by("system")
        return {"systems": known.values_list("system", flat=True).distinct()[:50]}


class TaskDialog(_Dialog):
    title = forms.CharField(
        label=gettext_lazy("What is to be done"), max_length=200, widget=TextInput()
    )
    stage = forms.ChoiceField(
        label=gettext_lazy("Stage"), choices=ChecklistStage.choices, widget=Select()
    )
    due_on = forms.DateField(
        label=gettext_lazy("Due on"),
        required=False,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    owner = forms.ModelChoiceField(
        label=gettext_lazy("Owner"),
        queryset=User.objects.none(),
        required=False,
        widget=Select,
        help_text=gettext_lazy("Left blank, the engagement's manager."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = visible(User, actor_of(self.request)).filter(is_active=True)
        owner = self.fields["owner"]
        owner.queryset = people.order_by(  # type: ignore[attr-defined] # of a choice
            "first_name", "last_name", "username"
        )


def people_of(engagement: Engagement | None) -> Any:
    """Return whom an engagement can grant access: its contractor, or named workers."""
    if engagement is None:
        return Contractor.objects.none()
    if engagement.kind == Kind.MANAGED:
        return NamedWorker.objects.filter(contract=engagement.pk)
    return Contractor.objects.filter(assignments=engagement.pk)


def _nobody(engagement: Engagement | None) -> str:
    if engagement is not None and engagement.kind == Kind.MANAGED:
        return _("Nobody is named yet: add the people the provider sends first.")
    return _("It isn't said yet who works here: choose the contractor first.")


class BoardingSteps(LifecyclePage):
    # Offered beside what they change, in boarding.html, not in the page's head.
    BOARDING = ("offboard", "grant", "add_own_task")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        steps: list[Any] = super().get_actions_detail(request, object_id)
        return [
            step for step in steps if step.method.__name__ not in BoardingSteps.BOARDING
        ]

    def boarding_links(self, request: HttpRequest, object_id: str) -> dict[str, str]:
        """Return the addresses of the steps that the person may take now."""
        allowed = {
            "offboard": self.has_offboard_permission(request, object_id),
            "grant": self.has_grant_permission(request, object_id),
            "add_own_task": self.has_add_task_permission(request, object_id),
        }
        return {
            name: reverse(
                f"admin:engagements_{self.opts.model_name}_{name}", args=[object_id]
            )
            for name, may in allowed.items()
            if may
        }

    @action(
        description=gettext_lazy("Start off-boarding"),
        url_path="start-offboarding",
        icon="logout",
        permissions=["offboard"],
        dialog={
            "title": gettext_lazy("Start off-boarding?"),
            "description": gettext_lazy(
                "The tasks of the checklists are made, due by the last day."
            ),
            "form_class": StartDialog,
            "form_submit_text": gettext_lazy("Start off-boarding"),
        },
    )
    def offboard(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        try:
            made = start_offboarding(engagement=engagement, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        told = ngettext("%(n)d task added.", "%(n)d tasks added.", len(made))
        if not made:
            told = _("Every task of the checklists is there already.")
        return self._back(request, engagement, told=told % {"n": len(made)})

    @action(
        description=gettext_lazy("Grant access…"),
        url_path="grant-access",
        icon="key",
        permissions=["grant"],
        dialog={
            "title": gettext_lazy("Grant access"),
            "description": gettext_lazy(
                "Recorded here; whoever runs the system grants it there."
            ),
            "form_class": GrantDialog,
            "form_submit_text": gettext_lazy("Grant access"),
        },
    )
    def grant(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        answers = form.cleaned_data
        person = answers["person"]
        grant = AccessGrant(
            engagement_id=engagement.pk,
            contractor=person if isinstance(person, Contractor) else None,
            named_worker=person if isinstance(person, NamedWorker) else None,
            system=answers["system"],
            granted_on=answers["granted_on"],
        )
        try:
            grant_access(grant=grant, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        told = _("%(person)s has access to %(system)s.")
        return self._back(
            request, engagement, told=told % {"person": person, "system": grant}
        )

    @action(
        description=gettext_lazy("Add a task…"),
        url_path="add-task",
        icon="add_task",
        permissions=["add_task"],
        dialog={
            "title": gettext_lazy("Add a task of your own"),
            "description": "",
            "form_class": TaskDialog,
            "form_submit_text": gettext_lazy("Add the task"),
        },
    )
    def add_own_task(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        answers = form.cleaned_data
        task = ChecklistTask(
            engagement_id=engagement.pk,
            title=answers["title"],
            stage=answers["stage"],
            due_on=answers["due_on"],
            owner=answers["owner"],
        )
        page = reverse(
            f"admin:engagements_{self.opts.model_name}_change", args=[engagement.pk]
        )
        try:
            add_task(task=task, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, page, refusal=refusal)
        return step_back(request, page, told=_("Task added."))

    def has_offboard_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_in(request, object_id, Status.ACTIVE)

    def has_grant_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("engagements.add_accessgrant") and self._is_in(
            request, object_id, Status.ACTIVE
        )

    def has_add_task_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("engagements.add_checklisttask") and self._is_in(
            request, object_id, Status.DRAFT, Status.PENDING_APPROVAL, Status.ACTIVE
        )
