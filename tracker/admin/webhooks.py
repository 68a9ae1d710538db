"""Webhook endpoints: where events go, and how it goes there."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from engagements.admin.record_admin import RecordAdmin, actor_of
from engagements.admin.unfold_types import action, display
from engagements.choices import Role
from engagements.models import User
from engagements.permissions import roles_of
from tracker.admin.steps import take_step
from tracker.admin.webhook_form import (
    EndpointForm,
    RotateDialog,
    YesDialog,
    labels_of,
    overlap_of,
    short_moment,
)
from tracker.webhooks.models import DeliveryState, WebhookEndpoint
from tracker.webhooks.queries import deliveries_in_state, latest_deliveries
from tracker.webhooks.services import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    rotate_secret,
    send_test,
)
from tracker.webhooks.signing import secret_of

CHANGE = "tracker.change_webhookendpoint"
STATE_COLOURS = {"on": "success", "failing": "warning", "off": "danger"}
# Whose secret this browser may be shown, once.
SHOW_SECRET = "webhook_secret_to_show"  # noqa: S105 - the name of a session's entry
LATEST = 10


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(RecordAdmin):
    form = EndpointForm
    change_form_after_template = "tracker/admin/webhook_panel.html"
    list_display = ("endpoint_name", "state", "type_count", "given_up", "owner")
    list_select_related = ("owner",)
    search_fields = ("name", "url")
    search_help_text = gettext_lazy("Name or address")
    autocomplete_fields = ("owner",)
    actions_detail = ("send_test", "rotate", "enable", "disable")

    def get_queryset(self, request: HttpRequest) -> Any:
        is_dead = Q(deliveries__state=DeliveryState.DEAD)
        return (
            super()
            .get_queryset(request)
            .annotate(dead_count=Count("deliveries", filter=is_dead))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may_change = obj is None or self.has_change_permission(request, obj)
        whose = ("owner",) if _oversees(request) else ()
        asked = (
            ("name", *whose),
            "url",
            "event_types" if may_change else "told_types",
        )
        if obj is None:
            return [(None, {"fields": asked})]
        how = (("told_state", "told_previous"),)
        return [(None, {"fields": (*how, *asked)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        # Whose rows it tells of is settled when it is made.
        return ("told_state", "told_previous", "told_types", "owner")

    def get_urls(self) -> list[URLPattern]:
        inherited: list[URLPattern] = super().get_urls()
        shown = path(
            "<path:object_id>/secret/",
            self.admin_site.admin_view(never_cache(self.secret_view)),
            name="tracker_webhookendpoint_secret",
        )
        return [shown, *inherited]

    def create(self, form: Any, pages: Any, actor: User) -> None:
        if form.instance.owner_id is None:
            form.instance.owner = actor
        create_endpoint(endpoint=form.instance, actor=actor)

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_endpoint(endpoint=record, expected_version=expected, actor=actor)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_endpoint(endpoint=obj, actor=actor_of(request))

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Lead to the new endpoint's secret, whichever button was pressed."""
        return HttpResponseRedirect(_to_secret(request, obj))

    def secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show a secret to the browser that has just had it drawn, once."""
        endpoint = self.get_object(request, object_id)
        if endpoint is None or not self.has_change_permission(request, endpoint):
            raise Http404
        is_shown = request.session.pop(SHOW_SECRET, None) == endpoint.pk
        context = self.admin_site.each_context(request) | {
            "title": _("Secret of %(name)s") % {"name": endpoint},
            "endpoint": endpoint,
            "opts": self.opts,
            "secret": secret_of(endpoint.secret_seed) if is_shown else "",
            "page": _page_of(endpoint),
        }
        return TemplateResponse(request, "tracker/admin/webhook_secret.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        endpoint = context.get("original")
        if endpoint is not None:
            log = reverse("admin:tracker_webhookdelivery_changelist")
            context |= {
                "deliveries": latest_deliveries(endpoint, LATEST),
                "in_state": deliveries_in_state(endpoint),
                "log": f"{log}?endpoint__id__exact={endpoint.pk}",
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("endpoint"), ordering="name")
    def endpoint_name(self, row: WebhookEndpoint) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.name,
            row.url,
        )

    @display(description=gettext_lazy("state"), label=STATE_COLOURS)
    def state(self, row: WebhookEndpoint) -> tuple[str, str]:
        if not row.is_enabled:
            return "off", _("Off: %(why)s") % {
                "why": row.get_disabled_because_display().lower()
            }
        if row.failing_since is not None:
            return "failing", _("Failing")
        return "on", _("On")

    @display(description=gettext_lazy("state"))
    def told_state(self, row: WebhookEndpoint) -> str:
        return self.state(row)[1]

    @display(description=gettext_lazy("previous secret"))
    def told_previous(self, row: WebhookEndpoint) -> str:
        if row.previous_until is None or row.previous_until <= timezone.now():
            return _("Not valid any more") if row.previous_until else _("None yet")
        return _("Valid until %(when)s") % {"when": short_moment(row.previous_until)}

    @display(description=gettext_lazy("types"))
    def type_count(self, row: WebhookEndpoint) -> str:
        return str(len(row.event_types))

    @display(description=gettext_lazy("given up"), ordering="dead_count")
    def given_up(self, row: Any) -> SafeString | None:
        if not row.dead_count:
            return None
        log = reverse("admin:tracker_webhookdelivery_changelist")
        return format_html(
            '<a class="text-link" href="{}?endpoint__id__exact={}&state__exact=dead">'
            "{}</a>",
            log,
            row.pk,
            row.dead_count,
        )

    @display(description=gettext_lazy("events"))
    def told_types(self, row: WebhookEndpoint) -> str:
        return ", ".join(labels_of(row.event_types))

    @action(
        description=gettext_lazy("Send a test"),
        url_path="test",
        icon="send",
        permissions=["use"],
        dialog={
            "title": gettext_lazy("Send a test message?"),
            "description": gettext_lazy(
                "It says nothing of your records; what comes back stands in the log."
            ),
            "form_class": YesDialog,
            "form_submit_text": gettext_lazy("Send"),
        },
    )
    def send_test(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        endpoint = self.get_object(request, object_id)

        def step() -> None:
            send_test(endpoint=endpoint, actor=actor_of(request))

        done = _("A test is on its way: see the log below in a moment.")
        return take_step(request, endpoint, CHANGE, step, done)

    @action(
        description=gettext_lazy("Rotate the secret…"),
        url_path="rotate",
        icon="key",
        permissions=["use"],
        dialog={
            "title": gettext_lazy("Draw another secret"),
            "description": gettext_lazy("It is shown once, on the page that follows."),
            "form_class": RotateDialog,
            "form_submit_text": gettext_lazy("Rotate"),
        },
    )
    def rotate(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        endpoint = self.get_object(request, object_id)
        if endpoint is None or not self.has_use_permission(request, object_id):
            raise Http404
        rotate_secret(
            endpoint=endpoint,
            previous_valid=overlap_of(form),
            actor=actor_of(request),
        )
        return HttpResponse(headers={"HX-Redirect": _to_secret(request, endpoint)})

    @action(
        description=gettext_lazy("Turn off…"),
        url_path="disable",
        icon="power_off",
        permissions=["disable"],
        dialog={
            "title": gettext_lazy("Send no more there?"),
            "description": gettext_lazy(
                "What waits is given up; it can be sent once more when it is on again."
            ),
            "form_class": YesDialog,
            "form_submit_text": gettext_lazy("Turn off"),
        },
    )
    def disable(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        endpoint = self.get_object(request, object_id)

        def step() -> None:
            disable_endpoint(endpoint=endpoint, actor=actor_of(request))

        return take_step(request, endpoint, CHANGE, step, _("It is off."))

    @action(
        description=gettext_lazy("Turn on"),
        url_path="enable",
        icon="power",
        permissions=["enable"],
        dialog={
            "title": gettext_lazy("Send there again?"),
            "description": gettext_lazy("From the next event on."),
            "form_class": YesDialog,
            "form_submit_text": gettext_lazy("Turn on"),
        },
    )
    def enable(
        self, request: HttpRequest, form: forms.Form, object_id: str
    ) -> HttpResponse:
        endpoint = self.get_object(request, object_id)

        def step() -> None:
            enable_endpoint(endpoint=endpoint, actor=actor_of(request))

        return take_step(request, endpoint, CHANGE, step, _("It is on."))

    def has_use_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._endpoint(request, object_id) is not None

    def has_disable_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._endpoint(request, object_id)
        return found is not None and found.is_enabled

    def has_enable_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._endpoint(request, object_id)
        return found is not None and not found.is_enabled

    def _endpoint(
        self, request: HttpRequest, object_id: str | None
    ) -> WebhookEndpoint | None:
        if object_id is None or not request.user.has_perm(CHANGE):
            return None
        found: WebhookEndpoint | None = self.get_object(request, object_id)
        return found


def _oversees(request: HttpRequest) -> bool:
    return Role.ADMINISTRATOR in roles_of(actor_of(request))


def _page_of(endpoint: WebhookEndpoint) -> str:
    return reverse("admin:tracker_webhookendpoint_change", args=[endpoint.pk])


def _to_secret(request: HttpRequest, endpoint: WebhookEndpoint) -> str:
    request.session[SHOW_SECRET] = endpoint.pk
    return reverse("admin:tracker_webhookendpoint_secret", args=[endpoint.pk])
