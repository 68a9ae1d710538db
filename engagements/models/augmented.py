from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import Level, Place, RateUnit
from engagements.models.engagement import Engagement
from engagements.models.fields import FactorField, HoursField, MoneyField
from engagements.models.people import Contractor, Skill
from engagements.models.record import Detail


class Assignment(Engagement):
    """A named person at a rate, directed by one of our managers."""

    contractor = models.ForeignKey(
        Contractor,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assignments",
        verbose_name=_("contractor"),
        help_text=_("The person. Blank only while it isn't known who it is."),
    )
    role = models.CharField(_("role"), max_length=120, blank=True)
    skill = models.ForeignKey(
        Skill,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assignments",
        verbose_name=_("main skill"),
    )
    level = models.CharField(
        _("level"), max_length=16, choices=Level.choices, default=Level.PRACTITIONER
    )
    place = models.CharField(
        _("place"), max_length=8, choices=Place.choices, default=Place.HYBRID
    )
    planned_weekly_hours = HoursField(
        _("planned weekly hours"), default=Decimal("37.5")
    )

    class Meta:
        verbose_name = _("augmented contractor")
        constraints = [
            models.CheckConstraint(
                name="assignment_level_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(
                name="assignment_place_known", condition=Q(place__in=Place.values)
            ),
            models.CheckConstraint(
                name="assignment_hours_in_week",
                condition=Q(
                    planned_weekly_hours__gte=Decimal(0),
                    planned_weekly_hours__lte=Decimal(168),
                ),
                violation_error_message=_("Weekly hours are between 0 and 168."),
            ),
        ]


class RateTerm(Detail):
    """The rate from a day on, until the next term starts."""

    assignment = models.ForeignKey(
        Assignment, on_delete=models.CASCADE, related_name="rate_terms"
    )
    starts_on = models.DateField(_("from"))
    rate = MoneyField(_("rate"))
    unit = models.CharField(
        _("unit"), max_length=4, choices=RateUnit.choices, default=RateUnit.DAY
    )
    hours_per_day = HoursField(
        _("hours per day"),
        default=Decimal("7.5"),
        help_text=_("How many hours a day rate buys."),
    )
    overtime_multiplier = FactorField(_("overtime multiplier"), default=Decimal(1))

    class Meta:
        ordering = ["starts_on"]
        verbose_name = _("rate")
        constraints = [
            models.UniqueConstraint(
                name="rate_term_one_per_day",
                fields=["assignment", "starts_on"],
                violation_error_message=_("There is a rate from this day already."),
            ),
            models.CheckConstraint(
                name="rate_term_not_negative",
                condition=Q(rate__gte=0),
                violation_error_message=_("The rate can't be negative."),
            ),
            models.CheckConstraint(
                name="rate_term_unit_known", condition=Q(unit__in=RateUnit.values)
            ),
            models.CheckConstraint(
                name="rate_term_day_has_hours",
                condition=Q(hours_per_day__gt=0, hours_per_day__lte=24),
                violation_error_message=_("A day has above 0 and at most 24 hours."),
            ),
            models.CheckConstraint(
                name="rate_term_overtime_at_least_1",
                condition=Q(overtime_multiplier__gte=1),
                violation_error_message=_("Overtime is paid at 1 or more."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rate} {self.get_unit_display()} from {self.starts_on}"

    @property
    def hourly_rate(self) -> Decimal:
        """The price of an hour, not rounded."""
        rate: Decimal = self.rate
        if self.unit == RateUnit.DAY:
            rate /= self.hours_per_day
        return rate
