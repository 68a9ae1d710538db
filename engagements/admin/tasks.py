"""My tasks: what is to be done on- and off-boarding, and who does it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.boarding_panel import TASK_COLOURS, days_overdue
from engagements.admin.columns import engagement_link, short_date
from engagements.admin.record_admin import Lines, RecordAdmin, actor_of
from engagements.admin.task_steps import TaskSteps
from engagements.admin.unfold_types import action, display
from engagements.choices import OPEN_TASKS
from engagements.errors import TrackerError
from engagements.models import ChecklistTask, User
from engagements.services.boarding import add_task, finish_task

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown


class WhoseFilter(_Dropdown):
    """Shows one's own tasks, unless all are asked for or none could be one's own."""

    title = gettext_lazy("whose")
    parameter_name = "whose"
    all_option = None

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        may_do = request.user.has_perm("engagements.change_checklisttask")
        self.unasked = "mine" if may_do else "all"
        super().__init__(request, *args, **kwargs)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("Mine")), ("all", _("All I may see"))]

    def value(self) -> str:
        return super().value() or self.unasked

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "mine":
            return queryset.filter(owner=request.user)
        return queryset


class StateFilter(_Dropdown):
    """Shows what is open, unless another state or a status is asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", _("Open")),
            ("overdue", _("Overdue")),
            ("all", _("Open and closed")),
        ]

    def value(self) -> str:
        return super().value() or "open"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "overdue":
            today = timezone.localdate()
            return queryset.filter(status__in=OPEN_TASKS, due_on__lt=today)
        if self.value() == "all" or "status__exact" in request.GET:
            return queryset
        return queryset.filter(status__in=OPEN_TASKS)


@admin.register(ChecklistTask)
class ChecklistTaskAdmin(TaskSteps, RecordAdmin):
    list_display = ("name", "engagement_name", "owner_name", "due", "status_label")
    list_display_links = ("name",)
    list_filter = (
        WhoseFilter,
        StateFilter,
        ("stage", ChoicesDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("engagement__department", AutocompleteSelectFilter),
    )
    list_select_related = ("engagement__vendor", "owner")
    search_fields = (
        "title",
        "engagement__reference",
        "engagement__title",
        "engagement__vendor__legal_name",
    )
    search_help_text = gettext_lazy("Task, engagement or vendor")
    ordering = ("due_on", "id")
    actions = ("finish_chosen",)
    autocomplete_fields = ("engagement", "owner")
    readonly_fields = ("engagement_name", "due", "status")
    add_fieldsets = (
        (
            None,
            {"fields": ("engagement", "title", "stage", ("owner", "due_on"))},
        ),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "engagement_name",
                    ("stage", "status"),
                    ("owner", "due"),
                    "note",
                    "removes_access",
                    ("done_at", "done_by"),
                )
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            self.add_fieldsets if obj is None else super().get_fieldsets(request, obj)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A task moves on by its steps only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        add_task(task=form.instance, actor=actor)

    @action(description=gettext_lazy("Mark as done"), permissions=["finish_chosen"])
    def finish_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Each for itself: what can't be done says why and stays open."""
        finished = 0
        for task in queryset.filter(status__in=OPEN_TASKS):
            try:
                finish_task(task=task, actor=actor_of(request))
            except (TrackerError, ValidationError) as refusal:
                messages.error(request, f"{task}: {_words(refusal)}")
            else:
                finished += 1
        told = ngettext("%(n)d task done.", "%(n)d tasks done.", finished)
        messages.success(request, told % {"n": finished})

    def has_finish_chosen_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("engagements.change_checklisttask")

    @display(description=gettext_lazy("task"), ordering="title")
    def name(self, row: ChecklistTask) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.title,
            row.get_stage_display(),
        )

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: ChecklistTask) -> SafeString:
        return engagement_link(row.engagement)

    @display(
        description=gettext_lazy("owner"),
        ordering="owner__last_name",
        empty_value=gettext_lazy("nobody"),
    )
    def owner_name(self, row: ChecklistTask) -> str | None:
        return str(row.owner) if row.owner else None

    @display(
        description=gettext_lazy("due"),
        ordering="due_on",
        empty_value=gettext_lazy("no day"),
    )
    def due(self, row: ChecklistTask) -> SafeString | str | None:
        if row.due_on is None:
            return None
        late = days_overdue(row, timezone.localdate())
        if not late:
            return short_date(row.due_on)
        words = ngettext("%(n)d day overdue", "%(n)d days overdue", late) % {"n": late}
        return format_html(
            '{} <span class="deadline-close">{}</span>', short_date(row.due_on), words
        )

    @display(description=gettext_lazy("status"), label=TASK_COLOURS, ordering="status")
    def status_label(self, row: ChecklistTask) -> tuple[str, str]:
        return row.status, row.get_status_display()


def _words(refusal: TrackerError | ValidationError) -> str:
    if isinstance(refusal, ValidationError):
        return " ".join(refusal.messages)
    return str(refusal)
