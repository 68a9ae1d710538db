"""The queue of what waits for a person's approval, and all that was ever asked."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.approval_lines import (
    NONE,
    OUTCOME_COLOURS,
    amount_of,
    person,
    subject,
)
from engagements.admin.approval_steps import (
    APPROVE_DIALOG,
    REJECT_DIALOG,
    ApproveDialog,
    RejectDialog,
    decide,
    facts_of,
)
from engagements.admin.engagement import KIND_COLOURS, SHORT_KINDS
from engagements.admin.money_warnings import warn_of_what_was_heard
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.unfold_types import action, display
from engagements.choices import ApprovalOutcome
from engagements.errors import TrackerError
from engagements.models import Approval
from engagements.queries import waiting_for, with_units
from engagements.services.approvals import approve, reject
from engagements.services.spending import hearing_of_money
from engagements.services.tenure import tenure_warnings

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown


class WaitingFilter(_Dropdown):
    """Shows what waits for the person, unless more is asked for."""

    title = gettext_lazy("approvals")
    parameter_name = "whose"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("me", gettext_lazy("Waiting for me")),
            ("waiting", gettext_lazy("Waiting for anybody")),
            ("all", gettext_lazy("All, decided too")),
        ]

    def value(self) -> str:
        return super().value() or "me"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "me":
            return queryset.filter(is_mine=True)
        if self.value() == "waiting":
            return queryset.filter(outcome=ApprovalOutcome.WAITING)
        return queryset


class ApproveOneDialog(ApproveDialog):
    def decided(self) -> QuerySet[Approval]:
        return waiting_for(actor_of(self.request)).filter(pk=self.object_id)


class RejectOneDialog(RejectDialog):
    def decided(self) -> QuerySet[Approval]:
        return waiting_for(actor_of(self.request)).filter(pk=self.object_id)


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    actions_detail = ("approve", "reject")
    list_display = (
        "engagement_name",
        "asked_for",
        "kind_label",
        "department",
        "amount_figure",
        "asked",
        "since",
        "decision",
    )
    list_filter = (
        WaitingFilter,
        ("engagement__kind", ChoicesDropdownFilter),
        ("outcome", ChoicesDropdownFilter),
    )
    list_select_related = (
        "engagement__vendor",
        "engagement__department",
        "change_order",
        "rule",
        "asked_by",
        "decided_by",
    )
    search_fields = (
        "engagement__reference",
        "engagement__title",
        "engagement__vendor__legal_name",
    )
    search_help_text = gettext_lazy("Engagement or vendor")
    ordering = ("created_at", "id")
    change_form_template = "engagements/admin/approval.html"
    fieldsets = ((None, {"fields": ("engagement", "rule")}),)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        title = {"title": _("Waiting for me")}
        is_mine = request.GET.get("whose", "me") == "me"
        shown = title if is_mine else {"title": _("Approvals")}
        return super().changelist_view(request, shown | (extra_context or {}))

    def get_queryset(self, request: HttpRequest) -> Any:
        mine = waiting_for(actor_of(request)).order_by()
        rows = super().get_queryset(request)
        return with_units(rows).annotate(is_mine=Exists(mine.filter(pk=OuterRef("pk"))))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        approval: Approval = context["original"]
        context |= {
            "approval": approval,
            "facts": facts_of(approval),
            "colour": OUTCOME_COLOURS[approval.outcome],
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Approval) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{} · {}</span>',
            row.engagement.title,
            row.engagement.reference,
            row.engagement.vendor,
        )

    @display(description=gettext_lazy("for"), ordering="rule__name")
    def asked_for(self, row: Approval) -> SafeString:
        return format_html(
            '<span>{}</span><span class="row-note">{}</span>',
            subject(row),
            row.rule.name,
        )

    @display(
        description=gettext_lazy("model"),
        label=KIND_COLOURS,
        ordering="engagement__kind",
    )
    def kind_label(self, row: Approval) -> tuple[str, str]:
        return row.engagement.kind, str(SHORT_KINDS[row.engagement.kind])

    @display(
        description=gettext_lazy("department"), ordering="engagement__department__name"
    )
    def department(self, row: Approval) -> str:
        return str(row.engagement.department or "")

    @display(description=gettext_lazy("amount"), ordering="amount", empty_value=NONE)
    def amount_figure(self, row: Approval) -> SafeString | None:
        return amount_of(row)

    @display(description=gettext_lazy("asked by"), ordering="asked_by__last_name")
    def asked(self, row: Approval) -> str:
        return person(row.asked_by)

    @display(description=gettext_lazy("since"), ordering="created_at")
    def since(self, row: Approval) -> SafeString:
        return format_html(
            '<span>{}</span><span class="row-note">{}</span>',
            date_format(timezone.localtime(row.created_at), "DATE_FORMAT"),
            timesince(row.created_at, depth=1),
        )

    @display(description=gettext_lazy("decision"))
    def decision(self, row: Any) -> SafeString | str:
        """Buttons where it is the reader's to decide; otherwise what became of it."""
        if not row.is_mine:
            by = person(row.decided_by)
            outcome = row.get_outcome_display()
            return f"{outcome} · {by}" if by else outcome
        return format_html(
            '<span class="decide">{}{}</span>',
            _dialog_link("approve", _("Approve"), row),
            _dialog_link("reject", _("Reject"), row),
        )

    @action(
        description=gettext_lazy("Approve…"),
        url_path="approve",
        icon="check",
        permissions=["decide"],
        dialog=APPROVE_DIALOG | {"form_class": ApproveOneDialog},
    )
    def approve(
        self, request: HttpRequest, form: ApproveDialog, object_id: str
    ) -> HttpResponse:
        return self._decide(request, form, approve, _("Approved."))

    @action(
        description=gettext_lazy("Reject…"),
        url_path="reject",
        icon="close",
        permissions=["decide"],
        dialog=REJECT_DIALOG | {"form_class": RejectOneDialog},
    )
    def reject(
        self, request: HttpRequest, form: RejectDialog, object_id: str
    ) -> HttpResponse:
        return self._decide(request, form, reject, _("Rejected."))

    def _decide(
        self,
        request: HttpRequest,
        form: ApproveDialog | RejectDialog,
        service: Callable[..., Approval],
        told: str,
    ) -> HttpResponse:
        """Decide and lead back to the queue, with the outcome on it."""
        decided = list(form.decided().select_related("engagement"))
        try:
            with hearing_of_money() as heard:
                decide(
                    approvals=form.decided(),
                    service=service,
                    reason=form.cleaned_data["reason"],
                    actor=actor_of(request),
                )
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
        except TrackerError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, told)
            if service is approve:
                _warn_of_tenure(request, decided)
            warn_of_what_was_heard(request, heard)
        queue = reverse("admin:engagements_approval_changelist")
        return HttpResponse(headers={"HX-Redirect": queue})

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """For those who see it; that it still waits for them, the service says."""
        if object_id is None:
            return False
        found = self.get_object(request, object_id)
        # After a second press the service says what became of it.
        return found is not None and (found.is_mine or request.method == "POST")


def _warn_of_tenure(request: HttpRequest, decided: Sequence[Approval]) -> None:
    for approval in decided:
        for warning in tenure_warnings(engagement=approval.engagement):
            messages.warning(request, warning)


def _dialog_link(name: str, label: str, row: Approval) -> SafeString:
    url = reverse(f"admin:engagements_approval_{name}", args=[row.pk])
    return format_html(
        '<a class="decide-{}" href="{}" hx-get="{}" hx-target="#modal-content"'
        ' hx-select="#dialog" x-on:htmx:after-on-load="openModal = true"'
        ' aria-label="{}: {}">{}</a>',
        name,
        url,
        url,
        label,
        row.engagement.title,
        label,
    )


def waiting_count(request: HttpRequest) -> int:
    """Return how many approvals wait for the person; shown beside the page's name."""
    return waiting_for(actor_of(request)).count()
