from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engagements.choices import Level, RateUnit
from engagements.models.fields import HoursField, MoneyField
from engagements.models.record import Detail, Record, has_length
from engagements.models.validators import currency_code


class BenchmarkSet(Record):
    """Published rates of one source and year; never shown without either."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    year = models.PositiveSmallIntegerField(
        _("year"), help_text=_("Of which its prices are.")
    )
    source = models.CharField(_("source"), max_length=300)
    licence = models.CharField(_("licence"), max_length=120)
    currency = models.CharField(_("currency"), max_length=3, validators=[currency_code])
    hours_per_day = HoursField(
        _("hours per day"),
        default=Decimal(8),
        help_text=_("How many hours a day of its rates has."),
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("benchmark set")
        constraints = [
            models.CheckConstraint(
                name="benchmark_set_says_where_from",
                condition=~Q(source="") & ~Q(licence=""),
                violation_error_message=_("Say its source and its licence."),
            ),
            models.CheckConstraint(
                name="benchmark_set_year_of_this_age",
                condition=Q(year__gte=1990, year__lte=2099),
                violation_error_message=_("Give a year from 1990 to 2099."),
            ),
            models.CheckConstraint(
                name="benchmark_set_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="benchmark_set_day_has_hours",
                condition=Q(hours_per_day__gt=0, hours_per_day__lte=24),
                violation_error_message=_("A day has above 0 and at most 24 hours."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.year})"


class BenchmarkRate(Detail):
    """What a labour category costs in a set; prices of one `unit`.

    Quartiles of `count` prices, or the one price where a row names just that.
    """

    benchmark_set = models.ForeignKey(
        BenchmarkSet,
        on_delete=models.CASCADE,
        related_name="rates",
        verbose_name=_("benchmark set"),
    )
    category = models.CharField(_("labour category"), max_length=200)
    place = models.CharField(_("place"), max_length=40, blank=True)
    unit = models.CharField(_("unit"), max_length=4, choices=RateUnit.choices)
    count = models.PositiveIntegerField(_("rates behind it"))
    p25 = MoneyField(_("25th percentile"))
    p50 = MoneyField(_("median"))
    p75 = MoneyField(_("75th percentile"))
    p90 = MoneyField(_("90th percentile"), null=True, blank=True)

    class Meta:
        ordering = ["category", "place"]
        verbose_name = _("benchmark rate")
        constraints = [
            models.UniqueConstraint(
                name="benchmark_rate_once",
                fields=["benchmark_set", "category", "place", "unit"],
            ),
            models.CheckConstraint(
                name="benchmark_rate_in_order",
                condition=Q(p25__gte=0, p50__gte=F("p25"), p75__gte=F("p50"))
                & (Q(p90__isnull=True) | Q(p90__gte=F("p75"))),
                violation_error_message=_("Percentiles rise from the 25th on."),
            ),
            models.CheckConstraint(
                name="benchmark_rate_unit_known",
                condition=Q(unit__in=RateUnit.values),
            ),
            models.CheckConstraint(
                name="benchmark_rate_has_count", condition=Q(count__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category}, {self.place}" if self.place else self.category


class RoleBenchmark(Record):
    """A person's word that a role of ours is a labour category of a set."""

    role = models.CharField(_("role"), max_length=120)
    level = models.CharField(
        _("level"),
        max_length=16,
        choices=Level.choices,
        blank=True,
        help_text=_("Blank: of every level that has no word of its own."),
    )
    rate = models.ForeignKey(
        BenchmarkRate,
        on_delete=models.CASCADE,
        related_name="roles",
        verbose_name=_("labour category"),
    )

    class Meta:
        ordering = ["role", "level", "rate"]
        verbose_name = _("role against a benchmark")
        verbose_name_plural = _("roles against benchmarks")
        constraints = [
            models.UniqueConstraint(
                name="role_benchmark_once",
                fields=["role", "level", "rate"],
                violation_error_message=_("This role is compared with it already."),
            ),
            models.CheckConstraint(
                name="role_benchmark_role_given",
                condition=~Q(role=""),
                violation_error_message=_("Say which role."),
            ),
            models.CheckConstraint(
                name="role_benchmark_level_known",
                condition=Q(level="") | Q(level__in=Level.values),
            ),
        ]

    def __str__(self) -> str:
        return self.role
