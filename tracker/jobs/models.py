from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class JobStatus(models.TextChoices):
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class JobRun(models.Model):
    """One run of a job: what it was for, who holds it until when, how it ended."""

    name = models.CharField(_("job"), max_length=80)
    # What the run is for, such as the night's date; one effect per name and key.
    key = models.CharField(_("for"), max_length=120)
    status = models.CharField(
        _("status"), max_length=8, choices=JobStatus.choices, default=JobStatus.RUNNING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    started_at = models.DateTimeField(_("started at"))
    leased_until = models.DateTimeField()
    # The task, or request, that has the lease; a task that comes again keeps its id.
    held_by = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    result = models.JSONField(_("result"), default=dict)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("job run")
        constraints = [
            models.UniqueConstraint(name="job_run_once", fields=["name", "key"]),
            models.CheckConstraint(
                name="job_run_status_known", condition=Q(status__in=JobStatus.values)
            ),
            models.CheckConstraint(
                name="job_run_finished_is_dated",
                condition=Q(status="running", finished_at__isnull=True)
                | (~Q(status="running") & Q(finished_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.key}"
