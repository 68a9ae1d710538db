"""Flags and assessments: what the engine says of each engagement, and why."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from engagements.admin.columns import deadline, figure, short_date
from engagements.admin.engagement import KIND_COLOURS
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.next_steps import steps_in_order
from engagements.admin.panels import Panel, on_engagement_page
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.unfold_types import display
from engagements.choices import Kind, Status
from engagements.models import Engagement, User
from tracker.admin.fit_reading import (
    history_of,
    money_of,
    ranges_of,
    read_of,
    what_if_page,
)
from tracker.admin.flag_decisions import UNDECIDED, FlagDecisions
from tracker.admin.pattern_rows import patterns_for
from tracker.admin.verdict import VERDICT_COLOURS, percent, reading_of
from tracker.fit.models import LIVE_STATES, Assessment, Flag, FlagState, Verdict
from tracker.fit.queries import latest_assessment
from tracker.fit.services import agreement_on
from tracker.fit.verdict import Thresholds

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown

STATE_COLOURS = {
    FlagState.OPEN.value: "danger",
    FlagState.ACKNOWLEDGED.value: "warning",
    FlagState.SNOOZED.value: "info",
    FlagState.ACCEPTED.value: "primary",
    FlagState.CONVERTED.value: "success",
    FlagState.DISMISSED.value: "default",
    FlagState.CLEARED.value: "default",
}
SHORT_KINDS = {
    Kind.MANAGED.value: gettext_lazy("Managed"),
    Kind.AUGMENTED.value: gettext_lazy("Augmented"),
}


class WaitingFilter(_Dropdown):
    """Shows what waits for a decision, unless all is asked for."""

    title = gettext_lazy("decision")
    parameter_name = "decision"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("waiting", gettext_lazy("Waiting")),
            ("all", gettext_lazy("All flags")),
        ]

    def value(self) -> str:
        return super().value() or "waiting"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "all" or "state__exact" in request.GET:
            return queryset
        return queryset.filter(state__in=UNDECIDED)


@admin.register(Flag)
class FlagAdmin(FlagDecisions, ReadOnlyAdmin):
    list_display = (
        "engagement_name",
        "better",
        "share",
        "reason",
        "state_label",
        "raised",
        "notice",
    )
    list_filter = (
        WaitingFilter,
        ("state", ChoicesDropdownFilter),
        ("leaning", ChoicesDropdownFilter),
        ("engagement__vendor", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
        ("engagement__manager", AutocompleteSelectFilter),
    )
    list_select_related = ("engagement__vendor", "engagement__manager")
    search_fields = (
        "engagement__reference",
        "engagement__title",
        "engagement__vendor__legal_name",
    )
    search_help_text = gettext_lazy("Engagement or vendor")
    date_hierarchy = "raised_on"
    change_form_template = "tracker/admin/flag.html"
    fieldsets = ((None, {"fields": ("engagement", "state")}),)

    def get_ordering(self, request: HttpRequest) -> Any:
        return (F("notice_deadline_on").asc(nulls_last=True), "-opposition", "id")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        flag: Flag = context["original"]
        user = actor_of(request)
        assessment = latest_assessment(flag.engagement, user)
        context |= {
            "flag": flag,
            "state_colour": STATE_COLOURS[flag.state],
            "raised_share": percent(flag.opposition),
            "deadline": deadline(flag.notice_deadline_on, timezone.localdate()),
            "reading": reading_of(assessment) if assessment else None,
            "decisions": flag.decisions.select_related("actor"),
            "steps": steps_in_order(
                context.get("actions_detail", []),
                ("convert", "acknowledge", "accept", "dismiss"),
                pressing=("convert",),
            ),
            "history": self.history_link(request, flag),
            "patterns": patterns_for(flag.engagement, timezone.localdate(), user),
            **_behind(assessment, user),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Flag) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{} · {}</span>',
            row.engagement.title,
            row.engagement.reference,
            row.engagement.vendor,
        )

    @display(
        description=gettext_lazy("fits better"), label=KIND_COLOURS, ordering="leaning"
    )
    def better(self, row: Flag) -> tuple[str, str]:
        if not row.leaning:
            return "", _("Asks for a decision")
        return row.leaning, str(SHORT_KINDS[row.leaning])

    @display(description=gettext_lazy("speaks for it"), ordering="opposition")
    def share(self, row: Flag) -> SafeString:
        return figure(percent(row.opposition) if row.leaning else "")

    @display(description=gettext_lazy("strongest reason"))
    def reason(self, row: Flag) -> str:
        return str(capfirst(row.strongest_reason))

    @display(description=gettext_lazy("state"), label=STATE_COLOURS, ordering="state")
    def state_label(self, row: Flag) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=gettext_lazy("raised on"), ordering="raised_on")
    def raised(self, row: Flag) -> str:
        return short_date(row.raised_on)

    @display(description=gettext_lazy("notice deadline"), ordering="notice_deadline_on")
    def notice(self, row: Flag) -> SafeString | str | None:
        return deadline(row.notice_deadline_on, timezone.localdate())


@admin.register(Assessment)
class AssessmentAdmin(ReadOnlyAdmin):
    list_display = (
        "engagement_name",
        "verdict_label",
        "share",
        "coverage_figure",
        "day_name",
    )
    list_filter = (
        ("verdict", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("engagement", AutocompleteSelectFilter),
        ("engagement__vendor", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
    )
    list_select_related = ("engagement__vendor",)
    search_fields = FlagAdmin.search_fields
    search_help_text = gettext_lazy("Engagement or vendor")
    date_hierarchy = "as_of"
    ordering = ("-as_of", "-opposition", "id")
    show_full_result_count = False
    change_form_template = "tracker/admin/assessment.html"
    fieldsets = ((None, {"fields": ("engagement", "as_of")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is None or match.url_name != "tracker_assessment_changelist":
            return rows
        # Long, and read on the assessment's own page only.
        return rows.defer(
            "points", "missing", "counterfactuals", "wordings", "evidence", "parts"
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        assessment: Assessment = context["original"]
        context |= {
            "reading": reading_of(assessment),
            "patterns": patterns_for(
                assessment.engagement, assessment.as_of, actor_of(request)
            ),
            **_behind(assessment, actor_of(request)),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Assessment) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{} · {}</span>',
            row.engagement.title,
            row.engagement.reference,
            row.engagement.vendor,
        )

    @display(
        description=gettext_lazy("verdict"), label=VERDICT_COLOURS, ordering="verdict"
    )
    def verdict_label(self, row: Assessment) -> tuple[str, str]:
        return row.verdict, row.get_verdict_display()

    @display(description=gettext_lazy("for the other model"), ordering="opposition")
    def share(self, row: Assessment) -> SafeString:
        return figure(percent(row.opposition))

    @display(description=gettext_lazy("recorded"), ordering="coverage")
    def coverage_figure(self, row: Assessment) -> SafeString:
        return figure(percent(row.coverage))

    @display(description=gettext_lazy("as of"), ordering="as_of")
    def day_name(self, row: Assessment) -> str:
        return short_date(row.as_of)


def _behind(assessment: Assessment | None, user: User) -> dict[str, Any]:
    """What stands behind a verdict: its history, the ranges of its facts, the money."""
    if assessment is None:
        return {}
    thresholds = Thresholds(**assessment.policy.thresholds)
    return {
        "line": history_of(assessment.engagement, thresholds),
        "ranges": ranges_of(assessment, user),
        "money": money_of(assessment, user),
        "agreed": _agreed(assessment),
        "read": read_of(assessment),
        "what_if_href": what_if_page(assessment.engagement),
    }


def _agreed(assessment: Assessment) -> str:
    """How people decided where the engine spoke like this; blank below 20 of them."""
    if assessment.verdict == Verdict.NOT_ENOUGH_EVIDENCE:
        return ""
    found = agreement_on(assessment)
    if found is None:
        return ""
    return _(
        "By %(n)d reviewed flags, people go over in %(rate)s of cases that read like"
        " this one."
    ) % {"n": found.decisions, "rate": percent(found.rate)}


@on_engagement_page
def fit_panel(engagement: Engagement, user: User) -> Panel | None:
    """The latest verdict and the flag that waits, if one does."""
    if not user.has_perm("tracker.view_assessment"):
        return None
    assessment = latest_assessment(engagement, user)
    flag = Flag.objects.filter(engagement=engagement.pk, state__in=LIVE_STATES).first()
    if not (assessment or flag or engagement.status == Status.ACTIVE):
        return None
    body = render_to_string(
        "tracker/admin/fit_panel.html",
        {
            "reading": reading_of(assessment) if assessment else None,
            "flag": flag,
            "flag_colour": STATE_COLOURS[flag.state] if flag else "",
        },
    )
    if assessment is None:
        return Panel(title=_("Which model fits"), body=mark_safe(body))  # noqa: S308 - a template's, which escapes
    page = ("flag", flag.pk) if flag else ("assessment", assessment.pk)
    return Panel(
        title=_("Which model fits"),
        body=mark_safe(body),  # noqa: S308 - likewise
        link=reverse(f"admin:tracker_{page[0]}_change", args=[page[1]]),
        link_text=_("Reasons"),
    )
