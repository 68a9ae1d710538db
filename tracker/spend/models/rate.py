from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engagements.models.fields import FactorField
from engagements.models.record import Record, has_length
from engagements.models.validators import currency_code


class RateOrigin(models.TextChoices):
    REFERENCE = "reference", _("Reference rate")
    MANUAL = "manual", _("Entered by hand")


class ExchangeRate(Record):
    """What one unit of a currency was worth in another on a day.

    Holds what the shipped file doesn't: reference rates read since, of one euro, and
    those that a person gives. Postings keep the rate they used; none is re-rated.
    """

    currency = models.CharField(_("currency"), max_length=3, validators=[currency_code])
    quoted_in = models.CharField(
        _("worth in"), max_length=3, validators=[currency_code]
    )
    day = models.DateField(
        _("day"), help_text=_("It also serves the days after it that have none.")
    )
    factor = FactorField(
        _("rate"), help_text=_("What one unit of the currency is worth.")
    )
    origin = models.CharField(
        max_length=10,
        choices=RateOrigin.choices,
        default=RateOrigin.MANUAL,
        editable=False,
    )
    source = models.CharField(
        _("source"), max_length=60, help_text=_("Where the rate is from.")
    )

    class Meta:
        ordering = ["-day", "currency", "quoted_in"]
        verbose_name = _("exchange rate")
        constraints = [
            models.UniqueConstraint(
                name="exchange_rate_once_a_day",
                fields=["currency", "quoted_in", "day", "origin"],
                violation_error_message=_(
                    "There is such a rate for this day: edit it."
                ),
            ),
            models.CheckConstraint(
                name="exchange_rate_positive",
                condition=Q(factor__gt=0),
                violation_error_message=_("The rate must be above 0."),
            ),
            models.CheckConstraint(
                name="exchange_rate_between_two_currencies",
                condition=~Q(currency=F("quoted_in")),
                violation_error_message=_("Choose two currencies."),
            ),
            models.CheckConstraint(
                name="exchange_rate_currency_codes",
                condition=Q(has_length("currency", 3), has_length("quoted_in", 3)),
            ),
            models.CheckConstraint(
                name="exchange_rate_origin_known",
                condition=Q(origin__in=RateOrigin.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} in {self.quoted_in}, {self.day}"
