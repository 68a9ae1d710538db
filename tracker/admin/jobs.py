from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.record_admin import ReadOnlyAdmin
from engagements.admin.unfold_types import display
from tracker.jobs.models import JobRun, JobStatus

STATUS_COLOURS = {
    JobStatus.RUNNING.value: "info",
    JobStatus.DONE.value: "success",
    JobStatus.FAILED.value: "danger",
}


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "key",
        "status_label",
        "attempts",
        "started_at",
        "finished_at",
    )
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("name", "key")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "key",
                    "status",
                    "attempts",
                    "started_at",
                    "finished_at",
                    "result",
                    "error",
                )
            },
        ),
    )

    @display(
        description=gettext_lazy("status"), label=STATUS_COLOURS, ordering="status"
    )
    def status_label(self, row: JobRun) -> tuple[str, str]:
        return row.status, row.get_status_display()
