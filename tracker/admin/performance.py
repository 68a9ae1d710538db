"""What was measured, what it came to, and the credits that follow."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.paginator import InfinitePaginator

from engagements.admin.columns import deadline, figure, money, short_date
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.inputs import plain_number
from engagements.admin.record_admin import ReadOnlyAdmin, RecordAdmin, ScopedAdmin
from engagements.admin.unfold_types import display
from engagements.models import User
from tracker.admin.credit_steps import CreditSteps
from tracker.admin.result_steps import ResultSteps
from tracker.performance.letters import counted_from
from tracker.performance.models import (
    Credit,
    CreditState,
    Downtime,
    Exclusion,
    LevelResult,
    Measurement,
    Ticket,
)
from tracker.performance.service_levels import Outcome, minutes_of, shown
from tracker.performance.services import (
    agree_exclusion,
    drop_exclusion,
    record_downtime,
    record_measurement,
)

OUTCOME_COLOURS = {
    Outcome.MET.value: "success",
    Outcome.MISSED.value: "danger",
    Outcome.NO_DATA.value: "default",
    Outcome.EXCUSED.value: "info",
}
STATE_COLOURS = {
    CreditState.DUE.value: "warning",
    CreditState.CLAIMED.value: "info",
    CreditState.AGREED.value: "primary",
    CreditState.APPLIED.value: "success",
    CreditState.WAIVED.value: "default",
    CreditState.EXPIRED.value: "danger",
}
_ENGAGEMENT_FILTERS: tuple[Any, ...] = (
    ("engagement", AutocompleteSelectFilter),
    ("engagement__vendor", AutocompleteSelectFilter),
    ("engagement__department", ScopedDropdownFilter),
)
_SEARCHED = ("engagement__reference", "engagement__title")


class OfEngagement(ScopedAdmin):
    """Columns that lists of an engagement's records share."""

    show_full_result_count = False
    list_select_related: Any = ("engagement", "service_level")
    search_fields: Any = (*_SEARCHED, "service_level__name")
    search_help_text = gettext_lazy("Engagement or service level")

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Any) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.engagement.title,
            row.engagement.reference,
        )

    @display(description=gettext_lazy("window"), ordering="window_from")
    def window_name(self, row: Any) -> str:
        return window_name(row)


def window_name(row: LevelResult | Credit) -> str:
    """Return the month, or the quarter, in words."""
    if row.window_from.month == row.window_to.month:
        return date_format(row.window_from, "YEAR_MONTH_FORMAT")
    quarter = (row.window_from.month + 2) // 3
    return _("Q%(quarter)d %(year)d") % {
        "quarter": quarter,
        "year": row.window_from.year,
    }


class Recorded(OfEngagement, RecordAdmin):
    """Recorded once: what it changes is judged with it."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Measurement)
class MeasurementAdmin(Recorded):
    list_display = ("period", "engagement_name", "service_level", "said", "incident")
    list_filter = (*_ENGAGEMENT_FILTERS, ("service_level", AutocompleteSelectFilter))
    date_hierarchy = "period_from"
    ordering = ("-period_from", "-id")
    autocomplete_fields = ("service_level",)
    fieldsets = (
        (
            gettext_lazy("What was measured"),
            {"fields": ("service_level", ("period_from", "period_to"))},
        ),
        (
            gettext_lazy("A figure, or counts, or minutes: as the level says"),
            {"fields": ("value", ("good", "total"), "downtime_minutes", "incident")},
        ),
    )

    def create(self, form: Any, pages: Any, actor: User) -> None:
        record_measurement(measurement=form.instance, actor=actor)

    @display(description=gettext_lazy("period"), ordering="period_from")
    def period(self, row: Measurement) -> str:
        return f"{short_date(row.period_from)} – {short_date(row.period_to)}"  # noqa: RUF001 - a range, as it is printed

    @display(description=gettext_lazy("measured"))
    def said(self, row: Measurement) -> SafeString:
        if row.value is not None:
            return figure(f"{plain_number(row.value)} {row.service_level.unit}")
        if row.downtime_minutes is not None:
            minutes = plain_number(row.downtime_minutes)
            return figure(_("%(minutes)s min down") % {"minutes": minutes})
        return figure(f"{row.good:,} / {row.total:,}")


@admin.register(Downtime)
class DowntimeAdmin(Recorded):
    list_display = (
        "began_at",
        "ended_at",
        "engagement_name",
        "service_level",
        "lasted",
        "incident",
    )
    list_filter = (*_ENGAGEMENT_FILTERS, ("service_level", AutocompleteSelectFilter))
    date_hierarchy = "began_at"
    ordering = ("-began_at", "-id")
    autocomplete_fields = ("service_level",)
    fieldsets = (
        (None, {"fields": ("service_level", ("began_at", "ended_at"), "incident")}),
    )

    def create(self, form: Any, pages: Any, actor: User) -> None:
        record_downtime(downtime=form.instance, actor=actor)

    @display(description=gettext_lazy("minutes"))
    def lasted(self, row: Downtime) -> SafeString:
        seconds = int((row.ended_at - row.began_at).total_seconds())
        return figure(plain_number(minutes_of(seconds)))


@admin.register(Exclusion)
class ExclusionAdmin(Recorded):
    list_display = (
        "starts_at",
        "ends_at",
        "engagement_name",
        "levels",
        "kind",
        "reason",
        "agreed_by",
    )
    list_filter = (*_ENGAGEMENT_FILTERS, ("kind", ChoicesDropdownFilter))
    list_select_related = ("engagement", "service_level", "agreed_by")
    search_fields = (*_SEARCHED, "reason")
    search_help_text = gettext_lazy("Engagement or reason")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "-id")
    autocomplete_fields = ("engagement", "service_level")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("engagement", "service_level"),
                    ("kind", "reason"),
                    ("starts_at", "ends_at"),
                )
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(ScopedAdmin.has_delete_permission(self, request, obj))

    def create(self, form: Any, pages: Any, actor: User) -> None:
        agree_exclusion(exclusion=form.instance, actor=actor)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        user = request.user
        drop_exclusion(exclusion=obj, actor=user if isinstance(user, User) else None)

    @display(description=gettext_lazy("service level"), ordering="service_level")
    def levels(self, row: Exclusion) -> str:
        return row.service_level.name if row.service_level else _("All levels")


@admin.register(Ticket)
class TicketAdmin(OfEngagement, ReadOnlyAdmin):
    paginator = InfinitePaginator
    list_display = (
        "source_id",
        "engagement_name",
        "priority",
        "ticket_group",
        "opened_at",
        "responded_at",
        "resolved_at",
    )
    list_filter = _ENGAGEMENT_FILTERS
    list_select_related = ("engagement",)
    search_fields = (*_SEARCHED, "=source_id")
    search_help_text = gettext_lazy("Engagement or ticket number")
    date_hierarchy = "opened_at"
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("engagement", "source_id"),
                    ("priority", "ticket_group"),
                    ("opened_at", "responded_at", "resolved_at"),
                    ("response_met", "resolution_met"),
                )
            },
        ),
        (gettext_lazy("Where it was read"), {"fields": ("source_run", "source_line")}),
    )


@admin.register(LevelResult)
class LevelResultAdmin(ResultSteps, OfEngagement, ReadOnlyAdmin):
    list_display = (
        "window_name",
        "engagement_name",
        "service_level",
        "outcome_label",
        "value_figure",
        "counted",
        "excuse",
    )
    list_filter = (
        *_ENGAGEMENT_FILTERS,
        ("service_level", AutocompleteSelectFilter),
        ("outcome", ChoicesDropdownFilter),
    )
    date_hierarchy = "window_from"
    ordering = ("-window_from", "engagement", "service_level")
    readonly_fields = ("value_figure", "counted", "window_name")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("engagement", "service_level"),
                    ("window_name", "outcome"),
                    ("value_figure", "counted"),
                    ("records", "measured_at"),
                )
            },
        ),
        (
            gettext_lazy("Excused"),
            {"fields": ("excuse", ("excused_by", "excused_at"))},
        ),
    )

    @display(
        description=gettext_lazy("outcome"), label=OUTCOME_COLOURS, ordering="outcome"
    )
    def outcome_label(self, row: LevelResult) -> tuple[str, str]:
        return row.outcome, row.get_outcome_display()

    @display(description=gettext_lazy("figure"), ordering="value")
    def value_figure(self, row: LevelResult) -> SafeString | None:
        if row.value is None:
            return None
        return figure(f"{shown(row.value)} {row.service_level.unit}")

    @display(description=gettext_lazy("counted from"))
    def counted(self, row: LevelResult) -> str:
        return counted_from(
            {
                "good": row.good,
                "total": row.total,
                "down_seconds": row.down_seconds,
                "service_seconds": row.service_seconds,
                "incidents": row.incidents,
            }
        )


@admin.register(Credit)
class CreditAdmin(CreditSteps, OfEngagement, ReadOnlyAdmin):
    list_display = (
        "window_name",
        "engagement_name",
        "level_name",
        "amount_figure",
        "state_label",
        "claim_by",
        "reason",
    )
    list_filter = (
        ("state", ChoicesDropdownFilter),
        *_ENGAGEMENT_FILTERS,
        ("scheme", ChoicesDropdownFilter),
    )
    date_hierarchy = "window_from"
    ordering = ("-window_from", "-id")
    readonly_fields = (
        "amount_figure",
        "agreed_figure",
        "window_name",
        "missed",
        "since",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("engagement", "service_level"),
                    ("window_name", "scheme"),
                    ("amount_figure", "agreed_figure"),
                    ("state", "since"),
                    ("claim_by_on", "invoice_line"),
                    "reason",
                )
            },
        ),
        (gettext_lazy("What was missed"), {"fields": ("missed",)}),
    )

    @display(description=gettext_lazy("service level"), ordering="service_level")
    def level_name(self, row: Credit) -> str:
        return row.service_level.name if row.service_level else _("By points")

    @display(description=gettext_lazy("amount"), ordering="amount")
    def amount_figure(self, row: Credit) -> SafeString:
        return money(row.amount, row.engagement.currency)

    @display(description=gettext_lazy("agreed amount"))
    def agreed_figure(self, row: Credit) -> SafeString | None:
        if row.agreed_amount is None:
            return None
        return money(row.agreed_amount, row.engagement.currency)

    @display(description=gettext_lazy("state"), label=STATE_COLOURS, ordering="state")
    def state_label(self, row: Credit) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=gettext_lazy("since"))
    def since(self, row: Credit) -> str:
        return short_date(row.state_since)

    @display(description=gettext_lazy("claim by"), ordering="claim_by_on")
    def claim_by(self, row: Credit) -> SafeString | str | None:
        if row.state != CreditState.DUE:
            return None
        return deadline(row.claim_by_on, timezone.localdate())

    @display(description=gettext_lazy("figures"))
    def missed(self, row: Credit) -> str:
        return "; ".join(
            f"{one['level']}: {one['value']} {one['unit']}"
            for one in row.figures.get("missed", [])
        )
