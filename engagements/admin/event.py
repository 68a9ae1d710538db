from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.paginator import InfinitePaginator

from engagements.admin.history import in_words
from engagements.admin.record_admin import ReadOnlyAdmin
from engagements.admin.unfold_types import display
from engagements.models import Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """All that was ever written: who, when, what; newest first."""

    list_display = ("when", "who", "event_type", "subject_type", "subject_id")
    list_filter = (("actor", AutocompleteSelectFilter),)
    list_select_related = ("actor",)
    search_fields = ("event_type", "subject_type")
    search_help_text = gettext_lazy("Type of event or of record")
    ordering = ("-id",)
    # The table only grows: no page waits for counting it.
    paginator = InfinitePaginator
    show_full_result_count = False
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "occurred_at",
                    "actor",
                    "event_type",
                    "subject_type",
                    "subject_id",
                    "told_changes",
                    "request_id",
                )
            },
        ),
    )
    readonly_fields = ("told_changes",)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.told = in_words([found], request.user)  # type: ignore[arg-type]
        return found

    @display(description=gettext_lazy("when"), ordering="id")
    def when(self, row: Event) -> Any:
        return row.occurred_at

    @display(description=gettext_lazy("who"))
    def who(self, row: Event) -> str:
        if row.actor is None:
            return _("The product itself")
        return row.actor.get_full_name() or row.actor.username

    @display(description=gettext_lazy("changes"))
    def told_changes(self, row: Any) -> SafeString:
        return format_html_join(
            "",
            "<div>{}</div>",
            ((change,) for entry in row.told for change in entry.changes),
        )
