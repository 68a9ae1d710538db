"""Who left, and the way to give what they managed to somebody else."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.scope import visible
from engagements.admin.step_back import step_back
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from engagements.models import Departure, Engagement, User
from engagements.models.engagement import EngagementQuerySet
from engagements.queries import with_left_behind
from engagements.services.departures import (
    live_assignments_of,
    live_engagements_of,
    possible_successors,
    reassign_engagements,
    settle_departure,
)

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
    from django.forms import CheckboxSelectMultiple as Checkboxes
    from django.forms import Select
    from django.forms import Textarea as TextArea

    class _Dialog(forms.Form):
        request: HttpRequest
        object_id: str

else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import (
        UnfoldAdminCheckboxSelectMultipleWidget as Checkboxes,
    )
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

CHANGE = "engagements.change_departure"


def left_behind(departure: Departure) -> EngagementQuerySet:
    """Return the live engagements that the departure is about."""
    if departure.person is not None:
        return live_engagements_of(departure.person)
    if departure.contractor is not None:
        return live_assignments_of(departure.contractor)
    return EngagementQuerySet(Engagement).none()


def left_behind_for(departure: Departure, user: User) -> QuerySet[Engagement]:
    rows = left_behind(departure).visible_to(user)
    return rows.select_related("vendor").order_by("title", "pk")


class ReassignDialog(_Dialog):
    engagements = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Engagements"),
        queryset=Engagement.objects.none(),
        widget=Checkboxes(),
    )
    successor = forms.ModelChoiceField(
        label=gettext_lazy("New manager"),
        queryset=User.objects.none(),
        widget=Select(),
        help_text=gettext_lazy("Active people whose role lets them manage."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = actor_of(self.request)
        departure = visible(Departure, user).filter(pk=self.object_id).first()
        leaver = departure.person if departure else None
        if departure is None or leaver is None:
            return
        theirs = left_behind_for(departure, user)
        people = possible_successors(visible(User, user))
        chosen: Any = self.fields["engagements"]
        successor: Any = self.fields["successor"]
        chosen.queryset = theirs
        chosen.initial = [engagement.pk for engagement in theirs]
        successor.queryset = people.exclude(pk=leaver.pk).order_by(
            "first_name", "last_name", "username"
        )
        # The next one up is whom they fall to, where nobody better is known.
        successor.initial = departure.assignee_id or leaver.manager_id


class SettleDialog(_Dialog):
    note = forms.CharField(
        label=gettext_lazy("What you found"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Such as: works on, the feed had them twice; or: ended on their page."
        ),
    )


class StateFilter(_Dropdown):
    """Shows what is open, unless others are asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("all", _("Open and settled"))]

    def value(self) -> str:
        return super().value() or "open"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        return queryset if self.value() == "all" else queryset.filter(settled_at=None)


@admin.register(Departure)
class DepartureAdmin(ReadOnlyAdmin):
    actions_detail = ("reassign", "settle")
    list_display = ("who", "kind", "left", "for_whom", "since", "state")
    list_filter = (StateFilter,)
    list_select_related = ("person", "contractor", "assignee")
    search_fields = (
        "person__first_name",
        "person__last_name",
        "person__username",
        "contractor__full_name",
    )
    search_help_text = gettext_lazy("Name of who left")
    readonly_fields = ("who", "was", "for_whom", "since", "settled")
    change_form_after_template = "engagements/admin/departure.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("who", "was"),
                    ("for_whom", "since"),
                    ("settled", "note"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).select_related("person__manager")
        return with_left_behind(rows, actor_of(request))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        departure = self.get_object(request, object_id)
        if departure is None:
            return super().change_view(request, object_id, form_url, extra_context)
        theirs = list(left_behind_for(departure, actor_of(request)))
        beyond = left_behind(departure).count() - len(theirs)
        return super().change_view(
            request,
            object_id,
            form_url,
            {
                "left_behind": theirs,
                "beyond": beyond,
                "departure": departure,
                **(extra_context or {}),
            },
        )

    @action(
        description=gettext_lazy("Give to somebody else…"),
        url_path="reassign",
        icon="forward",
        permissions=["reassign"],
        dialog={
            "title": gettext_lazy("Who manages these from now on?"),
            "description": gettext_lazy(
                "All that is ticked goes over together, or nothing does. Nothing ends,"
                " and no terms change."
            ),
            "form_class": ReassignDialog,
            "form_submit_text": gettext_lazy("Give to them"),
        },
    )
    def reassign(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        departure = self._seen(request, object_id)
        chosen = list(form.cleaned_data["engagements"])
        successor = form.cleaned_data["successor"]
        told = ngettext(
            "%(count)d engagement given to %(person)s.",
            "%(count)d engagements given to %(person)s.",
            len(chosen),
        ) % {"count": len(chosen), "person": successor}
        return self._step(
            request,
            departure,
            lambda: reassign_engagements(
                departure=departure,
                engagements=chosen,
                successor=successor,
                actor=actor_of(request),
            ),
            told,
        )

    @action(
        description=gettext_lazy("Settle…"),
        url_path="settle",
        icon="task_alt",
        permissions=["settle"],
        dialog={
            "title": gettext_lazy("What did you find?"),
            "description": gettext_lazy("Kept with your name. Nothing ends by this."),
            "form_class": SettleDialog,
            "form_submit_text": gettext_lazy("Settle"),
        },
    )
    def settle(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        departure = self._seen(request, object_id)
        return self._step(
            request,
            departure,
            lambda: settle_departure(
                departure=departure,
                note=form.cleaned_data["note"],
                actor=actor_of(request),
            ),
            _("Settled."),
        )

    def has_reassign_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._open(request, object_id)
        if found is None or found.person is None:
            return False
        return left_behind_for(found, actor_of(request)).exists()

    def has_settle_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._open(request, object_id)
        if found is None:
            return False
        return found.contractor is not None or not left_behind(found).exists()

    def _open(self, request: HttpRequest, object_id: str | None) -> Departure | None:
        if object_id is None or not request.user.has_perm(CHANGE):
            return None
        found: Departure | None = self.get_object(request, object_id)
        return found if found is not None and found.is_open else None

    def _seen(self, request: HttpRequest, object_id: str) -> Departure:
        departure: Departure | None = self.get_object(request, object_id)
        if departure is None:
            raise Http404
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        return departure

    def _step(
        self,
        request: HttpRequest,
        departure: Departure,
        step: Callable[[], Any],
        told: str,
    ) -> HttpResponse:
        page = reverse("admin:engagements_departure_change", args=[departure.pk])
        try:
            step()
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, page, refusal=refusal)
        return step_back(request, page, told=told)

    @display(description=gettext_lazy("who left"))
    def who(self, row: Departure) -> str:
        return str(row.person or row.contractor)

    @display(
        description=gettext_lazy("was"),
        label={"manager": "primary", "contractor": "default"},
    )
    def kind(self, row: Departure) -> tuple[str, str]:
        return "manager" if row.person_id else "contractor", self.was(row)

    @display(description=gettext_lazy("was"))
    def was(self, row: Departure) -> str:
        if row.person_id is not None:
            return _("Manager")
        return _("Contractor, gone from the feed")

    @display(description=gettext_lazy("live engagements"), ordering="left_behind")
    def left(self, row: Any) -> int:
        return int(row.left_behind)

    @display(
        description=gettext_lazy("for"), empty_value=gettext_lazy("administrators")
    )
    def for_whom(self, row: Departure) -> str | None:
        return str(row.assignee) if row.assignee else None

    @display(description=gettext_lazy("since"), ordering="created_at")
    def since(self, row: Departure) -> str:
        return date_format(row.created_at, "j M Y")

    @display(
        description=gettext_lazy("state"),
        label={"open": "warning", "settled": "success"},
    )
    def state(self, row: Departure) -> tuple[str, str]:
        return ("open", _("Open")) if row.is_open else ("settled", _("Settled"))

    @display(description=gettext_lazy("settled"), empty_value=gettext_lazy("not yet"))
    def settled(self, row: Departure) -> str | None:
        if row.settled_at is None:
            return None
        day = date_format(row.settled_at, "j M Y")
        if row.settled_by is None:
            return day
        return _("%(day)s, by %(person)s") % {"day": day, "person": row.settled_by}
