"""What was sent to webhook endpoints, what came back, and what was given up."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.next_steps import steps_in_order
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.unfold_types import action, display
from engagements.errors import TrackerError
from tracker.admin.steps import take_step
from tracker.admin.webhook_form import YesDialog, short_moment
from tracker.webhooks.models import DeliveryState, WebhookDelivery
from tracker.webhooks.queries import attempts_of
from tracker.webhooks.services import replay_delivery

CHANGE = "tracker.change_webhookdelivery"
STATE_COLOURS = {
    DeliveryState.WAITING.value: "info",
    DeliveryState.DELIVERED.value: "success",
    DeliveryState.DEAD.value: "danger",
}


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "message",
        "endpoint",
        "state_label",
        "attempts",
        "last_answer",
        "made",
        "next_attempt",
    )
    list_select_related = ("endpoint",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("endpoint", ScopedDropdownFilter),
    )
    search_fields = ("event_type", "message_id")
    search_help_text = gettext_lazy("Type of event or message id")
    actions = ("replay_chosen",)
    actions_detail = ("replay",)
    change_form_template = "tracker/admin/webhook_delivery.html"
    fieldsets = ((None, {"fields": ("endpoint", "state")}),)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        delivery: WebhookDelivery = context["original"]
        context |= {
            "delivery": delivery,
            "state_colour": STATE_COLOURS[delivery.state],
            "is_waiting": delivery.state == DeliveryState.WAITING,
            "body": json.dumps(json.loads(delivery.body), indent=2),
            "attempts": attempts_of(delivery),
            "steps": steps_in_order(
                context.get("actions_detail", []), ("replay",), pressing=("replay",)
            ),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("message"), ordering="event_type")
    def message(self, row: WebhookDelivery) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.event_type,
            row.message_id,
        )

    @display(description=gettext_lazy("state"), label=STATE_COLOURS, ordering="state")
    def state_label(self, row: WebhookDelivery) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=gettext_lazy("last answer"))
    def last_answer(self, row: WebhookDelivery) -> str | int | None:
        return row.last_error or row.last_status

    @display(description=gettext_lazy("created"), ordering="created_at")
    def made(self, row: WebhookDelivery) -> str:
        return short_moment(row.created_at)

    @display(description=gettext_lazy("next attempt"), ordering="due_at")
    def next_attempt(self, row: WebhookDelivery) -> str | None:
        is_waiting = row.state == DeliveryState.WAITING
        return short_moment(row.due_at) if is_waiting else None

    @action(
        description=gettext_lazy("Send once more"),
        url_path="replay",
        icon="replay",
        permissions=["replay"],
        dialog={
            "title": gettext_lazy("Send this message once more?"),
            "description": gettext_lazy(
                "Under the same id, so that a receiver that has it already knows."
            ),
            "form_class": YesDialog,
            "form_submit_text": gettext_lazy("Send once more"),
        },
    )
    def replay(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        delivery = self.get_object(request, object_id)

        def step() -> None:
            replay_delivery(delivery=delivery, actor=actor_of(request))

        return take_step(request, delivery, CHANGE, step, _("It is on its way again."))

    @action(description=gettext_lazy("Send once more"))
    def replay_chosen(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
    ) -> None:
        """Send all that were chosen, and say of the others why not."""
        done, refusals = 0, set()
        for delivery in queryset.order_by("id"):
            try:
                replay_delivery(delivery=delivery, actor=actor_of(request))
                done += 1
            except TrackerError as refusal:
                refusals.add(str(refusal))
        for reason in sorted(refusals):
            messages.warning(request, reason)
        messages.info(
            request,
            ngettext(
                "%d message is on its way again.",
                "%d messages are on their way again.",
                done,
            )
            % done,
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if not request.user.has_perm(CHANGE):
            actions.pop("replay_chosen", None)
        return actions

    def has_replay_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm(CHANGE):
            return False
        found: WebhookDelivery | None = self.get_object(request, object_id)
        return found is not None and found.state != DeliveryState.WAITING
