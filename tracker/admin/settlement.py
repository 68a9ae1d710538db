"""A person's word that no further invoice will come."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import Lines, RecordAdmin
from engagements.admin.unfold_types import display
from engagements.models import User
from tracker.spend.models import Settlement
from tracker.spend.services import settle_final_invoice


@admin.register(Settlement)
class SettlementAdmin(RecordAdmin):
    """Given once and kept; what comes after it is open again."""

    list_display = ("engagement_name", "settled_at", "settled_by", "reason")
    list_select_related = ("engagement", "settled_by")
    search_fields = ("engagement__reference", "engagement__title", "reason")
    autocomplete_fields = ("engagement",)
    fieldsets = (
        (
            None,
            {
                "fields": ("engagement", "reason"),
                "description": gettext_lazy(
                    "You confirm that everything done so far is billed, or that nothing"
                    " more will be. Invoices that are there have to be paid all the"
                    " same."
                ),
            },
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, form: Any, pages: Sequence[Lines], actor: User) -> None:
        settle_final_invoice(settlement=form.instance, actor=actor)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("Confirmed: no further invoice will come."))
        page = reverse("admin:engagements_engagement_change", args=[obj.engagement_id])
        return HttpResponseRedirect(page)

    @display(description=gettext_lazy("engagement"), ordering="engagement__title")
    def engagement_name(self, row: Settlement) -> SafeString:
        return format_html(
            '<span class="row-title">{}</span><span class="row-note">{}</span>',
            row.engagement.title,
            row.engagement.reference,
        )
