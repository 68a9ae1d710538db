from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from engagements.models import Contractor, Engagement
from engagements.models.record import Detail, Record, has_length


class RunState(models.TextChoices):
    """Where an import stands; `read` = `accepted` + `refused` once it is checked."""

    UPLOADED = "uploaded", _("Uploaded, columns to be confirmed")
    CHECKING = "checking", _("Being checked")
    CHECKED = "checked", _("Checked, nothing applied yet")
    APPLYING = "applying", _("Being applied")
    APPLIED = "applied", _("Applied")
    REFUSED = "refused", _("Refused, nothing applied")
    FAILED = "failed", _("Failed, nothing applied")


# A worker has it, or is about to.
WORKING_STATES = (RunState.CHECKING, RunState.APPLYING)


class ImportRun(Detail):
    """One file brought in by somebody: how it was read and what came of it."""

    kind = models.CharField(_("kind"), max_length=40)
    file = models.FileField(_("file"), upload_to="imports/%Y/%m", blank=True)
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    # Chosen by the person: column by field, and the kind's own options.
    corrections = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    is_per_line = models.BooleanField(_("apply accepted lines only"), default=False)
    state = models.CharField(
        _("state"), max_length=10, choices=RunState.choices, default=RunState.UPLOADED
    )
    # Rises with each piece of work handed to a worker, so that a message which
    # arrives twice, or late, does nothing.
    step = models.PositiveIntegerField(default=0)
    lines_done = models.PositiveIntegerField(_("lines done"), default=0)
    read = models.PositiveIntegerField(_("read"), default=0)
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    added = models.PositiveIntegerField(_("added"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    report = models.JSONField(default=dict)
    error = models.TextField(_("error"), blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("by"),
        help_text=_("Blank for an import on the command line."),
    )
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("import")
        constraints = [
            models.CheckConstraint(
                name="import_run_state_known", condition=Q(state__in=RunState.values)
            ),
            models.CheckConstraint(
                name="import_run_lines_accounted",
                condition=Q(read=F("accepted") + F("refused")),
            ),
            models.CheckConstraint(
                name="import_run_sha256_whole", condition=has_length("sha256", 64)
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_working(self) -> bool:
        return self.state in WORKING_STATES


class ImportProblem(models.Model):
    """One reason for which a line of a file was refused."""

    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="problems"
    )
    line = models.PositiveIntegerField(_("line"))
    field = models.CharField(_("field"), max_length=40)
    reason = models.CharField(_("reason"), max_length=400)
    advice = models.CharField(_("what to do"), max_length=400)
    raw = models.CharField(_("found"), max_length=200, blank=True)

    class Meta:
        ordering = ["run", "line", "id"]
        verbose_name = _("refused line")

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class CategoryCode(models.Model):
    """What a publisher's code stands for, learnt from a file that gave both."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    category = models.CharField(_("category"), max_length=160)
    learnt_from = models.CharField(_("learnt from"), max_length=200)

    class Meta:
        ordering = ["code"]
        verbose_name = _("category code")

    def __str__(self) -> str:
        return f"{self.code} · {self.category}"


class TimeName(Record):
    """What another tool calls a contractor or an engagement in its time files."""

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"name"})

    name = models.CharField(
        _("name in the file"),
        max_length=200,
        help_text=_("As the file writes it, whatever its case: a user or a project."),
    )
    contractor = models.ForeignKey(
        Contractor,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="time_names",
        verbose_name=_("contractor"),
    )
    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="time_names",
        verbose_name=_("engagement"),
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("name in time files")
        verbose_name_plural = _("names in time files")
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="time_name_once",
                violation_error_message=_("This name stands for something already."),
            ),
            models.CheckConstraint(
                name="time_name_means_something",
                condition=Q(contractor__isnull=False) | Q(engagement__isnull=False),
                violation_error_message=_("Say whom or what it stands for."),
            ),
            models.CheckConstraint(name="time_name_given", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
