"""Alerts and how to be told: everybody's own pages, and what was sent to whom."""

from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.unfold_types import action, display
from tracker.admin.alert_forms import PreferenceForm
from tracker.notify.alert_text import REMINDED, alerts_of, in_words
from tracker.notify.event_types import TELLINGS
from tracker.notify.models import Alert, Reminder
from tracker.notify.preferences import wishes_of
from tracker.notify.queries import feed_of, preference_of, unread_alerts
from tracker.notify.services import mark_read, retry_mail, set_preferences

_ON_A_PAGE = 50
_SCHEDULE = ("frequency", "digest_weekday", "digest_hour", "time_zone")
_MAIL_COLOURS = {
    "sent": "success",
    "failed": "danger",
    "waiting": "info",
    "none": "default",
}


def bell(request: HttpRequest) -> dict[str, Any]:
    """Give templates the count of unread alerts, asked for where it is shown."""

    def count() -> int:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return 0
        return unread_alerts(user)

    return {"unread_alerts": SimpleLazyObject(count)}


class MailStateFilter(admin.SimpleListFilter):
    title = gettext_lazy("mail")
    parameter_name = "mail"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("failed", _("Failed")), ("sent", _("Sent"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        sent = "sent_at" if queryset.model is Reminder else "mailed_at"
        match self.value():
            case "failed":
                return queryset.filter(
                    Q(failed_at__isnull=False), **{f"{sent}__isnull": True}
                )
            case "sent":
                return queryset.filter(**{f"{sent}__isnull": False})
            case _:
                return queryset


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """The list is for administrators and auditors; each person has a page of theirs."""

    list_display = ("what", "recipient", "engagement", "created_at", "read_at", "mail")
    list_select_related = ("recipient", "engagement", "event", "reminder")
    list_filter = (MailStateFilter, ("recipient", ScopedDropdownFilter))
    search_fields = ("recipient__username", "engagement__reference")
    actions = ("try_again",)
    readonly_fields = ("what",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "what",
                    "recipient",
                    "engagement",
                    "created_at",
                    "read_at",
                    "is_mailed",
                    "mailed_at",
                    "attempts",
                    "failed_at",
                    "error",
                )
            },
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("own/", wrap(self.own_view), name="tracker_alert_own"),
            path(
                "own/read/",
                wrap(require_POST(self.read_view)),
                name="tracker_alert_read",
            ),
            path(
                "own/<int:alert_id>/open/",
                wrap(require_POST(self.open_view)),
                name="tracker_alert_open",
            ),
            path(
                "own/preferences/",
                wrap(self.preferences_view),
                name="tracker_notificationpreference_own",
            ),
        ]
        inherited: list[URLPattern] = super().get_urls()
        return own + inherited

    @display(description=gettext_lazy("what"))
    def what(self, row: Alert) -> str:
        """Say which kind of event or date it is; the words are for its reader."""
        if row.event is not None:
            telling = TELLINGS.get(row.event.event_type)
            return str(telling.title) if telling else row.event.event_type
        return str(REMINDED[row.reminder.kind]) if row.reminder else ""

    @display(description=gettext_lazy("mail"), label=_MAIL_COLOURS)
    def mail(self, row: Alert) -> tuple[str, str]:
        if row.reminder is not None:
            return _mail_state(row.reminder.sent_at, row.reminder.failed_at)
        if not row.is_mailed:
            return "none", _("In the product only")
        return _mail_state(row.mailed_at, row.failed_at)

    @action(description=gettext_lazy("Try failed mails again at once"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        failed = queryset.filter(
            is_mailed=True, mailed_at=None, failed_at__isnull=False
        )
        for alert in failed:
            retry_mail(alert=alert, actor=actor_of(request))
        count = len(failed)
        messages.info(
            request,
            ngettext(
                "%d mail is tried again within a minute.",
                "%d mails are tried again within a minute.",
                count,
            )
            % count,
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if not request.user.has_perm("tracker.change_alert"):
            actions.pop("try_again", None)
        return actions

    def own_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the reader was told, the latest first."""
        reader = actor_of(request)
        rows = alerts_of(reader)
        only_unread = request.GET.get("show") != "all"
        page = Paginator(rows.unread() if only_unread else rows, _ON_A_PAGE).get_page(
            request.GET.get("page")
        )
        context = self.admin_site.each_context(request) | {
            "title": _("Alerts"),
            "alerts": in_words(page.object_list, reader),
            "page": page,
            "only_unread": only_unread,
        }
        return TemplateResponse(request, "tracker/admin/alerts.html", context)

    def read_view(self, request: HttpRequest) -> HttpResponse:
        """Mark one of the reader's alerts as read, or all."""
        given = request.POST.get("alert", "")
        mark_read(
            user=actor_of(request),
            alert_id=int(given) if given.isdecimal() and len(given) < 19 else None,
        )
        return HttpResponseRedirect(reverse("admin:tracker_alert_own"))

    def open_view(self, request: HttpRequest, alert_id: int) -> HttpResponse:
        """Mark the alert as read, and lead to what it is about."""
        reader = actor_of(request)
        found = alerts_of(reader).filter(pk=alert_id).first()
        own = reverse("admin:tracker_alert_own")
        if found is None:
            messages.error(request, _("This alert is not yours to read any more."))
            return HttpResponseRedirect(own)
        (text,) = in_words([found], reader)
        mark_read(user=reader, alert_id=alert_id)
        return HttpResponseRedirect(text.path or own)

    def preferences_view(self, request: HttpRequest) -> HttpResponse:
        """Let the reader choose what to be told of, and how."""
        reader = actor_of(request)
        form = PreferenceForm(
            request.POST or None,
            wishes=wishes_of(preference_of(reader)),
            sees_jobs=reader.has_perm("tracker.view_jobrun"),
        )
        if request.method == "POST" and form.is_valid():
            set_preferences(user=reader, values=form.values(), actor=reader)
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(request.path)
        feed = feed_of(reader)
        context = self.admin_site.each_context(request) | {
            "title": _("Notifications"),
            "form": form,
            "schedule": [form[name] for name in _SCHEDULE],
            "feed": feed,
            "feed_address": request.build_absolute_uri(
                reverse("tracker:calendar-feed", args=[feed.token])
            )
            if feed
            else "",
        }
        return TemplateResponse(request, "tracker/admin/notifications.html", context)


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    list_display = (
        "what",
        "engagement",
        "falls_on",
        "threshold_days",
        "recipient",
        "escalated",
        "mail",
        "sent_at",
    )
    readonly_fields = ("what",)
    list_select_related = ("engagement", "recipient")
    list_filter = (
        MailStateFilter,
        ("kind", ChoicesDropdownFilter),
        ("recipient", ScopedDropdownFilter),
    )
    search_fields = ("engagement__reference", "recipient__username")
    date_hierarchy = "falls_on"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "what",
                    "engagement",
                    "falls_on",
                    "threshold_days",
                    "recipient",
                    "is_escalation",
                    "sent_at",
                    "failed_at",
                    "error",
                )
            },
        ),
    )

    @display(description=gettext_lazy("what"), ordering="kind")
    def what(self, row: Reminder) -> str:
        return str(REMINDED[row.kind])

    @display(description=gettext_lazy("escalated"), ordering="is_escalation")
    def escalated(self, row: Reminder) -> str:
        return _("Escalated") if row.is_escalation else ""

    @display(description=gettext_lazy("mail"), label=_MAIL_COLOURS)
    def mail(self, row: Reminder) -> tuple[str, str]:
        return _mail_state(row.sent_at, row.failed_at)


def _mail_state(sent_at: Any, failed_at: Any) -> tuple[str, str]:
    if sent_at is not None:
        return "sent", _("Sent")
    if failed_at is not None:
        return "failed", _("Failed, tried again")
    return "waiting", _("Waiting")
