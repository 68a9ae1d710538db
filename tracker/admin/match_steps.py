"""What a person says about an exception: one in a dialog, many after a preview."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.bulk import BulkChange
from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import UnfoldModelAdmin, action
from engagements.models import User
from tracker.admin.steps import take_step
from tracker.spend.models import (
    BY_PEOPLE,
    ExceptionState,
    MatchException,
    Resolution,
)
from tracker.spend.services import resolve_exception

if TYPE_CHECKING:
    from django.forms import Select, TextInput
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

CHANGE = "tracker.change_matchexception"


class ResolveDialog(_Dialog):
    resolution = forms.ChoiceField(
        label=gettext_lazy("How"),
        choices=[(one.value, one.label) for one in BY_PEOPLE],
        widget=Select,
        help_text=gettext_lazy(
            "Money to come back is claimed as a saving; the credit note realises it."
        ),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept for good with your name."),
    )


class ExceptionSteps(UnfoldModelAdmin):
    actions_detail = ("resolve",)

    @action(
        description=gettext_lazy("Resolve…"),
        url_path="resolve",
        icon="task_alt",
        permissions=["resolve"],
        dialog={
            "title": gettext_lazy("Resolve the exception"),
            "description": gettext_lazy("The last one resolved matches the invoice."),
            "form_class": ResolveDialog,
            "form_submit_text": gettext_lazy("Resolve"),
        },
    )
    def resolve(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        exception: MatchException | None = self.get_object(request, object_id)

        def step() -> None:
            if exception is not None:
                resolve_exception(
                    exception=exception,
                    resolution=form.cleaned_data["resolution"],
                    reason=form.cleaned_data["reason"],
                    actor=actor_of(request),
                )

        return take_step(
            request, exception, CHANGE, step, _("The exception is resolved.")
        )

    def has_resolve_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm(CHANGE):
            return False
        exception = self.get_object(request, object_id)
        return exception is not None and exception.state == ExceptionState.OPEN


class ResolveMany(BulkChange):
    """Resolve the chosen exceptions in one way, for one reason."""

    of_models: Mapping[type[models.Model], Sequence[str]] = {
        MatchException: ("engagement", "invoice")
    }

    def __init__(self, resolution: Resolution, label: Any) -> None:
        self.name = resolution.value
        self.label = label
        self.resolution = resolution

    def asked(self, request: HttpRequest, admin_site: Any) -> forms.Field:
        return forms.CharField(
            label=_("Why"),
            max_length=300,
            widget=TextInput,
            help_text=_("Kept for good with your name, on every one of them."),
        )

    def before_and_after(self, record: Any, value: Any) -> tuple[str, str]:
        before = record.get_resolution_display() or record.get_state_display()
        return before, f"{self.resolution.label}: {value}"

    def lock_order(self, record: Any) -> tuple[int, ...]:
        # The match locks invoices, then their exceptions, each in the order of ids.
        return record.invoice_id, record.pk

    def apply(self, record: Any, value: Any, actor: User) -> Sequence[str]:
        resolve_exception(
            exception=record, resolution=self.resolution, reason=value, actor=actor
        )
        return ()


RESOLVE_MANY = (
    ResolveMany(
        Resolution.CREDIT_NOTE_REQUESTED,
        gettext_lazy("Resolve: credit note requested…"),
    ),
    ResolveMany(Resolution.ACCEPTED, gettext_lazy("Resolve: accept as billed…")),
    ResolveMany(Resolution.NOT_AN_ERROR, gettext_lazy("Resolve: not an error…")),
    ResolveMany(
        Resolution.CORRECTED, gettext_lazy("Resolve: corrected by the vendor…")
    ),
    ResolveMany(Resolution.RECOVERED, gettext_lazy("Resolve: money recovered…")),
)
