"""What the pages of both models of engagement have in common."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
)

from engagements.admin.approval_lines import ApprovalInline, ChangeOrderInline
from engagements.admin.beginnings import beginnings, keep_sources
from engagements.admin.boarding_panel import boarding_of
from engagements.admin.boarding_steps import BoardingSteps
from engagements.admin.bulk import BulkActions
from engagements.admin.bulk_changes import ENGAGEMENT_CHANGES
from engagements.admin.columns import (
    PHASE_COLOURS,
    STATUS_COLOURS,
    WORD_COLOURS,
    deadline,
    price,
    short_date,
)
from engagements.admin.cost_split import CostSplitInline
from engagements.admin.documents_tab import DocumentInline
from engagements.admin.exports import ExportableList
from engagements.admin.filters import (
    CommittedBetweenFilter,
    MineFilter,
    NoticeBetweenFilter,
    NoticeDeadlineFilter,
    PhaseFilter,
    ScopedDropdownFilter,
)
from engagements.admin.lifecycle_steps import LifecycleSteps
from engagements.admin.lineage import lineage_line
from engagements.admin.next_steps import engagement_steps
from engagements.admin.panels import engagement_panels
from engagements.admin.record_admin import (
    RecordAdmin,
    RecordForm,
    actor_of,
)
from engagements.admin.term_lines import TermInline
from engagements.admin.timeline import timeline_page
from engagements.admin.unfold_types import display
from engagements.choices import Phase, Status
from engagements.models import Charge, Document, Engagement, User
from engagements.permissions import sees_money
from engagements.queries import with_price
from engagements.services.engagements import change_engagement, delete_draft
from engagements.values.periods import add_months, month_of


class AgreementForm(RecordForm):
    """Fills in what a person may leave blank."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "currency" in self.fields:
            self.fields["currency"].required = False
            self.fields["currency"].help_text = _(
                "Left blank, what the vendor bills in. ISO code such as GBP."
            )
        self._hide_name_of_predecessor()

    def _hide_name_of_predecessor(self) -> None:
        """Keep a predecessor out of scope chosen, without saying what it is."""
        field = self.fields.get("predecessor")
        present = self.instance.predecessor_id
        if not present or not isinstance(field, forms.ModelChoiceField):
            return
        seen = Engagement.objects.visible_to(actor_of(self.request))
        if not seen.filter(pk=present).exists():
            setattr(field, "label_from_instance", _name_unless(present))  # noqa: B010 - Django's documented hook is a method

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data.get("currency") or ""
        vendor = self.cleaned_data.get("vendor")
        if currency or vendor is None:
            return (currency or str(self.instance.currency)).upper()
        return str(vendor.currency)


def _name_unless(hidden: int) -> Callable[[Engagement], str]:
    words = _("an engagement that you may not see")
    return lambda row: words if row.pk == hidden else str(row)


class ChargeInline(TermInline):
    model = Charge
    fields = (
        "charge_kind",
        "description",
        "amount",
        "unit_name",
        "due_on",
        "accepted_on",
    )
    verbose_name_plural = gettext_lazy("charges besides the price")
    tab = True


class AgreementList(ExportableList):
    """The columns, filters and search of any list of engagements."""

    list_select_related: Sequence[str] = ("vendor", "manager", "department")
    search_fields: Sequence[str] = (
        "reference",
        "title",
        "vendor__legal_name",
        "purchase_order_number",
        "external_id",
    )
    search_help_text = gettext_lazy("Reference, title, vendor or purchase order")
    date_hierarchy = "starts_on"
    ordering = ("-starts_on", "-id")
    list_filter: Sequence[Any] = (
        ("vendor", AutocompleteSelectFilter),
        ("department", ScopedDropdownFilter),
        ("manager", AutocompleteSelectFilter),
        MineFilter,
        PhaseFilter,
        NoticeDeadlineFilter,
        ("status", ChoicesDropdownFilter),
        ("service", ScopedDropdownFilter),
        ("notice_deadline_on", NoticeBetweenFilter),
        ("committed_until_on", CommittedBetweenFilter),
    )
    list_display: Sequence[str] = (
        "name",
        "vendor",
        "answers",
        "price",
        "phase",
        "term_end",
        "notice",
        "bound",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        today = timezone.localdate()
        return with_price(super().get_queryset(request).with_phase(today), today)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = list(super().get_list_display(request))
        if not sees_money(request.user):
            shown.remove("price")
        return shown

    @display(description=gettext_lazy("engagement"), ordering="title")
    def name(self, row: Engagement) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.title,
            row.reference,
        )

    @display(description=gettext_lazy("manager"), ordering="manager__last_name")
    def answers(self, row: Engagement) -> SafeString:
        manager = row.manager and (row.manager.get_full_name() or row.manager.username)
        return format_html(
            '<span>{}</span><span class="row-note">{}</span>',
            manager or "",
            row.department or "",
        )

    @display(description=gettext_lazy("price"))
    def price(self, row: Engagement) -> SafeString | None:
        return price(row)

    @display(description=gettext_lazy("phase"), label=WORD_COLOURS, ordering="phase")
    def phase(self, row: Any) -> tuple[str, str]:
        """What the dates say; the status where it says more than that."""
        if row.status != Status.ACTIVE:
            return row.status, row.get_status_display()
        return row.phase, str(Phase(row.phase).label)

    @display(
        description=gettext_lazy("term ends"),
        ordering="term_ends_on",
        empty_value=gettext_lazy("open"),
    )
    def term_end(self, row: Engagement) -> str | None:
        return short_date(row.term_ends_on) if row.term_ends_on else None

    @display(description=gettext_lazy("notice deadline"), ordering="notice_deadline_on")
    def notice(self, row: Engagement) -> SafeString | str | None:
        return deadline(row.notice_deadline_on, timezone.localdate())

    @display(description=gettext_lazy("committed until"), ordering="committed_until_on")
    def bound(self, row: Engagement) -> str | None:
        return short_date(row.committed_until_on) if row.committed_until_on else None


class AgreementAdmin(
    BoardingSteps, LifecycleSteps, BulkActions, AgreementList, RecordAdmin
):
    """One page for all of an agreement, in the order in which a person thinks."""

    actions_detail = (*LifecycleSteps.actions_detail, *BoardingSteps.BOARDING)
    bulk_changes = ENGAGEMENT_CHANGES
    form = AgreementForm
    autocomplete_fields: Sequence[str] = (
        "vendor",
        "manager",
        "service",
        "department",
        "predecessor",
    )
    change_form_template: Any = "engagements/admin/agreement_form.html"
    change_form_outer_before_template = "engagements/admin/panels.html"
    common_inlines = (
        CostSplitInline,
        ChargeInline,
        ChangeOrderInline,
        ApprovalInline,
        DocumentInline,
    )

    PARTIES = (
        gettext_lazy("What and with whom"),
        {"fields": ("title", "vendor", "service")},
    )
    OURS = (gettext_lazy("Who answers for it"), {"fields": ("manager", "department")})
    TERM = (
        gettext_lazy("How long"),
        {
            "fields": (
                ("starts_on", "ends_on"),
                ("notice_period", "notice_unit"),
                "renewal",
                ("initial_term_months", "renewal_term_months"),
            )
        },
    )
    # Fieldsets marked "late" stand below the lines: see agreement_form.html.
    DETAILS = (
        gettext_lazy("Numbers and codes"),
        {
            "classes": ("collapse", "late"),
            "fields": (
                "reference",
                "purchase_order_number",
                "currency",
                "country",
                "predecessor",
                "external_id",
            ),
        },
    )

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.timeline_view)
        name = f"engagements_{self.opts.model_name}_timeline"
        own = path("<path:object_id>/timeline/", page, name=name)
        return [own, *super().get_urls()]

    def timeline_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return timeline_page(self, request, object_id)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        actor = actor_of(request)
        start = add_months(month_of(timezone.localdate()), 1)
        return {
            "manager": actor.pk,
            "department": actor.department_id,
            "starts_on": start,
            "currency": "",
            **super().get_changeform_initial_data(request),
            **{
                name: value
                for beginning in beginnings(request, self.model, actor)
                for name, value in beginning.initial.items()
            },
        }

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        inlines = [*super().get_inlines(request, obj), *self.common_inlines]
        if obj is None:
            inlines.remove(ChangeOrderInline)
            inlines.remove(DocumentInline)
            inlines.remove(ApprovalInline)
        return inlines if sees_money(request.user) else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only of what was never more than a draft; the rest is ended."""
        is_draft = obj is None or obj.status == Status.DRAFT
        return is_draft and bool(super().has_delete_permission(request, obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        names, counts, lacking, held = super().get_deleted_objects(objs, request)
        # The row of the common list goes with it, and so do a draft's documents;
        # nobody deletes those by themselves.
        along = {Engagement._meta.verbose_name, Document._meta.verbose_name}
        return names, counts, lacking - along, held

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_draft(engagement=obj, actor=actor_of(request))

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_engagement(engagement=record, expected_version=expected, actor=actor)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        shown = context.get("original")
        if shown is not None and not context.get("is_popup"):
            context["lineage"] = lineage_line(shown, actor_of(request))
            context["panels"] = engagement_panels(shown, actor_of(request))
            today = timezone.localdate()
            context["timeline"] = reverse(
                f"admin:engagements_{self.opts.model_name}_timeline", args=[shown.pk]
            )
            context["summary"] = summary(shown, actor_of(request), today)
            context["boarding"] = boarding_of(shown, actor_of(request), today)
            context["boarding_steps"] = self.boarding_links(request, str(shown.pk))
            actions = context.get("actions_detail", [])
            context["steps"] = engagement_steps(actions, shown.phase)
            context["history"] = self.history_link(request, shown)
        elif shown is None:
            context["beginnings"] = list(
                beginnings(request, self.model, actor_of(request))
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            return
        for warning in keep_sources(request, form.instance, actor_of(request)):
            messages.warning(request, warning)


def summary(engagement: Any, user: User, today: date) -> dict[str, Any]:
    """Return what stands on top of an engagement's page."""
    phase = Phase(engagement.phase)
    is_active = engagement.status == Status.ACTIVE
    return {
        # Of what doesn't run, the status says more than the dates.
        "phase": phase.label if is_active else "",
        "phase_colour": PHASE_COLOURS[phase.value],
        "status": engagement.get_status_display(),
        "status_colour": STATUS_COLOURS[engagement.status],
        "price": price(engagement) if sees_money(user) else None,
        "term_ends_on": engagement.term_ends_on,
        "deadline": deadline(engagement.notice_deadline_on, today),
        "committed_until_on": engagement.committed_until_on,
    }


def first_price_field(label: Any, help_text: Any) -> forms.DecimalField:
    """Return the field of the price from the start on, for the page that adds."""
    from engagements.admin.inputs import MoneyInput

    return forms.DecimalField(
        label=label,
        help_text=help_text,
        min_value=0,
        max_digits=18,
        decimal_places=4,
        required=False,
        widget=MoneyInput(),
    )
