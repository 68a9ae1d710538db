from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.bulk import BulkActions, BulkChange
from engagements.admin.columns import figure
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import RecordAdmin, RecordForm, actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import action, display
from engagements.models import Assignment, Skill, User
from tracker.admin.steps import Step, take_step
from tracker.admin.timesheet_grid import Choice, Grid
from tracker.spend.hours import (
    latest_cadence,
    missing_sheets,
    periods_taken,
    to_decide,
)
from tracker.spend.models import Timesheet, TimesheetStatus, WorkLog
from tracker.spend.services import (
    approve_timesheet,
    enter_hours,
    reject_timesheet,
    start_timesheet,
    submit_timesheet,
)
from tracker.spend.timesheet_periods import free_period

if TYPE_CHECKING:
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

STATUS_COLOURS = {
    TimesheetStatus.DRAFT.value: "default",
    TimesheetStatus.SUBMITTED.value: "warning",
    TimesheetStatus.APPROVED.value: "success",
    TimesheetStatus.REJECTED.value: "danger",
    TimesheetStatus.INVOICED.value: "info",
}
CHANGE = "tracker.change_timesheet"
ENTER = "tracker.add_timesheet"


def period_name(sheet: Timesheet) -> str:
    return _("%(first)s to %(last)s") % {
        "first": date_format(sheet.starts_on, "j M"),
        "last": date_format(sheet.ends_on, "DATE_FORMAT"),
    }


class BeginForm(RecordForm):
    """Whose sheet of which days: the person is the engagement's."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        engagement = cleaned.get("engagement")
        day = cleaned.get("starts_on")
        if engagement is None or day is None:
            return cleaned
        assignment = (
            visible(Assignment, actor_of(self.request))
            .filter(pk=engagement.pk)
            .exclude(contractor=None)
            .first()
        )
        if assignment is None:
            self.add_error(
                "engagement", _("Choose an augmented contractor whose person is known.")
            )
            return cleaned
        sheet: Timesheet = self.instance
        sheet.contractor_id = assignment.contractor_id or 0
        period = free_period(day, cleaned["cadence"], periods_taken(assignment))
        if period is None:
            self.add_error("starts_on", _("There is a timesheet of that day already."))
            return cleaned
        cleaned["starts_on"], sheet.ends_on = period
        return cleaned


class HoursForm(RecordForm):
    """The grid, as typed; its lines are in `cleaned_data`."""

    grid: Grid

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self.grid = Grid.posted(self.instance, self.data, skill_choices())
        cleaned["lines"] = self.grid.lines()
        for text in self.grid.errors:
            self.add_error(None, text)
        return cleaned

    def has_changed(self) -> bool:
        return True


def skill_choices() -> list[Choice]:
    rows = Skill.objects.order_by("name").values_list("pk", "name")
    return [Choice(str(pk), name) for pk, name in rows]


class RejectDialog(_Dialog):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("The submitter reads it."),
    )


class ConfirmDialog(_Dialog):
    """Only asks for a yes."""


class ApproveHours(BulkChange):
    name = "approve"
    label = gettext_lazy("Approve…")
    of_models: Mapping[type[Any], Sequence[str]] = {
        Timesheet: ("engagement", "contractor")
    }

    def before_and_after(self, record: Timesheet, value: Any) -> tuple[str, str]:
        return record.get_status_display(), str(TimesheetStatus.APPROVED.label)

    def apply(self, record: Timesheet, value: Any, actor: User) -> Sequence[str]:
        approve_timesheet(timesheet=record, actor=actor)
        return ()


@admin.register(Timesheet)
class TimesheetAdmin(BulkActions, RecordAdmin):
    """Begun for days, filled in as a grid, then submitted and decided by steps."""

    actions_detail = ("submit", "approve", "reject")
    bulk_changes = (ApproveHours(),)
    list_display = (
        "person",
        "engagement_name",
        "period",
        "hours_figure",
        "status_label",
        "submitted_by",
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("engagement", AutocompleteSelectFilter),
        ("contractor", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
    )
    list_select_related = ("engagement", "contractor", "submitted_by")
    list_before_template = "tracker/admin/timesheet_list_head.html"
    search_fields = (
        "contractor__full_name",
        "engagement__reference",
        "engagement__title",
    )
    search_help_text = gettext_lazy("Person or engagement")
    date_hierarchy = "starts_on"
    autocomplete_fields = ("engagement",)

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.missing_view)
        return [
            path("missing/", page, name="tracker_timesheet_missing"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        lines = WorkLog.objects.filter(timesheet=OuterRef("pk"))
        sums = lines.order_by().values("timesheet").annotate(n=Sum("hours")).values("n")
        return super().get_queryset(request).annotate(total=Subquery(sums))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        waiting = to_decide(actor_of(request)).count()
        told = {"waiting": waiting if request.user.has_perm(CHANGE) else 0}
        return super().changelist_view(request, told | (extra_context or {}))

    # --- a sheet is begun ---------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[Any]:
        kwargs["form"] = BeginForm if obj is None else HoursForm
        return super().get_form(request, obj, change=change, **kwargs)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "starts_on":
            field.label = _("Any day of it")
        return field

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("engagement", ("cadence", "starts_on"))})]
        told: tuple[Any, ...] = (("person", "engagement_link"), ("period", "state"))
        if obj.submitted_at:
            told += (("submitted_words", "decided_words"),)
        if obj.reason:
            told += ("reason",)
        return [(None, {"fields": told})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return (
            "person",
            "engagement_link",
            "period",
            "state",
            "submitted_words",
            "decided_words",
            "reason",
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given = super().get_changeform_initial_data(request)
        day = timezone.localdate() - timedelta(days=timezone.localdate().weekday())
        found = {"starts_on": day, **given}
        engagement = str(given.get("engagement", ""))
        if engagement.isdecimal() and len(engagement) < 19:
            rows = visible(Assignment, actor_of(request)).filter(pk=engagement)
            assignment = rows.first()
            if assignment is not None:
                found.setdefault("cadence", latest_cadence(assignment))
        return found

    def create(self, form: Any, pages: Any, actor: User) -> None:
        start_timesheet(timesheet=form.instance, actor=actor)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: Any = None
    ) -> HttpResponse:
        """Lead straight to the grid."""
        page = reverse("admin:tracker_timesheet_change", args=[obj.pk])
        return HttpResponseRedirect(page)

    # --- its hours are entered ----------------------------------------------------

    change_form_after_template = "tracker/admin/timesheet_grid.html"

    def change(self, form: Any, pages: Any, actor: User) -> None:
        enter_hours(
            timesheet=form.instance,
            lines=form.cleaned_data["lines"],
            expected_version=form.cleaned_data.get("expected_version"),
            actor=actor,
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Hours are entered by whoever may begin sheets, while the sheet is open."""
        if obj is None:
            return bool(request.user.has_perm(CHANGE))
        return obj.is_open and bool(request.user.has_perm(ENTER))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        sheet = context.get("original")
        context["show_save_and_add_another"] = False
        # A sheet that was just begun is opened anyway.
        context["show_save_and_continue"] = sheet is not None
        if sheet is not None:
            form = context["adminform"].form
            typed = getattr(form, "grid", None)
            context["grid"] = typed or Grid.of(sheet, skill_choices())
            context["is_open"] = self.has_change_permission(request, sheet)
        return super().render_change_form(request, context, *args, **kwargs)

    # --- and it is submitted and decided ------------------------------------------

    @action(
        description=gettext_lazy("Submit…"),
        url_path="submit",
        icon="send",
        permissions=["submit"],
        dialog={
            "title": gettext_lazy("Submit for approval"),
            "description": gettext_lazy(
                "Save the hours first. They count as accrued from now on; somebody"
                " else approves them. Enter 0 where none were worked: a day left blank"
                " may be estimated."
            ),
            "form_class": ConfirmDialog,
            "form_submit_text": gettext_lazy("Submit"),
        },
    )
    def submit(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        done = _("Submitted: somebody else approves it now.")
        return self._take(request, object_id, ENTER, submit_timesheet, done)

    @action(
        description=gettext_lazy("Approve"),
        url_path="approve",
        icon="check",
        permissions=["decide"],
        dialog={
            "title": gettext_lazy("Approve these hours"),
            "description": gettext_lazy("They stay as they are, and may be invoiced."),
            "form_class": ConfirmDialog,
            "form_submit_text": gettext_lazy("Approve"),
        },
    )
    def approve(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        done = _("The hours are approved.")
        return self._take(request, object_id, CHANGE, approve_timesheet, done)

    @action(
        description=gettext_lazy("Reject…"),
        url_path="reject",
        icon="close",
        permissions=["decide"],
        dialog={
            "title": gettext_lazy("Give this timesheet back"),
            "description": gettext_lazy("What it accrued is taken back."),
            "form_class": RejectDialog,
            "form_submit_text": gettext_lazy("Reject"),
        },
    )
    def reject(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        done = _("The timesheet is given back.")
        return self._take(
            request, object_id, CHANGE, reject_timesheet, done, reason=reason
        )

    def has_submit_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        sheet = self._sheet(request, object_id)
        return sheet is not None and self.has_change_permission(request, sheet)

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        sheet = self._sheet(request, object_id)
        if sheet is None or not request.user.has_perm(CHANGE):
            return False
        return to_decide(actor_of(request)).filter(pk=sheet.pk).exists()

    def _sheet(self, request: HttpRequest, object_id: str | None) -> Timesheet | None:
        found = None if object_id is None else self.get_object(request, object_id)
        return found if isinstance(found, Timesheet) else None

    def _take(
        self,
        request: HttpRequest,
        object_id: str,
        permission: str,
        step: Step,
        done: str,
        **told: Any,
    ) -> HttpResponse:
        sheet = self.get_object(request, object_id)
        told |= {"timesheet": sheet, "actor": actor_of(request)}
        return take_step(request, sheet, permission, lambda: step(**told), done)

    # --- what is missing ----------------------------------------------------------

    def missing_view(self, request: HttpRequest) -> HttpResponse:
        """List the weeks and months for which nobody began a sheet; POST begins one."""
        user = actor_of(request)
        if not user.has_perm("tracker.view_timesheet"):
            raise PermissionDenied
        rows = missing_sheets(visible(Assignment, user), timezone.localdate())
        if request.method == "POST":
            return self._begin(request, rows)
        return TemplateResponse(
            request,
            "tracker/admin/timesheets_missing.html",
            {
                **self.admin_site.each_context(request),
                "title": _("Timesheets not started"),
                "opts": self.opts,
                "rows": rows,
                "may_begin": user.has_perm(ENTER),
                "list_url": reverse("admin:tracker_timesheet_changelist"),
            },
        )

    def _begin(self, request: HttpRequest, rows: Sequence[Any]) -> HttpResponse:
        user = actor_of(request)
        if not user.has_perm(ENTER):
            raise PermissionDenied
        engagement = request.POST.get("engagement", "")
        day = parse_date(request.POST.get("day", "")[:10])
        for row in rows:
            if str(row.assignment.pk) == engagement and row.period.first == day:
                break
        else:
            raise Http404
        sheet = Timesheet(
            engagement_id=row.assignment.pk,
            contractor=row.assignment.contractor,
            cadence=row.cadence,
            starts_on=row.period.first,
            ends_on=row.period.last,
        )
        try:
            start_timesheet(timesheet=sheet, actor=user)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), "error")
            return HttpResponseRedirect(request.path)
        page = reverse("admin:tracker_timesheet_change", args=[sheet.pk])
        return HttpResponseRedirect(page)

    # --- columns ------------------------------------------------------------------

    @display(description=gettext_lazy("contractor"), ordering="contractor__full_name")
    def person(self, row: Timesheet) -> SafeString:
        return format_html('<span class="row-title">{}</span>', row.contractor)

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Timesheet) -> SafeString:
        return format_html(
            '<span>{}</span><span class="row-note">{}</span>',
            row.engagement.title,
            row.engagement.reference,
        )

    @display(description=gettext_lazy("engagement"))
    def engagement_link(self, row: Timesheet) -> SafeString:
        return format_html(
            '<a class="text-link" href="{}">{}</a> <span class="figure-unit">{}</span>',
            reverse("admin:engagements_engagement_change", args=[row.engagement_id]),
            row.engagement.title,
            row.engagement.reference,
        )

    @display(description=gettext_lazy("period"), ordering="starts_on")
    def period(self, row: Timesheet) -> SafeString:
        return format_html(
            '<span class="nowrap">{}</span><span class="row-note">{}</span>',
            period_name(row),
            row.get_cadence_display(),
        )

    @display(description=gettext_lazy("hours"), ordering="total")
    def hours_figure(self, row: Any) -> SafeString | None:
        return None if row.total is None else figure(plain_number(row.total))

    @display(
        description=gettext_lazy("status"), label=STATUS_COLOURS, ordering="status"
    )
    def status_label(self, row: Timesheet) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(description=gettext_lazy("status"))
    def state(self, row: Timesheet) -> str:
        return row.get_status_display()

    @display(description=gettext_lazy("submitted"))
    def submitted_words(self, row: Timesheet) -> str:
        return by(row.submitted_by, row.submitted_at)

    @display(description=gettext_lazy("decided"))
    def decided_words(self, row: Timesheet) -> str:
        return by(row.decided_by, row.decided_at)


def by(person: User | None, moment: Any) -> str:
    if moment is None:
        return _("not yet")
    when = date_format(timezone.localtime(moment), "j M Y, H:i")
    if person is None:
        return when
    return _("by %(person)s, %(when)s") % {"person": person, "when": when}
