from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import Estate, Maturity
from engagements.models.record import Record


class Department(Record):
    """A part of the organisation; a tree. Its head sees all that lies below."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=160)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent department"),
    )
    head = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="departments_headed",
        verbose_name=_("head"),
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="department_not_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message=_("A department can't be its own parent."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CostCentre(Record):
    """Where spend is booked."""

    # Spend without a split in force is booked here, so that it is never lost.
    UNALLOCATED = "UNALLOCATED"

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=160)
    department = models.ForeignKey(
        Department,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cost_centres",
        verbose_name=_("department"),
    )
    is_open = models.BooleanField(_("open for new splits"), default=True)

    class Meta:
        ordering = ["code"]
        verbose_name = _("cost centre")

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class Service(Record):
    """What outside work keeps running or builds."""

    name = models.CharField(_("name"), max_length=160, unique=True)
    description = models.TextField(_("description"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="services_owned",
        verbose_name=_("owner"),
    )
    department = models.ForeignKey(
        Department,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="services",
        verbose_name=_("department"),
    )
    estate = models.CharField(
        _("estate"),
        max_length=12,
        choices=Estate.choices,
        default=Estate.SATELLITE,
        help_text=_("Core: what the organisation lives by. Satellite: around it."),
    )
    in_house_maturity = models.PositiveSmallIntegerField(
        _("in-house team"),
        choices=Maturity.choices,
        null=True,
        blank=True,
        help_text=_("How much of a team of our own stands behind this service."),
    )
    maturity_declared_on = models.DateField(
        _("declared on"), null=True, blank=True, help_text=_("When this was so.")
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="service_estate_known", condition=Q(estate__in=Estate.values)
            ),
            models.CheckConstraint(
                name="service_maturity_1_to_5",
                condition=Q(in_house_maturity__isnull=True)
                | Q(in_house_maturity__range=(1, 5)),
            ),
            models.CheckConstraint(
                name="service_maturity_dated",
                condition=Q(in_house_maturity__isnull=True)
                | Q(maturity_declared_on__isnull=False),
                violation_error_message=_(
                    "Say since when the in-house team has been as declared."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name
