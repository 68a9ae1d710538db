import uuid
from decimal import Decimal
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engagements.choices import Breadth, EmploymentType
from engagements.models.fields import HoursField, MoneyField
from engagements.models.record import Record, has_length
from engagements.models.validators import country_code


class User(AbstractUser):
    """A person of ours: manager, finance, HR, auditor or administrator."""

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset(
        {"username", "first_name", "last_name", "email", "password"}
    )

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    external_id = models.CharField(
        _("external id"), max_length=200, null=True, blank=True, unique=True
    )
    employee_number = models.CharField(_("employee number"), max_length=40, blank=True)
    department = models.ForeignKey(
        "engagements.Department",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        verbose_name=_("department"),
    )
    manager = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reports",
        verbose_name=_("manager"),
    )
    weekly_capacity_hours = HoursField(
        _("weekly capacity (hours)"),
        default=Decimal(40),
        help_text=_("Hours a week this person is available; the base of their load."),
    )
    loaded_hourly_cost = MoneyField(
        _("loaded hourly cost"),
        null=True,
        blank=True,
        help_text=_("Salary and overheads per hour, in the reporting currency."),
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        editable=False,
        help_text=_("Blank for that of the browser, and English in mails."),
    )
    # Names of the fields that an identity tool keeps; empty for who is kept by hand.
    provisioned_fields = models.JSONField(default=list, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                name="user_not_own_manager",
                condition=Q(manager__isnull=True) | ~Q(manager=F("id")),
                violation_error_message=_("A person can't be their own manager."),
            ),
            models.CheckConstraint(
                name="user_capacity_in_week",
                condition=Q(
                    weekly_capacity_hours__gte=Decimal(0),
                    weekly_capacity_hours__lte=Decimal(168),
                ),
                violation_error_message=_("Capacity is between 0 and 168 hours."),
            ),
            models.CheckConstraint(
                name="user_cost_not_negative",
                condition=Q(loaded_hourly_cost__isnull=True)
                | Q(loaded_hourly_cost__gte=Decimal(0)),
                violation_error_message=_("The hourly cost can't be negative."),
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def is_provisioned(self) -> bool:
        return bool(self.provisioned_fields)


class Skill(Record):
    """What somebody can do; specialist skills are deep and scarce."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    breadth = models.CharField(
        _("breadth"),
        max_length=12,
        choices=Breadth.choices,
        default=Breadth.GENERAL,
        help_text=_("Specialist: one deep niche. General: widely available."),
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="skill_breadth_known",
                condition=Q(breadth__in=Breadth.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Contractor(Record):
    """The person behind an augmented engagement, or named in a managed one."""

    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"full_name", "work_email"})

    full_name = models.CharField(_("full name"), max_length=200)
    work_email = models.EmailField(_("work e-mail"), blank=True)
    worker_number = models.CharField(_("worker number"), max_length=40, blank=True)
    vendor = models.ForeignKey(
        "engagements.Vendor",
        on_delete=models.PROTECT,
        related_name="contractors",
        verbose_name=_("vendor"),
        help_text=_("The agency or company that supplies this person."),
    )
    jurisdiction = models.CharField(
        _("jurisdiction"),
        max_length=2,
        default="GB",
        validators=[country_code],
        help_text=_("Country whose labour law applies, as ISO 3166 code."),
    )
    employment_type = models.CharField(
        _("employment type"),
        max_length=12,
        choices=EmploymentType.choices,
        default=EmploymentType.CONTRACTOR,
    )
    skills = models.ManyToManyField(
        Skill, blank=True, related_name="contractors", verbose_name=_("skills")
    )
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["full_name"]
        indexes = [models.Index(fields=["full_name"])]
        constraints = [
            models.CheckConstraint(
                name="contractor_jurisdiction_code",
                condition=has_length("jurisdiction", 2),
                violation_error_message=_("Use a two-letter country code such as GB."),
            ),
            models.CheckConstraint(
                name="contractor_employment_type_known",
                condition=Q(employment_type__in=EmploymentType.values),
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def is_erased(self) -> bool:
        return self.erased_at is not None and self.erased_at <= timezone.now()
