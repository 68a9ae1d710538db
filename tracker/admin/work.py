from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.columns import figure, short_date
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import RecordAdmin, RecordForm, actor_of
from engagements.admin.unfold_types import action, display
from engagements.choices import Kind
from engagements.models import Contractor, User
from engagements.values.periods import month_of
from tracker.admin.oversight import OversightMonth
from tracker.admin.steps import take_step
from tracker.admin.timesheet import by
from tracker.spend.models import OversightLog, WorkLog
from tracker.spend.services import log_oversight, log_work, withdraw_work

if TYPE_CHECKING:
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

CHANGE = "tracker.change_worklog"


class WorkLogForm(RecordForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        engagement = cleaned.get("engagement")
        if (
            engagement is not None
            and engagement.kind == Kind.AUGMENTED
            and not cleaned.get("contractor")
        ):
            cleaned["contractor"] = Contractor.objects.filter(
                assignments=engagement.pk
            ).first()
        return cleaned


class WithdrawDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept for good with your name."),
    )


class StandingFilter(admin.SimpleListFilter):
    """What stands, unless somebody asks for what was withdrawn."""

    title = gettext_lazy("which")
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("standing", gettext_lazy("Standing")),
            ("withdrawn", gettext_lazy("Withdrawn")),
            ("all", gettext_lazy("All")),
        ]

    def value(self) -> str:
        return super().value() or "standing"

    def choices(self, changelist: Any) -> Any:
        """Without Django's own “All”, which the choices have already."""
        return list(super().choices(changelist))[1:]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "all":
            return queryset
        is_standing = self.value() != "withdrawn"
        return queryset.filter(withdrawn_at__isnull=is_standing)


@admin.register(WorkLog)
class WorkLogAdmin(RecordAdmin):
    """Work is logged once: what it costs is posted with it, or withdrawn again."""

    form = WorkLogForm
    actions_detail = ("withdraw",)
    list_display = (
        "day_name",
        "engagement_name",
        "contractor",
        "hours_figure",
        "activity",
        "skill",
        "assigned_by",
    )
    list_filter = (
        StandingFilter,
        ("engagement", AutocompleteSelectFilter),
        ("contractor", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
        ("activity", ChoicesDropdownFilter),
        ("assigned_by", ChoicesDropdownFilter),
    )
    list_select_related = ("engagement", "contractor", "skill")
    search_fields = ("engagement__reference", "engagement__title", "description")
    search_help_text = gettext_lazy("Engagement or description")
    date_hierarchy = "worked_on"
    ordering = ("-worked_on", "-id")
    show_full_result_count = False
    autocomplete_fields = ("engagement", "contractor", "skill")
    fieldsets = (
        (
            gettext_lazy("What was done"),
            {"fields": ("engagement", "contractor", ("worked_on", "hours"))},
        ),
        (
            gettext_lazy("What kind of work"),
            {"fields": (("activity", "skill"), "description")},
        ),
        (
            gettext_lazy("What tells which model fits"),
            {"fields": ("assigned_by", ("is_core", "is_out_of_hours"), "is_overtime")},
        ),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "worked_on": timezone.localdate(),
            **super().get_changeform_initial_data(request),
        }

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, form: Any, pages: Any, actor: User) -> None:
        log_work(line=form.instance, actor=actor)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        told = super().get_fieldsets(request, obj)
        if obj is None:
            return told
        facts: tuple[str, ...] = ("entered",)
        if obj.withdrawn_at is not None:
            facts = ("withdrawn", "withdrawn_reason", *facts)
        return [(None, {"fields": facts}), *told]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        told = super().get_readonly_fields(request, obj)
        return (*told, "entered", "withdrawn", "withdrawn_reason") if obj else told

    @action(
        description=gettext_lazy("Withdraw…"),
        url_path="withdraw",
        icon="undo",
        permissions=["withdraw"],
        dialog={
            "title": gettext_lazy("Withdraw these hours"),
            "description": gettext_lazy(
                "They count nowhere any more, and what they accrued is taken back. They"
                " stay in sight with the reason."
            ),
            "form_class": WithdrawDialog,
            "form_submit_text": gettext_lazy("Withdraw"),
        },
    )
    def withdraw(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        line: WorkLog | None = self.get_object(request, object_id)

        def step() -> None:
            if line is not None:
                withdraw_work(
                    line=line,
                    reason=form.cleaned_data["reason"],
                    actor=actor_of(request),
                )

        return take_step(request, line, CHANGE, step, _("The hours are withdrawn."))

    def has_withdraw_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm(CHANGE):
            return False
        line: WorkLog | None = self.get_object(request, object_id)
        is_standing = line is not None and line.withdrawn_at is None
        return line is not None and is_standing and line.timesheet_id is None

    @display(description=gettext_lazy("entered"))
    def entered(self, row: WorkLog) -> str:
        return by(row.logged_by, row.created_at)

    @display(description=gettext_lazy("withdrawn"))
    def withdrawn(self, row: WorkLog) -> str:
        return by(row.withdrawn_by, row.withdrawn_at)

    @display(description=gettext_lazy("worked on"), ordering="worked_on")
    def day_name(self, row: WorkLog) -> SafeString | str:
        day = short_date(row.worked_on)
        if row.withdrawn_at is None:
            return day
        return format_html('{}<span class="row-note">{}</span>', day, _("withdrawn"))

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: WorkLog) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.engagement.title,
            row.engagement.reference,
        )

    @display(description=gettext_lazy("hours"), ordering="hours")
    def hours_figure(self, row: WorkLog) -> SafeString:
        return figure(plain_number(row.hours))


class OversightLogForm(RecordForm):
    def clean_month(self) -> Any:
        month = self.cleaned_data.get("month")
        return month and month_of(month)


@admin.register(OversightLog)
class OversightLogAdmin(RecordAdmin):
    form = OversightLogForm
    list_display = ("month_name", "manager", "engagement", "hours_figure")
    list_filter = (
        ("manager", AutocompleteSelectFilter),
        ("engagement", AutocompleteSelectFilter),
    )
    list_select_related = ("manager", "engagement")
    search_fields = ("manager__last_name", "engagement__reference", "engagement__title")
    date_hierarchy = "month"
    autocomplete_fields = ("manager", "engagement")
    fieldsets = ((None, {"fields": ("manager", "engagement", ("month", "hours"))}),)
    list_before_template = "tracker/admin/oversight_list_head.html"

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.month_view)
        name = "tracker_oversightlog_month"
        return [path("month/", page, name=name), *super().get_urls()]

    def month_view(self, request: HttpRequest) -> HttpResponse:
        """Let a manager enter a whole month of their own, a line per engagement."""
        if not request.user.has_perm("tracker.add_oversightlog"):
            raise PermissionDenied
        return OversightMonth(request).answer(self.admin_site.each_context(request))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "manager": actor_of(request).pk,
            "month": month_of(timezone.localdate()),
            **super().get_changeform_initial_data(request),
        }

    def create(self, form: Any, pages: Any, actor: User) -> None:
        log_oversight(log=form.instance, actor=actor)

    @display(description=gettext_lazy("month"), ordering="month")
    def month_name(self, row: OversightLog) -> str:
        return date_format(row.month, "YEAR_MONTH_FORMAT")

    @display(description=gettext_lazy("hours"), ordering="hours")
    def hours_figure(self, row: OversightLog) -> SafeString:
        return figure(plain_number(row.hours))
