from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.choices import (
    OPEN_TASKS,
    ApprovalOutcome,
    ChecklistStage,
    Kind,
    TaskStatus,
    TenureAction,
    TenureBasis,
)
from engagements.models.engagement import ChangeOrder, Engagement
from engagements.models.fields import FactorField, MoneyField
from engagements.models.organisation import Department
from engagements.models.record import Detail, Record, has_length
from engagements.models.validators import country_code
from engagements.permissions import engagement_scope

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models.people import User


class ApprovalRule(Record):
    """Who must approve an engagement of a kind, department and size."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(
        _("model"),
        max_length=12,
        choices=Kind.choices,
        blank=True,
        help_text=_("Blank for both."),
    )
    department = models.ForeignKey(
        Department,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("department"),
        help_text=_("Blank for all; otherwise with all below it."),
    )
    from_amount = MoneyField(
        _("from amount"),
        default=0,
        help_text=_("Value of the whole term, in the reporting currency."),
    )
    covers_every_change = models.BooleanField(
        _("every change"),
        default=False,
        help_text=_("Also for changes of active engagements below the amount."),
    )
    approver_group = models.ForeignKey(
        Group, on_delete=models.PROTECT, verbose_name=_("approvers")
    )
    is_in_force = models.BooleanField(_("in force"), default=True)

    class Meta:
        ordering = ["from_amount"]
        verbose_name = _("approval rule")
        constraints = [
            models.CheckConstraint(
                name="approval_rule_amount_not_negative",
                condition=Q(from_amount__gte=0),
                violation_error_message=_("The amount can't be negative."),
            ),
            models.CheckConstraint(
                name="approval_rule_kind_known",
                condition=Q(kind="") | Q(kind__in=Kind.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Approval(Detail):
    """One approval asked for; whoever asks can't be the one who gives it.

    It is of the engagement's start, or else of a change order. `amount` is what the
    rules compared, in `currency`, at the rate kept beside it; None where no price was
    recorded.
    """

    engagement = models.ForeignKey(
        Engagement, on_delete=models.PROTECT, related_name="approvals"
    )
    change_order = models.ForeignKey(
        ChangeOrder,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="approvals",
        verbose_name=_("change order"),
    )
    rule = models.ForeignKey(
        ApprovalRule,
        on_delete=models.PROTECT,
        related_name="approvals",
        verbose_name=_("rule"),
    )
    amount = MoneyField(_("amount"), null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    fx_rate = FactorField(_("rate"), null=True)
    fx_on = models.DateField(_("rate of"), null=True)
    fx_source = models.CharField(_("rate from"), max_length=60, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("asked by"),
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"),
        max_length=10,
        choices=ApprovalOutcome.choices,
        default=ApprovalOutcome.WAITING,
    )
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("approval")
        constraints = [
            models.CheckConstraint(
                name="approval_outcome_known",
                condition=Q(outcome__in=ApprovalOutcome.values),
            ),
            models.CheckConstraint(
                # To withdraw is no decision: whoever asked may.
                name="approval_maker_is_not_checker",
                condition=Q(outcome="withdrawn")
                | Q(decided_by__isnull=True)
                | ~Q(decided_by=F("asked_by")),
                violation_error_message=_("Nobody approves what they asked for."),
            ),
            models.CheckConstraint(
                name="approval_decided_by_somebody",
                condition=Q(
                    outcome="waiting", decided_by__isnull=True, decided_at__isnull=True
                )
                | Q(outcome="withdrawn", decided_at__isnull=False)
                | Q(
                    outcome__in=["approved", "rejected"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="approval_rejected_with_reason",
                condition=~Q(outcome="rejected") | ~Q(reason=""),
                violation_error_message=_("Say why it is rejected."),
            ),
            models.CheckConstraint(
                name="approval_amount_is_rated",
                condition=Q(
                    amount__isnull=True,
                    fx_rate__isnull=True,
                    fx_on__isnull=True,
                    fx_source="",
                    currency="",
                )
                | (
                    Q(
                        amount__isnull=False,
                        fx_rate__isnull=False,
                        fx_on__isnull=False,
                    )
                    & ~Q(fx_source="")
                    & Q(has_length("currency", 3))
                ),
            ),
            models.UniqueConstraint(
                name="approval_waiting_once_per_rule",
                fields=["engagement", "rule"],
                condition=Q(outcome="waiting"),
            ),
        ]

    def __str__(self) -> str:
        return self.get_outcome_display()


class ChecklistTemplate(Record):
    """A task that every engagement of a kind gets on- or off-boarding."""

    title = models.CharField(_("title"), max_length=200)
    stage = models.CharField(_("stage"), max_length=12, choices=ChecklistStage.choices)
    kind = models.CharField(_("model"), max_length=12, choices=Kind.choices, blank=True)
    owner_group = models.ForeignKey(
        Group, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("owner")
    )
    due_days = models.SmallIntegerField(
        _("due (days)"),
        default=0,
        help_text=_("After the start, or after the end; negative for before."),
    )
    removes_access = models.BooleanField(_("removes access"), default=False)

    class Meta:
        ordering = ["stage", "due_days"]
        verbose_name = _("checklist template")
        constraints = [
            models.UniqueConstraint(
                name="checklist_template_once", fields=["stage", "kind", "title"]
            ),
            models.CheckConstraint(
                name="checklist_template_stage_known",
                condition=Q(stage__in=ChecklistStage.values),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ChecklistTaskQuerySet(QuerySet["ChecklistTask"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep tasks of engagements that the user may see."""
        return self.filter(engagement_scope(user, prefix="engagement__"))

    def still_open(self) -> Self:
        return self.filter(status__in=OPEN_TASKS)


class ChecklistTask(Detail):
    """One task of an engagement's on- or off-boarding.

    It keeps what its template said when it was made. `due_days` count from the start
    or from the last day, so that the due day moves with them; blank where a person
    gave the day.
    """

    # Why it is stuck or not applicable: free text, in which people may be named.
    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"note"})

    engagement = models.ForeignKey(
        Engagement, on_delete=models.CASCADE, related_name="checklist_tasks"
    )
    template = models.ForeignKey(
        ChecklistTemplate,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("template"),
    )
    title = models.CharField(_("title"), max_length=200)
    stage = models.CharField(_("stage"), max_length=12, choices=ChecklistStage.choices)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="checklist_tasks",
        verbose_name=_("owner"),
    )
    due_on = models.DateField(_("due on"), null=True, blank=True, db_index=True)
    due_days = models.SmallIntegerField(null=True, blank=True, editable=False)
    status = models.CharField(
        _("status"), max_length=12, choices=TaskStatus.choices, default=TaskStatus.TO_DO
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    removes_access = models.BooleanField(_("removes access"), default=False)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True, editable=False)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("done by"),
    )

    objects: ClassVar[models.Manager[ChecklistTask]] = (
        ChecklistTaskQuerySet.as_manager()
    )

    class Meta:
        ordering = ["due_on", "id"]
        verbose_name = _("task")
        indexes = [models.Index(fields=["owner", "status"])]
        constraints = [
            models.UniqueConstraint(
                name="checklist_task_once_per_template",
                fields=["engagement", "template"],
            ),
            models.CheckConstraint(
                name="checklist_task_stage_known",
                condition=Q(stage__in=ChecklistStage.values),
            ),
            models.CheckConstraint(
                name="checklist_task_status_known",
                condition=Q(status__in=TaskStatus.values),
            ),
            models.CheckConstraint(
                name="checklist_task_done_is_dated",
                condition=Q(
                    status__in=["done", "dismissed"],
                    done_at__isnull=False,
                    done_by__isnull=False,
                )
                | (
                    ~Q(status__in=["done", "dismissed"])
                    & Q(done_at__isnull=True, done_by__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="checklist_task_says_why",
                condition=~Q(status__in=["stuck", "dismissed"]) | ~Q(note=""),
                violation_error_message=_("Say why."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_TASKS


class TenurePolicy(Record):
    """How long one person may work for us; data with a source, not legal advice."""

    name = models.CharField(_("name"), max_length=160, unique=True)
    country = models.CharField(
        _("country"),
        max_length=2,
        blank=True,
        validators=[country_code],
        help_text=_("ISO 3166 code; blank for every country."),
    )
    department = models.ForeignKey(
        Department,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("department"),
    )
    maximum_months = models.PositiveSmallIntegerField(_("maximum (months)"))
    window_months = models.PositiveSmallIntegerField(
        _("within (months)"), null=True, blank=True
    )
    reset_gap_months = models.PositiveSmallIntegerField(
        _("gap that resets (months)"), null=True, blank=True
    )
    basis = models.CharField(
        _("counted"), max_length=8, choices=TenureBasis.choices, default="person"
    )
    action = models.CharField(
        _("action"), max_length=8, choices=TenureAction.choices, default="warn"
    )
    source = models.CharField(_("source"), max_length=300)
    checked_on = models.DateField(_("checked on"))

    class Meta:
        ordering = ["country", "name"]
        verbose_name = _("tenure policy")
        verbose_name_plural = _("tenure policies")
        constraints = [
            models.CheckConstraint(
                name="tenure_policy_months_positive",
                condition=Q(maximum_months__gt=0),
                violation_error_message=_("The maximum is at least one month."),
            ),
            models.CheckConstraint(
                name="tenure_policy_fits_window",
                condition=Q(window_months__isnull=True)
                | Q(window_months__gte=F("maximum_months")),
                violation_error_message=_("The window is shorter than the maximum."),
            ),
            models.CheckConstraint(
                name="tenure_policy_country_code",
                condition=Q(country="") | Q(has_length("country", 2)),
            ),
            models.CheckConstraint(
                name="tenure_policy_basis_known",
                condition=Q(basis__in=TenureBasis.values),
            ),
            models.CheckConstraint(
                name="tenure_policy_action_known",
                condition=Q(action__in=TenureAction.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name
