from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import RecordAdmin
from tracker.imports.models import TimeName


@admin.register(TimeName)
class TimeNameAdmin(RecordAdmin):
    """What users and projects of time trackers stand for, told once for all files."""

    list_display = ("name", "contractor", "engagement")
    list_select_related = ("contractor", "engagement")
    search_fields = ("name", "contractor__full_name", "engagement__reference")
    search_help_text = gettext_lazy("Name, contractor or engagement")
    autocomplete_fields = ("contractor", "engagement")
    fieldsets: Any = ((None, {"fields": ("name", ("contractor", "engagement"))}),)
