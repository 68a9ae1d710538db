"""Reviews: a form of five marks and one comment, and what was reviewed before."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Field
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from engagements.admin.columns import figure, short_date
from engagements.admin.filters import ScopedDropdownFilter
from engagements.admin.record_admin import (
    RecordAdmin,
    RecordForm,
    actor_of,
    is_beyond_any_id,
)
from engagements.admin.unfold_types import display
from engagements.models import Engagement, User
from engagements.permissions import engagement_scope
from engagements.values.periods import add_months
from tracker.performance.models import Review
from tracker.performance.queries import reviews_of
from tracker.performance.review import CRITERIA
from tracker.performance.services import change_review, record_review
from tracker.performance.services.reviews import is_open

# Without a schedule a review still looks back over a quarter.
USUAL_MONTHS = 3
HELP = {
    "quality": gettext_lazy("Does the work hold, without being done again?"),
    "delivery": gettext_lazy("Does it come when it was promised?"),
    "communication": gettext_lazy("Do we hear of trouble early, in plain words?"),
    "knowledge_transfer": gettext_lazy("Could we go on without them?"),
    "initiative": gettext_lazy("Do they see and say what could be better?"),
}


class MarksWidget(forms.RadioSelect):
    """Marks beside one another, from the worst to the best: arrow keys move."""

    template_name = "tracker/admin/marks.html"


class ReviewForm(RecordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "engagement" in self.fields and not self.instance._state.adding:
            self.fields["engagement"].disabled = True


@admin.register(Review)
class ReviewAdmin(RecordAdmin):
    form = ReviewForm
    list_display = (
        "engagement_name",
        "period",
        "mean_figure",
        *CRITERIA,
        "reviewer",
        "standing",
    )
    list_filter = (
        ("engagement", AutocompleteSelectFilter),
        ("engagement__vendor", AutocompleteSelectFilter),
        ("engagement__department", ScopedDropdownFilter),
        ("reviewer", AutocompleteSelectFilter),
    )
    list_select_related = ("engagement__vendor", "reviewer")
    search_fields = (
        "engagement__reference",
        "engagement__title",
        "engagement__vendor__legal_name",
    )
    search_help_text = gettext_lazy("Engagement or vendor")
    date_hierarchy = "period_to"
    ordering = ("-period_to", "-id")
    show_full_result_count = False
    autocomplete_fields = ("engagement",)
    readonly_fields = ("reviewer", "standing")
    add_fieldsets = (
        (None, {"fields": ("engagement", ("period_from", "period_to"))}),
        (gettext_lazy("Marks"), {"fields": CRITERIA, "classes": ["marks-card"]}),
        (
            None,
            {
                "fields": ("comment",),
                "description": gettext_lazy(
                    "Read by managers of the engagement, auditors and administrators;"
                    " never by finance. You can change it for 14 days."
                ),
            },
        ),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "engagement",
                    ("period_from", "period_to"),
                    ("reviewer", "standing"),
                )
            },
        ),
        (gettext_lazy("Marks"), {"fields": CRITERIA, "classes": ["marks-card"]}),
        (None, {"fields": ("comment",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name not in CRITERIA:
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return forms.TypedChoiceField(
            label=str(db_field.verbose_name).capitalize(),
            coerce=int,
            choices=db_field.choices or (),
            widget=MarksWidget(),
            help_text=HELP[db_field.name],
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or (obj.reviewer_id == request.user.pk and is_open(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        engagement = _engagement_asked(request)
        first, last = _period_asked(engagement, actor_of(request))
        return {
            **super().get_changeform_initial_data(request),
            "engagement": engagement and engagement.pk,
            "period_from": first,
            "period_to": last,
        }

    def create(self, form: Any, pages: Any, actor: User) -> None:
        record_review(review=form.instance, actor=actor)

    def change_record(self, record: Any, expected: int | None, actor: User) -> None:
        change_review(review=record, expected_version=expected, actor=actor)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("Thank you: the review is stored."))
        page = reverse("admin:engagements_engagement_change", args=[obj.engagement_id])
        return HttpResponseRedirect(page)

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Review) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{} · {}</span>',
            row.engagement.title,
            row.engagement.reference,
            row.engagement.vendor,
        )

    @display(description=gettext_lazy("period"), ordering="period_to")
    def period(self, row: Review) -> str:
        return f"{short_date(row.period_from)} – {short_date(row.period_to)}"  # noqa: RUF001 - a range, as it is printed

    @display(description=gettext_lazy("mean"))
    def mean_figure(self, row: Review) -> SafeString:
        return figure(f"{row.marks.mean}")

    @display(description=gettext_lazy("state"))
    def standing(self, row: Review) -> str:
        if row.is_corrected:
            return _("Corrected by a later one")
        return _("Open to its author") if is_open(row) else _("Stands")


def _engagement_asked(request: HttpRequest) -> Engagement | None:
    """Return what the address names, where the user may review it."""
    asked = request.GET.get("engagement", "")
    if not (asked.isascii() and asked.isdecimal()) or is_beyond_any_id(asked):
        return None
    scope = engagement_scope(actor_of(request), with_reviews=True)
    return Engagement.objects.filter(scope, pk=int(asked)).first()


def _period_asked(engagement: Engagement | None, user: User) -> tuple[date, date]:
    """Return from the day after one's last review, or the usual months, to today."""
    today = timezone.localdate()
    months = settings.REVIEW_EVERY_MONTHS or USUAL_MONTHS
    usual = add_months(today, -months)
    if engagement is None:
        return usual, today
    last = reviews_of(user, engagement.pk).filter(reviewer=user).last()
    if last is not None and last.period_to < today:
        return last.period_to + timedelta(days=1), today
    return max(usual, engagement.starts_on), today
