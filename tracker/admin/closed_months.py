"""Months closed to postings: which are, what the next one lacks, and the two steps."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.step_back import step_back
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from engagements.models import User
from engagements.values.periods import add_months, month_of
from tracker.spend.models import ClosedMonth
from tracker.spend.services import (
    MonthClosing,
    MonthObstacle,
    close_month,
    may_close_months,
    month_obstacles,
    month_to_close,
    reopen_month,
)

if TYPE_CHECKING:
    from django.forms import Select
    from django.forms import Textarea as TextArea

    _Dialog = forms.Form
else:
    from unfold.forms import BaseDialogForm as _Dialog
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea

# The first month to be closed may be any; as far back as the dialog offers.
FIRST_CLOSING_REACH = 36
PAGE = "admin:tracker_closedmonth_changelist"


@dataclass(frozen=True)
class ShownObstacle:
    sentence: str
    url: str
    link_text: str


@dataclass(frozen=True)
class BooksState:
    """What the page says above its list; `next_month` is None before it is over."""

    closed_through: date | None
    next_month: date
    is_over: bool
    may_close: bool
    obstacles: list[ShownObstacle]


class CloseDialog(_Dialog):
    form_before_template = "tracker/admin/closing_month.html"

    month = forms.ChoiceField(label=gettext_lazy("Month"), widget=Select())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.books = books_state(actor_of(self.request))
        field = self.fields["month"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(f"{m:%Y-%m}", _name(m)) for m in _choices(self.books)]
        if self.books.closed_through is None:
            field.help_text = _("All months before it are closed with it.")

    def clean_month(self) -> date:
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        return {"books": self.books, "is_dialog": True}

    if TYPE_CHECKING:
        request: HttpRequest


class ReopenDialog(_Dialog):
    form_before_template = "tracker/admin/reopening_month.html"

    month = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=TextArea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept for good, with your name: name no other people."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last = ClosedMonth.objects.last_closed()
        self.initial["month"] = f"{self.last:%Y-%m}" if self.last else ""

    def clean_month(self) -> date:
        try:
            return date.fromisoformat(f"{self.cleaned_data['month']}-01")
        except ValueError as error:
            raise ValidationError(_("Open the dialog anew.")) from error

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        return {"month": self.last}


@admin.register(ClosedMonth)
class ClosedMonthAdmin(ReadOnlyAdmin):
    actions_list = ("close", "reopen")
    list_before_template = "tracker/admin/books_state.html"
    list_display = ("month_name", "state", "closing", "reopening", "reason")
    list_display_links = None
    list_select_related = ("closed_by", "reopened_by")
    fields = (
        "month",
        ("closed_at", "closed_by"),
        ("reopened_at", "reopened_by"),
        "reason",
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            response.context_data["books"] = books_state(actor_of(request))
        return response

    @action(
        description=gettext_lazy("Close a month…"),
        url_path="close",
        icon="lock",
        permissions=["close"],
        dialog={
            "title": gettext_lazy("Close a month"),
            "description": gettext_lazy(
                "It takes no postings any more. A document that comes late is booked in"
                " the first open month and keeps its month of service."
            ),
            "form_class": CloseDialog,
            "form_submit_text": gettext_lazy("Close the month"),
        },
    )
    def close(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        month = form.cleaned_data["month"]
        try:
            close_month(month=month, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, reverse(PAGE), refusal=refusal)
        told = _("%(month)s is closed.") % {"month": _name(month)}
        return step_back(request, reverse(PAGE), told=told)

    @action(
        description=gettext_lazy("Open the last one again…"),
        url_path="reopen",
        icon="lock_open",
        permissions=["reopen"],
        dialog={
            "title": gettext_lazy("Open the last closed month again"),
            "form_class": ReopenDialog,
            "form_submit_text": gettext_lazy("Open it again"),
        },
    )
    def reopen(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        month, reason = form.cleaned_data["month"], form.cleaned_data["reason"]
        try:
            reopen_month(month=month, reason=reason, actor=actor_of(request))
        except (TrackerError, ValidationError) as refusal:
            return step_back(request, reverse(PAGE), refusal=refusal)
        told = _("%(month)s is open again.") % {"month": _name(month)}
        return step_back(request, reverse(PAGE), told=told)

    def has_close_permission(self, request: HttpRequest) -> bool:
        may = request.user.has_perm("tracker.add_closedmonth")
        return may and may_close_months(actor_of(request))

    def has_reopen_permission(self, request: HttpRequest) -> bool:
        may = request.user.has_perm("tracker.change_closedmonth")
        return (
            may
            and may_close_months(actor_of(request))
            and ClosedMonth.objects.standing().exists()
        )

    @display(description=gettext_lazy("month"), ordering="month")
    def month_name(self, row: ClosedMonth) -> SafeString:
        return format_html('<span class="row-title">{}</span>', _name(row.month))

    @display(
        description=gettext_lazy("state"),
        label={"closed": "success", "reopened": "warning"},
    )
    def state(self, row: ClosedMonth) -> tuple[str, str]:
        if row.reopened_at is None:
            return "closed", _("Closed")
        return "reopened", _("Opened again")

    @display(description=gettext_lazy("closed"), ordering="closed_at")
    def closing(self, row: ClosedMonth) -> SafeString:
        return _signed(row.closed_at, row.closed_by)

    @display(description=gettext_lazy("opened again"), ordering="reopened_at")
    def reopening(self, row: ClosedMonth) -> SafeString | None:
        if row.reopened_at is None or row.reopened_by is None:
            return None
        return _signed(row.reopened_at, row.reopened_by)


def books_state(user: User) -> BooksState:
    today = timezone.localdate()
    month = month_to_close(today=today)
    is_over = month < month_of(today)
    closing = MonthClosing(month, reader=user)
    return BooksState(
        closed_through=ClosedMonth.objects.last_closed(),
        next_month=month,
        is_over=is_over,
        may_close=may_close_months(user),
        obstacles=[_shown(o) for o in month_obstacles(closing)] if is_over else [],
    )


def _choices(books: BooksState) -> list[date]:
    if books.closed_through is not None:
        return [books.next_month] if books.is_over else []
    return [add_months(books.next_month, -back) for back in range(FIRST_CLOSING_REACH)]


def _shown(obstacle: MonthObstacle) -> ShownObstacle:
    if obstacle.rows is None:
        return ShownObstacle(obstacle.sentence, "", "")
    options = obstacle.rows._meta
    page = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    query = f"?{urlencode(obstacle.where)}" if obstacle.where else ""
    return ShownObstacle(
        obstacle.sentence, f"{page}{query}", str(capfirst(options.verbose_name_plural))
    )


def _signed(moment: Any, person: User) -> SafeString:
    return format_html(
        '{}<span class="row-note">{}</span>',
        date_format(localtime(moment), "j M Y, H:i"),
        person,
    )


def _name(month: date) -> str:
    return date_format(month, "YEAR_MONTH_FORMAT")
