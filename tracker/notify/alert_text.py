"""What an alert says, made from ids when it is read, for the one who reads it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engagements.choices import ApprovalOutcome
from engagements.models import (
    Approval,
    ChangeOrder,
    ChecklistTask,
    Departure,
    Document,
    Engagement,
    Event,
    TenurePolicy,
    User,
)
from engagements.permissions import engagement_scope
from engagements.queries import with_units
from tracker.notify.choices import DateKind
from tracker.notify.event_types import TELLINGS
from tracker.notify.models import JOB_FAILED, Alert
from tracker.spend.budget_queries import BudgetName, budget_names
from tracker.webhooks.queries import names_of_endpoints, why_disabled

_ICONS = {
    "approval": "approval",
    "engagement": "handshake",
    "change_order": "edit_document",
    "task": "checklist",
    "timesheet": "calendar_view_week",
    "review": "rate_review",
    "model_flag": "flag",
    "import": "upload_file",
    "job": "error",
    "budget": "account_balance_wallet",
    "month": "event_busy",
    "exchange_rate": "currency_exchange",
    "webhook_endpoint": "webhook",
    "manager": "person_off",
    "contractor": "person_off",
}
_REMINDER_ICON = "alarm"
REMINDED = {
    DateKind.NOTICE.value: gettext_lazy("Notice deadline"),
    DateKind.TERM_END.value: gettext_lazy("Term end"),
    DateKind.DOCUMENT.value: gettext_lazy("Document expires"),
    DateKind.TENURE.value: gettext_lazy("Tenure limit"),
    DateKind.CLAIM.value: gettext_lazy("Last day to claim a credit"),
}


@dataclass(frozen=True)
class AlertText:
    """One alert in words; `figure` is empty for those who see no money of it.

    `figure_of` says what the figure is. `path` leads to what it is about, and is empty
    where the reader can't open it.
    """

    alert: Alert
    status: str
    about: str = ""
    figure: str = ""
    figure_of: str = ""
    detail: str = ""
    path: str = ""
    icon: str = _REMINDER_ICON

    @property
    def told_at(self) -> datetime:
        return self.alert.created_at

    @property
    def is_read(self) -> bool:
        return self.alert.read_at is not None

    @property
    def subject(self) -> str:
        """Return such as "Approval waiting: Service desk, 120,000 GBP"."""
        said = ", ".join(filter(None, [self.about, self.figure]))
        return f"{self.status}: {said}" if said else self.status


@dataclass(frozen=True)
class _Records:
    """What the alerts of a page tell of, read at once."""

    approvals: Mapping[int, Approval]
    change_orders: Mapping[int, ChangeOrder]
    tasks: Mapping[int, ChecklistTask]
    documents: Mapping[int, Document]
    policies: Mapping[int, TenurePolicy]
    budgets: Mapping[int, BudgetName]
    endpoints: Mapping[int, str]
    departures: Mapping[int, Departure]
    with_money: frozenset[int]


def alerts_of(user: User) -> Any:
    """Return the alerts that the user may read now, the latest first."""
    return (
        Alert.objects.all()
        .visible_to(user)
        .select_related("event", "reminder", "engagement")
        .order_by("-id")
    )


def in_words(alerts: Iterable[Alert], reader: User) -> list[AlertText]:
    """Return the alerts, which the reader may see, with what they say.

    Reads the same few tables however many alerts there are.
    """
    rows = list(alerts)
    records = _records(rows, reader)
    return [_in_words(row, records) for row in rows]


def _records(rows: list[Alert], reader: User) -> _Records:
    told = [row.event for row in rows if row.event]
    reminded = [row.reminder for row in rows if row.reminder]

    def subjects(subject_type: str) -> set[int]:
        return {each.subject_id for each in told if each.subject_type == subject_type}

    def dated(kind: DateKind) -> set[int]:
        return {each.subject_id for each in reminded if each.kind == kind}

    about = {row.engagement_id for row in rows if row.engagement_id}
    left = {number for each in told if (number := _departure_of(each))}
    seen = Engagement.objects.filter(engagement_scope(reader, with_money=True))
    return _Records(
        approvals=_by_id(_APPROVALS, subjects("approval")),
        change_orders=_by_id(ChangeOrder.objects, subjects("changeorder")),
        tasks=_by_id(ChecklistTask.objects, subjects("checklisttask")),
        documents=_by_id(Document.objects, dated(DateKind.DOCUMENT)),
        policies=_by_id(TenurePolicy.objects, dated(DateKind.TENURE)),
        endpoints=names_of_endpoints(found)
        if (found := subjects("webhookendpoint"))
        else {},
        budgets=budget_names(budgets) if (budgets := subjects("budget")) else {},
        departures=_by_id(_DEPARTURES, left),
        with_money=frozenset(
            seen.filter(pk__in=about).values_list("pk", flat=True) if about else ()
        ),
    )


_DEPARTURES = Departure.objects.select_related("person", "contractor")
_APPROVALS = with_units(Approval.objects.select_related("change_order"))


def _by_id(rows: Any, ids: set[int]) -> Mapping[int, Any]:
    return rows.in_bulk(ids) if ids else {}


def _in_words(alert: Alert, records: _Records) -> AlertText:
    if alert.reminder is not None:
        return _reminder_in_words(alert, records)
    return _event_in_words(alert, records)


def _reminder_in_words(alert: Alert, records: _Records) -> AlertText:
    reminder = alert.reminder
    if reminder is None or alert.engagement is None:
        return AlertText(alert, _("Reminder"))
    name = ""
    if reminder.kind == DateKind.DOCUMENT:
        name = str(records.documents.get(reminder.subject_id, _("a document")))
    if reminder.kind == DateKind.TENURE:
        name = str(records.policies.get(reminder.subject_id, _("a tenure policy")))
    day = date_format(reminder.falls_on, "DATE_FORMAT")
    return AlertText(
        alert,
        status=_("%(what)s on %(day)s") % {"what": REMINDED[reminder.kind], "day": day},
        about=alert.engagement.title,
        detail=" · ".join(filter(None, [alert.engagement.reference, name])),
        path=_page("tracker_credit_change", reminder.subject_id)
        if reminder.kind == DateKind.CLAIM
        else _page("engagements_engagement_change", alert.engagement.pk),
    )


def _event_in_words(alert: Alert, records: _Records) -> AlertText:
    event = alert.event
    if event is None or event.event_type not in TELLINGS:
        return AlertText(alert, _("Something happened"))
    words: dict[str, Any] = {
        "status": str(TELLINGS[event.event_type].title),
        "icon": _ICONS[event.event_type.partition(".")[0]],
    }
    if alert.engagement is not None:
        words |= {
            "about": alert.engagement.title,
            "detail": alert.engagement.reference,
            "path": _page("engagements_engagement_change", alert.engagement.pk),
        }
    return AlertText(alert, **(words | _particulars(alert, records)))


def _particulars(alert: Alert, records: _Records) -> dict[str, str]:
    """Return what is said of this type of event alone."""
    event = alert.event
    if event is None:
        return {}
    words = _of_no_engagement(event, records)
    if words or alert.engagement is None:
        return words
    return _of_engagement(event, alert.engagement, records)


def _of_engagement(
    event: Event, engagement: Engagement, records: _Records
) -> dict[str, str]:
    if event.subject_type == "approval":
        approval = records.approvals.get(event.subject_id)
        if approval is None:
            return {}
        words = _approval_in_words(approval, engagement, records)
        is_asked = event.event_type == "approval.asked"
        if is_asked and approval.outcome != ApprovalOutcome.WAITING:
            words["status"] = _("Approval no longer waiting")
        return words
    if event.subject_type == "changeorder":
        order = records.change_orders.get(event.subject_id)
        return _change_order_in_words(order, engagement, records) if order else {}
    if event.event_type == "engagement.tenure_exceeded":
        return {"detail": _joined(engagement.reference, _tenure(event.changes))}
    if event.subject_type == "checklisttask":
        task = records.tasks.get(event.subject_id)
        return {"detail": _joined(engagement.reference, task.title if task else "")}
    if event.event_type.startswith("timesheet."):
        return _timesheet_in_words(event, engagement)
    if event.event_type == "model_flag.raised" and "pattern" in event.changes:
        return {"status": _("Asks for a decision")}
    return {}


def _of_no_engagement(event: Event, records: _Records) -> dict[str, str]:
    if event.subject_type == "importrun":
        return _import_in_words(event.changes, event.subject_id)
    if event.subject_type == "budget":
        return _budget_in_words(event.changes, records.budgets.get(event.subject_id))
    if event.subject_type == "webhookendpoint":
        return _endpoint_in_words(event, records)
    if number := _departure_of(event):
        return _departure_in_words(event, records.departures.get(number))
    return _run_in_words(event)


def _endpoint_in_words(event: Event, records: _Records) -> dict[str, str]:
    because = str(event.changes.get("disabled_because", ["", ""])[1])
    return {
        "about": records.endpoints.get(event.subject_id, ""),
        "detail": why_disabled(because),
        "path": _page("tracker_webhookendpoint_change", event.subject_id),
    }


def _departure_of(event: Event) -> int | None:
    """Return the departure that the event opened, if it did."""
    if event.event_type not in ("manager.left", "contractor.gone"):
        return None
    number: int = event.changes["departure"][1]
    return number


def _departure_in_words(event: Event, departure: Departure | None) -> dict[str, str]:
    if departure is None:
        return {}
    count = len(event.changes["live_engagements"][1])
    words = {
        "about": str(departure.person or departure.contractor),
        "detail": ngettext(
            "%(count)d live engagement", "%(count)d live engagements", count
        )
        % {"count": count},
        "path": _page("engagements_departure_change", departure.pk),
    }
    if not departure.is_open:
        words["status"] = _("Departure settled")
    return words


def _approval_in_words(
    approval: Any, engagement: Engagement, records: _Records
) -> dict[str, str]:
    order = approval.change_order
    number = _number(order) if order else ""
    words = {"detail": _joined(engagement.reference, number, approval.reason)}
    if approval.amount is None or engagement.pk not in records.with_money:
        return words
    figure = f"{approval.amount:,.0f} {approval.currency}"
    if approval.has_units:
        figure = _("%(amount)s plus units as used") % {"amount": figure}
    figure_of = (
        _("value of the term with change order %(number)d") % {"number": order.number}
        if order
        else _("value of the term")
    )
    return words | {"figure": figure, "figure_of": figure_of}


def _change_order_in_words(
    order: ChangeOrder, engagement: Engagement, records: _Records
) -> dict[str, str]:
    """Say its number; to those who see money also why, and what it changes in value."""
    if engagement.pk not in records.with_money:
        return {"detail": _joined(engagement.reference, _number(order))}
    words = {"detail": _joined(engagement.reference, _number(order), order.reason)}
    if not order.value_change:
        return words
    figure = f"{order.value_change:+,.0f} {engagement.currency}"
    return words | {"figure": figure, "figure_of": _("change of value")}


def _number(order: ChangeOrder) -> str:
    return _("Change order %(number)d") % {"number": order.number}


def _tenure(changes: Mapping[str, Any]) -> str:
    limit_on = date.fromisoformat(changes["limit_on"][1])
    return _("within the limit until %(day)s (%(policies)s)") % {
        "day": date_format(limit_on, "DATE_FORMAT"),
        "policies": changes["policies"][1],
    }


def _timesheet_in_words(event: Event, engagement: Engagement) -> dict[str, str]:
    if event.event_type == "timesheet.missing":
        return {
            "detail": _joined(engagement.reference, _days_missing(event.changes)),
            "path": _named_page("tracker_timesheet_missing"),
        }
    reason = str(event.changes.get("reason", ["", ""])[1])
    return {
        "detail": _joined(engagement.reference, reason),
        "path": _page("tracker_timesheet_change", event.subject_id),
    }


def _days_missing(changes: Mapping[str, Any]) -> str:
    first, last = (date.fromisoformat(changes[name][1]) for name in ("from", "to"))
    return _("%(first)s to %(last)s") % {
        "first": date_format(first, "j M"),
        "last": date_format(last, "DATE_FORMAT"),
    }


def _import_in_words(changes: Mapping[str, Any], run_id: int) -> dict[str, str]:
    refused = changes.get("refused", [None, 0])[1]
    return {
        "about": str(changes.get("file", ["", ""])[1]),
        "detail": ngettext("%d line refused", "%d lines refused", refused) % refused,
        "path": _page("tracker_importrun_change", run_id),
    }


def _budget_in_words(
    changes: Mapping[str, Any], budget: BudgetName | None
) -> dict[str, str]:
    """Say which budget and threshold; its figures are shown where they are scoped."""
    if budget is None:
        return {}
    return {
        "status": _("%(percent)s %% of a budget is used")
        % {"percent": changes["threshold"][1]},
        "about": budget.cost_centre,
        "detail": _("Fiscal year %(year)d") % {"year": budget.year},
        "path": _report("budgets"),
    }


def _report(slug: str) -> str:
    return reverse("tracker:report", args=[slug])


def _month_in_words(changes: Mapping[str, Any]) -> dict[str, str]:
    month = date.fromisoformat(changes["month"][1])
    blocking, warning = changes["blocking"][1], changes["warning"][1]
    told = (
        ngettext("%d item blocks", "%d items block", blocking) % blocking,
        ngettext("%d warns", "%d warn", warning) % warning,
    )
    return {
        "about": date_format(month, "YEAR_MONTH_FORMAT"),
        "detail": _joined(*told),
        "path": _page_of_month(month),
    }


def _rates_in_words(changes: Mapping[str, Any]) -> dict[str, str]:
    since = date.fromisoformat(changes["since"][1])
    return {
        "about": ", ".join(changes["currencies"][1]),
        "detail": _("The last is of %(day)s")
        % {"day": date_format(since, "DATE_FORMAT")},
        "path": _named_page("tracker_exchangerate_changelist"),
    }


def _page_of_month(month: date) -> str:
    try:
        page = reverse("admin:tracker_accrual_checklist")
    except NoReverseMatch:
        return ""
    return f"{page}?month={month:%Y-%m}"


def _run_in_words(event: Event) -> dict[str, str]:
    """Return what a background job told."""
    if event.event_type == "month.hindered":
        return _month_in_words(event.changes)
    if event.event_type == "exchange_rate.grew_old":
        return _rates_in_words(event.changes)
    return _job_in_words(event) if event.event_type == JOB_FAILED else {}


def _job_in_words(event: Event) -> dict[str, str]:
    return {
        "about": str(event.changes.get("name", ["", ""])[1]),
        "path": _page("tracker_jobrun_change", event.subject_id),
    }


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _page(name: str, number: int) -> str:
    return _named_page(name, number)


def _named_page(name: str, *args: int) -> str:
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""
