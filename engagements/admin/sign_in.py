"""django-axes' records of failed log-ins, dressed as the rest of the admin."""

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest

from engagements.admin.record_admin import ReadOnlyAdmin
from engagements.admin.scope import for_everyone, narrowed_by

for model in (AccessAttempt, AccessFailureLog, AccessLog):
    try:
        admin.site.unregister(model)
    except NotRegistered:
        # django-axes registers each only where its setting asks for it.
        continue

narrowed_by(for_everyone, AccessAttempt)


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Deleting an attempt lets the person try again before the lock runs out."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "attempt_time",
                    "username",
                    "ip_address",
                    "user_agent",
                    "path_info",
                    "failures_since_start",
                )
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")
