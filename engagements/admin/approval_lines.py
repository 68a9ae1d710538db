"""What was asked, decided and changed of an engagement, on its page."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.columns import figure, money, short_date
from engagements.admin.inputs import plain_number
from engagements.admin.panels import Panel, on_engagement_page
from engagements.admin.record_admin import LineInline
from engagements.admin.unfold_types import display
from engagements.choices import ApprovalOutcome, ChangeOrderState
from engagements.models import Approval, ChangeOrder, Engagement, User
from engagements.permissions import sees_money
from engagements.queries import with_units

# Where a column has nothing to tell.
NONE = "\u2013"
OUTCOME_COLOURS = {
    ApprovalOutcome.WAITING.value: "warning",
    ApprovalOutcome.APPROVED.value: "success",
    ApprovalOutcome.REJECTED.value: "danger",
    ApprovalOutcome.WITHDRAWN.value: "default",
}
STATE_COLOURS = {
    ChangeOrderState.WAITING.value: "warning",
    ChangeOrderState.IN_FORCE.value: "success",
    ChangeOrderState.REJECTED.value: "danger",
    ChangeOrderState.WITHDRAWN.value: "default",
}


def person(user: User | None) -> str:
    return str(user.get_full_name() or user.username) if user else ""


def amount_of(approval: Any) -> SafeString | None:
    """Return what the rules compared; None where no price was recorded.

    The approval is one read `with_units`.
    """
    if approval.amount is None:
        return None
    amount = money(approval.amount, approval.currency)
    if not approval.has_units:
        return amount
    return format_html(
        '{}<span class="row-note">{}</span>', amount, _("plus units as used")
    )


class HistoryInline(LineInline):
    """Shows lines that services alone write, or a sentence where there are none."""

    template = "engagements/admin/lines_or_none.html"
    tab = True
    # Said in place of a table without rows.
    none_yet: Any

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ChangeOrderInline(HistoryInline):
    model = ChangeOrder
    none_yet = gettext_lazy(
        "No change order yet. A change of value, price, hours or end is recorded with "
        "“Record change order…” once the engagement runs."
    )
    fields = (
        "number",
        "effective",
        "value",
        "price",
        "hours",
        "end",
        "reason",
        "recorded_by",
        "state_label",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).with_state()
        return rows.select_related("engagement", "recorded_by")

    @display(description=gettext_lazy("effective on"))
    def effective(self, row: ChangeOrder) -> str:
        return short_date(row.effective_on)

    @display(description=gettext_lazy("change of value"))
    def value(self, row: ChangeOrder) -> SafeString:
        return money(row.value_change, row.engagement.currency)

    @display(description=gettext_lazy("new price"), empty_value=NONE)
    def price(self, row: ChangeOrder) -> SafeString | None:
        if row.new_price is None:
            return None
        return money(row.new_price, row.engagement.currency)

    @display(description=gettext_lazy("new hours"), empty_value=NONE)
    def hours(self, row: ChangeOrder) -> SafeString | None:
        hours = row.new_weekly_hours
        return None if hours is None else figure(plain_number(hours))

    @display(description=gettext_lazy("new end"), empty_value=NONE)
    def end(self, row: ChangeOrder) -> str | None:
        return short_date(row.new_ends_on) if row.new_ends_on else None

    @display(description=gettext_lazy("state"))
    def state_label(self, row: ChangeOrder) -> str:
        return str(ChangeOrderState(row.state).label)


class ApprovalInline(HistoryInline):
    model = Approval
    none_yet = gettext_lazy("Nobody has been asked for an approval of this yet.")
    verbose_name_plural = gettext_lazy("approvals")
    fields = (
        "asked_for",
        "rule",
        "amount",
        "asked",
        "outcome_label",
        "decided",
        "reason",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return with_units(rows).select_related(
            "rule", "change_order", "asked_by", "decided_by"
        )

    @display(description=gettext_lazy("for"))
    def asked_for(self, row: Approval) -> str:
        return subject(row)

    @display(description=gettext_lazy("amount"), empty_value=NONE)
    def amount(self, row: Approval) -> SafeString | None:
        return amount_of(row)

    @display(description=gettext_lazy("asked"))
    def asked(self, row: Approval) -> SafeString:
        return _who_and_when(row.asked_by, row.created_at)

    @display(description=gettext_lazy("outcome"))
    def outcome_label(self, row: Approval) -> str:
        return str(row.get_outcome_display())

    @display(description=gettext_lazy("decided"), empty_value=NONE)
    def decided(self, row: Approval) -> SafeString | None:
        if row.decided_at is None:
            return None
        return _who_and_when(row.decided_by, row.decided_at)


def subject(approval: Approval) -> str:
    """Return what is to be approved, without its engagement's name."""
    if approval.change_order is None:
        return _("Start")
    number = {"number": approval.change_order.number}
    return _("Change order %(number)d") % number


def _who_and_when(user: User | None, moment: Any) -> SafeString:
    return format_html(
        '<span>{}</span><span class="row-note">{}</span>',
        person(user),
        date_format(timezone.localtime(moment), "j M Y, H:i"),
    )


@on_engagement_page
def waiting_panel(engagement: Engagement, user: User) -> Panel | None:
    """Who has still to approve, where something waits."""
    if not sees_money(user) or not user.has_perm("engagements.view_approval"):
        return None
    rows = list(
        Approval.objects.filter(
            engagement=engagement.pk, outcome=ApprovalOutcome.WAITING
        ).select_related("rule__approver_group", "change_order", "asked_by")
    )
    if not rows:
        return None
    lines = format_html_join(
        "",
        '<li>{} · {}<span class="row-note">{}</span>'
        '<span class="row-note">{}</span></li>',
        (
            (
                subject(row),
                row.rule.name,
                _("by %(group)s") % {"group": row.rule.approver_group.name},
                _("asked by %(person)s on %(day)s")
                % {
                    "person": person(row.asked_by),
                    "day": short_date(timezone.localtime(row.created_at).date()),
                },
            )
            for row in rows
        ),
    )
    body = format_html('<ul class="panel-lines">{}</ul>', lines)
    return Panel(title=_("Waits for approval"), body=body)
